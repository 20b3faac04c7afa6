/*
 * fit_state.c: the types purchase_model_state and spend_model_state: the hash table of groups.
 */
#include "crm.h"

#include "lifetime/btyd.h"
#include "common/int.h"
#include "lifetime/fit_state.h"
#include "miscadmin.h"

/*
 * A state without groups, in the current context, whose keys have so many numbers more than three; given: a varlena that it
 * keeps a copy of, or NULL.
 */
FitState *
fit_state_create_with(FitStateKind kind, int32 unit_days, const void *given, int more, int capacity)
{
	int32	  head = given == NULL ? 0 : MAXALIGN(VARSIZE(given));
	Size	  size = FIT_STATE_SIZE(head, more, capacity);
	FitState *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->version = FIT_STATE_VERSION;
	state->kind = kind;
	state->unit_days = unit_days;
	state->head = head;
	state->more = more;
	if (given != NULL)
		memcpy(state->body, given, VARSIZE(given));
	return state;
}

FitState *
fit_state_create(FitStateKind kind, int32 unit_days, int capacity)
{
	return fit_state_create_with(kind, unit_days, NULL, 0, capacity);
}

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

/* Whether two states, or a state and what a row gives, are of one fit: NULL equals nothing given. */
static bool
same_given(const struct varlena *a, const struct varlena *b)
{
	return (a == NULL) == (b == NULL) &&
		   (a == NULL || (VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0));
}

/* buying.a, buying.b, leaving.a: what a row with such covariates has. */
static char *
number_names(const Covariates *names)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < covariates_count(names); i++)
		appendStringInfo(&out, "%s%s", i == 0 ? "" : ", ", covariates_number_name(names, i));
	return out.data;
}

/*
 * What rows give beside customers is the same in all of them. A state of rows that had no covariates, whose customers
 * are left out, knows no names yet and takes those of the others: it is made anew then.
 */
static FitState *
with_given(FitState *state, const void *given, int more)
{
	int		  kind = state->kind;
	FitState *named;

	if (likely(same_given(fit_state_head(state), given)))
		return state;
	if (!same_given((const struct varlena *) fit_season_of(state),
					(const struct varlena *) fit_given_season(kind, given)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a fit needs the same season in every row"),
						errhint("Make the season first, in a query of its own.")));
	if (fit_given_names(kind, given) == NULL)
		return state;
	if (fit_names_of(state) != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a fit needs the same names of covariates in every row"),
						errdetail("One has %s, another %s.", number_names(fit_names_of(state)),
								  number_names(fit_given_names(kind, given)))));
	named = fit_state_create_with(kind, state->unit_days, given, more, FIT_STATE_FIRST_CAPACITY);
	named->left_out = state->left_out;
	return named;
}

/* The state of a transition: made at the first row, copied outside an aggregate. */
FitState *
fit_transition_state(FunctionCallInfo fcinfo, FitStateKind kind, int32 unit_days, const void *given,
					 int more)
{
	FitState *state;

	if (PG_ARGISNULL(0))
		return fit_state_create_with(kind, CheckUnitDays(unit_days), given, more,
									 FIT_STATE_FIRST_CAPACITY);
	state = PG_GETARG_FIT_STATE(0);
	if (!AggCheckCallContext(fcinfo, NULL))
	{
		FitState *copy = palloc(VARSIZE(state));

		memcpy(copy, state, VARSIZE(state));
		state = copy;
	}
	if (unlikely(state->kind != kind || state->unit_days != unit_days))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 kind == FIT_STATE_SEASON ? errmsg("a season needs the same period in every row")
										  : errmsg("a fit needs the same unit_days in every row"),
				 kind == FIT_STATE_SEASON
					 ? 0
					 : errdetail("Rows have %d and %d.", state->unit_days, unit_days)));
	return with_given(state, given, more);
}

/* Where a key is, or the empty slot where it belongs. */
static inline FitGroup *
find_slot(FitState *state, const double *key, const double *more, int capacity)
{
	uint64 bits[3];
	uint64 hash;
	int	   at;

	memcpy(bits, key, sizeof(bits));
	hash = bits[0] * UINT64CONST(0x9e3779b97f4a7c15);
	hash = (hash ^ (hash >> 32) ^ bits[1]) * UINT64CONST(0xbf58476d1ce4e5b9);
	hash = (hash ^ (hash >> 29) ^ bits[2]) * UINT64CONST(0x94d049bb133111eb);
	for (int i = 0; i < state->more; i++)
	{
		memcpy(bits, &more[i], sizeof(bits[0]));
		hash = (hash ^ (hash >> 31) ^ bits[0]) * UINT64CONST(0xbf58476d1ce4e5b9);
	}
	hash = (hash ^ (hash >> 32)) * UINT64CONST(0x9e3779b97f4a7c15);
	at = (int) (((hash >> 32) * (uint64) capacity) >> 32);
	for (;;)
	{
		FitGroup *slot = fit_state_slot(state, at);

		if (slot->count == 0 ||
			(slot->key[0] == key[0] && slot->key[1] == key[1] && slot->key[2] == key[2] &&
			 (state->more == 0 || memcmp(slot->more, more, state->more * sizeof(double)) == 0)))
			return slot;
		if (++at == capacity)
			at = 0;
	}
}

/*
 * A copy of a full state with twice the room, in the current context: the
 * executor copies it into the aggregate's and frees the old one.
 */
static FitState *
grow(FitState *state)
{
	int	  old = fit_state_capacity(state);
	int64 most =
		(MaxAllocSize - offsetof(FitState, body) - state->head) / FIT_SLOT_SIZE(state->more);
	int		  capacity = Min((int64) old * 2 + 1, most);
	FitState *larger;
	FitGroup *slot;

	if (capacity == old)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many different customers for one fit"),
				 errdetail("A fit holds about %d groups of equal customers.", capacity / 10 * 9),
				 errhint("Fit a random sample, or a coarser unit of time.")));
	larger = fit_state_create_with(state->kind, state->unit_days, fit_state_head(state),
								   state->more, capacity);
	larger->left_out = state->left_out;
	larger->ngroups = state->ngroups;
	for (int i = 0; i < old; i++)
	{
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		slot = fit_state_slot(state, i);
		if (slot->count != 0)
			memcpy(find_slot(larger, slot->key, slot->more, capacity), slot,
				   FIT_SLOT_SIZE(state->more));
	}
	return larger;
}

/* A sum of numbers of customers. */
int64
fit_add_counts(int64 a, int64 b)
{
	int64 sum;

	if (unlikely(pg_add_s64_overflow(a, b, &sum)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of customers is out of range")));
	return sum;
}

/* The state with so many customers of a group more; a new state if the old had no room. */
FitState *
fit_state_add_key(FitState *state, const double *key, const double *more, int64 count)
{
	int		  capacity = fit_state_capacity(state);
	FitGroup *slot;

	if (unlikely(state->ngroups >= capacity - capacity / 5))
	{
		state = grow(state);
		capacity = fit_state_capacity(state);
	}
	slot = find_slot(state, key, more, capacity);
	if (slot->count == 0)
	{
		memcpy(slot->key, key, sizeof(slot->key));
		if (state->more > 0)
			memcpy(slot->more, more, state->more * sizeof(double));
		state->ngroups++;
	}
	slot->count = fit_add_counts(slot->count, count);
	return state;
}

FitState *
fit_state_add(FitState *state, double a, double b, double c, int64 count)
{
	double key[3] = {a, b, c};

	return fit_state_add_key(state, key, NULL, count);
}

/* Counts customers who cannot take part in the fit. */
void
fit_state_leave_out(FitState *state, int64 count)
{
	state->left_out = fit_add_counts(state->left_out, count);
}

/* The state with all of another state's groups added. */
FitState *
fit_state_merge(FitState *state, const FitState *other)
{
	int capacity = fit_state_capacity(other);

	if (state->kind != other->kind || state->unit_days != other->unit_days)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("states of different fits cannot be combined")));
	state = with_given(state, fit_state_head(other), other->more);
	for (int i = 0; i < capacity; i++)
	{
		const FitGroup *group = fit_state_slot(other, i);

		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (group->count != 0)
			state = fit_state_add_key(state, group->key, group->more, group->count);
	}
	fit_state_leave_out(state, other->left_out);
	return state;
}

static int
compare_numbers(const double *left, const double *right, int n)
{
	for (int i = 0; i < n; i++)
		if (left[i] != right[i])
			return CRM_COMPARE(left[i], right[i]);
	return 0;
}

/* By covariates first, of which a state (the argument) has more or none. */
static int
compare_groups(const void *a, const void *b, void *state)
{
	const FitGroup *left = a;
	const FitGroup *right = b;
	int				more = ((const FitState *) state)->more;
	int				order = more == 0 ? 0 : compare_numbers(left->more, right->more, more);

	CHECK_FOR_INTERRUPTS();
	return order != 0 ? order : compare_numbers(left->key, right->key, 3);
}

/* The groups in order, palloc'ed: the same for every plan that saw the same rows. */
FitGroup *
fit_state_sorted(const FitState *state)
{
	Size	  size = FIT_SLOT_SIZE(state->more);
	FitGroup *groups = MemoryContextAllocHuge(CurrentMemoryContext, Max(state->ngroups, 1) * size);
	int		  capacity = fit_state_capacity(state);
	int		  n = 0;

	for (int i = 0; i < capacity; i++)
		if (fit_state_slot(state, i)->count != 0)
			memcpy(fit_state_group(state, groups, n++), fit_state_slot(state, i), size);
	qsort_arg(groups, n, size, compare_groups, unconstify(FitState *, state));
	return groups;
}
