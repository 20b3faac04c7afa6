-- rfm: the score of one customer

CREATE TYPE crm.rfm;

CREATE FUNCTION crm_internal.rfm_in(cstring) RETURNS crm.rfm
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_rfm_in';
COMMENT ON FUNCTION crm_internal.rfm_in(cstring) IS 'reads the three digits 545, with other than five bins 333/3';
CREATE FUNCTION crm_internal.rfm_out(crm.rfm) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_rfm_out';
COMMENT ON FUNCTION crm_internal.rfm_out(crm.rfm) IS 'writes the three digits 545, with other than five bins 333/3';
CREATE FUNCTION crm_internal.rfm_recv(internal) RETURNS crm.rfm
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_recv';
COMMENT ON FUNCTION crm_internal.rfm_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm_internal.rfm_send(crm.rfm) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_send';
COMMENT ON FUNCTION crm_internal.rfm_send(crm.rfm) IS 'writes the binary form';

CREATE TYPE crm.rfm (
  INPUT = crm_internal.rfm_in,
  OUTPUT = crm_internal.rfm_out,
  RECEIVE = crm_internal.rfm_recv,
  SEND = crm_internal.rfm_send,
  INTERNALLENGTH = 4,
  PASSEDBYVALUE,
  ALIGNMENT = int4,
  STORAGE = plain
);
COMMENT ON TYPE crm.rfm IS
  'a score of recency, frequency and monetary, the highest being best: 545, with other than five bins 333/3';

-- digits

CREATE FUNCTION crm.recency(rfm crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_recency';
COMMENT ON FUNCTION crm.recency(crm.rfm) IS 'score of recency: the highest for the fewest days';
CREATE FUNCTION crm.frequency(rfm crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_frequency';
COMMENT ON FUNCTION crm.frequency(crm.rfm) IS 'score of frequency';
CREATE FUNCTION crm.monetary(rfm crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_monetary';
COMMENT ON FUNCTION crm.monetary(crm.rfm) IS 'score of monetary';
CREATE FUNCTION crm.bins(rfm crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_bins';
COMMENT ON FUNCTION crm.bins(crm.rfm) IS 'number of bins, 2 to 9';
CREATE FUNCTION crm_internal.rfm_to_int(crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_to_int';
COMMENT ON FUNCTION crm_internal.rfm_to_int(crm.rfm) IS 'the three digits as a number; without the bins';
CREATE CAST (crm.rfm AS int) WITH FUNCTION crm_internal.rfm_to_int(crm.rfm);
COMMENT ON CAST (crm.rfm AS int) IS 'the three digits as a number; without the bins';

-- equality, order, hash

CREATE FUNCTION crm_internal.rfm_eq(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4eq';
COMMENT ON FUNCTION crm_internal.rfm_eq(crm.rfm, crm.rfm) IS 'implementation of = operator';
CREATE FUNCTION crm_internal.rfm_ne(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4ne';
COMMENT ON FUNCTION crm_internal.rfm_ne(crm.rfm, crm.rfm) IS 'implementation of <> operator';
CREATE FUNCTION crm_internal.rfm_lt(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4lt';
COMMENT ON FUNCTION crm_internal.rfm_lt(crm.rfm, crm.rfm) IS 'implementation of < operator';
CREATE FUNCTION crm_internal.rfm_le(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4le';
COMMENT ON FUNCTION crm_internal.rfm_le(crm.rfm, crm.rfm) IS 'implementation of <= operator';
CREATE FUNCTION crm_internal.rfm_gt(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4gt';
COMMENT ON FUNCTION crm_internal.rfm_gt(crm.rfm, crm.rfm) IS 'implementation of > operator';
CREATE FUNCTION crm_internal.rfm_ge(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4ge';
COMMENT ON FUNCTION crm_internal.rfm_ge(crm.rfm, crm.rfm) IS 'implementation of >= operator';
CREATE FUNCTION crm_internal.rfm_cmp(crm.rfm, crm.rfm) RETURNS int
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'btint4cmp';
COMMENT ON FUNCTION crm_internal.rfm_cmp(crm.rfm, crm.rfm) IS 'less-equal-greater';
CREATE FUNCTION crm_internal.rfm_hash(crm.rfm) RETURNS int
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'hashint4';
COMMENT ON FUNCTION crm_internal.rfm_hash(crm.rfm) IS 'hash';
CREATE FUNCTION crm_internal.rfm_hash_extended(crm.rfm, bigint) RETURNS bigint
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'hashint4extended';
COMMENT ON FUNCTION crm_internal.rfm_hash_extended(crm.rfm, bigint) IS 'hash with a seed';
CREATE FUNCTION crm_internal.rfm_sortsupport(internal) RETURNS void
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'btint4sortsupport';
COMMENT ON FUNCTION crm_internal.rfm_sortsupport(internal) IS 'sort support';

CREATE OPERATOR crm.= (
  FUNCTION = crm_internal.rfm_eq,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.rfm, crm.rfm) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm_internal.rfm_ne,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.rfm, crm.rfm) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm_internal.rfm_lt,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.rfm, crm.rfm) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm_internal.rfm_le,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.rfm, crm.rfm) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm_internal.rfm_gt,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.rfm, crm.rfm) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm_internal.rfm_ge,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.rfm, crm.rfm) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.rfm_ops DEFAULT FOR TYPE crm.rfm USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm_internal.rfm_cmp(crm.rfm, crm.rfm),
  FUNCTION 2 crm_internal.rfm_sortsupport(internal);
COMMENT ON OPERATOR CLASS crm.rfm_ops USING btree IS 'fewer bins first, then by the digits as a number';
COMMENT ON OPERATOR FAMILY crm.rfm_ops USING btree IS 'fewer bins first, then by the digits as a number';
CREATE OPERATOR CLASS crm.rfm_hash_ops DEFAULT FOR TYPE crm.rfm USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm_internal.rfm_hash(crm.rfm),
  FUNCTION 2 crm_internal.rfm_hash_extended(crm.rfm, bigint);
COMMENT ON OPERATOR CLASS crm.rfm_hash_ops USING hash IS 'equal bins and digits';
COMMENT ON OPERATOR FAMILY crm.rfm_hash_ops USING hash IS 'equal bins and digits';
