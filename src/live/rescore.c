/*
 * rescore.c: scoring customers anew in key order, a batch at a time.
 */
#include "crm.h"

#include "access/tableam.h"
#include "live/keys.h"
#include "live/rescore.h"
#include "live/rules.h"
#include "miscadmin.h"
#include "utils/date.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* Whether a row has another score than the rules give it, which is then known, or one of a later day. */
static bool
score_is_stale(Histories *t, TupleTableSlot *row, const Datum *keys, KnownScore *known)
{
	const HistoriesLayout *layout = histories_layout_of(t);
	Decisions			  *decisions = histories_decisions(t);
	ScoringRule			  *rule = histories_rule_of(t, keys);
	DateADT				   as_of = rule ? scoring_refresh_day(rule) : 0;

	if (row->tts_isnull[layout->scored - 1])
		return true;
	if (decisions)
		decisions_read_next(decisions, keys, &known->decided);
	if (!scoring_rule_has_tiers(rule))
		memset(&known->decided, 0, sizeof(known->decided));
	score_customer(rule, row->tts_values[layout->scored - 1], as_of, &known->decided,
				   &known->score);
	known->place = row->tts_tid;
	known->rule = rule;
	return histories_score_differs(t, row, &known->score) ||
		   histories_scored_on_differs(t, row, rule, as_of);
}

/* Score a row anew if it has to be, in a memory context of its own; returns whether it was written. */
static bool
rescore_row(Histories *t, TupleTableSlot *row, MemoryContext context)
{
	MemoryContext before = MemoryContextSwitchTo(context);
	KnownScore	  known = {0};
	Datum		 *keys;
	bool		  stale;

	slot_getallattrs(row);
	keys = customer_keys_copy(&histories_layout_of(t)->keys, row);
	stale = score_is_stale(t, row, keys, &known);
	MemoryContextSwitchTo(before);
	if (stale)
		histories_rescore(t, keys, &known);
	MemoryContextReset(context);
	return stale;
}

/*
 * Score some customers anew as of the day that their rule names. Rows that a
 * look through the snapshot finds right are neither written nor locked; the
 * others are looked up, and scored as they are then if they are others.
 */
void
rescore_batch(Histories *t, RescoreBatch *batch)
{
	const CustomerKeys *customer = &histories_layout_of(t)->keys;
	Relation			rel = histories_relation(t);
	Relation			index = histories_index(t);
	ScanKeyData			header;
	ScanKeyData			members[INDEX_MAX_KEYS];
	TupleTableSlot	   *row = table_slot_create(rel, NULL);
	MemoryContext		context =
		AllocSetContextCreate(CurrentMemoryContext, "crm score", ALLOCSET_DEFAULT_SIZES);
	Snapshot	  snapshot = RegisterSnapshot(GetTransactionSnapshot());
	int			  nkeys = batch->after ? 1 : 0;
	IndexScanDesc scan = keys_begin_scan(rel, index, snapshot, nkeys);

	if (batch->after)
		keys_init_after(index, customer->n, batch->after, &header, members);
	index_rescan(scan, &header, nkeys, NULL, 0);
	if (histories_decisions(t))
		decisions_start_in_order(histories_decisions(t), batch->after);
	while (index_getnext_slot(scan, ForwardScanDirection, row))
	{
		CHECK_FOR_INTERRUPTS();
		batch->written += rescore_row(t, row, context);
		if (++batch->read == batch->limit)
		{
			batch->last = customer_keys_copy(customer, row);
			break;
		}
	}
	index_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	MemoryContextDelete(context);
}
