/*
 * join_track.c: what the triggers of a table do beside the others' if a view
 * joins it.
 */
#include "crm.h"

#include "access/table.h"
#include "live/join.h"
#include "live/join_track.h"
#include "live/statements.h"
#include "live/tracking.h"

/* Add what changes of its tables mean to one purchases view. */
void
joined_read(const Tracked *tracked, const List *changes, Histories *histories, Deltas *deltas)
{
	Relation		view = table_open(tracked->purchases, AccessShareLock);
	const JoinPlan *plan;

	plan = join_plan(view, tracked);
	if (plan)
	{
		CheckSameKeys(plan->reader, view, histories);
		join_read_changes(plan, changes, tables_truncated(), deltas);
	}
	table_close(view, NoLock);
}

/* Whether a view joins a table to others. */
bool
is_joined(Oid table)
{
	ListCell *lc;

	foreach (lc, tracked_by_table(table))
		if (((const Tracked *) lfirst(lc))->joined != NIL)
			return true;
	return false;
}

/* A joined table must not lose all rows while a statement runs that may have brought some of them. */
void
CheckMayTruncate(Relation rel)
{
	if (statements_run())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot truncate \"%s\" while a statement on a joined table runs",
						RelationGetRelationName(rel)),
				 errdetail("A purchases view joins them, and the rows of the statement are not "
						   "known yet."),
				 errhint("Use DELETE in a trigger.")));
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
