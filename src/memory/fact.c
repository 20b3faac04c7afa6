/*
 * fact.c: what is believed of a customer on a day, and why.
 *
 * In force is what was known by then, holds on the day and is not withdrawn. Of
 * that, what is believed comes from the kind that the rule puts first; within a
 * kind, what became known last; among equals the last in the order of a profile,
 * so that the answer is one.
 */
#include "crm.h"

#include "base/rows.h"
#include "catalog/pg_type.h"
#include "memory/fact.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* The instants of a question; known_by is as_of unless it is given. */
Asked
asked_of(FunctionCallInfo fcinfo, int as_of, int known_by)
{
	Asked asked;

	if (PG_ARGISNULL(as_of))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of cannot be null")));
	asked.as_of = CheckFiniteInstant(PG_GETARG_TIMESTAMPTZ(as_of), "as_of");
	asked.known_by =
		known_by < 0 || PG_ARGISNULL(known_by) ? asked.as_of : PG_GETARG_TIMESTAMPTZ(known_by);
	return asked;
}

/* The first entry of an attribute, or the end. */
const ProfileEntry *
find_attribute(const Profile *p, Piece attribute)
{
	const ProfileEntry *at = profile_first(p);

	while (at < profile_end(p) && piece_compare(entry_text(at, TEXT_ATTRIBUTE), attribute) < 0)
		at = entry_next(at);
	return is_of_attribute(p, at, attribute) ? at : profile_end(p);
}

static inline bool
holds(const ProfileEntry *entry, Asked asked)
{
	return entry->at <= asked.known_by && entry->from <= asked.as_of && asked.as_of < entry->until;
}

/* Whether an assertion is in force; first and end: the entries of its attribute. */
bool
is_in_force(const ProfileEntry *first, const ProfileEntry *end, const ProfileEntry *entry,
			Asked asked)
{
	if (entry->kind >= HOW_KNOWN || !holds(entry, asked))
		return false;
	for (const ProfileEntry *w = first; w < end; w = entry_next(w))
		if (w->kind == ENTRY_WITHDRAWN && w->at >= entry->at && holds(w, asked) &&
			(w->len[TEXT_VALUE] == 0 ||
			 piece_equal(entry_text(w, TEXT_VALUE), entry_text(entry, TEXT_VALUE))))
			return false;
	return true;
}

/* Where the entries of an attribute end. */
static const ProfileEntry *
attribute_end(const Profile *p, const ProfileEntry *first)
{
	Piece				attribute;
	const ProfileEntry *at = first;

	if (first >= profile_end(p))
		return first;
	attribute = entry_text(first, TEXT_ATTRIBUTE);
	while (is_of_attribute(p, at, attribute))
		at = entry_next(at);
	return at;
}

/* What is believed of the attribute whose entries begin there. */
Fact
fact_of(const ProfileRule *rule, const Profile *p, const ProfileEntry *first, Asked asked)
{
	const ProfileEntry *end = attribute_end(p, first);
	Fact				fact = {0};

	for (const ProfileEntry *at = first; at < end; at = entry_next(at))
	{
		int rank;

		if (!is_in_force(first, end, at, asked))
			continue;
		fact.counts[at->kind]++;
		rank = rule_rank(rule, (EntryKind) at->kind);
		if (fact.entry == NULL || rank < rule_rank(rule, (EntryKind) fact.entry->kind) ||
			(rank == rule_rank(rule, (EntryKind) fact.entry->kind) && at->at >= fact.entry->at))
			fact.entry = at;
	}
	return fact;
}

/* Why this one: the newest of so many of its kind, before others. */
static Datum
why(const ProfileRule *rule, const Fact *fact)
{
	StringInfoData out;
	const char	  *before = " before ";

	initStringInfo(&out);
	if (fact->counts[fact->entry->kind] > 1)
		appendStringInfo(&out, "newest of %d %s", fact->counts[fact->entry->kind],
						 entry_kind_names[fact->entry->kind]);
	else
		appendStringInfoString(&out, entry_kind_names[fact->entry->kind]);
	for (int rank = 0; rank < HOW_KNOWN; rank++)
		for (int kind = 0; kind < HOW_KNOWN; kind++)
			if (rule_rank(rule, (EntryKind) kind) == rank && kind != fact->entry->kind &&
				fact->counts[kind] > 0)
			{
				appendStringInfo(&out, "%s%d %s", before, fact->counts[kind],
								 entry_kind_names[kind]);
				before = ", ";
			}
	return CStringGetTextDatum(out.data);
}

static Datum
text_datum(Piece piece)
{
	return PointerGetDatum(cstring_to_text_with_len(piece.at, piece.len));
}

/* A list as a text array; NULL if it is empty. */
static void
set_names(Datum *value, bool *isnull, Piece names)
{
	Datum *elements = palloc(sizeof(Datum) * (names.len + 1));
	Piece  name;
	int	   n = 0;

	while (next_name(&names, &name))
		elements[n++] = text_datum(name);
	*isnull = n == 0;
	if (n > 0)
		*value = PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
set_text(Datum *value, bool *isnull, Piece piece)
{
	*isnull = piece.len == 0;
	if (piece.len > 0)
		*value = text_datum(piece);
}

/* Since when it holds; since it is known, if it always did. */
static TimestampTz
since(const ProfileEntry *entry)
{
	return entry->from == DT_NOBEGIN ? entry->at : entry->from;
}

/* The rule of an argument, NULL if it is. */
static const ProfileRule *
rule_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : PG_GETARG_PROFILE_RULE(arg);
}

/* (profile, as_of, attribute, known_by, rule) -> value, how_known, source, since, why; all NULL if nothing is known. */
PG_FUNCTION_INFO_V1(crm_fact);
Datum
crm_fact(PG_FUNCTION_ARGS)
{
	Asked			   asked = asked_of(fcinfo, 1, 3);
	const ProfileRule *rule = rule_or_null(fcinfo, 4);
	Datum			   values[5] = {0};
	bool			   nulls[5] = {true, true, true, true, true};
	Fact			   fact = {0};

	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(2))
	{
		const Profile *p = PG_GETARG_PROFILE(0);

		fact = fact_of(rule, p, find_attribute(p, piece_of(PG_GETARG_TEXT_PP(2))), asked);
	}
	if (fact.entry != NULL)
	{
		set_text(&values[0], &nulls[0], entry_text(fact.entry, TEXT_VALUE));
		values[1] = CStringGetTextDatum(entry_kind_names[fact.entry->kind]);
		set_text(&values[2], &nulls[2], entry_text(fact.entry, TEXT_SOURCE));
		values[3] = TimestampTzGetDatum(since(fact.entry));
		values[4] = why(rule, &fact);
		nulls[1] = nulls[3] = nulls[4] = false;
	}
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}

/* The rows of facts or assertions: where they stand. */
typedef struct FactRows
{
	const Profile	   *profile;
	const ProfileRule  *rule;
	Asked				asked;
	const ProfileEntry *at;
} FactRows;

static int
compare_texts(const void *a, const void *b)
{
	return piece_compare(piece_of(DatumGetTextPP(*(const Datum *) a)),
						 piece_of(DatumGetTextPP(*(const Datum *) b)));
}

/* The other values in force of the fact's attribute, each once; NULL if there are none. */
static void
set_contradictions(Datum *value, bool *isnull, const FactRows *rows, const ProfileEntry *end,
				   const ProfileEntry *fact)
{
	Datum *others = palloc(sizeof(Datum) * (rows->profile->nentries + 1));
	int	   n = 0;
	int	   kept = 0;

	for (const ProfileEntry *at = rows->at; at < end; at = entry_next(at))
		if (is_in_force(rows->at, end, at, rows->asked) &&
			!piece_equal(entry_text(at, TEXT_VALUE), entry_text(fact, TEXT_VALUE)))
			others[n++] = text_datum(entry_text(at, TEXT_VALUE));
	qsort(others, n, sizeof(Datum), compare_texts);
	for (int i = 0; i < n; i++)
		if (kept == 0 || compare_texts(&others[kept - 1], &others[i]) != 0)
			others[kept++] = others[i];
	*isnull = kept == 0;
	if (kept > 0)
		*value = PointerGetDatum(construct_array(others, kept, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The next attribute of which something is known, moving on; false behind the last. */
static bool
next_fact(FactRows *rows, Datum *values, bool *nulls)
{
	while (rows->at < profile_end(rows->profile))
	{
		const ProfileEntry *end = attribute_end(rows->profile, rows->at);
		Fact				fact = fact_of(rows->rule, rows->profile, rows->at, rows->asked);

		CHECK_FOR_INTERRUPTS();
		if (fact.entry != NULL)
		{
			values[0] = text_datum(entry_text(fact.entry, TEXT_ATTRIBUTE));
			values[1] = text_datum(entry_text(fact.entry, TEXT_VALUE));
			values[2] = CStringGetTextDatum(entry_kind_names[fact.entry->kind]);
			set_text(&values[3], &nulls[3], entry_text(fact.entry, TEXT_SOURCE));
			values[4] = TimestampTzGetDatum(since(fact.entry));
			values[5] = why(rows->rule, &fact);
			set_contradictions(&values[6], &nulls[6], rows, end, fact.entry);
			rows->at = end;
			return true;
		}
		rows->at = end;
	}
	return false;
}

/* The state of rows over the profile of the first argument, which may be NULL. */
static FuncCallContext *
start_rows(FunctionCallInfo fcinfo, const ProfileRule *rule, Asked asked)
{
	FuncCallContext *rows = rows_start(fcinfo, sizeof(FactRows));
	FactRows		*at = rows->user_fctx;

	at->profile =
		rows_copy_varlena(rows, PG_ARGISNULL(0) ? profile_create(0) : PG_GETARG_PROFILE(0));
	at->rule = rule == NULL ? NULL : rows_copy_varlena(rows, rule);
	at->asked = asked;
	at->at = profile_first(at->profile);
	return rows;
}

/* (profile, as_of, known_by, rule): a row for each attribute of which something is known, contradictions beside it. */
PG_FUNCTION_INFO_V1(crm_facts);
Datum
crm_facts(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	Datum			 values[7] = {0};
	bool			 nulls[7] = {0};

	if (SRF_IS_FIRSTCALL())
		start_rows(fcinfo, rule_or_null(fcinfo, 3), asked_of(fcinfo, 1, 2));
	rows = SRF_PERCALL_SETUP();
	if (next_fact(rows->user_fctx, values, nulls))
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	SRF_RETURN_DONE(rows);
}

/* The entries of a profile as rows: kind, attribute, value, source, known_at, valid_from, valid_until, confidence, purposes, derived_from. */
PG_FUNCTION_INFO_V1(crm_assertions);
Datum
crm_assertions(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	FactRows		*state;
	Datum			 values[10] = {0};
	bool			 nulls[10] = {0};

	if (SRF_IS_FIRSTCALL())
		start_rows(fcinfo, NULL, (Asked){0, 0});
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	if (state->at >= profile_end(state->profile))
		SRF_RETURN_DONE(rows);
	values[0] = text_datum(entry_text(state->at, TEXT_ATTRIBUTE));
	set_text(&values[1], &nulls[1], entry_text(state->at, TEXT_VALUE));
	values[2] = CStringGetTextDatum(entry_kind_names[state->at->kind]);
	set_text(&values[3], &nulls[3], entry_text(state->at, TEXT_SOURCE));
	values[4] = TimestampTzGetDatum(state->at->at);
	values[5] = TimestampTzGetDatum(state->at->from);
	values[6] = TimestampTzGetDatum(state->at->until);
	nulls[5] = nulls[6] = entry_is_tombstone(state->at);
	values[7] = Float8GetDatum(state->at->confidence);
	nulls[7] = state->at->confidence == NO_CONFIDENCE;
	set_names(&values[8], &nulls[8], entry_text(state->at, TEXT_PURPOSES));
	set_names(&values[9], &nulls[9], entry_text(state->at, TEXT_DERIVED));
	state->at = entry_next(state->at);
	return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
}
