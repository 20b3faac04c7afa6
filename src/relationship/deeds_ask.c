/*
 * deeds_ask.c: what deeds answer: which promises were kept, what is in force, what
 * was given.
 *
 * What was done after as_of is not known yet: a promise is then open, or overdue.
 */
#include "crm.h"

#include "base/amount.h"
#include "base/rows.h"
#include "relationship/deeds.h"
#include "relationship/service_hours.h"
#include "utils/array.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"

typedef enum DeedState
{
	STATE_OPEN,
	STATE_KEPT,
	STATE_LATE,
	STATE_OVERDUE,
	STATE_GIVEN,
	STATE_USED,
	STATE_EXPIRED,
	STATE_IN_FORCE,
	STATE_ENDED,
	STATE_HELD
} DeedState;

static const char *const state_names[] = {"open", "kept",	 "late",	 "overdue", "given",
										  "used", "expired", "in_force", "ended",	"held"};

/* How a deed stands at an instant, not before it was made. */
static DeedState
deed_state(const Deed *deed, TimestampTz as_of)
{
	bool done = deed->done_at <= as_of;

	switch ((DeedKind) deed->kind)
	{
		case DEED_PROMISE:
			if (done)
				return deed->done_at <= deed->due_at ? STATE_KEPT : STATE_LATE;
			return deed->due_at < as_of ? STATE_OVERDUE : STATE_OPEN;
		case DEED_ENTITLEMENT:
			return done ? STATE_USED : deed->due_at < as_of ? STATE_EXPIRED : STATE_OPEN;
		case DEED_TIE:
			return done || deed->due_at <= as_of ? STATE_ENDED : STATE_IN_FORCE;
		case DEED_DELIGHT:
			return STATE_GIVEN;
		default:
			return STATE_HELD;
	}
}

/* Microseconds by which a promise is late, so far; of service time, if hours are given. */
static int128
lateness(const Deed *deed, TimestampTz as_of, const ServiceHours *hours)
{
	TimestampTz until = Min(deed->done_at, as_of);

	if (until <= deed->due_at)
		return 0;
	return hours != NULL ? service_time(hours, deed->due_at, until) : (int128) until - deed->due_at;
}

/* A length of time: of the clock in days of 24 hours and a rest, of service in hours. */
static Datum
span_datum(int128 microseconds, const ServiceHours *hours)
{
	Interval *span = palloc0(sizeof(Interval));

	if (hours != NULL && microseconds > PG_INT64_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("interval out of range")));
	if (hours == NULL)
		span->day = (int32) (microseconds / USECS_PER_DAY);
	span->time = (TimeOffset) (microseconds - (int128) span->day * USECS_PER_DAY);
	return IntervalPGetDatum(span);
}

static TimestampTz
as_of_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of cannot be null")));
	return CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(1), "as_of");
}

/*
 * (deeds, as_of, hours) -> kept, late, overdue, open, kept_share, mean_lateness: of
 * the promises made by as_of; share and mean are of those that are done or overdue.
 */
PG_FUNCTION_INFO_V1(crm_promises_kept);
Datum
crm_promises_kept(PG_FUNCTION_ARGS)
{
	const Deeds		   *d = PG_ARGISNULL(0) ? NULL : PG_GETARG_DEEDS(0);
	const ServiceHours *hours = PG_ARGISNULL(2) ? NULL : PG_GETARG_SERVICE_HOURS(2);
	TimestampTz			as_of = as_of_argument(fcinfo);
	int					count[4] = {0};
	int					settled = 0;
	int128				late = 0;
	Datum				values[6];
	bool				nulls[6] = {false};

	for (int i = 0, n = d == NULL ? 0 : deeds_until(d, as_of); i < n; i++)
	{
		DeedState state;

		if (d->deeds[i].kind != DEED_PROMISE)
			continue;
		state = deed_state(&d->deeds[i], as_of);
		count[state]++;
		settled += state != STATE_OPEN;
		late += lateness(&d->deeds[i], as_of, hours);
	}
	values[0] = Int32GetDatum(count[STATE_KEPT]);
	values[1] = Int32GetDatum(count[STATE_LATE]);
	values[2] = Int32GetDatum(count[STATE_OVERDUE]);
	values[3] = Int32GetDatum(count[STATE_OPEN]);
	nulls[4] = nulls[5] = settled == 0;
	if (settled > 0)
	{
		values[4] = Float8GetDatum((double) count[STATE_KEPT] / settled);
		values[5] = span_datum(late / settled, hours);
	}
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}

static Datum
name_datum(const Deed *deed)
{
	return PointerGetDatum(
		cstring_to_text_with_len(deed->name, (int) strnlen(deed->name, DEED_NAME_SIZE)));
}

/* What entries keeps between rows. */
typedef struct DeedRows
{
	const Deeds		   *deeds;
	const ServiceHours *hours;
	TimestampTz			as_of;
	int					n;
} DeedRows;

static void
set_instant(Datum *value, bool *null, TimestampTz at)
{
	*value = TimestampTzGetDatum(at);
	*null = at == DT_NOEND;
}

/* (deeds, as_of, hours) -> kind, name, made_at, due_at, done_at, cost, state, lateness: those made by as_of. */
PG_FUNCTION_INFO_V1(crm_deeds_entries);
Datum
crm_deeds_entries(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	DeedRows		*state;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(DeedRows));
		state = rows->user_fctx;
		state->as_of = as_of_argument(fcinfo);
		if (!PG_ARGISNULL(0))
		{
			state->deeds = rows_copy_varlena(rows, PG_GETARG_DEEDS(0));
			state->n = deeds_until(state->deeds, state->as_of);
		}
		if (!PG_ARGISNULL(2))
			state->hours = rows_copy_varlena(rows, PG_GETARG_SERVICE_HOURS(2));
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	if (rows->call_cntr < (uint64) state->n)
	{
		const Deed *deed = &state->deeds->deeds[rows->call_cntr];
		DeedState	is = deed_state(deed, state->as_of);
		Datum		values[8];
		bool		nulls[8] = {false};

		values[0] = CStringGetTextDatum(deed_kind_names[deed->kind]);
		values[1] = name_datum(deed);
		values[2] = TimestampTzGetDatum(deed->made_at);
		set_instant(&values[3], &nulls[3], deed->due_at);
		set_instant(&values[4], &nulls[4],
					deed->done_at <= state->as_of ? deed->done_at : DT_NOEND);
		values[5] = NumericGetDatum(amount_to_numeric(deed->cost));
		values[6] = CStringGetTextDatum(state_names[is]);
		nulls[7] = is != STATE_LATE && is != STATE_OVERDUE;
		if (!nulls[7])
			values[7] = span_datum(lateness(deed, state->as_of, state->hours), state->hours);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* (deeds, as_of): the names of the ties in force, by when they were made; each as often as it is there. */
PG_FUNCTION_INFO_V1(crm_ties);
Datum
crm_ties(PG_FUNCTION_ARGS)
{
	const Deeds *d = PG_GETARG_DEEDS(0);
	TimestampTz	 as_of = as_of_argument(fcinfo);
	int			 n = deeds_until(d, as_of);
	Datum		*names = palloc(sizeof(Datum) * Max(n, 1));
	int			 count = 0;

	for (int i = 0; i < n; i++)
		if (deed_state(&d->deeds[i], as_of) == STATE_IN_FORCE)
			names[count++] = name_datum(&d->deeds[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* (deeds, as_of): what all that was made by as_of cost. */
PG_FUNCTION_INFO_V1(crm_given);
Datum
crm_given(PG_FUNCTION_ARGS)
{
	const Deeds *d = PG_GETARG_DEEDS(0);
	int			 n = deeds_until(d, as_of_argument(fcinfo));
	int128		 sum = 0;

	for (int i = 0; i < n; i++)
		sum += d->deeds[i].cost;
	PG_RETURN_NUMERIC(amount_to_numeric(sum));
}
