/*
 * mix_add.c: mixes added to each other and taken from each other, and what one
 * holds of another. Both are values, sorted, so one walk along them does it.
 */
#include "crm.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "mix/mix.h"
#include "utils/builtins.h"

/* Write the days of both, those of b with a sign; returns how many are left. */
static int
add_days(PurchaseDay *days, const MixCategory *a, const MixCategory *b, int sign)
{
	const PurchaseDay *x = a ? category_days(a) : NULL;
	const PurchaseDay *y = b ? category_days(b) : NULL;
	const PurchaseDay *x_end = a ? x + a->ndays : NULL;
	const PurchaseDay *y_end = b ? y + b->ndays : NULL;
	int				   n = 0;

	while (x < x_end || y < y_end)
	{
		PurchaseDay day = {0};

		if (y == y_end || (x < x_end && x->day <= y->day))
			day = *x++;
		else
			day.day = y->day;
		if (y < y_end && y->day == day.day)
		{
			CheckOrders((int64) day.orders + sign * (int64) y->orders);
			day.orders += sign * y->orders;
			day.amount = AmountAdd(day.amount, sign * y->amount);
			y++;
		}
		if (day.orders != 0 || day.amount != 0)
			days[n++] = day;
	}
	return n;
}

/* Write a category of either or both behind the last of a mix with room; nothing if no day is left. */
static void
add_category(Mix *m, const MixCategory *a, const MixCategory *b, int sign)
{
	const MixCategory *from = a ? a : b;
	MixCategory		  *category = (MixCategory *) (m->categories + m->used);
	Size			   head = CATEGORY_HEAD(from->len);

	memcpy(category, from, head);
	category->ndays = add_days((PurchaseDay *) ((char *) category + head), a, b, sign);
	if (category->ndays == 0)
		return;
	m->ncategories++;
	m->used += (int32) (head + (Size) category->ndays * sizeof(PurchaseDay));
}

static Mix *
add(const Mix *a, const Mix *b, int sign)
{
	Mix				  *m = mix_create((Size) a->used + b->used);
	const MixCategory *x = mix_first(a);
	const MixCategory *y = mix_first(b);

	while (x < mix_end(a) || y < mix_end(b))
	{
		int order = x == mix_end(a)	  ? 1
					: y == mix_end(b) ? -1
									  : category_compare(category_name(x), category_name(y));

		CHECK_FOR_INTERRUPTS();
		add_category(m, order <= 0 ? x : NULL, order >= 0 ? y : NULL, sign);
		x = order <= 0 ? category_next(x) : x;
		y = order >= 0 ? category_next(y) : y;
	}
	SET_VARSIZE(m, MIX_SIZE(m->used));
	return m;
}

/* What either holds. */
Mix *
mix_plus(const Mix *a, const Mix *b)
{
	return add(a, b, 1);
}

/* a without what b holds; an error if a day has fewer purchases than are taken from it. */
Mix *
mix_minus(const Mix *a, const Mix *b)
{
	return add(a, b, -1);
}

/* What a mix has of a category on a day; NULL for nothing. */
const PurchaseDay *
mix_day(const Mix *m, CategoryName name, DateADT day)
{
	for (const MixCategory *at = mix_first(m); at < mix_end(m); at = category_next(at))
	{
		const PurchaseDay *days = category_days(at);

		if (category_compare(category_name(at), name) != 0)
			continue;
		for (int i = 0; i < at->ndays && days[i].day <= day; i++)
			if (days[i].day == day)
				return &days[i];
		return NULL;
	}
	return NULL;
}

/* How many purchases of a category a day has. */
int
mix_orders_on(const Mix *m, CategoryName name, DateADT day)
{
	const PurchaseDay *there = mix_day(m, name, day);

	return there ? there->orders : 0;
}

/* Whether a category, NULL for one that was never bought, has all purchases of another. */
static bool
category_holds(const MixCategory *category, const MixCategory *other)
{
	const PurchaseDay *at = category ? category_days(category) : NULL;
	const PurchaseDay *end = category ? at + category->ndays : NULL;

	for (int i = 0; i < other->ndays; i++)
	{
		const PurchaseDay *day = category_days(other) + i;

		while (at < end && at->day < day->day)
			at++;
		if (day->orders > (at < end && at->day == day->day ? at->orders : 0))
			return false;
	}
	return true;
}

/* Whether a mix has all purchases of another: one walk along both, which may have very many categories. */
bool
mix_holds(const Mix *m, const Mix *other)
{
	const MixCategory *at = mix_first(m);

	for (const MixCategory *of = mix_first(other); of < mix_end(other); of = category_next(of))
	{
		int order = 1;

		CHECK_FOR_INTERRUPTS();
		while (at < mix_end(m) &&
			   (order = category_compare(category_name(at), category_name(of))) < 0)
			at = category_next(at);
		if (!category_holds(at < mix_end(m) && order == 0 ? at : NULL, of))
			return false;
	}
	return true;
}

/* A text as the name of a category: NULL if it is empty, and no longer than a name may be. */
text *
mix_category_of(text *name)
{
	CategoryName given = category_of(name);

	if (given.len == 0)
		return NULL;
	if (likely(given.len <= CATEGORY_SIZE))
		return name;
	return cstring_to_text_with_len(given.at, pg_mbcliplen(given.at, given.len, CATEGORY_SIZE));
}

/* (name text) -> text: the category that a tracking counts a row with such a name to, NULL for none. */
PG_FUNCTION_INFO_V1(crm_mix_category);
Datum
crm_mix_category(PG_FUNCTION_ARGS)
{
	text *name = mix_category_of(PG_GETARG_TEXT_PP(0));

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(name);
}
