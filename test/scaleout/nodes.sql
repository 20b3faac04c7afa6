-- A tracking of a distributed table while its nodes come, go and fall over (scripts/test-scaleout does that between the calls), and what is held of one customer. Needs the table checked of tracked.sql.
SET client_min_messages = error;
CREATE SCHEMA fleet;
CREATE TABLE fleet.orders (order_id bigint, customer_id int, ordered_on date, amount numeric, PRIMARY KEY (order_id, customer_id));
SELECT create_distributed_table('fleet.orders', 'customer_id', colocate_with => 'none');
INSERT INTO fleet.orders SELECT i, i % 700, date '2024-01-01' + i * 7919 % 500, i % 97 + 0.5 FROM generate_series(1, 7000) i;
SELECT crm.track('fleet.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount', changes => true, as_of => '2025-06-30');
SELECT crm.track_tiers('fleet.orders_purchases');

-- Every order of a step is in the histories after the next refresh, and nothing else.
CREATE PROCEDURE fleet_after(step text) LANGUAGE plpgsql AS $$
DECLARE
  n int;
BEGIN
  SELECT count(*) INTO n FROM checked AS c WHERE c.what = 'verify fleet';
  INSERT INTO fleet.orders SELECT (n + 1) * 100000 + i, i % 800, date '2025-05-01' + n, 10 FROM generate_series(1, 900) i;
  UPDATE fleet.orders SET amount = amount + 1 WHERE customer_id % 9 = n % 9;
  DELETE FROM fleet.orders WHERE customer_id % 31 = n % 31 AND order_id % 2 = 0;
  COMMIT;
  CALL crm.refresh('fleet.orders_purchases', as_of => date '2025-07-01' + n, batch_customers => 300);
  INSERT INTO checked SELECT step, 'verify fleet', count(*) FROM crm.verify('fleet.orders_purchases');
  INSERT INTO checked SELECT step, 'customers', (SELECT count(DISTINCT customer_id) FROM fleet.orders) - (SELECT count(*) FROM fleet.orders_customers);
  INSERT INTO checked SELECT step, 'spend', CASE WHEN (SELECT sum(amount) FROM fleet.orders) = (SELECT sum(crm.spend(history)) FROM fleet.orders_histories) THEN 0 ELSE 1 END;
END $$;
CALL fleet_after('tracked');

-- all that is held of one customer, then nothing
INSERT INTO fleet.orders_tier_decisions (customer_id, what, tier, valid, why) VALUES (7, 'floor', 'A', '(,)', 'a test'), (8, 'floor', 'A', '(,)', 'a test');
SELECT crm.snapshot('fleet.orders_purchases', '2025-01-31');
INSERT INTO checked SELECT 'export', 'tables without a row of the customer', count(*) FROM unnest('{orders_purchases,orders_tier_decisions,orders_histories,orders_segment_since,orders_snapshots,orders_changes}'::text[]) AS t
  WHERE NOT EXISTS (SELECT FROM crm.export('fleet.orders_purchases', '{"customer_id": 7}') AS e WHERE e.relation = 'fleet.' || t);
SELECT count(*) AS held FROM fleet.orders_purchases WHERE customer_id = 7 \gset
INSERT INTO checked SELECT 'export', 'orders', :held - count(*) FROM crm.export('fleet.orders_purchases', '{"customer_id": 7}') WHERE relation = 'fleet.orders_purchases';
DELETE FROM fleet.orders WHERE customer_id = 7;
CALL crm.refresh('fleet.orders_purchases', as_of => '2025-07-15');
INSERT INTO checked SELECT 'erase', 'tables of which nothing was erased', count(*) FROM unnest('{orders_tier_decisions,orders_histories,orders_snapshots,orders_changes}'::text[]) AS t
  LEFT JOIN crm.erase('fleet.orders_purchases', '{"customer_id": 7}') AS e ON e.relation = 'fleet.' || t WHERE coalesce(e.row_count, 0) = 0;
INSERT INTO checked SELECT 'erase', 'rows that are left', count(*) FROM crm.export('fleet.orders_purchases', '{"customer_id": 7}');
INSERT INTO checked SELECT 'erase', 'rows of another customer that went', CASE WHEN count(DISTINCT relation) = 6 THEN 0 ELSE 1 END FROM crm.export('fleet.orders_purchases', '{"customer_id": 8}');
CALL fleet_after('erase');

-- tables that Citus makes anew: the tracking is left and taken up, or goes on
CREATE TABLE fleet.visits (LIKE fleet.orders);
SELECT create_distributed_table('fleet.visits', 'customer_id', colocate_with => 'none');
INSERT INTO fleet.visits SELECT * FROM fleet.orders WHERE customer_id < 100;
SELECT crm.track('fleet.visits', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount');
SELECT alter_distributed_table('fleet.visits', shard_count => 4, cascade_to_colocated => true);
DO $$
BEGIN
  PERFORM crm_internal.refresh_fill('fleet.visits_purchases');
  INSERT INTO checked VALUES ('made anew', 'a refresh is refused', 1);
EXCEPTION WHEN undefined_table THEN
  INSERT INTO checked VALUES ('made anew', 'a refresh is refused: ' || SQLERRM, CASE WHEN SQLERRM LIKE 'the table of histories of % has been dropped' THEN 0 ELSE 1 END);
END $$;
SELECT crm.untrack('fleet.visits_purchases');
SELECT crm.track('fleet.visits', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount');
INSERT INTO fleet.visits SELECT * FROM fleet.orders WHERE customer_id BETWEEN 90 AND 150;
CALL crm.refresh('fleet.visits_purchases');
INSERT INTO checked SELECT 'made anew', 'verify', count(*) FROM crm.verify('fleet.visits_purchases');
INSERT INTO checked SELECT 'made anew', 'histories are taken up', CASE WHEN histories = 'fleet.visits_histories'::regclass THEN 0 ELSE 1 END FROM crm.tracked WHERE purchases = 'fleet.visits_purchases'::regclass;
SELECT undistribute_table('fleet.visits');
INSERT INTO fleet.visits SELECT * FROM fleet.orders WHERE customer_id BETWEEN 140 AND 200;
CALL crm.refresh('fleet.visits_purchases');
INSERT INTO checked SELECT 'undistributed', 'verify', count(*) FROM crm.verify('fleet.visits_purchases');
