/*
 * hold.c: a row that a joined view looks up, found and held against other
 * sessions until the transaction ends; join.h says what is held how, and why.
 */
#include "crm.h"

#include "live/lookup.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"

#define ABSENCE_PARTS 64	/* of a table's keys, each held by one lock */
#define ABSENCE_LOCK 0x6372 /* tells the locks from advisory locks of users */
#define MEMO_ROWS 100000	/* that are remembered at a time */

/* The row with some keys, as the snapshot sees it, in lookup->row. */
bool
lookup_find(JoinReader *reader, int number, ScanKey conditions, const Datum *keys)
{
	const JoinTable *table = &reader->plan->tables[number];
	Lookup			*lookup = &reader->lookups[number];
	MemoryContext	 before = MemoryContextSwitchTo(reader->home);
	bool			 found;

	if (lookup->scan == NULL)
		lookup->scan =
			keys_begin_scan(lookup->rel, lookup->index, join_reader_snapshot(reader), table->own.n);
	for (int i = 0; i < table->own.n; i++)
		conditions[i].sk_argument = keys[i];
	index_rescan(lookup->scan, conditions, table->own.n, NULL, 0);
	found = index_getnext_slot(lookup->scan, ForwardScanDirection, lookup->row);
	MemoryContextSwitchTo(before);
	return found;
}

static HeapTupleHeader
header_of(TupleTableSlot *row)
{
	return ExecFetchSlotHeapTuple(row, false, NULL)->t_data;
}

/* Whether this transaction made this version of a row: nobody else can change it then. */
static inline bool
is_own_version(TupleTableSlot *row)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(header_of(row)));
}

/* Whether there is no newer version of a row, not even one that is not committed yet. */
static inline bool
is_latest_version(TupleTableSlot *row)
{
	return ItemPointerEquals(&header_of(row)->t_ctid, &row->tts_tid);
}

/* Lock the row in lookup->row; false if it was updated or deleted, or another session did so since the snapshot. */
static bool
lock_row(JoinReader *reader, Lookup *lookup, LockTupleMode mode)
{
	ItemPointerData tid = lookup->row->tts_tid;
	TM_FailureData	failure;
	TM_Result		result = table_tuple_lock(lookup->rel, &tid, reader->snapshot, lookup->row,
											  GetCurrentCommandId(false), mode, LockWaitBlock,
											  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS, &failure);

	if (result == TM_Ok)
		return true;
	if (result != TM_Updated && result != TM_Deleted)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not hold a row of \"%s\" that purchases are read from",
							   RelationGetRelationName(lookup->rel)),
						errdetail("It was changed by the statement that is followed.")));
	return false;
}

/* Hold, or announce a change of, the absence of a key: a part of all keys of the table. */
static void
lock_absence(Lookup *lookup, uint32 hash, LOCKMODE mode)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, RelationGetRelid(lookup->rel), hash % ABSENCE_PARTS,
						 ABSENCE_LOCK);
	(void) LockAcquire(&tag, mode, false, false);
}

/*
 * The row with the keys given, held so that no session changes it, or brings
 * it, before this transaction ends; read after it was held.
 */
bool
lookup_find_and_hold(JoinReader *reader, int number, const Datum *given)
{
	const JoinTable *table = &reader->plan->tables[number];
	Lookup			*lookup = &reader->lookups[number];
	LockTupleMode	 mode = table->has_customer ? LockTupleNoKeyExclusive : LockTupleKeyShare;
	ItemPointerData	 held;
	bool			 absence_held = false;

	ItemPointerSetInvalid(&held);
	for (;;)
	{
		if (!lookup_find(reader, number, lookup->by_given, given))
		{
			if (absence_held)
				return false;
			lock_absence(lookup, join_keys_hash(&table->given, given), ShareLock);
			absence_held = true;
		}
		else
		{
			ItemPointerData tid = lookup->row->tts_tid;

			if (is_own_version(lookup->row) || ItemPointerEquals(&tid, &held))
				return true;
			if (lock_row(reader, lookup, mode))
			{
				if (is_latest_version(lookup->row))
					return true;
				held = tid;
			}
		}
		join_reader_renew(reader);
	}
}

/* Hold changed rows, by the keys that the table has them by, against sessions that hold them still. */
void
lookup_hold_changed(JoinReader *reader, int number, Datum **keys, int n)
{
	Lookup *lookup = &reader->lookups[number];

	for (int i = 0; i < n; i++)
		if (lookup_find(reader, number, lookup->by_own, keys[i]))
			(void) lock_row(reader, lookup, LockTupleExclusive);
}

/* Wait for sessions that hold the absence of a key which has come. */
void
lookup_announce_key(Lookup *lookup, uint32 hash)
{
	lock_absence(lookup, hash, RowExclusiveLock);
}
