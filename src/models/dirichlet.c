/*
 * dirichlet.c: the Dirichlet-multinomial distribution of what customers buy, fitted
 * by maximum likelihood; Minka, "Estimating a Dirichlet distribution" (2000, rev. 2012).
 *
 * The log-likelihood of concentrations a_k with sum A is, but for a constant,
 *	 sum over k, j of N_kj ln(a_k + j) - sum over j of N_j ln(A + j),
 * where N_kj customers bought of category k on more than j occasions, and N_j of
 * anything. So tables of counts are all that the fit needs, in any order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/dirichlet.h"

#define MOST_STEPS 1000
#define TERMS_PER_CHECK 65536
#define TOLERANCE 1e-10 /* of the gradient by the logarithm, per customer */

/* Sums over the occasions of a table at a concentration. */
typedef struct Terms
{
	double logs;  /* N_j ln(a + j) */
	double slope; /* N_j / (a + j) */
	double curve; /* N_j / (a + j)^2 */
} Terms;

/* Customers of a table. */
static double
customers_of(const CountTable *table)
{
	double sum = 0;

	for (int i = 0; i < table->n; i++)
		sum += (double) table->customers[i];
	return sum;
}

/* The terms of a table; NaN if interrupted. */
static Terms
terms_at(const CountTable *table, double a, FitInterrupted interrupted)
{
	Terms  sum = {0};
	double left = customers_of(table);
	int	   j = 0;

	for (int i = 0; i < table->n; i++)
	{
		for (; j < table->count[i]; j++)
		{
			if (j % TERMS_PER_CHECK == 0 && interrupted())
				return (Terms){NAN, NAN, NAN};
			sum.logs += left * log(a + j);
			sum.slope += left / (a + j);
			sum.curve += left / ((a + j) * (a + j));
		}
		left -= (double) table->customers[i];
	}
	return sum;
}

static double
sum_of(int n, const double *x)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += x[i];
	return sum;
}

/* The log-likelihood, and the terms that it is made of: those of all stand last. */
static double
likelihood(int n, const CountTable *categories, const CountTable *all, const double *a,
		   FitInterrupted interrupted, Terms *terms)
{
	double sum = 0;

	for (int k = 0; k < n; k++)
	{
		terms[k] = terms_at(&categories[k], a[k], interrupted);
		sum += terms[k].logs;
	}
	terms[n] = terms_at(all, sum_of(n, a), interrupted);
	return sum - terms[n].logs;
}

/* A step of Newton's method: the Hessian is a diagonal and a constant. False if it leaves the domain. */
static bool
newton_step(int n, const double *a, const Terms *terms, double *next)
{
	double constant = terms[n].curve;
	double over = 0;
	double under = 1 / constant;

	for (int k = 0; k < n; k++)
	{
		over += (terms[k].slope - terms[n].slope) / -terms[k].curve;
		under += 1 / -terms[k].curve;
	}
	for (int k = 0; k < n; k++)
	{
		next[k] = a[k] - (terms[k].slope - terms[n].slope - over / under) / -terms[k].curve;
		if (!(next[k] > 0) || !isfinite(next[k]))
			return false;
	}
	return true;
}

/* A step that never lowers the likelihood (Minka's fixed point). */
static void
safe_step(int n, const double *a, const Terms *terms, double *next)
{
	for (int k = 0; k < n; k++)
		next[k] = a[k] * terms[k].slope / terms[n].slope;
}

/* Each category's part of all that is bought, with a sum of concentrations. */
static void
set_shares(int n, const CountTable *categories, double sum, double *a)
{
	double all = 0;

	for (int k = 0; k < n; k++)
	{
		a[k] = 0;
		for (int i = 0; i < categories[k].n; i++)
			a[k] += (double) categories[k].customers[i] * categories[k].count[i];
		all += a[k];
	}
	for (int k = 0; k < n; k++)
		a[k] *= sum / all;
}

/* Whether the likelihood is flat or has no maximum within, by the counts alone. */
static bool
is_at_bound(int n, const CountTable *categories, const CountTable *all, DirichletVerdict *verdict)
{
	double buyers = 0;

	for (int k = 0; k < n; k++)
		buyers += customers_of(&categories[k]);
	*verdict = n == 1 || all->count[all->n - 1] == 1 ? DIRICHLET_POOLED : DIRICHLET_SPLIT;
	return *verdict == DIRICHLET_POOLED || buyers == customers_of(all);
}

/* The largest slope by the logarithm of a concentration. */
static double
steepest(int n, const double *a, const Terms *terms)
{
	double most = 0;

	for (int k = 0; k < n; k++)
		most = fmax(most, fabs(a[k] * (terms[k].slope - terms[n].slope)));
	return most;
}

/*
 * The concentrations of n categories, each with customers, given how many customers
 * have each count of it and of all. Where the likelihood has no maximum within the
 * bounds, the shares of what is bought, with a sum at the bound. DIRICHLET_INTERRUPTED
 * if the caller stops it.
 */
DirichletVerdict
dirichlet_fit(int n, const CountTable *categories, const CountTable *all,
			  FitInterrupted interrupted, double *concentration)
{
	double			 customers = customers_of(all);
	double			*next = malloc(sizeof(double) * (size_t) n);
	Terms			*terms = malloc(sizeof(Terms) * ((size_t) n + 1));
	Terms			*tried = malloc(sizeof(Terms) * ((size_t) n + 1));
	DirichletVerdict verdict = DIRICHLET_UNFINISHED;
	bool			 bound =
		next == NULL || terms == NULL || tried == NULL || is_at_bound(n, categories, all, &verdict);

	set_shares(n, categories, n, concentration);
	if (!bound)
	{
		double best = likelihood(n, categories, all, concentration, interrupted, terms);

		verdict = DIRICHLET_UNFINISHED;
		for (int step = 0; step < MOST_STEPS && verdict == DIRICHLET_UNFINISHED; step++)
		{
			double reached;

			if (!newton_step(n, concentration, terms, next) ||
				!((reached = likelihood(n, categories, all, next, interrupted, tried)) > best))
			{
				safe_step(n, concentration, terms, next);
				reached = likelihood(n, categories, all, next, interrupted, tried);
			}
			memcpy(concentration, next, sizeof(double) * (size_t) n);
			memcpy(terms, tried, sizeof(Terms) * ((size_t) n + 1));
			best = reached;
			if (interrupted())
				verdict = DIRICHLET_INTERRUPTED;
			else if (sum_of(n, concentration) > DIRICHLET_MOST)
				verdict = DIRICHLET_POOLED;
			else if (steepest(n, concentration, terms) <= TOLERANCE * customers)
				verdict = DIRICHLET_CONVERGED;
		}
	}
	if (verdict == DIRICHLET_POOLED || verdict == DIRICHLET_SPLIT)
		set_shares(n, categories, verdict == DIRICHLET_POOLED ? DIRICHLET_MOST : DIRICHLET_LEAST,
				   concentration);
	free(next);
	free(terms);
	free(tried);
	return verdict;
}
