/*
 * delta.c: the purchases that a statement brought and took, sorted by
 * customer, so that every session writes customers in the same order.
 *
 * A sort of PostgreSQL's does the work: a statement of any size stays within
 * work_mem. A statement of a single row, as most are, goes without.
 */
#include "crm.h"

#include "access/genam.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "live/delta.h"
#include "live/keys.h"
#include "live/layout.h"
#include "miscadmin.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

/* Days and corrections in ascending order, with room to grow. */
typedef struct DayList
{
	PurchaseHistory	   *days;
	int					capacity;
	PurchaseCorrection *corrections; /* NULL before the first */
	int					ncorrections;
	int					correction_capacity;
	PurchaseHistory	   *all; /* both, for the customer at hand; NULL without corrections */
} DayList;

/* What a sorted row is ordered by behind the keys: went, day, booked. */
#define DELTA_SORTED 3

struct Deltas
{
	const CustomerKeys *keys;
	FmgrInfo		   *equal; /* of the keys; for a sort */
	TupleDesc			desc;
	TupleTableSlot	   *row;	  /* the last that came; the only one unless there is a sort */
	Tuplesortstate	   *sort;	  /* NULL for less than two rows */
	TupleTableSlot	   *ahead;	  /* read, but of the next customer; empty at the end */
	TupleTableSlot	   *customer; /* whose keys are given out */
	DayList				came;
	DayList				went;
};

static void
make_day_list(DayList *list)
{
	list->capacity = 3;
	list->days = purchase_history_create(list->capacity);
}

/* Nothing yet, by customers in the order of the primary key of the histories that have a layout. */
Deltas *
deltas_create(const HistoriesLayout *layout)
{
	Deltas *deltas = palloc0(sizeof(Deltas));

	deltas->keys = &layout->keys;
	deltas->desc = layout->deltas;
	deltas->row = MakeSingleTupleTableSlot(deltas->desc, &TTSOpsVirtual);
	make_day_list(&deltas->came);
	make_day_list(&deltas->went);
	return deltas;
}

/* By the keys, then what came before what went, then by day and booked day. */
static void
start_sort(Deltas *deltas)
{
	const CustomerKeys *keys = deltas->keys;
	AttrNumber			columns[INDEX_MAX_KEYS + DELTA_SORTED];
	Oid					operators[INDEX_MAX_KEYS + DELTA_SORTED];
	Oid					collations[INDEX_MAX_KEYS + DELTA_SORTED] = {0};
	bool				nulls_first[INDEX_MAX_KEYS + DELTA_SORTED] = {0};

	for (int i = 0; i < keys->n; i++)
	{
		columns[i] = i + 1;
		operators[i] = keys->less[i];
		collations[i] = keys->collations[i];
	}
	columns[keys->n] = keys->n + 1 + DELTA_WENT;
	operators[keys->n] = lookup_type_cache(BOOLOID, TYPECACHE_LT_OPR)->lt_opr;
	for (int i = 1; i < DELTA_SORTED; i++)
		operators[keys->n + i] = lookup_type_cache(DATEOID, TYPECACHE_LT_OPR)->lt_opr;
	columns[keys->n + 1] = keys->n + 1 + DELTA_DAY;
	columns[keys->n + 2] = keys->n + 1 + DELTA_BOOKED;
	deltas->equal = palloc(sizeof(FmgrInfo) * keys->n);
	for (int i = 0; i < keys->n; i++)
		fmgr_info_copy(&deltas->equal[i], &keys->equal[i], CurrentMemoryContext);
	deltas->sort = tuplesort_begin_heap(deltas->desc, keys->n + DELTA_SORTED, columns, operators,
										collations, nulls_first, work_mem, NULL, 0);
	tuplesort_puttupleslot(deltas->sort, deltas->row);
}

/* Add a purchase that came to a customer or went from one. */
void
deltas_add(Deltas *deltas, const Datum *keys, const PurchaseRow *purchase, bool went)
{
	TupleTableSlot *row = deltas->row;
	int				nkeys = deltas->keys->n;
	Datum		   *values = row->tts_values + nkeys;
	bool			first = deltas->sort == NULL && TTS_EMPTY(row);

	if (!first && deltas->sort == NULL)
		start_sort(deltas);
	ExecClearTuple(row);
	memcpy(row->tts_values, keys, sizeof(Datum) * nkeys);
	values[DELTA_WENT] = BoolGetDatum(went);
	values[DELTA_DAY] = DateADTGetDatum(purchase->is.day);
	values[DELTA_BOOKED] = DateADTGetDatum(purchase->is.booked);
	values[DELTA_ORDERS] = Int32GetDatum(purchase->is.orders);
	values[DELTA_AMOUNT] = Int64GetDatum(purchase->is.amount);
	memset(row->tts_isnull, false, nkeys + DELTA_COLUMNS);
	ExecStoreVirtualTuple(row);
	if (first)
		ExecMaterializeSlot(row);
	else
		tuplesort_puttupleslot(deltas->sort, row);
}

/* Add all purchases and corrections of a history. */
void
deltas_add_history(Deltas *deltas, const Datum *keys, const PurchaseHistory *history, bool went)
{
	PurchaseRow row = {0};

	for (int i = 0; i < history->nentries; i++)
	{
		const PurchaseDay *day = &history->entries[i];

		row.is = (PurchaseCorrection){day->day, day->day, day->orders, 0, day->amount};
		deltas_add(deltas, keys, &row, went);
	}
	for (int i = 0; i < history->ncorrections; i++)
	{
		row.is = purchase_history_corrections(history)[i];
		deltas_add(deltas, keys, &row, went);
	}
}

/* Add nothing to a customer, who is given out all the same. */
void
deltas_touch(Deltas *deltas, const Datum *keys)
{
	PurchaseRow nothing = {0};

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

/* Add a correction behind the last, or to it if that is of the same days. */
static void
add_correction(DayList *list, const PurchaseCorrection *correction)
{
	PurchaseCorrection *last = list->corrections + list->ncorrections - 1;

	if (list->ncorrections > 0 && purchase_correction_order(last, correction) == 0)
	{
		*last = purchase_correction_combine(last, correction, 1);
		return;
	}
	if (list->ncorrections == list->correction_capacity)
	{
		list->correction_capacity = list->correction_capacity * 2 + 4;
		list->corrections = list->corrections
								? repalloc_huge(list->corrections, sizeof(PurchaseCorrection) *
																	   list->correction_capacity)
								: palloc(sizeof(PurchaseCorrection) * list->correction_capacity);
	}
	list->corrections[list->ncorrections++] = *correction;
}

/* Add a row to what its customer bought or gave back. */
static void
add_row(Deltas *deltas, TupleTableSlot *row)
{
	Datum			  *values;
	PurchaseCorrection is = {0};
	DayList			  *list;

	slot_getallattrs(row);
	values = row->tts_values + deltas->keys->n;
	is.day = DatumGetDateADT(values[DELTA_DAY]);
	is.booked = DatumGetDateADT(values[DELTA_BOOKED]);
	is.orders = DatumGetInt32(values[DELTA_ORDERS]);
	is.amount = DatumGetInt64(values[DELTA_AMOUNT]);
	list = DatumGetBool(values[DELTA_WENT]) ? &deltas->went : &deltas->came;
	if (unlikely(purchase_is_correction(&is)))
		add_correction(list, &is);
	else
		add_day(list, &(PurchaseDay){is.day, is.orders, is.amount});
}

/* All of a list as one history, which lives until the list is cleared. */
static PurchaseHistory *
whole_list(DayList *list)
{
	const PurchaseHistory *days = list->days;

	if (likely(list->ncorrections == 0))
		return list->days;
	list->all = purchase_history_create_corrected(days->nentries, list->ncorrections);
	memcpy(list->all->entries, days->entries, sizeof(PurchaseDay) * days->nentries);
	list->all->nentries = days->nentries;
	memcpy(purchase_history_corrections(list->all), list->corrections,
		   sizeof(PurchaseCorrection) * list->ncorrections);
	return purchase_history_set_counts(list->all, days->nentries, list->ncorrections);
}

static void
clear_list(DayList *list)
{
	list->days->nentries = 0;
	list->ncorrections = 0;
	if (list->all)
		pfree(list->all);
	list->all = NULL;
}

static bool
same_customer(Deltas *deltas)
{
	slot_getallattrs(deltas->ahead);
	for (int i = 0; i < deltas->keys->n; i++)
		if (!DatumGetBool(FunctionCall2Coll(&deltas->equal[i], deltas->keys->collations[i],
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

static void
finish_sort(Deltas *deltas)
{
	tuplesort_performsort(deltas->sort);
	deltas->ahead = MakeSingleTupleTableSlot(deltas->desc, &TTSOpsMinimalTuple);
	deltas->customer = MakeSingleTupleTableSlot(deltas->desc, &TTSOpsMinimalTuple);
	read_ahead(deltas);
}

/* The customer of the only row, once. */
static bool
only_customer(Deltas *deltas)
{
	if (TTS_EMPTY(deltas->row) || deltas->customer)
		return false;
	deltas->customer = deltas->row;
	add_row(deltas, deltas->row);
	return true;
}

/* The next customer of the sorted rows. */
static bool
next_customer(Deltas *deltas)
{
	if (deltas->ahead == NULL)
		finish_sort(deltas);
	if (TTS_EMPTY(deltas->ahead))
		return false;
	ExecCopySlot(deltas->customer, deltas->ahead);
	slot_getallattrs(deltas->customer);
	clear_list(&deltas->came);
	clear_list(&deltas->went);
	do
		add_row(deltas, deltas->ahead);
	while (read_ahead(deltas) && same_customer(deltas));
	return true;
}

/* The next customer in key order with all that came and went; false at the end. */
bool
deltas_next(Deltas *deltas, CustomerDelta *delta)
{
	if (deltas->sort ? !next_customer(deltas) : !only_customer(deltas))
		return false;
	delta->keys = deltas->customer->tts_values;
	delta->came = whole_list(&deltas->came);
	delta->went = whole_list(&deltas->went);
	return true;
}

void
deltas_free(Deltas *deltas)
{
	if (deltas->sort)
	{
		tuplesort_end(deltas->sort);
		if (deltas->ahead)
		{
			ExecDropSingleTupleTableSlot(deltas->ahead);
			ExecDropSingleTupleTableSlot(deltas->customer);
		}
	}
	ExecDropSingleTupleTableSlot(deltas->row);
	pfree(deltas);
}
