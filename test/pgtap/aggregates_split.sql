-- every aggregate there is: the same to the last bit by one process and by several
BEGIN;
SET LOCAL client_min_messages = warning;
\ir ../scaleout/rows.sql
ALTER TABLE split_rows SET (parallel_workers = 2);
ALTER TABLE split_values SET (parallel_workers = 2);
ANALYZE split_rows; ANALYZE split_values;
SELECT plan(5);

SELECT is_empty('SELECT aggregate FROM split_calls WHERE call IS NULL', 'every aggregate can be called');

CREATE FUNCTION pg_temp.answer(of text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
  EXECUTE format('SELECT (%s)::text FROM %I', call, of) INTO answer;
  RETURN answer;
END $$;
CREATE FUNCTION pg_temp.is_split(of text, call text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE format('EXPLAIN (COSTS OFF) SELECT (%s)::text FROM %I', call, of) LOOP
    IF line LIKE '%Partial Aggregate%' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TABLE split_serial AS SELECT aggregate, of, call, md5(pg_temp.answer(of, call)) AS answer FROM split_calls;
SET LOCAL max_parallel_workers_per_gather = 2; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0.1; SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL cpu_operator_cost = 0.000001; -- of so few rows the planner would see no gain: a combine function costs as much as many of them
SELECT is_empty($$SELECT aggregate FROM split_serial WHERE NOT pg_temp.is_split(of, call)$$, 'every aggregate is split between workers');
SELECT is_empty('SELECT aggregate FROM split_serial WHERE answer IS DISTINCT FROM md5(pg_temp.answer(of, call)) OR answer IS NULL', 'and says the same');

-- parts that go from node to node in binary or as text, as a cluster sends the states of an aggregate, and are combined there
CREATE FUNCTION pg_temp.sent(aggregate regprocedure, of text, call text, format text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  g pg_aggregate := (SELECT g FROM pg_aggregate g WHERE g.aggfnoid = aggregate);
  file constant text := current_setting('data_directory') || '/aggregates_split.sent';
  answer text;
BEGIN
  EXECUTE format('CREATE AGGREGATE pg_temp.part (%s) (SFUNC = %s, STYPE = %s%s)', (SELECT string_agg(t::regtype::text, ', ' ORDER BY n) FROM pg_proc, unnest(proargtypes) WITH ORDINALITY AS u(t, n) WHERE oid = aggregate),
    g.aggtransfn, g.aggtranstype::regtype, ', INITCOND = ' || quote_literal(g.agginitval));
  EXECUTE format('CREATE AGGREGATE pg_temp.whole (%2$s) (SFUNC = %1$s, STYPE = %2$s%3$s)', g.aggcombinefn, g.aggtranstype::regtype, ', FINALFUNC = ' || nullif(g.aggfinalfn, 0)::regproc);
  EXECUTE format('CREATE TEMP TABLE parts AS SELECT %s AS state FROM %I GROUP BY id %% 7', regexp_replace(call, '^crm\.\w+', 'pg_temp.part'), of);
  EXECUTE format('COPY parts TO %L (FORMAT %s)', file, format);
  TRUNCATE parts;
  EXECUTE format('COPY parts FROM %L (FORMAT %s)', file, format);
  SELECT md5(pg_temp.whole(state)::text) INTO answer FROM parts;
  DROP TABLE parts;
  EXECUTE format('DROP AGGREGATE pg_temp.whole (%s)', g.aggtranstype::regtype);
  EXECUTE format('DROP AGGREGATE pg_temp.part (%s)', (SELECT string_agg(t::regtype::text, ', ' ORDER BY n) FROM pg_proc, unnest(proargtypes) WITH ORDINALITY AS u(t, n) WHERE oid = aggregate));
  RETURN answer;
END $$;
SELECT is_empty(format($$SELECT aggregate FROM split_serial WHERE answer IS DISTINCT FROM pg_temp.sent(aggregate::regprocedure, of, call, %L)$$, format), 'so it does of parts that came as ' || format) FROM unnest('{text,binary}'::text[]) AS format;

SELECT * FROM finish();
ROLLBACK;
