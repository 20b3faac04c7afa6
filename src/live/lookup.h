/*
 * lookup.h: a joined view's tables while they are read: for lookup.c and hold.c.
 */
#ifndef CRM_LIVE_LOOKUP_H
#define CRM_LIVE_LOOKUP_H

#include "crm.h"

#include "live/join.h"

/* A row that was looked up before. */
typedef struct Memo
{
	struct Memo *next;
	Datum		*keys;
	bool		 found;
	Datum		*values;
	bool		*nulls;
} Memo;

#define KEY_PARTS 128 /* of a table's keys, each held by one lock */

static inline int
key_part(uint32 hash)
{
	return hash % KEY_PARTS;
}

/* A key that is to be held. */
typedef struct KeyToHold
{
	int	   part; /* 0 where rows are locked, not keys */
	Datum *values;
} KeyToHold;

/* Keys that are to be held: by part, or where rows are locked in the order of the index. */
typedef struct KeysToHold
{
	const JoinKeys *keys;
	KeyToHold	   *rows;
	int				n;
	int				capacity;
} KeysToHold;

/* A looked-up table, open. */
typedef struct Lookup
{
	Relation		rel;
	Relation		index;
	IndexScanDesc	scan; /* NULL until it is used with the snapshot */
	ScanKeyData		by_given[INDEX_MAX_KEYS];
	TupleTableSlot *row;
	ExprState	  **keys;
	ExprState	   *conditions;
	ChangedRows	   *changed; /* NULL if nothing is */
	bool			gone;	 /* truncated: empty from here on */
	bool			held;	 /* rows that are looked up are to be held */
	KeysToHold		to_hold;
	bool			parts_held[KEY_PARTS]; /* since this reader asked for them */
	HTAB		   *memo;
	int				nmemo;
} Lookup;

struct JoinReader
{
	const JoinPlan *plan;
	PurchaseReader *purchases;
	Lookup		   *lookups; /* by number of the table; the driving table has only rel */
	ExprContext	   *expressions;
	ExprState	   *conditions; /* of a view that groups */
	TupleTableSlot *row;		/* the joined row */
	Snapshot		snapshot;
	MemoryContext	home;
	MemoryContext	memo;
	bool			touched; /* the last row looked up a changed one */
};

/* ---- hold.c: one row, held against other sessions ---- */

extern bool lookup_find(JoinReader *reader, int number, const Datum *given);
extern bool lookup_hold_key(JoinReader *reader, int number, const Datum *given);
extern bool lookup_find_and_hold(JoinReader *reader, int number, const Datum *given);
extern void lookup_announce_keys(Lookup *lookup, const bool *parts);

#endif /* CRM_LIVE_LOOKUP_H */
