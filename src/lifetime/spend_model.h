/*
 * spend_model.h: a gamma-gamma model of spend per purchase as a value.
 */
#ifndef CRM_SPEND_MODEL_H
#define CRM_SPEND_MODEL_H

#include "crm.h"

#include "lifetime/fit_record.h"
#include "models/gamma_gamma.h"

#define SPEND_MODEL_VERSION 1

typedef struct SpendModel
{
	int32	 vl_len_; /* varlena header, do not touch */
	uint16	 version; /* SPEND_MODEL_VERSION */
	uint16	 flags;	  /* reserved, zero */
	double	 params[SPEND_PARAMS];
	ModelFit fit;
} SpendModel;

/* The type's storage is plain: values are never packed or toasted in tables. */
#define PG_GETARG_SPEND_MODEL(n) ((SpendModel *) PG_GETARG_VARLENA_P(n))
#define PG_RETURN_SPEND_MODEL(m) PG_RETURN_POINTER(m)

extern const ModelShape spend_model_shape;

extern SpendModel *spend_model_create(const double *params);

static inline SpendParams
spend_params(const SpendModel *model)
{
	SpendParams params;

	memcpy(params.p, model->params, sizeof(params.p));
	return params;
}

/* A model that can predict; with q <= 1 a few customers spend so much that the mean is infinite. */
static inline const SpendModel *
CheckSpendPredicting(const SpendModel *model)
{
	CheckUsable(&spend_model_shape, &model->fit);
	if (unlikely(model->params[1] <= 1))
		ereport(
			ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("the mean spend under this spend_model is infinite"),
			 errdetail("Its parameter q is %g; the mean is finite only above 1.", model->params[1]),
			 errhint("Look for a few customers with huge amounts, and fit without them.")));
	return model;
}

/* Expected spend per purchase; a customer who got back all he paid counts as having paid nothing. */
static inline double
expected_spend(const SpendModel *model, double x, double mean_spend)
{
	SpendParams params = spend_params(model);

	return gamma_gamma_expected(&params, x, Max(mean_spend, 0));
}

#endif /* CRM_SPEND_MODEL_H */
