-- occasion_model: customers who can buy at given occasions (BG/BB): donors, visitors of fairs, season tickets

@type occasion_model|20|20|plain|the text form
COMMENT ON TYPE crm.occasion_model IS
  'a fitted or given BG/BB model of who buys at given occasions, such as once a year: bg_bb(alpha 1.2, beta 0.75, gamma 0.66, delta 2.8)';

-- from known parameters

CREATE FUNCTION crm.bg_bb(alpha float8, beta float8, gamma float8, delta float8) RETURNS crm.occasion_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_bg_bb';
COMMENT ON FUNCTION crm.bg_bb(float8, float8, float8, float8) IS
  'a BG/BB model of known parameters: who is still a customer buys at an occasion with a probability from beta(alpha, beta), and leaves before the next with one from beta(gamma, delta)';

-- the fit

CREATE FUNCTION crm_internal.occasion_model_transition(crm.purchase_model_state, int, int, int) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_occasion_model_numbers';
COMMENT ON FUNCTION crm_internal.occasion_model_transition(crm.purchase_model_state, int, int, int) IS
  'transition function of fit_bg_bb';
CREATE FUNCTION crm_internal.fit_bg_bb_final(crm.purchase_model_state) RETURNS crm.occasion_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_bg_bb';
COMMENT ON FUNCTION crm_internal.fit_bg_bb_final(crm.purchase_model_state) IS
  'final function of fit_bg_bb';
CREATE AGGREGATE crm.fit_bg_bb(x int, last_occasion int, occasions int) (
  SFUNC = crm_internal.occasion_model_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_bg_bb_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_bb(int, int, int) IS
  'the BG/BB model that fits customers best who bought at x of so many occasions since the first purchase, the last time at last_occasion (0: never)';

-- what a model tells

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
CREATE FUNCTION crm_internal.occasion_model_to_jsonb(crm.occasion_model) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_occasion_model_to_jsonb';
COMMENT ON FUNCTION crm_internal.occasion_model_to_jsonb(crm.occasion_model) IS
  'model, parameters and fit as a jsonb object';
CREATE CAST (crm.occasion_model AS jsonb) WITH FUNCTION crm_internal.occasion_model_to_jsonb(crm.occasion_model);
COMMENT ON CAST (crm.occasion_model AS jsonb) IS 'model, parameters and fit as a jsonb object';

@comparison occasion_model|1|order by the bytes, of no meaning but equality|equal values

-- predictions

CREATE TYPE crm.occasion_forecast_result AS (
  p_alive float8,
  expected_purchases float8,
  dert float8
);
COMMENT ON TYPE crm.occasion_forecast_result IS 'what is to come of a customer who may buy on given occasions';
COMMENT ON COLUMN crm.occasion_forecast_result.p_alive IS 'the probability that she is still a customer at the next occasion';
COMMENT ON COLUMN crm.occasion_forecast_result.expected_purchases IS 'expected purchases at the occasions ahead';
COMMENT ON COLUMN crm.occasion_forecast_result.dert IS 'expected purchases at all occasions to come, discounted from one to the next; NULL where infinite';

CREATE FUNCTION crm.occasion_forecast(model crm.occasion_model, x int, last_occasion int, occasions int, ahead int DEFAULT 1, discount_rate float8 DEFAULT 0) RETURNS crm.occasion_forecast_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_occasion_forecast';
COMMENT ON FUNCTION crm.occasion_forecast(crm.occasion_model, int, int, int, int, float8) IS
  'what is to come of a customer who bought at x of so many occasions, the last time at last_occasion: the probability that she is still a customer at the next one, purchases at so many ahead, and at all to come, discounted from one occasion to the next (NULL where infinite); 0, 0, 0 for a new customer';
