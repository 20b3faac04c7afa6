-- customer equity: the sum of all lifetime values, and who holds it

CREATE TYPE crm.customer_equity_result AS (
  customers bigint,
  equity numeric,
  mean_lifetime_value numeric,
  top_fifth_share float8,
  gini float8
);
COMMENT ON TYPE crm.customer_equity_result IS 'the sum of the lifetime values of all customers, and how few of them hold it';
COMMENT ON COLUMN crm.customer_equity_result.customers IS 'customers with a lifetime value';
COMMENT ON COLUMN crm.customer_equity_result.equity IS 'sum of their lifetime values';
COMMENT ON COLUMN crm.customer_equity_result.mean_lifetime_value IS 'equity per customer';
COMMENT ON COLUMN crm.customer_equity_result.top_fifth_share IS 'part of the equity that the best fifth hold (rounded up); NULL if the equity is not positive';
COMMENT ON COLUMN crm.customer_equity_result.gini IS '0 if all are worth the same, near 1 if one is worth all; NULL with negative values';

CREATE FUNCTION crm_internal.customer_equity_final(crm.whale_curve) RETURNS crm.customer_equity_result
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_customer_equity';
COMMENT ON FUNCTION crm_internal.customer_equity_final(crm.whale_curve) IS
  'final function of the aggregate customer_equity';
CREATE AGGREGATE crm.customer_equity(clv numeric) (
  SFUNC = crm_internal.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm_internal.customer_equity_final,
  COMBINEFUNC = crm_internal.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.customer_equity(numeric) IS
  'customers, sum, mean and concentration of lifetime values; a NULL is left out';
CREATE AGGREGATE crm.customer_equity(clv float8) (
  SFUNC = crm_internal.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm_internal.customer_equity_final,
  COMBINEFUNC = crm_internal.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.customer_equity(float8) IS
  'customers, sum, mean and concentration of lifetime values; a NULL is left out';
