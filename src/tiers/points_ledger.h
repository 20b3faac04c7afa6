/*
 * points_ledger.h: one customer's points from movement to movement. Plain C
 * without PostgreSQL calls; docs/points.md is its specification.
 */
#ifndef CRM_POINTS_LEDGER_H
#define CRM_POINTS_LEDGER_H

#include "crm.h"

#include "tiers/points_rule.h"
#include "history/purchase_history.h"
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

/* What is left of an award. */
typedef struct PointsAward
{
	DateADT expires_on;
	int64	left; /* above 0 */
} PointsAward;

typedef struct PointsLedger
{
	const PointsRule  *rule;
	const PurchaseDay *earned; /* next entries of the two histories, and their ends */
	const PurchaseDay *earned_end;
	const PurchaseDay *redeemed;
	const PurchaseDay *redeemed_end;
	int64			   orders; /* counted so far */
	TierWalk		   walk;   /* if the rule has a program */
	const PurchaseDay *first;  /* of the history earned */
	PointsAward		  *awards; /* room for one an entry; those from oldest to newest are left */
	int				   oldest;
	int				   newest; /* one behind the last */
	int64 debt; /* points taken back or redeemed beyond what there was; awards pay it first */
	int64 balance;
	bool  out_of_range;
} PointsLedger;

extern void points_ledger_start(PointsLedger *l, const PointsRule *r, const PurchaseHistory *earned,
								int nearned, const PurchaseHistory *redeemed, int nredeemed,
								PointsAward *awards);
extern bool points_ledger_next(PointsLedger *l, DateADT until, PointsMovement *m);

#endif /* CRM_POINTS_LEDGER_H */
