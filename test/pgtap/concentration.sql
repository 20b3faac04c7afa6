-- concentration and gini on random data against plain SQL, in any order
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(13);

SELECT setseed(0.3);
CREATE TEMPORARY TABLE held AS
  SELECT g, i, round((exp(random() * 8) * (random() < 0.9)::int)::numeric, 4) AS x,
    round((exp(random() * 5) - 30)::numeric, 2) AS signed, random() AS shuffle
  FROM generate_series(1, 40) g, LATERAL generate_series(1, g * g) i;

CREATE TEMPORARY TABLE reference AS
  SELECT g, share, n, sum(x) FILTER (WHERE place <= ceil(share * n)) / nullif(sum(x), 0) AS of_x,
    CASE WHEN sum(signed) > 0 THEN sum(signed) FILTER (WHERE signed_place <= ceil(share * n)) / sum(signed) END AS of_signed
  FROM (SELECT *, row_number() OVER (PARTITION BY g ORDER BY x DESC) AS place,
          row_number() OVER (PARTITION BY g ORDER BY signed DESC) AS signed_place, count(*) OVER (PARTITION BY g) AS n FROM held) h,
    (VALUES (0.2), (0.01), (0.333), (0.5), (1.0)) s(share)
  GROUP BY g, share, n;

SELECT is_empty($$SELECT g, share FROM reference JOIN (SELECT g, s.share, concentration(x, s.share), concentration(signed, s.share) AS of_debts
    FROM held, (SELECT DISTINCT share FROM reference) s GROUP BY g, s.share) c USING (g, share)
  WHERE round(concentration, 15) IS DISTINCT FROM round(of_x, 15) OR round(of_debts, 13) IS DISTINCT FROM round(of_signed, 13)$$,
  'concentration of numeric is the part of the largest');
SELECT is_empty($$SELECT g, share FROM reference JOIN (SELECT g, s.share, concentration(x::float8, s.share), concentration(signed::float8, s.share) AS of_debts
    FROM held, (SELECT DISTINCT share FROM reference) s GROUP BY g, s.share) c USING (g, share)
  WHERE abs(concentration - of_x) > 1e-14 OR (concentration IS NULL) <> (of_x IS NULL)
    OR abs(of_debts - of_signed) > 1e-11 * abs(of_signed) OR (of_debts IS NULL) <> (of_signed IS NULL)$$,
  'so is that of float8');
SELECT is_empty($$SELECT g FROM held GROUP BY g HAVING concentration(x) IS DISTINCT FROM concentration(x, 0.2)$$, 'a fifth is the default share');

-- half the mean absolute difference of all pairs, relative to the mean
CREATE TEMPORARY TABLE pairs AS
  SELECT a.g, sum(abs(a.x - b.x)) / nullif(2 * sum(a.x), 0) AS gini
  FROM held a JOIN held b USING (g) WHERE g <= 20 GROUP BY a.g;
SELECT is_empty($$SELECT g FROM pairs JOIN (SELECT g, gini(x) AS ours, gini(x::float8) AS float FROM held GROUP BY g) h USING (g)
  WHERE round(ours, 14) IS DISTINCT FROM round(pairs.gini, 14) OR abs(float - pairs.gini) > 1e-14$$,
  'gini is half the relative mean difference of all pairs');

SELECT is_empty($$SELECT g FROM held GROUP BY g
  HAVING concentration(x ORDER BY shuffle) IS DISTINCT FROM concentration(x ORDER BY x DESC) OR gini(x ORDER BY shuffle) IS DISTINCT FROM gini(x ORDER BY x)
    OR float8send(concentration(signed::float8 ORDER BY shuffle)) IS DISTINCT FROM float8send(concentration(signed::float8 ORDER BY i))
    OR float8send(gini(x::float8 ORDER BY shuffle)) IS DISTINCT FROM float8send(gini(x::float8 ORDER BY x DESC))$$,
  'the order of rows does not matter, to the last bit');

SELECT is_empty($$SELECT g FROM held GROUP BY g
  HAVING gini(x * 7) <> gini(x) OR abs(gini((x * 1e-200)::float8) - gini(x::float8)) > 1e-14 OR abs(gini((x * 1e300)::float8) - gini(x::float8)) > 1e-14$$,
  'gini does not depend on the unit, however large or small');
SELECT is_empty($$SELECT g FROM held, generate_series(1, 3) GROUP BY g HAVING round(gini(x), 14) <>
    (SELECT round(gini(x), 14) FROM held h WHERE h.g = held.g)$$, 'nor on how often all values are repeated');
SELECT is((SELECT gini(x) FROM (SELECT 0.01 FROM generate_series(1, 999) UNION ALL SELECT 0) v(x)), 0.001, 'one of a thousand has nothing');
SELECT is((SELECT gini(x) FROM (SELECT 1e14 * (i = 1)::int FROM generate_series(1, 1000) i) v(x)), 0.999, 'one of a thousand has all');
SELECT is((SELECT concentration(9e14::numeric) FROM generate_series(1, 100000)), 0.2, 'sums beyond 64 bits are exact');

-- the area under the Lorenz curve by the trapezoid rule
SELECT is((SELECT round(gini(x), 10) FROM unnest(ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 55]::numeric[]) x),
  (SELECT round(1 - sum(2 * below + x) / (10 * 100), 10) FROM (SELECT x, sum(x) OVER (ORDER BY x) - x AS below FROM unnest(ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 55]::numeric[]) x) l),
  'gini is one minus twice the area under the Lorenz curve');

-- a state that anybody can write counts no more values than 128 bits hold
SELECT throws_ok($$SELECT crm_internal.gini_final('amounts; 1:1, 900000000000000:4000000000'::value_list_state)$$, '22003', NULL, 'too many values are refused');
SELECT lives_ok($$SELECT crm_internal.gini_final('amounts; 1:1, 900000000000000:3999999999'::value_list_state)$$, 'as many as there may be are not');
SELECT * FROM finish();
ROLLBACK;
