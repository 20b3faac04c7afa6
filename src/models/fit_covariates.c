/*
 * fit_covariates.c: the likeliest coefficients of covariates, together with the parameters of the family, or of the limit in
 * which it ends. The search begins at the fit without covariates.
 */
#include "models/covariates.h"

#include "models/coefficients.h"
#include "models/fit.h"
#include "models/fit_starts.h"

#include <string.h>

#define QUADRATURE_NODES 32

typedef struct CovariateProblem
{
	const PurchaseModelOps *ops;
	CovariateData		   *data;
	int						nleaving; /* coefficients that the model has */
	double					scale[COEFFICIENTS_MAX];
	FitInterrupted			interrupted;
} CovariateProblem;

static inline bool
is_share(const PurchaseModelOps *ops, int i)
{
	return ops->units[i] == PARAM_SHARE;
}

/* The parameters of a group's customers, from a point of the search. */
static PurchaseParams
params_of_group(const CovariateProblem *problem, const CovariateGroup *group, const double *at)
{
	const PurchaseModelOps *ops = problem->ops;
	CovariateEffect			buying = covariates_effect_on_buying(ops->kind);
	CovariateEffect			leaving = covariates_effect_on_leaving(ops->kind);
	int						nbuying = problem->data->nbuying;
	const double		   *coefficients = at + ops->nparams;
	PurchaseParams			params = {1, {0}, ops->kind};
	double					moved[PURCHASE_PARAMS] = {0};

	for (int i = 0; i < nbuying; i++)
		moved[buying.at] += buying.sign * coefficients[i] * (group->z[i] / problem->scale[i]);
	for (int i = nbuying; i < nbuying + problem->nleaving; i++)
		moved[leaving.at] += leaving.sign * coefficients[i] * (group->z[i] / problem->scale[i]);
	for (int i = 0; i < ops->nparams; i++)
		params.p[i] = parameter_at(is_share(ops, i), at[i] + moved[i]);
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
	const PurchaseModelOps *ops = problem->ops;
	const CovariateData	   *d = problem->data;
	CovariateEffect			buying = covariates_effect_on_buying(ops->kind);
	CovariateEffect			leaving = covariates_effect_on_leaving(ops->kind);
	int						n = ops->nparams + d->nbuying + problem->nleaving;
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
		for (int j = 0; j < ops->nparams; j++)
		{
			slopes[j] *= parameter_slope(is_share(ops, j), params.p[j]);
			gradient[j] += slopes[j];
		}
		for (int j = 0; j < d->nbuying + problem->nleaving; j++)
		{
			CovariateEffect effect = j < d->nbuying ? buying : leaving;

			gradient[ops->nparams + j] +=
				effect.sign * (group->z[j] / problem->scale[j]) * slopes[effect.at];
		}
	}
	*value = total / d->all.customers;
	for (int j = 0; j < n; j++)
		gradient[j] /= d->all.customers;
	return true;
}

/* One model with its coefficients; without: the fit without covariates. */
static bool
fit_model(CovariateProblem *covariates, const PurchaseModelOps *ops, const FitResult *without,
		  FitResult *result, int *separated)
{
	CovariateData *data = covariates->data;
	int			   nparams = ops->nparams;
	Problem		   problem = {
			   .objective = covariates_objective, .data = covariates, .customers = data->all.customers};
	double starts[FIT_STARTS][SEARCH_MAX_PARAMS] = {{0}};

	covariates->ops = ops;
	covariates->nleaving = covariates_effect_on_leaving(ops->kind).at < 0 ? 0 : data->nleaving;
	problem.nparams = nparams + data->nbuying + covariates->nleaving;
	fit_starts(ops, 1, &data->all, &problem, starts);
	place_coefficients(&problem, nparams);
	if (without->kind == ops->kind && without->verdict == FIT_CONVERGED)
		for (int i = 0; i < nparams; i++)
			starts[0][i] =
				log(without->params[i]) - (is_share(ops, i) ? log1p(-without->params[i]) : 0);
	memset(result, 0, sizeof(*result));
	result->k = 1;
	result->kind = result->fitted = ops->kind;
	if (!maximise(&problem, FIT_FIRST_STARTS, starts, result))
		return false;
	*separated = settle_coefficients(result, nparams, problem.nparams, covariates->scale);
	return true;
}

/* What fit_limits() needs to fit a limit. */
typedef struct LimitProblem
{
	CovariateProblem *covariates;
	const FitResult	 *without;
} LimitProblem;

static bool
fit_limit(const PurchaseModelOps *ops, void *data, FitResult *result)
{
	LimitProblem *problem = data;
	int			  separated;

	return fit_model(problem->covariates, ops, problem->without, result, &separated);
}

bool
fit_covariates(const PurchaseModelOps *ops, CovariateData *data, FitInterrupted interrupted,
			   FitResult *result, int *separated)
{
	CovariateProblem covariates = {ops, data, data->nleaving, {0}, interrupted};
	FitResult		 without;
	LimitProblem	 limits = {&covariates, &without};

	*separated = -1;
	if (!fit_purchase_model(ops, 1, &data->all, interrupted, &without))
		return false;
	if (data->nbuying + data->nleaving == 0)
	{
		*result = without;
		return true;
	}
	for (int i = 0; i < data->ngroups; i++)
	{
		data->groups[i].data.nodes = QUADRATURE_NODES;
		coefficients_scale(covariates.scale, data->groups[i].z, data->nbuying + data->nleaving);
	}
	if (!fit_model(&covariates, ops, &without, result, separated))
		return false;
	if (result->verdict == FIT_CONVERGED)
		return true;
	if (!fit_limits(fit_limit, &limits, data->all.customers, result))
		return false;
	if (result->verdict == FIT_CONVERGED)
		*separated = -1;
	return true;
}
