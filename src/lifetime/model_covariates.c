/*
 * model_covariates.c: coefficients of covariates in a purchase model: their forms, as rows, and what they make of the
 * model for one customer.
 *
 * The text form is that of the coefficients, and the rows of the covariance that they add, or which of them runs off:
 *   buying(channel 0.5) leaving(channel -0.1), covariance 1 2 3 4 5 6 7 8 9 10 11
 *   buying(channel 9.3), separated 1
 */
#include "crm.h"

#include <math.h>

#include "base/rows.h"
#include "lifetime/model_covariates.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/json.h"

/* Covariances that coefficients add to those of the parameters. */
static int
covariances_added(const Covariates *coefficients)
{
	int n = PURCHASE_PARAMS + covariates_count(coefficients);

	return n * (n + 1) / 2 - FIT_COVARIANCES;
}

void
model_covariates_append_text(StringInfo out, const PurchaseModel *model)
{
	const ModelCovariates *covariates = purchase_model_covariates(model);

	covariates_append_text(out, &covariates->coefficients);
	if (covariates->separated > 0)
		appendStringInfo(out, ", separated %d", covariates->separated);
	if (model->fit.verdict != FIT_CONVERGED || covariates->coefficients.n == 0)
		return;
	appendStringInfoString(out, ", covariance");
	for (int i = 0; i < covariances_added(&covariates->coefficients); i++)
	{
		appendStringInfoChar(out, ' ');
		append_float8(out, covariates->covariance[i]);
	}
}

/* Reads what model_covariates_append_text writes, behind a plain model. */
PurchaseModel *
model_covariates_scan(Scanner *s, const PurchaseModel *model)
{
	ModelCovariates *covariates = palloc0(sizeof(ModelCovariates));

	memcpy(&covariates->coefficients, covariates_scan(s), sizeof(Covariates));
	if (scan_try_char(s, ','))
	{
		if (scan_try_word(s, "separated"))
		{
			int64 separated = scan_int64(s);

			covariates->separated = (int32) Min(Max(separated, -1), PG_INT16_MAX);
		}
		else
		{
			scan_word(s, "covariance");
			for (int i = 0; i < covariances_added(&covariates->coefficients); i++)
				covariates->covariance[i] = scan_float8(s) + 0.0;
		}
	}
	return purchase_model_with_covariates(model, covariates);
}

void
model_covariates_append_bytes(StringInfo out, const PurchaseModel *model)
{
	const ModelCovariates *covariates = purchase_model_covariates(model);

	covariates_append_bytes(out, &covariates->coefficients);
	pq_sendint32(out, covariates->separated);
	for (int i = 0; i < covariances_added(&covariates->coefficients); i++)
		pq_sendfloat8(out, covariates->covariance[i]);
}

/* Reads what model_covariates_append_bytes writes, behind a plain model. */
PurchaseModel *
model_covariates_from_bytes(StringInfo message, const PurchaseModel *model)
{
	ModelCovariates *covariates = palloc0(sizeof(ModelCovariates));

	memcpy(&covariates->coefficients, covariates_from_bytes(message), sizeof(Covariates));
	covariates->separated = pq_getmsgint(message, 4);
	for (int i = 0; i < covariances_added(&covariates->coefficients); i++)
		covariates->covariance[i] = pq_getmsgfloat8(message) + 0.0;
	return purchase_model_with_covariates(model, covariates);
}

/* A coefficient by its place among the numbers of covariates. */
static double
coefficient(const ModelCovariates *covariates, int i)
{
	double numbers[COEFFICIENTS_MAX];

	covariates_numbers(&covariates->coefficients, numbers);
	return numbers[i];
}

/* ,"coefficients":{"buying.channel":0.5, ...} of a model that has some. */
void
model_covariates_append_json(StringInfo out, const PurchaseModel *model)
{
	const ModelCovariates *covariates = purchase_model_covariates(model);

	if (covariates == NULL)
		return;
	appendStringInfoString(out, ",\"coefficients\":{");
	for (int i = 0; i < covariates_count(&covariates->coefficients); i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		escape_json(out, covariates_number_name(&covariates->coefficients, i));
		appendStringInfoChar(out, ':');
		append_float8(out, coefficient(covariates, i));
	}
	appendStringInfoChar(out, '}');
}

/* Rows of (name, estimate, standard_error), coefficients behind the parameters; the error is NULL unless a fit converged. */
PG_FUNCTION_INFO_V1(crm_purchase_model_parameters);
Datum
crm_purchase_model_parameters(PG_FUNCTION_ARGS)
{
	FuncCallContext		  *rows;
	const PurchaseModel	  *model;
	const ModelCovariates *covariates;
	ModelShape			   shape;
	Datum				   values[3];
	bool				   nulls[3] = {false, false, false};
	int					   i;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, 0);
		rows->user_fctx = rows_copy_varlena(rows, PG_GETARG_PURCHASE_MODEL(0));
	}
	rows = SRF_PERCALL_SETUP();
	model = rows->user_fctx;
	covariates = purchase_model_covariates(model);
	shape = purchase_model_shape(model);
	i = rows->call_cntr;
	if (i >= shape.nparams + (covariates == NULL ? 0 : covariates_count(&covariates->coefficients)))
		SRF_RETURN_DONE(rows);
	if (i < shape.nparams)
	{
		values[0] = CStringGetTextDatum(shape.param_names[i]);
		values[1] = Float8GetDatum(model->params[i]);
	}
	else
	{
		values[0] = CStringGetTextDatum(
			covariates_number_name(&covariates->coefficients, i - shape.nparams));
		values[1] = Float8GetDatum(coefficient(covariates, i - shape.nparams));
	}
	values[2] = Float8GetDatum(sqrt(purchase_model_covariance(model, i, i)));
	nulls[2] = model->fit.verdict != FIT_CONVERGED;
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}

/* The slope of the log of a customer's parameter in an estimate: its own log, or a coefficient. */
static double
slope(int kind, const Covariates *c, const double *numbers, int parameter, int estimate)
{
	int i = estimate - PURCHASE_PARAMS;

	if (i < 0)
		return parameter == estimate;
	if (i < covariates_of_buying(c))
		return parameter == 1 ? -numbers[i] : 0;
	return parameter == covariates_leaving_at(kind) ? covariates_leaving_sign(kind) * numbers[i]
													: 0;
}

/* Covariances of a customer's own parameters, by the delta method from those of the estimates. */
static void
set_covariance(PurchaseModel *own, const PurchaseModel *model, const Covariates *c,
			   const double *numbers)
{
	int n = PURCHASE_PARAMS + covariates_count(c);

	for (int p = 0; p < PURCHASE_PARAMS; p++)
		for (int q = 0; q <= p; q++)
		{
			double sum = 0;

			for (int i = 0; i < n; i++)
				for (int j = 0; j < n; j++)
				{
					double by =
						slope(model->kind, c, numbers, p, i) * slope(model->kind, c, numbers, q, j);

					if (by != 0)
						sum += by * purchase_model_covariance(model, i, j) /
							   (i < PURCHASE_PARAMS ? model->params[i] : 1) /
							   (j < PURCHASE_PARAMS ? model->params[j] : 1);
				}
			own->fit.covariance[COVARIANCE_INDEX(p, q)] = sum * own->params[p] * own->params[q];
		}
}

/* (model, covariates): the model of a customer with these covariates; what it predicts is for her. */
PG_FUNCTION_INFO_V1(crm_model_for_customer);
Datum
crm_model_for_customer(PG_FUNCTION_ARGS)
{
	const PurchaseModel	  *model = PG_GETARG_PURCHASE_MODEL(0);
	const Covariates	  *c = PG_GETARG_COVARIATES(1);
	const ModelCovariates *covariates = purchase_model_covariates(model);
	PurchaseParams		   params = model_params(model);
	PurchaseModel		  *own;
	double				   numbers[COEFFICIENTS_MAX];
	double				   coefficients[COEFFICIENTS_MAX];
	double				   effects[2] = {0, 0}; /* on buying, on leaving */

	if (covariates == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the model has no covariates"),
				 errhint("It predicts for every customer as it is.")));
	if (!model_fit_predicts(&model->fit))
	{
		ModelShape shape = purchase_model_shape(model);

		CheckUsable(&shape, &model->fit);
	}
	if (!covariates_same_names(c, &covariates->coefficients))
	{
		StringInfoData names;

		initStringInfo(&names);
		covariates_append_text(&names, &covariates->coefficients);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the model has other covariates"),
				 errdetail("Its coefficients are %s.", names.data)));
	}
	covariates_numbers(c, numbers);
	covariates_numbers(&covariates->coefficients, coefficients);
	for (int i = 0; i < covariates_count(c); i++)
		effects[i < covariates_of_buying(c) ? 0 : 1] += coefficients[i] * numbers[i];
	covariates_apply(&params, effects[0], effects[1]);
	own = purchase_model_create(model->kind, model->k, params.p, model->unit_days);
	own->fit = model->fit;
	if (model->fit.verdict == FIT_CONVERGED && covariates_count(c) > 0)
		set_covariance(own, model, c, numbers);
	PG_RETURN_PURCHASE_MODEL(CheckPurchaseModel(own));
}
