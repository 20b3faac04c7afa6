/*
 * live_write.c: writing single rows of a table as INSERT .. ON CONFLICT, UPDATE
 * and DELETE do: defaults, generated columns, constraints, indexes, and the
 * row triggers that fire afterwards, foreign keys among them.
 *
 * BEFORE triggers, which would change what is written, and statement triggers
 * do not fire.
 */
#include "crm.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "live_write.h"
#include "parser/parse_relation.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"

struct RowWriter
{
	Relation	   rel;
	Relation	   index; /* that decides which rows are the same */
	EState		  *estate;
	ResultRelInfo *result;
	ExprState	 **defaults; /* of each column; NULL if it has none */
};

/* ---- what differs between releases of PostgreSQL ---- */

/* An executor state for one table, which it finds in its range table where it looks for columns. */
static EState *
create_executor_state(Relation rel, Bitmapset *updated)
{
	EState		  *estate = CreateExecutorState();
	RangeTblEntry *rte = makeNode(RangeTblEntry);
#if PG_VERSION_NUM >= 160000
	List *permissions = NIL;
#endif

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(rel);
	rte->relkind = rel->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
	addRTEPermissionInfo(&permissions, rte)->updatedCols = updated;
#else
	rte->updatedCols = updated;
#endif
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, list_make1(rte), permissions, bms_make_singleton(1));
#elif PG_VERSION_NUM >= 160000
	ExecInitRangeTable(estate, list_make1(rte), permissions);
#else
	ExecInitRangeTable(estate, list_make1(rte));
#endif
	return estate;
}

/* Let triggers find the table that they are of. */
static void
register_result(EState *estate, ResultRelInfo *result)
{
#if PG_VERSION_NUM >= 140000
	estate->es_opened_result_relations = list_make1(result);
#else
	estate->es_result_relations = result;
	estate->es_num_result_relations = 1;
	estate->es_result_relation_info = result;
#endif
}

/* Index entries for a row; false if a unique index has its key already. */
static bool
insert_index_entries(RowWriter *w, TupleTableSlot *row, bool update, bool only_summarizing,
					 bool speculative)
{
	List *arbiters = speculative ? list_make1_oid(RelationGetRelid(w->index)) : NIL;
	bool  conflict = false;

#if PG_VERSION_NUM >= 160000
	ExecInsertIndexTuples(w->result, row, w->estate, update, speculative, &conflict, arbiters,
						  only_summarizing);
#elif PG_VERSION_NUM >= 140000
	(void) only_summarizing;
	ExecInsertIndexTuples(w->result, row, w->estate, update, speculative, &conflict, arbiters);
#else
	(void) update;
	(void) only_summarizing;
	ExecInsertIndexTuples(row, w->estate, speculative, &conflict, arbiters);
#endif
	return !conflict;
}

/* Wait for insertions of the same key in other sessions; false if one was committed. */
static bool
key_is_free(RowWriter *w, TupleTableSlot *row)
{
	List		   *arbiters = list_make1_oid(RelationGetRelid(w->index));
	ItemPointerData conflict;

#if PG_VERSION_NUM >= 180000
	ItemPointerData none;

	ItemPointerSetInvalid(&none);
	return ExecCheckIndexConstraints(w->result, row, w->estate, &conflict, &none, arbiters);
#elif PG_VERSION_NUM >= 140000
	return ExecCheckIndexConstraints(w->result, row, w->estate, &conflict, arbiters);
#else
	return ExecCheckIndexConstraints(row, w->estate, &conflict, arbiters);
#endif
}

static void
compute_generated(RowWriter *w, TupleTableSlot *row, CmdType command)
{
#if PG_VERSION_NUM >= 140000
	ExecComputeStoredGenerated(w->result, w->estate, row, command);
#else
	ExecComputeStoredGenerated(w->estate, row, command);
#endif
}

static void
queue_update_triggers(RowWriter *w, ItemPointer tid, TupleTableSlot *row)
{
#if PG_VERSION_NUM >= 150000
	ExecARUpdateTriggers(w->estate, w->result, NULL, NULL, tid, NULL, row, NIL, NULL, false);
#else
	ExecARUpdateTriggers(w->estate, w->result, tid, NULL, row, NIL, NULL);
#endif
}

static void
queue_delete_triggers(RowWriter *w, ItemPointer tid)
{
#if PG_VERSION_NUM >= 150000
	ExecARDeleteTriggers(w->estate, w->result, tid, NULL, NULL, false);
#else
	ExecARDeleteTriggers(w->estate, w->result, tid, NULL, NULL);
#endif
}

/* ---- opening and closing ---- */

/* What a row that is inserted has in columns that nobody sets: defaults, those of types too, and identities. */
static ExprState **
prepare_defaults(Relation rel, EState *estate)
{
	TupleDesc	desc = RelationGetDescr(rel);
	ExprState **defaults = palloc0(sizeof(ExprState *) * desc->natts);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (!column->attisdropped && column->attgenerated == '\0')
		{
			Node *value = build_column_default(rel, i + 1);

			if (value)
				defaults[i] = ExecPrepareExpr((Expr *) value, estate);
		}
	}
	return defaults;
}

/* A writer for a table whose rows are known by a unique index; updated are the columns that change. */
RowWriter *
row_writer_create(Relation rel, Relation index, Bitmapset *updated)
{
	RowWriter *w = palloc(sizeof(RowWriter));

	w->rel = rel;
	w->index = index;
	w->estate = create_executor_state(rel, updated);
	w->result = makeNode(ResultRelInfo);
	InitResultRelInfo(w->result, rel, 1, NULL, 0);
	register_result(w->estate, w->result);
	ExecOpenIndices(w->result, true);
	w->defaults = prepare_defaults(rel, w->estate);
	AfterTriggerBeginQuery();
	return w;
}

/* Fires the triggers; what was written must be visible by now. */
void
row_writer_free(RowWriter *w)
{
	AfterTriggerEndQuery(w->estate);
	ExecCloseIndices(w->result);
	ExecResetTupleTable(w->estate->es_tupleTable, false);
	FreeExecutorState(w->estate);
	pfree(w);
}

/* Forget what was allocated for a row. */
void
row_writer_row_done(RowWriter *w)
{
	ResetPerTupleExprContext(w->estate);
}

/* ---- one row ---- */

/* Give a new row the defaults of its columns; the row's values are there until row_writer_row_done. */
void
row_writer_set_defaults(RowWriter *w, TupleTableSlot *row)
{
	ExprContext *context = GetPerTupleExprContext(w->estate);

	for (int i = 0; i < row->tts_tupleDescriptor->natts; i++)
		if (w->defaults[i])
			row->tts_values[i] =
				ExecEvalExprSwitchContext(w->defaults[i], context, &row->tts_isnull[i]);
}

/* What a row must be before it is written. */
static void
complete_row(RowWriter *w, TupleTableSlot *row, CmdType command)
{
	TupleConstr *constraints = RelationGetDescr(w->rel)->constr;

	row->tts_tableOid = RelationGetRelid(w->rel);
	if (constraints == NULL)
		return;
	if (constraints->has_generated_stored)
		compute_generated(w, row, command);
	ExecConstraints(w->result, row, w->estate);
}

/* Insert a row unless its key comes in between. */
static bool
insert_speculatively(RowWriter *w, TupleTableSlot *row)
{
	uint32 token;
	bool   inserted;

	token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
	table_tuple_insert_speculative(w->rel, row, GetCurrentCommandId(true), 0, NULL, token);
	inserted = insert_index_entries(w, row, false, false, true);
	table_tuple_complete_speculative(w->rel, row, token, inserted);
	SpeculativeInsertionLockRelease(GetCurrentTransactionId());
	return inserted;
}

/* Insert a row; false if another session did with the same key at the same time. */
bool
row_writer_insert(RowWriter *w, TupleTableSlot *row)
{
	if (!key_is_free(w, row))
		return false;
	complete_row(w, row, CMD_INSERT);
	if (!insert_speculatively(w, row))
		return false;
	if (w->result->ri_TrigDesc)
		ExecARInsertTriggers(w->estate, w->result, row, NIL, NULL);
	return true;
}

/*
 * Hold a row's key until the transaction ends: a row that is inserted and taken
 * back lets other sessions that come to insert the key wait as for a row that is
 * there. No constraint and no trigger sees it. False if the key is there already.
 */
bool
row_writer_hold_key(RowWriter *w, TupleTableSlot *row, Snapshot snapshot)
{
	TM_FailureData tmfd;

	if (!key_is_free(w, row) || !insert_speculatively(w, row))
		return false;
	CommandCounterIncrement();
	if (table_tuple_delete(w->rel, &row->tts_tid, GetCurrentCommandId(true), snapshot,
						   InvalidSnapshot, true, &tmfd, false) != TM_Ok)
		elog(ERROR, "could not take back a row of \"%s\"", RelationGetRelationName(w->rel));
	return true;
}

/* Replace a row that a snapshot sees; false if another session has changed it. */
bool
row_writer_update(RowWriter *w, ItemPointer tid, TupleTableSlot *row, Snapshot snapshot)
{
	TM_FailureData tmfd;
	LockTupleMode  lock_mode;
	TM_Result	   result;
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes indexes;
#else
	bool indexes;
#endif

	complete_row(w, row, CMD_UPDATE);
	result = table_tuple_update(w->rel, tid, row, GetCurrentCommandId(true), snapshot,
								InvalidSnapshot, true, &tmfd, &lock_mode, &indexes);
	if (result != TM_Ok)
		return false;
#if PG_VERSION_NUM >= 160000
	if (indexes != TU_None)
		insert_index_entries(w, row, true, indexes == TU_Summarizing, false);
#else
	if (indexes)
		insert_index_entries(w, row, true, false, false);
#endif
	if (w->result->ri_TrigDesc)
		queue_update_triggers(w, tid, row);
	return true;
}

/* Remove a row that a snapshot sees; false if another session has changed it. */
bool
row_writer_delete(RowWriter *w, ItemPointer tid, Snapshot snapshot)
{
	TM_FailureData tmfd;

	if (table_tuple_delete(w->rel, tid, GetCurrentCommandId(true), snapshot, InvalidSnapshot, true,
						   &tmfd, false) != TM_Ok)
		return false;
	if (w->result->ri_TrigDesc)
		queue_delete_triggers(w, tid);
	return true;
}
