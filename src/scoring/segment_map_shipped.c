/*
 * segment_map_shipped.c: the maps that come with the extension.
 *
 * Every map is total, and no two of its rules overlap. The names stand in the
 * order of their value to the shop, which is their rank.
 */
#include "crm.h"

#include "scoring/segment_map.h"
#include "utils/memutils.h"

typedef enum ShippedMap
{
	RF_GRID,
	RFM_CELLS,
	RF_GRID_3,
	RF_GRID_4
} ShippedMap;

#define SHIPPED_MAPS 4

static const char *const map_texts[SHIPPED_MAPS] = {
	/* rf_grid: the widespread 5x5 grid of recency and frequency; monetary is not looked at */
	[RF_GRID] = "Champions: r 5, f 4-5; "
				"Loyal: r 3-4, f 4-5; "
				"Potential Loyalist: r 4-5, f 2-3; "
				"New: r 5, f 1; "
				"Promising: r 4, f 1; "
				"Need Attention: r 3, f 3; "
				"About To Sleep: r 3, f 1-2; "
				"At Risk: r 1-2, f 3-4; "
				"Cannot Lose: r 1-2, f 5; "
				"Hibernating: r 1-2, f 1-2",

	/* rfm_cells: eleven segments that look at all three scores */
	[RFM_CELLS] = "Champions: r 5, f 4, m 4; "
				  "Champions: r 4-5, f 5, m 4-5; "
				  "Champions: r 4-5, f 4, m 5; "
				  "Loyal: r 5, f 4, m 3; "
				  "Loyal: r 4, f 4, m 4; "
				  "Loyal: r 3-4, f 3, m 5; "
				  "Loyal: r 3, f 4-5, m 4-5; "
				  "Potential Loyalist: r 5, f 3, m 1-3; "
				  "Potential Loyalist: r 3-5, f 5, m 1-3; "
				  "Potential Loyalist: r 3-5, f 4, m 1-2; "
				  "Potential Loyalist: r 4, f 3, m 1-2; "
				  "Potential Loyalist: r 3-4, f 2-3, m 3; "
				  "New: r 4-5, f 1, m 2; "
				  "New: r 3-5, f 1, m 1; "
				  "New: r 4, f 2, m 1-2; "
				  "Promising: r 5, f 2; "
				  "Promising: r 3-5, f 1, m 3-5; "
				  "Promising: r 4, f 2, m 4-5; "
				  "Need Attention: r 5, f 3, m 4-5; "
				  "Need Attention: r 3-4, f 4, m 3; "
				  "Need Attention: r 3-4, f 3, m 4; "
				  "Need Attention: r 3, f 2, m 4-5; "
				  "About To Sleep: r 3, f 1, m 2; "
				  "About To Sleep: r 2-3, f 2-3, m 1; "
				  "About To Sleep: r 2, f 4-5, m 1; "
				  "About To Sleep: r 2, f 1, m 3; "
				  "At Risk: r 2, f 3-5, m 4-5; "
				  "At Risk: r 1-2, f 4-5, m 2-3; "
				  "At Risk: r 1-2, f 2, m 4-5; "
				  "At Risk: r 1, f 4, m 5; "
				  "At Risk: r 1, f 3, m 3-5; "
				  "Cannot Lose: r 2, f 1, m 4-5; "
				  "Cannot Lose: r 1, f 5, m 5; "
				  "Cannot Lose: r 1, f 4-5, m 4; "
				  "Cannot Lose: r 1, f 1, m 3-5; "
				  "Hibernating: r 1-3, f 2-3, m 2; "
				  "Hibernating: r 2, f 2-3, m 3; "
				  "Hibernating: r 2, f 1, m 1-2; "
				  "Hibernating: r 1, f 2, m 3; "
				  "Lost: r 1, f 2-5, m 1; "
				  "Lost: r 1, f 1, m 1-2",

	/* rf_grid_3: the grid of three bins, a segment a cell */
	[RF_GRID_3] = "bins 3; "
				  "Champions: r 3, f 3; "
				  "Loyal: r 2, f 3; "
				  "Potential Loyalist: r 3, f 2; "
				  "New: r 3, f 1; "
				  "Need Attention: r 2, f 2; "
				  "About To Sleep: r 2, f 1; "
				  "At Risk: r 1, f 2; "
				  "Cannot Lose: r 1, f 3; "
				  "Hibernating: r 1, f 1",

	/* rf_grid_4: the grid of four bins */
	[RF_GRID_4] = "bins 4; "
				  "Champions: r 4, f 3-4; "
				  "Loyal: r 3, f 3-4; "
				  "Potential Loyalist: r 3-4, f 2; "
				  "New: r 4, f 1; "
				  "Promising: r 3, f 1; "
				  "Need Attention: r 2, f 2; "
				  "About To Sleep: r 2, f 1; "
				  "At Risk: r 1-2, f 3; "
				  "Cannot Lose: r 1-2, f 4; "
				  "Hibernating: r 1, f 1-2",
};

static SegmentMap *
copy_map(const SegmentMap *map, MemoryContext context)
{
	SegmentMap *copy = MemoryContextAlloc(context, VARSIZE(map));

	memcpy(copy, map, VARSIZE(map));
	return copy;
}

/* A shipped map, read once a backend. */
static const SegmentMap *
shipped_map(ShippedMap which)
{
	static const SegmentMap *maps[SHIPPED_MAPS];

	if (maps[which] == NULL)
		maps[which] = copy_map(segment_map_parse(map_texts[which]), TopMemoryContext);
	return maps[which];
}

/* The map that segment() takes when none is given; NULL for bins without one. */
const SegmentMap *
segment_map_default(int bins)
{
	switch (bins)
	{
		case 3:
			return shipped_map(RF_GRID_3);
		case 4:
			return shipped_map(RF_GRID_4);
		case 5:
			return shipped_map(RF_GRID);
		default:
			return NULL;
	}
}

/* The grid of so many bins, 5 by default; an error if none comes with them. */
PG_FUNCTION_INFO_V1(crm_rf_grid);
Datum
crm_rf_grid(PG_FUNCTION_ARGS)
{
	int				  bins = PG_NARGS() > 0 ? PG_GETARG_INT32(0) : 5;
	const SegmentMap *map = segment_map_default(bins);

	if (map == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no segment map for %d bins", bins),
						errhint("Give one of your own; maps come with 3, 4 and 5 bins.")));
	PG_RETURN_SEGMENT_MAP(copy_map(map, CurrentMemoryContext));
}

PG_FUNCTION_INFO_V1(crm_rfm_cells);
Datum
crm_rfm_cells(PG_FUNCTION_ARGS)
{
	PG_RETURN_SEGMENT_MAP(copy_map(shipped_map(RFM_CELLS), CurrentMemoryContext));
}

/* The grids of 0.2 by names of their own. */
PG_FUNCTION_INFO_V1(crm_rf_grid_3);
Datum
crm_rf_grid_3(PG_FUNCTION_ARGS)
{
	PG_RETURN_SEGMENT_MAP(copy_map(shipped_map(RF_GRID_3), CurrentMemoryContext));
}

PG_FUNCTION_INFO_V1(crm_rf_grid_4);
Datum
crm_rf_grid_4(PG_FUNCTION_ARGS)
{
	PG_RETURN_SEGMENT_MAP(copy_map(shipped_map(RF_GRID_4), CurrentMemoryContext));
}
