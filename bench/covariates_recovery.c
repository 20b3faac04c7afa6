/*
 * covariates_recovery.c: shops whose customers differ by what is known of them, simulated, to see whether the coefficients are
 * found again.
 *
 *   make build/covariates_recovery && build/covariates_recovery [runs [customers [family]]]
 *
 * Customers of twelve kinds (recovery.h), of ages up to four years, at exact times. The table has for each
 * parameter and coefficient the mean error in units of its standard error (the bar: under 4), and the share of 95 % intervals
 * that hold the truth (the bar: 93 to 97 % over all coefficients). Exit 1 if a bar is missed. family: mbg_nbd, bg_nbd or pareto_nbd
 * alone, so that they can run beside each other. What is known so far is written to standard error after every tenth run.
 */
#include "recovery.h"

#define DAYS 1461

static CovariateData
simulate(const PurchaseModelOps *ops, const PurchaseParams *params, int n, int run)
{
	CovariateData data = make_kinds(n);

	for (int i = 0; i < n; i++)
	{
		PurchaseParams	  own = params_of(params, i % KINDS);
		SimulatedCustomer s;
		Btyd			  c = {0, 0, 0};
		double			  t;

		random_seed(&s.rng, run, i);
		c.age = (0.1 + 0.9 * random_uniform(&s.rng)) * DAYS;
		ops->simulate(&own, &s);
		while ((t = ops->simulate_next(&own, &s)) < c.age)
		{
			c.x++;
			c.t_x = t;
		}
		add_customer_of_kind(&data, i % KINDS, c);
	}
	return data;
}

static bool
study(const PurchaseModelOps *ops, const PurchaseParams *params, int runs, int n)
{
	Moments moments[PURCHASE_PARAMS + 2 * NAMES] = {{0}};

	for (int run = 1; run <= runs; run++)
	{
		CovariateData data = simulate(ops, params, n, run);
		FitResult	  result;
		int			  separated;

		if (fit_covariates(ops, &data, never, &result, &separated) && result.kind == ops->kind &&
			result.verdict == FIT_CONVERGED)
			add_fit(moments, params, &result);
		free_kinds(&data);
		if (run % 10 == 0)
			report_progress(ops, run, moments);
	}
	return report_coefficients(ops, params, runs, moments);
}

int
main(int argc, char **argv)
{
	int			runs = argc > 1 ? atoi(argv[1]) : 200;
	int			n = argc > 2 ? atoi(argv[2]) : 4000;
	const char *family = argc > 3 ? argv[3] : NULL;
	const struct
	{
		const PurchaseModelOps *ops;
		PurchaseParams			params;
	} studies[] = {{&mbg_nbd_ops, {1, {0.8, 60, 0.8, 2.5}, MODEL_MBG_NBD}},
				   {&bg_nbd_ops, {1, {0.8, 60, 0.8, 2.5}, MODEL_BG_NBD}},
				   {&pareto_nbd_ops, {1, {0.8, 60, 0.9, 300}, MODEL_PARETO_NBD}}};
	bool good = true;

	for (int i = 0; i < 3; i++)
		if (family == NULL || strcmp(family, studies[i].ops->name) == 0)
			good = study(studies[i].ops, &studies[i].params, runs, n) && good;
	return good ? 0 : 1;
}
