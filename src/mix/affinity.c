/*
 * affinity.c: the aggregate affinity(mix, as_of): which categories are bought on the
 * same occasions, in the measures of Agrawal, Imielinski & Swami (1993).
 *
 * Its state is a mix_state that counts occasions as amounts: under the empty name
 * all of them, under the name of a category those that have it, and under two names
 * put together, as the day how long the first is, those that have both.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "base/aggregate.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "mix/mix.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* A category that was bought on a day. */
typedef struct Bought
{
	DateADT		 day;
	CategoryName name;
} Bought;

static int
compare_bought(const void *a, const void *b)
{
	const Bought *x = a;
	const Bought *y = b;

	return x->day != y->day ? CRM_COMPARE(x->day, y->day) : category_compare(x->name, y->name);
}

/* All that was bought until a day, by day and category. */
static Bought *
bought_until(const Mix *m, DateADT until, int *n)
{
	Size	count = 0;
	Bought *bought;

	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
		count += at->ndays;
	bought = MemoryContextAllocHuge(CurrentMemoryContext, Max(count, 1) * sizeof(Bought));
	*n = 0;
	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
		for (int i = 0; i < at->ndays && category_days(at)[i].day <= until; i++)
			if (category_days(at)[i].orders > 0)
				bought[(*n)++] = (Bought){category_days(at)[i].day, category_name(at)};
	qsort(bought, *n, sizeof(Bought), compare_bought);
	return bought;
}

/* A state with one occasion more under a name. */
static Mix *
count_occasion(Mix *state, CategoryName name, int split)
{
	PurchaseDay one = {(DateADT) split, 0, 1};

	return mix_append(state, name, &one, 1);
}

/* Counts what was bought on one day: everything, each category, each pair of them once. */
static Mix *
count_day(Mix *state, const Bought *bought, int n)
{
	char both[STATE_NAME_SIZE];

	state = count_occasion(state, (CategoryName){"", 0}, 0);
	for (int i = 0; i < n; i++)
	{
		CategoryName first = bought[i].name;

		CHECK_FOR_INTERRUPTS();
		state = count_occasion(state, first, 0);
		memcpy(both, first.at, first.len);
		for (int j = i + 1; j < n; j++)
		{
			CategoryName second = bought[j].name;

			memcpy(both + first.len, second.at, second.len);
			state = count_occasion(state, (CategoryName){both, first.len + second.len}, first.len);
		}
	}
	return state;
}

PG_FUNCTION_INFO_V1(crm_affinity_transition);
Datum
crm_affinity_transition(PG_FUNCTION_ARGS)
{
	Mix	   *state = PG_ARGISNULL(0) ? mix_create(1024) : PG_GETARG_MIX(0);
	Bought *bought;
	int		n;

	(void) CheckInAggregate(fcinfo);
	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("as_of of an affinity cannot be null")));
	if (PG_ARGISNULL(1))
		PG_RETURN_MIX(state);
	bought = bought_until(PG_GETARG_MIX(1), PG_GETARG_DATEADT(2), &n);
	for (int from = 0, to; from < n; from = to)
	{
		for (to = from + 1; to < n && bought[to].day == bought[from].day;)
			to++;
		state = count_day(state, bought + from, to - from);
	}
	pfree(bought);
	PG_RETURN_MIX(state);
}

/* The entry of one category: the days of its name stand sorted, its own, 0, first. */
static int
compare_names(const void *a, const void *b)
{
	return category_compare(*(const CategoryName *) a,
							category_name(*(const MixCategory *const *) b));
}

/* Anybody can write a state, or take that of another aggregate: counts are above 0, and pairs have two names. */
static void
CheckCounts(const MixCategory *category, bool first)
{
	bool sound = first == (category->len == 0) && category_days(category)->day >= 0;

	for (int i = 0; sound && i < category->ndays; i++)
	{
		const PurchaseDay *counted = &category_days(category)[i];

		sound = counted->orders == 0 && counted->amount > 0 && counted->day < Max(category->len, 1);
	}
	if (!sound)
		mix_state_of_another();
}

/* How many occasions have one category: each that is in a pair was counted. */
static int64
occasions_of(const MixCategory **entries, int n, CategoryName name)
{
	const MixCategory **found = bsearch(&name, entries, n, sizeof(void *), compare_names);

	if (found == NULL || category_days(*found)->day != 0)
		mix_state_of_another();
	return category_days(*found)->amount;
}

#define PAIR_COLUMNS 10

/* One pair as a row. */
static Datum
pair_row(TupleDesc desc, CategoryName first, CategoryName second, int64 both, int64 of_first,
		 int64 of_second, int64 all)
{
	Datum values[PAIR_COLUMNS];
	bool  nulls[PAIR_COLUMNS] = {false};

	values[0] = PointerGetDatum(cstring_to_text_with_len(first.at, first.len));
	values[1] = PointerGetDatum(cstring_to_text_with_len(second.at, second.len));
	values[2] = Int64GetDatum(both);
	values[3] = Int64GetDatum(of_first);
	values[4] = Int64GetDatum(of_second);
	values[5] = Int64GetDatum(all);
	values[6] = Float8GetDatum((double) both / (double) all);
	values[7] = Float8GetDatum((double) both / (double) of_first);
	values[8] = Float8GetDatum((double) both / (double) of_second);
	values[9] =
		Float8GetDatum((double) both * (double) all / ((double) of_first * (double) of_second));
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/* The pairs that a state has counted, an array of crm.affinity_pair; NULL if nothing was bought. */
PG_FUNCTION_INFO_V1(crm_affinity_final);
Datum
crm_affinity_final(PG_FUNCTION_ARGS)
{
	const Mix		   *counts = mix_settle(PG_GETARG_MIX(0));
	const MixCategory **entries = palloc(sizeof(void *) * Max(counts->ncategories, 1));
	Oid					row = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	TupleDesc			desc;
	Datum			   *pairs;
	int64				all;
	int					n = 0;
	int					npairs = 0;
	int					count = 0;

	if (counts->ncategories == 0)
		PG_RETURN_NULL();
	desc = lookup_rowtype_tupdesc_copy(row, -1);
	for (const MixCategory *at = mix_first(counts); at < mix_end(counts); at = category_next(at))
	{
		CheckCounts(at, n == 0);
		entries[n++] = at;
		npairs += at->ndays;
	}
	all = category_days(entries[0])->amount;
	pairs = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * npairs);
	for (int i = 1; i < n; i++)
		for (int j = 0; j < entries[i]->ndays; j++)
		{
			const PurchaseDay *counted = &category_days(entries[i])[j];
			CategoryName	   first = {entries[i]->name, counted->day};
			CategoryName second = {entries[i]->name + counted->day, entries[i]->len - counted->day};

			CHECK_FOR_INTERRUPTS();
			if (counted->day > 0)
				pairs[count++] =
					pair_row(desc, first, second, counted->amount, occasions_of(entries, n, first),
							 occasions_of(entries, n, second), all);
		}
	PG_RETURN_ARRAYTYPE_P(construct_array(pairs, count, row, -1, false, TYPALIGN_DOUBLE));
}
