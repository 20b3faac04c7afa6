-- Declarative partitions: aggregated a partition at a time, and merged where the
-- groups cross partitions, everything is what one table gives, to the bit.
SET client_min_messages = warning;
SELECT plan(6);
SELECT setseed(0.42) IS NOT NULL AS seeded;

CREATE TABLE plain_sale (customer_id int, store int, sold_on date, amount numeric, booked_on date);
INSERT INTO plain_sale
  SELECT (random() * 300)::int, i % 7, day, (CASE WHEN booked IS NULL THEN 1 ELSE -1 END * random() * 90)::numeric(8,2), booked
  FROM (SELECT i, day, CASE WHEN random() < 0.1 THEN day + 5 END AS booked FROM (SELECT i, date '2025-01-01' + (random() * 400)::int AS day FROM generate_series(1, 4000) i) s) d;
CREATE TABLE sale (LIKE plain_sale) PARTITION BY HASH (customer_id);
SELECT format('CREATE TABLE sale_%s PARTITION OF sale FOR VALUES WITH (MODULUS 4, REMAINDER %1$s)', i) FROM generate_series(0, 3) i \gexec
INSERT INTO sale TABLE plain_sale ORDER BY random();
ANALYZE plain_sale, sale;

CREATE FUNCTION aggregated_over(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE plan json; BEGIN
  EXECUTE 'EXPLAIN (COSTS OFF, FORMAT JSON) ' || query INTO plan;
  RETURN (SELECT count(*) FROM regexp_matches(plan::text, '"Node Type": "Aggregate"', 'g'));
END $$;
SET enable_partitionwise_aggregate = on;
SET max_parallel_workers_per_gather = 0;
SELECT is(aggregated_over('SELECT customer_id, crm.purchase_history(sold_on, amount, CASE WHEN booked_on IS NULL THEN 1 ELSE -1 END, booked_on) FROM sale GROUP BY customer_id'), 4,
  'customers are aggregated a partition at a time');
SELECT is(aggregated_over('SELECT store, crm.purchase_history(sold_on, amount, CASE WHEN booked_on IS NULL THEN 1 ELSE -1 END, booked_on) FROM sale GROUP BY store'), 5,
  'stores, whose rows are in all partitions, are aggregated in each and then merged');

CREATE FUNCTION histories_by(key text, relation text) RETURNS TABLE (k int, bytes bytea) LANGUAGE plpgsql AS $$ BEGIN
  RETURN QUERY EXECUTE format('SELECT %1$I, crm_internal.purchase_history_send(crm.purchase_history(sold_on, amount, CASE WHEN booked_on IS NULL THEN 1 ELSE -1 END, booked_on))
    FROM %2$I GROUP BY %1$I', key, relation);
END $$;
SELECT set_eq(format('SELECT * FROM histories_by(%L, ''sale'')', k), format('SELECT * FROM histories_by(%L, ''plain_sale'')', k), 'histories by ' || k || ' are the same bytes')
FROM unnest('{customer_id,store}'::text[]) k;

CREATE VIEW sale_history AS SELECT customer_id, crm.purchase_history(sold_on, amount) AS history FROM sale WHERE booked_on IS NULL GROUP BY customer_id;
CREATE VIEW plain_sale_history AS SELECT customer_id, crm.purchase_history(sold_on, amount) AS history FROM plain_sale WHERE booked_on IS NULL GROUP BY customer_id;
SELECT results_eq('SELECT crm.rfm_scale(history, ''2026-03-01'', 5)::text, crm.concentration(crm.spend(history)::float8)::text, crm.merge(history)::text FROM sale_history',
  'SELECT crm.rfm_scale(history, ''2026-03-01'', 5)::text, crm.concentration(crm.spend(history)::float8)::text, crm.merge(history)::text FROM plain_sale_history',
  'what is aggregated over the histories of partitions is the same');
SELECT results_eq('SELECT crm.fit_bg_nbd(history, ''2026-03-01'')::text FROM sale_history', 'SELECT crm.fit_bg_nbd(history, ''2026-03-01'')::text FROM plain_sale_history',
  'and so is a model that is fitted to them');
SELECT * FROM finish();
