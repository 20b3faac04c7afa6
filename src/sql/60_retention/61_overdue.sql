-- overdue: silence against a customer's own rhythm, and what became of customers between two dates

CREATE TYPE crm.rhythm AS (
  shape float8,
  a float8,
  b float8
);
COMMENT ON TYPE crm.rhythm IS 'how regularly customers buy: gamma gaps between purchase days, whose rates are gamma distributed over the customers';
COMMENT ON COLUMN crm.rhythm.shape IS 'shape of the gaps: 1 is random buying, more is more regular';
COMMENT ON COLUMN crm.rhythm.a IS 'shape of the customers'' rates: more means customers more alike';
COMMENT ON COLUMN crm.rhythm.b IS 'rate of the customers'' rates, in days: the mean gap of all is about shape * b / (a - 1)';

CREATE FUNCTION crm_internal.rhythm_final(crm.exact_sums) RETURNS crm.rhythm
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_rhythm_final';
COMMENT ON FUNCTION crm_internal.rhythm_final(crm.exact_sums) IS 'final function of the aggregate rhythm';
CREATE FUNCTION crm_internal.rhythm_transition(crm.exact_sums, crm.purchase_history, date) RETURNS crm.exact_sums
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_rhythm_transition';
COMMENT ON FUNCTION crm_internal.rhythm_transition(crm.exact_sums, crm.purchase_history, date) IS
  'transition function of the aggregate rhythm';
CREATE AGGREGATE crm.rhythm(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.rhythm_transition,
  STYPE = crm.exact_sums,
  SSPACE = 512,
  FINALFUNC = crm_internal.rhythm_final,
  COMBINEFUNC = crm_internal.exact_sums_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.rhythm(crm.purchase_history, date) IS
  'the common rhythm of all customers, from the last eight gaps of each by as_of; an error if too few have bought again';

CREATE FUNCTION crm.p_silence(history crm.purchase_history, as_of date, rhythm crm.rhythm DEFAULT NULL) RETURNS float8
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_overdue_p';
COMMENT ON FUNCTION crm.p_silence(crm.purchase_history, date, crm.rhythm) IS
  'probability of a silence longer than the present one, from the own gaps and the rhythm of all customers, NULL before the first purchase; without a rhythm from the own gaps alone, taken as random buying, NULL with fewer than two purchase days';
CREATE FUNCTION crm.is_overdue(history crm.purchase_history, as_of date, rhythm crm.rhythm DEFAULT NULL, level float8 DEFAULT 0.05)
    RETURNS bool
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_is_overdue';
COMMENT ON FUNCTION crm.is_overdue(crm.purchase_history, date, crm.rhythm, float8) IS
  'whether p_silence is below the level';

-- lifecycle

CREATE FUNCTION crm.lifecycle_state(history crm.purchase_history, during daterange) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_lifecycle_state_during';
COMMENT ON FUNCTION crm.lifecycle_state(crm.purchase_history, daterange) IS
  'new, repeat, reactivated, lapsed or never: purchases on the days of a range against the range of the same length before it';
CREATE FUNCTION crm.lifecycle_rank(state text) RETURNS int
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10
  SET search_path = pg_catalog, pg_temp AS $$ SELECT array_position('{new,repeat,reactivated,lapsed,never}', $1) $$;
COMMENT ON FUNCTION crm.lifecycle_rank(text) IS 'place of a lifecycle state in charts: new 1, repeat 2, reactivated 3, lapsed 4, never 5';

CREATE FUNCTION crm.lifecycle_migration(histories regclass, during daterange)
    RETURNS TABLE (from_state text, to_state text, customers bigint, revenue_before numeric, revenue_after numeric)
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1000 ROWS 15
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before daterange;
BEGIN
  IF isempty(during) OR NOT (isfinite(lower(during)) AND isfinite(upper(during))) IS TRUE THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', pg_catalog.format('range of days %s has no first or no last day', during));
  END IF;
  PERFORM crm_internal.check_has_histories(histories);
  before := daterange(lower(during) - (upper(during) - lower(during)), lower(during));
  RETURN QUERY EXECUTE pg_catalog.format($query$
    SELECT s.from_state, s.to_state, count(*),
      sum(crm.spend(crm.within(history, $1))),
      sum(crm.spend(crm.within(history, $2)))
    FROM %s, LATERAL (SELECT crm.lifecycle_state(history, $1) AS from_state,
        crm.lifecycle_state(history, $2) AS to_state) s
    WHERE s.from_state IS NOT NULL
    GROUP BY s.from_state, s.to_state
    ORDER BY crm.lifecycle_rank(s.from_state), crm.lifecycle_rank(s.to_state) $query$, histories)
    USING before, during;
END $$;
COMMENT ON FUNCTION crm.lifecycle_migration(regclass, daterange) IS
  'customers and their revenue by lifecycle state in the range of days before a range, of the same length, and in the range itself, from the column history of a table or view, one row a customer';
