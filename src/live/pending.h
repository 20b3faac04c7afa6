/*
 * pending.h: what waits for the end of a transaction.
 */
#ifndef CRM_LIVE_PENDING_H
#define CRM_LIVE_PENDING_H

#include "crm.h"

#include "live/delta.h"
#include "live/tracked.h"

extern void pending_add(const Tracked *tracked, const HistoriesLayout *layout, Deltas *deltas,
						const char *why);
extern void pending_bound(Oid histories);
extern void pending_settle(Oid histories);
extern void notify_listeners(const Tracked *tracked);

#endif /* CRM_LIVE_PENDING_H */
