SELECT *, customer_id::text AS customer_key FROM shop.orders_customers;
