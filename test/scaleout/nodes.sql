-- A tracking of a distributed table while its nodes come, go and fall over (scripts/test-scaleout does that between the calls), and what is held of one customer. Needs the table checked of tracked.sql.
SET client_min_messages = error;
CREATE SCHEMA fleet;
CREATE TABLE fleet.orders (order_id bigint, customer_id int, ordered_on date, amount numeric, PRIMARY KEY (order_id, customer_id));
SELECT create_distributed_table('fleet.orders', 'customer_id', colocate_with => 'none');
INSERT INTO fleet.orders SELECT i, i % 700, date '2024-01-01' + i * 7919 % 500, i % 97 + 0.5 FROM generate_series(1, 7000) i;
SELECT crm.track('fleet.orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount', changes => true, as_of => '2025-06-30');
SELECT crm.track_tiers('fleet.orders_purchases');
-- beside it, by triggers on the shards
CREATE TABLE fleet.live (LIKE fleet.orders INCLUDING ALL);
SELECT create_distributed_table('fleet.live', 'customer_id', colocate_with => 'fleet.orders');
INSERT INTO fleet.live SELECT * FROM fleet.orders;
SELECT crm.track('fleet.live', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount', changes => true, as_of => '2025-06-30', on_shards => true);

-- Every order of a step is in the histories after the next refresh, and at once where triggers on the shards keep them, and nothing else.
CREATE PROCEDURE fleet_after(step text) LANGUAGE plpgsql AS $$
DECLARE
  n int;
  orders regclass;
BEGIN
  SELECT count(*) INTO n FROM checked AS c WHERE c.what = 'verify fleet';
  FOREACH orders IN ARRAY '{fleet.orders,fleet.live}'::regclass[] LOOP
    EXECUTE format('INSERT INTO %s SELECT ($1 + 1) * 100000 + i, i %% 800, date ''2025-05-01'' + $1, 10 FROM generate_series(1, 900) i', orders) USING n;
    EXECUTE format('UPDATE %s SET amount = amount + 1 WHERE customer_id %% 9 = $1 %% 9', orders) USING n;
    EXECUTE format('DELETE FROM %s WHERE customer_id %% 31 = $1 %% 31 AND order_id %% 2 = 0', orders) USING n;
  END LOOP;
  COMMIT;
  INSERT INTO checked SELECT step, 'nodes that lack the live one', cardinality(nodes_without_tracking) FROM crm.tracking_status WHERE purchases = 'fleet.live_purchases'::regclass;
  CALL compare_histories(step, 'fleet.live');
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

-- a statement of one shard goes to its node with the functions that it calls, and there is no tracking: said so, with the way out
DO $$
DECLARE
  call text;
BEGIN
  FOREACH call IN ARRAY ARRAY[$c$crm.export('fleet.orders_purchases', '{"customer_id": 8}')$c$, $c$crm.verify('fleet.live_purchases')$c$, $c$crm.drop_empty('fleet.orders_purchases')$c$] LOOP
    BEGIN
      EXECUTE format('SELECT (SELECT count(*) FROM fleet.orders_purchases WHERE customer_id = 8) - count(*) FROM %s AS e', call);
      INSERT INTO checked VALUES ('a statement of one shard', call, 1);
    EXCEPTION WHEN feature_not_supported THEN
      INSERT INTO checked VALUES ('a statement of one shard', call || ': ' || SQLERRM, CASE WHEN SQLERRM ~ '^the tracking of fleet.(orders|live)_purchases is known to the coordinator alone' THEN 0 ELSE 1 END);
    END;
  END LOOP;
END $$;
INSERT INTO checked SELECT 'a statement of one shard', 'for the row of crm.tracked', (SELECT count(*) FROM fleet.orders_purchases WHERE customer_id = 8) - count(*)
  FROM crm.tracked AS t, crm.export(t.purchases, '{"customer_id": 8}') AS e WHERE t.purchases = 'fleet.orders_purchases'::regclass AND e.relation = 'fleet.orders_purchases';

-- tables that Citus makes anew: the tracking is left and taken up, or goes on
CREATE TABLE fleet.visits (LIKE fleet.orders INCLUDING ALL);
SELECT create_distributed_table('fleet.visits', 'customer_id', colocate_with => 'none');
INSERT INTO fleet.visits SELECT * FROM fleet.orders WHERE customer_id < 100;
SELECT crm.track('fleet.visits', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount');
SELECT crm.track_tiers('fleet.visits_purchases');
SELECT alter_distributed_table('fleet.visits', shard_count => 4, cascade_to_colocated => true);
DO $$
BEGIN
  PERFORM crm_internal.refresh_fill('fleet.visits_purchases');
  INSERT INTO checked VALUES ('made anew', 'a refresh is refused', 1);
EXCEPTION WHEN undefined_table THEN
  INSERT INTO checked VALUES ('made anew', 'a refresh is refused: ' || SQLERRM, CASE WHEN SQLERRM LIKE 'the table of histories of % has been dropped' THEN 0 ELSE 1 END);
END $$;
SELECT crm_internal.views_left(t) AS views_left FROM crm.tracked AS t WHERE t.purchases = 'fleet.visits_purchases'::regclass \gset
SELECT crm.untrack('fleet.visits_purchases'); -- which says that they stay
:views_left
SELECT crm.track('fleet.visits', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount');
SELECT crm.track_tiers('fleet.visits_purchases');
-- what was decided on tiers stays, and new decisions stand beside it
INSERT INTO checked SELECT 'made anew', 'relations of other names than before', count(*) FROM pg_class WHERE relnamespace = 'fleet'::regnamespace AND relname ~ '^visits_.*\d$' AND relkind IN ('v', 'r') AND relname !~ '_\d{6}$' AND relname <> 'visits_tier_decisions1';
INSERT INTO fleet.visits SELECT * FROM fleet.orders WHERE customer_id BETWEEN 100 AND 150;
CALL crm.refresh('fleet.visits_purchases');
INSERT INTO checked SELECT 'made anew', 'verify', count(*) FROM crm.verify('fleet.visits_purchases');
INSERT INTO checked SELECT 'made anew', 'histories are taken up', CASE WHEN histories = 'fleet.visits_histories'::regclass THEN 0 ELSE 1 END FROM crm.tracked WHERE purchases = 'fleet.visits_purchases'::regclass;
SELECT undistribute_table('fleet.visits');
INSERT INTO fleet.visits SELECT * FROM fleet.orders WHERE customer_id BETWEEN 151 AND 200;
CALL crm.refresh('fleet.visits_purchases');
INSERT INTO checked SELECT 'undistributed', 'verify', count(*) FROM crm.verify('fleet.visits_purchases');
