-- What the figures of all customers cost, against the plain sums that would be charted instead.
-- The histories are made for this area alone, so that it does not depend on another.

CREATE TABLE portfolio_history AS
SELECT customer_id, crm.purchase_history(ordered_on, amount) AS history FROM orders GROUP BY customer_id;

VACUUM (ANALYZE) portfolio_history;

CALL bench.alternative('retention', 'sum of spend', $$
    SELECT sum(crm.spend(history)) FROM portfolio_history $$);

CALL bench.alternative('retention', 'retention by calendar month', $$
    SELECT crm.retention_curve(history, date '2024-06-30', 'month') FROM portfolio_history $$,
    'at most 1.5');

CALL bench.alternative('retention', 'retention by month of age', $$
    SELECT crm.retention_curve(history, date '2024-06-30', 'month', 'age') FROM portfolio_history $$);

CALL bench.alternative('retention', 'cohort book by month', $$
    SELECT crm.cohort_book(history, date '2024-06-30', 'month') FROM portfolio_history $$,
    'at most 2');

CALL bench.alternative('retention', 'period book by month', $$
    SELECT crm.period_book(history, date '2024-06-30', 'month') FROM portfolio_history $$,
    'at most 2');

CALL bench.alternative('retention', 'time to the second purchase', $$
    SELECT crm.second_purchase_curve(history, date '2024-06-30') FROM portfolio_history $$);

CALL bench.alternative('retention', 'rhythm', $$
    SELECT crm.rhythm(history, date '2024-06-30') FROM portfolio_history $$);

CALL bench.alternative('whale curve', 'sum over customers sorted by spend', $$
    SELECT sum(spend) FROM (SELECT crm.spend(history) AS spend FROM portfolio_history ORDER BY spend DESC OFFSET 0) s $$);

CALL bench.alternative('whale curve', 'running sum by a window function', $$
    SELECT sum(so_far) FROM (
        SELECT sum(spend) OVER (ORDER BY spend DESC ROWS UNBOUNDED PRECEDING) AS so_far
        FROM (SELECT crm.spend(history) AS spend FROM portfolio_history) s) r $$);

CALL bench.alternative('whale curve', 'whale_curve', $$
    SELECT crm.whale_curve(crm.spend(history)) FROM portfolio_history $$,
    'at most 1.5');

CALL bench.alternative('whale curve', 'whale_curve in 100 points', $$
    SELECT crm.curve_points(crm.whale_curve(crm.spend(history))) FROM portfolio_history $$,
    'at most 1.5');
