/*
 * simulate_purchases.c: customers drawn from the models, purchase by purchase.
 *
 * Customer i draws from stream i of the seed, so that the same seed gives the
 * same rows on one build, whatever the number of customers.
 */
#include "crm.h"

#include <math.h>

#include "miscadmin.h"
#include "lifetime/predict.h"
#include "base/rows.h"
#include "lifetime/spend_model.h"

typedef struct Simulation
{
	PurchaseModel	  purchases;
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

	return days > (double) s->until - s->first + 1 ? s->until + 1
												   : s->first + (DateADT) floor(days);
}

/* (model, spend, customers, from_date, until_date, seed [, acquired_until]) */
PG_FUNCTION_INFO_V1(crm_simulate_purchases);
Datum
crm_simulate_purchases(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	Simulation		*s;
	PurchaseParams	 params;
	Datum			 values[4];
	bool			 nulls[4] = {false};
	double			 amount;

	if (SRF_IS_FIRSTCALL())
	{
		DateADT acquired_until;

		rows = rows_start(fcinfo, sizeof(Simulation));
		s = rows->user_fctx;
		memcpy(&s->purchases, CheckPredicting(PG_GETARG_PURCHASE_MODEL(0)), sizeof(PurchaseModel));
		memcpy(&s->spend, CheckSpendPredicting(PG_GETARG_SPEND_MODEL(1)), sizeof(SpendModel));
		s->customers = PG_GETARG_INT32(2);
		s->from = CheckFiniteDate(PG_GETARG_DATEADT(3), "from_date");
		s->until = CheckFiniteDate(PG_GETARG_DATEADT(4), "until_date");
		s->seed = PG_GETARG_INT64(5);
		acquired_until =
			PG_NARGS() > 6 ? CheckFiniteDate(PG_GETARG_DATEADT(6), "acquired_until") : s->from;
		if (s->customers < 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("cannot simulate %d customers", (int) s->customers)));
		if (s->until < s->from || acquired_until < s->from || acquired_until > s->until)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("a simulation's days must be in order"),
							errdetail("from_date comes first, then acquired_until, then "
									  "until_date.")));
		s->acquisition_days = acquired_until - s->from + 1;
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
	amount = random_gamma(&s->clock.rng, spend_params(&s->spend).p[0]) / s->spend_rate;
	values[0] = Int64GetDatum(s->customer);
	values[1] = DateADTGetDatum(purchase_day(s));
	values[2] = Float8GetDatum(s->next * s->purchases.unit_days);
	values[3] = Float8GetDatum(amount);
	s->next = model_ops(&s->purchases)->simulate_next(&params, &s->clock);
	SRF_RETURN_NEXT(rows, rows_make(rows, values, nulls));
}
