/*
 * contract_model.c: the type contract_model, its fit to a renewal_curve, and what it tells.
 *
 * The text form is the constructor's call with names, and how it was fitted:
 *   beta_geometric(gamma 0.704, delta 1.182)
 * customers of the fit are those of the curve, repeat_buyers those renewed at least once.
 */
#include "crm.h"

#include <math.h>

#include "base/shares.h"
#include "lifetime/fitted_model.h"
#include "lifetime/renewals.h"
#include "models/fit_rows.h"

/* t^c is soon beyond any size, and a probability below 1. */
static void
CheckContractModel(const FittedModel *model)
{
	double c = model->kind == CONTRACT_BETA_DISCRETE_WEIBULL ? model->params[2]
			   : model->kind == CONTRACT_DISCRETE_WEIBULL	 ? model->params[1]
															 : 1;

	if (c > 100)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("parameter c of contract_model is out of range: %g", c),
						errdetail("It is at most 100.")));
	if (contract_has_probability(model->kind) && model->params[0] >= 1)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("parameter %s of contract_model is out of range: %g",
							   contract_shapes[model->kind].param_names[0], model->params[0]),
						errdetail("It is a probability below 1.")));
}

static const FittedType contract_model = {"contract_model", CONTRACT_MODEL_KINDS, contract_shapes,
										  CheckContractModel};

FITTED_MODEL_FUNCTIONS(contract_model, contract_model);

PG_FUNCTION_INFO_V1(crm_beta_geometric);
Datum
crm_beta_geometric(PG_FUNCTION_ARGS)
{
	double params[] = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1)};

	PG_RETURN_FITTED_MODEL(fitted_model_create(&contract_model, CONTRACT_BETA_GEOMETRIC, params));
}

PG_FUNCTION_INFO_V1(crm_beta_discrete_weibull);
Datum
crm_beta_discrete_weibull(PG_FUNCTION_ARGS)
{
	double params[] = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)};

	PG_RETURN_FITTED_MODEL(
		fitted_model_create(&contract_model, CONTRACT_BETA_DISCRETE_WEIBULL, params));
}

PG_FUNCTION_INFO_V1(crm_exponential_gamma);
Datum
crm_exponential_gamma(PG_FUNCTION_ARGS)
{
	double params[] = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1)};

	PG_RETURN_FITTED_MODEL(
		fitted_model_create(&contract_model, CONTRACT_EXPONENTIAL_GAMMA, params));
}

#ifdef WITHOUT_FIT

static Datum
fit_contracts(const AgeCounts *curve, int kind)
{
	(void) curve;
	(void) kind;
	fit_is_missing();
}

#else

/* The ages that count somebody, as the fit wants them. */
static ContractData
contract_data(const AgeCounts *curve)
{
	ContractData data = {.customers = (double) renewal_curve_customers(curve, 0)};

	if (data.customers == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there are no contracts to fit a model to")));
	data.rows = palloc_extended(curve->nages * sizeof(ContractRow), MCXT_ALLOC_HUGE);
	for (int i = 0; i < curve->nages; i++)
		if (curve->ages[i].happened != 0 || (i > 0 && curve->ages[i].ended != 0))
			data.rows[data.nrows++] =
				(ContractRow){i, (double) curve->ages[i].happened, (double) curve->ages[i].ended};
	return data;
}

/* The model of a kind that fits a curve best. */
static Datum
fit_contracts(const AgeCounts *curve, int kind)
{
	ContractData data = contract_data(curve);
	FitResult	 result;
	ModelFit	 counts = {0};

	if (!fit_contract_model(kind, &data, fit_interrupted, &result))
		stop_fit();
	counts.customers = (int64) data.customers;
	counts.repeat_buyers = renewal_curve_customers(curve, 0);
	if (curve->nages > 0)
		counts.repeat_buyers -= curve->ages[0].ended;
	if (curve->nages > 1)
		counts.repeat_buyers -= curve->ages[1].happened;
	PG_RETURN_FITTED_MODEL(fitted_model_of_result(&contract_model, result.kind, &result, &counts));
}

#endif /* WITHOUT_FIT */

PG_FUNCTION_INFO_V1(crm_fit_beta_geometric);
Datum
crm_fit_beta_geometric(PG_FUNCTION_ARGS)
{
	return fit_contracts(PG_GETARG_AGE_COUNTS(0), CONTRACT_BETA_GEOMETRIC);
}

PG_FUNCTION_INFO_V1(crm_fit_beta_discrete_weibull);
Datum
crm_fit_beta_discrete_weibull(PG_FUNCTION_ARGS)
{
	return fit_contracts(PG_GETARG_AGE_COUNTS(0), CONTRACT_BETA_DISCRETE_WEIBULL);
}

PG_FUNCTION_INFO_V1(crm_fit_exponential_gamma);
Datum
crm_fit_exponential_gamma(PG_FUNCTION_ARGS)
{
	return fit_contracts(PG_GETARG_AGE_COUNTS(0), CONTRACT_EXPONENTIAL_GAMMA);
}

/* A model that can predict. */
static const FittedModel *
predicting(FunctionCallInfo fcinfo)
{
	return CheckFittedPredicting(&contract_model, PG_GETARG_FITTED_MODEL(0));
}

/* A number of periods or renewals. */
static inline int
CheckPeriods(int periods, const char *name)
{
	if (unlikely(periods < 0))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s cannot be negative: %d", name, periods)));
	return periods;
}

/* (model, periods, renewals): P(there periods later | there after so many renewals). */
PG_FUNCTION_INFO_V1(crm_contract_survival);
Datum
crm_contract_survival(PG_FUNCTION_ARGS)
{
	const FittedModel *model = predicting(fcinfo);
	int				   periods = CheckPeriods(PG_GETARG_INT32(1), "periods");
	int				   renewals = CheckPeriods(PG_GETARG_INT32(2), "renewals");

	PG_RETURN_FLOAT8(exp(contract_log_survival(model->kind, model->params, renewals, periods)));
}

/* A lifetime that ends by the discount alone takes more periods than there are numbers for where the rate is less. */
#define SMALLEST_DISCOUNT 1e-300

/* A discount rate a period under which a lifetime is finite. */
static double
CheckFiniteLifetime(const FittedModel *model, double rate)
{
	CheckDiscountRate(rate);
	if (rate < SMALLEST_DISCOUNT && !contract_lifetime_is_finite(model->kind, model->params))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("expected lifetime is infinite without a discount"),
						errdetail("So few of those who stay long ever leave."),
						errhint("Give a discount rate above 0.")));
	return rate;
}

/* (model, rate): discounted periods of a customer to come, the first of which is certain. */
PG_FUNCTION_INFO_V1(crm_expected_lifetime);
Datum
crm_expected_lifetime(PG_FUNCTION_ARGS)
{
	const FittedModel *model = predicting(fcinfo);
	double			   rate = CheckFiniteLifetime(model, PG_GETARG_FLOAT8(1));

	PG_RETURN_FLOAT8(contract_lifetime(model->kind, model->params, 0, rate));
}

/* (model, renewals, rate): those ahead of a customer whose next renewal is due now. */
PG_FUNCTION_INFO_V1(crm_residual_lifetime);
Datum
crm_residual_lifetime(PG_FUNCTION_ARGS)
{
	const FittedModel *model = predicting(fcinfo);
	int				   renewals = CheckPeriods(PG_GETARG_INT32(1), "renewals");
	double			   rate = CheckFiniteLifetime(model, PG_GETARG_FLOAT8(2));

	if (contract_is_continuous(model->kind))
		PG_RETURN_FLOAT8(contract_lifetime(model->kind, model->params, renewals, rate));
	PG_RETURN_FLOAT8(exp(contract_log_survival(model->kind, model->params, renewals, 1)) *
					 contract_lifetime(model->kind, model->params, renewals + 1.0, rate));
}

/* (model, renewals, rate): how many per cent of residual lifetime one per cent of retention is. */
PG_FUNCTION_INFO_V1(crm_retention_elasticity);
Datum
crm_retention_elasticity(PG_FUNCTION_ARGS)
{
	const FittedModel *model = predicting(fcinfo);
	int				   renewals = CheckPeriods(PG_GETARG_INT32(1), "renewals");
	double			   rate = CheckFiniteLifetime(model, PG_GETARG_FLOAT8(2));

	if (contract_is_continuous(model->kind) || rate == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("retention elasticity needs a model of renewals and a discount rate "
							   "above 0")));
	PG_RETURN_FLOAT8(contract_elasticity(model->kind, model->params, renewals, rate));
}
