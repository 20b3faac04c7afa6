/*
 * lift.c: what a program did, told from habit: the difference between who was
 * treated and who was held out.
 */
#include "crm.h"

#include <math.h>

#include "base/exact_sums.h"
#include "base/decimal.h"
#include "base/rows.h"
#include "contact/lift.h"
#include "math/student_t.h"
#include "utils/builtins.h"

#define LIFT_SUMS (2 * LIFT_GROUP_SUMS)
#define BEFORE_SUMS (2 * BEFORE_GROUP_SUMS)
#define LIFT_FINE_BITS 60
#define LIFT_FRACTION_BITS 40
#define LIFT_LIMIT 1e15
#define LIFT_LOW_BITS 45

/* Adds a square to three sums: of its high parts, of high times low, of its low parts. */
static void
add_square(ExactSums *state, int sum, int128 x)
{
	int128 high = x >> LIFT_LOW_BITS;
	int128 low = x - (high << LIFT_LOW_BITS);

	exact_sums_add(state, sum, high * high);
	exact_sums_add(state, sum + 1, high * low);
	exact_sums_add(state, sum + 2, low * low);
}

/* A value more in a group. */
void
lift_add_value(ExactSums *state, int group, double value)
{
	int128 x = exact_fixed(value, LIFT_FRACTION_BITS, LIFT_LIMIT, "value");

	exact_sums_add(state, group + LIFT_COUNT, 1);
	exact_sums_add(state, group + LIFT_FINE_SUM,
				   exact_fixed(value, LIFT_FINE_BITS, LIFT_LIMIT, "value"));
	exact_sums_add(state, group + LIFT_SUM, x);
	add_square(state, group + LIFT_HIGH_HIGH, x);
}

/* What a customer did before, beside the value. */
void
lift_add_before(ExactSums *state, int group, double value, double before)
{
	int128 y = exact_fixed(value, LIFT_FRACTION_BITS, LIFT_LIMIT, "value");
	int128 x = exact_fixed(before, LIFT_FRACTION_BITS, LIFT_LIMIT, "before");
	int128 a = y >> LIFT_LOW_BITS;
	int128 b = y - (a << LIFT_LOW_BITS);
	int128 c = x >> LIFT_LOW_BITS;
	int128 d = x - (c << LIFT_LOW_BITS);

	exact_sums_add(state, group + BEFORE_COUNT, 1);
	exact_sums_add(state, group + BEFORE_VALUE, y);
	exact_sums_add(state, group + BEFORE_SUM, x);
	add_square(state, group + BEFORE_SQUARE, x);
	exact_sums_add(state, group + BEFORE_PRODUCT, a * c);
	exact_sums_add(state, group + BEFORE_PRODUCT + 1, a * d + b * c);
	exact_sums_add(state, group + BEFORE_PRODUCT + 2, b * d);
}

/* A row more: treated, value; one with a NULL is left out. */
PG_FUNCTION_INFO_V1(crm_lift_transition);
Datum
crm_lift_transition(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_state(fcinfo, LIFT_SUMS);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		lift_add_value(state, PG_GETARG_BOOL(1) ? 0 : LIFT_GROUP_SUMS, PG_GETARG_FLOAT8(2));
	PG_RETURN_POINTER(state);
}

static Datum
numeric_times(Datum a, Datum b)
{
	return DirectFunctionCall2(numeric_mul, a, b);
}

static Datum
power_of_two(int bits)
{
	return exact_to_numeric((int128) 1 << bits);
}

/*
 * n times the sum of products minus the product of two sums, in units of 2^-80:
 * exact until the end. The products are three sums; the middle one counts twice in squares.
 */
static double
spread(const ExactSums *s, int count, int x, int y, int products)
{
	int	  twice = x == y ? 1 : 0;
	Datum sum = numeric_times(exact_to_numeric(exact_sums_get(s, products)),
							  power_of_two(2 * LIFT_LOW_BITS));

	sum = DirectFunctionCall2(numeric_add, sum,
							  numeric_times(exact_to_numeric(exact_sums_get(s, products + 1)),
											power_of_two(LIFT_LOW_BITS + twice)));
	sum = DirectFunctionCall2(numeric_add, sum, exact_to_numeric(exact_sums_get(s, products + 2)));
	return DatumGetFloat8(DirectFunctionCall1(
		numeric_float8,
		DirectFunctionCall2(numeric_sub,
							numeric_times(exact_to_numeric(exact_sums_get(s, count)), sum),
							numeric_times(exact_to_numeric(exact_sums_get(s, x)),
										  exact_to_numeric(exact_sums_get(s, y))))));
}

/* The sum of products of two deviations from their means: 0 for fewer than two values. */
static double
deviations(const ExactSums *s, int count, int x, int y, int products)
{
	double n = (double) exact_sums_get(s, count);

	return n > 1 ? ldexp(spread(s, count, x, y, products), -2 * LIFT_FRACTION_BITS) / n : 0;
}

/* Sums that somebody made by hand may count anything: how many there are of all is a bigint later. */
static double
CheckedCount(const ExactSums *s, int count, int128 most)
{
	int128 n = exact_sums_get(s, count);

	if (n < 0 || n > most)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("sums of lift cannot count %s customers", decimal_to_text(n, 0, 0))));
	return (double) n;
}

/* The mean of a group and its error. */
LiftGroup
lift_read_group(const ExactSums *s, int group)
{
	LiftGroup g = {.n = CheckedCount(s, group + LIFT_COUNT, LIFT_MAX_CUSTOMERS)};

	if (g.n > 0)
		g.mean = exact_to_float8(exact_sums_get(s, group + LIFT_FINE_SUM), LIFT_FINE_BITS) / g.n;
	if (g.n > 1)
		g.mean_variance = deviations(s, group + LIFT_COUNT, group + LIFT_SUM, group + LIFT_SUM,
									 group + LIFT_HIGH_HIGH) /
						  g.n / (g.n - 1);
	return g;
}

enum
{
	COLUMN_TREATED_N,
	COLUMN_CONTROL_N,
	COLUMN_TREATED_MEAN,
	COLUMN_CONTROL_MEAN,
	COLUMN_DIFFERENCE,
	COLUMN_DIFFERENCE_LOW,
	COLUMN_DIFFERENCE_HIGH,
	COLUMN_RATIO,
	COLUMN_RATIO_LOW,
	COLUMN_RATIO_HIGH,
	LIFT_COLUMNS
};

typedef struct LiftRow
{
	Datum values[LIFT_COLUMNS];
	bool  nulls[LIFT_COLUMNS];
} LiftRow;

static void
set_float8(LiftRow *row, int column, double value)
{
	row->values[column] = Float8GetDatum(value);
	row->nulls[column] = false;
}

/* The difference of the means and its interval, t times its standard error to each side. */
static void
set_difference(LiftRow *row, const LiftGroup *treated, const LiftGroup *control, double t)
{
	double difference = treated->mean - control->mean;
	double error = t * sqrt(treated->mean_variance + control->mean_variance);

	set_float8(row, COLUMN_DIFFERENCE, difference);
	if (treated->n > 1 && control->n > 1)
	{
		set_float8(row, COLUMN_DIFFERENCE_LOW, difference - error);
		set_float8(row, COLUMN_DIFFERENCE_HIGH, difference + error);
	}
}

/* The ratio of the means and its interval, symmetric in its logarithm (delta method). */
static void
set_ratio(LiftRow *row, const LiftGroup *treated, const LiftGroup *control, double t)
{
	double ratio = treated->mean / control->mean;
	double factor = exp(t * sqrt(treated->mean_variance / treated->mean / treated->mean +
								 control->mean_variance / control->mean / control->mean));

	if (control->mean <= 0 || treated->mean < 0 || isinf(ratio))
		return;
	set_float8(row, COLUMN_RATIO, ratio);
	if (treated->mean > 0 && treated->n > 1 && control->n > 1 && !isinf(ratio * factor))
	{
		set_float8(row, COLUMN_RATIO_LOW, ratio / factor);
		set_float8(row, COLUMN_RATIO_HIGH, ratio * factor);
	}
}

/* The row of two groups: what cannot be said of so few values is NULL. */
static Datum
lift_row(FunctionCallInfo fcinfo, const LiftGroup *treated, const LiftGroup *control)
{
	LiftRow row = {{0}, {0}};
	double	t = 0;

	for (int i = COLUMN_TREATED_MEAN; i < LIFT_COLUMNS; i++)
		row.nulls[i] = true;
	row.values[COLUMN_TREATED_N] = Int64GetDatum((int64) treated->n);
	row.values[COLUMN_CONTROL_N] = Int64GetDatum((int64) control->n);
	if (treated->n > 0)
		set_float8(&row, COLUMN_TREATED_MEAN, treated->mean);
	if (control->n > 0)
		set_float8(&row, COLUMN_CONTROL_MEAN, control->mean);
	if (treated->n > 1 && control->n > 1 && treated->mean_variance + control->mean_variance > 0)
		t = student_t_critical95(welch_degrees(treated, control));
	if (treated->n > 0 && control->n > 0)
	{
		set_difference(&row, treated, control, t);
		set_ratio(&row, treated, control, t);
	}
	return row_result(fcinfo, row.values, row.nulls);
}

/* The groups of a state of lift. */
LiftGroups
lift_groups(FunctionCallInfo fcinfo)
{
	ExactSums *state = exact_sums_argument(fcinfo, 0, LIFT_SUMS);

	return (LiftGroups){lift_read_group(state, 0), lift_read_group(state, LIFT_GROUP_SUMS)};
}

/* The row of a lift. */
PG_FUNCTION_INFO_V1(crm_lift_final);
Datum
crm_lift_final(PG_FUNCTION_ARGS)
{
	LiftGroups groups = lift_groups(fcinfo);

	PG_RETURN_DATUM(lift_row(fcinfo, &groups.treated, &groups.control));
}

/* A row more: treated, value, before; one without treated or value is left out. */
PG_FUNCTION_INFO_V1(crm_lift_before_transition);
Datum
crm_lift_before_transition(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_state(fcinfo, BEFORE_SUMS);
	int		   group;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);
	group = PG_GETARG_BOOL(1) ? 0 : BEFORE_GROUP_SUMS;
	lift_add_value(state, group, PG_GETARG_FLOAT8(2));
	if (!PG_ARGISNULL(3))
		lift_add_before(state, group, PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3));
	PG_RETURN_POINTER(state);
}

/* The past of one group. */
Past
lift_read_past(const ExactSums *s, int group)
{
	Past past = {
		.n = CheckedCount(s, group + BEFORE_COUNT,
						  (int128) CheckedCount(s, group + LIFT_COUNT, LIFT_MAX_CUSTOMERS)),
		.sum = exact_to_float8(exact_sums_get(s, group + BEFORE_SUM), LIFT_FRACTION_BITS),
		.xx = deviations(s, group + BEFORE_COUNT, group + BEFORE_SUM, group + BEFORE_SUM,
						 group + BEFORE_SQUARE),
		.xy = deviations(s, group + BEFORE_COUNT, group + BEFORE_SUM, group + BEFORE_VALUE,
						 group + BEFORE_PRODUCT),
	};

	if (past.n > 0)
		past.value_mean =
			exact_to_float8(exact_sums_get(s, group + BEFORE_VALUE), LIFT_FRACTION_BITS) / past.n;
	return past;
}

/*
 * A group with slope times (x - the mean of all x) taken from each value whose x is
 * known: its mean, and its variance, that of the residuals.
 */
LiftGroup
lift_adjusted(LiftGroup g, const Past *past, double slope, double mean_before)
{
	double shift = past->n > 0 ? past->sum / past->n - mean_before : 0;
	double ww = past->xx + past->n * shift * shift * (1 - past->n / g.n);
	double wy = past->xy + past->n * shift * (past->value_mean - g.mean);

	if (g.n > 1)
		g.mean_variance = Max(0, g.mean_variance + slope * (slope * ww - 2 * wy) / g.n / (g.n - 1));
	if (g.n > 0)
		g.mean -= slope * past->n * shift / g.n;
	return g;
}

/*
 * The groups of a lift, adjusted by what customers did before: CUPED (Deng, Xu, Kohavi
 * and Walker 2013), with the slope within the groups, pooled, so that the difference
 * is the coefficient of treated in a regression of value on treated and before.
 */
LiftGroups
lift_groups_before(FunctionCallInfo fcinfo)
{
	ExactSums *state = exact_sums_argument(fcinfo, 0, BEFORE_SUMS);
	LiftGroup  treated = lift_read_group(state, 0);
	LiftGroup  control = lift_read_group(state, BEFORE_GROUP_SUMS);
	Past	   treated_past = lift_read_past(state, 0);
	Past	   control_past = lift_read_past(state, BEFORE_GROUP_SUMS);
	double	   known = treated_past.n + control_past.n;
	double	   xx = treated_past.xx + control_past.xx;
	double	   slope = xx > 0 ? (treated_past.xy + control_past.xy) / xx : 0;
	double	   mean = known > 0 ? (treated_past.sum + control_past.sum) / known : 0;

	return (LiftGroups){lift_adjusted(treated, &treated_past, slope, mean),
						lift_adjusted(control, &control_past, slope, mean)};
}

/* The row of a lift that is adjusted. */
PG_FUNCTION_INFO_V1(crm_lift_before_final);
Datum
crm_lift_before_final(PG_FUNCTION_ARGS)
{
	LiftGroups groups = lift_groups_before(fcinfo);

	PG_RETURN_DATUM(lift_row(fcinfo, &groups.treated, &groups.control));
}

/* Of either aggregate, told apart by how much it knows. */
PG_FUNCTION_INFO_V1(crm_lift_state_final);
Datum
crm_lift_state_final(PG_FUNCTION_ARGS)
{
	ExactSums *state = PG_GETARG_EXACT_SUMS(0);

	return state->nsums == LIFT_SUMS ? crm_lift_final(fcinfo) : crm_lift_before_final(fcinfo);
}
