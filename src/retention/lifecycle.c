/*
 * lifecycle.c: what became of a customer in a window of days, which is
 * compared with the window of the same length before it.
 */
#include "crm.h"

#include "base/during.h"
#include "history/purchase_history.h"
#include "utils/builtins.h"

/* The window has a length, and the one before it lies on the calendar. */
static inline void
CheckWindow(DateADT from, DateADT until)
{
	CheckFiniteDate(from, "from_date");
	CheckFiniteDate(until, "until_date");
	if (from >= until)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("from_date %s is not before until_date %s", date_to_text(from),
							   date_to_text(until))));
}

/* Whether a purchase day is among some entries. */
static bool
any_purchase(const PurchaseHistory *h, int from, int to)
{
	for (int i = from; i < to; i++)
		if (h->entries[i].orders > 0)
			return true;
	return false;
}

static const char *
state_of(const PurchaseHistory *h, DateADT from, DateADT until)
{
	int64 length = (int64) until - from;
	int64 before = Max((int64) from - length, (int64) DATEVAL_NOBEGIN);
	int	  n_before = purchase_history_count_until(h, (DateADT) before);
	int	  n_from = purchase_history_count_until(h, from);
	int	  n_until = purchase_history_count_until(h, until);
	bool  now = any_purchase(h, n_from, n_until);

	if (any_purchase(h, n_before, n_from))
		return now ? "repeat" : "lapsed";
	if (any_purchase(h, 0, n_before))
		return now ? "reactivated" : "lapsed";
	return now ? "new" : "never";
}

/*
 * new: the first purchase is in the window; repeat: bought in it and in the
 * window before; reactivated: bought in it, and before but not in the window
 * before; lapsed: bought before, but not in it; never: not bought yet.
 */
PG_FUNCTION_INFO_V1(crm_lifecycle_state_during);
Datum
crm_lifecycle_state_during(PG_FUNCTION_ARGS)
{
	Days			 during = CheckDuring(PG_GETARG_RANGE_P(1));
	PurchaseHistory *h = PG_GETARG_PURCHASES_KNOWN(0, during.last);

	PG_RETURN_TEXT_P(cstring_to_text(state_of(h, during.first - 1, during.last)));
}

/* The window as it was given before 0.3.0, after one day until another. */
PG_FUNCTION_INFO_V1(crm_lifecycle_state);
Datum
crm_lifecycle_state(PG_FUNCTION_ARGS)
{
	DateADT			 from = PG_GETARG_DATEADT(1);
	DateADT			 until = PG_GETARG_DATEADT(2);
	PurchaseHistory *h = PG_GETARG_PURCHASES_KNOWN(0, until);

	CheckWindow(from, until);
	PG_RETURN_TEXT_P(cstring_to_text(state_of(h, from, until)));
}
