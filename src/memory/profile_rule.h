/*
 * profile_rule.h: what may be used for what: each attribute's category, and the
 * lawful bases on which it may serve a purpose; and who is believed first.
 *
 * A use is one attribute, purpose and basis; an attribute that serves no purpose
 * has one use without. Uses are sorted by attribute, purpose and basis, each once,
 * and those of one attribute have one category. order holds stated, observed and
 * inferred, the one believed first in front.
 *
 * flags and reserved must be zero: receive rejects anything else.
 */
#ifndef CRM_PROFILE_RULE_H
#define CRM_PROFILE_RULE_H

#include "crm.h"

#include "contact/consents.h"
#include "memory/profile.h"

#define PROFILE_RULE_VERSION 1
#define CATEGORY_SIZE 31

typedef struct ProfileUse
{
	char  attribute[ATTRIBUTE_SIZE];
	char  category[CATEGORY_SIZE];
	char  purpose[PURPOSE_SIZE]; /* all zero: none */
	uint8 basis;
} ProfileUse;

typedef struct ProfileRule
{
	int32	   vl_len_; /* varlena header, do not touch */
	uint16	   version; /* PROFILE_RULE_VERSION */
	uint8	   flags;	/* reserved, zero */
	uint8	   order[HOW_KNOWN];
	uint8	   reserved[2]; /* zero */
	int32	   nuses;
	ProfileUse uses[FLEXIBLE_ARRAY_MEMBER];
} ProfileRule;

#define PROFILE_RULE_SIZE(n) (offsetof(ProfileRule, uses) + (Size) (n) * sizeof(ProfileUse))
#define PROFILE_RULE_MAX_USES 100000

#define PG_GETARG_PROFILE_RULE(n) ((ProfileRule *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* How early a kind is believed: 0 first. Without a rule, stated before observed before inferred. */
static inline int
rule_rank(const ProfileRule *rule, EntryKind kind)
{
	int rank = 0;

	if (rule == NULL)
		return (int) kind;
	while (rule->order[rank] != kind)
		rank++;
	return rank;
}

/* A name of fixed size, filled up with zeros, as a text. */
static inline Piece
piece_of_field(const char *field, size_t size)
{
	return (Piece){field, (int) strnlen(field, size)};
}

/* What else the special categories are: those of Article 9(1) GDPR, and those of Article 10. */
typedef enum CategoryKind
{
	CATEGORY_ORDINARY,
	CATEGORY_SPECIAL,
	CATEGORY_CRIMINAL
} CategoryKind;

extern CategoryKind category_kind(Piece category);

#endif /* CRM_PROFILE_RULE_H */
