/*
 * instant.c: moments as text, on the clock of a time zone, and moved by
 * calendar steps of that zone.
 */
#include "crm.h"

#include "common/int.h"
#include "base/calendar.h"
#include "base/instant.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

/* A finite instant in ISO form and UTC, whatever DateStyle and TimeZone say. */
char *
instant_to_text(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		 fsec;
	char		 buffer[MAXDATELEN + 1];

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	tm.tm_isdst = 0; /* below 0 would mean that there is no offset to print */
	EncodeDateTime(&tm, fsec, true, 0, NULL, USE_ISO_DATES, buffer);
	return pstrdup(buffer);
}

/* The time zone of a name such as Europe/Berlin; errors if there is none. */
pg_tz *
time_zone_named(const text *name)
{
	char   buffer[TZ_STRLEN_MAX + 1];
	size_t len = VARSIZE_ANY_EXHDR(name);
	pg_tz *zone = NULL;

	if (len <= TZ_STRLEN_MAX)
	{
		memcpy(buffer, VARDATA_ANY(name), len);
		buffer[len] = '\0';
		zone = pg_tzset(buffer);
	}
	if (zone == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time zone \"%s\" not recognized", text_to_cstring(name)),
						errhint("The view pg_timezone_names lists the names.")));
	return zone;
}

/* Seconds since 1970 of an instant, rounded down. */
static pg_time_t
unix_seconds(TimestampTz at)
{
	int64 seconds = floor_div(at, USECS_PER_SEC);

	return (pg_time_t) seconds + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

/* Seconds east of UTC that the clocks of a zone show at an instant. */
static long
offset_at(TimestampTz at, pg_tz *zone)
{
	pg_time_t	  seconds = unix_seconds(at);
	struct pg_tm *tm = pg_localtime(&seconds, zone);

	if (tm == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return tm->tm_gmtoff;
}

/* What the clocks of a zone show, as a timestamp without time zone. */
static Timestamp
local_timestamp(TimestampTz at, pg_tz *zone)
{
	return at + (int64) offset_at(at, zone) * USECS_PER_SEC;
}

/* The day on the calendar of a zone. */
DateADT
local_day(TimestampTz at, pg_tz *zone)
{
	return (DateADT) floor_div(local_timestamp(at, zone), USECS_PER_DAY);
}

/* The next instant at which the clocks of a zone are changed; infinity if they never are. */
static TimestampTz
next_change(TimestampTz at, pg_tz *zone)
{
	pg_time_t seconds = unix_seconds(at);
	pg_time_t boundary;
	long	  before_gmtoff;
	long	  after_gmtoff;
	int		  before_isdst;
	int		  after_isdst;

	if (pg_next_dst_boundary(&seconds, &before_gmtoff, &before_isdst, &boundary, &after_gmtoff,
							 &after_isdst, zone) <= 0)
		return DT_NOEND;
	return ((int64) boundary - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY) *
		   USECS_PER_SEC;
}

/* A stretch without a change of the clocks begins at most so long ago. */
#define STRETCH_BEFORE (200 * USECS_PER_DAY)

static inline bool
is_in_stretch(TimestampTz at, const LocalClock *clock)
{
	return clock->from <= at && at < clock->until;
}

/* Make a clock one of a zone whose stretch holds an instant; zeros are a clock of no zone. */
void
clock_set(LocalClock *clock, pg_tz *zone, TimestampTz at)
{
	TimestampTz from = at - STRETCH_BEFORE;
	TimestampTz until;

	if (clock->zone == zone && is_in_stretch(at, clock))
		return;
	if (!IS_VALID_TIMESTAMP(from))
		from = at;
	while ((until = next_change(from, zone)) <= at)
		from = until;
	clock->zone = zone;
	clock->from = from;
	clock->until = until;
	clock->offset = (int64) offset_at(at, zone) * USECS_PER_SEC;
}

/* The next instant at which a clock is changed; infinity if it never is. */
TimestampTz
local_next_change(TimestampTz at, const LocalClock *clock)
{
	return is_in_stretch(at, clock) ? clock->until : next_change(at, clock->zone);
}

/* Microseconds since midnight on a clock. */
int64
local_microsecond(TimestampTz at, const LocalClock *clock)
{
	Timestamp local =
		is_in_stretch(at, clock) ? at + clock->offset : local_timestamp(at, clock->zone);

	return local - floor_div(local, USECS_PER_DAY) * USECS_PER_DAY;
}

/*
 * Whether days have 24 hours around an instant. No clock was ever set by more
 * than a day, so that no time on it is missing or double there.
 */
static inline bool
is_steady(TimestampTz at, const LocalClock *clock)
{
	return clock->from + CLOCK_SLACK <= at && at < clock->until - CLOCK_SLACK;
}

/*
 * The instant of a minute of a day on a clock, which is moved there: midnight of the
 * next day is minute 1440. A time that the clocks jump over moves on by the jump,
 * and of two equal times the later one is meant. Infinity beyond the calendar.
 */
TimestampTz
local_instant(DateADT day, int minute, LocalClock *clock)
{
	Timestamp	 local;
	TimestampTz	 guess;
	struct pg_tm tm;
	fsec_t		 fsec;
	int			 tz;
	TimestampTz	 result;

	if (day < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE ||
		day >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE)
		return DT_NOEND;
	local = day * USECS_PER_DAY + minute * USECS_PER_MINUTE;
	guess = local - clock->offset;
	if (is_steady(guess, clock))
		return guess;
	if (!IS_VALID_TIMESTAMP(local) || !IS_VALID_TIMESTAMP(guess))
		return DT_NOEND;
	clock_set(clock, clock->zone, guess);
	guess = local - clock->offset;
	if (is_steady(guess, clock))
		return guess;
	if (timestamp2tm(local, NULL, &tm, &fsec, NULL, NULL) != 0)
		return DT_NOEND;
	tz = DetermineTimeZoneOffset(&tm, clock->zone);
	return tm2timestamp(&tm, fsec, &tz, &result) == 0 && IS_VALID_TIMESTAMP(result) ? result
																					: DT_NOEND;
}

/*
 * The same where times bound what lies between them: a time that the clocks jump over
 * is the moment of the jump, so that nothing is as long as what was jumped over.
 */
TimestampTz
local_bound(DateADT day, int minute, LocalClock *clock)
{
	TimestampTz at = local_instant(day, minute, clock);
	int64		jump;

	if (at == DT_NOEND || is_steady(at, clock))
		return at;
	jump = local_timestamp(at, clock->zone) - (day * USECS_PER_DAY + minute * USECS_PER_MINUTE);
	return jump > 0 ? next_change(at - jump, clock->zone) : at;
}

/*
 * The same time of day some months and days later on the calendar of a clock,
 * as timestamptz + interval does it: a day that a month lacks becomes its last,
 * a time that the clocks jump over moves on by the jump, and of two equal times
 * the later one is meant. Infinity if that lies beyond the calendar.
 */
TimestampTz
local_plus(TimestampTz at, int months, int days, const LocalClock *clock)
{
	struct pg_tm tm;
	fsec_t		 fsec;
	int			 tz;
	int64		 month;
	TimestampTz	 result;

	if (months == 0 && is_steady(at, clock) &&
		!pg_add_s64_overflow(at, days * USECS_PER_DAY, &result) && is_steady(result, clock) &&
		IS_VALID_TIMESTAMP(result))
		return result;

	if (timestamp2tm(at, &tz, &tm, &fsec, NULL, clock->zone) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));

	if (months != 0)
	{
		month = (int64) tm.tm_year * MONTHS_PER_YEAR + tm.tm_mon - 1 + months;
		tm.tm_year = (int) floor_div(month, MONTHS_PER_YEAR);
		tm.tm_mon = (int) (month - (int64) tm.tm_year * MONTHS_PER_YEAR) + 1;
		tm.tm_mday = Min(tm.tm_mday, day_tab[isleap(tm.tm_year)][tm.tm_mon - 1]);
		if (!IS_VALID_JULIAN(tm.tm_year, tm.tm_mon, tm.tm_mday))
			return DT_NOEND;
	}
	j2date(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) + days, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	if (!IS_VALID_JULIAN(tm.tm_year, tm.tm_mon, tm.tm_mday))
		return DT_NOEND;
	tz = DetermineTimeZoneOffset(&tm, clock->zone);
	if (tm2timestamp(&tm, fsec, &tz, &result) != 0)
		return DT_NOEND;
	return result;
}

/*
 * The length of an interval in microseconds, a day counting 24 hours and a
 * month 30 days as in PostgreSQL's comparison of intervals; errors unless it
 * is longer than nothing.
 */
int64
interval_microseconds(const Interval *span, const char *name)
{
	int128 length = (int128) span->time +
					((int128) span->month * DAYS_PER_MONTH + span->day) * (int128) USECS_PER_DAY;

	if (length <= 0 || length > PG_INT64_MAX)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be longer than nothing and finite, not %s", name,
					DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(span))))));
	return (int64) length;
}
