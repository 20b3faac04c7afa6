/*
 * rfm_scale_agg.c: the aggregates rfm_scale: cut points from all customers.
 *
 * Cut point k of a measure is its type-7 quantile k / bins (Hyndman and Fan
 * 1996, definition 7; what percentile_cont computes): of n values in order,
 * the one at position (n - 1) k / bins counted from 0, and between two
 * positions the point that lies as far between their values. Position and
 * point are computed in integers.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "scoring/rfm_scale.h"
#include "scoring/rfm_scale_state.h"

/* The number of bins is a constant of the whole aggregate. */
static inline void
CheckSameBins(int bins, int expected)
{
	if (unlikely(bins != expected))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of bins must be the same in all rows of rfm_scale"),
						errdetail("One row has %d, another %d.", expected, bins)));
}

/* The number of bins in an argument that need not be there. */
static inline int
bins_argument(FunctionCallInfo fcinfo, int arg)
{
	if (PG_NARGS() <= arg)
		return RFM_DEFAULT_BINS;
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("number of bins cannot be null")));
	CheckRfmBins(PG_GETARG_INT32(arg));
	return PG_GETARG_INT32(arg);
}

/* Counts one customer; a row that the reader finds nothing in is left out. */
static inline Datum
transition(FunctionCallInfo fcinfo, RfmReader read, int nargs)
{
	RfmScaleState *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_RFM_SCALE_STATE(0);
	int			   bins = bins_argument(fcinfo, 1 + nargs);
	RfmMeasures	   m;

	(void) CheckInAggregate(fcinfo);
	if (state != NULL)
		CheckSameBins(bins, state->bins);

	if (read(fcinfo, 1, &m))
	{
		if (state == NULL)
			state = rfm_scale_state_create(bins);
		rfm_scale_state_add_rows(state, 1);
		for (int i = 0; i < RFM_MEASURES; i++)
			state = rfm_scale_state_add(state, i, m.values[i], 1);
	}
	return state_or_null(fcinfo, state);
}

/* (state, history, as_of [, bins]) */
PG_FUNCTION_INFO_V1(crm_rfm_scale_transition_history);
Datum
crm_rfm_scale_transition_history(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, rfm_read_history, RFM_HISTORY_ARGS);
}

/* (state, int, bigint, numeric [, bins]) */
PG_FUNCTION_INFO_V1(crm_rfm_scale_transition_numeric);
Datum
crm_rfm_scale_transition_numeric(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, rfm_read_numeric, RFM_NUMBER_ARGS);
}

/* (state, float8, float8, float8 [, bins]) */
PG_FUNCTION_INFO_V1(crm_rfm_scale_transition_float8);
Datum
crm_rfm_scale_transition_float8(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, rfm_read_float8, RFM_NUMBER_ARGS);
}

/* All that either state counts: commutative and associative. */
PG_FUNCTION_INFO_V1(crm_rfm_scale_combine);
Datum
crm_rfm_scale_combine(PG_FUNCTION_ARGS)
{
	RfmScaleState *state = PG_GETARG_RFM_SCALE_STATE(0);
	RfmScaleState *other = PG_GETARG_RFM_SCALE_STATE(1);

	(void) CheckInAggregate(fcinfo);
	CheckSameBins(other->bins, state->bins);
	PG_RETURN_RFM_SCALE_STATE(rfm_scale_state_merge(state, other));
}

/* A walk through the values in order. */
typedef struct ValueWalk
{
	const ValueCount *at;
	int64			  before; /* how many values come before those of at */
} ValueWalk;

/* The value at a position, which is not below that of the call before. */
static int64
value_at(ValueWalk *walk, int64 position)
{
	while (position - walk->before >= walk->at->count)
		walk->before += (walk->at++)->count;
	return walk->at->value;
}

/* The cut points of one measure. */
static void
compute_cuts(const RfmScaleState *state, RfmMeasure measure, RfmCut *cuts)
{
	ValueCount *sorted = rfm_scale_state_sorted(state, measure);
	ValueWalk	walk = {sorted, 0};
	int			bins = state->bins;

	for (int k = 1; k < bins; k++)
	{
		int128	  numerator = (int128) (state->nrows - 1) * k;
		int64	  position = (int64) (numerator / bins);
		int		  part = (int) (numerator % bins);
		int64	  low = value_at(&walk, position);
		ValueWalk next = walk;
		int64	  high = part == 0 ? low : value_at(&next, position + 1);

		cuts[k - 1] = rfm_cut_between(low, high, part, bins);
	}
	pfree(sorted);
}

/* The scale; strict, so NULL without a customer to score. */
PG_FUNCTION_INFO_V1(crm_rfm_scale_final);
Datum
crm_rfm_scale_final(PG_FUNCTION_ARGS)
{
	RfmScaleState *state = PG_GETARG_RFM_SCALE_STATE(0);
	RfmScale	  *scale = rfm_scale_create(state->bins);

	for (int m = 0; m < RFM_MEASURES; m++)
		compute_cuts(state, m, rfm_scale_cuts(scale, m));
	PG_RETURN_RFM_SCALE(scale);
}
