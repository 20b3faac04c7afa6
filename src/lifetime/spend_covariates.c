/*
 * spend_covariates.c: a spend model with covariates: its estimates as rows, and what they make of it for one customer.
 *
 * A customer with covariates z pays exp(g'z) times as much: v is that many times as large, or what a limit has in its place.
 */
#include "crm.h"

#include "base/rows.h"
#include "lifetime/spend_model.h"
#include "utils/builtins.h"

/* Rows of (name, estimate, standard_error), coefficients behind the parameters; the error is NULL unless a fit converged. */
PG_FUNCTION_INFO_V1(crm_spend_model_parameters);
Datum
crm_spend_model_parameters(PG_FUNCTION_ARGS)
{
	FuncCallContext	 *rows;
	const SpendModel *model;
	ModelShape		  shape;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, 0);
		rows->user_fctx = rows_copy_varlena(rows, PG_GETARG_SPEND_MODEL(0));
	}
	rows = SRF_PERCALL_SETUP();
	model = rows->user_fctx;
	shape = spend_model_shape(model);
	return estimate_rows(fcinfo, rows, &shape, model->params, &model->fit,
						 spend_model_covariates(model), spend_coefficient_name);
}

/* Covariances of a customer's own parameters: the log of what is an amount has g'z added to it. */
static void
set_covariance(SpendModel *own, const SpendModel *model, const double *numbers)
{
	const ModelCovariates *covariates = spend_model_covariates(model);
	int					   nparams = spend_shapes[model->kind].nparams;
	int					   money = spend_shapes[model->kind].money;
	int					   n = nparams + covariates_count(&covariates->coefficients);

	for (int p = 0; p < nparams; p++)
		for (int q = 0; q <= p; q++)
		{
			double sum = 0;

			for (int i = 0; i < n; i++)
				for (int j = 0; j < n; j++)
				{
					double by = (i < nparams ? (i == p) / model->params[i]
											 : (p == money) * numbers[i - nparams]) *
								(j < nparams ? (j == q) / model->params[j]
											 : (q == money) * numbers[j - nparams]);

					if (by != 0)
						sum += by * coefficients_covariance(covariates, &model->fit, nparams, i, j);
				}
			own->fit.covariance[COVARIANCE_INDEX(p, q)] = sum * own->params[p] * own->params[q];
		}
}

/* (spend, covariates): the spend model of a customer with these covariates. */
PG_FUNCTION_INFO_V1(crm_spend_for_customer);
Datum
crm_spend_for_customer(PG_FUNCTION_ARGS)
{
	const SpendModel	  *model = PG_GETARG_SPEND_MODEL(0);
	const ModelCovariates *covariates = spend_model_covariates(model);
	double				   params[SPEND_PARAMS];
	double				   numbers[COEFFICIENTS_MAX];
	double				   effect = 0;
	SpendModel			  *own;

	CheckHasCovariates(covariates);
	if (!model_fit_predicts(&model->fit))
	{
		ModelShape shape = spend_model_shape(model);

		CheckUsable(&shape, &model->fit);
	}
	customer_numbers(covariates, PG_GETARG_COVARIATES(1), numbers);
	for (int i = 0; i < covariates_count(&covariates->coefficients); i++)
		effect += coefficient(covariates, i) * numbers[i];
	memcpy(params, model->params, sizeof(params));
	spend_apply(model->kind, params, effect);
	own = spend_model_create(model->kind, params);
	own->fit = model->fit;
	if (model->fit.verdict == FIT_CONVERGED)
		set_covariance(own, model, numbers);
	PG_RETURN_SPEND_MODEL(CheckSpendModel(own));
}
