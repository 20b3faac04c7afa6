/*
 * why.h: why triggers cannot keep a purchases view, in words that name what
 * stands in the way, and the change that would make the view live.
 */
#ifndef CRM_LIVE_WHY_H
#define CRM_LIVE_WHY_H

#include "crm.h"

#include "nodes/parsenodes.h"
#include "utils/rel.h"

/* Reads behind "the view cannot be kept by triggers: "; NULL if nothing stands in the way. */
typedef struct NotLive
{
	const char *reason;
	const char *hint; /* a sentence, or NULL if no change of the view helps */
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

extern bool	 table_can_be_followed(Relation table, bool with_children, NotLive *why);
extern bool	 expression_can_be_followed(Query *query, Node *expression, const char *part,
										NotLive *why);
extern bool	 columns_can_be_followed(Query *query, NotLive *why);
extern List *live_tables(Relation view, NotLive *why);

/* A purchases view is a view, and neither a table nor a materialized view. */
static inline void
CheckIsView(Relation view)
{
	if (view->rd_rel->relkind != RELKIND_VIEW)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a view", RelationGetRelationName(view))));
}

#endif /* CRM_LIVE_WHY_H */
