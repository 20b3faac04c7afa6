/*
 * calendar.c: calendar periods by number, and dates as text.
 */
#include "crm.h"

#include "calendar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#define DAYS_PER_WEEK 7
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

/*
 * The age in whole periods on a day, counted from an earlier day: the period
 * of age n starts n periods after it, on the last day of a shorter month, as
 * interval arithmetic does it.
 */
int32
period_age(PeriodUnit unit, DateADT from, DateADT day)
{
	int year;
	int month;
	int mday;
	int from_year;
	int from_month;
	int from_mday;
	int months;

	if (unit == PERIOD_DAY)
		return day - from;
	if (unit == PERIOD_WEEK)
		return (day - from) / DAYS_PER_WEEK;

	j2date(from + POSTGRES_EPOCH_JDATE, &from_year, &from_month, &from_mday);
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
	months = (year - from_year) * MONTHS_PER_YEAR + month - from_month;
	if (mday < Min(from_mday, day_tab[isleap(year)][month - 1]))
		months--;
	return months / (unit == PERIOD_MONTH ? 1 : unit == PERIOD_QUARTER ? 3 : MONTHS_PER_YEAR);
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

/* The first day of a period. */
DateADT
period_first_day(PeriodUnit unit, int32 number)
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
