/*
 * consents.h: on what basis a customer may be contacted, for which purpose, and when.
 *
 * Grants are sorted by purpose, basis, from and until, each once. A grant holds
 * from its first instant until just before its last one; either may be
 * infinite. What no grant covers is not allowed.
 *
 * flags and reserved must be zero: receive rejects anything else.
 */
#ifndef CRM_CONSENT_H
#define CRM_CONSENT_H

#include "crm.h"

#include "base/instant.h"
#include "base/names.h"

#define CONSENTS_VERSION 1
#define PURPOSE_SIZE 31

/* The lawful bases of Article 6(1) GDPR. Stored numbers: never change one. */
typedef enum ConsentBasis
{
	BASIS_CONSENT = 0,
	BASIS_CONTRACT = 1,
	BASIS_LEGAL_OBLIGATION = 2,
	BASIS_VITAL_INTEREST = 3,
	BASIS_PUBLIC_TASK = 4,
	BASIS_LEGITIMATE_INTEREST = 5
} ConsentBasis;
#define CONSENT_BASES 6

typedef struct Grant
{
	TimestampTz from;  /* may be -infinity */
	TimestampTz until; /* may be infinity */
	char		purpose[PURPOSE_SIZE];
	uint8		basis;
} Grant;

typedef struct Consents
{
	int32  vl_len_; /* varlena header, do not touch */
	uint16 version; /* CONSENTS_VERSION */
	uint16 flags;	/* reserved, zero */
	int32  ngrants;
	int32  reserved; /* zero; keeps grants 8-byte aligned */
	Grant  grants[FLEXIBLE_ARRAY_MEMBER];
} Consents;

#define CONSENTS_SIZE(n) (offsetof(Consents, grants) + (Size) (n) * sizeof(Grant))
#define CONSENTS_MAX_GRANTS ((int) ((MaxAllocSize - offsetof(Consents, grants)) / sizeof(Grant)))

#define PG_GETARG_CONSENTS(n) ((Consents *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))
#define PG_RETURN_CONSENTS(c) PG_RETURN_POINTER(c)

typedef char BasisName[20];

extern const BasisName basis_names[CONSENT_BASES];
extern const Names	   consent_bases;

extern void purpose_set(char *purpose, const char *name, size_t len);

/* Whether a grant is for a purpose in fixed-size form. */
static inline bool
grant_is_for(const Grant *grant, const char *purpose)
{
	return memcmp(grant->purpose, purpose, PURPOSE_SIZE) == 0;
}

/* Whether an unsubscription ends a grant: it revokes consent and objects to interests, but ends no contract. */
static inline bool
grant_is_revocable(const Grant *grant)
{
	return grant->basis == BASIS_CONSENT || grant->basis == BASIS_LEGITIMATE_INTEREST;
}

#endif /* CRM_CONSENT_H */
