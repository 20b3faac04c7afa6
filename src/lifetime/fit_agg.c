/*
 * fit_agg.c: the aggregates fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd, fit_mbg_cnbd_k and fit_purchase_model: their
 * final functions, which fit a model to the sorted groups of equal
 * customers that the transition functions (fit_collect.c) have made.
 */
#include "crm.h"

#include <math.h>

#include "lifetime/btyd.h"
#include "lifetime/fit_covariates.h"
#include "lifetime/fit_data.h"
#include "lifetime/fit_holdout.h"
#include "lifetime/fitted_model.h"
#include "miscadmin.h"
#include "models/fit.h"
#include "lifetime/purchase_model.h"

#ifdef WITHOUT_FIT

/* A value, so that it stands where a fit would. */
static Datum
no_fit(void)
{
	fit_is_missing();
}

#define fit_purchases(state, kind, k) ((void) (state), no_fit())
#define choose_purchases(state) ((void) (state), no_fit())
#define choose_with_holdout(state) ((void) (state), no_fit())

#else

/* A model as it was fitted: one by a season's clock knows the season. */
static Datum
model_by_season(const FitState *state, PurchaseModel *model)
{
	PG_RETURN_PURCHASE_MODEL(fit_season_of(state) == NULL
								 ? model
								 : purchase_model_with_season(model, fit_season_of(state)));
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

	if (fit_season_of(state) != NULL)
		CheckTakesSeason(kind);
	if (state->kind == FIT_STATE_COVARIATES)
		PG_RETURN_PURCHASE_MODEL(fit_by_covariates(state, kind));
	if (state->kind != FIT_STATE_SEASONED &&
		(state->kind > FIT_STATE_NUMBERS ||
		 (state->kind == FIT_STATE_REGULAR) != (kind == MODEL_MBG_CNBD_K)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("this state is of the fit of another model")));
	fit_data_of_state(state, fit_state_sorted(state), &data, &fit, NULL);
	if (!fit_purchase_model(purchase_model_ops(kind), k, &data, fit_interrupted, &result))
		stop_fit();
	result.log_likelihood += data.log_season;
	return model_by_season(state, purchase_model_of_result(&result, state->unit_days, &fit));
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
	fit_data_of_state(state, fit_state_sorted(state), &data, &fit, NULL);
	if (!fit_purchase_models(&data, fit_season_of(state) != NULL, fit_interrupted, &choice))
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
	return model_by_season(state, purchase_model_with_choice(
									  purchase_model_of_result(&choice.tried[Max(choice.taken, 0)],
															   state->unit_days, &fit),
									  choice.ntried, tried));
}

/* The choice on all the time, and how well all that was tried foretold its last days from what was before. */
static Datum
choose_with_holdout(const FitState *state)
{
	PurchaseModel *model =
		(PurchaseModel *) DatumGetPointer(choose_purchases(holdout_part(state, false)));
	FitState *before = holdout_part(state, true);
	FitData	  data;
	FitChoice calibrated;
	ModelFit  fit = {0};

	if (!holdout_can_be_fitted(before))
		ereport(WARNING, (errmsg("too few customers had bought again before the days held out"),
						  errhint("Hold out fewer days.")));
	else
	{
		fit_data_of_state(before, fit_state_sorted(before), &data, &fit, NULL);
		if (!fit_purchase_models(&data, false, fit_interrupted, &calibrated))
			stop_fit();
		holdout_score(state, &calibrated, model->ntried, model->tried);
		holdout_warn(state, model);
	}
	PG_RETURN_PURCHASE_MODEL(CheckPurchaseModel(model));
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
	const FitState *state = PG_GETARG_FIT_STATE(0);

	return state->kind == FIT_STATE_HOLDOUT ? choose_with_holdout(state) : choose_purchases(state);
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
