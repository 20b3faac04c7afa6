/*
 * rfm.h: the score of one customer: recency, frequency and monetary, each 1 to
 * the number of bins, the highest being the best.
 *
 * An int32 passed by value, bins * 1000 + recency * 100 + frequency * 10 +
 * monetary, so that its order as a number is the order of scores.
 */
#ifndef CRM_RFM_H
#define CRM_RFM_H

#include "crm.h"

#define RFM_MIN_BINS 2
#define RFM_MAX_BINS 9
#define RFM_DEFAULT_BINS 5

typedef int32 Rfm;

#define DatumGetRfm(d) ((Rfm) DatumGetInt32(d))
#define RfmGetDatum(x) Int32GetDatum(x)
#define PG_GETARG_RFM(n) DatumGetRfm(PG_GETARG_DATUM(n))
#define PG_RETURN_RFM(x) return RfmGetDatum(x)

extern Rfm	 rfm_make(int bins, int recency, int frequency, int monetary);
extern char *rfm_to_text(Rfm rfm);

static inline int
rfm_bins(Rfm rfm)
{
	return rfm / 1000;
}

static inline int
rfm_recency(Rfm rfm)
{
	return rfm / 100 % 10;
}

static inline int
rfm_frequency(Rfm rfm)
{
	return rfm / 10 % 10;
}

static inline int
rfm_monetary(Rfm rfm)
{
	return rfm % 10;
}

/* Digits leave room for two to nine bins. */
static inline void
CheckRfmBins(int64 bins)
{
	if (bins < RFM_MIN_BINS || bins > RFM_MAX_BINS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of bins %lld is out of range", (long long) bins),
						errdetail("Scores have %d to %d bins.", RFM_MIN_BINS, RFM_MAX_BINS)));
}

#endif /* CRM_RFM_H */
