/*
 * btyd.c: x, t_x, age and mean_spend of a history, the input of the purchase models.
 */
#include "crm.h"

#include <math.h>

#include "lifetime/btyd.h"
#include "base/rows.h"

/*
 * Reads a history up to and including as_of; false if the customer has not
 * bought by then. Days with refunds only are no purchases but change the spend.
 */
bool
btyd_at(const PurchaseHistory *h, DateADT as_of, BtydDays *days)
{
	const PurchaseDay *first;

	CheckFiniteDate(as_of, "as_of");
	days->nentries = purchase_history_count_until(h, as_of);
	first = purchase_history_first(h, days->nentries);
	if (first == NULL)
		return false;
	days->first = first - h->entries;
	days->x = 0;
	days->spend = 0;
	days->t_x = 0;
	days->age = as_of - first->day;
	for (int i = days->first + 1; i < days->nentries; i++)
	{
		days->spend += h->entries[i].amount;
		if (h->entries[i].orders > 0)
		{
			days->x++;
			days->t_x = h->entries[i].day - first->day;
		}
	}
	return true;
}

static void
btyd_error(const char *name, double value, const char *rule)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s of %g is not possible", name, value), errdetail("%s", rule)));
}

/* A customer given as plain numbers, in model units. */
Btyd
CheckBtyd(double x, double t_x, double age)
{
	Btyd c = {x + 0.0, t_x + 0.0, age + 0.0}; /* no minus zero */

	if (!(x >= 0 && x <= 1e9) || x != floor(x))
		btyd_error("x", x, "x is a number of repeat purchases, 0 or more.");
	if (!(age >= 0 && age <= 1e9))
		btyd_error("age", age, "age is the time since the first purchase, 0 or more.");
	if (!(t_x >= 0 && t_x <= age))
		btyd_error("t_x", t_x,
				   "t_x is the time from the first to the last purchase, from 0 to age.");
	if (x == 0 && t_x != 0)
		btyd_error("t_x", t_x, "t_x is 0 for a customer without repeat purchases.");
	if (x > 0 && t_x == 0)
		btyd_error("t_x", t_x, "t_x is above 0 for a customer with repeat purchases.");
	return c;
}

/* (x, t_x, age, mean_spend) on a day, times in units of so many days; NULL if not yet a customer. */
PG_FUNCTION_INFO_V1(crm_btyd);
Datum
crm_btyd(PG_FUNCTION_ARGS)
{
	PurchaseHistory *h = PG_GETARG_PURCHASES_KNOWN(0, PG_GETARG_DATEADT(1));
	int32			 unit_days = PG_NARGS() > 2 ? CheckUnitDays(PG_GETARG_INT32(2)) : 1;
	BtydDays		 days;
	Btyd			 c;
	Datum			 values[4];
	bool			 nulls[4] = {false};

	if (!btyd_at(h, PG_GETARG_DATEADT(1), &days))
		PG_RETURN_NULL();
	c = btyd_in_units(&days, unit_days);
	values[0] = Int32GetDatum(days.x);
	values[1] = Float8GetDatum(c.t_x);
	values[2] = Float8GetDatum(c.age);
	values[3] = Float8GetDatum(btyd_mean_spend(&days));
	nulls[3] = days.x == 0;
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
