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

/* Whether the owner of the histories has all tables of a view, or acts for who has. */
static bool
tables_are_of_owner(const Tracked *tracked, Relation view, Relation histories)
{
	List	 *tables = lcons_oid(tracked->source, list_copy(tracked->joined));
	bool	  all = true;
	ListCell *lc;

	foreach (lc, tables)
	{
		Relation table = table_open(lfirst_oid(lc), AccessShareLock);

		all = all && table_is_of_owner(table, view, histories);
		table_close(table, NoLock);
	}
	return all;
}

/* Add what changes of its tables mean to one purchases view. */
void
joined_read(const Tracked *tracked, const List *changes, Histories *histories, Deltas *deltas)
{
	Relation		view = table_open(tracked->purchases, AccessShareLock);
	const JoinPlan *plan = NULL;

	if (view_is_of_owner(view, histories_relation(histories)) &&
		tables_are_of_owner(tracked, view, histories_relation(histories)))
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
