/*
 * bought.c: what a customer bought, as a table of histories keeps it: the history,
 * and where the table has a column for it the mix of categories.
 */
#include "live/bought.h"

/* Nothing, of which a mix is not kept. */
Bought
bought_nothing(void)
{
	return (Bought){purchase_history_create(0), NULL};
}

/* What a row of histories holds; without a history nothing. */
Bought
bought_in_row(const HistoriesLayout *layout, TupleTableSlot *row)
{
	Bought held = {NULL, NULL};
	bool   isnull;
	Datum  value = slot_getattr(row, layout->history, &isnull);

	held.history = isnull ? purchase_history_create(0) : DatumGetPurchaseHistory(value);
	if (layout->mix == InvalidAttrNumber)
		return held;
	value = slot_getattr(row, layout->mix, &isnull);
	if (!isnull)
		held.mix = (Mix *) PG_DETOAST_DATUM(value);
	return held;
}

/* What both hold. */
Bought
bought_plus(const Bought *a, const Bought *b)
{
	Bought both = {purchase_history_plus(a->history, b->history), NULL};

	both.mix = a->mix && b->mix ? mix_plus(a->mix, b->mix) : a->mix ? a->mix : b->mix;
	return both;
}

/* a without what b holds, which it has. */
Bought
bought_minus(const Bought *a, const Bought *b)
{
	Bought left = {purchase_history_minus(a->history, b->history), a->mix};

	if (b->mix)
		left.mix = mix_minus(a->mix ? a->mix : mix_create(0), b->mix);
	return left;
}

/* What a history has of a day; NULL for nothing. */
const PurchaseDay *
history_day(const PurchaseHistory *h, DateADT day)
{
	int n = purchase_history_count_until(h, day);

	return n > 0 && h->entries[n - 1].day == day ? &h->entries[n - 1] : NULL;
}

/* How many orders of a day a history has. */
int
history_orders_on(const PurchaseHistory *h, DateADT day)
{
	const PurchaseDay *there = history_day(h, day);

	return there ? there->orders : 0;
}

/* Whether a history has all orders of another, and something of all its corrections. */
static bool
history_holds(const PurchaseHistory *h, const PurchaseHistory *other)
{
	for (int i = 0; i < other->nentries; i++)
		if (history_orders_on(h, other->entries[i].day) < other->entries[i].orders)
			return false;
	for (int i = 0; i < other->ncorrections; i++)
		if (!purchase_history_has_correction(h, &purchase_history_corrections(other)[i]))
			return false;
	return true;
}

/* Whether all purchases of a part are there, and something of all its corrections. */
bool
bought_holds(const Bought *b, const Bought *part)
{
	if (!history_holds(b->history, part->history))
		return false;
	return part->mix == NULL || part->mix->ncategories == 0 ||
		   (b->mix != NULL && mix_holds(b->mix, part->mix));
}

/* A copy in the current memory context. */
Bought
bought_copy(const Bought *b)
{
	Bought copy = {purchase_history_copy(b->history), NULL};

	if (b->mix)
	{
		copy.mix = palloc(VARSIZE(b->mix));
		memcpy(copy.mix, b->mix, VARSIZE(b->mix));
	}
	return copy;
}

/* Free a copy. */
void
bought_free(Bought *b)
{
	pfree(b->history);
	if (b->mix)
		pfree(b->mix);
}
