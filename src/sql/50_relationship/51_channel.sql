-- channels: where a customer answers

CREATE FUNCTION crm.preferred_channel(history crm.interaction_history, as_of timestamptz, stated text DEFAULT NULL,
    a float8 DEFAULT 1, b float8 DEFAULT 1, minimum_attempts int DEFAULT 3) RETURNS text
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_preferred_channel';
COMMENT ON FUNCTION crm.preferred_channel(crm.interaction_history, timestamptz, text, float8, float8, int) IS
  'the stated channel, else the one with the highest response rate (responses + a) / (attempts + a + b) of those with enough attempts and no unsubscription; ties to the latest';
CREATE FUNCTION crm.channel_profile(history crm.interaction_history, as_of timestamptz,
    a float8 DEFAULT 1, b float8 DEFAULT 1,
    OUT channel text, OUT attempts int, OUT responses int, OUT response_rate float8, OUT bounced int, OUT unsubscribed int,
    OUT inbound int, OUT last_at timestamptz) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 4 AS 'MODULE_PATHNAME', 'crm_channel_profile';
COMMENT ON FUNCTION crm.channel_profile(crm.interaction_history, timestamptz, float8, float8) IS
  'the channels used at or before as_of, by name, and what came of the attempts on each; response_rate is (responses + a) / (attempts + a + b)';

