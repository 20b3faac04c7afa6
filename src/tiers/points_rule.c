/*
 * points_rule.c: the type points_rule: its forms and its checks.
 *
 * The text form is, for example
 * rate 1 per_order 5 bonus 100 every 10 expires 12 months rates {1, 1.5} program {Bronze: spend 0, Silver: spend 500}
 * rolling 12 months: the rates stand in the order of the program's tiers.
 */
#include "crm.h"

#include "base/value.h"
#include "libpq/pqformat.h"
#include "tiers/points_rule.h"
#include "base/span_io.h"
#include "utils/builtins.h"

StaticAssertDecl(offsetof(PointsRule, program) % MAXIMUM_ALIGNOF == 0,
				 "the program inside a points rule must be aligned");

/* A rule around a program, or without one, and with its terms, if they say anything; all other bytes zero. */
PointsRule *
points_rule_create(const TierProgram *p, const PointsTerms *terms)
{
	Size		end = offsetof(PointsRule, program) + (p == NULL ? 0 : VARSIZE(p));
	Size		size = end + (points_terms_are_plain(terms) ? 0 : sizeof(PointsTerms));
	PointsRule *r = palloc0(size);

	SET_VARSIZE(r, size);
	r->version = POINTS_RULE_VERSION;
	if (p != NULL)
		memcpy(r->program, p, VARSIZE(p));
	if (size > end)
	{
		memcpy((char *) r + end, terms, sizeof(PointsTerms));
		r->flags = POINTS_RULE_TERMS;
	}
	return r;
}

/* ---- checks ---- */

/* A program that counts points counts those of this rule. */
static void
CheckSameEarning(const PointsRule *r)
{
	const TierProgram *p = points_rule_program(r);

	const PointsScale *scale = &points_rule_terms(r)->scale;

	if (p == NULL || !tier_program_uses(p, METRIC_POINTS))
		return;
	if (scale->per_purchase)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("program counts points by day, the rule by purchase"),
						errhint("Round both by day, or let the program count another metric.")));
	if (memcmp(&p->earning, &r->earning, sizeof(PointsEarning)) != 0 ||
		tier_program_terms(p)->scale.per != scale->per ||
		tier_program_terms(p)->scale.rounding != scale->rounding)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("program counts other points than the rule earns"),
				 errhint("Give both the same rate, rounding, points per purchase and bonus.")));
}

static void
CheckTierRates(const PointsRule *r)
{
	const TierProgram *p = points_rule_program(r);

	for (int i = 0; p != NULL && i < p->ntiers; i++)
		if (r->tier_rates[i] < 0 || r->tier_rates[i] > POINTS_RATE_MAX)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("rate of tier \"%s\" is out of range", p->tiers[i].name),
							errdetail("A rate is a number from 0 to 1000000."),
							errhint("Give a smaller rate or multiplier.")));
}

static bool
earns_by_tier(const PointsRule *r)
{
	for (int i = 0; i < TIER_MAX; i++)
		if (r->tier_rates[i] != 0)
			return true;
	return false;
}

/* Plain points are multiplied, so there must be some. */
static void
CheckParts(const PointsRule *r)
{
	const PointsScale *scale = &points_rule_terms(r)->scale;

	if ((scale->in_parts || scale->per_purchase) && r->earning.rate == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("rounding %s needs a plain rate above 0",
							   scale->in_parts ? "in parts" : "per purchase"),
						errdetail("Tiers multiply the whole points that the plain rate gives."),
						errhint("Give the rate of customers without a tier, or round by day.")));
}

/* Every rule of a rule, in the order in which a user would look for the mistake. */
void
CheckPointsRule(const PointsRule *r)
{
	CheckPointsEarning(&r->earning);
	CheckSpan(r->expiry, "expiry");
	CheckPointsTerms(points_rule_terms(r), r->expiry, points_rule_program(r));
	CheckParts(r);
	CheckTierRates(r);
	CheckSameEarning(r);
	if (points_earning_is_none(&r->earning) && !earns_by_tier(r))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("points rule earns no points"),
				 errhint("Give a rate, purchase_points, or bonus_points and bonus_every.")));
}

/* ---- text ---- */

/* Read "{rate, ...}", one for each tier. */
static int
scan_tier_rates(Scanner *s, int64 *rates)
{
	int n = 0;

	scan_char(s, '{');
	do
	{
		if (n == TIER_MAX)
			scan_error(s, "no more than 32 rates");
		rates[n++] = scan_points_rate(s, "rate");
	} while (scan_try_char(s, ','));
	scan_char(s, '}');
	return n;
}

void
CheckRateCount(const TierProgram *p, int nrates, const char *name)
{
	if (nrates != p->ntiers)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of %s (%d) differs from number of tiers (%d)", name, nrates,
							   p->ntiers),
						errhint("Give one for each tier.")));
}

PG_FUNCTION_INFO_V1(crm_points_rule_in);
Datum
crm_points_rule_in(PG_FUNCTION_ARGS)
{
	Scanner		  s = scan_start("points_rule", PG_GETARG_CSTRING(0));
	PointsTerms	  terms = points_plain_terms;
	PointsEarning earning = scan_points_earning(&s, &terms.scale);
	Span		  expiry = {0, 0};
	TierProgram	 *program = NULL;
	int64		  rates[TIER_MAX] = {0};
	PointsRule	 *r;

	if (scan_try_word(&s, "pending"))
		terms.pending = scan_span(&s);
	if (scan_try_word(&s, "expires"))
		scan_points_expiry(&s, &terms, &expiry);
	scan_points_terms(&s, &terms);
	if (scan_try_word(&s, "rates"))
	{
		int nrates = scan_tier_rates(&s, rates);
		int nexpiries = scan_try_word(&s, "expiries") ? scan_tier_expiry(&s, &terms) : -1;

		if (scan_try_word(&s, "reaching"))
			terms.reaching = (uint8) scan_points_reaching(&s);
		scan_word(&s, "program");
		program = tier_program_scan(&s);
		CheckRateCount(program, nrates, "rates");
		if (nexpiries >= 0)
			CheckRateCount(program, nexpiries, "expiries");
	}
	scan_end(&s);

	r = points_rule_create(program, &terms);
	r->earning = earning;
	r->expiry = expiry;
	memcpy(r->tier_rates, rates, sizeof(rates));
	CheckPointsRule(r);
	PG_RETURN_POINTS_RULE(r);
}

PG_FUNCTION_INFO_V1(crm_points_rule_out);
Datum
crm_points_rule_out(PG_FUNCTION_ARGS)
{
	PointsRule		  *r = PG_GETARG_POINTS_RULE(0);
	const TierProgram *p = points_rule_program(r);
	StringInfoData	   earning;
	StringInfoData	   out;

	initStringInfo(&earning);
	append_points_earning(&earning, &r->earning, &points_rule_terms(r)->scale);
	initStringInfo(&out);
	appendStringInfoString(&out, earning.data + 1);
	append_points_terms(&out, points_rule_terms(r), r->expiry);
	if (p != NULL)
	{
		for (int i = 0; i < p->ntiers; i++)
			appendStringInfo(&out, "%s%s", i == 0 ? " rates {" : ", ",
							 points_rate_to_text(r->tier_rates[i]));
		appendStringInfoChar(&out, '}');
		append_tier_expiry(&out, points_rule_terms(r), r->expiry, p->ntiers);
		if (points_rule_terms(r)->reaching != REACHING_OLD)
			appendStringInfo(&out, " reaching %s",
							 points_reaching_name(points_rule_terms(r)->reaching));
		appendStringInfoString(&out, " program ");
		tier_program_append(&out, p);
	}
	PG_RETURN_CSTRING(out.data);
}

/* ---- binary ---- */

/*
 * Binary form: version, flags (int16), earning (4 x int64), expiry (int32 months and
 * days), whether there is a program (int8); then the program and a rate (int64) for
 * each of its tiers; then the terms, if flags say so.
 */
PG_FUNCTION_INFO_V1(crm_points_rule_send);
Datum
crm_points_rule_send(PG_FUNCTION_ARGS)
{
	PointsRule		  *r = PG_GETARG_POINTS_RULE(0);
	const TierProgram *p = points_rule_program(r);
	StringInfoData	   out;

	pq_begintypsend(&out);
	pq_sendint16(&out, r->version);
	pq_sendint16(&out, r->flags);
	send_points_earning(&out, &r->earning);
	pq_sendint32(&out, r->expiry.months);
	pq_sendint32(&out, r->expiry.days);
	pq_sendint8(&out, p != NULL);
	if (p != NULL)
	{
		tier_program_send_to(&out, p);
		for (int i = 0; i < p->ntiers; i++)
			pq_sendint64(&out, r->tier_rates[i]);
	}
	if (r->flags & POINTS_RULE_TERMS)
		send_points_terms(&out, points_rule_terms(r), p == NULL ? 0 : p->ntiers);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_points_rule_recv);
Datum
crm_points_rule_recv(PG_FUNCTION_ARGS)
{
	StringInfo	  message = (StringInfo) PG_GETARG_POINTER(0);
	PointsEarning earning;
	Span		  expiry;
	int			  flags;
	int			  has_program;
	TierProgram	 *program = NULL;
	int64		  rates[TIER_MAX] = {0};
	PointsTerms	  terms = points_plain_terms;
	PointsRule	 *r;

	flags = receive_header(message, "points_rule", 2, POINTS_RULE_VERSION, POINTS_RULE_TERMS);
	earning = receive_points_earning(message);
	expiry.months = (int32) pq_getmsgint(message, 4);
	expiry.days = (int32) pq_getmsgint(message, 4);
	has_program = pq_getmsgbyte(message);
	if (has_program > 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid program mark %d in points_rule", has_program)));
	if (has_program)
		program = tier_program_receive(message);
	for (int i = 0; has_program && i < program->ntiers; i++)
		rates[i] = pq_getmsgint64(message);
	if (flags & POINTS_RULE_TERMS)
		terms = receive_points_terms(message, has_program ? program->ntiers : 0);
	r = points_rule_create(program, &terms);
	r->earning = earning;
	r->expiry = expiry;
	memcpy(r->tier_rates, rates, sizeof(rates));
	CheckPointsRule(r);
	PG_RETURN_POINTS_RULE(r);
}

/* ---- jsonb ---- */

PG_FUNCTION_INFO_V1(crm_points_rule_to_jsonb);
Datum
crm_points_rule_to_jsonb(PG_FUNCTION_ARGS)
{
	PointsRule		  *r = PG_GETARG_POINTS_RULE(0);
	const TierProgram *p = points_rule_program(r);
	StringInfoData	   json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	append_points_earning_json(&json, &r->earning, &points_rule_terms(r)->scale);
	append_json_span(&json, "expiry", r->expiry);
	append_points_terms_json(&json, points_rule_terms(r), p == NULL ? 0 : p->ntiers);
	appendStringInfoString(&json, ",\"tier_rates\":");
	for (int i = 0; p != NULL && i < p->ntiers; i++)
		appendStringInfo(&json, "%s%s", i == 0 ? "[" : ",", points_rate_to_text(r->tier_rates[i]));
	appendStringInfoString(&json, p == NULL ? "null,\"program\":null}" : "],\"program\":");
	if (p != NULL)
	{
		tier_program_append_json(&json, p);
		appendStringInfoChar(&json, '}');
	}
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

VALUE_FUNCTIONS(points_rule, value_bytes_order, value_bytes);
