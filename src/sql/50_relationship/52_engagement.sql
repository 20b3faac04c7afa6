-- engagement: sums that forget

CREATE FUNCTION crm.engagement(history crm.interaction_history, as_of timestamptz, weights jsonb, half_life interval) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_engagement_as_of';
COMMENT ON FUNCTION crm.engagement(crm.interaction_history, timestamptz, jsonb, interval) IS
  'each inbound interaction, and each outbound one opened, answered or resolved, at or before as_of: the weight of its kind (0 if not given) times 2^(-age / half_life)';
CREATE FUNCTION crm.contact_pressure(history crm.interaction_history, as_of timestamptz, half_life interval) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_contact_pressure_as_of';
COMMENT ON FUNCTION crm.contact_pressure(crm.interaction_history, timestamptz, interval) IS
  'each outbound interaction at or before as_of counted as 2^(-age / half_life)';

-- the same for the rows of any table

CREATE FUNCTION crm_internal.decayed_sum_transition(crm.exact_sums, float8, timestamptz, timestamptz, interval) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_decayed_sum_as_of_transition';
COMMENT ON FUNCTION crm_internal.decayed_sum_transition(crm.exact_sums, float8, timestamptz, timestamptz, interval) IS
  'transition function of the aggregate decayed_sum';
CREATE FUNCTION crm_internal.decayed_sum_final(crm.exact_sums) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_decayed_sum_final';
COMMENT ON FUNCTION crm_internal.decayed_sum_final(crm.exact_sums) IS 'final function of the aggregate decayed_sum';
CREATE AGGREGATE crm.decayed_sum(value float8, occurred_at timestamptz, as_of timestamptz, half_life interval) (
  SFUNC = crm_internal.decayed_sum_transition,
  STYPE = crm.exact_sums,
  SSPACE = 64,
  FINALFUNC = crm_internal.decayed_sum_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.decayed_sum(float8, timestamptz, timestamptz, interval) IS
  'sum of value times 2^(-(as_of - occurred_at) / half_life) over the rows at or before as_of, the same in every plan; rows with a NULL value or occurred_at are left out';

