/*
 * rules.c: the rules of a tracking, one row of its scoring table each.
 *
 * Every statement looks at the rows that it scores by, since anybody may change
 * them; what was made of them is kept, and serves until they are others. Where
 * keys of customers choose the rule, it is looked up by the primary key of the
 * scoring table: what an order costs does not depend on how many rules there are.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "base/growth.h"
#include "live/catalog.h"
#include "live/kept.h"
#include "live/keys.h"
#include "live/layout.h"
#include "live/rule.h"
#include "live/rules.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* The name of each column, and its type: a built-in one, or one of the extension by name. */
typedef struct RulePartColumn
{
	const char *name;
	Oid			type;
	const char *crm_type;
} RulePartColumn;

static const RulePartColumn rule_part_columns[RULE_PARTS] = {
	[RULE_SCALE] = {"scale", InvalidOid, "rfm_scale"},
	[RULE_SEGMENTS] = {"segments", InvalidOid, "segment_map"},
	[RULE_LOOK_BACK_DAYS] = {"look_back_days", INT4OID, NULL},
	[RULE_TIER_PROGRAM] = {"tier_program", InvalidOid, "tier_program"},
	[RULE_PURCHASE_MODEL] = {"purchase_model", InvalidOid, "purchase_model"},
	[RULE_SPEND_MODEL] = {"spend_model", InvalidOid, "spend_model"},
	[RULE_MARGIN] = {"margin", FLOAT8OID, NULL},
	[RULE_HORIZON_DAYS] = {"horizon_days", INT4OID, NULL},
	[RULE_DISCOUNT_RATE] = {"annual_discount_rate", FLOAT8OID, NULL},
};

/* Where a scoring table has what. */
typedef struct RuleColumns
{
	AttrNumber by[INDEX_MAX_KEYS];
	AttrNumber parts[RULE_PARTS];
	AttrNumber time_zone;
	AttrNumber as_of; /* 0 before the first refresh after an update */
	AttrNumber refreshing_as_of;
	AttrNumber refreshed_on;
} RuleColumns;

/* What a session keeps of a scoring table. */
typedef struct KeptRules
{
	int					nby;				/* key columns that choose the rule */
	int					by[INDEX_MAX_KEYS]; /* which keys of a customer these are */
	const CustomerKeys *keys;
	RuleColumns			columns;

	/* all rules, where no index finds them */
	int			 nrules;
	int			 last; /* the rule found last */
	ScoringRule *rules;
	HeapTuple	*rows; /* that they were made of */

	/* the rules met so far, by the places of their rows, where one does */
	Oid			  index;
	CustomerKeys  index_keys;
	int			  index_by[INDEX_MAX_KEYS]; /* which keys of a customer its columns are */
	HTAB		 *met;
	int64		  made;	   /* rules, some of which may have been replaced since */
	MemoryContext context; /* of all that is kept */
} KeptRules;

/* A rule that was met in its table, and the row that it was made of. */
typedef struct MetRule
{
	ItemPointerData place;
	HeapTuple		row;
	ScoringRule	   *rule;
} MetRule;

/* The rules for a statement. */
struct ScoringRules
{
	KeptRules	*kept;
	Oid			 scoring;
	ScoringRule *found; /* by the look-up before, or NULL */
};

/* A scoring table at a moment, for the customers of some histories. */
typedef struct ScoringTable
{
	Relation scoring;
	Relation histories;
	Relation index;
	Snapshot snapshot;
} ScoringTable;

/* ---- columns ---- */

/* Which of a customer's keys choose the rule: those that the scoring table has too. */
static void
find_scale_by(KeptRules *rules, AttrNumber *columns, const ScoringTable *table)
{
	for (int i = 0; i < rules->keys->n; i++)
	{
		Form_pg_attribute key =
			TupleDescAttr(RelationGetDescr(table->histories), rules->keys->columns[i] - 1);
		AttrNumber column = get_attnum(RelationGetRelid(table->scoring), NameStr(key->attname));

		if (column == InvalidAttrNumber)
			continue;
		CheckKeyColumn(table->scoring, column, key);
		columns[rules->nby] = column;
		rules->by[rules->nby++] = i;
	}
}

static void
find_columns(KeptRules *rules, const ScoringTable *table)
{
	Relation	 scoring = table->scoring;
	RuleColumns *columns = &rules->columns;

	find_scale_by(rules, columns->by, table);
	for (int i = 0; i < RULE_PARTS; i++)
	{
		const RulePartColumn *part = &rule_part_columns[i];

		columns->parts[i] = column_of_type(scoring, part->name,
										   part->crm_type ? crm_type(part->crm_type) : part->type);
	}
	columns->time_zone = column_of_type(scoring, "time_zone", TEXTOID);
	columns->refreshing_as_of = column_of_type(scoring, "refreshing_as_of", DATEOID);
	columns->refreshed_on = column_of_type(scoring, "refreshed_on", DATEOID);
	if (get_attnum(RelationGetRelid(scoring), "as_of") != InvalidAttrNumber)
		columns->as_of = column_of_type(scoring, "as_of", DATEOID);
}

/* ---- rows ---- */

/* What a rule cannot do without is there, though the constraint may not be. */
static inline void
CheckNotNull(TupleTableSlot *row, AttrNumber column)
{
	if (row->tts_isnull[column - 1])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("column \"%s\" of a scoring rule cannot be null",
						NameStr(TupleDescAttr(row->tts_tupleDescriptor, column - 1)->attname))));
}

/* One rule for all, or rules told apart by keys of customers. */
static inline void
CheckRulesToldApart(const KeptRules *rules, Relation scoring)
{
	if (rules->nby == 0 && rules->nrules > 1)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("scoring table \"%s\" has %d rules that no key tells apart",
							   RelationGetRelationName(scoring), rules->nrules),
						errhint("Its key columns must be called as those of the histories are.")));
}

/* A column's value in memory of its own. */
static NullableDatum
copy_column(TupleTableSlot *row, AttrNumber column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->tts_tupleDescriptor, column - 1);
	NullableDatum	  copy = {0};

	copy.isnull = row->tts_isnull[column - 1];
	if (copy.isnull)
		return copy;
	copy.value = row->tts_values[column - 1];
	if (attribute->attlen == -1)
		copy.value = PointerGetDatum(PG_DETOAST_DATUM_COPY(copy.value));
	else
		copy.value = datumCopy(copy.value, attribute->attbyval, attribute->attlen);
	return copy;
}

/* The rule that a row is. */
static void
make_rule(ScoringRule *rule, TupleTableSlot *row, const KeptRules *rules)
{
	const RuleColumns *columns = &rules->columns;

	memset(rule, 0, sizeof(ScoringRule));
	rule->second = -1;
	slot_getallattrs(row);
	CheckNotNull(row, columns->time_zone);
	rule->time_zone = copy_column(row, columns->time_zone).value;
	rule->refreshed_on = copy_column(row, columns->refreshed_on);
	rule->refreshing_as_of = copy_column(row, columns->refreshing_as_of);
	rule->as_of.isnull = true;
	if (columns->as_of != InvalidAttrNumber)
		rule->as_of = copy_column(row, columns->as_of);
	rule->keys = palloc(sizeof(Datum) * Max(rules->nby, 1));
	for (int i = 0; i < rules->nby; i++)
	{
		CheckNotNull(row, columns->by[i]);
		rule->keys[i] = copy_column(row, columns->by[i]).value;
	}
	for (int i = 0; i < RULE_PARTS; i++)
	{
		NullableDatum part = copy_column(row, columns->parts[i]);

		rule->parts[i] = part.value;
		rule->nulls[i] = part.isnull;
	}
}

/* Make the rules of all rows that the snapshot sees. */
static void
make_all(KeptRules *rules, const ScoringTable *table)
{
	int				room = 0;
	TupleTableSlot *row = table_slot_create(table->scoring, NULL);
	TableScanDesc	scan = table_beginscan(table->scoring, table->snapshot, 0, NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		int same = room;

		rules->rules = array_with_room(rules->rules, rules->nrules, &same, sizeof(ScoringRule));
		rules->rows = array_with_room(rules->rows, rules->nrules, &room, sizeof(HeapTuple));
		make_rule(&rules->rules[rules->nrules], row, rules);
		rules->rows[rules->nrules++] = ExecCopySlotHeapTuple(row);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	CheckRulesToldApart(rules, table->scoring);
}

/* Which key of a customer is in a column of the scoring table, or -1. */
static int
key_in_column(const KeptRules *rules, AttrNumber column)
{
	for (int i = 0; i < rules->nby; i++)
		if (rules->columns.by[i] == column)
			return rules->by[i];
	return -1;
}

/* Whether a primary key of the scoring table has just the keys that choose the rule, and how rules are found by it. */
static bool
find_index(KeptRules *rules, Relation scoring)
{
	Relation index;
	bool	 fits;

	list_free(RelationGetIndexList(scoring));
	if (rules->nby == 0 || !OidIsValid(scoring->rd_pkindex))
		return false;
	index = index_open(scoring->rd_pkindex, AccessShareLock);
	customer_keys_init(&rules->index_keys, index);
	fits = rules->index_keys.n == rules->nby;
	for (int i = 0; fits && i < rules->nby; i++)
	{
		rules->index_by[i] = key_in_column(rules, rules->index_keys.columns[i]);
		fits = rules->index_by[i] >= 0;
	}
	if (fits)
		rules->index = RelationGetRelid(index);
	index_close(index, NoLock);
	return fits;
}

static void *
make_rules(const void *of)
{
	const ScoringTable *table = of;
	KeptRules		   *rules = palloc0(sizeof(KeptRules));
	HASHCTL				control = {0};

	rules->keys = &histories_layout(table->histories, table->index)->keys;
	rules->context = CurrentMemoryContext;
	find_columns(rules, table);
	if (!find_index(rules, table->scoring))
	{
		make_all(rules, table);
		return rules;
	}
	control.keysize = sizeof(ItemPointerData);
	control.entrysize = sizeof(MetRule);
	control.hcxt = CurrentMemoryContext;
	rules->met = hash_create("crm rules", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return rules;
}

/* Whether two rows are one version of a row: in one place, by one transaction, of the same bytes. */
static bool
is_same_version(HeapTuple a, HeapTuple b)
{
	Size start = offsetof(HeapTupleHeaderData, t_bits);

	return a->t_len == b->t_len && ItemPointerEquals(&a->t_self, &b->t_self) &&
		   HeapTupleHeaderGetRawXmin(a->t_data) == HeapTupleHeaderGetRawXmin(b->t_data) &&
		   memcmp((char *) a->t_data + start, (char *) b->t_data + start, a->t_len - start) == 0;
}

/* Whether the rules were made of just the rows that the snapshot sees. */
static bool
rows_are_the_same(const KeptRules *rules, const ScoringTable *table)
{
	TupleTableSlot *row = table_slot_create(table->scoring, NULL);
	TableScanDesc	scan = table_beginscan(table->scoring, table->snapshot, 0, NULL);
	int				n = 0;
	bool			same = true;

	while (same && table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		bool	  copied;
		HeapTuple version = ExecFetchSlotHeapTuple(row, false, &copied);

		same = n < rules->nrules && is_same_version(rules->rows[n++], version);
		if (copied)
			heap_freetuple(version);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	return same && n == rules->nrules;
}

/* Whether most of the rules that were made have been replaced since: nobody frees them one by one. */
static inline bool
is_mostly_replaced(const KeptRules *rules)
{
	return rules->made > 2 * (int64) hash_get_num_entries(rules->met) + 64;
}

/* Whether what is kept of a scoring table serves a statement. */
static bool
rules_serve(const KeptRules *rules, const ScoringTable *table)
{
	return rules->met ? !is_mostly_replaced(rules) : rows_are_the_same(rules, table);
}

/*
 * The rules of a tracking as they are committed now, to be asked for in the
 * current memory context. The lock on their table stays until the end of the
 * transaction: a refresh, having put new rules in force, waits for those who
 * still score by the old ones.
 */
ScoringRules *
scoring_rules_read(Oid relid, Relation histories, Relation index)
{
	KeptKey		  key = {KEPT_RULES, {relid, RelationGetRelid(histories), RelationGetRelid(index)}};
	ScoringTable  table = {open_plain_table(relid, RowExclusiveLock), histories, index, NULL};
	ScoringRules *rules = palloc0(sizeof(ScoringRules));

	rules->scoring = relid;
	rules->kept = kept_find(&key);
	table.snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (rules->kept == NULL || !rules_serve(rules->kept, &table))
	{
		kept_forget(&key);
		rules->kept = kept_find_or_make(&key, make_rules, &table);
	}
	UnregisterSnapshot(table.snapshot);
	table_close(table.scoring, NoLock);
	return rules;
}

/* ---- the rule for a customer ---- */

static bool
rule_is_for(const KeptRules *rules, const ScoringRule *rule, const Datum *keys)
{
	for (int i = 0; i < rules->nby; i++)
	{
		int		 key = rules->by[i];
		FmgrInfo equal;

		/* what is kept must not be in use twice, if the function itself writes orders */
		fmgr_info_copy(&equal, &rules->keys->equal[key], CurrentMemoryContext);
		if (!DatumGetBool(
				FunctionCall2Coll(&equal, rules->keys->collations[key], rule->keys[i], keys[key])))
			return false;
	}
	return true;
}

/* The rule for a customer among all, or NULL. */
static ScoringRule *
find_among_all(KeptRules *rules, const Datum *keys)
{
	for (int i = 0; i < rules->nrules; i++)
	{
		int at = (rules->last + i) % rules->nrules;

		if (rule_is_for(rules, &rules->rules[at], keys))
		{
			rules->last = at;
			return &rules->rules[at];
		}
	}
	return NULL;
}

/* The rule that a row is: the one that was made of this version of it, or a new one. */
static ScoringRule *
rule_of_row(KeptRules *rules, TupleTableSlot *row)
{
	bool		  copied;
	HeapTuple	  version = ExecFetchSlotHeapTuple(row, false, &copied);
	MetRule		 *met = hash_search(rules->met, &row->tts_tid, HASH_FIND, NULL);
	ScoringRule	 *rule = met && is_same_version(met->row, version) ? met->rule : NULL;
	MemoryContext before;

	if (rule == NULL)
	{
		before = MemoryContextSwitchTo(rules->context);
		rule = palloc(sizeof(ScoringRule));
		make_rule(rule, row, rules);
		version = ExecCopySlotHeapTuple(row);
		met = hash_search(rules->met, &row->tts_tid, HASH_ENTER, NULL);
		met->row = version;
		met->rule = rule;
		rules->made++;
		MemoryContextSwitchTo(before);
	}
	else if (copied)
		heap_freetuple(version);
	return rule;
}

/* The rule for a customer as it is committed now, through the primary key of the scoring table, or NULL. */
static ScoringRule *
look_up(ScoringRules *rules, const Datum *keys)
{
	KeptRules	   *kept = rules->kept;
	Relation		scoring = table_open(rules->scoring, NoLock);
	Relation		index = index_open(kept->index, AccessShareLock);
	Snapshot		snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *row = table_slot_create(scoring, NULL);
	IndexScanDesc	scan = keys_begin_scan(scoring, index, snapshot, kept->nby);
	ScanKeyData		conditions[INDEX_MAX_KEYS];
	ScoringRule	   *rule = NULL;

	keys_init_equal(&kept->index_keys, conditions);
	for (int i = 0; i < kept->nby; i++)
		conditions[i].sk_argument = keys[kept->index_by[i]];
	index_rescan(scan, conditions, kept->nby, NULL, 0);
	if (index_getnext_slot(scan, ForwardScanDirection, row))
		rule = rule_of_row(kept, row);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	UnregisterSnapshot(snapshot);
	index_close(index, NoLock);
	table_close(scoring, NoLock);
	return rule;
}

/* The rule for a customer, or NULL if there is none yet. */
ScoringRule *
scoring_rule_of(ScoringRules *rules, const Datum *keys)
{
	ScoringRule *found = rules->found;

	if (rules->kept->met == NULL)
		return find_among_all(rules->kept, keys);
	/* customers come in key order: mostly, the one before has the same rule */
	if (found && rule_is_for(rules->kept, found, keys))
		return found;
	return rules->found = look_up(rules, keys);
}

/* The day on which the running statement falls, in a rule's time zone, which is ahead of UTC by whole seconds. */
static DateADT
statement_day(ScoringRule *rule)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (rule->second != statement / USECS_PER_SEC)
	{
		Datum local =
			DirectFunctionCall2(timestamptz_zone, rule->time_zone, TimestampTzGetDatum(statement));

		rule->day = DatumGetDateADT(DirectFunctionCall1(timestamp_date, local));
		rule->second = statement / USECS_PER_SEC;
	}
	return rule->day;
}

/*
 * The day that statements score as of: today where the rule's customers are, or that of a
 * refresh that went or goes ahead of it: who was reached by a running one and buys then
 * stays as of its day. A tracking of the past stays at the day of its last refresh, since
 * all customers have to be scored as of one.
 */
DateADT
scoring_today(ScoringRule *rule)
{
	const NullableDatum *refresh =
		rule->refreshing_as_of.isnull ? &rule->refreshed_on : &rule->refreshing_as_of;
	DateADT day;

	if (!rule->as_of.isnull)
		return DatumGetDateADT(refresh->isnull ? rule->as_of.value : refresh->value);
	day = statement_day(rule);
	return refresh->isnull ? day : Max(day, DatumGetDateADT(refresh->value));
}

/* The day that a refresh scores as of, today if none is running. */
DateADT
scoring_refresh_day(ScoringRule *rule)
{
	return rule->refreshing_as_of.isnull ? scoring_today(rule)
										 : DatumGetDateADT(rule->refreshing_as_of.value);
}
