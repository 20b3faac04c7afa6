-- Tables and keys of every kind.
SELECT plan(23);

CREATE FUNCTION pg_temp.not_followed() RETURNS TABLE (histories regclass, problem text, stored text, recomputed text) LANGUAGE sql AS $$
  SELECT t.histories, v.problem, v.stored, v.recomputed FROM crm.tracked t, crm.verify(t.histories) v $$;

-- keys that are equal without being the same
SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i') AS icu \gset
\if :icu
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE collated (customer text COLLATE any_case, day date, amount numeric);
INSERT INTO collated VALUES ('Ann', '2026-01-01', 5), ('ann', '2026-01-02', 6), ('Bob', '2026-01-02', 7);
SELECT crm.track('collated', 'customer', 'day', 'amount', changes => true);
INSERT INTO collated VALUES ('ANN', '2026-02-01', 5), ('bOB', '2026-02-01', 5), ('carl', '2026-01-01', 5);
DELETE FROM collated WHERE customer = 'ann' AND day = '2026-01-01';
SELECT results_eq('SELECT crm.purchase_day_count(history) FROM collated_histories ORDER BY customer', 'VALUES (2), (2), (1)', 'a collation that knows no case');
\else
SELECT skip('this PostgreSQL has no ICU, so no collation that knows no case', 1);
\endif
CREATE TABLE numbered (customer numeric, day date, amount numeric);
INSERT INTO numbered VALUES (1.0, '2026-01-01', 5), (1.00, '2026-01-02', 6), ('NaN', '2026-01-02', 7);
SELECT crm.track('numbered', 'customer', 'day', 'amount');
INSERT INTO numbered VALUES (1, '2026-02-01', 5), ('NaN', '2026-01-03', 7);
SELECT results_eq('SELECT crm.purchase_day_count(history) FROM numbered_histories ORDER BY customer', 'VALUES (3), (2)', 'numbers of several scales');
SELECT is_empty('SELECT * FROM pg_temp.not_followed()', 'all are followed');

-- a refresh goes from key to key in a text form that must not lose anything
CREATE TABLE measured (customer float8, day date, amount numeric);
INSERT INTO measured SELECT 0.1 + i * 1e-16, '2026-01-01', 5 FROM generate_series(1, 40) i;
SELECT crm.track('measured', 'customer', 'day', 'amount');
CREATE TYPE mood AS ENUM ('z', 'a');
CREATE TYPE place AS (x int, y text);
CREATE TABLE many (m mood, p place, j jsonb, r int4range, a int[], b bytea, t timestamptz, i interval, day date, amount numeric);
CREATE VIEW many_purchases AS SELECT m, p, j, r, a, b, t, i, day AS purchased_on, amount FROM many;
INSERT INTO many SELECT (ARRAY['z', 'a'])[1 + n % 2]::mood, ROW(n % 3, 'q"' || n % 3)::place, jsonb_build_object('k', n % 4), int4range(1, 2 + n % 5), ARRAY[n % 2],
  '\x0001', '2026-01-01 00:00+00'::timestamptz + n % 3 * interval '1 microsecond', '1 mon', date '2026-01-01' + n, n FROM generate_series(1, 200) n;
SELECT crm.track('many_purchases');
SET extra_float_digits = -10;
SET datestyle = 'german';
SET intervalstyle = 'iso_8601';
SET timezone = 'Asia/Kolkata';
SET statement_timeout = '1min';
CALL crm.refresh('measured', batch_customers => 3);
CALL crm.refresh('many_purchases', batch_customers => 7);
RESET ALL;
SELECT is((SELECT customers_read FROM crm.tracked WHERE purchases = 'measured_purchases'::regclass), 40::bigint, 'floating-point keys, whatever the session shows of them');
SELECT is((SELECT customers_read FROM crm.tracked WHERE purchases = 'many_purchases'::regclass), (SELECT count(*) FROM many_histories), 'a key of eight columns of eight types');
UPDATE many SET amount = amount + 1, m = 'a' WHERE day > '2026-03-01';
SELECT is_empty('SELECT * FROM pg_temp.not_followed()', 'all are followed');
CREATE DOMAIN email AS text CHECK (value LIKE '%@%');
CREATE TABLE mailed (customer email, day date, amount numeric(10, 2));
SELECT lives_ok('SELECT crm.track(''mailed'', ''customer'', ''day'', ''amount'')', 'a key of a domain');
SELECT is((SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'mailed_histories'::regclass AND attname = 'customer'), 'email', 'keeps it');

-- tables
CREATE UNLOGGED TABLE quick (customer int, day date, amount numeric);
SELECT crm.track('quick', 'customer', 'day', 'amount', changes => true);
SELECT is((SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname ~ '^quick_' AND relkind = 'r' AND relpersistence = 'u'),
  'quick_changes quick_histories', 'unlogged orders have unlogged histories and changes');
SELECT is((SELECT relpersistence::text FROM pg_class WHERE relname = 'quick_scoring'), 'p', 'but the rules are kept');
CREATE TABLE computed (customer int, day date, quantity int, price numeric, amount numeric GENERATED ALWAYS AS (quantity * price) STORED);
SELECT crm.track('computed', 'customer', 'day', 'amount');
INSERT INTO computed VALUES (1, '2026-01-01', 2, 3), (2, '2026-01-01', 2, 3);
UPDATE computed SET quantity = 5 WHERE customer = 1;
DELETE FROM computed WHERE customer = 2;
SELECT results_eq('SELECT customer, crm.spend(history) FROM computed_histories ORDER BY customer', 'VALUES (1, 15.0000), (2, 0.0000)', 'a stored generated column');
SELECT is_empty('SELECT * FROM pg_temp.not_followed()', 'all are followed');
SELECT current_setting('server_version_num')::int >= 180000 AS has_virtual \gset
\if :has_virtual
CREATE TABLE virtual (customer int, day date, price numeric, amount numeric GENERATED ALWAYS AS (price * 2) VIRTUAL);
CREATE VIEW virtual_purchases AS SELECT customer, day AS purchased_on, amount FROM virtual;
SELECT is((crm.live_source('virtual_purchases')).reason, 'column "amount" reads a virtual generated column of table "virtual". Write the column''s expression into the view.', 'a virtual generated column is not there to be read');
SELECT throws_ok('SELECT crm.track(''virtual'', ''customer'', ''day'', ''amount'')', '42809', 'column amount of public.virtual is a virtual generated column', 'so a table is refused');
\else
SELECT is((crm.live_source('computed_purchases')).reason, NULL, 'a plain table can be followed');
SELECT is((crm.live_source('computed_purchases')).source, 'computed', 'by itself');
\endif
CREATE TABLE parent (customer int, day date, amount numeric);
CREATE TABLE child () INHERITS (parent);
SELECT throws_ok('SELECT crm.track(''child'', ''customer'', ''day'', ''amount'')', '42809', 'public.child inherits from another table and cannot be tracked',
  'a table that inherits is refused');
SELECT crm.track('parent', 'customer', 'day', 'amount');
SELECT is((SELECT not_live FROM crm.tracking_status WHERE purchases = 'parent_purchases'::regclass), 'it reads "parent", a table with inheritance',
  'its parent is kept by refresh alone');
INSERT INTO child VALUES (1, '2026-01-01', 5);
CALL crm.refresh('parent_purchases');
SELECT results_eq('SELECT customer FROM parent_histories', 'VALUES (1)', 'which sees the children');

-- when it cannot be
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT throws_ok('SELECT crm.track(''computed_purchases'')', '25001', 'crm.track cannot run in a REPEATABLE READ transaction', 'under a snapshot that does not move');
COMMIT;
BEGIN;
SELECT throws_ok('CALL crm.refresh(''computed_purchases'')', '25001', 'crm.refresh cannot run inside a transaction block', 'a refresh commits');
COMMIT;

-- what cannot be counted says where and whose it is
CREATE TABLE said (shop text, customer int, day date, amount float8);
CREATE VIEW said_purchases AS SELECT shop, customer, day AS purchased_on, amount / (customer - 7) AS amount FROM said;
SELECT crm.track('said_purchases') \g /dev/null
CREATE FUNCTION pg_temp.context_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  context text;
BEGIN
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
  RETURN split_part(context, E'\n', 1);
END $$;
SELECT is(pg_temp.context_of($$INSERT INTO said VALUES ('s', 1, '2026-01-01', 'NaN')$$), 'purchases view "said_purchases", customer (s, 1)', 'an amount that is no number');
SELECT is(pg_temp.context_of($$INSERT INTO said VALUES ('s', 2, 'infinity', 1)$$), 'purchases view "said_purchases", customer (s, 2)', 'a day that is none');
SELECT is(pg_temp.context_of($$INSERT INTO said VALUES ('s', 7, '2026-01-01', 1)$$), 'purchases view "said_purchases", customer (s, 7)', 'an error of the view itself');

-- who may not is told so, without the steps of the call
CREATE ROLE tables_stranger;
SET ROLE tables_stranger;
SELECT is(pg_temp.context_of('SELECT crm.untrack(''said_purchases'')'), 'SQL statement "SELECT crm.untrack(''said_purchases'')"', 'whose owner another role is');
RESET ROLE;

SELECT * FROM finish();
