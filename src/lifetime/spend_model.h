/*
 * spend_model.h: a gamma-gamma model of spend per purchase as a value.
 */
#ifndef CRM_SPEND_MODEL_H
#define CRM_SPEND_MODEL_H

#include "crm.h"

#include <math.h>

#include "lifetime/coefficients.h"
#include "models/gamma_gamma.h"

#define SPEND_MODEL_VERSION 1
#define SPEND_MODEL_VERSION_LIMIT 2		 /* a limit of the family; the same layout */
#define SPEND_MODEL_VERSION_COVARIATES 3 /* either, and behind it ModelCovariates */

#define MEAN_SPEND_MAX 1e15 /* of a customer, either way */

typedef struct SpendModel
{
	int32	 vl_len_;			   /* varlena header, do not touch */
	uint16	 version;			   /* as above */
	uint16	 kind;				   /* SpendModelKind */
	double	 params[SPEND_PARAMS]; /* those that a limit does not have are zero */
	ModelFit fit;
} SpendModel; /* and behind it, if the version says so, ModelCovariates of buying alone */

/* The type's storage is plain: values are never packed or toasted in tables. */
#define DatumGetSpendModel(d) ((SpendModel *) PG_DETOAST_DATUM(d))
#define PG_GETARG_SPEND_MODEL(n) DatumGetSpendModel(PG_GETARG_DATUM(n))
#define PG_RETURN_SPEND_MODEL(m) PG_RETURN_POINTER(m)

extern ModelShape  spend_model_shape(const SpendModel *model);
extern SpendModel *CheckSpendModel(SpendModel *model);
extern SpendModel *spend_model_create(int kind, const double *params);

extern SpendModel *spend_model_with_covariates(const SpendModel		 *model,
											   const ModelCovariates *covariates);
extern char		  *spend_coefficient_name(const Covariates *c, int i);

/* What a model knows of covariates; NULL if nothing. */
static inline const ModelCovariates *
spend_model_covariates(const SpendModel *model)
{
	return model->version == SPEND_MODEL_VERSION_COVARIATES ? (const ModelCovariates *) (model + 1)
															: NULL;
}

static inline SpendParams
spend_params(const SpendModel *model)
{
	return spend_whole(model->kind, model->params);
}

/* A model that can predict. */
static inline const SpendModel *
CheckSpendPredicting(const SpendModel *model)
{
	if (unlikely(!model_fit_predicts(&model->fit)))
	{
		ModelShape shape = spend_model_shape(model);

		CheckUsable(&shape, &model->fit);
	}
	if (unlikely(spend_model_covariates(model) != NULL))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a spend model with covariates predicts only for a customer whose "
							   "covariates it is given"),
						errhint("Predict by crm.for_customer(spend, covariates).")));
	return model;
}

/*
 * Expected spend per purchase; a customer who got back all he paid counts as having paid nothing. Where a few
 * spend so much that the mean is infinite (p x + q <= 1), the median of a purchase.
 */
static inline double
expected_spend(const SpendModel *model, double x, double mean_spend)
{
	SpendParams params = spend_params(model);
	double		mean = gamma_gamma_expected(&params, x, Max(mean_spend, 0));

	return unlikely(isinf(mean)) ? gamma_gamma_median(&params, x, Max(mean_spend, 0)) : mean;
}

#endif /* CRM_SPEND_MODEL_H */
