/*
 * purchase_book.h: a history as it was booked, for those who walk from day to day:
 * purchases on their days, and corrections on their booked days.
 *
 * The walks of tiers and points are the exception to purchase_history_known: what
 * they told before a correction was booked is never rewritten.
 */
#ifndef CRM_PURCHASE_BOOK_H
#define CRM_PURCHASE_BOOK_H

#include "crm.h"

#include "history/purchase_history.h"

/* What is booked on a day for what was bought on another. */
typedef struct BookedCorrection
{
	DateADT booked;
	int		entry; /* index of the day of its purchase */
	int32	orders;
	int64	amount;
} BookedCorrection;

typedef struct PurchaseBook
{
	const PurchaseDay
				*days; /* as bought; a day with nothing but corrections is there with nothing */
	PurchaseDay *net;  /* with corrections a copy, for one walk to book them in; else NULL */
	int128
		*points; /* with corrections zeros, for one walk to keep the points of a day; else NULL */
	int	 ndays;
	int	 ncorrections;
	const BookedCorrection *corrections; /* by booked day, then by the day of the purchase */
} PurchaseBook;

extern PurchaseBook purchase_book(const PurchaseHistory *h, DateADT until);

/* A day after a correction of it: it owes no orders; an amount out of range is an error. */
static inline PurchaseDay
purchase_day_corrected(const PurchaseDay *day, const BookedCorrection *correction)
{
	PurchaseDay net = *day;

	net.orders = (int32) Min(Max((int64) day->orders + correction->orders, 0), PG_INT32_MAX);
	net.amount = AmountAdd(day->amount, correction->amount);
	return net;
}

#endif /* CRM_PURCHASE_BOOK_H */
