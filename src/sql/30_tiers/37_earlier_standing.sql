-- what the views of standings stand on that earlier releases made, until the next refresh makes them anew, and views of users

CREATE FUNCTION crm_internal.standing(program crm.tier_program, history crm.purchase_history, as_of date,
    overrides crm.tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL,
    OUT tier text, OUT rank int, OUT since date, OUT expires_on date, OUT metric_value numeric, OUT next_tier text,
    OUT missing_for_next numeric, OUT missing_to_keep numeric, OUT reason text) RETURNS record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_standing';
COMMENT ON FUNCTION crm_internal.standing(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) IS
  'crm.standing as it was before 0.3.0, a row of no named type: what views of earlier releases stand on';
CREATE FUNCTION crm_internal.until(history crm.purchase_history, day date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_until';
COMMENT ON FUNCTION crm_internal.until(crm.purchase_history, date) IS 'crm.until as it was before 0.3.0, with another name of its argument: what views of earlier releases stand on';
