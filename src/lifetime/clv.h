/*
 * clv.h: what a customer is worth from a day on, for those who keep it.
 */
#ifndef CRM_CLV_H
#define CRM_CLV_H

#include "crm.h"

#include <math.h>

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

/* A share of what is spent, or a cost if negative. */
static inline double
CheckMargin(double margin)
{
	if (!isfinite(margin))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("margin must be a finite number")));
	return margin;
}

/* A lifetime value is a finite number. */
static inline double
CheckValue(double value)
{
	if (!isfinite(value))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("lifetime value is out of range")));
	return value;
}

extern bool clv_of(const PurchaseModel *model, const SpendModel *spend, PurchaseHistory *history,
				   const ClvTerms *terms, double *clv);

#endif /* CRM_CLV_H */
