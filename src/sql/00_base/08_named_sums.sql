-- named_sums: exact sums by name, of arms and strata or of questions

@type named_sums|20|20|extended|{name (sum, ...), name second_name (sum, ...), ...}
COMMENT ON TYPE crm.named_sums IS
  'exact sums by name, what lift_arms keeps of arms and strata and nps_by_question of questions: {price (12, 5, 3), service (10, 6, 4)}';

@comparison named_sums|5|order by the bytes, of no meaning but equality|equal content

CREATE FUNCTION crm_internal.named_sums_combine(crm.named_sums, crm.named_sums) RETURNS crm.named_sums
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_named_sums_combine';
COMMENT ON FUNCTION crm_internal.named_sums_combine(crm.named_sums, crm.named_sums) IS
  'combine function of the aggregates lift_arms and nps_by_question, transition function of merge';
CREATE FUNCTION crm_internal.named_sums_final(crm.named_sums) RETURNS crm.named_sums
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_named_sums_final';
COMMENT ON FUNCTION crm_internal.named_sums_final(crm.named_sums) IS
  'final function of the aggregates lift_arms and nps_by_question';
CREATE AGGREGATE crm.merge(sums crm.named_sums) (
  SFUNC = crm_internal.named_sums_combine,
  STYPE = crm.named_sums,
  SSPACE = 1024,
  FINALFUNC = crm_internal.named_sums_final,
  COMBINEFUNC = crm_internal.named_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.named_sums) IS
  'the sums of all parts, name by name';
