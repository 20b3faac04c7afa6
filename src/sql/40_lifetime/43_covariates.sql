-- covariates: what is known of customers beside their purchases, and models that know of it

@type covariates|10|5|plain|the text form
COMMENT ON TYPE crm.covariates IS
  'what is known of a customer and does not change, as numbers that may say how she buys and how she leaves: buying(channel 1) leaving(channel 1)';

@comparison covariates|1|order by bytes: the same on every machine of one kind|equal names and numbers

CREATE FUNCTION crm.covariates(names text[], buying float8[], leaving float8[] DEFAULT NULL) RETURNS crm.covariates
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 3 AS 'MODULE_PATHNAME', 'crm_covariates';
COMMENT ON FUNCTION crm.covariates(text[], float8[], float8[]) IS
  'the covariates of one customer: a number for each name, for how she buys, for how she leaves, or for both; NULL for the array that none has; NULL, which a fit leaves out and counts, if one of the numbers is';
CREATE FUNCTION crm.for_customer(model crm.purchase_model, covariates crm.covariates) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_model_for_customer';
COMMENT ON FUNCTION crm.for_customer(crm.purchase_model, crm.covariates) IS
  'the model of a customer with these covariates, from one that was fitted with covariates of the same names: every prediction by it is for her, its errors included';

CREATE FUNCTION crm_internal.purchase_model_covariates_transition(crm.purchase_model_state, crm.purchase_history, date, crm.covariates) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_model_covariates';
COMMENT ON FUNCTION crm_internal.purchase_model_covariates_transition(crm.purchase_model_state, crm.purchase_history, date, crm.covariates) IS
  'transition function of fits of purchase models with covariates';
CREATE AGGREGATE crm.fit_bg_nbd(history crm.purchase_history, as_of date, covariates crm.covariates) (
  SFUNC = crm_internal.purchase_model_covariates_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_bg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(crm.purchase_history, date, crm.covariates) IS
  'the BG/NBD model with coefficients of covariates that fits histories up to as_of best, in days';
CREATE AGGREGATE crm.fit_mbg_nbd(history crm.purchase_history, as_of date, covariates crm.covariates) (
  SFUNC = crm_internal.purchase_model_covariates_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(crm.purchase_history, date, crm.covariates) IS
  'the MBG/NBD model with coefficients of covariates that fits histories up to as_of best, in days';
CREATE AGGREGATE crm.fit_pareto_nbd(history crm.purchase_history, as_of date, covariates crm.covariates) (
  SFUNC = crm_internal.purchase_model_covariates_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_pareto_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(crm.purchase_history, date, crm.covariates) IS
  'the Pareto/NBD model with coefficients of covariates that fits histories up to as_of best, in days';

-- in other units of time, by the clock of a season, or both

CREATE FUNCTION crm_internal.purchase_model_covariates_transition(crm.purchase_model_state, crm.purchase_history, date, int, crm.season, crm.covariates) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_model_season_covariates';
COMMENT ON FUNCTION crm_internal.purchase_model_covariates_transition(crm.purchase_model_state, crm.purchase_history, date, int, crm.season, crm.covariates) IS
  'transition function of fits of purchase models with covariates by the clock of a season';
CREATE AGGREGATE crm.fit_bg_nbd(history crm.purchase_history, as_of date, unit_days int, season crm.season, covariates crm.covariates) (
  SFUNC = crm_internal.purchase_model_covariates_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_bg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(crm.purchase_history, date, int, crm.season, crm.covariates) IS
  'the BG/NBD model with coefficients of covariates that fits histories up to as_of best, in units of so many days, by the clock of a season unless that is NULL';
CREATE AGGREGATE crm.fit_mbg_nbd(history crm.purchase_history, as_of date, unit_days int, season crm.season, covariates crm.covariates) (
  SFUNC = crm_internal.purchase_model_covariates_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(crm.purchase_history, date, int, crm.season, crm.covariates) IS
  'the MBG/NBD model with coefficients of covariates that fits histories up to as_of best, in units of so many days, by the clock of a season unless that is NULL';
CREATE AGGREGATE crm.fit_pareto_nbd(history crm.purchase_history, as_of date, unit_days int, season crm.season, covariates crm.covariates) (
  SFUNC = crm_internal.purchase_model_covariates_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_pareto_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(crm.purchase_history, date, int, crm.season, crm.covariates) IS
  'the Pareto/NBD model with coefficients of covariates that fits histories up to as_of best, in units of so many days; a season, which is refused, is NULL';

-- what customers spend, by what is known of them

CREATE FUNCTION crm_internal.spend_model_covariates_transition(crm.spend_model_state, crm.purchase_history, date, crm.covariates) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_spend_model_covariates';
COMMENT ON FUNCTION crm_internal.spend_model_covariates_transition(crm.spend_model_state, crm.purchase_history, date, crm.covariates) IS
  'transition function of fits of spend models with covariates';
CREATE AGGREGATE crm.fit_gamma_gamma(history crm.purchase_history, as_of date, covariates crm.covariates) (
  SFUNC = crm_internal.spend_model_covariates_transition,
  STYPE = crm.spend_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_gamma_gamma_final,
  COMBINEFUNC = crm_internal.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_gamma_gamma(crm.purchase_history, date, crm.covariates) IS
  'the gamma-gamma model with coefficients of covariates, their numbers of buying, that fits the spend of repeat buyers up to as_of best';
CREATE FUNCTION crm.for_customer(model crm.spend_model, covariates crm.covariates) RETURNS crm.spend_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_spend_for_customer';
COMMENT ON FUNCTION crm.for_customer(crm.spend_model, crm.covariates) IS
  'the spend model of a customer with these covariates, from one that was fitted with covariates of the same names, who pays exp(g''z) times as much; every prediction by it is for her';
