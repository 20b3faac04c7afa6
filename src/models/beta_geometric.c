/*
 * beta_geometric.c: likelihood, predictions and simulation of the family; what
 * fits need is in beta_geometric_fit.c, chances of so many purchases are in
 * beta_geometric_counts.c.
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

/* The series of a future is summed up to about this many terms; beyond, quadrature. */
#define SERIES_TERMS 1000
#define SERIES_LIMIT 1200

/* Strips in which the functions under beta_grid are analytic: see there. */
#define STEP_NARROW 0.24
#define STEP_WIDE 0.35

/* Sum of (w)_j/j! v^j for j < k: the chance of fewer than k phases, relative to none. */
static double
phase_sum(int k, double w, double v, double *terms)
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
		   log(phase_sum(params->k, w, u / (alpha + c.age), NULL));
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
		 log(phase_sum(params->k, r + phases, (c.age - c.t_x) / (alpha + c.age), NULL));
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
	sum = phase_sum(alive.k, alive.shape, alive.since / alive.scale, alive.phase);
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
 * s_i the chance to stay i times. Filled as far as needed, and shared by
 * all times of one integral.
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
static inline bool
series_is_short(const BgAlive *now, double t)
{
	double u = t / now->scale;
	double w = now->shape + now->k;

	return w * u + 40 * (u + sqrt(w * u * (1 + u))) < SERIES_TERMS && w * log1p(u) < 600;
}

static Future
future_within(const BgAlive *now, double t, bool want_second, Ladder *ladder)
{
	return series_is_short(now, t) ? future_by_series(now, t, ladder)
								   : future_by_quadrature(now, t, want_second);
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

/* Discounted purchases, for ever, of one who is alive and whose rate is known; the mean over p of what is said below. */
static double
discounted_at_rate(const BgAlive *now, double rate, double delta, const BetaGrid *grid)
{
	double theta = rate / (rate + delta);
	double theta_k = pow(theta, now->k);
	double purchase = 0; /* sum of P(j phases are over) theta^(k - j) */

	for (int j = 0; j < now->k; j++)
		purchase += now->phase[j] * pow(theta, now->k - j);
	return purchase * beta_grid_mean_inverse(grid, -expm1(-now->k * log1p(delta / rate)), theta_k);
}

/*
 * Discounted purchases of one who is alive, for ever: given lambda and p the i-th
 * purchase is ki - j phases away and discounted by theta^(ki - j), where
 * theta = lambda/(lambda + delta), so that their sum is
 * theta^(k - j)/(1 - (1 - p) theta^k). Its mean over lambda and p is a sum over a
 * grid in ln(lambda), where each of the weights below falls like a gamma
 * density, and one in logit(p).
 */
static double
discounted_for_ever(const BgAlive *now, double delta)
{
	BetaGrid grid;
	double	 w = now->shape;
	double	 peak = (w + now->k) / now->scale;
	double	 step = fmin(0.27, 0.6 / sqrt(w + now->k));
	double	 log_mass; /* of the density of lambda over its value at the peak */
	double	 total = 0;

	beta_grid(&grid, now->a, now->b, peak / delta, STEP_WIDE);
	if (w > RATE_POINT)
		return discounted_at_rate(now, w / now->scale, delta, &grid);
	for (int direction = -1; direction <= 1; direction += 2)
	{
		double move = exp(direction * step);
		double factor = direction > 0 ? move : 1; /* lambda over its value at the peak */

		for (int i = direction > 0; i < 100000; i++, factor *= move)
		{
			double lambda = peak * factor;
			double weight = exp(direction * i * step * w - (w + now->k) * (factor - 1));
			double theta = lambda / (lambda + delta);
			double theta_k = now->k == 1 ? theta : pow(theta, now->k);
			double purchase = 0; /* sum of (lambda u)^j/j! theta^(k - j) */
			double phase = 1;
			double bought;

			for (int j = 0; j < now->k; j++)
			{
				purchase = (purchase + phase) * theta;
				phase *= lambda * now->since / (j + 1);
			}
			bought = weight * purchase * beta_grid_mean_inverse(&grid, 1 - theta_k, theta_k);
			total += bought;
			if (bought < 1e-13 * total)
				break;
		}
	}
	log_mass = math_lgamma(w) - w * log(w + now->k) + w + now->k;
	return total * step * exp(-log_mass) / phase_sum(now->k, w, now->since / now->scale, NULL);
}

/*
 * Discounted purchases in the time t: integration by parts turns them into
 * e^(-delta t) M(t) + delta * integral of e^(-delta y) M(y) dy, with M(y) the
 * expected purchases up to y. Gauss-Legendre in ln(1 + y/gap), where gap is the
 * usual time to a purchase; in more panels if purchases come in beats.
 */
static double
discounted_within(const BgAlive *now, double t, double delta)
{
	double gap = now->scale * now->k / (now->shape + now->k);
	double range = log1p(t / gap);
	int	   panels = (1 + (int) (range / 3)) * (now->k == 1 ? 1 : 4);
	double width = range / panels;
	double sum = 0;
	Ladder ladder;
	/* few are enough for what neither turns nor falls by more than e^16 */
	const int		 nodes = range < 1.5 && now->k == 1 && delta * t < 16 ? 16 : 32;
	const GaussNode *node = nodes == 16 ? gauss_legendre_16 : gauss_legendre_32;

	ladder.filled = 0;
	for (int i = 0; delta > 0 && i < nodes * panels; i++)
	{
		double v = width * (i / nodes + node[i % nodes].at);
		double y = gap * expm1(v);

		sum += node[i % nodes].weight * (gap + y) * exp(-delta * y) *
			   future_within(now, y, false, &ladder).expected;
	}
	return exp(-delta * t) * future_within(now, t, false, &ladder).expected + delta * width * sum;
}

double
bg_discounted(const PurchaseParams *params, Btyd c, double t, double delta, int first)
{
	BgAlive now = bg_alive_now(params, c, first);

	return bg_p_alive(params, c, first) * (delta * t > QUADRATURE_FALL
											   ? discounted_for_ever(&now, delta)
											   : discounted_within(&now, t, delta));
}

/* 1 - P(next purchase within t) of one who is alive: fewer than k - j phases in t. */
static double
p_silent(const BgAlive *now, double t)
{
	double u = t / now->scale;
	double v = u / (1 + u);
	double silent = 0;

	for (int j = 0; j < now->k; j++)
		silent += now->phase[j] * exp(-(now->shape + j) * log1p(u)) *
				  phase_sum(now->k - j, now->shape + j, v, NULL);
	return silent;
}

/* Nobody drops out between two purchases, so the next one comes for certain. */
double
bg_next_purchase(const PurchaseParams *params, Btyd c, double q, int first)
{
	BgAlive now = bg_alive_now(params, c, first);
	double	low = now.scale * expm1(-log1p(-q) / (now.shape + now.k - 1));
	double	high = low;

	if (now.k == 1)
		return low;
	low = high = fmax(low, DBL_MIN);
	while (p_silent(&now, high) > 1 - q && high < DBL_MAX / 4)
		high *= 2;
	while (p_silent(&now, low) < 1 - q && low > DBL_MIN * 4)
		low /= 2;
	for (int i = 0; i < 200 && high - low > 1e-15 * high; i++)
	{
		double middle = low + (high - low) / 2;

		if (p_silent(&now, middle) > 1 - q)
			low = middle;
		else
			high = middle;
	}
	return high;
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
