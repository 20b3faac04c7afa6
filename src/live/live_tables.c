/*
 * live_tables.c: which tables a purchases view reads whose statements can keep
 * it: one alone, or several that it joins.
 */
#include "crm.h"

#include "access/relation.h"
#include "access/table.h"
#include "base/rows.h"
#include "catalog/pg_type.h"
#include "live/join_find.h"
#include "live/live_tables.h"
#include "live/owner.h"
#include "live/why.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"

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

/*
 * The tables whose triggers can keep a view, or with on_shards those on the shards of
 * distributed ones, the driving one first; if there are none, NIL and why not.
 */
List *
live_tables(Relation view, bool on_shards, NotLive *why)
{
	Query *query = get_view_query(view);
	List  *tables = NIL;
	Oid	   table;

	memset(why, 0, sizeof(NotLive));
	why->on_shards = on_shards;
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

/* To see what a view reads, immutable functions of constants are evaluated: they are the owner's and run as the owner. */
static List *
live_tables_of(Oid relid, bool on_shards, NotLive *why)
{
	Relation	view = relation_open(relid, AccessShareLock);
	OwnerSwitch before;
	List	   *tables;

	CheckIsView(view);
	CheckOwner(relid);
	before = become_owner(relid);
	tables = live_tables(view, on_shards, why);
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
	List   *tables = live_tables_of(PG_GETARG_OID(0), false, &why);
	Datum	values[2] = {0};
	bool	nulls[2];

	values[0] = ObjectIdGetDatum(tables ? linitial_oid(tables) : InvalidOid);
	nulls[0] = tables == NIL;
	if (why.reason && why.hint)
		why.reason = psprintf("%s. %s", why.reason, why.hint);
	values[1] = text_or_null(why.reason, &nulls[1]);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}

/* (view regclass, on_shards boolean) -> (tables regclass[], reason text, hint text): that table and those that it is joined to, or why not. */
PG_FUNCTION_INFO_V1(crm_live_tables);
Datum
crm_live_tables(PG_FUNCTION_ARGS)
{
	NotLive why;
	List   *tables = live_tables_of(PG_GETARG_OID(0), PG_GETARG_BOOL(1), &why);
	Datum	values[3] = {0};
	bool	nulls[3];

	values[0] = tables_array(tables, &nulls[0]);
	values[1] = text_or_null(why.reason, &nulls[1]);
	values[2] = text_or_null(why.hint, &nulls[2]);
	PG_RETURN_DATUM(row_result(fcinfo, values, nulls));
}
