/*
 * live_delta.c: the purchases that a statement brought and took, sorted by
 * customer, so that every session writes customers in the same order.
 *
 * A sort of PostgreSQL's does the work: a statement of any size stays within
 * work_mem.
 */
#include "crm.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "live.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

/* What follows the keys in a sorted row. */
enum
{
	DELTA_WENT,
	DELTA_DAY,
	DELTA_ORDERS,
	DELTA_AMOUNT,
	DELTA_COLUMNS
};

/* Days in ascending order, with room to grow. */
typedef struct DayList
{
	PurchaseHistory *days;
	int				 capacity;
} DayList;

struct Deltas
{
	int				nkeys;
	FmgrInfo	   *equal;
	Oid			   *collations;
	Tuplesortstate *sort;
	bool			sorted;
	TupleTableSlot *row;	  /* to put */
	TupleTableSlot *ahead;	  /* read, but of the next customer; empty at the end */
	TupleTableSlot *customer; /* whose keys are given out */
	DayList			came;
	DayList			went;
};

/* The keys as the table of histories has them, then the purchase. */
static TupleDesc
delta_descriptor(Relation histories, Relation index)
{
	int		  nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	TupleDesc desc = CreateTemplateTupleDesc(nkeys + DELTA_COLUMNS);

	for (int i = 0; i < nkeys; i++)
		TupleDescCopyEntry(desc, i + 1, RelationGetDescr(histories),
						   index->rd_index->indkey.values[i]);
	TupleDescInitEntry(desc, nkeys + 1 + DELTA_WENT, "went", BOOLOID, -1, 0);
	TupleDescInitEntry(desc, nkeys + 1 + DELTA_DAY, "day", DATEOID, -1, 0);
	TupleDescInitEntry(desc, nkeys + 1 + DELTA_ORDERS, "orders", INT4OID, -1, 0);
	TupleDescInitEntry(desc, nkeys + 1 + DELTA_AMOUNT, "amount", INT8OID, -1, 0);
	return desc;
}

static void
make_day_list(DayList *list)
{
	list->capacity = 3;
	list->days = purchase_history_create(list->capacity);
}

/* Nothing yet, by customers in the order of the primary key index of histories. */
Deltas *
deltas_create(Relation histories, Relation index)
{
	Deltas	  *deltas = palloc0(sizeof(Deltas));
	TupleDesc  desc = delta_descriptor(histories, index);
	int		   nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	int		   ncolumns = nkeys + 2;
	AttrNumber columns[INDEX_MAX_KEYS + 2];
	Oid		   operators[INDEX_MAX_KEYS + 2];
	Oid		   collations[INDEX_MAX_KEYS + 2] = {0};
	bool	   nulls_first[INDEX_MAX_KEYS + 2] = {0};

	deltas->nkeys = nkeys;
	deltas->equal = palloc(sizeof(FmgrInfo) * nkeys);
	deltas->collations = palloc(sizeof(Oid) * nkeys);
	for (int i = 0; i < nkeys; i++)
	{
		Oid family = index->rd_opfamily[i];
		Oid type = index->rd_opcintype[i];

		columns[i] = i + 1;
		operators[i] = get_opfamily_member(family, type, type, BTLessStrategyNumber);
		collations[i] = deltas->collations[i] = index->rd_indcollation[i];
		fmgr_info(get_opcode(get_opfamily_member(family, type, type, BTEqualStrategyNumber)),
				  &deltas->equal[i]);
	}
	columns[nkeys] = nkeys + 1 + DELTA_WENT;
	operators[nkeys] = lookup_type_cache(BOOLOID, TYPECACHE_LT_OPR)->lt_opr;
	columns[nkeys + 1] = nkeys + 1 + DELTA_DAY;
	operators[nkeys + 1] = lookup_type_cache(DATEOID, TYPECACHE_LT_OPR)->lt_opr;

	deltas->sort = tuplesort_begin_heap(desc, ncolumns, columns, operators, collations, nulls_first,
										work_mem, NULL, 0);
	deltas->row = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	deltas->ahead = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	deltas->customer = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	make_day_list(&deltas->came);
	make_day_list(&deltas->went);
	return deltas;
}

/* Add a purchase that came to a customer or went from one. */
void
deltas_add(Deltas *deltas, const Datum *keys, const PurchaseDay *purchase, bool went)
{
	TupleTableSlot *row = deltas->row;
	Datum		   *values = row->tts_values + deltas->nkeys;

	ExecClearTuple(row);
	memcpy(row->tts_values, keys, sizeof(Datum) * deltas->nkeys);
	values[DELTA_WENT] = BoolGetDatum(went);
	values[DELTA_DAY] = DateADTGetDatum(purchase->day);
	values[DELTA_ORDERS] = Int32GetDatum(purchase->orders);
	values[DELTA_AMOUNT] = Int64GetDatum(purchase->amount);
	memset(row->tts_isnull, false, deltas->nkeys + DELTA_COLUMNS);
	ExecStoreVirtualTuple(row);
	tuplesort_puttupleslot(deltas->sort, row);
}

/* Add nothing to a customer, who is given out all the same. */
void
deltas_touch(Deltas *deltas, const Datum *keys)
{
	PurchaseDay nothing = {0};

	deltas_add(deltas, keys, &nothing, false);
}

/* Add a purchase behind the last, or to it if that was on the same day. */
static void
add_day(DayList *list, const PurchaseDay *purchase)
{
	PurchaseHistory *days = list->days;
	PurchaseDay		*last = days->entries + days->nentries - 1;

	if (days->nentries > 0 && last->day == purchase->day)
	{
		CheckOrders((int64) last->orders + purchase->orders);
		last->orders += purchase->orders;
		last->amount = AmountAdd(last->amount, purchase->amount);
		return;
	}
	if (days->nentries == list->capacity)
	{
		list->capacity = list->capacity * 2 + 1;
		list->days = purchase_history_create(list->capacity);
		list->days->nentries = days->nentries;
		memcpy(list->days->entries, days->entries, sizeof(PurchaseDay) * days->nentries);
		pfree(days);
		days = list->days;
	}
	days->entries[days->nentries++] = *purchase;
}

/* Add the row that was read to what its customer bought or gave back. */
static void
add_row(Deltas *deltas)
{
	Datum	   *values;
	PurchaseDay purchase;

	slot_getallattrs(deltas->ahead);
	values = deltas->ahead->tts_values + deltas->nkeys;
	purchase.day = DatumGetDateADT(values[DELTA_DAY]);
	purchase.orders = DatumGetInt32(values[DELTA_ORDERS]);
	purchase.amount = DatumGetInt64(values[DELTA_AMOUNT]);
	add_day(DatumGetBool(values[DELTA_WENT]) ? &deltas->went : &deltas->came, &purchase);
}

static bool
same_customer(Deltas *deltas)
{
	slot_getallattrs(deltas->ahead);
	for (int i = 0; i < deltas->nkeys; i++)
		if (!DatumGetBool(FunctionCall2Coll(&deltas->equal[i], deltas->collations[i],
											deltas->customer->tts_values[i],
											deltas->ahead->tts_values[i])))
			return false;
	return true;
}

static bool
read_ahead(Deltas *deltas)
{
	return tuplesort_gettupleslot(deltas->sort, true, false, deltas->ahead, NULL);
}

/* The next customer in key order with all that came and went; false at the end. */
bool
deltas_next(Deltas *deltas, CustomerDelta *delta)
{
	if (!deltas->sorted)
	{
		tuplesort_performsort(deltas->sort);
		deltas->sorted = true;
		read_ahead(deltas);
	}
	if (TTS_EMPTY(deltas->ahead))
		return false;

	ExecCopySlot(deltas->customer, deltas->ahead);
	slot_getallattrs(deltas->customer);
	deltas->came.days->nentries = 0;
	deltas->went.days->nentries = 0;
	do
		add_row(deltas);
	while (read_ahead(deltas) && same_customer(deltas));

	delta->keys = deltas->customer->tts_values;
	delta->came = deltas->came.days;
	delta->went = deltas->went.days;
	return true;
}

void
deltas_free(Deltas *deltas)
{
	ExecDropSingleTupleTableSlot(deltas->row);
	ExecDropSingleTupleTableSlot(deltas->ahead);
	ExecDropSingleTupleTableSlot(deltas->customer);
	tuplesort_end(deltas->sort);
	pfree(deltas);
}
