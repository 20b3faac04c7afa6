-- bases of mixes from the jsonb that they cast to

CREATE FUNCTION crm_internal.mix_base_to_jsonb(crm.mix_base) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_mix_base_to_jsonb';
COMMENT ON FUNCTION crm_internal.mix_base_to_jsonb(crm.mix_base) IS 'implementation of the cast to jsonb';
CREATE CAST (crm.mix_base AS jsonb) WITH FUNCTION crm_internal.mix_base_to_jsonb(crm.mix_base);
COMMENT ON CAST (crm.mix_base AS jsonb) IS 'an object: {"fit", "customers", "concentrations": {category: number, ...}}';
CREATE FUNCTION crm_internal.mix_base_from_jsonb(jsonb) RETURNS crm.mix_base
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  categories text;
BEGIN
  PERFORM crm_internal.check_json_fields('mix base', $1, '{fit,customers,concentrations}');
  PERFORM crm_internal.json_text('mix base', 'concentrations', $1 -> 'concentrations', 'object');
  SELECT string_agg(format('%s %s', crm_internal.text_label(key), crm_internal.json_text('mix base', key, value, 'number')), ', ' ORDER BY key COLLATE "C") INTO categories
  FROM jsonb_each($1 -> 'concentrations');
  RETURN format('%s {%s} customers %s', crm_internal.json_word('mix base', 'fit', $1 -> 'fit'), categories,
    crm_internal.json_text('mix base', 'customers', $1 -> 'customers', 'number'))::crm.mix_base;
END $$;
COMMENT ON FUNCTION crm_internal.mix_base_from_jsonb(jsonb) IS 'implementation of the cast from jsonb';
CREATE CAST (jsonb AS crm.mix_base) WITH FUNCTION crm_internal.mix_base_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.mix_base) IS 'of an object as the cast to jsonb makes it';
