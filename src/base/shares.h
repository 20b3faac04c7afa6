/*
 * shares.h: shares, levels and rates of discount as arguments: what each may
 * be, and one way to say what it may not. NaN is none of them.
 *
 * name is the argument's, for the message.
 */
#ifndef CRM_BASE_SHARES_H
#define CRM_BASE_SHARES_H

#include "crm.h"

#include <math.h>

/* A year of rates of discount, in days. */
#define DAYS_PER_YEAR_OF_DISCOUNT 365.25

pg_noreturn extern void share_out_of_range(const char *name, double value, const char *rule);

/* A share of all, which may be nothing or all. */
static inline double
CheckShare(double share, const char *name)
{
	if (unlikely(!(share >= 0 && share <= 1)))
		share_out_of_range(name, share, "It is from 0 to 1.");
	return share;
}

/* A share that is something, since it is asked who makes it up. */
static inline double
CheckSomeShare(double share, const char *name)
{
	if (unlikely(!(share > 0 && share <= 1)))
		share_out_of_range(name, share, "It is greater than 0 and at most 1.");
	return share;
}

/* A share that is neither nothing nor all: a quantile, the level of an interval. */
static inline double
CheckPart(double share, const char *name)
{
	if (unlikely(!(share > 0 && share < 1)))
		share_out_of_range(name, share, "It lies strictly between 0 and 1.");
	return share;
}

/* What may be nothing, but not less: a cost, a standard error. */
static inline double
CheckNotNegative(double value, const char *name)
{
	if (unlikely(!(value >= 0) || isinf(value)))
		share_out_of_range(name, value, "It is finite and not negative.");
	return value;
}

/* What may be any number, but is one: a score. */
static inline double
CheckNumber(double value, const char *name)
{
	if (unlikely(!isfinite(value)))
		share_out_of_range(name, value, "It is finite.");
	return value;
}

/* A rate of discount from one period to the next. */
static inline double
CheckDiscountRate(double rate)
{
	if (unlikely(!(rate >= 0 && rate <= 1e6)))
		share_out_of_range("discount rate", rate, "It is a rate a period, from 0 to 1000000.");
	return rate;
}

/* A rate of discount a year of what is expected, which has an end only if it is not negative. */
static inline double
CheckAnnualDiscountRate(double rate)
{
	if (unlikely(!(rate >= 0) || isinf(rate)))
		share_out_of_range("annual discount rate", rate,
						   "0.10 stands for ten per cent a year; it is not negative.");
	return rate;
}

/* The same of what was paid, which may be worth more later; minus one or less leaves nothing to discount. */
static inline double
CheckAnnualDiscountRateOfPaid(double rate)
{
	if (unlikely(!(rate > -1) || isinf(rate)))
		share_out_of_range("annual discount rate", rate,
						   "0.10 stands for ten per cent a year; it is greater than -1.");
	return rate;
}

#endif /* CRM_BASE_SHARES_H */
