/*
 * tier_walk.h: the walk of one customer through a tier program, from event to
 * event. Plain C without PostgreSQL calls; docs/tiers.md is its specification.
 *
 * An event is a day on which something can change: an entry of the history comes
 * or leaves the window or is corrected, a tier runs out, a grace ends. tier_walk_next takes the
 * walk on to the next day on which something does change.
 */
#ifndef CRM_TIER_RULES_H
#define CRM_TIER_RULES_H

#include "crm.h"

#include "tiers/tier_window.h"

typedef enum TierReason
{
	REASON_NOT_ENROLLED,
	REASON_ENROLLED,
	REASON_QUALIFIED,
	REASON_RENEWED,
	REASON_GRACE,
	REASON_EXPIRED,
	REASON_SOFT_LANDING,
	REASON_REFUND,
	REASON_FLOOR,
	REASON_CEILING,
	REASON_OVERRIDE_ENDED,
	REASON_JOINED,
	REASON_LEFT
} TierReason;

/* A change; a renewal or a grace changes no rank. */
typedef struct TierChange
{
	DateADT	   day;
	int		   from; /* rank, 0 for no tier */
	int		   to;
	TierReason reason;
} TierChange;

extern void tier_walk_start(TierWalk *w, const TierProgram *p, const PurchaseBook *book,
							DateADT member_from);
extern void tier_walk_match(TierWalk *w, const TierMatch *matches, int n);
extern bool tier_walk_next(TierWalk *w, DateADT until, TierChange *change);
extern bool tier_walk_rests_on(const TierWalk *w, DateADT day);
extern void tier_walk_pass(TierWalk *w, DateADT day);

#endif /* CRM_TIER_RULES_H */
