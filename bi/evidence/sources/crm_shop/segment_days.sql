SELECT * FROM shop.orders_segment_days;
