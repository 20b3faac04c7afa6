/*
 * rfm_scale_state.h: what the rfm_scale aggregates remember: how often each
 * value of each measure occurred.
 *
 * One flat value, so that it crosses to workers and shards: a header and three
 * hash tables, one a measure, which stand one behind the other in slots. A
 * table has a power of two of slots, at most half of them used; a slot with
 * count 0 is free.
 *
 * A table counts values exactly until it would hold more than
 * RFM_STATE_MAX_EXACT distinct ones; then every value stands for its bucket.
 * Whether that happens, and what is counted then, depends on the values alone,
 * not on their order or on how they were split between states.
 */
#ifndef CRM_RFM_SCALE_STATE_H
#define CRM_RFM_SCALE_STATE_H

#include "crm.h"

#include "port/pg_bitutils.h"
#include "base/buckets.h"
#include "scoring/rfm_measures.h"

#define RFM_SCALE_STATE_VERSION 1
#define RFM_STATE_MAX_EXACT 65536
#define RFM_STATE_FIRST_CAPACITY 16
#define RFM_STATE_MAX_CAPACITY (2 * RFM_STATE_MAX_EXACT)

/* A bucket spans 1/512 of a power of two, so its middle is within 1/1024 of each of its values. */
#define RFM_BUCKET_BITS 9

typedef struct ValueCount
{
	int64 value; /* in 1/10000; the middle of the bucket in a bucketed table */
	int64 count; /* 0 in a free slot */
} ValueCount;

typedef struct ValueTable
{
	uint32 capacity; /* slots, a power of two */
	uint32 ndistinct;
	uint32 bucketed; /* 0 or 1 */
	uint32 reserved;
} ValueTable;

typedef struct RfmScaleState
{
	int32	   vl_len_; /* varlena header, do not touch */
	uint16	   version; /* RFM_SCALE_STATE_VERSION */
	uint16	   flags;	/* reserved, zero */
	int32	   bins;
	int32	   reserved;
	int64	   nrows; /* sum of the counts of each table */
	ValueTable tables[RFM_MEASURES];
	ValueCount slots[FLEXIBLE_ARRAY_MEMBER];
} RfmScaleState;

#define DatumGetRfmScaleState(d) ((RfmScaleState *) PG_DETOAST_DATUM(d))
#define PG_GETARG_RFM_SCALE_STATE(n) DatumGetRfmScaleState(PG_GETARG_DATUM(n))
#define PG_RETURN_RFM_SCALE_STATE(s) PG_RETURN_POINTER(s)

extern RfmScaleState *rfm_scale_state_create(int bins);
extern RfmScaleState *rfm_scale_state_add_new(RfmScaleState *state, RfmMeasure measure, int64 value,
											  int64 count);
extern RfmScaleState *rfm_scale_state_merge(RfmScaleState *state, const RfmScaleState *other);
extern RfmScaleState *rfm_scale_state_bucket(RfmScaleState *state, RfmMeasure measure);
extern void			  rfm_scale_state_add_rows(RfmScaleState *state, int64 nrows);
extern ValueCount	 *rfm_scale_state_sorted(const RfmScaleState *state, RfmMeasure measure);

/* The slots of a measure. */
static inline ValueCount *
rfm_scale_state_slots(const RfmScaleState *state, RfmMeasure measure)
{
	ValueCount *slots = (ValueCount *) state->slots;

	for (int m = 0; m < (int) measure; m++)
		slots += state->tables[m].capacity;
	return slots;
}

/*
 * The middle of the bucket that a value lies in: a function of its highest ten
 * binary digits, exact below 1024, and its own middle's middle.
 */
static inline int64
rfm_bucket_middle(int64 value)
{
	return bucket_middle(value, RFM_BUCKET_BITS, AMOUNT_MAX);
}

/* Where the search for a value begins: folded first, so that multiples of large powers of two spread too. */
static inline uint32
rfm_value_hash(int64 value)
{
	uint64 folded = (uint64) value ^ ((uint64) value >> 32);

	return (uint32) ((folded * UINT64CONST(0x9E3779B97F4A7C15)) >> 32);
}

/* The slot of a value, or the free one where it belongs. */
static inline ValueCount *
rfm_scale_state_find(ValueCount *slots, uint32 capacity, int64 value)
{
	uint32 mask = capacity - 1;
	uint32 at = rfm_value_hash(value) & mask;

	while (slots[at].count != 0 && slots[at].value != value)
		at = (at + 1) & mask;
	return &slots[at];
}

/*
 * Counts a value; the state may have to grow, so the result takes its place.
 * The caller adds the row to nrows, which is what guards counts from overflow.
 */
static inline RfmScaleState *
rfm_scale_state_add(RfmScaleState *state, RfmMeasure measure, int64 value, int64 count)
{
	const ValueTable *table = &state->tables[measure];
	ValueCount		 *slot;

	if (table->bucketed)
		value = rfm_bucket_middle(value);
	slot = rfm_scale_state_find(rfm_scale_state_slots(state, measure), table->capacity, value);
	if (unlikely(slot->count == 0))
		return rfm_scale_state_add_new(state, measure, value, count);
	slot->count += count;
	return state;
}

#endif /* CRM_RFM_SCALE_STATE_H */
