/*
 * covariates.h: purchase models whose customers differ by what is known of them.
 *
 * A customer with covariates z buys with alpha exp(-g'z), and leaves with beta exp(-h'z) under Pareto/NBD, with a exp(h'z),
 * b the same, under BG/NBD and MBG/NBD: a positive coefficient of buying buys more, a positive one of
 * leaving leaves sooner. Fader & Hardie (2007), Incorporating time-invariant covariates into the Pareto/NBD and
 * BG/NBD models. In their limits that is what is left of it: a rate times exp(g'z), a rate of leaving times exp(h'z), the odds
 * of leaving times exp(h'z); where nobody leaves, nothing says how. Plain C without PostgreSQL.
 */
#ifndef CRM_MODEL_COVARIATES_H
#define CRM_MODEL_COVARIATES_H

#include "models/fit_result.h"
#include "models/model.h"

/* Coefficients beside the parameters of a family, of buying and of leaving together. */
#define COEFFICIENTS_MAX (SEARCH_MAX_PARAMS - PURCHASE_PARAMS)

/* Customers of equal covariates: those of buying, then those of leaving. */
typedef struct CovariateGroup
{
	double	z[COEFFICIENTS_MAX];
	FitData data;
} CovariateGroup;

typedef struct CovariateData
{
	int				nbuying;
	int				nleaving;
	int				ngroups;
	CovariateGroup *groups;
	FitData			all; /* the customers without their covariates */
} CovariateData;

/* Whether a model takes covariates: BG/NBD, MBG/NBD, Pareto/NBD and their limits do. */
extern bool takes_covariates(int kind);

/* The parameter that covariates move, and which way: its log, or the log odds of a share; at -1 there is none. */
typedef struct CovariateEffect
{
	int	   at;
	double sign;
} CovariateEffect;

extern CovariateEffect covariates_effect_on_buying(int kind);
extern CovariateEffect covariates_effect_on_leaving(int kind);

/* Changes parameters to those of a customer with g'z = buying and h'z = leaving; by nothing, not in the last bit. */
extern void covariates_apply(PurchaseParams *params, double buying, double leaving);

/*
 * Fits a family with its coefficients, or the limit in which it ends, which stand behind the parameters in result: those of buying, and
 * those of leaving unless nobody leaves; separated: which coefficient runs off, since its
 * covariate tells apart customers who do from those who do not, or -1. False if interrupted.
 */
extern bool fit_covariates(const PurchaseModelOps *ops, CovariateData *data,
						   FitInterrupted interrupted, FitResult *result, int *separated);

#endif /* CRM_MODEL_COVARIATES_H */
