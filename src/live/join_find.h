/*
 * join_find.h: the tables of a query in the order in which they are looked up.
 */
#ifndef CRM_LIVE_JOIN_FIND_H
#define CRM_LIVE_JOIN_FIND_H

#include "crm.h"

#include "live/not_live.h"
#include "nodes/bitmapset.h"

/* A condition "column of a unique key = expression over other tables". */
typedef struct KeyCondition
{
	Node *condition;
	Node *expression;
	Oid	  operator; /* column on its left */
	Oid	  collation;
} KeyCondition;

/* A table of the query. */
typedef struct FoundTable
{
	int	  varno;
	Oid	  relid;
	bool  outer;	  /* the nullable side of a left join */
	List *conditions; /* of the left join */
	bool  known;	  /* can be looked up, or is the driving table */

	/* how it is looked up */
	Oid			  index;
	int			  nkeys;
	KeyCondition *keys;
} FoundTable;

typedef struct FoundJoin
{
	Query *query;	   /* a copy, without names of joins */
	List  *tables;	   /* FoundTable *, as the query names them */
	List  *conditions; /* of WHERE and the inner joins */
	List  *order;	   /* FoundTable *, the driving table first */

	/* of a view that groups */
	FoundTable *header; /* by whose key, or NULL */
	List	   *sums;	/* its aggregates, as Aggref *, each once */
} FoundJoin;

extern bool		  join_find(Query *query, List **tables, NotLive *why);
extern bool		  join_find_tables(Query *query, FoundJoin *join, NotLive *why);
extern Bitmapset *tables_used(Node *expression);
extern Node		 *without_relabel(Node *node);
extern Bitmapset *tables_determined_by(const FoundJoin *join, const FoundTable *table);
extern bool		  group_can_be_followed(FoundJoin *join, NotLive *why);
extern Node		 *without_join_names(Query *query, Node *node);

#endif /* CRM_LIVE_JOIN_FIND_H */
