/*
 * fit_covariates.c: the likeliest coefficients of covariates, together with the parameters of the family.
 *
 * Covariates are divided by the largest of each for the search, so that a coefficient is what the largest does to the log
 * of a rate. The search begins at the fit without covariates.
 */
#include "models/covariates.h"

#include "models/fit.h"
#include "models/search.h"

#include <string.h>

#define STARTS 2
#define QUADRATURE_NODES 32
#define RUNS_OFF \
	4.0 /* e^4 = 55 times as often: where nothing else is known, the coefficient has no maximum */

typedef struct CovariateProblem
{
	const PurchaseModelOps *ops;
	CovariateData		   *data;
	double					scale[COEFFICIENTS_MAX];
	FitInterrupted			interrupted;
} CovariateProblem;

/* The parameters of a group's customers, from a point of the search. */
static PurchaseParams
params_of_group(const CovariateProblem *problem, const CovariateGroup *group, const double *at)
{
	const PurchaseModelOps *ops = problem->ops;
	const CovariateData	   *data = problem->data;
	const double		   *coefficients = at + ops->nparams;
	PurchaseParams			params = {1, {0}, ops->kind};
	double					buying = 0;
	double					leaving = 0;

	for (int i = 0; i < ops->nparams; i++)
		params.p[i] = exp(at[i]);
	for (int i = 0; i < data->nbuying; i++)
		buying += coefficients[i] * (group->z[i] / problem->scale[i]);
	for (int i = data->nbuying; i < data->nbuying + data->nleaving; i++)
		leaving += coefficients[i] * (group->z[i] / problem->scale[i]);
	covariates_apply(&params, buying, leaving);
	return params;
}

/* Log-likelihood of a group and its gradient by the parameters of its customers; false if interrupted. */
static bool
group_likelihood(const CovariateProblem *problem, const PurchaseParams *params, FitData *d,
				 double *total, double *totals)
{
	memset(totals, 0, PURCHASE_PARAMS * sizeof(double));
	*total = 0;
	problem->ops->tabulate(params, d);
	for (int i = 0; i < d->nrows; i++)
	{
		double g[PURCHASE_PARAMS];

		if (i % ROWS_PER_CHECK == 0 && problem->interrupted())
			return false;
		*total += d->rows[i].count * problem->ops->fit_row(params, d, &d->rows[i], g);
		for (int j = 0; j < problem->ops->nparams; j++)
			totals[j] += d->rows[i].count * g[j];
	}
	return true;
}

static bool
covariates_objective(void *data, const double *at, double *value, double *gradient)
{
	const CovariateProblem *problem = data;
	const CovariateData	   *d = problem->data;
	int						nparams = problem->ops->nparams;
	int						leaves = covariates_leaving_at(problem->ops->kind);
	double					sign = covariates_leaving_sign(problem->ops->kind);
	int						n = nparams + d->nbuying + d->nleaving;
	double					total = 0;

	memset(gradient, 0, n * sizeof(double));
	for (int i = 0; i < d->ngroups; i++)
	{
		CovariateGroup *group = &d->groups[i];
		PurchaseParams	params = params_of_group(problem, group, at);
		double			sum;
		double			slopes[PURCHASE_PARAMS];

		if (!group_likelihood(problem, &params, &group->data, &sum, slopes))
			return false;
		total += sum;
		for (int j = 0; j < nparams; j++)
			gradient[j] += params.p[j] * slopes[j];
		for (int j = 0; j < d->nbuying; j++)
			gradient[nparams + j] -= group->z[j] / problem->scale[j] * params.p[1] * slopes[1];
		for (int j = d->nbuying; j < d->nbuying + d->nleaving; j++)
			gradient[nparams + j] +=
				sign * group->z[j] / problem->scale[j] * params.p[leaves] * slopes[leaves];
	}
	*value = total / d->all.customers;
	for (int j = 0; j < n; j++)
		gradient[j] /= d->all.customers;
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

/* Which coefficient has no maximum, if the search says that something is not known; else -1. */
static int
runs_off(const FitResult *result, int nparams, int n)
{
	int	   which = -1;
	double largest = RUNS_OFF;

	for (int i = nparams; i < n && result->verdict != FIT_CONVERGED; i++)
		if (fabs(result->params[i]) > largest)
		{
			largest = fabs(result->params[i]);
			which = i - nparams;
		}
	return which;
}

bool
fit_covariates(const PurchaseModelOps *ops, CovariateData *data, FitInterrupted interrupted,
			   FitResult *result, int *separated)
{
	int				 nparams = ops->nparams;
	int				 n = nparams + data->nbuying + data->nleaving;
	CovariateProblem covariates = {ops, data, {0}, interrupted};
	Problem			 problem = {.nparams = n,
								.objective = covariates_objective,
								.data = &covariates,
								.customers = data->all.customers};
	double			 starts[STARTS][SEARCH_MAX_PARAMS] = {{0}};
	FitResult		 base;
	double			 time = mean_age(&data->all);
	double			 rate = data->all.purchases / data->all.customers / time;

	*separated = -1;
	if (!fit_purchase_model(ops, 1, &data->all, interrupted, &base))
		return false;
	if (n == nparams)
	{
		*result = base;
		return true;
	}
	for (int i = 0; i < data->ngroups; i++)
	{
		data->groups[i].data.nodes = QUADRATURE_NODES;
		for (int j = 0; j < n - nparams; j++)
			covariates.scale[j] = fmax(covariates.scale[j], fabs(data->groups[i].z[j]));
	}
	for (int i = 0; i < nparams; i++)
		place_parameter(&problem, i, ops->units[i], time);
	for (int i = nparams; i < n; i++)
	{
		problem.is_free[i] = true;
		problem.lower[i] = -FIT_LOG_BOUND;
		problem.upper[i] = FIT_LOG_BOUND;
	}
	for (int s = 0; s < STARTS; s++)
	{
		starts[s][0] = log(0.8);
		starts[s][1] = log(0.8) - log(2 * rate);
		starts[s][2] = log(s == 0 ? 0.8 : 3);
		starts[s][3] = ops->units[3] == PARAM_TIME ? log(time) : log(s == 0 ? 2.5 : 20);
	}
	if (base.kind == ops->kind && base.verdict == FIT_CONVERGED)
		for (int i = 0; i < nparams; i++)
			starts[0][i] = log(base.params[i]);

	memset(result, 0, sizeof(*result));
	result->k = 1;
	result->kind = result->fitted = ops->kind;
	if (!maximise(&problem, STARTS, starts, result))
		return false;
	*separated = runs_off(result, nparams, n);
	if (*separated >= 0 || result->bound >= nparams)
	{
		result->verdict = FIT_NOT_IDENTIFIED;
		result->bound = 0;
	}
	for (int i = nparams; i < n; i++)
		result->params[i] /= covariates.scale[i - nparams];
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			result->covariance[i][j] /= (i < nparams ? 1 : covariates.scale[i - nparams]) *
										(j < nparams ? 1 : covariates.scale[j - nparams]);
	return true;
}
