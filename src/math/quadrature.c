/*
 * quadrature.c: integrals of products of powers, and means over a beta distribution.
 */
#include "quadrature.h"

#include "gauss_legendre.h"

#include <math.h>
#include <stdbool.h>

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
 * the right, so that stopping early only costs a little width. fall is how much
 * the log-integrand falls on the way.
 */
static double
decay_range(const Decay *f, double m, double t, double *fall)
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
		double y;

		*fall = -decay_log(f, m, range);
		if (!(*fall > QUADRATURE_FALL + 1))
			break;
		y = m * expm1(range);
		slope = 1 - (m + y) * (f->p / (f->A + y) + f->q / (f->B + y));
		range += (*fall - QUADRATURE_FALL) / slope;
	}
	return range;
}

/* As many nodes as the integrand's shape needs for 1e-11, but no more than the caller pays for. */
static inline int
nodes_needed(double range, double fall, int nodes, const GaussNode **node)
{
	if (range < 3 && fall < 4 && fall > -4)
	{
		*node = gauss_legendre_8;
		return 8;
	}
	if (nodes == 16 || (range < 5 && fall < 16 && fall > -8))
	{
		*node = gauss_legendre_16;
		return 16;
	}
	*node = gauss_legendre_32;
	return 32;
}

double
decay_integral(const Decay *f, double t, int nodes)
{
	const GaussNode *node;
	double			 m = f->A < f->B ? f->A : f->B;
	double			 fall;
	double			 range = decay_range(f, m, t, &fall);
	double			 sum = 0;
	/* the power of the smaller scale is a multiple of v, only the other needs a logarithm */
	double near = 1 - (f->A == m ? f->p : f->q);
	double far = f->A == m ? f->q : f->p;
	double ratio = m / (f->A == m ? f->B : f->A);

	if (t <= 0)
		return 0;
	nodes = nodes_needed(range, fall, nodes, &node);
	for (int i = 0; i < nodes; i++)
	{
		double v = range * node[i].at;

		sum += node[i].weight * exp(near * v - far * log1p(ratio * expm1(v)));
	}
	return m * range * sum;
}

double
decay_integral_means(const Decay *f, double t, int nodes, DecayMeans *means)
{
	const GaussNode *node;
	double			 m = f->A < f->B ? f->A : f->B;
	double			 fall;
	double			 range = decay_range(f, m, t, &fall);
	bool			 a_is_near = f->A == m;
	double			 near = 1 - (a_is_near ? f->p : f->q);
	double			 far = a_is_near ? f->q : f->p;
	double			 scale = a_is_near ? f->B : f->A;
	double			 sum = 0;
	double			 log_near = 0;
	double			 log_far = 0;
	double			 inverse_near = 0;
	double			 inverse_far = 0;

	nodes = nodes_needed(range, fall, nodes, &node);
	for (int i = 0; i < nodes; i++)
	{
		double v = range * node[i].at;
		double e = exp(v);
		double other = scale + m * (e - 1);
		double log_other = log(other / scale);
		double value = node[i].weight * exp(near * v - far * log_other);

		sum += value;
		log_near += value * v;
		log_far += value * log_other;
		inverse_near += value / e;
		inverse_far += value / other;
	}
	inverse_near /= m;
	means->log_A = (a_is_near ? log_near : log_far) / sum;
	means->log_B = (a_is_near ? log_far : log_near) / sum;
	means->inverse_A = (a_is_near ? inverse_near : inverse_far) / sum;
	means->inverse_B = (a_is_near ? inverse_far : inverse_near) / sum;
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
 * or, for functions that are analytic only up to pi/2, e^(-pi^2/h). Beyond the
 * outermost nodes the density is geometric and the function constant, both up to
 * a part that falls by another e^y.
 */
void
beta_grid(BetaGrid *grid, double a, double b, double scale, double widest_step)
{
	double width = sqrt(1 / a + 1 / b);
	double step = fmin(widest_step, 0.7 * width);
	double peak = log(a / b);
	double top = logit_beta(a, b, peak);
	double left = -(26 + 2 * log1p(scale + a + b));
	double right = -(26 + log1p(a + b));
	int	   steps_left = 0;
	int	   steps_right = 0;
	double sum = 0;

	for (double y = peak; logit_beta(a, b, y) - top + fmin(y, 0) > left; y -= step)
		if (++steps_left == BETA_GRID_MAX / 2)
			break;
	for (double y = peak; logit_beta(a, b, y) - top - fmax(y, 0) > right; y += step)
		if (++steps_right == BETA_GRID_MAX / 2 - 1)
			break;

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
