/*
 * breakage.h: what became of points by the age of their awards in days, by which
 * one estimates how many will never be redeemed.
 *
 * Counts are points, exact, and add: every order of rows, every split and every plan
 * give the same value. Each customer belongs to one of 32 groups by the hash of the
 * history, for a standard error by leaving one group out at a time. A stored value
 * ends with the last age that counts something; the state of an aggregate has room
 * for more behind it, which VARSIZE counts.
 */
#ifndef CRM_BREAKAGE_H
#define CRM_BREAKAGE_H

#include "crm.h"

#define BREAKAGE_VERSION 1
#define BREAKAGE_GROUPS 32
#define BREAKAGE_MAX_AGE 36524 /* a hundred years */

/* Points of awards that ended, or were last seen, at an age. */
typedef struct BreakageCount
{
	int64 redeemed;
	int64 expired;
	int64 taken_back; /* by refunds */
	int64 open;		  /* on the last day seen */
} BreakageCount;

typedef struct BreakageCurve
{
	int32		  vl_len_; /* varlena header, do not touch */
	uint16		  version; /* BREAKAGE_VERSION */
	uint16		  flags;   /* reserved, zero */
	int32		  nages;
	int32		  reserved;						 /* zero; keeps counts 8-byte aligned */
	BreakageCount counts[FLEXIBLE_ARRAY_MEMBER]; /* age by age, the groups of each */
} BreakageCurve;

#define BREAKAGE_SIZE(n) \
	(offsetof(BreakageCurve, counts) + (Size) (n) *BREAKAGE_GROUPS * sizeof(BreakageCount))

#define DatumGetBreakageCurve(d) ((BreakageCurve *) PG_DETOAST_DATUM(d))
#define PG_GETARG_BREAKAGE_CURVE(n) DatumGetBreakageCurve(PG_GETARG_DATUM(n))
#define PG_RETURN_BREAKAGE_CURVE(c) PG_RETURN_POINTER(c)

/* An estimate at the end of an age, of points that are awarded at age 0. */
typedef struct BreakageEstimate
{
	BreakageCount count; /* all groups, of this age */
	int64		  at_risk;
	double		  p_open;
	double		  p_redeemed; /* by then */
	double		  p_expired;
	double		  p_taken_back;
} BreakageEstimate;

/* breakage.c */
extern BreakageCurve	*breakage_create(int capacity);
extern BreakageCurve	*breakage_reach(BreakageCurve *state, int age);
extern BreakageCurve	*breakage_trim(const BreakageCurve *state);
extern void				 breakage_add(BreakageCount *to, const BreakageCount *count);
extern BreakageEstimate *breakage_estimate(const BreakageCurve *c, int without);
extern double breakage_later(const BreakageEstimate *e, int nages, int age, bool redeemed);

#endif /* CRM_BREAKAGE_H */
