/*
 * points_awards.h: the awards of one customer: what is left of each, which of them
 * wait, in which order they are spent, and what became of what is gone.
 *
 * An award that has points and does not wait is in a list by the day on which it
 * expires, the older first among equals: spending takes from its beginning, expiry
 * too. Refunds take from the newest award, waiting or not.
 */
#ifndef CRM_POINTS_AWARDS_H
#define CRM_POINTS_AWARDS_H

#include "crm.h"

#include "base/span.h"

#define NO_AWARD (-1)

/* What points were that came from no award, in PointsGone. */
#define GONE_FORGIVEN (-2)
#define GONE_OWED (-3)	  /* became a debt */
#define GONE_EXPIRED (-4) /* had expired from the award that was taken back */

typedef struct PointsAward
{
	DateADT awarded_on;
	DateADT available_on;
	DateADT expires_on;
	uint8	rank;	/* of the tier that gave it; 0 for none */
	bool	waits;	/* not available yet */
	int		before; /* in the list, if it is in it */
	int		behind;
	int64	left;	 /* neither spent nor expired nor taken back */
	int64	expired; /* what its expiry took, and no refund takes again */
} PointsAward;

/* Points of an award that went on a day. */
typedef struct PointsGone
{
	int		award; /* or what they were instead */
	int		cause; /* the award that was taken back, if that is why they went; else NO_AWARD */
	DateADT day;
	int64	points;
} PointsGone;

typedef struct PointsGoneList
{
	PointsGone *gone;
	int			first; /* those before it are of no use any more */
	int			n;	   /* one behind the last */
	int			room;
} PointsGoneList;

typedef struct PointsAwards
{
	MemoryContext  memory;
	PointsAward	  *awards; /* in the order in which they were made */
	int			   n;
	int			   room;
	int			   first; /* of the list, or NO_AWARD */
	int			   last;
	int			   newest_open; /* no award at or behind it has anything left */
	int			   next_ripe;	/* no award before it waits */
	int			   lapsed;		/* awards before it know that they lapsed */
	PointsGoneList spent;		/* what redemptions took and nobody gave back, the last behind */
	PointsGoneList expired;		/* in the order of days, if it is remembered */
	PointsGoneList taken;		/* by refunds that know their purchase; by all, if it is watched */
	bool		   watched;		/* what is taken and what expires is remembered */
	bool		   remembers;	/* what expires is */
	int64		   waiting;		/* points of the awards that wait */
	int64		   debt;	 /* taken back or redeemed beyond what there was; awards pay it first */
	bool		   forgives; /* there is no debt */
} PointsAwards;

extern void points_awards_start(PointsAwards *a, int room);
extern int points_awards_add(PointsAwards *a, DateADT day, DateADT available_on, DateADT expires_on,
							 int rank, int64 points);
extern int64 points_awards_ripen(PointsAwards *a, int index);
extern int64 points_awards_spend(PointsAwards *a, int64 points, DateADT day);
extern int64 points_awards_unspend(PointsAwards *a, int64 points, DateADT day, int *award_of,
								   int64 *expired, int64 *forgiven);
extern int64 points_awards_take(PointsAwards *a, int64 points, DateADT day, int64 *waiting);
extern int64 points_awards_take_from(PointsAwards *a, int index, int64 points, DateADT day,
									 int64 *waiting);
extern int64 points_awards_return(PointsAwards *a, int index, int64 points, DateADT day,
								  int64 *waiting, int64 *anew);
extern int64 points_awards_expire(PointsAwards *a, int index, DateADT day);
extern void	 points_awards_lapse(PointsAwards *a, DateADT day);
extern int64 points_awards_reinstate(PointsAwards *a, Span within, DateADT day);

/* The award that ripens next, or NO_AWARD. */
static inline int
points_awards_next_ripe(PointsAwards *a)
{
	while (a->next_ripe < a->n && !a->awards[a->next_ripe].waits)
		a->next_ripe++;
	return a->next_ripe < a->n ? a->next_ripe : NO_AWARD;
}

#endif /* CRM_POINTS_AWARDS_H */
