-- Lines by age, one a quarter: what a customer has brought up to each age
SELECT date_trunc('quarter', cohort_start)::date AS quarter, age, round(sum(cumulative_amount) / sum(observable), 2) AS per_customer
FROM shop.orders_cohorts GROUP BY 1, 2 ORDER BY 1, 2;
