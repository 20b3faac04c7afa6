/*
 * search.h: the search for a maximum that all fits share.
 *
 * Plain C without PostgreSQL. Parameters are searched by their logs, shares by their log odds.
 */
#ifndef CRM_SEARCH_H
#define CRM_SEARCH_H

#include "models/fit_result.h"
#include "models/model.h"

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
	double	  lower[SEARCH_MAX_PARAMS];
	double	  upper[SEARCH_MAX_PARAMS];
	bool	  is_share[SEARCH_MAX_PARAMS]; /* searched by its log odds instead of its log */
	bool	  is_free[SEARCH_MAX_PARAMS];  /* any number, searched as it is */
	Objective objective;
	void	 *data;
	double	  customers;
	nlopt_opt opt;
	bool	  interrupted;
	int		  evaluations;
	/* the best point so far */
	double best[SEARCH_MAX_PARAMS];
	double best_value;
	double best_gradient[SEARCH_MAX_PARAMS];
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

static inline double
problem_parameter(const Problem *problem, int i, double at)
{
	return problem->is_free[i] ? at : parameter_at(problem->is_share[i], at);
}

static inline double
problem_slope(const Problem *problem, int i, double parameter)
{
	return problem->is_free[i] ? 1 : parameter_slope(problem->is_share[i], parameter);
}

/* Where to search: the log, or log odds, of a plain guess, and as far from its unit as FIT_LOG_BOUND. */
static inline void
place_parameter(Problem *problem, int i, ParamUnit unit, double time)
{
	double center = unit == PARAM_TIME ? log(time) : unit == PARAM_RATE ? -log(time) : 0;

	problem->is_share[i] = unit == PARAM_SHARE;
	problem->lower[i] = center - FIT_LOG_BOUND;
	problem->upper[i] = center + FIT_LOG_BOUND;
}

/*
 * Searches from the first start, and from the others only if that did not
 * converge: these likelihoods have modes at their boundaries too. The likeliest
 * end wins, wherever it is. False if interrupted.
 */
extern bool maximise(Problem *problem, int nstarts, double starts[][SEARCH_MAX_PARAMS],
					 FitResult *result);

#endif /* CRM_SEARCH_H */
