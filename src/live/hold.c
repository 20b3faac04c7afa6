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

/* The row with the keys given, as the snapshot sees it, in lookup->row. */
bool
lookup_find(JoinReader *reader, int number, const Datum *given)
{
	const JoinTable *table = &reader->plan->tables[number];
	Lookup			*lookup = &reader->lookups[number];
	MemoryContext	 before = MemoryContextSwitchTo(reader->home);
	bool			 found;

	if (lookup->scan == NULL)
		lookup->scan =
			keys_begin_scan(lookup->rel, lookup->index, join_reader_snapshot(reader), table->own.n);
	for (int i = 0; i < table->own.n; i++)
		lookup->by_given[i].sk_argument = given[i];
	index_rescan(lookup->scan, lookup->by_given, table->own.n, NULL, 0);
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

/* Lock the row in lookup->row; false if another session has updated or deleted it since the snapshot. */
static bool
lock_row(JoinReader *reader, Lookup *lookup)
{
	ItemPointerData tid = lookup->row->tts_tid;
	TM_FailureData	failure;
	TM_Result		result = table_tuple_lock(lookup->rel, &tid, reader->snapshot, lookup->row,
											  GetCurrentCommandId(false), LockTupleNoKeyExclusive,
											  LockWaitBlock, 0, &failure);

	if (result == TM_Ok)
		return true;
	if (result != TM_Updated && result != TM_Deleted)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not hold a row of \"%s\" that purchases are read from",
							   RelationGetRelationName(lookup->rel)),
						errdetail("It was changed by the statement that is followed.")));
	return false;
}

/*
 * The lock of a part of a table's keys, as one of an object whose class is the
 * table: no SQL command locks such, so nobody can take it but by a statement on
 * the tables of the view.
 */
static LockAcquireResult
lock_part(Lookup *lookup, int part, LOCKMODE mode, bool wait)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationGetRelid(lookup->rel), part, 0);
	return LockAcquire(&tag, mode, false, !wait);
}

/*
 * Hold a key, whether it has a row or not; true if what was read before is to
 * be read again. A row that this transaction has written needs no lock: to wait
 * for it would let two sessions that each bring a row and look it up deadlock.
 */
bool
lookup_hold_key(JoinReader *reader, int number, const Datum *given)
{
	Lookup			 *lookup = &reader->lookups[number];
	int				  part = key_part(join_keys_hash(&reader->plan->tables[number].given, given));
	LockAcquireResult result;

	if (lookup->parts_held[part])
		return false;
	result = lock_part(lookup, part, ShareLock, false);
	if (result == LOCKACQUIRE_NOT_AVAIL)
	{
		if (lookup_find(reader, number, given) && is_own_version(lookup->row))
			return false;
		result = lock_part(lookup, part, ShareLock, true);
	}
	lookup->parts_held[part] = true;
	return result == LOCKACQUIRE_OK;
}

/* Find a row that determines the customer, and lock it, or hold its key if there is none. */
static bool
find_and_lock_row(JoinReader *reader, int number, const Datum *given)
{
	Lookup *lookup = &reader->lookups[number];

	for (;;)
	{
		if (lookup_find(reader, number, given))
		{
			if (is_own_version(lookup->row) || lock_row(reader, lookup))
				return true;
		}
		else if (!lookup_hold_key(reader, number, given))
			return false;
		join_reader_renew(reader);
	}
}

/*
 * The row with the keys given, held so that no session changes it, or brings
 * it, before this transaction ends; read after it was held.
 */
bool
lookup_find_and_hold(JoinReader *reader, int number, const Datum *given)
{
	if (reader->plan->tables[number].has_customer)
		return find_and_lock_row(reader, number, given);
	if (lookup_hold_key(reader, number, given))
		join_reader_renew(reader);
	return lookup_find(reader, number, given);
}

/* Wait for sessions that hold keys whose rows have changed, came or went, in one order for all sessions. */
void
lookup_announce_keys(Lookup *lookup, const bool *parts)
{
	for (int part = 0; part < KEY_PARTS; part++)
		if (parts[part])
			(void) lock_part(lookup, part, RowExclusiveLock, true);
}
