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
