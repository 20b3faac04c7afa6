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

#include "contact/consents.h"
#include "relationship/interaction_history.h"
#include "lib/stringinfo.h"

#define CONTACT_POLICY_VERSION 1
#define POLICY_MAX_RULES 64

/* Stored numbers: never change one. */
typedef enum RuleType
{
	RULE_CAP = 0,	/* at most so many contacts in a window */
	RULE_QUIET = 1, /* no contact at these times of day */
	RULE_PAUSE = 2, /* no contact for a while after an event */
	RULE_EXEMPT = 3 /* a purpose, or a kind of contact, that the others do not concern */
} RuleType;
#define RULE_TYPES 4

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
	int32 contacts; /* cap */
	int32 length;	/* cap, pause: in units */
	int16 from;		/* quiet: minute of the day it begins */
	int16 until;	/* quiet: minute of the day it ends, not part of it; may be before from */
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

extern void append_rule(StringInfo out, const PolicyRule *rule);

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
