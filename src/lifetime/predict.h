/*
 * predict.h: time and discounting as the predictions of every model understand them.
 */
#ifndef CRM_PREDICT_H
#define CRM_PREDICT_H

#include "crm.h"

#include <math.h>

#include "base/shares.h"
#include "lifetime/btyd.h"
#include "lifetime/purchase_model.h"

/* Time from as_of until a day, in model units; infinite for 'infinity'. */
static inline double
periods_between(DateADT as_of, DateADT until, int32 unit_days)
{
	if (DATE_IS_NOEND(until))
		return INFINITY;
	if (unlikely(DATE_NOT_FINITE(until) || until < as_of))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a prediction from %s cannot end on %s", date_to_text(as_of),
							   DATE_NOT_FINITE(until) ? "-infinity" : date_to_text(until))));
	return (double) ((int64) until - as_of) / unit_days;
}

/* A finite end for predictions that grow without end. */
static inline double
CheckFinitePeriods(double periods)
{
	if (unlikely(!isfinite(periods)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("an undiscounted prediction needs a finite end")));
	return periods;
}

/* How many purchases of one customer are counted one by one, for a quantile of how many or of what they cost: a second's work. */
#define COUNTED_PURCHASES_MAX 50000

/* What is counted one by one are not too many. */
static inline void
CheckCountedPurchases(double purchases)
{
	if (unlikely(purchases > COUNTED_PURCHASES_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a prediction of more than %d purchases of a customer has no quantiles",
						COUNTED_PURCHASES_MAX),
				 errhint("Ask about a nearer day, or for the mean and its standard error.")));
}

/* No two dates lie farther apart, whatever the unit. */
#define PERIODS_MAX 1e10

/* Periods given as a number, in model units; infinity passes. */
static inline double
CheckPeriods(double periods)
{
	if (unlikely(!(periods >= 0) || (periods > PERIODS_MAX && !isinf(periods))))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a prediction cannot cover %g periods", periods),
						errdetail("Periods are 0 to %g.", PERIODS_MAX)));
	return periods;
}

/* Continuous rate of discount per model unit: ln(1 + annual rate) per 365.25 days. */
static inline double
discount_per_unit(double annual_rate, int32 unit_days)
{
	return log1p(CheckAnnualDiscountRate(annual_rate)) / DAYS_PER_YEAR_OF_DISCOUNT * unit_days;
}

/* Less discount a unit than this is none: purchases would count for longer than there are dates. */
#define DISCOUNT_MIN 1e-12

/* Without end only what is discounted adds up to something finite. */
static inline void
CheckDiscountedEnd(double periods, double delta)
{
	if (unlikely(isinf(periods) && delta < DISCOUNT_MIN))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a value until infinity needs a positive discount rate"),
			 delta > 0 ? errdetail("The discount of %g a unit of time is too small.", delta) : 0));
}

/* A model and a customer as it sees one on a day, of which everything that is to come follows. */
typedef struct Forecast
{
	const PurchaseModel *model;
	PurchaseParams		 params;
	DateADT				 as_of;
	Btyd				 customer;
} Forecast;

extern bool	   forecast_start(Forecast *f, const PurchaseModel *model, PurchaseHistory *history,
							  DateADT as_of);
extern double  forecast_p_alive(const Forecast *f);
extern double  forecast_expected_purchases(const Forecast *f, DateADT until);
extern DateADT forecast_next_purchase_on(const Forecast *f, double quantile);

#endif /* CRM_PREDICT_H */
