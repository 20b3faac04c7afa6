-- profitability: contribution, payback, discounts, and the whale curve of all customers' profits

CREATE FUNCTION crm.contribution(revenue numeric, cost_of_goods numeric, cost_to_serve numeric, acquisition_cost numeric) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_contribution';
COMMENT ON FUNCTION crm.contribution(numeric, numeric, numeric, numeric) IS
  'revenue less all costs; an unknown cost makes it unknown (NULL), never zero';
CREATE FUNCTION crm.discount_share(list_revenue numeric, discount numeric) RETURNS float8
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_discount_share';
COMMENT ON FUNCTION crm.discount_share(numeric, numeric) IS
  'share of the revenue at list prices that discounts gave away; NULL without such revenue';
CREATE FUNCTION crm.payback_on(history crm.purchase_history, margin float8, acquisition_cost numeric) RETURNS date
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'crm_payback_on';
COMMENT ON FUNCTION crm.payback_on(crm.purchase_history, float8, numeric) IS
  'first day on which the cumulated margin (a share of the amount, 0 to 1) covers the acquisition cost; NULL if it has not yet';

-- whale_curve: the profits of all customers, by size

@type whale_curve|1000|2|extended|exact {profit customers, ...} or buckets {profit customers sum, ...}
COMMENT ON TYPE crm.whale_curve IS
  'customers counted by profit: exact {-12.50 1, 100.00 3}; beyond 65536 distinct profits in buckets 0.1 % wide with exact sums';

-- the aggregate

CREATE FUNCTION crm_internal.whale_curve_plus(crm.whale_curve, crm.whale_curve) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_whale_curve_plus';
COMMENT ON FUNCTION crm_internal.whale_curve_plus(crm.whale_curve, crm.whale_curve) IS 'implementation of + operator';
CREATE FUNCTION crm_internal.whale_curve_final(crm.whale_curve) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_whale_curve_final';
COMMENT ON FUNCTION crm_internal.whale_curve_final(crm.whale_curve) IS 'final function of the aggregate whale_curve';
CREATE FUNCTION crm_internal.whale_curve_transition(crm.whale_curve, numeric) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_whale_curve_transition_numeric';
COMMENT ON FUNCTION crm_internal.whale_curve_transition(crm.whale_curve, numeric) IS
  'transition function of the aggregate whale_curve';
CREATE AGGREGATE crm.whale_curve(profit numeric) (
  SFUNC = crm_internal.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm_internal.whale_curve_final,
  COMBINEFUNC = crm_internal.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.whale_curve(numeric) IS
  'the profits of all customers, one row each, loss makers included; a NULL is left out';
CREATE FUNCTION crm_internal.whale_curve_transition(crm.whale_curve, float8) RETURNS crm.whale_curve
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4 AS 'MODULE_PATHNAME', 'crm_whale_curve_transition_float8';
COMMENT ON FUNCTION crm_internal.whale_curve_transition(crm.whale_curve, float8) IS
  'transition function of the aggregate whale_curve';
CREATE AGGREGATE crm.whale_curve(profit float8) (
  SFUNC = crm_internal.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm_internal.whale_curve_final,
  COMBINEFUNC = crm_internal.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.whale_curve(float8) IS
  'the profits of all customers, one row each, loss makers included; a NULL is left out';
CREATE AGGREGATE crm.merge(curve crm.whale_curve) (
  SFUNC = crm_internal.whale_curve_plus,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  COMBINEFUNC = crm_internal.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.merge(crm.whale_curve) IS
  'the customers of all curves';

CREATE OPERATOR crm.+ (
  FUNCTION = crm_internal.whale_curve_plus,
  LEFTARG = crm.whale_curve,
  RIGHTARG = crm.whale_curve,
  COMMUTATOR = OPERATOR(crm.+)
);
COMMENT ON OPERATOR crm.+ (crm.whale_curve, crm.whale_curve) IS 'the customers of both curves';

@comparison whale_curve|2|order by the first profit that differs, curves of exact profits first|equal values

-- questions

CREATE FUNCTION crm.customer_count(curve crm.whale_curve) RETURNS bigint
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_whale_curve_customers';
COMMENT ON FUNCTION crm.customer_count(crm.whale_curve) IS 'number of customers';
CREATE FUNCTION crm.profit(curve crm.whale_curve) RETURNS numeric
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'crm_whale_curve_profit';
COMMENT ON FUNCTION crm.profit(crm.whale_curve) IS 'sum of all profits; exact';
CREATE FUNCTION crm.curve_points(curve crm.whale_curve, steps int DEFAULT 100,
    OUT customers bigint, OUT customer_share float8, OUT profit numeric, OUT profit_share float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'crm_whale_curve_points';
COMMENT ON FUNCTION crm.curve_points(crm.whale_curve, int) IS
  'the curve as rows, from the most profitable customer down: customers so far and their cumulated profit, at every 1 / steps of the customers, rounded up; shares of a total that is not positive are NULL';
CREATE TYPE crm.whale_peak_result AS (
  customers bigint,
  customer_share float8,
  profit numeric,
  profit_share float8
);
COMMENT ON TYPE crm.whale_peak_result IS 'where a whale curve is highest';
COMMENT ON COLUMN crm.whale_peak_result.customers IS 'those who bring a profit';
COMMENT ON COLUMN crm.whale_peak_result.customer_share IS 'their share of all customers';
COMMENT ON COLUMN crm.whale_peak_result.profit IS 'what they bring together';
COMMENT ON COLUMN crm.whale_peak_result.profit_share IS 'that as a share of the total; NULL if the total is not positive';
CREATE FUNCTION crm.whale_peak(curve crm.whale_curve) RETURNS crm.whale_peak_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_whale_peak';
COMMENT ON FUNCTION crm.whale_peak(crm.whale_curve) IS
  'where the curve is highest: the customers who bring a profit, and the profit before the others lose part of it';
CREATE FUNCTION crm.deciles(curve crm.whale_curve,
    OUT decile int, OUT customers bigint, OUT profit numeric, OUT profit_share float8,
    OUT cumulative_profit numeric, OUT cumulative_share float8) RETURNS SETOF record
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 10 AS 'MODULE_PATHNAME', 'crm_deciles';
COMMENT ON FUNCTION crm.deciles(crm.whale_curve) IS
  'the tenths of the customers from the most profitable down: profit and cumulated profit, each with its share of the total (NULL if that is not positive)';
