/*
 * purchase_model.h: a purchase model as a value: which one, its parameters, its
 * time unit, and how it was fitted.
 */
#ifndef CRM_PURCHASE_MODEL_H
#define CRM_PURCHASE_MODEL_H

#include "crm.h"

#include "lifetime/fit_record.h"
#include "models/model.h"

#define PURCHASE_MODEL_VERSION 1

typedef struct PurchaseModel
{
	int32	 vl_len_; /* varlena header, do not touch */
	uint8	 version; /* PURCHASE_MODEL_VERSION */
	uint8	 kind;	  /* PurchaseModelKind */
	uint8	 k;		  /* phases between two purchases; 1 but for MBG/CNBD-k */
	uint8	 flags;	  /* reserved, zero */
	int32	 unit_days;
	int32	 reserved; /* zero */
	double	 params[PURCHASE_PARAMS];
	ModelFit fit;
} PurchaseModel;

/* The type's storage is plain: values are never packed or toasted in tables. */
#define PG_GETARG_PURCHASE_MODEL(n) ((PurchaseModel *) PG_GETARG_VARLENA_P(n))
#define PG_RETURN_PURCHASE_MODEL(m) PG_RETURN_POINTER(m)

extern PurchaseModel *purchase_model_create(int kind, int k, const double *params, int32 unit_days);
extern ModelShape	  purchase_model_shape(const PurchaseModel *model);

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
	memcpy(params.p, model->params, sizeof(params.p));
	return params;
}

/* The model of an argument, which must be able to predict. */
static inline const PurchaseModel *
CheckPredicting(const PurchaseModel *model)
{
	if (unlikely(!model_fit_predicts(&model->fit)))
	{
		ModelShape shape = purchase_model_shape(model);

		CheckUsable(&shape, &model->fit);
	}
	return model;
}

#endif /* CRM_PURCHASE_MODEL_H */
