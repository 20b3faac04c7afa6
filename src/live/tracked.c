/*
 * tracked.c: the rows of crm.tracked as the triggers see them.
 */
#include "crm.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "live/event.h"
#include "live/kept.h"
#include "live/tracked.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
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

/* The OIDs of an array column that came with 0.3.0; none before the extension is updated. */
static List *
oids_column(HeapTuple row, Relation catalogue, const char *name)
{
	AttrNumber column = get_attnum(RelationGetRelid(catalogue), name);
	List	  *oids = NIL;
	Datum	   array;
	Datum	  *elements;
	int		   n;
	bool	   isnull = true;

	if (column != InvalidAttrNumber)
		array = heap_getattr(row, column, RelationGetDescr(catalogue), &isnull);
	if (isnull)
		return NIL;
	deconstruct_array(DatumGetArrayTypeP(array), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elements, NULL, &n);
	for (int i = 0; i < n; i++)
		oids = lappend_oid(oids, DatumGetObjectId(elements[i]));
	return oids;
}

/* Whether the upkeep is at commit, by a column that came with 0.3.0. */
static bool
is_at_commit(HeapTuple row, Relation catalogue)
{
	AttrNumber column = get_attnum(RelationGetRelid(catalogue), "upkeep");
	Datum	   upkeep;
	bool	   isnull = true;

	if (column != InvalidAttrNumber)
		upkeep = heap_getattr(row, column, RelationGetDescr(catalogue), &isnull);
	return !isnull && strcmp(TextDatumGetCString(upkeep), "commit") == 0;
}

/* Whether triggers on shards keep it, by a column that came with 0.3.0. */
static bool
is_on_shards(HeapTuple row, Relation catalogue)
{
	AttrNumber column = get_attnum(RelationGetRelid(catalogue), "on_shards");

	return column != InvalidAttrNumber &&
		   OidIsValid(oid_column(row, RelationGetDescr(catalogue), column));
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
	tracked->joined = oids_column(row, catalogue, "joined");
	tracked->histories = oid_column(row, desc, TRACKED_HISTORIES);
	tracked->scoring = oid_column(row, desc, TRACKED_SCORING);
	tracked->changes = oid_column(row, desc, TRACKED_CHANGES);
	tracked->notify = DatumGetBool(heap_getattr(row, TRACKED_NOTIFY, desc, &isnull));
	tracked->at_commit = is_at_commit(row, catalogue);
	tracked->on_shards = is_on_shards(row, catalogue);
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

/* crm.tracked itself. */
Oid
tracked_relid(void)
{
	return get_relname_relid("tracked", get_namespace_oid("crm", false));
}

/* The rows that are read as such are those of crm.tracked. */
static inline void
CheckIsCatalogue(Relation rel)
{
	if (RelationGetRelid(rel) != tracked_relid())
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not crm.tracked", RelationGetRelationName(rel))));
}

/*
 * The trackings with an OID in a column, or all without one, as Tracked. What is committed now
 * counts, whatever the transaction's own snapshot; and the caller needs no
 * rights on the catalogue.
 */
static List *
tracked_where(AttrNumber column, Oid value)
{
	Oid			relid = tracked_relid();
	Relation	catalogue = table_open(relid, AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	List	   *found = NIL;

	if (column != InvalidAttrNumber)
		ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
	scan = systable_beginscan(catalogue, InvalidOid, false, snapshot,
							  column != InvalidAttrNumber ? 1 : 0, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		found = lappend(found, read_tracked(row, catalogue));
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(catalogue, NoLock);
	return found;
}

/* ---- by the table that feeds them, kept over the session ---- */

static int
compare_histories(const ListCell *a, const ListCell *b)
{
	return CRM_COMPARE(((Tracked *) lfirst(a))->histories, ((Tracked *) lfirst(b))->histories);
}

/* Trackings of views that read the table alone or join it. */
static void *
make_trackings(const void *table)
{
	Oid		  relid = *(const Oid *) table;
	List	 *trackings = NIL;
	ListCell *lc;

	foreach (lc, tracked_where(InvalidAttrNumber, InvalidOid))
	{
		Tracked *tracked = lfirst(lc);

		if (tracked->source == relid || list_member_oid(tracked->joined, relid))
			trackings = lappend(trackings, tracked);
	}
	list_sort(trackings, compare_histories);
	return trackings;
}

/* Whether a change of a row is told to all sessions: not yet if the extension waits for its update. */
static bool
changes_are_told(Oid catalogue)
{
	Relation rel = table_open(catalogue, AccessShareLock);
	bool	 told = false;

	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
		if (strcmp(rel->trigdesc->triggers[i].tgname, "changed") == 0 &&
			rel->trigdesc->triggers[i].tgenabled == TRIGGER_FIRES_ALWAYS)
			told = true;
	table_close(rel, NoLock);
	return told;
}

/* The trackings that a table feeds, as Tracked, in the order of their histories: the same for all sessions. */
const List *
tracked_by_table(Oid source)
{
	static Oid catalogue = InvalidOid;
	KeptKey	   key = {KEPT_TRACKINGS, {source, catalogue}};
	List	  *trackings;

	/* a transaction that takes no new lock has not heard yet */
	AcceptInvalidationMessages();
	trackings = kept_find(&key);
	if (trackings == NIL)
	{
		key.relations[1] = catalogue = tracked_relid();
		trackings = kept_find_or_make(&key, make_trackings, &source);
		if (!changes_are_told(catalogue))
			kept_forget(&key);
	}
	return trackings;
}

static void
tell_table(Oid relid)
{
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		CacheInvalidateRelcacheByRelid(relid);
}

/* Tell all sessions, when this transaction commits, to look anew at what the tables of a tracking feed. */
static void
tell(HeapTuple row, Relation catalogue)
{
	List	 *joined = oids_column(row, catalogue, "joined");
	ListCell *lc;

	tell_table(oid_column(row, RelationGetDescr(catalogue), TRACKED_SOURCE));
	foreach (lc, joined)
		tell_table(lfirst_oid(lc));
}

/* AFTER a row of crm.tracked has changed. */
PG_FUNCTION_INFO_V1(crm_tracked_changed);
Datum
crm_tracked_changed(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);
	TriggerData *trigger =
		CheckCalledFor(fcinfo, TRIGGER_FIRED_AFTER(fired) && TRIGGER_FIRED_FOR_ROW(fired),
					   "crm.tracked_changed", "AFTER a row", "CREATE EXTENSION");

	CheckIsCatalogue(trigger->tg_relation);
	tell(trigger->tg_trigtuple, trigger->tg_relation);
	if (TRIGGER_FIRED_BY_UPDATE(fired))
		tell(trigger->tg_newtuple, trigger->tg_relation);
	return PointerGetDatum(NULL);
}

/* ---- by a table that belongs to one ---- */

/* The tracking of a purchases view; NULL if there is none. */
Tracked *
tracked_by_purchases(Oid purchases)
{
	List *found = tracked_where(TRACKED_PURCHASES, purchases);

	return found == NIL ? NULL : linitial(found);
}

/* The tracking of a table of histories; NULL if there is none. */
Tracked *
tracked_by_histories_if_any(Oid histories)
{
	List *found = tracked_where(TRACKED_HISTORIES, histories);

	return found == NIL ? NULL : linitial(found);
}

/* The tracking of a table of histories. */
Tracked *
tracked_by_histories(Oid histories)
{
	Tracked *tracked = tracked_by_histories_if_any(histories);

	if (tracked == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" holds no tracked histories", get_rel_name(histories))));
	return tracked;
}

/* The tracking of a table of decisions. */
Tracked *
tracked_by_decisions(Oid decisions)
{
	List *found = tracked_where(get_attnum(tracked_relid(), "decisions"), decisions);

	if (found == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has triggers of crm but its decisions are not tracked",
						get_rel_name(decisions)),
				 errhint("Drop the triggers crm_*, and call crm.track_tiers for a new table.")));
	return linitial(found);
}
