/*
 * layout.c: where a table of histories has what, kept until the table
 * changes.
 */
#include "crm.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "live/live.h"
#include "live/kept.h"

/* A table of histories and its primary key. */
typedef struct KeyedTable
{
	Relation rel;
	Relation index;
} KeyedTable;

static Bitmapset *
add_column(Bitmapset *columns, AttrNumber column)
{
	return bms_add_member(columns, column - FirstLowInvalidHeapAttributeNumber);
}

static Bitmapset *
written_columns(const HistoriesLayout *layout)
{
	Bitmapset *columns = add_column(NULL, layout->history);

	for (int i = 0; i < SCORE_COLUMNS; i++)
		columns = add_column(columns, layout->scores[i]);
	columns = add_column(columns, layout->scored_on);
	return add_column(columns, layout->updated_at);
}

static void *
make_layout(const void *of)
{
	Relation		 rel = ((const KeyedTable *) of)->rel;
	HistoriesLayout *layout = palloc0(sizeof(HistoriesLayout));

	customer_keys_init(&layout->keys, ((const KeyedTable *) of)->index);
	layout->history = column_of_type(rel, "history", crm_type("purchase_history"));
	for (int i = 0; i < SCORE_COLUMNS; i++)
		layout->scores[i] = column_of_type(rel, score_column_names[i], score_column_types[i]);
	layout->scored_on = column_of_type(rel, "scored_on", DATEOID);
	layout->updated_at = column_of_type(rel, "updated_at", TIMESTAMPTZOID);
	layout->written = written_columns(layout);
	layout->given = bms_copy(layout->written);
	for (int i = 0; i < layout->keys.n; i++)
		layout->given = add_column(layout->given, layout->keys.columns[i]);
	layout->deltas = deltas_descriptor(rel, &layout->keys);
	return layout;
}

/* The layout of a table of histories with its primary key; errors if columns are missing or of other types. */
const HistoriesLayout *
histories_layout(Relation rel, Relation index)
{
	KeyedTable table = {rel, index};
	KeptKey	   key = {KEPT_LAYOUT, {RelationGetRelid(rel), RelationGetRelid(index)}};

	return kept_find_or_make(&key, make_layout, &table);
}
