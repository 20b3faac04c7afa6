/*
 * season_agg.c: the aggregate season(history, as_of, period): from histories to when in the year they buy.
 *
 * The state is that of the fits (fit_state.h): customers of n purchase days strictly between two days, as groups, and how
 * many purchase days there are of each bin.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "lifetime/btyd.h"
#include "lifetime/fit_state.h"
#include "lifetime/fitted_model.h"
#include "lifetime/season.h"

/* (state, history, as_of, period) */
PG_FUNCTION_INFO_V1(crm_season_transition);
Datum
crm_season_transition(PG_FUNCTION_ARGS)
{
	const PurchaseHistory *h;
	FitState			  *state;
	BtydDays			   days;
	DateADT				   first;
	int					   period;
	int					   n = 0;

	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	h = PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2));
	period = season_period_of_text(PG_GETARG_TEXT_PP(3));
	state = fit_transition_state(fcinfo, FIT_STATE_SEASON, SEASON_UNIT_DAYS(period), NULL, 0);
	if (!btyd_at(h, PG_GETARG_DATEADT(2), &days) || days.x < 2)
	{
		fit_state_leave_out(state, 1);
		PG_RETURN_POINTER(state);
	}
	first = PG_GETARG_DATEADT(2) - days.age;
	state = fit_state_add(state, days.x - 1, first, first + days.t_x, 1);
	for (int i = days.first + 1; n < days.x - 1; i++)
		if (h->entries[i].orders > 0)
		{
			state = fit_state_add(state, GAP_X, season_day(period, h->entries[i].day).bin, 0, 1);
			n++;
		}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_season_final);
Datum
crm_season_final(PG_FUNCTION_ARGS)
{
	const FitState *state = PG_GETARG_FIT_STATE(0);
	int				period = SEASON_PERIOD(state->unit_days);
	FitGroup	   *groups;
	SeasonData		data = {0};
	SeasonFit		fit;
	Season		   *season;

	if (state->kind != FIT_STATE_SEASON)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("this state is of the fit of another model")));
	season = season_create(period);
	groups = fit_state_sorted(state);
	data.year = *season_year(period);
	data.groups =
		MemoryContextAllocHuge(CurrentMemoryContext, Max(state->ngroups, 1) * sizeof(SeasonGroup));
	for (int i = 0; i < state->ngroups; i++)
	{
		const FitGroup *group = &groups[i];

		if (group->key[0] == GAP_X)
		{
			data.purchases[(int) group->key[1]] = group->count;
			season->bins[(int) group->key[1]].purchases = group->count;
			continue;
		}
		data.groups[data.ngroups++] =
			(SeasonGroup){group->count, group->key[0], season_day(period, (DateADT) group->key[1]),
						  season_day(period, (DateADT) group->key[2] - 1)};
		season->first_on = season->customers == 0 ? (DateADT) group->key[1]
												  : Min(season->first_on, (DateADT) group->key[1]);
		season->last_on = season->customers == 0 ? (DateADT) group->key[2]
												 : Max(season->last_on, (DateADT) group->key[2]);
		season->customers = fit_add_counts(season->customers, group->count);
	}
	if (season->customers == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no customer has bought between two purchases, so there is no season to find"),
			 errdetail(INT64_FORMAT " customers have at most two purchase days.", state->left_out),
			 errhint("Fit without a season.")));
	if (!fit_season(&data, fit_interrupted, &fit))
		stop_fit();
	if (!fit.converged)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the season of these purchases could not be found"),
						errhint("Fit without a season.")));
	for (int b = 0; b < data.year.nbins; b++)
	{
		season->bins[b].s = fit.s[b];
		season->bins[b].error = fit.error[b];
	}
	PG_RETURN_POINTER(CheckSeason(season));
}
