-- How well forecasts order the customers, and whether each tenth of them does what was expected.

ALTER TYPE crm.forecast_accuracy_result ADD ATTRIBUTE normalised_gini float8;
ALTER TYPE crm.forecast_accuracy_result ADD ATTRIBUTE decile_expected float8[];
ALTER TYPE crm.forecast_accuracy_result ADD ATTRIBUTE decile_actual float8[];
COMMENT ON COLUMN crm.forecast_accuracy_result.normalised_gini IS 'how well the forecasts order the customers by what they did: 1 like what happened, 0 like chance; NULL if all did the same or a value is negative';
COMMENT ON COLUMN crm.forecast_accuracy_result.decile_expected IS 'mean of what was expected in each tenth of the customers, those of the highest expectation first';
COMMENT ON COLUMN crm.forecast_accuracy_result.decile_actual IS 'mean of what happened in each of these tenths: calibrated forecasts have the same';
