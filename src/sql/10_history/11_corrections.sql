-- what happened later to what was bought: corrections

CREATE FUNCTION crm.purchase(purchased_on date, amount numeric, purchase_count int, booked_on date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase';
COMMENT ON FUNCTION crm.purchase(date, numeric, int, date) IS
  'a correction: money, and purchases, that move on booked_on for what was bought on an earlier day; a purchase of booked_on if purchased_on is NULL, of purchased_on if booked_on is NULL or not later';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_booked_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, date) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_on date, amount numeric, booked_on date) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, numeric, date) IS
  'the purchase history of purchases and of corrections: a row that was booked later than it was bought changes the day of its purchase from its booked day on';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, int, date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_booked_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, int, date) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_on date, amount numeric, purchase_count int, booked_on date) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, numeric, int, date) IS
  'the same with the number of purchases of a row: 1 for a purchase, 0 for money that moves, -1 for a purchase that was cancelled';

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, float8, int, date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_booked_float8';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, float8, int, date) IS
  'transition function of the aggregate purchase_history';
CREATE AGGREGATE crm.purchase_history(purchased_on date, amount float8, purchase_count int, booked_on date) (
  SFUNC = crm_internal.purchase_history_transition,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(date, float8, int, date) IS
  'the same of amounts in floating point';

CREATE FUNCTION crm.corrections(history crm.purchase_history, OUT purchased_on date, OUT booked_on date, OUT purchase_count int, OUT amount numeric)
  RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 10 AS 'MODULE_PATHNAME', 'crm_corrections';
COMMENT ON FUNCTION crm.corrections(crm.purchase_history) IS
  'what moved later for what was bought earlier, by the day of the purchase and the booked day';

CREATE FUNCTION crm_internal.excess(crm.purchase_history) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_excess';
COMMENT ON FUNCTION crm_internal.excess(crm.purchase_history) IS
  'the first day whose corrections take back more than it has, with the orders and the amount that it is left with; NULL if there is none';

CREATE FUNCTION crm.drop_refunded(history crm.purchase_history, as_of date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_drop_refunded';
COMMENT ON FUNCTION crm.drop_refunded(crm.purchase_history, date) IS
  'the purchase days until as_of with their net amounts as known then, without those that were refunded in full';

CREATE FUNCTION crm.count_days(history crm.purchase_history) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_count_days';
COMMENT ON FUNCTION crm.count_days(crm.purchase_history) IS
  'the history in which each day with purchases counts one, for rows that are lines of orders; the money stays';
