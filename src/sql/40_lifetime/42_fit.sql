-- fits: aggregates over customers

CREATE TYPE crm.purchase_model_state;

CREATE FUNCTION crm_internal.purchase_model_state_in(cstring) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_purchase_model_state_in';
COMMENT ON FUNCTION crm_internal.purchase_model_state_in(cstring) IS
  'reads the text form';
CREATE FUNCTION crm_internal.purchase_model_state_out(crm.purchase_model_state) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_fit_state_out';
COMMENT ON FUNCTION crm_internal.purchase_model_state_out(crm.purchase_model_state) IS
  'writes the text form';
CREATE FUNCTION crm_internal.purchase_model_state_recv(internal) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_model_state_recv';
COMMENT ON FUNCTION crm_internal.purchase_model_state_recv(internal) IS
  'reads the binary form';
CREATE FUNCTION crm_internal.purchase_model_state_send(crm.purchase_model_state) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_fit_state_send';
COMMENT ON FUNCTION crm_internal.purchase_model_state_send(crm.purchase_model_state) IS
  'writes the binary form';

CREATE TYPE crm.purchase_model_state (
  INPUT = crm_internal.purchase_model_state_in,
  OUTPUT = crm_internal.purchase_model_state_out,
  RECEIVE = crm_internal.purchase_model_state_recv,
  SEND = crm_internal.purchase_model_state_send,
  INTERNALLENGTH = variable,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.purchase_model_state IS
  'groups of equal customers that a fit of a purchase model has seen';
CREATE FUNCTION crm_internal.purchase_model_state_combine(crm.purchase_model_state, crm.purchase_model_state) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_fit_state_combine';
COMMENT ON FUNCTION crm_internal.purchase_model_state_combine(crm.purchase_model_state, crm.purchase_model_state) IS
  'combine function of the fits';

CREATE TYPE crm.spend_model_state;

CREATE FUNCTION crm_internal.spend_model_state_in(cstring) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_spend_model_state_in';
COMMENT ON FUNCTION crm_internal.spend_model_state_in(cstring) IS
  'reads the text form';
CREATE FUNCTION crm_internal.spend_model_state_out(crm.spend_model_state) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_fit_state_out';
COMMENT ON FUNCTION crm_internal.spend_model_state_out(crm.spend_model_state) IS
  'writes the text form';
CREATE FUNCTION crm_internal.spend_model_state_recv(internal) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_spend_model_state_recv';
COMMENT ON FUNCTION crm_internal.spend_model_state_recv(internal) IS
  'reads the binary form';
CREATE FUNCTION crm_internal.spend_model_state_send(crm.spend_model_state) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_fit_state_send';
COMMENT ON FUNCTION crm_internal.spend_model_state_send(crm.spend_model_state) IS
  'writes the binary form';

CREATE TYPE crm.spend_model_state (
  INPUT = crm_internal.spend_model_state_in,
  OUTPUT = crm_internal.spend_model_state_out,
  RECEIVE = crm_internal.spend_model_state_recv,
  SEND = crm_internal.spend_model_state_send,
  INTERNALLENGTH = variable,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.spend_model_state IS
  'groups of equal customers that a fit of a spend model has seen';
CREATE FUNCTION crm_internal.spend_model_state_combine(crm.spend_model_state, crm.spend_model_state) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_fit_state_combine';
COMMENT ON FUNCTION crm_internal.spend_model_state_combine(crm.spend_model_state, crm.spend_model_state) IS
  'combine function of the fits';

CREATE FUNCTION crm_internal.purchase_model_history_transition(crm.purchase_model_state, crm.purchase_history, date) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_history';
COMMENT ON FUNCTION crm_internal.purchase_model_history_transition(crm.purchase_model_state, crm.purchase_history, date) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm_internal.purchase_model_history_transition(crm.purchase_model_state, crm.purchase_history, date, int) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_history';
COMMENT ON FUNCTION crm_internal.purchase_model_history_transition(crm.purchase_model_state, crm.purchase_history, date, int) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm_internal.purchase_model_numbers_transition(crm.purchase_model_state, float8, float8, float8) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_numbers';
COMMENT ON FUNCTION crm_internal.purchase_model_numbers_transition(crm.purchase_model_state, float8, float8, float8) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm_internal.purchase_model_numbers_transition(crm.purchase_model_state, float8, float8, float8, int) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_numbers';
COMMENT ON FUNCTION crm_internal.purchase_model_numbers_transition(crm.purchase_model_state, float8, float8, float8, int) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm_internal.purchase_model_gaps_transition(crm.purchase_model_state, crm.purchase_history, date) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_gaps';
COMMENT ON FUNCTION crm_internal.purchase_model_gaps_transition(crm.purchase_model_state, crm.purchase_history, date) IS
  'transition function of fits of purchase models';
CREATE FUNCTION crm_internal.purchase_model_gaps_transition(crm.purchase_model_state, crm.purchase_history, date, int) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_model_gaps';
COMMENT ON FUNCTION crm_internal.purchase_model_gaps_transition(crm.purchase_model_state, crm.purchase_history, date, int) IS
  'transition function of fits of purchase models';

CREATE FUNCTION crm_internal.fit_bg_nbd_final(crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_bg_nbd';
COMMENT ON FUNCTION crm_internal.fit_bg_nbd_final(crm.purchase_model_state) IS
  'final function of fit_bg_nbd';
CREATE AGGREGATE crm.fit_bg_nbd(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.purchase_model_history_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_bg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(crm.purchase_history, date) IS
  'the BG/NBD model that fits histories up to as_of best, in days';
CREATE AGGREGATE crm.fit_bg_nbd(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_history_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_bg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(crm.purchase_history, date, int) IS
  'the BG/NBD model that fits histories up to as_of best, in units of so many days';
CREATE AGGREGATE crm.fit_bg_nbd(x float8, t_x float8, age float8) (
  SFUNC = crm_internal.purchase_model_numbers_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_bg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(float8, float8, float8) IS
  'the BG/NBD model that fits customers of x, t_x and age best, the unit being one day';
CREATE AGGREGATE crm.fit_bg_nbd(x float8, t_x float8, age float8, unit_days int) (
  SFUNC = crm_internal.purchase_model_numbers_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_bg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(float8, float8, float8, int) IS
  'the BG/NBD model that fits customers of x, t_x and age best, the unit being so many days';

CREATE FUNCTION crm_internal.fit_mbg_nbd_final(crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_mbg_nbd';
COMMENT ON FUNCTION crm_internal.fit_mbg_nbd_final(crm.purchase_model_state) IS
  'final function of fit_mbg_nbd';
CREATE AGGREGATE crm.fit_mbg_nbd(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.purchase_model_history_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(crm.purchase_history, date) IS
  'the MBG/NBD model that fits histories up to as_of best, in days';
CREATE AGGREGATE crm.fit_mbg_nbd(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_history_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(crm.purchase_history, date, int) IS
  'the MBG/NBD model that fits histories up to as_of best, in units of so many days';
CREATE AGGREGATE crm.fit_mbg_nbd(x float8, t_x float8, age float8) (
  SFUNC = crm_internal.purchase_model_numbers_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(float8, float8, float8) IS
  'the MBG/NBD model that fits customers of x, t_x and age best, the unit being one day';
CREATE AGGREGATE crm.fit_mbg_nbd(x float8, t_x float8, age float8, unit_days int) (
  SFUNC = crm_internal.purchase_model_numbers_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(float8, float8, float8, int) IS
  'the MBG/NBD model that fits customers of x, t_x and age best, the unit being so many days';

CREATE FUNCTION crm_internal.fit_pareto_nbd_final(crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_pareto_nbd';
COMMENT ON FUNCTION crm_internal.fit_pareto_nbd_final(crm.purchase_model_state) IS
  'final function of fit_pareto_nbd';
CREATE AGGREGATE crm.fit_pareto_nbd(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.purchase_model_history_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_pareto_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(crm.purchase_history, date) IS
  'the Pareto/NBD model that fits histories up to as_of best, in days';
CREATE AGGREGATE crm.fit_pareto_nbd(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_history_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_pareto_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(crm.purchase_history, date, int) IS
  'the Pareto/NBD model that fits histories up to as_of best, in units of so many days';
CREATE AGGREGATE crm.fit_pareto_nbd(x float8, t_x float8, age float8) (
  SFUNC = crm_internal.purchase_model_numbers_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_pareto_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(float8, float8, float8) IS
  'the Pareto/NBD model that fits customers of x, t_x and age best, the unit being one day';
CREATE AGGREGATE crm.fit_pareto_nbd(x float8, t_x float8, age float8, unit_days int) (
  SFUNC = crm_internal.purchase_model_numbers_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_pareto_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(float8, float8, float8, int) IS
  'the Pareto/NBD model that fits customers of x, t_x and age best, the unit being so many days';

CREATE FUNCTION crm_internal.fit_mbg_cnbd_k_final(crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_mbg_cnbd_k';
COMMENT ON FUNCTION crm_internal.fit_mbg_cnbd_k_final(crm.purchase_model_state) IS
  'final function of fit_mbg_cnbd_k';
CREATE AGGREGATE crm.fit_mbg_cnbd_k(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.purchase_model_gaps_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_cnbd_k_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_cnbd_k(crm.purchase_history, date) IS
  'the MBG/CNBD-k model that fits histories up to as_of best, k estimated too, in days';
CREATE AGGREGATE crm.fit_mbg_cnbd_k(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_gaps_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_cnbd_k_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_cnbd_k(crm.purchase_history, date, int) IS
  'the MBG/CNBD-k model that fits histories up to as_of best, k estimated too, in units of so many days';

CREATE FUNCTION crm_internal.fit_purchase_model_final(crm.purchase_model_state) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 3000000 AS 'MODULE_PATHNAME', 'crm_fit_purchase_model';
COMMENT ON FUNCTION crm_internal.fit_purchase_model_final(crm.purchase_model_state) IS
  'final function of fit_purchase_model';
CREATE AGGREGATE crm.fit_purchase_model(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.purchase_model_gaps_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_purchase_model_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_purchase_model(crm.purchase_history, date) IS
  'the purchase model of the least BIC for histories up to as_of, in days; crm.model_choice tells what was tried';
CREATE AGGREGATE crm.fit_purchase_model(history crm.purchase_history, as_of date, unit_days int) (
  SFUNC = crm_internal.purchase_model_gaps_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_purchase_model_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_purchase_model(crm.purchase_history, date, int) IS
  'the purchase model of the least BIC for histories up to as_of, in units of so many days; crm.model_choice tells what was tried';
CREATE FUNCTION crm_internal.purchase_model_holdout_transition(crm.purchase_model_state, crm.purchase_history, date, int, int) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_model_holdout';
COMMENT ON FUNCTION crm_internal.purchase_model_holdout_transition(crm.purchase_model_state, crm.purchase_history, date, int, int) IS
  'transition function of fit_purchase_model that holds days out';
CREATE AGGREGATE crm.fit_purchase_model(history crm.purchase_history, as_of date, unit_days int, holdout_days int) (
  SFUNC = crm_internal.purchase_model_holdout_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_purchase_model_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_purchase_model(crm.purchase_history, date, int, int) IS
  'the same model, and how well each that was tried, fitted before the last holdout_days, foretold them: in crm.model_choice, with a warning where another did clearly better';

CREATE FUNCTION crm_internal.spend_model_history_transition(crm.spend_model_state, crm.purchase_history, date) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_spend_model_history';
COMMENT ON FUNCTION crm_internal.spend_model_history_transition(crm.spend_model_state, crm.purchase_history, date) IS
  'transition function of fit_gamma_gamma';
CREATE FUNCTION crm_internal.spend_model_numbers_transition(crm.spend_model_state, float8, float8) RETURNS crm.spend_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_spend_model_numbers';
COMMENT ON FUNCTION crm_internal.spend_model_numbers_transition(crm.spend_model_state, float8, float8) IS
  'transition function of fit_gamma_gamma';
CREATE FUNCTION crm_internal.fit_gamma_gamma_final(crm.spend_model_state) RETURNS crm.spend_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000000 AS 'MODULE_PATHNAME', 'crm_fit_gamma_gamma';
COMMENT ON FUNCTION crm_internal.fit_gamma_gamma_final(crm.spend_model_state) IS
  'final function of fit_gamma_gamma';
CREATE AGGREGATE crm.fit_gamma_gamma(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.spend_model_history_transition,
  STYPE = crm.spend_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_gamma_gamma_final,
  COMBINEFUNC = crm_internal.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_gamma_gamma(crm.purchase_history, date) IS
  'the gamma-gamma model that fits the spend of repeat buyers up to as_of best';
CREATE AGGREGATE crm.fit_gamma_gamma(x float8, mean_spend float8) (
  SFUNC = crm_internal.spend_model_numbers_transition,
  STYPE = crm.spend_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_gamma_gamma_final,
  COMBINEFUNC = crm_internal.spend_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_gamma_gamma(float8, float8) IS
  'the gamma-gamma model that fits repeat buyers of x and mean_spend best';
