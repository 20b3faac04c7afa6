/*
 * deeds.h: what we owe one customer and what we gave: promises, delights,
 * entitlements, ties and meetings.
 *
 * Entries are sorted (deed_compare), so that equal values are equal bytes. Deeds
 * may recur: equal entries stand side by side, and a difference takes away as many
 * as it is told of. flags and reserved must be zero: receive rejects anything else.
 * The state of an aggregate has room for more entries, which VARSIZE counts.
 */
#ifndef CRM_DEEDS_H
#define CRM_DEEDS_H

#include "crm.h"

#include "base/instant.h"
#include "base/names.h"
#include "base/value.h"

#define DEEDS_VERSION 1
#define DEED_NAME_SIZE 47

/* Stored numbers: never change one. */
typedef enum DeedKind
{
	DEED_PROMISE = 0,	  /* made, due, done */
	DEED_DELIGHT = 1,	  /* given when it was made */
	DEED_ENTITLEMENT = 2, /* granted, valid until due, used when done */
	DEED_TIE = 3,		  /* in force from made until done, or until due if that is earlier */
	DEED_MEETING = 4	  /* held when it was made */
} DeedKind;
#define DEED_KINDS 5

typedef struct Deed
{
	TimestampTz made_at;
	TimestampTz due_at;				  /* infinity if there is none */
	TimestampTz done_at;			  /* infinity if nobody knows of it */
	int64		cost;				  /* in 1/10000 of the currency unit */
	uint8		kind;				  /* DeedKind */
	char		name[DEED_NAME_SIZE]; /* filled up with zeros, never empty */
} Deed;

/* Sorted. deeds_state, the state of the aggregates, has the same layout, its deeds as they came and room for more. */
typedef struct Deeds
{
	int32  vl_len_; /* varlena header, do not touch */
	uint16 version; /* DEEDS_VERSION */
	uint16 flags;	/* reserved, zero */
	int32  ndeeds;
	int32  reserved; /* zero */
	Deed   deeds[FLEXIBLE_ARRAY_MEMBER];
} Deeds;

#define DEEDS_SIZE(n) (offsetof(Deeds, deeds) + (Size) (n) * sizeof(Deed))
#define DEEDS_MAX ((int) ((MaxAllocSize - offsetof(Deeds, deeds)) / sizeof(Deed)))

#define PG_GETARG_DEEDS(n) ((Deeds *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))
#define PG_RETURN_DEEDS(d) PG_RETURN_POINTER(d)

typedef char DeedKindName[16];

extern const DeedKindName deed_kind_names[DEED_KINDS];

/* How many deeds were made at or before an instant. */
static inline int
deeds_until(const Deeds *d, TimestampTz at)
{
	int n = 0;

	while (n < d->ndeeds && d->deeds[n].made_at <= at)
		n++;
	return n;
}

#endif /* CRM_DEEDS_H */
