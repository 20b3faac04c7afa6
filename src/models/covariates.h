/*
 * covariates.h: purchase models whose customers differ by what is known of them.
 *
 * A customer with covariates z buys with alpha exp(-g'z), and leaves with beta exp(-h'z) under Pareto/NBD, with a exp(h'z),
 * b the same, under BG/NBD and MBG/NBD: a positive coefficient of buying buys more, a positive one of
 * leaving leaves sooner. Fader & Hardie (2007), Incorporating time-invariant covariates into the Pareto/NBD and
 * BG/NBD models. Plain C without PostgreSQL.
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

/* Whether a family takes covariates: BG/NBD, MBG/NBD and Pareto/NBD do. */
extern bool takes_covariates(int kind);

/* Changes parameters to those of a customer with g'z = buying and h'z = leaving. */
extern void covariates_apply(PurchaseParams *params, double buying, double leaving);

/* The slopes of the logs of a customer's alpha and of what she leaves by (a or beta) in g'z and h'z: -1 or 1. */
extern int	  covariates_leaving_at(int kind);
extern double covariates_leaving_sign(int kind);

/*
 * Fits a family with its coefficients, which stand behind the parameters in result; separated: which coefficient runs off, since its
 * covariate tells apart customers who do from those who do not, or -1. False if interrupted.
 */
extern bool fit_covariates(const PurchaseModelOps *ops, CovariateData *data,
						   FitInterrupted interrupted, FitResult *result, int *separated);

#endif /* CRM_MODEL_COVARIATES_H */
