/*
 * confidence.c: how sure the parameters of a purchase model are, and whether a plainer model is enough.
 */
#include "crm.h"

#include <math.h>

#include "base/rows.h"
#include "lifetime/predict.h"
#include "math/special.h"
#include "utils/builtins.h"

typedef struct ConfidenceRows
{
	const PurchaseModel *model;
	double				 z;
} ConfidenceRows;

/* A coefficient with its interval, which is even on both sides. */
static void
coefficient_row(const PurchaseModel *model, int i, double z, Datum *values)
{
	const ModelCovariates *covariates = purchase_model_covariates(model);
	int					   nparams = model_ops(model)->nparams;
	double				   spread = z * sqrt(purchase_model_covariance(model, i, i));
	double				   numbers[COEFFICIENTS_MAX];

	covariates_numbers(&covariates->coefficients, numbers);
	values[0] = CStringGetTextDatum(covariates_number_name(&covariates->coefficients, i - nparams));
	values[1] = Float8GetDatum(numbers[i - nparams]);
	values[2] = Float8GetDatum(numbers[i - nparams] - spread);
	values[3] = Float8GetDatum(numbers[i - nparams] + spread);
}

/*
 * (model, level) -> rows of (name, estimate, low, high): on the log scale, a share on that of its odds, a coefficient as it
 * is. NULL ends for given parameters.
 */
PG_FUNCTION_INFO_V1(crm_purchase_model_confidence);
Datum
crm_purchase_model_confidence(PG_FUNCTION_ARGS)
{
	FuncCallContext		   *rows;
	ConfidenceRows		   *state;
	const PurchaseModelOps *ops;
	const ModelCovariates  *covariates;
	Datum					values[4];
	bool					nulls[4] = {false};
	double					estimate;
	double					error;
	double					spread;
	int						i;

	if (SRF_IS_FIRSTCALL())
	{
		double level = CheckPart(PG_GETARG_FLOAT8(1), "level");

		rows = rows_start(fcinfo, sizeof(ConfidenceRows));
		state = rows->user_fctx;
		state->model = rows_copy_varlena(rows, PG_GETARG_PURCHASE_MODEL(0));
		state->z = -math_normal_quantile((1 - level) / 2);
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	ops = model_ops(state->model);
	covariates = purchase_model_covariates(state->model);
	i = rows->call_cntr;
	nulls[2] = nulls[3] = state->model->fit.verdict != FIT_CONVERGED;
	if (i >= ops->nparams)
	{
		if (covariates == NULL || i >= ops->nparams + covariates_count(&covariates->coefficients))
			SRF_RETURN_DONE(rows);
		coefficient_row(state->model, i, state->z, values);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	estimate = state->model->params[i];
	error = sqrt(state->model->fit.covariance[COVARIANCE_INDEX(i, i)]);
	values[0] = CStringGetTextDatum(ops->param_names[i]);
	values[1] = Float8GetDatum(estimate);
	if (ops->units[i] == PARAM_SHARE)
	{
		double odds = estimate / (1 - estimate);

		spread = exp(state->z * error / (estimate * (1 - estimate)));
		values[2] = Float8GetDatum(odds / spread / (1 + odds / spread));
		values[3] = Float8GetDatum(isinf(odds * spread) ? 1 : odds * spread / (1 + odds * spread));
	}
	else
	{
		spread = exp(state->z * error / estimate);
		values[2] = Float8GetDatum(estimate / spread);
		values[3] = Float8GetDatum(estimate * spread);
	}
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}

/* Coefficients of a model; 0 without covariates. */
static int
coefficients(const PurchaseModel *model)
{
	const ModelCovariates *covariates = purchase_model_covariates(model);

	return covariates == NULL ? 0 : covariates_count(&covariates->coefficients);
}

/* Whether every coefficient of the smaller model is one of the larger. */
static bool
coefficients_nested(const PurchaseModel *small, const PurchaseModel *large)
{
	for (int i = 0; i < coefficients(small); i++)
	{
		char *name = covariates_number_name(&purchase_model_covariates(small)->coefficients, i);
		bool  found = false;

		for (int j = 0; j < coefficients(large) && !found; j++)
			found = strcmp(name, covariates_number_name(
									 &purchase_model_covariates(large)->coefficients, j)) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* Whether two models count by the same clock. */
static bool
same_clock(const PurchaseModel *a, const PurchaseModel *b)
{
	const Season *left = purchase_model_season(a);
	const Season *right = purchase_model_season(b);

	if (left == NULL || right == NULL)
		return left == right;
	return VARSIZE(left) == VARSIZE(right) && memcmp(left, right, VARSIZE(left)) == 0;
}

/* How many parameters of the larger model lie at a boundary in the smaller, and whether one vanishes there. */
typedef struct Restriction
{
	int	 boundaries;
	bool vanishes;
	bool nested;
} Restriction;

/* Ways to leave, from the most to the least general. */
static Restriction
restriction_of(const PurchaseModel *restricted, const PurchaseModel *general)
{
	int			small = restricted->kind & LIMIT_LEAVING;
	int			large = general->kind & LIMIT_LEAVING;
	bool		common = small == LIMIT_LEAVE_NEVER; /* nobody leaving is common to all families */
	Restriction result = {0, false, false};

	if (restricted->k != general->k ||
		(!common &&
		 purchase_model_family(restricted->kind) != purchase_model_family(general->kind)) ||
		((general->kind & LIMIT_BUY_ALIKE) && !(restricted->kind & LIMIT_BUY_ALIKE)) ||
		(large != 0 && large != small && small != LIMIT_LEAVE_NEVER))
		return result;
	result.nested = true;
	result.boundaries =
		((restricted->kind & LIMIT_BUY_ALIKE) != (general->kind & LIMIT_BUY_ALIKE)) +
		(small != large);
	/* where nobody leaves, how differently they leave says nothing any more */
	result.vanishes = large == 0 && small == LIMIT_LEAVE_NEVER;
	return result;
}

/* The probability of a chi-square as large as this, or larger: a finite sum for whole degrees of freedom, all of it positive. */
static double
chi_square_beyond(double chi_square, int degrees)
{
	double half = chi_square / 2;
	double term = degrees % 2 == 0 ? exp(-half) : sqrt(half / M_PI) * 2 * exp(-half);
	double sum = degrees % 2 == 0 ? 0 : erfc(sqrt(half));

	for (int k = 0; k < degrees / 2; k++)
	{
		sum += term;
		term *= half / (degrees % 2 == 0 ? k + 1 : k + 1.5);
	}
	return Min(1, sum);
}

/*
 * (restricted, general) -> (statistic, p_value, reason): whether the data refuse the plainer model. The limits lie at boundaries
 * of their families, where half of the statistics are 0: the p-value is that of a mixture of 0 and chi-square
 * with one degree of freedom, half each (Self & Liang 1987). NULL, and why, where no simple distribution holds.
 */
PG_FUNCTION_INFO_V1(crm_likelihood_ratio_test);
Datum
crm_likelihood_ratio_test(PG_FUNCTION_ARGS)
{
	const PurchaseModel *restricted = PG_GETARG_PURCHASE_MODEL(0);
	const PurchaseModel *general = PG_GETARG_PURCHASE_MODEL(1);
	Restriction			 restriction = restriction_of(restricted, general);
	double				 statistic;
	const char			*reason = NULL;
	int					 more;
	bool				 interior = false;
	Datum				 values[3] = {0};
	bool				 nulls[3] = {false};

	if (restricted->fit.verdict != FIT_CONVERGED || general->fit.verdict != FIT_CONVERGED)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a likelihood ratio needs two models whose fits converged")));
	if (restricted->fit.customers != general->fit.customers ||
		restricted->unit_days != general->unit_days)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a likelihood ratio needs two fits to the same customers in the same unit"),
				 errdetail("They have " INT64_FORMAT " and " INT64_FORMAT
						   " customers, and units of %d and %d days.",
						   restricted->fit.customers, general->fit.customers, restricted->unit_days,
						   general->unit_days)));
	statistic = Max(0, 2 * (general->fit.log_likelihood - restricted->fit.log_likelihood));
	more = coefficients(general) - coefficients(restricted);
	restriction.nested = restriction.nested && coefficients_nested(restricted, general);
	if (!same_clock(restricted, general))
		reason = "a season was found before the fit: compare their bic";
	else if (restriction.nested && more > 0 && restriction.boundaries == 0)
		interior = true;
	else if (!restriction.nested)
		reason = "neither model is a limit of the other: compare their bic";
	else if (restriction.vanishes)
		reason = "a parameter has no meaning in the plainer model: compare their bic";
	else if (restriction.boundaries > 1 || (restriction.boundaries > 0 && more > 0))
		reason = "two parameters lie at a boundary: compare their bic";
	else if (restriction.boundaries == 0)
		reason = "the models are the same";
	values[0] = Float8GetDatum(statistic);
	nulls[0] = !restriction.nested;
	values[1] = Float8GetDatum(interior		   ? chi_square_beyond(statistic, more)
							   : statistic > 0 ? 0.5 * erfc(sqrt(statistic / 2))
											   : 1);
	nulls[1] = reason != NULL;
	values[2] = CStringGetTextDatum(
		reason != NULL ? reason
		: interior	   ? psprintf("a chi-square of %d coefficient%s", more, more == 1 ? "" : "s")
					   : "one parameter lies at a boundary: half a chi-square of one degree");
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
