-- what a tracking shows of time and of its segments; 90_words.sql made anew what calls this

SELECT pg_catalog.pg_extension_config_dump('crm.tracked',
  'WHERE NOT EXISTS (SELECT FROM pg_catalog.unnest(ARRAY[purchases, source, histories, scoring, changes, customers, models, decisions, standing, detached_histories,'
  ' calendar, cohorts, segments, segment_days, segment_since, rules, on_shards]::pg_catalog.oid[]'
  ' OPERATOR(pg_catalog.||) coalesce(joined, ''{}'')::pg_catalog.oid[]) AS r(oid)'
  ' WHERE r.oid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) r.oid))');
@replace crm_internal.relations_of
@create crm_internal.rhythm_data
@create crm_internal.rhythm_or_null
@create crm_internal.measure_customers
@create crm_internal.lacks_since
@create crm_internal.buy_again
@create crm_internal.horizon_days
@create crm_internal.calendar_query
@create crm_internal.cohorts_query
@create crm_internal.segments_query
@create crm_internal.make_picture
@create crm_internal.make_segment_days
@create crm_internal.make_segment_since
@create crm_internal.is_there
@create crm_internal.make_pictures
@create crm_internal.complete_pictures
@create crm_internal.drop_pictures
@create crm_internal.segment_rows_query
@create crm_internal.segment_rules_query
@create crm_internal.segment_members
@create crm_internal.keep_segments_query
@create crm_internal.keep_segments
@create crm_internal.fit_as_known
@create crm_internal.back_fill_query
@create crm.back_fill
@create crm_internal.revenue_query
@create crm.revenue_forecast
