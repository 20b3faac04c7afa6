/*
 * rhythm.c: the aggregate rhythm(history, as_of): the common rhythm of all
 * customers, fitted to their last gaps.
 *
 * Of a customer with m gaps g_1 .. g_m of sum S:
 * - Given S, the shares g / S are Dirichlet distributed whatever the rate, so
 *   the shape k is the root of
 *     sum over customers of m (psi(m k) - psi(k)) + sum of ln(g / S) = 0,
 *   the maximum of a concave likelihood (Minka 2000 for the Dirichlet form).
 * - ln S has mean psi(m k) - psi(a) + ln b and variance psi'(m k) + psi'(a), as
 *   S is a gamma variable of shape m k over one of shape a and rate b; mean and
 *   variance over the customers give a and b.
 *
 * The state is exact_sums: sum 0 is the sum of ln(g / S), and for each m the
 * customers, their sum of ln S and of its square.
 */
#include "crm.h"

#include <math.h>

#include "base/exact_sums.h"
#include "math/special.h"
#include "history/purchase_history.h"
#include "retention/rhythm.h"
#include "base/rows.h"

#define NSUMS (1 + 3 * RHYTHM_MAX_GAPS)
#define FRACTION_BITS 40
#define BISECTIONS 100

enum
{
	SUM_LOG_SHARES,
	SUM_CUSTOMERS, /* of one gap; of each number of gaps more, 3 sums further on */
	SUM_LOG_SPAN,
	SUM_LOG_SPAN_SQUARED
};

static inline int
sum_of(int which, int ngaps)
{
	return which + 3 * (ngaps - 1);
}

static inline void
add_fixed(ExactSums *state, int i, double value)
{
	exact_sums_add(state, i, exact_fixed(value, FRACTION_BITS, 1e6, "gap"));
}

/* Adds the last gaps among the first n entries. */
static void
count_gaps(ExactSums *state, const PurchaseHistory *h, int n)
{
	double gaps[RHYTHM_MAX_GAPS];
	double span = 0;
	double log_span;
	int	   ngaps = 0;
	int	   later = -1; /* the purchase day after */

	for (int i = n - 1; i >= 0 && ngaps < RHYTHM_MAX_GAPS; i--)
	{
		if (h->entries[i].orders == 0)
			continue;
		if (later >= 0)
		{
			gaps[ngaps] = h->entries[later].day - h->entries[i].day;
			span += gaps[ngaps++];
		}
		later = i;
	}
	if (ngaps == 0)
		return;
	log_span = log(span);
	for (int i = 0; i < ngaps && ngaps > 1; i++)
		add_fixed(state, SUM_LOG_SHARES, log(gaps[i] / span));
	exact_sums_add(state, sum_of(SUM_CUSTOMERS, ngaps), 1);
	add_fixed(state, sum_of(SUM_LOG_SPAN, ngaps), log_span);
	add_fixed(state, sum_of(SUM_LOG_SPAN_SQUARED, ngaps), log_span * log_span);
}

/* Counts one customer; those without two purchase days by as_of say nothing. */
PG_FUNCTION_INFO_V1(crm_rhythm_transition);
Datum
crm_rhythm_transition(PG_FUNCTION_ARGS)
{
	ExactSums *state = exact_sums_state(fcinfo, NSUMS);

	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("as_of cannot be null")));
	if (!PG_ARGISNULL(1))
	{
		DateADT			 as_of = CheckFiniteDate(PG_GETARG_DATEADT(2), "as_of");
		PurchaseHistory *h = PG_GETARG_PURCHASES_KNOWN(1, as_of);

		count_gaps(state, h, purchase_history_count_until(h, as_of));
	}
	PG_RETURN_POINTER(state);
}

/* psi'(x), x > 0: by recurrence up to the asymptotic series, DLMF 5.15.8. */
static double
trigamma(double x)
{
	double below = 0;
	double u;

	for (; x < 10; x++)
		below += 1 / (x * x);
	u = 1 / (x * x);
	return below + 1 / x + u / 2 +
		   u / x * (1.0 / 6 + u * (-1.0 / 30 + u * (1.0 / 42 + u * (-1.0 / 30 + u * 5.0 / 66))));
}

/* What the sums say, as float8. */
typedef struct GapStatistics
{
	double log_shares;
	double customers[RHYTHM_MAX_GAPS + 1]; /* by number of gaps */
	double log_span[RHYTHM_MAX_GAPS + 1];
	double log_span_squared[RHYTHM_MAX_GAPS + 1];
	double all;		/* customers with a gap */
	double several; /* with two or more */
} GapStatistics;

static GapStatistics
gap_statistics(const ExactSums *state)
{
	GapStatistics s = {0};

	s.log_shares = exact_to_float8(exact_sums_get(state, SUM_LOG_SHARES), FRACTION_BITS);
	for (int m = 1; m <= RHYTHM_MAX_GAPS; m++)
	{
		s.customers[m] = (double) exact_sums_get(state, sum_of(SUM_CUSTOMERS, m));
		s.log_span[m] =
			exact_to_float8(exact_sums_get(state, sum_of(SUM_LOG_SPAN, m)), FRACTION_BITS);
		s.log_span_squared[m] =
			exact_to_float8(exact_sums_get(state, sum_of(SUM_LOG_SPAN_SQUARED, m)), FRACTION_BITS);
		s.all += s.customers[m];
		s.several += m > 1 ? s.customers[m] : 0;
	}
	return s;
}

/* Derivative of the log-likelihood of the shape; falls as the shape grows. */
static double
shape_score(const GapStatistics *s, double shape)
{
	double score = s->log_shares;

	for (int m = 2; m <= RHYTHM_MAX_GAPS; m++)
		if (s->customers[m] > 0)
			score += s->customers[m] * m * math_digamma_rise(shape, (m - 1) * shape);
	return score;
}

/* The shape at which its score is zero, within its limits. */
static double
fit_shape(const GapStatistics *s)
{
	double low = log(RHYTHM_SHAPE_MIN);
	double high = log(RHYTHM_SHAPE_MAX);

	for (int i = 0; i < BISECTIONS; i++)
	{
		double middle = (low + high) / 2;

		if (shape_score(s, exp(middle)) > 0)
			low = middle;
		else
			high = middle;
	}
	return exp((low + high) / 2);
}

/* The x at which psi'(x) is a value, within the limits of a. */
static double
trigamma_inverse(double value)
{
	double low = log(RHYTHM_A_MIN);
	double high = log(RHYTHM_A_MAX);

	for (int i = 0; i < BISECTIONS; i++)
	{
		double middle = (low + high) / 2;

		if (trigamma(exp(middle)) > value)
			low = middle;
		else
			high = middle;
	}
	return exp((low + high) / 2);
}

static Rhythm
fit_rhythm(const GapStatistics *s)
{
	Rhythm r;
	double sum = 0;
	double squares = 0;
	double within = 0;
	double mean;
	double between;

	r.shape = fit_shape(s);
	for (int m = 1; m <= RHYTHM_MAX_GAPS; m++)
	{
		double expected = math_digamma(m * r.shape);

		sum += s->log_span[m] - s->customers[m] * expected;
		squares += s->log_span_squared[m] - 2 * expected * s->log_span[m] +
				   s->customers[m] * expected * expected;
		within += s->customers[m] * trigamma(m * r.shape);
	}
	mean = sum / s->all;
	between = (squares - sum * mean) / (s->all - 1) - within / s->all;
	r.a = trigamma_inverse(between);
	r.b = exp(mean + math_digamma(r.a));
	return r;
}

/* A rhythm needs two gaps of one customer, and the rates of two customers. */
static inline void
CheckEnoughGaps(const GapStatistics *s)
{
	if (s->several < 1 || s->all < 2)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION), errmsg("too few purchases to find a rhythm"),
			 errdetail("%.0f customers have two purchase days or more, %.0f of them three or more.",
					   s->all, s->several),
			 errhint("At least two customers with two purchase days and one with three are "
					 "needed.")));
}

/* The rhythm (shape, a, b); NULL if no customer was counted. */
PG_FUNCTION_INFO_V1(crm_rhythm_final);
Datum
crm_rhythm_final(PG_FUNCTION_ARGS)
{
	GapStatistics s = gap_statistics(exact_sums_argument(fcinfo, 0, NSUMS));
	Rhythm		  r;
	Datum		  values[3];
	bool		  nulls[3] = {false};

	CheckEnoughGaps(&s);
	r = fit_rhythm(&s);
	values[0] = Float8GetDatum(r.shape);
	values[1] = Float8GetDatum(r.a);
	values[2] = Float8GetDatum(r.b);
	return row_result(fcinfo, values, nulls);
}
