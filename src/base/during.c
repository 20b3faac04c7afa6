/*
 * during.c: a range of days that somebody asks about.
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
