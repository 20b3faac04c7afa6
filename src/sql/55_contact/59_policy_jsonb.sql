-- contact policies from the jsonb that they cast to

CREATE FUNCTION crm_internal.contact_policy_to_jsonb(crm.contact_policy) RETURNS jsonb
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'crm_contact_policy_to_jsonb';
COMMENT ON FUNCTION crm_internal.contact_policy_to_jsonb(crm.contact_policy) IS 'implementation of the cast to jsonb';
CREATE CAST (crm.contact_policy AS jsonb) WITH FUNCTION crm_internal.contact_policy_to_jsonb(crm.contact_policy);
COMMENT ON CAST (crm.contact_policy AS jsonb) IS 'an object: {"rules": [...]}, each with "rule" (cap, quiet_hours, quiet_weekdays, quiet_days, pause, exempt), "channel" if it has one, and what that rule says';
CREATE FUNCTION crm_internal.contact_policy_from_jsonb(jsonb) RETURNS crm.contact_policy
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  what constant text := 'contact policy';
  -- what each rule has beside its name and channel
  fields constant jsonb := '{"cap": ["contacts", "per"], "quiet_hours": ["starts_at", "ends_at"], "quiet_weekdays": ["first", "last"], "quiet_days": ["first", "last"],
    "pause": ["lasts", "after"], "exempt": ["purpose"]}';
  rule jsonb;
  name text;
  a text;
  b text;
  rules text;
BEGIN
  PERFORM crm_internal.check_json_fields(what, $1, '{rules}');
  PERFORM crm_internal.json_text(what, 'rules', $1 -> 'rules', 'array');
  FOR rule IN SELECT jsonb_array_elements($1 -> 'rules') LOOP
    name := rule ->> 'rule';
    IF jsonb_typeof(rule) <> 'object' OR NOT coalesce(fields ? name, false) THEN
      PERFORM crm_internal.raise_error('invalid_parameter_value', format('rule of a contact policy in JSON cannot be %s', left(rule::text, 60)), NULL,
        format('It is an object whose "rule" is one of %s.', (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(fields) AS k)));
    END IF;
    PERFORM crm_internal.check_json_fields('rule "' || name || '"', rule, ARRAY['rule'] || CASE WHEN name <> 'exempt' THEN ARRAY['channel'] END || ARRAY(SELECT jsonb_array_elements_text(fields -> name)));
    IF name = 'exempt' THEN
      a := crm_internal.text_label(crm_internal.json_text(what, 'purpose', rule -> 'purpose', 'string'));
    ELSE
      a := CASE name WHEN 'cap' THEN crm_internal.json_text(what, 'contacts', rule -> 'contacts', 'number') ELSE crm_internal.json_word(what, fields -> name ->> 0, rule -> (fields -> name ->> 0)) END;
      b := crm_internal.json_word(what, fields -> name ->> 1, rule -> (fields -> name ->> 1));
    END IF;
    rules := concat(rules || '; ', crm_internal.text_label(CASE WHEN rule ? 'channel' THEN crm_internal.json_text(what, 'channel', rule -> 'channel', 'string') END) || ' ',
      CASE name WHEN 'cap' THEN a || ' per ' || b WHEN 'pause' THEN format('pause %s after %s', a, b) WHEN 'exempt' THEN a || ' exempt'
        WHEN 'quiet_days' THEN format('quiet %s to %s', a, b) ELSE format('quiet %s-%s', a, b) END);
  END LOOP;
  RETURN coalesce(rules, '')::crm.contact_policy;
END $$;
COMMENT ON FUNCTION crm_internal.contact_policy_from_jsonb(jsonb) IS 'implementation of the cast from jsonb';
CREATE CAST (jsonb AS crm.contact_policy) WITH FUNCTION crm_internal.contact_policy_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.contact_policy) IS 'of an object as the cast to jsonb makes it';
