-- The figures of all customers of the table orders, in the schema report.
-- :as_of is the day to look from, or empty for the day of the last order.
SET search_path = crm, public;
CREATE SCHEMA report;

SELECT coalesce(nullif(:'as_of', '')::date, max(ordered_on)) AS as_of FROM orders \gset

CREATE TEMP TABLE customer AS
SELECT customer_id, history
FROM (SELECT customer_id, until(purchase_history(ordered_on, amount), :'as_of') AS history FROM orders GROUP BY customer_id) h
WHERE purchase_count(history) > 0;
ANALYZE customer;

CREATE TEMP TABLE segment_of AS SELECT * FROM segments(rf_grid());
CREATE TEMP TABLE tier_of AS
SELECT tier, rank, threshold FROM tiers(tier_program('{Bronze,Silver,Gold,Platinum}', '{0,100,300,1000}', period => '12 months'));
CREATE TEMP TABLE score AS
SELECT customer_id, history, recency(rfm) AS recency_score, frequency(rfm) AS frequency_score, segment(rfm),
    tier(tier_program('{Bronze,Silver,Gold,Platinum}', '{0,100,300,1000}', period => '12 months'), history, :'as_of') AS tier
FROM customer, (SELECT rfm_scale(history, :'as_of') AS scale FROM customer) s,
    LATERAL (SELECT rfm_score(scale, history, :'as_of') AS rfm) r;

\set schema report
\set margin 0.30
\set cost_of_an_order 2.00
\set acquisition_cost 8.00
\ir figures.sql
