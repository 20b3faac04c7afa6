/*
 * comparison_agg.c: two programs, or the rules of two points programs, on the same
 * past of all customers, and what the comparison says.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "base/calendar.h"
#include "base/during.h"
#include "base/rows.h"
#include "miscadmin.h"
#include "tiers/comparison.h"
#include "tiers/points_ledger.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"

/* ---- a customer ---- */

/* Whether a comparison is of a program's tiers. */
static bool
has_tiers_of(ProgramComparison *c, int which, const TierProgram *p)
{
	ComparedTier *tiers = compared_tiers(c, which);

	if (c->nranks[which] != p->ntiers + 1)
		return false;
	for (int i = 0; i < p->ntiers; i++)
		if (strcmp(tiers[i + 1].name, p->tiers[i].name) != 0)
			return false;
	return true;
}

/* A comparison is of two programs over some days, the same on every row. */
static ProgramComparison *
state_of_programs(ProgramComparison *state, const TierProgram *const programs[2], Days days)
{
	if (state != NULL)
	{
		if (state->days.first != days.first || state->days.last != days.last)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("days from %s until %s on one row, from %s until %s on another",
								   date_to_text(state->days.first), date_to_text(state->days.last),
								   date_to_text(days.first), date_to_text(days.last)),
							errhint("Compare over one range of days at a time: GROUP BY it.")));
		if (!has_tiers_of(state, 0, programs[0]) || !has_tiers_of(state, 1, programs[1]))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("programs of other tiers on another row"),
							errhint("Compare two programs at a time: GROUP BY them.")));
		return state;
	}
	state = comparison_create(programs[0]->ntiers + 1, programs[1]->ntiers + 1, days);
	for (int which = 0; which < 2; which++)
		for (int i = 0; i < programs[which]->ntiers; i++)
			memcpy(compared_tiers(state, which)[i + 1].name, programs[which]->tiers[i].name,
				   TIER_NAME_SIZE);
	return state;
}

/* Count what happens to a customer within days; returns the rank at their end. */
static int
count_changes(ComparedTier *tiers, const TierProgram *p, const PurchaseHistory *h, Days days)
{
	PurchaseBook book = purchase_book(h, days.last);
	TierWalk	 walk;
	TierChange	 change;

	tier_walk_start(&walk, p, &book, NEVER);
	while (tier_walk_next(&walk, days.last, &change))
	{
		CHECK_FOR_INTERRUPTS();
		if (change.day < days.first || change.reason == REASON_ENROLLED)
			continue;
		if (change.to > change.from)
			comparison_add(&tiers[change.to].upgrades, 1);
		if (change.to < change.from)
			comparison_add(&tiers[change.to].downgrades, 1);
	}
	return walk.rank;
}

static void
count_customer(ProgramComparison *state, const TierProgram *const programs[2],
			   const PurchaseHistory *h, Days days)
{
	int ranks[2];

	for (int which = 0; which < 2; which++)
		ranks[which] = count_changes(compared_tiers(state, which), programs[which], h, days);
	comparison_add(compared_customers(state, ranks[0], ranks[1]), 1);
}

/* (state, program, other, history, days) */
PG_FUNCTION_INFO_V1(crm_compare_programs_transition);
Datum
crm_compare_programs_transition(PG_FUNCTION_ARGS)
{
	const TierProgram *programs[2];
	ProgramComparison *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_COMPARISON(0);
	Days			   days;

	CheckInAggregate(fcinfo);
	if (state_row_has_null(fcinfo))
		return state_unchanged(fcinfo);
	programs[0] = PG_GETARG_TIER_PROGRAM(1);
	programs[1] = PG_GETARG_TIER_PROGRAM(2);
	days = CheckDuring(PG_GETARG_RANGE_P(4));
	state = state_of_programs(state, programs, days);
	count_customer(state, programs, PG_GETARG_PURCHASE_HISTORY(3), days);
	PG_RETURN_POINTER(state);
}

/* A rule without a program has no tiers to compare. */
static const TierProgram *
program_of_rule(const PointsRule *r)
{
	static TierProgram *none = NULL;

	if (points_rule_program(r) != NULL)
		return points_rule_program(r);
	if (none == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);

		none = tier_program_create(1);
		none->tiers[0].qualify[METRIC_SPEND] = 0;
		none->window = WINDOW_LIFETIME;
		tier_set_name(&none->tiers[0], "all");
		MemoryContextSwitchTo(before);
	}
	return none;
}

static void
count_points(ComparedPoints *points, const PointsRule *r, const PointsHistories *of, Days days)
{
	PointsLedger   l;
	PointsMovement m;

	points_ledger_begin(&l, r, of, days.last);
	while (points_ledger_move(&l, days.last, &m))
	{
		if (m.day < days.first)
			continue;
		if (m.kind == POINTS_EARNED || m.kind == POINTS_REINSTATED)
			comparison_add(&points->earned, m.points);
		if (m.kind == POINTS_EXPIRED)
			comparison_add(&points->expired, -m.points);
	}
	comparison_add(&points->open, Max(l.balance, 0));
}

/*
 * (state, rule, other, purchases, redeemed, days [, base_points, other_base_points, gifts]); those that are
 * given from redeemed on may be NULL.
 */
PG_FUNCTION_INFO_V1(crm_compare_rules_transition);
Datum
crm_compare_rules_transition(PG_FUNCTION_ARGS)
{
	const PointsRule  *rules[2];
	const TierProgram *programs[2];
	PointsHistories	   of;
	ProgramComparison *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_COMPARISON(0);
	Days			   days;

	CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3) || PG_ARGISNULL(5))
		return state_unchanged(fcinfo);
	days = CheckDuring(PG_GETARG_RANGE_P(5));
	of = points_histories_of_arguments(fcinfo, 3, 6, 8, days.last);
	for (int which = 0; which < 2; which++)
	{
		rules[which] = PG_GETARG_POINTS_RULE(1 + which);
		programs[which] = program_of_rule(rules[which]);
	}
	state = state_of_programs(state, programs, days);
	state->flags = COMPARISON_POINTS;
	count_customer(state, programs, of.purchases, days);
	for (int which = 0; which < 2; which++)
	{
		if (which == 1)
			of.base_points = points_base_argument(fcinfo, 7);
		count_points(&state->points[which], rules[which], &of, days);
	}
	PG_RETURN_POINTER(state);
}

/* The customers of both: the combine function, and the transition function of merge. */
PG_FUNCTION_INFO_V1(crm_program_comparison_plus);
Datum
crm_program_comparison_plus(PG_FUNCTION_ARGS)
{
	ProgramComparison *a = PG_GETARG_COMPARISON(0);
	ProgramComparison *b = PG_GETARG_COMPARISON(1);
	ProgramComparison *sum;

	if (a->days.first != b->days.first || a->days.last != b->days.last)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("comparisons over different days cannot be added"),
						errdetail("One is from %s until %s, one from %s until %s.",
								  date_to_text(a->days.first), date_to_text(a->days.last),
								  date_to_text(b->days.first), date_to_text(b->days.last)),
						errhint("Merge those of the same days: GROUP BY them.")));
	if (VARSIZE(a) != VARSIZE(b) || a->flags != b->flags || a->nranks[0] != b->nranks[0])
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("comparisons of different programs cannot be added"),
						errhint("Merge those of the same two programs: GROUP BY them.")));
	sum = comparison_create(a->nranks[0], a->nranks[1], a->days);
	memcpy(sum, a, VARSIZE(a));
	for (int i = 0; i < a->nranks[0] + a->nranks[1]; i++)
	{
		if (strcmp(a->tiers[i].name, b->tiers[i].name) != 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("comparisons of different programs cannot be added"),
							errdetail("Tier \"%s\" differs from tier \"%s\".", a->tiers[i].name,
									  b->tiers[i].name),
							errhint("Merge those of the same two programs: GROUP BY them.")));
		comparison_add(&sum->tiers[i].upgrades, b->tiers[i].upgrades);
		comparison_add(&sum->tiers[i].downgrades, b->tiers[i].downgrades);
	}
	for (int i = 0; i < a->nranks[0] * a->nranks[1]; i++)
		comparison_add(&compared_customers(sum, 0, 0)[i], compared_customers(b, 0, 0)[i]);
	for (int which = 0; which < 2; which++)
	{
		comparison_add(&sum->points[which].earned, b->points[which].earned);
		comparison_add(&sum->points[which].expired, b->points[which].expired);
		comparison_add(&sum->points[which].open, b->points[which].open);
	}
	PG_RETURN_POINTER(sum);
}

/* ---- what it says ---- */

typedef struct ComparisonRows
{
	ProgramComparison *comparison;
	int				   which;
	int				   rank;
} ComparisonRows;

static ComparisonRows *
comparison_rows(FunctionCallInfo fcinfo)
{
	if (SRF_IS_FIRSTCALL())
	{
		FuncCallContext *rows = rows_start(fcinfo, sizeof(ComparisonRows));
		ComparisonRows	*state = rows->user_fctx;

		state->comparison = rows_copy_varlena(rows, PG_GETARG_COMPARISON(0));
	}
	return SRF_PERCALL_SETUP()->user_fctx;
}

static const char *const which_names[2] = {"program", "other"};

static void
put_tier_name(Datum *value, bool *null, const ComparedTier *tier)
{
	*null = tier->name[0] == '\0';
	if (!*null)
		*value = CStringGetTextDatum(tier->name);
}

/* Of each tier of both: (program, rank, tier, customer_count, upgrade_count, downgrade_count). */
PG_FUNCTION_INFO_V1(crm_compared_tiers);
Datum
crm_compared_tiers(PG_FUNCTION_ARGS)
{
	ComparisonRows	  *state = comparison_rows(fcinfo);
	FuncCallContext	  *rows = SRF_PERCALL_SETUP();
	ProgramComparison *c = state->comparison;
	ComparedTier	  *tier;
	int64			   customers = 0;
	Datum			   values[6] = {0};
	bool			   nulls[6] = {false};

	if (state->rank == c->nranks[state->which])
	{
		state->rank = 0;
		if (++state->which == 2)
			SRF_RETURN_DONE(rows);
	}
	tier = &compared_tiers(c, state->which)[state->rank];
	for (int i = 0; i < c->nranks[1 - state->which]; i++)
		comparison_add(&customers, state->which == 0 ? *compared_customers(c, state->rank, i)
													 : *compared_customers(c, i, state->rank));
	values[0] = CStringGetTextDatum(which_names[state->which]);
	values[1] = Int32GetDatum(state->rank++);
	put_tier_name(&values[2], &nulls[2], tier);
	values[3] = Int64GetDatum(customers);
	values[4] = Int64GetDatum(tier->upgrades);
	values[5] = Int64GetDatum(tier->downgrades);
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}

/* The customers by both tiers: (rank, tier, other_rank, other_tier, customer_count). */
PG_FUNCTION_INFO_V1(crm_compared_moves);
Datum
crm_compared_moves(PG_FUNCTION_ARGS)
{
	ComparisonRows	  *state = comparison_rows(fcinfo);
	FuncCallContext	  *rows = SRF_PERCALL_SETUP();
	ProgramComparison *c = state->comparison;

	for (; state->rank < c->nranks[0] * c->nranks[1]; state->rank++)
	{
		int	  rank = state->rank / c->nranks[1];
		int	  other = state->rank % c->nranks[1];
		Datum values[5] = {0};
		bool  nulls[5] = {false};

		if (*compared_customers(c, rank, other) == 0)
			continue;
		state->rank++;
		values[0] = Int32GetDatum(rank);
		put_tier_name(&values[1], &nulls[1], &compared_tiers(c, 0)[rank]);
		values[2] = Int32GetDatum(other);
		put_tier_name(&values[3], &nulls[3], &compared_tiers(c, 1)[other]);
		values[4] = Int64GetDatum(*compared_customers(c, rank, other));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* The points of both: (program, earned, expired, open), no rows without points. */
PG_FUNCTION_INFO_V1(crm_compared_points);
Datum
crm_compared_points(PG_FUNCTION_ARGS)
{
	ComparisonRows		 *state = comparison_rows(fcinfo);
	FuncCallContext		 *rows = SRF_PERCALL_SETUP();
	const ComparedPoints *points = &state->comparison->points[state->which];
	Datum				  values[4];
	bool				  nulls[4] = {false};

	if ((state->comparison->flags & COMPARISON_POINTS) == 0 || state->which == 2)
		SRF_RETURN_DONE(rows);
	values[0] = CStringGetTextDatum(which_names[state->which++]);
	values[1] = Int64GetDatum(points->earned);
	values[2] = Int64GetDatum(points->expired);
	values[3] = Int64GetDatum(points->open);
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}
