/*
 * histories.h: the table of histories, written a customer at a time.
 */
#ifndef CRM_LIVE_HISTORIES_H
#define CRM_LIVE_HISTORIES_H

#include "crm.h"

#include "live/decisions.h"
#include "live/delta.h"
#include "live/layout.h"
#include "live/rule.h"
#include "live/score.h"
#include "live/tracked.h"

typedef struct Histories Histories;

/* A score that was computed from a version of a customer's row. */
typedef struct KnownScore
{
	ItemPointerData	   place;
	const ScoringRule *rule;
	CustomerDecisions  decided;
	Score			   score;
} KnownScore;

extern Histories			 *histories_open(const Tracked *tracked, const char *why);
extern Relation				  histories_index(Histories *histories);
extern Relation				  histories_relation(Histories *histories);
extern void					  histories_apply(Histories *histories, const CustomerDelta *delta);
extern const HistoriesLayout *histories_layout_of(Histories *histories);
extern Decisions			 *histories_decisions(Histories *histories);
extern ScoringRule			 *histories_rule_of(Histories *histories, const Datum *keys);
extern void					  histories_ignore_decisions(Histories *histories);
extern void					  histories_renew_snapshot(Histories *histories);
extern void					  histories_decide(Histories *histories, const Datum *keys);
extern void	 histories_rescore(Histories *histories, const Datum *keys, const KnownScore *known);
extern void	 histories_refill(Histories *histories, const Datum *keys, const Bought *whole);
extern void	 histories_count_written(Histories *histories, int64 *written, int64 *differed);
extern bool	 histories_score_differs(Histories *histories, TupleTableSlot *row, const Score *score);
extern bool	 histories_scored_on_differs(Histories *histories, TupleTableSlot *row,
										 const ScoringRule *rule, DateADT as_of);
extern int64 histories_close(Histories *histories);

#endif /* CRM_LIVE_HISTORIES_H */
