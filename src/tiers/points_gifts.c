/*
 * points_gifts.c: gifts of points from arrays of SQL.
 */
#include "crm.h"

#include "base/calendar.h"
#include "base/span.h"
#include "executor/executor.h"
#include "tiers/points_gifts.h"
#include "utils/lsyscache.h"

static int
compare_gifts(const void *a, const void *b)
{
	const PointsGift *x = a;
	const PointsGift *y = b;
	int				  order = CRM_COMPARE(x->booked_on, y->booked_on);

	if (order == 0)
		order = CRM_COMPARE(x->expires_on, y->expires_on);
	return order != 0 ? order : CRM_COMPARE(x->points, y->points);
}

/* Read a gift (booked_on, points, expires_on). */
static PointsGift
read_gift(HeapTupleHeader row)
{
	bool	   no_day;
	bool	   no_points;
	bool	   never;
	Datum	   day = GetAttributeByNum(row, 1, &no_day);
	Datum	   points = GetAttributeByNum(row, 2, &no_points);
	Datum	   expires_on = GetAttributeByNum(row, 3, &never);
	PointsGift gift;

	if (no_day || no_points)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s of a points gift cannot be null", no_day ? "day" : "points"),
						errhint("Leave out gifts without it, or give it; only expires_on may be "
								"null, for never.")));
	gift.booked_on = CheckFiniteDate(DatumGetDateADT(day), "day of a points gift");
	gift.points = DatumGetInt64(points);
	gift.expires_on = never ? NEVER : DatumGetDateADT(expires_on);
	if (gift.points <= 0 || gift.points > POINTS_GIFT_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("a gift of %lld points is out of range", (long long) gift.points),
						errhint("Points that go are a redemption.")));
	if (gift.expires_on <= gift.booked_on)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a points gift of %s cannot expire on %s",
							   date_to_text(gift.booked_on), date_to_text(gift.expires_on)),
						errhint("expires_on is the first day on which the points are gone, NULL "
								"for never.")));
	return gift;
}

/* The gifts of an array of crm.points_gift, in order; NULL is none. */
PointsGifts
points_gifts_read(ArrayType *array)
{
	PointsGifts result = {NULL, 0};
	Datum	   *values;
	bool	   *nulls;
	int			n;
	int16		typlen;
	bool		typbyval;
	char		typalign;

	if (array == NULL)
		return result;
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &typlen, &typbyval, &typalign);
	deconstruct_array(array, ARR_ELEMTYPE(array), typlen, typbyval, typalign, &values, &nulls, &n);
	result.gifts = palloc(Max(n, 1) * sizeof(PointsGift));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			result.gifts[result.n++] = read_gift(DatumGetHeapTupleHeader(values[i]));
	qsort(result.gifts, result.n, sizeof(PointsGift), compare_gifts);
	return result;
}
