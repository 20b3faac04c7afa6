/*
 * join_find.c: which table of a query drives it, and in which order the
 * others can be looked up, each by equality with all columns of one of its
 * unique keys; or what stands in the way.
 */
#include "crm.h"

#include "live/join_find.h"

#include "access/nbtree.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "live/kept.h"
#include "live/why.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#define JOIN_BY_KEY \
	"Join each table by equality with all columns of one of its unique keys, inner or left."

/* ---- the FROM clause ---- */

/* An expression of a query in terms of the tables that it reads, not of their joins and groups. */
Node *
without_join_names(Query *query, Node *node)
{
#if PG_VERSION_NUM >= 180000
	if (query->hasGroupRTE)
		node = flatten_group_exprs(NULL, query, node);
#endif
#if PG_VERSION_NUM >= 160000
	return flatten_join_alias_vars(NULL, query, node);
#else
	return flatten_join_alias_vars(query, node);
#endif
}

/* Add the conditions that must all hold. */
static List *
add_conditions(List *conditions, Node *node)
{
	ListCell *lc;

	if (node == NULL)
		return conditions;
	if (IsA(node, List))
	{
		foreach (lc, (List *) node)
			conditions = add_conditions(conditions, lfirst(lc));
		return conditions;
	}
	if (!is_andclause(node))
		return lappend(conditions, node);
	foreach (lc, ((BoolExpr *) node)->args)
		conditions = add_conditions(conditions, lfirst(lc));
	return conditions;
}

/* Whether a table of the FROM clause is one that can be followed, and not there already. */
static bool
add_table(FoundJoin *join, int varno, bool outer, Node *conditions, NotLive *why)
{
	RangeTblEntry *rte = rt_fetch(varno, join->query->rtable);
	FoundTable	  *table;
	Relation	   rel;
	ListCell	  *lc;
	bool		   live;

	if (rte->rtekind != RTE_RELATION)
		return not_live(why, psprintf("\"%s\" is not a table", rte->eref->aliasname),
						"Name the tables that stand behind it.");
	if (rte->tablesample)
		return not_live(why, "it reads a sample", NULL);
	foreach (lc, join->tables)
		if (((FoundTable *) lfirst(lc))->relid == rte->relid)
			return not_live(
				why, psprintf("it joins table \"%s\" with itself", get_rel_name(rte->relid)), NULL);
	rel = table_open(rte->relid, AccessShareLock);
	live = table_can_be_followed(rel, rte->inh, why);
	if (live && rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		live = not_live(
			why, psprintf("it joins \"%s\", a partitioned table", RelationGetRelationName(rel)),
			NULL);
	table_close(rel, NoLock);
	if (!live)
		return false;
	table = palloc0(sizeof(FoundTable));
	table->varno = varno;
	table->relid = rte->relid;
	table->outer = outer;
	table->conditions = add_conditions(NIL, conditions);
	join->tables = lappend(join->tables, table);
	if (list_length(join->tables) > KEPT_RELATIONS - 1)
		return not_live(why, psprintf("it joins more than %d tables", KEPT_RELATIONS - 1), NULL);
	return true;
}

static bool add_tables(FoundJoin *join, Node *node, NotLive *why);

/* A left join: the rows of one table, or none. */
static bool
add_left_join(FoundJoin *join, Node *left, Node *right, Node *conditions, NotLive *why)
{
	if (!add_tables(join, left, why))
		return false;
	if (!IsA(right, RangeTblRef))
		return not_live(why, "an outer join joins several tables at once",
						"Join one table after the other: a LEFT JOIN b ON ... LEFT JOIN c ON ...");
	return add_table(join, ((RangeTblRef *) right)->rtindex, true, conditions, why);
}

static bool
add_tables(FoundJoin *join, Node *node, NotLive *why)
{
	JoinExpr *of;

	if (IsA(node, RangeTblRef))
		return add_table(join, ((RangeTblRef *) node)->rtindex, false, NULL, why);
	of = castNode(JoinExpr, node);
	switch (of->jointype)
	{
		case JOIN_INNER:
			if (!add_tables(join, of->larg, why) || !add_tables(join, of->rarg, why))
				return false;
			join->conditions = add_conditions(join->conditions, of->quals);
			return true;
		case JOIN_LEFT:
			return add_left_join(join, of->larg, of->rarg, of->quals, why);
		case JOIN_RIGHT:
			return add_left_join(join, of->rarg, of->larg, of->quals, why);
		default:
			return not_live(why, "it uses FULL JOIN", JOIN_BY_KEY);
	}
}

/* ---- what an expression uses ---- */

static bool
find_tables_used(Node *node, void *used)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		*(Bitmapset **) used = bms_add_member(*(Bitmapset **) used, ((Var *) node)->varno);
	return expression_tree_walker(node, find_tables_used, used);
}

/* The numbers of the tables that an expression uses, as the query counts them. */
Bitmapset *
tables_used(Node *expression)
{
	Bitmapset *used = NULL;

	(void) find_tables_used(expression, &used);
	return used;
}

/* An expression without changes of its type that change no value. */
Node *
without_relabel(Node *node)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* The tables whose rows follow from the row of one: itself, and what it leads to. */
Bitmapset *
tables_determined_by(const FoundJoin *join, const FoundTable *table)
{
	Bitmapset *known = bms_make_singleton(table->varno);
	ListCell  *lc;

	foreach (lc, join->order)
	{
		FoundTable *other = lfirst(lc);
		bool		follows = other->nkeys > 0;

		for (int i = 0; i < other->nkeys; i++)
			follows = follows && bms_is_subset(tables_used(other->keys[i].expression), known);
		if (follows)
			known = bms_add_member(known, other->varno);
	}
	return known;
}

static Bitmapset *
tables_known(FoundJoin *join)
{
	Bitmapset *known = NULL;
	ListCell  *lc;

	foreach (lc, join->tables)
		if (((FoundTable *) lfirst(lc))->known)
			known = bms_add_member(known, ((FoundTable *) lfirst(lc))->varno);
	return known;
}

/* ---- unique keys ---- */

/* A condition as "column of the table = something known", whichever way round it is written. */
static bool
is_key_condition(Node *condition, const FoundTable *table, const Bitmapset *known,
				 AttrNumber *column, KeyCondition *key)
{
	OpExpr *op = (OpExpr *) condition;

	if (!IsA(condition, OpExpr) || list_length(op->args) != 2)
		return false;
	for (int side = 0; side < 2; side++)
	{
		Var	 *var = (Var *) without_relabel(list_nth(op->args, side));
		Node *other = list_nth(op->args, 1 - side);

		if (!IsA(var, Var) || (int) var->varno != table->varno || var->varattno <= 0 ||
			!bms_is_subset(tables_used(other), known))
			continue;
		key->condition = condition;
		key->expression = other;
		key->operator= side == 0 ? op->opno : get_commutator(op->opno);
		key->collation = op->inputcollid;
		*column = var->varattno;
		return OidIsValid(key->operator);
	}
	return false;
}

/* Whether an operator is equality, which can be hashed. */
static inline bool
is_equality(Oid operator)
{
	RegProcedure left;
	RegProcedure right;

	return get_op_hash_functions(operator, & left, &right);
}

/* Whether a condition is equality as a column of an index sees it, and can be hashed. */
static bool
fits_index(const KeyCondition *key, Relation index, int column)
{
	return get_op_opfamily_strategy(key->operator, index->rd_opfamily[column]) ==
			   BTEqualStrategyNumber &&
		   (!OidIsValid(index->rd_indcollation[column]) ||
			index->rd_indcollation[column] == key->collation) &&
		   is_equality(key->operator);
}

/* The columns of a table that are joined by equality with what is known, as a list; NULL if none is. */
static const char *
joined_columns(const FoundTable *table, List *conditions, const Bitmapset *known)
{
	StringInfoData names;
	ListCell	  *lc;

	initStringInfo(&names);
	foreach (lc, conditions)
	{
		KeyCondition key;
		AttrNumber	 column;

		if (is_key_condition(lfirst(lc), table, known, &column, &key) && is_equality(key.operator))
			appendStringInfo(&names, "%s%s", names.len ? ", " : "",
							 quote_identifier(get_attname(table->relid, column, false)));
	}
	return names.len ? names.data : NULL;
}

/* What keeps a unique index from being a key that is always kept, or NULL. */
static const char *
why_index_unfit(Relation index)
{
	if (!index->rd_index->indimmediate)
		return "is deferrable";
	if (!index->rd_index->indisvalid || !index->rd_index->indisready)
		return "is not valid";
	if (RelationGetIndexPredicate(index) != NIL)
		return "has a WHERE clause";
	if (RelationGetIndexExpressions(index) != NIL)
		return "has expressions";
	if (index->rd_rel->relam != BTREE_AM_OID)
		return "is not a btree";
	return NULL;
}

/* Whether all columns of a unique index are joined by; unfit gets a sentence if its columns are, but it cannot serve. */
static bool
find_key(FoundTable *table, Relation index, List *conditions, const Bitmapset *known,
		 const char **unfit)
{
	int			  n = IndexRelationGetNumberOfKeyAttributes(index);
	KeyCondition *keys = palloc0(sizeof(KeyCondition) * n);
	const char	 *problem = why_index_unfit(index);

	for (int i = 0; i < n; i++)
	{
		ListCell *lc;
		bool	  joined = false;

		foreach (lc, conditions)
		{
			KeyCondition key;
			AttrNumber	 column;

			if (keys[i].condition || !is_key_condition(lfirst(lc), table, known, &column, &key) ||
				column != index->rd_index->indkey.values[i])
				continue;
			joined = true;
			if (fits_index(&key, index, i))
				keys[i] = key;
		}
		if (!joined)
			return false;
		if (keys[i].condition == NULL && problem == NULL)
			problem = "is compared by another operator or collation than the join's";
	}
	if (problem)
	{
		*unfit = psprintf("unique index \"%s\" of table \"%s\" %s", RelationGetRelationName(index),
						  get_rel_name(table->relid), problem);
		return false;
	}
	table->index = RelationGetRelid(index);
	table->nkeys = n;
	table->keys = keys;
	return true;
}

/* Whether a table can be looked up from what is known. */
static bool
find_unique_key(FoundJoin *join, FoundTable *table, const char **unfit)
{
	Bitmapset *known = tables_known(join);
	List	  *conditions = table->outer ? table->conditions : join->conditions;
	Relation   rel;
	ListCell  *lc;
	bool	   found = false;

	if (table->outer && !bms_is_subset(tables_used((Node *) table->conditions),
									   bms_add_member(bms_copy(known), table->varno)))
		return false;
	rel = table_open(table->relid, AccessShareLock);
	foreach (lc, RelationGetIndexList(rel))
	{
		Relation index = index_open(lfirst_oid(lc), AccessShareLock);

		if (!found && index->rd_index->indisunique && index->rd_index->indislive)
			found = find_key(table, index, conditions, known, unfit);
		index_close(index, NoLock);
	}
	table_close(rel, NoLock);
	return found;
}

/* ---- the order ---- */

/* Put the tables in order behind a driving one; returns whether all of them are in it. */
static bool
order_behind(FoundJoin *join, FoundTable *driving, const char **unfit)
{
	ListCell *lc;
	bool	  progress = true;

	foreach (lc, join->tables)
		((FoundTable *) lfirst(lc))->known = false;
	driving->known = true;
	join->order = list_make1(driving);
	while (progress)
	{
		progress = false;
		foreach (lc, join->tables)
		{
			FoundTable *table = lfirst(lc);

			if (table->known || !find_unique_key(join, table, unfit))
				continue;
			table->known = progress = true;
			join->order = lappend(join->order, table);
		}
	}
	return list_length(join->order) == list_length(join->tables);
}

/* Say which table cannot be looked up, as things stand with a driving table. */
static bool
say_unreached(FoundJoin *join, const char *unfit, NotLive *why)
{
	ListCell *lc;

	foreach (lc, join->tables)
	{
		FoundTable *table = lfirst(lc);
		List	   *conditions = table->outer ? table->conditions : join->conditions;
		const char *columns;
		const char *name;

		if (table->known)
			continue;
		if (unfit)
			return not_live(why, unfit,
							"The key must be immediate, valid, over whole columns and all rows, "
							"and compared as the join compares.");
		name = get_rel_name(table->relid);
		columns = joined_columns(table, conditions, tables_known(join));
		if (columns == NULL)
			return not_live(
				why, psprintf("table \"%s\" is joined by no equality with its columns", name),
				JOIN_BY_KEY);
		return not_live(
			why,
			psprintf("table \"%s\" is joined by (%s), and no unique key of it has just these "
					 "columns",
					 name, columns),
			psprintf("ALTER TABLE %s ADD UNIQUE (%s) makes it a key, if a row of the others has "
					 "at most one there.",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(table->relid)),
												name),
					 columns));
	}
	return false;
}

/* The tables that the amount is taken from: one of them is likely meant to be the driving one. */
static Bitmapset *
tables_of_amount(const FoundJoin *join)
{
	ListCell *lc;

	foreach (lc, join->query->targetList)
	{
		TargetEntry *entry = lfirst(lc);

		if (entry->resname && strcmp(entry->resname, "amount") == 0)
			return tables_used((Node *) entry->expr);
	}
	return NULL;
}

/* Find the driving table: the first from which all others can be looked up. */
static bool
find_order(FoundJoin *join, NotLive *why)
{
	FoundTable *best = NULL;
	Bitmapset  *amount = tables_of_amount(join);
	int			reached;
	int			most = 0;
	const char *unfit = NULL;
	ListCell   *lc;

	foreach (lc, join->tables)
	{
		FoundTable *table = lfirst(lc);

		if (table->outer)
			continue;
		if (order_behind(join, table, &unfit))
			return true;
		reached = 2 * list_length(join->order) + bms_is_member(table->varno, amount);
		if (reached > most)
		{
			best = table;
			most = reached;
		}
	}
	unfit = NULL;
	(void) order_behind(join, best, &unfit);
	return say_unreached(join, unfit, why);
}

static bool
conditions_can_be_followed(FoundJoin *join, NotLive *why)
{
	ListCell *lc;

	foreach (lc, join->tables)
		if (!expression_can_be_followed(join->query,
										(Node *) ((FoundTable *) lfirst(lc))->conditions,
										psprintf("the join of table \"%s\"",
												 get_rel_name(((FoundTable *) lfirst(lc))->relid)),
										why))
			return false;
	return expression_can_be_followed(join->query, (Node *) join->conditions,
									  "a condition of its joins or its WHERE clause", why);
}

/* The tables of a query that joins some, in the order in which they are looked up, or why that cannot be. */
bool
join_find_tables(Query *query, FoundJoin *join, NotLive *why)
{
	ListCell *lc;

	memset(join, 0, sizeof(FoundJoin));
	join->query = copyObject(query);
	join->query->targetList = (List *) without_join_names(query, (Node *) join->query->targetList);
	join->query->jointree = (FromExpr *) without_join_names(query, (Node *) join->query->jointree);
	join->query->havingQual = without_join_names(query, join->query->havingQual);
	foreach (lc, join->query->jointree->fromlist)
		if (!add_tables(join, lfirst(lc), why))
			return false;
	join->conditions = add_conditions(join->conditions, join->query->jointree->quals);
	return columns_can_be_followed(join->query, why) && conditions_can_be_followed(join, why) &&
		   find_order(join, why) && group_can_be_followed(join, why);
}

/* The tables of a query that joins some, OIDs, the driving one first. */
bool
join_find(Query *query, List **tables, NotLive *why)
{
	FoundJoin join;
	ListCell *lc;

	*tables = NIL;
	if (!join_find_tables(query, &join, why))
		return false;
	foreach (lc, join.order)
		*tables = lappend_oid(*tables, ((FoundTable *) lfirst(lc))->relid);
	return true;
}
