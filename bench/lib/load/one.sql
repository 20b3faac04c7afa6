INSERT INTO load_crm (customer_id, ordered_on, amount) VALUES (:customer, current_date, 19.90);
