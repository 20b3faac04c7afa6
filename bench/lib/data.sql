-- The orders that every area measures on, and what an area declares.
-- :orders and :customers are the sizes.
CREATE EXTENSION crm;
CREATE SCHEMA bench;

-- Orders in the order of their days, few customers with many of them.
CREATE TABLE orders (customer_id int, ordered_on date, amount numeric(12,2), amount_float8 float8);
SELECT setseed(0.5) \gset
INSERT INTO orders
SELECT customer_id, ordered_on, amount, amount
FROM (
    SELECT 1 + floor(:customers * random() ^ 1.5)::int AS customer_id,
        date '2019-01-01' + (2000::bigint * i / :orders)::int AS ordered_on,
        round((10 * random() ^ -0.4)::numeric, 2) AS amount
    FROM generate_series(1, :orders) i) o;
VACUUM (ANALYZE) orders;

-- What is compared: the first alternative of a group is what the others are
-- measured against; bar is the ratio that must hold.
CREATE TABLE bench.alternative (
    id int GENERATED ALWAYS AS IDENTITY,
    title text,
    name text,
    bar text,
    query text);

-- One run: memory and disk are those of the plan's nodes together.
CREATE TABLE bench.result (
    id int, round int, seconds float8, cpu_seconds float8, memory_kb bigint, disk_kb bigint, batches int);

CREATE PROCEDURE bench.alternative(title text, name text, query text, bar text DEFAULT '')
LANGUAGE sql AS
    $$ INSERT INTO bench.alternative (title, name, bar, query) VALUES (title, name, bar, query) $$;

-- How long this session has been on a processor; NULL where the system does not tell.
CREATE FUNCTION bench.cpu_seconds() RETURNS float8
LANGUAGE sql VOLATILE AS
    $$ SELECT split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1)::float8 / 1e9 $$;

-- Runs an alternative and notes what EXPLAIN says about it.
CREATE FUNCTION bench.measure(alternative_id int, round int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    plan json;
    cpu_before float8 := bench.cpu_seconds();
    cpu float8;
BEGIN
    EXECUTE (SELECT 'EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ' || query
             FROM bench.alternative WHERE id = alternative_id) INTO plan;
    cpu := bench.cpu_seconds() - cpu_before;
    INSERT INTO bench.result
    SELECT alternative_id, round, (plan -> 0 ->> 'Execution Time')::float8 / 1000, cpu,
        sum(CASE node ->> 'Sort Space Type' WHEN 'Memory' THEN (node ->> 'Sort Space Used')::bigint ELSE 0 END
            + coalesce((node ->> 'Peak Memory Usage')::bigint, 0)),
        sum(CASE node ->> 'Sort Space Type' WHEN 'Disk' THEN (node ->> 'Sort Space Used')::bigint ELSE 0 END
            + coalesce((node ->> 'Disk Usage')::bigint, 0)),
        max(coalesce((node ->> 'HashAgg Batches')::int, (node ->> 'Hash Batches')::int))
    FROM jsonb_path_query(plan::jsonb, 'strict $.**') node
    WHERE node ? 'Node Type';
END $$;
