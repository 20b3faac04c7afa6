/*
 * revenue_state.h: the state of the aggregate expected_revenue: the two models of all its
 * rows, and exact sums over them, so that neither order nor split matters.
 *
 * A float8 is added in two parts, whole multiples of 2^24 and the rest in 2^-64: exact
 * up to 2^110, which is more than the square of any money.
 */
#ifndef CRM_REVENUE_STATE_H
#define CRM_REVENUE_STATE_H

#include "crm.h"

#include "base/exact_sums.h"
#include "lifetime/purchase_model.h"
#include "lifetime/spend_model.h"

#define REVENUE_STATE_VERSION 1

/* What is summed; those of float8 take two sums. */
typedef enum RevenueSum
{
	REVENUE_CUSTOMERS,
	REVENUE_WITHOUT_MEAN,	  /* customers whose mean spend is infinite */
	REVENUE_WITHOUT_VARIANCE, /* whose variance is */
	REVENUE_TOTAL,
	REVENUE_VARIANCE = REVENUE_TOTAL + 2,
	REVENUE_GRADIENT = REVENUE_VARIANCE + 2, /* by the logs of the parameters of both models */
	REVENUE_SUMS = REVENUE_GRADIENT + 2 * (PURCHASE_PARAMS + SPEND_PARAMS)
} RevenueSum;

/* The sums and the purchase model follow. */
typedef struct RevenueState
{
	int32	   vl_len_; /* varlena header, do not touch */
	uint16	   version; /* REVENUE_STATE_VERSION */
	uint16	   flags;	/* reserved, zero */
	SpendModel spend;
} RevenueState;

static inline ExactSums *
revenue_sums(const RevenueState *state)
{
	return (ExactSums *) ((char *) state + MAXALIGN(sizeof(RevenueState)));
}

static inline PurchaseModel *
revenue_purchases(const RevenueState *state)
{
	return (PurchaseModel *) ((char *) revenue_sums(state) +
							  MAXALIGN(EXACT_SUMS_SIZE(REVENUE_SUMS)));
}

extern RevenueState *revenue_state_create(MemoryContext memory, const PurchaseModel *purchases,
										  const SpendModel *spend);
extern void			 CheckSameModels(const RevenueState *state, const PurchaseModel *purchases,
									 const SpendModel *spend);
extern void			 revenue_add(RevenueState *state, RevenueSum sum, double value);
extern double		 revenue_get(const RevenueState *state, RevenueSum sum);

#endif /* CRM_REVENUE_STATE_H */
