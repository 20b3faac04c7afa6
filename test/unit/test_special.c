/*
 * test_special.c: special functions against 40-digit values, and their identities on random input.
 */
#include "tap.h"

#include "math/random.h"
#include "math/special.h"

typedef struct Worst
{
	const char *name;
	int			cases;
	double		error;
	double		a, b, c;
} Worst;

static Worst worst[] = {{"lgamma", 0, 0, 0, 0, 0},		  {"digamma", 0, 0, 0, 0, 0},
						{"log_rising", 0, 0, 0, 0, 0},	  {"digamma_rise", 0, 0, 0, 0, 0},
						{"expint_scaled", 0, 0, 0, 0, 0}, {"beta_inc", 0, 0, 0, 0, 0}};

static double
value_of(int function, double a, double b, double c)
{
	switch (function)
	{
		case 0:
			return math_lgamma(a);
		case 1:
			return math_digamma(a);
		case 2:
			return math_log_rising(a, b);
		case 3:
			return math_digamma_rise(a, b);
		case 4:
			return math_expint_scaled(a, b);
		default:
			return math_beta_inc(a, b, c / (1 + c), 1 / (1 + c));
	}
}

static void
check_table(const char *path)
{
	FILE *file = fopen(path, "r");
	char  line[512];
	char *field[8];

	if (file == NULL || fgets(line, sizeof(line), file) == NULL)
	{
		ok(false, "read %s", path);
		return;
	}
	while (fgets(line, sizeof(line), file) != NULL)
	{
		if (split_csv(line, field, 8) != 5)
			continue;
		for (size_t i = 0; i < sizeof(worst) / sizeof(Worst); i++)
		{
			double a, b, c, expected, got, error;

			if (strcmp(field[0], worst[i].name) != 0)
				continue;
			a = atof(field[1]);
			b = atof(field[2]);
			c = atof(field[3]);
			expected = atof(field[4]);
			got = value_of(i, a, b, c);
			/* near a zero of the function its size is no scale */
			error = i <= 2 ? fabs(got - expected) / fmax(fabs(expected), i == 2 ? b : 1)
						   : relative_error(got, expected);
			worst[i].cases++;
			if (!(error <= worst[i].error))
			{
				worst[i].error = error;
				worst[i].a = a;
				worst[i].b = b;
				worst[i].c = c;
			}
		}
	}
	fclose(file);
	for (size_t i = 0; i < sizeof(worst) / sizeof(Worst); i++)
		ok(worst[i].cases > 50 && worst[i].error < 1e-10,
		   "%s: %d cases, worst error %.1e at (%g, %g, %g)", worst[i].name, worst[i].cases,
		   worst[i].error, worst[i].a, worst[i].b, worst[i].c);
}

static void
check_identities(void)
{
	Rng	   rng;
	double rising = 0;
	double expint = 0;
	double beta = 0;
	bool   monotone = true;

	random_seed(&rng, 1, 1);
	for (int i = 0; i < 200000; i++)
	{
		double a = exp(20 * random_uniform(&rng) - 10);
		double x = exp(16 * random_uniform(&rng) - 8);
		double s = exp(14 * random_uniform(&rng) - 8);
		double z = exp(20 * random_uniform(&rng) - 12);
		double e = math_expint_scaled(s, z);
		double next = math_expint_scaled(s + 1, z);
		double left = math_beta_inc(a, s, x / (1 + x), 1 / (1 + x));
		double right = math_beta_inc(s, a, 1 / (1 + x), x / (1 + x));

		/* Gamma(a + x + 1)/Gamma(a) two ways */
		rising = fmax(rising, fabs(math_log_rising(a, x + 1) - math_log_rising(a, x) - log(a + x)) /
								  (1 + math_log_rising(a + 1, x)));
		/* s E_{s+1} + z E_s = e^-z */
		expint = fmax(expint, fabs(s * next + z * e - 1));
		/* 1/(z + s) <= e^z E_s <= 1/(z + s - 1) and falling in s */
		monotone = monotone && e * (z + s) >= 1 - 1e-14 && next <= e &&
				   (s + z <= 1 || e * (z + s - 1) <= 1 + 1e-14);
		beta = fmax(beta, fabs(left + right - 1));
	}
	ok(rising < 1e-13, "recurrence of the rising factorial on random input: %.1e", rising);
	ok(expint < 1e-12, "recurrence of the exponential integral on random input: %.1e", expint);
	ok(monotone, "exponential integral between its bounds on random input");
	ok(beta < 1e-10, "symmetry of the incomplete beta function on random input: %.1e", beta);
}

/* A random number spread evenly over the decades from e^low to e^high. */
static double
spread(Rng *rng, double low, double high)
{
	return exp(low + (high - low) * random_uniform(rng));
}

/* Over all sizes that parameters, counts and amounts can have: finite, within bounds, monotone, and done at once. */
static void
check_extremes(void)
{
	Rng	   rng;
	int	   broken = 0;
	double gamma = 0;
	double normal = 0;
	double first[4] = {0};

	random_seed(&rng, 2, 2);
	for (int i = 0; i < 60000; i++)
	{
		double a = spread(&rng, -20, 27);
		double b = spread(&rng, -20, 27);
		double x = spread(&rng, -40, 40);
		double y = x * (1 + spread(&rng, -30, 3));
		double p = random_uniform(&rng);
		double low = math_beta_inc(a, b, x / (1 + x), 1 / (1 + x));
		double high = math_beta_inc(a, b, y / (1 + y), 1 / (1 + y));
		double below = math_gamma_inc(a, x);
		double above = math_gamma_inc(a, y);
		double z = math_normal_quantile(p);
		double slack = 1e-9;

		/* P(a, x) - P(a + 1, x) = x^a e^-x / Gamma(a + 1) */
		if (a < 1e6)
			gamma = fmax(gamma, fabs(below - math_gamma_inc(a + 1, x) -
									 exp(a * log(x) - x - math_lgamma(a + 1))));
		normal = fmax(normal, fabs(0.5 * erfc(-z / sqrt(2)) - p));
		if (low >= -slack && high <= 1 + slack && low <= high + slack && below >= -slack &&
			above <= 1 + slack && below <= above + slack && isfinite(math_log_beta(a, b)) &&
			isfinite(math_lgamma(a)) && isfinite(math_digamma(a)) && math_expint_scaled(a, b) > 0 &&
			isfinite(math_expint_scaled(a, b)))
			continue;
		if (broken++ == 0)
			memcpy(first, (double[]){a, b, x, y}, sizeof(first));
	}
	ok(broken == 0, "%d of 60000 extreme arguments break a bound; first: (%g, %g, %g, %g)", broken,
	   first[0], first[1], first[2], first[3]);
	ok(gamma < 1e-9, "recurrence of the incomplete gamma function on random input: %.1e", gamma);
	ok(normal < 1e-12, "the normal quantile is the inverse of its distribution: %.1e", normal);
}

int
main(int argc, char **argv)
{
	(void) argc;
	check_table(argv[1]);
	check_identities();
	check_extremes();
	return done_testing();
}
