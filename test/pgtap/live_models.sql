-- Models and tiers in the rules of a tracking: the columns, their upkeep, the
-- changes of tier, rules that cannot score.
SELECT plan(26);

CREATE TABLE orders (customer int, day date, amount numeric);
INSERT INTO orders
SELECT customer_id, purchased_on, amount
FROM crm.simulate_purchases(crm.bg_nbd(0.8, 30, 0.9, 3, 1), crm.gamma_gamma(6, 4, 15), 300, daterange(current_date - 500, current_date - 1, '[]'), 7);
SELECT is(crm.track('orders', 'customer', 'day', 'amount', changes => true, horizon_days => 90)::text, 'orders_customers', 'track');
SELECT is((SELECT count(p_alive)::int FROM orders_histories), 0, 'no models yet');
SELECT ok((SELECT bool_and(value_note LIKE 'no value: no purchase model;%' AND clv_q90_90d IS NULL) FROM orders_customers), 'and every row says why there is no value');
UPDATE orders_scoring SET
  (purchase_model, spend_model) = (SELECT crm.fit_bg_nbd(history, current_date - 1), crm.fit_gamma_gamma(history, current_date - 1) FROM orders_histories),
  tier_program = crm.tier_program(tiers => '{Bronze,Silver,Gold}', thresholds => '{0,100,500}', metric => 'spend', period => '12 months', window_kind => 'rolling');
CALL crm.refresh('orders');
SELECT is_empty('SELECT * FROM crm.verify(''orders'')', 'after a refresh all are scored by them');
SELECT is_empty($$
  SELECT h.customer FROM orders_histories h, orders_scoring r
  WHERE (h.p_alive, h.expected_purchases, h.clv, h.tier) IS DISTINCT FROM
    (crm.p_alive(r.purchase_model, h.history, current_date), crm.expected_purchases(r.purchase_model, h.history, current_date, current_date + 90),
     crm.clv(r.purchase_model, r.spend_model, h.history, current_date, current_date + 90, r.annual_discount_rate, r.margin),
     crm.tier(r.tier_program, h.history, current_date)) $$,
  'as the functions say');
SELECT isnt_empty('SELECT FROM orders_customers WHERE clv_90d > 0 AND p_churned BETWEEN 0 AND 1 AND expected_next_purchase_on >= current_date', 'the view has them');
SELECT is_empty($$
  SELECT v.customer FROM orders_customers v JOIN orders_histories h USING (customer), orders_scoring r,
    crm.clv_interval(r.purchase_model, r.spend_model, h.history, current_date, current_date + 90, r.annual_discount_rate, 0.8, r.margin) i
  WHERE (v.clv_q90_90d = i.high AND v.value_note IS NULL) IS NOT TRUE $$, 'and how much nine of ten bring at most, with nothing to explain');
SELECT matches(col_description('orders_customers'::regclass, (SELECT attnum FROM pg_attribute WHERE attrelid = 'orders_customers'::regclass AND attname = 'clv_q90_90d')),
  'the mean may lie above it', 'which its comment tells from the mean');
SELECT is_empty('SELECT FROM orders_customers WHERE expected_next_purchase_on = ''infinity''', 'without infinite days');
SELECT isnt_empty('SELECT FROM orders_changes WHERE what = ''tier'' AND new_value = ''Gold'' AND why = ''refresh''', 'the first tier is a change');
INSERT INTO orders SELECT customer, current_date, 1000 FROM orders_histories WHERE tier = 'Bronze' LIMIT 1;
SELECT is((SELECT old_value || ' to ' || new_value || ' by ' || why FROM orders_changes WHERE what = 'tier' ORDER BY changed_at DESC LIMIT 1), 'Bronze to Gold by insert', 'a statement changes a tier');
INSERT INTO orders VALUES (100000, current_date, 5), (100001, current_date + 3, 5);
SELECT is_empty('SELECT * FROM crm.verify(''orders'')', 'new customers are scored');
SELECT is((SELECT row(p_alive, tier)::text FROM orders_histories WHERE customer = 100001), '(,)', 'one whose first purchase lies ahead is not');
SELECT isnt_empty('SELECT FROM orders_customers_on(current_date - 200) WHERE clv_90d IS NOT NULL', 'on another day too');

-- what they bring together
SELECT results_eq($$SELECT customer_count, round(revenue::numeric, 6), round(revenue_low::numeric, 6), round(revenue_high::numeric, 6), round(clv::numeric, 6) FROM crm.revenue_forecast('orders', 0.9) WHERE segment IS NULL$$,
  $$SELECT count(*), round((e.r).revenue::numeric, 6), round(i.low::numeric, 6), round(i.high::numeric, 6), round(min(e.clv)::numeric, 6) FROM orders_customers c,
      (SELECT crm.expected_revenue(r.purchase_model, r.spend_model, h.history, h.scored_on, h.scored_on + 90) AS r, sum(h.clv) AS clv FROM orders_histories h, orders_scoring r) e, crm.interval(e.r, 0.9) i
    GROUP BY 2, 3, 4$$, 'revenue, its interval and value of all customers');
SELECT results_eq($$SELECT segment, customer_count, round(clv::numeric, 6) FROM crm.revenue_forecast('orders') WHERE segment IS NOT NULL ORDER BY 1$$,
  $$SELECT segment, count(*), round(sum(clv_90d)::numeric, 6) FROM orders_customers WHERE segment IS NOT NULL GROUP BY 1 ORDER BY 1$$, 'and of each segment');
SELECT ok(abs(sum(revenue) FILTER (WHERE segment IS NOT NULL) / min(revenue) FILTER (WHERE segment IS NULL) - 1) < 1e-9
  AND sum(revenue_high - revenue_low) FILTER (WHERE segment IS NOT NULL) > min(revenue_high - revenue_low) FILTER (WHERE segment IS NULL)
  AND bool_and(revenue_low <= revenue_high AND abs(clv_low / revenue_low - clv / revenue) < 1e-9), 'means add up, intervals do not') FROM crm.revenue_forecast('orders');
SELECT throws_ok($$SELECT * FROM crm.revenue_forecast('orders', 1)$$, '22023', NULL, 'a probability is below 1');
UPDATE orders_scoring SET margin = -0.5;
CALL crm.refresh('orders');
SELECT ok(bool_and(clv < 0 AND clv_low <= clv_high) AND count(*) > 3, 'of a negative margin too the interval of the value begins with the lower end') FROM crm.revenue_forecast('orders');
UPDATE orders_scoring SET margin = 1;
CALL crm.refresh('orders');

-- rules that cannot score are refused at once
SELECT throws_ok($$UPDATE orders_scoring SET purchase_model = 'mbg_nbd(r 1, alpha 2, a 3, b 4, unit_days 1) by covariates (buying(channel 0.5))'$$, '0A000', 'a model with covariates predicts only for a customer whose covariates it is given', 'a model that needs covariates');
SELECT throws_ok($$UPDATE orders_scoring SET spend_model = 'gamma_gamma(p 1, q 2, v 3) fitted (customers 50, repeat_buyers 50, left_out 3, log_likelihood -95.5, gradient_norm 0.25, stalled)'$$, NULL, 'a spend model that did not converge');
SELECT throws_ok('UPDATE orders_scoring SET horizon_days = 365', '23514', NULL, 'a horizon that is not the one in the column names');
SELECT throws_ok('UPDATE orders_scoring SET time_zone = ''Nowhere/At all''', '22023', NULL, 'an unknown time zone');
SELECT throws_ok('SELECT crm.track(''orders'', ''customer'', ''day'', ''amount'', horizon_days => 0)', '22023', NULL, 'a horizon of no days');
UPDATE orders_scoring SET segments = crm.rf_grid(3);
SELECT lives_ok('INSERT INTO orders VALUES (1, current_date, 5)', 'a map for other bins does not stop orders');
SELECT throws_ok('SELECT crm.rebuild(''orders'')', '22023', NULL, 'but no refresh puts it in force');
SELECT * FROM finish();
