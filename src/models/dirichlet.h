/*
 * dirichlet.h: how customers divide what they buy among categories.
 *
 * Plain C without PostgreSQL.
 */
#ifndef CRM_DIRICHLET_H
#define CRM_DIRICHLET_H

#include <stdbool.h>
#include <stdint.h>

#include "models/fit_result.h"

/* How many customers have a count: ascending, each above 0, each once. */
typedef struct CountTable
{
	int			   n;
	const int32_t *count;
	const int64_t *customers;
} CountTable;

/* What a fit came to. */
typedef enum DirichletVerdict
{
	DIRICHLET_CONVERGED = 0,
	DIRICHLET_POOLED = 1,	  /* customers differ no more than chance, or nobody bought twice */
	DIRICHLET_SPLIT = 2,	  /* each customer buys of one category */
	DIRICHLET_UNFINISHED = 3, /* too many steps */
	DIRICHLET_INTERRUPTED = 4 /* by the caller: no verdict of a value */
} DirichletVerdict;
#define DIRICHLET_VERDICTS 4

/* The sum of the concentrations where the likelihood has its maximum at a bound. */
#define DIRICHLET_MOST 1e5
#define DIRICHLET_LEAST 1e-6

extern DirichletVerdict dirichlet_fit(int n, const CountTable *categories, const CountTable *all,
									  FitInterrupted interrupted, double *concentration);

/* The parts of an NBD-Dirichlet that a market table tells; Goodhardt, Ehrenberg & Chatfield (1984). */
extern bool	  market_shape(double penetration, double mean, double *shape);
extern double market_diversity(double mean, double shape, double share, double penetration);
extern double market_robust_mean(int n, const double *diversity, const double *share);

#endif /* CRM_DIRICHLET_H */
