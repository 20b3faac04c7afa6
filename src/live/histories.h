/*
 * histories.h: the table of histories, written a customer at a time.
 */
#ifndef CRM_LIVE_HISTORIES_H
#define CRM_LIVE_HISTORIES_H

#include "crm.h"

#include "live/delta.h"
#include "live/layout.h"
#include "live/rule.h"
#include "live/tracked.h"

typedef struct Histories Histories;

/* Some customers in key order that are to be scored anew. */
typedef struct RescoreBatch
{
	const Datum *after; /* the key before the first, or NULL to start with the first of all */
	int64		 limit;
	Datum		*last; /* of those looked at; NULL if there are no more behind */
	int64		 read;
	int64		 written;
} RescoreBatch;

extern Histories			 *histories_open(const Tracked *tracked, const char *why);
extern Relation				  histories_index(Histories *histories);
extern Relation				  histories_relation(Histories *histories);
extern void					  histories_apply(Histories *histories, const CustomerDelta *delta);
extern const HistoriesLayout *histories_layout_of(Histories *histories);
extern ScoringRule			 *histories_rule_of(Histories *histories, const Datum *keys);
extern void					  histories_ignore_decisions(Histories *histories);
extern void					  histories_renew_snapshot(Histories *histories);
extern void					  histories_decide(Histories *histories, const Datum *keys);
extern void					  histories_rescore_batch(Histories *histories, RescoreBatch *batch);
extern int64				  histories_close(Histories *histories);

#endif /* CRM_LIVE_HISTORIES_H */
