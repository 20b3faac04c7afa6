-- every aggregate there is: the same to the last bit by one process and by several
BEGIN;
SET LOCAL client_min_messages = warning;
\ir ../scaleout/rows.sql
ALTER TABLE split_rows SET (parallel_workers = 2);
ALTER TABLE split_values SET (parallel_workers = 2);
ANALYZE split_rows; ANALYZE split_values;
SELECT plan(3);

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

SELECT * FROM finish();
ROLLBACK;
