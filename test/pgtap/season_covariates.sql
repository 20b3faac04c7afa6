-- season and covariates in one fit, other units of time beside them, and what is left of covariates where a family ends in a limit
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(25);

CREATE TEMP TABLE customer AS
SELECT z, g, row_number() OVER () AS id, purchase_history(purchased_on, 10) AS history
FROM (VALUES (0, 0), (0, 1), (1, 0), (1, 1)) AS v(z, g),
  LATERAL simulate_purchases((mbg_nbd(0.8, 100 * exp(-0.5 * z), 0.8 * exp(0.4 * z - 0.3 * g), 2.5)::text || ' by season (' ||
    season('month', '{0.70,0.65,0.80,0.90,1.00,0.85,0.70,0.75,0.95,1.15,1.60,1.95}') || ')')::purchase_model, gamma_gamma(2, 4, 30), 600, '[2021-01-01,2024-12-31]', 10 + z * 2 + g, '2023-12-31')
GROUP BY z, g, customer_id;
CREATE TEMP TABLE shop AS SELECT season(history, '2024-12-31', 'month') AS season FROM customer;
CREATE TEMP TABLE model AS
SELECT fit_mbg_nbd(history, '2024-12-31', 7, season, covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])) AS m, fit_mbg_nbd(history, '2024-12-31', 7, NULL, covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])) AS flat,
  fit_mbg_nbd(history, '2024-12-31', 1, season, covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])) AS days FROM customer, shop;

SELECT ok(is_converged(m) AND is_converged(flat) AND season(m) IS NOT DISTINCT FROM season AND season(flat) IS NULL, 'the fits converge, and keep the season if there is one') FROM model, shop;
SELECT ok(bool_and(abs(estimate - planted) < 3 * standard_error) AND count(*) = 4, 'planted coefficients are found within three standard errors')
FROM model, parameters(m) JOIN (VALUES ('buying.z', 0.5), ('buying.g', 0), ('leaving.z', 0.4), ('leaving.g', -0.3)) t(name, planted) USING (name);
SELECT ok(bic(m) < bic(flat) AND abs((bic(m) + 2 * log_likelihood(m)) / ln(2400) - 8 - 11) < 1e-9, 'bic counts eight and the eleven of a season, and is below') FROM model;
SELECT ok(bool_and(abs(a.estimate * CASE name WHEN 'alpha' THEN 7 ELSE 1 END / b.estimate - 1) < 1e-4), 'in weeks it is the same model as in days') FROM model, parameters(m) a JOIN parameters(days) b USING (name) WHERE abs(b.estimate) > 0.1;
SELECT ok(abs(log_likelihood(m) - log_likelihood(days) - (SELECT sum(purchase_day_count(history) - 1) FROM customer) * ln(7)) < 1e-5, 'and the likelihood is that of another unit') FROM model;

-- predictions by the clock for a customer with hers
SELECT ok(sum(expected_purchases(own, history, '2024-12-31', '2025-12-31') - expected_purchases(own, history, '2024-12-31', '2025-11-30')) >
  1.5 * sum(expected_purchases(own, history, '2024-12-31', '2025-02-28') - expected_purchases(own, history, '2024-12-31', '2025-01-31')), 'December is busier than February')
FROM model, customer, for_customer(m, covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])) own WHERE id % 50 = 0;
SELECT is((SELECT array_agg(expected_purchases(for_customer((mbg_nbd(0.8, 100, 0.8, 2.5) || ' by season (' || season || ') by covariates (buying(z 0) leaving(z 0))')::purchase_model, covariates('{z}', ARRAY[id], ARRAY[id])), history, '2024-12-31', '2025-12-31') ORDER BY id) FROM shop, customer WHERE id % 50 = 0),
  (SELECT array_agg(expected_purchases((mbg_nbd(0.8, 100, 0.8, 2.5) || ' by season (' || season || ')')::purchase_model, history, '2024-12-31', '2025-12-31') ORDER BY id) FROM shop, customer WHERE id % 50 = 0), 'with zero coefficients every customer has the model of the season itself');

-- one answer
CREATE TEMP TABLE model_text AS SELECT m::text AS t FROM model;
SELECT is((SELECT fit_mbg_nbd(history, '2024-12-31', 7, season, covariates('{z,g}', ARRAY[z,g], ARRAY[z,g]) ORDER BY id DESC)::text FROM customer, shop), t, 'no order of rows changes it') FROM model_text;
CREATE AGGREGATE pg_temp.state(purchase_history, date, int, season, covariates) (SFUNC = purchase_model_covariates_transition, STYPE = purchase_model_state);
CREATE TEMP TABLE part AS SELECT id % 3 = 0 AS third, pg_temp.state(history, '2024-12-31', 7, season, covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])) AS s FROM customer, shop GROUP BY 1;
SELECT is(fit_mbg_nbd_final(purchase_model_state_combine(a.s, b.s::text::purchase_model_state))::text, t, 'nor does merging') FROM model_text, part a, part b WHERE a.third AND NOT b.third;
SELECT is(m::text::purchase_model, m, 'the text form loses nothing') FROM model;
SELECT is(m::jsonb::purchase_model, m, 'nor does jsonb') FROM model;
SELECT is((SELECT fit_mbg_nbd(history, '2024-12-31', 7, season, covariates('{z,g}', ARRAY[CASE WHEN id > 0 THEN z END, g], ARRAY[z,g]) ORDER BY id)::text FROM shop, (SELECT * FROM customer UNION ALL SELECT NULL, NULL, -i, purchase('2022-01-01', 1) FROM generate_series(1, 7) i) c),
  replace(t, 'left_out 0', 'left_out 7'), 'who has no covariates is left out, first of all rows') FROM model_text;

-- nothing given is nothing: the fits of today, bit for bit
SELECT is((SELECT fit_mbg_nbd(history, '2024-12-31', 7, NULL, covariates('{}', '{}'))::text FROM customer), (SELECT fit_mbg_nbd(history, '2024-12-31', 7)::text FROM customer), 'neither season nor names');
SELECT is((SELECT fit_bg_nbd(history, '2024-12-31', 1, season, covariates('{}', '{}'))::text FROM customer, shop), (SELECT fit_bg_nbd(history, '2024-12-31', season)::text FROM customer, shop), 'a season without names');
SELECT is((SELECT fit_mbg_nbd(history, '2024-12-31', 1, NULL, covariates('{z}', ARRAY[z]))::text FROM customer), (SELECT fit_mbg_nbd(history, '2024-12-31', covariates('{z}', ARRAY[z]))::text FROM customer), 'names without a season');

-- what does not go together
SELECT throws_ok('SELECT fit_pareto_nbd(history, ''2024-12-31'', 7, season, covariates(''{z}'', ARRAY[z])) FROM customer, shop', '0A000', 'Pareto/NBD takes no season', 'Pareto/NBD refuses the season');
SELECT throws_ok('SELECT fit_mbg_nbd(history, ''2024-12-31'', 7, CASE WHEN id % 2 = 0 THEN season END, covariates(''{z}'', ARRAY[z])) FROM customer, shop', '22023', 'a fit needs the same season in every row', 'one season for all');
SELECT ok(t.p_value < 1e-10 AND t.reason = 'a chi-square of 4 coefficients', 'by the same clock the likelihood ratio says what coefficients are worth')
FROM model, (SELECT fit_mbg_nbd(history, '2024-12-31', 7, season, covariates('{}', '{}')) AS plain FROM customer, shop) p, likelihood_ratio_test(plain, m) t;

-- a shop that nobody leaves: BG/NBD ends in NBD, with the coefficients of buying
CREATE TEMP TABLE regular AS SELECT z, row_number() OVER () AS id, purchase_history(purchased_on, 10) AS history FROM (VALUES (0), (1)) v(z),
  LATERAL simulate_purchases(nbd(3, 200 * exp(-0.6 * z)), gamma_gamma(2, 4, 30), 300, '[2021-01-01,2024-12-31]', 13 + z, '2023-12-31') GROUP BY z, customer_id;
CREATE TEMP TABLE limits AS SELECT fit_bg_nbd(history, '2024-12-31', covariates('{z}', ARRAY[z], ARRAY[z])) AS bg, fit_pareto_nbd(history, '2024-12-31', covariates('{z}', ARRAY[z], ARRAY[z])) AS pareto,
  fit_mbg_nbd(history, '2024-12-31', covariates('{z}', NULL, ARRAY[z])) AS leaving, fit_bg_nbd(history, '2024-12-31') AS plain FROM regular;
SELECT ok(model_name(bg) = 'nbd' AND is_converged(bg) AND abs(z.estimate - 0.6) < 3 * z.standard_error AND (SELECT count(*) FROM parameters(bg)) = 3, 'NBD with what is left of the coefficients') FROM limits, parameters(bg) z WHERE z.name = 'buying.z';
SELECT ok(fit_verdict(bg) = 'The fit converged where nobody is seen to leave' AND bg::text::purchase_model = bg AND abs(log_likelihood(bg) - log_likelihood(pareto)) < 1e-6, 'it says so, as Pareto/NBD does') FROM limits;
SELECT ok(bool_and(p_alive(own, history, '2024-12-31') = 1 AND abs(expected_purchases(own, history, '2024-12-31', '2025-12-31') / ((r.estimate + purchase_day_count(history) - 1) * 365 / (a.estimate * exp(-z * c.estimate) + age)) - 1) < 1e-12), 'it predicts for a customer with hers')
FROM limits, regular, btyd(history, '2024-12-31'), for_customer(bg, covariates('{z}', ARRAY[z], ARRAY[z])) own, parameters(bg) r, parameters(bg) a, parameters(bg) c WHERE r.name = 'r' AND a.name = 'alpha' AND c.name = 'buying.z' AND id % 10 = 0;
SELECT ok(t.p_value < 1e-6 AND t.reason = 'a chi-square of 1 coefficient', 'and can be tested against one without') FROM limits, likelihood_ratio_test(plain, bg) t;
SELECT ok(leaving::text LIKE 'nbd(%by covariates (none)' AND for_customer(leaving, covariates('{z}', NULL, '{1}'))::text || ' by covariates (none)' = leaving::text, 'where nobody leaves, covariates of leaving say nothing, and everybody has the model') FROM limits;

-- other limits keep theirs: who leaves alike leaves by the odds, who buys alike by the rate
SELECT ok(abs(share.estimate / (1 - share.estimate) / (0.3 / 0.7) - exp(0.5)) < 1e-12 AND abs(rate.estimate - 0.01 * exp(0.2)) < 1e-15, 'a share moves by its odds, a rate by its log')
FROM for_customer('mbg_nbd(rate 0.01, p 0.3, unit_days 1) by covariates (buying(z 0.2) leaving(z 0.5))'::purchase_model, covariates('{z}', '{1}', '{1}')) own, parameters(own) share, parameters(own) rate WHERE share.name = 'p' AND rate.name = 'rate';
SELECT is(for_customer('mbg_nbd(rate 0.01, p 0.3, unit_days 1) by covariates (buying(z 0) leaving(z 0))'::purchase_model, covariates('{z}', '{1}', '{1}'))::text, 'mbg_nbd(rate 0.01, p 0.3, unit_days 1)', 'by nothing not in the last bit');
SELECT * FROM finish();
ROLLBACK;
