-- ALTER EXTENSION UPDATE on every node at once, under a tracking of a distributed table as earlier releases could keep it: by refresh, its histories on the coordinator.
SET client_min_messages = error;
CREATE EXTENSION crm VERSION '0.2.1';
CREATE TABLE checked (step text, what text, difference_count bigint);
CREATE TABLE orders (order_id bigint, customer_id int, ordered_on date, amount numeric);
SELECT create_distributed_table('orders', 'customer_id');
INSERT INTO orders SELECT i, i % 300, date '2024-01-01' + i * 7919 % 500, i % 97 + 0.5 FROM generate_series(1, 3000) i;
CREATE VIEW sales_purchases AS SELECT customer_id AS customer, ordered_on AS purchased_on, sum(amount) AS amount FROM orders GROUP BY 1, 2;
SELECT crm.track('sales_purchases');
SELECT crm.track_tiers('sales_purchases');
CALL crm.refresh('sales_purchases');
INSERT INTO checked SELECT 'before the update', 'verify', count(*) FROM crm.verify('sales_histories');
INSERT INTO checked SELECT 'before the update', 'versions', count(*) FROM run_command_on_all_nodes($$SELECT extversion FROM pg_extension WHERE extname = 'crm'$$) WHERE result <> '0.2.1';
CREATE TABLE kept (customer_id int, history crm.purchase_history);
SELECT create_distributed_table('kept', 'customer_id');
INSERT INTO kept SELECT customer_id, crm.purchase_history(ordered_on, amount) FROM orders GROUP BY 1;
CREATE TABLE before AS SELECT * FROM sales_histories;

ALTER EXTENSION crm UPDATE;
INSERT INTO checked SELECT 'update', 'nodes of another version', count(*) FROM run_command_on_all_nodes($$SELECT extversion FROM pg_extension WHERE extname = 'crm'$$) WHERE result <> (SELECT extversion FROM pg_extension WHERE extname = 'crm');
INSERT INTO checked SELECT 'update', 'nodes without the new functions', count(*) FROM run_command_on_all_nodes($$SELECT 'crm.standing_result'::regtype$$) WHERE NOT success;
INSERT INTO checked SELECT 'update', 'histories that changed', count(*) FROM (SELECT customer, history::text, rfm::text, segment, tier, scored_on FROM sales_histories EXCEPT SELECT customer, history::text, rfm::text, segment, tier, scored_on FROM before) AS d;
INSERT INTO checked SELECT 'update', 'verify', count(*) FROM crm.verify('sales_histories');
INSERT INTO checked SELECT 'update', 'customers whose standing is not shown', (SELECT count(*) FROM sales_histories) - (SELECT count(*) FROM sales_standing);
SET citus.coordinator_aggregation_strategy = 'disabled';
INSERT INTO checked SELECT 'update', 'values on the shards', CASE WHEN (SELECT crm.spend(crm.merge(history)) FROM kept) = (SELECT sum(amount) FROM orders) THEN 0 ELSE 1 END;
RESET citus.coordinator_aggregation_strategy;
INSERT INTO orders SELECT 10000 + i, i % 400, '2025-06-01', 12 FROM generate_series(1, 900) i;
CALL crm.refresh('sales_purchases');
CALL crm.refresh('sales_purchases', refit => true);
INSERT INTO checked SELECT 'refresh after the update', 'verify', count(*) FROM crm.verify('sales_histories');
INSERT INTO checked SELECT 'refresh after the update', 'customers', (SELECT count(DISTINCT customer_id) FROM orders) - (SELECT count(*) FROM sales_customers);
-- the way onto the shards
SELECT crm.untrack('sales_purchases');
DROP TABLE sales_histories, sales_scoring CASCADE;
SELECT crm.track('orders', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount');
CALL crm.refresh('orders_purchases');
INSERT INTO checked SELECT 'tracked anew', 'verify', count(*) FROM crm.verify('orders_histories');
INSERT INTO checked SELECT 'tracked anew', 'histories stand on the shards', CASE WHEN EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'orders_histories'::regclass AND partmethod = 'h') THEN 0 ELSE 1 END;
