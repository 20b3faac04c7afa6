/*
 * engagement.c: sums that forget: what happened counts half after each
 * half-life.
 *
 * A contribution of age a weighs 2^(-a / half_life); what lies after as_of
 * does not count yet.
 */
#include "crm.h"

#include <math.h>

#include "base/exact_sums.h"
#include "relationship/interaction_history.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* What is left at as_of of 1 at an instant not after it. */
static double
decay(TimestampTz at, TimestampTz as_of, double half_life)
{
	return exp2(-(double) ((uint64) as_of - (uint64) at) / half_life);
}

/* The weight of each kind, from an object such as {"visit": 3, "message": 0.5}; 0 where not named. */
static void
read_weights(Jsonb *json, double *weights)
{
	JsonbIterator	  *it = JsonbIteratorInit(&json->root);
	JsonbValue		   value;
	JsonbIteratorToken token;
	int				   kind = -1;

	memset(weights, 0, INTERACTION_KINDS * sizeof(double));
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("weights must be a JSON object"),
				 errhint("Give a number for each kind that counts, as in {\"visit\": 3}.")));
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			kind = interaction_kind_from(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE)
		{
			if (value.type != jbvNumeric)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("weight of kind \"%s\" must be a number",
									   interaction_kind_names[kind])));
			weights[kind] = DatumGetFloat8(
				DirectFunctionCall1(numeric_float8, NumericGetDatum(value.val.numeric)));
		}
	}
}

/* Whether an interaction shows that the customer takes part: they spoke, or took up what we sent. */
static bool
is_engaged(const Interaction *entry)
{
	InteractionOutcome outcome = interaction_outcome(entry);

	return !interaction_is_outbound(entry) || outcome == OUTCOME_OPENED ||
		   outcome == OUTCOME_ANSWERED || outcome == OUTCOME_RESOLVED;
}

/*
 * How much the customer takes part: each inbound interaction, and each outbound
 * one that was opened, answered or resolved, at or before as_of counts the
 * weight of its kind times 2^(-age / half_life).
 */
static Datum
engagement(InteractionHistory *h, TimestampTz as_of, Jsonb *json, const Interval *life)
{
	double half_life = interval_microseconds(life, "half_life");
	int	   n = interaction_history_count_until(h, as_of);
	double weights[INTERACTION_KINDS];
	double sum = 0;

	CheckFiniteInstant(as_of, "as_of");
	read_weights(json, weights);
	for (int i = 0; i < n; i++)
	{
		double weight = weights[interaction_kind(&h->entries[i])];

		if (weight != 0 && is_engaged(&h->entries[i]))
			sum += weight * decay(h->entries[i].at, as_of, half_life);
	}
	if (isinf(sum) || isnan(sum))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("engagement is out of range"), errhint("Use smaller weights.")));
	return Float8GetDatum(sum);
}

/* (history, as_of, weights, half_life) */
PG_FUNCTION_INFO_V1(crm_engagement_as_of);
Datum
crm_engagement_as_of(PG_FUNCTION_ARGS)
{
	return engagement(PG_GETARG_INTERACTION_HISTORY(0), PG_GETARG_TIMESTAMPTZ(1),
					  PG_GETARG_JSONB_P(2), PG_GETARG_INTERVAL_P(3));
}

/* The arguments as they stood before 0.3.0. */
PG_FUNCTION_INFO_V1(crm_engagement);
Datum
crm_engagement(PG_FUNCTION_ARGS)
{
	return engagement(PG_GETARG_INTERACTION_HISTORY(0), PG_GETARG_TIMESTAMPTZ(3),
					  PG_GETARG_JSONB_P(1), PG_GETARG_INTERVAL_P(2));
}

/* How much we press: each outbound interaction at or before as_of counts 2^(-age / half_life). */
static Datum
contact_pressure(InteractionHistory *h, TimestampTz as_of, const Interval *life)
{
	double half_life = interval_microseconds(life, "half_life");
	int	   n = interaction_history_count_until(h, as_of);
	double sum = 0;

	for (int i = 0; i < n; i++)
		if (interaction_is_outbound(&h->entries[i]))
			sum += decay(h->entries[i].at, as_of, half_life);
	return Float8GetDatum(sum);
}

/* (history, as_of, half_life) */
PG_FUNCTION_INFO_V1(crm_contact_pressure_as_of);
Datum
crm_contact_pressure_as_of(PG_FUNCTION_ARGS)
{
	return contact_pressure(PG_GETARG_INTERACTION_HISTORY(0),
							CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(1), "as_of"),
							PG_GETARG_INTERVAL_P(2));
}

/* The arguments as they stood before 0.3.0. */
PG_FUNCTION_INFO_V1(crm_contact_pressure);
Datum
crm_contact_pressure(PG_FUNCTION_ARGS)
{
	return contact_pressure(PG_GETARG_INTERACTION_HISTORY(0),
							CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(2), "as_of"),
							PG_GETARG_INTERVAL_P(1));
}

/*
 * The state of decayed_sum: how many values, and their sum in units of 2^-60.
 * A sum may reach 1.4e20 and is exact to 4e-19 a value.
 */
enum
{
	DECAYED_COUNT,
	DECAYED_SUM,
	DECAYED_SUMS
};
#define DECAYED_FRACTION_BITS 60
#define DECAYED_LIMIT 1e18

/* What is given once for all rows is given. */
static inline void
CheckNotNull(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s cannot be null", name)));
}

/* A row more: value, occurred_at, and at these places as_of and half_life. */
static inline Datum
decayed_sum_transition(FunctionCallInfo fcinfo, int as_of_arg, int half_life_arg)
{
	ExactSums  *state = exact_sums_state(fcinfo, DECAYED_SUMS);
	double		half_life;
	TimestampTz as_of;
	TimestampTz at;

	CheckNotNull(fcinfo, half_life_arg, "half_life");
	CheckNotNull(fcinfo, as_of_arg, "as_of");
	half_life = interval_microseconds(PG_GETARG_INTERVAL_P(half_life_arg), "half_life");
	as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(as_of_arg), "as_of");
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);

	at = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(2), "instant of a value");
	exact_fixed(PG_GETARG_FLOAT8(1), 0, DECAYED_LIMIT, "value");
	if (at <= as_of)
	{
		double left = PG_GETARG_FLOAT8(1) * decay(at, as_of, half_life);

		exact_sums_add(state, DECAYED_COUNT, 1);
		exact_sums_add(state, DECAYED_SUM,
					   exact_fixed(left, DECAYED_FRACTION_BITS, DECAYED_LIMIT, "value"));
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_decayed_sum_as_of_transition);
Datum
crm_decayed_sum_as_of_transition(PG_FUNCTION_ARGS)
{
	return decayed_sum_transition(fcinfo, 3, 4);
}

/* The arguments as they stood before 0.3.0. */
PG_FUNCTION_INFO_V1(crm_decayed_sum_transition);
Datum
crm_decayed_sum_transition(PG_FUNCTION_ARGS)
{
	return decayed_sum_transition(fcinfo, 4, 3);
}

/* The sum; NULL if there was no value at or before as_of. */
PG_FUNCTION_INFO_V1(crm_decayed_sum_final);
Datum
crm_decayed_sum_final(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_argument(fcinfo, 0, DECAYED_SUMS);

	if (exact_sums_get(state, DECAYED_COUNT) == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(exact_to_float8(exact_sums_get(state, DECAYED_SUM), DECAYED_FRACTION_BITS));
}
