/*
 * breakage.c: the type breakage_curve: its layout, its forms, and the estimate.
 *
 * The text form is "{14/3 100 0 0 0, 365/3 0 20 0 5}": age / group, then points
 * redeemed, expired, taken back and open, in ascending order, those without any left
 * out.
 */
#include "crm.h"

#include "base/growth.h"
#include "base/scan.h"
#include "base/value.h"
#include "common/int.h"
#include "tiers/breakage.h"
#include "utils/float.h"

BreakageCurve *
breakage_create(int capacity)
{
	BreakageCurve *c = palloc0(BREAKAGE_SIZE(capacity));

	SET_VARSIZE(c, BREAKAGE_SIZE(capacity));
	c->version = BREAKAGE_VERSION;
	return c;
}

/* The state with an age within its ages; a larger copy, in the current context, if it has no room. */
BreakageCurve *
breakage_reach(BreakageCurve *state, int age)
{
	Size used = BREAKAGE_SIZE(state->nages);
	Size more;

	if (age < state->nages)
		return state;
	if (age > BREAKAGE_MAX_AGE)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("age of %d days of an award is too long to count", age),
						errdetail("Awards are counted up to an age of %d days.", BREAKAGE_MAX_AGE),
						errhint("Look for dates far in the past or in the future.")));
	more = BREAKAGE_SIZE(age + 1) - used;
	if (!state_has_room(state, used, more))
		state = state_grown(state, used, more, BREAKAGE_SIZE(BREAKAGE_MAX_AGE + 1));
	memset((char *) state + used, 0, more);
	state->nages = age + 1;
	return state;
}

static bool
age_is_empty(const BreakageCurve *c, int age)
{
	static const BreakageCount none[BREAKAGE_GROUPS];

	return memcmp(&c->counts[age * BREAKAGE_GROUPS], none, sizeof(none)) == 0;
}

/* A copy that ends with the last age that counts something. */
BreakageCurve *
breakage_trim(const BreakageCurve *state)
{
	int			   n = state->nages;
	BreakageCurve *c;

	while (n > 0 && age_is_empty(state, n - 1))
		n--;
	c = breakage_create(n);
	memcpy(c->counts, state->counts, (Size) n * BREAKAGE_GROUPS * sizeof(BreakageCount));
	c->nages = n;
	return c;
}

static void
add(int64 *to, int64 points)
{
	if (pg_add_s64_overflow(*to, points, to))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("number of points is out of range"),
						errhint("Measure fewer customers at a time: no count reaches 2^63.")));
}

void
breakage_add(BreakageCount *to, const BreakageCount *count)
{
	add(&to->redeemed, count->redeemed);
	add(&to->expired, count->expired);
	add(&to->taken_back, count->taken_back);
	add(&to->open, count->open);
}

/* ---- the estimate ---- */

/* The points of an age, of all groups but one (-1 for none). */
static BreakageCount
count_of_age(const BreakageCurve *c, int age, int without)
{
	BreakageCount count = {0, 0, 0, 0};

	for (int g = 0; g < BREAKAGE_GROUPS; g++)
		if (g != without)
			breakage_add(&count, &c->counts[age * BREAKAGE_GROUPS + g]);
	return count;
}

/*
 * The estimate of Aalen and Johansen (1978) of competing ends, weighted by points, at
 * the end of each age: of all groups but one (-1 for none). Those open at an age are
 * still at risk at it.
 */
BreakageEstimate *
breakage_estimate(const BreakageCurve *c, int without)
{
	BreakageEstimate *e =
		MemoryContextAllocHuge(CurrentMemoryContext, Max(c->nages, 1) * sizeof(BreakageEstimate));
	BreakageEstimate now = {{0, 0, 0, 0}, 0, 1, 0, 0, 0};
	int64			 at_risk = 0;

	for (int age = c->nages - 1; age >= 0; age--)
	{
		e[age].count = count_of_age(c, age, without);
		add(&at_risk, e[age].count.redeemed);
		add(&at_risk, e[age].count.expired);
		add(&at_risk, e[age].count.taken_back);
		add(&at_risk, e[age].count.open);
		e[age].at_risk = at_risk;
	}
	for (int age = 0; age < c->nages; age++)
	{
		const BreakageCount *n = &e[age].count;
		int64				 ended = n->redeemed + n->expired + n->taken_back;

		if (ended > 0)
		{
			double each = now.p_open / (double) e[age].at_risk;

			now.p_redeemed += each * (double) n->redeemed;
			now.p_expired += each * (double) n->expired;
			now.p_taken_back += each * (double) n->taken_back;
			now.p_open = each * (double) (e[age].at_risk - ended);
		}
		now.count = *n;
		now.at_risk = e[age].at_risk;
		e[age] = now;
	}
	return e;
}

/*
 * Probability that points which are open at the end of an age (-1: when they are
 * awarded) are redeemed later, or expire, within the ages that were seen; NaN if
 * none are open any more, or the age was not seen.
 */
double
breakage_later(const BreakageEstimate *e, int nages, int age, bool redeemed)
{
	const BreakageEstimate *last = &e[nages - 1];

	if (age >= nages || nages == 0)
		return get_float8_nan();
	if (age < 0)
		return redeemed ? last->p_redeemed : last->p_expired;
	if (e[age].p_open <= 0)
		return get_float8_nan();
	return (redeemed ? last->p_redeemed - e[age].p_redeemed : last->p_expired - e[age].p_expired) /
		   e[age].p_open;
}

/* ---- text ---- */

PG_FUNCTION_INFO_V1(crm_breakage_curve_in);
Datum
crm_breakage_curve_in(PG_FUNCTION_ARGS)
{
	Scanner		   s = scan_start("breakage_curve", PG_GETARG_CSTRING(0));
	BreakageCurve *c = breakage_create(0);
	int64		   last = -1;

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			const Scanner  here = s;
			int64		   age = scan_int64(&s);
			int64		   group;
			BreakageCount *count;

			scan_char(&s, '/');
			group = scan_int64(&s);
			if (age < 0 || age > BREAKAGE_MAX_AGE || group < 0 || group >= BREAKAGE_GROUPS ||
				age * BREAKAGE_GROUPS + group <= last)
				scan_error(&here, "ages up to 36524 and groups up to 31 in ascending order");
			last = age * BREAKAGE_GROUPS + group;
			c = breakage_reach(c, (int) age);
			count = &c->counts[last];
			count->redeemed = scan_int64(&s);
			count->expired = scan_int64(&s);
			count->taken_back = scan_int64(&s);
			count->open = scan_int64(&s);
			if (count->redeemed < 0 || count->expired < 0 || count->taken_back < 0 ||
				count->open < 0)
				scan_error(&here, "points that are not negative");
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);
	pfree(breakage_estimate(c, -1)); /* all together are not too many */
	PG_RETURN_BREAKAGE_CURVE(breakage_trim(c));
}

static bool
count_is_empty(const BreakageCount *n)
{
	return n->redeemed == 0 && n->expired == 0 && n->taken_back == 0 && n->open == 0;
}

PG_FUNCTION_INFO_V1(crm_breakage_curve_out);
Datum
crm_breakage_curve_out(PG_FUNCTION_ARGS)
{
	BreakageCurve *c = PG_GETARG_BREAKAGE_CURVE(0);
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < c->nages * BREAKAGE_GROUPS; i++)
		if (!count_is_empty(&c->counts[i]))
			appendStringInfo(
				&out, "%s%d/%d " INT64_FORMAT " " INT64_FORMAT " " INT64_FORMAT " " INT64_FORMAT,
				out.len == 0 ? "{" : ", ", i / BREAKAGE_GROUPS, i % BREAKAGE_GROUPS,
				c->counts[i].redeemed, c->counts[i].expired, c->counts[i].taken_back,
				c->counts[i].open);
	appendStringInfoString(&out, out.len == 0 ? "{}" : "}");
	PG_RETURN_CSTRING(out.data);
}

/* ---- binary ---- */

/*
 * Binary form: version, flags (int16), number of entries (int32); for each that counts
 * something age x 32 + group (int32), redeemed, expired, taken back, open (int64).
 */
PG_FUNCTION_INFO_V1(crm_breakage_curve_send);
Datum
crm_breakage_curve_send(PG_FUNCTION_ARGS)
{
	BreakageCurve *c = PG_GETARG_BREAKAGE_CURVE(0);
	StringInfoData out;
	int			   n = 0;

	for (int i = 0; i < c->nages * BREAKAGE_GROUPS; i++)
		n += !count_is_empty(&c->counts[i]);
	pq_begintypsend(&out);
	pq_sendint16(&out, c->version);
	pq_sendint16(&out, c->flags);
	pq_sendint32(&out, n);
	for (int i = 0; i < c->nages * BREAKAGE_GROUPS; i++)
		if (!count_is_empty(&c->counts[i]))
		{
			pq_sendint32(&out, i);
			pq_sendint64(&out, c->counts[i].redeemed);
			pq_sendint64(&out, c->counts[i].expired);
			pq_sendint64(&out, c->counts[i].taken_back);
			pq_sendint64(&out, c->counts[i].open);
		}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_breakage_curve_recv);
Datum
crm_breakage_curve_recv(PG_FUNCTION_ARGS)
{
	StringInfo	   message = (StringInfo) PG_GETARG_POINTER(0);
	BreakageCurve *c = breakage_create(0);
	int			   last = -1;
	int			   n;

	receive_header(message, "breakage_curve", 2, BREAKAGE_VERSION, 0);
	n = receive_count(message, "breakage_curve", "entries", 36);
	for (int i = 0; i < n; i++)
	{
		int			  at = (int) pq_getmsgint(message, 4);
		BreakageCount count;

		count.redeemed = pq_getmsgint64(message);
		count.expired = pq_getmsgint64(message);
		count.taken_back = pq_getmsgint64(message);
		count.open = pq_getmsgint64(message);
		if (at <= last || at / BREAKAGE_GROUPS > BREAKAGE_MAX_AGE || count.redeemed < 0 ||
			count.expired < 0 || count.taken_back < 0 || count.open < 0 || count_is_empty(&count))
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("invalid entry %d in breakage_curve", i + 1)));
		c = breakage_reach(c, at / BREAKAGE_GROUPS);
		c->counts[at] = count;
		last = at;
	}
	pfree(breakage_estimate(c, -1));
	PG_RETURN_BREAKAGE_CURVE(breakage_trim(c));
}

/* ---- equality, order and hash ---- */

static Content
counted(const void *value)
{
	const BreakageCurve *c = value;

	return (Content){c->counts, (Size) c->nages * BREAKAGE_GROUPS * sizeof(BreakageCount)};
}

static int
order(const void *a, const void *b)
{
	Content x = counted(a);
	Content y = counted(b);
	int		result = memcmp(x.at, y.at, Min(x.size, y.size));

	return result != 0 ? result : CRM_COMPARE(x.size, y.size);
}

VALUE_FUNCTIONS(breakage_curve, order, counted);
