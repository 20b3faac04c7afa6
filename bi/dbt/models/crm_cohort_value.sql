-- One row a quarter of first purchases and age in months: what a customer of it has brought.
select date_trunc('quarter', cohort_start)::date as quarter, age, sum(observable) as customers, sum(cumulative_amount) / sum(observable) as amount_per_customer
from {{ source('shop', 'orders_cohorts') }}
group by 1, 2
