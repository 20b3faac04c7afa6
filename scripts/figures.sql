-- The figures of customers, in a schema of the caller's: a table for every chart
-- that the demo prints and the page draws, rounded as they are shown. The caller
-- has made the temporary tables
--   customer   customer_id, history up to as_of; who never bought is left out
--   score      customer_id, history, recency_score, frequency_score, segment, tier
--   segment_of segment, segment_rank: all there are, also those without customers
--   tier_of    tier, rank, threshold: all of the program in force, none without one
-- and set :schema, :as_of, :margin, :cost_of_an_order and :acquisition_cost.

-- What the figures suppose where the purchases say nothing.
CREATE TABLE :schema.assumption AS
SELECT date :'as_of' AS as_of, :margin::numeric AS margin, :cost_of_an_order::numeric AS cost_of_an_order,
    :acquisition_cost::numeric AS acquisition_cost, count(*) AS customers, min(first_purchased_on(history)) AS first_purchased_on,
    CASE WHEN max(last_purchased_on(history)) - min(first_purchased_on(history)) > 730 THEN 'quarter' ELSE 'month' END AS period
FROM customer;
SELECT period FROM :schema.assumption \gset

-- The last 365 days beside the 365 before them, if the purchases reach back so far.
CREATE TABLE :schema.headline AS
WITH year AS MATERIALIZED (
  SELECT n, daterange(date :'as_of' - 365 * n, date :'as_of' - 365 * (n - 1), '(]') AS days FROM generate_series(1, 2) n),
figures AS (
  SELECT n, f.* FROM year, LATERAL (
    SELECT coalesce(sum(spend(history)), 0) AS revenue, count(*) FILTER (WHERE purchase_count(history) > 0) AS customers,
      count(*) FILTER (WHERE purchase_day_count(history) > CASE WHEN is_known THEN 0 ELSE 1 END) AS repeat_customers,
      coalesce(sum(purchase_count(history)), 0) AS purchases
    FROM (SELECT first_purchased_on(history) < lower(days) AS is_known, within(history, days) AS history FROM customer OFFSET 0) bought) f),
measures AS (
  SELECT m.no, m.measure, f.n, m.value
  FROM figures f, LATERAL (VALUES
    (1, 'revenue', round(revenue, 2)),
    (2, 'customers who bought', customers),
    (3, 'of them repeat customers (%)', round(100.0 * repeat_customers / nullif(customers, 0), 1)),
    (4, 'average order', round(revenue / nullif(purchases, 0), 2))) m(no, measure, value))
SELECT measure, now.value AS last_365_days, before.value AS days_before,
    CASE WHEN measure LIKE '%(\%)' THEN now.value - before.value
      ELSE round(100 * (now.value - before.value) / nullif(abs(before.value), 0), 1) END AS change,
    CASE WHEN measure LIKE '%(\%)' THEN 'points' ELSE '%' END AS change_unit
FROM measures now LEFT JOIN (
    SELECT no, value FROM measures, :schema.assumption WHERE n = 2 AND first_purchased_on <= date :'as_of' - 729) before USING (no)
WHERE now.n = 1 ORDER BY no;

CREATE TABLE :schema.revenue AS
SELECT period_start, new_count AS new_customers, retained_count + reactivated_count AS returning_customers,
    lapsed_count AS lapsed_customers, purchase_count AS purchases, round(new_amount, 2) AS new_revenue,
    round(amount - new_amount, 2) AS returning_revenue, round(amount, 2) AS revenue
FROM (SELECT period_book(history, :'as_of', :'period') AS book FROM customer) b, periods(book) ORDER BY period_start;

-- Each history is read once for the grid, the segments and the tiers.
CREATE TEMP TABLE score_group AS
SELECT recency_score, frequency_score, segment, tier, count(*) AS customers, sum(spend(history)) AS revenue,
    sum(CASE WHEN tier IS NOT NULL THEN spend(within(history, daterange((date :'as_of' - interval '1 year')::date, :'as_of', '(]'))) END) AS revenue_of_12_months
FROM score GROUP BY 1, 2, 3, 4;
CREATE TABLE :schema.rfm_grid AS
SELECT r AS recency, f AS frequency, coalesce(sum(customers), 0)::bigint AS customers, round(coalesce(sum(revenue), 0), 2) AS revenue
FROM (SELECT greatest(5, max(recency_score), max(frequency_score)) AS bins FROM score_group) b, generate_series(1, bins) r CROSS JOIN generate_series(1, bins) f
LEFT JOIN score_group ON recency_score = r AND frequency_score = f
GROUP BY r, f ORDER BY r DESC, f;

CREATE TABLE :schema.segment AS
SELECT segment, coalesce(sum(customers), 0)::bigint AS customers, round(coalesce(sum(revenue), 0), 2) AS revenue,
    round(100 * coalesce(sum(revenue), 0) / nullif(sum(sum(revenue)) OVER (), 0), 1) AS revenue_percent
FROM segment_of FULL JOIN score_group USING (segment) GROUP BY segment, segment_rank ORDER BY segment_rank, segment;

CREATE TEMP TABLE profit AS
SELECT whale_curve(contribution(:margin::numeric * spend(history), 0, :cost_of_an_order::numeric * purchase_count(history), :acquisition_cost)) AS curve
FROM customer;
CREATE TABLE :schema.whale AS
SELECT customers, round((100 * customer_share)::numeric, 2) AS customer_percent, round(profit, 2) AS cumulative_profit,
    round((100 * profit_share)::numeric, 2) AS profit_percent
FROM profit, curve_points(curve, 20) ORDER BY customers;
CREATE TABLE :schema.whale_peak AS
SELECT customers, round((100 * customer_share)::numeric, 2) AS customer_percent, round(profit, 2) AS profit,
    round((100 * profit_share)::numeric, 2) AS profit_percent
FROM profit, whale_peak(curve);

CREATE TEMP TABLE cohorts AS SELECT cohort_book(history, :'as_of', :'period') AS book FROM customer;
CREATE TABLE :schema.cohort AS
SELECT cohort_start, age, observable AS customers, active, round((100 * rate)::numeric, 1) AS active_percent
FROM cohorts, cells(book) ORDER BY cohort_start, age;

CREATE TABLE :schema.migration AS
SELECT from_state, to_state, customers, round(revenue_before, 2) AS revenue_before, round(revenue_after, 2) AS revenue_after
FROM lifecycle_migration('customer', daterange(date :'as_of' - 182, :'as_of', '(]'));

-- What the cohorts will have come to at the oldest age seen. Some triangles cannot be projected.
CREATE FUNCTION pg_temp.project_cohorts()
RETURNS TABLE (cohort_start date, customers bigint, revenue_to_date numeric, still_to_come numeric, standard_error numeric)
LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
  RETURN QUERY
  SELECT p.cohort_start, c.observable, round(p.to_date, 2), round(p.still_to_come, 2), round(p.standard_error, 2)
  FROM cohorts, project(book) p
    LEFT JOIN cells(book) c ON c.cohort_start = p.cohort_start AND c.age = 0
  WHERE p.cohort_start IS NOT NULL;
EXCEPTION WHEN data_exception OR numeric_value_out_of_range THEN
  RETURN;
END $$;
CREATE TABLE :schema.projection AS
SELECT * FROM pg_temp.project_cohorts() ORDER BY cohort_start;

CREATE TABLE :schema.tier AS
SELECT tier, coalesce(sum(customers), 0)::bigint AS customers, round(coalesce(sum(revenue_of_12_months), 0), 2) AS revenue_of_12_months
FROM tier_of LEFT JOIN score_group USING (tier)
GROUP BY tier, rank ORDER BY rank;

-- The model sees what happened up to the calibration day; then its expectation
-- runs beside what the customers of that day did. Some orders fit no model.
-- Customers who are alike are reckoned once: most of them bought once.  If there are more
-- than 200,000 it is fitted to a sample of 50,000 or a few more, and who is alike within a week
-- is taken for alike, by the mean of such: off by 0.01 % where it was compared.
CREATE FUNCTION pg_temp.track(as_of date, first_on date, customers bigint) RETURNS TABLE (week int, until_date date, expected numeric, actual numeric) LANGUAGE plpgsql AS $$
DECLARE
  calibrated date := as_of - 182;
  model purchase_model;
  parts constant bigint := CASE WHEN customers > 200000 THEN customers / 50000 ELSE 1 END;
  width constant int := CASE WHEN parts = 1 THEN 1 ELSE 7 END;
BEGIN
  IF calibrated - first_on < 91 THEN RETURN; END IF;
  model := (SELECT fit_purchase_model(history, calibrated) FROM customer
            WHERE first_purchased_on(history) <= calibrated AND (hashtext(customer_id::text) & 2147483647) % parts = 0);
  RETURN QUERY
  WITH alike AS MATERIALIZED (
    SELECT x, avg(t_x::float8) AS t_x, avg(age::float8) AS age, count(*) AS n
    FROM (SELECT purchase_day_count(history) - 1 AS x, last_purchased_on(history) - first_purchased_on(history) AS t_x,
            calibrated - first_purchased_on(history) AS age
          FROM (SELECT until(history, calibrated) AS history FROM customer WHERE first_purchased_on(history) <= calibrated OFFSET 0) c
          WHERE purchase_count(history) > 0 OFFSET 0) b
    GROUP BY x, t_x / width, age / width),
  bought AS MATERIALIZED (
    SELECT p.purchased_on, count(*) AS days
    FROM customer, purchases(within(history, daterange(calibrated + 1, as_of, '[]'))) p
    WHERE first_purchased_on(history) <= calibrated AND last_purchased_on(history) > calibrated AND p.purchase_count > 0 GROUP BY 1)
  SELECT w, calibrated + 7 * w,
    (SELECT round(sum(n * expected_purchases(model, x, t_x / unit_days(model), age / unit_days(model), 7.0 * w / unit_days(model)))::numeric, 1) FROM alike),
    (SELECT coalesce(sum(days), 0) FROM bought WHERE purchased_on <= calibrated + 7 * w)
  FROM generate_series(2, 26, 2) w ORDER BY w;
EXCEPTION WHEN data_exception OR numeric_value_out_of_range THEN
  RAISE WARNING 'no tracking plot: %', SQLERRM;
END $$;
CREATE TABLE :schema.tracking AS
SELECT t.* FROM :schema.assumption a, pg_temp.track(a.as_of, a.first_purchased_on, a.customers) t ORDER BY week;
