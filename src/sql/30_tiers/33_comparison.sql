-- program_comparison: the same customers in two programs

@type program_comparison|50|10|extended|from 2024-01-01 until 2024-12-31 {none 0 0, Bronze 0 2} other {none 0 0, Base 3 1} moves {1/1 40} points {900 20 500} other {880 0 560}
COMMENT ON TYPE crm.program_comparison IS
  'how the same customers stand in two programs: upgrades and downgrades by tier, customers by both tiers, points under both';

CREATE FUNCTION crm_internal.compare_programs_transition(crm.program_comparison, crm.tier_program, crm.tier_program, crm.purchase_history, daterange) RETURNS crm.program_comparison
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_compare_programs_transition';
COMMENT ON FUNCTION crm_internal.compare_programs_transition(crm.program_comparison, crm.tier_program, crm.tier_program, crm.purchase_history, daterange) IS
  'transition function of the aggregate compare_programs of tier programs';
CREATE FUNCTION crm_internal.compare_programs_transition(crm.program_comparison, crm.points_rule, crm.points_rule, crm.purchase_history, crm.purchase_history, daterange) RETURNS crm.program_comparison
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_compare_rules_transition';
COMMENT ON FUNCTION crm_internal.compare_programs_transition(crm.program_comparison, crm.points_rule, crm.points_rule, crm.purchase_history, crm.purchase_history, daterange) IS
  'transition function of the aggregate compare_programs of points rules';
CREATE FUNCTION crm_internal.compare_programs_transition(crm.program_comparison, crm.points_rule, crm.points_rule, crm.purchase_history, crm.purchase_history, daterange, crm.purchase_history, crm.purchase_history, crm.points_gift[]) RETURNS crm.program_comparison
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_compare_rules_transition';
COMMENT ON FUNCTION crm_internal.compare_programs_transition(crm.program_comparison, crm.points_rule, crm.points_rule, crm.purchase_history, crm.purchase_history, daterange, crm.purchase_history, crm.purchase_history, crm.points_gift[]) IS
  'transition function of the aggregate compare_programs of points rules with base points and gifts';
CREATE FUNCTION crm_internal.program_comparison_plus(crm.program_comparison, crm.program_comparison) RETURNS crm.program_comparison
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_program_comparison_plus';
COMMENT ON FUNCTION crm_internal.program_comparison_plus(crm.program_comparison, crm.program_comparison) IS
  'combine function of the aggregates of program_comparison';
CREATE AGGREGATE crm.compare_programs(program crm.tier_program, other crm.tier_program, history crm.purchase_history, during daterange) (
  SFUNC = crm_internal.compare_programs_transition,
  STYPE = crm.program_comparison,
  COMBINEFUNC = crm_internal.program_comparison_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.compare_programs(crm.tier_program, crm.tier_program, crm.purchase_history, daterange) IS
  'all customers in two tier programs on the same past: who holds which tier of both at the end of the days, and the upgrades and downgrades within them';
CREATE AGGREGATE crm.compare_programs(program crm.points_rule, other crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, during daterange) (
  SFUNC = crm_internal.compare_programs_transition,
  STYPE = crm.program_comparison,
  COMBINEFUNC = crm_internal.program_comparison_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.compare_programs(crm.points_rule, crm.points_rule, crm.purchase_history, crm.purchase_history, daterange) IS
  'all customers under two points rules on the same past: the tiers of their programs, and the points earned, expired and open under both';
CREATE AGGREGATE crm.compare_programs(program crm.points_rule, other crm.points_rule, purchases crm.purchase_history, redeemed crm.purchase_history, during daterange,
    base_points crm.purchase_history, other_base_points crm.purchase_history, gifts crm.points_gift[]) (
  SFUNC = crm_internal.compare_programs_transition,
  STYPE = crm.program_comparison,
  COMBINEFUNC = crm_internal.program_comparison_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.compare_programs(crm.points_rule, crm.points_rule, crm.purchase_history, crm.purchase_history, daterange, crm.purchase_history, crm.purchase_history, crm.points_gift[]) IS
  'the same with the base points of a rule, and of the other, that rounds per purchase, and with gifts, which are open, but not earned; NULL for none';
CREATE AGGREGATE crm.merge(comparison crm.program_comparison) (
  SFUNC = crm_internal.program_comparison_plus,
  STYPE = crm.program_comparison,
  COMBINEFUNC = crm_internal.program_comparison_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.program_comparison) IS 'the customers of all comparisons of the same two programs over the same days';

@comparison program_comparison|10|order by bytes: the same on every machine of one kind|equal values

CREATE FUNCTION crm.compared_tiers(comparison crm.program_comparison,
    OUT program text, OUT rank int, OUT tier text, OUT customer_count bigint, OUT upgrade_count bigint, OUT downgrade_count bigint) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 8 AS 'MODULE_PATHNAME', 'crm_compared_tiers';
COMMENT ON FUNCTION crm.compared_tiers(crm.program_comparison) IS
  'of each tier of both programs (program, other), rank 0 being no tier: customers at the end of the days, upgrades and downgrades to it within them';
CREATE FUNCTION crm.compared_moves(comparison crm.program_comparison,
    OUT rank int, OUT tier text, OUT other_rank int, OUT other_tier text, OUT customer_count bigint) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 10 AS 'MODULE_PATHNAME', 'crm_compared_moves';
COMMENT ON FUNCTION crm.compared_moves(crm.program_comparison) IS
  'customers by the tier that they hold at the end of the days in the program and in the other';
CREATE FUNCTION crm.compared_points(comparison crm.program_comparison,
    OUT program text, OUT earned bigint, OUT expired bigint, OUT open bigint) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 2 AS 'MODULE_PATHNAME', 'crm_compared_points';
COMMENT ON FUNCTION crm.compared_points(crm.program_comparison) IS
  'points earned (with those reinstated) and expired within the days, and open at their end, under both rules (program, other); no rows of tier programs';
