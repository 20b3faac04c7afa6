/*
 * purchase_history.h: what one customer bought, day by day, and what happened to
 * it later.
 *
 * Entries are sorted by day, days are distinct and finite, orders are never
 * negative, and no entry is all zero. A day with amount but no orders carries
 * refunds or fees: money, but no purchase.
 *
 * Corrections stand behind the last entry: money, and orders, that moved for what
 * was bought on a day, and that nobody knew of before the day they were booked
 * on. They are sorted by day and booked day, the pairs are distinct, and none is
 * all zero. A correction may stand without its purchase: a part of a history does
 * not know the others.
 *
 * A value without corrections is of version 1, one with some of version 2. flags
 * must be zero: receive rejects anything else, so that a later version can use
 * them. A stored value ends with its last correction; the state of an aggregate
 * has room for more behind it, which VARSIZE counts.
 *
 * Who asks what is known on a day reads purchase_history_known, which has no
 * corrections any more; only this wing, live, and the walks of tiers and points
 * see them (purchase_book.h).
 */
#ifndef CRM_PURCHASE_HISTORY_H
#define CRM_PURCHASE_HISTORY_H

#include "crm.h"

#include "base/amount.h"
#include "base/calendar.h"

#define PURCHASE_HISTORY_VERSION 1
#define PURCHASE_HISTORY_VERSION_CORRECTED 2

typedef struct PurchaseDay
{
	DateADT day;
	int32	orders; /* how many orders, 0 or more */
	int64	amount; /* net, in 1/10000 of the currency unit */
} PurchaseDay;

typedef struct PurchaseCorrection
{
	DateADT day;	  /* of the purchase */
	DateADT booked;	  /* on the day or later */
	int32	orders;	  /* negative if they are taken back */
	int32	reserved; /* zero */
	int64	amount;	  /* negative if it is given back, in 1/10000 of the currency unit */
} PurchaseCorrection;

typedef struct PurchaseHistory
{
	int32		vl_len_; /* varlena header, do not touch */
	uint16		version; /* PURCHASE_HISTORY_VERSION, or _CORRECTED */
	uint16		flags;	 /* reserved, zero */
	int32		nentries;
	int32		ncorrections;
	PurchaseDay entries[FLEXIBLE_ARRAY_MEMBER]; /* and the corrections */
} PurchaseHistory;

#define PURCHASE_HISTORY_SIZE(n) \
	(offsetof(PurchaseHistory, entries) + (Size) (n) * sizeof(PurchaseDay))
#define PURCHASE_HISTORY_MAX_ENTRIES \
	((int) ((MaxAllocSize - offsetof(PurchaseHistory, entries)) / sizeof(PurchaseDay)))

#define DatumGetPurchaseHistory(d) ((PurchaseHistory *) PG_DETOAST_DATUM(d))
#define PG_GETARG_PURCHASE_HISTORY(n) DatumGetPurchaseHistory(PG_GETARG_DATUM(n))
#define PG_RETURN_PURCHASE_HISTORY(h) PG_RETURN_POINTER(h)

/* A day of which more is taken back than it has, and what it is left with. */
typedef struct PurchaseExcess
{
	DateADT day;
	int64	orders;
	int64	amount;
} PurchaseExcess;

/* The bytes that entries and corrections fill, which equal values share. */
static inline Size
purchase_history_content_size(const PurchaseHistory *h)
{
	return (Size) h->nentries * sizeof(PurchaseDay) +
		   (Size) h->ncorrections * sizeof(PurchaseCorrection);
}

/* Whether nothing was ever bought. */
static inline bool
purchase_history_is_empty(const PurchaseHistory *h)
{
	return h->nentries == 0 && h->ncorrections == 0;
}

/* The corrections, by day and booked day. */
static inline PurchaseCorrection *
purchase_history_corrections(const PurchaseHistory *h)
{
	return (PurchaseCorrection *) (h->entries + h->nentries);
}

/* By the day of the purchase, then by the booked day. */
static inline int
purchase_correction_order(const PurchaseCorrection *a, const PurchaseCorrection *b)
{
	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	return (a->booked > b->booked) - (a->booked < b->booked);
}

/* How many corrections stand before a place, that of the same days not among them. */
static inline int
purchase_history_corrections_before(const PurchaseHistory *h, const PurchaseCorrection *place)
{
	int low = 0;
	int high = h->ncorrections;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (purchase_correction_order(&purchase_history_corrections(h)[middle], place) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Whether there is a correction of some days. */
static inline bool
purchase_history_has_correction(const PurchaseHistory *h, const PurchaseCorrection *days)
{
	int at = purchase_history_corrections_before(h, days);

	return at < h->ncorrections &&
		   purchase_correction_order(&purchase_history_corrections(h)[at], days) == 0;
}

/* purchase_history.c */
extern void				CheckPurchaseDays(int64 days);
extern PurchaseHistory *purchase_history_create(int capacity);
extern PurchaseHistory *purchase_history_create_corrected(int entries, int corrections);
extern PurchaseHistory *purchase_history_set_counts(PurchaseHistory *h, int nentries,
													int ncorrections);
extern PurchaseHistory *purchase_history_copy(const PurchaseHistory *h);
extern PurchaseHistory *purchase_history_slice(const PurchaseHistory *h, int from, int to);
extern PurchaseHistory *purchase_history_plus(const PurchaseHistory *a, const PurchaseHistory *b);
extern PurchaseHistory *purchase_history_plus_states(const PurchaseHistory *a,
													 const PurchaseHistory *b);
extern PurchaseHistory *purchase_history_minus(const PurchaseHistory *a, const PurchaseHistory *b);
extern void				CheckPurchaseHistory(const PurchaseHistory *h);
extern PurchaseCorrection purchase_correction_combine(const PurchaseCorrection *a,
													  const PurchaseCorrection *b, int sign);

/* purchase_history_known.c */
extern PurchaseHistory *purchase_history_net(const PurchaseHistory *h, DateADT as_of);
extern PurchaseHistory *purchase_history_booked(const PurchaseHistory *h, DateADT as_of);
extern PurchaseHistory *purchase_history_by(PurchaseHistory *h, DateADT as_of, const text *by);
extern PurchaseHistory *purchase_history_count_days(const PurchaseHistory *h);
extern bool purchase_history_excess(const PurchaseHistory *h, DateADT as_of, PurchaseExcess *left);
extern PurchaseHistory *purchase_history_until(const PurchaseHistory *h, DateADT until);
extern PurchaseHistory *purchase_history_between(const PurchaseHistory *h, DateADT first,
												 DateADT last);

/*
 * The purchase days with their net amounts as known on a day: each correction that
 * was booked by then has changed the day of its purchase. Days after as_of are
 * there still. A history without corrections is its own.
 */
static inline PurchaseHistory *
purchase_history_known(PurchaseHistory *h, DateADT as_of)
{
	return likely(h->ncorrections == 0) ? h : purchase_history_net(h, as_of);
}

/* The argument of a function that asks as of a day, and of one that asks for all that was booked. */
#define PG_GETARG_PURCHASES_KNOWN(n, as_of) \
	purchase_history_known(PG_GETARG_PURCHASE_HISTORY(n), as_of)
/* The same where an argument may say by which days. */
#define PG_GETARG_PURCHASES_BY(n, as_of, by)                                                \
	(PG_NARGS() > (by)                                                                      \
		 ? purchase_history_by(PG_GETARG_PURCHASE_HISTORY(n), as_of, PG_GETARG_TEXT_PP(by)) \
		 : PG_GETARG_PURCHASES_KNOWN(n, as_of))
#define PG_GETARG_PURCHASES_NET(n) PG_GETARG_PURCHASES_KNOWN(n, DATEVAL_NOEND)

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

/* A correction is booked on a day of the calendar, when its purchase is there. */
static inline void
CheckBookedDay(DateADT day, DateADT booked)
{
	if (unlikely(!IS_VALID_DATE(booked)))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg(DATE_NOT_FINITE(booked) ? "booked day cannot be infinite"
													   : "booked day is out of range")));
	if (unlikely(booked < day))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("correction of %s is booked before that, on %s", date_to_text(day),
							   date_to_text(booked))));
}

/* How many orders a row counts: a refund gives money back and is none. */
static inline int32
purchase_orders(int64 amount, int32 orders)
{
	CheckOrders(orders);
	return amount < 0 ? 0 : orders;
}

/* Whether a row is a correction: it was booked later than it was bought, or takes orders back. */
static inline bool
purchase_is_correction(const PurchaseCorrection *row)
{
	return row->booked > row->day || row->orders < 0;
}

/* What one row says, by the days that it names; both NULL is for the caller to leave out. */
typedef struct PurchaseRow
{
	PurchaseCorrection is;
	bool			   is_correction;
} PurchaseRow;

/*
 * A row with a booked day is a correction if that is after the day of the
 * purchase, or if it takes orders back. Without the day of a purchase it is
 * what the booked day brings.
 */
static inline PurchaseRow
purchase_row(const DateADT *day, const DateADT *booked, int64 amount, int32 orders)
{
	PurchaseRow row;

	memset(&row, 0, sizeof(row));
	row.is.day = day != NULL ? *day : *booked;
	row.is.booked = booked != NULL && *booked > row.is.day ? *booked : row.is.day;
	row.is.orders = (amount < 0 && orders > 0) || (day == NULL && orders < 0) ? 0 : orders;
	row.is.amount = amount;
	row.is_correction = purchase_is_correction(&row.is);
	CheckPurchaseDay(row.is.day);
	CheckBookedDay(row.is.day, row.is.booked);
	return row;
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
