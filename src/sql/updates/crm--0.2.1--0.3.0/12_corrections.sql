-- transition functions of purchase_history with a booked day; its aggregates are made with the others of the name

CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_booked_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, date) IS
  'transition function of the aggregate purchase_history';
CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, int, date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_booked_numeric';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, numeric, int, date) IS
  'transition function of the aggregate purchase_history';
CREATE FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, float8, int, date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_booked_float8';
COMMENT ON FUNCTION crm_internal.purchase_history_transition(crm.purchase_history, date, float8, int, date) IS
  'transition function of the aggregate purchase_history';

@create crm.corrections

CREATE FUNCTION crm.drop_refunded(history crm.purchase_history, as_of date) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_drop_refunded';
COMMENT ON FUNCTION crm.drop_refunded(crm.purchase_history, date) IS
  'the purchase days until as_of with their net amounts as known then, without those that were refunded in full';

@create crm_internal.excess
