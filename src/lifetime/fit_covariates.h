/*
 * fit_covariates.h: the fit of a purchase model with covariates.
 */
#ifndef CRM_FIT_COVARIATES_H
#define CRM_FIT_COVARIATES_H

#include "crm.h"

#include "lifetime/fit_state.h"

#define COVARIATE_GROUPS_MAX 10000

/* The model of a kind that fits the customers of a state best, with the coefficients of their covariates. */
extern Datum fit_by_covariates(const FitState *state, int kind);

#endif /* CRM_FIT_COVARIATES_H */
