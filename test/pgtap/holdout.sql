-- holdout and lift: the hash as documented, its shares, and the intervals against published figures and plain SQL
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(27);

SELECT is_empty($$
  SELECT i FROM generate_series(-1000, 1000) i, unnest('{0.1,0.5,0.9}'::float8[]) share
  WHERE holdout(i::bigint, 'spring', share) <> holdout(i::text, 'spring', share)
    OR holdout(i::bigint, 'spring', share) <> (('x' || left(encode(sha256(convert_to('spring', 'UTF8') || '\x00' || convert_to(i::text, 'UTF8')), 'hex'), 13))::bit(52)::bigint / 2.0 ^ 52 < share) $$,
  'the hash is the one that the manual states');
SELECT results_eq($$ SELECT count(*) FILTER (WHERE holdout(i, 's', 0)), count(*) FILTER (WHERE holdout(i, 's', 1)) FROM generate_series(1, 5000) i $$, $$ VALUES (0::bigint, 5000::bigint) $$, 'shares of nothing and of all');
SELECT is_empty($$ SELECT i FROM generate_series(1, 5000) i WHERE holdout(i, 's', 0.1) AND NOT holdout(i, 's', 0.2) $$, 'a larger share holds the smaller one');
SELECT cmp_ok((SELECT abs(count(*) - 4000) FROM generate_series(1, 20000) i WHERE holdout(i, 's', 0.2))::int, '<', 4 * 57, 'a share is as large as it says');
SELECT cmp_ok((SELECT abs(count(*) - 800) FROM generate_series(1, 20000) i WHERE holdout(i, 's', 0.2) AND holdout(i, 't', 0.2))::int, '<', 4 * 28, 'salts are independent');
SELECT throws_ok($$ SELECT holdout('a', 's', 1.5) $$, '22023', NULL, 'a share is at most 1');
SELECT throws_ok($$ SELECT holdout('a', 's', 'NaN') $$, '22023', NULL, 'and a number');

-- Quantiles of Student's t, 97.5 %, from published tables: the interval of two groups of n with equal spread has 2 n - 2 degrees.
SELECT is_empty($$
  SELECT n, t FROM (VALUES (2, 4.30265273), (3, 2.77644511), (4, 2.44691185), (6, 2.22813885), (11, 2.08596345), (16, 2.04227246), (31, 2.00029782), (61, 1.97993041)) q(n, t),
    LATERAL (SELECT lift(treated, x + treated::int) AS l, 2 * var_samp(x) FILTER (WHERE treated) / n AS v FROM generate_series(1, n) x, unnest('{t,f}'::boolean[]) treated) s
  WHERE abs(((l).difference_high - 1) / sqrt(v) - t) > 1e-7 $$, 'intervals use the quantiles of published tables');

-- Welch's test of two measurements (Wikipedia, "Student's t-test", worked examples: t = 1.959, 7.031 degrees of freedom, p = 0.091)
SELECT is_empty($$
  SELECT l FROM (SELECT lift(t, v) AS l FROM (VALUES (true, 30.02), (true, 29.99), (true, 30.11), (true, 29.97), (true, 30.01), (true, 29.99),
    (false, 29.89), (false, 29.93), (false, 29.72), (false, 29.98), (false, 30.02), (false, 29.98)) x(t, v)) y
  WHERE abs((l).difference - 0.095) > 1e-12 OR abs((l).difference / ((l).difference_high - (l).difference) * 2.3630 - 1.959) > 0.001 $$, 'the textbook example');

SELECT setseed(0.71);
CREATE TABLE effect AS SELECT i % 20 AS g, random() < 0.5 AS treated, round((exp(random() * 8) * (random() - 0.1))::numeric, (random() * 6)::int) AS value FROM generate_series(1, 4000) i;
SELECT is_empty($$
  SELECT g FROM (SELECT g, lift(treated, value::float8) AS l, avg(value) FILTER (WHERE treated) AS a, avg(value) FILTER (WHERE NOT treated) AS b,
      var_samp(value) FILTER (WHERE treated) / count(*) FILTER (WHERE treated) AS va, var_samp(value) FILTER (WHERE NOT treated) / count(*) FILTER (WHERE NOT treated) AS vb,
      count(*) FILTER (WHERE treated) AS na, count(*) FILTER (WHERE NOT treated) AS nb FROM effect GROUP BY g) s,
    LATERAL (SELECT sqrt((va + vb)::float8) AS error, ((va + vb) ^ 2 / (va ^ 2 / (na - 1) + vb ^ 2 / (nb - 1)))::float8 AS f, 1.959963984540054 AS z) e,
    -- Cornish-Fisher expansion of the quantile (Abramowitz and Stegun 26.7.5)
    LATERAL (SELECT z + (z ^ 3 + z) / 4 / f + (5 * z ^ 5 + 16 * z ^ 3 + 3 * z) / 96 / f ^ 2 + (3 * z ^ 7 + 19 * z ^ 5 + 17 * z ^ 3 - 15 * z) / 384 / f ^ 3 AS t) q
  WHERE (l).treated_n <> na OR (l).control_n <> nb OR abs((l).treated_mean - a) > 1e-9 OR abs((l).control_mean - b) > 1e-9 OR abs((l).difference - (a - b)) > 1e-9
    OR abs((l).difference_high - (a - b) - t * error) > 1e-6 * error OR abs((l).difference_low - (a - b) + t * error) > 1e-6 * error
    OR abs((l).ratio - a / b) > 1e-9 OR abs(ln((l).ratio_high / (l).ratio) - t * sqrt((va / a ^ 2 + vb / b ^ 2)::float8)) > 1e-6 OR abs((l).ratio_low * (l).ratio_high / (l).ratio ^ 2 - 1) > 1e-9 $$,
  'means, difference, ratio and their intervals equal plain SQL in numeric');

SELECT is((SELECT count(DISTINCT l::text) FROM (SELECT lift(treated, value::float8 ORDER BY value) AS l FROM effect UNION ALL SELECT lift(treated, value::float8 ORDER BY value DESC) FROM effect) s), 1::bigint, 'the order of rows makes no difference');
SELECT is((SELECT (lift(x % 2 = 0, 1e15 - x)).difference_high::numeric(6,3) FROM generate_series(1, 10) x), (SELECT (lift(x % 2 = 0, -x)).difference_high::numeric(6,3) FROM generate_series(1, 10) x), 'large values do not drown their spread');

SELECT results_eq($$ SELECT (l).treated_n, (l).control_n, (l).difference, (l).difference_low, (l).ratio, (l).ratio_high FROM (SELECT lift(t, v) AS l FROM (VALUES (true, 1.0), (false, 2.0), (false, 3.0)) x(t, v)) y $$,
  $$ VALUES (1::bigint, 2::bigint, -1.5::float8, NULL::float8, 0.4::float8, NULL::float8) $$, 'one value has no spread');
SELECT is((SELECT lift(true, NULL))::text, '(0,0,,,,,,,,)', 'nothing is told of nothing');
SELECT throws_ok($$ SELECT lift(true, 'NaN') $$, '22003', NULL, 'values are finite');

-- the past of each customer explains some of the noise: regression of value on treated and before, by hand, in numeric
CREATE TABLE past AS SELECT i % 10 AS g, i % 3 = 0 AS treated, round(b::numeric, 3) AS before, round((b * 0.7 + random() * 20 + (i % 3 = 0)::int * 2)::numeric, 3) AS value
FROM (SELECT i, exp(random() * 5) AS b FROM generate_series(1, 3000) i) s;
CREATE TABLE unknown AS SELECT g, treated, CASE WHEN random() < 0.8 THEN before END AS before, value FROM past;
CREATE FUNCTION pg_temp.by_hand(source regclass) RETURNS TABLE (g int, treated_mean float8, control_mean float8, difference float8, error float8) LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE format($q$
  WITH arm AS (SELECT g, treated, sum(before * value) - sum(before) * sum(value) FILTER (WHERE before IS NOT NULL) / count(before) AS xy, sum(before * before) - sum(before) ^ 2 / count(before) AS xx FROM %1$s GROUP BY 1, 2),
    slope AS (SELECT g, sum(xy) / sum(xx) AS slope, (SELECT avg(before) FROM %1$s p WHERE p.g = arm.g) AS mean FROM arm GROUP BY 1),
    adjusted AS (SELECT g, treated, value - coalesce(slope * (before - mean), 0) AS value FROM %1$s JOIN slope USING (g))
  SELECT g, (avg(value) FILTER (WHERE treated))::float8, (avg(value) FILTER (WHERE NOT treated))::float8, (avg(value) FILTER (WHERE treated) - avg(value) FILTER (WHERE NOT treated))::float8,
    sqrt((var_samp(value) FILTER (WHERE treated) / count(*) FILTER (WHERE treated) + var_samp(value) FILTER (WHERE NOT treated) / count(*) FILTER (WHERE NOT treated))::float8)
  FROM adjusted GROUP BY g $q$, source); END $$;
SELECT is_empty(format($$ SELECT * FROM pg_temp.by_hand('%1$s') h JOIN (SELECT g, lift(treated, value::float8, before::float8) AS l FROM %1$s GROUP BY g) s USING (g)
  WHERE NOT coalesce(abs((l).treated_mean - h.treated_mean) < 1e-11 AND abs((l).control_mean - h.control_mean) < 1e-11 AND abs((l).difference - h.difference) < 1e-11
    AND abs(((l).difference_high - (l).difference) / h.error - 1.9725) < 0.01, false) $$, source), 'adjusted means, difference and interval equal plain SQL, ' || source)
FROM unnest('{past,unknown}'::text[]) source;
SELECT is((SELECT count(DISTINCT l::text) FROM (SELECT lift(treated, value::float8, before::float8 ORDER BY value) AS l FROM unknown UNION ALL SELECT lift(treated, value::float8, before::float8 ORDER BY before DESC) FROM unknown) s), 1::bigint,
  'in any order');
SELECT cmp_ok((SELECT (a).difference_high - (a).difference FROM (SELECT lift(treated, value::float8, before::float8) AS a FROM past) s), '<', (SELECT ((a).difference_high - (a).difference) / 2 FROM (SELECT lift(treated, value::float8) AS a FROM past) s),
  'and the interval is narrower');
SELECT is((SELECT lift(treated, value::float8, NULL)::text FROM past), (SELECT lift(treated, value::float8)::text FROM past), 'without a past it is lift');

-- the split: chi-square of one degree from published tables (3.841 at 5 %, 10.828 at 0.1 %)
SELECT is_empty($$ SELECT * FROM (VALUES (3.841459, 0.05), (6.634897, 0.01), (10.827566, 0.001)) t(chi, p) WHERE abs(p_sample_ratio((500000 + 500 * sqrt(chi))::bigint, (500000 - 500 * sqrt(chi))::bigint) / p - 1) > 0.01 $$, 'the published quantiles of chi-square');
SELECT is((SELECT p_sample_ratio(9004, 996, 0.9) > 0.8 AND p_sample_ratio(9000, 1000, 0.9) > 0.999999 AND p_sample_ratio(0, 0) IS NULL), true, 'a split as planned');
SELECT throws_ok($$ SELECT p_sample_ratio(1, 2, 1) $$, '22023', NULL, 'somebody is held out');
-- standard deviation 1, effect 0.5: 63 a group by z (Cohen 1988 has 64 by t); effect 0.2: 393
SELECT is(ARRAY[customers_needed(1, 0.5), customers_needed(10, -2), customers_needed(1, 0.5, 0.9, 0.01), customers_needed(1, 1e6)], '{126,785,239,4}'::bigint[], 'customers needed, as in tables of the power of a two-sided test');
SELECT throws_ok($$ SELECT customers_needed(1, 0) $$, '22023', NULL, 'no effect is never found');
SELECT throws_ok($$ SELECT customers_needed(-10, 2) $$, '22023', NULL, 'a spread is not negative');
SELECT throws_ok($$ SELECT customers_needed(1e300, 1e-300) $$, '22003', NULL, 'nor one for which there are not enough customers');

SELECT * FROM finish();
ROLLBACK;
