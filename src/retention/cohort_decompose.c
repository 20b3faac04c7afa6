/*
 * cohort_decompose.c: why one period brought more than another.
 *
 * The amount of customers who were there in the first period already is customers
 * x purchases per customer x amount per purchase; what each of these factors did
 * is its Shapley value, the mean of what it changes over all orders in which the
 * three can go from one period to the other: no order of them is favoured, and
 * the parts add up. Roundings, and money of customers who did not buy, are with
 * the amount per purchase. Customers who joined in between are a part of their own.
 */
#include "crm.h"

#include <math.h>

#include "base/amount.h"
#include "base/rows.h"
#include "retention/cohort_book.h"
#include "utils/builtins.h"

/* What some cohorts did in a period. */
typedef struct Figures
{
	int64  active;
	int64  purchases;
	int128 amount;
} Figures;

#define NPARTS 4

typedef struct Bridge
{
	Figures before;
	Figures after;	/* of the customers who were there before */
	Figures joined; /* in the later period, of those who joined in between */
	int128	parts[NPARTS];
	int		next;
} Bridge;

static const char *const part_names[NPARTS] = {"new customers", "returning customers",
											   "purchases per customer", "amount per purchase"};

/* What the cohorts from oldest to youngest did k periods before the unfinished one. */
static Figures
figures_of(const CohortBook *book, int oldest, int youngest, int k)
{
	Figures sum = {0};

	for (int cohort = oldest; cohort >= youngest; cohort--)
	{
		const CohortCell *cell = &cohort_cells(book, cohort)[cohort - k];

		sum.active += cell->active;
		sum.purchases += cell->purchases;
		sum.amount += cell->amount;
	}
	return sum;
}

/* How many periods before the unfinished one a day lies, which the book has to know of. */
static int
periods_back(const CohortBook *book, DateADT day, const char *name)
{
	int64 k;

	CheckFiniteDate(day, name);
	k = (int64) cohort_book_anchor(book) - period_number(book->period, day);
	if (k < 1 || k > book->ncohorts)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s, %s, is in no period of the cohort book", name, date_to_text(day)),
				 book->ncohorts == 0 ? errdetail("The book knows of no period that is over.")
									 : errdetail("Its periods are those from %s to %s.",
												 date_to_text(cohort_start(book, book->ncohorts)),
												 date_to_text(cohort_start(book, 0) - 1))));
	return (int) k;
}

/* The mean effect of the first factor's change over all orders of three. */
static double
shapley(double change, double b1, double b2, double c1, double c2)
{
	return change * ((b1 * c1 + b2 * c2) / 3 + (b1 * c2 + b2 * c1) / 6);
}

/* A part in whole units of amount; what customers of an impossible book do may be beyond them. */
static int128
whole(double part)
{
	if (unlikely(!(fabs(part) < 1e30)))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("part of the change of the cohort book is out of range")));
	return (int128) rint(part);
}

/* The part of each factor; a period without customers or purchases has the ratios of the other. */
static void
split(Bridge *b)
{
	bool   bought_before = b->before.purchases > 0;
	bool   bought_after = b->after.purchases > 0;
	double rate1 = bought_before ? (double) b->before.purchases / b->before.active : 0;
	double rate2 = bought_after ? (double) b->after.purchases / b->after.active : rate1;
	double value1 = bought_before ? (double) b->before.amount / b->before.purchases : 0;
	double value2 = bought_after ? (double) b->after.amount / b->after.purchases : value1;
	double n1 = (double) b->before.active;
	double n2 = (double) b->after.active;

	if (!bought_before)
	{
		rate1 = rate2;
		value1 = value2;
	}
	b->parts[0] = b->joined.amount;
	b->parts[1] = whole(shapley(n2 - n1, rate1, rate2, value1, value2));
	b->parts[2] = whole(shapley(rate2 - rate1, n1, n2, value1, value2));
	b->parts[3] = b->after.amount - b->before.amount - b->parts[1] - b->parts[2];
}

/* a / b to numeric's decimals, NULL if there is no b. */
static Datum
ratio(int128 a, int64 b, bool *isnull)
{
	*isnull = b == 0;
	if (b == 0)
		return (Datum) 0;
	return DirectFunctionCall2(numeric_div, NumericGetDatum(amount_to_numeric(a)),
							   NumericGetDatum(amount_to_numeric((int128) b * AMOUNT_SCALE)));
}

/* What a factor was in one of the periods. */
static Datum
factor(const Figures *f, int part, bool *isnull)
{
	*isnull = false;
	if (part < 2)
		return DirectFunctionCall1(int8_numeric, Int64GetDatum(f->active));
	if (part == 2)
		return ratio((int128) f->purchases * AMOUNT_SCALE, f->active, isnull);
	return ratio(f->amount, f->purchases, isnull);
}

/*
 * (book, before, after), the periods being named by any of their days, as rows
 * (part, before, after, amount): the four parts of the change, which add up to it.
 */
PG_FUNCTION_INFO_V1(crm_cohort_book_decompose);
Datum
crm_cohort_book_decompose(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	Bridge			*b;

	if (SRF_IS_FIRSTCALL())
	{
		CohortBook *book = PG_GETARG_COHORT_BOOK(0);
		int			before = periods_back(book, PG_GETARG_DATEADT(1), "before");
		int			after = periods_back(book, PG_GETARG_DATEADT(2), "after");

		if (after >= before)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("after, %s, is not in a later period than before, %s",
								   date_to_text(PG_GETARG_DATEADT(2)),
								   date_to_text(PG_GETARG_DATEADT(1)))));
		rows = rows_start(fcinfo, sizeof(Bridge));
		b = rows->user_fctx;
		b->before = figures_of(book, book->ncohorts, before, before);
		b->after = figures_of(book, book->ncohorts, before, after);
		b->joined = figures_of(book, before - 1, after, after);
		split(b);
	}
	rows = SRF_PERCALL_SETUP();
	b = rows->user_fctx;

	if (b->next < NPARTS)
	{
		static const Figures nobody = {0};
		int					 part = b->next++;
		Datum				 values[4];
		bool				 nulls[4] = {false};

		values[0] = CStringGetTextDatum(part_names[part]);
		values[1] = factor(part == 0 ? &nobody : &b->before, part, &nulls[1]);
		values[2] = factor(part == 0 ? &b->joined : &b->after, part, &nulls[2]);
		values[3] = NumericGetDatum(amount_to_numeric(b->parts[part]));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
