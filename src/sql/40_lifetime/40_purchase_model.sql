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
