-- states of aggregates that keep every value, or every model: split as one likes, the same to the last bit; forms that come back
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(21);

SELECT setseed(0.16);
CREATE TABLE flat_states_rows AS
  SELECT i, round((exp(random() * 9) - (random() < 0.1)::int)::numeric, 2) AS money, (i * 7919 % 640)::numeric AS few, exp(random() * 40 - 20) AS number,
    date '2024-01-01' + (random() * 300)::int AS bought, (1 + random() * 5)::int AS orders
  FROM generate_series(1, 30000) i;
ALTER TABLE flat_states_rows SET (parallel_workers = 3);
ANALYZE flat_states_rows;
CREATE FUNCTION pg_temp.answers() RETURNS TABLE (of text, answer text) LANGUAGE sql AS $$
  SELECT 'concentration', row(concentration(money), concentration(money, 0.05), concentration(few, 0.31))::text FROM flat_states_rows
  UNION ALL SELECT 'concentration of float8', row(concentration(number), concentration(number, 0.7), concentration(few::float8))::text FROM flat_states_rows
  UNION ALL SELECT 'gini', row(gini(greatest(money, 0)), gini(few), gini(number), gini(few::float8))::text FROM flat_states_rows
  UNION ALL SELECT 'forecast_accuracy', row(forecast_accuracy(number, money::float8), forecast_accuracy(few::float8, number))::text FROM flat_states_rows
  UNION ALL SELECT 'expected_revenue', expected_revenue(
      'bg_nbd(r 0.2426, alpha 4.4136, a 0.7929, b 2.4259, unit_days 7) fitted (customers 900, repeat_buyers 500, left_out 0, log_likelihood -3000, gradient_norm 0, converged, covariance 0.01 0.001 0.4 0.002 0.001 0.02 0.001 0.001 0.01 0.3)',
      gamma_gamma(6.25, 3.74, 15.44), purchase(bought, money, orders) + purchase(bought + 40, 12), '2025-01-01', '2026-01-01')::text
    FROM flat_states_rows WHERE money > 0
$$;

SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TABLE flat_states_serial AS SELECT * FROM pg_temp.answers();
SET LOCAL max_parallel_workers_per_gather = 3; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0;
SELECT results_eq('SELECT * FROM pg_temp.answers()', 'TABLE flat_states_serial', 'every answer is the same in parallel');

-- what a shard sends and a hub puts together: parts in any order, through text
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; lines text := '';
BEGIN FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP lines := lines || line; END LOOP; RETURN lines; END $$;
SELECT matches(pg_temp.plan_of('SELECT crm.' || call || ' FROM flat_states_rows'), 'Finalize Aggregate.*Partial Aggregate', call || ' is made in parts')
FROM unnest(ARRAY['concentration(money, 0.05)', 'gini(number)', 'forecast_accuracy(number, number)']) call;

-- forms
SELECT is('amounts share 0.2; 7:2, 12.5:1'::value_list_state::text, 'amounts share 0.2; 7.00:2, 12.50:1', 'amounts are counted');
SELECT is('numbers; -1e300:2, 0.1:1'::value_list_state::text, 'numbers; -1e+300:2, 0.1:1', 'so are numbers, to the last digit');
SELECT is('pairs; 3:2, 3:2, 3:1, -1:-0'::value_list_state::text, 'pairs; 3:2, 3:2, 3:1, -1:0', 'pairs are kept, and there is one zero');
SELECT throws_ok($$SELECT 'amounts; 7:2, 7:1'::value_list_state$$, '22000', 'entry 2 of value_list_state is out of order', 'equal values are one');
SELECT throws_ok($$SELECT 'pairs; 3:1, 3:2'::value_list_state$$, '22000', 'entry 2 of value_list_state is out of order', 'pairs are in order');
SELECT throws_ok($$SELECT 'numbers; 1:0'::value_list_state$$, '22000', 'entry 1 of value_list_state is out of range', 'what is counted is there');
SELECT throws_ok($$SELECT 'amounts; 1:9000000000000000000, 2:9000000000000000000'::value_list_state$$, '54000', 'value_list_state cannot count so many values', 'and can be counted');
SELECT throws_ok($$SELECT 'amounts share 1.5;'::value_list_state$$, '22000', 'share 1.5 of value_list_state is out of range', 'a share is a part');
SELECT throws_ok($$SELECT 'sums; 1:1'::value_list_state$$, '22P02', NULL, 'a kind is known');
SELECT throws_ok($$SELECT '"bg_nbd(r 1, alpha 1, a 1, b 1, unit_days 7)"; "gamma_gamma(p 6, q 4, v 15)"; {1, 2}'::expected_revenue_state$$, '22000',
  'expected_revenue_state has 21 sums, of at most 9223372036854775807 customers', 'a state has all of its sums');
SELECT throws_ok($$SELECT crm_internal.value_list_combine('amounts; 1:1', 'amounts; 1:1')$$, '0A000', NULL, 'a combine function is none to call');
SELECT throws_ok($$SELECT 'pairs; 1e308:-1e308'::value_list_state$$, '22000', 'entry 1 of value_list_state is out of range', 'the squares of pairs add up to a finite number');
SELECT throws_ok($$SELECT gini(v) FROM (VALUES ('numbers; -2:1, 5:1'::value_list_state)) s(v)$$, '22003', 'gini cannot take the negative value -2', 'a state of concentration may owe, one of gini may not');
SELECT throws_ok($$SELECT gini(v) FROM (VALUES ('amounts; -2:1, 5:1'::value_list_state)) s(v)$$, '22003', 'gini cannot take the negative value -2.00', 'nor of amounts');
SELECT throws_ok($$SELECT data_check(v) FROM (VALUES (array_fill(9223372036854775807, ARRAY[39]) || '{0,0,1,0,0}'::bigint[]), (array_fill(1::bigint, ARRAY[39]) || '{0,0,1,0,0}'::bigint[])) s(v)$$, '22003',
  'state of data_check is out of range', 'no sum starts again from below');

-- a row that crosses nodes: its type has a name, by which it is read again
SELECT is((v).tier || (v).rank || (v).missing_for_next, 'Silver2400.0000', 'the columns of a standing are known of its text')
FROM (SELECT crm.standing('{Bronze: spend 0, Silver: spend 100, Gold: spend 700} calendar year', purchase('2026-01-01', 300), '2026-02-02')::text::standing_result AS v OFFSET 0) AS s;
SELECT is(pg_typeof(standing('{Bronze: spend 0, Silver: spend 100} calendar year', '{}', '2026-02-02'))::text, 'standing_result', 'it is of a type');

SELECT * FROM finish();
ROLLBACK;
