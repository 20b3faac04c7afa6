/*
 * concentration.c: how unequally a total is held: the part of the largest, and
 * the Gini coefficient.
 *
 * Both need every value in order, so a state keeps every value, 8 bytes each:
 * numeric as a whole number of ten-thousandths, as all money here, and float8 as
 * it is. Splitting that between workers would only carry the values over, so
 * the state is internal and there is no combine function. Sums are taken over
 * the values in order, so the order of rows does not matter: exact in 128 bits
 * for numeric; for float8 with error compensation, to the last digits.
 */
#include "crm.h"

#include <float.h>
#include <math.h>

#include "base/aggregate.h"
#include "base/decimal.h"
#include "base/amount.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define FIRST_CAPACITY 64
#define DEFAULT_SHARE "0.2"

/* Above this the sums of float8 are taken of values scaled down, so as not to overflow. */
#define FLOAT8_LARGE 1e200
#define FLOAT8_SCALE 0x1p-600

typedef union Value
{
	int64  amount; /* in 1/10000 */
	double number;
} Value;

typedef struct ConcentrationState
{
	int64	nvalues;
	int64	capacity;
	Value  *values;
	Numeric share;		 /* concentration only */
	double	share_given; /* as float8, to compare the next rows with */
} ConcentrationState;

static ConcentrationState *
create_state(MemoryContext context)
{
	MemoryContext		before = MemoryContextSwitchTo(context);
	ConcentrationState *state = palloc0(sizeof(ConcentrationState));

	state->capacity = FIRST_CAPACITY;
	state->values = palloc(FIRST_CAPACITY * sizeof(Value));
	MemoryContextSwitchTo(before);
	return state;
}

/* The state of this call, made at the first one, in the aggregate's context. */
static ConcentrationState *
state_argument(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	context = CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(0))
		return create_state(context);
	return (ConcentrationState *) PG_GETARG_POINTER(0);
}

static inline void
add_value(ConcentrationState *state, Value value)
{
	if (unlikely(state->nvalues == state->capacity))
	{
		state->capacity *= 2;
		state->values = repalloc_huge(state->values, state->capacity * sizeof(Value));
	}
	state->values[state->nvalues++] = value;
}

static inline Value
numeric_value(FunctionCallInfo fcinfo)
{
	Value value;

	value.amount = amount_from_numeric((Numeric) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1)));
	return value;
}

static inline Value
float8_value(FunctionCallInfo fcinfo)
{
	Value value;

	value.number = PG_GETARG_FLOAT8(1);
	if (unlikely(isnan(value.number) || isinf(value.number)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("value %s is out of range",
							   DatumGetCString(DirectFunctionCall1(float8out, PG_GETARG_DATUM(1)))),
						errdetail("A value is a finite number.")));
	return value;
}

/* A share is a part of the customers, and more than none of them. */
static void
CheckShare(Numeric share)
{
	bool above_zero = DatumGetBool(DirectFunctionCall2(numeric_gt, NumericGetDatum(share),
													   NumericGetDatum(amount_to_numeric(0))));
	bool within_one = DatumGetBool(DirectFunctionCall2(
		numeric_le, NumericGetDatum(share), NumericGetDatum(amount_to_numeric(AMOUNT_SCALE))));

	if (!above_zero || !within_one)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("share %s is out of range",
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(share)))),
				 errdetail("A share is greater than 0 and at most 1.")));
}

/* The share is a constant of the whole aggregate. */
static void
CheckSameShare(Numeric share, Numeric expected)
{
	if (!DatumGetBool(
			DirectFunctionCall2(numeric_eq, NumericGetDatum(share), NumericGetDatum(expected))))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("share must be the same in all rows of concentration"),
			 errdetail("One row has %s, another %s.",
					   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(expected))),
					   DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(share))))));
}

static Numeric
default_share(void)
{
	return numeric_of_text(DEFAULT_SHARE);
}

/* The share of a call, which was numeric before 0.3.0. */
static inline Numeric
share_argument(FunctionCallInfo fcinfo, bool numeric_share)
{
	if (PG_NARGS() <= 2)
		return default_share();
	return numeric_share ? PG_GETARG_NUMERIC(2) : numeric_of_share(PG_GETARG_FLOAT8(2));
}

/* Keeps the share of the first row and compares the others with it. */
static inline void
note_share(FunctionCallInfo fcinfo, ConcentrationState *state, bool numeric_share)
{
	Numeric share;

	if (state->share != NULL && PG_NARGS() <= 2)
		return;
	if (PG_NARGS() > 2 && PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("share cannot be null")));
	if (PG_NARGS() > 2 && !numeric_share && state->share != NULL &&
		PG_GETARG_FLOAT8(2) == state->share_given)
		return;
	share = share_argument(fcinfo, numeric_share);

	if (state->share == NULL)
	{
		CheckShare(share);
		if (PG_NARGS() > 2 && !numeric_share)
			state->share_given = PG_GETARG_FLOAT8(2);
		state->share = MemoryContextAlloc(GetMemoryChunkContext(state), VARSIZE(share));
		memcpy(state->share, share, VARSIZE(share));
	}
	else if (VARSIZE(share) != VARSIZE(state->share) ||
			 memcmp(share, state->share, VARSIZE(share)) != 0)
		CheckSameShare(share, state->share);
}

/* A value more, by a constant reader and kind of share. */
static inline Datum
concentration_transition(FunctionCallInfo fcinfo, Value (*value)(FunctionCallInfo),
						 bool			  numeric_share)
{
	ConcentrationState *state = state_argument(fcinfo);

	note_share(fcinfo, state, numeric_share);
	if (!PG_ARGISNULL(1))
		add_value(state, value(fcinfo));
	return PointerGetDatum(state);
}

PG_FUNCTION_INFO_V1(crm_concentration_share_transition_numeric);
Datum
crm_concentration_share_transition_numeric(PG_FUNCTION_ARGS)
{
	return concentration_transition(fcinfo, numeric_value, false);
}

PG_FUNCTION_INFO_V1(crm_concentration_share_transition_float8);
Datum
crm_concentration_share_transition_float8(PG_FUNCTION_ARGS)
{
	return concentration_transition(fcinfo, float8_value, false);
}

/* Without a share, or, before 0.3.0, with a numeric one. */
PG_FUNCTION_INFO_V1(crm_concentration_transition_numeric);
Datum
crm_concentration_transition_numeric(PG_FUNCTION_ARGS)
{
	return concentration_transition(fcinfo, numeric_value, true);
}

PG_FUNCTION_INFO_V1(crm_concentration_transition_float8);
Datum
crm_concentration_transition_float8(PG_FUNCTION_ARGS)
{
	return concentration_transition(fcinfo, float8_value, true);
}

/* The coefficient is defined where nobody owes. */
static void
gini_refuses(const char *value)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("gini cannot take the negative value %s", value),
					errhint("Leave out negative values, or count them as zero.")));
}

PG_FUNCTION_INFO_V1(crm_gini_transition_numeric);
Datum
crm_gini_transition_numeric(PG_FUNCTION_ARGS)
{
	ConcentrationState *state = state_argument(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		Value value = numeric_value(fcinfo);

		if (unlikely(value.amount < 0))
			gini_refuses(amount_to_text(value.amount));
		add_value(state, value);
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_gini_transition_float8);
Datum
crm_gini_transition_float8(PG_FUNCTION_ARGS)
{
	ConcentrationState *state = state_argument(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		Value value = float8_value(fcinfo);

		if (unlikely(value.number < 0))
			gini_refuses(DatumGetCString(DirectFunctionCall1(float8out, PG_GETARG_DATUM(1))));
		add_value(state, value);
	}
	PG_RETURN_POINTER(state);
}

/* Sorting may take long, so the comparisons let it be cancelled, as PostgreSQL's own sort does. */
static int
compare_amounts(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return CRM_COMPARE(((const Value *) a)->amount, ((const Value *) b)->amount);
}

static int
compare_numbers(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return CRM_COMPARE(((const Value *) a)->number, ((const Value *) b)->number);
}

/*
 * The state with its values in ascending order, NULL if it has none. Sorting is
 * no change to what the state holds: more rows may follow, as in a window.
 */
static ConcentrationState *
sorted_state(FunctionCallInfo fcinfo, int (*compare)(const void *, const void *))
{
	ConcentrationState *state =
		PG_ARGISNULL(0) ? NULL : (ConcentrationState *) PG_GETARG_POINTER(0);

	if (state == NULL || state->nvalues == 0)
		return NULL;
	qsort(state->values, state->nvalues, sizeof(Value), compare);
	return state;
}

/* How many values the share is: ceil(share * n), exact. */
static int64
values_in_share(const ConcentrationState *state)
{
	Datum n = DirectFunctionCall1(int8_numeric, Int64GetDatum(state->nvalues));
	Datum part = DirectFunctionCall2(numeric_mul, NumericGetDatum(state->share), n);

	return DatumGetInt64(
		DirectFunctionCall1(numeric_int8, DirectFunctionCall1(numeric_ceil, part)));
}

static Datum
divide_amounts(int128 numerator, int128 denominator)
{
	return DirectFunctionCall2(numeric_div, NumericGetDatum(amount_to_numeric(numerator)),
							   NumericGetDatum(amount_to_numeric(denominator)));
}

/* The part of the total that the largest values hold; NULL if the total is not positive. */
PG_FUNCTION_INFO_V1(crm_concentration_final_numeric);
Datum
crm_concentration_final_numeric(PG_FUNCTION_ARGS)
{
	ConcentrationState *state = sorted_state(fcinfo, compare_amounts);
	int128				total = 0;
	int128				largest = 0;
	int64				first;

	if (state == NULL)
		PG_RETURN_NULL();
	first = state->nvalues - values_in_share(state);
	for (int64 i = 0; i < state->nvalues; i++)
	{
		total += state->values[i].amount;
		if (i >= first)
			largest += state->values[i].amount;
	}
	if (total <= 0)
		PG_RETURN_NULL();
	return divide_amounts(largest, total);
}

/*
 * The Gini coefficient of values x_1 <= ... <= x_n: the mean absolute difference
 * of two of them, divided by twice their mean,
 *   sum of (2 i - n - 1) x_i / (n sum of x_i),
 * 0 if all are equal, 1 - 1/n if one holds all. NULL if the total is zero.
 */
PG_FUNCTION_INFO_V1(crm_gini_final_numeric);
Datum
crm_gini_final_numeric(PG_FUNCTION_ARGS)
{
	ConcentrationState *state = sorted_state(fcinfo, compare_amounts);
	int128				total = 0;
	int128				weighted = 0;
	int64				n;

	if (state == NULL)
		PG_RETURN_NULL();
	n = state->nvalues;
	for (int64 i = 0; i < n; i++)
	{
		total += state->values[i].amount;
		weighted += (int128) (2 * i + 1 - n) * state->values[i].amount;
	}
	if (total <= 0)
		PG_RETURN_NULL();
	return divide_amounts(weighted, n * total);
}

/* A sum with its rounding error (Neumaier 1974), and what that may still be off by. */
typedef struct Sum
{
	double sum;
	double error;
	double size; /* sum of absolute values */
	double n;
} Sum;

static inline void
add_to_sum(Sum *s, double x)
{
	double sum = s->sum + x;

	s->error += fabs(s->sum) >= fabs(x) ? (s->sum - sum) + x : (x - sum) + s->sum;
	s->sum = sum;
	s->size += fabs(x);
	s->n++;
}

/*
 * The sum; 0 where numbers cancel and no more is left than the error bound of
 * the compensated sum, (n u)^2 sum of |x| (Ogita, Rump and Oishi 2005, prop. 4.5).
 */
static inline double
sum_value(const Sum *s)
{
	double value = s->sum + s->error;
	double part = s->n * DBL_EPSILON;

	return fabs(value) > part * part * s->size ? value : 0;
}

/* What to multiply sorted values with before they are summed: a power of two. */
static inline double
sum_scale(const ConcentrationState *state)
{
	double most =
		Max(fabs(state->values[0].number), fabs(state->values[state->nvalues - 1].number));

	return most > FLOAT8_LARGE ? FLOAT8_SCALE : 1.0;
}

/* As for numeric. */
PG_FUNCTION_INFO_V1(crm_concentration_final_float8);
Datum
crm_concentration_final_float8(PG_FUNCTION_ARGS)
{
	ConcentrationState *state = sorted_state(fcinfo, compare_numbers);
	Sum					total = {0};
	Sum					largest = {0};
	int64				first;
	double				scale;

	if (state == NULL)
		PG_RETURN_NULL();
	scale = sum_scale(state);
	first = state->nvalues - values_in_share(state);
	for (int64 i = 0; i < state->nvalues; i++)
	{
		add_to_sum(&total, state->values[i].number * scale);
		if (i >= first)
			add_to_sum(&largest, state->values[i].number * scale);
	}
	if (sum_value(&total) <= 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sum_value(&largest) / sum_value(&total));
}

/*
 * As for numeric, in a form without cancellation:
 *   sum of i (n - i) (x_(i+1) - x_i) / (n sum of x_i).
 */
PG_FUNCTION_INFO_V1(crm_gini_final_float8);
Datum
crm_gini_final_float8(PG_FUNCTION_ARGS)
{
	ConcentrationState *state = sorted_state(fcinfo, compare_numbers);
	Sum					total = {0};
	Sum					weighted = {0};
	double				n;
	double				scale;

	if (state == NULL)
		PG_RETURN_NULL();
	scale = sum_scale(state);
	n = (double) state->nvalues;
	for (int64 i = 0; i < state->nvalues; i++)
	{
		double x = state->values[i].number * scale;

		add_to_sum(&total, x);
		if (i > 0)
			add_to_sum(&weighted, i * (n - i) * (x - state->values[i - 1].number * scale));
	}
	if (sum_value(&total) <= 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sum_value(&weighted) / sum_value(&total) / n);
}
