/*
 * rules.c: the rules of a tracking, one row of its scoring table each.
 *
 * Every statement looks at the rows, since anybody may change them; what was
 * made of them is kept, and serves until they are others.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
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

struct ScoringRules
{
	int					nby;				/* key columns that choose the rule */
	int					by[INDEX_MAX_KEYS]; /* which keys of a customer these are */
	const CustomerKeys *keys;
	int					nrules;
	int					last; /* the rule found last */
	ScoringRule		   *rules;
	HeapTuple		   *rows; /* that they were made of */
};

/* A scoring table at a moment, for the customers of some histories. */
typedef struct ScoringTable
{
	Relation scoring;
	Relation histories;
	Relation index;
	Snapshot snapshot;
} ScoringTable;

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

/* ---- columns ---- */

/* Which of a customer's keys choose the rule: those that the scoring table has too. */
static void
find_scale_by(ScoringRules *rules, AttrNumber *columns, const ScoringTable *table)
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
find_columns(ScoringRules *rules, RuleColumns *columns, const ScoringTable *table)
{
	Relation scoring = table->scoring;

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
CheckRulesToldApart(const ScoringRules *rules, Relation scoring)
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
make_rule(ScoringRule *rule, TupleTableSlot *row, const ScoringRules *rules,
		  const RuleColumns *columns)
{
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
static void *
make_rules(const void *of)
{
	const ScoringTable *table = of;
	ScoringRules	   *rules = palloc0(sizeof(ScoringRules));
	int					capacity = 1;
	RuleColumns			columns = {0};
	TupleTableSlot	   *row = table_slot_create(table->scoring, NULL);
	TableScanDesc		scan;

	rules->keys = &histories_layout(table->histories, table->index)->keys;
	find_columns(rules, &columns, table);
	rules->rules = palloc0(sizeof(ScoringRule));
	rules->rows = palloc(sizeof(HeapTuple));
	scan = table_beginscan(table->scoring, table->snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		if (rules->nrules == capacity)
		{
			capacity *= 2;
			rules->rules = repalloc(rules->rules, sizeof(ScoringRule) * capacity);
			rules->rows = repalloc(rules->rows, sizeof(HeapTuple) * capacity);
		}
		memset(&rules->rules[rules->nrules], 0, sizeof(ScoringRule));
		rules->rules[rules->nrules].second = -1;
		make_rule(&rules->rules[rules->nrules], row, rules, &columns);
		rules->rows[rules->nrules++] = ExecCopySlotHeapTuple(row);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	CheckRulesToldApart(rules, table->scoring);
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
rows_are_the_same(const ScoringRules *rules, const ScoringTable *table)
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

/*
 * The rules of a tracking as they are committed now. The lock on their table
 * stays until the end of the transaction: a refresh, having put new rules in
 * force, waits for those who still score by the old ones.
 */
ScoringRules *
scoring_rules_read(Oid relid, Relation histories, Relation index)
{
	KeptKey		  key = {KEPT_RULES, {relid, RelationGetRelid(histories), RelationGetRelid(index)}};
	ScoringTable  table = {open_plain_table(relid, RowExclusiveLock), histories, index, NULL};
	ScoringRules *rules = kept_find(&key);

	table.snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (rules == NULL || !rows_are_the_same(rules, &table))
	{
		kept_forget(&key);
		rules = kept_find_or_make(&key, make_rules, &table);
	}
	UnregisterSnapshot(table.snapshot);
	table_close(table.scoring, NoLock);
	return rules;
}

/* ---- the rule for a customer ---- */

static bool
rule_is_for(ScoringRules *rules, const ScoringRule *rule, const Datum *keys)
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

/* The rule for a customer, or NULL if there is none yet. */
ScoringRule *
scoring_rule_of(ScoringRules *rules, const Datum *keys)
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
 * refresh that went ahead of it. A tracking of the past stays at the day of its last refresh,
 * since all customers have to be scored as of one.
 */
DateADT
scoring_today(ScoringRule *rule)
{
	DateADT day;

	if (!rule->as_of.isnull)
		return DatumGetDateADT(rule->refreshed_on.isnull ? rule->as_of.value
														 : rule->refreshed_on.value);
	day = statement_day(rule);
	return rule->refreshed_on.isnull ? day : Max(day, DatumGetDateADT(rule->refreshed_on.value));
}

/* The day that a refresh scores as of, today if none is running. */
DateADT
scoring_refresh_day(ScoringRule *rule)
{
	return rule->refreshing_as_of.isnull ? scoring_today(rule)
										 : DatumGetDateADT(rule->refreshing_as_of.value);
}
