/*
 * contact_policy.c: the type contact_policy: its text and binary forms and its
 * constructors.
 *
 * The text form is what a marketer writes, rules separated by semicolons:
 *	 [channel] 3 per 7 days				at most so many contacts in a window
 *	 [channel] quiet 21:00-08:00		no contact at these times of day
 *	 [channel] quiet sat-sun			no contact on these days of the week
 *	 [channel] quiet 2024-12-24 to 2025-01-01
 *	 [channel] pause 14 days after complaint
 *	 transactional exempt				a purpose, or kind, that the others do not concern
 * Units are minutes, hours, days, weeks, months and years.
 */
#include "crm.h"

#include "common/int.h"
#include "base/json.h"
#include "base/value.h"
#include "contact/contact_policy.h"
#include "miscadmin.h"
#include "base/span_io.h"
#include "utils/builtins.h"

/* Words that begin a rule: a channel of that name needs quotes. */
static const char *const reserved_words[] = {"quiet", "pause", NULL};

/* What the units of a text are stored in, and how many of it they are. */
static const struct
{
	RuleUnit unit;
	int		 count;
} units[] = {
	[LENGTH_MINUTE] = {RULE_MINUTES, 1}, [LENGTH_HOUR] = {RULE_MINUTES, 60},
	[LENGTH_DAY] = {RULE_DAYS, 1},		 [LENGTH_WEEK] = {RULE_DAYS, 7},
	[LENGTH_MONTH] = {RULE_MONTHS, 1},	 [LENGTH_YEAR] = {RULE_MONTHS, 12},
};

/* A policy with room for some rules. */
ContactPolicy *
policy_create(int nrules)
{
	ContactPolicy *p;

	if (nrules > POLICY_MAX_RULES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("contact policy cannot hold %d rules", nrules),
						errdetail("A policy has at most %d rules.", POLICY_MAX_RULES)));
	p = palloc0(CONTACT_POLICY_SIZE(nrules));
	SET_VARSIZE(p, CONTACT_POLICY_SIZE(nrules));
	p->version = CONTACT_POLICY_VERSION;
	p->nrules = nrules;
	return p;
}

/* An event is a kind of interaction or an outcome. */
static inline void
CheckEvent(int event)
{
	if (event >= INTERACTION_KINDS && (event <= EVENT_OF_OUTCOME(OUTCOME_NONE) ||
									   event >= EVENT_OF_OUTCOME(INTERACTION_OUTCOMES)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown event %d", event)));
}

/* Whether every day of the week is quiet on a channel, by the rules that concern it. */
static bool
is_quiet_all_week(const ContactPolicy *p, const char *channel)
{
	for (DateADT day = 0; day < DAYS_PER_WEEK; day++)
	{
		bool quiet = false;

		for (int i = 0; i < p->nrules && !quiet; i++)
			quiet = p->rules[i].type == RULE_WEEKDAYS && rule_concerns(&p->rules[i], channel) &&
					rule_has_day(&p->rules[i], day);
		if (!quiet)
			return false;
	}
	return true;
}

/* Whether every minute of the day is quiet on a channel, by the rules that concern it. */
static bool
is_quiet_all_day(const ContactPolicy *p, const char *channel)
{
	for (int minute = 0; minute < MINUTES_PER_DAY; minute++)
	{
		bool quiet = false;

		for (int i = 0; i < p->nrules && !quiet; i++)
			quiet = p->rules[i].type == RULE_QUIET && rule_concerns(&p->rules[i], channel) &&
					rule_is_quiet(&p->rules[i], minute);
		if (!quiet)
			return false;
	}
	return true;
}

/* The quiet times leave some of the day, and of the week, on each channel. */
ContactPolicy *
CheckPolicy(ContactPolicy *p)
{
	for (int i = 0; i < p->nrules; i++)
	{
		if (p->rules[i].type == RULE_QUIET && is_quiet_all_day(p, p->rules[i].channel))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the quiet times of a contact policy leave no time of the day")));
		if (p->rules[i].type == RULE_WEEKDAYS && is_quiet_all_week(p, p->rules[i].channel))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("the quiet days of a contact policy leave no day of the week")));
	}
	return p;
}

/* The event of a name, or -1. */
int
policy_event_from(const char *name)
{
	int kind = names_find(&interaction_kinds, name, strlen(name));
	int outcome = kind < 0 ? names_find(&interaction_outcomes, name, strlen(name)) : -1;

	return kind >= 0 ? kind : outcome >= 0 ? EVENT_OF_OUTCOME(outcome) : -1;
}

static const char *
event_name(int event)
{
	return event < INTERACTION_KINDS ? interaction_kind_names[event]
									 : interaction_outcome_names[event - EVENT_OUTCOMES];
}

/* Read "[n] unit" into a rule; n is 1 if it is not there. */
static void
scan_length(Scanner *s, PolicyRule *rule)
{
	int64	   number = scan_peek_digit(s) ? scan_int64(s) : 1;
	LengthUnit named = scan_length_unit(s, LENGTH_MINUTE);
	int64	   length;

	if (pg_mul_s64_overflow(number, units[named].count, &length))
		length = PG_INT64_MAX;
	CheckLength(length, units[named].unit);
	rule->unit = (uint8) units[named].unit;
	rule->length = (int32) length;
}

/* Read what follows "quiet": days of the week, of the calendar, or times of day. */
static void
scan_quiet(Scanner *s, PolicyRule *rule)
{
	Scanner start = *s;
	int		first = scan_weekday(s);
	int		last = first;

	if (first >= 0)
	{
		rule->type = RULE_WEEKDAYS;
		if (scan_try_char(s, '-') && (last = scan_weekday(s)) < 0)
			scan_error(s, "a weekday as mon");
		rule->from = (int16) first;
		rule->until = (int16) last;
		CheckWeekdays(first, last);
		return;
	}
	if (scan_peek_digit(s) && scan_int64(s) > HOURS_PER_DAY)
	{
		*s = start;
		rule->type = RULE_DATES;
		rule->length = rule->contacts = scan_date(s);
		if (scan_try_word(s, "to"))
			rule->contacts = scan_date(s);
		CheckDates(rule->length, rule->contacts);
		return;
	}
	*s = start;
	rule->type = RULE_QUIET;
	rule->from = (int16) scan_minute(s);
	scan_char(s, '-');
	rule->until = (int16) (scan_minute(s) % MINUTES_PER_DAY);
	CheckQuiet(rule->from, rule->until);
}

/* What follows the channel, if there is one: false if none of the rules that may have one begins here. */
static bool
scan_rule_body(Scanner *s, PolicyRule *rule)
{
	if (scan_peek_digit(s))
	{
		int64 contacts = scan_int64(s);

		rule->type = RULE_CAP;
		CheckContacts(contacts);
		rule->contacts = (int32) contacts;
		scan_word(s, "per");
		scan_length(s, rule);
		return true;
	}
	if (scan_try_word(s, "quiet"))
	{
		scan_quiet(s, rule);
		return true;
	}
	if (scan_try_word(s, "pause"))
	{
		Scanner start;
		int		event;

		rule->type = RULE_PAUSE;
		scan_length(s, rule);
		scan_word(s, "after");
		start = *s;
		event = policy_event_from(scan_label(s));
		if (event < 0)
			scan_error(&start, "a kind of interaction or an outcome");
		rule->event = (uint8) event;
		return true;
	}
	return false;
}

static void
scan_rule(Scanner *s, PolicyRule *rule)
{
	char *label;

	if (scan_rule_body(s, rule))
		return;
	label = scan_label(s);
	if (scan_try_word(s, "exempt"))
	{
		rule->type = RULE_EXEMPT;
		purpose_set(rule->purpose, label, strlen(label));
		return;
	}
	channel_set(rule->channel, label, strlen(label));
	if (!scan_rule_body(s, rule))
		scan_error(s, "a number of contacts, \"quiet\", \"pause\" or \"exempt\"");
}

PG_FUNCTION_INFO_V1(crm_contact_policy_in);
Datum
crm_contact_policy_in(PG_FUNCTION_ARGS)
{
	char		  *input = PG_GETARG_CSTRING(0);
	Scanner		   s = scan_start("contact_policy", input);
	ContactPolicy *p = policy_create(POLICY_MAX_RULES);
	int			   n = 0;

	while (!scan_at_end(&s))
	{
		if (n == POLICY_MAX_RULES)
			policy_create(n + 1);
		scan_rule(&s, &p->rules[n++]);
		if (!scan_try_char(&s, ';'))
			break;
	}
	scan_end(&s);
	p->nrules = n;
	SET_VARSIZE(p, CONTACT_POLICY_SIZE(n));
	PG_RETURN_CONTACT_POLICY(CheckPolicy(p));
}

static void
append_length(StringInfo out, const PolicyRule *rule)
{
	static const char *const names[RULE_UNITS] = {"minute", "day", "month"};
	const char				*name = names[rule->unit];
	int						 length = rule->length;

	if (rule->unit == RULE_MINUTES && length % MINS_PER_HOUR == 0)
	{
		name = "hour";
		length /= MINS_PER_HOUR;
	}
	appendStringInfo(out, "%d %s%s", length, name, length == 1 ? "" : "s");
}

/* Write a rule as a marketer would. */
void
append_rule(StringInfo out, const PolicyRule *rule)
{
	if (rule->channel[0] != '\0')
	{
		append_label(out, pnstrdup(rule->channel, channel_length(rule->channel)), reserved_words);
		appendStringInfoChar(out, ' ');
	}
	switch ((RuleType) rule->type)
	{
		case RULE_CAP:
			appendStringInfo(out, "%d per ", rule->contacts);
			append_length(out, rule);
			break;
		case RULE_QUIET:
			appendStringInfo(out, "quiet %02d:%02d-%02d:%02d", rule->from / MINS_PER_HOUR,
							 rule->from % MINS_PER_HOUR, rule->until / MINS_PER_HOUR,
							 rule->until % MINS_PER_HOUR);
			break;
		case RULE_WEEKDAYS:
			appendStringInfo(out, "quiet %s", weekday_names[rule->from]);
			if (rule->until != rule->from)
				appendStringInfo(out, "-%s", weekday_names[rule->until]);
			break;
		case RULE_DATES:
			appendStringInfo(out, "quiet %s", date_to_text(rule->length));
			if (rule->contacts != rule->length)
				appendStringInfo(out, " to %s", date_to_text(rule->contacts));
			break;
		case RULE_PAUSE:
			appendStringInfoString(out, "pause ");
			append_length(out, rule);
			appendStringInfo(out, " after %s", event_name(rule->event));
			break;
		case RULE_EXEMPT:
			append_label(out, pnstrdup(rule->purpose, strnlen(rule->purpose, PURPOSE_SIZE)),
						 reserved_words);
			appendStringInfoString(out, " exempt");
			break;
	}
}

PG_FUNCTION_INFO_V1(crm_contact_policy_out);
Datum
crm_contact_policy_out(PG_FUNCTION_ARGS)
{
	ContactPolicy *p = PG_GETARG_CONTACT_POLICY(0);
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < p->nrules; i++)
	{
		if (i > 0)
			appendStringInfoString(&out, "; ");
		append_rule(&out, &p->rules[i]);
	}
	PG_RETURN_CSTRING(out.data);
}

/* ,"key":"7 days" */
static void
append_json_length(StringInfo json, const char *key, const PolicyRule *rule)
{
	appendStringInfo(json, ",\"%s\":\"", key);
	append_length(json, rule);
	appendStringInfoChar(json, '"');
}

/* A rule as an object: what it is, the channel if it has one, and the arguments of its constructor. */
static void
append_json_rule(StringInfo json, const PolicyRule *rule)
{
	static const char *const names[RULE_TYPES] = {"cap",	"quiet_hours",	  "pause",
												  "exempt", "quiet_weekdays", "quiet_days"};

	appendStringInfo(json, "{\"rule\":\"%s\"", names[rule->type]);
	if (rule->channel[0] != '\0')
		append_json_field(json, ",", "channel", rule->channel, channel_length(rule->channel));
	switch ((RuleType) rule->type)
	{
		case RULE_CAP:
			appendStringInfo(json, ",\"contacts\":%d", rule->contacts);
			append_json_length(json, "per", rule);
			break;
		case RULE_QUIET:
			appendStringInfo(json, ",\"starts_at\":\"%02d:%02d\",\"ends_at\":\"%02d:%02d\"",
							 rule->from / MINS_PER_HOUR, rule->from % MINS_PER_HOUR,
							 rule->until / MINS_PER_HOUR, rule->until % MINS_PER_HOUR);
			break;
		case RULE_WEEKDAYS:
			appendStringInfo(json, ",\"first\":\"%s\",\"last\":\"%s\"", weekday_names[rule->from],
							 weekday_names[rule->until]);
			break;
		case RULE_DATES:
			appendStringInfo(json, ",\"first\":\"%s\",\"last\":\"%s\"", date_to_text(rule->length),
							 date_to_text(rule->contacts));
			break;
		case RULE_PAUSE:
			append_json_length(json, "lasts", rule);
			appendStringInfo(json, ",\"after\":\"%s\"", event_name(rule->event));
			break;
		case RULE_EXEMPT:
			append_json_field(json, ",", "purpose", rule->purpose, PURPOSE_SIZE);
			break;
	}
	appendStringInfoChar(json, '}');
}

PG_FUNCTION_INFO_V1(crm_contact_policy_to_jsonb);
Datum
crm_contact_policy_to_jsonb(PG_FUNCTION_ARGS)
{
	ContactPolicy *p = PG_GETARG_CONTACT_POLICY(0);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"rules\":[");
	for (int i = 0; i < p->nrules; i++)
	{
		if (i > 0)
			appendStringInfoChar(&json, ',');
		append_json_rule(&json, &p->rules[i]);
	}
	appendStringInfoString(&json, "]}");
	PG_RETURN_DATUM(jsonb_of_text(&json));
}

/*
 * Binary form: version, flags (int16), count (int32), then for each rule type,
 * unit, event (int8), contacts, length (int32), from, until (int16), and
 * channel and purpose as text with its length before it (int32).
 */
#define MESSAGE_MIN_RULE (3 + 8 + 4 + 8)

PG_FUNCTION_INFO_V1(crm_contact_policy_send);
Datum
crm_contact_policy_send(PG_FUNCTION_ARGS)
{
	ContactPolicy *p = PG_GETARG_CONTACT_POLICY(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, p->version);
	pq_sendint16(&out, p->flags);
	pq_sendint32(&out, p->nrules);
	for (int i = 0; i < p->nrules; i++)
	{
		const PolicyRule *rule = &p->rules[i];

		pq_sendint8(&out, rule->type);
		pq_sendint8(&out, rule->unit);
		pq_sendint8(&out, rule->event);
		pq_sendint32(&out, rule->contacts);
		pq_sendint32(&out, rule->length);
		pq_sendint16(&out, rule->from);
		pq_sendint16(&out, rule->until);
		send_counted_text(&out, rule->channel, channel_length(rule->channel));
		send_counted_text(&out, rule->purpose, strnlen(rule->purpose, PURPOSE_SIZE));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* A rule has what its type needs, within bounds, and nothing else. */
static void
CheckRule(const PolicyRule *rule)
{
	bool timed = rule->type == RULE_CAP || rule->type == RULE_PAUSE;
	bool dates = rule->type == RULE_DATES;

	if (rule->type >= RULE_TYPES || rule->unit >= RULE_UNITS || (!timed && rule->unit != 0) ||
		(!timed && !dates && rule->length != 0) ||
		(rule->type != RULE_CAP && !dates && rule->contacts != 0) ||
		(rule->type != RULE_PAUSE && rule->event != 0) ||
		(rule->type != RULE_QUIET && rule->type != RULE_WEEKDAYS &&
		 (rule->from != 0 || rule->until != 0)) ||
		(rule->type == RULE_EXEMPT) != (rule->purpose[0] != '\0') ||
		(rule->type == RULE_EXEMPT && rule->channel[0] != '\0'))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid rule in contact_policy")));
	if (timed)
		CheckLength(rule->length, (RuleUnit) rule->unit);
	if (rule->type == RULE_CAP)
		CheckContacts(rule->contacts);
	if (rule->type == RULE_QUIET)
		CheckQuiet(rule->from, rule->until);
	if (rule->type == RULE_WEEKDAYS)
		CheckWeekdays(rule->from, rule->until);
	if (dates)
		CheckDates(rule->length, rule->contacts);
	if (rule->type == RULE_PAUSE)
		CheckEvent(rule->event);
}

static void
receive_rule(StringInfo message, PolicyRule *rule)
{
	char *channel;
	char *purpose;

	rule->type = (uint8) pq_getmsgint(message, 1);
	rule->unit = (uint8) pq_getmsgint(message, 1);
	rule->event = (uint8) pq_getmsgint(message, 1);
	rule->contacts = (int32) pq_getmsgint(message, 4);
	rule->length = (int32) pq_getmsgint(message, 4);
	rule->from = (int16) pq_getmsgint(message, 2);
	rule->until = (int16) pq_getmsgint(message, 2);
	channel = receive_counted_text(message, "channel");
	if (channel[0] != '\0')
		channel_set(rule->channel, channel, strlen(channel));
	purpose = receive_counted_text(message, "purpose");
	if (purpose[0] != '\0')
		purpose_set(rule->purpose, purpose, strlen(purpose));
	CheckRule(rule);
}

PG_FUNCTION_INFO_V1(crm_contact_policy_recv);
Datum
crm_contact_policy_recv(PG_FUNCTION_ARGS)
{
	StringInfo	   message = (StringInfo) PG_GETARG_POINTER(0);
	int			   n;
	ContactPolicy *p;

	receive_header(message, "contact_policy", 2, CONTACT_POLICY_VERSION, 0);
	n = receive_count(message, "contact_policy", "rules", MESSAGE_MIN_RULE);
	p = policy_create(n);
	for (int i = 0; i < n; i++)
		receive_rule(message, &p->rules[i]);
	PG_RETURN_CONTACT_POLICY(CheckPolicy(p));
}

/* Order of two policies: by their bytes, rule by rule, then the shorter first. */
static int
order(const void *x, const void *y)
{
	const ContactPolicy *a = x;
	const ContactPolicy *b = y;
	int difference = memcmp(a->rules, b->rules, Min(a->nrules, b->nrules) * sizeof(PolicyRule));

	return difference != 0 ? difference : CRM_COMPARE(a->nrules, b->nrules);
}

static Content
content(const void *policy)
{
	const ContactPolicy *p = policy;

	return (Content){p->rules, p->nrules * sizeof(PolicyRule)};
}

VALUE_FUNCTIONS(contact_policy, order, content);
