/*
 * segment_map.c: the type segment_map: read, written, compared.
 *
 * The text form is a list of rules, the first that matches deciding:
 *   Champions: r 5, fm 4-5; Loyal: r 3-5, f 4-5; Lost: total 3-5; Other: any
 * With other than five bins these stand first: "bins 3; Champions: r 3, ...".
 */
#include "crm.h"

#include "base/json.h"
#include "base/value.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "base/scan.h"
#include "scoring/segment_map.h"

static const char *const term_names[SEGMENT_TERMS] = {"r", "f", "m", "fm", "total"};

/* A map in the making; the names belong to who gives them. */
typedef struct MapBuilder
{
	int			bins;
	int			nrules;
	int			nsegments;
	int			names_bytes;
	SegmentRule rules[SEGMENT_MAX_RULES];
	const char *names[SEGMENT_MAX_RULES];
} MapBuilder;

static MapBuilder *
start_map(int64 bins)
{
	MapBuilder *builder = palloc0(sizeof(MapBuilder));

	CheckRfmBins(bins);
	builder->bins = (int) bins;
	return builder;
}

/* What a term can be: a score from 1 to bins, the total from 3 to three times that. */
static inline int
term_min(SegmentTerm term)
{
	return term == SEGMENT_TOTAL ? 3 : 1;
}

static inline int
term_max(SegmentTerm term, int bins)
{
	return term == SEGMENT_TOTAL ? 3 * bins : bins;
}

/* A range is one that scores of these bins can lie in. */
static inline void
CheckRange(SegmentTerm term, int64 low, int64 high, int bins)
{
	if (low < term_min(term) || high > term_max(term, bins) || low > high)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("segment rule cannot have %s from %lld to %lld", term_names[term],
							   (long long) low, (long long) high),
						errdetail("With %d bins, %s goes from %d to %d.", bins, term_names[term],
								  term_min(term), term_max(term, bins))));
}

/* A name is short, has no sign of the text form and no space around it. */
static void
CheckSegmentName(const char *name)
{
	size_t length = strlen(name);
	bool   valid = length > 0 && name[0] != ' ' && name[length - 1] != ' ';

	for (const char *c = name; *c != '\0'; c++)
		valid = valid && *c != ':' && *c != ';' && (unsigned char) *c >= ' ' && *c != 0x7F;
	if (!valid)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid segment name \"%s\"", name),
						errdetail("A name has no colon, semicolon or control character.")));
	if (length > SEGMENT_MAX_NAME_BYTES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("segment name \"%s\" is too long", name),
						errdetail("A name has at most %d bytes.", SEGMENT_MAX_NAME_BYTES)));
}

static inline void
CheckNumberOfRules(int64 nrules)
{
	if (nrules < 1 || nrules > SEGMENT_MAX_RULES)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("segment map cannot have %lld rules", (long long) nrules),
						errdetail("A map has 1 to %d rules.", SEGMENT_MAX_RULES)));
}

/* The number of a segment, a new one for a name that no rule has used. */
static int
segment_number(MapBuilder *builder, const char *name)
{
	for (int i = 0; i < builder->nsegments; i++)
		if (strcmp(builder->names[i], name) == 0)
			return i;

	CheckSegmentName(name);
	builder->names_bytes += strlen(name);
	if (builder->names_bytes > SEGMENT_MAX_NAMES_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("segment names have more than %d bytes in all", SEGMENT_MAX_NAMES_BYTES)));
	builder->names[builder->nsegments] = name;
	return builder->nsegments++;
}

/* Appends a rule that matches every score. */
static SegmentRule *
add_rule(MapBuilder *builder, const char *name)
{
	SegmentRule *rule;

	CheckNumberOfRules((int64) builder->nrules + 1);
	rule = &builder->rules[builder->nrules++];
	rule->segment = segment_number(builder, name);
	for (int t = 0; t < SEGMENT_TERMS; t++)
	{
		rule->low[t] = term_min(t);
		rule->high[t] = term_max(t, builder->bins);
	}
	return rule;
}

static void
set_range(SegmentRule *rule, SegmentTerm term, int64 low, int64 high, int bins)
{
	CheckRange(term, low, high, bins);
	rule->low[term] = (uint8) low;
	rule->high[term] = (uint8) high;
}

/* The first rule that matches a score, counted from 1; 0 if none does. */
static int
first_match(const SegmentMap *map, Rfm rfm)
{
	for (int i = 0; i < map->nrules; i++)
		if (segment_rule_matches(&map->rules[i], rfm))
			return i + 1;
	return 0;
}

/* The flat value. */
static SegmentMap *
finish_map(const MapBuilder *builder)
{
	int	 ncells = segment_map_ncells(builder->bins);
	Size size = offsetof(SegmentMap, rules) + builder->nrules * sizeof(SegmentRule) +
				(ncells + builder->nsegments) * sizeof(uint16) + builder->names_bytes;
	SegmentMap *map = palloc0(size);
	uint16	   *ends;
	char	   *names;
	int			end = 0;

	SET_VARSIZE(map, size);
	map->version = SEGMENT_MAP_VERSION;
	map->bins = builder->bins;
	map->nrules = builder->nrules;
	map->nsegments = builder->nsegments;
	memcpy(map->rules, builder->rules, builder->nrules * sizeof(SegmentRule));
	for (int cell = 0; cell < ncells; cell++)
		segment_map_cells(map)[cell] = first_match(map, segment_cell_rfm(cell, map->bins));

	ends = segment_map_name_ends(map);
	names = (char *) (ends + map->nsegments);
	for (int i = 0; i < map->nsegments; i++)
	{
		int length = strlen(builder->names[i]);

		memcpy(names + end, builder->names[i], length);
		end += length;
		ends[i] = end;
	}
	return map;
}

/* Reads one term and its range, which a rule gives once: "r 4-5" or "total 9". */
static void
scan_range(Scanner *s, SegmentRule *rule, bool given[SEGMENT_TERMS], int bins)
{
	const Scanner start = *s;

	for (int t = 0; t < SEGMENT_TERMS; t++)
		if (scan_try_word(s, term_names[t]))
		{
			int64 low = scan_int64(s);
			int64 high = scan_try_char(s, '-') ? scan_int64(s) : low;

			if (given[t])
				scan_error(&start, "a term that the rule has not had");
			given[t] = true;
			set_range(rule, t, low, high, bins);
			return;
		}
	scan_error(s, "a range such as r 4-5, fm 3 or total 9, or any,");
}

/* Reads one rule: "name: range, ..." or "name: any". */
static void
scan_rule(Scanner *s, MapBuilder *builder)
{
	SegmentRule *rule = add_rule(builder, scan_name(s, ":;"));
	bool		 given[SEGMENT_TERMS] = {false};

	scan_char(s, ':');
	if (scan_try_word(s, "any"))
		return;
	do
		scan_range(s, rule, given, builder->bins);
	while (scan_try_char(s, ','));
}

/* Reads "bins 3;", which a rule named bins is not: that has a colon. */
static int64
scan_bins(Scanner *s)
{
	const Scanner start = *s;
	const char	 *end = strpbrk(s->at, ":;");
	int64		  bins;

	if (end == NULL || *end == ':' || !scan_try_word(s, "bins"))
	{
		*s = start;
		return RFM_DEFAULT_BINS;
	}
	bins = scan_int64(s);
	scan_char(s, ';');
	return bins;
}

/* The map of a text form, palloc'ed; a semicolon may end the last rule. */
SegmentMap *
segment_map_parse(const char *input)
{
	Scanner		s = scan_start("segment_map", input);
	MapBuilder *builder = start_map(scan_bins(&s));
	SegmentMap *map;

	do
		scan_rule(&s, builder);
	while (scan_try_char(&s, ';') && !scan_at_end(&s));
	scan_end(&s);

	map = finish_map(builder);
	pfree(builder);
	return map;
}

PG_FUNCTION_INFO_V1(crm_segment_map_in);
Datum
crm_segment_map_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_SEGMENT_MAP(segment_map_parse(PG_GETARG_CSTRING(0)));
}

/* A rule in its text form, ranges that leave nothing out left out, palloc'ed. */
char *
segment_rule_to_text(const SegmentMap *map, int number)
{
	const SegmentRule *rule = &map->rules[number];
	SegmentName		   name = segment_map_name(map, rule->segment);
	const char		  *separator = " ";
	StringInfoData	   out;

	initStringInfo(&out);
	appendBinaryStringInfo(&out, name.start, name.length);
	appendStringInfoChar(&out, ':');
	for (int t = 0; t < SEGMENT_TERMS; t++)
	{
		if (rule->low[t] == term_min(t) && rule->high[t] == term_max(t, map->bins))
			continue;
		appendStringInfo(&out, "%s%s %d", separator, term_names[t], rule->low[t]);
		if (rule->high[t] != rule->low[t])
			appendStringInfo(&out, "-%d", rule->high[t]);
		separator = ", ";
	}
	if (separator[0] == ' ')
		appendStringInfoString(&out, " any");
	return out.data;
}

PG_FUNCTION_INFO_V1(crm_segment_map_out);
Datum
crm_segment_map_out(PG_FUNCTION_ARGS)
{
	SegmentMap	  *map = PG_GETARG_SEGMENT_MAP(0);
	StringInfoData out;

	initStringInfo(&out);
	if (map->bins != RFM_DEFAULT_BINS)
		appendStringInfo(&out, "bins %d; ", map->bins);
	for (int i = 0; i < map->nrules; i++)
		appendStringInfo(&out, "%s%s", i > 0 ? "; " : "", segment_rule_to_text(map, i));
	PG_RETURN_CSTRING(out.data);
}

/*
 * Binary form: version, flags, bins (a byte each), number of rules (int16), then
 * of every rule the ranges (low and high, a byte each, of r, f, m, fm, total)
 * and the name (in the client's encoding, ended by a zero byte).
 */
PG_FUNCTION_INFO_V1(crm_segment_map_send);
Datum
crm_segment_map_send(PG_FUNCTION_ARGS)
{
	SegmentMap	  *map = PG_GETARG_SEGMENT_MAP(0);
	StringInfoData out;

	pq_begintypsend(&out);
	pq_sendbyte(&out, map->version);
	pq_sendbyte(&out, map->flags);
	pq_sendbyte(&out, map->bins);
	pq_sendint16(&out, map->nrules);
	for (int i = 0; i < map->nrules; i++)
	{
		SegmentName name = segment_map_name(map, map->rules[i].segment);

		for (int t = 0; t < SEGMENT_TERMS; t++)
		{
			pq_sendbyte(&out, map->rules[i].low[t]);
			pq_sendbyte(&out, map->rules[i].high[t]);
		}
		pq_sendstring(&out, pnstrdup(name.start, name.length));
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&out));
}

static void
receive_rule(StringInfo message, MapBuilder *builder)
{
	uint8		 low[SEGMENT_TERMS];
	uint8		 high[SEGMENT_TERMS];
	SegmentRule *rule;

	for (int t = 0; t < SEGMENT_TERMS; t++)
	{
		low[t] = pq_getmsgbyte(message);
		high[t] = pq_getmsgbyte(message);
	}
	rule = add_rule(builder, pq_getmsgstring(message));
	for (int t = 0; t < SEGMENT_TERMS; t++)
		set_range(rule, t, low[t], high[t], builder->bins);
}

PG_FUNCTION_INFO_V1(crm_segment_map_recv);
Datum
crm_segment_map_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	MapBuilder *builder;
	int			nrules;

	receive_header(message, "segment_map", 1, SEGMENT_MAP_VERSION, 0);
	builder = start_map(pq_getmsgbyte(message));
	nrules = pq_getmsgint(message, 2);
	CheckNumberOfRules(nrules);
	for (int i = 0; i < nrules; i++)
		receive_rule(message, builder);
	PG_RETURN_SEGMENT_MAP(finish_map(builder));
}

/* ,"r":[4,5] for each term of a rule that leaves something out. */
static void
append_json_ranges(StringInfo json, const SegmentRule *rule, int bins)
{
	for (int t = 0; t < SEGMENT_TERMS; t++)
		if (rule->low[t] != term_min(t) || rule->high[t] != term_max(t, bins))
			appendStringInfo(json, ",\"%s\":[%d,%d]", term_names[t], rule->low[t], rule->high[t]);
}

PG_FUNCTION_INFO_V1(crm_segment_map_to_jsonb);
Datum
crm_segment_map_to_jsonb(PG_FUNCTION_ARGS)
{
	SegmentMap	  *map = PG_GETARG_SEGMENT_MAP(0);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"bins\":%d,\"rules\":[", map->bins);
	for (int i = 0; i < map->nrules; i++)
	{
		SegmentName name = segment_map_name(map, map->rules[i].segment);

		append_json_field(&json, i > 0 ? ",{" : "{", "segment", name.start, name.length);
		append_json_ranges(&json, &map->rules[i], map->bins);
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoString(&json, "]}");
	PG_RETURN_DATUM(jsonb_of_text(&json));
}

/* The scores that a map is for. */
PG_FUNCTION_INFO_V1(crm_segment_map_bins);
Datum
crm_segment_map_bins(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_SEGMENT_MAP(0)->bins);
}

VALUE_FUNCTIONS(segment_map, value_bytes_order, value_bytes);
