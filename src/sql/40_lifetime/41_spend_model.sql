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
