/*
 * contact_question.h: whether a contact is allowed: what is asked, and what objects.
 */
#ifndef CRM_CONTACT_QUESTION_H
#define CRM_CONTACT_QUESTION_H

#include "crm.h"

#include "contact/consents.h"
#include "contact/contact_policy.h"

/* The clock that a call site keeps from row to row, most of which ask about one instant in one zone. */
typedef struct ZoneCache
{
	int		   zone_size; /* bytes of the time zone's name, 0 before the first */
	char	   zone_name[TZ_STRLEN_MAX];
	LocalClock clock;
} ZoneCache;

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

extern const LocalClock *clock_of(ZoneCache *cache, const text *zone_name, TimestampTz at);
extern void				 question_set(Question *q, const char *channel, const char *purpose);
extern Refusal			 refusal_at(const Question *q, TimestampTz t, bool want_until);
extern TimestampTz		 earliest_allowed(const Question *q, Refusal refusal);
extern char				*refusal_text(const Question *q, const Refusal *refusal);

#endif /* CRM_CONTACT_QUESTION_H */
