/*
 * gamma_gamma.c: likelihood and expectations of the gamma-gamma model.
 */
#include "models/gamma_gamma.h"

#include "math/special.h"

#include <math.h>
#include <stddef.h>

const SpendModelShape spend_shapes[SPEND_MODEL_KINDS] = {
	{"gamma_gamma", NULL, 3, {"p", "q", "v"}, 2},
	{"gamma_gamma", "everybody spends alike", 2, {"p", "mean"}, 1},
	{"gamma_gamma",
	 "each customer pays a price of their own, always the same",
	 2,
	 {"q", "scale"},
	 1},
	{"one_price", "everybody pays the same price", 1, {"price"}, 0}};

#define BEYOND_ANY_SIZE 0x1p60

void
spend_apply(int kind, double *params, double effect)
{
	params[spend_shapes[kind].money] *= exp(effect);
}

SpendParams
spend_whole(int kind, const double *params)
{
	switch (kind)
	{
		case SPEND_ALIKE:
			return (SpendParams){
				{params[0], BEYOND_ANY_SIZE, BEYOND_ANY_SIZE / params[0] * params[1]}};
		case SPEND_OWN_PRICE:
			return (SpendParams){{BEYOND_ANY_SIZE, params[0], params[1] / BEYOND_ANY_SIZE}};
		case SPEND_ONE_PRICE: /* nobody's own purchases say anything against it */
			return (SpendParams){
				{BEYOND_ANY_SIZE, BEYOND_ANY_SIZE * BEYOND_ANY_SIZE, BEYOND_ANY_SIZE * params[0]}};
	}
	return (SpendParams){{params[0], params[1], params[2]}};
}

double
gamma_gamma_log_likelihood(const SpendParams *m, double x, double z)
{
	double p = m->p[0];
	double q = m->p[1];
	double gamma = m->p[2];

	/* gamma/(gamma + xz) and xz/(gamma + xz) through log1p, so that neither end loses digits */
	return math_log_rising(p * x, q) - math_lgamma(q) - log(z) - q * log1p(x * z / gamma) -
		   p * x * log1p(gamma / (x * z));
}

double
gamma_gamma_expected(const SpendParams *m, double x, double z)
{
	double shape = m->p[0] * x + m->p[1] - 1;

	return shape <= 0 ? INFINITY : m->p[0] * (m->p[2] + x * z) / shape;
}

/* nu ~ Gamma(px + q, gamma + xz), and a purchase has mean p/nu and variance p/nu^2. */
void
gamma_gamma_second_moments(const SpendParams *m, double x, double z, double *purchase, double *mean)
{
	double p = m->p[0];
	double shape = p * x + m->p[1];
	double scale = m->p[2] + x * z;
	double inverse2 = shape <= 2 ? INFINITY : scale * scale / ((shape - 1) * (shape - 2));

	*mean = p * p * inverse2;
	*purchase = p * (p + 1) * inverse2;
}

/* With nu ~ Gamma(px + q, s), s = gamma + xz, a purchase y has y/(y + s) ~ Beta(p, px + q): bisected. */
double
gamma_gamma_median(const SpendParams *m, double x, double z)
{
	double p = m->p[0];
	double w = p * x + m->p[1];
	double low = -700; /* ln(y/s) */
	double high = 700;

	while (high - low > 1e-14 * (1 + fabs(low)))
	{
		double middle = (low + high) / 2;
		double share = 1 / (1 + exp(-middle));

		if (math_beta_inc(p, w, share, 1 / (1 + exp(middle))) < 0.5)
			low = middle;
		else
			high = middle;
	}
	return (m->p[2] + x * z) * exp((low + high) / 2);
}

double
spend_known_price(int kind, const double *params, double x, double z)
{
	return kind == SPEND_ONE_PRICE ? params[0] : kind == SPEND_OWN_PRICE && x > 0 ? z : 0;
}

/* Of the densities below, what depends on the number of purchases alone: ln of the function that makes their integral 1. */
void
spend_ahead_norms(const SpendAhead *ahead)
{
	double p = ahead->params[0];
	double w = ahead->kind == SPEND_GAMMA_GAMMA ? p * ahead->x + ahead->params[1] : 0;

	for (int n = 1; n < ahead->n; n++)
		ahead->norms[n] = ahead->kind == SPEND_OWN_PRICE ? math_lgamma(p)
						  : ahead->kind == SPEND_ALIKE	 ? math_lgamma(p * n)
														 : math_log_beta(p * n, w);
}

/*
 * n purchases are Gamma(pn, nu); with nu ~ Gamma(px + q, s) their sum y has y/(y + s) ~ Beta(pn, px + q). The
 * more purchases, the less likely: what is left behind one that is next to impossible is less.
 */
double
spend_ahead_at_most(const SpendAhead *ahead, double v, double *slope)
{
	double p = ahead->params[0];
	double w = p * ahead->x + ahead->params[1];
	double s = ahead->kind == SPEND_GAMMA_GAMMA ? ahead->params[2] + ahead->x * ahead->z : 0;
	double log_share = -log1p(s / v);
	double log_rest = -log1p(v / s);
	double mean_units = p * v / ahead->params[1];
	double log_units = log(mean_units);
	double sum = 0;

	*slope = 0;
	for (int n = 1; n < ahead->n; n++)
	{
		double front;
		double at_most;

		if (ahead->kind == SPEND_GAMMA_GAMMA)
		{
			front = exp(p * n * log_share + w * log_rest - ahead->norms[n]);
			at_most = math_beta_inc_front(p * n, w, v / (v + s), s / (v + s), front);
		}
		else if (ahead->kind == SPEND_ALIKE)
		{
			front = exp(p * n * log_units - mean_units - ahead->norms[n]);
			at_most = math_gamma_inc_front(p * n, mean_units, front);
		}
		else
		{
			double price = n * ahead->params[1] / v;

			front = exp(p * log(price) - price - ahead->norms[n]);
			at_most = 1 - math_gamma_inc_front(p, price, front);
		}
		sum += ahead->chances[n] * at_most;
		*slope += ahead->chances[n] * front;
		if (at_most < 1e-14)
			break;
	}
	return sum;
}

/*
 * The mean z of x purchases where everybody spends alike is Gamma(px, px/mean); where each has a price of his
 * own, z is that price, scale/Gamma(q, 1).
 */
double
spend_limit_fit_row(int kind, const double *params, const SpendData *data, const SpendRow *row,
					double *gradient)
{
	double z = row->mean_spend;
	double shape;

	if (kind == SPEND_OWN_PRICE)
	{
		gradient[0] = log(params[1] / z) - math_digamma(params[0]);
		gradient[1] = params[0] / params[1] - 1 / z;
		return params[0] * log(params[1] / z) - math_lgamma(params[0]) - log(z) - params[1] / z;
	}
	shape = params[0] * data->xs[row->x];
	gradient[0] =
		data->xs[row->x] * (log(shape * z / params[1]) + 1 - math_digamma(shape) - z / params[1]);
	gradient[1] = shape / params[1] * (z / params[1] - 1);
	return shape * log(shape * z / params[1]) - math_lgamma(shape) - log(z) - shape * z / params[1];
}

enum
{
	X_LOG, /* ln Gamma(px + q) - ln Gamma(px) - ln Gamma(q) */
	X_P,   /* x (psi(px + q) - psi(px)) */
	X_Q	   /* psi(px + q) - psi(q) */
};

void
gamma_gamma_tabulate(const SpendParams *m, SpendData *data)
{
	double p = m->p[0];
	double q = m->p[1];

	for (int i = 0; i < data->nxs; i++)
	{
		double x = data->xs[i];

		data->by_x[i][X_LOG] = math_log_rising(p * x, q) - math_lgamma(q);
		data->by_x[i][X_P] = x * math_digamma_rise(p * x, q);
		data->by_x[i][X_Q] = math_digamma_rise(q, p * x);
	}
}

double
gamma_gamma_fit_row(const SpendParams *m, const SpendData *data, const SpendRow *row,
					double *gradient)
{
	double		  p = m->p[0];
	double		  q = m->p[1];
	double		  gamma = m->p[2];
	double		  x = data->xs[row->x];
	double		  spend = x * row->mean_spend;
	const double *by_x = data->by_x[row->x];
	double		  log_gamma = -log1p(spend / gamma); /* ln(gamma/(gamma + xz)) */
	double		  log_spend = -log1p(gamma / spend); /* ln(xz/(gamma + xz)) */

	gradient[0] = by_x[X_P] + x * log_spend;
	gradient[1] = by_x[X_Q] + log_gamma;
	gradient[2] = (q * spend / gamma - p * x) / (gamma + spend);
	return by_x[X_LOG] - log(row->mean_spend) + q * log_gamma + p * x * log_spend;
}
