-- interaction_history: the contacts between one customer and us, one by one

@type interaction_history|20|2|extended|{at kind channel direction [outcome] [score n] [resolved_at at], ...}
COMMENT ON TYPE crm.interaction_history IS
  'the contacts between one customer and us: {at kind channel direction [outcome] [score n] [resolved_at at], ...}';

-- one interaction

CREATE FUNCTION crm.interaction(occurred_at timestamptz, kind text, channel text, direction text,
    outcome text DEFAULT NULL, score int DEFAULT NULL, resolved_at timestamptz DEFAULT NULL) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction';
COMMENT ON FUNCTION crm.interaction(timestamptz, text, text, text, text, int, timestamptz) IS
  'the history of one interaction; NULL if occurred_at, kind, channel or direction is';

-- the aggregate: (occurred_at, kind, channel, direction [, outcome [, score [, resolved_at]]])

CREATE TYPE crm.interaction_history_state;

CREATE FUNCTION crm_internal.interaction_history_state_in(cstring) RETURNS crm.interaction_history_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_interaction_history_state_in';
CREATE FUNCTION crm_internal.interaction_history_state_out(crm.interaction_history_state) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_interaction_history_state_out';
CREATE FUNCTION crm_internal.interaction_history_state_recv(internal) RETURNS crm.interaction_history_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_interaction_history_state_recv';
CREATE FUNCTION crm_internal.interaction_history_state_send(crm.interaction_history_state) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_interaction_history_state_send';
COMMENT ON FUNCTION crm_internal.interaction_history_state_in(cstring) IS 'reads the text form, that of an interaction_history';
COMMENT ON FUNCTION crm_internal.interaction_history_state_out(crm.interaction_history_state) IS 'writes the text form, that of an interaction_history';
COMMENT ON FUNCTION crm_internal.interaction_history_state_recv(internal) IS 'reads the binary form, that of an interaction_history';
COMMENT ON FUNCTION crm_internal.interaction_history_state_send(crm.interaction_history_state) IS 'writes the binary form, that of an interaction_history';

CREATE TYPE crm.interaction_history_state (
  INPUT = crm_internal.interaction_history_state_in,
  OUTPUT = crm_internal.interaction_history_state_out,
  RECEIVE = crm_internal.interaction_history_state_recv,
  SEND = crm_internal.interaction_history_state_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.interaction_history_state IS
  'what the aggregate interaction_history remembers: a history with room to grow, its last entries in any order';

CREATE FUNCTION crm_internal.interaction_history_final(crm.interaction_history_state) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_final';
COMMENT ON FUNCTION crm_internal.interaction_history_final(crm.interaction_history_state) IS 'final function of the aggregate interaction_history';
CREATE FUNCTION crm_internal.interaction_history_combine(crm.interaction_history_state, crm.interaction_history_state) RETURNS crm.interaction_history_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_combine';
COMMENT ON FUNCTION crm_internal.interaction_history_combine(crm.interaction_history_state, crm.interaction_history_state) IS 'combine function of the aggregate interaction_history';

CREATE FUNCTION crm_internal.interaction_history_transition(crm.interaction_history_state, timestamptz, text, text, text) RETURNS crm.interaction_history_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm_internal.interaction_history_transition(crm.interaction_history_state, timestamptz, text, text, text) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(occurred_at timestamptz, kind text, channel text, direction text) (
  SFUNC = crm_internal.interaction_history_transition,
  STYPE = crm.interaction_history_state,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text) IS
  'the history of contacts; rows with a NULL are left out';

CREATE FUNCTION crm_internal.interaction_history_transition(crm.interaction_history_state, timestamptz, text, text, text, text) RETURNS crm.interaction_history_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm_internal.interaction_history_transition(crm.interaction_history_state, timestamptz, text, text, text, text) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(occurred_at timestamptz, kind text, channel text, direction text, outcome text) (
  SFUNC = crm_internal.interaction_history_transition,
  STYPE = crm.interaction_history_state,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text, text) IS
  'the history of contacts; rows with a NULL in one of the first four arguments are left out';

CREATE FUNCTION crm_internal.interaction_history_transition(crm.interaction_history_state, timestamptz, text, text, text, text, int) RETURNS crm.interaction_history_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm_internal.interaction_history_transition(crm.interaction_history_state, timestamptz, text, text, text, text, int) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(occurred_at timestamptz, kind text, channel text, direction text, outcome text, score int) (
  SFUNC = crm_internal.interaction_history_transition,
  STYPE = crm.interaction_history_state,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text, text, int) IS
  'the history of contacts; rows with a NULL in one of the first four arguments are left out';

CREATE FUNCTION crm_internal.interaction_history_transition(crm.interaction_history_state, timestamptz, text, text, text, text, int, timestamptz) RETURNS crm.interaction_history_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm_internal.interaction_history_transition(crm.interaction_history_state, timestamptz, text, text, text, text, int, timestamptz) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(occurred_at timestamptz, kind text, channel text, direction text, outcome text, score int, resolved_at timestamptz) (
  SFUNC = crm_internal.interaction_history_transition,
  STYPE = crm.interaction_history_state,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text, text, int, timestamptz) IS
  'the history of contacts; rows with a NULL in one of the first four arguments are left out';

CREATE FUNCTION crm_internal.merge_transition(crm.interaction_history_state, crm.interaction_history) RETURNS crm.interaction_history_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_merge';
COMMENT ON FUNCTION crm_internal.merge_transition(crm.interaction_history_state, crm.interaction_history) IS
  'transition function of the aggregate merge';
CREATE AGGREGATE crm.merge(history crm.interaction_history) (
  SFUNC = crm_internal.merge_transition,
  STYPE = crm.interaction_history_state,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.interaction_history) IS 'all that is in any of the histories';

-- sum and difference

CREATE FUNCTION crm_internal.interaction_history_plus(crm.interaction_history, crm.interaction_history) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_plus';
COMMENT ON FUNCTION crm_internal.interaction_history_plus(crm.interaction_history, crm.interaction_history) IS 'implementation of + operator';

CREATE FUNCTION crm_internal.interaction_history_minus(crm.interaction_history, crm.interaction_history) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_minus';
COMMENT ON FUNCTION crm_internal.interaction_history_minus(crm.interaction_history, crm.interaction_history) IS 'implementation of - operator';

CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.interaction_history_plus,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.interaction_history, crm.interaction_history) IS 'all that is in either history, each interaction as often as in both together';
CREATE OPERATOR crm.- (
  FUNCTION = crm_internal.interaction_history_minus,
  LEFTARG = crm.interaction_history,
  RIGHTARG = crm.interaction_history
);
COMMENT ON OPERATOR crm.- (crm.interaction_history, crm.interaction_history) IS
  'the left history without what is in the right one; an error if an interaction is not there';

@comparison interaction_history|2|order by the first entry that differs|equal content

-- plain questions

CREATE FUNCTION crm.interaction_count(history crm.interaction_history) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_count';
COMMENT ON FUNCTION crm.interaction_count(crm.interaction_history) IS
  'number of interactions';
CREATE FUNCTION crm.first_interaction_at(history crm.interaction_history) RETURNS timestamptz
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_first_interaction';
COMMENT ON FUNCTION crm.first_interaction_at(crm.interaction_history) IS
  'instant of the first interaction; NULL without one';
CREATE FUNCTION crm.last_interaction_at(history crm.interaction_history) RETURNS timestamptz
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_last_interaction';
COMMENT ON FUNCTION crm.last_interaction_at(crm.interaction_history) IS
  'instant of the last interaction; NULL without one';
CREATE FUNCTION crm.days_since_last_contact(history crm.interaction_history, as_of timestamptz) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_days_since_last_contact';
COMMENT ON FUNCTION crm.days_since_last_contact(crm.interaction_history, timestamptz) IS
  'whole days of 24 hours from the last interaction at or before as_of to as_of; NULL without one';
CREATE FUNCTION crm.reciprocity(history crm.interaction_history, as_of timestamptz) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_reciprocity';
COMMENT ON FUNCTION crm.reciprocity(crm.interaction_history, timestamptz) IS
  'the smaller of inbound and outbound over the larger, at or before as_of; NULL with neither';
CREATE FUNCTION crm.until(history crm.interaction_history, until timestamptz) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_until';
COMMENT ON FUNCTION crm.until(crm.interaction_history, timestamptz) IS
  'what happened at or before the instant';
CREATE FUNCTION crm.within(history crm.interaction_history, during tstzrange) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_within';
COMMENT ON FUNCTION crm.within(crm.interaction_history, tstzrange) IS
  'what happened in the range of time';
CREATE FUNCTION crm.interactions(history crm.interaction_history,
    OUT occurred_at timestamptz, OUT kind text, OUT channel text, OUT direction text, OUT outcome text, OUT score int,
    OUT resolved_at timestamptz) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 20 AS 'MODULE_PATHNAME', 'crm_interactions';
COMMENT ON FUNCTION crm.interactions(crm.interaction_history) IS 'the entries of the history, by instant';
CREATE FUNCTION crm_internal.interaction_history_to_jsonb(crm.interaction_history) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_interaction_history_to_jsonb';
COMMENT ON FUNCTION crm_internal.interaction_history_to_jsonb(crm.interaction_history) IS
  'the history as a jsonb array of {"at", "kind", "channel", "direction", "outcome", "score", "resolved_at"}';
CREATE CAST (crm.interaction_history AS jsonb) WITH FUNCTION crm_internal.interaction_history_to_jsonb(crm.interaction_history);
COMMENT ON CAST (crm.interaction_history AS jsonb) IS 'an array of {"at", "kind", "channel", "direction", "outcome", "score", "resolved_at"}';

