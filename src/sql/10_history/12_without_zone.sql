-- instants without a time zone: refused here, as PostgreSQL would advise a cast that takes that of the session

CREATE FUNCTION crm_internal.purchase_history_without_zone(crm.purchase_history, timestamptz, float8) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_without_zone';
COMMENT ON FUNCTION crm_internal.purchase_history_without_zone(crm.purchase_history, timestamptz, float8) IS
  'an error: the day of an instant needs a time zone';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamptz, amount float8) (
  SFUNC = crm_internal.purchase_history_without_zone,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, float8) IS
  'an error that says what is missing: the day of an instant needs a time zone';

CREATE FUNCTION crm_internal.purchase_history_without_zone(crm.purchase_history, timestamptz, float8, int) RETURNS crm.purchase_history
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'crm_purchase_history_without_zone';
COMMENT ON FUNCTION crm_internal.purchase_history_without_zone(crm.purchase_history, timestamptz, float8, int) IS
  'an error: the day of an instant needs a time zone';
CREATE AGGREGATE crm.purchase_history(purchased_at timestamptz, amount float8, purchase_count int) (
  SFUNC = crm_internal.purchase_history_without_zone,
  STYPE = crm.purchase_history,
  SSPACE = 256,
  FINALFUNC = crm_internal.purchase_history_final,
  COMBINEFUNC = crm_internal.purchase_history_plus,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE crm.purchase_history(timestamptz, float8, int) IS
  'an error that says what is missing: the day of an instant needs a time zone';
