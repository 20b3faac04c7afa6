/*
 * points_earning.c: the forms of rates and earnings, which tier programs and
 * points rules share, and their checks.
 */
#include "crm.h"

#include "libpq/pqformat.h"
#include "tiers/points_earning.h"
#include "utils/builtins.h"

/* ---- rates ---- */

static Numeric
numeric_from_int64(int64 value)
{
	return DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(value)));
}

/* A rate of points per currency unit: 0 to a million, at most eight decimals. */
int64
points_rate_from_numeric(Numeric value, const char *name)
{
	Datum scaled;
	Datum whole;
	char *text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value)));

	if (numeric_is_nan(value) || text[0] == '-' || pg_strcasecmp(text, "Infinity") == 0 ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, NumericGetDatum(value),
										 NumericGetDatum(numeric_from_int64(1000000)))))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s %s is out of range", name, text),
						errdetail("A rate is a number from 0 to 1000000.")));
	scaled = DirectFunctionCall2(numeric_mul, NumericGetDatum(value),
								 NumericGetDatum(numeric_from_int64(POINTS_RATE_SCALE)));
	whole = DirectFunctionCall2(numeric_trunc, scaled, Int32GetDatum(0));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, scaled, whole)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %s has more than %d decimals", name, text, POINTS_RATE_DECIMALS)));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, whole));
}

int64
scan_points_rate(Scanner *s, const char *name)
{
	char *text = scan_number_text(s);

	return points_rate_from_numeric(
		DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))),
		name);
}

/* A rate with as many decimals as it needs. */
char *
points_rate_to_text(int64 rate)
{
	char *text =
		psprintf(INT64_FORMAT ".%08d", rate / POINTS_RATE_SCALE, (int) (rate % POINTS_RATE_SCALE));
	char *end = text + strlen(text);

	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		*--end = '\0';
	return text;
}

/* ---- earnings ---- */

/* A bonus has points and a count of orders, or neither; nothing is negative. */
void
CheckPointsEarning(const PointsEarning *e)
{
	if (e->rate < 0 || e->rate > POINTS_RATE_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("rate is out of range"),
						errdetail("A rate is a number from 0 to 1000000.")));
	if (e->order_points < 0 || e->order_points > POINTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%lld points per purchase are out of range", (long long) e->order_points),
				 errdetail("A purchase earns 0 to %lld points.", (long long) POINTS_MAX)));
	if (e->bonus_points < 0 || e->bonus_points > POINTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a bonus of %lld points is out of range", (long long) e->bonus_points),
				 errdetail("A bonus is 0 to %lld points.", (long long) POINTS_MAX)));
	if (e->bonus_every < 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a bonus every %lld orders is out of range", (long long) e->bonus_every)));
	if ((e->bonus_points > 0) != (e->bonus_every > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a bonus needs both its points and the number of orders"),
						errhint("Give bonus_points and bonus_every together.")));
}

/* What follows the word "points": rate, points per purchase, bonus; each may be missing. */
PointsEarning
scan_points_earning(Scanner *s)
{
	PointsEarning e = {0, 0, 0, 0};

	if (scan_try_word(s, "rate"))
		e.rate = scan_points_rate(s, "rate");
	if (scan_try_word(s, "per_order"))
		e.order_points = scan_int64(s);
	if (scan_try_word(s, "bonus"))
	{
		e.bonus_points = scan_int64(s);
		scan_word(s, "every");
		e.bonus_every = scan_int64(s);
	}
	CheckPointsEarning(&e);
	return e;
}

void
append_points_earning(StringInfo out, const PointsEarning *e)
{
	appendStringInfo(out, " rate %s", points_rate_to_text(e->rate));
	if (e->order_points != 0)
		appendStringInfo(out, " per_order " INT64_FORMAT, e->order_points);
	if (e->bonus_every != 0)
		appendStringInfo(out, " bonus " INT64_FORMAT " every " INT64_FORMAT, e->bonus_points,
						 e->bonus_every);
}

void
append_points_earning_json(StringInfo out, const PointsEarning *e)
{
	appendStringInfo(out,
					 "\"rate\":%s,\"order_points\":" INT64_FORMAT ",\"bonus_points\":" INT64_FORMAT
					 ",\"bonus_every\":" INT64_FORMAT,
					 points_rate_to_text(e->rate), e->order_points, e->bonus_points,
					 e->bonus_every);
}

PointsEarning
receive_points_earning(StringInfo message)
{
	PointsEarning e;

	e.rate = pq_getmsgint64(message);
	e.order_points = pq_getmsgint64(message);
	e.bonus_points = pq_getmsgint64(message);
	e.bonus_every = pq_getmsgint64(message);
	CheckPointsEarning(&e);
	return e;
}

void
send_points_earning(StringInfo out, const PointsEarning *e)
{
	pq_sendint64(out, e->rate);
	pq_sendint64(out, e->order_points);
	pq_sendint64(out, e->bonus_points);
	pq_sendint64(out, e->bonus_every);
}
