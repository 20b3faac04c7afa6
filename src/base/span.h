/*
 * span.h: lengths of months and days, added to days. Plain C, no PostgreSQL
 * calls: the engine of tiers and points lives on it.
 *
 * A day is a DateADT: days since 2000-01-01. A month has a number, year * 12 +
 * month - 1, so that months add as integers. Results beyond the last date that
 * PostgreSQL knows are NEVER, which is also its 'infinity'.
 */
#ifndef CRM_SPAN_H
#define CRM_SPAN_H

#include "crm.h"

#define NEVER DATEVAL_NOEND
#define LAST_DAY ((int64) (DATE_END_JULIAN - POSTGRES_EPOCH_JDATE) - 1)

/* Longer is no program: 1200 months, and as many days. */
#define SPAN_MAX_MONTHS 1200
#define SPAN_MAX_DAYS 36525

typedef struct Span
{
	int32 months;
	int32 days;
} Span;

typedef struct MonthDay
{
	int64 month; /* year * 12 + month - 1 */
	int	  mday;	 /* 1 to 31 */
} MonthDay;

static inline bool
span_is_zero(Span span)
{
	return span.months == 0 && span.days == 0;
}

static inline int64
span_floor_div(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

/*
 * Years begin in March here, so that the leap day ends one: the months then
 * start on day (153 m + 2) / 5 of the year. 2000-03-01 is day 60, and 400
 * years are 146097 days. The formula is H. Hinnant's, "chrono-Compatible
 * Low-Level Date Algorithms" (2013).
 */
#define MARCH_2000 60
#define DAYS_PER_CYCLE 146097

/* The month and the day in it. */
static inline MonthDay
month_of_day(int64 day)
{
	int64	 cycle = span_floor_div(day - MARCH_2000, DAYS_PER_CYCLE);
	int32	 doc = (int32) (day - MARCH_2000 - cycle * DAYS_PER_CYCLE);
	int32	 year = (doc - doc / 1460 + doc / 36524 - doc / 146096) / 365;
	int32	 doy = doc - (365 * year + year / 4 - year / 100);
	int32	 month = (5 * doy + 2) / 153;
	MonthDay result;

	result.month = (2000 + 400 * cycle + year) * 12 + 2 + month;
	result.mday = doy - (153 * month + 2) / 5 + 1;
	return result;
}

/* The day of a month, cut to the month's length; not checked against LAST_DAY. */
static inline int64
day_of_month(int64 month, int mday)
{
	int64 year = span_floor_div(month - 2, 12);
	int32 m = (int32) (month - 2 - year * 12);
	int64 cycle = span_floor_div(year - 2000, 400);
	int32 y = (int32) (year - 2000 - cycle * 400);
	int	  length = 30 + (m == 0 || m == 2 || m == 4 || m == 5 || m == 7 || m == 9 || m == 10);

	if (m == 11) /* February of the next year */
		length = (y + 1) % 4 == 0 && ((y + 1) % 100 != 0 || (y + 1) % 400 == 0) ? 29 : 28;
	return MARCH_2000 + cycle * DAYS_PER_CYCLE + 365 * y + y / 4 - y / 100 + (153 * m + 2) / 5 +
		   Min(mday, length) - 1;
}

static inline DateADT
day_or_never(int64 day)
{
	return day > LAST_DAY ? NEVER : (DateADT) day;
}

/* day + times x span, counted from day in one step; NEVER if that is no date any more. */
static inline DateADT
day_plus_spans(DateADT day, Span span, int64 times)
{
	int64	 result = day;
	MonthDay at;

	if (day == NEVER || times > LAST_DAY)
		return NEVER;
	if (span.months != 0)
	{
		at = month_of_day(day);
		result = day_of_month(at.month + times * span.months, at.mday);
	}
	return day_or_never(result + times * span.days);
}

static inline DateADT
day_plus_span(DateADT day, Span span)
{
	return day_plus_spans(day, span, 1);
}

#endif /* CRM_SPAN_H */
