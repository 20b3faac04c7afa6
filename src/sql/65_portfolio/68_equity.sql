-- customer equity: the sum of all lifetime values, and who holds it

CREATE TYPE crm.customer_equity_summary AS (
  customers bigint,
  equity numeric,
  mean_lifetime_value numeric,
  top_fifth_share float8,
  gini float8
);
COMMENT ON TYPE crm.customer_equity_summary IS 'the sum of the lifetime values of all customers, and how few of them hold it';
COMMENT ON COLUMN crm.customer_equity_summary.customers IS 'customers with a lifetime value';
COMMENT ON COLUMN crm.customer_equity_summary.equity IS 'sum of their lifetime values';
COMMENT ON COLUMN crm.customer_equity_summary.mean_lifetime_value IS 'equity per customer';
COMMENT ON COLUMN crm.customer_equity_summary.top_fifth_share IS 'part of the equity that the best fifth hold (rounded up); NULL if the equity is not positive';
COMMENT ON COLUMN crm.customer_equity_summary.gini IS '0 if all are worth the same, near 1 if one is worth all; NULL with negative values';

CREATE FUNCTION crm.customer_equity_final(crm.whale_curve) RETURNS crm.customer_equity_summary
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'crm_customer_equity';
COMMENT ON FUNCTION crm.customer_equity_final(crm.whale_curve) IS
  'final function of the aggregate customer_equity';
CREATE AGGREGATE crm.customer_equity(numeric) (
  SFUNC = crm.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm.customer_equity_final,
  COMBINEFUNC = crm.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.customer_equity(numeric) IS
  'customers, sum, mean and concentration of lifetime values; a NULL is left out';
CREATE AGGREGATE crm.customer_equity(float8) (
  SFUNC = crm.whale_curve_transition,
  STYPE = crm.whale_curve,
  SSPACE = 65536,
  FINALFUNC = crm.customer_equity_final,
  COMBINEFUNC = crm.whale_curve_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.customer_equity(float8) IS
  'customers, sum, mean and concentration of lifetime values; a NULL is left out';
