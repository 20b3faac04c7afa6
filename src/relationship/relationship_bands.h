/*
 * relationship_bands.h: where few customers become many, and a low margin high.
 *
 * Each cut belongs to the band above it, which it opens.
 */
#ifndef CRM_RELATIONSHIP_BANDS_H
#define CRM_RELATIONSHIP_BANDS_H

#include "crm.h"

#include "base/amount.h"

typedef struct RelationshipBands
{
	int64 medium_customers; /* fewer are few */
	int64 many_customers;	/* fewer are medium */
	int64 medium_margin;	/* in 1/10000 of the currency unit; less is low */
	int64 high_margin;		/* less is medium */
} RelationshipBands;

#define PG_GETARG_RELATIONSHIP_BANDS(n) ((RelationshipBands *) PG_GETARG_POINTER(n))

#endif /* CRM_RELATIONSHIP_BANDS_H */
