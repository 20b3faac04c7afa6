/*
 * layout.h: where a table of histories has what.
 */
#ifndef CRM_LIVE_LAYOUT_H
#define CRM_LIVE_LAYOUT_H

#include "crm.h"

#include "history/purchase_history.h"
#include "live/keys.h"
#include "nodes/bitmapset.h"

typedef enum ScoreColumn
{
	SCORE_RFM,
	SCORE_RECENCY,
	SCORE_FREQUENCY,
	SCORE_MONETARY,
	SCORE_SEGMENT,
	SCORE_SEGMENT_RANK,
	SCORE_TIER,
	SCORE_P_ALIVE,
	SCORE_EXPECTED_PURCHASES,
	SCORE_CLV,
	SCORE_EXPECTED_NEXT_PURCHASE_ON,
	SCORE_COLUMNS
} ScoreColumn;

/* What follows the keys in a sorted row. */
enum
{
	DELTA_WENT,
	DELTA_DAY,
	DELTA_BOOKED, /* the day, unless it is a correction of a later one */
	DELTA_ORDERS,
	DELTA_AMOUNT,
	DELTA_COLUMNS,
	/* and where a mix is kept: */
	DELTA_CATEGORY = DELTA_COLUMNS, /* NULL for none */
	DELTA_CATEGORY_ORDERS,
	DELTA_CATEGORY_AMOUNT,
	DELTA_MIX_COLUMNS
};

extern const char *const score_column_names[SCORE_COLUMNS];
extern const Oid		 score_column_types[SCORE_COLUMNS];

typedef struct HistoriesLayout
{
	CustomerKeys keys;
	AttrNumber	 history; /* what the rows of the purchases views add up to */
	AttrNumber
		scored; /* the same column, or that in which each day counts once, which the table generates */
	AttrNumber mix; /* of categories; InvalidAttrNumber where none is kept */
	AttrNumber scores[SCORE_COLUMNS];
	AttrNumber scored_on;
	AttrNumber updated_at;
	Bitmapset *written; /* columns that an update may change, as the executor counts them */
	Bitmapset *given;	/* those and the keys */
	TupleDesc  deltas;	/* the keys, then DELTA_COLUMNS or DELTA_MIX_COLUMNS */
} HistoriesLayout;

extern const HistoriesLayout *histories_layout(Relation histories, Relation index);
extern Datum scored_history(const HistoriesLayout *layout, const PurchaseHistory *rows);

#endif /* CRM_LIVE_LAYOUT_H */
