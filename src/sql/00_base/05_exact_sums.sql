-- exact_sums: what aggregates that add numbers remember

CREATE TYPE crm.exact_sums;

CREATE FUNCTION crm_internal.exact_sums_in(cstring) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_exact_sums_in';
CREATE FUNCTION crm_internal.exact_sums_out(crm.exact_sums) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_exact_sums_out';
CREATE FUNCTION crm_internal.exact_sums_recv(internal) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_recv';
CREATE FUNCTION crm_internal.exact_sums_send(crm.exact_sums) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_send';
COMMENT ON FUNCTION crm_internal.exact_sums_in(cstring) IS 'reads {sum, sum, ...}';
COMMENT ON FUNCTION crm_internal.exact_sums_out(crm.exact_sums) IS 'writes {sum, sum, ...}';
COMMENT ON FUNCTION crm_internal.exact_sums_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm_internal.exact_sums_send(crm.exact_sums) IS 'writes the binary form';

CREATE TYPE crm.exact_sums (
  INPUT = crm_internal.exact_sums_in,
  OUTPUT = crm_internal.exact_sums_out,
  RECEIVE = crm_internal.exact_sums_recv,
  SEND = crm_internal.exact_sums_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.exact_sums IS
  'the state of aggregates that add numbers: a row of exact 128-bit sums, {sum, sum, ...}';

CREATE FUNCTION crm_internal.exact_sums_combine(crm.exact_sums, crm.exact_sums) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_plus';
COMMENT ON FUNCTION crm_internal.exact_sums_combine(crm.exact_sums, crm.exact_sums) IS
  'combine function: sum by sum';

@comparison exact_sums|2|order by the first sum that differs|equal content
