/*
 * pareto_nbd.c: the Pareto/NBD model.
 *
 * Schmittlein, Morrison & Colombo (1987), Counting your customers. While alive a
 * customer buys at rate lambda ~ Gamma(r, alpha); the lifetime is exponential at
 * rate mu ~ Gamma(s, beta). Everything stands on decay_integral() instead of 2F1,
 * which loses all digits where the parameters are extreme.
 */
#include "math/gauss_legendre.h"
#include "math/quadrature.h"
#include "math/special.h"
#include "models/pareto_nbd.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

/*
 * ln of the odds of being dead: s * integral from t_x to age of the density of
 * dying then, over that of being alive. Fader & Hardie (2005), A note on deriving
 * the Pareto/NBD model, eq. 18 and 19, before the integral is solved.
 */
static double
log_odds_dead(const PurchaseParams *params, Btyd c)
{
	double alpha = params->p[1];
	double s = params->p[2];
	double beta = params->p[3];
	double w = params->p[0] + c.x;
	double u = c.age - c.t_x;
	Decay  density = {w, alpha + c.t_x, s + 1, beta + c.t_x};

	if (u <= 0)
		return -INFINITY;
	return w * log1p(u / density.A) + s * log1p(u / density.B) +
		   log(s / density.B * decay_integral(&density, u, 32));
}

/* ln L: alive until now, plus dead since some day after t_x. */
static double
pareto_nbd_log_likelihood(const PurchaseParams *params, Btyd c)
{
	double r = params->p[0];
	double alpha = params->p[1];
	double odds = log_odds_dead(params, c);

	return math_log_rising(r, c.x) - r * log1p(c.age / alpha) - c.x * log(alpha + c.age) -
		   params->p[2] * log1p(c.age / params->p[3]) +
		   (odds > 0 ? odds + log1p(exp(-odds)) : log1p(exp(odds)));
}

static double
pareto_nbd_p_alive(const PurchaseParams *params, Btyd c)
{
	return 1 / (1 + exp(log_odds_dead(params, c)));
}

/* For one alive now mu ~ Gamma(s, beta + age), so the rest of life is Pareto. */
static double
pareto_nbd_p_alive_after(const PurchaseParams *params, Btyd c, double t)
{
	return pareto_nbd_p_alive(params, c) * exp(-params->p[2] * log1p(t / (params->p[3] + c.age)));
}

/* Mean of the time lived within t by one alive now: B * (1 - q^(s-1))/(s - 1), q = B/(B + t). */
static double
time_lived(double s, double B, double t)
{
	double log_q = -log1p(t / B);

	return s == 1 ? -B * log_q : B * -expm1((s - 1) * log_q) / (s - 1);
}

/*
 * Mean of the square of it, 2 * integral of y (B/(B+y))^s dy: with y = (B + y) - B a
 * difference of two means, or by quadrature where these would cancel.
 */
static double
time_lived_squared(double s, double B, double t)
{
	double sum = 0;

	if (t > 1e-2 * B && s < 100)
		return fmax(0, 2 * B * (time_lived(s - 1, B, t) - time_lived(s, B, t)));
	if (s * t > QUADRATURE_FALL * B)
		t = QUADRATURE_FALL * B / s;
	for (int i = 0; i < 64; i++)
	{
		double y = t / 2 * (i / 32 + gauss_legendre_32[i % 32].at);

		sum += gauss_legendre_32[i % 32].weight * y * exp(-s * log1p(y / B));
	}
	return t * sum;
}

/*
 * E[purchases within t]: rate times time lived; Fader & Hardie (2005) eq. 41.
 * The second moment is E[lambda] E[lived] + E[lambda^2] E[lived^2].
 */
static double
pareto_nbd_expected(const PurchaseParams *params, Btyd c, double t, double *second)
{
	double s = params->p[2];
	double w = params->p[0] + c.x;
	double A = params->p[1] + c.age;
	double B = params->p[3] + c.age;
	double p_alive = pareto_nbd_p_alive(params, c);
	double lived = time_lived(s, B, t);

	if (second != NULL)
	{
		double lived2 = time_lived_squared(s, B, t);

		*second = p_alive * (w / A * lived + w * (w + 1) / (A * A) * lived2);
	}
	return p_alive * w / A * lived;
}

/* Integral of e^(-delta y) (B/(B+y))^s dy from 0 to t, for delta * t not large. */
static double
discounted_life(double s, double B, double t, double delta)
{
	double range = log1p(t / B);
	double sum = 0;

	if (range * fabs(s - 1) > QUADRATURE_FALL && s > 1)
		range = QUADRATURE_FALL / (s - 1);
	for (int i = 0; i < 32; i++)
	{
		double v = range * gauss_legendre_32[i].at;

		sum += gauss_legendre_32[i].weight * exp((1 - s) * v - delta * B * expm1(v));
	}
	return B * range * sum;
}

/*
 * E[sum of e^(-delta time) over purchases within t]: for ever it is
 * (r + x)/(alpha + age) * P(alive) * B * e^z E_s(z) with z = delta B, the DERT of
 * Fader, Hardie & Lee (2005), RFM and CLV, eq. 2; less the same from t on.
 */
static double
pareto_nbd_discounted(const PurchaseParams *params, Btyd c, double t, double delta)
{
	double s = params->p[2];
	double B = params->p[3] + c.age;
	double p_alive = pareto_nbd_p_alive(params, c);
	double rate = (params->p[0] + c.x) / (params->p[1] + c.age);
	double life;

	if (delta * t <= 0.5)
		life = discounted_life(s, B, t, delta);
	else
	{
		life = B * math_expint_scaled(s, delta * B);
		if (delta * t < QUADRATURE_FALL)
			life -= exp(-delta * t - s * log1p(t / B)) * (B + t) *
					math_expint_scaled(s, delta * (B + t));
	}
	return p_alive * rate * life;
}

/*
 * Time by which one alive now has bought again with probability q: the density is
 * w/A (A/(A+y))^(w+1) (B/(B+y))^s. He may die first: then infinity.
 */
static double
pareto_nbd_next_purchase(const PurchaseParams *params, Btyd c, double q)
{
	double w = params->p[0] + c.x;
	double A = params->p[1] + c.age;
	Decay  density = {w + 1, A, params->p[2], params->p[3] + c.age};
	double low =
		fmax(A * expm1(-log1p(-q) / w), DBL_MIN); /* if nobody died; 0 would never double */
	double high = low;
	double t;
	double step;

	if (w / A * decay_integral(&density, INFINITY, 32) <= q)
		return INFINITY;
	while (w / A * decay_integral(&density, high, 32) < q)
	{
		low = high;
		high *= 2;
		if (isinf(high))
			return INFINITY;
	}
	/* Newton's steps, halving where one leads out of what is known or gains too little */
	t = low;
	step = INFINITY;
	for (int i = 0; i < 200 && high - low > 1e-14 * high; i++)
	{
		double lacking = q - w / A * decay_integral(&density, t, 32);
		double newton =
			lacking * A / w *
			exp((w + 1) * log1p(t / A) + params->p[2] * log1p(t / (params->p[3] + c.age)));
		double next = t + newton;

		if (fabs(newton) <= 1e-14 * t)
			return next;
		if (lacking > 0)
			low = t;
		else
			high = t;
		if (!(next > low && next < high) || fabs(newton) > step / 2)
			next = low + (high - low) / 2;
		step = fabs(next - t);
		t = next;
	}
	return high;
}

enum
{
	X_LOG, /* ln Gamma(r + x) - ln Gamma(r) + r ln(alpha) + s ln(beta) */
	X_R	   /* psi(r + x) - psi(r) + ln(alpha) */
};

static void
pareto_nbd_tabulate(const PurchaseParams *params, FitData *data)
{
	double r = params->p[0];
	double log_alpha = log(params->p[1]);

	for (int i = 0; i < data->nxs; i++)
	{
		data->by_x[i][X_LOG] =
			math_log_rising(r, data->xs[i]) + r * log_alpha + params->p[2] * log(params->p[3]);
		data->by_x[i][X_R] = math_digamma_rise(r, data->xs[i]) + log_alpha;
	}
	for (int i = 0; i < data->ntimes; i++)
	{
		data->by_time[i][0] = log(params->p[1] + data->times[i]);
		data->by_time[i][1] = log(params->p[3] + data->times[i]);
	}
}

/* ln L of one group's customer; the gradient of the integral comes from the same nodes. */
static double
pareto_nbd_fit_row(const PurchaseParams *params, const FitData *data, const FitRow *row,
				   double *gradient)
{
	double		  r = params->p[0];
	double		  alpha = params->p[1];
	double		  s = params->p[2];
	double		  beta = params->p[3];
	double		  w = r + data->xs[row->x];
	double		  u = data->times[row->age] - data->times[row->t_x];
	const double *by_x = data->by_x[row->x];
	const double *by_age = data->by_time[row->age];
	const double *by_last = data->by_time[row->t_x];
	double		  ll = by_x[X_LOG] - w * by_age[0] - s * by_age[1];
	double		  alive = 1;
	double		  dead = 0;
	DecayMeans	  means = {0, 0, 0, 0, 0};

	if (u > 0)
	{
		Decay  density = {w, alpha + data->times[row->t_x], s + 1, beta + data->times[row->t_x]};
		double log_A = by_age[0] - by_last[0];
		double log_B = by_age[1] - by_last[1];
		double odds =
			w * log_A + s * log_B +
			log(s / density.B * decay_integral_means(&density, log_A, log_B, data->nodes, &means));
		double e = exp(-fabs(odds));

		ll += fmax(odds, 0) + log1p(e);
		dead = (odds > 0 ? 1 : e) / (1 + e);
		alive = (odds > 0 ? e : 1) / (1 + e);
	}
	gradient[0] = by_x[X_R] - alive * by_age[0] - dead * (by_last[0] + means.log_A);
	gradient[1] =
		r / alpha - w * (alive / (alpha + data->times[row->age]) + dead * means.inverse_A);
	gradient[2] = log(beta) - alive * by_age[1] + dead * (1 / s - by_last[1] - means.log_B);
	gradient[3] =
		s / beta - alive * s / (beta + data->times[row->age]) - dead * (s + 1) * means.inverse_B;
	return ll;
}

static void
pareto_nbd_simulate(const PurchaseParams *params, SimulatedCustomer *customer)
{
	Rng *rng = &customer->rng;

	customer->rate = random_gamma(rng, params->p[0]) / params->p[1];
	customer->dropout = random_exponential(rng) * params->p[3] / random_gamma(rng, params->p[2]);
	customer->now = 0;
	customer->alive = true;
}

static double
pareto_nbd_simulate_next(const PurchaseParams *params, SimulatedCustomer *customer)
{
	(void) params;
	customer->now += random_exponential(&customer->rng) / customer->rate;
	customer->alive = customer->now <= customer->dropout;
	return customer->alive ? customer->now : INFINITY;
}

const PurchaseModelOps pareto_nbd_ops = {MODEL_PARETO_NBD,
										 "pareto_nbd",
										 "Pareto/NBD",
										 NULL,
										 false,
										 4,
										 {"r", "alpha", "s", "beta"},
										 {PARAM_NUMBER, PARAM_TIME, PARAM_NUMBER, PARAM_TIME},
										 pareto_nbd_log_likelihood,
										 pareto_nbd_p_alive,
										 pareto_nbd_p_alive_after,
										 pareto_nbd_expected,
										 pareto_nbd_discounted,
										 pareto_nbd_next_purchase,
										 pareto_nbd_probability,
										 pareto_nbd_p_purchases,
										 pareto_nbd_p_purchases_below,
										 pareto_nbd_tabulate,
										 pareto_nbd_fit_row,
										 pareto_nbd_simulate,
										 pareto_nbd_simulate_next};
