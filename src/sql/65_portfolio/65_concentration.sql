-- concentration and gini: how unequally a total is held

CREATE FUNCTION crm.concentration_final_numeric(internal) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_concentration_final_numeric';
COMMENT ON FUNCTION crm.concentration_final_numeric(internal) IS
  'final function of the aggregate concentration';
CREATE FUNCTION crm.concentration_transition(internal, numeric) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_concentration_transition_numeric';
COMMENT ON FUNCTION crm.concentration_transition(internal, numeric) IS
  'transition function of the aggregate concentration';
CREATE AGGREGATE crm.concentration(numeric) (
  SFUNC = crm.concentration_transition,
  STYPE = internal,
  SSPACE = 8192,
  FINALFUNC = crm.concentration_final_numeric,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration(numeric) IS
  'the part of the total that the largest fifth of the values hold; NULL if the total is not positive';
CREATE FUNCTION crm.concentration_transition(internal, numeric, numeric) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_concentration_transition_numeric';
COMMENT ON FUNCTION crm.concentration_transition(internal, numeric, numeric) IS
  'transition function of the aggregate concentration';
CREATE AGGREGATE crm.concentration(numeric, numeric) (
  SFUNC = crm.concentration_transition,
  STYPE = internal,
  SSPACE = 8192,
  FINALFUNC = crm.concentration_final_numeric,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration(numeric, numeric) IS
  'the part of the total that the largest values hold, the last argument being their share of all values, above 0 and at most 1; NULL if the total is not positive';

CREATE FUNCTION crm.concentration_final_float8(internal) RETURNS float8
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_concentration_final_float8';
COMMENT ON FUNCTION crm.concentration_final_float8(internal) IS
  'final function of the aggregate concentration';
CREATE FUNCTION crm.concentration_transition(internal, float8) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_concentration_transition_float8';
COMMENT ON FUNCTION crm.concentration_transition(internal, float8) IS
  'transition function of the aggregate concentration';
CREATE AGGREGATE crm.concentration(float8) (
  SFUNC = crm.concentration_transition,
  STYPE = internal,
  SSPACE = 8192,
  FINALFUNC = crm.concentration_final_float8,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration(float8) IS
  'the part of the total that the largest fifth of the values hold; NULL if the total is not positive';
CREATE FUNCTION crm.concentration_transition(internal, float8, numeric) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_concentration_transition_float8';
COMMENT ON FUNCTION crm.concentration_transition(internal, float8, numeric) IS
  'transition function of the aggregate concentration';
CREATE AGGREGATE crm.concentration(float8, numeric) (
  SFUNC = crm.concentration_transition,
  STYPE = internal,
  SSPACE = 8192,
  FINALFUNC = crm.concentration_final_float8,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration(float8, numeric) IS
  'the part of the total that the largest values hold, the last argument being their share of all values, above 0 and at most 1; NULL if the total is not positive';

CREATE FUNCTION crm.gini_transition(internal, numeric) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_gini_transition_numeric';
COMMENT ON FUNCTION crm.gini_transition(internal, numeric) IS 'transition function of the aggregate gini';
CREATE FUNCTION crm.gini_final_numeric(internal) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_gini_final_numeric';
COMMENT ON FUNCTION crm.gini_final_numeric(internal) IS 'final function of the aggregate gini';
CREATE AGGREGATE crm.gini(numeric) (
  SFUNC = crm.gini_transition,
  STYPE = internal,
  SSPACE = 8192,
  FINALFUNC = crm.gini_final_numeric,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.gini(numeric) IS
  'Gini coefficient: 0 if all values are equal, towards 1 if one holds all; NULL if the total is zero';

CREATE FUNCTION crm.gini_transition(internal, float8) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_gini_transition_float8';
COMMENT ON FUNCTION crm.gini_transition(internal, float8) IS 'transition function of the aggregate gini';
CREATE FUNCTION crm.gini_final_float8(internal) RETURNS float8
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_gini_final_float8';
COMMENT ON FUNCTION crm.gini_final_float8(internal) IS 'final function of the aggregate gini';
CREATE AGGREGATE crm.gini(float8) (
  SFUNC = crm.gini_transition,
  STYPE = internal,
  SSPACE = 8192,
  FINALFUNC = crm.gini_final_float8,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.gini(float8) IS
  'Gini coefficient: 0 if all values are equal, towards 1 if one holds all; NULL if the total is zero';
