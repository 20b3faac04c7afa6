/*
 * forecast_accuracy.c: the aggregate forecast_accuracy(expected, actual).
 *
 * It keeps every pair, since the top decile is known only at the end; sums run
 * over the pairs in order, so that neither the order of the rows nor a split matters.
 * Before 0.3.0 its state was internal: the same list, behind a pointer.
 */
#include "crm.h"

#include <math.h>

#include "base/aggregate.h"
#include "base/rows.h"
#include "base/value_list.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"

#define DECILES 10

/* Numbers whose squares still add up to a finite one. */
static double
CheckForecastNumber(double value, const char *name)
{
	if (!isfinite(value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a finite number", name)));
	if (fabs(value) > LIST_PAIR_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s %g is out of range", name, value),
						errdetail("It must be within +-%g.", LIST_PAIR_MAX)));
	return value;
}

static inline Datum
add_pair(FunctionCallInfo fcinfo, MemoryContext memory)
{
	ValueList *list = PG_ARGISNULL(0) ? value_list_create(memory, LIST_PAIRS, 32)
									  : (ValueList *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	ListEntry  pair;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(list);
	/* there is one zero */
	pair.value.number = CheckForecastNumber(PG_GETARG_FLOAT8(1), "expected") + 0.0;
	pair.with.number = CheckForecastNumber(PG_GETARG_FLOAT8(2), "actual") + 0.0;
	PG_RETURN_POINTER(value_list_add(memory, list, pair));
}

PG_FUNCTION_INFO_V1(crm_forecast_accuracy_add);
Datum
crm_forecast_accuracy_add(PG_FUNCTION_ARGS)
{
	CheckInAggregate(fcinfo);
	return add_pair(fcinfo, CurrentMemoryContext);
}

PG_FUNCTION_INFO_V1(crm_forecast_accuracy_transition);
Datum
crm_forecast_accuracy_transition(PG_FUNCTION_ARGS)
{
	return add_pair(fcinfo, CheckInAggregate(fcinfo));
}

/*
 * What the tenth of the customers with the highest expectation really did;
 * customers tied at its edge count in part, so that no order among them matters.
 */
static double
top_decile(const ListEntry *pairs, int64 n)
{
	double wanted = n / 10.0;
	double sum = 0;
	int64  i = 0;

	while (i < n && i < wanted)
	{
		int64  next = i;
		double tied = 0;

		while (next < n && pairs[next].value.number == pairs[i].value.number)
			tied += pairs[next++].with.number;
		sum += tied * Min(1.0, (wanted - i) / (next - i));
		i = next;
	}
	return sum;
}

/*
 * Means of what was expected and what happened in each tenth of the customers, that of the highest expectation
 * first. Customers who are tied at an edge count in part on both sides.
 */
static void
decile_means(const ListEntry *pairs, int64 n, double *expected, double *actual)
{
	memset(expected, 0, DECILES * sizeof(double));
	memset(actual, 0, DECILES * sizeof(double));
	for (int64 i = 0, next; i < n; i = next)
	{
		double happened = 0;

		for (next = i; next < n && pairs[next].value.number == pairs[i].value.number; next++)
			happened += pairs[next].with.number;
		for (int d = (int) (i * DECILES / n); d < DECILES && n * d < next * DECILES; d++)
		{
			/* positions in tenths of a customer are whole numbers */
			double inside = Min(next * DECILES, n * (d + 1)) - Max(i * DECILES, n * d);

			expected[d] += pairs[i].value.number * (inside / n);
			actual[d] += happened / (next - i) * (inside / n);
		}
	}
}

static int
compare_descending(const void *a, const void *b)
{
	CHECK_FOR_INTERRUPTS();
	return CRM_COMPARE(*(const double *) b, *(const double *) a);
}

/*
 * How much more of what happened the customers in front have than as many others: the area between their
 * cumulative share and the diagonal, as a share of what it would be had the order been that of what happened. False
 * where nothing differs, or something is negative. Who is tied shares evenly.
 */
static bool
normalised_gini(const ListEntry *pairs, int64 n, double total, double *gini)
{
	double *actual = palloc_extended(n * sizeof(double), MCXT_ALLOC_HUGE);
	double	area = 0;
	double	best = 0;
	double	sum = 0;

	for (int64 i = 0, next; i < n; i = next)
	{
		double before = sum;

		for (next = i; next < n && pairs[next].value.number == pairs[i].value.number; next++)
		{
			actual[next] = pairs[next].with.number;
			sum += actual[next];
		}
		area += (next - i) * (before / 2 + sum / 2 - total * ((i + next) / 2.0 / n));
	}
	qsort(actual, n, sizeof(double), compare_descending);
	sum = 0;
	for (int64 i = 0; i < n; i++)
	{
		best += sum + actual[i] / 2 - total * ((i + 0.5) / n);
		sum += actual[i];
	}
	*gini = area / best;
	return actual[n - 1] >= 0 && actual[0] > actual[n - 1] && isfinite(*gini);
}

static Datum
decile_array(const double *means)
{
	Datum elements[DECILES];

	for (int d = 0; d < DECILES; d++)
		elements[d] = Float8GetDatum(means[d]);
	return PointerGetDatum(construct_array(elements, DECILES, FLOAT8OID, sizeof(float8),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

PG_FUNCTION_INFO_V1(crm_forecast_accuracy_final);
Datum
crm_forecast_accuracy_final(PG_FUNCTION_ARGS)
{
	ValueList		*list = value_list_argument(fcinfo, LIST_PAIRS);
	int64			 n = list == NULL ? 0 : list->n;
	const ListEntry *pairs;
	double			 expected = 0;
	double			 actual = 0;
	double			 absolute = 0;
	double			 square = 0;
	double			 variance_e = 0;
	double			 variance_a = 0;
	double			 covariance = 0;
	bool			 same_e = true; /* sums of squares are only nearly 0 then */
	bool			 same_a = true;
	double			 means[2][DECILES];
	double			 gini = 0;
	double			 top;
	Datum			 values[11];
	bool			 nulls[11] = {false};

	if (n == 0)
		PG_RETURN_NULL();
	pairs = list->entries;
	for (int64 i = 0; i < n; i++)
	{
		double error = pairs[i].value.number - pairs[i].with.number;

		expected += pairs[i].value.number;
		actual += pairs[i].with.number;
		absolute += fabs(error);
		square += error * error;
		same_e = same_e && pairs[i].value.number == pairs[0].value.number;
		same_a = same_a && pairs[i].with.number == pairs[0].with.number;
	}
	for (int64 i = 0; i < n; i++)
	{
		double e = pairs[i].value.number - expected / n;
		double a = pairs[i].with.number - actual / n;

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
	top = actual == 0 ? 0 : top_decile(pairs, n) / actual;
	nulls[7] = actual == 0 || !isfinite(top); /* the total may be next to nothing */
	values[7] = Float8GetDatum(nulls[7] ? 0 : top);
	decile_means(pairs, n, means[0], means[1]);
	nulls[8] = !normalised_gini(pairs, n, actual, &gini);
	values[8] = Float8GetDatum(gini);
	values[9] = decile_array(means[0]);
	values[10] = decile_array(means[1]);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
