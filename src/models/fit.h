/*
 * fit.h: maximum likelihood over the logs of positive parameters.
 *
 * Plain C without PostgreSQL. Nothing is allocated but by NLopt, which frees it
 * before a function here returns.
 */
#ifndef CRM_FIT_H
#define CRM_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "models/gamma_gamma.h"
#include "models/model.h"

#define FIT_MAX_PARAMS 4

/* Logs of parameters stay within this of their unit: e^12 = 162755. */
#define FIT_LOG_BOUND 12.0

/* What a fit came to; stored in models, so that the numbers must not change. */
typedef enum FitVerdict
{
	FIT_GIVEN = 0,			/* not fitted: made from known parameters */
	FIT_CONVERGED = 1,		/* a maximum inside the bounds */
	FIT_AT_LOWER_BOUND = 2, /* the likelihood still grows where a parameter becomes 0 */
	FIT_AT_UPPER_BOUND = 3, /* ... or beyond any size */
	FIT_NOT_IDENTIFIED = 4, /* flat: the data do not tell the parameters apart */
	FIT_STALLED = 5			/* the gradient is not zero where the search ended */
} FitVerdict;

typedef struct FitResult
{
	FitVerdict verdict;
	int		   bound; /* which parameter is at a bound */
	int		   k;
	int		   fitted; /* PurchaseModelKind */
	int		   kind;   /* the same, or the limit in which it ended */
	double	   params[FIT_MAX_PARAMS];
	double	   log_likelihood;
	double	   gradient_norm; /* largest derivative of the mean log-likelihood by a log parameter */
	double	   covariance[FIT_MAX_PARAMS][FIT_MAX_PARAMS]; /* of the parameters themselves */
	int		   evaluations;
} FitResult;

/* Tells whether the user wants to stop; must neither raise an error nor return slowly. */
typedef bool (*FitInterrupted)(void);

/*
 * Fit a family with a given k, or with the likeliest k if k is 0; if the data are likeliest
 * at an edge of the family, the limit that lies there. False if interrupted. data->nodes is set as needed.
 */
extern bool fit_purchase_model(const PurchaseModelOps *ops, int k, FitData *data,
							   FitInterrupted interrupted, FitResult *result);

/* Everything that was fitted for a choice, and which of it was taken; -1 if nothing could be. */
#define FIT_MAX_TRIED 6

typedef struct FitChoice
{
	int		  ntried;
	int		  taken;
	FitResult tried[FIT_MAX_TRIED];
} FitChoice;

/*
 * Fit every family, with NBD and Poisson as families of their own, and take that of the
 * least BIC. False if interrupted.
 */
extern bool fit_purchase_models(FitData *data, FitInterrupted interrupted, FitChoice *choice);

/* Fit the gamma-gamma model; amounts should be near 1. False if interrupted. */
extern bool fit_spend_model(SpendData *data, FitInterrupted interrupted, FitResult *result);

#endif /* CRM_FIT_H */
