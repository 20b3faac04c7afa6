/*
 * points_ledger.h: one customer's points from movement to movement. Plain C
 * without PostgreSQL calls; docs/points.md is its specification.
 */
#ifndef CRM_POINTS_LEDGER_H
#define CRM_POINTS_LEDGER_H

#include "crm.h"

#include "tiers/points_rule.h"
#include "history/purchase_book.h"
#include "tiers/tier_walk.h"

#define POINTS_BALANCE_MAX INT64CONST(9000000000000000000)

typedef enum PointsKind
{
	POINTS_EXPIRED,
	POINTS_EARNED,
	POINTS_REFUNDED,
	POINTS_REDEEMED,
	POINTS_RETURNED
} PointsKind;

/* One movement: what a day earned, a redemption, an award that expired. */
typedef struct PointsMovement
{
	DateADT	   day;
	PointsKind kind;
	int64	   points;	   /* negative if they go */
	int64	   balance;	   /* after it; negative if more went than there was */
	int		   rank;	   /* earned and refunded: held at the start of the day */
	DateADT	   expires_on; /* of the award they make: first day on which it is no longer valid */
} PointsMovement;

/* An award, and what is left of it. */
typedef struct PointsAward
{
	DateADT expires_on;
	int64	left;	 /* neither spent nor expired */
	int64	expired; /* what its expiry took, and no refund takes again */
} PointsAward;

/* Of a day of purchases that may be corrected. */
typedef struct PointsEarned
{
	PurchaseDay net;	/* as known so far */
	int128		points; /* of its amount as bought */
	int			rank;	/* and the tier that gave them; 0 for none */
	int			award;	/* index, or -1 for none */
} PointsEarned;

typedef struct PointsLedger
{
	const PointsRule  *rule;
	const PointsScale *scale;
	PurchaseBook	   book;
	PointsEarned	  *days; /* of the book, if it has corrections; else NULL */
	int				   next_correction;
	const PurchaseDay *earned; /* next entries of the two histories, and their ends */
	const PurchaseDay *earned_end;
	const PurchaseDay *redeemed;
	const PurchaseDay *redeemed_end;
	const PurchaseDay *base; /* next entry of the base points of single purchases, and their end */
	const PurchaseDay *base_end;
	int64			   orders; /* counted so far */
	TierWalk		   walk;   /* if the rule has a program */
	PointsAward
		 *awards; /* room for one an entry or correction; from oldest to newest some is left */
	int	  oldest;
	int	  newest; /* one behind the last */
	int64 debt;	  /* points taken back or redeemed beyond what there was; awards pay it first */
	int64 balance;
	bool  out_of_range;
} PointsLedger;

extern void points_ledger_start(PointsLedger *l, const PointsRule *r, const PurchaseBook *earned,
								const PurchaseHistory *redeemed, int nredeemed,
								const PurchaseHistory *base_points, PointsAward *awards,
								PointsEarned *days);
extern bool points_ledger_next(PointsLedger *l, DateADT until, PointsMovement *m);

#endif /* CRM_POINTS_LEDGER_H */
