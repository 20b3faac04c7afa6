/*
 * purchase_history.h: what one customer bought, day by day.
 *
 * Entries are sorted by day, days are distinct and finite, orders are never
 * negative, and no entry is all zero. A day with amount but no orders carries
 * refunds or fees: money, but no purchase.
 *
 * flags and reserved must be zero: receive rejects anything else, so that a
 * later version can use them. A stored value ends with its last entry; the
 * state of an aggregate has room for more behind it, which VARSIZE counts.
 */
#ifndef CRM_PURCHASE_HISTORY_H
#define CRM_PURCHASE_HISTORY_H

#include "crm.h"

#include "base/amount.h"
#include "base/calendar.h"

#define PURCHASE_HISTORY_VERSION 1

typedef struct PurchaseDay
{
	DateADT day;
	int32	orders; /* how many orders, 0 or more */
	int64	amount; /* net, in 1/10000 of the currency unit */
} PurchaseDay;

typedef struct PurchaseHistory
{
	int32		vl_len_; /* varlena header, do not touch */
	uint16		version; /* PURCHASE_HISTORY_VERSION */
	uint16		flags;	 /* reserved, zero */
	int32		nentries;
	int32		reserved; /* zero; keeps entries 8-byte aligned */
	PurchaseDay entries[FLEXIBLE_ARRAY_MEMBER];
} PurchaseHistory;

#define PURCHASE_HISTORY_SIZE(n) \
	(offsetof(PurchaseHistory, entries) + (Size) (n) * sizeof(PurchaseDay))
#define PURCHASE_HISTORY_MAX_ENTRIES \
	((int) ((MaxAllocSize - offsetof(PurchaseHistory, entries)) / sizeof(PurchaseDay)))

#define DatumGetPurchaseHistory(d) ((PurchaseHistory *) PG_DETOAST_DATUM(d))
#define PG_GETARG_PURCHASE_HISTORY(n) DatumGetPurchaseHistory(PG_GETARG_DATUM(n))
#define PG_RETURN_PURCHASE_HISTORY(h) PG_RETURN_POINTER(h)

extern PurchaseHistory *purchase_history_create(int capacity);
extern PurchaseHistory *purchase_history_set_entries(PurchaseHistory *h, int nentries);
extern PurchaseHistory *purchase_history_slice(const PurchaseHistory *h, int from, int to);
extern PurchaseHistory *purchase_history_plus(const PurchaseHistory *a, const PurchaseHistory *b);
extern PurchaseHistory *purchase_history_minus(const PurchaseHistory *a, const PurchaseHistory *b);
extern void				CheckPurchaseHistory(const PurchaseHistory *h);

/* A purchase happens on a day of the calendar. */
static inline void
CheckPurchaseDay(DateADT day)
{
	if (unlikely(!IS_VALID_DATE(day)))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg(DATE_NOT_FINITE(day) ? "purchase day cannot be infinite"
													: "purchase day is out of range")));
}

/* A day counts orders, never owes them. */
static inline void
CheckOrders(int64 orders)
{
	if (unlikely(orders < 0 || orders > PG_INT32_MAX))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("purchase day cannot hold %lld orders", (long long) orders),
						errdetail("A day holds 0 to %d orders.", PG_INT32_MAX)));
}

/* How many orders a row counts: a refund gives money back and is none. */
static inline int32
purchase_orders(int64 amount, int32 orders)
{
	CheckOrders(orders);
	return amount < 0 ? 0 : orders;
}

/* How many entries lie on or before a day; infinity takes all. */
static inline int
purchase_history_count_until(const PurchaseHistory *h, DateADT day)
{
	int low = 0;
	int high = h->nentries;

	if (high == 0 || h->entries[high - 1].day <= day)
		return high;
	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (h->entries[middle].day <= day)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first of the first n entries that is a purchase day, or NULL. */
static inline const PurchaseDay *
purchase_history_first(const PurchaseHistory *h, int n)
{
	for (int i = 0; i < n; i++)
		if (h->entries[i].orders > 0)
			return &h->entries[i];
	return NULL;
}

/* The last of the first n entries that is a purchase day, or NULL. */
static inline const PurchaseDay *
purchase_history_last(const PurchaseHistory *h, int n)
{
	while (--n >= 0)
		if (h->entries[n].orders > 0)
			return &h->entries[n];
	return NULL;
}

/* Orders of the first n entries. */
static inline int64
purchase_history_orders(const PurchaseHistory *h, int n)
{
	int64 orders = 0;

	for (int i = 0; i < n; i++)
		orders += h->entries[i].orders;
	return orders;
}

/* Purchase days among the first n entries. */
static inline int
purchase_history_days(const PurchaseHistory *h, int n)
{
	int days = 0;

	for (int i = 0; i < n; i++)
		days += h->entries[i].orders > 0;
	return days;
}

/* Net amount of the first n entries, in 1/10000 of the currency unit; exact. */
static inline int128
purchase_history_spend(const PurchaseHistory *h, int n)
{
	int128 spend = 0;

	for (int i = 0; i < n; i++)
		spend += h->entries[i].amount;
	return spend;
}

#endif /* CRM_PURCHASE_HISTORY_H */
