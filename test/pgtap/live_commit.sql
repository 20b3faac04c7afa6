-- Upkeep at commit: what a transaction brought is written once, at its end.
SET client_min_messages = warning;
SELECT plan(36);

CREATE TABLE customers (id int PRIMARY KEY);
INSERT INTO customers SELECT generate_series(1, 300);
CREATE TABLE orders (id int, customer int, on_day date, amount numeric);
INSERT INTO orders SELECT i, i % 50 + 1, date '2026-01-01' + i % 90, i FROM generate_series(1, 300) i;
SELECT throws_ok($$SELECT crm.track('orders', 'customer', 'on_day', 'amount', upkeep => 'later')$$, '22023', 'upkeep cannot be at ''later''', 'upkeep is one of two words');
SELECT crm.track('orders', 'customer', 'on_day', 'amount', changes => true, notify => true, upkeep => 'commit');
CREATE FUNCTION pg_temp.purchases(customer int) RETURNS bigint LANGUAGE sql AS $$
  SELECT crm.purchase_count(history) FROM orders_histories AS h WHERE h.customer = purchases.customer
$$;
CREATE FUNCTION pg_temp.is_true(what text) RETURNS text LANGUAGE sql AS $$ SELECT is_empty('SELECT * FROM crm.verify(''orders'')', what) $$;

INSERT INTO orders VALUES (1001, 1, '2026-06-01', 5);
SELECT is(pg_temp.purchases(1), 7::bigint, 'a single statement is a transaction');
BEGIN;
INSERT INTO orders VALUES (1002, 1, '2026-06-01', 5);
SELECT is(pg_temp.purchases(1), 7::bigint, 'within a transaction the session reads its customer as of before');
COMMIT;
SELECT is(pg_temp.purchases(1), 8::bigint, 'and after it as it is');
SELECT pg_temp.is_true('which is true');

-- all kinds of statements, in one
BEGIN;
INSERT INTO orders SELECT i, i % 60 + 1, '2026-07-01', 7 FROM generate_series(2001, 2200) i;
UPDATE orders SET customer = customer + 1 WHERE id % 3 = 0;
UPDATE orders SET amount = amount + 1 WHERE id > 2050;
DELETE FROM orders WHERE id BETWEEN 2100 AND 2150;
CREATE TABLE fresh AS SELECT 3001 AS id, 7 AS customer, date '2026-08-01' AS on_day, 3.5 AS amount;
INSERT INTO orders TABLE fresh;
COMMIT;
SELECT pg_temp.is_true('statements of all kinds in one transaction');
SELECT is((SELECT string_agg(DISTINCT why, ' ' ORDER BY why) FROM orders_changes WHERE changed_at = (SELECT max(changed_at) FROM orders_changes)), 'commit', 'and the log says so');
BEGIN;
INSERT INTO orders VALUES (1, 999, '2026-07-01', 7);
DELETE FROM orders WHERE customer = 999;
COMMIT;
SELECT is((SELECT count(*) FROM orders_histories WHERE customer = 999), 0::bigint, 'what came and went is no customer');
BEGIN;
TRUNCATE orders;
INSERT INTO orders SELECT i, i % 50 + 1, date '2026-01-01' + i % 90, i FROM generate_series(1, 300) i;
COMMIT;
SELECT pg_temp.is_true('truncate and reload');
BEGIN;
INSERT INTO orders VALUES (4001, 400, '2026-07-01', 7);
ROLLBACK;
SELECT pg_temp.is_true('rolled back');

-- savepoints
BEGIN;
INSERT INTO orders VALUES (5001, 301, '2026-07-01', 7);
SAVEPOINT a;
INSERT INTO orders VALUES (5002, 302, '2026-07-01', 7);
SAVEPOINT b;
INSERT INTO orders VALUES (5003, 303, '2026-07-01', 7);
RELEASE b;
ROLLBACK TO a;
INSERT INTO orders VALUES (5004, 304, '2026-07-01', 7);
SAVEPOINT c;
INSERT INTO orders VALUES (5005, 305, '2026-07-01', 7);
RELEASE c;
COMMIT;
SELECT results_eq('SELECT customer FROM orders_histories WHERE customer > 300 ORDER BY 1', '{301,304,305}'::int[], 'savepoints that were rolled back brought nothing');
DO $$
BEGIN
  FOR i IN 1 .. 200 LOOP
    BEGIN
      INSERT INTO orders VALUES (i, i, '2026-09-01', 1);
      IF i % 3 = 0 THEN RAISE 'no'; END IF;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
  END LOOP;
END $$;
SELECT pg_temp.is_true('nor did blocks that failed');
-- what is settled in a subtransaction that is rolled back is not lost
BEGIN;
INSERT INTO orders VALUES (6001, 306, '2026-07-01', 7);
SAVEPOINT a;
INSERT INTO orders VALUES (6002, 307, '2026-07-01', 7);
SELECT count(*) FROM crm.verify('orders');
ROLLBACK TO a;
INSERT INTO orders VALUES (6003, 306, '2026-07-02', 7);
COMMIT;
SELECT results_eq('SELECT customer, crm.purchase_count(history) FROM orders_histories WHERE customer IN (306, 307)', 'VALUES (306, 2::bigint)', 'settled in a savepoint that was rolled back');
SELECT pg_temp.is_true('and settled once');

-- calls that need the histories as they are
BEGIN;
INSERT INTO orders VALUES (7001, 1, '2026-07-01', 7), (7002, 308, '2026-07-01', 7);
SELECT is_empty('SELECT * FROM crm.verify(''orders'')', 'verify settles what waits');
SELECT is(pg_temp.purchases(308), 1::bigint, 'so that it is there');
INSERT INTO orders VALUES (7003, 308, '2026-07-01', 7);
SELECT is(crm.rebuild('orders'), 0::bigint, 'as rebuild does');
INSERT INTO orders VALUES (7004, 308, '2026-07-01', 7);
COMMIT;
SELECT is(pg_temp.purchases(308), 3::bigint, 'and nothing is counted twice');
SET work_mem = '64kB';
BEGIN;
INSERT INTO orders SELECT i, i, '2026-07-01', 7 FROM generate_series(1, 3000) i;
SELECT cmp_ok((SELECT count(*) FROM orders_histories), '>', 2000::bigint, 'what is too much to keep is written before');
COMMIT;
RESET work_mem;
SELECT pg_temp.is_true('bulk');
DELETE FROM orders WHERE customer > 300 OR id > 5000;

-- constraints and triggers that are deferred, and triggers on what is written
ALTER TABLE orders_histories ADD COLUMN note text;
SELECT crm.drop_empty('orders');
ALTER TABLE orders_histories ADD FOREIGN KEY (customer) REFERENCES customers DEFERRABLE INITIALLY DEFERRED;
SELECT throws_like('INSERT INTO orders VALUES (8001, 4000, ''2026-07-01'', 7); SELECT crm_internal.settle(''orders_histories'')', 'cannot fire deferred trigger%', 'a deferred constraint on the histories is refused');
\set VERBOSITY terse
\set ON_ERROR_STOP off
SET client_min_messages = error;
BEGIN;
INSERT INTO orders VALUES (8001, 4000, '2026-07-01', 7);
COMMIT;
SET client_min_messages = warning;
\set ON_ERROR_STOP on
SELECT is((SELECT count(*) FROM orders WHERE id = 8001), 0::bigint, 'at commit too');
ALTER TABLE orders_histories ALTER CONSTRAINT orders_histories_customer_fkey NOT DEFERRABLE;
BEGIN;
INSERT INTO orders VALUES (8001, 4000, '2026-07-01', 7);
INSERT INTO customers VALUES (4000);
COMMIT;
SELECT is(pg_temp.purchases(4000), 1::bigint, 'and not needed: the customer may come after the order');
ALTER TABLE orders_histories DROP CONSTRAINT orders_histories_customer_fkey;
CREATE FUNCTION add_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF new.id < 9010 THEN
    INSERT INTO public.orders VALUES (new.id + 1, new.customer, new.on_day, 1);
  END IF;
  RETURN new;
END $$;
CREATE CONSTRAINT TRIGGER add_order AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.id > 9000) EXECUTE FUNCTION add_order();
INSERT INTO orders VALUES (9001, 2, '2026-07-01', 7);
SELECT is((SELECT count(*) FROM orders WHERE id > 9000), 10::bigint, 'a deferred trigger that writes orders');
SELECT pg_temp.is_true('is followed');
CREATE TABLE audit (customer int);
CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.audit VALUES (new.customer);
  IF (SELECT count(*) FROM public.audit) < 5 THEN
    INSERT INTO public.orders VALUES (1, new.customer % 50 + 1, '2026-10-01', 100);
  END IF;
  RETURN new;
END $$;
CREATE TRIGGER on_change AFTER INSERT OR UPDATE ON orders_histories FOR EACH ROW EXECUTE FUNCTION on_change();
INSERT INTO orders VALUES (1, 2, '2026-10-01', 7);
SELECT is((SELECT count(*) FROM audit), 5::bigint, 'a trigger on histories fires, and what it writes is written');
SELECT pg_temp.is_true('and followed');
DROP TRIGGER on_change ON orders_histories;

-- prepared transactions
BEGIN;
INSERT INTO orders VALUES (1, 3, '2026-10-01', 700), (1, 777, '2026-10-01', 700);
PREPARE TRANSACTION 'live_commit';
COMMIT PREPARED 'live_commit';
SELECT is(pg_temp.purchases(777), 1::bigint, 'a prepared transaction has written');
SELECT pg_temp.is_true('what it brought');
CREATE TABLE sales AS TABLE orders;
SELECT crm.track('sales', 'customer', 'on_day', 'amount', notify => true);
BEGIN;
INSERT INTO sales (customer, on_day, amount) SELECT 888, date '2026-01-01' + i, 1000 FROM generate_series(1, 90) i;
PREPARE TRANSACTION 'live_commit';
COMMIT PREPARED 'live_commit';
SELECT is((SELECT crm.purchase_count(history) FROM sales_histories WHERE customer = 888), 90::bigint, 'with notify, too, where histories are written by each statement');
-- what ends before the transaction does
CREATE TABLE ended (customer int, on_day date, amount numeric);
SELECT crm.track('ended', 'customer', 'on_day', 'amount', upkeep => 'commit');
BEGIN;
INSERT INTO ended VALUES (1, '2026-06-01', 5);
SET TRANSACTION READ ONLY;
COMMIT;
SELECT is((SELECT history::text FROM ended_histories), '{2026-06-01 1 5.00}', 'a transaction that was made read only writes what it had brought before');
SELECT is(current_setting('transaction_read_only'), 'off', 'and leaves nothing behind');
BEGIN;
INSERT INTO ended VALUES (1, '2026-06-02', 5);
DROP VIEW ended_purchases CASCADE;
COMMIT;
SELECT is((SELECT count(*) FROM ended), 2::bigint, 'a transaction that drops the view commits');
SELECT is((SELECT history::text FROM ended_histories), '{2026-06-01 1 5.00, 2026-06-02 1 5.00}', 'with what came before');
SELECT crm.untrack('ended_histories');

-- and the end
BEGIN;
INSERT INTO orders VALUES (1, 778, '2026-10-01', 700);
SELECT crm.untrack('orders');
COMMIT;
SELECT is(pg_temp.purchases(778), 1::bigint, 'untrack leaves histories that are whole');
CREATE TABLE last_orders (customer int, purchased_on date, amount numeric);
SELECT crm.track('last_orders', 'customer', 'purchased_on', 'amount', upkeep => 'commit');
BEGIN;
INSERT INTO last_orders VALUES (1, '2026-10-01', 700);
DROP EXTENSION crm CASCADE;
COMMIT;
SELECT is((SELECT count(*) FROM last_orders), 1::bigint, 'nothing waits for an extension that is gone');
BEGIN;
SELECT * FROM finish();
COMMIT;
