-- what 89_shards has is new, and how the functions are written that a tracking gets

@create crm_internal.query_body
@part 89_shards.sql
