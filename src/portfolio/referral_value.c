/*
 * referral_value.c: what referrals are worth, and how far they reach.
 *
 * Customer referral value after Kumar, Petersen and Leone (2010): a referred
 * customer who would not have joined otherwise counts with his margin and the
 * acquisition cost that was saved, one who would have joined anyway with the
 * saved cost alone, all of it as present values.
 *
 * As everybody is referred at most once, a walk from one customer to those he
 * brought, to those they brought, and so on, can meet nobody twice but its
 * own beginning: a cycle ends there.
 */
#include "crm.h"

#include <math.h>

#include "base/shares.h"
#include "base/calendar.h"
#include "miscadmin.h"
#include "history/purchase_history.h"
#include "portfolio/referral.h"
#include "base/rows.h"
#include "utils/builtins.h"

/* What one unit paid on a day is worth on another: (1 + rate)^-years. */
static inline double
discount_factor(double rate, DateADT paid_on, DateADT as_of)
{
	return exp(-log1p(rate) * ((double) paid_on - as_of) / DAYS_PER_YEAR_OF_DISCOUNT);
}

/* An amount as of another day, rounded to 1/10000. */
static Datum
present_value(Numeric numeric, DateADT paid_on, DateADT as_of, double rate)
{
	int64  amount = amount_from_numeric(numeric);
	double factor;

	CheckFiniteDate(paid_on, "paid_on");
	CheckFiniteDate(as_of, "as_of");
	factor = discount_factor(CheckAnnualDiscountRateOfPaid(rate), paid_on, as_of);
	return NumericGetDatum(
		amount_to_numeric(amount_from_float8((double) amount / AMOUNT_SCALE * factor)));
}

/* (amount, paid_on, as_of, annual_discount_rate) */
PG_FUNCTION_INFO_V1(crm_present_value_as_of);
Datum
crm_present_value_as_of(PG_FUNCTION_ARGS)
{
	return present_value(PG_GETARG_NUMERIC(0), PG_GETARG_DATEADT(1), PG_GETARG_DATEADT(2),
						 PG_GETARG_FLOAT8(3));
}

/* The arguments as they stood before 0.3.0. */
PG_FUNCTION_INFO_V1(crm_present_value);
Datum
crm_present_value(PG_FUNCTION_ARGS)
{
	return present_value(PG_GETARG_NUMERIC(0), PG_GETARG_DATEADT(1), PG_GETARG_DATEADT(3),
						 PG_GETARG_FLOAT8(2));
}

/* All amounts of a history as of one day, rounded to 1/10000 after the sum. */
static Datum
present_value_history(const PurchaseHistory *h, DateADT as_of, double rate)
{
	double sum = 0;

	CheckFiniteDate(as_of, "as_of");
	CheckAnnualDiscountRateOfPaid(rate);
	for (int i = 0; i < h->nentries; i++)
		sum += (double) h->entries[i].amount / AMOUNT_SCALE *
			   discount_factor(rate, h->entries[i].day, as_of);
	return NumericGetDatum(amount_to_numeric(amount_from_float8(sum)));
}

/* (history, as_of, annual_discount_rate) */
PG_FUNCTION_INFO_V1(crm_present_value_history_as_of);
Datum
crm_present_value_history_as_of(PG_FUNCTION_ARGS)
{
	return present_value_history(PG_GETARG_PURCHASES_NET(0), PG_GETARG_DATEADT(1),
								 PG_GETARG_FLOAT8(2));
}

/* The arguments as they stood before 0.3.0. */
PG_FUNCTION_INFO_V1(crm_present_value_history);
Datum
crm_present_value_history(PG_FUNCTION_ARGS)
{
	return present_value_history(PG_GETARG_PURCHASES_NET(0), PG_GETARG_DATEADT(2),
								 PG_GETARG_FLOAT8(1));
}

/* One referred customer: margin and saved cost, or the saved cost alone; NULL if unknown. */
PG_FUNCTION_INFO_V1(crm_referral_worth);
Datum
crm_referral_worth(PG_FUNCTION_ARGS)
{
	int64 margin;
	int64 saved;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	saved = amount_from_numeric(PG_GETARG_NUMERIC(1));
	if (PG_GETARG_BOOL(2))
		PG_RETURN_NUMERIC(amount_to_numeric(saved));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	margin = amount_from_numeric(PG_GETARG_NUMERIC(0));
	PG_RETURN_NUMERIC(amount_to_numeric((int128) margin + saved));
}

/* The first referral whose referrer is a key or comes after it; n if none. */
static int
lower_bound(const ReferralIndex *index, Key referrer)
{
	int low = 0;
	int high = index->n;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (key_order(referrer_of(index->referrals[middle]), referrer) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first referral by a customer, or -1. */
int
referral_index_first(const ReferralIndex *index, Key referrer)
{
	int first = lower_bound(index, referrer);

	return first < index->n && key_order(referrer_of(index->referrals[first]), referrer) == 0
			   ? first
			   : -1;
}

/* The referrals in order and, of each, where those of the customer referred begin. */
ReferralIndex
referral_index(const ReferralNetwork *network)
{
	ReferralIndex index;

	index.n = network->nreferrals;
	index.referrals = referral_network_sorted(network);
	index.children = palloc(Max(index.n, 1) * sizeof(int));
	for (int i = 0; i < index.n; i++)
		index.children[i] = referral_index_first(&index, referred_of(index.referrals[i]));
	return index;
}

/* Whether a referral is by the same customer as the one before. */
static inline bool
same_referrer(const ReferralIndex *index, int i)
{
	return i < index->n &&
		   key_order(referrer_of(index->referrals[i - 1]), referrer_of(index->referrals[i])) == 0;
}

/* A walk goes at least to those referred directly. */
static inline int
CheckDepth(int depth)
{
	if (depth < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("depth %d is out of range", depth),
				 errdetail("Depth 1 is those referred by a customer, 2 adds those referred by "
						   "these.")));
	return depth;
}

/*
 * Customers within some steps of the referrer whose first referral this is, in
 * the breadth of a queue of first referrals; queue has room for all referrals.
 */
static int64
count_reach(const ReferralIndex *index, int first, int depth, int *queue)
{
	Key	  root;
	int64 reached = 0;
	int	  head = 0;
	int	  tail = 0;

	if (first < 0)
		return 0;
	root = referrer_of(index->referrals[first]);
	queue[tail++] = first;
	for (int level = 1; level <= depth && head < tail; level++)
	{
		int level_end = tail;

		while (head < level_end)
		{
			int i = queue[head++];

			do
			{
				if (key_order(referred_of(index->referrals[i]), root) == 0)
					continue;
				reached++;
				if (index->children[i] >= 0)
					queue[tail++] = index->children[i];
			} while (same_referrer(index, ++i));
		}
		CHECK_FOR_INTERRUPTS();
	}
	return reached;
}

/* Sum of the worth of all referrals by one customer, from the first; false if one is unknown. */
static bool
sum_worth(const ReferralIndex *index, int first, int *count, int128 *sum)
{
	bool known = true;
	int	 i = first;

	*count = 0;
	*sum = 0;
	if (first < 0)
		return true;
	do
	{
		(*count)++;
		if (index->referrals[i]->worth == WORTH_UNKNOWN)
			known = false;
		else
			*sum += index->referrals[i]->worth;
	} while (same_referrer(index, ++i));
	return known;
}

static Key
key_argument(FunctionCallInfo fcinfo, int arg)
{
	text *t = PG_GETARG_TEXT_PP(arg);
	Key	  key = {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};

	return key;
}

/* Sum of the worth of a customer's own referrals, 0 without any; NULL if one is unknown. */
PG_FUNCTION_INFO_V1(crm_referral_value);
Datum
crm_referral_value(PG_FUNCTION_ARGS)
{
	ReferralNetwork *network = PG_GETARG_REFERRAL_NETWORK(0);
	ReferralIndex	 index = {network->nreferrals, referral_network_sorted(network), NULL};
	int				 count;
	int128			 sum;

	if (!sum_worth(&index, referral_index_first(&index, key_argument(fcinfo, 1)), &count, &sum))
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(amount_to_numeric(sum));
}

/* How many customers a referrer brought, directly and through others, within some steps. */
PG_FUNCTION_INFO_V1(crm_referral_reach);
Datum
crm_referral_reach(PG_FUNCTION_ARGS)
{
	ReferralIndex index = referral_index(PG_GETARG_REFERRAL_NETWORK(0));
	int			  depth = CheckDepth(PG_GETARG_INT32(2));
	int			  first = referral_index_first(&index, key_argument(fcinfo, 1));

	PG_RETURN_INT64(count_reach(&index, first, depth, palloc(Max(index.n, 1) * sizeof(int))));
}

typedef struct ReferrerRows
{
	ReferralIndex index;
	int			  at; /* the first referral of the next referrer */
	int64		 *reach;
} ReferrerRows;

static Datum
key_datum(Key key)
{
	return PointerGetDatum(cstring_to_text_with_len(key.bytes, key.len));
}

static void
start_index(FuncCallContext *rows, FunctionCallInfo fcinfo, ReferralIndex *index)
{
	MemoryContext before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);

	*index = referral_index(rows_copy_varlena(rows, PG_GETARG_REFERRAL_NETWORK(0)));
	MemoryContextSwitchTo(before);
}

/* All referrers as rows (referrer, referrals, referral_value, reach). */
PG_FUNCTION_INFO_V1(crm_referrers);
Datum
crm_referrers(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	ReferrerRows	*r;

	if (SRF_IS_FIRSTCALL())
	{
		int			  depth = CheckDepth(PG_GETARG_INT32(1));
		MemoryContext before;

		rows = rows_start(fcinfo, sizeof(ReferrerRows));
		r = rows->user_fctx;
		start_index(rows, fcinfo, &r->index);
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		r->reach = referral_reaches(&r->index, depth);
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	r = rows->user_fctx;

	if (r->at < r->index.n)
	{
		int	   first = r->at;
		int	   count;
		int128 sum;
		Datum  values[4];
		bool   nulls[4] = {false};

		nulls[2] = !sum_worth(&r->index, first, &count, &sum);
		r->at += count;
		values[0] = key_datum(referrer_of(r->index.referrals[first]));
		values[1] = Int64GetDatum(count);
		values[2] = nulls[2] ? (Datum) 0 : NumericGetDatum(amount_to_numeric(sum));
		values[3] = Int64GetDatum(r->reach[first]);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* The referrals as rows (referrer, referred, worth). */
PG_FUNCTION_INFO_V1(crm_referrals);
Datum
crm_referrals(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	ReferralIndex	*index;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(ReferralIndex));
		start_index(rows, fcinfo, rows->user_fctx);
	}
	rows = SRF_PERCALL_SETUP();
	index = rows->user_fctx;

	if (rows->call_cntr < (uint64) index->n)
	{
		const Referral *referral = index->referrals[rows->call_cntr];
		Datum			values[3];
		bool			nulls[3] = {false};

		values[0] = key_datum(referrer_of(referral));
		values[1] = key_datum(referred_of(referral));
		nulls[2] = referral->worth == WORTH_UNKNOWN;
		values[2] = nulls[2] ? (Datum) 0 : NumericGetDatum(amount_to_numeric(referral->worth));
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
