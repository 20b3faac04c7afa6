/*
 * follow.h: from the changes of tables to the histories that they feed.
 */
#ifndef CRM_LIVE_FOLLOW_H
#define CRM_LIVE_FOLLOW_H

#include "crm.h"

#include "live/statements.h"

/* What has happened to tracked tables: changes of some, or a single row of one. */
typedef struct Event
{
	Relation	 rel;	  /* whose trigger has fired */
	Oid			 root;	  /* the table that it is a partition of, or itself */
	const char	*name;	  /* what the log of changes gives as the reason */
	List		*changes; /* TableChange */
	bool		 nested;  /* some of statements that ran within others */
	TriggerData *row;	  /* of the single row; NULL if there are changes */
} Event;

extern void follow_event(const Event *event);

#endif /* CRM_LIVE_FOLLOW_H */
