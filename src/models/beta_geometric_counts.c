/*
 * beta_geometric_counts.c: chances of exactly so many purchases; notation as in beta_geometric.c.
 */
#include "models/beta_geometric.h"

#include "math/special.h"

#include <math.h>

/* P(a Poisson number of this mean is at least n): summed on the side of n where terms fall. */
static double
poisson_at_least(double n, double mean)
{
	double term = mean > 0 ? exp(n * log(mean) - mean - math_lgamma(n + 1)) : 0; /* P(exactly n) */
	double sum = 0;

	if (n <= mean)
	{
		for (double j = n; j > 0 && term > 1e-17 * sum; j--)
			sum += term *= j / mean;
		return 1 - sum;
	}
	for (double j = n; term > 1e-17 * sum; term *= mean / ++j)
		sum += term;
	return sum;
}

/* P(at least n phases pass within u = t/scale), the rate being Gamma(w, scale). */
static double
p_phases_at_least(double n, double w, double u)
{
	if (n <= 0)
		return 1;
	if (w > RATE_POINT)
		return fmin(1, fmax(0, poisson_at_least(n, w * u)));
	/* the function is 0 or 1 up to rounding where it is nearly so */
	return fmin(1, fmax(0, math_beta_inc(n, w, u / (1 + u), 1 / (1 + u))));
}

/* P(exactly n phases pass within u = t/scale). */
static double
p_phases(double n, double w, double u)
{
	if (n < 0)
		return 0;
	if (n == 0)
		return exp(-w * log1p(u));
	return u > 0 ? exp(math_log_rising(w, n) - math_lgamma(n + 1) - w * log1p(u) - n * log1p(1 / u))
				 : 0;
}

/* P(an immortal new customer makes at least n repeat purchases within t). */
static double
p_at_least(const PurchaseParams *params, double n, double t)
{
	return p_phases_at_least(params->k * n, params->p[0], t / params->p[1]);
}

/* P(a customer stays n times). */
static double
p_stays(const PurchaseParams *params, double n)
{
	if (n <= 0)
		return 1;
	return exp(math_log_rising(params->p[3], n) - math_log_rising(params->p[2] + params->p[3], n));
}

/*
 * P(exactly n repeat purchases within t): either he has made n and not died, or
 * he has died after the n-th. Fader, Hardie & Lee (2005) eq. 8 for BG/NBD.
 */
double
bg_probability(const PurchaseParams *params, double n, double t, int first)
{
	double r = params->p[0];
	double u = t / params->p[1];
	double here = p_stays(params, times_stayed(n, first));
	double leaves =
		first || n > 0 ? params->p[2] / (params->p[2] + params->p[3] + times_stayed(n, first)) : 0;
	double exactly = 0; /* P(K = n) */
	double log_v = t > 0 ? -log1p(1 / u) : -INFINITY;

	for (int j = 0; j < params->k; j++)
	{
		double phases = params->k * n + j;

		exactly += phases == 0 ? exp(-r * log1p(u))
							   : exp(math_log_rising(r, phases) - math_lgamma(phases + 1) -
									 r * log1p(u) + phases * log_v);
	}
	return here * (exactly + leaves * p_at_least(params, n + 1, t));
}

/*
 * P(exactly n purchases within t from now): for one who is alive, who first may leave after
 * the next one, exactly n of an immortal's purchases after n - 1 stays, or more of them after which he did
 * not stay. All terms are positive; for one who has left it is 0 purchases.
 */
double
bg_p_purchases(const PurchaseParams *params, Btyd c, double n, double t, int first)
{
	BgAlive now = bg_alive_now(params, c, first);
	double	p_alive = bg_p_alive(params, c, first);
	double	u = t / now.scale;
	double	here =
		 n > 1 ? exp(math_log_rising(now.b, n - 1) - math_log_rising(now.a + now.b, n - 1)) : 1;
	double leaves = n > 0 ? now.a / (now.a + now.b + (n - 1)) : 0;
	double result = 0;

	for (int j = 0; j < now.k; j++)
	{
		double w = now.shape + j;
		double exactly = 0;

		for (int i = 0; i < now.k; i++)
			exactly += p_phases(now.k * n - j + i, w, u);
		/* the chance of one more costs most: not where it does not count */
		result += now.phase[j] *
				  (leaves > 0 ? exactly + leaves * p_phases_at_least(now.k * (n + 1) - j, w, u)
							  : exactly);
	}
	return p_alive * here * result + (n == 0 ? 1 - p_alive : 0);
}

/*
 * The same for 0 to count - 1 purchases: the chances of so many phases follow from each other, and those of
 * more from what is left of 1.
 */
void
bg_p_purchases_below(const PurchaseParams *params, Btyd c, int count, double t, double *p,
					 int first)
{
	BgAlive now = bg_alive_now(params, c, first);
	double	p_alive = bg_p_alive(params, c, first);
	double	u = t / now.scale;
	double	v = u / (1 + u);
	double	here = 1;

	if ((now.shape + now.k) * log1p(u) > WALK_LIMIT)
	{
		for (int n = 0; n < count; n++)
			p[n] = bg_p_purchases(params, c, n, t, first);
		return;
	}
	for (int n = 0; n < count; n++)
		p[n] = 0;
	for (int j = 0; j < now.k; j++)
	{
		double w = now.shape + j;
		double term = exp(-w * log1p(u)); /* P(exactly so many phases) */
		double more = 1;
		int	   phases = 0;

		for (int n = 0; n < count; n++)
		{
			double leaves = n > 0 ? now.a / (now.a + now.b + (n - 1)) : 0;
			double exactly = 0;

			for (; phases < now.k * (n + 1) - j; phases++)
			{
				exactly += term;
				term *= (w + phases) / (phases + 1) * v;
			}
			more -= exactly;
			p[n] += now.phase[j] * (exactly + leaves * fmax(more, 0));
		}
	}
	for (int n = 0; n < count; n++)
	{
		p[n] *= p_alive * here;
		if (n > 0)
			here *= (now.b + (n - 1)) / (now.a + now.b + (n - 1));
	}
	if (count > 0)
		p[0] += 1 - p_alive;
}
