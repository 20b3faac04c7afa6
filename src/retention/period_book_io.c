/*
 * period_book_io.c: the text and binary forms of period_book, its order and hash.
 *
 * The text form is "month 2024-03-15 {2024-01-01 3 0 0 0 4 95.00 95.00 0 0 0, ...}":
 * period and as_of; of every period in which something happened, oldest first,
 * its first day, customers new, retained, reactivated and lapsed, purchases, and
 * the amounts of all, of those new, retained and reactivated, and what those who
 * lapsed had brought in the period before.
 */
#include "crm.h"

#include "base/amount.h"
#include "base/scan.h"
#include "miscadmin.h"
#include "retention/cohort_book.h"
#include "retention/period_book.h"
#include "utils/builtins.h"

/* Whether amounts are those of customers whom the period has. */
static inline bool
amounts_have_owners(const PeriodFigures *f)
{
	return (f->fresh > 0 || f->fresh_amount == 0) && (f->retained > 0 || f->retained_amount == 0) &&
		   (f->reactivated > 0 || f->reactivated_amount == 0) &&
		   (f->lapsed > 0 || f->lapsed_amount == 0);
}

/*
 * What is wrong with the figures of a period from outside, given those of the one
 * before and how many customers had joined by then, or NULL.
 */
static const char *
problem_of_period(const PeriodFigures *f, const PeriodFigures *before, int64 joined)
{
	int64 bought_before = 0;
	int64 kept = f->retained;

	if (f->fresh < 0 || f->retained < 0 || f->reactivated < 0 || f->lapsed < 0)
		return "customers cannot be fewer than none";
	if (before != NULL)
	{
		bought_before = before->fresh;
		period_book_add(&bought_before, before->retained);
		period_book_add(&bought_before, before->reactivated);
	}
	period_book_add(&kept, f->lapsed);
	if (kept != bought_before)
		return "customers retained and lapsed are not those of the period before";
	if (f->reactivated > joined - bought_before)
		return "more customers reactivated than had joined and were away";
	if (!amounts_have_owners(f))
		return "amount of customers who are not there";
	kept = f->fresh;
	period_book_add(&kept, f->retained);
	period_book_add(&kept, f->reactivated);
	if (f->purchases < kept || (kept == 0 && f->purchases != 0))
		return "fewer purchases than customers, or purchases of nobody";
	return NULL;
}

static PeriodBook *
CheckPeriodBook(PeriodBook *book, int sqlstate)
{
	int64 joined = 0;

	for (int row = book->nperiods - 1; row >= 0; row--)
	{
		const PeriodFigures *f = &book->rows[row].is;
		const char *problem = problem_of_period(f, row + 1 < book->nperiods ? f + 1 : NULL, joined);

		if (problem != NULL)
			ereport(ERROR, (errcode(sqlstate), errmsg("invalid period_book: %s", problem)));
		period_book_add(&joined, f->fresh);
	}
	if (book->nperiods > 0)
		period_book_start(book, book->nperiods - 1);
	return book;
}

/* The row of the period that begins on a day that the text names; younger than the one before. */
static int64
scan_row(Scanner *s, const PeriodBook *book, int64 before)
{
	const Scanner here = *s;
	DateADT		  start = scan_date(s);
	int32		  number = period_number(book->period, start);
	int64		  row = (int64) unfinished_period(book->period, book->as_of) - number - 1;

	if (period_first_day(book->period, number) != start)
		scan_error(&here, "the first day of a period");
	if (row < 0 || (before >= 0 && row >= before))
		scan_error(&here, "periods in ascending order, all over by as_of");
	return row;
}

PG_FUNCTION_INFO_V1(crm_period_book_in);
Datum
crm_period_book_in(PG_FUNCTION_ARGS)
{
	Scanner		s = scan_start("period_book", PG_GETARG_CSTRING(0));
	Period		period = period_from_text(cstring_to_text(scan_name(&s, " \t\r\n")));
	PeriodBook *book = period_book_create(period, CheckLastDay(scan_date(&s)), 0);
	int64		row = -1;

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			CHECK_FOR_INTERRUPTS();
			row = scan_row(&s, book, row);
			book = period_book_reach(book, row);
			for (int i = 0; i < PERIOD_NFIGURES; i++)
				book->rows[row].figures[i] = i < PERIOD_NCOUNTS ? scan_int64(&s) : scan_amount(&s);
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);
	PG_RETURN_PERIOD_BOOK(
		CheckPeriodBook(period_book_trim(book), ERRCODE_INVALID_TEXT_REPRESENTATION));
}

/* One period, as written. */
static void
append_row(StringInfo out, const PeriodBook *book, int row)
{
	appendStringInfoString(out, date_to_text(period_book_start(book, row)));
	for (int i = 0; i < PERIOD_NFIGURES; i++)
		if (i < PERIOD_NCOUNTS)
			appendStringInfo(out, " %lld", (long long) book->rows[row].figures[i]);
		else
			appendStringInfo(out, " %s", amount_to_text(book->rows[row].figures[i]));
}

PG_FUNCTION_INFO_V1(crm_period_book_out);
Datum
crm_period_book_out(PG_FUNCTION_ARGS)
{
	static const PeriodRow nothing;
	PeriodBook			  *book = PG_GETARG_PERIOD_BOOK(0);
	const char			  *separator = "";
	StringInfoData		   out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s %s {", period_name(book->period), date_to_text(book->as_of));
	for (int row = book->nperiods - 1; row >= 0; row--)
	{
		if (memcmp(&book->rows[row], &nothing, sizeof(nothing)) == 0)
			continue;
		appendStringInfoString(&out, separator);
		append_row(&out, book, row);
		separator = ", ";
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: version (int16), period and a reserved byte, as_of and the number
 * of periods (int32), then the figures (int64) of every period from the youngest.
 */
PG_FUNCTION_INFO_V1(crm_period_book_send);
Datum
crm_period_book_send(PG_FUNCTION_ARGS)
{
	PeriodBook	  *book = PG_GETARG_PERIOD_BOOK(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, book->version);
	pq_sendbyte(&out, book->period);
	pq_sendbyte(&out, book->reserved);
	pq_sendint32(&out, book->as_of);
	pq_sendint32(&out, book->nperiods);
	for (int row = 0; row < book->nperiods; row++)
		for (int i = 0; i < PERIOD_NFIGURES; i++)
			pq_sendint64(&out, book->rows[row].figures[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

PG_FUNCTION_INFO_V1(crm_period_book_recv);
Datum
crm_period_book_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			version = (int) pq_getmsgint(message, 2);
	Period		period = (Period) pq_getmsgbyte(message);
	int			flags = pq_getmsgbyte(message);
	DateADT		as_of = (DateADT) pq_getmsgint(message, 4);
	PeriodBook *book;
	int			nperiods;

	CheckSentHeader("period_book", version, flags, PERIOD_BOOK_VERSION, 0);
	if (!period_is_valid(period))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid period_book: unknown period %d", (int) period)));
	nperiods = receive_count(message, "period_book", "periods", sizeof(PeriodRow));
	book = period_book_create(period, CheckLastDay(as_of), 0);
	if (nperiods > 0)
		book = period_book_reach(book, nperiods - 1);
	for (int row = 0; row < nperiods; row++)
		for (int i = 0; i < PERIOD_NFIGURES; i++)
			book->rows[row].figures[i] = pq_getmsgint64(message);
	PG_RETURN_PERIOD_BOOK(
		CheckPeriodBook(period_book_trim(book), ERRCODE_INVALID_BINARY_REPRESENTATION));
}

/* What equal values share: all behind the length that is filled. */
static Content
content(const void *value)
{
	const PeriodBook *book = value;

	return (Content){&book->version,
					 PERIOD_BOOK_SIZE(book->nperiods) - offsetof(PeriodBook, version)};
}

/* By period and as_of, then by the bytes. */
static int
order(const void *x, const void *y)
{
	const PeriodBook *a = x;
	const PeriodBook *b = y;
	int				  order = CRM_COMPARE(a->period, b->period);

	if (order == 0)
		order = CRM_COMPARE(a->as_of, b->as_of);
	if (order == 0)
		order = CRM_COMPARE(a->nperiods, b->nperiods);
	return order != 0 ? order : memcmp(content(a).at, content(b).at, content(a).size);
}

VALUE_FUNCTIONS(period_book, order, content);
