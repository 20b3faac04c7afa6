/*
 * clv.c: expected_spend, clv and simple_clv; its interval is in clv_interval.c.
 */
#include "crm.h"

#include "base/shares.h"
#include "lifetime/clock.h"
#include "lifetime/clv.h"
#include "lifetime/predict.h"
#include "lifetime/spend_model.h"
#include "utils/builtins.h"

/* Expected net spend per purchase day; the population mean for one who has not bought again. */
PG_FUNCTION_INFO_V1(crm_expected_spend);
Datum
crm_expected_spend(PG_FUNCTION_ARGS)
{
	const SpendModel *model = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(0));
	BtydDays		  days;

	if (!btyd_at(PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)), PG_GETARG_DATEADT(2), &days))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(expected_spend(model, days.x, btyd_mean_spend(&days)));
}

/* 'mean', or 'median' where the mean of the customer's spend is infinite: what expected_spend and clv stand on. */
PG_FUNCTION_INFO_V1(crm_spend_measure);
Datum
crm_spend_measure(PG_FUNCTION_ARGS)
{
	const SpendModel *model = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(0));
	SpendParams		  params = spend_params(model);
	BtydDays		  days;

	if (!btyd_at(PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2)), PG_GETARG_DATEADT(2), &days))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(
		isinf(gamma_gamma_expected(&params, days.x, Max(btyd_mean_spend(&days), 0))) ? "median"
																					 : "mean"));
}

/* x and mean_spend as plain numbers; mean_spend is not looked at if x is 0. */
static double
CheckMeanSpend(double x, double mean_spend)
{
	if (!(x >= 0 && x <= 1e9) || x != floor(x))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("x of %g is not possible", x),
				 errdetail("x is a number of repeat purchases, 0 or more.")));
	if (x == 0)
		return 0;
	if (!(fabs(mean_spend) <= MEAN_SPEND_MAX))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("mean_spend of %g is out of range", mean_spend)));
	return mean_spend;
}

PG_FUNCTION_INFO_V1(crm_expected_spend_numbers);
Datum
crm_expected_spend_numbers(PG_FUNCTION_ARGS)
{
	const SpendModel *model = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(0));
	double			  x = PG_GETARG_FLOAT8(1);

	PG_RETURN_FLOAT8(expected_spend(model, x, CheckMeanSpend(x, PG_GETARG_FLOAT8(2))));
}

/*
 * Residual value: margin * discounted purchases in (as_of, until] * spend per
 * purchase; Fader, Hardie & Lee (2005), RFM and CLV. Neither past spend nor the
 * cost of acquisition is in it. False for who is not yet a customer.
 */
bool
clv_of(const PurchaseModel *model, const SpendModel *spend, PurchaseHistory *history,
	   const ClvTerms *terms, double *clv)
{
	PurchaseParams params = model_params(CheckPredictingDays(model));
	double		   delta = discount_per_unit(terms->annual_discount_rate, model->unit_days);
	double		   margin = CheckMargin(terms->margin);
	double		   t;
	BtydDays	   days;

	CheckSpendPredicting(spend);
	if (!btyd_at(purchase_history_known(history, terms->as_of), terms->as_of, &days))
		return false;
	t = periods_between(terms->as_of, terms->until, model->unit_days);
	CheckDiscountedEnd(t, delta);
	*clv = CheckValue(margin * expected_spend(spend, days.x, btyd_mean_spend(&days)) *
					  model_discounted(model, &params, model_customer(model, &days, terms->as_of),
									   terms->as_of, terms->until, t, delta));
	return true;
}

/* (purchases, spend, history, as_of, until, annual_discount_rate, margin): clv_of. */
PG_FUNCTION_INFO_V1(crm_clv);
Datum
crm_clv(PG_FUNCTION_ARGS)
{
	ClvTerms terms = {PG_GETARG_DATEADT(3), PG_GETARG_DATEADT(4), PG_GETARG_FLOAT8(5),
					  PG_GETARG_FLOAT8(6)};
	double	 clv;

	if (!clv_of(PG_GETARG_PURCHASE_MODEL(0), PG_GETARG_SPEND_MODEL(1),
				PG_GETARG_PURCHASE_HISTORY(2), &terms, &clv))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(clv);
}

/* clv over plain numbers: (model, spend, x, t_x, age, mean_spend, periods, rate, margin). */
PG_FUNCTION_INFO_V1(crm_clv_numbers);
Datum
crm_clv_numbers(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model = CheckPredicting(PG_GETARG_PURCHASE_MODEL(0));
	const SpendModel	*spend = CheckSpendPredicting(PG_GETARG_SPEND_MODEL(1));
	PurchaseParams		 params = model_params(model);
	Btyd   c = CheckBtyd(PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3), PG_GETARG_FLOAT8(4));
	double mean_spend = CheckMeanSpend(c.x, PG_GETARG_FLOAT8(5));
	double t = CheckPeriods(PG_GETARG_FLOAT8(6));
	double delta = discount_per_unit(PG_GETARG_FLOAT8(7), model->unit_days);
	double margin = CheckMargin(PG_GETARG_FLOAT8(8));

	CheckDiscountedEnd(t, delta);
	PG_RETURN_FLOAT8(CheckValue(margin * expected_spend(spend, c.x, mean_spend) *
								model_ops(model)->discounted(&params, c, t, delta)));
}

/*
 * Value of a contract that is renewed with a constant probability: margin *
 * retention/(1 + discount - retention), the first margin coming after the first
 * renewal; Gupta & Lehmann (2003), Customers as assets.
 */
PG_FUNCTION_INFO_V1(crm_simple_clv);
Datum
crm_simple_clv(PG_FUNCTION_ARGS)
{
	double margin = CheckMargin(PG_GETARG_FLOAT8(0));
	double retention = CheckShare(PG_GETARG_FLOAT8(1), "retention rate");
	double discount = CheckDiscountRate(PG_GETARG_FLOAT8(2));

	if (retention == 1 && discount == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a customer who never leaves has no finite value without discount")));
	PG_RETURN_FLOAT8(CheckValue(margin * (retention / (discount + (1 - retention)))));
}
