-- One customer who bought every day for ten years.
INSERT INTO load_crm (customer_id, ordered_on, amount) SELECT -1, current_date - i, 5 FROM generate_series(0, 3649) i;
