-- segment_map: names for scores

CREATE TYPE crm.segment_map;

CREATE FUNCTION crm_internal.segment_map_in(cstring) RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500 AS 'MODULE_PATHNAME', 'crm_segment_map_in';
COMMENT ON FUNCTION crm_internal.segment_map_in(cstring) IS
  'reads a list of rules: Champions: r 5, fm 4-5; Loyal: r 3-5; Other: any';
CREATE FUNCTION crm_internal.segment_map_out(crm.segment_map) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'crm_segment_map_out';
COMMENT ON FUNCTION crm_internal.segment_map_out(crm.segment_map) IS
  'writes a list of rules: Champions: r 5, fm 4-5; Loyal: r 3-5; Other: any';
CREATE FUNCTION crm_internal.segment_map_recv(internal) RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_recv';
COMMENT ON FUNCTION crm_internal.segment_map_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm_internal.segment_map_send(crm.segment_map) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_send';
COMMENT ON FUNCTION crm_internal.segment_map_send(crm.segment_map) IS 'writes the binary form';

CREATE TYPE crm.segment_map (
  INPUT = crm_internal.segment_map_in,
  OUTPUT = crm_internal.segment_map_out,
  RECEIVE = crm_internal.segment_map_recv,
  SEND = crm_internal.segment_map_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = int4,
  STORAGE = extended
);
COMMENT ON TYPE crm.segment_map IS
  'segments as rules over r, f, m, fm (mean of f and m, half rounded up) and total (their sum); the first rule that matches decides';

-- the maps that come with the extension

CREATE FUNCTION crm.rf_grid(bins int DEFAULT 5) RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_rf_grid';
COMMENT ON FUNCTION crm.rf_grid(int) IS 'the grid of recency and frequency for scores of 3, 4 or 5 bins; segment takes it where no map is given';
CREATE FUNCTION crm.rfm_cells() RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_rfm_cells';
COMMENT ON FUNCTION crm.rfm_cells() IS 'eleven segments of five bins that look at all three scores';

-- what a score is called

CREATE FUNCTION crm.segment(rfm crm.rfm, map crm.segment_map DEFAULT NULL) RETURNS text
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_segment';
COMMENT ON FUNCTION crm.segment(crm.rfm, crm.segment_map) IS
  'the segment of a score by a map, by rf_grid of its bins without one; NULL if no rule of the map matches';
CREATE FUNCTION crm.segment_rule(rfm crm.rfm, map crm.segment_map DEFAULT NULL) RETURNS text
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 30 AS 'MODULE_PATHNAME', 'crm_segment_rule';
COMMENT ON FUNCTION crm.segment_rule(crm.rfm, crm.segment_map) IS
  'the rule that gave a score its segment, as it stands in the map, in rf_grid of its bins without one; NULL if no rule matches';
CREATE FUNCTION crm.segment_rank(rfm crm.rfm, map crm.segment_map DEFAULT NULL) RETURNS int
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_rank';
COMMENT ON FUNCTION crm.segment_rank(crm.rfm, crm.segment_map) IS
  'rank of the segment of a score, 1 for the first in the map, in rf_grid of its bins without one; NULL if no rule matches';

-- what a map holds

CREATE FUNCTION crm.bins(map crm.segment_map) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_segment_map_bins';
COMMENT ON FUNCTION crm.bins(crm.segment_map) IS 'number of bins of the scores that the map is for';
CREATE FUNCTION crm.segments(map crm.segment_map, OUT segment text, OUT segment_rank int) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 10 AS 'MODULE_PATHNAME', 'crm_segments';
COMMENT ON FUNCTION crm.segments(crm.segment_map) IS 'the segments of a map with their ranks';
CREATE FUNCTION crm.segment_map_check(map crm.segment_map,
    OUT finding text, OUT rfm crm.rfm, OUT segments text[]) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 10 AS 'MODULE_PATHNAME', 'crm_segment_map_check';
COMMENT ON FUNCTION crm.segment_map_check(crm.segment_map) IS
  'what is doubtful about a map: scores that rules of several segments match (overlap), scores of no segment (uncovered), segments of no score (unreachable)';

@comparison segment_map|2|an order without meaning|equal rules
