/*
 * exact_sums.c: the type exact_sums, a row of exact 128-bit sums, and fixed
 * point.
 *
 * The text form is {sum, sum, ...}, decimal.
 */
#include "crm.h"

#include <math.h>

#include "base/decimal.h"
#include "base/aggregate.h"
#include "base/value.h"
#include "base/exact_sums.h"
#include "libpq/pqformat.h"
#include "base/scan.h"
#include "utils/builtins.h"


/* Make zeros a row of sums. */
void
exact_sums_init(ExactSums *s, int nsums)
{
	SET_VARSIZE(s, EXACT_SUMS_SIZE(nsums));
	s->version = EXACT_SUMS_VERSION;
	s->nsums = (uint16) nsums;
}

static ExactSums *
exact_sums_create(int nsums)
{
	ExactSums *s = palloc0(EXACT_SUMS_SIZE(nsums));

	exact_sums_init(s, nsums);
	return s;
}

static void
set_sum(ExactSums *s, int i, int128 value)
{
	s->sums[i].low = (uint64) value;
	s->sums[i].high = (int64) (value >> 64);
}

static void
sum_out_of_range(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("sum is out of range")));
}

/* A state has as many sums as its aggregate keeps. */
static inline void
CheckSumCount(const ExactSums *s, int nsums)
{
	if (s->nsums != nsums || VARSIZE(s) != EXACT_SUMS_SIZE(nsums))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("state has %d sums, not %d", s->nsums, nsums)));
}

/* The state of an aggregate, new for its first row; the transition function may change it in place. */
ExactSums *
exact_sums_state(FunctionCallInfo fcinfo, int nsums)
{
	(void) CheckInAggregate(fcinfo);
	return PG_ARGISNULL(0) ? exact_sums_create(nsums) : exact_sums_argument(fcinfo, 0, nsums);
}

/* An argument that must have so many sums. */
ExactSums *
exact_sums_argument(FunctionCallInfo fcinfo, int arg, int nsums)
{
	ExactSums *s = PG_GETARG_EXACT_SUMS(arg);

	CheckSumCount(s, nsums);
	return s;
}

/* Add to one of the sums; errors beyond 128 bits. */
void
exact_sums_add(ExactSums *s, int i, int128 value)
{
	int128 sum;

	if (unlikely(__builtin_add_overflow(exact_sums_get(s, i), value, &sum)))
		sum_out_of_range();
	set_sum(s, i, sum);
}

/*
 * A float8 in fixed point, rounded to the nearest multiple of 2^-fraction_bits;
 * errors unless it is within +-limit, naming the value as the caller calls it.
 */
int128
exact_fixed(double value, int fraction_bits, double limit, const char *name)
{
	if (unlikely(!(fabs(value) <= limit)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s %s is out of range", name, float8_text(value)),
						errdetail("It must be finite and within +-%g.", limit)));
	return (int128) rint(ldexp(value, fraction_bits));
}

/* A sum in fixed point as the nearest float8. */
double
exact_to_float8(int128 sum, int fraction_bits)
{
	return ldexp((double) sum, -fraction_bits);
}

/* One decimal number of 128 bits. */
int128
scan_sum(Scanner *s)
{
	const Scanner start = *s;
	char		 *text = scan_number_text(s);
	bool		  negative = *text == '-';
	int128		  sum = 0;

	for (const char *c = text + (*text == '-' || *text == '+'); *c != '\0'; c++)
	{
		if (*c < '0' || *c > '9')
			scan_error(&start, "a whole number");
		if (__builtin_mul_overflow(sum, (int128) 10, &sum) ||
			__builtin_add_overflow(sum, (int128) (negative ? '0' - *c : *c - '0'), &sum))
			sum_out_of_range();
	}
	return sum;
}

PG_FUNCTION_INFO_V1(crm_exact_sums_in);
Datum
crm_exact_sums_in(PG_FUNCTION_ARGS)
{
	Scanner	   s = scan_start("exact_sums", PG_GETARG_CSTRING(0));
	ExactSums *sums = exact_sums_create(EXACT_SUMS_MAX);
	int		   n = 0;

	scan_char(&s, '{');
	do
	{
		if (n == EXACT_SUMS_MAX)
			scan_error(&s, "no more sums");
		set_sum(sums, n++, scan_sum(&s));
	} while (scan_try_char(&s, ','));
	scan_char(&s, '}');
	scan_end(&s);

	sums->nsums = (uint16) n;
	SET_VARSIZE(sums, EXACT_SUMS_SIZE(n));
	PG_RETURN_POINTER(sums);
}

/* A sum as a whole numeric. */
Datum
exact_to_numeric(int128 sum)
{
	return NumericGetDatum(numeric_of_text(decimal_to_text(sum, 0, 0)));
}

PG_FUNCTION_INFO_V1(crm_exact_sums_out);
Datum
crm_exact_sums_out(PG_FUNCTION_ARGS)
{
	ExactSums	  *s = PG_GETARG_EXACT_SUMS(0);
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < s->nsums; i++)
	{
		appendStringInfoString(&out, i > 0 ? ", " : "{");
		appendStringInfoString(&out, decimal_to_text(exact_sums_get(s, i), 0, 0));
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: version, count (int16), then the high and low half of each sum (int64). */
PG_FUNCTION_INFO_V1(crm_exact_sums_send);
Datum
crm_exact_sums_send(PG_FUNCTION_ARGS)
{
	ExactSums	  *s = PG_GETARG_EXACT_SUMS(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, s->version);
	pq_sendint16(&out, s->nsums);
	for (int i = 0; i < s->nsums; i++)
	{
		pq_sendint64(&out, s->sums[i].high);
		pq_sendint64(&out, s->sums[i].low);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_exact_sums_recv);
Datum
crm_exact_sums_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int		   version = pq_getmsgint(message, 2);
	int		   n = pq_getmsgint(message, 2);
	ExactSums *s;

	if (version != EXACT_SUMS_VERSION || n < 1 || n > EXACT_SUMS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unsupported exact_sums version %d with %d sums", version, n)));
	s = exact_sums_create(n);
	for (int i = 0; i < n; i++)
	{
		s->sums[i].high = pq_getmsgint64(message);
		s->sums[i].low = (uint64) pq_getmsgint64(message);
	}
	PG_RETURN_POINTER(s);
}

/* The combine function: sum by sum. */
PG_FUNCTION_INFO_V1(crm_exact_sums_plus);
Datum
crm_exact_sums_plus(PG_FUNCTION_ARGS)
{
	ExactSums *a = PG_GETARG_EXACT_SUMS(0);
	ExactSums *b = PG_GETARG_EXACT_SUMS(1);
	ExactSums *sum = exact_sums_create(a->nsums);

	CheckSumCount(b, a->nsums);
	for (int i = 0; i < a->nsums; i++)
	{
		set_sum(sum, i, exact_sums_get(a, i));
		exact_sums_add(sum, i, exact_sums_get(b, i));
	}
	PG_RETURN_POINTER(sum);
}

/* Order of two rows of sums: by the first that differs, then the shorter first. */
static int
order(const void *x, const void *y)
{
	const ExactSums *a = x;
	const ExactSums *b = y;

	for (int i = 0; i < Min(a->nsums, b->nsums); i++)
		if (exact_sums_get(a, i) != exact_sums_get(b, i))
			return CRM_COMPARE(exact_sums_get(a, i), exact_sums_get(b, i));
	return CRM_COMPARE(a->nsums, b->nsums);
}

static Content
content(const void *sums)
{
	const ExactSums *s = sums;

	return (Content){s->sums, s->nsums * sizeof(ExactSum)};
}

VALUE_FUNCTIONS(exact_sums, order, content);
