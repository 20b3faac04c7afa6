-- Lines by day: how the segments moved
SELECT scored_on, segment, customer_count AS customers, entered_count AS entered, left_count AS "left"
FROM shop.orders_segment_days ORDER BY scored_on, segment_rank;
