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

#define DAYS_PER_WEEK 7

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
 * Years begin in March here, so that the leap day ends one: the months then start on
 * day (153 m + 2) / 5 of the year. They are counted from March of a year that comes
 * before every date of PostgreSQL by 1200 years and more, and 8000 years (20 times 400)
 * before 2000, whose March 1 is day 60: nothing is below zero, so that the divisions need
 * no rounding. After H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013).
 */
#define DAYS_OF_400_YEARS 146097
#define DAYS_OF_4_YEARS 1461
#define YEARS_BEFORE_2000 8000
#define FIRST_MARCH (60 - YEARS_BEFORE_2000 / 400 * DAYS_OF_400_YEARS)

/* A year that begins in March, and the day in it from 0. */
typedef struct YearDay
{
	uint64 year;
	uint32 day;
} YearDay;

static inline YearDay
year_of_day(int64 day)
{
	uint64 quarters = 4 * (uint64) (day - FIRST_MARCH) + 3; /* of a day */
	uint64 century = quarters / DAYS_OF_400_YEARS;
	uint32 in_century = (uint32) (quarters % DAYS_OF_400_YEARS) | 3;

	return (YearDay){100 * century + in_century / DAYS_OF_4_YEARS,
					 in_century % DAYS_OF_4_YEARS / 4};
}

static inline int64
first_day_of_year(uint64 year)
{
	return FIRST_MARCH + (int64) (365 * year + year / 4 - year / 100 + year / 400);
}

/* Whether its last day is February 29. */
static inline bool
year_ends_in_leap_day(uint64 year)
{
	return (year + 1) % 4 == 0 && ((year + 1) % 100 != 0 || (year + 1) % 400 == 0);
}

/* The month and the day in it. */
static inline MonthDay
month_of_day(int64 day)
{
	YearDay	 in = year_of_day(day);
	uint32	 month = (5 * in.day + 2) / 153;
	MonthDay result;

	result.month = ((int64) in.year + 2000 - YEARS_BEFORE_2000) * 12 + 2 + month;
	result.mday = in.day - (153 * month + 2) / 5 + 1;
	return result;
}

/* The day of a month, cut to the month's length; not checked against LAST_DAY. */
static inline int64
day_of_month(int64 month, int mday)
{
	uint64 months = (uint64) (month - 2 + 12 * (YEARS_BEFORE_2000 - 2000));
	uint64 year = months / 12;
	uint32 m = (uint32) (months % 12);

	if (unlikely(mday > 28)) /* every month has 28 */
	{
		int length = 30 + (m == 0 || m == 2 || m == 4 || m == 5 || m == 7 || m == 9 || m == 10);

		if (m == 11)
			length = 28 + year_ends_in_leap_day(year);
		mday = Min(mday, length);
	}
	return first_day_of_year(year) + (153 * m + 2) / 5 + mday - 1;
}

/* The same as so many times twelve months later, in half the time: a leap day is cut to February 28. */
static inline int64
day_plus_years(int64 day, int64 years)
{
	YearDay in = year_of_day(day);

	in.year += years;
	if (unlikely(in.day == 365) && !year_ends_in_leap_day(in.year))
		in.day = 364;
	return first_day_of_year(in.year) + in.day;
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
extern DateADT	   period_last_day(Period period, int32 number);
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
