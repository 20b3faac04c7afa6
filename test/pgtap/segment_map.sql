-- segment_map: the shipped maps cell by cell, random maps against plain SQL
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(12);

-- every score of every number of bins
CREATE TEMPORARY TABLE cell AS
  SELECT bins, r, f, m, (f + m + 1) / 2 AS fm, r + f + m AS total,
    (r::text || f || m || '/' || bins)::rfm AS rfm
  FROM generate_series(2, 9) bins, generate_series(1, bins) r, generate_series(1, bins) f, generate_series(1, bins) m;

SELECT is((SELECT count(*) FROM cell), 2024::bigint, 'all cells of 2 to 9 bins');
SELECT is_empty($$SELECT rfm FROM cell WHERE (bins(rfm), recency(rfm), frequency(rfm), monetary(rfm), rfm::int) <> (bins, r, f, m, 100 * r + 10 * f + m)
  OR rfm::text::rfm <> rfm$$, 'digits and text of every score');

-- the shipped maps
CREATE TEMPORARY TABLE published (rfm rfm, rf_grid text, rfm_cells text);
\copy published FROM 'test/data/rfm_segment_maps.csv' WITH (FORMAT csv, HEADER)
SELECT is((SELECT count(DISTINCT rfm) FROM published), 125::bigint, 'the published maps have every cell');
SELECT is_empty($$SELECT * FROM published WHERE (segment(rfm), segment(rfm, rf_grid()), segment(rfm, rfm_cells()))
  IS DISTINCT FROM (rf_grid, rf_grid, rfm_cells)$$, 'rf_grid and rfm_cells give each cell its published segment');
SELECT is_empty($$SELECT name, rfm FROM cell JOIN
    (VALUES ('rf_grid', rf_grid()), ('rfm_cells', rfm_cells()), ('rf_grid_3', rf_grid(3)), ('rf_grid_4', rf_grid(4))) map(name, map) ON bins = bins(map)
  WHERE segment(rfm, map) IS NULL$$, 'every shipped map is total');
SELECT is_empty($$SELECT name FROM (VALUES ('rf_grid', rf_grid()), ('rfm_cells', rfm_cells()), ('rf_grid_3', rf_grid(3)), ('rf_grid_4', rf_grid(4))) map(name, map)
  WHERE EXISTS (SELECT FROM segment_map_check(map)) OR map::text::segment_map <> map$$, 'nothing about a shipped map is doubtful');
SELECT is_empty($$SELECT rfm FROM cell JOIN (VALUES (rf_grid()), (rf_grid(3)), (rf_grid(4))) map(map) ON bins = bins(map)
  WHERE (segment(rfm), segment_rule(rfm), segment_rank(rfm)) IS DISTINCT FROM (segment(rfm, map), segment_rule(rfm, map), segment_rank(rfm, map))$$,
  'the grids are the defaults of 5, 3 and 4 bins');

-- random maps: rules in a table, the first that matches by plain SQL
SELECT setseed(0.7);
CREATE TEMPORARY TABLE rule AS
  SELECT map, bins, rule_no, chr(65 + (random() * 8)::int) AS name, term, least(a, b) AS low, greatest(a, b) AS high
  FROM (SELECT map, 2 + map % 8 AS bins, rule_no, term, base + floor(random() * top)::int AS a, base + floor(random() * top)::int AS b
        FROM generate_series(1, 60) map, generate_series(1, 12) rule_no,
          LATERAL (VALUES ('r', 1, 2 + map % 8), ('f', 1, 2 + map % 8), ('m', 1, 2 + map % 8), ('fm', 1, 2 + map % 8),
            ('total', 3, (2 + map % 8) * 3 - 2)) t(term, base, top)
        WHERE random() < 0.45) t;
UPDATE rule SET name = (SELECT min(name) FROM rule same WHERE (same.map, same.rule_no) = (rule.map, rule.rule_no));
CREATE TEMPORARY TABLE rule_text AS
  SELECT map, bins, rule_no, name, name || ': ' || string_agg(format('%s %s-%s', term, low, high), ', ' ORDER BY random()) AS text
  FROM rule GROUP BY map, bins, rule_no, name;
CREATE TEMPORARY TABLE random_map AS
  SELECT map AS id, bins, (format('bins %s; ', bins) || string_agg(text, '; ' ORDER BY rule_no))::segment_map AS map FROM rule_text GROUP BY map, bins;
CREATE TEMPORARY TABLE matching AS
  SELECT id, c.rfm, t.rule_no, t.name FROM random_map JOIN cell c USING (bins) JOIN rule_text t ON t.map = id
  WHERE NOT EXISTS (SELECT FROM rule WHERE rule.map = id AND rule.rule_no = t.rule_no
    AND NOT CASE term WHEN 'r' THEN r WHEN 'f' THEN f WHEN 'm' THEN m WHEN 'fm' THEN fm ELSE total END BETWEEN low AND high);

SELECT is_empty($$SELECT id, rfm FROM random_map JOIN cell USING (bins)
    LEFT JOIN (SELECT DISTINCT ON (id, rfm) id, rfm, name FROM matching ORDER BY id, rfm, rule_no) s USING (id, rfm)
  WHERE segment(rfm, map) IS DISTINCT FROM name OR split_part(segment_rule(rfm, map), ':', 1) IS DISTINCT FROM coalesce(name, segment_rule(rfm, map))$$,
  'the segment is that of the first rule that matches');
SELECT is_empty($$SELECT id FROM random_map JOIN cell USING (bins) LEFT JOIN LATERAL segments(map) s ON s.segment = segment(rfm, map)
  WHERE segment_rank(rfm, map) IS DISTINCT FROM s.segment_rank$$, 'ranks are those of the list of segments');
SELECT is_empty($$SELECT id FROM random_map WHERE map::text::segment_map <> map OR bins(map) <> bins$$, 'text loses nothing');
SELECT is_empty($$
  (SELECT id, 'uncovered' AS finding, rfm, '{}'::text[] AS segments FROM random_map JOIN cell USING (bins) WHERE NOT EXISTS (SELECT FROM matching g WHERE (g.id, g.rfm) = (random_map.id, cell.rfm))
   UNION ALL SELECT id, 'overlap', rfm, array_agg(name ORDER BY rule_no)
     FROM (SELECT id, rfm, name, min(rule_no) AS rule_no FROM matching GROUP BY id, rfm, name) n GROUP BY id, rfm HAVING count(*) > 1
   UNION ALL SELECT id, 'unreachable', NULL, ARRAY[s.segment] FROM random_map, segments(map) s
     WHERE NOT EXISTS (SELECT FROM cell WHERE cell.bins = random_map.bins AND segment(rfm, map) = s.segment)
   EXCEPT SELECT id, c.* FROM random_map, segment_map_check(map) c)
  UNION ALL
  (SELECT id, c.* FROM random_map, segment_map_check(map) c
   EXCEPT SELECT id, 'uncovered', rfm, '{}' FROM random_map JOIN cell USING (bins) WHERE segment(rfm, map) IS NULL
   EXCEPT SELECT id, 'overlap', rfm, array_agg(name ORDER BY rule_no)
     FROM (SELECT id, rfm, name, min(rule_no) AS rule_no FROM matching GROUP BY id, rfm, name) n GROUP BY id, rfm HAVING count(*) > 1
   EXCEPT SELECT id, 'unreachable', NULL, ARRAY[s.segment] FROM random_map, segments(map) s
     WHERE NOT EXISTS (SELECT FROM cell WHERE cell.bins = random_map.bins AND segment(rfm, map) = s.segment)) $$,
  'the check finds what plain SQL finds, and nothing else');

-- text that somebody mangled is refused as such or reads back the same
CREATE FUNCTION pg_temp.survives(input text, type regtype) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  once text;
  twice text;
BEGIN
  EXECUTE format('SELECT %L::%s::text', input, type) INTO once;
  EXECUTE format('SELECT %L::%s::text', once, type) INTO twice;
  RETURN once = twice;
EXCEPTION
  WHEN data_exception OR program_limit_exceeded THEN RETURN true;
END $$;
CREATE FUNCTION pg_temp.mangled(input text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE floor(random() * 3)
    WHEN 0 THEN overlay(input PLACING '' FROM at FOR 1 + (random() * 3)::int)
    WHEN 1 THEN overlay(input PLACING substr('0123456789-.,;:ebxrfm any', 1 + (random() * 24)::int, 1) FROM at FOR 1)
    ELSE overlay(input PLACING substr(input, 1 + (random() * length(input))::int, 5) FROM at FOR 0) END
  FROM (SELECT 1 + (random() * length(input))::int AS at) a $$;
SELECT is_empty($$
  SELECT text FROM generate_series(1, 2000) i, LATERAL (SELECT pg_temp.mangled(substr('bins 4; Best: r 3-4, fm 4; At Risk: total 3-7; New: r 4, f 1; Other: any', 1 + i % 2 * 8)) AS text) m
  WHERE NOT pg_temp.survives(text, 'segment_map') $$,
  'mangled text is refused or reads back the same');

SELECT * FROM finish();
ROLLBACK;
