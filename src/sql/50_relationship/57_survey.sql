-- satisfaction, effort, and how scores change

CREATE TYPE crm.survey_result AS (
  score float8,
  responses bigint,
  standard_error float8
);
COMMENT ON TYPE crm.survey_result IS 'what csat and effort_score return';
COMMENT ON COLUMN crm.survey_result.score IS 'of csat the satisfied in percent, of effort_score the mean';
COMMENT ON COLUMN crm.survey_result.responses IS 'number of answers';
COMMENT ON COLUMN crm.survey_result.standard_error IS 'standard error of score';

CREATE FUNCTION crm_internal.csat_transition(crm.exact_sums, int) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_csat_transition';
COMMENT ON FUNCTION crm_internal.csat_transition(crm.exact_sums, int) IS
  'transition function of the aggregate csat';
CREATE FUNCTION crm_internal.effort_transition(crm.exact_sums, int) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_effort_transition';
COMMENT ON FUNCTION crm_internal.effort_transition(crm.exact_sums, int) IS
  'transition function of the aggregate effort_score';
CREATE FUNCTION crm_internal.survey_final(crm.exact_sums) RETURNS crm.survey_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_survey_final';
COMMENT ON FUNCTION crm_internal.survey_final(crm.exact_sums) IS
  'final function of the aggregates csat and effort_score';
CREATE AGGREGATE crm.csat(score int) (
  SFUNC = crm_internal.csat_transition,
  STYPE = crm.exact_sums,
  SSPACE = 64,
  FINALFUNC = crm_internal.survey_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.csat(int) IS
  'satisfied customers in percent, those who answered 4 or 5 of 1 to 5, with the number of answers and the standard error; NULLs are left out';
CREATE AGGREGATE crm.effort_score(score int) (
  SFUNC = crm_internal.effort_transition,
  STYPE = crm.exact_sums,
  SSPACE = 64,
  FINALFUNC = crm_internal.survey_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.effort_score(int) IS
  'mean of the answers from 1 to 7 to how much effort it took, with their number and the standard error; NULLs are left out';
CREATE TYPE crm.score_change_result AS (
  change float8,
  standard_error float8,
  low float8,
  high float8,
  p_value float8
);
COMMENT ON TYPE crm.score_change_result IS 'how a score changed between two periods';
COMMENT ON COLUMN crm.score_change_result.change IS 'after minus before';
COMMENT ON COLUMN crm.score_change_result.standard_error IS 'standard error of the change';
COMMENT ON COLUMN crm.score_change_result.low IS 'lower end of its 95 % interval';
COMMENT ON COLUMN crm.score_change_result.high IS 'upper end of its 95 % interval';
COMMENT ON COLUMN crm.score_change_result.p_value IS 'the probability of a change as large, either way, if nothing changed';

CREATE FUNCTION crm.score_change(before float8, before_error float8, after float8, after_error float8) RETURNS crm.score_change_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_score_change';
COMMENT ON FUNCTION crm.score_change(float8, float8, float8, float8) IS
  'how a score of nps, csat or effort_score changed between two periods, given its standard errors: the change, its error, its 95 % interval, and how probable one as large is, either way, if nothing changed (normal distribution), NULL if both errors are 0';
CREATE FUNCTION crm.loyalty_kind(behaviour float8, attitude float8, behaviour_cut float8, attitude_cut float8) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_loyalty_kind';
COMMENT ON FUNCTION crm.loyalty_kind(float8, float8, float8, float8) IS
  'loyal by habit or by heart: heart for who buys and likes, habit for who buys only, latent for who likes only, none; who reaches a cut is above it (Dick & Basu 1994)';

-- several questions at once

CREATE FUNCTION crm_internal.nps_by_question_transition(crm.named_sums, text, int) RETURNS crm.named_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 3 AS 'MODULE_PATHNAME', 'crm_nps_by_question_transition';
COMMENT ON FUNCTION crm_internal.nps_by_question_transition(crm.named_sums, text, int) IS
  'transition function of the aggregate nps_by_question';
CREATE AGGREGATE crm.nps_by_question(question text, score int) (
  SFUNC = crm_internal.nps_by_question_transition,
  STYPE = crm.named_sums,
  SSPACE = 1024,
  FINALFUNC = crm_internal.named_sums_final,
  COMBINEFUNC = crm_internal.named_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.nps_by_question(text, int) IS
  'the answers from 0 to 10 to several questions, by their names, in one value, for crm.question_scores; rows with NULL are left out';
CREATE FUNCTION crm.question_scores(answers crm.named_sums,
    OUT question text, OUT score float8, OUT responses bigint, OUT promoters bigint, OUT passives bigint, OUT detractors bigint, OUT standard_error float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 10 AS 'MODULE_PATHNAME', 'crm_question_scores';
COMMENT ON FUNCTION crm.question_scores(crm.named_sums) IS
  'the net promoter score of each question, as crm.nps has it';
