/*
 * contact_policy.h: how often, when and after what customers may be contacted.
 *
 * Rules keep the order they were written in. Fields that a type of rule does
 * not use are zero. A rule with a channel looks at that channel alone.
 *
 * flags and reserved must be zero: receive rejects anything else.
 */
#ifndef CRM_CONTACT_POLICY_H
#define CRM_CONTACT_POLICY_H

#include "crm.h"

#include "base/weekday.h"
#include "contact/consents.h"
#include "relationship/interaction_history.h"
#include "lib/stringinfo.h"

#define CONTACT_POLICY_VERSION 1
#define POLICY_MAX_RULES 64

/* Stored numbers: never change one. */
typedef enum RuleType
{
	RULE_CAP = 0,	   /* at most so many contacts in a window */
	RULE_QUIET = 1,	   /* no contact at these times of day */
	RULE_PAUSE = 2,	   /* no contact for a while after an event */
	RULE_EXEMPT = 3,   /* a purpose, or a kind of contact, that the others do not concern */
	RULE_WEEKDAYS = 4, /* no contact on these days of the week */
	RULE_DATES = 5	   /* no contact on these days of the calendar */
} RuleType;
#define RULE_TYPES 6

typedef enum RuleUnit
{
	RULE_MINUTES = 0, /* of 60 seconds */
	RULE_DAYS = 1,	  /* of the calendar of the time zone */
	RULE_MONTHS = 2	  /* likewise */
} RuleUnit;
#define RULE_UNITS 3

#define RULE_MAX_CONTACTS 10000
#define RULE_MAX_MINUTES (366 * MINUTES_PER_DAY)
#define RULE_MAX_DAYS 36600
#define RULE_MAX_MONTHS 1200

/* An event is an inbound interaction of a kind, or an outbound one with an outcome. */
#define EVENT_OUTCOMES 16
#define EVENT_OF_OUTCOME(outcome) (EVENT_OUTCOMES + (outcome))

typedef struct PolicyRule
{
	uint8 type;
	uint8 unit;		/* cap, pause */
	uint8 event;	/* pause: a kind, or EVENT_OF_OUTCOME */
	uint8 reserved; /* zero */
	int32 contacts; /* cap; dates: the last */
	int32 length;	/* cap, pause: in units; dates: the first */
	int16 from;		/* quiet: minute of the day it begins; weekdays: the first, from Monday, 0 */
	int16
		  until; /* quiet: minute of the day it ends, not part of it; may be before from; weekdays: the last, over Sunday if that is before */
	char  channel[CHANNEL_SIZE]; /* zeros: every channel */
	uint8 reserved2;			 /* zero */
	char  purpose[PURPOSE_SIZE]; /* exempt */
	uint8 reserved3;			 /* zero */
} PolicyRule;

typedef struct ContactPolicy
{
	int32	   vl_len_; /* varlena header, do not touch */
	uint16	   version; /* CONTACT_POLICY_VERSION */
	uint16	   flags;	/* reserved, zero */
	int32	   nrules;
	int32	   reserved; /* zero */
	PolicyRule rules[FLEXIBLE_ARRAY_MEMBER];
} ContactPolicy;

#define CONTACT_POLICY_SIZE(n) (offsetof(ContactPolicy, rules) + (Size) (n) * sizeof(PolicyRule))

#define PG_GETARG_CONTACT_POLICY(n) ((ContactPolicy *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))
#define PG_RETURN_CONTACT_POLICY(p) PG_RETURN_POINTER(p)

extern void			  append_rule(StringInfo out, const PolicyRule *rule);
extern ContactPolicy *policy_create(int nrules);
extern ContactPolicy *CheckPolicy(ContactPolicy *p);
extern int			  policy_event_from(const char *name);

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
	static const int max_length[RULE_UNITS] = {RULE_MAX_MINUTES, RULE_MAX_DAYS, RULE_MAX_MONTHS};

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

/* Quiet weekdays are days of the week. */
static inline void
CheckWeekdays(int first, int last)
{
	if (first < 0 || first >= DAYS_PER_WEEK || last < 0 || last >= DAYS_PER_WEEK)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("quiet days are not days of the week")));
}

/* Quiet days of the calendar are there, in order. */
static inline void
CheckDates(DateADT first, DateADT last)
{
	if (!IS_VALID_DATE(first) || !IS_VALID_DATE(last) || last < first)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quiet days are no days of the calendar, or end before they begin")));
}

/* Whether a rule of days has a day. */
static inline bool
rule_has_day(const PolicyRule *rule, DateADT day)
{
	int weekday;

	if (rule->type == RULE_DATES)
		return rule->length <= day && day <= rule->contacts;
	weekday = weekday_of(day);
	return rule->from <= rule->until ? rule->from <= weekday && weekday <= rule->until
									 : rule->from <= weekday || weekday <= rule->until;
}

/* Whether a rule has something to say about a channel. */
static inline bool
rule_concerns(const PolicyRule *rule, const char *channel)
{
	return rule->channel[0] == '\0' || channel_equal(rule->channel, channel);
}

/* Whether a minute of the day is quiet. */
static inline bool
rule_is_quiet(const PolicyRule *rule, int minute)
{
	return rule->from < rule->until ? rule->from <= minute && minute < rule->until
									: rule->from <= minute || minute < rule->until;
}

#endif /* CRM_CONTACT_POLICY_H */
