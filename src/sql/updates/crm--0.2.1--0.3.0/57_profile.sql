-- as in 57_memory/57_profile.sql; profile: what is known of a customer, by whom, since when, and whether it may be used

CREATE TYPE crm.profile;

@create crm_internal.profile_in
@create crm_internal.profile_out
@create crm_internal.profile_recv
@create crm_internal.profile_send

CREATE TYPE crm.profile (
  INPUT = crm_internal.profile_in,
  OUTPUT = crm_internal.profile_out,
  RECEIVE = crm_internal.profile_recv,
  SEND = crm_internal.profile_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.profile IS
  'what is known of one customer, by whom and since when: {stated shoe_size = "42" by "call 12" at 2024-01-01 00:00:00+00 confidence 0.9 for (service) from (age); ...}';

CREATE TYPE crm.profile_state;

@create crm_internal.profile_state_in
@create crm_internal.profile_state_out
@create crm_internal.profile_state_recv
@create crm_internal.profile_state_send

CREATE TYPE crm.profile_state (
  INPUT = crm_internal.profile_state_in,
  OUTPUT = crm_internal.profile_state_out,
  RECEIVE = crm_internal.profile_state_recv,
  SEND = crm_internal.profile_state_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.profile_state IS
  'the state of the aggregates profile and merge over profiles';

@create crm.assertion
@create crm_internal.profile_plus
CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.profile_plus,
  LEFTARG = crm.profile,
  RIGHTARG = crm.profile,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.profile, crm.profile) IS 'all that either knows, each assertion once, without what either has forgotten';
@create crm_internal.profile_combine
@create crm_internal.profile_final
@create crm_internal.profile_transition
@create crm.profile
CREATE FUNCTION crm_internal.merge_transition(crm.profile_state, crm.profile) RETURNS crm.profile_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_profile_merge_transition';
COMMENT ON FUNCTION crm_internal.merge_transition(crm.profile_state, crm.profile) IS 'transition function of the aggregate merge';
CREATE AGGREGATE crm.merge(profile crm.profile) (
  SFUNC = crm_internal.merge_transition,
  STYPE = crm.profile_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.profile_final,
  COMBINEFUNC = crm_internal.profile_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.profile) IS 'all that any of the profiles knows, without what one of them has forgotten';

@create crm.forget

@comparison profile|2|order by the first assertion that differs|equal content

@create crm_internal.profile_to_jsonb
CREATE CAST (crm.profile AS jsonb) WITH FUNCTION crm_internal.profile_to_jsonb(crm.profile);
COMMENT ON CAST (crm.profile AS jsonb) IS 'an array of {"how_known", "attribute", "value", "source", "known_at", "valid_from", ...}';

-- what may be used for what

CREATE TYPE crm.profile_rule;

@create crm_internal.profile_rule_in
@create crm_internal.profile_rule_out
@create crm_internal.profile_rule_recv
@create crm_internal.profile_rule_send

CREATE TYPE crm.profile_rule (
  INPUT = crm_internal.profile_rule_in,
  OUTPUT = crm_internal.profile_rule_out,
  RECEIVE = crm_internal.profile_rule_recv,
  SEND = crm_internal.profile_rule_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.profile_rule IS
  'what may be used for what, and who is believed first: shoe_size is preference for service by contract, marketing by consent; income is finance; order observed, stated, inferred';

@comparison profile_rule|2|order by the bytes, of no meaning but equality|equal content

-- what is believed

@create crm.fact
@create crm.facts
@create crm.assertions
@create crm.use_verdict
