/*
 * cohort_book.h: what customers did, by the calendar period of their first
 * purchase (their cohort) and by their age in periods.
 *
 * Only periods that are over on as_of count, so the book is a triangle. It is
 * kept from the youngest cohort back: cohort k joined k periods before the first
 * period that is not over, and has the k ages 0 to k - 1. An older cohort than
 * all before comes behind the last and moves none, and two books of one day and
 * period add cell by cell. Of the cohort of the unfinished period, which has no
 * age yet, the book knows how many joined.
 *
 * Everything is a whole number, so every order of rows, every split and every
 * plan give the same value. A stored value ends with its last cohort; the state
 * of an aggregate has room for more behind it, which VARSIZE counts.
 */
#ifndef CRM_COHORT_BOOK_H
#define CRM_COHORT_BOOK_H

#include "crm.h"

#include "base/calendar.h"
#include "base/value.h"

#define COHORT_BOOK_VERSION 1

/* What the customers of a cohort did at an age; all zero if nobody did anything. */
typedef struct CohortCell
{
	int64 active;	 /* customers who bought */
	int64 last;		 /* customers who bought, and not again so far */
	int64 purchases; /* how many they made */
	int64 days;		 /* their purchase days */
	int64 amount;	 /* net, of all customers of the cohort, in 1/10000 of the currency unit */
} CohortCell;

typedef struct CohortBook
{
	int32	   vl_len_;	 /* varlena header, do not touch */
	uint16	   version;	 /* COHORT_BOOK_VERSION */
	uint8	   period;	 /* Period of cohorts and ages */
	uint8	   reserved; /* zero */
	DateADT	   as_of;	 /* last day seen */
	int32	   ncohorts; /* the oldest; it is not empty */
	int64	   joining;	 /* customers who first bought in the unfinished period */
	CohortCell cells[FLEXIBLE_ARRAY_MEMBER];
} CohortBook;

/* Ten years of days: a triangle of 267 MB, the most that one stray date or one short text may ask for. */
#define COHORT_BOOK_MAX_COHORTS 3653

/* How many cells the youngest cohorts fill. */
#define COHORT_CELLS(ncohorts) ((Size) (ncohorts) * ((Size) (ncohorts) + 1) / 2)
#define COHORT_BOOK_SIZE(ncohorts) \
	(offsetof(CohortBook, cells) + COHORT_CELLS(ncohorts) * sizeof(CohortCell))

#define DatumGetCohortBook(d) ((CohortBook *) PG_DETOAST_DATUM(d))
#define PG_GETARG_COHORT_BOOK(n) DatumGetCohortBook(PG_GETARG_DATUM(n))
#define PG_RETURN_COHORT_BOOK(b) PG_RETURN_POINTER(b)

extern CohortBook *cohort_book_create(Period period, DateADT as_of, int capacity);
extern CohortBook *cohort_book_copy(const CohortBook *book, int capacity);
extern CohortBook *cohort_book_reach(CohortBook *book, int cohort);
extern CohortBook *cohort_book_plus(const CohortBook *a, const CohortBook *b);
extern void		   CheckTotals(const CohortBook *book);
extern void		   CheckSameBook(const CohortBook *a, const CohortBook *b);
extern CohortBook *CheckCohortBook(CohortBook *book, int sqlstate);

/* The number of the first period that is not over: cohorts count back from it. */
static inline int32
unfinished_period(Period period, DateADT as_of)
{
	return period_number(period, as_of + 1);
}

static inline int32
cohort_book_anchor(const CohortBook *book)
{
	return unfinished_period(book->period, book->as_of);
}

/* The first day of a cohort's first period; of cohort 0, of the unfinished one. */
static inline DateADT
cohort_start(const CohortBook *book, int cohort)
{
	return period_first_day(book->period, cohort_book_anchor(book) - cohort);
}

/* The ages of a cohort, from 1 to ncohorts: as many as its number. */
static inline CohortCell *
cohort_cells(const CohortBook *book, int cohort)
{
	return (CohortCell *) book->cells + COHORT_CELLS(cohort - 1);
}

/* How many customers a cohort has: all buy at age 0. */
static inline int64
cohort_customers(const CohortBook *book, int cohort)
{
	return cohort == 0 ? book->joining : cohort_cells(book, cohort)->active;
}

/* The last day seen has a day after it. */
static inline DateADT
CheckLastDay(DateADT as_of)
{
	CheckFiniteDate(as_of, "as_of");
	if (unlikely(!IS_VALID_DATE(as_of) || !IS_VALID_DATE(as_of + 1)))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("as_of is out of range")));
	return as_of;
}

#endif /* CRM_COHORT_BOOK_H */
