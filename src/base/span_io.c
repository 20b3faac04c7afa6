/*
 * span_io.c: the forms of lengths of months and days, and their checks.
 */
#include "crm.h"

#include "base/names.h"
#include "base/span_io.h"
#include "utils/builtins.h"

/* A length has no time of day, no sign and an end. */
void
CheckSpan(Span span, const char *name)
{
	if (span.months < 0 || span.days < 0 || span.months > SPAN_MAX_MONTHS ||
		span.days > SPAN_MAX_DAYS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s of %d months and %d days is out of range", name, span.months,
							   span.days),
						errdetail("A length is 0 to %d months and 0 to %d days.", SPAN_MAX_MONTHS,
								  SPAN_MAX_DAYS)));
}

/* An interval of whole days and months as a length; zero if it is NULL. */
Span
span_from_interval(const Interval *interval, const char *name)
{
	Span span = {0, 0};

	if (interval == NULL)
		return span;
	if (interval->time != 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s cannot be \"%s\"", name,
					DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(interval)))),
			 errdetail("A length is in whole days and months.")));
	span.months = interval->month;
	span.days = interval->day;
	CheckSpan(span, name);
	if (span_is_zero(span))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s cannot be zero", name),
						errhint("Leave %s out if there is none.", name)));
	return span;
}

/* One unit a row of two: a length may be of one or of many. */
static const char unit_words[][8] = {
	"minute", "minutes", "hour",  "hours",	"day",	"days",
	"week",	  "weeks",	 "month", "months", "year", "years",
};

/* The unit of a length that comes next, of those not less than one, in the singular or plural. */
LengthUnit
scan_length_unit(Scanner *s, LengthUnit least)
{
	Names units = NAMES("unit", "Units", NULL, 2 * least, unit_words);
	int	  word = names_try_scan(s, &units);

	if (word < 0)
		scan_error(s, least == LENGTH_MINUTE ? "minutes, hours, days, weeks, months or years"
											 : "days, weeks, months or years");
	return (LengthUnit) (word / 2);
}

/* Read a number and the unit behind it into a length, which keeps its other part. */
static void
scan_span_part(Scanner *s, Span *span)
{
	static const Span units[] = {[LENGTH_DAY] = {0, 1},
								 [LENGTH_WEEK] = {0, 7},
								 [LENGTH_MONTH] = {1, 0},
								 [LENGTH_YEAR] = {12, 0}};
	const Scanner	  start = *s;
	int64			  count = scan_int64(s);
	LengthUnit		  unit;

	if (count < 1 || count > SPAN_MAX_DAYS)
		scan_error(&start, "a positive length");
	unit = scan_length_unit(s, LENGTH_DAY);
	span->months += (int32) count * units[unit].months;
	span->days += (int32) count * units[unit].days;
	CheckSpan(*span, "length");
}

/* Months, days or both, as in "12 months" or "1 month 15 days". */
Span
scan_span(Scanner *s)
{
	Span span = {0, 0};

	do
		scan_span_part(s, &span);
	while (scan_peek_digit(s));
	return span;
}

/* Read "MM-DD" as 100 * month + day; the caller looks at its range. */
int32
scan_month_day(Scanner *s)
{
	const Scanner start = *s;
	int64		  month = scan_peek_digit(s) ? scan_int64(s) : 0;
	int64		  mday;

	if (*s->at != '-' || month < 1 || month > 12)
		scan_error(&start, "a month and day as MM-DD");
	s->at++;
	mday = scan_int64(s);
	if (mday < 1 || mday > 99)
		scan_error(&start, "a month and day as MM-DD");
	return (int32) (month * 100 + mday);
}

static void
append_count(StringInfo out, int32 count, const char *unit)
{
	appendStringInfo(out, " %d %s%s", count, unit, count == 1 ? "" : "s");
}

/* The length, after a space. */
void
append_span(StringInfo out, Span span)
{
	if (span.months != 0)
		append_count(out, span.months, "month");
	if (span.days != 0)
		append_count(out, span.days, "day");
}
