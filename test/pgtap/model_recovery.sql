-- models find the parameters that simulated customers were drawn from, on exact times, and stand odd data
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(15);

-- the worst of (estimate - truth) / standard error
CREATE FUNCTION pg_temp.worst(m purchase_model, truth purchase_model) RETURNS numeric LANGUAGE sql AS $$
  SELECT round(max(abs(p.estimate - t.estimate) / p.standard_error)::numeric, 2) FROM crm.parameters(m) p JOIN crm.parameters(truth) t USING (name) $$;
CREATE FUNCTION pg_temp.customers(truth purchase_model, spend spend_model, n int, seed int,
  OUT x float8, OUT t_x float8, OUT age float8, OUT mean_spend float8, OUT history purchase_history) RETURNS SETOF record LANGUAGE sql AS $$
  SELECT count(*) - 1, max(purchased_after) / 7, (date '2024-12-29' - min(purchased_on))::float8 / 7,
    sum(amount) FILTER (WHERE purchased_after > 0) / nullif(count(*) - 1, 0), crm.purchase_history(purchased_on, amount::numeric)
  FROM crm.simulate_purchases(truth, spend, n, '[2024-01-01,2024-12-28]', seed, '2024-06-30') GROUP BY customer_id $$;

CREATE TEMPORARY TABLE truth AS SELECT * FROM (VALUES
  ('bg', bg_nbd(0.4, 4.4136, 0.7929, 2.4259, 7)), ('mbg', mbg_nbd(0.525, 6.183, 0.891, 1.614, 7)),
  ('pareto', pareto_nbd(0.553, 10.58, 0.606, 11.67, 7)), ('cnbd', mbg_cnbd_k(3, 1.5, 6.2, 0.9, 4, 7))) v(name, m);
CREATE TEMPORARY TABLE drawn AS
  SELECT name, m, c.* FROM truth, LATERAL pg_temp.customers(m, gamma_gamma(6.25, 3.74, 15.44), 20000, 1) c;

SELECT cmp_ok(pg_temp.worst(fit_bg_nbd(x, t_x, age, 7), m), '<', 3::numeric, 'BG/NBD') FROM drawn WHERE name = 'bg' GROUP BY m;
SELECT cmp_ok(pg_temp.worst(fit_mbg_nbd(x, t_x, age, 7), m), '<', 3::numeric, 'MBG/NBD') FROM drawn WHERE name = 'mbg' GROUP BY m;
SELECT cmp_ok(pg_temp.worst(fit_pareto_nbd(x, t_x, age, 7), m), '<', 3::numeric, 'Pareto/NBD') FROM drawn WHERE name = 'pareto' GROUP BY m;
SELECT is(fit_mbg_cnbd_k(history, '2024-12-29', 7)::jsonb ->> 'k', '3', 'MBG/CNBD-k finds k, from whole days') FROM drawn WHERE name = 'cnbd';
SELECT cmp_ok(abs((p).estimate - e) / (p).standard_error, '<', 3::float8, 'gamma-gamma ' || (p).name)
FROM (SELECT parameters(fit_gamma_gamma(x, coalesce(mean_spend, 0))) AS p FROM drawn WHERE name = 'bg') s
JOIN (VALUES ('p', 6.25), ('q', 3.74), ('v', 15.44)) v(name, e) ON (p).name = v.name;

-- what the models expect is what the simulation does
SELECT cmp_ok(abs(sum(purchase_day_count(history) - 1) / sum(expected_purchases(m, age)) - 1), '<', 0.05::float8, name || ': purchases of new customers')
FROM drawn GROUP BY name ORDER BY name;

-- odd data: a verdict or a model, never nonsense
CREATE TEMPORARY TABLE heavy AS
  SELECT x, t_x, age FROM drawn WHERE name = 'bg' UNION ALL SELECT 700, 51.5, 51.75;
SELECT ok(is_converged(fit_bg_nbd(x, t_x, age)) AND is_converged(fit_pareto_nbd(x, t_x, age)), 'a customer with 700 purchases') FROM heavy;
SELECT ok(abs(a.estimate / b.estimate / 1e6 - 1) < 1e-6, 'amounts times a million')
FROM (SELECT fit_gamma_gamma(x, mean_spend) AS one, fit_gamma_gamma(x, mean_spend * 1e6) AS many FROM drawn WHERE name = 'bg' AND x > 0) s,
  LATERAL parameters(many) a, LATERAL parameters(one) b WHERE a.name = 'v' AND b.name = 'v';
SELECT ok(is_converged(fit_gamma_gamma(history + purchase('2024-07-01', -3), '2024-12-29')), 'refunds') FROM drawn WHERE name = 'bg';
SELECT ok(is_converged(fit_pareto_nbd(x, t_x * 365, age * 365)), 'ages of decades in days') FROM drawn WHERE name = 'pareto';

SELECT * FROM finish();
ROLLBACK;
