/*
 * purchase_history_agg.c: the aggregate purchase_history(day, amount [, orders] [, booked_on]).
 *
 * The state is a purchase_history with room for more entries behind the last.
 * Its sizes are powers of two, which is what the allocator hands out anyway.
 *
 * What a day may hold is asked of the sum of all its rows, at the end, so that their
 * order never matters: while a sum is out of range, a state has several entries
 * of a day.
 */
#include "crm.h"

#include "base/calendar.h"
#include "base/aggregate.h"
#include "base/growth.h"
#include "history/purchase_history.h"
#include "utils/builtins.h"

/* 3 entries fill 64 bytes, and twice as large is the next power of two. */
#define FIRST_CAPACITY 3

static inline Size
used_size(const PurchaseHistory *state)
{
	return offsetof(PurchaseHistory, entries) + purchase_history_content_size(state);
}

/* The state with room for so many bytes more: itself, or a larger copy. */
static inline PurchaseHistory *
grow(PurchaseHistory *state, Size more)
{
	Size used = used_size(state);

	if (state_has_room(state, used, more))
		return state;
	if (used + more > MaxAllocSize)
		CheckPurchaseDays((int64) ((used + more) / sizeof(PurchaseDay)) + 1);
	return state_grown(state, used, more, MaxAllocSize);
}

/* Move what stands from a place on in the state, to close or to make a gap there. */
static inline void
move_tail(PurchaseHistory *state, char *from, char *to)
{
	memmove(to, from, (char *) state + used_size(state) - from);
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
		move_tail(state, (char *) (entry + 1), (char *) entry);
		state->nentries--;
	}
}

/* The state with more on a day; a new one if the old had no room. */
static PurchaseHistory *
add_day(PurchaseHistory *state, DateADT day, int32 orders, int64 amount)
{
	PurchaseDay *entry;
	int			 index = purchase_history_count_until(state, day);

	if (index > 0 && state->entries[index - 1].day == day &&
		likely(AmountsFit(state->entries[index - 1].amount, amount)))
	{
		add_to_entry(state, index - 1, orders, amount);
		return state;
	}
	state = grow(state, sizeof(PurchaseDay));
	entry = &state->entries[index];
	move_tail(state, (char *) entry, (char *) (entry + 1));
	*entry = (PurchaseDay){day, orders, amount};
	state->nentries++;
	return state;
}

/* The state with one row more, which is no correction; a new one if the old had no room. */
static PurchaseHistory *
accumulate(PurchaseHistory *state, DateADT day, int32 orders, int64 amount)
{
	CheckPurchaseDay(day);
	orders = purchase_orders(amount, orders);
	if (state == NULL)
		state = purchase_history_create(FIRST_CAPACITY);
	if (orders == 0 && amount == 0)
		return state;
	return add_day(state, day, orders, amount);
}

/* The state with one correction more; a new one if the old had no room. */
static PurchaseHistory *
accumulate_correction(PurchaseHistory *state, const PurchaseCorrection *correction)
{
	PurchaseCorrection *at;
	int					index;

	if (state == NULL)
		state = purchase_history_create(FIRST_CAPACITY);
	if (correction->orders == 0 && correction->amount == 0)
		return state;

	index = purchase_history_corrections_before(state, correction);
	at = &purchase_history_corrections(state)[index];
	if (index == state->ncorrections || purchase_correction_order(at, correction) != 0 ||
		!AmountsFit(at->amount, correction->amount))
	{
		state = grow(state, sizeof(PurchaseCorrection));
		at = &purchase_history_corrections(state)[index];
		move_tail(state, (char *) at, (char *) (at + 1));
		*at = *correction;
		state->ncorrections++;
	}
	else
	{
		*at = purchase_correction_combine(at, correction, 1);
		if (at->orders == 0 && at->amount == 0)
		{
			move_tail(state, (char *) (at + 1), (char *) at);
			state->ncorrections--;
		}
	}
	state->version =
		state->ncorrections > 0 ? PURCHASE_HISTORY_VERSION_CORRECTED : PURCHASE_HISTORY_VERSION;
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
	return (DateADT) floor_div(at, USECS_PER_DAY);
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

/*
 * One transition function for each kind of day and amount; orders_arg is where
 * the weight stands if the call has one. They change the state in place, which
 * is an aggregate's right alone.
 */
static pg_attribute_always_inline Datum
transition(FunctionCallInfo fcinfo, DateADT (*day)(FunctionCallInfo),
		   int64 (*amount)(FunctionCallInfo), int orders_arg)
{
	PurchaseHistory *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_PURCHASE_HISTORY(0);

	(void) CheckInAggregate(fcinfo);
	if (state_row_has_null(fcinfo))
		return state_or_null(fcinfo, state);
	PG_RETURN_PURCHASE_HISTORY(accumulate(state, day(fcinfo),
										  PG_NARGS() > orders_arg ? PG_GETARG_INT32(orders_arg) : 1,
										  amount(fcinfo)));
}

#define TRANSITION(name, day, amount, orders_arg)           \
	PG_FUNCTION_INFO_V1(name);                              \
	Datum name(PG_FUNCTION_ARGS)                            \
	{                                                       \
		return transition(fcinfo, day, amount, orders_arg); \
	}

TRANSITION(crm_purchase_history_date_numeric, day_of_date, amount_of_numeric, 3)
TRANSITION(crm_purchase_history_date_float8, day_of_date, amount_of_float8, 3)
TRANSITION(crm_purchase_history_timestamp_numeric, day_of_timestamp, amount_of_numeric, 3)
TRANSITION(crm_purchase_history_timestamp_float8, day_of_timestamp, amount_of_float8, 3)
TRANSITION(crm_purchase_history_timestamptz_numeric, day_of_timestamptz, amount_of_numeric, 4)
TRANSITION(crm_purchase_history_timestamptz_float8, day_of_timestamptz, amount_of_float8, 4)

/*
 * The transition functions with a booked day, the last argument: (state, day,
 * amount [, orders], booked_on). One of the two days may be NULL; a row with any
 * other NULL is left out.
 */
static Datum
accumulate_booked(FunctionCallInfo fcinfo, int64 (*read_amount)(FunctionCallInfo))
{
	PurchaseHistory *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_PURCHASE_HISTORY(0);
	int				 booked_arg = PG_NARGS() - 1;
	bool			 has_day = !PG_ARGISNULL(1);
	bool			 has_booked = !PG_ARGISNULL(booked_arg);
	DateADT			 day = has_day ? PG_GETARG_DATEADT(1) : 0;
	DateADT			 booked = has_booked ? PG_GETARG_DATEADT(booked_arg) : 0;
	PurchaseRow		 row;

	(void) CheckInAggregate(fcinfo);
	if ((!has_day && !has_booked) || PG_ARGISNULL(2) || (booked_arg == 4 && PG_ARGISNULL(3)))
		return state_or_null(fcinfo, state);
	row = purchase_row(has_day ? &day : NULL, has_booked ? &booked : NULL, read_amount(fcinfo),
					   booked_arg == 4 ? PG_GETARG_INT32(3) : 1);
	if (row.is_correction)
		PG_RETURN_PURCHASE_HISTORY(accumulate_correction(state, &row.is));
	PG_RETURN_PURCHASE_HISTORY(accumulate(state, row.is.day, row.is.orders, row.is.amount));
}

PG_FUNCTION_INFO_V1(crm_purchase_history_booked_numeric);
Datum
crm_purchase_history_booked_numeric(PG_FUNCTION_ARGS)
{
	return accumulate_booked(fcinfo, amount_of_numeric);
}

PG_FUNCTION_INFO_V1(crm_purchase_history_booked_float8);
Datum
crm_purchase_history_booked_float8(PG_FUNCTION_ARGS)
{
	return accumulate_booked(fcinfo, amount_of_float8);
}

/*
 * (state, purchased_at timestamptz, amount [, purchase_count]): an error. An
 * instant has a day only where somebody is; a cast to date would take the zone
 * of whoever asks, and the next one would get other days.
 */
PG_FUNCTION_INFO_V1(crm_purchase_history_without_zone);
pg_noreturn Datum
crm_purchase_history_without_zone(PG_FUNCTION_ARGS)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("purchases at instants need a time zone"),
		 errdetail("Without one, the day of a purchase would depend on the session's TimeZone."),
		 errhint(
			 "Pass the shop's time zone, as in crm.purchase_history(ordered_at, amount, "
			 "'Europe/Berlin'). A day that is written as text needs a cast: '2024-05-01'::date.")));
}

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

	(void) CheckInAggregate(fcinfo);
	if (!has_days_of(state, h))
		PG_RETURN_PURCHASE_HISTORY(purchase_history_plus_states(state, h));
	for (int i = 0; i < h->nentries; i++)
		state = add_day(state, h->entries[i].day, h->entries[i].orders, h->entries[i].amount);
	for (int i = 0; i < h->ncorrections; i++)
		state = accumulate_correction(state, &purchase_history_corrections(h)[i]);
	PG_RETURN_PURCHASE_HISTORY(state);
}

/* What all rows of a day come to is what a day may hold. */
static inline int64
CheckSumOfDay(DateADT day, int128 amount)
{
	if (amount > AMOUNT_MAX || amount < -AMOUNT_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("sum of the amounts of %s is out of range", date_to_text(day)),
						errdetail("A purchase day holds at most 900 trillion either way.")));
	return (int64) amount;
}

/* Entries of one day as one. */
static PurchaseDay
sum_of_day(const PurchaseDay *entries, int n)
{
	int64  orders = 0;
	int128 amount = 0;

	for (int i = 0; i < n; i++)
	{
		orders += entries[i].orders;
		amount += entries[i].amount;
	}
	CheckOrders(orders);
	return (PurchaseDay){entries[0].day, (int32) orders, CheckSumOfDay(entries[0].day, amount)};
}

/* Corrections of one purchase that were booked on one day as one. */
static PurchaseCorrection
sum_of_corrections(const PurchaseCorrection *corrections, int n)
{
	PurchaseCorrection sum = corrections[0];
	int128			   amount = corrections[0].amount;

	sum.amount = 0;
	for (int i = 1; i < n; i++)
	{
		PurchaseCorrection more = corrections[i];

		amount += more.amount;
		more.amount = 0;
		sum = purchase_correction_combine(&sum, &more, 1);
	}
	sum.amount = CheckSumOfDay(sum.day, amount);
	return sum;
}

/* The history of a state in which some days, or corrections of one purchase and day, have several entries. */
static PurchaseHistory *
join_entries(const PurchaseHistory *state)
{
	PurchaseHistory *h = purchase_history_create_corrected(state->nentries, state->ncorrections);
	const PurchaseCorrection *from = purchase_history_corrections(state);
	PurchaseCorrection		 *to;
	int						  n = 0;
	int						  ncorrections = 0;

	for (int i = 0, end; i < state->nentries; i = end)
	{
		for (end = i + 1;
			 end < state->nentries && state->entries[end].day == state->entries[i].day;)
			end++;
		h->entries[n] = sum_of_day(&state->entries[i], end - i);
		n += h->entries[n].orders != 0 || h->entries[n].amount != 0;
	}
	h->nentries = n;
	to = purchase_history_corrections(h);
	for (int i = 0, end; i < state->ncorrections; i = end)
	{
		for (end = i + 1;
			 end < state->ncorrections && purchase_correction_order(&from[end], &from[i]) == 0;)
			end++;
		to[ncorrections] = sum_of_corrections(&from[i], end - i);
		ncorrections += to[ncorrections].orders != 0 || to[ncorrections].amount != 0;
	}
	return purchase_history_set_counts(h, n, ncorrections);
}

static bool
has_entries_apart(const PurchaseHistory *state)
{
	const PurchaseCorrection *corrections = purchase_history_corrections(state);

	for (int i = 1; i < state->nentries; i++)
		if (unlikely(state->entries[i].day == state->entries[i - 1].day))
			return true;
	for (int i = 1; i < state->ncorrections; i++)
		if (unlikely(purchase_correction_order(&corrections[i - 1], &corrections[i]) == 0))
			return true;
	return false;
}

/* The history that a state holds, without the room to spare. */
PG_FUNCTION_INFO_V1(crm_purchase_history_final);
Datum
crm_purchase_history_final(PG_FUNCTION_ARGS)
{
	PurchaseHistory *state = PG_GETARG_PURCHASE_HISTORY(0);

	if (has_entries_apart(state))
		PG_RETURN_PURCHASE_HISTORY(join_entries(state));
	PG_RETURN_PURCHASE_HISTORY(purchase_history_copy(state));
}
