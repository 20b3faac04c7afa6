/*
 * amount.h: money as a whole number of ten-thousandths of the currency unit.
 *
 * An int64 in 1/10000 holds +-900 trillion to four decimals, adds exactly in
 * any order, and is what numeric's own base-10000 digits are made of.
 */
#ifndef CRM_AMOUNT_H
#define CRM_AMOUNT_H

#include "crm.h"

#include "common/int.h"
#include "utils/numeric.h"

#define AMOUNT_SCALE 10000
#define AMOUNT_DECIMALS 4
#define AMOUNT_MAX INT64CONST(9000000000000000000) /* 900 trillion units */

extern int64			amount_from_numeric(Numeric value);
extern int64			amount_from_float8(double value);
extern Numeric			amount_to_numeric(int128 amount);
extern Numeric			numeric_of_share(double share);
extern char			   *amount_to_text(int64 amount);
pg_noreturn extern void amount_out_of_range(const char *value);

static inline bool
AmountIsValid(int64 amount)
{
	return amount >= -AMOUNT_MAX && amount <= AMOUNT_MAX;
}

/* Whether a sum of amounts stays within what one amount may be. */
static inline bool
AmountsFit(int64 a, int64 b)
{
	int64 sum;

	return !pg_add_s64_overflow(a, b, &sum) && AmountIsValid(sum);
}

/* A sum of amounts stays within what one amount may be. */
static inline int64
AmountAdd(int64 a, int64 b)
{
	int64 sum;

	if (unlikely(pg_add_s64_overflow(a, b, &sum) || !AmountIsValid(sum)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("sum of amounts %s and %s is out of range", amount_to_text(a),
							   amount_to_text(b)),
						errdetail("A purchase day holds at most 900 trillion either way.")));
	return sum;
}

#endif /* CRM_AMOUNT_H */
