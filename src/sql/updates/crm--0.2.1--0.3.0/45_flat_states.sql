-- States that were internal become types of their own; what was before goes in 97_flat_states.

@part 06_value_list.sql
@part 42_revenue_state.sql
@create crm_internal.value_list_final
@create crm_internal.lift_state_final
@create crm_internal.concentration_final
@create crm_internal.gini_final
@create crm_internal.concentration_transition
@create crm_internal.concentration_final_numeric
@create crm_internal.concentration_final_float8
@create crm_internal.gini_transition
@create crm_internal.gini_final_numeric
@create crm_internal.gini_final_float8
@create crm_internal.forecast_accuracy_transition
@create crm_internal.forecast_accuracy_final
@create crm_internal.expected_revenue_transition
@create crm_internal.expected_revenue_final
