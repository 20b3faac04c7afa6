/*
 * special.c: special functions of positive arguments.
 *
 * DLMF = NIST Digital Library of Mathematical Functions.
 */
#include "math/special.h"

#include <float.h>
#include <math.h>

#define EULER_GAMMA 0.57721566490153286061

/* From here on the Stirling series below reach full double precision. */
#define STIRLING_FROM 10.0

/* ln Gamma without libm's global signgam, which threads and signals share. */
double
math_lgamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

/* ln(e^a + e^b) */
double
math_log_add(double a, double b)
{
	return a > b ? a + log1p(exp(b - a)) : b + log1p(exp(a - b));
}

/* ln Gamma(x) - ((x - 1/2) ln x - x + ln(2 pi)/2), x >= STIRLING_FROM; DLMF 5.11.1. */
static double
stirling_rest(double x)
{
	double u = 1 / (x * x);

	return (1.0 / 12 +
			u * (-1.0 / 360 +
				 u * (1.0 / 1260 +
					  u * (-1.0 / 1680 + u * (1.0 / 1188 + u * (-691.0 / 360360 + u / 156)))))) /
		   x;
}

/* ln x - psi(x), x >= STIRLING_FROM; DLMF 5.11.2. */
static double
digamma_rest(double x)
{
	double u = 1 / (x * x);

	return 0.5 / x +
		   u * (1.0 / 12 +
				u * (-1.0 / 120 +
					 u * (1.0 / 252 +
						  u * (-1.0 / 240 + u * (1.0 / 132 + u * (-691.0 / 32760 + u / 12))))));
}

/* psi(x) by recurrence up to the asymptotic series. */
double
math_digamma(double x)
{
	double below = 0;

	while (x < STIRLING_FROM)
	{
		below += 1 / x;
		x += 1;
	}
	return log(x) - digamma_rest(x) - below;
}

/*
 * ln Gamma(a + x) - ln Gamma(a): the difference of two Stirling series term by
 * term, after Gamma(a + x)/Gamma(a) was brought up to large a by
 * Gamma(y) = Gamma(y + 1)/y.
 */
double
math_log_rising(double a, double x)
{
	double below = 0;
	double product = 1;

	if (x == 0)
		return 0;
	if (a < STIRLING_FROM)
	{
		below = log1p(x / a);
		for (a += 1; a < STIRLING_FROM; a += 1)
		{
			if (x < 0.5)
				below += log1p(x / a);
			else
				product *= (a + x) / a;
		}
		below += log(product);
	}
	return (a - 0.5) * log1p(x / a) + x * (log(a + x) - 1) + stirling_rest(a + x) -
		   stirling_rest(a) - below;
}

/* psi(a + x) - psi(a), in the same way. */
double
math_digamma_rise(double a, double x)
{
	double below = 0;

	if (x == 0)
		return 0;
	for (; a < STIRLING_FROM; a += 1)
		below += x / (a * (a + x));
	return log1p(x / a) - digamma_rest(a + x) + digamma_rest(a) + below;
}

/*
 * ln Gamma(1 - e) / e for |e| <= 1/2, exact at e = 0: DLMF 5.7.3, where
 * zeta(k) - 1 instead of zeta(k) makes the terms fall by 4.
 */
static double
log_gamma_one_minus_over(double e)
{
	static const double zeta_minus_one[] = {
		6.4493406684822643647e-1, 2.0205690315959428540e-1, 8.2323233711138191516e-2,
		3.6927755143369926331e-2, 1.7343061984449139714e-2, 8.3492773819228268398e-3,
		4.0773561979443393786e-3, 2.0083928260822144179e-3, 9.9457512781808533715e-4,
		4.9418860411946455870e-4, 2.4608655330804829863e-4, 1.2271334757848914676e-4,
		6.1248135058704829259e-5, 3.0588236307020493552e-5, 1.5282259408651871733e-5,
		7.6371976378997622737e-6, 3.8172932649998398565e-6, 1.9082127165539389257e-6,
		9.5396203387279611315e-7, 4.7693298678780646312e-7, 2.3845050272773299001e-7,
		1.1921992596531107307e-7, 5.9608189051259479613e-8, 2.9803503514652280186e-8,
		1.4901554828365041235e-8};
	double sum = 0;

	for (int k = sizeof(zeta_minus_one) / sizeof(double) + 1; k >= 2; k--)
		sum = e * (sum + zeta_minus_one[k - 2] / k);
	return (e == 0 ? 1 : -log1p(-e) / e) + (EULER_GAMMA - 1) + sum;
}

/*
 * E_{1+e}(z) for -1 < e <= 1/2 and 0 < z <= 1: DLMF 8.19.10, with the pole of
 * Gamma(-e) at e = 0 taken together with the term 1/e that cancels it.
 */
static double
expint_near_one(double e, double z)
{
	double power = 1; /* (-z)^k / k! */
	double sum = 0;
	double h;

	for (int k = 1; fabs(power) > DBL_EPSILON / 16; k++)
	{
		power *= -z / k;
		sum += power / (k - e);
	}
	/* the rest is (1 - Gamma(1 - e) z^e) / e, and Gamma(1 - e) z^e = exp(e h) */
	if (fabs(e) > 0.5)
		return (1 - exp(math_lgamma(1 - e) + e * log(z))) / e - sum;
	h = log_gamma_one_minus_over(e) + log(z);
	return (e == 0 ? -h : -expm1(e * h) / e) - sum;
}

/* e^z E_s(z) for z <= 1: DLMF 8.19.12 from the order near 1 upward, stable since z <= s. */
static double
expint_scaled_small(double s, double z)
{
	double term = 1;
	double sum = 0;
	double order = s;

	/* unrolled downward, so that a large order stops once the rest no longer counts */
	while (order > 1.5)
	{
		term /= order - 1;
		sum += term;
		term *= -z;
		order -= 1;
		if (fabs(term) < DBL_EPSILON / 16 * fabs(sum))
			return sum;
	}
	return sum + term * exp(z) * expint_near_one(order - 1, z);
}

/* e^z E_s(z) for z > 1: the continued fraction DLMF 8.19.17, contracted, by Lentz' method. */
static double
expint_scaled_large(double s, double z)
{
	double b = z + s;
	double d = 1 / b;
	double c = INFINITY;
	double fraction = d;

	for (int i = 1; i < 1000; i++)
	{
		double a = -i * (s - 1 + i);
		double step;

		b += 2;
		d = 1 / (b + a * d);
		c = b + a / c;
		step = c * d;
		fraction *= step;
		if (fabs(step - 1) <= DBL_EPSILON)
			break;
	}
	return fraction;
}

double
math_expint_scaled(double s, double z)
{
	return z > 1 ? expint_scaled_large(s, z) : expint_scaled_small(s, z);
}

double
math_log_beta(double a, double b)
{
	return a < b ? math_lgamma(a) - math_log_rising(b, a) : math_lgamma(b) - math_log_rising(a, b);
}

/* The continued fraction of I_x(a, b), DLMF 8.17.22, by Lentz' method; fast for x < (a+1)/(a+b+2). */
static double
beta_inc_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double		 c = 1;
	double		 d = 1 - (a + b) * x / (a + 1);
	double		 fraction;

	if (fabs(d) < tiny)
		d = tiny;
	d = 1 / d;
	fraction = d;
	for (int m = 1; m < 100000; m++)
	{
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 + even * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + even / c;
		c = fabs(c) < tiny ? tiny : c;
		fraction *= d * c;
		d = 1 + odd * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + odd / c;
		c = fabs(c) < tiny ? tiny : c;
		step = d * c;
		fraction *= step;
		if (fabs(step - 1) <= 2 * DBL_EPSILON)
			break;
	}
	return fraction;
}

double
math_beta_inc(double a, double b, double x, double one_minus_x)
{
	if (x <= 0)
		return 0;
	if (one_minus_x <= 0)
		return 1;
	/* the larger of x and 1 - x is rounded, which a large power of it would show */
	return math_beta_inc_front(a, b, x, one_minus_x,
							   exp(a * (x > 0.5 ? log1p(-one_minus_x) : log(x)) +
								   b * (x > 0.5 ? log(one_minus_x) : log1p(-x)) -
								   math_log_beta(a, b)));
}

double
math_beta_inc_front(double a, double b, double x, double one_minus_x, double front)
{
	if (x < (a + 1) / (a + b + 2))
		return front * beta_inc_fraction(a, b, x) / a;
	return 1 - front * beta_inc_fraction(b, a, one_minus_x) / b;
}

double
math_gamma_inc(double a, double x)
{
	if (x <= 0)
		return 0;
	if (isinf(x))
		return 1;
	return math_gamma_inc_front(a, x, exp(a * log(x) - x - math_lgamma(a)));
}

/* The series DLMF 8.11.4 below the mean, else the continued fraction 8.9.2 of the rest by Lentz' method. */
double
math_gamma_inc_front(double a, double x, double front)
{
	if (x < a + 1)
	{
		double term = 1 / a;
		double sum = term;

		for (double n = a + 1; term > DBL_EPSILON / 4 * sum; n += 1)
			sum += term *= x / n;
		return fmin(1, front * sum);
	}
	else
	{
		double b = x + 1 - a;
		double c = 1e300;
		double d = 1 / b;
		double fraction = d;

		for (int i = 1; i < 1000000; i++)
		{
			double step;

			b += 2;
			d = 1 / (b - i * (i - a) * d);
			c = b - i * (i - a) / c;
			step = c * d;
			fraction *= step;
			if (fabs(step - 1) <= 2 * DBL_EPSILON)
				break;
		}
		return 1 - front * fraction;
	}
}

/*
 * Newton's method on the logarithm of the tail, which is concave, from the left of the
 * solution: the bound sqrt(-2 ln(2p)) lies beyond it. For the upper half by symmetry.
 */
double
math_normal_quantile(double p)
{
	double z;

	if (p > 0.5)
		return -math_normal_quantile(1 - p);
	if (p == 0.5)
		return 0;
	z = -sqrt(-2 * log(2 * p));
	for (int i = 0; i < 60; i++)
	{
		double tail = 0.5 * erfc(-z * M_SQRT1_2);
		double step = (log(tail) - log(p)) * tail * sqrt(2 * M_PI) * exp(z * z / 2);

		z -= step;
		if (fabs(step) < 1e-15 * (1 + fabs(z)))
			break;
	}
	return z;
}
