SELECT * FROM shop.orders_customers;
