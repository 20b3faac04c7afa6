\echo Use "CREATE EXTENSION crm" to load this file. \quit

-- the schema: what stands in it can be called in the place of what the extension has

DO $check$
DECLARE
  schema_owner pg_catalog.name;
  trusted pg_catalog.bool;
BEGIN
  SELECT r.rolname, r.rolsuper OR r.oid OPERATOR(pg_catalog.=) pg_catalog.to_regrole($role$@extowner@$role$::pg_catalog.text)::pg_catalog.oid INTO schema_owner, trusted
  FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
  WHERE n.nspname OPERATOR(pg_catalog.=) 'crm'::pg_catalog.name;
  IF NOT trusted THEN
    RAISE insufficient_privilege USING MESSAGE = pg_catalog.format('schema crm belongs to %I'::pg_catalog.text, schema_owner),
      DETAIL = 'Its owner could put functions there that others then call.',
      HINT = 'Drop the schema, or give it to the role that creates the extension: ALTER SCHEMA crm OWNER TO ...';
  END IF;
END $check$;
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
-- purchase_history: what one customer bought, day by day

CREATE TYPE crm.purchase_history;

CREATE FUNCTION crm.purchase_history_in(cstring) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_purchase_history_in';
CREATE FUNCTION crm.purchase_history_out(crm.purchase_history) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_purchase_history_out';
CREATE FUNCTION crm.purchase_history_recv(internal) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_recv';
CREATE FUNCTION crm.purchase_history_send(crm.purchase_history) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_send';
COMMENT ON FUNCTION crm.purchase_history_in(cstring) IS 'reads {day orders amount, ...}';
COMMENT ON FUNCTION crm.purchase_history_out(crm.purchase_history) IS 'writes {day orders amount, ...}';
COMMENT ON FUNCTION crm.purchase_history_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm.purchase_history_send(crm.purchase_history) IS 'writes the binary form';

CREATE TYPE crm.purchase_history (
  INPUT = crm.purchase_history_in,
  OUTPUT = crm.purchase_history_out,
  RECEIVE = crm.purchase_history_recv,
  SEND = crm.purchase_history_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.purchase_history IS
  'what one customer bought, day by day: {day orders amount, ...}, amounts exact to 1/10000 of the currency unit';

-- one purchase

CREATE FUNCTION crm.purchase(purchased_on date, amount numeric) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase';
COMMENT ON FUNCTION crm.purchase(date, numeric) IS 'the history of one order (of a refund if the amount is negative)';

CREATE FUNCTION crm.purchase(purchased_on date, amount numeric, orders int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase';
COMMENT ON FUNCTION crm.purchase(date, numeric, int) IS 'the history of one day''s orders and their amount';

-- the aggregate: (day, amount [, orders]) and, for timestamptz, (at, amount, time_zone [, orders])

CREATE FUNCTION crm.purchase_history_final(crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_final';
COMMENT ON FUNCTION crm.purchase_history_final(crm.purchase_history) IS 'final function of the aggregate purchase_history';
CREATE FUNCTION crm.purchase_history_plus(crm.purchase_history, crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_plus';
COMMENT ON FUNCTION crm.purchase_history_plus(crm.purchase_history, crm.purchase_history) IS 'implementation of + operator';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, date, numeric) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_date_numeric';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, date, numeric) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(date, numeric) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, numeric) IS
  'the purchase history of orders on days; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, date, numeric, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_date_numeric';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, date, numeric, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(date, numeric, int) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, numeric, int) IS
  'the purchase history of orders on days, the last argument being how many orders a row counts; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, date, float8) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_date_float8';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, date, float8) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(date, float8) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, float8) IS
  'the purchase history of orders on days; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, date, float8, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_date_float8';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, date, float8, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(date, float8, int) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, float8, int) IS
  'the purchase history of orders on days, the last argument being how many orders a row counts; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamp, numeric) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamp_numeric';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamp, numeric) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(timestamp, numeric) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamp, numeric) IS
  'the purchase history of orders at timestamps as they stand; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamp, numeric, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamp_numeric';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamp, numeric, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(timestamp, numeric, int) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamp, numeric, int) IS
  'the purchase history of orders at timestamps as they stand, the last argument being how many orders a row counts; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamp, float8) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamp_float8';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamp, float8) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(timestamp, float8) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamp, float8) IS
  'the purchase history of orders at timestamps as they stand; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamp, float8, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamp_float8';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamp, float8, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(timestamp, float8, int) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamp, float8, int) IS
  'the purchase history of orders at timestamps as they stand, the last argument being how many orders a row counts; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamptz, numeric, text) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamptz_numeric';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamptz, numeric, text) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(timestamptz, numeric, text) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, numeric, text) IS
  'the purchase history of orders at instants, on the days of a time zone; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamptz, numeric, text, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamptz_numeric';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamptz, numeric, text, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(timestamptz, numeric, text, int) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, numeric, text, int) IS
  'the purchase history of orders at instants, on the days of a time zone, the last argument being how many orders a row counts; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamptz, float8, text) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamptz_float8';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamptz, float8, text) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(timestamptz, float8, text) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, float8, text) IS
  'the purchase history of orders at instants, on the days of a time zone; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamptz, float8, text, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamptz_float8';
COMMENT ON FUNCTION crm.purchase_history_transition(crm.purchase_history, timestamptz, float8, text, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(timestamptz, float8, text, int) (
  SFUNC = crm.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, float8, text, int) IS
  'the purchase history of orders at instants, on the days of a time zone, the last argument being how many orders a row counts; rows with a NULL are left out';

CREATE FUNCTION crm.purchase_history_merge(crm.purchase_history, crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_merge';
COMMENT ON FUNCTION crm.purchase_history_merge(crm.purchase_history, crm.purchase_history) IS
  'transition function of the aggregate merge';
CREATE AGGREGATE crm.merge(crm.purchase_history) (
  SFUNC = crm.purchase_history_merge,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm.purchase_history_final,
  COMBINEFUNC = crm.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.purchase_history) IS 'all that is in any of the histories';

-- sum and difference

CREATE FUNCTION crm.purchase_history_minus(crm.purchase_history, crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_minus';
COMMENT ON FUNCTION crm.purchase_history_minus(crm.purchase_history, crm.purchase_history) IS 'implementation of - operator';

CREATE OPERATOR crm.+ (
  FUNCTION = crm.purchase_history_plus,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.purchase_history, crm.purchase_history) IS 'all that is in either history';
CREATE OPERATOR crm.- (
  FUNCTION = crm.purchase_history_minus,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history
);
COMMENT ON OPERATOR crm.- (crm.purchase_history, crm.purchase_history) IS
  'the left history without what is in the right one; an error if orders would be missing';

-- equality, order, hash

CREATE FUNCTION crm.purchase_history_eq(crm.purchase_history, crm.purchase_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_eq';
COMMENT ON FUNCTION crm.purchase_history_eq(crm.purchase_history, crm.purchase_history) IS 'implementation of = operator';
CREATE FUNCTION crm.purchase_history_ne(crm.purchase_history, crm.purchase_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_ne';
COMMENT ON FUNCTION crm.purchase_history_ne(crm.purchase_history, crm.purchase_history) IS 'implementation of <> operator';
CREATE FUNCTION crm.purchase_history_lt(crm.purchase_history, crm.purchase_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_lt';
COMMENT ON FUNCTION crm.purchase_history_lt(crm.purchase_history, crm.purchase_history) IS 'implementation of < operator';
CREATE FUNCTION crm.purchase_history_le(crm.purchase_history, crm.purchase_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_le';
COMMENT ON FUNCTION crm.purchase_history_le(crm.purchase_history, crm.purchase_history) IS 'implementation of <= operator';
CREATE FUNCTION crm.purchase_history_gt(crm.purchase_history, crm.purchase_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_gt';
COMMENT ON FUNCTION crm.purchase_history_gt(crm.purchase_history, crm.purchase_history) IS 'implementation of > operator';
CREATE FUNCTION crm.purchase_history_ge(crm.purchase_history, crm.purchase_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_ge';
COMMENT ON FUNCTION crm.purchase_history_ge(crm.purchase_history, crm.purchase_history) IS 'implementation of >= operator';
CREATE FUNCTION crm.purchase_history_cmp(crm.purchase_history, crm.purchase_history) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_cmp';
COMMENT ON FUNCTION crm.purchase_history_cmp(crm.purchase_history, crm.purchase_history) IS 'less-equal-greater';
CREATE FUNCTION crm.purchase_history_hash(crm.purchase_history) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_hash';
COMMENT ON FUNCTION crm.purchase_history_hash(crm.purchase_history) IS 'hash';
CREATE FUNCTION crm.purchase_history_hash_extended(crm.purchase_history, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_hash_extended';
COMMENT ON FUNCTION crm.purchase_history_hash_extended(crm.purchase_history, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.purchase_history_eq,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.purchase_history, crm.purchase_history) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.purchase_history_ne,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.purchase_history, crm.purchase_history) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.purchase_history_lt,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.purchase_history, crm.purchase_history) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.purchase_history_le,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.purchase_history, crm.purchase_history) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.purchase_history_gt,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.purchase_history, crm.purchase_history) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.purchase_history_ge,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.purchase_history, crm.purchase_history) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.purchase_history_ops DEFAULT FOR TYPE crm.purchase_history USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.purchase_history_cmp(crm.purchase_history, crm.purchase_history);
COMMENT ON OPERATOR CLASS crm.purchase_history_ops USING btree IS 'order by the first entry that differs';
COMMENT ON OPERATOR FAMILY crm.purchase_history_ops USING btree IS 'order by the first entry that differs';
CREATE OPERATOR CLASS crm.purchase_history_hash_ops DEFAULT FOR TYPE crm.purchase_history USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.purchase_history_hash(crm.purchase_history),
  FUNCTION 2 crm.purchase_history_hash_extended(crm.purchase_history, bigint);
COMMENT ON OPERATOR CLASS crm.purchase_history_hash_ops USING hash IS 'equal entries';
COMMENT ON OPERATOR FAMILY crm.purchase_history_hash_ops USING hash IS 'equal entries';

-- questions

CREATE FUNCTION crm.first_purchase(history crm.purchase_history) RETURNS date
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_first_purchase';
COMMENT ON FUNCTION crm.first_purchase(crm.purchase_history) IS 'day of the first purchase; NULL without one';
CREATE FUNCTION crm.last_purchase(history crm.purchase_history) RETURNS date
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_last_purchase';
COMMENT ON FUNCTION crm.last_purchase(crm.purchase_history) IS 'day of the last purchase; NULL without one';
CREATE FUNCTION crm.orders(history crm.purchase_history) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_orders';
COMMENT ON FUNCTION crm.orders(crm.purchase_history) IS 'number of orders';
CREATE FUNCTION crm.purchase_days(history crm.purchase_history) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_days';
COMMENT ON FUNCTION crm.purchase_days(crm.purchase_history) IS 'number of days with at least one order';
CREATE FUNCTION crm.spend(history crm.purchase_history) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_spend';
COMMENT ON FUNCTION crm.spend(crm.purchase_history) IS 'net amount in the currency unit, refunds taken off; exact';
CREATE FUNCTION crm.average_order_value(history crm.purchase_history) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_average_order_value';
COMMENT ON FUNCTION crm.average_order_value(crm.purchase_history) IS 'net amount divided by orders; NULL without orders';
CREATE FUNCTION crm.interpurchase_days(history crm.purchase_history) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_interpurchase_days';
COMMENT ON FUNCTION crm.interpurchase_days(crm.purchase_history) IS 'mean days from one purchase day to the next; NULL with fewer than two';
CREATE FUNCTION crm.recency(history crm.purchase_history, as_of date) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_recency';
COMMENT ON FUNCTION crm.recency(crm.purchase_history, date) IS 'whole days from the last purchase at or before as_of to as_of; NULL without one';
CREATE FUNCTION crm.tenure(history crm.purchase_history, as_of date) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tenure';
COMMENT ON FUNCTION crm.tenure(crm.purchase_history, date) IS 'whole days from the first purchase to as_of; NULL if that is still to come';
CREATE FUNCTION crm.until(history crm.purchase_history, day date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_until';
COMMENT ON FUNCTION crm.until(crm.purchase_history, date) IS 'what happened on or before the day';
CREATE FUNCTION crm.within(history crm.purchase_history, days daterange) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_within';
COMMENT ON FUNCTION crm.within(crm.purchase_history, daterange) IS 'what happened on the days of the range';
CREATE FUNCTION crm.drop_refunded(history crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_drop_refunded';
COMMENT ON FUNCTION crm.drop_refunded(crm.purchase_history) IS 'the history without the days whose amount nets to zero or less';
CREATE FUNCTION crm.purchases(history crm.purchase_history,
    OUT purchased_on date, OUT orders int, OUT amount numeric) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 10 AS 'MODULE_PATHNAME', 'crm_purchases';
COMMENT ON FUNCTION crm.purchases(crm.purchase_history) IS 'the entries of the history, by day';
CREATE FUNCTION crm.activity(history crm.purchase_history, period text, as_of date,
    OUT period_start date, OUT period_no int, OUT orders bigint, OUT amount numeric, OUT cumulative_amount numeric)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 24 AS 'MODULE_PATHNAME', 'crm_activity';
COMMENT ON FUNCTION crm.activity(crm.purchase_history, text, date) IS
  'calendar periods (day, week, month, quarter or year) from the first purchase (period_no 0) to as_of, those without orders included';
CREATE FUNCTION crm.purchase_history_to_jsonb(crm.purchase_history) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_purchase_history_to_jsonb';
COMMENT ON FUNCTION crm.purchase_history_to_jsonb(crm.purchase_history) IS
  'the history as a jsonb array of {"purchased_on", "orders", "amount"}';
CREATE CAST (crm.purchase_history AS jsonb) WITH FUNCTION crm.purchase_history_to_jsonb(crm.purchase_history);
COMMENT ON CAST (crm.purchase_history AS jsonb) IS 'an array of {"purchased_on", "orders", "amount"}';
-- rfm: the score of one customer

CREATE TYPE crm.rfm;

CREATE FUNCTION crm.rfm_in(cstring) RETURNS crm.rfm
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_rfm_in';
COMMENT ON FUNCTION crm.rfm_in(cstring) IS 'reads the three digits 545, with other than five bins 333/3';
CREATE FUNCTION crm.rfm_out(crm.rfm) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_rfm_out';
COMMENT ON FUNCTION crm.rfm_out(crm.rfm) IS 'writes the three digits 545, with other than five bins 333/3';
CREATE FUNCTION crm.rfm_recv(internal) RETURNS crm.rfm
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_recv';
COMMENT ON FUNCTION crm.rfm_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.rfm_send(crm.rfm) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_send';
COMMENT ON FUNCTION crm.rfm_send(crm.rfm) IS 'writes the binary form';

CREATE TYPE crm.rfm (
  INPUT = crm.rfm_in,
  OUTPUT = crm.rfm_out,
  RECEIVE = crm.rfm_recv,
  SEND = crm.rfm_send,
  INTERNALLENGTH = 4,
  PASSEDBYVALUE,
  ALIGNMENT = int4,
  STORAGE = plain
);
COMMENT ON TYPE crm.rfm IS
  'a score of recency, frequency and monetary, the highest being best: 545, with other than five bins 333/3';

-- digits

CREATE FUNCTION crm.recency(crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_recency';
COMMENT ON FUNCTION crm.recency(crm.rfm) IS 'score of recency: the highest for the fewest days';
CREATE FUNCTION crm.frequency(crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_frequency';
COMMENT ON FUNCTION crm.frequency(crm.rfm) IS 'score of frequency';
CREATE FUNCTION crm.monetary(crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_monetary';
COMMENT ON FUNCTION crm.monetary(crm.rfm) IS 'score of monetary';
CREATE FUNCTION crm.bins(crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_bins';
COMMENT ON FUNCTION crm.bins(crm.rfm) IS 'number of bins, 2 to 9';
CREATE FUNCTION crm.rfm_to_int(crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_to_int';
COMMENT ON FUNCTION crm.rfm_to_int(crm.rfm) IS 'the three digits as a number; without the bins';
CREATE CAST (crm.rfm AS int) WITH FUNCTION crm.rfm_to_int(crm.rfm);
COMMENT ON CAST (crm.rfm AS int) IS 'the three digits as a number; without the bins';

-- equality, order, hash

CREATE FUNCTION crm.rfm_eq(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4eq';
COMMENT ON FUNCTION crm.rfm_eq(crm.rfm, crm.rfm) IS 'implementation of = operator';
CREATE FUNCTION crm.rfm_ne(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4ne';
COMMENT ON FUNCTION crm.rfm_ne(crm.rfm, crm.rfm) IS 'implementation of <> operator';
CREATE FUNCTION crm.rfm_lt(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4lt';
COMMENT ON FUNCTION crm.rfm_lt(crm.rfm, crm.rfm) IS 'implementation of < operator';
CREATE FUNCTION crm.rfm_le(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4le';
COMMENT ON FUNCTION crm.rfm_le(crm.rfm, crm.rfm) IS 'implementation of <= operator';
CREATE FUNCTION crm.rfm_gt(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4gt';
COMMENT ON FUNCTION crm.rfm_gt(crm.rfm, crm.rfm) IS 'implementation of > operator';
CREATE FUNCTION crm.rfm_ge(crm.rfm, crm.rfm) RETURNS bool
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'int4ge';
COMMENT ON FUNCTION crm.rfm_ge(crm.rfm, crm.rfm) IS 'implementation of >= operator';
CREATE FUNCTION crm.rfm_cmp(crm.rfm, crm.rfm) RETURNS int
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'btint4cmp';
COMMENT ON FUNCTION crm.rfm_cmp(crm.rfm, crm.rfm) IS 'less-equal-greater';
CREATE FUNCTION crm.rfm_hash(crm.rfm) RETURNS int
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'hashint4';
COMMENT ON FUNCTION crm.rfm_hash(crm.rfm) IS 'hash';
CREATE FUNCTION crm.rfm_hash_extended(crm.rfm, bigint) RETURNS bigint
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'hashint4extended';
COMMENT ON FUNCTION crm.rfm_hash_extended(crm.rfm, bigint) IS 'hash with a seed';
CREATE FUNCTION crm.rfm_sortsupport(internal) RETURNS void
  LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'btint4sortsupport';
COMMENT ON FUNCTION crm.rfm_sortsupport(internal) IS 'sort support';

CREATE OPERATOR crm.= (
  FUNCTION = crm.rfm_eq,
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
  FUNCTION = crm.rfm_ne,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.rfm, crm.rfm) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.rfm_lt,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.rfm, crm.rfm) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.rfm_le,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.rfm, crm.rfm) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.rfm_gt,
  LEFTARG = crm.rfm,
  RIGHTARG = crm.rfm,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.rfm, crm.rfm) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.rfm_ge,
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
  FUNCTION 1 crm.rfm_cmp(crm.rfm, crm.rfm),
  FUNCTION 2 crm.rfm_sortsupport(internal);
COMMENT ON OPERATOR CLASS crm.rfm_ops USING btree IS 'fewer bins first, then by the digits as a number';
COMMENT ON OPERATOR FAMILY crm.rfm_ops USING btree IS 'fewer bins first, then by the digits as a number';
CREATE OPERATOR CLASS crm.rfm_hash_ops DEFAULT FOR TYPE crm.rfm USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.rfm_hash(crm.rfm),
  FUNCTION 2 crm.rfm_hash_extended(crm.rfm, bigint);
COMMENT ON OPERATOR CLASS crm.rfm_hash_ops USING hash IS 'equal bins and digits';
COMMENT ON OPERATOR FAMILY crm.rfm_hash_ops USING hash IS 'equal bins and digits';
-- rfm_scale: the cut points that turn measures into scores

CREATE TYPE crm.rfm_scale;

CREATE FUNCTION crm.rfm_scale_in(cstring) RETURNS crm.rfm_scale
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500 AS 'MODULE_PATHNAME', 'crm_rfm_scale_in';
COMMENT ON FUNCTION crm.rfm_scale_in(cstring) IS
  'reads recency: 95, 260; frequency: 1, 2; monetary: 14.37, 50, one cut point fewer than bins';
CREATE FUNCTION crm.rfm_scale_out(crm.rfm_scale) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_rfm_scale_out';
COMMENT ON FUNCTION crm.rfm_scale_out(crm.rfm_scale) IS
  'writes recency: 95, 260; frequency: 1, 2; monetary: 14.37, 50, one cut point fewer than bins';
CREATE FUNCTION crm.rfm_scale_recv(internal) RETURNS crm.rfm_scale
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_recv';
COMMENT ON FUNCTION crm.rfm_scale_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.rfm_scale_send(crm.rfm_scale) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_send';
COMMENT ON FUNCTION crm.rfm_scale_send(crm.rfm_scale) IS 'writes the binary form';

CREATE TYPE crm.rfm_scale (
  INPUT = crm.rfm_scale_in,
  OUTPUT = crm.rfm_scale_out,
  RECEIVE = crm.rfm_scale_recv,
  SEND = crm.rfm_scale_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.rfm_scale IS
  'cut points of recency, frequency and monetary: recency: 95, 260; frequency: 1, 2; monetary: 14.37, 50, one cut point fewer than bins';

-- made by hand, and taken apart

CREATE FUNCTION crm.rfm_scale_of(recency numeric[], frequency numeric[], monetary numeric[]) RETURNS crm.rfm_scale
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500 AS 'MODULE_PATHNAME', 'crm_rfm_scale_of';
COMMENT ON FUNCTION crm.rfm_scale_of(numeric[], numeric[], numeric[]) IS
  'a scale of cut points made by hand, each array ascending, one cut point fewer than bins';
CREATE FUNCTION crm.recency_cuts(scale crm.rfm_scale) RETURNS numeric[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_recency_cuts';
COMMENT ON FUNCTION crm.recency_cuts(crm.rfm_scale) IS 'cut points of recency, ascending';
CREATE FUNCTION crm.frequency_cuts(scale crm.rfm_scale) RETURNS numeric[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_frequency_cuts';
COMMENT ON FUNCTION crm.frequency_cuts(crm.rfm_scale) IS 'cut points of frequency, ascending';
CREATE FUNCTION crm.monetary_cuts(scale crm.rfm_scale) RETURNS numeric[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_monetary_cuts';
COMMENT ON FUNCTION crm.monetary_cuts(crm.rfm_scale) IS 'cut points of monetary, ascending';
CREATE FUNCTION crm.bins(scale crm.rfm_scale) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_rfm_scale_bins';
COMMENT ON FUNCTION crm.bins(crm.rfm_scale) IS 'number of bins, 2 to 9';

-- the aggregates: (history, as_of [, bins]) and (recency, frequency, monetary [, bins])

CREATE TYPE crm.rfm_scale_state;

CREATE FUNCTION crm.rfm_scale_state_in(cstring) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_rfm_scale_state_in';
COMMENT ON FUNCTION crm.rfm_scale_state_in(cstring) IS
  'reads the counts of each measure: bins 5; exact 70000:2, 120000:1; ...';
CREATE FUNCTION crm.rfm_scale_state_out(crm.rfm_scale_state) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_rfm_scale_state_out';
COMMENT ON FUNCTION crm.rfm_scale_state_out(crm.rfm_scale_state) IS
  'writes the counts of each measure: bins 5; exact 70000:2, 120000:1; ...';
CREATE FUNCTION crm.rfm_scale_state_recv(internal) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_rfm_scale_state_recv';
COMMENT ON FUNCTION crm.rfm_scale_state_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.rfm_scale_state_send(crm.rfm_scale_state) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_rfm_scale_state_send';
COMMENT ON FUNCTION crm.rfm_scale_state_send(crm.rfm_scale_state) IS 'writes the binary form';

CREATE TYPE crm.rfm_scale_state (
  INPUT = crm.rfm_scale_state_in,
  OUTPUT = crm.rfm_scale_state_out,
  RECEIVE = crm.rfm_scale_state_recv,
  SEND = crm.rfm_scale_state_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.rfm_scale_state IS
  'state of the aggregates rfm_scale: how often each value of each measure occurred, in ten-thousandths';

CREATE FUNCTION crm.rfm_scale_final(crm.rfm_scale_state) RETURNS crm.rfm_scale
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_rfm_scale_final';
COMMENT ON FUNCTION crm.rfm_scale_final(crm.rfm_scale_state) IS
  'final function of the aggregates rfm_scale';
CREATE FUNCTION crm.rfm_scale_combine(crm.rfm_scale_state, crm.rfm_scale_state) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_rfm_scale_combine';
COMMENT ON FUNCTION crm.rfm_scale_combine(crm.rfm_scale_state, crm.rfm_scale_state) IS
  'combine function of the aggregates rfm_scale';
CREATE FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, crm.purchase_history, date) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_history';
COMMENT ON FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, crm.purchase_history, date) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(crm.purchase_history, date) (
  SFUNC = crm.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm.rfm_scale_final,
  COMBINEFUNC = crm.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(crm.purchase_history, date) IS
  'cut points from histories until as_of, five bins; histories without a purchase by then are left out';

CREATE FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, crm.purchase_history, date, int) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_history';
COMMENT ON FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, crm.purchase_history, date, int) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(crm.purchase_history, date, int) (
  SFUNC = crm.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm.rfm_scale_final,
  COMBINEFUNC = crm.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(crm.purchase_history, date, int) IS
  'cut points from histories until as_of, the last argument being the number of bins; histories without a purchase by then are left out';

CREATE FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, int, bigint, numeric) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_numeric';
COMMENT ON FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, int, bigint, numeric) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(int, bigint, numeric) (
  SFUNC = crm.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm.rfm_scale_final,
  COMBINEFUNC = crm.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(int, bigint, numeric) IS
  'cut points from recency (days), frequency and monetary, five bins; rows with a NULL are left out';

CREATE FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, int, bigint, numeric, int) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_numeric';
COMMENT ON FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, int, bigint, numeric, int) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(int, bigint, numeric, int) (
  SFUNC = crm.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm.rfm_scale_final,
  COMBINEFUNC = crm.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(int, bigint, numeric, int) IS
  'cut points from recency (days), frequency and monetary, the last argument being the number of bins; rows with a NULL are left out';

CREATE FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, float8, float8, float8) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_float8';
COMMENT ON FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, float8, float8, float8) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(float8, float8, float8) (
  SFUNC = crm.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm.rfm_scale_final,
  COMBINEFUNC = crm.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(float8, float8, float8) IS
  'cut points from recency (days), frequency and monetary, five bins, each to four decimals; rows with a NULL are left out';

CREATE FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, float8, float8, float8, int) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_float8';
COMMENT ON FUNCTION crm.rfm_scale_transition(crm.rfm_scale_state, float8, float8, float8, int) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(float8, float8, float8, int) (
  SFUNC = crm.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm.rfm_scale_final,
  COMBINEFUNC = crm.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(float8, float8, float8, int) IS
  'cut points from recency (days), frequency and monetary, each to four decimals, the last argument being the number of bins; rows with a NULL are left out';

-- scores

CREATE FUNCTION crm.rfm_score(scale crm.rfm_scale, history crm.purchase_history, as_of date) RETURNS crm.rfm
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_rfm_score_history';
COMMENT ON FUNCTION crm.rfm_score(crm.rfm_scale, crm.purchase_history, date) IS
  'score on the scale: 1 + the cut points below the value, of recency the other way; NULL without a purchase by as_of';
CREATE FUNCTION crm.rfm_score(scale crm.rfm_scale, recency int, frequency bigint, monetary numeric) RETURNS crm.rfm
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_rfm_score_numeric';
COMMENT ON FUNCTION crm.rfm_score(crm.rfm_scale, int, bigint, numeric) IS
  'score on the scale: 1 + the cut points below the value, of recency the other way';
CREATE FUNCTION crm.rfm_score(scale crm.rfm_scale, recency float8, frequency float8, monetary float8) RETURNS crm.rfm
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_rfm_score_float8';
COMMENT ON FUNCTION crm.rfm_score(crm.rfm_scale, float8, float8, float8) IS
  'score on the scale: 1 + the cut points below the value, of recency the other way; each value to four decimals';

CREATE FUNCTION crm.rfm_explain(scale crm.rfm_scale, history crm.purchase_history, as_of date,
    OUT measure text, OUT value numeric, OUT lower_cut numeric, OUT upper_cut numeric, OUT score int) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3 AS 'MODULE_PATHNAME', 'crm_rfm_explain_history';
COMMENT ON FUNCTION crm.rfm_explain(crm.rfm_scale, crm.purchase_history, date) IS
  'why a score is what it is, a row a measure: lower_cut < value <= upper_cut';
CREATE FUNCTION crm.rfm_explain(scale crm.rfm_scale, recency int, frequency bigint, monetary numeric,
    OUT measure text, OUT value numeric, OUT lower_cut numeric, OUT upper_cut numeric, OUT score int) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3 AS 'MODULE_PATHNAME', 'crm_rfm_explain_numeric';
COMMENT ON FUNCTION crm.rfm_explain(crm.rfm_scale, int, bigint, numeric) IS
  'why a score is what it is, a row a measure: lower_cut < value <= upper_cut';
CREATE FUNCTION crm.rfm_explain(scale crm.rfm_scale, recency float8, frequency float8, monetary float8,
    OUT measure text, OUT value numeric, OUT lower_cut numeric, OUT upper_cut numeric, OUT score int) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 3 AS 'MODULE_PATHNAME', 'crm_rfm_explain_float8';
COMMENT ON FUNCTION crm.rfm_explain(crm.rfm_scale, float8, float8, float8) IS
  'why a score is what it is, a row a measure: lower_cut < value <= upper_cut';

-- equality, order, hash

CREATE FUNCTION crm.rfm_scale_eq(crm.rfm_scale, crm.rfm_scale) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_eq';
COMMENT ON FUNCTION crm.rfm_scale_eq(crm.rfm_scale, crm.rfm_scale) IS 'implementation of = operator';
CREATE FUNCTION crm.rfm_scale_ne(crm.rfm_scale, crm.rfm_scale) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_ne';
COMMENT ON FUNCTION crm.rfm_scale_ne(crm.rfm_scale, crm.rfm_scale) IS 'implementation of <> operator';
CREATE FUNCTION crm.rfm_scale_lt(crm.rfm_scale, crm.rfm_scale) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_lt';
COMMENT ON FUNCTION crm.rfm_scale_lt(crm.rfm_scale, crm.rfm_scale) IS 'implementation of < operator';
CREATE FUNCTION crm.rfm_scale_le(crm.rfm_scale, crm.rfm_scale) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_le';
COMMENT ON FUNCTION crm.rfm_scale_le(crm.rfm_scale, crm.rfm_scale) IS 'implementation of <= operator';
CREATE FUNCTION crm.rfm_scale_gt(crm.rfm_scale, crm.rfm_scale) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_gt';
COMMENT ON FUNCTION crm.rfm_scale_gt(crm.rfm_scale, crm.rfm_scale) IS 'implementation of > operator';
CREATE FUNCTION crm.rfm_scale_ge(crm.rfm_scale, crm.rfm_scale) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_ge';
COMMENT ON FUNCTION crm.rfm_scale_ge(crm.rfm_scale, crm.rfm_scale) IS 'implementation of >= operator';
CREATE FUNCTION crm.rfm_scale_cmp(crm.rfm_scale, crm.rfm_scale) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_cmp';
COMMENT ON FUNCTION crm.rfm_scale_cmp(crm.rfm_scale, crm.rfm_scale) IS 'less-equal-greater';
CREATE FUNCTION crm.rfm_scale_hash(crm.rfm_scale) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_hash';
COMMENT ON FUNCTION crm.rfm_scale_hash(crm.rfm_scale) IS 'hash';
CREATE FUNCTION crm.rfm_scale_hash_extended(crm.rfm_scale, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_hash_extended';
COMMENT ON FUNCTION crm.rfm_scale_hash_extended(crm.rfm_scale, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.rfm_scale_eq,
  LEFTARG = crm.rfm_scale,
  RIGHTARG = crm.rfm_scale,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.rfm_scale, crm.rfm_scale) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.rfm_scale_ne,
  LEFTARG = crm.rfm_scale,
  RIGHTARG = crm.rfm_scale,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.rfm_scale, crm.rfm_scale) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.rfm_scale_lt,
  LEFTARG = crm.rfm_scale,
  RIGHTARG = crm.rfm_scale,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.rfm_scale, crm.rfm_scale) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.rfm_scale_le,
  LEFTARG = crm.rfm_scale,
  RIGHTARG = crm.rfm_scale,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.rfm_scale, crm.rfm_scale) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.rfm_scale_gt,
  LEFTARG = crm.rfm_scale,
  RIGHTARG = crm.rfm_scale,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.rfm_scale, crm.rfm_scale) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.rfm_scale_ge,
  LEFTARG = crm.rfm_scale,
  RIGHTARG = crm.rfm_scale,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.rfm_scale, crm.rfm_scale) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.rfm_scale_ops DEFAULT FOR TYPE crm.rfm_scale USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.rfm_scale_cmp(crm.rfm_scale, crm.rfm_scale);
COMMENT ON OPERATOR CLASS crm.rfm_scale_ops USING btree IS 'fewer bins first, then by the first cut point that differs';
COMMENT ON OPERATOR FAMILY crm.rfm_scale_ops USING btree IS 'fewer bins first, then by the first cut point that differs';
CREATE OPERATOR CLASS crm.rfm_scale_hash_ops DEFAULT FOR TYPE crm.rfm_scale USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.rfm_scale_hash(crm.rfm_scale),
  FUNCTION 2 crm.rfm_scale_hash_extended(crm.rfm_scale, bigint);
COMMENT ON OPERATOR CLASS crm.rfm_scale_hash_ops USING hash IS 'equal bins and cut points';
COMMENT ON OPERATOR FAMILY crm.rfm_scale_hash_ops USING hash IS 'equal bins and cut points';
-- segment_map: names for scores

CREATE TYPE crm.segment_map;

CREATE FUNCTION crm.segment_map_in(cstring) RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500 AS 'MODULE_PATHNAME', 'crm_segment_map_in';
COMMENT ON FUNCTION crm.segment_map_in(cstring) IS
  'reads a list of rules: Champions: r 5, fm 4-5; Loyal: r 3-5; Other: any';
CREATE FUNCTION crm.segment_map_out(crm.segment_map) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'crm_segment_map_out';
COMMENT ON FUNCTION crm.segment_map_out(crm.segment_map) IS
  'writes a list of rules: Champions: r 5, fm 4-5; Loyal: r 3-5; Other: any';
CREATE FUNCTION crm.segment_map_recv(internal) RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_recv';
COMMENT ON FUNCTION crm.segment_map_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.segment_map_send(crm.segment_map) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_send';
COMMENT ON FUNCTION crm.segment_map_send(crm.segment_map) IS 'writes the binary form';

CREATE TYPE crm.segment_map (
  INPUT = crm.segment_map_in,
  OUTPUT = crm.segment_map_out,
  RECEIVE = crm.segment_map_recv,
  SEND = crm.segment_map_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = int4,
  STORAGE = extended
);
COMMENT ON TYPE crm.segment_map IS
  'segments as rules over r, f, m, fm (mean of f and m, half rounded up) and total (their sum); the first rule that matches decides';

-- the maps that come with the extension

CREATE FUNCTION crm.rf_grid() RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_rf_grid';
COMMENT ON FUNCTION crm.rf_grid() IS 'the 5x5 grid of recency and frequency; the default for five bins';
CREATE FUNCTION crm.rfm_cells() RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_rfm_cells';
COMMENT ON FUNCTION crm.rfm_cells() IS 'eleven segments of five bins that look at all three scores';
CREATE FUNCTION crm.rf_grid_3() RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_rf_grid_3';
COMMENT ON FUNCTION crm.rf_grid_3() IS
  'the grid of recency and frequency with three bins; the default for them';
CREATE FUNCTION crm.rf_grid_4() RETURNS crm.segment_map
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_rf_grid_4';
COMMENT ON FUNCTION crm.rf_grid_4() IS
  'the grid of recency and frequency with four bins; the default for them';

-- what a score is called

CREATE FUNCTION crm.segment(rfm crm.rfm) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_segment';
COMMENT ON FUNCTION crm.segment(crm.rfm) IS 'the segment of a score, by the map that comes with its bins';
CREATE FUNCTION crm.segment(rfm crm.rfm, map crm.segment_map) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_segment';
COMMENT ON FUNCTION crm.segment(crm.rfm, crm.segment_map) IS
  'the segment of a score; NULL if no rule of the map matches';
CREATE FUNCTION crm.segment_rule(rfm crm.rfm) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30 AS 'MODULE_PATHNAME', 'crm_segment_rule';
COMMENT ON FUNCTION crm.segment_rule(crm.rfm) IS
  'the rule that gave a score its segment, by the map that comes with its bins';
CREATE FUNCTION crm.segment_rule(rfm crm.rfm, map crm.segment_map) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30 AS 'MODULE_PATHNAME', 'crm_segment_rule';
COMMENT ON FUNCTION crm.segment_rule(crm.rfm, crm.segment_map) IS
  'the rule that gave a score its segment; NULL if no rule of the map matches';
CREATE FUNCTION crm.segment_rank(rfm crm.rfm) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_rank';
COMMENT ON FUNCTION crm.segment_rank(crm.rfm) IS
  'rank of the segment of a score, 1 for the first in the map, by the map that comes with its bins';
CREATE FUNCTION crm.segment_rank(rfm crm.rfm, map crm.segment_map) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_rank';
COMMENT ON FUNCTION crm.segment_rank(crm.rfm, crm.segment_map) IS
  'rank of the segment of a score, 1 for the first in the map; NULL if no rule of the map matches';

-- what a map holds

CREATE FUNCTION crm.bins(map crm.segment_map) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_segment_map_bins';
COMMENT ON FUNCTION crm.bins(crm.segment_map) IS 'number of bins of the scores that the map is for';
CREATE FUNCTION crm.segments(map crm.segment_map, OUT segment text, OUT segment_rank int) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 10 AS 'MODULE_PATHNAME', 'crm_segments';
COMMENT ON FUNCTION crm.segments(crm.segment_map) IS 'the segments of a map with their ranks';
CREATE FUNCTION crm.segment_map_check(map crm.segment_map,
    OUT finding text, OUT rfm crm.rfm, OUT segments text[]) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 10 AS 'MODULE_PATHNAME', 'crm_segment_map_check';
COMMENT ON FUNCTION crm.segment_map_check(crm.segment_map) IS
  'what is doubtful about a map: scores that rules of several segments match (overlap), scores of no segment (uncovered), segments of no score (unreachable)';

-- equality, order, hash

CREATE FUNCTION crm.segment_map_eq(crm.segment_map, crm.segment_map) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_eq';
COMMENT ON FUNCTION crm.segment_map_eq(crm.segment_map, crm.segment_map) IS 'implementation of = operator';
CREATE FUNCTION crm.segment_map_ne(crm.segment_map, crm.segment_map) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_ne';
COMMENT ON FUNCTION crm.segment_map_ne(crm.segment_map, crm.segment_map) IS 'implementation of <> operator';
CREATE FUNCTION crm.segment_map_lt(crm.segment_map, crm.segment_map) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_lt';
COMMENT ON FUNCTION crm.segment_map_lt(crm.segment_map, crm.segment_map) IS 'implementation of < operator';
CREATE FUNCTION crm.segment_map_le(crm.segment_map, crm.segment_map) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_le';
COMMENT ON FUNCTION crm.segment_map_le(crm.segment_map, crm.segment_map) IS 'implementation of <= operator';
CREATE FUNCTION crm.segment_map_gt(crm.segment_map, crm.segment_map) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_gt';
COMMENT ON FUNCTION crm.segment_map_gt(crm.segment_map, crm.segment_map) IS 'implementation of > operator';
CREATE FUNCTION crm.segment_map_ge(crm.segment_map, crm.segment_map) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_ge';
COMMENT ON FUNCTION crm.segment_map_ge(crm.segment_map, crm.segment_map) IS 'implementation of >= operator';
CREATE FUNCTION crm.segment_map_cmp(crm.segment_map, crm.segment_map) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_cmp';
COMMENT ON FUNCTION crm.segment_map_cmp(crm.segment_map, crm.segment_map) IS 'less-equal-greater';
CREATE FUNCTION crm.segment_map_hash(crm.segment_map) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_hash';
COMMENT ON FUNCTION crm.segment_map_hash(crm.segment_map) IS 'hash';
CREATE FUNCTION crm.segment_map_hash_extended(crm.segment_map, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_segment_map_hash_extended';
COMMENT ON FUNCTION crm.segment_map_hash_extended(crm.segment_map, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.segment_map_eq,
  LEFTARG = crm.segment_map,
  RIGHTARG = crm.segment_map,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.segment_map, crm.segment_map) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.segment_map_ne,
  LEFTARG = crm.segment_map,
  RIGHTARG = crm.segment_map,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.segment_map, crm.segment_map) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.segment_map_lt,
  LEFTARG = crm.segment_map,
  RIGHTARG = crm.segment_map,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.segment_map, crm.segment_map) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.segment_map_le,
  LEFTARG = crm.segment_map,
  RIGHTARG = crm.segment_map,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.segment_map, crm.segment_map) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.segment_map_gt,
  LEFTARG = crm.segment_map,
  RIGHTARG = crm.segment_map,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.segment_map, crm.segment_map) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.segment_map_ge,
  LEFTARG = crm.segment_map,
  RIGHTARG = crm.segment_map,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.segment_map, crm.segment_map) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.segment_map_ops DEFAULT FOR TYPE crm.segment_map USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.segment_map_cmp(crm.segment_map, crm.segment_map);
COMMENT ON OPERATOR CLASS crm.segment_map_ops USING btree IS 'an order without meaning';
COMMENT ON OPERATOR FAMILY crm.segment_map_ops USING btree IS 'an order without meaning';
CREATE OPERATOR CLASS crm.segment_map_hash_ops DEFAULT FOR TYPE crm.segment_map USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.segment_map_hash(crm.segment_map),
  FUNCTION 2 crm.segment_map_hash_extended(crm.segment_map, bigint);
COMMENT ON OPERATOR CLASS crm.segment_map_hash_ops USING hash IS 'equal rules';
COMMENT ON OPERATOR FAMILY crm.segment_map_hash_ops USING hash IS 'equal rules';
-- tier_program: a loyalty programme as a value, and what a customer's standing in it is

CREATE TYPE crm.tier_program;

CREATE FUNCTION crm.tier_program_in(cstring) RETURNS crm.tier_program
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_tier_program_in';
COMMENT ON FUNCTION crm.tier_program_in(cstring) IS 'reads {Bronze: spend 0, Silver: spend 500} rolling 12 months downgrade one_tier grace 30 days';
CREATE FUNCTION crm.tier_program_out(crm.tier_program) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_tier_program_out';
COMMENT ON FUNCTION crm.tier_program_out(crm.tier_program) IS 'writes {Bronze: spend 0, Silver: spend 500} rolling 12 months downgrade one_tier grace 30 days';
CREATE FUNCTION crm.tier_program_recv(internal) RETURNS crm.tier_program
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_tier_program_recv';
COMMENT ON FUNCTION crm.tier_program_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.tier_program_send(crm.tier_program) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_tier_program_send';
COMMENT ON FUNCTION crm.tier_program_send(crm.tier_program) IS 'writes the binary form';

CREATE TYPE crm.tier_program (
  INPUT = crm.tier_program_in,
  OUTPUT = crm.tier_program_out,
  RECEIVE = crm.tier_program_recv,
  SEND = crm.tier_program_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.tier_program IS
  'a loyalty programme: tiers with thresholds, window, downgrade, grace: {Bronze: spend 0, Silver: spend 500} rolling 12 months downgrade one_tier grace 30 days';

-- the constructors

CREATE FUNCTION crm.tier_program(tiers text[], thresholds numeric[], metric text DEFAULT 'spend',
    period interval DEFAULT NULL, window_kind text DEFAULT 'rolling', downgrade text DEFAULT 'requalify',
    grace interval DEFAULT NULL, validity interval DEFAULT NULL, retain numeric[] DEFAULT NULL,
    lifetime_tiers text[] DEFAULT NULL, fiscal_start text DEFAULT NULL, starts_on date DEFAULT NULL,
    points_rate numeric DEFAULT NULL, order_points bigint DEFAULT NULL, bonus_points bigint DEFAULT NULL,
    bonus_every bigint DEFAULT NULL) RETURNS crm.tier_program
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_tier_program';
COMMENT ON FUNCTION crm.tier_program(text[], numeric[], text, interval, text, text, interval, interval, numeric[], text[], text, date, numeric, bigint, bigint, bigint) IS
  'a programme of tiers, the lowest first, with a threshold of the metric each';
CREATE FUNCTION crm.or_rule(program crm.tier_program, metric text, thresholds numeric[], retain numeric[] DEFAULT NULL)
    RETURNS crm.tier_program
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_or_rule';
COMMENT ON FUNCTION crm.or_rule(crm.tier_program, text, numeric[], numeric[]) IS
  'the programme with thresholds in one more metric, NULL for tiers without, any of which suffices';

-- equality, order, hash

CREATE FUNCTION crm.tier_program_eq(crm.tier_program, crm.tier_program) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_program_eq';
COMMENT ON FUNCTION crm.tier_program_eq(crm.tier_program, crm.tier_program) IS 'implementation of = operator';
CREATE FUNCTION crm.tier_program_ne(crm.tier_program, crm.tier_program) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_program_ne';
COMMENT ON FUNCTION crm.tier_program_ne(crm.tier_program, crm.tier_program) IS 'implementation of <> operator';
CREATE FUNCTION crm.tier_program_lt(crm.tier_program, crm.tier_program) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_program_lt';
COMMENT ON FUNCTION crm.tier_program_lt(crm.tier_program, crm.tier_program) IS 'implementation of < operator';
CREATE FUNCTION crm.tier_program_le(crm.tier_program, crm.tier_program) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_program_le';
COMMENT ON FUNCTION crm.tier_program_le(crm.tier_program, crm.tier_program) IS 'implementation of <= operator';
CREATE FUNCTION crm.tier_program_gt(crm.tier_program, crm.tier_program) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_program_gt';
COMMENT ON FUNCTION crm.tier_program_gt(crm.tier_program, crm.tier_program) IS 'implementation of > operator';
CREATE FUNCTION crm.tier_program_ge(crm.tier_program, crm.tier_program) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_program_ge';
COMMENT ON FUNCTION crm.tier_program_ge(crm.tier_program, crm.tier_program) IS 'implementation of >= operator';
CREATE FUNCTION crm.tier_program_cmp(crm.tier_program, crm.tier_program) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_program_cmp';
COMMENT ON FUNCTION crm.tier_program_cmp(crm.tier_program, crm.tier_program) IS 'less-equal-greater';
CREATE FUNCTION crm.tier_program_hash(crm.tier_program) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_program_hash';
COMMENT ON FUNCTION crm.tier_program_hash(crm.tier_program) IS 'hash';
CREATE FUNCTION crm.tier_program_hash_extended(crm.tier_program, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_program_hash_extended';
COMMENT ON FUNCTION crm.tier_program_hash_extended(crm.tier_program, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.tier_program_eq,
  LEFTARG = crm.tier_program,
  RIGHTARG = crm.tier_program,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.tier_program, crm.tier_program) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.tier_program_ne,
  LEFTARG = crm.tier_program,
  RIGHTARG = crm.tier_program,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.tier_program, crm.tier_program) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.tier_program_lt,
  LEFTARG = crm.tier_program,
  RIGHTARG = crm.tier_program,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.tier_program, crm.tier_program) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.tier_program_le,
  LEFTARG = crm.tier_program,
  RIGHTARG = crm.tier_program,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.tier_program, crm.tier_program) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.tier_program_gt,
  LEFTARG = crm.tier_program,
  RIGHTARG = crm.tier_program,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.tier_program, crm.tier_program) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.tier_program_ge,
  LEFTARG = crm.tier_program,
  RIGHTARG = crm.tier_program,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.tier_program, crm.tier_program) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.tier_program_ops DEFAULT FOR TYPE crm.tier_program USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.tier_program_cmp(crm.tier_program, crm.tier_program);
COMMENT ON OPERATOR CLASS crm.tier_program_ops USING btree IS 'order by bytes: the same on every machine of one kind';
COMMENT ON OPERATOR FAMILY crm.tier_program_ops USING btree IS 'order by bytes: the same on every machine of one kind';
CREATE OPERATOR CLASS crm.tier_program_hash_ops DEFAULT FOR TYPE crm.tier_program USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.tier_program_hash(crm.tier_program),
  FUNCTION 2 crm.tier_program_hash_extended(crm.tier_program, bigint);
COMMENT ON OPERATOR CLASS crm.tier_program_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR FAMILY crm.tier_program_hash_ops USING hash IS 'equal values';

-- what a programme says of itself

CREATE FUNCTION crm.tier_rank(program crm.tier_program, tier text) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_rank';
COMMENT ON FUNCTION crm.tier_rank(crm.tier_program, text) IS 'rank of a tier, 1 for the lowest; an error if there is no such tier';
CREATE FUNCTION crm.tier_value(program crm.tier_program, value numeric) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_tier_value';
COMMENT ON FUNCTION crm.tier_value(crm.tier_program, numeric) IS 'the tier that a value of the main metric reaches; NULL if it reaches none';
CREATE FUNCTION crm.tiers(program crm.tier_program,
    OUT rank int, OUT tier text, OUT metric text, OUT threshold numeric, OUT retain_threshold numeric, OUT lifetime boolean)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 5 AS 'MODULE_PATHNAME', 'crm_tiers';
COMMENT ON FUNCTION crm.tiers(crm.tier_program) IS 'the rules of the programme, one row for each tier and metric';
CREATE FUNCTION crm.tier_program_to_jsonb(crm.tier_program) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_tier_program_to_jsonb';
COMMENT ON FUNCTION crm.tier_program_to_jsonb(crm.tier_program) IS 'the programme as a jsonb object';
CREATE CAST (crm.tier_program AS jsonb) WITH FUNCTION crm.tier_program_to_jsonb(crm.tier_program);
COMMENT ON CAST (crm.tier_program AS jsonb) IS 'an object with every field, null where there is none';

-- a customer in a programme

CREATE TYPE crm.tier_override AS (floor text, ceiling text, valid daterange);
COMMENT ON TYPE crm.tier_override IS 'a tier that a customer is not below (floor) or not above (ceiling) on the days of a range';

CREATE FUNCTION crm.tier(program crm.tier_program, history crm.purchase_history, as_of date,
    overrides crm.tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL) RETURNS text
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_tier';
COMMENT ON FUNCTION crm.tier(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) IS
  'the tier held on a day; NULL if there is none';
CREATE FUNCTION crm.standing(program crm.tier_program, history crm.purchase_history, as_of date,
    overrides crm.tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL,
    OUT tier text, OUT rank int, OUT since date, OUT expires_on date, OUT metric_value numeric, OUT next_tier text,
    OUT missing_for_next numeric, OUT missing_to_keep numeric, OUT reason text) RETURNS record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_standing';
COMMENT ON FUNCTION crm.standing(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) IS
  'the tier held on a day, since when, until when if nothing more is bought, what is missing for the next and to keep it, and why';
CREATE FUNCTION crm.tier_timeline(program crm.tier_program, history crm.purchase_history, until date,
    overrides crm.tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL,
    OUT changed_on date, OUT from_tier text, OUT to_tier text, OUT to_rank int, OUT metric_value numeric, OUT reason text)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 ROWS 5 AS 'MODULE_PATHNAME', 'crm_tier_timeline';
COMMENT ON FUNCTION crm.tier_timeline(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) IS
  'every change of the standing until a day, and why';
CREATE FUNCTION crm.tier_progress(program crm.tier_program, history crm.purchase_history, as_of date,
    overrides crm.tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL,
    OUT next_tier text, OUT metric text, OUT metric_value numeric, OUT threshold numeric, OUT missing numeric)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 ROWS 1 AS 'MODULE_PATHNAME', 'crm_tier_progress';
COMMENT ON FUNCTION crm.tier_progress(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) IS
  'what is missing for the next tier in each of its qualifying rules, any of which suffices';
-- points_rule: how points are earned and expire; balances, statements, liability

CREATE TYPE crm.points_rule;

CREATE FUNCTION crm.points_rule_in(cstring) RETURNS crm.points_rule
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_rule_in';
COMMENT ON FUNCTION crm.points_rule_in(cstring) IS 'reads rate 1 per_order 5 bonus 100 every 10 expires 12 months rates {1, 1.5} program {Bronze: spend 0, Silver: spend 500} rolling 12 months';
CREATE FUNCTION crm.points_rule_out(crm.points_rule) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_rule_out';
COMMENT ON FUNCTION crm.points_rule_out(crm.points_rule) IS 'writes rate 1 per_order 5 bonus 100 every 10 expires 12 months rates {1, 1.5} program {Bronze: spend 0, Silver: spend 500} rolling 12 months';
CREATE FUNCTION crm.points_rule_recv(internal) RETURNS crm.points_rule
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_points_rule_recv';
COMMENT ON FUNCTION crm.points_rule_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.points_rule_send(crm.points_rule) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_points_rule_send';
COMMENT ON FUNCTION crm.points_rule_send(crm.points_rule) IS 'writes the binary form';

CREATE TYPE crm.points_rule (
  INPUT = crm.points_rule_in,
  OUTPUT = crm.points_rule_out,
  RECEIVE = crm.points_rule_recv,
  SEND = crm.points_rule_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.points_rule IS
  'how points are earned and expire, by tier where a programme is given';

-- the constructor

CREATE FUNCTION crm.points_rule(rate numeric DEFAULT 1, order_points bigint DEFAULT 0, bonus_points bigint DEFAULT 0,
    bonus_every bigint DEFAULT 0, expiry interval DEFAULT NULL, program crm.tier_program DEFAULT NULL,
    multipliers numeric[] DEFAULT NULL, rates numeric[] DEFAULT NULL) RETURNS crm.points_rule
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_rule';
COMMENT ON FUNCTION crm.points_rule(numeric, bigint, bigint, bigint, interval, crm.tier_program, numeric[], numeric[]) IS
  'points per currency unit, per order and for every n-th order, by tier where a programme is given, and how long they are valid';

-- equality, order, hash

CREATE FUNCTION crm.points_rule_eq(crm.points_rule, crm.points_rule) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_points_rule_eq';
COMMENT ON FUNCTION crm.points_rule_eq(crm.points_rule, crm.points_rule) IS 'implementation of = operator';
CREATE FUNCTION crm.points_rule_ne(crm.points_rule, crm.points_rule) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_points_rule_ne';
COMMENT ON FUNCTION crm.points_rule_ne(crm.points_rule, crm.points_rule) IS 'implementation of <> operator';
CREATE FUNCTION crm.points_rule_lt(crm.points_rule, crm.points_rule) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_points_rule_lt';
COMMENT ON FUNCTION crm.points_rule_lt(crm.points_rule, crm.points_rule) IS 'implementation of < operator';
CREATE FUNCTION crm.points_rule_le(crm.points_rule, crm.points_rule) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_points_rule_le';
COMMENT ON FUNCTION crm.points_rule_le(crm.points_rule, crm.points_rule) IS 'implementation of <= operator';
CREATE FUNCTION crm.points_rule_gt(crm.points_rule, crm.points_rule) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_points_rule_gt';
COMMENT ON FUNCTION crm.points_rule_gt(crm.points_rule, crm.points_rule) IS 'implementation of > operator';
CREATE FUNCTION crm.points_rule_ge(crm.points_rule, crm.points_rule) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_points_rule_ge';
COMMENT ON FUNCTION crm.points_rule_ge(crm.points_rule, crm.points_rule) IS 'implementation of >= operator';
CREATE FUNCTION crm.points_rule_cmp(crm.points_rule, crm.points_rule) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_points_rule_cmp';
COMMENT ON FUNCTION crm.points_rule_cmp(crm.points_rule, crm.points_rule) IS 'less-equal-greater';
CREATE FUNCTION crm.points_rule_hash(crm.points_rule) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_points_rule_hash';
COMMENT ON FUNCTION crm.points_rule_hash(crm.points_rule) IS 'hash';
CREATE FUNCTION crm.points_rule_hash_extended(crm.points_rule, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_points_rule_hash_extended';
COMMENT ON FUNCTION crm.points_rule_hash_extended(crm.points_rule, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.points_rule_eq,
  LEFTARG = crm.points_rule,
  RIGHTARG = crm.points_rule,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.points_rule, crm.points_rule) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.points_rule_ne,
  LEFTARG = crm.points_rule,
  RIGHTARG = crm.points_rule,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.points_rule, crm.points_rule) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.points_rule_lt,
  LEFTARG = crm.points_rule,
  RIGHTARG = crm.points_rule,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.points_rule, crm.points_rule) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.points_rule_le,
  LEFTARG = crm.points_rule,
  RIGHTARG = crm.points_rule,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.points_rule, crm.points_rule) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.points_rule_gt,
  LEFTARG = crm.points_rule,
  RIGHTARG = crm.points_rule,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.points_rule, crm.points_rule) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.points_rule_ge,
  LEFTARG = crm.points_rule,
  RIGHTARG = crm.points_rule,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.points_rule, crm.points_rule) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.points_rule_ops DEFAULT FOR TYPE crm.points_rule USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.points_rule_cmp(crm.points_rule, crm.points_rule);
COMMENT ON OPERATOR CLASS crm.points_rule_ops USING btree IS 'order by bytes: the same on every machine of one kind';
COMMENT ON OPERATOR FAMILY crm.points_rule_ops USING btree IS 'order by bytes: the same on every machine of one kind';
CREATE OPERATOR CLASS crm.points_rule_hash_ops DEFAULT FOR TYPE crm.points_rule USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.points_rule_hash(crm.points_rule),
  FUNCTION 2 crm.points_rule_hash_extended(crm.points_rule, bigint);
COMMENT ON OPERATOR CLASS crm.points_rule_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR FAMILY crm.points_rule_hash_ops USING hash IS 'equal values';

-- a customer's points

CREATE FUNCTION crm.points_balance(rule crm.points_rule, earned crm.purchase_history, redeemed crm.purchase_history, as_of date)
    RETURNS bigint
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_balance';
COMMENT ON FUNCTION crm.points_balance(crm.points_rule, crm.purchase_history, crm.purchase_history, date) IS
  'points at the end of a day; negative if more were taken back or redeemed than there were';
CREATE FUNCTION crm.points_expiring(rule crm.points_rule, earned crm.purchase_history, redeemed crm.purchase_history, as_of date, by date)
    RETURNS bigint
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_expiring';
COMMENT ON FUNCTION crm.points_expiring(crm.points_rule, crm.purchase_history, crm.purchase_history, date, date) IS
  'points of the end of as_of that will have expired by the end of another day if they are not spent';
CREATE FUNCTION crm.points_statement(rule crm.points_rule, earned crm.purchase_history, redeemed crm.purchase_history, until date,
    OUT day date, OUT kind text, OUT points bigint, OUT balance bigint, OUT tier text, OUT expires_on date)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 ROWS 20 AS 'MODULE_PATHNAME', 'crm_points_statement';
COMMENT ON FUNCTION crm.points_statement(crm.points_rule, crm.purchase_history, crm.purchase_history, date) IS
  'every movement of points until a day, with the balance after it';
CREATE FUNCTION crm.points_rule_to_jsonb(crm.points_rule) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_rule_to_jsonb';
COMMENT ON FUNCTION crm.points_rule_to_jsonb(crm.points_rule) IS 'the rule as a jsonb object';
CREATE CAST (crm.points_rule AS jsonb) WITH FUNCTION crm.points_rule_to_jsonb(crm.points_rule);
COMMENT ON CAST (crm.points_rule AS jsonb) IS 'an object with every field, null where there is none';

-- what all points are worth

CREATE FUNCTION crm.points_liability_transition(numeric, bigint, numeric, numeric) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_points_liability_transition';
COMMENT ON FUNCTION crm.points_liability_transition(numeric, bigint, numeric, numeric) IS
  'transition function of the aggregate points_liability';
CREATE AGGREGATE crm.points_liability(balance bigint, point_value numeric, breakage_rate numeric) (
  SFUNC = crm.points_liability_transition,
  STYPE = numeric,
  COMBINEFUNC = pg_catalog.numeric_add,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.points_liability(bigint, numeric, numeric) IS
  'what the balances are worth in money, less the share that nobody will redeem; a negative balance counts as none';
-- purchase_model: how customers buy until they stop; values of models, and what they tell

CREATE TYPE crm.purchase_model;

CREATE FUNCTION crm.purchase_model_in(cstring) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_purchase_model_in';
COMMENT ON FUNCTION crm.purchase_model_in(cstring) IS
  'reads the text form';
CREATE FUNCTION crm.purchase_model_out(crm.purchase_model) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_purchase_model_out';
COMMENT ON FUNCTION crm.purchase_model_out(crm.purchase_model) IS
  'writes the text form';
CREATE FUNCTION crm.purchase_model_recv(internal) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_model_recv';
COMMENT ON FUNCTION crm.purchase_model_recv(internal) IS
  'reads the binary form';
CREATE FUNCTION crm.purchase_model_send(crm.purchase_model) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_model_send';
COMMENT ON FUNCTION crm.purchase_model_send(crm.purchase_model) IS
  'writes the binary form';

CREATE TYPE crm.purchase_model (
  INPUT = crm.purchase_model_in,
  OUTPUT = crm.purchase_model_out,
  RECEIVE = crm.purchase_model_recv,
  SEND = crm.purchase_model_send,
  INTERNALLENGTH = variable,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.purchase_model IS
  'a fitted or given model of repeat purchases: bg_nbd(r 0.24, alpha 4.4, a 0.79, b 2.4, unit_days 7)';

-- from known parameters

CREATE FUNCTION crm.bg_nbd(r float8, alpha float8, a float8, b float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_bg_nbd';
COMMENT ON FUNCTION crm.bg_nbd(float8, float8, float8, float8, int) IS
  'a BG/NBD model of known parameters; one model unit of time is unit_days days';
CREATE FUNCTION crm.mbg_nbd(r float8, alpha float8, a float8, b float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_mbg_nbd';
COMMENT ON FUNCTION crm.mbg_nbd(float8, float8, float8, float8, int) IS
  'a MBG/NBD model of known parameters; one model unit of time is unit_days days';
CREATE FUNCTION crm.pareto_nbd(r float8, alpha float8, s float8, beta float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_pareto_nbd';
COMMENT ON FUNCTION crm.pareto_nbd(float8, float8, float8, float8, int) IS
  'a Pareto/NBD model of known parameters; one model unit of time is unit_days days';
CREATE FUNCTION crm.mbg_cnbd_k(k int, r float8, alpha float8, a float8, b float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_mbg_cnbd_k';
COMMENT ON FUNCTION crm.mbg_cnbd_k(int, float8, float8, float8, float8, int) IS
  'a MBG/CNBD-k model of known parameters, k phases between two purchases; one model unit of time is unit_days days';

-- what a model tells

CREATE FUNCTION crm.parameters(crm.purchase_model, OUT name text, OUT estimate float8, OUT standard_error float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 4 AS 'MODULE_PATHNAME', 'crm_purchase_model_parameters';
COMMENT ON FUNCTION crm.parameters(crm.purchase_model) IS
  'the parameters as rows; the standard error is NULL unless a fit converged';
CREATE FUNCTION crm.is_converged(crm.purchase_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_is_converged';
COMMENT ON FUNCTION crm.is_converged(crm.purchase_model) IS
  'whether the model can predict: its fit converged, or its parameters were given';
CREATE FUNCTION crm.fit_verdict(crm.purchase_model) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_fit_verdict';
COMMENT ON FUNCTION crm.fit_verdict(crm.purchase_model) IS
  'how the fit ended, in words';
CREATE FUNCTION crm.log_likelihood(crm.purchase_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_log_likelihood';
COMMENT ON FUNCTION crm.log_likelihood(crm.purchase_model) IS
  'log-likelihood of the fit; NULL if the parameters were given';
CREATE FUNCTION crm.aic(crm.purchase_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_aic';
COMMENT ON FUNCTION crm.aic(crm.purchase_model) IS
  'Akaike''s information criterion, less is better; NULL if the parameters were given';
CREATE FUNCTION crm.bic(crm.purchase_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_bic';
COMMENT ON FUNCTION crm.bic(crm.purchase_model) IS
  'Bayesian information criterion, less is better; NULL if the parameters were given';
CREATE FUNCTION crm.purchase_model_to_jsonb(crm.purchase_model) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_purchase_model_to_jsonb';
COMMENT ON FUNCTION crm.purchase_model_to_jsonb(crm.purchase_model) IS
  'model, parameters and fit as a jsonb object';
CREATE CAST (crm.purchase_model AS jsonb) WITH FUNCTION crm.purchase_model_to_jsonb(crm.purchase_model);
COMMENT ON CAST (crm.purchase_model AS jsonb) IS 'model, parameters and fit as a jsonb object';
CREATE FUNCTION crm.model_name(crm.purchase_model) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_name';
COMMENT ON FUNCTION crm.model_name(crm.purchase_model) IS
  'bg_nbd, mbg_nbd, pareto_nbd or mbg_cnbd_k';
CREATE FUNCTION crm.unit_days(crm.purchase_model) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_unit_days';
COMMENT ON FUNCTION crm.unit_days(crm.purchase_model) IS
  'days of one model unit of time';

-- equality, order, hash

CREATE FUNCTION crm.purchase_model_eq(crm.purchase_model, crm.purchase_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_eq';
COMMENT ON FUNCTION crm.purchase_model_eq(crm.purchase_model, crm.purchase_model) IS
  'implementation of = operator';
CREATE FUNCTION crm.purchase_model_ne(crm.purchase_model, crm.purchase_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_ne';
COMMENT ON FUNCTION crm.purchase_model_ne(crm.purchase_model, crm.purchase_model) IS
  'implementation of <> operator';
CREATE FUNCTION crm.purchase_model_lt(crm.purchase_model, crm.purchase_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_lt';
COMMENT ON FUNCTION crm.purchase_model_lt(crm.purchase_model, crm.purchase_model) IS
  'implementation of < operator';
CREATE FUNCTION crm.purchase_model_le(crm.purchase_model, crm.purchase_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_le';
COMMENT ON FUNCTION crm.purchase_model_le(crm.purchase_model, crm.purchase_model) IS
  'implementation of <= operator';
CREATE FUNCTION crm.purchase_model_gt(crm.purchase_model, crm.purchase_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_gt';
COMMENT ON FUNCTION crm.purchase_model_gt(crm.purchase_model, crm.purchase_model) IS
  'implementation of > operator';
CREATE FUNCTION crm.purchase_model_ge(crm.purchase_model, crm.purchase_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_ge';
COMMENT ON FUNCTION crm.purchase_model_ge(crm.purchase_model, crm.purchase_model) IS
  'implementation of >= operator';
CREATE FUNCTION crm.purchase_model_cmp(crm.purchase_model, crm.purchase_model) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_cmp';
COMMENT ON FUNCTION crm.purchase_model_cmp(crm.purchase_model, crm.purchase_model) IS
  'less-equal-greater, for indexes';
CREATE FUNCTION crm.purchase_model_hash(crm.purchase_model) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_hash';
COMMENT ON FUNCTION crm.purchase_model_hash(crm.purchase_model) IS
  'hash';
CREATE FUNCTION crm.purchase_model_hash_extended(crm.purchase_model, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_hash_extended';
COMMENT ON FUNCTION crm.purchase_model_hash_extended(crm.purchase_model, bigint) IS
  'hash of 64 bits with a seed';
CREATE OPERATOR crm.= (
  LEFTARG = crm.purchase_model, RIGHTARG = crm.purchase_model, PROCEDURE = crm.purchase_model_eq,
  COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR crm.= (crm.purchase_model, crm.purchase_model) IS 'equal';
CREATE OPERATOR crm.<> (
  LEFTARG = crm.purchase_model, RIGHTARG = crm.purchase_model, PROCEDURE = crm.purchase_model_ne,
  COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.purchase_model, crm.purchase_model) IS 'not equal';
CREATE OPERATOR crm.< (
  LEFTARG = crm.purchase_model, RIGHTARG = crm.purchase_model, PROCEDURE = crm.purchase_model_lt,
  COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.purchase_model, crm.purchase_model) IS 'less than';
CREATE OPERATOR crm.<= (
  LEFTARG = crm.purchase_model, RIGHTARG = crm.purchase_model, PROCEDURE = crm.purchase_model_le,
  COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.purchase_model, crm.purchase_model) IS 'less than or equal';
CREATE OPERATOR crm.> (
  LEFTARG = crm.purchase_model, RIGHTARG = crm.purchase_model, PROCEDURE = crm.purchase_model_gt,
  COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.purchase_model, crm.purchase_model) IS 'greater than';
CREATE OPERATOR crm.>= (
  LEFTARG = crm.purchase_model, RIGHTARG = crm.purchase_model, PROCEDURE = crm.purchase_model_ge,
  COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.purchase_model, crm.purchase_model) IS 'greater than or equal';
CREATE OPERATOR CLASS crm.purchase_model_ops DEFAULT FOR TYPE crm.purchase_model USING btree AS
  OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
  FUNCTION 1 crm.purchase_model_cmp(crm.purchase_model, crm.purchase_model);
COMMENT ON OPERATOR CLASS crm.purchase_model_ops USING btree IS 'sorts and indexes';
CREATE OPERATOR CLASS crm.purchase_model_ops DEFAULT FOR TYPE crm.purchase_model USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.purchase_model_hash(crm.purchase_model), FUNCTION 2 crm.purchase_model_hash_extended(crm.purchase_model, bigint);
COMMENT ON OPERATOR CLASS crm.purchase_model_ops USING hash IS 'hashes';

-- a history as the models see it

CREATE FUNCTION crm.btyd(history crm.purchase_history, as_of date, OUT x int, OUT t_x float8, OUT age float8, OUT mean_spend float8) RETURNS record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_btyd';
COMMENT ON FUNCTION crm.btyd(crm.purchase_history, date) IS
  'repeat purchase days, first to last purchase and first purchase to as_of in days, and net spend per repeat purchase day; NULL before the first purchase';
CREATE FUNCTION crm.btyd(history crm.purchase_history, as_of date, unit_days int, OUT x int, OUT t_x float8, OUT age float8, OUT mean_spend float8) RETURNS record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_btyd';
COMMENT ON FUNCTION crm.btyd(crm.purchase_history, date, int) IS
  'repeat purchase days, first to last purchase and first purchase to as_of in units of unit_days days, and net spend per repeat purchase day; NULL before the first purchase';

-- predictions

CREATE FUNCTION crm.p_alive(model crm.purchase_model, history crm.purchase_history, as_of date)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_p_alive';
COMMENT ON FUNCTION crm.p_alive(crm.purchase_model, crm.purchase_history, date) IS
  'probability that the customer is still a customer on as_of; NULL before the first purchase';
CREATE FUNCTION crm.p_alive(model crm.purchase_model, x float8, t_x float8, age float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_p_alive_numbers';
COMMENT ON FUNCTION crm.p_alive(crm.purchase_model, float8, float8, float8) IS
  'probability that the customer is still a customer, times in model units';
CREATE FUNCTION crm.p_alive(model crm.purchase_model, history crm.purchase_history, as_of date, at date)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_p_alive_at';
COMMENT ON FUNCTION crm.p_alive(crm.purchase_model, crm.purchase_history, date, date) IS
  'probability that the customer will still be one on a later day, from what is known on as_of; NULL before the first purchase';
CREATE FUNCTION crm.p_alive(model crm.purchase_model, x float8, t_x float8, age float8, periods float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_p_alive_at_numbers';
COMMENT ON FUNCTION crm.p_alive(crm.purchase_model, float8, float8, float8, float8) IS
  'probability that the customer will still be one so many periods later, times in model units';
CREATE FUNCTION crm.expected_purchases(model crm.purchase_model, history crm.purchase_history, as_of date, until date)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_expected_purchases';
COMMENT ON FUNCTION crm.expected_purchases(crm.purchase_model, crm.purchase_history, date, date) IS
  'expected number of purchase days in (as_of, until]; NULL before the first purchase';
CREATE FUNCTION crm.expected_purchases(model crm.purchase_model, x float8, t_x float8, age float8, periods float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_expected_purchases_numbers';
COMMENT ON FUNCTION crm.expected_purchases(crm.purchase_model, float8, float8, float8, float8) IS
  'expected number of purchases in so many periods, times in model units';
CREATE FUNCTION crm.expected_purchases(model crm.purchase_model, periods float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_expected_purchases_new';
COMMENT ON FUNCTION crm.expected_purchases(crm.purchase_model, float8) IS
  'expected number of repeat purchases of a new customer in so many periods';
CREATE FUNCTION crm.purchase_probability(model crm.purchase_model, n int, periods float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30 AS 'MODULE_PATHNAME', 'crm_purchase_probability';
COMMENT ON FUNCTION crm.purchase_probability(crm.purchase_model, int, float8) IS
  'probability that a new customer makes exactly n repeat purchases in so many periods';
CREATE FUNCTION crm.dert(model crm.purchase_model, history crm.purchase_history, as_of date, annual_discount_rate float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_dert';
COMMENT ON FUNCTION crm.dert(crm.purchase_model, crm.purchase_history, date, float8) IS
  'discounted expected residual transactions: all future purchases, discounted to as_of; NULL before the first purchase';
CREATE FUNCTION crm.dert(model crm.purchase_model, x float8, t_x float8, age float8, annual_discount_rate float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_dert_numbers';
COMMENT ON FUNCTION crm.dert(crm.purchase_model, float8, float8, float8, float8) IS
  'discounted expected residual transactions: all future purchases, discounted; times in model units';
CREATE FUNCTION crm.next_purchase(model crm.purchase_model, history crm.purchase_history, as_of date, quantile float8)
  RETURNS date
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_next_purchase';
COMMENT ON FUNCTION crm.next_purchase(crm.purchase_model, crm.purchase_history, date, float8) IS
  'the day by which a customer who is alive on as_of has bought again with this probability; infinity if never; NULL before the first purchase';
CREATE FUNCTION crm.next_purchase(model crm.purchase_model, x float8, t_x float8, age float8, quantile float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_next_purchase_numbers';
COMMENT ON FUNCTION crm.next_purchase(crm.purchase_model, float8, float8, float8, float8) IS
  'time by which a customer who is alive now has bought again with this probability, in model units; infinity if never';
-- spend_model: what customers spend per purchase

CREATE TYPE crm.spend_model;

CREATE FUNCTION crm.spend_model_in(cstring) RETURNS crm.spend_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_spend_model_in';
COMMENT ON FUNCTION crm.spend_model_in(cstring) IS
  'reads the text form';
CREATE FUNCTION crm.spend_model_out(crm.spend_model) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_spend_model_out';
COMMENT ON FUNCTION crm.spend_model_out(crm.spend_model) IS
  'writes the text form';
CREATE FUNCTION crm.spend_model_recv(internal) RETURNS crm.spend_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_spend_model_recv';
COMMENT ON FUNCTION crm.spend_model_recv(internal) IS
  'reads the binary form';
CREATE FUNCTION crm.spend_model_send(crm.spend_model) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_spend_model_send';
COMMENT ON FUNCTION crm.spend_model_send(crm.spend_model) IS
  'writes the binary form';

CREATE TYPE crm.spend_model (
  INPUT = crm.spend_model_in,
  OUTPUT = crm.spend_model_out,
  RECEIVE = crm.spend_model_recv,
  SEND = crm.spend_model_send,
  INTERNALLENGTH = variable,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.spend_model IS
  'a fitted or given gamma-gamma model of spend per purchase: gamma_gamma(p 6.25, q 3.74, v 15.44)';

-- from known parameters

CREATE FUNCTION crm.gamma_gamma(p float8, q float8, v float8) RETURNS crm.spend_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_gamma_gamma';
COMMENT ON FUNCTION crm.gamma_gamma(float8, float8, float8) IS
  'a gamma-gamma model of known parameters; v is in units of money';

-- what a model tells

CREATE FUNCTION crm.parameters(crm.spend_model, OUT name text, OUT estimate float8, OUT standard_error float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 3 AS 'MODULE_PATHNAME', 'crm_spend_model_parameters';
COMMENT ON FUNCTION crm.parameters(crm.spend_model) IS
  'the parameters as rows; the standard error is NULL unless a fit converged';
CREATE FUNCTION crm.is_converged(crm.spend_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_is_converged';
COMMENT ON FUNCTION crm.is_converged(crm.spend_model) IS
  'whether the model can predict: its fit converged, or its parameters were given';
CREATE FUNCTION crm.fit_verdict(crm.spend_model) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_fit_verdict';
COMMENT ON FUNCTION crm.fit_verdict(crm.spend_model) IS
  'how the fit ended, in words';
CREATE FUNCTION crm.log_likelihood(crm.spend_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_log_likelihood';
COMMENT ON FUNCTION crm.log_likelihood(crm.spend_model) IS
  'log-likelihood of the fit; NULL if the parameters were given';
CREATE FUNCTION crm.aic(crm.spend_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_aic';
COMMENT ON FUNCTION crm.aic(crm.spend_model) IS
  'Akaike''s information criterion, less is better; NULL if the parameters were given';
CREATE FUNCTION crm.bic(crm.spend_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_bic';
COMMENT ON FUNCTION crm.bic(crm.spend_model) IS
  'Bayesian information criterion, less is better; NULL if the parameters were given';
CREATE FUNCTION crm.spend_model_to_jsonb(crm.spend_model) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_spend_model_to_jsonb';
COMMENT ON FUNCTION crm.spend_model_to_jsonb(crm.spend_model) IS
  'model, parameters and fit as a jsonb object';
CREATE CAST (crm.spend_model AS jsonb) WITH FUNCTION crm.spend_model_to_jsonb(crm.spend_model);
COMMENT ON CAST (crm.spend_model AS jsonb) IS 'model, parameters and fit as a jsonb object';

-- equality, order, hash

CREATE FUNCTION crm.spend_model_eq(crm.spend_model, crm.spend_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_eq';
COMMENT ON FUNCTION crm.spend_model_eq(crm.spend_model, crm.spend_model) IS
  'implementation of = operator';
CREATE FUNCTION crm.spend_model_ne(crm.spend_model, crm.spend_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_ne';
COMMENT ON FUNCTION crm.spend_model_ne(crm.spend_model, crm.spend_model) IS
  'implementation of <> operator';
CREATE FUNCTION crm.spend_model_lt(crm.spend_model, crm.spend_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_lt';
COMMENT ON FUNCTION crm.spend_model_lt(crm.spend_model, crm.spend_model) IS
  'implementation of < operator';
CREATE FUNCTION crm.spend_model_le(crm.spend_model, crm.spend_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_le';
COMMENT ON FUNCTION crm.spend_model_le(crm.spend_model, crm.spend_model) IS
  'implementation of <= operator';
CREATE FUNCTION crm.spend_model_gt(crm.spend_model, crm.spend_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_gt';
COMMENT ON FUNCTION crm.spend_model_gt(crm.spend_model, crm.spend_model) IS
  'implementation of > operator';
CREATE FUNCTION crm.spend_model_ge(crm.spend_model, crm.spend_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_ge';
COMMENT ON FUNCTION crm.spend_model_ge(crm.spend_model, crm.spend_model) IS
  'implementation of >= operator';
CREATE FUNCTION crm.spend_model_cmp(crm.spend_model, crm.spend_model) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_cmp';
COMMENT ON FUNCTION crm.spend_model_cmp(crm.spend_model, crm.spend_model) IS
  'less-equal-greater, for indexes';
CREATE FUNCTION crm.spend_model_hash(crm.spend_model) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_hash';
COMMENT ON FUNCTION crm.spend_model_hash(crm.spend_model) IS
  'hash';
CREATE FUNCTION crm.spend_model_hash_extended(crm.spend_model, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_spend_model_hash_extended';
COMMENT ON FUNCTION crm.spend_model_hash_extended(crm.spend_model, bigint) IS
  'hash of 64 bits with a seed';
CREATE OPERATOR crm.= (
  LEFTARG = crm.spend_model, RIGHTARG = crm.spend_model, PROCEDURE = crm.spend_model_eq,
  COMMUTATOR = OPERATOR(crm.=), NEGATOR = OPERATOR(crm.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR crm.= (crm.spend_model, crm.spend_model) IS 'equal';
CREATE OPERATOR crm.<> (
  LEFTARG = crm.spend_model, RIGHTARG = crm.spend_model, PROCEDURE = crm.spend_model_ne,
  COMMUTATOR = OPERATOR(crm.<>), NEGATOR = OPERATOR(crm.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.spend_model, crm.spend_model) IS 'not equal';
CREATE OPERATOR crm.< (
  LEFTARG = crm.spend_model, RIGHTARG = crm.spend_model, PROCEDURE = crm.spend_model_lt,
  COMMUTATOR = OPERATOR(crm.>), NEGATOR = OPERATOR(crm.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.spend_model, crm.spend_model) IS 'less than';
CREATE OPERATOR crm.<= (
  LEFTARG = crm.spend_model, RIGHTARG = crm.spend_model, PROCEDURE = crm.spend_model_le,
  COMMUTATOR = OPERATOR(crm.>=), NEGATOR = OPERATOR(crm.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.spend_model, crm.spend_model) IS 'less than or equal';
CREATE OPERATOR crm.> (
  LEFTARG = crm.spend_model, RIGHTARG = crm.spend_model, PROCEDURE = crm.spend_model_gt,
  COMMUTATOR = OPERATOR(crm.<), NEGATOR = OPERATOR(crm.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.spend_model, crm.spend_model) IS 'greater than';
CREATE OPERATOR crm.>= (
  LEFTARG = crm.spend_model, RIGHTARG = crm.spend_model, PROCEDURE = crm.spend_model_ge,
  COMMUTATOR = OPERATOR(crm.<=), NEGATOR = OPERATOR(crm.<), RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.spend_model, crm.spend_model) IS 'greater than or equal';
CREATE OPERATOR CLASS crm.spend_model_ops DEFAULT FOR TYPE crm.spend_model USING btree AS
  OPERATOR 1 crm.<, OPERATOR 2 crm.<=, OPERATOR 3 crm.=, OPERATOR 4 crm.>=, OPERATOR 5 crm.>,
  FUNCTION 1 crm.spend_model_cmp(crm.spend_model, crm.spend_model);
COMMENT ON OPERATOR CLASS crm.spend_model_ops USING btree IS 'sorts and indexes';
CREATE OPERATOR CLASS crm.spend_model_ops DEFAULT FOR TYPE crm.spend_model USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.spend_model_hash(crm.spend_model), FUNCTION 2 crm.spend_model_hash_extended(crm.spend_model, bigint);
COMMENT ON OPERATOR CLASS crm.spend_model_ops USING hash IS 'hashes';

-- predictions

CREATE FUNCTION crm.expected_spend(model crm.spend_model, history crm.purchase_history, as_of date)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 3 AS 'MODULE_PATHNAME', 'crm_expected_spend';
COMMENT ON FUNCTION crm.expected_spend(crm.spend_model, crm.purchase_history, date) IS
  'expected net spend per purchase day; the population mean without repeat purchases; NULL before the first purchase';
CREATE FUNCTION crm.expected_spend(model crm.spend_model, x float8, mean_spend float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 3 AS 'MODULE_PATHNAME', 'crm_expected_spend_numbers';
COMMENT ON FUNCTION crm.expected_spend(crm.spend_model, float8, float8) IS
  'expected net spend per purchase of a customer with x repeat purchases of mean_spend each';
CREATE FUNCTION crm.clv(model crm.purchase_model, spend crm.spend_model, history crm.purchase_history, as_of date, until date, annual_discount_rate float8, margin float8 DEFAULT 1)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_clv';
COMMENT ON FUNCTION crm.clv(crm.purchase_model, crm.spend_model, crm.purchase_history, date, date, float8, float8) IS
  'residual value: discounted margin of the purchases in (as_of, until], until infinity if the rate is positive; NULL before the first purchase';
CREATE FUNCTION crm.clv(model crm.purchase_model, spend crm.spend_model, x float8, t_x float8, age float8, mean_spend float8, periods float8, annual_discount_rate float8, margin float8 DEFAULT 1)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_clv_numbers';
COMMENT ON FUNCTION crm.clv(crm.purchase_model, crm.spend_model, float8, float8, float8, float8, float8, float8, float8) IS
  'residual value: discounted margin of the purchases in so many periods, times in model units';
CREATE FUNCTION crm.simple_clv(margin float8, retention float8, discount float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_simple_clv';
COMMENT ON FUNCTION crm.simple_clv(float8, float8, float8) IS
  'value of a contract that is renewed with probability retention, without its first margin: margin * retention/(1 + discount - retention)';
-- fits: aggregates over customers

CREATE TYPE crm.purchase_model_state;

CREATE FUNCTION crm.purchase_model_state_in(cstring) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_purchase_model_state_in';
COMMENT ON FUNCTION crm.purchase_model_state_in(cstring) IS
  'reads the text form';
CREATE FUNCTION crm.purchase_model_state_out(crm.purchase_model_state) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_fit_state_out';
COMMENT ON FUNCTION crm.purchase_model_state_out(crm.purchase_model_state) IS
  'writes the text form';
CREATE FUNCTION crm.purchase_model_state_recv(internal) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_model_state_recv';
COMMENT ON FUNCTION crm.purchase_model_state_recv(internal) IS
  'reads the binary form';
CREATE FUNCTION crm.purchase_model_state_send(crm.purchase_model_state) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_fit_state_send';
COMMENT ON FUNCTION crm.purchase_model_state_send(crm.purchase_model_state) IS
  'writes the binary form';

CREATE TYPE crm.purchase_model_state (
  INPUT = crm.purchase_model_state_in,
  OUTPUT = crm.purchase_model_state_out,
  RECEIVE = crm.purchase_model_state_recv,
  SEND = crm.purchase_model_state_send,
  INTERNALLENGTH = variable,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.purchase_model_state IS
  'groups of equal customers that a fit of a purchase model has seen';
CREATE FUNCTION crm.purchase_model_state_combine(crm.purchase_model_state, crm.purchase_model_state) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_fit_state_combine';
COMMENT ON FUNCTION crm.purchase_model_state_combine(crm.purchase_model_state, crm.purchase_model_state) IS
  'combine function of the fits';

CREATE TYPE crm.spend_model_state;

CREATE FUNCTION crm.spend_model_state_in(cstring) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_spend_model_state_in';
COMMENT ON FUNCTION crm.spend_model_state_in(cstring) IS
  'reads the text form';
CREATE FUNCTION crm.spend_model_state_out(crm.spend_model_state) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_fit_state_out';
COMMENT ON FUNCTION crm.spend_model_state_out(crm.spend_model_state) IS
  'writes the text form';
CREATE FUNCTION crm.spend_model_state_recv(internal) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_spend_model_state_recv';
COMMENT ON FUNCTION crm.spend_model_state_recv(internal) IS
  'reads the binary form';
CREATE FUNCTION crm.spend_model_state_send(crm.spend_model_state) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_fit_state_send';
COMMENT ON FUNCTION crm.spend_model_state_send(crm.spend_model_state) IS
  'writes the binary form';

CREATE TYPE crm.spend_model_state (
  INPUT = crm.spend_model_state_in,
  OUTPUT = crm.spend_model_state_out,
  RECEIVE = crm.spend_model_state_recv,
  SEND = crm.spend_model_state_send,
  INTERNALLENGTH = variable,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.spend_model_state IS
  'groups of equal customers that a fit of a spend model has seen';
CREATE FUNCTION crm.spend_model_state_combine(crm.spend_model_state, crm.spend_model_state) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_fit_state_combine';
COMMENT ON FUNCTION crm.spend_model_state_combine(crm.spend_model_state, crm.spend_model_state) IS
  'combine function of the fits';

CREATE FUNCTION crm.purchase_model_history(crm.purchase_model_state, crm.purchase_history, date) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_history';
COMMENT ON FUNCTION crm.purchase_model_history(crm.purchase_model_state, crm.purchase_history, date) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm.purchase_model_history(crm.purchase_model_state, crm.purchase_history, date, int) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_history';
COMMENT ON FUNCTION crm.purchase_model_history(crm.purchase_model_state, crm.purchase_history, date, int) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm.purchase_model_numbers(crm.purchase_model_state, float8, float8, float8) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_numbers';
COMMENT ON FUNCTION crm.purchase_model_numbers(crm.purchase_model_state, float8, float8, float8) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm.purchase_model_numbers(crm.purchase_model_state, float8, float8, float8, int) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_numbers';
COMMENT ON FUNCTION crm.purchase_model_numbers(crm.purchase_model_state, float8, float8, float8, int) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm.purchase_model_gaps(crm.purchase_model_state, crm.purchase_history, date) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_gaps';
COMMENT ON FUNCTION crm.purchase_model_gaps(crm.purchase_model_state, crm.purchase_history, date) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm.purchase_model_gaps(crm.purchase_model_state, crm.purchase_history, date, int) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_gaps';
COMMENT ON FUNCTION crm.purchase_model_gaps(crm.purchase_model_state, crm.purchase_history, date, int) IS
  'transition function of fits of purchase models';

CREATE FUNCTION crm.fit_bg_nbd_final(crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_bg_nbd';
COMMENT ON FUNCTION crm.fit_bg_nbd_final(crm.purchase_model_state) IS
  'final function of fit_bg_nbd';
CREATE AGGREGATE crm.fit_bg_nbd(crm.purchase_history, date) (
  SFUNC = crm.purchase_model_history,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_bg_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(crm.purchase_history, date) IS
  'the BG/NBD model that fits histories up to as_of best, in days';
CREATE AGGREGATE crm.fit_bg_nbd(crm.purchase_history, date, int) (
  SFUNC = crm.purchase_model_history,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_bg_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(crm.purchase_history, date, int) IS
  'the BG/NBD model that fits histories up to as_of best, in units of so many days';
CREATE AGGREGATE crm.fit_bg_nbd(float8, float8, float8) (
  SFUNC = crm.purchase_model_numbers,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_bg_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(float8, float8, float8) IS
  'the BG/NBD model that fits customers of x, t_x and age best, the unit being one day';
CREATE AGGREGATE crm.fit_bg_nbd(float8, float8, float8, int) (
  SFUNC = crm.purchase_model_numbers,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_bg_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(float8, float8, float8, int) IS
  'the BG/NBD model that fits customers of x, t_x and age best, the unit being so many days';

CREATE FUNCTION crm.fit_mbg_nbd_final(crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_mbg_nbd';
COMMENT ON FUNCTION crm.fit_mbg_nbd_final(crm.purchase_model_state) IS
  'final function of fit_mbg_nbd';
CREATE AGGREGATE crm.fit_mbg_nbd(crm.purchase_history, date) (
  SFUNC = crm.purchase_model_history,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_mbg_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(crm.purchase_history, date) IS
  'the MBG/NBD model that fits histories up to as_of best, in days';
CREATE AGGREGATE crm.fit_mbg_nbd(crm.purchase_history, date, int) (
  SFUNC = crm.purchase_model_history,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_mbg_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(crm.purchase_history, date, int) IS
  'the MBG/NBD model that fits histories up to as_of best, in units of so many days';
CREATE AGGREGATE crm.fit_mbg_nbd(float8, float8, float8) (
  SFUNC = crm.purchase_model_numbers,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_mbg_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(float8, float8, float8) IS
  'the MBG/NBD model that fits customers of x, t_x and age best, the unit being one day';
CREATE AGGREGATE crm.fit_mbg_nbd(float8, float8, float8, int) (
  SFUNC = crm.purchase_model_numbers,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_mbg_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(float8, float8, float8, int) IS
  'the MBG/NBD model that fits customers of x, t_x and age best, the unit being so many days';

CREATE FUNCTION crm.fit_pareto_nbd_final(crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_pareto_nbd';
COMMENT ON FUNCTION crm.fit_pareto_nbd_final(crm.purchase_model_state) IS
  'final function of fit_pareto_nbd';
CREATE AGGREGATE crm.fit_pareto_nbd(crm.purchase_history, date) (
  SFUNC = crm.purchase_model_history,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_pareto_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(crm.purchase_history, date) IS
  'the Pareto/NBD model that fits histories up to as_of best, in days';
CREATE AGGREGATE crm.fit_pareto_nbd(crm.purchase_history, date, int) (
  SFUNC = crm.purchase_model_history,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_pareto_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(crm.purchase_history, date, int) IS
  'the Pareto/NBD model that fits histories up to as_of best, in units of so many days';
CREATE AGGREGATE crm.fit_pareto_nbd(float8, float8, float8) (
  SFUNC = crm.purchase_model_numbers,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_pareto_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(float8, float8, float8) IS
  'the Pareto/NBD model that fits customers of x, t_x and age best, the unit being one day';
CREATE AGGREGATE crm.fit_pareto_nbd(float8, float8, float8, int) (
  SFUNC = crm.purchase_model_numbers,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_pareto_nbd_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(float8, float8, float8, int) IS
  'the Pareto/NBD model that fits customers of x, t_x and age best, the unit being so many days';

CREATE FUNCTION crm.fit_mbg_cnbd_k_final(crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_mbg_cnbd_k';
COMMENT ON FUNCTION crm.fit_mbg_cnbd_k_final(crm.purchase_model_state) IS
  'final function of fit_mbg_cnbd_k';
CREATE AGGREGATE crm.fit_mbg_cnbd_k(crm.purchase_history, date) (
  SFUNC = crm.purchase_model_gaps,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_mbg_cnbd_k_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_cnbd_k(crm.purchase_history, date) IS
  'the MBG/CNBD-k model that fits histories up to as_of best, k estimated too, in days';
CREATE AGGREGATE crm.fit_mbg_cnbd_k(crm.purchase_history, date, int) (
  SFUNC = crm.purchase_model_gaps,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_mbg_cnbd_k_final,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_cnbd_k(crm.purchase_history, date, int) IS
  'the MBG/CNBD-k model that fits histories up to as_of best, k estimated too, in units of so many days';

CREATE FUNCTION crm.spend_model_history(crm.spend_model_state, crm.purchase_history, date) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_spend_model_history';
COMMENT ON FUNCTION crm.spend_model_history(crm.spend_model_state, crm.purchase_history, date) IS
  'transition function of fit_gamma_gamma';
CREATE FUNCTION crm.spend_model_numbers(crm.spend_model_state, float8, float8) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_spend_model_numbers';
COMMENT ON FUNCTION crm.spend_model_numbers(crm.spend_model_state, float8, float8) IS
  'transition function of fit_gamma_gamma';
CREATE FUNCTION crm.fit_gamma_gamma_final(crm.spend_model_state) RETURNS crm.spend_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_gamma_gamma';
COMMENT ON FUNCTION crm.fit_gamma_gamma_final(crm.spend_model_state) IS
  'final function of fit_gamma_gamma';
CREATE AGGREGATE crm.fit_gamma_gamma(crm.purchase_history, date) (
  SFUNC = crm.spend_model_history,
  STYPE = crm.spend_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_gamma_gamma_final,
  COMBINEFUNC = crm.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_gamma_gamma(crm.purchase_history, date) IS
  'the gamma-gamma model that fits the spend of repeat buyers up to as_of best';
CREATE AGGREGATE crm.fit_gamma_gamma(float8, float8) (
  SFUNC = crm.spend_model_numbers,
  STYPE = crm.spend_model_state,
  SSPACE = 65536,
  FINALFUNC = crm.fit_gamma_gamma_final,
  COMBINEFUNC = crm.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_gamma_gamma(float8, float8) IS
  'the gamma-gamma model that fits repeat buyers of x and mean_spend best';
-- validation: do the data suit a model, how good was a forecast, what would a model do

CREATE TYPE crm.data_check_result AS (
  customers bigint,
  not_yet_customers bigint,
  repeat_buyers bigint,
  repeat_purchases bigint,
  first_purchase date,
  last_purchase date,
  span_days int,
  days_with_refunds bigint,
  repeat_buyers_without_spend bigint,
  verdict text
);
COMMENT ON TYPE crm.data_check_result IS 'what histories hold for a purchase model';
COMMENT ON COLUMN crm.data_check_result.customers IS 'customers who have bought by as_of';
COMMENT ON COLUMN crm.data_check_result.not_yet_customers IS 'histories without a purchase by as_of';
COMMENT ON COLUMN crm.data_check_result.repeat_buyers IS 'customers with a second purchase day';
COMMENT ON COLUMN crm.data_check_result.repeat_purchases IS 'purchase days after the first';
COMMENT ON COLUMN crm.data_check_result.first_purchase IS 'earliest purchase day';
COMMENT ON COLUMN crm.data_check_result.last_purchase IS 'latest purchase day by as_of';
COMMENT ON COLUMN crm.data_check_result.span_days IS 'days from the earliest to the latest purchase day';
COMMENT ON COLUMN crm.data_check_result.days_with_refunds IS 'days whose net amount is negative';
COMMENT ON COLUMN crm.data_check_result.repeat_buyers_without_spend IS 'repeat buyers whose net amount after the first day is not positive; spend models leave them out';
COMMENT ON COLUMN crm.data_check_result.verdict IS 'whether a fit makes sense, in words';

CREATE FUNCTION crm.data_check_transition(bigint[], crm.purchase_history, date) RETURNS bigint[]
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 3 AS 'MODULE_PATHNAME', 'crm_data_check_transition';
COMMENT ON FUNCTION crm.data_check_transition(bigint[], crm.purchase_history, date) IS
  'transition function of data_check';
CREATE FUNCTION crm.data_check_combine(bigint[], bigint[]) RETURNS bigint[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 3 AS 'MODULE_PATHNAME', 'crm_data_check_combine';
COMMENT ON FUNCTION crm.data_check_combine(bigint[], bigint[]) IS
  'combine function of data_check';
CREATE FUNCTION crm.data_check_final(bigint[]) RETURNS crm.data_check_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_data_check_final';
COMMENT ON FUNCTION crm.data_check_final(bigint[]) IS
  'final function of data_check';
CREATE AGGREGATE crm.data_check(crm.purchase_history, date) (
  SFUNC = crm.data_check_transition,
  STYPE = bigint[],
  SSPACE = 128,
  FINALFUNC = crm.data_check_final,
  COMBINEFUNC = crm.data_check_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.data_check(crm.purchase_history, date) IS
  'counts what a purchase model needs, and says whether a fit makes sense';

CREATE TYPE crm.forecast_accuracy_result AS (
  n bigint,
  total_expected float8,
  total_actual float8,
  mean_error float8,
  mean_absolute_error float8,
  root_mean_squared_error float8,
  correlation float8,
  top_decile_share float8
);
COMMENT ON TYPE crm.forecast_accuracy_result IS 'how good forecasts were';
COMMENT ON COLUMN crm.forecast_accuracy_result.n IS 'customers';
COMMENT ON COLUMN crm.forecast_accuracy_result.total_expected IS 'sum of expectations';
COMMENT ON COLUMN crm.forecast_accuracy_result.total_actual IS 'sum of what happened';
COMMENT ON COLUMN crm.forecast_accuracy_result.mean_error IS 'mean of expected minus actual';
COMMENT ON COLUMN crm.forecast_accuracy_result.mean_absolute_error IS 'mean of the absolute errors';
COMMENT ON COLUMN crm.forecast_accuracy_result.root_mean_squared_error IS 'root of the mean of the squared errors';
COMMENT ON COLUMN crm.forecast_accuracy_result.correlation IS 'correlation of expected and actual; NULL if one of them is constant';
COMMENT ON COLUMN crm.forecast_accuracy_result.top_decile_share IS 'share of all that happened in the tenth of highest expectation; NULL if nothing happened';

CREATE FUNCTION crm.forecast_accuracy_transition(internal, float8, float8) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_forecast_accuracy_transition';
COMMENT ON FUNCTION crm.forecast_accuracy_transition(internal, float8, float8) IS
  'transition function of forecast_accuracy';
CREATE FUNCTION crm.forecast_accuracy_final(internal) RETURNS crm.forecast_accuracy_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_forecast_accuracy_final';
COMMENT ON FUNCTION crm.forecast_accuracy_final(internal) IS
  'final function of forecast_accuracy';
CREATE AGGREGATE crm.forecast_accuracy(float8, float8) (
  SFUNC = crm.forecast_accuracy_transition,
  STYPE = internal,
  SSPACE = 1024,
  FINALFUNC = crm.forecast_accuracy_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.forecast_accuracy(float8, float8) IS
  'how good forecasts were: expected against actual, customer by customer; rows with a NULL are left out';

CREATE TYPE crm.expected_revenue_result AS (
  customers bigint,
  revenue float8,
  standard_error float8
);
COMMENT ON TYPE crm.expected_revenue_result IS 'expected revenue of customers';
COMMENT ON COLUMN crm.expected_revenue_result.customers IS 'customers who have bought by as_of';
COMMENT ON COLUMN crm.expected_revenue_result.revenue IS 'expected net amount in (as_of, until]';
COMMENT ON COLUMN crm.expected_revenue_result.standard_error IS 'of the revenue: from chance and, for fitted models, from the parameters';

CREATE FUNCTION crm.expected_revenue_transition(internal, crm.purchase_model, crm.spend_model, crm.purchase_history, date, date) RETURNS internal
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_expected_revenue_transition';
COMMENT ON FUNCTION crm.expected_revenue_transition(internal, crm.purchase_model, crm.spend_model, crm.purchase_history, date, date) IS
  'transition function of expected_revenue';
CREATE FUNCTION crm.expected_revenue_final(internal) RETURNS crm.expected_revenue_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_expected_revenue_final';
COMMENT ON FUNCTION crm.expected_revenue_final(internal) IS
  'final function of expected_revenue';
CREATE AGGREGATE crm.expected_revenue(crm.purchase_model, crm.spend_model, crm.purchase_history, date, date) (
  SFUNC = crm.expected_revenue_transition,
  STYPE = internal,
  SSPACE = 1024,
  FINALFUNC = crm.expected_revenue_final,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.expected_revenue(crm.purchase_model, crm.spend_model, crm.purchase_history, date, date) IS
  'expected net amount of the customers in (as_of, until], with its standard error';

CREATE FUNCTION crm.simulate_purchases(model crm.purchase_model, spend crm.spend_model, customers int, from_date date, until_date date, seed bigint,
    OUT customer_id bigint, OUT purchased_on date, OUT purchased_after float8, OUT amount float8)
  RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 10000 AS 'MODULE_PATHNAME', 'crm_simulate_purchases';
COMMENT ON FUNCTION crm.simulate_purchases(crm.purchase_model, crm.spend_model, int, date, date, bigint) IS
  'purchases of random customers of the models, all acquired on from_date; purchased_after in days since the first purchase; the same seed gives the same rows';

CREATE FUNCTION crm.simulate_purchases(model crm.purchase_model, spend crm.spend_model, customers int, from_date date, until_date date, seed bigint, acquired_until date,
    OUT customer_id bigint, OUT purchased_on date, OUT purchased_after float8, OUT amount float8)
  RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 10000 AS 'MODULE_PATHNAME', 'crm_simulate_purchases';
COMMENT ON FUNCTION crm.simulate_purchases(crm.purchase_model, crm.spend_model, int, date, date, bigint, date) IS
  'purchases of random customers of the models, acquired evenly from from_date to acquired_until; purchased_after in days since the first purchase; the same seed gives the same rows';
-- interaction_history: the contacts between one customer and us, one by one

CREATE TYPE crm.interaction_history;

CREATE FUNCTION crm.interaction_history_in(cstring) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_interaction_history_in';
CREATE FUNCTION crm.interaction_history_out(crm.interaction_history) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_interaction_history_out';
CREATE FUNCTION crm.interaction_history_recv(internal) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_recv';
CREATE FUNCTION crm.interaction_history_send(crm.interaction_history) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_send';
COMMENT ON FUNCTION crm.interaction_history_in(cstring) IS 'reads {at kind channel direction [outcome] [score n] [resolved_at at], ...}';
COMMENT ON FUNCTION crm.interaction_history_out(crm.interaction_history) IS 'writes {at kind channel direction [outcome] [score n] [resolved_at at], ...}';
COMMENT ON FUNCTION crm.interaction_history_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm.interaction_history_send(crm.interaction_history) IS 'writes the binary form';

CREATE TYPE crm.interaction_history (
  INPUT = crm.interaction_history_in,
  OUTPUT = crm.interaction_history_out,
  RECEIVE = crm.interaction_history_recv,
  SEND = crm.interaction_history_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.interaction_history IS
  'the contacts between one customer and us: {at kind channel direction [outcome] [score n] [resolved_at at], ...}';

-- one interaction

CREATE FUNCTION crm.interaction(at timestamptz, kind text, channel text, direction text,
    outcome text DEFAULT NULL, score int DEFAULT NULL, resolved_at timestamptz DEFAULT NULL) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction';
COMMENT ON FUNCTION crm.interaction(timestamptz, text, text, text, text, int, timestamptz) IS
  'the history of one interaction; NULL if at, kind, channel or direction is';

-- the aggregate: (at, kind, channel, direction [, outcome [, score [, resolved_at]]])

CREATE FUNCTION crm.interaction_history_final(crm.interaction_history) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_final';
COMMENT ON FUNCTION crm.interaction_history_final(crm.interaction_history) IS 'final function of the aggregate interaction_history';
CREATE FUNCTION crm.interaction_history_plus(crm.interaction_history, crm.interaction_history) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_plus';
COMMENT ON FUNCTION crm.interaction_history_plus(crm.interaction_history, crm.interaction_history) IS 'implementation of + operator';

CREATE FUNCTION crm.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(timestamptz, text, text, text) (
  SFUNC = crm.interaction_history_transition,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm.interaction_history_final,
  COMBINEFUNC = crm.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text) IS
  'the history of contacts (at, kind, channel, direction); rows with a NULL in one of the first four are left out';

CREATE FUNCTION crm.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(timestamptz, text, text, text, text) (
  SFUNC = crm.interaction_history_transition,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm.interaction_history_final,
  COMBINEFUNC = crm.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text, text) IS
  'the history of contacts (at, kind, channel, direction, outcome); rows with a NULL in one of the first four are left out';

CREATE FUNCTION crm.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(timestamptz, text, text, text, text, int) (
  SFUNC = crm.interaction_history_transition,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm.interaction_history_final,
  COMBINEFUNC = crm.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text, text, int) IS
  'the history of contacts (at, kind, channel, direction, outcome, score); rows with a NULL in one of the first four are left out';

CREATE FUNCTION crm.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int, timestamptz) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int, timestamptz) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(timestamptz, text, text, text, text, int, timestamptz) (
  SFUNC = crm.interaction_history_transition,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm.interaction_history_final,
  COMBINEFUNC = crm.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text, text, int, timestamptz) IS
  'the history of contacts (at, kind, channel, direction, outcome, score, resolved_at); rows with a NULL in one of the first four are left out';

CREATE FUNCTION crm.interaction_history_merge(crm.interaction_history, crm.interaction_history) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_merge';
COMMENT ON FUNCTION crm.interaction_history_merge(crm.interaction_history, crm.interaction_history) IS
  'transition function of the aggregate merge';
CREATE AGGREGATE crm.merge(crm.interaction_history) (
  SFUNC = crm.interaction_history_merge,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm.interaction_history_final,
  COMBINEFUNC = crm.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.interaction_history) IS 'all that is in any of the histories';

-- sum and difference

CREATE FUNCTION crm.interaction_history_minus(crm.interaction_history, crm.interaction_history) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_minus';
COMMENT ON FUNCTION crm.interaction_history_minus(crm.interaction_history, crm.interaction_history) IS 'implementation of - operator';

CREATE OPERATOR crm.+ (
  FUNCTION = crm.interaction_history_plus,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.interaction_history, crm.interaction_history) IS 'all that is in either history, each interaction as often as in both together';
CREATE OPERATOR crm.- (
  FUNCTION = crm.interaction_history_minus,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history
);
COMMENT ON OPERATOR crm.- (crm.interaction_history, crm.interaction_history) IS
  'the left history without what is in the right one; an error if an interaction is not there';

-- equality, order, hash

CREATE FUNCTION crm.interaction_history_eq(crm.interaction_history, crm.interaction_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_eq';
COMMENT ON FUNCTION crm.interaction_history_eq(crm.interaction_history, crm.interaction_history) IS 'implementation of = operator';
CREATE FUNCTION crm.interaction_history_ne(crm.interaction_history, crm.interaction_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_ne';
COMMENT ON FUNCTION crm.interaction_history_ne(crm.interaction_history, crm.interaction_history) IS 'implementation of <> operator';
CREATE FUNCTION crm.interaction_history_lt(crm.interaction_history, crm.interaction_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_lt';
COMMENT ON FUNCTION crm.interaction_history_lt(crm.interaction_history, crm.interaction_history) IS 'implementation of < operator';
CREATE FUNCTION crm.interaction_history_le(crm.interaction_history, crm.interaction_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_le';
COMMENT ON FUNCTION crm.interaction_history_le(crm.interaction_history, crm.interaction_history) IS 'implementation of <= operator';
CREATE FUNCTION crm.interaction_history_gt(crm.interaction_history, crm.interaction_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_gt';
COMMENT ON FUNCTION crm.interaction_history_gt(crm.interaction_history, crm.interaction_history) IS 'implementation of > operator';
CREATE FUNCTION crm.interaction_history_ge(crm.interaction_history, crm.interaction_history) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_ge';
COMMENT ON FUNCTION crm.interaction_history_ge(crm.interaction_history, crm.interaction_history) IS 'implementation of >= operator';
CREATE FUNCTION crm.interaction_history_cmp(crm.interaction_history, crm.interaction_history) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_cmp';
COMMENT ON FUNCTION crm.interaction_history_cmp(crm.interaction_history, crm.interaction_history) IS 'less-equal-greater';
CREATE FUNCTION crm.interaction_history_hash(crm.interaction_history) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_hash';
COMMENT ON FUNCTION crm.interaction_history_hash(crm.interaction_history) IS 'hash';
CREATE FUNCTION crm.interaction_history_hash_extended(crm.interaction_history, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_hash_extended';
COMMENT ON FUNCTION crm.interaction_history_hash_extended(crm.interaction_history, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.interaction_history_eq,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.interaction_history, crm.interaction_history) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.interaction_history_ne,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.interaction_history, crm.interaction_history) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.interaction_history_lt,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.interaction_history, crm.interaction_history) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.interaction_history_le,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.interaction_history, crm.interaction_history) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.interaction_history_gt,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.interaction_history, crm.interaction_history) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.interaction_history_ge,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.interaction_history, crm.interaction_history) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.interaction_history_ops DEFAULT FOR TYPE crm.interaction_history USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.interaction_history_cmp(crm.interaction_history, crm.interaction_history);
COMMENT ON OPERATOR CLASS crm.interaction_history_ops USING btree IS 'order by the first entry that differs';
COMMENT ON OPERATOR FAMILY crm.interaction_history_ops USING btree IS 'order by the first entry that differs';
CREATE OPERATOR CLASS crm.interaction_history_hash_ops DEFAULT FOR TYPE crm.interaction_history USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.interaction_history_hash(crm.interaction_history),
  FUNCTION 2 crm.interaction_history_hash_extended(crm.interaction_history, bigint);
COMMENT ON OPERATOR CLASS crm.interaction_history_hash_ops USING hash IS 'equal content';
COMMENT ON OPERATOR FAMILY crm.interaction_history_hash_ops USING hash IS 'equal content';

-- plain questions

CREATE FUNCTION crm.interaction_count(history crm.interaction_history) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_count';
COMMENT ON FUNCTION crm.interaction_count(crm.interaction_history) IS
  'number of interactions';
CREATE FUNCTION crm.first_interaction(history crm.interaction_history) RETURNS timestamptz
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_first_interaction';
COMMENT ON FUNCTION crm.first_interaction(crm.interaction_history) IS
  'instant of the first interaction; NULL without one';
CREATE FUNCTION crm.last_interaction(history crm.interaction_history) RETURNS timestamptz
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_last_interaction';
COMMENT ON FUNCTION crm.last_interaction(crm.interaction_history) IS
  'instant of the last interaction; NULL without one';
CREATE FUNCTION crm.days_since_last_contact(history crm.interaction_history, as_of timestamptz) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_days_since_last_contact';
COMMENT ON FUNCTION crm.days_since_last_contact(crm.interaction_history, timestamptz) IS
  'whole days of 24 hours from the last interaction at or before as_of to as_of; NULL without one';
CREATE FUNCTION crm.reciprocity(history crm.interaction_history, as_of timestamptz) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_reciprocity';
COMMENT ON FUNCTION crm.reciprocity(crm.interaction_history, timestamptz) IS
  'the smaller of inbound and outbound over the larger, at or before as_of; NULL with neither';
CREATE FUNCTION crm.until(history crm.interaction_history, at timestamptz) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_until';
COMMENT ON FUNCTION crm.until(crm.interaction_history, timestamptz) IS
  'what happened at or before the instant';
CREATE FUNCTION crm.within(history crm.interaction_history, period tstzrange) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_within';
COMMENT ON FUNCTION crm.within(crm.interaction_history, tstzrange) IS
  'what happened in the range of time';
CREATE FUNCTION crm.interactions(history crm.interaction_history,
    OUT at timestamptz, OUT kind text, OUT channel text, OUT direction text, OUT outcome text, OUT score int,
    OUT resolved_at timestamptz) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 20 AS 'MODULE_PATHNAME', 'crm_interactions';
COMMENT ON FUNCTION crm.interactions(crm.interaction_history) IS 'the entries of the history, by instant';
CREATE FUNCTION crm.interaction_history_to_jsonb(crm.interaction_history) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_interaction_history_to_jsonb';
COMMENT ON FUNCTION crm.interaction_history_to_jsonb(crm.interaction_history) IS
  'the history as a jsonb array of {"at", "kind", "channel", "direction", "outcome", "score", "resolved_at"}';
CREATE CAST (crm.interaction_history AS jsonb) WITH FUNCTION crm.interaction_history_to_jsonb(crm.interaction_history);
COMMENT ON CAST (crm.interaction_history AS jsonb) IS 'an array of {"at", "kind", "channel", "direction", "outcome", "score", "resolved_at"}';

-- engagement

CREATE FUNCTION crm.engagement(history crm.interaction_history, weights jsonb, half_life interval, as_of timestamptz) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_engagement';
COMMENT ON FUNCTION crm.engagement(crm.interaction_history, jsonb, interval, timestamptz) IS
  'each inbound interaction, and each outbound one opened, answered or resolved, at or before as_of: the weight of its kind (0 if not given) times 2^(-age / half_life)';
CREATE FUNCTION crm.contact_pressure(history crm.interaction_history, half_life interval, as_of timestamptz) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_contact_pressure';
COMMENT ON FUNCTION crm.contact_pressure(crm.interaction_history, interval, timestamptz) IS
  'each outbound interaction at or before as_of counted as 2^(-age / half_life)';

-- channels

CREATE FUNCTION crm.preferred_channel(history crm.interaction_history, as_of timestamptz, stated text DEFAULT NULL,
    a float8 DEFAULT 1, b float8 DEFAULT 1, minimum_attempts int DEFAULT 3) RETURNS text
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_preferred_channel';
COMMENT ON FUNCTION crm.preferred_channel(crm.interaction_history, timestamptz, text, float8, float8, int) IS
  'the stated channel, else the one with the highest response rate (responses + a) / (attempts + a + b) of those with enough attempts and no unsubscription; ties to the latest';
CREATE FUNCTION crm.channel_profile(history crm.interaction_history, as_of timestamptz,
    a float8 DEFAULT 1, b float8 DEFAULT 1,
    OUT channel text, OUT attempts int, OUT responses int, OUT response_rate float8, OUT bounced int, OUT unsubscribed int,
    OUT inbound int, OUT last_at timestamptz) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 4 AS 'MODULE_PATHNAME', 'crm_channel_profile';
COMMENT ON FUNCTION crm.channel_profile(crm.interaction_history, timestamptz, float8, float8) IS
  'the channels used at or before as_of, by name, and what came of the attempts on each; response_rate is (responses + a) / (attempts + a + b)';

-- service

CREATE FUNCTION crm.complaints(history crm.interaction_history, as_of timestamptz) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_complaints';
COMMENT ON FUNCTION crm.complaints(crm.interaction_history, timestamptz) IS
  'number of complaints that came in at or before as_of';
CREATE FUNCTION crm.complaint_rate(history crm.interaction_history, as_of timestamptz) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_complaint_rate';
COMMENT ON FUNCTION crm.complaint_rate(crm.interaction_history, timestamptz) IS
  'complaints per inbound interaction at or before as_of; NULL without one';
CREATE FUNCTION crm.complaint_rate(history crm.interaction_history, purchases crm.purchase_history, as_of timestamptz, time_zone text) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_complaint_rate_of_orders';
COMMENT ON FUNCTION crm.complaint_rate(crm.interaction_history, crm.purchase_history, timestamptz, text) IS
  'complaints per order until as_of, whose day the time zone tells; NULL without an order';
CREATE FUNCTION crm.open_requests(history crm.interaction_history, as_of timestamptz) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_open_requests';
COMMENT ON FUNCTION crm.open_requests(crm.interaction_history, timestamptz) IS
  'number of requests, complaints and enquiries that came in at or before as_of and are not closed then';
CREATE FUNCTION crm.unanswered_requests(history crm.interaction_history, as_of timestamptz) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_unanswered_requests';
COMMENT ON FUNCTION crm.unanswered_requests(crm.interaction_history, timestamptz) IS
  'number of requests, complaints and enquiries that came in at or before as_of and have no answer then';
CREATE FUNCTION crm.first_response_time(history crm.interaction_history, as_of timestamptz) RETURNS interval
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_first_response_time';
COMMENT ON FUNCTION crm.first_response_time(crm.interaction_history, timestamptz) IS
  'mean time from a request, complaint or enquiry to the next outbound interaction; one still waiting counts its age at as_of; NULL without one';
CREATE FUNCTION crm.time_to_resolve(history crm.interaction_history, as_of timestamptz) RETURNS interval
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_time_to_resolve';
COMMENT ON FUNCTION crm.time_to_resolve(crm.interaction_history, timestamptz) IS
  'mean time from a request, complaint or enquiry to its resolved_at, of those resolved at or before as_of; NULL without one';
CREATE FUNCTION crm.service_requests(history crm.interaction_history, as_of timestamptz,
    OUT at timestamptz, OUT kind text, OUT channel text, OUT answered_at timestamptz, OUT response_time interval,
    OUT resolved_at timestamptz, OUT resolution_time interval, OUT open boolean) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 4 AS 'MODULE_PATHNAME', 'crm_service_requests';
COMMENT ON FUNCTION crm.service_requests(crm.interaction_history, timestamptz) IS
  'the requests, complaints and enquiries that came in at or before as_of, by instant, and what came of them by then';
CREATE FUNCTION crm.recovered(history crm.interaction_history, purchases crm.purchase_history, within interval, as_of timestamptz, time_zone text) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_recovered';
COMMENT ON FUNCTION crm.recovered(crm.interaction_history, crm.purchase_history, interval, timestamptz, text) IS
  'whether the customer bought on a later day after the last complaint, up to the day that within reaches; NULL without a complaint, and while that day is not over';

-- decayed_sum and nps

CREATE FUNCTION crm.decayed_sum_transition(crm.exact_sums, float8, timestamptz, interval, timestamptz) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_decayed_sum_transition';
COMMENT ON FUNCTION crm.decayed_sum_transition(crm.exact_sums, float8, timestamptz, interval, timestamptz) IS
  'transition function of the aggregate decayed_sum';
CREATE FUNCTION crm.decayed_sum_final(crm.exact_sums) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_decayed_sum_final';
COMMENT ON FUNCTION crm.decayed_sum_final(crm.exact_sums) IS 'final function of the aggregate decayed_sum';
CREATE AGGREGATE crm.decayed_sum(value float8, at timestamptz, half_life interval, as_of timestamptz) (
  SFUNC = crm.decayed_sum_transition,
  STYPE = crm.exact_sums,
  SSPACE = 64,
  FINALFUNC = crm.decayed_sum_final,
  COMBINEFUNC = crm.exact_sums_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.decayed_sum(float8, timestamptz, interval, timestamptz) IS
  'sum of value times 2^(-(as_of - at) / half_life) over the rows at or before as_of, the same in every plan; rows with a NULL value or at are left out';

CREATE TYPE crm.net_promoter_score AS (
  score float8,
  responses bigint,
  promoters bigint,
  passives bigint,
  detractors bigint,
  standard_error float8
);
COMMENT ON TYPE crm.net_promoter_score IS 'what nps returns';
COMMENT ON COLUMN crm.net_promoter_score.score IS 'share of promoters minus share of detractors, in percent: -100 to 100';
COMMENT ON COLUMN crm.net_promoter_score.responses IS 'number of answers';
COMMENT ON COLUMN crm.net_promoter_score.promoters IS 'answers 9 and 10';
COMMENT ON COLUMN crm.net_promoter_score.passives IS 'answers 7 and 8';
COMMENT ON COLUMN crm.net_promoter_score.detractors IS 'answers 0 to 6';
COMMENT ON COLUMN crm.net_promoter_score.standard_error IS 'standard error of score, in percent points';

CREATE FUNCTION crm.nps_transition(crm.exact_sums, int) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_nps_transition';
COMMENT ON FUNCTION crm.nps_transition(crm.exact_sums, int) IS 'transition function of the aggregate nps';
CREATE FUNCTION crm.nps_final(crm.exact_sums) RETURNS crm.net_promoter_score
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_nps_final';
COMMENT ON FUNCTION crm.nps_final(crm.exact_sums) IS 'final function of the aggregate nps';
CREATE AGGREGATE crm.nps(score int) (
  SFUNC = crm.nps_transition,
  STYPE = crm.exact_sums,
  SSPACE = 64,
  FINALFUNC = crm.nps_final,
  COMBINEFUNC = crm.exact_sums_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.nps(int) IS
  'net promoter score of survey answers from 0 to 10, with their number and the standard error; NULLs are left out';
-- relationship_level: the five levels, the one that the matrix recommends, the one that the record shows

CREATE TYPE crm.relationship_level;

CREATE FUNCTION crm.relationship_level_in(cstring) RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_in';
CREATE FUNCTION crm.relationship_level_out(crm.relationship_level) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_out';
CREATE FUNCTION crm.relationship_level_recv(internal) RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_recv';
CREATE FUNCTION crm.relationship_level_send(crm.relationship_level) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_send';
COMMENT ON FUNCTION crm.relationship_level_in(cstring) IS 'reads the name of a level';
COMMENT ON FUNCTION crm.relationship_level_out(crm.relationship_level) IS 'writes the name of a level';
COMMENT ON FUNCTION crm.relationship_level_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm.relationship_level_send(crm.relationship_level) IS 'writes the binary form';

CREATE TYPE crm.relationship_level (
  INPUT = crm.relationship_level_in,
  OUTPUT = crm.relationship_level_out,
  RECEIVE = crm.relationship_level_recv,
  SEND = crm.relationship_level_send,
  INTERNALLENGTH = 1,
  PASSEDBYVALUE,
  ALIGNMENT = char,
  STORAGE = plain
);
COMMENT ON TYPE crm.relationship_level IS
  'how much of a relationship a customer gets: basic < reactive < accountable < proactive < partnership';

-- equality, order, hash

CREATE FUNCTION crm.relationship_level_eq(crm.relationship_level, crm.relationship_level) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_eq';
COMMENT ON FUNCTION crm.relationship_level_eq(crm.relationship_level, crm.relationship_level) IS 'implementation of = operator';
CREATE FUNCTION crm.relationship_level_ne(crm.relationship_level, crm.relationship_level) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_ne';
COMMENT ON FUNCTION crm.relationship_level_ne(crm.relationship_level, crm.relationship_level) IS 'implementation of <> operator';
CREATE FUNCTION crm.relationship_level_lt(crm.relationship_level, crm.relationship_level) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_lt';
COMMENT ON FUNCTION crm.relationship_level_lt(crm.relationship_level, crm.relationship_level) IS 'implementation of < operator';
CREATE FUNCTION crm.relationship_level_le(crm.relationship_level, crm.relationship_level) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_le';
COMMENT ON FUNCTION crm.relationship_level_le(crm.relationship_level, crm.relationship_level) IS 'implementation of <= operator';
CREATE FUNCTION crm.relationship_level_gt(crm.relationship_level, crm.relationship_level) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_gt';
COMMENT ON FUNCTION crm.relationship_level_gt(crm.relationship_level, crm.relationship_level) IS 'implementation of > operator';
CREATE FUNCTION crm.relationship_level_ge(crm.relationship_level, crm.relationship_level) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_ge';
COMMENT ON FUNCTION crm.relationship_level_ge(crm.relationship_level, crm.relationship_level) IS 'implementation of >= operator';
CREATE FUNCTION crm.relationship_level_cmp(crm.relationship_level, crm.relationship_level) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_cmp';
COMMENT ON FUNCTION crm.relationship_level_cmp(crm.relationship_level, crm.relationship_level) IS 'less-equal-greater';
CREATE FUNCTION crm.relationship_level_hash(crm.relationship_level) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_hash';
COMMENT ON FUNCTION crm.relationship_level_hash(crm.relationship_level) IS 'hash';
CREATE FUNCTION crm.relationship_level_hash_extended(crm.relationship_level, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_hash_extended';
COMMENT ON FUNCTION crm.relationship_level_hash_extended(crm.relationship_level, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.relationship_level_eq,
  LEFTARG = crm.relationship_level,
  RIGHTARG = crm.relationship_level,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.relationship_level, crm.relationship_level) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.relationship_level_ne,
  LEFTARG = crm.relationship_level,
  RIGHTARG = crm.relationship_level,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.relationship_level, crm.relationship_level) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.relationship_level_lt,
  LEFTARG = crm.relationship_level,
  RIGHTARG = crm.relationship_level,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.relationship_level, crm.relationship_level) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.relationship_level_le,
  LEFTARG = crm.relationship_level,
  RIGHTARG = crm.relationship_level,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.relationship_level, crm.relationship_level) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.relationship_level_gt,
  LEFTARG = crm.relationship_level,
  RIGHTARG = crm.relationship_level,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.relationship_level, crm.relationship_level) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.relationship_level_ge,
  LEFTARG = crm.relationship_level,
  RIGHTARG = crm.relationship_level,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.relationship_level, crm.relationship_level) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.relationship_level_ops DEFAULT FOR TYPE crm.relationship_level USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.relationship_level_cmp(crm.relationship_level, crm.relationship_level);
COMMENT ON OPERATOR CLASS crm.relationship_level_ops USING btree IS 'order from basic to partnership';
COMMENT ON OPERATOR FAMILY crm.relationship_level_ops USING btree IS 'order from basic to partnership';
CREATE OPERATOR CLASS crm.relationship_level_hash_ops DEFAULT FOR TYPE crm.relationship_level USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.relationship_level_hash(crm.relationship_level),
  FUNCTION 2 crm.relationship_level_hash_extended(crm.relationship_level, bigint);
COMMENT ON OPERATOR CLASS crm.relationship_level_hash_ops USING hash IS 'equal content';
COMMENT ON OPERATOR FAMILY crm.relationship_level_hash_ops USING hash IS 'equal content';

CREATE FUNCTION crm.relationship_level_number(crm.relationship_level) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_level_number';
COMMENT ON FUNCTION crm.relationship_level_number(crm.relationship_level) IS
  'the number of the level, 1 (basic) to 5 (partnership)';
CREATE CAST (crm.relationship_level AS int) WITH FUNCTION crm.relationship_level_number(crm.relationship_level);
COMMENT ON CAST (crm.relationship_level AS int) IS 'the number of the level, 1 (basic) to 5 (partnership)';
CREATE FUNCTION crm.relationship_gap(recommended crm.relationship_level, practised crm.relationship_level) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_gap';
COMMENT ON FUNCTION crm.relationship_gap(crm.relationship_level, crm.relationship_level) IS
  'how many levels the practised one lies below the recommended one; negative if above';

-- relationship_bands: the cuts of the bands

CREATE TYPE crm.relationship_bands;

CREATE FUNCTION crm.relationship_bands_in(cstring) RETURNS crm.relationship_bands
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_relationship_bands_in';
CREATE FUNCTION crm.relationship_bands_out(crm.relationship_bands) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_relationship_bands_out';
CREATE FUNCTION crm.relationship_bands_recv(internal) RETURNS crm.relationship_bands
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_recv';
CREATE FUNCTION crm.relationship_bands_send(crm.relationship_bands) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_send';
COMMENT ON FUNCTION crm.relationship_bands_in(cstring) IS 'reads customers few < n <= medium < n <= many; margin low < amount <= medium < amount <= high';
COMMENT ON FUNCTION crm.relationship_bands_out(crm.relationship_bands) IS 'writes customers few < n <= medium < n <= many; margin low < amount <= medium < amount <= high';
COMMENT ON FUNCTION crm.relationship_bands_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm.relationship_bands_send(crm.relationship_bands) IS 'writes the binary form';

CREATE TYPE crm.relationship_bands (
  INPUT = crm.relationship_bands_in,
  OUTPUT = crm.relationship_bands_out,
  RECEIVE = crm.relationship_bands_recv,
  SEND = crm.relationship_bands_send,
  INTERNALLENGTH = 32,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.relationship_bands IS
  'where few customers become many and a low margin high: customers few < n <= medium < n <= many; margin low < amount <= medium < amount <= high';

-- equality, order, hash

CREATE FUNCTION crm.relationship_bands_eq(crm.relationship_bands, crm.relationship_bands) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_eq';
COMMENT ON FUNCTION crm.relationship_bands_eq(crm.relationship_bands, crm.relationship_bands) IS 'implementation of = operator';
CREATE FUNCTION crm.relationship_bands_ne(crm.relationship_bands, crm.relationship_bands) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_ne';
COMMENT ON FUNCTION crm.relationship_bands_ne(crm.relationship_bands, crm.relationship_bands) IS 'implementation of <> operator';
CREATE FUNCTION crm.relationship_bands_lt(crm.relationship_bands, crm.relationship_bands) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_lt';
COMMENT ON FUNCTION crm.relationship_bands_lt(crm.relationship_bands, crm.relationship_bands) IS 'implementation of < operator';
CREATE FUNCTION crm.relationship_bands_le(crm.relationship_bands, crm.relationship_bands) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_le';
COMMENT ON FUNCTION crm.relationship_bands_le(crm.relationship_bands, crm.relationship_bands) IS 'implementation of <= operator';
CREATE FUNCTION crm.relationship_bands_gt(crm.relationship_bands, crm.relationship_bands) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_gt';
COMMENT ON FUNCTION crm.relationship_bands_gt(crm.relationship_bands, crm.relationship_bands) IS 'implementation of > operator';
CREATE FUNCTION crm.relationship_bands_ge(crm.relationship_bands, crm.relationship_bands) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_ge';
COMMENT ON FUNCTION crm.relationship_bands_ge(crm.relationship_bands, crm.relationship_bands) IS 'implementation of >= operator';
CREATE FUNCTION crm.relationship_bands_cmp(crm.relationship_bands, crm.relationship_bands) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_cmp';
COMMENT ON FUNCTION crm.relationship_bands_cmp(crm.relationship_bands, crm.relationship_bands) IS 'less-equal-greater';
CREATE FUNCTION crm.relationship_bands_hash(crm.relationship_bands) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_hash';
COMMENT ON FUNCTION crm.relationship_bands_hash(crm.relationship_bands) IS 'hash';
CREATE FUNCTION crm.relationship_bands_hash_extended(crm.relationship_bands, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands_hash_extended';
COMMENT ON FUNCTION crm.relationship_bands_hash_extended(crm.relationship_bands, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.relationship_bands_eq,
  LEFTARG = crm.relationship_bands,
  RIGHTARG = crm.relationship_bands,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.relationship_bands, crm.relationship_bands) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.relationship_bands_ne,
  LEFTARG = crm.relationship_bands,
  RIGHTARG = crm.relationship_bands,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.relationship_bands, crm.relationship_bands) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.relationship_bands_lt,
  LEFTARG = crm.relationship_bands,
  RIGHTARG = crm.relationship_bands,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.relationship_bands, crm.relationship_bands) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.relationship_bands_le,
  LEFTARG = crm.relationship_bands,
  RIGHTARG = crm.relationship_bands,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.relationship_bands, crm.relationship_bands) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.relationship_bands_gt,
  LEFTARG = crm.relationship_bands,
  RIGHTARG = crm.relationship_bands,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.relationship_bands, crm.relationship_bands) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.relationship_bands_ge,
  LEFTARG = crm.relationship_bands,
  RIGHTARG = crm.relationship_bands,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.relationship_bands, crm.relationship_bands) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.relationship_bands_ops DEFAULT FOR TYPE crm.relationship_bands USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.relationship_bands_cmp(crm.relationship_bands, crm.relationship_bands);
COMMENT ON OPERATOR CLASS crm.relationship_bands_ops USING btree IS 'order by the first cut that differs';
COMMENT ON OPERATOR FAMILY crm.relationship_bands_ops USING btree IS 'order by the first cut that differs';
CREATE OPERATOR CLASS crm.relationship_bands_hash_ops DEFAULT FOR TYPE crm.relationship_bands USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.relationship_bands_hash(crm.relationship_bands),
  FUNCTION 2 crm.relationship_bands_hash_extended(crm.relationship_bands, bigint);
COMMENT ON OPERATOR CLASS crm.relationship_bands_hash_ops USING hash IS 'equal content';
COMMENT ON OPERATOR FAMILY crm.relationship_bands_hash_ops USING hash IS 'equal content';

CREATE FUNCTION crm.relationship_bands(medium_customers bigint, many_customers bigint, medium_margin numeric, high_margin numeric) RETURNS crm.relationship_bands
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_relationship_bands';
COMMENT ON FUNCTION crm.relationship_bands(bigint, bigint, numeric, numeric) IS
  'the bands that begin at these numbers of customers and margins per customer';
CREATE FUNCTION crm.customers_band(bands crm.relationship_bands, customers bigint) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_customers_band';
COMMENT ON FUNCTION crm.customers_band(crm.relationship_bands, bigint) IS
  'the band of a number of customers: few, medium or many';
CREATE FUNCTION crm.margin_band(bands crm.relationship_bands, margin numeric) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_margin_band';
COMMENT ON FUNCTION crm.margin_band(crm.relationship_bands, numeric) IS
  'the band of a margin per customer: low, medium or high';

-- levels

CREATE FUNCTION crm.recommended_level(customers_band text, margin_band text, wants_relationship boolean DEFAULT true) RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_recommended_level';
COMMENT ON FUNCTION crm.recommended_level(text, text, boolean) IS
  'the level of the customers-by-margin matrix; at most reactive for who wants no relationship';
CREATE FUNCTION crm.recommended_level(bands crm.relationship_bands, customers bigint, margin numeric, wants_relationship boolean DEFAULT true) RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_recommended_level_of';
COMMENT ON FUNCTION crm.recommended_level(crm.relationship_bands, bigint, numeric, boolean) IS
  'the level of the customers-by-margin matrix for a number of customers and the margin of one; at most reactive for who wants no relationship';
CREATE FUNCTION crm.practised_level(interactions crm.interaction_history, purchases crm.purchase_history, as_of timestamptz,
    time_zone text, is_partner boolean DEFAULT false, campaign_kinds text[] DEFAULT '{message,survey}')
    RETURNS crm.relationship_level
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_practised_level';
COMMENT ON FUNCTION crm.practised_level(crm.interaction_history, crm.purchase_history, timestamptz, text, boolean, text[]) IS
  'the highest level that the record of the 365 days until as_of shows; is_partner marks joint work on site or a named owner, campaign_kinds are the kinds of outbound contact that may go to everybody';
-- consents: on what basis, for which purpose and when a customer may be contacted

CREATE TYPE crm.consents;

CREATE FUNCTION crm.consents_in(cstring) RETURNS crm.consents
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_consents_in';
CREATE FUNCTION crm.consents_out(crm.consents) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_consents_out';
CREATE FUNCTION crm.consents_recv(internal) RETURNS crm.consents
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_recv';
CREATE FUNCTION crm.consents_send(crm.consents) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_send';
COMMENT ON FUNCTION crm.consents_in(cstring) IS 'reads {purpose basis [from, until), ...}';
COMMENT ON FUNCTION crm.consents_out(crm.consents) IS 'writes {purpose basis [from, until), ...}';
COMMENT ON FUNCTION crm.consents_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm.consents_send(crm.consents) IS 'writes the binary form';

CREATE TYPE crm.consents (
  INPUT = crm.consents_in,
  OUTPUT = crm.consents_out,
  RECEIVE = crm.consents_recv,
  SEND = crm.consents_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.consents IS
  'on what basis, for which purpose and when a customer may be contacted: {purpose basis [from, until), ...}';

CREATE FUNCTION crm.consent(purpose text, basis text, validity tstzrange) RETURNS crm.consents
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consent';
COMMENT ON FUNCTION crm.consent(text, text, tstzrange) IS
  'one grant; none if the validity is empty';
CREATE FUNCTION crm.consents_plus(crm.consents, crm.consents) RETURNS crm.consents
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_plus';
COMMENT ON FUNCTION crm.consents_plus(crm.consents, crm.consents) IS
  'implementation of + operator';
CREATE OPERATOR crm.+ (
  FUNCTION = crm.consents_plus,
  LEFTARG = crm.consents,
  RIGHTARG = crm.consents,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.consents, crm.consents) IS 'all grants of either, each once';
CREATE FUNCTION crm.consents_transition(crm.consents, text, text, tstzrange) RETURNS crm.consents
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_transition';
COMMENT ON FUNCTION crm.consents_transition(crm.consents, text, text, tstzrange) IS 'transition function of the aggregate consents';
CREATE AGGREGATE crm.consents(purpose text, basis text, validity tstzrange) (
  SFUNC = crm.consents_transition,
  STYPE = crm.consents,
  SSPACE = 256,
  COMBINEFUNC = crm.consents_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.consents(text, text, tstzrange) IS 'the consents of one customer''s grants; rows with a NULL are left out';
CREATE AGGREGATE crm.merge(crm.consents) (
  SFUNC = crm.consents_plus,
  STYPE = crm.consents,
  SSPACE = 256,
  COMBINEFUNC = crm.consents_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.consents) IS 'all grants that are in any of the consents';

-- equality, order, hash

CREATE FUNCTION crm.consents_eq(crm.consents, crm.consents) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_eq';
COMMENT ON FUNCTION crm.consents_eq(crm.consents, crm.consents) IS 'implementation of = operator';
CREATE FUNCTION crm.consents_ne(crm.consents, crm.consents) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_ne';
COMMENT ON FUNCTION crm.consents_ne(crm.consents, crm.consents) IS 'implementation of <> operator';
CREATE FUNCTION crm.consents_lt(crm.consents, crm.consents) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_lt';
COMMENT ON FUNCTION crm.consents_lt(crm.consents, crm.consents) IS 'implementation of < operator';
CREATE FUNCTION crm.consents_le(crm.consents, crm.consents) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_le';
COMMENT ON FUNCTION crm.consents_le(crm.consents, crm.consents) IS 'implementation of <= operator';
CREATE FUNCTION crm.consents_gt(crm.consents, crm.consents) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_gt';
COMMENT ON FUNCTION crm.consents_gt(crm.consents, crm.consents) IS 'implementation of > operator';
CREATE FUNCTION crm.consents_ge(crm.consents, crm.consents) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_ge';
COMMENT ON FUNCTION crm.consents_ge(crm.consents, crm.consents) IS 'implementation of >= operator';
CREATE FUNCTION crm.consents_cmp(crm.consents, crm.consents) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_cmp';
COMMENT ON FUNCTION crm.consents_cmp(crm.consents, crm.consents) IS 'less-equal-greater';
CREATE FUNCTION crm.consents_hash(crm.consents) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_hash';
COMMENT ON FUNCTION crm.consents_hash(crm.consents) IS 'hash';
CREATE FUNCTION crm.consents_hash_extended(crm.consents, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_hash_extended';
COMMENT ON FUNCTION crm.consents_hash_extended(crm.consents, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.consents_eq,
  LEFTARG = crm.consents,
  RIGHTARG = crm.consents,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.consents, crm.consents) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.consents_ne,
  LEFTARG = crm.consents,
  RIGHTARG = crm.consents,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.consents, crm.consents) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.consents_lt,
  LEFTARG = crm.consents,
  RIGHTARG = crm.consents,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.consents, crm.consents) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.consents_le,
  LEFTARG = crm.consents,
  RIGHTARG = crm.consents,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.consents, crm.consents) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.consents_gt,
  LEFTARG = crm.consents,
  RIGHTARG = crm.consents,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.consents, crm.consents) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.consents_ge,
  LEFTARG = crm.consents,
  RIGHTARG = crm.consents,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.consents, crm.consents) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.consents_ops DEFAULT FOR TYPE crm.consents USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.consents_cmp(crm.consents, crm.consents);
COMMENT ON OPERATOR CLASS crm.consents_ops USING btree IS 'order by the first grant that differs';
COMMENT ON OPERATOR FAMILY crm.consents_ops USING btree IS 'order by the first grant that differs';
CREATE OPERATOR CLASS crm.consents_hash_ops DEFAULT FOR TYPE crm.consents USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.consents_hash(crm.consents),
  FUNCTION 2 crm.consents_hash_extended(crm.consents, bigint);
COMMENT ON OPERATOR CLASS crm.consents_hash_ops USING hash IS 'equal content';
COMMENT ON OPERATOR FAMILY crm.consents_hash_ops USING hash IS 'equal content';

-- contact_policy: how often, when and after what customers may be contacted

CREATE TYPE crm.contact_policy;

CREATE FUNCTION crm.contact_policy_in(cstring) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_contact_policy_in';
CREATE FUNCTION crm.contact_policy_out(crm.contact_policy) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_contact_policy_out';
CREATE FUNCTION crm.contact_policy_recv(internal) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_recv';
CREATE FUNCTION crm.contact_policy_send(crm.contact_policy) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_send';
COMMENT ON FUNCTION crm.contact_policy_in(cstring) IS 'reads rule; rule; ...';
COMMENT ON FUNCTION crm.contact_policy_out(crm.contact_policy) IS 'writes rule; rule; ...';
COMMENT ON FUNCTION crm.contact_policy_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm.contact_policy_send(crm.contact_policy) IS 'writes the binary form';

CREATE TYPE crm.contact_policy (
  INPUT = crm.contact_policy_in,
  OUTPUT = crm.contact_policy_out,
  RECEIVE = crm.contact_policy_recv,
  SEND = crm.contact_policy_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.contact_policy IS
  'how often, when and after what customers may be contacted: rules such as 3 per 7 days; email 2 per 7 days; quiet 21:00-08:00; pause 14 days after complaint; transactional exempt';

-- equality, order, hash

CREATE FUNCTION crm.contact_policy_eq(crm.contact_policy, crm.contact_policy) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_eq';
COMMENT ON FUNCTION crm.contact_policy_eq(crm.contact_policy, crm.contact_policy) IS 'implementation of = operator';
CREATE FUNCTION crm.contact_policy_ne(crm.contact_policy, crm.contact_policy) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_ne';
COMMENT ON FUNCTION crm.contact_policy_ne(crm.contact_policy, crm.contact_policy) IS 'implementation of <> operator';
CREATE FUNCTION crm.contact_policy_lt(crm.contact_policy, crm.contact_policy) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_lt';
COMMENT ON FUNCTION crm.contact_policy_lt(crm.contact_policy, crm.contact_policy) IS 'implementation of < operator';
CREATE FUNCTION crm.contact_policy_le(crm.contact_policy, crm.contact_policy) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_le';
COMMENT ON FUNCTION crm.contact_policy_le(crm.contact_policy, crm.contact_policy) IS 'implementation of <= operator';
CREATE FUNCTION crm.contact_policy_gt(crm.contact_policy, crm.contact_policy) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_gt';
COMMENT ON FUNCTION crm.contact_policy_gt(crm.contact_policy, crm.contact_policy) IS 'implementation of > operator';
CREATE FUNCTION crm.contact_policy_ge(crm.contact_policy, crm.contact_policy) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_ge';
COMMENT ON FUNCTION crm.contact_policy_ge(crm.contact_policy, crm.contact_policy) IS 'implementation of >= operator';
CREATE FUNCTION crm.contact_policy_cmp(crm.contact_policy, crm.contact_policy) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_cmp';
COMMENT ON FUNCTION crm.contact_policy_cmp(crm.contact_policy, crm.contact_policy) IS 'less-equal-greater';
CREATE FUNCTION crm.contact_policy_hash(crm.contact_policy) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_hash';
COMMENT ON FUNCTION crm.contact_policy_hash(crm.contact_policy) IS 'hash';
CREATE FUNCTION crm.contact_policy_hash_extended(crm.contact_policy, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_hash_extended';
COMMENT ON FUNCTION crm.contact_policy_hash_extended(crm.contact_policy, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.contact_policy_eq,
  LEFTARG = crm.contact_policy,
  RIGHTARG = crm.contact_policy,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.contact_policy, crm.contact_policy) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.contact_policy_ne,
  LEFTARG = crm.contact_policy,
  RIGHTARG = crm.contact_policy,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.contact_policy, crm.contact_policy) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.contact_policy_lt,
  LEFTARG = crm.contact_policy,
  RIGHTARG = crm.contact_policy,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.contact_policy, crm.contact_policy) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.contact_policy_le,
  LEFTARG = crm.contact_policy,
  RIGHTARG = crm.contact_policy,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.contact_policy, crm.contact_policy) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.contact_policy_gt,
  LEFTARG = crm.contact_policy,
  RIGHTARG = crm.contact_policy,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.contact_policy, crm.contact_policy) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.contact_policy_ge,
  LEFTARG = crm.contact_policy,
  RIGHTARG = crm.contact_policy,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.contact_policy, crm.contact_policy) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.contact_policy_ops DEFAULT FOR TYPE crm.contact_policy USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.contact_policy_cmp(crm.contact_policy, crm.contact_policy);
COMMENT ON OPERATOR CLASS crm.contact_policy_ops USING btree IS 'order by bytes, rule by rule';
COMMENT ON OPERATOR FAMILY crm.contact_policy_ops USING btree IS 'order by bytes, rule by rule';
CREATE OPERATOR CLASS crm.contact_policy_hash_ops DEFAULT FOR TYPE crm.contact_policy USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.contact_policy_hash(crm.contact_policy),
  FUNCTION 2 crm.contact_policy_hash_extended(crm.contact_policy, bigint);
COMMENT ON OPERATOR CLASS crm.contact_policy_hash_ops USING hash IS 'equal content';
COMMENT ON OPERATOR FAMILY crm.contact_policy_hash_ops USING hash IS 'equal content';

-- the same rules by constructors, one each

CREATE FUNCTION crm.contact_cap(contacts int, per interval, channel text DEFAULT NULL) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_cap';
COMMENT ON FUNCTION crm.contact_cap(int, interval, text) IS 'at most so many contacts in a window of time, on a channel or in all';
CREATE FUNCTION crm.quiet_hours(starts_at time, ends_at time, channel text DEFAULT NULL) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_quiet_hours';
COMMENT ON FUNCTION crm.quiet_hours(time, time, text) IS 'no contact from one time of day until just before another, which may be the next day''s, on a channel or at all';
CREATE FUNCTION crm.contact_pause(lasts interval, after text, channel text DEFAULT NULL) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_pause';
COMMENT ON FUNCTION crm.contact_pause(interval, text, text) IS 'no contact for a time after an inbound interaction of a kind, or an outbound one with an outcome, on a channel or at all';
CREATE FUNCTION crm.contact_exempt(purpose text) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_exempt';
COMMENT ON FUNCTION crm.contact_exempt(text) IS
  'contacts for the purpose are not limited, and contacts of the kind of that name do not count';
CREATE FUNCTION crm.contact_policy_plus(crm.contact_policy, crm.contact_policy) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_plus';
COMMENT ON FUNCTION crm.contact_policy_plus(crm.contact_policy, crm.contact_policy) IS
  'implementation of + operator';
CREATE OPERATOR crm.+ (
  FUNCTION = crm.contact_policy_plus,
  LEFTARG = crm.contact_policy,
  RIGHTARG = crm.contact_policy
);
COMMENT ON OPERATOR crm.+ (crm.contact_policy, crm.contact_policy) IS 'the rules of the left policy, then those of the right one';

-- the verdict

CREATE FUNCTION crm.contact_verdict(policy crm.contact_policy, consents crm.consents, interactions crm.interaction_history,
    channel text, purpose text, at timestamptz, time_zone text,
    OUT allowed boolean, OUT reason text, OUT earliest timestamptz) RETURNS record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_contact_verdict';
COMMENT ON FUNCTION crm.contact_verdict(crm.contact_policy, crm.consents, crm.interaction_history, text, text, timestamptz, text) IS
  'whether a contact is allowed at an instant; if not, the first reason why not and the earliest instant when it would be, NULL if never';
CREATE FUNCTION crm.contact_allowed(policy crm.contact_policy, consents crm.consents, interactions crm.interaction_history,
    channel text, purpose text, at timestamptz, time_zone text) RETURNS boolean
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_contact_allowed';
COMMENT ON FUNCTION crm.contact_allowed(crm.contact_policy, crm.consents, crm.interaction_history, text, text, timestamptz, text) IS
  'whether contact_verdict allows the contact';
-- holdout and lift: what a programme did, told from habit

CREATE FUNCTION crm.holdout(key text, salt text, share float8) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_holdout';
COMMENT ON FUNCTION crm.holdout(text, text, float8) IS
  'whether the key belongs to the share that is held out: the first 52 bits of SHA-256(salt, a zero byte, key; both UTF-8) over 2^52 lie below share';
CREATE FUNCTION crm.holdout(key bigint, salt text, share float8) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_holdout_bigint';
COMMENT ON FUNCTION crm.holdout(bigint, text, float8) IS
  'whether the key, as its decimal text, belongs to the share that is held out';

CREATE TYPE crm.lift_result AS (
  treated_n bigint,
  control_n bigint,
  treated_mean float8,
  control_mean float8,
  difference float8,
  difference_low float8,
  difference_high float8,
  ratio float8,
  ratio_low float8,
  ratio_high float8
);
COMMENT ON TYPE crm.lift_result IS 'what lift returns';
COMMENT ON COLUMN crm.lift_result.treated_n IS 'number of values of the treated';
COMMENT ON COLUMN crm.lift_result.control_n IS 'number of values of the others';
COMMENT ON COLUMN crm.lift_result.treated_mean IS 'mean of the treated';
COMMENT ON COLUMN crm.lift_result.control_mean IS 'mean of the others';
COMMENT ON COLUMN crm.lift_result.difference IS 'treated_mean - control_mean';
COMMENT ON COLUMN crm.lift_result.difference_low IS 'lower end of the 95 % interval of difference (Welch); NULL with fewer than two values in a group';
COMMENT ON COLUMN crm.lift_result.difference_high IS 'upper end of the 95 % interval of difference';
COMMENT ON COLUMN crm.lift_result.ratio IS 'treated_mean / control_mean; NULL unless control_mean is positive and treated_mean not negative';
COMMENT ON COLUMN crm.lift_result.ratio_low IS 'lower end of the 95 % interval of ratio (delta method on its logarithm); NULL unless both means are positive';
COMMENT ON COLUMN crm.lift_result.ratio_high IS 'upper end of the 95 % interval of ratio';

CREATE FUNCTION crm.lift_transition(crm.exact_sums, boolean, float8) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_lift_transition';
COMMENT ON FUNCTION crm.lift_transition(crm.exact_sums, boolean, float8) IS 'transition function of the aggregate lift';
CREATE FUNCTION crm.lift_final(crm.exact_sums) RETURNS crm.lift_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_lift_final';
COMMENT ON FUNCTION crm.lift_final(crm.exact_sums) IS 'final function of the aggregate lift';
CREATE AGGREGATE crm.lift(treated boolean, value float8) (
  SFUNC = crm.lift_transition,
  STYPE = crm.exact_sums,
  SSPACE = 256,
  FINALFUNC = crm.lift_final,
  COMBINEFUNC = crm.exact_sums_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift(boolean, float8) IS
  'what a treatment did: the means of treated and others, their difference and ratio with 95 % intervals; rows with a NULL are left out';
-- retention_curve: how many customers are still there, by age in periods

CREATE TYPE crm.retention_curve;

CREATE FUNCTION crm.retention_curve_in(cstring) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_retention_curve_in';
COMMENT ON FUNCTION crm.retention_curve_in(cstring) IS 'reads period basis as_of {age observable active, ...}';
CREATE FUNCTION crm.retention_curve_out(crm.retention_curve) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_retention_curve_out';
COMMENT ON FUNCTION crm.retention_curve_out(crm.retention_curve) IS 'writes period basis as_of {age observable active, ...}';
CREATE FUNCTION crm.retention_curve_recv(internal) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_recv';
COMMENT ON FUNCTION crm.retention_curve_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.retention_curve_send(crm.retention_curve) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_send';
COMMENT ON FUNCTION crm.retention_curve_send(crm.retention_curve) IS 'writes the binary form';

CREATE TYPE crm.retention_curve (
  INPUT = crm.retention_curve_in,
  OUTPUT = crm.retention_curve_out,
  RECEIVE = crm.retention_curve_recv,
  SEND = crm.retention_curve_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.retention_curve IS
  'customers observable and active by age in periods: month calendar 1998-06-30 {0 23570 23570, 1 23570 3420}';

-- the aggregate: (history, period, as_of [, basis])

CREATE FUNCTION crm.retention_curve_plus(crm.retention_curve, crm.retention_curve) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_plus';
COMMENT ON FUNCTION crm.retention_curve_plus(crm.retention_curve, crm.retention_curve) IS
  'implementation of + operator';
CREATE FUNCTION crm.retention_final(crm.retention_curve) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_final';
COMMENT ON FUNCTION crm.retention_final(crm.retention_curve) IS 'final function of the aggregate retention';
CREATE FUNCTION crm.retention_transition(crm.retention_curve, crm.purchase_history, text, date) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_retention_transition';
COMMENT ON FUNCTION crm.retention_transition(crm.retention_curve, crm.purchase_history, text, date) IS
  'transition function of the aggregate retention';
CREATE AGGREGATE crm.retention(crm.purchase_history, text, date) (
  SFUNC = crm.retention_transition,
  STYPE = crm.retention_curve,
  SSPACE = 4096,
  FINALFUNC = crm.retention_final,
  COMBINEFUNC = crm.retention_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.retention(crm.purchase_history, text, date) IS
  'customers observable and active by age in calendar periods (day, week, month, quarter or year) as of a day; customers who never bought are left out';
CREATE FUNCTION crm.retention_transition(crm.retention_curve, crm.purchase_history, text, date, text) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_retention_transition';
COMMENT ON FUNCTION crm.retention_transition(crm.retention_curve, crm.purchase_history, text, date, text) IS
  'transition function of the aggregate retention';
CREATE AGGREGATE crm.retention(crm.purchase_history, text, date, text) (
  SFUNC = crm.retention_transition,
  STYPE = crm.retention_curve,
  SSPACE = 4096,
  FINALFUNC = crm.retention_final,
  COMBINEFUNC = crm.retention_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.retention(crm.purchase_history, text, date, text) IS
  'customers observable and active by age as of a day, the last argument being calendar (calendar periods) or age (periods from the day of the first purchase)';
CREATE AGGREGATE crm.merge(crm.retention_curve) (
  SFUNC = crm.retention_curve_plus,
  STYPE = crm.retention_curve,
  SSPACE = 4096,
  COMBINEFUNC = crm.retention_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.retention_curve) IS
  'the customers of all curves; period, basis and as_of must agree';

CREATE OPERATOR crm.+ (
  FUNCTION = crm.retention_curve_plus,
  LEFTARG = crm.retention_curve,
  RIGHTARG = crm.retention_curve,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.retention_curve, crm.retention_curve) IS 'the customers of both curves';

-- equality, order, hash

CREATE FUNCTION crm.retention_curve_eq(crm.retention_curve, crm.retention_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_eq';
COMMENT ON FUNCTION crm.retention_curve_eq(crm.retention_curve, crm.retention_curve) IS 'implementation of = operator';
CREATE FUNCTION crm.retention_curve_ne(crm.retention_curve, crm.retention_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_ne';
COMMENT ON FUNCTION crm.retention_curve_ne(crm.retention_curve, crm.retention_curve) IS 'implementation of <> operator';
CREATE FUNCTION crm.retention_curve_lt(crm.retention_curve, crm.retention_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_lt';
COMMENT ON FUNCTION crm.retention_curve_lt(crm.retention_curve, crm.retention_curve) IS 'implementation of < operator';
CREATE FUNCTION crm.retention_curve_le(crm.retention_curve, crm.retention_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_le';
COMMENT ON FUNCTION crm.retention_curve_le(crm.retention_curve, crm.retention_curve) IS 'implementation of <= operator';
CREATE FUNCTION crm.retention_curve_gt(crm.retention_curve, crm.retention_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_gt';
COMMENT ON FUNCTION crm.retention_curve_gt(crm.retention_curve, crm.retention_curve) IS 'implementation of > operator';
CREATE FUNCTION crm.retention_curve_ge(crm.retention_curve, crm.retention_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_ge';
COMMENT ON FUNCTION crm.retention_curve_ge(crm.retention_curve, crm.retention_curve) IS 'implementation of >= operator';
CREATE FUNCTION crm.retention_curve_cmp(crm.retention_curve, crm.retention_curve) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_cmp';
COMMENT ON FUNCTION crm.retention_curve_cmp(crm.retention_curve, crm.retention_curve) IS 'less-equal-greater';
CREATE FUNCTION crm.retention_curve_hash(crm.retention_curve) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_hash';
COMMENT ON FUNCTION crm.retention_curve_hash(crm.retention_curve) IS 'hash';
CREATE FUNCTION crm.retention_curve_hash_extended(crm.retention_curve, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_hash_extended';
COMMENT ON FUNCTION crm.retention_curve_hash_extended(crm.retention_curve, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.retention_curve_eq,
  LEFTARG = crm.retention_curve,
  RIGHTARG = crm.retention_curve,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.retention_curve, crm.retention_curve) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.retention_curve_ne,
  LEFTARG = crm.retention_curve,
  RIGHTARG = crm.retention_curve,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.retention_curve, crm.retention_curve) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.retention_curve_lt,
  LEFTARG = crm.retention_curve,
  RIGHTARG = crm.retention_curve,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.retention_curve, crm.retention_curve) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.retention_curve_le,
  LEFTARG = crm.retention_curve,
  RIGHTARG = crm.retention_curve,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.retention_curve, crm.retention_curve) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.retention_curve_gt,
  LEFTARG = crm.retention_curve,
  RIGHTARG = crm.retention_curve,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.retention_curve, crm.retention_curve) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.retention_curve_ge,
  LEFTARG = crm.retention_curve,
  RIGHTARG = crm.retention_curve,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.retention_curve, crm.retention_curve) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.retention_curve_ops DEFAULT FOR TYPE crm.retention_curve USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.retention_curve_cmp(crm.retention_curve, crm.retention_curve);
COMMENT ON OPERATOR CLASS crm.retention_curve_ops USING btree IS 'order by period, basis, as_of, then the first age that differs';
COMMENT ON OPERATOR FAMILY crm.retention_curve_ops USING btree IS 'order by period, basis, as_of, then the first age that differs';
CREATE OPERATOR CLASS crm.retention_curve_hash_ops DEFAULT FOR TYPE crm.retention_curve USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.retention_curve_hash(crm.retention_curve),
  FUNCTION 2 crm.retention_curve_hash_extended(crm.retention_curve, bigint);
COMMENT ON OPERATOR CLASS crm.retention_curve_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR FAMILY crm.retention_curve_hash_ops USING hash IS 'equal values';

-- questions

CREATE FUNCTION crm.points(curve crm.retention_curve,
    OUT age int, OUT observable bigint, OUT active bigint, OUT rate float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 24 AS 'MODULE_PATHNAME', 'crm_retention_points';
COMMENT ON FUNCTION crm.points(crm.retention_curve) IS
  'the curve as rows: of every age the customers observable that long, those active, and the rate';
CREATE FUNCTION crm.cohort_triangle(histories regclass, period text, as_of date)
    RETURNS TABLE (cohort_start date, age int, observable bigint, active bigint, rate float8)
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1000 ROWS 100
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- date_trunc knows every period of retention, and more
  IF lower(period) NOT IN ('day', 'week', 'month', 'quarter', 'year') THEN
    RAISE invalid_parameter_value USING
      MESSAGE = pg_catalog.format('unknown period "%s"', period),
      HINT = 'Periods are day, week, month, quarter and year.';
  END IF;
  RETURN QUERY EXECUTE pg_catalog.format($query$
    SELECT c.cohort_start, p.*
    FROM (
      SELECT date_trunc($1, first_purchase::timestamp)::date AS cohort_start,
          crm.retention(history, $1, $2) AS curve
      FROM (SELECT history, crm.first_purchase(crm.until(history, $2)) AS first_purchase FROM %s) h
      WHERE first_purchase IS NOT NULL
      GROUP BY 1) c,
      crm.points(c.curve) p
    ORDER BY c.cohort_start, p.age $query$, histories)
    USING period, as_of;
END $$;
COMMENT ON FUNCTION crm.cohort_triangle(regclass, text, date) IS
  'the retention of each cohort (customers by the calendar period of their first purchase), from the column history of a table or view, one row a customer';

-- survival_curve: how long it takes until something happens, with those to whom it has not happened yet

CREATE TYPE crm.survival_curve;

CREATE FUNCTION crm.survival_curve_in(cstring) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_survival_curve_in';
COMMENT ON FUNCTION crm.survival_curve_in(cstring) IS 'reads {day events censored, ...}';
CREATE FUNCTION crm.survival_curve_out(crm.survival_curve) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_survival_curve_out';
COMMENT ON FUNCTION crm.survival_curve_out(crm.survival_curve) IS 'writes {day events censored, ...}';
CREATE FUNCTION crm.survival_curve_recv(internal) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_recv';
COMMENT ON FUNCTION crm.survival_curve_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.survival_curve_send(crm.survival_curve) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_send';
COMMENT ON FUNCTION crm.survival_curve_send(crm.survival_curve) IS 'writes the binary form';

CREATE TYPE crm.survival_curve (
  INPUT = crm.survival_curve_in,
  OUTPUT = crm.survival_curve_out,
  RECEIVE = crm.survival_curve_recv,
  SEND = crm.survival_curve_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.survival_curve IS
  'customers by the days until it happened to them or they were last seen: {14 20 3, 15 18 0}';

-- the aggregates: (days, happened) and the time from the first to the second purchase

CREATE FUNCTION crm.survival_curve_plus(crm.survival_curve, crm.survival_curve) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_plus';
COMMENT ON FUNCTION crm.survival_curve_plus(crm.survival_curve, crm.survival_curve) IS
  'implementation of + operator';
CREATE FUNCTION crm.survival_final(crm.survival_curve) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_final';
COMMENT ON FUNCTION crm.survival_final(crm.survival_curve) IS
  'final function of the aggregates of survival_curve';
CREATE FUNCTION crm.survival_transition(crm.survival_curve, int, bool) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_transition';
COMMENT ON FUNCTION crm.survival_transition(crm.survival_curve, int, bool) IS
  'transition function of the aggregate survival_curve';
CREATE AGGREGATE crm.survival_curve(int, bool) (
  SFUNC = crm.survival_transition,
  STYPE = crm.survival_curve,
  SSPACE = 4096,
  FINALFUNC = crm.survival_final,
  COMBINEFUNC = crm.survival_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.survival_curve(int, bool) IS
  'days until it happened (true) or until last seen without (false); rows with a NULL are left out';
CREATE FUNCTION crm.second_purchase_transition(crm.survival_curve, crm.purchase_history, date) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_second_purchase_transition';
COMMENT ON FUNCTION crm.second_purchase_transition(crm.survival_curve, crm.purchase_history, date) IS
  'transition function of the aggregate time_to_second_purchase';
CREATE AGGREGATE crm.time_to_second_purchase(crm.purchase_history, date) (
  SFUNC = crm.second_purchase_transition,
  STYPE = crm.survival_curve,
  SSPACE = 4096,
  FINALFUNC = crm.survival_final,
  COMBINEFUNC = crm.survival_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.time_to_second_purchase(crm.purchase_history, date) IS
  'days from the first to the second purchase day, censored at as_of for customers who have not bought again';
CREATE AGGREGATE crm.merge(crm.survival_curve) (
  SFUNC = crm.survival_curve_plus,
  STYPE = crm.survival_curve,
  SSPACE = 4096,
  COMBINEFUNC = crm.survival_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.survival_curve) IS
  'the customers of all curves';

CREATE OPERATOR crm.+ (
  FUNCTION = crm.survival_curve_plus,
  LEFTARG = crm.survival_curve,
  RIGHTARG = crm.survival_curve,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.survival_curve, crm.survival_curve) IS 'the customers of both curves';

-- equality, order, hash

CREATE FUNCTION crm.survival_curve_eq(crm.survival_curve, crm.survival_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_eq';
COMMENT ON FUNCTION crm.survival_curve_eq(crm.survival_curve, crm.survival_curve) IS 'implementation of = operator';
CREATE FUNCTION crm.survival_curve_ne(crm.survival_curve, crm.survival_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_ne';
COMMENT ON FUNCTION crm.survival_curve_ne(crm.survival_curve, crm.survival_curve) IS 'implementation of <> operator';
CREATE FUNCTION crm.survival_curve_lt(crm.survival_curve, crm.survival_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_lt';
COMMENT ON FUNCTION crm.survival_curve_lt(crm.survival_curve, crm.survival_curve) IS 'implementation of < operator';
CREATE FUNCTION crm.survival_curve_le(crm.survival_curve, crm.survival_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_le';
COMMENT ON FUNCTION crm.survival_curve_le(crm.survival_curve, crm.survival_curve) IS 'implementation of <= operator';
CREATE FUNCTION crm.survival_curve_gt(crm.survival_curve, crm.survival_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_gt';
COMMENT ON FUNCTION crm.survival_curve_gt(crm.survival_curve, crm.survival_curve) IS 'implementation of > operator';
CREATE FUNCTION crm.survival_curve_ge(crm.survival_curve, crm.survival_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_ge';
COMMENT ON FUNCTION crm.survival_curve_ge(crm.survival_curve, crm.survival_curve) IS 'implementation of >= operator';
CREATE FUNCTION crm.survival_curve_cmp(crm.survival_curve, crm.survival_curve) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_cmp';
COMMENT ON FUNCTION crm.survival_curve_cmp(crm.survival_curve, crm.survival_curve) IS 'less-equal-greater';
CREATE FUNCTION crm.survival_curve_hash(crm.survival_curve) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_hash';
COMMENT ON FUNCTION crm.survival_curve_hash(crm.survival_curve) IS 'hash';
CREATE FUNCTION crm.survival_curve_hash_extended(crm.survival_curve, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_hash_extended';
COMMENT ON FUNCTION crm.survival_curve_hash_extended(crm.survival_curve, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.survival_curve_eq,
  LEFTARG = crm.survival_curve,
  RIGHTARG = crm.survival_curve,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.survival_curve, crm.survival_curve) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.survival_curve_ne,
  LEFTARG = crm.survival_curve,
  RIGHTARG = crm.survival_curve,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.survival_curve, crm.survival_curve) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.survival_curve_lt,
  LEFTARG = crm.survival_curve,
  RIGHTARG = crm.survival_curve,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.survival_curve, crm.survival_curve) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.survival_curve_le,
  LEFTARG = crm.survival_curve,
  RIGHTARG = crm.survival_curve,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.survival_curve, crm.survival_curve) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.survival_curve_gt,
  LEFTARG = crm.survival_curve,
  RIGHTARG = crm.survival_curve,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.survival_curve, crm.survival_curve) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.survival_curve_ge,
  LEFTARG = crm.survival_curve,
  RIGHTARG = crm.survival_curve,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.survival_curve, crm.survival_curve) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.survival_curve_ops DEFAULT FOR TYPE crm.survival_curve USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.survival_curve_cmp(crm.survival_curve, crm.survival_curve);
COMMENT ON OPERATOR CLASS crm.survival_curve_ops USING btree IS 'order by the first day that differs';
COMMENT ON OPERATOR FAMILY crm.survival_curve_ops USING btree IS 'order by the first day that differs';
CREATE OPERATOR CLASS crm.survival_curve_hash_ops DEFAULT FOR TYPE crm.survival_curve USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.survival_curve_hash(crm.survival_curve),
  FUNCTION 2 crm.survival_curve_hash_extended(crm.survival_curve, bigint);
COMMENT ON OPERATOR CLASS crm.survival_curve_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR FAMILY crm.survival_curve_hash_ops USING hash IS 'equal values';

-- questions

CREATE FUNCTION crm.points(curve crm.survival_curve,
    OUT days int, OUT at_risk bigint, OUT happened bigint, OUT censored bigint, OUT survival float8,
    OUT happened_share float8, OUT standard_error float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 200 AS 'MODULE_PATHNAME', 'crm_survival_points';
COMMENT ON FUNCTION crm.points(crm.survival_curve) IS
  'the Kaplan-Meier estimate as rows, by day: at risk, happened, censored, the share it has not happened to and the share it has, with its standard error (Greenwood)';
CREATE FUNCTION crm.survival(curve crm.survival_curve, days int) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_survival';
COMMENT ON FUNCTION crm.survival(crm.survival_curve, int) IS
  'share of customers to whom it has not happened within the days (Kaplan-Meier); NULL beyond the last day observed';
CREATE FUNCTION crm.survival_days(curve crm.survival_curve, share float8) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_survival_days';
COMMENT ON FUNCTION crm.survival_days(crm.survival_curve, float8) IS
  'days within which it has happened to the share of customers (0.5: the median); NULL if that has not been observed';
CREATE FUNCTION crm.repeat_rate(curve crm.survival_curve) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_repeat_rate';
COMMENT ON FUNCTION crm.repeat_rate(crm.survival_curve) IS
  'share of the customers to whom it has happened so far: of time_to_second_purchase, the repeat rate';
CREATE AGGREGATE crm.repeat_rate(crm.purchase_history, date) (
  SFUNC = crm.second_purchase_transition,
  STYPE = crm.survival_curve,
  SSPACE = 4096,
  FINALFUNC = crm.repeat_rate,
  COMBINEFUNC = crm.survival_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.repeat_rate(crm.purchase_history, date) IS
  'share of the customers with at least two purchase days by as_of; NULL without a customer';
-- lapse: silence against a customer's own rhythm, and what became of customers between two dates

CREATE TYPE crm.rhythm AS (
  shape float8,
  a float8,
  b float8
);
COMMENT ON TYPE crm.rhythm IS 'how regularly customers buy: gamma gaps between purchase days, whose rates are gamma distributed over the customers';
COMMENT ON COLUMN crm.rhythm.shape IS 'shape of the gaps: 1 is random buying, more is more regular';
COMMENT ON COLUMN crm.rhythm.a IS 'shape of the customers'' rates: more means customers more alike';
COMMENT ON COLUMN crm.rhythm.b IS 'rate of the customers'' rates, in days: the mean gap of all is about shape * b / (a - 1)';

CREATE FUNCTION crm.rhythm_final(crm.exact_sums) RETURNS crm.rhythm
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_rhythm_final';
COMMENT ON FUNCTION crm.rhythm_final(crm.exact_sums) IS 'final function of the aggregate rhythm';
CREATE FUNCTION crm.rhythm_transition(crm.exact_sums, crm.purchase_history, date) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_rhythm_transition';
COMMENT ON FUNCTION crm.rhythm_transition(crm.exact_sums, crm.purchase_history, date) IS
  'transition function of the aggregate rhythm';
CREATE AGGREGATE crm.rhythm(crm.purchase_history, date) (
  SFUNC = crm.rhythm_transition,
  STYPE = crm.exact_sums,
  SSPACE = 512,
  FINALFUNC = crm.rhythm_final,
  COMBINEFUNC = crm.exact_sums_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rhythm(crm.purchase_history, date) IS
  'the common rhythm of all customers, from the last eight gaps of each by as_of; an error if too few have bought again';

CREATE FUNCTION crm.overdue_p(history crm.purchase_history, as_of date) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_overdue_p';
COMMENT ON FUNCTION crm.overdue_p(crm.purchase_history, date) IS
  'probability of a silence longer than the present one, from the own gaps alone taken as random buying; NULL with fewer than two purchase days';
CREATE FUNCTION crm.overdue_p(history crm.purchase_history, as_of date, rhythm crm.rhythm) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_overdue_p';
COMMENT ON FUNCTION crm.overdue_p(crm.purchase_history, date, crm.rhythm) IS
  'probability of a silence longer than the present one, from the own gaps and the rhythm of all customers; NULL before the first purchase';
CREATE FUNCTION crm.is_overdue(history crm.purchase_history, as_of date) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_is_overdue';
COMMENT ON FUNCTION crm.is_overdue(crm.purchase_history, date) IS 'whether overdue_p is below 0.05';
CREATE FUNCTION crm.is_overdue(history crm.purchase_history, as_of date, rhythm crm.rhythm) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_is_overdue';
COMMENT ON FUNCTION crm.is_overdue(crm.purchase_history, date, crm.rhythm) IS 'whether overdue_p is below 0.05';
CREATE FUNCTION crm.is_overdue(history crm.purchase_history, as_of date, rhythm crm.rhythm, level float8) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_is_overdue';
COMMENT ON FUNCTION crm.is_overdue(crm.purchase_history, date, crm.rhythm, float8) IS
  'whether overdue_p is below the level';

-- lifecycle

CREATE FUNCTION crm.lifecycle_state(history crm.purchase_history, from_date date, until_date date) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_lifecycle_state';
COMMENT ON FUNCTION crm.lifecycle_state(crm.purchase_history, date, date) IS
  'new, repeat, reactivated, lapsed or never: purchases after from_date up to until_date against the window of the same length before';
CREATE FUNCTION crm.lifecycle_rank(state text) RETURNS int
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp AS $$ SELECT array_position('{new,repeat,reactivated,lapsed,never}', $1) $$;
COMMENT ON FUNCTION crm.lifecycle_rank(text) IS 'place of a lifecycle state in charts: new 1, repeat 2, reactivated 3, lapsed 4, never 5';

CREATE FUNCTION crm.lifecycle_migration(histories regclass, from_date date, until_date date)
    RETURNS TABLE (from_state text, to_state text, customers bigint, revenue_before numeric, revenue_after numeric)
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1000 ROWS 15
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before date := from_date - (until_date - from_date);
BEGIN
  RETURN QUERY EXECUTE pg_catalog.format($query$
    SELECT s.from_state, s.to_state, count(*),
      sum(crm.spend(crm.within(history, daterange($1 + 1, $2, '[]')))),
      sum(crm.spend(crm.within(history, daterange($2 + 1, $3, '[]'))))
    FROM %s, LATERAL (SELECT crm.lifecycle_state(history, $1, $2) AS from_state,
        crm.lifecycle_state(history, $2, $3) AS to_state) s
    WHERE s.from_state IS NOT NULL
    GROUP BY s.from_state, s.to_state
    ORDER BY crm.lifecycle_rank(s.from_state), crm.lifecycle_rank(s.to_state) $query$, histories)
    USING before, from_date, until_date;
END $$;
COMMENT ON FUNCTION crm.lifecycle_migration(regclass, date, date) IS
  'customers and their revenue by lifecycle state in the window up to from_date and in the one after it, of the same length, up to until_date, from the column history of a table or view, one row a customer';
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
-- profitability: contribution, payback, discounts, and the whale curve of all customers' profits

CREATE FUNCTION crm.contribution(revenue numeric, cost_of_goods numeric, cost_to_serve numeric, acquisition_cost numeric) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_contribution';
COMMENT ON FUNCTION crm.contribution(numeric, numeric, numeric, numeric) IS
  'revenue less all costs; an unknown cost makes it unknown (NULL), never zero';
CREATE FUNCTION crm.discount_share(list_revenue numeric, discount numeric) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_discount_share';
COMMENT ON FUNCTION crm.discount_share(numeric, numeric) IS
  'share of the revenue at list prices that discounts gave away; NULL without such revenue';
CREATE FUNCTION crm.payback_day(history crm.purchase_history, margin numeric, acquisition_cost numeric) RETURNS date
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_payback_day';
COMMENT ON FUNCTION crm.payback_day(crm.purchase_history, numeric, numeric) IS
  'first day on which the cumulated margin (a share of the amount, 0 to 1) covers the acquisition cost; NULL if it has not yet';

-- whale_curve: the profits of all customers, by size

CREATE TYPE crm.whale_curve;

CREATE FUNCTION crm.whale_curve_in(cstring) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_whale_curve_in';
COMMENT ON FUNCTION crm.whale_curve_in(cstring) IS 'reads exact {profit customers, ...} or buckets {profit customers sum, ...}';
CREATE FUNCTION crm.whale_curve_out(crm.whale_curve) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_whale_curve_out';
COMMENT ON FUNCTION crm.whale_curve_out(crm.whale_curve) IS 'writes exact {profit customers, ...} or buckets {profit customers sum, ...}';
CREATE FUNCTION crm.whale_curve_recv(internal) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_recv';
COMMENT ON FUNCTION crm.whale_curve_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.whale_curve_send(crm.whale_curve) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_send';
COMMENT ON FUNCTION crm.whale_curve_send(crm.whale_curve) IS 'writes the binary form';

CREATE TYPE crm.whale_curve (
  INPUT = crm.whale_curve_in,
  OUTPUT = crm.whale_curve_out,
  RECEIVE = crm.whale_curve_recv,
  SEND = crm.whale_curve_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.whale_curve IS
  'customers counted by profit: exact {-12.50 1, 100.00 3}; beyond 65536 distinct profits in buckets 0.1 % wide with exact sums';

-- the aggregate

CREATE FUNCTION crm.whale_curve_plus(crm.whale_curve, crm.whale_curve) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_whale_curve_plus';
COMMENT ON FUNCTION crm.whale_curve_plus(crm.whale_curve, crm.whale_curve) IS 'implementation of + operator';
CREATE FUNCTION crm.whale_curve_final(crm.whale_curve) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_whale_curve_final';
COMMENT ON FUNCTION crm.whale_curve_final(crm.whale_curve) IS 'final function of the aggregate whale_curve';
CREATE FUNCTION crm.whale_curve_transition(crm.whale_curve, numeric) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_whale_curve_transition_numeric';
COMMENT ON FUNCTION crm.whale_curve_transition(crm.whale_curve, numeric) IS
  'transition function of the aggregate whale_curve';
CREATE AGGREGATE crm.whale_curve(numeric) (
  SFUNC = crm.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm.whale_curve_final,
  COMBINEFUNC = crm.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.whale_curve(numeric) IS
  'the profits of all customers, one row each, loss makers included; a NULL is left out';
CREATE FUNCTION crm.whale_curve_transition(crm.whale_curve, float8) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_whale_curve_transition_float8';
COMMENT ON FUNCTION crm.whale_curve_transition(crm.whale_curve, float8) IS
  'transition function of the aggregate whale_curve';
CREATE AGGREGATE crm.whale_curve(float8) (
  SFUNC = crm.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm.whale_curve_final,
  COMBINEFUNC = crm.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.whale_curve(float8) IS
  'the profits of all customers, one row each, loss makers included; a NULL is left out';
CREATE AGGREGATE crm.merge(crm.whale_curve) (
  SFUNC = crm.whale_curve_plus,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  COMBINEFUNC = crm.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.whale_curve) IS
  'the customers of all curves';

CREATE OPERATOR crm.+ (
  FUNCTION = crm.whale_curve_plus,
  LEFTARG = crm.whale_curve,
  RIGHTARG = crm.whale_curve,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.whale_curve, crm.whale_curve) IS 'the customers of both curves';

-- equality, order, hash

CREATE FUNCTION crm.whale_curve_eq(crm.whale_curve, crm.whale_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_eq';
COMMENT ON FUNCTION crm.whale_curve_eq(crm.whale_curve, crm.whale_curve) IS 'implementation of = operator';
CREATE FUNCTION crm.whale_curve_ne(crm.whale_curve, crm.whale_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_ne';
COMMENT ON FUNCTION crm.whale_curve_ne(crm.whale_curve, crm.whale_curve) IS 'implementation of <> operator';
CREATE FUNCTION crm.whale_curve_lt(crm.whale_curve, crm.whale_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_lt';
COMMENT ON FUNCTION crm.whale_curve_lt(crm.whale_curve, crm.whale_curve) IS 'implementation of < operator';
CREATE FUNCTION crm.whale_curve_le(crm.whale_curve, crm.whale_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_le';
COMMENT ON FUNCTION crm.whale_curve_le(crm.whale_curve, crm.whale_curve) IS 'implementation of <= operator';
CREATE FUNCTION crm.whale_curve_gt(crm.whale_curve, crm.whale_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_gt';
COMMENT ON FUNCTION crm.whale_curve_gt(crm.whale_curve, crm.whale_curve) IS 'implementation of > operator';
CREATE FUNCTION crm.whale_curve_ge(crm.whale_curve, crm.whale_curve) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_ge';
COMMENT ON FUNCTION crm.whale_curve_ge(crm.whale_curve, crm.whale_curve) IS 'implementation of >= operator';
CREATE FUNCTION crm.whale_curve_cmp(crm.whale_curve, crm.whale_curve) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_cmp';
COMMENT ON FUNCTION crm.whale_curve_cmp(crm.whale_curve, crm.whale_curve) IS 'less-equal-greater';
CREATE FUNCTION crm.whale_curve_hash(crm.whale_curve) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_hash';
COMMENT ON FUNCTION crm.whale_curve_hash(crm.whale_curve) IS 'hash';
CREATE FUNCTION crm.whale_curve_hash_extended(crm.whale_curve, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_whale_curve_hash_extended';
COMMENT ON FUNCTION crm.whale_curve_hash_extended(crm.whale_curve, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.whale_curve_eq,
  LEFTARG = crm.whale_curve,
  RIGHTARG = crm.whale_curve,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.whale_curve, crm.whale_curve) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.whale_curve_ne,
  LEFTARG = crm.whale_curve,
  RIGHTARG = crm.whale_curve,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.whale_curve, crm.whale_curve) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.whale_curve_lt,
  LEFTARG = crm.whale_curve,
  RIGHTARG = crm.whale_curve,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.whale_curve, crm.whale_curve) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.whale_curve_le,
  LEFTARG = crm.whale_curve,
  RIGHTARG = crm.whale_curve,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.whale_curve, crm.whale_curve) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.whale_curve_gt,
  LEFTARG = crm.whale_curve,
  RIGHTARG = crm.whale_curve,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.whale_curve, crm.whale_curve) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.whale_curve_ge,
  LEFTARG = crm.whale_curve,
  RIGHTARG = crm.whale_curve,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.whale_curve, crm.whale_curve) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.whale_curve_ops DEFAULT FOR TYPE crm.whale_curve USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.whale_curve_cmp(crm.whale_curve, crm.whale_curve);
COMMENT ON OPERATOR CLASS crm.whale_curve_ops USING btree IS 'order by the first profit that differs, curves of exact profits first';
COMMENT ON OPERATOR FAMILY crm.whale_curve_ops USING btree IS 'order by the first profit that differs, curves of exact profits first';
CREATE OPERATOR CLASS crm.whale_curve_hash_ops DEFAULT FOR TYPE crm.whale_curve USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.whale_curve_hash(crm.whale_curve),
  FUNCTION 2 crm.whale_curve_hash_extended(crm.whale_curve, bigint);
COMMENT ON OPERATOR CLASS crm.whale_curve_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR FAMILY crm.whale_curve_hash_ops USING hash IS 'equal values';

-- questions

CREATE FUNCTION crm.customers(curve crm.whale_curve) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_whale_curve_customers';
COMMENT ON FUNCTION crm.customers(crm.whale_curve) IS 'number of customers';
CREATE FUNCTION crm.profit(curve crm.whale_curve) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_whale_curve_profit';
COMMENT ON FUNCTION crm.profit(crm.whale_curve) IS 'sum of all profits; exact';
CREATE FUNCTION crm.points(curve crm.whale_curve, steps int,
    OUT customers bigint, OUT customer_share float8, OUT profit numeric, OUT profit_share float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'crm_whale_curve_points';
COMMENT ON FUNCTION crm.points(crm.whale_curve, int) IS
  'the curve as rows, from the most profitable customer down: customers so far and their cumulated profit, at every 1 / steps of the customers, rounded up; shares of a total that is not positive are NULL';
CREATE FUNCTION crm.points(curve crm.whale_curve,
    OUT customers bigint, OUT customer_share float8, OUT profit numeric, OUT profit_share float8) RETURNS SETOF record
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100
  SET search_path = pg_catalog, pg_temp AS 'SELECT * FROM crm.points($1, 100)';
COMMENT ON FUNCTION crm.points(crm.whale_curve) IS
  'the curve as rows at every hundredth of the customers';
CREATE FUNCTION crm.whale_peak(curve crm.whale_curve,
    OUT customers bigint, OUT customer_share float8, OUT profit numeric, OUT profit_share float8) RETURNS record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_whale_peak';
COMMENT ON FUNCTION crm.whale_peak(crm.whale_curve) IS
  'where the curve is highest: the customers who bring a profit, and the profit before the others lose part of it';
CREATE FUNCTION crm.deciles(curve crm.whale_curve,
    OUT decile int, OUT customers bigint, OUT profit numeric, OUT profit_share float8,
    OUT cumulative_profit numeric, OUT cumulative_share float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 10 AS 'MODULE_PATHNAME', 'crm_deciles';
COMMENT ON FUNCTION crm.deciles(crm.whale_curve) IS
  'the tenths of the customers from the most profitable down: profit and cumulated profit, each with its share of the total (NULL if that is not positive)';
-- referral: who brought whom, what that was worth, and how far it reached

CREATE FUNCTION crm.present_value(amount numeric, paid_on date, annual_discount_rate float8, valued_on date) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_present_value';
COMMENT ON FUNCTION crm.present_value(numeric, date, float8, date) IS
  'the amount as of valued_on: less for what is paid later, more for what was paid before, at (1 + rate) a year of 365.25 days';
CREATE FUNCTION crm.present_value(history crm.purchase_history, annual_discount_rate float8, valued_on date) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_present_value_history';
COMMENT ON FUNCTION crm.present_value(crm.purchase_history, float8, date) IS
  'all amounts of the history as of valued_on, each from its own day';
CREATE FUNCTION crm.referral_worth(margin numeric, saved_acquisition_cost numeric, would_have_joined bool) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_referral_worth';
COMMENT ON FUNCTION crm.referral_worth(numeric, numeric, bool) IS
  'worth of one referred customer (Kumar, Petersen and Leone 2010): margin and saved acquisition cost, or, of one who would have joined anyway, the saved cost alone; NULL if what it needs is unknown';

CREATE TYPE crm.referral_network;

CREATE FUNCTION crm.referral_network_in(cstring) RETURNS crm.referral_network
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_network_in';
COMMENT ON FUNCTION crm.referral_network_in(cstring) IS 'reads {referrer > referred worth, ...}';
CREATE FUNCTION crm.referral_network_out(crm.referral_network) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_network_out';
COMMENT ON FUNCTION crm.referral_network_out(crm.referral_network) IS 'writes {referrer > referred worth, ...}';
CREATE FUNCTION crm.referral_network_recv(internal) RETURNS crm.referral_network
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_recv';
COMMENT ON FUNCTION crm.referral_network_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm.referral_network_send(crm.referral_network) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_send';
COMMENT ON FUNCTION crm.referral_network_send(crm.referral_network) IS 'writes the binary form';

CREATE TYPE crm.referral_network (
  INPUT = crm.referral_network_in,
  OUTPUT = crm.referral_network_out,
  RECEIVE = crm.referral_network_recv,
  SEND = crm.referral_network_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.referral_network IS
  'referrals, each customer referred at most once: {anna > ben 12.50, anna > cleo unknown}';

-- the aggregate

CREATE FUNCTION crm.referral_network_plus(crm.referral_network, crm.referral_network) RETURNS crm.referral_network
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_network_plus';
COMMENT ON FUNCTION crm.referral_network_plus(crm.referral_network, crm.referral_network) IS
  'implementation of + operator';
CREATE FUNCTION crm.referral_network_final(crm.referral_network) RETURNS crm.referral_network
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_network_final';
COMMENT ON FUNCTION crm.referral_network_final(crm.referral_network) IS
  'final function of the aggregate referral_network';
CREATE FUNCTION crm.referral_network_transition(crm.referral_network, text, text, numeric) RETURNS crm.referral_network
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_referral_network_transition';
COMMENT ON FUNCTION crm.referral_network_transition(crm.referral_network, text, text, numeric) IS
  'transition function of the aggregate referral_network';
CREATE AGGREGATE crm.referral_network(text, text, numeric) (
  SFUNC = crm.referral_network_transition,
  STYPE = crm.referral_network,
  SSPACE = 4096,
  FINALFUNC = crm.referral_network_final,
  COMBINEFUNC = crm.referral_network_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.referral_network(text, text, numeric) IS
  'the referrals (referrer, customer referred, worth), a NULL worth being unknown; an error if a customer is referred by himself or twice';
CREATE AGGREGATE crm.merge(crm.referral_network) (
  SFUNC = crm.referral_network_plus,
  STYPE = crm.referral_network,
  SSPACE = 4096,
  COMBINEFUNC = crm.referral_network_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.referral_network) IS
  'the referrals of all networks';

CREATE OPERATOR crm.+ (
  FUNCTION = crm.referral_network_plus,
  LEFTARG = crm.referral_network,
  RIGHTARG = crm.referral_network,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.referral_network, crm.referral_network) IS 'the referrals of both networks';

-- equality, order, hash

CREATE FUNCTION crm.referral_network_eq(crm.referral_network, crm.referral_network) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_eq';
COMMENT ON FUNCTION crm.referral_network_eq(crm.referral_network, crm.referral_network) IS 'implementation of = operator';
CREATE FUNCTION crm.referral_network_ne(crm.referral_network, crm.referral_network) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_ne';
COMMENT ON FUNCTION crm.referral_network_ne(crm.referral_network, crm.referral_network) IS 'implementation of <> operator';
CREATE FUNCTION crm.referral_network_lt(crm.referral_network, crm.referral_network) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_lt';
COMMENT ON FUNCTION crm.referral_network_lt(crm.referral_network, crm.referral_network) IS 'implementation of < operator';
CREATE FUNCTION crm.referral_network_le(crm.referral_network, crm.referral_network) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_le';
COMMENT ON FUNCTION crm.referral_network_le(crm.referral_network, crm.referral_network) IS 'implementation of <= operator';
CREATE FUNCTION crm.referral_network_gt(crm.referral_network, crm.referral_network) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_gt';
COMMENT ON FUNCTION crm.referral_network_gt(crm.referral_network, crm.referral_network) IS 'implementation of > operator';
CREATE FUNCTION crm.referral_network_ge(crm.referral_network, crm.referral_network) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_ge';
COMMENT ON FUNCTION crm.referral_network_ge(crm.referral_network, crm.referral_network) IS 'implementation of >= operator';
CREATE FUNCTION crm.referral_network_cmp(crm.referral_network, crm.referral_network) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_cmp';
COMMENT ON FUNCTION crm.referral_network_cmp(crm.referral_network, crm.referral_network) IS 'less-equal-greater';
CREATE FUNCTION crm.referral_network_hash(crm.referral_network) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_hash';
COMMENT ON FUNCTION crm.referral_network_hash(crm.referral_network) IS 'hash';
CREATE FUNCTION crm.referral_network_hash_extended(crm.referral_network, bigint) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_referral_network_hash_extended';
COMMENT ON FUNCTION crm.referral_network_hash_extended(crm.referral_network, bigint) IS 'hash with a seed';

CREATE OPERATOR crm.= (
  FUNCTION = crm.referral_network_eq,
  LEFTARG = crm.referral_network,
  RIGHTARG = crm.referral_network,
  COMMUTATOR = OPERATOR(crm.=),
  NEGATOR = OPERATOR(crm.<>),
  HASHES,
  MERGES,
  RESTRICT = eqsel,
  JOIN = eqjoinsel
);
COMMENT ON OPERATOR crm.= (crm.referral_network, crm.referral_network) IS 'equal';
CREATE OPERATOR crm.<> (
  FUNCTION = crm.referral_network_ne,
  LEFTARG = crm.referral_network,
  RIGHTARG = crm.referral_network,
  COMMUTATOR = OPERATOR(crm.<>),
  NEGATOR = OPERATOR(crm.=),
  RESTRICT = neqsel,
  JOIN = neqjoinsel
);
COMMENT ON OPERATOR crm.<> (crm.referral_network, crm.referral_network) IS 'not equal';
CREATE OPERATOR crm.< (
  FUNCTION = crm.referral_network_lt,
  LEFTARG = crm.referral_network,
  RIGHTARG = crm.referral_network,
  COMMUTATOR = OPERATOR(crm.>),
  NEGATOR = OPERATOR(crm.>=),
  RESTRICT = scalarltsel,
  JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR crm.< (crm.referral_network, crm.referral_network) IS 'less than';
CREATE OPERATOR crm.<= (
  FUNCTION = crm.referral_network_le,
  LEFTARG = crm.referral_network,
  RIGHTARG = crm.referral_network,
  COMMUTATOR = OPERATOR(crm.>=),
  NEGATOR = OPERATOR(crm.>),
  RESTRICT = scalarlesel,
  JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR crm.<= (crm.referral_network, crm.referral_network) IS 'less than or equal';
CREATE OPERATOR crm.> (
  FUNCTION = crm.referral_network_gt,
  LEFTARG = crm.referral_network,
  RIGHTARG = crm.referral_network,
  COMMUTATOR = OPERATOR(crm.<),
  NEGATOR = OPERATOR(crm.<=),
  RESTRICT = scalargtsel,
  JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR crm.> (crm.referral_network, crm.referral_network) IS 'greater than';
CREATE OPERATOR crm.>= (
  FUNCTION = crm.referral_network_ge,
  LEFTARG = crm.referral_network,
  RIGHTARG = crm.referral_network,
  COMMUTATOR = OPERATOR(crm.<=),
  NEGATOR = OPERATOR(crm.<),
  RESTRICT = scalargesel,
  JOIN = scalargejoinsel
);
COMMENT ON OPERATOR crm.>= (crm.referral_network, crm.referral_network) IS 'greater than or equal';

CREATE OPERATOR CLASS crm.referral_network_ops DEFAULT FOR TYPE crm.referral_network USING btree AS
  OPERATOR 1 crm.<,
  OPERATOR 2 crm.<=,
  OPERATOR 3 crm.=,
  OPERATOR 4 crm.>=,
  OPERATOR 5 crm.>,
  FUNCTION 1 crm.referral_network_cmp(crm.referral_network, crm.referral_network);
COMMENT ON OPERATOR CLASS crm.referral_network_ops USING btree IS 'order by the first referral that differs';
COMMENT ON OPERATOR FAMILY crm.referral_network_ops USING btree IS 'order by the first referral that differs';
CREATE OPERATOR CLASS crm.referral_network_hash_ops DEFAULT FOR TYPE crm.referral_network USING hash AS
  OPERATOR 1 crm.=,
  FUNCTION 1 crm.referral_network_hash(crm.referral_network),
  FUNCTION 2 crm.referral_network_hash_extended(crm.referral_network, bigint);
COMMENT ON OPERATOR CLASS crm.referral_network_hash_ops USING hash IS 'equal values';
COMMENT ON OPERATOR FAMILY crm.referral_network_hash_ops USING hash IS 'equal values';

-- questions

CREATE FUNCTION crm.referral_value(network crm.referral_network, referrer text) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_value';
COMMENT ON FUNCTION crm.referral_value(crm.referral_network, text) IS
  'customer referral value: worth of those whom the customer referred himself, 0 if nobody; NULL if one is unknown';
CREATE FUNCTION crm.referral_reach(network crm.referral_network, referrer text, depth int) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_referral_reach';
COMMENT ON FUNCTION crm.referral_reach(crm.referral_network, text, int) IS
  'customers whom the referrer brought, directly (depth 1) or through others (2 and more), each once';
CREATE FUNCTION crm.referrers(network crm.referral_network, depth int,
    OUT referrer text, OUT referrals bigint, OUT referral_value numeric, OUT reach bigint) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'crm_referrers';
COMMENT ON FUNCTION crm.referrers(crm.referral_network, int) IS
  'all referrers: number and worth of their own referrals, and their reach to the depth';
CREATE FUNCTION crm.referrals(network crm.referral_network,
    OUT referrer text, OUT referred text, OUT worth numeric) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'crm_referrals';
COMMENT ON FUNCTION crm.referrals(crm.referral_network) IS
  'the referrals as rows; a worth that is unknown is NULL';
-- customer equity: the sum of all lifetime values, and who holds it

CREATE TYPE crm.customer_equity_summary AS (
  customers bigint,
  equity numeric,
  mean_lifetime_value numeric,
  top_fifth_share float8,
  gini float8
);
COMMENT ON TYPE crm.customer_equity_summary IS 'the sum of the lifetime values of all customers, and how few of them hold it';
COMMENT ON COLUMN crm.customer_equity_summary.customers IS 'customers with a lifetime value';
COMMENT ON COLUMN crm.customer_equity_summary.equity IS 'sum of their lifetime values';
COMMENT ON COLUMN crm.customer_equity_summary.mean_lifetime_value IS 'equity per customer';
COMMENT ON COLUMN crm.customer_equity_summary.top_fifth_share IS 'part of the equity that the best fifth hold (rounded up); NULL if the equity is not positive';
COMMENT ON COLUMN crm.customer_equity_summary.gini IS '0 if all are worth the same, near 1 if one is worth all; NULL with negative values';

CREATE FUNCTION crm.customer_equity_final(crm.whale_curve) RETURNS crm.customer_equity_summary
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_customer_equity';
COMMENT ON FUNCTION crm.customer_equity_final(crm.whale_curve) IS
  'final function of the aggregate customer_equity';
CREATE AGGREGATE crm.customer_equity(numeric) (
  SFUNC = crm.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm.customer_equity_final,
  COMBINEFUNC = crm.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.customer_equity(numeric) IS
  'customers, sum, mean and concentration of lifetime values; a NULL is left out';
CREATE AGGREGATE crm.customer_equity(float8) (
  SFUNC = crm.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm.customer_equity_final,
  COMBINEFUNC = crm.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.customer_equity(float8) IS
  'customers, sum, mean and concentration of lifetime values; a NULL is left out';
-- live: the catalogue of trackings, the score of a customer, the triggers

CREATE TABLE crm.tracked (
  purchases regclass PRIMARY KEY,
  source regclass,
  histories regclass NOT NULL,
  scoring regclass NOT NULL,
  changes regclass,
  notify boolean NOT NULL DEFAULT false,
  customers regclass NOT NULL,
  not_live text,
  by_row boolean NOT NULL DEFAULT false,
  source_name text,
  view_made boolean NOT NULL DEFAULT false,
  tracked_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  scaled_on date,
  refresh_started_at timestamptz,
  refresh_finished_at timestamptz,
  customers_read bigint,
  customers_written bigint,
  models regclass,
  decisions regclass,
  standing regclass,
  by_invitation boolean
);
COMMENT ON TABLE crm.tracked IS 'the purchases views that are tracked, and the tables and views of each';
COMMENT ON COLUMN crm.tracked.purchases IS 'the purchases view: which rows of the orders count, and as what';
COMMENT ON COLUMN crm.tracked.source IS 'the table whose triggers keep the histories; NULL if only crm.refresh does';
COMMENT ON COLUMN crm.tracked.histories IS 'one row a customer: history and score';
COMMENT ON COLUMN crm.tracked.scoring IS 'the rules that customers are scored by';
COMMENT ON COLUMN crm.tracked.changes IS 'the log of changes; NULL if none is kept';
COMMENT ON COLUMN crm.tracked.notify IS 'whether a statement that changes a segment notifies channel crm';
COMMENT ON COLUMN crm.tracked.customers IS 'the view for reports';
COMMENT ON COLUMN crm.tracked.not_live IS 'why triggers cannot keep this view; NULL if they do';
COMMENT ON COLUMN crm.tracked.by_row IS 'whether row triggers do, as on a logical replication subscriber';
COMMENT ON COLUMN crm.tracked.source_name IS 'what the source was called when it was tracked: tells when it was swapped for another';
COMMENT ON COLUMN crm.tracked.view_made IS 'whether crm.track made the purchases view';
COMMENT ON COLUMN crm.tracked.tracked_at IS 'when crm.track was called';
COMMENT ON COLUMN crm.tracked.scaled_on IS 'day of the oldest scale in force, after the last refresh';
COMMENT ON COLUMN crm.tracked.refresh_started_at IS 'when the last refresh started';
COMMENT ON COLUMN crm.tracked.refresh_finished_at IS 'when the last refresh finished; NULL while it runs or if it stopped early';
COMMENT ON COLUMN crm.tracked.customers_read IS 'customers that the last refresh looked at';
COMMENT ON COLUMN crm.tracked.customers_written IS 'customers whose row it wrote';
COMMENT ON COLUMN crm.tracked.models IS 'the models that are and were in force; NULL before the first refit';
COMMENT ON COLUMN crm.tracked.decisions IS 'what was decided on the tiers of customers; NULL before crm.track_tiers';
COMMENT ON COLUMN crm.tracked.standing IS 'the view of standings; NULL before crm.track_tiers';
COMMENT ON COLUMN crm.tracked.by_invitation IS 'whether customers without a membership hold no tier; NULL before crm.track_tiers';

-- A dump takes the trackings of which everything is still there; whoever owns the extension may restore it.
SELECT pg_catalog.pg_extension_config_dump('crm.tracked',
  'WHERE NOT EXISTS (SELECT FROM pg_catalog.unnest(ARRAY[purchases, source, histories, scoring, changes, customers, models, decisions, standing]::pg_catalog.oid[]) AS r(oid)'
  ' WHERE r.oid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) r.oid))');
GRANT USAGE ON SCHEMA crm TO PUBLIC;
-- Everybody may look. More would be the right to lock rows or all of the table, and so to stop the orders of others: rows come and go by
-- crm.write_tracked. Only a dump is restored by statements.
GRANT SELECT ON crm.tracked TO PUBLIC;
GRANT INSERT ON crm.tracked TO @extowner@;

-- The keys of customers are for the owner's eyes, see crm.tracking_status.
CREATE TABLE crm.refresh_position (
  histories regclass PRIMARY KEY,
  last_key text[] NOT NULL
);
COMMENT ON TABLE crm.refresh_position IS 'the key up to which each running refresh has come';
COMMENT ON COLUMN crm.refresh_position.histories IS 'the table of histories that is refreshed';
COMMENT ON COLUMN crm.refresh_position.last_key IS 'the key of its last customer that is scored';

CREATE FUNCTION crm.relations_of(tracked crm.tracked) RETURNS oid[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_remove(ARRAY[tracked.purchases, tracked.source, tracked.histories, tracked.scoring, tracked.changes, tracked.customers,
    tracked.models, tracked.decisions, tracked.standing]::oid[], NULL)
$$;
COMMENT ON FUNCTION crm.relations_of(crm.tracked) IS 'the relations that a tracking consists of';

-- A relation that is not there yet may become anybody's, so a row must not name it.
CREATE FUNCTION crm.check_tracked(before crm.tracked, after crm.tracked) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known constant oid[] := CASE WHEN before.purchases IS NULL THEN '{}' ELSE crm.relations_of(before) END;
  relation record;
BEGIN
  FOR relation IN
    SELECT r.oid, c.oid IS NULL AS missing
    FROM unnest(CASE WHEN after.purchases IS NULL THEN known ELSE crm.relations_of(after) || known END) WITH ORDINALITY AS r(oid, n)
      LEFT JOIN pg_class c ON c.oid = r.oid
    WHERE c.oid IS NULL AND r.oid <> ALL (known) OR NOT pg_has_role(current_user, c.relowner, 'USAGE')
    ORDER BY r.n
  LOOP
    IF relation.missing THEN
      RAISE undefined_table USING MESSAGE = format('relation with OID %s does not exist', relation.oid);
    END IF;
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of relation %s', relation.oid::regclass);
  END LOOP;
  IF before.purchases IS NOT NULL AND after.purchases IS NOT NULL
     AND (before.purchases, before.source, before.histories) IS DISTINCT FROM (after.purchases, after.source, after.histories) THEN
    RAISE insufficient_privilege USING MESSAGE = 'a tracking cannot be moved to other relations';
  END IF;
END $$;
COMMENT ON FUNCTION crm.check_tracked(crm.tracked, crm.tracked) IS
  'an error unless the current user owns all relations of a tracking as it was and as it will be; either is NULL where there is none';

CREATE FUNCTION crm.tracked_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM crm.check_tracked(NULL::crm.tracked, new);
  ELSIF TG_OP = 'UPDATE' THEN
    PERFORM crm.check_tracked(old, new);
  ELSE
    PERFORM crm.check_tracked(old, NULL::crm.tracked);
    RETURN old;
  END IF;
  RETURN new;
END $$;
COMMENT ON FUNCTION crm.tracked_guard() IS 'lets only the owner of its relations change a row of crm.tracked';
CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON crm.tracked
  FOR EACH ROW EXECUTE FUNCTION crm.tracked_guard();

CREATE FUNCTION crm.write_tracked(purchases regclass, tracking crm.tracked, columns text[]) RETURNS void
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_write_tracked';
COMMENT ON FUNCTION crm.write_tracked(regclass, crm.tracked, text[]) IS
  'changes the named columns of a row of crm.tracked, adds it if there are no columns, deletes it if there is no tracking; for the owner of its relations';
CREATE FUNCTION crm.write_refresh_position(histories regclass, last_key text[]) RETURNS void
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_write_refresh_position';
COMMENT ON FUNCTION crm.write_refresh_position(regclass, text[]) IS
  'keeps the key up to which a refresh has come, for the owner of the histories; NULL when it is at the end';

-- What a session keeps of a tracking is forgotten as soon as it changes.
CREATE FUNCTION crm.tracked_changed() RETURNS trigger
  LANGUAGE C COST 10 AS 'MODULE_PATHNAME', 'crm_tracked_changed';
COMMENT ON FUNCTION crm.tracked_changed() IS 'tells all sessions that a tracking has changed';
CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE OF purchases, source, histories, scoring, changes, notify, decisions, by_invitation
  ON crm.tracked FOR EACH ROW EXECUTE FUNCTION crm.tracked_changed();
ALTER TABLE crm.tracked ENABLE ALWAYS TRIGGER changed;

-- the score of a customer

CREATE TYPE crm.customer_score AS (
  rfm text,
  recency_score smallint,
  frequency_score smallint,
  monetary_score smallint,
  segment text,
  segment_rank smallint,
  tier text,
  p_alive float8,
  expected_purchases float8,
  clv float8,
  expected_next_order_on date
);
COMMENT ON TYPE crm.customer_score IS 'what a tracking keeps beside a customer''s history, in built-in types';

CREATE FUNCTION crm.score_customer(history crm.purchase_history, as_of date, scale crm.rfm_scale, segments crm.segment_map,
    look_back_days int, tier_program crm.tier_program, purchase_model crm.purchase_model, spend_model crm.spend_model,
    margin float8, horizon_days int, discount_rate float8) RETURNS crm.customer_score
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_score_customer';
COMMENT ON FUNCTION crm.score_customer(crm.purchase_history, date, crm.rfm_scale, crm.segment_map, int, crm.tier_program,
    crm.purchase_model, crm.spend_model, float8, int, float8) IS
  'the score of a customer on a day by the rules of a tracking; a NULL rule leaves its columns NULL';

-- the triggers

CREATE FUNCTION crm.track_statement() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_track_statement';
COMMENT ON FUNCTION crm.track_statement() IS 'keeps histories after a statement on a tracked table';
CREATE FUNCTION crm.track_row() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_track_row';
COMMENT ON FUNCTION crm.track_row() IS 'keeps histories after a row of a tracked table changed, where statement triggers do not fire';
CREATE FUNCTION crm.track_truncate() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_track_truncate';
COMMENT ON FUNCTION crm.track_truncate() IS 'takes the rows of a tracked table out of the histories before it is truncated';

-- what the calls below stand on

CREATE FUNCTION crm.live_source(purchases regclass, OUT source regclass, OUT reason text)
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_live_source';
COMMENT ON FUNCTION crm.live_source(regclass) IS
  'the table whose triggers could keep a purchases view, or the reason why none can';
CREATE FUNCTION crm.purchases_keys(purchases regclass) RETURNS text[]
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_purchases_keys';
COMMENT ON FUNCTION crm.purchases_keys(regclass) IS
  'the key columns of a purchases view; an error if its columns are not those of one';
CREATE FUNCTION crm.equality(type regtype) RETURNS text
  LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_equality';
COMMENT ON FUNCTION crm.equality(regtype) IS 'the equality operator of a type''s default btree class, as OPERATOR(schema.name)';
CREATE FUNCTION crm.rescore(histories regclass, after text[], customers int,
    OUT last text[], OUT customers_read bigint, OUT customers_written bigint)
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_rescore';
COMMENT ON FUNCTION crm.rescore(regclass, text[], int) IS
  'scores the next customers behind a key by the rules in force; last is NULL at the end';
CREATE FUNCTION crm.rescore(histories regclass, after text[], customers int, why text,
    OUT last text[], OUT customers_read bigint, OUT customers_written bigint)
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_rescore';
COMMENT ON FUNCTION crm.rescore(regclass, text[], int, text) IS
  'the same, with the reason that the log of changes gives';
CREATE FUNCTION crm.as_owner(relation regclass, command text) RETURNS text
  LANGUAGE C VOLATILE STRICT COST 1000 AS 'MODULE_PATHNAME', 'crm_as_owner';
COMMENT ON FUNCTION crm.as_owner(regclass, text) IS
  'runs a query as the owner of a relation, with a pinned search_path and without lasting effects on the session; returns the first column of its row';
CREATE FUNCTION crm.is_owner(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.relowner = r.oid FROM pg_class c, pg_roles r WHERE c.oid = relation AND r.rolname = current_user
$$;
COMMENT ON FUNCTION crm.is_owner(regclass) IS 'whether the current user is the owner of a relation, and not only a member of that role or a superuser';
CREATE FUNCTION crm.wait_for_writers(scoring regclass) RETURNS void
  LANGUAGE C VOLATILE STRICT COST 100 AS 'MODULE_PATHNAME', 'crm_wait_for_writers';
COMMENT ON FUNCTION crm.wait_for_writers(regclass) IS
  'waits for the transactions that may still score by the rules that were in force before';
CREATE FUNCTION crm.check_commit_allowed(caller text) RETURNS void
  LANGUAGE C VOLATILE STRICT COST 100 AS 'MODULE_PATHNAME', 'crm_check_commit_allowed';
COMMENT ON FUNCTION crm.check_commit_allowed(text) IS 'an error if a transaction block is open';
CREATE FUNCTION crm.relation_left(tracking crm.tracked) RETURNS regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.oid FROM unnest(ARRAY[tracking.histories]::oid[] || crm.relations_of(tracking)) WITH ORDINALITY AS r(oid, n) JOIN pg_class c ON c.oid = r.oid
  ORDER BY n LIMIT 1
$$;
COMMENT ON FUNCTION crm.relation_left(crm.tracked) IS 'a relation of a tracking that has not been dropped, by which its owner is known; NULL if none is left';
-- track: from a purchases view to histories that keep themselves

-- The statements that the calls below are made of. k is always a key column,
-- h the histories, r the rules, c the score.

CREATE FUNCTION crm.column_list(columns text[], prefix text DEFAULT '') RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(prefix || quote_ident(c), ', ' ORDER BY n) FROM unnest(columns) WITH ORDINALITY AS u(c, n)
$$;
COMMENT ON FUNCTION crm.column_list(text[], text) IS 'columns as SQL writes them, each with a prefix';

CREATE FUNCTION crm.same_keys(relation regclass, columns text[], a text, b text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(string_agg(format('%s.%I %s %s.%I', a, c, crm.equality(t.atttypid::regtype), b, c), ' AND ' ORDER BY n), 'true')
  FROM unnest(columns) WITH ORDINALITY AS u(c, n)
    JOIN pg_attribute t ON t.attrelid = relation AND t.attname = c
$$;
COMMENT ON FUNCTION crm.same_keys(regclass, text[], text, text) IS
  'the condition that two rows have equal keys, as the default btree classes of their types see it';

CREATE FUNCTION crm.history_keys(histories regclass) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attname::text ORDER BY k.n)
  FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k(attnum, n), pg_attribute a
  WHERE i.indrelid = histories AND i.indisprimary AND a.attrelid = histories AND a.attnum = k.attnum
$$;
COMMENT ON FUNCTION crm.history_keys(regclass) IS 'the key columns of a table of histories';

CREATE FUNCTION crm.scale_by(histories regclass, scoring regclass) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(array_agg(k ORDER BY n), '{}')
  FROM unnest(crm.history_keys(histories)) WITH ORDINALITY AS u(k, n)
  WHERE EXISTS (SELECT FROM pg_attribute WHERE attrelid = scoring AND attname = k AND NOT attisdropped)
$$;
COMMENT ON FUNCTION crm.scale_by(regclass, regclass) IS 'the key columns that have scoring rules of their own';

-- One history a customer, as the purchases view says.
CREATE FUNCTION crm.histories_query(purchases regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('SELECT %1$s, crm.purchase_history(%2$s) AS history FROM %3$s WHERE %4$s GROUP BY %1$s HAVING crm.purchase_history(%2$s) OPERATOR(crm.<>) ''{}''',
    crm.column_list(keys, ''::text),
    'purchased_on, amount' || CASE amount WHEN 'float8'::regtype THEN '' ELSE '::numeric' END
      || CASE WHEN orders THEN ', orders::int' ELSE '' END,
    purchases,
    (SELECT string_agg(format('%I IS NOT NULL', k), ' AND ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)))
  FROM (SELECT crm.purchases_keys(purchases) AS keys,
          (SELECT atttypid FROM pg_attribute WHERE attrelid = purchases AND attname = 'amount') AS amount,
          EXISTS (SELECT FROM pg_attribute WHERE attrelid = purchases AND attname = 'orders') AS orders) AS v
$$;
COMMENT ON FUNCTION crm.histories_query(regclass) IS 'the query that makes the histories of a purchases view from all its rows';

CREATE FUNCTION crm.all_histories_query(histories regclass) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys text := crm.column_list(crm.history_keys(histories), ''::text);
  queries text[] := ARRAY(SELECT crm.histories_query(t.purchases) FROM crm.tracked t
                          WHERE t.histories = all_histories_query.histories ORDER BY t.tracked_at, t.purchases);
BEGIN
  IF cardinality(queries) = 1 THEN
    RETURN queries[1];
  END IF;
  RETURN format('SELECT %1$s, crm.merge(history) AS history FROM (%2$s) AS sources GROUP BY %1$s HAVING crm.merge(history) OPERATOR(crm.<>) ''{}''',
    keys, array_to_string(queries, ' UNION ALL '));
END $$;
COMMENT ON FUNCTION crm.all_histories_query(regclass) IS
  'the query that makes a table of histories anew from all views that feed it';

-- the purchases that a rule scores: those of its last days
CREATE FUNCTION crm.look_back(history crm.purchase_history, as_of date, days int) RETURNS crm.purchase_history
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN days IS NULL THEN history ELSE crm.within(history, daterange(as_of - days, as_of, '(]')) END
$$;
COMMENT ON FUNCTION crm.look_back(crm.purchase_history, date, int) IS 'what was bought on the last days up to a day, all if days is NULL';

CREATE FUNCTION crm.score_columns() RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(attname::text ORDER BY attnum)
  FROM pg_attribute WHERE attrelid = 'crm.customer_score'::regclass AND attnum > 0 AND NOT attisdropped
$$;
COMMENT ON FUNCTION crm.score_columns() IS 'the columns that a score fills';

CREATE FUNCTION crm.rule_columns() RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT '{scale,segments,look_back_days,tier_program,purchase_model,spend_model,margin,horizon_days,discount_rate}'::text[]
$$;
COMMENT ON FUNCTION crm.rule_columns() IS 'the columns of a scoring rule, as crm.score_customer takes them';

-- The rows of the customers view, and of the same on another day.
CREATE FUNCTION crm.report_columns(score text, horizon_days int) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%1$s.rfm, %1$s.recency_score, %1$s.frequency_score, %1$s.monetary_score, %1$s.segment, %1$s.segment_rank, %1$s.tier,
    %1$s.p_alive, 1 - %1$s.p_alive AS churn_risk, %1$s.expected_purchases AS expected_purchases_%2$sd, %1$s.clv AS clv_%2$sd,
    %1$s.expected_next_order_on', score, horizon_days)
$$;
COMMENT ON FUNCTION crm.report_columns(text, int) IS 'the columns of a score as the customers view names them';

CREATE FUNCTION crm.customers_query(histories regclass, scoring regclass, horizon_days int, on_day boolean) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  today constant text := CASE WHEN on_day THEN '$1' ELSE '(now() AT TIME ZONE r.time_zone)::date' END;
  score constant text := CASE WHEN on_day THEN 'c' ELSE 'h' END;
BEGIN
  RETURN format($query$
    SELECT %1$s,
      crm.first_purchase(u.history) AS first_purchased_on,
      crm.last_purchase(u.history) AS last_purchased_on,
      crm.recency(u.history, %2$s) AS days_since_last_purchase,
      crm.tenure(u.history, %2$s) AS days_since_first_purchase,
      crm.orders(u.history) AS orders,
      crm.purchase_days(u.history) AS purchase_days,
      crm.spend(u.history) AS spend,
      crm.average_order_value(u.history) AS average_order_value,
      crm.interpurchase_days(u.history) AS average_days_between_purchases,
      %3$s,
      %4$s AS scored_on
    FROM %5$s AS h LEFT JOIN %6$s AS r ON %7$s
      %10$s CROSS JOIN LATERAL %8$s AS u%9$s$query$,
    crm.column_list(crm.history_keys(histories), 'h.'), today,
    crm.report_columns(score, horizon_days),
    CASE WHEN on_day THEN '$1' ELSE 'greatest(h.scored_on, r.refreshed_on)' END,
    histories, scoring, crm.same_keys(histories, crm.scale_by(histories, scoring), 'r', 'h'),
    CASE WHEN on_day THEN '(SELECT crm.until(h.history, $1) AS history OFFSET 0)' ELSE '(SELECT h.history)' END,
    CASE WHEN on_day THEN format(' CROSS JOIN LATERAL %s AS c WHERE crm.first_purchase(u.history) IS NOT NULL',
                                 crm.score_call(histories, 'u.history', '$1')) ELSE '' END,
    CASE WHEN on_day THEN crm.decisions_join(histories) ELSE '' END);
END $$;
COMMENT ON FUNCTION crm.customers_query(regclass, regclass, int, boolean) IS 'the query of a customers view';

CREATE FUNCTION crm.score_call(history text, as_of text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('crm.score_customer(%s, %s, %s)', history, as_of, crm.column_list(crm.rule_columns(), 'r.'))
$$;
COMMENT ON FUNCTION crm.score_call(text, text) IS 'the call that scores a history by the rule r';

-- A name beside a relation, cut as PostgreSQL cuts names and free to use.
CREATE FUNCTION crm.free_name(schema oid, base text, suffix text) RETURNS text
  LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  longest constant int := current_setting('max_identifier_length')::int;
  stem text;
  ending text := suffix;
  tries int := 0;
BEGIN
  LOOP
    stem := base;
    WHILE octet_length(stem) + octet_length(ending) > longest LOOP
      stem := left(stem, -1);
    END LOOP;
    EXIT WHEN NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = schema AND relname = stem || ending)
      AND NOT EXISTS (SELECT FROM pg_type WHERE typnamespace = schema AND typname = stem || ending)
      AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = schema AND proname = stem || ending);
    tries := tries + 1;
    ending := suffix || tries;
  END LOOP;
  RETURN stem || ending;
END $$;
COMMENT ON FUNCTION crm.free_name(oid, text, text) IS 'the name of a new relation: base and suffix, cut to fit and numbered if taken';

-- The purchases view of a plain table.
CREATE FUNCTION crm.make_purchases_view(orders regclass, customer name, purchased_on name, amount name, weight name, time_zone text)
  RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text;
  names text[] := ARRAY[customer, purchased_on, amount, weight];
  parameters constant text[] := '{customer,purchased_on,amount,orders}';
  view_name text;
  day_type regtype;
  schema oid := (SELECT relnamespace FROM pg_class WHERE oid = orders);
BEGIN
  FOR i IN 1..4 LOOP
    IF names[i] IS NULL AND i < 4 THEN
      RAISE invalid_parameter_value USING MESSAGE = format('%s is a table, so %s must name a column of it', orders, parameters[i]),
        HINT = 'Pass customer, purchased_on and amount, or a purchases view instead of the table.';
    ELSIF names[i] IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = orders AND attname = names[i] AND attnum > 0 AND NOT attisdropped) THEN
      RAISE undefined_column USING MESSAGE = format('column %I of %s does not exist', names[i], orders),
        DETAIL = format('It was given as %s.', parameters[i]);
    ELSIF EXISTS (SELECT FROM pg_attribute WHERE attrelid = orders AND attname = names[i] AND attgenerated = 'v') THEN
      RAISE wrong_object_type USING MESSAGE = format('column %I of %s is a virtual generated column', names[i], orders),
        DETAIL = 'Triggers do not see its values.', HINT = 'Use a stored one, or track a view that has its expression.';
    END IF;
  END LOOP;

  SELECT atttypid INTO day_type FROM pg_attribute WHERE attrelid = orders AND attname = purchased_on;
  view_name := crm.free_name(schema, (SELECT relname::text FROM pg_class WHERE oid = orders), '_purchases');
  EXECUTE format('CREATE VIEW %s.%I AS SELECT %I AS %I, %s AS purchased_on, %I AS amount%s FROM %s',
    schema::regnamespace, view_name, customer,
    CASE WHEN customer IN ('purchased_on', 'amount', 'orders') THEN 'customer' ELSE customer END,
    CASE day_type
      WHEN 'timestamptz'::regtype THEN format('(%I AT TIME ZONE %L)::date', purchased_on, time_zone)
      WHEN 'date'::regtype THEN quote_ident(purchased_on)
      ELSE format('%I::date', purchased_on) END,
    amount,
    CASE WHEN weight IS NULL THEN '' ELSE format(', %I AS orders', weight) END,
    orders);
  RETURN format('%s.%I', schema::regnamespace, view_name)::regclass;
END $$;
COMMENT ON FUNCTION crm.make_purchases_view(regclass, name, name, name, name, text) IS
  'makes the purchases view of a table that has customer, day and amount as plain columns';

CREATE FUNCTION crm.track_triggers(tracked_table regclass, by_row boolean) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part regclass;
  own record;
  made int := 0;
BEGIN
  FOR part IN
    SELECT c.oid FROM pg_class c
    WHERE (c.oid = tracked_table OR c.oid IN (SELECT relid FROM pg_partition_tree(tracked_table))) AND c.relkind IN ('r', 'p')
      AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgfoid = 'crm.track_truncate()'::regprocedure)
    ORDER BY c.oid
  LOOP
    IF NOT by_row THEN
      EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement()', crm.trigger_name(part, 'crm_insert'::text), part);
      EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement()', crm.trigger_name(part, 'crm_update'::text), part);
      EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
                      FOR EACH STATEMENT EXECUTE FUNCTION crm.track_statement()', crm.trigger_name(part, 'crm_delete'::text), part);
    ELSIF part = tracked_table THEN
      EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s
                      FOR EACH ROW EXECUTE FUNCTION crm.track_row()', crm.trigger_name(part, 'crm_row'::text), part);
    END IF;
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION crm.track_truncate()', crm.trigger_name(part, 'crm_truncate'::text), part);
    made := made + 1;
  END LOOP;
  IF by_row THEN
    FOR own IN SELECT g.tgname, g.tgrelid::regclass AS relation FROM pg_trigger g
               WHERE g.tgfoid IN ('crm.track_row()'::regprocedure, 'crm.track_truncate()'::regprocedure) AND g.tgenabled <> 'A'
                 AND (g.tgrelid = tracked_table OR g.tgrelid IN (SELECT relid FROM pg_partition_tree(tracked_table))) LOOP
      EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', own.relation, own.tgname);
    END LOOP;
  END IF;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm.track_triggers(regclass, boolean) IS
  'installs the triggers on a table and its partitions where they are missing; returns on how many';

CREATE FUNCTION crm.comment_columns(relation regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT a.attname, coalesce(d.comment, 'key of the customer') AS comment
    FROM pg_attribute a LEFT JOIN (VALUES
      ('history', 'what the customer bought, day by day'),
      ('first_purchased_on', 'day of the first purchase'),
      ('last_purchased_on', 'day of the last purchase'),
      ('days_since_last_purchase', 'whole days from the last purchase until today'),
      ('days_since_first_purchase', 'whole days from the first purchase until today'),
      ('orders', 'number of orders'),
      ('purchase_days', 'number of days with at least one order'),
      ('spend', 'net amount of all orders and refunds, in the currency unit'),
      ('average_order_value', 'spend per order, in the currency unit'),
      ('average_days_between_purchases', 'mean gap between purchase days, in days; NULL with fewer than two'),
      ('rfm', 'recency, frequency and monetary score, a digit each, the highest best'),
      ('recency_score', 'score of the days since the last purchase, the highest for the fewest'),
      ('frequency_score', 'score of the number of orders'),
      ('monetary_score', 'score of the spend'),
      ('segment', 'name of the customer''s segment'),
      ('segment_rank', 'position of the segment in its map, 1 for the first: sorts reports'),
      ('scored_on', 'day as of which the scores hold'),
      ('updated_at', 'when a score last changed'),
      ('scale', 'cut points of the scores; a refresh makes new ones unless keep_scale'),
      ('keep_scale', 'whether a refresh leaves the scale as it is'),
      ('bins', 'number of scores of each measure, 2 to 9, for the next scale'),
      ('segments', 'rules that name the segment of each score'),
      ('look_back_days', 'how many days of purchases count for the score; all if NULL'),
      ('tier', 'tier held in the programme; NULL if none'),
      ('p_alive', 'probability that the customer will buy again at all'),
      ('churn_risk', 'probability that the customer will not buy again'),
      ('expected_purchases', 'expected number of purchase days within the horizon'),
      ('clv', 'expected discounted margin of purchases within the horizon, in the currency unit'),
      ('expected_next_order_on', 'median day of the next purchase of a customer who still buys; NULL if none is expected'),
      ('tier_program', 'the tier programme; none if NULL'),
      ('purchase_model', 'model of when customers buy, from crm.fit_...; none if NULL'),
      ('spend_model', 'model of what they spend, from crm.fit_gamma_gamma; none if NULL'),
      ('margin', 'part of an amount that is margin, for clv'),
      ('horizon_days', 'how many days ahead expected purchases and clv look; stands in the names of the view''s columns'),
      ('discount_rate', 'annual discount rate for clv'),
      ('time_zone', 'where a day begins and ends for today'),
      ('scaled_on', 'day as of which the scale was made'),
      ('refreshing_as_of', 'day that the running refresh scores as of'),
      ('refreshed_on', 'day that the last refresh scored as of'),
      ('at', 'when it changed'),
      ('what', 'what changed: segment or tier'),
      ('old_value', 'what it was; NULL if nothing'),
      ('new_value', 'what it is now; NULL if nothing'),
      ('why', 'what changed it: insert, update, delete, truncate, refresh, rebuild, decision')
    ) AS d(name, comment) ON d.name = regexp_replace(a.attname, '_\d+d$', '')
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, c.attname, c.comment);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.comment_columns(regclass) IS 'comments the columns of a tracking''s table or view';

-- checks of track, one a rule

CREATE FUNCTION crm.check_trackable(relation regclass, histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c pg_class;
BEGIN
  SELECT * INTO c FROM pg_class WHERE oid = relation;
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE active_sql_transaction USING MESSAGE = format('crm.track cannot run in a %s transaction', upper(current_setting('transaction_isolation'))),
      DETAIL = 'It has to see what others commit before it gets its lock.';
  ELSIF relation IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'relation to track cannot be NULL';
  ELSIF c.relkind NOT IN ('r', 'p', 'v') THEN
    RAISE wrong_object_type USING MESSAGE = format('%s is neither a table nor a view', relation);
  ELSIF c.relpersistence = 't' THEN
    RAISE wrong_object_type USING MESSAGE = format('%s is temporary and cannot be tracked', relation);
  ELSIF c.relkind = 'r' AND NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relation) THEN
    RAISE wrong_object_type USING MESSAGE = format('%s inherits from another table and cannot be tracked', relation),
      DETAIL = 'What is written through the parent would not be seen.', HINT = 'Track the parent, or a view, which crm.refresh keeps.';
  ELSIF NOT pg_has_role(current_user, c.relowner, 'USAGE') THEN
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of relation %s', relation);
  ELSIF histories IS NULL AND NOT has_schema_privilege(current_user, c.relnamespace, 'CREATE') THEN
    RAISE insufficient_privilege USING MESSAGE = format('%s may not create tables in schema %s', current_user, c.relnamespace::regnamespace),
      DETAIL = format('A tracking belongs to the owner of %s and stands beside it.', relation),
      HINT = format('GRANT CREATE ON SCHEMA %s TO %I', c.relnamespace::regnamespace, current_user);
  ELSIF EXISTS (SELECT FROM crm.tracked t WHERE t.purchases = relation) THEN
    RAISE duplicate_object USING MESSAGE = format('%s is tracked already', relation);
  ELSIF histories IS NOT NULL AND NOT EXISTS (SELECT FROM crm.tracked t WHERE t.histories = check_trackable.histories) THEN
    RAISE undefined_object USING MESSAGE = format('table %s holds no tracked histories', histories);
  END IF;
END $$;
COMMENT ON FUNCTION crm.check_trackable(regclass, regclass) IS 'an error if a relation cannot be tracked';

CREATE FUNCTION crm.check_keys(purchases regclass, keys text[], scale_by text[], histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  reserved constant text[] := crm.score_columns() || '{history,scored_on,updated_at,scale,keep_scale,bins,segments,look_back_days,
    tier_program,purchase_model,spend_model,margin,horizon_days,discount_rate,time_zone,scaled_on,refreshing_as_of,refreshed_on,at,what,old_value,new_value,why,first_purchased_on,last_purchased_on,
    days_since_last_purchase,days_since_first_purchase,purchase_days,spend,average_order_value,average_days_between_purchases}'::text[];
  k text;
BEGIN
  FOREACH k IN ARRAY keys LOOP
    IF k = ANY (reserved) THEN
      RAISE duplicate_column USING MESSAGE = format('key column %I of %s has the name of a column that crm.track makes', k, purchases),
        HINT = 'Give it another name in the view.';
    END IF;
  END LOOP;
  FOREACH k IN ARRAY coalesce(scale_by, '{}') LOOP
    IF k <> ALL (keys) THEN
      RAISE undefined_column USING MESSAGE = format('scale_by names %I, which is no key column of %s', k, purchases);
    ELSIF k = ANY ('{fitted_on,spend_fitted_on,recorded_on,customers,replaced_on,replaced_by,forecast_from,forecast_until,out_of_sample,n,total_expected,
        total_actual,mean_error,mean_absolute_error,root_mean_squared_error,correlation,top_decile_share}') THEN
      RAISE duplicate_column USING MESSAGE = format('key column %I of %s has the name of a column of the table of models', k, purchases),
        HINT = 'Give it another name in the view.';
    END IF;
  END LOOP;
  IF histories IS NOT NULL AND
     ARRAY(SELECT atttypid FROM pg_attribute JOIN unnest(keys) WITH ORDINALITY AS u(k, n) ON attname = u.k WHERE attrelid = purchases ORDER BY n)
     IS DISTINCT FROM
     ARRAY(SELECT atttypid FROM pg_attribute JOIN unnest(crm.history_keys(histories)) WITH ORDINALITY AS u(k, n) ON attname = u.k
           WHERE attrelid = histories AND u.k = keys[n] ORDER BY n) THEN
    RAISE datatype_mismatch USING MESSAGE = format('the key columns of %s are not those of %s', purchases, histories),
      DETAIL = format('They must have the same names and types in the same order: %s.', crm.column_list(crm.history_keys(histories), ''::text));
  END IF;
END $$;
COMMENT ON FUNCTION crm.check_keys(regclass, text[], text[], regclass) IS 'an error if key columns cannot be those of a table of histories';

-- the tables and views of a tracking

CREATE FUNCTION crm.make_scoring(purchases regclass, scoring_name text, scale_by text[], time_zone text, bins int,
    segments crm.segment_map, look_back_days int, horizon_days int) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$CREATE TABLE %1$s AS
    SELECT %2$s NULL::crm.rfm_scale AS scale, false AS keep_scale, NULL::smallint AS bins, NULL::crm.segment_map AS segments,
      NULL::int AS look_back_days, NULL::crm.tier_program AS tier_program, NULL::crm.purchase_model AS purchase_model,
      NULL::crm.spend_model AS spend_model, NULL::float8 AS margin, NULL::int AS horizon_days, NULL::float8 AS discount_rate,
      NULL::text AS time_zone, NULL::date AS scaled_on, NULL::date AS refreshing_as_of,
      NULL::date AS refreshed_on
    FROM %3$s WITH NO DATA$sql$, scoring_name, coalesce(crm.column_list(scale_by, ''::text) || ',', ''), purchases);
  EXECUTE format($sql$ALTER TABLE %1$s
    ALTER keep_scale SET NOT NULL, ALTER keep_scale SET DEFAULT false,
    ALTER bins SET NOT NULL, ALTER bins SET DEFAULT %2$L, ADD CHECK (bins BETWEEN 2 AND 9),
    ALTER segments SET NOT NULL, ALTER segments SET DEFAULT %3$L::crm.segment_map,
    ALTER look_back_days SET DEFAULT %4$L, ADD CHECK (look_back_days > 0),
    ALTER margin SET NOT NULL, ALTER margin SET DEFAULT 1,
    ALTER horizon_days SET NOT NULL, ALTER horizon_days SET DEFAULT %6$s,
    ADD CONSTRAINT horizon_is_in_column_names CHECK (horizon_days = %6$s),
    ALTER discount_rate SET NOT NULL, ALTER discount_rate SET DEFAULT 0.1,
    ALTER time_zone SET NOT NULL, ALTER time_zone SET DEFAULT %5$L$sql$,
    scoring_name, bins, segments, look_back_days, time_zone, horizon_days);
  -- a rule that cannot score is refused when it is written, not when an order comes
  EXECUTE format('ALTER TABLE %s ADD CONSTRAINT rule_can_score CHECK ((crm.score_customer(crm.purchase(date ''2000-01-01'', 1::numeric), date ''2001-01-01'', %s) IS NULL) IS NOT NULL),
    ADD CONSTRAINT time_zone_is_known CHECK (timestamptz ''2000-01-01 00:00+00'' AT TIME ZONE time_zone IS NOT NULL)',
    scoring_name, crm.column_list(crm.rule_columns(), ''::text));
  EXECUTE CASE WHEN scale_by IS NULL THEN format('CREATE UNIQUE INDEX ON %s ((true))', scoring_name)
    ELSE format('ALTER TABLE %s ADD PRIMARY KEY (%s)', scoring_name, crm.column_list(scale_by, ''::text)) END;
  EXECUTE format('COMMENT ON TABLE %s IS %L', scoring_name,
    format('the rules that the customers of %s are scored by; change them, then CALL crm.refresh', purchases));
  PERFORM crm.comment_columns(scoring_name::regclass);
END $$;
COMMENT ON FUNCTION crm.make_scoring(regclass, text, text[], text, int, crm.segment_map, int, int) IS 'makes the table of scoring rules';

CREATE FUNCTION crm.make_histories(purchases regclass, histories_name text, keys text[], unlogged boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE %sTABLE %s WITH (fillfactor = 80) AS SELECT %s, NULL::crm.purchase_history AS history, %s,
                  NULL::date AS scored_on, NULL::timestamptz AS updated_at FROM %s WITH NO DATA',
    CASE WHEN unlogged THEN 'UNLOGGED ' ELSE '' END, histories_name, crm.column_list(keys, ''::text),
    (SELECT string_agg(format('NULL::%s AS %I', format_type(atttypid, atttypmod), attname), ', ' ORDER BY attnum)
     FROM pg_attribute WHERE attrelid = 'crm.customer_score'::regclass AND attnum > 0 AND NOT attisdropped),
    purchases);
  EXECUTE format('ALTER TABLE %s ALTER history SET NOT NULL, ADD PRIMARY KEY (%s)', histories_name, crm.column_list(keys, ''::text));
  -- a long history is written anew with every order, and pglz takes ten times as long
  IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
    EXECUTE format('ALTER TABLE %s ALTER history SET COMPRESSION lz4', histories_name);
  END IF;
  EXECUTE format('COMMENT ON TABLE %s IS %L', histories_name, format('history and score of each customer of %s', purchases));
  PERFORM crm.comment_columns(histories_name::regclass);
END $$;
COMMENT ON FUNCTION crm.make_histories(regclass, text, text[], boolean) IS 'makes the table of histories';

CREATE FUNCTION crm.make_changes(purchases regclass, changes_name text, keys text[], unlogged boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE %sTABLE %s AS SELECT %s, NULL::timestamptz AS at, NULL::text AS what, NULL::text AS old_value,
                  NULL::text AS new_value, NULL::text AS why FROM %s WITH NO DATA',
    CASE WHEN unlogged THEN 'UNLOGGED ' ELSE '' END, changes_name, crm.column_list(keys, ''::text), purchases);
  EXECUTE format('ALTER TABLE %s ALTER at SET NOT NULL, ALTER what SET NOT NULL, ALTER why SET NOT NULL', changes_name);
  EXECUTE format('COMMENT ON TABLE %s IS %L', changes_name, format('segments that customers of %s entered and left', purchases));
  PERFORM crm.comment_columns(changes_name::regclass);
END $$;
COMMENT ON FUNCTION crm.make_changes(regclass, text, text[], boolean) IS 'makes the log of changes';

CREATE FUNCTION crm.make_customers(purchases regclass, histories regclass, scoring regclass, horizon_days int, customers_name text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE VIEW %s %s AS %s', customers_name,
    CASE WHEN current_setting('server_version_num')::int >= 150000 THEN 'WITH (security_invoker = true)' ELSE '' END,
    crm.customers_query(histories, scoring, horizon_days, false));
  EXECUTE format('COMMENT ON VIEW %s IS %L', customers_name, format('the customers of %s as they are today', purchases));
  PERFORM crm.comment_columns(customers_name::regclass);
END $$;
COMMENT ON FUNCTION crm.make_customers(regclass, regclass, regclass, int, text) IS 'makes the view of customers for reports';

CREATE FUNCTION crm.make_customers_on(purchases regclass, histories regclass, scoring regclass, customers regclass, horizon_days int,
    function_name text)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION %s(as_of date) RETURNS SETOF %s LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
    function_name, customers, crm.customers_query(histories, scoring, horizon_days, true));
  EXECUTE format('COMMENT ON FUNCTION %s(date) IS %L', function_name,
    format('the customers of %s as they were on a day, scored by the rules of today', purchases));
END $$;
COMMENT ON FUNCTION crm.make_customers_on(regclass, regclass, regclass, regclass, int, text) IS 'makes the function of customers on a day, or makes it anew';

-- filling and scaling

CREATE FUNCTION crm.fill_histories(histories regclass, why text) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t constant crm.tracked := crm.tracking_of(histories);
  keys constant text[] := crm.history_keys(histories);
  changed bigint;
BEGIN
  EXECUTE format($sql$
    WITH fresh AS MATERIALIZED (%1$s),
    gone AS (DELETE FROM %2$s AS h WHERE NOT EXISTS (SELECT FROM fresh AS f WHERE %3$s) RETURNING %4$s, segment, tier),
    logged AS (%5$s),
    come AS (
      INSERT INTO %2$s AS h (%4$s, history) SELECT %4$s, history FROM fresh ORDER BY %4$s
      ON CONFLICT (%4$s) DO UPDATE SET history = excluded.history WHERE h.history OPERATOR(crm.<>) excluded.history
      RETURNING 1)
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM come)$sql$,
    crm.all_histories_query(histories), histories, crm.same_keys(histories, keys, 'f', 'h'), crm.column_list(keys, ''::text),
    CASE WHEN t.changes IS NULL THEN 'SELECT' ELSE format($sql$
      INSERT INTO %1$s (%2$s, at, what, old_value, why)
      SELECT %2$s, now(), c.what, c.old_value, %3$L
      FROM gone CROSS JOIN LATERAL (VALUES ('segment', gone.segment), ('tier', gone.tier)) AS c(what, old_value)
      WHERE c.old_value IS NOT NULL$sql$, t.changes, crm.column_list(keys, ''::text), why) END)
  INTO changed;
  RETURN changed;
END $$;
COMMENT ON FUNCTION crm.fill_histories(regclass, text) IS
  'makes histories what the purchases views say; returns how many changed; why is what the log of changes gives as the reason';

CREATE FUNCTION crm.add_rules(scoring regclass, scale_by text[], customers regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text := crm.column_list(scale_by, ''::text);
BEGIN
  IF keys IS NULL THEN
    EXECUTE format('INSERT INTO %1$s SELECT WHERE NOT EXISTS (SELECT FROM %1$s)', scoring);
  ELSE
    EXECUTE format('INSERT INTO %1$s (%2$s) SELECT DISTINCT %2$s FROM %3$s ON CONFLICT DO NOTHING', scoring, keys, customers);
  END IF;
END $$;
COMMENT ON FUNCTION crm.add_rules(regclass, text[], regclass) IS 'adds the scoring rules that some customers lack, by default those of a new tracking';

CREATE FUNCTION crm.make_scales(histories regclass, scoring regclass, as_of date, customers regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  scale_by constant text[] := crm.scale_by(histories, scoring);
  mismatch text;
BEGIN
  PERFORM crm.add_rules(scoring, scale_by, customers);
  EXECUTE format($sql$UPDATE %1$s AS r SET refreshing_as_of = coalesce($1, (statement_timestamp() AT TIME ZONE r.time_zone)::date)$sql$, scoring)
  USING as_of;
  EXECUTE format($sql$
    UPDATE %1$s AS r SET scale = n.scale, scaled_on = r.refreshing_as_of
    FROM (SELECT %2$s crm.rfm_scale(crm.look_back(h.history, r.refreshing_as_of, r.look_back_days), r.refreshing_as_of, r.bins::int) AS scale
          FROM %3$s AS h JOIN %1$s AS r ON %4$s %5$s) AS n
    WHERE NOT r.keep_scale AND %6$s$sql$,
    scoring, coalesce(crm.column_list(scale_by, 'r.') || ',', ''), customers,
    crm.same_keys(histories, scale_by, 'r', 'h'),
    coalesce('GROUP BY ' || crm.column_list(scale_by, 'r.'), ''),
    crm.same_keys(histories, scale_by, 'r', 'n'));
  EXECUTE format('SELECT format(''the segments of %%s are for %%s bins, the scale has %%s'', %1$L, crm.bins(segments), crm.bins(scale))
                  FROM %1$s WHERE crm.bins(segments) <> crm.bins(scale) LIMIT 1', scoring) INTO mismatch;
  IF mismatch IS NOT NULL THEN
    RAISE invalid_parameter_value USING MESSAGE = mismatch, HINT = 'Set bins and segments to the same number of bins.';
  END IF;
END $$;
COMMENT ON FUNCTION crm.make_scales(regclass, regclass, date, regclass) IS
  'makes the scales of all rules anew from the histories of some customers, as of a day or of today where each rule''s customers are';

CREATE FUNCTION crm.finish_scoring(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  scoring constant regclass := (crm.tracking_of(histories)).scoring;
  oldest date;
BEGIN
  EXECUTE format('UPDATE %s SET refreshed_on = refreshing_as_of, refreshing_as_of = NULL WHERE refreshing_as_of IS NOT NULL', scoring);
  EXECUTE format('SELECT min(scaled_on) FROM %s', scoring) INTO oldest;
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = finish_scoring.histories LOOP
    t.scaled_on := oldest;
    t.refresh_finished_at := clock_timestamp();
    PERFORM crm.write_tracked(t.purchases, t, '{scaled_on,refresh_finished_at}'::text[]);
  END LOOP;
  PERFORM crm.write_refresh_position(histories, NULL::text[]);
END $$;
COMMENT ON FUNCTION crm.finish_scoring(regclass) IS 'records that all customers are scored as of the day of a refresh';

CREATE FUNCTION crm.rescore_all(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  batch record;
BEGIN
  SELECT * INTO batch FROM crm.rescore(histories, NULL::text[], 2147483647, 'rebuild'::text);
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = rescore_all.histories LOOP
    t.refresh_started_at := now();
    t.customers_read := batch.customers_read;
    t.customers_written := batch.customers_written;
    PERFORM crm.write_tracked(t.purchases, t, '{refresh_started_at,customers_read,customers_written}'::text[]);
  END LOOP;
  PERFORM crm.finish_scoring(histories);
END $$;
COMMENT ON FUNCTION crm.rescore_all(regclass) IS 'scores all customers in one transaction';

CREATE FUNCTION crm.fill_new_histories(histories regclass, scoring regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm.history_keys(histories);
  fresh text;
BEGIN
  -- no temporary table: this may run as an owner who is trusted less than the caller
  SELECT format('%s.%I', c.relnamespace::regnamespace, crm.free_name(c.relnamespace, c.relname::text, '_fresh'::text)) INTO fresh
  FROM pg_class c WHERE c.oid = histories;
  EXECUTE format('CREATE UNLOGGED TABLE %s AS %s', fresh, crm.all_histories_query(histories));
  PERFORM crm.make_scales(histories, scoring, NULL::date, fresh::regclass);
  EXECUTE format($sql$
    INSERT INTO %1$s (%2$s, history, %3$s, scored_on, updated_at)
    SELECT %4$s, h.history, %5$s, r.refreshing_as_of, now()
    FROM %9$s AS h JOIN %6$s AS r ON %7$s CROSS JOIN LATERAL %8$s AS c
    ORDER BY %4$s$sql$,
    histories, crm.column_list(keys, ''::text), crm.column_list(crm.score_columns(), ''::text), crm.column_list(keys, 'h.'),
    crm.column_list(crm.score_columns(), 'c.'), scoring, crm.same_keys(histories, crm.scale_by(histories, scoring), 'r', 'h'),
    crm.score_call('h.history', 'r.refreshing_as_of'), fresh);
  EXECUTE format('DROP TABLE %s', fresh);
  PERFORM crm.finish_scoring(histories);
END $$;
COMMENT ON FUNCTION crm.fill_new_histories(regclass, regclass) IS
  'fills an empty table of histories from its purchases view, scored: each row is written once';

-- the call

CREATE FUNCTION crm.track(relation regclass, customer name DEFAULT NULL, purchased_on name DEFAULT NULL, amount name DEFAULT NULL,
    orders name DEFAULT NULL, time_zone text DEFAULT NULL, scale_by text[] DEFAULT NULL, bins int DEFAULT 5,
    segments crm.segment_map DEFAULT NULL, look_back_days int DEFAULT NULL, horizon_days int DEFAULT 365, changes boolean DEFAULT false,
    notify boolean DEFAULT false, by_row boolean DEFAULT false, histories regclass DEFAULT NULL) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  zone constant text := coalesce(time_zone, current_setting('TimeZone'));
  view_made boolean := false;
  purchases regclass := relation;
  source regclass;
  not_live text;
  keys text[];
  schema oid;
  base text;
  unlogged boolean;
  logged regclass;
  made crm.tracked;
BEGIN
  -- all of it belongs to the owner of the relation, and what hangs on that runs as the owner
  IF NOT crm.is_owner(relation) THEN
    RETURN crm.as_owner(relation, format('SELECT crm.track(%s::regclass, %L::name, %L::name, %L::name, %L::name, %L::text, %L::text[], %L::int,
      %L::crm.segment_map, %L::int, %L::int, %L::boolean, %L::boolean, %L::boolean, %s::regclass)', relation::oid, customer, purchased_on, amount, orders,
      zone, scale_by, bins, segments, look_back_days, horizon_days, changes, notify, by_row, coalesce(histories::oid::text, 'NULL')))::regclass;
  END IF;
  PERFORM crm.check_trackable(relation, histories);
  PERFORM now() AT TIME ZONE zone;
  IF horizon_days NOT BETWEEN 1 AND 36525 THEN
    RAISE invalid_parameter_value USING MESSAGE = format('horizon of %s days is out of range', horizon_days), DETAIL = 'It is 1 to 36525 days.';
  END IF;
  IF (SELECT relkind FROM pg_class WHERE oid = relation) <> 'v' THEN
    purchases := crm.make_purchases_view(relation, customer, purchased_on, amount, orders, zone);
    view_made := true;
  ELSIF num_nonnulls(customer, purchased_on, amount, orders) > 0 THEN
    RAISE invalid_parameter_value USING MESSAGE = format('%s is a view, which has its own columns', relation),
      HINT = 'Columns are named only where a table is tracked.';
  END IF;

  keys := crm.purchases_keys(purchases);
  PERFORM crm.check_keys(purchases, keys, scale_by, histories);
  SELECT s.source, s.reason INTO source, not_live FROM crm.live_source(purchases) s;
  IF source IS NULL THEN
    IF by_row THEN
      RAISE wrong_object_type USING MESSAGE = format('%s cannot be kept by triggers', purchases), DETAIL = not_live;
    END IF;
    RAISE NOTICE '% is kept by crm.refresh alone: %', purchases, not_live;
  ELSE
    PERFORM crm.check_source(source, by_row);
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', source);
  END IF;

  SELECT relnamespace, regexp_replace(relname, '(.)_purchases\d*$', '\1') INTO schema, base FROM pg_class WHERE oid = purchases;
  unlogged := coalesce((SELECT relpersistence = 'u' FROM pg_class WHERE oid = source), false);
  IF histories IS NULL THEN
    made := crm.make_tracking(purchases, schema, base, keys, unlogged, scale_by, zone, bins,
      coalesce(segments, crm.default_segments(bins)), look_back_days, horizon_days, changes);
  ELSE
    SELECT * INTO made FROM crm.tracked t WHERE t.histories = track.histories LIMIT 1;
    made.purchases := purchases;
  END IF;

  logged := made.changes;
  -- the first scores are no changes
  made.changes := NULL;
  made.source := source;
  made.notify := notify;
  made.not_live := not_live;
  made.by_row := by_row;
  made.source_name := source::text;
  made.view_made := view_made;
  made.tracked_at := now();
  PERFORM crm.write_tracked(purchases, made, NULL::text[]);
  IF histories IS NULL THEN
    PERFORM crm.fill_new_histories(made.histories, made.scoring);
  ELSE
    PERFORM crm.fill_histories(made.histories, 'rebuild');
    PERFORM crm.make_scales(made.histories, made.scoring, NULL::date, made.histories);
    PERFORM crm.rescore_all(made.histories);
  END IF;
  FOR made IN SELECT * FROM crm.tracked t WHERE t.histories = made.histories LOOP
    made.changes := logged;
    PERFORM crm.write_tracked(made.purchases, made, '{changes}'::text[]);
  END LOOP;
  IF source IS NOT NULL THEN
    PERFORM crm.track_triggers(source, by_row);
  END IF;
  RETURN made.customers;
END $$;
COMMENT ON FUNCTION crm.track(regclass, name, name, name, name, text, text[], int, crm.segment_map, int, int, boolean, boolean, boolean, regclass) IS
  'keeps histories and scores of the customers of a purchases view, or of a table with customer, purchased_on and amount, current from here on; returns the view of customers';

CREATE FUNCTION crm.check_source(source regclass, by_row boolean) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c pg_class;
BEGIN
  SELECT * INTO c FROM pg_class WHERE oid = source;
  IF c.relpersistence = 't' THEN
    RAISE wrong_object_type USING MESSAGE = format('%s is temporary and cannot be tracked', source);
  ELSIF NOT pg_has_role(current_user, c.relowner, 'USAGE') THEN
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of table %s', source);
  ELSIF EXISTS (SELECT FROM crm.tracked t WHERE t.source = check_source.source AND t.by_row <> check_source.by_row) THEN
    RAISE object_not_in_prerequisite_state USING MESSAGE = format('%s has triggers of the other kind', source),
      DETAIL = 'A table is followed statement by statement or row by row, for all its trackings alike.';
  END IF;
END $$;
COMMENT ON FUNCTION crm.check_source(regclass, boolean) IS 'an error if a table cannot get triggers';

CREATE FUNCTION crm.default_segments(bins int) RETURNS crm.segment_map
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF bins NOT IN (3, 4, 5) THEN
    RAISE invalid_parameter_value USING MESSAGE = format('there is no segment map for %s bins', bins),
      HINT = 'Pass one as segments; maps come with 3, 4 and 5 bins.';
  END IF;
  RETURN CASE bins WHEN 3 THEN crm.rf_grid_3() WHEN 4 THEN crm.rf_grid_4() ELSE crm.rf_grid() END;
END $$;
COMMENT ON FUNCTION crm.default_segments(int) IS 'the segment map for a number of bins';

CREATE FUNCTION crm.make_tracking(purchases regclass, schema oid, base text, keys text[], unlogged boolean, scale_by text[],
    time_zone text, bins int, segments crm.segment_map, look_back_days int, horizon_days int, with_changes boolean) RETURNS crm.tracked
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made crm.tracked;
  histories_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_histories'));
  scoring_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_scoring'));
  changes_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_changes'));
  customers_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_customers'));
  function_name constant text := format('%s.%I', schema::regnamespace, crm.free_name(schema, base, '_customers_on'));
BEGIN
  PERFORM crm.make_scoring(purchases, scoring_name, scale_by, time_zone, bins, segments, look_back_days, horizon_days);
  PERFORM crm.make_histories(purchases, histories_name, keys, unlogged);
  made.scoring := scoring_name::regclass;
  made.histories := histories_name::regclass;
  IF with_changes THEN
    PERFORM crm.make_changes(purchases, changes_name, keys, unlogged);
    made.changes := changes_name::regclass;
  END IF;
  PERFORM crm.make_customers(purchases, made.histories, made.scoring, horizon_days, customers_name);
  made.customers := customers_name::regclass;
  PERFORM crm.make_customers_on(purchases, made.histories, made.scoring, made.customers, horizon_days, function_name);
  made.purchases := purchases;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm.make_tracking(regclass, oid, text, text[], boolean, text[], text, int, crm.segment_map, int, int, boolean) IS
  'makes the tables and views of a tracking';
-- refresh, rebuild, verify, snapshot

CREATE FUNCTION crm.tracking_of(relation regclass) RETURNS crm.tracked
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_histories regclass[] := ARRAY(
    SELECT DISTINCT t.histories::oid FROM crm.tracked t
    WHERE relation IN (t.purchases, t.histories, t.customers, t.source, t.decisions, t.standing) ORDER BY 1);
  tracking crm.tracked;
BEGIN
  IF cardinality(found_histories) = 0 THEN
    RAISE undefined_object USING MESSAGE = format('%s is not tracked', relation),
      HINT = format('SELECT crm.track(%L) tracks it; SELECT * FROM crm.tracked lists what is.', relation);
  ELSIF cardinality(found_histories) > 1 THEN
    RAISE ambiguous_parameter USING MESSAGE = format('%s feeds more than one tracking', relation),
      HINT = 'Name the purchases view or the histories instead.';
  END IF;
  SELECT * INTO tracking FROM crm.tracked t WHERE t.histories = found_histories[1] ORDER BY t.tracked_at, t.purchases LIMIT 1;
  RETURN tracking;
END $$;
COMMENT ON FUNCTION crm.tracking_of(regclass) IS
  'the tracking that a purchases view, a source, a table of histories, a customers view or decisions on tiers belong to';

CREATE FUNCTION crm.lock_sources(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source regclass;
BEGIN
  FOR source IN SELECT DISTINCT t.source::oid FROM crm.tracked t
                WHERE t.histories = lock_sources.histories AND t.source IS NOT NULL ORDER BY 1 LOOP
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', source);
  END LOOP;
  FOR source IN SELECT DISTINCT t.decisions::oid FROM crm.tracked t
                WHERE t.histories = lock_sources.histories AND t.decisions IS NOT NULL LOOP
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', source);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.lock_sources(regclass) IS
  'holds off writers of all tables that feed a table of histories, and of decisions on its tiers';

-- refresh: what it does before its first batch, in one transaction, but for a refit in two
CREATE FUNCTION crm.refresh_fill(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    PERFORM crm.as_owner(t.histories, format('SELECT crm.refresh_fill(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM crm.tracked o WHERE o.histories = t.histories AND o.source IS NULL) THEN
    PERFORM crm.lock_sources(t.histories);
    PERFORM crm.fill_histories(t.histories, 'refresh');
  END IF;
END $$;
COMMENT ON FUNCTION crm.refresh_fill(regclass) IS 'brings histories up to date that triggers do not keep, the first step of crm.refresh';

CREATE FUNCTION crm.refresh_started(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  PERFORM crm.write_refresh_position(t.histories, NULL::text[]);
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = t.histories LOOP
    t.refresh_started_at := clock_timestamp();
    t.refresh_finished_at := NULL;
    t.customers_read := 0;
    t.customers_written := 0;
    PERFORM crm.write_tracked(t.purchases, t, '{refresh_started_at,refresh_finished_at,customers_read,customers_written}'::text[]);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.refresh_started(regclass) IS 'records that a refresh begins with the first customer';

CREATE FUNCTION crm.refresh_start(tracking regclass, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    PERFORM crm.as_owner(t.histories, format('SELECT crm.refresh_start(%s::regclass, %L::date)', tracking::oid, as_of));
    RETURN;
  END IF;
  PERFORM crm.make_scales(t.histories, t.scoring, as_of, t.histories);
  PERFORM crm.warn_of_unknown_tiers(t.histories);
  PERFORM crm.refresh_started(tracking);
END $$;
COMMENT ON FUNCTION crm.refresh_start(regclass, date) IS 'puts new scales in force, a step of crm.refresh';

CREATE FUNCTION crm.refresh_wait(tracking regclass) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT crm.wait_for_writers((crm.tracking_of(tracking)).scoring)
$$;
COMMENT ON FUNCTION crm.refresh_wait(regclass) IS
  'waits for the statements that still score by the rules from before, a step of crm.refresh';

CREATE FUNCTION crm.refresh_batch(tracking regclass, batch_customers int) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  batch record;
BEGIN
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.refresh_batch(%s::regclass, %L::int)', tracking::oid, batch_customers))::boolean;
  END IF;
  SELECT * INTO batch FROM crm.rescore(t.histories,
    (SELECT s.refresh_position FROM crm.tracking_status s WHERE s.purchases = t.purchases), batch_customers);
  -- first the rules, then crm.tracked: in the order of the other steps, so that two refreshes wait and do not deadlock
  IF batch.last IS NULL THEN
    PERFORM crm.finish_scoring(t.histories);
  END IF;
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = t.histories LOOP
    t.customers_read := t.customers_read + batch.customers_read;
    t.customers_written := t.customers_written + batch.customers_written;
    PERFORM crm.write_tracked(t.purchases, t, '{customers_read,customers_written}'::text[]);
  END LOOP;
  PERFORM crm.write_refresh_position(t.histories, batch.last);
  RETURN batch.last IS NULL;
END $$;
COMMENT ON FUNCTION crm.refresh_batch(regclass, int) IS
  'scores the next customers, a step of crm.refresh; returns whether these were the last';

CREATE FUNCTION crm.check_batch_customers(batch_customers int) RETURNS void
  LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF batch_customers IS NULL OR batch_customers < 1 THEN
    RAISE invalid_parameter_value USING MESSAGE = format('a batch of %s customers is out of range', coalesce(batch_customers::text, 'NULL')),
      DETAIL = 'It is at least 1.';
  END IF;
END $$;
COMMENT ON FUNCTION crm.check_batch_customers(int) IS 'an error if a refresh cannot score so many customers at a time';

-- A procedure that commits cannot pin its search_path: every name is qualified and it uses no operator.
CREATE PROCEDURE crm.refresh(tracking regclass, as_of date DEFAULT NULL, refit boolean DEFAULT false, batch_customers int DEFAULT 10000)
  LANGUAGE plpgsql AS $$
DECLARE
  finished pg_catalog.bool;
BEGIN
  PERFORM crm.check_commit_allowed('crm.refresh');
  PERFORM crm.check_batch_customers(batch_customers);
  PERFORM crm.refresh_fill(tracking);
  IF refit THEN
    -- nobody who writes waits for the fits
    PERFORM crm.refresh_started(tracking);
    COMMIT;
    PERFORM crm.refit_models(tracking, as_of);
  END IF;
  PERFORM crm.refresh_start(tracking, as_of);
  COMMIT;
  PERFORM crm.refresh_wait(tracking);
  COMMIT;
  LOOP
    finished := crm.refresh_batch(tracking, batch_customers);
    COMMIT;
    EXIT WHEN finished;
  END LOOP;
END $$;
COMMENT ON PROCEDURE crm.refresh(regclass, date, boolean, int) IS
  'makes new scales, with refit new models too, and scores every customer as of a day, by default today, committing after every batch';

CREATE FUNCTION crm.rebuild(tracking regclass) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  changed bigint;
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.rebuild(%s::regclass)', tracking::oid))::bigint;
  END IF;
  PERFORM crm.lock_sources(t.histories);
  changed := crm.fill_histories(t.histories, 'rebuild');
  PERFORM crm.make_scales(t.histories, t.scoring, NULL::date, t.histories);
  PERFORM crm.rescore_all(t.histories);
  RETURN changed;
END $$;
COMMENT ON FUNCTION crm.rebuild(regclass) IS
  'makes histories and scores anew from the purchases views, in one transaction; returns how many histories differed';

-- verify

CREATE FUNCTION crm.unfollowed(tracking regclass) RETURNS TABLE (relation text, problem text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  RETURN QUERY
    SELECT format('the %s of %s', r.part, coalesce(o.source_name, o.purchases::text)), 'has been dropped, see crm.untrack'
    FROM crm.tracked o, LATERAL (VALUES
      ('purchases view', o.purchases), ('source', o.source), ('histories', o.histories), ('scoring', o.scoring),
      ('changes', o.changes), ('customers view', o.customers), ('models', o.models),
      ('table of decisions', o.decisions), ('view of standings', o.standing))
      AS r(part, relation)
    WHERE o.histories = t.histories AND r.relation IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class WHERE oid = r.relation);
  RETURN QUERY
    SELECT c.oid::regclass::text,
      CASE WHEN count(g.oid) = 0 THEN 'has no triggers, see crm.track_partitions' ELSE 'has triggers that are disabled' END
    FROM crm.tracked o
      JOIN pg_class c ON c.relkind IN ('r', 'p') AND (c.oid = o.source OR c.oid IN (SELECT relid FROM pg_partition_tree(o.source)))
      LEFT JOIN LATERAL crm.own_triggers(c.oid::regclass) AS g ON true
    WHERE o.histories = t.histories
    GROUP BY c.oid, o.by_row
    HAVING count(g.oid) FILTER (WHERE g.tgenabled IN ('A', CASE WHEN o.by_row THEN 'A' ELSE 'O' END)) < CASE WHEN o.by_row THEN 2 ELSE 4 END;
  RETURN QUERY
    SELECT t.decisions::text,
      CASE WHEN count(g.oid) < 4 THEN 'lacks triggers, see crm.track_partitions' ELSE 'has triggers that are disabled' END
    FROM pg_class c LEFT JOIN LATERAL crm.own_triggers(c.oid::regclass) AS g ON true
    WHERE c.oid = t.decisions
    HAVING count(c.oid) > 0 AND count(g.oid) FILTER (WHERE g.tgenabled IN ('A', 'O')) < 4;
  RETURN QUERY
    SELECT o.source::text, format('was called %s when it was tracked: if another table took its place, track that one', o.source_name)
    FROM crm.tracked o
    -- a look at another's schema would be an error, so none but the tracking's own name is looked up
    WHERE CASE WHEN o.histories = t.histories AND o.source::text IS DISTINCT FROM o.source_name
            THEN to_regclass(o.source_name) IS NOT NULL ELSE false END;
END $$;
COMMENT ON FUNCTION crm.unfollowed(regclass) IS
  'what a tracking lacks: dropped relations, tables whose triggers are missing or disabled, tables that were swapped for another';

CREATE FUNCTION crm.verify(tracking regclass, since date DEFAULT NULL)
  RETURNS TABLE (customer jsonb, problem text, stored text, recomputed text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  keys constant text[] := crm.history_keys(t.histories);
  recent text := 'true';
BEGIN
  -- the view's functions run as their owner; what they say is handed over as data
  IF NOT crm.is_owner(t.histories) THEN
    RETURN QUERY SELECT d.row -> 'customer', d.row ->> 'problem', d.row ->> 'stored', d.row ->> 'recomputed'
      FROM jsonb_array_elements(crm.as_owner(t.histories, format('SELECT coalesce(jsonb_agg(to_jsonb(v)), ''[]'') FROM crm.verify(%s::regclass, %L::date) AS v',
        tracking::oid, since))::jsonb) WITH ORDINALITY AS d(row, n) ORDER BY d.n;
    RETURN;
  END IF;
  RETURN QUERY SELECT NULL::jsonb, format('%s %s', u.relation, u.problem), NULL::text, NULL::text FROM crm.unfollowed(tracking) u;
  IF EXISTS (SELECT FROM crm.unfollowed(tracking) u WHERE u.problem LIKE 'has been dropped%') THEN
    RETURN;
  END IF;
  IF since IS NOT NULL THEN
    recent := format('coalesce(crm.last_purchase(f.history), crm.last_purchase(h.history)) >= %L OR crm.last_purchase(h.history) >= %1$L', since);
  END IF;
  RETURN QUERY EXECUTE format($sql$
    SELECT jsonb_build_object(%1$s), 'history', h.history::text, f.history::text
    FROM (%2$s) AS f FULL JOIN %3$s AS h ON %4$s
    WHERE NOT coalesce(h.history OPERATOR(crm.=) f.history, false) AND (%5$s)$sql$,
    (SELECT string_agg(format('%L, coalesce(f.%I, h.%2$I)', k, k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm.all_histories_query(t.histories), t.histories, crm.same_keys(t.histories, keys, 'f', 'h'), recent);
  RETURN QUERY EXECUTE format($sql$
    SELECT jsonb_build_object(%1$s), 'score', ROW(%2$s)::text, ROW(%7$s)::text
    FROM %3$s AS h LEFT JOIN %4$s AS r ON %5$s %9$s,
      LATERAL %6$s AS c
    WHERE ROW(%2$s) IS DISTINCT FROM ROW(%7$s) AND (%8$s)$sql$,
    (SELECT string_agg(format('%L, h.%I', k, k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm.column_list(crm.score_columns(), 'h.'), t.histories, t.scoring,
    crm.same_keys(t.histories, crm.scale_by(t.histories, t.scoring), 'r', 'h'),
    crm.score_call(t.histories, 'h.history', 'greatest(h.scored_on, r.refreshed_on)'),
    crm.column_list(crm.score_columns(), 'c.'),
    CASE WHEN since IS NULL THEN 'true' ELSE format('crm.last_purchase(h.history) >= %L', since) END,
    crm.decisions_join(t.histories));
END $$;
COMMENT ON FUNCTION crm.verify(regclass, date) IS
  'the customers whose stored history or score differs from what the purchases views give, and tables that are not followed: must be none; since looks only at customers with a purchase from that day on';

CREATE FUNCTION crm.track_partitions(tracking regclass) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.track_partitions(%s::regclass)', tracking::oid))::int;
  END IF;
  IF t.decisions IS NOT NULL THEN
    PERFORM crm.decision_triggers(t.decisions);
  END IF;
  RETURN (SELECT sum(crm.track_triggers(o.source, o.by_row))::int
          FROM crm.tracked o WHERE o.histories = t.histories AND o.source IS NOT NULL);
END $$;
COMMENT ON FUNCTION crm.track_partitions(regclass) IS
  'installs the triggers on partitions that came after crm.track, and those on decisions that are missing; returns on how many tables of orders';

-- snapshot: a table of how customers stood on a day, for trends

CREATE FUNCTION crm.snapshot(tracking regclass, as_of date) RETURNS bigint
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  schema text;
  name text;
  snapshots regclass;
  customers_on text;
  customers bigint;
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.snapshot(%s::regclass, %L::date)', tracking::oid, as_of))::bigint;
  END IF;
  IF as_of IS NULL OR NOT isfinite(as_of) THEN
    RAISE null_value_not_allowed USING MESSAGE = 'day of a snapshot must be a date';
  END IF;
  customers_on := crm.customers_on(t.customers);
  IF customers_on IS NULL THEN
    RAISE undefined_function USING MESSAGE = format('there is no function of the customers of %s on a day', t.purchases),
      DETAIL = format('It stands beside %s and belongs to the same owner.', t.customers);
  END IF;
  SELECT nspname, regexp_replace(relname, '(_customers(\d*))?$', '_snapshots\2') INTO schema, name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = t.customers;
  snapshots := to_regclass(format('%I.%I', schema, name));
  -- what others hang onto a table of theirs would run as this user
  IF EXISTS (SELECT FROM pg_class c WHERE c.oid = snapshots AND (c.relkind NOT IN ('r', 'p') OR NOT pg_has_role(c.relowner, current_user, 'USAGE'))) THEN
    RAISE insufficient_privilege USING MESSAGE = format('%s is no table of snapshots of %s', snapshots, current_user),
      HINT = 'Rename it, or give it to the owner of the tracking.';
  ELSIF snapshots IS NULL THEN
    EXECUTE format('CREATE TABLE %I.%I AS SELECT NULL::date AS snapshot_on, c.* FROM %s AS c WITH NO DATA', schema, name, t.customers);
    EXECUTE format('ALTER TABLE %I.%I ADD PRIMARY KEY (snapshot_on, %s)', schema, name, crm.column_list(crm.history_keys(t.histories), ''::text));
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', schema, name, format('the customers of %s as they stood on some days', t.purchases));
    PERFORM crm.comment_columns(format('%I.%I', schema, name)::regclass);
  END IF;
  EXECUTE format('DELETE FROM %I.%I WHERE snapshot_on = $1', schema, name) USING as_of;
  EXECUTE format('INSERT INTO %I.%I SELECT $1, c.* FROM %s($1) AS c', schema, name, customers_on) USING as_of;
  GET DIAGNOSTICS customers = ROW_COUNT;
  RETURN customers;
END $$;
COMMENT ON FUNCTION crm.snapshot(regclass, date) IS
  'adds the customers as they stood on a day to the table <name>_snapshots, in place of an earlier snapshot of that day; returns how many';

CREATE FUNCTION crm.customers_on(customers regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%I.%I', n.nspname, p.proname)
  FROM pg_class c JOIN pg_proc p ON p.prorettype = c.reltype AND p.proretset AND p.proargtypes = '1082'::oidvector
    JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE c.oid = customers AND p.pronamespace = c.relnamespace AND p.proname LIKE '%customers\_on%'
    AND pg_has_role(p.proowner, c.relowner, 'USAGE')
$$;
COMMENT ON FUNCTION crm.customers_on(regclass) IS 'the function that gives the rows of a customers view on another day';

-- for the administrator

-- Whoever looks runs what is named here, so every operator is named by its schema.
CREATE VIEW crm.tracking_status AS
  SELECT t.purchases, t.source, t.histories,
    CASE WHEN t.source IS NULL THEN 'refresh only'::pg_catalog.text WHEN t.by_row THEN 'row by row'::pg_catalog.text ELSE 'live'::pg_catalog.text END AS kept,
    t.not_live,
    (SELECT pg_catalog.count(*)::pg_catalog.int4 FROM pg_catalog.pg_class c
     WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[])
       AND (c.oid OPERATOR(pg_catalog.=) t.source::pg_catalog.oid
         OR c.oid OPERATOR(pg_catalog.=) ANY (SELECT p.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(t.source) p))
       AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger g
            WHERE g.tgrelid OPERATOR(pg_catalog.=) c.oid
              AND g.tgfoid OPERATOR(pg_catalog.=) ANY (ARRAY['crm.track_statement()'::pg_catalog.regprocedure::pg_catalog.oid,
                'crm.track_row()'::pg_catalog.regprocedure::pg_catalog.oid, 'crm.track_truncate()'::pg_catalog.regprocedure::pg_catalog.oid])
              AND g.tgenabled OPERATOR(pg_catalog.=) ANY (CASE WHEN t.by_row THEN '{A}' ELSE '{A,O}' END::pg_catalog."char"[]))
           OPERATOR(pg_catalog.<) CASE WHEN t.by_row THEN 2::pg_catalog.int8 ELSE 4::pg_catalog.int8 END) AS tables_without_triggers,
    NOT COALESCE((SELECT pg_catalog.format('%I.%I'::pg_catalog.text, n.nspname, c.relname)
                  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                  WHERE c.oid OPERATOR(pg_catalog.=) t.source::pg_catalog.oid) OPERATOR(pg_catalog.=) t.source_name,
                 t.source IS NULL AND t.source_name IS NULL) AS source_renamed,
    (SELECT c.reltuples::pg_catalog.int8 FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) t.histories::pg_catalog.oid) AS customers_estimated,
    t.scaled_on, t.refresh_started_at, t.refresh_finished_at, t.customers_read, t.customers_written,
    (SELECT p.last_key FROM crm.refresh_position p JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.histories::pg_catalog.oid
     WHERE p.histories::pg_catalog.oid OPERATOR(pg_catalog.=) t.histories::pg_catalog.oid
       AND pg_catalog.pg_has_role(c.relowner, 'USAGE'::pg_catalog.text)) AS refresh_position
  FROM crm.tracked t;
COMMENT ON VIEW crm.tracking_status IS 'for each purchases view: how it is kept, whether its triggers are in place, and its last refresh';
COMMENT ON COLUMN crm.tracking_status.purchases IS 'the purchases view';
COMMENT ON COLUMN crm.tracking_status.source IS 'the table whose triggers keep the histories';
COMMENT ON COLUMN crm.tracking_status.histories IS 'the table of histories';
COMMENT ON COLUMN crm.tracking_status.kept IS 'live, row by row, or refresh only';
COMMENT ON COLUMN crm.tracking_status.not_live IS 'why triggers cannot keep this view';
COMMENT ON COLUMN crm.tracking_status.tables_without_triggers IS 'of the source and its partitions, how many lack a trigger or have it disabled';
COMMENT ON COLUMN crm.tracking_status.source_renamed IS 'whether the source is called otherwise than when it was tracked';
COMMENT ON COLUMN crm.tracking_status.customers_estimated IS 'number of customers as the planner knows it, -1 before the first ANALYZE';
COMMENT ON COLUMN crm.tracking_status.scaled_on IS 'day of the oldest scale in force';
COMMENT ON COLUMN crm.tracking_status.refresh_started_at IS 'when the last refresh started';
COMMENT ON COLUMN crm.tracking_status.refresh_finished_at IS 'when it finished; NULL while it runs or if it stopped early';
COMMENT ON COLUMN crm.tracking_status.customers_read IS 'customers that it looked at';
COMMENT ON COLUMN crm.tracking_status.customers_written IS 'customers whose row it wrote';
COMMENT ON COLUMN crm.tracking_status.refresh_position IS 'the key up to which a running refresh has come; for the owner of the histories alone';
GRANT SELECT ON crm.tracking_status TO PUBLIC;
-- untrack, detach

CREATE FUNCTION crm.drop_triggers(source regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  g record;
BEGIN
  FOR g IN
    SELECT t.tgname, t.tgrelid::regclass AS relation
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE (t.tgrelid = source OR t.tgrelid IN (SELECT relid FROM pg_partition_tree(source)))
      AND p.pronamespace = 'crm'::regnamespace AND p.proname IN ('track_statement', 'track_row', 'track_truncate', 'decide_statement', 'decide_truncate')
    ORDER BY t.tgrelid = source DESC
  LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', g.tgname, g.relation);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.drop_triggers(regclass) IS 'drops the triggers of crm from a table and its partitions';

CREATE FUNCTION crm.untrack(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  o crm.tracked;
  keeper constant regclass := crm.relation_left(t);
  views_made regclass[] := '{}';
  view_made regclass;
BEGIN
  IF NOT crm.is_owner(keeper) THEN
    PERFORM crm.as_owner(keeper, format('SELECT crm.untrack(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  FOR o IN SELECT * FROM crm.tracked WHERE histories = t.histories LOOP
    views_made := views_made || CASE WHEN o.view_made THEN ARRAY[o.purchases] ELSE '{}' END;
    PERFORM crm.write_tracked(o.purchases, NULL::crm.tracked, NULL::text[]);
    IF NOT EXISTS (SELECT FROM crm.tracked WHERE source = o.source)
       AND EXISTS (SELECT FROM pg_class WHERE oid = o.source) THEN
      PERFORM crm.drop_triggers(o.source);
    END IF;
  END LOOP;
  PERFORM crm.drop_tiers(t.decisions, t.standing);
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.customers) THEN
    IF crm.customers_on(t.customers) IS NOT NULL THEN
      EXECUTE format('DROP FUNCTION %s(date)', crm.customers_on(t.customers));
    END IF;
    EXECUTE format('DROP VIEW %s', t.customers);
  END IF;
  FOREACH view_made IN ARRAY views_made LOOP
    IF EXISTS (SELECT FROM pg_class WHERE oid = view_made) THEN
      EXECUTE format('DROP VIEW %s', view_made);
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.untrack(regclass) IS
  'stops keeping the histories: drops the triggers and the views that crm.track made, keeps the tables';

CREATE FUNCTION crm.make_plain(relation regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT conname FROM pg_constraint WHERE conrelid = relation AND conname = 'rule_can_score'
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', relation, c.conname);
  END LOOP;
  FOR c IN
    SELECT a.attname, CASE a.atttypid WHEN 'crm.purchase_history'::regtype THEN 'jsonb' ELSE 'text' END AS plain
    FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND y.typnamespace = 'crm'::regnamespace
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER %I DROP DEFAULT, ALTER %2$I TYPE %s USING %2$I::%3$s', relation, c.attname, c.plain);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.make_plain(regclass) IS 'turns the columns of a table that have types of crm into built-in ones';

CREATE FUNCTION crm.detach(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  keeper constant regclass := crm.relation_left(t);
BEGIN
  IF NOT crm.is_owner(keeper) THEN
    PERFORM crm.as_owner(keeper, format('SELECT crm.detach(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  PERFORM crm.untrack(tracking);
  PERFORM crm.make_plain(t.histories);
  PERFORM crm.make_plain(t.scoring);
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.models) THEN
    PERFORM crm.make_plain(t.models);
  END IF;
END $$;
COMMENT ON FUNCTION crm.detach(regclass) IS
  'stops keeping the histories and makes their tables plain, with histories as jsonb, so that the extension can be dropped';
-- refit: at a refresh, models fitted anew; those that were in force before are kept, with how right they were

-- A fit in two steps, so that one pass over the histories makes the data of all
-- rules, and a fit that fails is an error of its own rule only.
CREATE FUNCTION crm.purchase_model_like(crm.purchase_model_state, crm.purchase_model, crm.purchase_history, date) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_like';
COMMENT ON FUNCTION crm.purchase_model_like(crm.purchase_model_state, crm.purchase_model, crm.purchase_history, date) IS
  'transition function of purchase_fit_data';
CREATE AGGREGATE crm.purchase_fit_data(crm.purchase_model, crm.purchase_history, date) (
  SFUNC = crm.purchase_model_like,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_fit_data(crm.purchase_model, crm.purchase_history, date) IS
  'what crm.refit needs of histories up to as_of to fit a model of the same family, in the same unit';
CREATE AGGREGATE crm.spend_fit_data(crm.purchase_history, date) (
  SFUNC = crm.spend_model_history,
  STYPE = crm.spend_model_state,
  SSPACE = 65536,
  COMBINEFUNC = crm.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.spend_fit_data(crm.purchase_history, date) IS
  'what crm.fit_gamma_gamma_final needs of histories up to as_of';
CREATE FUNCTION crm.refit(crm.purchase_model, crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_refit_purchase_model';
COMMENT ON FUNCTION crm.refit(crm.purchase_model, crm.purchase_model_state) IS
  'the model of the same family, unit and k that fits the customers of a state best';

CREATE FUNCTION crm.same_models(a crm.purchase_model, a_spend crm.spend_model, b crm.purchase_model, b_spend crm.spend_model) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT record_eq(ROW(a, a_spend), ROW(b, b_spend))
$$;
COMMENT ON FUNCTION crm.same_models(crm.purchase_model, crm.spend_model, crm.purchase_model, crm.spend_model) IS
  'whether two pairs of models are equal, NULLs too';

-- the table of models that are and were in force

CREATE FUNCTION crm.comment_models(models regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  PERFORM crm.comment_columns(models);
  FOR c IN
    SELECT d.name, d.comment FROM (VALUES
      ('fitted_on', 'day as of which a refit fitted the purchase model; NULL if it was set by hand'),
      ('spend_fitted_on', 'day as of which a refit fitted the spend model; NULL if it was set by hand'),
      ('recorded_on', 'day of the refit that put the models in force, or that found them set by hand'),
      ('customers', 'number of customers that the purchase model was fitted to; NULL if its parameters were given'),
      ('replaced_on', 'day of the refit that replaced the models, or that found them replaced by hand; NULL while in force'),
      ('replaced_by', 'refit or hand; NULL while in force'),
      ('forecast_from', 'day after which forecasts of the purchase model are compared with what was bought: that of its fit'),
      ('forecast_until', 'last day that is compared: that of the refit'),
      ('out_of_sample', 'whether the model knew nothing of the days compared; false for the last horizon_days of one set by hand'),
      ('n', 'number of customers compared: those there on forecast_from'),
      ('total_expected', 'purchase days expected of all of them'),
      ('total_actual', 'purchase days that they had'),
      ('mean_error', 'mean of expected minus actual, in purchase days per customer'),
      ('mean_absolute_error', 'mean of the absolute errors, in purchase days per customer'),
      ('root_mean_squared_error', 'root of the mean of the squared errors, in purchase days per customer'),
      ('correlation', 'correlation of expected and actual; NULL if one of them is constant'),
      ('top_decile_share', 'share of all purchase days in the tenth of the customers from whom most was expected; NULL if there were none')
    ) AS d(name, comment)
  LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', models, c.name, c.comment);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.comment_models(regclass) IS 'comments the columns of a table of models';

CREATE FUNCTION crm.make_models(tracking crm.tracked, scale_by text[]) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner constant oid := (SELECT relowner FROM pg_class WHERE oid = tracking.scoring);
  name text;
  made regclass;
BEGIN
  SELECT format('%I.%I', n.nspname, crm.free_name(n.oid, regexp_replace(c.relname::text, '(.)_histories\d*$', '\1'), '_models')) INTO name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tracking.histories;
  EXECUTE format($sql$CREATE TABLE %s AS
    SELECT %s NULL::date AS fitted_on, NULL::date AS spend_fitted_on, NULL::date AS recorded_on, NULL::crm.purchase_model AS purchase_model,
      NULL::crm.spend_model AS spend_model, NULL::bigint AS customers, NULL::date AS replaced_on, NULL::text AS replaced_by,
      NULL::date AS forecast_from, NULL::date AS forecast_until, NULL::boolean AS out_of_sample, (NULL::crm.forecast_accuracy_result).*
    FROM %s WITH NO DATA$sql$, name, coalesce(crm.column_list(scale_by, ''::text) || ',', ''), tracking.scoring);
  made := name::regclass;
  EXECUTE format($sql$ALTER TABLE %s ALTER recorded_on SET NOT NULL,
    ADD CONSTRAINT replaced_by_refit_or_hand CHECK (replaced_by IN ('refit', 'hand') AND replaced_on IS NOT NULL OR num_nonnulls(replaced_by, replaced_on) = 0)$sql$, made);
  EXECUTE format('CREATE UNIQUE INDEX ON %s (%s) WHERE replaced_on IS NULL', made, coalesce(crm.column_list(scale_by, ''::text), '(true)'));
  EXECUTE format('COMMENT ON TABLE %s IS %L', made,
    format('the models that the customers of %s are and were scored by, and how right their forecasts were', tracking.purchases));
  PERFORM crm.comment_models(made);
  IF owner <> (SELECT oid FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('ALTER TABLE %s OWNER TO %s', made, owner::regrole);
  END IF;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm.make_models(crm.tracked, text[]) IS 'makes the table of models of a tracking, owned by the owner of its rules';

-- A rule is handed on as the text of its row, whose type is another one for every tracking.
CREATE FUNCTION crm.record_models(tracking crm.tracked, scale_by text[], rule text, recorded_on date, fitted_on date, spend_fitted_on date,
    purchase_model crm.purchase_model, spend_model crm.spend_model) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$
    INSERT INTO %1$s (%2$s recorded_on, fitted_on, spend_fitted_on, purchase_model, spend_model, customers)
    SELECT %3$s $2, $3, $4, $5, $6, ($5::jsonb ->> 'customers')::bigint FROM (SELECT ($1::%4$s).*) AS o$sql$,
    tracking.models, coalesce(crm.column_list(scale_by, ''::text) || ',', ''), coalesce(crm.column_list(scale_by, 'o.') || ',', ''), tracking.scoring)
  USING rule, recorded_on, fitted_on, spend_fitted_on, purchase_model, spend_model;
END $$;
COMMENT ON FUNCTION crm.record_models(crm.tracked, text[], text, date, date, date, crm.purchase_model, crm.spend_model) IS
  'records models that are in force for a rule';

CREATE FUNCTION crm.record_replacement(tracking crm.tracked, scale_by text[], rule text, replaced_on date, replaced_by text, forecast_from date,
    out_of_sample boolean, accuracy crm.forecast_accuracy_result) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format($sql$
    UPDATE %1$s AS m SET replaced_on = $2, replaced_by = $3, forecast_from = $4, forecast_until = CASE WHEN $4 IS NOT NULL THEN $2 END,
      out_of_sample = CASE WHEN $4 IS NOT NULL THEN $5 END,
      (n, total_expected, total_actual, mean_error, mean_absolute_error, root_mean_squared_error, correlation, top_decile_share) =
        (SELECT a.n, a.total_expected, a.total_actual, a.mean_error, a.mean_absolute_error, a.root_mean_squared_error, a.correlation,
           a.top_decile_share FROM (SELECT ($6).*) AS a WHERE $4 IS NOT NULL)
    FROM (SELECT ($1::%3$s).*) AS o
    WHERE m.replaced_on IS NULL AND %2$s$sql$, tracking.models, crm.same_keys(tracking.models, scale_by, 'm', 'o'), tracking.scoring)
  USING rule, replaced_on, replaced_by, forecast_from, out_of_sample, accuracy;
END $$;
COMMENT ON FUNCTION crm.record_replacement(crm.tracked, text[], text, date, text, date, boolean, crm.forecast_accuracy_result) IS
  'records that the models of a rule were replaced, and how right their forecasts were since forecast_from; without that day, no accuracy';

-- the fits

CREATE FUNCTION crm.warn_not_refitted(what text, rule text, in_force boolean, reason text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE WARNING USING MESSAGE = format('%s of %s was not fitted: %s', what, rule, regexp_replace(reason, '^no fit: ', '')),
    DETAIL = CASE WHEN in_force THEN 'The model in force stays.' ELSE 'None is in force.' END;
END $$;
COMMENT ON FUNCTION crm.warn_not_refitted(text, text, boolean, text) IS 'warns that a refit has left a model as it is';

CREATE FUNCTION crm.refit_purchase_model(rule text, in_force crm.purchase_model, data_check crm.data_check_result, data crm.purchase_model_state)
  RETURNS crm.purchase_model
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  model crm.purchase_model;
  reason text;
BEGIN
  -- "no fit" and "doubtful"
  IF data_check.verdict LIKE 'good%' OR data_check.verdict LIKE 'weak%' THEN
    model := crm.refit(crm.model_to_fit(in_force), data);
    reason := CASE WHEN NOT crm.is_converged(model) THEN crm.fit_verdict(model) END;
  ELSE
    reason := coalesce(data_check.verdict, 'there are no customers');
  END IF;
  IF reason IS NULL THEN
    RETURN model;
  END IF;
  PERFORM crm.warn_not_refitted('purchase model', rule, in_force IS NOT NULL, reason);
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  PERFORM crm.warn_not_refitted('purchase model', rule, in_force IS NOT NULL, SQLERRM);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm.refit_purchase_model(text, crm.purchase_model, crm.data_check_result, crm.purchase_model_state) IS
  'a model of the family in force that can be put in its place; NULL with a warning if there is none';

CREATE FUNCTION crm.refit_spend_model(rule text, in_force crm.spend_model, data crm.spend_model_state) RETURNS crm.spend_model
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  model crm.spend_model;
BEGIN
  model := crm.fit_gamma_gamma_final(data);
  IF model IS NULL THEN
    PERFORM crm.warn_not_refitted('spend model', rule, in_force IS NOT NULL, 'there are no customers');
  ELSIF NOT crm.is_converged(model) THEN
    PERFORM crm.warn_not_refitted('spend model', rule, in_force IS NOT NULL, crm.fit_verdict(model));
    RETURN NULL;
  ELSE
    -- an error if the mean of all customers is infinite
    PERFORM crm.expected_spend(model, 0::float8, 0::float8);
  END IF;
  RETURN model;
EXCEPTION WHEN OTHERS THEN
  PERFORM crm.warn_not_refitted('spend model', rule, in_force IS NOT NULL, SQLERRM);
  RETURN NULL;
END $$;
COMMENT ON FUNCTION crm.refit_spend_model(text, crm.spend_model, crm.spend_model_state) IS
  'a gamma-gamma model that can be put in place of the one in force; NULL with a warning if there is none';

CREATE FUNCTION crm.model_to_fit(in_force crm.purchase_model) RETURNS crm.purchase_model
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(in_force, crm.bg_nbd(1::float8, 1::float8, 1::float8, 1::float8, 1))
$$;
COMMENT ON FUNCTION crm.model_to_fit(crm.purchase_model) IS 'a model of the family that a refit fits: that of the model in force, BG/NBD in days if there is none';

CREATE FUNCTION crm.replace_models(scoring regclass, scale_by text[], rule text, purchase_model crm.purchase_model, spend_model crm.spend_model)
  RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed bigint;
BEGIN
  EXECUTE format($sql$
    UPDATE %1$s AS r SET purchase_model = $2, spend_model = $3 FROM (SELECT ($1::%1$s).*) AS o
    WHERE %2$s AND crm.same_models(r.purchase_model, r.spend_model, o.purchase_model, o.spend_model)$sql$,
    scoring, crm.same_keys(scoring, scale_by, 'r', 'o'))
  USING rule, purchase_model, spend_model;
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed > 0;
END $$;
COMMENT ON FUNCTION crm.replace_models(regclass, text[], text, crm.purchase_model, crm.spend_model) IS
  'puts models in force for a rule; false if it has been given others meanwhile';

-- One row a rule: what the fits need, what is recorded of the models in force,
-- and how right the forecasts were that may have to be recorded.
CREATE FUNCTION crm.refit_query(tracking crm.tracked, scale_by text[]) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN format($query$
    WITH rule AS MATERIALIZED (
      SELECT row_number() OVER (%7$s) AS number, CAST(r.* AS %1$s) AS scoring, %2$s AS name, d.day, r.purchase_model, r.spend_model, crm.model_to_fit(r.purchase_model) AS model_to_fit,
        m.recorded_on IS NOT NULL AS is_recorded, s.still_in_force, m.purchase_model AS recorded_model,
        CASE WHEN s.same_purchase_model THEN m.fitted_on END AS fitted_on,
        CASE WHEN s.same_spend_model THEN m.spend_fitted_on END AS spend_fitted_on,
        f.forecast_from, coalesce(m.fitted_on, m.recorded_on) <= f.forecast_from AS out_of_sample,
        CASE WHEN NOT s.still_in_force THEN r.purchase_model END AS model_by_hand,
        CASE WHEN s.same_purchase_model THEN f.forecast_from ELSE d.day - r.horizon_days END AS by_hand_from,
        coalesce(m.fitted_on, m.recorded_on) <= f.forecast_from AND s.same_purchase_model AS by_hand_out_of_sample
      FROM %1$s AS r
        CROSS JOIN LATERAL (SELECT coalesce($1, (statement_timestamp() AT TIME ZONE r.time_zone)::date) AS day) AS d
        LEFT JOIN %3$s AS m ON m.replaced_on IS NULL AND %4$s
        CROSS JOIN LATERAL (
          SELECT m.recorded_on IS NOT NULL AND crm.same_models(m.purchase_model, m.spend_model, r.purchase_model, r.spend_model) AS still_in_force,
            crm.same_models(m.purchase_model, NULL::crm.spend_model, r.purchase_model, NULL::crm.spend_model) AS same_purchase_model,
            crm.same_models(NULL::crm.purchase_model, m.spend_model, NULL::crm.purchase_model, r.spend_model) AS same_spend_model) AS s
        CROSS JOIN LATERAL (
          SELECT CASE
            WHEN m.fitted_on < d.day THEN m.fitted_on
            WHEN m.fitted_on IS NOT NULL OR m.purchase_model IS NULL THEN NULL
            WHEN m.recorded_on < d.day THEN m.recorded_on
            ELSE d.day - r.horizon_days END AS forecast_from) AS f),
    data AS (
      SELECT g.number, crm.data_check(h.history, g.day) AS data_check,
        crm.purchase_fit_data(g.model_to_fit, h.history, g.day) AS purchases, crm.spend_fit_data(h.history, g.day) AS spend,
        crm.forecast_accuracy(crm.expected_purchases(g.recorded_model, h.history, g.forecast_from, g.day),
          crm.purchase_days(crm.within(h.history, daterange(g.forecast_from, g.day, '(]')))::float8) AS accuracy,
        crm.forecast_accuracy(crm.expected_purchases(g.model_by_hand, h.history, g.by_hand_from, g.day),
          crm.purchase_days(crm.within(h.history, daterange(g.by_hand_from, g.day, '(]')))::float8) AS accuracy_by_hand
      FROM rule AS g JOIN %5$s AS h ON %6$s
      GROUP BY g.number)
    SELECT g.scoring::text AS scoring, g.name, g.day, g.purchase_model, g.spend_model, g.is_recorded, g.still_in_force, g.fitted_on, g.spend_fitted_on,
      g.forecast_from, g.out_of_sample, g.by_hand_from, g.by_hand_out_of_sample, data.data_check, data.purchases, data.spend, data.accuracy,
      data.accuracy_by_hand
    FROM rule AS g LEFT JOIN data ON data.number = g.number ORDER BY g.number$query$,
    tracking.scoring,
    coalesce((SELECT format('concat_ws('', '', %s)', string_agg(format('concat(%L, '' '', r.%I)', k, k), ', ' ORDER BY n))
              FROM unnest(scale_by) WITH ORDINALITY AS u(k, n) HAVING count(*) > 0), 'NULL::text'),
    tracking.models, crm.same_keys(tracking.scoring, scale_by, 'm', 'r'), tracking.histories, crm.same_keys(tracking.scoring, scale_by, '(g.scoring)', 'h'),
    coalesce('ORDER BY ' || crm.column_list(scale_by, 'r.'), ''));
END $$;
COMMENT ON FUNCTION crm.refit_query(crm.tracked, text[]) IS
  'the query that reads all histories once for a refit, as of $1 or of today where each rule''s customers are';

-- the settings under which every rule's text is read again as it was
CREATE FUNCTION crm.refit_rules(tracking crm.tracked, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET extra_float_digits = 3 SET datestyle = iso SET intervalstyle = postgres AS $$
DECLARE
  scale_by constant text[] := crm.scale_by(tracking.histories, tracking.scoring);
  t crm.tracked;
  rule record;
  name text;
  purchase crm.purchase_model;
  spend crm.spend_model;
  replaced boolean;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_class WHERE oid = tracking.models) THEN
    tracking.models := crm.make_models(tracking, scale_by);
  END IF;
  PERFORM crm.add_rules(tracking.scoring, scale_by, tracking.histories);
  FOR rule IN EXECUTE crm.refit_query(tracking, scale_by) USING as_of LOOP
    name := tracking.scoring || coalesce(' (' || rule.name || ')', '');
    purchase := crm.refit_purchase_model(name, rule.purchase_model, rule.data_check, rule.purchases);
    spend := crm.refit_spend_model(name, rule.spend_model, rule.spend);
    replaced := NOT crm.same_models(coalesce(purchase, rule.purchase_model), coalesce(spend, rule.spend_model), rule.purchase_model, rule.spend_model);
    IF replaced AND NOT crm.replace_models(tracking.scoring, scale_by, rule.scoring, coalesce(purchase, rule.purchase_model), coalesce(spend, rule.spend_model)) THEN
      RAISE WARNING '% was changed while models for it were fitted: it keeps the models that it was given', name;
      CONTINUE;
    END IF;

    -- models that came by hand since the last refit
    IF NOT rule.still_in_force THEN
      IF rule.is_recorded THEN
        PERFORM crm.record_replacement(tracking, scale_by, rule.scoring, rule.day, 'hand', rule.forecast_from, rule.out_of_sample, rule.accuracy);
      END IF;
      IF num_nonnulls(rule.purchase_model, rule.spend_model) > 0 THEN
        PERFORM crm.record_models(tracking, scale_by, rule.scoring, rule.day, rule.fitted_on, rule.spend_fitted_on, rule.purchase_model, rule.spend_model);
      END IF;
    END IF;

    IF replaced THEN
      IF rule.still_in_force THEN
        PERFORM crm.record_replacement(tracking, scale_by, rule.scoring, rule.day, 'refit', rule.forecast_from, rule.out_of_sample, rule.accuracy);
      ELSE
        PERFORM crm.record_replacement(tracking, scale_by, rule.scoring, rule.day, 'refit',
          CASE WHEN rule.purchase_model IS NOT NULL THEN rule.by_hand_from END, coalesce(rule.by_hand_out_of_sample, false), rule.accuracy_by_hand);
      END IF;
      PERFORM crm.record_models(tracking, scale_by, rule.scoring, rule.day,
        CASE WHEN purchase IS NULL THEN rule.fitted_on ELSE rule.day END, CASE WHEN spend IS NULL THEN rule.spend_fitted_on ELSE rule.day END,
        coalesce(purchase, rule.purchase_model), coalesce(spend, rule.spend_model));
    END IF;
  END LOOP;
  -- after the rules, as every step of a refresh does
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = tracking.histories AND o.models IS DISTINCT FROM tracking.models LOOP
    t.models := tracking.models;
    PERFORM crm.write_tracked(t.purchases, t, '{models}'::text[]);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.refit_rules(crm.tracked, date) IS
  'fits the models of all rules anew as of a day, and records which were in force before';

CREATE FUNCTION crm.refit_models(tracking regclass, as_of date) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
BEGIN
  -- what hangs on the tables is their owner's and runs as the owner
  IF NOT crm.is_owner(t.histories) THEN
    PERFORM crm.as_owner(t.histories, format('SELECT crm.refit_models(%s::regclass, %L::date)', tracking::oid, as_of));
    RETURN;
  END IF;
  -- one refit of a tracking at a time; holds off no statement on the orders, and is no lock that just anybody can take
  EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', t.scoring);
  PERFORM crm.refit_rules(crm.tracking_of(tracking), as_of);
EXCEPTION WHEN OTHERS THEN
  RAISE WARNING USING MESSAGE = format('models of %s were not fitted: %s', coalesce(t.scoring::text, tracking::text), SQLERRM),
    DETAIL = 'The models in force stay.';
END $$;
COMMENT ON FUNCTION crm.refit_models(regclass, date) IS
  'fits all models of a tracking anew, a step of crm.refresh before the new scales; whatever goes wrong is a warning';
-- track_tiers: decisions on the tiers of tracked customers, and their standing

-- the score of a customer on whom something was decided

CREATE FUNCTION crm.score_customer(history crm.purchase_history, as_of date, scale crm.rfm_scale, segments crm.segment_map,
    look_back_days int, tier_program crm.tier_program, purchase_model crm.purchase_model, spend_model crm.spend_model,
    margin float8, horizon_days int, discount_rate float8, overrides crm.tier_override[], memberships daterange[]) RETURNS crm.customer_score
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_score_customer';
COMMENT ON FUNCTION crm.score_customer(crm.purchase_history, date, crm.rfm_scale, crm.segment_map, int, crm.tier_program,
    crm.purchase_model, crm.spend_model, float8, int, float8, crm.tier_override[], daterange[]) IS
  'the score of a customer on a day by the rules of a tracking and by what was decided on the tier';

CREATE FUNCTION crm.known_overrides(program crm.tier_program, overrides crm.tier_override[]) RETURNS crm.tier_override[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_known_overrides';
COMMENT ON FUNCTION crm.known_overrides(crm.tier_program, crm.tier_override[]) IS
  'those overrides whose tiers the programme has: others were decided under an earlier one and do not count';

-- the triggers

CREATE FUNCTION crm.decide_statement() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_decide_statement';
COMMENT ON FUNCTION crm.decide_statement() IS 'scores customers anew after a statement on decisions on their tiers';
CREATE FUNCTION crm.decide_truncate() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_decide_truncate';
COMMENT ON FUNCTION crm.decide_truncate() IS 'scores customers anew before decisions on their tiers are truncated';

-- The names of what follows a table; others may have taken the plain ones.
CREATE FUNCTION crm.own_triggers(relation regclass) RETURNS SETOF pg_trigger
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.* FROM pg_trigger g
  WHERE g.tgrelid = relation AND g.tgfoid IN ('crm.track_statement()'::regprocedure, 'crm.track_row()'::regprocedure,
    'crm.track_truncate()'::regprocedure, 'crm.decide_statement()'::regprocedure, 'crm.decide_truncate()'::regprocedure)
$$;
COMMENT ON FUNCTION crm.own_triggers(regclass) IS 'the triggers of a table that are the extension''s, known by their functions';
CREATE FUNCTION crm.trigger_name(relation regclass, wanted text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT wanted || coalesce(nullif(n, 0)::text, '') FROM generate_series(0, 1000) AS n
  WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND tgname = (wanted || coalesce(nullif(n, 0)::text, ''))::name)
  ORDER BY n LIMIT 1
$$;
COMMENT ON FUNCTION crm.trigger_name(regclass, text) IS 'the name of a new trigger, numbered if another has it';

CREATE FUNCTION crm.decision_triggers(decisions regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made record;
BEGIN
  FOR made IN
    SELECT v.name, v.event, v.rows, v.function FROM (VALUES
      ('crm_insert', 'AFTER INSERT', 'REFERENCING NEW TABLE AS new_rows', 'crm.decide_statement', 4),
      ('crm_update', 'AFTER UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', 'crm.decide_statement', 16),
      ('crm_delete', 'AFTER DELETE', 'REFERENCING OLD TABLE AS old_rows', 'crm.decide_statement', 8),
      ('crm_truncate', 'BEFORE TRUNCATE', '', 'crm.decide_truncate', 32)) AS v(name, event, rows, function, tgtype)
    WHERE NOT EXISTS (SELECT FROM crm.own_triggers(decisions) AS g WHERE g.tgtype & 60 = v.tgtype)
  LOOP
    EXECUTE format('CREATE TRIGGER %I %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s()',
      crm.trigger_name(decisions, made.name), made.event, decisions, made.rows, made.function);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.decision_triggers(regclass) IS 'installs the triggers on a table of decisions where they are missing';

-- The statements that take decisions into account. d is always what was decided on a customer.

-- What was decided, one row a customer.
CREATE FUNCTION crm.decisions_query(decisions regclass, keys text[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($query$SELECT %1$s,
      array_agg(ROW(CASE what WHEN 'floor' THEN tier END, CASE what WHEN 'ceiling' THEN tier END, valid)::crm.tier_override)
        FILTER (WHERE tier IS NOT NULL) AS overrides,
      array_agg(valid) FILTER (WHERE tier IS NULL) AS memberships
    FROM %2$s GROUP BY %1$s$query$, crm.column_list(keys, ''::text), decisions)
$$;
COMMENT ON FUNCTION crm.decisions_query(regclass, text[]) IS
  'the query of what was decided on customers, as overrides and memberships';

CREATE FUNCTION crm.decisions_join(histories regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((
    SELECT format('LEFT JOIN (%s) AS d ON %s', crm.decisions_query(t.decisions, keys), crm.same_keys(t.histories, keys, 'd', 'h'))
    FROM crm.tracked t, crm.history_keys(t.histories) AS keys
    WHERE t.histories = decisions_join.histories AND t.decisions IS NOT NULL LIMIT 1), '')
$$;
COMMENT ON FUNCTION crm.decisions_join(regclass) IS
  'what joins decisions to the histories h; empty if the tracking keeps none';

CREATE FUNCTION crm.memberships(by_invitation boolean, prefix text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN by_invitation THEN format('coalesce(%smemberships, ''{}'')', prefix) ELSE 'NULL::daterange[]' END
$$;
COMMENT ON FUNCTION crm.memberships(boolean, text) IS 'the memberships of a customer, as crm.standing takes them';

CREATE FUNCTION crm.score_call(histories regclass, history text, as_of text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((
    SELECT format('crm.score_customer(%s, %s, %s, d.overrides, %s)', history, as_of, crm.column_list(crm.rule_columns(), 'r.'),
      crm.memberships(t.by_invitation, 'd.'))
    FROM crm.tracked t WHERE t.histories = score_call.histories AND t.decisions IS NOT NULL LIMIT 1), crm.score_call(history, as_of))
$$;
COMMENT ON FUNCTION crm.score_call(regclass, text, text) IS
  'the call that scores a history by the rule r and by what was decided, if the tracking keeps that';

-- Customers without purchases stand as they were decided on.
CREATE FUNCTION crm.standing_query(histories regclass, scoring regclass, decisions regclass, by_invitation boolean) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm.history_keys(histories);
BEGIN
  RETURN format($query$
    SELECT %1$s, s.tier, s.rank AS tier_rank, s.since AS tier_since, s.expires_on AS tier_expires_on,
      s.expires_on - t.today AS days_until_expiry,
      CASE WHEN s.expires_on IS NOT NULL
        THEN crm.tier(r.tier_program, crm.until(c.history, t.today), s.expires_on, o.overrides, %7$s) END AS tier_then,
      s.next_tier, s.metric_value, s.missing_for_next, s.missing_to_keep, s.reason
    FROM (SELECT %2$s, h.history, d.overrides, d.memberships FROM %3$s AS h LEFT JOIN (%4$s) AS d ON %5$s
          UNION ALL
          SELECT %6$s, '{}'::crm.purchase_history, d.overrides, d.memberships FROM (%4$s) AS d
          WHERE NOT EXISTS (SELECT FROM %3$s AS h WHERE %5$s)) AS c
      LEFT JOIN %8$s AS r ON %9$s
      CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE r.time_zone)::date AS today) AS t
      CROSS JOIN LATERAL (SELECT crm.known_overrides(r.tier_program, c.overrides) AS overrides) AS o
      CROSS JOIN LATERAL crm.standing(r.tier_program, c.history, t.today, o.overrides, %7$s) AS s$query$,
    crm.column_list(keys, 'c.'), crm.column_list(keys, 'h.'), histories, crm.decisions_query(decisions, keys),
    crm.same_keys(histories, keys, 'd', 'h'), crm.column_list(keys, 'd.'), crm.memberships(by_invitation, 'c.'),
    scoring, crm.same_keys(histories, crm.scale_by(histories, scoring), 'r', 'c'));
END $$;
COMMENT ON FUNCTION crm.standing_query(regclass, regclass, regclass, boolean) IS 'the query of a view of standings';

-- the objects

CREATE FUNCTION crm.comment_columns(relation regclass, comments jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  PERFORM crm.comment_columns(relation);
  FOR c IN SELECT key, value FROM jsonb_each_text(comments) LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, c.key, c.value);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.comment_columns(regclass, jsonb) IS 'comments the columns of a table or view, those named as it is said there';

CREATE FUNCTION crm.make_decisions(histories regclass, decisions_name text, by_invitation boolean) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm.history_keys(histories);
BEGIN
  EXECUTE format('CREATE TABLE %s AS SELECT %s, NULL::text AS what, NULL::text AS tier, NULL::daterange AS valid, NULL::text AS decided_by,
                  NULL::timestamptz AS decided_at, NULL::text AS why FROM %s WITH NO DATA', decisions_name, crm.column_list(keys, ''::text), histories);
  EXECUTE format($sql$ALTER TABLE %1$s %2$s,
    ALTER what SET NOT NULL, ALTER valid SET NOT NULL,
    ALTER decided_by SET NOT NULL, ALTER decided_by SET DEFAULT session_user,
    ALTER decided_at SET NOT NULL, ALTER decided_at SET DEFAULT now(),
    ALTER why SET NOT NULL,
    ADD CONSTRAINT what_is_a_kind_of_decision CHECK (what IN ('floor', 'ceiling', 'membership')),
    ADD CONSTRAINT tier_goes_with_floor_or_ceiling CHECK ((what = 'membership') = (tier IS NULL)),
    ADD CONSTRAINT valid_has_days CHECK (NOT isempty(valid)),
    ADD CONSTRAINT decided_by_is_given CHECK (decided_by ~ '\S'),
    ADD CONSTRAINT why_is_given CHECK (why ~ '\S')$sql$, decisions_name,
    (SELECT string_agg(format('ALTER %I SET NOT NULL', k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)));
  IF NOT by_invitation THEN
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT membership_is_by_invitation CHECK (what <> ''membership'')', decisions_name);
  END IF;
  EXECUTE format('CREATE INDEX ON %s (%s)', decisions_name, crm.column_list(keys, ''::text));
  EXECUTE format('COMMENT ON TABLE %s IS %L', decisions_name,
    format('who decided what on the tiers of the customers of %s, and why; a row changes the tier at once', histories));
  PERFORM crm.comment_columns(decisions_name::regclass, jsonb_build_object(
    'what', 'floor: not below the tier; ceiling: not above it; membership: of a programme by invitation',
    'tier', 'the tier of a floor or a ceiling; NULL for a membership',
    'valid', 'the days on which it holds',
    'decided_by', 'who decided it',
    'decided_at', 'when',
    'why', 'the reason, for the auditor'));
  PERFORM crm.decision_triggers(decisions_name::regclass);
  RETURN decisions_name::regclass;
END $$;
COMMENT ON FUNCTION crm.make_decisions(regclass, text, boolean) IS 'makes the table of decisions on the tiers of customers';

CREATE FUNCTION crm.make_standing(tracking crm.tracked, standing_name text) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('CREATE VIEW %s %s AS %s', standing_name,
    CASE WHEN current_setting('server_version_num')::int >= 150000 THEN 'WITH (security_invoker = true)' ELSE '' END,
    crm.standing_query(tracking.histories, tracking.scoring, tracking.decisions, tracking.by_invitation));
  EXECUTE format('COMMENT ON VIEW %s IS %L', standing_name,
    format('how the customers of %s stand in the tier programme today, decisions included', tracking.purchases));
  PERFORM crm.comment_columns(standing_name::regclass, jsonb_build_object(
    'tier', 'tier held today; NULL if none',
    'tier_rank', 'rank of the tier, 1 for the lowest, 0 without a tier; NULL without a programme',
    'tier_since', 'first day of the unbroken time at this tier',
    'tier_expires_on', 'first day of a lower tier or none, if nothing more is bought; NULL if there is no such day',
    'days_until_expiry', 'days from today until then',
    'tier_then', 'tier held from that day on; NULL if none',
    'next_tier', 'the tier above; NULL for the highest',
    'metric_value', 'the programme''s main metric today',
    'missing_for_next', 'what is missing in that metric for the next tier',
    'missing_to_keep', 'what is missing in that metric to keep the tier beyond tier_expires_on; NULL if nothing bought would',
    'reason', 'why the customer holds this tier'));
  RETURN standing_name::regclass;
END $$;
COMMENT ON FUNCTION crm.make_standing(crm.tracked, text) IS 'makes the view of standings';

CREATE FUNCTION crm.make_tier_functions(tracking crm.tracked, expiring_name text, within_reach_name text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm.history_keys(tracking.histories);
BEGIN
  EXECUTE format($sql$CREATE FUNCTION %1$s(within_days int DEFAULT 30)
      RETURNS TABLE (%2$s, tier text, downgraded_on date, days_until_downgrade int, tier_then text, missing_to_keep numeric)
      LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %3$L$sql$,
    expiring_name,
    (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY n)
     FROM unnest(keys) WITH ORDINALITY AS u(k, n) JOIN pg_attribute a ON a.attrelid = tracking.histories AND a.attname = u.k),
    format('SELECT %s, s.tier, s.tier_expires_on, s.days_until_expiry, s.tier_then, s.missing_to_keep FROM %s AS s WHERE s.days_until_expiry <= $1',
      crm.column_list(keys, 's.'), tracking.standing));
  EXECUTE format('COMMENT ON FUNCTION %s(int) IS %L', expiring_name,
    format('the customers of %s who will hold a lower tier on a day within so many days if they buy nothing more', tracking.purchases));
  EXECUTE format('CREATE FUNCTION %s(missing numeric) RETURNS SETOF %s LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
    within_reach_name, tracking.standing, format('SELECT s.* FROM %s AS s WHERE s.missing_for_next <= $1', tracking.standing));
  EXECUTE format('COMMENT ON FUNCTION %s(numeric) IS %L', within_reach_name,
    format('the customers of %s who miss at most so much for the next tier', tracking.purchases));
END $$;
COMMENT ON FUNCTION crm.make_tier_functions(crm.tracked, text, text) IS
  'makes the functions of customers who will be downgraded and of those within reach of the next tier';

CREATE FUNCTION crm.tier_functions(standing regclass) RETURNS SETOF regprocedure
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.oid::regprocedure
  FROM pg_class c JOIN pg_proc p ON p.pronamespace = c.relnamespace
  WHERE c.oid = standing AND p.proretset AND pg_has_role(p.proowner, c.relowner, 'USAGE')
    AND (p.prorettype = c.reltype AND p.proargtypes = '1700'::oidvector
      OR p.proargtypes = '23'::oidvector AND p.proargnames @> '{within_days,downgraded_on,tier_then}'
        AND strpos(p.prosrc, format('FROM %s AS s', standing)) > 0)
$$;
COMMENT ON FUNCTION crm.tier_functions(regclass) IS 'the functions beside a view of standings';

CREATE FUNCTION crm.drop_tiers(decisions regclass, standing regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  function regprocedure;
BEGIN
  IF EXISTS (SELECT FROM pg_class WHERE oid = decisions) THEN
    PERFORM crm.drop_triggers(decisions);
  END IF;
  IF EXISTS (SELECT FROM pg_class WHERE oid = standing) THEN
    FOR function IN SELECT f FROM crm.tier_functions(standing) AS f LOOP
      EXECUTE format('DROP FUNCTION %s', function);
    END LOOP;
    EXECUTE format('DROP VIEW %s', standing);
  END IF;
END $$;
COMMENT ON FUNCTION crm.drop_tiers(regclass, regclass) IS
  'drops what crm.track_tiers made, but the table of decisions';

-- checks, one a rule

CREATE FUNCTION crm.check_tiers_trackable(tracking crm.tracked) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  reserved constant text[] := '{what,tier,valid,decided_by,decided_at,why,tier_rank,tier_since,tier_expires_on,days_until_expiry,tier_then,next_tier,
    metric_value,missing_for_next,missing_to_keep,reason,overrides,memberships,within_days,downgraded_on,days_until_downgrade}';
  k text;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE active_sql_transaction USING MESSAGE = format('crm.track_tiers cannot run in a %s transaction', upper(current_setting('transaction_isolation'))),
      DETAIL = 'It has to see what others commit before it gets its lock.';
  ELSIF NOT (SELECT pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = tracking.histories) THEN
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of table %s', tracking.histories);
  ELSIF tracking.decisions IS NOT NULL THEN
    RAISE duplicate_object USING MESSAGE = format('decisions on the tiers of %s are tracked already', tracking.purchases),
      DETAIL = format('They stand in %s.', tracking.decisions);
  END IF;
  FOREACH k IN ARRAY crm.history_keys(tracking.histories) LOOP
    IF k = ANY (reserved) THEN
      RAISE duplicate_column USING MESSAGE = format('key column %I of %s has the name of a column that crm.track_tiers makes', k, tracking.histories),
        HINT = 'Give it another name in the purchases view, and track that.';
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm.check_tiers_trackable(crm.tracked) IS 'an error if a tracking cannot get decisions on tiers';

CREATE FUNCTION crm.warn_of_unknown_tiers(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(histories);
  unknown bigint;
BEGIN
  IF t.decisions IS NULL THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT count(*) FROM %s AS d JOIN %s AS r ON %s WHERE d.tier IS NOT NULL AND r.tier_program IS NOT NULL
                    AND NOT EXISTS (SELECT FROM crm.tiers(r.tier_program) AS p WHERE p.tier = d.tier)',
    t.decisions, t.scoring, crm.same_keys(t.histories, crm.scale_by(t.histories, t.scoring), 'r', 'd')) INTO unknown;
  IF unknown > 0 THEN
    RAISE WARNING 'decisions that name a tier which the programme does not have: %', unknown
      USING DETAIL = format('They stand in %s and do not count.', t.decisions);
  END IF;
END $$;
COMMENT ON FUNCTION crm.warn_of_unknown_tiers(regclass) IS
  'a warning if decisions name tiers that the programme in force does not have';

-- the call

CREATE FUNCTION crm.track_tiers(tracking regclass, by_invitation boolean DEFAULT false) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  o crm.tracked;
  schema oid;
  base text;
  names text[];
BEGIN
  IF NOT crm.is_owner(t.histories) THEN
    RETURN crm.as_owner(t.histories, format('SELECT crm.track_tiers(%s::regclass, %L::boolean)', tracking::oid, by_invitation))::regclass;
  END IF;
  IF by_invitation IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'by_invitation cannot be NULL';
  END IF;
  PERFORM crm.check_tiers_trackable(t);
  -- Nobody who does not know of decisions may still be scoring.
  PERFORM crm.lock_sources(t.histories);
  EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', t.scoring);

  SELECT relnamespace, regexp_replace(relname, '(.)_histories\d*$', '\1') INTO schema, base
  FROM pg_class WHERE oid = t.histories;
  names := ARRAY(SELECT format('%s.%I', schema::regnamespace, crm.free_name(schema, base, s))
                 FROM unnest('{_tier_decisions,_standing,_tier_expiring,_within_reach}'::text[]) WITH ORDINALITY AS u(s, n) ORDER BY n);
  t.by_invitation := track_tiers.by_invitation;
  t.decisions := crm.make_decisions(t.histories, names[1], by_invitation);
  t.standing := crm.make_standing(t, names[2]);
  PERFORM crm.make_tier_functions(t, names[3], names[4]);
  FOR o IN SELECT * FROM crm.tracked s WHERE s.histories = t.histories LOOP
    o.decisions := t.decisions;
    o.standing := t.standing;
    o.by_invitation := t.by_invitation;
    PERFORM crm.write_tracked(o.purchases, o, '{decisions,standing,by_invitation}'::text[]);
  END LOOP;
  IF crm.customers_on(t.customers) IS NOT NULL THEN
    PERFORM crm.make_customers_on(t.purchases, t.histories, t.scoring, t.customers,
      (SELECT substring(attname FROM '^clv_(\d+)d$')::int FROM pg_attribute
       WHERE attrelid = t.customers AND attname ~ '^clv_\d+d$' ORDER BY attnum DESC LIMIT 1),
      crm.customers_on(t.customers));
  END IF;
  IF by_invitation THEN
    PERFORM crm.rescore(t.histories, NULL::text[], 2147483647, 'decision'::text);
  END IF;
  RETURN t.standing;
END $$;
COMMENT ON FUNCTION crm.track_tiers(regclass, boolean) IS
  'keeps decisions on the tiers of a tracking''s customers (floors, ceilings, memberships) and shows how everybody stands; returns the view of standings';
