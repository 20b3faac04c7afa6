/*
 * tier_program_make.c: a tier program from arrays of names and thresholds, and
 * what a program says of itself.
 */
#include "crm.h"

#include "base/names.h"
#include "catalog/pg_type.h"
#include "base/rows.h"
#include "base/span_io.h"
#include "tiers/tier_program.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* ---- arguments that may be NULL ---- */

/* The number of a word that has to be given. */
static int
word_argument(FunctionCallInfo fcinfo, int n, const Names *names)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s cannot be null", names->what),
				 errhint("%s", names_hint(names))));
	return names_get_text(names, PG_GETARG_TEXT_PP(n));
}

static int64
count_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? 0 : PG_GETARG_INT64(n);
}

static Span
span_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	return span_from_interval(PG_ARGISNULL(n) ? NULL : PG_GETARG_INTERVAL_P(n), name);
}

/* A grace of 0 days is none. */
static Span
grace_argument(FunctionCallInfo fcinfo, int n)
{
	const Interval *grace = PG_ARGISNULL(n) ? NULL : PG_GETARG_INTERVAL_P(n);

	if (grace != NULL && grace->time == 0 && grace->day == 0 && grace->month == 0)
		grace = NULL;
	return span_from_interval(grace, "grace");
}

/* ---- arrays ---- */

/* The elements of a one-dimensional array. */
static int
array_elements(ArrayType *array, const char *name, Oid type, Datum **values, bool **nulls)
{
	int16 typlen;
	bool  typbyval;
	char  typalign;
	int	  n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("%s must be a one-dimensional array", name),
						errhint("Write '{...}' with one element for each tier.")));
	typlen = -1;
	typbyval = false;
	typalign = TYPALIGN_INT;
	deconstruct_array(array, type, typlen, typbyval, typalign, values, nulls, &n);
	return n;
}

static TierProgram *
program_of_names(ArrayType *names)
{
	Datum		*values;
	bool		*nulls;
	int			 n = array_elements(names, "tiers", TEXTOID, &values, &nulls);
	TierProgram *p = tier_program_create(n);

	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("tier %d has no name", i + 1),
					 errhint("Give each tier a name.")));
		tier_set_name(&p->tiers[i], TextDatumGetCString(values[i]));
	}
	return p;
}

/* Write an array of thresholds, one a tier and NULL for none, into qualify or retain. */
static void
set_thresholds(TierProgram *p, ArrayType *array, const char *name, int metric, bool retain)
{
	Datum *values;
	bool  *nulls;
	int	   n = array_elements(array, name, NUMERICOID, &values, &nulls);

	if (n != p->ntiers)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of %s (%d) differs from number of tiers (%d)", name, n, p->ntiers),
				 errhint("Give one for each tier.")));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			(retain ? p->tiers[i].retain : p->tiers[i].qualify)[metric] =
				tier_threshold_from_numeric(metric, DatumGetNumeric(values[i]));
}

static void
set_lifetime_tiers(TierProgram *p, ArrayType *names)
{
	Datum *values;
	bool  *nulls;
	int	   n = array_elements(names, "lifetime_tiers", TEXTOID, &values, &nulls);

	for (int i = 0; i < n; i++)
		if (!nulls[i])
			p->tiers[tier_rank_by_name(p, TextDatumGetCString(values[i])) - 1].lifetime = 1;
}

/* ---- the window ---- */

static const char window_names[][20] = {
	"rolling",		  "calendar",	   "calendar_year", "calendar_quarter",
	"calendar_month", "calendar_week", "anniversary",	"lifetime",
};
static const Names windows =
	NAMES("window_kind", "Windows",
		  "Calendar ones may start elsewhere: calendar_week(sunday), calendar_year(april).", 0,
		  window_names);

/* What they are, by the same numbers. */
static const TierWindow window_kinds[lengthof(window_names)] = {
	WINDOW_ROLLING,	 WINDOW_CALENDAR, WINDOW_CALENDAR,	  WINDOW_CALENDAR,
	WINDOW_CALENDAR, WINDOW_CALENDAR, WINDOW_ANNIVERSARY, WINDOW_LIFETIME,
};

#define CALENDAR_PREFIX "calendar_"

/*
 * The window of a name as the constructor or, with a space, jsonb has it; the calendar ones bring
 * their period, which may be said again, and may bring where it starts.
 */
static void
set_window(TierProgram *p, FunctionCallInfo fcinfo, int n, Span period)
{
	char *name;
	int	  kind;

	if (PG_ARGISNULL(n))
		(void) word_argument(fcinfo, n, &windows);
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	for (char *c = name; *c != '\0'; c++)
		*c = *c == ' ' ? '_' : *c;
	if (pg_strncasecmp(name, CALENDAR_PREFIX, strlen(CALENDAR_PREFIX)) != 0)
	{
		kind = names_get(&windows, name, strlen(name));
		p->window = window_kinds[kind];
		p->period = period;
		if (p->window == WINDOW_CALENDAR)
			p->fiscal_start = period.months == 0 && period.days != 0 ? 1 : 101;
		return;
	}
	kind = names_get(&windows, name, strcspn(name, "("));
	tier_set_calendar(p, period_from_text(cstring_to_text(name + strlen(CALENDAR_PREFIX))));
	if (!span_is_zero(period) &&
		(period.months != p->period.months || period.days != p->period.days))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("window %s has another period", window_names[kind]),
						errhint("Leave the period out.")));
}

/* "MM-DD" as 100 * month + day; CheckTierProgram looks at its range. A window says it once. */
static void
set_fiscal_start(TierProgram *p, const char *text)
{
	Scanner s = scan_start("fiscal_start", text);
	int32	start = scan_month_day(&s);

	scan_end(&s);
	if (!tier_window_is_weekly(p) && p->fiscal_start != 0 && p->fiscal_start != 101 &&
		p->fiscal_start != start)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("fiscal start %s differs from that of the window", text),
			 errhint("Write the start once: window_kind => 'calendar_year', fiscal_start => '%s'.",
					 text)));
	p->fiscal_start = start;
}

/* What a return does to the tier that its purchase has given; the second revokes it. */
static const char refund_words[][10] = {"keep", "revoke"};

static const Names refunds =
	NAMES("on_refund", "Words",
		  "A tier that was reached stays until it runs out, or the standing is "
		  "worked out anew when the refund is booked.",
		  0, refund_words);

/* ---- terms ---- */

/* The main metric that proves a match of each tier, NULL for a tier that none does. */
static void
set_proof(const TierProgram *p, TierTerms *terms, ArrayType *array)
{
	Datum *values;
	bool  *nulls;
	int	   n = array_elements(array, "proof", NUMERICOID, &values, &nulls);

	if (n != p->ntiers)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of proof thresholds (%d) differs from number of tiers (%d)",
							   n, p->ntiers),
						errhint("Give one for each tier, NULL for none.")));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			terms->proof[i] = tier_threshold_from_numeric(p->metric, DatumGetNumeric(values[i]));
}

/* The terms from the arguments behind on_refund; functions of earlier releases have none of them. */
static void
set_terms(FunctionCallInfo fcinfo, const TierProgram *p, TierTermsDraft *draft)
{
	TierTerms *terms = &draft->terms;

	if (argument_is_given(fcinfo, 19))
		tier_rollover_from_text(text_to_cstring(PG_GETARG_TEXT_PP(19)), p, terms);
	if (argument_is_given(fcinfo, 20))
		terms->proof_period = span_argument(fcinfo, 20, "proof_period");
	if (argument_is_given(fcinfo, 21))
		set_proof(p, terms, PG_GETARG_ARRAYTYPE_P(21));
	if (argument_is_given(fcinfo, 22))
		terms->fee = amount_from_numeric(PG_GETARG_NUMERIC(22));
	if (argument_is_given(fcinfo, 23))
		terms->fee_period = span_argument(fcinfo, 23, "fee_period");
	if (argument_is_given(fcinfo, 24))
	{
		terms->renewal_fee = amount_from_numeric(PG_GETARG_NUMERIC(24));
		if (terms->renewal_fee <= 0)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("renewal fee must be above 0"),
							errhint("Leave it out where it is the same as the fee.")));
	}
	if (argument_is_given(fcinfo, 25))
		tier_benefits_from_text(text_to_cstring(PG_GETARG_TEXT_PP(25)), p, draft);
}

/* ---- rules as text ---- */

/* An array of rules, one a tier and NULL for none, in the words of the text form. */
static void
set_rules(TierProgram *p, ArrayType *array, const char *name, TierTermsDraft *draft, bool retain)
{
	Datum *values;
	bool  *nulls;
	int	   n = array_elements(array, name, TEXTOID, &values, &nulls);

	if (n != p->ntiers)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of %s (%d) differs from number of tiers (%d)", name, n, p->ntiers),
				 errhint("Give one for each tier.")));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			tier_rules_from_text(TextDatumGetCString(values[i]), name, p, draft, i + 1, retain);
}

/* What tiers ask for: thresholds of the main metric, or rules. */
static void
set_qualifying(FunctionCallInfo fcinfo, TierProgram *p, TierTermsDraft *draft)
{
	bool ruled = argument_is_given(fcinfo, 26);

	if (ruled == !PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ruled ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg(ruled ? "tiers cannot have both thresholds and rules"
							  : "thresholds cannot be null"),
				 errhint("Give thresholds of one metric, '{0,500}', or rules, '{spend 0,spend 500 "
						 "or orders 5}'.")));
	if (ruled)
		set_rules(p, PG_GETARG_ARRAYTYPE_P(26), "rules", draft, false);
	else
		set_thresholds(p, PG_GETARG_ARRAYTYPE_P(1), "thresholds", p->metric, false);
	if (!PG_ARGISNULL(8))
		set_thresholds(p, PG_GETARG_ARRAYTYPE_P(8), "retain thresholds", p->metric, true);
	if (argument_is_given(fcinfo, 27))
		set_rules(p, PG_GETARG_ARRAYTYPE_P(27), "retain rules", draft, true);
}

/* ---- the constructors ---- */

PG_FUNCTION_INFO_V1(crm_tier_program);
Datum
crm_tier_program(PG_FUNCTION_ARGS)
{
	TierProgram	  *p;
	TierTermsDraft draft;
	Span		   period = span_argument(fcinfo, 3, "period");

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("tiers cannot be null"),
						errhint("Name the tiers, the lowest first: '{Bronze,Silver,Gold}'.")));
	p = program_of_names(PG_GETARG_ARRAYTYPE_P(0));
	p->metric = word_argument(fcinfo, 2, &tier_metrics);
	tier_terms_start(&draft, NULL);
	set_qualifying(fcinfo, p, &draft);
	set_window(p, fcinfo, 4, period);
	p->downgrade = word_argument(fcinfo, 5, &tier_downgrades);
	p->grace = grace_argument(fcinfo, 6);
	p->validity = span_argument(fcinfo, 7, "validity");
	if (!PG_ARGISNULL(9))
		set_lifetime_tiers(p, PG_GETARG_ARRAYTYPE_P(9));
	if (!PG_ARGISNULL(10))
		set_fiscal_start(p, text_to_cstring(PG_GETARG_TEXT_PP(10)));
	if (!PG_ARGISNULL(11))
		p->starts_on = PG_GETARG_DATEADT(11);
	p->earning.rate =
		PG_ARGISNULL(12) ? 0 : points_rate_from_numeric(PG_GETARG_NUMERIC(12), "points_rate");
	p->earning.order_points = count_argument(fcinfo, 13);
	p->earning.bonus_points = count_argument(fcinfo, 14);
	p->earning.bonus_every = count_argument(fcinfo, 15);
	draft.terms.scale = points_scale_from_arguments(fcinfo, 16, 17);
	if (PG_NARGS() > 18 && word_argument(fcinfo, 18, &refunds) == 1)
		p->flags |= TIER_PROGRAM_REVOKES;
	set_terms(fcinfo, p, &draft);
	p = tier_program_with_terms(p, &draft);
	CheckTierProgram(p);
	PG_RETURN_TIER_PROGRAM(p);
}

/* Write thresholds in a metric that the tiers do not have by itself yet, NULL for tiers without. */
static void
add_thresholds(TierProgram *p, ArrayType *array, const char *name, int metric, bool retain)
{
	TierProgram *before = palloc(VARSIZE(p));

	memcpy(before, p, VARSIZE(p));
	for (int i = 0; i < p->ntiers; i++)
		(retain ? p->tiers[i].retain : p->tiers[i].qualify)[metric] = NO_THRESHOLD;
	set_thresholds(p, array, name, metric, retain);
	for (int i = 0; i < p->ntiers; i++)
	{
		int64 *added = &(retain ? p->tiers[i].retain : p->tiers[i].qualify)[metric];
		int64  had = (retain ? before->tiers[i].retain : before->tiers[i].qualify)[metric];

		if (had == NO_THRESHOLD)
			continue;
		if (*added != NO_THRESHOLD)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s threshold of tier \"%s\" is given twice", tier_metric_name(metric),
						p->tiers[i].name),
				 errhint("Give NULL for it, or join another metric to it by crm.and_rule first.")));
		*added = had;
	}
}

/* A program with thresholds in one more metric, any of which suffices. */
PG_FUNCTION_INFO_V1(crm_or_rule);
Datum
crm_or_rule(PG_FUNCTION_ARGS)
{
	TierProgram *p;
	int			 metric;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("thresholds cannot be null"),
				 errhint("Give one for each tier, NULL for a tier without: '{NULL,5}'.")));
	p = (TierProgram *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0));
	metric = word_argument(fcinfo, 1, &tier_metrics);
	add_thresholds(p, PG_GETARG_ARRAYTYPE_P(2), "thresholds", metric, false);
	if (!PG_ARGISNULL(3))
		add_thresholds(p, PG_GETARG_ARRAYTYPE_P(3), "retain thresholds", metric, true);
	CheckTierProgram(p);
	PG_RETURN_TIER_PROGRAM(p);
}

/* The last rule of several metrics of a tier that has one metric and not yet another; NULL if there is none. */
static TierAlternative *
last_alternative(TierTermsDraft *draft, int rank, bool retain, int has, int lacks)
{
	for (int i = draft->terms.nalternatives - 1; i >= 0; i--)
	{
		TierAlternative *a = &draft->alternatives[i];

		if (a->rank == rank && a->retain == (int32) retain && a->thresholds[has] != NO_THRESHOLD &&
			a->thresholds[lacks] == NO_THRESHOLD)
			return a;
	}
	return NULL;
}

/*
 * Join a threshold to what a tier asks for in the main metric: in that alone, or else in the rule of
 * several metrics that came last.
 */
static void
join_threshold(TierProgram *p, TierTermsDraft *draft, int rank, bool retain, int metric,
			   int64 threshold)
{
	Tier			*tier = &p->tiers[rank - 1];
	int64			*single = retain ? tier->retain : tier->qualify;
	int64			 thresholds[TIER_METRICS];
	int				 with = p->metric;
	TierAlternative *a = last_alternative(draft, rank, retain, with, metric);

	if (single[with] <= 0)
	{
		if (a == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("tier \"%s\" has no %s threshold that another could be joined to",
							tier->name, tier_metric_name(with)),
					 errhint("Give NULL for it, or add the rule by crm.or_rule.")));
		a->thresholds[metric] = threshold;
		return;
	}
	for (int m = 0; m < TIER_METRICS; m++)
		thresholds[m] = NO_THRESHOLD;
	thresholds[with] = single[with];
	thresholds[metric] = threshold;
	single[with] = NO_THRESHOLD;
	tier_terms_add_alternative(draft, rank, retain, thresholds);
}

static void
join_thresholds(TierProgram *p, TierTermsDraft *draft, ArrayType *array, const char *name,
				int metric, bool retain)
{
	Datum *values;
	bool  *nulls;
	int	   n = array_elements(array, name, NUMERICOID, &values, &nulls);

	if (n != p->ntiers)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of %s (%d) differs from number of tiers (%d)", name, n, p->ntiers),
				 errhint("Give one for each tier.")));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			join_threshold(p, draft, i + 1, retain, metric,
						   tier_threshold_from_numeric(metric, DatumGetNumeric(values[i])));
}

/* A program whose tiers ask for one more metric along with the main one. */
PG_FUNCTION_INFO_V1(crm_and_rule);
Datum
crm_and_rule(PG_FUNCTION_ARGS)
{
	TierProgram	  *p;
	TierTermsDraft draft;
	int			   metric;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("thresholds cannot be null"),
				 errhint("Give one for each tier, NULL for a tier without: '{NULL,5}'.")));
	p = (TierProgram *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0));
	metric = word_argument(fcinfo, 1, &tier_metrics);
	if (metric == p->metric)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s, the main metric, cannot be joined to itself", tier_metric_name(metric)),
			 errhint("Join another metric to it, or add thresholds in it by crm.or_rule.")));
	tier_terms_start(&draft, p);
	join_thresholds(p, &draft, PG_GETARG_ARRAYTYPE_P(2), "thresholds", metric, false);
	if (!PG_ARGISNULL(3))
		join_thresholds(p, &draft, PG_GETARG_ARRAYTYPE_P(3), "retain thresholds", metric, true);
	p = tier_program_with_terms(p, &draft);
	CheckTierProgram(p);
	PG_RETURN_TIER_PROGRAM(p);
}

/* ---- what a program says of itself ---- */

/* The rank of a tier, 1 for the lowest; an error if the program has no such tier. */
PG_FUNCTION_INFO_V1(crm_tier_rank);
Datum
crm_tier_rank(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(
		tier_rank_by_name(PG_GETARG_TIER_PROGRAM(0), text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* The tier that a value of the main metric reaches; NULL if it reaches none. */
PG_FUNCTION_INFO_V1(crm_tier_value);
Datum
crm_tier_value(PG_FUNCTION_ARGS)
{
	TierProgram *p = PG_GETARG_TIER_PROGRAM(0);
	Numeric		 value = PG_GETARG_NUMERIC(1);

	if (numeric_is_nan(value))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("value cannot be NaN"),
						errhint("Leave out what is no number.")));
	for (int i = p->ntiers - 1; i >= 0; i--)
	{
		int64 threshold = p->tiers[i].qualify[p->metric];

		if (threshold != NO_THRESHOLD &&
			((i == 0 && threshold == 0) ||
			 DatumGetBool(DirectFunctionCall2(
				 numeric_ge, NumericGetDatum(value),
				 NumericGetDatum(tier_metric_to_numeric(p->metric, threshold))))))
			PG_RETURN_TEXT_P(cstring_to_text(p->tiers[i].name));
	}
	if (tier_base_rank(p) == 1)
		PG_RETURN_TEXT_P(cstring_to_text(p->tiers[0].name));
	PG_RETURN_NULL();
}

/* What a tier takes in a metric, alone or along with others; or NO_THRESHOLD. */
static int64
rule_threshold(const TierProgram *p, int rank, int metric, bool retain)
{
	const Tier *tier = &p->tiers[rank - 1];
	int64		threshold = (retain ? tier->retain : tier->qualify)[metric];

	for (int i = 0; i < tier_program_terms(p)->nalternatives; i++)
	{
		const TierAlternative *a = &tier_program_alternatives(p)[i];

		if (threshold == NO_THRESHOLD && a->rank == rank && a->retain == (int32) retain)
			threshold = a->thresholds[metric];
	}
	return threshold;
}

/* The rules of the program as rows (rank, tier, metric, threshold, retain_threshold, lifetime). */
PG_FUNCTION_INFO_V1(crm_tiers);
Datum
crm_tiers(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	struct
	{
		TierProgram *program;
		int			 next; /* rank and metric as one number */
	} * state;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(*state));
		state = rows->user_fctx;
		state->program = rows_copy_varlena(rows, PG_GETARG_TIER_PROGRAM(0));
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;

	while (state->next < state->program->ntiers * TIER_METRICS)
	{
		const Tier *tier = &state->program->tiers[state->next / TIER_METRICS];
		int			metric = state->next % TIER_METRICS;
		int			rank = state->next / TIER_METRICS + 1;
		int64		qualify = rule_threshold(state->program, rank, metric, false);
		int64		retain = rule_threshold(state->program, rank, metric, true);
		Datum		values[6] = {0};
		bool		nulls[6] = {false};

		state->next++;
		if (retain == NO_THRESHOLD)
			retain = qualify;
		if (retain == NO_THRESHOLD)
			continue;
		values[0] = Int32GetDatum(rank);
		values[1] = CStringGetTextDatum(tier->name);
		values[2] = CStringGetTextDatum(tier_metric_name(metric));
		nulls[3] = qualify == NO_THRESHOLD;
		if (!nulls[3])
			values[3] = NumericGetDatum(tier_metric_to_numeric(metric, qualify));
		values[4] = NumericGetDatum(tier_metric_to_numeric(metric, retain));
		values[5] = BoolGetDatum(tier->lifetime != 0);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
