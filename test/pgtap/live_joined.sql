-- Purchases views over several tables, kept by triggers on each of them: against
-- plain SQL after random statements, those within each other among them, and
-- what becomes of a view when what it joins by goes.
SELECT plan(77);
SET client_min_messages = warning;

-- lines with their headers, customers and products: three levels, an outer join with a condition, a key of two columns
CREATE TABLE customers (tenant int, no bigint, name text, active bool DEFAULT true, note text, PRIMARY KEY (tenant, no));
CREATE TABLE orders (id int PRIMARY KEY, tenant int, customer_no int, ordered_at timestamptz, status text, note text);
CREATE TABLE products (sku text COLLATE "C" PRIMARY KEY, price numeric, kind text, stock int DEFAULT 10);
CREATE TABLE lines (id serial PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE, sku varchar COLLATE "C", quantity int, note text);
CREATE INDEX ON lines (order_id);
CREATE INDEX ON orders (tenant, customer_no);
CREATE VIEW line_purchases AS
  SELECT c.tenant, c.name AS customer, (o.ordered_at AT TIME ZONE 'UTC')::date AS purchased_on, coalesce(p.price, 1) * l.quantity AS amount
  FROM lines l JOIN orders o ON o.id = l.order_id JOIN customers c ON (c.tenant, c.no) = (o.tenant, o.customer_no)
    LEFT JOIN products p ON l.sku = p.sku AND p.kind <> 'gift'
  WHERE c.active AND o.status IN ('paid', 'sent');
-- the same tables the other way round, with a right join; the customer is that of the order
CREATE VIEW count_purchases AS
  SELECT o.customer_no AS customer, (o.ordered_at AT TIME ZONE 'UTC')::date AS purchased_on, l.quantity AS amount, 2 AS orders
  FROM products p RIGHT JOIN lines l USING (sku) JOIN orders o ON l.order_id = o.id WHERE p.kind IS DISTINCT FROM 'x';

-- one purchase a header: grouped by its key, with a sum that may be negative, a count, and a group that goes as it grows
CREATE VIEW sum_purchases AS
  SELECT c.tenant, o.customer_no AS customer, (o.ordered_at AT TIME ZONE 'UTC')::date AS purchased_on,
    sum(l.quantity) - count(*) FILTER (WHERE l.sku = 's1') * 3 - 2.00005 AS amount
  FROM orders o JOIN lines l ON o.id = l.order_id JOIN customers c ON c.tenant = o.tenant AND c.no = o.customer_no
  WHERE c.active AND o.status IN ('paid', 'sent') GROUP BY o.id, c.tenant, c.no HAVING count(*) < 12;

SELECT results_eq('SELECT tables, reason FROM crm_internal.live_tables(''line_purchases'')', $$VALUES ('{lines,orders,customers,products}'::regclass[], NULL::text)$$,
  'the driving table and those that it looks up');
SELECT results_eq('SELECT tables FROM crm_internal.live_tables(''count_purchases'')', $$VALUES ('{lines,products,orders}'::regclass[])$$, 'the driving table is the one that reaches all others');
SELECT is((crm.live_source('line_purchases')).source, 'lines', 'whose rows are the purchases');
SELECT is(crm_internal.join_indexes('line_purchases'), '{"CREATE INDEX ON public.lines (sku)"}', 'an index is missing on the way back from the products');
SELECT lives_ok('SELECT crm.track(''line_purchases'', time_zone => ''UTC'', changes => true)', 'a view over four tables is tracked');
SELECT lives_ok('SELECT crm.track(''count_purchases'', time_zone => ''UTC'')', 'and another over three of them');
SELECT lives_ok('SELECT crm.track(''sum_purchases'', time_zone => ''UTC'')', 'and one that groups');
SELECT results_eq('SELECT kept, tables_without_triggers FROM crm.tracking_status ORDER BY purchases', $$VALUES ('live', 0), ('live', 0), ('live', 0)$$, 'all are live');

-- by plain SQL, without crm: days, orders and amounts
CREATE FUNCTION pg_temp.differences() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM (
    (SELECT 'lines', tenant, customer, p.purchased_on, p.purchase_count, p.amount
     FROM line_histories, crm.purchases(history) p
     UNION ALL SELECT 'counts', 0, customer::text, p.purchased_on, p.purchase_count, p.amount FROM count_histories, crm.purchases(history) p
     UNION ALL SELECT 'sums', tenant, customer::text, p.purchased_on, p.purchase_count, p.amount FROM sum_histories, crm.purchases(history) p)
    EXCEPT ALL
    (SELECT 'lines', tenant, customer, purchased_on, count(*) FILTER (WHERE amount >= 0), sum(round(amount, 4))
     FROM line_purchases WHERE num_nulls(tenant, customer, purchased_on, amount) = 0 GROUP BY 2, 3, 4 HAVING count(*) FILTER (WHERE amount >= 0) > 0 OR sum(round(amount, 4)) <> 0
     UNION ALL SELECT 'counts', 0, customer::text, purchased_on, 2 * count(*) FILTER (WHERE amount >= 0), sum(round(amount, 4))
     FROM count_purchases WHERE num_nulls(customer, purchased_on, amount) = 0 GROUP BY 3, 4
     UNION ALL SELECT 'sums', tenant, customer::text, purchased_on, count(*) FILTER (WHERE round(amount, 4) >= 0), sum(round(amount, 4))
     FROM sum_purchases WHERE num_nulls(tenant, customer, purchased_on, amount) = 0 GROUP BY 2, 3, 4 HAVING count(*) FILTER (WHERE round(amount, 4) >= 0) > 0 OR sum(round(amount, 4)) <> 0)) AS d
$$;
CREATE FUNCTION pg_temp.both_true(statement text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  EXECUTE statement;
  RETURN pg_temp.differences() = 0 AND NOT EXISTS (SELECT FROM crm.verify('line_purchases')) AND NOT EXISTS (SELECT FROM crm.verify('count_purchases'))
    AND NOT EXISTS (SELECT FROM crm.verify('sum_purchases'));
END $$;

INSERT INTO customers SELECT t, n, 'c' || n FROM generate_series(0, 1) t, generate_series(1, 5) n;
INSERT INTO products SELECT 's' || i, i, 'x' FROM generate_series(0, 8) i;
INSERT INTO orders SELECT i, i % 2, 1 + i % 6, '2026-01-01 12:00+00'::timestamptz + i % 9 * interval '1 day', 'paid' FROM generate_series(1, 40) i;
SELECT ok(pg_temp.both_true($$INSERT INTO lines (order_id, sku, quantity) SELECT 1 + i % 40, 's' || i % 10, i % 4 FROM generate_series(1, 200) i$$), 'lines come');
SELECT isnt((SELECT count(*) FROM line_histories), 0::bigint, 'and there are customers');
SELECT ok(pg_temp.both_true($$UPDATE orders SET customer_no = 3, status = 'sent' WHERE id % 3 = 0$$), 'headers change their customer');
SELECT ok(pg_temp.both_true($$UPDATE orders SET status = 'open' WHERE id % 5 = 0$$), 'headers leave the view');
SELECT ok(pg_temp.both_true($$UPDATE customers SET active = NOT active WHERE no = 2$$), 'customers leave it');
SELECT ok(pg_temp.both_true($$UPDATE products SET price = price + 0.5, kind = CASE WHEN sku < 's4' THEN 'gift' ELSE kind END$$), 'products change price, and in the condition of the join');
SELECT ok(pg_temp.both_true($$DELETE FROM orders WHERE id IN (7, 8)$$), 'a header goes, by cascade its lines');
SELECT ok(pg_temp.both_true($$UPDATE orders SET id = id + 100 WHERE id < 4$$), 'a header changes its key, by cascade its lines');
SELECT ok(pg_temp.both_true($$WITH h AS (INSERT INTO orders VALUES (300, 0, 1, '2026-02-01', 'paid') RETURNING id)
  INSERT INTO lines (order_id, sku, quantity) SELECT id, 's' || i, 2 FROM h, generate_series(1, 3) i$$), 'header and lines in one statement');
SELECT ok(pg_temp.both_true($$WITH l AS (UPDATE lines SET quantity = quantity + 1, order_id = 300 WHERE id % 9 = 0), o AS (UPDATE orders SET customer_no = 4 WHERE id = 300),
  p AS (DELETE FROM products WHERE sku = 's5'), c AS (UPDATE customers SET name = 'renamed' WHERE no = 4) INSERT INTO products VALUES ('s9', 7, 'x')$$), 'four tables in one statement');
SELECT ok(pg_temp.both_true($$INSERT INTO orders VALUES (300, 1, 2, '2026-02-02', 'paid'), (301, 1, 2, '2026-02-02', 'paid')
  ON CONFLICT (id) DO UPDATE SET customer_no = excluded.customer_no, ordered_at = excluded.ordered_at$$), 'a header that is there already');
SELECT current_setting('server_version_num')::int >= 150000 AS has_merge \gset
\if :has_merge
SELECT ok(pg_temp.both_true($$MERGE INTO orders o USING (SELECT g FROM generate_series(298, 303) g) s ON o.id = s.g WHEN MATCHED AND s.g = 301 THEN DELETE
  WHEN MATCHED THEN UPDATE SET customer_no = 5 WHEN NOT MATCHED THEN INSERT VALUES (s.g, 0, 5, '2026-03-01', 'paid')$$), 'MERGE into headers');
SELECT ok(pg_temp.both_true($$MERGE INTO lines l USING (SELECT id, row_number() OVER (ORDER BY id) AS n FROM orders) o ON l.id = o.n WHEN MATCHED AND o.n % 3 = 0 THEN DELETE
  WHEN MATCHED THEN UPDATE SET quantity = l.quantity + 1, order_id = o.id WHEN NOT MATCHED THEN INSERT (order_id, sku, quantity) VALUES (o.id, 's1', 4)$$), 'and into lines');
\else
SELECT skip('MERGE came with PostgreSQL 15', 2);
INSERT INTO orders VALUES (302, 0, 5, '2026-03-01', 'paid');
\endif
SELECT ok(pg_temp.both_true($$DELETE FROM customers WHERE no = 1$$), 'looked-up rows go while rows look them up');
SELECT ok(pg_temp.both_true($$INSERT INTO customers VALUES (0, 1, 'back'), (1, 1, 'back')$$), 'and come');

-- what the view does not use costs nothing
CREATE TABLE written AS SELECT xmin::text AS version FROM line_histories ORDER BY 1;
UPDATE products SET stock = stock - 1;
UPDATE orders SET note = 'x';
UPDATE customers SET note = 'y';
UPDATE lines SET note = 'z';
SELECT results_eq('SELECT xmin::text FROM line_histories ORDER BY 1', 'SELECT * FROM written', 'columns that the view does not use write nothing');
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype IN ('advisory', 'object') AND pid = pg_backend_pid()), 0::bigint, 'no lock outlives its transaction');

-- statements of triggers, before and after those of crm, some of them undone
CREATE FUNCTION on_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF random() < 0.3 THEN INSERT INTO lines (order_id, sku, quantity) VALUES (new.id, 's' || (random() * 9)::int, 3); END IF;
  IF random() < 0.1 THEN UPDATE lines SET quantity = quantity + 1 WHERE order_id = new.id; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_on_order AFTER INSERT OR UPDATE OF status ON orders FOR EACH ROW EXECUTE FUNCTION on_order();
CREATE FUNCTION on_line() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  BEGIN
    UPDATE products SET stock = stock - 1, price = CASE WHEN random() < 0.2 THEN price + 1 ELSE price END WHERE sku = new.sku;
    IF random() < 0.2 THEN
      UPDATE orders SET status = 'paid' WHERE id = new.order_id;
      RAISE EXCEPTION 'undone';
    END IF;
  EXCEPTION WHEN raise_exception THEN NULL;
  END;
  RETURN new;
END $$;
CREATE TRIGGER on_line BEFORE INSERT ON lines FOR EACH ROW EXECUTE FUNCTION on_line();
CREATE FUNCTION on_lines() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF pg_trigger_depth() < 4 AND random() < 0.3 THEN
    UPDATE orders SET note = 'x', customer_no = CASE WHEN random() < 0.5 THEN 1 + (random() * 4)::int ELSE customer_no END
    WHERE id IN (SELECT order_id FROM lines ORDER BY random() LIMIT 2);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_lines AFTER INSERT OR UPDATE OR DELETE ON lines FOR EACH STATEMENT EXECUTE FUNCTION on_lines();
CREATE TRIGGER z_lines AFTER INSERT OR UPDATE OR DELETE ON lines FOR EACH STATEMENT EXECUTE FUNCTION on_lines();

CREATE FUNCTION pg_temp.random_statement() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  k constant int := 1 + (random() * 40)::int;
  c constant int := 1 + (random() * 4)::int;
  t constant int := (random())::int;
  s constant text := 's' || (random() * 9)::int;
BEGIN
  RETURN CASE (random() * 16)::int
    WHEN 0 THEN format('INSERT INTO orders VALUES (%s, %s, %s, ''2026-01-10'', ''paid''), (%s, %s, 2, ''2026-01-11'', ''open'') ON CONFLICT (id) DO UPDATE SET customer_no = excluded.customer_no, status = excluded.status', k, t, c, k + 1, t)
    WHEN 1 THEN format('INSERT INTO orders SELECT g, %s, %s, ''2026-01-12''::date + g %% 5, ''paid'' FROM generate_series(%s, %2$s + 4) g ON CONFLICT DO NOTHING', t, c, k)
    WHEN 2 THEN format('INSERT INTO lines (order_id, sku, quantity) SELECT id, ''s'' || (random() * 9)::int, (random() * 5)::int FROM orders WHERE id %% 5 = %s', k % 5)
    WHEN 3 THEN format('UPDATE lines SET quantity = quantity + 1, order_id = (SELECT id FROM orders ORDER BY random() LIMIT 1) WHERE id %% 7 = %s', k % 7)
    WHEN 4 THEN format('DELETE FROM lines WHERE id %% 11 = %s', k % 11)
    WHEN 5 THEN format('DELETE FROM orders WHERE id = %s', k)
    WHEN 6 THEN format('UPDATE orders SET status = (ARRAY[''paid'', ''open'', ''sent''])[1 + (random() * 2)::int], ordered_at = ordered_at + interval ''1 day'' WHERE id BETWEEN %s AND %s', k, k + 5)
    WHEN 7 THEN format('UPDATE orders SET id = id + 400 WHERE id = %s AND NOT EXISTS (SELECT FROM orders WHERE id = %1$s + 400)', k)
    WHEN 8 THEN format('INSERT INTO products VALUES (%L, %s, %L) ON CONFLICT (sku) DO UPDATE SET price = excluded.price, kind = excluded.kind', s, c, (ARRAY['gift', 'x', 'y'])[1 + k % 3])
    WHEN 9 THEN format('DELETE FROM products WHERE sku = %L', s)
    WHEN 10 THEN format('UPDATE customers SET name = ''n'' || %s, active = random() < 0.9 WHERE no = %s', k % 4, c)
    WHEN 11 THEN format('UPDATE customers SET no = no + 10 WHERE tenant = %s AND no = %s AND NOT EXISTS (SELECT FROM customers x WHERE x.tenant = %1$s AND x.no = %2$s + 10)', t, c)
    WHEN 12 THEN format('INSERT INTO customers VALUES (%s, %s, ''again'') ON CONFLICT DO NOTHING', t, c)
    WHEN 13 THEN format('WITH h AS (INSERT INTO orders SELECT max(id) + 1, %s, %s, ''2026-01-20'', ''paid'' FROM orders RETURNING id), u AS (UPDATE customers SET name = ''w'' || no WHERE no = %2$s) INSERT INTO lines (order_id, sku, quantity) SELECT id, %3$L, 2 FROM h', t, c, s)
    WHEN 14 THEN format('WITH d AS (DELETE FROM lines WHERE id %% 5 = %s RETURNING order_id) UPDATE orders SET customer_no = %s WHERE id IN (SELECT order_id FROM d)', k % 5, c)
    WHEN 15 THEN 'DELETE FROM lines WHERE (SELECT count(*) FROM lines) > 300 AND id % 2 = 0'
    ELSE format('UPDATE lines SET note = ''x'', sku = CASE WHEN random() < 0.2 THEN %L ELSE sku END', s) END;
END $$;
CREATE FUNCTION pg_temp.random_statements(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  statement text;
BEGIN
  FOR i IN 1..n LOOP
    statement := pg_temp.random_statement();
    BEGIN
      EXECUTE statement;
      IF random() < 0.1 THEN RAISE SQLSTATE 'ZZ001'; END IF;
    EXCEPTION
      WHEN SQLSTATE 'ZZ001' OR triggered_data_change_violation THEN NULL;
    END;
    IF pg_temp.differences() > 0 THEN RETURN format('%s after %s: %s', pg_temp.differences(), i, statement); END IF;
  END LOOP;
  RETURN 'equal';
END $$;
SELECT setseed(0.5) \g /dev/null
SELECT is(pg_temp.random_statements(150), 'equal', format('random statements within each other, round %s', i)) FROM generate_series(1, 4) i;
SELECT is_empty('SELECT * FROM crm.verify(''line_purchases'') UNION ALL SELECT * FROM crm.verify(''sum_purchases'')', 'and the scores are right too');
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT is(pg_temp.random_statements(60), 'equal', 'whatever the planner does');
RESET enable_indexscan;
RESET enable_bitmapscan;
ALTER TABLE orders DISABLE TRIGGER a_on_order;
ALTER TABLE lines DISABLE TRIGGER on_line;
ALTER TABLE lines DISABLE TRIGGER a_lines;
ALTER TABLE lines DISABLE TRIGGER z_lines;

-- cursors, COPY, savepoints
BEGIN;
SAVEPOINT s;
UPDATE orders SET customer_no = 1;
DELETE FROM lines WHERE id % 2 = 0;
ROLLBACK TO s;
UPDATE lines SET quantity = 9 WHERE id % 3 = 0;
COMMIT;
SELECT is(pg_temp.differences(), 0::bigint, 'what was undone is undone');
COPY lines (order_id, sku, quantity) FROM STDIN;
300	s1	4
302	s2	5
\.
SELECT is(pg_temp.differences(), 0::bigint, 'COPY');
SELECT ok(pg_temp.both_true('TRUNCATE products'), 'a looked-up table is truncated');
SELECT ok(pg_temp.both_true('INSERT INTO products SELECT ''s'' || i, i, ''x'' FROM generate_series(0, 9) i'), 'and filled');
SELECT ok(pg_temp.both_true('TRUNCATE customers, products'), 'two of them at once');
SELECT ok(pg_temp.both_true('INSERT INTO customers SELECT t, n, ''c'' || n FROM generate_series(0, 1) t, generate_series(1, 5) n'), 'and one is filled');
SELECT isnt((SELECT count(*) FROM line_histories), 0::bigint, 'there are customers again');
SELECT ok(pg_temp.both_true('TRUNCATE orders CASCADE'), 'headers and lines');
SELECT is_empty('SELECT FROM line_customers', 'nobody is left');
INSERT INTO orders SELECT i, i % 2, 1 + i % 5, '2026-01-01', 'paid' FROM generate_series(1, 20) i;
INSERT INTO lines (order_id, sku, quantity) SELECT id, 's1', 1 FROM orders;
SELECT ok(pg_temp.both_true('TRUNCATE lines'), 'lines alone');
INSERT INTO lines (order_id, sku, quantity) SELECT id, 's1', 1 FROM orders;

-- an application needs its rights on the table that it writes alone
CREATE ROLE joined_app;
GRANT INSERT, UPDATE, SELECT ON lines TO joined_app;
GRANT USAGE ON SEQUENCE lines_id_seq TO joined_app;
GRANT UPDATE (price), SELECT ON products TO joined_app;
SET ROLE joined_app;
INSERT INTO lines (order_id, sku, quantity) VALUES (2, 's1', 7);
UPDATE products SET price = 11;
RESET ROLE;
SELECT is(pg_temp.differences(), 0::bigint, 'a role without rights on headers and histories writes lines and prices');

-- rows that are tracked by views over one table too
CREATE VIEW header_purchases AS SELECT customer_no AS customer, (ordered_at AT TIME ZONE 'UTC')::date AS purchased_on, 0 AS amount FROM orders;
SELECT crm.track('header_purchases', time_zone => 'UTC') \g /dev/null
SELECT ok(pg_temp.both_true('UPDATE orders SET customer_no = 1 + customer_no % 5'), 'a table of one view and of a joined one');
SELECT is_empty('SELECT * FROM crm.verify(''header_purchases'')', 'both are kept');
SELECT crm.untrack('header_purchases') \g /dev/null
SELECT is((SELECT tables_without_triggers FROM crm.tracking_status WHERE purchases = 'line_purchases'::regclass), 0, 'one is left');

-- a trigger that is not there
ALTER TABLE products DISABLE TRIGGER crm_update;
SELECT results_eq('SELECT problem FROM crm.verify(''line_purchases'')', $$VALUES ('public.products has triggers that are disabled')$$, 'verify names a joined table that is not followed');
ALTER TABLE products ENABLE TRIGGER crm_update;

-- the key by which a table is looked up
ALTER TABLE customers DROP CONSTRAINT customers_pkey;
SELECT lives_ok('INSERT INTO lines (order_id, sku, quantity) VALUES (1, ''s1'', 3)', 'writers go on when a key is dropped');
SELECT isnt(pg_temp.differences(), 0::bigint, 'unfollowed');
SELECT set_has('SELECT problem FROM crm.verify(''line_purchases'')',
  $$VALUES ('public.line_purchases is kept by crm.refresh alone from the next refresh on: table "customers" is joined by (tenant, no), and no unique key of it has just these columns')$$, 'verify says so');
SELECT is_empty('SELECT * FROM crm.verify(''count_purchases'')', 'a view that does not join it stays live');
CALL crm.refresh('line_purchases');
SELECT results_eq('SELECT kept, not_live FROM crm.tracking_status WHERE purchases = ''line_purchases''::regclass', $$VALUES ('refresh only',
  'table "customers" is joined by (tenant, no), and no unique key of it has just these columns. ALTER TABLE public.customers ADD UNIQUE (tenant, no) makes it a key, if a row of the others has at most one there.')$$,
  'a refresh takes over');
SELECT is_empty('SELECT * FROM crm.verify(''line_purchases'')', 'and brings up to date');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid = 'customers'::regclass AND tgname LIKE 'crm%'), 6::bigint, 'triggers stay as long as a view is live that joins the table, or was');
CALL crm.refresh('sum_purchases');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid = 'customers'::regclass AND tgname LIKE 'crm%'), 0::bigint, 'no trigger stays where none is needed');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND tgname LIKE 'crm%'), 6::bigint, 'but where another view needs them');
SELECT crm.untrack('line_purchases') \g /dev/null
SELECT crm.untrack('count_purchases') \g /dev/null
SELECT crm.untrack('sum_purchases') \g /dev/null
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'crm%'), 0::bigint, 'untrack leaves none');

-- what keeps a view from being live, by its name
CREATE FUNCTION pg_temp.reason(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  why text;
BEGIN
  EXECUTE 'CREATE VIEW reasons AS ' || query;
  SELECT coalesce(reason, 'live over ' || array_to_string(tables, ', ')) INTO why FROM crm_internal.live_tables('reasons');
  DROP VIEW reasons;
  RETURN why;
END $$;
CREATE TABLE late (id int UNIQUE DEFERRABLE, customer int);
CREATE TABLE partly (id int, customer int);
CREATE UNIQUE INDEX partly_id ON partly (id) WHERE id > 0;
CREATE TABLE parts (id int PRIMARY KEY, customer int) PARTITION BY RANGE (id);
ALTER TABLE customers ADD PRIMARY KEY (tenant, no);
SELECT is(pg_temp.reason('SELECT a.customer_no, ''2026-01-01''::date, 1 FROM orders a JOIN orders b USING (id)'), 'it joins table "orders" with itself', 'a self-join');
SELECT is(pg_temp.reason('SELECT customer_no, ''2026-01-01''::date, 1 FROM lines FULL JOIN orders o ON order_id = o.id'), 'it uses FULL JOIN', 'a full join');
SELECT is(pg_temp.reason('SELECT name, ''2026-01-01''::date, 1 FROM orders LEFT JOIN customers ON no = customer_no'),
  'table "customers" is joined by (no), and no unique key of it has just these columns', 'a part of a key');
SELECT is(pg_temp.reason('SELECT name, ''2026-01-01''::date, 1 FROM orders LEFT JOIN customers ON no > customer_no'),
  'table "customers" is joined by no equality with its columns', 'an inequality');
SELECT is(pg_temp.reason('SELECT customer, ''2026-01-01''::date, 1 FROM lines JOIN late ON late.id = order_id'), 'unique index "late_id_key" of table "late" is deferrable', 'a deferrable key');
SELECT is(pg_temp.reason('SELECT customer, ''2026-01-01''::date, 1 FROM lines JOIN partly ON partly.id = order_id'), 'unique index "partly_id" of table "partly" has a WHERE clause', 'a partial index');
SELECT is(pg_temp.reason('SELECT quantity, ''2026-01-01''::date, 1 FROM lines JOIN products ON products.sku = lines.sku COLLATE "POSIX"'),
  'unique index "products_pkey" of table "products" is compared by another operator or collation than the join''s', 'another collation');
SELECT is(pg_temp.reason('SELECT customer, ''2026-01-01''::date, 1 FROM lines JOIN parts ON parts.id = order_id'), 'it joins "parts", a partitioned table', 'a partitioned table');
SELECT is(pg_temp.reason('SELECT customer_no, (o.ordered_at + interval ''1 day'')::date AS day, 1 FROM lines JOIN orders o ON o.id = order_id'),
  'column "day" uses function date(timestamp with time zone), which is not immutable', 'a function that is not immutable');
SELECT is(pg_temp.reason('SELECT customer_no, ''2026-01-01''::date, 1 FROM lines JOIN orders o ON o.id = order_id AND o.ordered_at < now()'),
  'a condition of its joins or its WHERE clause uses function now(), which is not immutable', 'nor in a condition');
SELECT is(pg_temp.reason('SELECT customer_no, ''2026-01-01''::date, 1 FROM orders o LEFT JOIN (lines l JOIN products p ON p.sku = l.sku) ON l.order_id = o.id'),
  'an outer join joins several tables at once', 'an outer join of two');
SELECT is(pg_temp.reason('SELECT customer_no, ''2026-01-01''::date, 1 FROM lines, orders WHERE orders.id = order_id::bigint + 0'), 'live over lines, orders', 'a comma, and another type');
SELECT is(pg_temp.reason('SELECT o.customer_no, o.ordered_at::text, sum(quantity) FROM orders o JOIN lines ON order_id = o.id GROUP BY 1, 2'),
  'column "ordered_at" uses function timestamptz_out(timestamp with time zone), which is not immutable', 'a group by what is not immutable');
SELECT is(pg_temp.reason('SELECT o.customer_no, sum(quantity) FROM orders o JOIN lines ON order_id = o.id GROUP BY 1'),
  'it groups rows by other columns than the key of one table that it looks up', 'a group of several headers');
SELECT is(pg_temp.reason('SELECT o.customer_no, sum(quantity::float8) FROM orders o JOIN lines ON order_id = o.id GROUP BY o.id'),
  'it adds up values of type double precision, whose sum depends on the order of the rows', 'sums that are not exact');
SELECT is(pg_temp.reason('SELECT o.customer_no, max(quantity) FROM orders o JOIN lines ON order_id = o.id GROUP BY o.id'),
  'it groups rows by aggregate max(integer)', 'another aggregate');
SELECT is(pg_temp.reason('SELECT o.customer_no, sum(DISTINCT quantity) FROM orders o JOIN lines ON order_id = o.id GROUP BY o.id'),
  'it groups rows by aggregate sum(integer)', 'distinct values');
SELECT is(pg_temp.reason('SELECT o.customer_no, sum(quantity * price) FROM orders o JOIN lines ON order_id = o.id JOIN products p ON p.sku = lines.sku GROUP BY o.id'),
  'it groups rows, and looks up a row of table "products" for each of them', 'a table that lines of several headers share');
SELECT is(pg_temp.reason('SELECT o.customer_no, sum(quantity) FROM orders o LEFT JOIN lines ON order_id = o.id GROUP BY o.id'),
  'table "lines" is joined by (order_id), and no unique key of it has just these columns', 'headers without lines');
SELECT is(pg_temp.reason('SELECT o.customer_no, sum(quantity) FROM orders o JOIN lines ON order_id = o.id GROUP BY order_id, customer_no'), 'live over lines, orders', 'the key on the side of the lines');
CREATE VIEW by_row_purchases AS SELECT customer_no AS customer, '2026-01-01'::date AS purchased_on, quantity AS amount FROM lines JOIN orders o ON o.id = order_id;
SELECT throws_ok('SELECT crm.track(''by_row_purchases'', by_row => true)', '42809', 'public.by_row_purchases cannot be kept by triggers row by row', 'row triggers follow one table');
DROP OWNED BY joined_app;
DROP ROLE joined_app;

SELECT * FROM finish();
