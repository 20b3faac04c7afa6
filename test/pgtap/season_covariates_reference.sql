-- models with season, covariates and both against a table of 40-digit arithmetic (test/reference/season_covariates_reference.py)
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(13);

CREATE TEMP TABLE customer (id int GENERATED ALWAYS AS IDENTITY, kind text, z1 int, z2 int, history purchase_history);
\copy customer (kind, z1, z2, history) FROM 'test/data/season_covariates_customers.csv' CSV HEADER
CREATE TEMP TABLE reference (what text, model text, customer int, log_likelihood float8, p_alive float8, expected float8, p0 float8, p1 float8, p2 float8, p3 float8);
\copy reference FROM 'test/data/season_covariates_reference.csv' CSV HEADER
CREATE TEMP TABLE clock AS SELECT season('month', '{0.7,0.65,0.8,0.9,1,0.85,0.7,0.75,0.95,1.15,1.6,1.95}') AS season;

-- every likelihood at its peak, the season's clock, the weights of the months and the covariates in it
CREATE TEMP TABLE found AS
SELECT 'mbg_nbd season covariates' AS model, log_likelihood(fit_mbg_nbd(history, '2024-12-31', 7, season, covariates('{z1,z2}', ARRAY[z1,z2], ARRAY[z1,z2]))) FROM customer, clock WHERE kind = 'shop'
UNION ALL SELECT 'bg_nbd season covariates', log_likelihood(fit_bg_nbd(history, '2024-12-31', 1, season, covariates('{z1,z2}', ARRAY[z1,z2], ARRAY[z1,z2]))) FROM customer, clock WHERE kind = 'shop'
UNION ALL SELECT 'mbg_nbd season', log_likelihood(fit_mbg_nbd(history, '2024-12-31', season)) FROM customer, clock WHERE kind = 'shop'
UNION ALL SELECT 'mbg_nbd covariates', log_likelihood(fit_mbg_nbd(history, '2024-12-31', covariates('{z1,z2}', ARRAY[z1,z2], ARRAY[z1,z2]))) FROM customer WHERE kind = 'shop'
UNION ALL SELECT 'pareto_nbd covariates', log_likelihood(fit_pareto_nbd(history, '2024-12-31', 7, NULL, covariates('{z1,z2}', ARRAY[z1,z2], ARRAY[z1,z2]))) FROM customer WHERE kind = 'shop'
UNION ALL SELECT 'nbd covariates', log_likelihood(fit_bg_nbd(history, '2024-12-31', 7, NULL, covariates('{z1,z2}', ARRAY[z1,z2], ARRAY[z1,z2]))) FROM customer WHERE kind = 'regular'
UNION ALL SELECT 'gamma_gamma', log_likelihood(fit_gamma_gamma(history, '2024-12-31')) FROM customer WHERE kind = 'shop'
UNION ALL SELECT 'gamma_gamma covariates', log_likelihood(fit_gamma_gamma(history, '2024-12-31', covariates('{z1,z2}', ARRAY[z1,z2]))) FROM customer WHERE kind = 'shop';
SELECT ok(abs(f.log_likelihood / r.log_likelihood - 1) < 1e-9, format('log-likelihood of %s', model)) FROM reference r JOIN found f USING (model) WHERE what = 'fit' ORDER BY model;

-- and every prediction
CREATE TEMP TABLE given AS SELECT v.model, (v.of || CASE WHEN v.model LIKE '%season%' THEN ' by season (' || season || ')' ELSE '' END || v.by)::purchase_model AS m, v.by
FROM clock, (VALUES ('mbg_nbd season covariates', 'mbg_nbd(r 0.875, alpha 8.5, a 0.75, b 2.5, unit_days 7)', ' by covariates (buying(z1 0.5, z2 -0.25) leaving(z1 -0.125, z2 0.375))'),
  ('bg_nbd season covariates', 'bg_nbd(r 0.875, alpha 60, a 0.75, b 2.5, unit_days 1)', ' by covariates (buying(z1 0.5, z2 -0.25) leaving(z1 -0.125, z2 0.375))'),
  ('mbg_nbd season', 'mbg_nbd(r 0.875, alpha 8.5, a 1, b 2.5, unit_days 7)', ''),
  ('mbg_nbd covariates', 'mbg_nbd(r 0.875, alpha 60, a 0.75, b 2.5, unit_days 1)', ' by covariates (buying(z1 0.5, z2 -0.25) leaving(z1 -0.125, z2 0.375))'),
  ('pareto_nbd covariates', 'pareto_nbd(r 0.875, alpha 8.5, s 1, beta 40, unit_days 7)', ' by covariates (buying(z1 0.5, z2 -0.25) leaving(z1 -0.125, z2 0.375))'),
  ('nbd covariates', 'nbd(r 0.875, alpha 8.5, unit_days 7)', ' by covariates (buying(z1 0.5, z2 -0.25))')) AS v(model, of, by);
CREATE TEMP TABLE ahead AS
SELECT r.*, c.history, c.z1, c.z2, CASE WHEN g.by = '' THEN g.m ELSE for_customer(g.m, covariates('{z1,z2}', ARRAY[c.z1,c.z2], ARRAY[c.z1,c.z2])) END AS own FROM reference r JOIN given g USING (model) JOIN customer c ON c.id = r.customer;
SELECT ok(count(*) = 66 AND bool_and(abs(p_alive(own, history, '2024-12-31') / p_alive - 1) < 1e-9), 'P(alive)') FROM ahead;
SELECT ok(bool_and(abs(expected_purchases(own, history, '2024-12-31', '2025-09-30') / expected - 1) < 1e-9), 'expected purchases') FROM ahead;
SELECT ok(bool_and(abs(probability(f, 0) - p0) < 1e-9 * p0 AND abs(probability(f, 1) - p1) < 1e-9 * p1 AND abs(probability(f, 2) - p2) < 1e-9 * p2 AND abs(probability(f, 3) - p3) < 1e-9 * p3), 'the chances of none, one, two and three')
FROM ahead, purchase_forecast(own, history, '2024-12-31', '2025-09-30') f;
SELECT ok(count(*) = 11 AND bool_and(abs(expected_spend(gamma_gamma(5.5, 4, 25), history, '2024-12-31') / expected - 1) < 1e-9), 'expected spend of all alike')
FROM reference JOIN customer c ON c.id = customer WHERE model = 'gamma_gamma' AND what = 'customer';
SELECT ok(count(*) = 11 AND bool_and(abs(expected_spend(for_customer('gamma_gamma(p 5.5, q 4, v 25) by covariates (buying(z1 0.375, z2 -0.125))'::spend_model, covariates('{z1,z2}', ARRAY[z1,z2])), history, '2024-12-31') / expected - 1) < 1e-9), 'expected spend of a customer with hers')
FROM reference JOIN customer c ON c.id = customer WHERE model = 'gamma_gamma covariates' AND what = 'customer';
SELECT * FROM finish();
ROLLBACK;
