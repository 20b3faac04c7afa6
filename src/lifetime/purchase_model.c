/*
 * purchase_model.c: the type purchase_model: text, binary form, constructors and what it tells.
 *
 * The text form is the constructor's call with names, and how it was fitted:
 *   bg_nbd(r 0.24, alpha 4.4, a 0.79, b 2.4, unit_days 7)
 *   mbg_cnbd_k(k 2, r ..., unit_days 1) fitted (customers 100, ..., converged, covariance ...)
 */
#include "crm.h"

#include "access/hash.h"
#include "lifetime/btyd.h"
#include "common/hashfn.h"
#include "base/compare.h"
#include "libpq/pqformat.h"
#include "lifetime/purchase_model.h"
#include "utils/builtins.h"

ModelShape
purchase_model_shape(const PurchaseModel *model)
{
	ModelShape shape = {"purchase_model", PURCHASE_PARAMS, model_ops(model)->param_names};

	return shape;
}

/* Everything that input, receive and constructors promise. */
static PurchaseModel *
CheckPurchaseModel(PurchaseModel *model)
{
	ModelShape shape;

	if (model_ops(model) == NULL || model->version != PURCHASE_MODEL_VERSION || model->flags != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown purchase_model of version %d, kind %d", model->version,
							   model->kind)));
	if (model->k < 1 || model->k > (model_ops(model)->has_k ? PURCHASE_MAX_K : 1))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("parameter k of purchase_model is out of range: %d", model->k),
						errdetail("k is a whole number from 1 to %d.", PURCHASE_MAX_K)));
	CheckUnitDays(model->unit_days);
	shape = purchase_model_shape(model);
	CheckParameters(&shape, model->params);
	CheckModelFit(&shape, &model->fit);
	return model;
}

static PurchaseModel *
allocate(int kind, int k)
{
	PurchaseModel *model = palloc0(sizeof(PurchaseModel));

	SET_VARSIZE(model, sizeof(PurchaseModel));
	model->version = PURCHASE_MODEL_VERSION;
	model->kind = kind;
	model->k = Min(Max(k, 0), PG_UINT8_MAX); /* the check reports what is out of range */
	return model;
}

/* A model of known parameters; errors name the one that is out of range. */
PurchaseModel *
purchase_model_create(int kind, int k, const double *params, int32 unit_days)
{
	PurchaseModel *model = allocate(kind, k);

	memcpy(model->params, params, sizeof(model->params));
	model->unit_days = unit_days;
	return CheckPurchaseModel(model);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_in);
Datum
crm_purchase_model_in(PG_FUNCTION_ARGS)
{
	Scanner		   s = scan_start("purchase_model", PG_GETARG_CSTRING(0));
	PurchaseModel *model;
	ModelShape	   shape;
	int64		   unit_days;
	int64		   k = 1;
	int			   kind = 1;

	while (kind <= PURCHASE_MODEL_KINDS && !scan_try_word(&s, purchase_model_ops(kind)->name))
		kind++;
	if (kind > PURCHASE_MODEL_KINDS)
		scan_error(&s, "bg_nbd, mbg_nbd, pareto_nbd or mbg_cnbd_k");
	scan_char(&s, '(');
	if (purchase_model_ops(kind)->has_k)
	{
		scan_word(&s, "k");
		k = scan_int64(&s);
		scan_char(&s, ',');
	}
	model = allocate(kind, (int) Min(Max(k, 0), PG_UINT8_MAX));
	for (int i = 0; i < PURCHASE_PARAMS; i++)
	{
		scan_word(&s, model_ops(model)->param_names[i]);
		model->params[i] = scan_float8(&s);
		scan_char(&s, ',');
	}
	scan_word(&s, "unit_days");
	unit_days = scan_int64(&s);
	model->unit_days = (int32) Min(Max(unit_days, -1), PG_INT32_MAX);
	scan_char(&s, ')');
	shape = purchase_model_shape(model);
	model_fit_scan(&s, &shape, &model->fit);
	scan_end(&s);
	PG_RETURN_PURCHASE_MODEL(CheckPurchaseModel(model));
}

PG_FUNCTION_INFO_V1(crm_purchase_model_out);
Datum
crm_purchase_model_out(PG_FUNCTION_ARGS)
{
	PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);
	ModelShape	   shape = purchase_model_shape(model);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s(", model_ops(model)->name);
	if (model_ops(model)->has_k)
		appendStringInfo(&out, "k %d, ", model->k);
	for (int i = 0; i < PURCHASE_PARAMS; i++)
	{
		appendStringInfo(&out, "%s ", shape.param_names[i]);
		append_float8(&out, model->params[i]);
		appendStringInfoString(&out, ", ");
	}
	appendStringInfo(&out, "unit_days %d)", model->unit_days);
	model_fit_append_text(&out, &shape, &model->fit);
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_send);
Datum
crm_purchase_model_send(PG_FUNCTION_ARGS)
{
	PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);
	ModelShape	   shape = purchase_model_shape(model);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint8(&out, model->version);
	pq_sendint8(&out, model->kind);
	pq_sendint8(&out, model->k);
	pq_sendint8(&out, model->flags);
	pq_sendint32(&out, model->unit_days);
	for (int i = 0; i < PURCHASE_PARAMS; i++)
		pq_sendfloat8(&out, model->params[i]);
	model_fit_send(&out, &shape, &model->fit);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_purchase_model_recv);
Datum
crm_purchase_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	   message = (StringInfo) PG_GETARG_POINTER(0);
	PurchaseModel *model = allocate(0, 1);
	ModelShape	   shape;

	model->version = pq_getmsgbyte(message);
	model->kind = pq_getmsgbyte(message);
	model->k = pq_getmsgbyte(message);
	model->flags = pq_getmsgbyte(message);
	model->unit_days = pq_getmsgint(message, 4);
	for (int i = 0; i < PURCHASE_PARAMS; i++)
		model->params[i] = pq_getmsgfloat8(message);
	if (model_ops(model) == NULL)
		CheckPurchaseModel(model);
	shape = purchase_model_shape(model);
	model_fit_recv(message, &shape, &model->fit);
	PG_RETURN_PURCHASE_MODEL(CheckPurchaseModel(model));
}

/* {"model", "unit_days", parameters, fit}; for tools. */
PG_FUNCTION_INFO_V1(crm_purchase_model_to_jsonb);
Datum
crm_purchase_model_to_jsonb(PG_FUNCTION_ARGS)
{
	PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);
	ModelShape	   shape = purchase_model_shape(model);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"model\":\"%s\",\"unit_days\":%d", model_ops(model)->name,
					 model->unit_days);
	if (model_ops(model)->has_k)
		appendStringInfo(&json, ",\"k\":%d", model->k);
	for (int i = 0; i < PURCHASE_PARAMS; i++)
	{
		appendStringInfo(&json, ",\"%s\":", shape.param_names[i]);
		append_float8(&json, model->params[i]);
	}
	model_fit_append_json(&json, &shape, &model->fit);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* A constructor: four parameters, then unit_days. */
static Datum
construct(FunctionCallInfo fcinfo, int kind)
{
	int	   at = purchase_model_ops(kind)->has_k ? 1 : 0;
	int	   k = at ? PG_GETARG_INT32(0) : 1;
	double params[PURCHASE_PARAMS];

	for (int i = 0; i < PURCHASE_PARAMS; i++)
		params[i] = PG_GETARG_FLOAT8(at + i);
	if (k < 1 || k > PURCHASE_MAX_K)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("parameter k of purchase_model is out of range: %d", k),
						errdetail("k is a whole number from 1 to %d.", PURCHASE_MAX_K)));
	PG_RETURN_PURCHASE_MODEL(
		purchase_model_create(kind, k, params, PG_GETARG_INT32(at + PURCHASE_PARAMS)));
}

PG_FUNCTION_INFO_V1(crm_bg_nbd);
Datum
crm_bg_nbd(PG_FUNCTION_ARGS)
{
	return construct(fcinfo, MODEL_BG_NBD);
}

PG_FUNCTION_INFO_V1(crm_mbg_nbd);
Datum
crm_mbg_nbd(PG_FUNCTION_ARGS)
{
	return construct(fcinfo, MODEL_MBG_NBD);
}

PG_FUNCTION_INFO_V1(crm_pareto_nbd);
Datum
crm_pareto_nbd(PG_FUNCTION_ARGS)
{
	return construct(fcinfo, MODEL_PARETO_NBD);
}

PG_FUNCTION_INFO_V1(crm_mbg_cnbd_k);
Datum
crm_mbg_cnbd_k(PG_FUNCTION_ARGS)
{
	return construct(fcinfo, MODEL_MBG_CNBD_K);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_name);
Datum
crm_purchase_model_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(model_ops(PG_GETARG_PURCHASE_MODEL(0))->name));
}

PG_FUNCTION_INFO_V1(crm_purchase_model_unit_days);
Datum
crm_purchase_model_unit_days(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_PURCHASE_MODEL(0)->unit_days);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_parameters);
Datum
crm_purchase_model_parameters(PG_FUNCTION_ARGS)
{
	PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);
	ModelShape	   shape = purchase_model_shape(model);

	return model_parameters(fcinfo, &shape, model->params, &model->fit);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_is_converged);
Datum
crm_purchase_model_is_converged(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(model_fit_predicts(&PG_GETARG_PURCHASE_MODEL(0)->fit));
}

PG_FUNCTION_INFO_V1(crm_purchase_model_fit_verdict);
Datum
crm_purchase_model_fit_verdict(PG_FUNCTION_ARGS)
{
	PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);
	ModelShape	   shape = purchase_model_shape(model);

	PG_RETURN_TEXT_P(cstring_to_text(model_fit_reason(&shape, &model->fit)));
}

PG_FUNCTION_INFO_V1(crm_purchase_model_log_likelihood);
Datum
crm_purchase_model_log_likelihood(PG_FUNCTION_ARGS)
{
	return model_log_likelihood(fcinfo, &PG_GETARG_PURCHASE_MODEL(0)->fit);
}

/* How many parameters were estimated: k counts. */
static inline int
estimated(const PurchaseModel *model)
{
	return PURCHASE_PARAMS + model_ops(model)->has_k;
}

PG_FUNCTION_INFO_V1(crm_purchase_model_aic);
Datum
crm_purchase_model_aic(PG_FUNCTION_ARGS)
{
	PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);

	return model_aic(fcinfo, &model->fit, estimated(model));
}

PG_FUNCTION_INFO_V1(crm_purchase_model_bic);
Datum
crm_purchase_model_bic(PG_FUNCTION_ARGS)
{
	PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);

	return model_bic(fcinfo, &model->fit, estimated(model));
}

/* An order for indexes: by the bytes behind the length, which equal values share. */
static int
order(FunctionCallInfo fcinfo)
{
	PurchaseModel *a = PG_GETARG_PURCHASE_MODEL(0);
	PurchaseModel *b = PG_GETARG_PURCHASE_MODEL(1);

	return memcmp(VARDATA(a), VARDATA(b), sizeof(PurchaseModel) - VARHDRSZ);
}

COMPARISON_FUNCTIONS(purchase_model, order);

PG_FUNCTION_INFO_V1(crm_purchase_model_hash);
Datum
crm_purchase_model_hash(PG_FUNCTION_ARGS)
{
	PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);

	return hash_any((unsigned char *) VARDATA(model), sizeof(PurchaseModel) - VARHDRSZ);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_hash_extended);
Datum
crm_purchase_model_hash_extended(PG_FUNCTION_ARGS)
{
	PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);

	return hash_any_extended((unsigned char *) VARDATA(model), sizeof(PurchaseModel) - VARHDRSZ,
							 PG_GETARG_INT64(1));
}
