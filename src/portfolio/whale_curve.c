/*
 * whale_curve.c: the type whale_curve and its aggregate.
 *
 * The text form is "exact {profit customers, ...}", profits ascending, or,
 * beyond 65536 distinct profits, "buckets {profit customers sum, ...}".
 */
#include "crm.h"

#include "base/growth.h"
#include "base/buckets.h"
#include "base/aggregate.h"
#include "base/value.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "base/scan.h"
#include "utils/builtins.h"
#include "portfolio/whale_curve.h"

/* The whole of a first state is a kilobyte, of the next ones a power of two. */
#define FIRST_SIZE 1024

static WhaleCurve *
create_curve(Size size)
{
	WhaleCurve *curve = palloc(size);

	memset(curve, 0, offsetof(WhaleCurve, groups));
	SET_VARSIZE(curve, size);
	curve->version = WHALE_CURVE_VERSION;
	return curve;
}

static int
compare_groups(const void *a, const void *b)
{
	return CRM_COMPARE(((const ProfitGroup *) a)->profit, ((const ProfitGroup *) b)->profit);
}

/* One group of two with the same profit. */
static inline void
add_group(ProfitGroup *to, const ProfitGroup *from)
{
	if (unlikely(pg_add_s64_overflow(to->customers, from->customers, &to->customers)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of customers is out of range")));
	if (unlikely(pg_add_s64_overflow(to->sum, from->sum, &to->sum) || !AmountIsValid(to->sum)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("sum of profits is out of range")));
}

/* Merges two ascending lists of groups into a third, which has room; how many they are. */
static int
merge_groups(const ProfitGroup *a, int na, const ProfitGroup *b, int nb, ProfitGroup *to)
{
	int n = 0;

	while (na > 0 || nb > 0)
	{
		ProfitGroup group;

		if (nb == 0 || (na > 0 && a->profit <= b->profit))
		{
			group = *a++;
			na--;
		}
		else
		{
			group = *b++;
			nb--;
		}
		if (n > 0 && to[n - 1].profit == group.profit)
			add_group(&to[n - 1], &group);
		else
			to[n++] = group;
	}
	return n;
}

/* Joins ascending groups that share a bucket. */
static void
fill_buckets(WhaleCurve *curve)
{
	int n = 0;

	for (int i = 0; i < curve->ngroups; i++)
	{
		ProfitGroup group = curve->groups[i];

		group.profit = bucket_start(group.profit, WHALE_BUCKET_BITS);
		if (n > 0 && curve->groups[n - 1].profit == group.profit)
			add_group(&curve->groups[n - 1], &group);
		else
			curve->groups[n++] = group;
	}
	curve->ngroups = curve->nsorted = n;
	curve->flags |= WHALE_CURVE_BUCKETED;
}

/* Sorts in what came since the last time; turns to buckets at one distinct profit too many. */
static void
settle(WhaleCurve *curve)
{
	int			 ntail = curve->ngroups - curve->nsorted;
	ProfitGroup *merged;

	if (ntail > 0)
	{
		CHECK_FOR_INTERRUPTS();
		merged = palloc(curve->ngroups * sizeof(ProfitGroup));
		qsort(&curve->groups[curve->nsorted], ntail, sizeof(ProfitGroup), compare_groups);
		curve->ngroups = merge_groups(curve->groups, curve->nsorted, &curve->groups[curve->nsorted],
									  ntail, merged);
		curve->nsorted = curve->ngroups;
		memcpy(curve->groups, merged, curve->ngroups * sizeof(ProfitGroup));
		pfree(merged);
	}
	if (curve->ngroups > WHALE_MAX_EXACT && !(curve->flags & WHALE_CURVE_BUCKETED))
		fill_buckets(curve);
}

static WhaleCurve *
copy_curve(const WhaleCurve *from, Size size)
{
	WhaleCurve *copy = create_curve(size);

	copy->flags = from->flags;
	copy->ngroups = from->ngroups;
	copy->nsorted = from->nsorted;
	memcpy(copy->groups, from->groups, from->ngroups * sizeof(ProfitGroup));
	return copy;
}

/* The curve as a stored value is: itself if it is settled already. */
const WhaleCurve *
whale_curve_settled(const WhaleCurve *curve)
{
	WhaleCurve *copy;

	if (curve->nsorted == curve->ngroups && VARSIZE(curve) == WHALE_CURVE_SIZE(curve->ngroups))
		return curve;
	copy = copy_curve(curve, WHALE_CURVE_SIZE(curve->ngroups));
	settle(copy);
	SET_VARSIZE(copy, WHALE_CURVE_SIZE(copy->ngroups));
	return copy;
}

/* Counts one customer; the state, or one with twice the room, in the current context. */
static WhaleCurve *
count_profit(WhaleCurve *curve, int64 profit)
{
	ProfitGroup *group;

	if (!state_has_room(curve, WHALE_CURVE_SIZE(curve->ngroups), sizeof(ProfitGroup)))
	{
		settle(curve);
		if (WHALE_CURVE_SIZE(2 * (Size) curve->ngroups) > VARSIZE(curve))
			curve = state_grown(curve, WHALE_CURVE_SIZE(curve->ngroups), sizeof(ProfitGroup),
								MaxAllocSize);
	}
	group = &curve->groups[curve->ngroups++];
	group->profit =
		curve->flags & WHALE_CURVE_BUCKETED ? bucket_start(profit, WHALE_BUCKET_BITS) : profit;
	group->customers = 1;
	group->sum = profit;
	return curve;
}

static inline int64
profit_of_numeric(FunctionCallInfo fcinfo)
{
	return amount_from_numeric((Numeric) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(1)));
}

static inline int64
profit_of_float8(FunctionCallInfo fcinfo)
{
	return amount_from_float8(PG_GETARG_FLOAT8(1));
}

/* One transition function for each kind of profit; a NULL is left out. */
static pg_attribute_always_inline Datum
transition(FunctionCallInfo fcinfo, int64 (*profit)(FunctionCallInfo))
{
	WhaleCurve *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_WHALE_CURVE(0);

	(void) CheckInAggregate(fcinfo);
	if (!PG_ARGISNULL(1))
		state = count_profit(state == NULL ? create_curve(FIRST_SIZE) : state, profit(fcinfo));
	return state_or_null(fcinfo, state);
}

#define TRANSITION(name, profit)           \
	PG_FUNCTION_INFO_V1(name);             \
	Datum name(PG_FUNCTION_ARGS)           \
	{                                      \
		return transition(fcinfo, profit); \
	}

TRANSITION(crm_whale_curve_transition_numeric, profit_of_numeric)
TRANSITION(crm_whale_curve_transition_float8, profit_of_float8)

PG_FUNCTION_INFO_V1(crm_whale_curve_final);
Datum
crm_whale_curve_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_WHALE_CURVE(whale_curve_settled(PG_GETARG_WHALE_CURVE(0)));
}

/* a + b, and the combine function: the customers of both. */
PG_FUNCTION_INFO_V1(crm_whale_curve_plus);
Datum
crm_whale_curve_plus(PG_FUNCTION_ARGS)
{
	const WhaleCurve *a = whale_curve_settled(PG_GETARG_WHALE_CURVE(0));
	const WhaleCurve *b = whale_curve_settled(PG_GETARG_WHALE_CURVE(1));
	WhaleCurve		 *sum;

	if ((a->flags ^ b->flags) & WHALE_CURVE_BUCKETED)
	{
		const WhaleCurve *exact = a->flags & WHALE_CURVE_BUCKETED ? b : a;
		WhaleCurve		 *copy = copy_curve(exact, WHALE_CURVE_SIZE(exact->ngroups));

		fill_buckets(copy);
		if (exact == a)
			a = copy;
		else
			b = copy;
	}
	sum = create_curve(WHALE_CURVE_SIZE(a->ngroups + b->ngroups));
	sum->flags = a->flags;
	sum->ngroups = sum->nsorted =
		merge_groups(a->groups, a->ngroups, b->groups, b->ngroups, sum->groups);
	settle(sum);
	SET_VARSIZE(sum, WHALE_CURVE_SIZE(sum->ngroups));
	PG_RETURN_WHALE_CURVE(sum);
}

/* Whether a sum can be that of so many profits of the group. */
static bool
sum_is_possible(const ProfitGroup *group, bool bucketed)
{
	int128 nearest = (int128) group->profit * group->customers;
	int128 farthest = bucketed
						  ? (int128) bucket_end(group->profit, WHALE_BUCKET_BITS) * group->customers
						  : nearest;

	return group->sum >= Min(nearest, farthest) && group->sum <= Max(nearest, farthest);
}

/* Every rule of a value that came from outside, or why it is none. */
static const char *
problem_of(const WhaleCurve *curve)
{
	bool  bucketed = (curve->flags & WHALE_CURVE_BUCKETED) != 0;
	int64 customers = 0;

	if (curve->ngroups < 1)
		return "there is no customer";
	if (!bucketed && curve->ngroups > WHALE_MAX_EXACT)
		return "too many distinct profits";
	for (int i = 0; i < curve->ngroups; i++)
	{
		const ProfitGroup *group = &curve->groups[i];

		if (!AmountIsValid(group->profit))
			return "a profit is out of range";
		if (i > 0 && group[-1].profit >= group->profit)
			return "profits do not ascend";
		if (group->customers <= 0 || pg_add_s64_overflow(customers, group->customers, &customers))
			return "a number of customers is out of range";
		if (bucketed && bucket_start(group->profit, WHALE_BUCKET_BITS) != group->profit)
			return "a profit is not the beginning of a bucket";
		if (!sum_is_possible(group, bucketed))
			return "a sum is not that of its customers";
	}
	return NULL;
}

static WhaleCurve *
CheckCurve(WhaleCurve *curve, int sqlstate)
{
	const char *problem = problem_of(curve);

	if (problem != NULL)
		ereport(ERROR, (errcode(sqlstate), errmsg("invalid whale_curve: %s", problem)));
	return curve;
}

/* Reads one "profit customers" or "profit customers sum". */
static ProfitGroup
scan_group(Scanner *s, bool bucketed)
{
	ProfitGroup group;
	int128		sum;

	group.profit = scan_amount(s);
	group.customers = scan_int64(s);
	sum = (int128) group.profit * group.customers;
	if (bucketed)
		sum = scan_amount(s);
	if (sum > AMOUNT_MAX || sum < -AMOUNT_MAX)
		scan_error(s, "a sum of at most 900 trillion");
	group.sum = (int64) sum;
	return group;
}

PG_FUNCTION_INFO_V1(crm_whale_curve_in);
Datum
crm_whale_curve_in(PG_FUNCTION_ARGS)
{
	char	   *input = PG_GETARG_CSTRING(0);
	Scanner		s = scan_start("whale_curve", input);
	int			capacity = 1;
	WhaleCurve *curve;
	bool		bucketed;

	for (const char *c = input; *c != '\0'; c++)
		capacity += *c == ',';
	curve = create_curve(WHALE_CURVE_SIZE(capacity));
	bucketed = scan_try_word(&s, "buckets");
	if (bucketed)
		curve->flags = WHALE_CURVE_BUCKETED;
	else
		scan_word(&s, "exact");
	scan_char(&s, '{');
	do
		curve->groups[curve->ngroups++] = scan_group(&s, bucketed);
	while (scan_try_char(&s, ','));
	scan_char(&s, '}');
	scan_end(&s);
	curve->nsorted = curve->ngroups;
	PG_RETURN_WHALE_CURVE(CheckCurve(curve, ERRCODE_INVALID_TEXT_REPRESENTATION));
}

PG_FUNCTION_INFO_V1(crm_whale_curve_out);
Datum
crm_whale_curve_out(PG_FUNCTION_ARGS)
{
	const WhaleCurve *curve = whale_curve_settled(PG_GETARG_WHALE_CURVE(0));
	bool			  bucketed = (curve->flags & WHALE_CURVE_BUCKETED) != 0;
	StringInfoData	  out;

	initStringInfo(&out);
	appendStringInfoString(&out, bucketed ? "buckets {" : "exact {");
	for (int i = 0; i < curve->ngroups; i++)
	{
		const ProfitGroup *group = &curve->groups[i];

		appendStringInfo(&out, "%s%s %lld", i > 0 ? ", " : "", amount_to_text(group->profit),
						 (long long) group->customers);
		if (bucketed)
			appendStringInfo(&out, " %s", amount_to_text(group->sum));
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/* Binary form: version, flags (int16), count (int32), then profit, customers and sum (int64 each). */
PG_FUNCTION_INFO_V1(crm_whale_curve_send);
Datum
crm_whale_curve_send(PG_FUNCTION_ARGS)
{
	const WhaleCurve *curve = whale_curve_settled(PG_GETARG_WHALE_CURVE(0));
	StringInfoData	  out;

	pq_begintypsend(&out);
	pq_sendint16(&out, curve->version);
	pq_sendint16(&out, curve->flags);
	pq_sendint32(&out, curve->ngroups);
	for (int i = 0; i < curve->ngroups; i++)
	{
		pq_sendint64(&out, curve->groups[i].profit);
		pq_sendint64(&out, curve->groups[i].customers);
		pq_sendint64(&out, curve->groups[i].sum);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The count is what the message holds, to the byte. */
static inline void
CheckMessageLength(const StringInfo message, int ngroups)
{
	if (ngroups < 0 ||
		(int64) (message->len - message->cursor) != (int64) ngroups * (int64) sizeof(ProfitGroup))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("whale_curve of %d profits has %d bytes of them", ngroups,
							   message->len - message->cursor)));
}

PG_FUNCTION_INFO_V1(crm_whale_curve_recv);
Datum
crm_whale_curve_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	int		   flags =
		receive_header(message, "whale_curve", 2, WHALE_CURVE_VERSION, WHALE_CURVE_BUCKETED);
	int			ngroups = (int) pq_getmsgint(message, 4);
	WhaleCurve *curve;

	CheckMessageLength(message, ngroups);
	curve = create_curve(WHALE_CURVE_SIZE(ngroups));
	curve->flags = flags;
	curve->ngroups = curve->nsorted = ngroups;
	for (int i = 0; i < ngroups; i++)
	{
		curve->groups[i].profit = pq_getmsgint64(message);
		curve->groups[i].customers = pq_getmsgint64(message);
		curve->groups[i].sum = pq_getmsgint64(message);
	}
	PG_RETURN_WHALE_CURVE(CheckCurve(curve, ERRCODE_INVALID_BINARY_REPRESENTATION));
}

/* Order of two curves: exact ones first, then the first group that differs, then the fewer groups. */
static int
order(const void *x, const void *y)
{
	const WhaleCurve *a = whale_curve_settled(x);
	const WhaleCurve *b = whale_curve_settled(y);
	int				  difference = CRM_COMPARE(a->flags, b->flags);

	for (int i = 0; i < Min(a->ngroups, b->ngroups) && difference == 0; i++)
	{
		const ProfitGroup *p = &a->groups[i];
		const ProfitGroup *q = &b->groups[i];

		difference = CRM_COMPARE(p->profit, q->profit);
		if (difference == 0)
			difference = CRM_COMPARE(p->customers, q->customers);
		if (difference == 0)
			difference = CRM_COMPARE(p->sum, q->sum);
	}
	if (difference == 0)
		difference = CRM_COMPARE(a->ngroups, b->ngroups);
	if (a != x)
		pfree(unconstify(WhaleCurve *, a));
	if (b != y)
		pfree(unconstify(WhaleCurve *, b));
	return difference;
}

static Content
content(const void *curve)
{
	const WhaleCurve *c = whale_curve_settled(curve);

	return (Content){c->groups, c->ngroups * sizeof(ProfitGroup)};
}

VALUE_FUNCTIONS(whale_curve, order, content);
