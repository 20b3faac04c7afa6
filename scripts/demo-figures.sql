-- The figures of all customers of the table orders, in the schema report: a
-- table for every chart that the demo prints and its page draws, rounded as
-- they are shown. :as_of is the day to look from, or empty for the day of the
-- last order.
SET search_path = crm, public;
CREATE SCHEMA report;

SELECT coalesce(nullif(:'as_of', '')::date, max(ordered_on)) AS as_of FROM orders \gset

CREATE TEMP TABLE customer AS
SELECT customer_id, history
FROM (SELECT customer_id, until(purchase_history(ordered_on, amount), :'as_of') AS history FROM orders GROUP BY customer_id) h
WHERE purchase_count(history) > 0;
ANALYZE customer;

-- What the figures suppose where the orders say nothing.
CREATE TABLE report.assumption AS
SELECT date :'as_of' AS as_of, 0.30 AS margin, 2.00 AS cost_of_an_order, 8.00 AS acquisition_cost,
    (SELECT CASE WHEN max(last_purchased_on(history)) - min(first_purchased_on(history)) > 730 THEN 'quarter' ELSE 'month' END
     FROM customer) AS period;
SELECT period FROM report.assumption \gset

CREATE TEMP TABLE score AS
SELECT customer_id, history, rfm, segment(rfm), segment_rank(rfm)
FROM customer, (SELECT rfm_scale(history, :'as_of') AS scale FROM customer) s,
    LATERAL (SELECT rfm_score(scale, history, :'as_of') AS rfm) r;

CREATE TABLE report.rfm_grid AS
SELECT r AS recency, f AS frequency, count(rfm) AS customers
FROM generate_series(1, 5) r CROSS JOIN generate_series(1, 5) f
LEFT JOIN score ON recency(rfm) = r AND frequency(rfm) = f
GROUP BY r, f ORDER BY r DESC, f;

CREATE TABLE report.segment AS
SELECT segment, count(*) AS customers, round(sum(spend(history)), 2) AS revenue,
    round(100 * sum(spend(history)) / nullif(sum(sum(spend(history))) OVER (), 0), 1) AS revenue_percent
FROM score GROUP BY segment, segment_rank ORDER BY segment_rank;

CREATE TEMP TABLE whale AS
SELECT whale_curve(contribution(margin * spend(history), 0, cost_of_an_order * purchase_count(history), acquisition_cost)) AS curve
FROM customer, report.assumption;
CREATE TABLE report.whale AS
SELECT customers, round((100 * customer_share)::numeric, 2) AS customer_percent, round(profit, 2) AS cumulative_profit,
    round((100 * profit_share)::numeric, 2) AS profit_percent
FROM whale, curve_points(curve, 20) ORDER BY customers;
CREATE TABLE report.whale_peak AS
SELECT customers, round((100 * customer_share)::numeric, 2) AS customer_percent, round(profit, 2) AS profit,
    round((100 * profit_share)::numeric, 2) AS profit_percent
FROM whale, whale_peak(curve);

CREATE TABLE report.cohort AS
SELECT cohort_start, age, observable AS customers, active, round((100 * rate)::numeric, 1) AS active_percent
FROM cohort_triangle('customer', :'as_of', :'period') ORDER BY cohort_start, age;

CREATE TABLE report.migration AS
SELECT from_state, to_state, customers, round(revenue_before, 2) AS revenue_before, round(revenue_after, 2) AS revenue_after
FROM lifecycle_migration('customer', daterange(date :'as_of' - 182, :'as_of', '(]'));

CREATE TABLE report.tier AS
SELECT tier, count(*) AS customers, round(sum(spend), 2) AS revenue_of_12_months
FROM (SELECT standing(program, history, :'as_of') AS s, spend(within(history, daterange((date :'as_of' - interval '1 year')::date, :'as_of', '(]'))) AS spend
      FROM customer, (SELECT tier_program('{Bronze,Silver,Gold,Platinum}', '{0,100,300,1000}', period => '12 months') AS program) p
      OFFSET 0) c,
    LATERAL (SELECT (s).tier, (s).rank) t
WHERE tier IS NOT NULL
GROUP BY tier, rank ORDER BY rank;

-- The model sees what happened up to the calibration day; then its expectation
-- runs beside what the customers of that day did. Some orders fit no model.
CREATE TABLE report.tracking (week int, until_date date, expected numeric, actual numeric);
CREATE FUNCTION pg_temp.track(as_of date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  calibrated date := as_of - 182;
BEGIN
  IF calibrated - (SELECT min(first_purchased_on(history)) FROM customer) < 91 THEN RETURN; END IF;
  INSERT INTO report.tracking
  SELECT week, calibrated + 7 * week, round(sum(expected_purchases(model, history, calibrated, calibrated + 7 * week))::numeric, 1),
    sum(purchase_day_count(within(history, daterange(calibrated + 1, calibrated + 7 * week, '[]'))))
  FROM (SELECT fit_mbg_nbd(history, calibrated) AS model FROM customer WHERE first_purchased_on(history) <= calibrated) m,
    customer, generate_series(2, 26, 2) week
  WHERE first_purchased_on(history) <= calibrated
  GROUP BY week ORDER BY week;
EXCEPTION WHEN data_exception OR numeric_value_out_of_range THEN
  RAISE WARNING 'no tracking plot: %', SQLERRM;
END $$;
SELECT pg_temp.track(:'as_of') \g /dev/null
