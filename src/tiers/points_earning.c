/*
 * points_earning.c: the forms of rates and earnings, which tier programs and
 * points rules share, and their checks.
 */
#include "crm.h"

#include "base/decimal.h"
#include "base/value.h"
#include "tiers/points_earning.h"
#include "utils/builtins.h"

/* ---- rates ---- */

static Numeric
numeric_from_int64(int64 value)
{
	return DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(value)));
}

static int
compare_numeric(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

static Numeric
numeric_quotient(Numeric a, Numeric b)
{
	return DatumGetNumeric(
		DirectFunctionCall2(numeric_div, NumericGetDatum(a), NumericGetDatum(b)));
}

/* The ratio of small numbers that a long decimal was rounded from; NULL if it does not show. */
static const char *
ratio_of_decimal(Numeric value, Datum places)
{
	for (int points = 1; points <= 20; points++)
	{
		Numeric n = numeric_from_int64(points);
		Numeric per = DatumGetNumeric(DirectFunctionCall2(
			numeric_round, NumericGetDatum(numeric_quotient(n, value)), Int32GetDatum(0)));
		Numeric back;

		if (compare_numeric(per, numeric_from_int64(0)) == 0 ||
			compare_numeric(per, numeric_from_int64(1000000)) > 0)
			continue;
		back = DatumGetNumeric(
			DirectFunctionCall2(numeric_round, NumericGetDatum(numeric_quotient(n, per)), places));
		if (compare_numeric(back, value) == 0)
			return psprintf(
				"Write the ratio, which is exact: %d per %s.", points,
				DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(per))));
	}
	return NULL;
}

/* What to write for a rate of too many decimals. */
static const char *
rate_as_ratio(Numeric value)
{
	Datum		places = DirectFunctionCall1(numeric_scale, NumericGetDatum(value));
	const char *ratio = ratio_of_decimal(value, places);
	Numeric		per = numeric_from_int64(1);
	Numeric		points;

	if (ratio != NULL)
		return ratio;
	if (DatumGetInt32(places) > 10)
		return "Write a ratio, which is exact, as in 1 per 900.";
	for (int i = 0; i < DatumGetInt32(places); i++)
		per = DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(per),
												  NumericGetDatum(numeric_from_int64(10))));
	points = DatumGetNumeric(
		DirectFunctionCall2(numeric_mul, NumericGetDatum(value), NumericGetDatum(per)));
	return psprintf("Write the ratio, which is exact: %s per %s.",
					DatumGetCString(DirectFunctionCall1(
						numeric_out, DirectFunctionCall2(numeric_round, NumericGetDatum(points),
														 Int32GetDatum(0)))),
					DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(per))));
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
						errdetail("A rate is a number from 0 to 1000000."),
						errhint("Write points per currency unit, or a ratio: 1 per 900.")));
	scaled = DirectFunctionCall2(numeric_mul, NumericGetDatum(value),
								 NumericGetDatum(numeric_from_int64(POINTS_RATE_SCALE)));
	whole = DirectFunctionCall2(numeric_trunc, scaled, Int32GetDatum(0));
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, scaled, whole)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s %s has more than %d decimals", name, text, POINTS_RATE_DECIMALS),
						errhint("%s", rate_as_ratio(value))));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, whole));
}

int64
scan_points_rate(Scanner *s, const char *name)
{
	char *text = scan_number_text(s);

	return points_rate_from_numeric(numeric_of_text(text), name);
}

/* The money that a rate is for: above 0, at most four decimals. */
int64
points_per_from_numeric(Numeric value)
{
	int64 per = amount_from_numeric(value);

	if (compare_numeric(value, amount_to_numeric(per)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("amount %s that a rate is for has more than %d decimals",
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value))),
						AMOUNT_DECIMALS),
				 errhint("Multiply points and amount alike: 1 per 0.00001 is 100000 per 1.")));
	return per;
}

/* A rate with as many decimals as it needs. */
char *
points_rate_to_text(int64 rate)
{
	return decimal_to_text(rate, POINTS_RATE_DECIMALS, 0);
}

/* ---- earnings ---- */

/* A bonus has points and a count of orders, or neither; nothing is negative. */
void
CheckPointsEarning(const PointsEarning *e)
{
	if (e->rate < 0 || e->rate > POINTS_RATE_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("rate is out of range"),
						errdetail("A rate is a number from 0 to 1000000."),
						errhint("Write points per currency unit, or a ratio: 1 per 900.")));
	if (e->order_points < 0 || e->order_points > POINTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%lld points per purchase are out of range", (long long) e->order_points),
				 errdetail("A purchase earns 0 to %lld points.", (long long) POINTS_MAX),
				 errhint("Leave them out where a purchase earns none by itself.")));
	if (e->bonus_points < 0 || e->bonus_points > POINTS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a bonus of %lld points is out of range", (long long) e->bonus_points),
				 errdetail("A bonus is 0 to %lld points.", (long long) POINTS_MAX),
				 errhint("Leave the bonus out where there is none.")));
	if (e->bonus_every < 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a bonus every %lld orders is out of range", (long long) e->bonus_every),
				 errhint("Write 10 for every tenth, or leave the bonus out.")));
	if ((e->bonus_points > 0) != (e->bonus_every > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a bonus needs both its points and the number of orders"),
						errhint("Give bonus_points and bonus_every together.")));
}

const PointsScale points_plain_scale = {AMOUNT_SCALE, ROUND_DOWN, 0, 0, {0}};

static const char *const rounding_names[] = {"down", "up", "half"};

/* A rate is for some money, and what is rounded one by one is rounded in parts anyway. */
void
CheckPointsScale(const PointsScale *s)
{
	if (s->per <= 0 || s->per > POINTS_PER_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("rate per %s is out of range", amount_to_text(s->per)),
						errdetail("A rate is for an amount above 0, of at most 10000000000."),
						errhint("Write the money that the points are for: 1 per 900.")));
	if (s->per_purchase && s->in_parts)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("points per purchase are always rounded in parts"),
						errhint("Leave \"in parts\" out.")));
}

static int
scan_rounding(Scanner *s)
{
	for (size_t i = 0; i < lengthof(rounding_names); i++)
		if (scan_try_word(s, rounding_names[i]))
			return (int) i;
	scan_error(s, "down, up or half");
	return 0; /* not reached */
}

/* Read "down|up|half [per day|purchase] [in parts]" behind the word round. */
static void
scan_round(Scanner *s, PointsScale *scale)
{
	scale->rounding = (uint8) scan_rounding(s);
	if (scan_try_word(s, "per") && !scan_try_word(s, "day"))
	{
		if (!scan_try_word(s, "purchase"))
			scan_error(s, "day or purchase");
		scale->per_purchase = 1;
	}
	if (scan_try_word(s, "in"))
	{
		scan_word(s, "parts");
		scale->in_parts = 1;
	}
}

/* The same as an argument of a constructor; NULL is down. */
static void
rounding_from_text(const char *text, PointsScale *scale)
{
	Scanner s = scan_start("rounding", text);

	scan_round(&s, scale);
	scan_end(&s);
}

/* The money that a rate is for and the rounding from two arguments of a constructor, both may be NULL. */
PointsScale
points_scale_from_arguments(FunctionCallInfo fcinfo, int per, int rounding)
{
	PointsScale scale = points_plain_scale;

	if (argument_is_given(fcinfo, per))
		scale.per = points_per_from_numeric(PG_GETARG_NUMERIC(per));
	if (argument_is_given(fcinfo, rounding))
		rounding_from_text(text_to_cstring(PG_GETARG_TEXT_PP(rounding)), &scale);
	CheckPointsScale(&scale);
	return scale;
}

/* What follows the word "points": rate, rounding, points per purchase, bonus; each may be missing. */
PointsEarning
scan_points_earning(Scanner *s, PointsScale *scale)
{
	PointsEarning e = {0, 0, 0, 0};

	*scale = points_plain_scale;
	if (scan_try_word(s, "rate"))
	{
		e.rate = scan_points_rate(s, "rate");
		if (scan_try_word(s, "per"))
			scale->per = scan_amount(s);
		if (scan_try_word(s, "round"))
			scan_round(s, scale);
		CheckPointsScale(scale);
	}
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

static void
append_rounding(StringInfo out, const PointsScale *s)
{
	appendStringInfo(out, "%s%s%s", rounding_names[s->rounding],
					 s->per_purchase ? " per purchase" : "", s->in_parts ? " in parts" : "");
}

void
append_points_earning(StringInfo out, const PointsEarning *e, const PointsScale *s)
{
	appendStringInfo(out, " rate %s", points_rate_to_text(e->rate));
	if (s->per != AMOUNT_SCALE)
		appendStringInfo(out, " per %s", amount_to_text(s->per));
	if (s->rounding != ROUND_DOWN || s->per_purchase || s->in_parts)
	{
		appendStringInfoString(out, " round ");
		append_rounding(out, s);
	}
	if (e->order_points != 0)
		appendStringInfo(out, " per_order " INT64_FORMAT, e->order_points);
	if (e->bonus_every != 0)
		appendStringInfo(out, " bonus " INT64_FORMAT " every " INT64_FORMAT, e->bonus_points,
						 e->bonus_every);
}

void
append_points_earning_json(StringInfo out, const PointsEarning *e, const PointsScale *s)
{
	appendStringInfo(out, "\"rate\":%s,\"per\":%s,\"rounding\":\"", points_rate_to_text(e->rate),
					 amount_to_text(s->per));
	append_rounding(out, s);
	appendStringInfo(out,
					 "\",\"order_points\":" INT64_FORMAT ",\"bonus_points\":" INT64_FORMAT
					 ",\"bonus_every\":" INT64_FORMAT,
					 e->order_points, e->bonus_points, e->bonus_every);
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

void
send_points_scale(StringInfo out, const PointsScale *s)
{
	pq_sendint64(out, s->per);
	pq_sendint8(out, s->rounding);
	pq_sendint8(out, s->per_purchase);
	pq_sendint8(out, s->in_parts);
}

PointsScale
receive_points_scale(StringInfo message)
{
	PointsScale s = points_plain_scale;

	s.per = pq_getmsgint64(message);
	s.rounding = receive_choice(message, "points", "rounding", ROUND_HALF);
	s.per_purchase = receive_choice(message, "points", "rounding per purchase", 1);
	s.in_parts = receive_choice(message, "points", "rounding in parts", 1);
	CheckPointsScale(&s);
	return s;
}
