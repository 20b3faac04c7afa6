/*
 * changes.c: which customers changed their segment or tier, written to
 * the table of changes.
 *
 * A table that nobody made into anything special is written row by row, as the
 * histories are; any other, say one with BEFORE triggers, by an INSERT.
 */
#include "crm.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "live/catalog.h"
#include "live/changes.h"
#include "live/kept.h"
#include "live/keys.h"
#include "live/layout.h"
#include "live/write.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

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

/* ---- how the table is written ---- */

/* A table of changes as it is: row by row, or by a statement. */
typedef struct LogPlan
{
	bool	   is_plain; /* an INSERT would do no more than write rows */
	AttrNumber keys[INDEX_MAX_KEYS];
	AttrNumber at;
	AttrNumber changed[CHANGE_COLUMNS];
	AttrNumber why;
	Bitmapset *given;	   /* these, as the executor counts them */
	SPIPlanPtr insert;	   /* NULL if the table is plain */
	bool	   has_arrays; /* inserts many changes at once, from arrays */
} LogPlan;

/* What a plan is made of. */
typedef struct LogPlanOf
{
	ChangeLog *log;
	Relation   changes;
} LogPlanOf;

/* Whether no trigger, rule, policy or partition has a say in what is inserted. */
static bool
is_plain_table(Relation changes, Relation histories)
{
	TriggerDesc *triggers = changes->trigdesc;

	if (changes->rd_rel->relkind != RELKIND_RELATION || changes->rd_rel->relispartition ||
		changes->rd_rules)
		return false;
	if (changes->rd_rel->relrowsecurity &&
		(changes->rd_rel->relforcerowsecurity ||
		 changes->rd_rel->relowner != histories->rd_rel->relowner))
		return false;
	return triggers == NULL ||
		   !(triggers->trig_insert_before_row || triggers->trig_insert_before_statement ||
			 triggers->trig_insert_after_statement || triggers->trig_insert_new_table);
}

/* Find a column of just this type, that is not found for something else; false if there is none. */
static bool
find_column(LogPlan *plan, Relation rel, const char *name, Oid type, int32 typmod,
			AttrNumber *column)
{
	Form_pg_attribute attribute;

	*column = column_of_name(rel, name);
	if (*column <= 0 || bms_is_member(*column - FirstLowInvalidHeapAttributeNumber, plan->given))
		return false;
	plan->given = bms_add_member(plan->given, *column - FirstLowInvalidHeapAttributeNumber);
	attribute = TupleDescAttr(RelationGetDescr(rel), *column - 1);
	return attribute->atttypid == type && attribute->attgenerated == '\0' &&
		   attribute->attidentity == '\0' &&
		   (attribute->atttypmod == -1 || attribute->atttypmod == typmod);
}

static bool
find_columns(LogPlan *plan, const LogPlanOf *of)
{
	static const char *const changed[CHANGE_COLUMNS] = {"what", "old_value", "new_value"};
	bool found = find_column(plan, of->changes, "changed_at", TIMESTAMPTZOID, -1, &plan->at) &&
				 find_column(plan, of->changes, "why", TEXTOID, -1, &plan->why);

	for (int i = 0; found && i < CHANGE_COLUMNS; i++)
		found = find_column(plan, of->changes, changed[i], TEXTOID, -1, &plan->changed[i]);
	for (int i = 0; found && i < of->log->keys->n; i++)
	{
		Form_pg_attribute key = key_attribute(of->log, i);

		found = find_column(plan, of->changes, NameStr(key->attname), key->atttypid, key->atttypmod,
							&plan->keys[i]);
	}
	return found;
}

/* The statement that inserts changes: its parameters are the keys, what, old and new value, as arrays or one by one; then why. */
static char *
insert_statement(ChangeLog *log, Relation changes, bool has_arrays)
{
	const char	  *column = has_arrays ? "pg_catalog.unnest($%d), " : "$%d, ";
	StringInfoData sql;
	int			   nkeys = log->keys->n;
	AttrNumber	   changed_at = column_of_name(changes, "changed_at");

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(changes)),
												RelationGetRelationName(changes)));
	for (int i = 0; i < nkeys; i++)
		appendStringInfo(&sql, "%s, ", quote_identifier(NameStr(key_attribute(log, i)->attname)));
	appendStringInfo(
		&sql, "%s, what, old_value, new_value, why) SELECT ",
		changed_at > 0 ? NameStr(TupleDescAttr(RelationGetDescr(changes), changed_at - 1)->attname)
					   : "changed_at");
	for (int i = 0; i < nkeys; i++)
		appendStringInfo(&sql, column, i + 1);
	appendStringInfoString(&sql, "pg_catalog.now(), ");
	for (int i = 0; i < CHANGE_COLUMNS; i++)
		appendStringInfo(&sql, column, nkeys + i + 1);
	appendStringInfo(&sql, "$%d", nkeys + CHANGE_COLUMNS + 1);
	return sql.data;
}

/* The types of the statement's parameters; false if there are no arrays of some key. */
static bool
parameter_types(ChangeLog *log, bool has_arrays, Oid *types)
{
	int nkeys = log->keys->n;

	for (int i = 0; i < nkeys; i++)
	{
		Oid type = key_attribute(log, i)->atttypid;

		types[i] = has_arrays ? get_array_type(type) : type;
		if (!OidIsValid(types[i]))
			return false;
	}
	for (int i = 0; i < CHANGE_COLUMNS; i++)
		types[nkeys + i] = has_arrays ? TEXTARRAYOID : TEXTOID;
	types[nkeys + CHANGE_COLUMNS] = TEXTOID;
	return true;
}

static void
free_insert(void *plan)
{
	if (((LogPlan *) plan)->insert)
		SPI_freeplan(((LogPlan *) plan)->insert);
}

/* Prepare the statement, for as long as the current memory context lives. */
static void
prepare_insert(LogPlan *plan, const LogPlanOf *of)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	char				  *sql;
	Oid					   types[INDEX_MAX_KEYS + CHANGE_COLUMNS + 1];
	SPIPlanPtr			   insert;

	plan->has_arrays = parameter_types(of->log, true, types);
	if (!plan->has_arrays)
		(void) parameter_types(of->log, false, types);
	sql = insert_statement(of->log, of->changes, plan->has_arrays);
	callback->func = free_insert;
	callback->arg = plan;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	insert = SPI_prepare(sql, of->log->keys->n + CHANGE_COLUMNS + 1, types);
	if (insert == NULL || SPI_keepplan(insert) != 0)
		elog(ERROR, "could not prepare: %s: %s", SPI_result_code_string(SPI_result), sql);
	plan->insert = insert;
	SPI_finish();
}

static void *
make_log_plan(const void *arguments)
{
	const LogPlanOf *of = arguments;
	LogPlan			*plan = palloc0(sizeof(LogPlan));

	plan->is_plain = is_plain_table(of->changes, of->log->histories) && find_columns(plan, of);
	if (!plan->is_plain)
		prepare_insert(plan, of);
	return plan;
}

static const LogPlan *
log_plan(ChangeLog *log, Relation changes)
{
	LogPlanOf of = {log, changes};
	KeptKey	  key = {KEPT_LOG,
					 {log->changes, RelationGetRelid(log->histories), RelationGetRelid(log->index)}};

	return kept_find_or_make(&key, make_log_plan, &of);
}

/* The current user may name the table with its schema, as an INSERT does. */
static inline void
CheckMayUseSchema(Oid schema)
{
#if PG_VERSION_NUM >= 160000
	AclResult result = object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_USAGE);
#else
	AclResult result = pg_namespace_aclcheck(schema, GetUserId(), ACL_USAGE);
#endif

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schema));
}

/* ---- row by row ---- */

static inline void
set_column(TupleTableSlot *row, AttrNumber column, Datum value, bool isnull)
{
	row->tts_values[column - 1] = value;
	row->tts_isnull[column - 1] = isnull;
}

/* Put a change that waits into a row. */
static void
fill_change(ChangeLog *log, const LogPlan *plan, int change, TupleTableSlot *row)
{
	int nkeys = log->keys->n;

	for (int i = 0; i < nkeys; i++)
		set_column(row, plan->keys[i], log->values[i][change], log->nulls[i][change]);
	set_column(row, plan->at, TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
	for (int i = 0; i < CHANGE_COLUMNS; i++)
		set_column(row, plan->changed[i], log->values[nkeys + i][change],
				   log->nulls[nkeys + i][change]);
}

/* Write what waits row by row; what is called on the way sees what was written until now. */
static void
append(ChangeLog *log, const LogPlan *plan, Relation changes)
{
	Datum			why = CStringGetTextDatum(log->why);
	TupleTableSlot *row = MakeSingleTupleTableSlot(RelationGetDescr(changes), &TTSOpsVirtual);
	RowWriter	   *writer;

	CheckMayUseSchema(RelationGetNamespace(changes));
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	writer = row_writer_create(changes, NULL, NULL, plan->given);
	for (int i = 0; i < log->nwaiting; i++)
	{
		ExecClearTuple(row);
		memset(row->tts_isnull, true, sizeof(bool) * row->tts_tupleDescriptor->natts);
		row_writer_set_defaults(writer, row);
		fill_change(log, plan, i, row);
		set_column(row, plan->why, why, false);
		ExecStoreVirtualTuple(row);
		row_writer_append(writer, row);
		row_writer_row_done(writer);
	}
	CommandCounterIncrement();
	row_writer_free(writer);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(row);
}

/* ---- by a statement ---- */

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

static void
execute_insert(ChangeLog *log, const LogPlan *plan, Datum *values, const char *nulls)
{
	int result = SPI_execute_plan(plan->insert, values, nulls, false, 0);

	/* a rule may make something else of it */
	if (result < 0)
		elog(ERROR, "could not write to \"%s\": %s", get_rel_name(log->changes),
			 SPI_result_code_string(result));
}

/* Write what waits at once. */
static void
insert_all(ChangeLog *log, const LogPlan *plan)
{
	int	  nkeys = log->keys->n;
	Datum values[INDEX_MAX_KEYS + CHANGE_COLUMNS + 1];

	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute key = key_attribute(log, i);

		values[i] = column_array(log, i, key->atttypid, key->attlen, key->attbyval, key->attalign);
	}
	for (int i = nkeys; i < nkeys + CHANGE_COLUMNS; i++)
		values[i] = column_array(log, i, TEXTOID, -1, false, TYPALIGN_INT);
	values[nkeys + CHANGE_COLUMNS] = CStringGetTextDatum(log->why);
	execute_insert(log, plan, values, NULL);
}

/* Write what waits one by one. */
static void
insert_each(ChangeLog *log, const LogPlan *plan)
{
	int	  ncolumns = log->keys->n + CHANGE_COLUMNS;
	Datum values[INDEX_MAX_KEYS + CHANGE_COLUMNS + 1];
	char  nulls[INDEX_MAX_KEYS + CHANGE_COLUMNS + 1];

	values[ncolumns] = CStringGetTextDatum(log->why);
	nulls[ncolumns] = ' ';
	for (int change = 0; change < log->nwaiting; change++)
	{
		for (int i = 0; i < ncolumns; i++)
		{
			values[i] = log->values[i][change];
			nulls[i] = log->nulls[i][change] ? 'n' : ' ';
		}
		execute_insert(log, plan, values, nulls);
	}
}

/* Write what waits by the prepared statement. */
static void
insert(ChangeLog *log, const LogPlan *plan)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (plan->has_arrays)
		insert_all(log, plan);
	else
		insert_each(log, plan);
	SPI_finish();
}

/* ---- changes ---- */

/* Write what waits. */
static void
flush(ChangeLog *log)
{
	Relation	   changes;
	const LogPlan *plan;

	if (log->nwaiting == 0)
		return;
	changes = table_open(log->changes, RowExclusiveLock);
	plan = log_plan(log, changes);
	if (plan->is_plain)
		append(log, plan, changes);
	else
		insert(log, plan);
	table_close(changes, NoLock);
	log->wrote = true;
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
