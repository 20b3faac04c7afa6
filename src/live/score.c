/*
 * score.c: the one place that scores a customer: from a history, a rule
 * and a day, what the table of histories keeps beside the history.
 *
 * The triggers, refresh, verify, snapshot and the functions "customers on a
 * day" all come here; crm.score_customer is its SQL form.
 */
#include "crm.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "funcapi.h"
#include "lifetime/clv.h"
#include "lifetime/predict.h"
#include "live/decisions.h"
#include "live/layout.h"
#include "live/rule.h"
#include "live/score.h"
#include "scoring/rfm_scale.h"
#include "scoring/segment_map.h"
#include "tiers/standing.h"
#include "utils/builtins.h"

/* ---- one customer ---- */

static inline void
set_score(Score *score, ScoreColumn column, Datum value)
{
	score->values[column] = value;
	score->nulls[column] = false;
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
score_rfm(const ScoringRule *rule, PurchaseHistory *history, DateADT as_of, Score *score)
{
	const SegmentMap  *map;
	const SegmentRule *match;
	Rfm				   rfm;

	if (rule->nulls[RULE_SCALE] ||
		!rfm_score_of(DatumGetRfmScale(rule->parts[RULE_SCALE]), history, as_of, &rfm))
		return;
	set_score(score, SCORE_RFM, CStringGetTextDatum(rfm_to_text(rfm)));
	set_score(score, SCORE_RECENCY, Int16GetDatum(rfm_recency(rfm)));
	set_score(score, SCORE_FREQUENCY, Int16GetDatum(rfm_frequency(rfm)));
	set_score(score, SCORE_MONETARY, Int16GetDatum(rfm_monetary(rfm)));

	if (!map_fits(rule, rfm))
		return;
	map = (SegmentMap *) DatumGetPointer(rule->parts[RULE_SEGMENTS]);
	match = segment_of(map, rfm);
	if (match == NULL)
		return;
	set_score(score, SCORE_SEGMENT, segment_name_datum(map, match->segment));
	set_score(score, SCORE_SEGMENT_RANK, Int16GetDatum(match->segment + 1));
}

/* The purchases that a rule looks at: those of its last days. */
static PurchaseHistory *
looked_at(const ScoringRule *rule, PurchaseHistory *history, DateADT as_of)
{
	PurchaseHistory *h;
	int64			 first_day;
	int				 from;
	int				 until;

	if (rule->nulls[RULE_LOOK_BACK_DAYS])
		return history;
	first_day = (int64) as_of - DatumGetInt32(rule->parts[RULE_LOOK_BACK_DAYS]) + 1;
	h = purchase_history_known(history, as_of);
	until = purchase_history_count_until(h, as_of);
	from = purchase_history_count_until(h, (DateADT) Max(first_day - 1, PG_INT32_MIN));
	return purchase_history_slice(h, from, until);
}

/* The tier held in the rule's program, as it was decided; decisions on tiers that it does not have are none. */
static void
score_tier(const ScoringRule *rule, PurchaseHistory *history, DateADT as_of,
		   const CustomerDecisions *decided, Score *score)
{
	const TierProgram *program = scoring_rule_program(rule);
	const char		  *tier;

	if (program == NULL)
		return;
	tier = tier_held(program, history, as_of, known_overrides(program, decided->overrides),
					 decided->memberships);
	if (tier != NULL)
		set_score(score, SCORE_TIER, CStringGetTextDatum(tier));
}

/* What the customer will do by the rule's models: within the horizon, and when again. */
static void
score_future(const ScoringRule *rule, PurchaseHistory *history, DateADT as_of, Score *score)
{
	const Datum			*parts = rule->parts;
	const PurchaseModel *model;
	Forecast			 forecast;
	ClvTerms			 terms;
	DateADT				 next;
	double				 clv;

	if (rule->nulls[RULE_PURCHASE_MODEL])
		return;
	model = DatumGetPurchaseModel(parts[RULE_PURCHASE_MODEL]);
	if (!forecast_start(&forecast, model, history, as_of))
		return;
	set_score(score, SCORE_P_ALIVE, Float8GetDatum(forecast_p_alive(&forecast)));
	next = forecast_next_purchase_on(&forecast, 0.5);
	if (!DATE_NOT_FINITE(next))
		set_score(score, SCORE_EXPECTED_NEXT_PURCHASE_ON, DateADTGetDatum(next));

	if (rule->nulls[RULE_HORIZON_DAYS])
		return;
	terms.as_of = as_of;
	terms.until = as_of + DatumGetInt32(parts[RULE_HORIZON_DAYS]);
	set_score(score, SCORE_EXPECTED_PURCHASES,
			  Float8GetDatum(forecast_expected_purchases(&forecast, terms.until)));

	if (rule->nulls[RULE_SPEND_MODEL] || rule->nulls[RULE_DISCOUNT_RATE] ||
		rule->nulls[RULE_MARGIN])
		return;
	terms.annual_discount_rate = DatumGetFloat8(parts[RULE_DISCOUNT_RATE]);
	terms.margin = DatumGetFloat8(parts[RULE_MARGIN]);
	if (clv_of(model, DatumGetSpendModel(parts[RULE_SPEND_MODEL]), history, &terms, &clv))
		set_score(score, SCORE_CLV, Float8GetDatum(clv));
}

/* Whether a stored history, compressed or not, is empty. */
static inline bool
is_empty(Datum history)
{
	return toast_raw_datum_size(history) <= PURCHASE_HISTORY_SIZE(0);
}

/* What a customer's history is worth on a day by a rule and what was decided; all NULL without a rule or a purchase. */
void
score_customer(const ScoringRule *rule, Datum history, DateADT as_of,
			   const CustomerDecisions *decided, Score *score)
{
	PurchaseHistory *h;

	memset(score->values, 0, sizeof(score->values));
	memset(score->nulls, true, sizeof(score->nulls));
	if (rule == NULL || is_empty(history))
		return;
	h = DatumGetPurchaseHistory(history);
	score_rfm(rule, looked_at(rule, h, as_of), as_of, score);
	score_tier(rule, h, as_of, decided, score);
	score_future(rule, h, as_of, score);
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
