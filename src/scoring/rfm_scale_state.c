/*
 * rfm_scale_state.c: the type rfm_scale_state, which counts values, and its
 * text and binary forms.
 *
 * The text form is the counts in order of value, in ten-thousandths:
 *   bins 5; exact 70000:2, 120000:1; exact 10000:3; buckets 149504:2, 1001472:1
 * Both forms are in order and without spare slots, so equal counts read equal.
 */
#include "crm.h"

#include "common/int.h"
#include "base/value.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "scoring/rfm.h"
#include "scoring/rfm_scale_state.h"
#include "base/scan.h"

/* A state with tables of these sizes and no values, in the current context. */
static RfmScaleState *
create_tables(int bins, const uint32 capacity[RFM_MEASURES])
{
	Size		   nslots = (Size) capacity[0] + capacity[1] + capacity[2];
	Size		   size = offsetof(RfmScaleState, slots) + nslots * sizeof(ValueCount);
	RfmScaleState *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->version = RFM_SCALE_STATE_VERSION;
	state->bins = bins;
	for (int m = 0; m < RFM_MEASURES; m++)
		state->tables[m].capacity = capacity[m];
	return state;
}

/* A state without values; errors if the number of bins is out of range. */
RfmScaleState *
rfm_scale_state_create(int bins)
{
	const uint32 capacity[RFM_MEASURES] = {RFM_STATE_FIRST_CAPACITY, RFM_STATE_FIRST_CAPACITY,
										   RFM_STATE_FIRST_CAPACITY};

	CheckRfmBins(bins);
	return create_tables(bins, capacity);
}

/* A row count, which every count is at most, does not overflow. */
static inline int64
AddRows(int64 a, int64 b)
{
	int64 sum;

	if (unlikely(pg_add_s64_overflow(a, b, &sum)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of scored customers is out of range")));
	return sum;
}

void
rfm_scale_state_add_rows(RfmScaleState *state, int64 nrows)
{
	state->nrows = AddRows(state->nrows, nrows);
}

/* A copy of the state whose one table has another size, and counts buckets if it is to. */
static RfmScaleState *
rebuild(const RfmScaleState *state, RfmMeasure measure, uint32 capacity, bool bucketed)
{
	uint32			  capacities[RFM_MEASURES];
	RfmScaleState	 *copy;
	ValueCount		 *to;
	const ValueCount *from = rfm_scale_state_slots(state, measure);

	for (int m = 0; m < RFM_MEASURES; m++)
		capacities[m] = m == (int) measure ? capacity : state->tables[m].capacity;
	copy = create_tables(state->bins, capacities);
	copy->nrows = state->nrows;
	for (int m = 0; m < RFM_MEASURES; m++)
		if (m != (int) measure)
		{
			copy->tables[m] = state->tables[m];
			memcpy(rfm_scale_state_slots(copy, m), rfm_scale_state_slots(state, m),
				   capacities[m] * sizeof(ValueCount));
		}

	copy->tables[measure].bucketed = bucketed;
	to = rfm_scale_state_slots(copy, measure);
	for (uint32 i = 0; i < state->tables[measure].capacity; i++)
		if (from[i].count != 0)
		{
			int64		value = bucketed ? rfm_bucket_middle(from[i].value) : from[i].value;
			ValueCount *slot = rfm_scale_state_find(to, capacity, value);

			copy->tables[measure].ndistinct += slot->count == 0;
			slot->value = value;
			slot->count += from[i].count;
		}
	return copy;
}

/* The state with one measure counted by buckets; all buckets there are fit into a table. */
RfmScaleState *
rfm_scale_state_bucket(RfmScaleState *state, RfmMeasure measure)
{
	return rebuild(state, measure, state->tables[measure].capacity, true);
}

/* Room for some distinct values, or for as many as a table may ever hold. */
static RfmScaleState *
reserve(RfmScaleState *state, RfmMeasure measure, uint32 ndistinct)
{
	uint32 capacity = state->tables[measure].capacity;

	ndistinct = Min(ndistinct, RFM_STATE_MAX_EXACT);
	while (capacity < 2 * ndistinct)
		capacity *= 2;
	if (capacity == state->tables[measure].capacity)
		return state;
	return rebuild(state, measure, capacity, state->tables[measure].bucketed != 0);
}

/*
 * Counts a value that its table has not: grows the table, or turns it to
 * buckets at one distinct value too many. The old state is left to its owner,
 * which frees it.
 */
RfmScaleState *
rfm_scale_state_add_new(RfmScaleState *state, RfmMeasure measure, int64 value, int64 count)
{
	ValueCount *slot;

	if (state->tables[measure].ndistinct == RFM_STATE_MAX_EXACT)
	{
		state = rfm_scale_state_bucket(state, measure);
		value = rfm_bucket_middle(value);
	}
	state = reserve(state, measure, state->tables[measure].ndistinct + 1);
	slot = rfm_scale_state_find(rfm_scale_state_slots(state, measure),
								state->tables[measure].capacity, value);
	state->tables[measure].ndistinct += slot->count == 0;
	slot->value = value;
	slot->count += count;
	return state;
}

/*
 * Adds all that another state counts. Room is made first: going through a hash
 * table in its own order fills a smaller one from one end, and slowly.
 */
RfmScaleState *
rfm_scale_state_merge(RfmScaleState *state, const RfmScaleState *other)
{
	rfm_scale_state_add_rows(state, other->nrows);
	for (int m = 0; m < RFM_MEASURES; m++)
	{
		const ValueCount *slots = rfm_scale_state_slots(other, m);

		if (other->tables[m].bucketed && !state->tables[m].bucketed)
			state = rfm_scale_state_bucket(state, m);
		state = reserve(state, m, state->tables[m].ndistinct + other->tables[m].ndistinct);
		for (uint32 i = 0; i < other->tables[m].capacity; i++)
			if (slots[i].count != 0)
				state = rfm_scale_state_add(state, m, slots[i].value, slots[i].count);
		CHECK_FOR_INTERRUPTS();
	}
	return state;
}

static int
compare_values(const void *a, const void *b)
{
	return CRM_COMPARE(((const ValueCount *) a)->value, ((const ValueCount *) b)->value);
}

/* The counts of a measure in order of value, palloc'ed. */
ValueCount *
rfm_scale_state_sorted(const RfmScaleState *state, RfmMeasure measure)
{
	const ValueTable *table = &state->tables[measure];
	const ValueCount *slots = rfm_scale_state_slots(state, measure);
	ValueCount		 *sorted = palloc(Max(table->ndistinct, 1) * sizeof(ValueCount));
	uint32			  n = 0;

	for (uint32 i = 0; i < table->capacity; i++)
		if (slots[i].count != 0)
			sorted[n++] = slots[i];
	Assert(n == table->ndistinct);
	qsort(sorted, n, sizeof(ValueCount), compare_values);
	return sorted;
}

/* A counted value comes once, in order, at least one time, and as its table keeps it. */
static void
CheckValueCount(const RfmScaleState *state, RfmMeasure measure, const ValueCount *before,
				const ValueCount *vc)
{
	if (!AmountIsValid(vc->value) || vc->count <= 0 ||
		(before != NULL && before->value >= vc->value) ||
		(state->tables[measure].bucketed && rfm_bucket_middle(vc->value) != vc->value))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("invalid count of %s in rfm_scale_state: %lld:%lld",
						rfm_measure_names[measure], (long long) vc->value, (long long) vc->count)));
}

/* A table keeps a limited number of values, and a state without values is NULL. */
static inline void
CheckDistinct(int64 ndistinct)
{
	if (ndistinct < 1 || ndistinct > RFM_STATE_MAX_EXACT)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("rfm_scale_state cannot count %lld distinct values",
							   (long long) ndistinct)));
}

/* Every row was counted in all three measures. */
static inline void
CheckMeasureRows(RfmMeasure measure, int64 nrows, int64 nrows_of_first)
{
	if (nrows != nrows_of_first)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("rfm_scale_state counts %lld rows of %s, but %lld of %s",
							   (long long) nrows, rfm_measure_names[measure],
							   (long long) nrows_of_first, rfm_measure_names[0])));
}

/* Adds a count that came from outside, before being the last one of its measure. */
static RfmScaleState *
add_received(RfmScaleState *state, RfmMeasure measure, const ValueCount *before,
			 const ValueCount *vc, int64 *nrows)
{
	CheckValueCount(state, measure, before, vc);
	CheckDistinct((int64) state->tables[measure].ndistinct + 1);
	*nrows = AddRows(*nrows, vc->count);
	return rfm_scale_state_add(state, measure, vc->value, vc->count);
}

/* Ends a measure that came from outside. */
static void
end_measure(RfmScaleState *state, RfmMeasure measure, int64 nrows)
{
	if (measure == RFM_RECENCY)
		state->nrows = nrows;
	CheckMeasureRows(measure, nrows, state->nrows);
}

/* Reads "exact" or "buckets" and the counts. */
static RfmScaleState *
scan_measure(Scanner *s, RfmScaleState *state, RfmMeasure measure)
{
	ValueCount before;
	int64	   nrows = 0;
	bool	   first = true;

	if (scan_try_word(s, "buckets"))
		state->tables[measure].bucketed = 1;
	else
		scan_word(s, "exact");
	do
	{
		ValueCount vc;

		vc.value = scan_int64(s);
		scan_char(s, ':');
		vc.count = scan_int64(s);
		state = add_received(state, measure, first ? NULL : &before, &vc, &nrows);
		before = vc;
		first = false;
	} while (scan_try_char(s, ','));
	end_measure(state, measure, nrows);
	return state;
}

PG_FUNCTION_INFO_V1(crm_rfm_scale_state_in);
Datum
crm_rfm_scale_state_in(PG_FUNCTION_ARGS)
{
	Scanner		   s = scan_start("rfm_scale_state", PG_GETARG_CSTRING(0));
	RfmScaleState *state;
	int64		   bins;

	scan_word(&s, "bins");
	bins = scan_int64(&s);
	CheckRfmBins(bins);
	state = rfm_scale_state_create((int) bins);
	for (int m = 0; m < RFM_MEASURES; m++)
	{
		scan_char(&s, ';');
		state = scan_measure(&s, state, m);
	}
	scan_end(&s);
	PG_RETURN_RFM_SCALE_STATE(state);
}

PG_FUNCTION_INFO_V1(crm_rfm_scale_state_out);
Datum
crm_rfm_scale_state_out(PG_FUNCTION_ARGS)
{
	RfmScaleState *state = PG_GETARG_RFM_SCALE_STATE(0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "bins %d", state->bins);
	for (int m = 0; m < RFM_MEASURES; m++)
	{
		ValueCount *sorted = rfm_scale_state_sorted(state, m);

		appendStringInfo(&out, "; %s", state->tables[m].bucketed ? "buckets" : "exact");
		for (uint32 i = 0; i < state->tables[m].ndistinct; i++)
			appendStringInfo(&out, "%s %lld:%lld", i > 0 ? "," : "", (long long) sorted[i].value,
							 (long long) sorted[i].count);
	}
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: version, flags, bins (int16 each), then of every measure whether
 * it is bucketed (a byte), how many counts (int32), and value and count (int64 each).
 */
PG_FUNCTION_INFO_V1(crm_rfm_scale_state_send);
Datum
crm_rfm_scale_state_send(PG_FUNCTION_ARGS)
{
	RfmScaleState *state = PG_GETARG_RFM_SCALE_STATE(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, state->version);
	pq_sendint16(&out, state->flags);
	pq_sendint16(&out, (uint16) state->bins);
	for (int m = 0; m < RFM_MEASURES; m++)
	{
		ValueCount *sorted = rfm_scale_state_sorted(state, m);

		pq_sendbyte(&out, (uint8) state->tables[m].bucketed);
		pq_sendint32(&out, state->tables[m].ndistinct);
		for (uint32 i = 0; i < state->tables[m].ndistinct; i++)
		{
			pq_sendint64(&out, sorted[i].value);
			pq_sendint64(&out, sorted[i].count);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Whether a table is bucketed is yes or no. */
static inline void
CheckBucketed(int bucketed)
{
	if (bucketed != 0 && bucketed != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid rfm_scale_state table kind %d", bucketed)));
}

static RfmScaleState *
receive_measure(StringInfo message, RfmScaleState *state, RfmMeasure measure)
{
	ValueCount before;
	int64	   nrows = 0;
	int		   bucketed = pq_getmsgbyte(message);
	int32	   ndistinct = (int32) pq_getmsgint(message, 4);

	CheckBucketed(bucketed);
	CheckDistinct(ndistinct);
	state->tables[measure].bucketed = bucketed;
	for (int i = 0; i < ndistinct; i++)
	{
		ValueCount vc;

		vc.value = pq_getmsgint64(message);
		vc.count = pq_getmsgint64(message);
		state = add_received(state, measure, i == 0 ? NULL : &before, &vc, &nrows);
		before = vc;
	}
	end_measure(state, measure, nrows);
	return state;
}

PG_FUNCTION_INFO_V1(crm_rfm_scale_state_recv);
Datum
crm_rfm_scale_state_recv(PG_FUNCTION_ARGS)
{
	StringInfo	   message = (StringInfo) PG_GETARG_POINTER(0);
	RfmScaleState *state;

	receive_header(message, "rfm_scale_state", 2, RFM_SCALE_STATE_VERSION, 0);
	state = rfm_scale_state_create(pq_getmsgint(message, 2));
	for (int m = 0; m < RFM_MEASURES; m++)
		state = receive_measure(message, state, m);
	PG_RETURN_RFM_SCALE_STATE(state);
}
