-- Stacked bars by month: revenue of new, retained and reactivated customers
SELECT period_start AS month, new_amount AS new, retained_amount AS retained, reactivated_amount AS reactivated
FROM shop.orders_calendar ORDER BY period_start;
