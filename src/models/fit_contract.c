/*
 * fit_contract.c: the fit of the contract models.
 */
#include "models/fit_contract.h"

#include "models/search.h"

#include <stddef.h>
#include <string.h>

#define NEWTON_STEPS 2 /* beyond the search, for the last digits */

typedef struct ContractProblem
{
	int					kind;
	const ContractData *data;
	FitInterrupted		interrupted;
} ContractProblem;

static bool
contract_objective(void *data, const double *log_params, double *value, double *gradient)
{
	ContractProblem	   *problem = data;
	const ContractData *d = problem->data;
	int					n = contract_shapes[problem->kind].nparams;
	double				params[CONTRACT_PARAMS] = {0};
	double				totals[CONTRACT_PARAMS] = {0};
	double				total = 0;

	for (int i = 0; i < n; i++)
		params[i] = exp(log_params[i]);
	for (int i = 0; i < d->nrows; i++)
	{
		double g[CONTRACT_PARAMS];

		if (i % ROWS_PER_CHECK == 0 && problem->interrupted())
			return false;
		total += contract_fit_row(problem->kind, params, &d->rows[i], g);
		for (int j = 0; j < n; j++)
			totals[j] += g[j];
	}
	*value = total / d->customers;
	for (int j = 0; j < n; j++)
		gradient[j] = params[j] * totals[j] / d->customers;
	return true;
}

/* Newton's step by logs of parameters, with the covariance as the inverse of the curvature. */
static bool
polish(ContractProblem *problem, int n, FitResult *result)
{
	double at[FIT_MAX_PARAMS];
	double gradient[FIT_MAX_PARAMS];
	double value;

	for (int i = 0; i < n; i++)
		at[i] = log(result->params[i]);
	if (!contract_objective(problem, at, &value, gradient))
		return false;
	for (int i = 0; i < n; i++)
	{
		double step = 0;

		for (int j = 0; j < n; j++)
			step += result->covariance[i][j] / result->params[j] * gradient[j];
		at[i] += step * problem->data->customers / result->params[i];
	}
	for (int i = 0; i < n; i++)
		result->params[i] = exp(at[i]);
	return true;
}

bool
fit_contract_model(int kind, const ContractData *data, FitInterrupted interrupted,
				   FitResult *result)
{
	double			starts[][FIT_MAX_PARAMS] = {{0, 0, 0, 0},
												{log(0.5), log(5), 0, 0},
												{log(5), log(20), log(0.7), 0},
												{log(0.2), log(0.5), log(1.5), 0}};
	ContractProblem contracts = {kind, data, interrupted};
	Problem			problem = {.nparams = contract_shapes[kind].nparams,
							   .objective = contract_objective,
							   .data = &contracts,
							   .customers = data->customers};

	for (int i = 0; i < CONTRACT_PARAMS; i++)
	{
		problem.lower[i] = -FIT_LOG_BOUND;
		problem.upper[i] = FIT_LOG_BOUND;
	}
	/* t^c is soon beyond any size */
	if (kind == CONTRACT_BETA_DISCRETE_WEIBULL)
	{
		problem.lower[2] = log(0.01);
		problem.upper[2] = log(20);
	}
	memset(result, 0, sizeof(*result));
	result->k = 1;
	result->kind = kind;
	if (!maximise(&problem, sizeof(starts) / sizeof(starts[0]), starts, result))
		return false;
	for (int i = 0; i < NEWTON_STEPS && result->verdict == FIT_CONVERGED; i++)
		if (!polish(&contracts, problem.nparams, result))
			return false;
	return true;
}
