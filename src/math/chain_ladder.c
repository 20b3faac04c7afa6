/*
 * chain_ladder.c: Mack's chain ladder. Plain C without PostgreSQL.
 *
 * With C(i, k) the cumulated figure of row i at age k, the factor f(k) is the sum
 * of C(i, k + 1) over the sum of C(i, k) of all rows that have both. Rows that
 * are zero throughout weigh nothing and are not counted as observations.
 */
#include "math/chain_ladder.h"

#include <math.h>
#include <stdlib.h>

/* Two-sided, 95 %. */
#define NORMAL_QUANTILE 1.959963984540054

/* How many rows have the ages k and k + 1. */
static int
rows_beyond(const ChainLadder *l, int k)
{
	return l->n - 1 - k;
}

/* The sum of a column over the rows that have the next age as well. */
static double
column_sum(const ChainLadder *l, TriangleRow row, const void *triangle, int k, int age)
{
	double sum = 0;

	for (int i = 0; i < rows_beyond(l, k); i++)
		sum += row(triangle, i)[age];
	return sum;
}

/* Formula (5) of Mack (1993): the variance around a factor; NAN of a single row. */
static double
variance_of(const ChainLadder *l, TriangleRow row, const void *triangle, int k)
{
	double sum = 0;
	int	   seen = 0;

	for (int i = 0; i < rows_beyond(l, k); i++)
	{
		const double *c = row(triangle, i);
		double		  miss;

		if (c[k] <= 0)
			continue;
		miss = c[k + 1] / c[k] - l->factors[k];
		sum += c[k] * miss * miss;
		seen++;
	}
	return seen > 1 ? sum / (seen - 1) : NAN;
}

/*
 * A variance of a single row goes on as the two before it did, and is no more
 * than these: Mack (1993), after formula (5). NAN where there are none.
 */
static double
variance_beyond(const double *sigma2, int k)
{
	if (k == 0)
		return NAN;
	if (k == 1 || sigma2[k - 2] == 0)
		return sigma2[k - 1];
	return fmin(sigma2[k - 1] * sigma2[k - 1] / sigma2[k - 2], fmin(sigma2[k - 2], sigma2[k - 1]));
}

/* Formula (7): the mean squared error of a row, over the ages that it has not reached. */
static double
row_error(const ChainLadder *l, const double *sums, double to_date, int first)
{
	double c = to_date;
	double error = 0;

	for (int k = first; k < l->n - 1; k++)
	{
		error += l->sigma2[k] / (l->factors[k] * l->factors[k]) * (1 / c + 1 / sums[k]);
		c *= l->factors[k];
	}
	return error * c * c;
}

/* What all rows have in common, since they are projected by the same factors: the corollary to formula (7). */
static double
shared_error(const ChainLadder *l, const double *sums, double ultimate, double of_younger,
			 int first)
{
	double error = 0;

	for (int k = first; k < l->n - 1; k++)
		error += 2 * l->sigma2[k] / (l->factors[k] * l->factors[k] * sums[k]);
	return error * ultimate * of_younger;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

/* The factor of row i from age k on; NAN where it starts from nothing. */
static double
single_factor(TriangleRow row, const void *triangle, int i, int k)
{
	const double *c = row(triangle, i);

	return c[k] > 0 ? c[k + 1] / c[k] : NAN;
}

/* The median of the factors of an age, as Mack (1994) splits them. */
static double
median_factor(const ChainLadder *l, TriangleRow row, const void *triangle, int k)
{
	int n = 0;

	for (int i = 0; i < rows_beyond(l, k); i++)
	{
		double factor = single_factor(row, triangle, i, k);

		if (!isnan(factor))
			l->column[n++] = factor;
	}
	if (n == 0)
		return NAN;
	qsort(l->column, n, sizeof(double), compare_doubles);
	return (l->column[(n - 1) / 2] + l->column[n / 2]) / 2;
}

/* A diagonal with so many small and large factors; mean and variance of min(S, L) of n fair coins. */
static void
count_diagonal(DiagonalTest *test, int small, int large)
{
	int	   n = small + large;
	double m = floor((n - 1) / 2.0);
	double tail;
	double mean;

	if (n < 1)
		return;
	tail = exp(lgamma(n) - lgamma(m + 1) - lgamma(n - m) - n * M_LN2);
	mean = n / 2.0 - tail * n;
	test->statistic += small < large ? small : large;
	test->expected += mean;
	test->variance += n * (n - 1) / 4.0 - tail * n * (n - 1) + mean - mean * mean;
}

/* Mack (1994), appendix H: small and large factors, against the median of their age, by diagonal. */
static void
test_diagonals(ChainLadder *l, TriangleRow row, const void *triangle, double *medians)
{
	for (int k = 0; k < l->n - 1; k++)
		medians[k] = median_factor(l, row, triangle, k);
	for (int diagonal = 0; diagonal < l->n - 1; diagonal++)
	{
		int small = 0;
		int large = 0;

		for (int k = 0; k <= diagonal; k++)
		{
			double factor = single_factor(row, triangle, diagonal - k, k);

			small += factor < medians[k];
			large += factor > medians[k];
		}
		count_diagonal(&l->diagonals, small, large);
	}
}

/* Whether calendar periods have an effect that the ladder does not know of, at a level of 5 %. */
bool
diagonals_are_correlated(const DiagonalTest *test)
{
	return test->variance > 0 &&
		   fabs(test->statistic - test->expected) > NORMAL_QUANTILE * sqrt(test->variance);
}

/*
 * Fills in the ladder of a triangle, whose n and arrays the caller has set. Every
 * row that has figures is above zero at all its ages: the caller has seen to
 * it. Standard errors are NAN of two rows, which tell nothing of their spread.
 */
void
chain_ladder(ChainLadder *l, TriangleRow row, const void *triangle)
{
	double *sums = l->column;
	double	younger = 0;
	double	mse = 0;

	l->diagonals = (DiagonalTest){0, 0, 0};
	test_diagonals(l, row, triangle, l->sigma2);
	for (int k = 0; k < l->n - 1; k++)
	{
		sums[k] = column_sum(l, row, triangle, k, k);
		l->factors[k] = column_sum(l, row, triangle, k, k + 1) / sums[k];
		l->sigma2[k] = variance_of(l, row, triangle, k);
		if (isnan(l->sigma2[k]))
			l->sigma2[k] = variance_beyond(l->sigma2, k);
	}
	l->total.ultimate = 0;
	for (int i = l->n - 1; i >= 0; i--)
	{
		int	   reached = l->n - 1 - i;
		double to_date = row(triangle, i)[reached];
		double ultimate = to_date;
		double error;

		for (int k = reached; k < l->n - 1; k++)
			ultimate *= l->factors[k];
		error = to_date > 0 ? row_error(l, sums, to_date, reached) : 0;
		mse += error + shared_error(l, sums, ultimate, younger, reached);
		younger += ultimate;
		l->rows[i] = (ChainLadderRow){ultimate, sqrt(error)};
		l->total.ultimate += ultimate;
	}
	l->total.standard_error = sqrt(mse);
}
