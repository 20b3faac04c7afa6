/*
 * fit_collect.h: customers as the states of fits take them in.
 */
#ifndef CRM_FIT_COLLECT_H
#define CRM_FIT_COLLECT_H

#include "crm.h"

#include "history/purchase_history.h"
#include "lifetime/fit_state.h"
#include "lifetime/season.h"

extern FitState *fit_add_seasoned(FitState *state, const PurchaseHistory *h, DateADT as_of,
								  const Season *season, const double *more);

#endif /* CRM_FIT_COLLECT_H */
