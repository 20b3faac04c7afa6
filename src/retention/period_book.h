/*
 * period_book.h: what happened in each calendar period: who bought, of whom new,
 * kept, come back, and who did not come back from the period before.
 *
 * Only periods that are over on as_of count. They are kept from the youngest
 * back, so that an older one comes behind the last and moves none. Everything is
 * a whole number and adds. A stored value ends with its oldest period, in which
 * something happened; the state of an aggregate has room for more behind it.
 */
#ifndef CRM_PERIOD_BOOK_H
#define CRM_PERIOD_BOOK_H

#include "crm.h"

#include "base/calendar.h"
#include "base/value.h"

#define PERIOD_BOOK_VERSION 1

/* The figures of one period; the names of PERIOD_FIGURES are the order of all forms. */
typedef struct PeriodFigures
{
	int64 fresh;			  /* customers who bought for the first time */
	int64 retained;			  /* who bought in the period before as well */
	int64 reactivated;		  /* who bought earlier, but not in the period before */
	int64 lapsed;			  /* who bought in the period before, and not in this one */
	int64 purchases;		  /* of all */
	int64 amount;			  /* net, of all, in 1/10000 of the currency unit */
	int64 fresh_amount;		  /* of the new customers */
	int64 retained_amount;	  /* of those retained */
	int64 reactivated_amount; /* of those reactivated */
	int64 lapsed_amount;	  /* what those who lapsed brought in the period before */
} PeriodFigures;

#define PERIOD_NFIGURES 10
/* Of these, how many from the start are counts; the others are amounts. */
#define PERIOD_NCOUNTS 5

/* A period's figures, one after the other. */
typedef union PeriodRow
{
	PeriodFigures is;
	int64		  figures[PERIOD_NFIGURES];
} PeriodRow;

typedef struct PeriodBook
{
	int32	  vl_len_;	/* varlena header, do not touch */
	uint16	  version;	/* PERIOD_BOOK_VERSION */
	uint8	  period;	/* Period */
	uint8	  reserved; /* zero */
	DateADT	  as_of;	/* last day seen */
	int32	  nperiods;
	PeriodRow rows[FLEXIBLE_ARRAY_MEMBER]; /* row k is k + 1 periods before the unfinished one */
} PeriodBook;

/* A thousand years of days: 29 MB, the most that one stray date or one short text may ask for. */
#define PERIOD_BOOK_MAX_PERIODS 365243

#define PERIOD_BOOK_SIZE(n) (offsetof(PeriodBook, rows) + (Size) (n) * sizeof(PeriodRow))

#define PG_GETARG_PERIOD_BOOK(n) ((PeriodBook *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))
#define PG_RETURN_PERIOD_BOOK(b) PG_RETURN_POINTER(b)

/* The first day of the period of a row. */
static inline DateADT
period_book_start(const PeriodBook *book, int row)
{
	return period_first_day(book->period, period_number(book->period, book->as_of + 1) - row - 1);
}

extern PeriodBook *period_book_create(Period period, DateADT as_of, int capacity);
extern PeriodBook *period_book_reach(PeriodBook *book, int64 row);
extern PeriodBook *period_book_trim(const PeriodBook *book);
extern void		   period_book_add(int64 *sum, int64 more);
extern void		   CheckSamePeriods(const PeriodBook *a, const PeriodBook *b);

#endif /* CRM_PERIOD_BOOK_H */
