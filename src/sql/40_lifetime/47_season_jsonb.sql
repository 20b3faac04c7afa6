-- seasons from the jsonb that they cast to

CREATE FUNCTION crm_internal.season_to_jsonb(crm.season) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_season_to_jsonb';
COMMENT ON FUNCTION crm_internal.season_to_jsonb(crm.season) IS 'implementation of the cast to jsonb';
CREATE CAST (crm.season AS jsonb) WITH FUNCTION crm_internal.season_to_jsonb(crm.season);
COMMENT ON CAST (crm.season AS jsonb) IS 'an object: {"period", "indexes"}, and {"customers", "from", "until", "purchases", "errors"} of one that was found';
CREATE FUNCTION crm_internal.season_from_jsonb(jsonb) RETURNS crm.season
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found text;
BEGIN
  PERFORM crm_internal.check_json_fields('season', $1, '{period,indexes,customers,from,until,purchases,errors}');
  IF $1 ?| '{customers,from,until,purchases,errors}' THEN
    found := format(' found (customers %s, from %s, until %s, purchases %s, errors %s)', crm_internal.json_text('season', 'customers', $1 -> 'customers', 'number'),
      crm_internal.json_word('season', 'from', $1 -> 'from'), crm_internal.json_word('season', 'until', $1 -> 'until'),
      crm_internal.json_numbers('season', 'purchases', $1 -> 'purchases', ' '), crm_internal.json_numbers('season', 'errors', $1 -> 'errors', ' '));
  END IF;
  RETURN concat_ws(' ', crm_internal.json_word('season', 'period', $1 -> 'period'), crm_internal.json_numbers('season', 'indexes', $1 -> 'indexes', ' '), found)::crm.season;
END $$;
COMMENT ON FUNCTION crm_internal.season_from_jsonb(jsonb) IS 'implementation of the cast from jsonb';
CREATE CAST (jsonb AS crm.season) WITH FUNCTION crm_internal.season_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.season) IS 'of an object as the cast to jsonb makes it; what a season was found in may be left out, all of it';
