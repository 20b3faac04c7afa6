/*
 * contract_model.c: the type contract_model, its fit to a renewal_curve, and what it tells.
 *
 * The text form is the constructor's call with names, and how it was fitted:
 *   beta_geometric(gamma 0.704, delta 1.182)
 * customers of the fit are those of the curve, repeat_buyers those renewed at least once.
 */
#include "crm.h"

#include <math.h>

#include "base/value.h"
#include "lifetime/fit_record.h"
#include "lifetime/renewals.h"
#include "miscadmin.h"
#include "models/contract.h"
#include "models/fit_contract.h"
#include "utils/builtins.h"

#define CONTRACT_MODEL_VERSION 1

typedef struct ContractModel
{
	int32	 vl_len_; /* varlena header, do not touch */
	uint16	 version; /* CONTRACT_MODEL_VERSION */
	uint16	 kind;	  /* ContractModelKind */
	double	 params[CONTRACT_PARAMS];
	ModelFit fit;
} ContractModel;

/* The type's storage is plain: values are never packed or toasted in tables. */
#define PG_GETARG_CONTRACT_MODEL(n) ((ContractModel *) PG_GETARG_VARLENA_P(n))
#define PG_RETURN_CONTRACT_MODEL(m) PG_RETURN_POINTER(m)

static ModelShape
shape_of(const ContractModel *model)
{
	const ContractShape *contract = &contract_shapes[model->kind];
	ModelShape shape = {"contract_model", contract->nparams, contract->param_names, NULL, NULL};

	return shape;
}

/* Everything that input, receive and the constructors promise. */
static ContractModel *
CheckContractModel(ContractModel *model)
{
	ModelShape shape = shape_of(model);

	CheckParameters(&shape, model->params);
	if (model->kind == CONTRACT_BETA_DISCRETE_WEIBULL && model->params[2] > 100)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("parameter c of contract_model is out of range: %g", model->params[2]),
				 errdetail("It is at most 100.")));
	CheckModelFit(&shape, &model->fit);
	return model;
}

static ContractModel *
allocate(int kind)
{
	ContractModel *model = palloc0(sizeof(ContractModel));

	SET_VARSIZE(model, sizeof(ContractModel));
	model->version = CONTRACT_MODEL_VERSION;
	model->kind = kind;
	return model;
}

/* A model of known parameters; errors name the one that is out of range. */
static ContractModel *
model_of(int kind, const double *params)
{
	ContractModel *model = allocate(kind);

	memcpy(model->params, params, contract_shapes[kind].nparams * sizeof(double));
	return CheckContractModel(model);
}

static int
scan_kind(Scanner *s)
{
	for (int kind = 0; kind < CONTRACT_MODEL_KINDS; kind++)
		if (scan_try_word(s, contract_shapes[kind].name))
			return kind;
	scan_error(s, "beta_geometric, beta_discrete_weibull or exponential_gamma");
	pg_unreachable();
}

PG_FUNCTION_INFO_V1(crm_contract_model_in);
Datum
crm_contract_model_in(PG_FUNCTION_ARGS)
{
	Scanner		   s = scan_start("contract_model", PG_GETARG_CSTRING(0));
	ContractModel *model = allocate(scan_kind(&s));
	ModelShape	   shape = shape_of(model);

	scan_char(&s, '(');
	for (int i = 0; i < shape.nparams; i++)
	{
		if (i > 0)
			scan_char(&s, ',');
		scan_word(&s, shape.param_names[i]);
		model->params[i] = scan_float8(&s);
	}
	scan_char(&s, ')');
	model_fit_scan(&s, &shape, &model->fit);
	scan_end(&s);
	PG_RETURN_CONTRACT_MODEL(CheckContractModel(model));
}

PG_FUNCTION_INFO_V1(crm_contract_model_out);
Datum
crm_contract_model_out(PG_FUNCTION_ARGS)
{
	ContractModel *model = PG_GETARG_CONTRACT_MODEL(0);
	ModelShape	   shape = shape_of(model);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s(", contract_shapes[model->kind].name);
	for (int i = 0; i < shape.nparams; i++)
	{
		appendStringInfo(&out, "%s%s ", i > 0 ? ", " : "", shape.param_names[i]);
		append_float8(&out, model->params[i]);
	}
	appendStringInfoChar(&out, ')');
	model_fit_append_text(&out, &shape, &model->fit);
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_contract_model_send);
Datum
crm_contract_model_send(PG_FUNCTION_ARGS)
{
	ContractModel *model = PG_GETARG_CONTRACT_MODEL(0);
	ModelShape	   shape = shape_of(model);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, model->version);
	pq_sendint16(&out, model->kind);
	for (int i = 0; i < shape.nparams; i++)
		pq_sendfloat8(&out, model->params[i]);
	model_fit_send(&out, &shape, &model->fit);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_contract_model_recv);
Datum
crm_contract_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	   message = (StringInfo) PG_GETARG_POINTER(0);
	int			   version = pq_getmsgint(message, 2);
	int			   kind = pq_getmsgint(message, 2);
	ContractModel *model;
	ModelShape	   shape;

	if (version != CONTRACT_MODEL_VERSION || kind >= CONTRACT_MODEL_KINDS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown contract_model of version %d, kind %d", version, kind)));
	model = allocate(kind);
	shape = shape_of(model);
	for (int i = 0; i < shape.nparams; i++)
		model->params[i] = pq_getmsgfloat8(message);
	model_fit_recv(message, &shape, &model->fit);
	PG_RETURN_CONTRACT_MODEL(CheckContractModel(model));
}

/* {"model", parameters, fit}; for tools. */
PG_FUNCTION_INFO_V1(crm_contract_model_to_jsonb);
Datum
crm_contract_model_to_jsonb(PG_FUNCTION_ARGS)
{
	ContractModel *model = PG_GETARG_CONTRACT_MODEL(0);
	ModelShape	   shape = shape_of(model);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"model\":\"%s\"", contract_shapes[model->kind].name);
	for (int i = 0; i < shape.nparams; i++)
	{
		appendStringInfo(&json, ",\"%s\":", shape.param_names[i]);
		append_float8(&json, model->params[i]);
	}
	model_fit_append_json(&json, &shape, &model->fit);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

VALUE_FUNCTIONS(contract_model, value_bytes_order, value_bytes);

PG_FUNCTION_INFO_V1(crm_beta_geometric);
Datum
crm_beta_geometric(PG_FUNCTION_ARGS)
{
	double params[] = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1)};

	PG_RETURN_CONTRACT_MODEL(model_of(CONTRACT_BETA_GEOMETRIC, params));
}

PG_FUNCTION_INFO_V1(crm_beta_discrete_weibull);
Datum
crm_beta_discrete_weibull(PG_FUNCTION_ARGS)
{
	double params[] = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)};

	PG_RETURN_CONTRACT_MODEL(model_of(CONTRACT_BETA_DISCRETE_WEIBULL, params));
}

PG_FUNCTION_INFO_V1(crm_exponential_gamma);
Datum
crm_exponential_gamma(PG_FUNCTION_ARGS)
{
	double params[] = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1)};

	PG_RETURN_CONTRACT_MODEL(model_of(CONTRACT_EXPONENTIAL_GAMMA, params));
}

#ifdef WITHOUT_FIT

static Datum
fit_contracts(const AgeCounts *curve, int kind)
{
	(void) curve;
	(void) kind;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("this build of crm cannot fit models"),
			 errdetail("It was built with WITHOUT_FIT=1, without the library NLopt.")));
	pg_unreachable();
}

#else

/* Called within NLopt: must not raise. */
static bool
interrupted(void)
{
	return InterruptPending && (QueryCancelPending || ProcDiePending);
}

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
	ContractData   data = contract_data(curve);
	int			   n = contract_shapes[kind].nparams;
	FitResult	   result;
	ContractModel *model;

	if (!fit_contract_model(kind, &data, interrupted, &result))
	{
		CHECK_FOR_INTERRUPTS();
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("fit was interrupted")));
	}
	for (int i = 0; i < n; i++)
		result.params[i] = Min(Max(result.params[i], PARAM_MIN), PARAM_MAX);
	model = model_of(kind, result.params);
	model_fit_set(&model->fit, &result, n);
	model->fit.customers = (int64) data.customers;
	model->fit.repeat_buyers = renewal_curve_customers(curve, 0);
	if (curve->nages > 0)
		model->fit.repeat_buyers -= curve->ages[0].ended;
	if (curve->nages > 1)
		model->fit.repeat_buyers -= curve->ages[1].happened;
	PG_RETURN_CONTRACT_MODEL(CheckContractModel(model));
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

PG_FUNCTION_INFO_V1(crm_contract_model_parameters);
Datum
crm_contract_model_parameters(PG_FUNCTION_ARGS)
{
	ContractModel *model = PG_GETARG_CONTRACT_MODEL(0);
	ModelShape	   shape = shape_of(model);

	return model_parameters(fcinfo, &shape, model->params, &model->fit);
}

PG_FUNCTION_INFO_V1(crm_contract_model_is_converged);
Datum
crm_contract_model_is_converged(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(model_fit_predicts(&PG_GETARG_CONTRACT_MODEL(0)->fit));
}

PG_FUNCTION_INFO_V1(crm_contract_model_fit_verdict);
Datum
crm_contract_model_fit_verdict(PG_FUNCTION_ARGS)
{
	ContractModel *model = PG_GETARG_CONTRACT_MODEL(0);
	ModelShape	   shape = shape_of(model);

	PG_RETURN_TEXT_P(cstring_to_text(model_fit_reason(&shape, &model->fit)));
}

PG_FUNCTION_INFO_V1(crm_contract_model_log_likelihood);
Datum
crm_contract_model_log_likelihood(PG_FUNCTION_ARGS)
{
	return model_log_likelihood(fcinfo, &PG_GETARG_CONTRACT_MODEL(0)->fit);
}

PG_FUNCTION_INFO_V1(crm_contract_model_aic);
Datum
crm_contract_model_aic(PG_FUNCTION_ARGS)
{
	ContractModel *model = PG_GETARG_CONTRACT_MODEL(0);

	return model_aic(fcinfo, &model->fit, contract_shapes[model->kind].nparams);
}

PG_FUNCTION_INFO_V1(crm_contract_model_bic);
Datum
crm_contract_model_bic(PG_FUNCTION_ARGS)
{
	ContractModel *model = PG_GETARG_CONTRACT_MODEL(0);

	return model_bic(fcinfo, &model->fit, contract_shapes[model->kind].nparams);
}

/* A model that can predict. */
static const ContractModel *
predicting(FunctionCallInfo fcinfo)
{
	const ContractModel *model = PG_GETARG_CONTRACT_MODEL(0);

	if (unlikely(!model_fit_predicts(&model->fit)))
	{
		ModelShape shape = shape_of(model);

		CheckUsable(&shape, &model->fit);
	}
	return model;
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
	const ContractModel *model = predicting(fcinfo);
	int					 periods = CheckPeriods(PG_GETARG_INT32(1), "periods");
	int					 renewals = CheckPeriods(PG_GETARG_INT32(2), "renewals");

	PG_RETURN_FLOAT8(exp(contract_log_survival(model->kind, model->params, renewals, periods)));
}

/* A discount rate a period under which a lifetime is finite. */
static double
CheckDiscountRate(const ContractModel *model, double rate)
{
	if (!(rate >= 0 && rate <= 1e6))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("discount rate %g is out of range", rate),
						errdetail("It is a rate a period, not negative.")));
	if (rate == 0 && !contract_lifetime_is_finite(model->kind, model->params))
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
	const ContractModel *model = predicting(fcinfo);
	double				 rate = CheckDiscountRate(model, PG_GETARG_FLOAT8(1));

	PG_RETURN_FLOAT8(contract_lifetime(model->kind, model->params, 0, rate));
}

/* (model, renewals, rate): those ahead of a customer whose next renewal is due now. */
PG_FUNCTION_INFO_V1(crm_residual_lifetime);
Datum
crm_residual_lifetime(PG_FUNCTION_ARGS)
{
	const ContractModel *model = predicting(fcinfo);
	int					 renewals = CheckPeriods(PG_GETARG_INT32(1), "renewals");
	double				 rate = CheckDiscountRate(model, PG_GETARG_FLOAT8(2));

	if (model->kind == CONTRACT_EXPONENTIAL_GAMMA)
		PG_RETURN_FLOAT8(contract_lifetime(model->kind, model->params, renewals, rate));
	PG_RETURN_FLOAT8(exp(contract_log_survival(model->kind, model->params, renewals, 1)) *
					 contract_lifetime(model->kind, model->params, renewals + 1.0, rate));
}

/* (model, renewals, rate): how many per cent of residual lifetime one per cent of retention is. */
PG_FUNCTION_INFO_V1(crm_retention_elasticity);
Datum
crm_retention_elasticity(PG_FUNCTION_ARGS)
{
	const ContractModel *model = predicting(fcinfo);
	int					 renewals = CheckPeriods(PG_GETARG_INT32(1), "renewals");
	double				 rate = CheckDiscountRate(model, PG_GETARG_FLOAT8(2));

	if (model->kind == CONTRACT_EXPONENTIAL_GAMMA || rate == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("retention elasticity needs a model of renewals and a discount rate "
							   "above 0")));
	PG_RETURN_FLOAT8(contract_elasticity(model->kind, model->params, renewals, rate));
}
