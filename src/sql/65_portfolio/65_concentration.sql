-- concentration and gini: how unequally a total is held

CREATE FUNCTION crm_internal.concentration_final_numeric(crm.value_list_state) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_concentration_final_numeric';
COMMENT ON FUNCTION crm_internal.concentration_final_numeric(crm.value_list_state) IS
  'final function of the aggregate concentration';
CREATE FUNCTION crm_internal.concentration_transition(crm.value_list_state, numeric) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_concentration_add_numeric';
COMMENT ON FUNCTION crm_internal.concentration_transition(crm.value_list_state, numeric) IS
  'transition function of the aggregate concentration';
CREATE AGGREGATE crm.concentration(value numeric) (
  SFUNC = crm_internal.concentration_transition,
  STYPE = crm.value_list_state,
  SSPACE = 8192,
  FINALFUNC = crm_internal.concentration_final_numeric,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration(numeric) IS
  'the part of the total that the largest fifth of the values hold; NULL if the total is not positive';
CREATE FUNCTION crm_internal.concentration_transition(crm.value_list_state, numeric, float8) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_concentration_add_numeric';
COMMENT ON FUNCTION crm_internal.concentration_transition(crm.value_list_state, numeric, float8) IS
  'transition function of the aggregate concentration';
CREATE AGGREGATE crm.concentration(value numeric, share float8) (
  SFUNC = crm_internal.concentration_transition,
  STYPE = crm.value_list_state,
  SSPACE = 8192,
  FINALFUNC = crm_internal.concentration_final_numeric,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration(numeric, float8) IS
  'the part of the total that the largest values hold, share being how many of all values that is, above 0 and at most 1; NULL if the total is not positive';

CREATE FUNCTION crm_internal.concentration_final_float8(crm.value_list_state) RETURNS float8
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_concentration_final_float8';
COMMENT ON FUNCTION crm_internal.concentration_final_float8(crm.value_list_state) IS
  'final function of the aggregate concentration';
CREATE FUNCTION crm_internal.concentration_transition(crm.value_list_state, float8) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_concentration_add_float8';
COMMENT ON FUNCTION crm_internal.concentration_transition(crm.value_list_state, float8) IS
  'transition function of the aggregate concentration';
CREATE AGGREGATE crm.concentration(value float8) (
  SFUNC = crm_internal.concentration_transition,
  STYPE = crm.value_list_state,
  SSPACE = 8192,
  FINALFUNC = crm_internal.concentration_final_float8,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration(float8) IS
  'the part of the total that the largest fifth of the values hold; NULL if the total is not positive';
CREATE FUNCTION crm_internal.concentration_transition(crm.value_list_state, float8, float8) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_concentration_add_float8';
COMMENT ON FUNCTION crm_internal.concentration_transition(crm.value_list_state, float8, float8) IS
  'transition function of the aggregate concentration';
CREATE AGGREGATE crm.concentration(value float8, share float8) (
  SFUNC = crm_internal.concentration_transition,
  STYPE = crm.value_list_state,
  SSPACE = 8192,
  FINALFUNC = crm_internal.concentration_final_float8,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.concentration(float8, float8) IS
  'the part of the total that the largest values hold, share being how many of all values that is, above 0 and at most 1; NULL if the total is not positive';

CREATE FUNCTION crm_internal.gini_transition(crm.value_list_state, numeric) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_gini_add_numeric';
COMMENT ON FUNCTION crm_internal.gini_transition(crm.value_list_state, numeric) IS 'transition function of the aggregate gini';
CREATE FUNCTION crm_internal.gini_final_numeric(crm.value_list_state) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_gini_final_numeric';
COMMENT ON FUNCTION crm_internal.gini_final_numeric(crm.value_list_state) IS 'final function of the aggregate gini';
CREATE AGGREGATE crm.gini(value numeric) (
  SFUNC = crm_internal.gini_transition,
  STYPE = crm.value_list_state,
  SSPACE = 8192,
  FINALFUNC = crm_internal.gini_final_numeric,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.gini(numeric) IS
  'Gini coefficient: 0 if all values are equal, towards 1 if one holds all; NULL if the total is zero';

CREATE FUNCTION crm_internal.gini_transition(crm.value_list_state, float8) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_gini_add_float8';
COMMENT ON FUNCTION crm_internal.gini_transition(crm.value_list_state, float8) IS 'transition function of the aggregate gini';
CREATE FUNCTION crm_internal.gini_final_float8(crm.value_list_state) RETURNS float8
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_gini_final_float8';
COMMENT ON FUNCTION crm_internal.gini_final_float8(crm.value_list_state) IS 'final function of the aggregate gini';
CREATE AGGREGATE crm.gini(value float8) (
  SFUNC = crm_internal.gini_transition,
  STYPE = crm.value_list_state,
  SSPACE = 8192,
  FINALFUNC = crm_internal.gini_final_float8,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.gini(float8) IS
  'Gini coefficient: 0 if all values are equal, towards 1 if one holds all; NULL if the total is zero';
