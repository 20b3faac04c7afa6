/*
 * cohort_book_io.c: the text and binary forms of cohort_book, its order and hash.
 *
 * The text form is
 *
 *     month 2024-03-15 {2024-01-01 (2 1 3 2 80.00, 1 1 1 1 35.00), 2024-02-01 (1 1 1 1 12.00), 2024-03-01 4}
 *
 * period and as_of; of every cohort, oldest first, the first day of its period
 * and by age customers active, those of them who bought for the last time so
 * far, purchases, purchase days and amount; of the unfinished period the
 * customers who joined. Cohorts without customers are left out, and so are ages
 * at the end without anything.
 */
#include "crm.h"

#include "base/amount.h"
#include "base/scan.h"
#include "miscadmin.h"
#include "retention/cohort_book.h"
#include "utils/builtins.h"

/* One age, as written. */
static CohortCell
scan_cell(Scanner *s)
{
	CohortCell cell;

	cell.active = scan_int64(s);
	cell.last = scan_int64(s);
	cell.purchases = scan_int64(s);
	cell.days = scan_int64(s);
	cell.amount = scan_amount(s);
	return cell;
}

/* The cohort whose first period begins on a day that the text names; younger than the one before. */
static int
scan_cohort(Scanner *s, const CohortBook *book, int before)
{
	const Scanner here = *s;
	DateADT		  start = scan_date(s);
	int32		  number = period_number(book->period, start);
	int64		  cohort = (int64) cohort_book_anchor(book) - number;

	if (period_first_day(book->period, number) != start)
		scan_error(&here, "the first day of a period");
	if (cohort < 0 || (before >= 0 && cohort >= before))
		scan_error(&here, "cohorts in ascending order, none after as_of");
	return (int) Min(cohort, PG_INT32_MAX);
}

/* The ages of a cohort; the book, or a larger one. */
static CohortBook *
scan_ages(Scanner *s, CohortBook *book, int cohort)
{
	int age = 0;

	book = cohort_book_reach(book, cohort);
	scan_char(s, '(');
	do
	{
		const Scanner here = *s;

		CHECK_FOR_INTERRUPTS();
		if (age >= cohort)
			scan_error(&here, "no more ages than periods are over");
		cohort_cells(book, cohort)[age++] = scan_cell(s);
	} while (scan_try_char(s, ','));
	scan_char(s, ')');
	return book;
}

PG_FUNCTION_INFO_V1(crm_cohort_book_in);
Datum
crm_cohort_book_in(PG_FUNCTION_ARGS)
{
	Scanner		s = scan_start("cohort_book", PG_GETARG_CSTRING(0));
	Period		period = period_from_text(cstring_to_text(scan_name(&s, " \t\r\n")));
	CohortBook *book = cohort_book_create(period, CheckLastDay(scan_date(&s)), 0);
	int			cohort = -1;

	scan_char(&s, '{');
	if (!scan_try_char(&s, '}'))
	{
		do
		{
			cohort = scan_cohort(&s, book, cohort);
			if (cohort == 0)
				book->joining = scan_int64(&s);
			else
				book = scan_ages(&s, book, cohort);
		} while (scan_try_char(&s, ','));
		scan_char(&s, '}');
	}
	scan_end(&s);
	PG_RETURN_COHORT_BOOK(CheckCohortBook(cohort_book_copy(book, book->ncohorts),
										  ERRCODE_INVALID_TEXT_REPRESENTATION));
}

/* The ages of one cohort, without those at the end that hold nothing. */
static void
append_ages(StringInfo out, const CohortBook *book, int cohort)
{
	static const CohortCell nothing = {0};
	const CohortCell	   *cells = cohort_cells(book, cohort);
	int						n = cohort;

	while (n > 1 && memcmp(&cells[n - 1], &nothing, sizeof(nothing)) == 0)
		n--;
	for (int age = 0; age < n; age++)
		appendStringInfo(out, "%s%lld %lld %lld %lld %s", age == 0 ? " (" : ", ",
						 (long long) cells[age].active, (long long) cells[age].last,
						 (long long) cells[age].purchases, (long long) cells[age].days,
						 amount_to_text(cells[age].amount));
	appendStringInfoChar(out, ')');
}

PG_FUNCTION_INFO_V1(crm_cohort_book_out);
Datum
crm_cohort_book_out(PG_FUNCTION_ARGS)
{
	CohortBook	  *book = PG_GETARG_COHORT_BOOK(0);
	const char	  *separator = "";
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "%s %s {", period_name(book->period), date_to_text(book->as_of));
	for (int cohort = book->ncohorts; cohort >= 0; cohort--)
	{
		CHECK_FOR_INTERRUPTS();
		if (cohort_customers(book, cohort) == 0)
			continue;
		appendStringInfo(&out, "%s%s", separator, date_to_text(cohort_start(book, cohort)));
		if (cohort == 0)
			appendStringInfo(&out, " %lld", (long long) book->joining);
		else
			append_ages(&out, book, cohort);
		separator = ", ";
	}
	appendStringInfoChar(&out, '}');
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: version (int16), period and a reserved byte, as_of and the number
 * of cohorts (int32), customers joining (int64), then of every cohort from the
 * youngest and of every age active, last, purchases, days and amount (int64).
 */
PG_FUNCTION_INFO_V1(crm_cohort_book_send);
Datum
crm_cohort_book_send(PG_FUNCTION_ARGS)
{
	CohortBook	  *book = PG_GETARG_COHORT_BOOK(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendint16(&out, book->version);
	pq_sendbyte(&out, book->period);
	pq_sendbyte(&out, book->reserved);
	pq_sendint32(&out, book->as_of);
	pq_sendint32(&out, book->ncohorts);
	pq_sendint64(&out, book->joining);
	for (Size i = 0; i < COHORT_CELLS(book->ncohorts); i++)
	{
		pq_sendint64(&out, book->cells[i].active);
		pq_sendint64(&out, book->cells[i].last);
		pq_sendint64(&out, book->cells[i].purchases);
		pq_sendint64(&out, book->cells[i].days);
		pq_sendint64(&out, book->cells[i].amount);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

/* The number of cohorts is what the message holds, to the byte. */
static inline void
CheckMessageLength(const StringInfo message, int ncohorts)
{
	Size left = (Size) (message->len - message->cursor);

	if (ncohorts < 0 || ncohorts > COHORT_BOOK_MAX_COHORTS ||
		left != COHORT_CELLS(ncohorts) * sizeof(CohortCell))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("cohort_book of %d cohorts has %zu bytes of them", ncohorts, left)));
}

PG_FUNCTION_INFO_V1(crm_cohort_book_recv);
Datum
crm_cohort_book_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			version = (int) pq_getmsgint(message, 2);
	Period		period = (Period) pq_getmsgbyte(message);
	int			flags = pq_getmsgbyte(message);
	DateADT		as_of = (DateADT) pq_getmsgint(message, 4);
	int			ncohorts = (int) pq_getmsgint(message, 4);
	int64		joining = pq_getmsgint64(message);
	CohortBook *book;

	CheckSentHeader("cohort_book", version, flags, COHORT_BOOK_VERSION, 0);
	if (!period_is_valid(period))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid cohort_book: unknown period %d", (int) period)));
	CheckMessageLength(message, ncohorts);
	book = cohort_book_create(period, CheckLastDay(as_of), ncohorts);
	book->ncohorts = ncohorts;
	book->joining = joining;
	for (Size i = 0; i < COHORT_CELLS(ncohorts); i++)
	{
		book->cells[i].active = pq_getmsgint64(message);
		book->cells[i].last = pq_getmsgint64(message);
		book->cells[i].purchases = pq_getmsgint64(message);
		book->cells[i].days = pq_getmsgint64(message);
		book->cells[i].amount = pq_getmsgint64(message);
	}
	PG_RETURN_COHORT_BOOK(CheckCohortBook(book, ERRCODE_INVALID_BINARY_REPRESENTATION));
}

/* What equal values share: all behind the length that is filled. */
static Content
content(const void *value)
{
	const CohortBook *book = value;

	return (Content){&book->version,
					 COHORT_BOOK_SIZE(book->ncohorts) - offsetof(CohortBook, version)};
}

/* By period and as_of, then by the bytes. */
static int
order(const void *x, const void *y)
{
	const CohortBook *a = x;
	const CohortBook *b = y;
	int				  order = CRM_COMPARE(a->period, b->period);

	if (order == 0)
		order = CRM_COMPARE(a->as_of, b->as_of);
	if (order == 0)
		order = CRM_COMPARE(a->ncohorts, b->ncohorts);
	return order != 0 ? order : memcmp(content(a).at, content(b).at, content(a).size);
}

VALUE_FUNCTIONS(cohort_book, order, content);
