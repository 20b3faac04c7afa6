/*
 * mix_ask.c: what a mix answers: how a customer divides purchases among categories,
 * what that says beside the others of the shop, and how it changed.
 *
 * An occasion is a day on which a category was bought, however many lines say so.
 */
#include "crm.h"

#include <math.h>

#include "base/instant.h"
#include "base/rows.h"
#include "mix/mix.h"
#include "mix/mix_base.h"
#include "utils/builtins.h"

/* What was bought of a category until a day. */
typedef struct CategorySum
{
	int64	days;
	int64	orders;
	int128	amount;
	DateADT first;
	DateADT last;
} CategorySum;

static CategorySum
category_sum(const MixCategory *category, DateADT until)
{
	CategorySum sum = {0};

	for (const PurchaseDay *at = category_days(category), *end = at + category->ndays;
		 at < end && at->day <= until; at++)
	{
		sum.orders += at->orders;
		sum.amount += at->amount;
		if (at->orders == 0)
			continue;
		if (sum.days++ == 0)
			sum.first = at->day;
		sum.last = at->day;
	}
	return sum;
}

/* Occasions of all categories until a day. */
static int64
occasions_until(const Mix *m, DateADT until)
{
	int64 sum = 0;

	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
		sum += category_days_until(at, until);
	return sum;
}

static Datum
name_datum(CategoryName name)
{
	return PointerGetDatum(cstring_to_text_with_len(name.at, name.len));
}

/* Where rows of categories stand. */
typedef struct CategoryRows
{
	const Mix		  *mix;
	const MixCategory *at;
	DateADT			   as_of;
	int64			   occasions;
} CategoryRows;

/*
 * (mix, as_of) -> category, purchase_day_count, purchase_count, amount, share,
 * first_on, last_on: of each category that was bought, or money of which moved,
 * until as_of; share is its part of the occasions.
 */
PG_FUNCTION_INFO_V1(crm_mix_categories);
Datum
crm_mix_categories(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	CategoryRows	*state;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, sizeof(CategoryRows));
		state = rows->user_fctx;
		state->mix = rows_copy_varlena(rows, PG_GETARG_MIX(0));
		state->at = mix_first(state->mix);
		state->as_of = PG_GETARG_DATEADT(1);
		state->occasions = occasions_until(state->mix, state->as_of);
	}
	rows = SRF_PERCALL_SETUP();
	state = rows->user_fctx;
	while (state->at < mix_end(state->mix))
	{
		const MixCategory *category = state->at;
		CategorySum		   sum = category_sum(category, state->as_of);
		Datum			   values[7] = {0};
		bool			   nulls[7] = {false};

		state->at = category_next(category);
		if (sum.days == 0 && sum.amount == 0)
			continue;
		values[0] = name_datum(category_name(category));
		values[1] = Int64GetDatum(sum.days);
		values[2] = Int64GetDatum(sum.orders);
		values[3] = NumericGetDatum(amount_to_numeric(sum.amount));
		nulls[4] = state->occasions == 0;
		if (!nulls[4])
			values[4] = Float8GetDatum((double) sum.days / (double) state->occasions);
		values[5] = DateADTGetDatum(sum.first);
		values[6] = DateADTGetDatum(sum.last);
		nulls[5] = nulls[6] = sum.days == 0;
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* (mix, as_of, category): the part of the occasions that a category has; 0 if never bought, NULL before the first. */
PG_FUNCTION_INFO_V1(crm_mix_share);
Datum
crm_mix_share(PG_FUNCTION_ARGS)
{
	const Mix	*m = PG_GETARG_MIX(0);
	DateADT		 as_of = PG_GETARG_DATEADT(1);
	CategoryName asked = category_of(PG_GETARG_TEXT_PP(2));
	int64		 all = occasions_until(m, as_of);
	int64		 days = 0;

	if (all == 0)
		PG_RETURN_NULL();
	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
		if (category_compare(category_name(at), asked) == 0)
			days = category_days_until(at, as_of);
	PG_RETURN_FLOAT8((double) days / (double) all);
}

/* (mix, category): the purchases of a category as a history of their own, empty if there are none. */
PG_FUNCTION_INFO_V1(crm_mix_history);
Datum
crm_mix_history(PG_FUNCTION_ARGS)
{
	const Mix	*m = PG_GETARG_MIX(0);
	CategoryName asked = category_of(PG_GETARG_TEXT_PP(1));

	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
		if (category_compare(category_name(at), asked) == 0)
		{
			PurchaseHistory *h = purchase_history_create(at->ndays);

			memcpy(h->entries, category_days(at), at->ndays * sizeof(PurchaseDay));
			h->nentries = at->ndays;
			PG_RETURN_PURCHASE_HISTORY(h);
		}
	PG_RETURN_PURCHASE_HISTORY(purchase_history_create(0));
}

/* (mix, as_of): how many categories were bought. */
PG_FUNCTION_INFO_V1(crm_mix_breadth);
Datum
crm_mix_breadth(PG_FUNCTION_ARGS)
{
	const Mix *m = PG_GETARG_MIX(0);
	DateADT	   as_of = PG_GETARG_DATEADT(1);
	int32	   breadth = 0;

	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
		breadth += category_days_until(at, as_of) > 0;
	PG_RETURN_INT32(breadth);
}

/* What is expected of one category. */
typedef struct Preference
{
	CategoryName name;
	double		 concentration; /* of the base; 0 if it does not know the category */
	double		 weight;		/* of the customer's own occasions */
} Preference;

/* A customer's preferences, in the order of the names. */
typedef struct Preferences
{
	int			n;
	double		base;	/* sum of the concentrations */
	double		weight; /* sum of the customer's own */
	Preference *of;
} Preferences;

/* The occasions of a category until a day, each counted as 2^(-age / half_life); as 1 without one. */
static double
decayed_days(const MixCategory *category, DateADT until, double half_life)
{
	const PurchaseDay *days = category_days(category);
	double			   sum = 0;

	for (int i = 0; i < category->ndays && days[i].day <= until; i++)
		if (days[i].orders > 0)
			sum += half_life > 0 ? exp2(-((double) until - days[i].day) / half_life) : 1;
	return sum;
}

/* The half-life of an argument in days; 0 if it is not given. */
static double
half_life_days(FunctionCallInfo fcinfo, int arg)
{
	if (PG_ARGISNULL(arg))
		return 0;
	return (double) interval_microseconds(PG_GETARG_INTERVAL_P(arg), "half_life") /
		   (double) USECS_PER_DAY;
}

/*
 * What the categories of the base, and those that the customer bought besides, come
 * to: the posterior mean of the Dirichlet, (concentration + own) / (sums of both).
 */
static Preferences
preferences(const MixBase *base, const Mix *m, DateADT as_of, double half_life)
{
	Preferences			all = {0};
	const BaseCategory *known = base_first(base);
	const MixCategory  *own = mix_first(m);

	if (DATE_NOT_FINITE(as_of) && half_life > 0)
		CheckFiniteDate(as_of, "as_of");
	all.of = palloc(sizeof(Preference) * ((Size) base->ncategories + m->ncategories));
	all.base = base->total;
	while (known < base_end(base) || own < mix_end(m))
	{
		int		   order = own >= mix_end(m) ? -1
						   : known >= base_end(base)
							   ? 1
							   : category_compare(base_name(known), category_name(own));
		Preference one = {0};

		if (order <= 0)
		{
			one.name = base_name(known);
			one.concentration = known->concentration;
			known = base_next(known);
		}
		if (order >= 0)
		{
			one.name = category_name(own);
			one.weight = decayed_days(own, as_of, half_life);
			own = category_next(own);
		}
		if (one.concentration == 0 && one.weight == 0)
			continue;
		all.weight += one.weight;
		all.of[all.n++] = one;
	}
	return all;
}

static double
preference_of(const Preferences *all, const Preference *one)
{
	return (one->concentration + one->weight) / (all->base + all->weight);
}

/* Fill in category, preference, the share of the base and the lift: NULL of what the base does not know. */
static void
set_preference(const Preferences *all, const Preference *one, Datum *values, bool *nulls)
{
	double share = one->concentration / all->base;

	values[0] = name_datum(one->name);
	values[1] = Float8GetDatum(preference_of(all, one));
	values[2] = Float8GetDatum(share);
	nulls[3] = share == 0;
	values[3] = nulls[3] ? (Datum) 0 : Float8GetDatum(preference_of(all, one) / share);
}

/* The preferences that the arguments (base, mix, as_of, half_life) ask for. */
static Preferences
preferences_asked(FunctionCallInfo fcinfo)
{
	return preferences(PG_GETARG_MIX_BASE(0), PG_GETARG_MIX(1), PG_GETARG_DATEADT(2),
					   half_life_days(fcinfo, 3));
}

static bool
is_asked(FunctionCallInfo fcinfo)
{
	return !PG_ARGISNULL(0) && !PG_ARGISNULL(1) && !PG_ARGISNULL(2);
}

/* (base, mix, as_of, half_life) -> category, preference, base_share, lift: a row a category. */
PG_FUNCTION_INFO_V1(crm_preference);
Datum
crm_preference(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	Preferences		*all;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext before;

		rows = rows_start(fcinfo, sizeof(Preferences));
		before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);
		if (is_asked(fcinfo))
			*(Preferences *) rows->user_fctx =
				preferences(rows_copy_varlena(rows, PG_GETARG_MIX_BASE(0)),
							rows_copy_varlena(rows, PG_GETARG_MIX(1)), PG_GETARG_DATEADT(2),
							half_life_days(fcinfo, 3));
		MemoryContextSwitchTo(before);
	}
	rows = SRF_PERCALL_SETUP();
	all = rows->user_fctx;
	if (rows->call_cntr < (uint64) all->n)
	{
		Datum values[4];
		bool  nulls[4] = {false};

		set_preference(all, &all->of[rows->call_cntr], values, nulls);
		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}

/* (base, mix, as_of, half_life) -> category, preference, base_share, lift: of the category preferred most, of equals the first name. */
PG_FUNCTION_INFO_V1(crm_next_category);
Datum
crm_next_category(PG_FUNCTION_ARGS)
{
	Preferences		  all;
	const Preference *best;
	Datum			  values[4];
	bool			  nulls[4] = {false};

	if (!is_asked(fcinfo))
		PG_RETURN_NULL();
	all = preferences_asked(fcinfo);
	best = all.of;
	for (int i = 1; i < all.n; i++)
		if (preference_of(&all, &all.of[i]) > preference_of(&all, best))
			best = &all.of[i];
	set_preference(&all, best, values, nulls);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}

/*
 * (before, after): half the sum of the changes of the shares of occasions, 0 for the
 * same division of purchases and 1 for nothing in common; NULL if one has none.
 */
PG_FUNCTION_INFO_V1(crm_drift);
Datum
crm_drift(PG_FUNCTION_ARGS)
{
	const Mix		  *before = PG_GETARG_MIX(0);
	const Mix		  *after = PG_GETARG_MIX(1);
	const MixCategory *a = mix_first(before);
	const MixCategory *b = mix_first(after);
	int64			   days_before = occasions_until(before, DATEVAL_NOEND);
	int64			   days_after = occasions_until(after, DATEVAL_NOEND);
	double			   moved = 0;

	if (days_before == 0 || days_after == 0)
		PG_RETURN_NULL();
	while (a < mix_end(before) || b < mix_end(after))
	{
		int	   order = b >= mix_end(after)	  ? -1
					   : a >= mix_end(before) ? 1
											  : category_compare(category_name(a), category_name(b));
		double change = 0;

		if (order >= 0)
		{
			change += (double) category_days_until(b, DATEVAL_NOEND) / (double) days_after;
			b = category_next(b);
		}
		if (order <= 0)
		{
			change -= (double) category_days_until(a, DATEVAL_NOEND) / (double) days_before;
			a = category_next(a);
		}
		moved += fabs(change);
	}
	PG_RETURN_FLOAT8(Min(moved / 2, 1));
}

/* The amount of a category, and of all others, in a mix. */
static void
split_amount(const Mix *m, CategoryName name, int128 *of_it, int128 *others)
{
	*of_it = *others = 0;
	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
	{
		int128 amount = category_sum(at, DATEVAL_NOEND).amount;

		*(category_compare(category_name(at), name) == 0 ? of_it : others) += amount;
	}
}

/* Where the change of a category's amount came from, or went. */
enum
{
	GAIN_NEW,	 /* the customer bought nothing before */
	GAIN_MORE,	 /* he bought more of it beside the others */
	GAIN_FROM,	 /* it came from other categories */
	GAIN_LOST,	 /* he buys nothing any more */
	GAIN_LESS,	 /* he bought less of it beside the others */
	GAIN_TO,	 /* it went to other categories */
	GAIN_CHANGE, /* all of it */
	GAIN_COLUMNS
};

/* What changed of a category's amount, given that of the others, in parts that add up. */
static void
explain_change(int128 before, int128 after, int128 others_before, int128 others_after,
			   int128 *parts)
{
	int128 change = after - before;
	int128 others = others_after - others_before;
	int128 moved = 0;

	parts[GAIN_CHANGE] = change;
	if (before == 0 && others_before == 0)
		parts[GAIN_NEW] = change;
	else if (after == 0 && others_after == 0)
		parts[GAIN_LOST] = change;
	else if (change > 0)
	{
		moved = others < 0 ? Min(change, -others) : 0;
		parts[GAIN_FROM] = moved;
		parts[GAIN_MORE] = change - moved;
	}
	else
	{
		moved = others > 0 ? Max(change, -others) : 0;
		parts[GAIN_TO] = moved;
		parts[GAIN_LESS] = change - moved;
	}
}

/*
 * (before, after, category) -> new_amount, more_amount, from_others_amount,
 * lost_amount, less_amount, to_others_amount, change: of one customer, parts that
 * add up to the change; sums over customers are those of the shop.
 */
PG_FUNCTION_INFO_V1(crm_gain_loss);
Datum
crm_gain_loss(PG_FUNCTION_ARGS)
{
	const Mix	*before = PG_ARGISNULL(0) ? mix_create(0) : PG_GETARG_MIX(0);
	const Mix	*after = PG_ARGISNULL(1) ? mix_create(0) : PG_GETARG_MIX(1);
	CategoryName name;
	int128		 was;
	int128		 is;
	int128		 others_were;
	int128		 others_are;
	int128		 parts[GAIN_COLUMNS] = {0};
	Datum		 values[GAIN_COLUMNS];
	bool		 nulls[GAIN_COLUMNS] = {false};

	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();
	name = category_of(PG_GETARG_TEXT_PP(2));
	split_amount(before, name, &was, &others_were);
	split_amount(after, name, &is, &others_are);
	explain_change(was, is, others_were, others_are, parts);
	for (int i = 0; i < GAIN_COLUMNS; i++)
		values[i] = NumericGetDatum(amount_to_numeric(parts[i]));
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
