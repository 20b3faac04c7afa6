/*
 * why.h: why triggers cannot keep a purchases view, in words that name what
 * stands in the way, and the change that would make the view live.
 */
#ifndef CRM_LIVE_WHY_H
#define CRM_LIVE_WHY_H

#include "crm.h"

#include "live/not_live.h"
#include "nodes/parsenodes.h"
#include "utils/rel.h"

extern bool table_can_be_followed(Relation table, bool with_children, NotLive *why);
extern bool expression_can_be_followed(Query *query, Node *expression, const char *part,
									   NotLive *why);
extern bool columns_can_be_followed(Query *query, NotLive *why);

#endif /* CRM_LIVE_WHY_H */
