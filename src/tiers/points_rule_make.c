/*
 * points_rule_make.c: a points rule from arguments, and what it says of one purchase.
 */
#include "crm.h"

#include "base/span_io.h"
#include "catalog/pg_type.h"
#include "tiers/points_rule.h"
#include "utils/array.h"
#include "utils/builtins.h"

static int64
count_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? 0 : PG_GETARG_INT64(n);
}

/* An interval that may be missing, as a length. */
static Span
span_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	return span_from_interval(argument_is_given(fcinfo, n) ? PG_GETARG_INTERVAL_P(n) : NULL, name);
}

/* How long the points of each tier are valid, NULL for ever. */
static void
set_tier_expiry(PointsTerms *terms, const TierProgram *p, ArrayType *array)
{
	Datum *values;
	bool  *nulls;
	int	   n;

	if (p == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("expiry by tier needs a program"),
				 errhint("Give the program, or expiry for all points alike.")));
	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("tier_expiry must be a one-dimensional array"),
						errhint("Write '{12 months,NULL}', one length for each tier.")));
	deconstruct_array(array, INTERVALOID, sizeof(Interval), false, TYPALIGN_DOUBLE, &values, &nulls,
					  &n);
	CheckRateCount(p, n, "tier_expiry");
	terms->by_tier = 1;
	for (int i = 0; i < n; i++)
		terms->tier_expiry[i] =
			span_from_interval(nulls[i] ? NULL : DatumGetIntervalP(values[i]), "expiry of a tier");
}

/* The terms from the arguments behind the rates; functions of earlier releases have none of them. */
static PointsTerms
terms_argument(FunctionCallInfo fcinfo, const TierProgram *p)
{
	PointsTerms terms = points_plain_terms;

	terms.scale = points_scale_from_arguments(fcinfo, 8, 9);
	terms.pending = span_argument(fcinfo, 10, "pending");
	if (argument_is_given(fcinfo, 11))
		points_end_of_from_text(text_to_cstring(PG_GETARG_TEXT_PP(11)), &terms);
	terms.inclusive = argument_is_given(fcinfo, 12) && PG_GETARG_BOOL(12);
	terms.inactivity = span_argument(fcinfo, 13, "inactivity");
	terms.reinstatement = span_argument(fcinfo, 14, "reinstatement");
	terms.forgives = argument_is_given(fcinfo, 15) && PG_GETARG_BOOL(15);
	if (argument_is_given(fcinfo, 16))
		set_tier_expiry(&terms, p, PG_GETARG_ARRAYTYPE_P(16));
	if (argument_is_given(fcinfo, 17))
		terms.reaching = (uint8) points_reaching_from_text(text_to_cstring(PG_GETARG_TEXT_PP(17)));
	return terms;
}

/* Set the rates of the tiers from an array of rates, or of multipliers of the base rate. */
static void
set_tier_rates(PointsRule *r, ArrayType *array, Numeric base, const char *name)
{
	const TierProgram *p = points_rule_program(r);
	Datum			  *values;
	bool			  *nulls;
	int				   n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("%s must be a one-dimensional array", name),
						errhint("Write '{1,1.5,2}', one for each tier.")));
	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	CheckRateCount(p, n, name);
	for (int i = 0; i < n; i++)
	{
		Datum rate = values[i];

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s of tier \"%s\" cannot be null", name, p->tiers[i].name),
							errhint("Give one for each tier: 0 where it earns nothing, the plain "
									"one where it earns no more.")));
		if (base != NULL)
			rate = DirectFunctionCall2(numeric_mul, rate, NumericGetDatum(base));
		r->tier_rates[i] = points_rate_from_numeric(DatumGetNumeric(rate), "rate");
	}
}

PG_FUNCTION_INFO_V1(crm_points_rule);
Datum
crm_points_rule(PG_FUNCTION_ARGS)
{
	const TierProgram *p = PG_ARGISNULL(5) ? NULL : PG_GETARG_TIER_PROGRAM(5);
	bool			   multiplied = !PG_ARGISNULL(6);
	bool			   rated = !PG_ARGISNULL(7);
	PointsTerms		   terms;
	PointsRule		  *r;
	Numeric			   rate;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("rate cannot be null"),
						errhint("Leave it out for 1, or write 0.")));
	if ((p != NULL) != (multiplied || rated))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg(p != NULL ? "program needs the multipliers or rates of its tiers"
							  : "multipliers and rates need a program"),
			 errhint(
				 p != NULL
					 ? "Give multipliers => '{1,1.5}', one for each tier, or leave the program out."
					 : "Give the program whose tiers they are of.")));
	if (multiplied && rated)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("tiers cannot have both multipliers and rates"),
						errhint("Give multipliers of the rate, or the rates themselves.")));

	terms = terms_argument(fcinfo, p);
	r = points_rule_create(p, &terms);
	rate = PG_GETARG_NUMERIC(0);
	r->earning.rate = points_rate_from_numeric(rate, "rate");
	r->earning.order_points = count_argument(fcinfo, 1);
	r->earning.bonus_points = count_argument(fcinfo, 2);
	r->earning.bonus_every = count_argument(fcinfo, 3);
	r->expiry = span_from_interval(PG_ARGISNULL(4) ? NULL : PG_GETARG_INTERVAL_P(4), "expiry");
	if (multiplied)
		set_tier_rates(r, PG_GETARG_ARRAYTYPE_P(6), rate, "multipliers");
	if (rated)
		set_tier_rates(r, PG_GETARG_ARRAYTYPE_P(7), NULL, "rates");
	CheckPointsRule(r);
	PG_RETURN_POINTS_RULE(r);
}

/*
 * Points that one purchase of an amount earns at the plain rate, rounded as the rule
 * says: what a history of base points is made of where purchases are rounded one by one.
 */
PG_FUNCTION_INFO_V1(crm_base_points);
Datum
crm_base_points(PG_FUNCTION_ARGS)
{
	const PointsRule *r = PG_GETARG_POINTS_RULE(0);
	int64			  amount = amount_from_numeric(PG_GETARG_NUMERIC(1));
	int128 points = points_for_amount(&points_rule_terms(r)->scale, r->earning.rate, amount);

	if (points > PG_INT64_MAX || points < PG_INT64_MIN)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("points of an amount of %s are out of range", amount_to_text(amount)),
				 errhint("Give a smaller rate.")));
	PG_RETURN_INT64((int64) points);
}
