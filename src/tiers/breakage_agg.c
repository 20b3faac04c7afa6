/*
 * breakage_agg.c: what became of the points of all customers, the rates that follow,
 * and what is owed by them.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/calendar.h"
#include "base/rows.h"
#include "common/hashfn.h"
#include "tiers/breakage.h"
#include "tiers/points_ledger.h"
#include "utils/builtins.h"
#include "utils/float.h"

/* ---- the aggregate ---- */

/* The group of a customer: equal histories share one. */
static int
group_of_history(const PurchaseHistory *h)
{
	uint32 hash = DatumGetUInt32(
		hash_any((const unsigned char *) h->entries, (int) purchase_history_content_size(h)));

	return (int) (hash % BREAKAGE_GROUPS);
}

static BreakageCount *
count_at(BreakageCurve **state, DateADT awarded, DateADT day, int group)
{
	int age = day - awarded;

	*state = breakage_reach(*state, age);
	return &(*state)->counts[age * BREAKAGE_GROUPS + group];
}

/* Points that went in one way, by the age of their awards. */
static BreakageCurve *
count_gone(BreakageCurve *state, const PointsAwards *a, const PointsGoneList *list, int group,
		   BreakageCount one)
{
	for (int i = 0; i < list->n; i++)
	{
		const PointsGone *gone = &list->gone[i];
		BreakageCount	  count = {one.redeemed * gone->points, one.expired * gone->points,
								   one.taken_back * gone->points, 0};

		if (gone->points > 0 && gone->award >= 0)
			breakage_add(count_at(&state, a->awards[gone->award].awarded_on, gone->day, group),
						 &count);
	}
	return state;
}

/* What was refunded of an award after it had expired did not expire. */
static void
leave_out_refunded(PointsAwards *a)
{
	for (int i = a->expired.n - 1; i >= 0; i--)
	{
		PointsGone	*gone = &a->expired.gone[i];
		PointsAward *award = &a->awards[gone->award];

		gone->points = Min(gone->points, award->expired);
		award->expired -= gone->points;
	}
}

/* The state with what became of the points of one customer until a day. */
static BreakageCurve *
count_customer(BreakageCurve *state, PointsLedger *l, DateADT as_of, int group)
{
	PointsAwards *a = &l->awards;

	leave_out_refunded(a);
	state = count_gone(state, a, &a->spent, group, (BreakageCount){.redeemed = 1});
	state = count_gone(state, a, &a->expired, group, (BreakageCount){.expired = 1});
	state = count_gone(state, a, &a->taken, group, (BreakageCount){.taken_back = 1});
	for (int i = 0; i < a->n; i++)
	{
		const PointsAward *award = &a->awards[i];
		BreakageCount	   open = {.open = award->left};
		BreakageCount	   too_late = {.expired = award->expired};

		if (award->left > 0)
			breakage_add(count_at(&state, award->awarded_on, as_of, group), &open);
		if (award->expired > 0) /* a refund was undone when the award had expired */
			breakage_add(count_at(&state, award->awarded_on, award->expires_on, group), &too_late);
	}
	return state;
}

/* (state, rule, purchases, redeemed, as_of [, base_points, gifts]); a customer without rule or history is left out. */
PG_FUNCTION_INFO_V1(crm_breakage_transition);
Datum
crm_breakage_transition(PG_FUNCTION_ARGS)
{
	BreakageCurve  *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_BREAKAGE_CURVE(0);
	PointsHistories of;
	PointsLedger	l;
	DateADT			as_of;

	(void) CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(4))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of cannot be null"),
						errhint("Give the day by which it is asked what became of the points.")));
	as_of = CheckFiniteDate(PG_GETARG_DATEADT(4), "as_of");
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		of = points_histories_of_arguments(fcinfo, 2, 5, 6, as_of);
		points_ledger_until(&l, PG_GETARG_POINTS_RULE(1), &of, as_of, true);
		state = count_customer(state == NULL ? breakage_create(0) : state, &l, as_of,
							   group_of_history(of.purchases));
	}
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BREAKAGE_CURVE(state);
}

/* The points of both: the combine function, and the transition function of merge. */
PG_FUNCTION_INFO_V1(crm_breakage_curve_plus);
Datum
crm_breakage_curve_plus(PG_FUNCTION_ARGS)
{
	BreakageCurve *a = PG_GETARG_BREAKAGE_CURVE(0);
	BreakageCurve *b = PG_GETARG_BREAKAGE_CURVE(1);
	BreakageCurve *sum = breakage_create(Max(a->nages, b->nages));

	memcpy(sum->counts, a->counts, (Size) a->nages * BREAKAGE_GROUPS * sizeof(BreakageCount));
	sum->nages = Max(a->nages, b->nages);
	for (int i = 0; i < b->nages * BREAKAGE_GROUPS; i++)
		breakage_add(&sum->counts[i], &b->counts[i]);
	PG_RETURN_BREAKAGE_CURVE(sum);
}

PG_FUNCTION_INFO_V1(crm_breakage_final);
Datum
crm_breakage_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_BREAKAGE_CURVE(breakage_trim(PG_GETARG_BREAKAGE_CURVE(0)));
}

/* ---- rates ---- */

/*
 * (curve [, age]): probability that points expire which are open at the end of an age
 * in days, NULL: which are awarded; NULL beyond the oldest age seen.
 */
PG_FUNCTION_INFO_V1(crm_breakage_rate);
Datum
crm_breakage_rate(PG_FUNCTION_ARGS)
{
	BreakageCurve *c;
	double		   rate;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	c = PG_GETARG_BREAKAGE_CURVE(0);
	if (!PG_ARGISNULL(1) && PG_GETARG_INT32(1) < 0)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("age of %d days is out of range", PG_GETARG_INT32(1)),
						errdetail("Points have an age of 0 days or more."),
						errhint("Leave the age out for points that are awarded.")));
	rate = breakage_later(breakage_estimate(c, -1), c->nages,
						  PG_ARGISNULL(1) ? -1 : PG_GETARG_INT32(1), false);
	if (isnan(rate))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(rate);
}

typedef struct BreakagePoints
{
	int				  nages;
	int				  next;
	BreakageEstimate *all;
	BreakageEstimate *without[BREAKAGE_GROUPS]; /* a group that has points; else NULL */
} BreakagePoints;

static bool
group_has_points(const BreakageCurve *c, int group)
{
	for (int age = 0; age < c->nages; age++)
	{
		const BreakageCount *n = &c->counts[age * BREAKAGE_GROUPS + group];

		if (n->redeemed + n->expired + n->taken_back + n->open > 0)
			return true;
	}
	return false;
}

/*
 * Standard error of a breakage rate by leaving out one group at a time (Efron and
 * Tibshirani 1993, 11.5); NaN with fewer than two groups, or where a rate is not known without one.
 */
static double
standard_error(const BreakagePoints *p, int age)
{
	double rates[BREAKAGE_GROUPS];
	double mean = 0;
	double squares = 0;
	int	   n = 0;

	for (int g = 0; g < BREAKAGE_GROUPS; g++)
		if (p->without[g] != NULL)
		{
			rates[n] = breakage_later(p->without[g], p->nages, age, false);
			mean += rates[n++];
		}
	if (n < 2)
		return get_float8_nan();
	mean /= n;
	for (int i = 0; i < n; i++)
		squares += (rates[i] - mean) * (rates[i] - mean);
	return sqrt(squares * (n - 1) / n);
}

static void
put_share(Datum *value, bool *null, double share)
{
	*null = isnan(share);
	*value = Float8GetDatum(*null ? 0 : share);
}

/* Each age at which points ended, or were open, as a row. */
PG_FUNCTION_INFO_V1(crm_breakage_points);
Datum
crm_breakage_points(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	BreakagePoints	*p;

	if (SRF_IS_FIRSTCALL())
	{
		BreakageCurve *c = PG_GETARG_BREAKAGE_CURVE(0);
		MemoryContext  before;

		rows = rows_start(fcinfo, sizeof(BreakagePoints));
		p = rows->user_fctx;
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		p->nages = c->nages;
		p->all = breakage_estimate(c, -1);
		for (int g = 0; g < BREAKAGE_GROUPS; g++)
			p->without[g] = group_has_points(c, g) ? breakage_estimate(c, g) : NULL;
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	p = rows->user_fctx;

	while (p->next < p->nages)
	{
		int						age = p->next++;
		const BreakageEstimate *e = &p->all[age];
		const BreakageCount	   *n = &e->count;
		Datum					values[13];
		bool					nulls[13] = {false};

		if (n->redeemed + n->expired + n->taken_back + n->open == 0)
			continue;
		values[0] = Int32GetDatum(age);
		values[1] = Int64GetDatum(e->at_risk);
		values[2] = Int64GetDatum(n->redeemed);
		values[3] = Int64GetDatum(n->expired);
		values[4] = Int64GetDatum(n->taken_back);
		values[5] = Int64GetDatum(n->open);
		values[6] = Float8GetDatum(e->p_open);
		values[7] = Float8GetDatum(e->p_redeemed);
		values[8] = Float8GetDatum(e->p_expired);
		values[9] = Float8GetDatum(e->p_taken_back);
		put_share(&values[10], &nulls[10], breakage_later(p->all, p->nages, age, true));
		put_share(&values[11], &nulls[11], breakage_later(p->all, p->nages, age, false));
		put_share(&values[12], &nulls[12], standard_error(p, age));
		SRF_RETURN_NEXT(rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* ---- what is owed ---- */

/* The estimate of the last curve that this call saw: curves are large, and mostly one for all customers. */
typedef struct KnownCurve
{
	BreakageCurve	 *curve;
	BreakageEstimate *estimate;
} KnownCurve;

static const KnownCurve *
known_curve(FunctionCallInfo fcinfo, const BreakageCurve *c)
{
	KnownCurve	 *known = fcinfo->flinfo->fn_extra;
	MemoryContext before;

	if (known != NULL && VARSIZE(known->curve) == VARSIZE(c) &&
		memcmp(known->curve, c, VARSIZE(c)) == 0)
		return known;
	before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	if (known == NULL)
		known = fcinfo->flinfo->fn_extra = palloc0(sizeof(KnownCurve));
	else
	{
		pfree(known->curve);
		pfree(known->estimate);
	}
	known->curve = palloc(VARSIZE(c));
	memcpy(known->curve, c, VARSIZE(c));
	known->estimate = breakage_estimate(known->curve, -1);
	MemoryContextSwitchTo(before);
	return known;
}

/* Points of the open awards that will be redeemed, in ten-thousandths: of an age that was not seen, all. */
static int128
points_to_be_redeemed(const PointsLedger *l, const KnownCurve *known, DateADT as_of)
{
	int128 points = 0;

	for (int i = 0; i < l->awards.n; i++)
	{
		const PointsAward *award = &l->awards.awards[i];
		double			   p;

		if (award->left == 0)
			continue;
		p = breakage_later(known->estimate, known->curve->nages, as_of - award->awarded_on, true);
		if (isnan(p))
			p = 1;
		points += (int128) rint(Min(p, 1.0) * (double) award->left * AMOUNT_SCALE);
	}
	return points;
}

/*
 * State + points that will be redeemed x value: (state, rule, purchases, redeemed, as_of, point_value, breakage
 * [, base_points, gifts]).
 */
PG_FUNCTION_INFO_V1(crm_points_liability_awards_transition);
Datum
crm_points_liability_awards_transition(PG_FUNCTION_ARGS)
{
	PointsHistories of;
	PointsLedger	l;
	DateADT			as_of;
	int128			points;
	Datum			owed;

	for (int i = 1; i <= 6; i++)
		if (i != 3 && PG_ARGISNULL(i))
		{
			if (PG_ARGISNULL(0))
				PG_RETURN_NULL();
			PG_RETURN_DATUM(PG_GETARG_DATUM(0));
		}
	as_of = CheckFiniteDate(PG_GETARG_DATEADT(4), "as_of");
	CheckPointValue(PG_GETARG_NUMERIC(5));
	of = points_histories_of_arguments(fcinfo, 2, 7, 8, as_of);
	points_ledger_until(&l, PG_GETARG_POINTS_RULE(1), &of, as_of, false);
	points = points_to_be_redeemed(&l, known_curve(fcinfo, PG_GETARG_BREAKAGE_CURVE(6)), as_of);
	owed = DirectFunctionCall2(numeric_mul, NumericGetDatum(amount_to_numeric(points)),
							   PG_GETARG_DATUM(5));
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(owed);
	PG_RETURN_DATUM(DirectFunctionCall2(numeric_add, PG_GETARG_DATUM(0), owed));
}
