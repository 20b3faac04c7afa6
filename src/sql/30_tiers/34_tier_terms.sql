-- what the terms of a tier program say: status match, paid memberships, benefits

CREATE FUNCTION crm.status_match(program crm.tier_program, tier text, matched_on date) RETURNS crm.tier_override
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_status_match';
COMMENT ON FUNCTION crm.status_match(crm.tier_program, text, date) IS
  'the override of a customer whose status elsewhere is matched: the tier as a floor for the length of the program''s proof, within which what is bought proves it';
CREATE FUNCTION crm.memberships(program crm.tier_program, fees crm.purchase_history, as_of date) RETURNS daterange[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_memberships';
COMMENT ON FUNCTION crm.memberships(crm.tier_program, crm.purchase_history, date) IS
  'the memberships that a history of fees has paid for: argument of tier, standing, tier_timeline, tier_progress';
CREATE FUNCTION crm.benefits(program crm.tier_program, tier text DEFAULT NULL, OUT benefit text, OUT from_tier text) RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 ROWS 5 AS 'MODULE_PATHNAME', 'crm_benefits';
COMMENT ON FUNCTION crm.benefits(crm.tier_program, text) IS
  'the benefits of a tier, those of the tiers below it too, or of all tiers, with the lowest tier that has each';
CREATE FUNCTION crm.entitled(program crm.tier_program, tier text, benefit text) RETURNS boolean
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_entitled';
COMMENT ON FUNCTION crm.entitled(crm.tier_program, text, text) IS
  'whether who holds a tier, NULL for none, has a benefit; an error if the program has no such benefit';
