/*
 * forecast_accuracy.c: the aggregate forecast_accuracy(expected, actual).
 *
 * It keeps every pair, since the top decile is known only at the end; sums run
 * over the pairs in order, so that the order of the rows does not matter.
 */
#include "crm.h"

#include <math.h>

#include "miscadmin.h"
#include "base/aggregate.h"
#include "base/rows.h"

#define FORECAST_MAX 1e100

typedef struct ForecastPair
{
	double expected;
	double actual;
} ForecastPair;

typedef struct ForecastState
{
	int64		  n;
	int64		  capacity;
	ForecastPair *pairs;
} ForecastState;

/* Numbers whose squares still add up to a finite one. */
static double
CheckForecastNumber(double value, const char *name)
{
	if (!isfinite(value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a finite number", name)));
	if (fabs(value) > FORECAST_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s %g is out of range", name, value),
						errdetail("It must be within +-%g.", FORECAST_MAX)));
	return value;
}

PG_FUNCTION_INFO_V1(crm_forecast_accuracy_transition);
Datum
crm_forecast_accuracy_transition(PG_FUNCTION_ARGS)
{
	MemoryContext  aggregate;
	ForecastState *state;

	aggregate = CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(0))
	{
		state = MemoryContextAllocZero(aggregate, sizeof(ForecastState));
		state->capacity = 64;
		state->pairs = MemoryContextAlloc(aggregate, state->capacity * sizeof(ForecastPair));
	}
	else
		state = (ForecastState *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	if (state->n == state->capacity)
	{
		state->capacity *= 2;
		state->pairs = repalloc_huge(state->pairs, state->capacity * sizeof(ForecastPair));
	}
	state->pairs[state->n].expected = CheckForecastNumber(PG_GETARG_FLOAT8(1), "expected");
	state->pairs[state->n].actual = CheckForecastNumber(PG_GETARG_FLOAT8(2), "actual");
	state->n++;
	PG_RETURN_POINTER(state);
}

/* Highest expectation first. */
static int
compare_pairs(const void *a, const void *b)
{
	const ForecastPair *left = a;
	const ForecastPair *right = b;

	CHECK_FOR_INTERRUPTS();
	if (left->expected != right->expected)
		return CRM_COMPARE(right->expected, left->expected);
	return CRM_COMPARE(right->actual, left->actual);
}

/*
 * What the tenth of the customers with the highest expectation really did;
 * customers tied at its edge count in part, so that no order among them matters.
 */
static double
top_decile(const ForecastPair *pairs, int64 n)
{
	double wanted = n / 10.0;
	double sum = 0;
	int64  i = 0;

	while (i < n && i < wanted)
	{
		int64  next = i;
		double tied = 0;

		while (next < n && pairs[next].expected == pairs[i].expected)
			tied += pairs[next++].actual;
		sum += tied * Min(1.0, (wanted - i) / (next - i));
		i = next;
	}
	return sum;
}

PG_FUNCTION_INFO_V1(crm_forecast_accuracy_final);
Datum
crm_forecast_accuracy_final(PG_FUNCTION_ARGS)
{
	ForecastState *state = PG_ARGISNULL(0) ? NULL : (ForecastState *) PG_GETARG_POINTER(0);
	int64		   n = state == NULL ? 0 : state->n;
	ForecastPair  *pairs;
	double		   expected = 0;
	double		   actual = 0;
	double		   absolute = 0;
	double		   square = 0;
	double		   variance_e = 0;
	double		   variance_a = 0;
	double		   covariance = 0;
	bool		   same_e = true; /* sums of squares are only nearly 0 then */
	bool		   same_a = true;
	Datum		   values[8];
	bool		   nulls[8] = {false};

	if (n == 0)
		PG_RETURN_NULL();
	/* the state stays as it is: a window may go on with it */
	pairs = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(ForecastPair));
	memcpy(pairs, state->pairs, n * sizeof(ForecastPair));
	qsort(pairs, n, sizeof(ForecastPair), compare_pairs);

	for (int64 i = 0; i < n; i++)
	{
		double error = pairs[i].expected - pairs[i].actual;

		expected += pairs[i].expected;
		actual += pairs[i].actual;
		absolute += fabs(error);
		square += error * error;
		same_e = same_e && pairs[i].expected == pairs[0].expected;
		same_a = same_a && pairs[i].actual == pairs[0].actual;
	}
	for (int64 i = 0; i < n; i++)
	{
		double e = pairs[i].expected - expected / n;
		double a = pairs[i].actual - actual / n;

		variance_e += e * e;
		variance_a += a * a;
		covariance += e * a;
	}
	values[0] = Int64GetDatum(n);
	values[1] = Float8GetDatum(expected);
	values[2] = Float8GetDatum(actual);
	values[3] = Float8GetDatum((expected - actual) / n);
	values[4] = Float8GetDatum(absolute / n);
	values[5] = Float8GetDatum(sqrt(square / n));
	nulls[6] = same_e || same_a || !(variance_e > 0 && variance_a > 0);
	values[6] = Float8GetDatum(nulls[6] ? 0 : covariance / sqrt(variance_e) / sqrt(variance_a));
	nulls[7] = actual == 0;
	values[7] = Float8GetDatum(nulls[7] ? 0 : top_decile(pairs, n) / actual);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
