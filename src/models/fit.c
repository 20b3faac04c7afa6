/*
 * fit.c: fits of purchase models: a family, the limit in which it ends, and the choice among all.
 */
#include "models/fit.h"
#include "models/fit_starts.h"

#include <stddef.h>
#include <string.h>

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
	const ParamUnit *units = problem->ops->units;
	int				 n = problem->ops->nparams;
	PurchaseParams	 params = {problem->k, {0}, problem->ops->kind};
	double			 total = 0;
	double			 totals[PURCHASE_PARAMS] = {0};

	for (int i = 0; i < n; i++)
		params.p[i] = parameter_at(units[i] == PARAM_SHARE, log_params[i]);
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
			for (int j = 0; j < n; j++)
				sums[j] += d->rows[i].count * g[j];
		}
		total += sum;
		for (int j = 0; j < n; j++)
			totals[j] += sums[j];
	}
	*value = (total + (problem->k - 1) * d->log_gaps) / d->customers;
	for (int j = 0; j < n; j++)
		gradient[j] =
			parameter_slope(units[j] == PARAM_SHARE, params.p[j]) * totals[j] / d->customers;
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

void
fit_starts(const PurchaseModelOps *ops, int k, const FitData *data, Problem *problem,
		   double starts[][SEARCH_MAX_PARAMS])
{
	/* of a number, in units of its kind: the two parameters of buying, and those of leaving */
	static const double buying[FIT_STARTS] = {0.8, 0.3, 3, 1, 0.1};
	static const double leaving[FIT_STARTS][2] = {
		{0.8, 2.5}, {0.2, 0.5}, {3, 20}, {10, 10}, {0.05, 1}};
	double time = mean_age(data);
	double rate = k * data->purchases / data->customers / time;

	for (int i = 0; i < ops->nparams; i++)
		place_parameter(problem, i, ops->units[i], time);
	for (int s = 0; s < FIT_STARTS; s++)
	{
		int at = 0;

		/* the scale of the purchase rate follows from its mean and shape; half the customers die early */
		if (ops->units[0] == PARAM_RATE)
			starts[s][at++] = log(2 * rate);
		else
		{
			starts[s][at++] = log(buying[s]);
			starts[s][at++] = log(buying[s]) - log(2 * rate);
		}
		for (int i = 0; at < ops->nparams; i++, at++)
		{
			if (ops->units[at] == PARAM_SHARE)
				starts[s][at] = log(leaving[s][0] / leaving[s][1]);
			else if (ops->units[at] == PARAM_RATE)
				starts[s][at] = log(leaving[s][0] / leaving[s][1] / time * 3);
			else
				starts[s][at] =
					log(leaving[s][i]) + (ops->units[at] == PARAM_TIME ? log(time / 3) : 0);
		}
	}
}

/* One fit for one k, from nstarts starts behind the first ones; first says where to begin instead. */
static bool
fit_for_k(const PurchaseModelOps *ops, int k, FitData *data, FitInterrupted interrupted,
		  const double *first, int behind, int nstarts, FitResult *result)
{
	PurchaseProblem purchase = {ops, data, k, interrupted};
	Problem			problem = {.nparams = ops->nparams,
							   .objective = purchase_objective,
							   .data = &purchase,
							   .customers = data->customers};
	double			starts[FIT_STARTS][SEARCH_MAX_PARAMS];

	fit_starts(ops, k, data, &problem, starts);
	if (first != NULL)
		memcpy(starts[0], first, sizeof(starts[0]));

	memset(result, 0, sizeof(*result));
	result->k = k;
	result->kind = result->fitted = ops->kind;
	data->nodes = 16;
	return maximise(&problem, nstarts, starts + behind, result);
}

/* The quadrature of a fit is coarse: a last Newton step, and the likelihood, with the fine one. */
static bool
polish(FitData *data, FitInterrupted interrupted, FitResult *result)
{
	const PurchaseModelOps *ops = purchase_model_ops(result->kind);
	PurchaseProblem			purchase = {ops, data, result->k, interrupted};
	int						n = ops->nparams;
	double					at[SEARCH_MAX_PARAMS] = {0};
	double					step[SEARCH_MAX_PARAMS];
	double					slope[SEARCH_MAX_PARAMS];
	double					gradient[SEARCH_MAX_PARAMS];
	double					value;
	double					norm = 0;

	data->nodes = 32;
	for (int i = 0; i < n; i++)
	{
		at[i] = log(result->params[i]);
		if (ops->units[i] == PARAM_SHARE)
			at[i] -= log1p(-result->params[i]);
		slope[i] = parameter_slope(ops->units[i] == PARAM_SHARE, result->params[i]);
	}
	if (!purchase_objective(&purchase, at, &value, gradient))
		return false;
	for (int i = 0; i < n; i++)
		norm = fmax(norm, fabs(gradient[i]));
	if (result->verdict == FIT_CONVERGED && norm > GRADIENT_AIM)
	{
		norm = 0;
		for (int i = 0; i < n; i++)
		{
			step[i] = 0;
			for (int j = 0; j < n; j++)
				step[i] += result->covariance[i][j] / slope[j] * gradient[j] * data->customers;
		}
		for (int i = 0; i < n; i++)
			at[i] += step[i] / slope[i];
		if (!purchase_objective(&purchase, at, &value, gradient))
			return false;
		for (int i = 0; i < n; i++)
		{
			result->params[i] = parameter_at(ops->units[i] == PARAM_SHARE, at[i]);
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

/* Whether a limit belongs to a family. Nobody leaving is common to all, and so is a share that leaves at once. */
static bool
is_limit_of(int family, int kind)
{
	if (kind <= PURCHASE_FAMILIES)
		return false;
	if ((kind & LIMIT_LEAVING) == LIMIT_LEAVE_NEVER ||
		((kind & LIMIT_LEAVING) == LIMIT_LEAVE_AT_ONCE && family == MODEL_PARETO_NBD))
		return purchase_model_family(kind) ==
			   (family == MODEL_MBG_CNBD_K ? MODEL_MBG_CNBD_K : MODEL_MBG_NBD);
	return purchase_model_family(kind) == family;
}

bool
fit_limits(LimitFit fit, void *data, double customers, FitResult *result)
{
	double	  enough = result->log_likelihood - fmax(0.5, 1e-5 * customers);
	FitResult best;
	int		  family = result->kind;
	int		  evaluations = result->evaluations;
	bool	  found = false;

	for (int i = PURCHASE_FAMILIES; i < PURCHASE_MODELS; i++)
	{
		const PurchaseModelOps *ops = purchase_model_at(i);
		FitResult				limit;
		double					gain;

		if (!is_limit_of(family, ops->kind))
			continue;
		if (!fit(ops, data, &limit))
			return false;
		evaluations += limit.evaluations;
		if (limit.verdict != FIT_CONVERGED || !(limit.log_likelihood > enough))
			continue;
		gain = found ? limit.log_likelihood - best.log_likelihood : 1;
		if (gain > 1e-4 || (gain > -1e-4 && ops->nparams < purchase_model_ops(best.kind)->nparams))
			best = limit;
		found = true;
	}
	if (found)
		*result = best;
	result->fitted = family;
	result->evaluations = evaluations;
	return true;
}

/* A PurchaseProblem whose family is given by each call. */
static bool
fit_limit(const PurchaseModelOps *ops, void *data, FitResult *result)
{
	PurchaseProblem *problem = data;

	return fit_for_k(ops, problem->k, problem->data, problem->interrupted, NULL, 0,
					 FIT_FIRST_STARTS, result);
}

static bool
end_in_limit(FitData *data, FitInterrupted interrupted, FitResult *result)
{
	PurchaseProblem problem = {NULL, data, result->k, interrupted};

	return fit_limits(fit_limit, &problem, data->customers, result);
}

/*
 * A family, or where it ends, for one k. first, if given, is where the search begins, and all that is tried. Where
 * neither two starts nor the limits have an answer, there are more starts.
 */
static bool
fit_family_for_k(const PurchaseModelOps *ops, int k, FitData *data, FitInterrupted interrupted,
				 const double *first, FitResult *result)
{
	FitResult more;

	if (!fit_for_k(ops, k, data, interrupted, first, 0, first == NULL ? FIT_FIRST_STARTS : 1,
				   result))
		return false;
	if (result->verdict == FIT_CONVERGED)
		return true;
	if (!end_in_limit(data, interrupted, result))
		return false;
	if (result->verdict == FIT_CONVERGED || first != NULL)
		return true;
	if (!fit_for_k(ops, k, data, interrupted, NULL, FIT_FIRST_STARTS, FIT_STARTS - FIT_FIRST_STARTS,
				   &more))
		return false;
	if (more.verdict != FIT_CONVERGED && !end_in_limit(data, interrupted, &more))
		return false;
	if (more.log_likelihood > result->log_likelihood)
		*result = more;
	return true;
}

/* The likelihood rises and then falls in k; more phases pass at a higher rate. */
static bool
find_k(const PurchaseModelOps *ops, FitData *data, FitInterrupted interrupted, FitResult *result)
{
	for (int phases = 2; phases <= PURCHASE_MAX_K; phases++)
	{
		bool	  whole = result->kind == ops->kind && result->verdict == FIT_CONVERGED;
		FitResult next;
		double	  first[SEARCH_MAX_PARAMS] = {0};

		for (int i = 0; whole && i < SEARCH_MAX_PARAMS; i++)
			first[i] = log(result->params[i]);
		first[1] += log((phases - 1.0) / phases);
		if (!fit_family_for_k(ops, phases, data, interrupted, whole ? first : NULL, &next))
			return false;
		if (next.log_likelihood <= result->log_likelihood)
			break;
		*result = next;
	}
	return true;
}

bool
fit_purchase_model(const PurchaseModelOps *ops, int k, FitData *data, FitInterrupted interrupted,
				   FitResult *result)
{
	if (!fit_family_for_k(ops, k == 0 ? 1 : k, data, interrupted, NULL, result))
		return false;
	if (k == 0 && !find_k(ops, data, interrupted, result))
		return false;
	return purchase_model_family(result->kind) == MODEL_PARETO_NBD
			   ? polish(data, interrupted, result)
			   : true;
}

/* Adds to what was tried, and takes it if it is the best of what may be taken. */
static void
consider(FitChoice *choice, const FitResult *result, double customers)
{
	const FitResult *taken = &choice->tried[choice->taken];
	int				 n = choice->ntried++;

	choice->tried[n] = *result;
	if (result->verdict == FIT_CONVERGED && purchase_model_may_be_chosen(result->kind, result->k) &&
		(choice->taken < 0 ||
		 purchase_model_bic(result->kind, result->log_likelihood, customers) <
			 purchase_model_bic(taken->kind, taken->log_likelihood, customers)))
		choice->taken = n;
}

bool
fit_purchase_models(FitData *data, bool by_season, FitInterrupted interrupted, FitChoice *choice)
{
	static const int kinds[] = {MODEL_POISSON, MODEL_NBD, MODEL_PARETO_NBD, MODEL_BG_NBD,
								MODEL_MBG_NBD};
	FitResult		 result;

	choice->ntried = 0;
	choice->taken = -1;
	for (int i = 0; i < (int) (sizeof(kinds) / sizeof(kinds[0])); i++)
	{
		const PurchaseModelOps *ops = purchase_model_ops(kinds[i]);

		if (by_season && kinds[i] == MODEL_PARETO_NBD)
			continue;
		if (ops->limit != NULL ? !fit_for_k(ops, 1, data, interrupted, NULL, 0, 2, &result)
							   : !fit_purchase_model(ops, 1, data, interrupted, &result))
			return false;
		consider(choice, &result, data->customers);
	}
	if (by_season)
		return true;
	/* MBG/CNBD-k goes on from where MBG/NBD, which it is at k = 1, has come to */
	result.kind += MODEL_MBG_CNBD_K - MODEL_MBG_NBD;
	result.fitted = MODEL_MBG_CNBD_K;
	if (!find_k(&mbg_cnbd_k_ops, data, interrupted, &result))
		return false;
	if (result.k > 1)
		consider(choice, &result, data->customers);
	return true;
}
