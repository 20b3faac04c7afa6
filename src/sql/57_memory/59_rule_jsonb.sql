-- profile rules from the jsonb that they cast to

CREATE FUNCTION crm_internal.profile_rule_to_jsonb(crm.profile_rule) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_profile_rule_to_jsonb';
COMMENT ON FUNCTION crm_internal.profile_rule_to_jsonb(crm.profile_rule) IS 'implementation of the cast to jsonb';
CREATE CAST (crm.profile_rule AS jsonb) WITH FUNCTION crm_internal.profile_rule_to_jsonb(crm.profile_rule);
COMMENT ON CAST (crm.profile_rule AS jsonb) IS 'an object: {"uses": [{"attribute", "category", "purpose", "basis"}, ...], "order": [kind, ...]}, the last two of a use left out if there is none';
CREATE FUNCTION crm_internal.profile_rule_from_jsonb(jsonb) RETURNS crm.profile_rule
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  what constant text := 'profile rule';
  uses text;
  believed text;
BEGIN
  PERFORM crm_internal.check_json_fields(what, $1, '{uses,order}');
  PERFORM crm_internal.json_text(what, 'uses', $1 -> 'uses', 'array');
  PERFORM crm_internal.check_json_fields('use of a profile rule', use, '{attribute,category,purpose,basis}') FROM jsonb_array_elements($1 -> 'uses') AS use;
  SELECT string_agg(label || ' is ' || category || coalesce(' for ' || purposes, ''), '; ' ORDER BY first) INTO uses
  FROM (SELECT label, category, min(n) AS first, string_agg(purpose, ', ' ORDER BY n) AS purposes
        FROM (SELECT n, crm_internal.text_label(crm_internal.json_text(what, 'attribute', use -> 'attribute', 'string')) AS label,
                crm_internal.text_label(crm_internal.json_text(what, 'category', use -> 'category', 'string')) AS category,
                CASE WHEN use ?| '{purpose,basis}' THEN format('%s by %s', crm_internal.text_label(crm_internal.json_text(what, 'purpose', use -> 'purpose', 'string')),
                  crm_internal.json_word(what, 'basis', use -> 'basis')) END AS purpose
              FROM jsonb_array_elements($1 -> 'uses') WITH ORDINALITY AS a(use, n)) u
        GROUP BY label, category) r;
  IF $1 ? 'order' THEN
    PERFORM crm_internal.json_text(what, 'order', $1 -> 'order', 'array');
    SELECT string_agg(crm_internal.json_word(what, 'order', kind), ', ' ORDER BY n) INTO believed FROM jsonb_array_elements($1 -> 'order') WITH ORDINALITY AS a(kind, n);
  END IF;
  RETURN coalesce(concat_ws('; ', uses, 'order ' || believed), '')::crm.profile_rule;
END $$;
COMMENT ON FUNCTION crm_internal.profile_rule_from_jsonb(jsonb) IS 'implementation of the cast from jsonb';
CREATE CAST (jsonb AS crm.profile_rule) WITH FUNCTION crm_internal.profile_rule_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.profile_rule) IS 'of an object as the cast to jsonb makes it; the order may be left out where it is the usual one';
