/*
 * bought.h: what a customer bought, as a table of histories keeps it.
 */
#ifndef CRM_LIVE_BOUGHT_H
#define CRM_LIVE_BOUGHT_H

#include "crm.h"

#include "executor/tuptable.h"
#include "history/purchase_history.h"
#include "live/layout.h"
#include "mix/mix.h"

/* When, and of which category. */
typedef struct Bought
{
	PurchaseHistory *history;
	Mix				*mix; /* NULL for nothing */
} Bought;

/* What a row of a purchases view says. */
typedef struct ViewRow
{
	PurchaseRow purchase;
	text	   *category; /* NULL for none; as mix_category_of gives it */
} ViewRow;

extern Bought			  bought_nothing(void);
extern Bought			  bought_in_row(const HistoriesLayout *layout, TupleTableSlot *row);
extern Bought			  bought_plus(const Bought *a, const Bought *b);
extern Bought			  bought_minus(const Bought *a, const Bought *b);
extern bool				  bought_holds(const Bought *b, const Bought *part);
extern const PurchaseDay *history_day(const PurchaseHistory *h, DateADT day);
extern int				  history_orders_on(const PurchaseHistory *h, DateADT day);
extern Bought			  bought_copy(const Bought *b);
extern void				  bought_free(Bought *b);

static inline bool
bought_is_empty(const Bought *b)
{
	return purchase_history_is_empty(b->history) && (b->mix == NULL || b->mix->ncategories == 0);
}

/* How many bytes it has. */
static inline Size
bought_size(const Bought *b)
{
	return VARSIZE(b->history) + (b->mix ? VARSIZE(b->mix) : 0);
}

/* Whether both are the same, to the byte. */
static inline bool
bought_equal(const Bought *a, const Bought *b)
{
	if (a->history->nentries != b->history->nentries ||
		a->history->ncorrections != b->history->ncorrections ||
		memcmp(a->history->entries, b->history->entries,
			   purchase_history_content_size(a->history)) != 0)
		return false;
	if (a->mix == NULL || b->mix == NULL)
		return a->mix == b->mix;
	return a->mix->used == b->mix->used &&
		   memcmp(a->mix->categories, b->mix->categories, a->mix->used) == 0;
}

#endif /* CRM_LIVE_BOUGHT_H */
