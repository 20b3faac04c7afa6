/*
 * tier_mask.h: overrides and memberships, which lie over a customer's walk and
 * change nothing in it. Plain data: days cut into segments, in each of which the
 * standing is raised to a floor, lowered to a ceiling, or taken away.
 */
#ifndef CRM_TIER_MASK_H
#define CRM_TIER_MASK_H

#include "crm.h"

#include "tiers/tier_walk.h"
#include "utils/array.h"

typedef struct TierSegment
{
	DateADT first_day; /* until the day before the next segment */
	uint8	floor;	   /* rank, 0 for none */
	uint8	ceiling;   /* rank, TIER_MAX for none; stronger than the floor */
	bool	member;
} TierSegment;

typedef struct TierMask
{
	DateADT			 member_from; /* first day of the first membership; NEVER without one */
	const TierMatch *matches;	  /* floors that are as long as the proof period */
	int				 nmatches;
	int				 nsegments; /* at least 1; the first begins before all days */
	TierSegment		 segments[FLEXIBLE_ARRAY_MEMBER];
} TierMask;

/* A walk as it looks through the mask. */
typedef struct StandingWalk
{
	TierWalk		walk;
	const TierMask *mask;
	int				segment;
	int				rank;	/* as masked */
	DateADT			since;	/* first day of the unbroken time at this rank */
	TierReason		reason; /* of the last change */
} StandingWalk;

/* tier_mask.c */
extern const TierMask *tier_mask_create(const TierProgram *p, ArrayType *overrides,
										ArrayType *memberships);

/* standing_walk.c */
extern void standing_walk_start(StandingWalk *s, const TierProgram *p, const PurchaseBook *book,
								const TierMask *mask);
extern bool standing_walk_next(StandingWalk *s, DateADT until, TierChange *change);

#endif /* CRM_TIER_MASK_H */
