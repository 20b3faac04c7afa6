/*
 * season_recovery.c: shops that are known, simulated, to see whether their season is found again.
 *
 *   make build/season_recovery && build/season_recovery [runs [customers]]
 *
 * Each run simulates a shop of four years whose new customers grow fourfold and come with the season too, who buy by a
 * season and leave after purchases; purchases are whole days, and several of a day are one. It estimates the
 * season (models/season.h) and fits the model in operational time. For each month the table has the true season, the mean
 * error in units of its standard error (the bar: under 4), the share of 95 % intervals that hold the truth, and what the naive
 * ratio of monthly totals says. Then the same for the parameters. Exit 1 if a bar is missed.
 */
#include "models/fit.h"
#include "models/season.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool
never(void)
{
	return false;
}

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

/* A shop: what the season's estimate and the fit run over. */
typedef struct Shop
{
	SeasonData season;
	FitRow	  *rows;
	Btyd	  *customers;
	int		  *first;
	int		  *last;
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
		SimulatedCustomer c;
		int				  first;
		int				  last;
		int				  x = 0;
		int				  days[DAYS];
		double			  start;

		random_seed(&c.rng, run, i);
		first = last = arrival(&c.rng);
		start = starts[first] + random_uniform(&c.rng) * truth[calendar[first].bin];
		shop->totals[calendar[first].bin]++;
		ops->simulate(params, &c);
		for (;;)
		{
			double t = ops->simulate_next(params, &c);
			int	   day = isinf(t) ? DAYS : day_at(start + t);

			if (day >= DAYS)
				break;
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

/* The model in operational time by an estimated season. */
static bool
fit_model(Shop *shop, const PurchaseModelOps *ops, int n, const double *s, FitResult *result)
{
	static double clock[DAYS];
	FitData		  data = {0};
	int			  nxs = DAYS;
	bool		  done;

	clock[0] = 0;
	for (int d = 1; d < DAYS; d++)
		clock[d] = clock[d - 1] + s[calendar[d].bin];
	data.nrows = 0;
	data.rows = shop->rows;
	data.xs = malloc(nxs * sizeof(double));
	data.times = malloc(2 * n * sizeof(double));
	data.by_x = malloc(nxs * sizeof(*data.by_x));
	data.by_time = malloc(2 * n * sizeof(*data.by_time));
	data.nxs = nxs;
	for (int i = 0; i < nxs; i++)
		data.xs[i] = i;
	for (int i = 0; i < n; i++)
	{
		int r = data.nrows;

		if (shop->first[i] == DAYS - 1)
			continue;
		data.times[2 * r] = clock[shop->last[i]] - clock[shop->first[i]];
		data.times[2 * r + 1] = clock[DAYS - 1] - clock[shop->first[i]];
		data.rows[r] = (FitRow){(int) shop->customers[i].x, 2 * r, 2 * r + 1, 0, 1};
		data.customers++;
		data.purchases += shop->customers[i].x;
		data.nrows++;
	}
	data.ntimes = 2 * data.nrows;
	done = fit_purchase_model(ops, 1, &data, never, result);
	free(data.xs);
	free(data.times);
	free(data.by_x);
	free(data.by_time);
	return done && result->verdict == FIT_CONVERGED;
}

typedef struct Moments
{
	double sum;
	double squares;
	int	   held;
	int	   near;
	int	   n;
} Moments;

static void
add(Moments *m, double error, double standard_error)
{
	m->sum += error;
	m->squares += error * error;
	m->held += fabs(error) < 1.959964 * standard_error;
	m->near += fabs(error) < 3 * standard_error;
	m->n++;
}

/* The mean in units of its standard error. */
static double
bias(const Moments *m)
{
	double mean = m->sum / m->n;

	return mean / sqrt((m->squares / m->n - mean * mean) / m->n);
}

static bool
study(const PurchaseModelOps *ops, const PurchaseParams *params, int runs, int n)
{
	double	worst = 0;
	Shop	shop = {0};
	Moments months[BINS] = {{0}};
	Moments parameters[PURCHASE_PARAMS] = {{0}};
	double	naive[BINS] = {0};
	double	mean[BINS] = {0};
	int		held = 0;
	bool	good = true;

	shop.season.groups = malloc(n * sizeof(SeasonGroup));
	shop.rows = malloc(n * sizeof(FitRow));
	shop.customers = malloc(n * sizeof(Btyd));
	shop.first = malloc(n * sizeof(int));
	shop.last = malloc(n * sizeof(int));
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
		if (params->k > 1 || !fit_model(&shop, ops, n, fit.s, &result))
			continue;
		for (int i = 0; i < ops->nparams; i++)
			add(&parameters[i], log(result.params[i] / params->p[i]),
				sqrt(result.covariance[i][i]) / result.params[i]);
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
	for (int i = 0; i < ops->nparams && params->k == 1; i++)
		printf("  %5s  true %8.3f, mean error of its logarithm %+.4f, in standard errors of one "
			   "fit %+.2f, "
			   "within 3 of them %.1f %% of %d\n",
			   ops->param_names[i], params->p[i], parameters[i].sum / parameters[i].n,
			   parameters[i].sum / sqrt(parameters[i].squares * parameters[i].n),
			   100.0 * parameters[i].near / parameters[i].n, parameters[i].n);
	free(shop.season.groups);
	free(shop.rows);
	free(shop.customers);
	free(shop.first);
	free(shop.last);
	return good;
}

int
main(int argc, char **argv)
{
	int			   runs = argc > 1 ? atoi(argv[1]) : 200;
	int			   n = argc > 2 ? atoi(argv[2]) : 4000;
	PurchaseParams params = {1, {0.8, 60, 0.8, 2.5}, 0};
	bool		   good = true;

	make_calendar();
	params.kind = MODEL_MBG_NBD;
	good = study(&mbg_nbd_ops, &params, runs, n) && good;
	params.kind = MODEL_BG_NBD;
	good = study(&bg_nbd_ops, &params, runs, n) && good;
	params = (PurchaseParams){2, {0.8, 30, 0.8, 2.5}, MODEL_MBG_CNBD_K};
	(void) study(&mbg_cnbd_k_ops, &params, runs, n);
	params = (PurchaseParams){4, {0.8, 15, 0.8, 2.5}, MODEL_MBG_CNBD_K};
	(void) study(&mbg_cnbd_k_ops, &params, runs, n);
	return good ? 0 : 1;
}
