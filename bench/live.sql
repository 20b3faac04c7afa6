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

-- The same orders as lines that know customer and day by their header only.
CREATE TABLE live_header (id int PRIMARY KEY, customer_id int, ordered_on date, note int DEFAULT 0);
CREATE TABLE live_line (order_id int, amount numeric);
CREATE TABLE live_grouped_line (order_id int, amount numeric);
CREATE TABLE live_wide_line (order_id int, customer_id int, ordered_on date, amount numeric);
INSERT INTO live_header (id, customer_id, ordered_on) SELECT i, 1 + i % :customers, date '2026-01-01' - (i::bigint * 7919 % 700)::int FROM generate_series(1, 3 * :customers) i;
INSERT INTO live_line SELECT id, 5 + id % 997 / 10.0 FROM live_header;
INSERT INTO live_grouped_line SELECT * FROM live_line;
INSERT INTO live_wide_line SELECT h.id, h.customer_id, h.ordered_on, l.amount FROM live_header h JOIN live_line l ON l.order_id = h.id;
CREATE INDEX ON live_line (order_id);
CREATE INDEX ON live_grouped_line (order_id);
CREATE INDEX ON live_wide_line (order_id);
CREATE VIEW live_line_purchases AS
  SELECT h.customer_id, h.ordered_on AS purchased_on, l.amount FROM live_line l JOIN live_header h ON h.id = l.order_id;
CREATE VIEW live_grouped_line_purchases AS
  SELECT h.customer_id, h.ordered_on AS purchased_on, sum(l.amount) AS amount FROM live_grouped_line l JOIN live_header h ON h.id = l.order_id GROUP BY h.id;
CREATE VIEW live_wide_line_purchases AS SELECT customer_id, ordered_on AS purchased_on, amount FROM live_wide_line;
SELECT crm.track('live_line_purchases'), crm.track('live_grouped_line_purchases'), crm.track('live_wide_line_purchases') \gset
CREATE TABLE live_line_batch AS
  SELECT id AS order_id, customer_id, ordered_on, 7.25 AS amount FROM live_header ORDER BY random() LIMIT :customers / 10;
VACUUM (ANALYZE);

CALL bench.alternative('lines for a tenth of the customers in one statement', 'tracked: customer and day on the line', $$
    INSERT INTO live_wide_line SELECT order_id, customer_id, ordered_on, amount FROM live_line_batch $$);
CALL bench.alternative('lines for a tenth of the customers in one statement', 'tracked: joined with the header', $$
    INSERT INTO live_line SELECT order_id, amount FROM live_line_batch $$, 'at most 2');
CALL bench.alternative('lines for a tenth of the customers in one statement', 'tracked: joined and grouped by the header', $$
    INSERT INTO live_grouped_line SELECT order_id, amount FROM live_line_batch $$);
CALL bench.alternative('lines for a tenth of the customers in one statement', 'a column of headers that the view does not use', $$
    UPDATE live_header SET note = note + 1 WHERE id IN (SELECT order_id FROM live_line_batch) $$);

CALL bench.alternative('all customers anew', 'one GROUP BY of the orders', $$
    SELECT customer_id, crm.purchase_history(ordered_on, amount) FROM live_crm GROUP BY 1 $$);
CALL bench.alternative('all customers anew', 'crm.rebuild: histories, scale, scores', $$
    SELECT crm.rebuild('live_crm') $$);
