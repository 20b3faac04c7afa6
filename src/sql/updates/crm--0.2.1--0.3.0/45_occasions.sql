-- as in 40_lifetime/45_occasions.sql; occasion_model: customers who can buy at given occasions (BG/BB): donors, visitors of fairs, season tickets

CREATE TYPE crm.occasion_model;

CREATE FUNCTION crm_internal.occasion_model_in(cstring) RETURNS crm.occasion_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_occasion_model_in';
COMMENT ON FUNCTION crm_internal.occasion_model_in(cstring) IS 'reads the text form';
CREATE FUNCTION crm_internal.occasion_model_out(crm.occasion_model) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_occasion_model_out';
COMMENT ON FUNCTION crm_internal.occasion_model_out(crm.occasion_model) IS 'writes the text form';
CREATE FUNCTION crm_internal.occasion_model_recv(internal) RETURNS crm.occasion_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_occasion_model_recv';
COMMENT ON FUNCTION crm_internal.occasion_model_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm_internal.occasion_model_send(crm.occasion_model) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_occasion_model_send';
COMMENT ON FUNCTION crm_internal.occasion_model_send(crm.occasion_model) IS 'writes the binary form';

CREATE TYPE crm.occasion_model (
  INPUT = crm_internal.occasion_model_in,
  OUTPUT = crm_internal.occasion_model_out,
  RECEIVE = crm_internal.occasion_model_recv,
  SEND = crm_internal.occasion_model_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.occasion_model IS
  'a fitted or given BG/BB model of who buys at given occasions, such as once a year: bg_bb(alpha 1.2, beta 0.75, gamma 0.66, delta 2.8)';

@create crm.bg_bb
@create crm_internal.occasion_model_transition
@create crm_internal.fit_bg_bb_final
@create crm.fit_bg_bb

CREATE FUNCTION crm.parameters(model crm.occasion_model, OUT name text, OUT estimate float8, OUT standard_error float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 4 AS 'MODULE_PATHNAME', 'crm_occasion_model_parameters';
COMMENT ON FUNCTION crm.parameters(crm.occasion_model) IS
  'the parameters as rows; the standard error is NULL unless a fit converged';
CREATE FUNCTION crm.is_converged(model crm.occasion_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_occasion_model_is_converged';
COMMENT ON FUNCTION crm.is_converged(crm.occasion_model) IS
  'whether the model can predict: its fit converged, or its parameters were given';
CREATE FUNCTION crm.fit_verdict(model crm.occasion_model) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_occasion_model_fit_verdict';
COMMENT ON FUNCTION crm.fit_verdict(crm.occasion_model) IS
  'how the fit ended, in words';
CREATE FUNCTION crm.log_likelihood(model crm.occasion_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_occasion_model_log_likelihood';
COMMENT ON FUNCTION crm.log_likelihood(crm.occasion_model) IS
  'log-likelihood of the fit; NULL if the parameters were given';
CREATE FUNCTION crm.aic(model crm.occasion_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_occasion_model_aic';
COMMENT ON FUNCTION crm.aic(crm.occasion_model) IS
  'Akaike''s information criterion, less is better; NULL if the parameters were given';
CREATE FUNCTION crm.bic(model crm.occasion_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_occasion_model_bic';
COMMENT ON FUNCTION crm.bic(crm.occasion_model) IS
  'Bayesian information criterion, less is better; NULL if the parameters were given';
@create crm_internal.occasion_model_to_jsonb
CREATE CAST (crm.occasion_model AS jsonb) WITH FUNCTION crm_internal.occasion_model_to_jsonb(crm.occasion_model);
COMMENT ON CAST (crm.occasion_model AS jsonb) IS 'model, parameters and fit as a jsonb object';

@comparison occasion_model|1|order by the bytes, of no meaning but equality|equal values

@create crm.occasion_forecast
