-- challenge: what customers are asked to do, and how far they are

@type challenge|10|5|extended|orders 5 within 30 days from 2024-03-01 until 2024-08-31 reward 500, or streak 3 month
COMMENT ON TYPE crm.challenge IS
  'what customers are asked to do: spend, orders or purchase_days within a time, or purchases in periods in a row: orders 5 within 30 days reward 500, streak 3 month';

@comparison challenge|2|order by bytes: the same on every machine of one kind|equal values

CREATE FUNCTION crm.challenge(metric text, target numeric, within interval DEFAULT NULL, period text DEFAULT NULL,
    starts_on date DEFAULT NULL, ends_on date DEFAULT NULL, reward bigint DEFAULT NULL) RETURNS crm.challenge
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_challenge';
COMMENT ON FUNCTION crm.challenge(text, numeric, interval, text, date, date, bigint) IS
  'so much (target) of a metric: spend, orders or purchase_days, within a length or not, or a streak of so many periods (period: month, week(sunday)); from starts_on until ends_on, for a reward of points';
CREATE FUNCTION crm_internal.challenge_to_jsonb(crm.challenge) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_challenge_to_jsonb';
COMMENT ON FUNCTION crm_internal.challenge_to_jsonb(crm.challenge) IS 'the challenge as a jsonb object';
CREATE CAST (crm.challenge AS jsonb) WITH FUNCTION crm_internal.challenge_to_jsonb(crm.challenge);
COMMENT ON CAST (crm.challenge AS jsonb) IS 'an object with every field, null where there is none';

CREATE TYPE crm.challenge_progress_result AS (
  reached_on date,
  value numeric,
  target numeric,
  missing numeric,
  missing_by date,
  reward bigint
);
COMMENT ON TYPE crm.challenge_progress_result IS 'how far a customer is with a challenge';
COMMENT ON COLUMN crm.challenge_progress_result.reached_on IS 'the day on which it was reached; NULL if it was not';
COMMENT ON COLUMN crm.challenge_progress_result.value IS 'what counts towards it by as_of';
COMMENT ON COLUMN crm.challenge_progress_result.target IS 'what is asked for';
COMMENT ON COLUMN crm.challenge_progress_result.missing IS 'what is missing';
COMMENT ON COLUMN crm.challenge_progress_result.missing_by IS 'the last day on which that counts along with the rest; NULL if there is none';
COMMENT ON COLUMN crm.challenge_progress_result.reward IS 'the points that the customer gets; NULL before it is reached';

CREATE FUNCTION crm.challenge_progress(challenge crm.challenge, history crm.purchase_history, as_of date) RETURNS crm.challenge_progress_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_challenge_progress';
COMMENT ON FUNCTION crm.challenge_progress(crm.challenge, crm.purchase_history, date) IS
  'how far a customer is: the day on which the challenge was reached, what counts towards it by as_of, what is missing, the last day on which that counts along with the rest, and the points of the reward once it is reached';
