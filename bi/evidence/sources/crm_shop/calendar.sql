SELECT * FROM shop.orders_calendar;
