-- bands and service hours from the jsonb that they cast to

CREATE FUNCTION crm_internal.relationship_bands_to_jsonb(crm.relationship_bands) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_relationship_bands_to_jsonb';
COMMENT ON FUNCTION crm_internal.relationship_bands_to_jsonb(crm.relationship_bands) IS 'implementation of the cast to jsonb';
CREATE CAST (crm.relationship_bands AS jsonb) WITH FUNCTION crm_internal.relationship_bands_to_jsonb(crm.relationship_bands);
COMMENT ON CAST (crm.relationship_bands AS jsonb) IS 'an object of the four cuts, named as the arguments of the constructor';
CREATE FUNCTION crm_internal.relationship_bands_from_jsonb(jsonb) RETURNS crm.relationship_bands
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  cuts constant text[] := '{medium_customers,many_customers,medium_margin,high_margin}';
  c numeric[];
BEGIN
  PERFORM crm_internal.check_json_fields('relationship bands', $1, cuts);
  c := ARRAY(SELECT crm_internal.json_text('relationship bands', cut, $1 -> cut, 'number') FROM unnest(cuts) WITH ORDINALITY AS u(cut, n) ORDER BY n);
  RETURN format('customers few < %s <= medium < %s <= many; margin low < %s <= medium < %s <= high', c[1], c[2], c[3], c[4])::crm.relationship_bands;
END $$;
COMMENT ON FUNCTION crm_internal.relationship_bands_from_jsonb(jsonb) IS 'implementation of the cast from jsonb';
CREATE CAST (jsonb AS crm.relationship_bands) WITH FUNCTION crm_internal.relationship_bands_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.relationship_bands) IS 'of an object as the cast to jsonb makes it';

CREATE FUNCTION crm_internal.service_hours_to_jsonb(crm.service_hours) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_service_hours_to_jsonb';
COMMENT ON FUNCTION crm_internal.service_hours_to_jsonb(crm.service_hours) IS 'implementation of the cast to jsonb';
CREATE CAST (crm.service_hours AS jsonb) WITH FUNCTION crm_internal.service_hours_to_jsonb(crm.service_hours);
COMMENT ON CAST (crm.service_hours AS jsonb) IS 'an object: {"zone", "hours": [{"weekday", "from", "until"}, ...], "closed": [day, ...]}';
CREATE FUNCTION crm_internal.service_hours_from_jsonb(jsonb) RETURNS crm.service_hours
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  what constant text := 'service hours';
  hours text;
  closed text;
BEGIN
  PERFORM crm_internal.check_json_fields(what, $1, '{zone,hours,closed}');
  PERFORM crm_internal.json_text(what, 'hours', $1 -> 'hours', 'array');
  PERFORM crm_internal.check_json_fields('time of service hours', span, '{weekday,from,until}') FROM jsonb_array_elements($1 -> 'hours') AS span;
  SELECT string_agg(format('%s %s-%s; ', crm_internal.json_word(what, 'weekday', span -> 'weekday'), crm_internal.json_word(what, 'from', span -> 'from'),
      crm_internal.json_word(what, 'until', span -> 'until')), '' ORDER BY n) INTO hours
  FROM jsonb_array_elements($1 -> 'hours') WITH ORDINALITY AS a(span, n);
  IF $1 ? 'closed' THEN
    PERFORM crm_internal.json_text(what, 'closed', $1 -> 'closed', 'array');
    SELECT 'closed ' || string_agg(crm_internal.json_word(what, 'closed', day), ', ' ORDER BY n) || '; ' INTO closed FROM jsonb_array_elements($1 -> 'closed') WITH ORDINALITY AS a(day, n);
  END IF;
  RETURN concat(hours, closed, 'in ' || crm_internal.json_word(what, 'zone', $1 -> 'zone', ';'))::crm.service_hours;
END $$;
COMMENT ON FUNCTION crm_internal.service_hours_from_jsonb(jsonb) IS 'implementation of the cast from jsonb';
CREATE CAST (jsonb AS crm.service_hours) WITH FUNCTION crm_internal.service_hours_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.service_hours) IS 'of an object as the cast to jsonb makes it; closed days may be left out';
