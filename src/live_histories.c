/*
 * live_histories.c: the table of histories, written a customer at a time.
 *
 * This is an INSERT ... ON CONFLICT DO UPDATE whose new row is computed here:
 * a look-up through the primary key, then an update of the version found, or
 * a speculative insertion, and once more from the start if another session was
 * there in between. Callers come in key order, so that two statements can
 * wait for each other but never in a circle.
 *
 * Like an index, the table follows without firing triggers of its own; the
 * table of changes is where users put theirs.
 */
#include "crm.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "live.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

struct Histories
{
	Relation	   rel;
	Relation	   index; /* its primary key */
	int			   nkeys;
	AttrNumber	   history;
	AttrNumber	   scores[SCORE_COLUMNS];
	AttrNumber	   scored_on;
	AttrNumber	   updated_at;
	ScanKeyData	   scan_keys[INDEX_MAX_KEYS];
	IndexScanDesc  scan; /* NULL until the next look-up */
	TupleTableSlot *old_row;
	TupleTableSlot *new_row;
	EState		   *estate;
	ResultRelInfo  *result;
	ScoringRules   *rules;
	ChangeLog	   *changes;
	MemoryContext	context; /* of one customer */
};

/* ---- what differs between releases of PostgreSQL ---- */

static IndexScanDesc
begin_scan(Histories *t)
{
	return index_beginscan(t->rel, t->index, GetActiveSnapshot(),
#if PG_VERSION_NUM >= 180000
						   NULL,
#endif
						   t->nkeys, 0);
}

/* Index entries for the new row; false if a unique index has its key already. */
static bool
insert_index_entries(Histories *t, bool update, bool only_summarizing, bool speculative)
{
	List *arbiters = speculative ? list_make1_oid(RelationGetRelid(t->index)) : NIL;
	bool  conflict = false;

#if PG_VERSION_NUM >= 160000
	ExecInsertIndexTuples(t->result, t->new_row, t->estate, update, speculative, &conflict,
						  arbiters, only_summarizing);
#elif PG_VERSION_NUM >= 140000
	(void) only_summarizing;
	ExecInsertIndexTuples(t->result, t->new_row, t->estate, update, speculative, &conflict,
						  arbiters);
#else
	(void) update;
	(void) only_summarizing;
	ExecInsertIndexTuples(t->new_row, t->estate, speculative, &conflict, arbiters);
#endif
	return !conflict;
}

/* Wait for insertions of the same key in other sessions; false if one was committed. */
static bool
key_is_free(Histories *t)
{
	List		   *arbiters = list_make1_oid(RelationGetRelid(t->index));
	ItemPointerData conflict;

#if PG_VERSION_NUM >= 180000
	ItemPointerData none;

	ItemPointerSetInvalid(&none);
	return ExecCheckIndexConstraints(t->result, t->new_row, t->estate, &conflict, &none, arbiters);
#elif PG_VERSION_NUM >= 140000
	return ExecCheckIndexConstraints(t->result, t->new_row, t->estate, &conflict, arbiters);
#else
	return ExecCheckIndexConstraints(t->new_row, t->estate, &conflict, arbiters);
#endif
}

/* ---- opening and closing ---- */

/* The owner must not be subject to policies of a table that is kept for everybody. */
static inline void
CheckNoForcedRowSecurity(Relation rel)
{
	if (rel->rd_rel->relrowsecurity && rel->rd_rel->relforcerowsecurity)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("histories cannot be kept under forced row-level security"),
				 errdetail("Table \"%s\" has FORCE ROW LEVEL SECURITY.",
						   RelationGetRelationName(rel)),
				 errhint("Use ALTER TABLE ... NO FORCE ROW LEVEL SECURITY; policies still hold for "
						 "everybody but the owner.")));
}

static AttrNumber
column_named(Relation rel, const char *name)
{
	AttrNumber column = get_attnum(RelationGetRelid(rel), name);

	if (column == InvalidAttrNumber)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table of histories \"%s\" has no column \"%s\"",
							   RelationGetRelationName(rel), name)));
	return column;
}

static Relation
open_primary_key(Relation rel)
{
	Oid index;

	RelationGetIndexList(rel);
	index = rel->rd_pkindex;
	if (!OidIsValid(index))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("table of histories \"%s\" has no primary key",
							   RelationGetRelationName(rel))));
	return index_open(index, RowExclusiveLock);
}

static void
init_scan_keys(Histories *t)
{
	for (int i = 0; i < t->nkeys; i++)
	{
		Oid type = t->index->rd_opcintype[i];
		Oid equal =
			get_opfamily_member(t->index->rd_opfamily[i], type, type, BTEqualStrategyNumber);

		ScanKeyEntryInitialize(&t->scan_keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   t->index->rd_indcollation[i], get_opcode(equal), (Datum) 0);
	}
}

/* Open a table of histories for writing; why is what the changes are recorded with. */
Histories *
histories_open(Oid relid, Oid scoring, Oid changes, const char *why)
{
	Histories *t = palloc0(sizeof(Histories));

	t->rel = table_open(relid, RowExclusiveLock);
	CheckNoForcedRowSecurity(t->rel);
	t->index = open_primary_key(t->rel);
	t->nkeys = IndexRelationGetNumberOfKeyAttributes(t->index);
	t->history = column_named(t->rel, "history");
	for (int i = 0; i < SCORE_COLUMNS; i++)
		t->scores[i] = column_named(t->rel, score_column_names[i]);
	t->scored_on = column_named(t->rel, "scored_on");
	t->updated_at = column_named(t->rel, "updated_at");
	init_scan_keys(t);

	t->old_row = table_slot_create(t->rel, NULL);
	t->new_row = MakeSingleTupleTableSlot(RelationGetDescr(t->rel), &TTSOpsVirtual);
	t->estate = CreateExecutorState();
	t->result = makeNode(ResultRelInfo);
	InitResultRelInfo(t->result, t->rel, 1, NULL, 0);
#if PG_VERSION_NUM < 140000
	t->estate->es_result_relation_info = t->result;
#endif
	ExecOpenIndices(t->result, true);

	t->rules = scoring_rules_read(scoring, t->rel, t->index);
	t->changes = change_log_open(changes, t->rel, t->index, why);
	t->context = AllocSetContextCreate(CurrentMemoryContext, "crm customer", ALLOCSET_DEFAULT_SIZES);
	PushActiveSnapshot(GetTransactionSnapshot());
	return t;
}

Relation
histories_index(Histories *t)
{
	return t->index;
}

Relation
histories_relation(Histories *t)
{
	return t->rel;
}

/* Make what was written visible to the next command; returns how many segments changed. */
int64
histories_close(Histories *t)
{
	int64 changed;

	if (t->scan)
		index_endscan(t->scan);
	PopActiveSnapshot();
	ExecCloseIndices(t->result);
	ExecDropSingleTupleTableSlot(t->old_row);
	ExecDropSingleTupleTableSlot(t->new_row);
	FreeExecutorState(t->estate);
	CommandCounterIncrement();
	changed = change_log_close(t->changes);
	MemoryContextDelete(t->context);
	index_close(t->index, NoLock);
	table_close(t->rel, NoLock);
	return changed;
}

/* ---- one customer ---- */

/* The customer's row, as the snapshot sees it, in old_row. */
static bool
find_row(Histories *t, const Datum *keys)
{
	for (int i = 0; i < t->nkeys; i++)
		t->scan_keys[i].sk_argument = keys[i];
	if (t->scan == NULL)
		t->scan = begin_scan(t);
	index_rescan(t->scan, t->scan_keys, t->nkeys, NULL, 0);
	return index_getnext_slot(t->scan, ForwardScanDirection, t->old_row);
}

/* Another session wrote the row since the snapshot: see it, if the isolation level allows. */
static void
see_other_sessions(Histories *t)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not serialize access due to concurrent update")));
	CHECK_FOR_INTERRUPTS();
	index_endscan(t->scan);
	t->scan = NULL;
	PopActiveSnapshot();
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Whether a history has all orders of another. */
static bool
has_orders_of(const PurchaseHistory *h, const PurchaseHistory *other)
{
	for (int i = 0; i < other->nentries; i++)
	{
		int n = purchase_history_count_until(h, other->entries[i].day);
		int there = n > 0 && h->entries[n - 1].day == other->entries[i].day
						? h->entries[n - 1].orders
						: 0;

		if (there < other->entries[i].orders)
			return false;
	}
	return true;
}

/* Orders that go have come before, unless somebody switched the triggers off. */
static inline void
CheckOrdersKnown(Histories *t, const PurchaseHistory *h, const PurchaseHistory *went)
{
	if (unlikely(!has_orders_of(h, went)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("histories \"%s\" do not hold an order that is being taken away",
						RelationGetRelationName(t->rel)),
				 errdetail("The orders were changed while they were not followed."),
				 errhint("Call crm.rebuild for the tracking.")));
}

/* The history after a change: what it was, plus what came, minus what went. */
static PurchaseHistory *
changed_history(Histories *t, const PurchaseHistory *before, const CustomerDelta *delta)
{
	PurchaseHistory *after = purchase_history_plus(before, delta->came);

	if (delta->went->nentries == 0)
		return after;
	CheckOrdersKnown(t, after, delta->went);
	return purchase_history_minus(after, delta->went);
}

static inline bool
same_value(Datum a, bool a_null, Datum b, bool b_null, Form_pg_attribute column)
{
	if (a_null || b_null)
		return a_null == b_null;
	return datum_image_eq(a, b, column->attbyval, column->attlen);
}

/* Put a score into new_row; returns whether it differs from what stood there. */
static bool
set_scores(Histories *t, const Score *score)
{
	bool differs = false;

	for (int i = 0; i < SCORE_COLUMNS; i++)
	{
		int				  column = t->scores[i] - 1;
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(t->rel), column);

		if (!same_value(t->new_row->tts_values[column], t->new_row->tts_isnull[column],
						score->values[i], score->nulls[i], attribute))
			differs = true;
		t->new_row->tts_values[column] = score->values[i];
		t->new_row->tts_isnull[column] = score->nulls[i];
	}
	return differs;
}

static inline void
set_column(Histories *t, AttrNumber column, Datum value, bool isnull)
{
	t->new_row->tts_values[column - 1] = value;
	t->new_row->tts_isnull[column - 1] = isnull;
}

/* Fill new_row from the values that stand in it, a history and its score. */
static void
fill_row(Histories *t, const ScoringRule *rule, PurchaseHistory *history, DateADT as_of,
		 Score *score)
{
	bool is_new = t->new_row->tts_isnull[t->history - 1];

	score_customer(rule, PointerGetDatum(history), as_of, score);
	set_column(t, t->history, PointerGetDatum(history), false);
	set_column(t, t->scored_on, DateADTGetDatum(as_of), rule == NULL);
	if (set_scores(t, score) || is_new)
		set_column(t, t->updated_at, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()),
				   false);
	ExecStoreVirtualTuple(t->new_row);
}

/* Start new_row as a copy of old_row, or as a new customer. */
static void
start_row(Histories *t, const Datum *keys, bool found)
{
	TupleDesc desc = RelationGetDescr(t->rel);

	ExecClearTuple(t->new_row);
	if (found)
	{
		slot_getallattrs(t->old_row);
		memcpy(t->new_row->tts_values, t->old_row->tts_values, sizeof(Datum) * desc->natts);
		memcpy(t->new_row->tts_isnull, t->old_row->tts_isnull, sizeof(bool) * desc->natts);
		return;
	}
	memset(t->new_row->tts_isnull, true, sizeof(bool) * desc->natts);
	for (int i = 0; i < t->nkeys; i++)
		set_column(t, t->index->rd_index->indkey.values[i], keys[i], false);
}

/* Replace the row that was found; false if another session has changed it. */
static bool
update_row(Histories *t)
{
	TM_FailureData tmfd;
	LockTupleMode  lock_mode;
	TM_Result	   result;
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes indexes;
#else
	bool indexes;
#endif

	if (RelationGetDescr(t->rel)->constr)
		ExecConstraints(t->result, t->new_row, t->estate);
	t->new_row->tts_tableOid = RelationGetRelid(t->rel);
	result = table_tuple_update(t->rel, &t->old_row->tts_tid, t->new_row,
								GetCurrentCommandId(true), GetActiveSnapshot(), InvalidSnapshot,
								true, &tmfd, &lock_mode, &indexes);
	if (result != TM_Ok)
		return false;
#if PG_VERSION_NUM >= 160000
	if (indexes != TU_None)
		insert_index_entries(t, true, indexes == TU_Summarizing, false);
#else
	if (indexes)
		insert_index_entries(t, true, false, false);
#endif
	return true;
}

/* Remove the row that was found; false if another session has changed it. */
static bool
delete_row(Histories *t)
{
	TM_FailureData tmfd;

	return table_tuple_delete(t->rel, &t->old_row->tts_tid, GetCurrentCommandId(true),
							  GetActiveSnapshot(), InvalidSnapshot, true, &tmfd, false) == TM_Ok;
}

/* Insert a new customer; false if another session did at the same time. */
static bool
insert_row(Histories *t)
{
	uint32 token;
	bool   inserted;

	if (!key_is_free(t))
		return false;
	if (RelationGetDescr(t->rel)->constr)
		ExecConstraints(t->result, t->new_row, t->estate);
	t->new_row->tts_tableOid = RelationGetRelid(t->rel);

	token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
	table_tuple_insert_speculative(t->rel, t->new_row, GetCurrentCommandId(true), 0, NULL, token);
	inserted = insert_index_entries(t, false, false, true);
	table_tuple_complete_speculative(t->rel, t->new_row, token, inserted);
	SpeculativeInsertionLockRelease(GetCurrentTransactionId());
	return inserted;
}

/* Record what the customer is called now and was called before. */
static void
record_changes(Histories *t, const Datum *keys, bool found, const Score *score)
{
	int	 column = t->scores[SCORE_SEGMENT] - 1;
	bool old_null = !found || t->old_row->tts_isnull[column];

	change_log_add(t->changes, keys, "segment",
				   old_null ? (Datum) 0 : t->old_row->tts_values[column], old_null,
				   score->values[SCORE_SEGMENT], score->nulls[SCORE_SEGMENT]);
}

static PurchaseHistory *
stored_history(Histories *t, bool found)
{
	if (!found)
		return purchase_history_create(0);
	return DatumGetPurchaseHistory(slot_getattr(t->old_row, t->history, &(bool){false}));
}

/*
 * One attempt to write a customer: delta is NULL if only the score is to be
 * made anew, as of a given day. False if another session was in the way.
 */
static bool
try_write(Histories *t, const Datum *keys, const CustomerDelta *delta, DateADT as_of)
{
	bool			   found = find_row(t, keys);
	const ScoringRule *rule = scoring_rule_of(t->rules, keys);
	PurchaseHistory	  *history = stored_history(t, found);
	Score			   score;
	bool			   written;

	if (delta)
	{
		history = changed_history(t, history, delta);
		as_of = rule ? scoring_today(rule) : 0;
	}
	if (!found && history->nentries == 0)
		return true;

	start_row(t, keys, found);
	if (history->nentries == 0)
	{
		memset(score.nulls, true, sizeof(score.nulls));
		written = delete_row(t);
	}
	else
	{
		fill_row(t, rule, history, as_of, &score);
		written = found ? update_row(t) : insert_row(t);
	}
	if (written)
		record_changes(t, keys, found, &score);
	return written;
}

static void
write_customer(Histories *t, const Datum *keys, const CustomerDelta *delta, DateADT as_of)
{
	MemoryContext before = MemoryContextSwitchTo(t->context);

	while (!try_write(t, keys, delta, as_of))
		see_other_sessions(t);
	ExecClearTuple(t->old_row);
	ResetPerTupleExprContext(t->estate);
	MemoryContextSwitchTo(before);
	MemoryContextReset(t->context);
}

/* Whether a change changes nothing: an update of columns that are no purchase. */
static inline bool
is_no_change(const CustomerDelta *delta)
{
	return delta->came->nentries == delta->went->nentries &&
		   memcmp(delta->came->entries, delta->went->entries,
				  sizeof(PurchaseDay) * delta->came->nentries) == 0;
}

/* Add to a customer's history what came, take away what went, and score what is there then. */
void
histories_apply(Histories *t, const CustomerDelta *delta)
{
	CHECK_FOR_INTERRUPTS();
	if (!is_no_change(delta))
		write_customer(t, delta->keys, delta, 0);
}

/* Score a customer anew as of a day, if there still is one. */
void
histories_rescore(Histories *t, const Datum *keys, DateADT as_of)
{
	CHECK_FOR_INTERRUPTS();
	write_customer(t, keys, NULL, as_of);
}
