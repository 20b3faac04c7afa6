-- consents: on what basis, for which purpose and when a customer may be contacted

@type consents|10|2|extended|{purpose basis [from, until), ...}
COMMENT ON TYPE crm.consents IS
  'on what basis, for which purpose and when a customer may be contacted: {purpose basis [from, until), ...}';

CREATE FUNCTION crm.consent(purpose text, basis text, validity tstzrange) RETURNS crm.consents
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consent';
COMMENT ON FUNCTION crm.consent(text, text, tstzrange) IS
  'one grant; none if the validity is empty';
CREATE FUNCTION crm_internal.consents_plus(crm.consents, crm.consents) RETURNS crm.consents
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_plus';
COMMENT ON FUNCTION crm_internal.consents_plus(crm.consents, crm.consents) IS
  'implementation of + operator';
CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.consents_plus,
  LEFTARG = crm.consents,
  RIGHTARG = crm.consents,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.consents, crm.consents) IS 'all grants of either, each once';
CREATE FUNCTION crm_internal.consents_transition(crm.consents, text, text, tstzrange) RETURNS crm.consents
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_append';
COMMENT ON FUNCTION crm_internal.consents_transition(crm.consents, text, text, tstzrange) IS 'transition function of the aggregate consents';
CREATE FUNCTION crm_internal.consents_merge(crm.consents, crm.consents) RETURNS crm.consents
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_append_all';
COMMENT ON FUNCTION crm_internal.consents_merge(crm.consents, crm.consents) IS 'transition function of the aggregate merge';
CREATE FUNCTION crm_internal.consents_final(crm.consents) RETURNS crm.consents
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_consents_final';
COMMENT ON FUNCTION crm_internal.consents_final(crm.consents) IS 'final function of the aggregates consents and merge';
CREATE AGGREGATE crm.consents(purpose text, basis text, validity tstzrange) (
  SFUNC = crm_internal.consents_transition,
  STYPE = crm.consents,
  SSPACE = 256,
  FINALFUNC = crm_internal.consents_final,
  COMBINEFUNC = crm_internal.consents_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.consents(text, text, tstzrange) IS 'the consents of one customer''s grants; rows with a NULL are left out';
CREATE AGGREGATE crm.merge(consents crm.consents) (
  SFUNC = crm_internal.consents_merge,
  STYPE = crm.consents,
  SSPACE = 256,
  FINALFUNC = crm_internal.consents_final,
  COMBINEFUNC = crm_internal.consents_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.consents) IS 'all grants that are in any of the consents';

@comparison consents|2|order by the first grant that differs|equal content

-- contact_policy: how often, when and after what customers may be contacted

@type contact_policy|10|2|extended|rule; rule; ...
COMMENT ON TYPE crm.contact_policy IS
  'how often, when and after what customers may be contacted: rules such as 3 per 7 days; email 2 per 7 days; quiet 21:00-08:00; pause 14 days after complaint; transactional exempt';

@comparison contact_policy|2|order by bytes, rule by rule|equal content

-- the same rules by constructors, one each

CREATE FUNCTION crm.contact_cap(contacts int, per interval, channel text DEFAULT NULL) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_cap';
COMMENT ON FUNCTION crm.contact_cap(int, interval, text) IS 'at most so many contacts in a window of time, on a channel or in all';
CREATE FUNCTION crm.contact_quiet_hours(starts_at time, ends_at time, channel text DEFAULT NULL) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_quiet_hours';
COMMENT ON FUNCTION crm.contact_quiet_hours(time, time, text) IS 'no contact from one time of day until just before another, which may be the next day''s, on a channel or at all';
CREATE FUNCTION crm.contact_pause(lasts interval, after text, channel text DEFAULT NULL) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_pause';
COMMENT ON FUNCTION crm.contact_pause(interval, text, text) IS 'no contact for a time after an inbound interaction of a kind, or an outbound one with an outcome, on a channel or at all';
CREATE FUNCTION crm.contact_exempt(purpose text) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_exempt';
COMMENT ON FUNCTION crm.contact_exempt(text) IS
  'contacts for the purpose are not limited, and contacts of the kind of that name do not count';
CREATE FUNCTION crm_internal.contact_policy_plus(crm.contact_policy, crm.contact_policy) RETURNS crm.contact_policy
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_contact_policy_plus';
COMMENT ON FUNCTION crm_internal.contact_policy_plus(crm.contact_policy, crm.contact_policy) IS
  'implementation of + operator';
CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.contact_policy_plus,
  LEFTARG = crm.contact_policy,
  RIGHTARG = crm.contact_policy
);
COMMENT ON OPERATOR crm.+ (crm.contact_policy, crm.contact_policy) IS 'the rules of the left policy, then those of the right one';

-- the verdict

CREATE TYPE crm.contact_verdict_result AS (
  allowed boolean,
  reason text,
  earliest timestamptz
);
COMMENT ON TYPE crm.contact_verdict_result IS 'whether a customer may be contacted';
COMMENT ON COLUMN crm.contact_verdict_result.allowed IS 'whether the contact may be made';
COMMENT ON COLUMN crm.contact_verdict_result.reason IS 'what forbids it, or allowed';
COMMENT ON COLUMN crm.contact_verdict_result.earliest IS 'when it may be made, as things are now; NULL if never';
CREATE FUNCTION crm.contact_verdict(policy crm.contact_policy, consents crm.consents, interactions crm.interaction_history,
    as_of timestamptz, channel text, purpose text, time_zone text) RETURNS crm.contact_verdict_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_contact_verdict_as_of';
COMMENT ON FUNCTION crm.contact_verdict(crm.contact_policy, crm.consents, crm.interaction_history, timestamptz, text, text, text) IS
  'whether a contact is allowed at an instant; if not, the first reason why not and the earliest instant when it would be, NULL if never';
CREATE FUNCTION crm.contact_allowed(policy crm.contact_policy, consents crm.consents, interactions crm.interaction_history,
    as_of timestamptz, channel text, purpose text, time_zone text) RETURNS boolean
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_contact_allowed_as_of';
COMMENT ON FUNCTION crm.contact_allowed(crm.contact_policy, crm.consents, crm.interaction_history, timestamptz, text, text, text) IS
  'whether contact_verdict allows the contact';
