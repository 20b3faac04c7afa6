-- points of exact rates and every rounding against a slow reference: purchases one by one, day by day
--
-- psql -v cases=5000 runs more of them, -v seed=0.7 others.
\if :{?cases}
\else
\set cases 400
\endif
\if :{?seed}
\else
\set seed 0.2718
\endif
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(7);

-- Whole points of an exact number, as docs/points.md says.
CREATE FUNCTION rounded(rounding text, points numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN points >= 0 THEN CASE rounding WHEN 'down' THEN floor(points) WHEN 'up' THEN ceil(points) ELSE floor(points + 0.5) END
    ELSE -CASE rounding WHEN 'half' THEN floor(-points + 0.5) ELSE ceil(-points) END END $$;
-- n / d rounded without a decimal of the quotient: d > 0
CREATE FUNCTION rounded(rounding text, n numeric, d numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$
  SELECT div(n, d) + rounded(rounding, sign(n)) * CASE WHEN n % d = 0 THEN 0
    WHEN n < 0 THEN CASE WHEN rounding <> 'half' OR -2 * (n % d) >= d THEN 1 ELSE 0 END
    WHEN rounding = 'up' OR rounding = 'half' AND 2 * (n % d) >= d THEN 1 ELSE 0 END $$;

SELECT setseed(:seed);
CREATE TEMP TABLE cases AS
  SELECT i, (ARRAY[1, 2, 0.5, 3])[1 + floor(random() * 4)::int] AS rate, (ARRAY[1, 3, 7, 9, 30, 900, 2.5])[1 + floor(random() * 7)::int] AS per,
    (ARRAY['down', 'up', 'half'])[1 + floor(random() * 3)::int] AS rounding, (ARRAY['', ' per purchase', ' in parts'])[1 + floor(random() * 3)::int] AS how,
    (ARRAY[NULL, '{1,1.5,2}', '{1.25,3,0.5}'])[1 + floor(random() * 3)::int]::numeric[] AS multipliers
  FROM generate_series(1, :cases) i;
ALTER TABLE cases ADD program tier_program;
UPDATE cases SET program = '{A: spend 0, B: spend 500, C: spend 2000} rolling 2 months' WHERE multipliers IS NOT NULL;
ALTER TABLE cases ADD rule points_rule;
UPDATE cases SET rule = points_rule(rate, per => per, rounding => rounding || how, program => program, multipliers => multipliers);
CREATE TEMP TABLE bought AS
  SELECT i, day, amount FROM cases, LATERAL (SELECT date '2024-01-01' + floor(random() * 90)::int AS day,
    round((random() * 60 * per)::numeric, 2) * CASE WHEN random() < 0.3 THEN 10 ELSE 1 END AS amount FROM generate_series(1, 3 + i % 9)) p;
-- exact multiples, where decimals fall short
UPDATE bought SET amount = per * ceil(amount / per) FROM cases WHERE cases.i = bought.i AND random() < 0.3;
-- refunds without a purchase, where days are rounded
INSERT INTO bought SELECT i, day + 3, -amount FROM bought JOIN cases USING (i) WHERE how <> ' per purchase' AND random() < 0.2;

CREATE TEMP TABLE histories AS
  SELECT i, purchase_history(day, amount) AS history, CASE WHEN how = ' per purchase' THEN purchase_history(day, base_points(rule, amount)::numeric) END AS base
  FROM bought JOIN cases USING (i) GROUP BY i, how;

-- The points of each day by the rules of the page.
CREATE TEMP TABLE expected AS
  SELECT i, day, CASE how WHEN '' THEN rounded(rounding, amount * rate * multiplier, per)
      ELSE rounded(rounding, CASE WHEN how = ' in parts' THEN rounded(rounding, amount * rate, per) ELSE singly END * multiplier, 1) END AS points
  FROM (SELECT i, day, sum(amount) AS amount, sum(rounded(rounding, amount * rate, per)) AS singly, rate, per, rounding, how,
          coalesce(multipliers[tier_rank(program, tier(program, until(history, day - 1), day))], 1) AS multiplier
        FROM bought JOIN cases USING (i) JOIN histories USING (i) GROUP BY i, day, rate, per, rounding, how, multipliers, program, history) d;

SELECT is_empty($$
  SELECT i, rule, history, found, wanted FROM cases JOIN histories USING (i),
    LATERAL (SELECT string_agg(booked_on || ' ' || points, E'\n' ORDER BY booked_on) AS found FROM points_statement(rule, history, NULL, '2024-12-31', base)) f,
    LATERAL (SELECT string_agg(day || ' ' || points, E'\n' ORDER BY day) AS wanted FROM expected e WHERE e.i = cases.i AND points <> 0) w
  WHERE found IS DISTINCT FROM wanted ORDER BY length(history::text) LIMIT 3$$, 'each day earns what its purchases earn one by one, or together');
SELECT cmp_ok((SELECT count(DISTINCT (rounding, how, multipliers IS NULL)) FROM cases)::int, '=', 18, 'every rounding, of days, purchases and parts, with and without tiers');
SELECT is_empty($$SELECT rule FROM cases WHERE rule::text::points_rule <> rule OR rule::text::points_rule::text <> rule::text$$, 'the text form loses nothing');

-- exact multiples
SELECT is_empty($$
  SELECT n, k FROM unnest('{3,7,9,11,30,300,900}'::numeric[]) n, generate_series(1, 200) k
  WHERE points_balance(points_rule(per => n), purchase('2024-01-01', n * k), NULL, '2024-12-31') <> k
     OR points_balance(points_rule(per => n), purchase('2024-01-01', n * k - 0.01), NULL, '2024-12-31') <> k - 1$$, 'exact multiples earn exactly, a cent less earns one less');
SELECT is(points_balance('rate 1 per 3', purchase('2024-01-01', 299999999), NULL, '2024-12-31'), 99999999::bigint, 'of large amounts, too');
-- corrections of what was rounded: nothing is left of what is refunded in full, in any number of parts
SELECT is_empty($$
  SELECT i, rule FROM cases JOIN histories USING (i), LATERAL (
      SELECT history + merge(purchase(day, -round(amount / 3, 2), 0, day + 10) + purchase(day, -(amount - round(amount / 3, 2)), -1, day + 20)) AS refunded
      FROM bought b WHERE b.i = cases.i AND amount > 0) r
  WHERE NOT EXISTS (SELECT FROM bought n WHERE n.i = cases.i AND n.amount < 0) AND points_balance(rule, refunded, NULL, '2024-12-31', base) <> 0$$,
  'a purchase refunded in parts leaves nothing, however it was rounded');
SELECT is(points_balance('rate 1 per 10 round up', '{2024-01-01 1 1.01, 2024-01-05 0 -1.01}', NULL, '2024-12-31'), 0::bigint, 'nor does one that is refunded on a day of its own');
SELECT * FROM finish();
ROLLBACK;
