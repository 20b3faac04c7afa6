-- Who may do what, whose rights the upkeep has, and names that try to break it.
SELECT plan(60);

CREATE ROLE live_owner;
CREATE ROLE live_app;
CREATE ROLE live_other;
CREATE SCHEMA shop AUTHORIZATION live_owner;
GRANT USAGE ON SCHEMA shop TO live_app, live_other;

SET ROLE live_owner;
CREATE TABLE shop.orders (customer int, at date, total numeric);
CREATE FUNCTION shop.twice(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 * 2; END';
REVOKE ALL ON FUNCTION shop.twice FROM PUBLIC;
CREATE VIEW shop.purchases AS SELECT customer, at AS purchased_on, shop.twice(total) AS amount FROM shop.orders;
SELECT lives_ok('SELECT crm.track(''shop.purchases'', changes => true)', 'an owner who is no superuser tracks');
GRANT INSERT ON shop.orders TO live_app;

SET ROLE live_app;
SELECT throws_ok('SELECT * FROM shop.purchases_histories', '42501', NULL, 'an application cannot read histories');
SELECT lives_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-01'', 10), (2, ''2026-01-01'', 10)', 'but what it inserts is followed');
SELECT throws_ok('INSERT INTO shop.orders VALUES (1, ''infinity'', 10)', '22008', NULL, 'an error inside');
SELECT is(current_user::text, 'live_app', 'leaves the user as it was');
SELECT is(current_setting('search_path'), '"$user", public', 'and the search path');
SELECT is(current_setting('row_security'), 'on', 'and row security');
SELECT throws_ok('SELECT crm.untrack(''shop.purchases'')', '42501', NULL, 'others cannot untrack');
SELECT throws_ok('SELECT crm.rebuild(''shop.purchases'')', '42501', NULL, 'nor rebuild');
SELECT throws_ok('SELECT crm_internal.rescore(''shop.purchases_histories'', NULL, 5)', '42501', NULL, 'nor score');
SELECT throws_ok('SELECT crm_internal.wait_for_writers(''shop.purchases_scoring'')', '42501', NULL, 'nor wait');
SELECT throws_ok('UPDATE crm.tracked SET notify = true', '42501', NULL, 'nor change the catalogue');
SELECT throws_ok('DELETE FROM crm.tracked', '42501', NULL, 'nor delete from it');
SELECT throws_ok('INSERT INTO crm.tracked (purchases, source, histories, scoring, customers) SELECT ''pg_class'', source, histories, scoring, customers FROM crm.tracked', '42501', NULL, 'nor put a tracking of their own there');

SET ROLE live_other;
SELECT throws_ok('SELECT crm.track(''shop.orders'', ''customer'', ''at'', ''total'')', '42501', NULL, 'only the owner tracks a table');
RESET ROLE;
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'all is followed');

-- row-level security
SET ROLE live_owner;
ALTER TABLE shop.purchases_histories ENABLE ROW LEVEL SECURITY;
CREATE POLICY nobody ON shop.purchases_histories USING (false);
SELECT lives_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-02'', 10)', 'policies do not hold for the upkeep');
SELECT is((SELECT purchase_count::int FROM shop.purchases_customers WHERE customer = 1), 2, 'nor for the owner');
ALTER TABLE shop.purchases_histories FORCE ROW LEVEL SECURITY;
SELECT throws_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-02'', 10)', '55000', 'histories cannot be kept under forced row-level security', 'but they must not be forced on it');
ALTER TABLE shop.purchases_histories NO FORCE ROW LEVEL SECURITY;
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY app ON shop.orders FOR INSERT TO live_app WITH CHECK (true);
SET ROLE live_app;
SELECT lives_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-03'', 10)', 'an application that sees none of the orders inserts');
RESET ROLE;
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'and is followed');

-- a superuser who looks after a tracking lends its functions no rights
SET ROLE live_owner;
CREATE FUNCTION shop.trap(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF current_user <> 'live_owner' THEN
    RAISE 'ran as %', current_user;
  END IF;
  RETURN $1;
END $$;
CREATE TABLE shop.bait (customer int, at date, total numeric);
CREATE VIEW shop.bait_purchases AS SELECT customer, at AS purchased_on, shop.trap(total) AS amount FROM shop.bait;
CREATE VIEW shop.dull_purchases AS SELECT DISTINCT customer, at AS purchased_on, shop.trap(total) AS amount FROM shop.bait;
SELECT crm.track('shop.bait_purchases');
SELECT crm.track('shop.dull_purchases');
RESET ROLE;
SELECT lives_ok('INSERT INTO shop.bait VALUES (1, ''2026-01-01'', 5)', 'a superuser inserts');
SELECT lives_ok('SELECT crm.rebuild(''shop.bait_purchases'')', 'rebuilds');
SELECT lives_ok('SELECT crm_internal.refresh_fill(''shop.dull_purchases'')', 'refreshes');
SELECT lives_ok('SELECT crm.snapshot(''shop.bait_purchases'', ''2026-01-01'')', 'and makes snapshots');
SELECT is((SELECT relowner::regrole::text FROM pg_class WHERE oid = 'shop.bait_snapshots'::regclass), 'live_owner', 'which belong to the owner');
SET ROLE live_other;
SELECT throws_ok('SELECT crm_internal.as_owner(''shop.bait_histories'', ''SELECT 1'')', '42501', NULL, 'nobody else acts as the owner');
RESET ROLE;
SELECT crm.untrack('shop.bait_purchases');
SELECT crm.untrack('shop.dull_purchases');

-- an owner whose name is no plain word
CREATE ROLE "Live Owner";
CREATE SCHEMA "Live" AUTHORIZATION "Live Owner";
SET ROLE "Live Owner";
CREATE TABLE "Live".orders (customer int, at date, total numeric);
SELECT crm.track('"Live".orders', 'customer', 'at', 'total');
SELECT lives_ok('SELECT crm.track_tiers(''"Live".orders'')', 'an owner of any name');
RESET ROLE;
CREATE TABLE "Live".more (customer int, at date, total numeric);
ALTER TABLE "Live".more OWNER TO "Live Owner";
SET ROLE "Live Owner";
SELECT crm.track('"Live".more', 'customer', 'at', 'total');
RESET ROLE;
SELECT crm.track_tiers('"Live".more');
SELECT is((SELECT relowner::regrole::text FROM pg_class WHERE oid = '"Live".more_tier_decisions'::regclass), '"Live Owner"', 'who has what a superuser makes for them');
SET ROLE live_owner;
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'a tracking in a schema that others may not see is no matter');
RESET ROLE;
SELECT crm.untrack('"Live".orders');
SELECT crm.untrack('"Live".more');

-- a tracking of rows that are not there yet would be one of whoever makes them
CREATE TABLE pg_temp.own (a int);
SELECT throws_ok($$INSERT INTO crm.tracked (purchases, source, histories, scoring, customers) VALUES ('pg_temp.own', 4000000000, 'pg_temp.own', 'pg_temp.own', 'pg_temp.own')$$,
  '42P01', 'relation with OID 4000000000 does not exist', 'a row names relations that are there');
ALTER TABLE shop.orders OWNER TO live_other;
SELECT lives_ok('INSERT INTO shop.orders VALUES (20, ''2026-01-03'', 10)', 'orders that were given to another owner can be written');
SELECT is((SELECT count(*)::int FROM shop.purchases_histories WHERE customer = 20), 0, 'but histories are not kept for somebody who may not see the rows');
SELECT is(problem, 'shop.orders belongs to live_other, the histories to live_owner: what is written is not followed until one owner has both and crm.rebuild was called',
  'which the status says') FROM crm.tracking_status WHERE purchases = 'shop.purchases'::regclass;
GRANT live_other TO live_owner;
SELECT lives_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-03'', 10)', 'unless a member of the owner''s role keeps them');
REVOKE live_other FROM live_owner;
SELECT is((SELECT count(*)::int FROM crm.verify('shop.purchases') AS v WHERE v.problem LIKE 'shop.purchases follows nothing: shop.orders belongs to live_other%'), 1, 'and so does crm.verify');
SELECT throws_ok('SELECT crm.rebuild(''shop.purchases'')', '42501', 'shop.orders belongs to live_other, but the histories that it feeds belong to live_owner', 'what cannot be read is not rebuilt, and why is said');
ALTER TABLE shop.orders OWNER TO live_owner;
SELECT is((SELECT problem FROM crm.tracking_status WHERE purchases = 'shop.purchases'::regclass), NULL, 'one owner has all again');
SELECT crm.rebuild('shop.purchases');
SELECT is_empty('SELECT * FROM crm.verify(''shop.purchases'')', 'and no order is lost');

-- the view must be the owner's
ALTER VIEW shop.purchases OWNER TO live_other;
SELECT lives_ok('INSERT INTO shop.orders VALUES (30, ''2026-01-03'', 10)', 'a view that was given to another owner stops nobody');
SELECT is((SELECT count(*)::int FROM shop.purchases_histories WHERE customer = 30), 0, 'and is not evaluated');
ALTER VIEW shop.purchases OWNER TO live_owner;
SELECT crm.rebuild('shop.purchases');

-- a hostile schema earlier in the path
CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
CREATE FUNCTION hostile.trap(anyelement, anyelement) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped as %', current_user; END $$;
CREATE FUNCTION hostile.trap_int(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped as %', current_user; END $$;
CREATE OPERATOR hostile.= (LEFTARG = int, RIGHTARG = int, FUNCTION = hostile.trap_int);
CREATE OPERATOR hostile.> (LEFTARG = int, RIGHTARG = int, FUNCTION = hostile.trap_int);
CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped as %', current_user; END $$;
CREATE FUNCTION hostile.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped as %', current_user; END $$;
-- before 15, what has row security is not tracked again
SELECT format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', secured::regclass) FROM unnest('{shop.orders,shop.purchases_histories}'::text[]) AS secured
WHERE current_setting('server_version_num')::int < 150000 \gexec
SET ROLE live_owner;
SET search_path = hostile, pg_catalog, public;
-- pgTAP itself would be trapped, so an error here ends the test
INSERT INTO shop.orders VALUES (1, '2026-01-04', 10), (3, '2026-01-04', 10);
UPDATE shop.orders SET total = 11;
CALL crm.refresh('shop.purchases', NULL, false, 1);
CREATE TABLE shop.differences AS SELECT * FROM crm.verify('shop.purchases');
DO $$ BEGIN
  PERFORM crm.rebuild('shop.purchases');
  PERFORM crm.snapshot('shop.purchases', '2026-01-04');
  PERFORM FROM shop.purchases_customers;
  PERFORM crm.untrack('shop.purchases');
  PERFORM crm.track('shop.purchases', scale_by => '{customer}');
END $$;
INSERT INTO shop.orders VALUES (1, '2026-01-05', 10), (4, '2026-01-04', 10);
SET client_min_messages = error;
CALL crm.refresh('shop.purchases', refit => true);
INSERT INTO shop.differences SELECT * FROM crm.verify('shop.purchases');
RESET ROLE;
RESET search_path;
SELECT is_empty('SELECT * FROM shop.differences', 'a hostile schema earlier in the path reaches nothing');

SELECT is((SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = (SELECT models FROM crm.tracked)), 'live_owner', 'not even a refit');
DROP TABLE shop.purchases_models;
UPDATE shop.purchases_scoring1 SET purchase_model = crm.bg_nbd(1, 1, 1, 1);
CALL crm.refresh('shop.purchases', refit => true);
SELECT is((SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = (SELECT models FROM crm.tracked)), 'live_owner', 'a table of models is the owner''s, whoever calls for it');
SET ROLE live_owner;
CALL crm.refresh('shop.purchases', refit => true);
RESET ROLE;
SELECT isnt_empty('SELECT FROM shop.purchases_models', 'who then goes on with it');

-- names
CREATE SCHEMA "it's ""my"" shop";
CREATE TABLE "it's ""my"" shop"."order" ("select" text, "the "" day" timestamptz, "it's" numeric);
SELECT is(crm.track('"it''s ""my"" shop"."order"', 'select', 'the " day', 'it''s', changes => true)::text,
  '"it''s ""my"" shop".order_customers', 'quotes, spaces and keywords in names');
INSERT INTO "it's ""my"" shop"."order" VALUES ('a '' "', now(), 10), ('b', now() - interval '400 days', 1);
SELECT is_empty('SELECT * FROM crm.verify(''"it''''s ""my"" shop"."order"'')', 'are followed');
CALL crm.refresh('"it''s ""my"" shop"."order"', refit => true);
SELECT has_table('it''s "my" shop', 'order_models', 'have models');
SELECT is(crm.snapshot('"it''s ""my"" shop"."order"', current_date)::int, 2, 'and make snapshots');
SELECT lives_ok('SELECT crm.detach(''"it''''s ""my"" shop"."order"'')', 'and are detached');

CREATE TABLE public.long_name_that_has_sixty_three_bytes_and_so_leaves_no_room_for (c int, d date, a int);
CREATE TABLE public.long_name_that_has_sixty_three_bytes_and_so_leaves_no_room_fog (c int, d date, a int);
SELECT lives_ok('SELECT crm.track(''public.long_name_that_has_sixty_three_bytes_and_so_leaves_no_room_for'', ''c'', ''d'', ''a'')', 'a name of 63 bytes');
SELECT lives_ok('SELECT crm.track(''public.long_name_that_has_sixty_three_bytes_and_so_leaves_no_room_fog'', ''c'', ''d'', ''a'')', 'and one that is the same when cut');
INSERT INTO public.long_name_that_has_sixty_three_bytes_and_so_leaves_no_room_for VALUES (1, current_date, 1);
INSERT INTO public.long_name_that_has_sixty_three_bytes_and_so_leaves_no_room_fog VALUES (1, current_date, 1), (2, current_date, 1);
CALL crm.refresh('public.long_name_that_has_sixty_three_bytes_and_so_leaves_no_room_for', refit => true);
CALL crm.refresh('public.long_name_that_has_sixty_three_bytes_and_so_leaves_no_room_fog', refit => true);
SELECT is((SELECT count(DISTINCT models)::int FROM crm.tracked WHERE models::text LIKE 'long%'), 2, 'each has models');
SELECT is_empty('SELECT v.* FROM (SELECT DISTINCT histories FROM crm.tracked) t, crm.verify(t.histories) v', 'both are followed');
SELECT is((SELECT count(DISTINCT histories)::int FROM crm.tracked), 3, 'apart');
SELECT is((SELECT max(length(histories::text)) <= 63 AND min(length(histories::text)) >= 30 FROM crm.tracked WHERE histories::text LIKE 'long%'), true, 'their tables have cut names');
CREATE TABLE public.größe_der_bestellungen_mit_umlauten_äöüäöüäöüä (c int, d date, a int);
SELECT lives_ok('SELECT crm.track(''public.größe_der_bestellungen_mit_umlauten_äöüäöüäöüä'', ''c'', ''d'', ''a'')', 'names of more bytes than characters');

-- dropped histories
DROP TABLE shop.purchases_histories1 CASCADE;
SELECT throws_like('INSERT INTO shop.orders VALUES (1, ''2026-01-04'', 10)', 'a table or view that tracks "orders" has been dropped', 'a dropped table of histories is an error that says so');
SELECT lives_ok('SELECT crm.untrack(''shop.orders'')', 'untrack cleans up');
SELECT lives_ok('INSERT INTO shop.orders VALUES (1, ''2026-01-04'', 10)', 'and statements run again');

SELECT * FROM finish();
