-- breakage: what became of points by the age of their awards

@type breakage_curve|100|50|extended|{age/group redeemed expired taken_back open, ...}
COMMENT ON TYPE crm.breakage_curve IS
  'points redeemed, expired, taken back and still open by the age of their awards in days, in 32 groups of customers: {14/3 100 0 0 0, 365/3 0 20 0 5}';

CREATE FUNCTION crm_internal.breakage_curve_plus(crm.breakage_curve, crm.breakage_curve) RETURNS crm.breakage_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_breakage_curve_plus';
COMMENT ON FUNCTION crm_internal.breakage_curve_plus(crm.breakage_curve, crm.breakage_curve) IS
  'combine function of the aggregates of breakage_curve';
CREATE FUNCTION crm_internal.breakage_curve_final(crm.breakage_curve) RETURNS crm.breakage_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_breakage_final';
COMMENT ON FUNCTION crm_internal.breakage_curve_final(crm.breakage_curve) IS 'final function of the aggregate breakage';
CREATE FUNCTION crm_internal.breakage_transition(crm.breakage_curve, crm.points_rule, crm.purchase_history, crm.purchase_history, date) RETURNS crm.breakage_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_breakage_transition';
COMMENT ON FUNCTION crm_internal.breakage_transition(crm.breakage_curve, crm.points_rule, crm.purchase_history, crm.purchase_history, date) IS
  'transition function of the aggregate breakage';
CREATE AGGREGATE crm.breakage(rule crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, as_of date) (
  SFUNC = crm_internal.breakage_transition,
  STYPE = crm.breakage_curve,
  SSPACE = 1048576,
  FINALFUNC = crm_internal.breakage_curve_final,
  COMBINEFUNC = crm_internal.breakage_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.breakage(crm.points_rule, crm.purchase_history, crm.purchase_history, date) IS
  'what became of all points until as_of, by the age of their awards: redeemed, expired, taken back by refunds, or still open';
CREATE FUNCTION crm_internal.breakage_transition(crm.breakage_curve, crm.points_rule, crm.purchase_history, crm.purchase_history, date, crm.purchase_history, crm.points_gift[]) RETURNS crm.breakage_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_breakage_transition';
COMMENT ON FUNCTION crm_internal.breakage_transition(crm.breakage_curve, crm.points_rule, crm.purchase_history, crm.purchase_history, date, crm.purchase_history, crm.points_gift[]) IS
  'transition function of the aggregate breakage with base points and gifts';
CREATE AGGREGATE crm.breakage(rule crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, as_of date,
    base_points crm.purchase_history, gifts crm.points_gift[]) (
  SFUNC = crm_internal.breakage_transition,
  STYPE = crm.breakage_curve,
  SSPACE = 1048576,
  FINALFUNC = crm_internal.breakage_curve_final,
  COMBINEFUNC = crm_internal.breakage_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.breakage(crm.points_rule, crm.purchase_history, crm.purchase_history, date, crm.purchase_history, crm.points_gift[]) IS
  'the same with the base points of a rule that rounds per purchase, and with gifts, each an award of its day; NULL for none';
CREATE AGGREGATE crm.merge(curve crm.breakage_curve) (
  SFUNC = crm_internal.breakage_curve_plus,
  STYPE = crm.breakage_curve,
  SSPACE = 1048576,
  COMBINEFUNC = crm_internal.breakage_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.breakage_curve) IS 'the points of all curves';

@comparison breakage_curve|50|order by bytes: the same on every machine of one kind|equal values

CREATE FUNCTION crm.breakage_rate(curve crm.breakage_curve, age int DEFAULT NULL) RETURNS float8
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 500 AS 'MODULE_PATHNAME', 'crm_breakage_rate';
COMMENT ON FUNCTION crm.breakage_rate(crm.breakage_curve, int) IS
  'probability that points expire, within the ages that were seen: of points that are awarded, or that are open at the end of an age in days; NULL beyond the oldest age seen';
CREATE FUNCTION crm.curve_points(curve crm.breakage_curve,
    OUT age int, OUT at_risk bigint, OUT redeemed bigint, OUT expired bigint, OUT taken_back bigint, OUT open bigint,
    OUT p_open float8, OUT p_redeemed float8, OUT p_expired float8, OUT p_taken_back float8,
    OUT p_redeemed_later float8, OUT breakage_rate float8, OUT standard_error float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5000 ROWS 365 AS 'MODULE_PATHNAME', 'crm_breakage_points';
COMMENT ON FUNCTION crm.curve_points(crm.breakage_curve) IS
  'each age in days at which points ended or were open: points at risk, what became of them, the probabilities by the end of the age (Aalen-Johansen), and of those open then the probability of being redeemed later and of expiring (breakage_rate), with its standard error by leaving out groups of customers';
CREATE FUNCTION crm_internal.points_liability_transition(numeric, crm.points_rule, crm.purchase_history, crm.purchase_history, date, numeric, crm.breakage_curve) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_liability_awards_transition';
COMMENT ON FUNCTION crm_internal.points_liability_transition(numeric, crm.points_rule, crm.purchase_history, crm.purchase_history, date, numeric, crm.breakage_curve) IS
  'transition function of the aggregate points_liability of awards';
CREATE AGGREGATE crm.points_liability(rule crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, as_of date,
    point_value numeric, breakage crm.breakage_curve) (
  SFUNC = crm_internal.points_liability_transition,
  STYPE = numeric,
  COMBINEFUNC = pg_catalog.numeric_add,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.points_liability(crm.points_rule, crm.purchase_history, crm.purchase_history, date, numeric, crm.breakage_curve) IS
  'what the open awards are worth in money: the points of each times the probability that they are redeemed later at its age; an age that was not seen counts in full';
CREATE FUNCTION crm_internal.points_liability_transition(numeric, crm.points_rule, crm.purchase_history, crm.purchase_history, date, numeric, crm.breakage_curve, crm.purchase_history, crm.points_gift[]) RETURNS numeric
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_points_liability_awards_transition';
COMMENT ON FUNCTION crm_internal.points_liability_transition(numeric, crm.points_rule, crm.purchase_history, crm.purchase_history, date, numeric, crm.breakage_curve, crm.purchase_history, crm.points_gift[]) IS
  'transition function of the aggregate points_liability of awards with base points and gifts';
CREATE AGGREGATE crm.points_liability(rule crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, as_of date,
    point_value numeric, breakage crm.breakage_curve, base_points crm.purchase_history, gifts crm.points_gift[]) (
  SFUNC = crm_internal.points_liability_transition,
  STYPE = numeric,
  COMBINEFUNC = pg_catalog.numeric_add,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.points_liability(crm.points_rule, crm.purchase_history, crm.purchase_history, date, numeric, crm.breakage_curve, crm.purchase_history, crm.points_gift[]) IS
  'the same with the base points of a rule that rounds per purchase, and with gifts; NULL for none';
