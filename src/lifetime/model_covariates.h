/*
 * model_covariates.h: what stands behind a purchase model with covariates, in its text and binary forms.
 */
#ifndef CRM_MODEL_COVARIATES_FORMS_H
#define CRM_MODEL_COVARIATES_FORMS_H

#include "crm.h"

#include "lifetime/purchase_model.h"

extern void			  model_covariates_append_text(StringInfo out, const PurchaseModel *model);
extern PurchaseModel *model_covariates_scan(Scanner *s, const PurchaseModel *model);
extern void			  model_covariates_append_bytes(StringInfo out, const PurchaseModel *model);
extern PurchaseModel *model_covariates_from_bytes(StringInfo message, const PurchaseModel *model);
extern void			  model_covariates_append_json(StringInfo out, const PurchaseModel *model);

#endif /* CRM_MODEL_COVARIATES_FORMS_H */
