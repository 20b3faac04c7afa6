/*
 * purchase_model_io.c: text, binary and jsonb forms of a purchase model.
 *
 * The text form is the constructor's call with names, and how it was fitted:
 *   bg_nbd(r 0.24, alpha 4.4, a 0.79, b 2.4, unit_days 7)
 *   mbg_cnbd_k(k 2, r ..., unit_days 1) fitted (customers 100, ..., converged, covariance ...)
 * A limit of a family has the family's name and fewer parameters, or a name of its own, and
 * a model that was chosen names what it was chosen among:
 *   mbg_nbd(rate 0.2, a 0.79, b 2.4, unit_days 7)
 *   nbd(r 4.5, alpha 300, unit_days 1) fitted (...) among (bg_nbd: nbd(r, alpha) -3769 converged, ...)
 * One that counts by the clock of a season ends with it (season.c), one with covariates with their coefficients (coefficients.c):
 *   mbg_nbd(r 0.8, alpha 60, a 0.8, b 2.5, unit_days 1) fitted (...) by season (month 0.7 ...)
 *   mbg_nbd(r 0.8, alpha 60, a 0.8, b 2.5, unit_days 1) fitted (...) by covariates (buying(channel 0.5), covariance 1 2 3 4 5)
 *   mbg_nbd(r 0.8, alpha 60, a 0.8, b 2.5, unit_days 1) by season (month 0.7 ...) by covariates (buying(channel 0.5))
 */
#include "crm.h"

#include "base/scan.h"
#include "libpq/pqformat.h"
#include "lifetime/purchase_model.h"
#include "utils/builtins.h"
#include "utils/json.h"

#define MODEL_NAMES "bg_nbd, mbg_nbd, pareto_nbd, mbg_cnbd_k, nbd, poisson, cnbd_k or erlang_k"

/* "mbg_nbd(rate, share)", "mbg_cnbd_k(k 2, r, alpha, a, b)": which model, without its numbers. */
void
purchase_model_signature(StringInfo out, int kind, int k)
{
	const PurchaseModelOps *ops = purchase_model_ops(kind);

	appendStringInfo(out, "%s(", ops->name);
	if (ops->has_k)
		appendStringInfo(out, "k %d, ", k);
	for (int i = 0; i < ops->nparams; i++)
		appendStringInfo(out, "%s%s", i > 0 ? ", " : "", ops->param_names[i]);
	appendStringInfoChar(out, ')');
}

/*
 * Which model a text form speaks of: those of the name that it begins with, fewer with each
 * parameter that it names. Without params, they are names alone.
 */
static const PurchaseModelOps *
scan_model(Scanner *s, int64 *k, double *params)
{
	const PurchaseModelOps *left[PURCHASE_MODELS];
	int						nleft = 0;

	for (int i = 0; i < PURCHASE_MODELS && nleft == 0; i++)
		if (scan_try_word(s, purchase_model_at(i)->name))
			for (int j = 0; j < PURCHASE_MODELS; j++)
				if (strcmp(purchase_model_at(j)->name, purchase_model_at(i)->name) == 0)
					left[nleft++] = purchase_model_at(j);
	if (nleft == 0)
		scan_error(s, MODEL_NAMES);
	scan_char(s, '(');
	*k = 1;
	if (left[0]->has_k)
	{
		scan_word(s, "k");
		*k = scan_int64(s);
		scan_char(s, ',');
	}
	for (int at = 0;; at++)
	{
		const char *named = NULL;
		int			kept = 0;

		for (int i = 0; i < nleft && named == NULL; i++)
			if (at < left[i]->nparams && scan_try_word(s, left[i]->param_names[at]))
				named = left[i]->param_names[at];
		for (int i = 0; i < nleft; i++)
			if (named == NULL
					? left[i]->nparams == at
					: at < left[i]->nparams && strcmp(left[i]->param_names[at], named) == 0)
				left[kept++] = left[i];
		nleft = kept;
		if (nleft == 0)
			scan_error(s, "the name of a parameter");
		if (named == NULL)
			return left[0];
		if (params != NULL)
		{
			params[at] = scan_float8(s);
			scan_char(s, ',');
		}
		else if (!scan_try_char(s, ','))
			for (int i = 0; i < nleft; i++)
				if (left[i]->nparams == at + 1)
					return left[i];
	}
}

/* " among (bg_nbd: nbd(r, alpha) -3769 converged, ...)"; nothing for a model that was not chosen. */
static void
append_tried(StringInfo out, const PurchaseModel *model)
{
	for (int i = 0; i < model->ntried; i++)
	{
		const ModelTried *tried = &model->tried[i];

		appendStringInfo(out, "%s%s: ", i == 0 ? " among (" : ", ",
						 purchase_model_ops(tried->fitted)->name);
		purchase_model_signature(out, tried->kind, tried->k);
		appendStringInfoChar(out, ' ');
		append_float8(out, tried->log_likelihood);
		appendStringInfo(out, " %s", fit_verdict_word(tried->verdict));
		if (fit_verdict_at_bound(tried->verdict))
			appendStringInfo(out, " %s",
							 purchase_model_ops(tried->kind)->param_names[tried->bound]);
		if (tried->has_holdout)
		{
			appendStringInfoString(out, " holdout ");
			append_float8(out, tried->holdout);
		}
	}
	if (model->ntried > 0)
		appendStringInfoChar(out, ')');
}

/* The kind that a name alone stands for: a family, or a limit with a name of its own. */
static uint8
scan_fitted(Scanner *s)
{
	for (int i = 0; i < PURCHASE_MODELS; i++)
		if (scan_try_word(s, purchase_model_at(i)->name))
			return purchase_model_at(i)->kind;
	scan_error(s, MODEL_NAMES);
	pg_unreachable();
}

/* Reads what append_tried writes. */
static void
scan_tried(Scanner *s, PurchaseModel *model)
{
	int n = 0;

	if (!scan_try_word(s, "among"))
		return;
	scan_char(s, '(');
	do
	{
		ModelTried			   *tried = &model->tried[n];
		const PurchaseModelOps *ops;
		int64					k;

		if (n == MODEL_MAX_TRIED)
			scan_error(s, "no more than 8 models");
		tried->fitted = scan_fitted(s);
		scan_char(s, ':');
		ops = scan_model(s, &k, NULL);
		scan_char(s, ')');
		tried->kind = ops->kind;
		tried->k = (uint8) Min(Max(k, 0), PG_UINT8_MAX);
		tried->log_likelihood = scan_float8(s) + 0.0;
		tried->verdict = fit_verdict_scan(s);
		if (fit_verdict_at_bound(tried->verdict))
		{
			while (tried->bound < ops->nparams && !scan_try_word(s, ops->param_names[tried->bound]))
				tried->bound++;
			if (tried->bound == ops->nparams)
				scan_error(s, "the name of a parameter");
		}
		if (scan_try_word(s, "holdout"))
		{
			tried->has_holdout = 1;
			tried->holdout = scan_float8(s) + 0.0;
		}
		n++;
	} while (scan_try_char(s, ','));
	scan_char(s, ')');
	purchase_model_set_tried(model, n);
}

/* What stands behind a plain model: "by season (...)", "by covariates (...)", or the one and then the other. */
static PurchaseModel *
scan_more(Scanner *s, PurchaseModel *model)
{
	bool by = scan_try_word(s, "by");

	if (by && scan_try_word(s, "season"))
	{
		scan_char(s, '(');
		model = purchase_model_with_season(model, season_scan(s));
		scan_char(s, ')');
		by = scan_try_word(s, "by");
	}
	if (!by)
		return model;
	scan_word(s, "covariates");
	scan_char(s, '(');
	model = purchase_model_with_covariates(model, coefficients_scan(s, model_ops(model)->nparams));
	scan_char(s, ')');
	return model;
}

/* Writes what scan_more reads. */
static void
append_more(StringInfo out, const PurchaseModel *model)
{
	if (purchase_model_season(model) != NULL)
	{
		appendStringInfoString(out, " by season (");
		season_append_text(out, purchase_model_season(model));
		appendStringInfoChar(out, ')');
	}
	if (purchase_model_covariates(model) != NULL)
	{
		appendStringInfoString(out, " by covariates (");
		coefficients_append_text(out, purchase_model_covariates(model), &model->fit,
								 model_ops(model)->nparams);
		appendStringInfoChar(out, ')');
	}
}

PG_FUNCTION_INFO_V1(crm_purchase_model_in);
Datum
crm_purchase_model_in(PG_FUNCTION_ARGS)
{
	Scanner					s = scan_start("purchase_model", PG_GETARG_CSTRING(0));
	const PurchaseModelOps *ops;
	PurchaseModel		   *model;
	ModelShape				shape;
	double					params[PURCHASE_PARAMS] = {0};
	int64					unit_days;
	int64					k;

	ops = scan_model(&s, &k, params);
	model = purchase_model_allocate(ops->kind, (int) Min(Max(k, 0), PG_UINT8_MAX));
	memcpy(model->params, params, sizeof(params));
	scan_word(&s, "unit_days");
	unit_days = scan_int64(&s);
	model->unit_days = (int32) Min(Max(unit_days, -1), PG_INT32_MAX);
	scan_char(&s, ')');
	shape = purchase_model_shape(model);
	model_fit_scan(&s, &shape, &model->fit);
	scan_tried(&s, model);
	CheckPurchaseModel(model);
	model = scan_more(&s, model);
	scan_end(&s);
	PG_RETURN_PURCHASE_MODEL(model);
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
	for (int i = 0; i < shape.nparams; i++)
	{
		appendStringInfo(&out, "%s ", shape.param_names[i]);
		append_float8(&out, model->params[i]);
		appendStringInfoString(&out, ", ");
	}
	appendStringInfo(&out, "unit_days %d)", model->unit_days);
	model_fit_append_text(&out, &shape, &model->fit);
	append_tried(&out, model);
	append_more(&out, model);
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
	for (int i = 0; i < shape.nparams; i++)
		pq_sendfloat8(&out, model->params[i]);
	model_fit_send(&out, &shape, &model->fit);
	if (model->version >= PURCHASE_MODEL_VERSION_CHOICE)
		pq_sendint32(&out, model->ntried);
	for (int i = 0; i < model->ntried; i++)
	{
		pq_sendint8(&out, model->tried[i].fitted);
		pq_sendint8(&out, model->tried[i].kind);
		pq_sendint8(&out, model->tried[i].k);
		pq_sendint8(&out, model->tried[i].verdict);
		pq_sendint8(&out, model->tried[i].bound);
		pq_sendfloat8(&out, model->tried[i].log_likelihood);
		pq_sendint8(&out, model->tried[i].has_holdout);
		if (model->tried[i].has_holdout)
			pq_sendfloat8(&out, model->tried[i].holdout);
	}
	if (purchase_model_season(model) != NULL)
		season_append_bytes(&out, purchase_model_season(model));
	if (purchase_model_covariates(model) != NULL)
		coefficients_append_bytes(&out, purchase_model_covariates(model),
								  model_ops(model)->nparams);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static void
recv_tried(StringInfo message, PurchaseModel *model)
{
	int32 n = pq_getmsgint(message, 4);

	if (n < 0 || n > MODEL_MAX_TRIED)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid number of models %u that a purchase_model was chosen among",
							   (uint32) n)));
	for (int i = 0; i < n; i++)
	{
		model->tried[i].fitted = pq_getmsgbyte(message);
		model->tried[i].kind = pq_getmsgbyte(message);
		model->tried[i].k = pq_getmsgbyte(message);
		model->tried[i].verdict = pq_getmsgbyte(message);
		model->tried[i].bound = pq_getmsgbyte(message);
		model->tried[i].log_likelihood = pq_getmsgfloat8(message) + 0.0;
		model->tried[i].has_holdout = pq_getmsgbyte(message);
		if (model->tried[i].has_holdout)
			model->tried[i].holdout = pq_getmsgfloat8(message) + 0.0;
	}
	purchase_model_set_tried(model, n);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_recv);
Datum
crm_purchase_model_recv(PG_FUNCTION_ARGS)
{
	StringInfo	   message = (StringInfo) PG_GETARG_POINTER(0);
	PurchaseModel *model = purchase_model_allocate(0, 1);
	ModelShape	   shape;
	int			   version;
	int			   flags;

	model->version = version = pq_getmsgbyte(message);
	model->kind = pq_getmsgbyte(message);
	model->k = pq_getmsgbyte(message);
	flags = pq_getmsgbyte(message);
	model->unit_days = pq_getmsgint(message, 4);
	if (model_ops(model) == NULL || (flags & ~(MODEL_BY_SEASON | MODEL_BY_COVARIATES)) != 0 ||
		(version == PURCHASE_MODEL_VERSION_MORE) != (flags != 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown purchase_model of version %d, kind %d", model->version,
							   model->kind)));
	shape = purchase_model_shape(model);
	for (int i = 0; i < shape.nparams; i++)
		model->params[i] = pq_getmsgfloat8(message);
	model_fit_recv(message, &shape, &model->fit);
	if (version == PURCHASE_MODEL_VERSION_CHOICE || version == PURCHASE_MODEL_VERSION_MORE)
		recv_tried(message, model);
	CheckPurchaseModel(model);
	if (flags & MODEL_BY_SEASON)
		model = purchase_model_with_season(model, season_from_bytes(message));
	if (flags & MODEL_BY_COVARIATES)
		model = purchase_model_with_covariates(
			model, coefficients_from_bytes(message, model_ops(model)->nparams));
	PG_RETURN_PURCHASE_MODEL(model);
}

/* ,"by":"season (...)" of a model with something behind it: its text form, from which it comes back. */
static void
append_more_json(StringInfo json, const PurchaseModel *model)
{
	StringInfoData text;

	if (model->flags == 0)
		return;
	initStringInfo(&text);
	append_more(&text, model);
	appendStringInfoString(json, ",\"by\":");
	escape_json(json, text.data + strlen(" by "));
}

/* ,"season":[1.9, ...] of a model that has one: the indexes of its bins. */
static void
append_season_json(StringInfo json, const PurchaseModel *model)
{
	const Season *season = purchase_model_season(model);

	for (int b = 0; season != NULL && b < season_year(season->period)->nbins; b++)
	{
		appendStringInfoString(json, b == 0 ? ",\"season\":[" : ",");
		append_float8(json, season->bins[b].s);
	}
	if (season != NULL)
		appendStringInfoChar(json, ']');
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
	if (shape.limit != NULL)
		appendStringInfo(&json, ",\"limit\":\"%s\"", shape.limit);
	for (int i = 0; i < shape.nparams; i++)
	{
		appendStringInfo(&json, ",\"%s\":", shape.param_names[i]);
		append_float8(&json, model->params[i]);
	}
	model_fit_append_json(&json, &shape, &model->fit);
	for (int i = 0; i < model->ntried; i++)
	{
		appendStringInfo(&json, "%s{\"fitted\":\"%s\",\"model\":\"", i == 0 ? ",\"among\":[" : ",",
						 purchase_model_ops(model->tried[i].fitted)->name);
		purchase_model_signature(&json, model->tried[i].kind, model->tried[i].k);
		appendStringInfoString(&json, "\",\"log_likelihood\":");
		append_float8(&json, model->tried[i].log_likelihood);
		appendStringInfo(&json, ",\"fit\":\"%s\"", fit_verdict_word(model->tried[i].verdict));
		if (fit_verdict_at_bound(model->tried[i].verdict))
			appendStringInfo(
				&json, ",\"at_bound\":\"%s\"",
				purchase_model_ops(model->tried[i].kind)->param_names[model->tried[i].bound]);
		if (model->tried[i].has_holdout)
		{
			appendStringInfoString(&json, ",\"holdout\":");
			append_float8(&json, model->tried[i].holdout);
		}
		appendStringInfoChar(&json, '}');
	}
	if (model->ntried > 0)
		appendStringInfoChar(&json, ']');
	append_more_json(&json, model);
	append_season_json(&json, model);
	if (purchase_model_covariates(model) != NULL)
		coefficients_append_json(&json, purchase_model_covariates(model), covariates_number_name);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
