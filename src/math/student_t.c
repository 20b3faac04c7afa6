/*
 * student_t.c: quantiles of Student's t distribution. Plain C, no PostgreSQL.
 */
#include "math/student_t.h"

#include <math.h>

#include "math/special.h"

#define NORMAL_CRITICAL95 1.959963984540054
#define HALF_CONFIDENCE 0.475
#define NORMAL_FROM_DEGREES 1e9

/* The probability of 0 < T < t with v degrees of freedom: Abramowitz and Stegun 26.7.1. */
static double
probability_to(double t, double v)
{
	return (1 - math_beta_inc(v / 2, 0.5, v / (v + t * t), t * t / (v + t * t))) / 2;
}

static double
density(double t, double v)
{
	return exp(lgamma((v + 1) / 2) - lgamma(v / 2) - (v + 1) / 2 * log1p(t * t / v)) /
		   sqrt(M_PI * v);
}

/*
 * The t beyond which, on both sides together, lies 5 % of the distribution with
 * v >= 1 degrees of freedom; relative error below 1e-8. Newton's method from the
 * normal quantile, which lies below: the distribution is concave there, so each
 * step stays below the solution.
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
