-- validation: do the data suit a model, how good was a forecast, what would a model do

CREATE TYPE crm.data_check_result AS (
  customers bigint,
  not_yet_customers bigint,
  repeat_buyers bigint,
  repeat_purchases bigint,
  first_purchased_on date,
  last_purchased_on date,
  span_days int,
  days_with_refunds bigint,
  repeat_buyers_without_spend bigint,
  verdict text,
  cohort_days int,
  usual_gap_days float8,
  spend_correlation float8,
  spend_correlation_error float8,
  is_one_price bool,
  rate_trend float8,
  rate_trend_error float8,
  season float8,
  remarks text[]
);
COMMENT ON TYPE crm.data_check_result IS 'what histories hold for a purchase model';
COMMENT ON COLUMN crm.data_check_result.customers IS 'customers who have bought by as_of';
COMMENT ON COLUMN crm.data_check_result.not_yet_customers IS 'histories without a purchase by as_of';
COMMENT ON COLUMN crm.data_check_result.repeat_buyers IS 'customers with a second purchase day';
COMMENT ON COLUMN crm.data_check_result.repeat_purchases IS 'purchase days after the first';
COMMENT ON COLUMN crm.data_check_result.first_purchased_on IS 'earliest purchase day';
COMMENT ON COLUMN crm.data_check_result.last_purchased_on IS 'latest purchase day by as_of';
COMMENT ON COLUMN crm.data_check_result.span_days IS 'days from the earliest to the latest purchase day';
COMMENT ON COLUMN crm.data_check_result.days_with_refunds IS 'days whose net amount is negative';
COMMENT ON COLUMN crm.data_check_result.repeat_buyers_without_spend IS 'repeat buyers whose net amount after the first day is not positive; spend models leave them out';
COMMENT ON COLUMN crm.data_check_result.verdict IS 'whether a fit makes sense, in words';
COMMENT ON COLUMN crm.data_check_result.cohort_days IS 'days from the first purchase of the first customer to that of the last one';
COMMENT ON COLUMN crm.data_check_result.usual_gap_days IS 'mean days between two purchase days of a repeat buyer';
COMMENT ON COLUMN crm.data_check_result.spend_correlation IS 'correlation of the number of repeat purchases and the mean spend of repeat buyers, both as logarithms; clv takes the two for independent';
COMMENT ON COLUMN crm.data_check_result.spend_correlation_error IS 'standard error of spend_correlation';
COMMENT ON COLUMN crm.data_check_result.is_one_price IS 'whether all repeat buyers spend the same per purchase';
COMMENT ON COLUMN crm.data_check_result.rate_trend IS 'whether customers buy more and more often (above 0) or less and less (below), from -1 to 1: where their purchases lie between the first and the last; whoever left or came later does not count';
COMMENT ON COLUMN crm.data_check_result.rate_trend_error IS 'standard error of rate_trend';
COMMENT ON COLUMN crm.data_check_result.season IS 'by what share the purchases of a calendar month usually differ from even ones, chance taken off; from purchases between a customers first and last; NULL under a year or 120 of them';
COMMENT ON COLUMN crm.data_check_result.remarks IS 'everything noticed that makes a model say less than it seems to, each with a way out; empty if nothing';

CREATE FUNCTION crm_internal.data_check_transition(bigint[], crm.purchase_history, date) RETURNS bigint[]
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 3 AS 'MODULE_PATHNAME', 'crm_data_check_transition';
COMMENT ON FUNCTION crm_internal.data_check_transition(bigint[], crm.purchase_history, date) IS
  'transition function of data_check';
CREATE FUNCTION crm_internal.data_check_combine(bigint[], bigint[]) RETURNS bigint[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 3 AS 'MODULE_PATHNAME', 'crm_data_check_combine';
COMMENT ON FUNCTION crm_internal.data_check_combine(bigint[], bigint[]) IS
  'combine function of data_check';
CREATE FUNCTION crm_internal.data_check_final(bigint[]) RETURNS crm.data_check_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_data_check_final';
COMMENT ON FUNCTION crm_internal.data_check_final(bigint[]) IS
  'final function of data_check';
CREATE AGGREGATE crm.data_check(history crm.purchase_history, as_of date) (
  SFUNC = crm_internal.data_check_transition,
  STYPE = bigint[],
  SSPACE = 384,
  FINALFUNC = crm_internal.data_check_final,
  COMBINEFUNC = crm_internal.data_check_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.data_check(crm.purchase_history, date) IS
  'counts what a purchase model needs, says whether a fit makes sense, and what makes its answers weaker';

CREATE TYPE crm.forecast_accuracy_result AS (
  n bigint,
  total_expected float8,
  total_actual float8,
  mean_error float8,
  mean_absolute_error float8,
  root_mean_squared_error float8,
  correlation float8,
  top_decile_share float8,
  normalised_gini float8,
  decile_expected float8[],
  decile_actual float8[]
);
COMMENT ON TYPE crm.forecast_accuracy_result IS 'how good forecasts were';
COMMENT ON COLUMN crm.forecast_accuracy_result.n IS 'customers';
COMMENT ON COLUMN crm.forecast_accuracy_result.total_expected IS 'sum of expectations';
COMMENT ON COLUMN crm.forecast_accuracy_result.total_actual IS 'sum of what happened';
COMMENT ON COLUMN crm.forecast_accuracy_result.mean_error IS 'mean of expected minus actual';
COMMENT ON COLUMN crm.forecast_accuracy_result.mean_absolute_error IS 'mean of the absolute errors';
COMMENT ON COLUMN crm.forecast_accuracy_result.root_mean_squared_error IS 'root of the mean of the squared errors';
COMMENT ON COLUMN crm.forecast_accuracy_result.correlation IS 'correlation of expected and actual; NULL if one of them is constant';
COMMENT ON COLUMN crm.forecast_accuracy_result.top_decile_share IS 'share of all that happened in the tenth of highest expectation; NULL if nothing happened';
COMMENT ON COLUMN crm.forecast_accuracy_result.normalised_gini IS 'how well the forecasts order the customers by what they did: 1 like what happened, 0 like chance; NULL if all did the same or a value is negative';
COMMENT ON COLUMN crm.forecast_accuracy_result.decile_expected IS 'mean of what was expected in each tenth of the customers, those of the highest expectation first';
COMMENT ON COLUMN crm.forecast_accuracy_result.decile_actual IS 'mean of what happened in each of these tenths: calibrated forecasts have the same';

CREATE FUNCTION crm_internal.forecast_accuracy_transition(crm.value_list_state, float8, float8) RETURNS crm.value_list_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_forecast_accuracy_add';
COMMENT ON FUNCTION crm_internal.forecast_accuracy_transition(crm.value_list_state, float8, float8) IS
  'transition function of forecast_accuracy';
CREATE FUNCTION crm_internal.forecast_accuracy_final(crm.value_list_state) RETURNS crm.forecast_accuracy_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_forecast_accuracy_final';
COMMENT ON FUNCTION crm_internal.forecast_accuracy_final(crm.value_list_state) IS
  'final function of forecast_accuracy';
CREATE AGGREGATE crm.forecast_accuracy(expected float8, actual float8) (
  SFUNC = crm_internal.forecast_accuracy_transition,
  STYPE = crm.value_list_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.forecast_accuracy_final,
  COMBINEFUNC = crm_internal.value_list_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.forecast_accuracy(float8, float8) IS
  'how good forecasts were: expected against actual, customer by customer; rows with a NULL are left out';

CREATE TYPE crm.expected_revenue_result AS (
  customers bigint,
  revenue float8,
  standard_error float8
);
COMMENT ON TYPE crm.expected_revenue_result IS 'expected revenue of customers';
COMMENT ON COLUMN crm.expected_revenue_result.customers IS 'customers who have bought by as_of';
COMMENT ON COLUMN crm.expected_revenue_result.revenue IS 'expected net amount in (as_of, until]';
COMMENT ON COLUMN crm.expected_revenue_result.standard_error IS 'of the revenue: from chance and, for fitted models, from the parameters';

CREATE FUNCTION crm_internal.expected_revenue_transition(crm.expected_revenue_state, crm.purchase_model, crm.spend_model, crm.purchase_history, date, date) RETURNS crm.expected_revenue_state
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_expected_revenue_add';
COMMENT ON FUNCTION crm_internal.expected_revenue_transition(crm.expected_revenue_state, crm.purchase_model, crm.spend_model, crm.purchase_history, date, date) IS
  'transition function of expected_revenue';
CREATE FUNCTION crm_internal.expected_revenue_final(crm.expected_revenue_state) RETURNS crm.expected_revenue_result
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_expected_revenue_final';
COMMENT ON FUNCTION crm_internal.expected_revenue_final(crm.expected_revenue_state) IS
  'final function of expected_revenue';
CREATE AGGREGATE crm.expected_revenue(model crm.purchase_model, spend crm.spend_model, history crm.purchase_history, as_of date, until date) (
  SFUNC = crm_internal.expected_revenue_transition,
  STYPE = crm.expected_revenue_state,
  SSPACE = 1024,
  FINALFUNC = crm_internal.expected_revenue_final,
  COMBINEFUNC = crm_internal.expected_revenue_combine,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.expected_revenue(crm.purchase_model, crm.spend_model, crm.purchase_history, date, date) IS
  'expected net amount of the customers in (as_of, until], with its standard error';

CREATE FUNCTION crm.simulate_purchases(model crm.purchase_model, spend crm.spend_model, customers int, during daterange, seed bigint, acquired_until date DEFAULT NULL,
    OUT customer_id bigint, OUT purchased_on date, OUT purchased_after float8, OUT amount float8)
  RETURNS SETOF record
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 10000 AS 'MODULE_PATHNAME', 'crm_simulate_purchases_during';
COMMENT ON FUNCTION crm.simulate_purchases(crm.purchase_model, crm.spend_model, int, daterange, bigint, date) IS
  'purchases of random customers of the models, acquired evenly from the first day of the range to acquired_until, all on the first day without it; purchased_after in days since the first purchase; the same seed gives the same rows';
