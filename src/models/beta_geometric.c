/*
 * beta_geometric.c: likelihood, predictions and simulation of the family; what
 * fits need is in beta_geometric_fit.c, chances of so many purchases are in
 * beta_geometric_counts.c, discounted ones in beta_geometric_discounted.c.
 *
 * Notation: w = r + kx, the shape of lambda after x gaps; u = age - t_x, the time
 * since the last purchase; m = how often the customer is known to have stayed,
 * x or x - 1. Of the phases since the last purchase j < k are over, with weight
 * (w)_j/j! (u/(alpha + age))^j, and given j, lambda ~ Gamma(w + j, alpha + age).
 */
#include "models/beta_geometric.h"

#include "math/gauss_legendre.h"
#include "math/quadrature.h"
#include "math/special.h"

#include <complex.h>
#include <float.h>
#include <math.h>
#include <stddef.h>

/* Strip in which the functions under beta_grid are analytic: see there. */
#define STEP_NARROW 0.24

double
bg_phase_sum(int k, double w, double v, double *terms)
{
	double term = 1;
	double sum = 0;

	for (int j = 0; j < k; j++)
	{
		if (terms)
			terms[j] = term;
		sum += term;
		term *= (w + j) / (j + 1) * v;
	}
	return sum;
}

/* ln of the odds of being dead: the likelihood's two summands divided. -infinity if certainly alive. */
static double
log_odds_dead(const PurchaseParams *params, Btyd c, int first)
{
	double alpha = params->p[1];
	double stayed = times_stayed(c.x, first);
	double w = params->p[0] + params->k * c.x;
	double u = c.age - c.t_x;

	if (stayed < 0)
		return -INFINITY;
	return log(params->p[2] / (params->p[3] + stayed)) + w * log1p(u / (alpha + c.t_x)) -
		   log(bg_phase_sum(params->k, w, u / (alpha + c.age), NULL));
}

/*
 * ln L. Fader, Hardie & Lee (2005) eq. 6; Batislam et al. (2007) eq. 3; Reutterer
 * et al. (2021) eq. 4, in each case with the ratios of gamma functions left as
 * ratios. For k > 1 without (k - 1) * sum of ln(gap), which no parameter changes.
 */
double
bg_log_likelihood(const PurchaseParams *params, Btyd c, int first)
{
	double r = params->p[0];
	double alpha = params->p[1];
	double a = params->p[2];
	double b = params->p[3];
	double stayed = times_stayed(c.x, first);
	double phases = params->k * c.x;
	double odds = log_odds_dead(params, c, first);
	double ll;

	/* the part of one who is alive: phases, then silence, and all chances to leave passed */
	ll = math_log_rising(r, phases) - r * log1p(c.age / alpha) - phases * log(alpha + c.age) -
		 c.x * math_lgamma(params->k) +
		 log(bg_phase_sum(params->k, r + phases, (c.age - c.t_x) / (alpha + c.age), NULL));
	if (stayed >= 0)
		ll += math_log_rising(b, stayed + 1) - math_log_rising(a + b, stayed + 1);
	return ll + (odds > 0 ? odds + log1p(exp(-odds)) : log1p(exp(odds)));
}

/* Fader, Hardie & Lee (2008), Computing P(alive) using the BG/NBD model; Batislam et al. eq. 5. */
double
bg_p_alive(const PurchaseParams *params, Btyd c, int first)
{
	return 1 / (1 + exp(log_odds_dead(params, c, first)));
}

/* The posterior of one who is alive. */
BgAlive
bg_alive_now(const PurchaseParams *params, Btyd c, int first)
{
	BgAlive alive;
	double	sum;

	alive.k = params->k;
	alive.shape = params->p[0] + params->k * c.x;
	alive.scale = params->p[1] + c.age;
	alive.since = c.age - c.t_x;
	alive.a = params->p[2];
	alive.b = params->p[3] + (times_stayed(c.x, first) + 1);
	sum = bg_phase_sum(alive.k, alive.shape, alive.since / alive.scale, alive.phase);
	for (int j = 0; j < alive.k; j++)
		alive.phase[j] /= sum;
	return alive;
}

/*
 * What the time t from now brings to one who is alive. Were he immortal, he
 * would go through N more phases, negative binomial, and so make
 * K = floor((j + N)/k) purchases. He makes the i-th of them if he stayed i - 1
 * times, and is alive in the end if he stayed K times.
 */
typedef struct Future
{
	double expected; /* E[purchases] */
	double second;	 /* E[purchases^2] */
	double alive;	 /* P(alive at t) */
} Future;

/*
 * What K purchases of an immortal mean: 1 + s_1 + ... + s_(K-1) expected ones, with
 * s_i the chance to stay i times. Filled as far as needed.
 */
typedef struct Ladder
{
	int	   filled;
	double stayed[SERIES_LIMIT];   /* s_K */
	double expected[SERIES_LIMIT]; /* sum of s_i, i < K */
	double second[SERIES_LIMIT];   /* sum of (2i + 1) s_i, i < K */
} Ladder;

static void
ladder_extend(Ladder *ladder, const BgAlive *now, int to)
{
	if (ladder->filled == 0)
	{
		ladder->stayed[0] = 1;
		ladder->expected[0] = ladder->second[0] = 0;
		ladder->filled = 1;
	}
	for (int i = ladder->filled; i < to; i++)
	{
		ladder->expected[i] = ladder->expected[i - 1] + ladder->stayed[i - 1];
		ladder->second[i] = ladder->second[i - 1] + (2 * i - 1) * ladder->stayed[i - 1];
		ladder->stayed[i] =
			ladder->stayed[i - 1] * (now->b + (i - 1)) / (now->a + now->b + (i - 1));
	}
	if (to > ladder->filled)
		ladder->filled = to;
}

/* The expectation over N as a series of positive terms: nothing cancels, no special case at a = 1. */
static Future
future_by_series(const BgAlive *now, double t, Ladder *ladder)
{
	double u = t / now->scale;
	double v = u / (1 + u);
	Future future = {0, 0, 0};

	for (int j = 0; j < now->k; j++)
	{
		double w = now->shape + j;
		double term = now->phase[j] * exp(-w * log1p(u)); /* P(N = n) */
		int	   n = 0;
		int	   purchases = 0;
		int	   phase = j;

		for (int end = 8; term > 0; end += 8)
		{
			ladder_extend(ladder, now, purchases + 9);
			for (; n < end; n++)
			{
				future.expected += term * ladder->expected[purchases];
				future.second += term * ladder->second[purchases];
				future.alive += term * ladder->stayed[purchases];
				term *= (w + n) / (n + 1) * v;
				if (++phase == now->k)
				{
					phase = 0;
					purchases++;
				}
			}
			/* past the mode the terms left are below a geometric series */
			if (n > w * u &&
				(term * (1 + u) * (ladder->expected[purchases] + 1) < 1e-17 * future.expected ||
				 purchases + 10 > SERIES_LIMIT))
				break;
		}
	}
	return future;
}

/* The k-th roots of unity, of which all sums over phases are made. */
typedef struct Roots
{
	double complex at[PURCHASE_MAX_K];
} Roots;

static void
roots_fill(Roots *roots, int k)
{
	for (int i = 0; i < k; i++)
		roots->at[i] = cexp(2 * M_PI * I * i / k);
}

/* ln(1 + z), of a small z too. */
static double complex
complex_log1p(double complex z)
{
	double x = creal(z);
	double y = cimag(z);

	return 0.5 * log1p(2 * x + x * x + y * y) + I * atan2(y, 1 + x);
}

/*
 * 1 - E[q^K] over N for given p = 1 - q, by the k-th roots of unity:
 * q^floor((j + n)/k) = sum over roots of c_i (root_i q^(1/k))^n. Written so that
 * nothing cancels as p -> 0. Roots come in pairs, of the same real part.
 */
static double
one_minus_stay(const BgAlive *now, const Roots *roots, double t, double log_q)
{
	int	   k = now->k;
	double u = t / now->scale;
	double q_root_minus_one = expm1(log_q / k);
	double below[PURCHASE_MAX_K]; /* q^(-n/k) - 1, where no purchase is made by phase n */
	double above[PURCHASE_MAX_K]; /* q^(1 - n/k) - 1, where one is */
	double result = 0;

	if (k == 1)
		return -expm1(-now->shape * log1p(-q_root_minus_one * u));
	for (int n = 0; n < k; n++)
	{
		below[n] = expm1(-log_q * n / k) / k;
		above[n] = expm1(log_q * (1 - (double) n / k)) / k;
	}
	for (int i = 0; 2 * i <= k; i++)
	{
		double complex root = roots->at[i];
		double complex log_base = i == 0 ? log1p(-q_root_minus_one * u)
										 : complex_log1p((1 - root - root * q_root_minus_one) * u);
		double complex base = cexp(log_base);
		double complex power = cexp(-now->shape * log_base); /* base^-w */
		double complex coefficient = 0;
		double		   pair = i == 0 || 2 * i == k ? 1 : 2;

		for (int n = 0; n < k; n++)
			coefficient += below[n] * conj(roots->at[i * n % k]);
		for (int j = 0; j < k; j++, power /= base)
		{
			int n = k - 1 - j; /* with one more phase over, a purchase is made by this one */

			if (i == 0)
				result -= now->phase[j] * expm1(-(now->shape + j) * creal(log_base));
			result -= pair * now->phase[j] * creal(coefficient * power);
			coefficient += (above[n] - below[n]) * conj(roots->at[i * n % k]);
		}
	}
	return result;
}

/* (1 - E[q^K])/p = E[1 + q + ... + q^(K - 1)]: the purchases expected for a given p. */
static double
expected_given_p(const BgAlive *now, const Roots *roots, double t, double log_q)
{
	return one_minus_stay(now, roots, t, log_q) / -expm1(log_q);
}

/*
 * E[purchases^2 | p] = (1 + 2 q d/dq) of the expected purchases, by a difference.
 * Where p times the purchases of an immortal is below 1e-6 it no longer depends on p.
 */
static double
second_given_p(const BgAlive *now, const Roots *roots, double t, double log_q, double immortal)
{
	const double h = 1e-3;

	log_q = fmin(log_q, log1p(-1e-6 / (1 + immortal)));
	return expected_given_p(now, roots, t, log_q) +
		   (expected_given_p(now, roots, t, log_q * (1 - h)) -
			expected_given_p(now, roots, t, log_q * (1 + h))) /
			   (-log_q * h);
}

/* The expectation over p last: for horizons with more purchases than the series can count. */
static Future
future_by_quadrature(const BgAlive *now, double t, bool want_second)
{
	double	 immortal = (now->shape + now->k) * t / now->scale / now->k;
	BetaGrid grid;
	Roots	 roots;
	Future	 future = {0, 0, 0};

	roots_fill(&roots, now->k);
	beta_grid(&grid, now->a, now->b, want_second ? immortal * immortal : immortal, STEP_NARROW);
	for (int i = 0; i < grid.n; i++)
	{
		double gone = one_minus_stay(now, &roots, t, grid.log_q[i]);

		future.expected += grid.weight[i] * gone / grid.p[i];
		future.alive += grid.weight[i] * fmax(0, 1 - gone);
		if (want_second)
			future.second +=
				grid.weight[i] * second_given_p(now, &roots, t, grid.log_q[i], immortal);
	}
	return future;
}

/* The series' length: mean of N and the geometric tail behind it. */
bool
bg_series_is_short(const BgAlive *now, double t)
{
	double u = t / now->scale;
	double w = now->shape + now->k;

	return w * u + 40 * (u + sqrt(w * u * (1 + u))) < SERIES_TERMS && w * log1p(u) < 600;
}

static Future
future_within(const BgAlive *now, double t, bool want_second, Ladder *ladder)
{
	return bg_series_is_short(now, t) ? future_by_series(now, t, ladder)
									  : future_by_quadrature(now, t, want_second);
}

/* The purchases that the time t is expected to bring to one who is alive. */
double
bg_expected_alive(const BgAlive *now, double t)
{
	Ladder ladder;

	ladder.filled = 0;
	return future_within(now, t, false, &ladder).expected;
}

/*
 * E[purchases in the time t from now]: P(alive) * E_p[(1 - (1 + p t/(alpha + age))^-w)/p]
 * for k = 1, which is Fader, Hardie & Lee (2005) eq. 10 without its 2F1 and its pole at a = 1.
 */
double
bg_expected(const PurchaseParams *params, Btyd c, double t, double *second, int first)
{
	BgAlive now = bg_alive_now(params, c, first);
	double	p_alive = bg_p_alive(params, c, first);
	Ladder	ladder;
	Future	future;

	ladder.filled = 0;
	future = future_within(&now, t, second != NULL, &ladder);

	/* a count's mean square is at least its mean, and its mean squared: rounding must not say less */
	if (second != NULL)
		*second = p_alive * fmax(future.second, future.expected * fmax(1, future.expected));
	return p_alive * future.expected;
}

double
bg_p_alive_after(const PurchaseParams *params, Btyd c, double t, int first)
{
	BgAlive now = bg_alive_now(params, c, first);
	Ladder	ladder;

	ladder.filled = 0;
	return bg_p_alive(params, c, first) * future_within(&now, t, false, &ladder).alive;
}

/*
 * P(no purchase within t) of one who is alive: fewer than k - j phases in t. Fills, if asked
 * for, the density of the next purchase's ln(1 + t/(alpha + age)).
 */
static double
p_silent(const BgAlive *now, double log_u, double *density)
{
	double z = -expm1(-log_u);
	double rest = exp(-now->shape * log_u); /* (1 - z)^(w + j) */
	double silent = 0;

	if (density != NULL)
		*density = 0;
	for (int j = 0; j < now->k; j++)
	{
		double w = now->shape + j;
		double term = 1; /* (w)_n/n! z^n */
		double sum = 1;

		for (int n = 1; n < now->k - j; n++)
		{
			term *= (w + (n - 1)) / n * z;
			sum += term;
		}
		silent += now->phase[j] * rest * sum;
		if (density != NULL)
			*density += now->phase[j] * rest * term * (w + (now->k - j - 1));
		rest *= exp(-log_u);
	}
	return silent;
}

/*
 * Nobody drops out between two purchases, so the next one comes for certain. Newton's
 * method for ln P(silent), which is linear in ln(1 + t/scale) for k = 1, within a bracket.
 */
double
bg_next_purchase(const PurchaseParams *params, Btyd c, double q, int first)
{
	BgAlive now = bg_alive_now(params, c, first);
	double	target = log1p(-q);
	/* for k = 1 it is this; for k > 1 before it, and near the second where q is small */
	double at = -target / (now.shape + now.k - 1);
	double low = 0;
	double high = INFINITY;

	if (now.k > 1)
		at = fmax(
			at, exp((log(q) + math_lgamma(now.k + 1) - math_log_rising(now.shape, now.k)) / now.k));
	for (int i = 0; now.k > 1 && i < 1000 && low < high * (1 - DBL_EPSILON); i++)
	{
		double density;
		double silent = p_silent(&now, at, &density);
		double next = at + (log(silent) - target) * silent / density;

		if (log(silent) > target)
			low = at;
		else
			high = at;
		if (fabs(next - at) <= 1e-15 * at)
			break;
		if (!(next > low && next < high))
			next = isinf(high) ? 2 * at : low + (high - low) / 2;
		at = next;
	}
	return fmax(now.scale * expm1(at), now.k == 1 ? 0 : DBL_MIN);
}

void
bg_simulate(const PurchaseParams *params, SimulatedCustomer *customer, int first)
{
	Rng *rng = &customer->rng;

	customer->rate = random_gamma(rng, params->p[0]) / params->p[1];
	customer->dropout = random_beta(rng, params->p[2], params->p[3]);
	customer->now = 0;
	customer->alive = !first || random_uniform(rng) > customer->dropout;
}

double
bg_simulate_next(const PurchaseParams *params, SimulatedCustomer *customer)
{
	if (!customer->alive)
		return INFINITY;
	for (int j = 0; j < params->k; j++)
		customer->now += random_exponential(&customer->rng) / customer->rate;
	customer->alive = random_uniform(&customer->rng) > customer->dropout;
	return customer->now;
}
