/*
 * coefficients.h: what searches for coefficients of covariates have in common.
 *
 * Covariates are divided by the largest of each for the search, so that a coefficient is what the largest does to the log
 * of a rate, or of a price. Coefficients stand behind the parameters. Plain C without PostgreSQL.
 */
#ifndef CRM_COEFFICIENTS_H
#define CRM_COEFFICIENTS_H

#include "models/search.h"

/* e^4 = 55 times as much: where nothing else is known, the coefficient has no maximum. */
#define RUNS_OFF 4.0

/* Makes scale the largest of each of n numbers; to be called for all customers' numbers. */
static inline void
coefficients_scale(double *scale, const double *z, int n)
{
	for (int i = 0; i < n; i++)
		scale[i] = fmax(scale[i], fabs(z[i]));
}

/* Any number is searched from nparams on. */
static inline void
place_coefficients(Problem *problem, int nparams)
{
	for (int i = nparams; i < problem->nparams; i++)
	{
		problem->is_free[i] = true;
		problem->lower[i] = -FIT_LOG_BOUND;
		problem->upper[i] = FIT_LOG_BOUND;
	}
}

/*
 * From a search's end to the coefficients of the numbers as they are. Returns which coefficient has no maximum, if the
 * search says that something is not known; else -1.
 */
static inline int
settle_coefficients(FitResult *result, int nparams, int n, const double *scale)
{
	int	   which = -1;
	double largest = RUNS_OFF;

	for (int i = nparams; i < n && result->verdict != FIT_CONVERGED; i++)
		if (fabs(result->params[i]) > largest)
		{
			largest = fabs(result->params[i]);
			which = i - nparams;
		}
	if (which >= 0 || result->bound >= nparams)
	{
		result->verdict = FIT_NOT_IDENTIFIED;
		result->bound = 0;
	}
	for (int i = nparams; i < n; i++)
		result->params[i] /= scale[i - nparams];
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			result->covariance[i][j] /=
				(i < nparams ? 1 : scale[i - nparams]) * (j < nparams ? 1 : scale[j - nparams]);
	return which;
}

#endif /* CRM_COEFFICIENTS_H */
