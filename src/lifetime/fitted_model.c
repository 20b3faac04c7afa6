/*
 * fitted_model.c: text, binary and jsonb forms of contract_model and occasion_model, and what their fits tell.
 *
 * The text form is the constructor's call with names, and how it was fitted:
 *   beta_geometric(gamma 0.704, delta 1.182)
 */
#include "crm.h"

#include "lifetime/fitted_model.h"
#include "miscadmin.h"
#include "utils/builtins.h"

static ModelShape
shape_of(const FittedType *type, const FittedModel *model)
{
	const FitShape *kind = &type->kinds[model->kind];

	return (ModelShape){type->name, kind->nparams, kind->param_names, NULL, kind->limit};
}

/* Everything that input, receive and the constructors promise. */
static FittedModel *
CheckFittedModel(const FittedType *type, FittedModel *model)
{
	ModelShape shape = shape_of(type, model);

	CheckParameters(&shape, model->params);
	if (type->check != NULL)
		type->check(model);
	CheckModelFit(&shape, &model->fit);
	return model;
}

static FittedModel *
allocate(int kind)
{
	FittedModel *model = palloc0(sizeof(FittedModel));

	SET_VARSIZE(model, sizeof(FittedModel));
	model->version = FITTED_MODEL_VERSION;
	model->kind = kind;
	return model;
}

/* A model of known parameters; errors name the one that is out of range. */
FittedModel *
fitted_model_create(const FittedType *type, int kind, const double *params)
{
	FittedModel *model = allocate(kind);

	memcpy(model->params, params, type->kinds[kind].nparams * sizeof(double));
	return CheckFittedModel(type, model);
}

/* What a fit came to; counts says of how many customers. */
FittedModel *
fitted_model_of_result(const FittedType *type, int kind, FitResult *result, const ModelFit *counts)
{
	FittedModel *model;

	clamp_parameters(result, type->kinds[kind].nparams, NULL);
	model = fitted_model_create(type, kind, result->params);
	model->fit = *counts;
	model_fit_set(&model->fit, result, type->kinds[kind].nparams);
	return CheckFittedModel(type, model);
}

/* What every fit says in a build that has none. */
void
fit_is_missing(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("this build of crm cannot fit models"),
			 errdetail("It was built with WITHOUT_FIT=1, without the library NLopt.")));
	pg_unreachable();
}

/* Called within NLopt: must not raise. */
bool
fit_interrupted(void)
{
	return InterruptPending && (QueryCancelPending || ProcDiePending);
}

/* The error that was held back. */
void
stop_fit(void)
{
	CHECK_FOR_INTERRUPTS();
	ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("fit was interrupted")));
	pg_unreachable();
}

/* A model that can predict. */
const FittedModel *
CheckFittedPredicting(const FittedType *type, const FittedModel *model)
{
	if (unlikely(!model_fit_predicts(&model->fit)))
	{
		ModelShape shape = shape_of(type, model);

		CheckUsableOr(&shape, &model->fit, "crm.is_converged(model) tells which models can.");
	}
	return model;
}

/* An error says all names. */
static int
scan_kind(Scanner *s, const FittedType *type)
{
	StringInfoData names;

	for (int kind = 0; kind < type->nkinds; kind++)
		if (scan_try_word(s, type->kinds[kind].name))
			return kind;
	initStringInfo(&names);
	for (int kind = 0; kind < type->nkinds; kind++)
		appendStringInfo(&names, "%s%s",
						 kind == 0					? ""
						 : kind == type->nkinds - 1 ? " or "
													: ", ",
						 type->kinds[kind].name);
	scan_error(s, names.data);
	pg_unreachable();
}

Datum
fitted_model_in(FunctionCallInfo fcinfo, const FittedType *type)
{
	Scanner		 s = scan_start(type->name, PG_GETARG_CSTRING(0));
	FittedModel *model = allocate(scan_kind(&s, type));
	ModelShape	 shape = shape_of(type, model);

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
	PG_RETURN_FITTED_MODEL(CheckFittedModel(type, model));
}

Datum
fitted_model_out(FunctionCallInfo fcinfo, const FittedType *type)
{
	FittedModel	  *model = PG_GETARG_FITTED_MODEL(0);
	ModelShape	   shape = shape_of(type, model);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s(", type->kinds[model->kind].name);
	for (int i = 0; i < shape.nparams; i++)
	{
		appendStringInfo(&out, "%s%s ", i > 0 ? ", " : "", shape.param_names[i]);
		append_float8(&out, model->params[i]);
	}
	appendStringInfoChar(&out, ')');
	model_fit_append_text(&out, &shape, &model->fit);
	PG_RETURN_CSTRING(out.data);
}

Datum
fitted_model_send(FunctionCallInfo fcinfo, const FittedType *type)
{
	FittedModel	  *model = PG_GETARG_FITTED_MODEL(0);
	ModelShape	   shape = shape_of(type, model);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, model->version);
	pq_sendint16(&out, model->kind);
	for (int i = 0; i < shape.nparams; i++)
		pq_sendfloat8(&out, model->params[i]);
	model_fit_send(&out, &shape, &model->fit);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

Datum
fitted_model_recv(FunctionCallInfo fcinfo, const FittedType *type)
{
	StringInfo	 message = (StringInfo) PG_GETARG_POINTER(0);
	int			 version = pq_getmsgint(message, 2);
	int			 kind = pq_getmsgint(message, 2);
	FittedModel *model;
	ModelShape	 shape;

	if (version != FITTED_MODEL_VERSION || kind >= type->nkinds)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown %s of version %d, kind %d", type->name, version, kind)));
	model = allocate(kind);
	shape = shape_of(type, model);
	for (int i = 0; i < shape.nparams; i++)
		model->params[i] = pq_getmsgfloat8(message);
	model_fit_recv(message, &shape, &model->fit);
	PG_RETURN_FITTED_MODEL(CheckFittedModel(type, model));
}

/* {"model", parameters, fit}; for tools. */
Datum
fitted_model_to_jsonb(FunctionCallInfo fcinfo, const FittedType *type)
{
	FittedModel	  *model = PG_GETARG_FITTED_MODEL(0);
	ModelShape	   shape = shape_of(type, model);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"model\":\"%s\"", type->kinds[model->kind].name);
	if (shape.limit != NULL)
		appendStringInfo(&json, ",\"limit\":\"%s\"", shape.limit);
	for (int i = 0; i < shape.nparams; i++)
	{
		appendStringInfo(&json, ",\"%s\":", shape.param_names[i]);
		append_float8(&json, model->params[i]);
	}
	model_fit_append_json(&json, &shape, &model->fit);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

Datum
fitted_model_parameters(FunctionCallInfo fcinfo, const FittedType *type)
{
	FittedModel *model = PG_GETARG_FITTED_MODEL(0);
	ModelShape	 shape = shape_of(type, model);

	return model_parameters(fcinfo, &shape, model->params, &model->fit);
}

Datum
fitted_model_fit_verdict(FunctionCallInfo fcinfo, const FittedType *type)
{
	FittedModel *model = PG_GETARG_FITTED_MODEL(0);
	ModelShape	 shape = shape_of(type, model);

	PG_RETURN_TEXT_P(cstring_to_text(model_fit_reason(&shape, &model->fit)));
}
