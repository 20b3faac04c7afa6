-- how sure a lift is, over strata and among several arms

CREATE TYPE crm.lift_test_result AS (
  difference float8,
  standard_error float8,
  degrees float8,
  p_value float8,
  customer_count bigint
);
COMMENT ON TYPE crm.lift_test_result IS 'what lift_test and stratified return';
COMMENT ON COLUMN crm.lift_test_result.difference IS 'mean of the treated less that of the others; NULL if a group is empty';
COMMENT ON COLUMN crm.lift_test_result.standard_error IS 'its standard error (Welch); NULL with fewer than two values in a group';
COMMENT ON COLUMN crm.lift_test_result.degrees IS 'degrees of freedom of the t distribution; NULL where the standard error is 0 or NULL';
COMMENT ON COLUMN crm.lift_test_result.p_value IS 'how probable a difference as large is, either way, if the treatment does nothing; NULL where the standard error is 0 or NULL';
COMMENT ON COLUMN crm.lift_test_result.customer_count IS 'number of values in both groups';

CREATE FUNCTION crm_internal.lift_test_final(crm.exact_sums) RETURNS crm.lift_test_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_lift_test_final';
COMMENT ON FUNCTION crm_internal.lift_test_final(crm.exact_sums) IS
  'final function of the aggregate lift_test';
CREATE FUNCTION crm_internal.lift_test_before_final(crm.exact_sums) RETURNS crm.lift_test_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'crm_lift_test_before_final';
COMMENT ON FUNCTION crm_internal.lift_test_before_final(crm.exact_sums) IS
  'final function of the aggregate lift_test';
CREATE AGGREGATE crm.lift_test(treated boolean, value float8) (
  SFUNC = crm_internal.lift_transition,
  STYPE = crm.exact_sums,
  SSPACE = 256,
  FINALFUNC = crm_internal.lift_test_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift_test(boolean, float8) IS
  'whether a treatment did anything: the difference of the means, its standard error and two-sided p-value (Welch); rows with a NULL are left out';
CREATE AGGREGATE crm.lift_test(treated boolean, value float8, before float8) (
  SFUNC = crm_internal.lift_before_transition,
  STYPE = crm.exact_sums,
  SSPACE = 512,
  FINALFUNC = crm_internal.lift_test_before_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift_test(boolean, float8, float8) IS
  'the same of values adjusted by what customers did before, as lift adjusts them (CUPED)';
CREATE FUNCTION crm.stratified(strata crm.lift_test_result[]) RETURNS crm.lift_test_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_stratified';
COMMENT ON FUNCTION crm.stratified(crm.lift_test_result[]) IS
  'the test over strata: their differences weighted by their customers; NULLs if a stratum lacks a group';
CREATE FUNCTION crm.holm(p_values float8[]) RETURNS float8[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_holm';
COMMENT ON FUNCTION crm.holm(float8[]) IS
  'p-values of several tests, such as of several arms against one control, each raised so that the chance of any false alarm stays what it says (Holm 1979)';

-- several arms, over strata, in one aggregate

CREATE FUNCTION crm_internal.lift_arms_transition(crm.named_sums, text, float8) RETURNS crm.named_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_lift_arms_transition';
COMMENT ON FUNCTION crm_internal.lift_arms_transition(crm.named_sums, text, float8) IS
  'transition function of the aggregate lift_arms';
CREATE AGGREGATE crm.lift_arms(arm text, value float8) (
  SFUNC = crm_internal.lift_arms_transition,
  STYPE = crm.named_sums,
  SSPACE = 2048,
  FINALFUNC = crm_internal.named_sums_final,
  COMBINEFUNC = crm_internal.named_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift_arms(text, float8) IS
  'an experiment of several arms in one value, for crm.arm_lifts: a row a customer; rows without arm or value are left out';
CREATE FUNCTION crm_internal.lift_arms_transition(crm.named_sums, text, float8, float8) RETURNS crm.named_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_lift_arms_transition';
COMMENT ON FUNCTION crm_internal.lift_arms_transition(crm.named_sums, text, float8, float8) IS
  'transition function of the aggregate lift_arms';
CREATE AGGREGATE crm.lift_arms(arm text, value float8, before float8) (
  SFUNC = crm_internal.lift_arms_transition,
  STYPE = crm.named_sums,
  SSPACE = 2048,
  FINALFUNC = crm_internal.named_sums_final,
  COMBINEFUNC = crm_internal.named_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift_arms(text, float8, float8) IS
  'the same with what customers did before, which makes the differences surer (CUPED); NULL where that is not known';
CREATE FUNCTION crm_internal.lift_arms_transition(crm.named_sums, text, float8, float8, text) RETURNS crm.named_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_lift_arms_transition';
COMMENT ON FUNCTION crm_internal.lift_arms_transition(crm.named_sums, text, float8, float8, text) IS
  'transition function of the aggregate lift_arms';
CREATE AGGREGATE crm.lift_arms(arm text, value float8, before float8, stratum text) (
  SFUNC = crm_internal.lift_arms_transition,
  STYPE = crm.named_sums,
  SSPACE = 2048,
  FINALFUNC = crm_internal.named_sums_final,
  COMBINEFUNC = crm_internal.named_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift_arms(text, float8, float8, text) IS
  'the same with the stratum that each customer was drawn from; before may be NULL, a NULL stratum is one of its own';
CREATE FUNCTION crm.arm_lifts(arms crm.named_sums, control text,
    OUT arm text, OUT difference float8, OUT standard_error float8, OUT degrees float8, OUT p_value float8, OUT p_holm float8, OUT customer_count bigint) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 5 AS 'MODULE_PATHNAME', 'crm_arm_lifts';
COMMENT ON FUNCTION crm.arm_lifts(crm.named_sums, text) IS
  'each arm told from the control: the difference of their means and its standard error (Welch), over strata weighted by their customers; with before the coefficients of a regression of value on arm and before, its slope pooled over all arms; the p-value, and that among so many arms (Holm); NULLs if a stratum lacks one of the two';

-- whom to treat

@type uplift_curve|20|20|extended|{score treated_n treated_value control_n control_value, ...}
COMMENT ON TYPE crm.uplift_curve IS
  'what treated and held out customers brought, by score: {0.9 120 340.50 118 200.00, 0.5 130 210.00 125 190.00}';

@comparison uplift_curve|10|order by the bytes, of no meaning but equality|equal content

CREATE FUNCTION crm_internal.uplift_curve_transition(crm.uplift_curve, float8, boolean, float8) RETURNS crm.uplift_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_uplift_curve_transition';
COMMENT ON FUNCTION crm_internal.uplift_curve_transition(crm.uplift_curve, float8, boolean, float8) IS
  'transition function of the aggregate uplift_curve';
CREATE FUNCTION crm_internal.uplift_curve_plus(crm.uplift_curve, crm.uplift_curve) RETURNS crm.uplift_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_uplift_curve_plus';
COMMENT ON FUNCTION crm_internal.uplift_curve_plus(crm.uplift_curve, crm.uplift_curve) IS
  'implementation of + operator';
CREATE FUNCTION crm_internal.uplift_curve_final(crm.uplift_curve) RETURNS crm.uplift_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_uplift_curve_final';
COMMENT ON FUNCTION crm_internal.uplift_curve_final(crm.uplift_curve) IS
  'final function of the aggregate uplift_curve';
CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.uplift_curve_plus,
  LEFTARG = crm.uplift_curve,
  RIGHTARG = crm.uplift_curve,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.uplift_curve, crm.uplift_curve) IS 'the customers of both';
CREATE AGGREGATE crm.uplift_curve(score float8, treated boolean, value float8) (
  SFUNC = crm_internal.uplift_curve_transition,
  STYPE = crm.uplift_curve,
  SSPACE = 65536,
  FINALFUNC = crm_internal.uplift_curve_final,
  COMBINEFUNC = crm_internal.uplift_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.uplift_curve(float8, boolean, float8) IS
  'what treated and held out customers brought, by a score that was known before, the highest first; value to four decimals; rows with a NULL are left out';
CREATE AGGREGATE crm.merge(curve crm.uplift_curve) (
  SFUNC = crm_internal.uplift_curve_plus,
  STYPE = crm.uplift_curve,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.uplift_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.uplift_curve) IS 'the customers of all curves';
CREATE FUNCTION crm.points(curve crm.uplift_curve,
    OUT score float8, OUT share float8, OUT treated_n bigint, OUT control_n bigint, OUT treated_value float8, OUT control_value float8, OUT gain float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 100 AS 'MODULE_PATHNAME', 'crm_uplift_points';
COMMENT ON FUNCTION crm.points(crm.uplift_curve) IS
  'the curve as rows, the highest score first: of all customers with that score or a higher one their share, how many were treated and held out, what both brought, and the gain: what the treated brought more than as many of the held out; NULL while one group is missing';
CREATE FUNCTION crm.qini(curve crm.uplift_curve) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_qini';
COMMENT ON FUNCTION crm.qini(crm.uplift_curve) IS
  'how much better the score finds whom to treat than chance: the area between the gain per treated customer, over the share treated, and its straight line; 0 for a score that says nothing, below for one that is upside down; NULL without both groups';
CREATE TYPE crm.best_share_result AS (
  share float8,
  score float8,
  profit float8,
  in_sample boolean
);
COMMENT ON TYPE crm.best_share_result IS 'down to which score to treat';
COMMENT ON COLUMN crm.best_share_result.share IS 'share of the customers to treat, the highest scores first';
COMMENT ON COLUMN crm.best_share_result.score IS 'the lowest score to treat';
COMMENT ON COLUMN crm.best_share_result.profit IS 'the profit per customer of all';
COMMENT ON COLUMN crm.best_share_result.in_sample IS 'whether the share was judged in the sample in which it was found, which promises too much';

CREATE FUNCTION crm.best_share(curve crm.uplift_curve, cost float8, margin float8 DEFAULT 1, second crm.uplift_curve DEFAULT NULL) RETURNS crm.best_share_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_best_share';
COMMENT ON FUNCTION crm.best_share(crm.uplift_curve, float8, float8, crm.uplift_curve) IS
  'down to which score to treat, if a treatment costs so much and margin of the value is earned: the share of the customers, the score, and the profit per customer of all; judged in a second sample if it is given, else in the one in which it was found, which promises too much (in_sample)';
