/*
 * rule.h: what customers are scored by: rules.c reads it, score.c
 * applies it, and neither knows the other.
 */
#ifndef CRM_LIVE_RULE_H
#define CRM_LIVE_RULE_H

#include "crm.h"

#include "tiers/tier_program.h"
#include "utils/date.h"

/* What a rule is made of: the columns of a scoring table, and the arguments of crm.score_customer. */
typedef enum RulePart
{
	RULE_SCALE,
	RULE_SEGMENTS,
	RULE_LOOK_BACK_DAYS,
	RULE_TIER_PROGRAM,
	RULE_PURCHASE_MODEL,
	RULE_SPEND_MODEL,
	RULE_MARGIN,
	RULE_HORIZON_DAYS,
	RULE_DISCOUNT_RATE,
	RULE_PARTS
} RulePart;

typedef struct ScoringRule
{
	Datum		 *keys; /* of the customers it is for, one for each column of "by" */
	Datum		  parts[RULE_PARTS];
	bool		  nulls[RULE_PARTS];
	Datum		  time_zone;
	NullableDatum as_of;			/* the day that a tracking of the past is kept as of */
	NullableDatum refreshed_on;		/* the last refresh was as of this day */
	NullableDatum refreshing_as_of; /* the running one is */
	int64		  second; /* since 2000 in UTC, of which the day in the time zone is known */
	DateADT		  day;
} ScoringRule;

/* Whether customers hold tiers by a rule, which may be NULL. */
static inline bool
scoring_rule_has_tiers(const ScoringRule *rule)
{
	return rule && !rule->nulls[RULE_TIER_PROGRAM];
}

/* The tier program of a rule, NULL if there is none. */
static inline const TierProgram *
scoring_rule_program(const ScoringRule *rule)
{
	return scoring_rule_has_tiers(rule) ? DatumGetTierProgram(rule->parts[RULE_TIER_PROGRAM])
										: NULL;
}

#endif /* CRM_LIVE_RULE_H */
