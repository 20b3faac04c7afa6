/*
 * season.c: the type season: its checks, its clock, what it tells, and its text and binary forms.
 *
 * The text form is the period, s of every bin, and what it was found in:
 *   month 0.7 0.65 0.8 ... 1.95
 *   month 0.7 ... 1.95 found (customers 812, from 2021-01-03, until 2024-12-30, purchases 41 ... 97, errors 0.09 ... 0.05)
 */
#include "crm.h"

#include <math.h>

#include "base/calendar.h"
#include "base/json.h"
#include "base/names.h"
#include "base/value.h"
#include "catalog/pg_type.h"
#include "lifetime/fit_record.h"
#include "lifetime/season.h"
#include "utils/array.h"
#include "utils/builtins.h"

#define YEAR_DAYS 365.2425
#define FEBRUARY_28 58 /* day of the year, from 0 */
#define LAST_WEEK 51
#define LEAP_WEEK (FEBRUARY_28 / 7)
#define ENOUGH_CYCLES 2

static const char  period_words[][6] = {"", "month", "week"};
static const Names periods = NAMES("period of a season", "Periods", NULL, 1, period_words);

static const int month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
static const int week_days[SEASON_MAX_BINS] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
											   7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
											   7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8};

const SeasonYear *
season_year(int period)
{
	static const SeasonYear months = {12, 1, month_days};
	static const SeasonYear weeks = {SEASON_MAX_BINS, LEAP_WEEK, week_days};

	return period == SEASON_MONTH ? &months : &weeks;
}

/* month or week; an error names both. */
int
season_period_of_text(const text *period)
{
	return names_get_text(&periods, period);
}

/* A season without bins' figures, to be filled. */
Season *
season_create(int period)
{
	Size	size = SEASON_SIZE(season_year(period)->nbins);
	Season *season = palloc0(size);

	SET_VARSIZE(season, size);
	season->version = SEASON_VERSION;
	season->period = period;
	return season;
}

static double
mean_over_year(const Season *season)
{
	const SeasonYear *year = season_year(season->period);
	double			  mean = 0;

	for (int b = 0; b < year->nbins; b++)
		mean += season_share(year, b) * season->bins[b].s;
	return mean;
}

/* Everything that input, receive and the constructor promise. */
Season *
CheckSeason(Season *season)
{
	int	   nbins = season_year(season->period)->nbins;
	double mean = mean_over_year(season);
	bool   given = season->customers == 0;
	bool   sound = season->customers >= 0 && season->first_on <= season->last_on &&
				 IS_VALID_DATE(season->first_on) && IS_VALID_DATE(season->last_on) &&
				 (!given || (season->first_on == 0 && season->last_on == 0));

	for (int b = 0; b < nbins; b++)
	{
		const SeasonBin *bin = &season->bins[b];

		if (!(bin->s >= 1 / SEASON_LARGEST && bin->s <= SEASON_LARGEST))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("season cannot have an index of %g", bin->s),
							errdetail("An index is positive, from %g to %g; 1 is the average.",
									  1 / SEASON_LARGEST, SEASON_LARGEST)));
		sound = sound && bin->error >= 0 && isfinite(bin->error) && bin->purchases >= 0 &&
				(!given || (bin->error == 0 && bin->purchases == 0));
	}
	if (!(fabs(mean - 1) <= SEASON_MEAN_ERROR))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("season averages %g over a year, not 1", mean),
				 errhint("crm.season(period, indexes) makes a season of numbers of any size.")));
	if (!sound)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("season holds findings that cannot be")));
	return season;
}

/* Whether it is none: what it counts must be what days count, to the last bit. */
bool
season_is_flat(const Season *season)
{
	for (int b = 0; b < season_year(season->period)->nbins; b++)
		if (season->bins[b].s != 1)
			return false;
	return true;
}

static bool
is_leap(int64 year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Leap years before a year, as the calendar's rule would have it for ever. */
static int64
leaps_before(int64 year)
{
	return floor_div(year - 1, 4) - floor_div(year - 1, 100) + floor_div(year - 1, 400);
}

/* Where a day lies in its year. */
SeasonDay
season_day(int period, DateADT day)
{
	MonthDay  month = month_of_day(day);
	int64	  year = floor_div(month.month, 12);
	SeasonDay result = {(int) year, (int) (leaps_before(year) - leaps_before(2000)),
						(int) (month.month - year * 12), month.mday, is_leap(year)};
	int		  of_year;
	int		  plain;

	if (period == SEASON_MONTH)
		return result;
	of_year = (int) (day - day_of_month(year * 12, 1));
	plain = of_year - (result.leap && of_year > FEBRUARY_28);
	result.bin = Min(plain / 7, LAST_WEEK);
	result.day = (result.bin == LEAP_WEEK ? of_year : plain) - result.bin * 7 + 1;
	return result;
}

/* What the clock shows at the end of a day, in days from the start of 2000 on. */
double
season_clock(const Season *season, DateADT day)
{
	const SeasonYear *year = season_year(season->period);
	SeasonDay		  at = season_day(season->period, day);
	double			  whole = 0;
	double			  passed = 0;

	for (int b = 0; b < year->nbins; b++)
	{
		double s = season->bins[b].s;

		whole += s * year->days[b];
		if (b < at.bin)
			passed += s * (year->days[b] + (at.leap && b == year->leap_bin));
		else if (b == at.bin)
			passed += s * at.day;
	}
	return (at.year - 2000) * whole + at.leaps * season->bins[year->leap_bin].s + passed;
}

/* The first day by whose end the clock has run so many days on since a day; 'infinity' beyond the calendar. */
DateADT
season_day_after(const Season *season, DateADT from, double days)
{
	double start = season_clock(season, from);
	double last = DATE_END_JULIAN - POSTGRES_EPOCH_JDATE - 1;
	double low = from; /* too early but for no time at all */
	double high;

	if (days <= 0)
		return from;
	/* within a year the clock is at most a year ahead or behind */
	high = from + days + 2 * 366;
	low = fmax(low, from + days - 2 * 366);
	if (!(high < last))
		return DATEVAL_NOEND;
	while (high - low > 1)
	{
		double middle = floor((low + high) / 2);

		if (season_clock(season, (DateADT) middle) - start < days)
			low = middle;
		else
			high = middle;
	}
	return (DateADT) ceil(high);
}

/* Cycles that the purchases span. */
static double
cycles(const Season *season)
{
	return (season->last_on - season->first_on + 1) / YEAR_DAYS;
}

/* Whether a season was found in too little. */
bool
season_is_doubtful(const Season *season)
{
	if (season->customers == 0)
		return false;
	for (int b = 0; b < season_year(season->period)->nbins; b++)
		if (season->bins[b].purchases == 0)
			return true;
	return cycles(season) < ENOUGH_CYCLES;
}

/* What a season stands on, in words, as a sentence without its full stop. */
char *
season_reason(const Season *season)
{
	StringInfoData out;
	int64		   purchases = 0;
	int			   empty = 0;

	if (season->customers == 0)
		return pstrdup("The season was given, not found");
	for (int b = 0; b < season_year(season->period)->nbins; b++)
	{
		purchases += season->bins[b].purchases;
		empty += season->bins[b].purchases == 0;
	}
	initStringInfo(&out);
	if (cycles(season) < ENOUGH_CYCLES)
		appendStringInfo(&out,
						 "Doubtful: purchases span %.1f years, and in less than two a trend or one "
						 "odd year looks like a season",
						 cycles(season));
	else if (empty > 0)
		appendStringInfo(&out, "Doubtful: %d of %d %ss have no purchase to stand on", empty,
						 season_year(season->period)->nbins, period_words[season->period]);
	else
		appendStringInfo(&out,
						 "Found in " INT64_FORMAT " purchases of " INT64_FORMAT
						 " customers over %.1f years",
						 purchases, season->customers, cycles(season));
	return out.data;
}

PG_FUNCTION_INFO_V1(crm_season_verdict);
Datum
crm_season_verdict(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(season_reason(PG_GETARG_SEASON(0))));
}

/* (period, indexes): a season that is known, from numbers of any size that are in proportion. */
PG_FUNCTION_INFO_V1(crm_season_given);
Datum
crm_season_given(PG_FUNCTION_ARGS)
{
	int		   period = season_period_of_text(PG_GETARG_TEXT_PP(0));
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	Season	  *season = season_create(period);
	int		   nbins = season_year(period)->nbins;
	double	  *numbers = (double *) ARR_DATA_PTR(array);
	double	   mean;
	bool	   even = true;

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != nbins || array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a season by %s has %d indexes, none of them NULL",
							   period_words[period], nbins)));
	for (int b = 0; b < nbins; b++)
	{
		if (!(numbers[b] > 0) || !isfinite(numbers[b]))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("season cannot have an index of %g", numbers[b]),
							errdetail("An index is a positive number.")));
		season->bins[b].s = numbers[b];
		even = even && numbers[b] == numbers[0];
	}
	/* equal numbers are no season, to the last bit */
	for (int b = 0; b < nbins && even; b++)
		season->bins[b].s = 1;
	mean = mean_over_year(season);
	for (int b = 0; b < nbins && fabs(mean - 1) > 1e-15; b++)
		season->bins[b].s /= mean;
	PG_RETURN_POINTER(CheckSeason(season));
}

/* ---- text and binary forms ---- */

void
season_append_text(StringInfo out, const Season *season)
{
	int nbins = season_year(season->period)->nbins;

	appendStringInfoString(out, period_words[season->period]);
	for (int b = 0; b < nbins; b++)
	{
		appendStringInfoChar(out, ' ');
		append_float8(out, season->bins[b].s);
	}
	if (season->customers == 0)
		return;
	appendStringInfo(out, " found (customers " INT64_FORMAT ", from %s, until %s, purchases",
					 season->customers, date_to_text(season->first_on),
					 date_to_text(season->last_on));
	for (int b = 0; b < nbins; b++)
		appendStringInfo(out, " " INT64_FORMAT, season->bins[b].purchases);
	appendStringInfoString(out, ", errors");
	for (int b = 0; b < nbins; b++)
	{
		appendStringInfoChar(out, ' ');
		append_float8(out, season->bins[b].error);
	}
	appendStringInfoChar(out, ')');
}

/* Reads what season_append_text writes. */
Season *
season_scan(Scanner *s)
{
	Season *season = season_create(names_scan(s, &periods));
	int		nbins = season_year(season->period)->nbins;

	for (int b = 0; b < nbins; b++)
		season->bins[b].s = scan_float8(s);
	if (scan_try_word(s, "found"))
	{
		scan_char(s, '(');
		scan_word(s, "customers");
		season->customers = scan_int64(s);
		if (season->customers < 1)
			scan_error(s, "customers");
		scan_char(s, ',');
		scan_word(s, "from");
		season->first_on = scan_date(s);
		scan_char(s, ',');
		scan_word(s, "until");
		season->last_on = scan_date(s);
		scan_char(s, ',');
		scan_word(s, "purchases");
		for (int b = 0; b < nbins; b++)
			season->bins[b].purchases = scan_int64(s);
		scan_char(s, ',');
		scan_word(s, "errors");
		for (int b = 0; b < nbins; b++)
			season->bins[b].error = scan_float8(s) + 0.0;
		scan_char(s, ')');
	}
	return CheckSeason(season);
}

/* What it is, and what it was found in if it was. */
PG_FUNCTION_INFO_V1(crm_season_to_jsonb);
Datum
crm_season_to_jsonb(PG_FUNCTION_ARGS)
{
	Season		  *season = PG_GETARG_SEASON(0);
	int			   nbins = season_year(season->period)->nbins;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"period\":\"%s\",\"indexes\":", period_words[season->period]);
	for (int b = 0; b < nbins; b++)
	{
		appendStringInfoChar(&json, b > 0 ? ',' : '[');
		append_float8(&json, season->bins[b].s);
	}
	appendStringInfoChar(&json, ']');
	if (season->customers > 0)
	{
		appendStringInfo(
			&json,
			",\"customers\":" INT64_FORMAT ",\"from\":\"%s\",\"until\":\"%s\",\"purchases\":",
			season->customers, date_to_text(season->first_on), date_to_text(season->last_on));
		for (int b = 0; b < nbins; b++)
			appendStringInfo(&json, "%c" INT64_FORMAT, b > 0 ? ',' : '[',
							 season->bins[b].purchases);
		appendStringInfoString(&json, "],\"errors\":");
		for (int b = 0; b < nbins; b++)
		{
			appendStringInfoChar(&json, b > 0 ? ',' : '[');
			append_float8(&json, season->bins[b].error);
		}
		appendStringInfoChar(&json, ']');
	}
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(jsonb_of_text(&json));
}

void
season_append_bytes(StringInfo out, const Season *season)
{
	pq_sendint16(out, season->version);
	pq_sendint8(out, season->period);
	pq_sendint8(out, season->flags);
	pq_sendint64(out, season->customers);
	pq_sendint32(out, season->first_on);
	pq_sendint32(out, season->last_on);
	for (int b = 0; b < season_year(season->period)->nbins; b++)
	{
		pq_sendfloat8(out, season->bins[b].s);
		pq_sendfloat8(out, season->bins[b].error);
		pq_sendint64(out, season->bins[b].purchases);
	}
}

/* Reads what season_append_bytes writes. */
Season *
season_from_bytes(StringInfo message)
{
	int		version = pq_getmsgint(message, 2);
	int		period = pq_getmsgbyte(message);
	int		flags = pq_getmsgbyte(message);
	Season *season;

	CheckSentHeader("season", version, flags, SEASON_VERSION, 0);
	if (period != SEASON_MONTH && period != SEASON_WEEK)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown period of a season: %d", period)));
	season = season_create(period);
	season->customers = pq_getmsgint64(message);
	season->first_on = pq_getmsgint(message, 4);
	season->last_on = pq_getmsgint(message, 4);
	for (int b = 0; b < season_year(period)->nbins; b++)
	{
		season->bins[b].s = pq_getmsgfloat8(message);
		season->bins[b].error = pq_getmsgfloat8(message) + 0.0; /* no minus zero */
		season->bins[b].purchases = pq_getmsgint64(message);
	}
	return CheckSeason(season);
}

PG_FUNCTION_INFO_V1(crm_season_in);
Datum
crm_season_in(PG_FUNCTION_ARGS)
{
	Scanner s = scan_start("season", PG_GETARG_CSTRING(0));
	Season *season = season_scan(&s);

	scan_end(&s);
	PG_RETURN_POINTER(season);
}

PG_FUNCTION_INFO_V1(crm_season_out);
Datum
crm_season_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	season_append_text(&out, PG_GETARG_SEASON(0));
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_season_send);
Datum
crm_season_send(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	pq_begintypsend(&out);
	season_append_bytes(&out, PG_GETARG_SEASON(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_season_recv);
Datum
crm_season_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(season_from_bytes((StringInfo) PG_GETARG_POINTER(0)));
}

VALUE_FUNCTIONS(season, value_bytes_order, value_bytes);
