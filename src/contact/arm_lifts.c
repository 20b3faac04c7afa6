/*
 * arm_lifts.c: an experiment of several arms, over strata: the aggregate lift_arms
 * keeps the sums of each arm and stratum by their names, and arm_lifts tells
 * each arm from the control.
 *
 * What customers did before is taken out with the slope within the arms, pooled
 * over all of them: in a stratum the differences are the coefficients of the arms
 * in a regression of value on arm and before.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/named_sums.h"
#include "base/rows.h"
#include "contact/lift.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* A row more: arm, value, before, stratum; before and stratum may be NULL, or not be there. */
PG_FUNCTION_INFO_V1(crm_lift_arms_transition);
Datum
crm_lift_arms_transition(PG_FUNCTION_ARGS)
{
	bool	   has_before = PG_NARGS() > 3 && !PG_ARGISNULL(3);
	NamedSums *state;
	ExactSums *sums;
	SumsName   name = {"", 0, "", 0};

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return state_unchanged(fcinfo);
	state = named_sums_state(fcinfo, BEFORE_GROUP_SUMS);
	name.first = VARDATA_ANY(PG_GETARG_TEXT_PP(1));
	name.first_len = VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1));
	if (PG_NARGS() > 4 && !PG_ARGISNULL(4))
	{
		name.second = VARDATA_ANY(PG_GETARG_TEXT_PP(4));
		name.second_len = VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(4));
	}
	state = named_sums_find(state, name, &sums);
	lift_add_value(sums, 0, PG_GETARG_FLOAT8(2));
	if (has_before)
		lift_add_before(sums, 0, PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3));
	PG_RETURN_POINTER(state);
}

/* A stratum: what the past says in all of its arms, and its group of the control. */
typedef struct Stratum
{
	const char *name;
	int			len;
	Past		pooled; /* n, sum, xx and xy over the arms */
	LiftGroup	control;
	bool		met; /* by the arm at hand */
} Stratum;

typedef struct ArmLift
{
	const char *name;
	int			len;
	OverStrata	over;
	double		customers;
	double		p_value; /* NaN if it cannot be said */
	double		p_holm;
} ArmLift;

typedef struct Experiment
{
	Stratum *strata;
	int		 nstrata;
	ArmLift *arms;
	int		 narms;
	int		 at;
} Experiment;

static int
compare_strata(const void *a, const void *b)
{
	const Stratum *x = a;
	const Stratum *y = b;

	return sums_part_compare(x->name, x->len, y->name, y->len);
}

static Stratum *
stratum_of(const Experiment *e, SumsName name)
{
	Stratum key = {.name = name.second, .len = name.second_len};

	return bsearch(&key, e->strata, e->nstrata, sizeof(Stratum), compare_strata);
}

static bool
is_arm(SumsName name, const text *arm)
{
	return name.first_len == (int) VARSIZE_ANY_EXHDR(arm) &&
		   memcmp(name.first, VARDATA_ANY(arm), name.first_len) == 0;
}

/* The strata of all arms, each once. */
static void
find_strata(Experiment *e, const NamedSums *s)
{
	int n = 0;

	e->strata = palloc0(sizeof(Stratum) * Max(s->n, 1));
	for (const NamedEntry *at = named_first(s); at < named_end(s); at = named_next(at))
		e->strata[n++] = (Stratum){.name = named_of(at).second, .len = named_of(at).second_len};
	qsort(e->strata, n, sizeof(Stratum), compare_strata);
	for (int i = 0; i < n; i++)
		if (i == 0 || compare_strata(&e->strata[i], &e->strata[e->nstrata - 1]) != 0)
			e->strata[e->nstrata++] = e->strata[i];
}

/* Add up what the past says over the arms. */
static void
pool_past(Experiment *e, const NamedSums *s)
{
	for (const NamedEntry *at = named_first(s); at < named_end(s); at = named_next(at))
	{
		Past *pooled = &stratum_of(e, named_of(at))->pooled;
		Past  past = lift_read_past(&at->sums, 0);

		CHECK_FOR_INTERRUPTS();
		pooled->n += past.n;
		pooled->sum += past.sum;
		pooled->xx += past.xx;
		pooled->xy += past.xy;
	}
}

/* The group of an entry, with its past taken out. */
static LiftGroup
group_of(const NamedEntry *entry, const Stratum *stratum)
{
	Past   past = lift_read_past(&entry->sums, 0);
	double slope = stratum->pooled.xx > 0 ? stratum->pooled.xy / stratum->pooled.xx : 0;
	double mean = stratum->pooled.n > 0 ? stratum->pooled.sum / stratum->pooled.n : 0;

	return lift_adjusted(lift_read_group(&entry->sums, 0), &past, slope, mean);
}

/* Tell an arm, whose entries begin here, from the control; returns where the next arm begins. */
static const NamedEntry *
tell_arm(Experiment *e, ArmLift *arm, const NamedSums *s, const NamedEntry *first)
{
	const NamedEntry *end = first;
	bool			  whole = true;

	for (int i = 0; i < e->nstrata; i++)
	{
		e->strata[i].met = false;
		arm->customers += e->strata[i].control.n;
	}
	for (; end < named_end(s) && sums_part_compare(named_of(end).first, named_of(end).first_len,
												   arm->name, arm->len) == 0;
		 end = named_next(end))
		arm->customers += (double) exact_sums_get(&end->sums, LIFT_COUNT);
	for (const NamedEntry *at = first; at < end; at = named_next(at))
	{
		Stratum	 *stratum = stratum_of(e, named_of(at));
		LiftGroup g = group_of(at, stratum);
		bool	  both = g.n > 1 && stratum->control.n > 1;
		double	  variance = both ? g.mean_variance + stratum->control.mean_variance : NAN;

		stratum->met = true;
		whole = whole && g.n > 0 && stratum->control.n > 0;
		over_strata_add(&arm->over, (g.n + stratum->control.n) / arm->customers,
						g.mean - stratum->control.mean, variance,
						variance > 0 ? welch_degrees(&g, &stratum->control) : 0);
	}
	/* a stratum without one of the groups leaves the whole unknown */
	for (int i = 0; i < e->nstrata; i++)
		whole = whole && (e->strata[i].met || e->strata[i].control.n == 0);
	if (!whole)
		arm->over.difference = arm->over.variance = NAN;
	return end;
}

static void
set_p_values(Experiment *e)
{
	double *p = palloc(sizeof(double) * Max(e->narms, 1));
	int		n = 0;

	for (int i = 0; i < e->narms; i++)
	{
		ArmLift *arm = &e->arms[i];
		double	 degrees = over_strata_degrees(&arm->over);

		arm->p_value = arm->over.variance > 0 && degrees > 0
						   ? p_of_t(arm->over.difference / sqrt(arm->over.variance), degrees)
						   : NAN;
		if (!isnan(arm->p_value))
			p[n++] = arm->p_value;
	}
	holm_adjust(p, n);
	n = 0;
	for (int i = 0; i < e->narms; i++)
		e->arms[i].p_holm = isnan(e->arms[i].p_value) ? NAN : p[n++];
	pfree(p);
}

/* All arms but the control, each told from it; an error if there is no control. */
static void
read_experiment(Experiment *e, const NamedSums *s, const text *control)
{
	const NamedEntry *at;
	bool			  found = false;

	find_strata(e, s);
	pool_past(e, s);
	for (at = named_first(s); at < named_end(s); at = named_next(at))
		if (is_arm(named_of(at), control))
		{
			Stratum *stratum = stratum_of(e, named_of(at));

			stratum->control = group_of(at, stratum);
			found = true;
		}
	if (!found)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no arm \"%s\"", text_to_cstring(control)),
						errhint("Name the arm that the others are told from.")));
	e->arms = palloc0(sizeof(ArmLift) * s->n);
	for (at = named_first(s); at < named_end(s);)
	{
		ArmLift *arm = &e->arms[e->narms];

		CHECK_FOR_INTERRUPTS();
		if (is_arm(named_of(at), control))
		{
			at = named_next(at);
			continue;
		}
		arm->name = named_of(at).first;
		arm->len = named_of(at).first_len;
		at = tell_arm(e, arm, s, at);
		e->narms++;
	}
	set_p_values(e);
}

static void
set_number(Datum *values, bool *nulls, int column, double value)
{
	nulls[column] = isnan(value);
	values[column] = Float8GetDatum(value);
}

/*
 * (arms, control) -> arm, difference, standard_error, degrees, p_value, p_holm,
 * customer_count, a row an arm: Welch's test of it against the control, over the
 * strata; NULL where it cannot be said.
 */
PG_FUNCTION_INFO_V1(crm_arm_lifts);
Datum
crm_arm_lifts(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	Experiment		*e;
	const ArmLift	*arm;
	Datum			 values[7];
	bool			 nulls[7] = {false};
	double			 degrees;

	if (SRF_IS_FIRSTCALL())
	{
		const NamedSums *s = named_sums_argument(fcinfo, 0, BEFORE_GROUP_SUMS);
		MemoryContext	 before;

		rows = rows_start(fcinfo, sizeof(Experiment));
		s = rows_copy_varlena(rows, s);
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		read_experiment(rows->user_fctx, s, PG_GETARG_TEXT_PP(1));
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	e = rows->user_fctx;
	if (e->at == e->narms)
		SRF_RETURN_DONE(rows);
	arm = &e->arms[e->at++];
	degrees = over_strata_degrees(&arm->over);
	values[0] = PointerGetDatum(cstring_to_text_with_len(arm->name, arm->len));
	set_number(values, nulls, 1, arm->over.difference);
	set_number(values, nulls, 2, sqrt(arm->over.variance));
	set_number(values, nulls, 3, isnan(arm->p_value) ? NAN : degrees);
	set_number(values, nulls, 4, arm->p_value);
	set_number(values, nulls, 5, arm->p_holm);
	values[6] = Int64GetDatum((int64) arm->customers);
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}
