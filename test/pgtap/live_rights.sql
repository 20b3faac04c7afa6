-- What an owner hangs onto the tables of a tracking runs as the owner, whoever calls; and nobody gets at the rows of others.
SELECT plan(53);

CREATE ROLE rights_owner;
CREATE ROLE rights_member;
CREATE ROLE rights_other;
GRANT rights_owner TO rights_member;
CREATE SCHEMA shop AUTHORIZATION rights_owner;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
SET ROLE rights_owner;

-- every trap writes down who ran it
CREATE TABLE shop.loot (trap text, ran_as text);
GRANT ALL ON shop.loot TO PUBLIC;
CREATE FUNCTION shop.spring(trap text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.loot VALUES (trap, current_user); RETURN true; END $$;
CREATE FUNCTION shop.trap(x anyelement, trap text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM shop.spring(trap); RETURN true; END $$;
CREATE FUNCTION shop.trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM shop.spring(TG_TABLE_NAME || ' trigger'); RETURN coalesce(new, old); END $$;
CREATE FUNCTION shop.all_as_owner() RETURNS SETOF shop.loot LANGUAGE sql AS $$ SELECT * FROM shop.loot WHERE ran_as <> 'rights_owner' $$;
CREATE TYPE shop.day AS (d date);
CREATE FUNCTION shop.day_to_date(shop.day) RETURNS date LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM shop.spring('cast'); RETURN ($1).d; END $$;
CREATE CAST (shop.day AS date) WITH FUNCTION shop.day_to_date(shop.day);

CREATE TABLE shop.orders (customer_id int, ordered_on shop.day, amount numeric);
INSERT INTO shop.orders SELECT i % 7, ROW(date '2026-01-01' + i)::shop.day, 5 FROM generate_series(1, 50) i;
CREATE TABLE shop.plain (customer_id int, ordered_on date, amount numeric);
INSERT INTO shop.plain SELECT i % 9, date '2026-01-01' + i, 5 FROM generate_series(1, 50) i;
CREATE VIEW shop.trapped_purchases AS SELECT customer_id, ordered_on AS purchased_on, amount FROM shop.plain WHERE shop.trap(amount, 'view') AND shop.trap(1, 'constant');
CREATE VIEW shop.grouped_purchases AS SELECT customer_id, ordered_on AS purchased_on, sum(amount) AS amount FROM shop.plain WHERE shop.trap(amount, 'view') GROUP BY 1, 2;
RESET ROLE;

-- a superuser and a member do everything there is to do
SELECT lives_ok($$SELECT crm.track('shop.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount', changes => true)$$, 'a superuser tracks the table of another');
SELECT is((SELECT array_agg(DISTINCT relowner::regrole::text) FROM pg_class WHERE relnamespace = 'shop'::regnamespace), '{rights_owner}', 'all of it belongs to the owner');
GRANT INSERT ON shop.orders TO rights_other;
SET ROLE rights_other;
SELECT lives_ok($$INSERT INTO shop.orders VALUES (1, ROW('2026-05-01'), 5)$$, 'the application goes on');
RESET ROLE;
SELECT * FROM crm.live_source('shop.trapped_purchases');
SELECT lives_ok($$SELECT crm.track('shop.trapped_purchases'), crm.track('shop.grouped_purchases')$$, 'a superuser tracks the views of another');
INSERT INTO shop.plain VALUES (1, '2026-05-01', 5);
SET ROLE rights_owner;
CREATE TRIGGER spring BEFORE INSERT OR UPDATE OR DELETE ON shop.orders_scoring FOR EACH ROW EXECUTE FUNCTION shop.trigger();
CREATE TRIGGER spring AFTER UPDATE ON shop.trapped_scoring FOR EACH STATEMENT EXECUTE FUNCTION shop.trigger();
CREATE TRIGGER spring AFTER INSERT OR UPDATE ON shop.trapped_histories FOR EACH ROW EXECUTE FUNCTION shop.trigger();
CREATE TRIGGER spring BEFORE INSERT ON shop.orders_changes FOR EACH ROW EXECUTE FUNCTION shop.trigger();
ALTER TABLE shop.trapped_histories ADD CONSTRAINT trapped CHECK (shop.trap(customer_id, 'check'));
ALTER TABLE shop.trapped_histories ADD COLUMN trapped boolean DEFAULT shop.spring('default');
ALTER TABLE shop.grouped_histories ADD COLUMN trapped boolean GENERATED ALWAYS AS (shop.trap(customer_id, 'generated')) STORED;
ALTER TABLE shop.grouped_scoring ADD CONSTRAINT trapped CHECK (shop.trap(bins, 'check of rules'));
ALTER TABLE shop.orders_scoring ALTER margin SET DEFAULT CASE WHEN shop.spring('default of rules') THEN 1 END;
CREATE FUNCTION shop.jsonb_trap(jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN shop.trap(1, 'check at detach'); END $$;
CREATE FUNCTION shop.jsonb_trap(crm.purchase_history) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
ALTER TABLE shop.orders_histories ADD CONSTRAINT at_detach CHECK (shop.jsonb_trap(history));
RESET ROLE;
CALL crm.refresh('shop.orders_purchases', '2026-06-01', true);
CALL crm.refresh('shop.trapped_purchases', '2026-06-01');
CALL crm.refresh('shop.grouped_purchases', '2026-06-01');
SELECT crm.rebuild('shop.trapped_purchases'), crm.snapshot('shop.trapped_purchases', '2026-06-01'), crm.track_tiers('shop.trapped_purchases'),
  crm.track_partitions('shop.trapped_purchases'), crm_internal.rescore('shop.trapped_histories', NULL, 5);
SELECT is_empty($$SELECT v.* FROM (VALUES ('shop.orders_purchases'::regclass), ('shop.trapped_purchases'), ('shop.grouped_purchases')) AS t(t), crm.verify(t) AS v$$,
  'a superuser refreshes, rebuilds, makes snapshots, keeps decisions and verifies');
SET ROLE rights_member;
CALL crm.refresh('shop.orders_purchases', '2026-06-02', true);
CALL crm.refresh('shop.trapped_purchases', '2026-06-02');
SELECT crm.rebuild('shop.grouped_purchases'), crm.snapshot('shop.orders_purchases', '2026-06-02');
SELECT is_empty($$SELECT * FROM crm.verify('shop.trapped_purchases')$$, 'so does a member of the role');
RESET ROLE;
SET ROLE rights_owner;
UPDATE shop.trapped_histories SET history = '{}' WHERE customer_id = 1;
RESET ROLE;
SELECT results_eq($$SELECT customer, problem, stored, left(recomputed, 18) FROM crm.verify('shop.trapped_purchases') WHERE problem = 'history'$$,
  $$VALUES ('{"customer_id": 1}'::jsonb, 'history', '{}', '{2026-01-02 1 5.00')$$, 'what differs is handed over as data');
SELECT crm.rebuild('shop.trapped_purchases');
SELECT lives_ok($$SELECT crm.untrack('shop.trapped_purchases'), crm.detach('shop.orders_purchases'), crm.untrack('shop.grouped_purchases')$$, 'a superuser ends it');
SELECT cmp_ok((SELECT count(DISTINCT trap) FROM shop.loot), '>=', 11::bigint, 'the traps were there');
SELECT is_empty('SELECT DISTINCT * FROM shop.all_as_owner()', 'and ran as their owner, every one');

-- crm.tracked
SET ROLE rights_owner;
CREATE TABLE shop.mail (email text, d date, a numeric);
INSERT INTO shop.mail SELECT 'patient' || i || '@clinic.example', date '2026-01-01' + i % 50, 5 FROM generate_series(1, 100) i;
SELECT crm.track('shop.mail', 'email', 'd', 'a');
SELECT crm_internal.refresh_started('shop.mail'), crm_internal.refresh_batch('shop.mail', 10);
SELECT isnt((SELECT refresh_position FROM crm.tracking_status WHERE source = 'shop.mail'::regclass), NULL, 'an owner sees how far a refresh is');
SET ROLE rights_other;
SELECT is((SELECT refresh_position FROM crm.tracking_status WHERE source = 'shop.mail'::regclass), NULL, 'nobody else sees the key of a customer');
SELECT throws_ok('SELECT * FROM crm.refresh_position', '42501', NULL, 'in no other way');
SELECT lives_ok('SELECT * FROM crm.tracked', 'what is tracked may be seen');
SELECT throws_ok('LOCK TABLE crm.tracked IN SHARE MODE', '42501', NULL, 'but not locked');
SELECT throws_ok('SELECT * FROM crm.tracked FOR KEY SHARE', '42501', NULL, 'nor any row of it');
SELECT throws_ok('INSERT INTO crm.tracked SELECT * FROM crm.tracked', '42501', NULL, 'nor written to');
SELECT throws_ok($$SELECT crm_internal.write_tracked(t.purchases, NULL, NULL) FROM crm.tracked t$$, '42501', 'must be owner of relation shop.mail_purchases', 'by nobody but the owner');
SELECT throws_ok($$SELECT crm_internal.write_refresh_position('shop.mail_histories', '{x}')$$, '42501', NULL, 'nor is the position');
SELECT throws_ok($$SELECT * FROM crm.live_source('shop.mail_purchases')$$, '42501', NULL, 'nor does anybody ask what runs as the owner');
SELECT throws_ok($$SELECT * FROM crm.verify('shop.mail_purchases')$$, '42501', NULL, 'or verify');
RESET ROLE;
SELECT is((SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), 0::bigint, 'no advisory lock is taken, which just anybody could hold');

-- a superuser among tables of different owners: no owner's code gets on, not even before an error takes it back
SET ROLE rights_owner;
CREATE SEQUENCE shop.as_another;
GRANT ALL ON shop.as_another TO PUBLIC;
CREATE FUNCTION shop.count_others() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF current_user <> 'rights_owner' THEN PERFORM nextval('shop.as_another'); END IF; RETURN new; END $$;
CREATE TABLE shop.dropped AS TABLE shop.plain;
CREATE TABLE shop.given AS TABLE shop.plain;
CREATE TABLE shop.fed AS TABLE shop.plain;
SELECT crm.track(t, 'customer_id', 'ordered_on', 'amount') FROM unnest('{shop.dropped,shop.given,shop.fed}'::regclass[]) AS t;
CREATE TRIGGER spring BEFORE INSERT OR UPDATE ON shop.dropped_scoring FOR EACH STATEMENT EXECUTE FUNCTION shop.count_others();
CREATE TRIGGER spring BEFORE INSERT OR UPDATE ON shop.given_scoring FOR EACH STATEMENT EXECUTE FUNCTION shop.count_others();
CREATE TRIGGER spring BEFORE INSERT OR UPDATE ON shop.fed_scoring FOR EACH STATEMENT EXECUTE FUNCTION shop.count_others();
SET client_min_messages = error;
DROP TABLE shop.dropped_histories CASCADE;
RESET client_min_messages;
RESET ROLE;
SELECT throws_matching(format('SELECT %s(''shop.dropped_purchases''%s)', f, a), 'relation with OID \d+ does not exist|the table of histories of shop.dropped has been dropped', f || ' of a tracking whose histories were dropped')
FROM (VALUES ('crm_internal.refresh_fill', ''), ('crm_internal.refresh_start', ', NULL'), ('crm_internal.refresh_batch', ', 10'), ('crm.rebuild', ''), ('crm.snapshot', $$, '2026-01-01'$$), ('crm.track_tiers', '')) AS c(f, a);
SET client_min_messages = error;
SELECT crm_internal.refit_models('shop.dropped_purchases', NULL);
RESET client_min_messages;
SELECT isnt_empty($$SELECT FROM crm.verify('shop.dropped_purchases') WHERE problem = 'the histories of shop.dropped has been dropped, see crm.untrack'$$, 'verify says so');
SELECT lives_ok($$SELECT crm.untrack('shop.dropped_purchases')$$, 'untrack ends it');
CREATE VIEW shop.superuser_purchases AS SELECT customer_id, ordered_on AS purchased_on, amount FROM shop.plain;
SELECT throws_ok($$SELECT crm.track('shop.superuser_purchases', histories => 'shop.fed_histories')$$, '42501',
  format('shop.superuser_purchases belongs to %s, who does not own the histories shop.fed_histories', current_user), 'a superuser feeds nothing into the histories of another');
ALTER TABLE shop.given_histories OWNER TO CURRENT_USER;
SELECT throws_like(q, '% belongs to rights_owner, but the histories that it serves belong to %', q) FROM unnest(ARRAY['SELECT crm_internal.refresh_start(''shop.given'', NULL)', 'SELECT crm.rebuild(''shop.given'')',
  'SELECT * FROM crm.verify(''shop.given'')', 'SELECT crm.snapshot(''shop.given'', ''2026-01-01'')', 'SELECT crm.detach(''shop.given'')']) AS q;
ALTER TABLE shop.given_histories OWNER TO rights_owner;
SELECT is_empty($$SELECT * FROM crm.verify('shop.given')$$, 'given back, it goes on');
SELECT is((SELECT is_called FROM shop.as_another), false, 'nothing of the owner ran as another');
SELECT crm_internal.refresh_started('shop.given'), crm_internal.refresh_batch('shop.given', 3), crm.untrack('shop.given');
SELECT is_empty('SELECT FROM crm.refresh_position WHERE histories = ''shop.given_histories''::regclass', 'no key of a customer outlives a tracking');

-- where the owner may make nothing
CREATE SCHEMA guest;
CREATE TABLE guest.orders (customer_id int, ordered_on date, amount numeric);
ALTER TABLE guest.orders OWNER TO rights_owner;
GRANT USAGE ON SCHEMA guest TO rights_owner;
SELECT throws_ok($$SELECT crm.track('guest.orders', 'customer_id', 'ordered_on', 'amount')$$, '42501', 'rights_owner may not create tables in schema guest', 'a tracking stands beside its table');
GRANT CREATE ON SCHEMA guest TO rights_owner;
SELECT lives_ok($$SELECT crm.track('guest.orders', 'customer_id', 'ordered_on', 'amount')$$, 'which the GRANT of the hint allows');

-- triggers of the shop's own that are called as the extension's are
SET ROLE rights_owner;
CREATE TABLE shop.named (customer_id int, ordered_on date, amount numeric);
CREATE FUNCTION shop.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER crm_truncate AFTER TRUNCATE ON shop.named FOR EACH STATEMENT EXECUTE FUNCTION shop.nothing();
CREATE TRIGGER crm_insert AFTER INSERT ON shop.named FOR EACH STATEMENT EXECUTE FUNCTION shop.nothing();
CREATE TRIGGER crm_sync AFTER UPDATE ON shop.named FOR EACH STATEMENT EXECUTE FUNCTION shop.nothing();
CREATE TRIGGER crm_log AFTER DELETE ON shop.named FOR EACH STATEMENT EXECUTE FUNCTION shop.nothing();
SELECT crm.track('shop.named', 'customer_id', 'ordered_on', 'amount');
INSERT INTO shop.named VALUES (1, '2026-01-01', 5), (2, '2026-01-01', 5);
SELECT is_empty($$SELECT * FROM crm.verify('shop.named')$$, 'triggers are known by their functions, not their names');
ALTER TABLE shop.named DISABLE TRIGGER crm_truncate1;
SELECT is((SELECT tables_without_triggers FROM crm.tracking_status WHERE source = 'shop.named'::regclass), 1, 'one that is disabled is missed');
SELECT is((SELECT problem FROM crm.verify('shop.named')), 'shop.named has triggers that are disabled', 'and named');
RESET ROLE;

-- what tells which indexes a join lacks evaluates what the view computes of constants
SET ROLE rights_owner;
CREATE TABLE shop.held (id int PRIMARY KEY, customer_id int);
CREATE FUNCTION shop.who() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
  IF current_user <> 'rights_owner' THEN RAISE EXCEPTION 'code of the owner ran as %', current_user; END IF;
  RETURN 1;
END $$;
CREATE VIEW shop.held_purchases AS SELECT h.customer_id, n.ordered_on AS purchased_on, n.amount FROM shop.named n JOIN shop.held h ON h.id = n.customer_id WHERE shop.who() = 1;
RESET ROLE;
SELECT lives_ok($$SELECT crm_internal.join_indexes('shop.held_purchases')$$, 'join_indexes evaluates a view as its owner');
SELECT throws_ok($$SELECT crm_internal.join_indexes('shop.named')$$, '42809', '"named" is not a view', 'and no other relation');
SET ROLE rights_other;
SELECT throws_ok($$SELECT crm_internal.join_indexes('shop.held_purchases')$$, '42501', 'must be owner of view held_purchases', 'nor for anybody');
RESET ROLE;

-- who reads reports
CREATE ROLE rights_bi;
SET ROLE rights_owner;
GRANT SELECT ON shop.named_customers TO rights_bi;
SET ROLE rights_bi;
SELECT results_eq('SELECT customer_id, spend FROM shop.named_customers ORDER BY 1', 'VALUES (1, 5::numeric), (2, 5)', 'SELECT on the view of customers is enough');
SELECT throws_ok('SELECT FROM shop.named_histories', '42501', NULL, 'and gives nothing on the tables below it');
SET ROLE rights_owner;
SELECT is((SELECT reltuples::int FROM pg_class WHERE oid = 'shop.named_scoring'::regclass), 1, 'the rules are planned as the row that they are');
ALTER VIEW shop.named_customers SET (security_barrier = true);
SELECT crm_internal.make_customers('shop.named_purchases', 'shop.named_histories', 'shop.named_scoring', 365, 'shop.named_customers');
SELECT is((SELECT reloptions FROM pg_class WHERE oid = 'shop.named_customers'::regclass), '{security_barrier=true}', 'a view that is made anew keeps its setting');
CREATE TABLE shop.tenants (customer_id int, ordered_on date, amount numeric);
CREATE VIEW shop.tenant_orders AS SELECT * FROM shop.tenants WHERE amount > 0;
CREATE VIEW shop.tenant_purchases AS SELECT customer_id, ordered_on AS purchased_on, amount FROM shop.tenant_orders;
ALTER TABLE shop.tenants ENABLE ROW LEVEL SECURITY;
SELECT CASE WHEN current_setting('server_version_num')::int >= 150000 THEN lives_ok(q, 'a source with row security is tracked')
  ELSE throws_ok(q, '0A000', 'shop.tenants has row security, which a view of customers would pass by', 'a source with row security is refused') END
FROM (VALUES ($$SELECT crm.track('shop.tenant_purchases')$$)) AS v(q);
SELECT is((SELECT reloptions FROM pg_class WHERE oid = to_regclass('shop.tenant_customers')),
  CASE WHEN current_setting('server_version_num')::int >= 150000 THEN '{security_invoker=true}'::text[] END, 'and its customers are read by the rights of the reader');
RESET ROLE;
