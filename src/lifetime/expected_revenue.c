/*
 * expected_revenue.c: the aggregate expected_revenue(model, spend, history, as_of, until).
 *
 * The standard error has two parts: customers are random, and the parameters
 * are estimates. The first is a sum of variances; the second is g' C g, with g
 * the gradient of the total by the parameters and C their covariance. Models of
 * known parameters have the first part alone. The sums run in the order of the rows
 * of a serial plan: there is no combine function.
 *
 * Under a spend model with q <= 2 the spend of a customer without a repeat purchase has
 * a mean but no finite variance: the standard error is then infinite, and says so.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "lifetime/predict.h"
#include "base/rows.h"
#include "lifetime/spend_model.h"

/* Forward differences in the logs of the parameters. */
#define STEP 1e-5

typedef struct RevenueState
{
	int64		  customers;
	int64		  without_mean; /* whose mean spend is infinite */
	PurchaseModel purchases;
	SpendModel	  spend;
	double		  revenue;
	double		  variance;
	double		  gradient[PURCHASE_PARAMS + SPEND_PARAMS]; /* by the logs */
} RevenueState;

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

/* One customer's part of everything. */
static void
add_customer(RevenueState *state, const BtydDays *days, double t)
{
	PurchaseParams			params = model_params(&state->purchases);
	SpendParams				spend = spend_params(&state->spend);
	int						kind = state->spend.kind;
	Btyd					c = btyd_in_units(days, state->purchases.unit_days);
	double					mean_spend = Max(btyd_mean_spend(days), 0);
	const PurchaseModelOps *ops = model_ops(&state->purchases);
	double					second;
	double					purchases = ops->expected(&params, c, t, &second);
	double					per_purchase = gamma_gamma_expected(&spend, c.x, mean_spend);

	state->customers++;
	if (isinf(per_purchase))
	{
		state->without_mean++;
		return;
	}
	state->revenue += purchases * per_purchase;
	state->variance += spend_variance(&spend, c.x, mean_spend, purchases, second);
	for (int i = 0; i < ops->nparams && state->purchases.fit.verdict == FIT_CONVERGED; i++)
	{
		PurchaseParams moved = params;
		double step = ops->units[i] == PARAM_SHARE ? -STEP : STEP; /* a share stays below 1 */

		moved.p[i] *= exp(step);
		state->gradient[i] += (ops->expected(&moved, c, t, NULL) - purchases) / step * per_purchase;
	}
	for (int i = 0; i < spend_shapes[kind].nparams && state->spend.fit.verdict == FIT_CONVERGED;
		 i++)
	{
		double		own[SPEND_PARAMS];
		SpendParams moved;

		memcpy(own, state->spend.params, sizeof(own));
		own[i] *= exp(STEP);
		moved = spend_whole(kind, own);
		state->gradient[PURCHASE_PARAMS + i] +=
			(gamma_gamma_expected(&moved, c.x, mean_spend) - per_purchase) / STEP * purchases;
	}
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

PG_FUNCTION_INFO_V1(crm_expected_revenue_transition);
Datum
crm_expected_revenue_transition(PG_FUNCTION_ARGS)
{
	MemoryContext		 aggregate;
	RevenueState		*state;
	const PurchaseModel *purchases;
	const SpendModel	*spend;
	BtydDays			 days;

	aggregate = CheckInAggregate(fcinfo);
	for (int i = 1; i <= 5; i++)
		if (PG_ARGISNULL(i))
		{
			/* a state has the models of a row that counted */
			if (PG_ARGISNULL(0))
				PG_RETURN_NULL();
			PG_RETURN_DATUM(PG_GETARG_DATUM(0));
		}
	if (PG_ARGISNULL(0))
		state = MemoryContextAllocZero(aggregate, sizeof(RevenueState));
	else
		state = (RevenueState *) PG_GETARG_POINTER(0);

	purchases = CheckPredicting(PG_GETARG_PURCHASE_MODEL(1));
	spend = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(2));
	if (state->purchases.version == 0)
	{
		memcpy(&state->purchases, purchases, sizeof(PurchaseModel));
		memcpy(&state->spend, spend, sizeof(SpendModel));
	}
	else if (memcmp(&state->purchases, purchases, sizeof(PurchaseModel)) != 0 ||
			 memcmp(&state->spend, spend, sizeof(SpendModel)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("expected_revenue needs the same models in every row"),
						errhint("Group the rows by model, and add up the results.")));
	if (btyd_at(PG_GETARG_PURCHASES_KNOWN(3, PG_GETARG_DATEADT(4)), PG_GETARG_DATEADT(4), &days))
		add_customer(state, &days,
					 CheckFinitePeriods(periods_between(PG_GETARG_DATEADT(4), PG_GETARG_DATEADT(5),
														purchases->unit_days)));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_expected_revenue_final);
Datum
crm_expected_revenue_final(PG_FUNCTION_ARGS)
{
	RevenueState *state;
	Datum		  values[3];
	bool		  nulls[3] = {false, false, false};
	double		  variance;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (RevenueState *) PG_GETARG_POINTER(0);
	if (state->without_mean > 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the expected revenue of " INT64_FORMAT " of " INT64_FORMAT
						" customers is infinite",
						state->without_mean, state->customers),
				 errdetail("Their spend has no finite mean under this spend_model, whose parameter "
						   "q is %g.",
						   state->spend.params[state->spend.kind == SPEND_OWN_PRICE ? 0 : 1]),
				 errhint("Add up the others, or look for a few customers with huge amounts and fit "
						 "without them.")));
	variance = state->variance +
			   parameter_variance(state->gradient, state->purchases.params, &state->purchases.fit,
								  model_ops(&state->purchases)->nparams) +
			   parameter_variance(state->gradient + PURCHASE_PARAMS, state->spend.params,
								  &state->spend.fit, spend_shapes[state->spend.kind].nparams);
	values[0] = Int64GetDatum(state->customers);
	values[1] = Float8GetDatum(state->revenue);
	values[2] = Float8GetDatum(sqrt(Max(variance, 0)));
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
