-- retention_curve and survival_curve against slow, obvious SQL on random data
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(27);

-- a seeded table of orders: first purchases at every day of the month, refunds, days after as_of
SELECT setseed(0.61);
CREATE TEMPORARY TABLE bought AS
SELECT customer, start + (random() * random() * span)::int AS day,
  CASE WHEN random() < 0.1 THEN -5.5 ELSE round((random() * 100)::numeric, 2) END AS amount
FROM (SELECT customer, date '2019-10-28' + (random() * 1200)::int AS start, 30 + random() * 1500 AS span,
        1 + (random() * random() * 14)::int AS n
      FROM generate_series(1, 400) customer) c, generate_series(1, n);
CREATE TEMPORARY TABLE customer AS
SELECT b.customer, purchase_history(day, amount) AS history FROM bought b GROUP BY b.customer;
-- its purchase days up to as_of, one row a day
CREATE TEMPORARY TABLE seen AS
SELECT DISTINCT customer, day, min(day) OVER (PARTITION BY customer) AS first_day
FROM bought WHERE amount >= 0 AND day <= date '2022-12-30';
CREATE INDEX ON seen (customer, day);
ANALYZE seen;

-- the obvious way: start and end of each period of each customer by interval arithmetic
CREATE TEMPORARY TABLE step AS
SELECT unit, ('1 ' || unit)::interval AS step
FROM (VALUES ('day'), ('week'), ('month'), ('year')) v(unit)
UNION ALL SELECT 'quarter', interval '3 months';
CREATE FUNCTION pg_temp.slow_retention(unit text, basis text)
RETURNS TABLE (age int, observable bigint, active bigint) LANGUAGE sql AS $$
  WITH first AS (
    SELECT customer, first_day,
      CASE basis WHEN 'calendar' THEN date_trunc(unit, first_day)::date ELSE first_day END AS origin
    FROM seen GROUP BY customer, first_day),
  period AS (
    SELECT customer, age, (origin + age * step)::date AS starts, (origin + (age + 1) * step)::date AS ends
    FROM first, (SELECT step FROM step WHERE step.unit = $1 LIMIT 1) s, generate_series(0, 170) age
    WHERE (origin + age * step)::date <= date '2022-12-30')
  SELECT age, count(*), count(*) FILTER (WHERE EXISTS (
    SELECT FROM seen WHERE seen.customer = period.customer AND day >= starts AND day < ends))
  FROM period
  WHERE age = 0 OR ends <= date '2022-12-31'
  GROUP BY age ORDER BY age
$$;
CREATE FUNCTION pg_temp.same(unit text, basis text) RETURNS text LANGUAGE sql AS $$
  SELECT results_eq(
    format('SELECT age, observable, active FROM (SELECT retention_curve(history, %3$L, %1$L, %2$L) AS c FROM customer) x, curve_points(c)',
      unit, basis, '2022-12-30'),
    format('SELECT * FROM pg_temp.slow_retention(%L, %L)', unit, basis),
    format('retention by %s, %s, is what counting period by period gives', unit, basis))
$$;
SELECT pg_temp.same('month', 'calendar');
SELECT pg_temp.same('month', 'age');
SELECT pg_temp.same('quarter', 'calendar');
SELECT pg_temp.same('quarter', 'age');
SELECT pg_temp.same('year', 'calendar');
SELECT pg_temp.same('year', 'age');
SELECT pg_temp.same('week', 'calendar');
SELECT pg_temp.same('week', 'age');

SELECT is((SELECT retention_curve(history, '2022-12-30', 'day') FROM customer)::text,
  replace((SELECT retention_curve(history, '2022-12-30', 'day', 'age') FROM customer)::text, 'day age', 'day calendar'),
  'by day, calendar and age are the same');
SELECT results_eq($$
  SELECT rate FROM (SELECT retention_curve(history, '2022-12-30', 'month') AS c FROM customer) x, curve_points(c) $$,
  $$ SELECT active::float8 / observable FROM (SELECT retention_curve(history, '2022-12-30', 'month') AS c FROM customer) x, curve_points(c) $$,
  'the rate is active customers per observable one');

-- order and merge
SELECT is((SELECT retention_curve(history, '2022-12-30', 'month' ORDER BY random()) FROM customer),
  (SELECT retention_curve(history, '2022-12-30', 'month') FROM customer), 'the order of rows does not matter');
SELECT is((SELECT merge(c) FROM (
    SELECT retention_curve(history, '2022-12-30', 'month') AS c FROM customer GROUP BY customer % 17) x),
  (SELECT retention_curve(history, '2022-12-30', 'month') FROM customer), 'curves of parts merge to the curve of all');
SELECT is((SELECT c::text::retention_curve FROM (SELECT retention_curve(history, '2022-12-30', 'week') AS c FROM customer) x),
  (SELECT retention_curve(history, '2022-12-30', 'week') FROM customer), 'the text form loses nothing');
SELECT is((SELECT retention_curve(history, '2018-01-01', 'month') FROM customer), NULL, 'nobody there yet: NULL');
SELECT is((SELECT retention_curve(history, '2022-12-30', 'month') FROM (SELECT history FROM customer UNION ALL SELECT NULL UNION ALL SELECT '{}') x),
  (SELECT retention_curve(history, '2022-12-30', 'month') FROM customer), 'no history, an empty one: left out');

-- the cohort triangle
SELECT results_eq(
  $$ SELECT cohort_start, age, observable, active FROM cohort_triangle('customer', '2022-12-30', 'month') $$,
  $$ WITH cohort AS (
       SELECT date_trunc('month', first_day)::date AS cohort, count(DISTINCT customer) AS customers FROM seen GROUP BY 1)
     SELECT cohort, age, customers, (
       SELECT count(DISTINCT customer) FROM seen
       WHERE date_trunc('month', first_day) = cohort AND date_trunc('month', day) = cohort + age * interval '1 month')
     FROM cohort, generate_series(0, 60) age
     WHERE age = 0 OR cohort + (age + 1) * interval '1 month' <= date '2022-12-31'
     ORDER BY cohort, age $$,
  'the cohort triangle is what counting each cell gives');
SELECT throws_ok($$ SELECT cohort_triangle('customer', '2022-12-30', 'decade') $$, '22023', 'unknown period "decade"',
  'the triangle takes no period that retention does not');

-- time to the second purchase: Kaplan-Meier
CREATE TEMPORARY TABLE duration AS
SELECT customer, coalesce(second_day, date '2022-12-30') - first_day AS days, second_day IS NOT NULL AS happened
FROM (SELECT customer, first_day, (SELECT min(s.day) FROM seen s WHERE s.customer = f.customer AND s.day > f.first_day) AS second_day
      FROM seen f GROUP BY customer, first_day) x;
SELECT results_eq(
  $$ SELECT days, at_risk, happened, censored, round(survival::numeric, 12), round(standard_error::numeric, 12)
     FROM (SELECT second_purchase_curve(history, '2022-12-30') AS c FROM customer) x, curve_points(c) $$,
  $$ WITH step AS (
       SELECT days, (SELECT count(*) FROM duration r WHERE r.days >= d.days) AS at_risk,
         count(*) FILTER (WHERE happened) AS happened, count(*) FILTER (WHERE NOT happened) AS censored
       FROM duration d GROUP BY days)
     SELECT days, at_risk, happened, censored, round(s.survival, 12),
       round(s.survival * sqrt(s.greenwood), 12)
     FROM step a CROSS JOIN LATERAL (
       SELECT CASE WHEN bool_or(b.happened = b.at_risk) THEN 0::numeric
           ELSE exp(sum(ln(1 - b.happened::numeric(40, 20) / nullif(b.at_risk, b.happened)))) END AS survival,
         sum(coalesce(b.happened::numeric(60, 30) / nullif(b.at_risk * (b.at_risk - b.happened), 0), 0)) AS greenwood
       FROM step b WHERE b.days <= a.days) s
     ORDER BY days $$,
  'the Kaplan-Meier estimate and its standard error are the product and the sum over the days');
SELECT is((SELECT survival_curve(days, happened) FROM duration),
  (SELECT second_purchase_curve(history, '2022-12-30') FROM customer), 'the same from days and a flag');
SELECT is((SELECT merge(c) FROM (SELECT second_purchase_curve(history, '2022-12-30') AS c FROM customer GROUP BY customer % 13) x),
  (SELECT second_purchase_curve(history, '2022-12-30') FROM customer), 'parts merge to the curve of all');
SELECT is((SELECT repeat_rate(history, '2022-12-30') FROM customer),
  (SELECT avg(happened::int)::float8 FROM duration), 'the repeat rate is the share of customers with a second purchase day');
SELECT is((SELECT c::text::survival_curve FROM (SELECT second_purchase_curve(history, '2022-12-30') AS c FROM customer) x),
  (SELECT second_purchase_curve(history, '2022-12-30') FROM customer), 'the text form loses nothing');
SELECT results_eq(
  $$ SELECT survival(c, d), survival_days(c, 0.3) FROM (SELECT survival_curve(days, happened) AS c FROM duration) x, generate_series(0, 400, 50) d $$,
  $$ SELECT coalesce((SELECT survival FROM curve_points(c) p WHERE p.days <= d ORDER BY p.days DESC LIMIT 1), 1),
       (SELECT min(days) FROM curve_points(c) WHERE happened_share >= 0.3)
     FROM (SELECT survival_curve(days, happened) AS c FROM duration) x, generate_series(0, 400, 50) d $$,
  'survival and survival_days read the points');

-- remission of acute myelogenous leukaemia, the maintained group (Miller 1981, p. 49)
SELECT results_eq(
  $$ SELECT days, round(survival::numeric, 4), round(standard_error::numeric, 4)
     FROM (SELECT survival_curve(d, h) AS c FROM (VALUES (9, true), (13, true), (13, false), (18, true), (23, true),
       (28, false), (31, true), (34, true), (45, false), (48, true), (161, false)) v(d, h)) x, curve_points(c) WHERE happened > 0 $$,
  $$ VALUES (9, 0.9091, 0.0867), (13, 0.8182, 0.1163), (18, 0.7159, 0.1397), (23, 0.6136, 0.1526),
       (31, 0.4909, 0.1642), (34, 0.3682, 0.1627), (48, 0.1841, 0.1535) $$,
  'the published estimate of a small trial');
SELECT is((SELECT survival_days(survival_curve(d, h), 0.5) FROM (VALUES (1, true), (2, true), (3, true), (4, true)) v(d, h)), 2,
  'half of four is two, whatever the last bits');
SELECT is((SELECT survival(survival_curve(d, h), 5) FROM (VALUES (1, true), (4, false)) v(d, h)), NULL,
  'nothing is known beyond the last day observed');

-- calendar periods of every century, and of every day of four
SELECT is_empty($$
  SELECT d, u FROM (
      SELECT date '4713-01-01 BC' + i * 997 AS d FROM generate_series(0, 100000) i
      UNION ALL SELECT date '1799-12-31' + i FROM generate_series(0, 150000, 3) i) x,
    (VALUES ('month'), ('quarter'), ('year')) v(u), activity(purchase(d, 1), d, u)
  WHERE period_start <> date_trunc(u, d::timestamp)::date $$, 'a period starts where date_trunc says');

SELECT * FROM finish();
ROLLBACK;
