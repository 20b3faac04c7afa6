/*
 * purchase_book.c: a history as it was booked. Costs nothing for a history without
 * corrections: its entries are the days.
 */
#include "crm.h"

#include "history/purchase_book.h"

static int
compare_booked(const void *a, const void *b)
{
	const BookedCorrection *x = a;
	const BookedCorrection *y = b;

	if (x->booked != y->booked)
		return x->booked < y->booked ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

/*
 * The days of a history until a day, and its corrections that were booked until
 * then. Days of corrections alone come in between.
 */
PurchaseBook
purchase_book(const PurchaseHistory *h, DateADT until)
{
	PurchaseBook book = {h->entries, NULL, NULL, purchase_history_count_until(h, until), 0, NULL};
	const PurchaseDay		 *entry = h->entries;
	const PurchaseDay		 *end = entry + book.ndays;
	const PurchaseCorrection *correction = purchase_history_corrections(h);
	const PurchaseCorrection *last = correction + h->ncorrections;
	PurchaseDay				 *days;
	BookedCorrection		 *corrections;
	Size					  most;

	if (likely(h->ncorrections == 0))
		return book;
	most = (Size) book.ndays + h->ncorrections;
	days = MemoryContextAllocHuge(CurrentMemoryContext, most * sizeof(PurchaseDay));
	corrections =
		MemoryContextAllocHuge(CurrentMemoryContext, h->ncorrections * sizeof(BookedCorrection));
	book.ndays = 0;
	while (entry < end || correction < last)
	{
		if (entry < end && (correction == last || entry->day <= correction->day))
		{
			days[book.ndays++] = *entry++;
			continue;
		}
		/* here all entries up to the correction's day have come */
		if (correction->booked <= until)
		{
			if (book.ndays == 0 || days[book.ndays - 1].day != correction->day)
				days[book.ndays++] = (PurchaseDay){correction->day, 0, 0};
			corrections[book.ncorrections++] = (BookedCorrection){
				correction->booked, book.ndays - 1, correction->orders, correction->amount};
		}
		correction++;
	}
	qsort(corrections, book.ncorrections, sizeof(BookedCorrection), compare_booked);
	book.days = days;
	book.corrections = corrections;
	if (book.ncorrections > 0)
	{
		book.net = MemoryContextAllocHuge(CurrentMemoryContext, book.ndays * sizeof(PurchaseDay));
		memcpy(book.net, days, book.ndays * sizeof(PurchaseDay));
		book.points = MemoryContextAllocHuge(CurrentMemoryContext, book.ndays * sizeof(int128));
		memset(book.points, 0, book.ndays * sizeof(int128));
	}
	return book;
}
