/*
 * purchase_history_agg.c: the aggregate purchase_history(day, amount [, orders]).
 *
 * The state is a purchase_history with room for more entries behind the last.
 * Its sizes are powers of two, which is what the allocator hands out anyway.
 */
#include "crm.h"

#include "history/purchase_history.h"
#include "utils/builtins.h"

/* 3 entries fill 64 bytes; twice as many and one more fill the next power of two. */
#define FIRST_CAPACITY 3

static inline int
capacity_of(const PurchaseHistory *state)
{
	return (VARSIZE(state) - offsetof(PurchaseHistory, entries)) / sizeof(PurchaseDay);
}

/*
 * A copy of a full state with twice the room, in the current context: the
 * executor copies it into the aggregate's and frees the old one.
 */
static PurchaseHistory *
grow(const PurchaseHistory *state)
{
	int64			 capacity = (int64) state->nentries * 2 + 1;
	PurchaseHistory *larger;

	if (state->nentries < PURCHASE_HISTORY_MAX_ENTRIES)
		capacity = Min(capacity, PURCHASE_HISTORY_MAX_ENTRIES);
	larger = purchase_history_create((int) Min(capacity, PG_INT32_MAX));
	memcpy(larger->entries, state->entries, state->nentries * sizeof(PurchaseDay));
	larger->nentries = state->nentries;
	return larger;
}

/* Add to the entry at index, and close the gap if nothing is left of it. */
static void
add_to_entry(PurchaseHistory *state, int index, int32 orders, int64 amount)
{
	PurchaseDay *entry = &state->entries[index];

	CheckOrders((int64) entry->orders + orders);
	entry->amount = AmountAdd(entry->amount, amount);
	entry->orders += orders;
	if (entry->orders == 0 && entry->amount == 0)
	{
		state->nentries--;
		memmove(entry, entry + 1, (state->nentries - index) * sizeof(PurchaseDay));
	}
}

/* The state with one row more; a new one if the old had no room. */
static PurchaseHistory *
accumulate(PurchaseHistory *state, DateADT day, int32 orders, int64 amount)
{
	int index;

	CheckPurchaseDay(day);
	orders = purchase_orders(amount, orders);
	if (state == NULL)
		state = purchase_history_create(FIRST_CAPACITY);
	if (orders == 0 && amount == 0)
		return state;

	index = purchase_history_count_until(state, day);
	if (index > 0 && state->entries[index - 1].day == day)
	{
		add_to_entry(state, index - 1, orders, amount);
		return state;
	}
	if (state->nentries == capacity_of(state))
		state = grow(state);
	memmove(&state->entries[index + 1], &state->entries[index],
			(state->nentries - index) * sizeof(PurchaseDay));
	state->entries[index].day = day;
	state->entries[index].orders = orders;
	state->entries[index].amount = amount;
	state->nentries++;
	return state;
}

static inline DateADT
day_of_date(FunctionCallInfo fcinfo)
{
	return PG_GETARG_DATEADT(1);
}

/* The day of a timestamp as it stands. */
static inline DateADT
timestamp_day(Timestamp at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		return TIMESTAMP_IS_NOBEGIN(at) ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
	return (DateADT) (at / USECS_PER_DAY - (at % USECS_PER_DAY < 0));
}

static inline DateADT
day_of_timestamp(FunctionCallInfo fcinfo)
{
	return timestamp_day(PG_GETARG_TIMESTAMP(1));
}

/* The day of an instant in the time zone that is named. */
static inline DateADT
day_of_timestamptz(FunctionCallInfo fcinfo)
{
	return timestamp_day(DatumGetTimestamp(
		DirectFunctionCall2(timestamptz_zone, PG_GETARG_DATUM(3), PG_GETARG_DATUM(1))));
}

/* Packed is enough: the digits are read in place. */
static inline int64
amount_of_numeric(FunctionCallInfo fcinfo)
{
	return amount_from_numeric((Numeric) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(2)));
}

static inline int64
amount_of_float8(FunctionCallInfo fcinfo)
{
	return amount_from_float8(PG_GETARG_FLOAT8(2));
}

/* A row with a NULL in it is left out. */
static inline bool
any_argument_null(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

/*
 * One transition function for each kind of day and amount; orders_arg is where
 * the weight stands if the call has one. They change the state in place, which
 * is an aggregate's right alone.
 */
#define TRANSITION(name, day, amount, orders_arg)                                            \
	PG_FUNCTION_INFO_V1(name);                                                               \
	Datum name(PG_FUNCTION_ARGS)                                                             \
	{                                                                                        \
		PurchaseHistory *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_PURCHASE_HISTORY(0);     \
                                                                                             \
		if (!AggCheckCallContext(fcinfo, NULL))                                              \
			elog(ERROR, #name " called outside an aggregate");                               \
		if (any_argument_null(fcinfo))                                                       \
		{                                                                                    \
			if (state == NULL)                                                               \
				PG_RETURN_NULL();                                                            \
			PG_RETURN_PURCHASE_HISTORY(state);                                               \
		}                                                                                    \
		PG_RETURN_PURCHASE_HISTORY(accumulate(                                               \
			state, day(fcinfo), PG_NARGS() > (orders_arg) ? PG_GETARG_INT32(orders_arg) : 1, \
			amount(fcinfo)));                                                                \
	}

TRANSITION(crm_purchase_history_date_numeric, day_of_date, amount_of_numeric, 3)
TRANSITION(crm_purchase_history_date_float8, day_of_date, amount_of_float8, 3)
TRANSITION(crm_purchase_history_timestamp_numeric, day_of_timestamp, amount_of_numeric, 3)
TRANSITION(crm_purchase_history_timestamp_float8, day_of_timestamp, amount_of_float8, 3)
TRANSITION(crm_purchase_history_timestamptz_numeric, day_of_timestamptz, amount_of_numeric, 4)
TRANSITION(crm_purchase_history_timestamptz_float8, day_of_timestamptz, amount_of_float8, 4)

/* The index of a day's entry, or -1. */
static inline int
find_day(const PurchaseHistory *h, DateADT day)
{
	int index = purchase_history_count_until(h, day) - 1;

	return index >= 0 && h->entries[index].day == day ? index : -1;
}

static bool
has_days_of(const PurchaseHistory *state, const PurchaseHistory *h)
{
	for (int i = 0; i < h->nentries; i++)
		if (find_day(state, h->entries[i].day) < 0)
			return false;
	return true;
}

/*
 * state + h, for the aggregate merge. The histories of many customers soon
 * bring no new day: those are added in place, as a copy of the state for each
 * would cost more than all the rest.
 */
PG_FUNCTION_INFO_V1(crm_purchase_history_merge);
Datum
crm_purchase_history_merge(PG_FUNCTION_ARGS)
{
	PurchaseHistory *state = PG_GETARG_PURCHASE_HISTORY(0);
	PurchaseHistory *h = PG_GETARG_PURCHASE_HISTORY(1);

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "crm_purchase_history_merge called outside an aggregate");
	if (!has_days_of(state, h))
		PG_RETURN_PURCHASE_HISTORY(purchase_history_plus(state, h));
	for (int i = 0; i < h->nentries; i++)
		add_to_entry(state, find_day(state, h->entries[i].day), h->entries[i].orders,
					 h->entries[i].amount);
	PG_RETURN_PURCHASE_HISTORY(state);
}

/* The history that a state holds, without the room to spare. */
PG_FUNCTION_INFO_V1(crm_purchase_history_final);
Datum
crm_purchase_history_final(PG_FUNCTION_ARGS)
{
	PurchaseHistory *state = PG_GETARG_PURCHASE_HISTORY(0);

	PG_RETURN_PURCHASE_HISTORY(purchase_history_slice(state, 0, state->nentries));
}
