/*
 * limits.h: what the fits and the predictions of limits.c share.
 */
#ifndef CRM_LIMITS_H
#define CRM_LIMITS_H

#include "models/model.h"

/* Whether everybody buys at the same rate, which then is the first parameter. */
static inline bool
buys_alike(const PurchaseParams *m)
{
	return (m->kind & LIMIT_BUY_ALIKE) != 0;
}

/* Parameters of leaving stand behind those of buying: (r, alpha) or (rate). */
static inline int
leaving_at(const PurchaseParams *m)
{
	return buys_alike(m) ? 1 : 2;
}

extern void	  limit_tabulate(const PurchaseParams *m, FitData *data);
extern double limit_fit_row(const PurchaseParams *m, const FitData *data, const FitRow *row,
							double *gradient);
extern double limit_log_likelihood(const PurchaseParams *m, Btyd c);

#endif /* CRM_LIMITS_H */
