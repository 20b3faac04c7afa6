-- exact_sums: what aggregates that add numbers remember

CREATE TYPE crm.exact_sums;

CREATE FUNCTION crm.exact_sums_in(cstring) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_exact_sums_in';
CREATE FUNCTION crm.exact_sums_out(crm.exact_sums) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_exact_sums_out';
CREATE FUNCTION crm.exact_sums_recv(internal) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_recv';
CREATE FUNCTION crm.exact_sums_send(crm.exact_sums) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_send';
COMMENT ON FUNCTION crm.exact_sums_in(cstring) IS 'reads {sum, sum, ...}';
COMMENT ON FUNCTION crm.exact_sums_out(crm.exact_sums) IS 'writes {sum, sum, ...}';
COMMENT ON FUNCTION crm.exact_sums_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm.exact_sums_send(crm.exact_sums) IS 'writes the binary form';

CREATE TYPE crm.exact_sums (
  INPUT = crm.exact_sums_in,
  OUTPUT = crm.exact_sums_out,
  RECEIVE = crm.exact_sums_recv,
  SEND = crm.exact_sums_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.exact_sums IS
  'the state of aggregates that add numbers: a row of exact 128-bit sums, {sum, sum, ...}';

CREATE FUNCTION crm.exact_sums_plus(crm.exact_sums, crm.exact_sums) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_plus';
COMMENT ON FUNCTION crm.exact_sums_plus(crm.exact_sums, crm.exact_sums) IS
  'combine function: sum by sum';

-- equality, order, hash

CREATE FUNCTION crm.exact_sums_eq(crm.exact_sums, crm.exact_sums) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_eq';
COMMENT ON FUNCTION crm.exact_sums_eq(crm.exact_sums, crm.exact_sums) IS 'implementation of = operator';
CREATE FUNCTION crm.exact_sums_ne(crm.exact_sums, crm.exact_sums) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_ne';
COMMENT ON FUNCTION crm.exact_sums_ne(crm.exact_sums, crm.exact_sums) IS 'implementation of <> operator';
CREATE FUNCTION crm.exact_sums_lt(crm.exact_sums, crm.exact_sums) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_lt';
COMMENT ON FUNCTION crm.exact_sums_lt(crm.exact_sums, crm.exact_sums) IS 'implementation of < operator';
CREATE FUNCTION crm.exact_sums_le(crm.exact_sums, crm.exact_sums) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_le';
COMMENT ON FUNCTION crm.exact_sums_le(crm.exact_sums, crm.exact_sums) IS 'implementation of <= operator';
CREATE FUNCTION crm.exact_sums_gt(crm.exact_sums, crm.exact_sums) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_gt';
COMMENT ON FUNCTION crm.exact_sums_gt(crm.exact_sums, crm.exact_sums) IS 'implementation of > operator';
CREATE FUNCTION crm.exact_sums_ge(crm.exact_sums, crm.exact_sums) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_ge';
COMMENT ON FUNCTION crm.exact_sums_ge(crm.exact_sums, crm.exact_sums) IS 'implementation of >= operator';
CREATE FUNCTION crm.exact_sums_cmp(crm.exact_sums, crm.exact_sums) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_cmp';
COMMENT ON FUNCTION crm.exact_sums_cmp(crm.exact_sums, crm.exact_sums) IS 'less-equal-greater';
CREATE FUNCTION crm.exact_sums_hash(crm.exact_sums) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_hash';
COMMENT ON FUNCTION crm.exact_sums_hash(crm.exact_sums) IS 'hash';
CREATE FUNCTION crm.exact_sums_hash_extended(crm.exact_sums, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_hash_extended';
COMMENT ON FUNCTION crm.exact_sums_hash_extended(crm.exact_sums, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.exact_sums_eq,
  LEFTARG = crm.exact_sums,
  RIGHTARG = crm.exact_sums,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.exact_sums, crm.exact_sums) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.exact_sums_ne,
  LEFTARG = crm.exact_sums,
  RIGHTARG = crm.exact_sums,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.exact_sums, crm.exact_sums) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.exact_sums_lt,
  LEFTARG = crm.exact_sums,
  RIGHTARG = crm.exact_sums,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.exact_sums, crm.exact_sums) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.exact_sums_le,
  LEFTARG = crm.exact_sums,
  RIGHTARG = crm.exact_sums,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.exact_sums, crm.exact_sums) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.exact_sums_gt,
  LEFTARG = crm.exact_sums,
  RIGHTARG = crm.exact_sums,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.exact_sums, crm.exact_sums) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.exact_sums_ge,
  LEFTARG = crm.exact_sums,
  RIGHTARG = crm.exact_sums,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.exact_sums, crm.exact_sums) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.exact_sums_ops DEFAULT FOR TYPE crm.exact_sums USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.exact_sums_cmp(crm.exact_sums, crm.exact_sums);
COMMENT ON OPERATOR CLASS crm.exact_sums_ops USING btree IS 'order by the first sum that differs';
COMMENT ON OPERATOR FAMILY crm.exact_sums_ops USING btree IS 'order by the first sum that differs';
CREATE OPERATOR CLASS crm.exact_sums_hash_ops DEFAULT FOR TYPE crm.exact_sums USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.exact_sums_hash(crm.exact_sums),
  FUNCTION 2 crm.exact_sums_hash_extended(crm.exact_sums, bigint);
COMMENT ON OPERATOR CLASS crm.exact_sums_hash_ops USING hash IS 'equal content';
COMMENT ON OPERATOR FAMILY crm.exact_sums_hash_ops USING hash IS 'equal content';
