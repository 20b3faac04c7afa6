/*
 * keys.h: the keys of a customer, and index scans by them.
 */
#ifndef CRM_LIVE_KEYS_H
#define CRM_LIVE_KEYS_H

#include "crm.h"

#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/rel.h"

/* How keys compare, in the order of the primary key of the histories. */
typedef struct CustomerKeys
{
	int		   n;
	AttrNumber columns[INDEX_MAX_KEYS]; /* of the table that is indexed */
	Oid		   collations[INDEX_MAX_KEYS];
	Oid		   less[INDEX_MAX_KEYS];
	FmgrInfo  *equal;
} CustomerKeys;

extern Datum		*customer_keys_copy(const CustomerKeys *keys, TupleTableSlot *row);
extern void			 customer_keys_init(CustomerKeys *keys, Relation index);
extern IndexScanDesc keys_begin_scan(Relation rel, Relation index, Snapshot snapshot,
									 int nconditions);
extern void			 keys_init_equal(const CustomerKeys *keys, ScanKey conditions);
extern void			 keys_init_after(Relation index, int nkeys, const Datum *after, ScanKey header,
									 ScanKey members);

#endif /* CRM_LIVE_KEYS_H */
