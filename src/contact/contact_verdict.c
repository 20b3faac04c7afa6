/*
 * contact_verdict.c: the verdict on one contact: whether it is allowed, why not, and
 * when it would be.
 */
#include "crm.h"

#include "base/rows.h"
#include "contact/contact_question.h"
#include "utils/builtins.h"

/* What a call site keeps from row to row. */
typedef struct VerdictCache
{
	TupleDesc row; /* of contact_verdict */
	ZoneCache zone;
} VerdictCache;

/* An argument without which nothing can be said. */
static void
CheckGiven(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s cannot be null", name)));
}

/* What the call site keeps, made at its first call. */
static VerdictCache *
verdict_cache(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra =
			MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(VerdictCache));
	return fcinfo->flinfo->fn_extra;
}

/* Where the instant asked about stands among the arguments, and channel and purpose behind each other. */
typedef struct Places
{
	int as_of;
	int channel;
} Places;

static const Places places = {3, 4};
static const Places places_before_0_3 = {5, 3};

/* policy, consents, interactions, as_of, channel, purpose, time_zone; returns as_of. */
static TimestampTz
read_question(FunctionCallInfo fcinfo, Places at, Question *q)
{
	text	   *channel;
	text	   *purpose;
	TimestampTz as_of;
	char		channel_name[CHANNEL_SIZE];
	char		purpose_name[PURPOSE_SIZE];

	CheckGiven(fcinfo, 0, "policy");
	CheckGiven(fcinfo, at.as_of, "as_of");
	CheckGiven(fcinfo, at.channel, "channel");
	CheckGiven(fcinfo, at.channel + 1, "purpose");
	CheckGiven(fcinfo, 6, "time_zone");

	memset(q, 0, sizeof(Question));
	q->policy = PG_GETARG_CONTACT_POLICY(0);
	q->consents = PG_ARGISNULL(1) ? NULL : PG_GETARG_CONSENTS(1);
	q->interactions = PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERACTION_HISTORY(2);
	channel = PG_GETARG_TEXT_PP(at.channel);
	purpose = PG_GETARG_TEXT_PP(at.channel + 1);
	channel_set(channel_name, VARDATA_ANY(channel), VARSIZE_ANY_EXHDR(channel));
	purpose_set(purpose_name, VARDATA_ANY(purpose), VARSIZE_ANY_EXHDR(purpose));
	as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(at.as_of), "as_of");
	q->clock = clock_of(&verdict_cache(fcinfo)->zone, PG_GETARG_TEXT_PP(6), as_of);
	if (q->interactions != NULL)
		q->nentries = interaction_history_count_until(q->interactions, as_of);
	question_set(q, channel_name, purpose_name);
	return as_of;
}

static Datum
verdict_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	VerdictCache *cache = verdict_cache(fcinfo);

	if (cache->row == NULL)
		cache->row = row_type(fcinfo);
	return HeapTupleGetDatum(heap_form_tuple(cache->row, values, nulls));
}

/*
 * (allowed, reason, earliest): whether the contact is allowed at the instant;
 * if not, the first reason why not, and the first instant when it would be if
 * nothing else happened, NULL if never.
 */
static Datum
contact_verdict(FunctionCallInfo fcinfo, Places at)
{
	Question	q;
	TimestampTz as_of = read_question(fcinfo, at, &q);
	Refusal		refusal = refusal_at(&q, as_of, true);
	TimestampTz earliest = as_of;
	Datum		values[3] = {0};
	bool		nulls[3] = {false};

	values[0] = BoolGetDatum(refusal.objection == OBJECTION_NONE);
	nulls[1] = refusal.objection == OBJECTION_NONE;
	if (refusal.objection != OBJECTION_NONE)
	{
		values[1] = CStringGetTextDatum(refusal_text(&q, &refusal));
		earliest = earliest_allowed(&q, refusal);
	}
	values[2] = TimestampTzGetDatum(earliest);
	nulls[2] = earliest == DT_NOEND;
	return verdict_row(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(crm_contact_verdict_as_of);
Datum
crm_contact_verdict_as_of(PG_FUNCTION_ARGS)
{
	return contact_verdict(fcinfo, places);
}

PG_FUNCTION_INFO_V1(crm_contact_verdict);
Datum
crm_contact_verdict(PG_FUNCTION_ARGS)
{
	return contact_verdict(fcinfo, places_before_0_3);
}

/* Whether the contact is allowed, as contact_verdict says it. */
static Datum
contact_allowed(FunctionCallInfo fcinfo, Places at)
{
	Question	q;
	TimestampTz as_of = read_question(fcinfo, at, &q);

	return BoolGetDatum(refusal_at(&q, as_of, false).objection == OBJECTION_NONE);
}

PG_FUNCTION_INFO_V1(crm_contact_allowed_as_of);
Datum
crm_contact_allowed_as_of(PG_FUNCTION_ARGS)
{
	return contact_allowed(fcinfo, places);
}

PG_FUNCTION_INFO_V1(crm_contact_allowed);
Datum
crm_contact_allowed(PG_FUNCTION_ARGS)
{
	return contact_allowed(fcinfo, places_before_0_3);
}
