\set customer random(1, :customers)
INSERT INTO :table (customer_id, ordered_on, amount) VALUES (:customer, current_date, 19.90);
