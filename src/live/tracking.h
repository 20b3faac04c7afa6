/*
 * tracking.h: what has to hold of a tracking before its histories are written.
 *
 * How a change flows: transition rows -> PurchaseReader (the view's own
 * expressions) -> Deltas (sorted by customer) -> Histories (one upsert a
 * customer, in key order, scored on the way by the rules and by what was
 * decided on the tier) -> the log of changes. A decision takes the same way
 * with nothing but the keys.
 */
#ifndef CRM_LIVE_TRACKING_H
#define CRM_LIVE_TRACKING_H

#include "crm.h"

#include "live/histories.h"
#include "live/tracked.h"
#include "live/view.h"

extern bool tracking_is_writable(const Tracked *tracked);
extern void CheckTrackingComplete(const Tracked *tracked, Relation rel, const char *column);
extern bool view_is_of_owner(Relation view, Relation histories);
extern bool table_is_of_owner(Relation table, Relation view, Relation histories);
extern void CheckSameOwner(Relation view, Relation histories);
extern void CheckOwnerOfSource(Relation source, Relation histories);
extern void CheckSameKeys(const ReaderPlan *plan, Relation view, Histories *histories);

#endif /* CRM_LIVE_TRACKING_H */
