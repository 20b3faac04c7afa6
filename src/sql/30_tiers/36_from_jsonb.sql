-- tier programs, points rules and challenges from the jsonb that they are cast to: their text is made of it, which checks it

-- The thresholds of an object, the main metric first.
CREATE FUNCTION crm_internal.text_thresholds(thresholds jsonb, metric text, conjunction text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(crm_internal.json_plain('rule', 'metric', key) || ' ' || crm_internal.json_plain('rule', key, value), conjunction ORDER BY key <> metric, key) FROM jsonb_each_text(coalesce(thresholds, '{}')) $$;
COMMENT ON FUNCTION crm_internal.text_thresholds(jsonb, text, text) IS 'spend 500 or orders 3, of an object of thresholds by metric';

-- The first rule of the first tier names the main metric: where none is in it alone, one that joins it to others leads.
CREATE FUNCTION crm_internal.text_rules(single jsonb, together jsonb, metric text, leads boolean) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(rule, ' or ' ORDER BY (leads AND single ->> metric IS NULL
      AND no = (SELECT min(n) FROM jsonb_array_elements(together) WITH ORDINALITY AS t(rules, n) WHERE rules ->> metric IS NOT NULL)) IS TRUE DESC, no) FROM (
    SELECT 0 AS no, crm_internal.text_thresholds(single, metric, ' or ') AS rule
    UNION ALL SELECT no, crm_internal.text_thresholds(rules, metric, ' and ') FROM jsonb_array_elements(coalesce(together, '[]')) WITH ORDINALITY t(rules, no)) r $$;
COMMENT ON FUNCTION crm_internal.text_rules(jsonb, jsonb, text, boolean) IS 'the rules of a tier as its text form has them, in the first tier that of the main metric first';

CREATE FUNCTION crm_internal.text_earning(earning jsonb) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('rate %s per %s round %s', coalesce(earning ->> 'rate', '1'), coalesce(earning ->> 'per', '1'), coalesce(earning ->> 'rounding', 'down'))
    || coalesce(' per_order ' || nullif(earning ->> 'order_points', '0'), '')
    || CASE WHEN coalesce(earning ->> 'bonus_points', '0') <> '0' OR coalesce(earning ->> 'bonus_every', '0') <> '0'
         THEN format(' bonus %s every %s', coalesce(earning ->> 'bonus_points', '0'), coalesce(earning ->> 'bonus_every', '0')) ELSE '' END $$;
COMMENT ON FUNCTION crm_internal.text_earning(jsonb) IS 'how points are earned as text forms have it';

CREATE FUNCTION crm_internal.tier_program_text(program jsonb) RETURNS text
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  metric text := coalesce(program ->> 'metric', 'spend');
  window_kind text := replace(coalesce(program ->> 'window_kind', 'rolling'), '_', ' ');
  earning jsonb := coalesce(nullif(program -> 'points', 'null'), '{}');
  tier jsonb;
  rank bigint;
  tiers text;
BEGIN
  PERFORM crm_internal.check_json_fields('tier program', program, '{tiers,metric,window_kind,period,downgrade,grace,validity,fiscal_start,starts_on,points,on_refund,rollover,proof_period,proof,fee,fee_period,renewal_fee,benefits}');
  PERFORM crm_internal.check_json_fields('points of a tier program', earning, '{rate,per,rounding,order_points,bonus_points,bonus_every}');
  PERFORM crm_internal.check_json_plain('tier program', program), crm_internal.check_json_plain('tier program', earning),
    crm_internal.check_json_plain('tier program', nullif(program -> 'proof', 'null'));
  IF jsonb_typeof(program -> 'tiers') IS DISTINCT FROM 'array' THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', 'tier program has no array of tiers', NULL, 'Write "tiers": [{"tier": "Bronze", "qualify": {"spend": 0}}, ...], the lowest first.');
  END IF;
  IF (program ->> 'fee' IS NULL) <> (program ->> 'fee_period' IS NULL) OR (program ->> 'fee' IS NULL AND program ->> 'renewal_fee' IS NOT NULL) THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', 'a fee needs both its amount and how long it is for', NULL, 'Give fee and fee_period together.');
  END IF;
  IF coalesce(nullif(program -> 'proof', 'null'), '{}') <> '{}' AND program ->> 'proof_period' IS NULL THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', 'a status match needs both its length and what proves it', NULL, 'Give proof_period and proof together.');
  END IF;
  -- what would be left out without a word
  IF (coalesce(earning ->> 'rate', '0')::numeric, coalesce(earning ->> 'order_points', '0')::numeric, coalesce(earning ->> 'bonus_points', '0')::numeric) = (0, 0, 0)
     AND (coalesce(earning ->> 'per', '1')::numeric <> 1 OR lower(coalesce(earning ->> 'rounding', 'down')) <> 'down') THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', 'a tier program that awards no points has none to round', NULL, 'Give a rate, or leave out per and rounding.');
  END IF;
  PERFORM crm_internal.check_json_fields('benefit', b, '{benefit,tier}'), crm_internal.json_text('benefit', 'benefit', b -> 'benefit', 'string'), crm_internal.json_text('benefit', 'tier', b -> 'tier', 'string')
  FROM jsonb_array_elements(coalesce(nullif(program -> 'benefits', 'null'), '[]')) AS b;
  FOR tier, rank IN SELECT * FROM jsonb_array_elements(program -> 'tiers') WITH ORDINALITY LOOP
    PERFORM crm_internal.check_json_fields('tier', tier, '{rank,tier,qualify,qualify_together,retain,retain_together,lifetime}');
    IF tier ->> 'rank' <> rank::text THEN
      PERFORM crm_internal.raise_error('invalid_parameter_value', format('"rank" of tier %s in JSON cannot be %s', tier -> 'tier', tier -> 'rank'), format('In the array it is number %s.', rank),
        'Write the tiers in order, the lowest first, or leave the rank out.');
    END IF;
    PERFORM crm_internal.json_text('tier', field, tier -> field, kind)
    FROM (VALUES ('qualify', 'object'), ('qualify_together', 'array'), ('retain', 'object'), ('retain_together', 'array')) AS v(field, kind) WHERE tier -> field <> 'null';
    IF tiers IS NULL AND tier -> 'qualify' ->> metric IS NULL
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(coalesce(tier -> 'qualify_together', '[]')) AS rules WHERE rules ->> metric IS NOT NULL) THEN
      PERFORM crm_internal.raise_error('invalid_parameter_value', format('the first tier has no %s threshold', metric), NULL, 'It needs one in the main metric, the field "metric" of the program.');
    END IF;
    tiers := concat(tiers || ', ', coalesce(crm_internal.text_label(tier ->> 'tier'), '""'), ': ', crm_internal.text_rules(tier -> 'qualify', tier -> 'qualify_together', metric, tiers IS NULL),
      ' keep ' || crm_internal.text_rules(tier -> 'retain', tier -> 'retain_together', metric, false), CASE WHEN (tier ->> 'lifetime')::boolean THEN ' lifetime' END);
  END LOOP;
  RETURN concat('{', tiers, '} ', window_kind, CASE WHEN window_kind NOT LIKE 'calendar%' THEN ' ' || (program ->> 'period') END, ' from ' || (program ->> 'fiscal_start'),
    ' downgrade ' || (program ->> 'downgrade'), ' grace ' || (program ->> 'grace'), ' valid ' || (program ->> 'validity'), ' starts ' || (program ->> 'starts_on'),
    CASE WHEN (coalesce(earning ->> 'rate', '0'), coalesce(earning ->> 'order_points', '0'), coalesce(earning ->> 'bonus_points', '0')) <> ('0', '0', '0')
      THEN ' points ' || crm_internal.text_earning(jsonb '{"rate": 0}' || earning) END,
    ' on_refund ' || (program ->> 'on_refund'), ' rollover ' || nullif(program ->> 'rollover', 'all'), CASE program ->> 'rollover' WHEN 'all' THEN ' rollover' END,
    ' match ' || (program ->> 'proof_period') || ' {' || (SELECT string_agg(crm_internal.text_label(key) || ': ' || value, ', ') FROM jsonb_each_text(coalesce(nullif(program -> 'proof', 'null'), '{}'))) || '}',
    ' fee ' || (program ->> 'fee') || ' every ' || (program ->> 'fee_period'), ' renewal ' || (program ->> 'renewal_fee'),
    ' benefits {' || (SELECT string_agg(crm_internal.text_label(b ->> 'benefit') || ': ' || crm_internal.text_label(b ->> 'tier'), ', ' ORDER BY no)
      FROM jsonb_array_elements(coalesce(nullif(program -> 'benefits', 'null'), '[]')) WITH ORDINALITY t(b, no)) || '}');
END $$;
COMMENT ON FUNCTION crm_internal.tier_program_text(jsonb) IS 'the text form of the tier program that a jsonb object is of';

CREATE FUNCTION crm_internal.tier_program_from_jsonb(jsonb) RETURNS crm.tier_program
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made constant crm.tier_program := crm_internal.tier_program_text(crm_internal.json_plain_numbers($1))::crm.tier_program;
  period constant text := made::jsonb ->> 'period';
BEGIN
  -- that of a calendar window is in its kind
  IF ($1 ->> 'period')::interval IS DISTINCT FROM period::interval AND $1 ->> 'period' IS NOT NULL THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('"period" of a tier program in JSON cannot be %s', $1 -> 'period'), format('A window %s has one of %s.', $1 ->> 'window_kind', period), 'Leave the period out.');
  END IF;
  RETURN made;
END $$;
COMMENT ON FUNCTION crm_internal.tier_program_from_jsonb(jsonb) IS 'the tier program of a jsonb object';
CREATE CAST (jsonb AS crm.tier_program) WITH FUNCTION crm_internal.tier_program_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.tier_program) IS 'of an object as the cast to jsonb makes it; fields that are left out are as the constructor has them';

CREATE FUNCTION crm_internal.points_rule_from_jsonb(jsonb) RETURNS crm.points_rule
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  given constant jsonb := crm_internal.json_plain_numbers($1);
  inclusive text := CASE WHEN (given ->> 'last_day_inclusive')::boolean THEN ' inclusive' END;
  expires text := concat(' ' || (given ->> 'expires_at'), CASE WHEN given ->> 'expires_at' IS NULL THEN ' ' ELSE ' after ' END || (given ->> 'expiry'));
  by_tier text := (SELECT concat(' rates {', string_agg(rate, ', ' ORDER BY no), '}') FROM jsonb_array_elements_text(nullif(given -> 'tier_rates', 'null')) WITH ORDINALITY t(rate, no))
    || concat(' expiries {' || (SELECT string_agg(coalesce(length, 'never'), ', ' ORDER BY no) FROM jsonb_array_elements_text(nullif(given -> 'tier_expiry', 'null')) WITH ORDINALITY t(length, no)) || '}',
      CASE WHEN expires = '' AND given ->> 'inactivity' IS NULL AND given ->> 'tier_expiry' IS NOT NULL THEN inclusive END, ' reaching ' || (given ->> 'reaching'));
BEGIN
  PERFORM crm_internal.check_json_fields('points rule', given, '{rate,per,rounding,order_points,bonus_points,bonus_every,expiry,pending,expires_at,last_day_inclusive,inactivity,reinstatement,never_negative,tier_expiry,reaching,tier_rates,program}');
  PERFORM crm_internal.check_json_plain('points rule', given);
  IF (given ->> 'program' IS NULL) <> (given ->> 'tier_rates' IS NULL) THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', 'a program goes with the rates of its tiers', NULL, 'Give both fields, program and tier_rates, or neither.');
  END IF;
  -- what would be left out without a word
  IF inclusive <> '' AND expires = '' AND coalesce(given ->> 'inactivity', given ->> 'tier_expiry') IS NULL THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', 'points that never expire have no last day', NULL, 'Give an expiry, or leave last_day_inclusive out.');
  ELSIF given ->> 'program' IS NULL AND given ->> 'tier_expiry' IS NOT NULL THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', 'expiry by tier needs a program', NULL, 'Give the program, or expiry for all points alike.');
  ELSIF given ->> 'program' IS NULL AND lower(given ->> 'reaching') <> 'old' THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', format('reaching %s needs a program', given ->> 'reaching'), NULL, 'Give the program and the rates of its tiers, or leave reaching out.');
  END IF;
  RETURN concat(crm_internal.text_earning(given), ' pending ' || (given ->> 'pending'), ' expires' || nullif(expires, ''), CASE WHEN expires <> '' THEN inclusive END,
    ' inactivity ' || (given ->> 'inactivity') || CASE WHEN expires = '' THEN coalesce(inclusive, '') ELSE '' END, ' reinstated within ' || (given ->> 'reinstatement'),
    CASE WHEN (given ->> 'never_negative')::boolean THEN ' never negative' END,
    CASE WHEN given ->> 'program' IS NOT NULL THEN by_tier || ' program ' || crm_internal.tier_program_from_jsonb(given -> 'program')::text END)::crm.points_rule;
END $$;
COMMENT ON FUNCTION crm_internal.points_rule_from_jsonb(jsonb) IS 'the points rule of a jsonb object';
CREATE CAST (jsonb AS crm.points_rule) WITH FUNCTION crm_internal.points_rule_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.points_rule) IS 'of an object as the cast to jsonb makes it; fields that are left out are as the constructor has them';

CREATE FUNCTION crm_internal.challenge_from_jsonb(jsonb) RETURNS crm.challenge
  LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  given constant jsonb := crm_internal.json_plain_numbers($1);
  streak boolean := lower(given ->> 'metric') IS NOT DISTINCT FROM 'streak';
BEGIN
  PERFORM crm_internal.check_json_fields('challenge', given, '{metric,target,within,period,starts_on,ends_on,reward}');
  PERFORM crm_internal.check_json_plain('challenge', given);
  IF given ->> 'metric' IS NULL OR given ->> 'target' IS NULL THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', 'a challenge needs a metric and a target', NULL, 'Write {"metric": "orders", "target": 5}.');
  END IF;
  IF streak <> (given ->> 'period' IS NOT NULL) OR streak AND given ->> 'within' IS NOT NULL THEN
    PERFORM crm_internal.raise_error('invalid_parameter_value', CASE WHEN streak THEN 'a streak has a period, and is not within a length' ELSE 'only a streak has a period' END,
      NULL, CASE WHEN streak THEN 'Write {"metric": "streak", "target": 3, "period": "month"}.' ELSE 'Write "within": "30 days", or the metric streak.' END);
  END IF;
  RETURN concat(given ->> 'metric', ' ', given ->> 'target', ' ' || (given ->> 'period'), ' within ' || (given ->> 'within'), ' from ' || (given ->> 'starts_on'),
    ' until ' || (given ->> 'ends_on'), ' reward ' || (given ->> 'reward'))::crm.challenge;
END $$;
COMMENT ON FUNCTION crm_internal.challenge_from_jsonb(jsonb) IS 'the challenge of a jsonb object';
CREATE CAST (jsonb AS crm.challenge) WITH FUNCTION crm_internal.challenge_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS crm.challenge) IS 'of an object as the cast to jsonb makes it; fields that are left out are as the constructor has them';
