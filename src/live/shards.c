/*
 * shards.c: which tables Citus knows, and by which column it gives the rows of a
 * table to its shards.
 *
 * Nothing of Citus is linked: it is its catalogue that tells, where there is one.
 */
#include "crm.h"

#include "live/shards.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_namespace.h"
#include "live/kept.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* A row of pg_dist_partition, as far as it is read here. */
typedef struct CitusTable
{
	const char *kind;	/* in words; NULL for a table that Citus does not know */
	AttrNumber	column; /* by which its rows are distributed; 0 if by none */
} CitusTable;

/* A column of a row of Citus's catalogue, which differs between its versions; null where there is none. */
Datum
citus_column(Relation catalog, HeapTuple row, const char *name, bool *isnull)
{
	AttrNumber column = get_attnum(RelationGetRelid(catalog), name);

	*isnull = true;
	return column == InvalidAttrNumber
			   ? (Datum) 0
			   : heap_getattr(row, column, RelationGetDescr(catalog), isnull);
}

static char
citus_char(Relation catalog, HeapTuple row, const char *name)
{
	bool  isnull;
	Datum value = citus_column(catalog, row, name, &isnull);

	return isnull ? 0 : DatumGetChar(value);
}

/* The number of the column in the node tree that Citus keeps of it, a Var; 0 if there is none. */
static AttrNumber
distribution_column(Relation catalog, HeapTuple row)
{
	static const char field[] = ":varattno ";
	bool			  isnull;
	Datum			  key = citus_column(catalog, row, "partkey", &isnull);
	const char		 *at = isnull ? NULL : strstr(TextDatumGetCString(key), field);

	return at ? (AttrNumber) atoi(at + strlen(field)) : InvalidAttrNumber;
}

static CitusTable
read_citus_table(Relation catalog, HeapTuple row)
{
	CitusTable table = {"a local table", InvalidAttrNumber};

	if (citus_char(catalog, row, "partmethod") != 'n')
	{
		table.kind = "a distributed table";
		table.column = distribution_column(catalog, row);
	}
	else if (citus_char(catalog, row, "repmodel") == 't')
		table.kind = "a reference table";
	return table;
}

/* What Citus knows of a table; nothing where it is not there. */
static CitusTable
find_citus_table(Oid relid)
{
	CitusTable	table = {NULL, InvalidAttrNumber};
	Oid			catalog_oid = get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE);
	Relation	catalog;
	SysScanDesc scan;
	HeapTuple	row;

	if (!OidIsValid(catalog_oid))
		return table;
	catalog = table_open(catalog_oid, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (table.kind == NULL && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		bool  isnull;
		Datum of = citus_column(catalog, row, "logicalrelid", &isnull);

		if (!isnull && DatumGetObjectId(of) == relid)
			table = read_citus_table(catalog, row);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return table;
}

/*
 * What a table is to Citus, which keeps its rows in shards and fires no
 * triggers of the table, in words; NULL where Citus does not know it, or is not there.
 */
const char *
citus_table(Oid relid)
{
	return find_citus_table(relid).kind;
}

/* The number of the column by which a table is distributed; 0 if by none. */
AttrNumber
citus_distribution_column(Oid relid)
{
	return find_citus_table(relid).column;
}

/* (relation regclass) -> boolean: whether Citus keeps the rows of a table. */
PG_FUNCTION_INFO_V1(crm_is_of_citus);
Datum
crm_is_of_citus(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(citus_table(PG_GETARG_OID(0)) != NULL);
}

/* ---- histories that were given away ---- */

static void *
make_rows_are_here(const void *relid)
{
	bool *here = palloc(sizeof(bool));

	*here = citus_table(*(const Oid *) relid) == NULL;
	return here;
}

/* Whether Citus is installed; the table that tells is made and dropped with it, which all sessions hear. */
static bool
citus_is_here(void)
{
	static bool	  known = false;
	static bool	  here;
	static uint64 known_at;
	uint64		  heard = kept_changes_heard();

	if (!known || known_at != heard)
	{
		here = OidIsValid(get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE));
		known_at = heard;
		known = true;
	}
	return here;
}

/*
 * An error if the rows of a table of histories are on shards: what stands in the
 * table itself since is nobody's. What Citus does to a table is told to all sessions.
 */
void
CheckRowsAreHere(Relation histories)
{
	Oid		relid = RelationGetRelid(histories);
	KeptKey key = {KEPT_ROWS_ARE_HERE, {relid}};

	if (citus_is_here() && !*(bool *) kept_find_or_make(&key, make_rows_are_here, &relid))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("histories \"%s\" have become %s of Citus", RelationGetRelationName(histories),
					citus_table(relid)),
			 errdetail("Triggers write the histories of tables that are in one place."),
			 errhint(
				 "Call crm.untrack, drop them and their rules, and call crm.track again: they are "
				 "made of the orders.")));
}
