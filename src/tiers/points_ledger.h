/*
 * points_ledger.h: one customer's points from movement to movement. Plain C
 * without PostgreSQL calls; docs/points.md is its specification.
 */
#ifndef CRM_POINTS_LEDGER_H
#define CRM_POINTS_LEDGER_H

#include "crm.h"

#include "tiers/points_awards.h"
#include "tiers/points_gifts.h"
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
	POINTS_RETURNED,
	POINTS_PENDING, /* come to wait, or are taken back from those that do: no change of the balance */
	POINTS_REINSTATED,
	POINTS_RECEIVED
} PointsKind;

/* One movement: what a day earned, a redemption, an award that expired. */
typedef struct PointsMovement
{
	DateADT	   day;
	PointsKind kind;
	int64	   points;	   /* negative if they go */
	int64	   balance;	   /* after it; negative if more went than there was */
	int		   rank;	   /* earned, pending and refunded: held at the start of the day */
	DateADT	   expires_on; /* of the award they make: first day on which it is no longer valid */
	int		   award;	   /* that expires, or NO_AWARD */
} PointsMovement;

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
	const PointsTerms *terms;
	PurchaseBook	   book;
	PointsEarned	  *days; /* of the book, if it has corrections; else NULL */
	int				   next_correction;
	const PurchaseDay *earned; /* next entries of the two histories, and their ends */
	const PurchaseDay *earned_end;
	const PurchaseDay *redeemed;
	const PurchaseDay *redeemed_end;
	const PurchaseDay *base; /* next entry of the base points of single purchases, and their end */
	const PurchaseDay *base_end;
	const PointsGift  *gifts; /* next of them, and their end */
	const PointsGift  *gifts_end;
	int64			   orders; /* counted so far */
	TierWalk		   walk;   /* if the rule has a program */
	PointsAwards	   awards;
	bool			   may_wait;	  /* awards may, by the rule */
	bool			   may_lapse;	  /* and all points, without activity */
	DateADT			   last_activity; /* NOBEGIN: none yet, or all has lapsed since */
	int64			   balance;
	PointsMovement	   more[2]; /* of one event, told after its first movement */
	int				   nmore;
	int				   next_more;
	bool			   out_of_range;
} PointsLedger;

extern void points_ledger_start(PointsLedger *l, const PointsRule *r, const PurchaseBook *earned,
								const PurchaseHistory *redeemed, int nredeemed,
								const PurchaseHistory *base_points, PointsGifts gifts,
								PointsEarned *days);
extern bool points_ledger_next(PointsLedger *l, DateADT until, PointsMovement *m);
extern void points_ledger_pass(PointsLedger *l, DateADT until, PointsMovement *m);

/* What a customer's points are made of; all but purchases may be missing. */
typedef struct PointsHistories
{
	const PurchaseHistory *purchases;
	const PurchaseHistory *redeemed;
	const PurchaseHistory *base_points;
	PointsGifts			   gifts;
} PointsHistories;

/* points.c */
extern PointsHistories	points_histories_of_arguments(FunctionCallInfo fcinfo, int purchases,
													  int base_points, int gifts, DateADT as_of);
extern PurchaseHistory *points_base_argument(FunctionCallInfo fcinfo, int n);
extern void	   points_ledger_begin(PointsLedger *l, const PointsRule *r, const PointsHistories *of,
								   DateADT until);
extern bool	   points_ledger_move(PointsLedger *l, DateADT until, PointsMovement *m);
extern void	   points_ledger_until(PointsLedger *l, const PointsRule *r, const PointsHistories *of,
								   DateADT as_of, bool watched);
extern DateADT points_ledger_of_arguments(FunctionCallInfo fcinfo, int base_points,
										  PointsLedger *l);
extern void	   CheckPointValue(Numeric value);

#endif /* CRM_POINTS_LEDGER_H */
