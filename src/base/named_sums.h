/*
 * named_sums.h: rows of exact sums, each known by one or two names: what an
 * aggregate counts of arms and strata, or of questions.
 *
 * Entries are sorted by their names, each once, so that equal values are equal
 * bytes. An entry is a head, its sums, and its names, filled up with zeros to a
 * multiple of 8 bytes. As a state VARSIZE counts room for more.
 */
#ifndef CRM_NAMED_SUMS_H
#define CRM_NAMED_SUMS_H

#include "crm.h"

#include "base/exact_sums.h"

#define NAMED_SUMS_VERSION 1
#define SUMS_NAME_SIZE 255	 /* bytes */
#define NAMED_SUMS_MAX 10000 /* entries: every row looks for its own */

typedef struct NamedEntry
{
	uint16	  first_len;  /* bytes of the names, which stand behind the sums */
	uint16	  second_len; /* 0 for none */
	uint32	  reserved;	  /* zero */
	ExactSums sums;
} NamedEntry;

typedef struct NamedSums
{
	int32  vl_len_; /* varlena header, do not touch */
	uint16 version; /* NAMED_SUMS_VERSION */
	uint16 nsums;	/* of each entry */
	int32  n;
	int32  used; /* bytes of the entries */
	char   entries[FLEXIBLE_ARRAY_MEMBER];
} NamedSums;

#define NAMED_SUMS_SIZE(bytes) (offsetof(NamedSums, entries) + (Size) (bytes))
#define PG_GETARG_NAMED_SUMS(n) ((NamedSums *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* One or two names, which need not end with a zero. */
typedef struct SumsName
{
	const char *first;
	int			first_len;
	const char *second;
	int			second_len;
} SumsName;

extern NamedSums *named_sums_state(FunctionCallInfo fcinfo, int nsums);
extern NamedSums *named_sums_argument(FunctionCallInfo fcinfo, int arg, int nsums);
extern NamedSums *named_sums_find(NamedSums *s, SumsName name, ExactSums **sums);

static inline NamedEntry *
named_first(const NamedSums *s)
{
	return (NamedEntry *) s->entries;
}

static inline NamedEntry *
named_end(const NamedSums *s)
{
	return (NamedEntry *) (s->entries + s->used);
}

static inline Size
named_entry_size(int nsums, int names)
{
	return offsetof(NamedEntry, sums) + EXACT_SUMS_SIZE(nsums) + TYPEALIGN(8, names);
}

static inline NamedEntry *
named_next(const NamedEntry *e)
{
	return (NamedEntry *) ((char *) e +
						   named_entry_size(e->sums.nsums, e->first_len + e->second_len));
}

static inline SumsName
named_of(const NamedEntry *e)
{
	const char *at = (const char *) &e->sums + EXACT_SUMS_SIZE(e->sums.nsums);

	return (SumsName){at, e->first_len, at + e->first_len, e->second_len};
}

static inline int
sums_part_compare(const char *a, int a_len, const char *b, int b_len)
{
	int order = memcmp(a, b, Min(a_len, b_len));

	return order != 0 ? order : CRM_COMPARE(a_len, b_len);
}

/* Order by the first names, then by the second. */
static inline int
sums_name_compare(SumsName a, SumsName b)
{
	int order = sums_part_compare(a.first, a.first_len, b.first, b.first_len);

	return order != 0 ? order : sums_part_compare(a.second, a.second_len, b.second, b.second_len);
}

#endif /* CRM_NAMED_SUMS_H */
