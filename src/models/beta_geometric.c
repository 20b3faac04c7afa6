/*
 * beta_geometric.c: likelihood, predictions and simulation of the family.
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

/* From this shape on a rate is known as well as a double can say: everybody buys alike. */
#define RATE_POINT 1e15

/* What is known of one customer who is alive: everything that a prediction needs. */
typedef struct Alive
{
	int	   k;
	double shape; /* w */
	double scale; /* alpha + age */
	double since; /* u */
	double a;	  /* p ~ Beta(a, b) for one who is alive now */
	double b;
	double phase[PURCHASE_MAX_K]; /* probability that j phases are over */
} Alive;

/* Number of times that the customer is known to have stayed; -1 where he had no chance to leave. */
static inline double
times_stayed(double x, int first)
{
	return first ? x : x - 1;
}

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
static Alive
alive_now(const PurchaseParams *params, Btyd c, int first)
{
	Alive  alive;
	double sum;

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
ladder_extend(Ladder *ladder, const Alive *now, int to)
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
future_by_series(const Alive *now, double t, Ladder *ladder)
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

/*
 * 1 - E[q^K] over N for given p = 1 - q, by the k-th roots of unity:
 * q^floor((j + n)/k) = sum over roots of c_i (root_i q^(1/k))^n. Written so that
 * nothing cancels as p -> 0.
 */
static double
one_minus_stay(const Alive *now, double t, double log_q)
{
	double u = t / now->scale;
	double q_root_minus_one = expm1(log_q / now->k);
	double result = 0;

	if (now->k == 1)
		return -expm1(-now->shape * log1p(-q_root_minus_one * u));

	for (int j = 0; j < now->k; j++)
	{
		double w = now->shape + j;

		for (int i = 0; i < now->k; i++)
		{
			double complex root = cexp(2 * M_PI * I * i / now->k);
			double complex coefficient = 0;
			double complex base = 1 + (1 - root - root * q_root_minus_one) * u;

			for (int n = 0; n < now->k; n++)
				coefficient += expm1(log_q * ((j + n) / now->k - (double) n / now->k)) *
							   cexp(-2 * M_PI * I * i * n / now->k) / now->k;
			if (i == 0)
			{
				double log_base = log1p(-q_root_minus_one * u);

				result += now->phase[j] *
						  (-expm1(-w * log_base) - creal(coefficient) * exp(-w * log_base));
			}
			else
				result -= now->phase[j] * creal(coefficient * cexp(-w * clog(base)));
		}
	}
	return result;
}

/* (1 - E[q^K])/p = E[1 + q + ... + q^(K - 1)]: the purchases expected for a given p. */
static double
expected_given_p(const Alive *now, double t, double log_q)
{
	return one_minus_stay(now, t, log_q) / -expm1(log_q);
}

/*
 * E[purchases^2 | p] = (1 + 2 q d/dq) of the expected purchases, by a difference.
 * Where p times the purchases of an immortal is below 1e-6 it no longer depends on p.
 */
static double
second_given_p(const Alive *now, double t, double log_q, double immortal)
{
	const double h = 1e-3;

	log_q = fmin(log_q, log1p(-1e-6 / (1 + immortal)));
	return expected_given_p(now, t, log_q) +
		   (expected_given_p(now, t, log_q * (1 - h)) - expected_given_p(now, t, log_q * (1 + h))) /
			   (-log_q * h);
}

/* The expectation over p last: for horizons with more purchases than the series can count. */
static Future
future_by_quadrature(const Alive *now, double t, bool want_second)
{
	double	 immortal = (now->shape + now->k) * t / now->scale / now->k;
	BetaGrid grid;
	Future	 future = {0, 0, 0};

	beta_grid(&grid, now->a, now->b, want_second ? immortal * immortal : immortal, STEP_NARROW);
	for (int i = 0; i < grid.n; i++)
	{
		double gone = one_minus_stay(now, t, grid.log_q[i]);

		future.expected += grid.weight[i] * gone / grid.p[i];
		future.alive += grid.weight[i] * fmax(0, 1 - gone);
		if (want_second)
			future.second += grid.weight[i] * second_given_p(now, t, grid.log_q[i], immortal);
	}
	return future;
}

/* The series' length: mean of N and the geometric tail behind it. */
static inline bool
series_is_short(const Alive *now, double t)
{
	double u = t / now->scale;
	double w = now->shape + now->k;

	return w * u + 40 * (u + sqrt(w * u * (1 + u))) < SERIES_TERMS && w * log1p(u) < 600;
}

static Future
future_within(const Alive *now, double t, bool want_second, Ladder *ladder)
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
	Alive  now = alive_now(params, c, first);
	double p_alive = bg_p_alive(params, c, first);
	Ladder ladder;
	Future future;

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
	Alive  now = alive_now(params, c, first);
	Ladder ladder;

	ladder.filled = 0;
	return bg_p_alive(params, c, first) * future_within(&now, t, false, &ladder).alive;
}

/* Discounted purchases, for ever, of one who is alive and whose rate is known; the mean over p of what is said below. */
static double
discounted_at_rate(const Alive *now, double rate, double delta, const BetaGrid *grid)
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
discounted_for_ever(const Alive *now, double delta)
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
discounted_within(const Alive *now, double t, double delta)
{
	double			 gap = now->scale * now->k / (now->shape + now->k);
	double			 range = log1p(t / gap);
	int				 panels = (1 + (int) (range / 3)) * (now->k == 1 ? 1 : 4);
	double			 width = range / panels;
	double			 sum = 0;
	Ladder			 ladder;
	const int		 nodes = range < 1.5 && now->k == 1 ? 16 : 32;
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
	Alive now = alive_now(params, c, first);

	return bg_p_alive(params, c, first) * (delta * t > QUADRATURE_FALL
											   ? discounted_for_ever(&now, delta)
											   : discounted_within(&now, t, delta));
}

/* 1 - P(next purchase within t) of one who is alive: fewer than k - j phases in t. */
static double
p_silent(const Alive *now, double t)
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
	Alive  now = alive_now(params, c, first);
	double low = now.scale * expm1(-log1p(-q) / (now.shape + now.k - 1));
	double high = low;

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
	Alive  now = alive_now(params, c, first);
	double p_alive = bg_p_alive(params, c, first);
	double u = t / now.scale;
	double here =
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

/* Columns of FitData.by_x and by_time. */
enum
{
	X_LOG, /* everything in ln L of one who is alive that only x decides */
	X_R,   /* psi(r + kx) - psi(r) */
	X_A,   /* -(psi(a + b + m + 1) - psi(a + b)) */
	X_B,   /* psi(b + m) - psi(b), plus X_A */
	X_ODDS /* ln(a/(b + m)) */
};

void
bg_tabulate(const PurchaseParams *params, FitData *data, int first)
{
	double r = params->p[0];
	double a = params->p[2];
	double b = params->p[3];

	for (int i = 0; i < data->nxs; i++)
	{
		double	x = data->xs[i];
		double	m = times_stayed(x, first);
		double *row = data->by_x[i];

		row[X_LOG] =
			math_log_rising(r, params->k * x) + r * log(params->p[1]) - x * math_lgamma(params->k);
		row[X_R] = math_digamma_rise(r, params->k * x) + log(params->p[1]);
		row[X_A] = row[X_B] = 0;
		row[X_ODDS] = -INFINITY;
		if (m >= 0)
		{
			row[X_LOG] += math_log_rising(b, m) + log(b + m) - math_log_rising(a + b, m + 1);
			row[X_A] = -math_digamma_rise(a + b, m + 1);
			row[X_B] = math_digamma_rise(b, m) + row[X_A];
			row[X_ODDS] = log(a / (b + m));
		}
	}
	for (int i = 0; i < data->ntimes; i++)
		data->by_time[i][0] = log(params->p[1] + data->times[i]);
}

/* ln L of one group's customer, and its gradient: a mean of the gradients of the two summands. */
double
bg_fit_row(const PurchaseParams *params, const FitData *data, const FitRow *row, double *gradient,
		   int first)
{
	double		  r = params->p[0];
	double		  alpha = params->p[1];
	double		  x = data->xs[row->x];
	double		  w = r + params->k * x;
	const double *by_x = data->by_x[row->x];
	double		  log_age = data->by_time[row->age][0];
	double		  inverse_age = 1 / (alpha + data->times[row->age]);
	double		  ll = by_x[X_LOG] - w * log_age;
	double		  silent_r = 0; /* d/dr and d/dalpha of ln phase_sum */
	double		  silent_alpha = 0;
	double		  log_silent = 0;
	double		  alive = 1;
	double		  dead = 0;

	if (params->k > 1)
	{
		double v = (data->times[row->age] - data->times[row->t_x]) * inverse_age;
		double term = 1;
		double sum = 0;
		double by_w = 0;
		double by_v = 0;
		double rise = 0;

		for (int j = 0; j < params->k; j++)
		{
			sum += term;
			by_w += term * rise;
			by_v += term * j;
			rise += 1 / (w + j);
			term *= (w + j) / (j + 1) * v;
		}
		log_silent = log(sum);
		silent_r = by_w / sum;
		silent_alpha = -by_v / sum * inverse_age;
	}
	ll += log_silent;

	gradient[2] = by_x[X_A];
	gradient[3] = by_x[X_B];
	if (times_stayed(x, first) >= 0)
	{
		double log_last = data->by_time[row->t_x][0];
		double inverse_last = 1 / (alpha + data->times[row->t_x]);
		double odds = by_x[X_ODDS] + w * (log_age - log_last) - log_silent;
		double e = exp(-fabs(odds));

		ll += fmax(odds, 0) + log1p(e);
		dead = (odds > 0 ? 1 : e) / (1 + e);
		alive = (odds > 0 ? e : 1) / (1 + e);
		gradient[0] = -dead * log_last;
		gradient[1] = -dead * w * inverse_last;
		gradient[2] += dead / params->p[2];
		gradient[3] += alive / (params->p[3] + times_stayed(x, first));
	}
	else
		gradient[0] = gradient[1] = 0;
	gradient[0] += by_x[X_R] - alive * (log_age - silent_r);
	gradient[1] += r / alpha - alive * (w * inverse_age - silent_alpha);
	return ll;
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
