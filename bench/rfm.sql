-- What scoring costs, against quintiles by window functions.

CREATE TABLE customer_history AS
SELECT customer_id, crm.purchase_history(ordered_on, amount) AS history FROM orders GROUP BY customer_id;

CREATE TABLE customer_figures AS
SELECT customer_id, crm.recency(history, date '2024-06-30') AS recency, crm.purchase_count(history) AS frequency,
    crm.spend(history) AS monetary
FROM customer_history;

VACUUM (ANALYZE) customer_history, customer_figures;

CALL bench.alternative('RFM scores and segments', 'three ntile(5) windows', $$
    SELECT customer_id, ntile(5) OVER (ORDER BY recency DESC), ntile(5) OVER (ORDER BY frequency),
        ntile(5) OVER (ORDER BY monetary)
    FROM customer_figures $$);

CALL bench.alternative('RFM scores and segments', 'crm, from plain columns', $$
    WITH scale AS MATERIALIZED (
        SELECT crm.rfm_scale(recency, frequency, monetary) AS scale FROM customer_figures)
    SELECT customer_id, rfm, crm.segment(rfm)
    FROM customer_figures, scale, LATERAL (SELECT crm.rfm_score(scale, recency, frequency, monetary) AS rfm) s $$,
    'at most 0.3');

CALL bench.alternative('RFM scores and segments', 'crm, from histories', $$
    WITH scale AS MATERIALIZED (
        SELECT crm.rfm_scale(history, date '2024-06-30') AS scale FROM customer_history)
    SELECT customer_id, rfm, crm.segment(rfm)
    FROM customer_history, scale,
        LATERAL (SELECT crm.rfm_score(scale, history, date '2024-06-30') AS rfm) s $$,
    'at most 0.5');

CALL bench.alternative('RFM scores and segments', 'the scale alone, from plain columns', $$
    SELECT crm.rfm_scale(recency, frequency, monetary) FROM customer_figures $$);

CALL bench.alternative('RFM scores and segments', 'percentile_cont of the three columns', $$
    SELECT percentile_cont('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY recency),
        percentile_cont('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY frequency),
        percentile_cont('{0.2,0.4,0.6,0.8}'::float8[]) WITHIN GROUP (ORDER BY monetary::float8)
    FROM customer_figures $$);

CALL bench.alternative('RFM scores and segments', 'a scan of the plain columns', $$
    SELECT count(recency), count(monetary) FROM customer_figures $$);
