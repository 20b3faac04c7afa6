/*
 * on_shards.c: triggers on the shards of a distributed table of Citus.
 *
 * A shard is a plain table of the node that it is on, called like the distributed
 * table with the shard's number behind. The catalogue of Citus, which each node has,
 * tells what a shard is of, and which shards of other tables hold the same range of
 * keys: so the histories of the customers of a shard stand beside it, wherever it is
 * moved. Nothing but that catalogue is asked, and what it says is kept.
 */
#include "crm.h"

#include "live/on_shards.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "live/kept.h"
#include "live/owner.h"
#include "live/shards.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/varlena.h"

/* A row of pg_dist_shard. */
typedef struct Shard
{
	int64 number;
	Oid	  table; /* InvalidOid for a relation that is no shard */
	char *least; /* of the hashes that it holds, as text; NULL of a table that is not cut */
} Shard;

/* ---- the catalogue of Citus ---- */

static Shard *
read_shard(Relation catalog, HeapTuple row)
{
	Shard *shard = palloc0(sizeof(Shard));
	bool   isnull;
	Datum  least;

	shard->number = DatumGetInt64(citus_column(catalog, row, "shardid", &isnull));
	shard->table = DatumGetObjectId(citus_column(catalog, row, "logicalrelid", &isnull));
	least = citus_column(catalog, row, "shardminvalue", &isnull);
	if (!isnull)
		shard->least = TextDatumGetCString(least);
	return shard;
}

/* The shards that have a value in a column of pg_dist_shard, by an index if there is one of the name; none where Citus is not there. */
static List *
shards_with(const char *column, const char *index, RegProcedure equal, Datum value)
{
	Oid			catalog_oid = get_relname_relid("pg_dist_shard", PG_CATALOG_NAMESPACE);
	Oid			index_oid = get_relname_relid(index, PG_CATALOG_NAMESPACE);
	Relation	catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	List	   *shards = NIL;

	if (!OidIsValid(catalog_oid))
		return NIL;
	catalog = table_open(catalog_oid, AccessShareLock);
	ScanKeyInit(&key, get_attnum(catalog_oid, column), BTEqualStrategyNumber, equal, value);
	scan = systable_beginscan(catalog, index_oid, OidIsValid(index_oid), NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		shards = lappend(shards, read_shard(catalog, row));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return shards;
}

/* The number at the end of a shard's name, or 0. */
static int64
number_of_name(const char *name)
{
	const char *at = strrchr(name, '_');
	char	   *end;
	int64		number;

	if (at == NULL || at[1] < '1' || at[1] > '9')
		return 0;
	number = strtoll(at + 1, &end, 10);
	return *end == '\0' ? number : 0;
}

/* A function of Citus by its name, which has got an argument more. */
static Oid
shard_name_function(int *nargs)
{
	Oid	  types[] = {REGCLASSOID, INT8OID, BOOLOID};
	List *name = list_make2(makeString("pg_catalog"), makeString("shard_name"));
	Oid	  function;

	*nargs = 3;
	function = LookupFuncName(name, 3, types, true);
	if (OidIsValid(function))
		return function;
	*nargs = 2;
	return LookupFuncName(name, 2, types, false);
}

/* The relation that a shard is on this node, or InvalidOid; Citus cuts the names of long ones, so it is asked. */
static Oid
shard_here(const Shard *shard)
{
	int	  nargs;
	Oid	  function = shard_name_function(&nargs);
	Datum name = nargs == 3 ? OidFunctionCall3(function, ObjectIdGetDatum(shard->table),
											   Int64GetDatum(shard->number), BoolGetDatum(false))
							: OidFunctionCall2(function, ObjectIdGetDatum(shard->table),
											   Int64GetDatum(shard->number));
	List *names = textToQualifiedNameList(DatumGetTextPP(name));

	return get_relname_relid(strVal(llast(names)), get_rel_namespace(shard->table));
}

/* ---- what a relation is a shard of ---- */

static void *
make_shard(const void *of)
{
	Oid	   relid = *(const Oid *) of;
	int64  number = number_of_name(get_rel_name(relid));
	List  *shards = number == 0 ? NIL
								: shards_with("shardid", "pg_dist_shard_shardid_index", F_INT8EQ,
											  Int64GetDatum(number));
	Shard *shard = shards == NIL ? palloc0(sizeof(Shard)) : linitial(shards);

	if (OidIsValid(shard->table) && shard_here(shard) != relid)
		shard->table = InvalidOid;
	return shard;
}

static const Shard *
shard_of(Oid relid)
{
	KeptKey key = {KEPT_SHARD, {relid}};

	return kept_find_or_make(&key, make_shard, &relid);
}

/* What shard_source finds for a relation whose name ends with a digit. */
Oid
find_shard_source(Relation rel)
{
	if (!OidIsValid(get_relname_relid("pg_dist_shard", PG_CATALOG_NAMESPACE)))
		return InvalidOid;
	return shard_of(RelationGetRelid(rel))->table;
}

/* ---- a tracking on a shard ---- */

typedef struct PlaceOf
{
	const Tracked *tracked;
	Oid			   shard;
} PlaceOf;

/* The shard of a table that holds the same keys as another shard, or the only one of a table that is not cut. */
static Oid
shard_beside(Oid table, Oid shard)
{
	const Shard *of = shard_of(shard);
	ListCell	*lc;
	Oid			 here = InvalidOid;

	if (!OidIsValid(table))
		return InvalidOid;
	foreach (lc, shards_with("logicalrelid", "pg_dist_shard_logicalrelid_index", F_OIDEQ,
							 ObjectIdGetDatum(table)))
	{
		const Shard *beside = lfirst(lc);

		if (beside->least == NULL || (of->least && strcmp(beside->least, of->least) == 0))
			here = shard_here(beside);
	}
	if (!OidIsValid(here))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("\"%s\" has no shard beside \"%s\"", get_rel_name(table),
							   get_rel_name(shard)),
						errdetail("Histories are kept on the shards of the orders that they are "
								  "made of, which stand on one node."),
						errhint("Call crm.untrack, drop the tables of the tracking, and call "
								"crm.track again: they are made of the orders.")));
	return here;
}

static void *
make_place(const void *of)
{
	const Tracked *tracked = ((const PlaceOf *) of)->tracked;
	Oid			   shard = ((const PlaceOf *) of)->shard;
	Tracked		  *place = palloc(sizeof(Tracked));

	*place = *tracked;
	place->joined = NIL;
	place->histories = shard_beside(tracked->histories, shard);
	place->scoring = shard_beside(tracked->scoring, shard);
	place->changes = shard_beside(tracked->changes, shard);
	place->decisions = shard_beside(tracked->decisions, shard);
	return place;
}

/* A tracking as it stands on a shard of its source: with the shards of its tables that hold the same customers. */
const Tracked *
tracked_on_shard(const Tracked *tracked, Oid shard)
{
	PlaceOf of = {tracked, shard};
	KeptKey key = {KEPT_PLACE,
				   {shard, tracked->source, tracked->purchases, tracked->histories,
					tracked->scoring, tracked->changes, tracked->decisions}};

	return kept_find_or_make(&key, make_place, &of);
}

/* ---- TRUNCATE ---- */

/* Histories are written by their owner's connections to the nodes, and Citus lets two roles not write the same shards in one transaction. */
static void
CheckMayEmpty(Oid source, Oid histories)
{
	Oid owner = relation_owner(histories);

	if (GetUserId() != owner)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("table \"%s\" can be truncated by its owner alone", get_rel_name(source)),
				 errdetail("Its histories stand on the shards of Citus, where two roles cannot "
						   "write in one transaction."),
				 errhint("SET ROLE %s, or use DELETE.",
						 quote_identifier(GetUserNameFromId(owner, false)))));
}

/* Distributed tables that a running TRUNCATE empties, those whose triggers have fired. */
typedef struct Emptied
{
	MemoryContext	statement;
	List		   *tables; /* of Oid */
	struct Emptied *outer;	/* of the statement whose triggers this one is in */
} Emptied;

static Emptied *emptied = NULL;

static void
leave_statement(void *of)
{
	emptied = ((Emptied *) of)->outer;
}

/*
 * All tables that the running TRUNCATE is known to empty, with one more: none of
 * them is empty yet. PostgreSQL calls its triggers in a context of each row,
 * which is in that of the statement.
 */
static const List *
emptied_with(Oid source, MemoryContext statement)
{
	MemoryContext before = MemoryContextSwitchTo(statement);

	if (emptied == NULL || emptied->statement != statement)
	{
		Emptied				  *of = palloc0(sizeof(Emptied));
		MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

		of->statement = statement;
		of->outer = emptied;
		callback->func = leave_statement;
		callback->arg = of;
		MemoryContextRegisterResetCallback(statement, callback);
		emptied = of;
	}
	emptied->tables = list_append_unique_oid(emptied->tables, source);
	MemoryContextSwitchTo(before);
	return emptied->tables;
}

/* The OIDs of some tables as an array in SQL. */
static char *
array_of(const List *tables)
{
	StringInfoData array;
	const char	  *separator = "'{";
	ListCell	  *lc;

	initStringInfo(&array);
	foreach (lc, tables)
	{
		appendStringInfo(&array, "%s%u", separator, lfirst_oid(lc));
		separator = ",";
	}
	appendStringInfoString(&array, "}'::oid[]::regclass[]");
	return array.data;
}

/* Take all rows of a source out of the histories beside it, and leave out those of other tables that go with it. */
static void
empty_histories(Oid source, const List *tables, Oid histories)
{
	OwnerSwitch before;

	CheckMayEmpty(source, histories);
	before = become_owner(histories);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(psprintf("SELECT crm_internal.empty_on_shards(%u::oid::regclass, %s)",
							 histories, array_of(tables)),
					false, 0) < 0)
		elog(ERROR, "could not follow TRUNCATE of \"%s\"", get_rel_name(source));
	SPI_finish();
	become_caller(&before);
}

/* A distributed table is about to be emptied: it has triggers that tell of it, its shards have none. */
void
truncate_on_shards(Oid source)
{
	const List *tables = emptied_with(source, MemoryContextGetParent(CurrentMemoryContext));
	Oid			done = InvalidOid;
	ListCell   *lc;

	foreach (lc, tracked_by_table(source))
	{
		const Tracked *tracked = lfirst(lc);

		if (tracked->on_shards && tracked->histories != done)
			empty_histories(source, tables, tracked->histories);
		done = tracked->histories;
	}
}
