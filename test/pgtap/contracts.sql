-- Renewals of contracts and their models: published figures, a slow reference, and what must not be.
BEGIN;
SET LOCAL search_path = public, crm;
SELECT plan(54);

CREATE TEMP TABLE cohort AS
SELECT name, crm.renewal_curve(counts[1:8]) AS curve, crm.renewal_curve(counts[1:5]) AS early
FROM (VALUES ('Regular', '{1000,631,468,382,326,289,262,241}'::bigint[]),
             ('High End', '{1000,869,743,653,593,551,517,491}')) AS c(name, counts);
CREATE TEMP TABLE fitted AS
SELECT name, crm.fit_beta_geometric(curve) AS sbg, crm.fit_beta_discrete_weibull(early) AS bdw, crm.fit_exponential_gamma(curve) AS eg
FROM cohort;

-- Fader and Hardie (2007): their optimum, to ten digits
CREATE FUNCTION pg_temp.within(got float8, expected float8, error float8, label text) RETURNS text LANGUAGE sql AS $$
  SELECT ok(abs(got / expected - 1) <= error, format('%s: %s is %s', label, got, expected))
$$;
SELECT pg_temp.within(estimate, expected, 1e-9, 'sBG, ' || f.name || ', ' || p.name)
FROM fitted f, crm.parameters(sbg) p
JOIN (VALUES ('Regular', 'gamma', 0.704077298474), ('Regular', 'delta', 1.18204302621),
             ('High End', 'gamma', 0.668088351106), ('High End', 'delta', 3.80609496406)) AS e(cohort, parameter, expected) ON parameter = p.name
WHERE f.name = cohort;
SELECT pg_temp.within(crm.log_likelihood(sbg), CASE name WHEN 'Regular' THEN -1680.26518846 ELSE -1611.15814739 END, 1e-11, 'log-likelihood, ' || name) FROM fitted;
SELECT pg_temp.within(crm.p_survival(sbg, 12), CASE name WHEN 'Regular' THEN 0.170037453 ELSE 0.377999072 END, 1e-8, 'survival of 12 renewals, ' || name) FROM fitted;
SELECT pg_temp.within(estimate, expected, 1e-8, 'BdW, High End, ' || name)
FROM (SELECT p.* FROM fitted f, crm.parameters(bdw) p WHERE f.name = 'High End') p
JOIN (VALUES ('gamma', 0.259335731511), ('delta', 1.72255148809), ('c', 1.58436151502)) AS e(name, expected) USING (name);
SELECT pg_temp.within(crm.log_likelihood(bdw), -1222.74931824, 1e-11, 'log-likelihood of BdW') FROM fitted WHERE name = 'High End';
SELECT ok(crm.is_converged(eg) AND crm.log_likelihood(eg) < -1000, 'exponential-gamma converges, too') FROM fitted WHERE name = 'Regular';
SELECT is(crm.fit_beta_discrete_weibull(curve)::text IS NOT NULL, true, 'BdW ends in a model or a reason on all seven renewals') FROM cohort WHERE name = 'Regular';

-- Fader and Hardie (2015): value rises with tenure
SELECT is(array_agg(round((100 * crm.residual_lifetime(crm.beta_geometric(0.764, 1.296), payments - 1, 0.1))::numeric, 5) ORDER BY payments),
  '{288.22114,393.94221,568.24892}', 'residual value after 1, 2 and 5 payments') FROM unnest('{1,2,5}'::int[]) payments;
SELECT pg_temp.within(crm.expected_lifetime(crm.beta_geometric(0.668088351106, 3.80609496406), 0.1), 5.922253496, 1e-9, 'expected lifetime');
SELECT pg_temp.within(crm.residual_lifetime(crm.beta_geometric(0.668088351106, 3.80609496406), 7, 0.1), 7.529628056, 1e-9, 'and what is left of it after seven renewals');
SELECT pg_temp.within(crm.expected_lifetime(crm.exponential_gamma(0.606, 11.669), exp(ln(1.15) / 52) - 1), 75.8262898694, 1e-11, 'exponential-gamma, weeks');
SELECT pg_temp.within(crm.residual_lifetime(crm.exponential_gamma(0.606, 11.669), 52, exp(ln(1.15) / 52) - 1), 158.302685222, 1e-11, 'and at a tenure of a year');
SELECT is(crm.expected_lifetime(crm.beta_geometric(3, 4)), 3::float8, 'without discount: (gamma + delta - 1) / (gamma - 1)');
SELECT throws_like('SELECT crm.expected_lifetime(crm.beta_geometric(0.7, 1.2))', '%infinite without a discount%', 'an infinite lifetime is an error');

-- contracts against a slow reference in SQL; each customer has up to four contracts, with gaps
SELECT setseed(0.5);
CREATE TEMP TABLE contract AS
SELECT c AS customer_id, daterange(began, CASE WHEN random() < 0.2 THEN NULL ELSE began + (random() * 900)::int END) AS during
FROM generate_series(1, 2000) c, generate_series(1, 1 + c % 4) n, LATERAL (SELECT date '2015-01-31' + (random() * 3000)::int * sign(c * n)::int AS began) b;
CREATE TEMP TABLE customer AS SELECT customer_id, array_agg(during) AS contracts FROM contract GROUP BY 1;
CREATE FUNCTION pg_temp.slow(as_of date, period interval) RETURNS text LANGUAGE sql AS $$
  WITH tenure AS (
    SELECT min(lower(during)) AS began, max(coalesce(upper(during), 'infinity')) AS ended
    FROM contract WHERE NOT isempty(during) AND lower(during) <= as_of GROUP BY customer_id),
  aged AS (
    SELECT ended <= as_of AS lost, (SELECT count(*) FROM generate_series(1, 4000) n
      WHERE began + n * period <= CASE WHEN ended <= as_of THEN ended - 1 ELSE as_of END) + (ended <= as_of)::int AS age FROM tenure),
  counted AS (SELECT age, count(*) FILTER (WHERE lost) AS lost, count(*) FILTER (WHERE NOT lost) AS running FROM aged GROUP BY age)
  SELECT '{' || string_agg(format('%s %s %s', age, lost, running), ', ' ORDER BY age) || '}' FROM counted
$$;
SELECT is(crm.renewals(contracts, '2021-02-28', 'month')::text, 'month ' || pg_temp.slow('2021-02-28', '1 month'), 'renewals by month are those of plain SQL') FROM customer;
SELECT is(crm.renewals(contracts, '2023-01-01', 'year')::text, 'year ' || pg_temp.slow('2023-01-01', '1 year'), 'and by year') FROM customer;
SELECT is((SELECT crm.merge(part) FROM (SELECT crm.renewals(contracts, '2023-01-01', 'year') AS part FROM customer GROUP BY customer_id % 7) p),
  (SELECT crm.renewals(contracts, '2023-01-01', 'year' ORDER BY customer_id DESC) FROM customer), 'order and split do not matter');
SELECT is(crm.renewals('{"[2020-01-01,2021-01-01)","[2022-06-01,2023-06-01)"}'::daterange[], '2023-01-01', 'year')::text, 'year {3 0 1}', 'who left and came back stayed');
SELECT is(crm.renewals('{"[2020-01-01,2021-01-01)"}'::daterange[], '2020-12-31', 'year')::text, 'year {0 0 1}', 'on the last day of the period nobody is lost');
SELECT is(crm.renewals('{"[2020-01-01,2021-01-01)"}'::daterange[], '2021-01-01', 'year')::text, 'year {1 1 0}', 'on the day after he is');
SELECT is(crm.renewal_curve('{10,5,3}'::bigint[])::text, 'year {1 5 0, 2 2 3}', 'a cohort by counts');

-- what is refused
SELECT throws_like($$ SELECT crm.renewal_curve('{1000,300,350,280}'::bigint[]) $$, '%grows from 300 to 350%', 'a repeat-buying rate is no retention');
SELECT throws_like($$ SELECT crm.renewal_curve('{1000,631,468}'::bigint[], 'year', '2020-03-01', '2021-12-31') $$, '%not over%', 'nor is a period that is not over');
SELECT throws_like($$ SELECT crm.renewal_curve('{10,5}'::bigint[]) + crm.renewal_curve('{10,5}'::bigint[], 'month') $$, '%same period%', 'months and years do not add');
SELECT throws_like($$ SELECT crm.renewals('{"(,2021-01-01)"}'::daterange[], '2021-01-01', 'year') $$, '%no beginning%', 'a contract begins');
SELECT ok(NOT crm.is_converged(m) AND crm.fit_verdict(m) ~ '[.a-z]', 'nobody lost: no model, and why: ' || crm.fit_verdict(m))
FROM crm.fit_beta_geometric('year {5 0 100}') m;

-- forms
SELECT ok(sbg::text::crm.contract_model OPERATOR(crm.=) sbg AND bdw::text::crm.contract_model OPERATOR(crm.=) bdw, 'text is lossless') FROM fitted WHERE name = 'Regular';
SELECT is(curve::text::crm.renewal_curve, curve, 'of curves, too') FROM cohort WHERE name = 'Regular';

-- customers who do not differ: each model ends in what is left of it, with an answer
CREATE TEMP TABLE alike AS
SELECT curve, fit_beta_geometric(curve) AS geometric, fit_beta_discrete_weibull(curve) AS weibull, fit_exponential_gamma(curve) AS exponential
FROM renewal_curve('{1000,728,530,386,281,205,149,108}'::bigint[]) AS curve;
SELECT is(round(p.estimate::numeric, 6) || ': ' || fit_verdict(geometric), round((1000 - 108)::numeric / (1000 + 728 + 530 + 386 + 281 + 205 + 149), 6) || ': The fit converged where everybody leaves with the same probability',
  'the share that leaves each year, of all who could') FROM alike, parameters(geometric) p;
SELECT pg_temp.within(p.standard_error, sqrt(p.estimate ^ 2 * (1 - p.estimate) / 892), 1e-6, 'with its standard error') FROM alike, parameters(geometric) p;
SELECT pg_temp.within(expected_lifetime(geometric, 0.1), 1.1 / (0.1 + p.estimate), 1e-12, 'and a lifetime that does not rise with tenure') FROM alike, parameters(geometric) p;
SELECT pg_temp.within(p_survival(exponential, 5), p_survival(geometric, 5), 1e-7, 'in continuous time the same survival') FROM alike;
SELECT ok(is_converged(weibull) AND weibull::text LIKE 'discrete_weibull(p 0.27%, c %' AND weibull::text::contract_model OPERATOR(crm.=) weibull, 'and with age') FROM alike;
-- as different as can be: a share leaves at the first renewal, and nobody later
CREATE TEMP TABLE at_once AS SELECT fit_beta_geometric(curve) AS m, fit_beta_discrete_weibull(curve) AS weibull FROM renewal_curve('{1000,700,700,700,700}'::bigint[]) AS curve;
SELECT is(round(p.estimate::numeric, 9) || ' ' || round(p.standard_error::numeric, 7) || ': ' || fit_verdict(m), '0.300000000 0.0144914: The fit converged where a share leaves at the first renewal, and the others never', 'a share that leaves at once') FROM at_once, parameters(m) p;
SELECT is(weibull::text, m::text, 'is what is left of BdW, too') FROM at_once;
SELECT ok(abs(p_survival(m, 9) - 0.7) < 1e-9 AND p_survival(m, 9, 1) = 1 AND abs(expected_lifetime(m, 0.1) - 8) < 1e-8 AND abs(residual_lifetime(m, 1, 0.1) - 11) < 1e-9 AND abs(retention_elasticity(m, 1, 0.1) - 11) < 1e-9 AND m::text::contract_model = m AND m::jsonb::contract_model = m, 'with all its answers') FROM at_once;
SELECT throws_like('SELECT crm.expected_lifetime(m, 1e-320) FROM at_once', '%infinite without a discount%', 'nor does a discount that is none end that');
-- what no search can tell, and why
SELECT is(fit_verdict(fit_beta_discrete_weibull('month {1 30 70}')), 'Fewer than 3 renewals were seen, which do not tell 3 parameters apart', 'of one renewal nobody knows that the others never leave');
SELECT is(fit_verdict(fit_beta_geometric('month {1 30 70}')), 'Fewer than 2 renewals were seen, which do not tell 2 parameters apart', 'nor that all are alike');
SELECT is(fit_verdict(fit_exponential_gamma('month {1 70 0}')), 'Fewer than 2 renewals were seen, which do not tell 2 parameters apart', 'nor if all left');
SELECT is(fit_verdict(fit_beta_geometric('month {1 30 70, 2 0 5}')), 'The fit converged where a share leaves at the first renewal, and the others never', 'two renewals tell');
SELECT is(array_agg(DISTINCT fit_verdict(m))::text, '{"Nobody was lost yet, so nothing is known of how customers leave"}', 'nobody lost, of all models')
FROM unnest(ARRAY[fit_beta_geometric('year {5 0 100}'), fit_beta_discrete_weibull('year {5 0 100}'), fit_exponential_gamma('year {5 0 100}')]) m;
SELECT ok(bool_and(m::text::contract_model = m AND m::jsonb::contract_model = m AND (m::jsonb ->> 'fit') = v), 'kept by the text form and by JSON') FROM (VALUES (fit_beta_geometric('year {5 0 100}'), 'nobody_lost'), (fit_beta_geometric('month {1 30 70}'), 'few_renewals')) m(m, v);
SELECT throws_ok('SELECT crm.expected_lifetime(crm.fit_beta_geometric(''year {5 0 100}''))', '55000', 'contract_model did not converge and cannot predict', 'and nothing is foretold');
SELECT throws_like('SELECT crm.expected_lifetime(m) FROM at_once', '%infinite without a discount%', 'who never leaves stays for ever');
SELECT throws_ok($$SELECT 'geometric(p 1)'::contract_model$$, '22003', 'parameter p of contract_model is out of range: 1', 'who leaves for certain has no model');

-- recovery: the expected counts of three cohorts of a million, rounded of known gamma and delta, cohorts of different age
CREATE TEMP TABLE recovered AS
SELECT crm.fit_beta_geometric(crm.merge(curve)) AS model FROM (
  SELECT crm.renewal_curve(ARRAY(SELECT round(1e6 * crm.p_survival(crm.beta_geometric(0.8, 2.5), t))::bigint FROM generate_series(0, periods) t)) AS curve
  FROM unnest('{3,6,12}'::int[]) periods) c;
SELECT ok(bool_and(abs(estimate - CASE name WHEN 'gamma' THEN 0.8 ELSE 2.5 END) < 3 * standard_error), 'parameters are recovered from three cohorts at once') FROM recovered, crm.parameters(model);

SELECT * FROM finish();
ROLLBACK;
