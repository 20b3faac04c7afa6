-- segment_map: text and binary forms, errors, segments, what is doubtful about a map
SET search_path = public, crm, crm_internal;

-- text form: ranges that leave nothing out are left out, a semicolon may end it
SELECT 'Champions: r 4-5, fm 4-5; Loyal: r 3-5, f 4-5; Other: any'::segment_map;
SELECT $$ Can't lose (10 %):R 1 - 2,  total 9-15,m 1-5 ;
  New: f 1 ; New: f 2, r 5;
$$::segment_map;
SELECT 'bins 3; Best: r 3, f 3, m 3; Rest: any'::segment_map, 'bins 5; All: any'::segment_map, 'bins: any'::segment_map;
SELECT bins('bins 9; All: total 3-27'::segment_map), 'bins 9; All: total 3-27'::segment_map;

-- text form: errors
SELECT ''::segment_map;
SELECT 'Champions'::segment_map;
SELECT 'Champions:'::segment_map;
SELECT 'Champions: r'::segment_map;
SELECT 'Champions: r 4-'::segment_map;
SELECT 'Champions: q 4'::segment_map;
SELECT 'Champions: r4'::segment_map;
SELECT 'Champions: r 4,'::segment_map;
SELECT 'Champions: r 4 f 4'::segment_map;
SELECT 'Champions: any, r 4'::segment_map;
SELECT 'Champions: r 4, r 5'::segment_map;
SELECT ': r 4'::segment_map;
SELECT 'A: r 4;; B: r 5'::segment_map;
SELECT 'A: r 0-4'::segment_map;
SELECT 'A: r 4-6'::segment_map;
SELECT 'A: r 4-2'::segment_map;
SELECT 'A: r -1'::segment_map;
SELECT 'A: total 2'::segment_map;
SELECT 'bins 3; A: total 10'::segment_map;
SELECT 'bins 1; A: any'::segment_map;
SELECT 'bins 10; A: any'::segment_map;
SELECT 'bins; A: any'::segment_map;
SELECT E'A\nB: any'::segment_map;
SELECT (repeat('x', 101) || ': any')::segment_map;
\set VERBOSITY sqlstate
SELECT (SELECT string_agg('s' || i || ': any', ';') FROM generate_series(1, 1001) i)::segment_map;
SELECT (SELECT string_agg(i || repeat('x', 90) || ': any', ';') FROM generate_series(1, 1000) i)::segment_map;
\set VERBOSITY default

-- binary form: receive is as strict as input
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  CREATE TEMPORARY TABLE received (value crm.segment_map) ON COMMIT DROP;
  EXECUTE pg_catalog.format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
  SELECT value::text INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
END $$;
SELECT segment_map_send('A: r 5');
SELECT pg_temp.receive(segment_map_send('A: r 5'));
SELECT pg_temp.receive(segment_map_send(rfm_cells())) = rfm_cells()::text AS same;
SELECT pg_temp.receive(segment_map_send('bins 2; A: r 2; B: r 1, total 3-4; A: any'));
\set VERBOSITY terse
SELECT pg_temp.receive('\x020005'::bytea || '\x0001' || '\x0505010501050105030f' || '\x4100');
SELECT pg_temp.receive('\x010105'::bytea || '\x0001' || '\x0505010501050105030f' || '\x4100');
SELECT pg_temp.receive('\x010001'::bytea || '\x0001' || '\x0505010501050105030f' || '\x4100');
SELECT pg_temp.receive('\x010005'::bytea || '\x0000');
SELECT pg_temp.receive('\x010005'::bytea || '\xffff' || '\x0505010501050105030f' || '\x4100');
SELECT pg_temp.receive('\x010005'::bytea || '\x0001' || '\x0506010501050105030f' || '\x4100');
SELECT pg_temp.receive('\x010005'::bytea || '\x0001' || '\x0504010501050105030f' || '\x4100');
SELECT pg_temp.receive('\x010005'::bytea || '\x0001' || '\x0505010501050105020f' || '\x4100');
SELECT pg_temp.receive('\x010005'::bytea || '\x0001' || '\x0505010501050105030f' || '\x00');
SELECT pg_temp.receive('\x010005'::bytea || '\x0001' || '\x0505010501050105030f' || '\x41');
SELECT pg_temp.receive('\x010005'::bytea || '\x0002' || '\x0505010501050105030f' || '\x4100');
SELECT pg_temp.receive('\x010005'::bytea || '\x0001' || '\x0505010501050105030f' || '\x412000');
SELECT pg_temp.receive('\x010005'::bytea || '\x0001' || '\x0505010501050105030f' || '\x413b00');
SELECT pg_temp.receive('\x010005'::bytea || '\x0001' || '\x0505010501050105030f' || '\x094100');
SELECT pg_temp.receive('\x010005'::bytea || '\x0001' || '\x0505010501050105030f' || '\x4100' || '\x00');
\set VERBOSITY default

-- segments: the first rule that matches; fm is the mean, half up
SELECT x, segment(x, map), segment_rule(x, map), segment_rank(x, map)
FROM (VALUES ('Best: r 4-5, fm 4-5; Good: total 10-15; Best: r 5, m 5; Lapsed: r 1'::segment_map)) m(map),
  (VALUES ('434'::rfm), ('443'), ('433'), ('515'), ('334'), ('155'), ('145'), ('144'), ('211')) v(x);
SELECT segment('545'), segment_rule('545'), segment_rank('545'), segment('545', rfm_cells()), segment('121/3'), segment('444/4');
SELECT segment('NULL'::text::rfm);
SELECT segment(NULL::rfm), segment('545', NULL);
SELECT segment('545', rf_grid(3));
SELECT segment('333/3', rf_grid());
SELECT segment('121/2');
SELECT segment_rank('676/9');

-- what a map holds
SELECT * FROM segments(rf_grid());
SELECT rf_grid(), rf_grid(3), rf_grid(4), bins(rf_grid(4));

-- what is doubtful about one
SELECT * FROM segment_map_check('bins 2; A: r 2; B: f 2; C: r 2, m 1; D: r 1, f 1, m 1');
SELECT * FROM segment_map_check('bins 2; A: r 2; A: f 2; B: any') WHERE finding <> 'overlap';
SELECT name, count(c) FROM (VALUES ('rf_grid', rf_grid()), ('rfm_cells', rfm_cells()), ('rf_grid_3', rf_grid(3)), ('rf_grid_4', rf_grid(4))) m(name, map)
  LEFT JOIN LATERAL segment_map_check(map) c ON true GROUP BY name ORDER BY name;

-- order and hash
SELECT a = b AS eq, a <> b AS ne, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge, segment_map_hash(a) = segment_map_hash(b) AS hash,
  segment_map_hash_extended(a, 1) = segment_map_hash_extended(b, 1) AS hash_extended
FROM (VALUES ('A: r 1-5, f 2'::segment_map, 'A: f 2-2'::segment_map)) v(a, b);
SELECT count(DISTINCT x) FROM (VALUES ('A: r 1'::segment_map), ('B: r 1'), ('A: r 2'), ('A: r 1; B: any'), ('A: r 1;')) v(x);
