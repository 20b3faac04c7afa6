/*
 * growth.h: how what is kept grows: the flat state of an aggregate, and an array.
 *
 * A flat state has its entries behind a head, and room to spare behind them, which
 * VARSIZE counts. Tables whose entries are found by a hash (fit_state.c,
 * rfm_scale_state.c) grow in a form of their own, since each entry moves.
 */
#ifndef CRM_BASE_GROWTH_H
#define CRM_BASE_GROWTH_H

#include "crm.h"

#include "utils/memutils.h"

/* Whether a state has room for so many bytes more behind those that its head and its entries use. */
static inline bool
state_has_room(const void *state, Size used, Size more)
{
	return likely(used + more <= VARSIZE(state));
}

/*
 * A copy of the used bytes of a state with room for so many more, in the current
 * context: of twice the size, as far as a state of the type may be. The executor copies
 * it into the aggregate's memory and frees both. The caller has seen that it may be as
 * large as it needs to be, and fills what is behind the used bytes.
 */
static inline void *
state_grown(const void *state, Size used, Size more, Size most)
{
	Size  size = Max(used + more, Min((Size) VARSIZE(state) * 2, most));
	void *larger = palloc(size);

	memcpy(larger, state, used);
	SET_VARSIZE(larger, size);
	return larger;
}

/*
 * An array with room for one entry more behind n: itself, or, where it is full, twice as
 * large where it was. A NULL array with no room is made in the current context.
 */
static inline void *
array_with_room(void *array, int n, int *room, Size entry)
{
	if (likely(n < *room))
		return array;
	if (unlikely(*room > PG_INT32_MAX / 2))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("cannot keep more than %d entries", *room)));
	*room = Max(16, *room * 2);
	return array == NULL ? MemoryContextAllocHuge(CurrentMemoryContext, *room * entry)
						 : repalloc_huge(array, *room * entry);
}

#endif /* CRM_BASE_GROWTH_H */
