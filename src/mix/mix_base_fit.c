/*
 * mix_base_fit.c: the aggregate fit_mix_base(mix, as_of).
 *
 * Its state is a mix_state that holds tables of counts: under the name of a
 * category, as day n and amount, how many customers bought it on n days; under the
 * empty name the same of everything, each category's days added. Those are all that
 * the fit needs, and they add in any order.
 */
#include "crm.h"

#include "base/aggregate.h"
#include "base/amount.h"
#include "miscadmin.h"
#include "mix/mix_base.h"

static const CategoryName everything = {"", 0};

/* A state with one customer more who has a count. */
static Mix *
count_one(Mix *state, CategoryName name, int64 count)
{
	PurchaseDay one = {(DateADT) count, 0, 1};

	CheckPurchaseDay(one.day);
	return mix_append(state, name, &one, 1);
}

/* Counts one customer. */
PG_FUNCTION_INFO_V1(crm_fit_mix_base_transition);
Datum
crm_fit_mix_base_transition(PG_FUNCTION_ARGS)
{
	Mix	   *state = PG_ARGISNULL(0) ? mix_create(1024) : PG_GETARG_MIX(0);
	Mix	   *m;
	DateADT as_of;
	int64	all = 0;

	(void) CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of of a fit cannot be null")));
	if (PG_ARGISNULL(1))
		PG_RETURN_MIX(state);
	m = PG_GETARG_MIX(1);
	as_of = PG_GETARG_DATEADT(2);
	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
	{
		int64 days = category_days_until(at, as_of);

		if (days > 0)
			state = count_one(state, category_name(at), days);
		all += days;
	}
	if (all > 0)
		state = count_one(state, everything, Min(all, PG_INT32_MAX));
	PG_RETURN_MIX(state);
}

/* The table that stands under a name, of what anybody can write: counts are above 0. */
static CountTable
count_table(const MixCategory *category)
{
	const PurchaseDay *days = category_days(category);
	int32			  *count = palloc(sizeof(int32) * category->ndays);
	int64			  *customers = palloc(sizeof(int64) * category->ndays);

	for (int i = 0; i < category->ndays; i++)
	{
		if (days[i].day < 1 || days[i].orders != 0 || days[i].amount < 1)
			mix_state_of_another();
		count[i] = days[i].day;
		customers[i] = days[i].amount;
	}
	return (CountTable){category->ndays, count, customers};
}

/* Called within the fit, which frees its memory itself: must not raise. */
static bool
is_cancelled(void)
{
	return InterruptPending && (QueryCancelPending || ProcDiePending);
}

/* The base that the customers of a state make; NULL if none bought anything. */
PG_FUNCTION_INFO_V1(crm_fit_mix_base_final);
Datum
crm_fit_mix_base_final(PG_FUNCTION_ARGS)
{
	const Mix		  *counts = mix_settle(PG_GETARG_MIX(0));
	const MixCategory *at = mix_first(counts);
	int				   n = counts->ncategories - 1; /* the empty name is the first */
	CountTable		   all;
	CountTable		  *tables;
	CategoryName	  *names;
	double			  *concentrations;
	int64			   customers = 0;
	DirichletVerdict   verdict;

	if (n < 0)
		PG_RETURN_NULL();
	if (n == 0 || at->len != 0)
		mix_state_of_another();
	all = count_table(at);
	for (int i = 0; i < all.n; i++)
		customers = AmountAdd(customers, all.customers[i]);
	tables = palloc(sizeof(CountTable) * n);
	names = palloc(sizeof(CategoryName) * n);
	concentrations = palloc(sizeof(double) * n);
	for (int k = 0; k < n; k++)
	{
		at = category_next(at);
		tables[k] = count_table(at);
		names[k] = category_name(at);
	}
	verdict = dirichlet_fit(n, tables, &all, is_cancelled, concentrations);
	if (verdict == DIRICHLET_INTERRUPTED)
	{
		CHECK_FOR_INTERRUPTS();
		ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED), errmsg("fit was interrupted")));
	}
	PG_RETURN_MIX_BASE(mix_base_make(verdict, customers, n, names, concentrations));
}
