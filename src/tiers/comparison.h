/*
 * comparison.h: how the same customers stand in two programs, counted.
 *
 * Tiers stand by rank, that of no tier first, those of the program before those of the
 * other; behind them the customers by both of their ranks at the end of the days. All counts are
 * exact and add: every order of rows, every split and every plan give the same value.
 */
#ifndef CRM_COMPARISON_H
#define CRM_COMPARISON_H

#include "crm.h"

#include "base/during.h"
#include "tiers/tier_program.h"

#define COMPARISON_VERSION 1
#define COMPARISON_POINTS 1 /* points are counted, too */

/* What customers did, within the days that are looked at. */
typedef struct ComparedTier
{
	char  name[TIER_NAME_SIZE]; /* zero-filled; empty for no tier */
	int64 upgrades;				/* to this tier, from a lower one */
	int64 downgrades;			/* to this tier, from a higher one */
} ComparedTier;

typedef struct ComparedPoints
{
	int64 earned;  /* within the days, and reinstated */
	int64 expired; /* within the days */
	int64 open;	   /* at their end: balances, negative ones as none */
} ComparedPoints;

typedef struct ProgramComparison
{
	int32		   vl_len_;	  /* varlena header, do not touch */
	uint16		   version;	  /* COMPARISON_VERSION */
	uint16		   flags;	  /* COMPARISON_POINTS; the others are reserved, zero */
	int32		   nranks[2]; /* of the program and the other, with that of no tier */
	Days		   days;	  /* that are looked at */
	ComparedPoints points[2]; /* zero unless they are counted */
	ComparedTier   tiers[FLEXIBLE_ARRAY_MEMBER]; /* then the customers by both ranks (int64) */
} ProgramComparison;

#define COMPARISON_SIZE(n, m)                                                  \
	(offsetof(ProgramComparison, tiers) + ((n) + (m)) * sizeof(ComparedTier) + \
	 (Size) (n) * (m) * sizeof(int64))

#define PG_GETARG_COMPARISON(n) ((ProgramComparison *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* The tiers of the program (0) or the other (1), by rank. */
static inline ComparedTier *
compared_tiers(ProgramComparison *c, int which)
{
	return c->tiers + (which == 0 ? 0 : c->nranks[0]);
}

/* The customers who hold a rank of the program and one of the other. */
static inline int64 *
compared_customers(ProgramComparison *c, int rank, int other)
{
	return (int64 *) &c->tiers[c->nranks[0] + c->nranks[1]] + rank * c->nranks[1] + other;
}

/* comparison.c */
extern ProgramComparison *comparison_create(int nranks, int nranks_other, Days days);
extern void				  comparison_add(int64 *to, int64 count);

#endif /* CRM_COMPARISON_H */
