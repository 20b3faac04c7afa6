-- service: complaints, open requests and how fast they were answered

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

-- what customers say in surveys

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
COMMENT ON COLUMN crm.nps_result.promoters IS 'answers from 9 to 10';
COMMENT ON COLUMN crm.nps_result.passives IS 'answers from 7 to below 9';
COMMENT ON COLUMN crm.nps_result.detractors IS 'answers below 7';
COMMENT ON COLUMN crm.nps_result.standard_error IS 'standard error of score, in percent points';

CREATE FUNCTION crm_internal.nps_transition(crm.exact_sums, int) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_nps_transition';
COMMENT ON FUNCTION crm_internal.nps_transition(crm.exact_sums, int) IS 'transition function of the aggregate nps';
CREATE FUNCTION crm_internal.nps_transition(crm.exact_sums, float8) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_nps_transition_float8';
COMMENT ON FUNCTION crm_internal.nps_transition(crm.exact_sums, float8) IS 'transition function of the aggregate nps';
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
CREATE AGGREGATE crm.nps(score float8) (
  SFUNC = crm_internal.nps_transition,
  STYPE = crm.exact_sums,
  SSPACE = 64,
  FINALFUNC = crm_internal.nps_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.nps(float8) IS
  'the same of answers between the whole numbers, which are not rounded: 6.5 detracts, 8.5 is passive';
CREATE FUNCTION crm_internal.nps_transition(crm.exact_sums, numeric) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_nps_transition_numeric';
COMMENT ON FUNCTION crm_internal.nps_transition(crm.exact_sums, numeric) IS 'transition function of the aggregate nps';
CREATE AGGREGATE crm.nps(score numeric) (
  SFUNC = crm_internal.nps_transition,
  STYPE = crm.exact_sums,
  SSPACE = 64,
  FINALFUNC = crm_internal.nps_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.nps(numeric) IS
  'the same of whole numbers; what lies between them is refused, since it is no answer and may not be rounded to one';

