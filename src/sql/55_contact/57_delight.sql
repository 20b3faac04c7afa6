-- delight: a lottery of surprises that anybody can draw again

CREATE TYPE crm.delight_policy AS (
  share float8,
  pause interval,
  budget numeric,
  cost numeric,
  holdout float8
);
COMMENT ON TYPE crm.delight_policy IS 'who is surprised how often; what is NULL limits nothing';
COMMENT ON COLUMN crm.delight_policy.share IS 'share of the customers who are drawn on a day';
COMMENT ON COLUMN crm.delight_policy.pause IS 'how long nobody is surprised again after a delight';
COMMENT ON COLUMN crm.delight_policy.budget IS 'what the delights of one customer may cost in 365 days, the next one among them';
COMMENT ON COLUMN crm.delight_policy.cost IS 'what a delight costs';
COMMENT ON COLUMN crm.delight_policy.holdout IS 'share of the customers who are never drawn: crm.holdout(key, salt, holdout)';
CREATE TYPE crm.delight_due_result AS (
  due boolean,
  reason text,
  draw float8
);
COMMENT ON TYPE crm.delight_due_result IS 'whether a customer is surprised on a day';
COMMENT ON COLUMN crm.delight_due_result.due IS 'whether it is the day';
COMMENT ON COLUMN crm.delight_due_result.reason IS 'why, or why not';
COMMENT ON COLUMN crm.delight_due_result.draw IS 'the draw of the day, 0 to 1';

CREATE FUNCTION crm.delight_due(policy crm.delight_policy, deeds crm.deeds, as_of timestamptz, key text, salt text, time_zone text) RETURNS crm.delight_due_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_delight_due';
COMMENT ON FUNCTION crm.delight_due(crm.delight_policy, crm.deeds, timestamptz, text, text, text) IS
  'whether a customer is surprised on the day of as_of: not if held out, not if the draw of the day, the number that crm.holdout makes of the key and of the salt with a space and the day behind it, is share or more, not in the pause after the last delight, not above the budget; why, and the draw';
