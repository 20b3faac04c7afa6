-- Limits of the purchase models, and a choice among models: text, binary and jsonb forms, and what is refused
SET search_path = public, crm, crm_internal;
SET extra_float_digits = 0;

SELECT v::purchase_model, v::purchase_model::text::purchase_model = v::purchase_model AS same, v::purchase_model::jsonb
FROM (VALUES ('nbd(r 0.5, alpha 10, unit_days 7)'), ('poisson(rate 0.25,unit_days 7)'), ('cnbd_k(k 3, r 0.5, alpha 10, unit_days 7)'),
  ('erlang_k(k 32, rate 0.25, unit_days 1)'), ('mbg_nbd(rate 0.25, a 1, b 2, unit_days 7)'), ('bg_nbd(r 0.5, alpha 10, p 0.125, unit_days 7)'),
  ('mbg_nbd(rate 0.25, share 0.5, unit_days 7)'), ('pareto_nbd(rate 0.25, s 1, beta 10, unit_days 7)'), ('pareto_nbd(r 0.5, alpha 10, mu 0.125, unit_days 7)'),
  ('pareto_nbd(rate 0.25, mu 0.125, unit_days 7)'), ('mbg_cnbd_k(k 2, rate 0.25, p 0.125, unit_days 7)')) AS t(v);
SELECT nbd(0.5, 10), nbd(0.5, 10, 7) = 'nbd(r 0.5, alpha 10, unit_days 7)' AS same, poisson(0.25, 7), model_name(poisson(1)), unit_days(nbd(1, 2, 30));
SELECT * FROM parameters('mbg_nbd(rate 0.25, share 0.5, unit_days 7)'::purchase_model);
SELECT fit_verdict(nbd(0.5, 10)), is_converged(nbd(0.5, 10)), aic(nbd(0.5, 10));

-- predictions: nobody leaves, a known rate, a known share
SELECT p_alive(nbd(2, 20), 3, 10, 40) AS alive, expected_purchases(nbd(2, 20), 3, 10, 40, 30) AS rate_30, expected_purchases(poisson(0.25), 3, 10, 40, 30) AS poisson_30,
  dert(poisson(0.25, 1), 3, 10, 40, exp(365.25 * 0.01) - 1) AS rate_by_discount, p_purchases(poisson(0.25), 0, 4) AS none;
SELECT round(p_alive('mbg_nbd(rate 0.25, share 0.5, unit_days 7)', 0, 0, 4)::numeric, 9) AS silent, round((1 / (1 + exp(1)))::numeric, 9) AS by_hand,
  p_alive('mbg_nbd(rate 0.25, share 0.5, unit_days 7)', 1, 1, 400) AS came_back;
SELECT clv(poisson(0.25, 7), gamma_gamma(6, 4, 15), '{2024-01-01 1 10}', '2024-02-01', '2024-03-07', 0) = 1.25 * 6 * 15 / 3 AS clv;

-- refused
SELECT 'nbd(r 0.5, alpha 10, a 1, unit_days 7)'::purchase_model;
SELECT 'mbg_nbd(r 0.5, alpha 10, unit_days 7)'::purchase_model;
SELECT 'mbg_nbd(rate 0.5, share 1, unit_days 7)'::purchase_model;
SELECT 'pareto_nbd(rate 0.5, p 0.5, unit_days 7)'::purchase_model;
SELECT 'erlang_k(k 33, rate 0.5, unit_days 7)'::purchase_model;
SELECT poisson(-1);
SELECT nbd(1, 'NaN');

-- a choice
\set chosen 'poisson(rate 0.25, unit_days 7) fitted (customers 100, repeat_buyers 90, left_out 1, log_likelihood -300, gradient_norm 1e-09, converged, covariance 0.01) among (poisson: poisson(rate) -300 converged, bg_nbd: bg_nbd(rate, p) -298 converged, nbd: nbd(r, alpha) -300 at_upper_bound alpha, mbg_cnbd_k: erlang_k(k 2, rate) -290 converged, mbg_nbd: mbg_nbd(r, alpha, p) -299 converged)'
SELECT :'chosen'::purchase_model;
SELECT :'chosen'::purchase_model::jsonb;
SELECT :'chosen'::purchase_model::text::purchase_model = :'chosen', :'chosen'::purchase_model <> poisson(0.25, 7) AS differs, hashtext(:'chosen') IS NOT NULL AS hashed;
SELECT fitted, ended_in, is_limit_where, parameter_count, log_likelihood, round(bic::numeric, 4) AS bic, is_chosen, reason FROM model_choice(:'chosen');
SELECT count(*) FROM model_choice(poisson(1));
SELECT replace(:'chosen', 'poisson: poisson(rate)', 'poisson: poisson(share)')::purchase_model;
SELECT replace(:'chosen', 'poisson: poisson(rate) -300', 'poisson: nbd(r, alpha) -300')::purchase_model;
SELECT ('poisson(rate 1, unit_days 7) among (poisson: poisson(rate) -300 converged)')::purchase_model;
SELECT replace(:'chosen', '-290 converged', '-1e301 converged')::purchase_model;
SELECT (:'chosen' || ' among')::purchase_model;

-- binary: as it went, and changed on its way
CREATE TEMP TABLE sent (m purchase_model);
INSERT INTO sent VALUES (:'chosen'), (nbd(0.5, 10)), ('mbg_cnbd_k(k 2, rate 0.25, share 0.5, unit_days 7)');
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
SELECT pg_temp.receive(purchase_model_send(m), 'crm.purchase_model') = m::text AS same, length(purchase_model_send(m)) FROM sent;
SELECT place, value, pg_temp.receive(set_byte(purchase_model_send(m), place, value), 'crm.purchase_model') AS receive
FROM (SELECT m FROM sent LIMIT 1) s, (VALUES (0, 1), (0, 3), (1, 98), (1, 200), (2, 2), (3, 1)) AS v(place, value);
SELECT value, pg_temp.receive(set_byte(purchase_model_send(m), length(purchase_model_send(m)) - 70 - 4 + 3, value), 'crm.purchase_model') AS count_of_tried
FROM (SELECT m FROM sent LIMIT 1) s, (VALUES (0), (4), (6), (9)) AS v(value);
SELECT place, value, pg_temp.receive(set_byte(purchase_model_send(m), length(purchase_model_send(m)) - 70 + place, value), 'crm.purchase_model') AS receive
FROM (SELECT m FROM sent LIMIT 1) s, (VALUES (0, 0), (1, 5), (2, 0), (2, 2), (3, 0), (3, 6), (4, 1), (5, 127), (13, 1), (13, 2)) AS v(place, value);
