/*
 * nbd_dirichlet.c: the NBD-Dirichlet of a market from what a market table says:
 * penetration and mean purchases of the category, share and penetration of each
 * brand; Goodhardt, Ehrenberg & Chatfield (1984), "The Dirichlet".
 */
#include <math.h>
#include <stdlib.h>

#include "models/dirichlet.h"

#define MOST_DIVERSITY 30.0 /* no more can be told apart */
#define HALVINGS 100
#define MOST_TERMS 100000
#define MOST_LEFT 1e-4 /* share of buyers who may buy more often than there are terms */

/*
 * The shape K of the NBD of which a share of people buy nothing: (1 + M/K)^-K =
 * 1 - penetration. With u = M/K that is log(1 + u) / u = -log(1 - penetration) / M, which falls
 * from 1 to 0 as u grows, however few people buy. False if M is too small even for u = 0.
 */
bool
market_shape(double penetration, double mean, double *shape)
{
	double low = -50;
	double high = 700;
	double ratio = -log1p(-penetration) / mean;

	if (!(ratio < 1))
		return false;
	for (int i = 0; i < HALVINGS; i++)
	{
		double middle = (low + high) / 2;
		double u = exp(middle);

		if (log1p(u) / u > ratio)
			low = middle;
		else
			high = middle;
	}
	*shape = mean / exp((low + high) / 2);
	return true;
}

/*
 * The share of people who buy a brand: the sum over n of P(n) (1 - p(0 | n)), where p(0 | n),
 * that n purchases are none of the brand, is the product of (S - a + i) / (S + i),
 * a = S times its share. Nothing is subtracted from 1, so that small shares of few buyers keep their digits. Terms
 * until what is left cannot change the sum; NaN if that
 * takes too many, as it does where buyers buy ten thousand times.
 */
static double
brand_penetration(double mean, double shape, double share, double diversity)
{
	double nobody = -shape * log1p(mean / shape); /* the logarithm of P(0) */
	double buyers = -expm1(nobody);
	double p = exp(nobody) * shape * (mean / (mean + shape));
	double some = share;
	double left = buyers;
	double sum = 0;

	for (int n = 1; n < MOST_TERMS && left > 1e-16 * buyers; n++)
	{
		sum += p * some;
		left -= p;
		some += (1 - some) * (diversity * share / (diversity + n));
		p *= (shape + n) / (n + 1) * (mean / (mean + shape));
	}
	/* who buys more often buys the brand as well as who buys so often */
	return left > MOST_LEFT * buyers ? NAN : sum + fmax(left, 0) * some;
}

/*
 * The diversity S at which a brand of a share has its penetration, which grows with
 * S: from 0, whoever buys the category buys one brand only, to the most that is told.
 * NaN if the category is bought too often to be told.
 */
double
market_diversity(double mean, double shape, double share, double penetration)
{
	double low = 0;
	double high = MOST_DIVERSITY;

	for (int i = 0; i < HALVINGS; i++)
	{
		double middle = (low + high) / 2;
		double reached = brand_penetration(mean, shape, share, middle);

		if (isnan(reached))
			return NAN;
		if (reached < penetration)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

/* The value at a place between sorted values, the first at 0. */
static double
at_place(const double *sorted, double place)
{
	double below = floor(place);

	return (sorted[(int) below] + sorted[(int) ceil(place)]) / 2;
}

/*
 * The mean of the diversities weighted by share, without outliers: what is more than
 * 1.5 times the spread of the hinges beyond them, or above the notch of a box plot
 * (median + 1.58 spread / sqrt(n); Tukey's hinges). NaN if nothing is left.
 */
double
market_robust_mean(int n, const double *diversity, const double *share)
{
	double *sorted = malloc(sizeof(double) * (size_t) n);
	double	half = floor((n + 3) / 2.0) / 2 - 1; /* the place of the lower hinge */
	double	low, high, notch;
	double	sum = 0;
	double	weight = 0;

	if (sorted == NULL)
		return NAN;
	for (int i = 0; i < n; i++)
		sorted[i] = diversity[i];
	qsort(sorted, (size_t) n, sizeof(double), compare_doubles);
	low = at_place(sorted, half);
	high = at_place(sorted, n - 1 - half);
	notch = at_place(sorted, (n - 1) / 2.0) + 1.58 * (high - low) / sqrt(n);
	for (int i = 0; i < n; i++)
		if (diversity[i] <= notch && diversity[i] <= high + 1.5 * (high - low) &&
			diversity[i] >= low - 1.5 * (high - low))
		{
			sum += diversity[i] * share[i];
			weight += share[i];
		}
	free(sorted);
	return weight > 0 ? sum / weight : NAN;
}
