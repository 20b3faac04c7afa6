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
#define POINTS_RATE_DECIMALS 8
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

/* The money that a rate is for, and how its points become whole. */
typedef struct PointsScale
{
	int64 per;			/* a rate is points for so much, in 1/AMOUNT_SCALE; AMOUNT_SCALE: a unit */
	uint8 rounding;		/* PointsRounding */
	uint8 per_purchase; /* 1: each purchase is rounded, 0: what a day sums up to */
	uint8 in_parts;		/* 1: plain points are rounded before a tier multiplies them */
	uint8 pad[5];
} PointsScale;

typedef enum PointsRounding
{
	ROUND_DOWN,
	ROUND_UP,
	ROUND_HALF
} PointsRounding;

#define POINTS_PER_MAX (INT64CONST(10000000000) * AMOUNT_SCALE)

/* Whether an argument is given; functions of earlier releases have fewer. */
static inline bool
argument_is_given(FunctionCallInfo fcinfo, int n)
{
	return PG_NARGS() > n && !PG_ARGISNULL(n);
}

/* Points per unit, what a day sums up to rounded down. */
extern const PointsScale points_plain_scale;

static inline bool
points_scale_is_plain(const PointsScale *s)
{
	return s->per == AMOUNT_SCALE && s->rounding == ROUND_DOWN && !s->per_purchase && !s->in_parts;
}

static inline bool
points_earning_is_none(const PointsEarning *e)
{
	return e->rate == 0 && e->order_points == 0 && e->bonus_every == 0;
}

/*
 * A quotient as whole points. A negative one, a refund that knows no purchase, takes
 * at least what the same amount earns, so that nothing is gained by it.
 */
static inline int128
points_rounded(PointsRounding rounding, int128 dividend, int128 divisor)
{
	int128 points;
	int128 rest;

	/* nearly always both fit into a register, where a division takes a tenth of the time */
	if (likely(dividend == (int64) dividend && divisor == (int64) divisor))
	{
		points = (int64) dividend / (int64) divisor;
		rest = (int64) dividend - (int64) points * (int64) divisor;
	}
	else
	{
		points = dividend / divisor;
		rest = dividend - points * divisor;
	}
	if (rest < 0)
		return points - (rounding != ROUND_HALF || -rest >= divisor + rest);
	if (rounding == ROUND_DOWN)
		return points;
	return points + (rounding == ROUND_UP ? rest > 0 : rest >= divisor - rest);
}

/* Whole points for an amount at a rate. */
static inline int128
points_for_amount(const PointsScale *s, int64 rate, int64 amount)
{
	return points_rounded((PointsRounding) s->rounding, (int128) rate * amount,
						  (int128) POINTS_RATE_SCALE * s->per);
}

/* Points of so many orders, after so many before: for each, and the bonus they complete. */
static inline int128
points_of_orders(const PointsEarning *e, int64 orders, int64 orders_before)
{
	int128 points = (int128) e->order_points * orders;

	if (e->bonus_every > 0)
		points += (int128) e->bonus_points *
				  ((orders_before + orders) / e->bonus_every - orders_before / e->bonus_every);
	return points;
}

/* Base points of a day, after so many orders before. */
static inline int128
points_of_day(const PointsEarning *e, const PointsScale *s, const PurchaseDay *day,
			  int64 orders_before)
{
	return points_for_amount(s, e->rate, day->amount) +
		   points_of_orders(e, day->orders, orders_before);
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
 * What a correction changes in the points of a day: in the award that its amount was
 * given, in the points of its orders, and in the bonuses that all orders so far have
 * completed.
 */
static inline int128
points_of_correction(const PointsEarning *e, int128 award, const PurchaseDay *bought,
					 const PurchaseDay *before, const PurchaseDay *after, int64 orders_so_far)
{
	return points_left(award, bought->amount, after->amount) -
		   points_left(award, bought->amount, before->amount) +
		   points_of_orders(e, (int64) after->orders - before->orders, orders_so_far);
}

/* points_earning.c */
extern int64		 points_rate_from_numeric(Numeric value, const char *name);
extern char			*points_rate_to_text(int64 rate);
extern int64		 scan_points_rate(Scanner *s, const char *name);
extern int64		 points_per_from_numeric(Numeric value);
extern PointsScale	 points_scale_from_arguments(FunctionCallInfo fcinfo, int per, int rounding);
extern PointsEarning scan_points_earning(Scanner *s, PointsScale *scale);
extern void append_points_earning(StringInfo out, const PointsEarning *e, const PointsScale *s);
extern void append_points_earning_json(StringInfo out, const PointsEarning *e,
									   const PointsScale *s);
extern PointsScale	 receive_points_scale(StringInfo message);
extern void			 send_points_scale(StringInfo out, const PointsScale *s);
extern void			 CheckPointsScale(const PointsScale *s);
extern PointsEarning receive_points_earning(StringInfo message);
extern void			 send_points_earning(StringInfo out, const PointsEarning *e);
extern void			 CheckPointsEarning(const PointsEarning *e);

#endif /* CRM_POINTS_EARNING_H */
