/*
 * recovery.h: what simulations of shops share: customers of kinds that are known, the rows of a fit, and how far estimates are off.
 */
#ifndef CRM_BENCH_RECOVERY_H
#define CRM_BENCH_RECOVERY_H

#include "models/covariates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two covariates of 0 or 1, and a third of three values that does nothing. */
#define KINDS 12
#define NAMES 3

/* Coefficients of buying, then those of leaving. */
static const double planted[2 * NAMES] = {0.5, -0.3, 0, 0.4, -0.2, 0};

static bool
never(void)
{
	return false;
}

/* The numbers of a kind of customers. */
static inline void
numbers_of(int kind, double *z)
{
	z[0] = z[NAMES] = kind & 1;
	z[1] = z[NAMES + 1] = kind >> 1 & 1;
	z[2] = z[NAMES + 2] = kind >> 2;
}

/* The parameters of a kind of customers. */
static inline PurchaseParams
params_of(const PurchaseParams *params, int kind)
{
	PurchaseParams own = *params;
	double		   z[2 * NAMES];
	double		   buying = 0;
	double		   leaving = 0;

	numbers_of(kind, z);
	for (int j = 0; j < NAMES; j++)
	{
		buying += planted[j] * z[j];
		leaving += planted[NAMES + j] * z[NAMES + j];
	}
	covariates_apply(&own, buying, leaving);
	return own;
}

/* Room for n customers; every one has times and x of her own. */
static inline void
make_rows(FitData *data, int n)
{
	memset(data, 0, sizeof(*data));
	data->rows = malloc(n * sizeof(FitRow));
	data->xs = malloc(n * sizeof(double));
	data->times = malloc(2 * n * sizeof(double));
	data->by_x = malloc(n * sizeof(*data->by_x));
	data->by_time = malloc(2 * n * sizeof(*data->by_time));
}

static inline void
free_rows(FitData *data)
{
	free(data->rows);
	free(data->xs);
	free(data->times);
	free(data->by_x);
	free(data->by_time);
}

static inline void
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

/* Room for n customers of each kind, and of all. */
static inline CovariateData
make_kinds(int n)
{
	CovariateData data = {NAMES, NAMES, KINDS, calloc(KINDS, sizeof(CovariateGroup)), {0}};

	make_rows(&data.all, n);
	for (int kind = 0; kind < KINDS; kind++)
	{
		make_rows(&data.groups[kind].data, n / KINDS + 1);
		numbers_of(kind, data.groups[kind].z);
	}
	return data;
}

static inline void
free_kinds(CovariateData *data)
{
	free_rows(&data->all);
	for (int kind = 0; kind < KINDS; kind++)
		free_rows(&data->groups[kind].data);
	free(data->groups);
}

static inline void
add_customer_of_kind(CovariateData *data, int kind, Btyd c)
{
	add_customer(&data->groups[kind].data, c);
	add_customer(&data->all, c);
}

/* Errors of an estimate over the runs. */
typedef struct Moments
{
	double sum;
	double squares;
	int	   held; /* within the 95 % interval */
	int	   near; /* within three standard errors */
	int	   n;
} Moments;

static inline void
add(Moments *m, double error, double standard_error)
{
	m->sum += error;
	m->squares += error * error;
	m->held += fabs(error) < 1.959964 * standard_error;
	m->near += fabs(error) < 3 * standard_error;
	m->n++;
}

/* The mean in units of its standard error. */
static inline double
bias(const Moments *m)
{
	double mean = m->sum / m->n;

	return mean / sqrt((m->squares / m->n - mean * mean) / m->n);
}

/* A model's parameters, by their logs, and the coefficients behind them: the errors of a fit. */
static inline void
add_fit(Moments *moments, const PurchaseParams *params, const FitResult *result)
{
	for (int i = 0; i < PURCHASE_PARAMS; i++)
		add(&moments[i], log(result->params[i] / params->p[i]),
			sqrt(result->covariance[i][i]) / result->params[i]);
	for (int i = 0; i < 2 * NAMES; i++)
		add(&moments[PURCHASE_PARAMS + i], result->params[PURCHASE_PARAMS + i] - planted[i],
			sqrt(result->covariance[PURCHASE_PARAMS + i][PURCHASE_PARAMS + i]));
}

/* The share of 95 % intervals of coefficients that hold the truth, over all runs. */
static inline double
coefficients_held(const Moments *moments)
{
	int held = 0;

	for (int i = PURCHASE_PARAMS; i < PURCHASE_PARAMS + 2 * NAMES; i++)
		held += moments[i].held;
	return held / (2.0 * NAMES * moments[PURCHASE_PARAMS].n);
}

/* The largest bias of a coefficient, in units of its standard error. */
static inline double
coefficients_bias(const Moments *moments)
{
	double worst = 0;

	for (int i = PURCHASE_PARAMS; i < PURCHASE_PARAMS + 2 * NAMES; i++)
		worst = fmax(worst, fabs(bias(&moments[i])));
	return worst;
}

/* One line of what the coefficients have come to, so that a run that is cut has said something. */
static inline void
report_progress(const PurchaseModelOps *ops, int run, const Moments *moments)
{
	fprintf(stderr, "%s: run %d, %d converged, largest error/se %.2f, 95 %% holds %.2f %%\n",
			ops->name, run, moments[PURCHASE_PARAMS].n, coefficients_bias(moments),
			100 * coefficients_held(moments));
}

/* Prints parameters and coefficients; whether the coefficients meet the bars. */
static inline bool
report_coefficients(const PurchaseModelOps *ops, const PurchaseParams *params, int runs,
					const Moments *moments)
{
	double held = coefficients_held(moments);

	printf("%s: %d of %d runs converged\n", ops->title, moments[PURCHASE_PARAMS].n, runs);
	for (int i = 0; i < PURCHASE_PARAMS + 2 * NAMES; i++)
	{
		bool   is_parameter = i < PURCHASE_PARAMS;
		double truth = is_parameter ? params->p[i] : planted[i - PURCHASE_PARAMS];
		double mean = moments[i].sum / moments[i].n;
		char   name[32];

		snprintf(name, sizeof(name), "%s.z%d", i < PURCHASE_PARAMS + NAMES ? "buying" : "leaving",
				 (i - PURCHASE_PARAMS) % NAMES + 1);
		printf("  %-10s true %8.3f  mean %8.3f  error/se of its mean %6.2f  95 %% holds %5.1f %%\n",
			   is_parameter ? ops->param_names[i] : name, truth,
			   is_parameter ? truth * exp(mean) : truth + mean, bias(&moments[i]),
			   100.0 * moments[i].held / moments[i].n);
	}
	printf("  95 %% intervals hold the truth in %.2f %% of all coefficients and runs\n",
		   100 * held);
	return moments[PURCHASE_PARAMS].n >= 0.95 * runs && coefficients_bias(moments) < 4 &&
		   held > 0.93 && held < 0.97;
}

#endif /* CRM_BENCH_RECOVERY_H */
