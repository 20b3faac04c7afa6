/*
 * clock.h: time as a purchase model counts it: in units of days, or by the clock of its season.
 */
#ifndef CRM_CLOCK_H
#define CRM_CLOCK_H

#include "crm.h"

#include "lifetime/btyd.h"
#include "lifetime/purchase_model.h"
#include "lifetime/season.h"

extern Btyd	   btyd_by_clock(const BtydDays *days, const Season *season, DateADT as_of);
extern double  periods_by_clock(const PurchaseModel *model, DateADT as_of, DateADT until);
extern double  discounted_by_clock(const PurchaseModel *model, const PurchaseParams *params, Btyd c,
								   DateADT as_of, DateADT until, double delta);
extern DateADT day_by_clock(const PurchaseModel *model, DateADT as_of, double periods);

/* A customer as a model sees her on a day. */
static inline Btyd
model_customer(const PurchaseModel *model, const BtydDays *days, DateADT as_of)
{
	Btyd c;

	if (likely(model->flags == 0))
		return btyd_in_units(days, model->unit_days);
	c = btyd_by_clock(days, purchase_model_season(model), as_of);
	c.t_x /= model->unit_days;
	c.age /= model->unit_days;
	return c;
}

/* Units of the model from as_of until a day, of which there are so many (periods) without a season; infinite stays so. */
static inline double
model_periods(const PurchaseModel *model, DateADT as_of, DateADT until, double periods)
{
	return likely(model->flags == 0) || isinf(periods) ? periods
													   : periods_by_clock(model, as_of, until);
}

/* Purchases within so many units (periods by the calendar) from as_of on, discounted in calendar time. */
static inline double
model_discounted(const PurchaseModel *model, const PurchaseParams *params, Btyd c, DateADT as_of,
				 DateADT until, double periods, double delta)
{
	return likely(model->flags == 0) ? model_ops(model)->discounted(params, c, periods, delta)
									 : discounted_by_clock(model, params, c, as_of, until, delta);
}

#endif /* CRM_CLOCK_H */
