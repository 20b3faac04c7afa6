/*
 * segment_map.h: named rules that give every RFM score its segment.
 *
 * A rule is a range for each term; it matches a score that lies in all of them,
 * and the first rule that matches gives the segment. Segments are numbered in
 * the order in which rules first name them; that number is the segment's rank.
 *
 * The value holds, one behind the other, all aligned to two bytes:
 *   rules		SegmentRule[nrules]
 *   cells		uint16[bins ^ 3]	 for each score the first rule that matches,
 *									 counted from 1; 0 if none. Computed, so that a
 *									 lookup is one step; never received.
 *   name ends	uint16[nsegments]	 where each name ends in names
 *   names		char[]				 not terminated
 *
 * flags and reserved must be zero.
 */
#ifndef CRM_SEGMENT_MAP_H
#define CRM_SEGMENT_MAP_H

#include "crm.h"

#include "scoring/rfm.h"

#define SEGMENT_MAP_VERSION 1
#define SEGMENT_MAX_RULES 1000
#define SEGMENT_MAX_NAME_BYTES 100
#define SEGMENT_MAX_NAMES_BYTES PG_UINT16_MAX

typedef enum SegmentTerm
{
	SEGMENT_R,	   /* recency score */
	SEGMENT_F,	   /* frequency score */
	SEGMENT_M,	   /* monetary score */
	SEGMENT_FM,	   /* mean of the last two, half rounded up */
	SEGMENT_TOTAL, /* sum of all three */
} SegmentTerm;

#define SEGMENT_TERMS 5

typedef struct SegmentRule
{
	uint8  low[SEGMENT_TERMS]; /* inclusive */
	uint8  high[SEGMENT_TERMS];
	uint16 segment; /* counted from 0 */
} SegmentRule;

typedef struct SegmentMap
{
	int32		vl_len_; /* varlena header, do not touch */
	uint8		version; /* SEGMENT_MAP_VERSION */
	uint8		flags;	 /* reserved, zero */
	uint8		bins;	 /* 2 to 9 */
	uint8		reserved;
	uint16		nrules;
	uint16		nsegments;
	SegmentRule rules[FLEXIBLE_ARRAY_MEMBER];
} SegmentMap;

#define DatumGetSegmentMap(d) ((SegmentMap *) PG_DETOAST_DATUM(d))
#define PG_GETARG_SEGMENT_MAP(n) DatumGetSegmentMap(PG_GETARG_DATUM(n))
#define PG_RETURN_SEGMENT_MAP(m) PG_RETURN_POINTER(m)

/* A name within a map. */
typedef struct SegmentName
{
	const char *start;
	int			length;
} SegmentName;

extern SegmentMap		 *segment_map_parse(const char *input);
extern char				 *segment_rule_to_text(const SegmentMap *map, int rule);
extern const SegmentMap	 *segment_map_default(int bins);
extern const SegmentRule *segment_of(const SegmentMap *map, Rfm rfm);
extern Datum			  segment_name_datum(const SegmentMap *map, int segment);

static inline int
segment_map_ncells(int bins)
{
	return bins * bins * bins;
}

/* The first matching rule of each cell, counted from 1. */
static inline uint16 *
segment_map_cells(const SegmentMap *map)
{
	return (uint16 *) (map->rules + map->nrules);
}

static inline uint16 *
segment_map_name_ends(const SegmentMap *map)
{
	return segment_map_cells(map) + segment_map_ncells(map->bins);
}

static inline SegmentName
segment_map_name(const SegmentMap *map, int segment)
{
	const uint16 *ends = segment_map_name_ends(map);
	int			  start = segment == 0 ? 0 : ends[segment - 1];
	SegmentName	  name = {(const char *) (ends + map->nsegments) + start, ends[segment] - start};

	return name;
}

/* Where a score stands among the cells of its bins, in order of score. */
static inline int
segment_cell(Rfm rfm)
{
	int bins = rfm_bins(rfm);

	return ((rfm_recency(rfm) - 1) * bins + rfm_frequency(rfm) - 1) * bins + rfm_monetary(rfm) - 1;
}

/* The score of a cell. */
static inline Rfm
segment_cell_rfm(int cell, int bins)
{
	return rfm_make(bins, cell / (bins * bins) + 1, cell / bins % bins + 1, cell % bins + 1);
}

/* Whether a rule matches a score, whatever rules stand before it. */
static inline bool
segment_rule_matches(const SegmentRule *rule, Rfm rfm)
{
	const int f = rfm_frequency(rfm);
	const int m = rfm_monetary(rfm);
	const int values[SEGMENT_TERMS] = {rfm_recency(rfm), f, m, (f + m + 1) / 2,
									   rfm_recency(rfm) + f + m};

	for (int t = 0; t < SEGMENT_TERMS; t++)
		if (values[t] < rule->low[t] || values[t] > rule->high[t])
			return false;
	return true;
}

#endif /* CRM_SEGMENT_MAP_H */
