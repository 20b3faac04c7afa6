-- no owner's code runs as another where a tracking's relations are gone or belong to different owners

CREATE OR REPLACE FUNCTION crm.is_owner(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN relation IS NOT NULL THEN EXISTS (SELECT FROM pg_class c, pg_roles r WHERE c.oid = relation AND r.oid = c.relowner AND r.rolname = current_user) END
$$;
COMMENT ON FUNCTION crm.is_owner(regclass) IS
  'whether the current user is the owner of a relation, and not only a member of that role or a superuser; of one that was dropped nobody is';
CREATE OR REPLACE FUNCTION crm.check_trackable(relation regclass, histories regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c pg_class;
BEGIN
  SELECT * INTO c FROM pg_class WHERE oid = relation;
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE active_sql_transaction USING MESSAGE = format('crm.track cannot run in a %s transaction', upper(current_setting('transaction_isolation'))),
      DETAIL = 'It has to see what others commit before it gets its lock.';
  ELSIF relation IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'relation to track cannot be NULL';
  ELSIF c.relkind NOT IN ('r', 'p', 'v') THEN
    RAISE wrong_object_type USING MESSAGE = format('%s is neither a table nor a view', relation);
  ELSIF c.relpersistence = 't' THEN
    RAISE wrong_object_type USING MESSAGE = format('%s is temporary and cannot be tracked', relation);
  ELSIF c.relkind = 'r' AND NOT c.relispartition AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relation) THEN
    RAISE wrong_object_type USING MESSAGE = format('%s inherits from another table and cannot be tracked', relation),
      DETAIL = 'What is written through the parent would not be seen.', HINT = 'Track the parent, or a view, which crm.refresh keeps.';
  ELSIF NOT pg_has_role(current_user, c.relowner, 'USAGE') THEN
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of relation %s', relation);
  ELSIF histories IS NULL AND NOT has_schema_privilege(current_user, c.relnamespace, 'CREATE') THEN
    RAISE insufficient_privilege USING MESSAGE = format('%s may not create tables in schema %s', current_user, c.relnamespace::regnamespace),
      DETAIL = format('A tracking belongs to the owner of %s and stands beside it.', relation),
      HINT = format('GRANT CREATE ON SCHEMA %s TO %I', c.relnamespace::regnamespace, current_user);
  ELSIF EXISTS (SELECT FROM crm.tracked t WHERE t.purchases = relation) THEN
    RAISE duplicate_object USING MESSAGE = format('%s is tracked already', relation);
  ELSIF histories IS NOT NULL AND NOT EXISTS (SELECT FROM crm.tracked t WHERE t.histories = check_trackable.histories) THEN
    RAISE undefined_object USING MESSAGE = format('table %s holds no tracked histories', histories);
  ELSIF histories IS NOT NULL AND NOT crm.is_owner(histories) THEN
    -- what their owner hung onto them would run as the owner of the relation
    RAISE insufficient_privilege USING MESSAGE = format('%s belongs to %s, who does not own the histories %s', relation, current_user, histories),
      HINT = 'Give the relations of a tracking to one owner.';
  END IF;
END $$;
CREATE OR REPLACE FUNCTION crm.tracking_of(relation regclass) RETURNS crm.tracked
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_histories regclass[] := ARRAY(
    SELECT DISTINCT t.histories::oid FROM crm.tracked t
    WHERE relation IN (t.purchases, t.histories, t.customers, t.source, t.decisions, t.standing) ORDER BY 1);
  tracking crm.tracked;
  stray record;
BEGIN
  IF cardinality(found_histories) = 0 THEN
    RAISE undefined_object USING MESSAGE = format('%s is not tracked', relation),
      HINT = format('SELECT crm.track(%L) tracks it; SELECT * FROM crm.tracked lists what is.', relation);
  ELSIF cardinality(found_histories) > 1 THEN
    RAISE ambiguous_parameter USING MESSAGE = format('%s feeds more than one tracking', relation),
      HINT = 'Name the purchases view or the histories instead.';
  END IF;
  SELECT * INTO tracking FROM crm.tracked t WHERE t.histories = found_histories[1] ORDER BY t.tracked_at, t.purchases LIMIT 1;
  -- what hangs on any of these would run as the owner of the histories
  SELECT c.oid::regclass AS relation, c.relowner::regrole AS owner, h.relowner::regrole AS keeper INTO stray
  FROM crm.tracked t JOIN pg_class h ON h.oid = t.histories JOIN pg_class c ON c.oid IN (t.purchases, t.scoring, t.changes, t.models)
  WHERE t.histories = tracking.histories AND NOT pg_has_role(c.relowner, h.relowner, 'USAGE') ORDER BY c.oid LIMIT 1;
  IF FOUND THEN
    RAISE insufficient_privilege USING MESSAGE = format('%s belongs to %s, the histories that it serves to %s', stray.relation, stray.owner, stray.keeper),
      HINT = 'Give the relations of a tracking to one owner.';
  END IF;
  RETURN tracking;
END $$;
CREATE OR REPLACE FUNCTION crm.verify(tracking regclass, since date DEFAULT NULL)
  RETURNS TABLE (customer jsonb, problem text, stored text, recomputed text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  keeper constant regclass := crm.relation_left(t);
  keys constant text[] := crm.history_keys(t.histories);
  recent text := 'true';
BEGIN
  -- the view's functions run as their owner; what they say is handed over as data
  IF NOT crm.is_owner(keeper) THEN
    RETURN QUERY SELECT d.row -> 'customer', d.row ->> 'problem', d.row ->> 'stored', d.row ->> 'recomputed'
      FROM jsonb_array_elements(crm.as_owner(keeper, format('SELECT coalesce(jsonb_agg(to_jsonb(v)), ''[]'') FROM crm.verify(%s::regclass, %L::date) AS v',
        tracking::oid, since))::jsonb) WITH ORDINALITY AS d(row, n) ORDER BY d.n;
    RETURN;
  END IF;
  RETURN QUERY SELECT NULL::jsonb, format('%s %s', u.relation, u.problem), NULL::text, NULL::text FROM crm.unfollowed(tracking) u;
  IF EXISTS (SELECT FROM crm.unfollowed(tracking) u WHERE u.problem LIKE 'has been dropped%') THEN
    RETURN;
  END IF;
  IF since IS NOT NULL THEN
    recent := format('coalesce(crm.last_purchase(f.history), crm.last_purchase(h.history)) >= %L OR crm.last_purchase(h.history) >= %1$L', since);
  END IF;
  RETURN QUERY EXECUTE format($sql$
    SELECT jsonb_build_object(%1$s), 'history', h.history::text, f.history::text
    FROM (%2$s) AS f FULL JOIN %3$s AS h ON %4$s
    WHERE NOT coalesce(h.history OPERATOR(crm.=) f.history, false) AND (%5$s)$sql$,
    (SELECT string_agg(format('%L, coalesce(f.%I, h.%2$I)', k, k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm.all_histories_query(t.histories), t.histories, crm.same_keys(t.histories, keys, 'f', 'h'), recent);
  RETURN QUERY EXECUTE format($sql$
    SELECT jsonb_build_object(%1$s), 'score', ROW(%2$s)::text, ROW(%7$s)::text
    FROM %3$s AS h LEFT JOIN %4$s AS r ON %5$s %9$s,
      LATERAL %6$s AS c
    WHERE ROW(%2$s) IS DISTINCT FROM ROW(%7$s) AND (%8$s)$sql$,
    (SELECT string_agg(format('%L, h.%I', k, k), ', ' ORDER BY n) FROM unnest(keys) WITH ORDINALITY AS u(k, n)),
    crm.column_list(crm.score_columns(), 'h.'), t.histories, t.scoring,
    crm.same_keys(t.histories, crm.scale_by(t.histories, t.scoring), 'r', 'h'),
    crm.score_call(t.histories, 'h.history', 'greatest(h.scored_on, r.refreshed_on)'),
    crm.column_list(crm.score_columns(), 'c.'),
    CASE WHEN since IS NULL THEN 'true' ELSE format('crm.last_purchase(h.history) >= %L', since) END,
    crm.decisions_join(t.histories));
END $$;
CREATE OR REPLACE FUNCTION crm.untrack(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm.tracking_of(tracking);
  o crm.tracked;
  keeper constant regclass := crm.relation_left(t);
  views_made regclass[] := '{}';
  view_made regclass;
BEGIN
  IF NOT crm.is_owner(keeper) THEN
    PERFORM crm.as_owner(keeper, format('SELECT crm.untrack(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  FOR o IN SELECT * FROM crm.tracked WHERE histories = t.histories LOOP
    views_made := views_made || CASE WHEN o.view_made THEN ARRAY[o.purchases] ELSE '{}' END;
    -- a refresh that was stopped has left the key of a customer
    IF EXISTS (SELECT FROM pg_class WHERE oid = o.histories) THEN
      PERFORM crm.write_refresh_position(o.histories, NULL::text[]);
    END IF;
    PERFORM crm.write_tracked(o.purchases, NULL::crm.tracked, NULL::text[]);
    IF NOT EXISTS (SELECT FROM crm.tracked WHERE source = o.source)
       AND EXISTS (SELECT FROM pg_class WHERE oid = o.source) THEN
      PERFORM crm.drop_triggers(o.source);
    END IF;
  END LOOP;
  PERFORM crm.drop_tiers(t.decisions, t.standing);
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.customers) THEN
    IF crm.customers_on(t.customers) IS NOT NULL THEN
      EXECUTE format('DROP FUNCTION %s(date)', crm.customers_on(t.customers));
    END IF;
    EXECUTE format('DROP VIEW %s', t.customers);
  END IF;
  FOREACH view_made IN ARRAY views_made LOOP
    IF EXISTS (SELECT FROM pg_class WHERE oid = view_made) THEN
      EXECUTE format('DROP VIEW %s', view_made);
    END IF;
  END LOOP;
END $$;
