/*
 * quadrature.c: integrals of products of powers, and means over a beta distribution.
 */
#include "math/quadrature.h"

#include "math/gauss_legendre.h"

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
 * the right, so that stopping early only costs a little width. On entry range
 * and fall are those of all of t, fall being how much the log-integrand falls.
 */
static double
decay_cut(const Decay *f, double m, double range, double *fall)
{
	double slope = 1 - m * (f->p / f->A + f->q / f->B);

	/* the tangent at 0 lies above a concave function */
	if (slope < 0 && range > QUADRATURE_FALL / -slope)
	{
		range = QUADRATURE_FALL / -slope;
		*fall = -decay_log(f, m, range);
	}
	for (int i = 0; i < 20 && *fall > QUADRATURE_FALL + 1; i++)
	{
		double y = m * expm1(range);

		slope = 1 - (m + y) * (f->p / (f->A + y) + f->q / (f->B + y));
		range += (*fall - QUADRATURE_FALL) / slope;
		*fall = -decay_log(f, m, range);
	}
	return range;
}

/* The range for a time t; beyond a bound for an infinite one nothing is left. */
static double
decay_range(const Decay *f, double m, double t, double *fall)
{
	double range = log1p(t / m);

	if (isinf(t))
		range =
			(QUADRATURE_FALL + f->p * log(f->A / m) + f->q * log(f->B / m) + 1) / (f->p + f->q - 1);
	*fall = -decay_log(f, m, range);
	return *fall > QUADRATURE_FALL ? decay_cut(f, m, range, fall) : range;
}

/*
 * As many nodes as the integrand's shape needs, but no more than the caller pays
 * for: to 1e-11 if that is 32, to 1e-7 if it is 16.
 */
static inline int
nodes_needed(double range, double fall, int nodes, const GaussNode **node)
{
	double steep = nodes == 16 ? 8 : 4;

	if (range < 3 && fall < steep && fall > -4)
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
decay_integral_means(const Decay *f, double log_A, double log_B, int nodes, DecayMeans *means)
{
	const GaussNode *node;
	double			 m = f->A < f->B ? f->A : f->B;
	bool			 a_is_near = f->A == m;
	double			 range = a_is_near ? log_A : log_B;
	double			 fall = f->p * log_A + f->q * log_B - range;
	double			 near = 1 - (a_is_near ? f->p : f->q);
	double			 far = a_is_near ? f->q : f->p;
	double			 scale = a_is_near ? f->B : f->A;
	double			 sum = 0;
	double			 log_near = 0;
	double			 log_far = 0;
	double			 inverse_near = 0;
	double			 inverse_far = 0;

	if (fall > QUADRATURE_FALL)
		range = decay_cut(f, m, range, &fall);
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

/* In v = ln(1 + y/A), as above; where the range ends is asked of a power that is as good as the exponential. */
double
decay_exponential_means(double p, double A, double rate, double t, int nodes, DecayMeans *means)
{
	const double	 large = 0x1p60;
	const Decay		 f = {p, A, large, large / rate};
	const GaussNode *node;
	double			 fall;
	double			 range = decay_range(&f, A, t, &fall);
	double			 sum = 0;
	double			 log_A = 0;
	double			 inverse_A = 0;
	double			 elapsed = 0;

	nodes = nodes_needed(range, fall, nodes, &node);
	for (int i = 0; i < nodes; i++)
	{
		double v = range * node[i].at;
		double grown = expm1(v);
		double value = node[i].weight * exp((1 - p) * v - rate * A * grown);

		sum += value;
		log_A += value * v;
		inverse_A += value / (1 + grown);
		elapsed += value * grown;
	}
	means->log_A = log_A / sum;
	means->inverse_A = inverse_A / sum / A;
	means->elapsed = elapsed / sum * A;
	means->log_B = means->inverse_B = 0;
	return A * range * sum;
}

/* A grid of up to two nodes; the others, up to a multiple of 4, do not count. */
static void
beta_grid_of_points(BetaGrid *grid, int n, const double *p, const double *weight)
{
	grid->n = 4;
	for (int i = 0; i < grid->n; i++)
	{
		grid->p[i] = i < n ? p[i] : 1;
		/* the largest ln(1 - p) that still multiplies: e^-700 is nothing beside 1 */
		grid->log_q[i] = grid->p[i] < 1 ? log1p(-grid->p[i]) : i < n ? -700 : -1;
		grid->weight[i] = i < n ? weight[i] : 0;
	}
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
	double top = (peak < 0 ? a : -b) * peak - (a + b) * log1p(exp(-fabs(peak)));
	double left = -(26 + 2 * log1p(scale + a + b));
	double right = -(26 + log1p(a + b));
	double sum = 0;
	/* no p is so small that dividing by it would fail; functions of p * scale have long been constant there */
	double none = 1e-15 / (1 + scale);

	if (a + b < BETA_SPLIT)
	{
		beta_grid_of_points(grid, 2, (double[]){none, 1}, (double[]){b / (a + b), a / (a + b)});
		return;
	}
	if (a == 0 || a > BETA_POINT || b > BETA_POINT)
	{
		beta_grid_of_points(grid, 1, (double[]){fmax(a / (a + b), none)}, (double[]){1});
		return;
	}
	grid->n = 0;
	for (int direction = -1; direction <= 1; direction += 2)
		for (int i = direction > 0; grid->n < BETA_GRID_MAX / 4 * (direction + 3); i++)
		{
			double y = peak + direction * i * step;
			double e = exp(-fabs(y));
			double log_e = log1p(e);
			double log_weight = -(y < 0 ? -a : b) * y - (a + b) * log_e - top;
			bool   last =
				  direction < 0 ? log_weight + fmin(y, 0) < left : log_weight - fmax(y, 0) < right;

			grid->p[grid->n] = (y < 0 ? e : 1) / (1 + e);
			grid->log_q[grid->n] = y < 0 ? -log_e : -y - log_e;
			grid->weight[grid->n] =
				exp(log_weight) / (last ? -expm1(-(direction < 0 ? a : b) * step) : 1);
			sum += grid->weight[grid->n++];
			if (last)
				break;
		}
	for (int i = 0; i < grid->n; i++)
		grid->weight[i] /= sum;
	/* up to a multiple of 4 with nodes that do not count */
	for (; grid->n % 4 != 0; grid->n++)
	{
		grid->p[grid->n] = 1;
		grid->log_q[grid->n] = -1;
		grid->weight[grid->n] = 0;
	}
}

/* Four fractions with one division, which costs as much as all the rest. */
double
beta_grid_mean_inverse(const BetaGrid *grid, double c, double d)
{
	const double *w = grid->weight;
	const double *p = grid->p;
	double		  sum = 0;

	for (int i = 0; i < grid->n; i += 4)
	{
		double d0 = c + d * p[i];
		double d1 = c + d * p[i + 1];
		double d2 = c + d * p[i + 2];
		double d3 = c + d * p[i + 3];
		double d01 = d0 * d1;
		double d23 = d2 * d3;

		sum += ((w[i] * d1 + w[i + 1] * d0) * d23 + (w[i + 2] * d3 + w[i + 3] * d2) * d01) /
			   (d01 * d23);
	}
	return sum;
}
