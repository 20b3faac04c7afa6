/*
 * fit_given.c: the head of a fit's state.
 */
#include "crm.h"

#include "lifetime/fit_given.h"

/* The head of a state of customers with covariates, of these names (NULL: not known yet); NULL if nothing is given. */
struct varlena *
fit_given(const Covariates *names, const Season *season)
{
	Size			size = sizeof(Covariates) + (season == NULL ? 0 : VARSIZE(season));
	struct varlena *given;

	if (names == NULL && season == NULL)
		return NULL;
	given = palloc0(size);
	if (names != NULL)
		memcpy(given, names, sizeof(Covariates));
	if (season != NULL)
		memcpy((char *) given + sizeof(Covariates), season, VARSIZE(season));
	SET_VARSIZE(given, size);
	return given;
}

const Covariates *
fit_given_names(int kind, const struct varlena *given)
{
	const Covariates *names = (const Covariates *) given;

	return fit_state_has_covariates(kind) && names != NULL && names->version != 0 ? names : NULL;
}

const Season *
fit_given_season(int kind, const struct varlena *given)
{
	if (kind == FIT_STATE_SEASONED)
		return (const Season *) given;
	return kind == FIT_STATE_COVARIATES && given != NULL && VARSIZE(given) > sizeof(Covariates)
			   ? (const Season *) ((const char *) given + sizeof(Covariates))
			   : NULL;
}
