-- states as values: what each server of several makes of its own rows, and what one makes of all of them

CREATE FUNCTION crm_internal.value_list_final(crm.value_list_state) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_value_list_final';
COMMENT ON FUNCTION crm_internal.value_list_final(crm.value_list_state) IS
  'final function of the aggregates that give a value_list_state: in order, without room to grow';
CREATE FUNCTION crm_internal.concentration_final(crm.value_list_state) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_concentration_final';
COMMENT ON FUNCTION crm_internal.concentration_final(crm.value_list_state) IS
  'final function of concentration, of amounts or numbers';
CREATE FUNCTION crm_internal.gini_final(crm.value_list_state) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_gini_final';
COMMENT ON FUNCTION crm_internal.gini_final(crm.value_list_state) IS 'final function of gini, of amounts or numbers';
CREATE FUNCTION crm_internal.lift_state_final(crm.exact_sums) RETURNS crm.lift_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_lift_state_final';
COMMENT ON FUNCTION crm_internal.lift_state_final(crm.exact_sums) IS 'final function of lift, with or without what was before';

@state rfm_scale|history crm.purchase_history, as_of date|crm.purchase_history, date|rfm_scale_transition|crm.rfm_scale_state|65536||rfm_scale_combine
@state rfm_scale|history crm.purchase_history, as_of date, bins int|crm.purchase_history, date, int|rfm_scale_transition|crm.rfm_scale_state|65536||rfm_scale_combine
@of_states rfm_scale|crm.rfm_scale_state|rfm_scale_combine|rfm_scale_final|cut points

@state fit_bg_nbd|history crm.purchase_history, as_of date, unit_days int|crm.purchase_history, date, int|purchase_model_history_transition|crm.purchase_model_state|65536||purchase_model_state_combine
@of_states fit_bg_nbd|crm.purchase_model_state|purchase_model_state_combine|fit_bg_nbd_final|the model that fits best

@state fit_mbg_nbd|history crm.purchase_history, as_of date, unit_days int|crm.purchase_history, date, int|purchase_model_history_transition|crm.purchase_model_state|65536||purchase_model_state_combine
@of_states fit_mbg_nbd|crm.purchase_model_state|purchase_model_state_combine|fit_mbg_nbd_final|the model that fits best

@state fit_pareto_nbd|history crm.purchase_history, as_of date, unit_days int|crm.purchase_history, date, int|purchase_model_history_transition|crm.purchase_model_state|65536||purchase_model_state_combine
@of_states fit_pareto_nbd|crm.purchase_model_state|purchase_model_state_combine|fit_pareto_nbd_final|the model that fits best

@state fit_mbg_cnbd_k|history crm.purchase_history, as_of date, unit_days int|crm.purchase_history, date, int|purchase_model_gaps_transition|crm.purchase_model_state|65536||purchase_model_state_combine
@of_states fit_mbg_cnbd_k|crm.purchase_model_state|purchase_model_state_combine|fit_mbg_cnbd_k_final|the model that fits best

@state fit_purchase_model|history crm.purchase_history, as_of date, unit_days int|crm.purchase_history, date, int|purchase_model_gaps_transition|crm.purchase_model_state|65536||purchase_model_state_combine
@of_states fit_purchase_model|crm.purchase_model_state|purchase_model_state_combine|fit_purchase_model_final|the model that fits best

@state fit_gamma_gamma|history crm.purchase_history, as_of date|crm.purchase_history, date|spend_model_history_transition|crm.spend_model_state|65536||spend_model_state_combine
@of_states fit_gamma_gamma|crm.spend_model_state|spend_model_state_combine|fit_gamma_gamma_final|the model that fits best

@state data_check|history crm.purchase_history, as_of date|crm.purchase_history, date|data_check_transition|bigint[]|||data_check_combine
@of_states data_check|bigint[]|data_check_combine|data_check_final|what the data hold

@state forecast_accuracy|expected float8, actual float8|float8, float8|forecast_accuracy_transition|crm.value_list_state|1024|value_list_final|value_list_combine
@of_states forecast_accuracy|crm.value_list_state|value_list_combine|forecast_accuracy_final|how good forecasts were

@state expected_revenue|model crm.purchase_model, spend crm.spend_model, history crm.purchase_history, as_of date, until date|crm.purchase_model, crm.spend_model, crm.purchase_history, date, date|expected_revenue_transition|crm.expected_revenue_state|||expected_revenue_combine
@of_states expected_revenue|crm.expected_revenue_state|expected_revenue_combine|expected_revenue_final|the expected net amount

@state concentration|value numeric, share float8|numeric, float8|concentration_transition|crm.value_list_state|1024|value_list_final|value_list_combine
@state concentration|value float8, share float8|float8, float8|concentration_transition|crm.value_list_state|1024|value_list_final|value_list_combine
@of_states concentration|crm.value_list_state|value_list_combine|concentration_final|the part of the total that the largest values hold

@state gini|value numeric|numeric|gini_transition|crm.value_list_state|1024|value_list_final|value_list_combine
@state gini|value float8|float8|gini_transition|crm.value_list_state|1024|value_list_final|value_list_combine
@of_states gini|crm.value_list_state|value_list_combine|gini_final|Gini coefficient

@state nps|score int|int|nps_transition|crm.exact_sums|||exact_sums_combine
@state nps|score float8|float8|nps_transition|crm.exact_sums|||exact_sums_combine
@state nps|score numeric|numeric|nps_transition|crm.exact_sums|||exact_sums_combine
@of_states nps|crm.exact_sums|exact_sums_combine|nps_final|the net promoter score

@state lift|treated boolean, value float8|boolean, float8|lift_transition|crm.exact_sums|||exact_sums_combine
@state lift|treated boolean, value float8, before float8|boolean, float8, float8|lift_before_transition|crm.exact_sums|||exact_sums_combine
@of_states lift|crm.exact_sums|exact_sums_combine|lift_state_final|what a treatment did

@state rhythm|history crm.purchase_history, as_of date|crm.purchase_history, date|rhythm_transition|crm.exact_sums|||exact_sums_combine
@of_states rhythm|crm.exact_sums|exact_sums_combine|rhythm_final|how regularly customers buy

@state decayed_sum|value float8, occurred_at timestamptz, as_of timestamptz, half_life interval|float8, timestamptz, timestamptz, interval|decayed_sum_transition|crm.exact_sums|||exact_sums_combine
@of_states decayed_sum|crm.exact_sums|exact_sums_combine|decayed_sum_final|a sum that fades
