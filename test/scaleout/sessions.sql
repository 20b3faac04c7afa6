-- Two trackings of distributed tables for sessions that write at random (scripts/test-scaleout starts them, with sessions.pgbench and wide.pgbench): busy.live, kept by triggers on the shards,
-- and busy.kept, kept by refresh. Needs the table checked of tracked.sql.
SET client_min_messages = error;
CREATE SCHEMA busy;
CREATE TABLE busy.live (order_id bigint, customer_id int, ordered_on date, amount numeric, PRIMARY KEY (order_id, customer_id));
CREATE TABLE busy.kept (LIKE busy.live INCLUDING ALL);
SELECT create_distributed_table('busy.live', 'customer_id', colocate_with => 'none');
SELECT create_distributed_table('busy.kept', 'customer_id', colocate_with => 'busy.live');
INSERT INTO busy.live SELECT i, i % 2000, date '2024-01-01' + i % 400, i % 90 FROM generate_series(1, 8000) i;
INSERT INTO busy.kept SELECT * FROM busy.live;
SELECT crm.track('busy.live', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount', changes => true, as_of => '2025-06-30', on_shards => true);
SELECT crm.track('busy.kept', customer => 'customer_id', purchased_on => 'ordered_on', amount => 'amount', changes => true, as_of => '2025-06-30');

-- What the orders of a tracking say and its histories do not, both ways, asked of the rows themselves as well.
CREATE PROCEDURE compare_histories(step text, orders regclass) LANGUAGE plpgsql AS $$
DECLARE
  difference_count bigint;
BEGIN
  INSERT INTO checked SELECT step, concat('verify ', orders, ': ' || left(string_agg(v::text, ' ' ORDER BY v::text), 500)), count(*) FROM crm.verify(format('%s_purchases', orders)) AS v;
  EXECUTE format('SELECT count(*) FROM (SELECT customer_id, sum(amount) AS spend, count(*) AS purchases FROM %s GROUP BY 1) AS o
      FULL JOIN (SELECT customer_id, crm.spend(history) AS spend, crm.purchase_count(history) AS purchases FROM %1$s_histories WHERE crm.purchase_count(history) > 0) AS h USING (customer_id)
    WHERE (o.spend = h.spend AND o.purchases = h.purchases) IS NOT TRUE', orders) INTO difference_count;
  INSERT INTO checked VALUES (step, format('spend and purchases of %s', orders), difference_count);
END $$;

-- The live one before any refresh, the other after one.
CREATE PROCEDURE busy_after(step text) LANGUAGE plpgsql AS $$
BEGIN
  CALL compare_histories(step, 'busy.live');
  COMMIT;
  CALL crm.refresh('busy.kept_purchases', as_of => '2025-07-01', batch_customers => 1000);
  CALL compare_histories(step, 'busy.kept');
END $$;
CALL busy_after('before the sessions');
