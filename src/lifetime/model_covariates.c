/*
 * model_covariates.c: a purchase model with covariates: its estimates as rows, and what they make of it for one customer.
 */
#include "crm.h"

#include <math.h>

#include "base/rows.h"
#include "lifetime/purchase_model.h"
#include "utils/builtins.h"

/* Rows of (name, estimate, standard_error), coefficients behind the parameters; the error is NULL unless a fit converged. */
PG_FUNCTION_INFO_V1(crm_purchase_model_parameters);
Datum
crm_purchase_model_parameters(PG_FUNCTION_ARGS)
{
	FuncCallContext		*rows;
	const PurchaseModel *model;
	ModelShape			 shape;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, 0);
		rows->user_fctx = rows_copy_varlena(rows, PG_GETARG_PURCHASE_MODEL(0));
	}
	rows = SRF_PERCALL_SETUP();
	model = rows->user_fctx;
	shape = purchase_model_shape(model);
	return estimate_rows(fcinfo, rows, &shape, model->params, &model->fit,
						 purchase_model_covariates(model), covariates_number_name);
}

/* The slope of an estimate by what it is searched by: the log, or the log odds of a share; a coefficient is one itself. */
static double
estimate_slope(const PurchaseModel *model, int i)
{
	const PurchaseModelOps *ops = model_ops(model);

	if (i >= ops->nparams)
		return 1;
	return ops->units[i] == PARAM_SHARE ? model->params[i] * (1 - model->params[i])
										: model->params[i];
}

/* The slope of the log, or log odds, of a customer's parameter in that of an estimate, or in a coefficient. */
static double
slope(const PurchaseModel *model, const double *numbers, int parameter, int estimate)
{
	const Covariates *coefficients = &purchase_model_covariates(model)->coefficients;
	int				  i = estimate - model_ops(model)->nparams;
	CovariateEffect	  effect;

	if (i < 0)
		return parameter == estimate;
	effect = i < covariates_of_buying(coefficients) ? covariates_effect_on_buying(model->kind)
													: covariates_effect_on_leaving(model->kind);
	return parameter == effect.at ? effect.sign * numbers[i] : 0;
}

/* Covariances of a customer's own parameters, by the delta method from those of the estimates. */
static void
set_covariance(PurchaseModel *own, const PurchaseModel *model, const double *numbers)
{
	int nparams = model_ops(model)->nparams;
	int n = nparams + covariates_count(&purchase_model_covariates(model)->coefficients);

	for (int p = 0; p < nparams; p++)
		for (int q = 0; q <= p; q++)
		{
			double sum = 0;

			for (int i = 0; i < n; i++)
				for (int j = 0; j < n; j++)
				{
					double by = slope(model, numbers, p, i) * slope(model, numbers, q, j);

					if (by != 0)
						sum += by * purchase_model_covariance(model, i, j) /
							   estimate_slope(model, i) / estimate_slope(model, j);
				}
			own->fit.covariance[COVARIANCE_INDEX(p, q)] =
				sum * estimate_slope(own, p) * estimate_slope(own, q);
		}
}

/* (model, covariates): the model of a customer with these covariates; what it predicts is for her. */
PG_FUNCTION_INFO_V1(crm_model_for_customer);
Datum
crm_model_for_customer(PG_FUNCTION_ARGS)
{
	const PurchaseModel	  *model = PG_GETARG_PURCHASE_MODEL(0);
	const ModelCovariates *covariates = purchase_model_covariates(model);
	PurchaseParams		   params = model_params(model);
	PurchaseModel		  *own;
	double				   numbers[COEFFICIENTS_MAX];
	double				   effects[2] = {0, 0}; /* on buying, on leaving */
	int					   n;

	CheckHasCovariates(covariates);
	if (!model_fit_predicts(&model->fit))
	{
		ModelShape shape = purchase_model_shape(model);

		CheckUsable(&shape, &model->fit);
	}
	customer_numbers(covariates, PG_GETARG_COVARIATES(1), numbers);
	n = covariates_count(&covariates->coefficients);
	for (int i = 0; i < n; i++)
		effects[i < covariates_of_buying(&covariates->coefficients) ? 0 : 1] +=
			coefficient(covariates, i) * numbers[i];
	covariates_apply(&params, effects[0], effects[1]);
	own = purchase_model_create(model->kind, model->k, params.p, model->unit_days);
	own->fit = model->fit;
	if (model->fit.verdict == FIT_CONVERGED && n > 0)
		set_covariance(own, model, numbers);
	CheckPurchaseModel(own);
	PG_RETURN_PURCHASE_MODEL(purchase_model_season(model) == NULL
								 ? own
								 : purchase_model_with_season(own, purchase_model_season(model)));
}
