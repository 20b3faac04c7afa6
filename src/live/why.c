/*
 * why.c: the tables whose triggers can keep a purchases view, or why they
 * cannot and what to change.
 */
#include "crm.h"

#include "live/why.h"

#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "live/shards.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"

/* Whether an expression uses more of its row than plain columns. */
static bool
uses_system_columns(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno <= 0;
	return expression_tree_walker(node, uses_system_columns, context);
}

/* A table of a query, by its number there. */
typedef struct TableOf
{
	int varno;
	Oid relid;
} TableOf;

static bool
find_virtual(Node *node, void *context)
{
	if (node == NULL)
		return false;
#if PG_VERSION_NUM >= 180000
	if (IsA(node, Var) && ((Var *) node)->varno == ((TableOf *) context)->varno)
		return get_attgenerated(((TableOf *) context)->relid, ((Var *) node)->varattno) ==
			   ATTRIBUTE_GENERATED_VIRTUAL;
#endif
	return expression_tree_walker(node, find_virtual, context);
}

/* Whether an expression reads a column of a table that PostgreSQL computes only when it is read. */
static bool
uses_virtual_columns(Node *expression, int varno, Oid relid)
{
	TableOf table = {varno, relid};

	return find_virtual(expression, &table);
}

/* The partition of a table whose rows are on another server, on which no trigger sees them; NULL if none. */
static const char *
foreign_partition(Oid relid)
{
	ListCell *lc;

	foreach (lc, find_all_inheritors(relid, AccessShareLock, NULL))
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_FOREIGN_TABLE)
			return get_rel_name(lfirst_oid(lc));
	return NULL;
}

/* Whether all rows of a table are here, where its triggers see what happens to them. */
static bool
rows_are_here(Relation table, NotLive *why)
{
	const char *name = RelationGetRelationName(table);
	const char *part = NULL;
	const char *kind = citus_table(RelationGetRelid(table));

	if (kind != NULL && !(why->on_shards && citus_distribution_column(RelationGetRelid(table))))
		return not_live(why, psprintf("it reads \"%s\", %s of Citus", name, kind), NULL);
	if (table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		part = foreign_partition(RelationGetRelid(table));
	if (part != NULL)
		return not_live(
			why, psprintf("it reads \"%s\", whose partition \"%s\" is a foreign table", name, part),
			NULL);
	return true;
}

/* Whether the statements on a table can be followed. */
bool
table_can_be_followed(Relation table, bool with_children, NotLive *why)
{
	const char *name = RelationGetRelationName(table);

	switch (table->rd_rel->relkind)
	{
		case RELKIND_RELATION:
			break;
		case RELKIND_PARTITIONED_TABLE:
			if (!with_children)
				return not_live(why,
								psprintf("it reads the partitioned table \"%s\" with ONLY", name),
								"Leave ONLY away.");
			break;
		case RELKIND_VIEW:
			return not_live(why, psprintf("it reads the view \"%s\"", name),
							"Name the tables that stand behind it.");
		case RELKIND_MATVIEW:
			return not_live(why, psprintf("it reads the materialized view \"%s\"", name),
							"Name the tables that stand behind it.");
		case RELKIND_FOREIGN_TABLE:
			return not_live(why, psprintf("it reads the foreign table \"%s\"", name), NULL);
		default:
			return not_live(why, "it does not read a table", NULL);
	}
	if (table->rd_rel->relispartition)
		return not_live(why, psprintf("it reads the partition \"%s\"", name),
						"Name the partitioned table.");
	if (IsSystemRelation(table))
		return not_live(why, psprintf("it reads the system catalog \"%s\"", name), NULL);
	if (table->rd_rel->relkind == RELKIND_RELATION &&
		(has_superclass(RelationGetRelid(table)) || has_subclass(RelationGetRelid(table))))
		return not_live(why, psprintf("it reads \"%s\", a table with inheritance", name), NULL);
	return rows_are_here(table, why);
}

static bool
is_mutable(Oid function, void *first)
{
	if (func_volatile(function) == PROVOLATILE_IMMUTABLE)
		return false;
	*(char **) first = psprintf("function %s", format_procedure(function));
	return true;
}

/* Whether an expression calls what may give another result tomorrow; first says what. */
static bool
find_mutable(Node *node, void *first)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, is_mutable, first))
		return true;
	if (IsA(node, SQLValueFunction))
	{
		*(char **) first = "the current date, time or user";
		return true;
	}
	return expression_tree_walker(node, find_mutable, first);
}

static bool
is_followed_expression(Query *query, Node *expression, const char *part, NotLive *why)
{
	char *mutable = NULL;
	Node	 *planned;
	ListCell *lc;

	if (uses_system_columns(expression, NULL))
		return not_live(why, psprintf("%s uses a whole row or a system column", part), NULL);
	foreach (lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_RELATION &&
			uses_virtual_columns(expression, foreach_current_index(lc) + 1, rte->relid))
			return not_live(why,
							psprintf("%s reads a virtual generated column of table \"%s\"", part,
									 get_rel_name(rte->relid)),
							"Write the column's expression into the view.");
	}
	planned = (Node *) expression_planner((Expr *) copyObject(expression));
	if (find_mutable(planned, &mutable))
		return not_live(why, psprintf("%s uses %s, which is not immutable", part, mutable),
						"Use what depends on its arguments alone; of a timestamp with time zone, "
						"(at AT TIME ZONE 'Europe/Berlin')::date.");
	if (contain_mutable_functions(planned))
		return not_live(why, psprintf("%s uses an expression that is not immutable", part), NULL);
	return true;
}

/* Whether an expression over tables of a query can be evaluated over rows of theirs; part says which it is. */
bool
expression_can_be_followed(Query *query, Node *expression, const char *part, NotLive *why)
{
	return expression == NULL || is_followed_expression(query, expression, part, why);
}

/* Whether the columns of a view can be. */
bool
columns_can_be_followed(Query *query, NotLive *why)
{
	ListCell *lc;

	foreach (lc, query->targetList)
	{
		TargetEntry *entry = lfirst(lc);

		const char *part = entry->resname ? psprintf("column \"%s\"", entry->resname)
										  : "what it sorts or groups by";

		if (!expression_can_be_followed(query, (Node *) entry->expr, part, why))
			return false;
	}
	return true;
}
