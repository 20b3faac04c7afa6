/*
 * purchase_history_known.c: what is known of a history on a day, and its cuts.
 *
 * The net view is the one rule of as_of for all readers: a correction exists from
 * its booked day on, and then changes the day of its purchase. It is made once a
 * call, in one pass over entries and corrections, and only for a history that has
 * some.
 */
#include "crm.h"

#include "base/names.h"
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

/* Entries of one day as one, without those of nothing; returns how many are left. */
static int
join_days(PurchaseDay *entries, int n)
{
	int kept = 0;

	for (int i = 0; i < n; i++)
	{
		PurchaseDay *last = &entries[kept - 1];

		if (kept == 0 || last->day != entries[i].day)
			entries[kept++] = entries[i];
		else
		{
			CheckOrders((int64) last->orders + entries[i].orders);
			last->orders += entries[i].orders;
			last->amount = AmountAdd(last->amount, entries[i].amount);
		}
		if (i + 1 == n || entries[i + 1].day != entries[kept - 1].day)
			kept -= entries[kept - 1].orders == 0 && entries[kept - 1].amount == 0;
	}
	return kept;
}

/*
 * The days until as_of as an accountant books them: purchases on their days, what
 * a correction moves on its booked day. A purchase that is taken back stays one of
 * its day: what was counted in a period that is closed is not counted anew.
 */
PurchaseHistory *
purchase_history_booked(const PurchaseHistory *h, DateADT as_of)
{
	PurchaseHistory *moved = purchase_history_create_corrected(h->nentries + h->ncorrections, 0);
	const PurchaseCorrection *correction = purchase_history_corrections(h);
	int						  n = h->nentries;

	memcpy(moved->entries, h->entries, n * sizeof(PurchaseDay));
	for (int i = 0; i < h->ncorrections; i++, correction++)
		if (correction->booked <= as_of)
			moved->entries[n++] =
				(PurchaseDay){correction->booked, Max(correction->orders, 0), correction->amount};
	qsort(moved->entries, n, sizeof(PurchaseDay), compare_days);
	return purchase_history_set_counts(moved, join_days(moved->entries, n), 0);
}

enum
{
	BY_PURCHASED,
	BY_BOOKED
};

static const char by_words[][10] = {[BY_PURCHASED] = "purchased", [BY_BOOKED] = "booked"};

static const Names bys =
	NAMES("day to count by", "Days",
		  "A refund counts on the day of its purchase, or on the one on which it was booked.", 0,
		  by_words);

/*
 * What is known on a day, by the days of the purchases ("purchased") or by those on
 * which money was booked ("booked"); an error for any other word. A history without
 * corrections is its own either way.
 */
PurchaseHistory *
purchase_history_by(PurchaseHistory *h, DateADT as_of, const text *by)
{
	bool booked = names_get_text(&bys, by) == BY_BOOKED;

	if (h->ncorrections == 0 || !booked)
		return purchase_history_known(h, as_of);
	return purchase_history_booked(h, as_of);
}

/* The first correction behind those of the day of one, and what all of that day that are booked by as_of move. */
static const PurchaseCorrection *
sum_of_day(const PurchaseCorrection *at, const PurchaseCorrection *end, DateADT as_of,
		   int64 *orders, int64 *amount)
{
	DateADT day = at->day;

	*orders = *amount = 0;
	for (; at < end && at->day == day; at++)
		if (at->booked <= as_of)
		{
			*orders += at->orders;
			*amount = AmountAdd(*amount, at->amount);
		}
	return at;
}

/*
 * Whether there is a day whose corrections, those booked by as_of, take back more
 * orders or money than it has; the first such day and what it is left with are put
 * into left, unless that is NULL. Readers count no orders there, and the money as it is.
 */
bool
purchase_history_excess(const PurchaseHistory *h, DateADT as_of, PurchaseExcess *left)
{
	const PurchaseCorrection *at = purchase_history_corrections(h);
	const PurchaseCorrection *end = at + h->ncorrections;

	while (at < end)
	{
		int			   n = purchase_history_count_until(h, at->day);
		bool		   is_bought = n > 0 && h->entries[n - 1].day == at->day;
		PurchaseExcess found = {at->day, 0, 0};
		int64		   moved;

		at = sum_of_day(at, end, as_of, &found.orders, &moved);
		found.orders += is_bought ? h->entries[n - 1].orders : 0;
		found.amount = AmountAdd(moved, is_bought ? h->entries[n - 1].amount : 0);
		if (found.orders < 0 || (moved < 0 && found.amount < 0))
		{
			if (left)
				*left = found;
			return true;
		}
	}
	return false;
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

/* The correction as it is where a day counts once: orders is the day's number of rows after it, counted what it counted before. */
static PurchaseCorrection
count_correction(const PurchaseCorrection *correction, int64 orders, int32 *counted)
{
	PurchaseCorrection once = *correction;
	int32			   now = orders > 0;

	once.orders = now - *counted;
	*counted = now;
	return once;
}

/*
 * The history in which each day with purchases counts one, whatever it holds of
 * them: for rows that are lines of orders. A correction that takes back the last
 * row of a day takes the purchase back. Not a sum of what its parts give.
 */
PurchaseHistory *
purchase_history_count_days(const PurchaseHistory *h)
{
	PurchaseHistory *once = purchase_history_create_corrected(h->nentries, h->ncorrections);
	const PurchaseCorrection *at = purchase_history_corrections(h);
	const PurchaseCorrection *end = at + h->ncorrections;
	const PurchaseDay		 *entry = h->entries;
	const PurchaseDay		 *last = entry + h->nentries;
	int						  n = 0;

	for (int i = 0; i < h->nentries; i++)
		once->entries[i] =
			(PurchaseDay){h->entries[i].day, h->entries[i].orders > 0, h->entries[i].amount};
	once->nentries = h->nentries;
	while (at < end)
	{
		DateADT day = at->day;
		int64	orders;
		int32	counted;

		while (entry < last && entry->day < day)
			entry++;
		orders = entry < last && entry->day == day ? entry->orders : 0;
		counted = orders > 0;
		for (; at < end && at->day == day; at++)
		{
			PurchaseCorrection *made = &purchase_history_corrections(once)[n];

			orders += at->orders;
			*made = count_correction(at, orders, &counted);
			n += made->orders != 0 || made->amount != 0;
		}
	}
	return purchase_history_set_counts(once, h->nentries, n);
}
