/*
 * profit.c: what a customer leaves over, and when an acquisition has paid back.
 */
#include "crm.h"

#include <math.h>

#include "base/amount.h"
#include "base/calendar.h"
#include "history/purchase_history.h"
#include "utils/builtins.h"

static Datum
subtract(Datum a, Datum b)
{
	return DirectFunctionCall2(numeric_sub, a, b);
}

static bool
less(Datum a, Datum b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, a, b));
}

static Datum
numeric_of(int64 value)
{
	return DirectFunctionCall1(int8_numeric, Int64GetDatum(value));
}

static char *
numeric_text(Datum value)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, value));
}

/* Neither NaN nor infinite: only finite numerics have a difference of zero to themselves. */
static Datum
CheckFinite(Datum value, const char *name)
{
	if (DatumGetBool(DirectFunctionCall2(numeric_ne, subtract(value, value), numeric_of(0))))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s %s is not a finite number", name, numeric_text(value))));
	return value;
}

/* Money that is spent or given away. */
static Datum
CheckNotNegative(Datum value, const char *name)
{
	CheckFinite(value, name);
	if (less(value, numeric_of(0)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s %s is negative", name, numeric_text(value))));
	return value;
}

/* Revenue less all costs, in the unit of the arguments; strict, so an unknown cost gives NULL. */
PG_FUNCTION_INFO_V1(crm_contribution);
Datum
crm_contribution(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"cost of goods", "cost to serve", "acquisition cost"};
	Datum					 rest = CheckFinite(PG_GETARG_DATUM(0), "revenue");

	for (int i = 1; i < 4; i++)
		rest = subtract(rest, CheckFinite(PG_GETARG_DATUM(i), names[i - 1]));
	PG_RETURN_DATUM(rest);
}

/* Discount divided by the revenue at list prices; NULL if that is not positive. */
PG_FUNCTION_INFO_V1(crm_discount_share);
Datum
crm_discount_share(PG_FUNCTION_ARGS)
{
	Datum  revenue = CheckFinite(PG_GETARG_DATUM(0), "revenue at list prices");
	Datum  discount = CheckNotNegative(PG_GETARG_DATUM(1), "discount");
	double share;

	if (!less(numeric_of(0), revenue))
		PG_RETURN_NULL();
	share = DatumGetFloat8(DirectFunctionCall1(
		numeric_float8_no_overflow, DirectFunctionCall2(numeric_div, discount, revenue)));
	if (isinf(share))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("discount share is out of range")));
	PG_RETURN_FLOAT8(share);
}

/* The part of an amount that is left after the costs that grow with it. */
static Datum
CheckMargin(Datum margin)
{
	CheckFinite(margin, "margin");
	if (less(margin, numeric_of(0)) || less(numeric_of(1), margin))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("margin %s is out of range", numeric_text(margin)),
						errdetail("A margin is a share of the amount, 0 to 1.")));
	return margin;
}

/*
 * The smallest whole number of ten-thousandths whose margin is the cost, as
 * numeric: cost x 10000 / margin, rounded up, by exact products.
 */
static Datum
amount_needed(Datum margin, Datum cost)
{
	Datum scaled = DirectFunctionCall2(numeric_mul, cost, numeric_of(AMOUNT_SCALE));
	Datum needed = DirectFunctionCall2(numeric_div_trunc, scaled, margin);

	if (less(DirectFunctionCall2(numeric_mul, needed, margin), scaled))
		needed = DirectFunctionCall2(numeric_add, needed, numeric_of(1));
	return needed;
}

/* The first day on which margin x cumulated amount is at least the cost; NULL without one. */
static Datum
payback(FunctionCallInfo fcinfo, Datum margin)
{
	PurchaseHistory *h = PG_GETARG_PURCHASES_NET(0);
	Datum			 cost = CheckNotNegative(PG_GETARG_DATUM(2), "acquisition cost");
	bool			 nothing_left = !less(numeric_of(0), margin);
	Datum			 needed;
	int64			 threshold;
	int128			 cumulated = 0;

	if (nothing_left && less(numeric_of(0), cost))
		PG_RETURN_NULL();
	needed = nothing_left ? numeric_of(0) : amount_needed(margin, cost);
	if (less(numeric_of(PG_INT64_MAX), needed))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("acquisition cost %s at margin %s is out of range",
							   numeric_text(PG_GETARG_DATUM(2)), numeric_text(margin))));
	threshold = DatumGetInt64(DirectFunctionCall1(numeric_int8, needed));

	for (int i = 0; i < h->nentries; i++)
	{
		cumulated += h->entries[i].amount;
		if (nothing_left || cumulated >= threshold)
			PG_RETURN_DATEADT(h->entries[i].day);
	}
	PG_RETURN_NULL();
}

/* (history, margin, acquisition_cost) */
PG_FUNCTION_INFO_V1(crm_payback_on);
Datum
crm_payback_on(PG_FUNCTION_ARGS)
{
	return payback(fcinfo, CheckMargin(NumericGetDatum(numeric_of_share(PG_GETARG_FLOAT8(1)))));
}

/* The margin as it was before 0.3.0, numeric. */
PG_FUNCTION_INFO_V1(crm_payback_day);
Datum
crm_payback_day(PG_FUNCTION_ARGS)
{
	return payback(fcinfo, CheckMargin(PG_GETARG_DATUM(1)));
}
