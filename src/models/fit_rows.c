/*
 * fit_rows.c: the fits of the contract models and of BG/BB.
 */
#include "models/fit_rows.h"

#include "models/search.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define NEWTON_STEPS 2 /* beyond the search, for the last digits */

/* Log-likelihood of the customers of a row together, and its gradient by the parameters. */
typedef double (*RowLikelihood)(const void *rows, int row, int kind, const double *params,
								double *gradient);

typedef struct RowsProblem
{
	int			   kind;
	int			   nparams;
	int			   nrows;
	const void	  *rows;
	double		   customers;
	RowLikelihood  likelihood;
	FitInterrupted interrupted;
	bool		   is_share[SEARCH_MAX_PARAMS];
} RowsProblem;

static bool
rows_objective(void *data, const double *log_params, double *value, double *gradient)
{
	const RowsProblem *problem = data;
	int				   n = problem->nparams;
	double			   params[SEARCH_MAX_PARAMS] = {0};
	double			   totals[SEARCH_MAX_PARAMS] = {0};
	double			   total = 0;

	for (int i = 0; i < n; i++)
		params[i] = parameter_at(problem->is_share[i], log_params[i]);
	for (int i = 0; i < problem->nrows; i++)
	{
		double g[SEARCH_MAX_PARAMS];

		if (i % ROWS_PER_CHECK == 0 && problem->interrupted())
			return false;
		total += problem->likelihood(problem->rows, i, problem->kind, params, g);
		for (int j = 0; j < n; j++)
			totals[j] += g[j];
	}
	*value = total / problem->customers;
	for (int j = 0; j < n; j++)
		gradient[j] =
			parameter_slope(problem->is_share[j], params[j]) * totals[j] / problem->customers;
	return true;
}

/* Newton's step by logs of parameters, with the covariance as the inverse of the curvature. */
static bool
polish(RowsProblem *problem, FitResult *result)
{
	int	   n = problem->nparams;
	double at[SEARCH_MAX_PARAMS] = {0};
	double gradient[SEARCH_MAX_PARAMS];
	double slope[SEARCH_MAX_PARAMS];
	double value;

	for (int i = 0; i < n; i++)
	{
		slope[i] = parameter_slope(problem->is_share[i], result->params[i]);
		at[i] = log(result->params[i]) - (problem->is_share[i] ? log1p(-result->params[i]) : 0);
	}
	if (!rows_objective(problem, at, &value, gradient))
		return false;
	for (int i = 0; i < n; i++)
	{
		double step = 0;

		for (int j = 0; j < n; j++)
			step += result->covariance[i][j] / slope[j] * gradient[j];
		at[i] += step * problem->customers / slope[i];
	}
	for (int i = 0; i < n; i++)
		result->params[i] = parameter_at(problem->is_share[i], at[i]);
	return true;
}

/* Searches within bounds that the caller has set, and polishes what was found. */
static bool
fit_rows(RowsProblem *rows, Problem *problem, int nstarts, double starts[][SEARCH_MAX_PARAMS],
		 FitResult *result)
{
	problem->nparams = rows->nparams;
	problem->objective = rows_objective;
	problem->data = rows;
	problem->customers = rows->customers;
	memcpy(problem->is_share, rows->is_share, sizeof(rows->is_share));
	memset(result, 0, sizeof(*result));
	result->k = 1;
	result->kind = rows->kind;
	if (!maximise(problem, nstarts, starts, result))
		return false;
	for (int i = 0; i < NEWTON_STEPS && result->verdict == FIT_CONVERGED; i++)
		if (!polish(rows, result))
			return false;
	return true;
}

/* Every parameter within FIT_LOG_BOUND of 1. */
static void
bound_parameters(Problem *problem)
{
	for (int i = 0; i < SEARCH_MAX_PARAMS; i++)
	{
		problem->lower[i] = -FIT_LOG_BOUND;
		problem->upper[i] = FIT_LOG_BOUND;
	}
}

static double
contract_row(const void *rows, int row, int kind, const double *params, double *gradient)
{
	return contract_fit_row(kind, params, (const ContractRow *) rows + row, gradient);
}

/* One kind of model, a limit or not. */
static bool
fit_contract_kind(int kind, const ContractData *data, FitInterrupted interrupted, FitResult *result)
{
	double		starts[][SEARCH_MAX_PARAMS] = {{0, 0, 0, 0},
											   {log(0.5), log(5), 0, 0},
											   {log(5), log(20), log(0.7), 0},
											   {log(0.2), log(0.5), log(1.5), 0}};
	double		alike[][SEARCH_MAX_PARAMS] = {{-1, 0, 0, 0}, {-4, 0, 0, 0}};
	const bool	is_limit = kind >= CONTRACT_GEOMETRIC;
	RowsProblem rows = {kind,
						contract_shapes[kind].nparams,
						data->nrows,
						data->rows,
						data->customers,
						contract_row,
						interrupted,
						{contract_has_probability(kind)}};
	Problem		problem = {0};
	int			c = kind == CONTRACT_BETA_DISCRETE_WEIBULL ? 2 : 1;

	bound_parameters(&problem);
	/* t^c is soon beyond any size */
	if (kind == CONTRACT_BETA_DISCRETE_WEIBULL || kind == CONTRACT_DISCRETE_WEIBULL)
	{
		problem.lower[c] = log(0.01);
		problem.upper[c] = log(20);
	}
	return fit_rows(&rows, &problem,
					is_limit ? sizeof(alike) / sizeof(alike[0])
							 : sizeof(starts) / sizeof(starts[0]),
					is_limit ? alike : starts, result);
}

/* What no search can tell: nobody was lost, or each renewal gives one share, and there are fewer than parameters. */
static FitVerdict
verdict_of_few_renewals(int kind, const ContractData *data)
{
	double lost = 0;
	int	   renewals = 0;

	for (int i = 0; i < data->nrows; i++)
	{
		lost += data->rows[i].lost;
		if (data->rows[i].lost + data->rows[i].running > 0 && data->rows[i].age > renewals)
			renewals = data->rows[i].age;
	}
	if (lost == 0)
		return FIT_NOBODY_LOST;
	return renewals < contract_shapes[kind].nparams ? FIT_FEW_RENEWALS : FIT_CONVERGED;
}

/* Where the likelihood grows until customers do not differ, or differ as far as they can, the limit, if it is as likely. */
bool
fit_contract_model(int kind, const ContractData *data, FitInterrupted interrupted,
				   FitResult *result)
{
	const int  limits[] = {contract_limit(kind), CONTRACT_LEAVE_AT_ONCE};
	const int  nlimits = contract_is_continuous(kind) ? 1 : 2;
	FitVerdict verdict = verdict_of_few_renewals(kind, data);
	FitResult  limit;

	if (!fit_contract_kind(kind, data, interrupted, result))
		return false;
	if (verdict != FIT_CONVERGED)
		result->verdict = verdict;
	for (int i = 0; i < nlimits && verdict == FIT_CONVERGED && result->verdict != FIT_CONVERGED;
		 i++)
	{
		if (!fit_contract_kind(limits[i], data, interrupted, &limit))
			return false;
		if (limit.verdict == FIT_CONVERGED &&
			limit.log_likelihood > result->log_likelihood - fmax(0.5, 1e-5 * data->customers))
			*result = limit;
	}
	return true;
}

static double
bg_bb_row(const void *rows, int row, int kind, const double *params, double *gradient)
{
	const BgBbRow *r = (const BgBbRow *) rows + row;
	double		   value = bg_bb_log_likelihood(params, r, gradient);

	(void) kind;
	for (int i = 0; i < BG_BB_PARAMS; i++)
		gradient[i] *= r->count;
	return r->count * value;
}

bool
fit_bg_bb(int nrows, const BgBbRow *rows, FitInterrupted interrupted, FitResult *result)
{
	double		starts[][SEARCH_MAX_PARAMS] = {{0, 0, 0, log(3)},
											   {log(0.5), log(2), log(0.2), log(2)},
											   {log(3), log(3), log(2), log(20)},
											   {log(10), log(30), log(5), log(10)}};
	RowsProblem bought = {0, BG_BB_PARAMS, nrows, rows, 0, bg_bb_row, interrupted, {false}};
	Problem		problem = {0};

	for (int i = 0; i < nrows; i++)
		bought.customers += rows[i].count;
	bound_parameters(&problem);
	return fit_rows(&bought, &problem, sizeof(starts) / sizeof(starts[0]), starts, result);
}
