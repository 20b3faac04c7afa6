/*
 * student_t.c: quantiles of Student's t distribution. Plain C, no PostgreSQL.
 */
#include "student_t.h"

#include <math.h>

#define NORMAL_CRITICAL95 1.959963984540054
#define HALF_CONFIDENCE 0.475
#define NORMAL_FROM_DEGREES 1e9
#define STEPS 256 /* even */

/*
 * The probability of 0 < T < t with v degrees of freedom. With x = sqrt(v) tan(u)
 * the density becomes C cos(u)^(v-1), smooth on the bounded range of u, which
 * Simpson's rule integrates to about 1e-12.
 */
static double
probability_to(double t, double v)
{
	double end = atan(t / sqrt(v));
	double h = end / STEPS;
	double sum = 1 + pow(cos(end), v - 1);

	for (int i = 1; i < STEPS; i++)
		sum += (i % 2 == 1 ? 4 : 2) * pow(cos(i * h), v - 1);
	return exp(lgamma((v + 1) / 2) - lgamma(v / 2)) / sqrt(M_PI) * sum * h / 3;
}

static double
density(double t, double v)
{
	return exp(lgamma((v + 1) / 2) - lgamma(v / 2) - (v + 1) / 2 * log1p(t * t / v)) /
		   sqrt(M_PI * v);
}

/*
 * The t beyond which, on both sides together, lies 5 % of the distribution with
 * v >= 1 degrees of freedom; relative error about 1e-9 (v to 1e4) to 1e-8.
 * Newton's method from the normal quantile, which lies below: the distribution
 * is concave there, so each step stays below the solution.
 */
double
student_t_critical95(double v)
{
	double t = NORMAL_CRITICAL95;

	if (v > NORMAL_FROM_DEGREES)
		return t;
	for (int i = 0; i < 50; i++)
	{
		double step = (HALF_CONFIDENCE - probability_to(t, v)) / density(t, v);

		t += step;
		if (fabs(step) < 1e-12 * t)
			break;
	}
	return t;
}
