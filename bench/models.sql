-- What fits and predictions cost, from histories already made, on one core.
-- The same likelihood in a plain C loop: see bench/models_loop.c.

CREATE TABLE simulated AS
SELECT customer_id, crm.purchase_history(purchased_on, amount::numeric) AS history
FROM crm.simulate_purchases(crm.bg_nbd(0.2426, 4.4136, 0.7929, 2.4259, 7), crm.gamma_gamma(6.25, 3.74, 15.44),
    :customers, '[2024-01-01,2025-12-31]', 1, '2025-06-30')
GROUP BY customer_id;
VACUUM (ANALYZE) simulated;

CREATE TABLE fitted AS
SELECT crm.fit_bg_nbd(history, '2025-12-31', 7) AS bg, crm.fit_mbg_nbd(history, '2025-12-31', 7) AS mbg,
    crm.fit_pareto_nbd(history, '2025-12-31', 7) AS pareto, crm.fit_gamma_gamma(history, '2025-12-31') AS spend
FROM simulated;

CALL bench.alternative('fit from histories', 'reading the histories alone', $$
    SELECT sum(crm.purchase_day_count(history)) FROM simulated $$);
CALL bench.alternative('fit from histories', 'fit_bg_nbd', $$
    SELECT crm.fit_bg_nbd(history, '2025-12-31', 7) FROM simulated $$, 'under 2 s for 1 M');
CALL bench.alternative('fit from histories', 'fit_mbg_nbd', $$
    SELECT crm.fit_mbg_nbd(history, '2025-12-31', 7) FROM simulated $$);
CALL bench.alternative('fit from histories', 'fit_pareto_nbd', $$
    SELECT crm.fit_pareto_nbd(history, '2025-12-31', 7) FROM simulated $$, 'under 6 s for 1 M');
CALL bench.alternative('fit from histories', 'fit_mbg_cnbd_k', $$
    SELECT crm.fit_mbg_cnbd_k(history, '2025-12-31', 7) FROM simulated $$);
CALL bench.alternative('fit from histories', 'fit_purchase_model', $$
    SELECT crm.fit_purchase_model(history, '2025-12-31', 7) FROM simulated $$, 'under 5 s for 1 M, and 1.5 times the families together');
CALL bench.alternative('fit from histories', 'fit_gamma_gamma', $$
    SELECT crm.fit_gamma_gamma(history, '2025-12-31') FROM simulated $$);

CALL bench.alternative('predictions for every customer', 'reading the histories alone', $$
    SELECT sum(crm.purchase_day_count(history)) FROM simulated $$);
CALL bench.alternative('predictions for every customer', 'p_alive, BG/NBD', $$
    SELECT sum(crm.p_alive(bg, history, '2025-12-31')) FROM simulated, fitted $$, '2 us each');
CALL bench.alternative('predictions for every customer', 'p_alive, Pareto/NBD', $$
    SELECT sum(crm.p_alive(pareto, history, '2025-12-31')) FROM simulated, fitted $$, '2 us each');
CALL bench.alternative('predictions for every customer', 'expected_purchases, BG/NBD', $$
    SELECT sum(crm.expected_purchases(bg, history, '2025-12-31', '2026-12-31')) FROM simulated, fitted $$, '2 us each');
CALL bench.alternative('predictions for every customer', 'expected_purchases, Pareto/NBD', $$
    SELECT sum(crm.expected_purchases(pareto, history, '2025-12-31', '2026-12-31')) FROM simulated, fitted $$, '2 us each');
CALL bench.alternative('predictions for every customer', 'clv, Pareto/NBD', $$
    SELECT sum(crm.clv(pareto, spend, history, '2025-12-31', '2026-12-31', 0.1)) FROM simulated, fitted $$, '4 us each');
CALL bench.alternative('predictions for every customer', 'dert, Pareto/NBD', $$
    SELECT sum(crm.dert(pareto, history, '2025-12-31', 0.1)) FROM simulated, fitted $$, '4 us each');
CALL bench.alternative('predictions for every customer', 'clv, BG/NBD', $$
    SELECT sum(crm.clv(bg, spend, history, '2025-12-31', '2026-12-31', 0.1)) FROM simulated, fitted $$, '20 us each');
CALL bench.alternative('predictions for every customer', 'dert, BG/NBD', $$
    SELECT sum(crm.dert(bg, history, '2025-12-31', 0.1)) FROM simulated, fitted $$, '20 us each');
CALL bench.alternative('predictions for every customer', 'clv, MBG/NBD', $$
    SELECT sum(crm.clv(mbg, spend, history, '2025-12-31', '2026-12-31', 0.1)) FROM simulated, fitted $$, '20 us each');
CALL bench.alternative('predictions for every customer', 'P(buys again), Pareto/NBD', $$
    SELECT sum(1 - crm.probability(crm.purchase_forecast(pareto, history, '2025-12-31', '2026-12-31'), 0)) FROM simulated, fitted $$, '10 us each');
CALL bench.alternative('predictions for every customer', 'P(three purchases), Pareto/NBD', $$
    SELECT sum(crm.probability(crm.purchase_forecast(pareto, history, '2025-12-31', '2026-12-31'), 3)) FROM simulated, fitted $$, '10 us each');
CALL bench.alternative('predictions for every customer', 'P(three purchases), MBG/NBD', $$
    SELECT sum(crm.probability(crm.purchase_forecast(mbg, history, '2025-12-31', '2026-12-31'), 3)) FROM simulated, fitted $$, '30 us each');
CALL bench.alternative('predictions for every customer', 'clv_interval, Pareto/NBD', $$
    SELECT sum(high) FROM simulated, fitted, crm.clv_interval(pareto, spend, history, '2025-12-31', '2026-12-31', 0.1) $$, '200 us each');
