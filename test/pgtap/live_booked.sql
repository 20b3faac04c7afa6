-- Purchases views with a column booked_on, kept by triggers: corrections from one
-- table, from refunds that look up their order, and from credit notes that are
-- summed; after random statements against plain SQL, those of foreign keys and
-- within each other among them.
SELECT plan(32);
SET client_min_messages = warning;
SET search_path = public, crm;
SET timezone = 'UTC';

CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE ON UPDATE CASCADE, ordered_on date, total numeric, note text);
CREATE TABLE refunds (id serial PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE, amount numeric, refunded_on date, cancels bool DEFAULT false, note text);
CREATE INDEX ON refunds (order_id);
CREATE INDEX ON orders (customer);
CREATE VIEW order_purchases AS SELECT customer, ordered_on AS purchased_on, total AS amount FROM orders;
CREATE VIEW refund_purchases AS
  SELECT o.customer, o.ordered_on AS purchased_on, -r.amount AS amount, CASE WHEN r.cancels THEN -1 ELSE 0 END AS orders, r.refunded_on AS booked_on
  FROM refunds r JOIN orders o ON o.id = r.order_id;
SELECT is((crm.live_source('refund_purchases')).source, 'refunds', 'refunds with their orders can be followed');
SELECT track('order_purchases', changes => true, time_zone => 'UTC');
SELECT track('refund_purchases', histories => 'order_histories');
ALTER TABLE order_histories ADD FOREIGN KEY (customer) REFERENCES customers ON DELETE CASCADE ON UPDATE CASCADE;

-- the same in one table with plain columns, some without a purchase, some without a booked day
CREATE TABLE money (id serial PRIMARY KEY, customer text, bought timestamptz, amount float8, n smallint, booked timestamptz, note text);
SELECT is(track('money', 'customer', 'bought', 'amount', orders => 'n', booked_on => 'booked', time_zone => 'Europe/Berlin')::text, 'money_customers', 'a table is tracked by the names of its columns');
SELECT is(pg_get_viewdef('money_purchases') ~ '(AT TIME ZONE |timezone\()''Europe/Berlin''.*AS booked_on', true, 'the booked day of an instant is that of the time zone');

-- credit notes are sums of lines
CREATE TABLE notes (id int PRIMARY KEY, customer int, of_day date, noted_on date);
CREATE TABLE note_lines (note_id int REFERENCES notes ON DELETE CASCADE, amount numeric(10,2));
CREATE INDEX ON note_lines (note_id);
CREATE VIEW note_purchases AS
  SELECT n.customer, n.of_day AS purchased_on, -sum(l.amount) AS amount, n.noted_on AS booked_on FROM notes n JOIN note_lines l ON l.note_id = n.id GROUP BY n.id;
SELECT track('note_purchases', time_zone => 'UTC');
SELECT results_eq('SELECT purchases::text, kept FROM crm.tracking_status ORDER BY 1',
  $$VALUES ('money_purchases', 'live'), ('note_purchases', 'live'), ('order_purchases', 'live'), ('refund_purchases', 'live')$$, 'all are live');

-- what the rows say, without crm: a row is of the day it was bought, or else of the day it was booked
CREATE FUNCTION rows_said() RETURNS TABLE (tracking text, customer text, bought date, booked date, orders bigint, amount numeric) LANGUAGE sql AS $$
  SELECT tracking, customer, day, nullif(CASE WHEN later OR n < 0 THEN coalesce(greatest(day, r.booked), day) END, NULL), sum(n), trim_scale(sum(round(r.amount, 4)))
  FROM (SELECT s.*, coalesce(s.bought, s.booked) AS day, coalesce(s.booked > s.bought, false) AS later,
          CASE WHEN s.amount < 0 AND s.orders > 0 OR s.bought IS NULL AND s.orders < 0 THEN 0 ELSE s.orders END AS n
        FROM (SELECT 'order' AS tracking, customer::text, ordered_on AS bought, NULL::date AS booked, 1 AS orders, total AS amount FROM orders
              UNION ALL SELECT 'order', o.customer::text, o.ordered_on, r.refunded_on, CASE WHEN r.cancels THEN -1 ELSE 0 END, -r.amount FROM refunds r, orders o WHERE o.id = r.order_id
              UNION ALL SELECT 'money', customer, (bought AT TIME ZONE 'Europe/Berlin')::date, (booked AT TIME ZONE 'Europe/Berlin')::date, n, amount::numeric FROM money
              UNION ALL SELECT 'note', customer::text, of_day, noted_on, 1, -(SELECT sum(l.amount) FROM note_lines l WHERE l.note_id = n.id) FROM notes n) AS s
        WHERE s.customer IS NOT NULL AND s.amount IS NOT NULL AND s.orders IS NOT NULL) AS r
  WHERE day IS NOT NULL
  GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0 OR sum(round(r.amount, 4)) <> 0
$$;
CREATE FUNCTION histories_say() RETURNS TABLE (tracking text, customer text, bought date, booked date, orders bigint, amount numeric) LANGUAGE sql AS $$
  WITH h AS (SELECT 'order' AS tracking, customer::text, history FROM order_histories UNION ALL SELECT 'money', customer, history FROM money_histories
             UNION ALL SELECT 'note', customer::text, history FROM note_histories)
  SELECT h.tracking, h.customer, m[1]::date, NULL::date, m[2]::bigint, trim_scale(m[3]::numeric) FROM h, regexp_matches(history::text, '(\S{10}) (-?\d+) (-?[\d.]+)(?=[,}])', 'g') AS m
  UNION ALL SELECT h.tracking, h.customer, m[4]::date, m[1]::date, m[2]::bigint, trim_scale(m[3]::numeric) FROM h, regexp_matches(history::text, '(\S{10}) (-?\d+) (-?[\d.]+) of (\S{10})', 'g') AS m
$$;
CREATE FUNCTION problems() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(p, '; ') FROM (
    (SELECT 'missing ' || r::text FROM rows_said() r EXCEPT SELECT 'missing ' || h::text FROM histories_say() h) UNION ALL
    (SELECT 'too much ' || h::text FROM histories_say() h EXCEPT SELECT 'too much ' || r::text FROM rows_said() r) UNION ALL
    SELECT v::text FROM unnest('{order_histories,money_histories,note_histories}'::regclass[]) t, crm.verify(t) v WHERE v.problem <> 'refunded too much') AS p(p)
$$;
CREATE FUNCTION history_of(customer int) RETURNS text LANGUAGE sql AS $$ SELECT history::text FROM order_histories h WHERE h.customer = history_of.customer $$;

INSERT INTO customers SELECT generate_series(1, 6);
INSERT INTO orders VALUES (1, 1, '2024-01-10', 100);
INSERT INTO refunds VALUES (1, 1, 30, '2024-01-20');
SELECT is(history_of(1), '{2024-01-10 1 100.00, 2024-01-20 0 -30.00 of 2024-01-10}', 'a refund changes its order from its booked day on');
UPDATE refunds SET refunded_on = '2024-01-25';
SELECT is(history_of(1), '{2024-01-10 1 100.00, 2024-01-25 0 -30.00 of 2024-01-10}', 'the booked day moves');
UPDATE orders SET ordered_on = '2024-01-12', total = 120;
SELECT is(history_of(1), '{2024-01-12 1 120.00, 2024-01-25 0 -30.00 of 2024-01-12}', 'the day of the purchase moves with its refund');
UPDATE orders SET ordered_on = '2024-01-26';
SELECT is(history_of(1), '{2024-01-26 1 90.00}', 'a refund booked before its order counts on the day of the order');
UPDATE orders SET ordered_on = '2024-01-10', customer = 2;
SELECT is(ARRAY[history_of(1), history_of(2)], '{"{}","{2024-01-10 1 120.00, 2024-01-25 0 -30.00 of 2024-01-10}"}', 'another customer gets both');
UPDATE refunds SET cancels = true, amount = 120;
SELECT is(history_of(2), '{2024-01-10 1 120.00, 2024-01-25 -1 -120.00 of 2024-01-10}', 'a cancelled order is taken back too');
UPDATE refunds SET refunded_on = NULL;
SELECT is(history_of(2), '{2024-01-10 1 120.00, 2024-01-10 -1 -120.00 of 2024-01-10}', 'without a booked day on its own day');
UPDATE customers SET id = 9 WHERE id = 2;
SELECT is(ARRAY[history_of(9), problems()], '{"{2024-01-10 1 120.00, 2024-01-10 -1 -120.00 of 2024-01-10}",NULL}', 'a customer is renamed by foreign keys');
UPDATE refunds SET refunded_on = '2024-02-01';
DELETE FROM customers WHERE id = 9;
SELECT is(ARRAY[history_of(9), problems()], '{NULL,NULL}', 'and deleted with all that was theirs');
INSERT INTO customers VALUES (2);

-- a refund is taken away before its order, after it, and with it
INSERT INTO orders VALUES (1, 1, '2024-01-10', 100), (2, 1, '2024-01-10', 50);
INSERT INTO refunds(order_id, amount, refunded_on) VALUES (1, 100, '2024-01-20'), (2, 10, '2024-01-20'), (2, -4, '2024-01-22');
SELECT is(history_of(1), '{2024-01-10 2 150.00, 2024-01-20 0 -110.00 of 2024-01-10, 2024-01-22 0 4.00 of 2024-01-10}', 'refunds of two orders of a day add up by booked day');
BEGIN;
DELETE FROM refunds WHERE order_id = 1;
DELETE FROM orders WHERE id = 1;
SELECT is(ARRAY[history_of(1), problems()], '{"{2024-01-10 1 50.00, 2024-01-20 0 -10.00 of 2024-01-10, 2024-01-22 0 4.00 of 2024-01-10}",NULL}', 'refund first, then its order');
ROLLBACK;
DELETE FROM orders WHERE id = 2;
SELECT is(ARRAY[history_of(1), problems()], '{"{2024-01-10 1 100.00, 2024-01-20 0 -100.00 of 2024-01-10}",NULL}', 'an order with its refunds');
WITH gone AS (DELETE FROM refunds RETURNING amount), again AS (INSERT INTO orders VALUES (3, 3, '2024-03-01', 5) RETURNING id)
INSERT INTO refunds(order_id, amount, refunded_on) SELECT again.id, 5, '2024-03-02' FROM again, gone;
SELECT is(ARRAY[history_of(1), history_of(3), problems()], '{"{2024-01-10 1 100.00}","{2024-03-01 1 5.00, 2024-03-02 0 -5.00 of 2024-03-01}",NULL}', 'both tables in one statement');
TRUNCATE refunds;
SELECT is(ARRAY[history_of(3), problems()], '{"{2024-03-01 1 5.00}",NULL}', 'refunds are truncated');

-- one table
INSERT INTO money(customer, bought, amount, n, booked) VALUES ('a', '2024-01-09 23:30Z', 100, 1, NULL), ('a', '2024-01-10', -40, 0, '2024-01-19 23:30Z'), ('a', NULL, -5, 0, '2024-02-01'),
  ('b', '2024-01-10', -7, 0, '2024-01-20'), ('b', NULL, -7, 0, NULL), ('b', '2024-01-11', 7, NULL, NULL), ('c', '2024-01-11', 7, 1, '2024-01-02');
SELECT is((SELECT array_agg(history::text ORDER BY customer) FROM money_histories),
  '{"{2024-01-10 1 100.00, 2024-02-01 0 -5.00, 2024-01-20 0 -40.00 of 2024-01-10}","{2024-01-20 0 -7.00 of 2024-01-10}","{2024-01-11 1 7.00}"}',
  'corrections, a refund of nobody knows what, one without its purchase, one booked too early');
SELECT is(problems(), NULL, 'as plain SQL has it');
SELECT throws_ok('SELECT crm.track(''money'', ''customer'', ''bought'', ''amount'', booked_on => ''paid'', name => ''other'')', '42703', 'column paid of public.money does not exist',
  'a column for the booked day must be there');
CREATE VIEW wrong_purchases AS SELECT customer, bought::date AS purchased_on, amount, booked AS booked_on FROM money;
SELECT throws_ok('SELECT crm.track(''wrong_purchases'')', '42804', NULL, 'and be a day');

-- the log of changes and the score know what was booked
UPDATE order_scoring SET tier_program = '{Basic: spend 0, Gold: spend 500} calendar year on_refund revoke';
CALL refresh('order_purchases');
INSERT INTO orders VALUES (10, 4, current_date, 600);
INSERT INTO refunds(order_id, amount, refunded_on) VALUES (10, 600, current_date);
SELECT is((SELECT string_agg(concat_ws('>', coalesce(old_value, '-'), new_value), ' ' ORDER BY changed_at, ctid) FROM order_changes WHERE customer = 4 AND what = 'tier'), '->Gold Gold>Basic',
  'a return takes the tier, and the log has it');
SELECT is(problems(), NULL, 'scores are those of the net amounts');

-- random statements
CREATE FUNCTION some_day() RETURNS date LANGUAGE sql AS $$ SELECT date '2024-01-01' + (random() * 12)::int $$;
CREATE FUNCTION some_order() RETURNS int LANGUAGE sql AS $$ SELECT id FROM orders ORDER BY random() LIMIT 1 $$;
CREATE FUNCTION some_statement(i int) RETURNS text LANGUAGE sql AS $$
  SELECT (ARRAY[
    format('INSERT INTO orders VALUES (%s, %s, %L, %s) ON CONFLICT (id) DO UPDATE SET ordered_on = excluded.ordered_on, total = excluded.total', (random() * 60)::int + 100, 1 + (random() * 5)::int, some_day(), (random() * 90)::numeric(8,2)),
    'INSERT INTO refunds(order_id, amount, refunded_on, cancels) SELECT some_order(), (random() * 40)::numeric(8,2), some_day(), random() < 0.2 FROM generate_series(1, 3)',
    format('UPDATE orders SET ordered_on = ordered_on + %s WHERE id %% 3 = %s', (random() * 6)::int - 3, i % 3),
    format('UPDATE orders SET customer = customer %% 6 + 1 WHERE id %% 4 = %s', i % 4),
    format('UPDATE refunds SET refunded_on = refunded_on + %s WHERE id %% 3 = %s', (random() * 6)::int - 3, i % 3),
    format('UPDATE refunds SET order_id = some_order(), amount = amount + 1 WHERE id %% 5 = %s', i % 5),
    format('DELETE FROM refunds WHERE id %% 7 = %s', i % 7),
    format('DELETE FROM orders WHERE id %% 9 = %s', i % 9),
    format('UPDATE orders SET id = id + 1000 - 2000 * (id > 1000)::int WHERE id %% 11 = %s', i % 11),
    format('WITH o AS (DELETE FROM orders WHERE id %% 13 = %s RETURNING *), n AS (INSERT INTO orders SELECT id + 5000, customer, ordered_on, total FROM o RETURNING id)
            INSERT INTO refunds(order_id, amount, refunded_on) SELECT id, 1, some_day() FROM n', i % 13),
    format('UPDATE customers SET id = id + 100 - 200 * (id > 100)::int WHERE id %% 6 = %s', i % 6),
    format('WITH c AS (DELETE FROM customers WHERE id %% 6 = %s RETURNING id) INSERT INTO note_lines SELECT id, 1 FROM notes WHERE id IN (SELECT id FROM c)', i % 6),
    'INSERT INTO customers SELECT i FROM generate_series(1, 6) i ON CONFLICT DO NOTHING',
    format('INSERT INTO money(customer, bought, amount, n, booked) SELECT chr(97 + i), nullif(some_day(), %L), (random() * 60 - 30)::numeric(8,2), (random() * 2)::int, CASE WHEN random() < 0.7 THEN some_day() END FROM generate_series(0, 3) i', some_day()),
    format('INSERT INTO money(customer, bought, amount, n, booked) SELECT ''a'', some_day(), -1, -1, some_day() + 13'),
    format('UPDATE money SET bought = bought - interval ''1 day'', booked = booked + interval ''9 hours'' WHERE id %% 3 = %s', i % 3),
    format('UPDATE money SET booked = CASE WHEN random() < 0.5 THEN bought + interval ''2 days'' END, customer = chr(97 + id %% 5) WHERE id %% 4 = %s', i % 4),
    format('DELETE FROM money WHERE id %% 6 = %s', i % 6),
    format('INSERT INTO notes VALUES (%s, %s, %L, %L) ON CONFLICT (id) DO UPDATE SET of_day = excluded.of_day, noted_on = excluded.noted_on', (random() * 20)::int, i % 4, some_day(), some_day()),
    'INSERT INTO note_lines SELECT id, (random() * 9)::numeric(8,2) - 3 FROM notes WHERE random() < 0.3',
    format('UPDATE notes SET of_day = of_day + 1, customer = (customer + 1) %% 4 WHERE id %% 3 = %s', i % 3),
    format('DELETE FROM note_lines WHERE note_id %% 4 = %s', i % 4), format('DELETE FROM notes WHERE id %% 8 = %s', i % 8)])[1 + (random() * 22.99 - 0.5)::int]
$$;
CREATE FUNCTION random_statements(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  statement text;
  found text;
BEGIN
  INSERT INTO customers SELECT i FROM generate_series(1, 6) i ON CONFLICT DO NOTHING;
  FOR i IN 1..n LOOP
    statement := some_statement(i);
    BEGIN
      EXECUTE statement;
      IF i % 5 = 0 THEN
        RAISE assert_failure;
      END IF;
    EXCEPTION WHEN assert_failure OR foreign_key_violation OR unique_violation THEN NULL;
    END;
    found := problems();
    IF found IS NOT NULL THEN
      RETURN format('%s: %s: %s', i, statement, found);
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
SELECT setseed(0.31) IS NOT NULL AS seeded;
SELECT is(random_statements(150), NULL, 'random statements, some rolled back to a savepoint');
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_TABLE_NAME = 'orders' AND random() < 0.3 THEN
    INSERT INTO refunds(order_id, amount, refunded_on) VALUES (new.id, 2, new.ordered_on + 3);
  ELSIF TG_TABLE_NAME = 'refunds' AND random() < 0.3 THEN
    UPDATE orders SET total = total + 1, ordered_on = ordered_on + 1 WHERE id = new.order_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a AFTER INSERT OR UPDATE OF ordered_on ON orders FOR EACH ROW WHEN (pg_trigger_depth() < 2) EXECUTE FUNCTION nested();
CREATE TRIGGER z AFTER INSERT ON refunds FOR EACH ROW WHEN (pg_trigger_depth() < 2) EXECUTE FUNCTION nested();
SELECT setseed(0.77) IS NOT NULL AS seeded;
SELECT is(random_statements(150), NULL, 'and with statements within statements');

-- from scratch
SELECT is((SELECT sum(rebuild(h)) FROM unnest('{order_histories,money_histories,note_histories}'::regclass[]) h), 0::numeric, 'a rebuild finds nothing to change');
SELECT ok(EXISTS (SELECT FROM order_histories, crm.corrections(history)) AND EXISTS (SELECT FROM money_histories, crm.corrections(history)) AND EXISTS (SELECT FROM note_histories, crm.corrections(history)),
  'there are corrections in all of them');
UPDATE order_histories SET history = history + crm.purchase('2024-01-01', -1, 0, '2024-01-02') WHERE customer = (SELECT min(customer) FROM order_histories);
SELECT is((SELECT array_agg(problem) FROM crm.verify('order_histories') WHERE problem = 'history'), '{history}', 'verify finds a correction too much');
SELECT is(rebuild('order_histories'), 1::bigint, 'a rebuild takes it away');
CALL refresh('money_purchases');
SELECT is(problems(), NULL, 'a refresh leaves all as it is');

-- a view that triggers cannot keep
CREATE VIEW slow_purchases AS SELECT customer, bought::date AS purchased_on, amount, booked::date AS booked_on FROM money WHERE random() >= 0;
SELECT track('slow_purchases', time_zone => 'UTC');
INSERT INTO money(customer, bought, amount, n, booked) VALUES ('z', '2024-01-10', 9, 1, NULL), ('z', '2024-01-10', -9, 1, '2024-01-13');
CALL refresh('slow_purchases');
SELECT is((SELECT history::text FROM slow_histories WHERE customer = 'z'), '{2024-01-10 1 9.00, 2024-01-13 0 -9.00 of 2024-01-10}', 'a refresh brings corrections');
SELECT * FROM finish();
