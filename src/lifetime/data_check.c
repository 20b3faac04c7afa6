/*
 * data_check.c: the aggregate data_check(history, as_of): do the data suit a purchase model?
 *
 * Its state is an array of whole numbers, so that any plan gives the same.
 */
#include "crm.h"

#include <math.h>

#include "base/calendar.h"
#include "lifetime/btyd.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "base/rows.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* Shares of one, and logarithms, are summed as whole numbers of these: in any order the same. */
#define SHARE_SCALE 1000000
#define LOG_SCALE 10000

/* Years of one customer that are looked at month by month. */
#define MOST_DAYS_OF_MONTHS (100 * 366)

/* The numbers of the state: sums, then minima, then maxima. */
enum
{
	CUSTOMERS,
	NOT_YET,
	REPEAT_BUYERS,
	REPEAT_PURCHASES,
	REPEAT_DAYS, /* sum of t_x */
	REFUND_DAYS,
	WITHOUT_SPEND,
	EXCESS, /* of histories: of all, without a purchase too */
	/* of repeat buyers with spend: logs of x and of the mean spend */
	LOG_X,
	LOG_X_LOG_X,
	LOG_SPEND,
	LOG_SPEND_LOG_SPEND,
	LOG_X_LOG_SPEND,
	/* purchases between the first and the last of a customer: how many, where between these, in which months of the year, and in which they were if nothing but chance decided */
	INNER,
	INNER_PLACE,
	INNER_MONTHS,
	EVEN_MONTHS = INNER_MONTHS + 12,
	MINIMA = EVEN_MONTHS + 12,
	FIRST_DAY = MINIMA,
	LEAST_LOG_SPEND,
	MAXIMA,
	LAST_DAY = MAXIMA,
	LAST_FIRST_DAY, /* when the last customer came */
	MOST_LOG_SPEND,
	NUMBERS
};

static int64 *
numbers_of(ArrayType *array)
{
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != NUMBERS || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != INT8OID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("state of data_check must be an array of %d numbers", NUMBERS)));
	return (int64 *) ARR_DATA_PTR(array);
}

/* A state from elsewhere counts nothing below zero, and has days of the calendar if it has customers. */
static void
CheckNumbers(const int64 *n)
{
	bool negative = n[LOG_X_LOG_X] < 0 || n[LOG_SPEND_LOG_SPEND] < 0;

	for (int i = 0; i < LOG_X; i++)
		negative = negative || n[i] < 0;
	for (int i = INNER; i < MINIMA; i++)
		negative = negative || n[i] < 0;
	if (negative || n[REPEAT_BUYERS] > n[CUSTOMERS] || n[WITHOUT_SPEND] > n[REPEAT_BUYERS])
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("state of data_check does not hold together"),
						errdetail("Nothing is counted below 0, and repeat buyers are customers.")));
	if (n[CUSTOMERS] > 0 && (!IS_VALID_DATE(n[FIRST_DAY]) || !IS_VALID_DATE(n[LAST_DAY]) ||
							 !IS_VALID_DATE(n[LAST_FIRST_DAY]) ||
							 n[FIRST_DAY] > n[LAST_FIRST_DAY] || n[LAST_FIRST_DAY] > n[LAST_DAY]))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("days of a state of data_check are not in order")));
}

/* A copy of a state, or an empty one. */
static ArrayType *
state_copy(FunctionCallInfo fcinfo)
{
	ArrayType *state;
	Datum	   zeros[NUMBERS];

	if (!PG_ARGISNULL(0))
	{
		state = PG_GETARG_ARRAYTYPE_P(0);
		(void) numbers_of(state);
		return AggCheckCallContext(fcinfo, NULL) ? state : PG_GETARG_ARRAYTYPE_P_COPY(0);
	}
	for (int i = 0; i < NUMBERS; i++)
		zeros[i] = Int64GetDatum(i < MINIMA ? 0 : i < MAXIMA ? PG_INT64_MAX : PG_INT64_MIN);
	return construct_array(zeros, NUMBERS, INT8OID, 8, FLOAT8PASSBYVAL, 'd');
}

/* How often and how much, on the log scale; of one who has spent something. */
static void
add_spend(int64 *numbers, const BtydDays *days)
{
	int64 log_x = llrint(LOG_SCALE * log(days->x));
	int64 log_spend = llrint(LOG_SCALE * log(btyd_mean_spend(days)));

	numbers[LOG_X] += log_x;
	numbers[LOG_X_LOG_X] += log_x * log_x;
	numbers[LOG_SPEND] += log_spend;
	numbers[LOG_SPEND_LOG_SPEND] += log_spend * log_spend;
	numbers[LOG_X_LOG_SPEND] += log_x * log_spend;
	numbers[LEAST_LOG_SPEND] = Min(numbers[LEAST_LOG_SPEND], log_spend);
	numbers[MOST_LOG_SPEND] = Max(numbers[MOST_LOG_SPEND], log_spend);
}

static inline int
month_of_year(int32 month)
{
	return ((month % 12) + 12) % 12;
}

/*
 * The purchases between a customer's first and last: given these, at a steady rate they lie anywhere between, whenever
 * she came and whether or not she has left. So neither growth nor leaving looks like a season or a trend.
 */
static void
add_inner_purchases(int64 *numbers, const PurchaseHistory *h, const BtydDays *days)
{
	DateADT first = h->entries[days->first].day;
	DateADT last = first + days->t_x;

	if (days->x < 2 || days->t_x > MOST_DAYS_OF_MONTHS)
		return;
	numbers[INNER] += days->x - 1;
	for (int i = days->first + 1; i < days->nentries && h->entries[i].day < last; i++)
		if (h->entries[i].orders > 0)
		{
			DateADT day = h->entries[i].day;

			numbers[INNER_PLACE] += (int64) (day - first) * SHARE_SCALE / days->t_x;
			numbers[INNER_MONTHS + month_of_year(period_number(PERIOD_MONTH, day))]++;
		}
	for (int32 month = period_number(PERIOD_MONTH, first + 1);
		 month <= period_number(PERIOD_MONTH, last - 1); month++)
	{
		DateADT from = Max(period_first_day(PERIOD_MONTH, month), first + 1);
		DateADT until = Min(period_first_day(PERIOD_MONTH, month + 1), last);

		numbers[EVEN_MONTHS + month_of_year(month)] +=
			(int64) (days->x - 1) * (until - from) * SHARE_SCALE / (days->t_x - 1);
	}
}

PG_FUNCTION_INFO_V1(crm_data_check_transition);
Datum
crm_data_check_transition(PG_FUNCTION_ARGS)
{
	ArrayType		*state = state_copy(fcinfo);
	int64			*numbers = numbers_of(state);
	PurchaseHistory *h;
	BtydDays		 days;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_ARRAYTYPE_P(state);
	h = PG_GETARG_PURCHASE_HISTORY(1);
	numbers[EXCESS] += purchase_history_excess(h, PG_GETARG_DATEADT(2), NULL);
	h = purchase_history_known(h, PG_GETARG_DATEADT(2));
	if (!btyd_at(h, PG_GETARG_DATEADT(2), &days))
	{
		numbers[NOT_YET]++;
		PG_RETURN_ARRAYTYPE_P(state);
	}
	numbers[CUSTOMERS]++;
	numbers[REPEAT_BUYERS] += days.x > 0;
	numbers[REPEAT_PURCHASES] += days.x;
	numbers[REPEAT_DAYS] += days.t_x;
	numbers[WITHOUT_SPEND] += days.x > 0 && days.spend <= 0;
	for (int i = 0; i < days.nentries; i++)
		numbers[REFUND_DAYS] += h->entries[i].amount < 0;
	numbers[FIRST_DAY] = Min(numbers[FIRST_DAY], h->entries[days.first].day);
	numbers[LAST_FIRST_DAY] = Max(numbers[LAST_FIRST_DAY], h->entries[days.first].day);
	numbers[LAST_DAY] = Max(numbers[LAST_DAY], h->entries[days.first].day + days.t_x);
	if (days.x > 0 && days.spend > 0)
		add_spend(numbers, &days);
	add_inner_purchases(numbers, h, &days);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* Strict: both states hold something. */
PG_FUNCTION_INFO_V1(crm_data_check_combine);
Datum
crm_data_check_combine(PG_FUNCTION_ARGS)
{
	ArrayType *state = state_copy(fcinfo);
	int64	  *numbers = numbers_of(state);
	int64	  *other = numbers_of(PG_GETARG_ARRAYTYPE_P(1));

	CheckNumbers(numbers);
	CheckNumbers(other);

	for (int i = 0; i < MINIMA; i++)
		if (pg_add_s64_overflow(numbers[i], other[i], &numbers[i]))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("state of data_check is out of range")));
	for (int i = MINIMA; i < NUMBERS; i++)
		numbers[i] = i < MAXIMA ? Min(numbers[i], other[i]) : Max(numbers[i], other[i]);
	PG_RETURN_ARRAYTYPE_P(state);
}

/* What the numbers come to; NaN where they say nothing. */
typedef struct Findings
{
	int64  span;
	int64  cohort; /* days from the first to the last customer */
	double gap;	   /* usual days between two purchases */
	double correlation;
	double correlation_error;
	double trend;
	double trend_error;
	double season;
	bool   season_is_sure;
	int	   best_month; /* 0 is January */
	bool   one_price;
} Findings;

/* Pearson's correlation of the logs, with the standard error of a normal pair. */
static void
find_correlation(const int64 *n, Findings *f)
{
	double k = n[REPEAT_BUYERS] - n[WITHOUT_SPEND];
	double xx = n[LOG_X_LOG_X] - (double) n[LOG_X] * n[LOG_X] / k;
	double ss = n[LOG_SPEND_LOG_SPEND] - (double) n[LOG_SPEND] * n[LOG_SPEND] / k;
	double xs = n[LOG_X_LOG_SPEND] - (double) n[LOG_X] * n[LOG_SPEND] / k;

	f->correlation = f->correlation_error = NAN;
	f->one_price = k >= 2 && n[LEAST_LOG_SPEND] == n[MOST_LOG_SPEND];
	if (k < 3 || n[LEAST_LOG_SPEND] == n[MOST_LOG_SPEND] || !(xx > 0.5) || !(ss > 0.5))
		return;
	f->correlation = fmin(fmax(xs / sqrt(xx * ss), -1), 1);
	f->correlation_error = sqrt((1 - f->correlation * f->correlation) / (k - 2));
}

/*
 * By how much the purchases of a month usually differ from even ones: the root of the mean square of the differences
 * less what chance makes of it, 11 degrees of freedom in a chi-square of purchases.
 */
static void
find_season(const int64 *n, Findings *f)
{
	double chi_square = 0;
	double most = 0;

	f->season = NAN;
	if (f->span < 365 || n[INNER] < 120)
		return;
	for (int i = 0; i < 12; i++)
	{
		double even = (double) n[EVEN_MONTHS + i] / SHARE_SCALE;
		double ratio = even > 0 ? n[INNER_MONTHS + i] / even : 0;

		chi_square += even > 0 ? even * (ratio - 1) * (ratio - 1) : 0;
		if (ratio > most)
		{
			most = ratio;
			f->best_month = i;
		}
	}
	f->season = sqrt(fmax(0, chi_square - 11) / n[INNER]);
	f->season_is_sure = chi_square > 40; /* by chance once in 30 000 shops */
}

static void
find(const int64 *n, Findings *f)
{
	memset(f, 0, sizeof(*f));
	f->span = n[LAST_DAY] - n[FIRST_DAY];
	f->cohort = n[LAST_FIRST_DAY] - n[FIRST_DAY];
	f->gap = n[REPEAT_PURCHASES] > 0 ? (double) n[REPEAT_DAYS] / n[REPEAT_PURCHASES] : NAN;
	f->trend = f->trend_error = NAN;
	if (n[INNER] >= 30)
	{
		/* the mean place is 1/2 at a steady rate; the spread is that of a uniform number */
		f->trend = 2 * ((double) n[INNER_PLACE] / n[INNER] / SHARE_SCALE) - 1;
		f->trend_error = 2 / sqrt(12.0 * n[INNER]);
	}
	find_correlation(n, f);
	find_season(n, f);
}

static bool
rates_move(const Findings *f)
{
	return fabs(f->trend) > 0.1 && fabs(f->trend) > 4 * f->trend_error;
}

static bool
has_season(const Findings *f)
{
	return f->season > 0.2 && f->season_is_sure;
}

static bool
is_one_cohort(const int64 *n, const Findings *f)
{
	return n[CUSTOMERS] > 1 && f->cohort * 20 < f->span;
}

static bool
spend_depends(const Findings *f)
{
	return fabs(f->correlation) > 0.3 && fabs(f->correlation) > 3 * f->correlation_error;
}

/* Whether a fit makes sense, in words; thresholds are rules of thumb and say so in the docs. */
static const char *
verdict(const int64 *n, const Findings *f)
{
	if (n[CUSTOMERS] == 0)
		return "no fit: nobody has bought by as_of";
	if (n[REPEAT_BUYERS] == 0)
		return "no fit: nobody has bought again";
	if (n[CUSTOMERS] < 10)
		return "no fit: fewer than 10 customers";
	if (n[REPEAT_BUYERS] == n[CUSTOMERS])
		return "doubtful: every customer has bought again; customers with one purchase may be "
			   "missing";
	if (n[REPEAT_BUYERS] * 100 < n[CUSTOMERS])
		return "doubtful: fewer than 1 % of the customers have bought again";
	if (f->span < 3 * f->gap)
		return "doubtful: the data span less than three usual times between purchases";
	if (n[CUSTOMERS] < 500 || n[REPEAT_BUYERS] < 100)
		return "weak: few customers, so expect wide standard errors";
	if (rates_move(f))
		return f->trend > 0
				   ? "weak: customers buy more and more often, so forecasts will be too low"
				   : "weak: customers buy less and less often, so forecasts will be too high";
	if (has_season(f))
		return "weak: purchases have a season, which the models do not know";
	return "good";
}

/* Remarks as they are gathered. */
typedef struct Remarks
{
	int	  n;
	Datum texts[12];
} Remarks;

static void
remark(Remarks *remarks, const char *words)
{
	remarks->texts[remarks->n++] = CStringGetTextDatum(words);
}

/* Whatever makes a model say less than it seems to, each with a way out. */
static Datum
remarks_on(const int64 *n, const Findings *f)
{
	static const char *const months[] = {"January",	  "February", "March",	  "April",
										 "May",		  "June",	  "July",	  "August",
										 "September", "October",  "November", "December"};
	Remarks					 remarks = {0};

	if (n[CUSTOMERS] == 0)
		remark(&remarks, "Nobody has bought by as_of: ask as of the last day of the data.");
	else if (n[REPEAT_BUYERS] == 0)
		remark(&remarks, "Nobody has bought again: look whether purchases of one customer share "
						 "one key; if they do, wait.");
	else if (n[CUSTOMERS] < 10)
		remark(&remarks, "Fewer than 10 customers: wait, or fit the customers of several shops "
						 "together.");
	else if (n[REPEAT_BUYERS] == n[CUSTOMERS])
		remark(&remarks, "Every customer has bought again: take in those with one purchase if a "
						 "view or an import leaves them out.");
	else if (n[REPEAT_BUYERS] * 100 < n[CUSTOMERS])
		remark(&remarks, "Hardly anybody has bought again: look whether guests get a key of their "
						 "own with every purchase, and know them by e-mail.");
	if (n[EXCESS] > 0)
		remark(&remarks,
			   psprintf("%lld customers were refunded more than they bought on a day: look "
						"for refunds whose purchase is missing or of another day.",
						(long long) n[EXCESS]));
	if (f->span < 3 * f->gap)
		remark(&remarks, psprintf("Purchases of a customer are %.0f days apart and the data span "
								  "%lld: take in older purchases, or forecast no further than "
								  "they reach back.",
								  f->gap, (long long) f->span));
	if (n[CUSTOMERS] >= 10 && n[REPEAT_BUYERS] > 0 &&
		(n[CUSTOMERS] < 500 || n[REPEAT_BUYERS] < 100))
		remark(&remarks, "Few customers: trust totals and intervals (crm.confidence, crm.interval) "
						 "more than single numbers.");
	if (rates_move(f))
		remark(&remarks, f->trend > 0
							 ? "Customers buy more and more often: a model takes the mean "
							   "of the past; fit recent purchases (crm.within), and expect "
							   "more than it says."
							 : "Customers buy less and less often: a model takes the mean "
							   "of the past; fit recent purchases (crm.within), and expect "
							   "less than it says.");
	if (has_season(f))
		remark(&remarks, psprintf("A month's purchases differ from even ones by %.0f %%, most are "
								  "in %s%s: fit by the clock of the season (crm.season), or "
								  "forecast whole years.",
								  100 * f->season, months[f->best_month],
								  f->span < 730 ? " (doubtful, of less than two years)" : ""));
	if (is_one_cohort(n, f))
		remark(&remarks,
			   psprintf("All customers came within %lld days: what is fitted to them need "
						"not hold for others; take in those of other times.",
						(long long) f->cohort));
	if (spend_depends(f))
		remark(&remarks,
			   psprintf("Who buys more often spends %s a purchase (correlation %.2f), but "
						"crm.clv takes one for independent of the other: fit groups of "
						"customers apart.",
						f->correlation > 0 ? "more" : "less", f->correlation));
	if (f->one_price)
		remark(&remarks, "Everybody spends the same: crm.one_price is the spend model.");
	return PointerGetDatum(construct_array(remarks.texts, remarks.n, TEXTOID, -1, false, 'i'));
}

/* A figure that may say nothing. */
static void
set_figure(Datum *values, bool *nulls, int i, double figure)
{
	values[i] = Float8GetDatum(figure);
	nulls[i] = isnan(figure);
}

#define COLUMNS 19

PG_FUNCTION_INFO_V1(crm_data_check_final);
Datum
crm_data_check_final(PG_FUNCTION_ARGS)
{
	int64	*n = numbers_of(PG_GETARG_ARRAYTYPE_P(0));
	bool	 empty = n[CUSTOMERS] == 0;
	Datum	 values[COLUMNS];
	bool	 nulls[COLUMNS] = {false};
	Findings f;

	CheckNumbers(n);
	find(n, &f);
	values[0] = Int64GetDatum(n[CUSTOMERS]);
	values[1] = Int64GetDatum(n[NOT_YET]);
	values[2] = Int64GetDatum(n[REPEAT_BUYERS]);
	values[3] = Int64GetDatum(n[REPEAT_PURCHASES]);
	values[4] = DateADTGetDatum((DateADT) n[FIRST_DAY]);
	values[5] = DateADTGetDatum((DateADT) n[LAST_DAY]);
	values[6] = Int32GetDatum((int32) f.span);
	values[7] = Int64GetDatum(n[REFUND_DAYS]);
	values[8] = Int64GetDatum(n[WITHOUT_SPEND]);
	values[9] = CStringGetTextDatum(verdict(n, &f));
	/* these are new in 0.3.0: a type of an earlier release takes the columns before */
	values[10] = Int32GetDatum((int32) f.cohort);
	set_figure(values, nulls, 11, f.gap);
	set_figure(values, nulls, 12, f.correlation);
	set_figure(values, nulls, 13, f.correlation_error);
	values[14] = BoolGetDatum(f.one_price);
	set_figure(values, nulls, 15, f.trend);
	set_figure(values, nulls, 16, f.trend_error);
	set_figure(values, nulls, 17, f.season);
	values[18] = remarks_on(n, &f);
	nulls[4] = nulls[5] = nulls[6] = nulls[10] = nulls[14] = empty;
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
