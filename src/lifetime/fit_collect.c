/*
 * fit_collect.c: what the fits see: the transition functions of their aggregates, and the combine function.
 *
 * They only group equal customers; the fit happens in the final functions (fit_agg.c, occasion_model.c). Those of spend models are in fit_spend.c.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "lifetime/btyd.h"
#include "lifetime/fit_collect.h"
#include "lifetime/fit_holdout.h"
#include "lifetime/fit_state.h"
#include "lifetime/occasions.h"
#include "lifetime/clock.h"
#include "lifetime/purchase_model.h"
#include "lifetime/season.h"

/* A history's customer joins a state; without purchase by as_of or of age 0 she is left out. */
static FitState *
accumulate_customer(FitState *state, const PurchaseHistory *h, DateADT as_of)
{
	BtydDays days;
	DateADT	 last;

	if (!btyd_at(h, as_of, &days) || days.age == 0)
	{
		fit_state_leave_out(state, 1);
		return state;
	}
	state = fit_state_add(state, days.x, days.t_x, days.age, 1);
	if (state->kind != FIT_STATE_REGULAR && state->kind != FIT_STATE_HOLDOUT)
		return state;
	last = h->entries[days.first].day;
	for (int i = days.first + 1; i < days.nentries; i++)
		if (h->entries[i].orders > 0)
		{
			state = fit_state_add(state, GAP_X, h->entries[i].day - last, 0, 1);
			last = h->entries[i].day;
		}
	return state;
}

/* (state, history, as_of [, unit_days]) */
static Datum
accumulate_history(FunctionCallInfo fcinfo, FitStateKind kind)
{
	FitState *state;

	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	state = fit_transition_state(fcinfo, kind, PG_NARGS() > 3 ? PG_GETARG_INT32(3) : 1, NULL, 0);
	PG_RETURN_POINTER(accumulate_customer(state, PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)),
										  PG_GETARG_DATEADT(2)));
}

/* (state, history, as_of, unit_days, holdout_days): a customer as of a day, and as of the day before what is held out. */
PG_FUNCTION_INFO_V1(crm_purchase_model_holdout);
Datum
crm_purchase_model_holdout(PG_FUNCTION_ARGS)
{
	const PurchaseHistory *h;
	DateADT				   as_of;
	int32				   holdout_days;
	FitState			  *state;

	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	as_of = PG_GETARG_DATEADT(2);
	holdout_days = PG_GETARG_INT32(4);
	if (holdout_days < 1 || holdout_days > 1000000)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("holdout_days of %d is out of range", holdout_days),
						errhint("A quarter of the days that the purchases span is usual.")));
	h = PG_GETARG_PURCHASES_KNOWN(1, as_of);
	state = fit_transition_state(fcinfo, FIT_STATE_HOLDOUT, PG_GETARG_INT32(3), NULL, 0);
	PG_RETURN_POINTER(holdout_add(accumulate_customer(state, h, as_of), h, as_of, holdout_days));
}

/* A customer joins by a season's clock, with her repeat purchase days by bin; more: her covariates, or NULL. */
FitState *
fit_add_seasoned(FitState *state, const PurchaseHistory *h, DateADT as_of, const Season *season,
				 const double *more)
{
	BtydDays days;
	Btyd	 c;

	if (!btyd_at(h, as_of, &days) || days.age == 0)
	{
		fit_state_leave_out(state, 1);
		return state;
	}
	c = btyd_by_clock(&days, season, as_of);
	state = fit_state_add_key(state, (double[]){c.x, c.t_x, c.age}, more, 1);
	for (int i = days.first + 1; i < days.nentries; i++)
		if (h->entries[i].orders > 0)
		{
			int bin = season_day(season->period, h->entries[i].day).bin;

			state = fit_state_add_key(state, (double[]){GAP_X, bin, 0}, more, 1);
		}
	return state;
}

/*
 * (state, history, as_of, season): a customer in days of the season's clock, and how many of her repeat purchase days lie in
 * each of its bins.
 */
PG_FUNCTION_INFO_V1(crm_purchase_model_seasoned);
Datum
crm_purchase_model_seasoned(PG_FUNCTION_ARGS)
{
	const Season *season;

	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	season = PG_GETARG_SEASON(3);
	PG_RETURN_POINTER(fit_add_seasoned(
		fit_transition_state(fcinfo, FIT_STATE_SEASONED, 1, season, 0),
		PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)), PG_GETARG_DATEADT(2), season, NULL));
}

PG_FUNCTION_INFO_V1(crm_purchase_model_history);
Datum
crm_purchase_model_history(PG_FUNCTION_ARGS)
{
	return accumulate_history(fcinfo, FIT_STATE_DAYS);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_gaps);
Datum
crm_purchase_model_gaps(PG_FUNCTION_ARGS)
{
	return accumulate_history(fcinfo, FIT_STATE_REGULAR);
}

/* (state, model, history, as_of): for a fit of the model's family, in its unit; for a choice, in days, without one. */
PG_FUNCTION_INFO_V1(crm_purchase_model_like);
Datum
crm_purchase_model_like(PG_FUNCTION_ARGS)
{
	FitStateKind kind = FIT_STATE_REGULAR;
	int32		 unit_days = 1;

	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return state_unchanged(fcinfo);
	if (!PG_ARGISNULL(1))
	{
		const PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(1);

		if (model->ntried == 0 && !model_ops(model)->has_k)
			kind = FIT_STATE_DAYS;
		unit_days = model->unit_days;
		if (purchase_model_season(model) != NULL)
			PG_RETURN_POINTER(
				fit_add_seasoned(fit_transition_state(fcinfo, FIT_STATE_SEASONED, unit_days,
													  purchase_model_season(model), 0),
								 PG_GETARG_PURCHASES_KNOWN(2, PG_GETARG_DATEADT(3)),
								 PG_GETARG_DATEADT(3), purchase_model_season(model), NULL));
	}
	PG_RETURN_POINTER(accumulate_customer(fit_transition_state(fcinfo, kind, unit_days, NULL, 0),
										  PG_GETARG_PURCHASES_KNOWN(2, PG_GETARG_DATEADT(3)),
										  PG_GETARG_DATEADT(3)));
}

/* A customer as plain numbers, in model units. */
PG_FUNCTION_INFO_V1(crm_purchase_model_numbers);
Datum
crm_purchase_model_numbers(PG_FUNCTION_ARGS)
{
	FitState *state;
	Btyd	  c;

	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	c = CheckBtyd(PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3));
	state = fit_transition_state(fcinfo, FIT_STATE_NUMBERS, PG_NARGS() > 4 ? PG_GETARG_INT32(4) : 1,
								 NULL, 0);
	if (c.age == 0)
		fit_state_leave_out(state, 1);
	else
		state = fit_state_add(state, c.x, c.t_x, c.age, 1);
	PG_RETURN_POINTER(state);
}

/* (state, x, last_occasion, occasions): a customer who could buy at so many occasions; without any she is left out. */
PG_FUNCTION_INFO_V1(crm_occasion_model_numbers);
Datum
crm_occasion_model_numbers(PG_FUNCTION_ARGS)
{
	FitState *state;
	BgBbRow	  c;

	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	c = CheckOccasions(PG_GETARG_INT32(1), PG_GETARG_INT32(2), PG_GETARG_INT32(3));
	state = fit_transition_state(fcinfo, FIT_STATE_OCCASIONS, 1, NULL, 0);
	if (c.n == 0)
		fit_state_leave_out(state, 1);
	else
		state = fit_state_add(state, c.x, c.last, c.n, 1);
	PG_RETURN_POINTER(state);
}

/* Strict: both states hold something. */
PG_FUNCTION_INFO_V1(crm_fit_state_combine);
Datum
crm_fit_state_combine(PG_FUNCTION_ARGS)
{
	FitState *other = PG_GETARG_FIT_STATE(1);
	FitState *given = PG_GETARG_FIT_STATE(0);
	FitState *state = fit_transition_state(fcinfo, given->kind, given->unit_days,
										   fit_state_head(given), given->more);

	PG_RETURN_POINTER(fit_state_merge(state, other));
}
