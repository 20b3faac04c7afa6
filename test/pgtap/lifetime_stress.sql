-- Data that breaks other libraries: each fit ends in a model that can predict, or in one that says why not
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(9);

CREATE FUNCTION pg_temp.fits(data text) RETURNS purchase_model[] LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  answer crm.purchase_model[];
BEGIN
  EXECUTE pg_catalog.format('SELECT ARRAY[crm.fit_bg_nbd(h, ''2044-01-01'', 7), crm.fit_mbg_nbd(h, ''2044-01-01'', 7), crm.fit_pareto_nbd(h, ''2044-01-01'', 7)] FROM (%s) s', data) INTO answer;
  RETURN answer;
END $$;

-- a model that converged has finite numbers everywhere; one that did not says so in words and does not predict
CREATE FUNCTION pg_temp.is_honest(models purchase_model[]) RETURNS bool LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  m crm.purchase_model;
  p record;
BEGIN
  FOREACH m IN ARRAY models LOOP
    IF crm.is_converged(m) THEN
      FOR p IN SELECT * FROM crm.parameters(m) LOOP
        IF NOT (p.estimate BETWEEN 1e-6 AND 1e6) OR NOT (p.standard_error BETWEEN 0 AND 1e6) THEN RETURN false; END IF;
      END LOOP;
      IF NOT (crm.expected_purchases(m, 3, 10, 20, 52) BETWEEN 0 AND 1e4) OR NOT (crm.log_likelihood(m) < 0) THEN RETURN false; END IF;
    ELSE
      IF crm.fit_verdict(m) IS NULL OR crm.fit_verdict(m) = '' THEN RETURN false; END IF;
      BEGIN
        PERFORM crm.expected_purchases(m, 3, 10, 20, 52);
        RETURN false;
      EXCEPTION WHEN object_not_in_prerequisite_state OR invalid_parameter_value OR data_exception THEN NULL;
      END;
    END IF;
  END LOOP;
  RETURN true;
END $$;

-- drawn from a BG/NBD with a seed, over twenty years, in days
CREATE TEMPORARY TABLE bought AS
  SELECT customer_id AS c, purchased_on AS day, amount
  FROM simulate_purchases(bg_nbd(0.6, 60, 0.8, 3.0, 7), gamma_gamma(6, 4, 15), 3000, '[2024-01-01,2044-01-01]', 5, '2024-06-30');

SELECT ok(pg_temp.is_honest(pg_temp.fits('SELECT crm.purchase_history(day, amount) AS h FROM bought GROUP BY c')), 'ages of twenty years');
SELECT ok((SELECT bool_and(is_converged(m)) FROM unnest(pg_temp.fits('SELECT crm.purchase_history(day, amount) AS h FROM bought GROUP BY c')) m), 'are fitted');
SELECT ok(pg_temp.is_honest(pg_temp.fits('SELECT crm.purchase_history(day, amount) AS h FROM bought GROUP BY c HAVING count(DISTINCT day) > 1')), 'only repeat buyers');
SELECT ok(pg_temp.is_honest(pg_temp.fits('SELECT crm.purchase_history(day, amount) AS h FROM bought WHERE c <= 50 GROUP BY c')), 'fifty customers');
SELECT throws_like($$SELECT pg_temp.fits('SELECT crm.purchase(min(day), 10) AS h FROM bought GROUP BY c')$$, '%bought again%', 'nobody came back: an error that says so');
SELECT is(
  (SELECT array_agg(m::text) FROM unnest(pg_temp.fits('SELECT crm.purchase_history(day, amount) AS h FROM bought GROUP BY c')) m),
  (SELECT array_agg(m::text) FROM unnest(pg_temp.fits($$SELECT crm.purchase_history(day, a) AS h FROM
     (SELECT c, day, amount AS a FROM bought UNION ALL SELECT c, day + 1, -5 FROM bought WHERE c % 5 = 0) r GROUP BY c HAVING min(day) < '2044-01-01'$$)) m),
  'refunds on days without an order change no purchase model');
SELECT ok((SELECT is_converged(m) FROM (SELECT fit_gamma_gamma(h, '2044-01-01') AS m FROM
    (SELECT purchase_history(day, CASE WHEN c % 7 = 0 THEN 0 WHEN c % 11 = 0 THEN -amount ELSE amount END) AS h FROM bought GROUP BY c) s) f),
  'zeros and refunds are left out of the spend');
SELECT ok((SELECT abs(a.estimate / b.estimate / CASE a.name WHEN 'v' THEN 1e6 ELSE 1 END - 1) < 1e-5 FROM
    (SELECT fit_gamma_gamma(purchase_history, '2044-01-01') AS one, fit_gamma_gamma(more, '2044-01-01') AS many FROM
      (SELECT purchase_history(day, amount), purchase_history(day, amount * 1e6) AS more FROM bought GROUP BY c) s) f,
    parameters(many) a JOIN LATERAL parameters(one) b USING (name) WHERE name = 'v'), 'amounts times a million only scale v');

-- buyers like clockwork are searched up to k = 32: that takes seconds, and stops when it is told to
CREATE FUNCTION pg_temp.processor_seconds() RETURNS float8 LANGUAGE sql VOLATILE AS $$
  SELECT (f[12]::float8 + f[13]::float8) / 100 FROM string_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '^.*\) ', ''), ' ') AS f
$$;
CREATE FUNCTION pg_temp.stops(query text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
  started constant float8 := pg_temp.processor_seconds();
BEGIN
  EXECUTE query;
  RETURN false;
EXCEPTION WHEN query_canceled THEN
  RETURN pg_temp.processor_seconds() - started < 2;
END $$;
CREATE TEMPORARY TABLE clock AS
  SELECT purchase_history(date '2020-01-01' + i % 365 + j * (20 + i % 17) + hashint4(i * 100 + j) % 2, 10) AS h
  FROM generate_series(1, 4000) i, generate_series(0, 5 + i % 25) j GROUP BY i;
SET LOCAL statement_timeout = '100ms';
SELECT ok(pg_temp.stops($$SELECT fit_mbg_cnbd_k(h, '2023-06-30', 7) FROM clock$$), 'a fit of k up to 32 can be cancelled');
RESET statement_timeout;

SELECT * FROM finish();
ROLLBACK;
