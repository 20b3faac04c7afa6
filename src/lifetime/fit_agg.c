/*
 * fit_agg.c: the aggregates fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd, fit_mbg_cnbd_k, fit_purchase_model
 * and fit_gamma_gamma: their final functions, which fit a model to the sorted groups of equal
 * customers that the transition functions (fit_collect.c) have made.
 */
#include "crm.h"

#include <math.h>

#include "lifetime/btyd.h"
#include "lifetime/fit_state.h"
#include "lifetime/fitted_model.h"
#include "miscadmin.h"
#include "models/fit.h"
#include "lifetime/purchase_model.h"
#include "lifetime/spend_model.h"

/* A fit of four parameters to fewer customers than this says nothing. */
#define FEWEST_CUSTOMERS 10

/* Whole numbers up to this are looked up in a table, others by bisection. */
#define TABLE_LIMIT 4000000

#ifdef WITHOUT_FIT

/* A value, so that it stands where a fit would. */
static Datum
no_fit(void)
{
	fit_is_missing();
}

#define fit_purchases(state, kind, k) ((void) (state), no_fit())
#define choose_purchases(state) ((void) (state), no_fit())
#define fit_spend(fcinfo) ((void) (fcinfo), no_fit())

#else

static int
compare_numbers(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return CRM_COMPARE(*(const double *) a, *(const double *) b);
}

/*
 * The distinct of n values in order, and for each value its place among them.
 * Returns how many are distinct.
 */
static int
index_values(const double *values, int n, int *places, double **distinct)
{
	double largest = 0;
	bool   whole = true;
	int	   ndistinct = 0;

	for (int i = 0; i < n; i++)
	{
		largest = Max(largest, values[i]);
		whole = whole && values[i] == floor(values[i]);
	}
	if (whole && largest <= TABLE_LIMIT)
	{
		int *place = palloc0(((int) largest + 1) * sizeof(int));

		for (int i = 0; i < n; i++)
			place[(int) values[i]] = 1;
		for (int i = 0; i <= (int) largest; i++)
			if (place[i] != 0)
				place[i] = ndistinct++;
		*distinct = palloc(ndistinct * sizeof(double));
		for (int i = 0; i < n; i++)
		{
			places[i] = place[(int) values[i]];
			(*distinct)[places[i]] = values[i];
		}
		pfree(place);
		return ndistinct;
	}
	*distinct = MemoryContextAllocHuge(CurrentMemoryContext, (Size) n * sizeof(double));
	memcpy(*distinct, values, (Size) n * sizeof(double));
	qsort(*distinct, n, sizeof(double), compare_numbers);
	for (int i = 0; i < n; i++)
		if (ndistinct == 0 || (*distinct)[ndistinct - 1] != (*distinct)[i])
			(*distinct)[ndistinct++] = (*distinct)[i];
	for (int i = 0; i < n; i++)
	{
		double *found = bsearch(&values[i], *distinct, ndistinct, sizeof(double), compare_numbers);

		places[i] = found - *distinct;
	}
	return ndistinct;
}

static void *
allocate(Size n, Size size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * size);
}

/* One column of the groups, as index_values wants it. */
static double *
column(const FitGroup *groups, int n, int which, double *values)
{
	for (int i = 0; i < n; i++)
		values[i] = groups[i].key[which];
	return values;
}

static void
CheckCustomers(double customers, const char *who)
{
	if (customers < FEWEST_CUSTOMERS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("too few %s to fit a model: %.0f", who, customers),
						errdetail("A fit needs at least %d.", FEWEST_CUSTOMERS),
						errhint("crm.data_check shows what the histories hold.")));
}

/* The season that a fit counts by, NULL without. */
static const Season *
season_of(const FitState *state)
{
	return state->kind == FIT_STATE_SEASONED ? (const Season *) fit_state_head(state) : NULL;
}

/* From sorted groups, gaps first, to what the fit runs over; fills the fit's counts. */
static void
purchase_data(const FitState *state, FitData *data, ModelFit *fit)
{
	FitGroup	 *groups = fit_state_sorted(state);
	const Season *season = season_of(state);
	int			  ngaps = 0;
	int			  n;
	double		 *values;
	int			 *places;

	memset(data, 0, sizeof(*data));
	while (ngaps < state->ngroups && groups[ngaps].key[0] == GAP_X)
	{
		if (season != NULL)
			data->log_season +=
				groups[ngaps].count * log(season->bins[(int) groups[ngaps].key[1]].s);
		else
			data->log_gaps +=
				groups[ngaps].count * log(groups[ngaps].key[1] / (double) state->unit_days);
		ngaps++;
	}
	groups += ngaps;
	n = state->ngroups - ngaps;

	data->nrows = n;
	data->rows = allocate(n, sizeof(FitRow));
	for (int i = 0; i < n; i++)
	{
		data->rows[i].count = groups[i].count;
		data->customers += groups[i].count;
		data->purchases += groups[i].count * groups[i].key[0];
		if (groups[i].key[0] > 0)
			fit->repeat_buyers += groups[i].count;
	}
	fit->customers = (int64) data->customers;
	fit->left_out = state->left_out;
	CheckCustomers(data->customers, "customers");
	if (data->purchases == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no customer has bought again, so there is nothing to fit"),
				 errdetail("%.0f customers have one purchase day each.", data->customers),
				 errhint("Check that orders of one customer share one id, and that as_of is the "
						 "last day of the data.")));

	values = allocate(2 * (Size) n, sizeof(double));
	places = allocate(2 * (Size) n, sizeof(int));
	data->nxs = index_values(column(groups, n, 0, values), n, places, &data->xs);
	for (int i = 0; i < n; i++)
		data->rows[i].x = places[i];
	column(groups, n, 1, values);
	column(groups, n, 2, values + n);
	data->ntimes = index_values(values, 2 * n, places, &data->times);
	for (int i = 0; i < n; i++)
	{
		data->rows[i].t_x = places[i];
		data->rows[i].age = places[n + i];
	}
	if (state->kind != FIT_STATE_NUMBERS)
		for (int i = 0; i < data->ntimes; i++)
			data->times[i] /= state->unit_days;
	data->by_x = allocate(data->nxs, sizeof(data->by_x[0]));
	data->by_time = allocate(data->ntimes, sizeof(data->by_time[0]));
	pfree(values);
	pfree(places);
}

/* A parameter that ran to its bound, in a large unit, may lie beyond what a model holds. */
static void
clamp_parameters(FitResult *result, int nparams, const ParamUnit *units)
{
	for (int i = 0; i < nparams; i++)
		result->params[i] =
			Min(Max(result->params[i], PARAM_MIN),
				units != NULL && units[i] == PARAM_SHARE ? 1 - PARAM_MIN : PARAM_MAX);
}

/* A fit's result as a model, without its season; fit holds the counts. */
static PurchaseModel *
model_of_result(const FitState *state, FitResult *result, ModelFit *fit)
{
	const PurchaseModelOps *ops = purchase_model_ops(result->kind);
	PurchaseModel		   *model;

	clamp_parameters(result, ops->nparams, ops->units);
	model_fit_set(fit, result, ops->nparams);
	model = purchase_model_create(result->kind, result->k, result->params, state->unit_days);
	model->fit = *fit;
	return model;
}

/* A model as it was fitted: one by a season's clock knows the season. */
static Datum
model_by_season(const FitState *state, PurchaseModel *model)
{
	PG_RETURN_PURCHASE_MODEL(
		season_of(state) == NULL ? model : purchase_model_with_season(model, season_of(state)));
}

/* A season's clock suits customers who leave at purchases and buy without a rhythm. */
static void
CheckTakesSeason(PurchaseModelKind kind)
{
	if (kind == MODEL_PARETO_NBD)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("Pareto/NBD takes no season"),
			 errdetail("Its customers leave at any moment, in calendar time, whether or not the "
					   "shop has a season."),
			 errhint("Fit MBG/NBD, whose customers leave at purchases: "
					 "crm.fit_mbg_nbd(history, as_of, season).")));
	if (kind == MODEL_MBG_CNBD_K)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("MBG/CNBD-k takes no season"),
				 errdetail(
					 "With k > 1 the season that crm.season finds is off by more than its standard "
					 "error; with k = 1 the model is MBG/NBD."),
				 errhint("Use crm.fit_mbg_nbd(history, as_of, season).")));
}

/* The model of a kind that fits the customers of a state best; k = 0: the likeliest. */
static Datum
fit_purchases(const FitState *state, PurchaseModelKind kind, int k)
{
	FitData	  data;
	FitResult result;
	ModelFit  fit = {0};

	if (state->kind == FIT_STATE_SEASONED)
		CheckTakesSeason(kind);
	else if (state->kind > FIT_STATE_NUMBERS ||
			 (state->kind == FIT_STATE_REGULAR) != (kind == MODEL_MBG_CNBD_K))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("this state is of the fit of another model")));
	purchase_data(state, &data, &fit);
	if (!fit_purchase_model(purchase_model_ops(kind), k, &data, fit_interrupted, &result))
		stop_fit();
	result.log_likelihood += data.log_season;
	return model_by_season(state, model_of_result(state, &result, &fit));
}

/* The model that fits best of all that may be chosen, and what else was tried. */
static Datum
choose_purchases(const FitState *state)
{
	FitData	   data;
	FitChoice  choice;
	ModelFit   fit = {0};
	ModelTried tried[FIT_MAX_TRIED] = {0};

	if (state->kind != FIT_STATE_REGULAR && state->kind != FIT_STATE_SEASONED)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("this state is of the fit of another model")));
	purchase_data(state, &data, &fit);
	if (!fit_purchase_models(&data, season_of(state) != NULL, fit_interrupted, &choice))
		stop_fit();
	for (int i = 0; i < choice.ntried; i++)
	{
		FitResult *result = &choice.tried[i];

		result->log_likelihood += data.log_season;

		tried[i].fitted = result->fitted;
		tried[i].kind = result->kind;
		tried[i].k = result->k;
		tried[i].verdict = result->verdict;
		tried[i].bound = fit_verdict_at_bound(result->verdict) ? result->bound : 0;
		tried[i].log_likelihood = fmax(result->log_likelihood, -LOG_LIKELIHOOD_MAX);
	}
	return model_by_season(state,
						   purchase_model_with_choice(
							   model_of_result(state, &choice.tried[Max(choice.taken, 0)], &fit),
							   choice.ntried, tried));
}

/* Amounts are divided by their mean before the fit, and the result is scaled back. */
static Datum
fit_spend(FunctionCallInfo fcinfo)
{
	FitState			  *state = PG_GETARG_FIT_STATE(0);
	FitGroup			  *groups = fit_state_sorted(state);
	int					   n = state->ngroups;
	SpendData			   data = {.nrows = n};
	FitResult			   result;
	ModelFit			   fit = {0};
	SpendModel			  *model;
	const SpendModelShape *shape;
	double				   mean = 0;
	int					  *places = allocate(n, sizeof(int));
	double				  *values = allocate(n, sizeof(double));

	data.rows = allocate(n, sizeof(SpendRow));
	for (int i = 0; i < n; i++)
	{
		data.customers += groups[i].count;
		mean += groups[i].count * groups[i].key[1];
	}
	CheckCustomers(data.customers, "repeat buyers with a positive mean spend");
	mean /= data.customers;
	data.nxs = index_values(column(groups, n, 0, values), n, places, &data.xs);
	data.by_x = allocate(data.nxs, sizeof(data.by_x[0]));
	for (int i = 0; i < n; i++)
	{
		data.rows[i].x = places[i];
		data.rows[i].mean_spend = groups[i].key[1] / mean;
		data.rows[i].count = groups[i].count;
	}
	if (!fit_spend_model(&data, fit_interrupted, &result))
		stop_fit();
	shape = &spend_shapes[result.kind];
	result.params[shape->money] *= mean;
	for (int i = 0; i < shape->nparams; i++)
	{
		result.covariance[shape->money][i] *= mean;
		result.covariance[i][shape->money] *= mean;
	}
	if (result.kind != SPEND_ONE_PRICE)
		result.log_likelihood -= data.customers * log(mean);
	fit.customers = fit.repeat_buyers = (int64) data.customers;
	fit.left_out = state->left_out;
	clamp_parameters(&result, shape->nparams, NULL);
	model_fit_set(&fit, &result, shape->nparams);
	model = spend_model_create(result.kind, result.params);
	model->fit = fit;
	PG_RETURN_SPEND_MODEL(model);
}

#endif /* WITHOUT_FIT */

PG_FUNCTION_INFO_V1(crm_fit_bg_nbd);
Datum
crm_fit_bg_nbd(PG_FUNCTION_ARGS)
{
	return fit_purchases(PG_GETARG_FIT_STATE(0), MODEL_BG_NBD, 1);
}

PG_FUNCTION_INFO_V1(crm_fit_mbg_nbd);
Datum
crm_fit_mbg_nbd(PG_FUNCTION_ARGS)
{
	return fit_purchases(PG_GETARG_FIT_STATE(0), MODEL_MBG_NBD, 1);
}

PG_FUNCTION_INFO_V1(crm_fit_pareto_nbd);
Datum
crm_fit_pareto_nbd(PG_FUNCTION_ARGS)
{
	return fit_purchases(PG_GETARG_FIT_STATE(0), MODEL_PARETO_NBD, 1);
}

PG_FUNCTION_INFO_V1(crm_fit_mbg_cnbd_k);
Datum
crm_fit_mbg_cnbd_k(PG_FUNCTION_ARGS)
{
	return fit_purchases(PG_GETARG_FIT_STATE(0), MODEL_MBG_CNBD_K, 0);
}

PG_FUNCTION_INFO_V1(crm_fit_purchase_model);
Datum
crm_fit_purchase_model(PG_FUNCTION_ARGS)
{
	return choose_purchases(PG_GETARG_FIT_STATE(0));
}

/*
 * (model, state): another model of the same family, unit and k; one that was chosen is
 * chosen anew, and a limit is refitted as its family.
 */
PG_FUNCTION_INFO_V1(crm_refit_purchase_model);
Datum
crm_refit_purchase_model(PG_FUNCTION_ARGS)
{
	const PurchaseModel *model = PG_GETARG_PURCHASE_MODEL(0);
	const FitState		*state = PG_GETARG_FIT_STATE(1);

	if (unlikely(state->unit_days != model->unit_days))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a fit needs the same unit_days in every row"),
				 errdetail("The model has %d, the state %d.", model->unit_days, state->unit_days)));
	return model->ntried > 0 ? choose_purchases(state)
							 : fit_purchases(state, purchase_model_family(model->kind), model->k);
}

PG_FUNCTION_INFO_V1(crm_fit_gamma_gamma);
Datum
crm_fit_gamma_gamma(PG_FUNCTION_ARGS)
{
	return fit_spend(fcinfo);
}
