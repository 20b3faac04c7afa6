/*
 * survival.c: the type survival_curve: how long it takes until something
 * happens, of customers to whom it may not have happened yet.
 *
 * A survival_curve is an AgeCounts in days: happened counts those to whom it
 * happened on that day after their start, ended those last seen on it without
 * (censored). The estimate is that of Kaplan and Meier (1958): with n at risk
 * and d events on a day, survival is the product of 1 - d / n over the days so
 * far; those censored on a day are still at risk on it. Its standard error is
 * Greenwood's: survival times the root of the sum of d / (n (n - d)).
 *
 * The text form is "{14 20 3, 15 18 0}": day, events and censored, days
 * ascending, those without either left out.
 */
#include "crm.h"

#include <math.h>

#include "base/shares.h"
#include "base/aggregate.h"
#include "retention/age_counts.h"
#include "common/int.h"
#include "base/value.h"
#include "miscadmin.h"
#include "history/purchase_history.h"
#include "base/rows.h"
#include "base/scan.h"
#include "utils/builtins.h"

/* The most days that can lie between two dates. */
#define MAX_DAYS (DATE_END_JULIAN - DATETIME_MIN_JULIAN - 1)
/* Survival of 0.5 is found although the product of the steps misses it by some last bits. */
#define SHARE_TOLERANCE 1e-12

/* A duration is a number of days that can lie between two dates. */
static inline void
CheckDays(int64 days)
{
	if (unlikely(days < 0 || days > MAX_DAYS))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("duration of %lld days is out of range", (long long) days)));
}

/* The state with one customer more. */
static AgeCounts *
count_duration(AgeCounts *state, int64 days, bool happened)
{
	CheckDays(days);
	if (state == NULL)
		state = age_counts_create(15);
	state = age_counts_reach(state, (int) days);
	if (happened)
		state->ages[days].happened++;
	else
		state->ages[days].ended++;
	return state;
}

/* Counts (days, happened); a row with a NULL is left out. */
PG_FUNCTION_INFO_V1(crm_survival_transition);
Datum
crm_survival_transition(PG_FUNCTION_ARGS)
{
	AgeCounts *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_AGE_COUNTS(0);

	(void) CheckInAggregate(fcinfo);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		state = count_duration(state, PG_GETARG_INT32(1), PG_GETARG_BOOL(2));
	return state_or_null(fcinfo, state);
}

/* The next purchase day among entries, or their end. */
static inline const PurchaseDay *
next_purchase(const PurchaseDay *at, const PurchaseDay *end)
{
	while (at < end && at->orders == 0)
		at++;
	return at;
}

/* Counts the days from the n-th purchase day of a history to the one after, or to as_of. */
static AgeCounts *
count_purchase_after(AgeCounts *state, const PurchaseHistory *h, DateADT as_of, int nth)
{
	const PurchaseDay *end = h->entries + purchase_history_count_until(h, as_of);
	const PurchaseDay *from = next_purchase(h->entries, end);
	const PurchaseDay *next;

	for (int i = 1; i < nth && from < end; i++)
		from = next_purchase(from + 1, end);
	if (from >= end)
		return state;
	next = next_purchase(from + 1, end);
	if (next < end)
		return count_duration(state, next->day - from->day, true);
	return count_duration(state, as_of - from->day, false);
}

/* Purchase days are counted from the first. */
static inline int
CheckNth(int nth)
{
	if (unlikely(nth < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no purchase day %d", nth),
						errhint("The first purchase day is 1.")));
	return nth;
}

/* (state, history, as_of [, nth]); without nth from the first purchase day to the second. */
PG_FUNCTION_INFO_V1(crm_second_purchase_transition);
Datum
crm_second_purchase_transition(PG_FUNCTION_ARGS)
{
	AgeCounts *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_AGE_COUNTS(0);

	(void) CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of cannot be null")));
	if (PG_NARGS() > 3 && PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("nth cannot be null")));
	if (!PG_ARGISNULL(1))
	{
		DateADT as_of = CheckFiniteDate(PG_GETARG_DATEADT(2), "as_of");
		int		nth = PG_NARGS() > 3 ? CheckNth(PG_GETARG_INT32(3)) : 1;

		state = count_purchase_after(state, PG_GETARG_PURCHASES_KNOWN(1, as_of), as_of, nth);
	}
	return state_or_null(fcinfo, state);
}

PG_FUNCTION_INFO_V1(crm_survival_final);
Datum
crm_survival_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_AGE_COUNTS(age_counts_trim(PG_GETARG_AGE_COUNTS(0)));
}

/* a + b, and the combine function: the customers of both. */
PG_FUNCTION_INFO_V1(crm_survival_curve_plus);
Datum
crm_survival_curve_plus(PG_FUNCTION_ARGS)
{
	PG_RETURN_AGE_COUNTS(age_counts_plus(PG_GETARG_AGE_COUNTS(0), PG_GETARG_AGE_COUNTS(1)));
}

/* All customers counted from a day on; errors beyond what a bigint holds. */
static int64
customers_from(const AgeCounts *curve, int day)
{
	int64 customers = 0;

	for (int i = day; i < curve->nages; i++)
		if (pg_add_s64_overflow(customers, curve->ages[i].ended, &customers) ||
			pg_add_s64_overflow(customers, curve->ages[i].happened, &customers))
			age_counts_overflow();
	return customers;
}

/* Counts that came from outside are not negative and add up. */
static AgeCounts *
CheckCounts(AgeCounts *curve, int sqlstate)
{
	for (int i = 0; i < curve->nages; i++)
		if (curve->ages[i].ended < 0 || curve->ages[i].happened < 0)
			ereport(ERROR,
					(errcode(sqlstate), errmsg("survival_curve counts fewer than no customers on "
											   "day %d",
											   i)));
	customers_from(curve, 0);
	return curve;
}

PG_FUNCTION_INFO_V1(crm_survival_curve_in);
Datum
crm_survival_curve_in(PG_FUNCTION_ARGS)
{
	Scanner	   s = scan_start("survival_curve", PG_GETARG_CSTRING(0));
	AgeCounts *curve = age_counts_create(0);

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			const Scanner here = s;
			int64		  day = scan_int64(&s);

			CheckDays(day);
			if (day < curve->nages)
				scan_error(&here, "days in ascending order");
			curve = age_counts_reach(curve, (int) day);
			curve->ages[day].happened = scan_int64(&s);
			curve->ages[day].ended = scan_int64(&s);
			CHECK_FOR_INTERRUPTS();
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);
	PG_RETURN_AGE_COUNTS(age_counts_trim(CheckCounts(curve, ERRCODE_INVALID_TEXT_REPRESENTATION)));
}

static inline bool
counts_somebody(const AgeCount *day)
{
	return day->happened != 0 || day->ended != 0;
}

PG_FUNCTION_INFO_V1(crm_survival_curve_out);
Datum
crm_survival_curve_out(PG_FUNCTION_ARGS)
{
	AgeCounts	  *curve = PG_GETARG_AGE_COUNTS(0);
	StringInfoData out;
	const char	  *separator = "";

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < curve->nages; i++)
		if (counts_somebody(&curve->ages[i]))
		{
			appendStringInfo(&out, "%s%d %lld %lld", separator, i,
							 (long long) curve->ages[i].happened, (long long) curve->ages[i].ended);
			separator = ", ";
		}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_survival_curve_send);
Datum
crm_survival_curve_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(age_counts_send(PG_GETARG_AGE_COUNTS(0)));
}

/* The header says nothing but the version, and the last day counts somebody. */
static inline void
CheckHeader(const AgeCounts *curve)
{
	if (curve->unit != PERIOD_DAY || curve->basis != 0 || curve->as_of != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unsupported survival_curve header")));
}

PG_FUNCTION_INFO_V1(crm_survival_curve_recv);
Datum
crm_survival_curve_recv(PG_FUNCTION_ARGS)
{
	AgeCounts *curve = age_counts_recv((StringInfo) PG_GETARG_POINTER(0), "survival_curve");

	CheckHeader(curve);
	CheckCounts(curve, ERRCODE_INVALID_BINARY_REPRESENTATION);
	PG_RETURN_AGE_COUNTS(age_counts_trim(curve));
}

VALUE_FUNCTIONS(survival_curve, age_counts_order, age_counts_content);

/* Where the estimate stands as it goes through the days. */
typedef struct KaplanMeier
{
	AgeCounts *curve;
	int		   day;		  /* the next day to look at */
	int64	   at_risk;	  /* on it */
	double	   survival;  /* up to the day before */
	double	   greenwood; /* sum of d / (n (n - d)) */
} KaplanMeier;

static void
kaplan_meier_start(KaplanMeier *km, AgeCounts *curve)
{
	km->curve = curve;
	km->day = 0;
	km->at_risk = customers_from(curve, 0);
	km->survival = 1;
	km->greenwood = 0;
}

/* Takes in one day. */
static void
kaplan_meier_step(KaplanMeier *km)
{
	const AgeCount *day = &km->curve->ages[km->day++];

	if (day->happened > 0)
	{
		double n = (double) km->at_risk;
		double d = (double) day->happened;

		km->survival *= (double) (km->at_risk - day->happened) / n;
		if (km->at_risk > day->happened)
			km->greenwood += d / (n * (n - d));
	}
	km->at_risk -= day->happened + day->ended;
}

/* The curve as rows (days, at_risk, happened, censored, survival, standard_error), by day. */
PG_FUNCTION_INFO_V1(crm_survival_points);
Datum
crm_survival_points(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	KaplanMeier		*km;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(KaplanMeier));
		kaplan_meier_start(rows->user_fctx, rows_copy_varlena(rows, PG_GETARG_AGE_COUNTS(0)));
	}
	rows = SRF_PERCALL_SETUP();
	km = rows->user_fctx;

	while (km->day < km->curve->nages && !counts_somebody(&km->curve->ages[km->day]))
		km->day++;
	if (km->day < km->curve->nages)
	{
		const AgeCount *day = &km->curve->ages[km->day];
		Datum			values[7];
		bool			nulls[7] = {false};

		values[0] = Int32GetDatum(km->day);
		values[1] = Int64GetDatum(km->at_risk);
		values[2] = Int64GetDatum(day->happened);
		values[3] = Int64GetDatum(day->ended);
		kaplan_meier_step(km);
		values[4] = Float8GetDatum(km->survival);
		values[5] = Float8GetDatum(1 - km->survival);
		values[6] = Float8GetDatum(km->survival * sqrt(km->greenwood));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/*
 * The share of customers to whom it has not happened within some days; NULL
 * beyond the last day observed unless it happened to all.
 */
PG_FUNCTION_INFO_V1(crm_survival);
Datum
crm_survival(PG_FUNCTION_ARGS)
{
	AgeCounts  *curve = PG_GETARG_AGE_COUNTS(0);
	int			days = PG_GETARG_INT32(1);
	KaplanMeier km;

	CheckDays(days);
	kaplan_meier_start(&km, curve);
	if (km.at_risk == 0)
		PG_RETURN_NULL();
	while (km.day < curve->nages && km.day <= days)
		kaplan_meier_step(&km);
	if (days >= curve->nages && km.survival > 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(km.survival);
}

/* The first day by which it has happened to a share of the customers; NULL if it never has. */
PG_FUNCTION_INFO_V1(crm_survival_days);
Datum
crm_survival_days(PG_FUNCTION_ARGS)
{
	AgeCounts  *curve = PG_GETARG_AGE_COUNTS(0);
	double		share = PG_GETARG_FLOAT8(1);
	KaplanMeier km;

	CheckSomeShare(share, "quantile");
	kaplan_meier_start(&km, curve);
	while (km.day < curve->nages)
	{
		kaplan_meier_step(&km);
		if (1 - km.survival >= share - SHARE_TOLERANCE)
			PG_RETURN_INT32(km.day - 1);
	}
	PG_RETURN_NULL();
}

/* The share of customers to whom it has happened so far, however short they were seen. */
PG_FUNCTION_INFO_V1(crm_repeat_rate);
Datum
crm_repeat_rate(PG_FUNCTION_ARGS)
{
	AgeCounts *curve = PG_GETARG_AGE_COUNTS(0);
	int64	   customers = customers_from(curve, 0);
	int64	   happened = 0;

	if (customers == 0)
		PG_RETURN_NULL();
	for (int i = 0; i < curve->nages; i++)
		happened += curve->ages[i].happened;
	PG_RETURN_FLOAT8((double) happened / customers);
}
