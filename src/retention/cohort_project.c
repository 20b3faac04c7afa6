/*
 * cohort_project.c: what the cohorts of a book will have come to at the oldest age
 * that has been seen, with standard errors (math/chain_ladder.h).
 *
 * There is no tail beyond that age: what the oldest cohort has not shown, nobody
 * is said to do.
 */
#include "crm.h"

#include <math.h>

#include "base/names.h"
#include "base/amount.h"
#include "base/rows.h"
#include "math/chain_ladder.h"
#include "miscadmin.h"
#include "retention/cohort_book.h"
#include "utils/builtins.h"

/* What can be projected: figures that add up from age to age. */
typedef enum Measure
{
	MEASURE_AMOUNT,
	MEASURE_PURCHASE_COUNT,
	MEASURE_PURCHASE_DAY_COUNT
} Measure;

static const char  measure_names[][24] = {"amount", "purchase_count", "purchase_day_count"};
static const Names measures =
	NAMES("measure", "Measures", "They add up from age to age; others cannot be projected.", 0,
		  measure_names);

/* A measure of the cohorts, cumulated by age: the cohort of row i has n - i ages. */
typedef struct Triangle
{
	int		n;
	double *cells;
} Triangle;

/* Row i, from the oldest cohort. */
static const double *
triangle_row(const void *triangle, int i)
{
	const Triangle *t = triangle;

	return t->cells + COHORT_CELLS(t->n) - COHORT_CELLS(t->n - i);
}

static inline int64
measured(const CohortCell *cell, Measure measure)
{
	return measure == MEASURE_AMOUNT		   ? cell->amount
		   : measure == MEASURE_PURCHASE_COUNT ? cell->purchases
											   : cell->days;
}

/* Ratios from age to age have no meaning at zero or below. */
static inline void
CheckCumulated(const CohortBook *book, int cohort, int age, double cumulated, Measure measure)
{
	if (unlikely(cumulated <= 0))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("cohort of %s has no positive %s up to age %d",
						date_to_text(cohort_start(book, cohort)), measure_names[measure], age),
				 errhint("Project purchase_count, or take a longer period.")));
}

/* The cumulated figures of one cohort; one that has none at any age stays zero. */
static void
fill_row(double *to, const CohortBook *book, int cohort, Measure measure)
{
	const CohortCell *cells = cohort_cells(book, cohort);
	int128			  cumulated = 0;
	bool			  empty = true;

	for (int age = 0; age < cohort; age++)
		empty = empty && measured(&cells[age], measure) == 0;
	for (int age = 0; age < cohort; age++)
	{
		cumulated += measured(&cells[age], measure);
		to[age] = (double) cumulated;
		if (!empty)
			CheckCumulated(book, cohort, age, to[age], measure);
	}
}

static Triangle *
make_triangle(const CohortBook *book, Measure measure)
{
	Triangle *t = palloc(sizeof(Triangle));

	t->n = book->ncohorts;
	t->cells =
		MemoryContextAllocHuge(CurrentMemoryContext, COHORT_CELLS(t->n) * sizeof(double) + 1);
	for (int i = 0; i < t->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		fill_row((double *) triangle_row(t, i), book, t->n - i, measure);
	}
	return t;
}

/* Every age leads on to the next. */
static void
CheckFactors(const ChainLadder *l, Measure measure)
{
	for (int k = 0; k < l->n - 1; k++)
		if (!(l->factors[k] > 0) || !isfinite(l->factors[k]))
			ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
							errmsg("no cohort has %s at age %d and at the next",
								   measure_names[measure], k),
							errhint("Take a longer period.")));
}

/* The reader is to know when the errors below are too small. */
static void
warn_of_diagonals(const DiagonalTest *test)
{
	if (diagonals_are_correlated(test))
		ereport(WARNING,
				(errmsg("calendar periods have an effect on all cohorts"),
				 errdetail("%.0f factors stand on the smaller side of their diagonals, where %.1f "
						   "+- %.1f are expected.",
						   test->statistic, test->expected, 2 * sqrt(test->variance)),
				 errhint("The chain ladder takes periods for independent: its standard errors are "
						 "too small.")));
}

static ChainLadder *
climb(const CohortBook *book, const Triangle *triangle, Measure measure)
{
	ChainLadder *l = palloc0(sizeof(ChainLadder));

	l->n = book->ncohorts;
	l->factors = palloc0((l->n + 1) * sizeof(double));
	l->sigma2 = palloc0((l->n + 1) * sizeof(double));
	l->column = palloc0((l->n + 1) * sizeof(double));
	l->rows = palloc0((l->n + 1) * sizeof(ChainLadderRow));
	chain_ladder(l, triangle_row, triangle);
	CheckFactors(l, measure);
	warn_of_diagonals(&l->diagonals);
	return l;
}

/* Where the rows stand between two calls: one a cohort that has customers, and one of all. */
typedef struct Projection
{
	CohortBook	*book;
	Measure		 measure;
	Triangle	*triangle;
	ChainLadder *ladder;
	int			 next;
	double		 to_date; /* of the cohorts so far */
} Projection;

/* An estimate in the units of the measure, to four decimals. */
static Datum
estimate(double value, Measure measure)
{
	double scaled = measure == MEASURE_AMOUNT ? value : value * AMOUNT_SCALE;

	if (!(fabs(scaled) < 1e30))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("projected %s is out of range", measure_names[measure])));
	return NumericGetDatum(amount_to_numeric((int128) rint(scaled)));
}

/* A row of a cohort, or with cohort 0 of all together. */
static void
set_projection(const Projection *p, int cohort, double to_date, const ChainLadderRow *row,
			   Datum *values, bool *nulls)
{
	nulls[0] = nulls[1] = cohort == 0;
	if (cohort > 0)
	{
		values[0] = DateADTGetDatum(cohort_start(p->book, cohort));
		values[1] = Int32GetDatum(cohort - 1);
	}
	values[2] = estimate(to_date, p->measure);
	values[3] = estimate(row->ultimate, p->measure);
	values[4] = estimate(row->ultimate - to_date, p->measure);
	nulls[5] = isnan(row->standard_error);
	if (!nulls[5])
		values[5] = estimate(row->standard_error, p->measure);
}

/*
 * (book, measure) as rows (cohort_start, age, to_date, ultimate, still_to_come,
 * standard_error), oldest cohort first, and one of all cohorts, whose start and
 * age are NULL.
 */
PG_FUNCTION_INFO_V1(crm_cohort_book_project);
Datum
crm_cohort_book_project(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	Projection		*p;
	Datum			 values[6] = {0};
	bool			 nulls[6] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext before;

		rows = rows_start(fcinfo, sizeof(Projection));
		p = rows->user_fctx;
		p->book = rows_copy_varlena(rows, PG_GETARG_COHORT_BOOK(0));
		p->measure = names_get_text(&measures, PG_GETARG_TEXT_PP(1));
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		p->triangle = make_triangle(p->book, p->measure);
		p->ladder = climb(p->book, p->triangle, p->measure);
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	p = rows->user_fctx;

	while (p->next < p->ladder->n)
	{
		int	   i = p->next++;
		int	   cohort = p->ladder->n - i;
		double to_date = triangle_row(p->triangle, i)[cohort - 1];

		if (cohort_customers(p->book, cohort) == 0)
			continue;
		p->to_date += to_date;
		set_projection(p, cohort, to_date, &p->ladder->rows[i], values, nulls);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	if (p->next == p->ladder->n && p->ladder->n > 0)
	{
		p->next++;
		set_projection(p, 0, p->to_date, &p->ladder->total, values, nulls);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
