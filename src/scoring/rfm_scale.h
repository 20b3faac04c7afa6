/*
 * rfm_scale.h: the cut points that turn three measures into scores.
 *
 * cuts holds bins - 1 cut points of recency, then of frequency, then of
 * monetary, each not below the one before it. flags and reserved must be zero:
 * receive rejects anything else, so that a later version can use them.
 *
 * A cut point is a decimal with eight places, kept as a whole number of
 * ten-thousandths, rounded down, and the rest. Measures are whole
 * ten-thousandths, so value > cut is value > floor: one comparison of int64.
 *
 * Storage is plain: a scale is read in place, for every customer it scores.
 */
#ifndef CRM_RFM_SCALE_H
#define CRM_RFM_SCALE_H

#include "crm.h"

#include "scoring/rfm.h"
#include "scoring/rfm_measures.h"
#include "utils/numeric.h"

#define RFM_SCALE_VERSION 1
#define RFM_CUT_REST_SCALE 10000
#define RFM_CUT_DECIMALS 8

typedef struct RfmCut
{
	int64 floor; /* in 1/10000, rounded down */
	int64 rest;	 /* 0 to 9999, in 1/10000 of that */
} RfmCut;

typedef struct RfmScale
{
	int32  vl_len_; /* varlena header, do not touch */
	uint8  version; /* RFM_SCALE_VERSION */
	uint8  flags;	/* reserved, zero */
	uint8  bins;	/* 2 to 9 */
	uint8  reserved;
	RfmCut cuts[FLEXIBLE_ARRAY_MEMBER];
} RfmScale;

#define RFM_SCALE_SIZE(bins) \
	(offsetof(RfmScale, cuts) + RFM_MEASURES * ((bins) -1) * sizeof(RfmCut))

#define DatumGetRfmScale(d) ((RfmScale *) PG_DETOAST_DATUM(d))
#define PG_GETARG_RFM_SCALE(n) DatumGetRfmScale(PG_GETARG_DATUM(n))
#define PG_RETURN_RFM_SCALE(s) PG_RETURN_POINTER(s)

extern RfmScale *rfm_scale_create(int bins);
extern RfmCut	 rfm_cut_between(int64 low, int64 high, int part, int parts);
extern Numeric	 rfm_cut_to_numeric(const RfmCut *cut);
extern bool rfm_score_of(const RfmScale *scale, PurchaseHistory *history, DateADT as_of, Rfm *rfm);

/* The bins - 1 cut points of a measure. */
static inline RfmCut *
rfm_scale_cuts(RfmScale *scale, RfmMeasure measure)
{
	return scale->cuts + measure * (scale->bins - 1);
}

/* How many cut points of a measure lie below a value. */
static inline int
rfm_scale_cuts_below(const RfmScale *scale, RfmMeasure measure, int64 value)
{
	const RfmCut *cuts = scale->cuts + measure * (scale->bins - 1);
	int			  below = 0;

	for (int i = 0; i < scale->bins - 1; i++)
		below += value > cuts[i].floor;
	return below;
}

/* The score of a value: 1 + the cut points below it; of recency the other way, few days being best. */
static inline int
rfm_scale_score(const RfmScale *scale, RfmMeasure measure, int64 value)
{
	int below = rfm_scale_cuts_below(scale, measure, value);

	return measure == RFM_RECENCY ? scale->bins - below : 1 + below;
}

#endif /* CRM_RFM_SCALE_H */
