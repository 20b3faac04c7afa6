/*
 * clock.c: customers, horizons and discount by the clock of a model's season.
 */
#include "crm.h"

#include <math.h>

#include "lifetime/clock.h"

/* x, t_x and age in days of the clock. */
Btyd
btyd_by_clock(const BtydDays *days, const Season *season, DateADT as_of)
{
	DateADT first = as_of - days->age;
	double	start = season_clock(season, first);
	Btyd	c = {days->x, 0, 0};

	if (days->t_x > 0)
		c.t_x = season_clock(season, first + days->t_x) - start;
	if (days->age > 0)
		c.age = season_clock(season, as_of) - start;
	return c;
}

/* Units of the model that its clock runs from as_of until a day. */
double
periods_by_clock(const PurchaseModel *model, DateADT as_of, DateADT until)
{
	const Season *season = purchase_model_season(model);

	return (season_clock(season, until) - season_clock(season, as_of)) / model->unit_days;
}

/* The first day by whose end the clock has run so many units on; 'infinity' beyond the calendar. */
DateADT
day_by_clock(const PurchaseModel *model, DateADT as_of, double periods)
{
	return season_day_after(purchase_model_season(model), as_of, periods * model->unit_days);
}

/* Mean of e^(-delta t) over t from low to high. */
static double
mean_discount(double low, double high, double delta)
{
	double n = delta * (high - low);

	return exp(-delta * low) * (n < 1e-8 ? 1 - n / 2 : -expm1(-n) / n);
}

/* Mean of e^(-delta t) over purchases from one day to a later one, t in calendar time since as_of: by the clock they are even. */
static double
mean_discount_by_clock(const PurchaseModel *model, DateADT as_of, DateADT from, DateADT until,
					   double delta)
{
	const Season	 *season = purchase_model_season(model);
	const SeasonYear *year = season_year(season->period);
	double			  sum = 0;
	double			  passed = 0;

	while (from < until)
	{
		SeasonDay at = season_day(season->period, from + 1);
		int		  left = year->days[at.bin] + (at.leap && at.bin == year->leap_bin) - at.day + 1;
		DateADT	  next = Min(until, from + left);
		double	  by = season->bins[at.bin].s * (next - from);

		sum += by * mean_discount((double) (from - as_of) / model->unit_days,
								  (double) (next - as_of) / model->unit_days, delta);
		passed += by;
		from = next;
	}
	return sum / passed;
}

/*
 * E[sum of e^(-delta t) over purchases], t in calendar time: that of the clock's own time, and what the calendar's discount differs
 * from it, step by step, since purchases fall off little within a step. Behind the last step each year
 * differs like the first.
 */
double
discounted_by_clock(const PurchaseModel *model, const PurchaseParams *params, Btyd c, DateADT as_of,
					DateADT until, double delta)
{
	static const int		steps[] = {91,	 183,  274,	 365,  457,	 548,  639, 731, 1096,
									   1461, 1826, 2191, 2557, 2922, 3287, 3652}; /* days from as_of */
	const PurchaseModelOps *ops = model_ops(model);
	bool					for_ever = DATE_IS_NOEND(until);
	double					ahead = for_ever ? INFINITY : periods_by_clock(model, as_of, until);
	double					total;
	double					expected = 0;
	double					by_then = 0;
	DateADT					from = as_of;

	if (delta == 0)
		return ops->expected(params, c, ahead, NULL);
	if (season_is_flat(purchase_model_season(model)))
		return ops->discounted(params, c, ahead, delta);
	total = ops->discounted(params, c, ahead, delta);
	for (int i = 0; i < (int) lengthof(steps) && from < until; i++, by_then = expected)
	{
		DateADT to = (DateADT) Min((int64) until, (int64) as_of + steps[i]);
		double	low = periods_by_clock(model, as_of, from);
		double	high = periods_by_clock(model, as_of, to);

		expected = ops->expected(params, c, high, NULL);
		total += (expected - by_then) * (mean_discount_by_clock(model, as_of, from, to, delta) -
										 mean_discount(low, high, delta));
		from = to;
	}
	if (from < until)
	{
		double here = periods_by_clock(model, as_of, from);
		double later =
			ops->discounted(params, c, ahead, delta) - ops->discounted(params, c, here, delta);

		total += fmax(later, 0) * (mean_discount_by_clock(model, as_of, from, from + 365, delta) /
									   mean_discount(here, here + 365.0 / model->unit_days, delta) -
								   1);
	}
	return fmax(total, 0);
}
