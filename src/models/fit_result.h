/*
 * fit_result.h: what every fit comes to.
 */
#ifndef CRM_FIT_RESULT_H
#define CRM_FIT_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#define FIT_MAX_PARAMS 4
#define SEARCH_MAX_PARAMS 20 /* with coefficients of covariates */

/* Logs of parameters stay within this of their unit: e^12 = 162755. */
#define FIT_LOG_BOUND 12.0

/* A model's name and those of its parameters, all of them positive numbers; what is special about a limit, in words, or NULL. */
typedef struct FitShape
{
	const char *name;
	int			nparams;
	const char *param_names[FIT_MAX_PARAMS];
	const char *limit;
} FitShape;

/* What a fit came to; stored in models, so that the numbers must not change. */
typedef enum FitVerdict
{
	FIT_GIVEN = 0,			/* not fitted: made from known parameters */
	FIT_CONVERGED = 1,		/* a maximum inside the bounds */
	FIT_AT_LOWER_BOUND = 2, /* the likelihood still grows where a parameter becomes 0 */
	FIT_AT_UPPER_BOUND = 3, /* ... or beyond any size */
	FIT_NOT_IDENTIFIED = 4, /* flat: the data do not tell the parameters apart */
	FIT_STALLED = 5,		/* the gradient is not zero where the search ended */
	FIT_NOBODY_LOST = 6,	/* of contracts: nobody was lost yet */
	FIT_FEW_RENEWALS = 7	/* of contracts: fewer renewals seen than the model has parameters */
} FitVerdict;

typedef struct FitResult
{
	FitVerdict verdict;
	int		   bound; /* which parameter is at a bound */
	int		   k;
	int		   fitted; /* PurchaseModelKind */
	int		   kind;   /* the same, or the limit in which it ended */
	double	   params[SEARCH_MAX_PARAMS];
	double	   log_likelihood;
	double	   gradient_norm; /* largest derivative of the mean log-likelihood by a log parameter */
	double	   covariance[SEARCH_MAX_PARAMS][SEARCH_MAX_PARAMS]; /* of the parameters themselves */
	int		   evaluations;
} FitResult;

/* Tells whether the user wants to stop; must neither raise an error nor return slowly. */
typedef bool (*FitInterrupted)(void);

#endif /* CRM_FIT_RESULT_H */
