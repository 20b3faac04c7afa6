/*
 * track.c: the triggers of a tracked table.
 *
 * One set of triggers serves all trackings that a table feeds; what these are
 * stands in crm.tracked, so that names may change. Statements on a partition
 * fire the triggers of that partition, and count for its root.
 */
#include "crm.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/partition.h"
#include "live/delta.h"
#include "live/event.h"
#include "live/histories.h"
#include "live/join_track.h"
#include "live/owner.h"
#include "live/tracked.h"
#include "live/tracking.h"
#include "live/view.h"
#include "utils/snapmgr.h"

/* The rows that an event brought and took: from transition tables, one row, or a whole table. */
typedef struct Event
{
	TriggerData *trigger;
	const char	*name;
	void (*read)(struct Event *event, PurchaseReader *reader, Deltas *deltas);
} Event;

/* ---- rows ---- */

static void
add_purchase(PurchaseReader *reader, Deltas *deltas, TupleTableSlot *row, bool went)
{
	Datum		keys[INDEX_MAX_KEYS];
	PurchaseDay purchase;

	if (purchase_reader_read(reader, row, keys, &purchase))
		deltas_add(deltas, keys, &purchase, went);
}

static void
read_transition_table(Tuplestorestate *rows, Relation rel, PurchaseReader *reader, Deltas *deltas,
					  bool went)
{
	TupleTableSlot *row;

	if (has_no_rows(rows))
		return;
	row = open_transition_table(rows, rel);
	while (next_transition_row(rows, row))
		add_purchase(reader, deltas, row, went);
	ExecDropSingleTupleTableSlot(row);
}

/* The transition tables of a statement. */
static void
read_statement(Event *event, PurchaseReader *reader, Deltas *deltas)
{
	TriggerData *trigger = event->trigger;

	read_transition_table(trigger->tg_oldtable, trigger->tg_relation, reader, deltas, true);
	read_transition_table(trigger->tg_newtable, trigger->tg_relation, reader, deltas, false);
}

/* The old and the new version of one row. */
static void
read_row(Event *event, PurchaseReader *reader, Deltas *deltas)
{
	TriggerData *trigger = event->trigger;

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		add_purchase(reader, deltas, trigger->tg_trigslot, false);
	else
		add_purchase(reader, deltas, trigger->tg_trigslot, true);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		add_purchase(reader, deltas, trigger->tg_newslot, false);
}

/* All rows of a table that is about to lose them, whatever the transaction's snapshot. */
static void
read_table(Event *event, PurchaseReader *reader, Deltas *deltas)
{
	Relation		rel = event->trigger->tg_relation;
	TupleTableSlot *row = table_slot_create(rel, NULL);
	Snapshot		snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc	scan = table_beginscan(rel, snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		CHECK_FOR_INTERRUPTS();
		add_purchase(reader, deltas, row, true);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
}

/* ---- trackings ---- */

/* The table that a partition is part of, or the table itself. */
static Oid
root_of(Relation rel)
{
	List *ancestors;

	if (!rel->rd_rel->relispartition)
		return RelationGetRelid(rel);
	ancestors = get_partition_ancestors(RelationGetRelid(rel));
	return llast_oid(ancestors);
}

static const List *
trackings_of(Relation rel)
{
	const List *trackings = tracked_by_table(root_of(rel));

	if (trackings == NIL)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" has triggers of crm but is not tracked",
					RelationGetRelationName(rel)),
			 errhint("Call crm.track for its purchases view again, or drop the triggers crm_*.")));
	return trackings;
}

/* Add what an event means to one purchases view. */
static void
read_event(Event *event, Oid purchases, Histories *histories, Deltas *deltas)
{
	Relation		rel = event->trigger->tg_relation;
	Relation		view = table_open(purchases, AccessShareLock);
	Relation		source = table_open(root_of(rel), AccessShareLock);
	PurchaseReader *reader;

	CheckSameOwner(view, histories_relation(histories));
	CheckOwnerOfSource(source, histories_relation(histories));
	reader = purchase_reader_create(view, source, rel);
	CheckSameKeys(purchase_reader_plan(reader), view, histories);
	event->read(event, reader, deltas);
	purchase_reader_free(reader);
	table_close(source, NoLock);
	table_close(view, NoLock);
}

/* Write what an event means to the histories that some views feed. */
static void
keep_histories(Event *event, const Tracked *tracked, const List *trackings)
{
	OwnerSwitch	  before = become_owner(tracked->histories);
	Histories	 *histories = histories_open(tracked, event->name);
	Deltas		 *deltas = deltas_create(histories_layout_of(histories));
	CustomerDelta delta;
	ListCell	 *lc;
	int64		  changed;

	foreach (lc, trackings)
	{
		const Tracked *other = lfirst(lc);

		if (other->histories == tracked->histories && other->joined == NIL)
			read_event(event, other->purchases, histories, deltas);
	}
	while (deltas_next(deltas, &delta))
		histories_apply(histories, &delta);
	deltas_free(deltas);
	changed = histories_close(histories);
	if (tracked->notify && changed > 0)
		notify_listeners(tracked);
	become_caller(&before);
}

/* Write what an event means to views that read its table alone, table by table of histories, all sessions in one order. */
static void
keep_all_histories(Event *event, const List *trackings)
{
	Relation  rel = event->trigger->tg_relation;
	Oid		  done = InvalidOid;
	ListCell *lc;

	foreach (lc, trackings)
	{
		Tracked *tracked = lfirst(lc);

		if (tracked->joined != NIL)
			continue;
		CheckTrackingComplete(tracked, rel, "source");
		if (tracked->histories != done)
			keep_histories(event, tracked, trackings);
		done = tracked->histories;
	}
}

/* ---- triggers ---- */

static const char *
event_name(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "insert";
	if (TRIGGER_FIRED_BY_UPDATE(event))
		return "update";
	return TRIGGER_FIRED_BY_DELETE(event) ? "delete" : "truncate";
}

/* AFTER INSERT, UPDATE or DELETE, FOR EACH STATEMENT, with the transition tables. */
PG_FUNCTION_INFO_V1(crm_track_statement);
Datum
crm_track_statement(PG_FUNCTION_ARGS)
{
	TriggerData *trigger =
		CheckCalledFor(fcinfo, has_transition_tables(fcinfo), "crm.track_statement",
					   "AFTER a statement, with its transition tables", "crm.track");
	Event		event = {trigger, event_name(trigger->tg_event), read_statement};
	const List *trackings = NIL;

	if (!has_no_rows(trigger->tg_oldtable) || !has_no_rows(trigger->tg_newtable))
		trackings = trackings_of(trigger->tg_relation);
	keep_all_histories(&event, trackings);
	joined_statement_ended(trigger, trackings, event.name);
	return PointerGetDatum(NULL);
}

/* AFTER INSERT, UPDATE or DELETE, FOR EACH ROW: where statement triggers do not fire. */
PG_FUNCTION_INFO_V1(crm_track_row);
Datum
crm_track_row(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);
	TriggerData *trigger =
		CheckCalledFor(fcinfo, TRIGGER_FIRED_AFTER(fired) && TRIGGER_FIRED_FOR_ROW(fired),
					   "crm.track_row", "AFTER a row", "crm.track");
	Event event = {trigger, event_name(trigger->tg_event), read_row};

	keep_all_histories(&event, trackings_of(trigger->tg_relation));
	return PointerGetDatum(NULL);
}

/* BEFORE TRUNCATE: a partitioned table has no rows of its own, its partitions fire too. */
PG_FUNCTION_INFO_V1(crm_track_truncate);
Datum
crm_track_truncate(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);
	TriggerData *trigger =
		CheckCalledFor(fcinfo, TRIGGER_FIRED_BEFORE(fired) && TRIGGER_FIRED_BY_TRUNCATE(fired),
					   "crm.track_truncate", "BEFORE TRUNCATE", "crm.track");
	Event event = {trigger, event_name(trigger->tg_event), read_table};

	if (trigger->tg_relation->rd_rel->relkind == RELKIND_RELATION)
	{
		const List *trackings = trackings_of(trigger->tg_relation);

		keep_all_histories(&event, trackings);
		joined_truncate_begins(trigger, trackings);
	}
	return PointerGetDatum(NULL);
}
