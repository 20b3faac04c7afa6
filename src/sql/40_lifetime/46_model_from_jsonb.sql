-- models from the jsonb that they cast to, for forms and tools that keep rules as JSON

-- " fitted (customers 5, ..., converged, covariance ...)", as the text form of a model has it; nothing of one that was given
CREATE FUNCTION crm_internal.fit_text(of_type text, model jsonb) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known constant text[] := '{customers,repeat_buyers,left_out,log_likelihood,gradient_norm}';
  covariance text := '';
BEGIN
  IF coalesce(model ->> 'fit', 'given') = 'given' THEN
    SELECT k INTO covariance FROM unnest(known || '{at_bound,covariance}'::text[]) AS k WHERE model -> k <> 'null';
    IF FOUND THEN
      PERFORM crm_internal.raise_error('invalid_parameter_value', format('a %s in JSON has a "%s", but no "fit"', of_type, covariance), NULL, 'Give "fit", too, or leave out all that a fit found.');
    END IF;
    RETURN '';
  END IF;
  IF model -> 'covariance' <> 'null' THEN
    PERFORM crm_internal.json_text(of_type, 'covariance', model -> 'covariance', 'array');
    SELECT ', covariance ' || string_agg(crm_internal.json_text(of_type, 'covariance', e.value, 'number'), ' ' ORDER BY l.n, e.n) INTO covariance
    FROM jsonb_array_elements(model -> 'covariance') WITH ORDINALITY AS l(line, n)
      CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(l.line) = 'array' THEN l.line ELSE '[]' END) WITH ORDINALITY AS e(value, n)
    WHERE e.n <= l.n;
  END IF;
  RETURN format(' fitted (%s, %s%s)',
    (SELECT string_agg(format('%s %s', k, crm_internal.json_text(of_type, k, model -> k, 'number')), ', ' ORDER BY n) FROM unnest(known) WITH ORDINALITY AS u(k, n)),
    concat_ws(' ', crm_internal.json_plain(of_type, 'fit', model ->> 'fit'), crm_internal.json_plain(of_type, 'at_bound', model ->> 'at_bound')), covariance);
END $$;
COMMENT ON FUNCTION crm_internal.fit_text(text, jsonb) IS 'how a model in JSON was fitted, in its text form';

CREATE FUNCTION crm_internal.model_text(of_type text, model jsonb) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- in the order in which every model has those that it has
  parameters constant text[] := '{k,r,alpha,rate,s,beta,a,b,p,share,mu,gamma,delta,c,q,v,mean,scale,price,unit_days}';
  others constant text[] := '{model,fit,limit,at_bound,customers,repeat_buyers,left_out,log_likelihood,gradient_norm,covariance,among,by,season,coefficients}';
  unknown text;
  among text := '';
BEGIN
  IF jsonb_typeof(model) <> 'object' OR coalesce(jsonb_typeof(model -> 'model'), 'null') <> 'string' THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('JSON is no %s: %s', of_type, left(model::text, 60)),
      detail => 'It is an object with "model", the name of a model, and the parameters of that.');
  END IF;
  SELECT k INTO unknown FROM jsonb_object_keys(model) AS k WHERE k <> ALL (parameters || others) ORDER BY k LIMIT 1;
  IF FOUND THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('a %s in JSON has no "%s"', of_type, unknown),
      detail => format('Beside its parameters it may have %s.', array_to_string(others, ', ')));
  END IF;
  IF jsonb_typeof(model -> 'among') = 'array' THEN
    SELECT format(' among (%s)', string_agg(format('%s: %s %s %s', crm_internal.json_plain(of_type, 'fitted', t ->> 'fitted'), crm_internal.json_word(of_type, 'model', t -> 'model', '[:]'),
      crm_internal.json_text(of_type, 'log_likelihood', t -> 'log_likelihood', 'number'), concat_ws(' ', crm_internal.json_plain(of_type, 'fit', t ->> 'fit'), crm_internal.json_plain(of_type, 'at_bound', t ->> 'at_bound'),
        'holdout ' || CASE WHEN t ? 'holdout' THEN crm_internal.json_text(of_type, 'holdout', t -> 'holdout', 'number') END)), ', ' ORDER BY n)) INTO among
    FROM jsonb_array_elements(model -> 'among') WITH ORDINALITY AS u(t, n);
  END IF;
  IF (model ? 'season' OR model ? 'coefficients') AND NOT model ? 'by' THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('a %s in JSON has a season or coefficients, but no "by"', of_type),
      detail => '"by" holds all that is known of them, in their text form.');
  END IF;
  RETURN format('%s(%s)%s%s%s', crm_internal.json_plain(of_type, 'model', model ->> 'model'),
    (SELECT string_agg(format('%s %s', p, crm_internal.json_text(of_type, p, model -> p, 'number')), ', ' ORDER BY n)
     FROM unnest(parameters) WITH ORDINALITY AS u(p, n) WHERE model ? p),
    crm_internal.fit_text(of_type, model), among, ' by ' || (model ->> 'by'));
END $$;
COMMENT ON FUNCTION crm_internal.model_text(text, jsonb) IS 'the text form of a model in JSON, whose input checks the rest';

-- What says in JSON what the rest is: somebody who changes it would find it unchanged.
CREATE FUNCTION crm_internal.check_model_json(of_type text, model jsonb, made jsonb) RETURNS void
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  other text;
BEGIN
  SELECT k INTO other FROM unnest('{limit,season,coefficients}'::text[]) AS k WHERE model -> k <> 'null' AND model -> k IS DISTINCT FROM made -> k;
  IF FOUND THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('"%s" of a %s in JSON cannot be %s', other, of_type, left((model -> other)::text, 60)),
      format('By the rest it is %s.', coalesce(left((made -> other)::text, 60), 'none')), CASE WHEN other <> 'limit' THEN 'Change "by", and leave it out.' ELSE 'Leave it out.' END);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.check_model_json(text, jsonb, jsonb) IS 'an error if what a model in JSON says twice, its limit, season and coefficients, is not what the model made of it has';

@model_of_jsonb purchase_model|purchase model
@model_of_jsonb spend_model|spend model
@model_of_jsonb contract_model|contract model
@model_of_jsonb occasion_model|occasion model
