-- Decisions on the tiers of tracked customers: the stored tier, the standing and
-- the two questions asked of it, against crm.standing computed by hand from the
-- orders; rights, errors, leaving.
SELECT plan(79);
SELECT setseed(0.4);

CREATE SCHEMA shop;
CREATE TABLE shop.orders (customer int, day date, amount numeric);
INSERT INTO shop.orders
SELECT (random() * 59)::int, current_date - (random() * 400)::int, (random() * 150)::numeric(9, 2) - 10 FROM generate_series(1, 900);
SELECT is(crm.track('shop.orders', 'customer', 'day', 'amount', changes => true, time_zone => 'UTC')::text, 'shop.orders_customers', 'a tracking');
SELECT is(crm.track_tiers('shop.orders')::text, 'shop.orders_standing', 'gets decisions on tiers, before it has a program');
SELECT throws_ok($$INSERT INTO shop.orders_tier_decisions (customer, what, tier, valid, why) VALUES (1, 'floor', 'Gold', '(,)', 'x')$$,
  '55000', 'there is no tier program for a decision on tier "Gold"', 'no tier can be decided on before');
UPDATE shop.orders_scoring SET tier_program = '{Bronze: spend 0, Silver: spend 400, Gold: spend 700, Platinum: spend 1000} rolling 12 months downgrade one_tier grace 20 days';
CALL crm.refresh('shop.orders');
SELECT is_empty('SELECT * FROM crm.verify(''shop.orders'')', 'nothing was decided yet');
SELECT is((SELECT (decisions, standing, by_invitation)::text FROM crm.tracked), '(shop.orders_tier_decisions,shop.orders_standing,f)', 'the catalogue ties the new objects');
SELECT is_empty($$
  SELECT attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE attrelid IN ('shop.orders_standing'::regclass, 'shop.orders_tier_decisions'::regclass) AND attnum > 0 AND typnamespace <> 'pg_catalog'::regnamespace $$,
  'they have built-in types only');
SELECT is_empty($$
  SELECT attrelid::regclass, attname FROM pg_attribute
  WHERE attrelid IN ('shop.orders_standing'::regclass, 'shop.orders_tier_decisions'::regclass) AND attnum > 0 AND col_description(attrelid, attnum) IS NULL $$,
  'and a comment on every column');
SELECT is((SELECT count(*)::int FROM pg_proc WHERE pronamespace = 'shop'::regnamespace AND obj_description(oid, 'pg_proc') IS NOT NULL), 3, 'and on every function');

-- the oracle: from the orders by the aggregate, decisions put together row by row
CREATE FUNCTION shop.overrides_of(int) RETURNS crm.tier_override[] LANGUAGE sql STABLE AS $$
  SELECT array_agg(o) FROM (
    SELECT ROW(tier, NULL, valid)::crm.tier_override AS o FROM shop.orders_tier_decisions WHERE customer = $1 AND what = 'floor'
    UNION ALL SELECT ROW(NULL, tier, valid)::crm.tier_override FROM shop.orders_tier_decisions WHERE customer = $1 AND what = 'ceiling') AS u
$$;
CREATE VIEW shop.by_hand AS
  SELECT customer, history, shop.overrides_of(customer) AS overrides, tier_program AS program
  FROM (SELECT customer, crm.purchase_history(day, amount) AS history FROM shop.orders GROUP BY customer) AS h, shop.orders_scoring
  UNION ALL
  SELECT DISTINCT customer, '{}'::crm.purchase_history, shop.overrides_of(customer), tier_program
  FROM shop.orders_tier_decisions AS d, shop.orders_scoring WHERE NOT EXISTS (SELECT FROM shop.orders AS o WHERE o.customer = d.customer);
CREATE VIEW shop.differences AS
  SELECT b.customer, s::text, h::text
  FROM shop.by_hand AS b CROSS JOIN LATERAL crm.standing(program, history, current_date, overrides) AS h
    FULL JOIN shop.orders_standing AS s USING (customer)
  WHERE (s.tier, s.tier_rank, s.tier_since, s.tier_expires_on, s.next_tier, s.metric_value, s.missing_for_next, s.missing_to_keep, s.reason)
    IS DISTINCT FROM (h.tier, h.rank, h.since, h.expires_on, h.next_tier, h.metric_value, h.missing_for_next, h.missing_to_keep, h.reason)
  UNION ALL
  SELECT h.customer, h.tier, crm.tier(program, b.history, current_date, overrides)
  FROM shop.orders_histories AS h LEFT JOIN shop.by_hand AS b USING (customer)
  WHERE h.tier IS DISTINCT FROM crm.tier(program, b.history, current_date, overrides)
  UNION ALL
  SELECT NULL, v::text, NULL FROM crm.verify('shop.orders') AS v;
CREATE FUNCTION pg_temp.stays_true(statement text, what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN is((SELECT count(*)::int FROM shop.differences), 0, what);
END $$;

CREATE FUNCTION pg_temp.decide(times int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO shop.orders_tier_decisions (customer, what, tier, valid, why)
  SELECT (random() * 69)::int, CASE WHEN random() < 0.5 THEN 'floor' ELSE 'ceiling' END, (ARRAY['Bronze', 'Silver', 'Gold', 'Platinum'])[1 + floor(random() * 4)::int],
    daterange(CASE WHEN random() < 0.8 THEN current_date - (random() * 60)::int + 20 END, CASE WHEN random() < 0.8 THEN current_date + 21 + (random() * 60)::int END), 'at random'
  FROM generate_series(1, times)
$$;
SELECT pg_temp.stays_true('SELECT pg_temp.decide(1)', 'one decision');
SELECT pg_temp.stays_true('SELECT pg_temp.decide(60)', 'random decisions');
SELECT isnt_empty('SELECT FROM shop.orders_changes WHERE what = ''tier'' AND why = ''decision''', 'change tiers');
SELECT isnt_empty('SELECT FROM shop.orders_standing WHERE reason = ''floor'' AND NOT EXISTS (SELECT FROM shop.orders_histories h WHERE h.customer = orders_standing.customer)',
  'also of customers who have not bought yet');
SELECT is_empty($$
  SELECT customer, tier, downgraded_on, days_until_downgrade, tier_then FROM shop.orders_tier_expiring(45)
  EXCEPT
  SELECT customer, crm.tier(program, h, current_date, overrides), current_date + n, n, crm.tier(program, h, current_date + n, overrides)
  FROM (SELECT *, crm.until(history, current_date) AS h FROM shop.by_hand) AS b,
    LATERAL (SELECT n FROM generate_series(1, 45) AS n
             WHERE (crm.standing(program, h, current_date + n, overrides)).rank < (crm.standing(program, h, current_date, overrides)).rank
             ORDER BY n LIMIT 1) AS first $$, 'who will be downgraded, going day by day');
SELECT is((SELECT count(*) FROM shop.orders_tier_expiring(45)),
  (SELECT count(*) FROM (SELECT *, crm.until(history, current_date) AS h FROM shop.by_hand) AS b
   WHERE EXISTS (SELECT FROM generate_series(1, 45) AS n
     WHERE (crm.standing(program, h, current_date + n, overrides)).rank < (crm.standing(program, h, current_date, overrides)).rank)), 'all of them');
SELECT cmp_ok((SELECT count(*) FROM shop.orders_tier_expiring()), '>', 0::bigint, 'within 30 days if not told otherwise');
SELECT is((SELECT array_agg(customer ORDER BY customer) FROM shop.orders_within_reach(60)),
  (SELECT array_agg(customer ORDER BY customer) FROM shop.by_hand, crm.standing(program, history, current_date, overrides) AS s WHERE s.missing_for_next <= 60),
  'who is within reach of the next tier');
SELECT is_empty(format($$
  SELECT customer, tier FROM shop.orders_customers_on(current_date - %1$s)
  EXCEPT SELECT customer, crm.tier(program, history, current_date - %1$s, overrides) FROM shop.by_hand $$, d), format('customers on the day %s days ago', d))
FROM unnest('{0,5,60}'::int[]) AS d;
SELECT is(crm.snapshot('shop.orders', current_date - 5), (SELECT count(*) FROM shop.orders_customers_on(current_date - 5)), 'a snapshot');
SELECT is_empty('SELECT customer, tier FROM shop.orders_snapshots EXCEPT SELECT customer, tier FROM shop.orders_customers_on(current_date - 5)', 'has the same tiers');

-- statements of every kind on both tables
SELECT pg_temp.stays_true('INSERT INTO shop.orders SELECT (random() * 69)::int, current_date - (random() * 30)::int, 90 FROM generate_series(1, 80)', 'orders of those decided on, new customers among them');
SELECT pg_temp.stays_true('UPDATE shop.orders_tier_decisions SET customer = customer + 1 WHERE customer % 3 = 0', 'decisions moved to others');
SELECT pg_temp.stays_true('UPDATE shop.orders_tier_decisions SET valid = daterange(lower(valid), current_date) WHERE customer % 4 = 0 AND coalesce(lower(valid) < current_date, true)', 'decisions ended today');
SELECT pg_temp.stays_true('UPDATE shop.orders_tier_decisions SET why = ''another reason''', 'reasons changed');
SELECT pg_temp.stays_true('DELETE FROM shop.orders_tier_decisions WHERE customer % 5 = 0', 'decisions taken back');
SELECT pg_temp.stays_true('DELETE FROM shop.orders WHERE customer % 6 = 0', 'customers whose last order goes');
SELECT pg_temp.stays_true('INSERT INTO shop.orders SELECT i * 6, current_date, 5 FROM generate_series(0, 11) AS i', 'and who come again');
SELECT pg_temp.stays_true($$
  WITH decided AS (INSERT INTO shop.orders_tier_decisions (customer, what, tier, valid, why) SELECT i, 'floor', 'Gold', '(,)', 'both at once' FROM generate_series(95, 105) AS i)
  INSERT INTO shop.orders SELECT i, current_date, 10 FROM generate_series(100, 110) AS i $$, 'both in one statement');
SELECT pg_temp.stays_true('SELECT crm.rebuild(''shop.orders'')', 'rebuild');
CALL crm.refresh('shop.orders', current_date - 10, batch_customers => 7);
SELECT is_empty('SELECT * FROM crm.verify(''shop.orders'')', 'a refresh as of another day, in batches');
CALL crm.refresh('shop.orders', batch_customers => 7);
SELECT is((SELECT count(*)::int FROM shop.differences), 0, 'and back');
-- more changes than are written at once: decisions are read on after that, in key order
BEGIN;
INSERT INTO shop.orders SELECT i, current_date - i % 200, 50 FROM generate_series(1000, 2200) AS i;
INSERT INTO shop.orders_tier_decisions (customer, what, tier, valid, why) SELECT i, 'floor', 'Gold', '(,)', 'one in ten' FROM generate_series(1000, 2200, 10) AS i;
UPDATE shop.orders_histories SET segment = 'made up' WHERE customer >= 1000;
SELECT is(customers_written, 1201::bigint, 'many customers are scored anew') FROM crm_internal.rescore('shop.orders_histories', NULL, 1000000);
SELECT is_empty('SELECT * FROM crm.verify(''shop.orders'')', 'by what was decided on them');
ROLLBACK;

-- nonsense
SELECT throws_like(format('INSERT INTO shop.orders_tier_decisions (customer, what, tier, valid, why) VALUES (%s)', v), format('%%%s%%', e), format('refused: %s', e))
FROM (VALUES ('1, ''floor'', ''Diamond'', ''(,)'', ''x''', 'the customer''s program has no tier "Diamond"'),
  ('1, ''roof'', ''Gold'', ''(,)'', ''x''', 'what_is_a_kind_of_decision'), ('1, ''ceiling'', NULL, ''(,)'', ''x''', 'tier_goes_with_floor_or_ceiling'),
  ('1, ''floor'', ''Gold'', ''empty'', ''x''', 'valid_has_days'), ('1, ''floor'', ''Gold'', ''(,)'', '' ''', 'why_is_given'),
  ('1, ''membership'', NULL, ''(,)'', ''x''', 'membership_is_by_invitation')) AS n(v, e);
SELECT throws_ok('SELECT crm.track_tiers(''shop.orders'')', '42710', NULL, 'tiers are tracked once');
INSERT INTO shop.orders_tier_decisions (customer, what, tier, valid, why) VALUES (2, 'floor', 'Platinum', '(,)', 'kept');
UPDATE shop.orders_scoring SET tier_program = '{Bronze: spend 0, Silver: spend 400, Gold: spend 700} rolling 12 months';
SET client_min_messages = error;
SELECT lives_ok('INSERT INTO shop.orders VALUES (2, current_date, 10)', 'a decision on a tier that the program has no more does not stop orders');
CALL crm.refresh('shop.orders');
RESET client_min_messages;
SELECT is_empty('SELECT * FROM crm.verify(''shop.orders'')', 'and does not count');
SELECT lives_ok('UPDATE shop.orders_tier_decisions SET valid = daterange(NULL, current_date) WHERE customer = 2', 'it can still be ended');

-- rights
CREATE ROLE tiers_app;
CREATE ROLE tiers_support;
GRANT USAGE ON SCHEMA shop TO tiers_app, tiers_support;
GRANT INSERT ON shop.orders TO tiers_app;
GRANT INSERT ON shop.orders_tier_decisions TO tiers_support;
SET ROLE tiers_support;
SELECT lives_ok('INSERT INTO shop.orders_tier_decisions (customer, what, tier, valid, why) VALUES (7, ''floor'', ''Gold'', ''(,)'', ''on the telephone'')', 'a support role needs rights on decisions alone');
SELECT throws_ok('SELECT * FROM shop.orders_standing', '42501', NULL, 'and sees no standing');
SET ROLE tiers_app;
SELECT lives_ok('INSERT INTO shop.orders VALUES (7, current_date, 1), (777, current_date, 1)', 'an application needs rights on orders alone');
SELECT throws_ok('SELECT crm.track_tiers(''shop.orders'')', '42501', NULL, 'who does not own a tracking gives it no tiers');
RESET ROLE;
SELECT is_empty('SELECT * FROM crm.verify(''shop.orders'')', 'both are followed');

-- triggers off, truncate, leaving
ALTER TABLE shop.orders_tier_decisions DISABLE TRIGGER crm_delete;
SELECT is((SELECT problem FROM crm.verify('shop.orders')), 'shop.orders_tier_decisions has triggers that are disabled', 'verify finds triggers that are off');
ALTER TABLE shop.orders_tier_decisions ENABLE TRIGGER crm_delete;
TRUNCATE shop.orders_tier_decisions;
SELECT is_empty('SELECT * FROM shop.orders_histories AS h, shop.orders_scoring WHERE h.tier IS DISTINCT FROM crm.tier(tier_program, history, current_date)', 'truncate takes all decisions back');
SELECT is_empty('SELECT * FROM crm.verify(''shop.orders'')', 'which is true');
DROP VIEW shop.by_hand CASCADE;
SELECT lives_ok('SELECT crm.detach(''shop.orders_tier_decisions'')', 'detach, by the table of decisions');
SELECT is((SELECT array_agg(relname::text ORDER BY relname) FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname ~ 'tier|standing' AND relkind IN ('r', 'v')),
  '{orders_tier_decisions}', 'keeps the decisions, without the view');
SELECT is((SELECT count(*)::int FROM pg_proc WHERE pronamespace = 'shop'::regnamespace AND proname ~ 'tier_expiring|within_reach|customers_on'), 0, 'or the functions');

-- a club by invitation, with a program for each tenant
CREATE TABLE shop.sales (tenant text, "who's" uuid, day date, amount numeric);
INSERT INTO shop.sales
SELECT 't' || i % 2, md5((i % 40)::text)::uuid, current_date - (random() * 300)::int, (random() * 90)::numeric(9, 2) FROM generate_series(1, 600) AS i;
CREATE VIEW shop.sales_purchases AS SELECT tenant, "who's", day AS purchased_on, amount FROM shop.sales;
CREATE VIEW shop.tills_purchases AS SELECT tenant, "who's", day AS purchased_on, amount FROM shop.sales WHERE amount > 80;
SELECT is(crm.track('shop.sales_purchases', scale_by => '{tenant}', changes => true, time_zone => 'UTC')::text, 'shop.sales_customers', 'rules for each tenant');
UPDATE shop.sales_scoring SET tier_program = CASE tenant
  WHEN 't0' THEN '{Bronze: spend 0, Silver: spend 300, Gold: spend 600} rolling 6 months'
  ELSE '{Friend: orders 3, Family: orders 9} calendar year grace 1 month' END::crm.tier_program;
CALL crm.refresh('shop.sales_purchases');
SELECT is(crm.track_tiers('shop.sales_histories', by_invitation => true)::text, 'shop.sales_standing', 'a club');
SELECT is((SELECT count(tier)::int FROM shop.sales_histories), 0, 'without members has no tiers');
CREATE VIEW shop.club_by_hand AS
  SELECT tenant, "who's", history, tier_program AS program,
    (SELECT array_agg(CASE what WHEN 'floor' THEN ROW(d.tier, NULL, valid)::crm.tier_override ELSE ROW(NULL, d.tier, valid)::crm.tier_override END)
     FROM shop.sales_tier_decisions AS d WHERE (d.tenant, d."who's") = (h.tenant, h."who's") AND what <> 'membership') AS overrides,
    ARRAY(SELECT valid FROM shop.sales_tier_decisions AS d WHERE (d.tenant, d."who's") = (h.tenant, h."who's") AND what = 'membership') AS memberships
  FROM (SELECT tenant, "who's", crm.purchase_history(day, amount) AS history FROM shop.sales GROUP BY 1, 2) AS h JOIN shop.sales_scoring USING (tenant);
CREATE VIEW shop.differences AS
  SELECT tenant, "who's", s::text, h::text
  FROM shop.club_by_hand CROSS JOIN LATERAL crm.standing(program, history, current_date, overrides, memberships) AS h
    LEFT JOIN shop.sales_standing AS s USING (tenant, "who's") JOIN shop.sales_histories AS k USING (tenant, "who's")
  WHERE (s.tier, s.tier_rank, s.tier_since, s.tier_expires_on, s.next_tier, s.metric_value, s.missing_for_next, s.missing_to_keep, s.reason, k.tier)
    IS DISTINCT FROM (h.tier, h.rank, h.since, h.expires_on, h.next_tier, h.metric_value, h.missing_for_next, h.missing_to_keep, h.reason, h.tier)
  UNION ALL
  SELECT NULL, NULL, v::text, NULL FROM crm.verify('shop.sales_purchases') AS v;
SELECT pg_temp.stays_true($$
  INSERT INTO shop.sales_tier_decisions (tenant, "who's", what, valid, why)
  SELECT tenant, "who's", 'membership', daterange(current_date - 20 - (random() * 200)::int, CASE WHEN random() < 0.7 THEN current_date + (random() * 60)::int - 19 END), 'fee paid'
  FROM shop.sales_histories, generate_series(1, 2) WHERE random() < 0.6 $$, 'members join');
SELECT isnt_empty('SELECT FROM shop.sales_histories WHERE tier = ''Gold''', 'and hold tiers of the one program');
SELECT isnt_empty('SELECT FROM shop.sales_histories WHERE tier = ''Family''', 'and of the other');
SELECT throws_ok($$INSERT INTO shop.sales_tier_decisions (tenant, "who's", what, tier, valid, why) SELECT tenant, "who's", 'floor', 'Gold', '(,)', 'x' FROM shop.sales_histories WHERE tenant = 't1' LIMIT 1$$,
  '22023', 'the customer''s program has no tier "Gold"', 'but a tier of the other program is refused');
SELECT pg_temp.stays_true($$
  INSERT INTO shop.sales_tier_decisions (tenant, "who's", what, tier, valid, why)
  SELECT tenant, "who's", CASE WHEN random() < 0.5 THEN 'floor' ELSE 'ceiling' END, CASE tenant WHEN 't0' THEN 'Silver' ELSE 'Friend' END,
    daterange(current_date - 9, current_date + (random() * 20)::int), 'at random' FROM shop.sales_histories WHERE random() < 0.5 $$, 'floors and ceilings of members and others');
SELECT is_empty('SELECT * FROM shop.sales_tier_expiring(40) WHERE tier_then IS NOT DISTINCT FROM tier OR downgraded_on NOT BETWEEN current_date + 1 AND current_date + 40', 'who will be downgraded or leave');
SELECT isnt_empty('SELECT FROM shop.sales_tier_expiring(60) WHERE tier_then IS NULL AND missing_to_keep IS NULL', 'nothing bought keeps whose membership ends');
SELECT pg_temp.stays_true('INSERT INTO shop.sales SELECT ''t'' || i % 2, md5(i::text)::uuid, current_date, 500 FROM generate_series(30, 60) AS i', 'members and others buy');
SELECT is(crm.track('shop.tills_purchases', histories => 'shop.sales_histories')::text, 'shop.sales_customers', 'a second source of the same histories');
SELECT is_empty('SELECT * FROM crm.verify(''shop.sales_histories'')', 'knows the decisions');
INSERT INTO shop.sales SELECT 't0', md5(i::text)::uuid, current_date, 90 FROM generate_series(1, 9) AS i;
SELECT is_empty('SELECT * FROM crm.verify(''shop.sales_histories'')', 'and follows them');
SELECT throws_ok('SELECT crm.untrack(''shop.sales_standing'')', '2BP01', NULL, 'a view that stands on the standing is not dropped');
DROP VIEW shop.differences;
DROP TABLE shop.sales_tier_decisions CASCADE;
SELECT set_eq('SELECT customer, problem FROM crm.verify(''shop.sales_histories'')',
  format($$VALUES (NULL::jsonb, 'the table of decisions of %1$s has been dropped, see crm.untrack'), (NULL, 'the view of standings of %1$s has been dropped, see crm.untrack')$$, 'shop.sales'), 'verify finds what was dropped');
SELECT throws_like('INSERT INTO shop.sales VALUES (''t0'', md5(''x'')::uuid, current_date, 5)', 'a table or view that tracks "sales" has been dropped', 'orders are not scored without them in silence');
SELECT lives_ok('SELECT crm.untrack(''shop.sales_histories'')', 'untrack cleans up');

-- names that leave no room, and keys that are taken
CREATE TABLE shop."order" ("tier_rank" int, d date, a int);
SELECT lives_ok('SELECT crm.track(''shop.order'', ''tier_rank'', ''d'', ''a'')', 'a key named as a column of the standing');
SELECT throws_ok('SELECT crm.track_tiers(''shop.order'')', '42701', 'key column tier_rank of shop.order_histories has the name of a column that crm.track_tiers makes', 'is refused when there is to be one');
CREATE TABLE shop."long ""name"" that has sixty-three bytes and so leaves no room for it" (c text COLLATE "C", d date, a int);
SELECT lives_ok('SELECT crm.track(''shop."long ""name"" that has sixty-three bytes and so leaves no room for it"'', ''c'', ''d'', ''a'')', 'a long name with quotes');
SELECT lives_ok('SELECT crm.track_tiers(''shop."long ""name"" that has sixty-three bytes and so leaves no room for it"'')', 'gets decisions on tiers');
INSERT INTO shop."long ""name"" that has sixty-three bytes and so leaves no room for it" VALUES ('x', current_date, 5);
SELECT is_empty('SELECT * FROM crm.verify(''shop."long ""name"" that has sixty-three bytes and so leaves no room for it"'')', 'is followed, a key named c too');
SELECT lives_ok('SELECT crm.detach(''shop."long ""name"" that has sixty-three bytes and so leaves no room for it"'')', 'and is detached');
SELECT * FROM finish();
