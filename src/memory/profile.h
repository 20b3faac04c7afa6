/*
 * profile.h: what is known of one customer, by whom, and since when.
 *
 * An entry is an assertion, a withdrawal or a tombstone: a head of 48 bytes, then
 * its texts one behind the other, filled up with zeros to a multiple of 8 bytes.
 * purposes and derived_from are lists, sorted, each name once and ended by a zero.
 * Entries are sorted (profile_entry_compare), each once; of an attribute there is
 * one tombstone of a kind at most, and nothing that a tombstone forbids. So equal
 * profiles are equal bytes, and + is a union in which tombstones win.
 *
 * flags must be zero: receive rejects anything else. profile_state, the state of
 * the aggregates, has the same layout, but its entries stand as they came and
 * VARSIZE counts room for more.
 */
#ifndef CRM_PROFILE_H
#define CRM_PROFILE_H

#include "crm.h"

#include "base/instant.h"
#include "base/names.h"
#include "base/value.h"

#define PROFILE_VERSION 1
#define ATTRIBUTE_SIZE 63
#define PROFILE_TEXT_SIZE PG_UINT16_MAX

/* Stored numbers: never change one. */
typedef enum EntryKind
{
	ENTRY_STATED = 0,
	ENTRY_OBSERVED = 1,
	ENTRY_INFERRED = 2,
	ENTRY_WITHDRAWN = 3,
	ENTRY_FORGOTTEN = 4,		/* tombstone of an attribute's own assertions */
	ENTRY_FORGOTTEN_DERIVED = 5 /* tombstone of what was derived from it */
} EntryKind;
#define ENTRY_KINDS 6
#define HOW_KNOWN 3 /* the kinds that say something: the first */

/* What texts an entry has, in their order. */
enum
{
	TEXT_ATTRIBUTE,
	TEXT_VALUE,	   /* empty in a withdrawal of every value, and in tombstones */
	TEXT_SOURCE,   /* empty if nobody said */
	TEXT_PURPOSES, /* empty if nobody said */
	TEXT_DERIVED,
	ENTRY_TEXTS
};

typedef struct ProfileEntry
{
	uint32		size;			  /* of all of it, a multiple of 8 */
	uint16		len[ENTRY_TEXTS]; /* bytes of each text */
	uint8		kind;			  /* EntryKind */
	uint8		reserved;		  /* zero */
	TimestampTz at;				  /* when it became known; of a tombstone, up to when it forbids */
	TimestampTz from;			  /* valid from this instant, may be -infinity */
	TimestampTz until;			  /* to just before this one, may be infinity */
	double		confidence;		  /* 0 to 1, or NO_CONFIDENCE */
	char		text[FLEXIBLE_ARRAY_MEMBER];
} ProfileEntry;

#define NO_CONFIDENCE (-1.0)

typedef struct Profile
{
	int32  vl_len_; /* varlena header, do not touch */
	uint16 version; /* PROFILE_VERSION */
	uint16 flags;	/* reserved, zero */
	int32  nentries;
	int32  used; /* bytes of the entries */
	char   entries[FLEXIBLE_ARRAY_MEMBER];
} Profile;

#define PROFILE_SIZE(bytes) (offsetof(Profile, entries) + (Size) (bytes))
#define PROFILE_MAX_BYTES (MaxAllocSize - offsetof(Profile, entries))

#define PG_GETARG_PROFILE(n) ((Profile *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))
#define PG_RETURN_PROFILE(p) PG_RETURN_POINTER(p)

/* A text that need not end with a zero. */
typedef struct Piece
{
	const char *at;
	int			len;
} Piece;

/* An entry that is not written yet: what is not said of it is zero. */
typedef struct EntryDraft
{
	EntryKind	kind;
	TimestampTz at;
	TimestampTz from;
	TimestampTz until;
	double		confidence;
	Piece		text[ENTRY_TEXTS]; /* lists packed by pack_names */
} EntryDraft;

typedef char EntryKindName[20];

extern const EntryKindName entry_kind_names[ENTRY_KINDS];
extern const Names		   entry_kinds; /* all: what a text form may say */
extern const Names asserted_kinds; /* what an assertion may be: how it is known, or withdrawn */
extern const Names believed_kinds; /* how something is known */

extern EntryDraft entry_draft(EntryKind kind, TimestampTz at);
extern Piece	  pack_names(Piece *names, int n, int most, const char *what);
extern Profile	 *profile_create(Size room);
extern Profile	 *profile_append(Profile *state, const EntryDraft *draft);
extern Profile	 *profile_append_all(Profile *state, const Profile *other);
extern Profile	 *profile_settle(const Profile *state);
extern int		  profile_entry_compare(const void *a, const void *b);
extern Datum	  crm_profile_in(PG_FUNCTION_ARGS);
extern Datum	  crm_profile_out(PG_FUNCTION_ARGS);
extern Datum	  crm_profile_recv(PG_FUNCTION_ARGS);
extern Datum	  crm_profile_send(PG_FUNCTION_ARGS);

static inline const ProfileEntry *
profile_first(const Profile *p)
{
	return (const ProfileEntry *) p->entries;
}

static inline const ProfileEntry *
profile_end(const Profile *p)
{
	return (const ProfileEntry *) (p->entries + p->used);
}

static inline const ProfileEntry *
entry_next(const ProfileEntry *entry)
{
	return (const ProfileEntry *) ((const char *) entry + entry->size);
}

/* One of the texts of an entry. */
static inline Piece
entry_text(const ProfileEntry *entry, int which)
{
	const char *at = entry->text;

	for (int i = 0; i < which; i++)
		at += entry->len[i];
	return (Piece){at, entry->len[which]};
}

static inline int
piece_compare(Piece a, Piece b)
{
	int order = memcmp(a.at, b.at, Min(a.len, b.len));

	return order != 0 ? order : CRM_COMPARE(a.len, b.len);
}

static inline bool
piece_equal(Piece a, Piece b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static inline Piece
piece_of(const text *t)
{
	return (Piece){VARDATA_ANY(t), (int) VARSIZE_ANY_EXHDR(t)};
}

/* The next name of a list, moving on; false behind the last. */
static inline bool
next_name(Piece *list, Piece *name)
{
	if (list->len == 0)
		return false;
	name->at = list->at;
	name->len = (int) strlen(list->at);
	list->at += name->len + 1;
	list->len -= name->len + 1;
	return true;
}

/* Whether a list has a name. */
static inline bool
names_have(Piece list, Piece name)
{
	Piece one;

	while (next_name(&list, &one))
		if (piece_equal(one, name))
			return true;
	return false;
}

static inline bool
entry_is_tombstone(const ProfileEntry *entry)
{
	return entry->kind >= ENTRY_FORGOTTEN;
}

#endif /* CRM_PROFILE_H */
