/*
 * purchase_history.c: the type purchase_history: its values, their checks, sum
 * and difference.
 */
#include "crm.h"

#include "history/purchase_history.h"
#include "utils/builtins.h"

/* A history is no larger than what PostgreSQL allocates. */
void
CheckPurchaseDays(int64 days)
{
	if (days > PURCHASE_HISTORY_MAX_ENTRIES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("purchase history cannot hold %lld days", (long long) days),
				 errdetail("A history holds at most %d days.", PURCHASE_HISTORY_MAX_ENTRIES)));
}

/* An empty history with room for some entries. */
PurchaseHistory *
purchase_history_create(int capacity)
{
	Size			 size;
	PurchaseHistory *h;

	CheckPurchaseDays(capacity);
	size = PURCHASE_HISTORY_SIZE(capacity);
	h = palloc(size);
	memset(h, 0, offsetof(PurchaseHistory, entries));
	SET_VARSIZE(h, size);
	h->version = PURCHASE_HISTORY_VERSION;
	return h;
}

/* An empty history with room for some entries and corrections. */
PurchaseHistory *
purchase_history_create_corrected(int entries, int corrections)
{
	Size  more = (Size) corrections * sizeof(PurchaseCorrection);
	int64 capacity = entries + (int64) ((more + sizeof(PurchaseDay) - 1) / sizeof(PurchaseDay));
	PurchaseHistory *h = purchase_history_create((int) Min(capacity, PG_INT32_MAX));

	return h;
}

/*
 * End a history that was made with room to spare behind what it has. Corrections
 * are already where they belong, behind the entries.
 */
PurchaseHistory *
purchase_history_set_counts(PurchaseHistory *h, int nentries, int ncorrections)
{
	h->nentries = nentries;
	h->ncorrections = ncorrections;
	h->version = ncorrections > 0 ? PURCHASE_HISTORY_VERSION_CORRECTED : PURCHASE_HISTORY_VERSION;
	SET_VARSIZE(h, offsetof(PurchaseHistory, entries) + purchase_history_content_size(h));
	return h;
}

/* The history without room to spare. */
PurchaseHistory *
purchase_history_copy(const PurchaseHistory *h)
{
	PurchaseHistory *copy = purchase_history_create_corrected(h->nentries, h->ncorrections);

	memcpy(copy->entries, h->entries, purchase_history_content_size(h));
	return purchase_history_set_counts(copy, h->nentries, h->ncorrections);
}

/* The entries from (inclusive) to (exclusive), as a value of their own, without corrections. */
PurchaseHistory *
purchase_history_slice(const PurchaseHistory *h, int from, int to)
{
	int				 n = Max(to - from, 0);
	PurchaseHistory *slice = purchase_history_create(n);

	memcpy(slice->entries, h->entries + from, n * sizeof(PurchaseDay));
	return purchase_history_set_counts(slice, n, 0);
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

/* A correction of nothing is not stored, and has no bits beside its numbers. */
static inline void
CheckNotEmptyCorrection(const PurchaseCorrection *correction)
{
	if (unlikely(correction->orders == 0 && correction->amount == 0))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("correction of %s booked on %s has neither orders nor amount",
							   date_to_text(correction->day), date_to_text(correction->booked))));
}

/* Each pair of days stands once. */
static inline void
CheckCorrectionsAscend(const PurchaseCorrection *before, const PurchaseCorrection *after)
{
	int order = purchase_correction_order(before, after);

	if (unlikely(order >= 0))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg(order == 0 ? "correction of %s booked on %s appears twice"
										  : "correction of %s booked on %s is out of order",
							   date_to_text(after->day), date_to_text(after->booked))));
}

static void
CheckCorrections(const PurchaseHistory *h)
{
	const PurchaseCorrection *correction = purchase_history_corrections(h);

	for (int i = 0; i < h->ncorrections; i++, correction++)
	{
		CheckPurchaseDay(correction->day);
		CheckBookedDay(correction->day, correction->booked);
		CheckAmount(correction->amount);
		CheckNotEmptyCorrection(correction);
		if (i > 0)
			CheckCorrectionsAscend(correction - 1, correction);
	}
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
	CheckCorrections(h);
}

/* The history of one row. */
static PurchaseHistory *
history_of_row(const PurchaseRow *row)
{
	bool			 is_empty = row->is.orders == 0 && row->is.amount == 0;
	PurchaseHistory *h = purchase_history_create_corrected(1, 1);

	if (row->is_correction)
	{
		*purchase_history_corrections(h) = row->is;
		return purchase_history_set_counts(h, 0, !is_empty);
	}
	h->entries[0] = (PurchaseDay){row->is.day, row->is.orders, row->is.amount};
	return purchase_history_set_counts(h, !is_empty, 0);
}

/*
 * The history of one purchase, or of one refund if the amount is negative:
 * (purchased_on, amount [, count [, booked_on]]). With a place for the booked day
 * one of the two days may be NULL; any other NULL gives NULL.
 */
PG_FUNCTION_INFO_V1(crm_purchase);
Datum
crm_purchase(PG_FUNCTION_ARGS)
{
	bool		may_be_booked = PG_NARGS() > 3;
	bool		has_day = !PG_ARGISNULL(0);
	bool		has_booked = may_be_booked && !PG_ARGISNULL(3);
	DateADT		day;
	DateADT		booked;
	int32		orders;
	int64		amount;
	PurchaseRow row;

	if ((!has_day && !has_booked) || PG_ARGISNULL(1) || (PG_NARGS() > 2 && PG_ARGISNULL(2)))
		PG_RETURN_NULL();
	day = has_day ? PG_GETARG_DATEADT(0) : 0;
	booked = has_booked ? PG_GETARG_DATEADT(3) : 0;
	orders = PG_NARGS() > 2 ? PG_GETARG_INT32(2) : 1;
	if (!has_booked)
		CheckOrders(orders);
	amount = amount_from_numeric(PG_GETARG_NUMERIC(1));
	row = purchase_row(has_day ? &day : NULL, has_booked ? &booked : NULL, amount, orders);
	PG_RETURN_PURCHASE_HISTORY(history_of_row(&row));
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

/* Corrections of one purchase that were booked on one day as one, b counted sign times. */
PurchaseCorrection
purchase_correction_combine(const PurchaseCorrection *a, const PurchaseCorrection *b, int sign)
{
	PurchaseCorrection sum = *a;
	int64			   orders = (int64) a->orders + sign * (int64) b->orders;

	if (unlikely(orders > PG_INT32_MAX || orders < PG_INT32_MIN))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("correction of %s cannot count %lld orders", date_to_text(a->day),
							   (long long) orders)));
	sum.orders = (int32) orders;
	sum.amount = AmountAdd(a->amount, sign * b->amount);
	return sum;
}

/*
 * The merge of the corrections of two histories, put where they go; returns how many. With apart, those of one
 * purchase and day whose sum is out of range stay apart.
 */
static int
combine_corrections(const PurchaseHistory *a, const PurchaseHistory *b, int sign, bool apart,
					PurchaseCorrection *sum)
{
	const PurchaseCorrection *at_a = purchase_history_corrections(a);
	const PurchaseCorrection *at_b = purchase_history_corrections(b);
	const PurchaseCorrection *end_a = at_a + a->ncorrections;
	const PurchaseCorrection *end_b = at_b + b->ncorrections;
	int						  n = 0;

	while (at_a < end_a || at_b < end_b)
	{
		int order = at_b == end_b ? -1 : at_a == end_a ? 1 : purchase_correction_order(at_a, at_b);

		if (order < 0 || (order == 0 && apart && !AmountsFit(at_a->amount, at_b->amount)))
			sum[n] = *at_a++;
		else if (order == 0)
			sum[n] = purchase_correction_combine(at_a++, at_b++, sign);
		else
		{
			const PurchaseCorrection none = {at_b->day, at_b->booked, 0, 0, 0};

			sum[n] = purchase_correction_combine(&none, at_b++, sign);
		}
		n += sum[n].orders != 0 || sum[n].amount != 0;
	}
	return n;
}

/*
 * The merge of two sorted histories, b added (sign 1) or taken away (sign -1). With apart, as states of aggregates
 * are, entries of one day whose sum is out of range stay apart: what comes later may bring it back.
 */
static PurchaseHistory *
combine_histories(const PurchaseHistory *a, const PurchaseHistory *b, int sign, bool apart)
{
	PurchaseHistory	  *sum = purchase_history_create_corrected(a->nentries + b->nentries,
															   a->ncorrections + b->ncorrections);
	const PurchaseDay *at_a = a->entries;
	const PurchaseDay *at_b = b->entries;
	const PurchaseDay *end_a = at_a + a->nentries;
	const PurchaseDay *end_b = at_b + b->nentries;
	int				   n = 0;

	while (at_a < end_a || at_b < end_b)
	{
		PurchaseDay entry;

		if (at_b == end_b || (at_a < end_a && at_a->day < at_b->day) ||
			(apart && at_a < end_a && at_a->day == at_b->day &&
			 !AmountsFit(at_a->amount, at_b->amount)))
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
	sum->nentries = n;
	if (likely(a->ncorrections == 0 && b->ncorrections == 0))
		return purchase_history_set_counts(sum, n, 0);
	return purchase_history_set_counts(
		sum, n, combine_corrections(a, b, sign, apart, purchase_history_corrections(sum)));
}

/* a + b: all that is in either. */
PurchaseHistory *
purchase_history_plus(const PurchaseHistory *a, const PurchaseHistory *b)
{
	return combine_histories(a, b, 1, false);
}

/* a - b: the inverse of +; errors if b has orders that a has not. */
PurchaseHistory *
purchase_history_minus(const PurchaseHistory *a, const PurchaseHistory *b)
{
	return combine_histories(a, b, -1, false);
}

/* The sum of two states of aggregates, which purchase_history_settled makes a history. */
PurchaseHistory *
purchase_history_plus_states(const PurchaseHistory *a, const PurchaseHistory *b)
{
	return combine_histories(a, b, 1, true);
}

/* a + b, and the combine function of the aggregates: commutative and associative. */
PG_FUNCTION_INFO_V1(crm_purchase_history_plus);
Datum
crm_purchase_history_plus(PG_FUNCTION_ARGS)
{
	PG_RETURN_PURCHASE_HISTORY(combine_histories(PG_GETARG_PURCHASE_HISTORY(0),
												 PG_GETARG_PURCHASE_HISTORY(1), 1,
												 AggCheckCallContext(fcinfo, NULL) != 0));
}

/* a - b: the inverse of +; errors if b has orders that a has not. */
PG_FUNCTION_INFO_V1(crm_purchase_history_minus);
Datum
crm_purchase_history_minus(PG_FUNCTION_ARGS)
{
	PG_RETURN_PURCHASE_HISTORY(
		combine_histories(PG_GETARG_PURCHASE_HISTORY(0), PG_GETARG_PURCHASE_HISTORY(1), -1, false));
}
