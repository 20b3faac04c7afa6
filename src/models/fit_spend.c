/*
 * fit_spend.c: the fit of the gamma-gamma model, or of the limit in which it ends, with the coefficients of covariates.
 */
#include "models/coefficients.h"
#include "models/fit.h"

#include <stddef.h>
#include <string.h>

typedef struct SpendProblem
{
	int			   kind; /* SpendModelKind */
	SpendData	  *data;
	double		   scale[SPEND_COEFFICIENTS_MAX];
	FitInterrupted interrupted;
} SpendProblem;

/* Log-likelihood of customers of the same parameters and its gradient by them; false if interrupted. */
static bool
rows_likelihood(SpendProblem *problem, const SpendParams *params, int first, int nrows,
				double *total, double *totals)
{
	SpendData *d = problem->data;
	int		   n = spend_shapes[problem->kind].nparams;

	for (int start = first; start < first + nrows; start += ROWS_PER_CHECK)
	{
		int end = start + ROWS_PER_CHECK < first + nrows ? start + ROWS_PER_CHECK : first + nrows;
		double sum = 0;
		double sums[SPEND_PARAMS] = {0};

		if (problem->interrupted())
			return false;
		for (int i = start; i < end; i++)
		{
			double g[SPEND_PARAMS];

			sum += d->rows[i].count *
				   (problem->kind == SPEND_GAMMA_GAMMA
						? gamma_gamma_fit_row(params, d, &d->rows[i], g)
						: spend_limit_fit_row(problem->kind, params->p, d, &d->rows[i], g));
			for (int j = 0; j < n; j++)
				sums[j] += d->rows[i].count * g[j];
		}
		*total += sum;
		for (int j = 0; j < n; j++)
			totals[j] += sums[j];
	}
	return true;
}

static bool
spend_objective(void *data, const double *log_params, double *value, double *gradient)
{
	SpendProblem		  *problem = data;
	SpendData			  *d = problem->data;
	const SpendModelShape *shape = &spend_shapes[problem->kind];
	int					   n = shape->nparams;
	SpendParams			   params = {{0}};
	double				   total = 0;
	int					   first = 0;

	memset(gradient, 0, (n + d->ncoefficients) * sizeof(double));
	for (int i = 0; i < n; i++)
		params.p[i] = exp(log_params[i]);
	if (problem->kind == SPEND_GAMMA_GAMMA)
		gamma_gamma_tabulate(&params, d);
	for (int g = 0; g == 0 || g < d->ngroups; g++)
	{
		const SpendGroup *group = d->ngroups == 0 ? NULL : &d->groups[g];
		int				  nrows = group == NULL ? d->nrows : group->nrows;
		SpendParams		  own = params;
		double			  slopes[SPEND_PARAMS] = {0};
		double			  effect = 0;

		for (int j = 0; j < d->ncoefficients; j++)
			effect += log_params[n + j] * (group->z[j] / problem->scale[j]);
		spend_apply(problem->kind, own.p, effect);
		if (!rows_likelihood(problem, &own, first, nrows, &total, slopes))
			return false;
		first += nrows;
		for (int j = 0; j < n; j++)
			gradient[j] += own.p[j] * slopes[j];
		for (int j = 0; j < d->ncoefficients; j++)
			gradient[n + j] +=
				group->z[j] / problem->scale[j] * own.p[shape->money] * slopes[shape->money];
	}
	*value = total / d->customers;
	for (int j = 0; j < n + d->ncoefficients; j++)
		gradient[j] /= d->customers;
	return true;
}

/*
 * A limit whose first parameter, p or q, grows without end too: to 1/400 those of equal covariates pay the same price. That
 * has no likelihood of its own, and its numbers no errors. Returns how many parameters it has.
 */
static int
become_one_price(FitResult *result, int ncoefficients)
{
	double params[SEARCH_MAX_PARAMS] = {0};

	params[0] = result->params[1] / (result->kind == SPEND_OWN_PRICE ? result->params[0] : 1);
	memcpy(params + 1, result->params + 2, ncoefficients * sizeof(double));
	memcpy(result->params, params, sizeof(params));
	memset(result->covariance, 0, sizeof(result->covariance));
	result->kind = SPEND_ONE_PRICE;
	result->verdict = FIT_CONVERGED;
	result->gradient_norm = 0;
	return spend_shapes[SPEND_ONE_PRICE].nparams;
}

/* One kind; a limit may turn out to be one price. */
static bool
fit_kind(int kind, SpendData *data, FitInterrupted interrupted, FitResult *result, int *separated)
{
	double		 starts[][SEARCH_MAX_PARAMS] = {{log(2), log(4), log(1.5), 0},
												{0, log(2), 0, 0},
												{log(20), log(10), log(0.5), 0},
												{log(0.2), log(5), log(20), 0}};
	int			 nparams = spend_shapes[kind].nparams;
	SpendProblem spend = {kind, data, {0}, interrupted};
	Problem		 problem = {.nparams = nparams + data->ncoefficients,
							.objective = spend_objective,
							.data = &spend,
							.customers = data->customers};

	for (int i = 0; i < nparams; i++)
	{
		problem.lower[i] = -FIT_LOG_BOUND;
		problem.upper[i] = FIT_LOG_BOUND;
	}
	for (int s = 0; s < (int) (sizeof(starts) / sizeof(starts[0])); s++)
		memset(starts[s] + nparams, 0, (SEARCH_MAX_PARAMS - nparams) * sizeof(double));
	for (int g = 0; g < data->ngroups; g++)
		coefficients_scale(spend.scale, data->groups[g].z, data->ncoefficients);
	place_coefficients(&problem, nparams);
	memset(result, 0, sizeof(*result));
	result->k = 1;
	result->kind = kind;
	if (!maximise(&problem, sizeof(starts) / sizeof(starts[0]), starts, result))
		return false;
	if (kind != SPEND_GAMMA_GAMMA && result->verdict == FIT_AT_UPPER_BOUND && result->bound == 0)
		nparams = become_one_price(result, data->ncoefficients);
	*separated = settle_coefficients(result, nparams, nparams + data->ncoefficients, spend.scale);
	return true;
}

/* One price for all: nothing is left to be likely, so that the likelihood stays 0. True if it is so. */
static bool
is_one_price(const SpendData *data, FitResult *result)
{
	for (int i = 1; i < data->nrows; i++)
		if (fabs(data->rows[i].mean_spend / data->rows[0].mean_spend - 1) > 1e-9)
			return false;
	memset(result, 0, sizeof(*result));
	result->k = 1;
	result->kind = SPEND_ONE_PRICE;
	result->params[0] = data->rows[0].mean_spend;
	result->verdict = FIT_CONVERGED;
	return true;
}

bool
fit_spend_model(SpendData *data, FitInterrupted interrupted, FitResult *result, int *separated)
{
	double enough;

	*separated = -1;
	if (data->nrows > 0 && is_one_price(data, result))
		return true;
	if (!fit_kind(SPEND_GAMMA_GAMMA, data, interrupted, result, separated))
		return false;
	enough = result->log_likelihood - fmax(0.5, 1e-5 * data->customers);
	for (int kind = SPEND_ALIKE; kind <= SPEND_OWN_PRICE && result->verdict != FIT_CONVERGED;
		 kind++)
	{
		FitResult limit;
		int		  ignored;

		if (!fit_kind(kind, data, interrupted, &limit, &ignored))
			return false;
		if (limit.verdict == FIT_CONVERGED && limit.log_likelihood > enough)
		{
			*result = limit;
			*separated = -1;
			if (limit.kind == SPEND_ONE_PRICE)
				result->log_likelihood = 0;
		}
	}
	return true;
}
