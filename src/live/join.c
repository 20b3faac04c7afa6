/*
 * join.c: what changes of the tables of a joined view mean to its
 * histories: the sum that join.h gives.
 */
#include "crm.h"

#include "live/join.h"

#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "live/statements.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

static int
table_number(const JoinPlan *plan, Oid relid)
{
	for (int i = 0; i < plan->ntables; i++)
		if (plan->tables[i].relid == relid)
			return i;
	return -1;
}

/* ---- rows that a statement brought and took ---- */

typedef void (*RowReader)(JoinRun *run, int table, TupleTableSlot *row, bool is_new);

/* Rows of an update that are equal in what the view uses are left out. */
static void
read_update(JoinRun *run, int table, const TableChange *change, RowReader read)
{
	Relation		rel = join_reader_table(run->reader, table);
	TupleTableSlot *was = open_transition_table(change->old_rows, rel);
	TupleTableSlot *is = open_transition_table(change->new_rows, rel);

	while (next_transition_row(change->old_rows, was))
	{
		if (!next_transition_row(change->new_rows, is))
			elog(ERROR, "an update brought fewer rows than it took");
		if (join_same_columns(&run->plan->tables[table], was, is))
			continue;
		read(run, table, was, false);
		read(run, table, is, true);
	}
	ExecDropSingleTupleTableSlot(was);
	ExecDropSingleTupleTableSlot(is);
}

static void
read_rows(JoinRun *run, int table, Tuplestorestate *rows, RowReader read, bool is_new)
{
	TupleTableSlot *row;

	if (has_no_rows(rows))
		return;
	row = open_transition_table(rows, join_reader_table(run->reader, table));
	while (next_transition_row(rows, row))
		read(run, table, row, is_new);
	ExecDropSingleTupleTableSlot(row);
}

static void
read_change(JoinRun *run, int table, const TableChange *change, RowReader read)
{
	if (change->is_update && !has_no_rows(change->old_rows) &&
		tuplestore_tuple_count(change->old_rows) == tuplestore_tuple_count(change->new_rows))
		read_update(run, table, change, read);
	else
	{
		read_rows(run, table, change->old_rows, read, false);
		read_rows(run, table, change->new_rows, read, true);
	}
}

/* Read the rows of all changes of one table, or of any but the driving one. */
static void
read_changes(JoinRun *run, bool driving, RowReader read)
{
	ListCell *lc;

	foreach (lc, run->changes)
	{
		const TableChange *change = lfirst(lc);
		int				   table = table_number(run->plan, change->relid);

		if (table >= 0 && (table == 0) == driving && !change->emptied)
			read_change(run, table, change, read);
	}
}

static void
collect_changed(JoinRun *run, int table, TupleTableSlot *row, bool is_new)
{
	if (run->changed[table] == NULL)
		run->changed[table] = changed_rows_create(&run->plan->tables[table]);
	changed_rows_add(run->changed[table], row, is_new);
}

static void
note_driving(JoinRun *run, int table, TupleTableSlot *row, bool is_new)
{
	(void) row;
	(void) is_new;
	run->first_changed = table;
}

/* What of the looked-up tables has changed, and the first table of which anything has. */
static void
find_changed(JoinRun *run)
{
	ListCell *lc;

	run->first_changed = run->plan->ntables;
	read_changes(run, false, collect_changed);
	foreach (lc, run->changes)
	{
		const TableChange *change = lfirst(lc);
		int				   table = table_number(run->plan, change->relid);

		if (table > 0 && change->emptied)
		{
			run->changed[table] = changed_rows_create(&run->plan->tables[table]);
			run->changed[table]->emptied = true;
		}
		else if (table == 0 && change->emptied)
			run->first_changed = 0;
	}
	for (int i = run->plan->ntables - 1; i > 0; i--)
	{
		if (run->changed[i] && run->changed[i]->n == 0 && !run->changed[i]->emptied)
			run->changed[i] = NULL;
		if (run->changed[i])
			run->first_changed = Min(run->first_changed, i);
		join_reader_set_changed(run->reader, i, run->changed[i]);
	}
	read_changes(run, true, note_driving);
}

/* ---- driving rows ---- */

/* Add a purchase to the deltas, in the memory that they are in. */
void
join_add_delta(JoinRun *run, const Datum *keys, const ViewRow *said, bool went)
{
	MemoryContext before = MemoryContextSwitchTo(run->home);

	deltas_add(run->deltas, keys, said, went);
	MemoryContextSwitchTo(before);
}

static void
add_purchase(JoinRun *run, TupleTableSlot *row, JoinTime when, bool went)
{
	Datum	keys[INDEX_MAX_KEYS];
	ViewRow said;

	if (join_reader_read(run->reader, row, when, keys, &said))
		join_add_delta(run, keys, &said, went);
}

/* A driving row that the statement brought or took, with what it looked up before. */
static void
add_driving(JoinRun *run, int table, TupleTableSlot *row, bool is_new)
{
	(void) table;
	if (run->groups)
		groups_add_driving(run->groups, row, is_new);
	else
		add_purchase(run, row, BEFORE_STATEMENT, !is_new);
}

static void
collect_driving(JoinRun *run, int table, TupleTableSlot *row, bool is_new)
{
	(void) table;
	(void) is_new;
	join_reader_collect(run->reader, row);
}

/* Whether a driving row has been here already. */
static bool
was_seen(JoinRun *run, TupleTableSlot *row)
{
	bool found;

	if (run->seen)
		(void) hash_search(run->seen, &row->tts_tid, HASH_ENTER, &found);
	return run->seen && found;
}

/* A driving row of the table that may look up a changed row: its group changes. */
static void
touch_group(JoinRun *run, TupleTableSlot *row)
{
	const JoinTable *driving = &run->plan->tables[0];
	Datum			*values = palloc(sizeof(Datum) * driving->ncolumns);
	bool			*nulls = palloc(sizeof(bool) * driving->ncolumns);

	join_project(driving, row, values, nulls);
	(void) join_reader_join(run->reader, values, nulls, BEFORE_STATEMENT);
	if (join_reader_touched(run->reader))
		groups_touch(run->groups, row);
	pfree(values);
	pfree(nulls);
}

/* A driving row of the table that may look up a changed row. */
static void
add_looking_up(JoinRun *run, int table, TupleTableSlot *row, void *of)
{
	Datum	keys[INDEX_MAX_KEYS];
	ViewRow said;
	bool	had;

	(void) table;
	(void) of;
	if (run->groups)
	{
		touch_group(run, row);
		return;
	}
	had = join_reader_read(run->reader, row, BEFORE_STATEMENT, keys, &said);
	/* what no changed row is behind has not changed */
	if (!join_reader_touched(run->reader) || was_seen(run, row))
		return;
	if (had)
		join_add_delta(run, keys, &said, true);
	add_purchase(run, row, AFTER_STATEMENT, false);
}

/* ---- the way from a changed row back to the driving rows ---- */

/* All rows of the driving table. */
void
join_scan_driving(JoinRun *run, FoundRow found, void *of)
{
	Relation		rel = join_reader_table(run->reader, 0);
	TupleTableSlot *row = table_slot_create(rel, NULL);
	Snapshot		snapshot = RegisterSnapshot(join_reader_snapshot(run->reader));
	TableScanDesc	scan = table_beginscan(rel, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
		found(run, 0, row, of);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
}

/* Keys of a table, each once. */
typedef struct KeySet
{
	const JoinKeys *keys;
	HTAB		   *chains;
	List		   *all; /* of Datum * */
} KeySet;

typedef struct KeyInSet
{
	struct KeyInSet *next;
	Datum			*values;
} KeyInSet;

static KeySet *
key_set_create(const JoinKeys *keys)
{
	KeySet *set = palloc0(sizeof(KeySet));

	set->keys = keys;
	set->chains = key_chains_create("crm keys", CurrentMemoryContext);
	return set;
}

static void
key_set_add(KeySet *set, const Datum *values)
{
	void	**chain = key_chain(set->chains, join_keys_hash(set->keys, values), true);
	KeyInSet *key;

	for (key = *chain; key; key = key->next)
		if (join_keys_equal(set->keys, set->keys->equal, key->values, values))
			return;
	key = palloc(sizeof(KeyInSet));
	key->next = *chain;
	key->values = join_keys_copy(set->keys, values);
	*chain = key;
	set->all = lappend(set->all, key->values);
}

/* The rows of a table's parent that look up some of its keys, by the index. */
void
join_scan_parent(JoinRun *run, int number, const List *keys, FoundRow found, void *of)
{
	const JoinTable *table = &run->plan->tables[number];
	Relation		 rel = join_reader_table(run->reader, table->parent);
	Relation		 index = index_open(table->parent_index, AccessShareLock);
	TupleTableSlot	*row = table_slot_create(rel, NULL);
	Snapshot		 snapshot = RegisterSnapshot(join_reader_snapshot(run->reader));
	IndexScanDesc	 scan = keys_begin_scan(rel, index, snapshot, table->parent_nkeys);
	ScanKeyData		 conditions[INDEX_MAX_KEYS];
	ListCell		*lc;

	for (int i = 0; i < table->parent_nkeys; i++)
		ScanKeyEntryInitializeWithInfo(&conditions[i], 0, i + 1, BTEqualStrategyNumber,
									   table->own.types[table->parent_keys[i]],
									   table->parent_collations[i], &table->parent_equal[i],
									   (Datum) 0);
	foreach (lc, keys)
	{
		const Datum *key = lfirst(lc);

		for (int i = 0; i < table->parent_nkeys; i++)
			conditions[i].sk_argument = key[table->parent_keys[i]];
		index_rescan(scan, conditions, table->parent_nkeys, NULL, 0);
		while (index_getnext_slot(scan, ForwardScanDirection, row))
			found(run, table->parent, row, of);
	}
	ExecClearTuple(row);
	index_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	index_close(index, NoLock);
}

/* A row on the way: its keys lead on. */
static void
found_between(JoinRun *run, int number, TupleTableSlot *row, void *of)
{
	const JoinTable *table = &run->plan->tables[number];
	Datum			 key[INDEX_MAX_KEYS];

	for (int i = 0; i < table->own.n; i++)
	{
		bool isnull;

		key[i] = slot_getattr(row, table->columns[table->key_columns[i]], &isnull);
		if (isnull)
			return;
	}
	key_set_add(of, key);
}

/* Whether the driving rows are found faster by reading all of them. */
bool
join_is_scan_faster(JoinRun *run, const List *keys)
{
	return list_length(keys) >
		   (int) RelationGetNumberOfBlocks(join_reader_table(run->reader, 0)) + 10;
}

/* Whether indexes lead from a table to the driving rows. */
static bool
has_way_back(const JoinPlan *plan, int number)
{
	for (; number > 0; number = plan->tables[number].parent)
		if (plan->tables[number].parent < 0 || !OidIsValid(plan->tables[number].parent_index))
			return false;
	return true;
}

/* Add the driving rows that look up a changed row of a table; false if they have to be looked for among all. */
static bool
follow_back(JoinRun *run, int number)
{
	const JoinTable *table = &run->plan->tables[number];
	KeySet			*set = key_set_create(&table->own);

	if (run->changed[number]->emptied || !has_way_back(run->plan, number))
		return false;
	for (ChangedRow *row = run->changed[number]->first; row; row = row->later)
		if (!row->cancelled)
			key_set_add(set, row->keys);
	for (; table->parent > 0; table = &run->plan->tables[number])
	{
		KeySet *next = key_set_create(&run->plan->tables[table->parent].own);

		join_scan_parent(run, number, set->all, found_between, next);
		set = next;
		number = table->parent;
	}
	if (join_is_scan_faster(run, set->all))
		return false;
	join_scan_parent(run, number, set->all, add_looking_up, NULL);
	return true;
}

static HTAB *
places_create(void)
{
	HASHCTL control = {0};

	control.keysize = sizeof(ItemPointerData);
	control.entrysize = sizeof(ItemPointerData);
	control.hcxt = CurrentMemoryContext;
	return hash_create("crm driving rows", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* The groups of changed headers are known by their keys; false for other tables. */
static bool
touch_headers(JoinRun *run, int table)
{
	if (!run->groups || run->plan->groups->header != table || run->changed[table]->emptied)
		return false;
	for (ChangedRow *row = run->changed[table]->first; row; row = row->later)
		if (!row->cancelled)
			groups_touch_key(run->groups, row->keys);
	return true;
}

/* Add all driving rows that look up a changed row, each once. */
static void
add_all_looking_up(JoinRun *run)
{
	int ntables = 0;

	for (int i = 1; i < run->plan->ntables; i++)
		ntables += run->changed[i] != NULL;
	if (ntables > 1)
		run->seen = places_create();
	for (int i = 1; i < run->plan->ntables; i++)
		if (run->changed[i] && !touch_headers(run, i) && !follow_back(run, i))
		{
			join_scan_driving(run, add_looking_up, NULL);
			return;
		}
}

static void
add_emptied(JoinRun *run, int table, TupleTableSlot *row, void *of)
{
	(void) table;
	(void) of;
	if (run->groups)
		groups_touch(run->groups, row);
	else
		add_purchase(run, row, BEFORE_STATEMENT, true);
}

static bool
driving_is_emptied(JoinRun *run)
{
	ListCell *lc;

	foreach (lc, run->changes)
		if (((const TableChange *) lfirst(lc))->emptied &&
			((const TableChange *) lfirst(lc))->relid == run->plan->tables[0].relid)
			return true;
	return false;
}

/*
 * Add to the deltas what changes of its tables mean to a joined view; gone are
 * tables that the running TRUNCATE has emptied before.
 */
void
join_read_changes(const JoinPlan *plan, const List *changes, const List *gone, Deltas *deltas)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "crm joined changes", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	JoinRun		  run = {.plan = plan, .changes = changes, .deltas = deltas, .home = before};

	run.reader = join_reader_create(plan, gone);
	run.groups = plan->groups ? groups_create(plan) : NULL;
	run.changed = palloc0(sizeof(ChangedRows *) * plan->ntables);
	if (!list_member_oid(gone, plan->tables[0].relid))
	{
		find_changed(&run);
		if (run.first_changed < plan->ntables)
		{
			join_reader_hold_changed(run.reader, run.first_changed);
			if (driving_is_emptied(&run))
				join_scan_driving(&run, add_emptied, NULL);
			else
			{
				read_changes(&run, true, collect_driving);
				join_reader_hold_collected(run.reader);
				read_changes(&run, true, add_driving);
				add_all_looking_up(&run);
			}
			if (run.groups)
				groups_add_deltas(&run, driving_is_emptied(&run));
		}
	}
	join_reader_free(run.reader);
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
}
