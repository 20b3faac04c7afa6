/*
 * purchase_history_io.c: the text and binary forms of the type purchase_history,
 * its order and its hash.
 *
 * The text form is {day orders amount [of day], ...}, for example
 * {1997-01-01 1 29.33, 1997-01-18 2 59.73, 1997-02-01 0 -30.00 of 1997-01-18}:
 * ISO dates, sorted or not on input, each at most once. What is "of" a day is a
 * correction, booked on the day that stands first; on output corrections stand
 * behind the days, by the day of their purchase.
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

static int
compare_corrections(const void *a, const void *b)
{
	return purchase_correction_order(a, b);
}

/* Read one "day orders amount", or "booked orders amount of day". */
static PurchaseRow
scan_purchase_row(Scanner *s)
{
	PurchaseRow row;
	int64		orders;

	memset(&row, 0, sizeof(row));
	row.is.day = row.is.booked = scan_date(s);
	orders = scan_int64(s);
	row.is.amount = scan_amount(s);
	row.is_correction = scan_try_word(s, "of");
	if (row.is_correction)
		row.is.day = scan_date(s);
	/* a correction may take orders back */
	CheckOrders(row.is_correction && orders < 0 && orders >= PG_INT32_MIN ? 0 : orders);
	row.is.orders = (int32) orders;
	return row;
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

/* The same with corrections behind its entries, sorted. */
static PurchaseHistory *
with_corrections(const PurchaseHistory *h, PurchaseCorrection *corrections, int n)
{
	PurchaseHistory *both = purchase_history_create_corrected(h->nentries, n);

	qsort(corrections, n, sizeof(PurchaseCorrection), compare_corrections);
	memcpy(both->entries, h->entries, h->nentries * sizeof(PurchaseDay));
	memcpy(both->entries + h->nentries, corrections, n * sizeof(PurchaseCorrection));
	return purchase_history_set_counts(both, h->nentries, n);
}

PG_FUNCTION_INFO_V1(crm_purchase_history_in);
Datum
crm_purchase_history_in(PG_FUNCTION_ARGS)
{
	char			   *input = PG_GETARG_CSTRING(0);
	Scanner				s = scan_start("purchase_history", input);
	int					most = count_entries(input);
	PurchaseHistory	   *h = purchase_history_create(most);
	PurchaseCorrection *corrections = NULL;
	int					n = 0;
	int					ncorrections = 0;

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			PurchaseRow row = scan_purchase_row(&s);

			if (!row.is_correction)
			{
				h->entries[n++] = (PurchaseDay){row.is.day, row.is.orders, row.is.amount};
				continue;
			}
			if (corrections == NULL)
				corrections = MemoryContextAllocHuge(CurrentMemoryContext,
													 (Size) most * sizeof(PurchaseCorrection));
			corrections[ncorrections++] = row.is;
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);

	purchase_history_set_counts(h, n, 0);
	if (ncorrections > 0)
		h = with_corrections(h, corrections, ncorrections);
	qsort(h->entries, n, sizeof(PurchaseDay), compare_days);
	CheckPurchaseHistory(h);
	PG_RETURN_PURCHASE_HISTORY(h);
}

PG_FUNCTION_INFO_V1(crm_purchase_history_out);
Datum
crm_purchase_history_out(PG_FUNCTION_ARGS)
{
	PurchaseHistory			 *h = PG_GETARG_PURCHASE_HISTORY(0);
	const PurchaseCorrection *corrections = purchase_history_corrections(h);
	StringInfoData			  out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < h->nentries; i++)
		appendStringInfo(&out, "%s%s %d %s", i > 0 ? ", " : "", date_to_text(h->entries[i].day),
						 h->entries[i].orders, amount_to_text(h->entries[i].amount));
	for (int i = 0; i < h->ncorrections; i++)
		appendStringInfo(&out, "%s%s %d %s of %s", i + h->nentries > 0 ? ", " : "",
						 date_to_text(corrections[i].booked), corrections[i].orders,
						 amount_to_text(corrections[i].amount), date_to_text(corrections[i].day));
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: version, flags (int16), count (int32), with corrections their count
 * (int32), then day (int32), orders (int32), amount (int64), and of the corrections
 * day, booked day (int32), orders (int32), amount (int64).
 */
PG_FUNCTION_INFO_V1(crm_purchase_history_send);
Datum
crm_purchase_history_send(PG_FUNCTION_ARGS)
{
	PurchaseHistory			 *h = PG_GETARG_PURCHASE_HISTORY(0);
	const PurchaseCorrection *corrections = purchase_history_corrections(h);
	StringInfoData			  out;

	pq_begintypsend(&out);
	pq_sendint16(&out, h->version);
	pq_sendint16(&out, h->flags);
	pq_sendint32(&out, h->nentries);
	if (h->ncorrections > 0)
		pq_sendint32(&out, h->ncorrections);
	for (int i = 0; i < h->nentries; i++)
	{
		pq_sendint32(&out, h->entries[i].day);
		pq_sendint32(&out, h->entries[i].orders);
		pq_sendint64(&out, h->entries[i].amount);
	}
	for (int i = 0; i < h->ncorrections; i++)
	{
		pq_sendint32(&out, corrections[i].day);
		pq_sendint32(&out, corrections[i].booked);
		pq_sendint32(&out, corrections[i].orders);
		pq_sendint64(&out, corrections[i].amount);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The version and the reserved bits are those of this release. */
static inline void
CheckHeader(int version, int flags)
{
	if ((version != PURCHASE_HISTORY_VERSION && version != PURCHASE_HISTORY_VERSION_CORRECTED) ||
		flags != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported purchase_history version %d, flags %d", version, flags)));
}

#define CORRECTION_MESSAGE_SIZE 20

/* The counts are what the message holds, to the byte. */
static inline void
CheckMessageLength(const StringInfo message, int nentries, int ncorrections)
{
	int64 left = message->len - message->cursor;

	if (nentries < 0 || ncorrections < 0 ||
		left != (int64) nentries * (int64) sizeof(PurchaseDay) +
					(int64) ncorrections * CORRECTION_MESSAGE_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("purchase_history of %d days has %d bytes of them", nentries, (int) left)));
}

/* A value of version 2 has corrections, so that equal values have one form. */
static int
receive_correction_count(StringInfo message, int version)
{
	int ncorrections;

	if (version == PURCHASE_HISTORY_VERSION)
		return 0;
	ncorrections = (int) pq_getmsgint(message, 4);
	if (ncorrections <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("purchase_history version %d has %d corrections", version, ncorrections)));
	return ncorrections;
}

PG_FUNCTION_INFO_V1(crm_purchase_history_recv);
Datum
crm_purchase_history_recv(PG_FUNCTION_ARGS)
{
	StringInfo		 message = (StringInfo) PG_GETARG_POINTER(0);
	int				 version = pq_getmsgint(message, 2);
	int				 flags = pq_getmsgint(message, 2);
	int				 nentries = (int) pq_getmsgint(message, 4);
	int				 ncorrections;
	PurchaseHistory *h;

	CheckHeader(version, flags);
	ncorrections = receive_correction_count(message, version);
	CheckMessageLength(message, nentries, ncorrections);
	h = purchase_history_create_corrected(nentries, ncorrections);
	for (int i = 0; i < nentries; i++)
	{
		h->entries[i].day = (DateADT) pq_getmsgint(message, 4);
		h->entries[i].orders = (int32) pq_getmsgint(message, 4);
		h->entries[i].amount = pq_getmsgint64(message);
	}
	purchase_history_set_counts(h, nentries, ncorrections);
	for (int i = 0; i < ncorrections; i++)
	{
		PurchaseCorrection *correction = &purchase_history_corrections(h)[i];

		correction->day = (DateADT) pq_getmsgint(message, 4);
		correction->booked = (DateADT) pq_getmsgint(message, 4);
		correction->orders = (int32) pq_getmsgint(message, 4);
		correction->reserved = 0;
		correction->amount = pq_getmsgint64(message);
	}
	CheckPurchaseHistory(h);
	PG_RETURN_PURCHASE_HISTORY(h);
}

/* A history as a jsonb array of {"purchased_on", "orders", "amount"}, corrections with "booked_on". */
PG_FUNCTION_INFO_V1(crm_purchase_history_to_jsonb);
Datum
crm_purchase_history_to_jsonb(PG_FUNCTION_ARGS)
{
	PurchaseHistory			 *h = PG_GETARG_PURCHASE_HISTORY(0);
	const PurchaseCorrection *corrections = purchase_history_corrections(h);
	StringInfoData			  json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < h->nentries; i++)
		appendStringInfo(&json, "%s{\"purchased_on\":\"%s\",\"orders\":%d,\"amount\":%s}",
						 i > 0 ? "," : "", date_to_text(h->entries[i].day), h->entries[i].orders,
						 amount_to_text(h->entries[i].amount));
	for (int i = 0; i < h->ncorrections; i++)
		appendStringInfo(
			&json, "%s{\"purchased_on\":\"%s\",\"booked_on\":\"%s\",\"orders\":%d,\"amount\":%s}",
			i + h->nentries > 0 ? "," : "", date_to_text(corrections[i].day),
			date_to_text(corrections[i].booked), corrections[i].orders,
			amount_to_text(corrections[i].amount));
	appendStringInfoChar(&json, ']');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* Order of two lists of corrections: by the first that differs, then the shorter one first. */
static int
order_of_corrections(const PurchaseHistory *a, const PurchaseHistory *b)
{
	const PurchaseCorrection *x = purchase_history_corrections(a);
	const PurchaseCorrection *y = purchase_history_corrections(b);
	int						  order = 0;

	for (int i = 0; i < Min(a->ncorrections, b->ncorrections) && order == 0; i++, x++, y++)
	{
		order = purchase_correction_order(x, y);
		if (order == 0)
			order = CRM_COMPARE(x->orders, y->orders);
		if (order == 0)
			order = CRM_COMPARE(x->amount, y->amount);
	}
	return order != 0 ? order : CRM_COMPARE(a->ncorrections, b->ncorrections);
}

/*
 * Order of two histories: by the first entry that differs, then the shorter one
 * first, then by their corrections alike.
 */
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
	if (order == 0)
		order = order_of_corrections(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

COMPARISON_FUNCTIONS(purchase_history, compare_histories);

PG_FUNCTION_INFO_V1(crm_purchase_history_hash);
Datum
crm_purchase_history_hash(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASE_HISTORY(0);

	return hash_any((const unsigned char *) h->entries, purchase_history_content_size(h));
}

PG_FUNCTION_INFO_V1(crm_purchase_history_hash_extended);
Datum
crm_purchase_history_hash_extended(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASE_HISTORY(0);

	return hash_any_extended((const unsigned char *) h->entries, purchase_history_content_size(h),
							 PG_GETARG_INT64(1));
}
