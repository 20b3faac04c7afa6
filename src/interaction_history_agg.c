/*
 * interaction_history_agg.c: the aggregates that build an interaction_history
 * from rows and from histories.
 *
 * The state is an interaction_history with room for more entries behind the
 * last. Its sizes are powers of two, which is what the allocator hands out
 * anyway. Rows are put behind the last entry as they come, without a look at
 * it, and sorted once, at the end: n log n whatever their order, and one pass
 * if they came in time order. What a row costs is waiting for memory, since each
 * meets another group: its entry goes behind a header that says where, two waits
 * one after the other. So all of a state of the first size is asked for at once,
 * before the row is read.
 */
#include "crm.h"

#include "interaction_history.h"

/* 7 entries fill 256 bytes; twice as many and one more fill the next power of two. */
#define FIRST_CAPACITY 7

#define CACHE_LINE_SIZE 64

static inline int64
capacity_of(const InteractionHistory *state)
{
	return (VARSIZE(state) - offsetof(InteractionHistory, entries)) / sizeof(Interaction);
}

/* A copy of a state with at least some room, in the current context. */
static InteractionHistory *
grow(const InteractionHistory *state, int64 entries)
{
	int64				capacity = FIRST_CAPACITY;
	InteractionHistory *larger;

	while (capacity < entries)
		capacity = capacity * 2 + 1;
	if (entries <= INTERACTION_HISTORY_MAX_ENTRIES)
		capacity = Min(capacity, INTERACTION_HISTORY_MAX_ENTRIES);
	larger = interaction_history_create((int) Min(capacity, PG_INT32_MAX));
	if (state != NULL)
	{
		memcpy(larger->entries, state->entries, state->nentries * sizeof(Interaction));
		larger->nentries = state->nentries;
		larger->unsorted = state->unsorted;
	}
	return larger;
}

/* The state with some entries more; a new one if the old had no room. */
static InteractionHistory *
append_entries(InteractionHistory *state, const Interaction *entries, int n)
{
	int64 total = (state == NULL ? 0 : (int64) state->nentries) + n;

	if (state == NULL || total > capacity_of(state))
		state = grow(state, total);
	memcpy(&state->entries[state->nentries], entries, n * sizeof(Interaction));
	state->nentries += n;
	state->unsorted += n;
	return state;
}

/* Ask for the memory of a state of the first size; a hint, which may go beyond its end. */
static inline void
prefetch_state(const void *state)
{
	for (Size offset = 0; offset < INTERACTION_HISTORY_SIZE(FIRST_CAPACITY);
		 offset += CACHE_LINE_SIZE)
		__builtin_prefetch((const char *) state + offset, 1);
}

/*
 * The state so far, never toasted. The transition functions change it in place,
 * which is an aggregate's right alone.
 */
static InteractionHistory *
state_argument(FunctionCallInfo fcinfo)
{
	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "transition function called outside an aggregate");
	if (PG_ARGISNULL(0))
		return NULL;
	prefetch_state(PG_GETARG_POINTER(0));
	return (InteractionHistory *) PG_GETARG_POINTER(0);
}

/* The state with an entry more. */
static inline InteractionHistory *
append_entry(InteractionHistory *state, const Interaction *entry)
{
	if (unlikely(state == NULL || state->nentries >= capacity_of(state)))
		return append_entries(state, entry, 1);
	state->entries[state->nentries++] = *entry;
	state->unsorted++;
	return state;
}

/* A row more: at, kind, channel, direction [, outcome [, score [, resolved_at]]]. */
PG_FUNCTION_INFO_V1(crm_interaction_history_transition);
Datum
crm_interaction_history_transition(PG_FUNCTION_ARGS)
{
	InteractionHistory *state = state_argument(fcinfo);
	Interaction			entry;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_INTERACTION_HISTORY(state);
	}
	entry = interaction_from_args(fcinfo, 1);
	PG_RETURN_INTERACTION_HISTORY(append_entry(state, &entry));
}

/* A history more. */
PG_FUNCTION_INFO_V1(crm_interaction_history_merge);
Datum
crm_interaction_history_merge(PG_FUNCTION_ARGS)
{
	InteractionHistory *state = state_argument(fcinfo);
	InteractionHistory *other;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_INTERACTION_HISTORY(state);
	}
	other = PG_GETARG_INTERACTION_HISTORY(1);
	PG_RETURN_INTERACTION_HISTORY(append_entries(state, other->entries, other->nentries));
}

/* The history that a state holds, sorted and without the room to spare. */
PG_FUNCTION_INFO_V1(crm_interaction_history_final);
Datum
crm_interaction_history_final(PG_FUNCTION_ARGS)
{
	InteractionHistory *state = PG_GETARG_INTERACTION_HISTORY(0);

	if (state->unsorted > 0)
		PG_RETURN_POINTER(interaction_history_sorted(state));
	PG_RETURN_INTERACTION_HISTORY(interaction_history_slice(state, 0, state->nentries));
}
