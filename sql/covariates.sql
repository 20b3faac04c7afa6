-- covariates: text and binary forms, errors, models with coefficients, states
SET search_path = public, crm, crm_internal;
SET extra_float_digits = 0;

-- made of arrays
SELECT covariates('{channel,gender}', '{1,0}', '{1,0.5}');
SELECT covariates('{channel}', '{1}'), covariates('{channel}', NULL, '{-0}'), covariates('{}', '{}');
SELECT covariates('{channel,gender}', '{1,NULL}') IS NULL AS unknown, covariates('{channel}', NULL) IS NULL AS without, covariates(NULL, '{1}') IS NULL AS no_names;
SELECT covariates('{a,b}', '{1}');
SELECT covariates('{a,a}', '{1,1}');
SELECT covariates('{a,NULL}', '{1,1}');
SELECT covariates('{""}', '{1}');
SELECT covariates(ARRAY[repeat('a', 64)], '{1}');
SELECT covariates('{a,b,c,d,e,f,g,h,i}', '{1,2,3,4,5,6,7,8,9}');
SELECT covariates('{a}', '{NaN}');
SELECT covariates('{a}', '{1e10}');

-- text form
SELECT ' buying ( a 1e0, "b c" -2 ) leaving(a 3,"b c" 4) '::covariates;
SELECT 'leaving(a 3)'::covariates, 'none'::covariates = covariates('{}', '{}') AS none;
SELECT 'buying(a 1) leaving(b 1)'::covariates;
SELECT 'buying(a 1, b 2) leaving(a 1)'::covariates;
SELECT 'buying()'::covariates;
SELECT 'a 1'::covariates;

-- models
SELECT 'mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 7) by covariates (buying(channel 0.5) leaving(channel -0.25))'::purchase_model AS model \gset
SELECT :'model'::purchase_model;
SELECT :'model'::purchase_model::jsonb;
SELECT * FROM parameters(:'model'::purchase_model);
SELECT for_customer(:'model'::purchase_model, covariates('{channel}', '{2}', '{2}'));
SELECT for_customer('pareto_nbd(r 1, alpha 2, s 3, beta 4, unit_days 7) by covariates (buying(channel 0.5) leaving(channel -0.25))'::purchase_model, covariates('{channel}', '{2}', '{2}'));
SELECT for_customer(:'model'::purchase_model, covariates('{channel}', '{0}', '{0}')) = mbg_nbd(1, 2, 3, 4, 7) AS zero;
SELECT for_customer(:'model'::purchase_model, covariates('{channel}', '{0}'));
SELECT for_customer(mbg_nbd(1, 2, 3, 4), covariates('{channel}', '{0}'));
SELECT p_alive(:'model'::purchase_model, 1, 2, 3);
SELECT 'nbd(r 1, alpha 2, unit_days 7) by covariates (buying(channel 0.5))'::purchase_model;
SELECT 'nbd(r 1, alpha 2, unit_days 7) by covariates (leaving(channel 0.5))'::purchase_model;
SELECT 'cnbd_k(k 2, r 1, alpha 2, unit_days 7) by covariates (buying(channel 0.5))'::purchase_model;
SELECT for_customer('nbd(r 1, alpha 2, unit_days 7) by covariates (buying(channel 0.5))'::purchase_model, covariates('{channel}', '{2}', '{2}'));
SELECT for_customer('nbd(r 1, alpha 2, unit_days 7) by covariates (none)'::purchase_model, covariates('{channel}', NULL, '{2}'));
SELECT 'mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 7) by covariates (buying(channel 0.5), covariance 1 1 1 1 1)'::purchase_model;
SELECT 'mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 7) by covariates (buying(channel 0.5), separated 2)'::purchase_model;
SELECT 'mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 7) by magic (1)'::purchase_model;

-- with a season, and of what is spent
SELECT 'mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 7) by season (month 1 1 1 1 1 1 1 1 1 1 1 1) by covariates (buying(channel 0.5))' AS both \gset
SELECT :'both'::purchase_model;
SELECT for_customer(:'both'::purchase_model, covariates('{channel}', '{2}'));
SELECT 'mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 7) by covariates (buying(channel 0.5)) by season (month 1 1 1 1 1 1 1 1 1 1 1 1)'::purchase_model;
SELECT 'gamma_gamma(p 6, q 4, v 15) by covariates (buying(channel 0.5))' AS spend \gset
SELECT :'spend'::spend_model, :'spend'::spend_model::jsonb;
SELECT for_customer(:'spend'::spend_model, covariates('{channel}', '{2}', '{1}')), for_customer('one_price(price 5) by covariates (buying(channel 0.5))'::spend_model, covariates('{channel}', '{0}'));
SELECT 'gamma_gamma(p 6, q 4, v 15) by covariates (leaving(channel 0.5))'::spend_model;
SELECT expected_spend(:'spend'::spend_model, 1, 2);

-- binary form: what send writes receive reads, and nothing else
CREATE FUNCTION pg_temp.receive(message bytea, type regtype) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive_covariates.bin';
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
SELECT covariates_send('buying(a 1, b 2)') AS sent \gset
SELECT :'sent'::bytea, pg_temp.receive(:'sent', 'covariates');
SELECT pg_temp.receive(set_byte(:'sent', 2, 0), 'covariates');
SELECT pg_temp.receive(set_byte(:'sent', 3, 4), 'covariates');
SELECT pg_temp.receive(set_byte(:'sent', 2, 9), 'covariates');
SELECT pg_temp.receive(set_byte(:'sent', 6, 97), 'covariates');
SELECT pg_temp.receive(set_byte(:'sent', 8, 127), 'covariates');
SELECT pg_temp.receive(purchase_model_send(:'model'::purchase_model), 'purchase_model') = :'model' AS both_ways;
SELECT pg_temp.receive(set_byte(purchase_model_send(:'model'::purchase_model), 3, 1), 'purchase_model');
SELECT pg_temp.receive(set_byte(purchase_model_send(:'model'::purchase_model), 1, 18), 'purchase_model');
SELECT pg_temp.receive(purchase_model_send(:'both'::purchase_model), 'purchase_model') = :'both' AS both_ways;
SELECT pg_temp.receive(set_byte(purchase_model_send(:'both'::purchase_model), 3, 4), 'purchase_model');
SELECT pg_temp.receive(spend_model_send(:'spend'::spend_model), 'spend_model') = :'spend' AS both_ways;
SELECT pg_temp.receive(set_byte(spend_model_send(:'spend'::spend_model), 1, 4), 'spend_model');

-- states
SELECT purchase_model_covariates_transition(NULL, '{2024-01-01 1 10, 2024-01-15 2 30, 2024-02-26 1 7.5}', '2024-06-30', covariates('{a,b}', '{1,0}')) AS state \gset
SELECT :'state'::purchase_model_state;
SELECT pg_temp.receive(purchase_model_state_send(:'state'::purchase_model_state), 'purchase_model_state') = :'state' AS both_ways;
SELECT purchase_model_covariates_transition(NULL, '{2024-01-01 1 10}', '2024-06-30', NULL) AS nameless \gset
SELECT :'nameless'::purchase_model_state;
SELECT pg_temp.receive(purchase_model_state_send(:'nameless'::purchase_model_state), 'purchase_model_state') = :'nameless' AS both_ways;
SELECT purchase_model_state_combine(:'state'::purchase_model_state, :'nameless'::purchase_model_state)::text = purchase_model_state_combine(:'nameless'::purchase_model_state, :'state'::purchase_model_state)::text AS same,
  purchase_model_state_combine(:'nameless'::purchase_model_state, :'state'::purchase_model_state);
SELECT purchase_model_state_combine(:'state'::purchase_model_state, 'covariates unit_days 1, left_out 0 by (buying(a 0))');
SELECT 'covariates unit_days 1, left_out 0; 2 56 181 with 1:1'::purchase_model_state;
SELECT 'covariates unit_days 1, left_out 0 by (buying(a 0)); 2 56 181 with 1 2:1'::purchase_model_state;
SELECT 'covariates unit_days 1, left_out 0 by (buying(a 0)); 2 56 181 with 1e10:1'::purchase_model_state;
SELECT 'covariates unit_days 1, left_out 0 by (buying(a 0)); 2 56 181 with 1:1, 2 56 181 with 1.0:2'::purchase_model_state;
SELECT 'covariates unit_days 1, left_out 0 by (buying(a 5)); 2 56 181 with 1:1, 2 56 181 with -1:2'::purchase_model_state;
SELECT purchase_model_covariates_transition(NULL, '{2024-01-01 1 10, 2024-01-15 2 30, 2024-02-26 1 7.5}', '2024-06-30', 7, season('month', '{1,1,1,1,1,1,1,1,1,1,1,1}'), covariates('{a}', '{1}')) AS state \gset
SELECT :'state'::purchase_model_state;
SELECT pg_temp.receive(purchase_model_state_send(:'state'::purchase_model_state), 'purchase_model_state') = :'state' AS both_ways;
SELECT purchase_model_covariates_transition(NULL, '{2024-01-01 1 10}', '2024-06-30', 7, season('month', '{1,1,1,1,1,1,1,1,1,1,1,1}'), NULL) AS nameless \gset
SELECT :'nameless'::purchase_model_state;
SELECT pg_temp.receive(purchase_model_state_send(:'nameless'::purchase_model_state), 'purchase_model_state') = :'nameless' AS both_ways;
SELECT purchase_model_state_combine(:'nameless'::purchase_model_state, :'state'::purchase_model_state)::text = replace(:'state', 'left_out 0', 'left_out 1') AS named;
SELECT purchase_model_state_combine(:'state'::purchase_model_state, 'covariates unit_days 7, left_out 0 by (buying(a 0))');
SELECT spend_model_covariates_transition(NULL, '{2024-01-01 1 10, 2024-01-15 2 30}', '2024-06-30', covariates('{a}', '{1}', '{2}')) AS state \gset
SELECT :'state'::spend_model_state;
SELECT pg_temp.receive(spend_model_state_send(:'state'::spend_model_state), 'spend_model_state') = :'state' AS both_ways;
SELECT 'spend_covariates unit_days 1, left_out 0 by season (month 1 1 1 1 1 1 1 1 1 1 1 1) by (buying(a 0))'::spend_model_state;

-- nothing to fit
CREATE TEMP TABLE customer AS SELECT i, (SELECT purchase_history(date '2022-01-01' + i % 50 + 60 * j, 10) FROM generate_series(0, i % 5) j) AS history FROM generate_series(1, 40) i;
SELECT fit_mbg_nbd(history, '2024-06-30', covariates('{a}', '{NULL}')) FROM customer;
SELECT fit_mbg_nbd(history, '2024-06-30', covariates('{a}', '{1}')) FROM customer;
SELECT fit_mbg_nbd(history, '2024-06-30', covariates(ARRAY['a' || i % 2], '{1}')) FROM customer;
