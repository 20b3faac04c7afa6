-- mixes beside the histories; 90_words.sql makes anew what calls these

@create crm_internal.has_category
@create crm_internal.keeps_mix
@create crm_internal.kept_history
@create crm_internal.bought_columns
@create crm_internal.keep_mix
@create crm_internal.complete_mix
@create crm_internal.check_category
