-- how many, how much, how sure, for one known customer

CREATE TYPE crm.purchase_forecast;

CREATE FUNCTION crm_internal.purchase_forecast_in(cstring) RETURNS crm.purchase_forecast
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30 AS 'MODULE_PATHNAME', 'crm_purchase_forecast_in';
COMMENT ON FUNCTION crm_internal.purchase_forecast_in(cstring) IS
  'reads the text form';
CREATE FUNCTION crm_internal.purchase_forecast_out(crm.purchase_forecast) RETURNS cstring
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30 AS 'MODULE_PATHNAME', 'crm_purchase_forecast_out';
COMMENT ON FUNCTION crm_internal.purchase_forecast_out(crm.purchase_forecast) IS
  'writes the text form';
CREATE FUNCTION crm_internal.purchase_forecast_recv(internal) RETURNS crm.purchase_forecast
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_forecast_recv';
COMMENT ON FUNCTION crm_internal.purchase_forecast_recv(internal) IS
  'reads the binary form';
CREATE FUNCTION crm_internal.purchase_forecast_send(crm.purchase_forecast) RETURNS bytea
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_purchase_forecast_send';
COMMENT ON FUNCTION crm_internal.purchase_forecast_send(crm.purchase_forecast) IS
  'writes the binary form';
CREATE TYPE crm.purchase_forecast (
  INPUT = crm_internal.purchase_forecast_in,
  OUTPUT = crm_internal.purchase_forecast_out,
  RECEIVE = crm_internal.purchase_forecast_recv,
  SEND = crm_internal.purchase_forecast_send,
  INTERNALLENGTH = variable,
  ALIGNMENT = double,
  STORAGE = plain
);
COMMENT ON TYPE crm.purchase_forecast IS
  'what one customer will buy in a time ahead, by a purchase model: how many, how likely, how sure';

@comparison purchase_forecast|1|order by customer, time and model|equal content

CREATE FUNCTION crm.purchase_forecast(model crm.purchase_model, history crm.purchase_history, as_of date, until date) RETURNS crm.purchase_forecast
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_purchase_forecast';
COMMENT ON FUNCTION crm.purchase_forecast(crm.purchase_model, crm.purchase_history, date, date) IS
  'what a customer will buy in (as_of, until], as a value to ask: probability, quantile, mean, interval; NULL before the first purchase';
CREATE FUNCTION crm.probability(forecast crm.purchase_forecast, n int) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_forecast_probability';
COMMENT ON FUNCTION crm.probability(crm.purchase_forecast, int) IS
  'probability that the customer makes exactly n purchases; 1 minus that of 0 is the probability to buy again';
CREATE FUNCTION crm.quantile(forecast crm.purchase_forecast, quantile float8) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_forecast_quantile';
COMMENT ON FUNCTION crm.quantile(crm.purchase_forecast, float8) IS
  'the smallest number of purchases that the customer does not exceed with this probability';
CREATE FUNCTION crm.mean(forecast crm.purchase_forecast) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_forecast_mean';
COMMENT ON FUNCTION crm.mean(crm.purchase_forecast) IS
  'expected number of purchases: what crm.expected_purchases gives';
CREATE FUNCTION crm.standard_error(forecast crm.purchase_forecast, of text DEFAULT 'outcome') RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_forecast_standard_error';
COMMENT ON FUNCTION crm.standard_error(crm.purchase_forecast, text) IS
  'standard deviation of the purchases (outcome: one customer''s luck), of their expectation (mean: the error of the parameters), or of both';
@create_type crm.interval_result
@create crm.clv_interval
@create crm.clv_quantile

CREATE FUNCTION crm.confidence(model crm.purchase_model, level float8 DEFAULT 0.95, OUT name text, OUT estimate float8, OUT low float8, OUT high float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 4 AS 'MODULE_PATHNAME', 'crm_purchase_model_confidence';
COMMENT ON FUNCTION crm.confidence(crm.purchase_model, float8) IS
  'the parameters with the interval in which each lies with this confidence, on the log scale (a share: on that of its odds); NULL ends for given parameters';
@create_type crm.likelihood_ratio_test_result
@create crm.likelihood_ratio_test
COMMENT ON FUNCTION crm.likelihood_ratio_test(crm.purchase_model, crm.purchase_model) IS
  'whether the data refuse a limit of a model in favour of the model: both fitted to the same customers; the p-value is NULL, with the reason, where the statistic has no simple distribution';
