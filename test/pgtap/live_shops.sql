-- Shops of ten shapes in one tracking, by the default call: every customer of every shop has a value, and the right way up
SELECT plan(9);
SET client_min_messages = error;

\ir ../fixtures/buyers.sql
CREATE TEMP TABLE sample (customer_id int, ordered_on date, amount numeric);
\copy sample FROM 'test/data/cdnow_sample.csv' CSV HEADER
CREATE TABLE shop_orders (shop text, customer text, purchased_on date, amount numeric);
-- of the larger shops a third
INSERT INTO shop_orders
SELECT shop, customer, p.purchased_on, p.amount FROM buyers, crm.purchases(history) p WHERE shop <> 'bicycles' OR customer % 3 = 0
UNION ALL SELECT 'cdnow', customer_id, ordered_on, amount FROM sample WHERE ordered_on <= '1997-09-30' AND customer_id % 3 = 0
UNION ALL SELECT 'one_each', i, date '2024-01-01' + i, 10 + i FROM generate_series(1, 40) i;
CREATE VIEW shop_purchases AS SELECT shop, customer, purchased_on, amount FROM shop_orders;

SELECT is(crm.track('shop_purchases', scale_by => '{shop}')::text, 'shop_customers', 'track');
UPDATE shop_scoring r SET as_of = (SELECT max(as_of) FROM (SELECT shop, as_of FROM buyers UNION ALL VALUES ('cdnow', date '1997-09-30'), ('one_each', '2024-03-01')) d WHERE d.shop = r.shop);
CALL crm.refresh('shop_purchases', refit => true);

SELECT is((SELECT count(DISTINCT shop) FROM shop_customers), 10::bigint, 'ten shops');
SELECT is((SELECT string_agg(DISTINCT shop, ', ') FROM shop_customers WHERE num_nulls(clv_365d, p_alive, buy_again_365d, expected_purchases_365d, clv_q90_365d) > 0), 'one_each',
  'every customer has a clv, p_alive, buy_again and an upper end, but where nobody came back');
SELECT is_empty('SELECT FROM shop_customers WHERE (clv_365d BETWEEN 0 AND 1e7 AND p_alive BETWEEN 0 AND 1 AND buy_again_365d BETWEEN 0 AND p_alive + 1e-12 AND clv_q90_365d BETWEEN 0 AND 1e8) IS FALSE', 'all within bounds');
SELECT is_empty('SELECT FROM shop_customers WHERE num_nulls(p_churned, clv_365d) > 0 AND value_note IS NULL', 'who lacks a figure is told why');
SELECT is_empty('SELECT FROM shop_customers WHERE num_nulls(p_churned, clv_365d) = 0 AND value_note IS NOT NULL', 'and nobody else');
SELECT is((SELECT string_agg(DISTINCT shop, ', ' ORDER BY shop) FROM shop_customers WHERE value_note LIKE 'p_churned is unknown: nobody is seen to leave%'), 'cafe, fifty, rfm_orders, songs, wholesale',
  'shops that nobody is seen to leave say so, customer by customer');
CREATE TEMP TABLE upright AS
SELECT shop, avg(buy_again_365d) FILTER (WHERE segment = 'Champions') AS best, avg(buy_again_365d) FILTER (WHERE segment = 'Hibernating') AS worst,
  avg(clv_365d) FILTER (WHERE segment = 'Champions') AS best_clv, avg(clv_365d) FILTER (WHERE segment = 'Hibernating') AS worst_clv
FROM shop_customers GROUP BY shop;
SELECT is((SELECT string_agg(shop, ', ' ORDER BY shop) FROM upright WHERE best >= worst * (1 - 1e-9)), 'bicycles, cafe, cdnow, clockwork, fifty, rfm_orders, superstore, wholesale',
  'Champions are as likely to buy again as Hibernating or likelier, wherever there are both');
SELECT is((SELECT string_agg(shop, ', ' ORDER BY shop) FROM upright JOIN shop_scoring USING (shop) WHERE NOT best_clv >= worst_clv AND crm.model_name(purchase_model) <> 'poisson'), NULL, 'and worth as much or more');
SELECT * FROM finish();
