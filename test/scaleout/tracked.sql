-- A tracking of a distributed table beside one of the same rows in a plain table: after every step both must show the same, and verify nothing.
SET client_min_messages = error;
DROP SCHEMA IF EXISTS far CASCADE; -- of the aggregates
CREATE SCHEMA near;
CREATE SCHEMA far;
CREATE TABLE checked (step text, what text, difference_count bigint);

-- The same command for both.
CREATE PROCEDURE in_both(command text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE replace(command, '{}', 'near');
  EXECUTE replace(command, '{}', 'far');
END $$;

-- Rows of a relation that only one of the two has, and what verify says.
CREATE PROCEDURE compare(step text, relation text, columns text DEFAULT '*') LANGUAGE plpgsql AS $$
DECLARE
  near bigint;
  far bigint;
BEGIN
  EXECUTE format('CREATE TEMP TABLE of_near AS SELECT %s FROM near.%s', columns, relation);
  EXECUTE format('CREATE TEMP TABLE of_far AS SELECT %s FROM far.%s', columns, relation);
  SELECT count(*) INTO near FROM (SELECT to_jsonb(r)::text FROM of_near AS r EXCEPT ALL SELECT to_jsonb(r)::text FROM of_far AS r) AS d;
  SELECT count(*) INTO far FROM (SELECT to_jsonb(r)::text FROM of_far AS r EXCEPT ALL SELECT to_jsonb(r)::text FROM of_near AS r) AS d;
  IF NOT EXISTS (SELECT FROM of_near) THEN
    far := -1; -- nothing was compared
  END IF;
  INSERT INTO checked VALUES (step, relation, near + far);
  DROP TABLE of_near, of_far;
END $$;

CREATE PROCEDURE verify(step text) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO checked SELECT step, 'verify near', count(*) FROM crm.verify('near.orders_histories');
  INSERT INTO checked SELECT step, 'verify far', count(*) FROM crm.verify('far.orders_histories');
  CALL compare(step, 'orders_histories', 'shop, customer_id, history, rfm, segment, segment_rank, tier, p_alive, expected_purchases, clv, expected_next_purchase_on');
  CALL compare(step, 'orders_customers');
END $$;

CREATE TABLE near.orders (order_id bigint, shop text, customer_id int, ordered_on date, amount numeric, PRIMARY KEY (order_id, customer_id));
CREATE TABLE far.orders (LIKE near.orders INCLUDING ALL);
SELECT create_distributed_table('far.orders', 'customer_id');
CALL in_both($$INSERT INTO {}.orders SELECT i, 's' || i * i % 977 % 2, i * i % 977, date '2024-01-01' + (i * 7919 % (30 + i * i % 977 % 450)), (i * 31 % 9000) / 100.0 FROM generate_series(1, 8000) i$$);
CALL in_both($$INSERT INTO {}.orders SELECT 50000 + order_id, shop, customer_id, ordered_on, 1 FROM {}.orders WHERE order_id % 3 = 0$$); -- lines, of which crm.track says something
-- the second call is refused: the table is distributed by no key of its
CREATE TABLE far.by_number (LIKE near.orders);
SELECT create_distributed_table('far.by_number', 'order_id', colocate_with => 'none');
DO $$
BEGIN
  PERFORM crm.track('far.by_number', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount');
  INSERT INTO checked VALUES ('track', 'is refused', 1);
EXCEPTION WHEN wrong_object_type THEN
  INSERT INTO checked VALUES ('track', 'is refused', CASE WHEN SQLERRM LIKE '%is distributed by order_id, which is no key column of%' THEN 0 ELSE 1 END);
END $$;

CALL in_both($$SELECT crm.track('{}.orders', customer => 'shop, customer_id', purchased_on => 'ordered_on', amount => 'amount', scale_by => '{shop}', changes => true, as_of => '2025-03-31')$$);
CALL verify('track');
INSERT INTO checked SELECT 'track', c.name || ' stands on the shards', CASE WHEN p.partmethod IS NOT DISTINCT FROM c.method THEN 0 ELSE 1 END
  FROM (VALUES ('orders_histories', 'h'), ('orders_changes', 'h'), ('orders_segment_since', 'h'), ('orders_scoring', 'n'), ('orders_segment_days', 'n')) AS c(name, method)
    LEFT JOIN pg_dist_partition p ON p.logicalrelid = to_regclass('far.' || c.name);
INSERT INTO checked SELECT 'track', 'histories beside orders', count(DISTINCT colocationid) - 1 FROM pg_dist_partition WHERE logicalrelid IN ('far.orders'::regclass, 'far.orders_histories'::regclass);
CALL crm.refresh('near.orders_purchases');
CALL crm.refresh('far.orders_purchases');
CALL verify('refresh');
CALL compare('refresh', 'orders_segment_days', 'shop, scored_on, segment, customer_count, entered_count, left_count, spend');

-- both are refreshed after the same writes: the plain one is kept by triggers meanwhile, and its log says more often why
CALL in_both($$INSERT INTO {}.orders SELECT 100000 + i, 's' || i * i % 1013 % 2, i * i % 1013, date '2025-01-01' + (i * 7919 % 85), (i * 31 % 9000) / 100.0 FROM generate_series(1, 3000) i$$);
CALL in_both($$UPDATE {}.orders SET amount = amount * 2 WHERE customer_id % 7 = 3$$);
CALL in_both($$DELETE FROM {}.orders WHERE customer_id % 50 = 4$$);
-- who came and went between two refreshes leaves an empty row where triggers keep the histories
SELECT crm_internal.refresh_fill('far.orders_purchases');
SELECT crm.drop_empty('near.orders_purchases'), crm.drop_empty('far.orders_purchases');
CALL crm.refresh('near.orders_purchases', as_of => '2025-04-30', refit => true, batch_customers => 10000);
CALL crm.refresh('far.orders_purchases', as_of => '2025-04-30', refit => true, batch_customers => 100);
CALL verify('refit');
CALL compare('refit', 'orders_segment_days', 'shop, scored_on, segment, customer_count, entered_count, left_count, spend');
CALL compare('refit', 'orders_segment_since', 'shop, customer_id, segment');
CALL compare('refit', 'orders_models', 'shop, fitted_on, purchase_model, spend_model, customers');
CALL compare('refit', 'orders_scoring', 'shop, scale, rhythm, value_measure, value_cuts, purchase_model, spend_model, scaled_on, refreshed_on');
CALL compare('refit', 'orders_customers_on(''2025-02-02'')');
CALL compare('refit', 'orders_calendar');
CALL compare('refit', 'orders_cohorts');
INSERT INTO checked SELECT 'refit', 'rules are written down', CASE WHEN count(*) >= 4 THEN 0 ELSE 1 END FROM far.orders_rules WHERE changed_columns && '{scale,purchase_model}';
INSERT INTO checked SELECT 'refit', 'changes are logged', CASE WHEN count(*) > 0 THEN 0 ELSE 1 END FROM far.orders_changes WHERE why = 'refresh' AND old_value IS DISTINCT FROM new_value;

-- rules by hand, tiers and decisions, snapshots, days filled in
CALL in_both($$UPDATE {}.orders_scoring SET tier_program = '{A: spend 0, B: spend 300, C: spend 900} calendar year'$$);
CALL in_both($$SELECT crm.track_tiers('{}.orders_purchases')$$);
CALL in_both($$INSERT INTO {}.orders_tier_decisions (shop, customer_id, what, tier, valid, why) SELECT shop, customer_id, 'floor', 'B', '[2025-01-01,2026-01-01)', 'a test' FROM {}.orders_histories WHERE customer_id % 10 = 1$$);
CALL crm.refresh('near.orders_purchases', as_of => '2025-05-01');
CALL crm.refresh('far.orders_purchases', as_of => '2025-05-01');
CALL verify('tiers');
CALL compare('tiers', 'orders_standing');
CALL compare('tiers', 'orders_tier_expiring(300)');
CALL compare('tiers', 'orders_within_reach(100)');
CALL in_both($$SELECT crm.snapshot('{}.orders_purchases', '2025-02-02')$$);
CALL compare('snapshot', 'orders_snapshots');
CALL in_both($$SELECT crm.back_fill('{}.orders_purchases', '[2024-10-31,2025-01-31]')$$);
CALL compare('back_fill', 'orders_segment_days', 'shop, scored_on, segment, customer_count, entered_count, left_count, spend');
INSERT INTO checked SELECT 'export', 'rows of a customer', abs((SELECT count(*) FROM crm.export('near.orders_purchases', '{"shop": "s1", "customer_id": 1}') WHERE relation NOT LIKE '%changes')
  - (SELECT count(*) FROM crm.export('far.orders_purchases', '{"shop": "s1", "customer_id": 1}') WHERE relation NOT LIKE '%changes'));

-- histories that are wrong are found and made right
UPDATE far.orders_histories SET history = history OPERATOR(crm.+) crm.purchase(date '2025-01-01', 5) WHERE customer_id % 20 = 0;
INSERT INTO checked SELECT 'rebuild', 'wrong histories are found', (SELECT count(*) FROM far.orders_histories WHERE customer_id % 20 = 0) - count(*) FROM crm.verify('far.orders_purchases') WHERE problem = 'history';
INSERT INTO checked SELECT 'rebuild', 'as many as were wrong', (SELECT count(*) FROM far.orders_histories WHERE customer_id % 20 = 0) - crm.rebuild('far.orders_purchases');
CALL verify('rebuild');

-- a refresh that is stopped after some batches goes on; rows that came meanwhile are counted by the next
SELECT crm_internal.refresh_fill('far.orders_purchases');
SELECT crm_internal.refresh_start('far.orders_purchases', '2025-06-01');
SELECT crm_internal.refresh_batch('far.orders_purchases', 50);
SELECT crm_internal.refresh_batch('far.orders_purchases', 50);
INSERT INTO checked SELECT 'restart', 'a position', CASE WHEN refresh_position IS NULL THEN 1 ELSE 0 END FROM crm.tracking_status WHERE purchases = 'far.orders_purchases'::regclass;
CALL crm.refresh('near.orders_purchases', as_of => '2025-06-01');
CALL crm.refresh('far.orders_purchases', as_of => '2025-06-01');
CALL verify('restart');

-- a column of the orders gets another name, a shard group moves, and a table's rows go in one command
CALL in_both($$ALTER TABLE {}.orders RENAME COLUMN amount TO paid$$);
SELECT citus_move_shard_placement(s.shardid, n.nodename, n.nodeport, o.nodename, o.nodeport)
  FROM (SELECT min(shardid) AS shardid FROM pg_dist_shard WHERE logicalrelid = 'far.orders'::regclass) AS s
    JOIN pg_dist_placement p ON p.shardid = s.shardid JOIN pg_dist_node n ON n.groupid = p.groupid AND n.noderole = 'primary'
    JOIN pg_dist_node o ON o.groupid <> n.groupid AND o.shouldhaveshards;
CALL in_both($$INSERT INTO {}.orders SELECT 200000 + i, 's' || i % 2, i, date '2025-05-05', i FROM generate_series(1, 500) i$$);
CALL crm.refresh('near.orders_purchases', as_of => '2025-06-02');
CALL crm.refresh('far.orders_purchases', as_of => '2025-06-02');
CALL verify('move');
TRUNCATE far.orders;
TRUNCATE near.orders;
CALL crm.refresh('near.orders_purchases', as_of => '2025-06-03');
CALL crm.refresh('far.orders_purchases', as_of => '2025-06-03');
INSERT INTO checked SELECT 'truncate', 'purchases that are left', count(*) FROM far.orders_histories WHERE history OPERATOR(crm.<>) '{}';
INSERT INTO checked SELECT 'truncate', 'verify far', count(*) FROM crm.verify('far.orders_purchases');
INSERT INTO checked SELECT 'drop_empty', 'rows of customers without purchases', count(*) FROM far.orders_histories HAVING crm.drop_empty('far.orders_purchases') <> count(*);

-- the end: tables stay, and are plain
SELECT crm.untrack('far.orders_purchases');
INSERT INTO far.orders VALUES (1, 's1', 1, '2025-01-01', 5);
SELECT crm.track('far.orders', customer => 'shop, customer_id', purchased_on => 'ordered_on', amount => 'paid', scale_by => '{shop}', changes => true);
INSERT INTO checked SELECT 'again', 'verify far', count(*) FROM crm.verify('far.orders_purchases');
SELECT crm.detach('far.orders_purchases');
INSERT INTO checked SELECT 'detach', 'columns of types of crm', count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
  WHERE c.relnamespace = 'far'::regnamespace AND c.relkind = 'r' AND t.typnamespace = 'crm'::regnamespace AND NOT a.attisdropped AND c.relname NOT LIKE '%snapshots%';

-- tables that Citus makes its own
CREATE SCHEMA taken;
CREATE TABLE taken.shops (id int PRIMARY KEY);
SELECT create_reference_table('taken.shops');
INSERT INTO taken.shops SELECT generate_series(1, 5);
CREATE TABLE taken.sales (id int PRIMARY KEY, shop_id int, customer_id int, sold_on date, amount numeric);
INSERT INTO taken.sales SELECT i, 1 + i % 5, i % 10, '2025-01-01', i FROM generate_series(1, 100) i;
SELECT crm.track('taken.sales', customer => 'customer_id', purchased_on => 'sold_on', amount => 'amount');
INSERT INTO taken.sales VALUES (1001, 1, 1, '2025-01-03', 6);
ALTER TABLE taken.sales ADD CONSTRAINT of_shop FOREIGN KEY (shop_id) REFERENCES taken.shops;
INSERT INTO taken.sales VALUES (1002, 1, 1, '2025-01-03', 6);
UPDATE taken.sales SET amount = 7 WHERE id = 1002;
DELETE FROM taken.sales WHERE id = 5;
CALL crm.refresh('taken.sales_purchases');
INSERT INTO checked SELECT 'foreign key', 'verify', count(*) FROM crm.verify('taken.sales_purchases');
INSERT INTO checked SELECT 'foreign key', 'kept by refresh', count(*) - 1 FROM crm.tracked WHERE purchases = 'taken.sales_purchases'::regclass AND source IS NULL AND not_live IS NOT NULL;
ALTER TABLE taken.sales DROP CONSTRAINT of_shop;
INSERT INTO taken.sales VALUES (1003, 1, 1, '2025-01-03', 6);
CALL crm.refresh('taken.sales_purchases');
INSERT INTO checked SELECT 'foreign key dropped', 'verify', count(*) FROM crm.verify('taken.sales_purchases');
CREATE TABLE taken.visits AS TABLE taken.sales;
SELECT create_reference_table('taken.visits');
SELECT crm.track('taken.visits', customer => 'customer_id', purchased_on => 'sold_on', amount => 'amount');
INSERT INTO taken.visits VALUES (1004, 1, 1, '2025-01-03', 6);
CALL crm.refresh('taken.visits_purchases');
INSERT INTO checked SELECT 'reference table', 'verify', count(*) FROM crm.verify('taken.visits_purchases');
-- histories that were given away: an order is refused, and so is a refresh, rather than scoring what is left of them
CREATE TABLE taken.given AS SELECT customer_id, sold_on, amount FROM taken.sales;
SELECT crm.track('taken.given', customer => 'customer_id', purchased_on => 'sold_on', amount => 'amount');
SELECT create_distributed_table('taken.given_histories', 'customer_id');
DO $$
BEGIN
  INSERT INTO taken.given VALUES (1, '2025-01-05', 5);
  INSERT INTO checked VALUES ('given away', 'an order is refused', 1);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
  INSERT INTO checked VALUES ('given away', 'an order is refused', 0);
END $$;
DO $$
BEGIN
  PERFORM crm_internal.refresh_fill('taken.given_histories');
  INSERT INTO checked VALUES ('given away', 'a refresh is refused', 1);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
  INSERT INTO checked VALUES ('given away', 'a refresh is refused', 0);
END $$;
