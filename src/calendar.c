/*
 * calendar.c: calendar periods by number, and dates as text.
 */
#include "crm.h"

#include "calendar.h"
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
	char *wanted = text_to_cstring(name);

	for (size_t i = 0; i < lengthof(period_units); i++)
		if (pg_strcasecmp(wanted, period_units[i].name) == 0)
			return period_units[i].unit;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown period \"%s\"", wanted),
			 errhint("Periods are day, week, month, quarter and year.")));
	return PERIOD_DAY; /* not reached */
}

static inline int32
floor_div(int32 a, int32 b)
{
	return a / b - (a % b < 0);
}

/* The number of the period that a finite day lies in. */
int32
period_number(PeriodUnit unit, DateADT day)
{
	int year;
	int month;
	int mday;

	if (unit == PERIOD_DAY)
		return day;
	if (unit == PERIOD_WEEK)
		return floor_div(day + DAYS_SINCE_MONDAY, DAYS_PER_WEEK);

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	switch (unit)
	{
		case PERIOD_MONTH:
			return year * 12 + month - 1;
		case PERIOD_QUARTER:
			return year * 4 + (month - 1) / 3;
		default:
			return year;
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
