-- as in 55_contact/56_holdout.sql; lift with what customers did before

@create crm_internal.lift_before_transition
@create crm_internal.lift_before_final
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
@create crm.p_sample_ratio
@create crm.customers_needed
