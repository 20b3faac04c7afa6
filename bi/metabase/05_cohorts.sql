-- Pivot table, rows cohort, columns age: share of the cohort that bought
SELECT cohort_start AS cohort, age, round(100 * rate::numeric, 1) AS bought_percent FROM shop.orders_cohorts ORDER BY cohort_start, age;
