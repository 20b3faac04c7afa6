-- corrections: what moves on a later day for what was bought on an earlier one
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(20);

-- the value: forms, sums, what is known when
SELECT is('{2024-01-20 0 -100 of 2024-01-10, 2024-01-10 1 100}'::purchase_history::text,
  '{2024-01-10 1 100.00, 2024-01-20 0 -100.00 of 2024-01-10}', 'a correction names the day of its purchase');
SELECT throws_ok($$SELECT '{2024-01-09 0 -1 of 2024-01-10}'::purchase_history$$, '22008', NULL, 'nothing is booked before it was bought');
SELECT is(until('{2024-01-10 1 100, 2024-01-20 0 -100 of 2024-01-10}'::purchase_history, '2024-01-19')::text, '{2024-01-10 1 100.00}',
  'a correction exists from its booked day on');
SELECT is(within('{2024-01-10 1 100, 2024-01-20 0 -100 of 2024-01-10}'::purchase_history, '[2024-01-10,2024-01-11)')::text,
  '{2024-01-10 1 100.00, 2024-01-20 0 -100.00 of 2024-01-10}', 'what is cut by its day keeps all that happened to it');

-- literals without a type: contacts and mixes are cut by functions of the same names
SELECT is(ARRAY[until('{2024-01-10 1 100, 2024-02-01 1 5}', '2024-01-31'), within('{2024-01-10 1 100, 2024-02-01 1 5}', '[2024-02-01,)'), within('{2024-01-10 1 100}', daterange('2024-01-01', '2024-01-10')),
  until('{2024-01-10 1 100, 2024-02-01 1 5}', date '2024-01-31')]::text, '{"{2024-01-10 1 100.00}","{2024-02-01 1 5.00}","{}","{2024-01-10 1 100.00}"}', 'two literals are of purchases');
SELECT is(ARRAY[p_alive(pareto_nbd(0.553, 10.578, 0.606, 11.669, 7), '{2024-01-01 1 5}', '2024-09-29', '2024-10-29'), expected_spend(gamma_gamma(6.25, 3.74, 15.44), '{2024-01-01 1 5, 2024-02-01 1 6}', '2024-09-29')],
  ARRAY[p_alive(pareto_nbd(0.553, 10.578, 0.606, 11.669, 7), '{2024-01-01 1 5}'::purchase_history, date '2024-09-29', date '2024-10-29'), expected_spend(gamma_gamma(6.25, 3.74, 15.44), '{2024-01-01 1 5, 2024-02-01 1 6}'::purchase_history, date '2024-09-29')],
  'so are those of predictions');

-- random parts against plain SQL
SELECT setseed(0.5);
CREATE TEMP TABLE moved AS
  SELECT i, i % 40 AS customer, day, CASE WHEN random() < 0.5 THEN day + 1 + floor(random() * 25)::int END AS booked,
    (random() * 90 + 1)::numeric(8,2) AS amount
  FROM (SELECT i, date '2024-01-01' + floor(random() * 60)::int AS day FROM generate_series(1, 4000) i) d;
CREATE TEMP TABLE part AS
  SELECT i, customer, CASE WHEN booked IS NULL THEN format('{%s 1 %s}', day, amount) ELSE format('{%s -1 -%s of %s}', booked, amount, day) END::purchase_history AS h
  FROM moved;
CREATE TEMP TABLE whole AS SELECT customer, merge(h ORDER BY i) AS h FROM part GROUP BY customer;
SELECT is_empty($$SELECT customer FROM whole JOIN (SELECT customer, merge(h ORDER BY i DESC) AS other FROM part GROUP BY customer) o USING (customer) WHERE h <> other$$,
  'merged in any order they are equal');
SELECT is_empty($$SELECT customer FROM whole JOIN (SELECT customer, merge(h) FILTER (WHERE i % 3 = 0) AS a, merge(h) FILTER (WHERE i % 3 <> 0) AS b FROM part GROUP BY customer) o USING (customer)
  WHERE a + b <> h OR h - a <> b OR h - b <> a$$, 'split, added and taken away again');
SELECT is_empty($$SELECT customer FROM whole WHERE h::text::purchase_history <> h$$, 'the text form loses nothing');
SELECT is_empty($$
  SELECT customer, as_of FROM whole, generate_series(date '2024-01-05', '2024-03-30', interval '12 days') g(at), LATERAL (SELECT at::date AS as_of) d,
    LATERAL (SELECT coalesce(sum(orders), 0) AS orders, coalesce(sum(net), 0) AS net, max(day) FILTER (WHERE orders > 0) AS last
      FROM (SELECT day, greatest(sum(CASE WHEN booked IS NULL THEN 1 ELSE -1 END), 0) AS orders, sum(CASE WHEN booked IS NULL THEN amount ELSE -amount END) AS net
            FROM moved m WHERE m.customer = whole.customer AND day <= as_of AND (booked IS NULL OR booked <= as_of) GROUP BY day) k) p
  WHERE (p.orders, p.net, as_of - p.last) IS DISTINCT FROM (purchase_count(until(h, as_of)), spend(until(h, as_of)), recency(h, as_of))$$,
  'what is known on a day is what plain SQL finds');

-- tiers
SELECT results_eq($$SELECT changed_on, to_tier, reason FROM tier_timeline('{Bronze: spend 0, Silver: spend 500} rolling 12 months',
    '{2023-06-01 1 600, 2024-01-01 1 1000, 2024-01-20 0 -1000 of 2024-01-01, 2024-05-01 1 600}', '2025-05-30')$$,
  $$VALUES (date '2023-06-01', 'Silver', 'qualified'), ('2025-05-01', 'Bronze', 'expired')$$, 'a rolling window loses a purchase together with its refund');
SELECT results_eq($$SELECT changed_on, to_tier, reason FROM tier_timeline('{Basic: spend 0, Gold: spend 500} calendar year on_refund revoke',
    '{2024-02-01 1 100, 2024-03-01 1 450, 2024-03-10 0 -450 of 2024-03-01}', '2026-06-30')$$,
  $$VALUES (date '2024-02-01', 'Basic', 'enrolled'), ('2024-03-01', 'Gold', 'qualified'), ('2024-03-10', 'Basic', 'refund')$$, 'a return revokes a tier by period');
SELECT results_eq($$SELECT changed_on, to_tier, reason FROM tier_timeline('{Bronze: spend 0, Silver: spend 500} calendar year on_refund revoke',
    '{2023-03-01 1 100, 2023-12-20 1 1000, 2024-01-05 0 -1000 of 2023-12-20, 2024-06-01 1 600}', '2026-06-30')$$,
  $$VALUES (date '2023-03-01', 'Bronze', 'enrolled'), ('2023-12-20', 'Silver', 'qualified'), ('2024-01-05', 'Bronze', 'refund'),
    ('2024-06-01', 'Silver', 'qualified'), ('2026-01-01', 'Bronze', 'expired')$$, 'and one of the year before');

-- points
SELECT is(points_balance('rate 1', '{2024-01-01 1 100.60, 2024-01-09 0 -75.50 of 2024-01-01}', NULL, '2024-02-01'), 25::bigint, 'points go in proportion');
SELECT is(points_balance('rate 1', '{2024-01-01 1 100.60, 2024-01-09 0 -33.30 of 2024-01-01, 2024-01-10 0 -33.30 of 2024-01-01, 2024-01-11 0 -34.00 of 2024-01-01}',
  NULL, '2024-02-01'), 0::bigint, 'three parts leave nothing');
SELECT is(points_balance('rate 1 rates {1,2} program {Bronze: spend 0, Gold: spend 500} rolling 12 months',
  '{2023-01-01 1 600, 2023-12-30 1 400, 2024-01-02 0 -400 of 2023-12-30}', NULL, '2024-12-28'), 600::bigint, 'at the rate of the purchase');
SELECT is(points_balance('rate 1 expires 1 month', '{2024-01-31 1 100, 2024-03-05 0 -100 of 2024-01-31, 2024-04-01 1 50}', NULL, '2024-04-30'), 50::bigint,
  'what has expired is not taken twice');
SELECT is(points_balance('rate 1 per_order 10 bonus 50 every 2', '{2024-01-01 1 100, 2024-01-05 -1 -100 of 2024-01-01, 2024-01-06 1 100, 2024-01-07 -1 -100 of 2024-01-06}',
  NULL, '2024-12-31'), 0::bigint, 'points of orders and bonuses follow the orders left');
SELECT is(points_balance('rate 1', '{2024-01-01 1 100, 2024-01-09 0 -100 of 2024-01-01}', '{2024-01-05 1 40}', '2024-02-01'), -40::bigint, 'what was redeemed is owed');

-- spend models
SELECT is((btyd('{2024-01-01 1 100, 2024-01-10 0 -100 of 2024-01-01, 2024-02-01 1 50}', '2024-12-31', 7)).mean_spend, 50::float8,
  'the first purchase is left out together with its refunds');
SELECT * FROM finish();
ROLLBACK;
