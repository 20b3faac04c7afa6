/*
 * chain_ladder.h: how a triangle of cumulated figures goes on, and how far that
 * may be off: the chain ladder with the standard errors of Mack (1993),
 * "Distribution-free calculation of the standard error of chain ladder reserve
 * estimates", ASTIN Bulletin 23(2).
 */
#ifndef CRM_CHAIN_LADDER_H
#define CRM_CHAIN_LADDER_H

#include <stdbool.h>

/* What one row comes to. */
typedef struct ChainLadderRow
{
	double ultimate;	   /* at the oldest age */
	double standard_error; /* of what is still to come; NAN where it cannot be told */
} ChainLadderRow;

/* Whether the factors of a diagonal, which is one calendar period, stand together: Mack (1994), appendix H. */
typedef struct DiagonalTest
{
	double statistic; /* sum over the diagonals of the fewer of the small and the large factors */
	double expected;  /* of it, if calendar periods have no effect */
	double variance;
} DiagonalTest;

typedef struct ChainLadder
{
	int				n;		 /* rows, and ages of the oldest one */
	double		   *factors; /* n - 1: from age k to k + 1 */
	double		   *sigma2;	 /* n - 1: the variance of a factor, times the figure it starts from */
	ChainLadderRow *rows;	 /* n */
	ChainLadderRow	total;
	DiagonalTest	diagonals;
	double		   *column; /* n: room to work in */
} ChainLadder;

/* Row i, from the oldest, of a triangle: its figures of the ages 0 to n - 1 - i. */
typedef const double *(*TriangleRow)(const void *triangle, int i);

extern void chain_ladder(ChainLadder *ladder, TriangleRow row, const void *triangle);
extern bool diagonals_are_correlated(const DiagonalTest *test);

#endif /* CRM_CHAIN_LADDER_H */
