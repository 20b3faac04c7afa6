/*
 * join_track.c: the triggers of joined tables: once the last statement has
 * ended, what all of them brought and took is written to the histories.
 */
#include "crm.h"

#include "live/delta.h"
#include "live/histories.h"
#include "live/join_track.h"
#include "live/owner.h"
#include "live/statements.h"
#include "live/tracked.h"
#include "live/tracking.h"

#include "access/table.h"
#include "access/xact.h"

/* ---- trackings ---- */

static int
compare_trackings(const ListCell *a, const ListCell *b)
{
	const Tracked *one = lfirst(a);
	const Tracked *other = lfirst(b);

	if (one->histories != other->histories)
		return CRM_COMPARE(one->histories, other->histories);
	return CRM_COMPARE(one->purchases, other->purchases);
}

static bool
has_tracking(const List *trackings, Oid purchases)
{
	ListCell *lc;

	foreach (lc, trackings)
		if (((const Tracked *) lfirst(lc))->purchases == purchases)
			return true;
	return false;
}

/* The trackings of views that join a table in which something changed, in the order of their histories. */
static List *
trackings_joining(const List *changes)
{
	List	 *found = NIL;
	ListCell *change;
	ListCell *lc;

	foreach (change, changes)
		foreach (lc, tracked_by_table(((const TableChange *) lfirst(change))->relid))
		{
			Tracked *tracked = lfirst(lc);

			if (tracked->joined != NIL && !has_tracking(found, tracked->purchases))
				found = lappend(found, tracked);
		}
	list_sort(found, compare_trackings);
	return found;
}

/* ---- what changes mean ---- */

static void
check_owns_tables(const Tracked *tracked, Relation histories)
{
	List	 *tables = lcons_oid(tracked->source, list_copy(tracked->joined));
	ListCell *lc;

	foreach (lc, tables)
	{
		Relation table = table_open(lfirst_oid(lc), AccessShareLock);

		CheckOwnerOfSource(table, histories);
		table_close(table, NoLock);
	}
}

/* Add what changes of its tables mean to one purchases view. */
static void
read_changes(const Tracked *tracked, const List *changes, Histories *histories, Deltas *deltas)
{
	Relation		view = table_open(tracked->purchases, AccessShareLock);
	const JoinPlan *plan;

	CheckSameOwner(view, histories_relation(histories));
	check_owns_tables(tracked, histories_relation(histories));
	plan = join_plan(view, tracked);
	if (plan)
	{
		CheckSameKeys(plan->reader, view, histories);
		join_read_changes(plan, changes, tables_truncated(), deltas);
	}
	table_close(view, NoLock);
}

/* Write what changes mean to one table of histories, by all views that feed it. */
static void
keep_histories(const Tracked *tracked, const List *trackings, const List *changes, const char *name)
{
	OwnerSwitch	  before = become_owner(tracked->histories);
	Histories	 *histories = histories_open(tracked, name);
	Deltas		 *deltas = deltas_create(histories_layout_of(histories));
	CustomerDelta delta;
	ListCell	 *lc;
	int64		  changed;

	foreach (lc, trackings)
	{
		const Tracked *other = lfirst(lc);

		if (other->histories == tracked->histories)
			read_changes(other, changes, histories, deltas);
	}
	/* others may have written them while their rows were waited for */
	histories_renew_snapshot(histories);
	while (deltas_next(deltas, &delta))
		histories_apply(histories, &delta);
	deltas_free(deltas);
	changed = histories_close(histories);
	if (tracked->notify && changed > 0)
		notify_listeners(tracked);
	become_caller(&before);
}

static void
keep_all_histories(const List *changes, Relation rel, const char *name)
{
	List	 *trackings = trackings_joining(changes);
	Oid		  done = InvalidOid;
	ListCell *lc;

	CommandCounterIncrement(); /* see the rows of the statements */
	foreach (lc, trackings)
	{
		const Tracked *tracked = lfirst(lc);

		CheckTrackingComplete(tracked, rel,
							  tracked->source == RelationGetRelid(rel) ? "source" : "joined");
		if (tracked->histories != done)
			keep_histories(tracked, trackings, changes, name);
		done = tracked->histories;
	}
}

/* ---- triggers ---- */

static bool
is_joined(const List *trackings)
{
	ListCell *lc;

	foreach (lc, trackings)
		if (((const Tracked *) lfirst(lc))->joined != NIL)
			return true;
	return false;
}

/*
 * A statement on a table has ended: if views join it, follow what it and those
 * within it brought and took, or keep that for the last; trackings are the
 * table's, NIL if there are no rows.
 */
void
joined_statement_ended(TriggerData *trigger, const List *trackings, const char *name)
{
	Relation	rel = trigger->tg_relation;
	TableChange change = {.relid = RelationGetRelid(rel),
						  .is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event),
						  .old_rows = trigger->tg_oldtable,
						  .new_rows = trigger->tg_newtable};
	List	   *kept;

	if (!statement_ended(change.relid))
	{
		if (is_joined(trackings))
			statement_keep(&change, rel);
		return;
	}
	kept = statements_take();
	if (kept != NIL || is_joined(trackings))
		keep_all_histories(is_joined(trackings) ? lappend(list_copy(kept), &change) : kept, rel,
						   name);
	changes_free(kept);
}

/* A table is about to lose all rows: take them away, and see it as empty from here on. */
void
joined_truncate_begins(TriggerData *trigger, const List *trackings)
{
	Relation	rel = trigger->tg_relation;
	TableChange change = {.relid = RelationGetRelid(rel), .emptied = true};

	if (!is_joined(trackings))
		return;
	if (statements_run())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot truncate \"%s\" while a statement on a joined table runs",
						RelationGetRelationName(rel)),
				 errdetail("A purchases view joins them, and the rows of the statement are not "
						   "known yet."),
				 errhint("Use DELETE in a trigger.")));
	keep_all_histories(list_make1(&change), rel, "truncate");
	truncate_begins(change.relid);
}

/* BEFORE INSERT, UPDATE or DELETE on a joined table, FOR EACH STATEMENT: it counts as running until its AFTER trigger. */
PG_FUNCTION_INFO_V1(crm_track_statement_begins);
Datum
crm_track_statement_begins(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);
	TriggerData *trigger =
		CheckCalledFor(fcinfo,
					   TRIGGER_FIRED_BEFORE(fired) && TRIGGER_FIRED_FOR_STATEMENT(fired) &&
						   !TRIGGER_FIRED_BY_TRUNCATE(fired),
					   "crm.track_statement_begins", "BEFORE a statement", "crm.track");

	statement_begins(RelationGetRelid(trigger->tg_relation));
	return PointerGetDatum(NULL);
}

/* AFTER TRUNCATE: the table may be filled again. */
PG_FUNCTION_INFO_V1(crm_track_truncate_ended);
Datum
crm_track_truncate_ended(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);
	TriggerData *trigger =
		CheckCalledFor(fcinfo, TRIGGER_FIRED_AFTER(fired) && TRIGGER_FIRED_BY_TRUNCATE(fired),
					   "crm.track_truncate_ended", "AFTER TRUNCATE", "crm.track");

	truncate_ended(RelationGetRelid(trigger->tg_relation));
	return PointerGetDatum(NULL);
}
