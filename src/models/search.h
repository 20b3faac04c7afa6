/*
 * search.h: the search for a maximum that all fits share.
 *
 * Plain C without PostgreSQL. Parameters are searched by their logs, shares by their log odds.
 */
#ifndef CRM_SEARCH_H
#define CRM_SEARCH_H

#include "models/fit_result.h"

#include <math.h>
#include <nlopt.h>

#define GRADIENT_AIM 1e-8	 /* where the search stops */
#define GRADIENT_ENOUGH 1e-6 /* what counts as converged */
#define ROWS_PER_CHECK 512	 /* between two looks whether the user wants to stop */

/* Mean log-likelihood and its gradient by log parameters; false if interrupted. */
typedef bool (*Objective)(void *data, const double *log_params, double *value, double *gradient);

typedef struct Problem
{
	int		  nparams;
	double	  lower[FIT_MAX_PARAMS];
	double	  upper[FIT_MAX_PARAMS];
	bool	  is_share[FIT_MAX_PARAMS]; /* searched by its log odds instead of its log */
	Objective objective;
	void	 *data;
	double	  customers;
	nlopt_opt opt;
	bool	  interrupted;
	int		  evaluations;
	/* the best point so far */
	double best[FIT_MAX_PARAMS];
	double best_value;
	double best_gradient[FIT_MAX_PARAMS];
} Problem;

/* A parameter, and its slope, at a point of the search. */
static inline double
parameter_at(bool is_share, double at)
{
	return is_share ? 1 / (1 + exp(-at)) : exp(at);
}

static inline double
parameter_slope(bool is_share, double parameter)
{
	return is_share ? parameter * (1 - parameter) : parameter;
}

/*
 * Searches from the first start, and from the others only if that did not
 * converge: these likelihoods have modes at their boundaries too. The likeliest
 * end wins, wherever it is. False if interrupted.
 */
extern bool maximise(Problem *problem, int nstarts, double starts[][FIT_MAX_PARAMS],
					 FitResult *result);

#endif /* CRM_SEARCH_H */
