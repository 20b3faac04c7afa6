/*
 * purchase_forecast.c: the type purchase_forecast, and what it answers: how many, and how sure.
 *
 * The text form is the customer, the time, and the model:
 *   x 2, t_x 30.5, age 38.75, periods 39 by pareto_nbd(r 0.553, ...)
 */
#include "crm.h"

#include "base/names.h"
#include "base/value.h"
#include "base/rows.h"
#include "executor/executor.h"
#include "base/scan.h"
#include "libpq/pqformat.h"
#include "lifetime/clock.h"
#include "lifetime/predict.h"
#include "lifetime/purchase_forecast.h"
#include "math/special.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Steps in the logs of parameters, for slopes. */
#define STEP 1e-5

/* A forecast, made of checked parts. */
static PurchaseForecast *
forecast_create(Btyd c, double periods, const PurchaseModel *model)
{
	PurchaseForecast *forecast = palloc0(sizeof(PurchaseForecast));

	SET_VARSIZE(forecast, sizeof(PurchaseForecast));
	forecast->version = PURCHASE_FORECAST_VERSION;
	forecast->customer = c;
	forecast->periods = CheckFinitePeriods(CheckPeriods(periods));
	purchase_model_copy_plain(&forecast->model, CheckPredictingDays(model));
	return forecast;
}

extern Datum crm_purchase_model_in(PG_FUNCTION_ARGS);
extern Datum crm_purchase_model_out(PG_FUNCTION_ARGS);
extern Datum crm_purchase_model_send(PG_FUNCTION_ARGS);
extern Datum crm_purchase_model_recv(PG_FUNCTION_ARGS);

/* (model, history, as_of, until); NULL before the first purchase. */
PG_FUNCTION_INFO_V1(crm_purchase_forecast);
Datum
crm_purchase_forecast(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model = CheckPredictingDays(PG_GETARG_PURCHASE_MODEL(0));
	DateADT				 as_of = PG_GETARG_DATEADT(2);
	DateADT				 until = PG_GETARG_DATEADT(3);
	BtydDays			 days;

	if (!btyd_at(PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)), PG_GETARG_DATEADT(2), &days))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(forecast_create(
		model_customer(model, &days, as_of),
		model_periods(model, as_of, until, periods_between(as_of, until, model->unit_days)),
		model));
}

static double
scan_named(Scanner *s, const char *name)
{
	double value;

	scan_word(s, name);
	value = scan_float8(s) + 0.0;
	return value;
}

PG_FUNCTION_INFO_V1(crm_purchase_forecast_in);
Datum
crm_purchase_forecast_in(PG_FUNCTION_ARGS)
{
	Scanner s = scan_start("purchase_forecast", PG_GETARG_CSTRING(0));
	double	numbers[4];
	Datum	model;

	for (int i = 0; i < 4; i++)
	{
		static const char *const names[] = {"x", "t_x", "age", "periods"};

		if (i > 0)
			scan_char(&s, ',');
		numbers[i] = scan_named(&s, names[i]);
	}
	scan_word(&s, "by");
	/* the rest is a model's own text */
	model = DirectFunctionCall1(crm_purchase_model_in, CStringGetDatum(s.at));
	PG_RETURN_POINTER(forecast_create(CheckBtyd(numbers[0], numbers[1], numbers[2]), numbers[3],
									  (PurchaseModel *) DatumGetPointer(model)));
}

PG_FUNCTION_INFO_V1(crm_purchase_forecast_out);
Datum
crm_purchase_forecast_out(PG_FUNCTION_ARGS)
{
	PurchaseForecast *forecast = PG_GETARG_PURCHASE_FORECAST(0);
	StringInfoData	  out;

	initStringInfo(&out);
	appendStringInfoString(&out, "x ");
	append_float8(&out, forecast->customer.x);
	appendStringInfoString(&out, ", t_x ");
	append_float8(&out, forecast->customer.t_x);
	appendStringInfoString(&out, ", age ");
	append_float8(&out, forecast->customer.age);
	appendStringInfoString(&out, ", periods ");
	append_float8(&out, forecast->periods);
	appendStringInfo(&out, " by %s",
					 DatumGetCString(DirectFunctionCall1(crm_purchase_model_out,
														 PointerGetDatum(&forecast->model))));
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_purchase_forecast_send);
Datum
crm_purchase_forecast_send(PG_FUNCTION_ARGS)
{
	PurchaseForecast *forecast = PG_GETARG_PURCHASE_FORECAST(0);
	bytea			 *model = DatumGetByteaP(
				   DirectFunctionCall1(crm_purchase_model_send, PointerGetDatum(&forecast->model)));
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, forecast->version);
	pq_sendint16(&out, forecast->flags);
	pq_sendfloat8(&out, forecast->customer.x);
	pq_sendfloat8(&out, forecast->customer.t_x);
	pq_sendfloat8(&out, forecast->customer.age);
	pq_sendfloat8(&out, forecast->periods);
	pq_sendbytes(&out, VARDATA(model), VARSIZE(model) - VARHDRSZ);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_purchase_forecast_recv);
Datum
crm_purchase_forecast_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int		   version = pq_getmsgint(message, 2);
	int		   flags = pq_getmsgint(message, 2);
	double	   numbers[4];
	Datum	   model;

	if (version != PURCHASE_FORECAST_VERSION || flags != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown purchase_forecast of version %d", version)));
	for (int i = 0; i < 4; i++)
		numbers[i] = pq_getmsgfloat8(message) + 0.0;
	model = DirectFunctionCall1(crm_purchase_model_recv, PointerGetDatum(message));
	PG_RETURN_POINTER(forecast_create(CheckBtyd(numbers[0], numbers[1], numbers[2]), numbers[3],
									  (PurchaseModel *) DatumGetPointer(model)));
}

VALUE_FUNCTIONS(purchase_forecast, value_bytes_order, value_bytes);

/* (forecast, n): P(exactly n purchases). */
PG_FUNCTION_INFO_V1(crm_forecast_probability);
Datum
crm_forecast_probability(PG_FUNCTION_ARGS)
{
	PurchaseForecast *forecast = PG_GETARG_PURCHASE_FORECAST(0);
	PurchaseParams	  params = model_params(&forecast->model);
	int32			  n = PG_GETARG_INT32(1);

	if (n < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a customer cannot make %d purchases", n)));
	PG_RETURN_FLOAT8(model_ops(&forecast->model)
						 ->p_purchases(&params, forecast->customer, n, forecast->periods));
}

double
forecast_quantile(const PurchaseModel *model, Btyd c, double t, double q)
{
	PurchaseParams			params = model_params(model);
	const PurchaseModelOps *ops = model_ops(model);
	double					mean = ops->expected(&params, c, t, NULL);
	double					known[MORE_PURCHASES];
	int						nknown = 0;
	double					sum = 0;

	CheckCountedPurchases(mean);
	for (double n = 0;; n++)
	{
		double p;

		CHECK_FOR_INTERRUPTS();
		CheckCountedPurchases(n);
		if (n == nknown && nknown < MORE_PURCHASES)
			ops->p_purchases_below(&params, c,
								   nknown = nknown == 0 ? FEW_PURCHASES : MORE_PURCHASES, t, known);
		p = n < nknown ? known[(int) n] : ops->p_purchases(&params, c, n, t);
		sum += p;
		/* what rounding keeps from the last digits of 1 must not be waited for */
		if (sum >= q || (n > mean && p < 1e-17))
			return n;
	}
}

/* (forecast, quantile): the smallest n with P(at most n purchases) >= quantile. */
PG_FUNCTION_INFO_V1(crm_forecast_quantile);
Datum
crm_forecast_quantile(PG_FUNCTION_ARGS)
{
	PurchaseForecast *forecast = PG_GETARG_PURCHASE_FORECAST(0);

	PG_RETURN_INT32(
		(int32) Min(forecast_quantile(&forecast->model, forecast->customer, forecast->periods,
									  CheckPart(PG_GETARG_FLOAT8(1), "quantile")),
					(double) PG_INT32_MAX));
}

PG_FUNCTION_INFO_V1(crm_forecast_mean);
Datum
crm_forecast_mean(PG_FUNCTION_ARGS)
{
	PurchaseForecast *forecast = PG_GETARG_PURCHASE_FORECAST(0);
	PurchaseParams	  params = model_params(&forecast->model);

	PG_RETURN_FLOAT8(model_ops(&forecast->model)
						 ->expected(&params, forecast->customer, forecast->periods, NULL));
}

/* By the delta method: g' C g, with g the slopes of the expectation. */
double
forecast_mean_error(const PurchaseModel *model, Btyd c, double t, double mean)
{
	PurchaseParams			params = model_params(model);
	const PurchaseModelOps *ops = model_ops(model);
	double					slope[PURCHASE_PARAMS];
	double					variance = 0;

	if (model->fit.verdict != FIT_CONVERGED)
		return 0;
	for (int i = 0; i < ops->nparams; i++)
	{
		PurchaseParams moved = params;
		double step = ops->units[i] == PARAM_SHARE ? -STEP : STEP; /* a share stays below 1 */

		moved.p[i] *= exp(step);
		slope[i] = (ops->expected(&moved, c, t, NULL) - mean) / (moved.p[i] - params.p[i]);
	}
	for (int i = 0; i < ops->nparams; i++)
		for (int j = 0; j < ops->nparams; j++)
			variance +=
				slope[i] * slope[j] * model->fit.covariance[COVARIANCE_INDEX(Max(i, j), Min(i, j))];
	return sqrt(Max(variance, 0));
}

/* Whose uncertainty an interval is about. */
typedef enum Uncertainty
{
	OF_OUTCOME,
	OF_MEAN,
	OF_BOTH
} Uncertainty;

static const char  uncertainty_names[][8] = {"outcome", "mean", "both"};
static const Names uncertainties = NAMES(
	"uncertainty", "Uncertainties",
	"The first is one customer's luck, the second that of the parameters.", 0, uncertainty_names);

/* (forecast, of): standard deviation of the purchases, of their expectation, or of both together. */
PG_FUNCTION_INFO_V1(crm_forecast_standard_error);
Datum
crm_forecast_standard_error(PG_FUNCTION_ARGS)
{
	PurchaseForecast *forecast = PG_GETARG_PURCHASE_FORECAST(0);
	Uncertainty		  of = names_get_text(&uncertainties, PG_GETARG_TEXT_PP(1));
	PurchaseParams	  params = model_params(&forecast->model);
	double			  second;
	double			  mean = model_ops(&forecast->model)
					  ->expected(&params, forecast->customer, forecast->periods, &second);
	double outcome = of == OF_MEAN ? 0 : Max(second - mean * mean, 0);
	double error = of == OF_OUTCOME ? 0
									: forecast_mean_error(&forecast->model, forecast->customer,
														  forecast->periods, mean);

	PG_RETURN_FLOAT8(sqrt(outcome + error * error));
}

/*
 * (forecast, level, of) -> (low, high). Of the outcome: exact quantiles. Of the mean: the delta method
 * on the logarithm, so that no end lies below 0. Of both: the variances added, as a lognormal distribution of that mean and
 * variance has it.
 */
PG_FUNCTION_INFO_V1(crm_forecast_interval);
Datum
crm_forecast_interval(PG_FUNCTION_ARGS)
{
	PurchaseForecast	*forecast = PG_GETARG_PURCHASE_FORECAST(0);
	double				 level = CheckPart(PG_GETARG_FLOAT8(1), "level");
	Uncertainty			 of = names_get_text(&uncertainties, PG_GETARG_TEXT_PP(2));
	const PurchaseModel *model = &forecast->model;
	PurchaseParams		 params = model_params(model);
	double				 z = -math_normal_quantile((1 - level) / 2);
	double				 low;
	double				 high;

	if (of == OF_OUTCOME)
	{
		low = forecast_quantile(model, forecast->customer, forecast->periods, (1 - level) / 2);
		high = forecast_quantile(model, forecast->customer, forecast->periods, (1 + level) / 2);
	}
	else
	{
		double second;
		double mean =
			model_ops(model)->expected(&params, forecast->customer, forecast->periods, &second);
		double error = forecast_mean_error(model, forecast->customer, forecast->periods, mean);
		double middle = mean;
		double spread = mean > 0 ? error / mean : 0;

		if (of == OF_BOTH && mean > 0)
		{
			spread = sqrt(log1p((Max(second - mean * mean, 0) + error * error) / (mean * mean)));
			middle = mean * exp(-spread * spread / 2);
		}
		low = middle * exp(-z * spread);
		high = middle * exp(z * spread);
	}
	{
		Datum values[2] = {Float8GetDatum(low), Float8GetDatum(high)};
		bool  nulls[2] = {false, false};

		PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
	}
}

/* A column of a row that is an argument; false if it is NULL. */
static bool
row_figure(HeapTupleHeader row, const char *name, double *figure)
{
	bool  isnull;
	Datum value = GetAttributeByName(row, name, &isnull);

	if (!isnull)
		*figure = DatumGetFloat8(value);
	return !isnull;
}

/*
 * (expected_revenue_result, level) -> (low, high): a lognormal distribution of the revenue's mean and variance, as
 * of => 'both' has it for one customer. NULL where there is no revenue or its variance is infinite.
 */
PG_FUNCTION_INFO_V1(crm_revenue_interval);
Datum
crm_revenue_interval(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	double			level = CheckPart(PG_GETARG_FLOAT8(1), "level");
	double			z = -math_normal_quantile((1 - level) / 2);
	double			revenue = 0;
	double			error = 0;
	Datum			values[2] = {0};
	bool			nulls[2] = {true, true};

	if (row_figure(row, "revenue", &revenue) && row_figure(row, "standard_error", &error) &&
		isfinite(revenue) && isfinite(error) && revenue >= 0)
	{
		double ratio = revenue > 0 ? fabs(error / revenue) : 0;
		double variance = ratio < 1 ? log1p(ratio * ratio) : 2 * log(hypot(1, ratio));
		double spread = sqrt(variance);

		values[0] = Float8GetDatum(revenue * exp(-variance / 2 - z * spread));
		values[1] = Float8GetDatum(revenue * exp(-variance / 2 + z * spread));
		nulls[0] = nulls[1] = isinf(ratio);
	}
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
