/*
 * purchase_history.c: the type purchase_history: its values, its text and
 * binary forms, its order, sum and difference.
 *
 * The text form is {day orders amount, ...}, for example
 * {1997-01-01 1 29.33, 1997-01-18 2 59.73}: ISO dates, sorted or not on input,
 * each at most once.
 */
#include "crm.h"

#include "common/hashfn.h"
#include "base/compare.h"
#include "libpq/pqformat.h"
#include "history/purchase_history.h"
#include "base/scan.h"
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
static PurchaseHistory *
set_entries(PurchaseHistory *h, int nentries)
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
	return set_entries(slice, n);
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
static void
CheckEntries(const PurchaseHistory *h)
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

static int
compare_days(const void *a, const void *b)
{
	return CRM_COMPARE(((const PurchaseDay *) a)->day, ((const PurchaseDay *) b)->day);
}

/* Read one "day orders amount". */
static PurchaseDay
scan_purchase_day(Scanner *s)
{
	PurchaseDay entry;
	int64		orders;

	entry.day = scan_date(s);
	orders = scan_int64(s);
	CheckOrders(orders);
	entry.orders = (int32) orders;
	entry.amount = scan_amount(s);
	return entry;
}

/* The shortest entry, "1-1-1 0 1" and its comma. */
#define SHORTEST_ENTRY 10

/* How many entries a text can hold: one more than it has commas, and no more than fit. */
static int
count_entries(const char *input)
{
	int most = strlen(input) / SHORTEST_ENTRY + 1;
	int n = 1;

	for (const char *c = input; *c != '\0'; c++)
		n += *c == ',';
	return Min(n, most);
}

PG_FUNCTION_INFO_V1(crm_purchase_history_in);
Datum
crm_purchase_history_in(PG_FUNCTION_ARGS)
{
	char			*input = PG_GETARG_CSTRING(0);
	Scanner			 s = scan_start("purchase_history", input);
	PurchaseHistory *h = purchase_history_create(count_entries(input));
	int				 n = 0;

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
			h->entries[n++] = scan_purchase_day(&s);
		while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);

	set_entries(h, n);
	qsort(h->entries, n, sizeof(PurchaseDay), compare_days);
	CheckEntries(h);
	PG_RETURN_PURCHASE_HISTORY(h);
}

PG_FUNCTION_INFO_V1(crm_purchase_history_out);
Datum
crm_purchase_history_out(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASE_HISTORY(0);
	StringInfoData	 out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < h->nentries; i++)
		appendStringInfo(&out, "%s%s %d %s", i > 0 ? ", " : "", date_to_text(h->entries[i].day),
						 h->entries[i].orders, amount_to_text(h->entries[i].amount));
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: version, flags (int16), count (int32), then day (int32), orders (int32), amount (int64). */
PG_FUNCTION_INFO_V1(crm_purchase_history_send);
Datum
crm_purchase_history_send(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASE_HISTORY(0);
	StringInfoData	 out;

	pq_begintypsend(&out);
	pq_sendint16(&out, h->version);
	pq_sendint16(&out, h->flags);
	pq_sendint32(&out, h->nentries);
	for (int i = 0; i < h->nentries; i++)
	{
		pq_sendint32(&out, h->entries[i].day);
		pq_sendint32(&out, h->entries[i].orders);
		pq_sendint64(&out, h->entries[i].amount);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The version and the reserved bits are those of this release. */
static inline void
CheckHeader(int version, int flags)
{
	if (version != PURCHASE_HISTORY_VERSION || flags != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported purchase_history version %d, flags %d", version, flags)));
}

/* The count is what the message holds, to the byte. */
static inline void
CheckMessageLength(const StringInfo message, int nentries)
{
	if (nentries < 0 || (message->len - message->cursor) % (int) sizeof(PurchaseDay) != 0 ||
		(message->len - message->cursor) / (int) sizeof(PurchaseDay) != nentries)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("purchase_history of %d days has %d bytes of them", nentries,
							   message->len - message->cursor)));
}

PG_FUNCTION_INFO_V1(crm_purchase_history_recv);
Datum
crm_purchase_history_recv(PG_FUNCTION_ARGS)
{
	StringInfo		 message = (StringInfo) PG_GETARG_POINTER(0);
	int				 version = pq_getmsgint(message, 2);
	int				 flags = pq_getmsgint(message, 2);
	int				 nentries = (int) pq_getmsgint(message, 4);
	PurchaseHistory *h;

	CheckHeader(version, flags);
	CheckMessageLength(message, nentries);
	h = purchase_history_create(nentries);
	for (int i = 0; i < nentries; i++)
	{
		h->entries[i].day = (DateADT) pq_getmsgint(message, 4);
		h->entries[i].orders = (int32) pq_getmsgint(message, 4);
		h->entries[i].amount = pq_getmsgint64(message);
	}
	set_entries(h, nentries);
	CheckEntries(h);
	PG_RETURN_PURCHASE_HISTORY(h);
}

/* A history as a jsonb array of {"purchased_on", "orders", "amount"}. */
PG_FUNCTION_INFO_V1(crm_purchase_history_to_jsonb);
Datum
crm_purchase_history_to_jsonb(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASE_HISTORY(0);
	StringInfoData	 json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < h->nentries; i++)
		appendStringInfo(&json, "%s{\"purchased_on\":\"%s\",\"orders\":%d,\"amount\":%s}",
						 i > 0 ? "," : "", date_to_text(h->entries[i].day), h->entries[i].orders,
						 amount_to_text(h->entries[i].amount));
	appendStringInfoChar(&json, ']');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
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
	PG_RETURN_PURCHASE_HISTORY(set_entries(h, entry.orders != 0 || entry.amount != 0));
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
	return set_entries(sum, n);
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

/* Order of two histories: by the first entry that differs, then the shorter one first. */
static int
compare_histories(FunctionCallInfo fcinfo)
{
	PurchaseHistory *a = PG_GETARG_PURCHASE_HISTORY(0);
	PurchaseHistory *b = PG_GETARG_PURCHASE_HISTORY(1);
	int				 common = Min(a->nentries, b->nentries);
	int				 order = 0;

	for (int i = 0; i < common && order == 0; i++)
	{
		const PurchaseDay *x = &a->entries[i];
		const PurchaseDay *y = &b->entries[i];

		order = CRM_COMPARE(x->day, y->day);
		if (order == 0)
			order = CRM_COMPARE(x->orders, y->orders);
		if (order == 0)
			order = CRM_COMPARE(x->amount, y->amount);
	}
	if (order == 0)
		order = CRM_COMPARE(a->nentries, b->nentries);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

COMPARISON_FUNCTIONS(purchase_history, compare_histories);

static Size
entries_size(const PurchaseHistory *h)
{
	return h->nentries * sizeof(PurchaseDay);
}

PG_FUNCTION_INFO_V1(crm_purchase_history_hash);
Datum
crm_purchase_history_hash(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASE_HISTORY(0);

	return hash_any((const unsigned char *) h->entries, entries_size(h));
}

PG_FUNCTION_INFO_V1(crm_purchase_history_hash_extended);
Datum
crm_purchase_history_hash_extended(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASE_HISTORY(0);

	return hash_any_extended((const unsigned char *) h->entries, entries_size(h),
							 PG_GETARG_INT64(1));
}
