/*
 * retention.c: the type retention_curve and the aggregate of that name over
 * (history, as_of, period [, basis]).
 *
 * A customer counts at an age only if that whole period of his lies on or
 * before as_of: what is cut off by as_of is left out of observable and active
 * alike, so that a young customer never looks like a lost one. Age 0 is the
 * period of the first purchase, which nothing can cut off: it counts everybody.
 *
 * The text form is "month calendar 1998-06-30 {0 23570 23570, 1 23570 3420}":
 * period, basis, as_of, and of every age the customers observable and active.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "base/names.h"
#include "base/value.h"
#include "miscadmin.h"
#include "history/purchase_history.h"
#include "retention/retention.h"
#include "base/rows.h"
#include "base/scan.h"
#include "utils/builtins.h"

static const char  basis_names[RETENTION_NBASES][16] = {"calendar", "age"};
static const Names bases = NAMES(
	"basis", "Bases",
	"The first counts calendar periods, the second those since the day of the first purchase.", 0,
	basis_names);

/* The age on a day of a customer who first bought on another. */
static inline int32
age_on(const AgeCounts *curve, DateADT first, int32 first_period, DateADT day)
{
	if (curve->basis == BASIS_CALENDAR)
		return period_number(curve->unit, day) - first_period;
	return period_age(PERIOD_UNIT(curve->unit), first, day);
}

/* Counts one customer; the state, or a larger one. */
static AgeCounts *
count_customer(AgeCounts *curve, const PurchaseHistory *h)
{
	int				   n = purchase_history_count_until(h, curve->as_of);
	const PurchaseDay *first = purchase_history_first(h, n);
	int32			   first_period;
	int32			   last_age;
	int32			   counted = 0;

	if (first == NULL)
		return curve;
	first_period = curve->basis == BASIS_CALENDAR ? period_number(curve->unit, first->day) : 0;
	/* The period of an age is over by as_of if the day after is of the next age. */
	last_age = Max(age_on(curve, first->day, first_period, curve->as_of + 1) - 1, 0);

	curve = age_counts_reach(curve, last_age);
	curve->ages[last_age].ended++;
	curve->ages[0].happened++;
	for (const PurchaseDay *at = first + 1; at < h->entries + n; at++)
	{
		int32 age;

		if (at->orders == 0)
			continue;
		age = age_on(curve, first->day, first_period, at->day);
		if (age > last_age)
			break;
		if (age > counted)
			curve->ages[age].happened++;
		counted = age;
	}
	return curve;
}

/* What is counted is a constant of the whole aggregate, and of what is added. */
static inline void
CheckSameCount(const AgeCounts *a, const AgeCounts *b)
{
	if (unlikely(a->unit != b->unit || a->basis != b->basis || a->as_of != b->as_of))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("retention of different periods, bases or days cannot be added"),
				 errdetail("One counts %s %s %s, the other %s %s %s.", period_name(a->unit),
						   basis_names[a->basis], date_to_text(a->as_of), period_name(b->unit),
						   basis_names[b->basis], date_to_text(b->as_of))));
}

/* A null as_of, period or basis would leave no rule. */
static void
CheckGiven(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_NARGS() > arg && PG_ARGISNULL(arg))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s of retention cannot be null", name)));
}

/* The last day seen has a day after it. */
static inline DateADT
CheckAsOf(DateADT as_of)
{
	CheckFiniteDate(as_of, "as_of");
	if (unlikely(!IS_VALID_DATE(as_of) || !IS_VALID_DATE(as_of + 1)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("as_of is out of range")));
	return as_of;
}

/* The transition function, with and without a basis. */
static inline Datum
retention_transition(FunctionCallInfo fcinfo, int as_of_arg, int period_arg)
{
	AgeCounts *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_AGE_COUNTS(0);
	AgeCounts  asked = {0};

	(void) CheckInAggregate(fcinfo);
	CheckGiven(fcinfo, as_of_arg, "as_of");
	CheckGiven(fcinfo, period_arg, "period");
	CheckGiven(fcinfo, 4, "basis");
	asked.unit = period_from_text(PG_GETARG_TEXT_PP(period_arg));
	asked.as_of = CheckAsOf(PG_GETARG_DATEADT(as_of_arg));
	CheckGiven(fcinfo, 5, "by");
	asked.basis = PG_NARGS() > 4 ? names_get_text(&bases, PG_GETARG_TEXT_PP(4)) : BASIS_CALENDAR;

	if (state == NULL)
	{
		SET_VARSIZE(&asked, offsetof(AgeCounts, ages));
		asked.version = AGE_COUNTS_VERSION;
		state = age_counts_reach(age_counts_grow(&asked, 0), 0);
	}
	CheckSameCount(state, &asked);
	if (!PG_ARGISNULL(1))
		state = count_customer(state, PG_GETARG_PURCHASES_BY(1, asked.as_of, 5));
	PG_RETURN_AGE_COUNTS(state);
}

/* (state, history, as_of, period [, basis [, by]]) */
PG_FUNCTION_INFO_V1(crm_retention_curve_transition);
Datum
crm_retention_curve_transition(PG_FUNCTION_ARGS)
{
	return retention_transition(fcinfo, 2, 3);
}

/* The arguments as they stood before 0.3.0. */
PG_FUNCTION_INFO_V1(crm_retention_transition);
Datum
crm_retention_transition(PG_FUNCTION_ARGS)
{
	return retention_transition(fcinfo, 3, 2);
}

/* The curve that a state holds; NULL if it counts nobody. */
PG_FUNCTION_INFO_V1(crm_retention_final);
Datum
crm_retention_final(PG_FUNCTION_ARGS)
{
	AgeCounts *curve = age_counts_trim(PG_GETARG_AGE_COUNTS(0));

	if (curve->nages == 0)
		PG_RETURN_NULL();
	PG_RETURN_AGE_COUNTS(curve);
}

/* a + b, and the combine function: the customers of both. */
PG_FUNCTION_INFO_V1(crm_retention_curve_plus);
Datum
crm_retention_curve_plus(PG_FUNCTION_ARGS)
{
	AgeCounts *a = PG_GETARG_AGE_COUNTS(0);
	AgeCounts *b = PG_GETARG_AGE_COUNTS(1);

	CheckSameCount(a, b);
	PG_RETURN_AGE_COUNTS(age_counts_plus(a, b));
}

/* Customers observable from the last age back to an age, given those of the next one. */
static inline int64
CheckedObservable(const AgeCounts *curve, int age, int64 later)
{
	int64 observable;

	if (pg_add_s64_overflow(later, curve->ages[age].ended, &observable))
		age_counts_overflow();
	return observable;
}

/* Every rule of a value that came from outside, or why it is none. */
static const char *
problem_of(const AgeCounts *curve)
{
	int64 observable = 0;

	if (!period_is_valid(curve->unit) || curve->basis >= RETENTION_NBASES)
		return "unknown period or basis";
	if (!IS_VALID_DATE(curve->as_of) || !IS_VALID_DATE(curve->as_of + 1))
		return "as_of is out of range";
	/* The state of an aggregate that has seen no purchase yet counts nobody, at age 0. */
	if (curve->nages == 1 && curve->ages[0].ended == 0 && curve->ages[0].happened == 0)
		return NULL;
	for (int i = curve->nages - 1; i >= 0; i--)
	{
		if (curve->ages[i].ended < 0)
			return "fewer customers observable at an age than at a later one";
		observable = CheckedObservable(curve, i, observable);
		if (i == curve->nages - 1 && observable == 0)
			return "nobody is observable at the last age";
		if (curve->ages[i].happened < 0 || curve->ages[i].happened > observable)
			return "active customers are not between 0 and those observable";
	}
	if (curve->nages == 0 || curve->ages[0].happened != observable)
		return "not everybody is active at age 0";
	return NULL;
}

static AgeCounts *
CheckCurve(AgeCounts *curve, int sqlstate)
{
	const char *problem = problem_of(curve);

	if (problem != NULL)
		ereport(ERROR, (errcode(sqlstate), errmsg("invalid retention_curve: %s", problem)));
	return curve;
}

PG_FUNCTION_INFO_V1(crm_retention_curve_in);
Datum
crm_retention_curve_in(PG_FUNCTION_ARGS)
{
	Scanner	   s = scan_start("retention_curve", PG_GETARG_CSTRING(0));
	AgeCounts *curve = age_counts_create(0);
	int64	   before = 0;
	int		   age = 0;

	curve->unit = period_from_text(cstring_to_text(scan_name(&s, " \t\r\n")));
	curve->basis = names_get_text(&bases, cstring_to_text(scan_name(&s, " \t\r\n")));
	curve->as_of = CheckAsOf(scan_date(&s));
	scan_char(&s, '{');
	do
	{
		const Scanner here = s;
		int64		  observable;

		if (scan_int64(&s) != age)
			scan_error(&here, "the ages from 0 without gaps");
		observable = scan_int64(&s);
		curve = age_counts_reach(curve, age);
		/* For now the difference to the next age stands one age too late. */
		if (observable < 0 || (age > 0 && observable > before))
			scan_error(&here, "no more customers observable than at the age before");
		if (age > 0)
			curve->ages[age - 1].ended = before - observable;
		curve->ages[age].happened = scan_int64(&s);
		before = observable;
		age++;
		CHECK_FOR_INTERRUPTS();
	} while (scan_try_char(&s, ','));
	scan_char(&s, '}');
	scan_end(&s);
	curve->ages[age - 1].ended = before;

	/* As the state of an aggregate travels, it may hold ages that count nobody yet. */
	PG_RETURN_AGE_COUNTS(CheckCurve(curve, ERRCODE_INVALID_TEXT_REPRESENTATION));
}

/* Customers observable at every age, palloc'ed. */
static int64 *
observable_by_age(const AgeCounts *curve)
{
	int64 *observable = palloc((curve->nages + 1) * sizeof(int64));

	observable[curve->nages] = 0;
	for (int i = curve->nages - 1; i >= 0; i--)
		observable[i] = CheckedObservable(curve, i, observable[i + 1]);
	return observable;
}

PG_FUNCTION_INFO_V1(crm_retention_curve_out);
Datum
crm_retention_curve_out(PG_FUNCTION_ARGS)
{
	AgeCounts	  *curve = PG_GETARG_AGE_COUNTS(0);
	int64		  *observable = observable_by_age(curve);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s %s %s {", period_name(curve->unit), basis_names[curve->basis],
					 date_to_text(curve->as_of));
	for (int i = 0; i < curve->nages; i++)
		appendStringInfo(&out, "%s%d %lld %lld", i > 0 ? ", " : "", i, (long long) observable[i],
						 (long long) curve->ages[i].happened);
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_retention_curve_send);
Datum
crm_retention_curve_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(age_counts_send(PG_GETARG_AGE_COUNTS(0)));
}

PG_FUNCTION_INFO_V1(crm_retention_curve_recv);
Datum
crm_retention_curve_recv(PG_FUNCTION_ARGS)
{
	AgeCounts *curve = age_counts_recv((StringInfo) PG_GETARG_POINTER(0), "retention_curve");

	PG_RETURN_AGE_COUNTS(CheckCurve(curve, ERRCODE_INVALID_BINARY_REPRESENTATION));
}

VALUE_FUNCTIONS(retention_curve, age_counts_order, age_counts_content);

typedef struct RetentionRows
{
	AgeCounts *curve;
	int64	  *observable;
} RetentionRows;

/* The curve as rows (age, observable, active, rate), by age. */
PG_FUNCTION_INFO_V1(crm_retention_points);
Datum
crm_retention_points(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	RetentionRows	*r;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext before;

		rows = rows_start(fcinfo, sizeof(RetentionRows));
		r = rows->user_fctx;
		r->curve = rows_copy_varlena(rows, PG_GETARG_AGE_COUNTS(0));
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		r->observable = observable_by_age(r->curve);
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	r = rows->user_fctx;

	if (rows->call_cntr < (uint64) r->curve->nages)
	{
		int	  age = (int) rows->call_cntr;
		int64 active = r->curve->ages[age].happened;
		Datum values[4];
		bool  nulls[4] = {false};

		values[0] = Int32GetDatum(age);
		values[1] = Int64GetDatum(r->observable[age]);
		values[2] = Int64GetDatum(active);
		nulls[3] = r->observable[age] == 0;
		values[3] = Float8GetDatum(nulls[3] ? 0 : (double) active / r->observable[age]);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
