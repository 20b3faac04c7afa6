/*
 * fit_spend.c: the aggregate fit_gamma_gamma: its transition functions, and from its state to a model.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "lifetime/btyd.h"
#include "lifetime/fit_data.h"
#include "lifetime/fitted_model.h"
#include "lifetime/spend_model.h"
#include "models/fit.h"

static FitState *
accumulate(FitState *state, double x, double mean_spend, const double *covariates)
{
	if (x >= 1 && mean_spend > 0)
		return fit_state_add_key(state, (double[]){x, mean_spend, 0}, covariates, 1);
	fit_state_leave_out(state, 1);
	return state;
}

/* A history's customer; covariates: hers, or NULL. */
static FitState *
accumulate_history(FitState *state, const PurchaseHistory *h, DateADT as_of,
				   const double *covariates)
{
	BtydDays days;

	if (!btyd_at(h, as_of, &days))
		days.x = 0;
	return accumulate(state, days.x, btyd_mean_spend(&days), covariates);
}

PG_FUNCTION_INFO_V1(crm_spend_model_history);
Datum
crm_spend_model_history(PG_FUNCTION_ARGS)
{
	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	PG_RETURN_POINTER(accumulate_history(fit_transition_state(fcinfo, FIT_STATE_SPEND, 1, NULL, 0),
										 PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)),
										 PG_GETARG_DATEADT(2), NULL));
}

/* (state, history, as_of, covariates): those of how she buys; without covariates a customer is left out. */
PG_FUNCTION_INFO_V1(crm_spend_model_covariates);
Datum
crm_spend_model_covariates(PG_FUNCTION_ARGS)
{
	const Covariates *names = NULL;
	FitState		 *state;
	double			  numbers[COEFFICIENTS_MAX];

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return state_unchanged(fcinfo);
	if (!PG_ARGISNULL(3))
	{
		Covariates c;

		memcpy(&c, PG_GETARG_COVARIATES(3), sizeof(Covariates));
		if (c.sets == COVARIATES_OF_LEAVING)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a spend model has no coefficients of leaving"),
				 errhint("Give what may say how much a customer spends as numbers of buying.")));
		covariates_drop_leaving(&c);
		covariates_numbers(&c, numbers);
		names = covariates_names(&c);
	}
	state = fit_transition_state(fcinfo, FIT_STATE_SPEND_COVARIATES, 1, fit_given(names, NULL),
								 names == NULL ? 0 : covariates_count(names));
	if (names != NULL)
		PG_RETURN_POINTER(accumulate_history(state,
											 PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)),
											 PG_GETARG_DATEADT(2), numbers));
	fit_state_leave_out(state, 1);
	PG_RETURN_POINTER(state);
}

/* mean_spend of a repeat buyer; any number passes for one without repeat purchase, even none. */
PG_FUNCTION_INFO_V1(crm_spend_model_numbers);
Datum
crm_spend_model_numbers(PG_FUNCTION_ARGS)
{
	double x;
	double mean_spend;

	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	x = PG_GETARG_FLOAT8(1);
	mean_spend = PG_GETARG_FLOAT8(2);
	if (!(x >= 0 && x <= 1e9) || x != floor(x))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("x of %g is not possible", x),
				 errdetail("x is a number of repeat purchases, 0 or more.")));
	if (!(fabs(mean_spend) <= MEAN_SPEND_MAX))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("mean_spend of %g is out of range", mean_spend)));
	PG_RETURN_POINTER(
		accumulate(fit_transition_state(fcinfo, FIT_STATE_SPEND, 1, NULL, 0), x, mean_spend, NULL));
}

#ifdef WITHOUT_FIT

PG_FUNCTION_INFO_V1(crm_fit_gamma_gamma);
Datum
crm_fit_gamma_gamma(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	fit_is_missing();
}

#else

/* From sorted groups to what the fit runs over; amounts are divided by their mean, which is returned. */
static double
spend_data(const FitState *state, FitGroup *groups, SpendData *data)
{
	int		n = state->ngroups;
	double	mean = 0;
	int	   *places = fit_allocate(n, sizeof(int));
	double *values = fit_allocate(n, sizeof(double));

	data->nrows = n;
	data->rows = fit_allocate(n, sizeof(SpendRow));
	for (int i = 0; i < n; i++)
	{
		const FitGroup *group = fit_state_group(state, groups, i);

		values[i] = group->key[0];
		data->customers += group->count;
		mean += group->count * group->key[1];
	}
	CheckFitCustomers(data->customers, "repeat buyers with a positive mean spend");
	mean /= data->customers;
	data->nxs = index_values(values, n, places, &data->xs);
	data->by_x = fit_allocate(data->nxs, sizeof(data->by_x[0]));
	for (int i = 0; i < n; i++)
	{
		const FitGroup *group = fit_state_group(state, groups, i);

		data->rows[i].x = places[i];
		data->rows[i].mean_spend = group->key[1] / mean;
		data->rows[i].count = group->count;
	}
	return mean;
}

/* Customers of equal covariates, which stand behind each other. */
static void
spend_groups(const FitState *state, FitGroup *groups, SpendData *data)
{
	int *starts;

	if (state->more == 0)
		return;
	data->ncoefficients = state->more;
	data->ngroups = fit_covariate_groups(state, groups, state->ngroups, &starts);
	data->groups = palloc0(data->ngroups * sizeof(SpendGroup));
	for (int i = 0; i < data->ngroups; i++)
	{
		data->groups[i].nrows = starts[i + 1] - starts[i];
		memcpy(data->groups[i].z, fit_state_group(state, groups, starts[i])->more,
			   state->more * sizeof(double));
	}
}

/* The result in the currency of the amounts, of which the mean was taken for one. */
static void
scale_back(FitResult *result, const SpendData *data, double mean)
{
	const SpendModelShape *shape = &spend_shapes[result->kind];

	result->params[shape->money] *= mean;
	for (int i = 0; i < shape->nparams + data->ncoefficients; i++)
	{
		result->covariance[shape->money][i] *= mean;
		result->covariance[i][shape->money] *= mean;
	}
	if (result->kind != SPEND_ONE_PRICE)
		result->log_likelihood -= data->customers * log(mean);
}

PG_FUNCTION_INFO_V1(crm_fit_gamma_gamma);
Datum
crm_fit_gamma_gamma(PG_FUNCTION_ARGS)
{
	const FitState	*state = PG_GETARG_FIT_STATE(0);
	ModelCovariates *covariates = coefficients_create();
	FitGroup		*groups = fit_state_sorted(state);
	SpendData		 data = {0};
	FitResult		 result;
	ModelFit		 fit = {0};
	SpendModel		*model;
	double			 mean;
	int				 nparams;
	int				 separated;

	if (fit_state_has_covariates(state->kind))
		covariates->coefficients = CheckFitNames(state);
	mean = spend_data(state, groups, &data);
	spend_groups(state, groups, &data);
	if (!fit_spend_model(&data, fit_interrupted, &result, &separated))
		stop_fit();
	scale_back(&result, &data, mean);
	nparams = spend_shapes[result.kind].nparams;
	fit.customers = fit.repeat_buyers = (int64) data.customers;
	fit.left_out = state->left_out;
	clamp_parameters(&result, nparams, NULL);
	model_fit_set(&fit, &result, nparams);
	model = spend_model_create(result.kind, result.params);
	model->fit = fit;
	if (state->more == 0)
		PG_RETURN_SPEND_MODEL(model);
	coefficients_set(covariates, &result, nparams, separated);
	PG_RETURN_SPEND_MODEL(spend_model_with_covariates(model, covariates));
}

#endif /* WITHOUT_FIT */
