/*
 * fit_rows.h: fits of models to rows of equal customers, each of which adds its likelihood.
 */
#ifndef CRM_FIT_ROWS_H
#define CRM_FIT_ROWS_H

#include "models/bg_bb.h"
#include "models/contract.h"

/* The likeliest parameters of a contract model (ContractModelKind), or of its limit; false if interrupted. */
extern bool fit_contract_model(int kind, const ContractData *data, FitInterrupted interrupted,
							   FitResult *result);

/* The likeliest parameters of the BG/BB model; false if interrupted. */
extern bool fit_bg_bb(int nrows, const BgBbRow *rows, FitInterrupted interrupted,
					  FitResult *result);

#endif /* CRM_FIT_ROWS_H */
