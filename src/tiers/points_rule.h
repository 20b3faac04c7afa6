/*
 * points_rule.h: how points are earned, by tier where a program is given, and
 * when they expire.
 *
 * The program, if there is one, follows the fixed part as it is, and the terms, if
 * there are any, follow all. All bytes that no field uses are zero, so that equal
 * rules have equal bytes; flags but POINTS_RULE_TERMS must be: receive rejects
 * anything else.
 */
#ifndef CRM_POINTS_RULE_H
#define CRM_POINTS_RULE_H

#include "crm.h"

#include "tiers/points_terms.h"
#include "tiers/tier_program.h"

#define POINTS_RULE_VERSION 1
#define POINTS_RULE_TERMS 1 /* the rule ends with terms */

typedef struct PointsRule
{
	int32		  vl_len_; /* varlena header, do not touch */
	uint16		  version; /* POINTS_RULE_VERSION */
	uint16		  flags;   /* POINTS_RULE_TERMS; the others are reserved, zero */
	Span		  expiry;  /* zero: points never expire */
	PointsEarning earning;
	int64		  tier_rates[TIER_MAX]; /* by rank - 1, like earning.rate; zero beyond the tiers */
	char		  program[FLEXIBLE_ARRAY_MEMBER]; /* a TierProgram or nothing, then PointsTerms */
} PointsRule;

#define DatumGetPointsRule(d) ((PointsRule *) PG_DETOAST_DATUM(d))
#define PG_GETARG_POINTS_RULE(n) DatumGetPointsRule(PG_GETARG_DATUM(n))
#define PG_RETURN_POINTS_RULE(r) PG_RETURN_POINTER(r)

static inline const PointsTerms *
points_rule_terms(const PointsRule *r)
{
	return (r->flags & POINTS_RULE_TERMS) == 0
			   ? &points_plain_terms
			   : (const PointsTerms *) ((const char *) r + VARSIZE(r) - sizeof(PointsTerms));
}

/* The program whose tiers set the rates, or NULL. */
static inline const TierProgram *
points_rule_program(const PointsRule *r)
{
	Size terms = (r->flags & POINTS_RULE_TERMS) == 0 ? 0 : sizeof(PointsTerms);

	return VARSIZE(r) > offsetof(PointsRule, program) + terms ? (const TierProgram *) r->program
															  : NULL;
}

/* Points of a rank for the money that rates are for, 0 being no tier. */
static inline int64
points_rate_of_rank(const PointsRule *r, int rank)
{
	return rank == 0 ? r->earning.rate : r->tier_rates[rank - 1];
}

/* points_rule.c */
extern PointsRule *points_rule_create(const TierProgram *p, const PointsTerms *terms);
extern void		   CheckPointsRule(const PointsRule *r);
extern void		   CheckRateCount(const TierProgram *p, int nrates, const char *name);

#endif /* CRM_POINTS_RULE_H */
