-- The shapes of real shops: the queries of docs/shops.md against values added up by hand
BEGIN;
SET LOCAL search_path = public, crm;
SET LOCAL client_min_messages = warning;
SELECT plan(9);
\ir ../fixtures/shops.sql

SELECT is((SELECT purchase_history(invoice_date, quantity * unit_price, line_orders) FROM
    (SELECT *, (row_number() OVER (PARTITION BY invoice_no ORDER BY stock_code) = 1)::int AS line_orders FROM uci.online_retail) l
  WHERE customer_id = 17850), '{2010-12-01 2 79.84, 2010-12-03 0 -19.80, 2011-02-25 1 15.00}',
  'order lines: two invoices of five lines on one day are two orders, a cancellation is money back');
SELECT is((SELECT drop_refunded(purchase_history(invoice_date, quantity * unit_price)) FROM uci.online_retail WHERE customer_id = 12346), '{}',
  'order lines: bought and cancelled on the same day drops out');
SELECT is((SELECT purchase_history(created, amount / 100.0, 'Europe/Berlin') FROM stripe.charges WHERE customer = 'cus_A' AND status = 'succeeded'),
  '{2024-01-31 1 49.00, 2024-02-01 1 49.00, 2024-03-02 1 49.00}', 'cents: an instant lies on the day of its time zone');
SELECT is((SELECT spend(purchase_history(at, cents / 100.0, 'Europe/Berlin')) FROM
    (SELECT created AS at, amount AS cents FROM stripe.charges WHERE customer = 'cus_B' AND status = 'succeeded'
     UNION ALL SELECT r.created, -r.amount FROM stripe.refunds r JOIN stripe.charges c ON c.id = charge WHERE c.customer = 'cus_B') m), 1000.00,
  'cents: a partial refund lowers the spend and no order');
SELECT is((SELECT purchase_history(created_at, total_price::numeric, 'Europe/Berlin') FROM shopify.orders
  WHERE lower(trim(email)) = 'ana@example.com' AND financial_status IN ('paid', 'partially_refunded')),
  '{2024-02-01 1 59.90, 2024-02-14 1 20.00, 2024-03-14 1 20.10}', 'guests: one person however the address is typed');
SELECT is((SELECT merge(h) FROM (SELECT purchase_history(order_purchase_timestamp, paid) AS h FROM olist.orders
      JOIN (SELECT order_id, sum(payment_value) AS paid FROM olist.order_payments GROUP BY order_id) p USING (order_id)
      JOIN olist.customers USING (customer_id) WHERE customer_unique_id = 'p1' AND order_status <> 'canceled' GROUP BY customer_id) parts),
  '{2017-10-02 1 38.71, 2018-07-24 1 141.46}', 'several ids: histories of one person merge');
SELECT is((SELECT purchase_history(posting_date, base_grand_total) FROM erpnext.sales_invoice WHERE docstatus = 1 AND customer = 'Cole'),
  '{2023-01-31 1 10, 2023-02-28 1 10, 2023-03-31 1 10, 2023-04-30 1 10, 2023-05-31 1 10, 2023-06-02 0 -50}', 'returns: a negative row is no order');
SELECT is((SELECT (spend(h), purchase_count(h), first_purchased_on(h) IS NULL)::text FROM
    (SELECT purchase_history(posting_date, base_grand_total) AS h FROM erpnext.sales_invoice WHERE docstatus = 1 AND customer = 'Dunn') d),
  '(-5.0000,0,t)', 'returns: a return alone is money without a purchase');
SELECT is((SELECT count(*) FROM (SELECT purchase_history(completed_at, total) AS h FROM spree.orders GROUP BY coalesce(user_id::text, lower(email))) s WHERE h IS NULL), 1::bigint,
  'carts: whoever has carts alone has no history');

SELECT * FROM finish();
ROLLBACK;
