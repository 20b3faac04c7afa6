/*
 * fit_state.c: the types purchase_model_state and spend_model_state: the hash
 * table of groups, and its text and binary forms.
 *
 * The text form lists the groups in order:
 *   days unit_days 7, left_out 2; 0 0 270:3, 1 14 200:1
 */
#include "crm.h"

#include <math.h>

#include "lifetime/btyd.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "lifetime/fit_state.h"
#include "lifetime/occasions.h"
#include "lifetime/season.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "lifetime/fit_record.h"
#include "base/scan.h"

static const char *const kind_words[] = {NULL,	  "days",	   "regular", "numbers",
										 "spend", "occasions", "season",  "seasoned"};

#define KIND_WORDS "days, regular, numbers, spend, occasions, season or seasoned"

/* A state without groups, in the current context; given: a varlena that it keeps a copy of, or NULL. */
FitState *
fit_state_create_with(FitStateKind kind, int32 unit_days, const void *given, int capacity)
{
	int32	  head = given == NULL ? 0 : (VARSIZE(given) + sizeof(FitGroup) - 1) / sizeof(FitGroup);
	Size	  size = FIT_STATE_SIZE(head + capacity);
	FitState *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->version = FIT_STATE_VERSION;
	state->kind = kind;
	state->unit_days = unit_days;
	state->head = head;
	if (given != NULL)
		memcpy(state->slots, given, VARSIZE(given));
	return state;
}

FitState *
fit_state_create(FitStateKind kind, int32 unit_days, int capacity)
{
	return fit_state_create_with(kind, unit_days, NULL, capacity);
}

/* Whether two states, or a state and what a row gives, are of one fit: NULL equals nothing given. */
static bool
same_given(const struct varlena *a, const struct varlena *b)
{
	return (a == NULL) == (b == NULL) &&
		   (a == NULL || (VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0));
}

static void
CheckSameGiven(const FitState *state, const void *given)
{
	if (unlikely(!same_given(fit_state_head(state), given)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a fit needs the same season in every row"),
						errhint("Make the season first, in a query of its own.")));
}

/* The state of a transition: made at the first row, copied outside an aggregate. */
FitState *
fit_transition_state(FunctionCallInfo fcinfo, FitStateKind kind, int32 unit_days, const void *given)
{
	FitState *state;

	if (PG_ARGISNULL(0))
		return fit_state_create_with(kind, CheckUnitDays(unit_days), given,
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
	CheckSameGiven(state, given);
	return state;
}

/* Where a key is, or the empty slot where it belongs. */
static inline FitGroup *
find_slot(FitState *state, const double *key, int capacity)
{
	uint64 bits[3];
	uint64 hash;
	int	   at;

	memcpy(bits, key, sizeof(bits));
	hash = bits[0] * UINT64CONST(0x9e3779b97f4a7c15);
	hash = (hash ^ (hash >> 32) ^ bits[1]) * UINT64CONST(0xbf58476d1ce4e5b9);
	hash = (hash ^ (hash >> 29) ^ bits[2]) * UINT64CONST(0x94d049bb133111eb);
	hash = (hash ^ (hash >> 32)) * UINT64CONST(0x9e3779b97f4a7c15);
	at = (int) (((hash >> 32) * (uint64) capacity) >> 32);
	for (;;)
	{
		FitGroup *slot = &state->slots[state->head + at];

		if (slot->count == 0 ||
			(slot->key[0] == key[0] && slot->key[1] == key[1] && slot->key[2] == key[2]))
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
	int		  old = fit_state_capacity(state);
	int		  capacity = Min((int64) old * 2 + 1, FIT_STATE_MAX_CAPACITY - state->head);
	FitState *larger;

	if (capacity == old)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many different customers for one fit"),
				 errdetail("A fit holds about %d groups of equal customers.", capacity / 10 * 9),
				 errhint("Fit a random sample, or a coarser unit of time.")));
	larger = fit_state_create_with(state->kind, state->unit_days, fit_state_head(state), capacity);
	larger->left_out = state->left_out;
	larger->ngroups = state->ngroups;
	for (int i = 0; i < old; i++)
	{
		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (state->slots[state->head + i].count != 0)
			*find_slot(larger, state->slots[state->head + i].key, capacity) =
				state->slots[state->head + i];
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
fit_state_add(FitState *state, double a, double b, double c, int64 count)
{
	double	  key[3] = {a, b, c};
	int		  capacity = fit_state_capacity(state);
	FitGroup *slot;

	if (unlikely(state->ngroups >= capacity - capacity / 5))
	{
		state = grow(state);
		capacity = fit_state_capacity(state);
	}
	slot = find_slot(state, key, capacity);
	if (slot->count == 0)
	{
		memcpy(slot->key, key, sizeof(key));
		state->ngroups++;
	}
	slot->count = fit_add_counts(slot->count, count);
	return state;
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
	CheckSameGiven(state, fit_state_head(other));
	for (int i = 0; i < capacity; i++)
	{
		const FitGroup *group = &other->slots[other->head + i];

		if ((i & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (group->count != 0)
			state = fit_state_add(state, group->key[0], group->key[1], group->key[2], group->count);
	}
	fit_state_leave_out(state, other->left_out);
	return state;
}

static int
compare_groups(const void *a, const void *b)
{
	const FitGroup *left = a;
	const FitGroup *right = b;

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < 3; i++)
		if (left->key[i] != right->key[i])
			return CRM_COMPARE(left->key[i], right->key[i]);
	return 0;
}

/* The groups in order, palloc'ed: the same for every plan that saw the same rows. */
FitGroup *
fit_state_sorted(const FitState *state)
{
	FitGroup *groups = MemoryContextAllocHuge(CurrentMemoryContext,
											  Max(state->ngroups, 1) * (Size) sizeof(FitGroup));
	int		  capacity = fit_state_capacity(state);
	int		  n = 0;

	for (int i = 0; i < capacity; i++)
		if (state->slots[state->head + i].count != 0)
			groups[n++] = state->slots[state->head + i];
	qsort(groups, n, sizeof(FitGroup), compare_groups);
	return groups;
}

static bool
is_day(double number)
{
	return number == floor(number) && number >= DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE &&
		   number < DATE_END_JULIAN - POSTGRES_EPOCH_JDATE;
}

/* n purchase days strictly between two days; they leave room for so many. */
static bool
season_group_is_sound(const double *key)
{
	return key[0] >= 1 && key[0] == floor(key[0]) && is_day(key[1]) && is_day(key[2]) &&
		   key[0] <= key[2] - key[1] - 1;
}

/* The period that bins of a state are of. */
static int
bins_period(const FitState *state)
{
	return state->kind == FIT_STATE_SEASON ? SEASON_PERIOD(state->unit_days)
										   : ((const Season *) fit_state_head(state))->period;
}

/* A group as input or the network gives it is one that a transition could have made. */
static void
CheckGroup(const FitState *state, const FitGroup *group)
{
	int			  kind = state->kind;
	const double *key = group->key;
	bool		  is_gap = kind == FIT_STATE_REGULAR && key[0] == GAP_X;
	bool		  is_bin = kind >= FIT_STATE_SEASON && key[0] == GAP_X;
	bool		  sound = group->count > 0;

	if (kind == FIT_STATE_SPEND)
		sound = sound && key[0] >= 1 && key[0] <= 1e9 && key[0] == floor(key[0]) && key[1] > 0 &&
				key[1] <= 1e300 && key[2] == 0;
	else if (kind == FIT_STATE_OCCASIONS)
		sound = sound && key[0] >= 0 && key[2] >= 1 && key[2] <= OCCASIONS_MAX &&
				key[0] == floor(key[0]) && key[1] == floor(key[1]) && key[2] == floor(key[2]) &&
				occasions_are_sound(key[0], key[1], key[2]);
	else if (is_bin)
		sound = sound && key[1] >= 0 && key[1] < season_year(bins_period(state))->nbins &&
				key[1] == floor(key[1]) && key[2] == 0;
	else if (kind == FIT_STATE_SEASON)
		sound = sound && season_group_is_sound(key);
	else if (is_gap)
		sound = sound && key[1] >= 1 && key[1] <= 1e9 && key[1] == floor(key[1]) && key[2] == 0;
	else
		sound = sound && key[2] > 0 &&
				(kind == FIT_STATE_NUMBERS || kind == FIT_STATE_SEASONED ||
				 (key[1] == floor(key[1]) && key[2] == floor(key[2])));
	if (!sound)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("fit state holds a group that cannot be: %g %g %g", key[0], key[1],
							   key[2])));
	if ((kind <= FIT_STATE_NUMBERS && !is_gap) || (kind == FIT_STATE_SEASONED && !is_bin))
		(void) CheckBtyd(key[0], key[1], key[2]);
}

/* Adds a group that was read; each may come once. */
static FitState *
add_read_group(FitState *state, FitGroup *group)
{
	int before = state->ngroups;

	for (int i = 0; i < 3; i++)
		group->key[i] += 0.0; /* no minus zero */
	CheckGroup(state, group);
	state = fit_state_add(state, group->key[0], group->key[1], group->key[2], group->count);
	if (state->ngroups == before)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("fit state holds a group twice: %g %g %g", group->key[0],
							   group->key[1], group->key[2])));
	return state;
}

/* spend: whether the type is spend_model_state. */
static void
CheckStateHeader(const FitState *state, bool spend)
{
	if (state->version != FIT_STATE_VERSION || state->kind < 1 || state->kind > FIT_STATE_KINDS ||
		(state->kind == FIT_STATE_SPEND) != spend || state->left_out < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unknown fit state of version %d, kind %d", state->version, state->kind)));
	CheckUnitDays(state->unit_days);
	if (state->kind == FIT_STATE_SEASON &&
		state->unit_days != SEASON_UNIT_DAYS(SEASON_PERIOD(state->unit_days)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("fit state of a season cannot have bins of %d days", state->unit_days)));
}

static Datum
state_in(FunctionCallInfo fcinfo, const char *type_name, bool spend)
{
	Scanner	  s = scan_start(type_name, PG_GETARG_CSTRING(0));
	FitState *state;
	FitState  header = {.version = FIT_STATE_VERSION};
	Season	 *season = NULL;
	int64	  unit_days;
	int		  kind = 1;

	while (kind <= FIT_STATE_KINDS && !scan_try_word(&s, kind_words[kind]))
		kind++;
	if (kind > FIT_STATE_KINDS)
		scan_error(&s, KIND_WORDS);
	scan_word(&s, "unit_days");
	unit_days = scan_int64(&s);
	header.kind = kind;
	header.unit_days = (int32) Min(Max(unit_days, 0), PG_INT32_MAX);
	scan_char(&s, ',');
	scan_word(&s, "left_out");
	header.left_out = scan_int64(&s);
	CheckStateHeader(&header, spend);
	if (kind == FIT_STATE_SEASONED)
	{
		scan_word(&s, "by");
		scan_char(&s, '(');
		season = season_scan(&s);
		scan_char(&s, ')');
	}
	state = fit_state_create_with(kind, header.unit_days, season, FIT_STATE_FIRST_CAPACITY);
	state->left_out = header.left_out;
	if (scan_try_char(&s, ';'))
		do
		{
			FitGroup group;

			for (int i = 0; i < 3; i++)
				group.key[i] = scan_float8(&s);
			scan_char(&s, ':');
			group.count = scan_int64(&s);
			state = add_read_group(state, &group);
		} while (scan_try_char(&s, ','));
	scan_end(&s);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_fit_state_out);
Datum
crm_fit_state_out(PG_FUNCTION_ARGS)
{
	FitState	  *state = PG_GETARG_FIT_STATE(0);
	FitGroup	  *groups = fit_state_sorted(state);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s unit_days %d, left_out " INT64_FORMAT, kind_words[state->kind],
					 state->unit_days, state->left_out);
	if (state->kind == FIT_STATE_SEASONED)
	{
		appendStringInfoString(&out, " by (");
		season_append_text(&out, (const Season *) fit_state_head(state));
		appendStringInfoChar(&out, ')');
	}
	for (int i = 0; i < state->ngroups; i++)
	{
		appendStringInfoString(&out, i == 0 ? "; " : ", ");
		for (int j = 0; j < 3; j++)
		{
			if (j > 0)
				appendStringInfoChar(&out, ' ');
			append_float8(&out, groups[i].key[j]);
		}
		appendStringInfo(&out, ":" INT64_FORMAT, groups[i].count);
	}
	PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(crm_fit_state_send);
Datum
crm_fit_state_send(PG_FUNCTION_ARGS)
{
	FitState	  *state = PG_GETARG_FIT_STATE(0);
	FitGroup	  *groups = fit_state_sorted(state);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, state->version);
	pq_sendint16(&out, state->kind);
	pq_sendint32(&out, state->unit_days);
	pq_sendint64(&out, state->left_out);
	if (state->kind == FIT_STATE_SEASONED)
		season_append_bytes(&out, (const Season *) fit_state_head(state));
	pq_sendint32(&out, state->ngroups);
	for (int i = 0; i < state->ngroups; i++)
	{
		for (int j = 0; j < 3; j++)
			pq_sendfloat8(&out, groups[i].key[j]);
		pq_sendint64(&out, groups[i].count);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* Grows as groups arrive, so that no length of the message sizes an allocation. */
static Datum
state_recv(FunctionCallInfo fcinfo, bool spend)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	FitState   header = {.version = pq_getmsgint(message, 2)};
	Season	  *season = NULL;
	FitState  *state;
	int32	   ngroups;

	header.kind = pq_getmsgint(message, 2);
	header.unit_days = pq_getmsgint(message, 4);
	header.left_out = pq_getmsgint64(message);
	CheckStateHeader(&header, spend);
	if (header.kind == FIT_STATE_SEASONED)
		season = season_from_bytes(message);
	ngroups = pq_getmsgint(message, 4);
	state = fit_state_create_with(header.kind, header.unit_days, season, FIT_STATE_FIRST_CAPACITY);
	state->left_out = header.left_out;
	if (ngroups < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("fit state cannot hold %d groups", ngroups)));
	for (int i = 0; i < ngroups; i++)
	{
		FitGroup group;

		for (int j = 0; j < 3; j++)
			group.key[j] = pq_getmsgfloat8(message);
		group.count = pq_getmsgint64(message);
		state = add_read_group(state, &group);
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_state_in);
Datum
crm_purchase_model_state_in(PG_FUNCTION_ARGS)
{
	return state_in(fcinfo, "purchase_model_state", false);
}

PG_FUNCTION_INFO_V1(crm_spend_model_state_in);
Datum
crm_spend_model_state_in(PG_FUNCTION_ARGS)
{
	return state_in(fcinfo, "spend_model_state", true);
}

PG_FUNCTION_INFO_V1(crm_purchase_model_state_recv);
Datum
crm_purchase_model_state_recv(PG_FUNCTION_ARGS)
{
	return state_recv(fcinfo, false);
}

PG_FUNCTION_INFO_V1(crm_spend_model_state_recv);
Datum
crm_spend_model_state_recv(PG_FUNCTION_ARGS)
{
	return state_recv(fcinfo, true);
}
