-- untrack, detach

CREATE FUNCTION crm_internal.drop_triggers(source regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  g record;
BEGIN
  PERFORM crm_internal.allow_triggers(source);
  FOR g IN
    SELECT t.tgname, t.tgrelid::regclass AS relation
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE (t.tgrelid = source OR t.tgrelid IN (SELECT relid FROM pg_partition_tree(source)))
      AND p.pronamespace = 'crm'::regnamespace AND p.proname IN ('track_statement', 'track_row', 'track_truncate', 'track_statement_begins', 'track_statement_ended', 'track_truncate_ended',
        'decide_statement', 'decide_truncate', 'keep_rules')
    ORDER BY t.tgrelid = source DESC
  LOOP
    EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', g.tgname, g.relation);
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.drop_triggers(regclass) IS 'drops the triggers of crm from a table and its partitions';

CREATE FUNCTION crm.untrack(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(tracking);
  o crm.tracked;
  keeper constant regclass := crm_internal.relation_left(t);
  views_made regclass[] := '{}';
  view_made regclass;
  views_left constant text := crm_internal.views_left(t);
BEGIN
  IF NOT crm_internal.is_owner(keeper) THEN
    PERFORM crm_internal.as_owner(keeper, format('SELECT crm.untrack(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  FOR o IN SELECT * FROM crm.tracked WHERE histories = t.histories LOOP
    views_made := views_made || CASE WHEN o.view_made THEN ARRAY[o.purchases] ELSE '{}' END;
    -- a refresh that was stopped has left the key of a customer
    IF EXISTS (SELECT FROM pg_class WHERE oid = o.histories) THEN
      PERFORM crm_internal.write_refresh_position(o.histories, NULL::text[]);
      PERFORM crm_internal.settle(o.histories);
    END IF;
    IF EXISTS (SELECT FROM pg_class WHERE oid = o.on_shards) THEN
      PERFORM crm_internal.one_by_one(o.source);
      PERFORM crm_internal.leave_nodes(o.on_shards);
      EXECUTE format('DROP VIEW %s', o.on_shards);
    END IF;
    PERFORM crm_internal.write_tracked(o.purchases, NULL::crm.tracked, NULL::text[]);
    PERFORM crm_internal.release_tables(o.source || o.joined);
  END LOOP;
  PERFORM crm_internal.drop_tiers(t.decisions, t.standing);
  PERFORM crm_internal.drop_pictures(t);
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.scoring) THEN
    PERFORM crm_internal.drop_triggers(t.scoring);
  END IF;
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.customers) THEN
    IF crm_internal.customers_on(t.customers) IS NOT NULL THEN
      EXECUTE format('DROP FUNCTION %s(date)', crm_internal.customers_on(t.customers));
    END IF;
    EXECUTE format('DROP VIEW %s', t.customers);
  END IF;
  FOREACH view_made IN ARRAY views_made LOOP
    IF EXISTS (SELECT FROM pg_class WHERE oid = view_made) THEN
      EXECUTE format('DROP VIEW %s', view_made);
    END IF;
  END LOOP;
  IF views_left IS NOT NULL THEN
    PERFORM crm_internal.notice(format('views of %s stay, made anew with tables that they read', t.purchases), NULL::text,
      format('Drop them before crm.track takes up the tables, or its views get other names: %s', views_left));
  END IF;
END $$;
COMMENT ON FUNCTION crm.untrack(regclass) IS
  'stops keeping the histories: drops the triggers and the views that crm.track made, keeps the tables';

CREATE FUNCTION crm_internal.make_plain(relation regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT conname FROM pg_constraint WHERE conrelid = relation AND conname = 'rule_can_score'
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', relation, c.conname);
  END LOOP;
  FOR c IN
    SELECT a.attname, CASE a.atttypid WHEN 'crm.purchase_history'::regtype THEN 'jsonb' ELSE 'text' END AS plain,
      a.attgenerated <> '' AS generated, col_description(relation, a.attnum) AS says
    FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND y.typnamespace = 'crm'::regnamespace
    -- what is generated comes first: it reads the others
    ORDER BY a.attgenerated DESC, a.attnum
  LOOP
    IF c.generated THEN
      -- PostgreSQL 13 keeps a column on the function that made it, though its expression is dropped: a new one takes its place
      EXECUTE format('ALTER TABLE %s ADD crm_plain %s', relation, c.plain);
      EXECUTE format('ALTER TABLE %s ALTER crm_plain TYPE %s USING %I::%2$s', relation, c.plain, c.attname);
      EXECUTE format('ALTER TABLE %s DROP %I', relation, c.attname);
      EXECUTE format('ALTER TABLE %s RENAME crm_plain TO %I', relation, c.attname);
      EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, c.attname, c.says);
    ELSE
      EXECUTE format('ALTER TABLE %s ALTER %I DROP DEFAULT', relation, c.attname);
      EXECUTE format('ALTER TABLE %s ALTER %I TYPE %s USING %2$I::%3$s', relation, c.attname, c.plain);
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.make_plain(regclass) IS 'turns the columns of a table that have types of crm into built-in ones';

CREATE FUNCTION crm.detach(tracking regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_tracked constant boolean := EXISTS (SELECT FROM crm.tracked o WHERE tracking::oid = ANY (crm_internal.relations_of(o)));
  t crm.tracked;
  keeper regclass;
BEGIN
  IF is_tracked THEN
    t := crm_internal.tracking_of(tracking);
  END IF;
  keeper := CASE WHEN is_tracked THEN crm_internal.relation_left(t) ELSE tracking END;
  IF NOT crm_internal.is_owner(keeper) THEN
    PERFORM crm_internal.as_owner(keeper, format('SELECT crm.detach(%s::regclass)', tracking::oid));
    RETURN;
  END IF;
  IF NOT is_tracked THEN
    -- crm.untrack came before; if it left nothing, the error is that there is no tracking
    IF crm_internal.detach_left(tracking) = 0 THEN
      PERFORM crm_internal.tracking_of(tracking);
    END IF;
    RETURN;
  END IF;
  PERFORM crm.untrack(tracking);
  PERFORM crm_internal.make_plain(t.histories);
  PERFORM crm_internal.make_plain(t.scoring);
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.rules) THEN
    PERFORM crm_internal.make_plain(t.rules);
  END IF;
  IF EXISTS (SELECT FROM pg_class WHERE oid = t.models) THEN
    PERFORM crm_internal.make_plain(t.models);
  END IF;
  IF crm_internal.detached_histories(t) IS NOT NULL THEN
    PERFORM crm_internal.make_plain(t.detached_histories);
  END IF;
END $$;
COMMENT ON FUNCTION crm.detach(regclass) IS
  'stops keeping the histories and makes their tables plain, with histories as jsonb, so that the extension can be dropped';
