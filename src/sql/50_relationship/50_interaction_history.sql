-- interaction_history: the contacts between one customer and us, one by one

CREATE TYPE crm.interaction_history;

CREATE FUNCTION crm_internal.interaction_history_in(cstring) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_interaction_history_in';
CREATE FUNCTION crm_internal.interaction_history_out(crm.interaction_history) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_interaction_history_out';
CREATE FUNCTION crm_internal.interaction_history_recv(internal) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_recv';
CREATE FUNCTION crm_internal.interaction_history_send(crm.interaction_history) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_send';
COMMENT ON FUNCTION crm_internal.interaction_history_in(cstring) IS 'reads {at kind channel direction [outcome] [score n] [resolved_at at], ...}';
COMMENT ON FUNCTION crm_internal.interaction_history_out(crm.interaction_history) IS 'writes {at kind channel direction [outcome] [score n] [resolved_at at], ...}';
COMMENT ON FUNCTION crm_internal.interaction_history_recv(internal) IS 'reads the binary form';
COMMENT ON FUNCTION crm_internal.interaction_history_send(crm.interaction_history) IS 'writes the binary form';

CREATE TYPE crm.interaction_history (
  INPUT = crm_internal.interaction_history_in,
  OUTPUT = crm_internal.interaction_history_out,
  RECEIVE = crm_internal.interaction_history_recv,
  SEND = crm_internal.interaction_history_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.interaction_history IS
  'the contacts between one customer and us: {at kind channel direction [outcome] [score n] [resolved_at at], ...}';

-- one interaction

CREATE FUNCTION crm.interaction(occurred_at timestamptz, kind text, channel text, direction text,
    outcome text DEFAULT NULL, score int DEFAULT NULL, resolved_at timestamptz DEFAULT NULL) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction';
COMMENT ON FUNCTION crm.interaction(timestamptz, text, text, text, text, int, timestamptz) IS
  'the history of one interaction; NULL if occurred_at, kind, channel or direction is';

-- the aggregate: (occurred_at, kind, channel, direction [, outcome [, score [, resolved_at]]])

CREATE FUNCTION crm_internal.interaction_history_final(crm.interaction_history) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_final';
COMMENT ON FUNCTION crm_internal.interaction_history_final(crm.interaction_history) IS 'final function of the aggregate interaction_history';
CREATE FUNCTION crm_internal.interaction_history_plus(crm.interaction_history, crm.interaction_history) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_plus';
COMMENT ON FUNCTION crm_internal.interaction_history_plus(crm.interaction_history, crm.interaction_history) IS 'implementation of + operator';

CREATE FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(occurred_at timestamptz, kind text, channel text, direction text) (
  SFUNC = crm_internal.interaction_history_transition,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text) IS
  'the history of contacts; rows with a NULL are left out';

CREATE FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(occurred_at timestamptz, kind text, channel text, direction text, outcome text) (
  SFUNC = crm_internal.interaction_history_transition,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text, text) IS
  'the history of contacts; rows with a NULL in one of the first four arguments are left out';

CREATE FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(occurred_at timestamptz, kind text, channel text, direction text, outcome text, score int) (
  SFUNC = crm_internal.interaction_history_transition,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text, text, int) IS
  'the history of contacts; rows with a NULL in one of the first four arguments are left out';

CREATE FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int, timestamptz) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_transition';
COMMENT ON FUNCTION crm_internal.interaction_history_transition(crm.interaction_history, timestamptz, text, text, text, text, int, timestamptz) IS
  'transition function of the aggregate interaction_history';
CREATE AGGREGATE crm.interaction_history(occurred_at timestamptz, kind text, channel text, direction text, outcome text, score int, resolved_at timestamptz) (
  SFUNC = crm_internal.interaction_history_transition,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.interaction_history(timestamptz, text, text, text, text, int, timestamptz) IS
  'the history of contacts; rows with a NULL in one of the first four arguments are left out';

CREATE FUNCTION crm_internal.merge_transition(crm.interaction_history, crm.interaction_history) RETURNS crm.interaction_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_interaction_history_merge';
COMMENT ON FUNCTION crm_internal.merge_transition(crm.interaction_history, crm.interaction_history) IS
  'transition function of the aggregate merge';
CREATE AGGREGATE crm.merge(history crm.interaction_history) (
  SFUNC = crm_internal.merge_transition,
  STYPE = crm.interaction_history,
  SSPACE = 512,
  FINALFUNC = crm_internal.interaction_history_final,
  COMBINEFUNC = crm_internal.interaction_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.interaction_history) IS 'all that is in any of the histories';

-- sum and difference

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

-- engagement

CREATE FUNCTION crm.engagement(history crm.interaction_history, as_of timestamptz, weights jsonb, half_life interval) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_engagement_as_of';
COMMENT ON FUNCTION crm.engagement(crm.interaction_history, timestamptz, jsonb, interval) IS
  'each inbound interaction, and each outbound one opened, answered or resolved, at or before as_of: the weight of its kind (0 if not given) times 2^(-age / half_life)';
CREATE FUNCTION crm.contact_pressure(history crm.interaction_history, as_of timestamptz, half_life interval) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_contact_pressure_as_of';
COMMENT ON FUNCTION crm.contact_pressure(crm.interaction_history, timestamptz, interval) IS
  'each outbound interaction at or before as_of counted as 2^(-age / half_life)';

-- channels

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

-- service

CREATE FUNCTION crm.complaint_count(history crm.interaction_history, as_of timestamptz) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_complaints';
COMMENT ON FUNCTION crm.complaint_count(crm.interaction_history, timestamptz) IS
  'number of complaints that came in at or before as_of';
CREATE FUNCTION crm.complaint_rate(history crm.interaction_history, as_of timestamptz) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_complaint_rate';
COMMENT ON FUNCTION crm.complaint_rate(crm.interaction_history, timestamptz) IS
  'complaints per inbound interaction at or before as_of; NULL without one';
CREATE FUNCTION crm.complaint_rate(interactions crm.interaction_history, purchases crm.purchase_history, as_of timestamptz, time_zone text) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_complaint_rate_of_orders';
COMMENT ON FUNCTION crm.complaint_rate(crm.interaction_history, crm.purchase_history, timestamptz, text) IS
  'complaints per purchase until as_of, whose day the time zone tells; NULL without a purchase';
CREATE FUNCTION crm.open_request_count(history crm.interaction_history, as_of timestamptz) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_open_requests';
COMMENT ON FUNCTION crm.open_request_count(crm.interaction_history, timestamptz) IS
  'number of requests, complaints and enquiries that came in at or before as_of and are not closed then';
CREATE FUNCTION crm.unanswered_request_count(history crm.interaction_history, as_of timestamptz) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_unanswered_requests';
COMMENT ON FUNCTION crm.unanswered_request_count(crm.interaction_history, timestamptz) IS
  'number of requests, complaints and enquiries that came in at or before as_of and have no answer then';
CREATE FUNCTION crm.first_response_time(history crm.interaction_history, as_of timestamptz) RETURNS interval
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_first_response_time';
COMMENT ON FUNCTION crm.first_response_time(crm.interaction_history, timestamptz) IS
  'mean time from a request, complaint or enquiry to the next outbound interaction; one still waiting counts its age at as_of; NULL without one';
CREATE FUNCTION crm.time_to_resolve(history crm.interaction_history, as_of timestamptz) RETURNS interval
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_time_to_resolve';
COMMENT ON FUNCTION crm.time_to_resolve(crm.interaction_history, timestamptz) IS
  'mean time from a request, complaint or enquiry to its resolved_at, of those resolved at or before as_of; NULL without one';
CREATE FUNCTION crm.service_requests(history crm.interaction_history, as_of timestamptz,
    OUT requested_at timestamptz, OUT kind text, OUT channel text, OUT answered_at timestamptz, OUT response_time interval,
    OUT resolved_at timestamptz, OUT resolution_time interval, OUT open boolean) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 4 AS 'MODULE_PATHNAME', 'crm_service_requests';
COMMENT ON FUNCTION crm.service_requests(crm.interaction_history, timestamptz) IS
  'the requests, complaints and enquiries that came in at or before as_of, by instant, and what came of them by then';
CREATE FUNCTION crm.recovered(interactions crm.interaction_history, purchases crm.purchase_history, as_of timestamptz, within interval, time_zone text) RETURNS boolean
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_recovered_as_of';
COMMENT ON FUNCTION crm.recovered(crm.interaction_history, crm.purchase_history, timestamptz, interval, text) IS
  'whether the customer bought on a later day after the last complaint, up to the day that within reaches; NULL without a complaint, and while that day is not over';

-- decayed_sum and nps

CREATE FUNCTION crm_internal.decayed_sum_transition(crm.exact_sums, float8, timestamptz, timestamptz, interval) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_decayed_sum_as_of_transition';
COMMENT ON FUNCTION crm_internal.decayed_sum_transition(crm.exact_sums, float8, timestamptz, timestamptz, interval) IS
  'transition function of the aggregate decayed_sum';
CREATE FUNCTION crm_internal.decayed_sum_final(crm.exact_sums) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_decayed_sum_final';
COMMENT ON FUNCTION crm_internal.decayed_sum_final(crm.exact_sums) IS 'final function of the aggregate decayed_sum';
CREATE AGGREGATE crm.decayed_sum(value float8, occurred_at timestamptz, as_of timestamptz, half_life interval) (
  SFUNC = crm_internal.decayed_sum_transition,
  STYPE = crm.exact_sums,
  SSPACE = 64,
  FINALFUNC = crm_internal.decayed_sum_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.decayed_sum(float8, timestamptz, timestamptz, interval) IS
  'sum of value times 2^(-(as_of - occurred_at) / half_life) over the rows at or before as_of, the same in every plan; rows with a NULL value or at are left out';

CREATE TYPE crm.nps_result AS (
  score float8,
  responses bigint,
  promoters bigint,
  passives bigint,
  detractors bigint,
  standard_error float8
);
COMMENT ON TYPE crm.nps_result IS 'what nps returns';
COMMENT ON COLUMN crm.nps_result.score IS 'share of promoters minus share of detractors, in percent: -100 to 100';
COMMENT ON COLUMN crm.nps_result.responses IS 'number of answers';
COMMENT ON COLUMN crm.nps_result.promoters IS 'answers 9 and 10';
COMMENT ON COLUMN crm.nps_result.passives IS 'answers 7 and 8';
COMMENT ON COLUMN crm.nps_result.detractors IS 'answers 0 to 6';
COMMENT ON COLUMN crm.nps_result.standard_error IS 'standard error of score, in percent points';

CREATE FUNCTION crm_internal.nps_transition(crm.exact_sums, int) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_nps_transition';
COMMENT ON FUNCTION crm_internal.nps_transition(crm.exact_sums, int) IS 'transition function of the aggregate nps';
CREATE FUNCTION crm_internal.nps_final(crm.exact_sums) RETURNS crm.nps_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_nps_final';
COMMENT ON FUNCTION crm_internal.nps_final(crm.exact_sums) IS 'final function of the aggregate nps';
CREATE AGGREGATE crm.nps(score int) (
  SFUNC = crm_internal.nps_transition,
  STYPE = crm.exact_sums,
  SSPACE = 64,
  FINALFUNC = crm_internal.nps_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.nps(int) IS
  'net promoter score of survey answers from 0 to 10, with their number and the standard error; NULLs are left out';
