/*
 * write.c: writing single rows of a table as INSERT .. ON CONFLICT, UPDATE
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
#include "live/write.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_relation.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"

struct RowWriter
{
	Relation rel;
	Relation index; /* that decides which rows are the same; NULL if rows are only added */
	const Bitmapset
		   *given; /* columns that have a value in every new row, as the executor counts them */
	EState *estate;
	ResultRelInfo *result;
	bool		   indexes_are_open; /* not before there is need: a HOT update has none */
	ExprState	 **defaults;		 /* of each column, NULL if it has none; not before a new row */
};

/* ---- what differs between releases of PostgreSQL ---- */

/*
 * An executor state for one table, which it finds in its range table where it
 * looks for columns; rows may be added by who may insert into those inserted.
 */
static EState *
create_executor_state(Relation rel, Bitmapset *updated, const Bitmapset *inserted)
{
	EState		  *estate = CreateExecutorState();
	RangeTblEntry *rte = makeNode(RangeTblEntry);
#if PG_VERSION_NUM >= 160000
	List			  *list = NIL;
	RTEPermissionInfo *permissions;
#else
	RangeTblEntry *permissions = rte;
#endif

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(rel);
	rte->relkind = rel->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
	permissions = addRTEPermissionInfo(&list, rte);
#endif
	permissions->requiredPerms = ACL_INSERT;
	permissions->insertedCols = (Bitmapset *) inserted;
	permissions->updatedCols = updated;
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, list_make1(rte), list, bms_make_singleton(1));
#elif PG_VERSION_NUM >= 160000
	ExecInitRangeTable(estate, list_make1(rte), list);
#else
	ExecInitRangeTable(estate, list_make1(rte));
#endif
	return estate;
}

/* The current user may insert rows, or columns of them, as the executor asks. */
static inline void
CheckMayInsert(EState *estate)
{
#if PG_VERSION_NUM >= 160000
	(void) ExecCheckPermissions(estate->es_range_table, estate->es_rteperminfos, true);
#else
	(void) ExecCheckRTPerms(estate->es_range_table, true);
#endif
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

static void
open_indexes(RowWriter *w)
{
	MemoryContext before;

	if (w->indexes_are_open)
		return;
	before = MemoryContextSwitchTo(w->estate->es_query_cxt);
	ExecOpenIndices(w->result, w->index != NULL);
	w->indexes_are_open = true;
	MemoryContextSwitchTo(before);
}

/*
 * Index entries for a row; false if a unique index has its key already and the
 * row is there on trial. Deferred constraints are to be checked by the row's
 * triggers.
 */
static bool
insert_index_entries(RowWriter *w, TupleTableSlot *row, bool update, bool only_summarizing,
					 bool speculative, List **deferred)
{
	List *arbiters = speculative ? list_make1_oid(RelationGetRelid(w->index)) : NIL;
	bool  conflict = false;

	open_indexes(w);
#if PG_VERSION_NUM >= 160000
	*deferred = ExecInsertIndexTuples(w->result, row, w->estate, update, speculative, &conflict,
									  arbiters, only_summarizing);
#elif PG_VERSION_NUM >= 140000
	(void) only_summarizing;
	*deferred =
		ExecInsertIndexTuples(w->result, row, w->estate, update, speculative, &conflict, arbiters);
#else
	(void) update;
	(void) only_summarizing;
	*deferred = ExecInsertIndexTuples(row, w->estate, speculative, &conflict, arbiters);
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
#endif

	open_indexes(w);
#if PG_VERSION_NUM >= 180000
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
queue_update_triggers(RowWriter *w, ItemPointer tid, TupleTableSlot *row, List *deferred)
{
#if PG_VERSION_NUM >= 150000
	ExecARUpdateTriggers(w->estate, w->result, NULL, NULL, tid, NULL, row, deferred, NULL, false);
#else
	ExecARUpdateTriggers(w->estate, w->result, tid, NULL, row, deferred, NULL);
#endif
}

/* ---- opening and closing ---- */

/* What a column has in a new row where nobody sets it: its default, that of its type, or its identity; NULL for none. */
static Node *
column_default(Relation rel, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), column - 1);
	Node			 *value = build_column_default(rel, column);

	if (value)
		return value;
	/* its type may forbid NULL */
	value = coerce_to_domain(
		(Node *) makeNullConst(attribute->atttypid, -1, attribute->attcollation), InvalidOid, -1,
		attribute->atttypid, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, false);
	return IsA(value, Const) ? NULL : value;
}

static void
prepare_defaults(RowWriter *w)
{
	TupleDesc	  desc = RelationGetDescr(w->rel);
	MemoryContext before = MemoryContextSwitchTo(w->estate->es_query_cxt);

	w->defaults = palloc0(sizeof(ExprState *) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		Node			 *value = NULL;

		if (!column->attisdropped && column->attgenerated == '\0' &&
			!bms_is_member(i + 1 - FirstLowInvalidHeapAttributeNumber, w->given))
			value = column_default(w->rel, i + 1);
		if (value)
			w->defaults[i] = ExecPrepareExpr((Expr *) value, w->estate);
	}
	MemoryContextSwitchTo(before);
}

/*
 * A writer for a table whose rows are known by a unique index, which needs no
 * rights; or are only added, which needs those that an INSERT does. Updates
 * change some columns; new rows come with values in those that are given, and
 * with defaults in the others.
 */
RowWriter *
row_writer_create(Relation rel, Relation index, Bitmapset *updated, const Bitmapset *given)
{
	RowWriter *w = palloc0(sizeof(RowWriter));

	if (!rel->rd_islocaltemp)
		PreventCommandIfReadOnly(index ? "UPDATE" : "INSERT");
	w->rel = rel;
	w->index = index;
	w->given = given;
	w->estate = create_executor_state(rel, updated, given);
	if (index == NULL)
		CheckMayInsert(w->estate);
	w->result = makeNode(ResultRelInfo);
	InitResultRelInfo(w->result, rel, 1, NULL, 0);
	register_result(w->estate, w->result);
	AfterTriggerBeginQuery();
	return w;
}

/* Fires the triggers; what was written must be visible by now. */
void
row_writer_free(RowWriter *w)
{
	AfterTriggerEndQuery(w->estate);
	if (w->indexes_are_open)
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

	if (w->defaults == NULL)
		prepare_defaults(w);
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
insert_speculatively(RowWriter *w, TupleTableSlot *row, List **deferred)
{
	uint32 token;
	bool   inserted;

	token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
	table_tuple_insert_speculative(w->rel, row, GetCurrentCommandId(true), 0, NULL, token);
	inserted = insert_index_entries(w, row, false, false, true, deferred);
	table_tuple_complete_speculative(w->rel, row, token, inserted);
	SpeculativeInsertionLockRelease(GetCurrentTransactionId());
	return inserted;
}

/* Insert a row; false if another session did with the same key at the same time. */
bool
row_writer_insert(RowWriter *w, TupleTableSlot *row)
{
	List *deferred;

	if (!key_is_free(w, row))
		return false;
	complete_row(w, row, CMD_INSERT);
	if (!insert_speculatively(w, row, &deferred))
		return false;
	if (w->result->ri_TrigDesc)
		ExecARInsertTriggers(w->estate, w->result, row, deferred, NULL);
	return true;
}

/* Insert a row, whatever others there are. */
void
row_writer_append(RowWriter *w, TupleTableSlot *row)
{
	List *deferred = NIL;

	complete_row(w, row, CMD_INSERT);
	table_tuple_insert(w->rel, row, GetCurrentCommandId(true), 0, NULL);
	if (w->rel->rd_rel->relhasindex)
		insert_index_entries(w, row, false, false, false, &deferred);
	if (w->result->ri_TrigDesc)
		ExecARInsertTriggers(w->estate, w->result, row, deferred, NULL);
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
	List		  *deferred;

	if (!key_is_free(w, row) || !insert_speculatively(w, row, &deferred))
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
	List		  *deferred = NIL;
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
		insert_index_entries(w, row, true, indexes == TU_Summarizing, false, &deferred);
#else
	if (indexes)
		insert_index_entries(w, row, true, false, false, &deferred);
#endif
	if (w->result->ri_TrigDesc)
		queue_update_triggers(w, tid, row, deferred);
	return true;
}
