/*
 * fit_holdout.c: how well the models of a choice foretell the last days of the data, each fitted to what was known before
 * them. It is shown, and warns; it decides nothing.
 */
#include "crm.h"

#include <math.h>

#include "history/purchase_history.h"
#include "lifetime/btyd.h"
#include "lifetime/fit_data.h"
#include "lifetime/fit_holdout.h"
#include "miscadmin.h"

/* Below this a difference of two sums of log probabilities is luck. */
#define HOLDOUT_LUCK 3.0

/* x and n of a customer at the cut. */
static double
holdout_n(const double *key)
{
	return floor((HOLDOUT_FIRST_X - key[0]) / HOLDOUT_PURCHASES);
}

static double
holdout_x(const double *key)
{
	return (HOLDOUT_FIRST_X - key[0]) - holdout_n(key) * HOLDOUT_PURCHASES;
}

bool
holdout_group_is_sound(const double *key)
{
	if (key[0] != floor(key[0]) || key[1] != floor(key[1]) || key[2] != floor(key[2]))
		return false;
	if (key[0] == HOLDOUT_DAYS_X)
		return key[1] >= 1 && key[1] <= 1e9 && key[2] == 0;
	if (!(key[0] <= HOLDOUT_FIRST_X) || !(holdout_n(key) < HOLDOUT_PURCHASES) || !(key[2] > 0))
		return false;
	(void) CheckBtyd(holdout_x(key), key[1], key[2]);
	return true;
}

/* Adds what a customer was at the cut, and how often she bought after it. Who came later tells nothing about it. */
FitState *
holdout_add(FitState *state, const PurchaseHistory *h, DateADT as_of, int32 holdout_days)
{
	BtydDays all;
	BtydDays before;
	DateADT	 last;

	state = fit_state_add(state, HOLDOUT_DAYS_X, holdout_days, 0, 1);
	if (DATE_NOT_FINITE(as_of) || !btyd_at(h, as_of, &all) ||
		!btyd_at(h, as_of - holdout_days, &before) || before.age == 0)
		return state;
	state =
		fit_state_add(state, HOLDOUT_FIRST_X - before.x - (all.x - before.x) * HOLDOUT_PURCHASES,
					  before.t_x, before.age, 1);
	last = h->entries[before.first].day;
	for (int i = before.first + 1; i < before.nentries; i++)
		if (h->entries[i].orders > 0)
		{
			state = fit_state_add(state, GAP_X, h->entries[i].day - last, 1, 1);
			last = h->entries[i].day;
		}
	return state;
}

/* What a fit to all the time, or to that before the cut, would have seen. */
FitState *
holdout_part(const FitState *state, bool calibration)
{
	FitGroup *groups = fit_state_sorted(state);
	FitState *part =
		fit_state_create(FIT_STATE_REGULAR, state->unit_days, FIT_STATE_FIRST_CAPACITY);

	for (int i = 0; i < state->ngroups; i++)
	{
		const double *key = groups[i].key;

		if (key[0] == GAP_X && (key[2] == 1) == calibration)
			part = fit_state_add(part, GAP_X, key[1], 0, groups[i].count);
		else if (key[0] <= HOLDOUT_FIRST_X && calibration)
			part = fit_state_add(part, holdout_x(key), key[1], key[2], groups[i].count);
		else if (key[0] >= 0 && !calibration)
			part = fit_state_add(part, key[0], key[1], key[2], groups[i].count);
	}
	if (!calibration)
		part->left_out = state->left_out;
	pfree(groups);
	return part;
}

/* Whether there is enough to fit a model to. */
bool
holdout_can_be_fitted(const FitState *part)
{
	double customers = 0;
	double purchases = 0;

	for (int i = 0; i < fit_state_capacity(part); i++)
	{
		const FitGroup *group = fit_state_slot(part, i);

		if (group->count == 0 || group->key[0] < 0)
			continue;
		customers += group->count;
		purchases += group->count * group->key[0];
	}
	return customers >= FIT_FEWEST_CUSTOMERS && purchases > 0;
}

/* How many days are held out: the same for every row. */
static double
holdout_days(const FitState *state, const FitGroup *groups)
{
	double days = 0;

	for (int i = 0; i < state->ngroups; i++)
		if (groups[i].key[0] == HOLDOUT_DAYS_X)
		{
			if (days != 0)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("a fit needs the same holdout_days in every row"),
								errdetail("Rows have %.0f and %.0f.", days, groups[i].key[1])));
			days = groups[i].key[1];
		}
	return days;
}

/*
 * Of each model that was tried, the sum of the logarithms of the probabilities that it, fitted before the cut,
 * gave to what came: how many days each customer bought on. None where it could not be fitted.
 */
void
holdout_score(const FitState *state, const FitChoice *calibrated, int ntried, ModelTried *tried)
{
	FitGroup *groups = fit_state_sorted(state);
	double	  t = holdout_days(state, groups) / state->unit_days;

	for (int i = 0; i < ntried; i++)
		for (int j = 0; j < calibrated->ntried; j++)
		{
			const FitResult *result = &calibrated->tried[j];
			PurchaseParams	 params = {.k = result->k, .kind = result->kind};
			double			 sum = 0;

			if (result->fitted != tried[i].fitted || result->verdict != FIT_CONVERGED)
				continue;
			memcpy(params.p, result->params, sizeof(params.p));
			for (int g = 0; g < state->ngroups && groups[g].key[0] <= HOLDOUT_FIRST_X; g++)
			{
				const double *key = groups[g].key;
				Btyd c = {holdout_x(key), key[1] / state->unit_days, key[2] / state->unit_days};

				CHECK_FOR_INTERRUPTS();
				sum += groups[g].count * log(purchase_model_ops(result->kind)
												 ->p_purchases(&params, c, holdout_n(key), t));
			}
			tried[i].has_holdout = 1;
			tried[i].holdout = fmax(sum, -LOG_LIKELIHOOD_MAX);
		}
	pfree(groups);
}

/* A warning where another model foretold what came clearly better than the one that was taken. */
void
holdout_warn(const FitState *state, const PurchaseModel *model)
{
	const ModelTried *best = NULL;
	const ModelTried *taken = NULL;
	FitGroup		 *groups;

	for (int i = 0; i < model->ntried; i++)
	{
		const ModelTried *tried = &model->tried[i];

		if (taken == NULL && tried->kind == model->kind && tried->k == model->k)
			taken = tried;
		if (tried->has_holdout && (best == NULL || tried->holdout > best->holdout))
			best = tried;
	}
	if (best == NULL || taken == NULL || !taken->has_holdout ||
		best->holdout - taken->holdout < HOLDOUT_LUCK)
		return;
	groups = fit_state_sorted(state);
	ereport(
		WARNING,
		(errmsg("%s foretold the last %.0f days better than %s, which was taken",
				purchase_model_ops(best->fitted)->title, holdout_days(state, groups),
				purchase_model_ops(taken->fitted)->title),
		 errdetail("The logarithms of the probabilities that they gave to what came add up to "
				   "%.1f and %.1f.",
				   best->holdout, taken->holdout),
		 errhint("crm.model_choice(model) shows all of them; a family can be fitted by name.")));
}
