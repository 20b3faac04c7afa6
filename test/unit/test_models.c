/*
 * test_models.c: every model against high-precision tables, its gradients against differences, and
 * its promises (finite, bounded, monotone) on random parameters and customers.
 */
#include "tap.h"

#include "math/quadrature.h"
#include "models/gamma_gamma.h"
#include "models/model.h"

static const char *quantity[] = {"log_likelihood", "p_alive", "expected purchases", "dert"};

typedef struct Tally
{
	int	   cases;
	double worst;
	char   where[200];
} Tally;

static void
compare(Tally *tally, double got, const char *expected, const char *where)
{
	double error;

	if (expected[0] == '\0')
		return;
	/* a log-likelihood of 0 leaves the rounding of the sum that makes it */
	error = fabs(got - atof(expected)) < 2e-15 ? 0 : relative_error(got, atof(expected));
	tally->cases++;
	if (!(error <= tally->worst))
	{
		tally->worst = error;
		snprintf(tally->where, sizeof(tally->where), "%s: %.17g for %s", where, got, expected);
	}
}

static void
compare_customer(Tally *tally, const PurchaseModelOps *ops, const PurchaseParams *params, Btyd c,
				 double t, double delta, char **expected, const char *where)
{
	compare(&tally[0], ops->log_likelihood(params, c), expected[0], where);
	compare(&tally[1], ops->p_alive(params, c), expected[1], where);
	compare(&tally[2], ops->expected(params, c, t, NULL), expected[2], where);
	compare(&tally[3], ops->discounted(params, c, INFINITY, delta), expected[3], where);
}

static void
report(const char *title, const Tally *tally)
{
	for (int i = 0; i < 4; i++)
		if (tally[i].cases > 0)
			ok(tally[i].worst < 1e-9, "%s, %s: %d cases, worst relative error %.1e (%s)", title,
			   quantity[i], tally[i].cases, tally[i].worst, tally[i].where);
}

/* Both tables: where the columns begin differs, their order is the same. */
static void
check_table(const char *path, bool has_k)
{
	FILE *file = fopen(path, "r");
	char  line[1024];
	char *f[24];
	Tally tally[PURCHASE_MODEL_KINDS + 1][4];

	memset(tally, 0, sizeof(tally));
	if (file == NULL || fgets(line, sizeof(line), file) == NULL)
	{
		ok(false, "read %s", path);
		return;
	}
	while (fgets(line, sizeof(line), file) != NULL)
	{
		int n;

		/* one case name holds a comma within quotes */
		for (char *c = line, quoted = 0; *c; c++)
		{
			if (*c == '"')
				quoted = !quoted;
			else if (*c == ',' && quoted)
				*c = ' ';
		}
		n = split_csv(line, f, 24);
		for (int kind = 1; kind <= PURCHASE_MODEL_KINDS; kind++)
		{
			const PurchaseModelOps *ops = purchase_model_ops(kind);
			PurchaseParams			params = {has_k ? atoi(f[1]) : 1,
									 {atof(f[2]), atof(f[3]), atof(f[4]), atof(f[5])}};
			int	 at = has_k ? 6 : 7;
			Btyd c = {atof(f[at]), atof(f[at + 1]), atof(f[at + 2])};
			char where[120];

			if (n != (has_k ? 15 : 16) || strcmp(f[0], ops->title) != 0)
				continue;
			snprintf(where, sizeof(where), "%s %s, x %s t_x %s T %s t %s delta %s", f[0], f[1],
					 f[at], f[at + 1], f[at + 2], f[at + 3], f[at + 4]);
			compare_customer(tally[kind], ops, &params, c, atof(f[at + 3]), atof(f[at + 4]),
							 f + at + 5, where);
		}
	}
	fclose(file);
	for (int kind = 1; kind <= PURCHASE_MODEL_KINDS; kind++)
		report(purchase_model_ops(kind)->title, tally[kind]);
}

/* A random number spread evenly over the decades from low to high. */
static double
spread(Rng *rng, double low, double high)
{
	return exp(log(low) + log(high / low) * random_uniform(rng));
}

static PurchaseParams
random_params(Rng *rng, const PurchaseModelOps *ops, double width)
{
	PurchaseParams params;

	params.k = ops->has_k ? 1 + (int) (6 * random_uniform(rng)) : 1;
	for (int i = 0; i < PURCHASE_PARAMS; i++)
		params.p[i] = spread(rng, 1 / width, width) * (ops->is_time[i] ? 20 : 1);
	return params;
}

static Btyd
random_customer(Rng *rng)
{
	Btyd c = {0, 0, spread(rng, 0.1, 7300)};

	if (random_uniform(rng) < 0.8)
	{
		c.x = ceil(spread(rng, 1, 700));
		c.t_x = c.age * (random_uniform(rng) < 0.2 ? 1 : random_uniform(rng));
	}
	return c;
}

/* The gradient of a fit against central differences of the likelihood that the tables prove. */
static void
check_gradients(const PurchaseModelOps *ops)
{
	Rng	   rng;
	double worst = 0;
	double worst_ll = 0;

	random_seed(&rng, 7, 7);
	for (int i = 0; i < 3000; i++)
	{
		PurchaseParams params = random_params(&rng, ops, 30);
		Btyd		   c = random_customer(&rng);
		double		   times[2] = {c.t_x, c.age};
		double		   by_x[1][X_COLUMNS];
		double		   by_time[2][TIME_COLUMNS];
		FitRow		   row = {0, 0, 1, 0, 1};
		FitData		   data = {1, 1, 2, &row, &c.x, times, by_x, by_time, 32, 1, c.x, 0};
		double		   gradient[PURCHASE_PARAMS];
		double		   ll;

		ops->tabulate(&params, &data);
		ll = ops->fit_row(&params, &data, &row, gradient);
		worst_ll =
			fmax(worst_ll, fabs(ll / ops->log_likelihood(&params, c) - 1) / (1 + 1 / fabs(ll)));
		for (int j = 0; j < PURCHASE_PARAMS; j++)
		{
			const double   h = 1e-5;
			PurchaseParams up = params;
			PurchaseParams down = params;
			double		   slope;

			up.p[j] *= exp(h);
			down.p[j] *= exp(-h);
			slope = (ops->log_likelihood(&up, c) - ops->log_likelihood(&down, c)) / (2 * h);
			worst = fmax(worst, fabs(gradient[j] * params.p[j] - slope) /
									(1 + fabs(slope) + 1e-3 * fabs(ll)));
			if (isnan(gradient[j]))
				worst = INFINITY;
		}
	}
	ok(worst_ll < 1e-9, "%s: a fit's row is the likelihood (%.1e)", ops->title, worst_ll);
	ok(worst < 1e-5, "%s: gradient against differences (%.1e)", ops->title, worst);
}

/* What theory promises for any parameters and any customer. */
static void
check_promises(const PurchaseModelOps *ops, int n)
{
	Rng			rng;
	int			broken = 0;
	char		first[1200] = "";
	const char *rule = NULL;

	random_seed(&rng, 11, 1);
	for (int i = 0; i < n; i++)
	{
		PurchaseParams params = random_params(&rng, ops, i % 4 ? 50 : 1e5);
		Btyd		   c = random_customer(&rng);
		Btyd		   later = c;
		double		   t = spread(&rng, 0.01, 5000);
		double		   delta = spread(&rng, 1e-6, 1);
		double		   q = random_uniform(&rng);
		double		   p = ops->p_alive(&params, c);
		double		   soon = ops->expected(&params, c, t, NULL);
		double		   longer = ops->expected(&params, c, 2 * t, NULL);
		double		   rate = (params.p[0] + params.k * (c.x + 1)) / (params.p[1] + c.age);
		double		   ever = ops->discounted(&params, c, INFINITY, delta);
		double		   within = ops->discounted(&params, c, t, delta);
		double		   undiscounted = ops->discounted(&params, c, t, 0);
		double		   p_later;
		double		   second;
		double		   next;
		double		   p_n = 0;

		later.age += t;
		p_later = ops->p_alive_after(&params, c, t);
		ops->expected(&params, c, t, &second);
		next = ops->next_purchase(&params, c, q);
		for (int k = 0; k < 3; k++)
			p_n += ops->probability(&params, k, t);

		rule =
			!isfinite(ops->log_likelihood(&params, c))	   ? "finite log-likelihood"
			: !(p >= 0 && p <= 1)						   ? "P(alive) within 0 and 1"
			: !(p_later >= 0 && p_later <= p * (1 + 1e-9)) ? "P(alive) falls in time"
			: !(ops->p_alive(&params, later) <= p * (1 + 1e-9) + 1e-300)
				? "P(alive) falls in silence"
			: !(soon >= 0 && soon <= p * rate * t * (1 + 1e-9))	 ? "purchases within rate * time"
			: !(longer >= soon * (1 - 1e-9))					 ? "purchases grow in time"
			: !(longer <= 2 * soon * (1 + 1e-9) || params.k > 1) ? "purchases concave in time"
			: !(ever >= 0 && isfinite(ever))					 ? "finite DERT"
			: !(within <= fmin(soon, ever) * (1 + 1e-7))	   ? "discounted below both its bounds"
			: !(within >= soon * exp(-delta * t) * (1 - 1e-8)) ? "discounted above the last day's"
			: !(relative_error(undiscounted, soon) < 1e-8 || soon < 1e-290)
				? "no discount at rate 0"
			: !(second >= soon * soon * (1 - 1e-5) && second >= soon * (1 - 1e-5)) ? "second moment"
			: !(next >= 0)					 ? "next purchase not before now"
			: !(p_n >= 0 && p_n <= 1 + 1e-9) ? "probabilities"
											 : NULL;
		if (rule == NULL)
			continue;
		if (broken++ == 0)
			snprintf(
				first, sizeof(first),
				"; first: %s, k %d (%.17g, %.17g, %.17g, %.17g), x %g t_x %.17g T %.17g, t %.17g "
				"delta %.17g: p %.9g later %.9g soon %.9g 2t %.9g ever %.9g within %.9g 0 %.9g "
				"2nd %.9g",
				rule, params.k, params.p[0], params.p[1], params.p[2], params.p[3], c.x, c.t_x,
				c.age, t, delta, p, p_later, soon, longer, ever, within, undiscounted, second);
	}
	ok(broken == 0, "%s: %d of %d random customers break a promise%s", ops->title, broken, n,
	   first);
}

/* The probabilities of a new customer's purchases add up to 1, and their mean to the expectation. */
static void
check_probability(const PurchaseModelOps *ops)
{
	Rng	   rng;
	double worst_sum = 0;
	double worst_mean = 0;
	Btyd   fresh = {0, 0, 0};

	random_seed(&rng, 3, 3);
	for (int i = 0; i < 100; i++)
	{
		PurchaseParams params = random_params(&rng, ops, 10);
		double		   t = params.p[1] * spread(&rng, 0.01, 3);
		double		   sum = 0;
		double		   mean = 0;
		double		   p = 1;

		for (int n = 0; n < 5000 && (n < 20 || p > 1e-18); n++)
		{
			p = ops->probability(&params, n, t);
			sum += p;
			mean += n * p;
		}
		worst_sum = fmax(worst_sum, fabs(sum - 1));
		worst_mean = fmax(worst_mean, relative_error(mean, ops->expected(&params, fresh, t, NULL)));
	}
	ok(worst_sum < 1e-9, "%s: probabilities of 0, 1, 2, ... purchases add up to 1 (%.1e)",
	   ops->title, worst_sum);
	ok(worst_mean < 1e-8, "%s: their mean is the expectation (%.1e)", ops->title, worst_mean);
}

/* Simulated customers against expectation, probability, discounting and the next purchase. */
static void
check_simulation(const PurchaseModelOps *ops)
{
	PurchaseParams params = {ops->has_k ? 3 : 1, {1.5, 12, 0.8, 2.5}};
	const int	   n = 200000;
	const double   t = 30;
	const double   delta = 0.02;
	Btyd		   fresh = {0, 0, 0};
	double		   bought = 0;
	double		   squares = 0;
	double		   discounted = 0;
	double		   none = 0;
	double		   buys_by = 0;
	double		   started = 0;
	double		   second;
	double		   expected;
	double		   p_none;
	double		   quantile;
	double		   z[5];

	if (ops->is_time[3])
		params.p[3] = 15;
	quantile = ops->next_purchase(&params, fresh, 0.4);
	for (int i = 0; i < n; i++)
	{
		SimulatedCustomer customer;
		double			  at;
		int				  purchases = 0;

		random_seed(&customer.rng, 42, i);
		ops->simulate(&params, &customer);
		started += customer.alive;
		while ((at = ops->simulate_next(&params, &customer)) <= t)
		{
			if (purchases++ == 0)
				buys_by += at <= quantile;
			discounted += exp(-delta * at);
		}
		if (purchases == 0)
			buys_by += at <= quantile;
		bought += purchases;
		squares += (double) purchases * purchases;
		none += purchases == 0;
	}
	expected = ops->expected(&params, fresh, t, &second);
	p_none = ops->probability(&params, 0, t);
	z[0] = (bought / n - expected) / sqrt((second - expected * expected) / n);
	z[1] = (none / n - p_none) / sqrt(p_none * (1 - p_none) / n);
	z[2] = (discounted / n - ops->discounted(&params, fresh, t, delta)) /
		   sqrt((second - expected * expected) / n);
	z[3] = (squares / n / second - 1) * sqrt(n) / 10;
	z[4] = (buys_by / started - 0.4) / sqrt(0.24 / started);
	for (int i = 0; i < 5; i++)
		ok(fabs(z[i]) < 4, "%s: simulation agrees on %s (z = %.2f)", ops->title,
		   i == 0	? "purchases"
		   : i == 1 ? "the chance of none"
		   : i == 2 ? "discounted purchases"
		   : i == 3 ? "the second moment"
					: "the next purchase",
		   z[i]);
}

static void
check_gamma_gamma(void)
{
	Rng	   rng;
	double worst = 0;
	double worst_ll = 0;

	random_seed(&rng, 5, 5);
	for (int i = 0; i < 3000; i++)
	{
		SpendParams m = {{spread(&rng, 0.05, 50), spread(&rng, 0.05, 50), spread(&rng, 0.05, 50)}};
		double		x = ceil(spread(&rng, 1, 700));
		double		z = spread(&rng, 1e-4, 1e4);
		double		by_x[1][3];
		SpendRow	row = {0, 0, z, 1};
		SpendData	data = {1, 1, &row, &x, by_x, 1};
		double		gradient[SPEND_PARAMS];
		double		ll;

		gamma_gamma_tabulate(&m, &data);
		ll = gamma_gamma_fit_row(&m, &data, &row, gradient);
		worst_ll = fmax(worst_ll, relative_error(ll, gamma_gamma_log_likelihood(&m, x, z)));
		for (int j = 0; j < SPEND_PARAMS; j++)
		{
			const double h = 1e-5;
			SpendParams	 up = m;
			SpendParams	 down = m;
			double		 slope;

			up.p[j] *= exp(h);
			down.p[j] *= exp(-h);
			slope =
				(gamma_gamma_log_likelihood(&up, x, z) - gamma_gamma_log_likelihood(&down, x, z)) /
				(2 * h);
			worst = fmax(worst,
						 fabs(gradient[j] * m.p[j] - slope) / (1 + fabs(slope) + 1e-3 * fabs(ll)));
		}
	}
	ok(worst_ll < 1e-9, "gamma-gamma: a fit's row is the likelihood (%.1e)", worst_ll);
	ok(worst < 1e-5, "gamma-gamma: gradient against differences (%.1e)", worst);
}

int
main(int argc, char **argv)
{
	(void) argc;
	check_table(argv[1], false);
	check_table(argv[2], true);
	for (int kind = 1; kind <= PURCHASE_MODEL_KINDS; kind++)
	{
		check_gradients(purchase_model_ops(kind));
		check_promises(purchase_model_ops(kind), argc > 3 ? atoi(argv[3]) : 300);
		check_probability(purchase_model_ops(kind));
		check_simulation(purchase_model_ops(kind));
	}
	check_gamma_gamma();
	return done_testing();
}
