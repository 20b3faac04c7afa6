-- rules from the jsonb that they cast to, for forms and tools that keep rules as JSON: most are made by their text form, which checks the rest

CREATE FUNCTION crm_internal.check_json_fields(what text, object jsonb, known text[]) RETURNS void
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  unknown text;
BEGIN
  IF jsonb_typeof(object) IS DISTINCT FROM 'object' THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('%s is no jsonb object', what), NULL, 'Cast one to jsonb to see its fields.');
  END IF;
  SELECT key INTO unknown FROM jsonb_object_keys(object) AS key WHERE key <> ALL (known) ORDER BY key LIMIT 1;
  IF FOUND THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('%s has no field "%s"', what, unknown), NULL, format('Its fields are %s.', array_to_string(known, ', ')));
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_json_fields(text, jsonb, text[]) IS 'an error if a jsonb value is no object, or has a field that is not known';

CREATE FUNCTION crm_internal.text_label(label text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$ SELECT '"' || replace(label, '"', '""') || '"' $$;
COMMENT ON FUNCTION crm_internal.text_label(text) IS 'a name as text forms have it, in double quotes';

-- Forms and languages that know one kind of number write 5.0 for 5, which a text form does not take where it counts.
CREATE FUNCTION crm_internal.json_plain_numbers(value jsonb) RETURNS jsonb
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN CASE jsonb_typeof(value)
    WHEN 'number' THEN to_jsonb(trim_scale(value::numeric))
    WHEN 'array' THEN (SELECT coalesce(jsonb_agg(crm_internal.json_plain_numbers(element) ORDER BY n), '[]') FROM jsonb_array_elements(value) WITH ORDINALITY AS a(element, n))
    WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(key, crm_internal.json_plain_numbers(field)), '{}') FROM jsonb_each(value) AS o(key, field))
    ELSE value END;
END $$;
COMMENT ON FUNCTION crm_internal.json_plain_numbers(jsonb) IS 'a value in JSON with its numbers as they are shortest: 5 for 5.0';

CREATE FUNCTION crm_internal.json_text(what text, field text, value jsonb, kind text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF coalesce(jsonb_typeof(value), 'null') <> kind THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('"%s" of a %s in JSON cannot be %s', field, what, coalesce(left(value::text, 60), 'missing')),
      detail => format('It is %s %s.', CASE WHEN kind IN ('array', 'object') THEN 'an' ELSE 'a' END, kind));
  END IF;
  RETURN CASE kind WHEN 'number' THEN crm_internal.json_plain_numbers(value) ELSE value END #>> '{}';
END $$;
COMMENT ON FUNCTION crm_internal.json_text(text, text, jsonb, text) IS 'the text of a field of a value in JSON, a number without zeros at its end; an error if it is of another kind than the one wanted: number, string, array, object';

-- What a text form has without quotes is one thing: a number, a word, a day, a time, a length, the end of a period; not the next field with it.
CREATE FUNCTION crm_internal.json_plain(what text, field text, word text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF word !~* ('^(' || array_to_string(ARRAY['-?[a-z_]+([(][a-z]+[)])?', '[a-z]+-[a-z]+', '[-+]?[0-9.]+(e[-+]?[0-9]+)?', '[0-9]+-[0-9]+(-[0-9]+)?( BC)?', '[0-9]+:[0-9]+',
      '[0-9]+ ?(minute|hour|day|week|month|year)s?( [0-9]+ ?(minute|hour|day|week|month|year)s?)*', 'calendar [a-z]+([(][a-z]+[)])?',
      '(down|up|half)( per (day|purchase))?( in parts)?', 'up to [0-9.]+', 'end of [a-z]+([(][a-z]+[)])?( from [0-9-]+)?'], '|') || ')$') THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('"%s" of a %s in JSON cannot be "%s"', field, what, left(word, 60)),
      detail => 'It is a number, a word, a day, a time, or a length like 12 months.');
  END IF;
  RETURN word;
END $$;
COMMENT ON FUNCTION crm_internal.json_plain(text, text, text) IS 'a field of a rule in JSON that a text form has without quotes; an error if it is more than one value';

CREATE FUNCTION crm_internal.json_word(what text, field text, value jsonb, stops text DEFAULT NULL) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  word constant text := crm_internal.json_text(what, field, value, 'string');
BEGIN
  IF stops IS NULL THEN
    RETURN crm_internal.json_plain(what, field, word);
  ELSIF word = '' OR word ~ stops THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('"%s" of a %s in JSON cannot be "%s"', field, what, left(word, 60)),
      detail => format('It is not empty, and has none of %s.', btrim(stops, '[]')));
  END IF;
  RETURN word;
END $$;
COMMENT ON FUNCTION crm_internal.json_word(text, text, jsonb, text) IS
  'a string of a value in JSON that a text form has without quotes: one value, or a name in which none of these characters is; an error if it could not';

CREATE FUNCTION crm_internal.json_numbers(what text, field text, value jsonb, separator text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM crm_internal.json_text(what, field, value, 'array');
  RETURN (SELECT string_agg(crm_internal.json_text(what, field, number, 'number'), separator ORDER BY n) FROM jsonb_array_elements(value) WITH ORDINALITY AS a(number, n));
END $$;
COMMENT ON FUNCTION crm_internal.json_numbers(text, text, jsonb, text) IS 'an array of numbers of a value in JSON as a text form has it; an error if it is none';

CREATE FUNCTION crm_internal.check_json_plain(what text, object jsonb) RETURNS void
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM crm_internal.json_plain(what, key, word) FROM jsonb_each(object) AS f(key, value),
    LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(value) = 'array' THEN value ELSE jsonb_build_array(value) END) AS e(element),
    LATERAL (SELECT element #>> '{}') AS w(word) WHERE jsonb_typeof(element) NOT IN ('object', 'array', 'null');
END $$;
COMMENT ON FUNCTION crm_internal.check_json_plain(text, jsonb) IS 'an error if a field of an object, or an element of one that is an array, is more than one value';
