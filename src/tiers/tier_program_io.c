/*
 * tier_program_io.c: the text, binary and jsonb forms of a tier program, its
 * order and hash.
 *
 * The text form is, for example
 * {Bronze: spend 0, Silver: spend 500, Gold: spend 2000 or orders 20 keep spend 1500 lifetime}
 * rolling 12 months downgrade one_tier grace 30 days valid 12 months starts 2024-01-01
 * points rate 1 per_order 5 bonus 100 every 10
 *
 * The main metric is the one that the first tier names first. A name that is no
 * plain word stands in double quotes.
 */
#include "crm.h"

#include "base/calendar.h"
#include "base/value.h"
#include "libpq/pqformat.h"
#include "base/span_io.h"
#include "tiers/tier_program.h"
#include "utils/builtins.h"
#include "utils/json.h"

/* ---- text in ---- */

int64
scan_tier_threshold(Scanner *s, int metric)
{
	return metric == METRIC_SPEND ? scan_amount(s) : scan_int64(s);
}

/* Read "metric threshold [and metric threshold ...]"; returns how many. */
static int
scan_conjunction(Scanner *s, int64 *thresholds, int *first)
{
	int n = 0;

	do
	{
		const Scanner start = *s;
		int			  metric = names_scan_bare(s, &tier_metrics);

		if (thresholds[metric] != NO_THRESHOLD)
			scan_error(&start, "another metric");
		thresholds[metric] = scan_tier_threshold(s, metric);
		if (thresholds[metric] < 0)
			scan_error(&start, "a threshold that is not negative");
		if (n++ == 0)
			*first = metric;
	} while (scan_try_word(s, "and"));
	return n;
}

/*
 * Read "metric threshold [and ...] or metric threshold [and ...] ..."; returns the first
 * metric. Rules of one metric stand in the tier, those of several in the draft.
 */
static int
scan_rules(Scanner *s, int64 *single, TierTermsDraft *draft, int rank, bool retain)
{
	int first = -1;

	do
	{
		int64		  thresholds[TIER_METRICS];
		int			  metric = 0;
		const Scanner start = *s;

		for (int m = 0; m < TIER_METRICS; m++)
			thresholds[m] = NO_THRESHOLD;
		if (scan_conjunction(s, thresholds, &metric) > 1)
			tier_terms_add_alternative(draft, rank, retain, thresholds);
		else if (single[metric] != NO_THRESHOLD)
			scan_error(&start, "another metric");
		else
			single[metric] = thresholds[metric];
		if (first < 0)
			first = metric;
	} while (scan_try_word(s, "or"));
	return first;
}

/* The rules of a tier, to reach it or to keep it, as an argument of that name. */
void
tier_rules_from_text(const char *text, const char *name, TierProgram *p, TierTermsDraft *draft,
					 int rank, bool retain)
{
	Scanner s = scan_start(name, text);
	Tier   *tier = &p->tiers[rank - 1];

	scan_rules(&s, retain ? tier->retain : tier->qualify, draft, rank, retain);
	scan_end(&s);
}

/* Read "name: rules [keep rules] [lifetime]"; returns the first metric. */
static int
scan_tier(Scanner *s, Tier *tier, TierTermsDraft *draft, int rank)
{
	int metric;

	tier_set_name(tier, scan_label(s));
	scan_char(s, ':');
	metric = scan_rules(s, tier->qualify, draft, rank, false);
	if (scan_try_word(s, "keep"))
		scan_rules(s, tier->retain, draft, rank, true);
	tier->lifetime = scan_try_word(s, "lifetime");
	return metric;
}

/* Read "year [from 04-06]", or a period with its start: "year(april)", "week(sunday)". */
static void
scan_calendar(Scanner *s, TierProgram *p)
{
	const Scanner start = *s;
	Period		  period;

	if (scan_at_end(s))
		scan_error(s, "year, quarter, month or week");
	period = period_from_text(cstring_to_text(scan_name(s, " \t\r\n")));
	if (PERIOD_UNIT(period) == PERIOD_DAY)
		scan_error(&start, "year, quarter, month or week");
	tier_set_calendar(p, period);
	if (PERIOD_UNIT(period) != PERIOD_WEEK && PERIOD_SHIFT(period) == 0 && scan_try_word(s, "from"))
		p->fiscal_start = scan_month_day(s);
}

static void
scan_window(Scanner *s, TierProgram *p)
{
	if (scan_try_word(s, "rolling"))
	{
		p->window = WINDOW_ROLLING;
		p->period = scan_span(s);
	}
	else if (scan_try_word(s, "anniversary"))
	{
		p->window = WINDOW_ANNIVERSARY;
		p->period = scan_span(s);
	}
	else if (scan_try_word(s, "calendar"))
		scan_calendar(s, p);
	else if (scan_try_word(s, "lifetime"))
		p->window = WINDOW_LIFETIME;
	else
		scan_error(s, "rolling, calendar, anniversary or lifetime");
}

/* A grace, which may be said to be none: "0 days". */
static Span
scan_grace(Scanner *s)
{
	static const char *const units[] = {"days", "day", "weeks", "months"};
	Scanner					 ahead = *s;

	if (scan_peek_digit(&ahead) && scan_int64(&ahead) == 0)
		for (size_t i = 0; i < lengthof(units); i++)
			if (scan_try_word(&ahead, units[i]) && !scan_peek_digit(&ahead))
			{
				*s = ahead;
				return (Span){0, 0};
			}
	return scan_span(s);
}

static bool
scan_on_refund(Scanner *s)
{
	if (scan_try_word(s, "keep"))
		return false;
	if (!scan_try_word(s, "revoke"))
		scan_error(s, "keep or revoke");
	return true;
}

/* Read a program up to what is no part of it any more. */
TierProgram *
tier_program_scan(Scanner *s)
{
	Tier		   blank;
	Tier		   tiers[TIER_MAX];
	int			   ntiers = 0;
	int			   metric = 0;
	TierTermsDraft draft;
	TierProgram	  *p;

	tier_terms_start(&draft, NULL);
	memset(&blank, 0, sizeof(blank));
	for (int m = 0; m < TIER_METRICS; m++)
		blank.qualify[m] = blank.retain[m] = NO_THRESHOLD;

	scan_char(s, '{');
	do
	{
		int first;

		if (ntiers == TIER_MAX)
			scan_error(s, "no more than 32 tiers");
		tiers[ntiers] = blank;
		first = scan_tier(s, &tiers[ntiers], &draft, ntiers + 1);
		if (ntiers++ == 0)
			metric = first;
	} while (scan_try_char(s, ','));
	scan_char(s, '}');

	p = tier_program_create(ntiers);
	memcpy(p->tiers, tiers, ntiers * sizeof(Tier));
	p->metric = metric;
	scan_window(s, p);
	if (scan_try_word(s, "downgrade"))
		p->downgrade = names_scan(s, &tier_downgrades);
	if (scan_try_word(s, "grace"))
		p->grace = scan_grace(s);
	if (scan_try_word(s, "valid"))
		p->validity = scan_span(s);
	if (scan_try_word(s, "starts"))
		p->starts_on = scan_date(s);
	if (scan_try_word(s, "points"))
		p->earning = scan_points_earning(s, &draft.terms.scale);
	if (scan_try_word(s, "on_refund"))
		p->flags = scan_on_refund(s) ? TIER_PROGRAM_REVOKES : 0;
	scan_tier_terms(s, p, &draft);
	p = tier_program_with_terms(p, &draft);
	CheckTierProgram(p);
	return p;
}

PG_FUNCTION_INFO_V1(crm_tier_program_in);
Datum
crm_tier_program_in(PG_FUNCTION_ARGS)
{
	Scanner		 s = scan_start("tier_program", PG_GETARG_CSTRING(0));
	TierProgram *p = tier_program_scan(&s);

	scan_end(&s);
	PG_RETURN_TIER_PROGRAM(p);
}

/* ---- text out ---- */

void
append_tier_threshold(StringInfo out, int metric, int64 threshold)
{
	if (metric == METRIC_SPEND)
		appendStringInfoString(out, amount_to_text(threshold));
	else
		appendStringInfo(out, INT64_FORMAT, threshold);
}

/* Thresholds, the main metric first; returns what stands before what follows. */
static const char *
append_thresholds(StringInfo out, int main_metric, const int64 *thresholds, const char *before,
				  const char *between)
{
	for (int i = -1; i < TIER_METRICS; i++)
	{
		int metric = i < 0 ? main_metric : i;

		if (i == main_metric || thresholds[metric] == NO_THRESHOLD)
			continue;
		appendStringInfo(out, "%s%s ", before, tier_metric_name(metric));
		append_tier_threshold(out, metric, thresholds[metric]);
		before = between;
	}
	return before;
}

/*
 * The rules of a tier: those of one metric, then those of several. Where the first tier names the
 * main metric only along with others, that rule goes first, as the text names the main metric so.
 */
static void
append_rules(StringInfo out, const TierProgram *p, int rank, bool retain, const char *before)
{
	const Tier			  *tier = &p->tiers[rank - 1];
	const TierAlternative *a = tier_program_alternatives(p);
	const bool leads = rank == 1 && !retain && tier->qualify[p->metric] == NO_THRESHOLD &&
					   tier_program_terms(p)->nalternatives > 0 && a[0].rank == 1 && !a[0].retain;

	if (leads)
	{
		append_thresholds(out, p->metric, a[0].thresholds, before, " and ");
		before = " or ";
	}
	before =
		append_thresholds(out, p->metric, retain ? tier->retain : tier->qualify, before, " or ");
	for (int i = leads; i < tier_program_terms(p)->nalternatives; i++)
		if (a[i].rank == rank && a[i].retain == retain)
		{
			append_thresholds(out, p->metric, a[i].thresholds, before, " and ");
			before = " or ";
		}
}

static void
append_length(StringInfo out, const char *name, Span span)
{
	if (span_is_zero(span))
		return;
	appendStringInfo(out, " %s", name);
	append_span(out, span);
}

void
tier_program_append(StringInfo out, const TierProgram *p)
{
	appendStringInfoChar(out, '{');
	for (int i = 0; i < p->ntiers; i++)
	{
		const Tier *tier = &p->tiers[i];

		appendStringInfoString(out, i > 0 ? ", " : "");
		append_label(out, tier->name, NULL);
		appendStringInfoChar(out, ':');
		append_rules(out, p, i + 1, false, " ");
		append_rules(out, p, i + 1, true, " keep ");
		if (tier->lifetime)
			appendStringInfoString(out, " lifetime");
	}
	appendStringInfo(out, "} %s", tier_window_name(p));
	if (p->window == WINDOW_CALENDAR && !tier_window_is_weekly(p) && p->fiscal_start != 101)
		appendStringInfo(out, " from %02d-%02d", p->fiscal_start / 100, p->fiscal_start % 100);
	if (p->window != WINDOW_CALENDAR)
		append_span(out, p->period);
	appendStringInfo(out, " downgrade %s", tier_downgrade_name(p->downgrade));
	append_length(out, "grace", p->grace);
	append_length(out, "valid", p->validity);
	if (p->starts_on != DATEVAL_NOBEGIN)
		appendStringInfo(out, " starts %s", date_to_text(p->starts_on));
	if (!points_earning_is_none(&p->earning))
	{
		appendStringInfoString(out, " points");
		append_points_earning(out, &p->earning, &tier_program_terms(p)->scale);
	}
	if (tier_program_revokes(p))
		appendStringInfoString(out, " on_refund revoke");
	append_tier_terms(out, p);
}

PG_FUNCTION_INFO_V1(crm_tier_program_out);
Datum
crm_tier_program_out(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	initStringInfo(&out);
	tier_program_append(&out, PG_GETARG_TIER_PROGRAM(0));
	PG_RETURN_CSTRING(out.data);
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
 * Binary form: version, flags (int16), number of tiers (int16), main metric,
 * window, downgrade (int8), period, grace, validity (int32 months and days), starts_on,
 * fiscal start (int32), earning (4 x int64); for each tier its qualifying and retain
 * thresholds by metric (8 x int64), lifetime (int8), name; then the terms, if flags
 * say so.
 */
void
tier_program_send_to(StringInfo out, const TierProgram *p)
{
	pq_sendint16(out, p->version);
	pq_sendint16(out, p->flags);
	pq_sendint16(out, p->ntiers);
	pq_sendint8(out, p->metric);
	pq_sendint8(out, p->window);
	pq_sendint8(out, p->downgrade);
	send_span(out, p->period);
	send_span(out, p->grace);
	send_span(out, p->validity);
	pq_sendint32(out, p->starts_on);
	pq_sendint32(out, p->fiscal_start);
	send_points_earning(out, &p->earning);
	for (int i = 0; i < p->ntiers; i++)
	{
		for (int m = 0; m < TIER_METRICS; m++)
		{
			pq_sendint64(out, p->tiers[i].qualify[m]);
			pq_sendint64(out, p->tiers[i].retain[m]);
		}
		pq_sendint8(out, p->tiers[i].lifetime);
		pq_sendstring(out, p->tiers[i].name);
	}
	if (p->flags & TIER_PROGRAM_TERMS)
		send_tier_terms(out, p);
}

PG_FUNCTION_INFO_V1(crm_tier_program_send);
Datum
crm_tier_program_send(PG_FUNCTION_ARGS)
{
	StringInfoData out;

	pq_begintypsend(&out);
	tier_program_send_to(&out, PG_GETARG_TIER_PROGRAM(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static int64
receive_threshold(StringInfo message)
{
	int64 threshold = pq_getmsgint64(message);

	if (threshold < NO_THRESHOLD)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("negative threshold in tier_program")));
	return threshold;
}

TierProgram *
tier_program_receive(StringInfo message)
{
	int			 flags;
	TierProgram *p;

	flags = receive_header(message, "tier_program", 2, TIER_PROGRAM_VERSION, TIER_PROGRAM_FLAGS);
	p = tier_program_create((int16) pq_getmsgint(message, 2));
	p->flags = (uint16) flags;
	p->metric = receive_choice(message, "tier_program", "metric", TIER_METRICS - 1);
	p->window = receive_choice(message, "tier_program", "window", WINDOW_LIFETIME);
	p->downgrade = receive_choice(message, "tier_program", "downgrade", DOWNGRADE_TO_BASE);
	p->period = receive_span(message);
	p->grace = receive_span(message);
	p->validity = receive_span(message);
	p->starts_on = (DateADT) pq_getmsgint(message, 4);
	p->fiscal_start = (int32) pq_getmsgint(message, 4);
	p->earning = receive_points_earning(message);
	for (int i = 0; i < p->ntiers; i++)
	{
		for (int m = 0; m < TIER_METRICS; m++)
		{
			p->tiers[i].qualify[m] = receive_threshold(message);
			p->tiers[i].retain[m] = receive_threshold(message);
		}
		p->tiers[i].lifetime = receive_choice(message, "tier_program", "lifetime", 1);
		tier_set_name(&p->tiers[i], pq_getmsgstring(message));
	}
	if (flags & TIER_PROGRAM_TERMS)
		p = receive_tier_terms(message, p);
	CheckTierProgram(p);
	return p;
}

PG_FUNCTION_INFO_V1(crm_tier_program_recv);
Datum
crm_tier_program_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIER_PROGRAM(tier_program_receive((StringInfo) PG_GETARG_POINTER(0)));
}

/* ---- jsonb ---- */

static void
append_json_thresholds(StringInfo out, const int64 *thresholds)
{
	const char *separator = "";

	appendStringInfoChar(out, '{');
	for (int m = 0; m < TIER_METRICS; m++)
		if (thresholds[m] != NO_THRESHOLD)
		{
			appendStringInfo(out, "%s\"%s\":", separator, tier_metric_name(m));
			append_tier_threshold(out, m, thresholds[m]);
			separator = ",";
		}
	appendStringInfoChar(out, '}');
}

static void
append_json_rules(StringInfo out, const char *key, const int64 *thresholds)
{
	appendStringInfo(out, ",\"%s\":", key);
	append_json_thresholds(out, thresholds);
}

/* The rules of several metrics, only where there are any. */
static void
append_json_alternatives(StringInfo out, const char *key, const TierProgram *p, int rank,
						 bool retain)
{
	bool any = false;

	for (int i = 0; i < tier_program_terms(p)->nalternatives; i++)
	{
		const TierAlternative *a = &tier_program_alternatives(p)[i];

		if (a->rank != rank || a->retain != (int32) retain)
			continue;
		if (any)
			appendStringInfoChar(out, ',');
		else
			appendStringInfo(out, ",\"%s\":[", key);
		any = true;
		append_json_thresholds(out, a->thresholds);
	}
	if (any)
		appendStringInfoChar(out, ']');
}

static void
append_json_length(StringInfo out, const char *key, Span span)
{
	StringInfoData text;

	initStringInfo(&text);
	append_span(&text, span);
	if (span_is_zero(span))
		appendStringInfo(out, ",\"%s\":null", key);
	else
		appendStringInfo(out, ",\"%s\":\"%s\"", key, text.data + 1);
}

/* The program as a JSON object with every field, null where there is none. */
void
tier_program_append_json(StringInfo out, const TierProgram *p)
{
	appendStringInfoString(out, "{\"tiers\":[");
	for (int i = 0; i < p->ntiers; i++)
	{
		const Tier *tier = &p->tiers[i];

		appendStringInfo(out, "%s{\"rank\":%d,\"tier\":", i > 0 ? "," : "", i + 1);
		escape_json(out, tier->name);
		append_json_rules(out, "qualify", tier->qualify);
		append_json_alternatives(out, "qualify_together", p, i + 1, false);
		append_json_rules(out, "retain", tier->retain);
		append_json_alternatives(out, "retain_together", p, i + 1, true);
		appendStringInfo(out, ",\"lifetime\":%s}", tier->lifetime ? "true" : "false");
	}
	appendStringInfo(out, "],\"metric\":\"%s\",\"window_kind\":\"%s\"", tier_metric_name(p->metric),
					 tier_window_name(p));
	append_json_length(out, "period", p->period);
	appendStringInfo(out, ",\"downgrade\":\"%s\"", tier_downgrade_name(p->downgrade));
	append_json_length(out, "grace", p->grace);
	append_json_length(out, "validity", p->validity);
	if (p->fiscal_start != 0 && !tier_window_is_weekly(p))
		appendStringInfo(out, ",\"fiscal_start\":\"%02d-%02d\"", p->fiscal_start / 100,
						 p->fiscal_start % 100);
	else
		appendStringInfoString(out, ",\"fiscal_start\":null");
	if (p->starts_on != DATEVAL_NOBEGIN)
		appendStringInfo(out, ",\"starts_on\":\"%s\"", date_to_text(p->starts_on));
	else
		appendStringInfoString(out, ",\"starts_on\":null");
	appendStringInfoString(out, ",\"points\":{");
	append_points_earning_json(out, &p->earning, &tier_program_terms(p)->scale);
	appendStringInfo(out, "},\"on_refund\":\"%s\"", tier_program_revokes(p) ? "revoke" : "keep");
	append_tier_terms_json(out, p);
	appendStringInfoChar(out, '}');
}

PG_FUNCTION_INFO_V1(crm_tier_program_to_jsonb);
Datum
crm_tier_program_to_jsonb(PG_FUNCTION_ARGS)
{
	StringInfoData json;

	initStringInfo(&json);
	tier_program_append_json(&json, PG_GETARG_TIER_PROGRAM(0));
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

VALUE_FUNCTIONS(tier_program, value_bytes_order, value_bytes);
