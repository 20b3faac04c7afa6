-- renewal_curve: how long the contracts of customers lasted, with those that are still running

@type renewal_curve|50|50|extended|the text form
COMMENT ON TYPE crm.renewal_curve IS
  'customers by the period in which they were lost, and by the renewals of those still there: year {0 0 5, 1 369 0, 2 163 468}';

-- from contracts, from counts, and of several cohorts

CREATE FUNCTION crm_internal.renewal_curve_plus(crm.renewal_curve, crm.renewal_curve) RETURNS crm.renewal_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_renewal_curve_plus';
COMMENT ON FUNCTION crm_internal.renewal_curve_plus(crm.renewal_curve, crm.renewal_curve) IS
  'implementation of + operator';
CREATE FUNCTION crm_internal.renewals_final(crm.renewal_curve) RETURNS crm.renewal_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_renewals_final';
COMMENT ON FUNCTION crm_internal.renewals_final(crm.renewal_curve) IS
  'final function of the aggregate renewals';
CREATE FUNCTION crm_internal.renewals_transition(crm.renewal_curve, daterange[], date, text) RETURNS crm.renewal_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_renewals_transition';
COMMENT ON FUNCTION crm_internal.renewals_transition(crm.renewal_curve, daterange[], date, text) IS
  'transition function of the aggregate renewals';
CREATE AGGREGATE crm.renewals(contracts daterange[], as_of date, period text) (
  SFUNC = crm_internal.renewals_transition,
  STYPE = crm.renewal_curve,
  SSPACE = 512,
  FINALFUNC = crm_internal.renewals_final,
  COMBINEFUNC = crm_internal.renewal_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.renewals(daterange[], date, text) IS
  'how often the contracts of customers were renewed, a row a customer with all contracts: lost are those whose last contract ended by as_of, all others are still there; who left and came back stayed';
CREATE AGGREGATE crm.merge(curve crm.renewal_curve) (
  SFUNC = crm_internal.renewal_curve_plus,
  STYPE = crm.renewal_curve,
  SSPACE = 512,
  COMBINEFUNC = crm_internal.renewal_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.renewal_curve) IS 'the customers of all curves';

CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.renewal_curve_plus,
  LEFTARG = crm.renewal_curve,
  RIGHTARG = crm.renewal_curve,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.renewal_curve, crm.renewal_curve) IS 'the customers of both curves';

CREATE FUNCTION crm.renewal_curve(customers bigint[], period text DEFAULT 'year', began_on date DEFAULT NULL, as_of date DEFAULT NULL) RETURNS crm.renewal_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_renewal_curve';
COMMENT ON FUNCTION crm.renewal_curve(bigint[], text, date, date) IS
  'one cohort by counts: its size, then who was still there after 1, 2, ... renewals; with began_on and as_of, counts of periods that are not over are refused';

@comparison renewal_curve|2|order by the first age that differs|equal values

-- questions

CREATE FUNCTION crm.curve_points(curve crm.renewal_curve, OUT renewals int, OUT at_risk bigint, OUT lost bigint, OUT running bigint, OUT retention_rate float8, OUT survival float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 20 AS 'MODULE_PATHNAME', 'crm_renewal_points';
COMMENT ON FUNCTION crm.curve_points(crm.renewal_curve) IS
  'the curve as rows, by renewal: how many were due, lost, and are there but not due again; the share that renewed, and of all that began (Kaplan-Meier)';
CREATE FUNCTION crm_internal.renewal_curve_to_jsonb(crm.renewal_curve) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_renewal_curve_to_jsonb';
COMMENT ON FUNCTION crm_internal.renewal_curve_to_jsonb(crm.renewal_curve) IS
  'period and ages as a jsonb object';
CREATE CAST (crm.renewal_curve AS jsonb) WITH FUNCTION crm_internal.renewal_curve_to_jsonb(crm.renewal_curve);
COMMENT ON CAST (crm.renewal_curve AS jsonb) IS 'period and ages as a jsonb object';

-- contract_model: how long customers under contract stay

@type contract_model|20|20|plain|the text form
COMMENT ON TYPE crm.contract_model IS
  'a fitted or given model of how long customers under contract stay: beta_geometric(gamma 0.704, delta 1.182)';

-- from known parameters

CREATE FUNCTION crm.beta_geometric(gamma float8, delta float8) RETURNS crm.contract_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_beta_geometric';
COMMENT ON FUNCTION crm.beta_geometric(float8, float8) IS
  'a shifted beta-geometric (sBG) model of known parameters: the probability to leave at a renewal differs between customers by a beta distribution of gamma and delta';
CREATE FUNCTION crm.beta_discrete_weibull(gamma float8, delta float8, c float8) RETURNS crm.contract_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_beta_discrete_weibull';
COMMENT ON FUNCTION crm.beta_discrete_weibull(float8, float8, float8) IS
  'a beta-discrete-Weibull (BdW) model of known parameters: as beta_geometric, and each customer grows more (c > 1) or less ready to leave with time';
CREATE FUNCTION crm.exponential_gamma(s float8, beta float8) RETURNS crm.contract_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_exponential_gamma';
COMMENT ON FUNCTION crm.exponential_gamma(float8, float8) IS
  'an exponential-gamma (Pareto II) model of known parameters: leaving at any moment at a rate that differs between customers by a gamma distribution of s and beta (in periods)';

-- the fits

CREATE FUNCTION crm.fit_beta_geometric(curve crm.renewal_curve) RETURNS crm.contract_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'crm_fit_beta_geometric';
COMMENT ON FUNCTION crm.fit_beta_geometric(crm.renewal_curve) IS
  'the shifted beta-geometric (sBG) model that fits renewals best, by maximum likelihood with those still running as censored; whether it converged is in the model';
CREATE FUNCTION crm.fit_beta_discrete_weibull(curve crm.renewal_curve) RETURNS crm.contract_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'crm_fit_beta_discrete_weibull';
COMMENT ON FUNCTION crm.fit_beta_discrete_weibull(crm.renewal_curve) IS
  'the beta-discrete-Weibull (BdW) model that fits renewals best, by maximum likelihood with those still running as censored; whether it converged is in the model';
CREATE FUNCTION crm.fit_exponential_gamma(curve crm.renewal_curve) RETURNS crm.contract_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'crm_fit_exponential_gamma';
COMMENT ON FUNCTION crm.fit_exponential_gamma(crm.renewal_curve) IS
  'the exponential-gamma model that fits renewals best, by maximum likelihood with those still running as censored; whether it converged is in the model';

-- what a model tells

CREATE FUNCTION crm.parameters(model crm.contract_model, OUT name text, OUT estimate float8, OUT standard_error float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 3 AS 'MODULE_PATHNAME', 'crm_contract_model_parameters';
COMMENT ON FUNCTION crm.parameters(crm.contract_model) IS
  'the parameters as rows; the standard error is NULL unless a fit converged';
CREATE FUNCTION crm.is_converged(model crm.contract_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_contract_model_is_converged';
COMMENT ON FUNCTION crm.is_converged(crm.contract_model) IS
  'whether the model can predict: its fit converged, or its parameters were given';
CREATE FUNCTION crm.fit_verdict(model crm.contract_model) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_contract_model_fit_verdict';
COMMENT ON FUNCTION crm.fit_verdict(crm.contract_model) IS
  'how the fit ended, in words';
CREATE FUNCTION crm.log_likelihood(model crm.contract_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_contract_model_log_likelihood';
COMMENT ON FUNCTION crm.log_likelihood(crm.contract_model) IS
  'log-likelihood of the fit; NULL if the parameters were given';
CREATE FUNCTION crm.aic(model crm.contract_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_contract_model_aic';
COMMENT ON FUNCTION crm.aic(crm.contract_model) IS
  'Akaike''s information criterion, less is better; NULL if the parameters were given';
CREATE FUNCTION crm.bic(model crm.contract_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_contract_model_bic';
COMMENT ON FUNCTION crm.bic(crm.contract_model) IS
  'Bayesian information criterion, less is better; NULL if the parameters were given';
CREATE FUNCTION crm_internal.contract_model_to_jsonb(crm.contract_model) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_contract_model_to_jsonb';
COMMENT ON FUNCTION crm_internal.contract_model_to_jsonb(crm.contract_model) IS
  'model, parameters and fit as a jsonb object';
CREATE CAST (crm.contract_model AS jsonb) WITH FUNCTION crm_internal.contract_model_to_jsonb(crm.contract_model);
COMMENT ON CAST (crm.contract_model AS jsonb) IS 'model, parameters and fit as a jsonb object';

@comparison contract_model|1|order by the bytes, of no meaning but equality|equal values

-- predictions

CREATE FUNCTION crm.p_survival(model crm.contract_model, periods int, renewals int DEFAULT 0) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_contract_survival';
COMMENT ON FUNCTION crm.p_survival(crm.contract_model, int, int) IS
  'probability that a customer who has renewed so often is still there so many periods later; with 1 period, the retention rate at the next renewal';
CREATE FUNCTION crm.expected_lifetime(model crm.contract_model, discount_rate float8 DEFAULT 0) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_expected_lifetime';
COMMENT ON FUNCTION crm.expected_lifetime(crm.contract_model, float8) IS
  'expected discounted periods of a customer yet to begin, the first one whole and certain (DEL); the discount rate is of a period; an error where it is infinite';
CREATE FUNCTION crm.residual_lifetime(model crm.contract_model, renewals int, discount_rate float8 DEFAULT 0) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_residual_lifetime';
COMMENT ON FUNCTION crm.residual_lifetime(crm.contract_model, int, float8) IS
  'expected discounted periods ahead of a customer who has renewed so often and whose next renewal is due now (DERL): times the margin of a period, the residual value; of exponential_gamma, at an age of so many periods';
CREATE FUNCTION crm.retention_elasticity(model crm.contract_model, renewals int, discount_rate float8) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'crm_retention_elasticity';
COMMENT ON FUNCTION crm.retention_elasticity(crm.contract_model, int, float8) IS
  'per cent by which residual lifetime grows if every chance to renew grows by one per cent';
