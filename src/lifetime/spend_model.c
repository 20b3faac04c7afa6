/*
 * spend_model.c: the type spend_model: text, binary form, constructor and what it tells.
 *
 * The text form is the constructor's call with names, and how it was fitted:
 *   gamma_gamma(p 6.25, q 3.74, v 15.44)
 */
#include "crm.h"

#include "access/hash.h"
#include "common/hashfn.h"
#include "base/compare.h"
#include "libpq/pqformat.h"
#include "lifetime/spend_model.h"
#include "utils/builtins.h"

static const char *const param_names[SPEND_PARAMS] = {"p", "q", "v"};

const ModelShape spend_model_shape = {"spend_model", SPEND_PARAMS, param_names};

/* Everything that input, receive and the constructor promise. */
static SpendModel *
CheckSpendModel(SpendModel *model)
{
	if (model->version != SPEND_MODEL_VERSION || model->flags != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown spend_model of version %d", model->version)));
	CheckParameters(&spend_model_shape, model->params);
	CheckModelFit(&spend_model_shape, &model->fit);
	return model;
}

static SpendModel *
allocate(void)
{
	SpendModel *model = palloc0(sizeof(SpendModel));

	SET_VARSIZE(model, sizeof(SpendModel));
	model->version = SPEND_MODEL_VERSION;
	return model;
}

/* A model of known parameters; errors name the one that is out of range. */
SpendModel *
spend_model_create(const double *params)
{
	SpendModel *model = allocate();

	memcpy(model->params, params, sizeof(model->params));
	return CheckSpendModel(model);
}

PG_FUNCTION_INFO_V1(crm_spend_model_in);
Datum
crm_spend_model_in(PG_FUNCTION_ARGS)
{
	Scanner		s = scan_start("spend_model", PG_GETARG_CSTRING(0));
	SpendModel *model = allocate();

	scan_word(&s, "gamma_gamma");
	scan_char(&s, '(');
	for (int i = 0; i < SPEND_PARAMS; i++)
	{
		if (i > 0)
			scan_char(&s, ',');
		scan_word(&s, param_names[i]);
		model->params[i] = scan_float8(&s);
	}
	scan_char(&s, ')');
	model_fit_scan(&s, &spend_model_shape, &model->fit);
	scan_end(&s);
	PG_RETURN_SPEND_MODEL(CheckSpendModel(model));
}

PG_FUNCTION_INFO_V1(crm_spend_model_out);
Datum
crm_spend_model_out(PG_FUNCTION_ARGS)
{
	SpendModel	  *model = PG_GETARG_SPEND_MODEL(0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoString(&out, "gamma_gamma(");
	for (int i = 0; i < SPEND_PARAMS; i++)
	{
		appendStringInfo(&out, "%s%s ", i > 0 ? ", " : "", param_names[i]);
		append_float8(&out, model->params[i]);
	}
	appendStringInfoChar(&out, ')');
	model_fit_append_text(&out, &spend_model_shape, &model->fit);
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_spend_model_send);
Datum
crm_spend_model_send(PG_FUNCTION_ARGS)
{
	SpendModel	  *model = PG_GETARG_SPEND_MODEL(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, model->version);
	pq_sendint16(&out, model->flags);
	for (int i = 0; i < SPEND_PARAMS; i++)
		pq_sendfloat8(&out, model->params[i]);
	model_fit_send(&out, &spend_model_shape, &model->fit);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_spend_model_recv);
Datum
crm_spend_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	SpendModel *model = allocate();

	model->version = pq_getmsgint(message, 2);
	model->flags = pq_getmsgint(message, 2);
	for (int i = 0; i < SPEND_PARAMS; i++)
		model->params[i] = pq_getmsgfloat8(message);
	model_fit_recv(message, &spend_model_shape, &model->fit);
	PG_RETURN_SPEND_MODEL(CheckSpendModel(model));
}

/* {"model", parameters, fit}; for tools. */
PG_FUNCTION_INFO_V1(crm_spend_model_to_jsonb);
Datum
crm_spend_model_to_jsonb(PG_FUNCTION_ARGS)
{
	SpendModel	  *model = PG_GETARG_SPEND_MODEL(0);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"model\":\"gamma_gamma\"");
	for (int i = 0; i < SPEND_PARAMS; i++)
	{
		appendStringInfo(&json, ",\"%s\":", param_names[i]);
		append_float8(&json, model->params[i]);
	}
	model_fit_append_json(&json, &spend_model_shape, &model->fit);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

PG_FUNCTION_INFO_V1(crm_gamma_gamma);
Datum
crm_gamma_gamma(PG_FUNCTION_ARGS)
{
	double params[SPEND_PARAMS] = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)};

	PG_RETURN_SPEND_MODEL(spend_model_create(params));
}

PG_FUNCTION_INFO_V1(crm_spend_model_parameters);
Datum
crm_spend_model_parameters(PG_FUNCTION_ARGS)
{
	SpendModel *model = PG_GETARG_SPEND_MODEL(0);

	return model_parameters(fcinfo, &spend_model_shape, model->params, &model->fit);
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
	PG_RETURN_TEXT_P(
		cstring_to_text(model_fit_reason(&spend_model_shape, &PG_GETARG_SPEND_MODEL(0)->fit)));
}

PG_FUNCTION_INFO_V1(crm_spend_model_log_likelihood);
Datum
crm_spend_model_log_likelihood(PG_FUNCTION_ARGS)
{
	return model_log_likelihood(fcinfo, &PG_GETARG_SPEND_MODEL(0)->fit);
}

PG_FUNCTION_INFO_V1(crm_spend_model_aic);
Datum
crm_spend_model_aic(PG_FUNCTION_ARGS)
{
	return model_aic(fcinfo, &PG_GETARG_SPEND_MODEL(0)->fit, SPEND_PARAMS);
}

PG_FUNCTION_INFO_V1(crm_spend_model_bic);
Datum
crm_spend_model_bic(PG_FUNCTION_ARGS)
{
	return model_bic(fcinfo, &PG_GETARG_SPEND_MODEL(0)->fit, SPEND_PARAMS);
}

/* An order for indexes: by the bytes behind the length, which equal values share. */
static int
order(FunctionCallInfo fcinfo)
{
	SpendModel *a = PG_GETARG_SPEND_MODEL(0);
	SpendModel *b = PG_GETARG_SPEND_MODEL(1);

	return memcmp(VARDATA(a), VARDATA(b), sizeof(SpendModel) - VARHDRSZ);
}

COMPARISON_FUNCTIONS(spend_model, order);

PG_FUNCTION_INFO_V1(crm_spend_model_hash);
Datum
crm_spend_model_hash(PG_FUNCTION_ARGS)
{
	SpendModel *model = PG_GETARG_SPEND_MODEL(0);

	return hash_any((unsigned char *) VARDATA(model), sizeof(SpendModel) - VARHDRSZ);
}

PG_FUNCTION_INFO_V1(crm_spend_model_hash_extended);
Datum
crm_spend_model_hash_extended(PG_FUNCTION_ARGS)
{
	SpendModel *model = PG_GETARG_SPEND_MODEL(0);

	return hash_any_extended((unsigned char *) VARDATA(model), sizeof(SpendModel) - VARHDRSZ,
							 PG_GETARG_INT64(1));
}
