/*
 * kept.h: what a session keeps of relations from one statement to the
 * next, until one of them changes.
 */
#ifndef CRM_LIVE_KEPT_H
#define CRM_LIVE_KEPT_H

#include "crm.h"

typedef enum KeptWhat
{
	KEPT_TRACKINGS,		/* that a table feeds */
	KEPT_LAYOUT,		/* of a table of histories */
	KEPT_READER,		/* of the purchases in a table's rows */
	KEPT_RULES,			/* of a scoring table */
	KEPT_DECISIONS,		/* the layout of a table of decisions */
	KEPT_JOIN,			/* the plan of a view over several tables */
	KEPT_LOG,			/* how a table of changes is written */
	KEPT_ROWS_ARE_HERE, /* whether a table of histories is none of Citus */
	KEPT_SHARD,			/* what a relation is a shard of */
	KEPT_PLACE			/* of a tracking on a shard */
} KeptWhat;

#define KEPT_RELATIONS 10

/* What is kept, and of which relations; the places behind the last are InvalidOid. No padding: it is hashed whole. */
typedef struct KeptKey
{
	int32 what;
	Oid	  relations[KEPT_RELATIONS];
} KeptKey;

extern void	 *kept_find(const KeptKey *key);
extern void	 *kept_find_or_make(const KeptKey *key, void *(*make)(const void *of), const void *of);
extern uint64 kept_changes_heard(void);
extern void	  kept_forget(const KeptKey *key);

#endif /* CRM_LIVE_KEPT_H */
