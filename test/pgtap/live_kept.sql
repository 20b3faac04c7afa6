-- What a session keeps of a tracking is forgotten when anything that it stands
-- on changes: all of this is one session, which keeps as much as it can.
SELECT plan(63);

CREATE SCHEMA shop;
CREATE TABLE shop.orders (id serial PRIMARY KEY, customer int, day date, amount numeric, paid bool DEFAULT true);
CREATE FUNCTION shop.net(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
CREATE FUNCTION shop.is_paid(bool) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE VIEW shop.purchases AS SELECT customer, day AS purchased_on, shop.net(amount) AS amount FROM shop.orders WHERE shop.is_paid(paid);
INSERT INTO shop.orders (customer, day, amount) SELECT i % 5, date '2026-01-01' + i, i FROM generate_series(1, 20) i;
SELECT crm.track('shop.purchases', changes => true);

CREATE FUNCTION shop.spent(who int) RETURNS numeric LANGUAGE sql AS
  'SELECT crm.spend(history)::numeric FROM shop.purchases_histories WHERE customer = who';
CREATE PROCEDURE shop.buy(who int, what numeric DEFAULT 10, "on" date DEFAULT '2026-02-01') LANGUAGE sql AS
  'INSERT INTO shop.orders (customer, day, amount) VALUES (who, "on", what)';

-- the view and its functions
CALL shop.buy(100);
SELECT is(shop.spent(100), 5.0, 'an order counts as the view says');
CREATE OR REPLACE FUNCTION shop.net(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 5';
CALL shop.buy(100);
SELECT is(shop.spent(100), 7.0, 'a function that was replaced counts as it is now');
CREATE OR REPLACE FUNCTION shop.is_paid(bool) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN NOT $1; END';
CALL shop.buy(100);
SELECT is(shop.spent(100), 7.0, 'so does one of the filter');
CREATE OR REPLACE FUNCTION shop.is_paid(bool) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
BEGIN;
CREATE OR REPLACE VIEW shop.purchases AS SELECT customer, day AS purchased_on, amount FROM shop.orders;
CALL shop.buy(100);
SELECT is(shop.spent(100), 17.0, 'a view that was replaced counts as it is now');
ROLLBACK;
CALL shop.buy(100);
SELECT is(shop.spent(100), 9.0, 'and as it was when that is rolled back');
BEGIN;
SAVEPOINT s;
CREATE OR REPLACE FUNCTION shop.net(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 1000.0';
CALL shop.buy(100);
ROLLBACK TO s;
CALL shop.buy(100);
COMMIT;
SELECT is(shop.spent(100), 11.0, 'also to a savepoint');
CREATE OR REPLACE FUNCTION shop.net(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1';
ALTER FUNCTION shop.is_paid(bool) VOLATILE;
SELECT throws_ok('CALL shop.buy(100)', '55000', 'purchases view "purchases" no longer follows table "orders"', 'a function that is not immutable any more is refused');
ALTER FUNCTION shop.is_paid(bool) IMMUTABLE;
CALL shop.buy(100);
SELECT is(shop.spent(100), 21.0, 'until it is again');

-- a domain
CREATE DOMAIN shop.price AS numeric;
CREATE OR REPLACE VIEW shop.purchases AS SELECT customer, day AS purchased_on, shop.net(amount::shop.price) AS amount FROM shop.orders WHERE shop.is_paid(paid);
CALL shop.buy(100);
ALTER DOMAIN shop.price ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;
SELECT throws_ok('CALL shop.buy(100, -1)', '23514', NULL, 'a constraint of a domain holds at once');
ALTER DOMAIN shop.price DROP CONSTRAINT positive;

-- what is left out is not looked at any further
CREATE TABLE shop.guests (customer int, day date, amount text, orders bigint);
CREATE VIEW shop.guests_purchases AS SELECT customer, day AS purchased_on, amount::numeric AS amount, orders FROM shop.guests;
SELECT crm.track('shop.guests_purchases');
SELECT lives_ok($$INSERT INTO shop.guests VALUES (NULL, '2026-01-01', 'no number', 1), (1, NULL, 'nor this', 1), (1, '2026-01-01', NULL, 10000000000)$$, 'orders without a customer, a day or an amount are left out whatever else they say');
SELECT throws_ok($$INSERT INTO shop.guests VALUES (1, '2026-01-01', 'no number', 1)$$, '22P02', NULL, 'others must be in order');

-- columns, tables, schemas
ALTER TABLE shop.orders RENAME COLUMN amount TO total;
ALTER TABLE shop.orders ADD COLUMN note text DEFAULT 'x';
INSERT INTO shop.orders (customer, day, total) VALUES (100, '2026-02-01', 9);
SELECT is(shop.spent(100), 40.0, 'columns of the orders may be renamed and added');
ALTER TABLE shop.purchases_histories RENAME COLUMN customer TO who;
ALTER TABLE shop.purchases_changes RENAME COLUMN customer TO who;
ALTER TABLE shop.purchases_histories ADD COLUMN noted text DEFAULT 'none';
INSERT INTO shop.orders (customer, day, total) VALUES (101, '2026-02-01', 1);
SELECT results_eq('SELECT noted, crm.spend(history)::numeric FROM shop.purchases_histories WHERE who = 101', $$VALUES ('none', 1.0)$$, 'those of the histories too');
SELECT results_eq('SELECT why FROM shop.purchases_changes WHERE who = 101', $$VALUES ('insert')$$, 'and of the changes');
ALTER TABLE shop.purchases_histories RENAME COLUMN who TO customer;
ALTER TABLE shop.purchases_changes RENAME COLUMN who TO customer;
ALTER TABLE shop.purchases_histories RENAME TO people;
ALTER SCHEMA shop RENAME TO store;
INSERT INTO store.orders (customer, day, total) VALUES (101, '2026-02-01', 1);
SELECT results_eq('SELECT crm.spend(history)::numeric FROM store.people WHERE customer = 101', $$VALUES (2.0)$$, 'tables and schemas may be renamed');
ALTER SCHEMA store RENAME TO shop;
ALTER TABLE shop.people RENAME TO purchases_histories;
ALTER TABLE shop.purchases_histories RENAME COLUMN segment TO part;
SELECT throws_ok('INSERT INTO shop.orders (customer, day, total) VALUES (101, ''2026-02-01'', 1)', '42703', NULL, 'a column that is needed and gone is missed');
ALTER TABLE shop.purchases_histories RENAME COLUMN part TO segment;
ALTER TABLE shop.purchases_histories DROP CONSTRAINT purchases_histories_pkey;
SELECT throws_ok('INSERT INTO shop.orders (customer, day, total) VALUES (101, ''2026-02-01'', 1)', '42704', NULL, 'so is the primary key');
ALTER TABLE shop.purchases_histories ADD PRIMARY KEY (customer);
INSERT INTO shop.orders (customer, day, total) VALUES (101, '2026-02-01', 1), (102, '2026-02-01', 1), (102, '2026-02-02', 1);
SELECT is(shop.spent(101), 3.0, 'a new one serves');

-- rules
CREATE FUNCTION shop.tier(who int) RETURNS text LANGUAGE sql AS 'SELECT tier FROM shop.purchases_histories WHERE customer = who';
CREATE OR REPLACE PROCEDURE shop.buy(who int, what numeric DEFAULT 10, "on" date DEFAULT '2026-02-01') LANGUAGE sql AS
  'INSERT INTO shop.orders (customer, day, total) VALUES (who, "on", what)';
SELECT is(shop.tier(101), NULL, 'no program, no tier');
BEGIN;
UPDATE shop.purchases_scoring SET tier_program = '{Low: spend 0, High: spend 100} lifetime';
CALL shop.buy(101);
SELECT is(shop.tier(101), 'Low', 'a rule is in force in the transaction that sets it');
SAVEPOINT s;
UPDATE shop.purchases_scoring SET tier_program = '{Few: spend 0, Many: spend 100} lifetime';
CALL shop.buy(101);
SELECT is(shop.tier(101), 'Few', 'once more');
ROLLBACK TO s;
CALL shop.buy(101);
SELECT is(shop.tier(101), 'Low', 'but not when that is rolled back');
COMMIT;
CALL shop.buy(101, 100);
SELECT is(shop.tier(101), 'High', 'and for all that follow');
SELECT crm.track_tiers('shop.purchases');
INSERT INTO shop.purchases_tier_decisions (customer, what, tier, valid, why) VALUES (101, 'ceiling', 'Low', '(,)', 'test'), (103, 'floor', 'High', '(,)', 'test');
CALL shop.buy(101);
CALL shop.buy(103);
SELECT is(shop.tier(101) || shop.tier(103), 'LowHigh', 'decisions count as soon as they are kept');

-- the log: written as the histories are, or by an INSERT where more hangs on it
CREATE TABLE shop.seen (op text, customer int, new_value text);
CREATE FUNCTION shop.see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO shop.seen VALUES (tg_when, new.customer, new.new_value);
  RETURN new;
END $$;
CREATE FUNCTION shop.logged(who int) RETURNS text LANGUAGE sql AS
  $$SELECT string_agg(what || ':' || new_value, ' ' ORDER BY what) FROM shop.purchases_changes WHERE customer = who$$;
CREATE FUNCTION shop.seen() RETURNS text LANGUAGE sql AS
  $$WITH gone AS (DELETE FROM shop.seen RETURNING *) SELECT string_agg(op, ' ') FROM gone WHERE new_value = 'High'$$;
CALL shop.buy(200, 500);
SELECT alike(shop.logged(200), 'segment:% tier:High', 'a change is logged');
BEGIN;
CALL shop.buy(199, 500);
SELECT is((SELECT min(changed_at) FROM shop.purchases_changes WHERE customer = 199), now(), 'with its time');
ROLLBACK;
CREATE TRIGGER see_after AFTER INSERT ON shop.purchases_changes FOR EACH ROW EXECUTE FUNCTION shop.see();
CALL shop.buy(201, 500);
SELECT is(shop.seen(), 'AFTER', 'a trigger after it fires');
CREATE TRIGGER see_before BEFORE INSERT ON shop.purchases_changes FOR EACH ROW EXECUTE FUNCTION shop.see();
CALL shop.buy(202, 500);
SELECT is(shop.seen(), 'BEFORE AFTER', 'so does one before it');
ALTER TABLE shop.purchases_changes DISABLE TRIGGER see_before;
CALL shop.buy(203, 500);
SELECT is(shop.seen(), 'AFTER', 'not if it is disabled');
DROP TRIGGER see_before ON shop.purchases_changes;
DROP TRIGGER see_after ON shop.purchases_changes;
ALTER TABLE shop.purchases_changes ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN noted_at timestamptz DEFAULT clock_timestamp(),
  ADD COLUMN pair text GENERATED ALWAYS AS (coalesce(old_value, '') || '>' || coalesce(new_value, '')) STORED, ADD COLUMN plain text;
CALL shop.buy(204, 500);
SELECT results_eq('SELECT id > 0, noted_at > ''2026-01-01'', pair, plain FROM shop.purchases_changes WHERE customer = 204 AND what = ''tier''',
  $$VALUES (true, true, '>High', NULL::text)$$, 'defaults, identities and generated columns are there');
ALTER TABLE shop.purchases_changes DROP COLUMN id, DROP COLUMN noted_at, DROP COLUMN pair;
CREATE SEQUENCE shop.unused;
ALTER TABLE shop.purchases_changes ALTER old_value SET DEFAULT 'unused ' || nextval('shop.unused');
CALL shop.buy(204, 500);
SELECT is((SELECT is_called FROM shop.unused), false, 'nobody asks for the default of a column that has a value');
CREATE DOMAIN shop.filled AS int CHECK (VALUE IS NOT NULL);
DELETE FROM shop.purchases_changes;
ALTER TABLE shop.purchases_changes ALTER old_value DROP DEFAULT, ADD COLUMN filled shop.filled;
SELECT throws_ok('CALL shop.buy(198, 500)', '23514', NULL, 'a domain may forbid that a column is empty');
ALTER TABLE shop.purchases_changes DROP COLUMN filled;
ALTER TABLE shop.purchases_changes ADD CONSTRAINT not_205 CHECK (customer <> 205);
SELECT throws_ok('CALL shop.buy(205, 500)', '23514', NULL, 'a constraint holds');
DELETE FROM shop.purchases_changes;
ALTER TABLE shop.purchases_changes DROP CONSTRAINT not_205, ADD CONSTRAINT once UNIQUE (customer, what, new_value) DEFERRABLE;
CALL shop.buy(206, 500);
CALL shop.buy(206, -500);
SELECT throws_ok('CALL shop.buy(206, 500)', '23505', NULL, 'so does one that is looked at later');
ALTER TABLE shop.purchases_changes DROP CONSTRAINT once;
ALTER TABLE shop.purchases_changes ALTER customer TYPE bigint;
CALL shop.buy(207, 500);
SELECT alike(shop.logged(207), 'segment:% tier:High', 'a column of another type takes what fits');
CREATE RULE elsewhere AS ON INSERT TO shop.purchases_changes DO INSTEAD INSERT INTO shop.seen VALUES ('RULE', new.customer, new.new_value);
CALL shop.buy(208, 500);
SELECT is(shop.seen(), 'RULE', 'a rule is followed');
DROP RULE elsewhere ON shop.purchases_changes;
ALTER TABLE shop.purchases_changes ENABLE ROW LEVEL SECURITY;
CALL shop.buy(211, 500);
SELECT alike(shop.logged(211), 'segment:% tier:High', 'policies are not for the owner');
ALTER TABLE shop.purchases_changes FORCE ROW LEVEL SECURITY;
CREATE ROLE live_kept_owner;
GRANT USAGE, CREATE ON SCHEMA shop TO live_kept_owner;
ALTER TABLE shop.orders OWNER TO live_kept_owner;
ALTER VIEW shop.purchases OWNER TO live_kept_owner;
ALTER TABLE shop.purchases_histories OWNER TO live_kept_owner;
ALTER TABLE shop.purchases_scoring OWNER TO live_kept_owner;
ALTER TABLE shop.purchases_changes OWNER TO live_kept_owner;
ALTER TABLE shop.purchases_tier_decisions OWNER TO live_kept_owner;
SELECT throws_ok('CALL shop.buy(212, 500)', '42501', NULL, 'unless they are');
ALTER TABLE shop.purchases_changes DISABLE ROW LEVEL SECURITY;
CREATE ROLE live_kept_group;
GRANT live_kept_group TO live_kept_owner;
REVOKE INSERT ON shop.purchases_changes FROM live_kept_owner;
GRANT INSERT ON shop.purchases_changes TO live_kept_group;
SELECT lives_ok('CALL shop.buy(212, 500)', 'a role that the owner is in may write');
REVOKE live_kept_group FROM live_kept_owner;
SELECT throws_ok('CALL shop.buy(213, 500)', '42501', 'permission denied for table purchases_changes', 'not when it has left');
GRANT INSERT ON shop.purchases_changes TO live_kept_owner;
REVOKE ALL ON SCHEMA shop FROM live_kept_owner;
SELECT throws_ok('CALL shop.buy(213, 500)', '42501', 'permission denied for schema shop', 'nor in a schema that is closed');
GRANT USAGE ON SCHEMA shop TO live_kept_owner;
SELECT lives_ok('CALL shop.buy(213, 500)', 'as before');
ALTER TABLE shop.orders OWNER TO current_user;
ALTER VIEW shop.purchases OWNER TO current_user;
ALTER TABLE shop.purchases_histories OWNER TO current_user;
ALTER TABLE shop.purchases_scoring OWNER TO current_user;
ALTER TABLE shop.purchases_changes OWNER TO current_user;
ALTER TABLE shop.purchases_tier_decisions OWNER TO current_user;
ALTER TABLE shop.purchases_changes RENAME TO changes_until_now;
CREATE TABLE shop.changes_by_year (LIKE shop.changes_until_now) PARTITION BY RANGE (changed_at);
CREATE TABLE shop.changes_later PARTITION OF shop.changes_by_year DEFAULT;
UPDATE crm.tracked SET changes = 'shop.changes_by_year' WHERE purchases = 'shop.purchases'::regclass;
CALL shop.buy(214, 500);
CALL shop.buy(215, 500);
ALTER TABLE shop.changes_by_year RENAME TO changes_of_years;
CALL shop.buy(216, 500);
SELECT is((SELECT count(*)::int FROM shop.changes_later WHERE customer BETWEEN 214 AND 216), 6, 'a partitioned log is written to');
CREATE TABLE shop.changes_from_now (LIKE shop.changes_until_now);
UPDATE crm.tracked SET changes = 'shop.changes_from_now' WHERE purchases = 'shop.purchases'::regclass;
CALL shop.buy(209, 500);
SELECT is((SELECT count(*)::int FROM shop.changes_from_now WHERE customer = 209), 2, 'another log is written to at once');
UPDATE crm.tracked SET changes = NULL WHERE purchases = 'shop.purchases'::regclass;
CALL shop.buy(210, 500);
SELECT is_empty('SELECT FROM shop.changes_from_now WHERE customer = 210', 'so is none');

CREATE FUNCTION shop.pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
-- a log as an INSERT would write it: what is called sees what was written, and may say no
CREATE TABLE shop.sales (customer text, tags int[], day date, amount numeric);
CREATE VIEW shop.sales_purchases AS SELECT customer, day AS purchased_on, amount FROM shop.sales;
SELECT crm.track('shop.sales_purchases', changes => true);
UPDATE shop.sales_scoring SET tier_program = '{Low: spend 0, High: spend 100} lifetime';
CREATE FUNCTION shop.is_known(text) RETURNS bool LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM shop.sales_histories WHERE customer = $1)';
CREATE FUNCTION shop.known() RETURNS int LANGUAGE sql STABLE AS 'SELECT count(*)::int FROM shop.sales_histories';
ALTER TABLE shop.sales_changes ADD CONSTRAINT known CHECK (shop.is_known(customer)), ADD COLUMN known int DEFAULT shop.known();
SELECT lives_ok($$INSERT INTO shop.sales (customer, day, amount) SELECT i::text, '2026-01-01', 10 FROM generate_series(1, 3000) i$$, 'a stable function in a constraint sees the customer');
INSERT INTO shop.sales (customer, day, amount) VALUES ('4000', '2026-01-01', 10);
SELECT results_eq('SELECT known, count(*)::int FROM shop.sales_changes WHERE customer = ''4000'' GROUP BY known', 'VALUES (3001, 1)', 'and one in a default all customers');
SELECT ok((SELECT min(known) >= 1 AND max(known) = 3001 FROM shop.sales_changes), 'also while a statement writes more than once');
ALTER TABLE shop.sales_changes DROP CONSTRAINT known, DROP COLUMN known;

ALTER TABLE shop.sales OWNER TO live_kept_owner;
ALTER VIEW shop.sales_purchases OWNER TO live_kept_owner;
ALTER TABLE shop.sales_histories OWNER TO live_kept_owner;
ALTER TABLE shop.sales_scoring OWNER TO live_kept_owner;
GRANT INSERT (customer, changed_at, what, old_value, new_value) ON shop.sales_changes TO live_kept_owner;
SELECT throws_ok($$INSERT INTO shop.sales (customer, day, amount) VALUES ('4001', '2026-01-01', 10)$$, '42501', 'permission denied for table sales_changes', 'every column must be granted');
GRANT INSERT (why) ON shop.sales_changes TO live_kept_owner;
SELECT lives_ok($$INSERT INTO shop.sales (customer, day, amount) VALUES ('4001', '2026-01-01', 10)$$, 'which is enough');
ALTER TABLE shop.sales OWNER TO current_user;
ALTER VIEW shop.sales_purchases OWNER TO current_user;
ALTER TABLE shop.sales_histories OWNER TO current_user;
ALTER TABLE shop.sales_scoring OWNER TO current_user;

UPDATE shop.sales_scoring SET tier_program = '{Few: spend 0, Many: spend 100} lifetime';
BEGIN READ ONLY;
SELECT throws_ok($$SELECT crm_internal.rescore('shop.sales_histories', NULL, 10)$$, '25006', NULL, 'nothing is written where nothing may be');
ROLLBACK;

CREATE RULE never AS ON INSERT TO shop.sales_changes DO INSTEAD NOTHING;
SELECT lives_ok($$INSERT INTO shop.sales (customer, day, amount) VALUES ('4002', '2026-01-01', 10)$$, 'a rule may drop it all');
DROP RULE never ON shop.sales_changes;
ALTER TABLE shop.sales_histories RENAME customer TO why;
SELECT throws_ok($$INSERT INTO shop.sales (customer, day, amount) VALUES ('4003', '2026-01-01', 10)$$, '42701', NULL, 'a key cannot be named as a column of the log');
ALTER TABLE shop.sales_histories RENAME why TO customer;

CREATE VIEW shop.tags_purchases AS SELECT tags, day AS purchased_on, amount FROM shop.sales;
SELECT crm.track('shop.tags_purchases', changes => true);
UPDATE shop.tags_scoring SET tier_program = '{Low: spend 0, High: spend 100} lifetime';
CREATE TRIGGER see_before BEFORE INSERT ON shop.tags_changes FOR EACH ROW EXECUTE FUNCTION shop.pass();
INSERT INTO shop.sales (customer, tags, day, amount) VALUES ('5', '{1,2}', '2026-01-01', 10), ('6', '{1,NULL}', '2026-01-01', 10), ('6', '{1,2}', '2026-01-02', 10);
SELECT results_eq('SELECT tags, old_value IS NULL, why FROM shop.tags_changes ORDER BY tags', $$VALUES ('{1,2}'::int[], true, 'insert'), ('{1,NULL}', true, 'insert')$$, 'a key may be an array');

-- another source, and none any more
CREATE TABLE shop.till (who int, day date, total numeric);
CREATE VIEW shop.till_purchases AS SELECT who AS customer, day AS purchased_on, total AS amount FROM shop.till;
SELECT crm.track('shop.till_purchases', histories => 'shop.purchases_histories');
INSERT INTO shop.till VALUES (210, '2026-02-01', 7);
CALL shop.buy(210, 1);
SELECT is(shop.spent(210), 508.0, 'a second source feeds the same customers');
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'all this time nothing was lost');
SELECT crm.untrack('shop.purchases');
CALL shop.buy(210, 1);
SELECT is(shop.spent(210), 508.0, 'what is not tracked any more changes nothing');
SELECT crm.track('shop.purchases');
CALL shop.buy(210, 1);
SELECT is((SELECT sum(crm.spend(history))::numeric FROM shop.purchases_histories WHERE customer = 210), 503.0, 'and may be tracked anew');

-- while it is being used: a trigger of the histories that writes orders, and makes all be forgotten
CREATE FUNCTION shop.gift() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  CREATE OR REPLACE FUNCTION shop.nothing() RETURNS int LANGUAGE sql AS 'SELECT 0';
  IF new.customer < 310 THEN
    CALL shop.buy(new.customer + 1, 1);
  END IF;
  CREATE OR REPLACE FUNCTION shop.nothing() RETURNS int LANGUAGE sql AS 'SELECT 1';
  RETURN NULL;
END $$;
CREATE TRIGGER gift AFTER INSERT ON shop.purchases_histories FOR EACH ROW WHEN (new.customer BETWEEN 300 AND 310) EXECUTE FUNCTION shop.gift();
CALL shop.buy(300, 500);
SELECT is((SELECT count(*)::int FROM shop.purchases_histories WHERE customer BETWEEN 300 AND 310), 11, 'statements within statements find what they need');
DO $$ BEGIN
  FOR i IN 1..50 LOOP
    BEGIN
      CALL shop.buy(400 + i, 'NaN');
    EXCEPTION WHEN OTHERS THEN
      CALL shop.buy(400 + i, 1);
    END;
  END LOOP;
END $$;
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'and so after errors');

-- only crm.tracked tells of trackings
CREATE TRIGGER changed AFTER INSERT ON shop.seen FOR EACH ROW EXECUTE FUNCTION crm_internal.tracked_changed();
SELECT throws_ok('INSERT INTO shop.seen DEFAULT VALUES', '42809', '"seen" is not crm.tracked', 'another table cannot');
SELECT throws_ok('SELECT crm_internal.tracked_changed()', '39P01', NULL, 'nor can a query');
DROP TRIGGER changed ON shop.seen;

-- what is forgotten takes no memory
CREATE FUNCTION shop.kept() RETURNS int LANGUAGE plpgsql AS $$
DECLARE n int;
BEGIN
  EXECUTE $q$SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'crm kept'$q$ INTO n;
  RETURN n;
END $$;
DO $$ BEGIN
  FOR i IN 1..100 LOOP
    CALL shop.buy(500, 1);
    CREATE OR REPLACE FUNCTION shop.nothing() RETURNS int LANGUAGE sql AS 'SELECT 2';
  END LOOP;
END $$;
SELECT CASE WHEN to_regclass('pg_catalog.pg_backend_memory_contexts') IS NULL THEN skip('memory is not shown before PostgreSQL 14', 1)
  ELSE cmp_ok(shop.kept(), '<', 20, 'what is forgotten takes no memory') END;

SELECT * FROM finish();
