/*
 * histories.c: the table of histories, written a customer at a time.
 *
 * This is an INSERT ... ON CONFLICT DO UPDATE whose new row is computed here:
 * a look-up through the primary key, then an update of the version found, or
 * a speculative insertion, and once more from the start if another session was
 * there in between. Callers come in key order, so that two statements can
 * wait for each other but never in a circle.
 *
 * write.c writes the row.
 */
#include "crm.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "live/catalog.h"
#include "live/changes.h"
#include "live/decisions.h"
#include "live/delta.h"
#include "live/histories.h"
#include "live/keys.h"
#include "live/layout.h"
#include "live/lost.h"
#include "live/owner.h"
#include "live/rule.h"
#include "live/rules.h"
#include "live/score.h"
#include "live/shards.h"
#include "live/tracked.h"
#include "live/write.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

struct Histories
{
	Relation			   rel;
	Relation			   index; /* its primary key */
	int					   nkeys;
	const HistoriesLayout *layout;
	ScanKey				   scan_keys;
	IndexScanDesc		   scan; /* for look-ups, with the active snapshot */
	TupleTableSlot		  *old_row;
	TupleTableSlot		  *new_row;
	RowWriter			  *writer;
	ScoringRules		  *rules;
	Decisions			  *decisions; /* NULL if the tracking keeps none */
	ChangeLog			  *changes;
	int64				   written;	 /* rows so far */
	int64				   differed; /* of those refilled, in what was bought */
	List		 *moved;  /* of MovedPurchases *: to be taken from rows that have another key now */
	List		 *moving; /* the same of the customer at hand, until the row is written */
	MemoryContext home;	  /* of what lives until the table is closed */
	MemoryContext context; /* of one customer */
};

/* ---- opening and closing ---- */

static Relation
open_primary_key(Relation rel)
{
	Oid index;

	RelationGetIndexList(rel);
	index = rel->rd_pkindex;
	if (!OidIsValid(index))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("table of histories \"%s\" has no primary key",
							   RelationGetRelationName(rel))));
	return index_open(index, RowExclusiveLock);
}

/* Open a table of histories for writing; why is what the changes are recorded with. */
Histories *
histories_open(const Tracked *tracked, const char *why)
{
	Histories *t = palloc0(sizeof(Histories));

	t->rel = open_plain_table(tracked->histories, RowExclusiveLock);
	CheckNoForcedRowSecurity(t->rel, "histories cannot be kept");
	CheckRowsAreHere(t->rel);
	t->index = open_primary_key(t->rel);
	t->layout = histories_layout(t->rel, t->index);
	t->nkeys = t->layout->keys.n;
	t->scan_keys = palloc(sizeof(ScanKeyData) * t->nkeys);
	keys_init_equal(&t->layout->keys, t->scan_keys);

	t->old_row = table_slot_create(t->rel, NULL);
	t->new_row = MakeSingleTupleTableSlot(RelationGetDescr(t->rel), &TTSOpsVirtual);
	t->writer = row_writer_create(t->rel, t->index, t->layout->written, t->layout->given);
	t->rules = scoring_rules_read(tracked->scoring, t->rel, t->index);
	t->changes = change_log_open(tracked->changes, t->rel, t->index, why);
	t->context =
		AllocSetContextCreate(CurrentMemoryContext, "crm customer", ALLOCSET_DEFAULT_SIZES);
	t->home = CurrentMemoryContext;
	PushActiveSnapshot(GetTransactionSnapshot());
	t->scan = keys_begin_scan(t->rel, t->index, GetActiveSnapshot(), t->nkeys);
	if (OidIsValid(tracked->decisions))
		t->decisions = decisions_open(tracked->decisions, tracked->by_invitation, t->rel, t->index);
	return t;
}

const HistoriesLayout *
histories_layout_of(Histories *t)
{
	return t->layout;
}

Relation
histories_index(Histories *t)
{
	return t->index;
}

Relation
histories_relation(Histories *t)
{
	return t->rel;
}

Decisions *
histories_decisions(Histories *t)
{
	return t->decisions;
}

ScoringRule *
histories_rule_of(Histories *t, const Datum *keys)
{
	return scoring_rule_of(t->rules, keys);
}

/* Score as if there were no decisions from here on: they are about to be truncated. */
void
histories_ignore_decisions(Histories *t)
{
	decisions_ignore_rows(t->decisions);
}

/* ---- one customer ---- */

/* The customer's row, as the snapshot sees it, in old_row. What the scan allocates is the scan's to keep. */
static bool
find_row(Histories *t, const Datum *keys)
{
	MemoryContext before = MemoryContextSwitchTo(t->home);
	bool		  found;

	for (int i = 0; i < t->nkeys; i++)
		t->scan_keys[i].sk_argument = keys[i];
	index_rescan(t->scan, t->scan_keys, t->nkeys, NULL, 0);
	found = index_getnext_slot(t->scan, ForwardScanDirection, t->old_row);
	MemoryContextSwitchTo(before);
	return found;
}

/* Look at everything with a new snapshot; decisions with one that is not older than that of the rows. */
static void
renew_snapshot(Histories *t)
{
	MemoryContext before;

	CHECK_FOR_INTERRUPTS();
	ExecClearTuple(t->old_row);
	index_endscan(t->scan);
	PopActiveSnapshot();
	before = MemoryContextSwitchTo(t->home);
	PushActiveSnapshot(GetTransactionSnapshot());
	t->scan = keys_begin_scan(t->rel, t->index, GetActiveSnapshot(), t->nkeys);
	if (t->decisions)
		decisions_renew_snapshot(t->decisions);
	MemoryContextSwitchTo(before);
}

/* Look at everything anew, as far as the isolation level allows. */
void
histories_renew_snapshot(Histories *t)
{
	renew_snapshot(t);
}

/* Another session wrote the row since the snapshot: see it, if the isolation level allows. */
static void
see_other_sessions(Histories *t)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("could not serialize access due to concurrent update")));
	CommandCounterIncrement(); /* or it was this one, just now */
	renew_snapshot(t);
}

/* Whether another session wrote the customer's row since the snapshot, so that old_row is not the row of now. */
static bool
is_written_since(Histories *t, bool found)
{
	Snapshot		latest = RegisterSnapshot(GetLatestSnapshot());
	IndexScanDesc	scan = keys_begin_scan(t->rel, t->index, latest, t->nkeys);
	TupleTableSlot *row = table_slot_create(t->rel, NULL);
	bool			found_now;
	bool			differs;

	index_rescan(scan, t->scan_keys, t->nkeys, NULL, 0);
	found_now = index_getnext_slot(scan, ForwardScanDirection, row);
	differs =
		found_now != found || (found && !ItemPointerEquals(&row->tts_tid, &t->old_row->tts_tid));
	ExecDropSingleTupleTableSlot(row);
	index_endscan(scan);
	UnregisterSnapshot(latest);
	return differs;
}

/*
 * Change what a customer bought: plus what came, minus what went; false if it has
 * not what went because another session has written it since. What one
 * statement takes was there before it; statements within each other take what
 * they bring as well.
 */
static bool
change_bought(Histories *t, Bought *bought, const CustomerDelta *delta, bool found)
{
	Bought		  after = bought_plus(bought, &delta->came);
	const Bought *held = delta->one_statement ? bought : &after;
	Bought		  went = delta->went;

	if (!bought_is_empty(&went))
	{
		if (unlikely(!found || !bought_holds(held, &went)))
		{
			if (is_written_since(t, found))
				return false;
			went =
				purchases_not_lost(t->rel, t->index, t->layout, held, delta, t->home, &t->moving);
		}
		after = bought_minus(&after, &went);
	}
	*bought = after;
	return true;
}

static inline bool
same_value(Datum a, bool a_null, Datum b, bool b_null, Form_pg_attribute column)
{
	if (a_null || b_null)
		return a_null == b_null;
	return datum_image_eq(a, b, column->attbyval, column->attlen);
}

/* Whether a row has another score. */
bool
histories_score_differs(Histories *t, TupleTableSlot *row, const Score *score)
{
	for (int i = 0; i < SCORE_COLUMNS; i++)
	{
		int				  column = t->layout->scores[i] - 1;
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(t->rel), column);

		if (!same_value(row->tts_values[column], row->tts_isnull[column], score->values[i],
						score->nulls[i], attribute))
			return true;
	}
	return false;
}

/* Whether a row is scored as of a later day than a rule's, or of none. */
bool
histories_scored_on_differs(Histories *t, TupleTableSlot *row, const ScoringRule *rule,
							DateADT as_of)
{
	int column = t->layout->scored_on - 1;

	return rule && (row->tts_isnull[column] || DatumGetDateADT(row->tts_values[column]) > as_of);
}

/* Put a score into new_row; returns whether it differs from what stood there. */
static bool
set_scores(Histories *t, const Score *score)
{
	bool differs = histories_score_differs(t, t->new_row, score);

	for (int i = 0; i < SCORE_COLUMNS; i++)
	{
		int column = t->layout->scores[i] - 1;

		t->new_row->tts_values[column] = score->values[i];
		t->new_row->tts_isnull[column] = score->nulls[i];
	}
	return differs;
}

static inline void
set_column(Histories *t, AttrNumber column, Datum value, bool isnull)
{
	t->new_row->tts_values[column - 1] = value;
	t->new_row->tts_isnull[column - 1] = isnull;
}

/* Fill new_row from the values that stand in it, what was bought and its score; returns whether the score is another. */
static bool
fill_row(Histories *t, const ScoringRule *rule, const Bought *bought, DateADT as_of,
		 const Score *score)
{
	bool is_new = t->new_row->tts_isnull[t->layout->history - 1];
	bool differs;

	set_column(t, t->layout->history, PointerGetDatum(bought->history), false);
	if (t->layout->mix != InvalidAttrNumber)
		set_column(t, t->layout->mix, PointerGetDatum(bought->mix), bought->mix == NULL);
	set_column(t, t->layout->scored_on, DateADTGetDatum(as_of), rule == NULL);
	differs = set_scores(t, score);
	if (differs || is_new)
		set_column(t, t->layout->updated_at,
				   TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
	ExecStoreVirtualTuple(t->new_row);
	return differs;
}

/* Start new_row as a copy of old_row, or as a new customer. */
static void
start_row(Histories *t, const Datum *keys, bool found)
{
	TupleDesc desc = RelationGetDescr(t->rel);

	ExecClearTuple(t->new_row);
	if (found)
	{
		slot_getallattrs(t->old_row);
		memcpy(t->new_row->tts_values, t->old_row->tts_values, sizeof(Datum) * desc->natts);
		memcpy(t->new_row->tts_isnull, t->old_row->tts_isnull, sizeof(bool) * desc->natts);
		return;
	}
	memset(t->new_row->tts_isnull, true, sizeof(bool) * desc->natts);
	row_writer_set_defaults(t->writer, t->new_row);
	for (int i = 0; i < t->nkeys; i++)
		set_column(t, t->layout->keys.columns[i], keys[i], false);
}

/* Record that a column of the score names the customer otherwise than before. */
static void
record_change(Histories *t, const Datum *keys, bool found, const Score *score, ScoreColumn what)
{
	int	 column = t->layout->scores[what] - 1;
	bool old_null = !found || t->old_row->tts_isnull[column];

	change_log_add(t->changes, keys, score_column_names[what],
				   old_null ? (Datum) 0 : t->old_row->tts_values[column], old_null,
				   score->values[what], score->nulls[what]);
}

/*
 * Hold the key of a customer who has no history, until the transaction ends, or
 * else a first order beside a decision would be scored without it. False if
 * another session was in the way.
 */
static bool
hold_key(Histories *t, const Datum *keys)
{
	start_row(t, keys, false);
	set_column(t, t->layout->history, PointerGetDatum(purchase_history_create(0)), false);
	ExecStoreVirtualTuple(t->new_row);
	return row_writer_hold_key(t->writer, t->new_row, GetActiveSnapshot());
}

/* Why a customer is written. */
typedef enum Occasion
{
	OCCASION_PURCHASES, /* what was bought changes */
	OCCASION_REFRESH,	/* time passes, or rules change */
	OCCASION_REFILL,	/* all that was bought is told anew */
	OCCASION_DECISION	/* what was decided on the tier changed */
} Occasion;

typedef enum Outcome
{
	WRITTEN,	  /* or right as it was */
	NOT_WRITTEN,  /* another session was in the way: once more */
	WRITTEN_STALE /* another session decided on the tier just before the row was there: once more */
} Outcome;

/* Whether what is decided on a new customer's tier is not what the row was scored with. */
static bool
is_stale_insert(Histories *t, ScoringRule *rule, const Datum *keys,
				const CustomerDecisions *decided)
{
	CustomerDecisions now;

	if (!t->decisions || !scoring_rule_has_tiers(rule))
		return false;
	decisions_read_now(t->decisions, keys, &now);
	return !same_decisions(decided, &now);
}

/* Whether a score was computed from the version of a row that is at hand, by the same rule and decisions. */
static bool
is_of_row(const KnownScore *known, TupleTableSlot *row, const ScoringRule *rule,
		  const CustomerDecisions *decided)
{
	return known && known->rule == rule &&
		   ItemPointerEquals((ItemPointer) &known->place, &row->tts_tid) &&
		   same_decisions(&known->decided, decided);
}

/* One attempt to write a customer; delta is NULL unless purchases changed, known unless the row was scored before. */
static Outcome
try_write(Histories *t, const Datum *keys, const CustomerDelta *delta, const KnownScore *known,
		  Occasion occasion)
{
	bool			  found = find_row(t, keys);
	ScoringRule		 *rule = scoring_rule_of(t->rules, keys);
	Bought			  bought = found ? bought_in_row(t->layout, t->old_row) : bought_nothing();
	Bought			  before = bought;
	CustomerDecisions decided = {0};
	DateADT			  as_of = 0;
	Score			  score;
	bool			  score_differs;
	bool			  is_same;
	bool			  written;

	t->moving = NIL;
	if (delta && delta->whole)
		bought = *delta->whole;
	else if (delta && !change_bought(t, &bought, delta, found))
		return NOT_WRITTEN;
	if (rule)
		as_of = occasion == OCCASION_REFRESH || occasion == OCCASION_REFILL
					? scoring_refresh_day(rule)
					: scoring_today(rule);
	if (!found && bought_is_empty(&bought))
		return occasion != OCCASION_DECISION || hold_key(t, keys) ? WRITTEN : NOT_WRITTEN;

	start_row(t, keys, found);
	if (t->decisions && scoring_rule_has_tiers(rule))
		decisions_read(t->decisions, keys, &decided);
	if (found && is_of_row(known, t->old_row, rule, &decided))
		score = known->score;
	else
		score_customer(rule, scored_history(t->layout, bought.history), as_of, &decided, &score);
	score_differs = fill_row(t, rule, &bought, as_of, &score);
	is_same = found && occasion == OCCASION_REFILL && bought_equal(&before, &bought);
	if (is_same && !score_differs && !histories_scored_on_differs(t, t->old_row, rule, as_of))
		return WRITTEN;
	written =
		found ? row_writer_update(t->writer, &t->old_row->tts_tid, t->new_row, GetActiveSnapshot())
			  : row_writer_insert(t->writer, t->new_row);
	if (!written)
		return NOT_WRITTEN;
	t->written++;
	t->differed += !is_same;
	record_change(t, keys, found, &score, SCORE_SEGMENT);
	record_change(t, keys, found, &score, SCORE_TIER);
	return !found && is_stale_insert(t, rule, keys, &decided) ? WRITTEN_STALE : WRITTEN;
}

/* What has to be taken from other rows, now that this one is written. */
static void
take_over_moving(Histories *t)
{
	MemoryContext before;

	if (t->moving == NIL)
		return;
	before = MemoryContextSwitchTo(t->home);
	t->moved = list_concat(t->moved, t->moving);
	t->moving = NIL;
	MemoryContextSwitchTo(before);
}

/* Write a customer; the row stays, with an empty history and no scores, when the last purchase has gone. */
static void
write_customer(Histories *t, const Datum *keys, const CustomerDelta *delta, const KnownScore *known,
			   Occasion occasion)
{
	MemoryContext before = MemoryContextSwitchTo(t->context);
	Outcome		  outcome;

	while ((outcome = try_write(t, keys, delta, known, occasion)) != WRITTEN)
	{
		if (outcome == NOT_WRITTEN)
			see_other_sessions(t);
		else
		{
			delta = NULL;
			CommandCounterIncrement();
			renew_snapshot(t);
		}
	}
	take_over_moving(t);
	/* a trigger of the log may have written customers who come later */
	if (change_log_wrote(t->changes))
		renew_snapshot(t);
	ExecClearTuple(t->old_row);
	row_writer_row_done(t->writer);
	MemoryContextSwitchTo(before);
	MemoryContextReset(t->context);
}

/* Add to a customer's history what came, take away what went, and score what is there then. */
void
histories_apply(Histories *t, const CustomerDelta *delta)
{
	CHECK_FOR_INTERRUPTS();
	/* an update of columns that are no purchase changes nothing */
	if (!bought_equal(&delta->came, &delta->went))
		write_customer(t, delta->keys, delta, NULL, OCCASION_PURCHASES);
}

/* Score a customer anew after a decision; the row is written in any case, which sessions beside this one see. */
void
histories_decide(Histories *t, const Datum *keys)
{
	CHECK_FOR_INTERRUPTS();
	write_customer(t, keys, NULL, NULL, OCCASION_DECISION);
}

/* Write a customer whose score, as of the day of a refresh, is not what the row has. */
void
histories_rescore(Histories *t, const Datum *keys, const KnownScore *known)
{
	write_customer(t, keys, NULL, known, OCCASION_REFRESH);
}

/* Make a customer's row what all of the purchases say, scored as of the day of a refresh, unless it is. */
void
histories_refill(Histories *t, const Datum *keys, const Bought *whole)
{
	CustomerDelta delta = {.keys = keys, .whole = whole};

	CHECK_FOR_INTERRUPTS();
	write_customer(t, keys, &delta, NULL, OCCASION_REFILL);
}

/* How many rows were written so far, and how many of those refilled had other purchases before. */
void
histories_count_written(Histories *t, int64 *written, int64 *differed)
{
	*written = t->written;
	*differed = t->differed;
}

/* ---- the end ---- */

/* Take purchases away from the rows that they have moved to, which may have been written just before. */
static void
apply_moved(Histories *t)
{
	while (t->moved != NIL)
	{
		MovedPurchases *moved = linitial(t->moved);
		CustomerDelta delta = {.keys = moved->keys, .came = bought_nothing(), .went = moved->went};

		t->moved = list_delete_first(t->moved);
		CommandCounterIncrement();
		renew_snapshot(t);
		histories_apply(t, &delta);
	}
}

/* Make what was written visible to the next command; returns how many segments changed. */
int64
histories_close(Histories *t)
{
	int64 changed;

	apply_moved(t);
	if (t->decisions)
		decisions_close(t->decisions);
	index_endscan(t->scan);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(t->old_row);
	ExecDropSingleTupleTableSlot(t->new_row);
	CommandCounterIncrement();
	changed = change_log_close(t->changes);
	row_writer_free(t->writer);
	MemoryContextDelete(t->context);
	index_close(t->index, NoLock);
	table_close(t->rel, NoLock);
	return changed;
}
