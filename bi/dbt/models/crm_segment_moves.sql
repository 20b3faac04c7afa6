-- One row a segment and day: customers, and how many came and went since the day before that was kept.
select scored_on, segment, segment_rank, customer_count, entered_count, left_count, entered_count - left_count as net_count, spend, rules
from {{ source('shop', 'orders_segment_days') }}
