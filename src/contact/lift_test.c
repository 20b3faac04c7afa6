/*
 * lift_test.c: how sure the difference of two groups is, alone, over strata, and as one
 * of several that were tested.
 */
#include "crm.h"

#include <math.h>

#include "access/htup_details.h"
#include "base/decimal.h"
#include "base/rows.h"
#include "base/shares.h"
#include "catalog/pg_type.h"
#include "contact/lift.h"
#include "executor/executor.h"
#include "math/special.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* The probability of a t as far from 0 as this, or farther: by the smaller of both shares, of which neither loses digits. */
double
p_of_t(double t, double degrees)
{
	double r = fabs(t) / sqrt(degrees);
	double small = r > 1 ? 1 / r / r : r * r;
	double share = small / (1 + small);

	return r > 1 ? math_beta_inc(degrees / 2, 0.5, share, 1 / (1 + small))
				 : math_beta_inc(degrees / 2, 0.5, 1 / (1 + small), share);
}

/* difference, standard_error, degrees, p_value, customers: what cannot be said is NULL. */
static Datum
test_row(FunctionCallInfo fcinfo, double difference, double variance, double degrees,
		 int64 customers)
{
	Datum values[5] = {0};
	bool  nulls[5] = {false};

	values[0] = Float8GetDatum(difference);
	values[1] = Float8GetDatum(sqrt(variance));
	values[2] = Float8GetDatum(degrees);
	values[4] = Int64GetDatum(customers);
	nulls[0] = isnan(difference);
	nulls[1] = isnan(variance);
	nulls[2] = nulls[3] = !(variance > 0) || !(degrees > 0);
	if (!nulls[3])
		values[3] = Float8GetDatum(p_of_t(difference / sqrt(variance), degrees));
	return row_result(fcinfo, values, nulls);
}

/* Welch's test of the difference of two groups; a group of one has no variance. */
static Datum
lift_test(FunctionCallInfo fcinfo, LiftGroups g)
{
	bool   both = g.treated.n > 1 && g.control.n > 1;
	double variance = both ? g.treated.mean_variance + g.control.mean_variance : NAN;
	double difference = g.treated.n > 0 && g.control.n > 0 ? g.treated.mean - g.control.mean : NAN;

	return test_row(fcinfo, difference, variance,
					variance > 0 ? welch_degrees(&g.treated, &g.control) : 0,
					(int64) (g.treated.n + g.control.n));
}

PG_FUNCTION_INFO_V1(crm_lift_test_final);
Datum
crm_lift_test_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(lift_test(fcinfo, lift_groups(fcinfo)));
}

PG_FUNCTION_INFO_V1(crm_lift_test_before_final);
Datum
crm_lift_test_before_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(lift_test(fcinfo, lift_groups_before(fcinfo)));
}

/* A number of a test; NaN if it is NULL. */
static double
test_number(HeapTupleHeader test, const char *name)
{
	bool  isnull;
	Datum value = GetAttributeByName(test, name, &isnull);

	if (!isnull && !isfinite(DatumGetFloat8(value)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s of a stratum must be finite, not %s", name,
							   float8_text(DatumGetFloat8(value)))));
	return isnull ? NAN : DatumGetFloat8(value);
}

/* The same of one that means something from least to most alone. */
static double
CheckTestNumber(HeapTupleHeader test, const char *name, double least, double most)
{
	double value = test_number(test, name);

	if (value < least || value > most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s of a stratum cannot be %s", name, float8_text(value)),
						errhint("Give rows of crm.lift_test.")));
	return value;
}

/* How many customers a test is of. */
static double
test_customers(HeapTupleHeader test)
{
	bool  isnull;
	Datum value = GetAttributeByName(test, "customer_count", &isnull);

	if (isnull || DatumGetInt64(value) < 0 || DatumGetInt64(value) > 2 * LIFT_MAX_CUSTOMERS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("customer_count of a stratum cannot be %s",
							   isnull ? "NULL" : psprintf(INT64_FORMAT, DatumGetInt64(value))),
						errhint("Give rows of crm.lift_test.")));
	return (double) DatumGetInt64(value);
}

/* The elements of an array of one dimension or none; NULL is an error. */
static Datum *
array_elements(ArrayType *array, const char *what, int *n)
{
	int16  len;
	bool   by_value;
	char   align;
	Datum *elements;
	bool  *nulls;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &len, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), len, by_value, align, &elements, &nulls, n);
	for (int i = 0; i < *n; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s cannot be null", what)));
	return elements;
}

/*
 * The test over strata: differences weighted by the customers of each, their variances
 * by the squares of the weights; degrees of freedom of Satterthwaite (1946). A
 * stratum in which a group is missing makes the whole NULL: its difference is not known.
 */
PG_FUNCTION_INFO_V1(crm_stratified);
Datum
crm_stratified(PG_FUNCTION_ARGS)
{
	int		   n;
	Datum	  *tests = array_elements(PG_GETARG_ARRAYTYPE_P(0), "a stratum", &n);
	double	   all = 0;
	OverStrata over = {0};

	for (int i = 0; i < n; i++)
		all += test_customers(DatumGetHeapTupleHeader(tests[i]));
	if (all == 0)
		PG_RETURN_NULL();
	if (all >= 9223372036854775808.0)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of customers is out of range")));
	for (int i = 0; i < n; i++)
	{
		HeapTupleHeader test = DatumGetHeapTupleHeader(tests[i]);
		double			weight = test_customers(test) / all;
		double			error = CheckTestNumber(test, "standard_error", 0, 1e100);

		if (weight > 0)
			over_strata_add(&over, weight, CheckTestNumber(test, "difference", -1e100, 1e100),
							error * error, CheckTestNumber(test, "degrees", 0.999, 1e100));
	}
	PG_RETURN_DATUM(
		test_row(fcinfo, over.difference, over.variance, over_strata_degrees(&over), (int64) all));
}

/* A probability and its place. */
typedef struct Ranked
{
	double p;
	int	   place;
} Ranked;

static int
compare_ranked(const void *a, const void *b)
{
	const Ranked *x = a;
	const Ranked *y = b;

	return x->p != y->p ? CRM_COMPARE(x->p, y->p) : CRM_COMPARE(x->place, y->place);
}

/* Raise the probabilities of several tests, so that each is as if it had been the only one; Holm (1979). */
void
holm_adjust(double *p, int n)
{
	Ranked *ranked = palloc(sizeof(Ranked) * Max(n, 1));
	double	most = 0;

	for (int i = 0; i < n; i++)
		ranked[i] = (Ranked){p[i], i};
	qsort(ranked, n, sizeof(Ranked), compare_ranked);
	for (int i = 0; i < n; i++)
	{
		most = Max(most, Min(1, ranked[i].p * (n - i)));
		p[ranked[i].place] = most;
	}
	pfree(ranked);
}

PG_FUNCTION_INFO_V1(crm_holm);
Datum
crm_holm(PG_FUNCTION_ARGS)
{
	int		n;
	Datum  *given = array_elements(PG_GETARG_ARRAYTYPE_P(0), "a probability", &n);
	double *p = palloc(sizeof(double) * Max(n, 1));

	for (int i = 0; i < n; i++)
		p[i] = CheckShare(DatumGetFloat8(given[i]), "probability");
	holm_adjust(p, n);
	for (int i = 0; i < n; i++)
		given[i] = Float8GetDatum(p[i]);
	PG_RETURN_ARRAYTYPE_P(
		construct_array(given, n, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
