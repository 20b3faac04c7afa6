/*
 * rfm_measures.c: recency, frequency and monetary from the arguments of a function.
 */
#include "crm.h"

#include <math.h>

#include "base/decimal.h"
#include "scoring/rfm_measures.h"
#include "utils/builtins.h"

const char *const rfm_measure_names[RFM_MEASURES] = {"recency", "frequency", "monetary"};

static void
measure_out_of_range(RfmMeasure measure, const char *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s %s is out of range", rfm_measure_names[measure], value),
			 errdetail("A measure is a finite number between -900 trillion and 900 trillion.")));
}

/* A whole number as a measure. */
static inline int64
measure_of_int64(RfmMeasure measure, int64 value)
{
	if (unlikely(value > AMOUNT_MAX / AMOUNT_SCALE || value < -AMOUNT_MAX / AMOUNT_SCALE))
		measure_out_of_range(measure, psprintf("%lld", (long long) value));
	return value * AMOUNT_SCALE;
}

/* A float8 as a measure, rounded to four decimals as an amount is. */
static inline int64
measure_of_float8(RfmMeasure measure, double value)
{
	if (unlikely(!(fabs(value) <= (double) (AMOUNT_MAX / AMOUNT_SCALE))))
		measure_out_of_range(measure, float8_text(value));
	return amount_from_float8(value);
}

/*
 * What a history comes to, orders or money in 1/10000, as a measure: each day of it
 * may hold 900 trillion, so a customer may come to more, who ranks with the highest.
 */
static inline int64
measure_of_sum(int128 sum)
{
	return (int64) Max(Min(sum, AMOUNT_MAX), -AMOUNT_MAX);
}

/* Days since the last purchase, orders and net spend of what is known on a finite day; false without a purchase by then. */
bool
rfm_measure_history(PurchaseHistory *history, DateADT as_of, RfmMeasures *m)
{
	PurchaseHistory	  *h = purchase_history_known(history, as_of);
	int				   n = purchase_history_count_until(h, as_of);
	const PurchaseDay *last = purchase_history_last(h, n);

	if (last == NULL)
		return false;
	m->values[RFM_RECENCY] = ((int64) as_of - last->day) * AMOUNT_SCALE;
	m->values[RFM_FREQUENCY] =
		measure_of_sum((int128) purchase_history_orders(h, n) * AMOUNT_SCALE);
	m->values[RFM_MONETARY] = measure_of_sum(purchase_history_spend(h, n));
	return true;
}

/* (history, as_of) */
bool
rfm_read_history(FunctionCallInfo fcinfo, int arg, RfmMeasures *m)
{
	PurchaseHistory *h;
	bool			 found;

	if (PG_ARGISNULL(arg) || PG_ARGISNULL(arg + 1))
		return false;
	h = PG_GETARG_PURCHASE_HISTORY(arg);
	found = rfm_measure_history(h, CheckFiniteDate(PG_GETARG_DATEADT(arg + 1), "as_of"), m);
	PG_FREE_IF_COPY(h, arg);
	return found;
}

/* (int, bigint, numeric) */
bool
rfm_read_numeric(FunctionCallInfo fcinfo, int arg, RfmMeasures *m)
{
	Numeric monetary;

	if (PG_ARGISNULL(arg) || PG_ARGISNULL(arg + 1) || PG_ARGISNULL(arg + 2))
		return false;
	m->values[RFM_RECENCY] = (int64) PG_GETARG_INT32(arg) * AMOUNT_SCALE;
	m->values[RFM_FREQUENCY] = measure_of_int64(RFM_FREQUENCY, PG_GETARG_INT64(arg + 1));
	/* read packed: unpacking would copy each short numeric */
	monetary = (Numeric) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(arg + 2));
	m->values[RFM_MONETARY] = amount_from_numeric(monetary);
	return true;
}

/* (float8, float8, float8) */
bool
rfm_read_float8(FunctionCallInfo fcinfo, int arg, RfmMeasures *m)
{
	if (PG_ARGISNULL(arg) || PG_ARGISNULL(arg + 1) || PG_ARGISNULL(arg + 2))
		return false;
	for (int i = 0; i < RFM_MEASURES; i++)
		m->values[i] = measure_of_float8(i, PG_GETARG_FLOAT8(arg + i));
	return true;
}
