/*
 * contact_verdict.c: the one place that says whether a contact is allowed.
 *
 * A contact needs a basis for its purpose, and no rule of the policy against
 * it. Every rule forbids half-open stretches of time: a contact c counts for a
 * cap from c until just before c plus the window, a pause lasts from its event
 * until just before the event plus its length. Days and months are those of
 * the time zone's calendar, so that "1 per 1 day" after a contact at ten ends
 * at ten, however long the night was. What happened after the instant asked
 * about does not count.
 */
#include "crm.h"

#include "contact/consents.h"
#include "contact/contact_policy.h"
#include "miscadmin.h"
#include "base/rows.h"
#include "utils/builtins.h"

/* What a call site keeps from row to row, most of which ask about one instant in one zone. */
typedef struct VerdictCache
{
	TupleDesc  row;		  /* of contact_verdict */
	int		   zone_size; /* bytes of the time zone's name, 0 before the first */
	char	   zone_name[TZ_STRLEN_MAX];
	LocalClock clock;
} VerdictCache;

/* Everything that a verdict depends on. */
typedef struct Question
{
	const ContactPolicy		 *policy;
	const Consents			 *consents;		/* NULL: nothing is known */
	const InteractionHistory *interactions; /* NULL: there were none */
	int						  nentries;		/* of them, at or before the instant asked about */
	char					  channel[CHANNEL_SIZE];
	char					  purpose[PURPOSE_SIZE];
	const LocalClock		 *clock;
	bool					  exempt;						  /* its purpose is */
	bool					  exempt_kind[INTERACTION_KINDS]; /* contacts that do not count */
	TimestampTz				  unsubscribed_at; /* the last on the channel, or -infinity */
} Question;

typedef enum Objection
{
	OBJECTION_NONE,
	OBJECTION_NO_CONSENT,
	OBJECTION_UNSUBSCRIBED,
	OBJECTION_RULE
} Objection;

/* Why a contact is not allowed, and until just before when. */
typedef struct Refusal
{
	Objection		  objection;
	const PolicyRule *rule;	 /* of OBJECTION_RULE */
	TimestampTz		  until; /* infinity: for ever, as far as is known */
} Refusal;

/* When a rule's window or pause that began at an instant is over. */
static TimestampTz
rule_end(const PolicyRule *rule, TimestampTz from, const LocalClock *clock)
{
	TimestampTz end;

	switch ((RuleUnit) rule->unit)
	{
		case RULE_DAYS:
			return local_plus(from, 0, rule->length, clock);
		case RULE_MONTHS:
			return local_plus(from, rule->length, 0, clock);
		default:
			end = from + rule->length * USECS_PER_MINUTE;
			return IS_VALID_TIMESTAMP(end) ? end : DT_NOEND;
	}
}

/* How long a window is at least and at most, whatever the calendar and the clocks do. */
typedef struct Extent
{
	int64 shortest;
	int64 longest;
} Extent;

static inline Extent
extent(const PolicyRule *rule)
{
	switch ((RuleUnit) rule->unit)
	{
		case RULE_DAYS:
			return (Extent){rule->length * USECS_PER_DAY - CLOCK_SLACK,
							rule->length * USECS_PER_DAY + CLOCK_SLACK};
		case RULE_MONTHS:
			return (Extent){rule->length * 28 * USECS_PER_DAY - CLOCK_SLACK,
							rule->length * 31 * USECS_PER_DAY + CLOCK_SLACK};
		default:
			return (Extent){rule->length * USECS_PER_MINUTE, rule->length * USECS_PER_MINUTE};
	}
}

/* Whether the window that began at an instant not after t still lasts at t. */
static inline bool
lasts(const PolicyRule *rule, Extent e, TimestampTz from, TimestampTz t, const LocalClock *clock)
{
	int64 age = t - from;

	if (age < e.shortest)
		return true;
	return age < e.longest && t < rule_end(rule, from, clock);
}

/* Whether an entry is a contact that a rule counts. */
static inline bool
counts(const Question *q, const PolicyRule *rule, const Interaction *entry)
{
	return interaction_is_outbound(entry) && !q->exempt_kind[interaction_kind(entry)] &&
		   rule_concerns(rule, entry->channel);
}

/* Whether an entry is the event that a pause follows. */
static inline bool
is_event(const PolicyRule *rule, const Interaction *entry)
{
	if (!rule_concerns(rule, entry->channel))
		return false;
	if (rule->event < INTERACTION_KINDS)
		return !interaction_is_outbound(entry) && interaction_kind(entry) == rule->event;
	return interaction_is_outbound(entry) &&
		   EVENT_OF_OUTCOME(interaction_outcome(entry)) == rule->event;
}

static int
compare_latest_first(const void *a, const void *b)
{
	return CRM_COMPARE(*(const TimestampTz *) b, *(const TimestampTz *) a);
}

/* The instant at which only so many of the contacts that count at t still do. */
static TimestampTz
cap_until(const Question *q, const PolicyRule *rule, TimestampTz t)
{
	TimestampTz *ends = palloc(q->nentries * sizeof(TimestampTz));
	const Extent e = extent(rule);
	int			 n = 0;
	TimestampTz	 until;

	for (int i = q->nentries - 1; i >= 0; i--)
	{
		const Interaction *entry = &q->interactions->entries[i];

		if (t - entry->at >= e.longest)
			break;
		if (counts(q, rule, entry) && lasts(rule, e, entry->at, t, q->clock))
			ends[n++] = rule_end(rule, entry->at, q->clock);
	}
	qsort(ends, n, sizeof(TimestampTz), compare_latest_first);
	until = ends[rule->contacts - 1];
	pfree(ends);
	return until;
}

/* Whether as many contacts as a cap allows count at t. */
static bool
is_capped(const Question *q, const PolicyRule *rule, TimestampTz t)
{
	const Extent e = extent(rule);
	int			 contacts = 0;

	for (int i = q->nentries - 1; i >= 0 && contacts < rule->contacts; i--)
	{
		const Interaction *entry = &q->interactions->entries[i];

		if (t - entry->at >= e.longest)
			break;
		contacts += counts(q, rule, entry) && lasts(rule, e, entry->at, t, q->clock);
	}
	return contacts >= rule->contacts;
}

/* The latest end of the pauses that last at t; t itself if none does. */
static TimestampTz
pause_until(const Question *q, const PolicyRule *rule, TimestampTz t)
{
	const Extent e = extent(rule);
	TimestampTz	 until = t;

	for (int i = q->nentries - 1; i >= 0; i--)
	{
		const Interaction *entry = &q->interactions->entries[i];

		if (t - entry->at >= e.longest)
			break;
		if (is_event(rule, entry) && lasts(rule, e, entry->at, t, q->clock))
			until = Max(until, rule_end(rule, entry->at, q->clock));
	}
	return until;
}

/* The first instant from t on whose time of day is not quiet. */
static TimestampTz
quiet_until(const Question *q, const PolicyRule *rule, TimestampTz t)
{
	for (;;)
	{
		int64		now = local_microsecond(t, q->clock);
		int64		left;
		TimestampTz change;

		if (!rule_is_quiet(rule, (int) (now / USECS_PER_MINUTE)))
			return t;
		left = rule->until * USECS_PER_MINUTE - now;
		if (left <= 0)
			left += USECS_PER_DAY;
		change = local_next_change(t, q->clock);
		if (!IS_VALID_TIMESTAMP(t + left))
			return DT_NOEND;
		if (t + left < change)
			return t + left;
		t = change;
	}
}

/* Whether a rule forbids a contact at t; if until is asked for, also until when. */
static bool
rule_forbids(const Question *q, const PolicyRule *rule, TimestampTz t, TimestampTz *until)
{
	if (!rule_concerns(rule, q->channel))
		return false;
	switch ((RuleType) rule->type)
	{
		case RULE_CAP:
			if (!is_capped(q, rule, t))
				return false;
			if (until != NULL)
				*until = cap_until(q, rule, t);
			return true;
		case RULE_QUIET:
			if (!rule_is_quiet(rule, (int) (local_microsecond(t, q->clock) / USECS_PER_MINUTE)))
				return false;
			if (until != NULL)
				*until = quiet_until(q, rule, t);
			return true;
		case RULE_PAUSE:
		{
			TimestampTz end = pause_until(q, rule, t);

			if (end == t)
				return false;
			if (until != NULL)
				*until = end;
			return true;
		}
		default:
			return false;
	}
}

/* Whether the consents hold no basis for the purpose at t, and when they will. */
static Refusal
consent_refusal(const Question *q, TimestampTz t)
{
	Refusal refusal = {OBJECTION_NO_CONSENT, NULL, DT_NOEND};

	for (int i = 0; q->consents != NULL && i < q->consents->ngrants; i++)
	{
		const Grant *grant = &q->consents->grants[i];
		bool		 revoked;

		if (!grant_is_for(grant, q->purpose) || grant->until <= t)
			continue;
		revoked = q->unsubscribed_at != DT_NOBEGIN && grant_is_revocable(grant) &&
				  grant->from <= q->unsubscribed_at;
		if (revoked)
		{
			if (grant->from <= t)
				refusal.objection = OBJECTION_UNSUBSCRIBED;
			continue;
		}
		if (grant->from <= t)
			return (Refusal){OBJECTION_NONE, NULL, t};
		refusal.until = Min(refusal.until, grant->from);
	}
	return refusal;
}

/* The first objection to a contact at t; until is filled in only if asked for. */
static Refusal
refusal_at(const Question *q, TimestampTz t, bool want_until)
{
	Refusal refusal = consent_refusal(q, t);

	if (refusal.objection != OBJECTION_NONE || q->exempt)
		return refusal;
	for (int i = 0; i < q->policy->nrules; i++)
	{
		const PolicyRule *rule = &q->policy->rules[i];

		if (rule_forbids(q, rule, t, want_until ? &refusal.until : NULL))
		{
			refusal.objection = OBJECTION_RULE;
			refusal.rule = rule;
			return refusal;
		}
	}
	return refusal;
}

/* The last time the customer unsubscribed on the channel, or -infinity. */
static TimestampTz
last_unsubscription(const Question *q)
{
	for (int i = q->nentries - 1; i >= 0; i--)
	{
		const Interaction *entry = &q->interactions->entries[i];

		if (interaction_outcome(entry) == OUTCOME_UNSUBSCRIBED &&
			channel_equal(entry->channel, q->channel))
			return entry->at;
	}
	return DT_NOBEGIN;
}

/* What an exempt rule names: this purpose, a kind of contact, or both. */
static void
note_exemption(Question *q, const PolicyRule *rule)
{
	q->exempt |= memcmp(rule->purpose, q->purpose, PURPOSE_SIZE) == 0;
	for (int kind = 0; kind < INTERACTION_KINDS; kind++)
		q->exempt_kind[kind] |=
			memcmp(rule->purpose, interaction_kind_names[kind], CODE_NAME_SIZE) == 0;
}

/* An argument without which nothing can be said. */
static void
CheckGiven(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s cannot be null", name)));
}

/* What the call site keeps, made at its first call. */
static VerdictCache *
verdict_cache(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra =
			MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(VerdictCache));
	return fcinfo->flinfo->fn_extra;
}

/* The clock of a time zone, set to an instant; its name is looked up only when it changes. */
static const LocalClock *
clock_of(VerdictCache *cache, const text *zone_name, TimestampTz at)
{
	int	   size = VARSIZE_ANY_EXHDR(zone_name);
	pg_tz *zone = cache->clock.zone;

	if (size == 0 || size != cache->zone_size ||
		memcmp(cache->zone_name, VARDATA_ANY(zone_name), size) != 0)
	{
		zone = time_zone_named(zone_name);
		memcpy(cache->zone_name, VARDATA_ANY(zone_name), size);
		cache->zone_size = size;
	}
	clock_set(&cache->clock, zone, at);
	return &cache->clock;
}

/* Where the instant asked about stands among the arguments, and channel and purpose behind each other. */
typedef struct Places
{
	int as_of;
	int channel;
} Places;

static const Places places = {3, 4};
static const Places places_before_0_3 = {5, 3};

/* policy, consents, interactions, as_of, channel, purpose, time_zone; returns as_of. */
static TimestampTz
read_question(FunctionCallInfo fcinfo, Places at, Question *q)
{
	text	   *channel;
	text	   *purpose;
	TimestampTz as_of;

	CheckGiven(fcinfo, 0, "policy");
	CheckGiven(fcinfo, at.as_of, "as_of");
	CheckGiven(fcinfo, at.channel, "channel");
	CheckGiven(fcinfo, at.channel + 1, "purpose");
	CheckGiven(fcinfo, 6, "time_zone");

	memset(q, 0, sizeof(Question));
	q->policy = PG_GETARG_CONTACT_POLICY(0);
	q->consents = PG_ARGISNULL(1) ? NULL : PG_GETARG_CONSENTS(1);
	q->interactions = PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERACTION_HISTORY(2);
	channel = PG_GETARG_TEXT_PP(at.channel);
	channel_set(q->channel, VARDATA_ANY(channel), VARSIZE_ANY_EXHDR(channel));
	purpose = PG_GETARG_TEXT_PP(at.channel + 1);
	purpose_set(q->purpose, VARDATA_ANY(purpose), VARSIZE_ANY_EXHDR(purpose));
	as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(at.as_of), "as_of");
	q->clock = clock_of(verdict_cache(fcinfo), PG_GETARG_TEXT_PP(6), as_of);
	if (q->interactions != NULL)
		q->nentries = interaction_history_count_until(q->interactions, as_of);
	q->unsubscribed_at = last_unsubscription(q);
	for (int i = 0; i < q->policy->nrules; i++)
		if (q->policy->rules[i].type == RULE_EXEMPT)
			note_exemption(q, &q->policy->rules[i]);
	return as_of;
}

/* The first instant from a refusal on at which nothing objects, as far as is known; infinity if never. */
static TimestampTz
earliest_allowed(const Question *q, Refusal refusal)
{
	while (refusal.objection != OBJECTION_NONE && refusal.until != DT_NOEND)
	{
		TimestampTz t = refusal.until;

		CHECK_FOR_INTERRUPTS();
		refusal = refusal_at(q, t, true);
		if (refusal.objection == OBJECTION_NONE)
			return t;
	}
	return DT_NOEND;
}

/* Why not, in words: the rule as it is written, or what is missing. */
static char *
reason_text(const Question *q, const Refusal *refusal)
{
	StringInfoData out;

	initStringInfo(&out);
	if (refusal->objection == OBJECTION_RULE)
		append_rule(&out, refusal->rule);
	else if (refusal->objection == OBJECTION_UNSUBSCRIBED)
		appendStringInfo(&out, "unsubscribed from %.*s", channel_length(q->channel), q->channel);
	else
		appendStringInfo(&out, "no consent for %.*s", (int) strnlen(q->purpose, PURPOSE_SIZE),
						 q->purpose);
	return out.data;
}

static Datum
verdict_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	VerdictCache *cache = verdict_cache(fcinfo);

	if (cache->row == NULL)
		cache->row = row_type(fcinfo);
	return HeapTupleGetDatum(heap_form_tuple(cache->row, values, nulls));
}

/*
 * (allowed, reason, earliest): whether the contact is allowed at the instant;
 * if not, the first reason why not, and the first instant when it would be if
 * nothing else happened, NULL if never.
 */
static Datum
contact_verdict(FunctionCallInfo fcinfo, Places at)
{
	Question	q;
	TimestampTz as_of = read_question(fcinfo, at, &q);
	Refusal		refusal = refusal_at(&q, as_of, true);
	TimestampTz earliest = as_of;
	Datum		values[3] = {0};
	bool		nulls[3] = {false};

	values[0] = BoolGetDatum(refusal.objection == OBJECTION_NONE);
	nulls[1] = refusal.objection == OBJECTION_NONE;
	if (refusal.objection != OBJECTION_NONE)
	{
		values[1] = CStringGetTextDatum(reason_text(&q, &refusal));
		earliest = earliest_allowed(&q, refusal);
	}
	values[2] = TimestampTzGetDatum(earliest);
	nulls[2] = earliest == DT_NOEND;
	return verdict_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(crm_contact_verdict_as_of);
Datum
crm_contact_verdict_as_of(PG_FUNCTION_ARGS)
{
	return contact_verdict(fcinfo, places);
}

PG_FUNCTION_INFO_V1(crm_contact_verdict);
Datum
crm_contact_verdict(PG_FUNCTION_ARGS)
{
	return contact_verdict(fcinfo, places_before_0_3);
}

/* Whether the contact is allowed, as contact_verdict says it. */
static Datum
contact_allowed(FunctionCallInfo fcinfo, Places at)
{
	Question	q;
	TimestampTz as_of = read_question(fcinfo, at, &q);

	return BoolGetDatum(refusal_at(&q, as_of, false).objection == OBJECTION_NONE);
}

PG_FUNCTION_INFO_V1(crm_contact_allowed_as_of);
Datum
crm_contact_allowed_as_of(PG_FUNCTION_ARGS)
{
	return contact_allowed(fcinfo, places);
}

PG_FUNCTION_INFO_V1(crm_contact_allowed);
Datum
crm_contact_allowed(PG_FUNCTION_ARGS)
{
	return contact_allowed(fcinfo, places_before_0_3);
}
