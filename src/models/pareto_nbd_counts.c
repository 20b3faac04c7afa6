/*
 * pareto_nbd_counts.c: chances of exactly so many purchases under Pareto/NBD.
 */
#include "models/pareto_nbd.h"

#include "math/gauss_legendre.h"
#include "math/quadrature.h"
#include "math/special.h"

#include <math.h>

/*
 * Times of dying within t and how likely each is: nodes in v = ln(1 + y/m), of which 16 in a panel integrate
 * whatever falls or rises by no more than e^16 there.
 */
#define PANEL_NODES 16
#define MOST_PANELS 64
#define PANELS_FOR_ONE 8 /* for one chance more are slower than looking for its peak */
#define WIDEST_PANEL 2.0

typedef struct Dying
{
	int	   n;
	double weight[PANEL_NODES * MOST_PANELS]; /* of dying then, not having bought */
	double
		bought[PANEL_NODES * MOST_PANELS]; /* y/(alpha + y), by which each purchase is likelier */
} Dying;

/* False where the most panels are not enough for up to n purchases. The distribution must not vanish at its first chance. */
static bool
dying_within(Dying *dying, const PurchaseParams *params, double n, double t, double most)
{
	double r = params->p[0];
	double alpha = params->p[1];
	double s = params->p[2];
	double beta = params->p[3];
	double m = fmin(alpha, beta);
	double range = log1p(t / m);
	double steepest = range * (m + t) * (r / (alpha + t) + (s + 1) / (beta + t)) + n;
	double panels = ceil(fmax(steepest / PANEL_NODES, range / WIDEST_PANEL));
	double width = range / panels;

	if (!(panels <= most) || !(r * log1p(t / alpha) < WALK_LIMIT) || t <= 0)
		return false;
	dying->n = PANEL_NODES * (int) panels;
	for (int i = 0; i < dying->n; i++)
	{
		const GaussNode *node = &gauss_legendre_16[i % PANEL_NODES];
		double			 y = m * expm1(width * (i / PANEL_NODES + node->at));

		dying->weight[i] = s / beta * node->weight * width * (m + y) *
						   exp(-r * log1p(y / alpha) - (s + 1) * log1p(y / beta));
		dying->bought[i] = y / (alpha + y);
	}
	return true;
}

/* ln of n! times P(n purchases in y | never dies), in v = ln(1 + y/m), with the density of dying at y. */
static double
log_death_after_n(const PurchaseParams *params, double n, double m, double v)
{
	double alpha = params->p[1];
	double y = m * expm1(v);

	return v - params->p[0] * log1p(y / alpha) - (n == 0 ? 0 : n * log1p(alpha / y)) -
		   (params->p[2] + 1) * log1p(y / params->p[3]);
}

/* P(alive at t with n purchases); log_nbd = ln of (r)_n/n!. */
static double
alive_after(const PurchaseParams *params, double log_nbd, double n, double t)
{
	return exp(log_nbd - params->p[0] * log1p(t / params->p[1]) -
			   (n == 0 ? 0 : n * log1p(params->p[1] / t)) - params->p[2] * log1p(t / params->p[3]));
}

/* P(dead by t with n purchases); false where the short way is not enough. */
static bool
dies_after(const PurchaseParams *params, double log_nbd, double n, double t, double *p)
{
	Dying dying;

	if (!dying_within(&dying, params, n, t, PANELS_FOR_ONE))
		return false;
	*p = 0;
	for (int i = 0; i < dying.n; i++)
		*p += dying.weight[i] * (n == 0 ? 1 : exp(log_nbd + n * log(dying.bought[i])));
	return true;
}

/*
 * P(exactly n purchases within t): alive at t with n, or dead at y < t with n;
 * Fader & Hardie (2006), Deriving an expression for P(X(t) = x) under the
 * Pareto/NBD model. The integrand rises like y^n and falls, so it is cut on both
 * sides of its peak.
 */
double
pareto_nbd_probability(const PurchaseParams *params, double n, double t)
{
	double r = params->p[0];
	double alpha = params->p[1];
	double s = params->p[2];
	double beta = params->p[3];
	double m = fmin(alpha, beta);
	double from = 0;
	double peak = 0;
	double to = log1p(t / m);
	double finest = 1e-3 / sqrt(1 + n); /* the peak of many purchases is as narrow */
	double top;
	double high = to;
	double sum = 0;
	double log_nbd = math_log_rising(r, n) - math_lgamma(n + 1);
	double short_way;

	if (t <= 0)
		return n == 0 ? 1 : 0;
	if (dies_after(params, log_nbd, n, t, &short_way))
		return short_way + alive_after(params, log_nbd, n, t);
	/* golden section for about where a unimodal function peaks, maybe very near 0; without purchases it falls at once */
	if (n == 0 && m * (r / alpha + (s + 1) / beta) >= 1)
		high = 0;
	for (int i = 0; i < 200 && high - from > finest * high; i++)
	{
		double left = high - 0.61803398874989485 * (high - from);
		double right = from + 0.61803398874989485 * (high - from);

		if (log_death_after_n(params, n, m, left) < log_death_after_n(params, n, m, right))
			from = left;
		else
			high = right;
	}
	peak = from + (high - from) / 2;
	/* of so many that they fill the time it is the end */
	if (log_death_after_n(params, n, m, to) > log_death_after_n(params, n, m, peak))
		peak = to;
	top = log_death_after_n(params, n, m, peak);
	from = 0;
	for (double width = peak / 2; width > 1e-3 * (peak - from); width /= 2)
		if (log_death_after_n(params, n, m, from + width) < top - QUADRATURE_FALL)
			from += width;
	if (log_death_after_n(params, n, m, to) < top - QUADRATURE_FALL)
		for (double low = peak, width = to - peak; width > 1e-3 * (to - low); width /= 2)
		{
			if (log_death_after_n(params, n, m, low + width / 2) < top - QUADRATURE_FALL)
				to = low + width / 2;
			else
				low += width / 2;
		}
	for (int panel = 0; panel < 2; panel++)
	{
		double start = panel == 0 ? from : peak;
		double width = (panel == 0 ? peak : to) - start;

		for (int i = 0; i < 32; i++)
			sum +=
				gauss_legendre_32[i].weight * width *
				exp(log_death_after_n(params, n, m, start + width * gauss_legendre_32[i].at) - top);
	}
	return s / beta * m * sum * exp(log_nbd + top) + alive_after(params, log_nbd, n, t);
}

/*
 * For one who is alive, rate and lifetime are those of a new customer of other parameters. No purchase is asked
 * for most: alive in silence until t, or dead at y < t in silence.
 */
double
pareto_nbd_p_purchases(const PurchaseParams *params, Btyd c, double n, double t)
{
	double		   p_alive = pareto_nbd_ops.p_alive(params, c);
	double		   w = params->p[0] + c.x;
	double		   A = params->p[1] + c.age;
	double		   s = params->p[2];
	double		   B = params->p[3] + c.age;
	PurchaseParams now = {1, {w, A, s, B}, params->kind};
	Decay		   dies = {w, A, s + 1, B};

	if (n > 0)
		return p_alive * pareto_nbd_probability(&now, n, t);
	return 1 - p_alive +
		   p_alive *
			   (exp(-w * log1p(t / A) - s * log1p(t / B)) + s / B * decay_integral(&dies, t, 32));
}

/* For 0 to count - 1 purchases all chances have the same nodes, and each follows from the one before. */
void
pareto_nbd_p_purchases_below(const PurchaseParams *params, Btyd c, int count, double t, double *p)
{
	double		   p_alive = pareto_nbd_ops.p_alive(params, c);
	double		   w = params->p[0] + c.x;
	double		   A = params->p[1] + c.age;
	double		   B = params->p[3] + c.age;
	PurchaseParams now = {1, {w, A, params->p[2], B}, params->kind};
	Dying		   dying;
	double		   alive;

	if (!dying_within(&dying, &now, count, t, MOST_PANELS))
	{
		for (int n = 0; n < count; n++)
			p[n] = pareto_nbd_p_purchases(params, c, n, t);
		return;
	}
	alive = p_alive * exp(-w * log1p(t / A) - params->p[2] * log1p(t / B));
	for (int n = 0; n < count; n++)
	{
		double more = (w + n) / (n + 1);
		double dead = 0;

		for (int i = 0; i < dying.n; i++)
		{
			dead += dying.weight[i];
			dying.weight[i] *= dying.bought[i] * more;
		}
		p[n] = alive + p_alive * dead + (n == 0 ? 1 - p_alive : 0);
		alive *= more * t / (A + t);
	}
}
