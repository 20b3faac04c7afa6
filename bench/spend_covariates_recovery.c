/*
 * spend_covariates_recovery.c: shops whose customers pay more or less by what is known of them, simulated, to see whether the
 * coefficients of the spend model are found again.
 *
 *   make build/spend_covariates_recovery && build/spend_covariates_recovery [runs [customers]]
 *
 * Customers of twelve kinds (two covariates of 0 or 1, and a third of three values that does nothing), of one to nine repeat purchases,
 * for the gamma-gamma model and two of its limits, where half of the fits end in the family. The table has for each parameter and coefficient the mean error in
 * units of its standard error (the bar: under 4), and the share of 95 % intervals that hold the truth (the bar: 93 to 97 % over
 * all coefficients). Exit 1 if a bar is missed.
 */
#include "models/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/random.h"

#define KINDS 12
#define NAMES 3
#define MOST 9

static const double planted[NAMES] = {0.5, -0.3, 0};

static bool
never(void)
{
	return false;
}

/* The mean of x purchases of a customer of her own price, if prices differ (SPEND_OWN_PRICE), and at her own scale. */
static double
mean_spend(int kind, const double *params, double x, Rng *rng)
{
	switch (kind)
	{
		case SPEND_ALIKE:
			return random_gamma(rng, params[0] * x) / (params[0] * x) * params[1];
		case SPEND_OWN_PRICE:
			return params[1] / random_gamma(rng, params[0]);
	}
	return random_gamma(rng, params[0] * x) / x * params[2] / random_gamma(rng, params[1]);
}

static void
simulate(SpendData *data, int kind, const double *params, int n, int run)
{
	data->nrows = 0;
	data->ngroups = KINDS;
	for (int k = 0; k < KINDS; k++)
	{
		SpendGroup *group = &data->groups[k];
		double		own[SPEND_PARAMS] = {params[0], params[1], params[2]};
		double		effect = 0;

		group->z[0] = k & 1;
		group->z[1] = k >> 1 & 1;
		group->z[2] = k >> 2;
		for (int j = 0; j < NAMES; j++)
			effect += planted[j] * group->z[j];
		spend_apply(kind, own, effect);
		group->nrows = n / KINDS;
		for (int i = 0; i < group->nrows; i++)
		{
			SpendRow *row = &data->rows[data->nrows];
			Rng		  rng;

			random_seed(&rng, run, data->nrows++);
			row->x = (int) (MOST * random_uniform(&rng));
			row->count = 1;
			row->mean_spend = mean_spend(kind, own, data->xs[row->x], &rng);
		}
	}
	data->customers = data->nrows;
}

static bool
study(int kind, const char *title, const double *params, int runs, int n)
{
	int		  nparams = spend_shapes[kind].nparams;
	int		  nall = nparams + NAMES;
	SpendData data = {.ncoefficients = NAMES, .nxs = MOST};
	double	  sum[SPEND_PARAMS + NAMES] = {0};
	double	  squares[SPEND_PARAMS + NAMES] = {0};
	double	  found[SPEND_PARAMS + NAMES] = {0};
	int		  held[SPEND_PARAMS + NAMES] = {0};
	int		  converged = 0;
	int		  in_kind = 0; /* of them, in the model that was simulated */
	int		  all_held = 0;
	bool	  good = true;

	data.rows = calloc(n, sizeof(SpendRow));
	data.groups = calloc(KINDS, sizeof(SpendGroup));
	data.xs = calloc(MOST, sizeof(double));
	data.by_x = calloc(MOST, sizeof(*data.by_x));
	for (int i = 0; i < MOST; i++)
		data.xs[i] = i + 1;
	for (int run = 1; run <= runs; run++)
	{
		FitResult result;
		int		  separated;

		simulate(&data, kind, params, n, run);
		if (!fit_spend_model(&data, never, &result, &separated) || result.verdict != FIT_CONVERGED)
			continue;
		converged++;
		in_kind += result.kind == kind;
		for (int i = result.kind == kind ? 0 : nparams; i < nall; i++)
		{
			bool   is_parameter = i < nparams;
			int	   at = is_parameter ? i : i - nparams + spend_shapes[result.kind].nparams;
			double truth = is_parameter ? params[i] : planted[i - nparams];
			double error =
				is_parameter ? log(result.params[at] / truth) : result.params[at] - truth;
			double se = sqrt(result.covariance[at][at]) / (is_parameter ? result.params[at] : 1);

			found[i] += result.params[at];
			sum[i] += error;
			squares[i] += error * error;
			held[i] += fabs(error) < 1.959964 * se;
		}
	}
	printf("%s: %d of %d runs of %d customers converged, %d in this model\n", title, converged,
		   runs, data.nrows, in_kind);
	for (int i = 0; i < nall; i++)
	{
		int	   count = i < nparams ? in_kind : converged;
		double mean = sum[i] / count;
		double error = sqrt((squares[i] / count - mean * mean) / count);
		char   name[32];

		snprintf(name, sizeof(name), "spend.z%d", i - nparams + 1);
		printf("  %-10s true %8.3f  mean %8.3f  error/se of its mean %6.2f  95 %% holds %5.1f %%\n",
			   i < nparams ? spend_shapes[kind].param_names[i] : name,
			   i < nparams ? params[i] : planted[i - nparams], found[i] / count, mean / error,
			   100.0 * held[i] / count);
		good = good && (i < nparams || fabs(mean / error) < 4);
		if (i >= nparams)
			all_held += held[i];
	}
	printf("  95 %% intervals hold the truth in %.2f %% of all coefficients and runs\n",
		   100.0 * all_held / (NAMES * converged));
	good = good && converged >= 0.95 * runs && all_held > 0.93 * NAMES * converged &&
		   all_held < 0.97 * NAMES * converged;
	free(data.rows);
	free(data.groups);
	free(data.xs);
	free(data.by_x);
	return good;
}

int
main(int argc, char **argv)
{
	int	 runs = argc > 1 ? atoi(argv[1]) : 200;
	int	 n = argc > 2 ? atoi(argv[2]) : 3000;
	bool good = true;

	good = study(SPEND_GAMMA_GAMMA, "gamma-gamma", (double[]){6, 4, 1}, runs, n) && good;
	good = study(SPEND_ALIKE, "everybody spends alike", (double[]){6, 2, 0}, runs, n) && good;
	good = study(SPEND_OWN_PRICE, "each a price of her own", (double[]){4, 3, 0}, runs, n) && good;
	return good ? 0 : 1;
}
