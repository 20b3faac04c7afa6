SELECT * FROM shop.orders_cohorts;
