-- The table of histories is written as INSERT, UPDATE and DELETE would write
-- it: what users hang onto it works.
SELECT plan(30);

CREATE SCHEMA shop;
CREATE TABLE shop.orders (id serial PRIMARY KEY, customer int, day date, amount numeric);
INSERT INTO shop.orders (customer, day, amount) SELECT i % 5, date '2026-01-01' + i, i FROM generate_series(1, 20) i;
SELECT crm.track('shop.orders', 'customer', 'day', 'amount', changes => true);

-- columns
ALTER TABLE shop.orders_histories
  ADD COLUMN note text DEFAULT 'none yet', ADD COLUMN seen_at timestamptz DEFAULT clock_timestamp(),
  ADD COLUMN label text GENERATED ALWAYS AS (segment || ' ' || rfm) STORED,
  ADD COLUMN days int GENERATED ALWAYS AS (crm.purchase_day_count(history)) STORED, ADD COLUMN plain int;
INSERT INTO shop.orders (customer, day, amount) VALUES (100, '2026-03-01', 5);
SELECT results_eq('SELECT note, seen_at IS NOT NULL, label = segment || '' '' || rfm, days, plain FROM shop.orders_histories WHERE customer = 100',
  $$VALUES ('none yet', true, true, 1, NULL::int)$$, 'a new customer has defaults and generated columns');
UPDATE shop.orders_histories SET note = 'a friend' WHERE customer = 100;
INSERT INTO shop.orders (customer, day, amount) VALUES (100, '2026-03-02', 500), (100, '2026-03-03', 500);
SELECT results_eq('SELECT note, days, label = segment || '' '' || rfm FROM shop.orders_histories WHERE customer = 100',
  $$VALUES ('a friend', 3, true)$$, 'later orders keep the one and compute the other anew');
CALL crm.refresh('shop.orders', '2026-12-31');
SELECT is_empty('SELECT FROM shop.orders_histories WHERE label <> segment || '' '' || rfm OR days <> crm.purchase_day_count(history)', 'so does a refresh');
CREATE DOMAIN shop.note AS text DEFAULT 'by type';
ALTER TABLE shop.orders_histories ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN typed shop.note;
SELECT lives_ok('INSERT INTO shop.orders (customer, day, amount) VALUES (101, ''2026-03-01'', 5)', 'a new customer gets an identity');
SELECT results_eq('SELECT number > 0, typed::text FROM shop.orders_histories WHERE customer = 101', $$VALUES (true, 'by type')$$, 'and the defaults of types');
DELETE FROM shop.orders WHERE customer = 101;
ALTER TABLE shop.orders_histories DROP COLUMN number, DROP COLUMN typed;

-- constraints
ALTER TABLE shop.orders_histories ADD CONSTRAINT not_too_often CHECK (crm.purchase_day_count(history) < 6);
SELECT throws_ok($$INSERT INTO shop.orders (customer, day, amount) SELECT 1, date '2026-05-01' + i, 1 FROM generate_series(1, 3) i$$,
  '23514', NULL, 'a constraint holds');
ALTER TABLE shop.orders_histories DROP CONSTRAINT not_too_often;
CREATE UNIQUE INDEX one_champion ON shop.orders_histories ((true)) WHERE segment = 'no such segment';
SELECT lives_ok($$INSERT INTO shop.orders (customer, day, amount) VALUES (2, '2026-05-01', 1)$$, 'other indexes are kept');

-- triggers
CREATE TABLE shop.log (op text, customer int, before text, after text);
CREATE FUNCTION shop.log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO shop.log VALUES (tg_op, coalesce(new.customer, old.customer), crm.purchase_day_count(old.history), crm.purchase_day_count(new.history));
  RETURN NULL;
END $$;
CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON shop.orders_histories FOR EACH ROW EXECUTE FUNCTION shop.log();
CREATE TRIGGER often AFTER UPDATE OF history ON shop.orders_histories FOR EACH ROW WHEN (crm.purchase_day_count(new.history) > 100) EXECUTE FUNCTION shop.log();
INSERT INTO shop.orders (customer, day, amount) VALUES (200, '2026-03-01', 5), (201, '2026-03-01', 5);
UPDATE shop.orders SET customer = 201, day = '2026-03-05' WHERE customer = 200;
DELETE FROM shop.orders WHERE customer = 201;
SELECT results_eq('SELECT * FROM shop.log', $$VALUES ('INSERT', 200, NULL, '1'), ('INSERT', 201, NULL, '1'),
  ('UPDATE', 200, '1', '0'), ('UPDATE', 201, '1', '2'), ('UPDATE', 201, '2', '0')$$, 'AFTER triggers fire, row by row in key order');
DELETE FROM shop.log;
BEGIN;
INSERT INTO shop.orders (customer, day, amount) VALUES (200, '2026-03-01', 5);
ROLLBACK;
SELECT is_empty('SELECT FROM shop.log', 'what is rolled back leaves nothing');
INSERT INTO shop.orders (customer, day, amount) SELECT 300, date '2020-01-01' + i, 1 FROM generate_series(1, 150) i;
INSERT INTO shop.orders (customer, day, amount) VALUES (300, '2026-03-01', 5);
SELECT results_eq('SELECT op, count(*)::int FROM shop.log GROUP BY op ORDER BY op', $$VALUES ('INSERT', 1), ('UPDATE', 2)$$,
  'UPDATE OF and WHEN are looked at');
CALL crm.refresh('shop.orders', '2027-12-31');
SELECT cmp_ok((SELECT count(*) FROM shop.log), '>', 3::bigint, 'a refresh fires them too');
CREATE FUNCTION shop.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON shop.orders_histories FOR EACH ROW EXECUTE FUNCTION shop.refuse();
SELECT throws_ok('INSERT INTO shop.orders (customer, day, amount) VALUES (400, ''2026-03-01'', 5)', 'P0001', 'not this one', 'and may refuse an order');
SELECT is_empty('SELECT FROM shop.orders WHERE customer = 400', 'which is not there then');
DROP TRIGGER refuse ON shop.orders_histories;
DROP TRIGGER log ON shop.orders_histories;
DROP TRIGGER often ON shop.orders_histories;

-- foreign keys to and from the histories
CREATE TABLE shop.letter (customer int REFERENCES shop.orders_histories ON DELETE CASCADE, body text);
INSERT INTO shop.letter VALUES (1, 'thank you'), (2, 'we miss you');
DELETE FROM shop.orders WHERE customer = 2;
SELECT results_eq('SELECT customer FROM shop.letter ORDER BY 1', 'VALUES (1), (2)', 'what refers to a customer without purchases stays, as the row does');
SELECT is(crm.drop_empty('shop.orders')::int, 3, 'empty rows go when that is asked for');
SELECT results_eq('SELECT customer FROM shop.letter ORDER BY 1', 'VALUES (1), (2)', 'but for those that something refers to');
ALTER TABLE shop.letter DROP CONSTRAINT letter_customer_fkey, ADD FOREIGN KEY (customer) REFERENCES shop.orders_histories;
SELECT lives_ok('DELETE FROM shop.orders WHERE customer = 1', 'whatever the foreign key says');
SELECT is(crm.drop_empty('shop.orders')::int, 0, 'and such a row stays');
SELECT is(crm.drop_empty('shop.orders', '-infinity')::int, 0, 'none was empty before time began');
CREATE TABLE shop.person (id int PRIMARY KEY);
INSERT INTO shop.person SELECT customer FROM shop.orders_histories;
ALTER TABLE shop.orders_histories ADD FOREIGN KEY (customer) REFERENCES shop.person;
SELECT throws_ok('INSERT INTO shop.orders (customer, day, amount) VALUES (500, ''2026-03-01'', 5)', '23503', NULL, 'a foreign key of the histories is checked');
INSERT INTO shop.person VALUES (500);
SELECT lives_ok('INSERT INTO shop.orders (customer, day, amount) VALUES (500, ''2026-03-01'', 5)', 'and satisfied');
SELECT is_empty('SELECT * FROM crm.verify(''shop.orders'')', 'all is as the orders say');

-- what rebuild does is in the log of changes
ALTER TABLE shop.orders DISABLE TRIGGER USER;
DELETE FROM shop.orders WHERE customer = 500;
UPDATE shop.orders SET amount = amount * 1000, day = '2027-12-30' WHERE customer = 3;
ALTER TABLE shop.orders ENABLE TRIGGER USER;
SELECT ok((SELECT count(*) > 0 FROM crm.verify('shop.orders')), 'orders that were not followed are seen');
DELETE FROM shop.orders_changes;
SELECT is(crm.rebuild('shop.orders')::int, 2, 'two histories differed');
SELECT results_eq('SELECT new_value IS NULL, why FROM shop.orders_changes WHERE customer = 500', $$VALUES (true, 'rebuild')$$, 'a customer who went is logged');
SELECT is_empty('SELECT FROM shop.orders_changes WHERE why <> ''rebuild''', 'all with that reason');
SELECT is_empty('SELECT * FROM crm.verify(''shop.orders'')', 'and all is true again');

-- a trigger of the log that writes customers whom the statement has yet to come to
ALTER TABLE shop.orders_histories DROP CONSTRAINT orders_histories_customer_fkey;
INSERT INTO shop.orders (customer, day, amount) SELECT i, '2026-01-01', 1 FROM generate_series(3000, 6000) i;
ALTER TABLE shop.orders_histories ADD COLUMN touched int DEFAULT 0;
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE shop.orders_histories SET touched = touched + 1 WHERE customer > 4000;
  RETURN NULL;
END $$;
CREATE TRIGGER touch AFTER INSERT ON shop.orders_changes FOR EACH STATEMENT EXECUTE FUNCTION shop.touch();
SELECT lives_ok($$INSERT INTO shop.orders (customer, day, amount) SELECT i, current_date, 100000 FROM generate_series(3000, 6000) i$$, 'a trigger of the log writes histories');
SELECT ok((SELECT min(touched) > 1 FROM shop.orders_histories WHERE customer > 4000), 'and nothing that it wrote is lost');
SELECT is_empty('SELECT * FROM crm.verify(''shop.orders'')', 'nor any order');

SELECT * FROM finish();
