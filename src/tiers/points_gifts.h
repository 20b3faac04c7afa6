/*
 * points_gifts.h: points that a customer has from elsewhere: from another customer,
 * as a gift, for a challenge.
 */
#ifndef CRM_POINTS_GIFTS_H
#define CRM_POINTS_GIFTS_H

#include "crm.h"

#include "utils/array.h"

#define POINTS_GIFT_MAX INT64CONST(9000000000000000000)

typedef struct PointsGift
{
	DateADT booked_on;
	DateADT expires_on; /* first day on which they are no longer valid; NEVER: none */
	int64	points;
} PointsGift;

typedef struct PointsGifts
{
	PointsGift *gifts; /* by booked day, then by expiry */
	int			n;
} PointsGifts;

extern PointsGifts points_gifts_read(ArrayType *array);

#endif /* CRM_POINTS_GIFTS_H */
