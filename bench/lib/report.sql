-- Prints the settings, and makes the view of the medians that bench/run prints.
\echo
SELECT version();
SELECT name, current_setting(name) AS setting
FROM unnest('{shared_buffers,work_mem,hash_mem_multiplier,jit,max_parallel_workers_per_gather}'::text[]) name;
SELECT count(*) AS orders, count(DISTINCT customer_id) AS customers, count(DISTINCT (customer_id, ordered_on)) AS purchase_days,
    pg_size_pretty(pg_table_size('orders')) AS table_size
FROM orders;

CREATE VIEW bench.report AS
WITH reference AS (
    SELECT title, min(id) AS id FROM bench.alternative GROUP BY title),
ratio AS (
    SELECT a.id, a.title, a.name, a.bar, r.seconds, r.seconds / f.seconds AS ratio, r.cpu_seconds,
        r.cpu_seconds / f.cpu_seconds AS cpu_ratio, r.memory_kb, r.disk_kb, r.batches
    FROM bench.alternative a
    JOIN bench.result r USING (id)
    JOIN reference USING (title)
    JOIN bench.result f ON f.id = reference.id AND f.round = r.round
    WHERE r.round > 0)
SELECT title, id, name,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::numeric, 3) AS seconds,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ratio)::numeric, 3) AS ratio,
    round(min(ratio)::numeric, 3) || ' .. ' || round(max(ratio)::numeric, 3) AS ratio_seen,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_seconds)::numeric, 3) AS cpu_seconds,
    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY cpu_ratio)::numeric, 3) AS cpu_ratio,
    round(min(cpu_ratio)::numeric, 3) || ' .. ' || round(max(cpu_ratio)::numeric, 3) AS cpu_ratio_seen,
    bar,
    round(max(memory_kb) / 1024.0, 1) AS memory_mb,
    round(max(disk_kb) / 1024.0, 1) AS spilled_mb,
    max(batches) AS batches,
    count(*) AS rounds
FROM ratio
GROUP BY title, id, name, bar;
