/*
 * rfm_measures.h: what one customer is scored by.
 *
 * The three measures come from a history, from whole numbers with exact money,
 * or from float8; each way is one reader, and the aggregates, the scores and
 * the explanation all read through it. Values are whole ten-thousandths, so
 * that a fractional measure (mean spend, mean days) keeps four decimals.
 */
#ifndef CRM_RFM_MEASURES_H
#define CRM_RFM_MEASURES_H

#include "crm.h"

#include "base/amount.h"
#include "history/purchase_history.h"

typedef enum RfmMeasure
{
	RFM_RECENCY,
	RFM_FREQUENCY,
	RFM_MONETARY
} RfmMeasure;

#define RFM_MEASURES 3

typedef struct RfmMeasures
{
	int64 values[RFM_MEASURES]; /* in 1/10000 */
} RfmMeasures;

/*
 * Reads the measures from the arguments that start at arg; false if there is
 * nothing to score: a NULL, or a history without a purchase day until as_of.
 */
typedef bool (*RfmReader)(FunctionCallInfo fcinfo, int arg, RfmMeasures *m);

extern bool rfm_measure_history(PurchaseHistory *history, DateADT as_of, RfmMeasures *m);
extern bool rfm_read_history(FunctionCallInfo fcinfo, int arg, RfmMeasures *m);
extern bool rfm_read_numeric(FunctionCallInfo fcinfo, int arg, RfmMeasures *m);
extern bool rfm_read_float8(FunctionCallInfo fcinfo, int arg, RfmMeasures *m);

extern const char *const rfm_measure_names[RFM_MEASURES];

/* How many arguments a reader takes. */
#define RFM_HISTORY_ARGS 2
#define RFM_NUMBER_ARGS 3

#endif /* CRM_RFM_MEASURES_H */
