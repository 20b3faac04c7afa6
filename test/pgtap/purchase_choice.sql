-- A fit that always ends in a usable model: limits, the choice, and shops of all shapes
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(56);

CREATE TEMP TABLE orders (customer_id int, ordered_on date, amount numeric);
\copy orders FROM 'test/data/cdnow_sample.csv' CSV HEADER
CREATE TEMP TABLE customer AS SELECT customer_id, purchase_history(ordered_on, amount) AS history FROM orders GROUP BY 1;
CREATE TEMP TABLE chosen AS SELECT fit_purchase_model(history, '1997-09-30', 7) AS model FROM customer;

-- CDNOW: published families, one of them taken
SELECT is(model_name(model), 'mbg_nbd', 'CDNOW: MBG/NBD has the least BIC') FROM chosen;
SELECT is(c.log_likelihood::text, log_likelihood(CASE c.fitted WHEN 'bg_nbd' THEN bg WHEN 'mbg_nbd' THEN mbg WHEN 'pareto_nbd' THEN pareto END)::text,
  format('CDNOW: %s in the choice is that of its own aggregate, to the last digit', c.fitted))
FROM chosen, model_choice(model) c,
  (SELECT fit_bg_nbd(history, '1997-09-30', 7) AS bg, fit_mbg_nbd(history, '1997-09-30', 7) AS mbg, fit_pareto_nbd(history, '1997-09-30', 7) AS pareto FROM customer) f
WHERE c.fitted IN ('bg_nbd', 'mbg_nbd', 'pareto_nbd') ORDER BY c.fitted;
SELECT ok(abs(c.log_likelihood - b.x * ln(b.x / b.age) + b.x) < 1e-6, 'Poisson: the likelihood at purchases by time, in closed form')
FROM chosen, model_choice(model) c, (SELECT sum(x) AS x, sum(age) AS age FROM customer, btyd(history, '1997-09-30', 7)) b WHERE c.fitted = 'poisson';
SELECT is((SELECT count(*) FILTER (WHERE is_chosen) FROM chosen, model_choice(model)), 1::bigint, 'one row is the model that was taken');
SELECT ok((SELECT bic FROM chosen, model_choice(model) WHERE is_chosen) = (SELECT bic(model) FROM chosen), 'and its BIC is that of the model');

-- the same from parts, in any order
SELECT is((SELECT fit_purchase_model_final(purchase_model_state_combine(a, b))::text FROM
    (SELECT purchase_fit_data(bg_and_gaps, history, '1997-09-30') FILTER (WHERE customer_id % 3 = 0) AS b, purchase_fit_data(bg_and_gaps, history, '1997-09-30') FILTER (WHERE customer_id % 3 <> 0) AS a
     FROM customer, (SELECT mbg_cnbd_k(1, 1, 1, 1, 1, 7) AS bg_and_gaps) m) s), (SELECT model::text FROM chosen), 'a fit of merged states is the fit of all');
SELECT is((SELECT fit_purchase_model(history, '1997-09-30', 7 ORDER BY customer_id DESC)::text FROM customer), (SELECT model::text FROM chosen), 'and no order of rows changes it');

-- shops of all shapes
\ir ../fixtures/buyers.sql
CREATE TEMP TABLE shop AS SELECT shop, as_of, fit_purchase_model(history, as_of) AS model, fit_gamma_gamma(history, as_of) AS spend, rfm_scale(history, as_of) AS scale FROM buyers GROUP BY 1, 2;
CREATE TEMP TABLE valued AS
SELECT shop, segment(rfm_score(scale, history, as_of)) AS segment, p_alive(model, history, as_of) AS p_alive,
  1 - probability(purchase_forecast(model, history, as_of, as_of + 90), 0) AS buy_again, clv(model, spend, history, as_of, as_of + 365, 0.1) AS clv
FROM shop JOIN buyers USING (shop, as_of);
CREATE TEMP TABLE best_and_worst AS
SELECT shop, avg(buy_again) FILTER (WHERE segment = 'Champions') AS best_again, avg(buy_again) FILTER (WHERE segment = 'Hibernating') AS worst_again,
  avg(clv) FILTER (WHERE segment = 'Champions') AS best_clv, avg(clv) FILTER (WHERE segment = 'Hibernating') AS worst_clv
FROM valued GROUP BY shop;
SELECT ok(is_converged(model), format('%s: %s', shop, coalesce(fit_verdict(model), ''))) FROM shop ORDER BY shop;
SELECT is((SELECT count(*) FROM valued), (SELECT count(*) FROM buyers), 'every customer is asked about');
SELECT is((SELECT count(*) FROM valued WHERE (p_alive BETWEEN 0 AND 1 AND buy_again BETWEEN 0 AND p_alive + 1e-12 AND clv BETWEEN 0 AND 1e7) IS NOT TRUE), 0::bigint,
  'every customer of every shop has a probability, a probability to buy again that is no higher, and a value');
SELECT is((SELECT string_agg(shop, ', ' ORDER BY shop) FROM best_and_worst WHERE num_nulls(best_again, worst_again, best_clv, worst_clv) = 0), 'bicycles, cafe, clockwork, fifty, rfm_orders, superstore, wholesale', 'shops that have both Champions and Hibernating');
SELECT ok(best_again >= worst_again * (1 - 1e-9), format('%s: Champions are as likely to buy again as Hibernating or likelier (%s and %s)', shop, round(best_again::numeric, 3), round(worst_again::numeric, 3)))
FROM best_and_worst WHERE num_nulls(best_again, worst_again) = 0 ORDER BY shop;
SELECT ok(best_clv >= worst_clv, format('%s: and worth as much or more (%s and %s)', shop, round(best_clv::numeric, 2), round(worst_clv::numeric, 2)))
FROM best_and_worst JOIN shop USING (shop) WHERE num_nulls(best_clv, worst_clv) = 0 AND model_name(model) <> 'poisson' ORDER BY shop;
SELECT is((SELECT string_agg(shop, ', ' ORDER BY shop) FROM shop WHERE model_name(model) = 'poisson'), 'cafe, rfm_orders, songs', 'only where everybody buys alike and nobody leaves are they worth the same but for what they spend');
SELECT ok(bool_and(model_name(model) <> 'bg_nbd'), 'BG/NBD is taken nowhere') FROM shop;
SELECT ok((SELECT ended_in LIKE 'mbg_cnbd_k(k 32, rate, %' FROM shop, model_choice(model) WHERE shop = 'clockwork' AND is_chosen), 'buyers like clockwork: as regular as the model goes, and some leave');
SELECT ok((SELECT reason LIKE 'a rhythm that nobody leaves%' FROM shop, model_choice(model) WHERE shop = 'songs' AND fitted = 'mbg_cnbd_k'), 'a rhythm that nobody leaves is not taken');

-- the last quarter held out: better than going on at the old rate, and than nothing
CREATE TEMP TABLE holdout AS
WITH every AS (
  SELECT shop, history, as_of, as_of - (as_of - min(first_purchased_on(history)) OVER (PARTITION BY shop)) / 4 AS until FROM buyers
  UNION ALL SELECT 'cdnow', history, '1998-06-30', '1997-09-30' FROM customer),
fitted AS (SELECT shop, fit_purchase_model(history, until) AS model FROM every GROUP BY shop)
SELECT shop, (forecast_accuracy(expected_purchases(model, history, until, as_of), actual)).root_mean_squared_error AS rmse,
  (forecast_accuracy(x * (as_of - until) / age, actual)).root_mean_squared_error AS naive, (forecast_accuracy(0, actual)).root_mean_squared_error AS zero
FROM every JOIN fitted USING (shop), btyd(history, until) b, LATERAL (SELECT purchase_day_count(within(history, daterange(until, as_of, '(]')))::float8 AS actual) a
WHERE age > 0 GROUP BY shop;
SELECT ok(rmse < naive AND rmse <= zero, format('%s: a forecast of the last quarter is off by %s, by the old rate %s, by none %s', shop, round(rmse::numeric, 3), round(naive::numeric, 3), round(zero::numeric, 3)))
FROM holdout ORDER BY shop;

-- the last days held out by the fit itself: what its models foretell is that of their own fits until the cut
CREATE TEMP TABLE held AS SELECT fit_purchase_model(history, '1998-06-30', 7, 136) AS model FROM customer;
SELECT ok(abs(c.holdout - h.log_probability) < 1e-6, format('%s foretells the last 136 days as its fit until then does (%s)', c.fitted, round(c.holdout::numeric, 1)))
FROM held, model_choice(model) c, LATERAL (
  SELECT sum(ln(probability(purchase_forecast(m, history, '1998-02-14', '1998-06-30'), purchase_day_count(within(history, '(1998-02-14,1998-06-30]'))))) AS log_probability
  FROM customer, (SELECT CASE c.fitted WHEN 'bg_nbd' THEN fit_bg_nbd(history, '1998-02-14', 7) WHEN 'mbg_nbd' THEN fit_mbg_nbd(history, '1998-02-14', 7) ELSE fit_pareto_nbd(history, '1998-02-14', 7) END AS m FROM customer) f) h
WHERE c.fitted IN ('bg_nbd', 'mbg_nbd', 'pareto_nbd') ORDER BY c.fitted;
SELECT is((SELECT ROW(parameters(model), log_likelihood(model), is_converged(model))::text FROM held LIMIT 1), (SELECT ROW(parameters(m), log_likelihood(m), is_converged(m))::text FROM (SELECT fit_purchase_model(history, '1998-06-30', 7) AS m FROM customer) f LIMIT 1),
  'which decides nothing: the model is that without');
SELECT ok(model::text::purchase_model = model AND model::jsonb::purchase_model = model, 'and is kept by text and JSON') FROM held;
SELECT is((SELECT count(holdout) FROM chosen, model_choice(model)), 0::bigint, 'not asked for, it is not there');
CREATE AGGREGATE pg_temp.holdout_state(purchase_history, date, int, int) (SFUNC = purchase_model_holdout_transition, STYPE = purchase_model_state);
SELECT is((SELECT fit_purchase_model_final(purchase_model_state_combine(a::text::purchase_model_state, b))::text FROM
    (SELECT pg_temp.holdout_state(history, '1998-06-30', 7, 136) FILTER (WHERE customer_id % 3 = 0) AS a, pg_temp.holdout_state(history, '1998-06-30', 7, 136) FILTER (WHERE customer_id % 3 <> 0) AS b FROM customer) s),
  (SELECT model::text FROM held), 'a fit of merged states is the fit of all');
SELECT throws_ok($$SELECT fit_purchase_model(history, '1998-06-30', 7, 100 + customer_id % 2) FROM customer$$, '22023', 'a fit needs the same holdout_days in every row', 'one cut for all');
SELECT throws_ok($$SELECT fit_purchase_model(history, '1998-06-30', 7, 0) FROM customer$$, '22023', 'holdout_days of 0 is out of range', 'nothing held out');

-- where there is none
SELECT throws_ok($$SELECT fit_purchase_model(history, '1997-09-30') FROM customer WHERE customer_id <= 9$$, '22023', 'too few customers to fit a model: 9', 'nine customers');
SELECT throws_ok($$SELECT fit_purchase_model(history, '1997-01-20') FROM customer, btyd(history, '1997-01-20') b WHERE b.x = 0$$, '22023', 'no customer has bought again, so there is nothing to fit', 'nobody came back');

SELECT * FROM finish();
ROLLBACK;
