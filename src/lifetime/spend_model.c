/*
 * spend_model.c: the type spend_model: text, binary form, constructor and what it tells.
 *
 * The text form is the constructor's call with names, and how it was fitted:
 *   gamma_gamma(p 6.25, q 3.74, v 15.44)
 * A limit names the parameters that are left:
 *   gamma_gamma(p 6.25, mean 35), gamma_gamma(q 3.74, scale 96), one_price(price 9.99)
 * One with covariates ends with their coefficients (coefficients.c):
 *   gamma_gamma(p 6.25, q 3.74, v 15.44) fitted (...) by covariates (buying(channel 0.2), covariance 1 2 3 4)
 */
#include "crm.h"

#include "access/hash.h"
#include "base/value.h"
#include "libpq/pqformat.h"
#include "lifetime/spend_model.h"
#include "utils/builtins.h"
#include "utils/json.h"

ModelShape
spend_model_shape(const SpendModel *model)
{
	const SpendModelShape *spend = &spend_shapes[model->kind];
	ModelShape shape = {"spend_model", spend->nparams, spend->param_names, NULL, spend->limit};

	if (model->kind == SPEND_ONE_PRICE && model->version == SPEND_MODEL_VERSION_COVARIATES)
		shape.limit = "customers of equal covariates pay the same price";
	return shape;
}

/* A version holds its kinds: 1 the family, 2 the limits, 3 both. */
static void
CheckKind(const SpendModel *model)
{
	if (model->kind >= SPEND_MODEL_KINDS ||
		(model->version != SPEND_MODEL_VERSION_COVARIATES &&
		 model->version !=
			 (model->kind == SPEND_GAMMA_GAMMA ? SPEND_MODEL_VERSION : SPEND_MODEL_VERSION_LIMIT)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown spend_model of version %d", model->version)));
}

/* Everything that input, receive and the constructor promise. */
SpendModel *
CheckSpendModel(SpendModel *model)
{
	ModelShape shape;

	CheckKind(model);
	shape = spend_model_shape(model);
	CheckParameters(&shape, model->params);
	CheckModelFit(&shape, &model->fit);
	return model;
}

static SpendModel *
allocate(int kind)
{
	SpendModel *model = palloc0(sizeof(SpendModel));

	SET_VARSIZE(model, sizeof(SpendModel));
	model->version = kind == SPEND_GAMMA_GAMMA ? SPEND_MODEL_VERSION : SPEND_MODEL_VERSION_LIMIT;
	model->kind = kind;
	return model;
}

/* A model of known parameters; errors name the one that is out of range. */
SpendModel *
spend_model_create(int kind, const double *params)
{
	SpendModel *model = allocate(kind);

	memcpy(model->params, params, spend_shapes[kind].nparams * sizeof(double));
	return CheckSpendModel(model);
}

/* "spend.channel", palloc'ed: what a spend model calls the covariates of how customers buy. */
char *
spend_coefficient_name(const Covariates *c, int i)
{
	return psprintf("spend.%s", c->names[i]);
}

/* A copy of a model without covariates that has their coefficients. */
SpendModel *
spend_model_with_covariates(const SpendModel *model, const ModelCovariates *covariates)
{
	Size		size = coefficients_size(covariates, spend_shapes[model->kind].nparams);
	SpendModel *result = palloc0(sizeof(SpendModel) + size);

	memcpy(result, model, sizeof(SpendModel));
	memcpy(result + 1, covariates, size);
	SET_VARSIZE(result, sizeof(SpendModel) + size);
	result->version = SPEND_MODEL_VERSION_COVARIATES;
	CheckSpendModel(result);
	if (covariates->coefficients.sets == COVARIATES_OF_LEAVING ||
		covariates->coefficients.sets == (COVARIATES_OF_BUYING | COVARIATES_OF_LEAVING))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a spend model has no coefficients of leaving")));
	CheckCoefficients(covariates, &result->fit, spend_shapes[result->kind].nparams, "spend_model");
	return result;
}

static double
scan_parameter(Scanner *s, const char *name)
{
	scan_word(s, name);
	return scan_float8(s);
}

/* Reads name and parameters; returns the kind that they tell. */
static int
scan_spend(Scanner *s, double *params)
{
	if (scan_try_word(s, "one_price"))
	{
		scan_char(s, '(');
		params[0] = scan_parameter(s, "price");
		return SPEND_ONE_PRICE;
	}
	scan_word(s, "gamma_gamma");
	scan_char(s, '(');
	if (scan_try_word(s, "q"))
	{
		params[0] = scan_float8(s);
		scan_char(s, ',');
		params[1] = scan_parameter(s, "scale");
		return SPEND_OWN_PRICE;
	}
	params[0] = scan_parameter(s, "p");
	scan_char(s, ',');
	if (scan_try_word(s, "mean"))
	{
		params[1] = scan_float8(s);
		return SPEND_ALIKE;
	}
	params[1] = scan_parameter(s, "q");
	scan_char(s, ',');
	params[2] = scan_parameter(s, "v");
	return SPEND_GAMMA_GAMMA;
}

PG_FUNCTION_INFO_V1(crm_spend_model_in);
Datum
crm_spend_model_in(PG_FUNCTION_ARGS)
{
	Scanner		s = scan_start("spend_model", PG_GETARG_CSTRING(0));
	double		params[SPEND_PARAMS] = {0};
	SpendModel *model = allocate(scan_spend(&s, params));
	ModelShape	shape = spend_model_shape(model);

	memcpy(model->params, params, sizeof(params));
	scan_char(&s, ')');
	model_fit_scan(&s, &shape, &model->fit);
	CheckSpendModel(model);
	if (scan_try_word(&s, "by"))
	{
		scan_word(&s, "covariates");
		scan_char(&s, '(');
		model = spend_model_with_covariates(model, coefficients_scan(&s, shape.nparams));
		scan_char(&s, ')');
	}
	scan_end(&s);
	PG_RETURN_SPEND_MODEL(model);
}

/* "by covariates (...)" of a model that has some. */
static void
append_by(StringInfo out, const SpendModel *model)
{
	appendStringInfoString(out, "by covariates (");
	coefficients_append_text(out, spend_model_covariates(model), &model->fit,
							 spend_shapes[model->kind].nparams);
	appendStringInfoChar(out, ')');
}

PG_FUNCTION_INFO_V1(crm_spend_model_out);
Datum
crm_spend_model_out(PG_FUNCTION_ARGS)
{
	SpendModel	  *model = PG_GETARG_SPEND_MODEL(0);
	ModelShape	   shape = spend_model_shape(model);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s(", spend_shapes[model->kind].name);
	for (int i = 0; i < shape.nparams; i++)
	{
		appendStringInfo(&out, "%s%s ", i > 0 ? ", " : "", shape.param_names[i]);
		append_float8(&out, model->params[i]);
	}
	appendStringInfoChar(&out, ')');
	model_fit_append_text(&out, &shape, &model->fit);
	if (spend_model_covariates(model) != NULL)
	{
		appendStringInfoChar(&out, ' ');
		append_by(&out, model);
	}
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_spend_model_send);
Datum
crm_spend_model_send(PG_FUNCTION_ARGS)
{
	SpendModel	  *model = PG_GETARG_SPEND_MODEL(0);
	ModelShape	   shape = spend_model_shape(model);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, model->version);
	pq_sendint16(&out, model->kind);
	for (int i = 0; i < shape.nparams; i++)
		pq_sendfloat8(&out, model->params[i]);
	model_fit_send(&out, &shape, &model->fit);
	if (spend_model_covariates(model) != NULL)
		coefficients_append_bytes(&out, spend_model_covariates(model), shape.nparams);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_spend_model_recv);
Datum
crm_spend_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	SpendModel *model;
	ModelShape	shape;
	int			version = pq_getmsgint(message, 2);
	int			kind = pq_getmsgint(message, 2);

	model = allocate(kind);
	if (version != SPEND_MODEL_VERSION_COVARIATES)
		model->version = version;
	CheckKind(model);
	shape = spend_model_shape(model);
	for (int i = 0; i < shape.nparams; i++)
		model->params[i] = pq_getmsgfloat8(message);
	model_fit_recv(message, &shape, &model->fit);
	CheckSpendModel(model);
	if (version == SPEND_MODEL_VERSION_COVARIATES)
		model = spend_model_with_covariates(model, coefficients_from_bytes(message, shape.nparams));
	PG_RETURN_SPEND_MODEL(model);
}

/* {"model", parameters, fit}; for tools. */
PG_FUNCTION_INFO_V1(crm_spend_model_to_jsonb);
Datum
crm_spend_model_to_jsonb(PG_FUNCTION_ARGS)
{
	SpendModel	  *model = PG_GETARG_SPEND_MODEL(0);
	ModelShape	   shape = spend_model_shape(model);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"model\":\"%s\"", spend_shapes[model->kind].name);
	if (shape.limit != NULL)
		appendStringInfo(&json, ",\"limit\":\"%s\"", shape.limit);
	for (int i = 0; i < shape.nparams; i++)
	{
		appendStringInfo(&json, ",\"%s\":", shape.param_names[i]);
		append_float8(&json, model->params[i]);
	}
	model_fit_append_json(&json, &shape, &model->fit);
	if (spend_model_covariates(model) != NULL)
	{
		StringInfoData by;

		initStringInfo(&by);
		append_by(&by, model);
		appendStringInfoString(&json, ",\"by\":");
		escape_json(&json, by.data + strlen("by "));
		coefficients_append_json(&json, spend_model_covariates(model), spend_coefficient_name);
	}
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

PG_FUNCTION_INFO_V1(crm_gamma_gamma);
Datum
crm_gamma_gamma(PG_FUNCTION_ARGS)
{
	double params[SPEND_PARAMS] = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)};

	PG_RETURN_SPEND_MODEL(spend_model_create(SPEND_GAMMA_GAMMA, params));
}

PG_FUNCTION_INFO_V1(crm_one_price);
Datum
crm_one_price(PG_FUNCTION_ARGS)
{
	double price = PG_GETARG_FLOAT8(0);

	PG_RETURN_SPEND_MODEL(spend_model_create(SPEND_ONE_PRICE, &price));
}

PG_FUNCTION_INFO_V1(crm_spend_model_is_converged);
Datum
crm_spend_model_is_converged(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(model_fit_predicts(&PG_GETARG_SPEND_MODEL(0)->fit));
}

PG_FUNCTION_INFO_V1(crm_spend_model_fit_verdict);
Datum
crm_spend_model_fit_verdict(PG_FUNCTION_ARGS)
{
	SpendModel *model = PG_GETARG_SPEND_MODEL(0);
	ModelShape	shape = spend_model_shape(model);

	PG_RETURN_TEXT_P(cstring_to_text(coefficients_reason(spend_model_covariates(model),
														 model_fit_reason(&shape, &model->fit),
														 spend_coefficient_name)));
}

/* How many parameters were estimated, coefficients among them. */
static int
estimated(const SpendModel *model)
{
	const ModelCovariates *covariates = spend_model_covariates(model);

	return spend_shapes[model->kind].nparams +
		   (covariates == NULL ? 0 : covariates_count(&covariates->coefficients));
}

/* One price has no density, and so no likelihood. */
PG_FUNCTION_INFO_V1(crm_spend_model_log_likelihood);
Datum
crm_spend_model_log_likelihood(PG_FUNCTION_ARGS)
{
	SpendModel *model = PG_GETARG_SPEND_MODEL(0);

	if (model->kind == SPEND_ONE_PRICE)
		PG_RETURN_NULL();
	return model_log_likelihood(fcinfo, &model->fit);
}

PG_FUNCTION_INFO_V1(crm_spend_model_aic);
Datum
crm_spend_model_aic(PG_FUNCTION_ARGS)
{
	SpendModel *model = PG_GETARG_SPEND_MODEL(0);

	if (model->kind == SPEND_ONE_PRICE)
		PG_RETURN_NULL();
	return model_aic(fcinfo, &model->fit, estimated(model));
}

PG_FUNCTION_INFO_V1(crm_spend_model_bic);
Datum
crm_spend_model_bic(PG_FUNCTION_ARGS)
{
	SpendModel *model = PG_GETARG_SPEND_MODEL(0);

	if (model->kind == SPEND_ONE_PRICE)
		PG_RETURN_NULL();
	return model_bic(fcinfo, &model->fit, estimated(model));
}

VALUE_FUNCTIONS(spend_model, value_bytes_order, value_bytes);
