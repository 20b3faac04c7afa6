/*
 * purchase_model.c: the type purchase_model: its checks, constructors and what it tells.
 */
#include "crm.h"

#include "access/hash.h"
#include "lifetime/btyd.h"
#include "base/value.h"
#include "lifetime/purchase_model.h"
#include "utils/builtins.h"

ModelShape
purchase_model_shape(const PurchaseModel *model)
{
	const PurchaseModelOps *ops = model_ops(model);
	ModelShape shape = {"purchase_model", ops->nparams, ops->param_names, ops->units, ops->limit};

	return shape;
}

/* The version that a value of this content has. */
static inline int
version_of(const PurchaseModel *model)
{
	if (model->flags != 0)
		return PURCHASE_MODEL_VERSION_MORE;
	return model->kind <= PURCHASE_FAMILIES && model->ntried == 0 ? PURCHASE_MODEL_VERSION
																  : PURCHASE_MODEL_VERSION_CHOICE;
}

/* Whose customers leave at purchases, in no time but that of purchases; and k = 1, where a season can be found. */
static inline bool
takes_season(int kind)
{
	int family = purchase_model_family(kind);

	return family == MODEL_BG_NBD || family == MODEL_MBG_NBD;
}

/* k is 1 but for models whose purchases have phases. */
static inline bool
valid_k(const PurchaseModelOps *ops, int k)
{
	return k >= 1 && k <= (ops->has_k ? PURCHASE_MAX_K : 1);
}

/* A choice is of a fitted model, which is one of those that were tried. */
static void
CheckTried(const PurchaseModel *model)
{
	bool found = false;
	bool sound = model->ntried >= 0 && model->ntried <= MODEL_MAX_TRIED;

	for (int i = 0; sound && i < model->ntried; i++)
	{
		const ModelTried	   *tried = &model->tried[i];
		const PurchaseModelOps *ops = purchase_model_ops(tried->kind);

		sound = ops != NULL && purchase_model_ops(tried->fitted) != NULL &&
				valid_k(ops, tried->k) && tried->verdict >= FIT_CONVERGED &&
				tried->verdict <= FIT_STALLED && tried->bound < ops->nparams &&
				(tried->bound == 0 || fit_verdict_at_bound(tried->verdict)) &&
				fabs(tried->log_likelihood) <= LOG_LIKELIHOOD_MAX && tried->has_holdout <= 1 &&
				tried->holdout <= 0 && tried->holdout >= -LOG_LIKELIHOOD_MAX &&
				(tried->has_holdout || tried->holdout == 0);
		found = found || (tried->kind == model->kind && tried->k == model->k &&
						  tried->verdict == model->fit.verdict);
	}
	if (!sound || (model->ntried > 0 && (!found || model->fit.verdict == FIT_GIVEN)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("purchase_model holds a choice that cannot be")));
}

/* Everything that input, receive and constructors promise. */
PurchaseModel *
CheckPurchaseModel(PurchaseModel *model)
{
	ModelShape shape;

	if (model_ops(model) == NULL || model->version != version_of(model) ||
		(model->flags & ~(MODEL_BY_SEASON | MODEL_BY_COVARIATES)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown purchase_model of version %d, kind %d", model->version,
							   model->kind)));
	CheckTried(model);
	if ((model->flags & MODEL_BY_COVARIATES) != 0 &&
		(!takes_covariates(model->kind) || model->ntried > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("this model of %s takes no covariates", model_ops(model)->title)));
	if ((model->flags & MODEL_BY_SEASON) != 0 && !takes_season(model->kind))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a model of %s takes no season", model_ops(model)->title)));
	if (!valid_k(model_ops(model), model->k))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("parameter k of purchase_model is out of range: %d", model->k),
						errdetail("k is a whole number from 1 to %d.", PURCHASE_MAX_K)));
	CheckUnitDays(model->unit_days);
	shape = purchase_model_shape(model);
	CheckParameters(&shape, model->params);
	CheckModelFit(&shape, &model->fit);
	return model;
}

/* With room for a choice behind it. */
PurchaseModel *
purchase_model_allocate(int kind, int k)
{
	PurchaseModel *model = palloc0(PURCHASE_MODEL_SIZE(MODEL_MAX_TRIED));

	SET_VARSIZE(model, PURCHASE_MODEL_SIZE(0));
	model->kind = kind;
	model->version = version_of(model);
	model->k = Min(Max(k, 0), PG_UINT8_MAX); /* the check reports what is out of range */
	return model;
}

/* A model of known parameters; errors name the one that is out of range. */
PurchaseModel *
purchase_model_create(int kind, int k, const double *params, int32 unit_days)
{
	PurchaseModel *model = purchase_model_allocate(kind, k);

	memcpy(model->params, params, purchase_model_ops(kind)->nparams * sizeof(double));
	model->unit_days = unit_days;
	return CheckPurchaseModel(model);
}

/* What a search came to, without coefficients; fit holds the counts. */
PurchaseModel *
purchase_model_of_result(FitResult *result, int32 unit_days, ModelFit *fit)
{
	const PurchaseModelOps *ops = purchase_model_ops(result->kind);
	PurchaseModel		   *model;

	clamp_parameters(result, ops->nparams, ops->units);
	model_fit_set(fit, result, ops->nparams);
	model = purchase_model_create(result->kind, result->k, result->params, unit_days);
	model->fit = *fit;
	return model;
}

/* Says of how many models a value knows that they were tried. */
void
purchase_model_set_tried(PurchaseModel *model, int ntried)
{
	model->ntried = ntried;
	model->version = version_of(model);
	SET_VARSIZE(model, PURCHASE_MODEL_SIZE(ntried));
}

/* A copy of a fitted model that knows what it was chosen among. */
PurchaseModel *
purchase_model_with_choice(const PurchaseModel *model, int ntried, const ModelTried *tried)
{
	PurchaseModel *chosen = purchase_model_allocate(model->kind, model->k);

	memcpy(chosen, model, PURCHASE_MODEL_SIZE(0));
	memcpy(chosen->tried, tried, ntried * sizeof(ModelTried));
	purchase_model_set_tried(chosen, ntried);
	return CheckPurchaseModel(chosen);
}

/* A copy of a model with something more behind it. */
static PurchaseModel *
with_more(const PurchaseModel *model, int flag, const void *more, Size more_size)
{
	Size		   size = VARSIZE(model);
	PurchaseModel *result = palloc0(size + more_size);

	memcpy(result, model, size);
	result->flags |= flag;
	result->version = version_of(result);
	memcpy((char *) result + size, more, more_size);
	SET_VARSIZE(result, size + more_size);
	return CheckPurchaseModel(result);
}

/* A copy of a model without a season that counts by the clock of one. */
PurchaseModel *
purchase_model_with_season(const PurchaseModel *model, const Season *season)
{
	return with_more(model, MODEL_BY_SEASON, season, VARSIZE(season));
}

/* A copy of a model with coefficients of covariates, behind its season if it has one. */
PurchaseModel *
purchase_model_with_covariates(const PurchaseModel *model, const ModelCovariates *covariates)
{
	PurchaseModel *result = with_more(model, MODEL_BY_COVARIATES, covariates,
									  coefficients_size(covariates, model_ops(model)->nparams));

	if (covariates_of_leaving(&covariates->coefficients) > 0 &&
		covariates_effect_on_leaving(result->kind).at < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a model that nobody leaves has no coefficients of leaving")));
	CheckCoefficients(purchase_model_covariates(result), &result->fit, model_ops(result)->nparams,
					  "purchase_model");
	return result;
}

/* A model alone, of which what it was chosen among and its season are left out: as large as its struct. */
void
purchase_model_copy_plain(PurchaseModel *copy, const PurchaseModel *model)
{
	memcpy(copy, model, PURCHASE_MODEL_SIZE(0));
	copy->flags = 0;
	purchase_model_set_tried(copy, 0);
}

/* (model): the season by whose clock it counts; NULL if it counts days. */
PG_FUNCTION_INFO_V1(crm_purchase_model_season);
Datum
crm_purchase_model_season(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);
	const Season		*season = purchase_model_season(model);
	Season				*copy;

	if (season == NULL)
		PG_RETURN_NULL();
	copy = palloc(VARSIZE(season));
	memcpy(copy, season, VARSIZE(season));
	PG_RETURN_POINTER(copy);
}

/* A constructor: k if the model has one, its parameters, then unit_days. */
static Datum
construct(FunctionCallInfo fcinfo, int kind)
{
	int	   at = purchase_model_ops(kind)->has_k ? 1 : 0;
	int	   k = at ? PG_GETARG_INT32(0) : 1;
	int	   n = purchase_model_ops(kind)->nparams;
	double params[PURCHASE_PARAMS];

	for (int i = 0; i < n; i++)
		params[i] = PG_GETARG_FLOAT8(at + i);
	if (k < 1 || k > PURCHASE_MAX_K)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("parameter k of purchase_model is out of range: %d", k),
						errdetail("k is a whole number from 1 to %d.", PURCHASE_MAX_K)));
	PG_RETURN_PURCHASE_MODEL(purchase_model_create(kind, k, params, PG_GETARG_INT32(at + n)));
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

PG_FUNCTION_INFO_V1(crm_nbd);
Datum
crm_nbd(PG_FUNCTION_ARGS)
{
	return construct(fcinfo, MODEL_NBD);
}

PG_FUNCTION_INFO_V1(crm_poisson);
Datum
crm_poisson(PG_FUNCTION_ARGS)
{
	return construct(fcinfo, MODEL_POISSON);
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
	char		  *reason = model_fit_reason(&shape, &model->fit);

	if (purchase_model_season(model) != NULL)
		reason = psprintf("%s; by the clock of a season. %s", reason,
						  season_reason(purchase_model_season(model)));
	reason = coefficients_reason(purchase_model_covariates(model), reason, covariates_number_name);
	PG_RETURN_TEXT_P(cstring_to_text(reason));
}

PG_FUNCTION_INFO_V1(crm_purchase_model_log_likelihood);
Datum
crm_purchase_model_log_likelihood(PG_FUNCTION_ARGS)
{
	return model_log_likelihood(fcinfo, &PG_GETARG_PURCHASE_MODEL(0)->fit);
}

/* How many parameters were estimated: k counts, and so do coefficients and the bins of a season that was found, less one for their average. */
static inline int
estimated(const PurchaseModel *model)
{
	const Season		  *season = purchase_model_season(model);
	const ModelCovariates *covariates = purchase_model_covariates(model);

	return model_ops(model)->nparams + model_ops(model)->has_k +
		   (covariates == NULL ? 0 : covariates_count(&covariates->coefficients)) +
		   (season != NULL && season->customers > 0 ? season_year(season->period)->nbins - 1 : 0);
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

VALUE_FUNCTIONS(purchase_model, value_bytes_order, value_bytes);
