/*
 * live_changes.c: which customers changed their segment, written to the
 * table of changes in a few statements.
 */
#include "crm.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "live.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#define CHANGES_AT_ONCE 1000

enum
{
	CHANGE_WHAT,
	CHANGE_OLD,
	CHANGE_NEW,
	CHANGE_COLUMNS
};

struct ChangeLog
{
	Oid			changes; /* InvalidOid: only count */
	Relation	histories;
	const char *why;
	int			nkeys;
	AttrNumber	keys[INDEX_MAX_KEYS];
	int			nwaiting;
	int64		total;
	bool		wrote;				  /* since change_log_wrote was asked last */
	Datum (*values)[CHANGES_AT_ONCE]; /* one array a column */
	bool (*nulls)[CHANGES_AT_ONCE];
	MemoryContext context; /* of the values that wait */
};

/* A log for customers known by the keys of an index; why is what changed them. */
ChangeLog *
change_log_open(Oid changes, Relation histories, Relation index, const char *why)
{
	ChangeLog *log = palloc0(sizeof(ChangeLog));

	log->changes = changes;
	log->histories = histories;
	log->why = why;
	log->nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	memcpy(log->keys, index->rd_index->indkey.values, sizeof(AttrNumber) * log->nkeys);
	log->values = palloc(sizeof(*log->values) * (log->nkeys + CHANGE_COLUMNS));
	log->nulls = palloc(sizeof(*log->nulls) * (log->nkeys + CHANGE_COLUMNS));
	log->context =
		AllocSetContextCreate(CurrentMemoryContext, "crm changes", ALLOCSET_DEFAULT_SIZES);
	return log;
}

static Form_pg_attribute
key_attribute(ChangeLog *log, int key)
{
	return TupleDescAttr(RelationGetDescr(log->histories), log->keys[key] - 1);
}

/* The statement that inserts all waiting changes; keys first, then what, old and new value. */
static char *
insert_statement(ChangeLog *log)
{
	StringInfoData sql;
	char *table = quote_qualified_identifier(get_namespace_name(get_rel_namespace(log->changes)),
											 get_rel_name(log->changes));

	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s (", table);
	for (int i = 0; i < log->nkeys; i++)
		appendStringInfo(&sql, "%s, ", quote_identifier(NameStr(key_attribute(log, i)->attname)));
	appendStringInfoString(&sql, "at, what, old_value, new_value, why) SELECT ");
	for (int i = 0; i < log->nkeys; i++)
		appendStringInfo(&sql, "k%d, ", i);
	appendStringInfo(&sql, "pg_catalog.now(), what, old_value, new_value, $%d FROM ROWS FROM (",
					 log->nkeys + CHANGE_COLUMNS + 1);
	for (int i = 0; i < log->nkeys + CHANGE_COLUMNS; i++)
		appendStringInfo(&sql, "%spg_catalog.unnest($%d)", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(&sql, ") AS c (");
	for (int i = 0; i < log->nkeys; i++)
		appendStringInfo(&sql, "k%d, ", i);
	appendStringInfoString(&sql, "what, old_value, new_value)");
	return sql.data;
}

/* The insertion of one table of changes, planned once in a session. */
typedef struct InsertPlan
{
	Oid		   changes; /* hash key */
	char	  *sql;
	Oid		   types[INDEX_MAX_KEYS]; /* of the keys, as arrays */
	SPIPlanPtr plan;
} InsertPlan;

static InsertPlan *
find_insert_plan(Oid changes)
{
	static HTAB *plans = NULL;
	InsertPlan	*entry;
	bool		 found;

	if (plans == NULL)
	{
		HASHCTL control = {0};

		control.keysize = sizeof(Oid);
		control.entrysize = sizeof(InsertPlan);
		plans = hash_create("crm inserts of changes", 8, &control, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(plans, &changes, HASH_ENTER, &found);
	if (!found)
	{
		entry->sql = NULL;
		entry->plan = NULL;
	}
	return entry;
}

/* The plan of a statement; made anew if it reads otherwise or of other types, since these change. Within SPI. */
static SPIPlanPtr
plan_of(ChangeLog *log, int nparameters, Oid *types)
{
	InsertPlan *entry = find_insert_plan(log->changes);
	char	   *sql = insert_statement(log);

	if (entry->sql && strcmp(entry->sql, sql) == 0 &&
		memcmp(entry->types, types, sizeof(Oid) * log->nkeys) == 0)
		return entry->plan;
	if (entry->sql)
	{
		pfree(entry->sql);
		entry->sql = NULL;
		SPI_freeplan(entry->plan);
	}
	entry->plan = SPI_prepare(sql, nparameters, types);
	if (entry->plan == NULL || SPI_keepplan(entry->plan) != 0)
		elog(ERROR, "could not prepare: %s", sql);
	memcpy(entry->types, types, sizeof(Oid) * log->nkeys);
	entry->sql = MemoryContextStrdup(TopMemoryContext, sql);
	return entry->plan;
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

/* Write what waits. */
static void
flush(ChangeLog *log)
{
	int	  nparameters = log->nkeys + CHANGE_COLUMNS + 1;
	Oid	  types[INDEX_MAX_KEYS + CHANGE_COLUMNS + 1];
	Datum values[INDEX_MAX_KEYS + CHANGE_COLUMNS + 1];

	if (log->nwaiting == 0 || !OidIsValid(log->changes))
		return;
	for (int i = 0; i < log->nkeys; i++)
	{
		Form_pg_attribute key = key_attribute(log, i);

		types[i] = get_array_type(key->atttypid);
		values[i] = column_array(log, i, key->atttypid, key->attlen, key->attbyval, key->attalign);
	}
	for (int i = log->nkeys; i < nparameters - 1; i++)
	{
		types[i] = TEXTARRAYOID;
		values[i] = column_array(log, i, TEXTOID, -1, false, TYPALIGN_INT);
	}
	types[nparameters - 1] = TEXTOID;
	values[nparameters - 1] = CStringGetTextDatum(log->why);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan(plan_of(log, nparameters, types), values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not write to \"%s\"", get_rel_name(log->changes));
	SPI_finish();

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

	if (log->nwaiting == CHANGES_AT_ONCE)
		flush(log);
	before = MemoryContextSwitchTo(log->context);
	for (int i = 0; i < log->nkeys; i++)
		keep(log, i, keys[i], false, key_attribute(log, i)->attbyval,
			 key_attribute(log, i)->attlen);
	keep(log, log->nkeys + CHANGE_WHAT, CStringGetTextDatum(what), false, false, -1);
	keep(log, log->nkeys + CHANGE_OLD, old_value, old_null, false, -1);
	keep(log, log->nkeys + CHANGE_NEW, new_value, new_null, false, -1);
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
	MemoryContextDelete(log->context);
	return log->total;
}
