/*
 * age_counts.h: counts of customers by age, from age 0 without gaps.
 *
 * The one flat layout of retention_curve and survival_curve. Counts are exact
 * and add, so every order of rows, every split and every plan give the same
 * value. A stored value ends with the last age that counts somebody; the state
 * of an aggregate has room for more behind it, which VARSIZE counts.
 */
#ifndef CRM_AGE_COUNTS_H
#define CRM_AGE_COUNTS_H

#include "crm.h"

#include "base/value.h"

#include "base/calendar.h"
#include "lib/stringinfo.h"

#define AGE_COUNTS_VERSION 1

typedef struct AgeCount
{
	int64 ended;	/* customers whose observation ends with this age */
	int64 happened; /* customers to whom it happened at this age */
} AgeCount;

typedef struct AgeCounts
{
	int32	 vl_len_; /* varlena header, do not touch */
	uint16	 version; /* AGE_COUNTS_VERSION */
	uint8	 unit;	  /* Period of the ages */
	uint8	 basis;	  /* what an age counts from; the type says what it means */
	DateADT	 as_of;	  /* last day observed, or 0 where the type has none */
	int32	 nages;
	AgeCount ages[FLEXIBLE_ARRAY_MEMBER];
} AgeCounts;

#define AGE_COUNTS_SIZE(n) (offsetof(AgeCounts, ages) + (Size) (n) * sizeof(AgeCount))

#define DatumGetAgeCounts(d) ((AgeCounts *) PG_DETOAST_DATUM(d))
#define PG_GETARG_AGE_COUNTS(n) DatumGetAgeCounts(PG_GETARG_DATUM(n))
#define PG_RETURN_AGE_COUNTS(c) PG_RETURN_POINTER(c)

extern AgeCounts	   *age_counts_create(int capacity);
extern AgeCounts	   *age_counts_grow(const AgeCounts *state, int age);
extern AgeCounts	   *age_counts_trim(const AgeCounts *state);
extern AgeCounts	   *age_counts_plus(const AgeCounts *a, const AgeCounts *b);
extern int				age_counts_order(const void *a, const void *b);
extern Content			age_counts_content(const void *counts);
extern bytea		   *age_counts_send(const AgeCounts *c);
extern AgeCounts	   *age_counts_recv(StringInfo message, const char *type_name);
pg_noreturn extern void age_counts_overflow(void);

/* The state with this age within its ages; a larger copy if it has no room. */
static inline AgeCounts *
age_counts_reach(AgeCounts *state, int age)
{
	if (likely(age < state->nages))
		return state;
	if (AGE_COUNTS_SIZE((Size) age + 1) > VARSIZE(state))
		state = age_counts_grow(state, age);
	memset(&state->ages[state->nages], 0, (age + 1 - state->nages) * sizeof(AgeCount));
	state->nages = age + 1;
	return state;
}

#endif /* CRM_AGE_COUNTS_H */
