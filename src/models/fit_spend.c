/*
 * fit_spend.c: the fit of the gamma-gamma model, or of the limit in which it ends.
 */
#include "models/fit.h"
#include "models/search.h"

#include <stddef.h>
#include <string.h>

typedef struct SpendProblem
{
	int			   kind; /* SpendModelKind */
	SpendData	  *data;
	FitInterrupted interrupted;
} SpendProblem;

static bool
spend_objective(void *data, const double *log_params, double *value, double *gradient)
{
	SpendProblem *problem = data;
	SpendData	 *d = problem->data;
	int			  n = spend_shapes[problem->kind].nparams;
	SpendParams	  params = {{0}};
	double		  total = 0;
	double		  totals[SPEND_PARAMS] = {0};

	for (int i = 0; i < n; i++)
		params.p[i] = exp(log_params[i]);
	if (problem->kind == SPEND_GAMMA_GAMMA)
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

			sum += d->rows[i].count *
				   (problem->kind == SPEND_GAMMA_GAMMA
						? gamma_gamma_fit_row(&params, d, &d->rows[i], g)
						: spend_limit_fit_row(problem->kind, params.p, d, &d->rows[i], g));
			for (int j = 0; j < n; j++)
				sums[j] += d->rows[i].count * g[j];
		}
		total += sum;
		for (int j = 0; j < n; j++)
			totals[j] += sums[j];
	}
	*value = total / d->customers;
	for (int j = 0; j < n; j++)
		gradient[j] = params.p[j] * totals[j] / d->customers;
	return true;
}

static bool
fit_kind(int kind, SpendData *data, FitInterrupted interrupted, FitResult *result)
{
	double		 starts[][SEARCH_MAX_PARAMS] = {{log(2), log(4), log(1.5), 0},
												{0, log(2), 0, 0},
												{log(20), log(10), log(0.5), 0},
												{log(0.2), log(5), log(20), 0}};
	SpendProblem spend = {kind, data, interrupted};
	Problem		 problem = {.nparams = spend_shapes[kind].nparams,
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
	result->kind = kind;
	return maximise(&problem, sizeof(starts) / sizeof(starts[0]), starts, result);
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
fit_spend_model(SpendData *data, FitInterrupted interrupted, FitResult *result)
{
	double enough;

	if (data->nrows > 0 && is_one_price(data, result))
		return true;
	if (!fit_kind(SPEND_GAMMA_GAMMA, data, interrupted, result))
		return false;
	enough = result->log_likelihood - fmax(0.5, 1e-5 * data->customers);
	for (int kind = SPEND_ALIKE; kind <= SPEND_OWN_PRICE && result->verdict != FIT_CONVERGED;
		 kind++)
	{
		FitResult limit;

		if (!fit_kind(kind, data, interrupted, &limit))
			return false;
		if (limit.verdict == FIT_CONVERGED && limit.log_likelihood > enough)
			*result = limit;
	}
	return true;
}
