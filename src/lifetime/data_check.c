/*
 * data_check.c: the aggregate data_check(history, as_of): do the data suit a purchase model?
 *
 * Its state is an array of whole numbers, so that any plan gives the same.
 */
#include "crm.h"

#include "lifetime/btyd.h"
#include "catalog/pg_type.h"
#include "base/rows.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* The numbers of the state; the last two are a minimum and a maximum, the others sums. */
enum
{
	CUSTOMERS,
	NOT_YET,
	REPEAT_BUYERS,
	REPEAT_PURCHASES,
	REPEAT_DAYS, /* sum of t_x */
	REFUND_DAYS,
	WITHOUT_SPEND,
	FIRST_DAY,
	LAST_DAY,
	NUMBERS
};

static int64 *
numbers_of(ArrayType *array)
{
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != NUMBERS || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != INT8OID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("state of data_check must be an array of %d numbers", NUMBERS)));
	return (int64 *) ARR_DATA_PTR(array);
}

/* A copy of a state, or an empty one. */
static ArrayType *
state_copy(FunctionCallInfo fcinfo)
{
	ArrayType *state;
	Datum	   zeros[NUMBERS];

	if (!PG_ARGISNULL(0))
	{
		state = PG_GETARG_ARRAYTYPE_P(0);
		(void) numbers_of(state);
		return AggCheckCallContext(fcinfo, NULL) ? state : PG_GETARG_ARRAYTYPE_P_COPY(0);
	}
	for (int i = 0; i < NUMBERS; i++)
		zeros[i] = Int64GetDatum(i == FIRST_DAY ? PG_INT64_MAX : i == LAST_DAY ? PG_INT64_MIN : 0);
	return construct_array(zeros, NUMBERS, INT8OID, 8, FLOAT8PASSBYVAL, 'd');
}

PG_FUNCTION_INFO_V1(crm_data_check_transition);
Datum
crm_data_check_transition(PG_FUNCTION_ARGS)
{
	ArrayType		*state = state_copy(fcinfo);
	int64			*numbers = numbers_of(state);
	PurchaseHistory *h;
	BtydDays		 days;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_ARRAYTYPE_P(state);
	h = PG_GETARG_PURCHASES_KNOWN(1, PG_GETARG_DATEADT(2));
	if (!btyd_at(h, PG_GETARG_DATEADT(2), &days))
	{
		numbers[NOT_YET]++;
		PG_RETURN_ARRAYTYPE_P(state);
	}
	numbers[CUSTOMERS]++;
	numbers[REPEAT_BUYERS] += days.x > 0;
	numbers[REPEAT_PURCHASES] += days.x;
	numbers[REPEAT_DAYS] += days.t_x;
	numbers[WITHOUT_SPEND] += days.x > 0 && days.spend <= 0;
	for (int i = 0; i < days.nentries; i++)
		numbers[REFUND_DAYS] += h->entries[i].amount < 0;
	numbers[FIRST_DAY] = Min(numbers[FIRST_DAY], h->entries[days.first].day);
	numbers[LAST_DAY] = Max(numbers[LAST_DAY], h->entries[days.first].day + days.t_x);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* Strict: both states hold something. */
PG_FUNCTION_INFO_V1(crm_data_check_combine);
Datum
crm_data_check_combine(PG_FUNCTION_ARGS)
{
	ArrayType *state = state_copy(fcinfo);
	int64	  *numbers = numbers_of(state);
	int64	  *other = numbers_of(PG_GETARG_ARRAYTYPE_P(1));

	for (int i = 0; i < FIRST_DAY; i++)
		numbers[i] += other[i];
	numbers[FIRST_DAY] = Min(numbers[FIRST_DAY], other[FIRST_DAY]);
	numbers[LAST_DAY] = Max(numbers[LAST_DAY], other[LAST_DAY]);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* Whether a fit makes sense, in words; thresholds are rules of thumb and say so in the docs. */
static const char *
verdict(const int64 *n)
{
	int64 span = n[LAST_DAY] - n[FIRST_DAY];

	if (n[CUSTOMERS] == 0)
		return "no fit: nobody has bought by as_of";
	if (n[REPEAT_BUYERS] == 0)
		return "no fit: nobody has bought again";
	if (n[CUSTOMERS] < 10)
		return "no fit: fewer than 10 customers";
	if (n[REPEAT_BUYERS] == n[CUSTOMERS])
		return "doubtful: every customer has bought again; customers with one purchase may be "
			   "missing";
	if (n[REPEAT_BUYERS] * 100 < n[CUSTOMERS])
		return "doubtful: fewer than 1 % of the customers have bought again";
	if (span * n[REPEAT_PURCHASES] < 3 * n[REPEAT_DAYS])
		return "doubtful: the data span less than three usual times between purchases";
	if (n[CUSTOMERS] < 500 || n[REPEAT_BUYERS] < 100)
		return "weak: few customers, so expect wide standard errors";
	return "good";
}

PG_FUNCTION_INFO_V1(crm_data_check_final);
Datum
crm_data_check_final(PG_FUNCTION_ARGS)
{
	int64 *n = numbers_of(PG_GETARG_ARRAYTYPE_P(0));
	bool   empty = n[CUSTOMERS] == 0;
	Datum  values[10];
	bool   nulls[10] = {false};

	values[0] = Int64GetDatum(n[CUSTOMERS]);
	values[1] = Int64GetDatum(n[NOT_YET]);
	values[2] = Int64GetDatum(n[REPEAT_BUYERS]);
	values[3] = Int64GetDatum(n[REPEAT_PURCHASES]);
	values[4] = DateADTGetDatum((DateADT) n[FIRST_DAY]);
	values[5] = DateADTGetDatum((DateADT) n[LAST_DAY]);
	values[6] = Int32GetDatum((int32) (n[LAST_DAY] - n[FIRST_DAY]));
	values[7] = Int64GetDatum(n[REFUND_DAYS]);
	values[8] = Int64GetDatum(n[WITHOUT_SPEND]);
	values[9] = CStringGetTextDatum(verdict(n));
	nulls[4] = nulls[5] = nulls[6] = empty;
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
