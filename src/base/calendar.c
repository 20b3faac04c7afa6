/*
 * calendar.c: calendar periods by number, and dates as text.
 */
#include "crm.h"

#include "base/calendar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#define DAYS_PER_WEEK 7
/* The first date there is. */
#define DATE_FIRST (DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE)
/* 2000-01-01, day 0 of PostgreSQL, was a Saturday: five days after a Monday. */
#define DAYS_SINCE_MONDAY 5

static const struct
{
	const char *name;
	PeriodUnit	unit;
} period_units[] = {
	{"day", PERIOD_DAY},		 {"week", PERIOD_WEEK}, {"month", PERIOD_MONTH},
	{"quarter", PERIOD_QUARTER}, {"year", PERIOD_YEAR},
};

/* The unit of a name, or an error that lists the names. */
PeriodUnit
period_unit_from_text(const text *name)
{
	const char *wanted = VARDATA_ANY(name);
	size_t		len = VARSIZE_ANY_EXHDR(name);

	/* Aggregates ask once a row: no copy of the name. */
	for (size_t i = 0; i < lengthof(period_units); i++)
		if (len == strlen(period_units[i].name) &&
			pg_strncasecmp(wanted, period_units[i].name, len) == 0)
			return period_units[i].unit;

	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown period \"%s\"", text_to_cstring(name)),
					errhint("Periods are day, week, month, quarter and year.")));
	return PERIOD_DAY; /* not reached */
}

/* The name of a unit. */
const char *
period_unit_name(PeriodUnit unit)
{
	for (size_t i = 0; i < lengthof(period_units); i++)
		if (period_units[i].unit == unit)
			return period_units[i].name;
	elog(ERROR, "unknown period unit %d", (int) unit);
	return NULL; /* not reached */
}

static inline int32
floor_div(int32 a, int32 b)
{
	return a / b - (a % b < 0);
}

/* Days from 1 March of the year -4800, the beginning of a 400-year cycle, to 2000-01-01. */
#define DAYS_BEFORE_EPOCH (730425 + 12 * DAYS_PER_CYCLE)
#define DAYS_PER_CYCLE 146097
#define MONTHS_BEFORE_ZERO (4800 * MONTHS_PER_YEAR)

/*
 * The number of a day's month (12 x year + month - 1) and the day of the month,
 * counted in years that begin in March, so that the leap day is their last. A
 * fraction of the cost of j2date, which retention would spend most time in.
 */
static inline int32
month_number(DateADT day, int *mday)
{
	uint32 days = (uint32) day + DAYS_BEFORE_EPOCH;
	uint32 cycle = days / DAYS_PER_CYCLE;
	uint32 of_cycle = days % DAYS_PER_CYCLE;
	uint32 year = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
	uint32 of_year = of_cycle - (365 * year + year / 4 - year / 100);
	uint32 month = (5 * of_year + 2) / 153; /* 0 is March */

	*mday = (int) (of_year - (153 * month + 2) / 5 + 1);
	return (int32) ((400 * cycle + year) * MONTHS_PER_YEAR + month + 2) - MONTHS_BEFORE_ZERO;
}

/* How many days a month has. */
static inline int
days_in_month(int32 month)
{
	int year = floor_div(month, MONTHS_PER_YEAR);

	return day_tab[isleap(year)][month - year * MONTHS_PER_YEAR];
}

/*
 * The age in whole periods on a day, counted from an earlier day: the period
 * of age n starts n periods after it, on the last day of a shorter month, as
 * interval arithmetic does it.
 */
int32
period_age(PeriodUnit unit, DateADT from, DateADT day)
{
	int	  mday;
	int	  from_mday;
	int32 month;
	int32 months;

	if (unit == PERIOD_DAY)
		return day - from;
	if (unit == PERIOD_WEEK)
		return (day - from) / DAYS_PER_WEEK;

	month = month_number(day, &mday);
	months = month - month_number(from, &from_mday);
	if (mday < from_mday && mday < days_in_month(month))
		months--;
	return months / (unit == PERIOD_MONTH ? 1 : unit == PERIOD_QUARTER ? 3 : MONTHS_PER_YEAR);
}

/* The number of the period that a finite day lies in. */
int32
period_number(PeriodUnit unit, DateADT day)
{
	int32 month;
	int	  mday;

	if (unit == PERIOD_DAY)
		return day;
	if (unit == PERIOD_WEEK)
		return floor_div(day + DAYS_SINCE_MONDAY, DAYS_PER_WEEK);

	month = month_number(day, &mday);
	switch (unit)
	{
		case PERIOD_MONTH:
			return month;
		case PERIOD_QUARTER:
			return floor_div(month, 3);
		default:
			return floor_div(month, MONTHS_PER_YEAR);
	}
}

/* The first day of a period, whether dates reach so far or not. */
static DateADT
first_day(PeriodUnit unit, int32 number)
{
	switch (unit)
	{
		case PERIOD_DAY:
			return number;
		case PERIOD_WEEK:
			return number * DAYS_PER_WEEK - DAYS_SINCE_MONDAY;
		case PERIOD_MONTH:
			return date2j(floor_div(number, 12), number - floor_div(number, 12) * 12 + 1, 1) -
				   POSTGRES_EPOCH_JDATE;
		case PERIOD_QUARTER:
			return date2j(floor_div(number, 4), (number - floor_div(number, 4) * 4) * 3 + 1, 1) -
				   POSTGRES_EPOCH_JDATE;
		default:
			return date2j(number, 1, 1) - POSTGRES_EPOCH_JDATE;
	}
}

/* The first day of a period; errors if that is before the first date there is, 4714-11-24 BC. */
DateADT
period_first_day(PeriodUnit unit, int32 number)
{
	DateADT day = first_day(unit, number);

	if (!IS_VALID_DATE(day))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("first day of the period is out of range"),
						errdetail("The first date is %s.", date_to_text(DATE_FIRST))));
	return day;
}

/* A finite date in ISO form, whatever DateStyle says. */
char *
date_to_text(DateADT day)
{
	struct pg_tm tm;
	char		 buffer[MAXDATELEN + 1];

	j2date(day + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	EncodeDateOnly(&tm, USE_ISO_DATES, buffer);
	return pstrdup(buffer);
}
