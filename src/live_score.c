/*
 * live_score.c: the one place that scores a customer: from a history, a rule
 * and a day, what the table of histories keeps beside the history.
 *
 * The triggers, refresh, verify, snapshot and the functions "customers on a
 * day" all come here; crm.score_customer is its SQL form.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "live.h"
#include "rfm.h"
#include "segment_map.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* In the order of ScoreColumn and of crm.customer_score. */
const char *const score_column_names[SCORE_COLUMNS] = {
	[SCORE_RFM] = "rfm",
	[SCORE_RECENCY] = "recency_score",
	[SCORE_FREQUENCY] = "frequency_score",
	[SCORE_MONETARY] = "monetary_score",
	[SCORE_SEGMENT] = "segment",
	[SCORE_SEGMENT_RANK] = "segment_rank",
	[SCORE_TIER] = "tier",
	[SCORE_P_ALIVE] = "p_alive",
	[SCORE_EXPECTED_PURCHASES] = "expected_purchases",
	[SCORE_CLV] = "clv",
	[SCORE_EXPECTED_NEXT_ORDER_ON] = "expected_next_order_on",
};

const Oid score_column_types[SCORE_COLUMNS] = {
	[SCORE_RFM] = TEXTOID,
	[SCORE_RECENCY] = INT2OID,
	[SCORE_FREQUENCY] = INT2OID,
	[SCORE_MONETARY] = INT2OID,
	[SCORE_SEGMENT] = TEXTOID,
	[SCORE_SEGMENT_RANK] = INT2OID,
	[SCORE_TIER] = TEXTOID,
	[SCORE_P_ALIVE] = FLOAT8OID,
	[SCORE_EXPECTED_PURCHASES] = FLOAT8OID,
	[SCORE_CLV] = FLOAT8OID,
	[SCORE_EXPECTED_NEXT_ORDER_ON] = DATEOID,
};

/* What a rule is made of: the columns of a scoring table, and the arguments of crm.score_customer. */
typedef enum RulePart
{
	RULE_SCALE,
	RULE_SEGMENTS,
	RULE_LOOK_BACK_DAYS,
	RULE_TIER_PROGRAM,
	RULE_PURCHASE_MODEL,
	RULE_SPEND_MODEL,
	RULE_MARGIN,
	RULE_HORIZON_DAYS,
	RULE_DISCOUNT_RATE,
	RULE_PARTS
} RulePart;

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
	[RULE_DISCOUNT_RATE] = {"discount_rate", FLOAT8OID, NULL},
};

/* The functions that a score is made with. */
typedef enum Scorer
{
	SCORER_RFM,
	SCORER_SEGMENT,
	SCORER_SEGMENT_RANK,
	SCORER_TIER,
	SCORER_P_ALIVE,
	SCORER_EXPECTED_PURCHASES,
	SCORER_CLV,
	SCORER_NEXT_PURCHASE,
	SCORERS
} Scorer;

static const char *const scorer_signatures[SCORERS] = {
	[SCORER_RFM] = "crm.rfm_score(crm.rfm_scale,crm.purchase_history,pg_catalog.date)",
	[SCORER_SEGMENT] = "crm.segment(crm.rfm,crm.segment_map)",
	[SCORER_SEGMENT_RANK] = "crm.segment_rank(crm.rfm,crm.segment_map)",
	[SCORER_TIER] = "crm.tier(crm.tier_program,crm.purchase_history,pg_catalog.date,"
					"crm.tier_override[],pg_catalog.daterange[])",
	[SCORER_P_ALIVE] = "crm.p_alive(crm.purchase_model,crm.purchase_history,pg_catalog.date)",
	[SCORER_EXPECTED_PURCHASES] = "crm.expected_purchases(crm.purchase_model,crm.purchase_history,"
								  "pg_catalog.date,pg_catalog.date)",
	[SCORER_CLV] =
		"crm.clv(crm.purchase_model,crm.spend_model,crm.purchase_history,pg_catalog.date,"
		"pg_catalog.date,pg_catalog.float8,pg_catalog.float8)",
	[SCORER_NEXT_PURCHASE] = "crm.next_purchase(crm.purchase_model,crm.purchase_history,"
							 "pg_catalog.date,pg_catalog.float8)",
};

typedef struct Scorers
{
	FmgrInfo functions[SCORERS];
} Scorers;

#define MAX_SCORER_ARGUMENTS 7

struct ScoringRule
{
	Datum		  *keys;		/* of the customers it is for, one for each column of "by" */
	DateADT		   today;		/* as which triggers score */
	DateADT		   refresh_day; /* as of which a refresh does */
	Datum		   parts[RULE_PARTS];
	bool		   nulls[RULE_PARTS];
	const Scorers *scorers;
};

struct ScoringRules
{
	int			 nby;				 /* key columns that choose the rule */
	int			 by[INDEX_MAX_KEYS]; /* which keys of a customer these are */
	FmgrInfo	*equal;				 /* of each of them */
	Oid			*collations;
	int			 nrules;
	int			 last; /* the rule found last */
	ScoringRule *rules;
};

/* ---- one customer ---- */

/* Their OIDs, looked up once in a session and again when any function changes. */
static Oid	scorer_oids[SCORERS];
static bool scorer_oids_known = false;

static void
forget_scorer_oids(Datum argument, int cache, uint32 hash)
{
	(void) argument;
	(void) cache;
	(void) hash;
	scorer_oids_known = false;
}

static void
find_scorer_oids(void)
{
	static bool registered = false;

	if (!registered)
		CacheRegisterSyscacheCallback(PROCOID, forget_scorer_oids, (Datum) 0);
	registered = true;
	for (int i = 0; i < SCORERS; i++)
		scorer_oids[i] = DatumGetObjectId(
			DirectFunctionCall1(regprocedurein, CStringGetDatum(scorer_signatures[i])));
	scorer_oids_known = true;
}

/* The functions, ready to be called. */
static Scorers *
find_scorers(void)
{
	Scorers *scorers = palloc(sizeof(Scorers));

	if (!scorer_oids_known)
		find_scorer_oids();
	for (int i = 0; i < SCORERS; i++)
		fmgr_info(scorer_oids[i], &scorers->functions[i]);
	return scorers;
}

/* A scorer's result for n arguments; those that it has beyond them are NULL. */
static Datum
call(const ScoringRule *rule, Scorer scorer, int n, const Datum *arguments, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, MAX_SCORER_ARGUMENTS);
	FmgrInfo *function = (FmgrInfo *) &rule->scorers->functions[scorer];
	Datum	  result;

	InitFunctionCallInfoData(*fcinfo, function, function->fn_nargs, InvalidOid, NULL, NULL);
	for (int i = 0; i < function->fn_nargs; i++)
	{
		fcinfo->args[i].value = i < n ? arguments[i] : (Datum) 0;
		fcinfo->args[i].isnull = i >= n;
	}
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}

static inline void
set_score(Score *score, ScoreColumn column, Datum value, bool isnull)
{
	score->values[column] = value;
	score->nulls[column] = isnull;
}

/*
 * Whether the rule's map names scores of as many bins as its scale makes: not
 * between a change of the rules and the refresh that makes a scale for them.
 */
static inline bool
map_fits(const ScoringRule *rule, Rfm rfm)
{
	return !rule->nulls[RULE_SEGMENTS] &&
		   ((SegmentMap *) DatumGetPointer(rule->parts[RULE_SEGMENTS]))->bins == rfm_bins(rfm);
}

/* The text of the score, its three digits, and the segment. */
static void
score_rfm(const ScoringRule *rule, Datum history, DateADT as_of, Score *score)
{
	bool  isnull;
	Datum value;
	Datum rfm;

	if (rule->nulls[RULE_SCALE])
		return;
	rfm = call(rule, SCORER_RFM, 3,
			   (Datum[]){rule->parts[RULE_SCALE], history, DateADTGetDatum(as_of)}, &isnull);
	if (isnull)
		return;
	set_score(score, SCORE_RFM, CStringGetTextDatum(rfm_to_text(DatumGetRfm(rfm))), false);
	set_score(score, SCORE_RECENCY, Int16GetDatum(rfm_recency(DatumGetRfm(rfm))), false);
	set_score(score, SCORE_FREQUENCY, Int16GetDatum(rfm_frequency(DatumGetRfm(rfm))), false);
	set_score(score, SCORE_MONETARY, Int16GetDatum(rfm_monetary(DatumGetRfm(rfm))), false);

	if (!map_fits(rule, DatumGetRfm(rfm)))
		return;
	value = call(rule, SCORER_SEGMENT, 2, (Datum[]){rfm, rule->parts[RULE_SEGMENTS]}, &isnull);
	set_score(score, SCORE_SEGMENT, value, isnull);
	value = call(rule, SCORER_SEGMENT_RANK, 2, (Datum[]){rfm, rule->parts[RULE_SEGMENTS]}, &isnull);
	set_score(score, SCORE_SEGMENT_RANK, isnull ? value : Int16GetDatum(DatumGetInt32(value)),
			  isnull);
}

/* The purchases that a rule looks at: those of its last days. */
static Datum
looked_at(const ScoringRule *rule, Datum history, DateADT as_of)
{
	PurchaseHistory *h;
	int64			 first_day;
	int				 from;
	int				 until;

	if (rule->nulls[RULE_LOOK_BACK_DAYS])
		return history;
	first_day = (int64) as_of - DatumGetInt32(rule->parts[RULE_LOOK_BACK_DAYS]) + 1;
	h = DatumGetPurchaseHistory(history);
	until = purchase_history_count_until(h, as_of);
	from = purchase_history_count_until(h, (DateADT) Max(first_day - 1, PG_INT32_MIN));
	return PointerGetDatum(purchase_history_slice(h, from, until));
}

static inline void
set_argument(FunctionCallInfo fcinfo, int n, const void *value)
{
	fcinfo->args[n].value = PointerGetDatum(value);
	fcinfo->args[n].isnull = value == NULL;
}

/* The tier held in the rule's programme, as it was decided; decisions on tiers that it does not have are none. */
static void
score_tier(const ScoringRule *rule, Datum history, DateADT as_of, const CustomerDecisions *decided,
		   Score *score)
{
	LOCAL_FCINFO(fcinfo, 5);
	const TierProgram *program = scoring_rule_program(rule);
	Datum			   tier;

	if (program == NULL)
		return;
	InitFunctionCallInfoData(*fcinfo, (FmgrInfo *) &rule->scorers->functions[SCORER_TIER], 5,
							 InvalidOid, NULL, NULL);
	set_argument(fcinfo, 0, program);
	fcinfo->args[1].value = history;
	fcinfo->args[1].isnull = false;
	fcinfo->args[2].value = DateADTGetDatum(as_of);
	fcinfo->args[2].isnull = false;
	set_argument(fcinfo, 3, known_overrides(program, decided->overrides));
	set_argument(fcinfo, 4, decided->memberships);
	tier = FunctionCallInvoke(fcinfo);
	set_score(score, SCORE_TIER, tier, fcinfo->isnull);
}

/* What the customer will do by the rule's models: within the horizon, and when again. */
static void
score_future(const ScoringRule *rule, Datum history, DateADT as_of, Score *score)
{
	const Datum *parts = rule->parts;
	Datum		 today = DateADTGetDatum(as_of);
	Datum		 until;
	Datum		 value;
	bool		 isnull;

	if (rule->nulls[RULE_PURCHASE_MODEL])
		return;
	value = call(rule, SCORER_P_ALIVE, 3, (Datum[]){parts[RULE_PURCHASE_MODEL], history, today},
				 &isnull);
	set_score(score, SCORE_P_ALIVE, value, isnull);
	if (isnull)
		return;
	value =
		call(rule, SCORER_NEXT_PURCHASE, 4,
			 (Datum[]){parts[RULE_PURCHASE_MODEL], history, today, Float8GetDatum(0.5)}, &isnull);
	set_score(score, SCORE_EXPECTED_NEXT_ORDER_ON, value,
			  isnull || DATE_NOT_FINITE(DatumGetDateADT(value)));

	if (rule->nulls[RULE_HORIZON_DAYS])
		return;
	until = DateADTGetDatum(as_of + DatumGetInt32(parts[RULE_HORIZON_DAYS]));
	value = call(rule, SCORER_EXPECTED_PURCHASES, 4,
				 (Datum[]){parts[RULE_PURCHASE_MODEL], history, today, until}, &isnull);
	set_score(score, SCORE_EXPECTED_PURCHASES, value, isnull);

	if (rule->nulls[RULE_SPEND_MODEL] || rule->nulls[RULE_DISCOUNT_RATE] ||
		rule->nulls[RULE_MARGIN])
		return;
	value = call(rule, SCORER_CLV, 7,
				 (Datum[]){parts[RULE_PURCHASE_MODEL], parts[RULE_SPEND_MODEL], history, today,
						   until, parts[RULE_DISCOUNT_RATE], parts[RULE_MARGIN]},
				 &isnull);
	set_score(score, SCORE_CLV, value, isnull);
}

/* What a customer's history is worth on a day by a rule and what was decided; all NULL without a rule. */
void
score_customer(const ScoringRule *rule, Datum history, DateADT as_of,
			   const CustomerDecisions *decided, Score *score)
{
	memset(score->values, 0, sizeof(score->values));
	memset(score->nulls, true, sizeof(score->nulls));
	if (rule == NULL)
		return;
	score_rfm(rule, looked_at(rule, history, as_of), as_of, score);
	score_tier(rule, history, as_of, decided, score);
	score_future(rule, history, as_of, score);
}

/* What was decided on the tier, if the arguments n and n + 1 are there: overrides and memberships, each may be NULL. */
static CustomerDecisions
decisions_argument(FunctionCallInfo fcinfo, int n)
{
	CustomerDecisions decided = {0};

	if (PG_NARGS() <= n)
		return decided;
	if (!PG_ARGISNULL(n))
		decided.overrides = PG_GETARG_ARRAYTYPE_P(n);
	if (!PG_ARGISNULL(n + 1))
		decided.memberships = PG_GETARG_ARRAYTYPE_P(n + 1);
	return decided;
}

/*
 * (history, as_of, then the parts of a rule [, overrides, memberships]) -> crm.customer_score.
 * NULL for a NULL history or day; a NULL rule leaves its columns NULL.
 */
PG_FUNCTION_INFO_V1(crm_score_customer);
Datum
crm_score_customer(PG_FUNCTION_ARGS)
{
	ScoringRule		  rule = {0};
	CustomerDecisions decided = decisions_argument(fcinfo, RULE_PARTS + 2);
	Score			  score;
	TupleDesc		  desc;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		fcinfo->flinfo->fn_extra = find_scorers();
		MemoryContextSwitchTo(before);
	}
	rule.scorers = fcinfo->flinfo->fn_extra;
	for (int i = 0; i < RULE_PARTS; i++)
	{
		rule.nulls[i] = PG_ARGISNULL(i + 2);
		rule.parts[i] = PG_GETARG_DATUM(i + 2);
	}
	if (!rule.nulls[RULE_SEGMENTS])
		rule.parts[RULE_SEGMENTS] = PointerGetDatum(PG_GETARG_SEGMENT_MAP(RULE_SEGMENTS + 2));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	score_customer(&rule, PG_GETARG_DATUM(0), PG_GETARG_DATEADT(1), &decided, &score);
	PG_RETURN_DATUM(
		HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), score.values, score.nulls)));
}

/* ---- the rules of a tracking ---- */

/* The day on which a statement falls, in a rule's time zone. */
static DateADT
statement_day(Datum time_zone)
{
	Datum local = DirectFunctionCall2(timestamptz_zone, time_zone,
									  TimestampTzGetDatum(GetCurrentStatementStartTimestamp()));

	return DatumGetDateADT(DirectFunctionCall1(timestamp_date, local));
}

/* The column of a scoring table for a part of a rule. */
static AttrNumber
rule_part_column(Relation scoring, RulePart part)
{
	const RulePartColumn *column = &rule_part_columns[part];

	return column_of_type(scoring, column->name,
						  column->crm_type ? crm_type(column->crm_type) : column->type);
}

/* A value by which customers find their rule has the type that it has in the histories. */
static inline void
CheckKeyType(Relation scoring, AttrNumber column, Form_pg_attribute key)
{
	Oid type = TupleDescAttr(RelationGetDescr(scoring), column - 1)->atttypid;

	if (type != key->atttypid)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of \"%s\" has type %s", NameStr(key->attname),
						RelationGetRelationName(scoring), format_type_be(type)),
				 errdetail("In the histories it has type %s.", format_type_be(key->atttypid))));
}

/* What a rule cannot do without is there, though the constraint may not be. */
static inline void
CheckNotNull(TupleTableSlot *row, AttrNumber column)
{
	if (row->tts_isnull[column - 1])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("column \"%s\" of a scoring rule cannot be NULL",
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

/* Which of a customer's keys choose the rule: those that the scoring table has too. */
static void
find_scale_by(ScoringRules *rules, AttrNumber *columns, Relation scoring, Relation histories,
			  Relation index)
{
	int nkeys = IndexRelationGetNumberOfKeyAttributes(index);

	rules->equal = palloc(sizeof(FmgrInfo) * nkeys);
	rules->collations = palloc(sizeof(Oid) * nkeys);
	for (int i = 0; i < nkeys; i++)
	{
		AttrNumber key = index->rd_index->indkey.values[i];
		Oid		   type = index->rd_opcintype[i];
		AttrNumber column =
			get_attnum(RelationGetRelid(scoring),
					   NameStr(TupleDescAttr(RelationGetDescr(histories), key - 1)->attname));

		if (column == InvalidAttrNumber)
			continue;
		CheckKeyType(scoring, column, TupleDescAttr(RelationGetDescr(histories), key - 1));
		columns[rules->nby] = column;
		rules->by[rules->nby] = i;
		rules->collations[rules->nby] = index->rd_indcollation[i];
		fmgr_info(get_opcode(get_opfamily_member(index->rd_opfamily[i], type, type,
												 BTEqualStrategyNumber)),
				  &rules->equal[rules->nby]);
		rules->nby++;
	}
}

/* Where a scoring table has what. */
typedef struct RuleColumns
{
	AttrNumber by[INDEX_MAX_KEYS];
	AttrNumber parts[RULE_PARTS];
	AttrNumber time_zone;
	AttrNumber refreshing_as_of;
	AttrNumber refreshed_on;
} RuleColumns;

static DateADT
date_of(TupleTableSlot *row, AttrNumber column, DateADT or_else)
{
	return row->tts_isnull[column - 1] ? or_else : DatumGetDateADT(row->tts_values[column - 1]);
}

/* A rule from a row of the scoring table, in memory of its own. */
static ScoringRule
read_rule(TupleTableSlot *row, const ScoringRules *rules, const RuleColumns *columns,
		  const Scorers *scorers)
{
	TupleDesc	desc = row->tts_tupleDescriptor;
	ScoringRule rule = {0};
	DateADT		today;

	slot_getallattrs(row);
	rule.scorers = scorers;
	CheckNotNull(row, columns->time_zone);
	today = statement_day(row->tts_values[columns->time_zone - 1]);
	rule.today = Max(today, date_of(row, columns->refreshed_on, today));
	rule.refresh_day = date_of(row, columns->refreshing_as_of, rule.today);
	rule.keys = palloc(sizeof(Datum) * Max(rules->nby, 1));
	for (int i = 0; i < rules->nby; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, columns->by[i] - 1);

		CheckNotNull(row, columns->by[i]);
		rule.keys[i] =
			datumCopy(row->tts_values[columns->by[i] - 1], column->attbyval, column->attlen);
	}
	for (int i = 0; i < RULE_PARTS; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, columns->parts[i] - 1);
		Datum			  value = row->tts_values[columns->parts[i] - 1];

		rule.nulls[i] = row->tts_isnull[columns->parts[i] - 1];
		if (rule.nulls[i] || column->attbyval)
			rule.parts[i] = value;
		else
			rule.parts[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	}
	return rule;
}

/*
 * The rules of a tracking as they are committed now. The lock on their table
 * stays until the end of the transaction: a refresh, having put new rules in
 * force, waits for those who still score by the old ones.
 */
ScoringRules *
scoring_rules_read(Oid relid, Relation histories, Relation index)
{
	Relation		scoring = open_plain_table(relid, RowExclusiveLock);
	ScoringRules   *rules = palloc0(sizeof(ScoringRules));
	Scorers		   *scorers = find_scorers();
	int				capacity = 1;
	RuleColumns		columns;
	TupleTableSlot *row = table_slot_create(scoring, NULL);
	Snapshot		snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc	scan;

	find_scale_by(rules, columns.by, scoring, histories, index);
	for (int i = 0; i < RULE_PARTS; i++)
		columns.parts[i] = rule_part_column(scoring, i);
	columns.time_zone = column_of_type(scoring, "time_zone", TEXTOID);
	columns.refreshing_as_of = column_of_type(scoring, "refreshing_as_of", DATEOID);
	columns.refreshed_on = column_of_type(scoring, "refreshed_on", DATEOID);

	rules->rules = palloc(sizeof(ScoringRule));
	scan = table_beginscan(scoring, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, row))
	{
		if (rules->nrules == capacity)
			rules->rules = repalloc(rules->rules, sizeof(ScoringRule) * (capacity *= 2));
		rules->rules[rules->nrules++] = read_rule(row, rules, &columns, scorers);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(row);
	CheckRulesToldApart(rules, scoring);
	table_close(scoring, NoLock);
	return rules;
}

static bool
rule_is_for(ScoringRules *rules, const ScoringRule *rule, const Datum *keys)
{
	for (int i = 0; i < rules->nby; i++)
		if (!DatumGetBool(FunctionCall2Coll(&rules->equal[i], rules->collations[i], rule->keys[i],
											keys[rules->by[i]])))
			return false;
	return true;
}

/* The rule for a customer, or NULL if there is none yet. */
const ScoringRule *
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

/* The day of the running statement where the rule's customers are, or of a refresh that went ahead of it. */
DateADT
scoring_today(const ScoringRule *rule)
{
	return rule->today;
}

/* The day that a refresh scores as of, today if none is running. */
DateADT
scoring_refresh_day(const ScoringRule *rule)
{
	return rule->refresh_day;
}

/* Whether customers hold tiers by a rule, which may be NULL. */
bool
scoring_rule_has_tiers(const ScoringRule *rule)
{
	return rule && !rule->nulls[RULE_TIER_PROGRAM];
}

/* The tier programme of a rule, NULL if there is none. */
const TierProgram *
scoring_rule_program(const ScoringRule *rule)
{
	return scoring_rule_has_tiers(rule) ? DatumGetTierProgram(rule->parts[RULE_TIER_PROGRAM])
										: NULL;
}
