/*
 * mix_base.h: how the customers of a shop divide what they buy among its
 * categories: a Dirichlet distribution, fitted from all of them.
 *
 * Of each category a head and its name, filled up with zeros to a multiple of 8
 * bytes; sorted by name, each once. flags must be zero: receive rejects anything
 * else.
 */
#ifndef CRM_MIX_BASE_H
#define CRM_MIX_BASE_H

#include "crm.h"

#include "mix/mix.h"
#include "models/dirichlet.h"

#define MIX_BASE_VERSION 1
#define CONCENTRATION_LARGEST 1e100 /* and its inverse the least: quotients of two are finite */

typedef struct BaseCategory
{
	double concentration; /* 1e-100 to 1e100 */
	uint16 len;			  /* bytes of the name */
	uint16 reserved[3];	  /* zero */
	char   name[FLEXIBLE_ARRAY_MEMBER];
} BaseCategory;

typedef struct MixBase
{
	int32  vl_len_;		/* varlena header, do not touch */
	uint16 version;		/* MIX_BASE_VERSION */
	uint8  verdict;		/* DirichletVerdict */
	uint8  flags;		/* reserved, zero */
	int32  ncategories; /* 1 or more */
	int32  used;		/* bytes of the categories */
	int64  customers;	/* that it was fitted from, 1 or more */
	double total;		/* of the concentrations */
	char   categories[FLEXIBLE_ARRAY_MEMBER];
} MixBase;

#define MIX_BASE_SIZE(bytes) (offsetof(MixBase, categories) + (Size) (bytes))
#define BASE_CATEGORY_SIZE(len) TYPEALIGN(8, offsetof(BaseCategory, name) + (Size) (len))

#define PG_GETARG_MIX_BASE(n) ((MixBase *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))
#define PG_RETURN_MIX_BASE(b) PG_RETURN_POINTER(b)

extern MixBase *mix_base_make(DirichletVerdict verdict, int64 customers, int n,
							  const CategoryName *names, const double *concentrations);

static inline const BaseCategory *
base_first(const MixBase *base)
{
	return (const BaseCategory *) base->categories;
}

static inline const BaseCategory *
base_end(const MixBase *base)
{
	return (const BaseCategory *) (base->categories + base->used);
}

static inline const BaseCategory *
base_next(const BaseCategory *category)
{
	return (const BaseCategory *) ((const char *) category + BASE_CATEGORY_SIZE(category->len));
}

static inline CategoryName
base_name(const BaseCategory *category)
{
	return (CategoryName){category->name, category->len};
}

#endif /* CRM_MIX_BASE_H */
