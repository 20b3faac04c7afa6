-- the day, the currency and the history of the rules of a tracking; its name; 90_words.sql makes anew what calls these

DROP FUNCTION crm_internal.report_columns(text, int);
DROP FUNCTION crm_internal.customers_query(regclass, regclass, int, boolean);
DROP FUNCTION crm_internal.make_customers(regclass, regclass, regclass, int, text);
DROP FUNCTION crm_internal.make_scoring(regclass, text, text[], text, int, crm.segment_map, int, int);
DROP FUNCTION crm_internal.make_histories(regclass, text, text[], boolean);
DROP FUNCTION crm_internal.make_changes(regclass, text, text[], boolean);
DROP FUNCTION crm_internal.make_tracking(regclass, oid, text, text[], boolean, text[], text, int, crm.segment_map, int, int, boolean);
@create crm.count_days
@create crm_internal.complete_rules
@create crm_internal.comment_snapshots
@create crm_internal.check_not_tracked
@create crm_internal.new_name
@create crm_internal.kept_rule_columns
@create crm_internal.record_rule
@create crm.keep_rules
@create crm_internal.make_rules
@create crm_internal.keep_rules
@create crm_internal.read_through
@create crm_internal.named_columns
@create crm_internal.other_columns
@create crm_internal.zone_of_view
@create crm_internal.make_chosen_view
@create crm_internal.left_table
@create crm_internal.typed_columns
@create crm_internal.left_tracking
@create crm_internal.free_number
@create crm_internal.notice
@create crm_internal.notice_understood
@create crm_internal.shared_column
@create crm_internal.notice_lines
@create crm_internal.detach_left
