-- Literals without a type: contacts and mixes are cut by functions of the same names,
-- so that PostgreSQL could not tell, or took a history for one of contacts.

CREATE FUNCTION crm.until(history text, until text) RETURNS crm.purchase_history
  LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT crm.until(history::crm.purchase_history, until::date)
$$;
COMMENT ON FUNCTION crm.until(text, text) IS 'what was bought up to and on the day, of literals';
CREATE FUNCTION crm.within(history text, during daterange) RETURNS crm.purchase_history
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT crm.within(history::crm.purchase_history, during)
$$;
COMMENT ON FUNCTION crm.within(text, daterange) IS 'what was bought on the days of the range, of a literal';
