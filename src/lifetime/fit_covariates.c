/*
 * fit_covariates.c: fits of purchase models with covariates: their transition function, and from a state to a model.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "lifetime/btyd.h"
#include "lifetime/fit_covariates.h"
#include "lifetime/fit_data.h"
#include "lifetime/fitted_model.h"
#include "lifetime/purchase_model.h"
#include "miscadmin.h"

/* (state, history, as_of, covariates): without covariates a customer is left out. */
PG_FUNCTION_INFO_V1(crm_purchase_model_covariates);
Datum
crm_purchase_model_covariates(PG_FUNCTION_ARGS)
{
	const Covariates *c = NULL;
	const Covariates *names = NULL;
	FitState		 *state;
	BtydDays		  days;
	double			  numbers[COEFFICIENTS_MAX];

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return state_unchanged(fcinfo);
	if (!PG_ARGISNULL(3))
	{
		c = PG_GETARG_COVARIATES(3);
		names = covariates_names(c);
	}
	state = fit_transition_state(fcinfo, FIT_STATE_COVARIATES, 1, names,
								 c == NULL ? 0 : covariates_count(c));
	if (c == NULL ||
		!btyd_at(PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)), PG_GETARG_DATEADT(2), &days) ||
		days.age == 0)
	{
		fit_state_leave_out(state, 1);
		PG_RETURN_POINTER(state);
	}
	covariates_numbers(c, numbers);
	PG_RETURN_POINTER(fit_state_add_key(state, (double[]){days.x, days.t_x, days.age}, numbers, 1));
}

#ifdef WITHOUT_FIT

Datum
fit_by_covariates(const FitState *state, int kind)
{
	(void) state;
	(void) kind;
	fit_is_missing();
}

#else

/* Whether two groups of a state have the same covariates. */
static bool
same_covariates(const FitState *state, const FitGroup *a, const FitGroup *b)
{
	return state->more == 0 || memcmp(a->more, b->more, state->more * sizeof(double)) == 0;
}

/* A covariate that is the same for all says nothing. */
static void
CheckVaries(const CovariateData *data, const Covariates *names)
{
	for (int i = 0; i < data->nbuying + data->nleaving; i++)
	{
		bool varies = false;

		for (int j = 1; j < data->ngroups && !varies; j++)
			varies = data->groups[j].z[i] != data->groups[0].z[i];
		if (!varies)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("covariate %s is the same for all customers",
								   covariates_number_name(names, i)),
							errhint("Leave it out.")));
	}
}

/* The groups of customers of equal covariates, which stand behind each other. */
static void
collect_groups(const FitState *state, FitGroup *groups, CovariateData *data)
{
	int first = 0;

	data->groups = palloc(COVARIATE_GROUPS_MAX * sizeof(CovariateGroup));
	for (int i = 1; i <= state->ngroups; i++)
	{
		CovariateGroup *group;

		if (i < state->ngroups && same_covariates(state, fit_state_group(state, groups, first),
												  fit_state_group(state, groups, i)))
			continue;
		CHECK_FOR_INTERRUPTS();
		if (data->ngroups == COVARIATE_GROUPS_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many different covariates for one fit"),
					 errdetail("There are at most %d combinations of them.", COVARIATE_GROUPS_MAX),
					 errhint("Round numbers, or cut them into classes.")));
		group = memset(&data->groups[data->ngroups++], 0, sizeof(CovariateGroup));
		if (state->more > 0)
			memcpy(group->z, fit_state_group(state, groups, first)->more,
				   state->more * sizeof(double));
		fit_data_of_groups(state, fit_state_group(state, groups, first), i - first, &group->data);
		first = i;
	}
}

Datum
fit_by_covariates(const FitState *state, int kind)
{
	FitGroup		*groups = fit_state_sorted(state);
	CovariateData	 data = {0};
	ModelCovariates *covariates = palloc0(sizeof(ModelCovariates));
	FitResult		 result;
	ModelFit		 fit = {0};
	int				 nparams = purchase_model_ops(kind)->nparams;
	int				 separated;
	PurchaseModel	*model;

	if (state->head == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("no customer has covariates, so there is nothing to fit"),
						errdetail(INT64_FORMAT " customers have none.", state->left_out)));
	memcpy(&covariates->coefficients, fit_state_head(state), sizeof(Covariates));
	data.nbuying = covariates_of_buying(&covariates->coefficients);
	data.nleaving = covariates_of_leaving(&covariates->coefficients);
	fit_data_of_state(state, groups, &data.all, &fit);
	collect_groups(state, groups, &data);
	CheckVaries(&data, &covariates->coefficients);
	if (!fit_covariates(purchase_model_ops(kind), &data, fit_interrupted, &result, &separated))
		stop_fit();
	if (result.kind != kind && state->more > 0)
		elog(ERROR, "a fit with covariates ended in a limit");
	for (int i = 0; i < purchase_model_ops(result.kind)->nparams; i++)
		result.params[i] = Min(Max(result.params[i], PARAM_MIN), PARAM_MAX);
	model_fit_set(&fit, &result, purchase_model_ops(result.kind)->nparams);
	model = purchase_model_create(result.kind, 1, result.params, state->unit_days);
	model->fit = fit;
	if (state->more == 0)
		PG_RETURN_PURCHASE_MODEL(CheckPurchaseModel(model));
	covariates_set_numbers(&covariates->coefficients, result.params + nparams);
	covariates->separated = separated + 1;
	for (int i = nparams; i < nparams + state->more && result.verdict == FIT_CONVERGED; i++)
		for (int j = 0; j <= i; j++)
			covariates->covariance[COVARIANCE_INDEX(i, j) - FIT_COVARIANCES] =
				result.covariance[i][j];
	PG_RETURN_PURCHASE_MODEL(purchase_model_with_covariates(model, covariates));
}

#endif /* WITHOUT_FIT */
