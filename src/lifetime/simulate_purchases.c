/*
 * simulate_purchases.c: customers drawn from the models, purchase by purchase.
 *
 * Customer i draws from stream i of the seed, so that the same seed gives the
 * same rows on one build, whatever the number of customers.
 */
#include "crm.h"

#include <math.h>

#include "miscadmin.h"
#include "lifetime/clock.h"
#include "lifetime/predict.h"
#include "base/calendar.h"
#include "base/during.h"
#include "base/rows.h"
#include "lifetime/spend_model.h"

typedef struct Simulation
{
	PurchaseModel	  purchases;
	Season			 *season; /* by whose clock they buy, or NULL */
	SpendModel		  spend;
	int64			  customers;
	int64			  seed;
	DateADT			  from;
	DateADT			  until;
	int32			  acquisition_days; /* customers arrive on one of so many days */
	int64			  customer;			/* the present one, from 1 */
	SimulatedCustomer clock;
	double			  next; /* time of the next purchase, in model units since the first */
	DateADT			  first;
	double			  spend_rate; /* nu of the present customer */
} Simulation;

/* Draws the next customer: when he came, how he buys and what he spends. */
static void
next_customer(Simulation *s)
{
	PurchaseParams params = model_params(&s->purchases);
	SpendParams	   spend = spend_params(&s->spend);
	Rng			  *rng = &s->clock.rng;

	s->customer++;
	random_seed(rng, s->seed, s->customer);
	s->first = s->from + (int32) floor(random_uniform(rng) * s->acquisition_days);
	s->spend_rate = random_gamma(rng, spend.p[1]) / spend.p[2];
	model_ops(&s->purchases)->simulate(&params, &s->clock);
	s->next = 0;
}

/* The day of the present purchase; beyond the calendar counts as after the end. */
static DateADT
purchase_day(const Simulation *s)
{
	double days = s->next * s->purchases.unit_days;

	if (s->season != NULL)
	{
		DateADT before = s->first - 1;
		bool	ends = days > season_clock(s->season, s->until) - season_clock(s->season, before);

		return ends ? s->until + 1 : Max(season_day_after(s->season, before, days), s->first);
	}
	return days > (double) s->until - s->first + 1 ? s->until + 1
												   : s->first + (DateADT) floor(days);
}

/* Days from the first purchase to the present one, by the calendar. */
static double
days_since_first(const Simulation *s)
{
	double	days = s->next * s->purchases.unit_days;
	DateADT day;
	double	within;

	if (s->season == NULL)
		return days;
	day = purchase_day(s);
	within = days + season_clock(s->season, s->first - 1) - season_clock(s->season, day - 1);
	return day - s->first + within / s->season->bins[season_day(s->season->period, day).bin].s;
}

/* A model at the edge of what numbers hold draws amounts beyond them. */
static inline double
CheckDrawnAmount(double amount)
{
	if (unlikely(!isfinite(amount)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("amount drawn from the spend model is out of range"),
						errdetail("Its p and q are too small for a simulation.")));
	return amount;
}

/* When customers are simulated, and until when they come. */
typedef struct Window
{
	Days	days;
	DateADT acquired_until;
} Window;

/* (model, spend, customers, during, seed [, acquired_until]): all come on the first day by default. */
static Window
window_argument(FunctionCallInfo fcinfo)
{
	Days	days = CheckDuring(PG_GETARG_RANGE_P(3));
	DateADT acquired_until = PG_ARGISNULL(5) ? days.first : PG_GETARG_DATEADT(5);

	return (Window){days, acquired_until};
}

/* The same before 0.3.0: (model, spend, customers, from_date, until_date, seed [, acquired_until]). */
static Window
window_of_dates(FunctionCallInfo fcinfo)
{
	DateADT from = CheckFiniteDate(PG_GETARG_DATEADT(3), "from_date");
	DateADT until = CheckFiniteDate(PG_GETARG_DATEADT(4), "until_date");

	return (Window){{from, until}, PG_NARGS() > 6 ? PG_GETARG_DATEADT(6) : from};
}

/* The rows, one a call, of a window and a seed that are read at the first. */
static inline Datum
simulate_purchases(FunctionCallInfo fcinfo, Window (*window)(FunctionCallInfo), int seed_arg)
{
	FuncCallContext *rows;
	Simulation		*s;
	PurchaseParams	 params;
	Datum			 values[4];
	bool			 nulls[4] = {false};
	double			 amount;

	if (SRF_IS_FIRSTCALL())
	{
		Window w;

		rows = rows_start(fcinfo, sizeof(Simulation));
		s = rows->user_fctx;
		purchase_model_copy_plain(&s->purchases, CheckPredictingDays(PG_GETARG_PURCHASE_MODEL(0)));
		if (purchase_model_season(PG_GETARG_PURCHASE_MODEL(0)) != NULL)
			s->season = rows_copy_varlena(rows, purchase_model_season(PG_GETARG_PURCHASE_MODEL(0)));
		memcpy(&s->spend, CheckSpendPredicting(PG_GETARG_SPEND_MODEL(1)), sizeof(SpendModel));
		s->customers = PG_GETARG_INT32(2);
		w = window(fcinfo);
		s->from = w.days.first;
		s->until = w.days.last;
		s->seed = PG_GETARG_INT64(seed_arg);
		CheckFiniteDate(w.acquired_until, "acquired_until");
		if (s->customers < 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("cannot simulate %d customers", (int) s->customers)));
		if (s->until < s->from || w.acquired_until < s->from || w.acquired_until > s->until)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("acquired_until %s is not among the days simulated",
								   date_to_text(w.acquired_until))));
		s->acquisition_days = w.acquired_until - s->from + 1;
		s->next = INFINITY;
		s->first = s->from;
	}
	rows = SRF_PERCALL_SETUP();
	s = rows->user_fctx;
	params = model_params(&s->purchases);
	while (isinf(s->next) || purchase_day(s) > s->until)
	{
		CHECK_FOR_INTERRUPTS();
		if (s->customer >= s->customers)
			SRF_RETURN_DONE(rows);
		next_customer(s);
	}
	amount =
		CheckDrawnAmount(random_gamma(&s->clock.rng, spend_params(&s->spend).p[0]) / s->spend_rate);
	values[0] = Int64GetDatum(s->customer);
	values[1] = DateADTGetDatum(purchase_day(s));
	values[2] = Float8GetDatum(days_since_first(s));
	values[3] = Float8GetDatum(amount);
	s->next = model_ops(&s->purchases)->simulate_next(&params, &s->clock);
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}

/* Not strict, for the sake of its default: a NULL elsewhere gives no rows. */
PG_FUNCTION_INFO_V1(crm_simulate_purchases_during);
Datum
crm_simulate_purchases_during(PG_FUNCTION_ARGS)
{
	for (int i = 0; i < 5; i++)
		if (PG_ARGISNULL(i))
		{
			FuncCallContext *rows = SRF_IS_FIRSTCALL() ? SRF_FIRSTCALL_INIT() : SRF_PERCALL_SETUP();

			SRF_RETURN_DONE(rows);
		}
	return simulate_purchases(fcinfo, window_argument, 4);
}

PG_FUNCTION_INFO_V1(crm_simulate_purchases);
Datum
crm_simulate_purchases(PG_FUNCTION_ARGS)
{
	return simulate_purchases(fcinfo, window_of_dates, 5);
}
