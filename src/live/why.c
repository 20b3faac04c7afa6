/*
 * why.c: the tables whose triggers can keep a purchases view, or why they
 * cannot and what to change.
 */
#include "crm.h"

#include "live/join.h"
#include "live/owner.h"
#include "live/why.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

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

static inline bool
reads_one_table(Query *query)
{
	return list_length(query->jointree->fromlist) == 1 &&
		   IsA(linitial(query->jointree->fromlist), RangeTblRef);
}

/* Whether a query reads the rows of tables as they are, or groups those that it joins. */
static bool
query_can_be_followed(Query *query, NotLive *why)
{
	if (query->setOperations)
		return not_live(why, "it combines several queries",
						"Track each of them as a view of its own, the second with histories => "
						"those of the first.");
	if (query->hasWindowFuncs)
		return not_live(why, "it uses window functions", NULL);
	if (query->groupingSets ||
		((query->hasAggs || query->groupClause || query->havingQual) && reads_one_table(query)))
		return not_live(why, "it groups rows",
						"Leave the grouping away: the purchases of a customer's day are added up "
						"anyway, and column orders says how many orders a row counts.");
	if (query->distinctClause)
		return not_live(why, "it removes duplicates", NULL);
	if (query->hasTargetSRFs)
		return not_live(why, "it makes several rows of one", NULL);
	if (query->limitCount || query->limitOffset)
		return not_live(why, "it limits the number of rows", NULL);
	if (query->cteList)
		return not_live(why, "it has a WITH clause",
						"Write its tables into the FROM clause of the view.");
	if (query->hasSubLinks)
		return not_live(why, "it has a subquery",
						"Join the table by equality with all columns of one of its unique keys.");
	if (query->jointree->fromlist == NIL)
		return not_live(why, "it does not read a table", NULL);
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
	return true;
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

/* The table that a view reads alone, row by row by immutable expressions, or InvalidOid. */
static Oid
only_table(Query *query, NotLive *why)
{
	RangeTblEntry *rte =
		rt_fetch(((RangeTblRef *) linitial(query->jointree->fromlist))->rtindex, query->rtable);
	Relation table;
	bool	 live;

	if (rte->rtekind != RTE_RELATION)
		not_live(why, "it does not read a table", NULL);
	else if (rte->tablesample)
		not_live(why, "it reads a sample", NULL);
	if (why->reason)
		return InvalidOid;
	table = table_open(rte->relid, AccessShareLock);
	live = table_can_be_followed(table, rte->inh, why) && columns_can_be_followed(query, why) &&
		   expression_can_be_followed(query, query->jointree->quals, "its WHERE clause", why);
	table_close(table, NoLock);
	return live ? rte->relid : InvalidOid;
}

/* The tables whose triggers can keep a view, the driving one first; if there are none, NIL and why not. */
List *
live_tables(Relation view, NotLive *why)
{
	Query *query = get_view_query(view);
	List  *tables = NIL;
	Oid	   table;

	memset(why, 0, sizeof(NotLive));
	if (!query_can_be_followed(query, why))
		return NIL;
	if (!reads_one_table(query))
		return join_find(query, &tables, why) ? tables : NIL;
	table = only_table(query, why);
	return OidIsValid(table) ? list_make1_oid(table) : NIL;
}

/* Table names as an array, NULL for none. */
static Datum
tables_array(const List *tables, bool *isnull)
{
	Datum	 *elements = palloc(sizeof(Datum) * (list_length(tables) + 1));
	ListCell *lc;
	int		  n = 0;

	foreach (lc, tables)
		elements[n++] = ObjectIdGetDatum(lfirst_oid(lc));
	*isnull = n == 0;
	return PointerGetDatum(construct_array(elements, n, REGCLASSOID, 4, true, TYPALIGN_INT));
}

static inline Datum
text_or_null(const char *value, bool *isnull)
{
	*isnull = value == NULL;
	return value ? CStringGetTextDatum(value) : (Datum) 0;
}

/* The row of a function, of values that are NULL where they are. */
static Datum
result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* To see what a view reads, immutable functions of constants are evaluated: they are the owner's and run as the owner. */
static List *
live_tables_of(Oid relid, NotLive *why)
{
	Relation	view = relation_open(relid, AccessShareLock);
	OwnerSwitch before;
	List	   *tables;

	CheckIsView(view);
	CheckOwner(relid);
	before = become_owner(relid);
	tables = live_tables(view, why);
	become_caller(&before);
	relation_close(view, NoLock);
	return tables;
}

/* (view regclass) -> (source regclass, reason text): the table whose rows the triggers would take for purchases, or why not and what to change. */
PG_FUNCTION_INFO_V1(crm_live_source);
Datum
crm_live_source(PG_FUNCTION_ARGS)
{
	NotLive why;
	List   *tables = live_tables_of(PG_GETARG_OID(0), &why);
	Datum	values[2] = {0};
	bool	nulls[2];

	values[0] = ObjectIdGetDatum(tables ? linitial_oid(tables) : InvalidOid);
	nulls[0] = tables == NIL;
	if (why.reason && why.hint)
		why.reason = psprintf("%s. %s", why.reason, why.hint);
	values[1] = text_or_null(why.reason, &nulls[1]);
	PG_RETURN_DATUM(result_row(fcinfo, values, nulls));
}

/* (view regclass) -> (tables regclass[], reason text, hint text): that table and those that it is joined to, or why not. */
PG_FUNCTION_INFO_V1(crm_live_tables);
Datum
crm_live_tables(PG_FUNCTION_ARGS)
{
	NotLive why;
	List   *tables = live_tables_of(PG_GETARG_OID(0), &why);
	Datum	values[3] = {0};
	bool	nulls[3];

	values[0] = tables_array(tables, &nulls[0]);
	values[1] = text_or_null(why.reason, &nulls[1]);
	values[2] = text_or_null(why.hint, &nulls[2]);
	PG_RETURN_DATUM(result_row(fcinfo, values, nulls));
}
