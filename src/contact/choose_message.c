/*
 * choose_message.c: of the messages that several departments want to send to one
 * customer, the one that may go now.
 *
 * Candidates are asked in the order of their priority, highest first, then as they
 * stand. The first that is allowed goes; the others are judged as if it had been
 * sent, so that they wait for it as for any contact.
 */
#include "crm.h"

#include <math.h>

#include "access/htup_details.h"
#include "base/rows.h"
#include "contact/contact_question.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

typedef struct Candidate
{
	text  *name;
	char   channel[CHANNEL_SIZE];
	char   purpose[PURPOSE_SIZE];
	double priority;
	int	   place; /* among those given */
} Candidate;

/* Candidates in the order in which they are asked; what they were read from tells whether others are given. */
typedef struct Candidates
{
	MemoryContext memory;
	ArrayType	 *from;
	int			  n;
	Candidate	 *of;
	ZoneCache	  zone;
} Candidates;

static int
compare_candidates(const void *a, const void *b)
{
	const Candidate *x = a;
	const Candidate *y = b;

	return x->priority != y->priority ? CRM_COMPARE(y->priority, x->priority)
									  : CRM_COMPARE(x->place, y->place);
}

/* A text of a candidate, which it must have. */
static text *
candidate_text(HeapTupleHeader row, const char *name)
{
	bool  isnull;
	Datum value = GetAttributeByName(row, name, &isnull);

	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s of a message cannot be null", name)));
	return DatumGetTextPP(value);
}

static Candidate
read_candidate(HeapTupleHeader row, int place)
{
	Candidate c = {.place = place};
	bool	  isnull;
	text	 *channel = candidate_text(row, "channel");
	text	 *purpose = candidate_text(row, "purpose");
	Datum	  priority = GetAttributeByName(row, "priority", &isnull);

	c.name = candidate_text(row, "name");
	channel_set(c.channel, VARDATA_ANY(channel), VARSIZE_ANY_EXHDR(channel));
	purpose_set(c.purpose, VARDATA_ANY(purpose), VARSIZE_ANY_EXHDR(purpose));
	c.priority = isnull ? 0 : DatumGetFloat8(priority);
	if (isnan(c.priority))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("priority of a message must be a number, not NaN")));
	return c;
}

/* Read the candidates of an array, in the memory that keeps them; their names stand in a copy of it there. */
static void
read_candidates(Candidates *all, const ArrayType *given)
{
	ArrayType *array;
	int16	   len;
	bool	   by_value;
	char	   align;
	Datum	  *elements;
	bool	  *nulls;

	MemoryContextReset(all->memory);
	all->from = NULL;
	array = palloc(VARSIZE(given));
	memcpy(array, given, VARSIZE(given));
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &len, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), len, by_value, align, &elements, &nulls, &all->n);
	all->of = palloc(sizeof(Candidate) * Max(all->n, 1));
	for (int i = 0; i < all->n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a message cannot be null")));
		all->of[i] = read_candidate(DatumGetHeapTupleHeader(elements[i]), i);
	}
	qsort(all->of, all->n, sizeof(Candidate), compare_candidates);
	all->from = array;
}

/* The candidates of an argument: most rows ask about the same. */
static Candidates *
candidates_of(FunctionCallInfo fcinfo, int arg)
{
	Candidates	 *all = fcinfo->flinfo->fn_extra;
	ArrayType	 *array = PG_GETARG_ARRAYTYPE_P(arg);
	MemoryContext before;

	if (all == NULL)
	{
		all = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Candidates));
		all->memory =
			AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "crm candidates", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = all;
	}
	if (all->from != NULL && VARSIZE(all->from) == VARSIZE(array) &&
		memcmp(all->from, array, VARSIZE(array)) == 0)
		return all;
	before = MemoryContextSwitchTo(all->memory);
	read_candidates(all, array);
	MemoryContextSwitchTo(before);
	return all;
}

static void
CheckGiven(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s cannot be null", name)));
}

/* policy, consents, interactions, as_of, candidates, time_zone: what all candidates share; returns as_of. */
static TimestampTz
read_shared(FunctionCallInfo fcinfo, Question *q, ZoneCache *zone)
{
	TimestampTz as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(3), "as_of");

	memset(q, 0, sizeof(Question));
	q->policy = PG_GETARG_CONTACT_POLICY(0);
	q->consents = PG_ARGISNULL(1) ? NULL : PG_GETARG_CONSENTS(1);
	q->interactions = PG_ARGISNULL(2) ? NULL : PG_GETARG_INTERACTION_HISTORY(2);
	q->clock = clock_of(zone, PG_GETARG_TEXT_PP(5), as_of);
	if (q->interactions != NULL)
		q->nentries = interaction_history_count_until(q->interactions, as_of);
	return as_of;
}

static void
CheckAllGiven(FunctionCallInfo fcinfo)
{
	CheckGiven(fcinfo, 0, "policy");
	CheckGiven(fcinfo, 3, "as_of");
	CheckGiven(fcinfo, 4, "candidates");
	CheckGiven(fcinfo, 5, "time_zone");
}

/* The first candidate that is allowed, or -1. */
static int
choose(Question *q, TimestampTz as_of, const Candidates *all)
{
	for (int i = 0; i < all->n; i++)
	{
		question_set(q, all->of[i].channel, all->of[i].purpose);
		if (refusal_at(q, as_of, false).objection == OBJECTION_NONE)
			return i;
	}
	return -1;
}

/* The name of the message that may go; NULL if none may. */
PG_FUNCTION_INFO_V1(crm_choose_message);
Datum
crm_choose_message(PG_FUNCTION_ARGS)
{
	Candidates *all;
	Question	q;
	TimestampTz as_of;
	int			chosen;

	CheckAllGiven(fcinfo);
	all = candidates_of(fcinfo, 4);
	as_of = read_shared(fcinfo, &q, &all->zone);
	chosen = choose(&q, as_of, all);
	if (chosen < 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(VARDATA_ANY(all->of[chosen].name),
											  VARSIZE_ANY_EXHDR(all->of[chosen].name)));
}

/* Interactions with the message that was chosen, sent at as_of, behind those that count. */
static InteractionHistory *
with_sent(const Question *q, TimestampTz as_of, const Candidate *chosen)
{
	InteractionHistory *h = interaction_history_create(q->nentries + 1);
	Interaction		   *sent = &h->entries[q->nentries];

	if (q->nentries > 0)
		memcpy(h->entries, q->interactions->entries, sizeof(Interaction) * q->nentries);
	memset(sent, 0, sizeof(Interaction));
	sent->at = as_of;
	sent->word = (uint64) KIND_MESSAGE << 60 | (uint64) DIRECTION_OUTBOUND << 59;
	memcpy(sent->channel, chosen->channel, CHANNEL_SIZE);
	h->nentries = q->nentries + 1;
	return h;
}

/* What message_verdicts keeps between rows. */
typedef struct MessageRows
{
	Candidates	all;
	Question	q;
	TimestampTz as_of;
	int			chosen;
} MessageRows;

/* The verdict on one candidate as a row: name, chosen, reason, earliest. */
static Datum
message_row(FuncCallContext *rows, MessageRows *state, int i)
{
	const Candidate *c = &state->all.of[i];
	Refusal			 refusal;
	TimestampTz		 earliest = state->as_of;
	Datum			 values[4] = {0};
	bool			 nulls[4] = {false};

	question_set(&state->q, c->channel, c->purpose);
	refusal = refusal_at(&state->q, state->as_of, true);
	values[0] = PointerGetDatum(c->name);
	values[1] = BoolGetDatum(i == state->chosen);
	nulls[2] = i == state->chosen;
	if (i != state->chosen)
	{
		bool may = refusal.objection == OBJECTION_NONE;

		values[2] = may ? CStringGetTextDatum(psprintf(
							  "after %s", text_to_cstring(state->all.of[state->chosen].name)))
						: CStringGetTextDatum(refusal_text(&state->q, &refusal));
		earliest = may ? state->as_of : earliest_allowed(&state->q, refusal);
	}
	values[3] = TimestampTzGetDatum(earliest);
	nulls[3] = earliest == DT_NOEND;
	return rows_make(rows, values, nulls);
}

/* A row a candidate, as they are asked. */
PG_FUNCTION_INFO_V1(crm_message_verdicts);
Datum
crm_message_verdicts(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	MessageRows		*state;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext before;
		ArrayType	 *candidates;

		CheckAllGiven(fcinfo);
		candidates = PG_GETARG_ARRAYTYPE_P(4);
		rows = rows_start(fcinfo, sizeof(MessageRows));
		state = rows->user_fctx;
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		state->all.memory = AllocSetContextCreate(rows->multi_call_memory_ctx, "crm candidates",
												  ALLOCSET_SMALL_SIZES);
		MemoryContextSwitchTo(state->all.memory);
		read_candidates(&state->all, candidates);
		MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		state->as_of = read_shared(fcinfo, &state->q, &state->all.zone);
		state->q.policy = rows_copy_varlena(rows, state->q.policy);
		if (state->q.consents != NULL)
			state->q.consents = rows_copy_varlena(rows, state->q.consents);
		state->chosen = choose(&state->q, state->as_of, &state->all);
		if (state->chosen >= 0)
		{
			state->q.interactions =
				with_sent(&state->q, state->as_of, &state->all.of[state->chosen]);
			state->q.nentries++;
		}
		else if (state->q.interactions != NULL)
			state->q.interactions = rows_copy_varlena(rows, state->q.interactions);
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	if (rows->call_cntr < (uint64) state->all.n)
		return rows_next(fcinfo, rows, message_row(rows, state, (int) rows->call_cntr));
	SRF_RETURN_DONE(rows);
}
