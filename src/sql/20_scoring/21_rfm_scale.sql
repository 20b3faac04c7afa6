-- rfm_scale: the cut points that turn measures into scores

CREATE TYPE crm.rfm_scale;

CREATE FUNCTION crm_internal.rfm_scale_in(cstring) RETURNS crm.rfm_scale
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 500 AS 'MODULE_PATHNAME', 'crm_rfm_scale_in';
COMMENT ON FUNCTION crm_internal.rfm_scale_in(cstring) IS
  'reads recency: 95, 260; frequency: 1, 2; monetary: 14.37, 50, one cut point fewer than bins';
CREATE FUNCTION crm_internal.rfm_scale_out(crm.rfm_scale) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_rfm_scale_out';
COMMENT ON FUNCTION crm_internal.rfm_scale_out(crm.rfm_scale) IS
  'writes recency: 95, 260; frequency: 1, 2; monetary: 14.37, 50, one cut point fewer than bins';
CREATE FUNCTION crm_internal.rfm_scale_recv(internal) RETURNS crm.rfm_scale
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_recv';
COMMENT ON FUNCTION crm_internal.rfm_scale_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm_internal.rfm_scale_send(crm.rfm_scale) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_rfm_scale_send';
COMMENT ON FUNCTION crm_internal.rfm_scale_send(crm.rfm_scale) IS 'writes the binary form';

CREATE TYPE crm.rfm_scale (
  INPUT = crm_internal.rfm_scale_in,
  OUTPUT = crm_internal.rfm_scale_out,
  RECEIVE = crm_internal.rfm_scale_recv,
  SEND = crm_internal.rfm_scale_send,
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

@type rfm_scale_state|1000|1000|extended|the counts of each measure: bins 5; exact 70000:2, 120000:1; ...
COMMENT ON TYPE crm.rfm_scale_state IS
  'state of the aggregates rfm_scale: how often each value of each measure occurred, in ten-thousandths';

CREATE FUNCTION crm_internal.rfm_scale_final(crm.rfm_scale_state) RETURNS crm.rfm_scale
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'crm_rfm_scale_final';
COMMENT ON FUNCTION crm_internal.rfm_scale_final(crm.rfm_scale_state) IS
  'final function of the aggregates rfm_scale';
CREATE FUNCTION crm_internal.rfm_scale_combine(crm.rfm_scale_state, crm.rfm_scale_state) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_rfm_scale_combine';
COMMENT ON FUNCTION crm_internal.rfm_scale_combine(crm.rfm_scale_state, crm.rfm_scale_state) IS
  'combine function of the aggregates rfm_scale';
CREATE FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, crm.purchase_history, date) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_history';
COMMENT ON FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, crm.purchase_history, date) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm_internal.rfm_scale_final,
  COMBINEFUNC = crm_internal.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(crm.purchase_history, date) IS
  'cut points from histories until as_of, five bins; histories without a purchase by then are left out';

CREATE FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, crm.purchase_history, date, int) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_history';
COMMENT ON FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, crm.purchase_history, date, int) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(history crm.purchase_history, as_of date, bins int) (
  SFUNC = crm_internal.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm_internal.rfm_scale_final,
  COMBINEFUNC = crm_internal.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(crm.purchase_history, date, int) IS
  'cut points from histories until as_of, for 2 to 9 bins; histories without a purchase by then are left out';

CREATE FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, int, bigint, numeric) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_numeric';
COMMENT ON FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, int, bigint, numeric) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(recency int, frequency bigint, monetary numeric) (
  SFUNC = crm_internal.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm_internal.rfm_scale_final,
  COMBINEFUNC = crm_internal.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(int, bigint, numeric) IS
  'cut points from recency (days), frequency and monetary, five bins; rows with a NULL are left out';

CREATE FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, int, bigint, numeric, int) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_numeric';
COMMENT ON FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, int, bigint, numeric, int) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(recency int, frequency bigint, monetary numeric, bins int) (
  SFUNC = crm_internal.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm_internal.rfm_scale_final,
  COMBINEFUNC = crm_internal.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(int, bigint, numeric, int) IS
  'cut points from recency (days), frequency and monetary, for 2 to 9 bins; rows with a NULL are left out';

CREATE FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, float8, float8, float8) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_float8';
COMMENT ON FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, float8, float8, float8) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(recency float8, frequency float8, monetary float8) (
  SFUNC = crm_internal.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm_internal.rfm_scale_final,
  COMBINEFUNC = crm_internal.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(float8, float8, float8) IS
  'cut points from recency (days), frequency and monetary, five bins, each to four decimals; rows with a NULL are left out';

CREATE FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, float8, float8, float8, int) RETURNS crm.rfm_scale_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 8 AS 'MODULE_PATHNAME', 'crm_rfm_scale_transition_float8';
COMMENT ON FUNCTION crm_internal.rfm_scale_transition(crm.rfm_scale_state, float8, float8, float8, int) IS
  'transition function of the aggregate rfm_scale';
CREATE AGGREGATE crm.rfm_scale(recency float8, frequency float8, monetary float8, bins int) (
  SFUNC = crm_internal.rfm_scale_transition,
  STYPE = crm.rfm_scale_state,
  SSPACE = 16384,
  FINALFUNC = crm_internal.rfm_scale_final,
  COMBINEFUNC = crm_internal.rfm_scale_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rfm_scale(float8, float8, float8, int) IS
  'cut points from recency (days), frequency and monetary, each to four decimals, for 2 to 9 bins; rows with a NULL are left out';

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

@comparison rfm_scale|2|fewer bins first, then by the first cut point that differs|equal bins and cut points
