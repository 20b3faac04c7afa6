-- A tracking whose triggers are on the shards of a distributed table: after every step nothing is left to verify, without any refresh between.
-- Needs the table checked of tracked.sql.
SET client_min_messages = error;
CREATE SCHEMA live;

CREATE PROCEDURE verify_live(step text) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO checked SELECT step, 'verify live', count(*) FROM crm.verify('live.orders_histories');
  -- not of what verify reads, but of the rows themselves
  INSERT INTO checked SELECT step, 'spend of the orders', abs((SELECT sum(crm.spend(history)) FROM live.orders_histories) - (SELECT sum(paid) FROM live.orders));
END $$;

CREATE TABLE live.orders (order_id bigint, customer_id int, ordered_on date, paid numeric, note text, PRIMARY KEY (order_id, customer_id));
ALTER TABLE live.orders DROP COLUMN note; -- the shards never had it
SELECT create_distributed_table('live.orders', 'customer_id');
INSERT INTO live.orders SELECT i, i * i % 977, date '2024-01-01' + (i * 7919 % (30 + i * i % 977 % 450)), (i * 31 % 9000) / 100.0 FROM generate_series(1, 3000) i;

-- what does not go with it is refused; nothing is left of the calls
CREATE TABLE live.plain (LIKE live.orders);
DO $$
DECLARE
  call text;
BEGIN
  FOREACH call IN ARRAY ARRAY['''live.orders'', by_row => true', '''live.orders'', notify => true', '''live.orders'', upkeep => ''commit''', '''live.plain'''] LOOP
    BEGIN
      EXECUTE format('SELECT crm.track(%s, customer => ''customer_id'', purchased_on => ''ordered_on'', amount => ''paid'', on_shards => true)', call);
      INSERT INTO checked VALUES ('on_shards', call || ' is refused', 1);
    EXCEPTION WHEN feature_not_supported OR wrong_object_type THEN
      INSERT INTO checked VALUES ('on_shards', call || ' is refused', CASE WHEN SQLERRM ~ 'on shards cannot|no distributed table' THEN 0 ELSE 1 END);
    END;
  END LOOP;
END $$;

SELECT crm.track('live.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'paid', changes => true, as_of => '2025-03-31', on_shards => true);
CALL verify_live('on_shards');
INSERT INTO checked SELECT 'on_shards', 'kept live on shards, by all nodes', count(*) - 1 FROM crm.tracking_status WHERE kept = 'live on shards' AND nodes_without_tracking = '{}' AND histories = 'live.orders_histories'::regclass;

INSERT INTO live.orders SELECT 100000 + i, i * i % 1013, date '2025-01-01' + (i * 7919 % 85), (i * 31 % 9000) / 100.0 FROM generate_series(1, 3000) i;
INSERT INTO live.orders VALUES (200000, 5, '2025-02-02', 4.5);
CALL verify_live('insert');
UPDATE live.orders SET paid = paid * 50 WHERE customer_id % 7 = 3;
UPDATE live.orders SET ordered_on = ordered_on - 1 WHERE customer_id = 5;
DELETE FROM live.orders WHERE customer_id % 50 = 4;
CALL verify_live('update and delete');
COPY live.orders FROM STDIN;
300000	5	2025-01-02	10.5
300001	6	2025-01-02	11.5
300002	7000	2025-01-02	12.5
\.
INSERT INTO live.orders SELECT order_id, customer_id, ordered_on, 1 FROM live.orders WHERE customer_id < 100 ON CONFLICT (order_id, customer_id) DO UPDATE SET paid = orders.paid + excluded.paid;
CALL verify_live('copy and upsert');
BEGIN;
INSERT INTO live.orders SELECT 400000 + i, i, '2025-02-03', 7 FROM generate_series(1, 200) i;
SAVEPOINT half;
DELETE FROM live.orders WHERE customer_id < 300;
ROLLBACK TO half;
UPDATE live.orders SET paid = paid + 1 WHERE customer_id < 300;
COMMIT;
BEGIN;
DELETE FROM live.orders;
ROLLBACK;
CALL verify_live('transactions');
INSERT INTO checked SELECT 'changes', 'are logged with their reasons', count(DISTINCT why) - 2 FROM live.orders_changes WHERE why IN ('insert', 'delete') AND old_value IS DISTINCT FROM new_value;

-- a node that does not know the tracking is named, and told
SELECT * FROM run_command_on_workers('SELECT crm_internal.write_tracked(purchases, NULL::crm.tracked, NULL::text[]) FROM crm.tracked WHERE source = ''live.orders''::regclass');
INSERT INTO checked SELECT 'nodes', 'verify names those that do not know', count(*) - 2 FROM crm.verify('live.orders_purchases') WHERE problem LIKE 'node %does not know the tracking: SELECT crm.track_nodes(%';
INSERT INTO checked SELECT 'nodes', 'so does the status', cardinality(nodes_without_tracking) - 2 FROM crm.tracking_status WHERE histories = 'live.orders_histories'::regclass;
INSERT INTO live.orders VALUES (500000, 5, '2025-02-02', 4.5);
INSERT INTO checked SELECT 'nodes', 'are told', 2 - crm.track_nodes('live.orders_purchases');
INSERT INTO checked SELECT 'nodes', 'know it then', crm.track_nodes('live.orders_purchases');
INSERT INTO checked SELECT 'nodes', 'missed an order', 1 - crm.rebuild('live.orders_purchases');
CALL verify_live('nodes');

-- shards that move, in the default mode, which follows the rows by logical replication, there and back
SELECT citus_move_shard_placement(s.shardid, n.nodename, n.nodeport, o.nodename, o.nodeport)
  FROM (SELECT min(shardid) AS shardid FROM pg_dist_shard WHERE logicalrelid = 'live.orders'::regclass) AS s
    JOIN pg_dist_placement p ON p.shardid = s.shardid JOIN pg_dist_node n ON n.groupid = p.groupid AND n.noderole = 'primary'
    JOIN pg_dist_node o ON o.groupid <> n.groupid AND o.shouldhaveshards;
INSERT INTO live.orders SELECT 600000 + i, i, '2025-02-05', 8 FROM generate_series(1, 300) i;
UPDATE live.orders SET paid = paid + 3 WHERE customer_id % 3 = 1;
DELETE FROM live.orders WHERE customer_id % 40 = 7;
CALL verify_live('move');
SELECT citus_move_shard_placement(s.shardid, n.nodename, n.nodeport, o.nodename, o.nodeport)
  FROM (SELECT min(shardid) AS shardid FROM pg_dist_shard WHERE logicalrelid = 'live.orders'::regclass) AS s
    JOIN pg_dist_placement p ON p.shardid = s.shardid JOIN pg_dist_node n ON n.groupid = p.groupid AND n.noderole = 'primary'
    JOIN pg_dist_node o ON o.groupid <> n.groupid AND o.shouldhaveshards;
INSERT INTO live.orders SELECT 700000 + i, i, '2025-02-06', 8 FROM generate_series(1, 300) i;
CALL verify_live('move back');

-- names change
ALTER TABLE live.orders RENAME COLUMN ordered_on TO bought_on;
ALTER TABLE live.orders_histories RENAME TO customers_kept;
ALTER TABLE live.customers_kept RENAME TO orders_histories;
ALTER TABLE live.orders RENAME TO sales;
INSERT INTO live.sales (order_id, customer_id, bought_on, paid) SELECT 800000 + i, i, '2025-02-07', 8 FROM generate_series(1, 300) i;
ALTER TABLE live.sales RENAME TO orders;
INSERT INTO live.orders (order_id, customer_id, bought_on, paid) SELECT 900000 + i, i, '2025-02-07', 8 FROM generate_series(1, 300) i;
CALL verify_live('rename');

-- rules and scores
CALL crm.refresh('live.orders_purchases', as_of => '2025-04-30', refit => true, batch_customers => 100);
CALL verify_live('refresh');
INSERT INTO live.orders SELECT 1000000 + i, i, '2025-04-07', 8 FROM generate_series(1, 300) i;
CALL verify_live('after a refresh');
SELECT crm.track_tiers('live.orders_purchases');
UPDATE live.orders_scoring SET tier_program = '{A: spend 0, B: spend 300, C: spend 900} calendar year';
INSERT INTO live.orders_tier_decisions (customer_id, what, tier, valid, why) SELECT customer_id, 'floor', 'B', '[2025-01-01,2026-01-01)', 'a test' FROM live.orders_histories WHERE customer_id % 10 = 1;
CALL crm.refresh('live.orders_purchases', as_of => '2025-05-01');
INSERT INTO live.orders SELECT 1100000 + i, i, '2025-04-08', 8 FROM generate_series(1, 300) i;
CALL verify_live('tiers');
INSERT INTO checked SELECT 'tiers', 'held where decided', count(*) FROM live.orders_histories WHERE customer_id % 10 = 1 AND tier NOT IN ('B', 'C');

-- all rows in one command
TRUNCATE live.orders;
INSERT INTO checked SELECT 'truncate', 'verify live', count(*) FROM crm.verify('live.orders_histories');
INSERT INTO checked SELECT 'truncate', 'purchases that are left', count(*) FROM live.orders_histories WHERE history OPERATOR(crm.<>) '{}';
INSERT INTO checked SELECT 'truncate', 'is logged', CASE WHEN count(*) > 0 THEN 0 ELSE 1 END FROM live.orders_changes WHERE why = 'truncate';
INSERT INTO live.orders SELECT i, i, '2025-02-07', 8 FROM generate_series(1, 300) i;
CALL verify_live('after truncate');

-- the end: nothing of it is left on any node, and it can begin again
SELECT crm.untrack('live.orders_purchases');
INSERT INTO live.orders SELECT 1000 + i, i, '2025-02-07', 8 FROM generate_series(1, 300) i;
INSERT INTO checked SELECT 'untrack', 'trackings on a node', sum(result::int) FROM run_command_on_all_nodes('SELECT count(*) FROM crm.tracked WHERE source = ''live.orders''::regclass');
INSERT INTO checked SELECT 'untrack', 'triggers on shards', sum(result::int) FROM run_command_on_placements('live.orders', 'SELECT count(*) FROM pg_trigger WHERE tgrelid = ''%s''::regclass AND tgname LIKE ''crm%%''');
SELECT crm.track('live.orders', customer => 'customer_id', purchased_on => 'bought_on', amount => 'paid', changes => true, as_of => '2025-03-31', on_shards => true);
INSERT INTO live.orders SELECT 2000 + i, i, '2025-02-07', 8 FROM generate_series(1, 300) i;
CALL verify_live('again');

-- of an owner who is no superuser: everybody else's orders are followed as well
CREATE ROLE keeper LOGIN;
GRANT SELECT, INSERT ON checked TO keeper;
CREATE SCHEMA kept AUTHORIZATION keeper;
SET ROLE keeper;
CREATE TABLE kept.orders (customer_id int, ordered_on date, paid numeric);
SELECT create_distributed_table('kept.orders', 'customer_id');
RESET ROLE;
SELECT crm.track('kept.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'paid', on_shards => true);
CREATE ROLE seller LOGIN;
GRANT USAGE ON SCHEMA kept TO seller;
GRANT SELECT, INSERT, TRUNCATE ON kept.orders TO seller;
SET ROLE seller;
INSERT INTO kept.orders SELECT i % 40, date '2025-02-07' + i % 3, i FROM generate_series(1, 300) i;
RESET ROLE;
INSERT INTO checked SELECT 'owner', 'verify', count(*) FROM crm.verify('kept.orders_purchases');
INSERT INTO checked SELECT 'owner', 'customers', 40 - count(*) FROM kept.orders_customers WHERE purchase_count > 0;
SET ROLE seller;
DO $$
BEGIN
  TRUNCATE kept.orders;
  INSERT INTO checked VALUES ('owner', 'TRUNCATE by another', 1);
EXCEPTION WHEN insufficient_privilege THEN
  IF SQLERRM <> 'table "orders" can be truncated by its owner alone' THEN
    RAISE;
  END IF;
END $$;
RESET ROLE;
SET ROLE keeper;
TRUNCATE kept.orders;
RESET ROLE;
INSERT INTO checked SELECT 'owner', 'verify truncated', count(*) FROM crm.verify('kept.orders_purchases');
INSERT INTO checked SELECT 'owner', 'customers truncated', count(*) FROM kept.orders_customers WHERE purchase_count > 0;
SET ROLE keeper;
INSERT INTO checked SELECT 'owner', 'nodes to tell', crm.track_nodes('kept.orders_purchases');
RESET ROLE;

-- categories and what customers will bring, against the same orders in one place
CREATE TABLE live.baskets (customer_id int, ordered_on date, paid numeric, sort text);
CREATE TABLE live.baskets_here (LIKE live.baskets);
SELECT create_distributed_table('live.baskets', 'customer_id');
SELECT crm.track('live.baskets', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'paid', category => 'sort', as_of => '2025-03-31', on_shards => true);
SELECT crm.track('live.baskets_here', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'paid', category => 'sort', as_of => '2025-03-31');
INSERT INTO live.baskets_here SELECT i * i % 97, date '2024-06-01' + (i * 7919 % 300), (i * 31 % 9000) / 100.0, CASE WHEN i % 9 > 0 THEN 'sort ' || i % 5 END FROM generate_series(1, 900) i;
INSERT INTO live.baskets SELECT * FROM live.baskets_here;
UPDATE live.baskets SET sort = 'sort 1' WHERE sort = 'sort 2' AND paid > 40;
UPDATE live.baskets_here SET sort = 'sort 1' WHERE sort = 'sort 2' AND paid > 40;
CALL crm.refresh('live.baskets', refit => true);
CALL crm.refresh('live.baskets_here', refit => true);
INSERT INTO checked SELECT 'categories', 'verify', count(*) FROM crm.verify('live.baskets');
INSERT INTO checked SELECT 'categories', 'next category', count(*) FROM (SELECT customer_id, next_category FROM live.baskets_customers EXCEPT SELECT customer_id, next_category FROM live.baskets_here_customers) d;
INSERT INTO checked SELECT 'revenue_forecast', 'as in one place', abs(count(*) - (SELECT count(*) FROM crm.revenue_forecast('live.baskets_here')))
FROM crm.revenue_forecast('live.baskets') f JOIN crm.revenue_forecast('live.baskets_here') h ON h.rule = f.rule AND h.segment IS NOT DISTINCT FROM f.segment AND h.customer_count = f.customer_count
  AND abs(h.revenue - f.revenue) <= 1e-9 * h.revenue AND abs(h.clv_high - f.clv_high) <= 1e-9 * h.clv_high;
UPDATE live.baskets_histories SET mix = '{}' WHERE customer_id = 4;
INSERT INTO checked SELECT 'categories', 'a mix that was lost', count(*) - 1 FROM crm.verify('live.baskets') WHERE problem = 'mix';
SELECT crm.rebuild('live.baskets');
INSERT INTO checked SELECT 'categories', 'rebuilt', count(*) FROM crm.verify('live.baskets');

-- two tables that feed the same histories, emptied by one statement
CREATE TABLE live.web (customer_id int, ordered_on date, paid numeric);
CREATE TABLE live.shop (customer_id int, ordered_on date, paid numeric);
SELECT create_distributed_table('live.web', 'customer_id', colocate_with => 'live.orders'), create_distributed_table('live.shop', 'customer_id', colocate_with => 'live.orders');
CREATE VIEW live.shop_purchases AS SELECT customer_id, ordered_on AS purchased_on, paid AS amount FROM live.shop;
SELECT crm.track('live.web', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'paid', on_shards => true);
SELECT crm.track('live.shop_purchases', histories => 'live.web_histories', on_shards => true);
INSERT INTO live.web SELECT i % 40, date '2025-02-07' + i % 3, i FROM generate_series(1, 300) i;
INSERT INTO live.shop SELECT i % 50, date '2025-02-07' + i % 3, i FROM generate_series(1, 300) i;
INSERT INTO checked SELECT 'two tables', 'verify', count(*) FROM crm.verify('live.web_histories');
BEGIN;
SAVEPOINT full_tables;
TRUNCATE live.web, live.shop;
ROLLBACK TO full_tables;
TRUNCATE live.shop;
INSERT INTO live.shop VALUES (1, '2025-02-07', 5);
TRUNCATE live.web;
COMMIT;
INSERT INTO checked SELECT 'two tables', 'one after the other', count(*) FROM crm.verify('live.web_histories');
INSERT INTO checked SELECT 'two tables', 'what came between', 1 - sum(crm.purchase_count(history)) FROM live.web_histories;
INSERT INTO live.web SELECT i % 40, date '2025-02-07' + i % 3, i FROM generate_series(1, 300) i;
TRUNCATE live.web, live.shop;
INSERT INTO checked SELECT 'two tables', 'both are emptied', count(*) FROM crm.verify('live.web_histories');
INSERT INTO checked SELECT 'two tables', 'nothing is left', sum(crm.purchase_count(history)) FROM live.web_histories;
INSERT INTO live.shop SELECT i % 50, date '2025-02-07' + i % 3, i FROM generate_series(1, 300) i;
TRUNCATE live.web;
INSERT INTO checked SELECT 'two tables', 'each statement by itself', 300 - sum(crm.purchase_count(history)) FROM live.web_histories;
