/*
 * points_terms.c: the terms of a points rule: their forms, their checks, and the
 * days that they lead to.
 *
 * Their text is, for example
 * pending 14 days expires end of year after 24 months inactivity 18 months
 * reinstated within 90 days never negative
 */
#include "crm.h"

#include "base/calendar.h"
#include "base/names.h"
#include "base/span_io.h"
#include "base/value.h"
#include "tiers/points_terms.h"
#include "utils/builtins.h"

const PointsTerms points_plain_terms = {.scale = {AMOUNT_SCALE, ROUND_DOWN, 0, 0, {0}}};

static const char end_of_names[][8] = {
	[END_OF_MONTH] = "month", [END_OF_QUARTER] = "quarter", [END_OF_YEAR] = "year"};

static const char  reaching_words[][8] = {"old", "new", "split"};
static const Names reachings = NAMES(
	"reaching", "Words",
	"The day on which a tier is reached earns at the rate of the tier before, of the new one, or "
	"split at the threshold.",
	0, reaching_words);

/* ---- days ---- */

/* The first day of the next month, quarter or year after a day; NEVER beyond the calendar. */
static DateADT
next_period(const PointsTerms *t, DateADT day)
{
	int	  months = t->end_of == END_OF_MONTH ? 1 : t->end_of == END_OF_QUARTER ? 3 : 12;
	int	  starts = t->year_starts == 0 ? 101 : t->year_starts;
	int64 anchor = 2000 * 12 + starts / 100 - 1;
	int64 number = floor_div(month_of_day(day).month - anchor, months);

	if (day_of_month(anchor + number * months, starts % 100) <= day)
		number++;
	return day_or_never(day_of_month(anchor + number * months, starts % 100));
}

/* points_expire_on of any rule. */
DateADT
points_expire_by_terms(const PointsTerms *t, Span expiry, DateADT day, int rank)
{
	Span	span = t->by_tier && rank > 0 ? t->tier_expiry[rank - 1] : expiry;
	DateADT last = day_plus_span(day, span);

	if (span_is_zero(span) && (t->end_of == END_OF_LENGTH || (t->by_tier && rank > 0)))
		return NEVER;
	if (last == NEVER)
		return NEVER;
	if (t->end_of != END_OF_LENGTH)
		return next_period(t, last);
	return day_or_never((int64) last + t->inclusive);
}

/* The day on which all points lapse if nothing happens; NEVER if they do not. */
DateADT
points_lapse_on(const PointsTerms *t, DateADT last_activity)
{
	DateADT last;

	if (span_is_zero(t->inactivity) || last_activity == DATEVAL_NOBEGIN)
		return NEVER;
	last = day_plus_span(last_activity, t->inactivity);
	return last == NEVER ? NEVER : day_or_never((int64) last + t->inclusive);
}

/* ---- checks ---- */

/* A year or its quarters may begin on a day that every month has; months begin on the first. */
static void
CheckYearStart(const PointsTerms *t)
{
	int month = t->year_starts / 100;
	int mday = t->year_starts % 100;

	if (t->year_starts == 0)
		return;
	if (t->end_of != END_OF_QUARTER && t->end_of != END_OF_YEAR)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("only the end of a quarter or a year has a start of its year"),
						errhint("Write \"end of year from %02d-%02d\".", month, mday)));
	if (month < 1 || month > 12 || mday < 1 || mday > 28)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid start of a year %02d-%02d", month, mday),
						errdetail("It is a month and a day from 1 to 28, as MM-DD."),
						errhint("Write \"end of year from 04-01\".")));
}

/* The last day is said where there is a length that has one. */
static void
CheckInclusive(const PointsTerms *t, Span expiry)
{
	bool any = !span_is_zero(t->inactivity);

	if (!t->inclusive)
		return;
	if (t->end_of != END_OF_LENGTH)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the end of a %s is always inclusive", end_of_names[t->end_of]),
						errhint("Leave \"inclusive\" out.")));
	any = any || !span_is_zero(expiry);
	for (int i = 0; i < TIER_MAX; i++)
		any = any || !span_is_zero(t->tier_expiry[i]);
	if (!any)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("points that never expire have no last day"),
						errhint("Give a length: \"expires 12 months inclusive\".")));
}

/* What is reinstated has expired before. */
static void
CheckReinstatement(const PointsTerms *t, Span expiry)
{
	bool any = !span_is_zero(expiry) || !span_is_zero(t->inactivity) || t->end_of != END_OF_LENGTH;

	for (int i = 0; i < TIER_MAX; i++)
		any = any || !span_is_zero(t->tier_expiry[i]);
	if (!any && !span_is_zero(t->reinstatement))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("points that never expire are never reinstated"),
						errhint("Give an expiry, or leave \"reinstated within\" out.")));
}

/* What is split is split where the money reaches a threshold. */
static void
CheckReaching(const PointsTerms *t, const TierProgram *p)
{
	if (t->reaching != REACHING_OLD && p == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reaching %s needs a program", reaching_words[t->reaching]),
				 errhint("Give the program and the rates of its tiers, or leave reaching out.")));
	if (t->reaching == REACHING_SPLIT && p->metric != METRIC_SPEND)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("reaching split needs a program that counts spend"),
						errhint("Write \"reaching old\" or \"reaching new\".")));
	if (t->reaching == REACHING_SPLIT && (t->scale.in_parts || t->scale.per_purchase))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("what is split at a threshold is rounded by day"),
						errhint("Leave \"in parts\" or \"per purchase\" out.")));
}

/* What the terms of a rule with an expiry and a program, or NULL, may be. */
void
CheckPointsTerms(const PointsTerms *t, Span expiry, const TierProgram *p)
{
	CheckPointsScale(&t->scale);
	CheckSpan(t->pending, "pending");
	CheckSpan(t->inactivity, "inactivity");
	CheckSpan(t->reinstatement, "reinstatement");
	for (int i = 0; i < TIER_MAX; i++)
		CheckSpan(t->tier_expiry[i], "expiry of a tier");
	CheckYearStart(t);
	CheckInclusive(t, expiry);
	CheckReinstatement(t, expiry);
	CheckReaching(t, p);
	if (t->by_tier && p == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("expiry by tier needs a program"),
				 errhint("Give the program, or expiry for all points alike.")));
}

/* ---- text ---- */

/* Read "of month|quarter|year [from MM-DD]", or "of year(april)", behind the word end. */
static void
scan_end_of(Scanner *s, PointsTerms *t)
{
	Scanner start;
	Period	period;

	scan_word(s, "of");
	start = *s;
	period =
		scan_at_end(s) ? PERIOD_DAY : period_from_text(cstring_to_text(scan_name(s, " \t\r\n")));
	if (PERIOD_UNIT(period) < PERIOD_MONTH)
		scan_error(&start, "month, quarter or year");
	t->end_of = END_OF_MONTH + (PERIOD_UNIT(period) - PERIOD_MONTH);
	if (PERIOD_SHIFT(period) > 0)
		t->year_starts = 100 * (PERIOD_SHIFT(period) + 1) + 1;
	else if (scan_try_word(s, "from"))
		t->year_starts = scan_month_day(s);
	if (t->year_starts == 101)
		t->year_starts = 0;
}

/* The same as an argument of the constructor: "end of year from 04-01". */
void
points_end_of_from_text(const char *text, PointsTerms *t)
{
	Scanner s = scan_start("expires_at", text);

	scan_word(&s, "end");
	scan_end_of(&s, t);
	scan_end(&s);
}

/* Read "<length> [inclusive]" or "end of ... [after <length>]" behind the word expires. */
void
scan_points_expiry(Scanner *s, PointsTerms *t, Span *expiry)
{
	if (!scan_try_word(s, "end"))
		*expiry = scan_span(s);
	else
	{
		scan_end_of(s, t);
		if (scan_try_word(s, "after"))
			*expiry = scan_span(s);
	}
	t->inclusive = scan_try_word(s, "inclusive");
}

/* Read what there is of the terms behind the expiry. */
void
scan_points_terms(Scanner *s, PointsTerms *t)
{
	if (scan_try_word(s, "inactivity"))
	{
		t->inactivity = scan_span(s);
		if (!t->inclusive)
			t->inclusive = scan_try_word(s, "inclusive");
	}
	if (scan_try_word(s, "reinstated"))
	{
		scan_word(s, "within");
		t->reinstatement = scan_span(s);
	}
	if (scan_try_word(s, "never"))
	{
		scan_word(s, "negative");
		t->forgives = 1;
	}
}

int
scan_points_reaching(Scanner *s)
{
	return names_scan(s, &reachings);
}

int
points_reaching_from_text(const char *text)
{
	return names_get(&reachings, text, strlen(text));
}

const char *
points_reaching_name(int reaching)
{
	return reaching_words[reaching];
}

/* Read "{<length>|never, ...} [inclusive]" behind the word expiries; returns how many. */
int
scan_tier_expiry(Scanner *s, PointsTerms *t)
{
	int n = 0;

	t->by_tier = 1;
	scan_char(s, '{');
	do
	{
		if (n == TIER_MAX)
			scan_error(s, "no more than 32 lengths");
		if (!scan_try_word(s, "never"))
			t->tier_expiry[n] = scan_span(s);
		n++;
	} while (scan_try_char(s, ','));
	scan_char(s, '}');
	if (!t->inclusive)
		t->inclusive = scan_try_word(s, "inclusive");
	return n;
}

static void
append_end_of(StringInfo out, const PointsTerms *t)
{
	appendStringInfo(out, "end of %s", end_of_names[t->end_of]);
	if (t->year_starts != 0)
		appendStringInfo(out, " from %02d-%02d", t->year_starts / 100, t->year_starts % 100);
}

/* The terms, and the expiry of the rule among them; each after a space. */
void
append_points_terms(StringInfo out, const PointsTerms *t, Span expiry)
{
	bool expires = !span_is_zero(expiry) || t->end_of != END_OF_LENGTH;

	if (!span_is_zero(t->pending))
	{
		appendStringInfoString(out, " pending");
		append_span(out, t->pending);
	}
	if (expires)
		appendStringInfoString(out, " expires");
	if (t->end_of != END_OF_LENGTH)
	{
		appendStringInfoChar(out, ' ');
		append_end_of(out, t);
		if (!span_is_zero(expiry))
			appendStringInfoString(out, " after");
	}
	append_span(out, expiry);
	if (expires && t->inclusive)
		appendStringInfoString(out, " inclusive");
	if (!span_is_zero(t->inactivity))
	{
		appendStringInfoString(out, " inactivity");
		append_span(out, t->inactivity);
		if (!expires && t->inclusive)
			appendStringInfoString(out, " inclusive");
	}
	if (!span_is_zero(t->reinstatement))
	{
		appendStringInfoString(out, " reinstated within");
		append_span(out, t->reinstatement);
	}
	if (t->forgives)
		appendStringInfoString(out, " never negative");
}

/* " expiries {...}", if they are by tier; "inclusive" where no other length of the rule says so. */
void
append_tier_expiry(StringInfo out, const PointsTerms *t, Span expiry, int ntiers)
{
	for (int i = 0; t->by_tier && i < ntiers; i++)
	{
		appendStringInfoString(out, i == 0 ? " expiries {" : ",");
		if (span_is_zero(t->tier_expiry[i]))
			appendStringInfoString(out, i == 0 ? "never" : " never");
		else if (i > 0)
			append_span(out, t->tier_expiry[i]);
		else
		{
			StringInfoData span;

			initStringInfo(&span);
			append_span(&span, t->tier_expiry[i]);
			appendStringInfoString(out, span.data + 1);
		}
	}
	if (t->by_tier)
		appendStringInfoChar(out, '}');
	if (t->inclusive && span_is_zero(expiry) && span_is_zero(t->inactivity))
		appendStringInfoString(out, " inclusive");
}

/* ---- jsonb ---- */

/* A length as a string of an object, null where there is none. */
static void
append_json_length(StringInfo out, Span span)
{
	StringInfoData text;

	if (span_is_zero(span))
	{
		appendStringInfoString(out, "null");
		return;
	}
	initStringInfo(&text);
	append_span(&text, span);
	appendStringInfo(out, "\"%s\"", text.data + 1);
}

void
append_json_span(StringInfo out, const char *key, Span span)
{
	appendStringInfo(out, ",\"%s\":", key);
	append_json_length(out, span);
}

/* The terms as fields of an object, each after a comma. */
void
append_points_terms_json(StringInfo out, const PointsTerms *t, int ntiers)
{
	append_json_span(out, "pending", t->pending);
	appendStringInfoString(out, ",\"expires_at\":");
	if (t->end_of == END_OF_LENGTH)
		appendStringInfoString(out, "null");
	else
	{
		appendStringInfoChar(out, '"');
		append_end_of(out, t);
		appendStringInfoChar(out, '"');
	}
	appendStringInfo(out, ",\"last_day_inclusive\":%s", t->inclusive ? "true" : "false");
	append_json_span(out, "inactivity", t->inactivity);
	append_json_span(out, "reinstatement", t->reinstatement);
	appendStringInfo(out,
					 ",\"never_negative\":%s,\"tier_expiry\":", t->forgives ? "true" : "false");
	for (int i = 0; t->by_tier && i < ntiers; i++)
	{
		appendStringInfoChar(out, i == 0 ? '[' : ',');
		append_json_length(out, t->tier_expiry[i]);
	}
	appendStringInfoString(out, t->by_tier ? "]" : "null");
	appendStringInfo(out, ",\"reaching\":\"%s\"", reaching_words[t->reaching]);
}

/* ---- binary ---- */

static void
send_span(StringInfo out, Span span)
{
	pq_sendint32(out, span.months);
	pq_sendint32(out, span.days);
}

static Span
receive_span(StringInfo message)
{
	Span span;

	span.months = (int32) pq_getmsgint(message, 4);
	span.days = (int32) pq_getmsgint(message, 4);
	return span;
}

/*
 * Binary form: the scale; pending, inactivity, reinstatement (int32 months and days);
 * start of the year (int32); end of, inclusive, never negative, by tier, reaching (int8); by
 * tier a length for each tier.
 */
void
send_points_terms(StringInfo out, const PointsTerms *t, int ntiers)
{
	send_points_scale(out, &t->scale);
	send_span(out, t->pending);
	send_span(out, t->inactivity);
	send_span(out, t->reinstatement);
	pq_sendint32(out, t->year_starts);
	pq_sendint8(out, t->end_of);
	pq_sendint8(out, t->inclusive);
	pq_sendint8(out, t->forgives);
	pq_sendint8(out, t->by_tier);
	pq_sendint8(out, t->reaching);
	for (int i = 0; t->by_tier && i < ntiers; i++)
		send_span(out, t->tier_expiry[i]);
}

/* Terms are there to say something. */
PointsTerms
receive_points_terms(StringInfo message, int ntiers)
{
	PointsTerms t = points_plain_terms;

	t.scale = receive_points_scale(message);
	t.pending = receive_span(message);
	t.inactivity = receive_span(message);
	t.reinstatement = receive_span(message);
	t.year_starts = (int32) pq_getmsgint(message, 4);
	t.end_of = receive_choice(message, "points_rule", "end", END_OF_YEAR);
	t.inclusive = receive_choice(message, "points_rule", "last day", 1);
	t.forgives = receive_choice(message, "points_rule", "floor of the balance", 1);
	t.by_tier = receive_choice(message, "points_rule", "expiry by tier", 1);
	t.reaching = receive_choice(message, "points_rule", "reaching", REACHING_SPLIT);
	for (int i = 0; t.by_tier && i < ntiers; i++)
		t.tier_expiry[i] = receive_span(message);
	if (points_terms_are_plain(&t) || t.year_starts == 101)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("points_rule has terms that say nothing")));
	return t;
}
