-- Row chart: customers and value of every segment, the empty ones too
SELECT segment, customer_count AS customers, spend, round(clv_365d::numeric, 2) AS value_next_year, round(100 * buy_again_365d::numeric, 1) AS buy_again_percent
FROM shop.orders_segments ORDER BY segment_rank;
