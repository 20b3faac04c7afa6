/*
 * fact.h: what is believed of an attribute.
 */
#ifndef CRM_FACT_H
#define CRM_FACT_H

#include "memory/profile_rule.h"

/* The assertion that is believed, and what it was chosen from. */
typedef struct Fact
{
	const ProfileEntry *entry;			   /* NULL: nothing is known */
	int					counts[HOW_KNOWN]; /* of the assertions in force, by kind */
} Fact;

/* The instants of a question: what holds at as_of, as far as it was known by known_by. */
typedef struct Asked
{
	TimestampTz as_of;
	TimestampTz known_by;
} Asked;

extern Asked			   asked_of(FunctionCallInfo fcinfo, int as_of, int known_by);
extern const ProfileEntry *find_attribute(const Profile *p, Piece attribute);
extern bool				   is_in_force(const ProfileEntry *first, const ProfileEntry *end,
									   const ProfileEntry *entry, Asked asked);
extern Fact fact_of(const ProfileRule *rule, const Profile *p, const ProfileEntry *first,
					Asked asked);

/* Whether an entry, or the end, is no more of the attribute of another. */
static inline bool
is_of_attribute(const Profile *p, const ProfileEntry *at, Piece attribute)
{
	return at < profile_end(p) && piece_equal(entry_text(at, TEXT_ATTRIBUTE), attribute);
}

#endif /* CRM_FACT_H */
