/*
 * distribution.c: the column of a view that shows by which the rows of a distributed
 * table of Citus are distributed, whatever views, queries and joins stand between them.
 */
#include "crm.h"

#include "access/relation.h"
#include "base/rows.h"
#include "catalog/pg_class.h"
#include "live/join_find.h"
#include "live/not_live.h"
#include "live/shards.h"
#include "miscadmin.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* What a query shows of a distributed table. */
typedef struct Distribution
{
	Oid	  table;	 /* of Citus that it reads, a distributed one if there is any; or InvalidOid */
	int	  column;	 /* by which that is distributed; 0 if by none */
	List *positions; /* of the columns of the query that hold such a column of a table */
} Distribution;

static Distribution query_distribution(Query *query, Oid view);

/* A query that stands in another one, or behind a view that it reads. */
static Distribution
entry_distribution(Query *query, RangeTblEntry *rte, Oid view)
{
	Distribution found = {InvalidOid, InvalidAttrNumber, NIL};

	if (rte->rtekind == RTE_SUBQUERY)
		return query_distribution(rte->subquery, view);
	if (rte->rtekind == RTE_CTE && rte->ctelevelsup == 0)
	{
		ListCell *lc;

		foreach (lc, query->cteList)
		{
			CommonTableExpr *cte = lfirst(lc);

			if (!cte->cterecursive && strcmp(cte->ctename, rte->ctename) == 0)
				return query_distribution((Query *) cte->ctequery, view);
		}
	}
	if (rte->rtekind != RTE_RELATION || rte->relid == view)
		return found;
	if (get_rel_relkind(rte->relid) == RELKIND_VIEW)
	{
		Relation rel = relation_open(rte->relid, AccessShareLock);

		found = query_distribution(get_view_query(rel), rte->relid);
		relation_close(rel, NoLock);
		return found;
	}
	if (citus_table(rte->relid) == NULL)
		return found;
	found.table = rte->relid;
	found.column = citus_distribution_column(rte->relid);
	if (found.column != InvalidAttrNumber)
		found.positions = list_make1_int(found.column);
	return found;
}

/* The column of a table of a query that an expression is, and nothing more; NULL if it is none. */
static Var *
plain_column(Query *query, Node *expression)
{
	Node *node = without_join_names(query, expression);

	return IsA(node, Var) && ((Var *) node)->varlevelsup == 0 ? (Var *) node : NULL;
}

static List *
positions_of_query(Query *query, List *entries)
{
	List	 *positions = NIL;
	ListCell *lc;

	foreach (lc, query->targetList)
	{
		TargetEntry	 *entry = lfirst(lc);
		Var			 *column = plain_column(query, (Node *) entry->expr);
		Distribution *of = column ? list_nth(entries, (int) column->varno - 1) : NULL;

		if (!entry->resjunk && of && list_member_int(of->positions, column->varattno))
			positions = lappend_int(positions, entry->resno);
	}
	return positions;
}

/* Of queries that are put together, a column has to be one in all of them. */
static List *
positions_in_all(Query *query, List *entries)
{
	List	 *positions = NIL;
	bool	  first = true;
	ListCell *lc;

	foreach (lc, query->rtable)
	{
		Distribution *of = list_nth(entries, foreach_current_index(lc));

		if (((RangeTblEntry *) lfirst(lc))->rtekind != RTE_SUBQUERY)
			continue;
		positions = first ? of->positions : list_intersection_int(positions, of->positions);
		first = false;
	}
	return positions;
}

/* What a query shows of the tables of Citus that it reads; view is the view that it stands behind. */
static Distribution
query_distribution(Query *query, Oid view)
{
	Distribution found = {InvalidOid, InvalidAttrNumber, NIL};
	List		*entries = NIL;
	ListCell	*lc;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	foreach (lc, query->rtable)
	{
		Distribution *of = palloc(sizeof(Distribution));

		*of = entry_distribution(query, lfirst(lc), view);
		entries = lappend(entries, of);
		if (OidIsValid(of->table) && found.column == InvalidAttrNumber)
		{
			found.table = of->table;
			found.column = of->column;
		}
	}
	found.positions = query->setOperations ? positions_in_all(query, entries)
										   : positions_of_query(query, entries);
	return found;
}

/*
 * (view regclass) -> (source regclass, distributed_by name, key name): a table of
 * Citus that a view reads, a distributed one if there is any, the column by which it is
 * distributed, and the column of the view that shows such a column; NULL where there is none.
 */
PG_FUNCTION_INFO_V1(crm_distribution);
Datum
crm_distribution(PG_FUNCTION_ARGS)
{
	Oid			 relid = PG_GETARG_OID(0);
	Relation	 view = relation_open(relid, AccessShareLock);
	Distribution found;
	Datum		 values[3] = {0};
	bool		 nulls[3] = {true, true, true};

	CheckIsView(view);
	found = query_distribution(get_view_query(view), relid);
	if (OidIsValid(found.table))
	{
		values[0] = ObjectIdGetDatum(found.table);
		nulls[0] = false;
	}
	if (found.column != InvalidAttrNumber)
	{
		values[1] = DirectFunctionCall1(
			namein, CStringGetDatum(get_attname(found.table, found.column, false)));
		nulls[1] = false;
	}
	if (found.positions != NIL)
	{
		Form_pg_attribute shown =
			TupleDescAttr(RelationGetDescr(view), linitial_int(found.positions) - 1);

		values[2] = NameGetDatum(&shown->attname);
		nulls[2] = false;
	}
	relation_close(view, NoLock);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
