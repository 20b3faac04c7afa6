/*
 * clv_interval.c: between which values what one customer brings will lie.
 */
#include "crm.h"

#include "base/rows.h"
#include "base/shares.h"
#include "lifetime/clv.h"
#include "lifetime/clock.h"
#include "lifetime/predict.h"
#include "lifetime/purchase_forecast.h"
#include "lifetime/spend_model.h"
#include "miscadmin.h"

/* Chances are asked for until what is left beyond them is less. */
#define REST 1e-8

/* The chances of 0, 1, 2 .. purchases until hardly any are left: few are asked for first, then more, then one at a time. */
static double *
chances_ahead(const PurchaseModel *model, Btyd c, double t, int *count)
{
	PurchaseParams params = model_params(model);
	double		   mean = model_ops(model)->expected(&params, c, t, NULL);
	double		   sum = 0;
	int			   room = FEW_PURCHASES;
	int			   n = 0;
	double		  *p = palloc(room * sizeof(double));

	CheckCountedPurchases(mean);
	model_ops(model)->p_purchases_below(&params, c, room, t, p);
	while (sum < 1 - REST && (n <= mean || p[n - 1] > 1e-17))
	{
		CHECK_FOR_INTERRUPTS();
		CheckCountedPurchases(n);
		if (n == room && room < MORE_PURCHASES)
		{
			p = repalloc(p, (room = MORE_PURCHASES) * sizeof(double));
			model_ops(model)->p_purchases_below(&params, c, room, t, p);
		}
		else if (n == room)
			p = repalloc_huge(p, (room *= 2) * sizeof(double));
		if (n >= MORE_PURCHASES)
			p[n] = model_ops(model)->p_purchases(&params, c, n, t);
		sum += p[n++];
	}
	*count = n;
	return p;
}

/* Where each purchase costs the same for certain: so many times the price. */
static double
price_quantile(const SpendAhead *ahead, double price, double q)
{
	double sum = 0;
	int	   n = 0;

	while (n < ahead->n && (sum += ahead->chances[n]) < q)
		n++;
	return n * price;
}

/*
 * The smallest v with P(spends at most v) >= q, to 1e-9 of it. The odds of v among those who spend at all rise
 * like powers of v at both ends, so that Newton's method on the logarithms of both is nearly at home everywhere;
 * it is kept between ends around the solution, which halves take the place of where it leaves them.
 */
static double
spend_quantile(const SpendAhead *ahead, double q, double spend_per_purchase)
{
	double price = spend_known_price(ahead->kind, ahead->params, ahead->x, ahead->z);
	double none = ahead->chances[0];
	double some = 0; /* P(spends at all) */
	double goal;
	double low = -700;
	double high = 700;
	double at;

	if (none >= q)
		return 0;
	if (price > 0)
		return price_quantile(ahead, price, q);
	for (int n = 1; n < ahead->n; n++)
		some += ahead->chances[n];
	/* what lies beyond the counted chances is not waited for */
	goal = Min(q - none, some * (1 - 1e-15));
	at = log(Max(spend_per_purchase, 1e-6));
	for (int i = 0; i < 200 && high - low > 1e-9; i++)
	{
		double slope;
		double below = spend_ahead_at_most(ahead, exp(at), &slope);
		double above = some - below;
		double step;

		CHECK_FOR_INTERRUPTS();
		if (below >= goal)
			high = at;
		else
			low = at;
		step = below > 0 && above > 0 && slope > 0
				   ? log(goal / (some - goal) * above / below) * below / some * above / slope
				   : NAN;
		if (fabs(step) < 1e-10)
			return exp(at + step);
		at += step;
		if (!(at > low && at < high))
			at = (low + high) / 2;
	}
	return exp(high);
}

/* What a customer will bring, for its quantiles. */
typedef struct ValueAhead
{
	SpendAhead spend;
	double	   spend_per_purchase;
	double	   discount; /* the share of the expected value that it leaves */
} ValueAhead;

/* Chances of numbers of purchases are counted within a time that ends, whatever the discount. */
static double
CheckEnds(double periods)
{
	if (isinf(periods))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a quantile of the value needs a finite end"),
						errhint("crm.clv with a discount rate is the mean until infinity.")));
	return periods;
}

/*
 * Of (purchases, spend, history, as_of, until, annual_discount_rate); false before the
 * first purchase. No quantile above the highest will be asked for.
 */
static bool
value_ahead(FunctionCallInfo fcinfo, double highest, ValueAhead *ahead)
{
	const PurchaseModel *model = CheckPredictingDays(PG_GETARG_PURCHASE_MODEL(0));
	const SpendModel	*spend = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(1));
	PurchaseParams		 params = model_params(model);
	DateADT				 as_of = PG_GETARG_DATEADT(3);
	DateADT				 until = PG_GETARG_DATEADT(4);
	double				 delta = discount_per_unit(PG_GETARG_FLOAT8(5), model->unit_days);
	SpendAhead			*s = &ahead->spend;
	double				 periods;
	double				 t;
	Btyd				 c;
	BtydDays			 days;

	*ahead = (ValueAhead){.spend = {.kind = spend->kind, .params = spend->params}, .discount = 1};
	if (!btyd_at(PG_GETARG_PURCHASES_KNOWN(2, as_of), as_of, &days))
		return false;
	periods = CheckEnds(periods_between(as_of, until, model->unit_days));
	t = model_periods(model, as_of, until, periods);
	c = model_customer(model, &days, as_of);
	s->x = c.x;
	s->z = Max(btyd_mean_spend(&days), 0);
	s->chances = chances_ahead(model, c, t, &s->n);
	if (s->chances[0] < highest) /* not nothing for certain enough */
	{
		double expected = model_ops(model)->expected(&params, c, t, NULL);

		s->norms = palloc_extended(s->n * sizeof(double), MCXT_ALLOC_HUGE);
		spend_ahead_norms(s);
		if (delta > 0 && expected > 0)
			ahead->discount =
				model_discounted(model, &params, c, as_of, until, periods, delta) / expected;
	}
	ahead->spend_per_purchase = expected_spend(spend, c.x, btyd_mean_spend(&days));
	return true;
}

/* A quantile of the value; a negative margin turns the order round, but makes no negative zero. */
static double
value_quantile(const ValueAhead *ahead, double q, double margin)
{
	return CheckValue(
		margin * ahead->discount *
			spend_quantile(&ahead->spend, margin < 0 ? 1 - q : q, ahead->spend_per_purchase) +
		0.0);
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
	double	   level = CheckPart(PG_GETARG_FLOAT8(6), "level");
	double	   margin = CheckMargin(PG_GETARG_FLOAT8(7));
	double	   low = (1 - level) / 2;
	double	   high = (1 + level) / 2;
	Datum	   values[2];
	bool	   nulls[2] = {false, false};
	ValueAhead ahead;

	/* of a negative margin 1 - low is asked for, which need not be high to the last bit */
	if (!value_ahead(fcinfo, Max(high, 1 - low), &ahead))
		PG_RETURN_NULL();
	values[0] = Float8GetDatum(value_quantile(&ahead, low, margin));
	values[1] = Float8GetDatum(value_quantile(&ahead, high, margin));
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}

/* (purchases, spend, history, as_of, until, annual_discount_rate, quantile, margin): one end of such an interval. */
PG_FUNCTION_INFO_V1(crm_clv_quantile);
Datum
crm_clv_quantile(PG_FUNCTION_ARGS)
{
	double	   q = CheckPart(PG_GETARG_FLOAT8(6), "quantile");
	double	   margin = CheckMargin(PG_GETARG_FLOAT8(7));
	ValueAhead ahead;

	if (!value_ahead(fcinfo, Max(q, 1 - q), &ahead))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value_quantile(&ahead, q, margin));
}
