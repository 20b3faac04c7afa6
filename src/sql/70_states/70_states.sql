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

CREATE AGGREGATE crm.rfm_scale_state(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale_state(crm.purchase_history, date) IS
  'the state of rfm_scale over these rows, for rfm_scale(state)';

CREATE AGGREGATE crm.rfm_scale_state(history crm.purchase_history, as_of date, bins int) (
  SFUNC = crm_internal.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale_state(crm.purchase_history, date, int) IS
  'the state of rfm_scale over these rows, for rfm_scale(state)';

CREATE AGGREGATE crm.rfm_scale(state crm.rfm_scale_state) (
  SFUNC = crm_internal.rfm_scale_combine,
  STYPE = crm.rfm_scale_state,
  FINALFUNC = crm_internal.rfm_scale_final,
  COMBINEFUNC = crm_internal.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(crm.rfm_scale_state) IS
  'cut points, from the states of several parts';

CREATE AGGREGATE crm.fit_bg_nbd_state(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_history_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd_state(crm.purchase_history, date, int) IS
  'the state of fit_bg_nbd over these rows, for fit_bg_nbd(state)';

CREATE AGGREGATE crm.fit_bg_nbd(state crm.purchase_model_state) (
  SFUNC = crm_internal.purchase_model_state_combine,
  STYPE = crm.purchase_model_state,
  FINALFUNC = crm_internal.fit_bg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(crm.purchase_model_state) IS
  'the model that fits best, from the states of several parts';

CREATE AGGREGATE crm.fit_mbg_nbd_state(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_history_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd_state(crm.purchase_history, date, int) IS
  'the state of fit_mbg_nbd over these rows, for fit_mbg_nbd(state)';

CREATE AGGREGATE crm.fit_mbg_nbd(state crm.purchase_model_state) (
  SFUNC = crm_internal.purchase_model_state_combine,
  STYPE = crm.purchase_model_state,
  FINALFUNC = crm_internal.fit_mbg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(crm.purchase_model_state) IS
  'the model that fits best, from the states of several parts';

CREATE AGGREGATE crm.fit_pareto_nbd_state(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_history_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd_state(crm.purchase_history, date, int) IS
  'the state of fit_pareto_nbd over these rows, for fit_pareto_nbd(state)';

CREATE AGGREGATE crm.fit_pareto_nbd(state crm.purchase_model_state) (
  SFUNC = crm_internal.purchase_model_state_combine,
  STYPE = crm.purchase_model_state,
  FINALFUNC = crm_internal.fit_pareto_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(crm.purchase_model_state) IS
  'the model that fits best, from the states of several parts';

CREATE AGGREGATE crm.fit_mbg_cnbd_k_state(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_gaps_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_cnbd_k_state(crm.purchase_history, date, int) IS
  'the state of fit_mbg_cnbd_k over these rows, for fit_mbg_cnbd_k(state)';

CREATE AGGREGATE crm.fit_mbg_cnbd_k(state crm.purchase_model_state) (
  SFUNC = crm_internal.purchase_model_state_combine,
  STYPE = crm.purchase_model_state,
  FINALFUNC = crm_internal.fit_mbg_cnbd_k_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_cnbd_k(crm.purchase_model_state) IS
  'the model that fits best, from the states of several parts';

CREATE AGGREGATE crm.fit_purchase_model_state(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_gaps_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_purchase_model_state(crm.purchase_history, date, int) IS
  'the state of fit_purchase_model over these rows, for fit_purchase_model(state)';

CREATE AGGREGATE crm.fit_purchase_model(state crm.purchase_model_state) (
  SFUNC = crm_internal.purchase_model_state_combine,
  STYPE = crm.purchase_model_state,
  FINALFUNC = crm_internal.fit_purchase_model_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_purchase_model(crm.purchase_model_state) IS
  'the model that fits best, from the states of several parts';

CREATE AGGREGATE crm.fit_gamma_gamma_state(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.spend_model_history_transition,
  STYPE = crm.spend_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_gamma_gamma_state(crm.purchase_history, date) IS
  'the state of fit_gamma_gamma over these rows, for fit_gamma_gamma(state)';

CREATE AGGREGATE crm.fit_gamma_gamma(state crm.spend_model_state) (
  SFUNC = crm_internal.spend_model_state_combine,
  STYPE = crm.spend_model_state,
  FINALFUNC = crm_internal.fit_gamma_gamma_final,
  COMBINEFUNC = crm_internal.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_gamma_gamma(crm.spend_model_state) IS
  'the model that fits best, from the states of several parts';

CREATE AGGREGATE crm.data_check_state(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.data_check_transition,
  STYPE = bigint[],
  COMBINEFUNC = crm_internal.data_check_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.data_check_state(crm.purchase_history, date) IS
  'the state of data_check over these rows, for data_check(state)';

CREATE AGGREGATE crm.data_check(state bigint[]) (
  SFUNC = crm_internal.data_check_combine,
  STYPE = bigint[],
  FINALFUNC = crm_internal.data_check_final,
  COMBINEFUNC = crm_internal.data_check_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.data_check(bigint[]) IS
  'what the data hold, from the states of several parts';

CREATE AGGREGATE crm.forecast_accuracy_state(expected float8, actual float8) (
  SFUNC = crm_internal.forecast_accuracy_transition,
  STYPE = crm.value_list_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.value_list_final,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.forecast_accuracy_state(float8, float8) IS
  'the state of forecast_accuracy over these rows, for forecast_accuracy(state)';

CREATE AGGREGATE crm.forecast_accuracy(state crm.value_list_state) (
  SFUNC = crm_internal.value_list_combine,
  STYPE = crm.value_list_state,
  FINALFUNC = crm_internal.forecast_accuracy_final,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.forecast_accuracy(crm.value_list_state) IS
  'how good forecasts were, from the states of several parts';

CREATE AGGREGATE crm.expected_revenue_state(model crm.purchase_model, spend crm.spend_model, history crm.purchase_history, as_of date, until date) (
  SFUNC = crm_internal.expected_revenue_transition,
  STYPE = crm.expected_revenue_state,
  COMBINEFUNC = crm_internal.expected_revenue_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.expected_revenue_state(crm.purchase_model, crm.spend_model, crm.purchase_history, date, date) IS
  'the state of expected_revenue over these rows, for expected_revenue(state)';

CREATE AGGREGATE crm.expected_revenue(state crm.expected_revenue_state) (
  SFUNC = crm_internal.expected_revenue_combine,
  STYPE = crm.expected_revenue_state,
  FINALFUNC = crm_internal.expected_revenue_final,
  COMBINEFUNC = crm_internal.expected_revenue_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.expected_revenue(crm.expected_revenue_state) IS
  'the expected net amount, from the states of several parts';

CREATE AGGREGATE crm.concentration_state(value numeric, share float8) (
  SFUNC = crm_internal.concentration_transition,
  STYPE = crm.value_list_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.value_list_final,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration_state(numeric, float8) IS
  'the state of concentration over these rows, for concentration(state)';

CREATE AGGREGATE crm.concentration_state(value float8, share float8) (
  SFUNC = crm_internal.concentration_transition,
  STYPE = crm.value_list_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.value_list_final,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration_state(float8, float8) IS
  'the state of concentration over these rows, for concentration(state)';

CREATE AGGREGATE crm.concentration(state crm.value_list_state) (
  SFUNC = crm_internal.value_list_combine,
  STYPE = crm.value_list_state,
  FINALFUNC = crm_internal.concentration_final,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration(crm.value_list_state) IS
  'the part of the total that the largest values hold, from the states of several parts';

CREATE AGGREGATE crm.gini_state(value numeric) (
  SFUNC = crm_internal.gini_transition,
  STYPE = crm.value_list_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.value_list_final,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.gini_state(numeric) IS
  'the state of gini over these rows, for gini(state)';

CREATE AGGREGATE crm.gini_state(value float8) (
  SFUNC = crm_internal.gini_transition,
  STYPE = crm.value_list_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.value_list_final,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.gini_state(float8) IS
  'the state of gini over these rows, for gini(state)';

CREATE AGGREGATE crm.gini(state crm.value_list_state) (
  SFUNC = crm_internal.value_list_combine,
  STYPE = crm.value_list_state,
  FINALFUNC = crm_internal.gini_final,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.gini(crm.value_list_state) IS
  'Gini coefficient, from the states of several parts';

CREATE AGGREGATE crm.nps_state(score int) (
  SFUNC = crm_internal.nps_transition,
  STYPE = crm.exact_sums,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.nps_state(int) IS
  'the state of nps over these rows, for nps(state)';

CREATE AGGREGATE crm.nps_state(score float8) (
  SFUNC = crm_internal.nps_transition,
  STYPE = crm.exact_sums,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.nps_state(float8) IS
  'the state of nps over these rows, for nps(state)';

CREATE AGGREGATE crm.nps_state(score numeric) (
  SFUNC = crm_internal.nps_transition,
  STYPE = crm.exact_sums,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.nps_state(numeric) IS
  'the state of nps over these rows, for nps(state)';

CREATE AGGREGATE crm.nps(state crm.exact_sums) (
  SFUNC = crm_internal.exact_sums_combine,
  STYPE = crm.exact_sums,
  FINALFUNC = crm_internal.nps_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.nps(crm.exact_sums) IS
  'the net promoter score, from the states of several parts';

CREATE AGGREGATE crm.lift_state(treated boolean, value float8) (
  SFUNC = crm_internal.lift_transition,
  STYPE = crm.exact_sums,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift_state(boolean, float8) IS
  'the state of lift over these rows, for lift(state)';

CREATE AGGREGATE crm.lift_state(treated boolean, value float8, before float8) (
  SFUNC = crm_internal.lift_before_transition,
  STYPE = crm.exact_sums,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift_state(boolean, float8, float8) IS
  'the state of lift over these rows, for lift(state)';

CREATE AGGREGATE crm.lift(state crm.exact_sums) (
  SFUNC = crm_internal.exact_sums_combine,
  STYPE = crm.exact_sums,
  FINALFUNC = crm_internal.lift_state_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift(crm.exact_sums) IS
  'what a treatment did, from the states of several parts';

CREATE AGGREGATE crm.rhythm_state(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.rhythm_transition,
  STYPE = crm.exact_sums,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rhythm_state(crm.purchase_history, date) IS
  'the state of rhythm over these rows, for rhythm(state)';

CREATE AGGREGATE crm.rhythm(state crm.exact_sums) (
  SFUNC = crm_internal.exact_sums_combine,
  STYPE = crm.exact_sums,
  FINALFUNC = crm_internal.rhythm_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rhythm(crm.exact_sums) IS
  'how regularly customers buy, from the states of several parts';

CREATE AGGREGATE crm.decayed_sum_state(value float8, occurred_at timestamptz, as_of timestamptz, half_life interval) (
  SFUNC = crm_internal.decayed_sum_transition,
  STYPE = crm.exact_sums,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.decayed_sum_state(float8, timestamptz, timestamptz, interval) IS
  'the state of decayed_sum over these rows, for decayed_sum(state)';

CREATE AGGREGATE crm.decayed_sum(state crm.exact_sums) (
  SFUNC = crm_internal.exact_sums_combine,
  STYPE = crm.exact_sums,
  FINALFUNC = crm_internal.decayed_sum_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.decayed_sum(crm.exact_sums) IS
  'a sum that fades, from the states of several parts';
