/*
 * occasion_model.c: the type occasion_model (BG/BB), its fit, and what it says of a customer.
 *
 * The text form is the constructor's call with names, and how it was fitted:
 *   bg_bb(alpha 1.204, beta 0.750, gamma 0.657, delta 2.783)
 */
#include "crm.h"

#include "base/shares.h"
#include "base/rows.h"
#include "lifetime/fit_state.h"
#include "lifetime/fitted_model.h"
#include "lifetime/occasions.h"
#include "models/fit_rows.h"

/* A fit of four parameters to fewer customers than this says nothing. */
#define FEWEST_CUSTOMERS 10

static const FittedType occasion_model = {"occasion_model", 1, &bg_bb_shape, NULL};

FITTED_MODEL_FUNCTIONS(occasion_model, occasion_model);

PG_FUNCTION_INFO_V1(crm_bg_bb);
Datum
crm_bg_bb(PG_FUNCTION_ARGS)
{
	double params[BG_BB_PARAMS] = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2),
								   PG_GETARG_FLOAT8(3)};

	PG_RETURN_FITTED_MODEL(fitted_model_create(&occasion_model, 0, params));
}

#ifdef WITHOUT_FIT

static Datum
fit_occasions(const FitState *state)
{
	(void) state;
	fit_is_missing();
}

#else

/* The rows of the fit, and of how many customers. */
static BgBbRow *
occasion_rows(const FitState *state, ModelFit *counts)
{
	FitGroup *groups = fit_state_sorted(state);
	BgBbRow	 *rows = palloc_extended(Max(state->ngroups, 1) * sizeof(BgBbRow), MCXT_ALLOC_HUGE);

	for (int i = 0; i < state->ngroups; i++)
	{
		const double *key = groups[i].key;

		rows[i] = (BgBbRow){(int) key[0], (int) key[1], (int) key[2], (double) groups[i].count};
		counts->customers += groups[i].count;
		if (rows[i].x > 0)
			counts->repeat_buyers += groups[i].count;
	}
	counts->left_out = state->left_out;
	return rows;
}

/* The model that fits the customers of a state best. */
static Datum
fit_occasions(const FitState *state)
{
	FitResult result;
	ModelFit  counts = {0};
	BgBbRow	 *rows = occasion_rows(state, &counts);

	if (counts.customers < FEWEST_CUSTOMERS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("too few customers to fit a model: " INT64_FORMAT, counts.customers),
						errdetail("A fit needs at least %d.", FEWEST_CUSTOMERS)));
	if (counts.repeat_buyers == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no customer has bought at an occasion, so there is nothing to fit")));
	if (!fit_bg_bb(state->ngroups, rows, fit_interrupted, &result))
		stop_fit();
	PG_RETURN_FITTED_MODEL(fitted_model_of_result(&occasion_model, 0, &result, &counts));
}

#endif /* WITHOUT_FIT */

PG_FUNCTION_INFO_V1(crm_fit_bg_bb);
Datum
crm_fit_bg_bb(PG_FUNCTION_ARGS)
{
	const FitState *state = PG_GETARG_FIT_STATE(0);

	if (state->kind != FIT_STATE_OCCASIONS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("this state is of the fit of another model")));
	return fit_occasions(state);
}

/*
 * (model, x, last_occasion, occasions, ahead, discount_rate) -> (p_alive, expected_purchases, dert):
 * P(still a customer at the next occasion), E[purchases at the next `ahead` ones], and at all to come, the next
 * one discounted by one period; NULL where that is infinite.
 */
PG_FUNCTION_INFO_V1(crm_occasion_forecast);
Datum
crm_occasion_forecast(PG_FUNCTION_ARGS)
{
	const FittedModel *model = CheckFittedPredicting(&occasion_model, PG_GETARG_FITTED_MODEL(0));
	BgBbRow c = CheckOccasions(PG_GETARG_INT32(1), PG_GETARG_INT32(2), PG_GETARG_INT32(3));
	int32	ahead = PG_GETARG_INT32(4);
	double	rate = PG_GETARG_FLOAT8(5);
	Datum	values[3];
	bool	nulls[3] = {false};
	double	discounted;

	if (ahead < 0 || ahead > OCCASIONS_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("a forecast cannot cover %d occasions", ahead),
						errdetail("Occasions ahead are 0 to %d.", OCCASIONS_MAX)));
	CheckDiscountRate(rate);
	discounted = bg_bb_discounted(model->params, &c, rate);
	values[0] = Float8GetDatum(bg_bb_p_alive(model->params, &c, 1));
	values[1] = Float8GetDatum(bg_bb_expected(model->params, &c, ahead));
	values[2] = Float8GetDatum(discounted);
	nulls[2] = !isfinite(discounted);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
