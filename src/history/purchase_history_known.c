/*
 * purchase_history_known.c: what is known of a history on a day, and its cuts.
 *
 * The net view is the one rule of as_of for all readers: a correction exists from
 * its booked day on, and then changes the day of its purchase. It is made once a
 * call, in one pass over entries and corrections, and only for a history that has
 * some.
 */
#include "crm.h"

#include "history/purchase_history.h"

/* An entry and corrections of its day that are known; a day never owes orders. */
static PurchaseDay
net_day(const PurchaseDay *entry, const PurchaseCorrection **at, const PurchaseCorrection *end,
		DateADT as_of)
{
	PurchaseDay net = *entry;
	int64		orders = entry->orders;

	for (; *at < end && (*at)->day == entry->day; (*at)++)
		if ((*at)->booked <= as_of)
		{
			orders += (*at)->orders;
			net.amount = AmountAdd(net.amount, (*at)->amount);
		}
	orders = Max(orders, 0);
	CheckOrders(orders);
	net.orders = (int32) orders;
	return net;
}

/* The days with their net orders and amounts as known on a day; days with nothing left are not there. */
PurchaseHistory *
purchase_history_net(const PurchaseHistory *h, DateADT as_of)
{
	PurchaseHistory	  *net = purchase_history_create_corrected(h->nentries + h->ncorrections, 0);
	const PurchaseDay *entry = h->entries;
	const PurchaseDay *end = entry + h->nentries;
	const PurchaseCorrection *correction = purchase_history_corrections(h);
	const PurchaseCorrection *last = correction + h->ncorrections;
	int						  n = 0;

	while (entry < end || correction < last)
	{
		const PurchaseDay nothing = {correction < last ? correction->day : 0, 0, 0};
		bool is_bought = entry < end && (correction == last || entry->day <= correction->day);

		net->entries[n] = net_day(is_bought ? entry++ : &nothing, &correction, last, as_of);
		n += net->entries[n].orders != 0 || net->entries[n].amount != 0;
	}
	return purchase_history_set_counts(net, n, 0);
}

static int
compare_days(const void *a, const void *b)
{
	DateADT x = ((const PurchaseDay *) a)->day;
	DateADT y = ((const PurchaseDay *) b)->day;

	return (x > y) - (x < y);
}

/*
 * What moved on each day until as_of, as an accountant books it: purchases on
 * their days, corrections on their booked days, whose orders may be below 0.
 */
PurchaseHistory *
purchase_history_booked(const PurchaseHistory *h, DateADT as_of)
{
	PurchaseHistory *moved = purchase_history_create_corrected(h->nentries + h->ncorrections, 0);
	const PurchaseCorrection *correction = purchase_history_corrections(h);
	int						  n = h->nentries;
	int						  kept = 0;

	memcpy(moved->entries, h->entries, n * sizeof(PurchaseDay));
	for (int i = 0; i < h->ncorrections; i++, correction++)
		if (correction->booked <= as_of)
			moved->entries[n++] =
				(PurchaseDay){correction->booked, correction->orders, correction->amount};
	qsort(moved->entries, n, sizeof(PurchaseDay), compare_days);
	for (int i = 0; i < n; i++)
	{
		PurchaseDay *last = &moved->entries[kept - 1];

		if (kept == 0 || last->day != moved->entries[i].day)
		{
			moved->entries[kept++] = moved->entries[i];
			continue;
		}
		last->orders = (int32) Max(
			Min((int64) last->orders + moved->entries[i].orders, PG_INT32_MAX), PG_INT32_MIN);
		last->amount = AmountAdd(last->amount, moved->entries[i].amount);
	}
	return purchase_history_set_counts(moved, kept, 0);
}

/* The purchases of some days, with those of their corrections that were booked by a day. */
static PurchaseHistory *
cut(const PurchaseHistory *h, DateADT first, DateADT last, DateADT booked_until)
{
	int from = first == DATEVAL_NOBEGIN ? 0 : purchase_history_count_until(h, first - 1);
	int n = Max(purchase_history_count_until(h, last) - from, 0);
	PurchaseHistory *part = purchase_history_create_corrected(n, h->ncorrections);
	int				 ncorrections = 0;

	memcpy(part->entries, h->entries + from, n * sizeof(PurchaseDay));
	part->nentries = n;
	for (int i = 0; i < h->ncorrections; i++)
	{
		const PurchaseCorrection *correction = &purchase_history_corrections(h)[i];

		if (correction->day >= first && correction->day <= last &&
			correction->booked <= booked_until)
			purchase_history_corrections(part)[ncorrections++] = *correction;
	}
	return purchase_history_set_counts(part, n, ncorrections);
}

/* What happened, and was booked, on or before a day. */
PurchaseHistory *
purchase_history_until(const PurchaseHistory *h, DateADT until)
{
	return cut(h, DATEVAL_NOBEGIN, until, until);
}

/* What was bought on the days from first to last, with all that happened to it later. */
PurchaseHistory *
purchase_history_between(const PurchaseHistory *h, DateADT first, DateADT last)
{
	return cut(h, first, last, DATEVAL_NOEND);
}
