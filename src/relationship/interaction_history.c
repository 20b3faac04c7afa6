/*
 * interaction_history.c: the type interaction_history: its values, its text
 * and binary forms, its order and difference.
 *
 * The text form is {at kind channel direction [outcome] [score n] [resolved_at at], ...},
 * for example {2024-01-05 10:00:00+00 complaint email inbound resolved resolved_at
 * 2024-01-06 08:00:00+00}: instants with their offset from UTC, sorted or not on input.
 */
#include "crm.h"

#include "base/value.h"
#include "relationship/interaction_history.h"
#include "miscadmin.h"
#include "base/scan.h"
#include "utils/builtins.h"

const CodeName interaction_kind_names[INTERACTION_KINDS] = {
	"request", "complaint", "suggestion", "enquiry", "message",
	"visit",   "survey",	"referral",	  "other",
};

const CodeName interaction_direction_names[INTERACTION_DIRECTIONS] = {"inbound", "outbound"};

const CodeName interaction_outcome_names[INTERACTION_OUTCOMES] = {
	"", "delivered", "opened", "answered", "resolved", "bounced", "unsubscribed",
};

const Names interaction_kinds = NAMES("interaction kind", "Kinds", NULL, 0, interaction_kind_names);
const Names interaction_outcomes = /* the empty name stands for no outcome, which NULL says */
	NAMES("interaction outcome", "Outcomes", NULL, OUTCOME_NONE + 1, interaction_outcome_names);
static const Names interaction_directions =
	NAMES("interaction direction", "Directions", NULL, 0, interaction_direction_names);

/*
 * The number of a word, or an error that lists the words. The aggregate asks thrice a row:
 * words written as they are here are compared in one step each.
 */
static inline int
code_from(const Names *names, const CodeName *words, const char *name, size_t len)
{
	CodeName wanted;

	if (likely(len < CODE_NAME_SIZE))
	{
		fill_name(wanted, CODE_NAME_SIZE, name, len);
		for (int i = names->first; i < names->n; i++)
			if (memcmp(words[i], wanted, CODE_NAME_SIZE) == 0)
				return i;
	}
	return names_get(names, name, len);
}

/* The kind of a name, or an error that lists the names. */
int
interaction_kind_from(const char *name, size_t len)
{
	return code_from(&interaction_kinds, interaction_kind_names, name, len);
}

static int
direction_from(const char *name, size_t len)
{
	return code_from(&interaction_directions, interaction_direction_names, name, len);
}

static int
outcome_from(const char *name, size_t len)
{
	return code_from(&interaction_outcomes, interaction_outcome_names, name, len);
}

/* The codes of an entry, packed. */
static inline uint64
make_word(int kind, int direction, int outcome)
{
	return (uint64) kind << 60 | (uint64) direction << 59 | (uint64) outcome << 56;
}

/* Nothing is resolved before it came up, nor millennia later. */
static uint64
resolved_offset(TimestampTz at, TimestampTz resolved_at)
{
	uint64 offset;

	CheckInstant(resolved_at, "resolved_at");
	if (resolved_at < at)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("interaction of %s cannot be resolved earlier, at %s",
							   instant_to_text(at), instant_to_text(resolved_at))));
	offset = (uint64) resolved_at - (uint64) at + 1;
	if (offset > RESOLVED_MASK)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("interaction of %s cannot be resolved as late as %s",
							   instant_to_text(at), instant_to_text(resolved_at)),
						errdetail("The time to resolve it is limited to 2283 years.")));
	return offset;
}

/* at, kind, channel, direction [, outcome [, score [, resolved_at]]], the last three NULL if unknown. */
Interaction
interaction_from_args(FunctionCallInfo fcinfo, int first)
{
	Interaction entry;
	text	   *kind = PG_GETARG_TEXT_PP(first + 1);
	text	   *channel = PG_GETARG_TEXT_PP(first + 2);
	text	   *direction = PG_GETARG_TEXT_PP(first + 3);
	int			outcome = OUTCOME_NONE;

	entry.at = CheckInstant(PG_GETARG_TIMESTAMPTZ(first), "instant of an interaction");
	if (PG_NARGS() > first + 4 && !PG_ARGISNULL(first + 4))
	{
		text *name = PG_GETARG_TEXT_PP(first + 4);

		outcome = outcome_from(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	}
	entry.word =
		make_word(interaction_kind_from(VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind)),
				  direction_from(VARDATA_ANY(direction), VARSIZE_ANY_EXHDR(direction)), outcome);
	channel_set(entry.channel, VARDATA_ANY(channel), VARSIZE_ANY_EXHDR(channel));

	entry.score = 0;
	if (PG_NARGS() > first + 5 && !PG_ARGISNULL(first + 5))
	{
		CheckScore(PG_GETARG_INT32(first + 5));
		entry.score = (uint8) (PG_GETARG_INT32(first + 5) + 1);
	}
	if (PG_NARGS() > first + 6 && !PG_ARGISNULL(first + 6))
		entry.word |= resolved_offset(entry.at, PG_GETARG_TIMESTAMPTZ(first + 6));
	return entry;
}

/* An empty history with room for some entries. */
InteractionHistory *
interaction_history_create(int capacity)
{
	Size				size;
	InteractionHistory *h;

	CheckInteractions(capacity);
	size = INTERACTION_HISTORY_SIZE(capacity);
	h = palloc(size);
	memset(h, 0, offsetof(InteractionHistory, entries));
	SET_VARSIZE(h, size);
	h->version = INTERACTION_HISTORY_VERSION;
	return h;
}

/* Cut a history that was made with room to spare to the entries it has. */
static InteractionHistory *
set_entries(InteractionHistory *h, int nentries)
{
	h->nentries = nentries;
	SET_VARSIZE(h, INTERACTION_HISTORY_SIZE(nentries));
	return h;
}

/* The entries from (inclusive) to (exclusive), as a value of their own. */
InteractionHistory *
interaction_history_slice(const InteractionHistory *h, int from, int to)
{
	int					n = Max(to - from, 0);
	InteractionHistory *slice = interaction_history_create(n);

	memcpy(slice->entries, h->entries + from, n * sizeof(Interaction));
	return set_entries(slice, n);
}

/* The total order of entries: by instant, then by what is left of them. */
int
interaction_compare(const void *a, const void *b)
{
	const Interaction *x = a;
	const Interaction *y = b;
	int				   order = CRM_COMPARE(x->at, y->at);

	if (order == 0)
		order = CRM_COMPARE(x->word, y->word);
	if (order == 0)
		order = memcmp(x->channel, y->channel, CHANNEL_SIZE);
	if (order == 0)
		order = CRM_COMPARE(x->score, y->score);
	return order;
}

/* Read one "at kind channel direction [outcome] [score n] [resolved_at at]". */
static Interaction
scan_interaction(Scanner *s)
{
	Interaction entry;
	int			kind;
	int			direction;
	int			outcome;
	char	   *channel;

	entry.at = CheckInstant(scan_instant(s), "instant of an interaction");
	kind = names_scan(s, &interaction_kinds);
	channel = scan_label(s);
	channel_set(entry.channel, channel, strlen(channel));
	direction = names_scan(s, &interaction_directions);
	outcome = names_try_scan(s, &interaction_outcomes);
	entry.word = make_word(kind, direction, outcome < 0 ? OUTCOME_NONE : outcome);
	entry.score = 0;
	if (scan_try_word(s, "score"))
	{
		int64 score = scan_int64(s);

		CheckScore(score);
		entry.score = (uint8) (score + 1);
	}
	if (scan_try_word(s, "resolved_at"))
		entry.word |= resolved_offset(entry.at, scan_instant(s));
	return entry;
}

PG_FUNCTION_INFO_V1(crm_interaction_history_in);
Datum
crm_interaction_history_in(PG_FUNCTION_ARGS)
{
	char			   *input = PG_GETARG_CSTRING(0);
	Scanner				s = scan_start("interaction_history", input);
	int					capacity = 1;
	int					n = 0;
	InteractionHistory *h;

	for (const char *c = input; *c != '\0'; c++)
		capacity += *c == ',';
	h = interaction_history_create(capacity);

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			CHECK_FOR_INTERRUPTS();
			h->entries[n++] = scan_interaction(&s);
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);

	set_entries(h, n);
	qsort(h->entries, n, sizeof(Interaction), interaction_compare);
	PG_RETURN_INTERACTION_HISTORY(h);
}

/* The channel's name as a string. */
static char *
channel_name(const Interaction *entry)
{
	return pnstrdup(entry->channel, channel_length(entry->channel));
}

static void
append_interaction(StringInfo out, const Interaction *entry)
{
	appendStringInfo(out, "%s %s ", instant_to_text(entry->at),
					 interaction_kind_names[interaction_kind(entry)]);
	append_label(out, channel_name(entry), NULL);
	appendStringInfo(out, " %s", interaction_direction_names[interaction_direction(entry)]);
	if (interaction_outcome(entry) != OUTCOME_NONE)
		appendStringInfo(out, " %s", interaction_outcome_names[interaction_outcome(entry)]);
	if (interaction_score(entry) >= 0)
		appendStringInfo(out, " score %d", interaction_score(entry));
	if (interaction_resolved_at(entry) != DT_NOEND)
		appendStringInfo(out, " resolved_at %s", instant_to_text(interaction_resolved_at(entry)));
}

PG_FUNCTION_INFO_V1(crm_interaction_history_out);
Datum
crm_interaction_history_out(PG_FUNCTION_ARGS)
{
	const InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
	StringInfoData			  out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (int i = 0; i < h->nentries; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoString(&out, ", ");
		append_interaction(&out, &h->entries[i]);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: version, flags (int16), count (int32), then for each entry at
 * (int64), kind, direction, outcome, score plus 1 (int8), resolved_at minus at
 * plus 1 (int64, 0 without), length of the channel (int32) and its text.
 */
#define MESSAGE_MIN_ENTRY (8 + 4 + 8 + 4 + 1)

PG_FUNCTION_INFO_V1(crm_interaction_history_send);
Datum
crm_interaction_history_send(PG_FUNCTION_ARGS)
{
	const InteractionHistory *h = PG_GETARG_INTERACTION_HISTORY(0);
	StringInfoData			  out;

	pq_begintypsend(&out);
	pq_sendint16(&out, h->version);
	pq_sendint16(&out, h->flags);
	pq_sendint32(&out, h->nentries);
	for (int i = 0; i < h->nentries; i++)
	{
		const Interaction *entry = &h->entries[i];

		pq_sendint64(&out, entry->at);
		pq_sendint8(&out, interaction_kind(entry));
		pq_sendint8(&out, interaction_direction(entry));
		pq_sendint8(&out, interaction_outcome(entry));
		pq_sendint8(&out, entry->score);
		pq_sendint64(&out, (int64) (entry->word & RESOLVED_MASK));
		send_counted_text(&out, entry->channel, channel_length(entry->channel));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* A code is one that has a name. */
static inline int
CheckCode(int code, int count, const char *what)
{
	if (code < 0 || code >= count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unknown interaction %s %d", what, code)));
	return code;
}

static Interaction
receive_interaction(StringInfo message)
{
	Interaction entry;
	int			kind;
	int			direction;
	int			outcome;
	int			score;
	int64		offset;
	char	   *channel;

	entry.at = CheckInstant(pq_getmsgint64(message), "instant of an interaction");
	kind = CheckCode(pq_getmsgint(message, 1), INTERACTION_KINDS, "kind");
	direction = CheckCode(pq_getmsgint(message, 1), INTERACTION_DIRECTIONS, "direction");
	outcome = CheckCode(pq_getmsgint(message, 1), INTERACTION_OUTCOMES, "outcome");
	entry.word = make_word(kind, direction, outcome);
	score = pq_getmsgint(message, 1);
	if (score > 0)
		CheckScore(score - 1);
	entry.score = (uint8) score;

	offset = pq_getmsgint64(message);
	if (offset < 0 || (uint64) offset > RESOLVED_MASK)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("time to resolve an interaction is out of range")));
	if (offset > 0)
		entry.word |= resolved_offset(entry.at, entry.at + (offset - 1));

	channel = receive_counted_text(message, "channel");
	channel_set(entry.channel, channel, strlen(channel));
	pfree(channel);
	return entry;
}

PG_FUNCTION_INFO_V1(crm_interaction_history_recv);
Datum
crm_interaction_history_recv(PG_FUNCTION_ARGS)
{
	StringInfo			message = (StringInfo) PG_GETARG_POINTER(0);
	int					nentries;
	InteractionHistory *h;

	receive_header(message, "interaction_history", 2, INTERACTION_HISTORY_VERSION, 0);
	nentries = receive_count(message, "interaction_history", "interactions", MESSAGE_MIN_ENTRY);
	h = interaction_history_create(nentries);
	for (int i = 0; i < nentries; i++)
	{
		CHECK_FOR_INTERRUPTS();
		h->entries[i] = receive_interaction(message);
		if (i > 0 && interaction_compare(&h->entries[i - 1], &h->entries[i]) > 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("interaction of %s is out of order",
								   instant_to_text(h->entries[i].at))));
	}
	PG_RETURN_INTERACTION_HISTORY(set_entries(h, nentries));
}

/* The merge of two sorted histories: all that is in either. */
InteractionHistory *
interaction_history_add(const InteractionHistory *a, const InteractionHistory *b)
{
	InteractionHistory *sum = interaction_history_create(a->nentries + b->nentries);
	int					at_a = 0;
	int					at_b = 0;

	while (at_a < a->nentries || at_b < b->nentries)
	{
		bool from_a =
			at_b == b->nentries ||
			(at_a < a->nentries && interaction_compare(&a->entries[at_a], &b->entries[at_b]) <= 0);

		sum->entries[at_a + at_b] = from_a ? a->entries[at_a] : b->entries[at_b];
		if (from_a)
			at_a++;
		else
			at_b++;
	}
	return set_entries(sum, at_a + at_b);
}

/* What is taken away was there. */
static void
missing_interaction(const Interaction *entry)
{
	StringInfoData out;

	initStringInfo(&out);
	append_interaction(&out, entry);
	ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
					errmsg("interaction to take away is not in the history"),
					errdetail("It is %s.", out.data)));
}

/* a without b, each entry as often as b has it. */
static InteractionHistory *
subtract_histories(const InteractionHistory *a, const InteractionHistory *b)
{
	InteractionHistory *rest = interaction_history_create(a->nentries);
	int					at_b = 0;
	int					n = 0;

	for (int at_a = 0; at_a < a->nentries; at_a++)
	{
		int order =
			at_b == b->nentries ? -1 : interaction_compare(&a->entries[at_a], &b->entries[at_b]);

		if (order > 0)
			missing_interaction(&b->entries[at_b]);
		if (order == 0)
			at_b++;
		else
			rest->entries[n++] = a->entries[at_a];
	}
	if (at_b < b->nentries)
		missing_interaction(&b->entries[at_b]);
	return set_entries(rest, n);
}

/* a - b: the inverse of +; errors if b has an interaction that a has not. */
PG_FUNCTION_INFO_V1(crm_interaction_history_minus);
Datum
crm_interaction_history_minus(PG_FUNCTION_ARGS)
{
	PG_RETURN_INTERACTION_HISTORY(
		subtract_histories(PG_GETARG_INTERACTION_HISTORY(0), PG_GETARG_INTERACTION_HISTORY(1)));
}

/* The history of one interaction; NULL if one of at, kind, channel and direction is. */
PG_FUNCTION_INFO_V1(crm_interaction);
Datum
crm_interaction(PG_FUNCTION_ARGS)
{
	InteractionHistory *h;

	for (int i = 0; i < 4; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	h = interaction_history_create(1);
	h->entries[0] = interaction_from_args(fcinfo, 0);
	PG_RETURN_INTERACTION_HISTORY(set_entries(h, 1));
}

/* Order of two histories: by the first entry that differs, then the shorter one first. */
static int
order(const void *x, const void *y)
{
	const InteractionHistory *a = x;
	const InteractionHistory *b = y;
	int						  difference = 0;

	for (int i = 0; i < Min(a->nentries, b->nentries) && difference == 0; i++)
		difference = interaction_compare(&a->entries[i], &b->entries[i]);
	return difference != 0 ? difference : CRM_COMPARE(a->nentries, b->nentries);
}

static Content
content(const void *history)
{
	const InteractionHistory *h = history;

	return (Content){h->entries, h->nentries * sizeof(Interaction)};
}

VALUE_FUNCTIONS(interaction_history, order, content);
