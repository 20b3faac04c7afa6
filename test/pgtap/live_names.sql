-- What track understands: key columns, names, what an earlier tracking left; and the history of rules.
SELECT plan(46);
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int GENERATED ALWAYS AS IDENTITY, tenant text, customer_id int, ordered_on date, total numeric, status text DEFAULT 'paid');
INSERT INTO shop.orders (tenant, customer_id, ordered_on, total)
SELECT 't' || i % 2, i % 7, date '2026-01-01' + i % 200, 10 + i % 5 FROM generate_series(1, 100) i;
CREATE VIEW shop.sales_purchases AS SELECT id AS order_id, tenant, customer_id, ordered_on AS purchased_on, total AS amount FROM shop.orders WHERE status = 'paid';

-- key columns
SELECT is(crm.track('shop.sales_purchases', customer => 'customer_id')::text, 'shop.sales_customers', 'key columns of a view may be named');
SELECT is((SELECT count(*) FROM shop.sales_customers), 7::bigint, 'seven people are seven customers');
SELECT results_eq($$SELECT source::text, not_live FROM crm.tracked$$, $$VALUES ('shop.orders', NULL)$$, 'it is live as the view would be');
INSERT INTO shop.orders (tenant, customer_id, ordered_on, total) VALUES ('t0', 77, '2026-02-02', 4);
SELECT is((SELECT spend FROM shop.sales_customers WHERE customer_id = 77), 4.00, 'and kept');
SELECT is_empty($$SELECT * FROM crm.verify('shop.sales_histories')$$, 'rightly');
SELECT crm.track('shop.sales_purchases', customer => 'tenant , customer_id', name => 'both') \gset
SELECT is(crm_internal.history_keys('shop.both_histories'), '{tenant,customer_id}', 'several, with commas between them');
SELECT crm.track('shop.orders', customer => 'customer_id,tenant', purchased_on => 'ordered_on', amount => 'total') \gset
SELECT results_eq('SELECT count(*), sum(spend) FROM shop.orders_customers', 'SELECT count(DISTINCT (tenant, customer_id)), sum(total) FROM shop.orders', 'of a table as well');
SELECT throws_ok($$SELECT crm.track('shop.sales_purchases', customer => 'customer', name => 'x')$$, '42703', 'column customer of shop.sales_purchases does not exist', 'a column that is not there');
CREATE VIEW shop.distinct_purchases AS SELECT DISTINCT id, customer_id, ordered_on AS purchased_on, total AS amount FROM shop.orders;
SELECT crm.track('shop.distinct_purchases', customer => 'customer_id', name => 'unlike') \gset
SELECT is((SELECT sum(spend) FROM shop.unlike_customers), (SELECT sum(total) FROM shop.orders), 'a view that removes duplicates is read as it is');
SELECT is((SELECT source FROM crm.tracked WHERE histories = 'shop.unlike_histories'::regclass), NULL, 'and kept by refresh');
CREATE TABLE shop.headers (header_id int PRIMARY KEY, customer_id int, ordered_on date);
CREATE TABLE shop.lines (header_id int, n int, price numeric(10, 2));
INSERT INTO shop.headers SELECT i, i % 5, date '2026-01-01' + i FROM generate_series(1, 30) i;
INSERT INTO shop.lines SELECT 1 + i % 30, i, 3 + i % 4 FROM generate_series(1, 90) i;
CREATE VIEW shop.joined_purchases AS
  SELECT h.header_id, h.customer_id, h.ordered_on AS purchased_on, sum(l.price) AS amount FROM shop.lines l JOIN shop.headers h USING (header_id) GROUP BY h.header_id;
SELECT crm.track('shop.joined_purchases', customer => 'customer_id') \gset
SELECT results_eq('SELECT customer_id, spend FROM shop.joined_customers ORDER BY 1', 'SELECT customer_id, sum(price) FROM shop.lines JOIN shop.headers USING (header_id) GROUP BY 1 ORDER BY 1',
  'columns that a view groups by may be left out');
INSERT INTO shop.lines VALUES (1, 200, 100);
CALL crm.refresh('shop.joined_histories');
SELECT results_eq('SELECT customer_id, spend FROM shop.joined_customers ORDER BY 1', 'SELECT customer_id, sum(price) FROM shop.lines JOIN shop.headers USING (header_id) GROUP BY 1 ORDER BY 1', 'and it is kept');

-- the same twice
SELECT throws_ok($$SELECT crm.track('shop.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'total')$$, '42710', 'shop.orders is tracked already', 'a table twice needs a name');
SELECT crm.track('shop.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'total', name => 'again') \gset
SELECT is((SELECT sum(spend) FROM shop.again_customers), (SELECT sum(total) FROM shop.orders), 'which it gets');
CREATE VIEW shop.plain_purchases AS SELECT customer_id, ordered_on AS purchased_on, total AS amount FROM shop.orders;
SELECT crm.track('shop.plain_purchases') \gset
SELECT throws_ok($$SELECT crm.track('shop.plain_purchases')$$, '42710', 'shop.plain_purchases is tracked already', 'and a view');
SELECT is(crm.track('shop.plain_purchases', name => 'second')::text, 'shop.second_customers', 'which it gets too');
SELECT is((SELECT source::text FROM crm.tracked WHERE histories = 'shop.second_histories'::regclass), 'shop.orders', 'live');

-- untrack, track again
ALTER TABLE shop.again_histories ADD COLUMN note text;
UPDATE shop.again_histories SET note = 'a friend' WHERE customer_id = 1;
UPDATE shop.again_scoring SET margin = 0.4;
SELECT crm.untrack('shop.again_histories');
DELETE FROM shop.orders WHERE customer_id = 2;
SELECT crm.track('shop.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'total', name => 'again', look_back_days => 900) \gset
SELECT results_eq('SELECT margin, look_back_days FROM shop.again_scoring', 'VALUES (0.4::float8, 900)', 'rules are taken up again, with what the call changes');
SELECT is((SELECT note FROM shop.again_histories WHERE customer_id = 1), 'a friend', 'and histories');
SELECT results_eq('SELECT count(*), sum(spend) FROM shop.again_customers', 'SELECT count(DISTINCT customer_id), sum(total) FROM shop.orders', 'which are what the orders are now');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^again_.*\d$'$$, 'and nothing is there twice');
SELECT is_empty($$SELECT * FROM crm.verify('shop.again_histories')$$, 'all is well');
SELECT crm.untrack('shop.again_histories');
SELECT crm.detach('shop.again_scoring');
SELECT is_empty($$SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
  WHERE c.relnamespace = 'shop'::regnamespace AND c.relname ~ '^again_' AND c.relkind = 'r' AND t.typnamespace = 'crm'::regnamespace$$, 'detach works after untrack, on all of its tables');
SELECT throws_ok($$SELECT crm.detach('shop.again_scoring')$$, '42704', 'shop.again_scoring is not tracked', 'once');
SELECT is(crm.track('shop.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'total', name => 'again')::text, 'shop.again_customers1', 'what is plain stays');
SELECT set_eq($$SELECT relname::text FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^again_(histories|scoring|rules|customers)1$'$$,
  ARRAY(SELECT unnest('{again_histories1,again_scoring1,again_rules1,again_customers1}'::text[])), 'what is new has one number');
SELECT crm.detach('shop.again_histories1');

-- a wider key
SELECT crm.untrack('shop.orders_histories');
SELECT lives_ok($$
  DROP VIEW shop.sales_purchases1, shop.sales_purchases CASCADE;
  DROP VIEW shop.plain_purchases, shop.distinct_purchases CASCADE$$, 'views can be dropped under their trackings');
SELECT set_eq($$SELECT kept FROM crm.tracking_status WHERE histories IN ('shop.sales_histories'::regclass, 'shop.plain_histories')$$, $$VALUES ('gone')$$, 'which tracking_status says');
SELECT crm.untrack(t) FROM unnest('{shop.sales_histories,shop.plain_histories,shop.both_histories,shop.unlike_histories,shop.second_histories}'::regclass[]) t;
SELECT lives_ok($$
  ALTER TABLE shop.orders ALTER customer_id TYPE bigint;
  ALTER TABLE shop.orders_histories ALTER customer_id TYPE bigint;
  ALTER TABLE shop.orders_segment_since ALTER customer_id TYPE bigint;
  SELECT crm.track('shop.orders', customer => 'customer_id,tenant', purchased_on => 'ordered_on', amount => 'total')$$, 'int becomes bigint');
SELECT is((SELECT histories::text FROM crm.tracked WHERE source = 'shop.orders'::regclass), 'shop.orders_histories', 'in the same tables');
INSERT INTO shop.orders (tenant, customer_id, ordered_on, total) VALUES ('t0', 7e12::bigint, '2026-02-02', 4);
SELECT is((SELECT spend FROM shop.orders_customers WHERE customer_id > 6e12), 4.00, 'which are kept');
SELECT is_empty($$SELECT * FROM crm.verify('shop.orders_histories')$$, 'rightly, in the same tables');

-- the history of rules
SELECT results_eq('SELECT changed_columns IS NOT NULL, changed_by = session_user, margin FROM shop.orders_rules ORDER BY change_number DESC LIMIT 1', $$VALUES (true, true, 1::float8)$$, 'rules have a history from the first');
DELETE FROM shop.orders_rules;
UPDATE shop.orders_scoring SET margin = 0.3, currency = 'EUR';
UPDATE shop.orders_scoring SET keep_scale = true, margin = 0.3;
UPDATE shop.orders_scoring SET tier_program = '{Bronze: spend 0, Gold: spend 50} rolling 12 months downgrade one_tier';
SELECT results_eq('SELECT changed_columns, margin, tier_program IS NOT NULL FROM shop.orders_rules ORDER BY change_number',
  $$VALUES ('{margin,currency}'::text[], 0.3::float8, false), ('{tier_program}', 0.3, true)$$, 'one row for each change of a rule');
UPDATE shop.orders_scoring SET keep_scale = false;
CALL crm.refresh('shop.orders_histories', '2026-12-31');
SELECT is((SELECT changed_columns FROM shop.orders_rules ORDER BY change_number DESC LIMIT 1), '{scale}', 'a new scale too');
SELECT is((SELECT count(*) FROM shop.orders_rules), 3::bigint, 'once');
CALL crm.refresh('shop.orders_histories', '2026-12-31');
SELECT is((SELECT count(*) FROM shop.orders_rules), 3::bigint, 'the same scale is none');
SELECT is_empty($$
  SELECT h.customer_id FROM shop.orders_histories h, LATERAL (SELECT * FROM shop.orders_rules WHERE changed_at <= now() ORDER BY change_number DESC LIMIT 1) r,
    crm.score_customer(crm.until(h.history, date '2026-12-31'), date '2026-12-31', r.scale, r.segments, r.look_back_days, r.tier_program, r.purchase_model, r.spend_model,
      r.margin, r.horizon_days, r.annual_discount_rate) AS s
  WHERE (s.rfm, s.segment, s.tier) IS DISTINCT FROM (h.rfm, h.segment, h.tier)$$, 'they explain the scores');
CREATE ROLE names_clerk;
GRANT USAGE ON SCHEMA shop TO names_clerk;
GRANT SELECT, UPDATE ON shop.orders_scoring TO names_clerk;
CREATE VIEW shop.twice AS SELECT 1 AS n;
CREATE VIEW shop.once AS SELECT DISTINCT 1 AS n;
SET ROLE names_clerk;
SELECT lives_ok('UPDATE shop.orders_scoring SET margin = 0.2', 'who may change a rule needs no right on its history');
SELECT throws_ok('SELECT crm_internal.read_through(''shop.twice'', ''shop.once'', ''{n}'')', '42501', NULL, 'who does not own a view cannot hold it');
RESET ROLE;
SELECT is((SELECT margin FROM shop.orders_rules ORDER BY change_number DESC LIMIT 1), 0.2::float8, 'which has it');
DELETE FROM shop.orders_scoring;
SELECT is((SELECT changed_columns FROM shop.orders_rules ORDER BY change_number DESC LIMIT 1), NULL, 'a rule that goes as well');
DROP TABLE shop.orders_rules;
SELECT lives_ok('INSERT INTO shop.orders_scoring DEFAULT VALUES', 'without the table rules can be changed all the same');

-- keys of scales that are called what the statements of a refresh might call their own
CREATE TABLE wordy (first text, comparable int, before int, come int, gone int, scored int, number int, is_in int, in_force int, fits int, customer int, bought date, amount numeric);
INSERT INTO wordy SELECT 's' || i % 2, i % 2, 1, 1, 1, 1, 1, 1, 1, 1, i % 20, date '2025-01-01' + i % 90, i FROM generate_series(1, 100) i;
SELECT crm.track('wordy', customer => 'first, comparable, before, come, gone, scored, number, is_in, in_force, fits, customer', purchased_on => 'bought', amount => 'amount', as_of => '2025-04-30',
  scale_by => '{first,comparable,before,come,gone,scored,number,is_in,in_force,fits}') \g /dev/null
CALL crm.refresh('wordy', as_of => '2025-05-01');
INSERT INTO wordy VALUES ('s1', 1, 1, 1, 1, 1, 1, 1, 1, 1, 5, '2025-04-29', 3);
CALL crm.refresh('wordy', as_of => '2025-05-02');
SELECT is((SELECT sum(customer_count) FROM wordy_segment_days WHERE scored_on = '2025-05-02'), 20::numeric, 'all are counted in their segments');
SELECT cmp_ok(crm.back_fill('wordy', '[2025-02-01,2025-04-01]'), '>', 0::bigint, 'and on days before');
SELECT is_empty('SELECT * FROM crm.verify(''wordy'')', 'and kept');
SELECT * FROM finish();
