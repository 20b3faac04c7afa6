/*
 * whale_curve.h: the profits of all customers, by size.
 *
 * A curve counts customers by profit, in 1/10000 of the currency unit. Up to
 * WHALE_MAX_EXACT distinct profits it keeps each of them. Beyond, it keeps
 * buckets at most 2^-WHALE_BUCKET_BITS of the profit wide, with the exact sum
 * in each: loss makers and profit makers never share one. Which of the two is
 * a function of the profits alone, so that every order of rows, every split
 * and every plan give the same curve.
 *
 * The groups up to nsorted ascend and are distinct; behind them, up to
 * ngroups, stand profits as they came. A stored value has none of these; the
 * state of an aggregate has room for more behind them, which VARSIZE counts.
 */
#ifndef CRM_WHALE_CURVE_H
#define CRM_WHALE_CURVE_H

#include "crm.h"

#include "base/amount.h"

#define WHALE_CURVE_VERSION 1
#define WHALE_CURVE_BUCKETED 1 /* the one flag */

#define WHALE_MAX_EXACT 65536
#define WHALE_BUCKET_BITS 10

typedef struct ProfitGroup
{
	int64 profit;	 /* of each customer; of a bucket, the one nearest to zero that it takes */
	int64 customers; /* 1 or more */
	int64 sum;		 /* of their profits, exact */
} ProfitGroup;

typedef struct WhaleCurve
{
	int32		vl_len_; /* varlena header, do not touch */
	uint16		version; /* WHALE_CURVE_VERSION */
	uint16		flags;	 /* WHALE_CURVE_BUCKETED or 0 */
	int32		ngroups;
	int32		nsorted;
	ProfitGroup groups[FLEXIBLE_ARRAY_MEMBER];
} WhaleCurve;

#define WHALE_CURVE_SIZE(n) (offsetof(WhaleCurve, groups) + (Size) (n) * sizeof(ProfitGroup))

#define DatumGetWhaleCurve(d) ((WhaleCurve *) PG_DETOAST_DATUM(d))
#define PG_GETARG_WHALE_CURVE(n) DatumGetWhaleCurve(PG_GETARG_DATUM(n))
#define PG_RETURN_WHALE_CURVE(c) PG_RETURN_POINTER(c)

extern const WhaleCurve *whale_curve_settled(const WhaleCurve *curve);
extern int64			 whale_curve_customers(const WhaleCurve *curve);
extern int128			 whale_curve_total(const WhaleCurve *curve);
extern int128			 whale_curve_top(const WhaleCurve *curve, int64 customers);

#endif /* CRM_WHALE_CURVE_H */
