/*
 * fit_starts.h: where the fits of purchase models begin, and the limits that they end in: what those with and without
 * covariates share. Plain C without PostgreSQL.
 */
#ifndef CRM_FIT_STARTS_H
#define CRM_FIT_STARTS_H

#include "models/search.h"

#define FIT_STARTS 5
#define FIT_FIRST_STARTS 2 /* of them; the others are for data that have no answer there */

/* Where to search for a model's parameters, and so many starts; they are multiples of plain guesses. */
extern void fit_starts(const PurchaseModelOps *ops, int k, const FitData *data, Problem *problem,
					   double starts[][SEARCH_MAX_PARAMS]);

/* Fits one limit; false if interrupted. */
typedef bool (*LimitFit)(const PurchaseModelOps *ops, void *data, FitResult *result);

/*
 * Where a family's likelihood grows towards an edge, the likeliest of its limits, if one is as likely as what the search
 * came to (result); else what the search says. Of equally likely ones that of fewer parameters. False if interrupted.
 */
extern bool fit_limits(LimitFit fit, void *data, double customers, FitResult *result);

#endif /* CRM_FIT_STARTS_H */
