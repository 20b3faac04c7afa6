-- How many, how much, how sure: laws, coverage on CDNOW, and simulation
BEGIN;
SET LOCAL search_path = public, crm, crm_internal;
SELECT plan(63);

CREATE TEMP TABLE orders (customer_id int, ordered_on date, amount numeric);
\copy orders FROM 'test/data/cdnow_sample.csv' CSV HEADER
CREATE TEMP TABLE customer AS SELECT customer_id, purchase_history(ordered_on, amount) AS history FROM orders GROUP BY 1;
CREATE TEMP TABLE model AS SELECT fit_pareto_nbd(history, '1997-09-30', 7) AS pareto, fit_mbg_nbd(history, '1997-09-30', 7) AS mbg, fit_bg_nbd(history, '1997-09-30', 7) AS bg,
  fit_gamma_gamma(history, '1997-09-30') AS spend FROM customer;

-- the published customer
CREATE FUNCTION pg_temp.first(n int) RETURNS numeric LANGUAGE sql AS $$
  SELECT round(probability(purchase_forecast(pareto_nbd(0.553, 10.578, 0.606, 11.669, 7), history, '1997-09-30', '1998-06-30'), n)::numeric, 12) FROM customer WHERE customer_id = 1 $$;
SELECT is(pg_temp.first(0), 0.408040922165, 'the first customer of CDNOW: no purchase');
SELECT is(pg_temp.first(1), 0.219287060056, 'one');
SELECT is(pg_temp.first(2), 0.151759733692, 'two');

-- laws, for every model and some customers
CREATE TEMP TABLE forecast AS
SELECT customer_id, m.model, purchase_forecast(m.model, history, '1997-09-30', '1998-06-30') AS f, expected_purchases(m.model, history, '1997-09-30', '1998-06-30') AS expected
FROM model, customer, LATERAL (VALUES (pareto), (mbg), (bg), (nbd(0.5, 10, 7)), (poisson(0.1, 7)), ('mbg_nbd(rate 0.2, share 0.4, unit_days 7)'),
  ('pareto_nbd(rate 0.2, mu 0.02, unit_days 7)'), (mbg_cnbd_k(3, 1, 5, 0.8, 2.5, 7)), ('mbg_cnbd_k(k 2, rate 0.3, p 0.2, unit_days 7)')) AS m(model)
WHERE customer_id <= 20;
SELECT ok(bool_and(abs(s - 1) < 1e-9) AND bool_and(abs(e - expected) < 1e-7), model_name(model) || ': probabilities add up to 1 and their mean is the expectation')
FROM (SELECT customer_id, model, f, expected, sum(probability(f, n)) AS s, sum(n * probability(f, n)) AS e FROM forecast, generate_series(0, 150) n GROUP BY customer_id, model, f, expected) p GROUP BY model;
SELECT ok((SELECT bool_and(q = (SELECT min(n) FROM generate_series(0, 60) n WHERE (SELECT sum(probability(f, k)) FROM generate_series(0, n) k) >= 0.9))
  FROM (SELECT f, quantile(f, 0.9) AS q FROM forecast WHERE model = (SELECT pareto FROM model)) f), 'a quantile is the first number that is not exceeded so often');
SELECT ok((SELECT bool_and(mean(f) = expected) FROM forecast), 'mean is expected_purchases');
SELECT ok((SELECT bool_and(f::text::purchase_forecast = f) FROM forecast), 'the text form is lossless');
SELECT ok((SELECT bool_and((crm.interval(f)).low <= (crm.interval(f)).high AND (crm.interval(f, 0.5)).high <= (crm.interval(f, 0.9)).high) FROM forecast), 'wider intervals for more confidence');
SELECT ok((SELECT bool_and(standard_error(f, 'mean') > 0 AND abs(standard_error(f, 'both') ^ 2 - standard_error(f) ^ 2 - standard_error(f, 'mean') ^ 2) < 1e-9
    AND (crm.interval(f, 0.8, 'mean')).low < mean(f) AND (crm.interval(f, 0.8, 'mean')).high > mean(f)) FROM forecast WHERE model IN (SELECT pareto FROM model)), 'luck and parameters add up');
SELECT is((SELECT standard_error(f, 'mean') FROM forecast WHERE model = nbd(0.5, 10, 7) LIMIT 1), 0::float8, 'given parameters have no error');

-- coverage of what really happened
CREATE TEMP TABLE covered AS
SELECT quantile(f, 0.1) AS low, quantile(f, 0.9) AS high, purchase_day_count(within(history, '[1997-10-01,1998-06-30]')) AS actual,
  (SELECT coalesce(sum(probability(f, n)), 0) FROM generate_series(0, purchase_day_count(within(history, '[1997-10-01,1998-06-30]')) - 1) n) AS below,
  probability(f, purchase_day_count(within(history, '[1997-10-01,1998-06-30]'))) AS at,
  (hashtext('seed ' || customer_id)::bigint + 2147483648) / 4294967296.0 AS u,
  (SELECT sum(probability(f, n)) FROM generate_series(quantile(f, 0.1), quantile(f, 0.9)) n) AS expected
FROM model, customer, purchase_forecast(pareto, history, '1997-09-30', '1998-06-30') f;
SELECT ok((SELECT avg((actual BETWEEN low AND high)::int) FROM covered) >= 0.8, 'the interval of 80 % holds at least 80 % of 2357 counts');
SELECT ok((SELECT abs(avg((actual BETWEEN low AND high)::int) - avg(expected)) FROM covered) < 0.04, 'and as many as the model expects, within 4 points');
SELECT ok((SELECT round(avg(expected)::numeric, 3) FROM covered) = 0.920, 'which is 0.920');
SELECT ok((SELECT avg((below + u * at BETWEEN 0.1 AND 0.9)::int) FROM covered) BETWEEN 0.76 AND 0.84, 'the randomised PIT lies between .1 and .9 for about 80 %');

-- value: against simulation, for a new customer whose future the simulation is
CREATE TEMP TABLE simulated AS
SELECT customer_id, sum(amount) FILTER (WHERE purchased_after > 0) AS value
FROM simulate_purchases(pareto_nbd(0.8, 20, 0.7, 40, 1), gamma_gamma(2, 4, 30), 20000, '[2024-01-01,2024-12-31]', 7) GROUP BY 1;
SELECT ok(abs((SELECT avg((coalesce(value, 0) <= i.high)::int) FROM simulated) - 0.9) < 0.01, 'clv_interval: a tenth of simulated customers brings more than the upper end')
FROM clv_interval(pareto_nbd(0.8, 20, 0.7, 40, 1), gamma_gamma(2, 4, 30), '{2024-01-01 1 10}', '2024-01-01', '2024-12-31', 0) i;
SELECT ok(abs(high - crm.quantile(f, 0.9) * 9.99) < 1e-6, 'one price: as many times the price as the quantile of purchases')
FROM purchase_forecast(nbd(2, 30), '{2024-01-01 1 9.99}', '2024-02-01', '2024-12-31') f,
  clv_interval(nbd(2, 30), one_price(9.99), '{2024-01-01 1 9.99}', '2024-02-01', '2024-12-31', 0);
SELECT ok((SELECT bool_and(b.high > 0 AND abs(d.high / b.high - clv(mbg, spend, history, '1997-09-30', '1998-06-30', 0.15) / clv(mbg, spend, history, '1997-09-30', '1998-06-30', 0)) < 1e-9)
  FROM model, customer, clv_interval(mbg, spend, history, '1997-09-30', '1998-06-30', 0) b, clv_interval(mbg, spend, history, '1997-09-30', '1998-06-30', 0.15) d
  WHERE customer_id IN (1, 6)), 'a discount scales the ends as it does the mean');
SELECT ok(m.low = -p.high AND m.high = -p.low, 'a negative margin turns the interval')
FROM clv_interval(nbd(2, 30), gamma_gamma(6, 4, 15), '{2024-01-01 1 9.99}', '2024-02-01', '2024-12-31', 0) p,
  clv_interval(nbd(2, 30), gamma_gamma(6, 4, 15), '{2024-01-01 1 9.99}', '2024-02-01', '2024-12-31', 0, margin => -1) m;
SELECT ok(bool_and(i.high = 0 AND i.low BETWEEN -1 AND 0) AND count(*) > 3, 'so it does where chances to buy nothing lie at its end, between two ways to round it')
FROM (SELECT m, probability(purchase_forecast(m, '{2024-01-01 1 9.99}', '2024-04-01', '2024-07-10'), 0) AS nothing FROM (SELECT poisson(0.005 + i * 1e-6) AS m FROM generate_series(1, 50) i) m) p,
  clv_interval(m, gamma_gamma(6, 4, 15), '{2024-01-01 1 9.99}', '2024-04-01', '2024-07-10', 0, 2 * nothing - 1 + 0.375 * 2::float8 ^ -52, -1) i WHERE nothing BETWEEN 0.5 AND 0.62;
SELECT ok(abs(high / gamma_high - 1) < 1e-3, 'everybody spends alike: the interval of the family close by')
FROM clv_interval(nbd(2, 30), 'gamma_gamma(p 3, mean 20)', '{2024-01-01 1 9.99}', '2024-02-01', '2024-12-31', 0),
  LATERAL (SELECT high AS gamma_high FROM clv_interval(nbd(2, 30), gamma_gamma(3, 1e5, 1e5 / 3 * 20), '{2024-01-01 1 9.99}', '2024-02-01', '2024-12-31', 0)) g;

-- confidence and the likelihood ratio
SELECT is((SELECT count(*) FROM model, confidence(pareto) c JOIN parameters(pareto) p USING (name) WHERE abs(low - p.estimate * exp(-1.959963984540054 * standard_error / p.estimate)) < 1e-12
  AND abs(high - p.estimate * exp(1.959963984540054 * standard_error / p.estimate)) < 1e-9), 4::bigint, 'confidence is on the log scale');
SELECT is((SELECT count(low) FROM confidence(nbd(1, 2))), 0::bigint, 'given parameters have none');
SELECT ok((SELECT p_value IS NULL AND statistic > 300 AND reason LIKE 'a parameter has no meaning%' FROM model, likelihood_ratio_test('nbd(r 0.385, alpha 12, unit_days 7) fitted (customers 2357, repeat_buyers 946, left_out 0, log_likelihood -9763.66, gradient_norm 1e-9, converged, covariance 1 0 1)', mbg)),
  'where nobody leaves, how differently they leave has no meaning');
SELECT is((SELECT round(p_value::numeric, 6) FROM likelihood_ratio_test('poisson(rate 0.1, unit_days 7) fitted (customers 50, repeat_buyers 40, left_out 0, log_likelihood -100, gradient_norm 1e-9, converged, covariance 1)',
  'nbd(r 0.385, alpha 12, unit_days 7) fitted (customers 50, repeat_buyers 40, left_out 0, log_likelihood -98.0792705958, gradient_norm 1e-9, converged, covariance 1 0 1)')), 0.025000, 'one boundary: half of a chi-square of one degree');
SELECT is((SELECT statistic FROM model, likelihood_ratio_test(pareto, mbg)), NULL, 'families are not nested');
SELECT throws_ok($$SELECT likelihood_ratio_test(nbd(1, 2), poisson(1))$$, '22023', NULL, 'given models have no likelihood');

-- refused
SELECT throws_ok($$SELECT probability(purchase_forecast(nbd(1, 2), '{2024-01-01 1 10}', '2024-02-01', '2024-03-01'), -1)$$, '22023', 'a customer cannot make -1 purchases', 'a negative number');
SELECT is_empty($$SELECT i.* FROM model, customer, unnest('{0,0.15}'::float8[]) rate, unnest('{0.3,-0.3}'::float8[]) margin, clv_interval(mbg, spend, history, '1997-09-30', '1998-06-30', rate, 0.8, margin) i
  WHERE customer_id < 40 AND (i.low, i.high) IS DISTINCT FROM (clv_quantile(mbg, spend, history, '1997-09-30', '1998-06-30', rate, (1 - 0.8::float8) / 2, margin), clv_quantile(mbg, spend, history, '1997-09-30', '1998-06-30', rate, (1 + 0.8::float8) / 2, margin))$$,
  'quantiles of the value are the ends of its interval, to the last bit');
SELECT is(clv_quantile(mbg_nbd(1, 10, 0.5, 2), gamma_gamma(6, 4, 15), '{2024-01-01 1 10}', '2024-02-01', '2025-02-01', 0.1, 0.9, -1)::text, '0', 'who buys nothing loses nothing');
SELECT throws_ok($$SELECT clv_quantile(nbd(1, 2), gamma_gamma(6, 4, 15), '{2024-01-01 1 10}', '2024-02-01', '2024-12-31', 0.1, 1)$$, '22023', NULL, 'a quantile is a probability');
SELECT throws_ok($$SELECT clv_interval(nbd(1, 2), gamma_gamma(6, 4, 15), '{2024-01-01 1 10}', '2024-02-01', 'infinity', 0.1)$$, '22023', 'a quantile of the value needs a finite end', 'for ever');
SELECT throws_ok($$SELECT crm.interval(purchase_forecast(nbd(1, 2), '{2024-01-01 1 10}', '2024-02-01', '2024-03-01'), 0.8, 'luck')$$, '22023', 'unknown uncertainty "luck"', 'another uncertainty');

-- totals of groups: the interval holds as often as it says, and is of a mean and variance that are known
CREATE TEMP TABLE shopper AS
SELECT customer_id % 200 AS shop, purchase_history(purchased_on, amount) AS history
FROM simulate_purchases(pareto_nbd(0.553, 10.578, 0.606, 11.669, 7), gamma_gamma(6.25, 3.74, 15.44), 20000, '[2023-01-01,2024-12-31]', 5, '2023-06-30') GROUP BY customer_id;
SELECT ok(avg((actual BETWEEN low AND high)::int) BETWEEN 0.72 AND 0.88, format('80 %% intervals of the revenue of 200 shops hold %s', avg((actual BETWEEN low AND high)::int)))
FROM (SELECT shop, expected_revenue(pareto_nbd(0.553, 10.578, 0.606, 11.669, 7), gamma_gamma(6.25, 3.74, 15.44), history, '2023-12-31', '2024-12-31') AS r,
    sum(crm.spend(within(history, '(2023-12-31,2024-12-31]'))) AS actual FROM shopper GROUP BY shop) g, crm.interval(r);
-- who bought once is reckoned once for each age, time and model of a statement: rows of two models and two ends, in turns
CREATE TEMP TABLE once_and_more AS
SELECT n, history, model, date '2024-01-01' + (n % 3 * 100)::int AS until
FROM (SELECT customer_id AS n, purchase_history(purchased_on, amount) AS history FROM simulate_purchases(mbg_nbd(0.8, 60, 0.6, 1.4), gamma_gamma(6.25, 3.74, 15.44), 3000, '[2022-01-01,2023-12-31]', 7) GROUP BY customer_id) h,
  LATERAL (SELECT CASE n % 2 WHEN 0 THEN pareto_nbd(0.553, 74, 0.606, 81)
    ELSE 'mbg_nbd(r 0.8, alpha 60, a 0.6, b 1.4, unit_days 1) fitted (customers 9, repeat_buyers 5, left_out 0, log_likelihood -9, gradient_norm 0, converged, covariance 0.01 0 2 0 0 0.01 0 0 0 0.02)'::purchase_model END AS model) m;
SELECT is(count(*) || ' ' || (max(customers) > 100), '6 true', 'revenue of groups whose rows come in turns is theirs alone')
FROM (SELECT n % 2 AS model, until, expected_revenue(model, gamma_gamma(6.25, 3.74, 15.44), history, '2023-12-31', until ORDER BY n) AS r, count(*) AS customers,
    sum(expected_purchases(model, history, '2023-12-31', until) * expected_spend(gamma_gamma(6.25, 3.74, 15.44), history, '2023-12-31')) AS revenue
  FROM once_and_more GROUP BY 1, until) g
WHERE abs((r).revenue / nullif(revenue, 0) - 1) < 1e-12 OR (r).revenue = 0 AND revenue = 0;
SELECT is((expected_revenue(model, gamma_gamma(6.25, 3.74, 15.44), history, '2023-12-31', until ORDER BY n DESC)).standard_error,
    (SELECT (expected_revenue(model, gamma_gamma(6.25, 3.74, 15.44), history, '2023-12-31', date '2024-07-19')).standard_error FROM once_and_more WHERE n % 2 = 1 AND until = '2024-07-19'),
  'and so is its standard error, to the last bit')
FROM once_and_more WHERE n % 2 = 1 GROUP BY until HAVING until = '2024-07-19';
SELECT ok(abs(ln(high / low) / 2 - 1.2815515655446004 * sqrt(ln(1.04))) < 1e-12 AND abs(ln(high * low) / 2 - (ln(100) - ln(1.04) / 2)) < 1e-12, 'a lognormal distribution of the mean and the variance')
FROM crm.interval(ROW(10, 100, 20)::expected_revenue_result);
SELECT is((low, high)::text, '(0,0)', 'nothing for certain is nothing') FROM crm.interval(ROW(10, 0, 0)::expected_revenue_result);
SELECT is((low, high)::text, '(,)', 'no interval of an infinite variance') FROM crm.interval(ROW(10, 100, 'Infinity')::expected_revenue_result);
SELECT is(array_agg((low >= 0 AND high < 1, low IS NULL)::text), '{"(t,f)","(,t)"}', 'hardly any revenue has an interval, or none, but no NaN') FROM (VALUES (1e-200), (1e-310)) r(revenue), crm.interval(ROW(10, revenue, 1)::expected_revenue_result);
SELECT throws_ok($$SELECT crm.interval(ROW(10, 100, 20)::expected_revenue_result, 1)$$, '22023', 'level 1 is out of range', 'nor one of a level of 1');

-- why there is no value
SELECT is(array_agg(coalesce(value_note(purchases, spend, '{2024-01-01 1 10, 2024-02-01 1 20}', as_of), 'a value') ORDER BY i), ARRAY[
  'no value: nothing was bought by then', 'no value: no purchase model; crm.refresh(..., refit => true) fits one, and crm.data_check says what hinders it',
  'no clv: no spend model; crm.refresh(..., refit => true) fits one to the repeat buyers', 'p_churned is unknown: nobody is seen to leave',
  'clv stands on the median spend: its mean is infinite', 'a value'], 'why there is no value, in words')
FROM (VALUES (1, mbg_nbd(1, 2, 3, 4), gamma_gamma(6, 4, 15), date '2023-12-31'), (2, NULL, gamma_gamma(6, 4, 15), '2024-06-30'), (3, mbg_nbd(1, 2, 3, 4), NULL, '2024-06-30'),
  (4, nbd(1, 2), gamma_gamma(6, 4, 15), '2024-06-30'), (5, mbg_nbd(1, 2, 3, 4), gamma_gamma(0.2, 0.5, 15), '2024-06-30'), (6, mbg_nbd(1, 2, 3, 4), gamma_gamma(6, 4, 15), '2024-06-30')) v(i, purchases, spend, as_of);
SELECT is(value_note(mbg_nbd(1, 2, 3, 4), gamma_gamma(6, 4, 15), NULL, '2024-06-30'), 'no value: nothing was bought by then', 'no history, no value');
SELECT is(value_note('mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 1) fitted (customers 20, repeat_buyers 10, left_out 0, log_likelihood -5, gradient_norm 1, stalled)', one_price(1), '{2024-01-01 1 10}', '2024-06-30'),
  'no value: The search ended at a gradient of 1, which is not zero', 'a fit that did not converge');
SELECT is(array_agg(value_note(purchases, spend, history, '2023-12-31') ORDER BY i), ARRAY['no value: the purchase model has covariates; crm.for_customer(model, covariates) is that of one customer', NULL]::text[], 'a model with covariates knows nothing of one without')
FROM (SELECT i, CASE i WHEN 1 THEN model ELSE for_customer(model, covariates('{member}', '{1}')) END AS purchases, gamma_gamma(6, 4, 15) AS spend, purchase_history '{2022-01-01 1 10, 2022-03-01 1 20}' AS history
  FROM (SELECT fit_mbg_nbd(history, '2023-12-31', covariates('{member}', ARRAY[n % 2])) AS model FROM once_and_more) f, generate_series(1, 2) i) m;
SELECT is(value_note(mbg_nbd(1, 2, 3, 4), spend, '{2022-01-01 1 10}', '2023-12-31'), 'no clv: the spend model has covariates; crm.for_customer(model, covariates) is that of one customer', 'nor does one of their spend')
FROM (SELECT fit_gamma_gamma(history, '2023-12-31', covariates('{member}', ARRAY[n % 2])) AS spend FROM once_and_more) f;
SELECT is(count(*), 0::bigint, 'everybody of CDNOW has a value') FROM customer, model WHERE value_note(pareto, spend, history, '1998-06-30') IS NOT NULL;
SELECT is(count(value_note(pareto, spend, history, '1998-06-30')), count(*) FILTER (WHERE clv(pareto, spend, history, '1998-06-30', '1999-06-30', 0.1) IS NULL), 'and whoever has a value has no note') FROM customer, model;

-- millions of years ahead: what would be counted for minutes is refused at once, and the mean is still there
SELECT throws_ok(format('SELECT %s(%s)', f, a), '54000', 'a prediction of more than 50000 purchases of a customer has no quantiles', f || ' of too many purchases')
FROM (VALUES ('clv_interval', $$'bg_nbd(r 0.243, alpha 4.414, a 0.793, b 2.426, unit_days 7)', 'gamma_gamma(p 6.25, q 3.74, v 15.44)', '{4714-11-24 BC 1 1, 5874897-12-31 1 1}', '4714-11-24 BC', '5874897-12-31', 0.9, 0.5, 1$$),
  ('quantile', $$purchase_forecast('nbd(r 20, alpha 1, unit_days 1)', '{2024-01-01 1 1, 2024-12-31 1 1}', '2025-01-01', '9999-01-01'), 0.5$$)) AS v(f, a);

-- a spend without finite mean: whoever bought often enough keeps one, the others get the median, and there is no total
CREATE TEMP TABLE spender AS SELECT 'gamma_gamma(p 1, q 0.5, v 10)'::spend_model AS spend, h::purchase_history AS history FROM unnest('{"{2024-01-01 1 10}","{2024-01-01 1 10, 2024-02-01 1 30}"}'::text[]) h;
SELECT is(array_agg(spend_measure(spend, history, '2024-06-30') ORDER BY purchase_count(history)), '{median,mean}', 'infinite for one purchase, finite for two') FROM spender;
SELECT is(array_agg(round(expected_spend(spend, history, '2024-06-30')::numeric, 9) ORDER BY purchase_count(history)), '{30.000000000,80.000000000}', 'median v (2^(1/q) - 1), mean p (v + x z) / (p x + q - 1)') FROM spender;
SELECT ok(bool_and(clv(nbd(1, 30), spend, history, '2024-06-30', '2025-06-30', 0) > 0), 'both have a value') FROM spender;
SELECT throws_ok($$SELECT expected_revenue(nbd(1, 30), spend, history, '2024-06-30', '2025-06-30') FROM spender$$, '22003', 'the expected revenue of 1 of 2 customers is infinite', 'but no total');
SELECT matches(obj_description('simple_clv(float8,float8,float8)'::regprocedure), '25 to 50 %', 'simple_clv warns of its constant rate');

-- chances of more purchases than there is time for are small numbers, not none
SELECT is((SELECT array_agg(p >= 0 AND p < 1e-3 ORDER BY n) FROM unnest(ARRAY[300, 5000, 1000000, 2147483647]) n,
    crm.p_purchases('pareto_nbd(r 0.553, alpha 10.578, s 0.606, beta 11.669, unit_days 7)'::crm.purchase_model, n, 2) p),
  ARRAY[true, true, true, true], 'P(n) of any n is a number');
SELECT * FROM finish();
ROLLBACK;
