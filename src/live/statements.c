/*
 * statements.c: which statements on tracked tables are running, and what
 * those brought and took that have ended inside another one.
 *
 * A BEFORE trigger tells that a statement begins, an AFTER trigger that it has
 * ended. The statements of a MERGE or of writable CTEs, cascades of foreign keys
 * and statements of triggers and functions begin before an outer one ends: their
 * rows are kept until the last of all is told. An outer statement tells its rows
 * last, which those within it may have changed or taken away already; and of a
 * customer only what is so at the end shall be seen.
 */
#include "crm.h"

#include "live/statements.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

typedef struct Running
{
	Oid relid;
	int level; /* of subtransactions */
} Running;

typedef struct Ended
{
	TableChange change;
	int			level;
} Ended;

static List *running = NIL;	  /* of Running *, the innermost last */
static List *ended = NIL;	  /* of Ended * */
static List *truncated = NIL; /* of Running *: tables that the running TRUNCATE empties */
static bool	 watching = false;

/* ---- transactions ---- */

/* The entries of subtransactions that are still there. */
static List *
without_level(List *list, int level)
{
	List	 *left = NIL;
	ListCell *lc;

	foreach (lc, list)
		if (((Running *) lfirst(lc))->level < level)
			left = lappend(left, lfirst(lc));
	return left;
}

static void
set_level(List *list, int level)
{
	ListCell *lc;

	foreach (lc, list)
		((Running *) lfirst(lc))->level = Min(((Running *) lfirst(lc))->level, level);
}

static void
drop_rows(const TableChange *change)
{
	if (change->old_rows)
		tuplestore_end(change->old_rows);
	if (change->new_rows)
		tuplestore_end(change->new_rows);
}

static void
drop_ended(int level)
{
	List	 *left = NIL;
	ListCell *lc;

	foreach (lc, ended)
	{
		Ended *of = lfirst(lc);

		if (of->level < level)
			left = lappend(left, of);
		else
			drop_rows(&of->change);
	}
	ended = left;
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId id, SubTransactionId parent,
					void *argument)
{
	int			  level = GetCurrentTransactionNestLevel();
	MemoryContext before;
	ListCell	 *lc;

	(void) id;
	(void) parent;
	(void) argument;
	if (running == NIL && ended == NIL && truncated == NIL)
		return;
	before = MemoryContextSwitchTo(TopTransactionContext);
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		running = without_level(running, level);
		truncated = without_level(truncated, level);
		drop_ended(level);
	}
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
	{
		set_level(running, level - 1);
		set_level(truncated, level - 1);
		foreach (lc, ended)
			((Ended *) lfirst(lc))->level = Min(((Ended *) lfirst(lc))->level, level - 1);
	}
	MemoryContextSwitchTo(before);
}

/* All that stands here is in the transaction's memory, and must be gone with it. */
static void
transaction_ends(XactEvent event, void *argument)
{
	(void) argument;
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
	{
		if (ended != NIL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("changes of table \"%s\" were not followed to their end",
							get_rel_name(((Ended *) linitial(ended))->change.relid)),
					 errdetail("A trigger crm_* of it, or of a table in a statement on which "
							   "it was changed, is missing or was disabled meanwhile."),
					 errhint("Enable all triggers crm_* or none, and call crm.rebuild "
							 "for what was written without them.")));
		return;
	}
	if (event == XACT_EVENT_PARALLEL_PRE_COMMIT)
		return;
	running = ended = truncated = NIL;
}

static void
watch_transactions(void)
{
	if (watching)
		return;
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
	watching = true;
}

/* ---- statements ---- */

static void
push(List **list, Oid relid)
{
	MemoryContext before = MemoryContextSwitchTo(TopTransactionContext);
	Running		 *of = palloc(sizeof(Running));

	watch_transactions();
	of->relid = relid;
	of->level = GetCurrentTransactionNestLevel();
	*list = lappend(*list, of);
	MemoryContextSwitchTo(before);
}

/* Take the last entry of a table away, if there is one. */
static void
pop(List **list, Oid relid)
{
	for (int i = list_length(*list) - 1; i >= 0; i--)
		if (((Running *) list_nth(*list, i))->relid == relid)
		{
			*list = list_delete_nth_cell(*list, i);
			return;
		}
}

/* A statement on a tracked table begins. */
void
statement_begins(Oid relid)
{
	push(&running, relid);
}

/* It has ended; returns whether it was the last that ran. */
bool
statement_ended(Oid relid)
{
	pop(&running, relid);
	return running == NIL;
}

bool
statements_run(void)
{
	return running != NIL;
}

/* The tables and partitions on which statements run, or have ended in one that runs, so that their rows are still to be told. */
List *
statements_tables(void)
{
	List	 *tables = NIL;
	ListCell *lc;

	foreach (lc, running)
		tables = list_append_unique_oid(tables, ((Running *) lfirst(lc))->relid);
	foreach (lc, ended)
		tables = list_append_unique_oid(tables, ((Ended *) lfirst(lc))->change.relid);
	return tables;
}

/* The kept change of the current subtransaction that rows of an event go to: the last, or a new one. */
static Ended *
kept_change(const TableChange *change)
{
	Ended *last = ended != NIL ? llast(ended) : NULL;
	Ended *of;

	if (last && last->level == GetCurrentTransactionNestLevel() &&
		last->change.relid == change->relid && last->change.is_update == change->is_update)
		return last;
	watch_transactions();
	of = palloc0(sizeof(Ended));
	of->level = GetCurrentTransactionNestLevel();
	of->change.relid = change->relid;
	of->change.root = change->root;
	of->change.is_update = change->is_update;
	ended = lappend(ended, of);
	return of;
}

/* Where rows are kept, made when there is the first. */
static Tuplestorestate *
kept_rows(Tuplestorestate **rows)
{
	if (*rows == NULL)
		*rows = tuplestore_begin_heap(true, false, work_mem);
	return *rows;
}

static void
copy_rows(Tuplestorestate **to, Tuplestorestate *rows, Relation rel)
{
	TupleTableSlot *row;

	if (has_no_rows(rows))
		return;
	row = open_transition_table(rows, rel);
	while (next_transition_row(rows, row))
		tuplestore_puttupleslot(kept_rows(to), row);
	ExecDropSingleTupleTableSlot(row);
}

/* What is to be put back when rows have been kept. */
typedef struct Place
{
	MemoryContext context;
	ResourceOwner owner;
} Place;

/* Rows are kept in the transaction's memory and files: a subtransaction that commits leaves them to the outer one. */
static Place
enter_transaction(void)
{
	Place before = {MemoryContextSwitchTo(TopTransactionContext), CurrentResourceOwner};

	CurrentResourceOwner = TopTransactionResourceOwner;
	return before;
}

static void
leave_transaction(Place before)
{
	CurrentResourceOwner = before.owner;
	MemoryContextSwitchTo(before.context);
}

/* Keep what a statement brought and took until the last has ended. */
void
statement_keep(const TableChange *change, Relation rel)
{
	Place  before = enter_transaction();
	Ended *of;

	of = kept_change(change);
	copy_rows(&of->change.old_rows, change->old_rows, rel);
	copy_rows(&of->change.new_rows, change->new_rows, rel);
	leave_transaction(before);
}

/* The same for a single row, of which either version may be missing. */
void
statement_keep_row(const TableChange *change, TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	Place  before = enter_transaction();
	Ended *of;

	of = kept_change(change);
	if (old_row)
		tuplestore_puttupleslot(kept_rows(&of->change.old_rows), old_row);
	if (new_row)
		tuplestore_puttupleslot(kept_rows(&of->change.new_rows), new_row);
	leave_transaction(before);
}

/* The same for all rows of a table that is about to lose them. */
void
statement_keep_table(Relation rel, Oid root)
{
	TableChange		change = {.relid = RelationGetRelid(rel), .root = root};
	TupleTableSlot *row = table_slot_create(rel, NULL);
	Snapshot		snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc	scan = table_beginscan(rel, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		CHECK_FOR_INTERRUPTS();
		statement_keep_row(&change, row, NULL);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
}

/* What was kept, as TableChange *, in the order in which it was told, for the caller to end by changes_free. */
List *
statements_take(void)
{
	List	 *changes = NIL;
	ListCell *lc;

	foreach (lc, ended)
		changes = lappend(changes, &((Ended *) lfirst(lc))->change);
	ended = NIL;
	return changes;
}

void
changes_free(const List *changes)
{
	ListCell *lc;

	foreach (lc, changes)
		drop_rows(lfirst(lc));
}

/* ---- TRUNCATE ---- */

/* A table is empty from here on for the other tables of the same TRUNCATE. */
void
truncate_begins(Oid relid)
{
	push(&truncated, relid);
}

void
truncate_ended(Oid relid)
{
	pop(&truncated, relid);
}

/* The tables that are about to be emptied, OIDs. */
List *
tables_truncated(void)
{
	List	 *relids = NIL;
	ListCell *lc;

	foreach (lc, truncated)
		relids = lappend_oid(relids, ((Running *) lfirst(lc))->relid);
	return relids;
}
