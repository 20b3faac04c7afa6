-- The aggregates stand on the flat states (90_words); what they stood on goes.

DROP FUNCTION crm_internal.concentration_transition(internal, numeric);
DROP FUNCTION crm_internal.concentration_transition(internal, float8);
DROP FUNCTION crm_internal.concentration_final_numeric(internal);
DROP FUNCTION crm_internal.concentration_final_float8(internal);
DROP FUNCTION crm_internal.gini_transition(internal, numeric);
DROP FUNCTION crm_internal.gini_transition(internal, float8);
DROP FUNCTION crm_internal.gini_final_numeric(internal);
DROP FUNCTION crm_internal.gini_final_float8(internal);
DROP FUNCTION crm_internal.forecast_accuracy_transition(internal, float8, float8);
DROP FUNCTION crm_internal.forecast_accuracy_final(internal);
DROP FUNCTION crm_internal.expected_revenue_transition(internal, crm.purchase_model, crm.spend_model, crm.purchase_history, date, date);
DROP FUNCTION crm_internal.expected_revenue_final(internal);
