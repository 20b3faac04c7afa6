/*
 * period_book.c: the aggregate period_book over (history, as_of, period), and
 * what the book answers.
 */
#include "crm.h"

#include "base/growth.h"
#include "base/aggregate.h"
#include "base/amount.h"
#include "base/rows.h"
#include "common/int.h"
#include "history/purchase_history.h"
#include "retention/cohort_book.h"
#include "retention/period_book.h"
#include "utils/builtins.h"

/* A book without figures, with room for some periods. */
PeriodBook *
period_book_create(Period period, DateADT as_of, int capacity)
{
	PeriodBook *book = palloc0(PERIOD_BOOK_SIZE(capacity));

	SET_VARSIZE(book, PERIOD_BOOK_SIZE(capacity));
	book->version = PERIOD_BOOK_VERSION;
	book->period = period;
	book->as_of = as_of;
	return book;
}

static PeriodBook *
copy_with_capacity(const PeriodBook *book, int capacity)
{
	PeriodBook *copy = period_book_create(book->period, book->as_of, capacity);

	copy->nperiods = Min(book->nperiods, capacity);
	memcpy(copy->rows, book->rows, copy->nperiods * sizeof(PeriodRow));
	return copy;
}

/* The state with this row among its rows; a larger copy if it has no room. */
PeriodBook *
period_book_reach(PeriodBook *book, int64 row)
{
	Size used;
	Size more;

	if (likely(row < book->nperiods))
		return book;
	if (unlikely(row >= PERIOD_BOOK_MAX_PERIODS))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("period book cannot hold %lld periods by %s", (long long) row + 1,
						period_name(book->period)),
				 errdetail("A book holds up to %d periods before as_of.", PERIOD_BOOK_MAX_PERIODS),
				 errhint("Take a longer period, or look for dates far in the past.")));
	used = PERIOD_BOOK_SIZE(book->nperiods);
	more = PERIOD_BOOK_SIZE(row + 1) - used;
	if (!state_has_room(book, used, more))
		book = state_grown(book, used, more, PERIOD_BOOK_SIZE(PERIOD_BOOK_MAX_PERIODS));
	memset((char *) book + used, 0, more);
	book->nperiods = (int) row + 1;
	period_book_start(book, (int) row); /* an error now rather than when the book is read */
	return book;
}

pg_noreturn static void
out_of_range(void)
{
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("figure of the period book is out of range")));
}

/* A copy that ends with the oldest period in which something happened, of amounts that the text can hold. */
PeriodBook *
period_book_trim(const PeriodBook *book)
{
	static const PeriodRow nothing;
	int					   n = book->nperiods;

	while (n > 0 && memcmp(&book->rows[n - 1], &nothing, sizeof(nothing)) == 0)
		n--;
	for (int i = 0; i < n; i++)
		for (int figure = PERIOD_NCOUNTS; figure < PERIOD_NFIGURES; figure++)
			if (!AmountIsValid(book->rows[i].figures[figure]))
				out_of_range();
	return copy_with_capacity(book, n);
}

/* What is counted is a constant of the whole aggregate, and of what is added. */
void
CheckSamePeriods(const PeriodBook *a, const PeriodBook *b)
{
	if (unlikely(a->period != b->period || a->as_of != b->as_of))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("period books of different periods or days cannot be added"),
						errdetail("One counts %s %s, the other %s %s.", period_name(a->period),
								  date_to_text(a->as_of), period_name(b->period),
								  date_to_text(b->as_of))));
}

void
period_book_add(int64 *sum, int64 more)
{
	if (unlikely(pg_add_s64_overflow(*sum, more, sum)))
		out_of_range();
}

/* What one customer did in one period. */
typedef struct CustomerPeriod
{
	int64 row; /* in the book; negative if the period is not over */
	bool  is_active;
	int64 amount;
} CustomerPeriod;

/* Money of customers who never bought, and of periods in which a customer did not buy, is in amount only. */
static PeriodBook *
count_money(PeriodBook *book, int64 row, const PurchaseDay *entry)
{
	PeriodRow *figures;

	book = period_book_reach(book, row);
	figures = &book->rows[row];
	period_book_add(&figures->is.amount, entry->amount);
	figures->is.purchases += entry->orders;
	return book;
}

/* Counts a period in which the customer bought, given the one before in which he did, if any. */
static void
count_active(PeriodBook *book, const CustomerPeriod *now, const CustomerPeriod *before)
{
	PeriodFigures *f = &book->rows[now->row].is;

	if (!before->is_active)
	{
		f->fresh++;
		period_book_add(&f->fresh_amount, now->amount);
	}
	else if (before->row == now->row + 1)
	{
		f->retained++;
		period_book_add(&f->retained_amount, now->amount);
	}
	else
	{
		f->reactivated++;
		period_book_add(&f->reactivated_amount, now->amount);
	}
}

/* Counts the period after one in which the customer bought, if it is over and he did not buy in it. */
static void
count_lapse(PeriodBook *book, const CustomerPeriod *before, int64 next_row)
{
	PeriodFigures *f;

	if (!before->is_active || before->row == 0 || next_row == before->row - 1)
		return;
	f = &book->rows[before->row - 1].is;
	f->lapsed++;
	period_book_add(&f->lapsed_amount, before->amount);
}

/* The row of an entry; negative behind the last, and if its period is not over. */
static inline int64
row_of(const PeriodBook *book, int64 unfinished, const PurchaseDay *at, const PurchaseDay *end)
{
	return at < end ? unfinished - period_number(book->period, at->day) - 1 : -1;
}

/* Counts one customer; the state, or a larger one. */
static PeriodBook *
count_customer(PeriodBook *book, const PurchaseHistory *h)
{
	int				   n = purchase_history_count_until(h, book->as_of);
	const PurchaseDay *end = h->entries + n;
	const PurchaseDay *at = h->entries;
	int64			   unfinished = unfinished_period(book->period, book->as_of);
	int64			   row = row_of(book, unfinished, at, end);
	CustomerPeriod	   before = {0};

	while (row >= 0)
	{
		CustomerPeriod now = {row, false, 0};

		for (; row == now.row; row = row_of(book, unfinished, ++at, end))
		{
			book = count_money(book, now.row, at);
			period_book_add(&now.amount, at->amount);
			now.is_active = now.is_active || at->orders > 0;
		}
		if (!now.is_active)
			continue;
		count_lapse(book, &before, now.row);
		count_active(book, &now, &before);
		before = now;
	}
	count_lapse(book, &before, -1);
	return book;
}

/* An argument without which there is no rule. */
static inline void
CheckGiven(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_NARGS() > arg && PG_ARGISNULL(arg))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s of a period book cannot be null", name)));
}

/* (state, history, as_of, period [, by]) */
PG_FUNCTION_INFO_V1(crm_period_book_transition);
Datum
crm_period_book_transition(PG_FUNCTION_ARGS)
{
	PeriodBook *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_PERIOD_BOOK(0);
	PeriodBook	asked = {0};

	(void) CheckInAggregate(fcinfo);
	CheckGiven(fcinfo, 2, "as_of");
	CheckGiven(fcinfo, 3, "period");
	CheckGiven(fcinfo, 4, "by");
	asked.as_of = CheckLastDay(PG_GETARG_DATEADT(2));
	asked.period = period_from_text(PG_GETARG_TEXT_PP(3));
	if (state == NULL)
		state = period_book_create(asked.period, asked.as_of, 0);
	CheckSamePeriods(state, &asked);
	if (!PG_ARGISNULL(1))
		state = count_customer(state, PG_GETARG_PURCHASES_BY(1, asked.as_of, 4));
	PG_RETURN_PERIOD_BOOK(state);
}

/* The book that a state holds; NULL if nothing happened in a period that is over. */
PG_FUNCTION_INFO_V1(crm_period_book_final);
Datum
crm_period_book_final(PG_FUNCTION_ARGS)
{
	PeriodBook *book = period_book_trim(PG_GETARG_PERIOD_BOOK(0));

	if (book->nperiods == 0)
		PG_RETURN_NULL();
	PG_RETURN_PERIOD_BOOK(book);
}

/* a + b, and the combine function: the figures of both. */
PG_FUNCTION_INFO_V1(crm_period_book_plus);
Datum
crm_period_book_plus(PG_FUNCTION_ARGS)
{
	PeriodBook		 *a = PG_GETARG_PERIOD_BOOK(0);
	PeriodBook		 *b = PG_GETARG_PERIOD_BOOK(1);
	const PeriodBook *less = a->nperiods < b->nperiods ? a : b;
	const PeriodBook *more = less == a ? b : a;
	PeriodBook		 *sum;

	CheckSamePeriods(a, b);
	sum = copy_with_capacity(more, more->nperiods);
	for (int i = 0; i < less->nperiods; i++)
		for (int figure = 0; figure < PERIOD_NFIGURES; figure++)
			period_book_add(&sum->rows[i].figures[figure], less->rows[i].figures[figure]);
	PG_RETURN_PERIOD_BOOK(period_book_trim(sum));
}

/* Customers who bought in a period. */
static int64
active(const PeriodFigures *f)
{
	int64 sum = f->fresh;

	period_book_add(&sum, f->retained);
	period_book_add(&sum, f->reactivated);
	return sum;
}

static inline Datum
money(int64 amount)
{
	return NumericGetDatum(amount_to_numeric(amount));
}

/* The figures of a period as columns. */
static void
set_figures(const PeriodFigures *f, Datum *values, bool *nulls)
{
	int64 bought = active(f);

	values[1] = Int64GetDatum(bought);
	values[2] = Int64GetDatum(f->fresh);
	values[3] = Int64GetDatum(f->retained);
	values[4] = Int64GetDatum(f->reactivated);
	values[5] = Int64GetDatum(f->lapsed);
	values[6] = Int64GetDatum(f->purchases);
	values[7] = money(f->amount);
	values[8] = money(f->fresh_amount);
	values[9] = money(f->retained_amount);
	values[10] = money(f->reactivated_amount);
	values[11] = money(f->lapsed_amount);
	nulls[12] = f->purchases == 0;
	if (!nulls[12])
		values[12] = DirectFunctionCall2(
			numeric_div, values[7],
			NumericGetDatum(amount_to_numeric((int128) f->purchases * AMOUNT_SCALE)));
	nulls[13] = bought == 0;
	if (!nulls[13])
		values[13] = Float8GetDatum((double) (bought - f->fresh) / (double) bought);
}

/*
 * The book as rows by period, those in which nothing happened included: start,
 * customers active, new, retained, reactivated and lapsed, purchases, amounts,
 * average order value, and the share of active customers who are not new.
 */
PG_FUNCTION_INFO_V1(crm_period_book_rows);
Datum
crm_period_book_rows(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	PeriodBook		*book;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, 0);
		rows->user_fctx = rows_copy_varlena(rows, PG_GETARG_PERIOD_BOOK(0));
	}
	rows = SRF_PERCALL_SETUP();
	book = rows->user_fctx;

	if (rows->call_cntr < (uint64) book->nperiods)
	{
		int	  row = book->nperiods - 1 - (int) rows->call_cntr;
		Datum values[14];
		bool  nulls[14] = {false};

		values[0] = DateADTGetDatum(period_book_start(book, row));
		set_figures(&book->rows[row].is, values, nulls);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
