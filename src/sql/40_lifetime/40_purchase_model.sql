-- purchase_model: how customers buy until they stop; values of models, and what they tell

@type purchase_model|20|10|plain|the text form
COMMENT ON TYPE crm.purchase_model IS
  'a fitted or given model of repeat purchases: bg_nbd(r 0.24, alpha 4.4, a 0.79, b 2.4, unit_days 7)';

-- from known parameters

CREATE FUNCTION crm.bg_nbd(r float8, alpha float8, a float8, b float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_bg_nbd';
COMMENT ON FUNCTION crm.bg_nbd(float8, float8, float8, float8, int) IS
  'a BG/NBD model of known parameters; one model unit of time is unit_days days';
CREATE FUNCTION crm.mbg_nbd(r float8, alpha float8, a float8, b float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_mbg_nbd';
COMMENT ON FUNCTION crm.mbg_nbd(float8, float8, float8, float8, int) IS
  'a MBG/NBD model of known parameters; one model unit of time is unit_days days';
CREATE FUNCTION crm.pareto_nbd(r float8, alpha float8, s float8, beta float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_pareto_nbd';
COMMENT ON FUNCTION crm.pareto_nbd(float8, float8, float8, float8, int) IS
  'a Pareto/NBD model of known parameters; one model unit of time is unit_days days';
CREATE FUNCTION crm.mbg_cnbd_k(k int, r float8, alpha float8, a float8, b float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_mbg_cnbd_k';
COMMENT ON FUNCTION crm.mbg_cnbd_k(int, float8, float8, float8, float8, int) IS
  'a MBG/CNBD-k model of known parameters, k phases between two purchases; one model unit of time is unit_days days';

CREATE FUNCTION crm.nbd(r float8, alpha float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_nbd';
COMMENT ON FUNCTION crm.nbd(float8, float8, int) IS
  'a NBD model of known parameters: customers buy at rates of their own and nobody leaves; one model unit of time is unit_days days';
CREATE FUNCTION crm.poisson(rate float8, unit_days int DEFAULT 1) RETURNS crm.purchase_model
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_poisson';
COMMENT ON FUNCTION crm.poisson(float8, int) IS
  'a Poisson model of a known rate: everybody buys equally often and nobody leaves; one model unit of time is unit_days days';

-- what a model tells

CREATE FUNCTION crm.model_choice(model crm.purchase_model, OUT fitted text, OUT ended_in text, OUT is_limit_where text, OUT parameter_count int,
    OUT log_likelihood float8, OUT bic float8, OUT holdout float8, OUT is_chosen bool, OUT reason text) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 6 AS 'MODULE_PATHNAME', 'crm_model_choice';
COMMENT ON FUNCTION crm.model_choice(crm.purchase_model) IS
  'what crm.fit_purchase_model fitted and why it took this model: one row for each model that was tried; no row for a model that was not chosen; holdout is the logarithm of the probability that it, fitted before the days held out, gave to what came, NULL where none were';
CREATE FUNCTION crm.parameters(model crm.purchase_model, OUT name text, OUT estimate float8, OUT standard_error float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 ROWS 4 AS 'MODULE_PATHNAME', 'crm_purchase_model_parameters';
COMMENT ON FUNCTION crm.parameters(crm.purchase_model) IS
  'the parameters as rows; the standard error is NULL unless a fit converged';
CREATE FUNCTION crm.is_converged(model crm.purchase_model) RETURNS bool
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_is_converged';
COMMENT ON FUNCTION crm.is_converged(crm.purchase_model) IS
  'whether the model can predict: its fit converged, or its parameters were given';
CREATE FUNCTION crm.fit_verdict(model crm.purchase_model) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_fit_verdict';
COMMENT ON FUNCTION crm.fit_verdict(crm.purchase_model) IS
  'how the fit ended, in words';
CREATE FUNCTION crm.log_likelihood(model crm.purchase_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_log_likelihood';
COMMENT ON FUNCTION crm.log_likelihood(crm.purchase_model) IS
  'log-likelihood of the fit; NULL if the parameters were given';
CREATE FUNCTION crm.aic(model crm.purchase_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_aic';
COMMENT ON FUNCTION crm.aic(crm.purchase_model) IS
  'Akaike''s information criterion, less is better; NULL if the parameters were given';
CREATE FUNCTION crm.bic(model crm.purchase_model) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_bic';
COMMENT ON FUNCTION crm.bic(crm.purchase_model) IS
  'Bayesian information criterion, less is better; NULL if the parameters were given';
CREATE FUNCTION crm_internal.purchase_model_to_jsonb(crm.purchase_model) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_purchase_model_to_jsonb';
COMMENT ON FUNCTION crm_internal.purchase_model_to_jsonb(crm.purchase_model) IS
  'model, parameters and fit as a jsonb object';
CREATE CAST (crm.purchase_model AS jsonb) WITH FUNCTION crm_internal.purchase_model_to_jsonb(crm.purchase_model);
COMMENT ON CAST (crm.purchase_model AS jsonb) IS 'model, parameters and fit as a jsonb object';
CREATE FUNCTION crm.model_name(model crm.purchase_model) RETURNS text
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_name';
COMMENT ON FUNCTION crm.model_name(crm.purchase_model) IS
  'bg_nbd, mbg_nbd, pareto_nbd, mbg_cnbd_k, nbd, poisson, cnbd_k or erlang_k; a limit of a family has the family''s name or a name of its own';
CREATE FUNCTION crm.unit_days(model crm.purchase_model) RETURNS int
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'crm_purchase_model_unit_days';
COMMENT ON FUNCTION crm.unit_days(crm.purchase_model) IS
  'days of one model unit of time';

@comparison purchase_model|1|order by bytes: the same on every machine of one kind|equal values

-- a history as the models see it

CREATE TYPE crm.btyd_result AS (
  x int,
  t_x float8,
  age float8,
  mean_spend float8
);
COMMENT ON TYPE crm.btyd_result IS 'a history as the models see it';
COMMENT ON COLUMN crm.btyd_result.x IS 'days with a purchase after the first';
COMMENT ON COLUMN crm.btyd_result.t_x IS 'units from the first purchase day to the last';
COMMENT ON COLUMN crm.btyd_result.age IS 'units from the first purchase day to as_of';
COMMENT ON COLUMN crm.btyd_result.mean_spend IS 'net spend for each day of x';
CREATE FUNCTION crm.btyd(history crm.purchase_history, as_of date, unit_days int DEFAULT 1) RETURNS crm.btyd_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_btyd';
COMMENT ON FUNCTION crm.btyd(crm.purchase_history, date, int) IS
  'repeat purchase days, first to last purchase and first purchase to as_of in units of unit_days days, and net spend per repeat purchase day; NULL before the first purchase';

-- predictions

CREATE FUNCTION crm.p_alive(model crm.purchase_model, history crm.purchase_history, as_of date, until date DEFAULT NULL)
  RETURNS float8
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_p_alive_at';
COMMENT ON FUNCTION crm.p_alive(crm.purchase_model, crm.purchase_history, date, date) IS
  'probability that the customer is still a customer on as_of, or, from what is known then, on the later day until; NULL before the first purchase';
CREATE FUNCTION crm.p_alive(model crm.purchase_model, history text, as_of text, until text) RETURNS float8
  LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT crm.p_alive(model, history::crm.purchase_history, as_of::date, until::date)
$$;
COMMENT ON FUNCTION crm.p_alive(crm.purchase_model, text, text, text) IS 'the probability of being a customer on the day until, of literals';
CREATE FUNCTION crm.p_alive(model crm.purchase_model, x float8, t_x float8, age float8, periods float8 DEFAULT 0)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_p_alive_at_numbers';
COMMENT ON FUNCTION crm.p_alive(crm.purchase_model, float8, float8, float8, float8) IS
  'probability that the customer is still a customer so many periods later, times in model units';
CREATE FUNCTION crm.expected_purchases(model crm.purchase_model, history crm.purchase_history, as_of date, until date)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_expected_purchases';
COMMENT ON FUNCTION crm.expected_purchases(crm.purchase_model, crm.purchase_history, date, date) IS
  'expected number of purchase days in (as_of, until]; NULL before the first purchase';
CREATE FUNCTION crm.expected_purchases(model crm.purchase_model, x float8, t_x float8, age float8, periods float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_expected_purchases_numbers';
COMMENT ON FUNCTION crm.expected_purchases(crm.purchase_model, float8, float8, float8, float8) IS
  'expected number of purchases in so many periods, times in model units';
CREATE FUNCTION crm.expected_purchases(model crm.purchase_model, periods float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_expected_purchases_new';
COMMENT ON FUNCTION crm.expected_purchases(crm.purchase_model, float8) IS
  'expected number of repeat purchases of a new customer in so many periods';
CREATE FUNCTION crm.p_purchases(model crm.purchase_model, n int, periods float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 30 AS 'MODULE_PATHNAME', 'crm_purchase_probability';
COMMENT ON FUNCTION crm.p_purchases(crm.purchase_model, int, float8) IS
  'probability that a new customer makes exactly n repeat purchases in so many periods';
CREATE FUNCTION crm.dert(model crm.purchase_model, history crm.purchase_history, as_of date, annual_discount_rate float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_dert';
COMMENT ON FUNCTION crm.dert(crm.purchase_model, crm.purchase_history, date, float8) IS
  'discounted expected residual transactions: all future purchases, discounted to as_of; NULL before the first purchase';
CREATE FUNCTION crm.dert(model crm.purchase_model, x float8, t_x float8, age float8, annual_discount_rate float8)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_dert_numbers';
COMMENT ON FUNCTION crm.dert(crm.purchase_model, float8, float8, float8, float8) IS
  'discounted expected residual transactions: all future purchases, discounted; times in model units';
CREATE FUNCTION crm.expected_next_purchase_on(model crm.purchase_model, history crm.purchase_history, as_of date, quantile float8 DEFAULT 0.5)
  RETURNS date
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_next_purchase';
COMMENT ON FUNCTION crm.expected_next_purchase_on(crm.purchase_model, crm.purchase_history, date, float8) IS
  'the day by which a customer who is alive on as_of has bought again with this probability; infinity if never; NULL before the first purchase';
CREATE FUNCTION crm_internal.expected_next_purchase_in(model crm.purchase_model, x float8, t_x float8, age float8, quantile float8 DEFAULT 0.5)
  RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_next_purchase_numbers';
COMMENT ON FUNCTION crm_internal.expected_next_purchase_in(crm.purchase_model, float8, float8, float8, float8) IS
  'time by which a customer who is alive now has bought again with this probability, in model units; infinity if never';
