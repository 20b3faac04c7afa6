-- What a quarter of customers has brought after a year, where the whole quarter is that old.
select quarter, customers, amount_per_customer from {{ ref('crm_cohort_value') }} where age = 11
