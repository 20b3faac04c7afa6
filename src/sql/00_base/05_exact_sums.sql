-- exact_sums: what aggregates that add numbers remember

@type exact_sums|5|2|extended|{sum, sum, ...}
COMMENT ON TYPE crm.exact_sums IS
  'the state of aggregates that add numbers: a row of exact 128-bit sums, {sum, sum, ...}';

CREATE FUNCTION crm_internal.exact_sums_combine(crm.exact_sums, crm.exact_sums) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_exact_sums_plus';
COMMENT ON FUNCTION crm_internal.exact_sums_combine(crm.exact_sums, crm.exact_sums) IS
  'combine function: sum by sum';

@comparison exact_sums|2|order by the first sum that differs|equal content
