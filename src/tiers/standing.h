/*
 * standing.h: the tier that a customer holds, for those who keep it.
 */
#ifndef CRM_STANDING_H
#define CRM_STANDING_H

#include "crm.h"

#include "history/purchase_history.h"
#include "tiers/tier_program.h"
#include "utils/array.h"

extern const char *tier_held(const TierProgram *program, PurchaseHistory *history, DateADT as_of,
							 ArrayType *overrides, ArrayType *memberships);

#endif /* CRM_STANDING_H */
