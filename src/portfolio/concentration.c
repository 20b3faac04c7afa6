/*
 * concentration.c: how unequally a total is held: the part of the largest, and
 * the Gini coefficient.
 *
 * Both need every value in order: the state is a list of values, numeric as whole
 * numbers of ten-thousandths, as all money here, and float8 as it is. Sums are taken
 * over the values in order, so neither the order of the rows nor a split matters: exact
 * in 128 bits for numeric; for float8 with error compensation, to the last digits.
 *
 * Before 0.3.0 the state was internal: the transition functions of then still are, with
 * the same list behind the pointer.
 */
#include "crm.h"

#include <float.h>
#include <math.h>

#include "base/shares.h"
#include "base/aggregate.h"
#include "base/amount.h"
#include "base/decimal.h"
#include "base/value_list.h"
#include "common/shortest_dec.h"
#include "utils/builtins.h"

#define FIRST_ROOM 32
#define DEFAULT_SHARE 0.2

/* Above this the sums of float8 are taken of values scaled down, so as not to overflow. */
#define FLOAT8_LARGE 1e200
#define FLOAT8_SCALE 0x1p-600

/* How a transition function was declared. */
typedef enum StateForm
{
	STATE_FLAT,	   /* the aggregate copies what is returned */
	STATE_INTERNAL /* it keeps the pointer, and a numeric share */
} StateForm;

/* Where a state lives that grows. */
static inline MemoryContext
state_memory(FunctionCallInfo fcinfo, StateForm form)
{
	MemoryContext aggregate = CheckInAggregate(fcinfo);

	return form == STATE_INTERNAL ? aggregate : CurrentMemoryContext;
}

/* The state of this call, made at the first one. */
static inline ValueList *
state_argument(FunctionCallInfo fcinfo, MemoryContext memory, ValueListKind kind)
{
	if (PG_ARGISNULL(0))
		return value_list_create(memory, kind, FIRST_ROOM);
	return (ValueList *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
}

static inline ListEntry
numeric_value(FunctionCallInfo fcinfo)
{
	return (ListEntry){
		{.amount = amount_from_numeric((Numeric) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1)))},
		{.count = 1}};
}

static inline ListEntry
float8_value(FunctionCallInfo fcinfo)
{
	double number = PG_GETARG_FLOAT8(1);

	if (unlikely(isnan(number) || isinf(number)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("value %s is out of range", float8_text(number)),
						errdetail("A value is a finite number.")));
	return (ListEntry){{.number = number + 0.0}, {.count = 1}}; /* there is one zero */
}

/* The share of a call, which was numeric before 0.3.0. */
static inline double
share_argument(FunctionCallInfo fcinfo, StateForm form)
{
	if (PG_NARGS() <= 2)
		return DEFAULT_SHARE;
	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("share cannot be null")));
	if (form == STATE_FLAT)
		return PG_GETARG_FLOAT8(2);
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, PG_GETARG_DATUM(2)));
}

/* Keeps the share of the first row and compares the others with it. */
static inline void
note_share(ValueList *list, double share)
{
	if (list->share == 0)
		list->share = CheckSomeShare(share, "share");
	else if (unlikely(share != list->share))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("share must be the same in all rows of concentration"),
						errdetail("One row has %s, another %s.", float8_text(list->share),
								  float8_text(share))));
}

/* A value more, by a constant reader and form. */
static inline Datum
concentration_transition(FunctionCallInfo fcinfo, ListEntry (*value)(FunctionCallInfo),
						 ValueListKind kind, StateForm form)
{
	MemoryContext memory = state_memory(fcinfo, form);
	ValueList	 *list = state_argument(fcinfo, memory, kind);

	note_share(list, share_argument(fcinfo, form));
	if (!PG_ARGISNULL(1))
		list = value_list_add(memory, list, value(fcinfo));
	PG_RETURN_POINTER(list);
}

PG_FUNCTION_INFO_V1(crm_concentration_add_numeric);
Datum
crm_concentration_add_numeric(PG_FUNCTION_ARGS)
{
	return concentration_transition(fcinfo, numeric_value, LIST_AMOUNTS, STATE_FLAT);
}

PG_FUNCTION_INFO_V1(crm_concentration_add_float8);
Datum
crm_concentration_add_float8(PG_FUNCTION_ARGS)
{
	return concentration_transition(fcinfo, float8_value, LIST_NUMBERS, STATE_FLAT);
}

PG_FUNCTION_INFO_V1(crm_concentration_transition_numeric);
Datum
crm_concentration_transition_numeric(PG_FUNCTION_ARGS)
{
	return concentration_transition(fcinfo, numeric_value, LIST_AMOUNTS, STATE_INTERNAL);
}

PG_FUNCTION_INFO_V1(crm_concentration_transition_float8);
Datum
crm_concentration_transition_float8(PG_FUNCTION_ARGS)
{
	return concentration_transition(fcinfo, float8_value, LIST_NUMBERS, STATE_INTERNAL);
}

/* The coefficient is defined where nobody owes. */
static void
gini_refuses(const char *value)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("gini cannot take the negative value %s", value),
					errhint("Leave out negative values, or count them as zero.")));
}

static inline Datum
gini_transition(FunctionCallInfo fcinfo, ValueListKind kind, StateForm form)
{
	MemoryContext memory = state_memory(fcinfo, form);
	ValueList	 *list = state_argument(fcinfo, memory, kind);
	ListEntry	  entry;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(list);
	if (kind == LIST_AMOUNTS)
	{
		entry = numeric_value(fcinfo);
		if (unlikely(entry.value.amount < 0))
			gini_refuses(amount_to_text(entry.value.amount));
	}
	else
	{
		entry = float8_value(fcinfo);
		if (unlikely(entry.value.number < 0))
			gini_refuses(float8_text(PG_GETARG_FLOAT8(1)));
	}
	PG_RETURN_POINTER(value_list_add(memory, list, entry));
}

PG_FUNCTION_INFO_V1(crm_gini_add_numeric);
Datum
crm_gini_add_numeric(PG_FUNCTION_ARGS)
{
	return gini_transition(fcinfo, LIST_AMOUNTS, STATE_FLAT);
}

PG_FUNCTION_INFO_V1(crm_gini_add_float8);
Datum
crm_gini_add_float8(PG_FUNCTION_ARGS)
{
	return gini_transition(fcinfo, LIST_NUMBERS, STATE_FLAT);
}

PG_FUNCTION_INFO_V1(crm_gini_transition_numeric);
Datum
crm_gini_transition_numeric(PG_FUNCTION_ARGS)
{
	return gini_transition(fcinfo, LIST_AMOUNTS, STATE_INTERNAL);
}

PG_FUNCTION_INFO_V1(crm_gini_transition_float8);
Datum
crm_gini_transition_float8(PG_FUNCTION_ARGS)
{
	return gini_transition(fcinfo, LIST_NUMBERS, STATE_INTERNAL);
}

/* The values in ascending order, NULL if there are none. */
static ValueList *
sorted_state(FunctionCallInfo fcinfo, ValueListKind kind)
{
	ValueList *list = value_list_argument(fcinfo, kind);

	return list == NULL || list->n == 0 ? NULL : list;
}

/* How many values the share is: ceil(share * n), exact. */
static int64
values_in_share(const ValueList *list, int64 n)
{
	Numeric share = numeric_of_share(list->share == 0 ? DEFAULT_SHARE : list->share);
	Datum	part = DirectFunctionCall2(numeric_mul, NumericGetDatum(share),
									   DirectFunctionCall1(int8_numeric, Int64GetDatum(n)));

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
	ValueList *list = sorted_state(fcinfo, LIST_AMOUNTS);
	int128	   total = 0;
	int128	   largest = 0;
	int64	   wanted;

	if (list == NULL)
		PG_RETURN_NULL();
	wanted = values_in_share(list, value_list_count(list));
	for (int i = list->n - 1; i >= 0; i--)
	{
		const ListEntry *entry = &list->entries[i];
		int64			 taken = Min(wanted, entry->with.count);

		total += (int128) entry->value.amount * entry->with.count;
		largest += (int128) entry->value.amount * taken;
		wanted -= taken;
	}
	if (total <= 0)
		PG_RETURN_NULL();
	return divide_amounts(largest, total);
}

/* So many squared, times the largest amount, are within 128 bits. */
#define MOST_GINI_VALUES INT64CONST(4000000000)

/*
 * The Gini coefficient of values x_1 <= ... <= x_n: the mean absolute difference
 * of two of them, divided by twice their mean,
 *   sum of (2 i - n - 1) x_i / (n sum of x_i),
 * 0 if all are equal, 1 - 1/n if one holds all. NULL if the total is zero. The c equal
 * ones behind the first k have c (2 k + c - n) x.
 */
PG_FUNCTION_INFO_V1(crm_gini_final_numeric);
Datum
crm_gini_final_numeric(PG_FUNCTION_ARGS)
{
	ValueList *list = sorted_state(fcinfo, LIST_AMOUNTS);
	int128	   total = 0;
	int128	   weighted = 0;
	int64	   n;
	int64	   before = 0;

	if (list == NULL)
		PG_RETURN_NULL();
	if (list->n > 0 && list->entries[0].value.amount < 0)
		gini_refuses(amount_to_text(list->entries[0].value.amount));
	n = value_list_count(list);
	if (n > MOST_GINI_VALUES)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("gini cannot take %lld values", (long long) n),
						errdetail("It takes at most %lld amounts.", (long long) MOST_GINI_VALUES)));
	for (int i = 0; i < list->n; i++)
	{
		int64 amount = list->entries[i].value.amount;
		int64 count = list->entries[i].with.count;

		total += (int128) amount * count;
		weighted += ((int128) 2 * before + count - n) * count * amount;
		before += count;
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

/* The same number so often: the product and what its rounding lost. */
static inline void
add_times_to_sum(Sum *s, double x, int64 times)
{
	double product = x * (double) times;

	add_to_sum(s, product);
	if (times > 1)
		add_to_sum(s, fma(x, (double) times, -product));
}

/* What to multiply sorted values with before they are summed: a power of two. */
static inline double
sum_scale(const ValueList *list)
{
	double most =
		Max(fabs(list->entries[0].value.number), fabs(list->entries[list->n - 1].value.number));

	return most > FLOAT8_LARGE ? FLOAT8_SCALE : 1.0;
}

/* As for numeric. */
PG_FUNCTION_INFO_V1(crm_concentration_final_float8);
Datum
crm_concentration_final_float8(PG_FUNCTION_ARGS)
{
	ValueList *list = sorted_state(fcinfo, LIST_NUMBERS);
	Sum		   total = {0};
	Sum		   largest = {0};
	int64	   others;
	double	   scale;

	if (list == NULL)
		PG_RETURN_NULL();
	scale = sum_scale(list);
	others = value_list_count(list);
	others -= values_in_share(list, others);
	for (int i = 0; i < list->n; i++)
	{
		double x = list->entries[i].value.number * scale;
		int64  count = list->entries[i].with.count;
		int64  left_out = Min(others, count);

		add_times_to_sum(&total, x, count);
		if (count > left_out)
			add_times_to_sum(&largest, x, count - left_out);
		others -= left_out;
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
	ValueList *list = sorted_state(fcinfo, LIST_NUMBERS);
	Sum		   total = {0};
	Sum		   weighted = {0};
	double	   n;
	double	   before = 0;
	double	   scale;

	if (list == NULL)
		PG_RETURN_NULL();
	if (list->n > 0 && list->entries[0].value.number < 0)
		gini_refuses(float8_text(list->entries[0].value.number));
	scale = sum_scale(list);
	n = (double) value_list_count(list);
	for (int i = 0; i < list->n; i++)
	{
		double x = list->entries[i].value.number * scale;

		add_times_to_sum(&total, x, list->entries[i].with.count);
		if (i > 0)
			add_to_sum(&weighted,
					   before * (n - before) * (x - list->entries[i - 1].value.number * scale));
		before += (double) list->entries[i].with.count;
	}
	if (sum_value(&total) <= 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(sum_value(&weighted) / sum_value(&total) / n);
}

/* ---- of a state that says itself what it holds ---- */

/* The answer about a list of amounts, or the one about numbers to its last digit. */
static Datum
final_of_kind(FunctionCallInfo fcinfo, PGFunction of_amounts, PGFunction of_numbers)
{
	ValueList *list = (ValueList *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	char	   digits[DOUBLE_SHORTEST_DECIMAL_LEN];
	Datum	   answer;

	if (list->kind == LIST_AMOUNTS)
		return of_amounts(fcinfo);
	answer = of_numbers(fcinfo);
	if (fcinfo->isnull)
		return (Datum) 0;
	double_to_shortest_decimal_buf(DatumGetFloat8(answer), digits);
	PG_RETURN_NUMERIC(numeric_of_text(digits));
}

PG_FUNCTION_INFO_V1(crm_concentration_final);
Datum
crm_concentration_final(PG_FUNCTION_ARGS)
{
	return final_of_kind(fcinfo, crm_concentration_final_numeric, crm_concentration_final_float8);
}

PG_FUNCTION_INFO_V1(crm_gini_final);
Datum
crm_gini_final(PG_FUNCTION_ARGS)
{
	return final_of_kind(fcinfo, crm_gini_final_numeric, crm_gini_final_float8);
}
