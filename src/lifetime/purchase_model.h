/*
 * purchase_model.h: a purchase model as a value: which one, its parameters, its
 * time unit, and how it was fitted.
 */
#ifndef CRM_PURCHASE_MODEL_H
#define CRM_PURCHASE_MODEL_H

#include "crm.h"

#include "lifetime/coefficients.h"
#include "lifetime/fit_record.h"
#include "lifetime/season.h"
#include "models/model.h"

/* 1: a whole family, and nothing else tried; 2: a limit, or chosen among others; 3: with a season behind. The same layout. */
#define PURCHASE_MODEL_VERSION 1
#define PURCHASE_MODEL_VERSION_CHOICE 2
#define PURCHASE_MODEL_VERSION_MORE 3

/* What a choice fitted, and what came of it. */
typedef struct ModelTried
{
	uint8  fitted; /* PurchaseModelKind that was fitted */
	uint8  kind;   /* the limit in which it ended, or itself */
	uint8  k;
	uint8  verdict;		/* FitVerdict */
	uint8  bound;		/* which parameter is at a bound, 0 if none */
	uint8  has_holdout; /* 0 or 1 */
	uint8  reserved[2]; /* zero */
	double log_likelihood;
	double holdout; /* ln of the probability that it gave to what was held out; 0 without */
} ModelTried;

#define MODEL_MAX_TRIED 8

typedef struct PurchaseModel
{
	int32	   vl_len_; /* varlena header, do not touch */
	uint8	   version; /* as above */
	uint8	   kind;	/* PurchaseModelKind */
	uint8	   k;		/* phases between two purchases; 1 but for MBG/CNBD-k and its limits */
	uint8	   flags;	/* MODEL_BY_SEASON and MODEL_BY_COVARIATES, or 0 */
	int32	   unit_days;
	int32	   ntried;					/* 0 unless chosen */
	double	   params[PURCHASE_PARAMS]; /* those that a limit does not have are zero */
	ModelFit   fit;
	ModelTried tried
		[FLEXIBLE_ARRAY_MEMBER]; /* and behind them, if so flagged, a Season and ModelCovariates */
} PurchaseModel;

#define MODEL_BY_SEASON 1	  /* its time is that of a season's clock */
#define MODEL_BY_COVARIATES 2 /* it is a model of each customer with her covariates */

#define PURCHASE_MODEL_SIZE(ntried) (offsetof(PurchaseModel, tried) + (ntried) * sizeof(ModelTried))

/* The type's storage is plain: values are never packed or toasted in tables. */
#define DatumGetPurchaseModel(d) ((PurchaseModel *) PG_DETOAST_DATUM(d))
#define PG_GETARG_PURCHASE_MODEL(n) DatumGetPurchaseModel(PG_GETARG_DATUM(n))
#define PG_RETURN_PURCHASE_MODEL(m) PG_RETURN_POINTER(m)

extern PurchaseModel *purchase_model_create(int kind, int k, const double *params, int32 unit_days);
extern PurchaseModel *purchase_model_of_result(FitResult *result, int32 unit_days, ModelFit *fit);
extern PurchaseModel *purchase_model_with_choice(const PurchaseModel *model, int ntried,
												 const ModelTried *tried);
extern PurchaseModel *purchase_model_with_covariates(const PurchaseModel   *model,
													 const ModelCovariates *covariates);
extern PurchaseModel *purchase_model_with_season(const PurchaseModel *model, const Season *season);
extern void			  purchase_model_copy_plain(PurchaseModel *copy, const PurchaseModel *model);
extern PurchaseModel *purchase_model_allocate(int kind, int k);
extern void			  purchase_model_set_tried(PurchaseModel *model, int ntried);
extern PurchaseModel *CheckPurchaseModel(PurchaseModel *model);
extern ModelShape	  purchase_model_shape(const PurchaseModel *model);
extern void			  purchase_model_signature(StringInfo out, int kind, int k);

/* The functions of a model's kind. */
static inline const PurchaseModelOps *
model_ops(const PurchaseModel *model)
{
	return purchase_model_ops(model->kind);
}

static inline PurchaseParams
model_params(const PurchaseModel *model)
{
	PurchaseParams params;

	params.k = model->k;
	params.kind = model->kind;
	memcpy(params.p, model->params, sizeof(params.p));
	return params;
}

/* The season by whose clock a model counts; NULL if it counts days. */
static inline const Season *
purchase_model_season(const PurchaseModel *model)
{
	return model->flags & MODEL_BY_SEASON ? (const Season *) &model->tried[model->ntried] : NULL;
}

/* What a model knows of covariates; NULL if nothing. */
static inline const ModelCovariates *
purchase_model_covariates(const PurchaseModel *model)
{
	const Season *season = purchase_model_season(model);

	if (!(model->flags & MODEL_BY_COVARIATES))
		return NULL;
	return season == NULL ? (const ModelCovariates *) &model->tried[model->ntried]
						  : (const ModelCovariates *) ((const char *) season + VARSIZE(season));
}

/* Covariance of two of a model's estimates: its parameters, then its coefficients. */
static inline double
purchase_model_covariance(const PurchaseModel *model, int i, int j)
{
	return coefficients_covariance(purchase_model_covariates(model), &model->fit,
								   model_ops(model)->nparams, i, j);
}

/* A model of customers with covariates knows nothing of one without. */
static inline void
CheckNoCovariates(const PurchaseModel *model)
{
	if (unlikely(model->flags & MODEL_BY_COVARIATES))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a model with covariates predicts only for a customer whose "
							   "covariates it is given"),
						errhint("Predict by crm.for_customer(model, covariates).")));
}

/* The model of an argument, which must be able to predict from one day to another. */
static inline const PurchaseModel *
CheckPredictingDays(const PurchaseModel *model)
{
	if (unlikely(!model_fit_predicts(&model->fit)))
	{
		ModelShape shape = purchase_model_shape(model);

		CheckUsable(&shape, &model->fit);
	}
	CheckNoCovariates(model);
	return model;
}

/* The same for a prediction that knows no dates: a season needs them. */
static inline const PurchaseModel *
CheckPredicting(const PurchaseModel *model)
{
	if (unlikely(model->flags & MODEL_BY_SEASON))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a model with a season predicts from one date to another only"),
						errhint("Give it a history, as_of and until instead of plain numbers.")));
	return CheckPredictingDays(model);
}

#endif /* CRM_PURCHASE_MODEL_H */
