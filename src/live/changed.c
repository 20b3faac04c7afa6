/*
 * changed.c: the rows of a looked-up table that came and went, as far as
 * the view sees them: what came and went again, or is equal in all columns that
 * the view uses, is no change.
 */
#include "crm.h"

#include "live/join.h"

#include "utils/datum.h"
#include "utils/memutils.h"

/* The columns of a table's row that the view uses; they point into the row. */
void
join_project(const JoinTable *table, TupleTableSlot *row, Datum *values, bool *nulls)
{
	slot_getsomeattrs(row, table->last_column);
	for (int i = 0; i < table->ncolumns; i++)
	{
		values[i] = row->tts_values[table->columns[i] - 1];
		nulls[i] = row->tts_isnull[table->columns[i] - 1];
	}
}

static inline bool
same_value(Form_pg_attribute column, Datum a, bool a_null, Datum b, bool b_null)
{
	if (a_null || b_null)
		return a_null == b_null;
	return datum_image_eq(a, b, column->attbyval, column->attlen);
}

/* Whether two rows of a table are one for the view. */
bool
join_same_columns(const JoinTable *table, TupleTableSlot *a, TupleTableSlot *b)
{
	slot_getsomeattrs(a, table->last_column);
	slot_getsomeattrs(b, table->last_column);
	for (int i = 0; i < table->ncolumns; i++)
	{
		int column = table->columns[i] - 1;

		if (!same_value(TupleDescAttr(a->tts_tupleDescriptor, column), a->tts_values[column],
						a->tts_isnull[column], b->tts_values[column], b->tts_isnull[column]))
			return false;
	}
	return true;
}

/* No changes yet, in the current memory context. */
ChangedRows *
changed_rows_create(const JoinTable *table)
{
	ChangedRows *changed = palloc0(sizeof(ChangedRows));

	changed->table = table;
	changed->context = CurrentMemoryContext;
	changed->chains = key_chains_create("crm changed rows", changed->context);
	return changed;
}

static bool
is_same_row(const JoinTable *table, TupleDesc desc, const ChangedRow *row, const Datum *values,
			const bool *nulls)
{
	for (int i = 0; i < table->ncolumns; i++)
		if (!same_value(TupleDescAttr(desc, table->columns[i] - 1), row->values[i], row->nulls[i],
						values[i], nulls[i]))
			return false;
	return true;
}

/* The keys of a projected row; false if one is NULL, so that nothing is equal to it. */
static bool
keys_of(const JoinTable *table, const Datum *values, const bool *nulls, Datum *keys)
{
	for (int i = 0; i < table->own.n; i++)
	{
		if (nulls[table->key_columns[i]])
			return false;
		keys[i] = values[table->key_columns[i]];
	}
	return true;
}

static ChangedRow *
copy_row(const ChangedRows *changed, TupleDesc desc, const Datum *values, const bool *nulls)
{
	const JoinTable *table = changed->table;
	ChangedRow		*row = palloc0(sizeof(ChangedRow));

	row->values = palloc(sizeof(Datum) * table->ncolumns);
	row->nulls = palloc(sizeof(bool) * table->ncolumns);
	row->keys = palloc(sizeof(Datum) * table->own.n);
	for (int i = 0; i < table->ncolumns; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, table->columns[i] - 1);

		row->nulls[i] = nulls[i];
		row->values[i] =
			nulls[i] ? (Datum) 0 : datumCopy(values[i], column->attbyval, column->attlen);
	}
	keys_of(table, row->values, row->nulls, row->keys);
	return row;
}

/* Add a row that came or went; one that is equal to one that did the opposite cancels it. */
void
changed_rows_add(ChangedRows *changed, TupleTableSlot *row, bool is_new)
{
	const JoinTable *table = changed->table;
	TupleDesc		 desc = row->tts_tupleDescriptor;
	Datum			 values[MaxTupleAttributeNumber];
	bool			 nulls[MaxTupleAttributeNumber];
	Datum			 keys[INDEX_MAX_KEYS];
	uint32			 hash;
	void		   **chain;
	ChangedRow		*added;
	MemoryContext	 before;

	join_project(table, row, values, nulls);
	if (!keys_of(table, values, nulls, keys))
		return;
	hash = join_keys_hash(&table->own, keys);
	chain = key_chain(changed->chains, hash, true);
	for (ChangedRow *other = *chain; other; other = other->next)
		if (!other->cancelled && other->is_new != is_new &&
			is_same_row(table, desc, other, values, nulls))
		{
			other->cancelled = true;
			changed->n--;
			return;
		}

	before = MemoryContextSwitchTo(changed->context);
	added = copy_row(changed, desc, values, nulls);
	added->hash = hash;
	added->is_new = is_new;
	added->next = *chain;
	added->later = changed->first;
	*chain = changed->first = added;
	changed->n++;
	MemoryContextSwitchTo(before);
}

/*
 * What the row with some keys, given as the other side of the join has them,
 * was before and is now, NULL for none; false if it is the same.
 */
bool
changed_rows_find(const ChangedRows *changed, const Datum *given, const ChangedRow **was,
				  const ChangedRow **is)
{
	const JoinTable *table = changed->table;
	void		   **chain;

	*was = *is = NULL;
	if (changed->n == 0)
		return false;
	chain = key_chain(changed->chains, join_keys_hash(&table->given, given), false);
	if (chain == NULL)
		return false;
	for (ChangedRow *row = *chain; row; row = row->next)
		if (!row->cancelled && join_keys_equal(&table->own, table->equal, row->keys, given))
			*(row->is_new ? is : was) = row;
	return *was || *is;
}

/* Whether a row that came has taken the place of one that went, or the other way round. */
bool
changed_rows_has_pair(const ChangedRows *changed, const ChangedRow *row)
{
	const JoinTable *table = changed->table;

	for (ChangedRow *other = *key_chain(changed->chains, row->hash, false); other;
		 other = other->next)
		if (!other->cancelled && other->is_new != row->is_new &&
			join_keys_equal(&table->own, table->own.equal, other->keys, row->keys))
			return true;
	return false;
}
