/*
 * contact_policy.c: the type contact_policy: its text and binary forms and its
 * constructors.
 *
 * The text form is what a marketer writes, rules separated by semicolons:
 *	 [channel] 3 per 7 days				at most so many contacts in a window
 *	 [channel] quiet 21:00-08:00		no contact at these times of day
 *	 [channel] pause 14 days after complaint
 *	 transactional exempt				a purpose, or kind, that the others do not concern
 * Units are minutes, hours, days, weeks, months and years.
 */
#include "crm.h"

#include "common/int.h"
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

static const int max_length[RULE_UNITS] = {RULE_MAX_MINUTES, RULE_MAX_DAYS, RULE_MAX_MONTHS};

static ContactPolicy *
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

/* A cap allows a contact at least. */
static inline void
CheckContacts(int64 contacts)
{
	if (contacts < 1 || contacts > RULE_MAX_CONTACTS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a cap cannot allow %lld contacts", (long long) contacts),
						errdetail("A cap allows 1 to %d contacts.", RULE_MAX_CONTACTS)));
}

/* A window or pause has a length, and ends within a lifetime. */
static inline void
CheckLength(int64 length, RuleUnit unit)
{
	static const char *const names[RULE_UNITS] = {"minutes", "days", "months"};

	if (length < 1 || length > max_length[unit])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a contact rule cannot span %lld %s", (long long) length, names[unit]),
				 errdetail("It spans 1 to %d %s.", max_length[unit], names[unit])));
}

/* A quiet time begins within a day and is not all of it. */
static inline void
CheckQuiet(int from, int until)
{
	if (from < 0 || from >= MINUTES_PER_DAY || until < 0 || until >= MINUTES_PER_DAY)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("quiet time is not within a day")));
	if (from == until)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quiet time cannot begin and end at %02d:%02d", from / 60, from % 60)));
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

/* Whether every minute of the day is quiet on a channel, by the rules that concern it. */
static bool
is_always_quiet(const ContactPolicy *p, const char *channel)
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

/* The quiet times leave some of the day on each channel. */
static ContactPolicy *
CheckPolicy(ContactPolicy *p)
{
	for (int i = 0; i < p->nrules; i++)
		if (p->rules[i].type == RULE_QUIET && is_always_quiet(p, p->rules[i].channel))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the quiet times of a contact policy leave no time of the day")));
	return p;
}

/* The event of a name, or -1. */
static int
event_from(const char *name)
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
		rule->type = RULE_QUIET;
		rule->from = (int16) scan_minute(s);
		scan_char(s, '-');
		rule->until = (int16) (scan_minute(s) % MINUTES_PER_DAY);
		CheckQuiet(rule->from, rule->until);
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
		event = event_from(scan_label(s));
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

	if (rule->type >= RULE_TYPES || rule->unit >= RULE_UNITS || (!timed && rule->unit != 0) ||
		(!timed && rule->length != 0) || (rule->type != RULE_CAP && rule->contacts != 0) ||
		(rule->type != RULE_PAUSE && rule->event != 0) ||
		(rule->type != RULE_QUIET && (rule->from != 0 || rule->until != 0)) ||
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

/*
 * Constructors: policies of one rule, which + puts one behind the other
 */

/* An interval of one unit as the length of a rule. */
static void
set_length(PolicyRule *rule, const Interval *span, const char *name)
{
	int64 length = 0;
	int	  units = (span->month != 0) + (span->day != 0) + (span->time != 0);

	if (units == 1 && span->time % USECS_PER_MINUTE == 0)
	{
		rule->unit = span->month != 0 ? RULE_MONTHS : span->day != 0 ? RULE_DAYS : RULE_MINUTES;
		length = span->month != 0 ? span->month
				 : span->day != 0 ? span->day
								  : span->time / USECS_PER_MINUTE;
	}
	else
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be whole minutes, days or months, not %s", name,
					DatumGetCString(DirectFunctionCall1(interval_out, PointerGetDatum(span))))));
	CheckLength(length, (RuleUnit) rule->unit);
	rule->length = (int32) length;
}

/* The channel of a rule; NULL is every channel. */
static void
set_channel(FunctionCallInfo fcinfo, int arg, PolicyRule *rule)
{
	if (!PG_ARGISNULL(arg))
	{
		text *channel = PG_GETARG_TEXT_PP(arg);

		channel_set(rule->channel, VARDATA_ANY(channel), VARSIZE_ANY_EXHDR(channel));
	}
}

/* At most so many contacts per length of time [, on a channel]. */
PG_FUNCTION_INFO_V1(crm_contact_cap);
Datum
crm_contact_cap(PG_FUNCTION_ARGS)
{
	ContactPolicy *p = policy_create(1);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	p->rules[0].type = RULE_CAP;
	CheckContacts(PG_GETARG_INT32(0));
	p->rules[0].contacts = PG_GETARG_INT32(0);
	set_length(&p->rules[0], PG_GETARG_INTERVAL_P(1), "the window of a cap");
	set_channel(fcinfo, 2, &p->rules[0]);
	PG_RETURN_CONTACT_POLICY(p);
}

/* The minute of a time of day, which has no seconds. */
static int16
minute_argument(FunctionCallInfo fcinfo, int arg)
{
	TimeADT time = PG_GETARG_TIMEADT(arg);

	if (time % USECS_PER_MINUTE != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quiet times are in whole minutes, not %s",
						DatumGetCString(DirectFunctionCall1(time_out, TimeADTGetDatum(time))))));
	return (int16) (time / USECS_PER_MINUTE % MINUTES_PER_DAY);
}

/* No contact from one time of day to another, which may lie on the next day [, on a channel]. */
PG_FUNCTION_INFO_V1(crm_quiet_hours);
Datum
crm_quiet_hours(PG_FUNCTION_ARGS)
{
	ContactPolicy *p = policy_create(1);

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	p->rules[0].type = RULE_QUIET;
	p->rules[0].from = minute_argument(fcinfo, 0);
	p->rules[0].until = minute_argument(fcinfo, 1);
	CheckQuiet(p->rules[0].from, p->rules[0].until);
	set_channel(fcinfo, 2, &p->rules[0]);
	PG_RETURN_CONTACT_POLICY(p);
}

/* No contact for a length of time after an inbound kind or an outcome [, on a channel]. */
PG_FUNCTION_INFO_V1(crm_contact_pause);
Datum
crm_contact_pause(PG_FUNCTION_ARGS)
{
	ContactPolicy *p = policy_create(1);
	char		  *name;
	int			   event;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	p->rules[0].type = RULE_PAUSE;
	set_length(&p->rules[0], PG_GETARG_INTERVAL_P(0), "a pause");
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	event = event_from(name);
	if (event < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown event \"%s\"", name),
				 errhint("Events are the kinds of inbound interactions (%s) and the outcomes of "
						 "outbound ones (%s).",
						 names_list(&interaction_kinds), names_list(&interaction_outcomes))));
	p->rules[0].event = (uint8) event;
	set_channel(fcinfo, 2, &p->rules[0]);
	PG_RETURN_CONTACT_POLICY(p);
}

/* A purpose, or kind of contact, that the other rules do not concern. */
PG_FUNCTION_INFO_V1(crm_contact_exempt);
Datum
crm_contact_exempt(PG_FUNCTION_ARGS)
{
	text		  *purpose = PG_GETARG_TEXT_PP(0);
	ContactPolicy *p = policy_create(1);

	p->rules[0].type = RULE_EXEMPT;
	purpose_set(p->rules[0].purpose, VARDATA_ANY(purpose), VARSIZE_ANY_EXHDR(purpose));
	PG_RETURN_CONTACT_POLICY(p);
}

/* a + b: the rules of a, then those of b. */
PG_FUNCTION_INFO_V1(crm_contact_policy_plus);
Datum
crm_contact_policy_plus(PG_FUNCTION_ARGS)
{
	ContactPolicy *a = PG_GETARG_CONTACT_POLICY(0);
	ContactPolicy *b = PG_GETARG_CONTACT_POLICY(1);
	ContactPolicy *sum = policy_create(a->nrules + b->nrules);

	memcpy(sum->rules, a->rules, a->nrules * sizeof(PolicyRule));
	memcpy(sum->rules + a->nrules, b->rules, b->nrules * sizeof(PolicyRule));
	PG_RETURN_CONTACT_POLICY(CheckPolicy(sum));
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
