-- The public cases, by the numbers that docs/development.md lists: what people
-- reported of such programs elsewhere, with the value that is right. 03, 04, 05,
-- 07, 08 and 12, returns, are in corrections_read; 14, deadlocks, is the spec live_commit.
SET client_min_messages = warning;
SET search_path = public, crm;
SELECT plan(41);
CREATE FUNCTION verified(tracking regclass) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(string_agg(problem, ', '), 'nothing') FROM crm.verify(tracking) $$;

-- 01: a statement inside a statement on the same table
CREATE SCHEMA f01;
CREATE TABLE f01.orders (id int PRIMARY KEY, customer_id int, ordered_on date, amount numeric, status text DEFAULT 'paid');
CREATE VIEW f01.paid_purchases AS SELECT customer_id, ordered_on AS purchased_on, amount FROM f01.orders WHERE status = 'paid';
CREATE FUNCTION f01.fraud() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF new.amount = 20 THEN UPDATE f01.orders SET status = 'review' WHERE id = new.id; END IF; RETURN NULL; END $$;
CREATE TRIGGER a_fraud AFTER INSERT ON f01.orders FOR EACH ROW EXECUTE FUNCTION f01.fraud();
CREATE FUNCTION f01.move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE f01.orders SET customer_id = 70 WHERE amount = 77; RETURN NULL; END $$;
CREATE TRIGGER a_move AFTER INSERT ON f01.orders FOR EACH STATEMENT EXECUTE FUNCTION f01.move();
SELECT track('f01.paid_purchases', changes => true, time_zone => 'UTC', as_of => '2024-01-31');
SELECT lives_ok($$INSERT INTO f01.orders VALUES (1, 8, '2024-01-01', 20)$$, '01: the trigger takes the only order of a customer back');
SELECT is((SELECT count(*) FROM f01.paid_customers), 0::bigint, '01: who is no customer');
INSERT INTO f01.orders VALUES (10, 9, '2024-01-01', 30);
CREATE TABLE f01.letter (customer_id int REFERENCES f01.paid_histories ON DELETE CASCADE, body text);
INSERT INTO f01.letter VALUES (9, 'dear customer');
DELETE FROM f01.paid_changes;
INSERT INTO f01.orders VALUES (11, 9, '2024-01-01', 20);
SELECT is((SELECT count(*) FROM f01.letter), 1::bigint, '01: what hangs on the customer stays');
SELECT is_empty('SELECT * FROM f01.paid_changes', '01: and nobody left and came');
INSERT INTO f01.orders VALUES (12, 9, '2024-01-02', 77);
SELECT results_eq('SELECT customer_id, history::text FROM f01.paid_histories WHERE purchase_count(history) > 0 ORDER BY 1',
  $$VALUES (9, '{2024-01-01 1 30.00}'), (70, '{2024-01-02 1 77.00}')$$, '01: a statement trigger that sorts before ours moves the new rows');
SELECT is(verified('f01.paid_purchases'), 'nothing', '01: verified');
SELECT untrack('f01.paid_purchases');
DROP TABLE f01.letter;
SELECT track('f01.paid_purchases', by_row => true, time_zone => 'UTC', as_of => '2024-01-31');
INSERT INTO f01.orders VALUES (21, 12, '2024-01-03', 20), (22, 12, '2024-01-03', 5);
SELECT is((SELECT history::text FROM f01.paid_histories WHERE customer_id = 12), '{2024-01-03 1 5.00}', '01: the same by row');
SELECT is(verified('f01.paid_purchases'), 'nothing', '01: verified too');

-- 02: one statement, or transaction, takes and gives
CREATE SCHEMA f02;
CREATE TABLE f02.orders (id int PRIMARY KEY, customer_id int, ordered_on date, amount numeric);
SELECT track('f02.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount', changes => true, time_zone => 'UTC', as_of => '2024-03-01');
INSERT INTO f02.orders VALUES (1, 8, '2024-01-01', 20), (5, 9, '2024-01-01', 30);
ALTER TABLE f02.orders_histories ADD note text;
CREATE TABLE f02.letter (customer_id int REFERENCES f02.orders_histories ON DELETE CASCADE, body text);
INSERT INTO f02.letter VALUES (8, 'dear'), (9, 'dear');
UPDATE f02.orders_histories SET note = 'VIP';
DELETE FROM f02.orders_changes;
CREATE FUNCTION f02.kept() RETURNS text LANGUAGE sql AS $$ SELECT format('%s notes, %s letters, %s changes', (SELECT count(*) FROM f02.orders_histories WHERE note = 'VIP'),
  (SELECT count(*) FROM f02.letter), (SELECT count(*) FROM f02.orders_changes)) $$;
WITH d AS (DELETE FROM f02.orders WHERE id = 5 RETURNING *) INSERT INTO f02.orders SELECT id + 100, customer_id, ordered_on, amount FROM d;
SELECT is(f02.kept(), '2 notes, 2 letters, 0 changes', '02: a writable CTE that replaces the only order');
SELECT current_setting('server_version_num')::int >= 150000 AS has_merge \gset
\if :has_merge
MERGE INTO f02.orders o USING (VALUES (1, 'delete', NULL::int, NULL::date, NULL::numeric), (2, 'insert', 8, date '2024-01-01', 20.0)) s(id, op, c, d, a)
  ON o.id = s.id WHEN MATCHED AND s.op = 'delete' THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.c, s.d, s.a);
\else
UPDATE f02.orders SET id = 2 WHERE id = 1;
\endif
SELECT is(f02.kept(), '2 notes, 2 letters, 0 changes', '02: a MERGE does, where there is one');
INSERT INTO f02.orders VALUES (2, 9, '2024-01-01', 1), (300, 8, '2024-01-01', 20) ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id;
SELECT is(split_part(f02.kept(), ', ', 1) || (SELECT string_agg(history::text, ' ' ORDER BY customer_id) FROM f02.orders_histories), '2 notes{2024-01-01 1 20.00} {2024-01-01 2 50.00}',
  '02: an upsert that moves the only order and gives another one');
BEGIN;
CREATE TEMP TABLE staging AS TABLE f02.orders;
TRUNCATE f02.orders;
INSERT INTO f02.orders TABLE staging;
COMMIT;
SELECT is(split_part(f02.kept(), ', ', 2), '2 letters', '02: a nightly reload keeps who they are');
SELECT is(verified('f02.orders_purchases'), 'nothing', '02: verified');

-- 06: one point per n
SELECT is_empty($$SELECT n, amount FROM (VALUES (3, 3), (3, 30), (3, 300), (7, 21), (30, 30), (900, 900), (900, 1800), (3, 299999999)) v(n, amount)
  WHERE points_balance(format('rate 1 per %s', n)::points_rule, purchase('2024-01-01', amount), NULL, '2024-12-31') <> amount / n$$, '06: every n, to the last');
SELECT is(points_rule(rate => 1, per => 900)::text, 'rate 1 per 900.00', '06: as an argument');
SELECT throws_like('SELECT points_rule(rate => 1.0 / 900)', '%has more than 8 decimals', '06: what is inexact is refused, with the exact form as hint');
SELECT is(points_balance(points_rule(rate => 0, program => tier_program('{G1,G2}', '{100000,300000}', window_kind => 'lifetime'), rates => '{0.001,0.00111112}', reaching => 'new'),
  purchase('2024-01-01', 196000), NULL, '2024-12-31'), 196::bigint, '06: the purchase that reaches a tier earns at its rate');
-- 09: partitions that come and go with rows in them
CREATE SCHEMA f09;
CREATE TABLE f09.orders (id int, customer_id int, d date, amount numeric) PARTITION BY RANGE (d);
CREATE TABLE f09.o23 PARTITION OF f09.orders FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE f09.o24 PARTITION OF f09.orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO f09.orders VALUES (1, 1, '2023-05-05', 10), (2, 1, '2024-05-05', 20);
SELECT track('f09.orders', customer => 'customer_id', purchased_on => 'd', amount => 'amount', time_zone => 'UTC', as_of => '2025-01-31');
CREATE TABLE f09.o25 (LIKE f09.orders);
INSERT INTO f09.o25 VALUES (3, 2, '2025-01-05', 70);
ALTER TABLE f09.orders ATTACH PARTITION f09.o25 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
SELECT is((SELECT count(*) FROM f09.orders_histories WHERE customer_id = 2), 1::bigint, '09: an attached partition counts with the rows that it brings');
ALTER TABLE f09.orders DETACH PARTITION f09.o23;
SELECT is((SELECT history::text FROM f09.orders_histories WHERE customer_id = 1), '{2023-05-05 1 10.00, 2024-05-05 1 20.00}', '09: what retention detaches stays');
SELECT lives_ok('UPDATE f09.o23 SET amount = 11', '09: and is a table of its own');
SELECT is(verified('f09.orders_purchases'), 'nothing', '09: verify knows what was kept');
SELECT rebuild('f09.orders_purchases');
SELECT is((SELECT history::text FROM f09.orders_histories WHERE customer_id = 1), '{2023-05-05 1 10.00, 2024-05-05 1 20.00}', '09: so does rebuild');

-- 10: a chance is named for what it is: alive, or buying again at all, or within n days
SELECT ok(abs(p_alive(m, 0, 0, 38.857142857142854) - 0.2953) < 5e-5, '10: alive') FROM (SELECT pareto_nbd(0.553, 10.578, 0.606, 11.669, 7) AS m) z;
SELECT ok(abs(1 - probability(purchase_forecast(m, '{2024-01-01 1 5}', '2024-09-29', date '2024-09-29' + 364), 0) - 0.0799) < 5e-5, '10: buys again within 52 weeks, to a table of mpmath')
FROM (SELECT pareto_nbd(0.553, 10.578, 0.606, 11.669, 7) AS m) z;

-- 11: scores between the whole numbers
SELECT is((SELECT (nps(s)).score FROM (VALUES (6.5::float8), (8.5)) v(s)), -50::float8, '11: 6.5 detracts, 8.5 is passive');
SELECT is((SELECT (nps(s)).score FROM (VALUES (9::numeric), (10)) v(s)), 100::float8, '11: whole numbers of a numeric column');

-- 13: a redemption that is cancelled renews nothing
SELECT is(points_balance('rate 1 expires 12 months', '{2023-01-31 1 1000}', '{2024-01-30 0 1000, 2024-01-31 0 -1000, 2025-01-30 0 1000, 2025-01-31 0 -1000}', '2025-12-31'), 0::bigint,
  '13: nothing is left after the old expiry');
SELECT is((SELECT sum(points) FROM points_statement('rate 1 expires 12 months', '{2023-01-31 1 1000}', '{2023-06-30 0 1000, 2023-07-01 0 -1000}', '2023-12-31')), 1000::numeric, '13: before it they are back');
SELECT is((SELECT max(expires_on) FROM points_awards('rate 1 expires 12 months', '{2023-01-31 1 1000}', '{2023-06-30 0 1000, 2023-07-01 0 -1000}', '2023-12-31')), date '2024-01-31', '13: for as long as before');

-- 15: what no rule could say
SELECT is((SELECT count(*) FROM activity('{2024-10-26 1 1, 2024-10-27 1 1, 2024-10-28 1 1}', '2024-11-02', 'week(sunday)') WHERE purchase_count > 0), 2::bigint, '15: weeks that start on Sunday');
SELECT results_eq($$SELECT period_start, amount FROM activity('{2024-03-31 1 100, 2024-04-01 1 50}', '2025-03-31', 'year(april)')$$,
  $$VALUES (date '2023-04-01', 100.0000), ('2024-04-01', 50.0000)$$, '15: fiscal years');
SELECT throws_like('SELECT rfm_scale(i, i::bigint, i::numeric, 10) FROM generate_series(1, 100) i', '%10 is out of range', '15: ten bins are refused, a score is a digit');
SELECT is((SELECT expires_on FROM points_awards('rate 1 expires end of year', '{2024-05-03 1 10}', NULL, '2024-06-01')), date '2025-01-01', '15: points that end with the year');
SELECT is(points_balance('rate 1 expires 48 months inactivity 18 months', '{2020-01-01 1 10, 2021-06-01 1 5}', NULL, '2022-11-30'), 15::bigint, '15: 18 months after the last activity, or 4 years');
SELECT is(points_balance('rate 1 expires 48 months inactivity 18 months', '{2020-01-01 1 10, 2021-06-01 1 5}', NULL, '2022-12-01'), 0::bigint, '15: and not a day longer');
SELECT is(points_balance('rate 1 pending 14 days', '{2024-01-01 1 10}', NULL, '2024-01-14'), 0::bigint, '15: not to be used before the return window is over');
SELECT is(points_balance('rate 1 per 1 round up', '{2024-01-01 1 1.01}', NULL, '2024-02-01'), 2::bigint, '15: every started unit');
SELECT is(points_balance('rate 1 expires 12 months 1 day', '{2013-01-01 1 10, 2013-05-28 1 10, 2014-01-03 1 10, 2014-02-03 1 10, 2014-05-28 1 10}', NULL, '2014-05-28'), 40::bigint,
  '15: the last day inclusive');
SELECT is(points_balance('rate 1 expires 12 months inclusive', '{2013-01-01 1 10, 2013-05-28 1 10, 2014-01-03 1 10, 2014-02-03 1 10, 2014-05-28 1 10}', NULL, '2014-05-28'), 40::bigint,
  '15: by its word');

-- 17: what models of spend cannot see
SELECT matches((SELECT array_to_string((data_check(history, '2023-12-31')).remarks, ' ') FROM (SELECT (SELECT purchase_history(date '2023-01-01' + i % 30 + j * (3 + i % 11), 5.0 * n + (i * j) % 4)
  FROM generate_series(0, n - 1) j) AS history FROM (SELECT i, 1 + (i * i) % 13 AS n FROM generate_series(1, 800) i) s) c), 'spends more a purchase \(correlation 0\.9', '17: spend that goes with frequency is warned of');
SELECT is((SELECT expected_spend(fit_gamma_gamma(history, '2023-12-31'), '{2023-01-01 1 9.99, 2023-02-01 1 9.99}'::purchase_history, '2023-12-31'::date)
  FROM (SELECT (SELECT purchase_history(date '2023-01-01' + i % 30 + j * (3 + i % 11), 9.99) FROM generate_series(0, (i * i) % 7) j) AS history FROM generate_series(1, 300) i) s),
  9.99::float8, '17: one price for all is the answer');
SELECT * FROM finish();
