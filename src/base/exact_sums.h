/*
 * exact_sums.h: the state of aggregates that add numbers: a row of exact
 * 128-bit sums.
 *
 * Integers add to the same sum in every order and split, so an aggregate that
 * turns its float8 into fixed point first gives the same bits in a serial, a
 * parallel and a sharded plan. What each sum means, and how many there are, is
 * the aggregate's own affair.
 */
#ifndef CRM_EXACT_SUMS_H
#define CRM_EXACT_SUMS_H

#include "crm.h"

#include "base/scan.h"

#define EXACT_SUMS_VERSION 1
#define EXACT_SUMS_MAX 32

/* Two halves, since a varlena is aligned to 8 bytes only. */
typedef struct ExactSum
{
	uint64 low;
	int64  high;
} ExactSum;

typedef struct ExactSums
{
	int32	 vl_len_; /* varlena header, do not touch */
	uint16	 version; /* EXACT_SUMS_VERSION */
	uint16	 nsums;	  /* 1 to EXACT_SUMS_MAX */
	ExactSum sums[FLEXIBLE_ARRAY_MEMBER];
} ExactSums;

#define EXACT_SUMS_SIZE(n) (offsetof(ExactSums, sums) + (Size) (n) * sizeof(ExactSum))

#define PG_GETARG_EXACT_SUMS(n) ((ExactSums *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

extern void		  exact_sums_init(ExactSums *s, int nsums);
extern ExactSums *exact_sums_state(FunctionCallInfo fcinfo, int nsums);
extern ExactSums *exact_sums_argument(FunctionCallInfo fcinfo, int arg, int nsums);
extern void		  exact_sums_add(ExactSums *s, int i, int128 value);
extern int128	  exact_fixed(double value, int fraction_bits, double limit, const char *name);
extern double	  exact_to_float8(int128 sum, int fraction_bits);
extern Datum	  exact_to_numeric(int128 sum);
extern int128	  scan_sum(Scanner *s);

/* One of the sums. */
static inline int128
exact_sums_get(const ExactSums *s, int i)
{
	return (int128) ((uint128) (uint64) s->sums[i].high << 64 | s->sums[i].low);
}

#endif /* CRM_EXACT_SUMS_H */
