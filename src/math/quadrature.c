/*
 * quadrature.c: integrals of products of powers, and means over a beta distribution.
 */
#include "quadrature.h"

#include "gauss_legendre.h"

#include <math.h>
#include <stddef.h>

static const GaussNode *
gauss_nodes(int n)
{
	return n == 8 ? gauss_legendre_8 : n == 16 ? gauss_legendre_16 : gauss_legendre_32;
}

/* Log-integrand in v = ln(1 + y/m), with the ln(1 + y/m) of dy = (m + y) dv. */
static inline double
decay_log(const Decay *f, double m, double v)
{
	double y = m * expm1(v);

	return v - f->p * log1p(y / f->A) - f->q * log1p(y / f->B);
}

/*
 * How far v must go: up to t, or to where the log-integrand, which is concave,
 * has fallen by QUADRATURE_FALL. Newton's method comes down to that point from
 * the right, so that stopping early only costs a little width.
 */
static double
decay_range(const Decay *f, double m, double t)
{
	double slope = 1 - m * (f->p / f->A + f->q / f->B);
	double range = isinf(t) ? INFINITY : log1p(t / m);

	/* the tangent at 0 lies above a concave function */
	if (slope < 0 && range > QUADRATURE_FALL / -slope)
		range = QUADRATURE_FALL / -slope;
	else if (isinf(range))
		range =
			(QUADRATURE_FALL + f->p * log(f->A / m) + f->q * log(f->B / m) + 1) / (f->p + f->q - 1);
	for (int i = 0; i < 20; i++)
	{
		double excess = -QUADRATURE_FALL - decay_log(f, m, range);
		double y = m * expm1(range);

		if (!(excess > 1))
			break;
		slope = 1 - (m + y) * (f->p / (f->A + y) + f->q / (f->B + y));
		range -= -excess / slope;
	}
	return range;
}

double
decay_integral(const Decay *f, double t, int nodes)
{
	return decay_integral_means(f, t, nodes, NULL);
}

double
decay_integral_means(const Decay *f, double t, int nodes, DecayMeans *means)
{
	const GaussNode *node = gauss_nodes(nodes);
	double			 m = f->A < f->B ? f->A : f->B;
	double			 range = decay_range(f, m, t);
	double			 sum = 0;
	DecayMeans		 total = {0, 0, 0, 0};

	if (t <= 0)
		range = 0;
	for (int i = 0; i < nodes; i++)
	{
		double v = range * node[i].at;
		double y = m * expm1(v);
		double log_A = f->A == m ? v : log1p(y / f->A);
		double log_B = f->B == m ? v : log1p(y / f->B);
		double value = node[i].weight * exp(v - f->p * log_A - f->q * log_B);

		sum += value;
		total.log_A += value * log_A;
		total.log_B += value * log_B;
		total.inverse_A += value / (f->A + y);
		total.inverse_B += value / (f->B + y);
	}
	if (means != NULL)
	{
		means->log_A = total.log_A / sum;
		means->log_B = total.log_B / sum;
		means->inverse_A = total.inverse_A / sum;
		means->inverse_B = total.inverse_B / sum;
	}
	return m * range * sum;
}

/* Log-density of logit(p), p ~ Beta(a, b), up to a constant. */
static inline double
logit_beta(double a, double b, double y)
{
	return y < 0 ? a * y - (a + b) * log1p(exp(y)) : -b * y - (a + b) * log1p(exp(-y));
}

/*
 * The density of y = logit(p) falls like e^(ay) to the left and e^(-by) to the
 * right; analytic in |Im y| < pi, so a step h leaves an error of e^(-2 pi^2/h)
 * or, for functions that are analytic only up to pi/2, e^(-pi^2/h).
 */
void
beta_grid(BetaGrid *grid, double a, double b, double scale, double widest_step)
{
	double width = sqrt(1 / a + 1 / b);
	double step = fmin(widest_step, 0.7 * width);
	double peak = log(a / b);
	double top = logit_beta(a, b, peak);
	double left = fmin(-26 - log1p(scale), peak);
	double right = fmax(28, peak);
	double fall = 36 + log1p(scale);
	int	   steps_left = 0;
	int	   steps_right = 0;
	double sum = 0;

	while (steps_left < BETA_GRID_MAX - 100 && peak - steps_left * step > left &&
		   logit_beta(a, b, peak - steps_left * step) - top > -fall)
		steps_left++;
	while (steps_left + steps_right + 1 < BETA_GRID_MAX && peak + steps_right * step < right &&
		   logit_beta(a, b, peak + steps_right * step) - top > -36)
		steps_right++;

	grid->n = steps_left + steps_right + 1;
	for (int i = 0; i < grid->n; i++)
	{
		double y = peak + (i - steps_left) * step;

		grid->p[i] = 1 / (1 + exp(-y));
		grid->log_q[i] = y < 0 ? -log1p(exp(y)) : -y - log1p(exp(-y));
		grid->weight[i] = exp(logit_beta(a, b, y) - top);
	}
	grid->weight[0] /= -expm1(-a * step);
	grid->weight[grid->n - 1] /= -expm1(-b * step);
	for (int i = 0; i < grid->n; i++)
		sum += grid->weight[i];
	for (int i = 0; i < grid->n; i++)
		grid->weight[i] /= sum;
}
