/*
 * tier_terms.c: the terms of a tier program: rules of several metrics, rollover,
 * status match, fee and benefits; their forms and their checks.
 *
 * Their text follows the program, for example
 * rollover up to 50 match 90 days {Gold: 600} fee 60.00 every 12 months renewal 50.00
 * benefits {"free shipping": Silver, lounge: Gold}; a benefit is of a tier and those above it.
 */
#include "crm.h"

#include "base/span_io.h"
#include "base/value.h"
#include "tiers/tier_program.h"
#include "utils/builtins.h"
#include "utils/json.h"

const TierTerms tier_plain_terms = {.scale = {AMOUNT_SCALE, ROUND_DOWN, 0, 0, {0}}};

/* The terms of a program, or plain ones, to change. */
void
tier_terms_start(TierTermsDraft *d, const TierProgram *p)
{
	memset(d, 0, sizeof(*d));
	d->terms = p == NULL ? tier_plain_terms : *tier_program_terms(p);
	if (p == NULL)
		return;
	memcpy(d->alternatives, tier_program_alternatives(p),
		   d->terms.nalternatives * sizeof(TierAlternative));
	memcpy(d->benefits, tier_program_benefits(p), d->terms.nbenefits * sizeof(TierBenefit));
}

/* The program with terms behind its tiers, if they say anything; p may be freed. */
TierProgram *
tier_program_with_terms(TierProgram *p, const TierTermsDraft *d)
{
	Size  size = TIER_PROGRAM_SIZE(p->ntiers);
	Size  alternatives = d->terms.nalternatives * sizeof(TierAlternative);
	Size  benefits = d->terms.nbenefits * sizeof(TierBenefit);
	char *end;

	SET_VARSIZE(p, size);
	p->flags &= ~TIER_PROGRAM_TERMS;
	if (memcmp(&d->terms, &tier_plain_terms, sizeof(TierTerms)) == 0)
		return p;
	p = repalloc(p, size + sizeof(TierTerms) + alternatives + benefits);
	end = (char *) p + size;
	memcpy(end, &d->terms, sizeof(TierTerms));
	memcpy(end + sizeof(TierTerms), d->alternatives, alternatives);
	memcpy(end + sizeof(TierTerms) + alternatives, d->benefits, benefits);
	SET_VARSIZE(p, size + sizeof(TierTerms) + alternatives + benefits);
	p->flags |= TIER_PROGRAM_TERMS;
	tier_lead_with_main_metric(p);
	return p;
}

/* One more rule of several metrics; they stand by rank, those to reach a tier first. */
void
tier_terms_add_alternative(TierTermsDraft *d, int rank, bool retain, const int64 *thresholds)
{
	TierAlternative added = {rank, retain, {0}};
	int				i = d->terms.nalternatives;

	if (i == TIER_ALTERNATIVES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("program has more than %d rules of several metrics", TIER_ALTERNATIVES_MAX),
				 errhint("Leave out rules that ask for more than another of the same tier.")));
	memcpy(added.thresholds, thresholds, sizeof(added.thresholds));
	for (;
		 i > 0 && (d->alternatives[i - 1].rank > rank ||
				   (d->alternatives[i - 1].rank == rank && d->alternatives[i - 1].retain > retain));
		 i--)
		d->alternatives[i] = d->alternatives[i - 1];
	d->alternatives[i] = added;
	d->terms.nalternatives++;
}

/* ---- checks ---- */

/* A rule of several metrics asks for something in each. */
static void
CheckAlternative(const TierProgram *p, const TierAlternative *a)
{
	const Tier *tier = &p->tiers[a->rank - 1];
	int			n = 0;

	for (int m = 0; m < TIER_METRICS; m++)
	{
		if (a->thresholds[m] == NO_THRESHOLD)
			continue;
		n++;
		if (a->thresholds[m] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s threshold of tier \"%s\" that is joined by \"and\" cannot be 0",
							tier_metric_name(m), tier->name),
					 errhint("Leave the metric out: it asks for nothing.")));
		if (a->thresholds[m] < 0 || a->thresholds[m] > AMOUNT_MAX)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("%s threshold of tier \"%s\" is out of range",
								   tier_metric_name(m), tier->name),
							errhint("Write a threshold that a customer can reach.")));
	}
	if (n < 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("rule of tier \"%s\" joins fewer than two metrics", tier->name),
						errhint("Write a rule of one metric without \"and\".")));
	if (a->retain && a->rank == tier_base_rank(p))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("tier \"%s\" cannot have a retain threshold", tier->name),
						errdetail("A tier with the threshold 0 is everybody's."),
						errhint("Leave it out: the tier is kept anyway.")));
}

/* What goes on goes from one period to the next. */
static void
CheckRollover(const TierProgram *p, int64 rollover)
{
	if (rollover < 0 || rollover > ROLLOVER_ALL)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("rollover is out of range"),
				 errhint("Write rollover, or rollover up to a threshold.")));
	if (rollover > 0 && !tier_window_is_periodic(p))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s window cannot roll over", tier_window_name(p)),
						errdetail("A surplus goes on from one period to the next."),
						errhint("Use a calendar or an anniversary window.")));
}

/* A match is for a time, and what proves it holds for another. */
static void
CheckProof(const TierProgram *p, const TierTerms *t)
{
	bool any = false;

	CheckSpan(t->proof_period, "proof_period");
	for (int i = 0; i < TIER_MAX; i++)
	{
		any = any || t->proof[i] != 0;
		if (t->proof[i] < 0 || t->proof[i] > AMOUNT_MAX || (i >= p->ntiers && t->proof[i] != 0))
			ereport(
				ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("proof of tier %d is out of range", i + 1),
				 errhint("Write what proves a match of a tier: \"match 90 days {Gold: 600}\".")));
	}
	if (any != !span_is_zero(t->proof_period))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a status match needs both its length and what proves it"),
				 errhint("Give proof_period and proof together: \"match 90 days {Gold: 600}\".")));
	if (any && p->window == WINDOW_LIFETIME && span_is_zero(p->validity))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("status match with a lifetime window needs a validity"),
			 errdetail("A tier that is proven is held for one period, and a lifetime has none."),
			 errhint("Add \"valid 12 months\", or write another window.")));
}

static void
CheckFee(const TierTerms *t)
{
	CheckSpan(t->fee_period, "fee_period");
	if (t->fee < 0 || t->fee > AMOUNT_MAX || t->renewal_fee < 0 || t->renewal_fee > AMOUNT_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("fee is out of range"),
						errhint("Write a fee above 0: \"fee 60 every 12 months\".")));
	if ((t->fee > 0) != !span_is_zero(t->fee_period))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a fee needs both its amount and how long it is for"),
						errhint("Give fee and fee_period together: \"fee 60 every 12 months\".")));
	if (t->renewal_fee > 0 && (t->fee == 0 || t->renewal_fee == t->fee))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("renewal fee goes with another fee"),
						errhint("Leave it out where it is the same.")));
}

static void
CheckBenefits(const TierProgram *p)
{
	const TierBenefit *b = tier_program_benefits(p);

	for (int i = 0; i < tier_program_terms(p)->nbenefits; i++)
		for (int j = 0; j < i; j++)
			if (strcmp(b[i].name, b[j].name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("benefit \"%s\" appears twice", b[i].name),
						 errhint("Name the lowest tier that has it; those above have it too.")));
}

/* What the terms of a program may be. */
void
CheckTierTerms(const TierProgram *p)
{
	const TierTerms *t = tier_program_terms(p);

	for (int i = 0; i < t->nalternatives; i++)
		CheckAlternative(p, &tier_program_alternatives(p)[i]);
	CheckRollover(p, t->rollover);
	CheckProof(p, t);
	CheckFee(t);
	CheckBenefits(p);
}

/* ---- text ---- */

/* Read "[up to <threshold>]" behind the word rollover. */
static int64
scan_rollover(Scanner *s, int metric)
{
	const Scanner start = *s;
	int64		  most;

	if (!scan_try_word(s, "up"))
		return ROLLOVER_ALL;
	scan_word(s, "to");
	most = scan_tier_threshold(s, metric);
	if (most <= 0)
		scan_error(&start, "a rollover above 0");
	return most;
}

/* The same as an argument: "all" or "up to 50". */
void
tier_rollover_from_text(const char *text, const TierProgram *p, TierTerms *t)
{
	Scanner s = scan_start("rollover", text);

	if (scan_try_word(&s, "all"))
		t->rollover = ROLLOVER_ALL;
	else
	{
		Scanner ahead = s;

		if (!scan_try_word(&ahead, "up"))
			scan_error(&s, "all, or up to a threshold");
		t->rollover = scan_rollover(&s, p->metric);
	}
	scan_end(&s);
}

/* Read "<length> {tier: threshold, ...}" behind the word match. */
static void
scan_proof(Scanner *s, const TierProgram *p, TierTerms *t)
{
	t->proof_period = scan_span(s);
	scan_char(s, '{');
	do
	{
		int			  rank = tier_rank_by_name(p, scan_label(s));
		const Scanner here = *s;

		scan_char(s, ':');
		if (t->proof[rank - 1] != 0)
			scan_error(&here, "each tier once");
		t->proof[rank - 1] = scan_tier_threshold(s, p->metric);
		if (t->proof[rank - 1] <= 0)
			scan_error(&here, "a proof above 0");
	} while (scan_try_char(s, ','));
	scan_char(s, '}');
}

/* Read "{benefit: tier, ...}". */
static void
scan_benefits(Scanner *s, const TierProgram *p, TierTermsDraft *d)
{
	scan_char(s, '{');
	do
	{
		Tier named;

		if (d->terms.nbenefits == TIER_BENEFITS_MAX)
			scan_error(s, "no more than 64 benefits");
		tier_set_name(&named, scan_label(s));
		memcpy(d->benefits[d->terms.nbenefits].name, named.name, TIER_NAME_SIZE);
		scan_char(s, ':');
		d->benefits[d->terms.nbenefits++].rank = tier_rank_by_name(p, scan_label(s));
	} while (scan_try_char(s, ','));
	scan_char(s, '}');
}

/* The same as an argument. */
void
tier_benefits_from_text(const char *text, const TierProgram *p, TierTermsDraft *d)
{
	Scanner s = scan_start("benefits", text);

	scan_benefits(&s, p, d);
	scan_end(&s);
}

/* Read what there is of the terms behind the program, whose tiers are known. */
void
scan_tier_terms(Scanner *s, const TierProgram *p, TierTermsDraft *d)
{
	TierTerms *t = &d->terms;

	if (scan_try_word(s, "rollover"))
		t->rollover = scan_rollover(s, p->metric);
	if (scan_try_word(s, "match"))
		scan_proof(s, p, t);
	if (scan_try_word(s, "fee"))
	{
		t->fee = scan_amount(s);
		scan_word(s, "every");
		t->fee_period = scan_span(s);
		if (scan_try_word(s, "renewal"))
		{
			const Scanner start = *s;

			t->renewal_fee = scan_amount(s);
			if (t->renewal_fee <= 0)
				scan_error(&start, "a renewal fee above 0");
		}
	}
	if (scan_try_word(s, "benefits"))
		scan_benefits(s, p, d);
}

static void
append_proof(StringInfo out, const TierProgram *p)
{
	const TierTerms *t = tier_program_terms(p);
	const char		*before = " {";

	appendStringInfoString(out, " match");
	append_span(out, t->proof_period);
	for (int i = 0; i < p->ntiers; i++)
		if (t->proof[i] != 0)
		{
			appendStringInfoString(out, before);
			append_label(out, p->tiers[i].name, NULL);
			appendStringInfoString(out, ": ");
			append_tier_threshold(out, p->metric, t->proof[i]);
			before = ", ";
		}
	appendStringInfoChar(out, '}');
}

static void
append_benefits(StringInfo out, const TierProgram *p)
{
	const TierBenefit *b = tier_program_benefits(p);

	for (int i = 0; i < tier_program_terms(p)->nbenefits; i++)
	{
		appendStringInfoString(out, i == 0 ? "{" : ", ");
		append_label(out, b[i].name, NULL);
		appendStringInfoString(out, ": ");
		append_label(out, p->tiers[b[i].rank - 1].name, NULL);
	}
	appendStringInfoChar(out, '}');
}

static void
append_rollover(StringInfo out, const TierProgram *p, const char *all)
{
	int64 rollover = tier_program_terms(p)->rollover;

	if (rollover == ROLLOVER_ALL)
	{
		appendStringInfoString(out, all);
		return;
	}
	appendStringInfoString(out, "up to ");
	append_tier_threshold(out, p->metric, rollover);
}

/* The terms of a program but its rules; each after a space. */
void
append_tier_terms(StringInfo out, const TierProgram *p)
{
	const TierTerms *t = tier_program_terms(p);

	if (t->rollover != 0)
	{
		appendStringInfoString(out, t->rollover == ROLLOVER_ALL ? " rollover" : " rollover ");
		append_rollover(out, p, "");
	}
	if (!span_is_zero(t->proof_period))
		append_proof(out, p);
	if (t->fee != 0)
	{
		appendStringInfo(out, " fee %s every", amount_to_text(t->fee));
		append_span(out, t->fee_period);
	}
	if (t->renewal_fee != 0)
		appendStringInfo(out, " renewal %s", amount_to_text(t->renewal_fee));
	if (t->nbenefits > 0)
	{
		appendStringInfoString(out, " benefits ");
		append_benefits(out, p);
	}
}

/* ---- jsonb ---- */

static void
append_json_span_of(StringInfo out, const char *key, Span span)
{
	StringInfoData text;

	initStringInfo(&text);
	append_span(&text, span);
	if (span_is_zero(span))
		appendStringInfo(out, ",\"%s\":null", key);
	else
		appendStringInfo(out, ",\"%s\":\"%s\"", key, text.data + 1);
}

static void
append_json_amount(StringInfo out, const char *key, int64 amount)
{
	appendStringInfo(out, ",\"%s\":%s", key, amount == 0 ? "null" : amount_to_text(amount));
}

/* The terms of a program but its rules as fields of an object, each after a comma. */
void
append_tier_terms_json(StringInfo out, const TierProgram *p)
{
	const TierTerms	  *t = tier_program_terms(p);
	const TierBenefit *b = tier_program_benefits(p);
	const char		  *before = "";

	appendStringInfoString(out, ",\"rollover\":");
	if (t->rollover == 0)
		appendStringInfoString(out, "null");
	else
	{
		appendStringInfoChar(out, '"');
		append_rollover(out, p, "all");
		appendStringInfoChar(out, '"');
	}
	append_json_span_of(out, "proof_period", t->proof_period);
	appendStringInfoString(out, ",\"proof\":{");
	for (int i = 0; i < p->ntiers; i++)
		if (t->proof[i] != 0)
		{
			appendStringInfoString(out, before);
			escape_json(out, p->tiers[i].name);
			appendStringInfoChar(out, ':');
			append_tier_threshold(out, p->metric, t->proof[i]);
			before = ",";
		}
	appendStringInfoChar(out, '}');
	append_json_amount(out, "fee", t->fee);
	append_json_span_of(out, "fee_period", t->fee_period);
	append_json_amount(out, "renewal_fee", t->renewal_fee);
	appendStringInfoString(out, ",\"benefits\":[");
	for (int i = 0; i < t->nbenefits; i++)
	{
		appendStringInfoString(out, i == 0 ? "{\"benefit\":" : ",{\"benefit\":");
		escape_json(out, b[i].name);
		appendStringInfoString(out, ",\"tier\":");
		escape_json(out, p->tiers[b[i].rank - 1].name);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/* ---- binary ---- */

static void
send_span(StringInfo out, Span span)
{
	pq_sendint32(out, span.months);
	pq_sendint32(out, span.days);
}

static Span
receive_span(StringInfo message)
{
	Span span;

	span.months = (int32) pq_getmsgint(message, 4);
	span.days = (int32) pq_getmsgint(message, 4);
	return span;
}

/*
 * Binary form: the scale of points; rollover, fee, renewal fee (int64); lengths of fee
 * and proof (int32 months and days); the proof of each tier (int64); number of rules of several
 * metrics (int32), of each rank, retain (int8) and a threshold by metric (int64); number
 * of benefits (int32), of each rank (int8) and name.
 */
void
send_tier_terms(StringInfo out, const TierProgram *p)
{
	const TierTerms *t = tier_program_terms(p);

	send_points_scale(out, &t->scale);
	pq_sendint64(out, t->rollover);
	pq_sendint64(out, t->fee);
	pq_sendint64(out, t->renewal_fee);
	send_span(out, t->fee_period);
	send_span(out, t->proof_period);
	for (int i = 0; i < p->ntiers; i++)
		pq_sendint64(out, t->proof[i]);
	pq_sendint32(out, t->nalternatives);
	for (int i = 0; i < t->nalternatives; i++)
	{
		const TierAlternative *a = &tier_program_alternatives(p)[i];

		pq_sendint8(out, a->rank);
		pq_sendint8(out, a->retain);
		for (int m = 0; m < TIER_METRICS; m++)
			pq_sendint64(out, a->thresholds[m]);
	}
	pq_sendint32(out, t->nbenefits);
	for (int i = 0; i < t->nbenefits; i++)
	{
		pq_sendint8(out, tier_program_benefits(p)[i].rank);
		pq_sendstring(out, tier_program_benefits(p)[i].name);
	}
}

static int32
receive_rank(StringInfo message, const TierProgram *p)
{
	int rank = pq_getmsgbyte(message);

	if (rank < 1 || rank > p->ntiers)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid rank %d in tier_program", rank)));
	return rank;
}

static int
receive_few(StringInfo message, const char *what, int most)
{
	int n = (int) pq_getmsgint(message, 4);

	if (n < 0 || n > most)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid number of %s %d in tier_program", what, n)));
	return n;
}

static void
receive_alternatives(StringInfo message, const TierProgram *p, TierTermsDraft *d)
{
	int n = receive_few(message, "rules", TIER_ALTERNATIVES_MAX);

	for (int i = 0; i < n; i++)
	{
		int	  rank = receive_rank(message, p);
		int	  retain = receive_choice(message, "tier_program", "retain", 1);
		int64 thresholds[TIER_METRICS];

		for (int m = 0; m < TIER_METRICS; m++)
		{
			thresholds[m] = pq_getmsgint64(message);
			if (thresholds[m] < NO_THRESHOLD)
				ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
								errmsg("negative threshold in tier_program")));
		}
		if (i > 0 &&
			(d->alternatives[i - 1].rank > rank ||
			 (d->alternatives[i - 1].rank == rank && d->alternatives[i - 1].retain > retain)))
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("rules of tier_program are not in order")));
		tier_terms_add_alternative(d, rank, retain, thresholds);
	}
}

/* The terms, which are there to say something. */
TierProgram *
receive_tier_terms(StringInfo message, TierProgram *p)
{
	TierTermsDraft d;
	TierTerms	  *t = &d.terms;

	tier_terms_start(&d, NULL);
	t->scale = receive_points_scale(message);
	t->rollover = pq_getmsgint64(message);
	t->fee = pq_getmsgint64(message);
	t->renewal_fee = pq_getmsgint64(message);
	t->fee_period = receive_span(message);
	t->proof_period = receive_span(message);
	for (int i = 0; i < p->ntiers; i++)
		t->proof[i] = pq_getmsgint64(message);
	receive_alternatives(message, p, &d);
	t->nbenefits = receive_few(message, "benefits", TIER_BENEFITS_MAX);
	for (int i = 0; i < t->nbenefits; i++)
	{
		Tier named;

		d.benefits[i].rank = receive_rank(message, p);
		tier_set_name(&named, pq_getmsgstring(message));
		memcpy(d.benefits[i].name, named.name, TIER_NAME_SIZE);
	}
	p = tier_program_with_terms(p, &d);
	if ((p->flags & TIER_PROGRAM_TERMS) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("tier_program has terms that say nothing")));
	return p;
}
