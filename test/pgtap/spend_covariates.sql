-- covariates of the spend model: recovery, one answer in any order, who is left out, what a model for a customer predicts
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(37);

-- by z they pay exp(0.4) times as much, by g exp(-0.2) times
CREATE TEMP TABLE customer AS
SELECT z, g, row_number() OVER () AS id, purchase_history(purchased_on, round((amount * exp(0.4 * z - 0.2 * g))::numeric, 4)) AS history
FROM (VALUES (0, 0), (0, 1), (1, 0), (1, 1)) AS v(z, g),
  LATERAL simulate_purchases(mbg_nbd(0.8, 60, 0.8, 2.5), gamma_gamma(6, 4, 15), 1000, '[2021-01-01,2024-12-31]', 10 + z * 2 + g, '2023-12-31')
GROUP BY z, g, customer_id;
CREATE TEMP TABLE model AS
SELECT fit_gamma_gamma(history, '2024-12-31', covariates('{z,g}', ARRAY[z,g], ARRAY[z,g])) AS m, fit_gamma_gamma(history, '2024-12-31') AS plain FROM customer;

SELECT ok(is_converged(m), 'the fit converges') FROM model;
SELECT ok(bool_and(abs(estimate - planted) < 3 * standard_error) AND count(*) = 2, 'planted coefficients are found within three standard errors')
FROM model, parameters(m) JOIN (VALUES ('spend.z', 0.4), ('spend.g', -0.2)) t(name, planted) USING (name);
SELECT results_eq('SELECT name FROM model, parameters(m)', $$VALUES ('p'), ('q'), ('v'), ('spend.z'), ('spend.g')$$, 'coefficients stand behind the parameters');
SELECT ok(bic(m) < bic(plain) AND abs((bic(m) + 2 * log_likelihood(m)) / ln(repeat_buyers) - 5) < 1e-9 AND abs(aic(m) + 2 * log_likelihood(m) - 10) < 1e-9, 'aic and bic count five')
FROM model, (SELECT count(*) AS repeat_buyers FROM customer WHERE purchase_day_count(until(history, '2024-12-31')) > 1) c;

-- one answer
SELECT is((SELECT fit_gamma_gamma(history, '2024-12-31', covariates('{z,g}', ARRAY[z,g], ARRAY[z,g]) ORDER BY id DESC)::text FROM customer), m::text, 'no order of rows changes it') FROM model;
CREATE AGGREGATE pg_temp.state(purchase_history, date, covariates) (SFUNC = spend_model_covariates_transition, STYPE = spend_model_state);
CREATE TEMP TABLE part AS SELECT id % 3 = 0 AS third, pg_temp.state(history, '2024-12-31', covariates('{z,g}', ARRAY[z,g])) AS s FROM customer GROUP BY 1;
SELECT is(fit_gamma_gamma_final(spend_model_state_combine(a.s, b.s::text::spend_model_state))::text, m::text, 'nor does merging') FROM model, part a, part b WHERE a.third AND NOT b.third;
SELECT is(s::text::spend_model_state::text, s::text, 'a state comes back from its text') FROM part WHERE third;
SELECT is((SELECT fit_gamma_gamma(history, '2024-12-31', covariates('{z,g}', ARRAY[z,g]))::text FROM customer), m::text, 'numbers of leaving say nothing of spend') FROM model;
SELECT is(m::text::spend_model, m, 'the text form loses nothing') FROM model;
SELECT is(m::jsonb::spend_model, m, 'nor does jsonb') FROM model;
SELECT is(m::jsonb -> 'coefficients' -> 'spend.z', to_jsonb(estimate), 'which names the coefficients') FROM model, parameters(m) WHERE name = 'spend.z';

-- none are none, bit for bit; zero coefficients too
SELECT is((SELECT fit_gamma_gamma(history, '2024-12-31', covariates('{}', '{}'))::text FROM customer), plain::text, 'a fit without names is that without covariates, bit for bit') FROM model;
SELECT is((SELECT array_agg(expected_spend(for_customer((gamma_gamma(6, 4, 15) || ' by covariates (buying(z 0))')::spend_model, covariates('{z}', ARRAY[id])), history, '2024-12-31') ORDER BY id) FROM customer WHERE id % 50 = 0),
  (SELECT array_agg(expected_spend(gamma_gamma(6, 4, 15), history, '2024-12-31') ORDER BY id) FROM customer WHERE id % 50 = 0), 'with zero coefficients every customer has the model itself');

-- another zero or unit of a covariate is another way to say the same
CREATE TEMP TABLE moved AS SELECT fit_gamma_gamma(history, '2024-12-31', covariates('{z,g}', ARRAY[10 * z + 3,g - 1])) AS moved FROM customer;
SELECT ok(bool_and(abs(log_likelihood(moved) - log_likelihood(m)) < 1e-4 AND abs(expected_spend(for_customer(moved, covariates('{z,g}', ARRAY[10 * z + 3,g - 1])), history, '2024-12-31') /
    expected_spend(for_customer(m, covariates('{z,g}', ARRAY[z,g])), history, '2024-12-31') - 1) < 1e-5), 'predictions are the same') FROM model, moved, customer WHERE id % 50 = 0;
SELECT ok(bool_and(abs(a.standard_error / b.standard_error - 1) < 1e-3), 'and errors of a customer''s parameters')
FROM moved, model, parameters(for_customer(moved, covariates('{z,g}', '{13,0}'))) a JOIN parameters(for_customer(m, covariates('{z,g}', '{1,1}'))) b USING (name);

-- a model for a customer
SELECT ok(abs(c.estimate / m.estimate - exp(z.estimate - 2 * g.estimate)) < 1e-9, 'v is exp(g''z) times as large')
FROM model, parameters(m) m, parameters(m) z, parameters(m) g, parameters(for_customer(model.m, covariates('{z,g}', '{1,-2}'))) c WHERE m.name = 'v' AND z.name = 'spend.z' AND g.name = 'spend.g' AND c.name = 'v';
SELECT ok(abs(avg(ln(expected_spend(for_customer(m, covariates('{z,g}', ARRAY[z,g])), purchase('2024-01-01', 5), '2024-12-31') / expected_spend(plain, purchase('2024-01-01', 5), '2024-12-31')))) < 0.1
  AND max(expected_spend(for_customer(m, covariates('{z,g}', ARRAY[z,g])), purchase('2024-01-01', 5), '2024-12-31')) > 1.5 * min(expected_spend(for_customer(m, covariates('{z,g}', ARRAY[z,g])), purchase('2024-01-01', 5), '2024-12-31')), 'new customers differ by theirs, around the model for all') FROM model, customer;
SELECT throws_ok('SELECT expected_spend(m, history, ''2024-12-31'') FROM model, customer', '0A000', 'a spend model with covariates predicts only for a customer whose covariates it is given', 'the model itself predicts for nobody');
SELECT throws_ok('SELECT for_customer(plain, covariates(''{z}'', ''{1}'')) FROM model', '22023', 'the model has no covariates', 'a plain one needs none');
SELECT throws_ok('SELECT for_customer(m, covariates(''{z}'', ''{1}'')) FROM model', '22023', 'the model has other covariates', 'names have to be the same');
SELECT throws_ok('SELECT fit_gamma_gamma(history, ''2024-12-31'', covariates(''{z}'', NULL, ARRAY[z])) FROM customer', '22023', 'a spend model has no coefficients of leaving', 'leaving alone says nothing');

-- who has none is left out and counted; a covariate that all share is an error
SELECT is((SELECT fit_gamma_gamma(history, '2024-12-31', covariates('{z,g}', ARRAY[CASE WHEN id > 0 THEN z END, g]) ORDER BY id)::text FROM (SELECT * FROM customer UNION ALL SELECT NULL, NULL, -i, purchase('2022-01-01', 1) FROM generate_series(1, 7) i) c),
  regexp_replace(m::text, 'left_out [0-9]+', 'left_out ' || (regexp_match(m::text, 'left_out ([0-9]+)'))[1]::int + 7), 'a customer without covariates is left out') FROM model;
SELECT throws_ok('SELECT fit_gamma_gamma(history, ''2024-12-31'', covariates(''{one}'', ARRAY[1])) FROM customer', '22023', 'covariate spend.one is the same for all customers', 'a covariate of all is refused');

-- a limit has coefficients too: each customer pays a price of her own, always the same
SELECT ok(model::text LIKE 'gamma_gamma(q %' AND bool_and(abs(estimate - 0.5) < 3 * standard_error), 'a limit keeps its coefficients')
FROM (SELECT fit_gamma_gamma(merge, '2024-12-31', covariates('{z}', ARRAY[z])) AS model FROM (SELECT i % 2 AS z, merge(purchase(date '2024-01-01' + d, round((20 * exp(0.5 * (i % 2)) / -ln((i * 377 % 1000 + 0.5) / 1000))::numeric, 4))) FROM generate_series(1, 600) i, generate_series(0, 3) d GROUP BY i) c) m, parameters(model) WHERE name = 'spend.z' GROUP BY model;

-- forged states and models: no more than a fit makes, and no answer that cannot be held
SELECT throws_ok($$SELECT 'spend_covariates unit_days 1, left_out 0 by (leaving(z 0))'::spend_model_state$$, '22023', 'a spend model has no coefficients of leaving', 'a state is of numbers of buying');
SELECT throws_ok($$SELECT 'spend_covariates unit_days 1, left_out 0 by (buying(z 0) leaving(z 0))'::spend_model_state$$, '22023', 'a spend model has no coefficients of leaving', 'alone');
SELECT throws_ok($$SELECT 'spend unit_days 1, left_out 0; 1 1e300 0:1000000000'::spend_model_state$$, '22023', 'fit state holds a group that cannot be: 1 1e+300 0', 'of amounts that there are');
SELECT throws_ok($$SELECT for_customer('gamma_gamma(p 6, q 4, v 15) fitted (customers 10, repeat_buyers 10, left_out 0, log_likelihood -1, gradient_norm 0, converged, covariance 1 0 1 0 0 1) by covariates (buying(z 0), covariance 0 0 0 1e300)'::spend_model, covariates('{z}', '{1e9}'))$$,
  '22023', 'spend_model holds a fit that cannot be', 'no error is infinite');
SELECT ok(NOT is_converged(m) AND fit_verdict(m) = 'The data fit best as parameter scale goes to zero', 'amounts too small for a model are no answer')
FROM (SELECT fit_gamma_gamma(x, m) AS m FROM (VALUES (1, 1e-12), (2, 2e-12), (3, 1e-12), (1, 3e-12), (1, 1e-12), (2, 1e-12), (4, 1e-12), (1, 1e-12), (1, 4e-12), (1, 1e-12)) v(x, m)) s;

-- where nothing is left to be likely the fit ends in prices, or names what has no coefficient
CREATE TEMP TABLE member AS SELECT i, i % 2 AS z, i % 3 AS g, (1 + i % 5) AS x FROM generate_series(1, 300) i;
CREATE FUNCTION pg_temp.paid(x int, price numeric) RETURNS purchase_history LANGUAGE sql SET search_path = pg_catalog, pg_temp AS 'SELECT crm.merge(crm.purchase(date ''2024-01-01'' + 7 * d, price)) FROM generate_series(0, x) d';
CREATE TEMP TABLE prices AS SELECT fit_gamma_gamma(pg_temp.paid(x, 10 + 10 * z), '2024-12-31', covariates('{z}', ARRAY[z])) AS z, fit_gamma_gamma(pg_temp.paid(x, (ARRAY[10, 20, 4000])[g + 1]), '2024-12-31', covariates('{g,h}', ARRAY[(g = 1)::int, (g = 2)::int])) AS g,
  fit_gamma_gamma(pg_temp.paid(x, round((10 * exp(0.35 * z) * (1 + (i % 3 - 1) * 0.002))::numeric, 4)), '2024-12-31', covariates('{z}', ARRAY[z])) AS nearly, fit_gamma_gamma(pg_temp.paid(x, 10 + (g - 1) * 0.005), '2024-12-31') AS plain,
  fit_gamma_gamma(pg_temp.paid(x, 10 + 0.9 * g), '2024-12-31', covariates('{z}', ARRAY[z])) AS apart FROM member;
SELECT ok(z::text LIKE 'one_price(%' AND fit_verdict(z) = 'The fit converged where customers of equal covariates pay the same price' AND abs(price.estimate - 10) < 1e-6 AND abs(c.estimate - ln(2)) < 1e-6 AND abs(expected_spend(for_customer(z, covariates('{z}', '{1}')), purchase('2024-03-01', 15), '2024-12-31') - 20) < 1e-6
  AND z::text::spend_model = z AND z::jsonb::spend_model = z, 'a price for each class') FROM prices, parameters(z) price, parameters(z) c WHERE price.name = 'price' AND c.name = 'spend.z';
SELECT ok(g::text LIKE 'one_price(%' AND abs(expected_spend(for_customer(g, covariates('{g,h}', '{0,1}')), purchase('2024-03-01', 15), '2024-12-31') / 4000 - 1) < 1e-6, 'of more classes, and 400 times as high') FROM prices;
SELECT ok(nearly::text LIKE 'one_price(%' AND plain::text LIKE 'one_price(%' AND fit_verdict(plain) = 'The fit converged where everybody pays the same price' AND abs(expected_spend(plain, purchase('2024-03-01', 15), '2024-12-31') - 10) < 0.01, 'and to a four-hundredth') FROM prices;
SELECT ok(apart::text LIKE 'gamma_gamma(%' AND is_converged(apart), 'but not what differs by more') FROM prices;
SELECT throws_ok('SELECT fit_gamma_gamma(pg_temp.paid(x, 10 + g), ''2024-12-31'', covariates(''{member,guest}'', ARRAY[z, 1 - z])) FROM member', '22023', 'covariate spend.guest follows from those before it', 'a number for each class is one too many');
SELECT throws_ok('SELECT fit_mbg_nbd(pg_temp.paid(x, 10), ''2024-12-31'', covariates(''{a,b,c}'', ARRAY[z, g, 0.1 * z - 3 * g + 7], ARRAY[z, g, i])) FROM member', '22023', 'covariate buying.c follows from those before it', 'in a model of purchases too');
-- a coefficient for nearly every customer goes through them all: ten customers for each are the least
CREATE TEMP TABLE few AS SELECT i, pg_temp.paid(3, 10 + i * 7 % 19) AS history, ARRAY(SELECT i * k * 37 % 11 FROM generate_series(1, 8) k)::float8[] AS z FROM generate_series(1, 29) i;
SELECT throws_ok('SELECT fit_gamma_gamma(history, ''2024-12-31'', covariates(''{a,b}'', z[1:2])) FROM few', '22023', 'too few customers to fit 2 coefficients of covariates: 29', 'twenty-nine customers are too few for two');
SELECT throws_ok('SELECT fit_mbg_nbd(history, ''2024-12-31'', covariates(''{a,b}'', z[1:2], z[1:2])) FROM few', '22023', 'too few customers to fit 4 coefficients of covariates: 29', 'or for four');
SELECT * FROM finish();
ROLLBACK;
