-- purchase_model and spend_model: text and binary forms, errors, constructors, what they tell
SET search_path = public, crm, crm_internal;
SET extra_float_digits = 0;

-- text form
SELECT 'bg_nbd(r 0.24, alpha 4.4, a 0.79, b 2.4, unit_days 7)'::purchase_model;
SELECT ' PARETO_NBD ( r 5e-1,alpha 10 , s 0.6, beta 11.7 ,unit_days 1 ) '::purchase_model;
SELECT mbg_nbd(0.5, 6.2, 0.9, 1.6), mbg_cnbd_k(3, 0.5, 6.2, 0.9, 1.6, 7);
SELECT pareto_nbd(0.1 + 0.2, 1e10, 1.0 / 3, 1e-5, 30);
SELECT gamma_gamma(6.25, 3.74, 15.44), 'gamma_gamma(p 1, q 2, v 3)'::spend_model;
SELECT 'bg_nbd(r 0.25, alpha 4.5, a 0.75, b 2.5, unit_days 7) fitted (customers 2357, repeat_buyers 946, left_out 3, log_likelihood -9582.5, gradient_norm 1e-09, converged, covariance 1 0.5 2 0.25 0.125 3 0 0 0 4)'::purchase_model;
SELECT 'gamma_gamma(p 1, q 2, v 3) fitted (customers 50, repeat_buyers 50, left_out 3, log_likelihood -95.5, gradient_norm 0.25, at_upper_bound q)'::spend_model;

-- text form: errors
SELECT ''::purchase_model;
SELECT 'bg(r 1, alpha 1, a 1, b 1, unit_days 1)'::purchase_model;
SELECT 'bg_nbd(r 1, alpha 1, a 1, b 1)'::purchase_model;
SELECT 'bg_nbd(r 1, alpha 1, s 1, beta 1, unit_days 1)'::purchase_model;
SELECT 'bg_nbd(r -1, alpha 1, a 1, b 1, unit_days 1)'::purchase_model;
SELECT 'bg_nbd(r 1, alpha 1e30, a 1, b 1, unit_days 1)'::purchase_model;
SELECT 'bg_nbd(r 1, alpha 1, a 1, b 1, unit_days 0)'::purchase_model;
SELECT 'bg_nbd(r 1, alpha 1, a 1, b 1, unit_days 1) x'::purchase_model;
SELECT 'mbg_cnbd_k(k 33, r 1, alpha 1, a 1, b 1, unit_days 1)'::purchase_model;
SELECT 'mbg_cnbd_k(k 0, r 1, alpha 1, a 1, b 1, unit_days 1)'::purchase_model;
SELECT 'bg_nbd(r 1, alpha 1, a 1, b 1, unit_days 1) fitted (customers 5, repeat_buyers 6, left_out 0, log_likelihood -1, gradient_norm 0, stalled)'::purchase_model;
SELECT 'bg_nbd(r 1, alpha 1, a 1, b 1, unit_days 1) fitted (customers 5, repeat_buyers 3, left_out 0, log_likelihood -1, gradient_norm 0, at_upper_bound q)'::purchase_model;
SELECT 'bg_nbd(r 1, alpha 1, a 1, b 1, unit_days 1) fitted (customers 5, repeat_buyers 3, left_out 0, log_likelihood -1, gradient_norm 0, converged)'::purchase_model;
SELECT 'gamma_gamma(p 1, q 0, v 3)'::spend_model;
SELECT 'gamma_gamma(p 1, q 2)'::spend_model;

-- constructors name the bad parameter
SELECT bg_nbd(0.2, 'NaN', 1, 1);
SELECT bg_nbd(0.2, 4, 'infinity', 1);
SELECT pareto_nbd(0.2, 4, 1, -1);
SELECT mbg_cnbd_k(0, 0.2, 4, 1, 1);
SELECT bg_nbd(0.2, 4, 1, 1, 0);
SELECT gamma_gamma(1, 1, 0);

-- binary form: what send writes receive reads, and nothing else
SELECT encode(purchase_model_send(bg_nbd(1, 2, 3, 4, 7)), 'hex');
SELECT encode(spend_model_send(gamma_gamma(1, 2, 3)), 'hex');
CREATE FUNCTION pg_temp.receive(message bytea, type regtype) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive.bin';
BEGIN
  EXECUTE pg_catalog.format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', message, file);
  EXECUTE pg_catalog.format('CREATE TEMPORARY TABLE received (value %s) ON COMMIT DROP', type);
  EXECUTE pg_catalog.format('COPY received FROM %L (FORMAT binary)', file);
  SELECT value::text INTO answer FROM pg_temp.received;
  DROP TABLE pg_temp.received;
  RETURN answer;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT pg_temp.receive(purchase_model_send(m), 'crm.purchase_model') = m::text AS same
FROM (VALUES (bg_nbd(1, 2, 3, 4, 7)), (mbg_cnbd_k(9, 1.5, 2.5, 0.1, 1e-3)),
  ('pareto_nbd(r 0.1, alpha 10.5, s 0.3, beta 7, unit_days 7) fitted (customers 10, repeat_buyers 9, left_out 1, log_likelihood -0.1, gradient_norm 0.5, not_identified)')) v(m);
SELECT pg_temp.receive(spend_model_send(gamma_gamma(1.1, 2.2, 3.3)), 'crm.spend_model');
SELECT place, pg_temp.receive(set_byte(purchase_model_send(bg_nbd(1, 2, 3, 4, 7)), place, value), 'crm.purchase_model')
FROM (VALUES (0, 2), (1, 9), (2, 2), (3, 1), (4, 255), (8, 255), (40, 9), (43, 9), (51, 1), (68, 128), (76, 63), (76, 128)) v(place, value);
SELECT pg_temp.receive(substr(purchase_model_send(bg_nbd(1, 2, 3, 4, 7)), 1, 50), 'crm.purchase_model');
SELECT pg_temp.receive(purchase_model_send(bg_nbd(1, 2, 3, 4, 7)) || '\x00', 'crm.purchase_model');

-- what they tell
SELECT m::jsonb, model_name(m), unit_days(m), is_converged(m), fit_verdict(m), log_likelihood(m), aic(m), bic(m)
FROM (VALUES (bg_nbd(1, 2, 3, 4, 7)), (mbg_cnbd_k(2, 1, 2, 3, 4)),
  ('bg_nbd(r 1, alpha 4, a 1, b 2, unit_days 7) fitted (customers 1000, repeat_buyers 946, left_out 3, log_likelihood -100, gradient_norm 1e-09, converged, covariance 1 0 4 0 0 9 0 0 0 16)'),
  ('bg_nbd(r 1, alpha 4, a 1, b 2, unit_days 7) fitted (customers 1000, repeat_buyers 946, left_out 3, log_likelihood -100, gradient_norm 1e-09, at_lower_bound b)')) v(m);
SELECT m::jsonb, is_converged(m), fit_verdict(m), log_likelihood(m), aic(m), bic(m)
FROM (VALUES (gamma_gamma(1, 2, 3)),
  ('gamma_gamma(p 1, q 2, v 3) fitted (customers 50, repeat_buyers 50, left_out 3, log_likelihood -95.5, gradient_norm 0.25, stalled)')) v(m);
SELECT * FROM parameters(pareto_nbd(0.5, 10, 0.6, 12));
SELECT * FROM parameters('bg_nbd(r 1, alpha 4, a 1, b 2, unit_days 7) fitted (customers 1000, repeat_buyers 946, left_out 3, log_likelihood -100, gradient_norm 1e-09, converged, covariance 1 0 4 0 0 9 0 0 0 16)'::purchase_model);
SELECT * FROM parameters(gamma_gamma(6.25, 3.74, 15.44));

-- equality, order, hash
SELECT bg_nbd(1, 2, 3, 4) = bg_nbd(1, 2, 3, 4, 1), bg_nbd(1, 2, 3, 4) = mbg_nbd(1, 2, 3, 4), gamma_gamma(1, 2, 3) <> gamma_gamma(1, 2, 4);
SELECT count(DISTINCT m), count(*) FROM (SELECT bg_nbd(1, 2, 3, 1 + i % 3) AS m FROM generate_series(1, 9) i) s;

-- btyd
SELECT * FROM btyd('{2024-01-01 1 10, 2024-01-15 2 30, 2024-01-20 0 -5, 2024-02-26 1 7.5}', '2024-03-04');
SELECT * FROM btyd('{2024-01-01 1 10, 2024-01-15 2 30, 2024-01-20 0 -5, 2024-02-26 1 7.5}', '2024-03-04', 7);
SELECT * FROM btyd('{2024-01-01 1 10, 2024-01-15 2 30}', '2024-01-01'), btyd('{2024-01-01 1 10}', '2023-12-31') b;
SELECT btyd('{2024-01-01 1 10}', 'infinity');
SELECT btyd('{2024-01-01 1 10}', '2024-03-04', 0);

-- predictions: errors
\set h '{2024-01-01 1 10, 2024-01-15 2 30}'
SELECT p_alive(bg_nbd(1, 2, 3, 4), 1.5, 1, 2);
SELECT p_alive(bg_nbd(1, 2, 3, 4), -1, 1, 2);
SELECT p_alive(bg_nbd(1, 2, 3, 4), 1, 3, 2);
SELECT p_alive(bg_nbd(1, 2, 3, 4), 0, 1, 2);
SELECT p_alive(bg_nbd(1, 2, 3, 4), 1, 0, 2);
SELECT p_alive(bg_nbd(1, 2, 3, 4), 1, 1, 'NaN');
SELECT expected_purchases(bg_nbd(1, 2, 3, 4), :'h', '2024-03-01', '2024-02-01');
SELECT expected_purchases(bg_nbd(1, 2, 3, 4), :'h', '2024-03-01', 'infinity');
SELECT expected_purchases(bg_nbd(1, 2, 3, 4), -1);
SELECT p_purchases(bg_nbd(1, 2, 3, 4), -1, 3);
SELECT dert(bg_nbd(1, 2, 3, 4), :'h', '2024-03-01', 0);
SELECT dert(bg_nbd(1, 2, 3, 4), :'h', '2024-03-01', -0.1);
SELECT expected_next_purchase_on(bg_nbd(1, 2, 3, 4), :'h', '2024-03-01', 1);
SELECT expected_spend(gamma_gamma(1, 1, 3), :'h'::purchase_history, '2024-03-01');
SELECT clv(bg_nbd(1, 2, 3, 4), gamma_gamma(1, 2, 3), :'h', '2024-03-01', 'infinity', 0);
SELECT clv(bg_nbd(1, 2, 3, 4), gamma_gamma(1, 2, 3), :'h', '2024-03-01', '2025-03-01', 0.1, 'NaN');
SELECT simple_clv(100, 1.1, 0.1);
SELECT simple_clv(100, 1, 0);
SELECT p_alive('bg_nbd(r 1, alpha 4, a 1, b 2, unit_days 7) fitted (customers 1000, repeat_buyers 946, left_out 3, log_likelihood -100, gradient_norm 1e-09, at_lower_bound b)', :'h', '2024-03-01');
SELECT expected_spend('gamma_gamma(p 1, q 2, v 3) fitted (customers 50, repeat_buyers 50, left_out 3, log_likelihood -95.5, gradient_norm 0.25, stalled)'::spend_model, :'h'::purchase_history, '2024-03-01');

-- predictions: not yet a customer, or a model of no consequence
SELECT p_alive(bg_nbd(1, 2, 3, 4), :'h', '2023-03-01'), expected_purchases(bg_nbd(1, 2, 3, 4), '{}', '2023-03-01', '2024-01-01'),
  dert(pareto_nbd(1, 2, 3, 4), '{}', '2023-03-01', 0.1), expected_spend(gamma_gamma(1, 2, 3), '{}'::purchase_history, '2023-03-01');
SELECT p_alive(bg_nbd(1, 2, 3, 4, 7), '{2024-01-01 1 10}', '2024-12-31'), round(p_alive(mbg_nbd(1, 2, 3, 4, 7), '{2024-01-01 1 10}', '2024-12-31')::numeric, 6) AS mbg;
SELECT simple_clv(100, 0.8, 0.1) AS contract, expected_next_purchase_on(pareto_nbd(0.5, 10, 5, 1, 7), :'h', '2024-03-01', 0.99) AS never;
SELECT clv(pareto_nbd(0.5, 10, 0.6, 12, 7), gamma_gamma(6, 4, 15), :'h', '2024-03-01', '2024-03-01', 0.1) AS today;

-- numbers that no float8 holds, or whose digits would be lost
SELECT clv(bg_nbd(0.243, 4.414, 0.793, 2.426, 7), gamma_gamma(6.25, 3.74, 15.44), 2, 30, 38, 20, 52, 0.1, 1e308);
SELECT simple_clv(1e308, 1, 0.1);
SELECT simple_clv(1, 1, 1e-300);
SELECT expected_purchases(bg_nbd(1, 1, 1, 1), 1e11);
SELECT 'bg_nbd(r 1, alpha 1, a 1, b 1, unit_days 1) fitted (customers 100, repeat_buyers 50, left_out 0, log_likelihood -1e308, gradient_norm 1, stalled)'::purchase_model;
SELECT dert(bg_nbd(0.243, 4.414, 0.793, 2.426, 7), 2, 30, 38, 1e-300);
-- parameters at the ends of their range
SELECT p_purchases(pareto_nbd(397429.98, 0.0636364, 1e12, 1.5557e-05), n, 1280.5) BETWEEN 0 AND 1 AS sound FROM generate_series(0, 4) n;
SELECT p_purchases(mbg_cnbd_k(2, 1e-9, 3.674124370986125e-09, 16.710392535429083, 0.66887248675397093), 443684000, 523094.14091895899) >= 0 AS sound;
SELECT (expected_revenue(mbg_cnbd_k(3, 1e-9, 1, 5e-9, 4000), gamma_gamma(6, 4, 15), '{2023-12-31 1 5}', '2024-01-01', '2024-01-28')).standard_error >= 0 AS sound;
