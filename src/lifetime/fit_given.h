/*
 * fit_given.h: what a fit is given beside customers, in the head of its state: a season, names of covariates, or both.
 *
 * A state of customers by a season's clock holds the season; one of customers with covariates their names, and behind them a season if there is
 * one. Names of version 0 are not known yet: rows without covariates, whose customers are left out, have come first.
 */
#ifndef CRM_FIT_GIVEN_H
#define CRM_FIT_GIVEN_H

#include "crm.h"

#include "lifetime/covariates.h"
#include "lifetime/fit_state.h"
#include "lifetime/season.h"

extern struct varlena	*fit_given(const Covariates *names, const Season *season);
extern const Covariates *fit_given_names(int kind, const struct varlena *given);
extern const Season		*fit_given_season(int kind, const struct varlena *given);

/* The season that a fit counts by, NULL without. */
static inline const Season *
fit_season_of(const FitState *state)
{
	return fit_given_season(state->kind, fit_state_head(state));
}

/* The names of covariates of a fit; NULL without, or as long as they are not known. */
static inline const Covariates *
fit_names_of(const FitState *state)
{
	return fit_given_names(state->kind, fit_state_head(state));
}

#endif /* CRM_FIT_GIVEN_H */
