/*
 * standing.c: a customer's tier, standing, timeline and progress on any day.
 *
 * All of them take (program, history, day [, overrides, memberships]) and see
 * the history until that day only.
 */
#include "crm.h"

#include "base/calendar.h"
#include "miscadmin.h"
#include "base/rows.h"
#include "tiers/standing.h"
#include "tiers/tier_mask.h"
#include "utils/builtins.h"

static const char *const reason_names[] = {
	[REASON_NOT_ENROLLED] = "not enrolled",
	[REASON_ENROLLED] = "enrolled",
	[REASON_QUALIFIED] = "qualified",
	[REASON_RENEWED] = "renewed",
	[REASON_GRACE] = "grace",
	[REASON_EXPIRED] = "expired",
	[REASON_SOFT_LANDING] = "soft landing",
	[REASON_REFUND] = "refund",
	[REASON_FLOOR] = "floor",
	[REASON_CEILING] = "ceiling",
	[REASON_OVERRIDE_ENDED] = "override ended",
	[REASON_JOINED] = "joined",
	[REASON_LEFT] = "not a member",
};

static Datum
reason_datum(TierReason reason)
{
	return CStringGetTextDatum(reason_names[reason]);
}

/* ---- from arguments to the standing on a day ---- */

static bool
has_null_argument(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2);
}

static ArrayType *
array_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_NARGS() <= n || PG_ARGISNULL(n) ? NULL : PG_GETARG_ARRAYTYPE_P(n);
}

static const TierMask *
mask_argument(FunctionCallInfo fcinfo, const TierProgram *p)
{
	return tier_mask_create(p, array_argument(fcinfo, 3), array_argument(fcinfo, 4));
}

/* Walk to a day, which the window then stands at. */
static void
walk_until(StandingWalk *s, DateADT day)
{
	TierChange change;

	while (standing_walk_next(s, day, &change))
		CHECK_FOR_INTERRUPTS();
	tier_walk_pass(&s->walk, day);
}

/* How a customer stands in a program on a finite day; overrides and memberships may be NULL. */
static void
standing_of(StandingWalk *s, const TierProgram *p, PurchaseHistory *h, DateADT as_of,
			ArrayType *overrides, ArrayType *memberships)
{
	PurchaseBook book;

	CheckFiniteDate(as_of, "as_of");
	book = purchase_book(h, as_of);
	standing_walk_start(s, p, &book, tier_mask_create(p, overrides, memberships));
	walk_until(s, as_of);
}

/* The standing of the arguments (program, history, as_of [, overrides, memberships]). */
static void
standing_of_arguments(FunctionCallInfo fcinfo, StandingWalk *s)
{
	standing_of(s, PG_GETARG_TIER_PROGRAM(0), PG_GETARG_PURCHASE_HISTORY(1), PG_GETARG_DATEADT(2),
				array_argument(fcinfo, 3), array_argument(fcinfo, 4));
}

static Datum
tier_name_datum(const TierProgram *p, int rank)
{
	return CStringGetTextDatum(p->tiers[rank - 1].name);
}

/*
 * The name of the tier that a customer holds in a program on a finite day, NULL
 * if there is none; overrides (crm.tier_override[]) and memberships
 * (daterange[]) may be NULL.
 */
const char *
tier_held(const TierProgram *program, PurchaseHistory *history, DateADT as_of, ArrayType *overrides,
		  ArrayType *memberships)
{
	StandingWalk s;

	standing_of(&s, program, history, as_of, overrides, memberships);
	return s.rank == 0 ? NULL : program->tiers[s.rank - 1].name;
}

/* (program, history, as_of [, overrides, memberships]): the tier held on a day; NULL if there is none. */
PG_FUNCTION_INFO_V1(crm_tier);
Datum
crm_tier(PG_FUNCTION_ARGS)
{
	const char *tier;

	if (has_null_argument(fcinfo))
		PG_RETURN_NULL();
	tier = tier_held(PG_GETARG_TIER_PROGRAM(0), PG_GETARG_PURCHASE_HISTORY(1), PG_GETARG_DATEADT(2),
					 array_argument(fcinfo, 3), array_argument(fcinfo, 4));
	if (tier == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(CStringGetTextDatum(tier));
}

/* ---- what comes if nothing more is bought ---- */

/* The first change to a lower rank; false if there will be none. */
static bool
first_fall(const StandingWalk *now, StandingWalk *then, TierChange *change)
{
	if (now->walk.rank <= now->walk.never_below && now->segment + 1 == now->mask->nsegments)
		return false;
	*then = *now;
	then->walk.settled = true;
	while (standing_walk_next(then, NEVER, change))
	{
		if (change->to < now->rank)
			return true;
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

/* The main metric that keeping the tier will be judged by. */
static int128
deciding_metric(const StandingWalk *now, const StandingWalk *then)
{
	bool in_grace = now->walk.grace_ends != NEVER;

	return in_grace && !tier_program_follows(now->walk.program) ? then->walk.metric_in_grace
																: then->walk.metric_to_keep;
}

/* The main metric on a day to come. */
static int128
metric_on(const StandingWalk *now, DateADT day)
{
	StandingWalk then = *now;

	walk_until(&then, day);
	return then.walk.metric[now->walk.program->metric];
}

/* What is missing to keep the tier beyond a fall; false if nothing bought would. */
static bool
missing_to_keep(const StandingWalk *now, const StandingWalk *then, const TierChange *fall,
				int128 *missing)
{
	const TierProgram *p = now->walk.program;
	int64			   threshold = tier_main_threshold(p, now->rank, true);
	int128			   metric;

	if (fall->reason == REASON_LEFT || fall->reason == REASON_CEILING)
		return false;
	if (fall->reason == REASON_OVERRIDE_ENDED || fall->reason == REASON_FLOOR)
	{
		threshold = tier_main_threshold(p, now->rank, false);
		metric = metric_on(now, fall->day - 1);
	}
	else
		metric = deciding_metric(now, then);
	*missing = Max(threshold - metric, 0);
	return threshold != NO_THRESHOLD;
}

/* ---- the standing ---- */

enum
{
	COLUMN_TIER,
	COLUMN_RANK,
	COLUMN_SINCE,
	COLUMN_EXPIRES_ON,
	COLUMN_METRIC_VALUE,
	COLUMN_NEXT_TIER,
	COLUMN_MISSING_FOR_NEXT,
	COLUMN_MISSING_TO_KEEP,
	COLUMN_REASON,
	STANDING_COLUMNS
};

/* The tier held, how long, and what keeping it takes. */
static void
put_tier(const StandingWalk *s, Datum *values, bool *nulls)
{
	const TierProgram *p = s->walk.program;
	StandingWalk	   then;
	TierChange		   fall;
	int128			   missing;

	if (s->rank == 0)
		return;
	values[COLUMN_TIER] = tier_name_datum(p, s->rank);
	values[COLUMN_SINCE] = DateADTGetDatum(s->since);
	nulls[COLUMN_TIER] = nulls[COLUMN_SINCE] = false;
	if (!first_fall(s, &then, &fall))
		return;
	values[COLUMN_EXPIRES_ON] = DateADTGetDatum(fall.day);
	nulls[COLUMN_EXPIRES_ON] = false;
	if (!missing_to_keep(s, &then, &fall, &missing))
		return;
	values[COLUMN_MISSING_TO_KEEP] = NumericGetDatum(tier_metric_to_numeric(p->metric, missing));
	nulls[COLUMN_MISSING_TO_KEEP] = false;
}

/* The next tier, and what reaching it takes. */
static void
put_next_tier(const StandingWalk *s, Datum *values, bool *nulls)
{
	const TierProgram *p = s->walk.program;
	int64			   threshold;

	if (s->rank == p->ntiers || !s->mask->segments[s->segment].member)
		return;
	values[COLUMN_NEXT_TIER] = tier_name_datum(p, s->rank + 1);
	nulls[COLUMN_NEXT_TIER] = false;
	threshold = tier_main_threshold(p, s->rank + 1, false);
	if (threshold == NO_THRESHOLD)
		return;
	values[COLUMN_MISSING_FOR_NEXT] = NumericGetDatum(
		tier_metric_to_numeric(p->metric, Max(threshold - s->walk.metric[p->metric], 0)));
	nulls[COLUMN_MISSING_FOR_NEXT] = false;
}

/* (tier, rank, since, expires_on, metric_value, next_tier, missing_for_next, missing_to_keep, reason) */
PG_FUNCTION_INFO_V1(crm_standing);
Datum
crm_standing(PG_FUNCTION_ARGS)
{
	StandingWalk s;
	Datum		 values[STANDING_COLUMNS] = {0};
	bool		 nulls[STANDING_COLUMNS];

	if (has_null_argument(fcinfo))
		PG_RETURN_NULL();
	standing_of_arguments(fcinfo, &s);

	memset(nulls, true, sizeof(nulls));
	nulls[COLUMN_RANK] = nulls[COLUMN_METRIC_VALUE] = nulls[COLUMN_REASON] = false;
	values[COLUMN_RANK] = Int32GetDatum(s.rank);
	values[COLUMN_METRIC_VALUE] = NumericGetDatum(
		tier_metric_to_numeric(s.walk.program->metric, s.walk.metric[s.walk.program->metric]));
	values[COLUMN_REASON] = reason_datum(s.reason);
	put_tier(&s, values, nulls);
	put_next_tier(&s, values, nulls);
	return row_result(fcinfo, values, nulls);
}

/* ---- the rules of the next tier ---- */

typedef struct Progress
{
	StandingWalk standing;
	TierProgram *program;
	int			 next;		  /* metric, of each rule again */
	int			 alternative; /* told so far */
} Progress;

/* Whether the customer has a next tier. */
static bool
has_next_tier(const StandingWalk *s, const TierProgram *p)
{
	return s->rank < p->ntiers && s->mask->segments[s->segment].member;
}

/*
 * The threshold of the next metric of the rules of a tier: those of one metric first, then
 * those of several. false if there is no more; alternative counts the rules.
 */
static bool
next_threshold(Progress *state, int *metric, int64 *threshold)
{
	const TierProgram *p = state->program;
	int				   rank = state->standing.rank + 1;
	int				   nrules = 1 + tier_program_terms(p)->nalternatives;

	for (; state->next < nrules * TIER_METRICS; state->next++)
	{
		const TierAlternative *a = &tier_program_alternatives(p)[state->next / TIER_METRICS - 1];
		bool				   single = state->next < TIER_METRICS;

		*metric = state->next % TIER_METRICS;
		if (!single && (a->rank != rank || a->retain))
			continue;
		if (!single && *metric == 0)
			state->alternative++;
		*threshold = single ? p->tiers[rank - 1].qualify[*metric] : a->thresholds[*metric];
		if (*threshold == NO_THRESHOLD)
			continue;
		state->alternative += single;
		state->next++;
		return true;
	}
	return false;
}

/* The qualifying rules of the next tier as rows (next_tier, metric, metric_value, threshold, missing, alternative). */
PG_FUNCTION_INFO_V1(crm_tier_progress);
Datum
crm_tier_progress(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	Progress		*state;
	int				 metric;
	int64			 threshold;
	int128			 value;
	Datum			 values[6];
	bool			 nulls[6] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(Progress));
		state = rows->user_fctx;
		if (!has_null_argument(fcinfo))
		{
			standing_of_arguments(fcinfo, &state->standing);
			if (has_next_tier(&state->standing, state->standing.walk.program))
				state->program = rows_copy_varlena(rows, state->standing.walk.program);
		}
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	if (state->program == NULL || !next_threshold(state, &metric, &threshold))
		SRF_RETURN_DONE(rows);

	value = state->standing.walk.metric[metric];
	values[0] = tier_name_datum(state->program, state->standing.rank + 1);
	values[1] = CStringGetTextDatum(tier_metric_name(metric));
	values[2] = NumericGetDatum(tier_metric_to_numeric(metric, value));
	values[3] = NumericGetDatum(tier_metric_to_numeric(metric, threshold));
	values[4] = NumericGetDatum(tier_metric_to_numeric(metric, Max(threshold - value, 0)));
	values[5] = Int32GetDatum(state->alternative);
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}

/* ---- the timeline ---- */

typedef struct Timeline
{
	StandingWalk standing;
	DateADT		 until;
	bool		 empty;
} Timeline;

/* Start a walk over copies that live as long as the rows. */
static void
start_timeline(FunctionCallInfo fcinfo, FuncCallContext *rows, Timeline *t)
{
	TierProgram		*p = rows_copy_varlena(rows, PG_GETARG_TIER_PROGRAM(0));
	PurchaseHistory *h = rows_copy_varlena(rows, PG_GETARG_PURCHASE_HISTORY(1));
	MemoryContext	 before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
	PurchaseBook	 book;

	t->until = CheckFiniteDate(PG_GETARG_DATEADT(2), "until");
	book = purchase_book(h, t->until);
	standing_walk_start(&t->standing, p, &book, mask_argument(fcinfo, p));
	MemoryContextSwitchTo(before);
}

/* Every change until a day as rows (changed_on, from_tier, to_tier, to_rank, metric_value, reason). */
PG_FUNCTION_INFO_V1(crm_tier_timeline);
Datum
crm_tier_timeline(PG_FUNCTION_ARGS)
{
	FuncCallContext	  *rows;
	Timeline		  *t;
	TierChange		   change;
	const TierProgram *p;
	Datum			   values[6] = {0};
	bool			   nulls[6] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(Timeline));
		t = rows->user_fctx;
		t->empty = has_null_argument(fcinfo);
		if (!t->empty)
			start_timeline(fcinfo, rows, t);
	}
	rows = SRF_PERCALL_SETUP();
	t = rows->user_fctx;
	CHECK_FOR_INTERRUPTS();

	if (t->empty || !standing_walk_next(&t->standing, t->until, &change))
		SRF_RETURN_DONE(rows);

	p = t->standing.walk.program;
	tier_walk_pass(&t->standing.walk, change.day);
	values[0] = DateADTGetDatum(change.day);
	nulls[1] = change.from == 0;
	if (!nulls[1])
		values[1] = tier_name_datum(p, change.from);
	nulls[2] = change.to == 0;
	if (!nulls[2])
		values[2] = tier_name_datum(p, change.to);
	values[3] = Int32GetDatum(change.to);
	values[4] =
		NumericGetDatum(tier_metric_to_numeric(p->metric, t->standing.walk.metric[p->metric]));
	values[5] = reason_datum(change.reason);
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}
