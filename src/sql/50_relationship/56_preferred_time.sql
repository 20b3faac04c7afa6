-- when a customer is likely to answer

CREATE TYPE crm.preferred_time_result AS (
  weekday text,
  hour int,
  weekday_share float8,
  hour_share float8,
  evidence_count bigint
);
COMMENT ON TYPE crm.preferred_time_result IS 'the time at which a customer is mostly in touch';
COMMENT ON COLUMN crm.preferred_time_result.weekday IS 'day of the week, mon to sun';
COMMENT ON COLUMN crm.preferred_time_result.hour IS 'hour of the day, 0 to 23';
COMMENT ON COLUMN crm.preferred_time_result.weekday_share IS 'share of the evidence on that day';
COMMENT ON COLUMN crm.preferred_time_result.hour_share IS 'share of the evidence in that hour';
COMMENT ON COLUMN crm.preferred_time_result.evidence_count IS 'interactions that were counted';

CREATE FUNCTION crm.preferred_time(history crm.interaction_history, as_of timestamptz, time_zone text, stated text DEFAULT NULL, minimum_evidence int DEFAULT 5) RETURNS crm.preferred_time_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_preferred_time';
COMMENT ON FUNCTION crm.preferred_time(crm.interaction_history, timestamptz, text, text, int) IS
  'the day of the week (mon to sun) and the hour on which the customer mostly was in touch, of what came in and what went out and was opened, answered or resolved by as_of; an hour counts half, its neighbours a quarter each; shares as if each day and hour had been seen once more; a stated time such as tue 18:00, tue or 18:00 wins; NULL with less evidence than minimum_evidence';
