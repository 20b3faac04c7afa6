/*
 * profile.c: the value of the type profile: how entries are written, sorted and
 * forgotten.
 */
#include "crm.h"

#include "mb/pg_wchar.h"
#include "base/shares.h"
#include "base/growth.h"
#include "base/decimal.h"
#include "memory/profile.h"
#include "miscadmin.h"
#include "utils/builtins.h"

const EntryKindName entry_kind_names[ENTRY_KINDS] = {
	"stated", "observed", "inferred", "withdrawn", "forgotten", "forgotten_derived",
};

/* The first of the kinds. */
#define FIRST_KINDS(what, plural, n)                                               \
	{                                                                              \
		what, plural, NULL, 0, n, sizeof(entry_kind_names[0]), entry_kind_names[0] \
	}

const Names entry_kinds = FIRST_KINDS("kind of entry", "Kinds", ENTRY_KINDS);
const Names asserted_kinds = FIRST_KINDS("way of knowing", "Ways", ENTRY_WITHDRAWN + 1);
const Names believed_kinds = FIRST_KINDS("way of knowing", "Ways", HOW_KNOWN);

/* An entry of which nothing is said yet: valid from when it is known, or a tombstone, which has no validity. */
EntryDraft
entry_draft(EntryKind kind, TimestampTz at)
{
	return (EntryDraft){.kind = kind,
						.at = at,
						.from = kind >= ENTRY_FORGOTTEN ? DT_NOBEGIN : at,
						.until = DT_NOEND,
						.confidence = NO_CONFIDENCE};
}

/* A text of an entry is not longer than it may be; what it is is named in the message. */
static inline void
CheckPiece(Piece piece, int most, const char *what)
{
	if (unlikely(piece.len > most))
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("%s \"%.*s...\" is too long", what,
							   pg_mbcliplen(piece.at, piece.len, 32), piece.at),
						errdetail("It may have %d bytes.", most)));
}

/* A name is not empty. */
static inline void
CheckName(Piece name, int most, const char *what)
{
	if (unlikely(name.len == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s cannot be empty", what)));
	CheckPiece(name, most, what);
}

/* It holds for a while at least. */
static inline void
CheckValid(TimestampTz from, TimestampTz until)
{
	if (unlikely(from >= until))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("an assertion must be valid at some time"),
				 errhint("An assertion that never held is left out.")));
}

static inline void
CheckConfidence(double confidence)
{
	if (confidence != NO_CONFIDENCE)
		CheckShare(confidence, "confidence");
}

/* Who says something says what; a withdrawal and a tombstone have nothing more to say. */
static void
CheckDraft(const EntryDraft *draft)
{
	bool says = draft->kind < HOW_KNOWN;
	bool bare = draft->kind >= ENTRY_FORGOTTEN;

	CheckName(draft->text[TEXT_ATTRIBUTE], ATTRIBUTE_SIZE, "attribute");
	if (says)
		CheckName(draft->text[TEXT_VALUE], PROFILE_TEXT_SIZE, "value");
	CheckPiece(draft->text[TEXT_VALUE], PROFILE_TEXT_SIZE, "value");
	CheckPiece(draft->text[TEXT_SOURCE], PROFILE_TEXT_SIZE, "source");
	CheckInstant(draft->at, "known_at");
	if (draft->from != DT_NOBEGIN)
		CheckInstant(draft->from, "begin of a validity");
	if (draft->until != DT_NOEND)
		CheckInstant(draft->until, "end of a validity");
	CheckValid(draft->from, draft->until);
	CheckConfidence(draft->confidence);
	if (!says && (draft->confidence != NO_CONFIDENCE || draft->text[TEXT_PURPOSES].len > 0 ||
				  draft->text[TEXT_DERIVED].len > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("what is %s has no confidence, purposes or origins",
							   entry_kind_names[draft->kind])));
	if (bare && (draft->text[TEXT_VALUE].len > 0 || draft->text[TEXT_SOURCE].len > 0 ||
				 draft->from != DT_NOBEGIN || draft->until != DT_NOEND))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("what is forgotten has no value, source or validity")));
}

static int
compare_pieces(const void *a, const void *b)
{
	return piece_compare(*(const Piece *) a, *(const Piece *) b);
}

/* Names as an entry keeps them: sorted, each once, ended by a zero; sorts what it is given. */
Piece
pack_names(Piece *names, int n, int most, const char *what)
{
	StringInfoData packed;

	initStringInfo(&packed);
	qsort(names, n, sizeof(Piece), compare_pieces);
	for (int i = 0; i < n; i++)
	{
		CheckName(names[i], most, what);
		if (i > 0 && piece_equal(names[i - 1], names[i]))
			continue;
		appendBinaryStringInfo(&packed, names[i].at, names[i].len);
		appendStringInfoChar(&packed, '\0');
	}
	if (packed.len > PROFILE_TEXT_SIZE)
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("an assertion cannot have %d names of a %s", n, what)));
	return (Piece){packed.data, packed.len};
}

static inline void
CheckProfileBytes(Size bytes)
{
	if (bytes > PROFILE_MAX_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("profile cannot hold %zu bytes of assertions", bytes)));
}

/* An empty profile with room for bytes of entries, which VARSIZE counts. */
Profile *
profile_create(Size room)
{
	Profile *p;

	CheckProfileBytes(room);
	p = palloc0(PROFILE_SIZE(room));
	SET_VARSIZE(p, PROFILE_SIZE(room));
	p->version = PROFILE_VERSION;
	return p;
}

/* The state with room for so many bytes more: itself, or one of twice the size. */
static Profile *
with_room(Profile *state, Size bytes)
{
	if (state_has_room(state, PROFILE_SIZE(state->used), bytes))
		return state;
	CheckProfileBytes((Size) state->used + bytes);
	return state_grown(state, PROFILE_SIZE(state->used), bytes, PROFILE_SIZE(PROFILE_MAX_BYTES));
}

/* A state with an entry more, checked. */
Profile *
profile_append(Profile *state, const EntryDraft *draft)
{
	Size		  size = offsetof(ProfileEntry, text);
	ProfileEntry *entry;
	char		 *to;

	CheckDraft(draft);
	for (int i = 0; i < ENTRY_TEXTS; i++)
		size += draft->text[i].len;
	size = TYPEALIGN(8, size);
	state = with_room(state, size);
	entry = (ProfileEntry *) (state->entries + state->used);
	memset(entry, 0, size);
	entry->size = (uint32) size;
	entry->kind = (uint8) draft->kind;
	entry->at = draft->at;
	entry->from = draft->from;
	entry->until = draft->until;
	entry->confidence = draft->confidence + 0.0; /* no -0 */
	to = entry->text;
	for (int i = 0; i < ENTRY_TEXTS; i++)
	{
		entry->len[i] = (uint16) draft->text[i].len;
		if (draft->text[i].len > 0)
			memcpy(to, draft->text[i].at, draft->text[i].len);
		to += draft->text[i].len;
	}
	state->used += (int32) size;
	state->nentries++;
	return state;
}

/* A state with all entries of another profile or state. */
Profile *
profile_append_all(Profile *state, const Profile *other)
{
	state = with_room(state, other->used);
	memcpy(state->entries + state->used, other->entries, other->used);
	state->used += other->used;
	state->nentries += other->nentries;
	return state;
}

/* Order of two entries: attribute, kind, then what changes least often last. */
int
profile_entry_compare(const void *a, const void *b)
{
	const ProfileEntry *x = a;
	const ProfileEntry *y = b;
	int order = piece_compare(entry_text(x, TEXT_ATTRIBUTE), entry_text(y, TEXT_ATTRIBUTE));

	if (order == 0)
		order = CRM_COMPARE(x->kind, y->kind);
	if (order == 0)
		order = CRM_COMPARE(x->at, y->at);
	if (order == 0)
		order = CRM_COMPARE(x->from, y->from);
	if (order == 0)
		order = CRM_COMPARE(x->until, y->until);
	if (order == 0)
		order = CRM_COMPARE(x->confidence, y->confidence);
	for (int i = TEXT_VALUE; order == 0 && i < ENTRY_TEXTS; i++)
		order = piece_compare(entry_text(x, i), entry_text(y, i));
	return order;
}

static int
compare_entries(const void *a, const void *b)
{
	return profile_entry_compare(*(ProfileEntry *const *) a, *(ProfileEntry *const *) b);
}

/* The tombstones among sorted entries, the last of an attribute and kind: it forbids most. */
static int
find_tombstones(const ProfileEntry **entries, int n, const ProfileEntry **tombstones)
{
	int found = 0;

	for (int i = 0; i < n; i++)
	{
		if (!entry_is_tombstone(entries[i]))
			continue;
		if (found > 0 && tombstones[found - 1]->kind == entries[i]->kind &&
			piece_equal(entry_text(tombstones[found - 1], TEXT_ATTRIBUTE),
						entry_text(entries[i], TEXT_ATTRIBUTE)))
			found--;
		tombstones[found++] = entries[i];
	}
	return found;
}

/* Whether one of the sorted tombstones forbids what was known of an attribute, or from it, at an instant. */
static bool
is_forgotten(const ProfileEntry **tombstones, int n, Piece attribute, EntryKind kind,
			 TimestampTz at)
{
	int low = 0;

	while (low < n)
	{
		int					middle = low + (n - low) / 2;
		const ProfileEntry *t = tombstones[middle];
		int					order = piece_compare(entry_text(t, TEXT_ATTRIBUTE), attribute);

		if (order == 0)
			order = CRM_COMPARE(t->kind, kind);
		if (order == 0)
			return at <= t->at;
		if (order < 0)
			low = middle + 1;
		else
			n = middle;
	}
	return false;
}

/* Whether an entry stays beside the tombstones. */
static bool
stays(const ProfileEntry *entry, const ProfileEntry **tombstones, int n)
{
	Piece origins = entry_text(entry, TEXT_DERIVED);
	Piece origin;

	if (entry_is_tombstone(entry))
		return !is_forgotten(tombstones, n, entry_text(entry, TEXT_ATTRIBUTE), entry->kind,
							 entry->at + 1);
	if (is_forgotten(tombstones, n, entry_text(entry, TEXT_ATTRIBUTE), ENTRY_FORGOTTEN, entry->at))
		return false;
	while (next_name(&origins, &origin))
		if (is_forgotten(tombstones, n, origin, ENTRY_FORGOTTEN_DERIVED, entry->at))
			return false;
	return true;
}

/*
 * The profile of a state's entries, a value of its own. What a tombstone forbids
 * depends on the tombstones alone, so it does not matter when that is looked at:
 * union is commutative, associative and idempotent.
 */
Profile *
profile_settle(const Profile *state)
{
	const ProfileEntry **entries = palloc(sizeof(void *) * Max(state->nentries, 1));
	const ProfileEntry **tombstones = palloc(sizeof(void *) * Max(state->nentries, 1));
	const ProfileEntry	*last = NULL;
	Profile				*p = profile_create(state->used);
	int					 n = 0;
	int					 ntombstones;

	for (const ProfileEntry *at = profile_first(state); at < profile_end(state);
		 at = entry_next(at))
		entries[n++] = at;
	qsort(entries, n, sizeof(void *), compare_entries);
	ntombstones = find_tombstones(entries, n, tombstones);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if ((last != NULL && profile_entry_compare(last, entries[i]) == 0) ||
			(ntombstones > 0 && !stays(entries[i], tombstones, ntombstones)))
			continue;
		last = entries[i];
		memcpy(p->entries + p->used, last, last->size);
		p->used += (int32) last->size;
		p->nentries++;
	}
	SET_VARSIZE(p, PROFILE_SIZE(p->used));
	pfree(entries);
	pfree(tombstones);
	return p;
}
