/*
 * challenge.c: the type challenge: its forms, its checks, and how far a customer is.
 *
 * The text form is, for example "orders 5 within 30 days from 2024-03-01 until 2024-08-31
 * reward 500" or "streak 3 month".
 */
#include "crm.h"

#include "base/rows.h"
#include "base/span_io.h"
#include "base/value.h"
#include "history/purchase_history.h"
#include "tiers/challenge.h"
#include "tiers/points_terms.h"
#include "utils/builtins.h"

static Challenge *
challenge_create(void)
{
	Challenge *c = palloc0(sizeof(Challenge));

	SET_VARSIZE(c, sizeof(Challenge));
	c->version = CHALLENGE_VERSION;
	c->starts_on = DATEVAL_NOBEGIN;
	c->ends_on = NEVER;
	return c;
}

/* Every rule of a challenge. */
static void
CheckChallenge(const Challenge *c)
{
	int64 most = (c->flags & CHALLENGE_STREAK) ? CHALLENGE_MAX_STREAK : AMOUNT_MAX;

	if (c->target < 1 || c->target > most)
		ereport(
			ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("target of a challenge is out of range"),
			 errdetail("A challenge asks for something above 0, a streak for at most %d periods.",
					   CHALLENGE_MAX_STREAK),
			 errhint("Write how much is asked for: \"orders 5\", \"streak 3 month\".")));
	if (c->reward < 0 || c->reward > CHALLENGE_MAX_REWARD)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("a reward of %lld points is out of range", (long long) c->reward),
						errhint("Leave the reward out where there is none.")));
	CheckSpan(c->within, "challenge");
	if ((c->starts_on != DATEVAL_NOBEGIN && !IS_VALID_DATE(c->starts_on)) ||
		(c->ends_on != NEVER && !IS_VALID_DATE(c->ends_on)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("days of a challenge are out of range"),
				 errhint("Leave \"from\" or \"until\" out where there is no first or last day.")));
	if (c->ends_on < c->starts_on)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("challenge ends on %s, before it begins on %s", date_to_text(c->ends_on),
						date_to_text(c->starts_on)),
				 errhint("Write the first day behind \"from\" and the last behind \"until\".")));
}

/* ---- text ---- */

/* Read "3 month" or "3 week(sunday)" behind the word streak. */
static void
scan_streak(Scanner *s, Challenge *c)
{
	c->flags = CHALLENGE_STREAK;
	c->target = scan_int64(s);
	if (scan_at_end(s))
		scan_error(s, "day, week, month, quarter or year");
	c->period = period_from_text(cstring_to_text(scan_name(s, " \t\r\n")));
}

static void
scan_metric(Scanner *s, Challenge *c)
{
	while (c->metric < METRIC_POINTS && !scan_try_word(s, tier_metric_name(c->metric)))
		c->metric++;
	if (c->metric == METRIC_POINTS)
		scan_error(s, "spend, orders, purchase_days or streak");
	c->target = scan_tier_threshold(s, c->metric);
	if (scan_try_word(s, "within"))
		c->within = scan_span(s);
}

PG_FUNCTION_INFO_V1(crm_challenge_in);
Datum
crm_challenge_in(PG_FUNCTION_ARGS)
{
	Scanner	   s = scan_start("challenge", PG_GETARG_CSTRING(0));
	Challenge *c = challenge_create();

	if (scan_try_word(&s, "streak"))
		scan_streak(&s, c);
	else
		scan_metric(&s, c);
	if (scan_try_word(&s, "from"))
		c->starts_on = scan_date(&s);
	if (scan_try_word(&s, "until"))
		c->ends_on = scan_date(&s);
	if (scan_try_word(&s, "reward"))
		c->reward = scan_int64(&s);
	scan_end(&s);
	CheckChallenge(c);
	PG_RETURN_POINTER(c);
}

PG_FUNCTION_INFO_V1(crm_challenge_out);
Datum
crm_challenge_out(PG_FUNCTION_ARGS)
{
	Challenge	  *c = PG_GETARG_CHALLENGE(0);
	StringInfoData out;

	initStringInfo(&out);
	if (c->flags & CHALLENGE_STREAK)
		appendStringInfo(&out, "streak " INT64_FORMAT " %s", c->target, period_name(c->period));
	else
	{
		appendStringInfo(&out, "%s ", tier_metric_name(c->metric));
		append_tier_threshold(&out, c->metric, c->target);
		if (!span_is_zero(c->within))
			appendStringInfoString(&out, " within");
		append_span(&out, c->within);
	}
	if (c->starts_on != DATEVAL_NOBEGIN)
		appendStringInfo(&out, " from %s", date_to_text(c->starts_on));
	if (c->ends_on != NEVER)
		appendStringInfo(&out, " until %s", date_to_text(c->ends_on));
	if (c->reward != 0)
		appendStringInfo(&out, " reward " INT64_FORMAT, c->reward);
	PG_RETURN_CSTRING(out.data);
}

/* ---- binary ---- */

/* Binary form: version, flags (int16), target, reward (int64), within (int32 months and days), first and last day (int32), metric, period (int8). */
PG_FUNCTION_INFO_V1(crm_challenge_send);
Datum
crm_challenge_send(PG_FUNCTION_ARGS)
{
	Challenge	  *c = PG_GETARG_CHALLENGE(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, c->version);
	pq_sendint16(&out, c->flags);
	pq_sendint64(&out, c->target);
	pq_sendint64(&out, c->reward);
	pq_sendint32(&out, c->within.months);
	pq_sendint32(&out, c->within.days);
	pq_sendint32(&out, c->starts_on);
	pq_sendint32(&out, c->ends_on);
	pq_sendint8(&out, c->metric);
	pq_sendint8(&out, c->period);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_challenge_recv);
Datum
crm_challenge_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	Challenge *c = challenge_create();
	bool	   streak;

	c->flags =
		(uint16) receive_header(message, "challenge", 2, CHALLENGE_VERSION, CHALLENGE_STREAK);
	c->target = pq_getmsgint64(message);
	c->reward = pq_getmsgint64(message);
	c->within.months = (int32) pq_getmsgint(message, 4);
	c->within.days = (int32) pq_getmsgint(message, 4);
	c->starts_on = (DateADT) pq_getmsgint(message, 4);
	c->ends_on = (DateADT) pq_getmsgint(message, 4);
	c->metric = receive_choice(message, "challenge", "metric", METRIC_POINTS - 1);
	c->period = (Period) pq_getmsgbyte(message);
	streak = (c->flags & CHALLENGE_STREAK) != 0;
	if (streak ? (!period_is_valid(c->period) || c->metric != 0 || !span_is_zero(c->within))
			   : c->period != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid period %d of a challenge", c->period)));
	CheckChallenge(c);
	PG_RETURN_POINTER(c);
}

VALUE_FUNCTIONS(challenge, value_bytes_order, value_bytes);

/* ---- from and to other forms ---- */

static const char  metric_words[][16] = {"spend", "orders", "purchase_days", "streak"};
static const Names metrics =
	NAMES("metric", "Metrics", "A streak is of periods in a row with a purchase.", METRIC_SPEND,
		  metric_words);

#define METRIC_STREAK METRIC_POINTS /* which no challenge asks for */

/* What a streak is made of, or how long the rest may take, never both. */
static void
set_periods(Challenge *c, bool streak, FunctionCallInfo fcinfo, int within, int period)
{
	if (streak != !PG_ARGISNULL(period))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg(streak ? "a streak needs a period" : "only a streak has a period"),
						errhint(streak ? "Give one: period => 'month'."
									   : "Write within => '30 days', or the metric streak.")));
	if (streak && !PG_ARGISNULL(within))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a streak is not within a length"),
						errhint("Leave within out: the periods of a streak follow each other.")));
	if (streak)
		c->period = period_from_text(PG_GETARG_TEXT_PP(period));
	else
		c->within = span_from_interval(PG_ARGISNULL(within) ? NULL : PG_GETARG_INTERVAL_P(within),
									   "within");
}

/* (metric, target, within, period, starts_on, ends_on, reward); all but the first two may be NULL. */
PG_FUNCTION_INFO_V1(crm_challenge);
Datum
crm_challenge(PG_FUNCTION_ARGS)
{
	Challenge *c = challenge_create();
	bool	   streak;
	int		   metric;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s cannot be null", PG_ARGISNULL(0) ? "metric" : "target"),
						errhint("Write crm.challenge('orders', 5).")));
	metric = names_get_text(&metrics, PG_GETARG_TEXT_PP(0));
	streak = metric == METRIC_STREAK;
	c->flags = streak ? CHALLENGE_STREAK : 0;
	c->metric = streak ? 0 : metric;
	c->target = tier_aim_from_numeric(streak ? METRIC_ORDERS : metric, streak ? "streak" : NULL,
									  "target", PG_GETARG_NUMERIC(1));
	set_periods(c, streak, fcinfo, 2, 3);
	if (!PG_ARGISNULL(4))
		c->starts_on = CheckFiniteDate(PG_GETARG_DATEADT(4), "starts_on");
	if (!PG_ARGISNULL(5))
		c->ends_on = CheckFiniteDate(PG_GETARG_DATEADT(5), "ends_on");
	if (!PG_ARGISNULL(6))
		c->reward = PG_GETARG_INT64(6);
	CheckChallenge(c);
	PG_RETURN_POINTER(c);
}

static void
append_json_day(StringInfo out, const char *key, DateADT day, DateADT none)
{
	if (day == none)
		appendStringInfo(out, ",\"%s\":null", key);
	else
		appendStringInfo(out, ",\"%s\":\"%s\"", key, date_to_text(day));
}

/* An object with every field, null where there is none. */
PG_FUNCTION_INFO_V1(crm_challenge_to_jsonb);
Datum
crm_challenge_to_jsonb(PG_FUNCTION_ARGS)
{
	Challenge	  *c = PG_GETARG_CHALLENGE(0);
	bool		   streak = (c->flags & CHALLENGE_STREAK) != 0;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(
		&out, "{\"metric\":\"%s\",\"target\":", metric_words[streak ? METRIC_STREAK : c->metric]);
	append_tier_threshold(&out, streak ? METRIC_ORDERS : c->metric, c->target);
	append_json_span(&out, "within", c->within);
	if (streak)
		appendStringInfo(&out, ",\"period\":\"%s\"", period_name(c->period));
	else
		appendStringInfoString(&out, ",\"period\":null");
	append_json_day(&out, "starts_on", c->starts_on, DATEVAL_NOBEGIN);
	append_json_day(&out, "ends_on", c->ends_on, NEVER);
	if (c->reward != 0)
		appendStringInfo(&out, ",\"reward\":" INT64_FORMAT "}", c->reward);
	else
		appendStringInfoString(&out, ",\"reward\":null}");
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

/* ---- how far a customer is ---- */

typedef struct ChallengeProgress
{
	DateADT reached_on; /* NEVER: not yet */
	int64	value;		/* of what counts on the day asked about, or at most the target */
	DateADT
		missing_by; /* the last day on which what is missing counts together with it; NEVER: none */
} ChallengeProgress;

static inline bool
counts(const Challenge *c, const PurchaseDay *entry)
{
	return entry->day >= c->starts_on && entry->day <= c->ends_on;
}

static int64
value_of(const Challenge *c, const PurchaseDay *entry)
{
	return c->metric == METRIC_SPEND	? entry->amount
		   : c->metric == METRIC_ORDERS ? entry->orders
										: entry->orders > 0;
}

/* The last of two days, one of which may be that of no end. */
static DateADT
earlier(DateADT a, DateADT b)
{
	return Min(a, b);
}

/* So much of a metric: entries come, and those that are too long ago go. */
static ChallengeProgress
progress_within(const Challenge *c, const PurchaseDay *entries, int n, DateADT as_of)
{
	ChallengeProgress p = {NEVER, 0, NEVER};
	int128			  value = 0;
	int				  first = 0;

	for (int i = 0; i <= n; i++)
	{
		DateADT day = i < n ? entries[i].day : as_of;

		for (; !span_is_zero(c->within) && first < i &&
			   day_plus_span(entries[first].day, c->within) <= day;
			 first++)
			value -= counts(c, &entries[first]) ? value_of(c, &entries[first]) : 0;
		if (i < n && counts(c, &entries[i]))
			value += value_of(c, &entries[i]);
		if (value < c->target || i == n)
			continue;
		p.reached_on = day;
		p.value = c->target;
		return p;
	}
	p.value = (int64) Min(Max(value, 0), c->target);
	while (first < n && (!counts(c, &entries[first]) || value_of(c, &entries[first]) <= 0))
		first++;
	if (first < n && !span_is_zero(c->within))
		p.missing_by = day_plus_span(entries[first].day, c->within);
	p.missing_by = p.missing_by == NEVER ? c->ends_on : earlier(p.missing_by - 1, c->ends_on);
	return p;
}

/* Purchases in periods in a row. */
static ChallengeProgress
progress_of_streak(const Challenge *c, const PurchaseDay *entries, int n, DateADT as_of)
{
	ChallengeProgress p = {NEVER, 0, NEVER};
	int32			  now = period_number(c->period, as_of);
	int32			  last = 0;
	int64			  streak = 0;

	for (int i = 0; i < n; i++)
	{
		int32 number;

		if (entries[i].orders == 0 || !counts(c, &entries[i]))
			continue;
		number = period_number(c->period, entries[i].day);
		if (streak > 0 && number == last)
			continue;
		streak = streak > 0 && number == last + 1 ? streak + 1 : 1;
		last = number;
		if (streak < c->target)
			continue;
		p.reached_on = entries[i].day;
		p.value = c->target;
		return p;
	}
	if (streak > 0 && last >= now - 1)
	{
		p.value = streak;
		p.missing_by = earlier(period_last_day(c->period, last + 1), c->ends_on);
	}
	return p;
}

/* (challenge, history, as_of): (reached_on, value, target, missing, missing_by, reward) */
PG_FUNCTION_INFO_V1(crm_challenge_progress);
Datum
crm_challenge_progress(PG_FUNCTION_ARGS)
{
	const Challenge		  *c = PG_GETARG_CHALLENGE(0);
	DateADT				   as_of = CheckFiniteDate(PG_GETARG_DATEADT(2), "as_of");
	const PurchaseHistory *h = PG_GETARG_PURCHASES_KNOWN(1, as_of);
	int					   n = purchase_history_count_until(h, as_of);
	bool				   streak = (c->flags & CHALLENGE_STREAK) != 0;
	int					   metric = streak ? METRIC_ORDERS : c->metric;
	ChallengeProgress	   p = streak ? progress_of_streak(c, h->entries, n, as_of)
									  : progress_within(c, h->entries, n, as_of);
	Datum				   values[6] = {0};
	bool				   nulls[6] = {false};
	bool				   over = p.reached_on != NEVER || as_of > c->ends_on;

	nulls[0] = p.reached_on == NEVER;
	values[0] = DateADTGetDatum(p.reached_on);
	values[1] = NumericGetDatum(tier_metric_to_numeric(metric, p.value));
	values[2] = NumericGetDatum(tier_metric_to_numeric(metric, c->target));
	values[3] = NumericGetDatum(tier_metric_to_numeric(metric, c->target - p.value));
	nulls[4] = over || p.missing_by == NEVER;
	values[4] = DateADTGetDatum(p.missing_by);
	nulls[5] = p.reached_on == NEVER || c->reward == 0;
	values[5] = Int64GetDatum(c->reward);
	return row_result(fcinfo, values, nulls);
}
