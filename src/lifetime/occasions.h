/*
 * occasions.h: a customer as the BG/BB model sees her: at how many of the occasions so far she
 * bought, the last of them, and how many there were.
 */
#ifndef CRM_OCCASIONS_H
#define CRM_OCCASIONS_H

#include "crm.h"

#include "models/bg_bb.h"

/* More occasions than this are days, not occasions: a likelihood is a sum over them. */
#define OCCASIONS_MAX 10000

/* x of the occasions up to the last one were bought at, of so many in all. */
static inline bool
occasions_are_sound(double x, double last, double occasions)
{
	return x >= 0 && x <= last && last <= occasions && (x == 0) == (last == 0);
}

static inline BgBbRow
CheckOccasions(int32 x, int32 last, int32 occasions)
{
	if (unlikely(occasions > OCCASIONS_MAX))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of occasions is out of range: %d", occasions),
						errdetail("It is at most %d.", OCCASIONS_MAX)));
	if (unlikely(!occasions_are_sound(x, last, occasions)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("nobody can buy at %d occasions, at the last of them as number %d, "
							   "out of %d",
							   x, last, occasions),
						errdetail("Occasions count from 1; x is at most the last occasion bought "
								  "at, that at most their number, and both or neither are 0.")));
	return (BgBbRow){x, last, occasions, 1};
}

#endif /* CRM_OCCASIONS_H */
