-- when a customer is likely to answer

CREATE FUNCTION crm.preferred_time(history crm.interaction_history, as_of timestamptz, time_zone text, stated text DEFAULT NULL, minimum_evidence int DEFAULT 5,
    OUT weekday text, OUT hour int, OUT weekday_share float8, OUT hour_share float8, OUT evidence_count bigint) RETURNS record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_preferred_time';
COMMENT ON FUNCTION crm.preferred_time(crm.interaction_history, timestamptz, text, text, int) IS
  'the day of the week (mon to sun) and the hour on which the customer mostly was in touch, of what came in and what went out and was opened, answered or resolved by as_of; an hour counts half, its neighbours a quarter each; shares as if each day and hour had been seen once more; a stated time such as tue 18:00, tue or 18:00 wins; NULL with less evidence than minimum_evidence';
