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

#include "history/purchase_book.h"
#include "tiers/tier_program.h"

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

typedef struct TierWalk
{
	const TierProgram *program;
	PurchaseBook	   book;
	const PurchaseDay *entries; /* of the history, net of the corrections booked so far */
	int				   nentries;
	int				   ncorrections;
	int				   next_correction;
	int				   npoints;		  /* with corrections: entries whose points book.points has */
	DateADT			   taken_back_on; /* booked day of the last correction that took money back */
	DateADT			   member_from;	  /* as given to tier_walk_start */
	int				   ahead;		  /* next entry to come */
	int				   behind;		  /* next entry to leave the window */
	DateADT			   leaves_on;	  /* rolling: when it leaves */
	int64			   orders_ahead;  /* orders before ahead, of the whole history */
	int64			   orders_behind;
	int				   nrefunds; /* entries of the window whose amount is negative */
	int				   nmetrics; /* the metrics that have rules, and the main one */
	uint8			   metrics[TIER_METRICS];

	DateADT enrolled_on;  /* NEVER: not at all */
	int		origin_entry; /* first entry that counts */
	int64	anchor_month; /* periods begin on anchor_mday of anchor_month + k x months */
	int		anchor_mday;
	DateADT period_start; /* periodic: the period of the last day looked at */
	DateADT period_end;
	DateADT counts_from;		  /* after a fall to the base: entries before do not count */
	int128	metric[TIER_METRICS]; /* of the window */

	int		rank;
	int		never_below; /* base and lifetime tiers reached */
	DateADT since;
	DateADT valid_from; /* fixed: renewals count from here */
	int64	renewals;	/* fixed: how many validities from there */
	DateADT
		expires_on; /* when the tier runs out, or a soft landing is over; NEVER: follows or never falls */
	DateADT grace_ends;		 /* NEVER: not in grace */
	int		earned_before;	 /* rank earned on the day before the tier ran out */
	int128	metric_to_keep;	 /* the main metric that decided the last expiry */
	int128	metric_in_grace; /* and that of the end of its grace */
	bool	settled;		 /* renewals that will go on for ever are not told any more */
} TierWalk;

extern void tier_walk_start(TierWalk *w, const TierProgram *p, const PurchaseBook *book,
							DateADT member_from);
extern bool tier_walk_next(TierWalk *w, DateADT until, TierChange *change);
extern void tier_walk_pass(TierWalk *w, DateADT day);

#endif /* CRM_TIER_RULES_H */
