/*
 * covariates_recovery.c: shops whose customers differ by what is known of them, simulated, to see whether the coefficients are
 * found again.
 *
 *   make build/covariates_recovery && build/covariates_recovery [runs [customers]]
 *
 * Customers of four kinds (two covariates of 0 or 1, and a third of three values that does nothing), of ages up to four years, at exact times. The table has for each
 * parameter and coefficient the mean error in units of its standard error (the bar: under 4), and the share of 95 % intervals
 * that hold the truth (the bar: 93 to 97 % over all coefficients). Exit 1 if a bar is missed.
 */
#include "models/covariates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS 12
#define NAMES 3
#define DAYS 1461

static const double planted[2 * NAMES] = {0.5, -0.3, 0, 0.4, -0.2, 0};

static bool
never(void)
{
	return false;
}

/* The numbers of a kind of customers. */
static void
numbers_of(int kind, double *z)
{
	z[0] = z[NAMES] = kind & 1;
	z[1] = z[NAMES + 1] = kind >> 1 & 1;
	z[2] = z[NAMES + 2] = kind >> 2;
}

static void
free_rows(FitData *data)
{
	free(data->rows);
	free(data->xs);
	free(data->times);
	free(data->by_x);
	free(data->by_time);
}

/* Room for n customers; every one has times and x of her own. */
static void
make_rows(FitData *data, int n)
{
	memset(data, 0, sizeof(*data));
	data->rows = malloc(n * sizeof(FitRow));
	data->xs = malloc(n * sizeof(double));
	data->times = malloc(2 * n * sizeof(double));
	data->by_x = malloc(n * sizeof(*data->by_x));
	data->by_time = malloc(2 * n * sizeof(*data->by_time));
}

static void
add_customer(FitData *data, Btyd c)
{
	int n = data->nrows++;

	data->xs[n] = c.x;
	data->times[2 * n] = c.t_x;
	data->times[2 * n + 1] = c.age;
	data->rows[n] = (FitRow){n, 2 * n, 2 * n + 1, 0, 1};
	data->nxs = data->nrows;
	data->ntimes = 2 * data->nrows;
	data->customers++;
	data->purchases += c.x;
}

static void
simulate(CovariateData *data, const PurchaseModelOps *ops, const PurchaseParams *params, int n,
		 int run)
{
	make_rows(&data->all, n);
	for (int kind = 0; kind < KINDS; kind++)
	{
		make_rows(&data->groups[kind].data, n / KINDS + 1);
		numbers_of(kind, data->groups[kind].z);
	}
	for (int i = 0; i < n; i++)
	{
		CovariateGroup	 *group = &data->groups[i % KINDS];
		PurchaseParams	  own = *params;
		SimulatedCustomer s;
		Btyd			  c = {0, 0, 0};
		double			  buying = 0;
		double			  leaving = 0;
		double			  t;

		for (int j = 0; j < NAMES; j++)
		{
			buying += planted[j] * group->z[j];
			leaving += planted[NAMES + j] * group->z[NAMES + j];
		}
		covariates_apply(&own, buying, leaving);
		random_seed(&s.rng, run, i);
		c.age = (0.1 + 0.9 * random_uniform(&s.rng)) * DAYS;
		ops->simulate(&own, &s);
		while ((t = ops->simulate_next(&own, &s)) < c.age)
		{
			c.x++;
			c.t_x = t;
		}
		add_customer(&group->data, c);
		add_customer(&data->all, c);
	}
}

static bool
study(const PurchaseModelOps *ops, const PurchaseParams *params, int runs, int n)
{
	int			  nall = PURCHASE_PARAMS + 2 * NAMES;
	CovariateData data = {NAMES, NAMES, KINDS, calloc(KINDS, sizeof(CovariateGroup)), {0}};
	double		  sum[SEARCH_MAX_PARAMS] = {0};
	double		  squares[SEARCH_MAX_PARAMS] = {0};
	double		  found[SEARCH_MAX_PARAMS] = {0};
	int			  held[SEARCH_MAX_PARAMS] = {0};
	int			  converged = 0;
	int			  all_held = 0;
	bool		  good = true;

	for (int run = 1; run <= runs; run++)
	{
		FitResult result;
		int		  separated;

		simulate(&data, ops, params, n, run);
		if (fit_covariates(ops, &data, never, &result, &separated) &&
			result.verdict == FIT_CONVERGED)
		{
			converged++;
			for (int i = 0; i < nall; i++)
			{
				bool   is_parameter = i < PURCHASE_PARAMS;
				double truth = is_parameter ? params->p[i] : planted[i - PURCHASE_PARAMS];
				double error =
					is_parameter ? log(result.params[i] / truth) : result.params[i] - truth;
				double se = sqrt(result.covariance[i][i]) / (is_parameter ? result.params[i] : 1);

				found[i] += result.params[i];
				sum[i] += error;
				squares[i] += error * error;
				held[i] += fabs(error) < 1.959964 * se;
			}
		}
		free_rows(&data.all);
		for (int kind = 0; kind < KINDS; kind++)
			free_rows(&data.groups[kind].data);
	}
	printf("%s: %d of %d runs of %d customers converged\n", ops->title, converged, runs, n);
	for (int i = 0; i < nall; i++)
	{
		double mean = sum[i] / converged;
		double error = sqrt((squares[i] / converged - mean * mean) / converged);
		char   name[32];

		snprintf(name, sizeof(name), "%s.z%d", i < PURCHASE_PARAMS + NAMES ? "buying" : "leaving",
				 (i - PURCHASE_PARAMS) % NAMES + 1);
		printf("  %-10s true %8.3f  mean %8.3f  error/se of its mean %6.2f  95 %% holds %5.1f %%\n",
			   i < PURCHASE_PARAMS ? ops->param_names[i] : name,
			   i < PURCHASE_PARAMS ? params->p[i] : planted[i - PURCHASE_PARAMS],
			   found[i] / converged, mean / error, 100.0 * held[i] / converged);
		good = good && (i < PURCHASE_PARAMS || fabs(mean / error) < 4);
		if (i >= PURCHASE_PARAMS)
			all_held += held[i];
	}
	printf("  95 %% intervals hold the truth in %.2f %% of all coefficients and runs\n",
		   100.0 * all_held / (2 * NAMES * converged));
	good = good && converged >= 0.95 * runs && all_held > 0.93 * 2 * NAMES * converged &&
		   all_held < 0.97 * 2 * NAMES * converged;
	free(data.groups);
	return good;
}

int
main(int argc, char **argv)
{
	int			   runs = argc > 1 ? atoi(argv[1]) : 200;
	int			   n = argc > 2 ? atoi(argv[2]) : 4000;
	PurchaseParams params = {1, {0.8, 60, 0.8, 2.5}, 0};
	bool		   good = true;

	params.kind = MODEL_MBG_NBD;
	good = study(&mbg_nbd_ops, &params, runs, n) && good;
	params.kind = MODEL_BG_NBD;
	good = study(&bg_nbd_ops, &params, runs, n) && good;
	params = (PurchaseParams){1, {0.8, 60, 0.9, 300}, MODEL_PARETO_NBD};
	good = study(&pareto_nbd_ops, &params, runs, n) && good;
	return good ? 0 : 1;
}
