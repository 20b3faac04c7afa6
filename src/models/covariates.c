/*
 * covariates.c: what covariates do to the parameters of a family.
 */
#include "models/covariates.h"

#include <math.h>

bool
takes_covariates(int kind)
{
	return kind == MODEL_BG_NBD || kind == MODEL_MBG_NBD || kind == MODEL_PARETO_NBD;
}

int
covariates_leaving_at(int kind)
{
	return kind == MODEL_PARETO_NBD ? 3 : 2;
}

double
covariates_leaving_sign(int kind)
{
	return kind == MODEL_PARETO_NBD ? -1 : 1;
}

void
covariates_apply(PurchaseParams *params, double buying, double leaving)
{
	params->p[1] *= exp(-buying);
	params->p[covariates_leaving_at(params->kind)] *=
		exp(covariates_leaving_sign(params->kind) * leaving);
}
