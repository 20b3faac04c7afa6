/*
 * interaction_history_ask.c: the plain questions an interaction_history
 * answers, its cuts and its entries as rows.
 */
#include "crm.h"

#include "relationship/interaction_history.h"
#include "base/rows.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"

/* Number of interactions. */
PG_FUNCTION_INFO_V1(crm_interaction_count);
Datum
crm_interaction_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_INTERACTION_HISTORY(0)->nentries);
}

/* Instant of the first interaction; NULL without one. */
PG_FUNCTION_INFO_V1(crm_first_interaction);
Datum
crm_first_interaction(PG_FUNCTION_ARGS)
{
	InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);

	if (h->nentries == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(h->entries[0].at);
}

/* Instant of the last interaction; NULL without one. */
PG_FUNCTION_INFO_V1(crm_last_interaction);
Datum
crm_last_interaction(PG_FUNCTION_ARGS)
{
	InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);

	if (h->nentries == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(h->entries[h->nentries - 1].at);
}

/* Whole days of 24 hours from the last interaction at or before as_of to as_of; NULL without one. */
PG_FUNCTION_INFO_V1(crm_days_since_last_contact);
Datum
crm_days_since_last_contact(PG_FUNCTION_ARGS)
{
	InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
	TimestampTz			as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(1), "as_of");
	int					n = interaction_history_count_until(h, as_of);

	if (n == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) (((uint64) as_of - (uint64) h->entries[n - 1].at) / USECS_PER_DAY));
}

/*
 * The smaller of inbound and outbound over the larger, at or before as_of: 1
 * when both sides speak as often, 0 when one side is silent, NULL with neither.
 */
PG_FUNCTION_INFO_V1(crm_reciprocity);
Datum
crm_reciprocity(PG_FUNCTION_ARGS)
{
	InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
	TimestampTz			as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(1), "as_of");
	int					n = interaction_history_count_until(h, as_of);
	int					outbound = 0;

	for (int i = 0; i < n; i++)
		outbound += interaction_is_outbound(&h->entries[i]);
	if (n == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) Min(outbound, n - outbound) / Max(outbound, n - outbound));
}

/* What happened at or before an instant; infinity keeps all. */
PG_FUNCTION_INFO_V1(crm_interaction_history_until);
Datum
crm_interaction_history_until(PG_FUNCTION_ARGS)
{
	InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);

	PG_RETURN_INTERACTION_HISTORY(interaction_history_slice(
		h, 0, interaction_history_count_until(h, PG_GETARG_TIMESTAMPTZ(1))));
}

/* How many entries lie below a lower bound, or not above an upper one. */
static int
count_before(const InteractionHistory *h, const RangeBound *bound)
{
	TimestampTz at = DatumGetTimestampTz(bound->val);

	if (bound->infinite)
		return bound->lower ? 0 : h->nentries;
	if (bound->lower != bound->inclusive)
		return interaction_history_count_until(h, at);
	if (TIMESTAMP_NOT_FINITE(at))
		return TIMESTAMP_IS_NOBEGIN(at) ? 0 : h->nentries;
	return interaction_history_count_until(h, at - 1);
}

/* What happened in a range of time. */
PG_FUNCTION_INFO_V1(crm_interaction_history_within);
Datum
crm_interaction_history_within(PG_FUNCTION_ARGS)
{
	InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
	RangeType		   *range = PG_GETARG_RANGE_P(1);
	RangeBound			lower;
	RangeBound			upper;
	bool				empty;

	range_deserialize(lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO), range,
					  &lower, &upper, &empty);
	if (empty)
		PG_RETURN_INTERACTION_HISTORY(interaction_history_create(0));
	PG_RETURN_INTERACTION_HISTORY(
		interaction_history_slice(h, count_before(h, &lower), count_before(h, &upper)));
}

/* The entries as rows (at, kind, channel, direction, outcome, score, resolved_at), by instant. */
PG_FUNCTION_INFO_V1(crm_interactions);
Datum
crm_interactions(PG_FUNCTION_ARGS)
{
	FuncCallContext	   *rows;
	InteractionHistory *h;

	if (SRF_IS_FIRSTCALL())
	{
		h = PG_GETARG_INTERACTION_HISTORY(0);
		rows = rows_start(fcinfo, 0);
		rows->user_fctx = rows_copy_varlena(rows, h);
	}
	rows = SRF_PERCALL_SETUP();
	h = rows->user_fctx;

	if (rows->call_cntr < (uint64) h->nentries)
	{
		const Interaction *entry = &h->entries[rows->call_cntr];
		InteractionOutcome outcome = interaction_outcome(entry);
		TimestampTz		   resolved_at = interaction_resolved_at(entry);
		Datum			   values[7];
		bool			   nulls[7] = {false};

		values[0] = TimestampTzGetDatum(entry->at);
		values[1] = CStringGetTextDatum(interaction_kind_names[interaction_kind(entry)]);
		values[2] = PointerGetDatum(
			cstring_to_text_with_len(entry->channel, channel_length(entry->channel)));
		values[3] = CStringGetTextDatum(interaction_direction_names[interaction_direction(entry)]);
		values[4] = CStringGetTextDatum(interaction_outcome_names[outcome]);
		nulls[4] = outcome == OUTCOME_NONE;
		values[5] = Int32GetDatum(interaction_score(entry));
		nulls[5] = interaction_score(entry) < 0;
		values[6] = TimestampTzGetDatum(resolved_at);
		nulls[6] = resolved_at == DT_NOEND;
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* The history as a jsonb array; what an interaction has not is left out of its object. */
PG_FUNCTION_INFO_V1(crm_interaction_history_to_jsonb);
Datum
crm_interaction_history_to_jsonb(PG_FUNCTION_ARGS)
{
	InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
	StringInfoData		json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < h->nentries; i++)
	{
		const Interaction *entry = &h->entries[i];
		InteractionOutcome outcome = interaction_outcome(entry);

		appendStringInfo(&json, "%s{\"at\":\"%s\",\"kind\":\"%s\",\"channel\":", i > 0 ? "," : "",
						 instant_to_text(entry->at),
						 interaction_kind_names[interaction_kind(entry)]);
		escape_json(&json, pnstrdup(entry->channel, channel_length(entry->channel)));
		appendStringInfo(&json, ",\"direction\":\"%s\"",
						 interaction_direction_names[interaction_direction(entry)]);
		if (outcome != OUTCOME_NONE)
			appendStringInfo(&json, ",\"outcome\":\"%s\"", interaction_outcome_names[outcome]);
		if (interaction_score(entry) >= 0)
			appendStringInfo(&json, ",\"score\":%d", interaction_score(entry));
		if (interaction_resolved_at(entry) != DT_NOEND)
			appendStringInfo(&json, ",\"resolved_at\":\"%s\"",
							 instant_to_text(interaction_resolved_at(entry)));
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, ']');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
