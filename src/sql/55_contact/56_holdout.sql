-- holdout and lift: what a program did, told from habit

CREATE FUNCTION crm.holdout(key text, salt text, share float8) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_holdout';
COMMENT ON FUNCTION crm.holdout(text, text, float8) IS
  'whether the key belongs to the share that is held out: the first 52 bits of SHA-256(salt, a zero byte, key; both UTF-8) over 2^52 lie below share';
CREATE FUNCTION crm.holdout(key bigint, salt text, share float8) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_holdout_bigint';
COMMENT ON FUNCTION crm.holdout(bigint, text, float8) IS
  'whether the key, as its decimal text, belongs to the share that is held out';

CREATE TYPE crm.lift_result AS (
  treated_n bigint,
  control_n bigint,
  treated_mean float8,
  control_mean float8,
  difference float8,
  difference_low float8,
  difference_high float8,
  ratio float8,
  ratio_low float8,
  ratio_high float8
);
COMMENT ON TYPE crm.lift_result IS 'what lift returns';
COMMENT ON COLUMN crm.lift_result.treated_n IS 'number of values of the treated';
COMMENT ON COLUMN crm.lift_result.control_n IS 'number of values of the others';
COMMENT ON COLUMN crm.lift_result.treated_mean IS 'mean of the treated';
COMMENT ON COLUMN crm.lift_result.control_mean IS 'mean of the others';
COMMENT ON COLUMN crm.lift_result.difference IS 'treated_mean - control_mean';
COMMENT ON COLUMN crm.lift_result.difference_low IS 'lower end of the 95 % interval of difference (Welch); NULL with fewer than two values in a group';
COMMENT ON COLUMN crm.lift_result.difference_high IS 'upper end of the 95 % interval of difference';
COMMENT ON COLUMN crm.lift_result.ratio IS 'treated_mean / control_mean; NULL unless control_mean is positive and treated_mean not negative';
COMMENT ON COLUMN crm.lift_result.ratio_low IS 'lower end of the 95 % interval of ratio (delta method on its logarithm); NULL unless both means are positive';
COMMENT ON COLUMN crm.lift_result.ratio_high IS 'upper end of the 95 % interval of ratio';

CREATE FUNCTION crm_internal.lift_transition(crm.exact_sums, boolean, float8) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_lift_transition';
COMMENT ON FUNCTION crm_internal.lift_transition(crm.exact_sums, boolean, float8) IS 'transition function of the aggregate lift';
CREATE FUNCTION crm_internal.lift_final(crm.exact_sums) RETURNS crm.lift_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_lift_final';
COMMENT ON FUNCTION crm_internal.lift_final(crm.exact_sums) IS 'final function of the aggregate lift';
CREATE AGGREGATE crm.lift(treated boolean, value float8) (
  SFUNC = crm_internal.lift_transition,
  STYPE = crm.exact_sums,
  SSPACE = 256,
  FINALFUNC = crm_internal.lift_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift(boolean, float8) IS
  'what a treatment did: the means of treated and others, their difference and ratio with 95 % intervals; rows with a NULL are left out';

CREATE FUNCTION crm_internal.lift_before_transition(crm.exact_sums, boolean, float8, float8) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_lift_before_transition';
COMMENT ON FUNCTION crm_internal.lift_before_transition(crm.exact_sums, boolean, float8, float8) IS 'transition function of the aggregate lift with before';
CREATE FUNCTION crm_internal.lift_before_final(crm.exact_sums) RETURNS crm.lift_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'crm_lift_before_final';
COMMENT ON FUNCTION crm_internal.lift_before_final(crm.exact_sums) IS 'final function of the aggregate lift with before';
CREATE AGGREGATE crm.lift(treated boolean, value float8, before float8) (
  SFUNC = crm_internal.lift_before_transition,
  STYPE = crm.exact_sums,
  SSPACE = 512,
  FINALFUNC = crm_internal.lift_before_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.lift(boolean, float8, float8) IS
  'lift with less noise: value less what before, the same measured ahead of the treatment, lets expect (CUPED, the slope within the groups, pooled); the means are adjusted, the difference is the coefficient of treated in a regression on treated and before; a value without before is not adjusted';

CREATE FUNCTION crm.p_sample_ratio(treated_n bigint, control_n bigint, share float8 DEFAULT 0.5) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_p_sample_ratio';
COMMENT ON FUNCTION crm.p_sample_ratio(bigint, bigint, float8) IS
  'how probable a split as far from the planned share of the treated is, or farther (chi-square); a small one, such as below 0.001, says that the experiment was not split as planned and its lift means nothing; NULL of nobody';
CREATE FUNCTION crm.customers_needed(standard_deviation float8, effect float8, power float8 DEFAULT 0.8, level float8 DEFAULT 0.05, share float8 DEFAULT 0.5) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_customers_needed';
COMMENT ON FUNCTION crm.customers_needed(float8, float8, float8, float8, float8) IS
  'how many customers, treated and held out together, find a difference of means of that size with the probability power, by a two-sided test at the level; share are treated; with before known, give the standard deviation times sqrt(1 - correlation^2)';
