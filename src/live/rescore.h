/*
 * rescore.h: scoring customers anew in key order, a batch at a time.
 */
#ifndef CRM_LIVE_RESCORE_H
#define CRM_LIVE_RESCORE_H

#include "crm.h"

#include "live/histories.h"

/* Some customers in key order that are to be scored anew. */
typedef struct RescoreBatch
{
	const Datum *after; /* the key before the first, or NULL to start with the first of all */
	int64		 limit;
	Datum		*last; /* of those looked at; NULL if there are no more behind */
	int64		 read;
	int64		 written;
} RescoreBatch;

extern void rescore_batch(Histories *histories, RescoreBatch *batch);

#endif /* CRM_LIVE_RESCORE_H */
