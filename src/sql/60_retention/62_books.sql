-- books: what customers did by cohort and age, and what happened by period; and how two survival curves differ

@type cohort_book|100|50|extended|period as_of {cohort_start (active last purchases days amount, ...), ...}
COMMENT ON TYPE crm.cohort_book IS
  'customers, purchases and amount by the period of the first purchase and by age in periods: month 2024-02-29 {2024-01-01 (2 1 2 2 80.00, 1 1 1 1 35.00), 2024-02-01 (1 1 1 1 12.00)}';

CREATE FUNCTION crm_internal.cohort_book_plus(crm.cohort_book, crm.cohort_book) RETURNS crm.cohort_book
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_cohort_book_plus';
COMMENT ON FUNCTION crm_internal.cohort_book_plus(crm.cohort_book, crm.cohort_book) IS
  'implementation of + operator';
CREATE FUNCTION crm_internal.cohort_book_final(crm.cohort_book) RETURNS crm.cohort_book
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_cohort_book_final';
COMMENT ON FUNCTION crm_internal.cohort_book_final(crm.cohort_book) IS 'final function of the aggregate cohort_book';
CREATE FUNCTION crm_internal.cohort_book_transition(crm.cohort_book, crm.purchase_history, date, text) RETURNS crm.cohort_book
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_cohort_book_transition';
COMMENT ON FUNCTION crm_internal.cohort_book_transition(crm.cohort_book, crm.purchase_history, date, text) IS
  'transition function of the aggregate cohort_book';
CREATE AGGREGATE crm.cohort_book(history crm.purchase_history, as_of date, period text) (
  SFUNC = crm_internal.cohort_book_transition,
  STYPE = crm.cohort_book,
  SSPACE = 65536,
  FINALFUNC = crm_internal.cohort_book_final,
  COMBINEFUNC = crm_internal.cohort_book_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.cohort_book(crm.purchase_history, date, text) IS
  'customers, purchases, purchase days and amount by cohort (calendar period of the first purchase) and by age in periods, of the periods that are over on as_of; a period is day, week, month, quarter or year, week(sunday) or year(april) if it starts elsewhere';
CREATE AGGREGATE crm.merge(book crm.cohort_book) (
  SFUNC = crm_internal.cohort_book_plus,
  STYPE = crm.cohort_book,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.cohort_book_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.cohort_book) IS
  'the customers of all books; period and as_of must agree';

CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.cohort_book_plus,
  LEFTARG = crm.cohort_book,
  RIGHTARG = crm.cohort_book,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.cohort_book, crm.cohort_book) IS 'the customers of both books';

@comparison cohort_book|10|order by period and as_of, then by the bytes|equal values

-- what a cohort book answers

CREATE FUNCTION crm.cells(book crm.cohort_book,
    OUT cohort_start date, OUT age int, OUT period_start date, OUT observable bigint, OUT active bigint, OUT rate float8,
    OUT active_since bigint, OUT purchase_count bigint, OUT purchase_day_count bigint,
    OUT amount numeric, OUT cumulative_amount numeric) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 500 AS 'MODULE_PATHNAME', 'crm_cohort_book_cells';
COMMENT ON FUNCTION crm.cells(crm.cohort_book) IS
  'the book as rows, by cohort and age: customers of the cohort, those active at the age and their share, those active at the age or later, purchases, purchase days, amount and the amount up to the age';
CREATE FUNCTION crm.rolling_retention(book crm.cohort_book,
    OUT age int, OUT observable bigint, OUT active_since bigint, OUT rate float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 24 AS 'MODULE_PATHNAME', 'crm_rolling_retention';
COMMENT ON FUNCTION crm.rolling_retention(crm.cohort_book) IS
  'by age, of all customers observable that long: those who bought at that age or later, and their share';
CREATE FUNCTION crm.retention_curve(book crm.cohort_book) RETURNS crm.retention_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_cohort_book_retention';
COMMENT ON FUNCTION crm.retention_curve(crm.cohort_book) IS
  'the retention curve of all customers of the book, by calendar periods';
CREATE FUNCTION crm.decompose(book crm.cohort_book, before date, after date,
    OUT part text, OUT before_value numeric, OUT after_value numeric, OUT amount numeric) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 4 AS 'MODULE_PATHNAME', 'crm_cohort_book_decompose';
COMMENT ON FUNCTION crm.decompose(crm.cohort_book, date, date) IS
  'why a later period brought more or less than an earlier one, each named by any of its days: parts that add up to the change, of new customers and of the number, the frequency and the amount per purchase of the customers there before (Shapley values)';
CREATE FUNCTION crm.project(book crm.cohort_book, measure text DEFAULT 'amount',
    OUT cohort_start date, OUT age int, OUT to_date numeric, OUT ultimate numeric, OUT still_to_come numeric,
    OUT standard_error numeric) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 24 AS 'MODULE_PATHNAME', 'crm_cohort_book_project';
COMMENT ON FUNCTION crm.project(crm.cohort_book, text) IS
  'what each cohort will have come to at the oldest age seen, by the chain ladder with the standard errors of Mack (1993); measure is amount, purchase_count or purchase_day_count; the last row, without a cohort, is all of them together';
CREATE FUNCTION crm.cohort_triangle(book crm.cohort_book,
    OUT cohort_start date, OUT age int, OUT observable bigint, OUT active bigint, OUT rate float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 500 AS 'MODULE_PATHNAME', 'crm_cohort_book_triangle';
COMMENT ON FUNCTION crm.cohort_triangle(crm.cohort_book) IS
  'the retention of each cohort of the book; of the period that is not over there is age 0, as in a retention curve';
CREATE FUNCTION crm.cohort_triangle(histories regclass, as_of date, period text)
    RETURNS TABLE (cohort_start date, age int, observable bigint, active bigint, rate float8)
  LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1000 ROWS 100
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM crm_internal.check_has_histories(histories);
  RETURN QUERY EXECUTE pg_catalog.format($query$
    SELECT t.cohort_start, t.age, t.observable, t.active, t.rate
    FROM (SELECT crm.cohort_book(history, $1, $2) AS book FROM %s) b, crm.cohort_triangle(b.book) t
    ORDER BY t.cohort_start, t.age $query$, histories)
    USING as_of, period;
END $$;
COMMENT ON FUNCTION crm.cohort_triangle(regclass, date, text) IS
  'the retention of each cohort (customers by the calendar period of their first purchase), from the column history of a table or view, one row a customer';

@type period_book|100|50|extended|period as_of {period_start new retained reactivated lapsed purchases amount new_amount retained_amount reactivated_amount lapsed_amount, ...}
COMMENT ON TYPE crm.period_book IS
  'customers, purchases and amount by period: month 2024-02-29 {2024-01-01 2 0 0 0 2 80.00 80.00 0 0 0, 2024-02-01 1 1 0 1 2 47.00 12.00 35.00 0 20.00}';

CREATE FUNCTION crm_internal.period_book_plus(crm.period_book, crm.period_book) RETURNS crm.period_book
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_period_book_plus';
COMMENT ON FUNCTION crm_internal.period_book_plus(crm.period_book, crm.period_book) IS
  'implementation of + operator';
CREATE FUNCTION crm_internal.period_book_final(crm.period_book) RETURNS crm.period_book
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_period_book_final';
COMMENT ON FUNCTION crm_internal.period_book_final(crm.period_book) IS 'final function of the aggregate period_book';
CREATE FUNCTION crm_internal.period_book_transition(crm.period_book, crm.purchase_history, date, text) RETURNS crm.period_book
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_period_book_transition';
COMMENT ON FUNCTION crm_internal.period_book_transition(crm.period_book, crm.purchase_history, date, text) IS
  'transition function of the aggregate period_book';
CREATE AGGREGATE crm.period_book(history crm.purchase_history, as_of date, period text) (
  SFUNC = crm_internal.period_book_transition,
  STYPE = crm.period_book,
  SSPACE = 8192,
  FINALFUNC = crm_internal.period_book_final,
  COMBINEFUNC = crm_internal.period_book_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.period_book(crm.purchase_history, date, text) IS
  'by calendar period that is over on as_of: customers new, retained, reactivated and lapsed, purchases and amounts; a period is day, week, month, quarter or year, week(sunday) or year(april) if it starts elsewhere';
CREATE FUNCTION crm_internal.period_book_transition(crm.period_book, crm.purchase_history, date, text, text) RETURNS crm.period_book
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_period_book_transition';
COMMENT ON FUNCTION crm_internal.period_book_transition(crm.period_book, crm.purchase_history, date, text, text) IS
  'transition function of the aggregate period_book';
CREATE AGGREGATE crm.period_book(history crm.purchase_history, as_of date, period text, by text) (
  SFUNC = crm_internal.period_book_transition,
  STYPE = crm.period_book,
  SSPACE = 8192,
  FINALFUNC = crm_internal.period_book_final,
  COMBINEFUNC = crm_internal.period_book_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.period_book(crm.purchase_history, date, text, text) IS
  'the same, by being purchased (a refund counts in the period of its purchase) or booked (in the period in which it was booked; a purchase that was taken back stays one)';
CREATE AGGREGATE crm.merge(book crm.period_book) (
  SFUNC = crm_internal.period_book_plus,
  STYPE = crm.period_book,
  SSPACE = 8192,
  COMBINEFUNC = crm_internal.period_book_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.period_book) IS
  'the customers of all books; period and as_of must agree';

CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.period_book_plus,
  LEFTARG = crm.period_book,
  RIGHTARG = crm.period_book,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.period_book, crm.period_book) IS 'the customers of both books';

@comparison period_book|10|order by period and as_of, then by the bytes|equal values

-- what a period book answers

CREATE FUNCTION crm.periods(book crm.period_book,
    OUT period_start date, OUT active_count bigint, OUT new_count bigint, OUT retained_count bigint, OUT reactivated_count bigint,
    OUT lapsed_count bigint, OUT purchase_count bigint, OUT amount numeric, OUT new_amount numeric, OUT retained_amount numeric,
    OUT reactivated_amount numeric, OUT lapsed_amount numeric, OUT average_order_value numeric, OUT repeat_share float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 36 AS 'MODULE_PATHNAME', 'crm_period_book_rows';
COMMENT ON FUNCTION crm.periods(crm.period_book) IS
  'the book as rows, by period: customers who bought, of these new ones, those who bought in the period before too and those who had paused; those of the period before who did not buy; purchases; amounts of all and of each kind (of those lapsed: in the period before); average order value; share of the customers who are not new';

-- depth of repeat, and whether two curves are of one kind

CREATE FUNCTION crm_internal.next_purchase_curve_transition(crm.survival_curve, crm.purchase_history, date, int) RETURNS crm.survival_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_second_purchase_transition';
COMMENT ON FUNCTION crm_internal.next_purchase_curve_transition(crm.survival_curve, crm.purchase_history, date, int) IS
  'transition function of the aggregate next_purchase_curve';
CREATE AGGREGATE crm.next_purchase_curve(history crm.purchase_history, as_of date, nth int) (
  SFUNC = crm_internal.next_purchase_curve_transition,
  STYPE = crm.survival_curve,
  SSPACE = 4096,
  FINALFUNC = crm_internal.survival_curve_final,
  COMBINEFUNC = crm_internal.survival_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.next_purchase_curve(crm.purchase_history, date, int) IS
  'days from the n-th purchase day to the next, censored at as_of for customers who have not bought again; nth 1 is second_purchase_curve';
CREATE TYPE crm.log_rank_result AS (
  chi_square float8,
  p_value float8
);
COMMENT ON TYPE crm.log_rank_result IS 'whether two survival curves are of one kind';
COMMENT ON COLUMN crm.log_rank_result.chi_square IS 'the log-rank statistic, chi-square with one degree of freedom if the curves are of one kind';
COMMENT ON COLUMN crm.log_rank_result.p_value IS 'how likely a statistic as large is if the curves are of one kind';
CREATE FUNCTION crm.log_rank(a crm.survival_curve, b crm.survival_curve) RETURNS crm.log_rank_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_log_rank';
COMMENT ON FUNCTION crm.log_rank(crm.survival_curve, crm.survival_curve) IS
  'whether it happens as fast to the customers of one curve as to those of another: the log-rank test, NULLs if no day tells';
