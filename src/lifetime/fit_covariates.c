/*
 * fit_covariates.c: fits of purchase models with covariates: their transition function, and from a state to a model.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "lifetime/btyd.h"
#include "lifetime/fit_collect.h"
#include "lifetime/fit_covariates.h"
#include "lifetime/fit_data.h"
#include "lifetime/fitted_model.h"
#include "lifetime/purchase_model.h"
#include "miscadmin.h"

/* A customer of the covariates c (NULL: left out), by the clock of a season if there is one. */
static Datum
accumulate(FunctionCallInfo fcinfo, int32 unit_days, const Season *season, const Covariates *c)
{
	const PurchaseHistory *h = PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2));
	DateADT				   as_of = PG_GETARG_DATEADT(2);
	const Covariates	  *names = c == NULL ? NULL : covariates_names(c);
	FitState			  *state =
		fit_transition_state(fcinfo, FIT_STATE_COVARIATES, unit_days, fit_given(names, season),
							 c == NULL ? 0 : covariates_count(c));
	BtydDays days;
	double	 numbers[COEFFICIENTS_MAX];

	if (c == NULL || !btyd_at(h, as_of, &days) || days.age == 0)
	{
		fit_state_leave_out(state, 1);
		PG_RETURN_POINTER(state);
	}
	covariates_numbers(c, numbers);
	PG_RETURN_POINTER(
		season != NULL
			? fit_add_seasoned(state, h, as_of, season, numbers)
			: fit_state_add_key(state, (double[]){days.x, days.t_x, days.age}, numbers, 1));
}

/* (state, history, as_of, covariates): without covariates a customer is left out. */
PG_FUNCTION_INFO_V1(crm_purchase_model_covariates);
Datum
crm_purchase_model_covariates(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return state_unchanged(fcinfo);
	return accumulate(fcinfo, 1, NULL, PG_ARGISNULL(3) ? NULL : PG_GETARG_COVARIATES(3));
}

/* (state, history, as_of, unit_days, season, covariates): season NULL for days; without covariates she is left out. */
PG_FUNCTION_INFO_V1(crm_purchase_model_season_covariates);
Datum
crm_purchase_model_season_covariates(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return state_unchanged(fcinfo);
	return accumulate(fcinfo, PG_GETARG_INT32(3), PG_ARGISNULL(4) ? NULL : PG_GETARG_SEASON(4),
					  PG_ARGISNULL(5) ? NULL : PG_GETARG_COVARIATES(5));
}

#ifdef WITHOUT_FIT

PurchaseModel *
fit_by_covariates(const FitState *state, int kind)
{
	(void) state;
	(void) kind;
	fit_is_missing();
}

#else

/* The groups of customers of equal covariates. */
static void
collect_groups(const FitState *state, FitGroup *groups, int n, CovariateData *data)
{
	int *starts;

	data->ngroups = fit_covariate_groups(state, groups, n, &starts);
	data->groups = palloc0(data->ngroups * sizeof(CovariateGroup));
	for (int i = 0; i < data->ngroups; i++)
	{
		FitGroup *first = fit_state_group(state, groups, starts[i]);

		CHECK_FOR_INTERRUPTS();
		memcpy(data->groups[i].z, first->more, state->more * sizeof(double));
		fit_data_of_groups(state, first, starts[i + 1] - starts[i], &data->groups[i].data);
	}
}

/* A model of a kind with coefficients of covariates, as the state's customers have them, by the clock of its season. */
PurchaseModel *
fit_by_covariates(const FitState *state, int kind)
{
	CovariateData	 data = {0};
	ModelCovariates *covariates = coefficients_create();
	FitGroup		*groups;
	FitResult		 result;
	ModelFit		 fit = {0};
	int				 n;
	int				 nparams;
	int				 separated;
	PurchaseModel	*model;

	covariates->coefficients = CheckFitNames(state);
	data.nbuying = covariates_of_buying(&covariates->coefficients);
	data.nleaving = covariates_of_leaving(&covariates->coefficients);
	groups = fit_data_of_state(state, fit_state_sorted(state), &data.all, &fit, &n);
	collect_groups(state, groups, n, &data);
	if (!fit_covariates(purchase_model_ops(kind), &data, fit_interrupted, &result, &separated))
		stop_fit();
	result.log_likelihood += data.all.log_season;
	model = purchase_model_of_result(&result, state->unit_days, &fit);
	if (fit_season_of(state) != NULL)
		model = purchase_model_with_season(model, fit_season_of(state));
	if (state->more == 0)
		return model;
	nparams = model_ops(model)->nparams;
	if (covariates_effect_on_leaving(result.kind).at < 0)
		covariates_drop_leaving(&covariates->coefficients);
	coefficients_set(covariates, &result, nparams, separated);
	return purchase_model_with_covariates(model, covariates);
}

#endif /* WITHOUT_FIT */
