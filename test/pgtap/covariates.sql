-- covariates: recovery, invariance, order and merging, who is left out, separation, and what a model for a customer predicts
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(23);

-- shops of customers who differ: by z they buy more and leave sooner, by g they leave later
CREATE TEMP TABLE customer AS
SELECT z, g, row_number() OVER () AS id, purchase_history(purchased_on, 10) AS history
FROM (VALUES (0, 0), (0, 1), (1, 0), (1, 1)) AS v(z, g),
  LATERAL simulate_purchases(mbg_nbd(0.8, 300 * exp(-0.5 * z), 0.8 * exp(0.4 * z - 0.3 * g), 2.5), gamma_gamma(2, 4, 30), 1000, '[2021-01-01,2024-12-31]', 10 + z * 2 + g, '2023-12-31')
GROUP BY z, g, customer_id;
CREATE TEMP TABLE model AS
SELECT fit_mbg_nbd(history, '2024-12-31', covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])) AS mbg, fit_bg_nbd(history, '2024-12-31', covariates('{z}', ARRAY[z])) AS bg,
  fit_pareto_nbd(history, '2024-12-31', covariates('{z}', ARRAY[z], ARRAY[z])) AS pareto, fit_mbg_nbd(history, '2024-12-31') AS plain, fit_bg_nbd(history, '2024-12-31') AS plain_bg FROM customer;

SELECT ok(is_converged(mbg) AND is_converged(bg) AND is_converged(pareto), 'the fits converge') FROM model;
SELECT ok(bool_and(abs(estimate - planted) < 3 * standard_error), 'MBG/NBD: planted coefficients are found within three standard errors')
FROM model, parameters(mbg) JOIN (VALUES ('buying.z', 0.5), ('buying.g', 0), ('leaving.z', 0.4), ('leaving.g', -0.3)) t(name, planted) USING (name);
SELECT ok(estimate > 3 * standard_error, 'BG/NBD: who buys more has a positive coefficient of buying') FROM model, parameters(bg) WHERE name = 'buying.z';
SELECT ok(bool_and(estimate > 3 * standard_error), 'Pareto/NBD: and who leaves sooner one of leaving') FROM model, parameters(pareto) WHERE name LIKE '%.z';
SELECT results_eq('SELECT name FROM model, parameters(mbg)', $$VALUES ('r'), ('alpha'), ('a'), ('b'), ('buying.z'), ('buying.g'), ('leaving.z'), ('leaving.g')$$, 'coefficients stand behind the parameters');
SELECT ok(bool_and(abs(high - estimate - 1.959964 * standard_error) < 1e-5 AND abs(high + low - 2 * estimate) < 1e-9), 'their intervals are even')
FROM model, confidence(mbg) c JOIN parameters(mbg) p USING (name, estimate) WHERE name ~ '\.';

-- one answer
SELECT is((SELECT fit_mbg_nbd(history, '2024-12-31', covariates('{z,g}', ARRAY[z,g], ARRAY[z,g]) ORDER BY id DESC)::text FROM customer), mbg::text, 'no order of rows changes it') FROM model;
CREATE AGGREGATE pg_temp.state(purchase_history, date, covariates) (SFUNC = purchase_model_covariates_transition, STYPE = purchase_model_state);
SELECT is(fit_mbg_nbd_final(purchase_model_state_combine(a, b::text::purchase_model_state))::text, mbg::text, 'nor does merging')
FROM model, (SELECT pg_temp.state(history, '2024-12-31', covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])) AS a FROM customer WHERE id % 3 = 0) a,
  (SELECT pg_temp.state(history, '2024-12-31', covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])) AS b FROM customer WHERE id % 3 <> 0) b;
SELECT is(mbg::text::purchase_model, mbg, 'the text form loses nothing') FROM model;

-- who has none is left out and counted, wherever she comes
SELECT is((SELECT fit_mbg_nbd(history, '2024-12-31', covariates('{z,g}', ARRAY[CASE WHEN id > 0 THEN z END, g], ARRAY[z,g]) ORDER BY id)::text FROM (SELECT * FROM customer UNION ALL SELECT NULL, NULL, -i, purchase('2022-01-01', 1) FROM generate_series(1, 7) i) c),
  replace(mbg::text, 'left_out 0', 'left_out 7'), 'first of all rows') FROM model;
SELECT is((SELECT fit_mbg_nbd(history, '2024-12-31', covariates('{z,g}', ARRAY[CASE WHEN id > 0 THEN z END, g], ARRAY[z,g]) ORDER BY id DESC)::text FROM (SELECT * FROM customer UNION ALL SELECT NULL, NULL, -i, purchase('2022-01-01', 1) FROM generate_series(1, 7) i) c),
  replace(mbg::text, 'left_out 0', 'left_out 7'), 'or last') FROM model;

-- no covariates are none, bit for bit; zero coefficients too
SELECT is((SELECT fit_mbg_nbd(history, '2024-12-31', covariates('{}', '{}'))::text FROM customer), plain::text, 'a fit without names is today''s, bit for bit') FROM model;
SELECT is((SELECT fit_pareto_nbd(history, '2024-12-31', covariates('{}', '{}'))::text FROM customer WHERE id % 5 = 0), (SELECT fit_pareto_nbd(history, '2024-12-31')::text FROM customer WHERE id % 5 = 0), 'Pareto/NBD too');
SELECT is((SELECT array_agg(expected_purchases(for_customer((mbg_nbd(0.8, 300, 0.8, 2.5) || ' by covariates (buying(z 0) leaving(z 0))')::purchase_model, covariates('{z}', ARRAY[id], ARRAY[id])), history, '2024-12-31', '2025-12-31') ORDER BY id) FROM customer WHERE id % 50 = 0),
  (SELECT array_agg(expected_purchases(mbg_nbd(0.8, 300, 0.8, 2.5), history, '2024-12-31', '2025-12-31') ORDER BY id) FROM customer WHERE id % 50 = 0), 'with zero coefficients every customer has the model itself');

-- another zero or unit of a covariate is another way to say the same
CREATE TEMP TABLE moved AS SELECT fit_mbg_nbd(history, '2024-12-31', covariates('{z,g}', ARRAY[10 * z + 3,g - 1], ARRAY[10 * z + 3, g - 1])) AS moved FROM customer;
SELECT ok(abs(log_likelihood(moved) - log_likelihood(mbg)) < 1e-4, 'the likelihood is the same') FROM model, moved;
SELECT ok(bool_and(abs(expected_purchases(for_customer(moved, covariates('{z,g}', ARRAY[10 * z + 3,g - 1], ARRAY[10 * z + 3, g - 1])), history, '2024-12-31', '2025-12-31') /
    expected_purchases(for_customer(mbg, covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])), history, '2024-12-31', '2025-12-31') - 1) < 1e-3), 'and so are predictions') FROM model, moved, customer WHERE id % 50 = 0;
SELECT ok(bool_and(abs(standard_error(purchase_forecast(for_customer(moved, covariates('{z,g}', ARRAY[10 * z + 3,g - 1], ARRAY[10 * z + 3, g - 1])), history, '2024-12-31', '2025-12-31'), 'mean') /
    standard_error(purchase_forecast(for_customer(mbg, covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])), history, '2024-12-31', '2025-12-31'), 'mean') - 1) < 1e-2), 'and how sure they are') FROM model, moved, customer WHERE id % 50 = 0;

-- coefficients that are worth it, and the test that says so
SELECT ok(bic(mbg) < bic(plain) AND abs((bic(mbg) + 2 * log_likelihood(mbg)) / ln(4000) - 8) < 1e-9, 'bic counts eight and is below') FROM model;
SELECT ok(t.p_value < 1e-10 AND abs(t.p_value / (exp(-t.statistic / 2) * (1 + t.statistic / 2)) - 1) < 1e-9 AND t.reason = 'a chi-square of 4 coefficients' AND abs(t.statistic - 2 * (log_likelihood(mbg) - log_likelihood(plain))) < 1e-6, 'so says the likelihood ratio') FROM model, likelihood_ratio_test(plain, mbg) t;
SELECT ok(t.p_value BETWEEN 0.001 AND 1, 'a covariate of chance is refused') FROM (SELECT fit_bg_nbd(history, '2024-12-31', covariates('{luck}', ARRAY[id % 7 / 7.0])) AS luck FROM customer) l, model, likelihood_ratio_test(plain_bg, luck) t;

-- a covariate that tells buyers from others has no coefficient
CREATE TEMP TABLE leak AS SELECT fit_mbg_nbd(history, '2024-12-31', covariates('{leak}', ARRAY[(purchase_day_count(history) > 1)::int])) AS m FROM customer;
SELECT ok(NOT is_converged(m) AND fit_verdict(m) LIKE '%: coefficient buying.leak runs off, since the covariate tells customers apart who do from those who do not', 'separation is found and said') FROM leak;
SELECT is(m::text::purchase_model, m, 'and kept in the text form') FROM leak;
SELECT throws_ok('SELECT fit_mbg_nbd(history, ''2024-12-31'', covariates(''{i}'', ARRAY[id * 3 + i])) FROM customer, generate_series(0, 2) i', '54000', 'too many different covariates for one fit', 'over 10 000 combinations are refused');
SELECT * FROM finish();
ROLLBACK;
