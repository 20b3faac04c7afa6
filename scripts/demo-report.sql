-- What the extension says about the customers of the table orders.
-- :as_of is the day to look from, or empty for the day of the last order.
SET search_path = crm, public;

SELECT coalesce(nullif(:'as_of', '')::date, max(ordered_on)) AS as_of FROM orders \gset

CREATE TEMP TABLE customer AS
SELECT customer_id, until(purchase_history(ordered_on, amount), :'as_of') AS history
FROM orders
GROUP BY customer_id;

CREATE TEMP TABLE scale AS
SELECT rfm_scale(history, :'as_of') AS scale FROM customer;

CREATE TEMP TABLE score AS
SELECT customer_id, history, rfm, segment(rfm), segment_rank(rfm)
FROM customer, scale, LATERAL (SELECT rfm_score(scale, history, :'as_of') AS rfm) s
WHERE rfm IS NOT NULL;

\echo 'Orders up to' :as_of
SELECT count(*) AS customers, count(*) FILTER (WHERE purchase_count(history) = 0) AS with_refunds_only,
    sum(purchase_count(history)) AS orders, min(first_purchased_on(history)) AS first_order, max(last_purchased_on(history)) AS last_order,
    round(sum(spend(history)), 2) AS revenue
FROM customer
WHERE history <> '{}';

\echo 'The scale: a score is 1 + the number of cuts below the value (of recency, fewer days are better)'
SELECT measure, cuts[1] AS "1|2", cuts[2] AS "2|3", cuts[3] AS "3|4", cuts[4] AS "4|5"
FROM scale, LATERAL (VALUES
    (1, 'recency (days)', recency_cuts(scale)),
    (2, 'frequency (orders)', frequency_cuts(scale)),
    (3, 'monetary (spend)', monetary_cuts(scale))) m(n, measure, cuts)
ORDER BY n;

\echo 'Segments'
SELECT segment, count(*) AS customers, sum(purchase_count(history)) AS orders, round(sum(spend(history)), 2) AS revenue,
    round(sum(spend(history)) / nullif(sum(purchase_count(history)), 0), 2) AS average_order_value,
    round(100 * sum(spend(history)) / nullif(sum(sum(spend(history))) OVER (), 0), 1) AS "share_of_revenue_%"
FROM score
GROUP BY segment, segment_rank
ORDER BY segment_rank;

\echo 'Customers by recency (5 = bought last) and frequency (5 = bought most often)'
SELECT r AS recency,
    count(*) FILTER (WHERE frequency(rfm) = 1) AS "frequency 1",
    count(*) FILTER (WHERE frequency(rfm) = 2) AS "2",
    count(*) FILTER (WHERE frequency(rfm) = 3) AS "3",
    count(*) FILTER (WHERE frequency(rfm) = 4) AS "4",
    count(*) FILTER (WHERE frequency(rfm) = 5) AS "5"
FROM generate_series(1, 5) r LEFT JOIN score ON recency(rfm) = r
GROUP BY r
ORDER BY r DESC;

SELECT coalesce('The best 20 % of the customers bring ' || round(100 * concentration(spend(history)), 1)
    || ' % of the revenue.', 'There is no revenue to share.') AS line
FROM score \gset
\echo :line
\echo

\echo 'The ten best customers by spend'
SELECT customer_id, rfm, segment, purchase_count(history) AS orders, round(spend(history), 2) AS spend,
    first_purchased_on(history) AS first_order, last_purchased_on(history) AS last_order
FROM score
ORDER BY spend(history) DESC, customer_id
LIMIT 10;
