/*
 * mix.c: the value of the type mix: how categories are written, sorted and added.
 */
#include "crm.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "base/growth.h"
#include "mix/mix.h"

/* States that have grown to this many bytes are settled before they are doubled: most repeat themselves. */
#define SETTLE_FROM 65536

/* A category has a name, and not too long a one. */
void
CheckCategory(CategoryName name)
{
	if (unlikely(name.len == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("category cannot be empty")));
	if (unlikely(name.len > CATEGORY_SIZE))
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
						errmsg("category \"%.*s...\" is too long",
							   pg_mbcliplen(name.at, name.len, 32), name.at),
						errdetail("It may have %d bytes.", CATEGORY_SIZE)));
}

/* What a state holds was not counted by the aggregate that is asked. */
void
mix_state_of_another(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("this mix_state is of another aggregate")));
	pg_unreachable();
}

static inline void
CheckMixBytes(Size bytes)
{
	if (bytes > MIX_MAX_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("mix cannot hold %zu bytes of purchases", bytes)));
}

/* An empty mix with room for bytes of categories, which VARSIZE counts. */
Mix *
mix_create(Size room)
{
	Mix *m;

	CheckMixBytes(room);
	m = palloc(MIX_SIZE(room));
	memset(m, 0, offsetof(Mix, categories));
	SET_VARSIZE(m, MIX_SIZE(room));
	m->version = MIX_VERSION;
	return m;
}

/*
 * The state with room for so many bytes more: itself, or one of twice the size. A
 * large one is settled first, so that it stays within twice what it would be as a
 * value.
 */
static Mix *
with_room(Mix *state, Size bytes)
{
	if (state_has_room(state, MIX_SIZE(state->used), bytes))
		return state;
	if (state->used >= SETTLE_FROM)
		state = mix_settle(state);
	CheckMixBytes((Size) state->used + bytes);
	return state_grown(state, MIX_SIZE(state->used), bytes, MIX_SIZE(MIX_MAX_BYTES));
}

/* A state with days of a category more. */
Mix *
mix_append(Mix *state, CategoryName name, const PurchaseDay *days, int ndays)
{
	Size		 head = CATEGORY_HEAD(name.len);
	Size		 size = head + (Size) ndays * sizeof(PurchaseDay);
	MixCategory *category;

	state = with_room(state, size);
	category = (MixCategory *) (state->categories + state->used);
	memset(category, 0, head);
	category->ndays = ndays;
	category->len = (uint16) name.len;
	memcpy(category->name, name.at, name.len);
	memcpy((char *) category + head, days, (Size) ndays * sizeof(PurchaseDay));
	state->used += (int32) size;
	state->ncategories++;
	return state;
}

/* A state with all of another mix or state. */
Mix *
mix_append_all(Mix *state, const Mix *other)
{
	state = with_room(state, other->used);
	memcpy(state->categories + state->used, other->categories, other->used);
	state->used += other->used;
	state->ncategories += other->ncategories;
	return state;
}

/* One day of a category, wherever it stands in a state. */
typedef struct MixItem
{
	const MixCategory *category;
	const PurchaseDay *at;
} MixItem;

static inline bool
same_category(const MixCategory *a, const MixCategory *b)
{
	return a == b || (a->len == b->len && memcmp(a->name, b->name, a->len) == 0);
}

static int
compare_items(const void *a, const void *b)
{
	const MixItem *x = a;
	const MixItem *y = b;
	int			   order = x->category == y->category
							   ? 0
							   : category_compare(category_name(x->category), category_name(y->category));

	return order != 0 ? order : CRM_COMPARE(x->at->day, y->at->day);
}

/* All days of a state, by category and day. */
static MixItem *
sorted_items(const Mix *state, int *n)
{
	Size	 count = 0;
	bool	 sorted = true;
	MixItem *items;
	MixItem *item;

	for (const MixCategory *at = mix_first(state); at < mix_end(state); at = category_next(at))
		count += at->ndays;
	items = MemoryContextAllocHuge(CurrentMemoryContext, Max(count, 1) * sizeof(MixItem));
	item = items;
	for (const MixCategory *at = mix_first(state); at < mix_end(state); at = category_next(at))
		for (int i = 0; i < at->ndays; i++)
		{
			*item = (MixItem){at, category_days(at) + i};
			sorted = sorted && (item == items || compare_items(item - 1, item) <= 0);
			item++;
		}
	if (!sorted)
		qsort(items, count, sizeof(MixItem), compare_items);
	*n = (int) count;
	return items;
}

/* The sum of what a category has on one day, moving on to the next. */
static PurchaseDay
sum_of_day(const MixItem **item, const MixItem *end)
{
	const MixCategory *category = (*item)->category;
	PurchaseDay		   sum = *(*item)->at;
	int64			   orders = sum.orders;

	while (++*item < end && (*item)->at->day == sum.day &&
		   same_category((*item)->category, category))
	{
		orders += (*item)->at->orders;
		sum.amount = AmountAdd(sum.amount, (*item)->at->amount);
	}
	CheckOrders(orders);
	sum.orders = (int32) orders;
	return sum;
}

/* Write a category with its days behind the last of a mix with room; nothing if none is left. */
static void
write_category(Mix *m, const MixItem **item, const MixItem *end)
{
	const MixCategory *from = (*item)->category;
	MixCategory		  *category = (MixCategory *) (m->categories + m->used);
	PurchaseDay		  *days = (PurchaseDay *) ((char *) category + CATEGORY_HEAD(from->len));
	int				   n = 0;

	memcpy(category, from, CATEGORY_HEAD(from->len));
	while (*item < end && same_category((*item)->category, from))
	{
		PurchaseDay day = sum_of_day(item, end);

		CHECK_FOR_INTERRUPTS();
		if (day.orders != 0 || day.amount != 0)
			days[n++] = day;
	}
	if (n == 0)
		return;
	category->ndays = n;
	m->ncategories++;
	m->used += (int32) (CATEGORY_HEAD(from->len) + n * sizeof(PurchaseDay));
}

/* The mix that a state holds, a value of its own: sums do not ask for an order. */
Mix *
mix_settle(const Mix *state)
{
	Mix			  *m = mix_create(state->used);
	int			   n;
	const MixItem *items = sorted_items(state, &n);

	for (const MixItem *item = items; item < items + n;)
		write_category(m, &item, items + n);
	SET_VARSIZE(m, MIX_SIZE(m->used));
	pfree((void *) items);
	return m;
}
