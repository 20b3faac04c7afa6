-- season: text and binary forms, errors, and what a model by its clock refuses
SET search_path = public, crm, crm_internal;
SET extra_float_digits = 0;

-- text form
SELECT season('month', '{1,1,1,1,1,1,1,1,1,1,1,1}');
SELECT ' MONTH 1 1 1 1 1 1 1 1 1 1 1 1.0 found ( customers 3, from 2021-01-03 , until 2024-12-30, purchases 1 0 0 0 0 0 0 0 0 0 0 2, errors 1e-1 1 1 1 1 1 1 1 1 1 1 .5 ) '::season;
SELECT season('month', '{1,1,1,1,1,1,1,1,1,1,1,2}') AS december;
SELECT season('week', array_fill(3::float8, '{52}')) = ('week' || repeat(' 1', 52))::season AS even;
SELECT 'quarter 1 1 1 1'::season;
SELECT 'month 1 1 1'::season;
SELECT 'month 2 1 1 1 1 1 1 1 1 1 1 1'::season;
SELECT 'month 0 1 1 1 1 1 1 1 1 1 1 1'::season;
SELECT 'month NaN 1 1 1 1 1 1 1 1 1 1 1'::season;
SELECT 'month 1 1 1 1 1 1 1 1 1 1 1 1 found (customers 0'::season;
SELECT 'month 1 1 1 1 1 1 1 1 1 1 1 1 found (customers 3, from 2025-01-03, until 2024-12-30, purchases 1 0 0 0 0 0 0 0 0 0 0 2, errors 0 0 0 0 0 0 0 0 0 0 0 0)'::season;
SELECT 'month 1 1 1 1 1 1 1 1 1 1 1 1 found (customers 3, from 2021-01-03, until 2024-12-30, purchases 1 0 0 0 0 0 0 0 0 0 0 -2, errors 0 0 0 0 0 0 0 0 0 0 0 0)'::season;

-- known numbers
SELECT season('year', '{1}');
SELECT season('month', '{1,2}');
SELECT season('month', '{1,1,1,1,1,1,1,1,1,1,1,NULL}');
SELECT season('month', '{1,1,1,1,1,1,1,1,1,1,1,0}');
SELECT season('month', '{1,1,1,1,1,1,1,1,1,1,1,Infinity}');
SELECT fit_verdict(season('month', '{1,1,1,1,1,1,1,1,1,1,1,2}'));

-- a model by the clock of a season
SELECT 'mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 7) by season (month 1 1 1 1 1 1 1 1 1 1 1 1)'::purchase_model AS model \gset
SELECT :'model'::purchase_model;
SELECT :'model'::purchase_model::jsonb;
SELECT season(:'model'::purchase_model) = season('month', '{2,2,2,2,2,2,2,2,2,2,2,2}') AS same, season(mbg_nbd(1, 2, 3, 4)) IS NULL AS none;
SELECT fit_verdict(:'model'::purchase_model);
SELECT 'nbd(r 1, alpha 2, unit_days 7) by season (month 1 1 1 1 1 1 1 1 1 1 1 1)'::purchase_model;
SELECT 'pareto_nbd(r 1, alpha 2, s 3, beta 4, unit_days 7) by season (month 1 1 1 1 1 1 1 1 1 1 1 1)'::purchase_model;
SELECT 'mbg_cnbd_k(k 2, r 1, alpha 2, a 3, b 4, unit_days 7) by season (month 1 1 1 1 1 1 1 1 1 1 1 1)'::purchase_model;
SELECT p_alive(:'model'::purchase_model, 1, 2, 3);
SELECT expected_purchases(:'model'::purchase_model, 52);
SELECT p_purchases(:'model'::purchase_model, 1, 52);

-- binary form: what send writes receive reads, and nothing else
CREATE FUNCTION pg_temp.receive(message bytea, type regtype) RETURNS text LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer text;
  file text := pg_catalog.current_setting('data_directory') || '/receive_season.bin';
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
SELECT set_byte(purchase_model_send(:'model'::purchase_model), 0, 2) AS as_version_2, set_byte(purchase_model_send(:'model'::purchase_model), 3, 0) AS without_flag,
  set_byte(purchase_model_send(:'model'::purchase_model), 3, 3) AS unknown_flag, set_byte(season_send(season(:'model'::purchase_model)), 2, 3) AS unknown_period,
  set_byte(season_send(season(:'model'::purchase_model)), 3, 1) AS flagged \gset
SELECT pg_temp.receive(season_send(season(:'model'::purchase_model)), 'season');
SELECT pg_temp.receive(purchase_model_send(:'model'::purchase_model), 'purchase_model');
SELECT pg_temp.receive(:'unknown_period', 'season');
SELECT pg_temp.receive(:'flagged', 'season');
SELECT pg_temp.receive(:'as_version_2', 'purchase_model');
SELECT pg_temp.receive(:'without_flag', 'purchase_model');
SELECT pg_temp.receive(:'unknown_flag', 'purchase_model');
SELECT length(purchase_model_send(mbg_nbd(1, 2, 3, 4, 7))) AS bytes_without_season;

-- states: of a season to be found, and of a fit by one
SELECT season_transition(NULL, '{2024-01-01 1 10, 2024-01-15 2 30, 2024-01-20 0 -5, 2024-02-26 1 7.5, 2024-03-11 1 1}', '2024-06-30', 'month');
SELECT purchase_model_season_transition(NULL, '{2024-01-01 1 10, 2024-01-15 2 30, 2024-02-26 1 7.5}', '2024-06-30', season('month', '{1,1,1,1,1,1,1,1,1,1,1,1}')) AS state \gset
SELECT :'state'::purchase_model_state;
SELECT pg_temp.receive(purchase_model_state_send(:'state'::purchase_model_state), 'purchase_model_state') = :'state' AS both_ways;
SELECT purchase_model_state_combine(:'state'::purchase_model_state, :'state'::purchase_model_state);
SELECT purchase_model_state_combine(:'state'::purchase_model_state, replace(:'state', '(month 1 1', '(month 1.00000000001 0.999999999989307')::purchase_model_state);
SELECT 'season unit_days 31, left_out 0'::purchase_model_state;
SELECT 'season unit_days 30, left_out 0; -1 12 0:1'::purchase_model_state;
SELECT 'season unit_days 7, left_out 0; 3 0 3:1'::purchase_model_state;
SELECT 'season unit_days 7, left_out 0; 2 0 3:1'::purchase_model_state;
SELECT 'season unit_days 7, left_out 0; 2 0 1e300:1'::purchase_model_state;
SELECT 'seasoned unit_days 7, left_out 0; 2 0 3:1'::purchase_model_state;

-- nothing to find, rows that do not agree, families that take none
CREATE TEMP TABLE customer AS SELECT i, (SELECT purchase_history(date '2022-01-01' + i % 50 + 60 * j, 10) FROM generate_series(0, i % 5) j) AS history FROM generate_series(1, 40) i;
SELECT season(history, '2022-01-31', 'month') FROM customer;
SELECT season(history, '2024-06-30', CASE WHEN i < 20 THEN 'month' ELSE 'week' END) FROM customer;
SELECT season(history, '2024-06-30', 'year') FROM customer;
SELECT season(history, '2024-06-30', 'month') IS NULL AS nobody FROM customer WHERE false;
SELECT fit_verdict(season(history, '2024-06-30', 'month')) FROM customer;
SELECT fit_mbg_nbd(history, '2024-06-30', season('month', ARRAY[i,1,1,1,1,1,1,1,1,1,1,1])) FROM customer;
SELECT fit_pareto_nbd(history, '2024-06-30', season('month', '{1,1,1,1,1,1,1,1,1,1,1,1}')) FROM customer;
SELECT fit_mbg_cnbd_k(history, '2024-06-30', season('month', '{1,1,1,1,1,1,1,1,1,1,1,1}')) FROM customer;
