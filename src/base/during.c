/*
 * during.c: ranges of days that somebody asks about, and of instants.
 */
#include "crm.h"

#include "base/during.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* The range as SQL writes it. */
static char *
range_text(RangeType *range)
{
	Oid	 output;
	bool varlena;

	getTypeOutputInfo(RangeTypeGetOid(range), &output, &varlena);
	return OidOutputFunctionCall(output, RangeTypePGetDatum(range));
}

/* The first and the last day of a daterange; an error if it is empty or has no end. */
Days
CheckDuring(RangeType *during)
{
	TypeCacheEntry *type = lookup_type_cache(RangeTypeGetOid(during), TYPECACHE_RANGE_INFO);
	RangeBound		lower;
	RangeBound		upper;
	bool			empty;

	range_deserialize(type, during, &lower, &upper, &empty);
	if (empty)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a range of days cannot be empty")));
	if (lower.infinite || upper.infinite || DATE_NOT_FINITE(DatumGetDateADT(lower.val)) ||
		DATE_NOT_FINITE(DatumGetDateADT(upper.val)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("range of days %s has no first or no last day", range_text(during))));
	/* Dateranges are kept in the form [lower, upper). */
	return (Days){DatumGetDateADT(lower.val), DatumGetDateADT(upper.val) - 1};
}

/*
 * A bound of a range as an instant: the first that belongs to it, or the first
 * that no more does; infinity behind the last instant there is.
 */
static TimestampTz
bound_instant(const RangeBound *bound)
{
	TimestampTz at = DatumGetTimestampTz(bound->val);

	if (bound->infinite)
		return bound->lower ? DT_NOBEGIN : DT_NOEND;
	if (bound->lower != bound->inclusive && !TIMESTAMP_NOT_FINITE(at))
		at++;
	return IS_VALID_TIMESTAMP(at) || at == DT_NOBEGIN ? at : DT_NOEND;
}

/* The instants of a tstzrange, from inclusive to until exclusive; false if there are none. */
bool
range_instants(RangeType *range, TimestampTz *from, TimestampTz *until)
{
	RangeBound lower;
	RangeBound upper;
	bool	   empty;

	range_deserialize(lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO), range,
					  &lower, &upper, &empty);
	if (empty)
		return false;
	*from = bound_instant(&lower);
	*until = bound_instant(&upper);
	return *from < *until;
}
