-- What readers make of corrections: the public cases of returns (03 to 08, 12) with
-- refunds that know their purchase, the accountant's view, what is refunded too
-- much, and points against a slow reference in plain SQL.
--
-- psql -v cases=100000 runs more of the reference, -v seed=0.7 others.
\if :{?cases}
\else
\set cases 600
\endif
\if :{?seed}
\else
\set seed 0.161803
\endif
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT plan(37);

-- 03: rolling windows
SELECT results_eq($$SELECT changed_on, to_tier FROM tier_timeline('{Bronze: spend 0, Silver: spend 500} rolling 12 months downgrade to_base',
  '{2023-06-01 1 600, 2024-01-01 1 1000, 2024-01-20 0 -1000 of 2024-01-01, 2024-05-01 1 600}', '2025-05-30')$$,
  $$VALUES (date '2023-06-01', 'Silver'), ('2025-05-01', 'Bronze')$$, '03: Silver without a break, to_base too');
SELECT results_eq($$SELECT s.tier, s.expires_on, s.missing_to_keep FROM standing('{Bronze: spend 0, Silver: spend 500} rolling 12 months',
  '{2023-06-01 1 600, 2024-01-01 1 1000, 2024-01-20 0 -1000 of 2024-01-01, 2024-05-01 1 600}', '2024-12-31') s$$,
  $$VALUES ('Silver', date '2025-05-01', 500.0000)$$, '03: what is missing is what was never bought');
SELECT is((SELECT min(s.metric_value) FROM generate_series(date '2024-01-15', '2025-12-31', interval '1 day') d, standing('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} rolling 12 months downgrade one_tier grace 30 days',
  '{2024-01-15 1 180.00, 2024-02-29 2 1850.00, 2024-03-04 0 -650.00 of 2024-02-29, 2024-08-20 1 240.00, 2025-03-20 1 350.00}', d::date) s), 180.0000,
  '03: the metric is never below 0 from a refund alone');
SELECT is((SELECT s.metric_value FROM standing('{Bronze: spend 0, Silver: spend 500, Gold: spend 2000} rolling 12 months downgrade one_tier grace 30 days',
  '{2024-01-15 1 180.00, 2024-02-29 2 1850.00, 2024-03-04 0 -650.00 of 2024-02-29, 2024-08-20 1 240.00, 2025-03-20 1 350.00}', '2025-03-01') s), 240.0000, '03: Ada in March');

-- 04: period and fixed validity; keep and revoke, in the text form and in the constructor
SELECT is(tier_program('{Basic,Gold}', '{0,500}', window_kind => 'calendar_year', on_refund => 'revoke')::text, '{Basic: spend 0.00, Gold: spend 500.00} calendar year downgrade requalify on_refund revoke',
  '04: on_refund is an argument');
SELECT is(tier_program('{Basic,Gold}', '{0,500}', window_kind => 'calendar_year', on_refund => 'keep'), tier_program('{Basic,Gold}', '{0,500}', window_kind => 'calendar_year'), '04: keep is the default');
SELECT throws_ok($$SELECT tier_program('{Basic,Gold}', '{0,500}', window_kind => 'calendar_year', on_refund => 'undo')$$, '22023', 'unknown on_refund "undo"', '04: there is no third');
SELECT results_eq($$SELECT changed_on, to_tier, reason FROM tier_timeline(tier_program('{Basic,Plus}', '{0,500}', period => '12 months', validity => '12 months', on_refund => 'revoke'),
  '{2024-02-01 1 100, 2024-03-01 1 450, 2024-03-10 0 -450 of 2024-03-01}', '2026-06-30')$$,
  $$VALUES (date '2024-02-01', 'Basic', 'enrolled'), ('2024-03-01', 'Plus', 'qualified'), ('2024-03-10', 'Basic', 'refund')$$, '04: of fixed validity, revoked');
SELECT results_eq($$SELECT changed_on, to_tier FROM tier_timeline('{Basic: spend 0, Gold: spend 500} calendar year', '{2024-02-01 1 100, 2024-03-01 1 450, 2024-03-10 0 -450 of 2024-03-01}', '2026-06-30')$$,
  $$VALUES (date '2024-02-01', 'Basic'), ('2024-03-01', 'Gold'), ('2026-01-01', 'Basic')$$, '04: kept until it runs out, at the end of the period after');
SELECT results_eq($$SELECT d::date, s.tier, s.metric_value FROM unnest('{2023-12-31,2024-01-05,2024-12-31}'::date[]) d,
  standing('{Bronze: spend 0, Silver: spend 500} calendar year on_refund revoke', '{2023-03-01 1 100, 2023-12-20 1 1000, 2024-01-05 0 -1000 of 2023-12-20, 2024-06-01 1 600}', d) s$$,
  $$VALUES (date '2023-12-31', 'Silver', 1100.0000), ('2024-01-05', 'Bronze', 0.0000), ('2024-12-31', 'Silver', 600.0000)$$, '04: this year does not start below 0 with the return of the last');

-- 05: points
SELECT is(points_balance('rate 1', '{2024-01-01 1 100, 2024-01-09 0 -75 of 2024-01-01}', NULL, '2024-02-01'), 25::bigint, '05: three quarters back');
SELECT is((SELECT points_balance('rate 0.1', h, NULL, '2024-03-01') FROM (SELECT merge(purchase(date '2024-01-01' + i, 9.99)) + merge(purchase(date '2024-01-01' + i, -9.99, 0, '2024-02-01')) AS h
  FROM generate_series(0, 9) i) s), 0::bigint, '05: what earned nothing takes nothing');
SELECT is(points_balance('rate 1 rates {1,2} program {Bronze: spend 0, Gold: spend 500} rolling 12 months', '{2024-01-01 1 100, 2024-01-02 1 600, 2024-01-05 0 -100 of 2024-01-01}', NULL, '2024-12-30'),
  600::bigint, '05: bought as Bronze, returned as Gold');

-- 07: spend models
SELECT results_eq($$SELECT b.x, b.mean_spend, round(expected_spend(gamma_gamma(6.25, 3.74, 15.44), h, '2024-12-31')::numeric, 2),
    round(clv(pareto_nbd(0.553, 10.578, 0.606, 11.669, 7), gamma_gamma(6.25, 3.74, 15.44), h, '2024-12-31', '2025-12-31', 0.1)::numeric, 2)
  FROM (SELECT '{2024-01-01 1 100, 2024-01-10 0 -100 of 2024-01-01, 2024-02-01 1 50}'::purchase_history AS h) s, btyd(h, '2024-12-31', 7) b$$,
  $$VALUES (1, 50::float8, 45.49, 7.15)$$, '07: the repeat purchase was 50');

-- 08: look-back, live
CREATE TABLE shop_orders (id int, customer_id int, ordered_on date, amount numeric, refunded_on date);
INSERT INTO shop_orders SELECT i, i % 20 + 2, current_date - (i * 13) % 300, CASE WHEN i % 20 < 15 THEN 5 ELSE 90 END FROM generate_series(1, 200) i;
INSERT INTO shop_orders VALUES (1001, 1, current_date - 400, 1000, NULL), (1002, 1, current_date - 400, -1000, current_date - 350), (1003, 1, current_date - 10, 150, NULL), (1004, 30, current_date - 10, 150, NULL);
SELECT track('shop_orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount', booked_on => 'refunded_on', look_back_days => 365, time_zone => 'UTC');
SELECT results_eq('SELECT spend, monetary_score, rfm FROM shop_orders_customers WHERE customer_id = 1', 'SELECT spend, monetary_score, rfm FROM shop_orders_customers WHERE customer_id = 30',
  '08: 150 net in the window score alike, with and without a return of what came before');

-- 12: drop_refunded
SELECT is(ARRAY(SELECT drop_refunded(h)::text FROM unnest('{"{2024-01-20 1 77.00, 2024-01-25 0 -77.00 of 2024-01-20}","{2024-01-01 1 50, 2024-01-20 1 100, 2024-01-25 0 -60 of 2024-01-20}"}'::purchase_history[]) h),
  '{"{}","{2024-01-01 1 50.00, 2024-01-20 1 40.00}"}', '12: net of what came back');

-- the accountant's view: a refund on the day it was booked, a purchase on its own
CREATE TEMP TABLE book AS SELECT '{2024-01-10 1 100, 2024-01-31 1 40, 2024-03-05 -1 -100 of 2024-01-10, 2024-02-02 0 -10 of 2024-01-31, 2024-02-20 1 7}'::purchase_history AS h;
SELECT results_eq($$SELECT period_start, purchase_count, amount, cumulative_amount FROM book, activity(h, '2024-03-31', 'month', by => 'booked')$$,
  $$VALUES (date '2024-01-01', 2::bigint, 140.0000, 140.0000), ('2024-02-01', 1, -3.0000, 137.0000), ('2024-03-01', 0, -100.0000, 37.0000)$$, 'activity by booked day');
SELECT results_eq($$SELECT period_start, purchase_count, amount, cumulative_amount FROM book, activity(h, '2024-03-31', 'month')$$,
  $$VALUES (date '2024-01-01', 1::bigint, 30.0000, 30.0000), ('2024-02-01', 1, 7.0000, 37.0000), ('2024-03-01', 0, 0.0000, 37.0000)$$, 'by purchase day');
SELECT results_eq($$SELECT p.period_start, p.purchase_count, p.amount FROM (SELECT period_book(h, '2024-03-31', 'month', 'booked') AS b FROM book) s, periods(b) p ORDER BY 1$$,
  $$VALUES (date '2024-01-01', 2::bigint, 140.0000), ('2024-02-01', 1, -3.0000), ('2024-03-01', 0, -100.0000)$$, 'the calendar too');
SELECT is(period_book(h, '2024-03-31', 'month', 'purchased'), period_book(h, '2024-03-31', 'month'), 'purchased is what it is without') FROM book;
SELECT is(period_book(h, '2024-03-31', 'month', 'booked')::text::period_book, period_book(h, '2024-03-31', 'month', 'booked'), 'and it is a book that can be read again') FROM book;
SELECT isnt(retention_curve(h, '2024-03-31', 'month', 'calendar', 'booked'), retention_curve(h, '2024-03-31', 'month', 'calendar', 'purchased'), 'who came back, with what was taken back and without')
FROM (SELECT '{2024-01-10 1 100, 2024-02-10 1 50, 2024-03-05 -1 -50 of 2024-02-10}'::purchase_history AS h) s;
SELECT is(retention_curve(h, '2024-03-31', 'month', 'calendar', 'purchased'), retention_curve(h, '2024-03-31', 'month'), 'purchased is the default of retention') FROM book;
SELECT throws_ok($$SELECT * FROM activity('{}', '2024-03-31', 'month', by => 'paid')$$, '22023', 'unknown day to count by "paid"', 'there is no third view');
SELECT throws_ok($$SELECT period_book('{}'::purchase_history, '2024-03-31', 'month', NULL::text)$$, '22004', NULL, 'nor none');
-- both views have all the money of a closed history
SELECT setseed(0.25) IS NOT NULL AS seeded;
CREATE TEMP TABLE line AS
  SELECT i, i % 30 AS customer, date '2024-01-01' + (random() * 200)::int AS bought, (random() * 100)::numeric(8,2) AS amount, 1 AS n, NULL::date AS booked FROM generate_series(1, 600) i;
INSERT INTO line SELECT i, customer, bought, -round(amount * (random() * 1.0)::numeric, 2), -(random() < 0.2)::int, bought + (random() * 60)::int FROM line WHERE random() < 0.4;
SELECT is_empty($$
  SELECT a.*, p.* FROM (SELECT period_book(h, '2024-12-31', 'month', 'booked') AS b FROM (SELECT purchase_history(bought, amount, n, booked) AS h FROM line GROUP BY customer) s) x, periods(x.b) p
    FULL JOIN (SELECT date_trunc('month', CASE WHEN booked > bought OR n < 0 THEN booked ELSE bought END)::date AS period_start, sum(amount) AS amount, sum(greatest(n, 0)) AS n FROM line GROUP BY 1) a USING (period_start)
  WHERE p.amount IS DISTINCT FROM coalesce(a.amount, 0) OR p.purchase_count <> coalesce(a.n, 0)$$, 'by booked day every month has what was booked in it');

-- what is refunded too much is named, and counts no order below 0
SELECT is(crm_internal.excess('{2024-01-10 1 100, 2024-01-20 0 -100 of 2024-01-10}'), NULL, 'all of it is not too much');
SELECT is(crm_internal.excess('{2024-01-10 1 100, 2024-01-20 0 -60 of 2024-01-10, 2024-01-21 0 -60 of 2024-01-10}'), '2024-01-10 1 -20.00', 'more than the purchase');
SELECT is(crm_internal.excess('{2024-01-10 1 100, 2024-01-20 -1 0 of 2024-01-10, 2024-01-21 -1 0 of 2024-01-10}'), '2024-01-10 -1 100.00', 'more orders than the day has');
SELECT is(crm_internal.excess('{2024-01-20 0 -5 of 2024-01-10}'), '2024-01-10 0 -5.00', 'a correction without its purchase');
SELECT is(purchase_count('{2024-01-10 1 100, 2024-01-20 -3 -100 of 2024-01-10, 2024-02-01 1 5}'), 1::bigint, 'no reader counts orders below 0');
SELECT results_eq($$SELECT substring(array_to_string((data_check(h::purchase_history, d)).remarks, ' ') FROM '\d+ customers were refunded more than they bought on a day') FROM unnest('{2024-01-20,2024-01-21}'::date[]) d,
    (VALUES ('{2024-01-10 1 100, 2024-01-20 0 -60 of 2024-01-10, 2024-01-21 0 -60 of 2024-01-10}'), ('{2024-01-20 0 -5 of 2024-01-10}'), ('{2024-01-10 1 9}')) v(h) GROUP BY d ORDER BY d$$,
  $$VALUES ('1 customers were refunded more than they bought on a day'), ('2 customers were refunded more than they bought on a day')$$, 'data_check counts them, as known on a day');
INSERT INTO shop_orders VALUES (2001, 50, '2024-01-10', 10, NULL), (2002, 50, '2024-01-10', -15, '2024-02-01');
SELECT results_eq($$SELECT problem, customer, stored FROM crm.verify('shop_orders')$$, $$VALUES ('refunded too much', '{"customer_id": 50}'::jsonb, '2024-01-10 1 -5.00')$$, 'verify names the customer and the day');
UPDATE shop_orders SET amount = -10 WHERE id = 2002;
SELECT is_empty($$SELECT * FROM crm.verify('shop_orders')$$, 'until it is put right');

-- points: what is left of each day's award, summed by plain SQL
SELECT setseed(:seed) IS NOT NULL AS seeded;
CREATE TEMP TABLE bought AS SELECT c, d AS day, min(1 + (random() * 2)::int) AS n, sum(round((random() * 200)::numeric + 0.01, 2)) AS gross
  FROM generate_series(1, :cases) c, LATERAL (SELECT date '2024-01-01' + (random() * 90 + c * 0)::int AS d FROM generate_series(1, 5)) s GROUP BY 1, 2;
CREATE TEMP TABLE back AS SELECT c, day, booked, sum(-least(n_back, n)) AS n, -round(min(gross) * min(part), 2) AS amount FROM (
    SELECT b.*, day + 1 + (random() * 50)::int AS booked, (random() * 0.5)::numeric AS part, (random() < 0.2)::int AS n_back FROM bought b, generate_series(1, 2) WHERE random() < 0.6) s
  GROUP BY 1, 2, 3;
-- the last part takes all that is left of some
INSERT INTO back SELECT b.c, b.day, b.day + 60, 0, -(b.gross + coalesce((SELECT sum(amount) FROM back k WHERE (k.c, k.day) = (b.c, b.day)), 0)) FROM bought b WHERE random() < 0.3;
CREATE TEMP TABLE made AS SELECT c, merge(h) AS h, date '2024-01-20' + (random() * 150)::int AS as_of,
    (ARRAY[1, 0.5, 1.25, 0.1])[1 + (random() * 3)::int]::numeric AS rate, (random() * 30)::int AS redeemed
  FROM (SELECT c, purchase(day, gross, n::int) AS h FROM bought UNION ALL SELECT c, purchase(day, amount, n::int, booked) FROM back) p GROUP BY c;
CREATE TEMP TABLE awarded AS SELECT m.c, m.as_of, m.rate, m.redeemed, m.h, b.day,
    floor(m.rate * b.gross) AS award, b.gross, b.gross + k.amount AS net, greatest(b.n + k.n, 0) AS orders
  FROM made m JOIN bought b ON b.c = m.c AND b.day <= m.as_of,
    LATERAL (SELECT coalesce(sum(amount), 0) AS amount, coalesce(sum(n), 0) AS n FROM back k WHERE (k.c, k.day) = (b.c, b.day) AND k.booked <= m.as_of) k;
CREATE TEMP TABLE reference AS SELECT c, as_of, rate, redeemed, h,
    sum(least(greatest(floor(award * net / gross + 0.5), 0), award)) AS by_amount, sum(orders) * 10 AS by_order,
    sum(least(greatest(floor(award * net / gross + 0.5), 0), award)) FILTER (WHERE day + 40 > as_of) AS unexpired
  FROM awarded GROUP BY 1, 2, 3, 4, 5;
SELECT is_empty($$SELECT c, h, as_of, rate, by_amount, points_balance(points_rule(rate => rate), h, NULL, as_of) FROM reference
  WHERE by_amount <> points_balance(points_rule(rate => rate), h, NULL, as_of)$$, 'points: award times net over gross, in any number of parts');
SELECT is_empty($$SELECT c, h, as_of, rate FROM reference WHERE coalesce(unexpired, 0) <> points_balance(points_rule(rate => rate, expiry => '40 days'), h, NULL, as_of)$$, 'what has expired is not taken again');
SELECT is_empty($$SELECT c, h, as_of, rate FROM reference WHERE by_amount + by_order - redeemed
    <> points_balance(points_rule(rate => rate, purchase_points => 10), h, purchase('2024-01-01', redeemed), as_of)$$, 'points of orders follow the orders left, and what was redeemed is owed');
SELECT * FROM finish();
