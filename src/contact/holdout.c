/*
 * holdout.c: who is left out of a program, to see what would have happened
 * anyway, and what the program then did.
 */
#include "crm.h"

#include <math.h>

#include "base/exact_sums.h"
#include "mb/pg_wchar.h"
#include "math/student_t.h"
#include "base/rows.h"
#include "utils/builtins.h"

/* Append a text as UTF-8, whatever the encoding of the database. */
static void
append_utf8(StringInfo out, const char *text, int len)
{
	char *utf8 = pg_server_to_any(text, len, PG_UTF8);

	appendBinaryStringInfo(out, utf8, utf8 == text ? len : (int) strlen(utf8));
}

/*
 * A number in [0, 1) that depends on key and salt alone: the first 52 bits of
 * SHA-256 over salt in UTF-8, a zero byte and key in UTF-8, over 2^52.
 */
static double
stable_fraction(const char *key, int key_len, const char *salt, int salt_len)
{
	StringInfoData bytes;
	bytea		  *digest;
	const uint8	  *first;
	uint64		   bits = 0;

	initStringInfo(&bytes);
	appendStringInfoSpaces(&bytes, VARHDRSZ);
	append_utf8(&bytes, salt, salt_len);
	appendStringInfoChar(&bytes, '\0');
	append_utf8(&bytes, key, key_len);
	SET_VARSIZE(bytes.data, bytes.len);

	digest = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes.data)));
	first = (const uint8 *) VARDATA_ANY(digest);
	for (int i = 0; i < 8; i++)
		bits = bits << 8 | first[i];
	return ldexp((double) (bits >> 12), -52);
}

/* A share is a fraction of all. */
static double
CheckShare(double share)
{
	if (!(share >= 0 && share <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("share must be from 0 to 1, not %s",
						DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(share))))));
	return share;
}

/*
 * Whether a key belongs to the share that is held out: the same answer for the
 * same key and salt always and everywhere, unrelated ones for other salts, and
 * whoever is in a share is in every larger one.
 */
PG_FUNCTION_INFO_V1(crm_holdout);
Datum
crm_holdout(PG_FUNCTION_ARGS)
{
	text  *key = PG_GETARG_TEXT_PP(0);
	text  *salt = PG_GETARG_TEXT_PP(1);
	double share = CheckShare(PG_GETARG_FLOAT8(2));

	PG_RETURN_BOOL(stable_fraction(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), VARDATA_ANY(salt),
								   VARSIZE_ANY_EXHDR(salt)) < share);
}

/* The same for a number, which stands for its decimal text. */
PG_FUNCTION_INFO_V1(crm_holdout_bigint);
Datum
crm_holdout_bigint(PG_FUNCTION_ARGS)
{
	char  *key = psprintf("%lld", (long long) PG_GETARG_INT64(0));
	text  *salt = PG_GETARG_TEXT_PP(1);
	double share = CheckShare(PG_GETARG_FLOAT8(2));

	PG_RETURN_BOOL(stable_fraction(key, (int) strlen(key), VARDATA_ANY(salt),
								   VARSIZE_ANY_EXHDR(salt)) < share);
}

/*
 * The state of lift, for each group: how many values and their sum in units of
 * 2^-60, for the mean; for the variance their sum in units of 2^-40, and the sum
 * of the squares of these X. With X = a 2^45 + b, 0 <= b < 2^45, that is the
 * sums of a^2, a b and b^2, none of which can overflow.
 */
enum
{
	LIFT_COUNT,
	LIFT_FINE_SUM,
	LIFT_SUM,
	LIFT_HIGH_HIGH,
	LIFT_HIGH_LOW,
	LIFT_LOW_LOW,
	LIFT_GROUP_SUMS
};
#define LIFT_SUMS (2 * LIFT_GROUP_SUMS)
#define LIFT_FINE_BITS 60
#define LIFT_FRACTION_BITS 40
#define LIFT_LIMIT 1e15
#define LIFT_LOW_BITS 45

static void
add_value(ExactSums *state, int group, double value)
{
	int128 x = exact_fixed(value, LIFT_FRACTION_BITS, LIFT_LIMIT, "value");
	int128 high = x >> LIFT_LOW_BITS;
	int128 low = x - (high << LIFT_LOW_BITS);

	exact_sums_add(state, group + LIFT_COUNT, 1);
	exact_sums_add(state, group + LIFT_FINE_SUM,
				   exact_fixed(value, LIFT_FINE_BITS, LIFT_LIMIT, "value"));
	exact_sums_add(state, group + LIFT_SUM, x);
	exact_sums_add(state, group + LIFT_HIGH_HIGH, high * high);
	exact_sums_add(state, group + LIFT_HIGH_LOW, high * low);
	exact_sums_add(state, group + LIFT_LOW_LOW, low * low);
}

/* A row more: treated, value; one with a NULL is left out. */
PG_FUNCTION_INFO_V1(crm_lift_transition);
Datum
crm_lift_transition(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_state(fcinfo, LIFT_SUMS);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		add_value(state, PG_GETARG_BOOL(1) ? 0 : LIFT_GROUP_SUMS, PG_GETARG_FLOAT8(2));
	PG_RETURN_POINTER(state);
}

/* What is known of one group. */
typedef struct LiftGroup
{
	double n;
	double mean;
	double mean_variance; /* of the mean: s^2 / n, with n - 1 in s^2 */
} LiftGroup;

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

/* n times the sum of squares minus the square of the sum, in units of 2^-80: exact until the end. */
static double
spread(const ExactSums *s, int group)
{
	Datum n = exact_to_numeric(exact_sums_get(s, group + LIFT_COUNT));
	Datum sum = exact_to_numeric(exact_sums_get(s, group + LIFT_SUM));
	Datum squares = numeric_times(exact_to_numeric(exact_sums_get(s, group + LIFT_HIGH_HIGH)),
								  power_of_two(2 * LIFT_LOW_BITS));

	squares = DirectFunctionCall2(
		numeric_add, squares,
		numeric_times(exact_to_numeric(exact_sums_get(s, group + LIFT_HIGH_LOW)),
					  power_of_two(LIFT_LOW_BITS + 1)));
	squares = DirectFunctionCall2(numeric_add, squares,
								  exact_to_numeric(exact_sums_get(s, group + LIFT_LOW_LOW)));
	return DatumGetFloat8(DirectFunctionCall1(
		numeric_float8,
		DirectFunctionCall2(numeric_sub, numeric_times(n, squares), numeric_times(sum, sum))));
}

static LiftGroup
read_group(const ExactSums *s, int group)
{
	LiftGroup g = {.n = (double) exact_sums_get(s, group + LIFT_COUNT)};

	if (g.n > 0)
		g.mean = exact_to_float8(exact_sums_get(s, group + LIFT_FINE_SUM), LIFT_FINE_BITS) / g.n;
	if (g.n > 1)
		g.mean_variance = ldexp(spread(s, group), -2 * LIFT_FRACTION_BITS) / g.n / g.n / (g.n - 1);
	return g;
}

/* Degrees of freedom of the difference of two means: Welch (1947). */
static double
welch_degrees(const LiftGroup *a, const LiftGroup *b)
{
	double sum = a->mean_variance + b->mean_variance;

	return sum * sum /
		   (a->mean_variance * a->mean_variance / (a->n - 1) +
			b->mean_variance * b->mean_variance / (b->n - 1));
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

/* The row of a lift: what cannot be said of so few values is NULL. */
PG_FUNCTION_INFO_V1(crm_lift_final);
Datum
crm_lift_final(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_argument(fcinfo, 0, LIFT_SUMS);
	LiftGroup  treated = read_group(state, 0);
	LiftGroup  control = read_group(state, LIFT_GROUP_SUMS);
	LiftRow	   row = {{0}, {0}};
	double	   t = 0;

	for (int i = COLUMN_TREATED_MEAN; i < LIFT_COLUMNS; i++)
		row.nulls[i] = true;
	row.values[COLUMN_TREATED_N] = Int64GetDatum((int64) treated.n);
	row.values[COLUMN_CONTROL_N] = Int64GetDatum((int64) control.n);
	if (treated.n > 0)
		set_float8(&row, COLUMN_TREATED_MEAN, treated.mean);
	if (control.n > 0)
		set_float8(&row, COLUMN_CONTROL_MEAN, control.mean);
	if (treated.n > 1 && control.n > 1 && treated.mean_variance + control.mean_variance > 0)
		t = student_t_critical95(welch_degrees(&treated, &control));
	if (treated.n > 0 && control.n > 0)
	{
		set_difference(&row, &treated, &control, t);
		set_ratio(&row, &treated, &control, t);
	}
	PG_RETURN_DATUM(row_result(fcinfo, row.values, row.nulls));
}
