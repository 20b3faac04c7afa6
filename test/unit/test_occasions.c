/*
 * test_occasions.c: BG/BB against test/data/bg_bb_reference.csv (written by test/reference/bg_bb_reference.py),
 * gradients against differences, and laws.
 */
#include "models/bg_bb.h"

#include "tap.h"

#define TOLERANCE 1e-9
#define ROWS 432 /* of the table */

static double
answer(const double *p, const BgBbRow *c, const char *what, double a)
{
	if (strcmp(what, "log_likelihood") == 0)
		return bg_bb_log_likelihood(p, c, NULL);
	if (strcmp(what, "p_alive") == 0)
		return bg_bb_p_alive(p, c, (int) a);
	if (strcmp(what, "expected") == 0)
		return bg_bb_expected(p, c, (int) a);
	if (strcmp(what, "dert") == 0)
		return bg_bb_discounted(p, c, a);
	return NAN;
}

static void
test_table(const char *path)
{
	FILE  *file = fopen(path, "r");
	char   line[400];
	int	   rows = 0;
	double worst = 0;

	if (!ok(file != NULL, "%s can be read", path))
		return;
	if (fgets(line, sizeof(line), file) == NULL)
		ok(false, "%s has a head", path);
	while (fgets(line, sizeof(line), file) != NULL)
	{
		char   *f[10];
		double	p[BG_BB_PARAMS];
		BgBbRow c;
		double	expected;
		double	got;
		double	error;

		rows++;
		if (split_csv(line, f, 10) != 10)
		{
			ok(false, "row %d has 10 fields", rows);
			continue;
		}
		for (int i = 0; i < BG_BB_PARAMS; i++)
			p[i] = atof(f[i]);
		c = (BgBbRow){atoi(f[4]), atoi(f[5]), atoi(f[6]), 1};
		expected = atof(f[9]);
		got = answer(p, &c, f[7], atof(f[8]));
		/* the log of a likelihood of nearly 1 is known to as many digits as the likelihood */
		error = expected == 0 || (strcmp(f[7], "log_likelihood") == 0 && fabs(expected) < 1)
					? fabs(got - expected)
					: relative_error(got, expected);
		worst = fmax(worst, error);
		if (!(error < TOLERANCE))
			ok(false, "(%s, %s, %s, %s) of (%s, %s, %s) %s %s: error %g", f[0], f[1], f[2], f[3],
			   f[4], f[5], f[6], f[7], f[8], error);
	}
	fclose(file);
	ok(rows == ROWS, "%d rows", rows);
	ok(worst < TOLERANCE, "every row within %g, the worst %.2g", TOLERANCE, worst);
}

static double
random_log(double range)
{
	return exp(range * (2.0 * rand() / RAND_MAX - 1));
}

/* Any customer of up to n occasions. */
static BgBbRow
random_customer(int n)
{
	BgBbRow c = {0, 0, rand() % (n + 1), 1};

	c.last = rand() % (c.n + 1);
	c.x = c.last == 0 ? 0 : 1 + rand() % c.last;
	return c;
}

/* Analytic gradients are those of differences, over the space of parameters. */
static void
test_gradients(void)
{
	double worst = 0;

	srand(1);
	for (int i = 0; i < 2000; i++)
	{
		BgBbRow c = random_customer(30);
		double	p[BG_BB_PARAMS];
		double	gradient[BG_BB_PARAMS];

		for (int j = 0; j < BG_BB_PARAMS; j++)
			p[j] = random_log(3);
		bg_bb_log_likelihood(p, &c, gradient);
		for (int j = 0; j < BG_BB_PARAMS; j++)
		{
			double high[] = {p[0], p[1], p[2], p[3]};
			double low[] = {p[0], p[1], p[2], p[3]};
			double slope;

			high[j] *= 1 + 1e-5;
			low[j] *= 1 - 1e-5;
			slope = (bg_bb_log_likelihood(high, &c, NULL) - bg_bb_log_likelihood(low, &c, NULL)) /
					(high[j] - low[j]);
			worst = fmax(worst, fabs(slope - gradient[j]) / (1 + fabs(gradient[j])));
		}
	}
	ok(worst < 1e-5, "gradients are those of differences, the worst off by %.2g", worst);
}

/* Finite, bounded, monotone, wherever the parameters are; and the parts of likelihoods add up to 1. */
static void
test_laws(void)
{
	int	   wrong = 0;
	double worst = 0;

	srand(2);
	for (int i = 0; i < 3000; i++)
	{
		BgBbRow c = random_customer(200);
		double	rate = random_log(4);
		double	p[BG_BB_PARAMS];
		double	alive;
		double	five;
		double	dert;

		for (int j = 0; j < BG_BB_PARAMS; j++)
			p[j] = random_log(12);
		alive = bg_bb_p_alive(p, &c, 0);
		five = bg_bb_expected(p, &c, 5);
		dert = bg_bb_discounted(p, &c, rate);
		if (!(alive >= 0 && alive <= 1 && five >= 0 && five <= 5 && dert >= 0 &&
			  dert <= 1 / rate * (1 + 1e-9)))
			wrong++;
		if (bg_bb_p_alive(p, &c, 3) > alive || bg_bb_expected(p, &c, 6) < five ||
			bg_bb_discounted(p, &c, 2 * rate) > dert)
			wrong++;
		if (c.last == c.n && alive != 1)
			wrong++;
	}
	ok(wrong == 0, "%d predictions are out of bounds or move the wrong way", wrong);

	/* the chances of all (x, last), times their ways to come about */
	for (int i = 0; i < 200; i++)
	{
		double p[BG_BB_PARAMS];
		double sum = 0;

		for (int j = 0; j < BG_BB_PARAMS; j++)
			p[j] = random_log(6);
		for (int last = 0; last <= 12; last++)
			for (int x = last > 0; x <= last; x++)
			{
				BgBbRow c = {x, last, 12, 1};
				double	ways = 1;

				for (int j = 1; j < x; j++)
					ways = ways * (last - j) / j;
				sum += ways * exp(bg_bb_log_likelihood(p, &c, NULL));
				if (last == 0)
					break;
			}
		worst = fmax(worst, fabs(sum - 1));
	}
	ok(worst < 1e-10, "likelihoods of all customers add up to 1, the worst off by %.2g", worst);
}

int
main(int argc, char **argv)
{
	ok(argc == 2, "one argument");
	if (argc == 2)
		test_table(argv[1]);
	test_gradients();
	test_laws();
	return done_testing();
}
