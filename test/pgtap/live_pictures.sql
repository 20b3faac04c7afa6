-- What a tracking shows of time: calendar, cohorts, segments, segments by day.
BEGIN;
SELECT plan(52);
SET search_path = public, pg_catalog;
CREATE SCHEMA crm_user;
CREATE TABLE crm_user.orders (id int GENERATED ALWAYS AS IDENTITY, shop text, customer int, day date, amount numeric);
INSERT INTO crm_user.orders (shop, customer, day, amount)
SELECT CASE WHEN c % 3 = 0 THEN 'a' ELSE 'b' END, c, date '2024-01-05' + (c * 7 + n * (11 + c % 40)) % 500, 5 + (c * n) % 60
FROM generate_series(1, 200) c, generate_series(0, c % 9) n;
CREATE VIEW crm_user.all_purchases AS SELECT customer, day AS purchased_on, amount FROM crm_user.orders;
CREATE VIEW crm_user.shop_purchases AS SELECT shop, customer, day AS purchased_on, amount FROM crm_user.orders;
SELECT crm.track('crm_user.all_purchases', time_zone => 'UTC', horizon_days => 90) \gset
SELECT crm.track('crm_user.shop_purchases', time_zone => 'UTC', scale_by => '{shop}', bins => 3) \gset

SELECT row_eq($$SELECT calendar::text, cohorts::text, segments::text, segment_days::text, segment_since::text FROM crm.tracked WHERE purchases = 'crm_user.all_purchases'::regclass$$,
  ROW('crm_user.all_calendar'::text, 'crm_user.all_cohorts'::text, 'crm_user.all_segments'::text, 'crm_user.all_segment_days'::text, 'crm_user.all_segment_since'::text),
  'a tracking has its views and tables over time');
SELECT is_empty($$
  SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
  WHERE c.relnamespace = 'crm_user'::regnamespace AND c.relname ~ '_(calendar|cohorts|segments|segment_days|segment_since)$' AND a.attnum > 0
    AND (t.typnamespace <> 'pg_catalog'::regnamespace OR col_description(c.oid, a.attnum) IS NULL)$$,
  'of built-in types alone, with a comment on every column');

-- against plain SQL over the orders
SELECT set_eq('SELECT period_start, active_count, purchase_count, amount FROM crm_user.all_calendar WHERE active_count > 0',
  $$SELECT date_trunc('month', day)::date, count(DISTINCT customer) AS a, count(*) AS n, sum(amount) AS s FROM crm_user.orders GROUP BY 1$$,
  'the calendar is what the orders say');
SELECT set_eq('SELECT shop, period_start, active_count, amount FROM crm_user.shop_calendar WHERE active_count > 0',
  $$SELECT shop, date_trunc('month', day)::date, count(DISTINCT customer), sum(amount) FROM crm_user.orders GROUP BY 1, 2$$,
  'for each rule that customers are scored by');
SELECT set_eq('SELECT cohort_start, period_start, active, amount FROM crm_user.all_cohorts WHERE active > 0',
  $$SELECT date_trunc('month', f)::date AS f, date_trunc('month', day)::date AS d, count(DISTINCT customer), sum(amount)
    FROM (SELECT *, min(day) OVER (PARTITION BY customer) AS f FROM crm_user.orders) o GROUP BY 1, 2$$,
  'cohorts are what the orders say');
SELECT is_empty('SELECT * FROM crm_user.all_cohorts WHERE cumulative_amount_per_customer IS DISTINCT FROM round(cumulative_amount / observable, 2)', 'per customer too');
SELECT set_eq('SELECT segment, customer_count, spend FROM crm_user.all_segments WHERE customer_count > 0',
  'SELECT segment, count(*), sum(spend) FROM crm_user.all_customers GROUP BY 1', 'segments are the customers by segment');
SELECT is((SELECT count(*) FROM crm_user.all_segments), 10::bigint, 'with those of the map that are empty');
SELECT is((SELECT array_agg(segment_rank) FROM crm_user.all_segments), (SELECT array_agg(segment_rank ORDER BY segment_rank) FROM crm_user.all_segments), 'the best first');
SELECT is((SELECT count(*) FROM crm_user.shop_segments), (SELECT 2 * count(DISTINCT segment) FROM crm.segments(crm.rf_grid(3))), 'for each rule');
SELECT is((SELECT count(*) FROM crm_user.all_segment_days), 0::bigint, 'no day is kept before a refresh');

-- refreshes, without the commits that a test cannot make
CREATE FUNCTION pg_temp.refresh(tracking regclass, as_of date) RETURNS void LANGUAGE sql AS $$
  SELECT crm_internal.refresh_fill(tracking);
  SELECT crm_internal.refresh_start(tracking, as_of);
  SELECT crm_internal.refresh_batch(tracking, 100000);
$$;
CREATE TABLE stood (day date, customer int, segment text, spend numeric);
CREATE FUNCTION pg_temp.stand(as_of date) RETURNS void LANGUAGE sql AS $$
  SELECT pg_temp.refresh('crm_user.all_purchases', as_of);
  DELETE FROM stood WHERE day = as_of;
  INSERT INTO stood SELECT as_of, customer, segment, spend FROM crm_user.all_customers_on(as_of);
$$;
UPDATE crm_user.all_scoring SET purchase_model = crm.pareto_nbd(1, 10, 1, 10, 7), spend_model = crm.gamma_gamma(6, 4, 15);
SELECT pg_temp.stand('2024-06-30'), pg_temp.stand('2024-09-30'), pg_temp.stand('2024-12-31') \gset
DELETE FROM crm_user.orders WHERE customer IN (3, 8, 13);
SELECT pg_temp.stand('2025-01-31') \gset
SELECT pg_temp.stand('2025-02-28') \gset
-- since when each customer is where he is
CREATE VIEW runs AS
  SELECT customer, segment, min(day) AS since, row_number() OVER (PARTITION BY customer ORDER BY min(day) DESC) AS last, min(min(day)) OVER (PARTITION BY customer) AS first
  FROM (SELECT customer, segment, day, count(*) FILTER (WHERE changed) OVER (PARTITION BY customer ORDER BY day) AS run
        FROM (SELECT s.*, segment IS DISTINCT FROM lag(segment) OVER (PARTITION BY customer ORDER BY day) AS changed FROM stood s
              WHERE customer IN (SELECT customer FROM stood WHERE day = '2025-02-28')) a) b
  GROUP BY customer, segment, run;
SELECT set_eq('SELECT customer, segment, segment_since FROM crm_user.all_segment_since',
  $$SELECT customer, segment, nullif(since, '2024-06-30') FROM runs WHERE last = 1$$, 'segment_since is the day that first found the customer in the segment');
SELECT set_eq('SELECT customer, previous_segment, previous_since FROM crm_user.all_segment_since WHERE previous_segment IS NOT NULL',
  $$SELECT customer, segment, nullif(since, '2024-06-30') FROM runs WHERE last = 2$$, 'and the one before is known');

-- the same in the view of customers
SELECT set_eq('SELECT customer, segment, segment_since, previous_segment FROM crm_user.all_customers',
  'SELECT customer, segment, segment_since, previous_segment FROM crm_user.all_segment_since', 'the view of customers has since and previous segment');
CREATE VIEW bought AS
  SELECT customer, min(day) AS first_on, coalesce(sum(amount) FILTER (WHERE day > date '2025-02-28' - 365), 0) AS spend, count(*) FILTER (WHERE day > date '2025-02-28' - 365) AS purchases,
    bool_or(day > date '2025-02-28' - 365) AS now, bool_or(day BETWEEN date '2025-02-28' - 729 AND date '2025-02-28' - 365) AS before
  FROM crm_user.orders WHERE day <= '2025-02-28' GROUP BY 1;
SELECT set_eq('SELECT customer, cohort_month, spend_last_365d, purchase_count_last_365d FROM crm_user.all_customers',
  $$SELECT customer, date_trunc('month', first_on)::date, spend, purchases FROM bought$$, 'cohort month, spend and purchases of the last 365 days are what the orders say');
SELECT set_eq('SELECT customer, lifecycle_state FROM crm_user.all_customers',
  $$SELECT customer, CASE WHEN now AND before THEN 'repeat' WHEN now AND first_on > date '2025-02-28' - 365 THEN 'new' WHEN now THEN 'reactivated' WHEN before THEN 'lapsed' ELSE 'never' END FROM bought$$,
  'the lifecycle state is');
SELECT set_eq('SELECT customer, p_silence FROM crm_user.all_customers',
  $$SELECT customer, crm.p_silence(history, '2025-02-28', (SELECT crm.rhythm(history, '2025-02-28') FROM crm_user.all_histories)) FROM crm_user.all_histories
    WHERE crm.first_purchased_on(history) <= '2025-02-28'$$, 'p_silence is by the rhythm of all');
SELECT is_empty($$SELECT * FROM (SELECT value_decile, 1 + floor(10 * (count(*) OVER () - count(*) OVER (ORDER BY clv_90d DESC)) / count(*) OVER ()) AS slow
  FROM crm_user.all_customers) d WHERE abs(value_decile - slow) > 1 OR value_decile NOT BETWEEN 1 AND 10$$, 'the value decile is about that of ntile');
SELECT is_empty('SELECT FROM crm_user.all_customers a JOIN crm_user.all_customers b ON a.clv_90d >= b.clv_90d AND a.value_decile < b.value_decile', 'and orders as clv does');
SELECT is((SELECT count(*) FROM crm_user.all_customers WHERE value_decile = 10), (SELECT ceil(count(*) / 10.0)::bigint FROM crm_user.all_customers), 'the best tenth is a tenth');
SELECT results_eq('SELECT count(*), count(value_decile), count(p_silence), count(segment_since) FROM crm_user.all_customers_on(date ''2025-01-31'')',
  'SELECT count(*), count(*), count(*), 0::bigint FROM crm_user.all_customers_on(date ''2025-01-31'')', 'on another day the segment is not known to be since anything');

-- the same day once more, after orders of the day
INSERT INTO crm_user.orders (shop, customer, day, amount) SELECT 'b', c, '2025-02-28', 90 FROM generate_series(150, 230, 2) c;
SELECT pg_temp.stand('2025-02-28') \gset

PREPARE kept AS SELECT scored_on, segment, customer_count, spend FROM crm_user.all_segment_days WHERE customer_count > 0;
PREPARE slow AS SELECT day, segment, count(*), sum(spend) FROM stood GROUP BY 1, 2;
SELECT set_eq('kept', 'slow', 'each day has the customers and spend of its segments');
CREATE VIEW moves AS
  WITH days AS (SELECT day, lag(day) OVER (ORDER BY day) AS before FROM (SELECT DISTINCT day FROM stood) d)
  SELECT d.day, n.segment, s.segment AS previous FROM days d CROSS JOIN LATERAL (
    SELECT customer FROM stood WHERE day IN (d.day, d.before) GROUP BY 1) c
    LEFT JOIN stood n ON n.day = d.day AND n.customer = c.customer LEFT JOIN stood s ON s.day = d.before AND s.customer = c.customer
  WHERE d.before IS NOT NULL;
SELECT set_eq('SELECT scored_on, segment, entered_count FROM crm_user.all_segment_days WHERE entered_count > 0',
  'SELECT day, segment, count(*) FROM moves WHERE segment IS NOT NULL AND segment IS DISTINCT FROM previous GROUP BY 1, 2', 'who entered is who was not there the time before');
SELECT set_eq('SELECT scored_on, segment, left_count FROM crm_user.all_segment_days WHERE left_count > 0',
  'SELECT day, previous, count(*) FROM moves WHERE previous IS NOT NULL AND segment IS DISTINCT FROM previous GROUP BY 1, 2', 'who left is who is not there any more');
SELECT is_empty($$SELECT * FROM (SELECT *, lag(customer_count) OVER (PARTITION BY segment ORDER BY scored_on) AS before FROM crm_user.all_segment_days) d
  WHERE before + entered_count - left_count <> customer_count$$, 'customers before + entered - left = customers now');
SELECT is((SELECT count(DISTINCT scored_on) FROM crm_user.all_segment_days WHERE entered_count IS NULL), 1::bigint, 'of the first day alone nobody knows who entered');
SELECT set_eq($$SELECT segment, clv_90d::numeric(20,6), buy_again_90d::numeric(20,6) FROM crm_user.all_segment_days WHERE scored_on = '2025-02-28' AND customer_count > 0$$,
  $$SELECT segment, sum(clv_90d)::numeric(20,6), avg(buy_again_90d)::numeric(20,6) FROM crm_user.all_customers_on('2025-02-28') GROUP BY 1$$, 'value and chance are those of the customers');
SELECT is((SELECT array_agg(DISTINCT rules) FROM crm_user.all_segment_days), '{refresh}', 'a column says what scored them');

SELECT set_eq('SELECT customer, segment, segment_since FROM crm_user.all_segment_since',
  $$SELECT customer, segment, nullif(since, '2024-06-30') FROM runs WHERE last = 1$$, 'since when is what it was for those who came back to it on the day');

-- an earlier day after a later one
SELECT pg_temp.refresh('crm_user.all_purchases', '2024-11-15') \gset
SELECT is((SELECT count(*) FROM crm_user.all_segment_days WHERE scored_on = '2024-11-15' AND num_nonnulls(entered_count, left_count) > 0), 0::bigint,
  'who entered before a day that is known already is not told');

-- two rules
SELECT pg_temp.refresh('crm_user.shop_purchases', '2024-08-31'), pg_temp.refresh('crm_user.shop_purchases', '2024-12-31') \gset
SELECT set_eq($$SELECT shop, segment, customer_count FROM crm_user.shop_segment_days WHERE scored_on = '2024-12-31' AND customer_count > 0$$,
  $$SELECT shop, segment, count(*) FROM crm_user.shop_customers_on('2024-12-31') GROUP BY 1, 2$$, 'each rule has its segments');
SELECT is_empty($$SELECT * FROM (SELECT *, lag(customer_count) OVER (PARTITION BY shop, segment ORDER BY scored_on) AS before FROM crm_user.shop_segment_days) d
  WHERE before + entered_count - left_count <> customer_count$$, 'and its moves');

-- back-fill
SELECT is(crm.back_fill('crm_user.shop_purchases', '[2024-03-31,2025-12-31]'), 5::bigint, 'days are filled in up to the first that a refresh kept');
SELECT set_eq('SELECT DISTINCT scored_on FROM crm_user.shop_segment_days WHERE rules <> ''refresh''', $$VALUES (date '2024-03-31'), ('2024-04-30'), ('2024-05-31'), ('2024-06-30'), ('2024-07-31')$$,
  'ends of months stay ends of months');
SELECT set_eq($$SELECT shop, segment, customer_count FROM crm_user.shop_segment_days WHERE scored_on = '2024-05-31' AND customer_count > 0$$, $$
  WITH scale AS (SELECT shop, crm.rfm_scale(crm.until(history, '2024-05-31'), '2024-05-31', 3) AS s FROM crm_user.shop_histories GROUP BY 1)
  SELECT shop, crm.segment(crm.rfm_score(s, crm.until(history, '2024-05-31'), '2024-05-31'), crm.rf_grid(3)), count(*)
  FROM crm_user.shop_histories JOIN scale USING (shop) WHERE crm.purchase_count(crm.until(history, '2024-05-31')) > 0 GROUP BY 1, 2$$,
  'scored by a scale of what was known by then');
SELECT is_empty($$SELECT * FROM (SELECT *, lag(customer_count) OVER (PARTITION BY shop, segment ORDER BY scored_on) AS before FROM crm_user.shop_segment_days WHERE rules <> 'refresh') d
  WHERE before + entered_count - left_count <> customer_count$$, 'their moves add up as well');
SELECT is((SELECT array_agg(DISTINCT rules) FROM crm_user.shop_segment_days WHERE scored_on < '2024-08-31'), '{no models}', 'without models where there are none');
SELECT is(crm.back_fill('crm_user.all_purchases', '[2024-05-15,2024-06-30)', '15 days'), 4::bigint, 'any step will do');
SELECT is((SELECT array_agg(DISTINCT rules) FROM crm_user.all_segment_days WHERE scored_on < '2024-06-30'), '{refitted}', 'models are fitted to what was known where none was recorded');
SELECT is(crm.back_fill('crm_user.all_purchases', '[2024-01-06,2024-01-07)'), 1::bigint, 'one day as well');
SELECT row_eq($$SELECT count(*), count(*) FILTER (WHERE customer_count = 0) > 0 FROM crm_user.all_segment_days WHERE scored_on = '2024-01-06'$$, ROW(10::bigint, true), 'empty segments have rows');
SELECT throws_ok($$SELECT crm.back_fill('crm_user.all_purchases', '(,2024-06-30)')$$, '22023', 'range of days (,2024-06-30) has no first day', 'a range needs a first day');
SELECT throws_ok($$SELECT crm.back_fill('crm_user.all_purchases', '[2024-01-01,2024-06-30)', '-1 day')$$, '22023', 'step of -1 days is out of range', 'and a step forward');

-- an earlier release has none; what is dropped comes back
DROP VIEW crm_user.all_calendar;
SELECT isnt_empty($$SELECT * FROM crm.verify('crm_user.all_purchases') WHERE problem ~ 'dropped'$$, 'verify says what was dropped');
SELECT pg_temp.refresh('crm_user.all_purchases', '2025-03-31') \gset
SELECT has_view('crm_user', 'all_calendar', 'a refresh makes it anew');
SELECT is_empty($$SELECT * FROM crm.verify('crm_user.all_purchases')$$, 'and all is well');

SELECT crm.detach('crm_user.all_purchases') \gset
SELECT set_eq($$SELECT relname FROM pg_class WHERE relnamespace = 'crm_user'::regnamespace AND relname LIKE 'all\_%' AND relkind IN ('r', 'v')$$,
  '{all_purchases,all_histories,all_scoring,all_rules,all_segment_days,all_segment_since}'::text[], 'detach drops the views and keeps the tables');
SELECT lives_ok('DROP TABLE crm_user.all_segment_days, crm_user.all_segment_since', 'which are plain');

-- rules of the past: those in force that day score it
CREATE VIEW crm_user.ruled_purchases AS SELECT customer, day AS purchased_on, amount FROM crm_user.orders;
SELECT crm.track('crm_user.ruled_purchases', time_zone => 'UTC') \gset
SELECT pg_temp.refresh('crm_user.ruled_purchases', '2025-02-28') \gset
UPDATE crm_user.ruled_segment_days SET scored_on = '2026-01-01';
UPDATE crm_user.ruled_rules SET changed_at = '2024-06-01 00:00+00';
UPDATE crm_user.ruled_scoring SET segments = 'bins 3; Best: m 3; Other: any', bins = 3;
UPDATE crm_user.ruled_rules SET changed_at = '2025-03-01 00:00+00' WHERE changed_columns @> '{segments}';
SELECT is(crm.back_fill('crm_user.ruled_purchases', '[2024-04-30,2025-04-01)', '6 months'), 2::bigint, 'days before and after the rules are known');
SELECT set_eq('SELECT DISTINCT scored_on, rules FROM crm_user.ruled_segment_days WHERE rules <> ''refresh''', $$VALUES (date '2024-04-30', 'no models'), ('2024-10-30', 'rules in force')$$, 'the column says which');
SELECT set_eq($$SELECT segment, customer_count FROM crm_user.ruled_segment_days WHERE scored_on = '2024-10-30' AND customer_count > 0$$, $$
  SELECT crm.segment(crm.rfm_score(r.scale, crm.until(history, '2024-10-30'), '2024-10-30'), r.segments), count(*)
  FROM crm_user.ruled_histories, (SELECT * FROM crm_user.ruled_rules WHERE changed_at < '2025-01-01' ORDER BY change_number DESC LIMIT 1) r
  WHERE crm.purchase_count(crm.until(history, '2024-10-30')) > 0 GROUP BY 1$$, 'by the scale and the map of then');
SELECT set_eq($$SELECT DISTINCT segment FROM crm_user.ruled_segment_days WHERE scored_on = '2024-04-30'$$, '{Best,Other}'::text[], 'before, by the map of today');
SELECT * FROM finish();
ROLLBACK;
