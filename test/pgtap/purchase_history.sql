-- purchase_history on random data: whatever the order, split or route, the same value
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(23);

-- a seeded table of orders: refunds, zeros, unit weights and others, days in clusters
SELECT setseed(0.42);
CREATE TEMPORARY TABLE bought AS
  SELECT i, (random() * 200)::int AS customer, date '2019-11-01' + (random() * random() * 900)::int AS day,
    CASE WHEN random() < 0.1 THEN -1 ELSE 1 END * round((random() * 300)::numeric, (random() * 6)::int) AS amount,
    CASE WHEN random() < 0.7 THEN 1 ELSE (random() * 3)::int END AS orders, random() AS shuffle
  FROM generate_series(1, 20000) i;
CREATE TEMPORARY TABLE customer AS
  SELECT customer, purchase_history(day, amount, orders) AS history FROM bought GROUP BY customer;

-- the slow, obvious reference
CREATE TEMPORARY TABLE reference AS
  SELECT customer, day, sum(CASE WHEN amount < 0 AND round(amount, 4) < 0 THEN 0 ELSE orders END) AS orders, sum(round(amount, 4)) AS amount
  FROM bought GROUP BY customer, day;
DELETE FROM reference WHERE orders = 0 AND amount = 0;

SELECT is_empty($$
  (SELECT customer, purchased_on, p.purchase_count::bigint, amount FROM customer, purchases(history) p
   EXCEPT ALL SELECT customer, day, orders, amount FROM reference)
  UNION ALL
  (SELECT customer, day, orders, amount FROM reference
   EXCEPT ALL SELECT customer, purchased_on, p.purchase_count::bigint, amount FROM customer, purchases(history) p)$$,
  'entries equal sums by customer and day');

SELECT is_empty($$
  SELECT customer FROM customer JOIN
    (SELECT customer, sum(orders) AS orders, sum(amount) AS spend, min(day) FILTER (WHERE orders > 0) AS first,
       max(day) FILTER (WHERE orders > 0) AS last, count(*) FILTER (WHERE orders > 0) AS days FROM reference GROUP BY customer) r USING (customer)
  WHERE (purchase_count(history), spend(history), first_purchased_on(history), last_purchased_on(history), purchase_day_count(history)::bigint)
    IS DISTINCT FROM (r.orders, r.spend, r.first, r.last, r.days)
    OR average_order_value(history) IS DISTINCT FROM spend / nullif(r.orders, 0)
    OR average_days_between_purchases(history) IS DISTINCT FROM (r.last - r.first)::numeric / nullif(r.days - 1, 0)$$,
  'accessors equal plain SQL');

SELECT is_empty($$
  SELECT customer, as_of FROM customer, generate_series(date '2019-10-25', '2022-06-01', interval '17 days') g, LATERAL (SELECT g::date AS as_of) a,
    LATERAL (SELECT max(day) FILTER (WHERE orders > 0) AS last, min(day) FILTER (WHERE orders > 0) AS first, coalesce(sum(amount), 0) AS spend
             FROM reference r WHERE r.customer = customer.customer AND day <= as_of) r
  WHERE recency(history, as_of) IS DISTINCT FROM as_of - last OR tenure(history, as_of) IS DISTINCT FROM as_of - first
    OR spend(until(history, as_of)) <> spend$$,
  'recency, tenure and until equal plain SQL on any day');

SELECT is_empty($$
  SELECT customer FROM customer, (VALUES ('day'), ('week'), ('month'), ('quarter'), ('year')) u(unit)
  WHERE EXISTS (
    SELECT 1 FROM activity(history, '2022-07-01', unit) a FULL JOIN
      (SELECT period::date AS period_start, coalesce(sum(r.orders), 0) AS orders, coalesce(sum(r.amount), 0) AS amount
       FROM generate_series(date_trunc(unit, first_purchased_on(history)::timestamp), timestamp '2022-07-01', ('1 ' || replace(unit, 'quarter', 'month'))::interval
              * CASE unit WHEN 'quarter' THEN 3 ELSE 1 END) period
         LEFT JOIN reference r ON r.customer = customer.customer AND (date_trunc(unit, r.day::timestamp) = period
           OR (r.day < first_purchased_on(history) AND period = date_trunc(unit, first_purchased_on(history)::timestamp) AND date_trunc(unit, r.day::timestamp) <> period))
       GROUP BY period) b USING (period_start)
    WHERE (a.purchase_count, a.amount) IS DISTINCT FROM (b.orders, b.amount)) AND customer % 10 = 0$$,
  'activity equals generate_series and sums');

SELECT is_empty($$
  SELECT customer FROM (SELECT customer, purchase_history(day, amount, orders ORDER BY shuffle) AS h FROM bought GROUP BY customer) s
    JOIN customer USING (customer) WHERE h <> history$$, 'any order of input gives the same value');

SELECT is_empty($$
  SELECT customer FROM (SELECT customer, merge(h) AS h FROM
      (SELECT customer, purchase_history(day, amount, orders) AS h FROM bought GROUP BY customer, i % 7) parts GROUP BY customer) s
    JOIN customer USING (customer) WHERE h <> history$$, 'any split into parts merges to the same value');

SELECT is_empty($$
  SELECT a.customer FROM customer a JOIN customer b ON b.customer = (a.customer * 7 + 3) % 200
  WHERE a.history + b.history <> b.history + a.history OR (a.history + b.history) - b.history <> a.history
    OR (a.history + b.history) - a.history <> b.history OR a.history - a.history <> '{}'$$, '+ commutes and - is its inverse');

SELECT is_empty($$
  SELECT a.customer FROM customer a JOIN customer b ON b.customer = (a.customer * 7 + 3) % 200 JOIN customer c ON c.customer = (a.customer * 11 + 5) % 200
  WHERE (a.history + b.history) + c.history <> a.history + (b.history + c.history)$$, '+ is associative');

SELECT is_empty($$
  SELECT customer FROM customer, generate_series(date '2019-10-25', '2022-06-01', interval '29 days') g
  WHERE within(history, daterange(NULL, g::date)) + within(history, daterange(g::date, NULL)) <> history
    OR until(history, g::date) <> within(history, daterange(NULL, g::date, '[]'))$$, 'cuts fit together');

SELECT is_empty('SELECT customer FROM customer WHERE history::text::purchase_history <> history', 'text round trip');
SELECT is_empty($$
  SELECT customer FROM customer WHERE history::text <> (SELECT '{' || coalesce(string_agg(purchased_on || ' ' || p.purchase_count || ' ' ||
    (SELECT CASE WHEN scale(t) < 2 THEN round(amount, 2) ELSE t END FROM trim_scale(amount) t), ', ' ORDER BY purchased_on), '') || '}' FROM purchases(history) p)$$,
  'text form is day orders amount');
SELECT is_empty($$
  SELECT customer FROM customer WHERE history <> (SELECT coalesce(sum_of, '{}') FROM
    (SELECT merge(purchase(e.purchased_on, e.amount, e.orders) - purchase(e.purchased_on, e.amount, e.orders) + (format('{%s %s %s}', e.purchased_on, e.orders, e.amount))::purchase_history) AS sum_of
     FROM jsonb_to_recordset(history::jsonb) AS e(purchased_on date, orders int, amount numeric)) s)$$, 'jsonb holds every entry');

-- all histories in one: most bring no new day, some take a day's last order or amount away
SELECT is((SELECT merge(history) FROM customer), (SELECT purchase_history(day, amount, orders) FROM bought), 'all customers merge to the shop');
SELECT is_empty($$
  SELECT customer FROM (SELECT customer, merge(history) OVER (ORDER BY customer) AS h FROM customer WHERE customer < 20) w
  WHERE h <> (SELECT purchase_history(day, amount, orders) FROM bought b WHERE b.customer <= w.customer)$$, 'a growing window merges what it holds');
SELECT is((SELECT merge(h ORDER BY i) FROM (VALUES (1, '{2020-01-01 1 5, 2020-01-02 0 7, 2020-01-03 1 1}'::purchase_history),
    (2, '{2020-01-01 0 -5, 2020-01-02 0 -7, 2020-01-03 0 2}'), (3, '{2020-01-02 1 1}')) v(i, h)),
  '{2020-01-01 1 0, 2020-01-02 1 1, 2020-01-03 1 3}', 'a day of which nothing is left goes, and may come again');

-- insert then delete: taking rows away again leaves what was there
SELECT is_empty($$
  SELECT customer FROM customer JOIN (SELECT customer, purchase_history(day, amount, orders) AS h FROM bought WHERE i % 3 = 0 GROUP BY customer) a USING (customer)
    JOIN (SELECT customer, purchase_history(day, amount, orders) AS h FROM bought WHERE i % 3 <> 0 GROUP BY customer) b USING (customer)
  WHERE history - a.h <> b.h$$, 'insert then delete leaves the rest');

-- float8 and numeric agree bit for bit
SELECT is_empty($$
  SELECT v, w FROM (SELECT v, v::numeric(19, 4) AS w FROM (
      SELECT (random() - 0.5) * 10 ^ (random() * 16 - 2) AS v FROM generate_series(1, 20000)
      UNION ALL SELECT (random() * 1e6)::int / 20000.0::float8 + s FROM generate_series(1, 20000), (VALUES (0), (1e7), (1e10)) k(s)
      UNION ALL SELECT (2 * (random() * 1e9)::int + 1) / 20000.0::float8 FROM generate_series(1, 20000)) x WHERE abs(v) < 9e14) y
  GROUP BY v, w HAVING spend(purchase(date '2020-01-01', w, 0)) <> w OR spend(purchase_history(date '2020-01-01', v, 0)) <> w * count(*)$$, 'float8 rounds as a cast to numeric(19,4) does');

SELECT is_empty($$
  SELECT v FROM (SELECT round(((random() - 0.5) * 10 ^ (random() * 15))::numeric, (random() * 12)::int) * (10 ^ -((random() * 6)::int))::numeric AS v FROM generate_series(1, 30000)) x
  WHERE spend(purchase('2020-01-01', v, 0)) <> round(v, 4)$$, 'numeric rounds half away from zero');

SELECT is_empty($$
  SELECT customer FROM customer c WHERE drop_refunded(history) <> coalesce((SELECT merge(format('{%s %s %s}', day, orders, amount)::purchase_history)
    FROM reference r WHERE r.customer = c.customer AND amount > 0), '{}')$$, 'drop_refunded keeps the days with money left');

-- what a day may hold is asked of all its rows together: their order, and how they are split and merged, never matters
CREATE TEMP TABLE large (i int, a numeric);
INSERT INTO large VALUES (1, 9e14), (2, 9e14), (3, -9e14), (4, -9e14), (5, 9e14), (6, -1), (7, 9e14), (8, -9e14);
CREATE FUNCTION pg_temp.ways(rows int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  way text;
BEGIN
  FOR seed IN 1 .. 60 LOOP
    FOREACH way IN ARRAY ARRAY['purchase_history(date ''2026-01-01'' + b, a, 1, b + date ''2026-01-01'' ORDER BY md5(i || %1$L))', 'purchase_history(date ''2026-01-01'', a, 1, date ''2026-01-01'' + b ORDER BY md5(i || %1$L))',
        'merge(purchase(date ''2026-01-01'' + b, a) ORDER BY md5(i || %1$L))', 'purchase_history(date ''2026-01-01'', a ORDER BY md5(i || %1$L))'] LOOP
      BEGIN
        EXECUTE format('SELECT ' || way || '::text FROM large, generate_series(0, 1) AS b WHERE i <= %s', seed, rows) INTO way;
      EXCEPTION WHEN numeric_value_out_of_range THEN
        way := 'error';
      END;
      RETURN NEXT way;
    END LOOP;
  END LOOP;
END $$;
SELECT bag_eq('SELECT DISTINCT w FROM pg_temp.ways(4) AS w', ARRAY['{2026-01-01 2 0.00, 2026-01-02 2 0.00 of 2026-01-01}', '{2026-01-01 2 0.00, 2026-01-02 2 0.00}', '{2026-01-01 4 0.00}'], 'large amounts that cancel');
SELECT results_eq('SELECT DISTINCT w FROM pg_temp.ways(7) AS w', ARRAY['error'], 'large amounts that do not');
SELECT bag_eq('SELECT DISTINCT w FROM pg_temp.ways(8) AS w', ARRAY['error', '{2026-01-01 4 899999999999999.00, 2026-01-02 4 899999999999999.00 of 2026-01-01}',
  '{2026-01-01 4 899999999999999.00, 2026-01-02 4 899999999999999.00}'], 'and cancel again but where both are on one day');
CREATE FUNCTION pg_temp.in_parts(rows int, part int) RETURNS text LANGUAGE sql AS $$
  SELECT merge(h)::text FROM (SELECT purchase_history(date '2026-01-01', a) AS h FROM large WHERE i <= rows GROUP BY i % part) AS parts
$$;
SELECT is(pg_temp.in_parts(4, 2), pg_temp.in_parts(4, 4), 'parts of them are merged as they are summed');

SELECT * FROM finish();
ROLLBACK;
