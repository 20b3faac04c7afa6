-- rhythm, overdue_p, lifecycle states and migration against slow, obvious SQL on random data
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(28);
SELECT setseed(0.62);

CREATE TEMPORARY TABLE bought AS
SELECT customer, start + (random() * 500)::int AS day, CASE WHEN random() < 0.12 THEN -3.5 ELSE round((random() * 50)::numeric, 2) END AS amount
FROM (SELECT customer, date '2023-01-01' + (random() * 400)::int AS start, 1 + (random() * random() * 9)::int AS n
      FROM generate_series(1, 1200) customer) c, generate_series(1, n);
CREATE TEMPORARY TABLE customer AS SELECT b.customer, purchase_history(day, amount) AS history FROM bought b GROUP BY b.customer;

-- overdue_p: for a whole shape k the incomplete beta function is the sum of k terms
CREATE TEMPORARY TABLE gap AS
SELECT customer, count(*) - 1 AS n, max(day) - min(day) AS span, date '2024-02-01' - max(day) AS silence
FROM (SELECT DISTINCT customer, day FROM bought WHERE amount >= 0 AND day <= '2024-02-01') d GROUP BY customer;
CREATE FUNCTION pg_temp.slow_overdue(k int, a float8, b float8, n bigint, span int, silence int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  a_after float8 := a + k * n; b_after float8 := b + span; term float8; sum float8 := 0;
BEGIN
  term := (b_after / (b_after + silence)) ^ a_after;
  FOR j IN 0 .. k - 1 LOOP
    sum := sum + term;
    term := term * (a_after + j) / (j + 1) * silence / (b_after + silence);
  END LOOP;
  RETURN sum;
END $$;
SELECT is((SELECT count(*)::int FROM gap), (SELECT count(p_silence(history, '2024-02-01', ROW(1, 1, 1)))::int FROM customer), 'every customer who bought has a probability');
SELECT cmp_ok((SELECT max(abs(p_silence(history, '2024-02-01', ROW(k, 2.3, 41.5)) - pg_temp.slow_overdue(k, 2.3, 41.5, n, span, silence)))
  FROM customer JOIN gap USING (customer), generate_series(1, 6) k), '<', 1e-12::float8, 'overdue_p is the sum of its terms');
SELECT cmp_ok((SELECT max(abs(p_silence(history, '2024-02-01') - pg_temp.slow_overdue(1, 0, 0, n, span, silence)))
  FROM customer JOIN gap USING (customer) WHERE n > 0), '<', 1e-12::float8, 'without a rhythm the own gaps alone count');
SELECT is(p_silence('{2024-01-01 1 5}', '2024-02-01'), NULL, 'one purchase alone has no rhythm');
SELECT is(p_silence('{2024-03-01 1 5}', '2024-02-01', ROW(1, 1, 1)), NULL, 'nothing bought yet');
SELECT is(p_silence('{2024-01-01 1 5, 2024-01-05 1 5, 2024-01-06 0 -5}', '2024-01-05', ROW(2, 1, 10)), 1::float8, 'no silence on the day of a purchase');
SELECT is((SELECT bool_and(p_silence(history, '2024-03-01', ROW(2, 3, 50)) < p_silence(history, '2024-02-01', ROW(2, 3, 50)))
  FROM customer WHERE last_purchased_on(history) <= '2024-02-01'), true, 'a longer silence is less probable');
SELECT is((SELECT bool_and(is_overdue(history, '2024-02-01', ROW(2, 3, 50), 0.2) = (p_silence(history, '2024-02-01', ROW(2, 3, 50)) < 0.2)) FROM customer), true,
  'overdue is below the level');
SELECT is((SELECT bool_and(is_overdue(history, '2024-02-01', ROW(2, 3, 50)) = (p_silence(history, '2024-02-01', ROW(2, 3, 50)) < 0.05)) FROM customer), true,
  'which is 0.05 by default');
SELECT throws_ok($$ SELECT p_silence('{}', '2024-02-01', ROW(0, 1, 1)) $$, '22023', 'shape 0 of a rhythm is out of range', 'a shape is positive');
SELECT throws_ok($$ SELECT p_silence('{}', '2024-02-01', ROW(1, NULL, 1)) $$, '22023', 'a of a rhythm cannot be null', 'no parameter is missing');
SELECT throws_ok($$ SELECT is_overdue('{}', '2024-02-01', ROW(1, 1, 1), 1) $$, '22023', 'level 1 is out of range', 'a level is below one');

-- the probability is right: of the gaps that a rhythm makes, as many are longer as it says
CREATE FUNCTION pg_temp.gamma_sum(shape int) RETURNS float8 LANGUAGE sql VOLATILE AS $$ SELECT -sum(ln(1 - random())) FROM generate_series(1, shape) $$;
CREATE TEMPORARY TABLE simulated AS
SELECT i, date '2000-01-01' + (sum(greatest(pg_temp.gamma_sum(3) / rate, 0)) OVER (PARTITION BY i ORDER BY j))::int AS day
FROM (SELECT i, n, pg_temp.gamma_sum(4) / 600 AS rate FROM (SELECT i, 2 + i % 9 AS n FROM generate_series(1, 6000) i) x) c, generate_series(1, n) j;
CREATE TEMPORARY TABLE fitted AS
SELECT rhythm(history, '2100-01-01') AS r FROM (SELECT purchase_history(day, 1::numeric) AS history FROM simulated GROUP BY i) h;
SELECT cmp_ok((SELECT abs(ln((r).shape / 3)) FROM fitted), '<', 0.05::float8, 'the fit finds the shape of the gaps');
SELECT cmp_ok((SELECT abs(ln((r).a / 4)) FROM fitted), '<', 0.12::float8, 'and the shape of the rates');
SELECT cmp_ok((SELECT abs(ln((r).b / 600)) FROM fitted), '<', 0.15::float8, 'and their rate');
SELECT cmp_ok((
  WITH last_gap AS (
    SELECT i, max(day) AS last, purchase_history(day, 1::numeric) AS history FROM simulated GROUP BY i)
  SELECT abs(avg((p_silence(history - purchase(last, 1, orders), last, r) < 0.1)::int) - 0.1)
  FROM (SELECT *, (SELECT p.purchase_count FROM purchases(history) p WHERE p.purchased_on = last) AS orders FROM last_gap) l, fitted
  WHERE purchase_day_count(history) > 2), '<', 0.015, 'one gap in ten is longer than the one of probability 0.1');

SELECT is((SELECT rhythm(history, '2024-02-01' ORDER BY random()) FROM customer), (SELECT rhythm(history, '2024-02-01') FROM customer),
  'the order of rows does not matter');
SELECT throws_like($$ SELECT rhythm('{2024-01-01 1 5}', '2024-02-01') $$, 'too few purchases to find a rhythm', 'one purchase makes no rhythm');
SELECT is((SELECT rhythm(history, '2024-02-01') FROM customer WHERE false), NULL, 'no customer, no rhythm');
SELECT cmp_ok((SELECT (rhythm(h, '2024-12-31')).shape FROM (VALUES ('{2024-01-01 1 5, 2024-01-08 1 5, 2024-01-15 1 5}'::purchase_history),
  ('{2024-01-01 1 5, 2024-01-31 1 5, 2024-03-01 1 5}')) v(h)), '>', 999::float8, 'perfectly regular buyers are as regular as it gets');

-- lifecycle
CREATE TEMPORARY VIEW lifecycle AS
SELECT customer, CASE
    WHEN first IS NULL OR first > '2024-03-01' THEN 'never'
    WHEN now AND first > '2024-01-01' THEN 'new'
    WHEN now AND before THEN 'repeat'
    WHEN now THEN 'reactivated'
    ELSE 'lapsed' END AS state
FROM (SELECT customer, min(day) FILTER (WHERE amount >= 0) AS first,
        coalesce(bool_or(amount >= 0 AND day > '2024-01-01' AND day <= '2024-03-01'), false) AS now,
        coalesce(bool_or(amount >= 0 AND day > '2023-11-02' AND day <= '2024-01-01'), false) AS before
      FROM bought GROUP BY customer) x;
SELECT results_eq($$ SELECT customer, lifecycle_state(history, '(2024-01-01,2024-03-01]') FROM customer ORDER BY 1 $$,
  $$ SELECT * FROM lifecycle ORDER BY 1 $$, 'the state follows from the purchases of three windows');
SELECT is((SELECT count(DISTINCT state)::int FROM lifecycle), 5, 'and all states occur');
SELECT is((SELECT array_agg(s ORDER BY lifecycle_rank(s)) FROM unnest('{never,lapsed,new,reactivated,repeat}'::text[]) s),
  '{new,repeat,reactivated,lapsed,never}', 'states have an order for charts');
SELECT throws_ok($$ SELECT lifecycle_state('{}', '(2024-01-01,2024-01-01]') $$, '22023',
  'a range of days cannot be empty', 'a window has a length');
SELECT set_eq(
  $$ SELECT from_state, to_state, customers, revenue_before, revenue_after FROM lifecycle_migration('customer', '(2024-01-01,2024-03-01]') $$,
  $$ SELECT lifecycle_state(history, '(2023-11-02,2024-01-01]') AS f, lifecycle_state(history, '(2024-01-01,2024-03-01]') AS t, count(*),
       sum(coalesce((SELECT sum(amount) FROM bought b WHERE b.customer = c.customer AND day > '2023-11-02' AND day <= '2024-01-01'), 0)) AS revenue_before,
       sum(coalesce((SELECT sum(amount) FROM bought b WHERE b.customer = c.customer AND day > '2024-01-01' AND day <= '2024-03-01'), 0)) AS revenue_after
     FROM customer c GROUP BY f, t
     $$,
  'migration counts customers and sums their amounts in either window');
SELECT is((SELECT sum(customers)::int FROM lifecycle_migration('customer', '(2024-01-01,2024-03-01]')), (SELECT count(*)::int FROM customer), 'every customer moves from one state to one state');
SELECT is(lifecycle_state('{2024-01-01 1 5}', '(2023-12-31,2024-01-01]'), 'new', 'the last day of the window is in it');
SELECT is(lifecycle_state('{2024-01-01 1 5}', '(2024-01-01,2024-01-02]'), 'lapsed', 'the day before its first is not');
SELECT * FROM finish();
ROLLBACK;
