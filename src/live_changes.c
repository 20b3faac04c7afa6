/*
 * live_changes.c: which customers changed their segment or tier, written to
 * the table of changes.
 *
 * A table that nobody made into anything special is written row by row, as the
 * histories are; any other, say one with BEFORE triggers, by an INSERT.
 */
#include "crm.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "live.h"
#include "live_kept.h"
#include "live_write.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#define CHANGES_AT_ONCE 1000

enum
{
	CHANGE_WHAT,
	CHANGE_OLD,
	CHANGE_NEW,
	CHANGE_COLUMNS
};

typedef Datum ColumnValues[CHANGES_AT_ONCE];
typedef bool  ColumnNulls[CHANGES_AT_ONCE];

struct ChangeLog
{
	Oid					changes; /* InvalidOid: only count */
	Relation			histories;
	Relation			index;
	const char		   *why;
	const CustomerKeys *keys;
	int					nwaiting;
	int64				total;
	bool				wrote;	/* since change_log_wrote was asked last */
	ColumnValues	   *values; /* keys, then what, old and new; NULL before the first change */
	ColumnNulls		   *nulls;
	MemoryContext		home;	 /* of what lives until the log is closed */
	MemoryContext		context; /* of the values that wait */
};

/* A log for customers known by the keys of an index; why is what changed them. */
ChangeLog *
change_log_open(Oid changes, Relation histories, Relation index, const char *why)
{
	ChangeLog *log = palloc0(sizeof(ChangeLog));

	log->changes = changes;
	log->histories = histories;
	log->index = index;
	log->why = why;
	log->keys = &histories_layout(histories, index)->keys;
	log->home = CurrentMemoryContext;
	return log;
}

/* Room for changes that wait. */
static void
make_room(ChangeLog *log)
{
	int			  ncolumns = log->keys->n + CHANGE_COLUMNS;
	MemoryContext before = MemoryContextSwitchTo(log->home);

	log->values = palloc(sizeof(ColumnValues) * ncolumns);
	log->nulls = palloc(sizeof(ColumnNulls) * ncolumns);
	log->context = AllocSetContextCreate(log->home, "crm changes", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(before);
}

static Form_pg_attribute
key_attribute(ChangeLog *log, int key)
{
	return TupleDescAttr(RelationGetDescr(log->histories), log->keys->columns[key] - 1);
}

/* ---- row by row ---- */

/* Where a table of changes has what. */
typedef struct LogLayout
{
	bool	   is_plain; /* can be written row by row */
	AttrNumber keys[INDEX_MAX_KEYS];
	AttrNumber at;
	AttrNumber changed[CHANGE_COLUMNS];
	AttrNumber why;
	bool	   is_whole; /* there are no other columns */
} LogLayout;

/* A table of changes and the table of histories with its primary key. */
typedef struct LogOf
{
	Relation   changes;
	ChangeLog *log;
} LogOf;

/* Whether an INSERT would do no more with a table than row_writer_append does. */
static bool
is_plain_table(Relation changes, Relation histories)
{
	TriggerDesc *triggers = changes->trigdesc;

	return changes->rd_rel->relkind == RELKIND_RELATION && !changes->rd_rel->relispartition &&
		   !changes->rd_rel->relrowsecurity && changes->rd_rules == NULL &&
		   changes->rd_rel->relowner == histories->rd_rel->relowner &&
		   pg_class_aclcheck(RelationGetRelid(changes), changes->rd_rel->relowner, ACL_INSERT) ==
			   ACLCHECK_OK &&
		   (triggers == NULL ||
			!(triggers->trig_insert_before_row || triggers->trig_insert_before_statement ||
			  triggers->trig_insert_after_statement || triggers->trig_insert_new_table));
}

/* Find a column of just this type; false if there is none. */
static bool
find_column(Relation rel, const char *name, Oid type, int32 typmod, AttrNumber *column)
{
	Form_pg_attribute attribute;

	*column = get_attnum(RelationGetRelid(rel), name);
	if (*column <= 0)
		return false;
	attribute = TupleDescAttr(RelationGetDescr(rel), *column - 1);
	return attribute->atttypid == type && attribute->attgenerated == '\0' &&
		   attribute->attidentity == '\0' &&
		   (attribute->atttypmod == -1 || attribute->atttypmod == typmod);
}

static bool
find_columns(LogLayout *layout, const LogOf *of)
{
	static const char *const changed[CHANGE_COLUMNS] = {"what", "old_value", "new_value"};
	bool found = find_column(of->changes, "at", TIMESTAMPTZOID, -1, &layout->at) &&
				 find_column(of->changes, "why", TEXTOID, -1, &layout->why);

	for (int i = 0; found && i < CHANGE_COLUMNS; i++)
		found = find_column(of->changes, changed[i], TEXTOID, -1, &layout->changed[i]);
	for (int i = 0; found && i < of->log->keys->n; i++)
	{
		Form_pg_attribute key = key_attribute(of->log, i);

		found = find_column(of->changes, NameStr(key->attname), key->atttypid, key->atttypmod,
							&layout->keys[i]);
	}
	return found;
}

static void *
make_log_layout(const void *arguments)
{
	const LogOf *of = arguments;
	LogLayout	*layout = palloc0(sizeof(LogLayout));

	layout->is_plain = is_plain_table(of->changes, of->log->histories) && find_columns(layout, of);
	layout->is_whole =
		RelationGetNumberOfAttributes(of->changes) == of->log->keys->n + CHANGE_COLUMNS + 2;
	return layout;
}

static inline void
set_column(TupleTableSlot *row, AttrNumber column, Datum value, bool isnull)
{
	row->tts_values[column - 1] = value;
	row->tts_isnull[column - 1] = isnull;
}

/* Put a change that waits into a row. */
static void
fill_row(ChangeLog *log, const LogLayout *layout, int change, TupleTableSlot *row)
{
	int nkeys = log->keys->n;

	for (int i = 0; i < nkeys; i++)
		set_column(row, layout->keys[i], log->values[i][change], log->nulls[i][change]);
	set_column(row, layout->at, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
	for (int i = 0; i < CHANGE_COLUMNS; i++)
		set_column(row, layout->changed[i], log->values[nkeys + i][change],
				   log->nulls[nkeys + i][change]);
}

/* Write what waits row by row; false, having done nothing, if the table is not for that. */
static bool
append(ChangeLog *log)
{
	Relation		 changes = table_open(log->changes, RowExclusiveLock);
	LogOf			 of = {changes, log};
	KeptKey			 key = {KEPT_LOG,
							{log->changes, RelationGetRelid(log->histories), RelationGetRelid(log->index)}};
	const LogLayout *layout = kept_find_or_make(&key, make_log_layout, &of);
	TupleTableSlot	*row;
	RowWriter		*writer;
	Datum			 why;

	if (!layout->is_plain)
	{
		table_close(changes, NoLock);
		return false;
	}
	why = CStringGetTextDatum(log->why);
	row = MakeSingleTupleTableSlot(RelationGetDescr(changes), &TTSOpsVirtual);
	writer = row_writer_create(changes, NULL, NULL);
	for (int i = 0; i < log->nwaiting; i++)
	{
		ExecClearTuple(row);
		memset(row->tts_isnull, true, sizeof(bool) * row->tts_tupleDescriptor->natts);
		if (!layout->is_whole)
			row_writer_set_defaults(writer, row);
		fill_row(log, layout, i, row);
		set_column(row, layout->why, why, false);
		ExecStoreVirtualTuple(row);
		row_writer_append(writer, row);
		row_writer_row_done(writer);
	}
	CommandCounterIncrement();
	row_writer_free(writer);
	ExecDropSingleTupleTableSlot(row);
	log->wrote = changes->trigdesc != NULL;
	table_close(changes, NoLock);
	return true;
}

/* ---- by an INSERT ---- */

/* The statement that inserts all waiting changes; keys first, then what, old and new value. */
static char *
insert_statement(ChangeLog *log)
{
	StringInfoData sql;
	char *table = quote_qualified_identifier(get_namespace_name(get_rel_namespace(log->changes)),
											 get_rel_name(log->changes));

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (", table);
	for (int i = 0; i < log->keys->n; i++)
		appendStringInfo(&sql, "%s, ", quote_identifier(NameStr(key_attribute(log, i)->attname)));
	appendStringInfoString(&sql, "at, what, old_value, new_value, why) SELECT ");
	for (int i = 0; i < log->keys->n; i++)
		appendStringInfo(&sql, "pg_catalog.unnest($%d), ", i + 1);
	appendStringInfoString(&sql, "pg_catalog.now()");
	for (int i = 0; i < CHANGE_COLUMNS; i++)
		appendStringInfo(&sql, ", pg_catalog.unnest($%d)", log->keys->n + i + 1);
	appendStringInfo(&sql, ", $%d", log->keys->n + CHANGE_COLUMNS + 1);
	return sql.data;
}

/* The waiting values of a column as an array. */
static Datum
column_array(ChangeLog *log, int column, Oid type, int16 length, bool by_value, char align)
{
	int dimension = log->nwaiting;
	int lower_bound = 1;

	return PointerGetDatum(construct_md_array(log->values[column], log->nulls[column], 1,
											  &dimension, &lower_bound, type, length, by_value,
											  align));
}

/* Write what waits by an INSERT. */
static void
insert(ChangeLog *log)
{
	int	  nparameters = log->keys->n + CHANGE_COLUMNS + 1;
	Oid	  types[INDEX_MAX_KEYS + CHANGE_COLUMNS + 1];
	Datum values[INDEX_MAX_KEYS + CHANGE_COLUMNS + 1];

	for (int i = 0; i < log->keys->n; i++)
	{
		Form_pg_attribute key = key_attribute(log, i);

		types[i] = get_array_type(key->atttypid);
		values[i] = column_array(log, i, key->atttypid, key->attlen, key->attbyval, key->attalign);
	}
	for (int i = log->keys->n; i < nparameters - 1; i++)
	{
		types[i] = TEXTARRAYOID;
		values[i] = column_array(log, i, TEXTOID, -1, false, TYPALIGN_INT);
	}
	types[nparameters - 1] = TEXTOID;
	values[nparameters - 1] = CStringGetTextDatum(log->why);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(insert_statement(log), nparameters, types, values, NULL, false, 0) !=
		SPI_OK_INSERT)
		elog(ERROR, "could not write to \"%s\"", get_rel_name(log->changes));
	SPI_finish();
	log->wrote = true;
}

/* ---- changes ---- */

/* Write what waits. */
static void
flush(ChangeLog *log)
{
	if (log->nwaiting == 0)
		return;
	if (!append(log))
		insert(log);
	log->nwaiting = 0;
	MemoryContextReset(log->context);
}

static inline void
keep(ChangeLog *log, int column, Datum value, bool isnull, bool by_value, int length)
{
	log->nulls[column][log->nwaiting] = isnull;
	log->values[column][log->nwaiting] = isnull ? (Datum) 0 : datumCopy(value, by_value, length);
}

/* Record that what a customer is called changed, if it did; a NULL is nothing yet or nothing any more. */
void
change_log_add(ChangeLog *log, const Datum *keys, const char *what, Datum old_value, bool old_null,
			   Datum new_value, bool new_null)
{
	MemoryContext before;

	if (old_null == new_null && (old_null || datum_image_eq(old_value, new_value, false, -1)))
		return;
	log->total++;
	if (!OidIsValid(log->changes))
		return;

	if (log->values == NULL)
		make_room(log);
	if (log->nwaiting == CHANGES_AT_ONCE)
		flush(log);
	before = MemoryContextSwitchTo(log->context);
	for (int i = 0; i < log->keys->n; i++)
		keep(log, i, keys[i], false, key_attribute(log, i)->attbyval,
			 key_attribute(log, i)->attlen);
	keep(log, log->keys->n + CHANGE_WHAT, CStringGetTextDatum(what), false, false, -1);
	keep(log, log->keys->n + CHANGE_OLD, old_value, old_null, false, -1);
	keep(log, log->keys->n + CHANGE_NEW, new_value, new_null, false, -1);
	log->nwaiting++;
	MemoryContextSwitchTo(before);
}

/* Whether changes were written since this was asked last, and with them whatever triggers of users did. */
bool
change_log_wrote(ChangeLog *log)
{
	bool wrote = log->wrote;

	log->wrote = false;
	return wrote;
}

/* Write the rest; returns how many customers changed. */
int64
change_log_close(ChangeLog *log)
{
	flush(log);
	return log->total;
}
