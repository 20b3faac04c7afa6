/*
 * clv.c: expected_spend, clv, its interval, and simple_clv.
 */
#include "crm.h"

#include "base/rows.h"
#include "lifetime/clv.h"
#include "lifetime/predict.h"
#include "lifetime/spend_model.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Expected net spend per purchase day; the population mean for one who has not bought again. */
PG_FUNCTION_INFO_V1(crm_expected_spend);
Datum
crm_expected_spend(PG_FUNCTION_ARGS)
{
	const SpendModel *model = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(0));
	BtydDays		  days;

	if (!btyd_at(PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)), PG_GETARG_DATEADT(2), &days))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(expected_spend(model, days.x, btyd_mean_spend(&days)));
}

/* 'mean', or 'median' where the mean of the customer's spend is infinite: what expected_spend and clv stand on. */
PG_FUNCTION_INFO_V1(crm_spend_measure);
Datum
crm_spend_measure(PG_FUNCTION_ARGS)
{
	const SpendModel *model = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(0));
	SpendParams		  params = spend_params(model);
	BtydDays		  days;

	if (!btyd_at(PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)), PG_GETARG_DATEADT(2), &days))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(
		isinf(gamma_gamma_expected(&params, days.x, Max(btyd_mean_spend(&days), 0))) ? "median"
																					 : "mean"));
}

/* x and mean_spend as plain numbers; mean_spend is not looked at if x is 0. */
static double
CheckMeanSpend(double x, double mean_spend)
{
	if (!(x >= 0 && x <= 1e9) || x != floor(x))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("x of %g is not possible", x),
				 errdetail("x is a number of repeat purchases, 0 or more.")));
	if (x == 0)
		return 0;
	if (!(fabs(mean_spend) <= 1e15))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("mean_spend of %g is out of range", mean_spend)));
	return mean_spend;
}

PG_FUNCTION_INFO_V1(crm_expected_spend_numbers);
Datum
crm_expected_spend_numbers(PG_FUNCTION_ARGS)
{
	const SpendModel *model = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(0));
	double			  x = PG_GETARG_FLOAT8(1);

	PG_RETURN_FLOAT8(expected_spend(model, x, CheckMeanSpend(x, PG_GETARG_FLOAT8(2))));
}

static double
CheckMargin(double margin)
{
	if (!isfinite(margin))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("margin must be a finite number")));
	return margin;
}

/* A lifetime value is a finite number. */
static double
CheckValue(double value)
{
	if (!isfinite(value))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("lifetime value is out of range")));
	return value;
}

/*
 * Residual value: margin * discounted purchases in (as_of, until] * spend per
 * purchase; Fader, Hardie & Lee (2005), RFM and CLV. Neither past spend nor the
 * cost of acquisition is in it. False for who is not yet a customer.
 */
bool
clv_of(const PurchaseModel *model, const SpendModel *spend, PurchaseHistory *history,
	   const ClvTerms *terms, double *clv)
{
	PurchaseParams params = model_params(CheckPredicting(model));
	double		   delta = discount_per_unit(terms->annual_discount_rate, model->unit_days);
	double		   margin = CheckMargin(terms->margin);
	double		   t;
	BtydDays	   days;

	CheckSpendPredicting(spend);
	if (!btyd_at(purchase_history_known(history, terms->as_of), terms->as_of, &days))
		return false;
	t = periods_between(terms->as_of, terms->until, model->unit_days);
	CheckDiscountedEnd(t, delta);
	*clv = CheckValue(
		margin * expected_spend(spend, days.x, btyd_mean_spend(&days)) *
		model_ops(model)->discounted(&params, btyd_in_units(&days, model->unit_days), t, delta));
	return true;
}

/* (purchases, spend, history, as_of, until, annual_discount_rate, margin): clv_of. */
PG_FUNCTION_INFO_V1(crm_clv);
Datum
crm_clv(PG_FUNCTION_ARGS)
{
	ClvTerms terms = {PG_GETARG_DATEADT(3), PG_GETARG_DATEADT(4), PG_GETARG_FLOAT8(5),
					  PG_GETARG_FLOAT8(6)};
	double	 clv;

	if (!clv_of(PG_GETARG_PURCHASE_MODEL(0), PG_GETARG_SPEND_MODEL(1),
				PG_GETARG_PURCHASE_HISTORY(2), &terms, &clv))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(clv);
}

/* What a customer will spend in a time: how many purchases, and what they cost together. */
typedef struct SpendAhead
{
	const SpendModel *spend;
	double			  x;
	double			  mean_spend;
	int				  n;		   /* chances below are of 0 to n - 1 purchases */
	double			 *p_purchases; /* what is left beyond them is less than REST */
} SpendAhead;

#define REST 1e-8

static void
spend_ahead(SpendAhead *ahead, const PurchaseModel *model, Btyd c, double t)
{
	PurchaseParams params = model_params(model);
	double		   mean = model_ops(model)->expected(&params, c, t, NULL);
	double		   sum = 0;
	int			   room = 64;

	ahead->n = 0;
	ahead->p_purchases = palloc(room * sizeof(double));
	do
	{
		CHECK_FOR_INTERRUPTS();
		if (ahead->n == room)
			ahead->p_purchases = repalloc_huge(ahead->p_purchases, (room *= 2) * sizeof(double));
		ahead->p_purchases[ahead->n] = model_ops(model)->p_purchases(&params, c, ahead->n, t);
		sum += ahead->p_purchases[ahead->n++];
	} while (sum < 1 - REST && (ahead->n <= mean || ahead->p_purchases[ahead->n - 1] > 1e-17));
}

/* P(the customer spends at most v). The more purchases, the less likely: what is left behind one that is next to impossible is less. */
static double
spends_at_most(const SpendAhead *ahead, double v)
{
	double sum = ahead->p_purchases[0];
	double at_most;

	for (int n = 1; n < ahead->n; n++)
	{
		CHECK_FOR_INTERRUPTS();
		at_most = spend_sum_at_most(ahead->spend->kind, ahead->spend->params, ahead->x,
									ahead->mean_spend, n, v);
		sum += ahead->p_purchases[n] * at_most;
		if (at_most < 1e-14)
			break;
	}
	return sum;
}

/*
 * The smallest v with P(spends at most v) >= q, to 1e-9 of it: between two ends around it, by the
 * Illinois method in its logarithm, and by halves where that does not shrink them (prices make steps).
 */
static double
spend_quantile(const SpendAhead *ahead, double q)
{
	double low;
	double high;
	double below;
	double above;

	if (ahead->p_purchases[0] >= q)
		return 0;
	low = high = Max(expected_spend(ahead->spend, ahead->x, ahead->mean_spend), 1e-6);
	below = above = spends_at_most(ahead, low) - q;
	/* what lies beyond the counted chances is not waited for */
	while (above < 0 && high < 1e300)
		above = spends_at_most(ahead, high *= 4) - q;
	while (below >= 0 && low > 1e-300)
		below = spends_at_most(ahead, low /= 4) - q;
	low = log(low);
	high = log(high);
	for (int i = 0; high - low > 1e-9; i++)
	{
		double middle =
			i % 4 == 3 ? (low + high) / 2 : low + (high - low) * below / (below - above);
		double value;

		middle = fmin(fmax(middle, low + 5e-10), high - 5e-10);
		value = spends_at_most(ahead, exp(middle)) - q;
		if (value >= 0)
		{
			high = middle;
			above = value;
			below /= 2;
		}
		else
		{
			low = middle;
			below = value;
			above /= 2;
		}
	}
	return exp(high);
}

/*
 * (purchases, spend, history, as_of, until, annual_discount_rate, level, margin) -> (low, high): between
 * which what one customer brings will lie. Exact without discount; with a discount rate
 * the same quantiles times the share of the expected value that the discount leaves. The outcome's mean, clv, may lie above
 * the interval: a few customers with many purchases make it.
 */
PG_FUNCTION_INFO_V1(crm_clv_interval);
Datum
crm_clv_interval(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model = CheckPredicting(PG_GETARG_PURCHASE_MODEL(0));
	const SpendModel	*spend = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(1));
	PurchaseParams		 params = model_params(model);
	double				 delta = discount_per_unit(PG_GETARG_FLOAT8(5), model->unit_days);
	double				 level = CheckLevel(PG_GETARG_FLOAT8(6));
	double				 margin = CheckMargin(PG_GETARG_FLOAT8(7));
	double				 t;
	double				 expected;
	Btyd				 c;
	BtydDays			 days;
	SpendAhead			 ahead;
	double				 ends[2];
	Datum				 values[2];
	bool				 nulls[2] = {false, false};

	if (!btyd_at(PG_GETARG_PURCHASES_KNOWN(2, PG_GETARG_DATEADT(3)), PG_GETARG_DATEADT(3), &days))
		PG_RETURN_NULL();
	t = CheckFinitePeriods(
		periods_between(PG_GETARG_DATEADT(3), PG_GETARG_DATEADT(4), model->unit_days));
	c = btyd_in_units(&days, model->unit_days);
	ahead = (SpendAhead){spend, c.x, Max(btyd_mean_spend(&days), 0), 0, NULL};
	spend_ahead(&ahead, model, c, t);
	expected = model_ops(model)->expected(&params, c, t, NULL);
	for (int i = 0; i < 2; i++)
	{
		ends[i] = margin * spend_quantile(&ahead, (1 + (i == 0 ? -level : level)) / 2);
		if (delta > 0 && expected > 0)
			ends[i] *= model_ops(model)->discounted(&params, c, t, delta) / expected;
		values[i] = Float8GetDatum(CheckValue(ends[i]));
	}
	if (margin < 0)
	{
		Datum first = values[0];

		values[0] = values[1];
		values[1] = first;
	}
	pfree(ahead.p_purchases);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}

/* clv over plain numbers: (model, spend, x, t_x, age, mean_spend, periods, rate, margin). */
PG_FUNCTION_INFO_V1(crm_clv_numbers);
Datum
crm_clv_numbers(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model = CheckPredicting(PG_GETARG_PURCHASE_MODEL(0));
	const SpendModel	*spend = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(1));
	PurchaseParams		 params = model_params(model);
	Btyd   c = CheckBtyd(PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3), PG_GETARG_FLOAT8(4));
	double mean_spend = CheckMeanSpend(c.x, PG_GETARG_FLOAT8(5));
	double t = CheckPeriods(PG_GETARG_FLOAT8(6));
	double delta = discount_per_unit(PG_GETARG_FLOAT8(7), model->unit_days);
	double margin = CheckMargin(PG_GETARG_FLOAT8(8));

	CheckDiscountedEnd(t, delta);
	PG_RETURN_FLOAT8(CheckValue(margin * expected_spend(spend, c.x, mean_spend) *
								model_ops(model)->discounted(&params, c, t, delta)));
}

/*
 * Value of a contract that is renewed with a constant probability: margin *
 * retention/(1 + discount - retention), the first margin coming after the first
 * renewal; Gupta & Lehmann (2003), Customers as assets.
 */
PG_FUNCTION_INFO_V1(crm_simple_clv);
Datum
crm_simple_clv(PG_FUNCTION_ARGS)
{
	double margin = CheckMargin(PG_GETARG_FLOAT8(0));
	double retention = PG_GETARG_FLOAT8(1);
	double discount = PG_GETARG_FLOAT8(2);

	if (!(retention >= 0 && retention <= 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("retention rate %g is out of range", retention),
						errdetail("It is the share of customers who stay for another period, from "
								  "0 to 1.")));
	if (!(discount >= 0) || isinf(discount))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("discount rate %g is out of range", discount),
						errdetail("It is a rate per period, not negative.")));
	if (retention == 1 && discount == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a customer who never leaves has no finite value without discount")));
	PG_RETURN_FLOAT8(CheckValue(margin * (retention / (discount + (1 - retention)))));
}
