-- service hours: when somebody is there, and time that counts only then

@type service_hours|20|20|extended|mon-fri 09:00-12:00, 13:00-17:00; closed 2024-12-25; in Europe/Berlin
COMMENT ON TYPE crm.service_hours IS
  'when somebody is there to serve: mon-fri 09:00-12:00, 13:00-17:00; sat 10:00-14:00; closed 2024-12-25, 2024-12-26; in Europe/Berlin';

@comparison service_hours|2|order by the bytes, of no meaning but equality|equal content

CREATE FUNCTION crm.service_time(hours crm.service_hours, "from" timestamptz, until timestamptz) RETURNS interval
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_service_time';
COMMENT ON FUNCTION crm.service_time(crm.service_hours, timestamptz, timestamptz) IS
  'how long somebody was there between two instants, in hours; a night in which the clocks change counts as long as it is; nothing if until is not after from';
CREATE FUNCTION crm.service_deadline(hours crm.service_hours, "from" timestamptz, within interval) RETURNS timestamptz
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_service_deadline';
COMMENT ON FUNCTION crm.service_deadline(crm.service_hours, timestamptz, interval) IS
  'the instant by which so much service time has passed, such as 8 hours; a day counts 24 hours of service';
CREATE FUNCTION crm.first_response_time(history crm.interaction_history, as_of timestamptz, hours crm.service_hours) RETURNS interval
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'crm_first_response_time';
COMMENT ON FUNCTION crm.first_response_time(crm.interaction_history, timestamptz, crm.service_hours) IS
  'mean time from a request, complaint or enquiry to the next outbound interaction, in hours of service; one still waiting counts its age at as_of; NULL without one';
CREATE FUNCTION crm.time_to_resolve(history crm.interaction_history, as_of timestamptz, hours crm.service_hours) RETURNS interval
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'crm_time_to_resolve';
COMMENT ON FUNCTION crm.time_to_resolve(crm.interaction_history, timestamptz, crm.service_hours) IS
  'mean time from a request, complaint or enquiry to its resolved_at, in hours of service, of those resolved at or before as_of; NULL without one';

-- deeds: what we owe one customer, and what we gave

@type deeds|10|10|extended|{kind name made_at due instant done instant cost amount, ...}
COMMENT ON TYPE crm.deeds IS
  'what we owe one customer and gave: {promise "call back" 2024-01-01 10:00:00+00 due 2024-01-02 10:00:00+00, delight cake 2024-02-01 09:00:00+00 cost 12.00, tie terminal 2024-03-01 00:00:00+00}';

CREATE TYPE crm.deeds_state;

CREATE FUNCTION crm_internal.deeds_state_in(cstring) RETURNS crm.deeds_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_deeds_state_in';
COMMENT ON FUNCTION crm_internal.deeds_state_in(cstring) IS 'reads {kind name made_at due instant done instant cost amount, ...}';
CREATE FUNCTION crm_internal.deeds_state_out(crm.deeds_state) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_deeds_out';
COMMENT ON FUNCTION crm_internal.deeds_state_out(crm.deeds_state) IS 'writes {kind name made_at due instant done instant cost amount, ...}';
CREATE FUNCTION crm_internal.deeds_state_recv(internal) RETURNS crm.deeds_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_deeds_state_recv';
COMMENT ON FUNCTION crm_internal.deeds_state_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm_internal.deeds_state_send(crm.deeds_state) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_deeds_send';
COMMENT ON FUNCTION crm_internal.deeds_state_send(crm.deeds_state) IS 'writes the binary form';

CREATE TYPE crm.deeds_state (
  INPUT = crm_internal.deeds_state_in,
  OUTPUT = crm_internal.deeds_state_out,
  RECEIVE = crm_internal.deeds_state_recv,
  SEND = crm_internal.deeds_state_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.deeds_state IS
  'the state of the aggregates deeds and merge over deeds: the deeds as they came';

CREATE FUNCTION crm.deed(kind text, name text, made_at timestamptz, due_at timestamptz DEFAULT NULL, done_at timestamptz DEFAULT NULL, cost numeric DEFAULT NULL) RETURNS crm.deeds
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_deed';
COMMENT ON FUNCTION crm.deed(text, text, timestamptz, timestamptz, timestamptz, numeric) IS
  'the deeds of one; kind is promise, delight, entitlement, tie or meeting: a promise is due and done, an entitlement is valid until due_at and used at done_at, a tie is in force until done_at or due_at, a delight or a meeting happens at made_at; none if kind, name or made_at is NULL';
CREATE FUNCTION crm_internal.deeds_plus(crm.deeds, crm.deeds) RETURNS crm.deeds
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_deeds_plus';
COMMENT ON FUNCTION crm_internal.deeds_plus(crm.deeds, crm.deeds) IS
  'implementation of + operator';
CREATE FUNCTION crm_internal.deeds_minus(crm.deeds, crm.deeds) RETURNS crm.deeds
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_deeds_minus';
COMMENT ON FUNCTION crm_internal.deeds_minus(crm.deeds, crm.deeds) IS
  'implementation of - operator';
CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.deeds_plus,
  LEFTARG = crm.deeds,
  RIGHTARG = crm.deeds,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.deeds, crm.deeds) IS 'the deeds of both';
CREATE OPERATOR crm.- (
  FUNCTION = crm_internal.deeds_minus,
  LEFTARG = crm.deeds,
  RIGHTARG = crm.deeds
);
COMMENT ON OPERATOR crm.- (crm.deeds, crm.deeds) IS 'the first without the deeds of the second, which it must hold';
CREATE FUNCTION crm_internal.deeds_final(crm.deeds_state) RETURNS crm.deeds
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_deeds_final';
COMMENT ON FUNCTION crm_internal.deeds_final(crm.deeds_state) IS
  'final function of the aggregates deeds and merge';
CREATE FUNCTION crm_internal.deeds_transition(crm.deeds_state, text, text, timestamptz, timestamptz, timestamptz, numeric) RETURNS crm.deeds_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_deeds_transition';
COMMENT ON FUNCTION crm_internal.deeds_transition(crm.deeds_state, text, text, timestamptz, timestamptz, timestamptz, numeric) IS
  'transition function of the aggregate deeds';
CREATE FUNCTION crm_internal.deeds_combine(crm.deeds_state, crm.deeds_state) RETURNS crm.deeds_state
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_deeds_combine';
COMMENT ON FUNCTION crm_internal.deeds_combine(crm.deeds_state, crm.deeds_state) IS
  'combine function of the aggregates deeds and merge';
CREATE FUNCTION crm_internal.merge_transition(crm.deeds_state, crm.deeds) RETURNS crm.deeds_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_deeds_merge_transition';
COMMENT ON FUNCTION crm_internal.merge_transition(crm.deeds_state, crm.deeds) IS
  'transition function of the aggregate merge';
CREATE AGGREGATE crm.deeds(kind text, name text, made_at timestamptz, due_at timestamptz, done_at timestamptz, cost numeric) (
  SFUNC = crm_internal.deeds_transition,
  STYPE = crm.deeds_state,
  SSPACE = 256,
  FINALFUNC = crm_internal.deeds_final,
  COMBINEFUNC = crm_internal.deeds_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.deeds(text, text, timestamptz, timestamptz, timestamptz, numeric) IS
  'the deeds of one customer, a row one as crm.deed takes it; rows without kind, name or made_at are left out';
CREATE AGGREGATE crm.merge(deeds crm.deeds) (
  SFUNC = crm_internal.merge_transition,
  STYPE = crm.deeds_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.deeds_final,
  COMBINEFUNC = crm_internal.deeds_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.deeds) IS 'all deeds of all';

@comparison deeds|2|order by the first deed that differs|equal content

-- what deeds answer

CREATE FUNCTION crm.entries(deeds crm.deeds, as_of timestamptz, hours crm.service_hours DEFAULT NULL,
    OUT kind text, OUT name text, OUT made_at timestamptz, OUT due_at timestamptz, OUT done_at timestamptz, OUT cost numeric, OUT state text, OUT lateness interval) RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 ROWS 10 AS 'MODULE_PATHNAME', 'crm_deeds_entries';
COMMENT ON FUNCTION crm.entries(crm.deeds, timestamptz, crm.service_hours) IS
  'the deeds made by as_of as rows, and how each stands then: a promise is open, kept, late or overdue, an entitlement open, used or expired, a tie in_force or ended, a delight given, a meeting held; by how much a promise is late so far, in service time if hours are given';
CREATE TYPE crm.promises_kept_result AS (
  kept int,
  late int,
  overdue int,
  open int,
  kept_share float8,
  mean_lateness interval
);
COMMENT ON TYPE crm.promises_kept_result IS 'how promises to a customer were kept';
COMMENT ON COLUMN crm.promises_kept_result.kept IS 'promises kept in time';
COMMENT ON COLUMN crm.promises_kept_result.late IS 'promises done late';
COMMENT ON COLUMN crm.promises_kept_result.overdue IS 'promises not done and overdue';
COMMENT ON COLUMN crm.promises_kept_result.open IS 'promises not due yet';
COMMENT ON COLUMN crm.promises_kept_result.kept_share IS 'those kept as a share of the first three; NULL if there are none';
COMMENT ON COLUMN crm.promises_kept_result.mean_lateness IS 'mean lateness of the first three; NULL if there are none';

CREATE FUNCTION crm.promises_kept(deeds crm.deeds, as_of timestamptz, hours crm.service_hours DEFAULT NULL) RETURNS crm.promises_kept_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_promises_kept';
COMMENT ON FUNCTION crm.promises_kept(crm.deeds, timestamptz, crm.service_hours) IS
  'promises made by as_of: kept in time, done late, not done and overdue, and not due yet; the share that was kept of the first three, and their mean lateness, one that is overdue counting what it is late so far; in service time if hours are given; NULL if there are none of them';
CREATE FUNCTION crm.ties(deeds crm.deeds, as_of timestamptz) RETURNS text[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_ties';
COMMENT ON FUNCTION crm.ties(crm.deeds, timestamptz) IS
  'the names of the ties in force at as_of, by when they were made';
CREATE FUNCTION crm.given(deeds crm.deeds, as_of timestamptz) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_given';
COMMENT ON FUNCTION crm.given(crm.deeds, timestamptz) IS
  'what all deeds made by as_of cost';
