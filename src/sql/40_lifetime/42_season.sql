-- season: when in the year customers buy, and models that count by its clock

@type season|20|10|plain|the text form
COMMENT ON TYPE crm.season IS
  'how much faster or slower than on average customers buy in each month or week of a year: month 0.7 0.65 ... 1.95; the indexes average 1 over a year';

@comparison season|1|order by bytes: the same on every machine of one kind|equal values

CREATE FUNCTION crm_internal.season_transition(crm.purchase_model_state, crm.purchase_history, date, text) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_season_transition';
COMMENT ON FUNCTION crm_internal.season_transition(crm.purchase_model_state, crm.purchase_history, date, text) IS
  'transition function of season';
CREATE FUNCTION crm_internal.season_final(crm.purchase_model_state) RETURNS crm.season
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'crm_season_final';
COMMENT ON FUNCTION crm_internal.season_final(crm.purchase_model_state) IS
  'final function of season';
CREATE AGGREGATE crm.season(history crm.purchase_history, as_of date, period text) (
  SFUNC = crm_internal.season_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.season_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.season(crm.purchase_history, date, text) IS
  'when in the year customers buy, by month or week: found in the purchases between each customer''s first and last, so that neither growth nor customers who leave look like a season';

CREATE FUNCTION crm.season(period text, indexes float8[]) RETURNS crm.season
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_season_given';
COMMENT ON FUNCTION crm.season(text, float8[]) IS
  'a season that is known: 12 numbers by month or 52 by week, of any size, which are made to average 1 over a year';
CREATE FUNCTION crm.season(model crm.purchase_model) RETURNS crm.season
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_season';
COMMENT ON FUNCTION crm.season(crm.purchase_model) IS
  'the season by whose clock a model counts time; NULL if it counts days';
CREATE FUNCTION crm.fit_verdict(season crm.season) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_season_verdict';
COMMENT ON FUNCTION crm.fit_verdict(crm.season) IS
  'what a season stands on, in words; one of less than two years, or with a month or week without purchases, is called doubtful';
CREATE FUNCTION crm.indexes(season crm.season, level float8 DEFAULT 0.95, OUT bin int, OUT starts_on text, OUT index float8, OUT low float8, OUT high float8, OUT purchase_count bigint) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 12 AS 'MODULE_PATHNAME', 'crm_season_bins';
COMMENT ON FUNCTION crm.indexes(crm.season, float8) IS
  'the months or weeks of a season: the day (MM-DD) on which each starts, its index, the interval in which that lies with this confidence, and the purchases that it stands on; NULLs for a season that was given';

CREATE FUNCTION crm_internal.purchase_model_season_transition(crm.purchase_model_state, crm.purchase_history, date, crm.season) RETURNS crm.purchase_model_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_model_seasoned';
COMMENT ON FUNCTION crm_internal.purchase_model_season_transition(crm.purchase_model_state, crm.purchase_history, date, crm.season) IS
  'transition function of fits of purchase models by the clock of a season';
CREATE AGGREGATE crm.fit_bg_nbd(history crm.purchase_history, as_of date, season crm.season) (
  SFUNC = crm_internal.purchase_model_season_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_bg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_bg_nbd(crm.purchase_history, date, crm.season) IS
  'the BG/NBD model that fits histories up to as_of best when time is counted by the clock of a season, in days';
CREATE AGGREGATE crm.fit_mbg_nbd(history crm.purchase_history, as_of date, season crm.season) (
  SFUNC = crm_internal.purchase_model_season_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_nbd(crm.purchase_history, date, crm.season) IS
  'the MBG/NBD model that fits histories up to as_of best when time is counted by the clock of a season, in days';
CREATE AGGREGATE crm.fit_purchase_model(history crm.purchase_history, as_of date, season crm.season) (
  SFUNC = crm_internal.purchase_model_season_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_purchase_model_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_purchase_model(crm.purchase_history, date, crm.season) IS
  'the purchase model of the least BIC, of those that a season suits, for histories up to as_of when time is counted by the clock of the season, in days';
CREATE AGGREGATE crm.fit_pareto_nbd(history crm.purchase_history, as_of date, season crm.season) (
  SFUNC = crm_internal.purchase_model_season_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_pareto_nbd_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_pareto_nbd(crm.purchase_history, date, crm.season) IS
  'refuses a season and says why: customers of Pareto/NBD leave in calendar time';
CREATE AGGREGATE crm.fit_mbg_cnbd_k(history crm.purchase_history, as_of date, season crm.season) (
  SFUNC = crm_internal.purchase_model_season_transition,
  STYPE = crm.purchase_model_state,
  SSPACE = 65536,
  FINALFUNC = crm_internal.fit_mbg_cnbd_k_final,
  COMBINEFUNC = crm_internal.purchase_model_state_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.fit_mbg_cnbd_k(crm.purchase_history, date, crm.season) IS
  'refuses a season and says why: with a rhythm in the purchases the season that is found is biased';
