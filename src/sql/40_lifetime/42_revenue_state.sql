-- expected_revenue_state: what the aggregate expected_revenue remembers

CREATE TYPE crm.expected_revenue_state;

CREATE FUNCTION crm_internal.expected_revenue_state_in(cstring) RETURNS crm.expected_revenue_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_expected_revenue_state_in';
CREATE FUNCTION crm_internal.expected_revenue_state_out(crm.expected_revenue_state) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_expected_revenue_state_out';
CREATE FUNCTION crm_internal.expected_revenue_state_recv(internal) RETURNS crm.expected_revenue_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_expected_revenue_state_recv';
CREATE FUNCTION crm_internal.expected_revenue_state_send(crm.expected_revenue_state) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_expected_revenue_state_send';
COMMENT ON FUNCTION crm_internal.expected_revenue_state_in(cstring) IS 'reads two models as labels in quotes, and sums';
COMMENT ON FUNCTION crm_internal.expected_revenue_state_out(crm.expected_revenue_state) IS 'writes two models as labels in quotes, and sums';
COMMENT ON FUNCTION crm_internal.expected_revenue_state_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm_internal.expected_revenue_state_send(crm.expected_revenue_state) IS 'writes the binary form';

CREATE TYPE crm.expected_revenue_state (
  INPUT = crm_internal.expected_revenue_state_in,
  OUTPUT = crm_internal.expected_revenue_state_out,
  RECEIVE = crm_internal.expected_revenue_state_recv,
  SEND = crm_internal.expected_revenue_state_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.expected_revenue_state IS
  'what the aggregate expected_revenue remembers: the models of all its rows, and exact sums over them';

CREATE FUNCTION crm_internal.expected_revenue_combine(crm.expected_revenue_state, crm.expected_revenue_state) RETURNS crm.expected_revenue_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_expected_revenue_combine';
COMMENT ON FUNCTION crm_internal.expected_revenue_combine(crm.expected_revenue_state, crm.expected_revenue_state) IS
  'combine function of the aggregate expected_revenue';
