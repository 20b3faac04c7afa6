/*
 * season_recovery.c: shops that are known, simulated, to see whether their season is found again.
 *
 *   make build/season_recovery && build/season_recovery [runs [customers [covariates]]]
 *
 * Each run simulates a shop of four years whose new customers grow fourfold and come with the season too, who buy by a
 * season and leave after purchases; purchases are whole days, and several of a day are one. It estimates the
 * season (models/season.h) and fits the model in operational time. For each month the table has the true season, the mean
 * error in units of its standard error (the bar: under 4), the share of 95 % intervals that hold the truth, and what the naive
 * ratio of monthly totals says. Then the same for the parameters. Exit 1 if a bar is missed.
 *
 * With the word covariates customers are of twelve kinds (recovery.h), who buy and leave differently by the same season, and the
 * models are fitted with coefficients: once to exact times, for which the same bars hold, and once to whole days, to see what
 * these do to coefficients.
 */
#include "models/fit.h"
#include "models/season.h"
#include "recovery.h"

#define YEARS 4
#define DAYS (YEARS * 365 + 1)
#define FIRST_YEAR 2021 /* 2024 is a leap year */
#define BINS 12
#define GROWTH 4.0

static const int	month_days[BINS] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
static const double season[BINS] = {0.70, 0.65, 0.80, 0.90, 1.00, 0.85,
									0.70, 0.75, 0.95, 1.15, 1.60, 1.95};

static SeasonYear year = {BINS, 1, month_days};
static double	  truth[BINS];
static SeasonDay  calendar[DAYS];
static double	  starts[DAYS + 1]; /* the clock at the start of a day */

static void
make_calendar(void)
{
	double mean = 0;
	int	   at = 0;

	for (int b = 0; b < BINS; b++)
		mean += season_share(&year, b) * season[b];
	for (int b = 0; b < BINS; b++)
		truth[b] = season[b] / mean;
	for (int y = 0; y < YEARS; y++)
		for (int b = 0; b < BINS; b++)
			for (int d = 1; d <= month_days[b] + (b == 1 && FIRST_YEAR + y == 2024); d++)
			{
				calendar[at] = (SeasonDay){FIRST_YEAR + y, 6 + (FIRST_YEAR + y > 2024), b, d,
										   FIRST_YEAR + y == 2024};
				starts[at + 1] = starts[at] + truth[b];
				at++;
			}
}

/* The day on which the clock shows a time; DAYS if beyond the end. */
static int
day_at(double clock)
{
	int low = 0;
	int high = DAYS;

	if (clock >= starts[DAYS])
		return DAYS;
	while (high - low > 1)
	{
		int middle = (low + high) / 2;

		if (starts[middle] <= clock)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The same with the part of the day that has passed. */
static double
time_at(double clock)
{
	int day = day_at(clock);

	return day + (clock - starts[day]) / truth[calendar[day].bin];
}

/* A customer by exact times, in days and parts of one. */
typedef struct Exact
{
	double x;
	double first;
	double last;
} Exact;

/* A shop: what the season's estimate and the fit run over. */
typedef struct Shop
{
	SeasonData season;
	bool	   has_covariates;
	Btyd	  *customers;
	int		  *first;
	int		  *last;
	Exact	  *exact;
	double	   totals[BINS];
} Shop;

/* Customers come in proportion to growth and season. */
static int
arrival(Rng *rng)
{
	for (;;)
	{
		int day = (int) (random_uniform(rng) * DAYS);

		if (random_uniform(rng) * GROWTH * 2.2 <
			pow(GROWTH, (double) day / DAYS) * truth[calendar[day].bin])
			return day;
	}
}

static void
simulate(Shop *shop, const PurchaseModelOps *ops, const PurchaseParams *params, int n, int run)
{
	memset(shop->totals, 0, sizeof(shop->totals));
	memset(shop->season.purchases, 0, sizeof(shop->season.purchases));
	shop->season.year = year;
	shop->season.ngroups = 0;
	for (int i = 0; i < n; i++)
	{
		PurchaseParams	  own = shop->has_covariates ? params_of(params, i % KINDS) : *params;
		SimulatedCustomer c;
		int				  first;
		int				  last;
		int				  x = 0;
		int				  days[DAYS];
		double			  start;
		Exact			 *exact = &shop->exact[i];

		random_seed(&c.rng, run, i);
		first = last = arrival(&c.rng);
		start = starts[first] + random_uniform(&c.rng) * truth[calendar[first].bin];
		*exact = (Exact){0, time_at(start), time_at(start)};
		shop->totals[calendar[first].bin]++;
		ops->simulate(&own, &c);
		for (;;)
		{
			double t = ops->simulate_next(&own, &c);
			int	   day = isinf(t) ? DAYS : day_at(start + t);

			if (day >= DAYS)
				break;
			exact->x++;
			exact->last = time_at(start + t);
			if (day == last)
				continue;
			shop->totals[calendar[day].bin]++;
			days[x++] = last = day;
		}
		shop->first[i] = first;
		shop->last[i] = last;
		shop->customers[i].x = x;
		for (int j = 0; j + 1 < x; j++)
			shop->season.purchases[calendar[days[j]].bin]++;
		if (x > 1)
			shop->season.groups[shop->season.ngroups++] =
				(SeasonGroup){1, x - 1, calendar[first], calendar[last - 1]};
	}
}

/* What an estimated clock shows at a time. */
static double
clock_at(const double *clock, const double *s, double time)
{
	int day = time < DAYS - 1 ? (int) time : DAYS - 1;

	return clock[day] + (time - day) * s[calendar[day].bin];
}

/* The model in operational time by an estimated season, with coefficients if customers are of kinds. */
static bool
fit_model(const Shop *shop, const PurchaseModelOps *ops, int n, const double *s, bool is_exact,
		  FitResult *result)
{
	static double clock[DAYS];
	CovariateData data = make_kinds(n);
	int			  separated;
	bool		  done;

	/* at the start of a day for exact times, at its end for whole days */
	clock[0] = 0;
	for (int d = 1; d < DAYS; d++)
		clock[d] = clock[d - 1] + s[calendar[d - is_exact].bin];
	for (int i = 0; i < n; i++)
	{
		const Exact *exact = &shop->exact[i];
		int			 first = shop->first[i];

		if (is_exact)
			add_customer_of_kind(
				&data, i % KINDS,
				(Btyd){exact->x, clock_at(clock, s, exact->last) - clock_at(clock, s, exact->first),
					   clock_at(clock, s, DAYS) - clock_at(clock, s, exact->first)});
		else if (first < DAYS - 1)
			add_customer_of_kind(&data, i % KINDS,
								 (Btyd){shop->customers[i].x, clock[shop->last[i]] - clock[first],
										clock[DAYS - 1] - clock[first]});
	}
	done = shop->has_covariates ? fit_covariates(ops, &data, never, result, &separated)
								: fit_purchase_model(ops, 1, &data.all, never, result);
	free_kinds(&data);
	return done && result->verdict == FIT_CONVERGED && result->kind == ops->kind;
}

static bool
study(const PurchaseModelOps *ops, const PurchaseParams *params, int runs, int n,
	  bool has_covariates)
{
	double	worst = 0;
	Shop	shop = {0};
	Moments months[BINS] = {{0}};
	Moments parameters[PURCHASE_PARAMS + 2 * NAMES] = {{0}};
	Moments exact[PURCHASE_PARAMS + 2 * NAMES] = {{0}};
	double	naive[BINS] = {0};
	double	mean[BINS] = {0};
	int		held = 0;
	bool	good = true;

	shop.has_covariates = has_covariates;
	shop.season.groups = malloc(n * sizeof(SeasonGroup));
	shop.customers = malloc(n * sizeof(Btyd));
	shop.first = malloc(n * sizeof(int));
	shop.last = malloc(n * sizeof(int));
	shop.exact = malloc(n * sizeof(Exact));
	for (int run = 1; run <= runs; run++)
	{
		SeasonFit fit;
		FitResult result;
		double	  total = 0;

		simulate(&shop, ops, params, n, run);
		fit_season(&shop.season, never, &fit);
		if (!fit.converged)
		{
			printf("run %d did not converge\n", run);
			good = false;
			continue;
		}
		for (int b = 0; b < BINS; b++)
			total += shop.totals[b];
		for (int b = 0; b < BINS; b++)
		{
			add(&months[b], log(fit.s[b] / truth[b]), fit.error[b]);
			mean[b] += fit.s[b] / runs;
			naive[b] += shop.totals[b] / total / season_share(&year, b) / runs;
		}
		if (params->k > 1)
			continue;
		if (fit_model(&shop, ops, n, fit.s, false, &result))
			add_fit(parameters, params, &result);
		if (!has_covariates)
			continue;
		if (fit_model(&shop, ops, n, fit.s, true, &result))
			add_fit(exact, params, &result);
		if (run % 10 == 0)
			report_progress(ops, run, exact);
	}
	printf("%s: %d runs of %d customers\n  month  true   mean  naive   error/se of its mean   95%% "
		   "holds   within 3 se\n",
		   ops->title, runs, n);
	for (int b = 0; b < BINS; b++)
	{
		printf("  %5d  %.3f  %.3f  %.3f  %20.2f  %9.1f %%  %9.1f %%\n", b + 1, truth[b], mean[b],
			   naive[b], bias(&months[b]), 100.0 * months[b].held / months[b].n,
			   100.0 * months[b].near / months[b].n);
		held += months[b].held;
		good = good && fabs(bias(&months[b])) < 4;
		worst = fmax(worst, fabs(bias(&months[b])) / sqrt(runs));
	}
	printf("  95 %% intervals hold the truth in %.2f %% of all months and runs\n",
		   100.0 * held / (BINS * months[0].n));
	good = good && held > 0.93 * BINS * months[0].n && held < 0.97 * BINS * months[0].n;
	if (params->k > 1)
		printf(
			"  k = %d: the largest mean error of a month is %.2f standard errors of one estimate\n",
			params->k, worst);
	if (has_covariates)
	{
		printf("  whole days, no bar\n  ");
		(void) report_coefficients(ops, params, runs, parameters);
		printf("  exact times\n  ");
		good = report_coefficients(ops, params, runs, exact) && good;
	}
	for (int i = 0; i < ops->nparams && params->k == 1 && !has_covariates; i++)
		printf("  %5s  true %8.3f, mean error of its logarithm %+.4f, in standard errors of one "
			   "fit %+.2f, "
			   "within 3 of them %.1f %% of %d\n",
			   ops->param_names[i], params->p[i], parameters[i].sum / parameters[i].n,
			   parameters[i].sum / sqrt(parameters[i].squares * parameters[i].n),
			   100.0 * parameters[i].near / parameters[i].n, parameters[i].n);
	free(shop.season.groups);
	free(shop.customers);
	free(shop.first);
	free(shop.last);
	free(shop.exact);
	return good;
}

int
main(int argc, char **argv)
{
	int			   runs = argc > 1 ? atoi(argv[1]) : 200;
	int			   n = argc > 2 ? atoi(argv[2]) : 4000;
	bool		   has_covariates = argc > 3 && strcmp(argv[3], "covariates") == 0;
	PurchaseParams params = {1, {0.8, 60, 0.8, 2.5}, 0};
	bool		   good = true;

	make_calendar();
	params.kind = MODEL_MBG_NBD;
	good = study(&mbg_nbd_ops, &params, runs, n, has_covariates) && good;
	params.kind = MODEL_BG_NBD;
	good = study(&bg_nbd_ops, &params, runs, n, has_covariates) && good;
	if (has_covariates)
		return good ? 0 : 1;
	params = (PurchaseParams){2, {0.8, 30, 0.8, 2.5}, MODEL_MBG_CNBD_K};
	(void) study(&mbg_cnbd_k_ops, &params, runs, n, false);
	params = (PurchaseParams){4, {0.8, 15, 0.8, 2.5}, MODEL_MBG_CNBD_K};
	(void) study(&mbg_cnbd_k_ops, &params, runs, n, false);
	return good ? 0 : 1;
}
