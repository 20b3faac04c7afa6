/*
 * rules.h: the rules that a tracking scores by.
 */
#ifndef CRM_LIVE_RULES_H
#define CRM_LIVE_RULES_H

#include "crm.h"

#include "live/rule.h"
#include "utils/rel.h"

typedef struct ScoringRules ScoringRules;

extern ScoringRules *scoring_rules_read(Oid scoring, Relation histories, Relation index);
extern ScoringRule	*scoring_rule_of(ScoringRules *rules, const Datum *keys);
extern DateADT		 scoring_today(ScoringRule *rule);
extern DateADT		 scoring_refresh_day(ScoringRule *rule);

#endif /* CRM_LIVE_RULES_H */
