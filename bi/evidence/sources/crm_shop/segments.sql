SELECT * FROM shop.orders_segments;
