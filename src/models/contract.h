/*
 * contract.h: models of how long contracts last, of which each customer's end is seen.
 *
 * Plain C without PostgreSQL. A customer survives period t with S(t), t = 0, 1, 2, ... renewals;
 * S(0) = 1. Fader and Hardie (2007), "How to Project Customer Retention" (beta-geometric);
 * Fader, Hardie, Liu, Davin and Steenburgh (2018), "How to Project Customer Retention Revisited"
 * (beta-discrete-Weibull); exponential-gamma (Pareto II) in continuous time. Where customers do not differ, gamma and
 * delta, or s and beta, run beyond any size: what is left is a model of its own. So it is where a share leaves at the first renewal
 * and the others never do, to which gamma and delta go to 0.
 */
#ifndef CRM_CONTRACT_H
#define CRM_CONTRACT_H

#include <stdbool.h>

#include "models/fit_result.h"

#define CONTRACT_PARAMS 3

/* Stored in models, so that the numbers must not change. */
typedef enum ContractModelKind
{
	CONTRACT_BETA_GEOMETRIC = 0,		/* gamma, delta */
	CONTRACT_BETA_DISCRETE_WEIBULL = 1, /* gamma, delta, c */
	CONTRACT_EXPONENTIAL_GAMMA = 2,		/* s, beta */
	CONTRACT_GEOMETRIC = 3,				/* p: beta_geometric of customers who are alike */
	CONTRACT_DISCRETE_WEIBULL = 4,		/* p, c: beta_discrete_weibull of such */
	CONTRACT_EXPONENTIAL = 5,			/* mu: exponential_gamma of such */
	CONTRACT_LEAVE_AT_ONCE = 6,			/* share: of both discrete models */
	CONTRACT_MODEL_KINDS
} ContractModelKind;

extern const FitShape contract_shapes[CONTRACT_MODEL_KINDS];

/* What is left of a model where all customers are alike. */
static inline int
contract_limit(int kind)
{
	return kind + CONTRACT_GEOMETRIC;
}

/* Time is continuous, and not counted in renewals. */
static inline bool
contract_is_continuous(int kind)
{
	return kind == CONTRACT_EXPONENTIAL_GAMMA || kind == CONTRACT_EXPONENTIAL;
}

/* The first parameter is a probability. */
static inline bool
contract_has_probability(int kind)
{
	return kind == CONTRACT_GEOMETRIC || kind == CONTRACT_DISCRETE_WEIBULL ||
		   kind == CONTRACT_LEAVE_AT_ONCE;
}

/* Customers of one age: lost in period age, or still there after age renewals. */
typedef struct ContractRow
{
	double age;
	double lost;
	double running;
} ContractRow;

typedef struct ContractData
{
	int			 nrows;
	ContractRow *rows;
	double		 customers;
} ContractData;

/* ln P(still there after `from` + `more` | there after `from`), from and more >= 0 periods; at most 0. */
extern double contract_log_survival(int kind, const double *params, double from, double more);

/* Log-likelihood of a row, and its gradient by the parameters. */
extern double contract_fit_row(int kind, const double *params, const ContractRow *row,
							   double *gradient);

/* Whether the sum of survival without discount is finite. */
extern bool contract_lifetime_is_finite(int kind, const double *params);

/*
 * Discounted periods ahead of a customer who was there after `from` renewals, the one that
 * begins now counted whole: sum over t >= 0 of (1 + rate)^-t S(from + t) / S(from); in
 * continuous time the integral. rate >= 0 a period; infinite only where the line above says so.
 */
extern double contract_lifetime(int kind, const double *params, double from, double rate);

/*
 * Per cent by which contract_lifetime less the certain first period grows if all
 * customers' chances to renew grow by one per cent: sum of t f(t) / sum of f(t), t >= 1.
 * Of the discrete models; rate > 0.
 */
extern double contract_elasticity(int kind, const double *params, double from, double rate);

#endif /* CRM_CONTRACT_H */
