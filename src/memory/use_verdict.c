/*
 * use_verdict.c: whether what is known of a customer may be used, why, and what
 * would make it allowed.
 *
 * Articles are those of Regulation (EU) 2016/679 (GDPR): 5(1)(b) purpose
 * limitation, 6(1) lawful bases, 9 special categories, 10 criminal convictions,
 * 22 decisions from profiles.
 */
#include "crm.h"

#include "base/rows.h"
#include "memory/fact.h"
#include "utils/builtins.h"

/* The consent that inferences need. */
static const char *const profiling = "profiling";

/* The uses of an attribute in a rule: the first and how many. */
static const ProfileUse *
find_uses(const ProfileRule *rule, Piece attribute, int *n)
{
	int low = 0;
	int high = rule->nuses;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (piece_compare(piece_of_field(rule->uses[middle].attribute, ATTRIBUTE_SIZE), attribute) <
			0)
			low = middle + 1;
		else
			high = middle;
	}
	*n = 0;
	while (low + *n < rule->nuses &&
		   piece_equal(piece_of_field(rule->uses[low + *n].attribute, ATTRIBUTE_SIZE), attribute))
		(*n)++;
	return &rule->uses[low];
}

/* Whether a grant on a basis for a purpose holds at an instant. */
static bool
has_grant(const Consents *consents, Piece purpose, ConsentBasis basis, TimestampTz at)
{
	for (int i = 0; consents != NULL && i < consents->ngrants; i++)
	{
		const Grant *grant = &consents->grants[i];

		if (grant->basis == basis && grant->from <= at && at < grant->until &&
			piece_equal(piece_of_field(grant->purpose, PURPOSE_SIZE), purpose))
			return true;
	}
	return false;
}

/* What a verdict finds: the first reason, and all that is missing. */
typedef struct Verdict
{
	const char *reason;		/* NULL while nothing is against it */
	bool		never;		/* nothing would make it allowed */
	const char *missing[4]; /* one for each thing that can be */
	int			nmissing;
} Verdict;

static void
refuse(Verdict *verdict, const char *reason, const char *missing)
{
	if (verdict->reason == NULL)
		verdict->reason = reason;
	if (missing == NULL)
	{
		verdict->never = true;
		return;
	}
	for (int i = 0; i < verdict->nmissing; i++)
		if (strcmp(verdict->missing[i], missing) == 0)
			return;
	verdict->missing[verdict->nmissing++] = missing;
}

/* All that is missing, in words. */
static Datum
missing_text(const Verdict *verdict)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < verdict->nmissing; i++)
		appendStringInfo(&out, "%s%s", i > 0 ? ", " : "", verdict->missing[i]);
	return CStringGetTextDatum(out.data);
}

/* A name as it stands in reasons. */
static char *
label(Piece piece)
{
	return text_to_cstring(cstring_to_text_with_len(piece.at, piece.len));
}

/* The basis of the rule that the customer's grants bear out; NULL if none does. */
static const ProfileUse *
basis_in_force(const ProfileUse *uses, int n, Piece purpose, const Consents *consents,
			   TimestampTz at)
{
	for (int i = 0; i < n; i++)
		if (piece_equal(piece_of_field(uses[i].purpose, PURPOSE_SIZE), purpose) &&
			has_grant(consents, purpose, (ConsentBasis) uses[i].basis, at))
			return &uses[i];
	return NULL;
}

/* The first use of a purpose in the rule; NULL if it is not listed. */
static const ProfileUse *
listed_use(const ProfileUse *uses, int n, Piece purpose)
{
	for (int i = 0; i < n; i++)
		if (piece_equal(piece_of_field(uses[i].purpose, PURPOSE_SIZE), purpose))
			return &uses[i];
	return NULL;
}

/* Refuse a special category without consent of its own, and criminal convictions always. */
static void
judge_category(Verdict *verdict, const ProfileUse *use, const Consents *consents, TimestampTz at)
{
	Piece category = piece_of_field(use->category, CATEGORY_SIZE);

	switch (category_kind(category))
	{
		case CATEGORY_ORDINARY:
			break;
		case CATEGORY_CRIMINAL:
			refuse(verdict, "criminal convictions and offences (Art. 10 GDPR)", NULL);
			break;
		case CATEGORY_SPECIAL:
			if (!has_grant(consents, category, BASIS_CONSENT, at))
				refuse(verdict, psprintf("%s is a special category (Art. 9 GDPR)", label(category)),
					   psprintf("consent for %s", label(category)));
			break;
	}
}

/* Refuse what the fact itself does not allow: another purpose than it was collected for, an inference without consent. */
static void
judge_fact(Verdict *verdict, const ProfileEntry *fact, Piece purpose, const Consents *consents,
		   TimestampTz at)
{
	Piece collected = entry_text(fact, TEXT_PURPOSES);
	Piece inferences = {profiling, (int) strlen(profiling)};

	if (collected.len > 0 && !names_have(collected, purpose) &&
		!has_grant(consents, purpose, BASIS_CONSENT, at))
		refuse(verdict, psprintf("not collected for %s (Art. 5(1)(b) GDPR)", label(purpose)),
			   psprintf("consent for %s", label(purpose)));
	if (fact->kind == ENTRY_INFERRED && !has_grant(consents, inferences, BASIS_CONSENT, at))
		refuse(verdict, "inferred, and no consent for profiling (Art. 22 GDPR)",
			   "consent for profiling");
}

/* Judge a use of a fact: its basis for the purpose, its category, and itself. */
static void
judge(Verdict *verdict, const ProfileUse *uses, int n, const ProfileEntry *fact, Piece purpose,
	  const Consents *consents, TimestampTz at)
{
	const ProfileUse *listed = listed_use(uses, n, purpose);

	if (purpose.len == 0 || listed == NULL)
	{
		refuse(verdict,
			   psprintf("the rule does not list %s for it (Art. 5(1)(b) GDPR)", label(purpose)),
			   NULL);
		return;
	}
	if (fact == NULL)
	{
		refuse(verdict, "nothing is known of it", NULL);
		return;
	}
	judge_category(verdict, listed, consents, at);
	if (basis_in_force(uses, n, purpose, consents, at) == NULL)
		refuse(verdict,
			   psprintf("no %s for %s (Art. 6 GDPR)", basis_names[listed->basis], label(purpose)),
			   psprintf("%s for %s", basis_names[listed->basis], label(purpose)));
	judge_fact(verdict, fact, purpose, consents, at);
}

/* Why a use is allowed: its basis, and how the fact is known. */
static char *
granted(const ProfileUse *use, const ProfileEntry *fact, Piece purpose)
{
	Piece source = entry_text(fact, TEXT_SOURCE);

	return psprintf("%s for %s, %s%s%s", basis_names[use->basis], label(purpose),
					entry_kind_names[fact->kind], source.len > 0 ? " by " : "", label(source));
}

/* An argument without which there is no question. */
static inline void
CheckGiven(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s of a use cannot be null", name)));
}

/* (rule, profile, consents, as_of, attribute, purpose) -> allowed, reason, missing, value: the value of what may be used, else NULL. */
PG_FUNCTION_INFO_V1(crm_use_verdict);
Datum
crm_use_verdict(PG_FUNCTION_ARGS)
{
	const Profile	   *p = PG_ARGISNULL(1) ? NULL : PG_GETARG_PROFILE(1);
	const Consents	   *consents = PG_ARGISNULL(2) ? NULL : PG_GETARG_CONSENTS(2);
	Asked				asked = asked_of(fcinfo, 3, -1);
	Datum				values[4] = {0};
	bool				nulls[4] = {false, false, true, true};
	Verdict				verdict = {0};
	const ProfileRule  *rule;
	const ProfileUse   *uses;
	const ProfileEntry *fact = NULL;
	Piece				attribute;
	Piece				purpose;
	int					n;

	CheckGiven(fcinfo, 0, "rule");
	CheckGiven(fcinfo, 4, "attribute");
	CheckGiven(fcinfo, 5, "purpose");
	rule = PG_GETARG_PROFILE_RULE(0);
	attribute = piece_of(PG_GETARG_TEXT_PP(4));
	purpose = piece_of(PG_GETARG_TEXT_PP(5));
	uses = find_uses(rule, attribute, &n);
	if (p != NULL && n > 0)
		fact = fact_of(rule, p, find_attribute(p, attribute), asked).entry;
	if (n == 0)
		refuse(&verdict, "the rule does not list it", NULL);
	else
		judge(&verdict, uses, n, fact, purpose, consents, asked.as_of);

	values[0] = BoolGetDatum(verdict.reason == NULL);
	if (verdict.reason == NULL)
	{
		verdict.reason =
			granted(basis_in_force(uses, n, purpose, consents, asked.as_of), fact, purpose);
		values[3] = PointerGetDatum(cstring_to_text_with_len(entry_text(fact, TEXT_VALUE).at,
															 entry_text(fact, TEXT_VALUE).len));
		nulls[3] = false;
	}
	else if (!verdict.never)
	{
		values[2] = missing_text(&verdict);
		nulls[2] = false;
	}
	values[1] = CStringGetTextDatum(verdict.reason);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
