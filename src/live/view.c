/*
 * view.c: a purchases view that reads one table row by row, as
 * expressions that are evaluated over the rows of a statement.
 *
 * This is how an index evaluates its expressions: the view's target list and
 * WHERE clause come from its rule, so renamed columns, dump and restore and
 * dependencies are PostgreSQL's own business.
 */
#include "crm.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "access/tupconvert.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "live/catalog.h"
#include "live/kept.h"
#include "live/layout.h"
#include "live/live_tables.h"
#include "live/on_shards.h"
#include "live/tracked.h"
#include "live/view.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteSupport.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* A view, planned: what a reader is made of. */
struct ReaderPlan
{
	Oid	 view;
	int	 nkeys;
	bool amount_is_float8;
	bool has_orders;
	bool has_booked;
	bool
		has_category; /* which mixes take: they know no corrections, so never beside a booked day */
	List *
		columns; /* expressions: keys, purchased_on, amount [, orders] [, booked_on] [, category] */
	List	*filter;	/* conditions, all of which hold */
	AttrMap *partition; /* from the rows' layout to the table's, or NULL */
};

/* A column of the view: what an expression says, or as it stands in the row, which most do. */
typedef struct ReaderColumn
{
	AttrNumber attribute; /* of the row, or 0 */
	ExprState *expression;
} ReaderColumn;

struct PurchaseReader
{
	const ReaderPlan *plan;
	ExprContext		 *context;
	ExprState		 *filter;
	ReaderColumn	 *columns;
	TupleTableSlot	 *source_row; /* NULL if rows come as the table has them */
};

/* ---- columns ---- */

static inline void
CheckColumnType(Relation view, Form_pg_attribute column, bool fits, const char *hint)
{
	if (!fits)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of purchases view \"%s\" has type %s",
							   NameStr(column->attname), RelationGetRelationName(view),
							   format_type_be(column->atttypid)),
						errhint("%s", hint)));
}

/* A key is sorted and compared: its type needs a default btree operator class. */
static inline void
CheckKeyType(Relation view, Form_pg_attribute column)
{
	TypeCacheEntry *type = lookup_type_cache(column->atttypid, TYPECACHE_LT_OPR);

	CheckColumnType(view, column, OidIsValid(type->lt_opr) && column->atttypid != UNKNOWNOID,
					"A customer's key needs a type with a default btree operator class.");
}

static inline void
CheckColumnFound(Relation view, AttrNumber column, const char *name)
{
	if (column == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("purchases view \"%s\" has no column \"%s\"", RelationGetRelationName(view),
						name),
				 errdetail("A purchases view has the columns purchased_on, amount and optionally "
						   "orders, booked_on and category; every other column is the customer's "
						   "key.")));
}

/* Days are dates; what else there is names no day before somebody says where. */
static inline void
CheckDayType(Relation view, Form_pg_attribute column)
{
	CheckColumnType(view, column, getBaseType(column->atttypid) == DATEOID,
					"Cast it in the view: a timestamp by ::date, a timestamp with time zone "
					"by (at AT TIME ZONE 'Europe/Berlin')::date.");
}

/*
 * Whether a column category is a key of the customers, as it was in trackings of before
 * there were mixes. A column of that name that somebody added to the histories is none.
 */
static bool
category_is_key(Relation view)
{
	const Tracked *tracked;
	AttrNumber	   column;
	Oid			   constraint;

	if (!OidIsValid(crm_type_if_any("mix")))
		return true;
	tracked = tracked_by_purchases(RelationGetRelid(view));
	column = tracked ? get_attnum(tracked->histories, "category") : InvalidAttrNumber;
	return column > 0 &&
		   bms_is_member(column - FirstLowInvalidHeapAttributeNumber,
						 get_primary_key_attnos(tracked->histories, true, &constraint));
}

/* Find and check the columns of a purchases view, by their names. */
void
purchases_columns(Relation view, PurchasesColumns *columns)
{
	TupleDesc desc = RelationGetDescr(view);

	memset(columns, 0, sizeof(PurchasesColumns));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		const char		 *name = NameStr(column->attname);
		Oid				  type = getBaseType(column->atttypid);

		if (column->attisdropped)
			continue;
		if (strcmp(name, "purchased_on") == 0)
		{
			columns->purchased_on = i + 1;
			CheckDayType(view, column);
		}
		else if (strcmp(name, "booked_on") == 0)
		{
			columns->booked_on = i + 1;
			CheckDayType(view, column);
		}
		else if (strcmp(name, "amount") == 0)
		{
			columns->amount = i + 1;
			CheckColumnType(view, column,
							type == NUMERICOID || type == FLOAT8OID || type == FLOAT4OID ||
								type == INT2OID || type == INT4OID || type == INT8OID,
							"Cast it in the view to numeric.");
		}
		else if (strcmp(name, "orders") == 0)
		{
			columns->orders = i + 1;
			CheckColumnType(view, column, type == INT2OID || type == INT4OID || type == INT8OID,
							"Cast it in the view to int.");
		}
		else if (strcmp(name, "category") == 0 && !category_is_key(view))
		{
			columns->category = i + 1;
			CheckColumnType(view, column, TypeCategory(type) == TYPCATEGORY_STRING,
							"Cast it in the view to text.");
		}
		else
		{
			if (columns->nkeys == INDEX_MAX_KEYS)
				ereport(ERROR, (errcode(ERRCODE_TOO_MANY_COLUMNS),
								errmsg("purchases view \"%s\" has more than %d key columns",
									   RelationGetRelationName(view), INDEX_MAX_KEYS)));
			CheckKeyType(view, column);
			columns->keys[columns->nkeys++] = i + 1;
		}
	}
	CheckColumnFound(view, columns->purchased_on, "purchased_on");
	CheckColumnFound(view, columns->amount, "amount");
	if (columns->nkeys == 0)
		CheckColumnFound(view, InvalidAttrNumber, "customer");
}

/* (view regclass) -> key columns text[], in order; errors if the view is no purchases view. */
PG_FUNCTION_INFO_V1(crm_purchases_keys);
Datum
crm_purchases_keys(PG_FUNCTION_ARGS)
{
	Relation		 view = relation_open(PG_GETARG_OID(0), AccessShareLock);
	PurchasesColumns columns;
	Datum			 names[INDEX_MAX_KEYS];

	purchases_columns(view, &columns);
	for (int i = 0; i < columns.nkeys; i++)
		names[i] = CStringGetTextDatum(
			NameStr(TupleDescAttr(RelationGetDescr(view), columns.keys[i] - 1)->attname));
	relation_close(view, NoLock);
	PG_RETURN_ARRAYTYPE_P(construct_array(names, columns.nkeys, TEXTOID, -1, false, TYPALIGN_INT));
}

/* ---- reading ---- */

static Expr *
column_expression(Query *query, AttrNumber column)
{
	return get_tle_by_resno(query->targetList, column)->expr;
}

/* An expression converted as a cast in the view would. */
static Expr *
cast_to(Expr *expression, Oid type)
{
	Node *cast = coerce_to_target_type(NULL, (Node *) expression, exprType((Node *) expression),
									   type, -1, COERCION_EXPLICIT, COERCE_IMPLICIT_CAST, -1);

	if (cast == NULL)
		elog(ERROR, "cannot cast %s to %s", format_type_be(exprType((Node *) expression)),
			 format_type_be(type));
	return (Expr *) cast;
}

/* A view that was changed since it was tracked still reads its one table. */
static inline void
CheckStillLive(Relation view, Relation source, const List *tables, const NotLive *why)
{
	if (list_length(tables) != 1 || linitial_oid(tables) != RelationGetRelid(source))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("purchases view \"%s\" no longer follows table \"%s\"",
						RelationGetRelationName(view), RelationGetRelationName(source)),
				 why->reason ? errdetail("The view cannot be kept by triggers: %s.", why->reason)
							 : errdetail("It reads another table now."),
				 errhint("Call crm.untrack and crm.track for the view.")));
}

/* A view, the table that it reads, and the one that its rows come from: that table or a partition of it. */
typedef struct ReaderOf
{
	Relation view;
	Relation source;
	Relation rows_of;
} ReaderOf;

static List *
add_column(List *columns, Expr *expression)
{
	return lappend(columns, expression_planner(expression));
}

/* The planned expressions of a view's columns and its filter, with what was needed to plan them. */
static void
plan_expressions(ReaderPlan *plan, Relation view, Query *query)
{
	PurchasesColumns columns;
	Expr			*amount;

	purchases_columns(view, &columns);
	amount = column_expression(query, columns.amount);
	plan->nkeys = columns.nkeys;
	plan->amount_is_float8 = getBaseType(exprType((Node *) amount)) == FLOAT8OID;
	plan->has_orders = columns.orders != InvalidAttrNumber;
	plan->has_booked = columns.booked_on != InvalidAttrNumber;
	for (int i = 0; i < columns.nkeys; i++)
		plan->columns = add_column(plan->columns, column_expression(query, columns.keys[i]));
	plan->columns = add_column(plan->columns, column_expression(query, columns.purchased_on));
	plan->columns =
		add_column(plan->columns, cast_to(amount, plan->amount_is_float8 ? FLOAT8OID : NUMERICOID));
	if (plan->has_orders)
		plan->columns =
			add_column(plan->columns, cast_to(column_expression(query, columns.orders), INT4OID));
	if (plan->has_booked)
		plan->columns = add_column(plan->columns, column_expression(query, columns.booked_on));
	plan->has_category = columns.category != InvalidAttrNumber && !plan->has_booked;
	if (plan->has_category)
		plan->columns =
			add_column(plan->columns, cast_to(column_expression(query, columns.category), TEXTOID));
	if (query->jointree->quals)
		plan->filter = make_ands_implicit(expression_planner((Expr *) query->jointree->quals));
}

/*
 * What a reader is made of, of a query that stands for a view's and whose
 * columns and WHERE clause are over one kind of rows; in the current memory context.
 */
const ReaderPlan *
reader_plan_make(Relation view, Query *query)
{
	ReaderPlan *plan = palloc0(sizeof(ReaderPlan));

	plan->view = RelationGetRelid(view);
	plan_expressions(plan, view, query);
	return plan;
}

static void *
make_reader_plan(const void *arguments)
{
	const ReaderOf *of = arguments;
	ReaderPlan	   *plan = palloc0(sizeof(ReaderPlan));
	MemoryContext	kept = CurrentMemoryContext;
	MemoryContext	scratch = AllocSetContextCreate(kept, "crm planning", ALLOCSET_DEFAULT_SIZES);
	TupleConversionMap *partition;
	NotLive				why;
	List			   *tables;

	plan->view = RelationGetRelid(of->view);
	MemoryContextSwitchTo(scratch);
	tables = live_tables(of->view, OidIsValid(shard_source(of->rows_of)), &why);
	CheckStillLive(of->view, of->source, tables, &why);
	plan_expressions(plan, of->view, copyObject(get_view_query(of->view)));
	MemoryContextSwitchTo(kept);
	plan->columns = copyObject(plan->columns);
	plan->filter = copyObject(plan->filter);
	MemoryContextDelete(scratch);
	partition = convert_tuples_by_name(RelationGetDescr(of->rows_of), RelationGetDescr(of->source));
	if (partition)
		plan->partition = partition->attrMap;
	return plan;
}

/*
 * A reader of purchases from rows of the table source, or of its partition
 * rows_of. The caller has become the owner: the view's functions run as that.
 */
PurchaseReader *
purchase_reader_create(Relation view, Relation source, Relation rows_of)
{
	ReaderOf of = {view, source, rows_of};
	KeptKey	 key = {KEPT_READER,
					{RelationGetRelid(view), RelationGetRelid(source), RelationGetRelid(rows_of)}};

	CheckIsView(view);
	return purchase_reader_of_plan(kept_find_or_make(&key, make_reader_plan, &of),
								   RelationGetDescr(source));
}

static ReaderColumn
start_column(Expr *expression)
{
	ReaderColumn column = {0};

	if (IsA(expression, Var) && ((Var *) expression)->varattno > 0)
		column.attribute = ((Var *) expression)->varattno;
	else
		column.expression = ExecInitExpr(expression, NULL);
	return column;
}

/* A reader by a plan, of rows that have a layout. */
PurchaseReader *
purchase_reader_of_plan(const ReaderPlan *plan, TupleDesc rows)
{
	PurchaseReader *reader = palloc0(sizeof(PurchaseReader));
	ListCell	   *lc;

	reader->plan = plan;
	reader->context = CreateStandaloneExprContext();
	reader->filter = ExecInitQual(plan->filter, NULL);
	reader->columns = palloc(sizeof(ReaderColumn) * list_length(plan->columns));
	foreach (lc, plan->columns)
		reader->columns[foreach_current_index(lc)] = start_column(lfirst(lc));
	if (plan->partition)
		reader->source_row = MakeSingleTupleTableSlot(rows, &TTSOpsVirtual);
	return reader;
}

/* Whether the keys that are read have the types of those that customers are known by. */
bool
reader_plan_fits(const ReaderPlan *plan, const HistoriesLayout *layout)
{
	bool fits = plan->nkeys == layout->keys.n;

	for (int i = 0; fits && i < layout->keys.n; i++)
		fits = exprType(list_nth(plan->columns, i)) == TupleDescAttr(layout->deltas, i)->atttypid;
	return fits;
}

const ReaderPlan *
purchase_reader_plan(const PurchaseReader *reader)
{
	return reader->plan;
}

/* The value of the next column of the row at hand. */
static inline Datum
read_column(const PurchaseReader *reader, const ReaderColumn **at, bool *isnull)
{
	const ReaderColumn *column = (*at)++;

	if (column->attribute > 0)
		return slot_getattr(reader->context->ecxt_scantuple, column->attribute, isnull);
	return ExecEvalExprSwitchContext(column->expression, reader->context, isnull);
}

static inline int64
amount_of_column(const ReaderPlan *plan, Datum amount)
{
	return plan->amount_is_float8 ? amount_from_float8(DatumGetFloat8(amount))
								  : amount_from_numeric((Numeric) PG_DETOAST_DATUM_PACKED(amount));
}

/*
 * The purchase, or the correction, by the columns behind the keys: false if the
 * day, the amount or the weight is NULL. A view with a booked day may leave out
 * the day of the purchase, as the aggregate may.
 */
static bool
read_purchase(const PurchaseReader *reader, const ReaderColumn *column, PurchaseRow *purchase)
{
	const ReaderPlan *plan = reader->plan;
	DateADT			  day;
	DateADT			  booked = 0;
	Datum			  amount;
	int32			  orders = 1;
	bool			  no_day;
	bool			  not_booked = true;
	bool			  isnull;

	day = DatumGetDateADT(read_column(reader, &column, &no_day));
	if (no_day && !plan->has_booked)
		return false;
	amount = read_column(reader, &column, &isnull);
	if (isnull)
		return false;
	if (plan->has_orders)
		orders = DatumGetInt32(read_column(reader, &column, &isnull));
	if (isnull)
		return false;
	if (plan->has_booked)
		booked = DatumGetDateADT(read_column(reader, &column, &not_booked));
	if (no_day && not_booked)
		return false;
	if (!plan->has_booked)
	{
		CheckPurchaseDay(day);
		CheckOrders(orders);
	}
	*purchase = purchase_row(no_day ? NULL : &day, not_booked ? NULL : &booked,
							 amount_of_column(plan, amount), orders);
	return true;
}

/* What is read while an error may come. */
typedef struct Reading
{
	const ReaderPlan *plan;
	const Datum		 *keys;
	int				  nkeys; /* of them, known so far */
} Reading;

/* The context of an error: which purchases view, and whose purchase once the keys are known. */
static void
name_purchase(void *argument)
{
	const Reading *reading = argument;
	const char	  *view = get_rel_name(reading->plan->view);
	StringInfoData customer;

	if (reading->nkeys < reading->plan->nkeys)
	{
		errcontext("purchases view \"%s\"", view);
		return;
	}
	initStringInfo(&customer);
	for (int i = 0; i < reading->nkeys; i++)
	{
		Oid	 output;
		bool is_varlena;

		getTypeOutputInfo(exprType(list_nth(reading->plan->columns, i)), &output, &is_varlena);
		appendStringInfo(&customer, "%s%s", i > 0 ? ", " : "",
						 OidOutputFunctionCall(output, reading->keys[i]));
	}
	errcontext("purchases view \"%s\", customer (%s)", view, customer.data);
}

/* The category by the last column; NULL if the row has none. */
static text *
read_category(const PurchaseReader *reader)
{
	const ReaderColumn *column = reader->columns + list_length(reader->plan->columns) - 1;
	bool				isnull = !reader->plan->has_category;
	Datum				name = isnull ? (Datum) 0 : read_column(reader, &column, &isnull);

	return isnull ? NULL : mix_category_of(DatumGetTextPP(name));
}

static bool
read_row(PurchaseReader *reader, Reading *reading, Datum *keys, ViewRow *said)
{
	const ReaderColumn *column = reader->columns;
	bool				isnull;

	if (!ExecQual(reader->filter, reader->context))
		return false;
	for (int i = 0; i < reading->plan->nkeys; i++)
	{
		keys[i] = read_column(reader, &column, &isnull);
		if (isnull)
			return false;
		reading->nkeys++;
	}
	if (!read_purchase(reader, column, &said->purchase))
		return false;
	said->category = read_category(reader);
	return true;
}

/*
 * The customer's keys and what a row says: false if the view leaves the
 * row out, or if its key, day, amount or weight is NULL; what comes behind a
 * NULL is not looked at. The keys and the category live until the next call.
 */
bool
purchase_reader_read(PurchaseReader *reader, TupleTableSlot *row, Datum *keys, ViewRow *said)
{
	const ReaderPlan	*plan = reader->plan;
	Reading				 reading = {plan, keys, 0};
	ErrorContextCallback named = {error_context_stack, name_purchase, &reading};
	bool				 is_read;

	ResetExprContext(reader->context);
	if (plan->partition)
		row = execute_attr_map_slot(plan->partition, row, reader->source_row);
	reader->context->ecxt_scantuple = row;
	error_context_stack = &named;
	is_read = read_row(reader, &reading, keys, said);
	error_context_stack = named.previous;
	return is_read;
}

void
purchase_reader_free(PurchaseReader *reader)
{
	if (reader->source_row)
		ExecDropSingleTupleTableSlot(reader->source_row);
	FreeExprContext(reader->context, true);
	pfree(reader);
}
