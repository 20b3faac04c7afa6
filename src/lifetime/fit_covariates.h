/*
 * fit_covariates.h: fits of purchase models with covariates, from a state to a model.
 */
#ifndef CRM_FIT_COVARIATES_H
#define CRM_FIT_COVARIATES_H

#include "crm.h"

#include "lifetime/fit_state.h"
#include "lifetime/purchase_model.h"

extern PurchaseModel *fit_by_covariates(const FitState *state, int kind);

#endif /* CRM_FIT_COVARIATES_H */
