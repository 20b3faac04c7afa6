/*
 * follow.c: from the changes of tables to the histories that they feed: all
 * views that feed a table of histories are read into one set of deltas, so that
 * a customer is written once, as it is at the end.
 */
#include "live/follow.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "live/delta.h"
#include "live/histories.h"
#include "live/join_track.h"
#include "live/on_shards.h"
#include "live/owner.h"
#include "live/pending.h"
#include "live/tracked.h"
#include "live/tracking.h"
#include "live/view.h"
#include "utils/snapmgr.h"

/* ---- rows of a view that reads one table alone ---- */

static void
add_purchase(PurchaseReader *reader, Deltas *deltas, TupleTableSlot *row, bool went)
{
	Datum	keys[INDEX_MAX_KEYS];
	ViewRow said;

	if (purchase_reader_read(reader, row, keys, &said))
		deltas_add(deltas, keys, &said, went);
}

static void
read_rows(Tuplestorestate *rows, Relation rel, PurchaseReader *reader, Deltas *deltas, bool went)
{
	TupleTableSlot *row;

	if (has_no_rows(rows))
		return;
	row = open_transition_table(rows, rel);
	while (next_transition_row(rows, row))
		add_purchase(reader, deltas, row, went);
	ExecDropSingleTupleTableSlot(row);
}

/* The old and the new version of one row. */
static void
read_row(const TriggerData *trigger, PurchaseReader *reader, Deltas *deltas)
{
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		add_purchase(reader, deltas, trigger->tg_trigslot, false);
	else
		add_purchase(reader, deltas, trigger->tg_trigslot, true);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		add_purchase(reader, deltas, trigger->tg_newslot, false);
}

/* All rows of a table that is about to lose them, whatever the transaction's snapshot. */
static void
read_table(Relation rel, PurchaseReader *reader, Deltas *deltas)
{
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

/* Add what a change of a table or of a partition of it, or a single row if there is none, means to a view. */
static void
read_change(const Event *event, const TableChange *change, Relation source, Relation view,
			Histories *histories, Deltas *deltas)
{
	bool			is_part = change && change->relid != RelationGetRelid(source);
	Relation		rel = change == NULL ? event->rel
						  : is_part		 ? table_open(change->relid, AccessShareLock)
										 : source;
	PurchaseReader *reader = purchase_reader_create(view, source, rel);

	CheckSameKeys(purchase_reader_plan(reader), view, histories);
	if (change == NULL)
		read_row(event->row, reader, deltas);
	else if (change->emptied)
		read_table(rel, reader, deltas);
	else
	{
		read_rows(change->old_rows, rel, reader, deltas, true);
		read_rows(change->new_rows, rel, reader, deltas, false);
	}
	purchase_reader_free(reader);
	if (is_part)
		table_close(rel, NoLock);
}

/* Add what an event means to a view that reads one table alone. */
static void
read_single(const Event *event, const Tracked *tracked, Histories *histories, Deltas *deltas)
{
	Relation  view = table_open(tracked->purchases, AccessShareLock);
	Relation  source = table_open(tracked->source, AccessShareLock);
	ListCell *lc;

	if (view_is_of_owner(view, histories_relation(histories)) &&
		table_is_of_owner(source, view, histories_relation(histories)))
	{
		if (event->row)
			read_change(event, NULL, source, view, histories, deltas);
		foreach (lc, event->changes)
			if (((const TableChange *) lfirst(lc))->root == tracked->source)
				read_change(event, lfirst(lc), source, view, histories, deltas);
	}
	table_close(source, NoLock);
	table_close(view, NoLock);
}

/* ---- trackings ---- */

static bool
has_tracking(const List *trackings, Oid purchases)
{
	ListCell *lc;

	foreach (lc, trackings)
		if (((const Tracked *) lfirst(lc))->purchases == purchases)
			return true;
	return false;
}

static int
compare_trackings(const ListCell *a, const ListCell *b)
{
	const Tracked *one = lfirst(a);
	const Tracked *other = lfirst(b);

	if (one->histories != other->histories)
		return CRM_COMPARE(one->histories, other->histories);
	return CRM_COMPARE(one->purchases, other->purchases);
}

/* The trackings that an event is one of, in the order of their histories: the same for all sessions. */
static const List *
trackings_of(const Event *event)
{
	List	 *found = NIL;
	ListCell *change;
	ListCell *lc;

	if (event->row)
		return tracked_by_table(event->root);
	if (list_length(event->changes) == 1)
		return tracked_by_table(((const TableChange *) linitial(event->changes))->root);
	foreach (change, event->changes)
		foreach (lc, tracked_by_table(((const TableChange *) lfirst(change))->root))
			if (!has_tracking(found, ((const Tracked *) lfirst(lc))->purchases))
				found = lappend(found, lfirst(lc));
	list_sort(found, compare_trackings);
	return found;
}

static bool
has_joined(const List *trackings)
{
	ListCell *lc;

	foreach (lc, trackings)
		if (((const Tracked *) lfirst(lc))->joined != NIL)
			return true;
	return false;
}

/* ---- writing ---- */

/* Whether a view that joins tables feeds the histories, of those that an event is one of. */
static bool
read_all(const Event *event, const Tracked *tracked, const List *trackings, Histories *histories,
		 Deltas *deltas)
{
	bool	  joined = false;
	ListCell *lc;

	foreach (lc, trackings)
	{
		const Tracked *other = lfirst(lc);

		if (other->histories != tracked->histories)
			continue;
		if (other->joined == NIL)
			read_single(event, other, histories, deltas);
		else
		{
			joined_read(other, event->changes, histories, deltas);
			joined = true;
		}
	}
	return joined;
}

/* Write what an event means to one table of histories, by all views that feed it; place is where they stand, on a shard or as the tracking says. */
static void
keep_histories(const Event *event, const Tracked *tracked, const Tracked *place,
			   const List *trackings)
{
	OwnerSwitch	  before = become_owner(place->histories);
	Histories	 *histories = histories_open(place, event->name);
	Deltas		 *deltas = deltas_create(histories_layout_of(histories));
	CustomerDelta delta = {.one_statement = !event->nested};
	int64		  changed;

	/* others may have written customers while rows that they hold were waited for */
	if (read_all(event, tracked, trackings, histories, deltas))
	{
		delta.one_statement = false;
		histories_renew_snapshot(histories);
	}
	if (tracked->at_commit)
		pending_add(tracked, histories_layout_of(histories), deltas, event->name);
	else
		while (deltas_next(deltas, &delta))
			histories_apply(histories, &delta);
	deltas_free(deltas);
	changed = histories_close(histories);
	if (tracked->notify && changed > 0)
		notify_listeners(tracked);
	become_caller(&before);
	if (tracked->at_commit)
		pending_bound(tracked->histories);
}

/* Whether a table feeds some histories. */
static bool
feeds(const List *trackings, Oid histories, Oid table)
{
	ListCell *lc;

	foreach (lc, trackings)
		if (((const Tracked *) lfirst(lc))->histories == histories &&
			((const Tracked *) lfirst(lc))->source == table)
			return true;
	return false;
}

/* The same for histories on shards: what was changed on each is kept on the shard beside it. */
static void
keep_on_shards(const Event *event, const Tracked *tracked, const List *trackings)
{
	List *left = NIL;

	for (const List *changes = event->changes; changes != NIL; changes = left)
	{
		const Tracked *place = NULL;
		Event		   part = *event;
		ListCell	  *lc;

		left = NIL;
		part.changes = NIL;
		foreach (lc, changes)
		{
			const TableChange *change = lfirst(lc);
			const Tracked	  *of;

			if (!feeds(trackings, tracked->histories, change->root))
				continue;
			of = tracked_on_shard(tracked, change->relid);
			if (place == NULL)
				place = of;
			if (of->histories == place->histories)
				part.changes = lappend(part.changes, lfirst(lc));
			else
				left = lappend(left, lfirst(lc));
		}
		if (place)
			keep_histories(&part, tracked, place, trackings);
	}
}

/* Write what an event means to all histories that it is one of, table by table. */
void
follow_event(const Event *event)
{
	const List *trackings = trackings_of(event);
	Oid			done = InvalidOid;
	ListCell   *lc;

	if (has_joined(trackings))
		CommandCounterIncrement(); /* see the rows of the statements */
	foreach (lc, trackings)
	{
		const Tracked *tracked = lfirst(lc);

		CheckTrackingComplete(tracked, event->rel,
							  tracked->source == event->root ? "source" : "joined");
		if (tracked->histories != done && tracked->on_shards)
			keep_on_shards(event, tracked, trackings);
		else if (tracked->histories != done)
			keep_histories(event, tracked, tracked, trackings);
		done = tracked->histories;
	}
}
