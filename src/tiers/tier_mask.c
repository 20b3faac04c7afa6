/*
 * tier_mask.c: overrides and memberships, as arrays of SQL, cut into segments of days.
 */
#include "crm.h"

#include "executor/executor.h"
#include "tiers/tier_mask.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

/* The mask of a customer with neither. */
static const TierMask no_mask = {NEVER, NULL, 0, 1, {{DATEVAL_NOBEGIN, 0, TIER_MAX, true}}};

/* An override, or a membership, on the days [first, end). */
typedef struct MaskRange
{
	DateADT first; /* DATEVAL_NOBEGIN: since ever */
	DateADT end;   /* NEVER: for ever */
	int		floor;
	int		ceiling;
} MaskRange;

typedef struct MaskRanges
{
	int		   n;
	MaskRange *ranges;
} MaskRanges;

/* Set the days of a range; false if there are none. */
static bool
set_days(MaskRange *range, RangeType *days)
{
	RangeBound lower;
	RangeBound upper;
	bool	   empty;

	range_deserialize(lookup_type_cache(RangeTypeGetOid(days), TYPECACHE_RANGE_INFO), days, &lower,
					  &upper, &empty);
	if (empty)
		return false;
	range->first = lower.infinite ? DATEVAL_NOBEGIN : DatumGetDateADT(lower.val);
	range->end = upper.infinite ? NEVER : DatumGetDateADT(upper.val);
	return range->first < range->end;
}

static void
array_elements(ArrayType *array, Datum **values, bool **nulls, int *n)
{
	int16 typlen;
	bool  typbyval;
	char  typalign;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &typlen, &typbyval, &typalign);
	deconstruct_array(array, ARR_ELEMTYPE(array), typlen, typbyval, typalign, values, nulls, n);
}

/* The rank of a tier that an override names, or a default if it names none. */
static int
override_rank(const TierProgram *p, HeapTupleHeader override, int attribute, int otherwise)
{
	bool  is_null;
	Datum name = GetAttributeByNum(override, attribute, &is_null);

	return is_null ? otherwise : tier_rank_by_name(p, TextDatumGetCString(name));
}

/* Read an override (floor, ceiling, valid); false if it is valid on no day. */
static bool
read_override(const TierProgram *p, HeapTupleHeader override, MaskRange *range)
{
	bool  is_null;
	Datum valid = GetAttributeByNum(override, 3, &is_null);

	if (is_null)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("days of a tier override cannot be null"),
						errhint("Use '(,)' for an override that is always valid.")));
	range->floor = override_rank(p, override, 1, 0);
	range->ceiling = override_rank(p, override, 2, TIER_MAX);
	if (range->floor == 0 && range->ceiling == TIER_MAX)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("tier override has neither a floor nor a ceiling"),
						errhint("Give a floor, a ceiling, or both, or leave the override out.")));
	return set_days(range, DatumGetRangeTypeP(valid));
}

static MaskRanges
read_overrides(const TierProgram *p, ArrayType *array)
{
	MaskRanges result = {0, NULL};
	Datum	  *values;
	bool	  *nulls;
	int		   n;

	if (array == NULL)
		return result;
	array_elements(array, &values, &nulls, &n);
	result.ranges = palloc(Max(n, 1) * sizeof(MaskRange));
	for (int i = 0; i < n; i++)
		if (!nulls[i] &&
			read_override(p, DatumGetHeapTupleHeader(values[i]), &result.ranges[result.n]))
			result.n++;
	return result;
}

static MaskRanges
read_memberships(ArrayType *array)
{
	MaskRanges result = {0, NULL};
	Datum	  *values;
	bool	  *nulls;
	int		   n;

	if (array == NULL)
		return result;
	array_elements(array, &values, &nulls, &n);
	result.ranges = palloc(Max(n, 1) * sizeof(MaskRange));
	for (int i = 0; i < n; i++)
		if (!nulls[i] && set_days(&result.ranges[result.n], DatumGetRangeTypeP(values[i])))
			result.n++;
	return result;
}

static int
compare_first_days(const void *a, const void *b)
{
	return CRM_COMPARE(((const TierSegment *) a)->first_day, ((const TierSegment *) b)->first_day);
}

/* Begin a segment wherever a range begins or ends; each day of beginning stands once. */
static void
cut_days(TierMask *mask, const MaskRanges *ranges)
{
	for (int i = 0; i < ranges->n; i++)
	{
		mask->segments[mask->nsegments++].first_day = ranges->ranges[i].first;
		if (ranges->ranges[i].end != NEVER)
			mask->segments[mask->nsegments++].first_day = ranges->ranges[i].end;
	}
}

static void
sort_segments(TierMask *mask)
{
	int n = 1;

	qsort(mask->segments, mask->nsegments, sizeof(TierSegment), compare_first_days);
	for (int i = 1; i < mask->nsegments; i++)
		if (mask->segments[i].first_day != mask->segments[n - 1].first_day)
			mask->segments[n++] = mask->segments[i];
	mask->nsegments = n;
}

static inline bool
covers(const MaskRange *range, DateADT day)
{
	return range->first <= day && day < range->end;
}

/* What holds in a segment: the highest floor, the lowest ceiling, any membership. */
static void
fill_segment(TierSegment *segment, const MaskRanges *overrides, const MaskRanges *memberships,
			 bool club)
{
	int floor = 0;
	int ceiling = TIER_MAX;

	segment->member = !club;
	for (int i = 0; i < overrides->n; i++)
		if (covers(&overrides->ranges[i], segment->first_day))
		{
			floor = Max(floor, overrides->ranges[i].floor);
			ceiling = Min(ceiling, overrides->ranges[i].ceiling);
		}
	for (int i = 0; i < memberships->n; i++)
		segment->member = segment->member || covers(&memberships->ranges[i], segment->first_day);
	segment->floor = (uint8) floor;
	segment->ceiling = (uint8) ceiling;
}

/* The first day of the first membership since the program's start; NEVER if it has no beginning. */
static DateADT
first_membership_day(const TierProgram *p, const MaskRanges *memberships)
{
	DateADT first = NEVER;

	for (int i = 0; i < memberships->n; i++)
		if (memberships->ranges[i].end > p->starts_on)
			first = Min(first, Max(memberships->ranges[i].first, p->starts_on));
	return first == DATEVAL_NOBEGIN ? NEVER : first;
}

/* The floors that are matches: those that last as long as the program's proof. */
static void
set_matches(TierMask *mask, const TierProgram *p, const MaskRanges *overrides)
{
	Span	   period = tier_program_terms(p)->proof_period;
	TierMatch *matches;

	if (span_is_zero(period) || overrides->n == 0)
		return;
	mask->matches = matches = palloc(overrides->n * sizeof(TierMatch));
	for (int i = 0; i < overrides->n; i++)
	{
		const MaskRange *range = &overrides->ranges[i];

		if (range->floor > 0 && range->first != DATEVAL_NOBEGIN &&
			day_plus_span(range->first, period) == range->end)
			matches[mask->nmatches++] = (TierMatch){range->first, range->end, range->floor};
	}
}

/*
 * The mask of a customer's overrides (crm.tier_override[]) and memberships
 * (daterange[]). NULL overrides are none; NULL memberships mean that the program
 * is no club, while an empty array is a customer who never was a member.
 */
const TierMask *
tier_mask_create(const TierProgram *p, ArrayType *overrides, ArrayType *memberships)
{
	MaskRanges forced;
	MaskRanges joined;
	TierMask  *mask;

	if (overrides == NULL && memberships == NULL)
		return &no_mask;

	forced = read_overrides(p, overrides);
	joined = read_memberships(memberships);
	mask = palloc0(offsetof(TierMask, segments) +
				   (1 + 2 * ((Size) forced.n + joined.n)) * sizeof(TierSegment));
	mask->member_from = first_membership_day(p, &joined);
	mask->nsegments = 1;
	mask->segments[0].first_day = DATEVAL_NOBEGIN;
	cut_days(mask, &forced);
	cut_days(mask, &joined);
	sort_segments(mask);
	for (int i = 0; i < mask->nsegments; i++)
		fill_segment(&mask->segments[i], &forced, &joined, memberships != NULL);
	set_matches(mask, p, &forced);
	return mask;
}
