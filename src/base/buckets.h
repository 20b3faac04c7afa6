/*
 * buckets.h: numbers counted by their first binary digits, where there are too many
 * different ones to count each.
 *
 * A bucket is all numbers of one sign whose size has the same first bits + 1 digits:
 * it is at most 2^-bits of them wide, and a number of no more digits is a bucket of its own.
 */
#ifndef CRM_BASE_BUCKETS_H
#define CRM_BASE_BUCKETS_H

#include "crm.h"

#include "port/pg_bitutils.h"

static inline uint64
bucket_size_of(int64 value)
{
	return value < 0 ? -(uint64) value : (uint64) value;
}

static inline int64
bucket_number(uint64 size, bool negative)
{
	return negative ? -(int64) size : (int64) size;
}

/* How many digits of a size its bucket leaves open. */
static inline int
bucket_open_digits(uint64 size, int bits)
{
	if (size < UINT64CONST(1) << (bits + 1))
		return 0;
	return pg_leftmost_one_pos64(size) - bits;
}

/* The number nearest to zero of the bucket of a value. */
static inline int64
bucket_start(int64 value, int bits)
{
	uint64 size = bucket_size_of(value);
	int	   open = bucket_open_digits(size, bits);

	return bucket_number(size >> open << open, value < 0);
}

/* The number farthest from zero of it. */
static inline int64
bucket_end(int64 value, int bits)
{
	uint64 size = bucket_size_of(value);

	return bucket_number(size | ((UINT64CONST(1) << bucket_open_digits(size, bits)) - 1),
						 value < 0);
}

/* The number in its middle, no larger than the most that numbers may be. */
static inline int64
bucket_middle(int64 value, int bits, uint64 most)
{
	uint64 size = bucket_size_of(value);
	int	   open = bucket_open_digits(size, bits);

	if (open > 0)
		size = Min((size >> open << open) + (UINT64CONST(1) << (open - 1)), most);
	return bucket_number(size, value < 0);
}

#endif /* CRM_BASE_BUCKETS_H */
