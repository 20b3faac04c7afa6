/*
 * span.h: lengths of months and days, added to days. Plain C, no PostgreSQL
 * calls: the engine of tiers and points lives on it.
 *
 * A day is a DateADT, a month has a number (calendar.h). Results beyond the last date that
 * PostgreSQL knows are NEVER, which is also its 'infinity'.
 */
#ifndef CRM_SPAN_H
#define CRM_SPAN_H

#include "crm.h"

#include "base/calendar.h"

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

static inline bool
span_is_zero(Span span)
{
	return span.months == 0 && span.days == 0;
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
	int64	 result;
	MonthDay at;

	if (day == NEVER || times > LAST_DAY)
		return NEVER;
	if (span.months % 12 == 0)
		result = span.months == 0 ? day : day_plus_years(day, times * (span.months / 12));
	else
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
