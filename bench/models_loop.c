/*
 * models_loop.c: the models in a plain C loop, to see what the database adds.
 *
 * Reads lines of x, t_x and age in whole days, tab-separated, and prints how long
 * fits and predictions take on them, each customer a row of his own:
 *
 *   make build/models_loop
 *   psql -c "\copy (SELECT x, t_x, age FROM simulated, crm.btyd(history, '2025-12-31')) TO STDOUT" | build/models_loop
 */
#include "models/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define UNIT_DAYS 7
#define MAX_DAYS 40000

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

static bool
never(void)
{
	return false;
}

static void
report(const char *model, const char *what, double start, int n)
{
	double spent = seconds() - start;

	printf("%-12s %-28s %8.3f s  %8.3f us each\n", model, what, spent, spent / n * 1e6);
}

int
main(void)
{
	FitData data = {0};
	int		capacity = 1 << 20;
	double	x, t_x, age;

	data.rows = malloc(capacity * sizeof(FitRow));
	data.xs = malloc(MAX_DAYS * sizeof(double));
	data.times = malloc(MAX_DAYS * sizeof(double));
	data.by_x = malloc(MAX_DAYS * sizeof(data.by_x[0]));
	data.by_time = malloc(MAX_DAYS * sizeof(data.by_time[0]));
	data.nxs = data.ntimes = 0;
	while (scanf("%lf %lf %lf", &x, &t_x, &age) == 3)
	{
		if (age <= 0 || age >= MAX_DAYS || x >= MAX_DAYS)
			continue;
		if (data.nrows == capacity)
			data.rows = realloc(data.rows, (capacity *= 2) * sizeof(FitRow));
		data.rows[data.nrows++] = (FitRow){(int) x, (int) t_x, (int) age, 0, 1};
		data.customers++;
		data.purchases += x;
		data.nxs = fmax(data.nxs, x + 1);
		data.ntimes = fmax(data.ntimes, age + 1);
	}
	for (int i = 0; i < data.nxs; i++)
		data.xs[i] = i;
	for (int i = 0; i < data.ntimes; i++)
		data.times[i] = (double) i / UNIT_DAYS;
	printf("%d customers\n", data.nrows);

	for (int kind = MODEL_BG_NBD; kind <= MODEL_PARETO_NBD; kind++)
	{
		const PurchaseModelOps *ops = purchase_model_ops(kind);
		FitResult				result;
		PurchaseParams			params = {1, {0}, kind};
		double					sum = 0;
		double					start = seconds();

		fit_purchase_model(ops, 1, &data, never, &result);
		report(ops->title, "fit, one row a customer", start, data.nrows);
		for (int i = 0; i < PURCHASE_PARAMS; i++)
			params.p[i] = result.params[i];
		for (int what = 0; what < 4; what++)
		{
			static const char *const names[] = {"p_alive", "expected purchases, 52 units",
												"discounted, 52 units", "dert"};

			start = seconds();
			for (int i = 0; i < data.nrows; i++)
			{
				FitRow *row = &data.rows[i];
				Btyd	c = {row->x, data.times[row->t_x], data.times[row->age]};

				sum += what == 0   ? ops->p_alive(&params, c)
					   : what == 1 ? ops->expected(&params, c, 52, NULL)
								   : ops->discounted(&params, c, what == 2 ? 52 : INFINITY, 0.0018);
			}
			report(ops->title, names[what], start, data.nrows);
		}
		printf("%-12s log-likelihood %.4f, %d evaluations, checksum %.6f\n", ops->title,
			   result.log_likelihood, result.evaluations, sum);
	}
	return 0;
}
