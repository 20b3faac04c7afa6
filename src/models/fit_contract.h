/*
 * fit_contract.h: the fit of the contract models.
 */
#ifndef CRM_FIT_CONTRACT_H
#define CRM_FIT_CONTRACT_H

#include "models/contract.h"
#include "models/fit.h"

/* The likeliest parameters of a kind (ContractModelKind); false if interrupted. */
extern bool fit_contract_model(int kind, const ContractData *data, FitInterrupted interrupted,
							   FitResult *result);

#endif /* CRM_FIT_CONTRACT_H */
