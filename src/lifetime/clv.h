/*
 * clv.h: what a customer is worth from a day on, for those who keep it.
 */
#ifndef CRM_CLV_H
#define CRM_CLV_H

#include "crm.h"

#include "history/purchase_history.h"
#include "lifetime/purchase_model.h"
#include "lifetime/spend_model.h"

/* What a lifetime value is counted over. */
typedef struct ClvTerms
{
	DateADT as_of;
	DateADT until; /* 'infinity' if discounted */
	double	annual_discount_rate;
	double	margin;
} ClvTerms;

extern bool clv_of(const PurchaseModel *model, const SpendModel *spend, PurchaseHistory *history,
				   const ClvTerms *terms, double *clv);

#endif /* CRM_CLV_H */
