/*
 * cohort_book_agg.c: the aggregate cohort_book over (history, as_of, period).
 *
 * Money that moved before the first purchase, refunds and fees of what is not in
 * the history, counts at age 0, as in activity. Customers without a purchase by
 * as_of have no cohort and are left out.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "common/int.h"
#include "history/purchase_history.h"
#include "retention/cohort_book.h"

/* Counts one entry at an age; returns whether the customer bought. */
static inline bool
count_entry(CohortCell *cell, const PurchaseDay *entry)
{
	if (unlikely(pg_add_s64_overflow(cell->amount, entry->amount, &cell->amount)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("amount of the cohort book is out of range")));
	cell->purchases += entry->orders;
	cell->days += entry->orders > 0;
	return entry->orders > 0;
}

/* Counts one customer; the state, or a larger one. */
static CohortBook *
count_customer(CohortBook *book, const PurchaseHistory *h)
{
	int				   n = purchase_history_count_until(h, book->as_of);
	const PurchaseDay *first = purchase_history_first(h, n);
	int32			   joined;
	int				   cohort;
	CohortCell		  *cells;
	int				   counted = -1;

	if (first == NULL)
		return book;
	joined = period_number(book->period, first->day);
	cohort = cohort_book_anchor(book) - joined;
	if (cohort == 0)
	{
		book->joining++;
		return book;
	}
	book = cohort_book_reach(book, cohort);
	cells = cohort_cells(book, cohort);
	for (const PurchaseDay *at = h->entries; at < h->entries + n; at++)
	{
		int age = at <= first ? 0 : period_number(book->period, at->day) - joined;

		if (age >= cohort)
			break;
		if (count_entry(&cells[age], at) && age > counted)
		{
			cells[age].active++;
			counted = age;
		}
	}
	cells[counted].last++;
	return book;
}

/* An argument without which there is no rule. */
static inline void
CheckGiven(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s of a cohort book cannot be null", name)));
}

/* (state, history, as_of, period) */
PG_FUNCTION_INFO_V1(crm_cohort_book_transition);
Datum
crm_cohort_book_transition(PG_FUNCTION_ARGS)
{
	CohortBook *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_COHORT_BOOK(0);
	CohortBook	asked = {0};

	(void) CheckInAggregate(fcinfo);
	CheckGiven(fcinfo, 2, "as_of");
	CheckGiven(fcinfo, 3, "period");
	asked.as_of = CheckLastDay(PG_GETARG_DATEADT(2));
	asked.period = period_from_text(PG_GETARG_TEXT_PP(3));
	if (state == NULL)
	{
		state = cohort_book_create(asked.period, asked.as_of, 0);
		cohort_start(state, 0); /* an error now rather than when the book is written */
	}
	CheckSameBook(state, &asked);
	if (!PG_ARGISNULL(1))
		state = count_customer(state, PG_GETARG_PURCHASES_KNOWN(1, asked.as_of));
	PG_RETURN_COHORT_BOOK(state);
}

/* The book that a state holds; NULL if it counts nobody. */
PG_FUNCTION_INFO_V1(crm_cohort_book_final);
Datum
crm_cohort_book_final(PG_FUNCTION_ARGS)
{
	CohortBook *book = PG_GETARG_COHORT_BOOK(0);

	if (book->ncohorts == 0 && book->joining == 0)
		PG_RETURN_NULL();
	CheckTotals(book);
	PG_RETURN_COHORT_BOOK(cohort_book_copy(book, book->ncohorts));
}

/* a + b, and the combine function: the customers of both. */
PG_FUNCTION_INFO_V1(crm_cohort_book_plus);
Datum
crm_cohort_book_plus(PG_FUNCTION_ARGS)
{
	CohortBook *a = PG_GETARG_COHORT_BOOK(0);
	CohortBook *b = PG_GETARG_COHORT_BOOK(1);

	CheckSameBook(a, b);
	PG_RETURN_COHORT_BOOK(cohort_book_plus(a, b));
}
