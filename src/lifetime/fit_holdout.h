/*
 * fit_holdout.h: a choice of models whose last days are held out: what its state keeps of the time before them.
 *
 * Beside the customers and gaps of a FIT_STATE_REGULAR, which are of all the time:
 *   -2, holdout_days, 0           once a customer, so that different ones show
 *   -1, days, 1                   gaps before the cut
 *   -3 - x - n 2^26, t_x, age     customers as they were at the cut, who then bought on n more days
 */
#ifndef CRM_FIT_HOLDOUT_H
#define CRM_FIT_HOLDOUT_H

#include "lifetime/fit_state.h"
#include "lifetime/purchase_model.h"
#include "models/fit.h"

#define HOLDOUT_DAYS_X (-2.0)
#define HOLDOUT_FIRST_X (-3.0)
#define HOLDOUT_PURCHASES 0x1p26 /* x and n are below: there are not so many days */

/* Whether a negative key that is no gap can be. */
extern bool		 holdout_group_is_sound(const double *key);
extern FitState *holdout_add(FitState *state, const PurchaseHistory *h, DateADT as_of,
							 int32 holdout_days);
extern FitState *holdout_part(const FitState *state, bool calibration);
extern bool		 holdout_can_be_fitted(const FitState *part);
extern void		 holdout_score(const FitState *state, const FitChoice *calibrated, int ntried,
							   ModelTried *tried);
extern void		 holdout_warn(const FitState *state, const PurchaseModel *model);

#endif /* CRM_FIT_HOLDOUT_H */
