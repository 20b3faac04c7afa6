/*
 * tracked.h: the rows of crm.tracked.
 */
#ifndef CRM_LIVE_TRACKED_H
#define CRM_LIVE_TRACKED_H

#include "crm.h"

#include "nodes/pg_list.h"

typedef struct Tracked
{
	Oid	  purchases;
	Oid	  source;
	List *joined; /* tables that the view joins to it, OIDs; NIL if it reads one table */
	Oid	  histories;
	Oid	  scoring;
	Oid	  changes; /* InvalidOid if changes are not recorded */
	bool  notify;
	bool  at_commit;	 /* what a transaction brings is written at its end */
	Oid	  decisions;	 /* InvalidOid if decisions on tiers are not kept */
	bool  by_invitation; /* who has no membership holds no tier */
	bool  on_shards;	 /* triggers on shards keep it, each beside itself */
} Tracked;

extern Oid		   tracked_relid(void);
extern const List *tracked_by_table(Oid table);
extern Tracked	  *tracked_by_purchases(Oid purchases);
extern Tracked	  *tracked_by_histories(Oid histories);
extern Tracked	  *tracked_by_histories_if_any(Oid histories);
extern Tracked	  *tracked_by_decisions(Oid decisions);

#endif /* CRM_LIVE_TRACKED_H */
