/*
 * live_catalog.c: the rows of crm.tracked as the triggers see them, and the
 * switch to the user that the upkeep runs as.
 */
#include "crm.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "live.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* The columns of crm.tracked that are read here, in the order of its definition. */
enum
{
	TRACKED_PURCHASES = 1,
	TRACKED_SOURCE,
	TRACKED_HISTORIES,
	TRACKED_SCORING,
	TRACKED_CHANGES,
	TRACKED_NOTIFY
};

static Oid
oid_column(HeapTuple row, TupleDesc desc, AttrNumber column)
{
	bool  isnull;
	Datum value = heap_getattr(row, column, desc, &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(value);
}

/* A row; decisions came with 0.2.0, wherever their columns stand, and are none before the extension is updated. */
static Tracked *
read_tracked(HeapTuple row, Relation catalogue)
{
	TupleDesc  desc = RelationGetDescr(catalogue);
	AttrNumber decisions = get_attnum(RelationGetRelid(catalogue), "decisions");
	Tracked	  *tracked = palloc(sizeof(Tracked));
	Datum	   by_invitation;
	bool	   isnull;

	tracked->purchases = oid_column(row, desc, TRACKED_PURCHASES);
	tracked->source = oid_column(row, desc, TRACKED_SOURCE);
	tracked->histories = oid_column(row, desc, TRACKED_HISTORIES);
	tracked->scoring = oid_column(row, desc, TRACKED_SCORING);
	tracked->changes = oid_column(row, desc, TRACKED_CHANGES);
	tracked->notify = DatumGetBool(heap_getattr(row, TRACKED_NOTIFY, desc, &isnull));
	tracked->decisions = InvalidOid;
	tracked->by_invitation = false;
	if (decisions != InvalidAttrNumber)
	{
		tracked->decisions = oid_column(row, desc, decisions);
		by_invitation = heap_getattr(row, get_attnum(RelationGetRelid(catalogue), "by_invitation"),
									 desc, &isnull);
		tracked->by_invitation = !isnull && DatumGetBool(by_invitation);
	}
	return tracked;
}

static Oid
catalogue_relid(void)
{
	return get_relname_relid("tracked", get_namespace_oid("crm", false));
}

/*
 * The trackings with an OID in a column, as Tracked. What is committed now
 * counts, whatever the transaction's own snapshot; and the caller needs no
 * rights on the catalogue.
 */
static List *
tracked_where(AttrNumber column, Oid value)
{
	Oid			relid = catalogue_relid();
	Relation	catalogue = table_open(relid, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	List	   *found = NIL;

	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
	scan = systable_beginscan(catalogue, InvalidOid, false, snapshot, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		found = lappend(found, read_tracked(row, catalogue));
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(catalogue, NoLock);
	return found;
}

/* The trackings that a table feeds. */
List *
tracked_by_source(Oid source)
{
	return tracked_where(TRACKED_SOURCE, source);
}

/* The tracking of a table of histories. */
Tracked *
tracked_by_histories(Oid histories)
{
	List *found = tracked_where(TRACKED_HISTORIES, histories);

	if (found == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" holds no tracked histories", get_rel_name(histories))));
	return linitial(found);
}

/* The tracking of a table of decisions. */
Tracked *
tracked_by_decisions(Oid decisions)
{
	List *found = tracked_where(get_attnum(catalogue_relid(), "decisions"), decisions);

	if (found == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has triggers of crm but its decisions are not tracked",
						get_rel_name(decisions)),
				 errhint("Drop the triggers crm_*, and call crm.track_tiers for a new table.")));
	return linitial(found);
}

/* The owner of a relation. */
Oid
relation_owner(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid		  owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation with OID %u does not exist", relid)));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* ---- what an owner may have made of the tables: crm.tracked names any, and their columns change ---- */

/* A table with rows of its own, and not a view or a partitioned table. */
Relation
open_plain_table(Oid relid, LOCKMODE lock)
{
	Relation rel = table_open(relid, lock);

	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" cannot serve a tracking: it is not a plain table",
							   RelationGetRelationName(rel))));
	return rel;
}

/* A type of the extension. */
Oid
crm_type(const char *name)
{
	Oid schema = get_namespace_oid("crm", false);
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
							   ObjectIdGetDatum(schema));

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("type crm.%s does not exist", name)));
	return type;
}

/* A column by its name, whose values are stored as those of a type. */
AttrNumber
column_of_type(Relation rel, const char *name, Oid type)
{
	AttrNumber column = get_attnum(RelationGetRelid(rel), name);
	Oid		   found;

	if (column <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table \"%s\" of a tracking has no column \"%s\"",
							   RelationGetRelationName(rel), name)));
	found = TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypid;
	if (found != type && !IsBinaryCoercible(found, type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of \"%s\" has type %s", name,
							   RelationGetRelationName(rel), format_type_be(found)),
						errdetail("A tracking needs type %s there.", format_type_be(type))));
	return column;
}

/*
 * Run as the owner of a table from here on, with a search path that nobody
 * else can write to and without row security. An error puts all of it back.
 */
OwnerSwitch
become_owner(Oid relid)
{
	OwnerSwitch before;

	GetUserIdAndSecContext(&before.userid, &before.sec_context);
	SetUserIdAndSecContext(relation_owner(relid), before.sec_context |
													  SECURITY_LOCAL_USERID_CHANGE |
													  SECURITY_RESTRICTED_OPERATION);
	before.guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("row_security", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return before;
}

void
become_caller(const OwnerSwitch *before)
{
	AtEOXact_GUC(false, before->guc_level);
	SetUserIdAndSecContext(before->userid, before->sec_context);
}
