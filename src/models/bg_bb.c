/*
 * bg_bb.c: likelihood and predictions of the BG/BB model.
 *
 * Everything is a sum over the occasion from which a customer is no longer one: behind the
 * last at which she bought, or not yet. All terms are positive, and each follows from the one before by a ratio.
 */
#include "models/bg_bb.h"

#include "math/special.h"
#include "models/contract.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

const FitShape bg_bb_shape = {"bg_bb", BG_BB_PARAMS, {"alpha", "beta", "gamma", "delta"}, NULL};

/* What the sum comes to, relative to its first term, and which share of it is of those still there. */
typedef struct Fates
{
	double log_first; /* ln of the term of those who left right behind the last purchase */
	double sum;
	double alive;
	double gradient[BG_BB_PARAMS]; /* of ln of the whole */
} Fates;

/* d ln of the term of those who left behind m occasions. */
static void
term_gradient(const double *p, double x, double m, double *gradient)
{
	double both = math_digamma_rise(p[0] + p[1], m);
	double staying = math_digamma_rise(p[2] + p[3], m + 1);

	gradient[0] = math_digamma_rise(p[0], x) - both;
	gradient[1] = math_digamma_rise(p[1], m - x) - both;
	gradient[2] = 1 / p[2] - staying;
	gradient[3] = math_digamma_rise(p[3], m) - staying;
}

/*
 * B(alpha + x, beta + m - x) B(gamma + 1, delta + m) over B(alpha, beta) B(gamma, delta), for m = last, ..., n - 1, and
 * B(gamma, delta + n) in place of the second for those still there: eq. 4.
 */
static Fates
fates_of(const double *p, const BgBbRow *row, bool want_gradient)
{
	double x = row->x;
	double m = row->last;
	double term = 1;
	double slope[BG_BB_PARAMS] = {0};
	double sums[BG_BB_PARAMS] = {0};
	Fates  fates = {0};

	fates.log_first = math_log_rising(p[0], x) + math_log_rising(p[1], m - x) -
					  math_log_rising(p[0] + p[1], m) + log(p[2]) + math_log_rising(p[3], m) -
					  math_log_rising(p[2] + p[3], m + 1);
	if (want_gradient)
		term_gradient(p, x, m, slope);
	for (; m < row->n; m++)
	{
		fates.sum += term;
		for (int i = 0; want_gradient && i < BG_BB_PARAMS; i++)
			sums[i] += term * slope[i];
		if (want_gradient)
		{
			slope[0] -= 1 / (p[0] + p[1] + m);
			slope[1] += 1 / (p[1] + m - x) - 1 / (p[0] + p[1] + m);
			slope[2] -= 1 / (p[2] + p[3] + m + 1);
			slope[3] += 1 / (p[3] + m) - 1 / (p[2] + p[3] + m + 1);
		}
		term *= (p[1] + m - x) / (p[0] + p[1] + m) * (p[3] + m) / (p[2] + p[3] + m + 1);
	}
	fates.alive = term * (p[2] + p[3] + m) / p[2];
	fates.sum += fates.alive;
	/* ln(gamma + delta + n) - ln(gamma) more for those still there */
	slope[2] += 1 / (p[2] + p[3] + m) - 1 / p[2];
	slope[3] += 1 / (p[2] + p[3] + m);
	for (int i = 0; i < BG_BB_PARAMS; i++)
		fates.gradient[i] = (sums[i] + fates.alive * slope[i]) / fates.sum;
	return fates;
}

double
bg_bb_log_likelihood(const double *params, const BgBbRow *row, double *gradient)
{
	Fates fates = fates_of(params, row, gradient != NULL);

	if (gradient != NULL)
		memcpy(gradient, fates.gradient, sizeof(fates.gradient));
	return fates.log_first + log(fates.sum);
}

/* One who is there stays as a contract does that is renewed with a probability from beta(delta + n, gamma): sBG. */
double
bg_bb_p_alive(const double *params, const BgBbRow *row, int ahead)
{
	Fates fates = fates_of(params, row, false);

	return fates.alive / fates.sum *
		   exp(contract_log_survival(CONTRACT_BETA_GEOMETRIC, params + 2, row->n, ahead));
}

/* P(buys at an occasion | still a customer then). */
static double
p_buys(const double *params, const BgBbRow *row)
{
	return (params[0] + row->x) / (params[0] + params[1] + row->n);
}

/* Eq. 13 as a sum: no pole at gamma = 1. */
double
bg_bb_expected(const double *params, const BgBbRow *row, int ahead)
{
	double stays = 1;
	double sum = 0;

	for (int i = 0; i < ahead; i++)
	{
		stays *= (params[3] + row->n + i) / (params[2] + params[3] + row->n + i);
		sum += stays;
	}
	return bg_bb_p_alive(params, row, 0) * p_buys(params, row) * sum;
}

/* Eq. 14, whose 2F1 is the discounted lifetime of the same contract. */
double
bg_bb_discounted(const double *params, const BgBbRow *row, double rate)
{
	return p_buys(params, row) * bg_bb_p_alive(params, row, 1) / (1 + rate) *
		   contract_lifetime(CONTRACT_BETA_GEOMETRIC, params + 2, row->n + 1.0, rate);
}
