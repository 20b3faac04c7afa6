-- Table: the hundred customers of the most spend who are slipping away
SELECT customer_id, segment, spend, purchase_count, last_purchased_on, days_since_last_purchase
FROM shop.orders_customers WHERE segment IN ('At Risk', 'Cannot Lose', 'Need Attention') ORDER BY spend DESC LIMIT 100;
