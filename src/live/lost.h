/*
 * lost.h: rows of histories that went or changed their key by other hands.
 */
#ifndef CRM_LIVE_LOST_H
#define CRM_LIVE_LOST_H

#include "crm.h"

#include "live/bought.h"
#include "live/delta.h"
#include "live/layout.h"

/* Purchases that went of a customer whose row another hand has given another key. */
typedef struct MovedPurchases
{
	const Datum *keys; /* where the row stands now */
	Bought		 went;
} MovedPurchases;

extern Bought purchases_not_lost(Relation rel, Relation index, const HistoriesLayout *layout,
								 const Bought *held, const CustomerDelta *delta, MemoryContext home,
								 List **moved);

#endif /* CRM_LIVE_LOST_H */
