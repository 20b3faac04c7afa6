/*
 * test_contracts.c: the contract models against test/data/contract_reference.csv
 * (written by test/reference/contract_reference.py), gradients against differences, and laws.
 */
#include "models/contract.h"

#include "tap.h"

#define TOLERANCE 1e-9

static double
answer(int kind, const double *p, const char *what, double a, double b)
{
	if (strcmp(what, "survival") == 0)
		return exp(contract_log_survival(kind, p, a, b));
	if (strcmp(what, "lifetime") == 0)
		return contract_lifetime(kind, p, a, b);
	if (strcmp(what, "elasticity") == 0)
		return contract_elasticity(kind, p, a, b);
	if (strcmp(what, "log_likelihood") == 0)
	{
		ContractRow row = {a, b, 1 - b};
		double		gradient[CONTRACT_PARAMS];

		return contract_fit_row(kind, p, &row, gradient);
	}
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
		char  *f[8];
		double p[CONTRACT_PARAMS];
		double error;

		if (!ok(split_csv(line, f, 8) == 8, "row %d has 8 fields", ++rows))
			continue;
		for (int i = 0; i < CONTRACT_PARAMS; i++)
			p[i] = atof(f[1 + i]);
		error = relative_error(answer(atoi(f[0]), p, f[4], atof(f[5]), atof(f[6])), atof(f[7]));
		worst = fmax(worst, error);
		if (!(error < TOLERANCE))
			ok(false, "kind %s (%s, %s, %s) %s of %s and %s: error %g", f[0], f[1], f[2], f[3],
			   f[4], f[5], f[6], error);
	}
	fclose(file);
	ok(rows > 200, "%d rows", rows);
	ok(worst < TOLERANCE, "every row within %g, the worst %.2g", TOLERANCE, worst);
}

/* Parameters as drawn, made such as the kind has: a probability, and c behind it. */
static void
suit(int kind, double *p)
{
	if (kind == CONTRACT_DISCRETE_WEIBULL)
		p[1] = p[2];
	if (contract_has_probability(kind))
		p[0] = p[0] / (1 + p[0]);
}

/* The limits are what the models come to where customers grow alike, tenfold closer for each factor of ten. */
static void
test_continuity(void)
{
	const double p = 0.3;
	const double c = 1.3;
	int			 wrong = 0;
	int			 steps = 0;

	for (int i = 0; i < 4; i++) /* the last one: where customers differ as far as they can */
	{
		int	   kind = i < 3 ? i : CONTRACT_BETA_GEOMETRIC;
		bool   at_once = i == 3;
		double limit[CONTRACT_PARAMS] = {kind == CONTRACT_EXPONENTIAL_GAMMA ? 0.35 : p, c, 0};
		double before[4] = {0};

		for (int decade = 3; decade <= 6; decade++)
		{
			double		far = pow(10, at_once ? -decade : decade);
			double		near[CONTRACT_PARAMS] = {far * p, far * (1 - p), c};
			double		ignored[CONTRACT_PARAMS];
			ContractRow row = {at_once ? 1 : 4, 2, 3};
			double		gap[4];
			int			alike = at_once ? CONTRACT_LEAVE_AT_ONCE : contract_limit(kind);

			if (kind == CONTRACT_EXPONENTIAL_GAMMA)
				near[1] = far * p / limit[0];
			gap[0] = contract_fit_row(kind, near, &row, ignored) -
					 contract_fit_row(alike, limit, &row, ignored);
			gap[1] =
				contract_log_survival(kind, near, 3, 5) - contract_log_survival(alike, limit, 3, 5);
			gap[2] =
				contract_lifetime(kind, near, 2, 0.1) - contract_lifetime(alike, limit, 2, 0.1);
			if (at_once) /* whoever was there once, too; S(1) is the share itself, at any size */
				gap[1] = contract_log_survival(kind, near, 0, 5) -
						 contract_log_survival(alike, limit, 0, 5);
			gap[3] = contract_is_continuous(kind) ? 0
												  : contract_elasticity(kind, near, 2, 0.1) -
														contract_elasticity(alike, limit, 2, 0.1);
			for (int j = 0; j < 4; j++)
			{
				if (decade > 3 && fabs(gap[j]) > 1e-11)
				{
					steps++;
					wrong += !(before[j] / gap[j] > 9 && before[j] / gap[j] < 11);
				}
				before[j] = gap[j];
			}
		}
	}
	ok(steps > 20 && wrong == 0, "%d of %d steps towards a limit do not shrink the gap by 10",
	   wrong, steps);
}

/* Analytic gradients are those of differences, over the space of parameters. */
static void
test_gradients(void)
{
	double worst = 0;

	srand(1);
	for (int i = 0; i < 2000; i++)
	{
		int			kind = i % CONTRACT_MODEL_KINDS;
		double		p[CONTRACT_PARAMS];
		double		gradient[CONTRACT_PARAMS];
		double		ignored[CONTRACT_PARAMS];
		ContractRow row = {1 + rand() % 30, rand() % 5, rand() % 5};

		if (kind == CONTRACT_LEAVE_AT_ONCE && row.age > 1)
			row.lost = 0; /* it has no other losses */
		p[0] = exp(4.0 * rand() / RAND_MAX - 2);
		p[1] = exp(4.0 * rand() / RAND_MAX - 2);
		p[2] = exp(1.6 * rand() / RAND_MAX - 0.8);
		suit(kind, p);
		contract_fit_row(kind, p, &row, gradient);
		for (int j = 0; j < contract_shapes[kind].nparams; j++)
		{
			double high[] = {p[0], p[1], p[2]};
			double low[] = {p[0], p[1], p[2]};
			double slope;

			high[j] *= 1 + 1e-5;
			low[j] *= 1 - 1e-5;
			slope = (contract_fit_row(kind, high, &row, ignored) -
					 contract_fit_row(kind, low, &row, ignored)) /
					(high[j] - low[j]);
			worst = fmax(worst, fabs(slope - gradient[j]) / (1 + fabs(gradient[j])));
		}
	}
	ok(worst < 1e-5, "gradients are those of differences, the worst off by %.2g", worst);
}

/* Finite, bounded, monotone, wherever the parameters are. */
static void
test_laws(void)
{
	int wrong = 0;

	srand(2);
	for (int i = 0; i < 3000; i++)
	{
		int	   kind = i % CONTRACT_MODEL_KINDS;
		double rate = exp(-8.0 * rand() / RAND_MAX);
		double from = rand() % 100;
		double p[CONTRACT_PARAMS];
		double life;
		double older;

		p[0] = exp(24.0 * rand() / RAND_MAX - 12);
		p[1] = exp(24.0 * rand() / RAND_MAX - 12);
		p[2] = exp(3.0 * rand() / RAND_MAX - 2);
		suit(kind, p);
		life = contract_lifetime(kind, p, from, rate);
		older = contract_lifetime(kind, p, from + 1, rate);
		if (!(life > 0 && life <= (1 + rate) / rate * (1 + 1e-9)))
			wrong++;
		/* without ageing (c <= 1), who stayed longer stays longer */
		if ((contract_shapes[kind].nparams + contract_has_probability(kind) < 3 || p[2] <= 1) &&
			older < life * (1 - 1e-9))
			wrong++;
		if (!(contract_log_survival(kind, p, from, 1) <= 1e-12))
			wrong++;
		/* one step: what is due now, and what is left of the rest */
		if (!contract_is_continuous(kind) &&
			relative_error(1 + exp(contract_log_survival(kind, p, from, 1)) / (1 + rate) * older,
						   life) > 1e-8)
			wrong++;
	}
	ok(wrong == 0, "%d lifetimes are out of bounds, fall with tenure or do not add up", wrong);
}

int
main(int argc, char **argv)
{
	ok(argc == 2, "one argument");
	if (argc == 2)
		test_table(argv[1]);
	test_gradients();
	test_laws();
	test_continuity();
	return done_testing();
}
