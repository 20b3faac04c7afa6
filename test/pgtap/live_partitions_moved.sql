-- Partitions that come with rows and go: counted, followed, kept or forgotten, by whatever command.
SET client_min_messages = warning;
SELECT plan(50);

CREATE TABLE orders (id int, customer int, on_day date, amount numeric) PARTITION BY RANGE (on_day);
CREATE TABLE orders_2023 PARTITION OF orders FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO orders SELECT i, i % 7, date '2023-01-05' + i, i FROM generate_series(1, 600) i;
CREATE VIEW kept_purchases AS SELECT customer, on_day AS purchased_on, amount FROM orders;
CREATE VIEW forgotten_purchases AS SELECT customer, on_day AS purchased_on, amount FROM orders WHERE amount > 10;
SELECT throws_ok($$SELECT crm.track('kept_purchases', detached => 'drop')$$, '22023', 'detached cannot be ''drop''', 'what happens to detached partitions is one of two words');
SELECT crm.track('kept_purchases', changes => true), crm.track('forgotten_purchases', detached => 'forget');
CREATE FUNCTION pg_temp.stays_true(statement text, what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN NEXT is_empty('SELECT * FROM crm.verify(''kept_purchases'')', what || ', kept');
  RETURN NEXT is_empty('SELECT * FROM crm.verify(''forgotten_purchases'')', what || ', forgotten');
END $$;
CREATE FUNCTION pg_temp.purchases(histories text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  n bigint;
BEGIN
  EXECUTE format('SELECT sum(crm.purchase_count(history)) FROM %s', histories) INTO n;
  RETURN n;
END $$;

-- partitions that come
SELECT pg_temp.stays_true('CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM (''2025-01-01'') TO (''2026-01-01'')', 'a new partition');
SELECT pg_temp.stays_true('INSERT INTO orders_2025 VALUES (1001, 1, ''2025-01-01'', 20)', 'its first row');
CREATE TABLE filled (note text, amount numeric, extra int, on_day date NOT NULL, customer int, id int);
ALTER TABLE filled DROP COLUMN extra, DROP COLUMN note;
INSERT INTO filled SELECT 30, '2026-03-03', i % 9, i FROM generate_series(1, 50) i;
SELECT pg_temp.stays_true('ALTER TABLE orders ATTACH PARTITION filled FOR VALUES FROM (''2026-01-01'') TO (''2027-01-01'')', 'a filled partition with other columns');
SELECT is(pg_temp.purchases('kept_histories'), 651::bigint, 'whose rows count');
SELECT is((SELECT DISTINCT why FROM kept_changes WHERE customer = 8), 'attach', 'and the log says why');
CREATE TABLE parted (LIKE orders) PARTITION BY LIST (customer);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT i, i % 3, '2027-03-03', 40 FROM generate_series(1, 30) i;
SELECT pg_temp.stays_true('ALTER TABLE orders ATTACH PARTITION parted FOR VALUES FROM (''2027-01-01'') TO (''2028-01-01'')', 'a partitioned partition');
SELECT pg_temp.stays_true('INSERT INTO parted_rest VALUES (1, 5, ''2027-03-03'', 40)', 'a row of its leaf');
SELECT pg_temp.stays_true('CREATE TABLE parted_5 (LIKE orders); INSERT INTO parted_5 VALUES (1, 77, ''2027-04-04'', 41); ALTER TABLE parted ATTACH PARTITION parted_5 FOR VALUES IN (77)', 'a filled leaf of it');

SELECT pg_temp.stays_true('CREATE TABLE IF NOT EXISTS orders_2023 PARTITION OF orders FOR VALUES FROM (''2023-01-01'') TO (''2024-01-01'')', 'one that is there is not made again');

-- partitions that go
SELECT pg_temp.stays_true('ALTER TABLE orders DETACH PARTITION orders_2023', 'a detached partition');
SELECT is(pg_temp.purchases('kept_histories') - pg_temp.purchases('forgotten_histories'), 360::bigint, 'counts on, or no more');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders_2023'::regclass), 0::bigint, 'without triggers of crm');
SELECT pg_temp.stays_true('UPDATE orders_2023 SET amount = 99; DELETE FROM orders_2023 WHERE id % 2 = 0', 'it can be written');
SELECT is(crm.rebuild('kept_purchases'), 0::bigint, 'a rebuild keeps what was kept');
SELECT is((SELECT sum(crm.purchase_count(history)) FROM kept_detached WHERE partition = 'orders_2023'::regclass AND partition_name LIKE '%orders_2023'), 360::numeric, 'which stands in a table of its own');
SELECT pg_temp.stays_true('ALTER TABLE orders ATTACH PARTITION orders_2023 FOR VALUES FROM (''2023-01-01'') TO (''2024-01-01'')', 'attached again');
SELECT is((SELECT count(*) FROM kept_detached), 0::bigint, 'its rows of now count in place of what was kept');
SELECT format('ALTER TABLE orders DETACH PARTITION parted %s', CASE WHEN current_setting('server_version_num')::int >= 140000 THEN 'CONCURRENTLY' END) \gexec
SELECT is_empty('SELECT * FROM crm.verify(''kept_purchases'') UNION ALL SELECT * FROM crm.verify(''forgotten_purchases'')', 'detached concurrently');
SELECT is((SELECT count(DISTINCT partition) FROM kept_detached), 3::bigint, 'each leaf of a partitioned partition is kept');
SELECT pg_temp.stays_true('ALTER TABLE parted DETACH PARTITION parted_1; DROP TABLE parted_1; DROP TABLE parted', 'what is detached is no matter of the tracking any more');
SELECT pg_temp.stays_true('DROP TABLE orders_2024', 'a dropped partition');
SELECT is((SELECT sum(crm.purchase_count(history)) FROM kept_detached WHERE partition_name LIKE '%orders_2024'), 240::numeric, 'is kept as well');
CREATE TABLE orders_2029 PARTITION OF orders FOR VALUES FROM ('2029-01-01') TO ('2030-01-01') PARTITION BY LIST (customer);
CREATE TABLE orders_2029_1 PARTITION OF orders_2029 FOR VALUES IN (1);
INSERT INTO orders VALUES (1, 1, '2029-01-01', 50);
SELECT pg_temp.stays_true('DROP TABLE orders_2029_1, orders_2029, orders_2029', 'partitions that are dropped twice by one command');
SELECT is((SELECT sum(crm.purchase_count(history)) FROM kept_detached WHERE partition_name LIKE '%orders_2029_1'), 1::numeric, 'are kept once');
SELECT is((SELECT count(*) FROM crm.tracking_status WHERE problem IS NOT NULL), 0::bigint, 'and are no problem');
BEGIN;
DROP TABLE orders_2025, filled;
ROLLBACK;
SELECT is_empty('SELECT * FROM crm.verify(''kept_purchases'') UNION ALL SELECT * FROM crm.verify(''forgotten_purchases'')', 'a drop that is rolled back');
DROP TABLE kept_detached;
SELECT cmp_ok(crm.rebuild('kept_purchases'), '>', 0::bigint, 'who drops what was kept forgets it by a rebuild');
SELECT is_empty('SELECT * FROM crm.verify(''kept_purchases'')', 'which is the truth then');

-- what fails is told and does not hold up the shop
CREATE ROLE partitions_stranger;
CREATE TABLE strange (LIKE orders);
INSERT INTO strange VALUES (1, 1, '2030-01-01', 50);
CREATE ROLE partitions_keeper;
GRANT CREATE ON SCHEMA public TO partitions_keeper;
CREATE TABLE k_orders (customer int, on_day date, amount numeric) PARTITION BY RANGE (on_day);
ALTER TABLE k_orders OWNER TO partitions_keeper;
SELECT crm.track('k_orders', 'customer', 'on_day', 'amount');
CREATE TABLE k_strange (LIKE k_orders);
INSERT INTO k_strange VALUES (1, '2030-01-01', 50);
ALTER TABLE k_strange OWNER TO partitions_stranger;
SET client_min_messages = error;
SELECT lives_ok('ALTER TABLE k_orders ATTACH PARTITION k_strange FOR VALUES FROM (''2030-01-01'') TO (''2031-01-01'')', 'a partition that may not be followed is attached');
SET client_min_messages = warning;
SELECT is((SELECT problem FROM crm.tracking_status WHERE source = 'k_orders'::regclass), 'partition public.k_strange was attached, but could not be followed', 'and the status says so');
SELECT results_eq('SELECT problem FROM crm.verify(''k_orders'') WHERE customer IS NULL ORDER BY 1',
  ARRAY['public.k_orders_purchases has a problem until crm.rebuild: partition public.k_strange was attached, but could not be followed', 'public.k_strange has no triggers, see crm.track_partitions'],
  'verify names it');
ALTER TABLE k_strange OWNER TO partitions_keeper;
SELECT is(crm.track_partitions('k_orders'), 1, 'when it is repaired, it is followed');
SELECT crm.rebuild('k_orders');
SELECT is_empty('SELECT * FROM crm.verify(''k_orders'')', 'and counted by a rebuild');
-- who is not told finds out by verify
ALTER EVENT TRIGGER crm_partitions DISABLE;
ALTER TABLE k_orders DETACH PARTITION k_strange;
ALTER EVENT TRIGGER crm_partitions ENABLE;
SELECT results_eq('SELECT problem FROM crm.verify(''k_orders'') WHERE customer IS NULL',
  ARRAY['public.k_strange has triggers of crm but belongs to no tracking: if it was a partition, drop the triggers crm_* and call crm.rebuild'], 'a detached partition that was not told of');
SELECT throws_ok('SELECT crm_internal.count_partition(''forgotten_histories'', ''filled'', true, NULL, ''x'')', '55000', NULL, 'a call by hand needs a tracking');
SET ROLE partitions_stranger;
SELECT throws_ok('SELECT crm_internal.count_partition(''kept_purchases'', ''filled'', true, NULL, ''x'')', '42501', NULL, 'and its owner');
RESET ROLE;

SELECT * FROM finish();
DROP TABLE k_orders CASCADE;
DROP TABLE k_strange, k_orders_histories, k_orders_scoring CASCADE;
DROP OWNED BY partitions_keeper, partitions_stranger;
DROP ROLE partitions_stranger, partitions_keeper;
