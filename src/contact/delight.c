/*
 * delight.c: whether today is the day of a surprise: a lottery that anybody can draw
 * again.
 *
 * A day's draw is the number that holdout makes of the key and the salt with a space
 * and the day behind it, below share; who is held out is so by the salt alone, for
 * ever, so that what delights bring can be told from what would have come anyway.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "base/shares.h"
#include "base/decimal.h"
#include "base/amount.h"
#include "base/calendar.h"
#include "base/rows.h"
#include "common/int.h"
#include "contact/holdout.h"
#include "executor/executor.h"
#include "relationship/deeds.h"
#include "utils/builtins.h"

#define BUDGET_DAYS 365

/* A policy as it is given; what is NULL limits nothing. */
typedef struct DelightPolicy
{
	double	  share;   /* of the customers, drawn on a day */
	Interval *pause;   /* NULL: none */
	bool	  limited; /* whether there is a budget */
	int64	  budget;  /* for one customer in 365 days, in 1/10000 of the currency unit */
	int64	  cost;	   /* of one delight */
	double	  holdout; /* share who are never drawn */
} DelightPolicy;

/* A share of the policy; what is not given is 0. */
static double
policy_share(HeapTupleHeader row, const char *name)
{
	bool  isnull;
	Datum value = GetAttributeByName(row, name, &isnull);

	return CheckShare(isnull ? 0 : DatumGetFloat8(value), name);
}

/* An amount of the policy, not negative; false if it is not given. */
static bool
policy_amount(HeapTupleHeader row, const char *name, int64 *amount)
{
	bool  isnull;
	Datum value = GetAttributeByName(row, name, &isnull);

	*amount = isnull ? 0 : amount_from_numeric(DatumGetNumeric(value));
	if (*amount < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s of a delight policy cannot be negative", name)));
	return !isnull;
}

static DelightPolicy
read_policy(HeapTupleHeader row)
{
	DelightPolicy policy = {0};
	bool		  no_pause;
	Datum		  pause = GetAttributeByName(row, "pause", &no_pause);

	policy.share = policy_share(row, "share");
	policy.holdout = policy_share(row, "holdout");
	policy.limited = policy_amount(row, "budget", &policy.budget);
	policy_amount(row, "cost", &policy.cost);
	if (!no_pause)
	{
		policy.pause = DatumGetIntervalP(pause);
		interval_microseconds(policy.pause, "pause");
	}
	return policy;
}

/* The last delight by an instant, or NULL; what the delights of the days before it cost. */
static const Deed *
delights_until(const Deeds *d, TimestampTz as_of, int128 *cost)
{
	const Deed *last = NULL;

	*cost = 0;
	for (int i = 0, n = d == NULL ? 0 : deeds_until(d, as_of); i < n; i++)
	{
		if (d->deeds[i].kind != DEED_DELIGHT)
			continue;
		last = &d->deeds[i];
		if (last->made_at > as_of - BUDGET_DAYS * USECS_PER_DAY)
			*cost += last->cost;
	}
	return last;
}

/* When the pause after a delight is over, on the calendar of a zone. */
static TimestampTz
pause_end(const Deed *last, const Interval *pause, pg_tz *zone)
{
	LocalClock	clock = {0};
	TimestampTz end;

	clock_set(&clock, zone, last->made_at);
	end = local_plus(last->made_at, pause->month, pause->day, &clock);
	return end == DT_NOEND || pg_add_s64_overflow(end, pause->time, &end) ? DT_NOEND : end;
}

/* Why the customer is not surprised at an instant, though drawn; NULL if he is. */
static char *
objection(const DelightPolicy *policy, const Deeds *d, TimestampTz as_of, pg_tz *zone)
{
	int128		cost;
	const Deed *last = delights_until(d, as_of, &cost);

	if (policy->pause != NULL && last != NULL)
	{
		TimestampTz end = pause_end(last, policy->pause, zone);

		if (as_of < end)
			return end == DT_NOEND ? "pause" : psprintf("pause until %s", instant_to_text(end));
	}
	if (policy->limited && cost + policy->cost > policy->budget)
		return psprintf("budget: %s given in %d days",
						amount_to_text((int64) Min(cost, AMOUNT_MAX)), BUDGET_DAYS);
	return NULL;
}

static void
CheckGiven(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s cannot be null", name)));
}

/* (policy, deeds, as_of, key, salt, time_zone) -> due, reason, draw. */
PG_FUNCTION_INFO_V1(crm_delight_due);
Datum
crm_delight_due(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"policy", "deeds", "as_of", "key", "salt", "time_zone"};
	DelightPolicy			 policy;
	const Deeds				*d = PG_ARGISNULL(1) ? NULL : PG_GETARG_DEEDS(1);
	TimestampTz				 as_of;
	pg_tz					*zone;
	text					*key;
	text					*salt;
	char					*day_salt;
	double					 draw;
	char					*reason = NULL;
	Datum					 values[3];
	bool					 nulls[3] = {false};

	for (int i = 0; i < 6; i++)
		if (i != 1)
			CheckGiven(fcinfo, i, names[i]);
	policy = read_policy(PG_GETARG_HEAPTUPLEHEADER(0));
	as_of = CheckInstant(PG_GETARG_TIMESTAMPTZ(2), "as_of");
	key = PG_GETARG_TEXT_PP(3);
	salt = PG_GETARG_TEXT_PP(4);
	zone = time_zone_named(PG_GETARG_TEXT_PP(5));
	day_salt = psprintf("%s %s", text_to_cstring(salt), date_to_text(local_day(as_of, zone)));
	draw =
		stable_fraction(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), day_salt, (int) strlen(day_salt));
	if (stable_fraction(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), VARDATA_ANY(salt),
						VARSIZE_ANY_EXHDR(salt)) < policy.holdout)
		reason = "held out";
	else if (draw >= policy.share)
		reason = "not drawn";
	else
		reason = objection(&policy, d, as_of, zone);
	values[0] = BoolGetDatum(reason == NULL);
	values[1] = CStringGetTextDatum(reason == NULL ? "drawn" : reason);
	values[2] = Float8GetDatum(draw);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
