-- scales and segment maps from the jsonb that they cast to

CREATE FUNCTION crm_internal.rfm_scale_to_jsonb(crm.rfm_scale) RETURNS jsonb
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_build_object('recency', crm.recency_cuts($1), 'frequency', crm.frequency_cuts($1), 'monetary', crm.monetary_cuts($1)) $$;
COMMENT ON FUNCTION crm_internal.rfm_scale_to_jsonb(crm.rfm_scale) IS 'implementation of the cast to jsonb';
CREATE CAST (crm.rfm_scale AS jsonb) WITH FUNCTION crm_internal.rfm_scale_to_jsonb(crm.rfm_scale);
COMMENT ON CAST (crm.rfm_scale AS jsonb) IS 'an object of the cut points: {"recency": [...], "frequency": [...], "monetary": [...]}';
CREATE FUNCTION crm_internal.rfm_scale_from_jsonb(jsonb) RETURNS crm.rfm_scale
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM crm_internal.check_json_fields('scale', $1, '{recency,frequency,monetary}');
  RETURN (SELECT string_agg(format('%s: %s', m, crm_internal.json_numbers('scale', m, $1 -> m, ', ')), '; ' ORDER BY n)
          FROM unnest('{recency,frequency,monetary}'::text[]) WITH ORDINALITY AS u(m, n))::crm.rfm_scale;
END $$;
COMMENT ON FUNCTION crm_internal.rfm_scale_from_jsonb(jsonb) IS 'implementation of the cast from jsonb';
CREATE CAST (jsonb AS crm.rfm_scale) WITH FUNCTION crm_internal.rfm_scale_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.rfm_scale) IS 'of an object as the cast to jsonb makes it';

CREATE FUNCTION crm_internal.segment_map_to_jsonb(crm.segment_map) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_segment_map_to_jsonb';
COMMENT ON FUNCTION crm_internal.segment_map_to_jsonb(crm.segment_map) IS 'implementation of the cast to jsonb';
CREATE CAST (crm.segment_map AS jsonb) WITH FUNCTION crm_internal.segment_map_to_jsonb(crm.segment_map);
COMMENT ON CAST (crm.segment_map AS jsonb) IS 'an object: {"bins", "rules": [{"segment", "r": [from, to], "f", "m", "fm", "total"}, ...]}, ranges that leave nothing out left out';
CREATE FUNCTION crm_internal.segment_map_from_jsonb(jsonb) RETURNS crm.segment_map
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  what constant text := 'rule of a segment map';
  rule jsonb;
  ranges text;
  rules text;
BEGIN
  PERFORM crm_internal.check_json_fields('segment map', $1, '{bins,rules}');
  PERFORM crm_internal.json_text('segment map', 'rules', $1 -> 'rules', 'array');
  FOR rule IN SELECT jsonb_array_elements($1 -> 'rules') LOOP
    PERFORM crm_internal.check_json_fields(what, rule, '{segment,r,f,m,fm,total}');
    SELECT string_agg(term || ' ' || crm_internal.json_numbers(what, term, CASE jsonb_typeof(rule -> term) WHEN 'number' THEN jsonb_build_array(rule -> term) ELSE rule -> term END, '-'), ', ' ORDER BY n)
      INTO ranges FROM unnest('{r,f,m,fm,total}'::text[]) WITH ORDINALITY AS u(term, n) WHERE rule ? term;
    rules := concat(rules || '; ', crm_internal.json_word(what, 'segment', rule -> 'segment', '[:;]'), ': ', coalesce(ranges, 'any'));
  END LOOP;
  RETURN concat('bins ' || CASE WHEN $1 ? 'bins' THEN crm_internal.json_text('segment map', 'bins', $1 -> 'bins', 'number') END || '; ', rules)::crm.segment_map;
END $$;
COMMENT ON FUNCTION crm_internal.segment_map_from_jsonb(jsonb) IS 'implementation of the cast from jsonb';
CREATE CAST (jsonb AS crm.segment_map) WITH FUNCTION crm_internal.segment_map_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.segment_map) IS 'of an object as the cast to jsonb makes it; five bins if they are left out, and a number stands for a range of one';
