/*
 * fit.c: L-BFGS with analytic gradients (NLopt), a Newton step to finish, and a
 * verdict in words on what was found.
 */
#include "models/fit.h"

#include <math.h>
#include <nlopt.h>
#include <stddef.h>
#include <string.h>

#define GRADIENT_AIM 1e-8	 /* where the search stops */
#define GRADIENT_ENOUGH 1e-6 /* what counts as converged */
#define DIFFERENCE_STEP 1e-6 /* for second derivatives from first ones */
#define NEAR_BOUND 0.02
#define LARGEST_LOG_ERROR 10.0 /* a standard error of a log parameter that says nothing is known */
#define MAX_EVALUATIONS 400
#define ROWS_PER_CHECK 512

/* Mean log-likelihood and its gradient by log parameters; false if interrupted. */
typedef bool (*Objective)(void *data, const double *log_params, double *value, double *gradient);

typedef struct Problem
{
	int		  nparams;
	double	  lower[FIT_MAX_PARAMS];
	double	  upper[FIT_MAX_PARAMS];
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
	double	 local[FIT_MAX_PARAMS];
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
	double at[FIT_MAX_PARAMS];
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
curvature(Problem *problem, double hessian[FIT_MAX_PARAMS][FIT_MAX_PARAMS])
{
	int n = problem->nparams;

	for (int i = 0; i < n; i++)
	{
		double at[FIT_MAX_PARAMS];
		double gradient[FIT_MAX_PARAMS];
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

/* Inverse of a symmetric matrix by Cholesky's decomposition; false unless it is positive definite. */
static bool
invert(int n, double m[FIT_MAX_PARAMS][FIT_MAX_PARAMS],
	   double inverse[FIT_MAX_PARAMS][FIT_MAX_PARAMS])
{
	double l[FIT_MAX_PARAMS][FIT_MAX_PARAMS] = {{0}};

	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
		{
			double sum = m[i][j];

			for (int k = 0; k < j; k++)
				sum -= l[i][k] * l[j][k];
			if (i == j && !(sum > 1e-14 * m[i][i]))
				return false;
			l[i][j] = i == j ? sqrt(sum) : sum / l[j][j];
		}
	for (int column = 0; column < n; column++)
	{
		double y[FIT_MAX_PARAMS];

		for (int i = 0; i < n; i++)
		{
			y[i] = i == column;
			for (int k = 0; k < i; k++)
				y[i] -= l[i][k] * y[k];
			y[i] /= l[i][i];
		}
		for (int i = n - 1; i >= 0; i--)
		{
			for (int k = i + 1; k < n; k++)
				y[i] -= l[k][i] * inverse[k][column];
			inverse[i][column] = y[i] / l[i][i];
		}
	}
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
	double hessian[FIT_MAX_PARAMS][FIT_MAX_PARAMS];
	double inverse[FIT_MAX_PARAMS][FIT_MAX_PARAMS] = {{0}};
	bool   known = false;

	memset(result->covariance, 0, sizeof(result->covariance));
	/* no start gave a finite likelihood: the numbers are too far apart for any parameters */
	result->verdict = problem->best_value > -HUGE_VAL ? FIT_STALLED : FIT_NOT_IDENTIFIED;
	if (problem->best_value > -HUGE_VAL && !at_bound(problem, result))
	{
		known = curvature(problem, hessian) && invert(n, hessian, inverse);
		result->verdict = known ? FIT_STALLED : FIT_NOT_IDENTIFIED;
	}
	for (int step = 0; known && step < 3 && !problem->interrupted; step++)
	{
		double at[FIT_MAX_PARAMS];
		double gradient[FIT_MAX_PARAMS];
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
		result->params[i] = exp(problem->best[i]);
	if (!known)
		return;
	if (result->gradient_norm < GRADIENT_ENOUGH)
		result->verdict = FIT_CONVERGED;
	for (int i = 0; i < n; i++)
	{
		if (inverse[i][i] / problem->customers > LARGEST_LOG_ERROR * LARGEST_LOG_ERROR)
			result->verdict = FIT_NOT_IDENTIFIED;
		for (int j = 0; j < n; j++)
			result->covariance[i][j] =
				result->params[i] * result->params[j] * inverse[i][j] / problem->customers;
	}
}

/*
 * Searches from the first start, and from the others only if that did not
 * converge: these likelihoods have modes at their boundaries too. The likeliest
 * end wins, wherever it is.
 */
static bool
maximise(Problem *problem, int nstarts, double starts[][FIT_MAX_PARAMS], FitResult *result)
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

typedef struct PurchaseProblem
{
	const PurchaseModelOps *ops;
	FitData				   *data;
	int						k;
	FitInterrupted			interrupted;
} PurchaseProblem;

/* Sums of blocks are added up, so that rounding grows with neither the blocks nor the rows alone. */
static bool
purchase_objective(void *data, const double *log_params, double *value, double *gradient)
{
	PurchaseProblem *problem = data;
	FitData			*d = problem->data;
	PurchaseParams	 params = {problem->k, {0}};
	double			 total = 0;
	double			 totals[PURCHASE_PARAMS] = {0};

	for (int i = 0; i < PURCHASE_PARAMS; i++)
		params.p[i] = exp(log_params[i]);
	problem->ops->tabulate(&params, d);
	for (int start = 0; start < d->nrows; start += ROWS_PER_CHECK)
	{
		int	   end = start + ROWS_PER_CHECK < d->nrows ? start + ROWS_PER_CHECK : d->nrows;
		double sum = 0;
		double sums[PURCHASE_PARAMS] = {0};

		if (problem->interrupted())
			return false;
		for (int i = start; i < end; i++)
		{
			double g[PURCHASE_PARAMS];

			sum += d->rows[i].count * problem->ops->fit_row(&params, d, &d->rows[i], g);
			for (int j = 0; j < PURCHASE_PARAMS; j++)
				sums[j] += d->rows[i].count * g[j];
		}
		total += sum;
		for (int j = 0; j < PURCHASE_PARAMS; j++)
			totals[j] += sums[j];
	}
	*value = (total + (problem->k - 1) * d->log_gaps) / d->customers;
	for (int j = 0; j < PURCHASE_PARAMS; j++)
		gradient[j] = params.p[j] * totals[j] / d->customers;
	return true;
}

/* Mean of age over customers, the unit of the parameters that are times. */
static double
mean_age(const FitData *data)
{
	double sum = 0;

	for (int i = 0; i < data->nrows; i++)
		sum += data->rows[i].count * data->times[data->rows[i].age];
	return sum / data->customers;
}

/* One fit for one k. Starts are multiples of plain guesses; first says where to begin instead. */
static bool
fit_for_k(const PurchaseModelOps *ops, int k, FitData *data, FitInterrupted interrupted,
		  const double *first, FitResult *result)
{
	static const double factors[][PURCHASE_PARAMS] = {
		{0.8, 1, 0.8, 2.5}, {0.3, 1, 0.2, 0.5}, {3, 1, 3, 20}, {1, 1, 10, 10}, {0.1, 1, 0.05, 1}};
	const int		nstarts = sizeof(factors) / sizeof(factors[0]);
	PurchaseProblem purchase = {ops, data, k, interrupted};
	Problem			problem = {.nparams = PURCHASE_PARAMS,
							   .objective = purchase_objective,
							   .data = &purchase,
							   .customers = data->customers};
	double			starts[sizeof(factors) / sizeof(factors[0])][FIT_MAX_PARAMS];
	double			time = mean_age(data);
	double			rate = k * data->purchases / data->customers / time;

	for (int i = 0; i < PURCHASE_PARAMS; i++)
	{
		double unit = ops->is_time[i] ? log(time) : 0;

		problem.lower[i] = unit - FIT_LOG_BOUND;
		problem.upper[i] = unit + FIT_LOG_BOUND;
		for (int s = 0; s < nstarts; s++)
			starts[s][i] = log(factors[s][i]) + (ops->is_time[i] ? log(time / 3) : 0);
	}
	/* the scale of the purchase rate follows from its mean and shape; half the customers die early */
	for (int s = 0; s < nstarts; s++)
		starts[s][1] = starts[s][0] - log(2 * rate);
	if (first != NULL)
		memcpy(starts[0], first, sizeof(starts[0]));

	result->k = k;
	data->nodes = 16;
	if (!maximise(&problem, nstarts, starts, result))
		return false;
	return true;
}

/* The quadrature of a fit is coarse: a last Newton step, and the likelihood, with the fine one. */
static bool
polish(const PurchaseModelOps *ops, FitData *data, FitInterrupted interrupted, FitResult *result)
{
	PurchaseProblem purchase = {ops, data, result->k, interrupted};
	double			at[FIT_MAX_PARAMS];
	double			step[FIT_MAX_PARAMS];
	double			gradient[FIT_MAX_PARAMS];
	double			value;
	double			norm = 0;

	data->nodes = 32;
	for (int i = 0; i < PURCHASE_PARAMS; i++)
		at[i] = log(result->params[i]);
	if (!purchase_objective(&purchase, at, &value, gradient))
		return false;
	for (int i = 0; i < PURCHASE_PARAMS; i++)
		norm = fmax(norm, fabs(gradient[i]));
	if (result->verdict == FIT_CONVERGED && norm > GRADIENT_AIM)
	{
		norm = 0;
		for (int i = 0; i < PURCHASE_PARAMS; i++)
		{
			step[i] = 0;
			for (int j = 0; j < PURCHASE_PARAMS; j++)
				step[i] +=
					result->covariance[i][j] / result->params[j] * gradient[j] * data->customers;
		}
		for (int i = 0; i < PURCHASE_PARAMS; i++)
			at[i] += step[i] / result->params[i];
		if (!purchase_objective(&purchase, at, &value, gradient))
			return false;
		for (int i = 0; i < PURCHASE_PARAMS; i++)
		{
			result->params[i] = exp(at[i]);
			norm = fmax(norm, fabs(gradient[i]));
		}
	}
	if (result->verdict == FIT_CONVERGED)
	{
		result->gradient_norm = norm;
		if (!(norm < GRADIENT_ENOUGH))
			result->verdict = FIT_STALLED;
	}
	result->log_likelihood = value * data->customers;
	return true;
}

bool
fit_purchase_model(const PurchaseModelOps *ops, int k, FitData *data, FitInterrupted interrupted,
				   FitResult *result)
{
	FitResult next;

	memset(result, 0, sizeof(*result));
	if (!fit_for_k(ops, k == 0 ? 1 : k, data, interrupted, NULL, result))
		return false;
	/* the likelihood rises and then falls in k; more phases pass at a higher rate */
	for (int phases = 2; k == 0 && phases <= PURCHASE_MAX_K; phases++)
	{
		double first[FIT_MAX_PARAMS];

		for (int i = 0; i < FIT_MAX_PARAMS; i++)
			first[i] = log(result->params[i]);
		first[1] += log((phases - 1.0) / phases);
		memset(&next, 0, sizeof(next));
		if (!fit_for_k(ops, phases, data, interrupted, first, &next))
			return false;
		if (next.log_likelihood <= result->log_likelihood)
			break;
		*result = next;
	}
	return ops == &pareto_nbd_ops ? polish(ops, data, interrupted, result) : true;
}

typedef struct SpendProblem
{
	SpendData	  *data;
	FitInterrupted interrupted;
} SpendProblem;

static bool
spend_objective(void *data, const double *log_params, double *value, double *gradient)
{
	SpendProblem *problem = data;
	SpendData	 *d = problem->data;
	SpendParams	  params;
	double		  total = 0;
	double		  totals[SPEND_PARAMS] = {0};

	for (int i = 0; i < SPEND_PARAMS; i++)
		params.p[i] = exp(log_params[i]);
	gamma_gamma_tabulate(&params, d);
	for (int start = 0; start < d->nrows; start += ROWS_PER_CHECK)
	{
		int	   end = start + ROWS_PER_CHECK < d->nrows ? start + ROWS_PER_CHECK : d->nrows;
		double sum = 0;
		double sums[SPEND_PARAMS] = {0};

		if (problem->interrupted())
			return false;
		for (int i = start; i < end; i++)
		{
			double g[SPEND_PARAMS];

			sum += d->rows[i].count * gamma_gamma_fit_row(&params, d, &d->rows[i], g);
			for (int j = 0; j < SPEND_PARAMS; j++)
				sums[j] += d->rows[i].count * g[j];
		}
		total += sum;
		for (int j = 0; j < SPEND_PARAMS; j++)
			totals[j] += sums[j];
	}
	*value = total / d->customers;
	for (int j = 0; j < SPEND_PARAMS; j++)
		gradient[j] = params.p[j] * totals[j] / d->customers;
	return true;
}

bool
fit_spend_model(SpendData *data, FitInterrupted interrupted, FitResult *result)
{
	double		 starts[][FIT_MAX_PARAMS] = {{log(2), log(4), log(1.5), 0},
											 {0, log(2), 0, 0},
											 {log(20), log(10), log(0.5), 0},
											 {log(0.2), log(5), log(20), 0}};
	SpendProblem spend = {data, interrupted};
	Problem		 problem = {.nparams = SPEND_PARAMS,
							.objective = spend_objective,
							.data = &spend,
							.customers = data->customers};

	for (int i = 0; i < SPEND_PARAMS; i++)
	{
		problem.lower[i] = -FIT_LOG_BOUND;
		problem.upper[i] = FIT_LOG_BOUND;
	}
	memset(result, 0, sizeof(*result));
	result->k = 1;
	return maximise(&problem, sizeof(starts) / sizeof(starts[0]), starts, result);
}
