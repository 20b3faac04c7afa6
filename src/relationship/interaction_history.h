/*
 * interaction_history.h: the contacts between one customer and us, one by one.
 *
 * Entries are sorted by instant, then by the rest of the entry, so that equal
 * histories are equal bytes. Contacts may recur: equal entries stand side by
 * side, and a difference takes away as many as it is told of.
 *
 * An entry is 32 bytes. Its word holds, from the highest bit:
 *	 4 bits kind, 1 bit direction, 3 bits outcome,
 *	 56 bits microseconds from at to resolved_at plus 1, or 0 if there is none.
 * channel is filled up with zeros; score is the survey score plus 1, or 0.
 *
 * flags and reserved must be zero: receive rejects anything else, so that a later
 * version can use them. The aggregates have a state of their own
 * (interaction_history_agg.c).
 */
#ifndef CRM_INTERACTION_HISTORY_H
#define CRM_INTERACTION_HISTORY_H

#include "crm.h"

#include "base/instant.h"
#include "base/names.h"

#define INTERACTION_HISTORY_VERSION 1
#define CHANNEL_SIZE 15
#define MAX_SCORE 10
#define RESOLVED_BITS 56
#define RESOLVED_MASK ((UINT64CONST(1) << RESOLVED_BITS) - 1)

/* Stored numbers: never change one. */
typedef enum InteractionKind
{
	KIND_REQUEST = 0,
	KIND_COMPLAINT = 1,
	KIND_SUGGESTION = 2,
	KIND_ENQUIRY = 3,
	KIND_MESSAGE = 4,
	KIND_VISIT = 5,
	KIND_SURVEY = 6,
	KIND_REFERRAL = 7,
	KIND_OTHER = 8
} InteractionKind;
#define INTERACTION_KINDS 9

typedef enum InteractionDirection
{
	DIRECTION_INBOUND = 0,
	DIRECTION_OUTBOUND = 1
} InteractionDirection;
#define INTERACTION_DIRECTIONS 2

typedef enum InteractionOutcome
{
	OUTCOME_NONE = 0,
	OUTCOME_DELIVERED = 1,
	OUTCOME_OPENED = 2,
	OUTCOME_ANSWERED = 3,
	OUTCOME_RESOLVED = 4,
	OUTCOME_BOUNCED = 5,
	OUTCOME_UNSUBSCRIBED = 6
} InteractionOutcome;
#define INTERACTION_OUTCOMES 7

/* Names of codes, filled up with zeros so that two of them compare as numbers do. */
#define CODE_NAME_SIZE 16
typedef char CodeName[CODE_NAME_SIZE];

extern const CodeName interaction_kind_names[INTERACTION_KINDS];
extern const CodeName interaction_direction_names[INTERACTION_DIRECTIONS];
extern const CodeName
				   interaction_outcome_names[INTERACTION_OUTCOMES]; /* the first, none, is empty */
extern const Names interaction_kinds;
extern const Names interaction_outcomes;

typedef struct Interaction
{
	TimestampTz at;
	uint64		word;
	char		channel[CHANNEL_SIZE];
	uint8		score;
} Interaction;

typedef struct InteractionHistory
{
	int32		vl_len_; /* varlena header, do not touch */
	uint16		version; /* INTERACTION_HISTORY_VERSION */
	uint16		flags;	 /* reserved, zero */
	int32		nentries;
	int32		reserved; /* zero */
	Interaction entries[FLEXIBLE_ARRAY_MEMBER];
} InteractionHistory;

#define INTERACTION_HISTORY_SIZE(n) \
	(offsetof(InteractionHistory, entries) + (Size) (n) * sizeof(Interaction))
#define INTERACTION_HISTORY_MAX_ENTRIES \
	((int) ((MaxAllocSize - offsetof(InteractionHistory, entries)) / sizeof(Interaction)))

#define DatumGetInteractionHistory(d) ((InteractionHistory *) PG_DETOAST_DATUM(d))
#define PG_GETARG_INTERACTION_HISTORY(n) DatumGetInteractionHistory(PG_GETARG_DATUM(n))
#define PG_RETURN_INTERACTION_HISTORY(h) PG_RETURN_POINTER(h)

extern InteractionHistory *interaction_history_create(int capacity);
extern InteractionHistory *interaction_history_slice(const InteractionHistory *h, int from, int to);
extern InteractionHistory *interaction_history_add(const InteractionHistory *a,
												   const InteractionHistory *b);
extern Datum			   crm_interaction_history_in(PG_FUNCTION_ARGS);
extern Datum			   crm_interaction_history_out(PG_FUNCTION_ARGS);
extern Datum			   crm_interaction_history_recv(PG_FUNCTION_ARGS);
extern Datum			   crm_interaction_history_send(PG_FUNCTION_ARGS);
extern int				   interaction_kind_from(const char *name, size_t len);
extern int				   interaction_compare(const void *a, const void *b);
extern Interaction		   interaction_from_args(FunctionCallInfo fcinfo, int first);

static inline InteractionKind
interaction_kind(const Interaction *i)
{
	return (InteractionKind) (i->word >> 60);
}

static inline InteractionDirection
interaction_direction(const Interaction *i)
{
	return (InteractionDirection) (i->word >> 59 & 1);
}

static inline InteractionOutcome
interaction_outcome(const Interaction *i)
{
	return (InteractionOutcome) (i->word >> 56 & 7);
}

static inline bool
interaction_is_outbound(const Interaction *i)
{
	return interaction_direction(i) == DIRECTION_OUTBOUND;
}

/* When it was resolved; infinity if nobody said. */
static inline TimestampTz
interaction_resolved_at(const Interaction *i)
{
	uint64 offset = i->word & RESOLVED_MASK;

	return offset == 0 ? DT_NOEND : i->at + (int64) (offset - 1);
}

/* The survey score, or -1. */
static inline int
interaction_score(const Interaction *i)
{
	return (int) i->score - 1;
}

/* Bytes of the channel's name. */
static inline int
channel_length(const char *channel)
{
	return (int) strnlen(channel, CHANNEL_SIZE);
}

static inline bool
channel_equal(const char *a, const char *b)
{
	return memcmp(a, b, CHANNEL_SIZE) == 0;
}

/* How many entries lie at or before an instant; infinity takes all. */
static inline int
interaction_history_count_until(const InteractionHistory *h, TimestampTz at)
{
	int low = 0;
	int high = h->nentries;

	if (high == 0 || h->entries[high - 1].at <= at)
		return high;
	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (h->entries[middle].at <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* An entry has a channel, whose name is short enough to be kept in it. */
static inline void
CheckChannelLength(size_t len, const char *name)
{
	if (unlikely(len == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("channel cannot be empty")));
	if (unlikely(len > CHANNEL_SIZE))
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("channel \"%.*s\" is too long", (int) len, name),
						errdetail("A channel's name has at most %d bytes.", CHANNEL_SIZE)));
}

/*
 * Put a name of at most 16 bytes into a field of fixed size, filled up with
 * zeros. Eight or four bytes at a time, the last of which may meet the first
 * ones: an aggregate does this for each row, and a call of memcpy costs more.
 */
static inline void
fill_name(char *field, size_t size, const char *name, size_t len)
{
	memset(field, 0, size);
	if (len >= 8)
	{
		memcpy(field, name, 8);
		memcpy(field + len - 8, name + len - 8, 8);
	}
	else if (len >= 4)
	{
		memcpy(field, name, 4);
		memcpy(field + len - 4, name + len - 4, 4);
	}
	else
		for (size_t i = 0; i < len; i++)
			field[i] = name[i];
}

/* A name in the fixed-size form of an entry. */
static inline void
channel_set(char *channel, const char *name, size_t len)
{
	CheckChannelLength(len, name);
	fill_name(channel, CHANNEL_SIZE, name, len);
}

/* A history is a value of at most 1 GB. */
static inline void
CheckInteractions(int64 nentries)
{
	if (unlikely(nentries > INTERACTION_HISTORY_MAX_ENTRIES))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("interaction history cannot hold %lld interactions", (long long) nentries),
				 errdetail("A history holds at most %d interactions.",
						   INTERACTION_HISTORY_MAX_ENTRIES)));
}

/* A survey score is 0 to 10. */
static inline void
CheckScore(int64 score)
{
	if (unlikely(score < 0 || score > MAX_SCORE))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("score %lld is out of range", (long long) score),
						errdetail("A score is a whole number from 0 to %d.", MAX_SCORE)));
}

#endif /* CRM_INTERACTION_HISTORY_H */
