-- Recovery of known parameters from 100 000 simulated customers a model and seed, on exact times and on whole days.
-- Takes about a minute, so it is no part of the tests:  psql -d DATABASE_WITH_CRM -f test/reference/recovery.sql
-- z = (estimate - truth) / standard error, to be within 3; whole_days = the estimate from histories, which whole days shift.
SET search_path = public, crm;

CREATE FUNCTION pg_temp.customers(truth purchase_model, n int, seed int,
  OUT x float8, OUT t_x float8, OUT age float8, OUT history purchase_history) RETURNS SETOF record LANGUAGE sql AS $$
  SELECT count(*) - 1, max(purchased_after) / 7, (date '2024-12-29' - min(purchased_on))::float8 / 7,
    crm.purchase_history(purchased_on, amount::numeric)
  FROM crm.simulate_purchases(truth, crm.gamma_gamma(6.25, 3.74, 15.44), n, '[2024-01-01,2024-12-28]', seed, '2024-06-30')
  GROUP BY customer_id $$;

CREATE TEMPORARY TABLE truth AS SELECT * FROM (VALUES
  ('bg', bg_nbd(0.243, 4.4136, 0.7929, 2.4259, 7)), ('mbg', mbg_nbd(0.525, 6.183, 0.891, 1.614, 7)),
  ('pareto', pareto_nbd(0.553, 10.58, 0.606, 11.67, 7))) v(name, m);
CREATE TEMPORARY TABLE drawn AS
  SELECT name, seed, c.* FROM truth, generate_series(1, 2) seed, LATERAL pg_temp.customers(m, 100000, seed) c;
CREATE TEMPORARY TABLE found AS
  SELECT name, seed,
    CASE name WHEN 'bg' THEN fit_bg_nbd(x, t_x, age, 7) WHEN 'mbg' THEN fit_mbg_nbd(x, t_x, age, 7) ELSE fit_pareto_nbd(x, t_x, age, 7) END AS exact,
    CASE name WHEN 'bg' THEN fit_bg_nbd(history, '2024-12-28', 7) WHEN 'mbg' THEN fit_mbg_nbd(history, '2024-12-28', 7)
      ELSE fit_pareto_nbd(history, '2024-12-28', 7) END AS days
  FROM drawn GROUP BY name, seed;

SELECT found.name AS model, seed, p.name, t.estimate AS truth, round(p.estimate::numeric, 4) AS estimate,
  round(p.standard_error::numeric, 4) AS standard_error, round(((p.estimate - t.estimate) / p.standard_error)::numeric, 2) AS z,
  round(d.estimate::numeric, 4) AS whole_days
FROM found JOIN truth USING (name), LATERAL parameters(exact) p JOIN parameters(days) d USING (name), LATERAL parameters(m) t
WHERE t.name = p.name ORDER BY model, seed, p.name;
