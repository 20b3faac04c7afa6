/*
 * group.c: views that join and group: a header with its lines is one
 * purchase, summed anew as it was before the statement and as it is after it.
 *
 * The lines as they were are those that are there, less those that came and
 * with those that went: sums of exact numbers and counts know no order, so that
 * this is to the last digit what the view gave.
 *
 * Sessions that change lines of one header hold its row against each other, so
 * that each sums the lines that the others have written; against a statement on
 * the header, or on a row that follows from it, they hold that row anyway.
 * Rows that lines of many headers share would have to be held together with all of
 * these: a view that looks up such rows is not followed.
 */
#include "crm.h"

#include "live/join.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

/* A line, as far as the view uses it. */
typedef struct Line
{
	struct Line *next;
	bool		 came; /* in the statement; or went, or is there */
	bool		 went;
	Datum		*values;
	bool		*nulls;
} Line;

typedef struct Header
{
	struct Header *next;
	Datum		  *key;
	Line		  *lines;
} Header;

typedef struct Groups
{
	const JoinPlan *plan;
	const JoinKeys *keys;
	MemoryContext	context;
	HTAB		   *chains;
	List		   *all; /* Header * */
	List		   *ids; /* their keys, Datum * */
} Groups;

/* The sums of a group so far. */
typedef struct Sum
{
	Datum total; /* 0 for none yet */
	int64 n;	 /* of rows that have a value */
} Sum;

/* ---- which groups ---- */

Groups *
groups_create(const JoinPlan *plan)
{
	Groups *groups = palloc0(sizeof(Groups));

	groups->plan = plan;
	groups->keys = &plan->tables[plan->groups->header].given;
	groups->context = CurrentMemoryContext;
	groups->chains = key_chains_create("crm groups", CurrentMemoryContext);
	return groups;
}

static Header *
find_group(Groups *groups, const Datum *key, bool create)
{
	void  **chain = key_chain(groups->chains, join_keys_hash(groups->keys, key), create);
	Header *group;

	for (group = chain ? *chain : NULL; group; group = group->next)
		if (join_keys_equal(groups->keys, groups->keys->equal, group->key, key))
			return group;
	if (!create)
		return NULL;
	group = palloc0(sizeof(Header));
	group->key = join_keys_copy(groups->keys, key);
	group->next = *chain;
	*chain = group;
	groups->all = lappend(groups->all, group);
	groups->ids = lappend(groups->ids, group->key);
	return group;
}

/* Sum the header with a key anew. */
void
groups_touch_key(Groups *groups, const Datum *key)
{
	(void) find_group(groups, key, true);
}

/* The key of a line's header; false if the line has none. */
static bool
header_key(const Groups *groups, const Datum *values, const bool *nulls, Datum *key)
{
	for (int i = 0; i < groups->keys->n; i++)
	{
		int column = groups->plan->groups->columns[i];

		if (nulls[column])
			return false;
		key[i] = values[column];
	}
	return true;
}

static Line *
copy_line(const Groups *groups, TupleDesc desc, const Datum *values, const bool *nulls)
{
	const JoinTable *table = &groups->plan->tables[0];
	Line			*line = palloc0(sizeof(Line));

	line->values = palloc(sizeof(Datum) * table->ncolumns);
	line->nulls = palloc(sizeof(bool) * table->ncolumns);
	for (int i = 0; i < table->ncolumns; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, table->columns[i] - 1);

		line->nulls[i] = nulls[i];
		line->values[i] =
			nulls[i] ? (Datum) 0 : datumCopy(values[i], column->attbyval, column->attlen);
	}
	return line;
}

/* Add a line to its group; those of groups that are not there are left out unless they are to be made. */
static Line *
add_line(Groups *groups, TupleTableSlot *row, bool create)
{
	Datum	values[MaxTupleAttributeNumber];
	bool	nulls[MaxTupleAttributeNumber];
	Datum	key[INDEX_MAX_KEYS];
	Header *group;
	Line   *line;

	join_project(&groups->plan->tables[0], row, values, nulls);
	if (!header_key(groups, values, nulls, key))
		return NULL;
	group = find_group(groups, key, create);
	if (group == NULL)
		return NULL;
	line = copy_line(groups, row->tts_tupleDescriptor, values, nulls);
	line->next = group->lines;
	group->lines = line;
	return line;
}

/* Sum the header of a line anew. */
void
groups_touch(Groups *groups, TupleTableSlot *row)
{
	Datum values[MaxTupleAttributeNumber];
	bool  nulls[MaxTupleAttributeNumber];
	Datum key[INDEX_MAX_KEYS];

	join_project(&groups->plan->tables[0], row, values, nulls);
	if (header_key(groups, values, nulls, key))
		(void) find_group(groups, key, true);
}

/* A line that came or went. */
void
groups_add_driving(Groups *groups, TupleTableSlot *row, bool is_new)
{
	Line *line = add_line(groups, row, true);

	if (line)
	{
		line->came = is_new;
		line->went = !is_new;
	}
}

/* ---- their lines ---- */

static void
found_line(JoinRun *run, int table, TupleTableSlot *row, void *of)
{
	(void) run;
	(void) table;
	(void) add_line(of, row, false);
}

/* Add the lines that are there to all groups. */
static void
read_lines(JoinRun *run, Groups *groups)
{
	int header = groups->plan->groups->header;

	if (!OidIsValid(groups->plan->tables[header].parent_index) ||
		join_is_scan_faster(run, groups->ids))
		join_scan_driving(run, found_line, groups);
	else
		join_scan_parent(run, header, groups->ids, found_line, groups);
}

/* ---- their sums ---- */

/* Expressions of the sums, ready to be evaluated over the joined row. */
typedef struct Summing
{
	const JoinGroups *plan;
	ExprContext		 *context;
	ExprState		**values; /* NULL counts all */
	ExprState		**filters;
	Sum				 *sums;
	TupleTableSlot	 *row; /* of a group */
} Summing;

static void
start_summing(Summing *summing, JoinRun *run)
{
	const JoinGroups *plan = run->plan->groups;

	summing->plan = plan;
	summing->context = CreateStandaloneExprContext();
	summing->context->ecxt_scantuple = join_reader_row(run->reader);
	summing->values = palloc0(sizeof(ExprState *) * (plan->nsums + 1));
	summing->filters = palloc0(sizeof(ExprState *) * (plan->nsums + 1));
	summing->sums = palloc0(sizeof(Sum) * (plan->nsums + 1));
	for (int i = 0; i < plan->nsums; i++)
	{
		if (plan->sums[i].value)
			summing->values[i] = ExecInitExpr(plan->sums[i].value, NULL);
		summing->filters[i] = ExecInitQual(plan->sums[i].filter, NULL);
	}
	summing->row = MakeSingleTupleTableSlot(plan->row, &TTSOpsVirtual);
}

/* Add the joined row to a sum, or take it away. */
static void
add_to_sum(Summing *summing, int i, int sign)
{
	const JoinSum *plan = &summing->plan->sums[i];
	Sum			  *sum = &summing->sums[i];
	Datum		   value = (Datum) 0;
	bool		   isnull = false;

	if (summing->filters[i] && !ExecQual(summing->filters[i], summing->context))
		return;
	if (summing->values[i])
		value = ExecEvalExpr(summing->values[i], summing->context, &isnull);
	if (isnull)
		return;
	sum->n += sign;
	if (plan->counts)
		return;
	if (sum->total == (Datum) 0)
		sum->total = DirectFunctionCall1(int8_numeric, Int64GetDatum(0));
	sum->total = DirectFunctionCall2(sign > 0 ? numeric_add : numeric_sub, sum->total, value);
}

/* The value of an aggregate; NULL for the sum of nothing. */
static Datum
sum_value(const JoinSum *plan, const Sum *sum, bool *isnull)
{
	*isnull = !plan->counts && sum->n == 0;
	if (*isnull)
		return (Datum) 0;
	if (plan->counts)
		return Int64GetDatum(sum->n);
	return plan->type == INT8OID ? DirectFunctionCall1(numeric_int8, sum->total) : sum->total;
}

/* The row of a group: the header's columns of the last line, which all lines share, and the sums. */
static void
set_group_row(Summing *summing)
{
	TupleTableSlot *joined = summing->context->ecxt_scantuple;
	int				natts = joined->tts_tupleDescriptor->natts;

	ExecClearTuple(summing->row);
	memcpy(summing->row->tts_values, joined->tts_values, sizeof(Datum) * natts);
	memcpy(summing->row->tts_isnull, joined->tts_isnull, sizeof(bool) * natts);
	for (int i = 0; i < summing->plan->nsums; i++)
		summing->row->tts_values[natts + i] = sum_value(&summing->plan->sums[i], &summing->sums[i],
														&summing->row->tts_isnull[natts + i]);
	ExecStoreVirtualTuple(summing->row);
}

/* Add the purchase of a group, before the statement or after it, to the deltas. */
static void
add_purchase(JoinRun *run, Summing *summing, const Header *group, JoinTime when)
{
	Datum	keys[INDEX_MAX_KEYS];
	ViewRow said;
	int64	nlines = 0;

	memset(summing->sums, 0, sizeof(Sum) * summing->plan->nsums);
	for (const Line *line = group->lines; line; line = line->next)
	{
		int sign = line->came ? -1 : 1;

		if ((when == AFTER_STATEMENT && (line->came || line->went)) ||
			!join_reader_join(run->reader, line->values, line->nulls, when))
			continue;
		nlines += sign;
		for (int i = 0; i < summing->plan->nsums; i++)
			add_to_sum(summing, i, sign);
	}
	if (nlines == 0)
		return;
	set_group_row(summing);
	if (join_reader_read_group(run->reader, summing->row, keys, &said))
		join_add_delta(run, keys, &said, when == BEFORE_STATEMENT);
}

/* ---- all of them ---- */

/* Add to the deltas what the groups were and are; emptied if all lines are about to go. */
void
groups_add_deltas(JoinRun *run, bool emptied)
{
	Groups		 *groups = run->groups;
	Summing		  summing;
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "crm group", ALLOCSET_DEFAULT_SIZES);
	ListCell *lc;

	if (groups->all == NIL)
		return;
	/* the lines as they are now that their headers are held */
	join_reader_renew(run->reader);
	read_lines(run, groups);
	start_summing(&summing, run);
	foreach (lc, groups->all)
	{
		MemoryContext before = MemoryContextSwitchTo(scratch);

		add_purchase(run, &summing, lfirst(lc), BEFORE_STATEMENT);
		if (!emptied)
			add_purchase(run, &summing, lfirst(lc), AFTER_STATEMENT);
		MemoryContextSwitchTo(before);
		MemoryContextReset(scratch);
		ResetExprContext(summing.context);
	}
	ExecDropSingleTupleTableSlot(summing.row);
	FreeExprContext(summing.context, true);
}
