/*
 * purchase_history_io.c: the text and binary forms of the type purchase_history,
 * its order and its hash.
 *
 * The text form is {day orders amount, ...}, for example
 * {1997-01-01 1 29.33, 1997-01-18 2 59.73}: ISO dates, sorted or not on input,
 * each at most once.
 */
#include "crm.h"

#include "base/value.h"
#include "base/scan.h"
#include "common/hashfn.h"
#include "history/purchase_history.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

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

	purchase_history_set_entries(h, n);
	qsort(h->entries, n, sizeof(PurchaseDay), compare_days);
	CheckPurchaseHistory(h);
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
	purchase_history_set_entries(h, nentries);
	CheckPurchaseHistory(h);
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
