-- profile: what is known of a customer, by whom, since when, and whether it may be used

@type profile|10|10|extended|{how_known attribute = value by source at instant ...; ...}
COMMENT ON TYPE crm.profile IS
  'what is known of one customer, by whom and since when: {stated shoe_size = "42" by "call 12" at 2024-01-01 00:00:00+00 confidence 0.9 for (service) from (age); ...}';

@type profile_state|10|10|extended|the form of a profile
COMMENT ON TYPE crm.profile_state IS
  'the state of the aggregates profile and merge over profiles';

CREATE FUNCTION crm.assertion(attribute text, value text, how_known text, source text, known_at timestamptz,
    validity tstzrange DEFAULT NULL, confidence float8 DEFAULT NULL, purposes text[] DEFAULT NULL, derived_from text[] DEFAULT NULL) RETURNS crm.profile
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_assertion';
COMMENT ON FUNCTION crm.assertion(text, text, text, text, timestamptz, tstzrange, float8, text[], text[]) IS
  'the profile of one assertion; how_known is stated, observed or inferred, or withdrawn for the end of earlier ones (of every value if value is NULL); it is valid from known_at on unless valid says otherwise; an empty profile if attribute, value, how_known or known_at is NULL';
CREATE FUNCTION crm_internal.profile_plus(crm.profile, crm.profile) RETURNS crm.profile
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_profile_plus';
COMMENT ON FUNCTION crm_internal.profile_plus(crm.profile, crm.profile) IS 'implementation of + operator';
CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.profile_plus,
  LEFTARG = crm.profile,
  RIGHTARG = crm.profile,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.profile, crm.profile) IS 'all that either knows, each assertion once, without what either has forgotten';
CREATE FUNCTION crm_internal.profile_combine(crm.profile_state, crm.profile_state) RETURNS crm.profile_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_profile_plus';
COMMENT ON FUNCTION crm_internal.profile_combine(crm.profile_state, crm.profile_state) IS 'combine function of the aggregate profile';
CREATE FUNCTION crm_internal.profile_final(crm.profile_state) RETURNS crm.profile
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_profile_final';
COMMENT ON FUNCTION crm_internal.profile_final(crm.profile_state) IS 'final function of the aggregate profile';
CREATE FUNCTION crm_internal.profile_transition(crm.profile_state, text, text, text, text, timestamptz) RETURNS crm.profile_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_profile_transition';
COMMENT ON FUNCTION crm_internal.profile_transition(crm.profile_state, text, text, text, text, timestamptz) IS 'transition function of the aggregate profile';
CREATE AGGREGATE crm.profile(attribute text, value text, how_known text, source text, known_at timestamptz) (
  SFUNC = crm_internal.profile_transition,
  STYPE = crm.profile_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.profile_final,
  COMBINEFUNC = crm_internal.profile_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.profile(text, text, text, text, timestamptz) IS
  'what is known of one customer, a row an assertion as crm.assertion takes it; rows without attribute, value, how_known or known_at are left out';
CREATE FUNCTION crm_internal.profile_transition(crm.profile_state, text, text, text, text, timestamptz, tstzrange, float8, text[], text[]) RETURNS crm.profile_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_profile_transition';
COMMENT ON FUNCTION crm_internal.profile_transition(crm.profile_state, text, text, text, text, timestamptz, tstzrange, float8, text[], text[]) IS 'transition function of the aggregate profile';
CREATE AGGREGATE crm.profile(attribute text, value text, how_known text, source text, known_at timestamptz,
    validity tstzrange, confidence float8, purposes text[], derived_from text[]) (
  SFUNC = crm_internal.profile_transition,
  STYPE = crm.profile_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.profile_final,
  COMBINEFUNC = crm_internal.profile_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.profile(text, text, text, text, timestamptz, tstzrange, float8, text[], text[]) IS
  'what is known of one customer, a row an assertion as crm.assertion takes it; rows without attribute, value, how_known or known_at are left out';
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

CREATE FUNCTION crm.forget(profile crm.profile, as_of timestamptz, attribute text, derived boolean DEFAULT true) RETURNS crm.profile
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_forget';
COMMENT ON FUNCTION crm.forget(crm.profile, timestamptz, text, boolean) IS
  'the profile without what was known of an attribute by an instant and, with derived, without what was derived from it, step by step; a tombstone without a value stays, and keeps it out when an older copy is merged in';

@comparison profile|2|order by the first assertion that differs|equal content

CREATE FUNCTION crm_internal.profile_to_jsonb(crm.profile) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_profile_to_jsonb';
COMMENT ON FUNCTION crm_internal.profile_to_jsonb(crm.profile) IS 'implementation of the cast to jsonb';
CREATE CAST (crm.profile AS jsonb) WITH FUNCTION crm_internal.profile_to_jsonb(crm.profile);
COMMENT ON CAST (crm.profile AS jsonb) IS 'an array of {"how_known", "attribute", "value", "source", "known_at", "valid_from", ...}';

-- what may be used for what

@type profile_rule|10|10|extended|attribute is category for purpose by basis, ...; ...
COMMENT ON TYPE crm.profile_rule IS
  'what may be used for what, and who is believed first: shoe_size is preference for service by contract, marketing by consent; income is finance; order observed, stated, inferred';

@comparison profile_rule|2|order by the bytes, of no meaning but equality|equal content

-- what is believed

CREATE TYPE crm.fact_result AS (
  value text,
  how_known text,
  source text,
  since timestamptz,
  why text
);
COMMENT ON TYPE crm.fact_result IS 'what is believed of an attribute of a customer';
COMMENT ON COLUMN crm.fact_result.value IS 'the value; NULL if nothing is known';
COMMENT ON COLUMN crm.fact_result.how_known IS 'stated, observed or inferred';
COMMENT ON COLUMN crm.fact_result.source IS 'where it comes from';
COMMENT ON COLUMN crm.fact_result.since IS 'since when it is known';
COMMENT ON COLUMN crm.fact_result.why IS 'why this one is believed';

CREATE FUNCTION crm.fact(profile crm.profile, as_of timestamptz, attribute text, known_by timestamptz DEFAULT NULL, rule crm.profile_rule DEFAULT NULL) RETURNS crm.fact_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_fact';
COMMENT ON FUNCTION crm.fact(crm.profile, timestamptz, text, timestamptz, crm.profile_rule) IS
  'what is believed of an attribute at as_of, as far as it was known by known_by (by default as_of): stated before observed before inferred unless the rule orders otherwise, the newest of a kind, never what is expired or withdrawn; NULLs if nothing is known';
CREATE FUNCTION crm.facts(profile crm.profile, as_of timestamptz, known_by timestamptz DEFAULT NULL, rule crm.profile_rule DEFAULT NULL,
    OUT attribute text, OUT value text, OUT how_known text, OUT source text, OUT since timestamptz, OUT why text, OUT contradicted_by text[]) RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 ROWS 10 AS 'MODULE_PATHNAME', 'crm_facts';
COMMENT ON FUNCTION crm.facts(crm.profile, timestamptz, timestamptz, crm.profile_rule) IS
  'fact of every attribute of which something is known, with the other values in force that contradict it';
CREATE FUNCTION crm.assertions(profile crm.profile,
    OUT attribute text, OUT value text, OUT how_known text, OUT source text, OUT known_at timestamptz, OUT valid_from timestamptz, OUT valid_until timestamptz,
    OUT confidence float8, OUT purposes text[], OUT derived_from text[]) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 ROWS 10 AS 'MODULE_PATHNAME', 'crm_assertions';
COMMENT ON FUNCTION crm.assertions(crm.profile) IS
  'the entries of a profile as rows, withdrawals and tombstones (forgotten, forgotten_derived; known_at is up to when they forbid) among them';
CREATE TYPE crm.use_verdict_result AS (
  allowed boolean,
  reason text,
  missing text,
  value text
);
COMMENT ON TYPE crm.use_verdict_result IS 'whether what is believed of an attribute may be used for a purpose';
COMMENT ON COLUMN crm.use_verdict_result.allowed IS 'whether it may be used';
COMMENT ON COLUMN crm.use_verdict_result.reason IS 'why, or the first reason why not';
COMMENT ON COLUMN crm.use_verdict_result.missing IS 'all that is missing; NULL if nothing would make it allowed';
COMMENT ON COLUMN crm.use_verdict_result.value IS 'the value, only if it is allowed';

CREATE FUNCTION crm.use_verdict(rule crm.profile_rule, profile crm.profile, consents crm.consents, as_of timestamptz, attribute text, purpose text) RETURNS crm.use_verdict_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_use_verdict';
COMMENT ON FUNCTION crm.use_verdict(crm.profile_rule, crm.profile, crm.consents, timestamptz, text, text) IS
  'whether what is believed of an attribute may be used for a purpose at as_of; why, or the first reason why not; all that is missing, NULL if nothing would make it allowed; and the value, only if it is allowed';
