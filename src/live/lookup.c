/*
 * lookup.c: the rows that a joined view looks up: read, held against
 * other sessions, and put side by side with the row of the driving table.
 *
 * What is held and why stands in join.h.
 */
#include "crm.h"

#include "base/growth.h"
#include "live/lookup.h"

#include "access/table.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define MEMO_ROWS 100000 /* that are remembered at a time */

/* ---- opening and closing ---- */

static void
open_lookup(JoinReader *reader, int number)
{
	const JoinTable *table = &reader->plan->tables[number];
	Lookup			*lookup = &reader->lookups[number];
	ListCell		*lc;

	lookup->index = index_open(table->index, AccessShareLock);
	lookup->row = table_slot_create(lookup->rel, NULL);
	lookup->to_hold.keys = &table->given;
	lookup->keys = palloc(sizeof(ExprState *) * table->own.n);
	foreach (lc, table->keys)
		lookup->keys[foreach_current_index(lc)] = ExecInitExpr(lfirst(lc), NULL);
	lookup->conditions = ExecInitQual(table->conditions, NULL);
	for (int i = 0; i < table->own.n; i++)
		ScanKeyEntryInitializeWithInfo(&lookup->by_given[i], 0, i + 1, BTEqualStrategyNumber,
									   table->given.types[i], table->own.collations[i],
									   &table->equal[i], (Datum) 0);
}

/* A reader by a plan; gone are tables that the running TRUNCATE has emptied. */
JoinReader *
join_reader_create(const JoinPlan *plan, const List *gone)
{
	JoinReader *reader = palloc0(sizeof(JoinReader));

	reader->plan = plan;
	reader->home = CurrentMemoryContext;
	reader->memo = AllocSetContextCreate(reader->home, "crm looked up", ALLOCSET_DEFAULT_SIZES);
	reader->purchases =
		purchase_reader_of_plan(plan->reader, plan->groups ? plan->groups->row : plan->row);
	reader->conditions = plan->groups ? ExecInitQual(plan->groups->conditions, NULL) : NULL;
	reader->expressions = CreateStandaloneExprContext();
	reader->row = MakeSingleTupleTableSlot(plan->row, &TTSOpsVirtual);
	memset(reader->row->tts_isnull, true, sizeof(bool) * plan->row->natts);
	ExecStoreVirtualTuple(reader->row);
	reader->lookups = palloc0(sizeof(Lookup) * plan->ntables);
	for (int i = 0; i < plan->ntables; i++)
	{
		reader->lookups[i].rel =
			table_open(plan->tables[i].relid, i == 0 ? AccessShareLock : RowShareLock);
		reader->lookups[i].gone = list_member_oid(gone, plan->tables[i].relid);
		if (i > 0)
			open_lookup(reader, i);
	}
	return reader;
}

Relation
join_reader_table(JoinReader *reader, int table)
{
	return reader->lookups[table].rel;
}

void
join_reader_set_changed(JoinReader *reader, int table, ChangedRows *changed)
{
	reader->lookups[table].changed = changed;
}

static void
end_scans(JoinReader *reader)
{
	for (int i = 1; i < reader->plan->ntables; i++)
		if (reader->lookups[i].scan)
		{
			ExecClearTuple(reader->lookups[i].row);
			index_endscan(reader->lookups[i].scan);
			reader->lookups[i].scan = NULL;
		}
}

/* See what others have committed until now. */
void
join_reader_renew(JoinReader *reader)
{
	CHECK_FOR_INTERRUPTS();
	end_scans(reader);
	if (reader->snapshot)
		UnregisterSnapshot(reader->snapshot);
	reader->snapshot = RegisterSnapshot(GetLatestSnapshot());
}

/* The snapshot that looked-up rows are read by; a new one when there was none. */
Snapshot
join_reader_snapshot(JoinReader *reader)
{
	if (reader->snapshot == NULL)
		join_reader_renew(reader);
	return reader->snapshot;
}

void
join_reader_free(JoinReader *reader)
{
	end_scans(reader);
	if (reader->snapshot)
		UnregisterSnapshot(reader->snapshot);
	for (int i = 0; i < reader->plan->ntables; i++)
	{
		if (i > 0)
		{
			ExecDropSingleTupleTableSlot(reader->lookups[i].row);
			index_close(reader->lookups[i].index, NoLock);
		}
		table_close(reader->lookups[i].rel, NoLock);
	}
	ExecDropSingleTupleTableSlot(reader->row);
	purchase_reader_free(reader->purchases);
	FreeExprContext(reader->expressions, true);
	MemoryContextDelete(reader->memo);
}

/* ---- rows that are remembered ---- */

static void
forget_memo(JoinReader *reader)
{
	for (int i = 1; i < reader->plan->ntables; i++)
	{
		reader->lookups[i].memo = NULL;
		reader->lookups[i].nmemo = 0;
	}
	MemoryContextReset(reader->memo);
}

static Memo *
remember(JoinReader *reader, int number, const Datum *given, bool found)
{
	const JoinTable *table = &reader->plan->tables[number];
	TupleTableSlot	*row = reader->lookups[number].row;
	Memo			*memo = palloc0(sizeof(Memo));

	memo->keys = join_keys_copy(&table->given, given);
	memo->found = found;
	if (!found)
		return memo;
	memo->values = palloc(sizeof(Datum) * table->ncolumns);
	memo->nulls = palloc(sizeof(bool) * table->ncolumns);
	join_project(table, row, memo->values, memo->nulls);
	for (int i = 0; i < table->ncolumns; i++)
	{
		Form_pg_attribute column = TupleDescAttr(row->tts_tupleDescriptor, table->columns[i] - 1);

		if (!memo->nulls[i])
			memo->values[i] = datumCopy(memo->values[i], column->attbyval, column->attlen);
	}
	return memo;
}

/* The row with the keys given as it is in the table now. */
static Memo *
look_up(JoinReader *reader, int number, const Datum *given)
{
	const JoinTable *table = &reader->plan->tables[number];
	Lookup			*lookup = &reader->lookups[number];
	uint32			 hash = join_keys_hash(&table->given, given);
	void		   **chain;
	MemoryContext	 before;
	Memo			*memo;
	bool			 found;

	if (lookup->memo == NULL)
		lookup->memo = key_chains_create("crm looked up", reader->memo);
	chain = key_chain(lookup->memo, hash, true);
	for (memo = *chain; memo; memo = memo->next)
		if (join_keys_equal(&table->given, table->given.equal, memo->keys, given))
			return memo;
	found = lookup->held ? lookup_find_and_hold(reader, number, given)
						 : lookup_find(reader, number, given);
	before = MemoryContextSwitchTo(reader->memo);
	memo = remember(reader, number, given, found);
	memo->next = *chain;
	*chain = memo;
	lookup->nmemo++;
	MemoryContextSwitchTo(before);
	return memo;
}

/* ---- the joined row ---- */

static void
set_columns(JoinReader *reader, const JoinTable *table, const Datum *values, const bool *nulls)
{
	memcpy(reader->row->tts_values + table->offset, values, sizeof(Datum) * table->ncolumns);
	memcpy(reader->row->tts_isnull + table->offset, nulls, sizeof(bool) * table->ncolumns);
}

static void
set_no_row(JoinReader *reader, const JoinTable *table)
{
	memset(reader->row->tts_isnull + table->offset, true, sizeof(bool) * table->ncolumns);
}

/* The keys by which a table is looked up, of the joined row so far; false if one is NULL. */
static bool
given_keys(JoinReader *reader, int number, Datum *given)
{
	for (int i = 0; i < reader->plan->tables[number].own.n; i++)
	{
		bool isnull;

		given[i] = ExecEvalExprSwitchContext(reader->lookups[number].keys[i], reader->expressions,
											 &isnull);
		if (isnull)
			return false;
	}
	return true;
}

/* Put the row of a table into the joined row; false if there is none. */
static bool
join_table(JoinReader *reader, int number, JoinTime when)
{
	const JoinTable	 *table = &reader->plan->tables[number];
	Lookup			 *lookup = &reader->lookups[number];
	Datum			  given[INDEX_MAX_KEYS];
	const ChangedRow *was;
	const ChangedRow *is;

	if (lookup->gone || !given_keys(reader, number, given))
		return false;
	if (lookup->changed && lookup->changed->emptied)
	{
		reader->touched = true;
		if (when == AFTER_STATEMENT)
			return false;
	}
	if (lookup->changed && changed_rows_find(lookup->changed, given, &was, &is))
	{
		const ChangedRow *row = when == BEFORE_STATEMENT ? was : is;

		reader->touched = true;
		if (row)
			set_columns(reader, table, row->values, row->nulls);
		return row != NULL;
	}
	else
	{
		Memo *memo = look_up(reader, number, given);

		if (memo->found)
			set_columns(reader, table, memo->values, memo->nulls);
		return memo->found;
	}
}

static inline bool
conditions_hold(JoinReader *reader, int number)
{
	ExprState *conditions = reader->lookups[number].conditions;

	return conditions == NULL || ExecQual(conditions, reader->expressions);
}

/* Look up the rows of all tables; false if an inner join finds none. */
static bool
join_tables(JoinReader *reader, JoinTime when)
{
	for (int i = 1; i < reader->plan->ntables; i++)
	{
		if (join_table(reader, i, when) && conditions_hold(reader, i))
			continue;
		if (!reader->plan->tables[i].outer)
			return false;
		set_no_row(reader, &reader->plan->tables[i]);
	}
	return true;
}

static void
start_row(JoinReader *reader)
{
	ResetExprContext(reader->expressions);
	reader->expressions->ecxt_scantuple = reader->row;
	reader->touched = false;
}

/* Start the joined row with a row of the driving table. */
static void
start_driving_row(JoinReader *reader, TupleTableSlot *driving)
{
	const JoinTable *table = &reader->plan->tables[0];

	start_row(reader);
	join_project(table, driving, reader->row->tts_values + table->offset,
				 reader->row->tts_isnull + table->offset);
}

/* Forget what was looked up when it has become too much: what is held stays so. */
static void
bound_memo(JoinReader *reader)
{
	for (int i = 1; i < reader->plan->ntables; i++)
		if (reader->lookups[i].nmemo > MEMO_ROWS)
		{
			forget_memo(reader);
			return;
		}
}

/*
 * The customer's keys and the purchase of a row of the driving table, with the
 * rows that it looks up as they were before the statement or are after it;
 * false if the view has none.
 */
bool
join_reader_read(JoinReader *reader, TupleTableSlot *driving, JoinTime when, Datum *keys,
				 ViewRow *said)
{
	CHECK_FOR_INTERRUPTS();
	bound_memo(reader);
	start_driving_row(reader, driving);
	return join_tables(reader, when) &&
		   purchase_reader_read(reader->purchases, reader->row, keys, said);
}

/* The joined row of a projected row of the driving table, of a view that groups; false if there is none. */
bool
join_reader_join(JoinReader *reader, const Datum *values, const bool *nulls, JoinTime when)
{
	CHECK_FOR_INTERRUPTS();
	bound_memo(reader);
	start_row(reader);
	set_columns(reader, &reader->plan->tables[0], values, nulls);
	return join_tables(reader, when) &&
		   (reader->conditions == NULL || ExecQual(reader->conditions, reader->expressions));
}

/* The customer's keys and the purchase of a group. */
bool
join_reader_read_group(JoinReader *reader, TupleTableSlot *group, Datum *keys, ViewRow *said)
{
	return purchase_reader_read(reader->purchases, group, keys, said);
}

/* The joined row that was made last. */
TupleTableSlot *
join_reader_row(JoinReader *reader)
{
	return reader->row;
}

/* Whether the row that was read last looked up a row that changed. */
bool
join_reader_touched(JoinReader *reader)
{
	return reader->touched;
}

/* ---- holding many rows in one order ---- */

static int
compare_keys(const void *a, const void *b, void *keys)
{
	const KeyToHold *one = a;
	const KeyToHold *other = b;

	if (one->part != other->part)
		return CRM_COMPARE(one->part, other->part);
	return keys ? join_keys_compare(keys, one->values, other->values) : 0;
}

static void
keep_keys(KeysToHold *list, const Datum *values, int part)
{
	list->rows = array_with_room(list->rows, list->n, &list->capacity, sizeof(KeyToHold));
	list->rows[list->n++] = (KeyToHold){part, join_keys_copy(list->keys, values)};
}

/*
 * Hold what the statement brought and took of a table, but for rows that
 * determine the customer: those it has locked by writing them.
 */
static void
hold_changed(JoinReader *reader, int number)
{
	const JoinTable *table = &reader->plan->tables[number];
	Lookup			*lookup = &reader->lookups[number];
	bool			 parts[KEY_PARTS] = {false};

	for (ChangedRow *row = lookup->changed->first; row; row = row->later)
		if (!row->cancelled &&
			(!table->has_customer || (row->is_new && !changed_rows_has_pair(lookup->changed, row))))
			parts[key_part(row->hash)] = true;
	lookup_announce_keys(lookup, parts);
}

/*
 * Hold the changed rows of all tables against others, from here on rows that
 * are looked up behind the first changed table too, and see what is there then.
 */
void
join_reader_hold_changed(JoinReader *reader, int first_changed)
{
	for (int i = 1; i < reader->plan->ntables; i++)
	{
		if (reader->lookups[i].changed && reader->lookups[i].changed->n > 0)
			hold_changed(reader, i);
		reader->lookups[i].held = i > first_changed;
	}
	join_reader_renew(reader);
}

/* Take down what a row of the driving table looks up by itself. */
void
join_reader_collect(JoinReader *reader, TupleTableSlot *driving)
{
	Datum given[INDEX_MAX_KEYS];

	start_driving_row(reader, driving);
	for (int i = 1; i < reader->plan->ntables; i++)
	{
		const JoinTable *table = &reader->plan->tables[i];
		KeysToHold		*list = &reader->lookups[i].to_hold;

		if (!table->from_driving || !reader->lookups[i].held || reader->lookups[i].gone ||
			!given_keys(reader, i, given))
			continue;
		if (list->n == 0 ||
			!join_keys_equal(list->keys, list->keys->equal, list->rows[list->n - 1].values, given))
			keep_keys(list, given,
					  table->has_customer ? 0 : key_part(join_keys_hash(list->keys, given)));
	}
}

/* Hold all that was taken down, in one order: sessions wait for each other, but never in a circle. */
void
join_reader_hold_collected(JoinReader *reader)
{
	for (int i = 1; i < reader->plan->ntables; i++)
	{
		KeysToHold *list = &reader->lookups[i].to_hold;
		bool		by_row = reader->plan->tables[i].has_customer;
		bool		is_held = false;

		if (list->n > 1)
			qsort_arg(list->rows, list->n, sizeof(KeyToHold), compare_keys,
					  by_row ? (void *) list->keys : NULL);
		for (int k = 0; k < list->n; k++)
			if (by_row)
				(void) look_up(reader, i, list->rows[k].values);
			else
				is_held = lookup_hold_key(reader, i, list->rows[k].values) || is_held;
		if (is_held)
			join_reader_renew(reader);
	}
}
