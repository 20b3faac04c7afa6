-- A partitioned table: statements on the root and on a leaf count once.
SELECT plan(25);

CREATE TABLE orders (id int, customer int, on_day date, amount numeric, note text) PARTITION BY RANGE (on_day);
CREATE TABLE orders_2025 PARTITION OF orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
-- other column numbers than the root
CREATE TABLE orders_2026 (note text, extra int, amount numeric, on_day date NOT NULL, customer int, id int);
ALTER TABLE orders_2026 DROP COLUMN extra;
ALTER TABLE orders ATTACH PARTITION orders_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE orders_later PARTITION OF orders FOR VALUES FROM ('2027-01-01') TO ('2030-01-01') PARTITION BY LIST (customer);
CREATE TABLE orders_later_1 PARTITION OF orders_later FOR VALUES IN (1);
CREATE TABLE orders_later_rest PARTITION OF orders_later DEFAULT;
CREATE VIEW purchases AS SELECT customer, on_day AS purchased_on, amount FROM orders WHERE note IS DISTINCT FROM 'open';
INSERT INTO orders SELECT i, i % 7, date '2025-06-01' + i * 3, i FROM generate_series(1, 300) i;

SELECT lives_ok('SELECT crm.track(''purchases'')', 'a partitioned table is tracked');
CREATE FUNCTION pg_temp.stays_true(statement text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  differences int;
BEGIN
  EXECUTE statement;
  SELECT count(*) INTO differences FROM crm.verify('purchases');
  RETURN is(differences, 0, what);
END $$;

SELECT pg_temp.stays_true('INSERT INTO orders VALUES (1001, 3, ''2025-02-02'', 5), (1002, 3, ''2026-02-02'', 6), (1003, 1, ''2027-02-02'', 7)', 'insert into the root');
SELECT pg_temp.stays_true('INSERT INTO orders_2026 (id, customer, on_day, amount) VALUES (1004, 3, ''2026-02-03'', 5)', 'insert into a leaf with other column numbers');
SELECT pg_temp.stays_true('INSERT INTO orders_later VALUES (1005, 1, ''2027-02-03'', 5), (1006, 2, ''2027-02-03'', 5)', 'insert into a partitioned partition');
SELECT pg_temp.stays_true('INSERT INTO orders_later_1 VALUES (1007, 1, ''2027-02-03'', 5)', 'insert into a leaf of it');
SELECT pg_temp.stays_true('UPDATE orders SET on_day = on_day + 365 WHERE id % 5 = 0', 'update across partitions');
SELECT pg_temp.stays_true('UPDATE orders SET customer = 1 WHERE on_day >= ''2027-01-01'' AND id % 3 = 0', 'update across sub-partitions');
SELECT pg_temp.stays_true('UPDATE orders_2025 SET amount = amount + 1, note = ''open'' WHERE id % 2 = 0', 'update of a leaf');
SELECT pg_temp.stays_true('DELETE FROM orders_2026 WHERE id % 2 = 0', 'delete from a leaf');
SELECT pg_temp.stays_true('DELETE FROM orders WHERE id % 3 = 0', 'delete from the root');
COPY orders_2026 (id, customer, on_day, amount) FROM PROGRAM 'echo "1,5,2026-05-05,9"' (FORMAT csv);
COPY orders (id, customer, on_day, amount) FROM PROGRAM 'for i in $(seq 1 500); do echo "$i,$((i % 9)),2026-05-05,9"; done' (FORMAT csv);
SELECT is_empty('SELECT * FROM crm.verify(''purchases'')', 'COPY into a leaf and the root');
SELECT pg_temp.stays_true('TRUNCATE orders_2025', 'truncate a leaf');
SELECT pg_temp.stays_true('TRUNCATE orders_later', 'truncate a partitioned partition');

-- a schema with partitions of tables that stand elsewhere
CREATE SCHEMA cold;
CREATE TABLE mixed (customer int, day date, amount numeric) PARTITION BY RANGE (day);
CREATE TABLE cold.mixed_2024 PARTITION OF mixed FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY RANGE (day);
CREATE TABLE cold.mixed_2024_1 PARTITION OF cold.mixed_2024 DEFAULT;
CREATE TABLE mixed_2025 PARTITION OF mixed FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE INDEX ON mixed (customer);
INSERT INTO mixed VALUES (1, '2024-05-05', 10), (1, '2025-05-05', 20), (2, '2024-06-06', 30);
SELECT crm.track('mixed', 'customer', 'day', 'amount', detached => 'forget'), crm.track('mixed', 'customer', 'day', 'amount', name => 'mixed_kept');
SET client_min_messages = error;
SELECT throws_ok('DROP SCHEMA cold', '2BP01', NULL, 'a schema with partitions');
DROP SCHEMA cold CASCADE;
RESET client_min_messages;
SELECT is((SELECT string_agg(customer || ' ' || history::text, ', ') FROM mixed_histories WHERE history::text <> '{}'), '1 {2025-05-05 1 20.00}', 'takes along what they held, where that is forgotten');
SELECT is((SELECT string_agg(customer || ' ' || history::text, ', ' ORDER BY customer) FROM mixed_kept_histories), '1 {2024-05-05 1 10.00, 2025-05-05 1 20.00}, 2 {2024-06-06 1 30.00}', 'and keeps it elsewhere');
SELECT is_empty($$SELECT v.* FROM (VALUES ('mixed_histories'::regclass), ('mixed_kept_histories')) AS t(t), crm.verify(t) AS v$$, 'verify agrees');
SELECT crm.untrack('mixed_kept_histories');
SET client_min_messages = error;
DROP VIEW mixed_purchases CASCADE;
ALTER TABLE mixed DETACH PARTITION mixed_2025;
RESET client_min_messages;
SELECT is((SELECT problem FROM crm.tracking_status WHERE histories = 'mixed_histories'::regclass), 'partition public.mixed_2025 was detached, but could not be followed', 'without its view a tracking says so, and the command goes on');
SELECT crm.untrack('mixed_histories');
DROP TABLE mixed, mixed_2025;

-- where nobody is told of partitions
ALTER EVENT TRIGGER crm_partitions DISABLE;
CREATE TABLE orders_2024 PARTITION OF orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT is((SELECT problem FROM crm.verify('purchases')), 'public.orders_2024 has no triggers, see crm.track_partitions', 'a new partition is reported');
SELECT is((SELECT tables_without_triggers FROM crm.tracking_status), 1, 'in the status too');
INSERT INTO orders VALUES (1, 1, '2024-05-05', 1);
SELECT is(crm.track_partitions('purchases'), 1, 'and followed on demand');
SELECT pg_temp.stays_true('INSERT INTO orders_2024 (id, customer, on_day, amount) VALUES (1, 1, ''2024-05-05'', 1)', 'from then on');
ALTER TABLE orders DETACH PARTITION orders_2024;
SELECT isnt_empty('SELECT FROM crm.verify(''purchases'')', 'detaching a partition leaves the histories as they are');
SELECT is(crm.rebuild('purchases')::int, 1, 'until they are rebuilt');
DROP TABLE orders_2024;
SELECT pg_temp.stays_true('TRUNCATE orders', 'truncate the root');
SELECT * FROM finish();
