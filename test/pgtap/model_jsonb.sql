-- Models from the jsonb that they cast to: both ways, to the last bit.
BEGIN;
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;
SELECT plan(26);
\ir ../fixtures/buyers.sql

CREATE TEMP TABLE fitted AS
SELECT shop, fit_purchase_model(history, as_of) AS purchases, fit_gamma_gamma(history, as_of) AS spend FROM buyers
WHERE shop IN ('fifty', 'songs', 'superstore', 'rfm_orders') GROUP BY shop;
SELECT is_empty('SELECT shop FROM fitted WHERE (purchases::jsonb)::purchase_model <> purchases', 'a fitted purchase model comes back, with its fit and what was tried');
SELECT is_empty('SELECT shop FROM fitted WHERE (spend::jsonb)::spend_model <> spend', 'a fitted spend model too');
SELECT isnt_empty($$SELECT FROM fitted WHERE purchases::jsonb -> 'among' @? '$[*].at_bound'$$, 'those tried at a bound are among them');
SELECT is_empty($$
  SELECT m FROM unnest(ARRAY[bg_nbd(0.24, 4.4, 0.79, 2.4, 7), mbg_nbd(0.52, 6.2, 0.89, 1.6), pareto_nbd(0.55, 10.6, 0.61, 11.7, 7), mbg_cnbd_k(3, 0.5, 6, 1, 2), nbd(3, 300),
    poisson(1e-9), bg_nbd(1e-9, 123456789.125, 0.1 + 0.2::float8, 1e12), 'bg_nbd(r 0.5, alpha 3, p 0.25, unit_days 1)', 'mbg_nbd(rate 0.1, share 0.5, unit_days 2)',
    'pareto_nbd(rate 0.5, s 3, beta 2, unit_days 1)', 'pareto_nbd(r 1, alpha 3, mu 0.01, unit_days 1)', 'erlang_k(k 2, rate 0.1, unit_days 1)', 'cnbd_k(k 4, r 0.5, alpha 2, unit_days 1)']::purchase_model[]) AS m
  WHERE (m::jsonb)::purchase_model <> m$$, 'given purchase models of all kinds come back');
SELECT is_empty($$SELECT m FROM unnest(ARRAY[gamma_gamma(6.25, 3.74, 15.44), one_price(9.99)]) AS m WHERE (m::jsonb)::spend_model <> m$$, 'spend models');
SELECT is_empty($$SELECT m FROM unnest(ARRAY[beta_geometric(0.704, 1.182), beta_discrete_weibull(0.5, 1.2, 1.6)]) AS m WHERE (m::jsonb)::contract_model <> m$$, 'contract models');
SELECT is((bg_bb(1.2, 0.75, 0.66, 2.8)::jsonb)::occasion_model, bg_bb(1.2, 0.75, 0.66, 2.8), 'occasion models');
SELECT is((SELECT (m::jsonb)::contract_model = m FROM (SELECT fit_beta_geometric('year {1 369 0, 2 163 0, 3 86 0, 4 56 0, 5 37 289}') AS m) f), true, 'a fitted contract model');
SELECT is(jsonb '{"model": "pareto_nbd", "r": 1, "alpha": 10, "s": 1, "beta": 10, "unit_days": 7}'::purchase_model, pareto_nbd(1, 10, 1, 10, 7), 'what a fit found may be left out');
SELECT is(jsonb '{"s": 1, "unit_days": 7, "beta": 1e1, "alpha": 10.00, "fit": "given", "r": 1, "model": "pareto_nbd"}'::purchase_model, pareto_nbd(1, 10, 1, 10, 7),
  'keys come in any order, numbers in any form');
SELECT is_empty($$
  SELECT m FROM unnest(ARRAY['mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 7) by season (month 1 1 1 1 1 1 1 1 1 1 1 1)',
    'pareto_nbd(r 1, alpha 2, s 3, beta 4, unit_days 7) by covariates (buying("a ""b" 0.5) leaving("a ""b" -0.1))']::purchase_model[]) AS m WHERE (m::jsonb)::purchase_model <> m$$, 'with a season or coefficients too');
SELECT throws_ok($$SELECT jsonb '{"model": "nbd", "r": 1, "alpha": 2, "unit_days": 1, "season": [1]}'::purchase_model$$, '22023', 'a purchase model in JSON has a season or coefficients, but no "by"', 'which need their text form');
SELECT is(NULL::jsonb::purchase_model, NULL, 'nothing of nothing');
SELECT throws_ok($$SELECT jsonb '[1]'::purchase_model$$, '22023', 'JSON is no purchase model: [1]', 'JSON of another kind');
SELECT throws_ok($$SELECT jsonb '{"r": 1}'::spend_model$$, '22023', 'JSON is no spend model: {"r": 1}', 'and without a name');
SELECT throws_ok($$SELECT jsonb '{"model": "poisson", "rate": 1, "unit_days": 1, "colour": 3}'::purchase_model$$, '22023', 'a purchase model in JSON has no "colour"', 'a key that is not known');
SELECT throws_ok($$SELECT jsonb '{"model": "poisson", "rate": "1", "unit_days": 1}'::purchase_model$$, '22023', '"rate" of a purchase model in JSON cannot be "1"', 'a number that is none');
SELECT throws_ok($$SELECT jsonb '{"model": "poisson", "rate": 1, "unit_days": 1, "fit": "converged"}'::purchase_model$$, '22023',
  '"customers" of a purchase model in JSON cannot be missing', 'half a fit');
SELECT throws_ok($$SELECT jsonb '{"model": "poisson", "rate": -1, "unit_days": 1}'::purchase_model$$, '22003', NULL, 'parameters are checked as in the text form');
SELECT throws_ok(format('SELECT jsonb %L::%I', '{"model": "poisson", "rate": 0.1, "unit_days": 1' || rest || '}', 'purchase_model'), '22023', message, rest) FROM (VALUES
  (', "fit": "converged, covariance 5", "customers": 10, "repeat_buyers": 5, "left_out": 0, "log_likelihood": -10, "gradient_norm": 0', '"fit" of a purchase model in JSON cannot be "converged, covariance 5"'),
  (', "fit": "converged", "covariance": 5, "customers": 10, "repeat_buyers": 5, "left_out": 0, "log_likelihood": -10, "gradient_norm": 0', '"covariance" of a purchase model in JSON cannot be 5'),
  (', "log_likelihood": -10', 'a purchase model in JSON has a "log_likelihood", but no "fit"'),
  (', "limit": "nobody leaves"', '"limit" of a purchase model in JSON cannot be "nobody leaves"'),
  (', "season": [1], "by": "covariates (buying(a 1))"', '"season" of a purchase model in JSON cannot be [1]')) t(rest, message);
SELECT throws_ok($$SELECT jsonb '{"model": "poisson(rate 1, unit_days 1) by covariates (buying(a 1", "rate": 1}'::purchase_model$$, '22023',
  '"model" of a purchase model in JSON cannot be "poisson(rate 1, unit_days 1) by covariates (buying(a 1"', 'a name is no more than that');
SELECT throws_ok($$SELECT jsonb_set('pareto_nbd(r 1, alpha 2, s 3, beta 4, unit_days 7) by covariates (buying(a 0.5))'::purchase_model::jsonb, '{coefficients,buying.a}', '0.6')::purchase_model$$, '22023',
  '"coefficients" of a purchase model in JSON cannot be {"buying.a": 0.6}', 'a coefficient that is changed where it would not count is no other model');
SELECT * FROM finish();
ROLLBACK;
