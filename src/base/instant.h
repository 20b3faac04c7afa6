/*
 * instant.h: moments, lengths of time, and what a clock on the wall of a time
 * zone shows.
 */
#ifndef CRM_INSTANT_H
#define CRM_INSTANT_H

#include "crm.h"

#include "pgtime.h"

#define MINUTES_PER_DAY (HOURS_PER_DAY * MINS_PER_HOUR)

/* No clock was ever set by more than a day and an hour. */
#define CLOCK_SLACK (25 * USECS_PER_HOUR)

/*
 * The clocks of a time zone, and a stretch of time, from inclusive to until
 * exclusive, over which they are not changed: instants in it need no look at
 * the zone's rules. Others are right too, but cost a microsecond.
 */
typedef struct LocalClock
{
	pg_tz	   *zone;
	TimestampTz from;
	TimestampTz until;	/* infinity if they are never changed again */
	int64		offset; /* microseconds east of UTC all the while */
} LocalClock;

extern char		  *instant_to_text(TimestampTz at);
extern pg_tz	  *time_zone_named(const text *name);
extern DateADT	   local_day(TimestampTz at, pg_tz *zone);
extern void		   clock_set(LocalClock *clock, pg_tz *zone, TimestampTz at);
extern int64	   local_microsecond(TimestampTz at, const LocalClock *clock);
extern TimestampTz local_instant(DateADT day, int minute, LocalClock *clock);
extern TimestampTz local_bound(DateADT day, int minute, LocalClock *clock);
extern TimestampTz local_plus(TimestampTz at, int months, int days, const LocalClock *clock);
extern TimestampTz local_next_change(TimestampTz at, const LocalClock *clock);
extern int64	   interval_microseconds(const Interval *span, const char *name);

/* An instant that arithmetic can use: named in the message as the caller calls it. */
static inline TimestampTz
CheckFiniteInstant(TimestampTz at, const char *name)
{
	if (unlikely(TIMESTAMP_NOT_FINITE(at)))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s cannot be infinite", name)));
	return at;
}

/* A finite instant within the range that timestamptz has. */
static inline TimestampTz
CheckInstant(TimestampTz at, const char *name)
{
	CheckFiniteInstant(at, name);
	if (unlikely(!IS_VALID_TIMESTAMP(at)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("%s is out of range", name)));
	return at;
}

#endif /* CRM_INSTANT_H */
