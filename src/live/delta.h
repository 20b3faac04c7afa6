/*
 * delta.h: what came and what went, by customer.
 */
#ifndef CRM_LIVE_DELTA_H
#define CRM_LIVE_DELTA_H

#include "crm.h"

#include "live/bought.h"
#include "live/layout.h"

/* All changes of one customer; the keys belong to the Deltas until the next one is asked for. */
typedef struct CustomerDelta
{
	const Datum	 *keys;
	Bought		  came;
	Bought		  went;
	bool		  one_statement; /* so that what went was there before it; the caller's to set */
	const Bought *whole; /* all that the customer has, instead of what came and went; else NULL */
} CustomerDelta;

typedef struct Deltas Deltas;

extern Deltas *deltas_create(const HistoriesLayout *layout);
extern void	   deltas_add(Deltas *deltas, const Datum *keys, const ViewRow *row, bool went);
extern void deltas_add_bought(Deltas *deltas, const Datum *keys, const Bought *bought, bool went);
extern void deltas_touch(Deltas *deltas, const Datum *keys);
extern bool deltas_next(Deltas *deltas, CustomerDelta *delta);
extern void deltas_free(Deltas *deltas);

#endif /* CRM_LIVE_DELTA_H */
