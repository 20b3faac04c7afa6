-- how many, how much, how sure, for one known customer

@type purchase_forecast|30|10|plain|the text form
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
CREATE TYPE crm.interval_result AS (
  low float8,
  high float8
);
COMMENT ON TYPE crm.interval_result IS 'between which values something lies with a given probability, cut alike on both sides';
COMMENT ON COLUMN crm.interval_result.low IS 'the lower end';
COMMENT ON COLUMN crm.interval_result.high IS 'the upper end';

CREATE FUNCTION crm.interval(forecast crm.purchase_forecast, level float8 DEFAULT 0.8, of text DEFAULT 'outcome') RETURNS crm.interval_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'crm_forecast_interval';
COMMENT ON FUNCTION crm.interval(crm.purchase_forecast, float8, text) IS
  'between which numbers of purchases the outcome lies with this probability, cut alike on both sides; of => ''mean'': the expectation, from the error of the parameters; ''both'': the two together';

CREATE FUNCTION crm.clv_interval(purchases crm.purchase_model, spend crm.spend_model, history crm.purchase_history, as_of date, until date,
    annual_discount_rate float8, level float8 DEFAULT 0.8, margin float8 DEFAULT 1) RETURNS crm.interval_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2000 AS 'MODULE_PATHNAME', 'crm_clv_interval';
COMMENT ON FUNCTION crm.clv_interval(crm.purchase_model, crm.spend_model, crm.purchase_history, date, date, float8, float8, float8) IS
  'between which values what a customer brings in (as_of, until] lies with this probability, cut alike on both sides; clv, its mean, may lie above; exact without discount, else scaled as the mean is';

CREATE FUNCTION crm.clv_quantile(purchases crm.purchase_model, spend crm.spend_model, history crm.purchase_history, as_of date, until date,
    annual_discount_rate float8, quantile float8, margin float8 DEFAULT 1) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_clv_quantile';
COMMENT ON FUNCTION crm.clv_quantile(crm.purchase_model, crm.spend_model, crm.purchase_history, date, date, float8, float8, float8) IS
  'the value that what a customer brings in (as_of, until] does not exceed with this probability, such as 0.9: the upper end of clv_interval with level 0.8; NULL before the first purchase';

CREATE FUNCTION crm.confidence(model crm.purchase_model, level float8 DEFAULT 0.95, OUT name text, OUT estimate float8, OUT low float8, OUT high float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 ROWS 4 AS 'MODULE_PATHNAME', 'crm_purchase_model_confidence';
COMMENT ON FUNCTION crm.confidence(crm.purchase_model, float8) IS
  'the parameters with the interval in which each lies with this confidence, on the log scale (a share: on that of its odds); NULL ends for given parameters';
CREATE TYPE crm.likelihood_ratio_test_result AS (
  statistic float8,
  p_value float8,
  reason text
);
COMMENT ON TYPE crm.likelihood_ratio_test_result IS 'whether the data refuse a limit of a model in favour of the model';
COMMENT ON COLUMN crm.likelihood_ratio_test_result.statistic IS 'twice the difference of the log-likelihoods';
COMMENT ON COLUMN crm.likelihood_ratio_test_result.p_value IS 'the probability of one as large if the limit holds; NULL where it has no simple distribution';
COMMENT ON COLUMN crm.likelihood_ratio_test_result.reason IS 'the distribution that the p-value is of, or why there is none';

CREATE FUNCTION crm.likelihood_ratio_test(restricted crm.purchase_model, general crm.purchase_model) RETURNS crm.likelihood_ratio_test_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_likelihood_ratio_test';
COMMENT ON FUNCTION crm.likelihood_ratio_test(crm.purchase_model, crm.purchase_model) IS
  'whether the data refuse a limit of a model in favour of the model: both fitted to the same customers; the p-value is NULL, with the reason, where the statistic has no simple distribution';

CREATE FUNCTION crm.interval(revenue crm.expected_revenue_result, level float8 DEFAULT 0.8) RETURNS crm.interval_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_revenue_interval';
COMMENT ON FUNCTION crm.interval(crm.expected_revenue_result, float8) IS
  'between which amounts the revenue of a group of customers lies with this probability, cut alike on both sides: chance and the error of the parameters together; NULL where its standard error is infinite';

CREATE FUNCTION crm.value_note(purchases crm.purchase_model, spend crm.spend_model, history crm.purchase_history, as_of date) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN as_of IS NULL OR history IS NULL OR crm.first_purchased_on(crm.until(history, as_of)) IS NULL THEN 'no value: nothing was bought by then'
    WHEN purchases IS NULL THEN 'no value: no purchase model; crm.refresh(..., refit => true) fits one, and crm.data_check says what hinders it'
    WHEN NOT crm.is_converged(purchases) THEN concat('no value: ', crm.fit_verdict(purchases))
    WHEN purchases::jsonb ? 'coefficients' THEN 'no value: the purchase model has covariates; crm.for_customer(model, covariates) is that of one customer'
    WHEN spend IS NULL THEN 'no clv: no spend model; crm.refresh(..., refit => true) fits one to the repeat buyers'
    WHEN NOT crm.is_converged(spend) THEN concat('no clv: ', crm.fit_verdict(spend))
    WHEN spend::jsonb ? 'coefficients' THEN 'no clv: the spend model has covariates; crm.for_customer(model, covariates) is that of one customer'
    ELSE NULLIF(concat_ws('; ',
      CASE WHEN crm.model_name(purchases) = ANY ('{nbd,poisson,cnbd_k,erlang_k}'::text[]) THEN 'p_churned is unknown: nobody is seen to leave' END,
      CASE WHEN crm.spend_measure(spend, history, as_of) = 'median' THEN 'clv stands on the median spend: its mean is infinite' END), '')
  END
$$;
COMMENT ON FUNCTION crm.value_note(crm.purchase_model, crm.spend_model, crm.purchase_history, date) IS
  'why a customer has no value, no clv or no p_churned, or on what clv stands if not on the mean spend, in words; NULL if there is nothing to say';
