/*
 * profile_rule.c: the type profile_rule: what may be used for what.
 *
 * The text form is rules separated by semicolons, for example
 *	 shoe_size is preference for service by contract, marketing by legitimate_interest;
 *	 expects_child is family for advice by consent; order observed, stated, inferred
 * An order of stated, observed, inferred is the usual one and not written.
 */
#include "crm.h"

#include "base/growth.h"
#include "base/json.h"
#include "base/scan.h"
#include "memory/profile_rule.h"
#include "miscadmin.h"

static const char *const reserved_words[] = {"order", NULL};

/* The special categories of Article 9(1) GDPR. */
static const char *const special_categories[] = {
	"ethnic_origin", "politics",  "religion", "union_membership",
	"genetic",		 "biometric", "health",	  "sexual_life",
};

/* What the law says of a category. */
CategoryKind
category_kind(Piece category)
{
	for (size_t i = 0; i < lengthof(special_categories); i++)
		if (category.len == (int) strlen(special_categories[i]) &&
			pg_strncasecmp(category.at, special_categories[i], category.len) == 0)
			return CATEGORY_SPECIAL;
	return category.len == 8 && pg_strncasecmp(category.at, "criminal", 8) == 0 ? CATEGORY_CRIMINAL
																				: CATEGORY_ORDINARY;
}

/* Put a name into a field of fixed size, filled up with zeros. */
static void
set_field(char *field, size_t size, const char *name, const char *what)
{
	size_t len = strlen(name);

	if (len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s cannot be empty", what)));
	if (len > size)
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("%s \"%s\" is too long", what, name),
						errdetail("It may have %d bytes.", (int) size)));
	memset(field, 0, size);
	memcpy(field, name, len);
}

/* A rule with room for so many uses, in the usual order. */
static ProfileRule *
rule_create(int nuses)
{
	ProfileRule *rule;

	if (nuses > PROFILE_RULE_MAX_USES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("profile rule cannot hold %d uses", nuses),
						errdetail("It holds at most %d.", PROFILE_RULE_MAX_USES)));
	rule = palloc0(PROFILE_RULE_SIZE(nuses));
	SET_VARSIZE(rule, PROFILE_RULE_SIZE(nuses));
	rule->version = PROFILE_RULE_VERSION;
	for (int i = 0; i < HOW_KNOWN; i++)
		rule->order[i] = (uint8) i;
	rule->nuses = nuses;
	return rule;
}

static int
compare_uses(const void *a, const void *b)
{
	const ProfileUse *x = a;
	const ProfileUse *y = b;
	int				  order = memcmp(x->attribute, y->attribute, ATTRIBUTE_SIZE);

	if (order == 0)
		order = memcmp(x->purpose, y->purpose, PURPOSE_SIZE);
	return order != 0 ? order : CRM_COMPARE(x->basis, y->basis);
}

/* An attribute is listed once, with one category, and each use of it once. */
static void
CheckUses(const ProfileUse *uses, int n)
{
	for (int i = 1; i < n; i++)
	{
		const ProfileUse *a = &uses[i - 1];
		const ProfileUse *b = &uses[i];

		if (memcmp(a->attribute, b->attribute, ATTRIBUTE_SIZE) != 0)
			continue;
		if (memcmp(a->category, b->category, CATEGORY_SIZE) != 0 || a->purpose[0] == '\0' ||
			compare_uses(a, b) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("profile rule lists attribute \"%.*s\" twice",
								   piece_of_field(b->attribute, ATTRIBUTE_SIZE).len, b->attribute),
							errhint("List all its purposes behind one category.")));
	}
}

/* Uses that grow as they are read. */
typedef struct Uses
{
	ProfileUse *uses;
	int			n;
	int			room;
} Uses;

static void
add_use(Uses *to, const ProfileUse *use)
{
	if (to->n == PROFILE_RULE_MAX_USES)
		rule_create(to->n + 1);
	to->uses = array_with_room(to->uses, to->n, &to->room, sizeof(ProfileUse));
	to->uses[to->n++] = *use;
}

/* Read "stated, observed, inferred" in any order. */
static void
scan_order(Scanner *s, uint8 *order)
{
	for (int i = 0; i < HOW_KNOWN; i++)
	{
		Scanner start;
		int		kind;

		if (i > 0)
			scan_char(s, ',');
		start = *s;
		kind = names_scan(s, &believed_kinds);
		for (int j = 0; j < i; j++)
			kind = order[j] == kind ? -1 : kind;
		if (kind < 0)
			scan_error(&start, "each of stated, observed and inferred once");
		order[i] = (uint8) kind;
	}
}

/* Read "attribute is category [for purpose by basis, ...]". */
static void
scan_uses(Scanner *s, Uses *to)
{
	ProfileUse use = {.basis = BASIS_CONSENT};

	set_field(use.attribute, ATTRIBUTE_SIZE, scan_label(s), "attribute");
	scan_word(s, "is");
	set_field(use.category, CATEGORY_SIZE, scan_label(s), "category");
	if (!scan_try_word(s, "for"))
	{
		add_use(to, &use);
		return;
	}
	do
	{
		char *purpose = scan_label(s);

		purpose_set(use.purpose, purpose, strlen(purpose));
		scan_word(s, "by");
		use.basis = (uint8) names_scan(s, &consent_bases);
		add_use(to, &use);
	} while (scan_try_char(s, ','));
}

PG_FUNCTION_INFO_V1(crm_profile_rule_in);
Datum
crm_profile_rule_in(PG_FUNCTION_ARGS)
{
	Scanner		 s = scan_start("profile_rule", PG_GETARG_CSTRING(0));
	Uses		 read = {palloc(8 * sizeof(ProfileUse)), 0, 8};
	uint8		 order[HOW_KNOWN] = {ENTRY_STATED, ENTRY_OBSERVED, ENTRY_INFERRED};
	bool		 ordered = false;
	ProfileRule *rule;

	while (!scan_at_end(&s))
	{
		CHECK_FOR_INTERRUPTS();
		if (!ordered && scan_try_word(&s, "order"))
		{
			scan_order(&s, order);
			ordered = true;
		}
		else
			scan_uses(&s, &read);
		if (!scan_try_char(&s, ';'))
			break;
	}
	scan_end(&s);
	qsort(read.uses, read.n, sizeof(ProfileUse), compare_uses);
	CheckUses(read.uses, read.n);
	rule = rule_create(read.n);
	memcpy(rule->order, order, sizeof(order));
	if (read.n > 0)
		memcpy(rule->uses, read.uses, read.n * sizeof(ProfileUse));
	PG_RETURN_POINTER(rule);
}

static void
append_field(StringInfo out, const char *field, size_t size)
{
	append_label(out, pnstrdup(field, strnlen(field, size)), reserved_words);
}

/* Whether the order is another than the usual. */
static bool
has_own_order(const ProfileRule *rule)
{
	return rule->order[0] != ENTRY_STATED || rule->order[1] != ENTRY_OBSERVED;
}

PG_FUNCTION_INFO_V1(crm_profile_rule_out);
Datum
crm_profile_rule_out(PG_FUNCTION_ARGS)
{
	ProfileRule	  *rule = PG_GETARG_PROFILE_RULE(0);
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < rule->nuses; i++)
	{
		const ProfileUse *use = &rule->uses[i];
		bool more = i > 0 && memcmp(use[-1].attribute, use->attribute, ATTRIBUTE_SIZE) == 0;

		if (!more)
		{
			appendStringInfoString(&out, i > 0 ? "; " : "");
			append_field(&out, use->attribute, ATTRIBUTE_SIZE);
			appendStringInfoString(&out, " is ");
			append_field(&out, use->category, CATEGORY_SIZE);
		}
		if (use->purpose[0] == '\0')
			continue;
		appendStringInfoString(&out, more ? ", " : " for ");
		append_field(&out, use->purpose, PURPOSE_SIZE);
		appendStringInfo(&out, " by %s", basis_names[use->basis]);
	}
	if (has_own_order(rule))
		appendStringInfo(&out, "%sorder %s, %s, %s", rule->nuses > 0 ? "; " : "",
						 entry_kind_names[rule->order[0]], entry_kind_names[rule->order[1]],
						 entry_kind_names[rule->order[2]]);
	PG_RETURN_CSTRING(out.data);
}

/* {"attribute", "category", "purpose", "basis"}, the last two where it serves a purpose. */
static void
append_json_use(StringInfo json, const ProfileUse *use)
{
	append_json_field(json, "{", "attribute", use->attribute, ATTRIBUTE_SIZE);
	append_json_field(json, ",", "category", use->category, CATEGORY_SIZE);
	if (use->purpose[0] != '\0')
	{
		append_json_field(json, ",", "purpose", use->purpose, PURPOSE_SIZE);
		appendStringInfo(json, ",\"basis\":\"%s\"", basis_names[use->basis]);
	}
	appendStringInfoChar(json, '}');
}

PG_FUNCTION_INFO_V1(crm_profile_rule_to_jsonb);
Datum
crm_profile_rule_to_jsonb(PG_FUNCTION_ARGS)
{
	ProfileRule	  *rule = PG_GETARG_PROFILE_RULE(0);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"uses\":[");
	for (int i = 0; i < rule->nuses; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoChar(&json, ',');
		append_json_use(&json, &rule->uses[i]);
	}
	appendStringInfo(&json, "],\"order\":[\"%s\",\"%s\",\"%s\"]}", entry_kind_names[rule->order[0]],
					 entry_kind_names[rule->order[1]], entry_kind_names[rule->order[2]]);
	PG_RETURN_DATUM(jsonb_of_text(&json));
}

/*
 * Binary form: version, flags (int16), the order (three int8), count (int32), then
 * for each use basis (int8) and attribute, category and purpose as counted texts,
 * the last of length 0 if there is none.
 */
#define MESSAGE_MIN_USE (1 + 3 * 4 + 2)

PG_FUNCTION_INFO_V1(crm_profile_rule_send);
Datum
crm_profile_rule_send(PG_FUNCTION_ARGS)
{
	ProfileRule	  *rule = PG_GETARG_PROFILE_RULE(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, rule->version);
	pq_sendint16(&out, rule->flags);
	for (int i = 0; i < HOW_KNOWN; i++)
		pq_sendint8(&out, rule->order[i]);
	pq_sendint32(&out, rule->nuses);
	for (int i = 0; i < rule->nuses; i++)
	{
		const ProfileUse *use = &rule->uses[i];

		pq_sendint8(&out, use->basis);
		send_counted_text(&out, use->attribute, strnlen(use->attribute, ATTRIBUTE_SIZE));
		send_counted_text(&out, use->category, strnlen(use->category, CATEGORY_SIZE));
		send_counted_text(&out, use->purpose, strnlen(use->purpose, PURPOSE_SIZE));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static ProfileUse
receive_use(StringInfo message)
{
	ProfileUse use = {.basis = receive_choice(message, "profile_rule", "basis", CONSENT_BASES - 1)};
	char	  *purpose;

	set_field(use.attribute, ATTRIBUTE_SIZE, receive_counted_text(message, "attribute"),
			  "attribute");
	set_field(use.category, CATEGORY_SIZE, receive_counted_text(message, "category"), "category");
	purpose = receive_counted_text(message, "purpose");
	if (*purpose != '\0')
		purpose_set(use.purpose, purpose, strlen(purpose));
	else if (use.basis != BASIS_CONSENT)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("a use of profile_rule has a basis and no purpose")));
	return use;
}

PG_FUNCTION_INFO_V1(crm_profile_rule_recv);
Datum
crm_profile_rule_recv(PG_FUNCTION_ARGS)
{
	StringInfo	 message = (StringInfo) PG_GETARG_POINTER(0);
	uint8		 order[HOW_KNOWN];
	ProfileRule *rule;
	int			 n;

	receive_header(message, "profile_rule", 2, PROFILE_RULE_VERSION, 0);
	for (int i = 0; i < HOW_KNOWN; i++)
	{
		order[i] = receive_choice(message, "profile_rule", "order", HOW_KNOWN - 1);
		for (int j = 0; j < i; j++)
			if (order[j] == order[i])
				ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
								errmsg("order of profile_rule names \"%s\" twice",
									   entry_kind_names[order[i]])));
	}
	n = receive_count(message, "profile_rule", "uses", MESSAGE_MIN_USE);
	rule = rule_create(n);
	memcpy(rule->order, order, sizeof(order));
	for (int i = 0; i < n; i++)
	{
		rule->uses[i] = receive_use(message);
		if (i > 0 && compare_uses(&rule->uses[i - 1], &rule->uses[i]) >= 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
							errmsg("uses of profile_rule are out of order")));
	}
	CheckUses(rule->uses, n);
	PG_RETURN_POINTER(rule);
}

VALUE_FUNCTIONS(profile_rule, value_bytes_order, value_bytes);
