/*
 * purchase_history_ask.c: the questions a purchase_history answers, and its cuts.
 *
 * Dates, recency, tenure and gaps see purchase days only: days with at least
 * one order. Money sees every entry.
 */
#include "crm.h"

#include "history/purchase_history.h"
#include "base/rows.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

/* Day of the first purchase; NULL without one. */
PG_FUNCTION_INFO_V1(crm_first_purchase);
Datum
crm_first_purchase(PG_FUNCTION_ARGS)
{
	PurchaseHistory	  *h = PG_GETARG_PURCHASES_NET(0);
	const PurchaseDay *first = purchase_history_first(h, h->nentries);

	if (first == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(first->day);
}

/* Day of the last purchase; NULL without one. */
PG_FUNCTION_INFO_V1(crm_last_purchase);
Datum
crm_last_purchase(PG_FUNCTION_ARGS)
{
	PurchaseHistory	  *h = PG_GETARG_PURCHASES_NET(0);
	const PurchaseDay *last = purchase_history_last(h, h->nentries);

	if (last == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(last->day);
}

/* Number of orders. */
PG_FUNCTION_INFO_V1(crm_orders);
Datum
crm_orders(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASES_NET(0);

	PG_RETURN_INT64(purchase_history_orders(h, h->nentries));
}

/* Number of days with at least one order. */
PG_FUNCTION_INFO_V1(crm_purchase_days);
Datum
crm_purchase_days(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASES_NET(0);

	PG_RETURN_INT32(purchase_history_days(h, h->nentries));
}

/* Net amount in the currency unit, refunds taken off; exact. */
PG_FUNCTION_INFO_V1(crm_spend);
Datum
crm_spend(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASES_NET(0);

	PG_RETURN_NUMERIC(amount_to_numeric(purchase_history_spend(h, h->nentries)));
}

static Datum
numeric_ratio(Numeric dividend, int64 divisor)
{
	return DirectFunctionCall2(numeric_div, NumericGetDatum(dividend),
							   DirectFunctionCall1(int8_numeric, Int64GetDatum(divisor)));
}

/* Net amount divided by orders, in the currency unit; NULL without orders. */
PG_FUNCTION_INFO_V1(crm_average_order_value);
Datum
crm_average_order_value(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASES_NET(0);
	int64			 orders = purchase_history_orders(h, h->nentries);

	if (orders == 0)
		PG_RETURN_NULL();
	return numeric_ratio(amount_to_numeric(purchase_history_spend(h, h->nentries)), orders);
}

/* Mean days from one purchase day to the next; NULL with fewer than two. */
PG_FUNCTION_INFO_V1(crm_interpurchase_days);
Datum
crm_interpurchase_days(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASES_NET(0);
	int				 days = purchase_history_days(h, h->nentries);
	int64			 span;

	if (days < 2)
		PG_RETURN_NULL();
	span = (int64) purchase_history_last(h, h->nentries)->day -
		   purchase_history_first(h, h->nentries)->day;
	return numeric_ratio(DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(span))),
						 days - 1);
}

/* Whole days from the last purchase at or before as_of to as_of; NULL without one. */
PG_FUNCTION_INFO_V1(crm_recency);
Datum
crm_recency(PG_FUNCTION_ARGS)
{
	DateADT			   as_of = CheckFiniteDate(PG_GETARG_DATEADT(1), "as_of");
	PurchaseHistory	  *h = PG_GETARG_PURCHASES_KNOWN(0, as_of);
	const PurchaseDay *last = purchase_history_last(h, purchase_history_count_until(h, as_of));

	if (last == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(as_of - last->day);
}

/* Whole days from the first purchase to as_of; NULL if that is still to come. */
PG_FUNCTION_INFO_V1(crm_tenure);
Datum
crm_tenure(PG_FUNCTION_ARGS)
{
	DateADT			   as_of = CheckFiniteDate(PG_GETARG_DATEADT(1), "as_of");
	PurchaseHistory	  *h = PG_GETARG_PURCHASES_KNOWN(0, as_of);
	const PurchaseDay *first = purchase_history_first(h, purchase_history_count_until(h, as_of));

	if (first == NULL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(as_of - first->day);
}

/* What happened, and was booked, on or before a day; infinity keeps all. */
PG_FUNCTION_INFO_V1(crm_until);
Datum
crm_until(PG_FUNCTION_ARGS)
{
	PG_RETURN_PURCHASE_HISTORY(
		purchase_history_until(PG_GETARG_PURCHASE_HISTORY(0), PG_GETARG_DATEADT(1)));
}

/* The first or last day within a bound, which dateranges keep in the form [lower, upper). */
static DateADT
day_within(const RangeBound *bound)
{
	DateADT day = DatumGetDateADT(bound->val);

	if (bound->infinite)
		return bound->lower ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
	return bound->lower || DATE_NOT_FINITE(day) ? day : day - 1;
}

/* What was bought on the days of a range, with all that happened to it later. */
PG_FUNCTION_INFO_V1(crm_within);
Datum
crm_within(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASE_HISTORY(0);
	RangeType		*range = PG_GETARG_RANGE_P(1);
	RangeBound		 lower;
	RangeBound		 upper;
	bool			 empty;

	range_deserialize(lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO), range,
					  &lower, &upper, &empty);
	if (empty)
		PG_RETURN_PURCHASE_HISTORY(purchase_history_create(0));
	PG_RETURN_PURCHASE_HISTORY(purchase_history_between(h, day_within(&lower), day_within(&upper)));
}

/*
 * (history [, as_of]): the days with their net amounts as known on a day, without
 * those that net to zero or less; without as_of all that was booked counts.
 */
PG_FUNCTION_INFO_V1(crm_drop_refunded);
Datum
crm_drop_refunded(PG_FUNCTION_ARGS)
{
	bool	has_day = PG_NARGS() > 1;
	DateADT as_of = has_day ? CheckFiniteDate(PG_GETARG_DATEADT(1), "as_of") : DATEVAL_NOEND;
	PurchaseHistory *h = PG_GETARG_PURCHASES_KNOWN(0, as_of);
	int				 n = purchase_history_count_until(h, as_of);
	PurchaseHistory *kept = purchase_history_create(n);

	for (int i = 0; i < n; i++)
		if (h->entries[i].amount > 0)
			kept->entries[kept->nentries++] = h->entries[i];
	PG_RETURN_PURCHASE_HISTORY(purchase_history_copy(kept));
}

/* (history): the same with one purchase for each day that has any, corrections with it. */
PG_FUNCTION_INFO_V1(crm_count_days);
Datum
crm_count_days(PG_FUNCTION_ARGS)
{
	PG_RETURN_PURCHASE_HISTORY(purchase_history_count_days(PG_GETARG_PURCHASE_HISTORY(0)));
}

/* The days as rows (purchased_on, orders, amount), net of all corrections. */
PG_FUNCTION_INFO_V1(crm_purchases);
Datum
crm_purchases(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	PurchaseHistory *h;

	if (SRF_IS_FIRSTCALL())
	{
		h = PG_GETARG_PURCHASES_NET(0);
		rows = rows_start(fcinfo, 0);
		rows->user_fctx = rows_copy_varlena(rows, h);
	}
	rows = SRF_PERCALL_SETUP();
	h = rows->user_fctx;

	if (rows->call_cntr < (uint64) h->nentries)
	{
		const PurchaseDay *entry = &h->entries[rows->call_cntr];
		Datum			   values[3];
		bool			   nulls[3] = {false};

		values[0] = DateADTGetDatum(entry->day);
		values[1] = Int32GetDatum(entry->orders);
		values[2] = NumericGetDatum(amount_to_numeric(entry->amount));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* The corrections as rows (purchased_on, booked_on, orders, amount), by these days. */
PG_FUNCTION_INFO_V1(crm_corrections);
Datum
crm_corrections(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	PurchaseHistory *h;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, 0);
		rows->user_fctx = rows_copy_varlena(rows, PG_GETARG_PURCHASE_HISTORY(0));
	}
	rows = SRF_PERCALL_SETUP();
	h = rows->user_fctx;

	if (rows->call_cntr < (uint64) h->ncorrections)
	{
		const PurchaseCorrection *correction = &purchase_history_corrections(h)[rows->call_cntr];
		Datum					  values[4];
		bool					  nulls[4] = {false};

		values[0] = DateADTGetDatum(correction->day);
		values[1] = DateADTGetDatum(correction->booked);
		values[2] = Int32GetDatum(correction->orders);
		values[3] = NumericGetDatum(amount_to_numeric(correction->amount));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* (history): the day whose corrections take back more than it has, with what it is left with; NULL if there is none. */
PG_FUNCTION_INFO_V1(crm_purchase_history_excess);
Datum
crm_purchase_history_excess(PG_FUNCTION_ARGS)
{
	PurchaseExcess left;

	if (!purchase_history_excess(PG_GETARG_PURCHASE_HISTORY(0), DATEVAL_NOEND, &left))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(
		cstring_to_text(psprintf("%s %lld %s", date_to_text(left.day), (long long) left.orders,
								 amount_to_text(left.amount))));
}

/* Where activity stands between two calls. */
typedef struct Activity
{
	PurchaseHistory *h;
	Period			 period;
	int32			 first_period;
	int32			 last_period; /* before first_period if there is nothing to tell */
	int				 next;		  /* first entry that no row has counted */
	int				 end;		  /* entries until as_of */
	int128			 cumulative;
} Activity;

/* Entries before the first purchase day, which are refunds and fees, count in the first period. */
static void
start_activity(Activity *a, Period period, DateADT as_of)
{
	const PurchaseDay *first;

	a->period = period;
	a->end = purchase_history_count_until(a->h, as_of);
	first = purchase_history_first(a->h, a->end);
	a->first_period = first == NULL ? 0 : period_number(period, first->day);
	a->last_period = first == NULL ? -1 : period_number(period, as_of);
}

/* The calendar periods from the first purchase to as_of, those without orders included. */
static Datum
activity(FunctionCallInfo fcinfo, int as_of_arg, int period_arg)
{
	FuncCallContext *rows;
	Activity		*a;
	int64			 period;

	if (SRF_IS_FIRSTCALL())
	{
		Period	asked = period_from_text(PG_GETARG_TEXT_PP(period_arg));
		DateADT as_of = CheckFiniteDate(PG_GETARG_DATEADT(as_of_arg), "as_of");

		rows = rows_start(fcinfo, sizeof(Activity));
		a = rows->user_fctx;
		a->h = rows_copy_varlena(rows, PG_GETARG_PURCHASES_BY(0, as_of, 3));
		start_activity(a, asked, as_of);
	}
	rows = SRF_PERCALL_SETUP();
	a = rows->user_fctx;

	period = a->first_period + (int64) rows->call_cntr;
	if (period <= a->last_period)
	{
		Datum  values[5];
		bool   nulls[5] = {false};
		int64  orders = 0;
		int128 amount = 0;

		for (; a->next < a->end && period_number(a->period, a->h->entries[a->next].day) <= period;
			 a->next++)
		{
			orders += a->h->entries[a->next].orders;
			amount += a->h->entries[a->next].amount;
		}
		a->cumulative += amount;

		values[0] = DateADTGetDatum(period_first_day(a->period, (int32) period));
		values[1] = Int32GetDatum((int32) rows->call_cntr);
		values[2] = Int64GetDatum(orders);
		values[3] = NumericGetDatum(amount_to_numeric(amount));
		values[4] = NumericGetDatum(amount_to_numeric(a->cumulative));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* (history, as_of, period [, by]) */
PG_FUNCTION_INFO_V1(crm_activity_as_of);
Datum
crm_activity_as_of(PG_FUNCTION_ARGS)
{
	return activity(fcinfo, 1, 2);
}

/* The arguments as they stood before 0.3.0. */
PG_FUNCTION_INFO_V1(crm_activity);
Datum
crm_activity(PG_FUNCTION_ARGS)
{
	return activity(fcinfo, 2, 1);
}
