-- challenge: what customers are asked to do, and how far they are

CREATE TYPE crm.challenge;

CREATE FUNCTION crm_internal.challenge_in(cstring) RETURNS crm.challenge
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_challenge_in';
COMMENT ON FUNCTION crm_internal.challenge_in(cstring) IS 'reads orders 5 within 30 days from 2024-03-01 until 2024-08-31 reward 500, or streak 3 month';
CREATE FUNCTION crm_internal.challenge_out(crm.challenge) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_challenge_out';
COMMENT ON FUNCTION crm_internal.challenge_out(crm.challenge) IS 'writes orders 5 within 30 days from 2024-03-01 until 2024-08-31 reward 500, or streak 3 month';
CREATE FUNCTION crm_internal.challenge_recv(internal) RETURNS crm.challenge
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_challenge_recv';
COMMENT ON FUNCTION crm_internal.challenge_recv(internal) IS 'reads the binary form';
CREATE FUNCTION crm_internal.challenge_send(crm.challenge) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_challenge_send';
COMMENT ON FUNCTION crm_internal.challenge_send(crm.challenge) IS 'writes the binary form';

CREATE TYPE crm.challenge (
  INPUT = crm_internal.challenge_in,
  OUTPUT = crm_internal.challenge_out,
  RECEIVE = crm_internal.challenge_recv,
  SEND = crm_internal.challenge_send,
  INTERNALLENGTH = VARIABLE,
  ALIGNMENT = double,
  STORAGE = extended
);
COMMENT ON TYPE crm.challenge IS
  'what customers are asked to do: spend, orders or purchase_days within a time, or purchases in periods in a row: orders 5 within 30 days reward 500, streak 3 month';

@comparison challenge|2|order by bytes: the same on every machine of one kind|equal values

CREATE FUNCTION crm.challenge_progress(challenge crm.challenge, history crm.purchase_history, as_of date,
    OUT reached_on date, OUT value numeric, OUT target numeric, OUT missing numeric, OUT missing_by date, OUT reward bigint) RETURNS record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_challenge_progress';
COMMENT ON FUNCTION crm.challenge_progress(crm.challenge, crm.purchase_history, date) IS
  'how far a customer is: the day on which the challenge was reached, what counts towards it by as_of, what is missing, the last day on which that counts along with the rest, and the points of the reward once it is reached';
