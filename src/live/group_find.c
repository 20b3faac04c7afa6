/*
 * group_find.c: whether the groups of a view that joins and groups are
 * those of one table's rows, its headers: each header with its lines is one
 * purchase then, which is summed anew when any of them changes.
 */
#include "crm.h"

#include "live/join_find.h"

#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

/* What a header's row is not: aggregates, and tables that are used outside of them. */
typedef struct Outside
{
	FoundJoin *join;
	Bitmapset *tables;
} Outside;

/* Collect the aggregates of an expression, and the tables that it uses outside of them. */
static bool
find_outside(Node *node, void *context)
{
	Outside *outside = context;

	if (node == NULL)
		return false;
	if (IsA(node, Aggref))
	{
		outside->join->sums = list_append_unique(outside->join->sums, node);
		return false;
	}
	if (IsA(node, Var))
		outside->tables = bms_add_member(outside->tables, ((Var *) node)->varno);
	return expression_tree_walker(node, find_outside, context);
}

/* ---- what groups ---- */

/* Whether a table's rows are known by plain columns of the driving table, of the types of its key. */
static bool
can_be_header(const FoundJoin *join, const FoundTable *table)
{
	int driving = ((FoundTable *) linitial(join->order))->varno;

	for (int i = 0; i < table->nkeys; i++)
	{
		Var *var = (Var *) without_relabel(table->keys[i].expression);
		Oid	 left;
		Oid	 right;

		op_input_types(table->keys[i].operator, & left, &right);
		if (!IsA(var, Var) || (int) var->varno != driving || left != right)
			return false;
	}
	return table->nkeys > 0 && !table->outer;
}

/* Whether the view groups by a key of a table, on either side of the join. */
static bool
groups_by_key(const FoundTable *table, const List *groups)
{
	for (int i = 0; i < table->nkeys; i++)
	{
		List	 *sides = ((OpExpr *) table->keys[i].condition)->args;
		ListCell *lc;
		bool	  found = false;

		foreach (lc, groups)
			found = found || equal(without_relabel(lfirst(lc)), without_relabel(linitial(sides))) ||
					equal(without_relabel(lfirst(lc)), without_relabel(lsecond(sides)));
		if (!found)
			return false;
	}
	return true;
}

/* Whether an expression is one side of what a header is joined by. */
static bool
is_key_of(const FoundTable *header, const Node *expression)
{
	for (int i = 0; i < header->nkeys; i++)
		if (equal(expression, header->keys[i].expression))
			return true;
	return false;
}

/* Whether all that the view groups by follows from the row of a header. */
static bool
groups_are_determined(const FoundJoin *join, const FoundTable *header, const List *groups)
{
	Bitmapset *known = tables_determined_by(join, header);
	ListCell  *lc;

	foreach (lc, groups)
		if (!bms_is_subset(tables_used(lfirst(lc)), known) && !is_key_of(header, lfirst(lc)))
			return false;
	return true;
}

static FoundTable *
find_header(const FoundJoin *join)
{
	List	 *groups = get_sortgrouplist_exprs(join->query->groupClause, join->query->targetList);
	ListCell *lc;

	foreach (lc, join->order)
	{
		FoundTable *table = lfirst(lc);

		if (can_be_header(join, table) && groups_by_key(table, groups) &&
			groups_are_determined(join, table, groups))
			return table;
	}
	return NULL;
}

/* ---- what is summed ---- */

static bool
is_exact(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == NUMERICOID;
}

/* Whether an aggregate is a sum of exact numbers or a count: what came can be taken away again. */
static bool
sum_can_be_followed(const Aggref *sum, NotLive *why)
{
	const char *name = get_func_name(sum->aggfnoid);
	Oid type = list_length(sum->aggargtypes) == 1 ? linitial_oid(sum->aggargtypes) : InvalidOid;

	if (get_func_namespace(sum->aggfnoid) != PG_CATALOG_NAMESPACE ||
		(strcmp(name, "sum") != 0 && strcmp(name, "count") != 0) || sum->aggdistinct ||
		sum->aggorder)
		return not_live(why,
						psprintf("it groups rows by aggregate %s", format_procedure(sum->aggfnoid)),
						"Only sum and count without DISTINCT and ORDER BY are kept by triggers.");
	if (strcmp(name, "sum") == 0 && !is_exact(type))
		return not_live(why,
						psprintf("it adds up values of type %s, whose sum depends on the order "
								 "of the rows",
								 format_type_be(type)),
						"Make each an exact number: sum(round((...)::numeric, 4)).");
	return true;
}

/* Whether all tables but the driving one are the header, or follow from its row. */
static bool
lines_look_up_nothing_else(const FoundJoin *join, NotLive *why)
{
	Bitmapset *known = tables_determined_by(join, join->header);
	ListCell  *lc;

	foreach (lc, join->order)
	{
		FoundTable *table = lfirst(lc);

		if (table->nkeys > 0 && !bms_is_member(table->varno, known))
			return not_live(
				why,
				psprintf("it groups rows, and looks up a row of table \"%s\" for each of them",
						 get_rel_name(table->relid)),
				"Leave the grouping away, or that table: the purchases of a customer's day are "
				"added up anyway.");
	}
	return true;
}

/* Whether a view groups by the key of one table that is looked up, if it groups at all. */
bool
group_can_be_followed(FoundJoin *join, NotLive *why)
{
	Query	 *query = join->query;
	Outside	  outside = {join, NULL};
	ListCell *lc;

	if (!query->hasAggs && !query->groupClause && !query->havingQual)
		return true;
	join->header = find_header(join);
	if (join->header == NULL)
		return not_live(
			why, "it groups rows by other columns than the key of one table that it looks up",
			"GROUP BY the primary key of the header, or leave the grouping away: the purchases of "
			"a customer's day are added up anyway.");
	if (!lines_look_up_nothing_else(join, why))
		return false;
	foreach (lc, query->targetList)
		if (!((TargetEntry *) lfirst(lc))->resjunk)
			(void) find_outside((Node *) ((TargetEntry *) lfirst(lc))->expr, &outside);
	(void) find_outside(query->havingQual, &outside);
	if (!bms_is_subset(outside.tables, tables_determined_by(join, join->header)))
		return not_live(why,
						psprintf("a column beside its sums is not one of table \"%s\"",
								 get_rel_name(join->header->relid)),
						"Take the customer and the day from the header.");
	foreach (lc, join->sums)
		if (!sum_can_be_followed(lfirst(lc), why))
			return false;
	return true;
}
