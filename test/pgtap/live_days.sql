-- The day of a tracking: pinned to the past, or today, and nothing shown beside it that is of another day.
SELECT plan(34);
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int GENERATED ALWAYS AS IDENTITY, customer_id int, ordered_on date, total numeric);
INSERT INTO shop.orders (customer_id, ordered_on, total)
SELECT i % 40, date '2021-01-01' + i, 10.005 + i % 7 FROM generate_series(1, 400) i;
SELECT crm.track('shop.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'total', time_zone => 'UTC', as_of => '2021-12-31') \gset

-- every row of the view, worked out anew for a day in plain SQL
CREATE FUNCTION shop.differing(day date) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM (
    SELECT customer_id, count(*) AS n, sum(total)::numeric(38,2) AS spend, day - max(ordered_on) AS recency, day - min(ordered_on) AS tenure
    FROM shop.orders WHERE ordered_on <= day GROUP BY 1) o
  FULL JOIN shop.orders_customers c USING (customer_id)
  WHERE (o.n, o.spend, o.recency, o.tenure, day) IS DISTINCT FROM (c.purchase_count, c.spend, c.days_since_last_purchase, c.days_since_first_purchase, c.scored_on)
$$;
SELECT is(shop.differing('2021-12-31'), 0::bigint, 'a tracking of the past shows its customers as they were then');
SELECT is((SELECT count(*) FROM shop.orders_customers), 40::bigint, 'all who had bought');
SELECT ok((SELECT count(DISTINCT segment) > 3 FROM shop.orders_customers), 'in more than a few segments');
INSERT INTO shop.orders (customer_id, ordered_on, total) VALUES (1, '2021-12-30', 7), (1000, '2021-12-01', 7), (1001, '2022-06-01', 7), (2, '2022-06-01', 7);
SELECT is(shop.differing('2021-12-31'), 0::bigint, 'triggers keep it as of its day');
SELECT is_empty('SELECT * FROM shop.orders_customers WHERE customer_id = 1001', 'who has bought after it is no customer yet');
UPDATE shop.orders SET total = total + 1 WHERE customer_id < 5;
DELETE FROM shop.orders WHERE customer_id = 6;
SELECT is(shop.differing('2021-12-31'), 0::bigint, 'after any statement');
SELECT is_empty($$SELECT * FROM crm.verify('shop.orders')$$, 'verify says the same');
SELECT is(crm.rebuild('shop.orders'), 0::bigint, 'a rebuild finds nothing');
SELECT is(shop.differing('2021-12-31'), 0::bigint, 'and stays at the day');
CALL crm.refresh('shop.orders');
SELECT is(shop.differing('2021-12-31'), 0::bigint, 'as a refresh does');
CALL crm.refresh('shop.orders', '2022-07-01');
SELECT is(shop.differing('2022-07-01'), 0::bigint, 'one that names a day moves it there');
SELECT is((SELECT as_of FROM shop.orders_scoring), '2022-07-01'::date, 'for good');
CALL crm.refresh('shop.orders', '2021-06-01');
SELECT is(shop.differing('2021-06-01'), 0::bigint, 'or back');
UPDATE shop.orders_scoring SET as_of = '2021-09-01';
INSERT INTO shop.orders (customer_id, ordered_on, total) VALUES (3, '2021-05-30', 7);
SELECT is(shop.differing('2021-06-01'), 0::bigint, 'a day that is set holds from the next refresh on, for all at once');
SELECT is_empty($$SELECT * FROM crm.verify('shop.orders')$$, 'with nothing to verify between');
CALL crm.refresh('shop.orders', refit => true);
SELECT is(shop.differing('2021-09-01'), 0::bigint, 'then it is in force');
SELECT is((SELECT max(recorded_on) FROM shop.orders_models), '2021-09-01'::date, 'a refit fits what was known by then');
SELECT is_empty($$SELECT c.customer_id FROM shop.orders_customers c JOIN shop.orders_histories h USING (customer_id), shop.orders_scoring r
  WHERE c.p_alive IS DISTINCT FROM crm.p_alive(r.purchase_model, h.history, '2021-09-01')$$, 'and forecasts are from that day');
SELECT is((SELECT count(*) FROM shop.orders_customers_on('2021-09-01') o JOIN shop.orders_customers c USING (customer_id)
  WHERE (o.spend, o.rfm, o.tier, o.days_since_last_purchase, o.scored_on) IS DISTINCT FROM (c.spend, c.rfm, c.tier, c.days_since_last_purchase, c.scored_on)), 0::bigint,
  'the customers on that day are the same');
UPDATE shop.orders_scoring SET as_of = NULL;
CALL crm.refresh('shop.orders');
SELECT is(shop.differing((now() AT TIME ZONE 'UTC')::date), 0::bigint, 'without a day it is today');
SELECT throws_ok($$SELECT crm.track('shop.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'total', name => 'x', as_of => 'infinity')$$,
  '22023', 'a tracking cannot be as of infinity', 'a day that is none is refused');

-- orders of days to come
CREATE TABLE shop.zones (customer_id int, purchased_on date, amount numeric);
INSERT INTO shop.zones SELECT i % 20, current_date - i, 5 FROM generate_series(1, 60) i;
SELECT crm.track('shop.zones', customer => 'customer_id', purchased_on => 'purchased_on', amount => 'amount') \gset
INSERT INTO shop.zones VALUES (500, current_date + 3, 9), (1, current_date + 3, 9);
SELECT is_empty('SELECT * FROM shop.zones_customers WHERE customer_id = 500', 'who will buy is no customer yet');
SELECT results_eq('SELECT purchase_count, spend, last_purchased_on < current_date FROM shop.zones_customers WHERE customer_id = 1', $$VALUES (3::bigint, 15.00, true)$$,
  'an order of days to come does not count yet');
SELECT is_empty('SELECT * FROM shop.zones_customers WHERE segment IS NULL OR days_since_last_purchase < 0', 'nobody is without a segment because of it');
SELECT is_empty($$SELECT * FROM crm.verify('shop.zones')$$, 'the histories have it');
CALL crm.refresh('shop.zones', (current_date + 3));
SELECT results_eq('SELECT customer_id, purchase_count FROM shop.zones_customers WHERE customer_id IN (1, 500) ORDER BY 1', $$VALUES (1, 4::bigint), (500, 1)$$, 'on its day it does');

CREATE TABLE shop.instants (customer_id int, bought_at timestamptz, amount numeric);
CREATE VIEW shop.far_purchases AS SELECT customer_id, (bought_at AT TIME ZONE 'Pacific/Kiritimati')::date AS purchased_on, amount FROM shop.instants WHERE bought_at > '2000-01-01';
SET timezone = 'Pacific/Pago_Pago';
SELECT crm.track('shop.far_purchases') \gset
INSERT INTO shop.instants VALUES (1, now(), 5);
SELECT is((SELECT days_since_last_purchase FROM shop.far_customers), 0, 'the rules have the time zone of the view, so an order of now is of today');
RESET timezone;
SELECT is((SELECT time_zone FROM shop.far_scoring), 'Pacific/Kiritimati', 'which they name');

-- what stands beside the customers ends on their day
CREATE TABLE shop.past (customer_id int, ordered_on date, amount numeric);
INSERT INTO shop.past SELECT i % 9, date '2020-01-01' + i, 10 FROM generate_series(1, 400) i;
SELECT crm.track('shop.past', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount', as_of => '2020-12-31') \gset
CALL crm.refresh('shop.past_purchases');
SELECT results_eq('SELECT (SELECT max(period_start) FROM shop.past_calendar), (SELECT max(cohort_start) + (max(age) || '' months'')::interval <= ''2020-12-01'' FROM shop.past_cohorts)',
  $$VALUES (date '2020-12-01', true)$$, 'the calendar and the cohorts of a tracking of the past');
SELECT is((SELECT sum(spend) FROM shop.past_segments), (SELECT sum(spend) FROM shop.past_customers), 'and its segments spend what its customers do');

-- who buys while a refresh goes on that has reached him is scored as of its day, which will be everybody's
SELECT crm_internal.refresh_start('shop.past', '2021-06-30'), crm_internal.refresh_batch('shop.past', 3) \gset
INSERT INTO shop.past SELECT i, date '2020-03-01', 700 FROM generate_series(0, 8) i;
SELECT is((SELECT scored_on FROM shop.past_histories WHERE customer_id = 0), '2021-06-30'::date, 'a purchase behind a refresh is scored as of its day');
SELECT crm_internal.refresh_batch('shop.past', 100) \gset
SELECT is_empty('SELECT * FROM crm.verify(''shop.past'')', 'and all are when it has ended');

-- money and comments
UPDATE shop.orders_scoring SET currency = 'EUR';
SELECT results_eq($$SELECT DISTINCT currency, pg_typeof(spend)::text, scale(spend) FROM shop.orders_customers WHERE customer_id IN (1, 7)$$, $$VALUES ('EUR', 'numeric', 2)$$,
  'money has two decimals and a currency');
SELECT crm.snapshot('shop.orders', '2021-12-31') \gset
SELECT is_empty($$SELECT attname FROM pg_attribute WHERE attrelid = 'shop.orders_snapshots'::regclass AND attnum > 0
  AND (col_description(attrelid, attnum) IS NULL OR col_description(attrelid, attnum) LIKE '%today%' OR attname <> 'customer_id' AND col_description(attrelid, attnum) = 'key of the customer')$$,
  'columns of snapshots say what they are on their day');
SELECT * FROM finish();
