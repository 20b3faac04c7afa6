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
extern void tier_walk_pass(TierWalk *w, DateADT day);

/* The day on which the present tier or its grace ends; NEVER if neither does. */
static inline DateADT
tier_walk_deadline(const TierWalk *w)
{
	if (w->rank <= w->never_below)
		return NEVER;
	return w->grace_ends != NEVER ? w->grace_ends : w->expires_on;
}

/*
 * Whether an entry that leaves the window can change anything. Without refunds in
 * it the metric only falls, which does not matter to a tier that never does.
 */
static inline bool
tier_walk_leaving_matters(const TierWalk *w)
{
	return w->program->window == WINDOW_ROLLING &&
		   (w->rank > w->never_below || w->nrefunds > 0 || w->nmetrics != 1);
}

/*
 * Whether nothing but what is bought or corrected on a day can change a walk that has
 * been taken on to the day before.
 */
static inline bool
tier_walk_rests_on(const TierWalk *w, DateADT day)
{
	return tier_walk_deadline(w) > day && !(tier_walk_leaving_matters(w) && w->leaves_on <= day);
}

#endif /* CRM_TIER_RULES_H */
