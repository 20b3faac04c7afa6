/*
 * mix.h: what one customer bought of each category, day by day.
 *
 * A category is a head, its name filled up with zeros to a multiple of 8 bytes,
 * and its days. Categories are sorted by the bytes of their names, each once; the
 * days of one as in a purchase_history: sorted, distinct, orders never negative,
 * none all zero. So equal mixes are equal bytes.
 *
 * flags must be zero: receive rejects anything else. mix_state, the state of the
 * aggregates, has the same layout, but its categories and days stand as they
 * came, and VARSIZE counts room for more. The aggregates over mixes count in such
 * a state too, each as its file says.
 */
#ifndef CRM_MIX_H
#define CRM_MIX_H

#include "crm.h"

#include "base/value.h"
#include "history/purchase_history.h"

#define MIX_VERSION 1
#define CATEGORY_SIZE 255
/* What a name in a state may have: of two categories. */
#define STATE_NAME_SIZE (2 * CATEGORY_SIZE)

typedef struct MixCategory
{
	int32  ndays;
	uint16 len;		 /* bytes of the name */
	uint16 reserved; /* zero */
	char   name[FLEXIBLE_ARRAY_MEMBER];
} MixCategory;

typedef struct Mix
{
	int32  vl_len_; /* varlena header, do not touch */
	uint16 version; /* MIX_VERSION */
	uint16 flags;	/* reserved, zero */
	int32  ncategories;
	int32  used; /* bytes of the categories */
	char   categories[FLEXIBLE_ARRAY_MEMBER];
} Mix;

#define MIX_SIZE(bytes) (offsetof(Mix, categories) + (Size) (bytes))
#define MIX_MAX_BYTES (MaxAllocSize - offsetof(Mix, categories))
#define CATEGORY_HEAD(len) TYPEALIGN(8, offsetof(MixCategory, name) + (Size) (len))

#define PG_GETARG_MIX(n) ((Mix *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))
#define PG_RETURN_MIX(m) PG_RETURN_POINTER(m)

/* The name of a category, which need not end with a zero. */
typedef struct CategoryName
{
	const char *at;
	int			len;
} CategoryName;

extern Mix *mix_create(Size room);
extern Mix *mix_append(Mix *state, CategoryName name, const PurchaseDay *days, int ndays);
extern Mix *mix_append_all(Mix *state, const Mix *other);
extern Mix *mix_settle(const Mix *state);
extern Mix *mix_plus(const Mix *a, const Mix *b);
extern Mix *mix_minus(const Mix *a, const Mix *b);
extern const PurchaseDay *mix_day(const Mix *m, CategoryName name, DateADT day);
extern int				  mix_orders_on(const Mix *m, CategoryName name, DateADT day);
extern bool				  mix_holds(const Mix *m, const Mix *other);
extern text				 *mix_category_of(text *name);
extern void				  CheckCategory(CategoryName name);
pg_noreturn extern void	  mix_state_of_another(void);

static inline const MixCategory *
mix_first(const Mix *m)
{
	return (const MixCategory *) m->categories;
}

static inline const MixCategory *
mix_end(const Mix *m)
{
	return (const MixCategory *) (m->categories + m->used);
}

static inline const PurchaseDay *
category_days(const MixCategory *category)
{
	return (const PurchaseDay *) ((const char *) category + CATEGORY_HEAD(category->len));
}

static inline const MixCategory *
category_next(const MixCategory *category)
{
	return (const MixCategory *) (category_days(category) + category->ndays);
}

static inline CategoryName
category_name(const MixCategory *category)
{
	return (CategoryName){category->name, category->len};
}

static inline int
category_compare(CategoryName a, CategoryName b)
{
	int order = memcmp(a.at, b.at, Min(a.len, b.len));

	return order != 0 ? order : CRM_COMPARE(a.len, b.len);
}

static inline CategoryName
category_of(const text *t)
{
	return (CategoryName){VARDATA_ANY(t), (int) VARSIZE_ANY_EXHDR(t)};
}

static inline CategoryName
category_of_string(const char *string)
{
	return (CategoryName){string, (int) strlen(string)};
}

/* On how many days until a day a category was bought. */
static inline int64
category_days_until(const MixCategory *category, DateADT until)
{
	const PurchaseDay *days = category_days(category);
	int64			   bought = 0;

	for (int i = 0; i < category->ndays && days[i].day <= until; i++)
		bought += days[i].orders > 0;
	return bought;
}

#endif /* CRM_MIX_H */
