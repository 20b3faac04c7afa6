-- Numbers: the last month that is over, beside the one before
SELECT c.period_start AS month, c.amount AS revenue, c.amount - b.amount AS change, c.active_count AS customers, c.new_count AS new_customers,
  round(100 * c.repeat_share::numeric, 1) AS repeat_percent, round(c.average_order_value, 2) AS average_order
FROM shop.orders_calendar AS c LEFT JOIN shop.orders_calendar AS b ON b.period_start = (c.period_start - interval '1 month')::date
ORDER BY c.period_start DESC LIMIT 1;
