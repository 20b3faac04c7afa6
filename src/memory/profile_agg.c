/*
 * profile_agg.c: profiles made: of one assertion, of rows, of profiles, and
 * without what is to be forgotten.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "base/during.h"
#include "catalog/pg_type.h"
#include "contact/consents.h"
#include "memory/profile.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* The names of a text array; none of NULL. */
static Piece
names_of_array(ArrayType *array, int most, const char *what)
{
	Datum *elements;
	bool  *nulls;
	Piece *names;
	int	   n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	names = palloc(sizeof(Piece) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s of an assertion cannot be null", what)));
		names[i] = piece_of(DatumGetTextPP(elements[i]));
	}
	return pack_names(names, n, most, what);
}

/* Where the arguments of an assertion stand. */
enum
{
	ARG_ATTRIBUTE,
	ARG_VALUE,
	ARG_HOW_KNOWN,
	ARG_SOURCE,
	ARG_KNOWN_AT,
	ARG_VALID,
	ARG_CONFIDENCE,
	ARG_PURPOSES,
	ARG_DERIVED_FROM
};

/* What more than the first five arguments say of an assertion: false if it is valid at no time. */
static bool
set_options(FunctionCallInfo fcinfo, int first, EntryDraft *draft)
{
	if (!PG_ARGISNULL(first + ARG_VALID) &&
		!range_instants(PG_GETARG_RANGE_P(first + ARG_VALID), &draft->from, &draft->until))
		return false;
	if (!PG_ARGISNULL(first + ARG_CONFIDENCE))
	{
		draft->confidence = PG_GETARG_FLOAT8(first + ARG_CONFIDENCE);
		if (draft->confidence < 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("confidence cannot be negative")));
	}
	if (!PG_ARGISNULL(first + ARG_PURPOSES))
		draft->text[TEXT_PURPOSES] =
			names_of_array(PG_GETARG_ARRAYTYPE_P(first + ARG_PURPOSES), PURPOSE_SIZE, "purpose");
	if (!PG_ARGISNULL(first + ARG_DERIVED_FROM))
		draft->text[TEXT_DERIVED] = names_of_array(PG_GETARG_ARRAYTYPE_P(first + ARG_DERIVED_FROM),
												   ATTRIBUTE_SIZE, "attribute");
	return true;
}

/* The state with the assertion that the arguments from one on make; as it was if they lack what it needs. */
static Profile *
append_arguments(FunctionCallInfo fcinfo, int first, Profile *state)
{
	EntryDraft draft;
	EntryKind  kind;

	if (PG_ARGISNULL(first + ARG_ATTRIBUTE) || PG_ARGISNULL(first + ARG_HOW_KNOWN) ||
		PG_ARGISNULL(first + ARG_KNOWN_AT))
		return state;
	kind = (EntryKind) names_get_text(&asserted_kinds, PG_GETARG_TEXT_PP(first + ARG_HOW_KNOWN));
	if (PG_ARGISNULL(first + ARG_VALUE) && kind != ENTRY_WITHDRAWN)
		return state;
	draft =
		entry_draft(kind, CheckInstant(PG_GETARG_TIMESTAMPTZ(first + ARG_KNOWN_AT), "known_at"));
	draft.text[TEXT_ATTRIBUTE] = piece_of(PG_GETARG_TEXT_PP(first + ARG_ATTRIBUTE));
	if (!PG_ARGISNULL(first + ARG_VALUE))
		draft.text[TEXT_VALUE] = piece_of(PG_GETARG_TEXT_PP(first + ARG_VALUE));
	if (!PG_ARGISNULL(first + ARG_SOURCE))
		draft.text[TEXT_SOURCE] = piece_of(PG_GETARG_TEXT_PP(first + ARG_SOURCE));
	if (PG_NARGS() > first + ARG_VALID && !set_options(fcinfo, first, &draft))
		return state;
	return profile_append(state, &draft);
}

/* The profile of one assertion; an empty one if it lacks attribute, value, how or when, or never holds. */
PG_FUNCTION_INFO_V1(crm_assertion);
Datum
crm_assertion(PG_FUNCTION_ARGS)
{
	PG_RETURN_PROFILE(profile_settle(append_arguments(fcinfo, 0, profile_create(0))));
}

/* The state of an aggregate, new for its first row. */
static Profile *
profile_state(FunctionCallInfo fcinfo)
{
	(void) CheckInAggregate(fcinfo);
	return PG_ARGISNULL(0) ? profile_create(1024) : PG_GETARG_PROFILE(0);
}

/* A row more: attribute, value, how_known, source, known_at and, if they are there, the options. */
PG_FUNCTION_INFO_V1(crm_profile_transition);
Datum
crm_profile_transition(PG_FUNCTION_ARGS)
{
	PG_RETURN_PROFILE(append_arguments(fcinfo, 1, profile_state(fcinfo)));
}

/* A profile more. */
PG_FUNCTION_INFO_V1(crm_profile_merge_transition);
Datum
crm_profile_merge_transition(PG_FUNCTION_ARGS)
{
	Profile *state = profile_state(fcinfo);

	if (!PG_ARGISNULL(1))
		state = profile_append_all(state, PG_GETARG_PROFILE(1));
	PG_RETURN_PROFILE(state);
}

/* The union of two, a value: of profiles the + operator, of states the combine function. */
PG_FUNCTION_INFO_V1(crm_profile_plus);
Datum
crm_profile_plus(PG_FUNCTION_ARGS)
{
	const Profile *a = PG_GETARG_PROFILE(0);
	const Profile *b = PG_GETARG_PROFILE(1);
	Profile		  *both = profile_create((Size) a->used + b->used);

	both = profile_append_all(profile_append_all(both, a), b);
	PG_RETURN_PROFILE(profile_settle(both));
}

/* The profile of a state. */
PG_FUNCTION_INFO_V1(crm_profile_final);
Datum
crm_profile_final(PG_FUNCTION_ARGS)
{
	PG_RETURN_PROFILE(profile_settle(PG_GETARG_PROFILE(0)));
}

/* The forms of a state are those of the profile that it holds. */
static Datum
form_of_state(FunctionCallInfo fcinfo, PGFunction form)
{
	return DirectFunctionCall1(form, PointerGetDatum(profile_settle(PG_GETARG_PROFILE(0))));
}

PG_FUNCTION_INFO_V1(crm_profile_state_in);
Datum
crm_profile_state_in(PG_FUNCTION_ARGS)
{
	return crm_profile_in(fcinfo);
}

PG_FUNCTION_INFO_V1(crm_profile_state_out);
Datum
crm_profile_state_out(PG_FUNCTION_ARGS)
{
	return form_of_state(fcinfo, crm_profile_out);
}

PG_FUNCTION_INFO_V1(crm_profile_state_recv);
Datum
crm_profile_state_recv(PG_FUNCTION_ARGS)
{
	return crm_profile_recv(fcinfo);
}

PG_FUNCTION_INFO_V1(crm_profile_state_send);
Datum
crm_profile_state_send(PG_FUNCTION_ARGS)
{
	return form_of_state(fcinfo, crm_profile_send);
}

/* Whether an assertion of the instant or before was derived from one of the attributes. */
static bool
is_derived_from(const ProfileEntry *entry, Piece *attributes, int n)
{
	Piece origins = entry_text(entry, TEXT_DERIVED);
	Piece origin;

	while (next_name(&origins, &origin))
		for (int i = 0; i < n; i++)
			if (piece_equal(attributes[i], origin))
				return true;
	return false;
}

static bool
has_piece(const Piece *pieces, int n, Piece piece)
{
	for (int i = 0; i < n; i++)
		if (piece_equal(pieces[i], piece))
			return true;
	return false;
}

/* The attributes that something known by an instant was derived from, step by step, beginning with the first. */
static int
follow_derived(const Profile *p, TimestampTz until, Piece *reached)
{
	int n = 1;

	for (int before = 0; before < n;)
	{
		before = n;
		for (const ProfileEntry *at = profile_first(p); at < profile_end(p); at = entry_next(at))
			if (at->at <= until && is_derived_from(at, reached, n) &&
				!has_piece(reached, n, entry_text(at, TEXT_ATTRIBUTE)))
				reached[n++] = entry_text(at, TEXT_ATTRIBUTE);
	}
	return n;
}

static Profile *
append_tombstone(Profile *state, EntryKind kind, Piece attribute, TimestampTz until)
{
	EntryDraft draft = entry_draft(kind, until);

	draft.text[TEXT_ATTRIBUTE] = attribute;
	return profile_append(state, &draft);
}

/*
 * (profile, until, attribute, derived): the profile without what was known of an
 * attribute at an instant or before, with a tombstone in its place. With derived,
 * what was derived from it goes too, and what was derived from that.
 */
PG_FUNCTION_INFO_V1(crm_forget);
Datum
crm_forget(PG_FUNCTION_ARGS)
{
	const Profile *p = PG_GETARG_PROFILE(0);
	TimestampTz	   until = CheckInstant(PG_GETARG_TIMESTAMPTZ(1), "as_of");
	Piece		  *reached = palloc(sizeof(Piece) * ((Size) p->nentries + 1));
	int			   n;
	Profile		  *state = profile_append_all(profile_create(0), p);

	reached[0] = piece_of(PG_GETARG_TEXT_PP(2));
	state = append_tombstone(state, ENTRY_FORGOTTEN, reached[0], until);
	n = PG_GETARG_BOOL(3) ? follow_derived(p, until, reached) : 0;
	for (int i = 0; i < n; i++)
		state = append_tombstone(state, ENTRY_FORGOTTEN_DERIVED, reached[i], until);
	PG_RETURN_PROFILE(profile_settle(state));
}
