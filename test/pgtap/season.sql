-- season: recovery, the likelihood and predictions against plain SQL, a flat season, order and merging
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(28);

-- a shop that is known: customers come over four years, buy by a season and leave
CREATE TEMP TABLE truth AS
SELECT season('month', '{0.70,0.65,0.80,0.90,1.00,0.85,0.70,0.75,0.95,1.15,1.60,1.95}') AS season, gamma_gamma(2, 4, 30) AS spend;
CREATE TEMP TABLE customer AS
SELECT customer_id, purchase_history(purchased_on, amount::numeric(12, 2)) AS history, count(DISTINCT purchased_on) - 1 AS x
FROM truth, simulate_purchases((mbg_nbd(0.8, 100, 0.8, 2.5)::text || ' by season (' || season || ')')::purchase_model, spend, 3000, '[2020-01-01,2024-12-31]', 7, '2024-06-30')
GROUP BY customer_id;
CREATE TEMP TABLE found AS SELECT season(history, '2024-12-31', 'month') AS season FROM customer;
CREATE TEMP TABLE model AS SELECT fit_mbg_nbd(history, '2024-12-31', season) AS model, fit_bg_nbd(history, '2024-12-31', season) AS bg FROM customer, found;

-- the season that was planted, where the ratio of monthly totals is wrong
SELECT ok(bool_and(abs(ln(i.index / t.index)) < 4 * ln(i.high / i.index) / 1.959964), 'the planted season is found within four standard errors')
FROM found, indexes(found.season) i JOIN (SELECT i.* FROM truth, indexes(truth.season) i) t USING (bin);
SELECT ok(sum(days * index) BETWEEN 365.2425 - 1e-9 AND 365.2425 + 1e-9, 'it averages 1 over a year')
FROM found, indexes(season) JOIN unnest('{31,28.2425,31,30,31,30,31,31,30,31,30,31}'::float8[]) WITH ORDINALITY m(days, bin) USING (bin);
SELECT is((SELECT sum(purchase_count) FROM found, indexes(season)), (SELECT sum(x - 1)::numeric FROM customer WHERE x > 1), 'it stands on the purchases between first and last');
SELECT matches(fit_verdict(season), '^Found in \d+ purchases of \d+ customers over 5.0 years$', 'and says so') FROM found;
SELECT matches((SELECT fit_verdict(season(history, '2021-09-30', 'month')) FROM customer), '^Doubtful: purchases span 1.7 years', 'less than two years are doubtful, in words');
SELECT matches((SELECT fit_verdict(season(history, '2024-12-31', 'week')) FROM customer WHERE customer_id < 60), '^Doubtful: \d+ of 52 weeks have no purchase', 'and so are weeks without purchases');
SELECT ok(bool_and(index > 0 AND index < 1 AND high / low > 50), 'which the prior keeps above 0, as unsure as they are')
FROM (SELECT season(history, '2024-12-31', 'week') AS s FROM customer WHERE customer_id < 60) s, indexes(s) WHERE purchase_count = 0;

-- one answer, whatever the plan
SELECT is((SELECT season(history, '2024-12-31', 'month' ORDER BY customer_id DESC)::text FROM customer), season::text, 'no order of rows changes it') FROM found;
CREATE AGGREGATE pg_temp.season_state(purchase_history, date, text) (SFUNC = season_transition, STYPE = purchase_model_state);
SELECT is(season_final(purchase_model_state_combine(a::text::purchase_model_state, b))::text, season::text, 'nor does merging, by text')
FROM found, (SELECT pg_temp.season_state(history, '2024-12-31', 'month') AS a FROM customer WHERE customer_id % 2 = 0) a,
  (SELECT pg_temp.season_state(history, '2024-12-31', 'month') AS b FROM customer WHERE customer_id % 2 = 1) b;
CREATE AGGREGATE pg_temp.fit_state(purchase_history, date, season) (SFUNC = purchase_model_season_transition, STYPE = purchase_model_state);
SELECT is(fit_mbg_nbd_final(purchase_model_state_combine(a, b::text::purchase_model_state))::text, model::text, 'nor the fit by it')
FROM model, (SELECT pg_temp.fit_state(history, '2024-12-31', season) AS a FROM customer, found WHERE customer_id % 3 = 0) a,
  (SELECT pg_temp.fit_state(history, '2024-12-31', season) AS b FROM customer, found WHERE customer_id % 3 <> 0) b;

-- the likelihood is that of operational time, which plain SQL counts, and ln s at every repeat purchase
CREATE TEMP TABLE clock AS
SELECT day::date AS day, index, sum(index) OVER (ORDER BY day) AS time FROM generate_series(date '2020-01-01', '2025-12-31', '1 day') day, found, indexes(season) WHERE bin = extract(month FROM day);
CREATE INDEX ON clock (day);
CREATE TEMP TABLE operational AS
SELECT customer_id, c.x, l.time - f.time AS t_x, n.time - f.time AS age, history
FROM customer c JOIN clock f ON f.day = first_purchased_on(history) JOIN clock l ON l.day = last_purchased_on(history) JOIN clock n ON n.day = '2024-12-31' WHERE f.day < '2024-12-31';
SELECT ok(abs(log_likelihood(model) - ll - s) < 1e-6, 'log-likelihood: that of operational time and the sum of ln s') FROM model,
  (SELECT log_likelihood(fit_mbg_nbd(x, t_x, age)) AS ll FROM operational) o,
  (SELECT sum(ln(index)) AS s FROM operational, purchases(history) p JOIN clock ON day = purchased_on WHERE purchased_on > first_purchased_on(history)) p;
SELECT ok(bool_and(abs(estimate / e.other - 1) < 1e-6), 'and the parameters are its parameters') FROM model, parameters(model) p
  JOIN (SELECT name, estimate AS other FROM (SELECT fit_mbg_nbd(x, t_x, age) AS m FROM operational) o, parameters(m)) e USING (name);
SELECT ok(bic(model) < bic(flat) - 100, 'the season is worth its eleven parameters') FROM model, (SELECT fit_mbg_nbd(history, '2024-12-31') AS flat FROM customer) f;
SELECT ok(abs((bic(model) + 2 * log_likelihood(model)) / ln(count(*)) - 15) < 0.01, 'which are counted') FROM model, operational GROUP BY model;

-- predictions by the clock
CREATE TEMP TABLE plain AS SELECT regexp_replace(model::text, ' by season.*', '')::purchase_model AS plain FROM model;
SELECT ok(bool_and(abs(p_alive(model, history, '2024-12-31') - p_alive(plain, o.x, t_x, age)) < 1e-12), 'p_alive in operational time') FROM model, plain, operational o WHERE customer_id <= 300;
SELECT ok(bool_and(abs(expected_purchases(model, history, '2024-12-31', '2025-03-31') - expected_purchases(plain, o.x, t_x, age, ahead.time - now.time)) < 1e-10), 'purchases of a calendar window')
FROM model, plain, operational o, clock ahead, clock now WHERE customer_id <= 300 AND ahead.day = '2025-03-31' AND now.day = '2024-12-31';
SELECT ok(december > 2 * february, 'December brings more than twice what February does') FROM (
  SELECT sum(expected_purchases(model, history, '2024-12-31', '2025-12-31') - expected_purchases(model, history, '2024-12-31', '2025-11-30')) AS december,
    sum(expected_purchases(model, history, '2024-12-31', '2025-02-28') - expected_purchases(model, history, '2024-12-31', '2025-01-31')) AS february FROM model, customer WHERE customer_id <= 300) s;
SELECT ok(bool_and(abs(1 - probability(purchase_forecast(model, history, '2024-12-31', day), 0) - p_alive(model, history, '2024-12-31') / 2) < 0.02 * p_alive(model, history, '2024-12-31')),
  'by the expected day of the next purchase half of those who are alive have bought')
FROM (SELECT model, history, expected_next_purchase_on(model, history, '2024-12-31') AS day FROM model, customer WHERE x > 3 ORDER BY customer_id LIMIT 50) s WHERE day < '2035-01-01' AND day > '2025-01-15';
SELECT ok(bool_and(abs(discounted / slow - 1) < 2e-3), 'clv discounts by the calendar: as day by day, to 0.2 %') FROM (
  SELECT clv(model, spend, history, '2024-12-31', '2025-12-31', 0.5) / expected_spend(spend, history, '2024-12-31') AS discounted,
    (SELECT sum((expected_purchases(model, history, '2024-12-31', d) - expected_purchases(model, history, '2024-12-31', d - 7)) * 1.5 ^ (-(d - date '2024-12-31' - 3.5) / 365.25))
     FROM (SELECT date '2024-12-31' + 7 * i AS d FROM generate_series(1, 52) i) d) +
    (expected_purchases(model, history, '2024-12-31', '2025-12-31') - expected_purchases(model, history, '2024-12-31', '2025-12-30')) / 1.5 AS slow
  FROM model, truth, customer WHERE customer_id <= 30) s;
SELECT ok(bool_and(abs(clv(model, spend, history, '2024-12-31', 'infinity', 0.1) / clv(model, spend, history, '2024-12-31', '2524-12-31', 0.1) - 1) < 1e-5), 'for ever is a very long time')
FROM model, truth, customer WHERE customer_id <= 30;

-- a flat season is none, bit for bit
CREATE TEMP TABLE flat AS SELECT season('month', array_fill(1::float8, '{12}')) AS flat;
SELECT is((SELECT fit_mbg_nbd(history, '2024-12-31', flat)::text FROM customer, flat), (SELECT fit_mbg_nbd(history, '2024-12-31')::text || ' by season (' || flat || ')' FROM customer, flat GROUP BY flat),
  'a fit by a flat season is today''s model, bit for bit');
CREATE TEMP TABLE orders (customer_id int, ordered_on date, amount numeric);
\copy orders FROM 'test/data/cdnow_sample.csv' CSV HEADER
CREATE TEMP TABLE cdnow AS SELECT customer_id, purchase_history(ordered_on, amount) AS history FROM orders GROUP BY 1;
SELECT is((SELECT fit_bg_nbd(history, '1997-09-30', flat)::text FROM cdnow, flat), (SELECT fit_bg_nbd(history, '1997-09-30')::text || ' by season (' || flat || ')' FROM cdnow, flat GROUP BY flat), 'BG/NBD of CDNOW too');
SELECT ok(bool_and((p_alive(m, history, '1997-09-30'), expected_purchases(m, history, '1997-09-30', '1998-06-30'), expected_next_purchase_on(m, history, '1997-09-30')) =
    (p_alive(p, history, '1997-09-30'), expected_purchases(p, history, '1997-09-30', '1998-06-30'), expected_next_purchase_on(p, history, '1997-09-30'))), 'and so are its predictions')
FROM cdnow, (SELECT bg_nbd(0.2426, 31, 0.793, 2.426) AS p, (bg_nbd(0.2426, 31, 0.793, 2.426) || ' by season (' || flat || ')')::purchase_model AS m FROM flat) s WHERE customer_id % 10 = 1;

SELECT ok(bool_and(clv(m, s, history, '1997-09-30', until, 0.1) = clv(p, s, history, '1997-09-30', until, 0.1)), 'and values, whose discount is by the calendar')
FROM cdnow, (SELECT gamma_gamma(6.25, 3.74, 15.44) AS s, bg_nbd(0.2426, 31, 0.793, 2.426) AS p, (bg_nbd(0.2426, 31, 0.793, 2.426) || ' by season (' || flat || ')')::purchase_model AS m FROM flat) s, unnest('{1999-06-30,infinity}'::date[]) until WHERE customer_id % 10 = 1;

-- a refit keeps the season, and the choice leaves out what takes none
CREATE AGGREGATE pg_temp.like_state(purchase_model, purchase_history, date) (SFUNC = purchase_model_like_transition, STYPE = purchase_model_state);
SELECT is(crm_internal.refit(model, state)::text, model::text, 'a refit is by the same season') FROM model, (SELECT pg_temp.like_state(model, history, '2024-12-31') AS state FROM customer, model) s;

-- what comes by the network is checked as what is read
CREATE FUNCTION pg_temp.received(type regtype, message bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  file constant text := current_setting('data_directory') || '/season_received.bin';
  value text;
BEGIN
  EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  EXECUTE format('CREATE TEMP TABLE received (value %s)', type);
  EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
  SELECT r.value::text INTO value FROM received r;
  DROP TABLE received;
  RETURN value;
END $$;
CREATE TEMP TABLE sent AS SELECT ('month' || repeat(' 1', 12) || ' found (customers 8, from 2021-01-03, until 2024-12-30, purchases' || repeat(' 41', 12) || ', errors' || repeat(' 0.1', 12) || ')')::season AS season;
SELECT is(pg_temp.received('season', crm_internal.season_send(season)), season::text, 'a season comes as it was sent') FROM sent;
SELECT throws_ok(format('SELECT pg_temp.received(%L, %L)', 'crm.season', overlay(crm_internal.season_send(season) PLACING '\x7ffffff0' FROM 17 FOR 4)), '22023', 'season holds findings that cannot be', 'until a day that the calendar has not') FROM sent;
SELECT throws_ok(format('SELECT pg_temp.received(%L, %L)', 'crm.purchase_model_state', overlay(crm_internal.purchase_model_state_send('holdout unit_days 1, left_out 1; 1 14 200:1') PLACING '\x7ff8000000000000' FROM 21 FOR 8)), '22023', 'x of NaN is not possible', 'nobody bought NaN times');

SELECT * FROM finish();
ROLLBACK;
