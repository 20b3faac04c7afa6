/*
 * fit_state.h: what a fit has seen so far: groups of equal customers with counts.
 *
 * One layout serves the SQL types purchase_model_state and spend_model_state. It
 * is a flat hash table: linear probing, a slot with count 0 is empty. The
 * groups of a state depend on the multiset of rows alone.
 */
#ifndef CRM_FIT_STATE_H
#define CRM_FIT_STATE_H

#include "crm.h"

#include "lifetime/covariates.h"
#include "lifetime/season.h"

#define FIT_STATE_VERSION 1

typedef enum FitStateKind
{
	FIT_STATE_DAYS = 1,		 /* key = x, t_x, age; whole days, from histories */
	FIT_STATE_REGULAR = 2,	 /* the same, and key = -1, days, 0 counting the gaps of so many days */
	FIT_STATE_NUMBERS = 3,	 /* key = x, t_x, age in model units */
	FIT_STATE_SPEND = 4,	 /* key = x, mean spend, 0 */
	FIT_STATE_OCCASIONS = 5, /* key = x, last occasion, occasions */
	FIT_STATE_SEASON = 6, /* key = n, first and last day, n purchase days between; and -1, bin, 0 */
	FIT_STATE_SEASONED =
		7, /* key = x, t_x, age in days of a season's clock; and -1, bin, 0 of repeats */
	FIT_STATE_COVARIATES =
		8, /* key = x, t_x, age in days, then covariates of buying, of leaving; by a season's clock as SEASONED */
	FIT_STATE_HOLDOUT = 9, /* as REGULAR, and the time before what is held out: fit_holdout.h */
	FIT_STATE_SPEND_COVARIATES = 10 /* key = x, mean spend, 0, then covariates of buying */
} FitStateKind;

#define FIT_STATE_KINDS 10
#define GAP_X (-1.0) /* in place of a customer: a count of gaps, or of purchase days of a bin */

/* The unit_days of a FIT_STATE_SEASON say its period (SeasonPeriod). */
#define SEASON_UNIT_DAYS(period) ((period) == SEASON_WEEK ? 7 : 30)
#define SEASON_PERIOD(unit_days) ((unit_days) == 7 ? SEASON_WEEK : SEASON_MONTH)

typedef struct FitGroup
{
	double key[3];
	int64  count;						/* 0: an empty slot */
	double more[FLEXIBLE_ARRAY_MEMBER]; /* the rest of the key, in states that have more */
} FitGroup;

typedef struct FitState
{
	int32  vl_len_; /* varlena header, do not touch */
	uint16 version; /* FIT_STATE_VERSION */
	uint16 kind;	/* FitStateKind */
	int32  unit_days;
	int32  ngroups;
	int64  left_out; /* customers that cannot take part */
	int32
		  head; /* bytes that hold what the fit is given beside customers: a season, names of covariates; or 0 */
	int32 more;						   /* numbers of a key beyond three */
	char  body[FLEXIBLE_ARRAY_MEMBER]; /* the head, then the slots of the table */
} FitState;

#define FIT_SLOT_SIZE(numbers) (offsetof(FitGroup, more) + (Size) (numbers) * sizeof(double))
#define FIT_STATE_SIZE(given, numbers, capacity) \
	(offsetof(FitState, body) + (Size) (given) + (Size) (capacity) *FIT_SLOT_SIZE(numbers))

/* A state of 1 kB; each next one is twice as long. */
#define FIT_STATE_FIRST_CAPACITY 31

#define PG_GETARG_FIT_STATE(n) ((FitState *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* Slots of the table. */
static inline int
fit_state_capacity(const FitState *state)
{
	return (VARSIZE(state) - offsetof(FitState, body) - state->head) / FIT_SLOT_SIZE(state->more);
}

/* Whether the customers of a state have covariates. */
static inline bool
fit_state_has_covariates(int kind)
{
	return kind == FIT_STATE_COVARIATES || kind == FIT_STATE_SPEND_COVARIATES;
}

/* A slot of the table. */
static inline FitGroup *
fit_state_slot(const FitState *state, int i)
{
	return (FitGroup *) ((char *) state->body + state->head +
						 (Size) i * FIT_SLOT_SIZE(state->more));
}

/* One of the groups that fit_state_sorted() returns. */
static inline FitGroup *
fit_state_group(const FitState *state, FitGroup *groups, int i)
{
	return (FitGroup *) ((char *) groups + (Size) i * FIT_SLOT_SIZE(state->more));
}

/* What the fit is given beside customers, a varlena of its own; NULL without. */
static inline const struct varlena *
fit_state_head(const FitState *state)
{
	return state->head == 0 ? NULL : (const struct varlena *) state->body;
}

extern FitState *fit_state_create(FitStateKind kind, int32 unit_days, int capacity);
extern FitState *fit_state_create_with(FitStateKind kind, int32 unit_days, const void *given,
									   int more, int capacity);
extern FitState *fit_transition_state(FunctionCallInfo fcinfo, FitStateKind kind, int32 unit_days,
									  const void *given, int more);
extern FitState *fit_state_add_key(FitState *state, const double *key, const double *more,
								   int64 count);
extern int64	 fit_add_counts(int64 a, int64 b);
extern FitState *fit_state_add(FitState *state, double a, double b, double c, int64 count);
extern void		 fit_state_leave_out(FitState *state, int64 count);
extern FitState *fit_state_merge(FitState *state, const FitState *other);
extern FitGroup *fit_state_sorted(const FitState *state);

/*
 * What a fit is given: a state of customers by a season's clock has the season in its head; one of customers with covariates their names, and behind
 * them a season if there is one. Names of version 0 are not known yet: rows without covariates, whose customers are left out, have
 * come first.
 */
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

#endif /* CRM_FIT_STATE_H */
