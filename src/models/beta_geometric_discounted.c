/*
 * beta_geometric_discounted.c: discounted purchases of the family, for ever and within a time.
 *
 * Notation as in beta_geometric.c.
 */
#include "models/beta_geometric.h"

#include "math/gauss_legendre.h"
#include "math/quadrature.h"
#include "math/special.h"

#include <float.h>
#include <math.h>

/* Strip in which the functions under beta_grid are analytic: see there. */
#define STEP_WIDE 0.35

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
	return total * step * exp(-log_mass) / bg_phase_sum(now->k, w, now->since / now->scale, NULL);
}

/*
 * When the purchases of the time t come to one who is alive. The i-th is the
 * (ki - j)-th phase from now, j of those before being over, at a time of a beta prime
 * distribution, and comes if he stayed i - 1 times. With z = y/(scale + y) their
 * density in y/scale is the sum over j of
 *   P(j) sum over i of s_(i-1) (w + j)_(ki-j)/(ki-j-1)! z^(ki-j-1) (1 - z)^(w+j+1),
 * for each j a polynomial in z^k, whose terms are kept as they are at y = t.
 */
typedef struct Arrivals
{
	int	   purchases;
	double z;	  /* t/(scale + t) */
	double log_u; /* ln(1 + t/scale) */
	double term[SERIES_LIMIT + 2 * PURCHASE_MAX_K];
} Arrivals;

/* The terms of the first purchase. */
static void
arrivals_first(const Arrivals *a, const BgAlive *now, double *term)
{
	for (int j = 0; j < now->k; j++)
	{
		double w = now->shape + j;

		term[j] = now->phase[j] * w * exp(-(w + 1) * a->log_u);
		for (int l = 1; l < now->k - j; l++)
			term[j] *= (w + l) / l * a->z;
	}
}

static void
arrivals_fill(Arrivals *a, const BgAlive *now, double t)
{
	int	   k = now->k;
	double u = t / now->scale;
	double next[PURCHASE_MAX_K]; /* the terms of the next purchase, if he stays for certain */
	double stayed = 1;
	double peak = 0;

	a->z = u / (1 + u);
	a->log_u = log1p(u);
	arrivals_first(a, now, next);
	for (a->purchases = 0; k * a->purchases < SERIES_LIMIT + PURCHASE_MAX_K;)
	{
		int	   phases = k * (a->purchases + 1);
		double largest = 0;
		double rising = 1;

		for (int l = 0; l < k; l++)
			rising *= (now->shape + phases + l) * a->z;
		for (int j = 0; j < k; j++)
		{
			double factorial = 1; /* (phases + k - j - 1)!/(phases - j - 1)! */

			a->term[phases - k + j] = stayed * next[j];
			largest = fmax(largest, stayed * next[j]);
			for (int l = 0; l < k; l++)
				factorial *= phases - j + l;
			next[j] *= rising / factorial;
		}
		stayed *= (now->b + a->purchases) / (now->a + now->b + a->purchases);
		a->purchases++;
		peak = fmax(peak, largest);
		/* past the mode the terms left are below a geometric series */
		if (phases > (now->shape + k) * u && largest * (1 + u) < 1e-17 * peak)
			break;
	}
}

/* So many times are looked at together, which keeps the processor's vectors full. */
#define TOGETHER 8

/* The densities in y/scale at some times y. */
static void
arrivals_density(const Arrivals *a, const BgAlive *now, const double *y, double *density)
{
	int	   k = now->k;
	double ratio[TOGETHER]; /* z over that of t */
	double power[TOGETHER]; /* its k-th power */
	double rest[TOGETHER];	/* 1 - z over that of t */
	double phase[TOGETHER]; /* its power j + w + 1 */

	for (int i = 0; i < TOGETHER; i++)
	{
		double log_rest = a->log_u - log1p(y[i] / now->scale);

		ratio[i] = y[i] / (now->scale + y[i]) / a->z;
		power[i] = 1;
		rest[i] = exp(log_rest);
		phase[i] = exp((now->shape + 1) * log_rest);
		density[i] = 0;
	}
	for (int j = 0; j < k; j++)
		for (int i = 0; i < TOGETHER; i++)
			power[i] *= ratio[i];
	for (int j = 0; j < k; j++)
	{
		double chain[TOGETHER] = {0};

		for (int n = k * (a->purchases - 1) + j; n >= 0; n -= k)
			for (int i = 0; i < TOGETHER; i++)
				chain[i] = chain[i] * power[i] + a->term[n];
		for (int i = 0; i < TOGETHER; i++)
		{
			density[i] = density[i] * ratio[i] + chain[i] * phase[i];
			phase[i] *= rest[i];
		}
	}
}

/*
 * What e^(-delta y) M'(y) brings in the time t beyond e^(-delta t) M(t), over e^(-delta t), where
 * the purchases can be counted: the integral of (e^(delta (t - y)) - 1) M'(y) dy, which is small
 * where delta t is. Gauss-Legendre in ln(1 + y/gap), where gap is the usual time to a
 * purchase; with more nodes where purchases come in beats or are discounted steeply.
 */
static double
earlier_than_the_end(const BgAlive *now, double t, double delta)
{
	double	  gap = now->scale * now->k / (now->shape + now->k);
	double	  range = log1p(t / gap);
	bool	  few = range < (now->k == 1 ? 3 : 1.5) && now->k <= 4 && delta * t < 4;
	int		  panels = few ? 1 : (1 + (int) (range / 3)) * (now->k <= 4 && delta * t < 16 ? 1 : 2);
	const int nodes = few ? 16 : 32;
	const GaussNode *node = few ? gauss_legendre_16 : gauss_legendre_32;
	double			 width = range / panels;
	double			 sum = 0;
	Arrivals		 arrivals;

	arrivals_fill(&arrivals, now, t);
	for (int i = 0; i < nodes * panels; i += TOGETHER)
	{
		double y[TOGETHER];
		double density[TOGETHER];

		for (int j = 0; j < TOGETHER; j++)
			y[j] = gap * expm1(width * (i / nodes + node[i % nodes + j].at));
		arrivals_density(&arrivals, now, y, density);
		for (int j = 0; j < TOGETHER; j++)
			sum +=
				node[i % nodes + j].weight * (gap + y[j]) * expm1(delta * (t - y[j])) * density[j];
	}
	return width * sum / now->scale;
}

/* The same where they cannot: integration by parts turns it into delta * integral of e^(delta (t - y)) M(y) dy. */
static double
earlier_than_the_end_of_many(const BgAlive *now, double t, double delta)
{
	double gap = now->scale * now->k / (now->shape + now->k);
	double range = log1p(t / gap);
	int	   panels = (1 + (int) (range / 3)) * (now->k == 1 ? 1 : 4);
	double width = range / panels;
	double sum = 0;

	for (int i = 0; i < 32 * panels; i++)
	{
		double y = gap * expm1(width * (i / 32 + gauss_legendre_32[i % 32].at));

		sum += gauss_legendre_32[i % 32].weight * (gap + y) * exp(delta * (t - y)) *
			   bg_expected_alive(now, y);
	}
	return delta * width * sum;
}

/* Discounted purchases in the time t of one who is alive. */
static double
discounted_within(const BgAlive *now, double t, double delta)
{
	double purchases = bg_expected_alive(now, t);

	if (delta * t > DBL_EPSILON / 16 && t / now->scale > DBL_MIN)
		purchases += bg_series_is_short(now, t) ? earlier_than_the_end(now, t, delta)
												: earlier_than_the_end_of_many(now, t, delta);
	return exp(-delta * t) * purchases;
}

double
bg_discounted(const PurchaseParams *params, Btyd c, double t, double delta, int first)
{
	BgAlive now = bg_alive_now(params, c, first);

	return bg_p_alive(params, c, first) * (delta * t > QUADRATURE_FALL
											   ? discounted_for_ever(&now, delta)
											   : discounted_within(&now, t, delta));
}
