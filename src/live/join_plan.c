/*
 * join_plan.c: a view over several tables as a plan that a session keeps:
 * the columns that it uses side by side in one row, how each table is looked
 * up, and the way back from a looked-up row to the driving ones.
 */
#include "crm.h"

#include "live/join.h"

#include "access/nbtree.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "live/join_find.h"
#include "live/live_tables.h"
#include "live/kept.h"
#include "live/owner.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* ---- the joined row ---- */

typedef struct ColumnsOf
{
	int		   varno;
	Bitmapset *columns;
} ColumnsOf;

static bool
find_columns(Node *node, void *context)
{
	ColumnsOf *of = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var) && (int) ((Var *) node)->varno == of->varno)
		of->columns = bms_add_member(of->columns, ((Var *) node)->varattno);
	return expression_tree_walker(node, find_columns, context);
}

/* The columns of a table that a view uses, the unique key that it is looked up by among them. */
static Bitmapset *
columns_used(const FoundJoin *join, const FoundTable *table)
{
	ColumnsOf of = {table->varno, NULL};
	ListCell *lc;

	(void) find_columns((Node *) join->query->targetList, &of);
	(void) find_columns(join->query->havingQual, &of);
	(void) find_columns((Node *) join->conditions, &of);
	foreach (lc, join->tables)
		(void) find_columns((Node *) ((FoundTable *) lfirst(lc))->conditions, &of);
	return of.columns;
}

static void
set_columns(JoinTable *table, const Bitmapset *columns)
{
	int column = -1;

	table->columns = palloc(sizeof(AttrNumber) * bms_num_members(columns));
	while ((column = bms_next_member(columns, column)) >= 0)
		table->columns[table->ncolumns++] = table->last_column = column;
}

static int
position_of(const JoinTable *table, AttrNumber column)
{
	for (int i = 0; i < table->ncolumns; i++)
		if (table->columns[i] == column)
			return i;
	elog(ERROR, "column %d is not used", column);
}

/* What stands where in the joined row. */
typedef struct JoinedRow
{
	const JoinPlan *plan;
	int			   *numbers; /* of tables, by their number in the query */
	List		   *sums;	 /* Aggref *, which stand behind the tables' columns */
} JoinedRow;

static Node *
over_joined_row(Node *node, void *context)
{
	JoinedRow *row = context;
	Var		  *var = (Var *) node;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		const JoinTable *table = &row->plan->tables[row->numbers[var->varno]];

		return (Node *) makeVar(1, table->offset + position_of(table, var->varattno) + 1,
								var->vartype, var->vartypmod, var->varcollid, 0);
	}
	if (IsA(node, Aggref))
		for (int i = 0; i < list_length(row->sums); i++)
			if (equal(node, list_nth(row->sums, i)))
				return (Node *) makeVar(1, row->plan->row->natts + i + 1,
										((Aggref *) node)->aggtype, -1, InvalidOid, 0);
	return expression_tree_mutator(node, over_joined_row, context);
}

static void
add_row_columns(JoinPlan *plan, JoinTable *table, AttrNumber *column)
{
	Relation rel = table_open(table->relid, AccessShareLock);

	for (int i = 0; i < table->ncolumns; i++)
		TupleDescCopyEntry(plan->row, ++*column, RelationGetDescr(rel), table->columns[i]);
	table_close(rel, NoLock);
}

/* ---- keys ---- */

static void
set_key_type(JoinKeys *keys, int i, Oid family, Oid type, Oid collation, RegProcedure hash)
{
	keys->types[i] = type;
	keys->collations[i] = collation;
	get_typlenbyval(type, &keys->lengths[i], &keys->by_value[i]);
	fmgr_info(get_opcode(get_opfamily_member(family, type, type, BTEqualStrategyNumber)),
			  &keys->equal[i]);
	fmgr_info(get_opfamily_proc(family, type, type, BTORDER_PROC), &keys->order[i]);
	fmgr_info(hash, &keys->hash[i]);
}

static void
make_keys(JoinKeys *keys, int n)
{
	keys->n = n;
	keys->types = palloc(sizeof(Oid) * n);
	keys->collations = palloc(sizeof(Oid) * n);
	keys->lengths = palloc(sizeof(int16) * n);
	keys->by_value = palloc(sizeof(bool) * n);
	keys->equal = palloc(sizeof(FmgrInfo) * n);
	keys->hash = palloc(sizeof(FmgrInfo) * n);
	keys->order = palloc(sizeof(FmgrInfo) * n);
}

/* How the keys of a table are compared with what they are looked up by. */
static void
set_keys(JoinTable *table, const FoundTable *found, JoinedRow *row)
{
	Relation index = index_open(found->index, AccessShareLock);

	table->index = found->index;
	table->key_columns = palloc(sizeof(int) * found->nkeys);
	table->equal = palloc(sizeof(FmgrInfo) * found->nkeys);
	make_keys(&table->own, found->nkeys);
	make_keys(&table->given, found->nkeys);
	for (int i = 0; i < found->nkeys; i++)
	{
		const KeyCondition *key = &found->keys[i];
		Oid					family = index->rd_opfamily[i];
		RegProcedure		own_hash;
		RegProcedure		given_hash;
		Oid					own_type;
		Oid					given_type;
		int					strategy;

		get_op_opfamily_properties(key->operator, family, false, &strategy, &own_type, &given_type);
		if (!get_op_hash_functions(key->operator, & own_hash, &given_hash))
			elog(ERROR, "operator %u cannot be hashed", key->operator);
		set_key_type(&table->own, i, family, own_type, key->collation, own_hash);
		set_key_type(&table->given, i, family, given_type, key->collation, given_hash);
		fmgr_info(get_opcode(key->operator), &table->equal[i]);
		table->key_columns[i] = position_of(table, index->rd_index->indkey.values[i]);
		table->keys = lappend(table->keys,
							  expression_planner((Expr *) over_joined_row(key->expression, row)));
	}
	index_close(index, NoLock);
}

/* Whether a condition serves to look up a table. */
static bool
is_used_as_key(const FoundTable *table, const Node *condition)
{
	for (int i = 0; i < table->nkeys; i++)
		if (table->keys[i].condition == condition)
			return true;
	return false;
}

static List *
conditions_beside_keys(const FoundJoin *join, const FoundTable *outer, JoinedRow *row)
{
	List	 *conditions = outer ? outer->conditions : join->conditions;
	List	 *left = NIL;
	ListCell *lc;

	foreach (lc, conditions)
	{
		bool	  used = false;
		ListCell *table;

		foreach (table, join->tables)
			used = used || is_used_as_key(lfirst(table), lfirst(lc));
		if (!used)
			left = lappend(left, over_joined_row(lfirst(lc), row));
	}
	return left;
}

/* ---- the way back ---- */

/* How many columns of an index, from the first on, are equated with keys. */
static int
columns_equated(const JoinTable *table, Relation index, int *keys, FmgrInfo *equal, Oid *collations)
{
	int n = 0;

	for (; n < IndexRelationGetNumberOfKeyAttributes(index); n++)
	{
		int key = 0;
		Oid operator;

		while (key < table->own.n &&
			   table->parent_columns[key] != index->rd_index->indkey.values[n])
			key++;
		if (key == table->own.n)
			break;
		operator= get_opfamily_member(index->rd_opfamily[n], index->rd_opcintype[n],
									  table->own.types[key], BTEqualStrategyNumber);
		if (!OidIsValid(operator) || (OidIsValid(index->rd_indcollation[n]) &&
									  index->rd_indcollation[n] != table->own.collations[key]))
			break;
		keys[n] = key;
		collations[n] = index->rd_indcollation[n];
		fmgr_info(get_opcode(operator), &equal[n]);
	}
	return n;
}

static bool
can_lead_back(Relation index)
{
	return index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid &&
		   index->rd_index->indislive && RelationGetIndexPredicate(index) == NIL;
}

/* The index of the parent that finds the rows which look up a key. */
static void
find_parent_index(JoinTable *table, Oid parent)
{
	Relation  rel = table_open(parent, AccessShareLock);
	int		  keys[INDEX_MAX_KEYS];
	FmgrInfo *equal = palloc(sizeof(FmgrInfo) * INDEX_MAX_KEYS);
	Oid		  collations[INDEX_MAX_KEYS];
	ListCell *lc;

	foreach (lc, RelationGetIndexList(rel))
	{
		Relation index = index_open(lfirst_oid(lc), AccessShareLock);
		int n = can_lead_back(index) ? columns_equated(table, index, keys, equal, collations) : 0;

		if (n > table->parent_nkeys)
		{
			table->parent_index = RelationGetRelid(index);
			table->parent_nkeys = n;
			table->parent_keys = palloc(sizeof(int) * n);
			table->parent_collations = palloc(sizeof(Oid) * n);
			table->parent_equal = equal;
			memcpy(table->parent_keys, keys, sizeof(int) * n);
			memcpy(table->parent_collations, collations, sizeof(Oid) * n);
			equal = palloc(sizeof(FmgrInfo) * INDEX_MAX_KEYS);
		}
		index_close(index, NoLock);
	}
	table_close(rel, NoLock);
}

/* The table that all keys are plain columns of, if there is one. */
static void
find_parent(JoinPlan *plan, JoinTable *table, const FoundTable *found, const int *numbers)
{
	table->parent = -1;
	table->parent_columns = palloc(sizeof(AttrNumber) * found->nkeys);
	for (int i = 0; i < found->nkeys; i++)
	{
		Var *var = (Var *) without_relabel(found->keys[i].expression);

		if (!IsA(var, Var) || (i > 0 && numbers[var->varno] != table->parent))
		{
			table->parent = -1;
			return;
		}
		table->parent = numbers[var->varno];
		table->parent_columns[i] = var->varattno;
	}
	find_parent_index(table, plan->tables[table->parent].relid);
}

/* ---- who is the customer ---- */

static bool
determines_customer(const FoundJoin *join, const FoundTable *table, const PurchasesColumns *columns)
{
	Bitmapset *known = tables_determined_by(join, table);

	for (int i = 0; i < columns->nkeys; i++)
		if (!bms_is_subset(
				tables_used(
					(Node *) get_tle_by_resno(join->query->targetList, columns->keys[i])->expr),
				known))
			return false;
	return true;
}

/* ---- the plan ---- */

static void
plan_lookup(JoinPlan *plan, int number, const FoundJoin *join, JoinedRow *row,
			const PurchasesColumns *columns)
{
	const FoundTable *found = list_nth(join->order, number);
	JoinTable		 *table = &plan->tables[number];
	Bitmapset		 *from = NULL;

	table->outer = found->outer;
	set_keys(table, found, row);
	for (int i = 0; i < found->nkeys; i++)
		from = bms_add_members(from, tables_used(found->keys[i].expression));
	table->from_driving =
		bms_is_subset(from, bms_make_singleton(((FoundTable *) linitial(join->order))->varno));
	table->has_customer = table->from_driving && determines_customer(join, found, columns);
	if (found->outer)
		table->conditions =
			(List *) expression_planner((Expr *) conditions_beside_keys(join, found, row));
	find_parent(plan, table, found, row->numbers);
}

/* The columns of each table, side by side. */
static void
plan_row(JoinPlan *plan, const FoundJoin *join)
{
	int		   natts = 0;
	AttrNumber column = 0;

	for (int i = 0; i < plan->ntables; i++)
	{
		const FoundTable *found = list_nth(join->order, i);
		JoinTable		 *table = &plan->tables[i];

		table->relid = found->relid;
		table->offset = natts;
		set_columns(table, columns_used(join, found));
		natts += table->ncolumns;
	}
	plan->row = CreateTemplateTupleDesc(natts);
	for (int i = 0; i < plan->ntables; i++)
		add_row_columns(plan, &plan->tables[i], &column);
}

/* ---- groups ---- */

/* What an aggregate adds up, over the joined row. */
static void
plan_sum(JoinSum *sum, const Aggref *of, JoinedRow *row)
{
	sum->counts = strcmp(get_func_name(of->aggfnoid), "count") == 0;
	sum->type = of->aggtype;
	if (of->args != NIL)
	{
		Node *value = over_joined_row((Node *) ((TargetEntry *) linitial(of->args))->expr, row);

		if (!sum->counts)
			value = coerce_to_target_type(NULL, value, exprType(value), NUMERICOID, -1,
										  COERCION_EXPLICIT, COERCE_IMPLICIT_CAST, -1);
		sum->value = expression_planner((Expr *) value);
	}
	if (of->aggfilter)
		sum->filter =
			list_make1(expression_planner((Expr *) over_joined_row((Node *) of->aggfilter, row)));
}

static JoinGroups *
plan_groups(JoinPlan *plan, const FoundJoin *join, JoinedRow *row)
{
	JoinGroups *groups = palloc0(sizeof(JoinGroups));
	ListCell   *lc;

	groups->header = row->numbers[join->header->varno];
	groups->columns = palloc(sizeof(int) * join->header->nkeys);
	for (int i = 0; i < join->header->nkeys; i++)
		groups->columns[i] =
			position_of(&plan->tables[0], plan->tables[groups->header].parent_columns[i]);
	groups->conditions =
		(List *) expression_planner((Expr *) conditions_beside_keys(join, NULL, row));
	groups->nsums = list_length(join->sums);
	groups->sums = palloc0(sizeof(JoinSum) * (groups->nsums + 1));
	groups->row = CreateTemplateTupleDesc(plan->row->natts + groups->nsums);
	for (int i = 0; i < plan->row->natts; i++)
		TupleDescCopyEntry(groups->row, i + 1, plan->row, i + 1);
	foreach (lc, join->sums)
	{
		plan_sum(&groups->sums[foreach_current_index(lc)], lfirst(lc), row);
		TupleDescInitEntry(groups->row, plan->row->natts + foreach_current_index(lc) + 1, "sum",
						   ((Aggref *) lfirst(lc))->aggtype, -1, 0);
	}
	return groups;
}

/* A plan of what was found, in the current memory context. */
static JoinPlan *
make_plan(Relation view, const FoundJoin *join)
{
	JoinPlan		*plan = palloc0(sizeof(JoinPlan));
	PurchasesColumns columns;
	JoinedRow row = {plan, palloc0(sizeof(int) * (list_length(join->query->rtable) + 1)), NIL};
	Query	 *query = copyObject(join->query);

	purchases_columns(view, &columns);
	plan->ntables = list_length(join->order);
	plan->tables = palloc0(sizeof(JoinTable) * plan->ntables);
	for (int i = 0; i < plan->ntables; i++)
		row.numbers[((FoundTable *) list_nth(join->order, i))->varno] = i;
	plan_row(plan, join);
	for (int i = 1; i < plan->ntables; i++)
		plan_lookup(plan, i, join, &row, &columns);
	if (join->header)
	{
		plan->groups = plan_groups(plan, join, &row);
		row.sums = join->sums;
		query->jointree->quals = over_joined_row(query->havingQual, &row);
	}
	else
		query->jointree->quals =
			(Node *) make_ands_explicit(conditions_beside_keys(join, NULL, &row));
	query->targetList = (List *) over_joined_row((Node *) query->targetList, &row);
	plan->reader = reader_plan_make(view, query);
	return plan;
}

/* A view and its tracking. */
typedef struct PlanOf
{
	Relation	   view;
	const Tracked *tracked;
} PlanOf;

/* Whether the view still joins the tables that it joined when it was tracked. */
static bool
reads_tracked_tables(const FoundJoin *join, const Tracked *tracked)
{
	ListCell *lc;
	bool	  same = list_length(join->tables) == list_length(tracked->joined) + 1;

	foreach (lc, join->tables)
	{
		Oid relid = ((FoundTable *) lfirst(lc))->relid;

		same = same && (relid == tracked->source || list_member_oid(tracked->joined, relid));
	}
	return same;
}

static inline void
CheckTablesTracked(const PlanOf *of, const FoundJoin *join)
{
	if (!reads_tracked_tables(join, of->tracked))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("purchases view \"%s\" joins other tables than when it was tracked",
							   RelationGetRelationName(of->view)),
						errhint("Call crm.untrack and crm.track for the view.")));
}

static void *
make_join_plan(const void *arguments)
{
	const PlanOf *of = arguments;
	FoundJoin	  join;
	NotLive		  why = {0};

	if (!join_find_tables(get_view_query(of->view), &join, &why))
	{
		/* writers go on: what is not followed any more is for refresh and verify to say */
		ereport(WARNING,
				(errmsg("purchases view \"%s\" is no longer kept by triggers",
						RelationGetRelationName(of->view)),
				 errdetail("The view cannot be: %s.", why.reason),
				 errhint("CALL crm.refresh for it; crm.verify shows what differs until then.")));
		return palloc0(sizeof(JoinPlan));
	}
	CheckTablesTracked(of, &join);
	return make_plan(of->view, &join);
}

/*
 * The plan of a tracked view over several tables, kept over the session; NULL if
 * there is none any more because a key was dropped that it joins by.
 */
const JoinPlan *
join_plan(Relation view, const Tracked *tracked)
{
	PlanOf			of = {view, tracked};
	KeptKey			key = {KEPT_JOIN, {RelationGetRelid(view), tracked->source}};
	const JoinPlan *plan;
	ListCell	   *lc;

	foreach (lc, tracked->joined)
	{
		if (foreach_current_index(lc) + 2 >= KEPT_RELATIONS)
			elog(ERROR, "a view joins too many tables");
		key.relations[foreach_current_index(lc) + 2] = lfirst_oid(lc);
	}
	plan = kept_find_or_make(&key, make_join_plan, &of);
	return plan->ntables > 0 ? plan : NULL;
}

/* ---- what is missing ---- */

static char *
column_names(const JoinTable *table, Oid parent)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < table->own.n; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(get_attname(parent, table->parent_columns[i], false)));
	return names.data;
}

/*
 * (view regclass) -> commands text[]: indexes that a change of a looked-up row would find the driving rows by.
 * To see what a view reads, immutable functions of constants are evaluated: they are the owner's and run as the owner.
 */
PG_FUNCTION_INFO_V1(crm_join_indexes);
Datum
crm_join_indexes(PG_FUNCTION_ARGS)
{
	Relation		 view = relation_open(PG_GETARG_OID(0), AccessShareLock);
	ArrayBuildState *commands = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	FoundJoin		 join;
	NotLive			 why = {0};
	OwnerSwitch		 before;

	CheckIsView(view);
	CheckOwner(PG_GETARG_OID(0));
	before = become_owner(PG_GETARG_OID(0));
	if (list_length(live_tables(view, false, &why)) > 1 &&
		join_find_tables(get_view_query(view), &join, &why))
	{
		JoinPlan *plan = make_plan(view, &join);

		for (int i = 1; i < plan->ntables; i++)
		{
			const JoinTable *table = &plan->tables[i];
			Oid parent = table->parent < 0 ? InvalidOid : plan->tables[table->parent].relid;

			if (OidIsValid(parent) && !OidIsValid(table->parent_index))
				commands = accumArrayResult(
					commands,
					CStringGetTextDatum(psprintf(
						"CREATE INDEX ON %s (%s)",
						quote_qualified_identifier(get_namespace_name(get_rel_namespace(parent)),
												   get_rel_name(parent)),
						column_names(table, parent))),
					false, TEXTOID, CurrentMemoryContext);
		}
	}
	become_caller(&before);
	relation_close(view, NoLock);
	PG_RETURN_DATUM(makeArrayResult(commands, CurrentMemoryContext));
}
