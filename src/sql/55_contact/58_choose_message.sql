-- of several messages the one that may go

CREATE TYPE crm.message AS (
  name text,
  channel text,
  purpose text,
  priority float8
);
COMMENT ON TYPE crm.message IS 'a message that somebody wants to send';
COMMENT ON COLUMN crm.message.name IS 'what it is called';
COMMENT ON COLUMN crm.message.channel IS 'the channel on which it would go';
COMMENT ON COLUMN crm.message.purpose IS 'the purpose that needs a consent';
COMMENT ON COLUMN crm.message.priority IS 'the highest is asked first; 0 if NULL';

CREATE FUNCTION crm.choose_message(policy crm.contact_policy, consents crm.consents, interactions crm.interaction_history, as_of timestamptz,
    candidates crm.message[], time_zone text) RETURNS text
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_choose_message';
COMMENT ON FUNCTION crm.choose_message(crm.contact_policy, crm.consents, crm.interaction_history, timestamptz, crm.message[], text) IS
  'the name of the message with the highest priority, of equals the first, that contact_verdict allows at as_of; NULL if none may go';
CREATE FUNCTION crm.message_verdicts(policy crm.contact_policy, consents crm.consents, interactions crm.interaction_history, as_of timestamptz,
    candidates crm.message[], time_zone text,
    OUT name text, OUT chosen boolean, OUT reason text, OUT earliest timestamptz) RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50 ROWS 4 AS 'MODULE_PATHNAME', 'crm_message_verdicts';
COMMENT ON FUNCTION crm.message_verdicts(crm.contact_policy, crm.consents, crm.interaction_history, timestamptz, crm.message[], text) IS
  'all candidates of choose_message in the order in which they are asked: which is chosen, and of the others why not and the earliest instant when they may go, as if the chosen one had been sent as a message at as_of; NULL if never';
