-- A refresh that fits the models anew: families, rules of their own, what is
-- kept of the models before, and what is left when something goes wrong.
SELECT plan(59);
SET client_min_messages = error;

-- tenants whose customers buy by different models, one with too few of them
CREATE TABLE orders (tenant text, customer bigint, day date, amount numeric);
INSERT INTO orders
SELECT tenant, customer_id, purchased_on, amount
FROM (VALUES
  ('bg', crm.bg_nbd(0.8, 30, 0.9, 3), 400), ('mbg', crm.mbg_nbd(0.8, 30, 0.9, 3), 400), ('pareto', crm.pareto_nbd(0.8, 5, 0.7, 20, 7), 400),
  ('cnbd', crm.mbg_cnbd_k(2, 1.5, 20, 0.9, 3, 1), 400), ('none', crm.bg_nbd(1, 40, 1, 4), 400), ('small', crm.bg_nbd(0.8, 30, 0.9, 3), 6)) AS t(tenant, model, customers),
  crm.simulate_purchases(model, crm.gamma_gamma(6, 4, 15), customers, '[2025-01-01,2026-09-30]', 11, '2026-06-30');
CREATE VIEW purchases AS SELECT tenant, customer, day AS purchased_on, amount FROM orders;
SELECT is(crm.track('purchases', scale_by => '{tenant}', horizon_days => 90)::text, 'purchases_customers', 'track');
UPDATE purchases_scoring SET look_back_days = 60, purchase_model = CASE tenant
  WHEN 'bg' THEN crm.bg_nbd(1, 1, 1, 1) WHEN 'mbg' THEN crm.mbg_nbd(1, 1, 1, 1) WHEN 'pareto' THEN crm.pareto_nbd(1, 1, 1, 1, 7)
  WHEN 'cnbd' THEN crm.mbg_cnbd_k(2, 1, 1, 1, 1) WHEN 'small' THEN crm.bg_nbd(2, 2, 2, 2) END;
CALL crm.refresh('purchases', '2026-01-31');
SELECT is((SELECT models FROM crm.tracked), NULL, 'a refresh that fits nothing makes no table');

CALL crm.refresh('purchases', '2026-03-31', refit => true);
SELECT is_empty('SELECT * FROM crm.verify(''purchases'')', 'after a refit all are scored by the new models');
SELECT results_eq($$SELECT tenant, crm.model_name(purchase_model), crm.unit_days(purchase_model), purchase_model::jsonb ->> 'k', spend_model IS NOT NULL FROM purchases_scoring ORDER BY 1$$,
  $$VALUES ('bg', 'bg_nbd', 1, NULL, true), ('cnbd', 'mbg_cnbd_k', 1, '2', true), ('mbg', 'mbg_nbd', 1, NULL, true), ('none', 'mbg_nbd', 1, NULL, true),
    ('pareto', 'pareto_nbd', 7, NULL, true), ('small', 'bg_nbd', 1, NULL, false)$$, 'every rule keeps its family, unit and k, and one without a model has one chosen');
SELECT results_eq(format($$SELECT purchase_model::text FROM purchases_scoring WHERE tenant = %L$$, tenant),
  format($$SELECT crm.fit_%s(history, '2026-03-31'%s)::text FROM purchases_histories WHERE tenant = %L$$, fit, unit, tenant),
  format('%s: the model that fits whole histories up to the day', fit))
FROM (VALUES ('bg', 'bg_nbd', ''), ('mbg', 'mbg_nbd', ''), ('pareto', 'pareto_nbd', ', 7'), ('none', 'purchase_model', '')) AS f(tenant, fit, unit);
SELECT is((SELECT crm.is_converged(purchase_model) AND abs(crm.log_likelihood(purchase_model) / (SELECT crm.log_likelihood(crm.fit_mbg_cnbd_k(history, '2026-03-31')) FROM purchases_histories WHERE tenant = 'cnbd') - 1) < 1e-9
  FROM purchases_scoring WHERE tenant = 'cnbd'), true, 'mbg_cnbd_k: as likely as the likeliest, whose k it has');
SELECT results_eq($$SELECT tenant, spend_model::text FROM purchases_scoring WHERE tenant <> 'small' ORDER BY 1$$,
  $$SELECT tenant, crm.fit_gamma_gamma(history, '2026-03-31')::text FROM purchases_histories WHERE tenant <> 'small' GROUP BY 1 ORDER BY 1$$, 'and the spend models');
SELECT is((SELECT purchase_model::text FROM purchases_scoring WHERE tenant = 'small'), 'bg_nbd(r 2, alpha 2, a 2, b 2, unit_days 1)', 'six customers change no model');
SELECT is((SELECT scale IS NOT NULL AND scaled_on = '2026-03-31' FROM purchases_scoring WHERE tenant = 'small'), true, 'but get their scale');

-- what is kept
SELECT is((SELECT models FROM crm.tracked), 'purchases_models'::regclass, 'there is a table of models');
SELECT results_eq($$SELECT tenant, fitted_on, spend_fitted_on, replaced_on, replaced_by FROM purchases_models ORDER BY tenant, replaced_on$$,
  $$VALUES ('bg', NULL::date, NULL::date, date '2026-03-31', 'refit'), ('bg', '2026-03-31', '2026-03-31', NULL, NULL),
    ('cnbd', NULL, NULL, '2026-03-31', 'refit'), ('cnbd', '2026-03-31', '2026-03-31', NULL, NULL),
    ('mbg', NULL, NULL, '2026-03-31', 'refit'), ('mbg', '2026-03-31', '2026-03-31', NULL, NULL), ('none', '2026-03-31', '2026-03-31', NULL, NULL),
    ('pareto', NULL, NULL, '2026-03-31', 'refit'), ('pareto', '2026-03-31', '2026-03-31', NULL, NULL), ('small', NULL, NULL, NULL, NULL)$$,
  'of each tenant the models before and now, those set by hand without a day');
SELECT is((SELECT row(recorded_on, forecast_from, forecast_until, out_of_sample, purchase_model, customers)::text FROM purchases_models WHERE tenant = 'bg' AND replaced_on IS NOT NULL),
  row(date '2026-03-31', date '2026-03-31' - 90, date '2026-03-31', false, crm.bg_nbd(1, 1, 1, 1), NULL)::text, 'a model of unknown date is measured over the last horizon, in sample');
SELECT is((SELECT customers FROM purchases_models WHERE tenant = 'bg' AND replaced_on IS NULL), (SELECT count(*) FROM purchases_histories WHERE tenant = 'bg' AND crm.first_purchased_on(history) < '2026-03-31'),
  'a fitted one tells its customers');
CREATE TEMP TABLE then_in_force AS SELECT tenant, purchase_model, spend_model FROM purchases_scoring;

-- the second refit measures the first
CREATE FUNCTION pg_temp.by_hand(of_tenant text, model crm.purchase_model, since date, until date, OUT n bigint, OUT total_expected numeric, OUT total_actual numeric,
    OUT mean_error numeric, OUT mean_absolute_error numeric, OUT root_mean_squared_error numeric, OUT correlation numeric) LANGUAGE sql AS $$
  SELECT count(*), round(sum(e)::numeric, 9), sum(a), round(avg(e - a)::numeric, 9), round(avg(abs(e - a))::numeric, 9), round(sqrt(avg((e - a) ^ 2))::numeric, 9), round(corr(e, a)::numeric, 9)
  FROM (SELECT crm.expected_purchases(model, crm.purchase_history(day, amount) FILTER (WHERE day <= since), since, until) AS e,
          count(DISTINCT day) FILTER (WHERE day > since AND day <= until) AS a
        FROM orders WHERE tenant = of_tenant GROUP BY customer HAVING min(day) <= since) AS c $$;
CREATE FUNCTION pg_temp.recorded(of_tenant text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT row(forecast_from, forecast_until, out_of_sample, n, round(total_expected::numeric, 9), total_actual::numeric, round(mean_error::numeric, 9), round(mean_absolute_error::numeric, 9),
    round(root_mean_squared_error::numeric, 9), round(correlation::numeric, 9))::text
  FROM purchases_models WHERE tenant = of_tenant AND replaced_on = '2026-07-31' ORDER BY forecast_from $$;
CALL crm.refresh('purchases', '2026-07-31', true);
SELECT is(array(SELECT pg_temp.recorded(tenant)), ARRAY[row('2026-03-31', '2026-07-31', true, b.n, b.total_expected, b.total_actual, b.mean_error, b.mean_absolute_error, b.root_mean_squared_error, b.correlation)::text],
  tenant || ': the accuracy is that computed by hand from the orders')
FROM then_in_force AS t, pg_temp.by_hand(tenant, purchase_model, '2026-03-31', '2026-07-31') AS b WHERE tenant <> 'small' ORDER BY tenant;
SELECT is((SELECT pg_temp.recorded('small')), NULL, 'that of a model still in force comes when it is replaced');
SELECT ok(bool_and(n > 200 AND total_actual > 50 AND correlation > 0.2 AND abs(total_expected / total_actual - 1) < 0.5 AND top_decile_share BETWEEN 0.1 AND 1), 'forecasts of data that follow the models are right')
FROM purchases_models WHERE replaced_on = '2026-07-31';
SELECT ok(bool_and(normalised_gini BETWEEN 0.2 AND 1 AND cardinality(decile_actual) = 10 AND decile_expected[1] > decile_expected[10] AND decile_actual[1] > decile_actual[10]),
  'and order the customers, tenth by tenth') FROM purchases_models WHERE replaced_on = '2026-07-31';
ALTER TABLE purchases_models DROP normalised_gini, DROP decile_expected, DROP decile_actual;
SELECT crm_internal.complete_models('purchases_models');
SELECT is((SELECT count(*) FROM pg_attribute WHERE attrelid = 'purchases_models'::regclass AND col_description(attrelid, attnum) ~ 'order the customers|each tenth|each of these' AND NOT attisdropped), 3::bigint,
  'a table of an earlier release gets what it lacks');
SELECT results_eq($$SELECT tenant, purchase_model::text, spend_model::text FROM purchases_models WHERE fitted_on = '2026-03-31' ORDER BY 1$$,
  $$SELECT tenant, purchase_model::text, spend_model::text FROM then_in_force WHERE tenant <> 'small' ORDER BY 1$$, 'old models are as they were');
SELECT results_eq($$SELECT tenant, purchase_model::text, spend_model::text FROM purchases_models WHERE replaced_on IS NULL ORDER BY 1$$,
  $$SELECT tenant, purchase_model::text, spend_model::text FROM purchases_scoring ORDER BY 1$$, 'and one row a rule is in force');

-- the same again
CREATE TEMP TABLE before AS SELECT * FROM purchases_models;
CALL crm.refresh('purchases', '2026-07-31', true);
SELECT is((SELECT count(*) FROM (TABLE purchases_models EXCEPT TABLE before) AS d), 0::bigint, 'equal models are no new row');

-- by hand between two refits
INSERT INTO orders SELECT 'new', customer, day, amount FROM orders WHERE tenant = 'bg';
UPDATE purchases_scoring SET purchase_model = crm.mbg_cnbd_k(1, 1, 30, 1, 3) WHERE tenant = 'cnbd';
UPDATE purchases_scoring SET spend_model = crm.gamma_gamma(6, 4, 15) WHERE tenant = 'mbg';
UPDATE purchases_scoring SET purchase_model = NULL, spend_model = NULL WHERE tenant = 'pareto';
CALL crm.refresh('purchases', '2026-09-30', true);
SELECT results_eq($$SELECT fitted_on, recorded_on, replaced_on, replaced_by, out_of_sample, purchase_model::jsonb ->> 'k' FROM purchases_models WHERE tenant = 'cnbd' AND coalesce(replaced_on, 'infinity') > '2026-07-31' ORDER BY fitted_on NULLS FIRST, replaced_by$$,
  $$VALUES (NULL::date, date '2026-09-30', date '2026-09-30', 'refit', false, '1'), ('2026-07-31', '2026-07-31', '2026-09-30', 'hand', true, '2'), ('2026-09-30', '2026-09-30', NULL, NULL, NULL, '1')$$,
  'a model set by hand is recorded, and the one that it replaced is closed');
SELECT results_eq($$SELECT fitted_on, spend_fitted_on, replaced_by, out_of_sample FROM purchases_models WHERE tenant = 'mbg' AND coalesce(replaced_on, 'infinity') > '2026-07-31' ORDER BY fitted_on, spend_fitted_on$$,
  $$VALUES (date '2026-07-31', date '2026-07-31', 'hand', true), ('2026-07-31', NULL, 'refit', true), ('2026-09-30', '2026-09-30', NULL, NULL)$$, 'a spend model too, beside the purchase model that stayed');
SELECT is((SELECT count(*) FILTER (WHERE is_chosen) FROM purchases_scoring, crm.model_choice(purchase_model) WHERE tenant = 'pareto'), 1::bigint, 'where models were taken away, one is chosen');
SELECT is((SELECT replaced_by FROM purchases_models WHERE tenant = 'pareto' AND fitted_on = '2026-07-31'), 'hand', 'and the old one is kept');
SELECT is((SELECT fitted_on FROM purchases_models WHERE tenant = 'new' AND replaced_on IS NULL), '2026-09-30'::date, 'a tenant that came since gets models at once');
SELECT is_empty('SELECT * FROM crm.verify(''purchases'')', 'and everybody is scored by them');

-- what stays if it does not succeed
CREATE TEMP TABLE after AS SELECT * FROM purchases_models;
BEGIN;
SELECT crm_internal.refit_models('purchases', '2026-10-01'), crm_internal.refresh_start('purchases', '2026-10-01');
SELECT isnt((SELECT count(*) FROM (TABLE purchases_models EXCEPT TABLE after) AS d), 0::bigint, 'a refit');
ROLLBACK;
SELECT is((SELECT count(*) FROM (TABLE purchases_models EXCEPT TABLE after) AS d), 0::bigint, 'that is rolled back leaves nothing');
SELECT is_empty('SELECT * FROM crm.verify(''purchases'')', 'and the scores as they were');

ALTER TABLE purchases_histories RENAME segment TO segment_renamed;
\set ON_ERROR_STOP off
\o /dev/null
CALL crm.refresh('purchases', '2026-10-31', true);
\o
\set ON_ERROR_STOP on
SELECT is((SELECT refresh_finished_at FROM crm.tracked), NULL, 'a refit whose first batch failed has not finished');
SELECT is((SELECT max(recorded_on) FROM purchases_models), '2026-10-31'::date, 'its models are in force');
ALTER TABLE purchases_histories RENAME segment_renamed TO segment;
CREATE TEMP TABLE failed AS SELECT * FROM purchases_models;
CALL crm.refresh('purchases', '2026-10-31', true, batch_customers => 100);
SELECT isnt((SELECT refresh_finished_at FROM crm.tracked), NULL, 'the next one finishes');
SELECT is((SELECT count(*) FROM (TABLE purchases_models EXCEPT TABLE failed) AS d), 0::bigint, 'with the same models');
SELECT is_empty('SELECT * FROM crm.verify(''purchases'')', 'and all are scored by them');

-- buyers of one day only; a model that does not converge; refits of the past
CREATE TABLE once_orders (customer int, day date, amount numeric);
INSERT INTO once_orders SELECT i, date '2026-01-01' + i % 90, 10 FROM generate_series(1, 500) i;
SELECT crm.track('once_orders', 'customer', 'day', 'amount');
CALL crm.refresh('once_orders', '2026-06-30', true);
SELECT is((SELECT row(purchase_model, spend_model, scaled_on)::text FROM once_orders_scoring), '(,,2026-06-30)', 'who bought once give no model, but a scale');
SELECT is((SELECT count(*) FROM once_orders_models), 0::bigint, 'and no row');
UPDATE once_orders_scoring SET purchase_model = crm.bg_nbd(0.8, 30, 0.9, 3);
CALL crm.refresh('once_orders', '2026-07-31', true);
SELECT is((SELECT row(purchase_model, fitted_on, recorded_on, replaced_on)::text FROM once_orders_models), row(crm.bg_nbd(0.8, 30, 0.9, 3), NULL, date '2026-07-31', NULL)::text,
  'a model set by hand is recorded where none can be fitted');
DELETE FROM once_orders;
INSERT INTO once_orders SELECT i, date '2025-01-01' + i + 28 * j, 10 FROM generate_series(1, 9) i, generate_series(0, CASE WHEN i % 5 = 0 THEN 0 ELSE 11 END) j;
SELECT is((SELECT (crm.data_check(history, '2026-08-31')).verdict FROM once_orders_histories), 'no fit: fewer than 10 customers', 'nine customers fit no model');
CALL crm.refresh('once_orders', '2026-08-31', true);
SELECT is((SELECT purchase_model::text FROM once_orders_scoring), crm.bg_nbd(0.8, 30, 0.9, 3)::text, 'so the old one stays');
DELETE FROM once_orders;
INSERT INTO once_orders SELECT customer_id, purchased_on, amount FROM crm.simulate_purchases(crm.bg_nbd(0.8, 30, 0.9, 3), crm.gamma_gamma(6, 4, 15), 300, '[2025-06-01,2026-09-30]', 3, '2026-03-31');
CALL crm.refresh('once_orders', '2026-09-30', true);
SELECT is((SELECT row(fitted_on, recorded_on, replaced_on, forecast_from, out_of_sample, n)::text FROM once_orders_models WHERE replaced_on IS NOT NULL),
  row(NULL, date '2026-07-31', date '2026-09-30', date '2026-07-31', true, 300)::text, 'until one comes that does: out of sample since it was recorded');
CALL crm.refresh('once_orders', '2026-08-15', true);
SELECT is((SELECT row(replaced_on, forecast_from, n)::text FROM once_orders_models WHERE fitted_on = '2026-09-30'), row(date '2026-08-15', NULL, NULL)::text,
  'a refit as of an earlier day has nothing to measure');

-- the table is one of the tracking's
SELECT is((SELECT obj_description('purchases_models'::regclass) LIKE '%purchases%' AND count(*) = 23 FROM pg_attribute WHERE attrelid = 'purchases_models'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NOT NULL),
  true, 'it and its columns have comments');
DROP TABLE once_orders_models;
SELECT is((SELECT problem FROM crm.verify('once_orders')), 'the models of public.once_orders has been dropped, see crm.untrack', 'verify tells that it was dropped');
CALL crm.refresh('once_orders', '2026-10-31', true);
SELECT is_empty('SELECT * FROM crm.verify(''once_orders'')', 'the next refit makes another');
SELECT is((SELECT count(*) FROM once_orders_models), 2::bigint, 'that begins anew with the models in force');
-- keys whose text is lossy or has a meaning of its own
CREATE VIEW odd_purchases AS
  SELECT float8 '0.1' + float8 '0.2' AS rate, e'a "b", (c)\\d\n' AS "te nant", timestamptz '2026-10-25 01:30+01' AS since, customer, day AS purchased_on, amount FROM once_orders;
SELECT crm.track('odd_purchases', scale_by => '{rate,te nant,since}');
SET extra_float_digits = 0;
SET datestyle = sql, dmy;
SET timezone = 'Europe/London';
CALL crm.refresh('odd_purchases', '2026-08-31', true);
CALL crm.refresh('odd_purchases', '2026-09-30', true);
SELECT results_eq('SELECT fitted_on, replaced_on, replaced_by FROM odd_models ORDER BY 1', $$VALUES (date '31/08/2026', date '30/09/2026', 'refit'), ('30/09/2026', NULL, NULL)$$, 'keys of any text are told');
SELECT is_empty('SELECT * FROM crm.verify(''odd_purchases'')', 'and scored');
RESET extra_float_digits;
RESET datestyle;
RESET timezone;
SELECT throws_ok('SELECT crm.track(''n_purchases'', scale_by => ''{n}'')', '42P01', NULL, 'no such view');
CREATE VIEW n_purchases AS SELECT 1 AS n, customer, day AS purchased_on, amount FROM once_orders;
SELECT throws_ok('SELECT crm.track(''n_purchases'', scale_by => ''{n}'')', '42701', NULL, 'a key that rules are chosen by cannot be called as a column of models');
SELECT crm.detach('purchases');
SELECT is_empty($$SELECT attname FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid WHERE attrelid = 'purchases_models'::regclass AND typnamespace = 'crm'::regnamespace$$, 'after detach it is plain');
SELECT is((SELECT purchase_model::crm.purchase_model::text FROM purchases_models WHERE tenant = 'bg' AND fitted_on = '2026-03-31'), (SELECT purchase_model::text FROM then_in_force WHERE tenant = 'bg'), 'with the models as text');
SELECT * FROM finish();
