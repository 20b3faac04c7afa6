/*
 * whale_curve_ask.c: the questions a whale_curve answers.
 *
 * Customers are ranked from the most to the least profitable; their profits
 * are cumulated in that order, so that the curve climbs over the profit makers
 * to its peak and falls over the loss makers to the total. Where a rank lies
 * within a bucket, its customers count with their mean profit.
 */
#include "crm.h"

#include "base/rows.h"
#include "portfolio/whale_curve.h"

#define NDECILES 10
#define MAX_STEPS 100000

/* Customers counted. */
int64
whale_curve_customers(const WhaleCurve *curve)
{
	int64 customers = 0;

	for (int i = 0; i < curve->ngroups; i++)
		customers += curve->groups[i].customers;
	return customers;
}

/* Sum of all profits, in 1/10000; exact. */
int128
whale_curve_total(const WhaleCurve *curve)
{
	int128 total = 0;

	for (int i = 0; i < curve->ngroups; i++)
		total += curve->groups[i].sum;
	return total;
}

/* Where a walk from the most profitable customer down stands. */
typedef struct Walk
{
	const WhaleCurve *curve;
	int				  group;	 /* the group it is in, and below it 0 */
	int64			  passed;	 /* customers of the groups above */
	int128			  profit;	 /* of them */
	int64			  customers; /* all */
	int128			  total;
} Walk;

static void
walk_start(Walk *walk, const WhaleCurve *curve)
{
	walk->curve = curve;
	walk->group = curve->ngroups - 1;
	walk->passed = 0;
	walk->profit = 0;
	walk->customers = whale_curve_customers(curve);
	walk->total = whale_curve_total(curve);
}

/* Profit of that many of the most profitable customers, no fewer than asked for before. */
static int128
walk_to(Walk *walk, int64 customers)
{
	const ProfitGroup *group;

	while (walk->group >= 0 &&
		   walk->passed + walk->curve->groups[walk->group].customers <= customers)
	{
		walk->passed += walk->curve->groups[walk->group].customers;
		walk->profit += walk->curve->groups[walk->group].sum;
		walk->group--;
	}
	if (walk->passed == customers || walk->group < 0)
		return walk->profit;
	group = &walk->curve->groups[walk->group];
	return walk->profit + (int128) group->sum * (customers - walk->passed) / group->customers;
}

/* Profit of that many of the most profitable customers, in 1/10000. */
int128
whale_curve_top(const WhaleCurve *curve, int64 customers)
{
	Walk walk;

	walk_start(&walk, curve);
	return walk_to(&walk, customers);
}

/* A part of the total, NULL if that is not positive. */
static Datum
share_of(int128 part, int128 total, bool *null)
{
	*null = total <= 0;
	return Float8GetDatum(*null ? 0 : (double) part / (double) total);
}

PG_FUNCTION_INFO_V1(crm_whale_curve_customers);
Datum
crm_whale_curve_customers(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(whale_curve_customers(whale_curve_settled(PG_GETARG_WHALE_CURVE(0))));
}

PG_FUNCTION_INFO_V1(crm_whale_curve_profit);
Datum
crm_whale_curve_profit(PG_FUNCTION_ARGS)
{
	const WhaleCurve *curve = whale_curve_settled(PG_GETARG_WHALE_CURVE(0));

	PG_RETURN_NUMERIC(amount_to_numeric(whale_curve_total(curve)));
}

/* A curve is drawn in some steps. */
static inline int
CheckSteps(int steps)
{
	if (steps < 1 || steps > MAX_STEPS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of steps %d is out of range", steps),
						errdetail("A curve is drawn in 1 to %d steps.", MAX_STEPS)));
	return steps;
}

typedef struct PointRows
{
	Walk  walk;
	int	  steps;
	int	  step;
	int64 before; /* customers of the row before */
} PointRows;

static WhaleCurve *
copy_settled(FuncCallContext *rows, FunctionCallInfo fcinfo)
{
	return rows_copy_varlena(rows, whale_curve_settled(PG_GETARG_WHALE_CURVE(0)));
}

/*
 * The curve as rows (customers, customer_share, profit, profit_share) from
 * (0, 0) to all customers, at every 1 / steps of them, rounded up.
 */
PG_FUNCTION_INFO_V1(crm_whale_curve_points);
Datum
crm_whale_curve_points(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	PointRows		*p;

	if (SRF_IS_FIRSTCALL())
	{
		int steps = CheckSteps(PG_GETARG_INT32(1));

		rows = rows_start(fcinfo, sizeof(PointRows));
		p = rows->user_fctx;
		walk_start(&p->walk, copy_settled(rows, fcinfo));
		p->steps = steps;
		p->before = -1;
	}
	rows = SRF_PERCALL_SETUP();
	p = rows->user_fctx;

	while (p->step <= p->steps)
	{
		int128 scaled = (int128) p->walk.customers * p->step++;
		int64  customers = (int64) ((scaled + p->steps - 1) / p->steps);
		int128 profit;
		Datum  values[4];
		bool   nulls[4] = {false};

		if (customers == p->before)
			continue;
		p->before = customers;
		profit = walk_to(&p->walk, customers);
		values[0] = Int64GetDatum(customers);
		values[1] = Float8GetDatum((double) customers / p->walk.customers);
		values[2] = NumericGetDatum(amount_to_numeric(profit));
		values[3] = share_of(profit, p->walk.total, &nulls[3]);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* Where the curve is highest: behind the last customer who brings a profit. */
PG_FUNCTION_INFO_V1(crm_whale_peak);
Datum
crm_whale_peak(PG_FUNCTION_ARGS)
{
	const WhaleCurve *curve = whale_curve_settled(PG_GETARG_WHALE_CURVE(0));
	int64			  customers = 0;
	int128			  profit = 0;
	Datum			  values[4];
	bool			  nulls[4] = {false};

	for (int i = curve->ngroups - 1; i >= 0 && curve->groups[i].profit > 0; i--)
	{
		customers += curve->groups[i].customers;
		profit += curve->groups[i].sum;
	}
	values[0] = Int64GetDatum(customers);
	values[1] = Float8GetDatum((double) customers / whale_curve_customers(curve));
	values[2] = NumericGetDatum(amount_to_numeric(profit));
	values[3] = share_of(profit, whale_curve_total(curve), &nulls[3]);
	return row_result(fcinfo, values, nulls);
}

typedef struct DecileRows
{
	Walk   walk;
	int64  customers; /* of the deciles before */
	int128 profit;
} DecileRows;

/*
 * The tenths of the customers, the most profitable first; as ntile does, the
 * first ones hold one customer more where ten does not divide their number.
 */
PG_FUNCTION_INFO_V1(crm_deciles);
Datum
crm_deciles(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	DecileRows		*d;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(DecileRows));
		d = rows->user_fctx;
		walk_start(&d->walk, copy_settled(rows, fcinfo));
	}
	rows = SRF_PERCALL_SETUP();
	d = rows->user_fctx;

	if (rows->call_cntr < (uint64) Min(NDECILES, d->walk.customers))
	{
		int64  decile = (int64) rows->call_cntr;
		int64  n = d->walk.customers / NDECILES + (decile < d->walk.customers % NDECILES);
		int128 before = d->profit;
		Datum  values[6];
		bool   nulls[6] = {false};

		d->customers += n;
		d->profit = walk_to(&d->walk, d->customers);
		values[0] = Int32GetDatum((int32) decile + 1);
		values[1] = Int64GetDatum(n);
		values[2] = NumericGetDatum(amount_to_numeric(d->profit - before));
		values[3] = share_of(d->profit - before, d->walk.total, &nulls[3]);
		values[4] = NumericGetDatum(amount_to_numeric(d->profit));
		values[5] = share_of(d->profit, d->walk.total, &nulls[5]);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
