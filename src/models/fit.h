/*
 * fit.h: maximum likelihood over the logs of positive parameters.
 *
 * Plain C without PostgreSQL. Nothing is allocated but by NLopt, which frees it
 * before a function here returns.
 */
#ifndef CRM_FIT_H
#define CRM_FIT_H

#include "models/fit_result.h"
#include "models/gamma_gamma.h"
#include "models/model.h"

/*
 * Fit a family with a given k, or with the likeliest k if k is 0; if the data are likeliest
 * at an edge of the family, the limit that lies there. False if interrupted. data->nodes is set as needed.
 */
extern bool fit_purchase_model(const PurchaseModelOps *ops, int k, FitData *data,
							   FitInterrupted interrupted, FitResult *result);

/* Everything that was fitted for a choice, and which of it was taken; -1 if nothing could be. */
#define FIT_MAX_TRIED 6

typedef struct FitChoice
{
	int		  ntried;
	int		  taken;
	FitResult tried[FIT_MAX_TRIED];
} FitChoice;

/*
 * Fit every family, with NBD and Poisson as families of their own, and take that of the
 * least BIC. by_season: only those that a season's clock suits, whose customers leave at purchases and buy without a
 * rhythm. False if interrupted.
 */
extern bool fit_purchase_models(FitData *data, bool by_season, FitInterrupted interrupted,
								FitChoice *choice);

/*
 * Fit the gamma-gamma model, or the limit in which it ends, and its coefficients behind the parameters; amounts should be near 1. separated:
 * which coefficient runs off, or -1. False if interrupted.
 */
extern bool fit_spend_model(SpendData *data, FitInterrupted interrupted, FitResult *result,
							int *separated);

#endif /* CRM_FIT_H */
