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
#include "base/growth.h"
#include "live/delta.h"
#include "live/keys.h"
#include "live/layout.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

/* Days and corrections in ascending order, with room to grow. */
typedef struct DayList
{
	PurchaseHistory	   *days;
	PurchaseCorrection *corrections; /* NULL before the first */
	int					ncorrections;
	int					correction_capacity;
	PurchaseHistory	   *all;		/* both, for the customer at hand; NULL without corrections */
	Mix				   *categories; /* a state; NULL where no mix is kept */
	Mix				   *mix;		/* what it holds, for the customer at hand */
} DayList;

/* A row as it is sorted: what it counts in the history, and in the mix if it has a category. */
typedef struct DeltaRow
{
	PurchaseCorrection is;
	bool			   went;
	text			  *category;
	PurchaseDay		   of_category;
} DeltaRow;

/* What a sorted row is ordered by behind the keys: went, day, booked. */
#define DELTA_SORTED 3

struct Deltas
{
	const CustomerKeys *keys;
	FmgrInfo		   *equal; /* of the keys; for a sort */
	TupleDesc			desc;
	bool				with_mix;
	TupleTableSlot	   *row;	  /* the last that came; the only one unless there is a sort */
	Tuplesortstate	   *sort;	  /* NULL for less than two rows */
	TupleTableSlot	   *ahead;	  /* read, but of the next customer; empty at the end */
	TupleTableSlot	   *customer; /* whose keys are given out */
	DayList				came;
	DayList				went;
};

static void
make_day_list(DayList *list, bool with_mix)
{
	list->days = purchase_history_create(3);
	list->categories = with_mix ? mix_create(240) : NULL;
}

/* Nothing yet, by customers in the order of the primary key of the histories that have a layout. */
Deltas *
deltas_create(const HistoriesLayout *layout)
{
	Deltas *deltas = palloc0(sizeof(Deltas));

	deltas->keys = &layout->keys;
	deltas->desc = layout->deltas;
	deltas->with_mix = layout->mix != InvalidAttrNumber;
	deltas->row = MakeSingleTupleTableSlot(deltas->desc, &TTSOpsVirtual);
	make_day_list(&deltas->came, deltas->with_mix);
	make_day_list(&deltas->went, deltas->with_mix);
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

/* The columns of a row that say what it counts in the mix. */
static void
set_category(Datum *values, bool *nulls, const DeltaRow *row)
{
	nulls[DELTA_CATEGORY] = row->category == NULL;
	values[DELTA_CATEGORY] = PointerGetDatum(row->category);
	values[DELTA_CATEGORY_ORDERS] = Int32GetDatum(row->of_category.orders);
	values[DELTA_CATEGORY_AMOUNT] = Int64GetDatum(row->of_category.amount);
}

static void
add_delta(Deltas *deltas, const Datum *keys, const DeltaRow *is)
{
	TupleTableSlot *row = deltas->row;
	int				nkeys = deltas->keys->n;
	Datum		   *values = row->tts_values + nkeys;
	bool			first = deltas->sort == NULL && TTS_EMPTY(row);

	if (!first && deltas->sort == NULL)
		start_sort(deltas);
	ExecClearTuple(row);
	memcpy(row->tts_values, keys, sizeof(Datum) * nkeys);
	memset(row->tts_isnull, false, deltas->desc->natts);
	values[DELTA_WENT] = BoolGetDatum(is->went);
	values[DELTA_DAY] = DateADTGetDatum(is->is.day);
	values[DELTA_BOOKED] = DateADTGetDatum(is->is.booked);
	values[DELTA_ORDERS] = Int32GetDatum(is->is.orders);
	values[DELTA_AMOUNT] = Int64GetDatum(is->is.amount);
	if (deltas->with_mix)
		set_category(values, row->tts_isnull + nkeys, is);
	ExecStoreVirtualTuple(row);
	if (first)
		ExecMaterializeSlot(row);
	else
		tuplesort_puttupleslot(deltas->sort, row);
}

/*
 * Add a purchase that came to a customer or went from one. In the mix it is one
 * of its category, though another row may count the order that it belongs to.
 */
void
deltas_add(Deltas *deltas, const Datum *keys, const ViewRow *row, bool went)
{
	const PurchaseCorrection *is = &row->purchase.is;
	DeltaRow				  delta = {*is, went, row->category, {0}};

	if (row->category)
		delta.of_category =
			(PurchaseDay){is->day, purchase_orders(is->amount, Max(is->orders, 1)), is->amount};
	add_delta(deltas, keys, &delta);
}

static void
add_history(Deltas *deltas, const Datum *keys, const PurchaseHistory *history, bool went)
{
	DeltaRow row = {.went = went};

	for (int i = 0; i < history->nentries; i++)
	{
		const PurchaseDay *day = &history->entries[i];

		row.is = (PurchaseCorrection){day->day, day->day, day->orders, 0, day->amount};
		add_delta(deltas, keys, &row);
	}
	for (int i = 0; i < history->ncorrections; i++)
	{
		row.is = purchase_history_corrections(history)[i];
		add_delta(deltas, keys, &row);
	}
}

static void
add_mix(Deltas *deltas, const Datum *keys, const Mix *mix, bool went)
{
	DeltaRow row = {.went = went};

	for (const MixCategory *at = mix_first(mix); at < mix_end(mix); at = category_next(at))
	{
		row.category = cstring_to_text_with_len(at->name, at->len);
		for (int i = 0; i < at->ndays; i++)
		{
			row.of_category = category_days(at)[i];
			row.is.day = row.is.booked = row.of_category.day;
			add_delta(deltas, keys, &row);
		}
		pfree(row.category);
	}
}

/* Add all that was bought, corrections too. */
void
deltas_add_bought(Deltas *deltas, const Datum *keys, const Bought *bought, bool went)
{
	add_history(deltas, keys, bought->history, went);
	if (bought->mix && deltas->with_mix)
		add_mix(deltas, keys, bought->mix, went);
}

/* Add nothing to a customer, who is given out all the same. */
void
deltas_touch(Deltas *deltas, const Datum *keys)
{
	DeltaRow nothing = {0};

	add_delta(deltas, keys, &nothing);
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
	if (!state_has_room(days, PURCHASE_HISTORY_SIZE(days->nentries), sizeof(PurchaseDay)))
	{
		CheckPurchaseDays((int64) days->nentries + 1);
		list->days = state_grown(days, PURCHASE_HISTORY_SIZE(days->nentries), sizeof(PurchaseDay),
								 MaxAllocSize);
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
	list->corrections = array_with_room(list->corrections, list->ncorrections,
										&list->correction_capacity, sizeof(PurchaseCorrection));
	list->corrections[list->ncorrections++] = *correction;
}

/* Add a day of a category behind the last. */
static void
add_category(DayList *list, const Datum *values)
{
	text	   *category = DatumGetTextPP(values[DELTA_CATEGORY]);
	PurchaseDay day = {DatumGetDateADT(values[DELTA_DAY]),
					   DatumGetInt32(values[DELTA_CATEGORY_ORDERS]),
					   DatumGetInt64(values[DELTA_CATEGORY_AMOUNT])};
	Mix		   *larger = mix_append(list->categories, category_of(category), &day, 1);

	if (larger != list->categories)
		pfree(list->categories);
	list->categories = larger;
}

/* Add a row to what its customer bought or gave back. */
static void
add_row(Deltas *deltas, TupleTableSlot *row)
{
	int				   nkeys = deltas->keys->n;
	Datum			  *values;
	PurchaseCorrection is = {0};
	DayList			  *list;

	slot_getallattrs(row);
	values = row->tts_values + nkeys;
	is.day = DatumGetDateADT(values[DELTA_DAY]);
	is.booked = DatumGetDateADT(values[DELTA_BOOKED]);
	is.orders = DatumGetInt32(values[DELTA_ORDERS]);
	is.amount = DatumGetInt64(values[DELTA_AMOUNT]);
	list = DatumGetBool(values[DELTA_WENT]) ? &deltas->went : &deltas->came;
	if (unlikely(purchase_is_correction(&is)))
		add_correction(list, &is);
	else if (is.orders != 0 || is.amount != 0)
		add_day(list, &(PurchaseDay){is.day, is.orders, is.amount});
	if (deltas->with_mix && !row->tts_isnull[nkeys + DELTA_CATEGORY])
		add_category(list, values);
}

/* All of a list, which lives until the list is cleared. */
static Bought
whole_list(DayList *list)
{
	const PurchaseHistory *days = list->days;
	Bought				   all = {list->days, NULL};

	if (list->categories)
		all.mix = list->mix = mix_settle(list->categories);
	if (likely(list->ncorrections == 0))
		return all;
	list->all = purchase_history_create_corrected(days->nentries, list->ncorrections);
	memcpy(list->all->entries, days->entries, sizeof(PurchaseDay) * days->nentries);
	list->all->nentries = days->nentries;
	memcpy(purchase_history_corrections(list->all), list->corrections,
		   sizeof(PurchaseCorrection) * list->ncorrections);
	all.history = purchase_history_set_counts(list->all, days->nentries, list->ncorrections);
	return all;
}

static void
clear_list(DayList *list)
{
	list->days->nentries = 0;
	list->ncorrections = 0;
	if (list->all)
		pfree(list->all);
	list->all = NULL;
	if (list->categories == NULL)
		return;
	list->categories->ncategories = list->categories->used = 0;
	if (list->mix)
		pfree(list->mix);
	list->mix = NULL;
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
