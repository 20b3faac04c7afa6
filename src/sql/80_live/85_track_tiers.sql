-- track_tiers: decisions on the tiers of tracked customers, and their standing

-- the score of a customer on whom something was decided

CREATE FUNCTION crm.score_customer(history crm.purchase_history, as_of date, scale crm.rfm_scale, segments crm.segment_map,
    look_back_days int, tier_program crm.tier_program, purchase_model crm.purchase_model, spend_model crm.spend_model,
    margin float8, horizon_days int, discount_rate float8, overrides crm.tier_override[], memberships daterange[]) RETURNS crm.customer_score
  LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'crm_score_customer';
COMMENT ON FUNCTION crm.score_customer(crm.purchase_history, date, crm.rfm_scale, crm.segment_map, int, crm.tier_program,
    crm.purchase_model, crm.spend_model, float8, int, float8, crm.tier_override[], daterange[]) IS
  'the score of a customer on a day by the rules of a tracking and by what was decided on the tier';

CREATE FUNCTION crm.known_overrides(program crm.tier_program, overrides crm.tier_override[]) RETURNS crm.tier_override[]
  LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'crm_known_overrides';
COMMENT ON FUNCTION crm.known_overrides(crm.tier_program, crm.tier_override[]) IS
  'those overrides whose tiers the program has: others were decided under an earlier one and do not count';

-- the triggers

CREATE FUNCTION crm.decide_statement() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_decide_statement';
COMMENT ON FUNCTION crm.decide_statement() IS 'scores customers anew after a statement on decisions on their tiers';
CREATE FUNCTION crm.decide_truncate() RETURNS trigger
  LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'crm_decide_truncate';
COMMENT ON FUNCTION crm.decide_truncate() IS 'scores customers anew before decisions on their tiers are truncated';

-- The names of what follows a table; others may have taken the plain ones.
CREATE FUNCTION crm_internal.own_triggers(relation regclass) RETURNS SETOF pg_trigger
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT g.* FROM pg_trigger g
  WHERE g.tgrelid = relation AND g.tgfoid IN ('crm.track_statement()'::regprocedure, 'crm.track_row()'::regprocedure,
    'crm.track_truncate()'::regprocedure, 'crm.track_statement_begins()'::regprocedure, 'crm.track_statement_ended()'::regprocedure,
    'crm.track_truncate_ended()'::regprocedure, 'crm.decide_statement()'::regprocedure, 'crm.decide_truncate()'::regprocedure)
$$;
COMMENT ON FUNCTION crm_internal.own_triggers(regclass) IS 'the triggers of a table that are the extension''s, known by their functions';
CREATE FUNCTION crm_internal.trigger_name(relation regclass, wanted text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT wanted || coalesce(nullif(n, 0)::text, '') FROM generate_series(0, 1000) AS n
  WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND tgname = (wanted || coalesce(nullif(n, 0)::text, ''))::name)
  ORDER BY n LIMIT 1
$$;
COMMENT ON FUNCTION crm_internal.trigger_name(regclass, text) IS 'the name of a new trigger, numbered if another has it';

CREATE FUNCTION crm_internal.decision_triggers(decisions regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made record;
BEGIN
  FOR made IN
    SELECT v.name, v.event, v.rows, v.function FROM (VALUES
      ('crm_insert', 'AFTER INSERT', 'REFERENCING NEW TABLE AS new_rows', 'crm.decide_statement', 4),
      ('crm_update', 'AFTER UPDATE', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows', 'crm.decide_statement', 16),
      ('crm_delete', 'AFTER DELETE', 'REFERENCING OLD TABLE AS old_rows', 'crm.decide_statement', 8),
      ('crm_truncate', 'BEFORE TRUNCATE', '', 'crm.decide_truncate', 32)) AS v(name, event, rows, function, tgtype)
    WHERE NOT EXISTS (SELECT FROM crm_internal.own_triggers(decisions) AS g WHERE g.tgtype & 60 = v.tgtype)
  LOOP
    EXECUTE format('CREATE TRIGGER %I %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s()',
      crm_internal.trigger_name(decisions, made.name), made.event, decisions, made.rows, made.function);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.decision_triggers(regclass) IS 'installs the triggers on a table of decisions where they are missing';

-- The statements that take decisions into account. d is always what was decided on a customer.

-- What was decided, one row a customer.
CREATE FUNCTION crm_internal.decisions_query(decisions regclass, keys text[]) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format($query$SELECT %1$s,
      array_agg(ROW(CASE what WHEN 'floor' THEN tier END, CASE what WHEN 'ceiling' THEN tier END, valid)::crm.tier_override)
        FILTER (WHERE tier IS NOT NULL) AS overrides,
      array_agg(valid) FILTER (WHERE tier IS NULL) AS memberships
    FROM %2$s GROUP BY %1$s$query$, crm_internal.column_list(keys, ''::text), decisions)
$$;
COMMENT ON FUNCTION crm_internal.decisions_query(regclass, text[]) IS
  'the query of what was decided on customers, as overrides and memberships';

CREATE FUNCTION crm_internal.decisions_join(histories regclass) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((
    SELECT format('LEFT JOIN (%s) AS d ON %s', crm_internal.decisions_query(t.decisions, keys), crm_internal.same_keys(t.histories, keys, 'd', 'h'))
    FROM crm.tracked t, crm_internal.history_keys(t.histories) AS keys
    WHERE t.histories = decisions_join.histories AND t.decisions IS NOT NULL LIMIT 1), '')
$$;
COMMENT ON FUNCTION crm_internal.decisions_join(regclass) IS
  'what joins decisions to the histories h; empty if the tracking keeps none';

CREATE FUNCTION crm_internal.memberships(by_invitation boolean, prefix text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN by_invitation THEN format('coalesce(%smemberships, ''{}'')', prefix) ELSE 'NULL::daterange[]' END
$$;
COMMENT ON FUNCTION crm_internal.memberships(boolean, text) IS 'the memberships of a customer, as crm.standing takes them';

CREATE FUNCTION crm_internal.score_call(histories regclass, history text, as_of text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((
    SELECT format('crm.score_customer(%s, %s, %s, d.overrides, %s)', history, as_of, crm_internal.column_list(crm_internal.rule_columns(), 'r.'),
      crm_internal.memberships(t.by_invitation, 'd.'))
    FROM crm.tracked t WHERE t.histories = score_call.histories AND t.decisions IS NOT NULL LIMIT 1), crm_internal.score_call(history, as_of))
$$;
COMMENT ON FUNCTION crm_internal.score_call(regclass, text, text) IS
  'the call that scores a history by the rule r and by what was decided, if the tracking keeps that';

-- Customers without purchases stand as they were decided on. The rules are joined to either kind, since Citus joins no table to both together.
CREATE FUNCTION crm_internal.standing_query(histories regclass, scoring regclass, decisions regclass, by_invitation boolean) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(histories);
BEGIN
  RETURN format($query$
    SELECT %1$s, s.tier, s.rank AS tier_rank, s.since AS tier_since, s.expires_on AS tier_expires_on,
      s.expires_on - t.today AS days_until_expiry,
      CASE WHEN s.expires_on IS NOT NULL
        THEN crm.tier(c.tier_program, crm.until(c.history, t.today), s.expires_on, o.overrides, %7$s) END AS tier_then,
      s.next_tier, s.metric_value, s.missing_for_next, s.missing_to_keep, s.reason
    FROM (SELECT %2$s, h.history, d.overrides, d.memberships, r.tier_program, r.as_of, r.time_zone
          FROM %3$s AS h LEFT JOIN (%4$s) AS d ON %5$s LEFT JOIN %8$s AS r ON %9$s
          WHERE h.history OPERATOR(crm.<>) '{}'::crm.purchase_history OR num_nonnulls(d.overrides, d.memberships) > 0
          UNION ALL
          SELECT %6$s, '{}'::crm.purchase_history, d.overrides, d.memberships, r.tier_program, r.as_of, r.time_zone
          FROM (%4$s) AS d LEFT JOIN %8$s AS r ON %10$s
          WHERE NOT EXISTS (SELECT FROM %3$s AS h WHERE %5$s)) AS c
      CROSS JOIN LATERAL (SELECT coalesce(c.as_of, (now() AT TIME ZONE c.time_zone)::date) AS today) AS t
      CROSS JOIN LATERAL (SELECT crm.known_overrides(c.tier_program, c.overrides) AS overrides) AS o
      CROSS JOIN LATERAL crm.standing(c.tier_program, c.history, t.today, o.overrides, %7$s) AS s$query$,
    crm_internal.column_list(keys, 'c.'), crm_internal.column_list(keys, 'h.'), histories, crm_internal.decisions_query(decisions, keys),
    crm_internal.same_keys(histories, keys, 'd', 'h'), crm_internal.column_list(keys, 'd.'), crm_internal.memberships(by_invitation, 'c.'),
    scoring, crm_internal.same_keys(histories, crm_internal.scale_by(histories, scoring), 'r', 'h'),
    crm_internal.same_keys(histories, crm_internal.scale_by(histories, scoring), 'r', 'd'));
END $$;
COMMENT ON FUNCTION crm_internal.standing_query(regclass, regclass, regclass, boolean) IS 'the query of a view of standings';

-- the objects

CREATE FUNCTION crm_internal.comment_columns(relation regclass, comments jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  PERFORM crm_internal.comment_columns(relation);
  FOR c IN SELECT key, value FROM jsonb_each_text(comments) LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, c.key, c.value);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.comment_columns(regclass, jsonb) IS 'comments the columns of a table or view, those named as it is said there';

CREATE FUNCTION crm_internal.make_decisions(histories regclass, decisions_name text, by_invitation boolean) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(histories);
BEGIN
  EXECUTE format('CREATE TABLE %s AS SELECT %s, NULL::text AS what, NULL::text AS tier, NULL::daterange AS valid, NULL::text AS decided_by,
                  NULL::timestamptz AS decided_at, NULL::text AS why FROM %s WITH NO DATA', decisions_name, crm_internal.column_list(keys, ''::text), histories);
  EXECUTE format($sql$ALTER TABLE %1$s %2$s,
    ALTER what SET NOT NULL, ALTER valid SET NOT NULL,
    ALTER decided_by SET NOT NULL, ALTER decided_by SET DEFAULT session_user,
    ALTER decided_at SET NOT NULL, ALTER decided_at SET DEFAULT now(),
    ALTER why SET NOT NULL,
    ADD CONSTRAINT what_is_a_kind_of_decision CHECK (what IN ('floor', 'ceiling', 'membership')),
    ADD CONSTRAINT tier_goes_with_floor_or_ceiling CHECK ((what = 'membership') = (tier IS NULL)),
    ADD CONSTRAINT valid_has_days CHECK (NOT isempty(valid)),
    ADD CONSTRAINT decided_by_is_given CHECK (decided_by ~ '\S'),
    ADD CONSTRAINT why_is_given CHECK (why ~ '\S')$sql$, decisions_name,
    (SELECT string_agg(format('ALTER %I SET NOT NULL', k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)));
  IF NOT by_invitation THEN
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT membership_is_by_invitation CHECK (what <> ''membership'')', decisions_name);
  END IF;
  EXECUTE format('CREATE INDEX ON %s (%s)', decisions_name, crm_internal.column_list(keys, ''::text));
  EXECUTE format('COMMENT ON TABLE %s IS %L', decisions_name,
    format('who decided what on the tiers of the customers of %s, and why; a row changes the tier at once', histories));
  PERFORM crm_internal.comment_columns(decisions_name::regclass, jsonb_build_object(
    'what', 'floor: not below the tier; ceiling: not above it; membership: of a program by invitation',
    'tier', 'the tier of a floor or a ceiling; NULL for a membership',
    'valid', 'the days on which it holds',
    'decided_by', 'who decided it',
    'decided_at', 'when',
    'why', 'the reason, for the auditor'));
  IF crm_internal.is_of_citus(histories) THEN
    PERFORM crm_internal.distribute(decisions_name::regclass, (crm_internal.tracking_of(histories)).purchases, true);
  ELSE
    PERFORM crm_internal.decision_triggers(decisions_name::regclass);
  END IF;
  RETURN decisions_name::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_decisions(regclass, text, boolean) IS 'makes the table of decisions on the tiers of customers';

CREATE FUNCTION crm_internal.make_standing(tracking crm.tracked, standing_name text) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM crm_internal.complete_rules(tracking.scoring);
  EXECUTE format('CREATE VIEW %s %s AS %s', standing_name,
    crm_internal.view_options((SELECT oid FROM pg_class WHERE oid = tracking.customers), tracking.purchases, tracking.histories),
    crm_internal.standing_query(tracking.histories, tracking.scoring, tracking.decisions, tracking.by_invitation));
  EXECUTE format('COMMENT ON VIEW %s IS %L', standing_name,
    format('how the customers of %s stand in the tier program today, decisions included', tracking.purchases));
  PERFORM crm_internal.comment_columns(standing_name::regclass, jsonb_build_object(
    'tier', 'tier held today; NULL if none',
    'tier_rank', 'rank of the tier, 1 for the lowest, 0 without a tier; NULL without a program',
    'tier_since', 'first day of the unbroken time at this tier',
    'tier_expires_on', 'first day of a lower tier or none, if nothing more is bought; NULL if there is no such day',
    'days_until_expiry', 'days from today until then',
    'tier_then', 'tier held from that day on; NULL if none',
    'next_tier', 'the tier above; NULL for the highest',
    'metric_value', 'the program''s main metric today',
    'missing_for_next', 'what is missing in that metric for the next tier',
    'missing_to_keep', 'what is missing in that metric to keep the tier beyond tier_expires_on; NULL if nothing bought would',
    'reason', 'why the customer holds this tier'));
  RETURN standing_name::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_standing(crm.tracked, text) IS 'makes the view of standings';

CREATE FUNCTION crm_internal.make_tier_functions(tracking crm.tracked, expiring_name text, within_reach_name text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys constant text[] := crm_internal.history_keys(tracking.histories);
BEGIN
  EXECUTE format($sql$CREATE FUNCTION %1$s(within_days int DEFAULT 30)
      RETURNS TABLE (%2$s, tier text, downgraded_on date, days_until_downgrade int, tier_then text, missing_to_keep numeric)
      LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %3$L$sql$,
    expiring_name,
    (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY n)
     FROM unnest(keys) WITH ORDINALITY AS u(k, n) JOIN pg_attribute a ON a.attrelid = tracking.histories AND a.attname = u.k),
    crm_internal.query_body(format('SELECT %s, s.tier, s.tier_expires_on, s.days_until_expiry, s.tier_then, s.missing_to_keep FROM %s AS s WHERE s.days_until_expiry <= $1',
      crm_internal.column_list(keys, 's.'), tracking.standing)));
  EXECUTE format('COMMENT ON FUNCTION %s(int) IS %L', expiring_name,
    format('the customers of %s who will hold a lower tier on a day within so many days if they buy nothing more', tracking.purchases));
  EXECUTE format('CREATE FUNCTION %s(missing numeric) RETURNS SETOF %s LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS %L',
    within_reach_name, tracking.standing, crm_internal.query_body(format('SELECT s.* FROM %s AS s WHERE s.missing_for_next <= $1', tracking.standing)));
  EXECUTE format('COMMENT ON FUNCTION %s(numeric) IS %L', within_reach_name,
    format('the customers of %s who miss at most so much for the next tier', tracking.purchases));
END $$;
COMMENT ON FUNCTION crm_internal.make_tier_functions(crm.tracked, text, text) IS
  'makes the functions of customers who will be downgraded and of those within reach of the next tier';

CREATE FUNCTION crm_internal.tier_functions(standing regclass) RETURNS SETOF regprocedure
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.oid::regprocedure
  FROM pg_class c JOIN pg_proc p ON p.pronamespace = c.relnamespace
  WHERE c.oid = standing AND p.proretset AND pg_has_role(p.proowner, c.relowner, 'USAGE')
    AND (p.prorettype = c.reltype AND p.proargtypes = '1700'::oidvector AND p.prosrc ~ 'SELECT s\.\* FROM .+ AS s WHERE s\.missing_for_next <= \$1'
      OR p.proargtypes = '23'::oidvector AND p.proargnames @> '{within_days,downgraded_on,tier_then}'
        AND strpos(p.prosrc, format('FROM %s AS s', standing)) > 0)
$$;
COMMENT ON FUNCTION crm_internal.tier_functions(regclass) IS 'the functions that crm.track_tiers has made beside a view of standings';

-- Earlier releases wrote them in SQL, which Citus does not plan; what else stands of them, and who may call them, stays.
CREATE FUNCTION crm_internal.remake_tier_functions(standing regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  p record;
BEGIN
  FOR p IN SELECT o.oid, o.prosrc FROM crm_internal.tier_functions(standing) AS f JOIN pg_proc o ON o.oid = f JOIN pg_class c ON c.oid = standing
           WHERE o.prolang = (SELECT oid FROM pg_language WHERE lanname = 'sql') AND o.proowner = c.relowner
  LOOP
    EXECUTE replace(replace(pg_get_functiondef(p.oid), E'\n LANGUAGE sql\n', E'\n LANGUAGE plpgsql\n'), p.prosrc, crm_internal.query_body(p.prosrc));
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.remake_tier_functions(regclass) IS 'makes those functions anew in PL/pgSQL if they are in SQL: before an update';

CREATE FUNCTION crm_internal.drop_tiers(decisions regclass, standing regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  function regprocedure;
BEGIN
  IF EXISTS (SELECT FROM pg_class WHERE oid = decisions) THEN
    PERFORM crm_internal.drop_triggers(decisions);
  END IF;
  IF EXISTS (SELECT FROM pg_class WHERE oid = standing) THEN
    FOR function IN SELECT f FROM crm_internal.tier_functions(standing) AS f LOOP
      EXECUTE format('DROP FUNCTION %s', function);
    END LOOP;
    EXECUTE format('DROP VIEW %s', standing);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.drop_tiers(regclass, regclass) IS
  'drops what crm.track_tiers made, but the table of decisions';

-- checks, one a rule

CREATE FUNCTION crm_internal.check_tiers_trackable(tracking crm.tracked) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  reserved constant text[] := '{what,tier,valid,decided_by,decided_at,why,tier_rank,tier_since,tier_expires_on,days_until_expiry,tier_then,next_tier,
    metric_value,missing_for_next,missing_to_keep,reason,overrides,memberships,within_days,downgraded_on,days_until_downgrade}';
  k text;
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    PERFORM crm_internal.raise_error('active_sql_transaction', format('crm.track_tiers cannot run in a %s transaction', upper(current_setting('transaction_isolation'))),
      detail => 'It has to see what others commit before it gets its lock.', hint => 'Begin the transaction with SET TRANSACTION ISOLATION LEVEL READ COMMITTED.');
  ELSIF NOT (SELECT pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = tracking.histories) THEN
    PERFORM crm_internal.raise_error('insufficient_privilege', format('must be owner of table %s', tracking.histories));
  ELSIF tracking.decisions IS NOT NULL THEN
    PERFORM crm_internal.raise_error('duplicate_object', format('decisions on the tiers of %s are tracked already', tracking.purchases),
      detail => format('They stand in %s.', tracking.decisions));
  END IF;
  FOREACH k IN ARRAY crm_internal.history_keys(tracking.histories) LOOP
    IF k = ANY (reserved) THEN
      PERFORM crm_internal.raise_error('duplicate_column', format('key column %I of %s has the name of a column that crm.track_tiers makes', k, tracking.histories),
        hint => 'Give it another name in the purchases view, and track that.');
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.check_tiers_trackable(crm.tracked) IS 'an error if a tracking cannot get decisions on tiers';

CREATE FUNCTION crm_internal.warn_of_unknown_tiers(histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(histories);
  unknown bigint;
BEGIN
  IF t.decisions IS NULL THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT count(*) FROM %s AS d JOIN %s AS r ON %s WHERE d.tier IS NOT NULL AND r.tier_program IS NOT NULL
                    AND NOT EXISTS (SELECT FROM crm.tiers(r.tier_program) AS p WHERE p.tier = d.tier)',
    t.decisions, t.scoring, crm_internal.same_keys(t.histories, crm_internal.scale_by(t.histories, t.scoring), 'r', 'd')) INTO unknown;
  IF unknown > 0 THEN
    RAISE WARNING 'decisions that name a tier which the program does not have: %', unknown
      USING DETAIL = format('They stand in %s and do not count.', t.decisions);
  END IF;
END $$;
COMMENT ON FUNCTION crm_internal.warn_of_unknown_tiers(regclass) IS
  'a warning if decisions name tiers that the program in force does not have';

-- the call

CREATE FUNCTION crm.track_tiers(tracking regclass, by_invitation boolean DEFAULT false) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  o crm.tracked;
  schema oid;
  base text;
  names text[];
BEGIN
  IF NOT crm_internal.is_owner(t.histories) THEN
    RETURN crm_internal.as_owner(t.histories, format('SELECT crm.track_tiers(%s::regclass, %L::boolean)', tracking::oid, by_invitation))::regclass;
  END IF;
  IF by_invitation IS NULL THEN
    PERFORM crm_internal.raise_error('null_value_not_allowed', 'by_invitation cannot be null');
  END IF;
  PERFORM crm_internal.check_tiers_trackable(t);
  -- Nobody who does not know of decisions may still be scoring.
  PERFORM crm_internal.lock_sources(t.histories);
  EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', t.scoring);

  SELECT relnamespace, regexp_replace(relname, '(.)_histories\d*$', '\1') INTO schema, base
  FROM pg_class WHERE oid = t.histories;
  names := ARRAY(SELECT format('%s.%I', schema::regnamespace, crm_internal.free_name(schema, base, s))
                 FROM unnest('{_tier_decisions,_standing,_tier_expiring,_within_reach}'::text[]) WITH ORDINALITY AS u(s, n) ORDER BY n);
  t.by_invitation := track_tiers.by_invitation;
  t.decisions := crm_internal.make_decisions(t.histories, names[1], by_invitation);
  t.standing := crm_internal.make_standing(t, names[2]);
  PERFORM crm_internal.make_tier_functions(t, names[3], names[4]);
  FOR o IN SELECT * FROM crm.tracked s WHERE s.histories = t.histories LOOP
    o.decisions := t.decisions;
    o.standing := t.standing;
    o.by_invitation := t.by_invitation;
    PERFORM crm_internal.write_tracked(o.purchases, o, '{decisions,standing,by_invitation}'::text[]);
  END LOOP;
  PERFORM crm_internal.remake_customers_on(t);
  PERFORM crm_internal.tell_nodes(t.histories);
  IF by_invitation AND crm_internal.is_of_citus(t.histories) THEN
    PERFORM crm_internal.rescore_on_shards(t.histories, NULL::text[], 2147483647, 'decision'::text);
  ELSIF by_invitation THEN
    PERFORM crm_internal.rescore(t.histories, NULL::text[], 2147483647, 'decision'::text);
  END IF;
  RETURN t.standing;
END $$;
COMMENT ON FUNCTION crm.track_tiers(regclass, boolean) IS
  'keeps decisions on the tiers of a tracking''s customers (floors, ceilings, memberships) and shows how everybody stands; returns the view of standings';
