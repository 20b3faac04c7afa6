-- What it costs to keep customers live: a tenth as many orders as there are
-- customers arrive in one statement, for the same statement under a
-- hand-written trigger that upserts count, min, max and sum.

CREATE TABLE live_plain (id bigserial PRIMARY KEY, customer_id int, ordered_on date, amount numeric);
CREATE TABLE live_hand (LIKE live_plain INCLUDING ALL);
CREATE TABLE live_crm (LIKE live_plain INCLUDING ALL);
INSERT INTO live_hand (customer_id, ordered_on, amount)
  SELECT 1 + i % :customers, date '2026-01-01' - (i::bigint * 7919 % 700)::int, 5 + i % 997 / 10.0 FROM generate_series(1, 3 * :customers) i;
INSERT INTO live_crm SELECT * FROM live_hand;

CREATE TABLE live_hand_customers (customer_id int PRIMARY KEY, orders bigint, first_on date, last_on date, spend numeric) WITH (fillfactor = 80);
INSERT INTO live_hand_customers
  SELECT customer_id, count(*), min(ordered_on), max(ordered_on), sum(amount) FROM live_hand GROUP BY 1 ORDER BY 1;
CREATE FUNCTION live_hand() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO live_hand_customers AS c
    SELECT customer_id, count(*), min(ordered_on), max(ordered_on), sum(amount) FROM new_rows GROUP BY 1
  ON CONFLICT (customer_id) DO UPDATE SET orders = c.orders + excluded.orders, first_on = least(c.first_on, excluded.first_on),
    last_on = greatest(c.last_on, excluded.last_on), spend = c.spend + excluded.spend;
  RETURN NULL;
END $$;
CREATE TRIGGER hand AFTER INSERT ON live_hand REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION live_hand();
SELECT crm.track('live_crm', 'customer_id', 'ordered_on', 'amount') \gset
VACUUM (ANALYZE) live_hand, live_hand_customers, live_crm, live_crm_histories;

CREATE TABLE live_batch AS
  SELECT 1 + (random() * (:customers - 1))::int AS customer_id, date '2026-01-02' + (i % 3)::int AS ordered_on, 5 + i % 997 / 10.0 AS amount
  FROM generate_series(1, :customers / 10) i;
VACUUM (ANALYZE) live_batch;

CALL bench.alternative('orders for a tenth of the customers in one statement', 'hand-written trigger: count, min, max, sum', $$
    INSERT INTO live_hand (customer_id, ordered_on, amount) SELECT * FROM live_batch $$);
CALL bench.alternative('orders for a tenth of the customers in one statement', 'tracked: histories and scores', $$
    INSERT INTO live_crm (customer_id, ordered_on, amount) SELECT * FROM live_batch $$, 'at most 1.5');
CALL bench.alternative('orders for a tenth of the customers in one statement', 'plain insert', $$
    INSERT INTO live_plain (customer_id, ordered_on, amount) SELECT * FROM live_batch $$);

-- An incremental materialised view of the same four figures, where pg_ivm is installed.
SELECT count(*) > 0 AS has_ivm FROM pg_available_extensions WHERE name = 'pg_ivm' \gset
\if :has_ivm
CREATE EXTENSION pg_ivm;
CREATE TABLE live_ivm (LIKE live_plain INCLUDING ALL);
INSERT INTO live_ivm SELECT * FROM live_hand;
SELECT pgivm.create_immv('live_ivm_customers', 'SELECT customer_id, count(*) AS orders, min(ordered_on), max(ordered_on), sum(amount) FROM live_ivm GROUP BY customer_id');
CALL bench.alternative('orders for a tenth of the customers in one statement', 'incremental materialised view', $$
    INSERT INTO live_ivm (customer_id, ordered_on, amount) SELECT * FROM live_batch $$);
\else
\echo 'pg_ivm is not installed: its incremental materialised view is not measured'
\endif

CALL bench.alternative('all customers anew', 'one GROUP BY of the orders', $$
    SELECT customer_id, crm.purchase_history(ordered_on, amount) FROM live_crm GROUP BY 1 $$);
CALL bench.alternative('all customers anew', 'crm.rebuild: histories, scale, scores', $$
    SELECT crm.rebuild('live_crm') $$);
