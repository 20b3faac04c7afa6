-- lifetime value on the CDNOW sample: published estimates, standard errors, holdout accuracy, and identities between functions
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(33);

CREATE TEMPORARY TABLE cdnow (customer_id int, ordered_on date, amount numeric);
\copy cdnow FROM 'test/data/cdnow_sample.csv' CSV HEADER
CREATE TEMPORARY TABLE customer AS
  SELECT customer_id, purchase_history(ordered_on, amount) AS h FROM cdnow GROUP BY customer_id;
CREATE TEMPORARY TABLE model AS
  SELECT fit_bg_nbd(h, '1997-09-30', 7) AS bg, fit_mbg_nbd(h, '1997-09-30', 7) AS mbg, fit_pareto_nbd(h, '1997-09-30', 7) AS pareto,
    fit_mbg_cnbd_k(h, '1997-09-30', 7) AS cnbd, fit_gamma_gamma(h, '1997-09-30') AS spend FROM customer;

-- estimates to four digits, log-likelihoods to 1e-3, standard errors as printed
CREATE FUNCTION pg_temp.differs(expected float8[], m purchase_model) RETURNS bool LANGUAGE sql AS $$
  SELECT bool_or(NOT abs(estimate / expected[i] - 1) < 5e-5) FROM crm.parameters(m) WITH ORDINALITY p(name, estimate, se, i) $$;
SELECT ok(NOT pg_temp.differs('{.242595, 4.41360, .792922, 2.42591}', bg), 'BG/NBD estimates') FROM model;
SELECT ok(NOT pg_temp.differs('{.524843, 6.18309, .891359, 1.61400}', mbg), 'MBG/NBD estimates') FROM model;
SELECT ok(NOT pg_temp.differs('{.553277, 10.57768, .606240, 11.66874}', pareto), 'Pareto/NBD estimates') FROM model;
SELECT is(model_name(cnbd) || (cnbd::jsonb ->> 'k'), 'mbg_cnbd_k1', 'these customers do not buy regularly: k = 1') FROM model;
SELECT is(log_likelihood(cnbd), log_likelihood(mbg), 'which is MBG/NBD') FROM model;
SELECT is((SELECT array_agg(round(estimate::numeric, 3)) FROM parameters(spend)), '{6.250,3.744,15.444}', 'gamma-gamma estimates') FROM model;
SELECT is(round(log_likelihood(bg)::numeric, 4), -9582.4292, 'BG/NBD log-likelihood') FROM model;
SELECT is(round(log_likelihood(mbg)::numeric, 4), -9582.1357, 'MBG/NBD log-likelihood') FROM model;
SELECT is(round(log_likelihood(pareto)::numeric, 4), -9594.9762, 'Pareto/NBD log-likelihood') FROM model;
SELECT is(round(log_likelihood(spend)::numeric, 4), -4055.9177, 'gamma-gamma log-likelihood') FROM model;
SELECT is((SELECT array_agg(round(standard_error::numeric, 4)) FROM parameters(bg)), '{0.0126,0.3782,0.1857,0.7054}', 'BG/NBD standard errors') FROM model;
SELECT is((SELECT array_agg(round(standard_error::numeric, 2)) FROM parameters(pareto)), '{0.05,0.84,0.19,6.21}', 'Pareto/NBD standard errors') FROM model;
SELECT is(round(expected_purchases(bg, 2, 30.43, 38.86, 39)::numeric, 3), 1.226, 'BG/NBD expectation of the published customer') FROM model;
SELECT is((SELECT array[(spend::jsonb ->> 'customers')::int, (spend::jsonb ->> 'left_out')::int]), '{946,1411}', '946 repeat buyers') FROM model;

-- holdout of 39 weeks: mean absolute error, root mean squared error, correlation; naive baselines beside
CREATE TEMPORARY TABLE holdout AS
  SELECT expected_purchases(bg, h, '1997-09-30', '1998-06-30') AS bg, expected_purchases(pareto, h, '1997-09-30', '1998-06-30') AS pareto,
    expected_purchases(mbg, h, '1997-09-30', '1998-06-30') AS mbg, x * 39 / (b.age / 7) AS rate, purchase_day_count(within(h, '[1997-10-01,1998-06-30]')) AS actual
  FROM customer, model, btyd(h, '1997-09-30') b;
CREATE FUNCTION pg_temp.figures(f forecast_accuracy_result) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', round(f.mean_absolute_error::numeric, 3), round(f.root_mean_squared_error::numeric, 3), round(f.correlation::numeric, 3)) $$;
SELECT is(pg_temp.figures(forecast_accuracy(bg, actual)), '0.785 1.608 0.626', 'BG/NBD holdout') FROM holdout;
SELECT is(pg_temp.figures(forecast_accuracy(pareto, actual)), '0.755 1.603 0.630', 'Pareto/NBD holdout') FROM holdout;
SELECT is(pg_temp.figures(forecast_accuracy(mbg, actual)), '0.765 1.607 0.627', 'MBG/NBD holdout') FROM holdout;
SELECT is(pg_temp.figures(forecast_accuracy(rate, actual)), '1.024 2.212 0.584', 'going on at the old rate') FROM holdout;
SELECT is(round((forecast_accuracy(0, actual)).mean_absolute_error::numeric, 3), 0.798, 'nobody buys: a good mean absolute error') FROM holdout;

-- units: days and weeks are the same model
SELECT ok(abs(a.estimate / b.estimate - 7) < 1e-6, 'alpha in days is 7 times alpha in weeks')
FROM model, LATERAL parameters(bg) b, (SELECT fit_bg_nbd(h, '1997-09-30') AS days FROM customer) d, LATERAL parameters(days) a
WHERE a.name = 'alpha' AND b.name = 'alpha';

-- plain numbers and histories are the same customers
SELECT ok(bool_and(abs(p_alive(m, x, t_x, age) - p_alive(m, h, '1997-09-30')) < 1e-15
    AND abs(expected_purchases(m, x, t_x, age, 39) - expected_purchases(m, h, '1997-09-30', date '1997-09-30' + 273)) < 1e-12
    AND abs(dert(m, x, t_x, age, 0.1) - dert(m, h, '1997-09-30', 0.1)) < 1e-12
    AND expected_next_purchase_on(m, h, '1997-09-30', 0.01) = date '1997-09-30' + ceil(7 * expected_next_purchase_in(m, x, t_x, age, 0.01))::int
    AND abs(clv(m, spend, x, t_x, age, mean_spend, 39, 0.1) - clv(m, spend, h, '1997-09-30', date '1997-09-30' + 273, 0.1)) < 1e-9),
  'histories and plain numbers give the same')
FROM model, unnest(ARRAY[bg, mbg, pareto, cnbd]) m, customer, LATERAL (SELECT x, t_x, age, coalesce(mean_spend, 0) AS mean_spend FROM btyd(h, '1997-09-30', 7)) b
WHERE customer_id % 20 = 1;
SELECT is(fit_bg_nbd(x, t_x, age, 7)::text, bg::text, 'a fit on plain numbers is the fit on histories')
FROM model, LATERAL (SELECT * FROM customer, LATERAL btyd(h, '1997-09-30', 7) b) c GROUP BY bg::text;
SELECT is(fit_gamma_gamma(coalesce(x, 0), coalesce(mean_spend, 0))::text, spend::text, 'also of spend')
FROM model, LATERAL (SELECT * FROM customer, LATERAL btyd(h, '1997-09-30') b) c GROUP BY spend::text;

-- identities
SELECT ok(bool_and(abs(clv(m, spend, h, '1997-09-30', '1998-06-30', 0) - expected_purchases(m, h, '1997-09-30', '1998-06-30') * expected_spend(spend, h, '1997-09-30')) < 1e-9),
  'without discount a value is purchases times spend') FROM model, unnest(ARRAY[bg, mbg, pareto]) m, customer WHERE customer_id % 20 = 2;
SELECT ok(bool_and(abs(clv(m, spend, h, '1997-09-30', 'infinity', 0.1, 0.3) - 0.3 * dert(m, h, '1997-09-30', 0.1) * expected_spend(spend, h, '1997-09-30')) < 1e-9),
  'until infinity it is DERT times spend times margin') FROM model, unnest(ARRAY[bg, mbg, pareto]) m, customer WHERE customer_id % 20 = 3;
SELECT ok(bool_and(abs(clv(m, spend, h, '1997-09-30', '2197-09-30', 0.1) - clv(m, spend, h, '1997-09-30', 'infinity', 0.1)) < 1e-5),
  'two hundred years are for ever') FROM model, unnest(ARRAY[bg, mbg, pareto]) m, customer WHERE customer_id % 20 = 4;
SELECT ok(bool_and(p_alive(m, h, '1997-09-30', '1997-09-30') = p_alive(m, h, '1997-09-30')), 'alive today is alive at today')
FROM model, unnest(ARRAY[bg, mbg, pareto]) m, customer WHERE customer_id % 20 = 5;
SELECT ok(bool_and(p_alive(m, h, '1997-09-30', '1998-09-30') < p_alive(m, h, '1997-09-30', '1997-12-31')), 'and falls later')
FROM model, unnest(ARRAY[mbg, pareto]) m, customer WHERE customer_id % 20 = 5;
SELECT ok(abs(sum(n * p_purchases(m, n, 39)) - expected_purchases(m, 39)) < 1e-6 AND abs(sum(p_purchases(m, n, 39)) - 1) < 1e-7, 'probabilities and expectation of a new customer agree')
FROM model, unnest(ARRAY[bg, mbg, pareto]) m, generate_series(0, 150) n GROUP BY m ORDER BY m LIMIT 1;
SELECT is(count(*), 946::bigint, 'P(alive) = 1 under BG/NBD for those who never bought again, and for no one else')
FROM model, customer, LATERAL btyd(h, '1997-09-30') b WHERE (p_alive(bg, h, '1997-09-30') = 1) = (x = 0) AND x > 0;
SELECT ok(abs((e).revenue / total - 1) < 1e-12 AND (e).standard_error BETWEEN 2000 AND 10000, 'expected revenue is the sum of values')
FROM (SELECT expected_revenue(bg, spend, h, '1997-09-30', '1998-06-30') AS e, sum(clv(bg, spend, h, '1997-09-30', '1998-06-30', 0)) AS total FROM model, customer) s;

-- any order and any split of the rows gives the same bits
SELECT is(fit_pareto_nbd(h, '1997-09-30', 7 ORDER BY md5(customer_id::text))::text, pareto::text, 'shuffled rows, same fit') FROM customer, model GROUP BY pareto::text;
CREATE AGGREGATE pg_temp.state(purchase_history, date, int) (SFUNC = crm_internal.purchase_model_gaps_transition, STYPE = crm.purchase_model_state);
SELECT is(fit_mbg_cnbd_k_final(purchase_model_state_combine(a, b::text::purchase_model_state))::text, cnbd::text, 'split and combined states, same fit')
FROM model, (SELECT pg_temp.state(h, '1997-09-30', 7) FILTER (WHERE customer_id % 2 = 0) AS a,
  pg_temp.state(h, '1997-09-30', 7) FILTER (WHERE customer_id % 2 = 1) AS b FROM customer) s;

SELECT * FROM finish();
ROLLBACK;
