/*
 * predict.c: p_alive, expected_purchases, p_purchases, dert and expected_next_purchase_on.
 *
 * Each has a form over (model, history, as_of ...), NULL for someone who has not
 * bought by as_of, and one over plain numbers in model units.
 */
#include "crm.h"

#include "lifetime/clock.h"
#include "lifetime/predict.h"

/* What a model that predicts knows of a customer on a day; false if not yet a customer. */
bool
forecast_start(Forecast *f, const PurchaseModel *model, PurchaseHistory *history, DateADT as_of)
{
	BtydDays days;

	f->model = CheckPredictingDays(model);
	f->params = model_params(model);
	f->as_of = as_of;
	if (!btyd_at(purchase_history_known(history, as_of), as_of, &days))
		return false;
	f->customer = model_customer(model, &days, as_of);
	return true;
}

/* P(alive on the day of the forecast). */
double
forecast_p_alive(const Forecast *f)
{
	return model_ops(f->model)->p_alive(&f->params, f->customer);
}

/* Units of the model from as_of until a day; errors unless until is finite and not before as_of. */
static double
forecast_periods(const Forecast *f, DateADT until)
{
	double periods = CheckFinitePeriods(periods_between(f->as_of, until, f->model->unit_days));

	return model_periods(f->model, f->as_of, until, periods);
}

/* Expected number of purchases in (as_of, until]; errors unless until is finite and not before as_of. */
double
forecast_expected_purchases(const Forecast *f, DateADT until)
{
	double t = forecast_periods(f, until);

	return model_ops(f->model)->expected(&f->params, f->customer, t, NULL);
}

/*
 * The first day by whose end a customer who is alive on as_of has bought again
 * with the probability; 'infinity' if that never happens, or beyond the calendar.
 */
DateADT
forecast_next_purchase_on(const Forecast *f, double quantile)
{
	double periods = model_ops(f->model)->next_purchase(&f->params, f->customer,
														CheckPart(quantile, "quantile"));
	double day = f->as_of + ceil(periods * f->model->unit_days);

	if (unlikely(f->model->flags != 0))
		return day_by_clock(f->model, f->as_of, periods);
	return day < DATE_END_JULIAN - POSTGRES_EPOCH_JDATE ? (DateADT) day : DATEVAL_NOEND;
}

/* The forecast of the arguments (model, history, as_of ...); false if not yet a customer. */
static bool
forecast_of_arguments(FunctionCallInfo fcinfo, Forecast *f)
{
	return forecast_start(f, PG_GETARG_PURCHASE_MODEL(0), PG_GETARG_PURCHASE_HISTORY(1),
						  PG_GETARG_DATEADT(2));
}

/* The model, and the customer of the form over plain numbers. */
static void
number_arguments(FunctionCallInfo fcinfo, const PurchaseModel **model, PurchaseParams *params,
				 Btyd *c)
{
	*model = CheckPredicting(PG_GETARG_PURCHASE_MODEL(0));
	*params = model_params(*model);
	*c = CheckBtyd(PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3));
}

PG_FUNCTION_INFO_V1(crm_p_alive);
Datum
crm_p_alive(PG_FUNCTION_ARGS)
{
	Forecast f;

	if (!forecast_of_arguments(fcinfo, &f))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(forecast_p_alive(&f));
}

PG_FUNCTION_INFO_V1(crm_p_alive_numbers);
Datum
crm_p_alive_numbers(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model;
	PurchaseParams		 params;
	Btyd				 c;

	number_arguments(fcinfo, &model, &params, &c);
	PG_RETURN_FLOAT8(model_ops(model)->p_alive(&params, c));
}

/* P(alive so many units later); of now, as p_alive has it to the last bit. */
static double
alive_after(const PurchaseModel *model, const PurchaseParams *params, Btyd c, double t)
{
	return t == 0 ? model_ops(model)->p_alive(params, c)
				  : model_ops(model)->p_alive_after(params, c, t);
}

/* (model, history, as_of [, until]): P(alive on as_of, or on a later day), from what is known on as_of. */
PG_FUNCTION_INFO_V1(crm_p_alive_at);
Datum
crm_p_alive_at(PG_FUNCTION_ARGS)
{
	Forecast f;
	double	 t = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || !forecast_of_arguments(fcinfo, &f))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(3))
		t = forecast_periods(&f, PG_GETARG_DATEADT(3));
	PG_RETURN_FLOAT8(alive_after(f.model, &f.params, f.customer, t));
}

PG_FUNCTION_INFO_V1(crm_p_alive_at_numbers);
Datum
crm_p_alive_at_numbers(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model;
	PurchaseParams		 params;
	Btyd				 c;
	double				 t = CheckFinitePeriods(CheckPeriods(PG_GETARG_FLOAT8(4)));

	number_arguments(fcinfo, &model, &params, &c);
	PG_RETURN_FLOAT8(alive_after(model, &params, c, t));
}

/* Expected number of purchases in (as_of, until]. */
PG_FUNCTION_INFO_V1(crm_expected_purchases);
Datum
crm_expected_purchases(PG_FUNCTION_ARGS)
{
	Forecast f;

	if (!forecast_of_arguments(fcinfo, &f))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(forecast_expected_purchases(&f, PG_GETARG_DATEADT(3)));
}

PG_FUNCTION_INFO_V1(crm_expected_purchases_numbers);
Datum
crm_expected_purchases_numbers(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model;
	PurchaseParams		 params;
	Btyd				 c;
	double				 t = CheckFinitePeriods(CheckPeriods(PG_GETARG_FLOAT8(4)));

	number_arguments(fcinfo, &model, &params, &c);
	PG_RETURN_FLOAT8(model_ops(model)->expected(&params, c, t, NULL));
}

/* Repeat purchases of a new customer: one whose first purchase was just now. */
PG_FUNCTION_INFO_V1(crm_expected_purchases_new);
Datum
crm_expected_purchases_new(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model = CheckPredicting(PG_GETARG_PURCHASE_MODEL(0));
	PurchaseParams		 params = model_params(model);
	Btyd				 fresh = {0, 0, 0};
	double				 t = CheckFinitePeriods(CheckPeriods(PG_GETARG_FLOAT8(1)));

	PG_RETURN_FLOAT8(model_ops(model)->expected(&params, fresh, t, NULL));
}

/* Within less than this nobody buys, to the last digit: rates are far below 1e100 a period. */
#define SHORTEST_PERIOD 1e-200

/* P(a new customer makes exactly n repeat purchases). */
PG_FUNCTION_INFO_V1(crm_purchase_probability);
Datum
crm_purchase_probability(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model = CheckPredicting(PG_GETARG_PURCHASE_MODEL(0));
	PurchaseParams		 params = model_params(model);
	int32				 n = PG_GETARG_INT32(1);
	double				 t = CheckFinitePeriods(CheckPeriods(PG_GETARG_FLOAT8(2)));

	if (n < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a customer cannot make %d purchases", n)));
	/* in no time nobody buys; the ratios that the models take are not numbers any more */
	if (t < SHORTEST_PERIOD)
		PG_RETURN_FLOAT8(n == 0 ? 1 : 0);
	PG_RETURN_FLOAT8(model_ops(model)->probability(&params, n, t));
}

/* Discounted expected residual transactions. */
PG_FUNCTION_INFO_V1(crm_dert);
Datum
crm_dert(PG_FUNCTION_ARGS)
{
	Forecast f;
	double	 delta;

	if (!forecast_of_arguments(fcinfo, &f))
		PG_RETURN_NULL();
	delta = discount_per_unit(PG_GETARG_FLOAT8(3), f.model->unit_days);
	CheckDiscountedEnd(INFINITY, delta);
	PG_RETURN_FLOAT8(
		model_discounted(f.model, &f.params, f.customer, f.as_of, DATEVAL_NOEND, INFINITY, delta));
}

PG_FUNCTION_INFO_V1(crm_dert_numbers);
Datum
crm_dert_numbers(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model;
	PurchaseParams		 params;
	Btyd				 c;
	double				 delta;

	number_arguments(fcinfo, &model, &params, &c);
	delta = discount_per_unit(PG_GETARG_FLOAT8(4), model->unit_days);
	CheckDiscountedEnd(INFINITY, delta);
	PG_RETURN_FLOAT8(model_ops(model)->discounted(&params, c, INFINITY, delta));
}

/* (model, history, as_of, quantile): forecast_next_purchase_on. */
PG_FUNCTION_INFO_V1(crm_next_purchase);
Datum
crm_next_purchase(PG_FUNCTION_ARGS)
{
	Forecast f;
	double	 q = CheckPart(PG_GETARG_FLOAT8(3), "quantile");

	if (!forecast_of_arguments(fcinfo, &f))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(forecast_next_purchase_on(&f, q));
}

/* The same in model units from now. */
PG_FUNCTION_INFO_V1(crm_next_purchase_numbers);
Datum
crm_next_purchase_numbers(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model;
	PurchaseParams		 params;
	Btyd				 c;
	double				 q = CheckPart(PG_GETARG_FLOAT8(4), "quantile");

	number_arguments(fcinfo, &model, &params, &c);
	PG_RETURN_FLOAT8(model_ops(model)->next_purchase(&params, c, q));
}
