/*
 * score.h: the rules that customers are scored by, as rules.c reads
 * them and score.c applies them.
 */
#ifndef CRM_LIVE_SCORE_H
#define CRM_LIVE_SCORE_H

#include "crm.h"

#include "live/live.h"

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

/* The functions that a score is made with. */
typedef enum Scorer
{
	SCORER_RFM,
	SCORER_SEGMENT,
	SCORER_SEGMENT_RANK,
	SCORER_TIER,
	SCORER_P_ALIVE,
	SCORER_EXPECTED_PURCHASES,
	SCORER_CLV,
	SCORER_NEXT_PURCHASE,
	SCORERS
} Scorer;

typedef struct Scorers
{
	FmgrInfo functions[SCORERS];
} Scorers;

struct ScoringRule
{
	Datum		 *keys; /* of the customers it is for, one for each column of "by" */
	Datum		  parts[RULE_PARTS];
	bool		  nulls[RULE_PARTS];
	Datum		  time_zone;
	NullableDatum refreshed_on;		/* the last refresh was as of this day */
	NullableDatum refreshing_as_of; /* the running one is */
	int64		  second; /* since 2000 in UTC, of which the day in the time zone is known */
	DateADT		  day;
	Scorers		 *scorers;
};

extern Scorers *find_scorers(void);

#endif /* CRM_LIVE_SCORE_H */
