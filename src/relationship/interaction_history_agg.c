/*
 * interaction_history_agg.c: the aggregates that build an interaction_history
 * from rows and from histories.
 *
 * The state is a type of its own, with room for more entries behind the
 * last. Its sizes are powers of two, which is what the allocator hands out
 * anyway. Rows are put behind the last entry as they come, without a look at
 * it, and sorted once, at the end: n log n whatever their order, and one pass
 * if they came in time order.
 *
 * What a row costs is waiting for memory, since each meets another group. So
 * entries are packed, which halves the states, as long as all of a state's have
 * neither score nor resolved_at and their channels are of at most 8 ASCII
 * characters; the first that is not makes the state a wide one, of whole
 * entries. And an entry goes behind a header that says where, two waits one
 * after the other: so all of a state of the usual size is asked for at once,
 * before the row is read.
 */
#include "crm.h"

#include "base/growth.h"
#include "base/aggregate.h"
#include "relationship/interaction_history.h"
#include "port/pg_bswap.h"

/* 7 packed entries fill 128 bytes; twice as many and one more fill the next power of two. */
#define FIRST_CAPACITY 15

#define CACHE_LINE_SIZE 64
#define PREFETCH_SIZE 256

#define INTERACTION_STATE_VERSION INTERACTION_HISTORY_VERSION

/* The entries are packed into 16 bytes each. */
#define STATE_PACKED 1

/*
 * The state, of which wide and sorted ones are laid out as histories are: with
 * room for more entries, which VARSIZE counts; the last ones may stand anywhere.
 */
typedef struct InteractionState
{
	int32		vl_len_; /* varlena header, do not touch */
	uint16		version; /* INTERACTION_STATE_VERSION */
	uint16		flags;	 /* STATE_PACKED or 0 */
	int32		nentries;
	int32		unsorted; /* how many of the last entries may not be in place yet */
	Interaction entries[FLEXIBLE_ARRAY_MEMBER]; /* or PackedInteraction, by flags */
} InteractionState;

#define PG_GETARG_STATE(n) ((const InteractionState *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/*
 * An interaction packed: its word's highest 8 bits are those of an unpacked
 * one, the others 8 characters of the channel, the first one highest. Packed
 * or not, entries have the same order.
 */
typedef struct PackedInteraction
{
	TimestampTz at;
	uint64		word;
} PackedInteraction;

#define PACKED_CHANNEL_SIZE 8
#define CODES_MASK (~RESOLVED_MASK)

/* 8 characters of 7 bits, each in a byte, side by side; and back. */
static inline uint64
squeeze_characters(uint64 c)
{
	c = (c & UINT64CONST(0x007f007f007f007f)) | (c & UINT64CONST(0x7f007f007f007f00)) >> 1;
	c = (c & UINT64CONST(0x00003fff00003fff)) | (c & UINT64CONST(0x3fff00003fff0000)) >> 2;
	return (c & UINT64CONST(0x0fffffff)) | (c & UINT64CONST(0x0fffffff00000000)) >> 4;
}

static inline uint64
spread_characters(uint64 c)
{
	c = (c & UINT64CONST(0x0fffffff)) | (c & UINT64CONST(0x00fffffff0000000)) << 4;
	c = (c & UINT64CONST(0x00003fff00003fff)) | (c & UINT64CONST(0x0fffc0000fffc000)) << 2;
	return (c & UINT64CONST(0x007f007f007f007f)) | (c & UINT64CONST(0x3f803f803f803f80)) << 1;
}

/* Pack an entry, if it can be. */
static inline bool
pack(const Interaction *entry, PackedInteraction *packed)
{
	uint64 characters;

	memcpy(&characters, entry->channel, PACKED_CHANNEL_SIZE);
	if ((characters & UINT64CONST(0x8080808080808080)) != 0 ||
		entry->channel[PACKED_CHANNEL_SIZE] != '\0' || entry->score != 0 ||
		(entry->word & RESOLVED_MASK) != 0)
		return false;
	packed->at = entry->at;
	packed->word = entry->word | squeeze_characters(pg_ntoh64(characters));
	return true;
}

static inline Interaction
unpack(PackedInteraction packed)
{
	Interaction entry = {.at = packed.at, .word = packed.word & CODES_MASK};
	uint64		characters = pg_hton64(spread_characters(packed.word & RESOLVED_MASK));

	memcpy(entry.channel, &characters, PACKED_CHANNEL_SIZE);
	return entry;
}

static inline int
packed_compare(const PackedInteraction *x, const PackedInteraction *y)
{
	int order = CRM_COMPARE(x->at, y->at);

	return order != 0 ? order : CRM_COMPARE(x->word, y->word);
}

static int
compare_packed(const void *a, const void *b)
{
	return packed_compare(a, b);
}

static inline bool
is_packed(const InteractionState *state)
{
	return (state->flags & STATE_PACKED) != 0;
}

static inline PackedInteraction *
packed_entries(const InteractionState *state)
{
	return (PackedInteraction *) state->entries;
}

static inline Size
entry_size(bool packed)
{
	return packed ? sizeof(PackedInteraction) : sizeof(Interaction);
}

static inline Size
used_size(const InteractionState *state)
{
	return offsetof(InteractionState, entries) + state->nentries * entry_size(is_packed(state));
}

/* Whether a state has room for some entries more. */
static inline bool
has_room(const InteractionState *state, int n)
{
	return state_has_room(state, used_size(state), n * entry_size(is_packed(state)));
}

/* An empty state, packed or wide, with room for some entries or a few more, in the current context. */
static InteractionState *
create_state(bool packed, int64 entries)
{
	int64			  capacity = FIRST_CAPACITY;
	Size			  size;
	InteractionState *state;

	CheckInteractions(entries);
	while (capacity < entries)
		capacity = capacity * 2 + 1;
	capacity = Min(capacity, INTERACTION_HISTORY_MAX_ENTRIES);
	size = offsetof(InteractionState, entries) + capacity * entry_size(packed);

	state = palloc(size);
	memset(state, 0, offsetof(InteractionState, entries));
	SET_VARSIZE(state, size);
	state->version = INTERACTION_STATE_VERSION;
	state->flags = packed ? STATE_PACKED : 0;
	return state;
}

/* A copy of a state, if there is one, with room for some entries more, and wide if asked for. */
static InteractionState *
grow(const InteractionState *state, int n, bool packed)
{
	int64			  entries = (state == NULL ? 0 : state->nentries) + (int64) n;
	InteractionState *larger;

	if (state != NULL && is_packed(state) == packed)
	{
		CheckInteractions(entries);
		return state_grown(state, used_size(state), n * entry_size(packed), MaxAllocSize);
	}
	larger = create_state(packed, entries);
	if (state == NULL)
		return larger;
	for (int i = 0; i < state->nentries; i++)
		larger->entries[i] = unpack(packed_entries(state)[i]);
	larger->nentries = state->nentries;
	larger->unsorted = state->unsorted;
	return larger;
}

/* The state with an entry more; a new one if the old had no room, or none for such an entry. */
static inline InteractionState *
append_entry(InteractionState *state, const Interaction *entry)
{
	PackedInteraction packed;
	bool			  pack_it = (state == NULL || is_packed(state)) && pack(entry, &packed);

	if (unlikely(state == NULL || is_packed(state) != pack_it || !has_room(state, 1)))
		state = grow(state, 1, pack_it);
	if (pack_it)
		packed_entries(state)[state->nentries] = packed;
	else
		state->entries[state->nentries] = *entry;
	state->nentries++;
	state->unsorted++;
	return state;
}

/* The state with the entries of a history more, wide. */
static InteractionState *
append_history(InteractionState *state, const InteractionHistory *h)
{
	if (state == NULL || is_packed(state) || !has_room(state, h->nentries))
		state = grow(state, h->nentries, false);
	memcpy(&state->entries[state->nentries], h->entries, h->nentries * sizeof(Interaction));
	state->nentries += h->nentries;
	state->unsorted += h->nentries;
	return state;
}

/* Ask for the memory of a state of the usual size; a hint, which may go beyond its end. */
static inline void
prefetch_state(const void *state)
{
	for (Size offset = 0; offset < PREFETCH_SIZE; offset += CACHE_LINE_SIZE)
		__builtin_prefetch((const char *) state + offset, 1);
}

/*
 * The state so far, never toasted. The transition functions change it in place,
 * which is an aggregate's right alone.
 */
static InteractionState *
state_argument(FunctionCallInfo fcinfo)
{
	(void) CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(0))
		return NULL;
	prefetch_state(PG_GETARG_POINTER(0));
	return (InteractionState *) PG_GETARG_POINTER(0);
}

/* A row more: at, kind, channel, direction [, outcome [, score [, resolved_at]]]. */
PG_FUNCTION_INFO_V1(crm_interaction_history_transition);
Datum
crm_interaction_history_transition(PG_FUNCTION_ARGS)
{
	InteractionState *state = state_argument(fcinfo);
	Interaction		  entry;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		return state_or_null(fcinfo, state);
	entry = interaction_from_args(fcinfo, 1);
	PG_RETURN_POINTER(append_entry(state, &entry));
}

/* A history more. */
PG_FUNCTION_INFO_V1(crm_interaction_history_merge);
Datum
crm_interaction_history_merge(PG_FUNCTION_ARGS)
{
	InteractionState *state = state_argument(fcinfo);

	if (PG_ARGISNULL(1))
		return state_or_null(fcinfo, state);
	PG_RETURN_POINTER(append_history(state, PG_GETARG_INTERACTION_HISTORY(1)));
}

/* The entries of a packed state in order: where they are, or in a copy. */
static const PackedInteraction *
sorted_packed_entries(const InteractionState *state)
{
	const PackedInteraction *packed = packed_entries(state);
	Size					 size = state->nentries * sizeof(PackedInteraction);

	for (int i = 1; i < state->nentries; i++)
		if (packed_compare(&packed[i - 1], &packed[i]) > 0)
		{
			PackedInteraction *sorted = memcpy(palloc(size), packed, size);

			qsort(sorted, state->nentries, sizeof(PackedInteraction), compare_packed);
			return sorted;
		}
	return packed;
}

/* Put the entries of a packed state into a history that has room for them, in order. */
static void
unpack_sorted(const InteractionState *state, InteractionHistory *h)
{
	const PackedInteraction *packed = sorted_packed_entries(state);

	for (int i = 0; i < state->nentries; i++)
		h->entries[i] = unpack(packed[i]);
}

/* The same of a wide state. */
static void
copy_sorted(const InteractionState *state, InteractionHistory *h)
{
	memcpy(h->entries, state->entries, state->nentries * sizeof(Interaction));
	for (int i = 1; i < state->nentries && state->unsorted > 0; i++)
		if (interaction_compare(&h->entries[i - 1], &h->entries[i]) > 0)
		{
			qsort(h->entries, state->nentries, sizeof(Interaction), interaction_compare);
			break;
		}
}

/* The history that a state holds, as a value of its own: sorted, and without the room to spare. */
static InteractionHistory *
history_of_state(const InteractionState *state)
{
	InteractionHistory *h = interaction_history_create(state->nentries);

	h->nentries = state->nentries;
	if (is_packed(state))
		unpack_sorted(state, h);
	else
		copy_sorted(state, h);
	return h;
}

/* Two states: all that is in either, in order, without room to spare; commutative and associative. */
PG_FUNCTION_INFO_V1(crm_interaction_history_combine);
Datum
crm_interaction_history_combine(PG_FUNCTION_ARGS)
{
	StaticAssertStmt(sizeof(InteractionState) == sizeof(InteractionHistory) &&
						 offsetof(InteractionState, entries) ==
							 offsetof(InteractionHistory, entries),
					 "a history is a wide state in order");

	PG_RETURN_POINTER(interaction_history_add(history_of_state(PG_GETARG_STATE(0)),
											  history_of_state(PG_GETARG_STATE(1))));
}

PG_FUNCTION_INFO_V1(crm_interaction_history_final);
Datum
crm_interaction_history_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_INTERACTION_HISTORY(history_of_state(PG_GETARG_STATE(0)));
}

/* A history, or the state that a catalog of before 0.3.0, where states had the type of histories, gives for one. */
static inline const InteractionHistory *
history_or_state(const void *value)
{
	const InteractionHistory *h = value;

	return likely(h->flags == 0 && h->reserved == 0) ? h : history_of_state(value);
}

/* a + b; before 0.3.0 the combine function of the aggregates too. */
PG_FUNCTION_INFO_V1(crm_interaction_history_plus);
Datum
crm_interaction_history_plus(PG_FUNCTION_ARGS)
{
	PG_RETURN_INTERACTION_HISTORY(
		interaction_history_add(history_or_state(PG_GETARG_INTERACTION_HISTORY(0)),
								history_or_state(PG_GETARG_INTERACTION_HISTORY(1))));
}

/* The forms of a state, by which it goes to other servers, are those of its history. */
static Datum
form_of_state(FunctionCallInfo fcinfo, PGFunction form)
{
	return DirectFunctionCall1(form, PointerGetDatum(history_of_state(PG_GETARG_STATE(0))));
}

PG_FUNCTION_INFO_V1(crm_interaction_history_state_in);
Datum
crm_interaction_history_state_in(PG_FUNCTION_ARGS)
{
	return crm_interaction_history_in(fcinfo);
}

PG_FUNCTION_INFO_V1(crm_interaction_history_state_out);
Datum
crm_interaction_history_state_out(PG_FUNCTION_ARGS)
{
	return form_of_state(fcinfo, crm_interaction_history_out);
}

PG_FUNCTION_INFO_V1(crm_interaction_history_state_recv);
Datum
crm_interaction_history_state_recv(PG_FUNCTION_ARGS)
{
	return crm_interaction_history_recv(fcinfo);
}

PG_FUNCTION_INFO_V1(crm_interaction_history_state_send);
Datum
crm_interaction_history_state_send(PG_FUNCTION_ARGS)
{
	return form_of_state(fcinfo, crm_interaction_history_send);
}
