-- purchase_history: what one customer bought, day by day

@type purchase_history|20|2|extended|{day orders amount, ...}
COMMENT ON TYPE crm.purchase_history IS
  'what one customer bought, day by day: {day orders amount, ...}, amounts exact to 1/10000 of the currency unit';

-- one purchase

CREATE FUNCTION crm.purchase(purchased_on date, amount numeric, purchase_count int DEFAULT 1) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase';
COMMENT ON FUNCTION crm.purchase(date, numeric, int) IS
  'the history of one purchase (of a refund if the amount is negative), or of the purchases of one day and their amount';

-- the aggregate: (purchased_on, amount [, purchase_count]) and, for timestamptz, (purchased_at, amount, time_zone [, purchase_count])

CREATE FUNCTION crm_internal.purchase_history_final(crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_final';
COMMENT ON FUNCTION crm_internal.purchase_history_final(crm.purchase_history) IS 'final function of the aggregate purchase_history';
CREATE FUNCTION crm_internal.purchase_history_plus(crm.purchase_history, crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_plus';
COMMENT ON FUNCTION crm_internal.purchase_history_plus(crm.purchase_history, crm.purchase_history) IS 'implementation of + operator';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_date_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_on date, amount numeric) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, numeric) IS
  'the purchase history of purchases on days; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_date_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_on date, amount numeric, purchase_count int) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, numeric, int) IS
  'the purchase history of purchases on days, purchase_count of them a row; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, float8) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_date_float8';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, float8) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_on date, amount float8) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, float8) IS
  'the purchase history of purchases on days; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, float8, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_date_float8';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, float8, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_on date, amount float8, purchase_count int) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, float8, int) IS
  'the purchase history of purchases on days, purchase_count of them a row; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamp, numeric) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamp_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamp, numeric) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamp, amount numeric) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamp, numeric) IS
  'the purchase history of purchases at timestamps as they stand; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamp, numeric, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamp_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamp, numeric, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamp, amount numeric, purchase_count int) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamp, numeric, int) IS
  'the purchase history of purchases at timestamps as they stand, purchase_count of them a row; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamp, float8) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamp_float8';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamp, float8) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamp, amount float8) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamp, float8) IS
  'the purchase history of purchases at timestamps as they stand; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamp, float8, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamp_float8';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamp, float8, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamp, amount float8, purchase_count int) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamp, float8, int) IS
  'the purchase history of purchases at timestamps as they stand, purchase_count of them a row; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamptz, numeric, text) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamptz_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamptz, numeric, text) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamptz, amount numeric, time_zone text) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, numeric, text) IS
  'the purchase history of purchases at instants, on the days of a time zone; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamptz, numeric, text, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamptz_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamptz, numeric, text, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamptz, amount numeric, time_zone text, purchase_count int) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, numeric, text, int) IS
  'the purchase history of purchases at instants, on the days of a time zone, purchase_count of them a row; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamptz, float8, text) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamptz_float8';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamptz, float8, text) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamptz, amount float8, time_zone text) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, float8, text) IS
  'the purchase history of purchases at instants, on the days of a time zone; rows with a NULL are left out';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamptz, float8, text, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_timestamptz_float8';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, timestamptz, float8, text, int) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamptz, amount float8, time_zone text, purchase_count int) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, float8, text, int) IS
  'the purchase history of purchases at instants, on the days of a time zone, purchase_count of them a row; rows with a NULL are left out';

CREATE FUNCTION crm_internal.merge_transition(crm.purchase_history, crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_merge';
COMMENT ON FUNCTION crm_internal.merge_transition(crm.purchase_history, crm.purchase_history) IS
  'transition function of the aggregate merge';
CREATE AGGREGATE crm.merge(history crm.purchase_history) (
  SFUNC = crm_internal.merge_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.purchase_history) IS 'all that is in any of the histories';

-- sum and difference

CREATE FUNCTION crm_internal.purchase_history_minus(crm.purchase_history, crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_minus';
COMMENT ON FUNCTION crm_internal.purchase_history_minus(crm.purchase_history, crm.purchase_history) IS 'implementation of - operator';

CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.purchase_history_plus,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.purchase_history, crm.purchase_history) IS 'all that is in either history';
CREATE OPERATOR crm.- (
  FUNCTION = crm_internal.purchase_history_minus,
  LEFTARG = crm.purchase_history,
  RIGHTARG = crm.purchase_history
);
COMMENT ON OPERATOR crm.- (crm.purchase_history, crm.purchase_history) IS
  'the left history without what is in the right one; an error if purchases would be missing';

@comparison purchase_history|2|order by the first entry that differs|equal entries

-- questions

CREATE FUNCTION crm.first_purchased_on(history crm.purchase_history) RETURNS date
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_first_purchase';
COMMENT ON FUNCTION crm.first_purchased_on(crm.purchase_history) IS 'day of the first purchase; NULL without one';
CREATE FUNCTION crm.last_purchased_on(history crm.purchase_history) RETURNS date
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_last_purchase';
COMMENT ON FUNCTION crm.last_purchased_on(crm.purchase_history) IS 'day of the last purchase; NULL without one';
CREATE FUNCTION crm.purchase_count(history crm.purchase_history) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_orders';
COMMENT ON FUNCTION crm.purchase_count(crm.purchase_history) IS 'number of purchases';
CREATE FUNCTION crm.purchase_day_count(history crm.purchase_history) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_days';
COMMENT ON FUNCTION crm.purchase_day_count(crm.purchase_history) IS 'number of days with at least one purchase';
CREATE FUNCTION crm.spend(history crm.purchase_history) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_spend';
COMMENT ON FUNCTION crm.spend(crm.purchase_history) IS 'net amount in the currency unit, refunds taken off; exact';
CREATE FUNCTION crm.average_order_value(history crm.purchase_history) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_average_order_value';
COMMENT ON FUNCTION crm.average_order_value(crm.purchase_history) IS 'net amount per purchase, in the currency unit; NULL without a purchase';
CREATE FUNCTION crm.average_days_between_purchases(history crm.purchase_history) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_interpurchase_days';
COMMENT ON FUNCTION crm.average_days_between_purchases(crm.purchase_history) IS 'mean days from one purchase day to the next; NULL with fewer than two';
CREATE FUNCTION crm.recency(history crm.purchase_history, as_of date) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_recency';
COMMENT ON FUNCTION crm.recency(crm.purchase_history, date) IS 'whole days from the last purchase at or before as_of to as_of; NULL without one';
CREATE FUNCTION crm.tenure(history crm.purchase_history, as_of date) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_tenure';
COMMENT ON FUNCTION crm.tenure(crm.purchase_history, date) IS 'whole days from the first purchase to as_of; NULL if that is still to come';
CREATE FUNCTION crm.until(history crm.purchase_history, until date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_until';
COMMENT ON FUNCTION crm.until(crm.purchase_history, date) IS 'what was bought up to and on the day';
CREATE FUNCTION crm.within(history crm.purchase_history, during daterange) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_within';
COMMENT ON FUNCTION crm.within(crm.purchase_history, daterange) IS 'what was bought on the days of the range';
CREATE FUNCTION crm.drop_refunded(history crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_drop_refunded';
COMMENT ON FUNCTION crm.drop_refunded(crm.purchase_history) IS 'the history without the days whose amount nets to zero or less';
CREATE FUNCTION crm.purchases(history crm.purchase_history,
    OUT purchased_on date, OUT purchase_count int, OUT amount numeric) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 10 AS 'MODULE_PATHNAME', 'crm_purchases';
COMMENT ON FUNCTION crm.purchases(crm.purchase_history) IS 'the entries of the history, by day';
CREATE FUNCTION crm.activity(history crm.purchase_history, as_of date, period text, by text DEFAULT 'purchased',
    OUT period_start date, OUT age int, OUT purchase_count bigint, OUT amount numeric, OUT cumulative_amount numeric)
    RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 24 AS 'MODULE_PATHNAME', 'crm_activity_as_of';
COMMENT ON FUNCTION crm.activity(crm.purchase_history, date, text, text) IS
  'calendar periods (day, week, month, quarter or year) from the first purchase (age 0) to as_of, those without a purchase included; by purchased a refund counts on the day of its purchase, by booked on the day it was booked';
CREATE FUNCTION crm_internal.purchase_history_to_jsonb(crm.purchase_history) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_purchase_history_to_jsonb';
COMMENT ON FUNCTION crm_internal.purchase_history_to_jsonb(crm.purchase_history) IS
  'the history as a jsonb array of {"purchased_on", "orders", "amount"}';
CREATE CAST (crm.purchase_history AS jsonb) WITH FUNCTION crm_internal.purchase_history_to_jsonb(crm.purchase_history);
COMMENT ON CAST (crm.purchase_history AS jsonb) IS 'an array of {"purchased_on", "orders", "amount"}';
