/*
 * through.c: a view of some columns of another view, reading what that reads.
 *
 * A view that reads a view is not live, and the definition of a view is no text
 * that could be cut: so the query of the other one is taken as it is stored,
 * without the columns that nobody asks for.
 */
#include "crm.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "live/not_live.h"
#include "live/owner.h"
#include "nodes/parsenodes.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteDefine.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteSupport.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Columns that are compared with each other, or queries that are put together, cannot do without any. */
static inline bool
can_leave_out_columns(const Query *query)
{
	return query->distinctClause == NIL && query->setOperations == NULL;
}

static inline void
CheckColumnCount(Relation made, int n)
{
	if (n != RelationGetNumberOfAttributes(made))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("view \"%s\" has %d columns, %d are given", RelationGetRelationName(made),
						RelationGetNumberOfAttributes(made), n)));
}

/* The column of a view that becomes column resno of another. */
static TargetEntry *
chosen_entry(Query *query, Relation view, Relation made, int resno, const char *name)
{
	AttrNumber	 column = get_attnum(RelationGetRelid(view), name);
	TargetEntry *entry;

	if (column <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of view \"%s\" does not exist", name,
							   RelationGetRelationName(view))));
	entry = copyObject(get_tle_by_resno(query->targetList, column));
	entry->resno = resno;
	entry->resname = pstrdup(NameStr(TupleDescAttr(RelationGetDescr(made), resno - 1)->attname));
	return entry;
}

/* The chosen columns of a query, and behind them those that it groups and sorts by, unseen. */
static List *
chosen_columns(Query *query, Relation view, Relation made, const Datum *names, int n)
{
	List	 *chosen = NIL;
	List	 *sorted_by = NIL;
	ListCell *lc;

	for (int i = 0; i < n; i++)
	{
		TargetEntry *entry = chosen_entry(query, view, made, i + 1, TextDatumGetCString(names[i]));

		if (entry->ressortgroupref && list_member_int(sorted_by, (int) entry->ressortgroupref))
			entry->ressortgroupref = 0; /* a column that is chosen twice */
		else if (entry->ressortgroupref)
			sorted_by = lappend_int(sorted_by, (int) entry->ressortgroupref);
		chosen = lappend(chosen, entry);
	}
	foreach (lc, query->targetList)
	{
		TargetEntry *entry = lfirst(lc);

		if (entry->ressortgroupref == 0 || list_member_int(sorted_by, (int) entry->ressortgroupref))
			continue;
		entry = copyObject(entry);
		entry->resno = list_length(chosen) + 1;
		entry->resjunk = true;
		chosen = lappend(chosen, entry);
	}
	return chosen;
}

/* Before PostgreSQL 16 the query of a view began with the view itself, as OLD and NEW. */
static void
belong_to(Query *query, Oid view)
{
#if PG_VERSION_NUM < 160000
	rt_fetch(PRS2_OLD_VARNO, query->rtable)->relid = view;
	rt_fetch(PRS2_NEW_VARNO, query->rtable)->relid = view;
#else
	(void) query;
	(void) view;
#endif
}

/*
 * (made regclass, view regclass, columns text[]) -> boolean: let the view made, which was made as
 * these columns of the other view, read what that reads. False, and nothing is changed, if the
 * view removes duplicates or combines queries. Only the owner of the first may call it.
 */
PG_FUNCTION_INFO_V1(crm_read_through);
Datum
crm_read_through(PG_FUNCTION_ARGS)
{
	Relation made;
	Relation view;
	Query	*query;
	Datum	*names;
	bool	*nulls;
	int		 n;
	bool	 can;

	CheckOwner(PG_GETARG_OID(0)); /* nobody else may hold it */
	made = relation_open(PG_GETARG_OID(0), AccessExclusiveLock);
	view = relation_open(PG_GETARG_OID(1), AccessShareLock);
	CheckIsView(made);
	CheckIsView(view);
	if (ARR_NDIM(PG_GETARG_ARRAYTYPE_P(2)) > 1 || array_contains_nulls(PG_GETARG_ARRAYTYPE_P(2)))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("names of columns must be a list without NULL")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls,
					  &n);
	CheckColumnCount(made, n);
	query = copyObject(get_view_query(view));
	can = can_leave_out_columns(query);
	if (can)
	{
		query->targetList = chosen_columns(query, view, made, names, n);
		belong_to(query, RelationGetRelid(made));
	}
	relation_close(view, NoLock);
	relation_close(made, NoLock);
	if (can)
	{
		DefineQueryRewrite(pstrdup(ViewSelectRuleName), PG_GETARG_OID(0), NULL, CMD_SELECT, true,
						   true, list_make1(query));
		CommandCounterIncrement();
	}
	PG_RETURN_BOOL(can);
}
