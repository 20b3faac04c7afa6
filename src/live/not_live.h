/*
 * not_live.h: why a purchases view cannot be kept by triggers, as what is found
 * by those who read the view.
 */
#ifndef CRM_LIVE_NOT_LIVE_H
#define CRM_LIVE_NOT_LIVE_H

#include "crm.h"

#include "utils/rel.h"

/* Reads behind "the view cannot be kept by triggers: "; NULL if nothing stands in the way. */
typedef struct NotLive
{
	const char *reason;
	const char *hint;	   /* a sentence, or NULL if no change of the view helps */
	bool		on_shards; /* asked of triggers on the shards of a distributed table of Citus */
} NotLive;

/* Set a reason unless there is one; false, for the caller to return. */
static inline bool
not_live(NotLive *why, const char *reason, const char *hint)
{
	if (why->reason == NULL)
	{
		why->reason = reason;
		why->hint = hint;
	}
	return false;
}

/* A purchases view is a view, and neither a table nor a materialized view. */
static inline void
CheckIsView(Relation view)
{
	if (view->rd_rel->relkind != RELKIND_VIEW)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a view", RelationGetRelationName(view))));
}

#endif /* CRM_LIVE_NOT_LIVE_H */
