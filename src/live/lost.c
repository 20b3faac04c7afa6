/*
 * lost.c: rows of histories that went or changed their key by other hands.
 *
 * A foreign key from the histories to the customers deletes or renames a row
 * before the triggers of the orders are told that these go or move with it:
 * PostgreSQL fires them behind all actions of foreign keys. What such a row held
 * is still there to be read, as no transaction's own deletions are cleared away
 * before its end.
 */
#include "live/lost.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "live/keys.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* A version of a row in a heap; NULL for other kinds of tables. */
static HeapTuple
heap_version(TupleTableSlot *row)
{
	return TTS_IS_BUFFERTUPLE(row) ? ((BufferHeapTupleTableSlot *) row)->base.tuple : NULL;
}

/* Whether this transaction deleted or updated a version, in a part of it that has not been rolled back. */
static bool
is_ended_here(HeapTuple version)
{
	HeapTupleHeader header = version->t_data;

	return (header->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		   !HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		   TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header));
}

static inline bool
is_deleted(HeapTuple version)
{
	return ItemPointerEquals(&version->t_data->t_ctid, &version->t_self) ||
		   HeapTupleHeaderIndicatesMovedPartitions(version->t_data);
}

static bool
has_keys(const CustomerKeys *keys, TupleTableSlot *row, const Datum *values)
{
	for (int i = 0; i < keys->n; i++)
	{
		bool  isnull;
		Datum value = slot_getattr(row, keys->columns[i], &isnull);

		if (isnull || !DatumGetBool(FunctionCall2Coll(&keys->equal[i], keys->collations[i], value,
													  values[i])))
			return false;
	}
	return true;
}

/*
 * The version that an ended one became after all, in row, which has the keys or
 * others; false if it was deleted in the end, or went on with the same keys, which
 * is then another version's matter.
 */
static bool
follow_version(Relation rel, const CustomerKeys *keys, const Datum *values, HeapTuple version,
			   TupleTableSlot *row, bool *same_keys)
{
	bool first = true;

	*same_keys = false;
	while (is_ended_here(version))
	{
		ItemPointerData next = version->t_data->t_ctid;

		if (is_deleted(version) || !table_tuple_fetch_row_version(rel, &next, SnapshotAny, row))
			return false;
		if (first && has_keys(keys, row, values))
		{
			*same_keys = true;
			return false;
		}
		first = false;
		version = heap_version(row);
	}
	return true;
}

/* What a row held, that lives on. */
static Bought
held_by(const HistoriesLayout *layout, TupleTableSlot *row)
{
	Bought held = bought_in_row(layout, row);

	return bought_copy(&held);
}

/* A row that this transaction deleted, or gave another key, by other means than purchases. */
typedef struct LostRow
{
	Bought	  held;	 /* then */
	Datum	 *keys;	 /* where it stands now; NULL if it is gone */
	CommandId ended; /* by which command of the transaction */
} LostRow;

static int
compare_ended(const ListCell *a, const ListCell *b)
{
	return CRM_COMPARE(((LostRow *) lfirst(b))->ended, ((LostRow *) lfirst(a))->ended);
}

/*
 * The rows with some keys that this transaction deleted or gave other keys, as
 * LostRow in the current memory context, the last first: what goes is told of at
 * once. The histories themselves never delete a
 * row while purchases go, nor change its keys.
 */
static List *
lost_rows(Relation rel, Relation index, const HistoriesLayout *layout, const Datum *keys)
{
	const CustomerKeys *customer = &layout->keys;
	IndexScanDesc		scan = keys_begin_scan(rel, index, SnapshotAny, customer->n);
	TupleTableSlot	   *row = table_slot_create(rel, NULL);
	TupleTableSlot	   *later = table_slot_create(rel, NULL);
	ScanKeyData			conditions[INDEX_MAX_KEYS];
	List			   *found = NIL;

	keys_init_equal(customer, conditions);
	for (int i = 0; i < customer->n; i++)
		conditions[i].sk_argument = keys[i];
	index_rescan(scan, conditions, customer->n, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, row))
	{
		HeapTuple version = heap_version(row);
		LostRow	 *lost;
		bool	  same_keys;
		bool	  is_there;

		CHECK_FOR_INTERRUPTS();
		if (version == NULL || !is_ended_here(version))
			continue;
		is_there = follow_version(rel, customer, keys, version, later, &same_keys);
		if (same_keys)
			continue;
		lost = palloc0(sizeof(LostRow));
		lost->held = held_by(layout, row);
		lost->ended = HeapTupleHeaderGetCmax(version->t_data);
		if (is_there)
			lost->keys = customer_keys_copy(customer, later);
		found = lappend(found, lost);
	}
	ExecDropSingleTupleTableSlot(row);
	ExecDropSingleTupleTableSlot(later);
	index_endscan(scan);
	list_sort(found, compare_ended);
	return found;
}

/* ---- purchases that go ---- */

/* The keys of a customer as a message shows them. */
static char *
keys_text(Relation rel, const CustomerKeys *customer, const Datum *keys)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < customer->n; i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(rel), customer->columns[i] - 1);
		Oid				  output;
		bool			  is_varlena;

		getTypeOutputInfo(column->atttypid, &output, &is_varlena);
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", OidOutputFunctionCall(output, keys[i]));
	}
	return text.data;
}

/* Purchases that go have come before, unless somebody kept that from the triggers. */
static void
ReportPurchasesUnknown(Relation rel, const char *customer, const PurchaseDay *purchase, int held)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
		 errmsg("histories \"%s\" do not hold a purchase of customer (%s) that is changed or "
				"taken away",
				RelationGetRelationName(rel), customer),
		 errdetail("Of %s the statement takes %d, the history holds %d.",
				   DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(purchase->day))),
				   purchase->orders, held),
		 errhint("Purchases were written while triggers of crm were disabled or a relation of the "
				 "tracking belonged to another owner, or came with a partition that was not "
				 "followed. Call crm.rebuild for the tracking; \"At 3 a.m.\" in "
				 "docs/operations.md says how to write until then.")));
}

/* A purchase that is to be taken from the row with some keys. */
static MovedPurchases *
moved_purchase(const Datum *keys, const PurchaseDay *purchase)
{
	MovedPurchases *moved = palloc0(sizeof(MovedPurchases));

	moved->keys = keys;
	moved->went.history = purchase_history_create(1);
	moved->went.history->nentries = 1;
	moved->went.history->entries[0] = *purchase;
	return moved;
}

/* Whether what a row had of a day, NULL for nothing, holds what goes: a refund is no order, and yet of a row that had one that day. */
static inline bool
has_day(const PurchaseDay *had, const PurchaseDay *goes)
{
	return had != NULL && had->orders >= goes->orders;
}

/* The lost row that a purchase is of; NULL if none has it. */
static const LostRow *
lost_row_with(const List *lost, const PurchaseDay *purchase)
{
	ListCell *lc;

	foreach (lc, lost)
		if (has_day(history_day(((LostRow *) lfirst(lc))->held.history, purchase->day), purchase))
			return lfirst(lc);
	return NULL;
}

/* A correction that is to be taken from the row with some keys. */
static MovedPurchases *
moved_correction(const Datum *keys, const PurchaseCorrection *correction)
{
	MovedPurchases *moved = palloc0(sizeof(MovedPurchases));

	moved->keys = keys;
	moved->went.history = purchase_history_create_corrected(0, 1);
	*purchase_history_corrections(moved->went.history) = *correction;
	purchase_history_set_counts(moved->went.history, 0, 1);
	return moved;
}

/* The lost row that a correction is of; NULL if none has it. */
static const LostRow *
lost_row_with_correction(const List *lost, const PurchaseCorrection *correction)
{
	ListCell *lc;

	foreach (lc, lost)
		if (purchase_history_has_correction(((LostRow *) lfirst(lc))->held.history, correction))
			return lfirst(lc);
	return NULL;
}

/*
 * The corrections among what goes that the row at hand owes, put behind the
 * purchases that are left. One that nobody holds is taken from the row: those that
 * add up to nothing are not stored.
 */
static void
corrections_not_lost(const List *lost, const PurchaseHistory *held, const PurchaseHistory *went,
					 PurchaseHistory *left, List **moved)
{
	int n = 0;

	for (int i = 0; i < went->ncorrections; i++)
	{
		const PurchaseCorrection *correction = &purchase_history_corrections(went)[i];
		const LostRow			 *owner = purchase_history_has_correction(held, correction)
											  ? NULL
											  : lost_row_with_correction(lost, correction);

		if (owner == NULL)
			purchase_history_corrections(left)[n++] = *correction;
		else if (owner->keys)
			*moved = lappend(*moved, moved_correction(owner->keys, correction));
	}
	purchase_history_set_counts(left, left->nentries, n);
}

/* The lost row that purchases of a category are of; NULL if none has them. */
static const LostRow *
lost_row_with_category(const List *lost, CategoryName name, const PurchaseDay *day)
{
	ListCell *lc;

	foreach (lc, lost)
	{
		const LostRow *row = lfirst(lc);

		if (row->held.mix && has_day(mix_day(row->held.mix, name, day->day), day))
			return row;
	}
	return NULL;
}

/* Purchases of a category that are to be taken from the row with some keys. */
static MovedPurchases *
moved_category(const Datum *keys, CategoryName name, const PurchaseDay *day)
{
	MovedPurchases *moved = palloc0(sizeof(MovedPurchases));

	moved->keys = keys;
	moved->went = bought_nothing();
	moved->went.mix = mix_settle(mix_append(mix_create(0), name, day, 1));
	return moved;
}

/* What is looked for: a customer's row, what it holds, and what others of the same keys held. */
typedef struct Search
{
	Relation			   rel;
	const HistoriesLayout *layout;
	const Datum			  *keys;
	const Bought		  *held;
	List				  *lost; /* of LostRow */
	List				 **moved;
} Search;

/* The purchases among what goes that the row at hand owes; an error for those that nobody held. */
static PurchaseHistory *
history_not_lost(const Search *search, const PurchaseHistory *went)
{
	PurchaseHistory *left = purchase_history_create_corrected(went->nentries, went->ncorrections);

	for (int i = 0; i < went->nentries; i++)
	{
		const PurchaseDay *purchase = &went->entries[i];
		int				   there = history_orders_on(search->held->history, purchase->day);
		const LostRow	  *owner = NULL;

		if (purchase->orders == 0 || there < purchase->orders)
			owner = lost_row_with(search->lost, purchase);
		if (owner == NULL && there < purchase->orders)
			ReportPurchasesUnknown(search->rel,
								   keys_text(search->rel, &search->layout->keys, search->keys),
								   purchase, there);
		if (owner == NULL)
			left->entries[left->nentries++] = *purchase;
		else if (owner->keys)
			*search->moved = lappend(*search->moved, moved_purchase(owner->keys, purchase));
	}
	corrections_not_lost(search->lost, search->held->history, went, left, search->moved);
	return left;
}

/* The same of categories. */
static Mix *
mix_not_lost(const Search *search, const Mix *went)
{
	const Mix *held = search->held->mix ? search->held->mix : mix_create(0);
	Mix		  *left = mix_create(went->used);

	for (const MixCategory *at = mix_first(went); at < mix_end(went); at = category_next(at))
		for (const PurchaseDay *day = category_days(at); day < category_days(at) + at->ndays; day++)
		{
			int			   there = mix_orders_on(held, category_name(at), day->day);
			const LostRow *owner = NULL;

			CHECK_FOR_INTERRUPTS();
			if (day->orders == 0 || there < day->orders)
				owner = lost_row_with_category(search->lost, category_name(at), day);
			if (owner == NULL && there < day->orders)
				ReportPurchasesUnknown(search->rel,
									   keys_text(search->rel, &search->layout->keys, search->keys),
									   day, there);
			if (owner == NULL)
				left = mix_append(left, category_name(at), day, 1);
			else if (owner->keys)
				*search->moved =
					lappend(*search->moved, moved_category(owner->keys, category_name(at), day));
		}
	return mix_settle(left);
}

/*
 * What is left to take from a customer's row, which holds some purchases, of
 * what goes, if another hand deleted or renamed a row of the customer in this
 * transaction: that owes nothing any more, and what stands under other keys now
 * is added to moved, which lives in a context of its own. An error if the
 * customer never had it.
 */
Bought
purchases_not_lost(Relation rel, Relation index, const HistoriesLayout *layout, const Bought *held,
				   const CustomerDelta *delta, MemoryContext home, List **moved)
{
	MemoryContext before = MemoryContextSwitchTo(home);
	Search		  search = {.rel = rel,
							.layout = layout,
							.keys = delta->keys,
							.held = held,
							.lost = lost_rows(rel, index, layout, delta->keys),
							.moved = moved};
	Bought		  left = {history_not_lost(&search, delta->went.history), NULL};

	if (delta->went.mix)
		left.mix = mix_not_lost(&search, delta->went.mix);
	MemoryContextSwitchTo(before);
	return left;
}
