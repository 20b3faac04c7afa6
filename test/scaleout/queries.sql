-- Queries as users write them, over plain tables and over the same rows on shards: the same answer, by the plan that is said. Needs the table checked of tracked.sql.
SET client_min_messages = error;
CREATE SCHEMA plain;
CREATE SCHEMA sharded;

CREATE TABLE plain.orders AS
SELECT row_number() OVER (ORDER BY i, n) AS order_id, i AS customer_id, 'r' || i % 5 AS region, d AS ordered_on, (d + i % 24 * interval '1 hour') AT TIME ZONE 'UTC' AS ordered_at,
  CASE WHEN (i * 31 + n) % 41 = 0 THEN -7.5 ELSE 5 + (i * 37 + n * 101) % 900 / 10.0 END AS amount
FROM generate_series(1, 600) i, generate_series(0, 11) n, LATERAL (SELECT date '2023-01-01' + (i * 7919 + n * n * 104729) % 730 AS d) AS s WHERE n <= i * i % 13;
CREATE TABLE plain.customer AS
SELECT customer_id, region, h AS history, crm.spend(h) - 120 AS value, (crm.spend(h) - 120)::float8 / 3 AS share, greatest(crm.spend(h), 0) AS wealth, NOT crm.holdout(customer_id::bigint, 'test', 0.3) AS treated,
  b.x::float8 AS x, b.t_x, b.age, crm.recency(h, '2024-12-31') AS recency, crm.purchase_count(h) AS frequency, crm.spend(h) AS monetary, 'c' || customer_id / 3 AS referrer, 'c' || customer_id AS name
FROM (SELECT customer_id, region, crm.purchase_history(ordered_on, amount) AS h FROM plain.orders GROUP BY 1, 2) AS s, crm.btyd(h, '2024-12-31', 7) AS b;
CREATE TABLE plain.contact AS
SELECT order_id AS contact_id, customer_id, region, ordered_at + order_id % 50 * interval '1 hour' AS occurred_at,
  (ARRAY['request', 'complaint', 'message', 'survey', 'visit', 'enquiry'])[1 + order_id % 6] AS kind, (ARRAY['email', 'phone', 'chat', 'sms'])[1 + order_id % 4] AS channel,
  (ARRAY['inbound', 'outbound'])[1 + order_id / 7 % 2] AS direction, (ARRAY['delivered', 'opened', 'answered', NULL])[1 + order_id % 4] AS outcome,
  CASE WHEN order_id % 5 = 0 THEN order_id % 11 END::int AS score, CASE WHEN order_id % 9 = 0 THEN ordered_at + interval '5 days' END AS resolved_at
FROM plain.orders WHERE order_id % 3 = 0;
CREATE TABLE plain.granted AS
SELECT customer_id, (ARRAY['marketing', 'orders'])[1 + customer_id % 2] AS purpose, 'consent' AS basis, tstzrange('2024-01-01', CASE WHEN customer_id % 5 > 1 THEN timestamptz '2026-01-01' END) AS validity
FROM plain.customer WHERE customer_id % 4 = 0;
CREATE TABLE plain.rule AS
SELECT crm.rfm_scale(history, '2024-12-31') AS scale, crm.rf_grid() AS segments, crm.fit_pareto_nbd(history, '2024-12-31', 7) AS model, crm.fit_gamma_gamma(history, '2024-12-31') AS spend,
  crm.tier_program(tiers => '{Bronze,Silver,Gold}', thresholds => '{0,200,600}', metric => 'spend', period => '12 months', downgrade => 'one_tier') AS program,
  crm.points_rule(rate => 1, purchase_points => 10, expiry => '12 months') AS points, crm.rhythm(history, '2024-12-31') AS rhythm FROM plain.customer;

DO $$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY '{orders,customer,contact,granted,rule}'::text[] LOOP
    EXECUTE format('CREATE TABLE sharded.%1$I (LIKE plain.%1$I)', t);
    IF t = 'rule' THEN
      PERFORM create_reference_table('sharded.rule');
    ELSE
      PERFORM create_distributed_table('sharded.' || t, 'customer_id', colocate_with => CASE t WHEN 'orders' THEN 'none' ELSE 'sharded.orders' END);
    END IF;
    EXECUTE format('INSERT INTO sharded.%1$I TABLE plain.%1$I', t);
  END LOOP;
END $$;
ANALYZE sharded.orders, sharded.customer, sharded.contact, sharded.granted;
CREATE TABLE plain.of_one_place AS SELECT crm.rfm_scale(history, '2024-12-31') AS scale FROM plain.customer;

-- subplans: how many parts of a query are made first, gathered on the coordinator and sent to the shards; NULL where Citus refuses it; -1 where a function of crm reads the table.
-- Those that gather a row for every customer, and not a rule, are named so.
CREATE TABLE asked (name text PRIMARY KEY, subplans int, query text);

-- rules: a constant, a row of a table, a part of the query
INSERT INTO asked VALUES ('rule as a constant', 0, $$SELECT customer_id, crm.rfm_score('recency: 141, 432, 485, 512; frequency: 1, 1, 2, 4; monetary: 15.36, 31.35, 59.924, 133.95'::crm.rfm_scale, history, '2024-12-31') FROM customer$$),
('rule in a reference table', 0, $$SELECT customer_id, crm.rfm_score(scale, history, '2024-12-31'), crm.segment(crm.rfm_score(scale, history, '2024-12-31'), segments), crm.p_alive(model, history, '2024-12-31') FROM customer, rule$$),
('rule in a table of one place', 1, $$SELECT customer_id, crm.rfm_score(scale, history, '2024-12-31') FROM customer, plain.of_one_place$$),
('rule in WITH', 1, $$WITH scale AS MATERIALIZED (SELECT crm.rfm_scale(history, '2024-12-31') AS scale FROM customer)
  SELECT customer_id, rfm, crm.segment(rfm), crm.segment_rank(rfm), crm.segment_rule(rfm) FROM customer, scale, LATERAL (SELECT crm.rfm_score(scale, history, '2024-12-31') AS rfm) s$$),
('rule in FROM', 1, $$SELECT customer_id, crm.rfm_score(scale, history, '2024-12-31') FROM customer, (SELECT crm.rfm_scale(history, '2024-12-31') AS scale FROM customer) s$$),
('rule as a scalar', 1, $$SELECT customer_id, crm.rfm_score((SELECT crm.rfm_scale(history, '2024-12-31') FROM customer), history, '2024-12-31') FROM customer$$),
('rule for each region', 1, $$SELECT customer_id, crm.rfm_score(scale, history, '2024-12-31') FROM customer JOIN (SELECT region, crm.rfm_scale(history, '2024-12-31') AS scale FROM customer GROUP BY region) s USING (region)$$),
('histories in WITH, used twice: gathered', 2, $$WITH c AS MATERIALIZED (SELECT customer_id, crm.purchase_history(ordered_on, amount) AS history FROM orders GROUP BY customer_id),
  scale AS MATERIALIZED (SELECT crm.rfm_scale(history, '2024-12-31') AS scale FROM c)
  SELECT customer_id, rfm, crm.segment(rfm), crm.spend(history) FROM c, scale, LATERAL (SELECT crm.rfm_score(scale, history, '2024-12-31') AS rfm) s$$),
('histories in WITH, NOT MATERIALIZED', 1, $$WITH c AS NOT MATERIALIZED (SELECT customer_id, crm.purchase_history(ordered_on, amount) AS history FROM orders GROUP BY customer_id),
  scale AS MATERIALIZED (SELECT crm.rfm_scale(history, '2024-12-31') AS scale FROM c)
  SELECT customer_id, rfm, crm.segment(rfm), crm.spend(history) FROM c, scale, LATERAL (SELECT crm.rfm_score(scale, history, '2024-12-31') AS rfm) s$$),
('segments, counted', 1, $$WITH scale AS MATERIALIZED (SELECT crm.rfm_scale(history, '2024-12-31') AS scale FROM customer)
  SELECT crm.segment(rfm), count(*), sum(crm.spend(history)) FROM customer, scale, LATERAL (SELECT crm.rfm_score(scale, history, '2024-12-31') AS rfm) s
  GROUP BY crm.segment(rfm), crm.segment_rank(rfm) ORDER BY crm.segment_rank(rfm)$$),
('rfm_explain', 0, $$SELECT customer_id, e.* FROM customer, rule, crm.rfm_explain(scale, history, '2024-12-31') e$$),
('rfm_score of numbers', 0, $$SELECT customer_id, crm.rfm_score(scale, recency, frequency, monetary), crm.rfm_score(scale, recency::float8, x, share) FROM customer, rule$$),
('scores as groups', 0, $$SELECT crm.rfm_score(scale, history, '2024-12-31') AS rfm, count(*), crm.whale_curve(value) FROM customer, rule GROUP BY 1$$),
('a column of score_customer, gathered', 1, $$SELECT customer_id, (s).* FROM (SELECT customer_id, crm.score_customer(history, '2024-12-31', scale, segments, NULL, program, model, spend, 0.3, 365, 0.1) AS s FROM customer, rule OFFSET 0) q$$);

-- histories
INSERT INTO asked VALUES ('functions of a history', 0, $$SELECT customer_id, crm.first_purchased_on(history), crm.last_purchased_on(history), crm.purchase_count(history), crm.purchase_day_count(history), crm.spend(history), crm.average_order_value(history),
  crm.average_days_between_purchases(history), crm.recency(history, '2024-12-31'), crm.tenure(history, '2024-12-31'), crm.until(history, '2023-12-31'::date), crm.within(history, '[2023-01-01,2024-01-01)'::daterange), crm.drop_refunded(history), history::jsonb FROM customer$$),
('purchases', 0, $$SELECT customer_id, p.* FROM customer, crm.purchases(history) p$$),
('activity', 0, $$SELECT customer_id, a.* FROM customer, crm.activity(history, '2024-12-31', 'month') a$$),
('history so far', 0, $$SELECT customer_id, order_id, crm.purchase_history(ordered_on, amount) OVER (PARTITION BY customer_id ORDER BY order_id) FROM orders$$),
('a purchase more', 0, $$SELECT customer_id, history OPERATOR(crm.+) crm.purchase('2024-01-18', 30.00) FROM customer$$),
('FILTER', 0, $$SELECT region, crm.purchase_history(ordered_on, amount) FILTER (WHERE amount > 20) FROM orders GROUP BY region$$),
('FILTER over all', 0, $$SELECT crm.purchase_history(ordered_on, amount) FILTER (WHERE amount > 20), crm.purchase_history(ordered_at, amount, 'UTC') FROM orders$$),
('DISTINCT', 0, $$SELECT region, crm.nps(DISTINCT score) FROM contact GROUP BY region$$),
('ORDER BY in an aggregate', 0, $$SELECT region, crm.purchase_history(ordered_on, amount ORDER BY order_id) FROM orders GROUP BY region$$),
('HAVING', 0, $$SELECT region, crm.repeat_rate(history, '2024-12-31') FROM customer GROUP BY region HAVING crm.repeat_rate(history, '2024-12-31') > 0.3$$),
('several aggregates', 0, $$SELECT count(*), avg(value), crm.rfm_scale(history, '2024-12-31'), crm.fit_bg_nbd(history, '2024-12-31', 7), crm.whale_curve(value), crm.gini(wealth) FROM customer$$),
('functions of aggregates', 0, $$SELECT crm.recency_cuts(crm.rfm_scale(history, '2024-12-31')), crm.p_alive(crm.fit_bg_nbd(history, '2024-12-31', 7), 3, 20, 60), (crm.data_check(history, '2024-12-31')).* FROM customer$$),
('histories as groups', 0, $$SELECT history, count(*) FROM customer WHERE crm.purchase_day_count(history) = 1 GROUP BY history$$),
('DISTINCT values', 0, $$SELECT DISTINCT crm.rfm_score(scale, history, '2024-12-31') FROM customer, rule$$),
('ORDER BY histories', 0, $$SELECT customer_id, history FROM customer ORDER BY history, customer_id LIMIT 100$$),
('merge of merges', 0, $$SELECT crm.merge(h) FROM (SELECT customer_id, crm.merge(history) AS h FROM customer GROUP BY customer_id) r$$),
('merge of merges by region', 1, $$SELECT crm.merge(h) FROM (SELECT region, crm.merge(history) AS h FROM customer GROUP BY region) r$$),
('UNION ALL', 3, $$SELECT crm.merge(h) FROM (SELECT crm.merge(history) AS h FROM customer WHERE customer_id % 2 = 0 UNION ALL SELECT crm.merge(history) FROM customer WHERE customer_id % 2 = 1) u$$),
('grouping sets', NULL, $$SELECT region, crm.repeat_rate(history, '2024-12-31') FROM customer GROUP BY GROUPING SETS ((region), ())$$);

-- lifetime value
INSERT INTO asked VALUES ('parameters of a fit', 1, $$SELECT p.* FROM (SELECT crm.fit_pareto_nbd(history, '2024-12-31', 7) AS m FROM customer) f, crm.parameters(m) p$$),
('a fit over orders', 0, $$SELECT crm.fit_pareto_nbd(history, '2024-12-31', 7), crm.fit_gamma_gamma(history, '2024-12-31') FROM (SELECT customer_id, crm.purchase_history(ordered_on, amount) AS history FROM orders GROUP BY customer_id) c$$),
('value by a model in WITH', 1, $$WITH model AS MATERIALIZED (SELECT crm.fit_bg_nbd(history, '2024-12-31', 7) AS purchases, crm.fit_gamma_gamma(history, '2024-12-31') AS spend FROM customer)
  SELECT customer_id, crm.p_alive(purchases, history, '2024-12-31'), crm.expected_purchases(purchases, history, '2024-12-31', '2025-12-31'), crm.expected_next_purchase_on(purchases, history, '2024-12-31'),
  crm.expected_spend(spend, history, '2024-12-31'::date), crm.clv(purchases, spend, history, '2024-12-31', '2025-12-31', 0.10), crm.dert(purchases, history, '2024-12-31', 0.1) FROM customer, model$$),
('value by a constant model', 0, $$WITH model AS (SELECT crm.pareto_nbd(0.553, 10.578, 0.606, 11.669, 7) AS purchases, crm.gamma_gamma(6.25, 3.74, 15.44) AS spend)
  SELECT customer_id, crm.p_alive(purchases, history, '2025-03-31'), crm.clv(purchases, spend, history, '2025-03-31', '2026-03-31', 0.10) FROM customer, model$$),
('btyd in LATERAL', 0, $$SELECT customer_id, b.* FROM customer, crm.btyd(history, '2024-12-31', 7) b$$),
('a column of btyd, gathered', 1, $$SELECT customer_id, (b).x, (b).mean_spend FROM (SELECT customer_id, crm.btyd(history, '2024-12-31', 7) AS b FROM customer OFFSET 0) s$$),
('models of numbers', 0, $$SELECT customer_id, crm.p_alive(model, x, t_x, age), crm.p_alive(model, x, t_x, age, 4), crm.expected_purchases(model, x, t_x, age, 52), crm.expected_purchases(model, 52), crm.p_purchases(model, 1, 52) FROM customer, rule$$),
('forecast beside what came', 0, $$SELECT day, round(sum(crm.expected_purchases(model, (day - crm.first_purchased_on(history)) / 7.0))), sum(crm.purchase_day_count(crm.until(history, day)) - 1)
  FROM rule, customer, (SELECT d::date AS day FROM generate_series(timestamp '2024-04-01', '2024-12-31', '56 days') d) days WHERE crm.first_purchased_on(history) < day GROUP BY day$$),
('expected revenue', 0, $$SELECT (crm.expected_revenue(model, spend, history, '2024-12-31', '2025-12-31')).* FROM customer, rule$$),
('expected revenue by constant models', 0, $$SELECT crm.expected_revenue(crm.pareto_nbd(0.8, 4, 0.5, 20, 7), crm.gamma_gamma(6.25, 3.74, 15.44), history, '2024-12-31', '2025-12-31') FROM customer$$),
('forecast accuracy', 0, $$SELECT (crm.forecast_accuracy(x, age)).* FROM customer$$),
('forecast accuracy by region', 0, $$SELECT region, crm.forecast_accuracy(x, age) FROM customer GROUP BY region$$),
('customer equity of clv', 0, $$SELECT crm.customer_equity(crm.clv(model, spend, history, '2024-12-31', '2025-12-31', 0.1)) FROM customer, rule$$),
('simulated purchases beside customers', 0, $$SELECT c.customer_id, s.purchased_on, s.amount FROM crm.simulate_purchases(crm.pareto_nbd(0.55, 10.6, 0.61, 11.7, 7), crm.gamma_gamma(6.25, 3.74, 15.44), 500, '[2024-01-01,2024-12-31]', 2) s JOIN customer c ON c.customer_id = s.customer_id$$),
('payback, contribution, present value', 0, $$SELECT customer_id, crm.contribution(crm.spend(history), 10, 5, 3), crm.payback_on(history, 0.25, 10), crm.present_value(history, '2024-12-31', 0.08) FROM customer$$);

-- tiers and points
INSERT INTO asked VALUES ('standing in LATERAL', 0, $$SELECT customer_id, s.* FROM customer, crm.standing(crm.tier_program(tiers => '{Bronze,Silver,Gold}', thresholds => '{0,400,1000}', metric => 'spend', period => '12 months'), history, '2024-12-31') s$$),
('columns of a standing', 0, $$SELECT customer_id, (crm.standing(program, history, '2024-12-31')).tier, (crm.standing(program, history, '2024-12-31')).reason FROM customer, rule$$),
('a column of a standing, gathered', 1, $$SELECT customer_id, (s).tier, (s).missing_for_next FROM (SELECT customer_id, crm.standing(program, history, '2024-12-31') AS s FROM customer, rule OFFSET 0) q$$),
('tier and timeline', 0, $$SELECT customer_id, crm.tier(program, history, '2024-12-31'), t.* FROM rule, customer, crm.tier_timeline(program, history, '2024-12-31') t$$),
('tier progress', 0, $$SELECT customer_id, t.* FROM rule, customer, crm.tier_progress(program, history, '2024-12-31') t$$),
('points', 0, $$SELECT customer_id, crm.points_balance(points, history, NULL, '2024-12-31'), crm.points_expiring(points, history, NULL, '2024-12-31', '2025-03-31') FROM rule, customer$$),
('points liability', 0, $$SELECT sum(b), crm.points_liability(b, 0.01, 0.15) FROM rule, customer, crm.points_balance(points, history, NULL, '2024-12-31') AS b$$),
('points statement', 0, $$SELECT customer_id, s.* FROM rule, customer, crm.points_statement(points, history, NULL, '2024-12-31') s$$);

-- interactions, consents
INSERT INTO asked VALUES ('functions of interactions', 0, $$SELECT customer_id, crm.engagement(h, '2024-12-31 00:00+00', '{"message": 1, "enquiry": 3, "survey": 2}', '30 days'), crm.contact_pressure(h, '2024-12-31 00:00+00', '30 days'), crm.reciprocity(h, '2024-12-31 00:00+00'),
  crm.days_since_last_contact(h, '2024-12-31 00:00+00'), crm.preferred_channel(h, '2024-12-31 00:00+00'), crm.open_request_count(h, '2024-12-31 00:00+00'), crm.unanswered_request_count(h, '2024-12-31 00:00+00'),
  crm.first_response_time(h, '2024-12-31 00:00+00'), crm.time_to_resolve(h, '2024-12-31 00:00+00'), crm.complaint_count(h, '2024-12-31 00:00+00'), crm.complaint_rate(h, '2024-12-31 00:00+00')
  FROM (SELECT customer_id, crm.interaction_history(occurred_at, kind, channel, direction, outcome, score, resolved_at) AS h FROM contact GROUP BY customer_id) c$$),
('contact verdict over a join', 0, $$SELECT c.customer_id, v.* FROM (SELECT customer_id, crm.interaction_history(occurred_at, kind, channel, direction, outcome, score, resolved_at) AS h FROM contact GROUP BY customer_id) c
  LEFT JOIN (SELECT customer_id, crm.consents(purpose, basis, validity) AS g FROM granted GROUP BY customer_id) g USING (customer_id),
  crm.contact_verdict('1 per day; 3 per 7 days; quiet 21:00-08:00; pause 14 days after complaint', g, h, '2024-12-31 07:30+00', 'email', 'marketing', 'Europe/Berlin') v$$),
('practised level over a join', 0, $$SELECT customer_id, crm.practised_level(h, history, '2024-12-31 12:00+00', 'Europe/Berlin'), crm.recovered(h, history, '2024-12-31 00:00+00', '30 days', 'Europe/Berlin')
  FROM customer JOIN (SELECT customer_id, crm.interaction_history(occurred_at, kind, channel, direction, outcome, score, resolved_at) AS h FROM contact GROUP BY customer_id) c USING (customer_id)$$),
('recommended level', 0, $$SELECT customer_id, crm.recommended_level('customers few < 100 <= medium < 10000 <= many; margin low < 50 <= medium < 500 <= high'::crm.relationship_bands, 2500, value) FROM customer$$),
('lift', 0, $$SELECT crm.lift(NOT crm.holdout(customer_id::bigint, 'spring 2024', 0.1), share) FROM customer$$),
('nps', 1, $$SELECT (n).* FROM (SELECT crm.nps(score) AS n FROM contact) s$$);

-- retention, the whole
INSERT INTO asked VALUES ('retention', 1, $$SELECT p.* FROM (SELECT crm.retention_curve(history, '2024-12-31', 'month') AS curve FROM customer) r, crm.curve_points(curve) p$$),
('retention by cohort', 1, $$SELECT cohort, p.* FROM (SELECT date_trunc('month', crm.first_purchased_on(history)::timestamp)::date AS cohort, crm.retention_curve(history, '2024-12-31', 'month') AS curve FROM customer GROUP BY 1) c, crm.curve_points(curve) p$$),
('merge of curves', 1, $$SELECT crm.merge(curve) FROM (SELECT region, crm.retention_curve(history, '2024-12-31', 'month') AS curve FROM customer GROUP BY region) r$$),
('cohort_triangle', -1, $$SELECT * FROM crm.cohort_triangle('customer', '2024-12-31', 'month')$$),
('lifecycle states', 0, $$SELECT crm.lifecycle_state(history, '(2024-06-30,2024-12-31]') AS state, count(*) FROM customer GROUP BY 1$$),
('lifecycle_migration', -1, $$SELECT * FROM crm.lifecycle_migration('customer', '(2024-06-30,2024-12-31]')$$),
('overdue by the rhythm of all', 1, $$SELECT customer_id, crm.p_silence(history, '2024-12-31', r), crm.is_overdue(history, '2024-12-31', r) FROM customer, (SELECT crm.rhythm(history, '2024-12-31') AS r FROM customer) a$$),
('time to the second purchase', 1, $$SELECT p.* FROM (SELECT crm.second_purchase_curve(history, '2024-12-31') AS curve FROM customer) c, crm.curve_points(curve) p$$),
('concentration and gini', 0, $$SELECT crm.concentration(value), crm.concentration(share, 0.1), crm.gini(wealth), crm.gini(wealth::float8) FROM customer$$),
('concentration by region', 0, $$SELECT region, crm.concentration(value), crm.gini(wealth) FROM customer GROUP BY region$$),
('deciles', 1, $$SELECT d.* FROM (SELECT crm.whale_curve(value) AS curve FROM customer) c, crm.deciles(curve) d$$),
('whale peak', 1, $$SELECT d.* FROM (SELECT crm.whale_curve(value) AS curve FROM customer) c, crm.whale_peak(curve) d$$),
('referrals', 1, $$SELECT r.* FROM (SELECT crm.referral_network(referrer, name, value) AS network FROM customer) n, crm.referrers(network, 2) r$$),
('first referrals, joined: gathered', 2, $$WITH first_referral AS (SELECT DISTINCT ON (name) * FROM customer WHERE referrer <> name ORDER BY name, customer_id)
  SELECT crm.referral_network(f.referrer, f.name, crm.referral_worth(0.30 * crm.present_value(crm.until(c.history, '2024-06-30'::date), '2024-06-30', 0.08), 40, false)) FROM first_referral f LEFT JOIN customer c ON c.name = f.name$$);

INSERT INTO asked VALUES ('the first query of README', 1, rtrim(:'readme', E';\n '));

-- The rows of a query in a schema, as one text that their order does not change.
CREATE FUNCTION answer(query text, schema text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r record;
  rows text[] := '{}';
BEGIN
  PERFORM set_config('search_path', schema || ', public', true);
  FOR r IN EXECUTE query LOOP
    rows := rows || r::text;
  END LOOP;
  RETURN cardinality(rows) || ' rows ' || md5(array_to_string(ARRAY(SELECT unnest(rows) ORDER BY 1), E'\n'));
END $$;

-- How many parts of its plan are made first; -1 where nothing is asked of a shard by the query itself.
CREATE FUNCTION subplans(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  line text;
  plan text := '';
BEGIN
  PERFORM set_config('search_path', 'sharded, public', true);
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    plan := plan || line || E'\n';
  END LOOP;
  RETURN CASE WHEN plan ~ 'Citus Adaptive' THEN (SELECT count(*) FROM regexp_matches(plan, 'Distributed Subplan', 'g')) ELSE -1 END;
END $$;

DO $$
DECLARE
  a record;
  near text;
  far text;
  parts int;
BEGIN
  FOR a IN SELECT * FROM asked LOOP
    BEGIN
      near := answer(a.query, 'plain');
      far := answer(a.query, 'sharded');
      parts := subplans(a.query);
    EXCEPTION WHEN OTHERS THEN
      far := SQLERRM;
      parts := NULL;
    END;
    PERFORM set_config('search_path', 'public', true);
    IF a.subplans IS NULL THEN
      INSERT INTO checked VALUES ('query', a.name || ': ' || far, CASE WHEN far ~ 'could not run distributed query' THEN 0 ELSE 1 END);
    ELSE
      INSERT INTO checked VALUES ('query', a.name || CASE WHEN near = far THEN '' ELSE ': ' || far END, CASE WHEN near = far AND near !~ '^0 rows' THEN 0 ELSE 1 END),
        ('query', format('%s: subplans %s', a.name, parts), abs(parts - a.subplans));
    END IF;
  END LOOP;
END $$;
