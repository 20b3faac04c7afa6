/*
 * search.c: L-BFGS with analytic gradients (NLopt), a Newton step to finish, and a
 * verdict in words on what was found.
 */
#include "models/search.h"

#include "math/symmetric.h"

#include <stddef.h>
#include <string.h>

#define DIFFERENCE_STEP 1e-6 /* for second derivatives from first ones */
#define NEAR_BOUND 0.02
#define LARGEST_LOG_ERROR 10.0 /* a standard error of a log parameter that says nothing is known */
#define MAX_EVALUATIONS 400

/* Largest derivative in a direction that the bounds leave open. */
static double
gradient_norm(const Problem *problem, const double *at, const double *gradient)
{
	double norm = 0;

	for (int i = 0; i < problem->nparams; i++)
	{
		if ((at[i] <= problem->lower[i] && gradient[i] < 0) ||
			(at[i] >= problem->upper[i] && gradient[i] > 0))
			continue;
		norm = fmax(norm, fabs(gradient[i]));
	}
	return norm;
}

/* Evaluates, counts, and keeps the best point; a value that is no number counts as -infinity. */
static double
evaluate(Problem *problem, const double *at, double *gradient)
{
	double value;

	problem->evaluations++;
	if (problem->interrupted || !problem->objective(problem->data, at, &value, gradient))
	{
		problem->interrupted = true;
		return -HUGE_VAL;
	}
	for (int i = 0; i < problem->nparams; i++)
		if (!isfinite(gradient[i]))
			value = -HUGE_VAL;
	if (!isfinite(value))
	{
		memset(gradient, 0, problem->nparams * sizeof(double));
		return -HUGE_VAL;
	}
	if (value > problem->best_value)
	{
		problem->best_value = value;
		memcpy(problem->best, at, problem->nparams * sizeof(double));
		memcpy(problem->best_gradient, gradient, problem->nparams * sizeof(double));
	}
	return value;
}

/* NLopt's view of evaluate(); stops the search when the gradient is zero or the user wants it. */
static double
nlopt_objective(unsigned n, const double *at, double *gradient, void *data)
{
	Problem *problem = data;
	double	 local[SEARCH_MAX_PARAMS];
	double	*g = gradient != NULL ? gradient : local;
	double	 value = evaluate(problem, at, g);

	(void) n;
	if (problem->interrupted || (value > -HUGE_VAL && gradient_norm(problem, at, g) < GRADIENT_AIM))
		nlopt_force_stop(problem->opt);
	return value > -HUGE_VAL ? value : -1e300;
}

/* One search from a start; the best point is left in the problem. */
static void
search(Problem *problem, const double *start)
{
	double at[SEARCH_MAX_PARAMS];
	double value;

	problem->best_value = -HUGE_VAL;
	problem->opt = nlopt_create(NLOPT_LD_LBFGS, problem->nparams);
	if (problem->opt == NULL)
		return;
	for (int i = 0; i < problem->nparams; i++)
		at[i] = fmin(fmax(start[i], problem->lower[i]), problem->upper[i]);
	nlopt_set_max_objective(problem->opt, nlopt_objective, problem);
	nlopt_set_lower_bounds(problem->opt, problem->lower);
	nlopt_set_upper_bounds(problem->opt, problem->upper);
	nlopt_set_maxeval(problem->opt, MAX_EVALUATIONS);
	/* the return code does not matter: the best point and its gradient decide */
	(void) nlopt_optimize(problem->opt, at, &value);
	nlopt_destroy(problem->opt);
	problem->opt = NULL;
}

/* Minus the second derivatives of the mean log-likelihood, by differences of the gradient. */
static bool
curvature(Problem *problem, double hessian[SEARCH_MAX_PARAMS][SEARCH_MAX_PARAMS])
{
	int n = problem->nparams;

	for (int i = 0; i < n; i++)
	{
		double at[SEARCH_MAX_PARAMS];
		double gradient[SEARCH_MAX_PARAMS];
		double value;

		memcpy(at, problem->best, sizeof(at));
		at[i] += DIFFERENCE_STEP;
		problem->evaluations++;
		if (!problem->objective(problem->data, at, &value, gradient))
		{
			problem->interrupted = true;
			return false;
		}
		for (int j = 0; j < n; j++)
			hessian[i][j] = (problem->best_gradient[j] - gradient[j]) / DIFFERENCE_STEP;
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			hessian[i][j] = hessian[j][i] = (hessian[i][j] + hessian[j][i]) / 2;
	return true;
}

/* Which bound the best point is at, if any. */
static bool
at_bound(const Problem *problem, FitResult *result)
{
	for (int i = 0; i < problem->nparams; i++)
	{
		bool low = problem->best[i] < problem->lower[i] + NEAR_BOUND;

		if (low || problem->best[i] > problem->upper[i] - NEAR_BOUND)
		{
			result->verdict = low ? FIT_AT_LOWER_BOUND : FIT_AT_UPPER_BOUND;
			result->bound = i;
			return true;
		}
	}
	return false;
}

/* From a search's end to a result: a Newton step or two, covariance and verdict. */
static void
conclude(Problem *problem, FitResult *result)
{
	int	   n = problem->nparams;
	double hessian[SEARCH_MAX_PARAMS][SEARCH_MAX_PARAMS];
	double inverse[SEARCH_MAX_PARAMS][SEARCH_MAX_PARAMS] = {{0}};
	bool   known = false;

	memset(result->covariance, 0, sizeof(result->covariance));
	/* no start gave a finite likelihood: the numbers are too far apart for any parameters */
	result->verdict = problem->best_value > -HUGE_VAL ? FIT_STALLED : FIT_NOT_IDENTIFIED;
	if (problem->best_value > -HUGE_VAL && !at_bound(problem, result))
	{
		known = curvature(problem, hessian) &&
				symmetric_inverse(n, SEARCH_MAX_PARAMS, hessian[0], inverse[0]);
		result->verdict = known ? FIT_STALLED : FIT_NOT_IDENTIFIED;
	}
	for (int step = 0; known && step < 3 && !problem->interrupted; step++)
	{
		double at[SEARCH_MAX_PARAMS];
		double gradient[SEARCH_MAX_PARAMS];
		double value;

		if (gradient_norm(problem, problem->best, problem->best_gradient) < GRADIENT_AIM)
			break;
		for (int i = 0; i < n; i++)
		{
			at[i] = problem->best[i];
			for (int j = 0; j < n; j++)
				at[i] += inverse[i][j] * problem->best_gradient[j];
			at[i] = fmin(fmax(at[i], problem->lower[i]), problem->upper[i]);
		}
		value = evaluate(problem, at, gradient);
		if (!(value > problem->best_value - 1e-12 * fabs(problem->best_value)) ||
			!(gradient_norm(problem, at, gradient) <
			  gradient_norm(problem, problem->best, problem->best_gradient)))
			break;
		memcpy(problem->best, at, sizeof(at));
		memcpy(problem->best_gradient, gradient, sizeof(gradient));
	}

	result->gradient_norm = gradient_norm(problem, problem->best, problem->best_gradient);
	result->log_likelihood = problem->best_value * problem->customers;
	for (int i = 0; i < n; i++)
		result->params[i] = problem_parameter(problem, i, problem->best[i]);
	if (!known)
		return;
	if (result->gradient_norm < GRADIENT_ENOUGH)
		result->verdict = FIT_CONVERGED;
	for (int i = 0; i < n; i++)
	{
		if (inverse[i][i] / problem->customers > LARGEST_LOG_ERROR * LARGEST_LOG_ERROR)
			result->verdict = FIT_NOT_IDENTIFIED;
		for (int j = 0; j < n; j++)
			result->covariance[i][j] = problem_slope(problem, i, result->params[i]) *
									   problem_slope(problem, j, result->params[j]) *
									   inverse[i][j] / problem->customers;
	}
}

bool
maximise(Problem *problem, int nstarts, double starts[][SEARCH_MAX_PARAMS], FitResult *result)
{
	problem->evaluations = 0;
	problem->interrupted = false;
	for (int i = 0; i < nstarts; i++)
	{
		FitResult found = *result;

		search(problem, starts[i]);
		if (!problem->interrupted)
			conclude(problem, &found);
		if (problem->interrupted)
			return false;
		if (i == 0 || found.log_likelihood > result->log_likelihood + 1e-6 ||
			(found.verdict == FIT_CONVERGED && result->verdict != FIT_CONVERGED &&
			 found.log_likelihood > result->log_likelihood - 1e-6))
			*result = found;
		if (i == 0 && result->verdict == FIT_CONVERGED)
			break;
	}
	result->evaluations = problem->evaluations;
	return true;
}
