-- A tracking from end to end: track, statements of every kind, refresh,
-- rebuild, snapshot, untrack, detach.  crm.verify recomputes from the view by
-- the aggregate, which shares no code with the triggers.
SELECT plan(58);

CREATE SCHEMA shop;
CREATE TABLE shop.orders (id serial PRIMARY KEY, email text, created_at timestamptz, total_cents int, status text, note text);
CREATE VIEW shop.purchases AS
  SELECT lower(email) AS customer, (created_at AT TIME ZONE 'Europe/Berlin')::date AS purchased_on, total_cents / 100.0 AS amount
  FROM shop.orders WHERE status = 'paid';
INSERT INTO shop.orders (email, created_at, total_cents, status)
SELECT (ARRAY['A', 'a'])[1 + i % 2] || i % 50, now() - i * interval '7 hours', i * 7919 % 10000,
  CASE WHEN i % 10 = 0 THEN 'open' ELSE 'paid' END
FROM generate_series(1, 500) i;

SELECT is(crm.track('shop.purchases', changes => true)::text, 'shop.purchases_customers', 'track returns the view of customers');
SELECT is((SELECT (source, histories, scoring, customers, changes)::text FROM crm.tracked),
  '(shop.orders,shop.purchases_histories,shop.purchases_scoring,shop.purchases_customers,shop.purchases_changes)', 'the catalogue ties them');
SELECT is((SELECT count(*)::int FROM shop.purchases_customers), (SELECT count(DISTINCT lower(email))::int FROM shop.orders WHERE status = 'paid'),
  'every customer is there');
SELECT is_empty($$
  SELECT customer, purchase_count, spend, first_purchased_on, last_purchased_on FROM shop.purchases_customers
  EXCEPT
  SELECT customer, count(*), sum(amount), min(purchased_on), max(purchased_on) FROM shop.purchases GROUP BY customer $$,
  'with the figures that plain SQL gives');
SELECT is((SELECT count(*)::int FROM shop.purchases_changes), 0, 'the first scores are no changes');
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'verify finds nothing after track');
SELECT isnt_empty('SELECT FROM shop.purchases_customers WHERE segment IS NOT NULL AND rfm IS NOT NULL', 'customers are scored');

-- built-in types and comments only
SELECT is_empty($$
  SELECT attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE attrelid = 'shop.purchases_customers'::regclass AND attnum > 0 AND typnamespace <> 'pg_catalog'::regnamespace $$,
  'the view for reports has built-in types only');
SELECT is_empty($$
  SELECT attrelid::regclass, attname FROM pg_attribute
  WHERE attrelid::regclass::text ~ '^shop\.purchases_(customers|histories|scoring|changes)$' AND attnum > 0
    AND col_description(attrelid, attnum) IS NULL $$,
  'every column has a comment');
SELECT is((SELECT count(*)::int FROM pg_index WHERE indrelid = 'shop.purchases_histories'::regclass), 1, 'histories have one index');
SELECT is((SELECT reloptions::text FROM pg_class WHERE oid = 'shop.purchases_histories'::regclass), '{fillfactor=80}', 'and room for HOT updates');

-- statements of every kind
CREATE FUNCTION pg_temp.stays_true(statement text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  differences int;
BEGIN
  EXECUTE statement;
  SELECT count(*) INTO differences FROM crm.verify('shop.purchases');
  RETURN is(differences, 0, what);
END $$;

SELECT pg_temp.stays_true('INSERT INTO shop.orders (email, created_at, total_cents, status) VALUES (''a1'', now(), 500, ''paid''), (''new'', now(), 700, ''paid''), (''A1'', now(), 100, ''paid'')', 'insert');
SELECT is((SELECT purchase_count::int FROM shop.purchases_customers WHERE customer = 'new'), 1, 'a new customer is there at once');
SELECT pg_temp.stays_true('INSERT INTO shop.orders (email, created_at, total_cents, status) VALUES (NULL, now(), 500, ''paid''), (''a1'', NULL, 500, ''paid''), (''a1'', now(), NULL, ''paid'')', 'a NULL key, day or amount is ignored');
SELECT pg_temp.stays_true('INSERT INTO shop.orders (email, created_at, total_cents, status) VALUES (''a2'', now(), -500, ''paid'')', 'refund');
SELECT pg_temp.stays_true('UPDATE shop.orders SET total_cents = total_cents + 3 WHERE id % 3 = 0', 'update of the amount');
SELECT pg_temp.stays_true('UPDATE shop.orders SET email = ''a'' || id % 37 WHERE id % 5 = 0', 'update of the key');
SELECT pg_temp.stays_true('UPDATE shop.orders SET created_at = created_at - interval ''3 days'' WHERE id % 5 = 1', 'update of the day');
SELECT pg_temp.stays_true('UPDATE shop.orders SET status = CASE status WHEN ''paid'' THEN ''open'' ELSE ''paid'' END WHERE id % 7 = 0', 'rows that enter and leave the view');
SELECT pg_temp.stays_true('UPDATE shop.orders SET id = id + 10000 WHERE id % 11 = 0', 'update of a column that is no purchase');
SELECT pg_temp.stays_true('DELETE FROM shop.orders WHERE id % 4 = 0', 'delete');
SELECT pg_temp.stays_true('DELETE FROM shop.orders WHERE lower(email) = ''new''', 'delete of all orders of a customer');
SELECT results_eq('SELECT history::text, rfm FROM shop.purchases_histories WHERE customer = ''new''', $$VALUES ('{}', NULL::text)$$, 'the row of a customer whose last purchase goes stays, empty');
SELECT is_empty('SELECT FROM shop.purchases_customers WHERE customer = ''new''', 'and is not shown');
SELECT is((SELECT what || ' ' || why || coalesce(new_value, ' to nothing') FROM shop.purchases_changes WHERE customer = 'new' ORDER BY changed_at DESC, new_value NULLS FIRST LIMIT 1),
  'segment delete to nothing', 'and the change is recorded');
SELECT pg_temp.stays_true('INSERT INTO shop.orders (id, email, created_at, total_cents, status) SELECT i, ''a'' || i % 9, now(), i, ''paid'' FROM generate_series(1, 40) i
  ON CONFLICT (id) DO UPDATE SET total_cents = excluded.total_cents, email = excluded.email', 'insert on conflict do update');
SELECT pg_temp.stays_true('WITH gone AS (DELETE FROM shop.orders WHERE id % 6 = 1 RETURNING *), more AS (INSERT INTO shop.orders (email, created_at, total_cents, status) SELECT email, created_at, 1, status FROM gone RETURNING *)
  INSERT INTO shop.orders (email, created_at, total_cents, status) SELECT email, created_at, 2, status FROM more', 'writes in CTEs');
SELECT pg_temp.stays_true('UPDATE shop.orders o SET total_cents = x.n FROM (SELECT id, row_number() OVER (ORDER BY id) * 10 AS n FROM shop.orders) x WHERE x.id = o.id AND o.id % 2 = 0', 'update from');
SELECT pg_temp.stays_true('INSERT INTO shop.orders (email) SELECT ''a1'' WHERE false', 'a statement without rows');
SELECT CASE WHEN current_setting('server_version_num')::int < 150000 THEN skip('MERGE came with 15', 1)
  ELSE pg_temp.stays_true('MERGE INTO shop.orders o USING generate_series(1, 60) i ON o.id = i WHEN MATCHED AND i % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET total_cents = i
    WHEN NOT MATCHED THEN INSERT (id, email, created_at, total_cents, status) VALUES (i, ''m'' || i, now(), i, ''paid'')', 'merge') END;
CREATE TABLE shop.parent (id int PRIMARY KEY);
INSERT INTO shop.parent VALUES (1), (2);
ALTER TABLE shop.orders ADD parent_id int REFERENCES shop.parent ON DELETE CASCADE ON UPDATE CASCADE;
SELECT pg_temp.stays_true('UPDATE shop.orders SET parent_id = 1 + id % 2', 'a new column');
SELECT pg_temp.stays_true('DELETE FROM shop.parent WHERE id = 1', 'a cascading delete');
ALTER TABLE shop.orders DROP COLUMN note, DROP COLUMN parent_id;
SELECT pg_temp.stays_true('UPDATE shop.orders SET total_cents = total_cents + 1', 'dropped columns');
ALTER TABLE shop.orders RENAME email TO mail;
ALTER TABLE shop.orders RENAME TO "Order s";
ALTER TABLE shop.purchases_histories RENAME TO "History's";
SELECT pg_temp.stays_true('UPDATE shop."Order s" SET mail = upper(mail), total_cents = total_cents + 1', 'renamed columns and tables');
ALTER TABLE shop."Order s" RENAME TO orders;
ALTER TABLE shop."History's" RENAME TO purchases_histories;
BEGIN;
INSERT INTO shop.orders (mail, created_at, total_cents, status) VALUES ('rolled back', now(), 1, 'paid');
SAVEPOINT s;
INSERT INTO shop.orders (mail, created_at, total_cents, status) VALUES ('rolled back 2', now(), 1, 'paid');
ROLLBACK TO s;
INSERT INTO shop.orders (mail, created_at, total_cents, status) VALUES ('stays', now(), 1, 'paid');
RELEASE s;
UPDATE shop.orders SET total_cents = 5 WHERE mail = 'stays';
COMMIT;
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'savepoints');
SELECT is((SELECT string_agg(customer, ', ' ORDER BY customer) FROM shop.purchases_histories WHERE customer LIKE '%back%' OR customer = 'stays'),
  'rolled back, stays', 'what was rolled back is not there');

-- refresh, rules, days
UPDATE shop.purchases_histories SET scored_on = scored_on - 1, segment = 'wrong' WHERE customer = 'stays';
SELECT is((SELECT customer ->> 'customer' || ' ' || problem FROM crm.verify('shop.purchases')), 'stays score', 'verify finds a wrong score');
UPDATE shop.purchases_histories SET history = crm.purchase('2020-01-01', 5) WHERE customer = 'stays';
SELECT set_eq('SELECT customer ->> ''customer'', problem FROM crm.verify(''shop.purchases'')', $$VALUES ('stays', 'history'), ('stays', 'score')$$, 'and a wrong history');
SELECT is(crm.rebuild('shop.purchases')::int, 1, 'rebuild finds it too');
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'and mends it');
UPDATE shop.purchases_scoring SET look_back_days = 90, segments = crm.rfm_cells();
CALL crm.refresh('shop.purchases', batch_customers => 7);
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'new rules are in force after a refresh');
SELECT is((SELECT customers_read::int FROM crm.tracked), (SELECT count(*)::int FROM shop.purchases_histories), 'which has read all customers');
SELECT isnt_empty('SELECT FROM crm.tracking_status WHERE kept = ''live'' AND tables_without_triggers = 0 AND refresh_finished_at IS NOT NULL', 'and finished');
CALL crm.refresh('shop.purchases');
SELECT is((SELECT customers_written::int FROM crm.tracked), 0, 'a second refresh writes nothing');
CALL crm.refresh('shop.purchases', current_date - 60);
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'a refresh as of an earlier day');
CALL crm.refresh('shop.purchases', current_date + 10);
SELECT pg_temp.stays_true('UPDATE shop.orders SET total_cents = total_cents + 1 WHERE id % 2 = 0', 'and of a later one');
CALL crm.refresh('shop.purchases');
SELECT is_empty(format($$
  (SELECT customer, purchase_count, spend, segment FROM shop.purchases_customers_on((SELECT refreshed_on FROM shop.purchases_scoring)) EXCEPT SELECT customer, purchase_count, spend, segment FROM shop.purchases_customers)$$),
  'customers on the day of the shop are the customers');
SELECT is((SELECT max(last_purchased_on) <= current_date - 30 FROM shop.purchases_customers_on(current_date - 30)), true, 'on an earlier day nothing later is known');
SELECT is(crm.snapshot('shop.purchases', current_date - 30), (SELECT count(*) FROM shop.purchases_customers_on(current_date - 30)), 'a snapshot keeps a day');
SELECT is(crm.snapshot('shop.purchases', current_date - 30), (SELECT count(*) FROM shop.purchases_snapshots), 'once');

-- the portfolio over a tracked set
SELECT is((SELECT sum(active)::bigint FROM crm.cohort_triangle('shop.purchases_histories', current_date + 62, 'month') WHERE age = 0),
  (SELECT count(*) FROM shop.purchases_histories WHERE crm.purchase_count(history) > 0), 'cohorts of the tracked customers');
SELECT is((SELECT sum(customers)::bigint FROM crm.lifecycle_migration('shop.purchases_histories', daterange(current_date - 60, current_date, '(]'))),
  (SELECT count(*) FROM shop.purchases_histories), 'every tracked customer migrates from one state to one');

-- the triggers off, truncate
ALTER TABLE shop.orders DISABLE TRIGGER crm_insert;
SELECT is((SELECT problem FROM crm.verify('shop.purchases')), 'shop.orders has triggers that are disabled', 'verify finds triggers that are off');
INSERT INTO shop.orders (mail, created_at, total_cents, status) VALUES ('unseen', now(), 1, 'paid');
ALTER TABLE shop.orders ENABLE TRIGGER crm_insert;
SELECT throws_like('DELETE FROM shop.orders WHERE mail = ''unseen''', '%do not hold a purchase of customer (unseen) that is changed or taken away', 'orders that were missed are not taken away in silence');
DO $$ BEGIN PERFORM crm.rebuild('shop.purchases'); END $$;
SELECT pg_temp.stays_true('TRUNCATE shop.orders', 'truncate');
SELECT pg_temp.stays_true('INSERT INTO shop.orders (mail, created_at, total_cents, status) VALUES (''x'', now(), 5, ''paid'')', 'and on from there');

DO $$ BEGIN PERFORM crm.untrack('shop.purchases'); END $$;
SELECT is((SELECT count(*)::int FROM pg_trigger WHERE tgrelid = 'shop.orders'::regclass AND NOT tgisinternal), 0, 'untrack drops the triggers');
SELECT is((SELECT count(*)::int FROM shop.purchases_histories WHERE history::text <> '{}'), 1, 'and keeps the tables');
SELECT * FROM finish();
