/*
 * points_earning.h: how many points a day of purchases earns, and the forms of rates and earnings.
 */
#ifndef CRM_POINTS_EARNING_H
#define CRM_POINTS_EARNING_H

#include "crm.h"

#include "base/amount.h"
#include "base/scan.h"
#include "history/purchase_book.h"

/* A rate in 1/100000000 point per currency unit: holds a rate of four decimals times such a multiplier. */
#define POINTS_RATE_SCALE 100000000
#define POINTS_RATE_DECIMALS 8
#define POINTS_RATE_MAX (INT64CONST(1000000) * POINTS_RATE_SCALE)
#define POINTS_MAX INT64CONST(1000000000000) /* per order or as a bonus */

typedef struct PointsEarning
{
	int64 rate;			/* points per currency unit, in 1/POINTS_RATE_SCALE */
	int64 order_points; /* points per order */
	int64 bonus_points; /* points for every bonus_every-th order */
	int64 bonus_every;	/* 0: no bonus */
} PointsEarning;

static inline bool
points_earning_is_none(const PointsEarning *e)
{
	return e->rate == 0 && e->order_points == 0 && e->bonus_every == 0;
}

/* Largest whole number of points in rate x amount: a refund gives back what is above it, too. */
static inline int128
points_for_amount(int64 rate, int64 amount)
{
	const int128 scale = (int128) POINTS_RATE_SCALE * AMOUNT_SCALE;
	int128		 product = (int128) rate * amount;

	return product / scale - (product % scale < 0);
}

/* Points of a day at a rate, after so many orders before: amount, orders, and the bonus they complete. */
static inline int128
points_of_day(const PointsEarning *e, int64 rate, const PurchaseDay *day, int64 orders_before)
{
	int128 points = points_for_amount(rate, day->amount) + (int128) e->order_points * day->orders;

	if (e->bonus_every > 0)
		points += (int128) e->bonus_points *
				  ((orders_before + day->orders) / e->bonus_every - orders_before / e->bonus_every);
	return points;
}

/*
 * What is left of an award when only a part of the amount that it was made for is:
 * in proportion, rounded half up, so that nothing is left when all is refunded, and
 * never more than the award.
 */
static inline int128
points_left(int128 award, int64 gross, int64 net)
{
	if (award <= 0 || net >= gross)
		return award;
	if (net <= 0)
		return 0;
	/* award / gross x net, without a product beyond 128 bits */
	return award / gross * net + (2 * (award % gross) * net + gross) / (2 * (int128) gross);
}

/*
 * What a correction changes in the points of a day: in the award of its amount, in
 * the points of its orders, and in the bonuses that all orders so far have completed.
 */
static inline int128
points_of_correction(const PointsEarning *e, int64 rate, const PurchaseDay *bought,
					 const PurchaseDay *before, const PurchaseDay *after, int64 orders_so_far)
{
	int128 award = points_for_amount(rate, bought->amount);
	int64  orders = (int64) after->orders - before->orders;
	int128 points = points_left(award, bought->amount, after->amount) -
					points_left(award, bought->amount, before->amount) +
					(int128) e->order_points * orders;

	if (e->bonus_every > 0)
		points += (int128) e->bonus_points *
				  ((orders_so_far + orders) / e->bonus_every - orders_so_far / e->bonus_every);
	return points;
}

/* points_earning.c */
extern int64		 points_rate_from_numeric(Numeric value, const char *name);
extern char			*points_rate_to_text(int64 rate);
extern int64		 scan_points_rate(Scanner *s, const char *name);
extern PointsEarning scan_points_earning(Scanner *s);
extern void			 append_points_earning(StringInfo out, const PointsEarning *e);
extern void			 append_points_earning_json(StringInfo out, const PointsEarning *e);
extern PointsEarning receive_points_earning(StringInfo message);
extern void			 send_points_earning(StringInfo out, const PointsEarning *e);
extern void			 CheckPointsEarning(const PointsEarning *e);

#endif /* CRM_POINTS_EARNING_H */
