/*
 * covariates.c: what covariates do to the parameters of a family, and of its limits.
 */
#include "models/covariates.h"

#include <math.h>

bool
takes_covariates(int kind)
{
	return purchase_model_family(kind) != MODEL_MBG_CNBD_K;
}

CovariateEffect
covariates_effect_on_buying(int kind)
{
	return kind & LIMIT_BUY_ALIKE ? (CovariateEffect){0, 1} : (CovariateEffect){1, -1};
}

CovariateEffect
covariates_effect_on_leaving(int kind)
{
	int leaving = kind & LIMIT_BUY_ALIKE ? 1 : 2;

	if ((kind & LIMIT_LEAVING) == LIMIT_LEAVE_NEVER)
		return (CovariateEffect){-1, 0};
	if ((kind & LIMIT_LEAVING) == 0 && purchase_model_family(kind) == MODEL_PARETO_NBD)
		return (CovariateEffect){leaving + 1, -1};
	return (CovariateEffect){leaving, 1};
}

/* A positive number times e^by, a share by its odds. */
static void
move(PurchaseParams *params, CovariateEffect effect, double by)
{
	double *p;

	if (effect.at < 0 || by == 0)
		return;
	p = &params->p[effect.at];
	if (purchase_model_ops(params->kind)->units[effect.at] == PARAM_SHARE)
		*p = *p / (*p + (1 - *p) * exp(-effect.sign * by));
	else
		*p *= exp(effect.sign * by);
}

void
covariates_apply(PurchaseParams *params, double buying, double leaving)
{
	move(params, covariates_effect_on_buying(params->kind), buying);
	move(params, covariates_effect_on_leaving(params->kind), leaving);
}
