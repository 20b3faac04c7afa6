/*
 * test_chain_ladder.c: the chain ladder against the triangle of Mack (1994), "Measuring the
 * variability of chain ladder reserve estimates", and the exact moments of its test of diagonals.
 */
#include "math/chain_ladder.h"

#include "tap.h"

#define N 10

typedef struct Triangle
{
	double cells[N][N];
} Triangle;

static const double *
triangle_row(const void *triangle, int i)
{
	return ((const Triangle *) triangle)->cells[i];
}

/* The ladder of a triangle of n rows. */
static ChainLadder
climb(const Triangle *triangle, int n)
{
	static double		  factors[N];
	static double		  sigma2[N];
	static double		  column[N];
	static ChainLadderRow rows[N];
	ChainLadder			  l = {.n = n, .factors = factors, .sigma2 = sigma2, .rows = rows};

	l.column = column;
	chain_ladder(&l, triangle_row, triangle);
	return l;
}

static const Triangle raa = {{
	{5012, 8269, 10907, 11805, 13539, 16181, 18009, 18608, 18662, 18834},
	{106, 4285, 5396, 10666, 13782, 15599, 15496, 16169, 16704},
	{3410, 8992, 13873, 16141, 18735, 22214, 22863, 23466},
	{5655, 11555, 15766, 21266, 23425, 26083, 27067},
	{1092, 9565, 15836, 22169, 25955, 26180},
	{1513, 6445, 11702, 12935, 15852},
	{557, 4020, 10946, 12314},
	{1351, 6947, 13112},
	{3133, 5395},
	{2063},
}};

/* Table of factors, total and its error, and appendix H: Z = 14, E(Z) = 12.875, Var(Z) = 3.978. */
static void
test_published(void)
{
	static const double factors[N - 1] = {2.999, 1.624, 1.271, 1.172, 1.113,
										  1.042, 1.033, 1.017, 1.009};
	ChainLadder			l = climb(&raa, N);

	for (int k = 0; k < N - 1; k++)
		ok(fabs(l.factors[k] - factors[k]) < 0.0005, "factor %d is %.3f: %.6f", k, factors[k],
		   l.factors[k]);
	ok(fabs(l.total.standard_error - 26909) < 0.5, "error of the total is 26909: %.2f",
	   l.total.standard_error);
	ok(l.diagonals.statistic == 14, "Z is 14: %g", l.diagonals.statistic);
	ok(fabs(l.diagonals.expected - 12.875) < 1e-9, "E(Z) is 12.875: %.6f", l.diagonals.expected);
	ok(fabs(l.diagonals.variance - 3.978) < 0.001, "Var(Z) is 3.978: %.6f", l.diagonals.variance);
	ok(!diagonals_are_correlated(&l.diagonals), "calendar years have no effect");
}

/* Factors that are small in one calendar period and large in the next. */
static void
test_calendar_effect(void)
{
	Triangle	t = {{{0}}};
	ChainLadder l;

	for (int i = 0; i < N; i++)
	{
		t.cells[i][0] = 100;
		for (int k = 1; k < N - i; k++)
			t.cells[i][k] = t.cells[i][k - 1] * ((i + k) % 2 == 0 ? 1.5 : 1.2);
	}
	l = climb(&t, N);
	ok(diagonals_are_correlated(&l.diagonals), "an effect of calendar periods is seen");
}

static void
test_small(void)
{
	Triangle	perfect = {{{10, 20, 40}, {5, 10}, {3}}};
	Triangle	two = {{{10, 20}, {5}}};
	Triangle	gap = {{{10, 20, 40}, {0, 0}, {3}}};
	ChainLadder l = climb(&perfect, 3);

	ok(l.rows[2].ultimate == 12 && l.total.ultimate == 72, "three rows that double at every age");
	ok(l.total.standard_error == 0, "what never varied has no error: %g", l.total.standard_error);
	l = climb(&two, 2);
	ok(l.rows[1].ultimate == 10 && isnan(l.rows[1].standard_error), "two rows tell no error");
	ok(l.rows[0].standard_error == 0, "what is there already is certain");
	l = climb(&gap, 3);
	ok(l.rows[1].ultimate == 0 && l.rows[2].ultimate == 12, "a row of zeros weighs nothing");
	l = climb(&two, 1);
	ok(l.total.ultimate == 10 && l.total.standard_error == 0, "a single row is what it is");
}

int
main(void)
{
	test_published();
	test_calendar_effect();
	test_small();
	return done_testing();
}
