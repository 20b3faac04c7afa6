/*
 * tracking.c: what has to hold of a tracking before its histories are written,
 * whichever trigger does it.
 */
#include "crm.h"

#include "live/kept.h"
#include "live/tracking.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static inline bool
is_there(Oid relid)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
}

static bool
are_there(const List *relids)
{
	ListCell *lc;

	foreach (lc, relids)
		if (!is_there(lfirst_oid(lc)))
			return false;
	return true;
}

/* The condition by which a table is found in a column of crm.tracked, as SQL. */
static char *
named_in(const char *column, Relation rel)
{
	const char *name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												  RelationGetRelationName(rel));

	return strcmp(column, "joined") == 0 ? psprintf("'%s'::regclass = ANY (joined)", name)
										 : psprintf("%s = '%s'::regclass", column, name);
}

/* What the histories of a tracking are written by is still there, whatever became of its view. */
bool
tracking_is_writable(const Tracked *tracked)
{
	return is_there(tracked->histories) && is_there(tracked->scoring) &&
		   (!OidIsValid(tracked->changes) || is_there(tracked->changes)) &&
		   (!OidIsValid(tracked->decisions) || is_there(tracked->decisions));
}

/*
 * What a tracking stands on is still there; rel is its source, a joined table or its decisions, the column of crm.tracked says which.
 * Of the last one that was, that is so until something changes.
 */
void
CheckTrackingComplete(const Tracked *tracked, Relation rel, const char *column)
{
	static Oid	  complete = InvalidOid;
	static uint64 complete_at;
	uint64		  heard = kept_changes_heard();

	if (tracked->purchases == complete && complete_at == heard)
		return;
	if (!is_there(tracked->purchases) || !are_there(tracked->joined) ||
		!tracking_is_writable(tracked))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("a table or view that tracks \"%s\" has been dropped",
							   RelationGetRelationName(rel)),
						errhint("Call SELECT crm.untrack(histories) FROM crm.tracked WHERE %s, "
								"then crm.track again.",
								named_in(column, rel))));
	complete = tracked->purchases;
	complete_at = heard;
}

/* The view's functions run as the owner of the histories, so it must be that owner's view. */
void
CheckSameOwner(Relation view, Relation histories)
{
	if (view->rd_rel->relowner != histories->rd_rel->relowner)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("purchases view \"%s\" and its histories \"%s\" have different owners",
						RelationGetRelationName(view), RelationGetRelationName(histories)),
				 errhint("Use ALTER TABLE ... OWNER TO to give both to one.")));
}

/* Who keeps histories of a table gets to see its rows, so must be its owner. */
void
CheckOwnerOfSource(Relation source, Relation histories)
{
	if (!has_privs_of_role(histories->rd_rel->relowner, source->rd_rel->relowner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("the owner of histories \"%s\" does not own table \"%s\"",
							   RelationGetRelationName(histories), RelationGetRelationName(source)),
						errhint("Use ALTER TABLE ... OWNER TO to give both to one.")));
}

/* Tell who writes, once a session, that a tracking follows nothing while a relation of it belongs to another. */
static void
warn_given_away(Relation away, Relation view)
{
	static Oid warned = InvalidOid;

	if (warned == RelationGetRelid(view))
		return;
	warned = RelationGetRelid(view);
	ereport(WARNING,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("tracking \"%s\" does not follow what is written: the owner of its histories "
					"does not own \"%s\"",
					RelationGetRelationName(view), RelationGetRelationName(away)),
			 errhint("Use ALTER ... OWNER TO to give all of it to one, then call crm.rebuild.")));
}

/* Whether a view may be evaluated by the owner of the histories; one that was given away stops nobody's statement. */
bool
view_is_of_owner(Relation view, Relation histories)
{
	if (view->rd_rel->relowner == histories->rd_rel->relowner)
		return true;
	warn_given_away(view, view);
	return false;
}

/* Whether the owner of the histories may see the rows of a table that feeds them. */
bool
table_is_of_owner(Relation table, Relation view, Relation histories)
{
	if (has_privs_of_role(histories->rd_rel->relowner, table->rd_rel->relowner))
		return true;
	warn_given_away(table, view);
	return false;
}

/* The keys of a view are those of the histories, or its values would be taken for others. */
void
CheckSameKeys(const ReaderPlan *plan, Relation view, Histories *histories)
{
	if (!reader_plan_fits(plan, histories_layout_of(histories)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the key columns of purchases view \"%s\" are not those of \"%s\"",
						RelationGetRelationName(view),
						RelationGetRelationName(histories_relation(histories))),
				 errdetail("They must have the types of its primary key, in the same order.")));
}
