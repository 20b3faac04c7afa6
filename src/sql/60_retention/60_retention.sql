-- retention_curve: how many customers are still there, by age in periods

@type retention_curve|100|2|extended|period basis as_of {age observable active, ...}
COMMENT ON TYPE crm.retention_curve IS
  'customers observable and active by age in periods: month calendar 1998-06-30 {0 23570 23570, 1 23570 3420}';

-- the aggregate: (history, as_of, period [, basis])

CREATE FUNCTION crm_internal.retention_curve_plus(crm.retention_curve, crm.retention_curve) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_curve_plus';
COMMENT ON FUNCTION crm_internal.retention_curve_plus(crm.retention_curve, crm.retention_curve) IS
  'implementation of + operator';
CREATE FUNCTION crm_internal.retention_curve_final(crm.retention_curve) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_retention_final';
COMMENT ON FUNCTION crm_internal.retention_curve_final(crm.retention_curve) IS 'final function of the aggregate retention_curve';
CREATE FUNCTION crm_internal.retention_curve_transition(crm.retention_curve, crm.purchase_history, date, text) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_retention_curve_transition';
COMMENT ON FUNCTION crm_internal.retention_curve_transition(crm.retention_curve, crm.purchase_history, date, text) IS
  'transition function of the aggregate retention_curve';
CREATE AGGREGATE crm.retention_curve(history crm.purchase_history, as_of date, period text) (
  SFUNC = crm_internal.retention_curve_transition,
  STYPE = crm.retention_curve,
  SSPACE = 4096,
  FINALFUNC = crm_internal.retention_curve_final,
  COMBINEFUNC = crm_internal.retention_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.retention_curve(crm.purchase_history, date, text) IS
  'customers observable and active by age in calendar periods (day, week, month, quarter or year) as of a day; customers who never bought are left out';
CREATE FUNCTION crm_internal.retention_curve_transition(crm.retention_curve, crm.purchase_history, date, text, text) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_retention_curve_transition';
COMMENT ON FUNCTION crm_internal.retention_curve_transition(crm.retention_curve, crm.purchase_history, date, text, text) IS
  'transition function of the aggregate retention_curve';
CREATE AGGREGATE crm.retention_curve(history crm.purchase_history, as_of date, period text, basis text) (
  SFUNC = crm_internal.retention_curve_transition,
  STYPE = crm.retention_curve,
  SSPACE = 4096,
  FINALFUNC = crm_internal.retention_curve_final,
  COMBINEFUNC = crm_internal.retention_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.retention_curve(crm.purchase_history, date, text, text) IS
  'customers observable and active by age as of a day, basis being calendar (calendar periods) or age (periods from the day of the first purchase)';
CREATE FUNCTION crm_internal.retention_curve_transition(crm.retention_curve, crm.purchase_history, date, text, text, text) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_retention_curve_transition';
COMMENT ON FUNCTION crm_internal.retention_curve_transition(crm.retention_curve, crm.purchase_history, date, text, text, text) IS
  'transition function of the aggregate retention_curve';
CREATE AGGREGATE crm.retention_curve(history crm.purchase_history, as_of date, period text, basis text, by text) (
  SFUNC = crm_internal.retention_curve_transition,
  STYPE = crm.retention_curve,
  SSPACE = 4096,
  FINALFUNC = crm_internal.retention_curve_final,
  COMBINEFUNC = crm_internal.retention_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.retention_curve(crm.purchase_history, date, text, text, text) IS
  'the same, by being purchased (a purchase that was taken back is none) or booked (it stays one of its day)';
CREATE AGGREGATE crm.merge(curve crm.retention_curve) (
  SFUNC = crm_internal.retention_curve_plus,
  STYPE = crm.retention_curve,
  SSPACE = 4096,
  COMBINEFUNC = crm_internal.retention_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.retention_curve) IS
  'the customers of all curves; period, basis and as_of must agree';

CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.retention_curve_plus,
  LEFTARG = crm.retention_curve,
  RIGHTARG = crm.retention_curve,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.retention_curve, crm.retention_curve) IS 'the customers of both curves';

@comparison retention_curve|2|order by period, basis, as_of, then the first age that differs|equal values

-- questions

CREATE FUNCTION crm.curve_points(curve crm.retention_curve,
    OUT age int, OUT observable bigint, OUT active bigint, OUT rate float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 24 AS 'MODULE_PATHNAME', 'crm_retention_points';
COMMENT ON FUNCTION crm.curve_points(crm.retention_curve) IS
  'the curve as rows: of every age the customers observable that long, those active, and the rate';
CREATE FUNCTION crm_internal.check_has_histories(relation regclass) RETURNS void
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = 'history' AND atttypid = 'crm.purchase_history'::regtype) THEN
    PERFORM crm_internal.raise_error('undefined_column', format('%s has no column history of type crm.purchase_history', relation),
      hint => 'Pass the histories of a tracking, or a view with one history a customer: SELECT customer_id, crm.purchase_history(ordered_on, amount) AS history FROM ... GROUP BY customer_id.');
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_has_histories(regclass) IS 'an error unless a table or view has histories in its column history';

-- survival_curve: how long it takes until something happens, with those to whom it has not happened yet

@type survival_curve|100|2|extended|{day events censored, ...}
COMMENT ON TYPE crm.survival_curve IS
  'customers by the days until it happened to them or they were last seen: {14 20 3, 15 18 0}';

-- the aggregates: (days, happened) and the time from the first to the second purchase

CREATE FUNCTION crm_internal.survival_curve_plus(crm.survival_curve, crm.survival_curve) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_curve_plus';
COMMENT ON FUNCTION crm_internal.survival_curve_plus(crm.survival_curve, crm.survival_curve) IS
  'implementation of + operator';
CREATE FUNCTION crm_internal.survival_curve_final(crm.survival_curve) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_final';
COMMENT ON FUNCTION crm_internal.survival_curve_final(crm.survival_curve) IS
  'final function of the aggregates of survival_curve';
CREATE FUNCTION crm_internal.survival_curve_transition(crm.survival_curve, int, bool) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_survival_transition';
COMMENT ON FUNCTION crm_internal.survival_curve_transition(crm.survival_curve, int, bool) IS
  'transition function of the aggregate survival_curve';
CREATE AGGREGATE crm.survival_curve(days int, happened bool) (
  SFUNC = crm_internal.survival_curve_transition,
  STYPE = crm.survival_curve,
  SSPACE = 4096,
  FINALFUNC = crm_internal.survival_curve_final,
  COMBINEFUNC = crm_internal.survival_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.survival_curve(int, bool) IS
  'days until it happened (true) or until last seen without (false); rows with a NULL are left out';
CREATE FUNCTION crm_internal.second_purchase_curve_transition(crm.survival_curve, crm.purchase_history, date) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_second_purchase_transition';
COMMENT ON FUNCTION crm_internal.second_purchase_curve_transition(crm.survival_curve, crm.purchase_history, date) IS
  'transition function of the aggregate second_purchase_curve';
CREATE AGGREGATE crm.second_purchase_curve(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.second_purchase_curve_transition,
  STYPE = crm.survival_curve,
  SSPACE = 4096,
  FINALFUNC = crm_internal.survival_curve_final,
  COMBINEFUNC = crm_internal.survival_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.second_purchase_curve(crm.purchase_history, date) IS
  'days from the first to the second purchase day, censored at as_of for customers who have not bought again';
CREATE AGGREGATE crm.merge(curve crm.survival_curve) (
  SFUNC = crm_internal.survival_curve_plus,
  STYPE = crm.survival_curve,
  SSPACE = 4096,
  COMBINEFUNC = crm_internal.survival_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.survival_curve) IS
  'the customers of all curves';

CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.survival_curve_plus,
  LEFTARG = crm.survival_curve,
  RIGHTARG = crm.survival_curve,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.survival_curve, crm.survival_curve) IS 'the customers of both curves';

@comparison survival_curve|2|order by the first day that differs|equal values

-- questions

CREATE FUNCTION crm.curve_points(curve crm.survival_curve,
    OUT days int, OUT at_risk bigint, OUT happened bigint, OUT censored bigint, OUT survival float8,
    OUT happened_share float8, OUT standard_error float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 200 AS 'MODULE_PATHNAME', 'crm_survival_points';
COMMENT ON FUNCTION crm.curve_points(crm.survival_curve) IS
  'the Kaplan-Meier estimate as rows, by day: at risk, happened, censored, the share it has not happened to and the share it has, with its standard error (Greenwood)';
CREATE FUNCTION crm.survival(curve crm.survival_curve, days int) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_survival';
COMMENT ON FUNCTION crm.survival(crm.survival_curve, int) IS
  'share of customers to whom it has not happened within the days (Kaplan-Meier); NULL beyond the last day observed';
CREATE FUNCTION crm.survival_days(curve crm.survival_curve, quantile float8) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_survival_days';
COMMENT ON FUNCTION crm.survival_days(crm.survival_curve, float8) IS
  'days within which it has happened to a share of the customers (quantile 0.5: the median); NULL if that has not been observed';
CREATE FUNCTION crm.repeat_rate(curve crm.survival_curve) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_repeat_rate';
COMMENT ON FUNCTION crm.repeat_rate(crm.survival_curve) IS
  'share of the customers to whom it has happened so far: of second_purchase_curve, the repeat rate';
CREATE AGGREGATE crm.repeat_rate(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.second_purchase_curve_transition,
  STYPE = crm.survival_curve,
  SSPACE = 4096,
  FINALFUNC = crm.repeat_rate,
  COMBINEFUNC = crm_internal.survival_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.repeat_rate(crm.purchase_history, date) IS
  'share of the customers with at least two purchase days by as_of; NULL without a customer';
