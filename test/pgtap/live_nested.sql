-- Statements within statements, and rows of the histories that go by other
-- hands: each as a shop does it, against crm.verify and the orders themselves.
SELECT plan(58);
SET client_min_messages = warning;
SET timezone = 'UTC';

CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int PRIMARY KEY, customer int, day date, amount numeric, note text);
CREATE FUNCTION shop.start(by_row boolean) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  PERFORM crm.track('shop.orders', 'customer', 'day', 'amount', changes => true, by_row => start.by_row, time_zone => 'UTC');
END $$;
SELECT shop.start(false);

-- what a statement does, counted by the orders: text of all histories that are not empty
CREATE FUNCTION shop.after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  problems text;
BEGIN
  EXECUTE statement;
  SELECT string_agg(v::text, '; ') INTO problems FROM crm.verify('shop.orders') AS v;
  RETURN coalesce(problems, (SELECT string_agg(format('%s %s', customer, history), ' ' ORDER BY customer) FROM shop.orders_histories WHERE history::text <> '{}'), 'nobody');
END $$;

-- a trigger of the shop that touches the row just written, whatever its name
CREATE FUNCTION shop.fix() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  CASE new.note
    WHEN 'day' THEN UPDATE shop.orders SET day = day + 1, note = NULL WHERE id = new.id;
    WHEN 'customer' THEN UPDATE shop.orders SET customer = customer + 1000, note = NULL WHERE id = new.id;
    WHEN 'amount' THEN UPDATE shop.orders SET amount = amount + 1, note = NULL WHERE id = new.id;
    WHEN 'delete' THEN DELETE FROM shop.orders WHERE id = new.id;
    WHEN 'split' THEN
      UPDATE shop.orders SET amount = amount / 2, note = NULL WHERE id = new.id;
      INSERT INTO shop.orders VALUES (-1 - (SELECT count(*) FROM shop.orders), new.customer, new.day, new.amount / 2);
    WHEN 'deep' THEN UPDATE shop.orders SET day = day + 1, note = 'customer' WHERE id = new.id;
    WHEN 'undone' THEN
      BEGIN
        UPDATE shop.orders SET day = day + 1, note = NULL WHERE id = new.id;
        RAISE 'undo';
      EXCEPTION WHEN raise_exception THEN
        UPDATE shop.orders SET amount = 7, note = NULL WHERE id = new.id;
      END;
    ELSE NULL;
  END CASE;
  RETURN NULL;
END $$;
CREATE FUNCTION shop.all_notes(why text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  expected record;
BEGIN
  FOR expected IN SELECT v.note, v.inserted, coalesce(v.updated, v.inserted) AS updated FROM (VALUES
      ('day', '8 {2026-01-02 1 20.00}', NULL), ('customer', '1008 {2026-01-01 1 20.00}', NULL), ('amount', '8 {2026-01-01 1 21.00}', NULL),
      ('delete', 'nobody', NULL), ('split', '8 {2026-01-01 2 20.00}', '8 {2026-01-01 3 30.00}'), ('deep', '1008 {2026-01-02 1 20.00}', NULL),
      ('undone', '8 {2026-01-01 1 7.00}', NULL)) AS v(note, inserted, updated) LOOP
    RETURN NEXT is(array[shop.after(format('INSERT INTO shop.orders VALUES (1, 8, ''2026-01-01'', 20, %L)', expected.note)),
      shop.after(format('UPDATE shop.orders SET day = ''2026-01-01'', customer = 8, amount = 20, note = %L WHERE id = 1', expected.note))],
      array[expected.inserted, expected.updated], format('%s: a new order and a changed one, %s', why, expected.note));
    DELETE FROM shop.orders;
  END LOOP;
END $$;
CREATE TRIGGER a_fix AFTER INSERT OR UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.fix();
SELECT shop.all_notes('before crm''s triggers');
ALTER TRIGGER a_fix ON shop.orders RENAME TO zz_fix;
SELECT shop.all_notes('behind them');

-- the same row by row, where statement triggers would not fire
SELECT crm.untrack('shop.orders');
DROP TABLE shop.orders_histories, shop.orders_scoring, shop.orders_changes CASCADE;
SELECT shop.start(true);
SELECT shop.all_notes('row by row, behind');
ALTER TRIGGER zz_fix ON shop.orders RENAME TO a_fix;
SELECT shop.all_notes('row by row, before');
SET session_replication_role = replica;
INSERT INTO shop.orders VALUES (1, 8, '2026-01-01', 20, 'day');
SET session_replication_role = origin;
SELECT is((SELECT history::text FROM shop.orders_histories WHERE customer = 8), '{2026-01-01 1 20.00}', 'rows that replication applies count at once');
DROP TRIGGER a_fix ON shop.orders;
DELETE FROM shop.orders;
SELECT crm.untrack('shop.orders');
DROP TABLE shop.orders_histories, shop.orders_scoring, shop.orders_changes CASCADE;
SELECT shop.start(false);

-- a statement trigger that sorts before crm's
CREATE FUNCTION shop.fix_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  DELETE FROM shop.orders WHERE note = 'delete';
  UPDATE shop.orders SET customer = 9, note = NULL WHERE note = 'customer';
  RETURN NULL;
END $$;
CREATE TRIGGER a_fix AFTER INSERT ON shop.orders FOR EACH STATEMENT EXECUTE FUNCTION shop.fix_all();
SELECT is(shop.after($$INSERT INTO shop.orders VALUES (1, 8, '2026-01-01', 20, 'delete'), (2, 8, '2026-01-02', 30, 'customer'), (3, 8, '2026-01-03', 40, NULL)$$),
  '8 {2026-01-03 1 40.00} 9 {2026-01-02 1 30.00}', 'a statement trigger deletes and moves rows of the statement');
DROP TRIGGER a_fix ON shop.orders;
DELETE FROM shop.orders;

-- a BEFORE trigger that closes the customer's previous row, in a statement of several
CREATE FUNCTION shop.close() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE shop.orders SET day = new.day, note = 'closed' WHERE customer = new.customer AND note = 'open';
  RETURN new;
END $$;
CREATE TRIGGER close BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.close();
SELECT is(shop.after($$INSERT INTO shop.orders VALUES (1, 8, '9999-12-31', 5, 'open'), (2, 8, '2026-02-01', 6, 'open'), (3, 8, '2026-03-01', 7, 'open')$$),
  '8 {2026-02-01 1 5.00, 2026-03-01 2 13.00}', 'a BEFORE trigger closes the row before');
DROP TRIGGER close ON shop.orders;
DELETE FROM shop.orders;

-- what one statement takes and gives: the row stays, and what hangs on it
INSERT INTO shop.orders VALUES (1, 8, '2026-01-01', 20), (5, 9, '2026-01-01', 30);
CALL crm.refresh('shop.orders', '2026-06-01');
DELETE FROM shop.orders_changes;
ALTER TABLE shop.orders_histories ADD note text;
CREATE TABLE shop.letter (customer int REFERENCES shop.orders_histories ON DELETE CASCADE, body text);
INSERT INTO shop.letter VALUES (8, 'dear'), (9, 'dear');
UPDATE shop.orders_histories SET note = 'VIP' WHERE customer IN (8, 9);
CREATE FUNCTION shop.kept() RETURNS text LANGUAGE sql AS $$
  SELECT format('notes %s, letters %s, log %s', (SELECT count(*) FROM shop.orders_histories WHERE note = 'VIP'), (SELECT count(*) FROM shop.letter),
    (SELECT string_agg(format('%s %s->%s %s', customer, old_value, new_value, why), ', ') FROM shop.orders_changes WHERE num_nulls(old_value, new_value) = 1)) $$;
SELECT is(shop.after($$WITH d AS (DELETE FROM shop.orders WHERE id = 5 RETURNING *) INSERT INTO shop.orders SELECT id + 100, customer, day, amount FROM d$$),
  '8 {2026-01-01 1 20.00} 9 {2026-01-01 1 30.00}', 'a writable CTE');
SELECT is(shop.kept(), 'notes 2, letters 2, log ', 'keeps notes and letters, and nobody left or entered');
SELECT is(shop.after($$INSERT INTO shop.orders VALUES (1, 9, '2026-01-01', 1), (300, 8, '2026-01-02', 20) ON CONFLICT (id) DO UPDATE SET customer = excluded.customer$$),
  '8 {2026-01-02 1 20.00} 9 {2026-01-01 2 50.00}', 'an upsert that moves an order');
SELECT is(shop.kept(), 'notes 2, letters 2, log ', 'keeps them too');
SELECT current_setting('server_version_num')::int >= 150000 AS has_merge \gset
\if :has_merge
SELECT is(shop.after($$MERGE INTO shop.orders o USING (VALUES (300, 'delete', NULL::int), (2, 'insert', 8)) s(id, op, c) ON o.id = s.id
  WHEN MATCHED AND s.op = 'delete' THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.c, '2026-01-05', 25)$$),
  '8 {2026-01-05 1 25.00} 9 {2026-01-01 2 50.00}', 'a MERGE');
\else
SELECT is(shop.after($$WITH d AS (DELETE FROM shop.orders WHERE id = 300) INSERT INTO shop.orders VALUES (2, 8, '2026-01-05', 25)$$),
  '8 {2026-01-05 1 25.00} 9 {2026-01-01 2 50.00}', 'what a MERGE would do');
\endif
SELECT is(shop.kept(), 'notes 2, letters 2, log ', 'keeps them as well');
CREATE TEMP TABLE staging AS TABLE shop.orders;
SELECT is(shop.after('TRUNCATE shop.orders; INSERT INTO shop.orders TABLE staging'), '8 {2026-01-05 1 25.00} 9 {2026-01-01 2 50.00}', 'everything is loaded anew');
SELECT is((SELECT count(*)::int FROM shop.orders_histories WHERE note = 'VIP'), 2, 'and nobody loses a note');
SELECT is(shop.after('DELETE FROM shop.orders'), 'nobody', 'nobody is left');
SELECT results_eq('SELECT customer, old_value IS NULL, new_value IS NULL FROM shop.orders_changes WHERE what = ''segment'' AND new_value IS NULL ORDER BY changed_at DESC, customer LIMIT 2',
  'VALUES (8, false, true), (9, false, true)', 'who left is in the log');
SELECT is_empty('SELECT FROM shop.orders_customers', 'and the view shows nobody');
SELECT is_empty('SELECT FROM shop.orders_customers_on(''2026-06-01'')', 'on no day');
SELECT is((SELECT count(*)::int FROM shop.orders_histories WHERE note = 'VIP' AND num_nonnulls(rfm, segment, recency_score) = 0), 2, 'their rows have no scores');
CALL crm.refresh('shop.orders', '2026-07-01');
SELECT is((SELECT count(*)::int FROM shop.orders_histories WHERE note = 'VIP'), 2, 'a refresh leaves them');
SELECT crm.rebuild('shop.orders');
SELECT is((SELECT count(*)::int FROM shop.orders_histories WHERE note = 'VIP'), 2, 'and so does a rebuild');

-- foreign keys from the histories to the customers, whose orders go with them
CREATE TABLE shop.customer (id int PRIMARY KEY);
INSERT INTO shop.customer SELECT generate_series(1, 20);
DELETE FROM shop.orders_histories;
CREATE FUNCTION shop.keys(orders_first boolean) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  ALTER TABLE shop.orders DROP CONSTRAINT IF EXISTS fk;
  ALTER TABLE shop.orders_histories DROP CONSTRAINT IF EXISTS fk;
  DELETE FROM shop.orders;
  DELETE FROM shop.orders_histories;
  DELETE FROM shop.customer;
  INSERT INTO shop.customer SELECT generate_series(1, 20);
  IF orders_first THEN
    ALTER TABLE shop.orders ADD CONSTRAINT fk FOREIGN KEY (customer) REFERENCES shop.customer ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
  ALTER TABLE shop.orders_histories ADD CONSTRAINT fk FOREIGN KEY (customer) REFERENCES shop.customer ON DELETE CASCADE ON UPDATE CASCADE;
  IF NOT orders_first THEN
    ALTER TABLE shop.orders ADD CONSTRAINT fk FOREIGN KEY (customer) REFERENCES shop.customer ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
  INSERT INTO shop.orders VALUES (1, 1, '2026-01-01', 5), (2, 2, '2026-01-01', 5), (3, 2, '2026-01-02', 6), (4, 3, '2026-01-01', -7), (5, 4, '2026-01-01', 1);
  UPDATE shop.orders_histories SET note = 'note ' || customer;
END $$;
CREATE FUNCTION shop.cascades(why text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN
  RETURN NEXT is(shop.after('DELETE FROM shop.customer WHERE id IN (1, 3)'), '2 {2026-01-01 1 5.00, 2026-01-02 1 6.00} 4 {2026-01-01 1 1.00}', why || ': customers are deleted');
  RETURN NEXT is(shop.after('UPDATE shop.customer SET id = 102 WHERE id = 2'), '4 {2026-01-01 1 1.00} 102 {2026-01-01 1 5.00, 2026-01-02 1 6.00}', why || ': one gets a higher key');
  RETURN NEXT is(shop.after('UPDATE shop.customer SET id = -4 WHERE id = 4'), '-4 {2026-01-01 1 1.00} 102 {2026-01-01 1 5.00, 2026-01-02 1 6.00}', why || ': one a lower');
  RETURN NEXT results_eq('SELECT customer, note FROM shop.orders_histories ORDER BY 1', $q$VALUES (-4, 'note 4'), (102, 'note 2')$q$, why || ': each is there once, with its note');
END $$;
SELECT shop.keys(true);
SELECT shop.cascades('the orders'' key first');
SELECT shop.keys(false);
SELECT shop.cascades('the histories'' key first');

-- what is not counted is refused, never counted by half
ALTER TABLE shop.orders DISABLE TRIGGER USER;
INSERT INTO shop.orders VALUES (50, 20, '2026-02-05', 50);
ALTER TABLE shop.orders ENABLE TRIGGER USER;
SELECT throws_like('UPDATE shop.orders SET amount = 51 WHERE id = 50', 'histories "orders_histories" do not hold a purchase of customer (20)%', 'an amount that was never counted cannot change');
SELECT throws_like('DELETE FROM shop.orders WHERE id = 50', 'histories "orders_histories" do not hold a purchase of customer (20)%', 'nor go');
SELECT isnt(crm.rebuild('shop.orders'), 0::bigint, 'crm.rebuild counts it');
SELECT is(shop.after('UPDATE shop.orders SET amount = 51 WHERE id = 50'), '-4 {2026-01-01 1 1.00} 20 {2026-02-05 1 51.00} 102 {2026-01-01 1 5.00, 2026-01-02 1 6.00}', 'and then it may');

SELECT * FROM finish();
