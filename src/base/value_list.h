/*
 * value_list.h: the state of aggregates that need all their values, in order, at the
 * end: what is equal is counted, or every pair of numbers is kept.
 *
 * The first nsorted entries are in order and distinct, the others as they came. In
 * order, an entry is a function of the values alone, however they were split.
 */
#ifndef CRM_VALUE_LIST_H
#define CRM_VALUE_LIST_H

#include "crm.h"

#include "base/growth.h"

#define VALUE_LIST_VERSION 1

typedef enum ValueListKind
{
	LIST_AMOUNTS, /* money in 1/10000, with how often */
	LIST_NUMBERS, /* float8, with how often */
	LIST_PAIRS	  /* two float8 */
} ValueListKind;

#define LIST_KINDS 3
#define LIST_PAIR_MAX \
	1e100 /* of the numbers of a pair: their squares still add up to a finite one */

typedef struct ListEntry
{
	union
	{
		int64  amount;
		double number;
	} value;
	union
	{
		int64  count; /* above 0 */
		double number;
	} with;
} ListEntry;

typedef struct ValueList
{
	int32	  vl_len_; /* varlena header, do not touch; room to grow is within it */
	uint8	  version; /* VALUE_LIST_VERSION */
	uint8	  kind;	   /* ValueListKind */
	uint16	  flags;   /* reserved, zero */
	int32	  n;
	int32	  nsorted;
	double	  share; /* an option of the aggregate, the same for all rows; 0: none given yet */
	ListEntry entries[FLEXIBLE_ARRAY_MEMBER];
} ValueList;

#define VALUE_LIST_SIZE(n) (offsetof(ValueList, entries) + (Size) (n) * sizeof(ListEntry))

/* As many as fit into a value of PostgreSQL: 67 million. */
#define VALUE_LIST_MAX ((int32) ((MaxAllocSize - offsetof(ValueList, entries)) / sizeof(ListEntry)))

extern ValueList *value_list_create(MemoryContext memory, ValueListKind kind, int room);
extern ValueList *value_list_grow(MemoryContext memory, ValueList *list);
extern void		  value_list_sort(ValueList *list);
extern ValueList *value_list_argument(FunctionCallInfo fcinfo, ValueListKind kind);
extern int64	  value_list_count(const ValueList *list);

/* One more entry; the list may move, into the given memory. */
static inline ValueList *
value_list_add(MemoryContext memory, ValueList *list, ListEntry entry)
{
	if (!state_has_room(list, VALUE_LIST_SIZE(list->n), sizeof(ListEntry)))
		list = value_list_grow(memory, list);
	list->entries[list->n++] = entry;
	return list;
}

#endif /* CRM_VALUE_LIST_H */
