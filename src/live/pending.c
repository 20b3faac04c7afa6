/*
 * pending.c: what waits for the end of a transaction: the purchases of trackings
 * whose upkeep is at commit, and the listeners to tell.
 *
 * All that a transaction brought and took is written at once then, tables of
 * histories in the order of their OIDs and customers in key order, so that
 * transactions that touch the same customers wait for each other but never in
 * a circle. PRE_COMMIT comes when deferred triggers have fired; those that the
 * writing queues are fired here.
 *
 * A call that needs the histories as they are now has them settled before, maybe
 * in a subtransaction that is rolled back: rows stay here until the transaction ends.
 */
#include "crm.h"

#include "base/growth.h"
#include "live/pending.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "commands/async.h"
#include "commands/extension.h"
#include "live/histories.h"
#include "live/owner.h"
#include "live/tracking.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define NOTIFY_CHANNEL "crm"

/* What came to a customer and went, with the levels of the subtransactions that brought it and wrote it. */
typedef struct PendingRow
{
	MinimalTuple keys;
	Bought		 came;
	Bought		 went;
	Size		 size; /* of all that, in bytes */
	int			 level;
	int			 written; /* 0 if it was not */
} PendingRow;

/* What waits for a table of histories; levels never fall from one row to the next. */
typedef struct Pending
{
	Oid			histories;
	TupleDesc	keys;
	const char *why; /* what the log gives as the reason: that of all, or "commit" */
	PendingRow *rows;
	int			n;
	int			capacity;
	int			unwritten;
	int			written_in; /* the deepest level that wrote some */
	Size		size;		/* of the rows that were not written, in bytes */
} Pending;

/* A table of histories whose listeners are to be told. */
typedef struct Listeners
{
	Oid histories;
	int level;
} Listeners;

static List			*pending = NIL;	  /* of Pending *, by OID */
static List			*listeners = NIL; /* of Listeners * */
static MemoryContext waiting = NULL;  /* of all that; gone with the transaction */

/* ---- subtransactions ---- */

static void
free_row(PendingRow *row)
{
	pfree(row->keys);
	bought_free(&row->came);
	bought_free(&row->went);
}

/* The purchases that a subtransaction brought are no more; those that it wrote are unwritten again. */
static void
pending_abort(Pending *of, int level)
{
	while (of->n > 0 && of->rows[of->n - 1].level >= level)
	{
		PendingRow *last = &of->rows[--of->n];

		if (last->written == 0)
		{
			of->unwritten--;
			of->size -= last->size;
		}
		free_row(last);
	}
	if (of->written_in < level)
		return;
	for (int i = 0; i < of->n; i++)
		if (of->rows[i].written >= level)
		{
			of->rows[i].written = 0;
			of->unwritten++;
			of->size += of->rows[i].size;
		}
	of->written_in = level - 1;
}

/* What a subtransaction brought and wrote is its parent's. */
static void
pending_commit(Pending *of, int level)
{
	for (int i = of->n - 1; i >= 0 && of->rows[i].level >= level; i--)
		of->rows[i].level = level - 1;
	if (of->written_in < level)
		return;
	for (int i = 0; i < of->n; i++)
		of->rows[i].written = Min(of->rows[i].written, level - 1);
	of->written_in = level - 1;
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId id, SubTransactionId parent,
					void *argument)
{
	int		  level = GetCurrentTransactionNestLevel();
	List	 *left = NIL;
	ListCell *lc;

	(void) id;
	(void) parent;
	(void) argument;
	if (waiting == NULL || (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB))
		return;
	foreach (lc, pending)
		(event == SUBXACT_EVENT_ABORT_SUB ? pending_abort : pending_commit)(lfirst(lc), level);
	foreach (lc, listeners)
	{
		Listeners *of = lfirst(lc);

		if (event == SUBXACT_EVENT_COMMIT_SUB)
			of->level = Min(of->level, level - 1);
		else if (of->level < level)
		{
			MemoryContext before = MemoryContextSwitchTo(waiting);

			left = lappend(left, of);
			MemoryContextSwitchTo(before);
		}
	}
	if (event == SUBXACT_EVENT_ABORT_SUB)
		listeners = left;
}

/* ---- writing ---- */

/* The keys are those of the table of histories as it is now. */
static inline void
CheckSameKeyTypes(const Pending *of, const HistoriesLayout *layout)
{
	bool same = of->keys->natts == layout->keys.n;

	for (int i = 0; same && i < of->keys->natts; i++)
		same = TupleDescAttr(of->keys, i)->atttypid == TupleDescAttr(layout->deltas, i)->atttypid;
	if (!same)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the keys of histories \"%s\" have changed while purchases wait to "
							   "be written",
							   get_rel_name(of->histories)),
						errhint("Change them in a transaction of its own.")));
}

/* Give the rows that were not written to the deltas; they count as written from here on. */
static void
take_rows(Pending *of, Deltas *deltas)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(of->keys, &TTSOpsMinimalTuple);
	int				level = GetCurrentTransactionNestLevel();

	for (int i = 0; i < of->n; i++)
	{
		PendingRow *row = &of->rows[i];

		if (row->written > 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		ExecStoreMinimalTuple(row->keys, slot, false);
		slot_getallattrs(slot);
		deltas_add_bought(deltas, slot->tts_values, &row->came, false);
		deltas_add_bought(deltas, slot->tts_values, &row->went, true);
		row->written = level;
	}
	ExecDropSingleTupleTableSlot(slot);
	of->unwritten = 0;
	of->size = 0;
	of->written_in = Max(of->written_in, level);
}

/* At the top level nothing brings rows back that were written. */
static void
forget_written(Pending *of)
{
	for (int i = 0; i < of->n; i++)
		free_row(&of->rows[i]);
	of->n = 0;
	of->written_in = 0;
}

static void
write_rows(Pending *of, const Tracked *tracked)
{
	OwnerSwitch	  before = become_owner(of->histories);
	Histories	 *histories = histories_open(tracked, of->why);
	Deltas		 *deltas = deltas_create(histories_layout_of(histories));
	CustomerDelta delta = {.one_statement = false};
	int64		  changed;

	CheckSameKeyTypes(of, histories_layout_of(histories));
	take_rows(of, deltas);
	while (deltas_next(deltas, &delta))
		histories_apply(histories, &delta);
	deltas_free(deltas);
	changed = histories_close(histories);
	if (tracked->notify && changed > 0)
		notify_listeners(tracked);
	become_caller(&before);
}

/*
 * The tracking of a table of histories; NULL if the transaction has ended it, or dropped the extension. Of one whose view
 * the transaction has dropped, what came before is still written, as it would have been at once.
 */
static const Tracked *
tracking_left(Oid histories)
{
	const Tracked *tracked;
	Relation	   source;

	if (!OidIsValid(get_extension_oid("crm", true)) ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(histories)))
		return NULL;
	tracked = tracked_by_histories_if_any(histories);
	if (tracked == NULL || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(tracked->source)))
		return NULL;
	if (!tracking_is_writable(tracked))
	{
		source = table_open(tracked->source, AccessShareLock);
		CheckTrackingComplete(tracked, source, "source");
	}
	return tracked;
}

/* Write what waits for a table of histories. */
static void
settle(Pending *of)
{
	MemoryContext  scratch;
	MemoryContext  before;
	const Tracked *tracked;

	if (of->unwritten == 0)
		return;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "crm settling", ALLOCSET_DEFAULT_SIZES);
	before = MemoryContextSwitchTo(scratch);
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	tracked = tracking_left(of->histories);
	if (tracked)
		write_rows(of, tracked);
	else
		of->unwritten = 0;
	PopActiveSnapshot();
	MemoryContextSwitchTo(before);
	MemoryContextDelete(scratch);
	if (GetCurrentTransactionNestLevel() == 1 && of->unwritten == 0)
		forget_written(of);
}

/* The first that has something to write, by OID; NULL if none has. */
static Pending *
first_unwritten(void)
{
	ListCell *lc;

	foreach (lc, pending)
		if (((Pending *) lfirst(lc))->unwritten > 0)
			return lfirst(lc);
	return NULL;
}

/* Write all that waits, and what triggers on what is written bring. */
static void
settle_all(void)
{
	Pending *of;

	while ((of = first_unwritten()) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		settle(of);
	}
}

/* Write what waits for a table of histories, which is about to be read or made anew. */
void
pending_settle(Oid histories)
{
	ListCell *lc;

	foreach (lc, pending)
		if (((Pending *) lfirst(lc))->histories == histories)
			settle(lfirst(lc));
}

/* (histories regclass) -> void: write what the transaction has brought and taken until now. */
PG_FUNCTION_INFO_V1(crm_settle);
Datum
crm_settle(PG_FUNCTION_ARGS)
{
	pending_settle(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/* ---- the end of the transaction ---- */

/* Tell those who listen, each once. */
static void
tell_listeners(void)
{
	ListCell *lc;

	foreach (lc, listeners)
	{
		Oid	  relid = ((Listeners *) lfirst(lc))->histories;
		char *name = get_rel_name(relid);

		if (name)
			Async_Notify(NOTIFY_CHANNEL, quote_qualified_identifier(
											 get_namespace_name(get_rel_namespace(relid)), name));
	}
}

/* A prepared transaction cannot notify: nobody is told of what it changed. */
static void
transaction_ends(XactEvent event, void *argument)
{
	(void) argument;
	if (waiting == NULL || event == XACT_EVENT_PARALLEL_PRE_COMMIT)
		return;
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
	{
		bool read_only = XactReadOnly;

		/* what came before the transaction was made read only was written then, as its user sees it */
		XactReadOnly = false;
		settle_all();
		XactReadOnly = read_only;
		if (event == XACT_EVENT_PRE_COMMIT)
			tell_listeners();
		return;
	}
	pending = listeners = NIL;
	waiting = NULL;
}

/* The memory of what waits, and to be told of the end. */
static MemoryContext
enter_waiting(void)
{
	static bool listening = false;

	if (!listening)
	{
		RegisterXactCallback(transaction_ends, NULL);
		RegisterSubXactCallback(subtransaction_ends, NULL);
		listening = true;
	}
	if (waiting == NULL)
		waiting = AllocSetContextCreate(TopTransactionContext, "crm pending", ALLOCSET_SMALL_SIZES);
	return MemoryContextSwitchTo(waiting);
}

/* Tell those who listen, when the transaction commits, that segments or tiers changed. */
void
notify_listeners(const Tracked *tracked)
{
	MemoryContext before = enter_waiting();
	Listeners	 *of;
	ListCell	 *lc;

	foreach (lc, listeners)
		if (((Listeners *) lfirst(lc))->histories == tracked->histories)
		{
			/* an outer transaction may have it told already, but not an inner one for it */
			if (((Listeners *) lfirst(lc))->level <= GetCurrentTransactionNestLevel())
			{
				MemoryContextSwitchTo(before);
				return;
			}
		}
	of = palloc(sizeof(Listeners));
	of->histories = tracked->histories;
	of->level = GetCurrentTransactionNestLevel();
	listeners = lappend(listeners, of);
	MemoryContextSwitchTo(before);
}

/* ---- what waits ---- */

static int
compare_pending(const ListCell *a, const ListCell *b)
{
	return CRM_COMPARE(((Pending *) lfirst(a))->histories, ((Pending *) lfirst(b))->histories);
}

static TupleDesc
keys_descriptor(const HistoriesLayout *layout)
{
	TupleDesc desc = CreateTemplateTupleDesc(layout->keys.n);

	for (int i = 0; i < layout->keys.n; i++)
		TupleDescCopyEntry(desc, i + 1, layout->deltas, i + 1);
	return desc;
}

/* What waits for a table of histories, made if nothing does. */
static Pending *
pending_of(Oid histories, const HistoriesLayout *layout, const char *why)
{
	Pending	 *of;
	ListCell *lc;

	foreach (lc, pending)
	{
		of = lfirst(lc);
		if (of->histories != histories)
			continue;
		if (of->unwritten == 0)
			of->why = pstrdup(why);
		else if (strcmp(of->why, why) != 0)
			of->why = "commit";
		return of;
	}
	of = palloc0(sizeof(Pending));
	of->histories = histories;
	of->keys = keys_descriptor(layout);
	of->why = pstrdup(why);
	pending = lappend(pending, of);
	list_sort(pending, compare_pending);
	return of;
}

static MinimalTuple
keys_tuple(TupleDesc desc, Datum *keys)
{
	bool nulls[INDEX_MAX_KEYS] = {0};

#if PG_VERSION_NUM >= 180000
	return heap_form_minimal_tuple(desc, keys, nulls, 0);
#else
	return heap_form_minimal_tuple(desc, keys, nulls);
#endif
}

static void
add_row(Pending *of, const CustomerDelta *delta)
{
	PendingRow *row;

	of->rows = array_with_room(of->rows, of->n, &of->capacity, sizeof(PendingRow));
	row = &of->rows[of->n++];
	row->keys = keys_tuple(of->keys, unconstify(Datum *, delta->keys));
	row->came = bought_copy(&delta->came);
	row->went = bought_copy(&delta->went);
	row->size =
		row->keys->t_len + bought_size(&row->came) + bought_size(&row->went) + sizeof(PendingRow);
	row->level = GetCurrentTransactionNestLevel();
	row->written = 0;
	of->unwritten++;
	of->size += row->size;
}

/*
 * Keep what a statement brought and took until the transaction ends. What would
 * not fit into work_mem is written at once, but in a subtransaction: there it
 * would have to be kept as well.
 */
void
pending_add(const Tracked *tracked, const HistoriesLayout *layout, Deltas *deltas, const char *why)
{
	CustomerDelta delta = {0};
	Pending		 *of;
	MemoryContext before = enter_waiting();

	of = pending_of(tracked->histories, layout, why);
	MemoryContextSwitchTo(before);
	while (deltas_next(deltas, &delta))
	{
		CHECK_FOR_INTERRUPTS();
		before = MemoryContextSwitchTo(waiting);
		add_row(of, &delta);
		MemoryContextSwitchTo(before);
	}
}

/* Write what waits for a table of histories if it has become too much to keep. */
void
pending_bound(Oid histories)
{
	ListCell *lc;

	if (GetCurrentTransactionNestLevel() > 1)
		return;
	foreach (lc, pending)
		if (((Pending *) lfirst(lc))->histories == histories &&
			((Pending *) lfirst(lc))->size > (Size) work_mem * 1024)
			settle(lfirst(lc));
}
