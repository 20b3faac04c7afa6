-- Whoever may create objects beside a tracking, or owns one and changes its
-- tables, gets errors: neither other rights nor a crash of the server.
SELECT plan(34);

CREATE ROLE hostile_owner;
CREATE ROLE hostile_other;
CREATE SCHEMA shop AUTHORIZATION hostile_owner;
GRANT ALL ON SCHEMA shop TO hostile_other;
SET ROLE hostile_owner;
CREATE TABLE shop.orders (customer int, day date, amount numeric);
INSERT INTO shop.orders VALUES (1, '2026-01-01', 5);
SELECT crm.track('shop.orders', 'customer', 'day', 'amount', changes => true);
SELECT crm.track('shop.orders', 'customer', 'day', 'amount', name => 'orders2');

-- functions beside the views
RESET ROLE;
SET ROLE hostile_other;
CREATE FUNCTION shop.a_customers_on(date) RETURNS SETOF shop.orders_customers LANGUAGE plpgsql AS $$ BEGIN RAISE 'ran as %', current_user; END $$;
SET ROLE hostile_owner;
SELECT is(crm_internal.customers_on('shop.orders_customers'), 'shop.orders_customers_on', 'a function of others is not that of the customers on a day');
SELECT is(crm.snapshot('shop.orders_purchases', '2026-02-01'), 1::bigint, 'and a snapshot does not call it');
SET ROLE hostile_other;
DROP FUNCTION shop.a_customers_on(date);
CREATE FUNCTION shop.mine(within_days int) RETURNS TABLE (downgraded_on date, tier_then text) LANGUAGE sql SECURITY DEFINER
  AS $$ SELECT NULL::date, current_user::text /* FROM shop.orders_standing AS s */ $$;
RESET ROLE;
SELECT lives_ok('SELECT crm.track_tiers(''shop.orders_purchases'')', 'a superuser tracks tiers');
SELECT is((SELECT proowner::regrole::text FROM pg_proc WHERE oid = 'shop.mine(int)'::regprocedure), 'hostile_other', 'and gives away no function of others');
SELECT is((SELECT count(*)::int FROM crm_internal.tier_functions('shop.orders_standing')), 2, 'only those that it made');
SET ROLE hostile_owner;
CREATE FUNCTION shop.near(missing numeric) RETURNS SETOF shop.orders_standing LANGUAGE sql AS 'SELECT s.* FROM shop.orders_standing AS s WHERE s.missing_for_next < $1; -- my own';
SELECT lives_ok('SELECT crm_internal.refresh_fill(''shop.orders_purchases'')', 'a function of the owner''s own beside the view is nothing that a refresh makes anew');
SELECT is((SELECT lanname::text FROM pg_proc p JOIN pg_language l ON l.oid = prolang WHERE p.oid = 'shop.near(numeric)'::regprocedure), 'sql', 'it is as it was');
DROP FUNCTION shop.near(numeric);
RESET ROLE;

-- tables beside the views
SELECT is(crm.snapshot('shop.orders2_purchases', '2026-02-01'), 1::bigint, 'a second tracking has snapshots');
DELETE FROM shop.orders2_snapshots;
SELECT is((SELECT count(*)::int FROM shop.orders_snapshots), 1, 'of its own');
DROP TABLE shop.orders2_snapshots;
SET ROLE hostile_other;
CREATE TABLE shop.orders2_snapshots (snapshot_on date);
GRANT ALL ON shop.orders2_snapshots TO PUBLIC;
SET ROLE hostile_owner;
SELECT throws_ok('SELECT crm.snapshot(''shop.orders2_purchases'', ''2026-02-01'')', '42501', 'shop.orders2_snapshots is no table of snapshots of hostile_owner',
  'a table of others does not take snapshots');
ALTER VIEW shop.orders2_customers RENAME TO kunden;
SELECT is(crm.snapshot('shop.orders2_purchases', '2026-02-01'), 1::bigint, 'a view that is renamed has snapshots');
SELECT has_table('shop', 'kunden_snapshots', 'under its new name');

-- what does not depend on who looks
SET search_path = shop, public;
SELECT is((SELECT bool_or(source_renamed) FROM crm.tracking_status), false, 'a table in the search path has not been renamed');
RESET search_path;
ALTER TABLE shop.orders RENAME TO bestellungen;
SELECT is((SELECT bool_and(source_renamed) FROM crm.tracking_status), true, 'one that has been is told');
ALTER TABLE shop.bestellungen RENAME TO orders;

-- batches of no customers
SELECT throws_ok('SELECT crm_internal.check_batch_customers(NULL)', '22023', 'a batch of NULL customers is out of range', 'a batch has a size');
SELECT throws_ok('SELECT crm_internal.check_batch_customers(0)', '22023', 'a batch of 0 customers is out of range', 'of some customers');

-- tables that say what all customers bought, and are none of crm's
CREATE TABLE shop.all_bought (customer int, history int);
INSERT INTO shop.all_bought VALUES (1, 1);
SELECT throws_ok('SELECT crm_internal.refill(''shop.orders_histories'', ''shop.all_bought'', ''x'')', '42804', 'column "history" of "all_bought" has type integer', 'a history that is a number');
ALTER TABLE shop.all_bought ALTER history TYPE crm.purchase_history USING '{}', ALTER customer TYPE text;
SELECT throws_ok('SELECT crm_internal.refill(''shop.orders_histories'', ''shop.all_bought'', ''x'')', '42804', 'column "customer" of "all_bought" has type text', 'a key of another type');
ALTER TABLE shop.all_bought ALTER customer TYPE int USING NULL;
SELECT throws_ok('SELECT crm_internal.refill(''shop.orders_histories'', ''shop.all_bought'', ''x'')', '23502', 'the key of a customer cannot be NULL', 'a customer without a key');
ALTER TABLE shop.all_bought DROP customer;
SELECT throws_ok('SELECT crm_internal.refill(''shop.orders_histories'', ''shop.all_bought'', ''x'')', '42703', 'table "all_bought" of a tracking has no column "customer"', 'no key');
SELECT throws_ok('SELECT crm_internal.refill(''shop.orders_histories'', ''shop.orders_customers'', ''x'')', '42809', '"orders_customers" cannot serve a tracking: it is not a plain table', 'a view');

-- a catalogue row that names what does not fit together
CREATE TABLE shop.others (customer bigint, day date, amount numeric);
CREATE VIEW shop.others_purchases AS SELECT customer, day AS purchased_on, amount FROM shop.others;
CREATE TABLE shop.texts (LIKE shop.orders_histories);
ALTER TABLE shop.texts ALTER customer TYPE text, ADD PRIMARY KEY (customer);
CREATE TRIGGER crm_insert AFTER INSERT ON shop.others REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement();
RESET ROLE;
INSERT INTO crm.tracked (purchases, source, histories, scoring, customers) VALUES ('shop.others_purchases', 'shop.others', 'shop.texts', 'shop.orders_scoring', 'shop.orders_customers');
SET ROLE hostile_owner;
SELECT throws_ok('INSERT INTO shop.others VALUES (12345678, ''2026-01-01'', 5)', '42804', 'the key columns of purchases view "others_purchases" are not those of "texts"', 'keys of other types');
RESET ROLE;
DELETE FROM crm.tracked WHERE histories = 'shop.texts'::regclass;
INSERT INTO crm.tracked (purchases, source, histories, scoring, customers) VALUES ('shop.others', 'shop.others', 'shop.orders_histories', 'shop.orders_scoring', 'shop.orders_customers');
SET ROLE hostile_owner;
SELECT throws_ok('INSERT INTO shop.others VALUES (1, ''2026-01-01'', 5)', NULL, 'a table that is no view');
RESET ROLE;
DELETE FROM crm.tracked WHERE purchases = 'shop.others'::regclass;
SET ROLE hostile_owner;
CREATE VIEW shop.rules AS SELECT * FROM shop.orders2_scoring;
RESET ROLE;
UPDATE crm.tracked SET scoring = 'shop.rules' WHERE purchases = 'shop.orders2_purchases'::regclass;
SET ROLE hostile_owner;
SELECT throws_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-01'', 5)', '42809', '"rules" cannot serve a tracking: it is not a plain table', 'rules that are a view');
RESET ROLE;
UPDATE crm.tracked SET scoring = 'shop.orders2_scoring' WHERE purchases = 'shop.orders2_purchases'::regclass;
SET ROLE hostile_owner;
SELECT lives_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-01'', 5)', 'all is as it was');

-- tables that are not what they were
-- its one index, which releases of PostgreSQL name in their own ways
SELECT indexrelid::regclass AS only_rule FROM pg_index WHERE indrelid = 'shop.orders2_scoring'::regclass \gset
DROP INDEX :only_rule;
INSERT INTO shop.orders2_scoring DEFAULT VALUES;
SELECT throws_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-01'', 5)', '55000', 'scoring table "orders2_scoring" has 2 rules that no key tells apart', 'two rules for one customer');
SELECT lives_ok('SELECT crm.untrack(''shop.orders2_purchases'')', 'that tracking ends');
UPDATE shop.orders_scoring SET tier_program = crm.tier_program(tiers => '{Bronze,Silver}', thresholds => '{0,100}', metric => 'spend', period => '12 months',
  window_kind => 'rolling');
ALTER TABLE shop.orders_tier_decisions DROP CONSTRAINT tier_goes_with_floor_or_ceiling, ALTER valid DROP NOT NULL;
SELECT throws_ok('INSERT INTO shop.orders_tier_decisions (customer, what, valid, why) VALUES (1, ''floor'', ''(,)'', ''x'')', '22004', 'a decision in "orders_tier_decisions" is not complete', 'a floor without a tier');
SELECT throws_ok('INSERT INTO shop.orders_tier_decisions (customer, what, tier, why) VALUES (1, ''floor'', ''Silver'', ''x'')', '22004', NULL, 'a decision for no days');
ALTER TABLE shop.orders_histories ALTER history DROP NOT NULL;
UPDATE shop.orders_histories SET history = NULL;
SELECT lives_ok('SELECT crm_internal.rescore(''shop.orders_histories'', NULL, 10)', 'a history that is NULL');
SELECT throws_ok('SELECT crm_internal.rescore(''shop.orders_histories'', NULL, 0)', '22023', NULL, 'a batch that never ends');
DROP VIEW shop.orders_standing CASCADE;
DROP VIEW shop.orders_customers CASCADE;
ALTER TABLE shop.orders_tier_decisions ALTER tier TYPE int USING 5;
SELECT throws_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-01'', 5)', '42804', 'column "tier" of "orders_tier_decisions" has type integer', 'a tier that is a number');
ALTER TABLE shop.orders_histories ALTER p_alive TYPE text;
SELECT throws_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-01'', 5)', '42804', 'column "p_alive" of "orders_histories" has type text', 'a score that is text');
ALTER TABLE shop.orders_scoring DROP CONSTRAINT rule_can_score;
ALTER TABLE shop.orders_histories ALTER p_alive TYPE float8 USING NULL;
ALTER TABLE shop.orders_scoring ALTER margin DROP DEFAULT;
ALTER TABLE shop.orders_scoring ALTER margin TYPE text;
SELECT throws_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-01'', 5)', '42804', 'column "margin" of "orders_scoring" has type text', 'a rule of another type');
RESET ROLE;

SELECT * FROM finish();
