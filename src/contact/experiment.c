/*
 * experiment.c: how many customers an experiment needs, and whether it split them
 * as planned.
 */
#include "crm.h"

#include <math.h>

#include "base/decimal.h"
#include "base/shares.h"
#include "math/special.h"
#include "utils/builtins.h"

/* Of a group there are some, or none. */
static inline double
CheckCount(int64 count, const char *name)
{
	if (count < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s cannot be %lld", name, (long long) count)));
	return (double) count;
}

/*
 * (treated_n, control_n, share): the probability of a split as far from the share
 * of the treated as this, or farther: Pearson's chi-square with one degree of
 * freedom. NULL of nobody.
 */
PG_FUNCTION_INFO_V1(crm_p_sample_ratio);
Datum
crm_p_sample_ratio(PG_FUNCTION_ARGS)
{
	double treated = CheckCount(PG_GETARG_INT64(0), "treated_n");
	double control = CheckCount(PG_GETARG_INT64(1), "control_n");
	double share = CheckPart(PG_GETARG_FLOAT8(2), "share");
	double deviation = fabs(treated * (1 - share) - control * share);

	if (treated + control == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(erfc(deviation / sqrt(2 * (treated + control) * share * (1 - share))));
}

/* An effect: finite, and not nothing. */
static inline double
CheckSize(double size, const char *name)
{
	if (isnan(size) || isinf(size) || size == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be finite and not 0, not %s", name, float8_text(size))));
	return size;
}

/* A spread: the same, and never negative. */
static inline double
CheckSpread(double spread, const char *name)
{
	if (spread < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s cannot be negative: %s", name, float8_text(spread))));
	return CheckSize(spread, name);
}

/*
 * (standard_deviation, effect, power, level, share): how many customers, treated
 * and held out together, find a difference of means of that size with that
 * probability by a two-sided test at the level: (z(1 - level / 2) + z(power))^2 s^2 /
 * effect^2 / (share (1 - share)), rounded up; at least 4, two for each variance.
 */
PG_FUNCTION_INFO_V1(crm_customers_needed);
Datum
crm_customers_needed(PG_FUNCTION_ARGS)
{
	double ratio = CheckSpread(PG_GETARG_FLOAT8(0), "standard_deviation") /
				   fabs(CheckSize(PG_GETARG_FLOAT8(1), "effect"));
	double power = CheckPart(PG_GETARG_FLOAT8(2), "power");
	double level = CheckPart(PG_GETARG_FLOAT8(3), "level");
	double share = CheckPart(PG_GETARG_FLOAT8(4), "share");
	double z;
	double n;

	if (level / 2 == 0 || power <= level / 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("power %s must be above half of level %s", float8_text(power),
							   float8_text(level))));
	z = (math_normal_quantile(power) - math_normal_quantile(level / 2)) * ratio;
	n = ceil(z * z / (share * (1 - share)));
	if (!(n < 9e18))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("an effect of %s needs more customers than there can be",
							   float8_text(PG_GETARG_FLOAT8(1)))));
	PG_RETURN_INT64(Max((int64) n, 4));
}
