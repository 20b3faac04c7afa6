/*
 * segment.c: the segment of a score, and whether a map can be relied on.
 */
#include "crm.h"

#include "catalog/pg_type.h"
#include "base/rows.h"
#include "scoring/segment_map.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* A map speaks of scores of its own bins only. */
static inline void
CheckMapBins(Rfm rfm, const SegmentMap *map)
{
	if (unlikely(rfm_bins(rfm) != map->bins))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("score %s has %d bins, but the segment map is for %d",
							   rfm_to_text(rfm), rfm_bins(rfm), map->bins)));
}

/* The rule of a map, for as many bins as the score has, that gives the score its segment; NULL for none. */
const SegmentRule *
segment_of(const SegmentMap *map, Rfm rfm)
{
	int rule;

	CheckMapBins(rfm, map);
	rule = segment_map_cells(map)[segment_cell(rfm)];
	return rule == 0 ? NULL : &map->rules[rule - 1];
}

/* The map given as second argument, or, without one, that which comes with the bins of the score. */
static inline const SegmentMap *
map_argument(FunctionCallInfo fcinfo, Rfm rfm)
{
	const SegmentMap *map;

	if (PG_NARGS() > 1 && !PG_ARGISNULL(1))
		return PG_GETARG_SEGMENT_MAP(1);
	map = segment_map_default(rfm_bins(rfm));
	if (unlikely(map == NULL))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("no segment map comes with scores of %d bins", rfm_bins(rfm)),
						errhint("Give a map as the second argument.")));
	return map;
}

/* The rule of a map that matches a score. */
typedef struct Match
{
	const SegmentMap  *map;
	const SegmentRule *rule;
} Match;

/* The first rule that matches the score of (rfm [, map]); false without a score or a rule. */
static bool
find_match(FunctionCallInfo fcinfo, Match *match)
{
	Rfm rfm;

	if (PG_ARGISNULL(0))
		return false;
	rfm = PG_GETARG_RFM(0);
	match->map = map_argument(fcinfo, rfm);
	match->rule = segment_of(match->map, rfm);
	return match->rule != NULL;
}

/* The name of a segment, as text. */
Datum
segment_name_datum(const SegmentMap *map, int segment)
{
	SegmentName name = segment_map_name(map, segment);

	return PointerGetDatum(cstring_to_text_with_len(name.start, name.length));
}

/* (rfm [, map]): the segment; NULL if no rule matches. */
PG_FUNCTION_INFO_V1(crm_segment);
Datum
crm_segment(PG_FUNCTION_ARGS)
{
	Match match;

	if (!find_match(fcinfo, &match))
		PG_RETURN_NULL();
	return segment_name_datum(match.map, match.rule->segment);
}

/* (rfm [, map]): the rule that gave the segment, as it stands in the map; NULL if none. */
PG_FUNCTION_INFO_V1(crm_segment_rule);
Datum
crm_segment_rule(PG_FUNCTION_ARGS)
{
	Match match;

	if (!find_match(fcinfo, &match))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(
		cstring_to_text(segment_rule_to_text(match.map, (int) (match.rule - match.map->rules))));
}

/* (rfm [, map]): the segment's place in the map, 1 for the first; NULL if no rule matches. */
PG_FUNCTION_INFO_V1(crm_segment_rank);
Datum
crm_segment_rank(PG_FUNCTION_ARGS)
{
	Match match;

	if (!find_match(fcinfo, &match))
		PG_RETURN_NULL();
	PG_RETURN_INT32(match.rule->segment + 1);
}

/* The names of the segments whose rules match a score, the deciding one first; how many. */
static int
matching_segments(const SegmentMap *map, Rfm rfm, bool *seen, Datum *names)
{
	int n = 0;

	memset(seen, 0, map->nsegments * sizeof(bool));
	for (int i = 0; i < map->nrules; i++)
	{
		int segment = map->rules[i].segment;

		if (seen[segment] || !segment_rule_matches(&map->rules[i], rfm))
			continue;
		seen[segment] = true;
		names[n++] = segment_name_datum(map, segment);
	}
	return n;
}

/* Where segment_map_check stands: first all cells, then all segments. */
typedef struct MapCheck
{
	SegmentMap *map;
	int			next_cell;
	int			next_segment;
	bool	   *reached; /* which segments some score has */
	bool	   *seen;	 /* room for matching_segments */
	Datum	   *names;
} MapCheck;

static void
start_check(FunctionCallInfo fcinfo)
{
	FuncCallContext *rows = rows_start(fcinfo, sizeof(MapCheck));
	MapCheck		*check = rows->user_fctx;
	SegmentMap		*map = rows_copy_varlena(rows, PG_GETARG_SEGMENT_MAP(0));
	MemoryContext	 before = MemoryContextSwitchTo(rows->multi_call_memory_ctx);

	check->map = map;
	check->reached = palloc0(map->nsegments * sizeof(bool));
	check->seen = palloc0(map->nsegments * sizeof(bool));
	check->names = palloc0(map->nsegments * sizeof(Datum));
	MemoryContextSwitchTo(before);
	for (int cell = 0; cell < segment_map_ncells(map->bins); cell++)
		if (segment_map_cells(map)[cell] > 0)
			check->reached[map->rules[segment_map_cells(map)[cell] - 1].segment] = true;
}

/* A row (finding, rfm, segments). */
static Datum
finding_row(FuncCallContext *rows, const char *finding, const Rfm *rfm, Datum *names, int n)
{
	Datum values[3];
	bool  nulls[3] = {false, rfm == NULL, false};

	values[0] = CStringGetTextDatum(finding);
	values[1] = RfmGetDatum(rfm == NULL ? 0 : *rfm);
	values[2] = PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
	return rows_make(rows, values, nulls);
}

/* What is doubtful about a map: scores of no or of several segments, segments of no score. */
PG_FUNCTION_INFO_V1(crm_segment_map_check);
Datum
crm_segment_map_check(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	MapCheck		*check;
	SegmentMap		*map;

	if (SRF_IS_FIRSTCALL())
		start_check(fcinfo);
	rows = SRF_PERCALL_SETUP();
	check = rows->user_fctx;
	map = check->map;

	while (check->next_cell < segment_map_ncells(map->bins))
	{
		Rfm rfm = segment_cell_rfm(check->next_cell++, map->bins);
		int n = matching_segments(map, rfm, check->seen, check->names);

		if (n != 1)
			return rows_next(
				fcinfo, rows,
				finding_row(rows, n == 0 ? "uncovered" : "overlap", &rfm, check->names, n));
	}
	while (check->next_segment < map->nsegments)
	{
		int segment = check->next_segment++;

		if (!check->reached[segment])
		{
			Datum name = segment_name_datum(map, segment);

			return rows_next(fcinfo, rows, finding_row(rows, "unreachable", NULL, &name, 1));
		}
	}
	SRF_RETURN_DONE(rows);
}

/* The segments of a map with their ranks, those of no customer included. */
PG_FUNCTION_INFO_V1(crm_segments);
Datum
crm_segments(PG_FUNCTION_ARGS)
{
	FuncCallContext *rows;
	SegmentMap		*map;

	if (SRF_IS_FIRSTCALL())
	{
		rows = rows_start(fcinfo, 0);
		rows->user_fctx = rows_copy_varlena(rows, PG_GETARG_SEGMENT_MAP(0));
	}
	rows = SRF_PERCALL_SETUP();
	map = rows->user_fctx;
	if (rows->call_cntr < map->nsegments)
	{
		bool  nulls[2] = {false};
		Datum values[2] = {segment_name_datum(map, rows->call_cntr),
						   Int32GetDatum((int32) rows->call_cntr + 1)};

		return rows_next(fcinfo, rows, rows_make(rows, values, nulls));
	}
	SRF_RETURN_DONE(rows);
}
