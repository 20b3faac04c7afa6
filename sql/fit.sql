-- fits: states and their forms, errors, verdicts, data_check, forecast_accuracy, simulate_purchases
SET search_path = public, crm, crm_internal;

CREATE TEMP TABLE customer AS
  SELECT i, purchase(date '2024-01-01' + i % 50, 10 + i % 9) AS history, 0 AS x FROM generate_series(1, 40) i;

-- too little to fit
SELECT fit_bg_nbd(history, '2024-06-30') FROM customer;
SELECT fit_pareto_nbd(0, 0, 10 + i) FROM customer;
SELECT fit_bg_nbd(history, '2024-06-30') FROM customer WHERE i < 10;
SELECT fit_bg_nbd(history, '2023-06-30') FROM customer;
SELECT fit_gamma_gamma(history, '2024-06-30') FROM customer;
SELECT fit_gamma_gamma(1, 0) FROM customer;
SELECT fit_bg_nbd(history, '2024-06-30') IS NULL AS nobody FROM customer WHERE false;

-- unit_days must not vary, and plain numbers must be a customer
SELECT fit_bg_nbd(history, '2024-06-30', i) FROM customer;
SELECT fit_bg_nbd(history, '2024-06-30', 0) FROM customer;
SELECT fit_bg_nbd(1, 3, 2) FROM customer;
SELECT fit_gamma_gamma(1.5, 3) FROM customer;
SELECT fit_gamma_gamma(1, 'NaN') FROM customer;

-- a fit ends in a limit: everybody buys every 28 days
CREATE TEMP TABLE regular AS
  SELECT i, (SELECT purchase_history(date '2023-01-01' + i % 60 + 28 * j, 10 + i % 7 + j % 3) FROM generate_series(0, 12) j) AS history
  FROM generate_series(1, 300) i;
SELECT is_converged(m), fit_verdict(m) FROM (
  SELECT unnest(ARRAY[fit_bg_nbd(history, '2023-12-31', 7), fit_mbg_nbd(history, '2023-12-31', 7), fit_pareto_nbd(history, '2023-12-31', 7),
    fit_mbg_cnbd_k(history, '2023-12-31', 7)]) AS m FROM regular) s;
SELECT p_alive(m, 3, 2, 5) FROM (SELECT fit_bg_nbd(history, '2023-12-31', 7) AS m FROM regular) s;

-- states: text form, both ways
SELECT purchase_model_history_transition(NULL, history, '2024-06-30', 7) FROM customer WHERE i = 3;
SELECT purchase_model_gaps_transition(NULL, '{2024-01-01 1 10, 2024-01-15 2 30, 2024-01-20 0 -5, 2024-02-26 1 7.5, 2024-03-11 1 1}', '2024-06-30');
SELECT purchase_model_numbers_transition(purchase_model_numbers_transition(NULL, 1, 2.5, 7.25), 1, 2.5, 7.25);
SELECT spend_model_numbers_transition(spend_model_numbers_transition(NULL, 3, 12.5), 0, 0);
SELECT 'days unit_days 7, left_out 2; 1 14 200:1, 0 0 270:3'::purchase_model_state;
SELECT 'numbers unit_days 1, left_out 0'::purchase_model_state;
SELECT purchase_model_state_combine('days unit_days 7, left_out 2; 1 14 200:1, 0 0 270:3', 'days unit_days 7, left_out 1; 0 0 270:4, 2 14 200:1');
SELECT spend_model_state_combine('spend unit_days 1, left_out 2; 1 14 0:1', 'spend unit_days 1, left_out 0; 1 14 0:1');
SELECT purchase_model_state_combine('days unit_days 7, left_out 2', 'days unit_days 1, left_out 2');
SELECT 'spend unit_days 1, left_out 2; 1 14 0:1'::purchase_model_state;
SELECT 'days unit_days 1, left_out 2; 1 14 20:1'::spend_model_state;
SELECT 'days unit_days 7, left_out 2; 1 14 200:1, 1 14 200:3'::purchase_model_state;
SELECT 'days unit_days 7, left_out 2; 1 14 200:0'::purchase_model_state;
SELECT 'days unit_days 7, left_out 2; 1 14.5 200:1'::purchase_model_state;
SELECT 'days unit_days 7, left_out 2; -1 14 0:1'::purchase_model_state;
SELECT 'numbers unit_days 7, left_out 2; 1 14 12:1'::purchase_model_state;
SELECT 'numbers unit_days 0, left_out 2'::purchase_model_state;
SELECT 'numbers unit_days 1, left_out -2'::purchase_model_state;
SELECT 'spend unit_days 1, left_out 0; 1 -5 0:1'::spend_model_state;
SELECT 'days unit_days 1, left_out 0; -1 5 10:3'::purchase_model_state;
SELECT 'numbers unit_days 1, left_out 0; -1 5 0:3'::purchase_model_state;
SELECT 'regular unit_days 1, left_out 0; -1 5 0:3'::purchase_model_state;
SELECT fit_mbg_cnbd_k_final('days unit_days 7, left_out 2; 1 14 200:1');

-- data_check
SELECT (d).customers, (d).repeat_buyers, (d).verdict FROM (SELECT data_check(history, '2024-06-30') AS d FROM customer) s;
SELECT (d).* FROM (SELECT data_check(history, '2023-12-31') AS d FROM regular) s;
SELECT (d).* FROM (SELECT data_check(history, '2022-12-31') AS d FROM regular) s;
SELECT data_check_final('{1}');

-- forecast_accuracy: one decile of ten, ties share
SELECT * FROM (SELECT (forecast_accuracy(i, 2 * i)).* FROM generate_series(1, 10) i) s;
SELECT (f).top_decile_share, (f).correlation FROM (SELECT forecast_accuracy(1, i) AS f FROM generate_series(1, 10) i) s;
SELECT (f).top_decile_share, (f).root_mean_squared_error FROM (SELECT forecast_accuracy(1, 0) AS f FROM generate_series(1, 10) i) s;
SELECT forecast_accuracy(1, NULL);
SELECT forecast_accuracy('NaN', 1);
SELECT forecast_accuracy(1e200, 1);
SELECT forecast_accuracy(1, -1e308);
SELECT round((f).root_mean_squared_error / 1e100) AS rmse FROM (SELECT forecast_accuracy(1e100, -1e100) AS f FROM generate_series(1, 10)) s;
-- the same expectation of all correlates with nothing, however its sum is rounded
SELECT (forecast_accuracy(0.1, i)).correlation FROM generate_series(1, 10) i;
SELECT (forecast_accuracy(i, 0.1)).correlation FROM generate_series(1, 10) i;

-- expected_revenue: the sum of clv without discount
SELECT round(((e).revenue / sum(c) - 1)::numeric, 12) AS difference, (e).customers, (e).standard_error > 0 AS has_error FROM (
  SELECT clv(bg_nbd(0.24, 4.4, 0.8, 2.4, 7), gamma_gamma(6, 4, 15), history, '2023-12-31', '2024-12-31', 0) AS c FROM regular) s,
  (SELECT expected_revenue(bg_nbd(0.24, 4.4, 0.8, 2.4, 7), gamma_gamma(6, 4, 15), history, '2023-12-31', '2024-12-31') AS e FROM regular) r
GROUP BY e;
SELECT expected_revenue(bg_nbd(0.24, 4.4, 0.8, i, 7), gamma_gamma(6, 4, 15), history, '2023-12-31', '2024-12-31') FROM regular;
-- the mean spend is finite above q = 1, its variance above q = 2 only
SELECT q, round((e).revenue::numeric, 2) AS revenue, round((e).standard_error) AS standard_error FROM (
  SELECT q, expected_revenue(bg_nbd(0.24, 4.4, 0.8, 2.4, 7), gamma_gamma(6, q, 15), '{2023-12-01 1 5}', '2023-12-31', '2024-12-31') AS e
  FROM (VALUES (1.5), (2), (2.5)) v(q) GROUP BY q ORDER BY q) s;
SELECT expected_revenue(bg_nbd(0.24, 4.4, 0.8, 2.4, 7), gamma_gamma(6, 1.5, 15), '{2023-12-01 1 5}', '2023-12-31', '2023-12-31');
-- spend so far apart that no parameters give a likelihood: a model that says so and can be read again
SELECT is_converged(m), fit_verdict(m), m::text::spend_model = m AS same
FROM (SELECT fit_gamma_gamma(x, m) AS m FROM (VALUES (1, 1e15), (2, 1e-300), (1e9, 5)) v(x, m), generate_series(1, 10)) s;

-- simulate_purchases: reproducible, errors
SELECT customer_id, purchased_on, round(purchased_after::numeric, 6) AS purchased_after, round(amount::numeric, 4) AS amount
FROM simulate_purchases(bg_nbd(0.24, 4.4, 0.8, 2.4, 7), gamma_gamma(6, 4, 15), 4, '[2024-01-01,2024-12-31]', 42, '2024-03-31');
SELECT count(*) FROM simulate_purchases(pareto_nbd(0.5, 10, 0.6, 12, 7), gamma_gamma(6, 4, 15), 0, '[2024-01-01,2024-12-31]', 42);
SELECT count(*) FROM simulate_purchases(bg_nbd(0.24, 4.4, 0.8, 2.4), gamma_gamma(6, 4, 15), -1, '[2024-01-01,2024-12-31]', 42);
SELECT count(*) FROM simulate_purchases(bg_nbd(0.24, 4.4, 0.8, 2.4), gamma_gamma(6, 4, 15), 1, 'empty', 42);
SELECT count(*) FROM simulate_purchases(bg_nbd(0.24, 4.4, 0.8, 2.4), gamma_gamma(6, 4, 15), 1, '[2024-01-01,infinity]', 42);

-- a choice that foretold the days held out clearly worse than another: half of the customers, gone for months, came back on them
SELECT model_name(fit_purchase_model(history, '2024-12-31', 1, 30)) FROM (
  SELECT c, purchase_history(date '2024-01-01' + c % 60 + k, 10) AS history FROM generate_series(1, 100) c, generate_series(0, 365) k
  WHERE k % (7 + (c * c) % 25) = 0 AND c % 60 + k <= 365 AND (k = 0 OR c % 2 = 0 OR k < 40 + c % 60 OR c % 60 + k > 335) GROUP BY c) s;
