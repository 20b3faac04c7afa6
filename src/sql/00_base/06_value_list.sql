-- value_list_state: what aggregates that need all their values remember

CREATE TYPE crm.value_list_state;

CREATE FUNCTION crm_internal.value_list_state_in(cstring) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_value_list_in';
CREATE FUNCTION crm_internal.value_list_state_out(crm.value_list_state) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_value_list_out';
CREATE FUNCTION crm_internal.value_list_state_recv(internal) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_value_list_recv';
CREATE FUNCTION crm_internal.value_list_state_send(crm.value_list_state) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_value_list_send';
COMMENT ON FUNCTION crm_internal.value_list_state_in(cstring) IS 'reads amounts or numbers with how often each is there, or pairs of numbers';
COMMENT ON FUNCTION crm_internal.value_list_state_out(crm.value_list_state) IS 'writes amounts or numbers with how often each is there, or pairs of numbers';
COMMENT ON FUNCTION crm_internal.value_list_state_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm_internal.value_list_state_send(crm.value_list_state) IS 'writes the binary form';

CREATE TYPE crm.value_list_state (
  INPUT = crm_internal.value_list_state_in,
  OUTPUT = crm_internal.value_list_state_out,
  RECEIVE = crm_internal.value_list_state_recv,
  SEND = crm_internal.value_list_state_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.value_list_state IS
  'what the aggregates concentration, gini and forecast_accuracy remember: all values in order, each with how often it is there, or all pairs';

CREATE FUNCTION crm_internal.value_list_combine(crm.value_list_state, crm.value_list_state) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_value_list_combine';
COMMENT ON FUNCTION crm_internal.value_list_combine(crm.value_list_state, crm.value_list_state) IS
  'combine function of the aggregates concentration, gini and forecast_accuracy';
