/*
 * profile_io.c: text and binary forms of the type profile, equality, order and hash.
 *
 * The text form is {entry; entry; ...}, for example
 *	 {stated shoe_size = "42" by "call 12" at 2024-01-01 00:00:00+00 valid [, ) confidence 0.9
 *	  for (service) from (age); withdrawn hobby at ...; forgotten income until ...}
 * An assertion that is valid from when it became known and ever after does not say so.
 */
#include "crm.h"

#include "base/growth.h"
#include "base/scan.h"
#include "common/shortest_dec.h"
#include "contact/consents.h"
#include "memory/profile.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

static Piece
piece_of_string(const char *string)
{
	return (Piece){string, (int) strlen(string)};
}

/* Read "(name, name, ...)". */
static Piece
scan_names(Scanner *s, int most, const char *what)
{
	int	   room = 0;
	Piece *names = NULL;
	int	   n = 0;

	scan_char(s, '(');
	do
	{
		names = array_with_room(names, n, &room, sizeof(Piece));
		names[n++] = piece_of_string(scan_label(s));
	} while (scan_try_char(s, ','));
	scan_char(s, ')');
	return pack_names(names, n, most, what);
}

/* Read "[from, until)". */
static void
scan_valid(Scanner *s, EntryDraft *draft)
{
	scan_char(s, '[');
	draft->from = DT_NOBEGIN;
	if (!scan_try_char(s, ','))
	{
		draft->from = scan_instant(s);
		scan_char(s, ',');
	}
	if (!scan_try_char(s, ')'))
	{
		draft->until = scan_instant(s);
		scan_char(s, ')');
	}
}

/* Read one entry. */
static EntryDraft
scan_entry(Scanner *s)
{
	EntryDraft draft;
	Piece	   attribute;
	Piece	   value = {0};
	Piece	   source = {0};
	int		   kind = names_scan(s, &entry_kinds);

	attribute = piece_of_string(scan_label(s));
	if (scan_try_char(s, '='))
		value = piece_of_string(scan_label(s));
	if (scan_try_word(s, "by"))
		source = piece_of_string(scan_label(s));
	scan_word(s, kind >= ENTRY_FORGOTTEN ? "until" : "at");
	draft = entry_draft((EntryKind) kind, scan_instant(s));
	draft.text[TEXT_ATTRIBUTE] = attribute;
	draft.text[TEXT_VALUE] = value;
	draft.text[TEXT_SOURCE] = source;
	if (scan_try_word(s, "valid"))
		scan_valid(s, &draft);
	if (scan_try_word(s, "confidence"))
	{
		Scanner start = *s;

		draft.confidence = scan_float8(s);
		if (draft.confidence < 0)
			scan_error(&start, "a confidence from 0 to 1");
	}
	if (scan_try_word(s, "for"))
		draft.text[TEXT_PURPOSES] = scan_names(s, PURPOSE_SIZE, "purpose");
	if (scan_try_word(s, "from"))
		draft.text[TEXT_DERIVED] = scan_names(s, ATTRIBUTE_SIZE, "attribute");
	return draft;
}

PG_FUNCTION_INFO_V1(crm_profile_in);
Datum
crm_profile_in(PG_FUNCTION_ARGS)
{
	Scanner	 s = scan_start("profile", PG_GETARG_CSTRING(0));
	Profile *p = profile_create(0);

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			EntryDraft draft = scan_entry(&s);

			CHECK_FOR_INTERRUPTS();
			p = profile_append(p, &draft);
		} while (scan_try_char(&s, ';'));
		scan_char(&s, '}');
	}
	scan_end(&s);
	PG_RETURN_PROFILE(profile_settle(p));
}

static void
append_piece(StringInfo out, const char *before, Piece piece)
{
	appendStringInfoString(out, before);
	append_label(out, pnstrdup(piece.at, piece.len), NULL);
}

static void
append_names(StringInfo out, const char *before, Piece names)
{
	const char *between = before;
	Piece		name;

	if (names.len == 0)
		return;
	while (next_name(&names, &name))
	{
		append_piece(out, between, name);
		between = ", ";
	}
	appendStringInfoChar(out, ')');
}

/* Whether an entry has the validity of one that does not say. */
static bool
has_own_validity(const ProfileEntry *entry)
{
	EntryDraft draft = entry_draft((EntryKind) entry->kind, entry->at);

	return entry->from != draft.from || entry->until != draft.until;
}

static void
append_entry(StringInfo out, const ProfileEntry *entry)
{
	appendStringInfoString(out, entry_kind_names[entry->kind]);
	append_piece(out, " ", entry_text(entry, TEXT_ATTRIBUTE));
	if (entry->len[TEXT_VALUE] > 0)
		append_piece(out, " = ", entry_text(entry, TEXT_VALUE));
	if (entry->len[TEXT_SOURCE] > 0)
		append_piece(out, " by ", entry_text(entry, TEXT_SOURCE));
	appendStringInfo(out, " %s %s", entry_is_tombstone(entry) ? "until" : "at",
					 instant_to_text(entry->at));
	if (has_own_validity(entry))
	{
		appendStringInfo(out, " valid [%s, ",
						 entry->from == DT_NOBEGIN ? "" : instant_to_text(entry->from));
		appendStringInfo(out, "%s)", entry->until == DT_NOEND ? "" : instant_to_text(entry->until));
	}
	if (entry->confidence != NO_CONFIDENCE)
	{
		char digits[DOUBLE_SHORTEST_DECIMAL_LEN];

		double_to_shortest_decimal_buf(entry->confidence, digits);
		appendStringInfo(out, " confidence %s", digits);
	}
	append_names(out, " for (", entry_text(entry, TEXT_PURPOSES));
	append_names(out, " from (", entry_text(entry, TEXT_DERIVED));
}

PG_FUNCTION_INFO_V1(crm_profile_out);
Datum
crm_profile_out(PG_FUNCTION_ARGS)
{
	Profile		  *p = PG_GETARG_PROFILE(0);
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	for (const ProfileEntry *at = profile_first(p); at < profile_end(p); at = entry_next(at))
	{
		if (at != profile_first(p))
			appendStringInfoString(&out, "; ");
		append_entry(&out, at);
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: version, flags (int16), count (int32), then for each entry kind
 * (int8), at, from, until (int64, the lowest and highest number for infinity),
 * confidence (float8, -1 for none), attribute, value and source as counted texts,
 * and the purposes and origins: how many (int32), then counted texts.
 */
#define MESSAGE_MIN_ENTRY (1 + 4 * 8 + 5 * 4 + 1)

static void
send_names(StringInfo out, Piece names)
{
	Piece list = names;
	Piece name;
	int	  n = 0;

	while (next_name(&list, &name))
		n++;
	pq_sendint32(out, n);
	while (next_name(&names, &name))
		send_counted_text(out, name.at, name.len);
}

PG_FUNCTION_INFO_V1(crm_profile_send);
Datum
crm_profile_send(PG_FUNCTION_ARGS)
{
	Profile		  *p = PG_GETARG_PROFILE(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, p->version);
	pq_sendint16(&out, p->flags);
	pq_sendint32(&out, p->nentries);
	for (const ProfileEntry *at = profile_first(p); at < profile_end(p); at = entry_next(at))
	{
		pq_sendint8(&out, at->kind);
		pq_sendint64(&out, at->at);
		pq_sendint64(&out, at->from);
		pq_sendint64(&out, at->until);
		pq_sendfloat8(&out, at->confidence);
		for (int i = TEXT_ATTRIBUTE; i <= TEXT_SOURCE; i++)
			send_counted_text(&out, entry_text(at, i).at, entry_text(at, i).len);
		send_names(&out, entry_text(at, TEXT_PURPOSES));
		send_names(&out, entry_text(at, TEXT_DERIVED));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static Piece
receive_names(StringInfo message, int most, const char *what)
{
	int	   n = receive_count(message, "profile", what, 5);
	Piece *names = palloc(sizeof(Piece) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		names[i] = piece_of_string(receive_counted_text(message, what));
		if (i > 0 && piece_compare(names[i - 1], names[i]) >= 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("names of an assertion are out of order")));
	}
	return pack_names(names, n, most, what);
}

static EntryDraft
receive_entry(StringInfo message)
{
	static const char *const what[] = {"attribute", "value", "source"};
	EntryKind  kind = (EntryKind) receive_choice(message, "profile", "kind", ENTRY_KINDS - 1);
	EntryDraft draft = entry_draft(kind, CheckInstant(pq_getmsgint64(message), "known_at"));

	draft.from = pq_getmsgint64(message);
	draft.until = pq_getmsgint64(message);
	draft.confidence = pq_getmsgfloat8(message);
	for (int i = TEXT_ATTRIBUTE; i <= TEXT_SOURCE; i++)
		draft.text[i] = piece_of_string(receive_counted_text(message, what[i]));
	draft.text[TEXT_PURPOSES] = receive_names(message, PURPOSE_SIZE, "purpose");
	draft.text[TEXT_DERIVED] = receive_names(message, ATTRIBUTE_SIZE, "attribute");
	return draft;
}

PG_FUNCTION_INFO_V1(crm_profile_recv);
Datum
crm_profile_recv(PG_FUNCTION_ARGS)
{
	StringInfo message = (StringInfo) PG_GETARG_POINTER(0);
	Profile	  *sent = profile_create(0);
	Profile	  *settled;
	int		   n;

	receive_header(message, "profile", 2, PROFILE_VERSION, 0);
	n = receive_count(message, "profile", "entries", MESSAGE_MIN_ENTRY);
	for (int i = 0; i < n; i++)
	{
		EntryDraft draft = receive_entry(message);

		CHECK_FOR_INTERRUPTS();
		sent = profile_append(sent, &draft);
	}
	settled = profile_settle(sent);
	if (settled->used != sent->used || memcmp(settled->entries, sent->entries, sent->used) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("entries of a profile are out of order, or forgotten")));
	PG_RETURN_PROFILE(settled);
}

/* A member of an object whose value is a text; nothing if the text is empty. */
static void
append_json_text(StringInfo json, const char *name, Piece text)
{
	if (text.len == 0)
		return;
	appendStringInfo(json, ",\"%s\":", name);
	escape_json(json, pnstrdup(text.at, text.len));
}

static void
append_json_names(StringInfo json, const char *name, Piece names)
{
	const char *between = "";
	Piece		one;

	if (names.len == 0)
		return;
	appendStringInfo(json, ",\"%s\":[", name);
	while (next_name(&names, &one))
	{
		appendStringInfoString(json, between);
		escape_json(json, pnstrdup(one.at, one.len));
		between = ",";
	}
	appendStringInfoChar(json, ']');
}

/* An instant of a validity; an open end is left out. */
static void
append_json_instant(StringInfo json, const char *name, TimestampTz at)
{
	if (!TIMESTAMP_NOT_FINITE(at))
		appendStringInfo(json, ",\"%s\":\"%s\"", name, instant_to_text(at));
}

static void
append_json_entry(StringInfo json, const ProfileEntry *entry)
{
	appendStringInfo(json, "{\"how_known\":\"%s\"", entry_kind_names[entry->kind]);
	append_json_text(json, "attribute", entry_text(entry, TEXT_ATTRIBUTE));
	append_json_text(json, "value", entry_text(entry, TEXT_VALUE));
	append_json_text(json, "source", entry_text(entry, TEXT_SOURCE));
	append_json_instant(json, "known_at", entry->at);
	append_json_instant(json, "valid_from", entry->from);
	append_json_instant(json, "valid_until", entry->until);
	if (entry->confidence != NO_CONFIDENCE)
	{
		char digits[DOUBLE_SHORTEST_DECIMAL_LEN];

		double_to_shortest_decimal_buf(entry->confidence, digits);
		appendStringInfo(json, ",\"confidence\":%s", digits);
	}
	append_json_names(json, "purposes", entry_text(entry, TEXT_PURPOSES));
	append_json_names(json, "derived_from", entry_text(entry, TEXT_DERIVED));
	appendStringInfoChar(json, '}');
}

/* A profile as a jsonb array; what an entry has not is left out of its object. */
PG_FUNCTION_INFO_V1(crm_profile_to_jsonb);
Datum
crm_profile_to_jsonb(PG_FUNCTION_ARGS)
{
	Profile		  *p = PG_GETARG_PROFILE(0);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (const ProfileEntry *at = profile_first(p); at < profile_end(p); at = entry_next(at))
	{
		if (at != profile_first(p))
			appendStringInfoChar(&json, ',');
		append_json_entry(&json, at);
	}
	appendStringInfoChar(&json, ']');
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

/* Order of two profiles: by the first entry that differs, then the fewer first. */
static int
order(const void *x, const void *y)
{
	const Profile	   *a = x;
	const Profile	   *b = y;
	const ProfileEntry *p = profile_first(a);
	const ProfileEntry *q = profile_first(b);

	for (; p < profile_end(a) && q < profile_end(b); p = entry_next(p), q = entry_next(q))
	{
		int difference = profile_entry_compare(p, q);

		if (difference != 0)
			return difference;
	}
	return CRM_COMPARE(a->nentries, b->nentries);
}

static Content
content(const void *profile)
{
	const Profile *p = profile;

	return (Content){p->entries, (Size) p->used};
}

VALUE_FUNCTIONS(profile, order, content);
