/*
 * preferred_time.c: when a customer is likely to answer: on which day of the week, and
 * at what hour.
 *
 * What counts is what came in, and what went out and was opened, answered or resolved,
 * at its own time on the clock of the time zone. An hour counts twice, and half
 * of it for each of its neighbours, so that ten to nine is near nine; whole numbers
 * all. A stated day or hour wins.
 */
#include "crm.h"

#include "base/rows.h"
#include "base/weekday.h"
#include "relationship/interaction_history.h"
#include "utils/builtins.h"

#define PARTS 4 /* an hour counts 2 for itself and 1 for each neighbour */

/* How often, by day of the week and by hour; hours in parts. */
typedef struct Evidence
{
	int64 n;
	int64 days[DAYS_PER_WEEK];
	int64 hours[HOURS_PER_DAY];
} Evidence;

static bool
is_evidence(const Interaction *entry)
{
	InteractionOutcome outcome = interaction_outcome(entry);

	return !interaction_is_outbound(entry) || outcome == OUTCOME_OPENED ||
		   outcome == OUTCOME_ANSWERED || outcome == OUTCOME_RESOLVED;
}

/* Count what is known by an instant. */
static Evidence
evidence_until(const InteractionHistory *h, TimestampTz as_of, pg_tz *zone)
{
	Evidence   e = {0};
	LocalClock clock = {0};
	int		   n = interaction_history_count_until(h, as_of);

	for (int i = 0; i < n; i++)
	{
		const Interaction *entry = &h->entries[i];
		int				   hour;

		if (!is_evidence(entry))
			continue;
		clock_set(&clock, zone, entry->at);
		hour = (int) (local_microsecond(entry->at, &clock) / USECS_PER_HOUR);
		e.n++;
		e.days[weekday_of(local_day(entry->at, zone))]++;
		e.hours[hour] += PARTS / 2;
		e.hours[(hour + 1) % HOURS_PER_DAY] += PARTS / 4;
		e.hours[(hour + HOURS_PER_DAY - 1) % HOURS_PER_DAY] += PARTS / 4;
	}
	return e;
}

/* The place of the largest count, the first of equals. */
static int
largest(const int64 *counts, int n)
{
	int best = 0;

	for (int i = 1; i < n; i++)
		if (counts[i] > counts[best])
			best = i;
	return best;
}

/* Read "[tue] [18:00]", what the customer stated; what is not there stays as it is. */
static void
read_stated(const char *stated, int *day, int *hour)
{
	Scanner s = scan_start("preferred time", stated);
	int		weekday = scan_weekday(&s);

	if (weekday >= 0)
		*day = weekday;
	if (!scan_at_end(&s))
		*hour = scan_minute(&s) / MINS_PER_HOUR % HOURS_PER_DAY;
	scan_end(&s);
}

static void
CheckGiven(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s cannot be null", name)));
}

/* (history, as_of, time_zone, stated, minimum_evidence) -> weekday, hour, weekday_share, hour_share, evidence_count. */
PG_FUNCTION_INFO_V1(crm_preferred_time);
Datum
crm_preferred_time(PG_FUNCTION_ARGS)
{
	Evidence	e = {0};
	int			day = -1;
	int			hour = -1;
	Datum		values[5] = {0};
	bool		nulls[5] = {false};
	TimestampTz as_of;
	pg_tz	   *zone;

	CheckGiven(fcinfo, 1, "as_of");
	CheckGiven(fcinfo, 2, "time_zone");
	CheckGiven(fcinfo, 4, "minimum_evidence");
	if (PG_GETARG_INT32(4) < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("minimum_evidence must be at least 1, not %d", PG_GETARG_INT32(4))));
	as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(1), "as_of");
	zone = time_zone_named(PG_GETARG_TEXT_PP(2));
	if (!PG_ARGISNULL(0))
		e = evidence_until(PG_GETARG_INTERACTION_HISTORY(0), as_of, zone);
	if (e.n >= PG_GETARG_INT32(4))
	{
		day = largest(e.days, DAYS_PER_WEEK);
		hour = largest(e.hours, HOURS_PER_DAY);
	}
	if (!PG_ARGISNULL(3))
		read_stated(text_to_cstring(PG_GETARG_TEXT_PP(3)), &day, &hour);
	nulls[0] = day < 0;
	nulls[1] = hour < 0;
	nulls[2] = day < 0;
	nulls[3] = hour < 0;
	if (day >= 0)
	{
		values[0] = CStringGetTextDatum(weekday_names[day]);
		values[2] = Float8GetDatum(((double) e.days[day] + 1) / ((double) e.n + DAYS_PER_WEEK));
	}
	if (hour >= 0)
	{
		values[1] = Int32GetDatum(hour);
		values[3] =
			Float8GetDatum(((double) e.hours[hour] / PARTS + 1) / ((double) e.n + HOURS_PER_DAY));
	}
	values[4] = Int64GetDatum(e.n);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
