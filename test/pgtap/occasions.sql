-- BG/BB: published figures, recovery of known parameters, and what must not be.
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(28);

-- 11 104 donors of 1995, and in how many of the six years that followed they gave again (Fader, Hardie & Shang 2010)
CREATE TEMP TABLE donors AS
SELECT * FROM unnest('{0,1,1,1,1,1,1,2,2,2,2,2,3,3,3,3,4,4,4,5,5,6}'::int[], '{0,1,2,3,4,5,6,2,3,4,5,6,3,4,5,6,4,5,6,5,6,6}'::int[],
  '{3464,1091,277,129,78,119,129,613,255,155,173,234,322,181,225,357,240,284,512,335,728,1203}'::int[]) AS d(x, last, donors);
CREATE TEMP TABLE fitted AS SELECT crm.fit_bg_bb(x, last, 6) AS model FROM donors, generate_series(1, donors);

CREATE FUNCTION pg_temp.within(got float8, expected float8, error float8, label text) RETURNS text LANGUAGE sql AS $$
  SELECT ok(abs(got / expected - 1) <= error, format('%s: %s is %s', label, got, expected))
$$;
SELECT pg_temp.within(estimate, expected, 1e-9, name)
FROM fitted, crm.parameters(model) JOIN (VALUES ('alpha', 1.2035223516), ('beta', 0.749716358173), ('gamma', 0.656718208442), ('delta', 2.78344223258)) AS e(name, expected) USING (name);
SELECT pg_temp.within(crm.log_likelihood(model), -33225.5812743, 1e-11, 'log-likelihood') FROM fitted;
SELECT is(array_agg(round((crm.occasion_forecast(model, 0, 0, 0, n)).expected_purchases::numeric, 4) ORDER BY n),
  '{.4985,.9233,1.2969,1.6323,1.9381,2.2202,2.4826,2.7285,2.9603,3.1798,3.3887}', 'donations of a new donor in 1 to 11 years') FROM fitted, generate_series(1, 11) n;
SELECT is(array_agg(round(f.p_alive::numeric, 5) ORDER BY x), '{.10813,.93043}', 'P(alive in 2002)') FROM fitted, unnest('{0,6}'::int[]) x, crm.occasion_forecast(model, x, x, 6) f;
SELECT is(array_agg(round(f.expected_purchases::numeric, 2) ORDER BY x), '{0.07,1.81,3.75}', 'donations in five years') FROM fitted, unnest('{0,5,6}'::int[]) x, crm.occasion_forecast(model, x, x, 6, 5) f;
SELECT is(array_agg(round(f.dert::numeric, 5) ORDER BY x), '{.11475,5.90989}', 'discounted donations at 10 %') FROM fitted, unnest('{0,6}'::int[]) x, crm.occasion_forecast(model, x, x, 6, 1, 0.1) f;

-- the sum of what is expected is not far from what the donors gave in 2002 to 2006
SELECT ok(crm.is_converged(model) AND crm.fit_verdict(model) = 'The fit converged', 'the fit converged') FROM fitted;
SELECT ok(crm.aic(model) = 8 - 2 * crm.log_likelihood(model) AND crm.bic(model) > crm.aic(model), 'criteria') FROM fitted;
SELECT ok(bool_and(dert IS NULL) AND bool_and(expected_purchases > 0), 'without discount those of gamma below 1 give for ever') FROM fitted, crm.occasion_forecast(model, 6, 6, 6);
SELECT ok(dert > 10, 'of gamma above 1 they do not') FROM crm.occasion_forecast(crm.bg_bb(1, 1, 1.5, 20), 6, 6, 6);

-- order, split and plan do not matter; who had no occasion yet is left out, a NULL too
SELECT is((SELECT crm.fit_bg_bb(x, last, 6 ORDER BY last DESC, x) FROM donors, generate_series(1, donors))::text, model::text, 'order does not matter') FROM fitted;
SELECT is((SELECT crm_internal.fit_bg_bb_final(crm_internal.purchase_model_state_combine(a::text::crm.purchase_model_state, b)) FROM
  (SELECT crm_internal.occasion_model_transition(crm_internal.occasion_model_transition(NULL, 0, 0, 0), 0, 0, 6) AS a,
    ('occasions unit_days 1, left_out 4; ' || (SELECT string_agg(format('%s %s 6:%s', x, last, donors - (x = 0)::int), ', ') FROM donors))::crm.purchase_model_state AS b) s)::text,
  replace(model::text, 'left_out 0', 'left_out 5'), 'states add up, and survive as text') FROM fitted;
SELECT is((SELECT crm.fit_bg_bb(x, last, CASE WHEN n > 0 THEN 6 END) FROM donors, generate_series(0, donors) n), model, 'a NULL is no customer') FROM fitted;
SELECT is(model::text::crm.occasion_model, model, 'text is lossless') FROM fitted;
SELECT is((model::jsonb ->> 'gamma')::float8, estimate, 'and json') FROM fitted, crm.parameters(model) WHERE name = 'gamma';

-- what is refused
SELECT throws_like('SELECT crm.fit_bg_bb(3, 2, 6)', '%nobody can buy at 3 occasions, at the last of them as number 2, out of 6%', 'more purchases than occasions');
SELECT throws_like('SELECT crm.fit_bg_bb(0, 2, 6)', '%nobody can buy%', 'a last one without any');
SELECT throws_like('SELECT crm.fit_bg_bb(1, 7, 6)', '%nobody can buy%', 'one behind the end');
SELECT throws_like('SELECT crm.fit_bg_bb(1, 1, 20000)', '%number of occasions is out of range%', 'days are no occasions');
SELECT throws_like('SELECT crm.fit_bg_bb(1, 1, 6) FROM generate_series(1, 5)', '%too few customers%', 'five customers');
SELECT throws_like('SELECT crm.fit_bg_bb(0, 0, 6) FROM generate_series(1, 50)', '%nothing to fit%', 'nobody ever came back');
SELECT throws_like('SELECT crm.occasion_forecast(crm.bg_bb(1, 1, 1, 1), 1, 1, 6, -1)', '%cannot cover -1 occasions%', 'a forecast of the past');
SELECT throws_like('SELECT crm_internal.fit_bg_nbd_final(crm_internal.occasion_model_transition(NULL, 1, 1, 6))', '%another model%', 'no state of one fit ends in another');
SELECT ok(NOT crm.is_converged(m) AND crm.fit_verdict(m) ~ '\w', 'all come to every occasion: no model, and why: ' || crm.fit_verdict(m))
FROM (SELECT crm.fit_bg_bb(6, 6, 6) AS m FROM generate_series(1, 50)) f;

-- recovery: 40 000 customers of two cohorts, drawn from a model
SELECT setseed(0.25);
CREATE TEMP TABLE drawn AS
WITH customer AS (
  -- with a whole number of ordered uniform draws, a beta variable is one of them: the 2nd of 4 is beta(2, 3), the 1st of 5 beta(1, 5)
  SELECT c, 6 + 6 * (c % 2) AS occasions, (SELECT u FROM (SELECT random() + 0 * c AS u FROM generate_series(1, 4)) d ORDER BY u LIMIT 1 OFFSET 1) AS p,
    (SELECT min(u) FROM (SELECT random() + 0 * c AS u FROM generate_series(1, 5)) d) AS q FROM generate_series(1, 40000) c),
occasion AS (
  SELECT c, occasions, o, random() < p AS buys, bool_or(random() < q) OVER (PARTITION BY c ORDER BY o) AS has_left FROM customer, generate_series(1, occasions) o)
SELECT count(*) FILTER (WHERE buys AND NOT has_left)::int AS x, coalesce(max(o) FILTER (WHERE buys AND NOT has_left), 0)::int AS last, occasions FROM occasion GROUP BY c, occasions;
SELECT ok(bool_and(abs(estimate - truth) < 3 * standard_error), 'parameters are recovered: ' || string_agg(format('%s %s', name, round(estimate::numeric, 2)), ', '))
FROM (SELECT crm.fit_bg_bb(x, last, occasions) AS m FROM drawn) f, crm.parameters(m)
JOIN (VALUES ('alpha', 2), ('beta', 3), ('gamma', 1), ('delta', 5)) AS t(name, truth) USING (name);

SELECT * FROM finish();
ROLLBACK;
