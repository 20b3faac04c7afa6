-- what 89_shards has is new, and how the functions are written that a tracking gets

@create crm_internal.query_body
@create crm_internal.remake_tier_functions
@create crm_internal.fill_statements
@create crm_internal.fresh_histories
@part 89_shards.sql
