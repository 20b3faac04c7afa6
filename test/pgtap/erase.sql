-- export and erase: all that a tracking holds of one customer, by an owner and by others, keys of two columns, and what would bring her back
BEGIN;
SELECT plan(29);
CREATE ROLE erase_keeper;
CREATE ROLE erase_other;
CREATE SCHEMA shop AUTHORIZATION erase_keeper;
GRANT USAGE ON SCHEMA shop TO erase_other;
SET LOCAL ROLE erase_keeper;
CREATE TABLE shop.orders (tenant text, customer int, day date, total numeric);
INSERT INTO shop.orders SELECT 't' || i % 2, i % 7, date '2026-01-01' + i, i FROM generate_series(1, 140) i;
CREATE VIEW shop.sales_purchases AS SELECT tenant, customer, day AS purchased_on, total AS amount FROM shop.orders;
SELECT crm.track('shop.sales_purchases', changes => true);
SELECT crm.track_tiers('shop.sales_purchases');
CREATE TABLE shop.refunds (tenant text, customer int, day date, total numeric);
CREATE VIEW shop.refund_purchases AS SELECT tenant, customer, day AS purchased_on, -total AS amount, 0 AS orders FROM shop.refunds;
SELECT crm.track('shop.refund_purchases', histories => 'shop.sales_histories');
INSERT INTO shop.refunds VALUES ('t1', 3, '2026-03-01', 2);
UPDATE shop.sales_scoring SET tier_program = crm.tier_program(tiers => '{Bronze,Silver}', thresholds => '{0,100}', metric => 'spend', period => '12 months', window_kind => 'rolling');
INSERT INTO shop.sales_tier_decisions (tenant, customer, what, tier, valid, why) VALUES ('t1', 3, 'floor', 'Silver', '(,)', 'partner'), ('t0', 3, 'ceiling', 'Bronze', '(,)', 'dispute');
SELECT crm.snapshot('shop.sales_purchases', '2026-05-01');
SELECT crm.snapshot('shop.sales_purchases', '2026-06-01');
UPDATE shop.orders SET total = total + 500 WHERE customer = 3;
CREATE TEMP TABLE hers AS SELECT e.relation, count(*) AS n FROM crm.export('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') e GROUP BY 1;

SELECT results_eq($$ SELECT relation, n FROM hers WHERE relation !~ 'changes' ORDER BY 1 $$,
  $$ VALUES ('shop.refund_purchases', 1::bigint), ('shop.sales_histories', 1), ('shop.sales_purchases', 10), ('shop.sales_snapshots', 2), ('shop.sales_tier_decisions', 1) $$, 'export has her rows of every table');
SELECT cmp_ok((SELECT n FROM hers WHERE relation ~ 'changes')::int, '>', 0, 'the log among them');
SELECT is_empty($$ SELECT * FROM crm.export('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') WHERE row_data ->> 'tenant' <> 't1' OR row_data ->> 'customer' <> '3' $$, 'and nobody else''s');
SELECT is((SELECT row_data ->> 'history' FROM crm.export('shop.refund_purchases', '{"tenant": "t1", "customer": 3}') WHERE relation ~ 'histories')::crm.purchase_history::text,
  (SELECT history::text FROM shop.sales_histories WHERE tenant = 't1' AND customer = 3), 'a history is in it whole');
RESET ROLE;
SELECT results_eq($$ SELECT relation, count(*) FROM crm.export('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') GROUP BY 1 ORDER BY 1 $$, $$ SELECT * FROM hers ORDER BY 1 $$, 'a superuser gets the same');
SET LOCAL ROLE erase_other;
SELECT throws_ok($$ SELECT crm.export('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') $$, '42501', NULL, 'others get nothing');
SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') $$, '42501', NULL, 'and erase nothing');
SET LOCAL ROLE erase_keeper;

SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') $$, '55000', 'customer {"tenant": "t1", "customer": 3} still has purchases', 'she is not erased while purchases would bring her back');
SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', '{"customer": 3}') $$, '22023', NULL, 'half a key is nobody''s');
SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', NULL) $$, '22023', NULL, 'nor is none');
DELETE FROM shop.orders WHERE tenant = 't1' AND customer = 3;
SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') $$, '55000', NULL, 'nor while one of two sources has her');
DELETE FROM shop.refunds;
CREATE TEMP TABLE others AS SELECT h::text FROM shop.sales_histories h WHERE (tenant, customer) <> ('t1', 3);
RESET ROLE;
SELECT results_eq($$ SELECT relation, row_count > 0 FROM crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') $$,
  $$ VALUES ('shop.sales_tier_decisions', true), ('shop.sales_histories', true), ('shop.sales_segment_since', false), ('shop.sales_snapshots', true), ('shop.sales_changes', true) $$, 'erase says what went, called by a superuser too');
SET LOCAL ROLE erase_keeper;
SELECT is_empty($$ SELECT * FROM crm.export('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') $$, 'nothing of her is left');
SELECT results_eq($$ SELECT h::text FROM shop.sales_histories h ORDER BY 1 $$, $$ SELECT h FROM others ORDER BY 1 $$, 'all of everybody else is');
SELECT is_empty($$ SELECT * FROM crm.verify('shop.sales_purchases') WHERE problem <> 'score' $$, 'and the tracking is sound');
INSERT INTO shop.orders VALUES ('t1', 3, '2026-07-01', 9);
SELECT is((SELECT crm.spend(history) FROM shop.sales_histories WHERE tenant = 't1' AND customer = 3), 9::numeric, 'who comes again begins anew');
DELETE FROM shop.orders WHERE tenant = 't1' AND customer = 3;
CREATE FUNCTION shop.copy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO shop.sales_changes (tenant, customer, changed_at, what, why) VALUES (old.tenant, old.customer, now(), 'copy', 'copy'); RETURN NULL; END $$;
CREATE TRIGGER copy AFTER DELETE ON shop.sales_changes FOR EACH ROW WHEN (old.what <> 'copy') EXECUTE FUNCTION shop.copy();
SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}') $$, '55000', NULL, 'what a trigger of the owner''s brings back is an error, not a secret');

DROP TRIGGER copy ON shop.sales_changes;
-- what may stay of who wants no contact
CREATE TABLE shop.suppressed (entry bytea PRIMARY KEY, since timestamptz DEFAULT now());
RESET ROLE;
SELECT results_eq($$ SELECT relation, row_count FROM crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}', 'shop.suppressed', crm.suppression_entry('a secret of 16 bytes or more', '{"tenant": "t1", "customer": 3}')) WHERE relation ~ 'suppressed' $$,
  $$ VALUES ('shop.suppressed', 0::bigint) $$, 'an erasure leaves the entry of who objected');
SELECT lives_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}', 'shop.suppressed', crm.suppression_entry('a secret of 16 bytes or more', '{"customer": 3.0, "tenant": "t1"}')) $$, 'which may be there already');
SELECT results_eq($$ SELECT entry, count(*) FROM shop.suppressed GROUP BY 1 $$, $$ SELECT crm.suppression_entry('a secret of 16 bytes or more', '{"tenant": "t1", "customer": 3}'), 1::bigint $$, 'once, by which the next import knows her');
SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}', 'shop.suppressed') $$, '22004', 'suppressed and entry go together', 'a table without an entry');
SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}', 'shop.suppressed', 'x') $$, '22023', 'a suppression entry has 32 bytes, not 1', 'and no other bytes');
CREATE TABLE shop.entries_as_text (entry text);
SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}', 'shop.entries_as_text', decode(repeat('00', 32), 'hex')) $$, '42703', 'shop.entries_as_text has no column entry of type bytea', 'and a column for them');
CREATE DOMAIN shop.suppression AS bytea CHECK (length(VALUE) = 32);
CREATE TABLE shop.entries_of_domain (entry shop.suppression PRIMARY KEY);
ALTER TABLE shop.entries_of_domain OWNER TO erase_keeper;
SELECT lives_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}', 'shop.entries_of_domain', decode(repeat('00', 32), 'hex')) $$, 'which a domain may say more of');
CREATE TABLE public.erase_others (entry bytea);
SELECT throws_ok($$ SELECT crm.erase('shop.sales_purchases', '{"tenant": "t1", "customer": 3}', 'public.erase_others', crm.suppression_entry('a secret of 16 bytes or more', '{"customer": 3.0, "tenant": "t1"}')) $$, '42501', NULL, 'nor a table of another');
SET LOCAL ROLE erase_keeper;

-- what is not where it was: a detached partition, and snapshots that were renamed and moved
RESET ROLE;
CREATE SCHEMA archive AUTHORIZATION erase_keeper;
SET LOCAL ROLE erase_keeper;
CREATE TABLE shop.visits ("the ""key" int, d date, a numeric) PARTITION BY RANGE (d);
CREATE TABLE shop.visits_1 PARTITION OF shop.visits FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE shop.visits_2 PARTITION OF shop.visits FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
SELECT crm.track('shop.visits', 'the "key', 'd', 'a');
INSERT INTO shop.visits VALUES (1, '2026-01-05', 5), (1, '2026-02-05', 6), (2, '2026-01-05', 5);
SELECT crm.snapshot('shop.visits', '2026-03-01');
ALTER TABLE shop.visits DETACH PARTITION shop.visits_1;
ALTER TABLE shop.visits_snapshots RENAME TO shots;
ALTER TABLE shop.shots SET SCHEMA archive;
DELETE FROM shop.visits WHERE "the ""key" = 1;
SELECT throws_ok($$SELECT crm.erase('shop.visits_purchases', '{"x": 1}')$$, '22023', '{"x": 1} names no customer of shop.visits_histories', 'an object of another key is nobody''s');
SELECT is((SELECT array_agg(relation ORDER BY relation) FROM crm.erase('shop.visits_purchases', '{"the \"key": 1}') WHERE row_count > 0),
  '{archive.shots,shop.visits_detached,shop.visits_histories}', 'snapshots are found where they are, and what is kept of a detached partition');
SELECT is((SELECT count(*) FROM archive.shots), 1::bigint, 'the others stay');
SELECT is((SELECT count(*) FROM shop.visits_1 WHERE "the ""key" = 1), 1::bigint, 'a table that was detached is the shop''s to erase');

SELECT * FROM finish();
ROLLBACK;
