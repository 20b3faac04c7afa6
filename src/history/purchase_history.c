/*
 * purchase_history.c: the type purchase_history: its values, their checks, sum
 * and difference.
 */
#include "crm.h"

#include "history/purchase_history.h"
#include "utils/builtins.h"

/* An empty history with room for some entries. */
PurchaseHistory *
purchase_history_create(int capacity)
{
	Size			 size;
	PurchaseHistory *h;

	if (capacity > PURCHASE_HISTORY_MAX_ENTRIES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("purchase history cannot hold %d days", capacity),
				 errdetail("A history holds at most %d days.", PURCHASE_HISTORY_MAX_ENTRIES)));

	size = PURCHASE_HISTORY_SIZE(capacity);
	h = palloc(size);
	memset(h, 0, offsetof(PurchaseHistory, entries));
	SET_VARSIZE(h, size);
	h->version = PURCHASE_HISTORY_VERSION;
	return h;
}

/* Cut a history that was made with room to spare to the entries it has. */
PurchaseHistory *
purchase_history_set_entries(PurchaseHistory *h, int nentries)
{
	h->nentries = nentries;
	SET_VARSIZE(h, PURCHASE_HISTORY_SIZE(nentries));
	return h;
}

/* The entries from (inclusive) to (exclusive), as a value of their own. */
PurchaseHistory *
purchase_history_slice(const PurchaseHistory *h, int from, int to)
{
	int				 n = Max(to - from, 0);
	PurchaseHistory *slice = purchase_history_create(n);

	memcpy(slice->entries, h->entries + from, n * sizeof(PurchaseDay));
	return purchase_history_set_entries(slice, n);
}

/* A day without orders and amount is not stored. */
static inline void
CheckNotEmptyDay(const PurchaseDay *entry)
{
	if (unlikely(entry->orders == 0 && entry->amount == 0))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("purchase day %s has neither orders nor amount",
							   date_to_text(entry->day))));
}

/* Each day stands once. */
static inline void
CheckDaysAscend(DateADT before, DateADT after)
{
	if (unlikely(before == after))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("purchase day %s appears twice", date_to_text(after))));
	if (unlikely(before > after))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("purchase day %s is out of order", date_to_text(after))));
}

/* What one amount may be. */
static inline void
CheckAmount(int64 amount)
{
	if (unlikely(!AmountIsValid(amount)))
		amount_out_of_range(amount_to_text(amount));
}

/* Every rule of a value that came from outside. */
void
CheckPurchaseHistory(const PurchaseHistory *h)
{
	for (int i = 0; i < h->nentries; i++)
	{
		const PurchaseDay *entry = &h->entries[i];

		CheckPurchaseDay(entry->day);
		CheckOrders(entry->orders);
		CheckAmount(entry->amount);
		CheckNotEmptyDay(entry);
		if (i > 0)
			CheckDaysAscend(entry[-1].day, entry->day);
	}
}

/* The history of one purchase, or of one refund if the amount is negative: see purchase_orders. */
PG_FUNCTION_INFO_V1(crm_purchase);
Datum
crm_purchase(PG_FUNCTION_ARGS)
{
	PurchaseDay		 entry;
	PurchaseHistory *h = purchase_history_create(1);

	entry.day = PG_GETARG_DATEADT(0);
	CheckPurchaseDay(entry.day);
	entry.amount = amount_from_numeric(PG_GETARG_NUMERIC(1));
	entry.orders = purchase_orders(entry.amount, PG_NARGS() > 2 ? PG_GETARG_INT32(2) : 1);

	h->entries[0] = entry;
	PG_RETURN_PURCHASE_HISTORY(
		purchase_history_set_entries(h, entry.orders != 0 || entry.amount != 0));
}

/* What is taken away must be there. */
static inline void
CheckOrdersToTake(const PurchaseDay *from, int32 orders)
{
	if (unlikely(orders > from->orders))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("cannot take more orders from purchase day %s than it has",
						date_to_text(from->day)),
				 errdetail("Orders of the day: %d; to be taken: %d.", from->orders, orders)));
}

/* Two entries of one day as one, b counted sign times. */
static inline PurchaseDay
combine_days(const PurchaseDay *a, const PurchaseDay *b, int sign)
{
	PurchaseDay entry = *a;
	int64		orders = (int64) a->orders + sign * (int64) b->orders;

	if (sign < 0)
		CheckOrdersToTake(a, b->orders);
	CheckOrders(orders);
	entry.orders = (int32) orders;
	entry.amount = AmountAdd(a->amount, sign * b->amount);
	return entry;
}

/* The merge of two sorted histories, b added (sign 1) or taken away (sign -1). */
static PurchaseHistory *
combine_histories(const PurchaseHistory *a, const PurchaseHistory *b, int sign)
{
	PurchaseHistory	  *sum = purchase_history_create(a->nentries + b->nentries);
	const PurchaseDay *at_a = a->entries;
	const PurchaseDay *at_b = b->entries;
	const PurchaseDay *end_a = at_a + a->nentries;
	const PurchaseDay *end_b = at_b + b->nentries;
	int				   n = 0;

	while (at_a < end_a || at_b < end_b)
	{
		PurchaseDay entry;

		if (at_b == end_b || (at_a < end_a && at_a->day < at_b->day))
			entry = *at_a++;
		else if (at_a < end_a && at_a->day == at_b->day)
			entry = combine_days(at_a++, at_b++, sign);
		else
		{
			const PurchaseDay none = {at_b->day, 0, 0};

			entry = combine_days(&none, at_b++, sign);
		}
		if (entry.orders != 0 || entry.amount != 0)
			sum->entries[n++] = entry;
	}
	return purchase_history_set_entries(sum, n);
}

/* a + b: all that is in either. */
PurchaseHistory *
purchase_history_plus(const PurchaseHistory *a, const PurchaseHistory *b)
{
	return combine_histories(a, b, 1);
}

/* a - b: the inverse of +; errors if b has orders that a has not. */
PurchaseHistory *
purchase_history_minus(const PurchaseHistory *a, const PurchaseHistory *b)
{
	return combine_histories(a, b, -1);
}

/* a + b, and the combine function of the aggregates: commutative and associative. */
PG_FUNCTION_INFO_V1(crm_purchase_history_plus);
Datum
crm_purchase_history_plus(PG_FUNCTION_ARGS)
{
	PG_RETURN_PURCHASE_HISTORY(
		combine_histories(PG_GETARG_PURCHASE_HISTORY(0), PG_GETARG_PURCHASE_HISTORY(1), 1));
}

/* a - b: the inverse of +; errors if b has orders that a has not. */
PG_FUNCTION_INFO_V1(crm_purchase_history_minus);
Datum
crm_purchase_history_minus(PG_FUNCTION_ARGS)
{
	PG_RETURN_PURCHASE_HISTORY(
		combine_histories(PG_GETARG_PURCHASE_HISTORY(0), PG_GETARG_PURCHASE_HISTORY(1), -1));
}
