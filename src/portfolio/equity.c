/*
 * equity.c: customer equity, the sum of the lifetime values of all customers
 * (Rust, Lemon and Zeithaml 2004), and how few of them hold it.
 *
 * The state is a whale_curve: the sum is exact to 1/10000, and so are the
 * share and the coefficient as long as the curve keeps every value.
 */
#include "crm.h"

#include "base/rows.h"
#include "utils/builtins.h"
#include "portfolio/whale_curve.h"

/* The customers who are a fifth: as concentration, rounded up. */
static inline int64
fifth_of(int64 customers)
{
	return customers / 5 + (customers % 5 != 0);
}

/*
 * The Gini coefficient, as gini has it: the sum of (2 i - n - 1) x_i over the
 * values in ascending order, divided by n times their sum. A group of c equal
 * values behind i others adds (2 i + c - n) times its sum.
 */
static double
gini_of(const WhaleCurve *curve, int64 customers, int128 total)
{
	int128 weighted = 0;
	int64  before = 0;

	for (int i = 0; i < curve->ngroups; i++)
	{
		const ProfitGroup *group = &curve->groups[i];

		weighted += (int128) (2 * before + group->customers - customers) * group->sum;
		before += group->customers;
	}
	return (double) weighted / ((double) customers * (double) total);
}

static Datum
mean_of(int128 total, int64 customers)
{
	return DirectFunctionCall2(numeric_div, NumericGetDatum(amount_to_numeric(total)),
							   DirectFunctionCall1(int8_numeric, Int64GetDatum(customers)));
}

/* A row (customers, equity, mean, share of the best fifth, Gini coefficient). */
PG_FUNCTION_INFO_V1(crm_customer_equity);
Datum
crm_customer_equity(PG_FUNCTION_ARGS)
{
	const WhaleCurve *curve = whale_curve_settled(PG_GETARG_WHALE_CURVE(0));
	int64			  customers = whale_curve_customers(curve);
	int128			  total = whale_curve_total(curve);
	int128			  top = whale_curve_top(curve, fifth_of(customers));
	bool			  owed = curve->groups[0].profit < 0;
	Datum			  values[5];
	bool			  nulls[5] = {false};

	values[0] = Int64GetDatum(customers);
	values[1] = NumericGetDatum(amount_to_numeric(total));
	values[2] = mean_of(total, customers);
	nulls[3] = total <= 0;
	values[3] = Float8GetDatum(nulls[3] ? 0 : (double) top / (double) total);
	nulls[4] = total <= 0 || owed;
	values[4] = Float8GetDatum(nulls[4] ? 0 : gini_of(curve, customers, total));
	return row_result(fcinfo, values, nulls);
}
