/*
 * gamma_gamma.c: likelihood and expectations of the gamma-gamma model.
 */
#include "models/gamma_gamma.h"

#include "math/special.h"

#include <math.h>

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
