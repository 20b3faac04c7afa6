/*
 * shards.h: tables of which Citus keeps the rows on other nodes.
 */
#ifndef CRM_LIVE_SHARDS_H
#define CRM_LIVE_SHARDS_H

#include "crm.h"

#include "access/attnum.h"
#include "access/htup.h"
#include "utils/rel.h"

extern Datum	   citus_column(Relation catalog, HeapTuple row, const char *name, bool *isnull);
extern const char *citus_table(Oid relid);
extern AttrNumber  citus_distribution_column(Oid relid);
extern void		   CheckRowsAreHere(Relation histories);

#endif /* CRM_LIVE_SHARDS_H */
