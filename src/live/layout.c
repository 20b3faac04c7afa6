/*
 * layout.c: where a table of histories has what, kept until the table
 * changes.
 */
#include "crm.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "live/catalog.h"
#include "live/kept.h"
#include "live/keys.h"
#include "live/layout.h"

/* A table of histories and its primary key. */
typedef struct KeyedTable
{
	Relation rel;
	Relation index;
} KeyedTable;

/* In the order of ScoreColumn and of crm.customer_score. */
const char *const score_column_names[SCORE_COLUMNS] = {
	[SCORE_RFM] = "rfm",
	[SCORE_RECENCY] = "recency_score",
	[SCORE_FREQUENCY] = "frequency_score",
	[SCORE_MONETARY] = "monetary_score",
	[SCORE_SEGMENT] = "segment",
	[SCORE_SEGMENT_RANK] = "segment_rank",
	[SCORE_TIER] = "tier",
	[SCORE_P_ALIVE] = "p_alive",
	[SCORE_EXPECTED_PURCHASES] = "expected_purchases",
	[SCORE_CLV] = "clv",
	[SCORE_EXPECTED_NEXT_PURCHASE_ON] = "expected_next_purchase_on",
};

const Oid score_column_types[SCORE_COLUMNS] = {
	[SCORE_RFM] = TEXTOID,
	[SCORE_RECENCY] = INT2OID,
	[SCORE_FREQUENCY] = INT2OID,
	[SCORE_MONETARY] = INT2OID,
	[SCORE_SEGMENT] = TEXTOID,
	[SCORE_SEGMENT_RANK] = INT2OID,
	[SCORE_TIER] = TEXTOID,
	[SCORE_P_ALIVE] = FLOAT8OID,
	[SCORE_EXPECTED_PURCHASES] = FLOAT8OID,
	[SCORE_CLV] = FLOAT8OID,
	[SCORE_EXPECTED_NEXT_PURCHASE_ON] = DATEOID,
};

static Bitmapset *
add_column(Bitmapset *columns, AttrNumber column)
{
	return bms_add_member(columns, column - FirstLowInvalidHeapAttributeNumber);
}

static Bitmapset *
written_columns(const HistoriesLayout *layout)
{
	Bitmapset *columns = add_column(NULL, layout->history);

	if (layout->mix != InvalidAttrNumber)
		columns = add_column(columns, layout->mix);
	for (int i = 0; i < SCORE_COLUMNS; i++)
		columns = add_column(columns, layout->scores[i]);
	columns = add_column(columns, layout->scored_on);
	return add_column(columns, layout->updated_at);
}

/* The keys as the table of histories has them, then the purchase. */
static TupleDesc
deltas_descriptor(Relation histories, const CustomerKeys *keys, bool with_mix)
{
	TupleDesc desc =
		CreateTemplateTupleDesc(keys->n + (with_mix ? DELTA_MIX_COLUMNS : DELTA_COLUMNS));

	for (int i = 0; i < keys->n; i++)
		TupleDescCopyEntry(desc, i + 1, RelationGetDescr(histories), keys->columns[i]);
	TupleDescInitEntry(desc, keys->n + 1 + DELTA_WENT, "went", BOOLOID, -1, 0);
	TupleDescInitEntry(desc, keys->n + 1 + DELTA_DAY, "day", DATEOID, -1, 0);
	TupleDescInitEntry(desc, keys->n + 1 + DELTA_BOOKED, "booked", DATEOID, -1, 0);
	TupleDescInitEntry(desc, keys->n + 1 + DELTA_ORDERS, "orders", INT4OID, -1, 0);
	TupleDescInitEntry(desc, keys->n + 1 + DELTA_AMOUNT, "amount", INT8OID, -1, 0);
	if (!with_mix)
		return desc;
	TupleDescInitEntry(desc, keys->n + 1 + DELTA_CATEGORY, "category", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, keys->n + 1 + DELTA_CATEGORY_ORDERS, "category_orders", INT4OID, -1,
					   0);
	TupleDescInitEntry(desc, keys->n + 1 + DELTA_CATEGORY_AMOUNT, "category_amount", INT8OID, -1,
					   0);
	return desc;
}

/* A tracking that counts days keeps its rows beside the history that is read. */
static void
set_history(HistoriesLayout *layout, Relation rel)
{
	layout->history = column_of_type(rel, "history", crm_type("purchase_history"));
	layout->scored = layout->history;
	if (TupleDescAttr(RelationGetDescr(rel), layout->scored - 1)->attgenerated != '\0')
		layout->history = column_of_type(rel, "row_history", crm_type("purchase_history"));
}

/* The column of the mix; a key of the customer may have its name. */
static AttrNumber
mix_column(Relation rel)
{
	AttrNumber column = column_of_name(rel, "mix");

	if (column <= 0 ||
		TupleDescAttr(RelationGetDescr(rel), column - 1)->atttypid != crm_type_if_any("mix"))
		return InvalidAttrNumber;
	return column;
}

static void *
make_layout(const void *of)
{
	Relation		 rel = ((const KeyedTable *) of)->rel;
	HistoriesLayout *layout = palloc0(sizeof(HistoriesLayout));

	customer_keys_init(&layout->keys, ((const KeyedTable *) of)->index);
	set_history(layout, rel);
	layout->mix = mix_column(rel);
	for (int i = 0; i < SCORE_COLUMNS; i++)
		layout->scores[i] = column_of_type(rel, score_column_names[i], score_column_types[i]);
	layout->scored_on = column_of_type(rel, "scored_on", DATEOID);
	layout->updated_at = column_of_type(rel, "updated_at", TIMESTAMPTZOID);
	layout->written = written_columns(layout);
	layout->given = bms_copy(layout->written);
	for (int i = 0; i < layout->keys.n; i++)
		layout->given = add_column(layout->given, layout->keys.columns[i]);
	layout->deltas = deltas_descriptor(rel, &layout->keys, layout->mix != InvalidAttrNumber);
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

/* The history that is scored, of what the rows add up to: with each day counted once, if the table keeps that. */
Datum
scored_history(const HistoriesLayout *layout, const PurchaseHistory *rows)
{
	if (layout->scored == layout->history)
		return PointerGetDatum(rows);
	return PointerGetDatum(purchase_history_count_days(rows));
}
