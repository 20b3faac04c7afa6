/*
 * score.c: the one place that scores a customer: from a history, a rule
 * and a day, what the table of histories keeps beside the history.
 *
 * The triggers, refresh, verify, snapshot and the functions "customers on a
 * day" all come here; crm.score_customer is its SQL form.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "live/decisions.h"
#include "live/kept.h"
#include "live/layout.h"
#include "live/rule.h"
#include "live/score.h"
#include "scoring/rfm.h"
#include "scoring/segment_map.h"
#include "utils/builtins.h"

static const char *const scorer_signatures[SCORERS] = {
	[SCORER_RFM] = "crm.rfm_score(crm.rfm_scale,crm.purchase_history,pg_catalog.date)",
	[SCORER_SEGMENT] = "crm.segment(crm.rfm,crm.segment_map)",
	[SCORER_SEGMENT_RANK] = "crm.segment_rank(crm.rfm,crm.segment_map)",
	[SCORER_TIER] = "crm.tier(crm.tier_program,crm.purchase_history,pg_catalog.date,"
					"crm.tier_override[],pg_catalog.daterange[])",
	[SCORER_P_ALIVE] =
		"crm.p_alive(crm.purchase_model,crm.purchase_history,pg_catalog.date,pg_catalog.date)",
	[SCORER_EXPECTED_PURCHASES] = "crm.expected_purchases(crm.purchase_model,crm.purchase_history,"
								  "pg_catalog.date,pg_catalog.date)",
	[SCORER_CLV] =
		"crm.clv(crm.purchase_model,crm.spend_model,crm.purchase_history,pg_catalog.date,"
		"pg_catalog.date,pg_catalog.float8,pg_catalog.float8)",
	[SCORER_NEXT_PURCHASE] =
		"crm.expected_next_purchase_on(crm.purchase_model,crm.purchase_history,"
		"pg_catalog.date,pg_catalog.float8)",
};

/* What a scorer was called before 0.3.0, which this library may serve too. */
static const char *const scorer_signatures_before[SCORERS] = {
	[SCORER_NEXT_PURCHASE] = "crm.next_purchase(crm.purchase_model,crm.purchase_history,"
							 "pg_catalog.date,pg_catalog.float8)",
};

#define MAX_SCORER_ARGUMENTS 7

/* ---- one customer ---- */

/* The function of a scorer: by its name, or, if that is not there, by the one it had before. */
static Oid
scorer_function(Scorer scorer)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum found;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = CStringGetTextDatum(scorer_signatures[scorer]);
	fcinfo->args[0].isnull = false;
	found = to_regprocedure(fcinfo);
	if (fcinfo->isnull)
		found = DirectFunctionCall1(regprocedurein,
									CStringGetDatum(scorer_signatures_before[scorer]
														? scorer_signatures_before[scorer]
														: scorer_signatures[scorer]));
	return DatumGetObjectId(found);
}

static void *
make_scorers(const void *unused)
{
	Scorers *scorers = palloc(sizeof(Scorers));

	(void) unused;

	for (int i = 0; i < SCORERS; i++)
		fmgr_info(scorer_function(i), &scorers->functions[i]);
	return scorers;
}

/* The functions, ready to be called as long as the current memory context lives. */
Scorers *
find_scorers(void)
{
	KeptKey key = {KEPT_SCORERS, {InvalidOid}};

	return kept_find_or_make(&key, make_scorers, NULL);
}

/* A scorer's result for n arguments; those that it has beyond them are NULL. */
static Datum
call(const ScoringRule *rule, Scorer scorer, int n, const Datum *arguments, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, MAX_SCORER_ARGUMENTS);
	FmgrInfo *function = &rule->scorers->functions[scorer];
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
	h = purchase_history_known(DatumGetPurchaseHistory(history), as_of);
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

/* The tier held in the rule's program, as it was decided; decisions on tiers that it does not have are none. */
static void
score_tier(const ScoringRule *rule, Datum history, DateADT as_of, const CustomerDecisions *decided,
		   Score *score)
{
	LOCAL_FCINFO(fcinfo, 5);
	const TierProgram *program = scoring_rule_program(rule);
	Datum			   tier;

	if (program == NULL)
		return;
	InitFunctionCallInfoData(*fcinfo, &rule->scorers->functions[SCORER_TIER], 5, InvalidOid, NULL,
							 NULL);
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
	set_score(score, SCORE_EXPECTED_NEXT_PURCHASE_ON, value,
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
