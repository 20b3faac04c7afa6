-- A fit that always ends in a usable model: limits, the choice, and shops of all shapes
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(31);

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
CREATE TEMP TABLE shop AS SELECT shop, as_of, fit_purchase_model(history, as_of) AS model, rfm_scale(history, as_of) AS scale FROM buyers GROUP BY 1, 2;
SELECT ok(is_converged(model), format('%s: %s', shop, coalesce(fit_verdict(model), ''))) FROM shop ORDER BY shop;
SELECT is((SELECT count(*) FROM shop JOIN buyers USING (shop, as_of) WHERE NOT coalesce(p_alive(model, history, as_of) BETWEEN 0 AND 1, false)
  OR NOT coalesce(expected_purchases(model, history, as_of, as_of + 90) BETWEEN 0 AND 1000, false)), 0::bigint, 'every customer of every shop has a probability and an expectation');
SELECT ok(coalesce(avg(expected_purchases(model, history, as_of, as_of + 90)) FILTER (WHERE segment(s) = 'Champions') >=
    avg(expected_purchases(model, history, as_of, as_of + 90)) FILTER (WHERE segment(s) = 'Hibernating') * (1 - 1e-9), true), format('%s: Champions are expected to buy no less than Hibernating', shop))
FROM shop JOIN buyers USING (shop, as_of), LATERAL rfm_score(scale, history, as_of) s GROUP BY shop ORDER BY shop;
SELECT ok(bool_and(model_name(model) <> 'bg_nbd'), 'BG/NBD is taken nowhere') FROM shop;
SELECT ok((SELECT ended_in LIKE 'mbg_cnbd_k(k 32, rate, %' FROM shop, model_choice(model) WHERE shop = 'clockwork' AND is_chosen), 'buyers like clockwork: as regular as the model goes, and some leave');
SELECT ok((SELECT reason LIKE 'a rhythm that nobody leaves%' FROM shop, model_choice(model) WHERE shop = 'songs' AND fitted = 'mbg_cnbd_k'), 'a rhythm that nobody leaves is not taken');

-- where there is none
SELECT throws_ok($$SELECT fit_purchase_model(history, '1997-09-30') FROM customer WHERE customer_id <= 9$$, '22023', 'too few customers to fit a model: 9', 'nine customers');
SELECT throws_ok($$SELECT fit_purchase_model(history, '1997-01-20') FROM customer, btyd(history, '1997-01-20') b WHERE b.x = 0$$, '22023', 'no customer has bought again, so there is nothing to fit', 'nobody came back');

SELECT * FROM finish();
ROLLBACK;
