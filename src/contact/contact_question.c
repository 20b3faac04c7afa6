/*
 * contact_question.c: the one place that says whether a contact is allowed.
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

#include "contact/contact_question.h"
#include "miscadmin.h"

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

/* The beginning of the first day after t that a rule of days does not have. */
static TimestampTz
days_until(const Question *q, const PolicyRule *rule, TimestampTz t)
{
	LocalClock clock = *q->clock;
	DateADT	   day = rule->type == RULE_DATES ? rule->contacts : local_day(t, clock.zone);

	do
	{
		day++;
		if (!IS_VALID_DATE(day))
			return DT_NOEND;
	} while (rule_has_day(rule, day));
	return local_instant(day, 0, &clock);
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
		case RULE_WEEKDAYS:
		case RULE_DATES:
			if (!rule_has_day(rule, local_day(t, q->clock->zone)))
				return false;
			if (until != NULL)
				*until = days_until(q, rule, t);
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
Refusal
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

/*
 * Make a question one about a channel and a purpose: what depends on them. Its policy,
 * interactions and how many of them count must be there.
 */
void
question_set(Question *q, const char *channel, const char *purpose)
{
	memcpy(q->channel, channel, CHANNEL_SIZE);
	memcpy(q->purpose, purpose, PURPOSE_SIZE);
	q->exempt = false;
	memset(q->exempt_kind, 0, sizeof(q->exempt_kind));
	q->unsubscribed_at = last_unsubscription(q);
	for (int i = 0; i < q->policy->nrules; i++)
		if (q->policy->rules[i].type == RULE_EXEMPT)
			note_exemption(q, &q->policy->rules[i]);
}

/* The clock of a time zone, set to an instant; its name is looked up only when it changes. */
const LocalClock *
clock_of(ZoneCache *cache, const text *zone_name, TimestampTz at)
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

/* The first instant from a refusal on at which nothing objects, as far as is known; infinity if never. */
TimestampTz
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
char *
refusal_text(const Question *q, const Refusal *refusal)
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
