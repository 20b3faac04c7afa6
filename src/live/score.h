/*
 * score.h: the one place that scores a customer.
 */
#ifndef CRM_LIVE_SCORE_H
#define CRM_LIVE_SCORE_H

#include "crm.h"

#include "live/decisions.h"
#include "live/layout.h"
#include "live/rule.h"

/* In the order of crm.customer_score. */
typedef struct Score
{
	Datum values[SCORE_COLUMNS];
	bool  nulls[SCORE_COLUMNS];
} Score;

extern void score_customer(const ScoringRule *rule, Datum history, DateADT as_of,
						   const CustomerDecisions *decided, Score *score);

#endif /* CRM_LIVE_SCORE_H */
