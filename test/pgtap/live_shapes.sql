-- The shapes in which sample databases and data sets publish their sales, each
-- tracked by at most three statements: after random statements on all of their
-- tables purchases and spend of every customer are those of plain SQL over the
-- tables themselves.
SET client_min_messages = warning;
SELECT plan(29);
SELECT setseed(0.577);
CREATE SCHEMA nw;
CREATE TABLE nw.orders (order_id smallint PRIMARY KEY, customer_id varchar(5), order_date date, freight real);
CREATE TABLE nw.order_details (order_id smallint REFERENCES nw.orders ON DELETE CASCADE, product_id smallint, unit_price real, quantity smallint, discount real, PRIMARY KEY (order_id, product_id));
CREATE SCHEMA chi;
CREATE TABLE chi.invoice (invoice_id int PRIMARY KEY, customer_id int, invoice_date timestamp, total numeric(10,2));
CREATE TABLE chi.invoice_line (invoice_line_id serial PRIMARY KEY, invoice_id int REFERENCES chi.invoice ON DELETE CASCADE, unit_price numeric(10,2), quantity int);
CREATE INDEX ON chi.invoice_line (invoice_id);
CREATE SCHEMA jaf;
CREATE TABLE jaf.orders (id int PRIMARY KEY, user_id int, order_date date, status text);
CREATE TABLE jaf.payments (id serial, order_id int, payment_method text, amount int);
CREATE INDEX ON jaf.payments (order_id);
CREATE SCHEMA aw;
CREATE TABLE aw.sales (sales_order_number text, sales_order_line_number int, customer_key int, order_date timestamp, sales_amount numeric(19,4), PRIMARY KEY (sales_order_number, sales_order_line_number));
CREATE SCHEMA sup;
CREATE TABLE sup.orders (row_id serial PRIMARY KEY, order_id text, order_date date, customer_id text, product_id text, sales numeric(10,4), quantity int);
CREATE SCHEMA uci;
CREATE TABLE uci.online_retail (invoice_no text, stock_code text, quantity int, invoice_date timestamp, unit_price numeric(8,3), customer_id int);

INSERT INTO nw.orders SELECT i, chr(65 + i % 11) || 'CORP', date '1996-07-04' + i / 2, i FROM generate_series(1, 120) i;
INSERT INTO nw.order_details SELECT o, p, (p * 7 % 50) + 0.4, 1 + (o * p) % 12, (ARRAY[0, 0.05, 0.15])[1 + (o + p) % 3] FROM generate_series(1, 120) o, generate_series(1, 1 + o % 4) p;
INSERT INTO chi.invoice SELECT i, 1 + i % 13, timestamp '2021-01-01' + i * interval '13 hours', 0 FROM generate_series(1, 120) i;
INSERT INTO chi.invoice_line (invoice_id, unit_price, quantity) SELECT i, (ARRAY[0.99, 1.99])[1 + l % 2], 1 FROM generate_series(1, 120) i, generate_series(1, 1 + i % 5) l;
INSERT INTO jaf.orders SELECT i, 1 + i * i % 17, date '2018-01-01' + i, (ARRAY['completed', 'completed', 'returned', 'placed'])[1 + i % 4] FROM generate_series(1, 120) i;
INSERT INTO jaf.payments (order_id, payment_method, amount) SELECT 1 + i % 125, (ARRAY['credit_card', 'coupon'])[1 + i % 2], i * 37 % 3000 FROM generate_series(1, 150) i;
INSERT INTO aw.sales SELECT 'SO' || i, l, 11000 + i % 19, timestamp '2013-01-18' + (i / 3) * interval '1 day', 3.99 + i * l % 700 FROM generate_series(1, 120) i, generate_series(1, 1 + i % 3) l;
INSERT INTO sup.orders (order_id, order_date, customer_id, product_id, sales, quantity)
SELECT format('CA-2016-%s', i), date '2016-01-03' + i / 2, 'AB-' || i % 15, 'P' || l, 2.5 * l + i % 90, l FROM generate_series(1, 120) i, generate_series(1, 1 + i % 3) l;
INSERT INTO uci.online_retail
SELECT CASE WHEN i % 9 = 0 THEN 'C' ELSE '' END || 536365 + i, 'S' || l, CASE WHEN i % 9 = 0 THEN -l ELSE 2 * l END, timestamp '2010-12-01 08:26' + i * interval '7 hours', 0.85 * l, CASE WHEN i % 8 <> 3 THEN 17850 + i % 12 END
FROM generate_series(1, 120) i, generate_series(1, 1 + i % 3) l;

-- In two statements each: the view that people write, and its tracking. What is only lines is also kept as it comes, to the day.
CREATE VIEW nw.order_purchases AS SELECT o.customer_id AS customer, o.order_date AS purchased_on, sum(round((d.unit_price * d.quantity * (1 - d.discount))::numeric, 4)) AS amount
  FROM nw.orders o JOIN nw.order_details d USING (order_id) GROUP BY o.order_id;
SELECT crm.track('nw.order_purchases', as_of => '1998-01-01', time_zone => 'UTC');
CREATE VIEW chi.invoice_purchases AS SELECT i.customer_id AS customer, i.invoice_date::date AS purchased_on, sum(l.unit_price * l.quantity) AS amount
  FROM chi.invoice i JOIN chi.invoice_line l USING (invoice_id) GROUP BY i.invoice_id;
SELECT crm.track('chi.invoice_purchases', as_of => '2022-01-01', time_zone => 'UTC');
CREATE VIEW jaf.order_purchases AS SELECT o.user_id AS customer, o.order_date AS purchased_on, sum(p.amount) / 100.0 AS amount
  FROM jaf.orders o JOIN jaf.payments p ON p.order_id = o.id WHERE o.status <> 'returned' GROUP BY o.id;
SELECT crm.track('jaf.order_purchases', as_of => '2019-01-01', time_zone => 'UTC');
CREATE VIEW aw.sales_purchases AS SELECT customer_key AS customer, order_date::date AS purchased_on, sales_amount AS amount, (sales_order_line_number = 1)::int AS orders FROM aw.sales;
SELECT crm.track('aw.sales_purchases', as_of => '2014-01-01', time_zone => 'UTC');
SELECT crm.track('sup.orders', customer => 'customer_id', purchased_on => 'order_date', amount => 'sales', as_of => '2017-01-01', time_zone => 'UTC');
CREATE VIEW uci.line_purchases AS SELECT customer_id AS customer, invoice_date::date AS purchased_on, quantity * unit_price AS amount FROM uci.online_retail;
SELECT crm.track('uci.line_purchases', as_of => '2012-01-01', time_zone => 'UTC');
-- by refresh, for who wants the number of orders of what is only lines
CREATE VIEW sup.grouped_purchases AS SELECT customer_id AS customer, order_date AS purchased_on, sum(sales) AS amount FROM sup.orders GROUP BY order_id, customer_id, order_date;
SELECT crm.track('sup.grouped_purchases', as_of => '2017-01-01', time_zone => 'UTC');
CREATE VIEW uci.grouped_purchases AS SELECT customer_id AS customer, min(invoice_date)::date AS purchased_on, sum(quantity * unit_price) AS amount FROM uci.online_retail GROUP BY invoice_no, customer_id;
SELECT crm.track('uci.grouped_purchases', as_of => '2012-01-01', time_zone => 'UTC');
SELECT results_eq('SELECT purchases::text, kept FROM crm.tracking_status ORDER BY 1',
  $$VALUES ('aw.sales_purchases', 'live'), ('chi.invoice_purchases', 'live'), ('jaf.order_purchases', 'live'), ('nw.order_purchases', 'live'), ('sup.grouped_purchases', 'refresh only'), ('sup.orders_purchases', 'live'),
      ('uci.grouped_purchases', 'refresh only'), ('uci.line_purchases', 'live')$$, 'what is live');

-- What crm.track says where lines are counted as purchases.
SELECT is(coalesce(crm_internal.shared_column('sup.orders', '{customer_id}', 'order_date', 'sales'), 'none'), 'order_id', 'Superstore: lines of an order');
SELECT is(coalesce(crm_internal.shared_column('uci.online_retail', '{customer_id}', 'invoice_date', 'unit_price'), 'none'), 'invoice_no', 'UCI: of an invoice');
SELECT is(coalesce(crm_internal.shared_column('aw.sales', '{customer_key}', 'order_date', 'sales_amount'), 'none'), 'sales_order_number', 'AdventureWorks: of a sales order');
SELECT is(coalesce(crm_internal.shared_column('chi.invoice', '{customer_id}', 'invoice_date', 'total'), 'none'), 'none', 'Chinook: invoices are no lines');
SELECT is(coalesce(crm_internal.shared_column('jaf.orders', '{user_id}', 'order_date', 'id'), 'none'), 'none', 'nor are orders of the jaffle shop');

-- What plain SQL says, of the tables: customer, purchases (or days), spend.
CREATE TEMP TABLE plain (shape text, histories text, counter text, answer text);
INSERT INTO plain VALUES
  ('northwind', 'nw.order_histories', 'purchase_count', $$SELECT customer_id::text, count(DISTINCT order_id), sum(round((unit_price * quantity * (1 - discount))::numeric, 4))
    FROM nw.orders JOIN nw.order_details USING (order_id) WHERE num_nulls(customer_id, order_date) = 0 GROUP BY 1$$),
  ('chinook', 'chi.invoice_histories', 'purchase_count', $$SELECT customer_id::text, count(*) FILTER (WHERE amount >= 0), sum(amount) FROM chi.invoice
    JOIN (SELECT invoice_id, sum(unit_price * quantity) AS amount FROM chi.invoice_line GROUP BY 1) l USING (invoice_id) WHERE num_nulls(customer_id, invoice_date) = 0 GROUP BY 1$$),
  ('jaffle', 'jaf.order_histories', 'purchase_count', $$SELECT user_id::text, count(*) FILTER (WHERE amount >= 0), sum(amount) / 100.0 FROM jaf.orders o
    JOIN (SELECT order_id, sum(amount) AS amount FROM jaf.payments GROUP BY 1) p ON p.order_id = o.id WHERE status <> 'returned' AND num_nulls(user_id, order_date) = 0 GROUP BY 1$$),
  ('adventureworks', 'aw.sales_histories', 'purchase_count', $$SELECT customer_key::text, count(*) FILTER (WHERE sales_order_line_number = 1), sum(sales_amount) FROM aw.sales WHERE num_nulls(customer_key, order_date) = 0 GROUP BY 1$$),
  ('superstore', 'sup.orders_histories', 'purchase_day_count', $$SELECT customer_id, count(DISTINCT order_date) FILTER (WHERE sales >= 0), sum(sales) FROM sup.orders WHERE num_nulls(customer_id, order_date, sales) = 0 GROUP BY 1$$),
  ('uci', 'uci.line_histories', 'purchase_day_count', $$SELECT customer_id::text, count(DISTINCT invoice_date::date) FILTER (WHERE quantity >= 0), sum(quantity * unit_price) FROM uci.online_retail WHERE customer_id IS NOT NULL GROUP BY 1$$),
  ('superstore, grouped', 'sup.grouped_histories', 'purchase_count', $$SELECT customer_id, count(*) FILTER (WHERE sales >= 0), sum(sales)
    FROM (SELECT customer_id, order_id, order_date, sum(sales) AS sales FROM sup.orders GROUP BY 1, 2, 3) o WHERE num_nulls(customer_id, order_date, sales) = 0 GROUP BY 1$$),
  ('uci, grouped', 'uci.grouped_histories', 'purchase_count', $$SELECT customer_id::text, count(*) FILTER (WHERE amount >= 0), sum(amount)
    FROM (SELECT invoice_no, customer_id, sum(quantity * unit_price) AS amount FROM uci.online_retail WHERE customer_id IS NOT NULL GROUP BY 1, 2) o GROUP BY 1$$);
CREATE FUNCTION pg_temp.wrong(shape text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE p plain;
BEGIN
  SELECT * INTO p FROM plain WHERE plain.shape = wrong.shape;
  -- who has neither purchases nor money is no customer on either side
  RETURN QUERY EXECUTE format('SELECT * FROM (SELECT %s::text AS customer, crm.%s(history)::bigint AS counted, crm.spend(history) AS spend FROM %s) h
    FULL JOIN (%s) p(customer, counted, spend) USING (customer, counted, spend) WHERE (h.* IS NULL OR p.* IS NULL) AND (counted > 0 OR spend <> 0)',
    CASE p.shape WHEN 'superstore' THEN 'customer_id' ELSE 'customer' END, p.counter, p.histories, p.answer);
END $$;

-- Statements as shops make them, on every table, at random.
CREATE TEMP TABLE statement (n serial, shape text, sql text);
INSERT INTO statement (shape, sql) VALUES
  ('northwind', 'WITH h AS (INSERT INTO nw.orders SELECT max(order_id) + 1, chr(65 + (random() * 12)::int) || ''CORP'', ''1997-05-01'' FROM nw.orders RETURNING order_id) INSERT INTO nw.order_details SELECT order_id, p, 9.8, 3, 0.15 FROM h, generate_series(1, 3) p'),
  ('northwind', 'UPDATE nw.order_details SET quantity = quantity + 1, discount = 0.05 WHERE order_id % 10 = (random() * 9)::int'),
  ('northwind', 'UPDATE nw.orders SET customer_id = chr(65 + (random() * 12)::int) || ''CORP'', order_date = order_date + 1 WHERE order_id % 20 = (random() * 19)::int'),
  ('northwind', 'DELETE FROM nw.orders WHERE order_id % 30 = (random() * 29)::int'),
  ('northwind', 'DELETE FROM nw.order_details WHERE product_id = 2 AND order_id % 10 = (random() * 9)::int'),
  ('northwind', 'UPDATE nw.orders SET freight = freight + 1'),
  ('chinook', 'WITH h AS (INSERT INTO chi.invoice SELECT max(invoice_id) + 1, 1 + (random() * 14)::int, ''2021-06-01'', 0 FROM chi.invoice RETURNING invoice_id) INSERT INTO chi.invoice_line (invoice_id, unit_price, quantity) SELECT invoice_id, 0.99, p FROM h, generate_series(1, 2) p'),
  ('chinook', 'UPDATE chi.invoice_line SET invoice_id = (SELECT invoice_id FROM chi.invoice ORDER BY random() LIMIT 1) WHERE invoice_line_id % 25 = (random() * 24)::int'),
  ('chinook', 'UPDATE chi.invoice SET invoice_date = invoice_date + interval ''5 hours'', customer_id = nullif((random() * 14)::int, 3) WHERE invoice_id % 20 = (random() * 19)::int'),
  ('chinook', 'DELETE FROM chi.invoice WHERE invoice_id % 30 = (random() * 29)::int'),
  ('chinook', 'INSERT INTO chi.invoice_line (invoice_id, unit_price, quantity) SELECT invoice_id, 1.99, -1 FROM chi.invoice ORDER BY random() LIMIT 3'),
  ('jaffle', 'UPDATE jaf.orders SET status = CASE status WHEN ''returned'' THEN ''completed'' ELSE ''returned'' END WHERE id % 15 = (random() * 14)::int'),
  ('jaffle', 'INSERT INTO jaf.payments (order_id, payment_method, amount) SELECT (random() * 130)::int, ''gift_card'', (random() * 900)::int FROM generate_series(1, 4)'),
  ('jaffle', 'INSERT INTO jaf.orders SELECT 120 + (random() * 12)::int, 1 + (random() * 17)::int, ''2018-03-03'', ''placed'' ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id'),
  ('jaffle', 'UPDATE jaf.payments SET amount = amount - 50 WHERE id % 9 = (random() * 8)::int'),
  ('jaffle', 'DELETE FROM jaf.payments WHERE id % 30 = (random() * 29)::int'),
  ('jaffle', 'DELETE FROM jaf.orders WHERE id % 40 = (random() * 39)::int'),
  ('adventureworks', 'INSERT INTO aw.sales SELECT ''SO'' || 200 + (random() * 50)::int, l, 11000 + (random() * 20)::int, ''2013-07-07'', 21.98 * l FROM generate_series(1, 2) l ON CONFLICT DO NOTHING'),
  ('adventureworks', 'UPDATE aw.sales SET sales_amount = sales_amount + 0.0001, customer_key = customer_key + 1 WHERE sales_order_number LIKE ''%'' || (random() * 99)::int'),
  ('adventureworks', 'UPDATE aw.sales SET sales_order_line_number = sales_order_line_number + 10 WHERE sales_order_number LIKE ''%'' || (random() * 99)::int'),
  ('adventureworks', 'DELETE FROM aw.sales WHERE sales_order_number LIKE ''%'' || (random() * 99)::int'),
  ('superstore', 'INSERT INTO sup.orders (order_id, order_date, customer_id, product_id, sales, quantity) SELECT ''CA-2016-'' || 200 + (random() * 30)::int, ''2016-07-07'', ''AB-'' || (random() * 16)::int, ''P'' || l, 5, 1 FROM generate_series(1, 3) l'),
  ('superstore', 'UPDATE sup.orders SET sales = sales * 1.01, order_date = order_date + 1 WHERE order_id LIKE ''%'' || (random() * 99)::int'),
  ('superstore', 'DELETE FROM sup.orders WHERE row_id % 40 = (random() * 39)::int'),
  ('superstore', 'UPDATE sup.orders SET sales = -sales WHERE row_id % 40 = (random() * 39)::int'),
  ('uci', 'INSERT INTO uci.online_retail SELECT 546365 + (random() * 50)::int, ''S1'', (random() * 9)::int, ''2011-02-02 10:00'', 1.255, 17850 + (random() * 12)::int FROM generate_series(1, 3)'),
  ('uci', 'INSERT INTO uci.online_retail SELECT ''C'' || invoice_no, stock_code, -quantity, invoice_date + interval ''3 days'', unit_price, customer_id FROM uci.online_retail WHERE quantity > 0 ORDER BY random() LIMIT 2'),
  ('uci', 'UPDATE uci.online_retail SET customer_id = CASE WHEN random() < 0.8 THEN 17850 + (random() * 12)::int END WHERE invoice_no LIKE ''%'' || (random() * 99)::int'),
  ('uci', 'DELETE FROM uci.online_retail WHERE invoice_no LIKE ''%'' || (random() * 99)::int');

CREATE TEMP TABLE found (shape text, statements int, first_wrong text);
DO $$
DECLARE
  s text; ran int; chosen statement; wrong boolean;
BEGIN
  FOREACH s IN ARRAY '{northwind,chinook,jaffle,adventureworks,superstore,uci}'::text[] LOOP
    INSERT INTO found VALUES (s, 0, NULL);
    FOR i IN 1..60 LOOP
      SELECT * INTO chosen FROM statement t WHERE t.shape = s ORDER BY random() LIMIT 1;
      EXECUTE chosen.sql;
      SELECT EXISTS (SELECT FROM pg_temp.wrong(s) AS w(customer text, counted bigint, spend numeric)) INTO wrong;
      UPDATE found SET statements = statements + 1, first_wrong = coalesce(first_wrong, CASE WHEN wrong THEN chosen.sql END) WHERE found.shape = s;
    END LOOP;
  END LOOP;
END $$;
SELECT results_eq('SELECT first_wrong FROM found WHERE shape = ' || quote_literal(s), 'VALUES (NULL::text)', s || ': after each of 60 statements as plain SQL says') FROM unnest('{northwind,chinook,jaffle,adventureworks,superstore,uci}'::text[]) s;
CALL crm.refresh('sup.grouped_purchases');
CALL crm.refresh('uci.grouped_purchases');
SELECT is_empty(format('SELECT * FROM pg_temp.wrong(%L) AS w(customer text, counted bigint, spend numeric)', shape), shape || ': all customers are as plain SQL says') FROM plain;
SELECT cmp_ok((SELECT count(*) FROM crm.tracked), '=', 8::bigint, 'all are tracked');
SELECT is((SELECT coalesce(string_agg(problem, ', '), 'nothing') FROM crm.verify(purchases)), 'nothing', purchases || ': verified') FROM crm.tracked ORDER BY purchases::text;

SELECT * FROM finish();
