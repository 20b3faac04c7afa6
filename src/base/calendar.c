/*
 * calendar.c: calendar periods by number, and dates as text.
 */
#include "crm.h"

#include "base/names.h"
#include "base/calendar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#define MONTHS_PER_QUARTER 3
/* The first date there is. */
#define DATE_FIRST (DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE)
/* 2000-01-01, day 0 of PostgreSQL, was a Saturday: five days after a Monday. */
#define DAYS_SINCE_MONDAY 5

static const char  unit_names[][8] = {"day", "week", "month", "quarter", "year"};
static const Names units = NAMES("period", "Periods", NULL, 0, unit_names);
/* A period may start elsewhere. */
static const Names periods =
	NAMES("period", "Periods",
		  "Some start elsewhere: week(sunday), quarter(february), year(april).", 0, unit_names);

/* The unit of a name, or an error that lists the names. */
PeriodUnit
period_unit_from_text(const text *name)
{
	return (PeriodUnit) names_get_text(&units, name);
}

/* The name of a unit. */
const char *
period_unit_name(PeriodUnit unit)
{
	return unit_names[unit];
}

/* In how many places the periods of a unit can start. */
static inline int
count_starts(PeriodUnit unit)
{
	return unit == PERIOD_WEEK		? DAYS_PER_WEEK
		   : unit == PERIOD_QUARTER ? MONTHS_PER_QUARTER
		   : unit == PERIOD_YEAR	? MONTHS_PER_YEAR
									: 1;
}

static const char  weekday_names[][16] = {"monday", "tuesday",	"wednesday", "thursday",
										  "friday", "saturday", "sunday"};
static const char  month_names[][16] = {"january",	 "february", "march",	 "april",
										"may",		 "june",	 "july",	 "august",
										"september", "october",	 "november", "december"};
static const Names weekdays = NAMES("weekday", "Weekdays", NULL, 0, weekday_names);
static const Names months_of_year = NAMES("month", "Months", NULL, 0, month_names);

/* The name of a start: a weekday, counted from Monday, or a month. */
static inline const char *
start_name(PeriodUnit unit, int shift)
{
	return unit == PERIOD_WEEK ? weekday_names[shift] : month_names[shift];
}

/* Whether a byte is a period: a unit, and a place where its periods can start. */
bool
period_is_valid(Period period)
{
	return PERIOD_UNIT(period) <= PERIOD_YEAR &&
		   PERIOD_SHIFT(period) < count_starts(PERIOD_UNIT(period));
}

/* Moves the start of a period to a named weekday or month, of a text like "week(sunday)"; false if it is none. */
static bool
read_start(const char *start, size_t len, Period *period)
{
	PeriodUnit unit = PERIOD_UNIT(*period);
	int		   shift = names_find(unit == PERIOD_WEEK ? &weekdays : &months_of_year, start, len);

	if (shift < 0 || count_starts(unit) == 1)
		return false;
	/* Quarters of April are those of January. */
	*period |= (shift % count_starts(unit)) << PERIOD_SHIFT_BITS;
	return true;
}

/*
 * The period of a name: day, week, month, quarter or year, and in parentheses the
 * weekday or the month that weeks, quarters or years start with; or an error that
 * says what there is.
 */
Period
period_from_text(const text *name)
{
	const char *wanted = VARDATA_ANY(name);
	size_t		len = VARSIZE_ANY_EXHDR(name);
	const char *open = len > 0 && wanted[len - 1] == ')' ? memchr(wanted, '(', len) : NULL;
	size_t		unit_len = open == NULL ? len : (size_t) (open - wanted);
	int			unit = names_find(&periods, wanted, unit_len);
	Period		period = (Period) Max(unit, 0);

	if (unit < 0 || (open != NULL && !read_start(open + 1, len - unit_len - 2, &period)))
		names_unknown(&periods, wanted, len);
	return period;
}

/* The name of a period, as period_from_text reads it. */
const char *
period_name(Period period)
{
	if (PERIOD_SHIFT(period) == 0)
		return period_unit_name(PERIOD_UNIT(period));
	return psprintf("%s(%s)", period_unit_name(PERIOD_UNIT(period)),
					start_name(PERIOD_UNIT(period), PERIOD_SHIFT(period)));
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
	MonthDay at;
	MonthDay begun;
	int32	 months;

	if (unit == PERIOD_DAY)
		return day - from;
	if (unit == PERIOD_WEEK)
		return (day - from) / DAYS_PER_WEEK;

	at = month_of_day(day);
	begun = month_of_day(from);
	months = (int32) (at.month - begun.month);
	if (at.mday < begun.mday && at.mday < days_in_month((int32) at.month))
		months--;
	return months / (unit == PERIOD_MONTH ? 1 : unit == PERIOD_QUARTER ? 3 : MONTHS_PER_YEAR);
}

/* The number of the period that a finite day lies in. */
int32
period_number(Period period, DateADT day)
{
	int	  shift = PERIOD_SHIFT(period);
	int32 month;

	if (PERIOD_UNIT(period) == PERIOD_DAY)
		return day;
	if (PERIOD_UNIT(period) == PERIOD_WEEK)
		return floor_div(day + DAYS_SINCE_MONDAY - shift, DAYS_PER_WEEK);

	month = (int32) month_of_day(day).month - shift;
	switch (PERIOD_UNIT(period))
	{
		case PERIOD_MONTH:
			return month;
		case PERIOD_QUARTER:
			return floor_div(month, MONTHS_PER_QUARTER);
		default:
			return floor_div(month, MONTHS_PER_YEAR);
	}
}

/* The first day of a period, whether dates reach so far or not. */
static DateADT
first_day(Period period, int32 number)
{
	int shift = PERIOD_SHIFT(period);

	switch (PERIOD_UNIT(period))
	{
		case PERIOD_DAY:
			return number;
		case PERIOD_WEEK:
			return number * DAYS_PER_WEEK - DAYS_SINCE_MONDAY + shift;
		case PERIOD_MONTH:
			return (DateADT) day_of_month(number, 1);
		case PERIOD_QUARTER:
			return (DateADT) day_of_month(number * MONTHS_PER_QUARTER + shift, 1);
		default:
			return (DateADT) day_of_month(number * MONTHS_PER_YEAR + shift, 1);
	}
}

/* The first day of a period; errors if that is before the first date there is, 4714-11-24 BC. */
DateADT
period_first_day(Period period, int32 number)
{
	DateADT day = first_day(period, number);

	if (!IS_VALID_DATE(day))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("first day of the period is out of range"),
						errdetail("The first date is %s.", date_to_text(DATE_FIRST))));
	return day;
}

/* The last day of a period, or of the calendar, if that ends before. */
DateADT
period_last_day(Period period, int32 number)
{
	return Min(first_day(period, number + 1) - 1, DATE_END_JULIAN - 1 - POSTGRES_EPOCH_JDATE);
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
