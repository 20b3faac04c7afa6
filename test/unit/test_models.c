/*
 * test_models.c: every model against high-precision tables, its gradients against differences, and
 * its promises (finite, bounded, monotone) on random parameters and customers.
 */
#include "tap.h"

#include "math/quadrature.h"
#include "math/special.h"
#include "models/gamma_gamma.h"
#include "models/model.h"

#define LIMITS_ROWS 208

static const char *quantity[] = {"log_likelihood", "p_alive", "expected purchases", "dert",
								 "purchases of long"};

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
	Tally tally[PURCHASE_FAMILIES + 1][4];

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
		for (int kind = 1; kind <= PURCHASE_FAMILIES; kind++)
		{
			const PurchaseModelOps *ops = purchase_model_ops(kind);
			PurchaseParams			params = {
						 has_k ? atoi(f[1]) : 1, {atof(f[2]), atof(f[3]), atof(f[4]), atof(f[5])}, kind};
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
	for (int kind = 1; kind <= PURCHASE_FAMILIES; kind++)
		report(purchase_model_ops(kind)->title, tally[kind]);
}

/* What a test calls a model. */
static const char *
name_of(const PurchaseModelOps *ops)
{
	static char name[200];

	snprintf(name, sizeof(name), "%s%s%s", ops->title, ops->limit ? ", " : "",
			 ops->limit ? ops->limit : "");
	return name;
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

	memset(&params, 0, sizeof(params));
	params.kind = ops->kind;
	params.k = ops->has_k ? 1 + (int) (6 * random_uniform(rng)) : 1;
	for (int i = 0; i < ops->nparams; i++)
	{
		params.p[i] = spread(rng, 1 / width, width) * (ops->units[i] == PARAM_TIME ? 20 : 1);
		if (ops->units[i] == PARAM_RATE)
			params.p[i] /= 20 * sqrt(width);
		if (ops->units[i] == PARAM_SHARE)
			params.p[i] = params.p[i] / (1 + params.p[i]);
	}
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
		for (int j = 0; j < ops->nparams; j++)
		{
			const double   h = ops->units[j] == PARAM_SHARE ? 1e-5 * (1 - params.p[j]) : 1e-5;
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
	ok(worst_ll < 1e-9, "%s: a fit's row is the likelihood (%.1e)", name_of(ops), worst_ll);
	ok(worst < 1e-5, "%s: gradient against differences (%.1e)", name_of(ops), worst);
}

/* The model of a name and of parameters with these names, or NULL. */
static const PurchaseModelOps *
find_model(const char *name, const char *names)
{
	for (int i = 0; i < PURCHASE_MODELS; i++)
	{
		const PurchaseModelOps *ops = purchase_model_at(i);
		char					all[80] = "";

		for (int j = 0; j < ops->nparams; j++)
		{
			strcat(all, j > 0 ? " " : "");
			strcat(all, ops->param_names[j]);
		}
		if (strcmp(ops->name, name) == 0 && strcmp(all, names) == 0)
			return ops;
	}
	return NULL;
}

/* Limits, and families close to them, against 20 digits. */
static void
check_limits_table(const char *path)
{
	FILE *file = fopen(path, "r");
	char  line[1024];
	char *f[24];
	Tally limits[4];
	Tally families[4];
	int	  rows = 0;

	memset(limits, 0, sizeof(limits));
	memset(families, 0, sizeof(families));
	if (file == NULL || fgets(line, sizeof(line), file) == NULL)
	{
		ok(false, "read %s", path);
		return;
	}
	while (fgets(line, sizeof(line), file) != NULL)
	{
		int						n = split_csv(line, f, 24);
		const PurchaseModelOps *ops = n == 16 ? find_model(f[0], f[1]) : NULL;
		PurchaseParams			params;
		Btyd					c = {atof(f[7]), atof(f[8]), atof(f[9])};
		char					where[400];

		rows++;
		if (ops == NULL)
		{
			ok(false, "%s: a row of an unknown model", path);
			continue;
		}
		params = (PurchaseParams){
			atoi(f[2]), {atof(f[3]), atof(f[4]), atof(f[5]), atof(f[6])}, ops->kind};
		snprintf(where, sizeof(where), "%s k %s (%s %s %s %s), x %s t_x %s T %s t %s delta %s",
				 name_of(ops), f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11]);
		compare_customer(ops->limit ? limits : families, ops, &params, c, atof(f[10]), atof(f[11]),
						 f + 12, where);
	}
	fclose(file);
	ok(rows == LIMITS_ROWS, "%s: %d rows", path, rows);
	report("limits", limits);
	report("families close to their limits", families);
}

/* The member of a limit's family at a distance of it: 1/distance for what grows, distance for what vanishes. */
static PurchaseParams
whole_near(const PurchaseModelOps *ops, const PurchaseParams *limit, double distance)
{
	int			   at = ops->units[0] == PARAM_RATE ? 1 : 2;
	const double  *leaving = limit->p + at;
	bool		   pareto = purchase_model_family(ops->kind) == MODEL_PARETO_NBD;
	PurchaseParams whole = {limit->k, {limit->p[0], limit->p[1]}, purchase_model_family(ops->kind)};

	if (at == 1)
	{
		whole.p[0] = 1 / distance;
		whole.p[1] = 1 / distance / limit->p[0];
	}
	whole.p[2] = leaving[0];
	whole.p[3] = leaving[1];
	switch (ops->kind & LIMIT_LEAVING)
	{
		case LIMIT_LEAVE_ALIKE:
			whole.p[2] = (pareto ? 1 : leaving[0]) / distance;
			whole.p[3] = (pareto ? 1 / leaving[0] : 1 - leaving[0]) / distance;
			break;
		case LIMIT_LEAVE_AT_ONCE:
			whole.p[2] = leaving[0] * distance;
			whole.p[3] = (1 - leaving[0]) * distance;
			break;
		case LIMIT_LEAVE_NEVER:
			whole.p[2] = distance;
			whole.p[3] = 2.5;
			break;
	}
	return whole;
}

/* A family comes ten times closer to its limit where its parameters do. */
static void
check_continuity(const PurchaseModelOps *ops)
{
	const Btyd customers[] = {{0, 0, 26}, {1, 19.5, 38.875}, {4, 30.25, 38.75}};
	int		   steps = 0;
	int		   wrong = 0;
	char	   first[300] = "";

	for (int i = 0; i < 3; i++)
	{
		PurchaseParams limit = {ops->has_k ? 3 : 1, {0.5625, 10.5, 0.625, 11.5}, ops->kind};
		const PurchaseModelOps *whole = purchase_model_ops(purchase_model_family(ops->kind));
		Btyd					c = customers[i];
		double					before[5];

		if (ops->units[0] == PARAM_RATE)
		{
			limit.p[0] = 0.171875;
			limit.p[1] = 0.625;
			limit.p[2] = 11.5;
		}
		for (int j = 1; j < ops->nparams; j++)
			if (ops->units[j] == PARAM_SHARE || ops->units[j] == PARAM_RATE)
				limit.p[j] = ops->units[j] == PARAM_SHARE ? 0.3125 : 0.03125;
		for (int decade = 3; decade <= 6; decade++)
		{
			PurchaseParams near = whole_near(ops, &limit, pow(10, -decade));
			double gap[5] = {whole->log_likelihood(&near, c) - ops->log_likelihood(&limit, c),
							 whole->p_alive(&near, c) - ops->p_alive(&limit, c),
							 whole->expected(&near, c, 39, NULL) -
								 ops->expected(&limit, c, 39, NULL),
							 whole->discounted(&near, c, INFINITY, 0.0625) -
								 ops->discounted(&limit, c, INFINITY, 0.0625),
							 0};

			/* of many phases, where quadrature takes over from a series */
			near.k = limit.k = ops->has_k ? PURCHASE_MAX_K : 1;
			gap[4] = whole->expected(&near, c, 2500, NULL) - ops->expected(&limit, c, 2500, NULL);
			limit.k = ops->has_k ? 3 : 1;

			for (int what = 0; what < 5; what++)
			{
				double ratio = before[what] / gap[what];

				/* a gap of rounding alone says nothing */
				if (decade > 3 && fabs(gap[what]) > 1e-12)
				{
					steps++;
					if (!(ratio > 9 && ratio < 11) && wrong++ == 0)
						snprintf(first, sizeof(first),
								 "; first: %s of x %g at 1e-%d, from %.3e to %.3e", quantity[what],
								 c.x, decade, before[what], gap[what]);
				}
				before[what] = gap[what];
			}
		}
	}
	ok(steps > 0 && wrong == 0,
	   "%s: %d of %d steps towards the limit do not shrink the gap by 10%s", name_of(ops), wrong,
	   steps, first);
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
		double		   rate = ops->units[0] == PARAM_RATE
								  ? params.p[0]
								  : (params.p[0] + params.k * (c.x + 1)) / (params.p[1] + c.age);
		double		   ever = ops->discounted(&params, c, INFINITY, delta);
		double		   within = ops->discounted(&params, c, t, delta);
		double		   undiscounted = ops->discounted(&params, c, t, 0);
		double		   p_later;
		double		   second;
		double		   next;
		double		   p_n = 0;
		double		   below[40];
		double		   total = 0;
		double		   least = 1;

		later.age += t;
		p_later = ops->p_alive_after(&params, c, t);
		ops->expected(&params, c, t, &second);
		next = ops->next_purchase(&params, c, q);
		for (int k = 0; k < 3; k++)
			p_n += ops->probability(&params, k, t);
		ops->p_purchases_below(&params, c, 40, t, below);
		for (int k = 0; k < 40; k++)
		{
			total += below[k];
			least = fmin(least, below[k]); /* a NaN shows in the total */
		}

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
			: !(least >= 0 && total <= 1 + 1e-9 && below[0] >= (1 - p) * (1 - 1e-9))
				? "a customer's probabilities"
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
	ok(broken == 0, "%s: %d of %d random customers break a promise%s", name_of(ops), broken, n,
	   first);
}

/* So long that the discount leaves nothing is for ever: two ways of computing meet there. */
static void
check_discount(const PurchaseModelOps *ops)
{
	Rng	   rng;
	double worst = 0;

	random_seed(&rng, 6, 6);
	for (int i = 0; i < 60; i++)
	{
		PurchaseParams params = random_params(&rng, ops, i % 2 ? 50 : 1e5);
		Btyd		   c = random_customer(&rng);
		double		   t = spread(&rng, 0.01, 5000);
		double		   ever = ops->discounted(&params, c, INFINITY, 44.9 / t);

		if (ever > 1e-290)
			worst = fmax(worst, relative_error(ops->discounted(&params, c, t, 44.9 / t), ever));
	}
	ok(worst < 1e-9, "%s: discounted for long is for ever (%.1e)", name_of(ops), worst);
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
		double		   t =
			(ops->units[0] == PARAM_RATE ? 1 / params.p[0] : params.p[1]) * spread(&rng, 0.01, 3);
		double sum = 0;
		double mean = 0;
		double p = 1;

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
	   name_of(ops), worst_sum);
	ok(worst_mean < 1e-8, "%s: their mean is the expectation (%.1e)", name_of(ops), worst_mean);
}

/* So do those of a customer with a history. */
static void
check_forecast(const PurchaseModelOps *ops)
{
	Rng	   rng;
	double worst_sum = 0;
	double worst_mean = 0;
	double worst_second = 0;
	double worst_below = 0;

	random_seed(&rng, 4, 4);
	for (int i = 0; i < 60; i++)
	{
		PurchaseParams params = random_params(&rng, ops, 10);
		double		   t =
			(ops->units[0] == PARAM_RATE ? 1 / params.p[0] : params.p[1]) * spread(&rng, 0.01, 3);
		Btyd   c = {floor(spread(&rng, 0.1, 30)), 0, t * spread(&rng, 0.1, 10)};
		double second;
		double sum = 0;
		double mean = 0;
		double square = 0;
		double p = 1;
		double below[200];
		double expected;

		if (c.x > 0)
			c.t_x = c.age * random_uniform(&rng);
		expected = ops->expected(&params, c, t, &second);
		ops->p_purchases_below(&params, c, 200, t, below);
		for (int n = 0; n < 5000 && (n < 20 || p > 1e-18); n++)
		{
			p = ops->p_purchases(&params, c, n, t);
			if (n < 200)
				worst_below = fmax(worst_below, fabs(below[n] - p));
			sum += p;
			mean += n * p;
			square += (double) n * n * p;
		}
		worst_sum = fmax(worst_sum, fabs(sum - 1));
		worst_mean = fmax(worst_mean, fabs(mean - expected) / (1e-3 + expected));
		worst_second = fmax(worst_second, fabs(square - second) / (1e-3 + second));
	}
	ok(worst_sum < 1e-9, "%s: a customer's probabilities add up to 1 (%.1e)", name_of(ops),
	   worst_sum);
	ok(worst_mean < 1e-8, "%s: their mean is the expectation (%.1e)", name_of(ops), worst_mean);
	ok(worst_second < 1e-5, "%s: and their mean square (%.1e)", name_of(ops), worst_second);
	ok(worst_below < 1e-12, "%s: all at once they are the same (%.1e)", name_of(ops), worst_below);
}

/* The published case, and one whose closed form in 2F1 loses all digits. */
static void
check_forecast_targets(void)
{
	PurchaseParams m = {1, {0.553, 10.578, 0.606, 11.669}, MODEL_PARETO_NBD};
	Btyd		   first = {2, 213.0 / 7, 272.0 / 7};
	Btyd		   hard = {26, 30, 31};
	const double   known[] = {.408040922165169, .219287060055597, .151759733692176};

	for (int n = 0; n < 3; n++)
		ok(relative_error(pareto_nbd_ops.p_purchases(&m, first, n, 39), known[n]) < 1e-11,
		   "Pareto/NBD: P(%d purchases) of the first customer of CDNOW (%.15g)", n,
		   pareto_nbd_ops.p_purchases(&m, first, n, 39));
	ok(relative_error(pareto_nbd_ops.expected(&m, first, 39, NULL), 1.45522613094935) < 1e-11,
	   "and the mean");
	ok(relative_error(pareto_nbd_ops.p_purchases(&m, hard, 0, 39), .0412968000875619) < 1e-11,
	   "Pareto/NBD: P(0) where x is 26 (%.15g)", pareto_nbd_ops.p_purchases(&m, hard, 0, 39));
	ok(relative_error(pareto_nbd_ops.expected(&m, hard, 39, NULL), 19.7566689058) < 1e-10,
	   "and the mean");
}

/* Simulated customers against expectation, probability, discounting and the next purchase. */
static void
check_simulation(const PurchaseModelOps *ops)
{
	PurchaseParams params = {ops->has_k ? 3 : 1, {1.5, 12, 0.8, 2.5}, ops->kind};
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

	/* a limit's parameters are what those stand for */
	if (ops->units[0] == PARAM_RATE)
	{
		params.p[0] = 1.5 / 12;
		params.p[1] = 0.8;
		params.p[2] = 2.5;
	}
	if (ops->nparams > 0 && ops->units[ops->nparams - 1] == PARAM_TIME && ops->nparams > 2)
		params.p[ops->nparams - 1] = 15;
	for (int i = 1; i < ops->nparams; i++)
	{
		if (ops->units[i] == PARAM_SHARE)
			params.p[i] = 0.3;
		if (ops->units[i] == PARAM_RATE)
			params.p[i] = 0.05;
	}
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
		ok(fabs(z[i]) < 4, "%s: simulation agrees on %s (z = %.2f)", name_of(ops),
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

/* The limits of gamma-gamma: slopes, and the family on its way to them. */
static void
check_spend_limits(void)
{
	const double own[SPEND_MODEL_KINDS][2] = {{0}, {2.5, 30}, {3.5, 80}};
	double		 xs[] = {1, 3, 20};
	double		 worst = 0;
	int			 wrong = 0;
	int			 steps = 0;

	for (int i = 0; i < 3; i++)
		for (int kind = SPEND_ALIKE; kind <= SPEND_OWN_PRICE; kind++)
		{
			SpendRow	row = {i, 0, 17.5, 1};
			SpendData	data = {1, 3, &row, xs, NULL, 1};
			SpendParams limit = spend_whole(kind, own[kind]);
			double		gradient[2];
			double		unused[2];
			double		ll = spend_limit_fit_row(kind, own[kind], &data, &row, gradient);
			double		before[3] = {0};

			for (int j = 0; j < 2; j++)
			{
				double up[2] = {own[kind][0], own[kind][1]};
				double down[2] = {own[kind][0], own[kind][1]};

				up[j] *= 1 + 1e-5;
				down[j] *= 1 - 1e-5;
				worst = fmax(worst, fabs(gradient[j] * own[kind][j] -
										 (spend_limit_fit_row(kind, up, &data, &row, unused) -
										  spend_limit_fit_row(kind, down, &data, &row, unused)) /
											 2e-5));
			}
			for (double far = 1e3; far < 2e6; far *= 10)
			{
				SpendParams near = {
					{kind == SPEND_ALIKE ? own[kind][0] : far,
					 kind == SPEND_ALIKE ? far : own[kind][0],
					 kind == SPEND_ALIKE ? far / own[kind][0] * own[kind][1] : own[kind][1] / far}};
				double gap[3] = {gamma_gamma_log_likelihood(&near, xs[i], 17.5) - ll,
								 gamma_gamma_expected(&near, xs[i], 17.5) -
									 gamma_gamma_expected(&limit, xs[i], 17.5),
								 gamma_gamma_expected(&near, 0, 0) -
									 gamma_gamma_expected(&limit, 0, 0)};

				for (int what = 0; what < 3; what++)
				{
					if (far > 1e3 && fabs(gap[what]) > 1e-11)
					{
						steps++;
						wrong += !(before[what] / gap[what] > 9 && before[what] / gap[what] < 11);
					}
					before[what] = gap[what];
				}
			}
		}
	ok(worst < 1e-6, "limits of gamma-gamma: gradient against differences (%.1e)", worst);
	ok(steps > 30 && wrong == 0,
	   "limits of gamma-gamma: %d of %d steps towards them do not shrink the gap by 10", wrong,
	   steps);
	{
		SpendParams one = spend_whole(SPEND_ONE_PRICE, (double[]){9.99});
		SpendParams m = {{2, 0.5, 10}};
		double		median = gamma_gamma_median(&m, 1, 30);

		ok(relative_error(gamma_gamma_expected(&one, 0, 0), 9.99) < 1e-15 &&
			   relative_error(gamma_gamma_expected(&one, 7, 123), 9.99) < 1e-15,
		   "one price: whatever somebody paid so far");
		ok(fabs(math_beta_inc(2, 2.5, median / (median + 40), 40 / (median + 40)) - 0.5) < 1e-12,
		   "the median of a purchase halves its distribution");
		m.p[0] = 1; /* a purchase is Lomax: the median is s (2^(1/w) - 1) */
		ok(relative_error(gamma_gamma_median(&m, 0, 0), 10 * (pow(2, 1 / 0.5) - 1)) < 1e-12,
		   "and is known where p is 1");
	}
}

/* What the next purchases cost together: against the functions that the tables prove, and its slope against differences. */
static void
check_spend_ahead(void)
{
	Rng	   rng;
	double worst = 0;
	double worst_slope = 0;

	random_seed(&rng, 8, 8);
	for (int i = 0; i < 3000; i++)
	{
		const int  kind = i % 3; /* all but one price */
		double	   params[3] = {spread(&rng, 0.2, 20), spread(&rng, 0.5, 20), spread(&rng, 1, 100)};
		double	   chances[20];
		double	   norms[20];
		double	   x = kind == SPEND_OWN_PRICE ? 0 : floor(spread(&rng, 0.5, 100));
		SpendAhead ahead = {kind, params, x, x > 0 ? spread(&rng, 1, 100) : 0, 20, chances, norms};
		double	   v = spread(&rng, 0.1, 1e4);
		double	   s = params[2] + x * ahead.z;
		double	   sum = 0;
		double	   slope;
		double	   unused;
		double	   difference;
		const double h = 1e-5;

		for (int n = 0; n < 20; n++)
			chances[n] = random_uniform(&rng) / 20;
		spend_ahead_norms(&ahead);
		for (int n = 1; n < 20; n++)
			sum +=
				chances[n] *
				(kind == SPEND_GAMMA_GAMMA ? math_beta_inc(params[0] * n, params[0] * x + params[1],
														   v / (v + s), s / (v + s))
				 : kind == SPEND_ALIKE ? math_gamma_inc(params[0] * n, params[0] * v / params[1])
									   : 1 - math_gamma_inc(params[0], n * params[1] / v));
		worst = fmax(worst, fabs(spend_ahead_at_most(&ahead, v, &slope) - sum));
		difference = (spend_ahead_at_most(&ahead, v * exp(h), &unused) -
					  spend_ahead_at_most(&ahead, v * exp(-h), &unused)) /
					 (2 * h);
		worst_slope = fmax(worst_slope, fabs(slope - difference));
	}
	ok(worst < 1e-13, "what purchases cost together: the chances of each number (%.1e)", worst);
	ok(worst_slope < 1e-7, "and its slope against differences (%.1e)", worst_slope);
}

int
main(int argc, char **argv)
{
	(void) argc;
	check_table(argv[1], false);
	check_table(argv[2], true);
	check_limits_table(argv[3]);
	check_forecast_targets();
	for (int i = PURCHASE_FAMILIES; i < PURCHASE_MODELS; i++)
		check_continuity(purchase_model_at(i));
	for (int i = 0; i < PURCHASE_MODELS; i++)
	{
		const PurchaseModelOps *ops = purchase_model_at(i);

		check_gradients(ops);
		check_promises(ops, argc > 4 ? atoi(argv[4]) : ops->limit ? 60 : 300);
		check_discount(ops);
		check_probability(ops);
		check_forecast(ops);
		check_simulation(ops);
	}
	check_gamma_gamma();
	check_spend_limits();
	check_spend_ahead();
	return done_testing();
}
