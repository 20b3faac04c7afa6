/*
 * channel.c: which channel reaches the customer: what came of the attempts on each.
 *
 * An attempt is an outbound interaction; one that was opened, answered or
 * resolved is a response. The rate (responses + a) / (attempts + a + b) is the
 * mean of a Beta(a, b) prior after these attempts.
 */
#include "crm.h"

#include "relationship/interaction_history.h"
#include "base/rows.h"
#include "utils/builtins.h"
#include "utils/float.h"

/* What is known of one channel at an instant. */
typedef struct ChannelStats
{
	char		channel[CHANNEL_SIZE];
	int			attempts;
	int			responses;
	int			bounced;
	int			unsubscribed;
	int			inbound;
	TimestampTz last_at; /* of any interaction on it */
} ChannelStats;

static int
compare_channels(const void *a, const void *b)
{
	return memcmp(((const ChannelStats *) a)->channel, ((const ChannelStats *) b)->channel,
				  CHANNEL_SIZE);
}

static void
count_interaction(ChannelStats *c, const Interaction *entry)
{
	InteractionOutcome outcome = interaction_outcome(entry);

	c->last_at = Max(c->last_at, entry->at);
	if (!interaction_is_outbound(entry))
	{
		c->inbound++;
		return;
	}
	c->attempts++;
	c->responses +=
		outcome == OUTCOME_OPENED || outcome == OUTCOME_ANSWERED || outcome == OUTCOME_RESOLVED;
	c->bounced += outcome == OUTCOME_BOUNCED;
	c->unsubscribed += outcome == OUTCOME_UNSUBSCRIBED;
}

static ChannelStats
stats_of_one(const Interaction *entry)
{
	ChannelStats c = {.last_at = entry->at};

	memcpy(c.channel, entry->channel, CHANNEL_SIZE);
	count_interaction(&c, entry);
	return c;
}

static void
add_stats(ChannelStats *sum, const ChannelStats *c)
{
	sum->attempts += c->attempts;
	sum->responses += c->responses;
	sum->bounced += c->bounced;
	sum->unsubscribed += c->unsubscribed;
	sum->inbound += c->inbound;
	sum->last_at = Max(sum->last_at, c->last_at);
}

/* How many channels a search from the front may pass; more are sorted first. */
#define FEW_CHANNELS 16

/*
 * The channels of the first n entries, each once, by name; returns how many.
 * Few are found by search; of many, each entry is a channel of its own until
 * they are sorted and added up.
 */
static int
channel_stats(const InteractionHistory *h, int n, ChannelStats **result)
{
	ChannelStats *stats = palloc(Max(n, 1) * sizeof(ChannelStats));
	int			  count = 0;
	int			  merged = 0;

	for (int i = 0; i < n; i++)
	{
		int c = count <= FEW_CHANNELS ? 0 : count;

		while (c < count && !channel_equal(stats[c].channel, h->entries[i].channel))
			c++;
		if (c < count)
			count_interaction(&stats[c], &h->entries[i]);
		else
			stats[count++] = stats_of_one(&h->entries[i]);
	}
	qsort(stats, count, sizeof(ChannelStats), compare_channels);
	for (int c = 0; c < count; c++)
		if (merged > 0 && channel_equal(stats[merged - 1].channel, stats[c].channel))
			add_stats(&stats[merged - 1], &stats[c]);
		else
			stats[merged++] = stats[c];
	*result = stats;
	return merged;
}

/* A prior counts imagined responses and failures; their sum must be finite too. */
#define PRIOR_LIMIT 1e300

static double
CheckPrior(double value, const char *name)
{
	if (!(value > 0 && value <= PRIOR_LIMIT))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be positive and at most %g, not %s", name, PRIOR_LIMIT,
							   float8out_internal(value))));
	return value;
}

static double
response_rate(const ChannelStats *c, double a, double b)
{
	return (c->responses + a) / (c->attempts + a + b);
}

/* The better of two channels: the higher rate, else the latest interaction, else the first name. */
static bool
is_better(const ChannelStats *c, const ChannelStats *best, double a, double b)
{
	double rate = response_rate(c, a, b);
	double best_rate = response_rate(best, a, b);

	return rate > best_rate || (rate == best_rate && c->last_at > best->last_at);
}

/* Reads history, as_of and the named argument numbers; none but stated may be NULL. */
static void
CheckArgumentsNotNull(FunctionCallInfo fcinfo, int except)
{
	for (int i = 0; i < PG_NARGS(); i++)
		if (i != except && PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("argument %d of preferred_channel cannot be null", i + 1)));
}

/*
 * The channel to use: the one the customer stated, else of the channels with at
 * least minimum_attempts attempts at or before as_of, and none that ended in an
 * unsubscription, the one with the highest response rate. NULL if none has.
 */
PG_FUNCTION_INFO_V1(crm_preferred_channel);
Datum
crm_preferred_channel(PG_FUNCTION_ARGS)
{
	const ChannelStats *best = NULL;
	ChannelStats	   *stats;
	InteractionHistory *h;
	TimestampTz			as_of;
	double				a;
	double				b;
	int					minimum;
	int					count;

	if (!PG_ARGISNULL(2))
		PG_RETURN_TEXT_P(PG_GETARG_TEXT_P(2));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	CheckArgumentsNotNull(fcinfo, 2);

	h = PG_GETARG_INTERACTION_HISTORY(0);
	as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(1), "as_of");
	a = CheckPrior(PG_GETARG_FLOAT8(3), "a");
	b = CheckPrior(PG_GETARG_FLOAT8(4), "b");
	minimum = PG_GETARG_INT32(5);
	if (minimum < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("minimum_attempts must be at least 1, not %d", minimum)));

	count = channel_stats(h, interaction_history_count_until(h, as_of), &stats);
	for (int c = 0; c < count; c++)
		if (stats[c].attempts >= minimum && stats[c].unsubscribed == 0 &&
			(best == NULL || is_better(&stats[c], best, a, b)))
			best = &stats[c];
	if (best == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(best->channel, channel_length(best->channel)));
}

/* What channel_profile keeps between rows. */
typedef struct ChannelProfile
{
	ChannelStats *stats;
	int			  count;
	double		  a;
	double		  b;
} ChannelProfile;

/* A row for each channel with an interaction at or before as_of, by name. */
PG_FUNCTION_INFO_V1(crm_channel_profile);
Datum
crm_channel_profile(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	ChannelProfile	*profile;

	if (SRF_IS_FIRSTCALL())
	{
		InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
		TimestampTz			as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(1), "as_of");
		MemoryContext		before;

		rows = rows_start(fcinfo, sizeof(ChannelProfile));
		profile = rows->user_fctx;
		profile->a = CheckPrior(PG_GETARG_FLOAT8(2), "a");
		profile->b = CheckPrior(PG_GETARG_FLOAT8(3), "b");
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		profile->count =
			channel_stats(h, interaction_history_count_until(h, as_of), &profile->stats);
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	profile = rows->user_fctx;

	if (rows->call_cntr < (uint64) profile->count)
	{
		const ChannelStats *c = &profile->stats[rows->call_cntr];
		Datum				values[8];
		bool				nulls[8] = {false};

		values[0] =
			PointerGetDatum(cstring_to_text_with_len(c->channel, channel_length(c->channel)));
		values[1] = Int32GetDatum(c->attempts);
		values[2] = Int32GetDatum(c->responses);
		values[3] = Float8GetDatum(response_rate(c, profile->a, profile->b));
		values[4] = Int32GetDatum(c->bounced);
		values[5] = Int32GetDatum(c->unsubscribed);
		values[6] = Int32GetDatum(c->inbound);
		values[7] = TimestampTzGetDatum(c->last_at);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
