/*
 * renewals.c: the type renewal_curve, from contracts or from counts.
 *
 * The text form is "year {0 0 5, 1 369 2}": the period, then age, customers lost
 * in that period and customers still there after so many renewals, ages
 * ascending, those of nobody left out.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "base/calendar.h"
#include "base/rows.h"
#include "base/scan.h"
#include "base/value.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "lifetime/renewals.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

/* All customers of an age on; errors beyond what a bigint holds. */
int64
renewal_curve_customers(const AgeCounts *curve, int from)
{
	int64 customers = 0;

	for (int i = from; i < curve->nages; i++)
		if (pg_add_s64_overflow(customers, curve->ages[i].ended, &customers) ||
			pg_add_s64_overflow(customers, curve->ages[i].happened, &customers))
			age_counts_overflow();
	return customers;
}

/* Counts that came from outside are not negative, add up, and nobody is lost before the first period. */
static AgeCounts *
CheckRenewals(AgeCounts *curve, int sqlstate)
{
	for (int i = 0; i < curve->nages; i++)
		if (curve->ages[i].ended < 0 || curve->ages[i].happened < 0)
			ereport(ERROR, (errcode(sqlstate),
							errmsg("renewal_curve counts fewer than no customers at age %d", i)));
	if (curve->nages > 0 && curve->ages[0].happened != 0)
		ereport(ERROR, (errcode(sqlstate), errmsg("renewal_curve loses customers at age 0"),
						errdetail("The first period is 1.")));
	renewal_curve_customers(curve, 0);
	return curve;
}

/* Ages of different lengths do not add. */
static inline void
CheckSamePeriod(PeriodUnit a, PeriodUnit b)
{
	if (unlikely(a != b))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("renewals need the same period in every row"),
				 errdetail("One has %s, another %s.", period_unit_name(a), period_unit_name(b))));
}

/* Where the contracts of one customer begin and end, of those begun by a day. */
typedef struct Tenure
{
	DateADT begins;
	DateADT ends; /* the first day without; 'infinity' if it is open */
	bool	known;
} Tenure;

/* Takes in one contract; one that begins after as_of is not known yet. */
static void
take_contract(Tenure *tenure, RangeType *contract, DateADT as_of)
{
	RangeBound lower;
	RangeBound upper;
	bool	   empty;
	DateADT	   begins;
	DateADT	   ends;

	range_deserialize(lookup_type_cache(RangeTypeGetOid(contract), TYPECACHE_RANGE_INFO), contract,
					  &lower, &upper, &empty);
	if (empty)
		return;
	if (lower.infinite || DATE_NOT_FINITE(DatumGetDateADT(lower.val)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("contract has no beginning"),
				 errdetail("How often it was renewed cannot be told.")));
	begins = DatumGetDateADT(lower.val);
	ends = upper.infinite ? DATEVAL_NOEND : DatumGetDateADT(upper.val);
	if (begins > as_of)
		return;
	tenure->begins = tenure->known ? Min(tenure->begins, begins) : begins;
	tenure->ends = tenure->known ? Max(tenure->ends, ends) : ends;
	tenure->known = true;
}

/* From the first contract to the last: who left and came back is one customer who stayed. */
static Tenure
tenure_of(ArrayType *contracts, DateADT as_of)
{
	Tenure tenure = {0};
	int16  typlen;
	bool   typbyval;
	char   typalign;
	Datum *values;
	bool  *nulls;
	int	   n;

	get_typlenbyvalalign(ARR_ELEMTYPE(contracts), &typlen, &typbyval, &typalign);
	deconstruct_array(contracts, ARR_ELEMTYPE(contracts), typlen, typbyval, typalign, &values,
					  &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			take_contract(&tenure, DatumGetRangeTypeP(values[i]), as_of);
	return tenure;
}

/* The state of an aggregate over this period, made with its first row. */
static AgeCounts *
state_of(FunctionCallInfo fcinfo, PeriodUnit unit)
{
	AgeCounts *state;

	if (!PG_ARGISNULL(0))
	{
		state = PG_GETARG_AGE_COUNTS(0);
		CheckSamePeriod(state->unit, unit);
		return state;
	}
	state = age_counts_create(15);
	state->unit = unit;
	return state;
}

/*
 * (state, contracts, as_of, period): one customer. One whose last contract ends by as_of was
 * lost in the period that its last day lies in; any other is still there.
 */
PG_FUNCTION_INFO_V1(crm_renewals_transition);
Datum
crm_renewals_transition(PG_FUNCTION_ARGS)
{
	AgeCounts *state;
	PeriodUnit unit;
	DateADT	   as_of;
	Tenure	   tenure;
	bool	   lost;
	int		   age;

	(void) CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s cannot be null", PG_ARGISNULL(2) ? "as_of" : "period")));
	as_of = CheckFiniteDate(PG_GETARG_DATEADT(2), "as_of");
	unit = period_unit_from_text(PG_GETARG_TEXT_PP(3));
	state = state_of(fcinfo, unit);
	if (PG_ARGISNULL(1))
		PG_RETURN_AGE_COUNTS(state);
	tenure = tenure_of(PG_GETARG_ARRAYTYPE_P(1), as_of);
	if (!tenure.known)
		PG_RETURN_AGE_COUNTS(state);
	lost = tenure.ends <= as_of;
	age = lost ? period_age(unit, tenure.begins, tenure.ends - 1) + 1
			   : period_age(unit, tenure.begins, as_of);
	state = age_counts_reach(state, age);
	if (lost)
		state->ages[age].happened++;
	else
		state->ages[age].ended++;
	PG_RETURN_AGE_COUNTS(state);
}

PG_FUNCTION_INFO_V1(crm_renewals_final);
Datum
crm_renewals_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_AGE_COUNTS(age_counts_trim(PG_GETARG_AGE_COUNTS(0)));
}

/* a + b, and the combine function: the customers of both. */
PG_FUNCTION_INFO_V1(crm_renewal_curve_plus);
Datum
crm_renewal_curve_plus(PG_FUNCTION_ARGS)
{
	AgeCounts *a = PG_GETARG_AGE_COUNTS(0);
	AgeCounts *b = PG_GETARG_AGE_COUNTS(1);

	CheckSamePeriod(a->unit, b->unit);
	PG_RETURN_AGE_COUNTS(age_counts_plus(a, b));
}

/* A period that is not over by as_of has lost nobody for certain. */
static void
CheckPeriodsOver(int periods, PeriodUnit unit, DateADT began, DateADT as_of)
{
	int over;

	CheckFiniteDate(began, "began_on");
	CheckFiniteDate(as_of, "as_of");
	over = as_of < began ? 0 : period_age(unit, began, as_of);
	if (periods > over)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the last count is of a period that is not over on %s", date_to_text(as_of)),
			 errdetail("Of a cohort that began on %s %d renewals are due by then, and %d counts "
					   "were given after the first.",
					   date_to_text(began), over, periods),
			 errhint("Leave out the counts of periods that are not over: nobody is lost in "
					 "them yet.")));
}

/* The customers of a cohort can only grow fewer. */
static inline void
CheckFewer(int64 before, int64 now, int renewals)
{
	if (now < 0 || before < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a cohort counts fewer than no customers")));
	if (now > before)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a cohort grows from %lld to %lld customers at renewal %d", (long long) before,
					(long long) now, renewals),
			 errdetail("A customer whose contract ended is lost for good."),
			 errhint("The share of a shop's customers who buy again in a period is no retention "
					 "rate: for a shop without contracts use crm.fit_bg_nbd or "
					 "crm.fit_pareto_nbd over purchase histories.")));
}

/* (customers, period, began_on, as_of): one cohort by counts, its size first. */
PG_FUNCTION_INFO_V1(crm_renewal_curve);
Datum
crm_renewal_curve(PG_FUNCTION_ARGS)
{
	ArrayType *array;
	AgeCounts *curve;
	Datum	  *counts;
	bool	  *nulls;
	int		   n;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	array = PG_GETARG_ARRAYTYPE_P(0);
	deconstruct_array(array, INT8OID, 8, FLOAT8PASSBYVAL, 'd', &counts, &nulls, &n);
	if (ARR_NDIM(array) > 1 || n == 0 || array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("customers is a list of counts, the size of the cohort first")));
	curve = age_counts_create(0);
	curve->unit = period_unit_from_text(PG_GETARG_TEXT_PP(1));
	if (PG_ARGISNULL(2) != PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("began_on and as_of are given together or not at all")));
	if (!PG_ARGISNULL(2))
		CheckPeriodsOver(n - 1, curve->unit, PG_GETARG_DATEADT(2), PG_GETARG_DATEADT(3));
	curve = age_counts_reach(curve, n - 1);
	CheckFewer(DatumGetInt64(counts[0]), 0, 0);
	for (int i = 1; i < n; i++)
	{
		CheckFewer(DatumGetInt64(counts[i - 1]), DatumGetInt64(counts[i]), i);
		curve->ages[i].happened = DatumGetInt64(counts[i - 1]) - DatumGetInt64(counts[i]);
	}
	curve->ages[n - 1].ended = DatumGetInt64(counts[n - 1]);
	PG_RETURN_AGE_COUNTS(age_counts_trim(curve));
}

/* The period that a text form begins with. */
static PeriodUnit
scan_period(Scanner *s)
{
	for (PeriodUnit unit = PERIOD_DAY; unit <= PERIOD_YEAR; unit++)
		if (scan_try_word(s, period_unit_name(unit)))
			return unit;
	scan_error(s, "day, week, month, quarter or year");
	pg_unreachable();
}

PG_FUNCTION_INFO_V1(crm_renewal_curve_in);
Datum
crm_renewal_curve_in(PG_FUNCTION_ARGS)
{
	Scanner	   s = scan_start("renewal_curve", PG_GETARG_CSTRING(0));
	AgeCounts *curve = age_counts_create(0);

	curve->unit = scan_period(&s);
	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			const Scanner here = s;
			int64		  age = scan_int64(&s);

			if (age < curve->nages || age > PG_INT32_MAX)
				scan_error(&here, "ages in ascending order");
			curve = age_counts_reach(curve, (int) age);
			curve->ages[age].happened = scan_int64(&s);
			curve->ages[age].ended = scan_int64(&s);
			CHECK_FOR_INTERRUPTS();
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);
	PG_RETURN_AGE_COUNTS(
		age_counts_trim(CheckRenewals(curve, ERRCODE_INVALID_TEXT_REPRESENTATION)));
}

static inline bool
counts_somebody(const AgeCount *age)
{
	return age->happened != 0 || age->ended != 0;
}

PG_FUNCTION_INFO_V1(crm_renewal_curve_out);
Datum
crm_renewal_curve_out(PG_FUNCTION_ARGS)
{
	AgeCounts	  *curve = PG_GETARG_AGE_COUNTS(0);
	StringInfoData out;
	const char	  *separator = "";

	initStringInfo(&out);
	appendStringInfo(&out, "%s {", period_unit_name(curve->unit));
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

PG_FUNCTION_INFO_V1(crm_renewal_curve_send);
Datum
crm_renewal_curve_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(age_counts_send(PG_GETARG_AGE_COUNTS(0)));
}

PG_FUNCTION_INFO_V1(crm_renewal_curve_recv);
Datum
crm_renewal_curve_recv(PG_FUNCTION_ARGS)
{
	AgeCounts *curve = age_counts_recv((StringInfo) PG_GETARG_POINTER(0), "renewal_curve");

	if (curve->unit > PERIOD_YEAR || curve->basis != 0 || curve->as_of != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unsupported renewal_curve header")));
	CheckRenewals(curve, ERRCODE_INVALID_BINARY_REPRESENTATION);
	PG_RETURN_AGE_COUNTS(age_counts_trim(curve));
}

VALUE_FUNCTIONS(renewal_curve, age_counts_order, age_counts_content);

/* {"period", "ages": [{"age", "lost", "running"}]}; for tools. */
PG_FUNCTION_INFO_V1(crm_renewal_curve_to_jsonb);
Datum
crm_renewal_curve_to_jsonb(PG_FUNCTION_ARGS)
{
	AgeCounts	  *curve = PG_GETARG_AGE_COUNTS(0);
	StringInfoData json;
	const char	  *separator = "";

	initStringInfo(&json);
	appendStringInfo(&json, "{\"period\":\"%s\",\"ages\":[", period_unit_name(curve->unit));
	for (int i = 0; i < curve->nages; i++)
		if (counts_somebody(&curve->ages[i]))
		{
			appendStringInfo(&json, "%s{\"age\":%d,\"lost\":%lld,\"running\":%lld}", separator, i,
							 (long long) curve->ages[i].happened, (long long) curve->ages[i].ended);
			separator = ",";
		}
	appendStringInfoString(&json, "]}");
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

typedef struct RenewalRows
{
	AgeCounts *curve;
	int		   age;
	int64	   at_risk;
	double	   survival;
} RenewalRows;

/* Rows (renewals, at_risk, lost, running, retention_rate, survival), by renewal that was due. */
PG_FUNCTION_INFO_V1(crm_renewal_points);
Datum
crm_renewal_points(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	RenewalRows		*r;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(RenewalRows));
		r = rows->user_fctx;
		r->curve = rows_copy_varlena(rows, PG_GETARG_AGE_COUNTS(0));
		r->at_risk = renewal_curve_customers(r->curve, 0);
		r->survival = 1;
	}
	rows = SRF_PERCALL_SETUP();
	r = rows->user_fctx;
	if (r->age < r->curve->nages)
	{
		const AgeCount *age = &r->curve->ages[r->age];
		Datum			values[6];
		bool			nulls[6] = {false};
		double kept = r->at_risk > 0 ? (double) (r->at_risk - age->happened) / r->at_risk : 1;

		r->survival *= kept;
		values[0] = Int32GetDatum(r->age++);
		values[1] = Int64GetDatum(r->at_risk);
		values[2] = Int64GetDatum(age->happened);
		values[3] = Int64GetDatum(age->ended);
		values[4] = Float8GetDatum(kept);
		nulls[4] = r->age == 1;
		values[5] = Float8GetDatum(r->survival);
		r->at_risk -= age->happened + age->ended;
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
