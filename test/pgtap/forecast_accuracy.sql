-- How right forecasts were: the order of the customers, and each tenth of them, against slow references in plain SQL
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(12);

SELECT setseed(0.5);
CREATE TEMP TABLE pair AS
SELECT i, random() * 3 AS distinct_forecast, floor(random() * 4) AS tied_forecast, floor(random() * random() * 8) AS actual FROM generate_series(1, 1000) i;

-- each tenth
SELECT results_eq(
  $$SELECT round(e::numeric, 9), round(a::numeric, 9) FROM (SELECT forecast_accuracy(distinct_forecast, actual) AS f FROM pair) s, unnest((f).decile_expected, (f).decile_actual) AS u(e, a)$$,
  $$SELECT round(avg(distinct_forecast)::numeric, 9), round(avg(actual)::numeric, 9) FROM (SELECT *, ntile(10) OVER (ORDER BY distinct_forecast DESC) AS tenth FROM pair) t GROUP BY tenth ORDER BY tenth$$,
  'tenths of a thousand are those of ntile');
SELECT results_eq(
  $$SELECT round(e::numeric, 9), round(a::numeric, 9) FROM (SELECT forecast_accuracy(distinct_forecast, actual) AS f FROM pair WHERE i <= 37) s, unnest((f).decile_expected, (f).decile_actual) AS u(e, a)$$,
  $$SELECT round(avg(distinct_forecast)::numeric, 9), round(avg(actual)::numeric, 9)
    FROM (SELECT *, ntile(10) OVER (ORDER BY distinct_forecast DESC) AS tenth FROM pair, generate_series(1, 10) WHERE i <= 37) t GROUP BY tenth ORDER BY tenth$$,
  'tenths of 37 hold parts of customers');
SELECT ok((SELECT bool_and(abs(e - 2) < 1e-12 AND abs(a - average) < 1e-12) FROM (SELECT forecast_accuracy(2, actual) AS f, avg(actual) AS average FROM pair) s, unnest((f).decile_expected, (f).decile_actual) AS u(e, a)),
  'where all are tied every tenth is the mean');
SELECT ok(abs(sum(a) * 100 - (f).total_actual) < 1e-9, 'and the tenths add up') FROM (SELECT forecast_accuracy(tied_forecast, actual) AS f FROM pair) s, unnest((f).decile_actual) a GROUP BY (f).total_actual;

-- the order
CREATE FUNCTION pg_temp.gini(score float8[], actual float8[]) RETURNS float8 LANGUAGE sql AS $$
  -- every pair of customers, of whom one did more: +1 in the right order, -1 in the wrong one, weighted by the difference
  SELECT sum(sign(a.s - b.s) * (a.y - b.y)) / sum(abs(a.y - b.y)) FROM unnest(score, actual) AS a(s, y), unnest(score, actual) AS b(s, y)
$$;
SELECT ok(abs((forecast_accuracy(distinct_forecast, actual)).normalised_gini - pg_temp.gini(array_agg(distinct_forecast), array_agg(actual::float8))) < 1e-12, 'the normalised Gini is that of all pairs of customers') FROM pair WHERE i <= 300;
SELECT ok(abs((forecast_accuracy(tied_forecast, actual)).normalised_gini - pg_temp.gini(array_agg(tied_forecast), array_agg(actual::float8))) < 1e-12, 'of tied forecasts too') FROM pair WHERE i <= 300;
SELECT ok(abs((forecast_accuracy(actual * 2 + 1, actual)).normalised_gini - 1) < 1e-12 AND abs((forecast_accuracy(-actual, actual)).normalised_gini + 1) < 1e-12, '1 for the right order, -1 for the opposite') FROM pair;
SELECT is((forecast_accuracy(7, actual)).normalised_gini, 0::float8, '0 for none') FROM pair;
SELECT ok((forecast_accuracy(distinct_forecast, 3)).normalised_gini IS NULL AND (forecast_accuracy(distinct_forecast, actual - 1)).normalised_gini IS NULL, 'NULL if nobody differs, and of negative values') FROM pair;
SELECT is((SELECT forecast_accuracy(tied_forecast, actual ORDER BY i)::text FROM pair), (SELECT forecast_accuracy(tied_forecast, actual ORDER BY md5(i::text))::text FROM pair), 'no order of rows changes a bit');
SELECT is((SELECT (forecast_accuracy(1, 2)).decile_actual), array_fill(2::float8, ARRAY[10]), 'one customer is all tenths');
SELECT is((SELECT (forecast_accuracy(expected, actual)).top_decile_share FROM (VALUES (3, 1e100::float8), (2, -1e100), (1, 1e-300)) v(expected, actual)), NULL::float8,
  'no share of a total that is next to nothing');

SELECT * FROM finish();
ROLLBACK;
