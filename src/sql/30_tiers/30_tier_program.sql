-- tier_program: a loyalty program as a value, and what a customer's standing in it is

@type tier_program|50|10|extended|{Bronze: spend 0, Silver: spend 500} rolling 12 months downgrade one_tier grace 30 days
COMMENT ON TYPE crm.tier_program IS
  'a loyalty program: tiers with thresholds, window, downgrade, grace: {Bronze: spend 0, Silver: spend 500} rolling 12 months downgrade one_tier grace 30 days';

-- the constructors

CREATE FUNCTION crm.tier_program(tiers text[], thresholds numeric[] DEFAULT NULL, metric text DEFAULT 'spend',
    period interval DEFAULT NULL, window_kind text DEFAULT 'rolling', downgrade text DEFAULT 'requalify',
    grace interval DEFAULT NULL, validity interval DEFAULT NULL, retain numeric[] DEFAULT NULL,
    lifetime_tiers text[] DEFAULT NULL, fiscal_start text DEFAULT NULL, starts_on date DEFAULT NULL,
    points_rate numeric DEFAULT NULL, purchase_points bigint DEFAULT NULL, bonus_points bigint DEFAULT NULL,
    bonus_every bigint DEFAULT NULL, points_per numeric DEFAULT NULL, points_rounding text DEFAULT NULL, on_refund text DEFAULT 'keep',
    rollover text DEFAULT NULL, proof_period interval DEFAULT NULL, proof numeric[] DEFAULT NULL, fee numeric DEFAULT NULL, fee_period interval DEFAULT NULL,
    renewal_fee numeric DEFAULT NULL, benefits text DEFAULT NULL, rules text[] DEFAULT NULL, retain_rules text[] DEFAULT NULL) RETURNS crm.tier_program
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_tier_program';
COMMENT ON FUNCTION crm.tier_program(text[], numeric[], text, interval, text, text, interval, interval, numeric[], text[], text, date, numeric, bigint, bigint, bigint, numeric, text, text, text, interval, numeric[], numeric, interval, numeric, text, text[], text[]) IS
  'a program of tiers, the lowest first, with a threshold of the metric each, or with its rules (spend 4000 and orders 4 or spend 5000) and those to keep it; what goes on to the next period (rollover: all, up to 50), a status match (proof_period, proof of each tier), a paid membership (fee, fee_period, renewal_fee), benefits ({lounge: Gold})';
CREATE FUNCTION crm.or_rule(program crm.tier_program, metric text, thresholds numeric[], retain numeric[] DEFAULT NULL)
    RETURNS crm.tier_program
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_or_rule';
COMMENT ON FUNCTION crm.or_rule(crm.tier_program, text, numeric[], numeric[]) IS
  'the program with thresholds in one more metric, NULL for tiers without, any of which suffices; a metric that is joined to others may have one by itself, too';
CREATE FUNCTION crm.and_rule(program crm.tier_program, metric text, thresholds numeric[], retain numeric[] DEFAULT NULL)
    RETURNS crm.tier_program
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_and_rule';
COMMENT ON FUNCTION crm.and_rule(crm.tier_program, text, numeric[], numeric[]) IS
  'the program whose tiers ask for thresholds in one more metric along with those of the main one, NULL for tiers that do not: joined to the threshold in it alone, or else to the rule that joined it to others last';

@comparison tier_program|2|order by bytes: the same on every machine of one kind|equal values

-- what a program says of itself

CREATE FUNCTION crm.tier_rank(program crm.tier_program, tier text) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tier_rank';
COMMENT ON FUNCTION crm.tier_rank(crm.tier_program, text) IS 'rank of a tier, 1 for the lowest; an error if there is no such tier';
CREATE FUNCTION crm.tier_by_value(program crm.tier_program, value numeric) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_tier_value';
COMMENT ON FUNCTION crm.tier_by_value(crm.tier_program, numeric) IS 'the tier that a value of the main metric reaches; NULL if it reaches none';
CREATE FUNCTION crm.tiers(program crm.tier_program,
    OUT rank int, OUT tier text, OUT metric text, OUT threshold numeric, OUT retain_threshold numeric, OUT lifetime boolean)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 5 AS 'MODULE_PATHNAME', 'crm_tiers';
COMMENT ON FUNCTION crm.tiers(crm.tier_program) IS 'the rules of the program, one row for each tier and metric';
CREATE FUNCTION crm_internal.tier_program_to_jsonb(crm.tier_program) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_tier_program_to_jsonb';
COMMENT ON FUNCTION crm_internal.tier_program_to_jsonb(crm.tier_program) IS 'the program as a jsonb object';
CREATE CAST (crm.tier_program AS jsonb) WITH FUNCTION crm_internal.tier_program_to_jsonb(crm.tier_program);
COMMENT ON CAST (crm.tier_program AS jsonb) IS 'an object with every field, null where there is none';

-- a customer in a program

CREATE TYPE crm.tier_override AS (floor text, ceiling text, valid daterange);
COMMENT ON TYPE crm.tier_override IS 'a tier that a customer is not below (floor) or not above (ceiling) on the days of a range';

CREATE FUNCTION crm.tier(program crm.tier_program, history crm.purchase_history, as_of date,
    overrides crm.tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL) RETURNS text
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_tier';
COMMENT ON FUNCTION crm.tier(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) IS
  'the tier held on a day; NULL if there is none';
CREATE TYPE crm.standing_result AS (
  tier text,
  rank int,
  since date,
  expires_on date,
  metric_value numeric,
  next_tier text,
  missing_for_next numeric,
  missing_to_keep numeric,
  reason text
);
COMMENT ON TYPE crm.standing_result IS 'how a customer stands in a tier program on a day';
COMMENT ON COLUMN crm.standing_result.tier IS 'the tier held; NULL if none';
COMMENT ON COLUMN crm.standing_result.rank IS 'rank of the tier, 1 for the lowest, 0 without a tier';
COMMENT ON COLUMN crm.standing_result.since IS 'first day of the unbroken time at this tier';
COMMENT ON COLUMN crm.standing_result.expires_on IS 'first day of a lower tier or none, if nothing more is bought; NULL if there is no such day';
COMMENT ON COLUMN crm.standing_result.metric_value IS 'the program''s main metric on that day';
COMMENT ON COLUMN crm.standing_result.next_tier IS 'the tier above; NULL for the highest';
COMMENT ON COLUMN crm.standing_result.missing_for_next IS 'what is missing in that metric for the next tier';
COMMENT ON COLUMN crm.standing_result.missing_to_keep IS 'what is missing in that metric to keep the tier beyond expires_on; NULL if nothing bought would';
COMMENT ON COLUMN crm.standing_result.reason IS 'why the customer holds this tier';
CREATE FUNCTION crm.standing(program crm.tier_program, history crm.purchase_history, as_of date,
    overrides crm.tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL) RETURNS crm.standing_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_standing';
COMMENT ON FUNCTION crm.standing(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) IS
  'the tier held on a day, since when, until when if nothing more is bought, what is missing for the next and to keep it, and why';
CREATE FUNCTION crm.tier_timeline(program crm.tier_program, history crm.purchase_history, as_of date,
    overrides crm.tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL,
    OUT changed_on date, OUT from_tier text, OUT to_tier text, OUT to_rank int, OUT metric_value numeric, OUT reason text)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 ROWS 5 AS 'MODULE_PATHNAME', 'crm_tier_timeline';
COMMENT ON FUNCTION crm.tier_timeline(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) IS
  'every change of the standing until a day, and why';
CREATE FUNCTION crm.tier_progress(program crm.tier_program, history crm.purchase_history, as_of date,
    overrides crm.tier_override[] DEFAULT NULL, memberships daterange[] DEFAULT NULL,
    OUT next_tier text, OUT metric text, OUT metric_value numeric, OUT threshold numeric, OUT missing numeric, OUT alternative int)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 ROWS 1 AS 'MODULE_PATHNAME', 'crm_tier_progress';
COMMENT ON FUNCTION crm.tier_progress(crm.tier_program, crm.purchase_history, date, crm.tier_override[], daterange[]) IS
  'what is missing for the next tier in each of its qualifying rules, any of which suffices';
