/*
 * decisions.c: what was decided on the tier of a tracked customer: floors,
 * ceilings and memberships, read for those who are being scored.
 *
 * One snapshot serves a statement. A decision that it does not see has either
 * written its customer's row, so that writing that row finds the conflict and
 * everything is looked at anew, or it held the key of a customer without a row,
 * so that whoever inserts the customer looks once more (decisions_read_now).
 */
#include "crm.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "live/catalog.h"
#include "live/decisions.h"
#include "live/kept.h"
#include "live/keys.h"
#include "live/owner.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

/* In the order of crm.tier_override. */
enum
{
	OVERRIDE_FLOOR,
	OVERRIDE_CEILING,
	OVERRIDE_VALID,
	OVERRIDE_COLUMNS
};

struct Decisions
{
	Relation			   rel;
	Relation			   index;
	const DecisionsLayout *layout;
	bool				   by_invitation;
	bool				   no_rows; /* there are none, or none that count */
	bool				   rows_go; /* they are about to be truncated */
	Snapshot			   snapshot;
	TupleTableSlot		  *row;
	ScanKeyData			   equal[INDEX_MAX_KEYS];
	IndexScanDesc		   scan; /* for look-ups */

	IndexScanDesc	ordered;		  /* for all customers one by one; NULL unless there is need */
	Snapshot		ordered_snapshot; /* its own: that of the look-ups is renewed meanwhile */
	TupleTableSlot *ahead;			  /* of a customer to come; empty at the end */
	ScanKeyData		behind[1 + INDEX_MAX_KEYS]; /* its condition, which it points into */
	FmgrInfo		compare[INDEX_MAX_KEYS];

	TupleDesc	  override; /* NULL until there is one */
	MemoryContext home;		/* of what lives until the table is closed */
};

/* What is found of one customer. */
typedef struct Found
{
	List *overrides;   /* as Datum */
	List *memberships; /* as Datum */
} Found;

/* ---- opening and closing ---- */

static AttrNumber
column_named(Relation rel, const char *name)
{
	AttrNumber column = get_attnum(RelationGetRelid(rel), name);

	if (column == InvalidAttrNumber)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("table of decisions \"%s\" has no column \"%s\"",
							   RelationGetRelationName(rel), name)));
	return column;
}

/* Whether an index finds and orders rows by the keys as the primary key of the histories does. */
static bool
index_fits(Relation index, const CustomerKeys *keys, Relation primary_key)
{
	if (index->rd_rel->relam != BTREE_AM_OID || !index->rd_index->indisvalid ||
		IndexRelationGetNumberOfKeyAttributes(index) < keys->n ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < keys->n; i++)
		if (index->rd_index->indkey.values[i] != keys->columns[i] || index->rd_indoption[i] != 0 ||
			index->rd_opfamily[i] != primary_key->rd_opfamily[i] ||
			index->rd_indcollation[i] != primary_key->rd_indcollation[i])
			return false;
	return true;
}

static Oid
find_key_index(Relation rel, const CustomerKeys *keys, Relation primary_key)
{
	ListCell *lc;

	foreach (lc, RelationGetIndexList(rel))
	{
		Relation index = index_open(lfirst_oid(lc), AccessShareLock);
		bool	 fits = index_fits(index, keys, primary_key);

		index_close(index, AccessShareLock);
		if (fits)
			return lfirst_oid(lc);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("table of decisions \"%s\" has no index on the keys of customers",
					RelationGetRelationName(rel)),
			 errhint("Use CREATE INDEX on its key columns, in the order of the primary key of "
					 "the histories.")));
	return InvalidOid; /* not reached */
}

/* A table of decisions, and the histories of those who are decided on with their primary key. */
typedef struct LayoutOf
{
	Relation decisions;
	Relation histories;
	Relation index;
} LayoutOf;

static void *
make_layout(const void *arguments)
{
	const LayoutOf	*of = arguments;
	DecisionsLayout *layout = palloc0(sizeof(DecisionsLayout));

	customer_keys_init(&layout->keys, of->index);
	for (int i = 0; i < layout->keys.n; i++)
	{
		Form_pg_attribute key =
			TupleDescAttr(RelationGetDescr(of->histories), layout->keys.columns[i] - 1);

		layout->keys.columns[i] = column_named(of->decisions, NameStr(key->attname));
		CheckKeyColumn(of->decisions, layout->keys.columns[i], key);
	}
	layout->what = column_of_type(of->decisions, "what", TEXTOID);
	layout->tier = column_of_type(of->decisions, "tier", TEXTOID);
	layout->valid = column_of_type(of->decisions, "valid", DATERANGEOID);
	layout->index = find_key_index(of->decisions, &layout->keys, of->index);
	return layout;
}

/* Where a table of decisions has what; its keys compare as those of the histories do. */
const DecisionsLayout *
decisions_layout(Relation decisions, Relation histories, Relation index)
{
	LayoutOf of = {decisions, histories, index};
	KeptKey	 key = {
		 KEPT_DECISIONS,
		 {RelationGetRelid(decisions), RelationGetRelid(histories), RelationGetRelid(index)}};

	return kept_find_or_make(&key, make_layout, &of);
}

static void
begin_look_ups(Decisions *d)
{
	d->snapshot = RegisterSnapshot(GetLatestSnapshot());
	d->no_rows = d->rows_go || RelationGetNumberOfBlocks(d->rel) == 0;
	d->scan = keys_begin_scan(d->rel, d->index, d->snapshot, d->layout->keys.n);
}

static void
end_look_ups(Decisions *d)
{
	ExecClearTuple(d->row);
	index_endscan(d->scan);
	UnregisterSnapshot(d->snapshot);
}

/*
 * Open the decisions on the customers of some histories, known by their primary
 * key. The lock stays until the end of the transaction.
 */
Decisions *
decisions_open(Oid relid, bool by_invitation, Relation histories, Relation index)
{
	Decisions *d = palloc0(sizeof(Decisions));

	d->rel = open_plain_table(relid, AccessShareLock);
	CheckNoForcedRowSecurity(d->rel, "decisions cannot be followed");
	d->layout = decisions_layout(d->rel, histories, index);
	d->index = index_open(d->layout->index, AccessShareLock);
	d->by_invitation = by_invitation;
	d->home = CurrentMemoryContext;
	d->row = table_slot_create(d->rel, NULL);
	keys_init_equal(&d->layout->keys, d->equal);
	begin_look_ups(d);
	return d;
}

/* Find none from here on. */
void
decisions_ignore_rows(Decisions *d)
{
	d->rows_go = d->no_rows = true;
}

/* See what is committed now. */
void
decisions_renew_snapshot(Decisions *d)
{
	MemoryContext before = MemoryContextSwitchTo(d->home);

	end_look_ups(d);
	begin_look_ups(d);
	MemoryContextSwitchTo(before);
}

void
decisions_close(Decisions *d)
{
	end_look_ups(d);
	if (d->ordered)
	{
		ExecDropSingleTupleTableSlot(d->ahead);
		index_endscan(d->ordered);
		UnregisterSnapshot(d->ordered_snapshot);
	}
	ExecDropSingleTupleTableSlot(d->row);
	index_close(d->index, NoLock);
	table_close(d->rel, NoLock);
}

/* ---- one customer ---- */

/* The row type crm.tier_override. */
static TupleDesc
override_descriptor(Decisions *d)
{
	if (d->override == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(d->home);

		d->override = lookup_rowtype_tupdesc_copy(crm_type("tier_override"), -1);
		MemoryContextSwitchTo(before);
	}
	return d->override;
}

/* A floor or a ceiling as crm.tier_override. */
static void
add_override(Decisions *d, int which, Datum tier, Datum valid, Found *found)
{
	Datum values[OVERRIDE_COLUMNS] = {0};
	bool  nulls[OVERRIDE_COLUMNS] = {true, true, false};

	values[which] = tier;
	nulls[which] = false;
	values[OVERRIDE_VALID] = valid;
	found->overrides = lappend(
		found->overrides,
		DatumGetPointer(HeapTupleGetDatum(heap_form_tuple(override_descriptor(d), values, nulls))));
}

/* A decision says what, for which days, and which tier if it is about one; constraints may have been dropped. */
static inline void
CheckComplete(Decisions *d, TupleTableSlot *row, bool needs_tier)
{
	if (row->tts_isnull[d->layout->what - 1] || row->tts_isnull[d->layout->valid - 1] ||
		(needs_tier && row->tts_isnull[d->layout->tier - 1]))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a decision in \"%s\" is not complete", RelationGetRelationName(d->rel)),
				 errdetail("Columns what and valid cannot be null, nor can the tier of a "
						   "floor or a ceiling.")));
}

/* Take over a row of the customer's. */
static void
add_row(Decisions *d, TupleTableSlot *row, Found *found)
{
	Datum *values;
	char  *what;

	slot_getallattrs(row);
	values = row->tts_values;
	CheckComplete(d, row, false);
	what = TextDatumGetCString(values[d->layout->what - 1]);
	if (strcmp(what, "membership") == 0)
		found->memberships =
			lappend(found->memberships, PG_DETOAST_DATUM_COPY(values[d->layout->valid - 1]));
	else
	{
		CheckComplete(d, row, true);
		add_override(d, strcmp(what, "floor") == 0 ? OVERRIDE_FLOOR : OVERRIDE_CEILING,
					 values[d->layout->tier - 1], values[d->layout->valid - 1], found);
	}
}

static ArrayType *
array_of(List *elements, Oid type)
{
	Datum	 *values;
	int		  n = 0;
	int16	  length;
	bool	  by_value;
	char	  align;
	ListCell *lc;

	if (elements == NIL)
		return construct_empty_array(type);
	values = palloc(sizeof(Datum) * list_length(elements));
	foreach (lc, elements)
		values[n++] = PointerGetDatum(lfirst(lc));
	get_typlenbyvalalign(type, &length, &by_value, &align);
	return construct_array(values, n, type, length, by_value, align);
}

static void
give_out(Decisions *d, const Found *found, CustomerDecisions *decided)
{
	decided->overrides = NULL;
	if (found->overrides != NIL)
		decided->overrides = array_of(found->overrides, override_descriptor(d)->tdtypeid);
	decided->memberships = d->by_invitation ? array_of(found->memberships, DATERANGEOID) : NULL;
}

/* Add the rows with some keys that a scan sees. What the scan allocates is the scan's to keep. */
static void
look_up(Decisions *d, IndexScanDesc scan, const Datum *keys, Found *found)
{
	MemoryContext before = CurrentMemoryContext;

	for (int i = 0; i < d->layout->keys.n; i++)
		d->equal[i].sk_argument = keys[i];
	MemoryContextSwitchTo(d->home);
	index_rescan(scan, d->equal, d->layout->keys.n, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, d->row))
	{
		MemoryContextSwitchTo(before);
		add_row(d, d->row, found);
		MemoryContextSwitchTo(d->home);
	}
	ExecClearTuple(d->row);
	MemoryContextSwitchTo(before);
}

/* What was decided on a customer's tier, in the current memory context. */
void
decisions_read(Decisions *d, const Datum *keys, CustomerDecisions *decided)
{
	Found found = {NIL, NIL};

	if (!d->no_rows)
		look_up(d, d->scan, keys, &found);
	give_out(d, &found, decided);
}

/* The same as it is committed at this moment. */
void
decisions_read_now(Decisions *d, const Datum *keys, CustomerDecisions *decided)
{
	Found		  found = {NIL, NIL};
	Snapshot	  snapshot;
	IndexScanDesc scan;

	if (!d->rows_go && RelationGetNumberOfBlocks(d->rel) > 0)
	{
		snapshot = RegisterSnapshot(GetLatestSnapshot());
		scan = keys_begin_scan(d->rel, d->index, snapshot, d->layout->keys.n);
		look_up(d, scan, keys, &found);
		index_endscan(scan);
		UnregisterSnapshot(snapshot);
	}
	give_out(d, &found, decided);
}

static bool
same_array(const ArrayType *a, const ArrayType *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/* Whether the same was decided, read in the same order. */
bool
same_decisions(const CustomerDecisions *a, const CustomerDecisions *b)
{
	return same_array(a->overrides, b->overrides) && same_array(a->memberships, b->memberships);
}

/* ---- all customers, in key order ---- */

static void
read_ahead(Decisions *d)
{
	MemoryContext before = MemoryContextSwitchTo(d->home);

	if (!index_getnext_slot(d->ordered, ForwardScanDirection, d->ahead))
		ExecClearTuple(d->ahead);
	MemoryContextSwitchTo(before);
}

/* Begin to read the decisions on customers behind a key, or on all, side by side with the histories. */
void
decisions_start_in_order(Decisions *d, const Datum *after)
{
	int nconditions = after ? 1 : 0;

	for (int i = 0; i < d->layout->keys.n; i++)
		fmgr_info_copy(&d->compare[i], index_getprocinfo(d->index, i + 1, BTORDER_PROC),
					   CurrentMemoryContext);
	if (after)
		keys_init_after(d->index, d->layout->keys.n, after, &d->behind[0], &d->behind[1]);
	d->ahead = table_slot_create(d->rel, NULL);
	d->ordered_snapshot = RegisterSnapshot(d->snapshot);
	d->ordered = keys_begin_scan(d->rel, d->index, d->ordered_snapshot, nconditions);
	index_rescan(d->ordered, d->behind, nconditions, NULL, 0);
	if (!d->no_rows)
		read_ahead(d);
}

/* Whether the row ahead is of an earlier (< 0), the same (0) or a later customer (> 0). */
static int
compare_ahead(Decisions *d, const Datum *keys)
{
	for (int i = 0; i < d->layout->keys.n; i++)
	{
		bool  isnull;
		Datum ahead = slot_getattr(d->ahead, d->layout->keys.columns[i], &isnull);
		int	  order = DatumGetInt32(
			  FunctionCall2Coll(&d->compare[i], d->index->rd_indcollation[i], ahead, keys[i]));

		if (order != 0)
			return order;
	}
	return 0;
}

/* What was decided on the tier of a customer who comes behind those that were asked for before. */
void
decisions_read_next(Decisions *d, const Datum *keys, CustomerDecisions *decided)
{
	Found found = {NIL, NIL};
	int	  order;

	while (!TTS_EMPTY(d->ahead) && (order = compare_ahead(d, keys)) <= 0)
	{
		if (order == 0)
			add_row(d, d->ahead, &found);
		read_ahead(d);
	}
	give_out(d, &found, decided);
}

/* ---- decisions on tiers that a program does not have ---- */

static bool
is_known(const TierProgram *program, HeapTupleHeader override)
{
	for (int i = OVERRIDE_FLOOR; i <= OVERRIDE_CEILING; i++)
	{
		bool  isnull;
		Datum tier = GetAttributeByNum(override, i + 1, &isnull);

		if (!isnull && tier_find(program, TextDatumGetCString(tier)) == 0)
			return false;
	}
	return true;
}

/*
 * Those of some overrides (crm.tier_override[]) whose tiers a program has:
 * one that was decided under an earlier program does not count under one
 * without its tier. None if overrides is NULL.
 */
ArrayType *
known_overrides(const TierProgram *program, ArrayType *overrides)
{
	List  *known = NIL;
	Datum *values;
	bool  *nulls;
	int	   n;
	int16  length;
	bool   by_value;
	char   align;

	if (overrides == NULL)
		return NULL;
	get_typlenbyvalalign(ARR_ELEMTYPE(overrides), &length, &by_value, &align);
	deconstruct_array(overrides, ARR_ELEMTYPE(overrides), length, by_value, align, &values, &nulls,
					  &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i] && is_known(program, DatumGetHeapTupleHeader(values[i])))
			known = lappend(known, DatumGetPointer(values[i]));
	return list_length(known) == n ? overrides : array_of(known, ARR_ELEMTYPE(overrides));
}

/* (program, overrides) -> those overrides whose tiers the program has. */
PG_FUNCTION_INFO_V1(crm_known_overrides);
Datum
crm_known_overrides(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(
		known_overrides(DatumGetTierProgram(PG_GETARG_DATUM(0)), PG_GETARG_ARRAYTYPE_P(1)));
}
