/*
 * expected_revenue.c: the aggregate expected_revenue(model, spend, history, as_of, until).
 *
 * The standard error has two parts: customers are random, and the parameters
 * are estimates. The first is a sum of variances; the second is g' C g, with g
 * the gradient of the total by the parameters and C their covariance. Models of
 * known parameters have the first part alone. The sums are exact: neither the order of
 * the rows nor a split matters. Before 0.3.0 the state was internal: the same, behind a pointer.
 *
 * Under a spend model with q <= 2 the spend of a customer without a repeat purchase has
 * a mean but no finite variance: the standard error is then infinite, and says so.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "lifetime/clock.h"
#include "lifetime/predict.h"
#include "base/rows.h"
#include "lifetime/revenue_state.h"

/* Forward differences in the logs of the parameters. */
#define STEP 1e-5

/* What a model expects of a customer in a time t: the same of all who have bought once and as long ago. */
typedef struct Expectation
{
	double age; /* of one who bought once, if kept */
	double t;	/* 0: nothing is kept here */
	double purchases;
	double second;				   /* mean square of the purchases */
	double moved[PURCHASE_PARAMS]; /* by the log of a parameter, or 0 if the model has no errors */
} Expectation;

/*
 * Those who bought once are most of most shops: what was found for an age is kept for
 * a call of the aggregate, in room that is taken for its second row, since some callers
 * make a new call of every row.
 */
#define KEPT_AGES 1024

typedef struct KeptExpectations
{
	PurchaseParams params; /* of the model that found them */
	int			   verdict;
	Expectation	  *of_age; /* KEPT_AGES of them, or NULL before the second row */
} KeptExpectations;

/* By how many a step in the log of a parameter moves it; a share stays below 1. */
static inline double
step_of(const PurchaseModelOps *ops, int i)
{
	return ops->units[i] == PARAM_SHARE ? -STEP : STEP;
}

static Expectation
expectation(const PurchaseModel *model, const PurchaseParams *params, Btyd c, double t)
{
	const PurchaseModelOps *ops = model_ops(model);
	Expectation				e = {.age = c.age, .t = t};

	e.purchases = ops->expected(params, c, t, &e.second);
	for (int i = 0; i < ops->nparams && model->fit.verdict == FIT_CONVERGED; i++)
	{
		PurchaseParams moved = *params;

		moved.p[i] *= exp(step_of(ops, i));
		e.moved[i] = (ops->expected(&moved, c, t, NULL) - e.purchases) / step_of(ops, i);
	}
	return e;
}

/* The expectations kept by this call of the aggregate, none of another model's; NULL for its first row. */
static Expectation *
kept_expectations(FmgrInfo *flinfo, const PurchaseModel *model, const PurchaseParams *params)
{
	KeptExpectations *kept = flinfo->fn_extra;

	if (kept == NULL)
	{
		flinfo->fn_extra = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(*kept));
		return NULL;
	}
	if (kept->of_age == NULL)
		kept->of_age = MemoryContextAllocZero(flinfo->fn_mcxt, KEPT_AGES * sizeof(*kept->of_age));
	if (kept->verdict != model->fit.verdict || kept->params.k != params->k ||
		kept->params.kind != params->kind ||
		memcmp(kept->params.p, params->p, sizeof(params->p)) != 0)
	{
		memset(kept->of_age, 0, KEPT_AGES * sizeof(*kept->of_age));
		kept->params = *params;
		kept->verdict = model->fit.verdict;
	}
	return kept->of_age;
}

/* What the model expects of a customer, kept from another or found. */
static Expectation
expectation_of(FmgrInfo *flinfo, const PurchaseModel *model, const PurchaseParams *params, Btyd c,
			   double t)
{
	Expectation *kept = c.x > 0 || t <= 0 ? NULL : kept_expectations(flinfo, model, params);
	Expectation *e = kept == NULL ? NULL : &kept[(uint64) c.age % KEPT_AGES];

	if (e == NULL)
		return expectation(model, params, c, t);
	if (e->age != c.age || e->t != t)
		*e = expectation(model, params, c, t);
	return *e;
}

/*
 * Variance of what a customer will spend in N purchases:
 * E[N] E[Var(amount)] + E[N^2] E[mean^2] - (E[N] E[mean])^2.
 */
static double
spend_variance(const SpendParams *spend, double x, double mean_spend, double purchases,
			   double purchases2)
{
	double per_purchase = gamma_gamma_expected(spend, x, mean_spend);
	double purchase2;
	double mean2;

	if (purchases == 0)
		return 0;
	gamma_gamma_second_moments(spend, x, mean_spend, &purchase2, &mean2);
	if (isinf(mean2))
		return INFINITY;
	return purchases * (purchase2 - mean2) + purchases2 * mean2 -
		   purchases * per_purchase * purchases * per_purchase;
}

/* One more customer of a count. */
static inline void
count_customer(RevenueState *state, RevenueSum sum)
{
	exact_sums_add(revenue_sums(state), sum, 1);
}

/* A customer's part of the gradients by the logs of the parameters of both models. */
static void
add_gradients(RevenueState *state, double x, double mean_spend, const Expectation *e,
			  double per_purchase)
{
	const PurchaseModel *model = revenue_purchases(state);
	int					 kind = state->spend.kind;

	for (int i = 0; i < model_ops(model)->nparams && model->fit.verdict == FIT_CONVERGED; i++)
		revenue_add(state, REVENUE_GRADIENT + 2 * i, e->moved[i] * per_purchase);
	for (int i = 0; i < spend_shapes[kind].nparams && state->spend.fit.verdict == FIT_CONVERGED;
		 i++)
	{
		double		own[SPEND_PARAMS];
		SpendParams moved;

		memcpy(own, state->spend.params, sizeof(own));
		own[i] *= exp(STEP);
		moved = spend_whole(kind, own);
		revenue_add(state, REVENUE_GRADIENT + 2 * (PURCHASE_PARAMS + i),
					(gamma_gamma_expected(&moved, x, mean_spend) - per_purchase) / STEP *
						e->purchases);
	}
}

/* One customer's part of everything. */
static void
add_customer(FmgrInfo *flinfo, RevenueState *state, const BtydDays *days, Btyd c, double t)
{
	const PurchaseModel *model = revenue_purchases(state);
	PurchaseParams		 params = model_params(model);
	SpendParams			 spend = spend_params(&state->spend);
	double				 mean_spend = Max(btyd_mean_spend(days), 0);
	double				 per_purchase = gamma_gamma_expected(&spend, c.x, mean_spend);
	Expectation			 e;
	double				 variance;

	count_customer(state, REVENUE_CUSTOMERS);
	if (isinf(per_purchase))
	{
		count_customer(state, REVENUE_WITHOUT_MEAN);
		return;
	}
	e = expectation_of(flinfo, model, &params, c, t);
	revenue_add(state, REVENUE_TOTAL, e.purchases * per_purchase);
	variance = spend_variance(&spend, c.x, mean_spend, e.purchases, e.second);
	if (isinf(variance))
		count_customer(state, REVENUE_WITHOUT_VARIANCE);
	else
		revenue_add(state, REVENUE_VARIANCE, variance);
	add_gradients(state, c.x, mean_spend, &e, per_purchase);
}

/* g' C g of one model; the gradient is by logs, the covariance of the parameters themselves. */
static double
parameter_variance(const double *gradient, const double *params, const ModelFit *fit, int n)
{
	double variance = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			variance += gradient[i] / params[i] * gradient[j] / params[j] *
						fit->covariance[COVARIANCE_INDEX(Max(i, j), Min(i, j))];
	return variance;
}

static Datum
add_row(FunctionCallInfo fcinfo, MemoryContext memory)
{
	RevenueState		*state;
	const PurchaseModel *purchases;
	const SpendModel	*spend;
	BtydDays			 days;
	DateADT				 as_of;
	DateADT				 until;

	if (state_row_has_null(fcinfo)) /* a state has the models of a row that counted */
		return state_unchanged(fcinfo);
	purchases = CheckPredictingDays(PG_GETARG_PURCHASE_MODEL(1));
	spend = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(2));
	if (PG_ARGISNULL(0))
		state = revenue_state_create(memory, purchases, spend);
	else
	{
		state = (RevenueState *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
		CheckSameModels(state, purchases, spend);
	}
	as_of = PG_GETARG_DATEADT(4);
	until = PG_GETARG_DATEADT(5);
	if (btyd_at(PG_GETARG_PURCHASES_KNOWN(3, as_of), as_of, &days))
		add_customer(
			fcinfo->flinfo, state, &days, model_customer(purchases, &days, as_of),
			model_periods(purchases, as_of, until,
						  CheckFinitePeriods(periods_between(as_of, until, purchases->unit_days))));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_expected_revenue_add);
Datum
crm_expected_revenue_add(PG_FUNCTION_ARGS)
{
	CheckInAggregate(fcinfo);
	return add_row(fcinfo, CurrentMemoryContext);
}

PG_FUNCTION_INFO_V1(crm_expected_revenue_transition);
Datum
crm_expected_revenue_transition(PG_FUNCTION_ARGS)
{
	return add_row(fcinfo, CheckInAggregate(fcinfo));
}

/* The gradient as float8, from one of its numbers on. */
static void
get_gradient(const RevenueState *state, int first, int n, double *gradient)
{
	for (int i = 0; i < n; i++)
		gradient[i] = revenue_get(state, REVENUE_GRADIENT + 2 * (first + i));
}

/* The variance of the total: what is random, and what the parameters may be off by. */
static double
total_variance(const RevenueState *state)
{
	const PurchaseModel *purchases = revenue_purchases(state);
	int					 nspend = spend_shapes[state->spend.kind].nparams;
	double				 by_purchases[PURCHASE_PARAMS];
	double				 by_spend[SPEND_PARAMS];

	if (exact_sums_get(revenue_sums(state), REVENUE_WITHOUT_VARIANCE) > 0)
		return INFINITY;
	get_gradient(state, 0, model_ops(purchases)->nparams, by_purchases);
	get_gradient(state, PURCHASE_PARAMS, nspend, by_spend);
	return revenue_get(state, REVENUE_VARIANCE) +
		   parameter_variance(by_purchases, purchases->params, &purchases->fit,
							  model_ops(purchases)->nparams) +
		   parameter_variance(by_spend, state->spend.params, &state->spend.fit, nspend);
}

PG_FUNCTION_INFO_V1(crm_expected_revenue_final);
Datum
crm_expected_revenue_final(PG_FUNCTION_ARGS)
{
	RevenueState *state;
	Datum		  values[3];
	bool		  nulls[3] = {false, false, false};
	int64		  customers;
	int64		  without_mean;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (RevenueState *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	customers = (int64) exact_sums_get(revenue_sums(state), REVENUE_CUSTOMERS);
	without_mean = (int64) exact_sums_get(revenue_sums(state), REVENUE_WITHOUT_MEAN);
	if (without_mean > 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the expected revenue of " INT64_FORMAT " of " INT64_FORMAT
						" customers is infinite",
						without_mean, customers),
				 errdetail("Their spend has no finite mean under this spend_model, whose parameter "
						   "q is %g.",
						   state->spend.params[state->spend.kind == SPEND_OWN_PRICE ? 0 : 1]),
				 errhint("Add up the others, or look for a few customers with huge amounts and fit "
						 "without them.")));
	values[0] = Int64GetDatum(customers);
	values[1] = Float8GetDatum(revenue_get(state, REVENUE_TOTAL));
	values[2] = Float8GetDatum(sqrt(Max(total_variance(state), 0)));
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
