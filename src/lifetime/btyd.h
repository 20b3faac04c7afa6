/*
 * btyd.h: what a purchase model needs to know of a history.
 *
 * BTYD = buy till you die. Days are whole days; the models' units come later, so
 * that no rounding enters before the fit.
 */
#ifndef CRM_BTYD_H
#define CRM_BTYD_H

#include "crm.h"

#include "models/model.h"
#include "history/purchase_history.h"

/* A customer's history up to a day, in days. */
typedef struct BtydDays
{
	int32  x;		 /* repeat purchase days: purchase days after the first */
	int32  t_x;		 /* first to last purchase day */
	int32  age;		 /* first purchase day to as_of */
	int	   first;	 /* index of the first purchase day's entry */
	int	   nentries; /* entries up to as_of */
	int128 spend;	 /* net amount of all days after the first purchase day, in 1/10000 */
} BtydDays;

extern bool btyd_at(const PurchaseHistory *h, DateADT as_of, BtydDays *days);

/* Net spend per repeat purchase day, in currency units; 0 without any. */
static inline double
btyd_mean_spend(const BtydDays *days)
{
	return days->x == 0 ? 0 : (double) days->spend / AMOUNT_SCALE / days->x;
}

/* The same customer in model units. */
static inline Btyd
btyd_in_units(const BtydDays *days, int32 unit_days)
{
	Btyd c = {days->x, (double) days->t_x / unit_days, (double) days->age / unit_days};

	return c;
}

extern Btyd CheckBtyd(double x, double t_x, double age);

#define UNIT_DAYS_MAX 36525

/* A time unit is a whole number of days, up to a century. */
static inline int32
CheckUnitDays(int32 unit_days)
{
	if (unlikely(unit_days < 1 || unit_days > UNIT_DAYS_MAX))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unit_days %d is out of range", unit_days),
						errdetail("A time unit is 1 to %d days.", UNIT_DAYS_MAX)));
	return unit_days;
}

#endif /* CRM_BTYD_H */
