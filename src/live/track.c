/*
 * track.c: the triggers of a tracked table.
 *
 * One set of triggers serves all trackings that a table feeds; what these are
 * stands in crm.tracked, so that names may change. Statements on a partition
 * fire the triggers of that partition, and count for its root.
 */
#include "crm.h"

#include "catalog/pg_trigger.h"
#include "live/follow.h"
#include "live/join_track.h"
#include "live/kept.h"
#include "live/on_shards.h"
#include "live/partitions.h"
#include "live/shards.h"
#include "live/tracked.h"
#include "utils/lsyscache.h"

/* The table that a partition is part of, or the table itself; of a shard that of the table that Citus has cut. */
static inline Oid
root_of(Relation rel)
{
	Oid distributed = shard_source(rel);

	if (OidIsValid(distributed))
		return partition_root(distributed);
	return rel->rd_rel->relispartition ? partition_root(RelationGetRelid(rel))
									   : RelationGetRelid(rel);
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

static TableChange
change_of(const TriggerData *trigger)
{
	TableChange change = {.relid = RelationGetRelid(trigger->tg_relation),
						  .root = root_of(trigger->tg_relation),
						  .is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event),
						  .old_rows = trigger->tg_oldtable,
						  .new_rows = trigger->tg_newtable};

	return change;
}

/*
 * A table that has triggers of crm but is not tracked, a detached partition or
 * one that was restored without the catalogue, can be written; who writes is
 * told, once a session.
 */
static void
warn_of_no_tracking(const TableChange *change)
{
	static Oid	  warned = InvalidOid;
	static Oid	  tracked = InvalidOid;
	static uint64 tracked_at;

	if (change->relid == warned || (change->root == tracked && tracked_at == kept_changes_heard()))
		return;
	if (tracked_by_table(change->root) != NIL)
	{
		tracked = change->root;
		tracked_at = kept_changes_heard();
		return;
	}
	warned = change->relid;
	ereport(
		WARNING,
		(errmsg("table \"%s\" has triggers of crm but is not tracked", get_rel_name(change->relid)),
		 errhint("Call crm.track for its purchases view again, or drop the triggers crm_*.")));
}

/* A statement has ended: follow what it and those within it brought and took, or keep that for the last. */
static void
end_statement(TriggerData *trigger)
{
	Relation	rel = trigger->tg_relation;
	TableChange change = change_of(trigger);
	Event		event = {.rel = rel, .root = change.root, .name = event_name(trigger->tg_event)};
	bool		has_rows = !has_no_rows(change.old_rows) || !has_no_rows(change.new_rows);
	List	   *kept;

	if (!statement_ended(change.relid))
	{
		if (has_rows)
			statement_keep(&change, rel);
		return;
	}
	if (has_rows)
		warn_of_no_tracking(&change);
	kept = statements_take();
	event.nested = kept != NIL;
	event.changes = has_rows ? lappend(list_copy(kept), &change) : kept;
	if (event.changes != NIL)
		follow_event(&event);
	changes_free(kept);
}

/* AFTER INSERT, UPDATE or DELETE, FOR EACH STATEMENT, with the transition tables. */
PG_FUNCTION_INFO_V1(crm_track_statement);
Datum
crm_track_statement(PG_FUNCTION_ARGS)
{
	end_statement(CheckCalledFor(fcinfo, has_transition_tables(fcinfo), "crm.track_statement",
								 "AFTER a statement, with its transition tables", "crm.track"));
	return PointerGetDatum(NULL);
}

static inline bool
fires_now(const Trigger *trigger)
{
	return trigger->tgenabled == TRIGGER_FIRES_ALWAYS ||
		   trigger->tgenabled == (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA
									  ? TRIGGER_FIRES_ON_REPLICA
									  : TRIGGER_FIRES_ON_ORIGIN);
}

/*
 * Whether a trigger tells the end of statements of a kind, by its function; begins is
 * the function that told the beginning. Which function that was is known until
 * something changes.
 */
static bool
tells_end(const Trigger *trigger, TriggerEvent event, Oid begins)
{
	static Oid	  known = InvalidOid;
	static uint64 known_at;
	int16		  kind = TRIGGER_FIRED_BY_INSERT(event)	  ? TRIGGER_TYPE_INSERT
						 : TRIGGER_FIRED_BY_UPDATE(event) ? TRIGGER_TYPE_UPDATE
														  : TRIGGER_TYPE_DELETE;
	char		 *name;

	if (!TRIGGER_FOR_AFTER(trigger->tgtype) || TRIGGER_FOR_ROW(trigger->tgtype) ||
		(trigger->tgtype & kind) == 0 || !fires_now(trigger))
		return false;
	if (trigger->tgfoid == known && known_at == kept_changes_heard())
		return true;
	if (get_func_namespace(trigger->tgfoid) != get_func_namespace(begins))
		return false;
	name = get_func_name(trigger->tgfoid);
	if (strcmp(name, "track_statement") != 0 && strcmp(name, "track_statement_ended") != 0)
		return false;
	known = trigger->tgfoid;
	known_at = kept_changes_heard();
	return true;
}

/* Whether the end of the statement that begins will be told: an administrator may have disabled that trigger. */
static bool
end_will_be_told(const TriggerData *trigger, Oid begins)
{
	const TriggerDesc *triggers = trigger->tg_relation->trigdesc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
		if (tells_end(&triggers->triggers[i], trigger->tg_event, begins))
			return true;
	return false;
}

/* BEFORE INSERT, UPDATE or DELETE, FOR EACH STATEMENT: it counts as running until its AFTER trigger. */
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

	if (end_will_be_told(trigger, fcinfo->flinfo->fn_oid))
		statement_begins(RelationGetRelid(trigger->tg_relation));
	return PointerGetDatum(NULL);
}

/* AFTER INSERT, UPDATE or DELETE, FOR EACH STATEMENT, of a table whose rows are followed one by one. */
PG_FUNCTION_INFO_V1(crm_track_statement_ended);
Datum
crm_track_statement_ended(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);

	end_statement(CheckCalledFor(fcinfo,
								 TRIGGER_FIRED_AFTER(fired) && TRIGGER_FIRED_FOR_STATEMENT(fired) &&
									 !TRIGGER_FIRED_BY_TRUNCATE(fired),
								 "crm.track_statement_ended", "AFTER a statement", "crm.track"));
	return PointerGetDatum(NULL);
}

/*
 * AFTER INSERT, UPDATE or DELETE, FOR EACH ROW: where statement triggers do not
 * fire. Where they do, the row is kept until the statement ends.
 */
PG_FUNCTION_INFO_V1(crm_track_row);
Datum
crm_track_row(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);
	TriggerData *trigger =
		CheckCalledFor(fcinfo, TRIGGER_FIRED_AFTER(fired) && TRIGGER_FIRED_FOR_ROW(fired),
					   "crm.track_row", "AFTER a row", "crm.track");
	TableChange change = change_of(trigger);
	Event		event = {.rel = trigger->tg_relation,
						 .root = change.root,
						 .name = event_name(fired),
						 .row = trigger};

	if (statements_run())
		statement_keep_row(&change, TRIGGER_FIRED_BY_INSERT(fired) ? NULL : trigger->tg_trigslot,
						   TRIGGER_FIRED_BY_INSERT(fired)	? trigger->tg_trigslot
						   : TRIGGER_FIRED_BY_UPDATE(fired) ? trigger->tg_newslot
															: NULL);
	else
		follow_event(&event);
	return PointerGetDatum(NULL);
}

/*
 * BEFORE TRUNCATE: a partitioned table has no rows of its own, its partitions
 * fire too; a distributed one tells of its shards. A table that views join is empty for the others from here on.
 */
PG_FUNCTION_INFO_V1(crm_track_truncate);
Datum
crm_track_truncate(PG_FUNCTION_ARGS)
{
	TriggerEvent fired = fired_event(fcinfo);
	TriggerData *trigger =
		CheckCalledFor(fcinfo, TRIGGER_FIRED_BEFORE(fired) && TRIGGER_FIRED_BY_TRUNCATE(fired),
					   "crm.track_truncate", "BEFORE TRUNCATE", "crm.track");
	TableChange change = change_of(trigger);
	Event		event = {.rel = trigger->tg_relation, .root = change.root, .name = "truncate"};

	if (trigger->tg_relation->rd_rel->relkind != RELKIND_RELATION)
		return PointerGetDatum(NULL);
	/* a shard that was moved has this trigger too, one that was made has not */
	if (OidIsValid(shard_source(trigger->tg_relation)))
		return PointerGetDatum(NULL);
	if (citus_table(change.relid) != NULL)
	{
		truncate_on_shards(change.relid);
		return PointerGetDatum(NULL);
	}
	change.emptied = true;
	event.changes = list_make1(&change);
	if (is_joined(change.root))
		CheckMayTruncate(trigger->tg_relation);
	if (statements_run())
		statement_keep_table(trigger->tg_relation, change.root);
	else
		follow_event(&event);
	if (is_joined(change.root))
		truncate_begins(change.relid);
	return PointerGetDatum(NULL);
}

/* (relation regclass) -> boolean: whether a statement runs on a tracked table, or a partition of it, whose rows are still to be told. */
PG_FUNCTION_INFO_V1(crm_statement_runs);
Datum
crm_statement_runs(PG_FUNCTION_ARGS)
{
	ListCell *lc;

	foreach (lc, statements_tables())
		if (lfirst_oid(lc) == PG_GETARG_OID(0) ||
			(get_rel_relispartition(lfirst_oid(lc)) &&
			 partition_root(lfirst_oid(lc)) == PG_GETARG_OID(0)))
			PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}
