-- partitions of tracked tables: those that come are followed, those that go are kept or forgotten

CREATE FUNCTION crm_internal.count_partition(purchases regclass, part regclass, came boolean, kept regclass, why text) RETURNS void
  LANGUAGE C VOLATILE COST 1000 AS 'MODULE_PATHNAME', 'crm_count_partition';
COMMENT ON FUNCTION crm_internal.count_partition(regclass, regclass, boolean, regclass, text) IS
  'counts the rows of a partition that came, in place of what a table of detached histories keeps of it, or takes them away; why is what the log of changes gives as the reason';
CREATE FUNCTION crm_internal.keep_partition(purchases regclass, part regclass, kept regclass) RETURNS void
  LANGUAGE C VOLATILE STRICT COST 1000 AS 'MODULE_PATHNAME', 'crm_keep_partition';
COMMENT ON FUNCTION crm_internal.keep_partition(regclass, regclass, regclass) IS
  'adds what the rows of a detached partition mean to a purchases view to a table of detached histories';

CREATE FUNCTION crm_internal.leaves(part regclass) RETURNS SETOF regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass FROM pg_class c
  WHERE (c.oid = part OR c.oid IN (SELECT relid FROM pg_partition_tree(part))) AND c.relkind = 'r' ORDER BY c.oid
$$;
COMMENT ON FUNCTION crm_internal.leaves(regclass) IS 'the tables with rows of a partition: itself, or its partitions';

CREATE FUNCTION crm_internal.detached_histories(tracking crm.tracked) RETURNS regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass FROM pg_class c WHERE c.oid = tracking.detached_histories
$$;
COMMENT ON FUNCTION crm_internal.detached_histories(crm.tracked) IS 'the table of what detached partitions held; NULL if there is none, or its owner has dropped it';

CREATE FUNCTION crm_internal.make_detached(histories regclass) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked := crm_internal.tracking_of(histories);
  keys constant text := crm_internal.column_list(crm_internal.history_keys(histories), ''::text);
  made text := crm_internal.detached_histories(t)::text;
  schema oid;
  base text;
BEGIN
  IF made IS NOT NULL THEN
    RETURN made::regclass;
  END IF;
  SELECT relnamespace, regexp_replace(relname, '(.)_histories\d*$', '\1') INTO schema, base FROM pg_class WHERE oid = histories;
  made := format('%s.%I', schema::regnamespace, crm_internal.free_name(schema, base, '_detached'::text));
  EXECUTE format('CREATE TABLE %s AS SELECT NULL::regclass AS partition, NULL::text AS partition_name, %s, %s, NULL::timestamptz AS detached_at FROM %s WITH NO DATA',
    made, keys, CASE WHEN crm_internal.keeps_mix(histories) THEN 'history, mix' ELSE 'history' END, histories);
  EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (partition, %s), ALTER partition_name SET NOT NULL, ALTER history SET NOT NULL, ALTER detached_at SET DEFAULT now()', made, keys);
  EXECUTE format('COMMENT ON TABLE %s IS %L', made, format('what customers of %s bought by the rows of partitions that were detached since: it still counts', histories));
  PERFORM crm_internal.comment_columns(made::regclass);
  FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = make_detached.histories LOOP
    t.detached_histories := made::regclass;
    PERFORM crm_internal.write_tracked(t.purchases, t, '{detached_histories}'::text[]);
  END LOOP;
  RETURN made::regclass;
END $$;
COMMENT ON FUNCTION crm_internal.make_detached(regclass) IS 'makes the table of what detached partitions held beside a table of histories, unless it is there';

CREATE FUNCTION crm_internal.partition_attached(histories regclass, root regclass, part regclass, with_rows boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  leaf regclass;
  kept regclass;
BEGIN
  SELECT * INTO t FROM crm.tracked o WHERE o.histories = partition_attached.histories AND o.source = root AND o.joined IS NULL LIMIT 1;
  -- no trigger sees the rows of a foreign table, and PostgreSQL refuses those of the others beside it
  IF EXISTS (SELECT FROM pg_class c WHERE (c.oid = part OR c.oid IN (SELECT relid FROM pg_partition_tree(part))) AND c.relkind = 'f') THEN
    PERFORM crm_internal.leave_triggers(histories);
    RETURN;
  END IF;
  PERFORM crm_internal.follow_tables(ARRAY[part], t.by_row);
  IF NOT with_rows THEN
    RETURN;
  END IF;
  kept := crm_internal.detached_histories(t);
  FOR leaf IN SELECT l FROM crm_internal.leaves(part) AS l LOOP
    FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = partition_attached.histories AND o.source = root AND o.joined IS NULL ORDER BY o.purchases LOOP
      PERFORM crm_internal.count_partition(t.purchases, leaf, true, kept, 'attach'::text);
      IF kept IS NOT NULL THEN
        EXECUTE format('DELETE FROM %s WHERE partition = $1', kept) USING leaf;
      END IF;
    END LOOP;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.partition_attached(regclass, regclass, regclass, boolean) IS
  'follows a partition that came and counts its rows, if it may have some, in place of what was kept of it when it was detached';

CREATE FUNCTION crm_internal.partition_detached(histories regclass, root regclass, part regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  leaf regclass;
BEGIN
  FOR leaf IN SELECT l FROM crm_internal.leaves(part) AS l LOOP
    FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = partition_detached.histories AND o.source = root AND o.joined IS NULL ORDER BY o.purchases LOOP
      IF t.detached = 'keep' THEN
        PERFORM crm_internal.keep_partition(t.purchases, leaf, crm_internal.make_detached(histories));
      ELSE
        PERFORM crm_internal.count_partition(t.purchases, leaf, false, NULL::regclass, 'detach'::text);
      END IF;
    END LOOP;
  END LOOP;
END $$;
COMMENT ON FUNCTION crm_internal.partition_detached(regclass, regclass, regclass) IS
  'keeps what the rows of a partition mean that goes, or takes it away, as the tracking says';

-- Called by the event trigger as the owner of the histories. What fails is no reason for the user's command to fail.
CREATE FUNCTION crm_internal.partition_changed(histories regclass, root regclass, part regclass, what text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  t crm.tracked;
  -- everybody may see it, so it says no more than that
  message constant text := format('partition %s was %s, but could not be followed', part, what);
BEGIN
  IF NOT crm_internal.is_owner(histories) THEN
    PERFORM crm_internal.as_owner(histories, format('SELECT crm_internal.partition_changed(%s::regclass, %s::regclass, %s::regclass, %L::text)',
      histories::oid, root::oid, part::oid, what));
    RETURN;
  END IF;
  PERFORM crm_internal.settle(histories);
  BEGIN
    IF EXISTS (SELECT FROM crm.tracked o WHERE o.histories = partition_changed.histories AND o.source = root AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = o.purchases)) THEN
      PERFORM crm_internal.raise_error('undefined_table', format('a purchases view of %s has been dropped, see crm.untrack', histories));
    END IF;
    IF what IN ('created', 'attached') THEN
      PERFORM crm_internal.partition_attached(histories, root, part, what = 'attached');
    ELSE
      PERFORM crm_internal.partition_detached(histories, root, part);
      IF what = 'detached' AND NOT EXISTS (SELECT FROM crm.tracked o WHERE part = ANY (o.source || o.joined)) THEN
        PERFORM crm_internal.drop_triggers(part);
      END IF;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    RAISE WARNING USING MESSAGE = format('%s: %s', message, SQLERRM), HINT = format('When it is repaired, SELECT crm.track_partitions(%L), then crm.rebuild.', histories);
    BEGIN
      FOR t IN SELECT * FROM crm.tracked o WHERE o.histories = partition_changed.histories AND o.source = root LOOP
        t.problem := message;
        PERFORM crm_internal.write_tracked(t.purchases, t, '{problem}'::text[]);
      END LOOP;
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING '%', SQLERRM;
    END;
  END;
END $$;
COMMENT ON FUNCTION crm_internal.partition_changed(regclass, regclass, regclass, text) IS
  'follows a partition that was created, attached or detached or is about to be dropped; what fails becomes a warning and the problem of the tracking';

CREATE FUNCTION crm_internal.follow_partitions() RETURNS event_trigger
  LANGUAGE C COST 10 AS 'MODULE_PATHNAME', 'crm_follow_partitions';
COMMENT ON FUNCTION crm_internal.follow_partitions() IS 'finds the partitions of tracked tables that a command brings or takes';
CREATE EVENT TRIGGER crm_partitions ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE', 'CREATE SCHEMA')
  EXECUTE FUNCTION crm_internal.follow_partitions();
COMMENT ON EVENT TRIGGER crm_partitions IS 'follows partitions of tracked tables that are attached or detached';
CREATE EVENT TRIGGER crm_partitions_dropped ON ddl_command_start WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA')
  EXECUTE FUNCTION crm_internal.follow_partitions();
COMMENT ON EVENT TRIGGER crm_partitions_dropped IS 'follows partitions of tracked tables that are dropped';
