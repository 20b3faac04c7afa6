-- A shop that exists nowhere: 4000 customers over three years, always the same
-- ones on every version of PostgreSQL.

-- A number between 0 and 1 that is a function of its key alone.
CREATE FUNCTION pg_temp.chance(key text) RETURNS float8
LANGUAGE sql IMMUTABLE AS
    $$ SELECT (('x' || substr(md5(key), 1, 12))::bit(48)::bigint + 0.5) / 2.0 ^ 48 $$;

-- A number of the standard normal distribution (Box and Muller, 1958).
CREATE FUNCTION pg_temp.normal(key text) RETURNS float8
LANGUAGE sql IMMUTABLE AS
    $$ SELECT sqrt(-2 * ln(pg_temp.chance(key || ' radius'))) * cos(2 * pi() * pg_temp.chance(key || ' angle')) $$;

-- How people buy: which share of the customers, the mean gap in days, which
-- part of the gap is left to chance, and how likely another order follows.
CREATE TEMP TABLE rhythm (upto float8, name text, gap float8, chance float8, stays float8);
INSERT INTO rhythm VALUES
    (0.06, 'weekly shopper',  8, 0.3, 0.990),
    (0.22, 'monthly refill', 30, 0.3, 0.960),
    (0.60, 'now and then',   80, 1.0, 0.850),
    (0.75, 'birthday gift', 365, 0.1, 0.800),
    (1.00, 'one order',     365, 1.0, 0.050);

CREATE TEMP TABLE customer AS
SELECT c AS customer_id, r.*,
    date '2022-01-01' + (1090 * pg_temp.chance('joined ' || c) ^ 1.3)::int AS joined_on,
    -- Most spend little, a few much.
    exp(3.4 + 0.6 * pg_temp.normal('spend ' || c)) AS usual_amount,
    1 + floor(ln(pg_temp.chance('stays ' || c)) / ln(r.stays))::int AS orders
FROM generate_series(1, 4000) c
CROSS JOIN LATERAL pg_temp.chance('rhythm ' || c) draw
CROSS JOIN LATERAL (SELECT * FROM rhythm WHERE draw < upto ORDER BY upto LIMIT 1) r;

CREATE TEMP TABLE intended AS
SELECT customer_id, n, usual_amount,
    joined_on + coalesce(sum(gap * (1 - chance - chance * ln(pg_temp.chance(format('gap %s %s', customer_id, n)))))
        OVER (PARTITION BY customer_id ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::int
        AS ordered_on
FROM customer, generate_series(1, least(orders, 200)) n;

-- Three days after one order in twenty-five comes a complaint. Most are answered, sooner or later, and the later the
-- more of those who complain never come back. So slow answers lose customers here; in a shop of yours, look.
CREATE TABLE complaint AS
SELECT customer_id::text, n, raised_at, answered_after, chance < lost AS is_lost
FROM (
    SELECT customer_id, n, ordered_on + 3 + interval '9 hours' + 9 * luck * interval '1 hour' AS raised_at,
        CASE WHEN fate < 0.85 THEN fate / 0.85 * (ARRAY[10, 60, 120])[1 + floor(3 * luck)::int] * interval '1 hour' END AS answered_after,
        pg_temp.chance(format('stays after complaint %s %s', customer_id, n)) AS chance
    FROM intended
    CROSS JOIN LATERAL pg_temp.chance(format('hour of complaint %s %s', customer_id, n)) luck
    CROSS JOIN LATERAL pg_temp.chance(format('fate of complaint %s %s', customer_id, n)) fate
    WHERE pg_temp.chance(format('complaint %s %s', customer_id, n)) < 0.04) c
CROSS JOIN LATERAL (SELECT CASE WHEN answered_after <= interval '1 day' THEN 0.0 WHEN answered_after <= interval '3 days' THEN 0.3
    WHEN answered_after IS NOT NULL THEN 0.6 ELSE 0.9 END AS lost) l;

CREATE TEMP TABLE visit AS
SELECT i.*
FROM intended i
LEFT JOIN (SELECT customer_id, min(n) AS n FROM complaint WHERE is_lost GROUP BY customer_id) l ON l.customer_id = i.customer_id::text
WHERE l.n IS NULL OR i.n <= l.n;
DELETE FROM complaint c USING (SELECT customer_id, min(n) AS n FROM complaint WHERE is_lost GROUP BY customer_id) l
WHERE l.customer_id = c.customer_id AND c.n > l.n;

CREATE TABLE orders AS
SELECT customer_id::text, ordered_on, sum(amount) AS amount
FROM (
    SELECT customer_id, ordered_on,
        round((usual_amount * exp(0.4 * pg_temp.normal(format('amount %s %s', customer_id, n))))::numeric, 2) AS amount
    FROM visit
    UNION ALL
    -- One order in forty comes back, in part, within the month.
    SELECT customer_id, ordered_on + 3 + (20 * pg_temp.chance(format('days %s %s', customer_id, n)))::int,
        -round((usual_amount * pg_temp.chance(format('part %s %s', customer_id, n)))::numeric, 2)
    FROM visit
    WHERE pg_temp.chance(format('refund %s %s', customer_id, n)) < 0.025) o
WHERE ordered_on <= date '2024-12-31'
GROUP BY customer_id, ordered_on;
