/*
 * cohort_book_ask.c: what a book of cohorts answers: its cells, who came back at
 * an age or later, and retention.
 */
#include "crm.h"

#include "base/amount.h"
#include "base/rows.h"
#include "retention/cohort_book.h"
#include "retention/retention.h"

/* Where the rows of a book stand between two calls: cohorts from the oldest, ages from 0. */
typedef struct BookRows
{
	CohortBook *book;
	int			cohort;
	int			age;
	int64		since;		/* customers of the cohort who bought at this age or later */
	int128		cumulative; /* amount of the cohort before this age */
} BookRows;

/* The first row of a cohort, or of the next one that has customers. */
static void
enter_cohort(BookRows *rows, int cohort, int youngest)
{
	while (cohort >= youngest && cohort_customers(rows->book, cohort) == 0)
		cohort--;
	rows->cohort = cohort;
	rows->age = 0;
	rows->cumulative = 0;
	rows->since = cohort < youngest ? 0 : cohort_customers(rows->book, cohort);
}

/* First call of a function with a row a cell. */
static BookRows *
start_rows(FunctionCallInfo fcinfo, int youngest)
{
	FuncCallContext *rows;

	if (SRF_IS_FIRSTCALL())
	{
		BookRows *r;

		rows = rows_start(fcinfo, sizeof(BookRows));
		r = rows->user_fctx;
		r->book = rows_copy_varlena(rows, PG_GETARG_COHORT_BOOK(0));
		enter_cohort(r, r->book->ncohorts, youngest);
	}
	rows = SRF_PERCALL_SETUP();
	return rows->user_fctx;
}

static inline double
share_of(int64 part, int64 whole)
{
	return (double) part / (double) whole;
}

/*
 * The book as rows (cohort_start, age, period_start, observable, active, rate,
 * active_since, purchase_count, purchase_day_count, amount, cumulative_amount),
 * by cohort and age; periods that are not over are not there.
 */
PG_FUNCTION_INFO_V1(crm_cohort_book_cells);
Datum
crm_cohort_book_cells(PG_FUNCTION_ARGS)
{
	BookRows		 *r = start_rows(fcinfo, 1);
	FuncCallContext	 *rows = SRF_PERCALL_SETUP();
	const CohortBook *book = r->book;

	if (r->cohort >= 1)
	{
		const CohortCell *cell = &cohort_cells(book, r->cohort)[r->age];
		int64			  customers = cohort_customers(book, r->cohort);
		Datum			  values[11];
		bool			  nulls[11] = {false};

		r->cumulative += cell->amount;
		values[0] = DateADTGetDatum(cohort_start(book, r->cohort));
		values[1] = Int32GetDatum(r->age);
		values[2] = DateADTGetDatum(cohort_start(book, r->cohort - r->age));
		values[3] = Int64GetDatum(customers);
		values[4] = Int64GetDatum(cell->active);
		values[5] = Float8GetDatum(share_of(cell->active, customers));
		values[6] = Int64GetDatum(r->since);
		values[7] = Int64GetDatum(cell->purchases);
		values[8] = Int64GetDatum(cell->days);
		values[9] = NumericGetDatum(amount_to_numeric(cell->amount));
		values[10] = NumericGetDatum(amount_to_numeric(r->cumulative));
		r->since -= cell->last;
		if (++r->age == r->cohort)
			enter_cohort(r, r->cohort - 1, 1);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/*
 * The retention of the cohorts as rows (cohort_start, age, observable, active,
 * rate), by cohort and age; the cohort of the unfinished period is there with
 * age 0, as in a retention curve.
 */
PG_FUNCTION_INFO_V1(crm_cohort_book_triangle);
Datum
crm_cohort_book_triangle(PG_FUNCTION_ARGS)
{
	BookRows		*r = start_rows(fcinfo, 0);
	FuncCallContext *rows = SRF_PERCALL_SETUP();

	if (r->cohort >= 0)
	{
		int64 customers = cohort_customers(r->book, r->cohort);
		int64 active = r->cohort == 0 ? customers : cohort_cells(r->book, r->cohort)[r->age].active;
		Datum values[5];
		bool  nulls[5] = {false};

		values[0] = DateADTGetDatum(cohort_start(r->book, r->cohort));
		values[1] = Int32GetDatum(r->age);
		values[2] = Int64GetDatum(customers);
		values[3] = Int64GetDatum(active);
		values[4] = Float8GetDatum(share_of(active, customers));
		if (++r->age >= r->cohort)
			enter_cohort(r, r->cohort - 1, 0);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* All cohorts together, by age. */
typedef struct AllCohorts
{
	int	   nages;
	int64 *observable;
	int64 *since; /* customers who bought at an age or later */
} AllCohorts;

static void
add_cohorts(AllCohorts *all, const CohortBook *book)
{
	all->nages = book->ncohorts;
	all->observable = palloc0(Max(all->nages, 1) * sizeof(int64));
	all->since = palloc0(Max(all->nages, 1) * sizeof(int64));
	for (int cohort = 1; cohort <= book->ncohorts; cohort++)
	{
		int64 since = 0;

		for (int age = cohort - 1; age >= 0; age--)
		{
			since += cohort_cells(book, cohort)[age].last;
			all->since[age] += since;
			all->observable[age] += cohort_customers(book, cohort);
		}
	}
}

/* Rows (age, observable, active_since, rate): of all cohorts, who bought at an age or later. */
PG_FUNCTION_INFO_V1(crm_rolling_retention);
Datum
crm_rolling_retention(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	AllCohorts		*all;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext before;

		rows = rows_start(fcinfo, sizeof(AllCohorts));
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		add_cohorts(rows->user_fctx, PG_GETARG_COHORT_BOOK(0));
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	all = rows->user_fctx;

	if (rows->call_cntr < (uint64) all->nages)
	{
		int	  age = (int) rows->call_cntr;
		Datum values[4];
		bool  nulls[4] = {false};

		values[0] = Int32GetDatum(age);
		values[1] = Int64GetDatum(all->observable[age]);
		values[2] = Int64GetDatum(all->since[age]);
		values[3] = Float8GetDatum(share_of(all->since[age], all->observable[age]));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* The book summed over its cohorts: the retention curve of the same customers, by calendar periods. */
PG_FUNCTION_INFO_V1(crm_cohort_book_retention);
Datum
crm_cohort_book_retention(PG_FUNCTION_ARGS)
{
	CohortBook *book = PG_GETARG_COHORT_BOOK(0);
	AgeCounts  *curve;

	if (book->ncohorts == 0 && book->joining == 0)
		PG_RETURN_NULL();
	curve = age_counts_reach(age_counts_create(Max(book->ncohorts, 1)), Max(book->ncohorts, 1) - 1);
	curve->unit = book->period;
	curve->basis = BASIS_CALENDAR;
	curve->as_of = book->as_of;
	curve->ages[0].ended = book->joining;
	curve->ages[0].happened = book->joining;
	for (int cohort = 1; cohort <= book->ncohorts; cohort++)
	{
		curve->ages[cohort - 1].ended += cohort_customers(book, cohort);
		for (int age = 0; age < cohort; age++)
			curve->ages[age].happened += cohort_cells(book, cohort)[age].active;
	}
	PG_RETURN_AGE_COUNTS(curve);
}
