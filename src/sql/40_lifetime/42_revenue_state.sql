-- expected_revenue_state: what the aggregate expected_revenue remembers

@type expected_revenue_state|20|5|plain|two models as labels in quotes, and sums
COMMENT ON TYPE crm.expected_revenue_state IS
  'what the aggregate expected_revenue remembers: the models of all its rows, and exact sums over them';

CREATE FUNCTION crm_internal.expected_revenue_combine(crm.expected_revenue_state, crm.expected_revenue_state) RETURNS crm.expected_revenue_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_expected_revenue_combine';
COMMENT ON FUNCTION crm_internal.expected_revenue_combine(crm.expected_revenue_state, crm.expected_revenue_state) IS
  'combine function of the aggregate expected_revenue';
