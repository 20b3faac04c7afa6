/*
 * calendar.h: days and calendar periods.
 *
 * The periods of a unit are numbered without gaps, so that the age of a
 * customer in months is a difference of two numbers. Weeks start on Monday and
 * years in January, unless the period says otherwise: week(sunday), year(april).
 */
#ifndef CRM_CALENDAR_H
#define CRM_CALENDAR_H

#include "crm.h"

/* Division that rounds down, also below zero; b is above it. */
static inline int64
floor_div(int64 a, int64 b)
{
	return a / b - (a % b < 0);
}

/* A month has a number, year * 12 + month - 1, so that months add as integers. */
typedef struct MonthDay
{
	int64 month; /* year * 12 + month - 1 */
	int	  mday;	 /* 1 to 31 */
} MonthDay;

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
	int64	 cycle = floor_div(day - MARCH_2000, DAYS_PER_CYCLE);
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
	int64 year = floor_div(month - 2, 12);
	int32 m = (int32) (month - 2 - year * 12);
	int64 cycle = floor_div(year - 2000, 400);
	int32 y = (int32) (year - 2000 - cycle * 400);
	int	  length = 30 + (m == 0 || m == 2 || m == 4 || m == 5 || m == 7 || m == 9 || m == 10);

	if (m == 11) /* February of the next year */
		length = (y + 1) % 4 == 0 && ((y + 1) % 100 != 0 || (y + 1) % 400 == 0) ? 29 : 28;
	return MARCH_2000 + cycle * DAYS_PER_CYCLE + 365 * y + y / 4 - y / 100 + (153 * m + 2) / 5 +
		   Min(mday, length) - 1;
}

typedef enum PeriodUnit
{
	PERIOD_DAY,
	PERIOD_WEEK,
	PERIOD_MONTH,
	PERIOD_QUARTER,
	PERIOD_YEAR
} PeriodUnit;

/*
 * A unit and where its periods start: days after Monday of weeks, months after
 * January of quarters and years. A unit alone is the period that starts there.
 */
typedef uint8 Period;

#define PERIOD_SHIFT_BITS 3
#define PERIOD_UNIT(period) ((PeriodUnit) ((period) & ((1 << PERIOD_SHIFT_BITS) - 1)))
#define PERIOD_SHIFT(period) ((int) ((period) >> PERIOD_SHIFT_BITS))

extern PeriodUnit  period_unit_from_text(const text *name);
extern const char *period_unit_name(PeriodUnit unit);
extern Period	   period_from_text(const text *name);
extern const char *period_name(Period period);
extern bool		   period_is_valid(Period period);
extern int32	   period_age(PeriodUnit unit, DateADT from, DateADT day);
extern int32	   period_number(Period period, DateADT day);
extern DateADT	   period_first_day(Period period, int32 number);
extern char		  *date_to_text(DateADT day);

/* A date that arithmetic can use: named in the message as the caller calls it. */
static inline DateADT
CheckFiniteDate(DateADT day, const char *name)
{
	if (DATE_NOT_FINITE(day))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("%s cannot be infinite", name)));
	return day;
}

#endif /* CRM_CALENDAR_H */
