/*
 * cohort_book.c: making, growing, adding and checking books of cohorts.
 */
#include "crm.h"

#include "base/growth.h"
#include "base/amount.h"
#include "retention/cohort_book.h"
#include "common/int.h"
#include "miscadmin.h"

pg_noreturn static void
out_of_range(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("%s of the cohort book is out of range", what)));
}

/* A book without customers, with room for some cohorts. */
CohortBook *
cohort_book_create(Period period, DateADT as_of, int capacity)
{
	CohortBook *book = palloc0(COHORT_BOOK_SIZE(capacity));

	SET_VARSIZE(book, COHORT_BOOK_SIZE(capacity));
	book->version = COHORT_BOOK_VERSION;
	book->period = period;
	book->as_of = as_of;
	return book;
}

/* The same with other room, at least for the cohorts that it has. */
CohortBook *
cohort_book_copy(const CohortBook *book, int capacity)
{
	CohortBook *copy = cohort_book_create(book->period, book->as_of, capacity);

	copy->ncohorts = book->ncohorts;
	copy->joining = book->joining;
	memcpy(copy->cells, book->cells, COHORT_CELLS(book->ncohorts) * sizeof(CohortCell));
	return copy;
}

/* A triangle grows with the square of its side: one stray date must not ask for all the memory. */
static inline void
CheckCohort(const CohortBook *book, int cohort)
{
	if (unlikely(cohort > COHORT_BOOK_MAX_COHORTS))
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("cohort book cannot hold %d periods by %s", cohort, period_name(book->period)),
			 errdetail("A book holds up to %d periods before as_of.", COHORT_BOOK_MAX_COHORTS),
			 errhint("Take a longer period, or look for dates far in the past.")));
}

/* The state with this cohort among its cohorts; a larger copy if it has no room. */
CohortBook *
cohort_book_reach(CohortBook *book, int cohort)
{
	Size used;
	Size more;

	if (likely(cohort <= book->ncohorts))
		return book;
	CheckCohort(book, cohort);
	used = COHORT_BOOK_SIZE(book->ncohorts);
	more = COHORT_BOOK_SIZE(cohort) - used;
	if (!state_has_room(book, used, more))
		book = state_grown(book, used, more, COHORT_BOOK_SIZE(COHORT_BOOK_MAX_COHORTS));
	memset((char *) book + used, 0, more);
	book->ncohorts = cohort;
	cohort_start(book, cohort); /* an error now rather than when the book is read */
	return book;
}

/* What is counted is a constant of the whole aggregate, and of what is added. */
void
CheckSameBook(const CohortBook *a, const CohortBook *b)
{
	if (unlikely(a->period != b->period || a->as_of != b->as_of))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("cohort books of different periods or days cannot be added"),
						errdetail("One counts %s %s, the other %s %s.", period_name(a->period),
								  date_to_text(a->as_of), period_name(b->period),
								  date_to_text(b->as_of))));
}

static inline void
add(int64 *sum, int64 more, const char *what)
{
	if (unlikely(pg_add_s64_overflow(*sum, more, sum)))
		out_of_range(what);
}

/* All customers, and all purchases, fit in what readers count with, and amounts in what the text holds. */
void
CheckTotals(const CohortBook *book)
{
	int64 customers = book->joining;
	int64 purchases = 0;

	for (Size i = 0; i < COHORT_CELLS(book->ncohorts); i++)
	{
		add(&purchases, book->cells[i].purchases, "number of purchases");
		if (!AmountIsValid(book->cells[i].amount))
			out_of_range("amount");
	}
	for (int cohort = 1; cohort <= book->ncohorts; cohort++)
		add(&customers, cohort_customers(book, cohort), "number of customers");
}

/* The customers of both. */
CohortBook *
cohort_book_plus(const CohortBook *a, const CohortBook *b)
{
	const CohortBook *less = a->ncohorts < b->ncohorts ? a : b;
	const CohortBook *more = less == a ? b : a;
	CohortBook		 *sum = cohort_book_copy(more, more->ncohorts);

	add(&sum->joining, less->joining, "number of customers");
	for (Size i = 0; i < COHORT_CELLS(less->ncohorts); i++)
	{
		add(&sum->cells[i].active, less->cells[i].active, "number of customers");
		add(&sum->cells[i].last, less->cells[i].last, "number of customers");
		add(&sum->cells[i].purchases, less->cells[i].purchases, "number of purchases");
		add(&sum->cells[i].days, less->cells[i].days, "number of purchases");
		add(&sum->cells[i].amount, less->cells[i].amount, "amount");
	}
	CheckTotals(sum);
	return sum;
}

/* What is wrong with the row of one cohort, or NULL. */
static const char *
problem_of_cohort(const CohortBook *book, int cohort)
{
	const CohortCell *cells = cohort_cells(book, cohort);
	int64			  customers = cells->active;
	int64			  left = 0; /* customers whose last age is this one or later */

	for (int age = cohort - 1; age >= 0; age--)
	{
		const CohortCell *cell = &cells[age];

		if (cell->active < 0 || cell->last < 0 || cell->last > cell->active)
			return "customers who bought last are not between 0 and those active";
		if (pg_add_s64_overflow(left, cell->last, &left) || cell->active > left)
			return "more customers active at an age than back at it or later";
		if (cell->days < cell->active || cell->purchases < cell->days)
			return "fewer purchases than purchase days, or fewer of these than active customers";
		if ((cell->active == 0 && cell->purchases != 0) || (customers == 0 && cell->amount != 0))
			return "purchases or amount of nobody";
	}
	if (left != customers)
		return "not everybody is active at age 0 and has a last age";
	return NULL;
}

/* Every rule of a value that came from outside, or why it is none. */
static const char *
problem_of(const CohortBook *book)
{
	const char *problem = NULL;

	if (book->joining < 0)
		return "customers cannot be fewer than none";
	if (book->joining > 0 && cohort_book_anchor(book) != period_number(book->period, book->as_of))
		return "as_of is the last day of a period, so nobody joined in an unfinished one";
	for (int cohort = 1; cohort <= book->ncohorts && problem == NULL; cohort++)
	{
		CHECK_FOR_INTERRUPTS();
		problem = problem_of_cohort(book, cohort);
	}
	if (problem == NULL && book->ncohorts > 0 && cohort_customers(book, book->ncohorts) == 0)
		return "the oldest cohort is empty";
	return problem;
}

/* A value from outside, whose period, as_of and number of cohorts are known to be good. */
CohortBook *
CheckCohortBook(CohortBook *book, int sqlstate)
{
	const char *problem = problem_of(book);

	if (problem != NULL)
		ereport(ERROR, (errcode(sqlstate), errmsg("invalid cohort_book: %s", problem)));
	cohort_start(book, book->ncohorts);
	CheckTotals(book);
	return book;
}
